"""TableEncoder: columns of every kind, from pandas, polars, arrays and lists."""

import datetime
import pickle
from copy import deepcopy

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator

from skffnn import InvalidParameterError, TableEncoder

NAN = np.nan
# What each column of the table below becomes, by name.
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
    """Return the table in each of its forms."""
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
def test_every_check_of_scikit_learn_passes():
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
def test_the_form_of_a_table_does_not_matter(form):
    table = tables()[form]
    encoder = TableEncoder()
    encoded = encoder.fit_transform(table)
    np.testing.assert_array_equal(encoded, np.transpose(list(ENCODED.values())))
    np.testing.assert_array_equal(encoder.transform(table), encoded)
    names = list(encoder.get_feature_names_out(list(COLUMNS)))
    assert names == list(ENCODED)


def test_a_table_of_numbers_stays_as_it_is():
    X = np.random.default_rng(0).normal(size=(5, 3))
    X[1, 2] = NAN
    np.testing.assert_array_equal(TableEncoder().fit_transform(X), X)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_the_form_may_change_between_fit_and_transform(library):
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
    # The same numbers again, whatever type a missing cell makes of them.
    later = pd.DataFrame({"month": pd.Categorical([1.0, None], categories=[1.0])})
    np.testing.assert_array_equal(encoder.transform(later), [[1, 0], [0, 0]])


def test_unseen_categories_get_no_column():
    encoder = TableEncoder().fit([["a"], ["b"]])
    np.testing.assert_array_equal(
        encoder.transform([["c"], [None], ["b"]]), [[0, 0], [0, 0], [0, 1]]
    )


def test_rare_and_unseen_categories_share_a_column():
    letters = [["a"], ["a"], ["b"], ["b"], ["c"], [None]]
    encoder = TableEncoder(max_categories=3).fit(letters)
    assert list(encoder.get_feature_names_out()) == ["x0_a", "x0_b", "x0_other"]
    np.testing.assert_array_equal(
        encoder.transform([["a"], ["c"], ["unseen"], [None]]),
        [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]],
    )


@pytest.mark.parametrize("copied", [deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_a_copy_knows_which_column_rare_categories_share(copied):
    encoder = TableEncoder(max_categories=2).fit([["a"], ["a"], ["b"], ["c"]])
    np.testing.assert_array_equal(copied(encoder).transform([["c"]]), [[0, 1]])
    assert list(copied(encoder).get_feature_names_out()) == ["x0_a", "x0_other"]


def test_the_order_of_the_rows_does_not_matter():
    table = [["b", 1], ["a", 2], ["b", 3], ["c", 4]]
    forward, backward = (TableEncoder(max_categories=2) for _ in range(2))
    np.testing.assert_array_equal(
        forward.fit(table).transform(table), backward.fit(table[::-1]).transform(table)
    )


def test_a_mixture_of_numbers_and_strings_is_categorical():
    encoder = TableEncoder().fit([[1], ["one"], [2.5]])
    assert list(encoder.get_feature_names_out()) == ["x0_1", "x0_2.5", "x0_one"]


def test_infinite_numbers_are_refused_by_the_name_of_their_column():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"age": [1.0, 2.0], "height": [1.0, -np.inf]})
    with pytest.raises(ValueError, match=r"infinity.*'height'"):
        TableEncoder().fit(frame)
    encoder = TableEncoder().fit(frame.replace(-np.inf, 1))
    with pytest.raises(ValueError, match=r"infinity.*'height'"):
        encoder.transform(frame)


def test_strings_where_numbers_were_are_refused():
    encoder = TableEncoder().fit([[1.0, 2.0]])
    with pytest.raises(ValueError, match="Column 1 of X held numbers"):
        encoder.transform([[1.0, "two"]])


def test_dates_are_refused():
    pd = pytest.importorskip("pandas")
    days = pd.DataFrame({"day": [datetime.datetime(2020, 1, 1)]})
    with pytest.raises(ValueError, match="'day' of X holds dates"):
        TableEncoder().fit(days)


def test_cells_that_hold_lists_are_refused():
    cells = np.empty((2, 1), dtype=object)
    cells[:, 0] = [[1], [2, 3]]
    with pytest.raises(TypeError, match="must be a string or a number"):
        TableEncoder().fit(cells)


@pytest.mark.parametrize("n", [1, 0, 2.5, None])
def test_an_invalid_number_of_categories_is_refused(n):
    with pytest.raises(InvalidParameterError, match="max_categories"):
        TableEncoder(max_categories=n).fit([["a"]])


# ------------------------------------------------- the names of the encoded columns

# Columns of a table, and the names that they become. Where two names would be equal,
# strings are written in quotes, and what is still equal is numbered.
COLLISIONS = {
    "a category called missing": (
        {"x": ["missing", None, "red"]},
        ["x_'missing'", "x_missing", "x_red"],
    ),
    "a category called other": (
        {"x": ["other", "other", "red", "blue", "green"]},
        ["x_'other'", "x_other"],
    ),
    "a number and its digits": (
        {"x": [1, "1", 2.5, "2.5"]},
        ["x_'1'", "x_1", "x_'2.5'", "x_2.5"],
    ),
    "a boolean and its name": (
        {"x": [True, "True", False]},
        ["x_False", "x_'True'", "x_True"],
    ),
    "two columns and a division of the same text": (
        {"a_b": ["c", "d"], "a": ["b_c", "e"]},
        ["a_b_'c'", "a_b_d", "a_'b_c'", "a_e"],
    ),
    "a numeric column called like a category": (
        {"x": ["red", "blue"], "x_red": [1, 2]},
        ["x_blue", "x_'red'", "x_red"],
    ),
    "a numeric column called like missing cells": (
        {"x": ["red", None], "x_missing": [1, 2]},
        ["x_missing_2", "x_red", "x_missing"],
    ),
    "a category in quotes": (
        {"x": ["'missing'", "missing", None]},
        ["x_'missing'", "x_'missing'_2", "x_missing"],
    ),
    "a numeric column with the number of another": (
        {"x": ["red", None], "x_missing": [1, 2], "x_missing_2": [3, 4]},
        ["x_missing_3", "x_red", "x_missing", "x_missing_2"],
    ),
}


@pytest.mark.parametrize("case", COLLISIONS)
@pytest.mark.parametrize("order", [1, -1], ids=["forward", "backward"])
def test_names_are_unique_and_independent_of_the_order_of_the_rows(case, order):
    table, expected = COLLISIONS[case]
    rows = [list(row) for row in zip(*table.values(), strict=True)][::order]
    encoder = TableEncoder(max_categories=2 if "other" in case else 100).fit(rows)
    names = list(encoder.get_feature_names_out(list(table)))
    assert names == expected
    assert len(set(names)) == encoder.transform(rows).shape[1]


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("case", COLLISIONS)
def test_names_suit_the_frames_of_pandas_and_polars(case, library):
    pd = pytest.importorskip("pandas")
    pytest.importorskip(library)
    table, expected = COLLISIONS[case]
    encoder = TableEncoder(max_categories=2 if "other" in case else 100)
    encoder.set_output(transform=library)
    frame = encoder.fit_transform(pd.DataFrame(table))
    assert list(frame.columns) == expected
    np.testing.assert_array_equal(
        frame.to_numpy(),
        encoder.set_output(transform="default").transform(pd.DataFrame(table)),
    )


def test_each_name_belongs_to_its_column():
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
