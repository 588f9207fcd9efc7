"""TableEncoder: columns of all types, from pandas, polars, arrays and lists."""

import datetime
import pickle
from copy import deepcopy

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator

from skffnn import InvalidParameterError, TableEncoder, make_tabular_classifier

NAN = np.nan
# The encoded columns of the table below, by name.
ENCODED = {
    "whole": [1, 2, 3, 4],
    "real": [0.5, NAN, 2.5, 3.5],
    "none": [NAN, NAN, NAN, NAN],
    "constant": [7, 7, 7, 7],
    "colour_blue": [0, 1, 0, 0],
    "colour_missing": [0, 0, 1, 0],
    "colour_red": [1, 0, 0, 1],
    "flag_False": [0, 0, 1, 0],
    "flag_True": [1, 1, 0, 1],
    "answer_False": [0, 0, 1, 0],
    "answer_True": [1, 0, 0, 1],
    "answer_missing": [0, 1, 0, 0],
}
COLUMNS = {
    "whole": [1, 2, 3, 4],
    "real": [0.5, None, 2.5, 3.5],
    "none": [None, None, None, None],
    "constant": [7, 7, 7, 7],
    "colour": ["red", "blue", None, "red"],
    "flag": [True, True, False, True],
    "answer": [True, None, False, True],
}


def rows():
    """Return the table as a list of rows."""
    return [list(row) for row in zip(*COLUMNS.values(), strict=True)]


def tables():
    """Return the table as each type of container."""
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    frame = pd.DataFrame(COLUMNS)
    return {
        "pandas": frame,
        "pandas, nullable": frame.convert_dtypes(),
        "pandas, categories": frame.astype({"colour": "category"}),
        "polars": pl.DataFrame(COLUMNS),
        "polars, categories": pl.DataFrame(COLUMNS).with_columns(
            pl.col("colour").cast(pl.Categorical)
        ),
        "array": np.array(rows(), dtype=object),
        "list": rows(),
    }


@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings on purpose
def test_all_scikit_learn_checks_pass():
    check_estimator(TableEncoder(), on_skip=None)


@pytest.mark.parametrize(
    "form",
    [
        "pandas",
        "pandas, nullable",
        "pandas, categories",
        "polars",
        "polars, categories",
        "array",
        "list",
    ],
)
def test_the_type_of_the_container_makes_no_difference(form):
    table = tables()[form]
    encoder = TableEncoder()
    encoded = encoder.fit_transform(table)
    np.testing.assert_array_equal(encoded, np.transpose(list(ENCODED.values())))
    np.testing.assert_array_equal(encoder.transform(table), encoded)
    names = list(encoder.get_feature_names_out(list(COLUMNS)))
    assert names == list(ENCODED)


def test_a_numeric_table_is_unchanged():
    X = np.random.default_rng(0).normal(size=(5, 3))
    X[1, 2] = NAN
    np.testing.assert_array_equal(TableEncoder().fit_transform(X), X)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_the_container_may_change_between_fit_and_transform(library):
    encoder = TableEncoder().fit(rows())
    np.testing.assert_array_equal(
        encoder.transform(tables()["array"]), encoder.transform(rows())
    )
    frame = tables()[library]
    with pytest.warns(UserWarning, match="feature names"):
        np.testing.assert_array_equal(
            encoder.transform(frame), encoder.transform(rows())
        )


def test_numbers_of_a_pandas_category_dtype_are_categorical():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"month": pd.Categorical([12, 1, 12])})
    encoder = TableEncoder().fit(frame)
    assert list(encoder.get_feature_names_out()) == ["month_1", "month_12"]
    # A missing value converts integers to floats, but the categories are the same.
    later = pd.DataFrame({"month": pd.Categorical([1.0, None], categories=[1.0])})
    np.testing.assert_array_equal(encoder.transform(later), [[1, 0], [0, 0]])


def test_unseen_categories_are_all_zeros():
    encoder = TableEncoder().fit([["a"], ["b"]])
    np.testing.assert_array_equal(
        encoder.transform([["c"], [None], ["b"]]), [[0, 0], [0, 0], [0, 1]]
    )


def test_infrequent_and_unseen_categories_share_a_column():
    letters = [["a"], ["a"], ["b"], ["b"], ["c"], [None]]
    encoder = TableEncoder(max_categories=3).fit(letters)
    assert list(encoder.get_feature_names_out()) == ["x0_a", "x0_b", "x0_other"]
    np.testing.assert_array_equal(
        encoder.transform([["a"], ["c"], ["unseen"], [None]]),
        [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]],
    )


@pytest.mark.parametrize("copied", [deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_a_copy_keeps_the_column_of_infrequent_categories(copied):
    encoder = TableEncoder(max_categories=2).fit([["a"], ["a"], ["b"], ["c"]])
    np.testing.assert_array_equal(copied(encoder).transform([["c"]]), [[0, 1]])
    assert list(copied(encoder).get_feature_names_out()) == ["x0_a", "x0_other"]


def test_the_order_of_the_rows_makes_no_difference():
    table = [["b", 1], ["a", 2], ["b", 3], ["c", 4]]
    forward, backward = (TableEncoder(max_categories=2) for _ in range(2))
    np.testing.assert_array_equal(
        forward.fit(table).transform(table), backward.fit(table[::-1]).transform(table)
    )


def test_a_mixture_of_numbers_and_strings_is_categorical():
    encoder = TableEncoder().fit([[1], ["one"], [2.5]])
    assert list(encoder.get_feature_names_out()) == ["x0_1", "x0_2.5", "x0_one"]


def test_infinity_is_rejected_with_the_name_of_its_column():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"age": [1.0, 2.0], "height": [1.0, -np.inf]})
    with pytest.raises(ValueError, match=r"infinity.*'height'"):
        TableEncoder().fit(frame)
    encoder = TableEncoder().fit(frame.replace(-np.inf, 1))
    with pytest.raises(ValueError, match=r"infinity.*'height'"):
        encoder.transform(frame)


def test_strings_in_a_numeric_column_are_rejected_in_transform():
    encoder = TableEncoder().fit([[1.0, 2.0]])
    with pytest.raises(ValueError, match="Column 1 of X was numeric in fit"):
        encoder.transform([[1.0, "two"]])


MOMENTS = [datetime.datetime(2024, 2, 29, 6, 30), datetime.datetime(1969, 12, 28, 12)]
# Days since 1970, month, weekday and hour, counted by hand.
NUMBERS = [[19782 + 6.5 / 24, 2, 3, 6.5], [-3.5, 12, 6, 12]]


def dated_columns():
    """Return the same times in columns of every kind."""
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    series = pd.Series(MOMENTS)
    return {
        "pandas": pd.DataFrame({"at": series}),
        "pandas, seconds": pd.DataFrame({"at": series.astype("datetime64[s]")}),
        "pandas, zone": pd.DataFrame({"at": series.dt.tz_localize("Asia/Tokyo")}),
        "pandas, objects": pd.DataFrame({"at": pd.Series(MOMENTS, dtype=object)}),
        "polars": pl.DataFrame({"at": MOMENTS}),
        "polars, zone": pl.DataFrame({"at": MOMENTS}).with_columns(
            pl.col("at").dt.replace_time_zone("Asia/Tokyo")
        ),
        "numpy": np.array(MOMENTS, dtype="datetime64[us]")[:, np.newaxis],
        "objects": np.array(MOMENTS, dtype=object)[:, np.newaxis],
        "list": [[moment] for moment in MOMENTS],
    }


class TestDates:
    """Dates and times are converted to several numbers."""

    @pytest.mark.parametrize(
        "kind",
        [
            *("pandas", "pandas, seconds", "pandas, zone", "pandas, objects"),
            *("polars", "polars, zone", "numpy", "objects", "list"),
        ],
    )
    def test_of_every_kind(self, kind):
        X = dated_columns()[kind]
        encoder = TableEncoder().fit(X)
        np.testing.assert_allclose(encoder.transform(X), NUMBERS)
        name = "at" if "pandas" in kind or "polars" in kind else "x0"
        names = [f"{name}_{part}" for part in ("days", "month", "weekday", "hour")]
        assert encoder.get_feature_names_out().tolist() == names

    def test_without_times(self):
        days = [[moment.date()] for moment in MOMENTS]
        x = TableEncoder().fit_transform(days)
        expected = np.floor([[19782, 2, 3, 0], [-4, 12, 6, 0]])
        np.testing.assert_array_equal(x, expected)

    def test_some_are_missing(self):
        pd = pytest.importorskip("pandas")
        for gap in (None, np.nan, pd.NaT):
            column = np.array([[MOMENTS[0]], [gap]], dtype=object)
            x = TableEncoder().fit_transform(column)
            np.testing.assert_allclose(x[0], NUMBERS[0])
            assert np.isnan(x[1]).all()

    def test_all_are_missing_later(self):
        encoder = TableEncoder().fit([[moment] for moment in MOMENTS])
        assert np.isnan(encoder.transform([[None]])).all()

    def test_durations_are_days(self):
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame({"for": pd.to_timedelta(["36h", None])})
        x = TableEncoder().fit_transform(frame)
        np.testing.assert_array_equal(x, [[1.5], [np.nan]])

    def test_something_else_in_transform(self):
        pd = pytest.importorskip("pandas")
        dated = pd.DataFrame({"at": MOMENTS})
        text, number = pd.DataFrame({"at": ["now"]}), pd.DataFrame({"at": [1.0]})
        encoder = TableEncoder().fit(dated)
        for other in (text, number):
            with pytest.raises(ValueError, match="'at' of X had dates in fit"):
                encoder.transform(other)
        with pytest.raises(ValueError, match="was numeric in fit, but has dates now"):
            TableEncoder().fit(number).transform(dated)

    def test_in_a_pipeline(self):
        hours = np.arange(200) % 24
        start = np.datetime64("2024-01-01T00", "us")
        X = (start + np.arange(200) * np.timedelta64(1, "h"))[:, np.newaxis]
        model = make_tabular_classifier(n_networks=2, max_iter=20, random_state=0)
        y = (hours < 12).astype(int)
        assert model.fit(X, y).score(X, y) > 0.95


def test_cells_that_are_lists_are_rejected():
    cells = np.empty((2, 1), dtype=object)
    cells[:, 0] = [[1], [2, 3]]
    with pytest.raises(TypeError, match="must be a string or a number"):
        TableEncoder().fit(cells)


@pytest.mark.parametrize("max_columns", [20, 10**9])
def test_any_maximum_of_categories_means_no_limit(max_columns):
    table = [[f"a {i}", f"b {i % 7}"] for i in range(70)]
    encoder = TableEncoder(max_categories=10**12, max_columns=max_columns).fit(table)
    sizes = [len(categories) for categories in encoder.categories_]
    assert sizes == ([13, 7] if max_columns == 20 else [70, 7])


@pytest.mark.parametrize("form", ["lists", "pandas"])
def test_a_table_without_columns_is_an_error(form):
    X = [[], []]
    if form == "pandas":
        X = pytest.importorskip("pandas").DataFrame(index=range(2))
    for fit in (TableEncoder().fit, TableEncoder(target_means="classes").fit_transform):
        with pytest.raises(ValueError, match=r"0 feature\(s\)"):
            fit(X, [0, 1])


@pytest.mark.parametrize("n", [1, 0, 2.5, None])
def test_an_invalid_number_of_categories_is_refused(n):
    with pytest.raises(InvalidParameterError, match="max_categories"):
        TableEncoder(max_categories=n).fit([["a"]])


# ----------------------------------------------------- the names of the encoded columns

# Tables with the names of their encoded columns. If two names are equal, string
# categories are quoted, and names that are still equal are numbered.
COLLISIONS = {
    "a category called missing": (
        {"x": ["missing", None, "red"]},
        ["x_'missing'", "x_missing", "x_red"],
    ),
    "a category called other": (
        {"x": ["other", "red", "blue", "other", "red", "blue", "green", "grey"]},
        ["x_blue", "x_'other'", "x_red", "x_other"],
    ),
    "a number and the same number as a string": (
        {"x": [1, "1", 2.5, "2.5"]},
        ["x_'1'", "x_1", "x_'2.5'", "x_2.5"],
    ),
    "a boolean and the same boolean as a string": (
        {"x": [True, "True", False]},
        ["x_False", "x_'True'", "x_True"],
    ),
    "underscores in a column and in a category": (
        {"a_b": ["c", "d"], "a": ["b_c", "e"]},
        ["a_b_'c'", "a_b_d", "a_'b_c'", "a_e"],
    ),
    "a numeric column called like an encoded category": (
        {"x": ["red", "blue"], "x_red": [1, 2]},
        ["x_blue", "x_'red'", "x_red"],
    ),
    "a numeric column called like missing cells": (
        {"x": ["red", None], "x_missing": [1, 2]},
        ["x_missing_2", "x_red", "x_missing"],
    ),
    "a category with quotes of its own": (
        {"x": ["'missing'", "missing", None]},
        ["x_'missing'", "x_'missing'_2", "x_missing"],
    ),
    "a numbered name that is taken": (
        {"x": ["red", None], "x_missing": [1, 2], "x_missing_2": [3, 4]},
        ["x_missing_3", "x_red", "x_missing", "x_missing_2"],
    ),
}


@pytest.mark.parametrize("case", COLLISIONS)
@pytest.mark.parametrize("order", [1, -1], ids=["forward", "backward"])
def test_names_are_unique_and_independent_of_the_order_of_the_rows(case, order):
    table, expected = COLLISIONS[case]
    rows = [list(row) for row in zip(*table.values(), strict=True)][::order]
    encoder = TableEncoder(max_categories=4).fit(rows)
    names = list(encoder.get_feature_names_out(list(table)))
    assert names == expected
    assert len(set(names)) == encoder.transform(rows).shape[1]


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("case", COLLISIONS)
def test_dataframes_have_unique_column_names(case, library):
    pd = pytest.importorskip("pandas")
    pytest.importorskip(library)
    table, expected = COLLISIONS[case]
    encoder = TableEncoder(max_categories=4)
    encoder.set_output(transform=library)
    frame = encoder.fit_transform(pd.DataFrame(table))
    assert list(frame.columns) == expected
    np.testing.assert_array_equal(
        frame.to_numpy(),
        encoder.set_output(transform="default").transform(pd.DataFrame(table)),
    )


def test_quoted_names_belong_to_the_right_columns():
    table = [["missing"], [None], ["missing"], [1], ["1"]]
    encoder = TableEncoder().fit(table)
    encoded = dict(
        zip(encoder.get_feature_names_out(), encoder.transform(table).T, strict=True)
    )
    np.testing.assert_array_equal(encoded["x0_'missing'"], [1, 0, 1, 0, 0])
    np.testing.assert_array_equal(encoded["x0_missing"], [0, 1, 0, 0, 0])
    np.testing.assert_array_equal(encoded["x0_1"], [0, 0, 0, 1, 0])
    np.testing.assert_array_equal(encoded["x0_'1'"], [0, 0, 0, 0, 1])


def test_equal_input_features_are_numbered():
    encoder = TableEncoder().fit([[1, 2, "red", "red"]])
    names = encoder.get_feature_names_out(["x", "x", "y", "y"])
    assert list(names) == ["x", "x_2", "y_'red'", "y_'red'_2"]


def test_categories_that_are_whole_numbers_with_gaps():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": pd.Categorical([1, 2, None, 1])})
    encoder = TableEncoder()
    encoded = encoder.fit_transform(frame)
    names = encoder.get_feature_names_out().tolist()
    assert names[-1] == "a_missing"
    np.testing.assert_array_equal(encoded.argmax(axis=1), [0, 1, 2, 0])


CONTAINERS = [
    "pandas",
    "pandas, nullable",
    "pandas, categories",
    "polars",
    "polars, categories",
    "array",
    "list",
]


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_row_is_encoded_as_in_its_table(kind):
    table = tables()[kind]
    encoder = TableEncoder(max_categories=2).fit(table)
    whole = encoder.transform(table)
    for i in range(4):
        row = encoder.transform(table[i : i + 1])
        np.testing.assert_array_equal(row, whole[i : i + 1])


@pytest.mark.parametrize("kind", ["pandas", "pandas, zone", "polars, zone"])
def test_a_date_is_encoded_as_in_its_table(kind):
    table = dated_columns()[kind]
    encoder = TableEncoder().fit(table)
    whole = encoder.transform(table)
    np.testing.assert_array_equal(encoder.transform(table[:1]), whole[:1])
