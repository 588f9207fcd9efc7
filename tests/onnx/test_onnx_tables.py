"""Tables as ONNX inputs, and the transformers that accept them."""

import numpy as np
import pytest

from skffnn import (
    FFNNClassifier,
    GapImputer,
    RobustSmoothScaler,
    TableEncoder,
    make_tabular_classifier,
    make_tabular_regressor,
)

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pytest.importorskip("skl2onnx")
onnxruntime = pytest.importorskip("onnxruntime")

import skl2onnx  # noqa: E402
from skl2onnx.common.data_types import (  # noqa: E402
    DoubleTensorType,
    FloatTensorType,
    StringTensorType,
)

from skffnn.onnx import initial_types, inputs, register  # noqa: E402

N_ROWS = 200
QUICK = {"n_networks": 2, "max_iter": 5, "random_state": 0, "n_jobs": 1}

# Networks use float64 on both sides; for trees, the sum of the leaves is rounded to
# float32.
ROUNDED = 1e-6

# Two square roots of the same number in float64.
ROOT = 1e-14


def table(seed=0):
    """Return a table with columns of all kinds except dates, as a dict of lists."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=N_ROWS)
    return {
        "real": x.tolist(),
        "whole": rng.integers(5, size=N_ROWS).tolist(),
        "gaps": [None if i % 4 == 0 else float(v) for i, v in enumerate(x**2)],
        "empty": [None] * N_ROWS,
        "constant": [1.5] * N_ROWS,
        "heavy": (1e6 * rng.standard_cauchy(N_ROWS)).tolist(),
        "colour": [["red", "green", None][i % 3] for i in range(N_ROWS)],
        "flag": (x > 1).tolist(),
        "many": [f"k{i}" for i in rng.integers(30, size=N_ROWS)],
        "mixed up": [["1", 2, 2.5, True][i % 4] for i in range(N_ROWS)],
        "label": rng.choice(["a", "b"], N_ROWS).tolist(),
    }


def new_rows():
    """Return rows with unseen categories and missing values."""
    other = table(seed=1)
    other["real"] = [None] * N_ROWS
    other["many"] = [["new", None, "k1"][i % 3] for i in range(N_ROWS)]
    other["flag"] = [[True, None][i % 2] for i in range(N_ROWS)]
    other["heavy"] = [1e300, -1e300] * (N_ROWS // 2)
    return other


def to_lists(columns):
    return [list(row) for row in zip(*columns.values(), strict=True)]


CONTAINERS = {
    "pandas": pd.DataFrame,
    "polars": lambda columns: pl.DataFrame(columns, strict=False).drop("mixed up"),
    "lists": to_lists,
    "object array": lambda columns: np.array(to_lists(columns), dtype=object),
    "categories": lambda columns: pd.DataFrame(columns).astype(
        {"whole": "category", "colour": "category"}
    ),
}

CLASSES = {
    "two": lambda x: np.where(x > 0, "yes", "no"),
    "three": lambda x: np.digitize(x, [-0.5, 0.5]) + 2**40,
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("target_means", [None, "classes"])
def test_the_encoder_gives_the_same_matrix(serve, container, target_means):
    X, rows = CONTAINERS[container](table()), CONTAINERS[container](new_rows())
    y = CLASSES["three"](np.array(table()["real"]))
    encoder = TableEncoder(max_categories=8, target_means=target_means).fit(X, y)
    types = initial_types(X)
    for given in (X, rows):
        (encoded,) = serve(encoder, given, types)
        assert encoded.dtype == np.float64
        np.testing.assert_array_equal(encoded, encoder.transform(given))


@pytest.mark.parametrize(
    ("container", "classes"),
    [*((container, "three") for container in CONTAINERS), ("pandas", "two")],
)
def test_the_tabular_classifier(serve, container, classes):
    X, rows = CONTAINERS[container](table()), CONTAINERS[container](new_rows())
    y = CLASSES[classes](np.array(table()["real"]))
    model = make_tabular_classifier(**QUICK).set_params(encode__max_categories=8)
    model.fit(X, y)
    assert model[-1].blended_
    for given in (X, rows):
        label, f = serve(model, given, initial_types(X))
        np.testing.assert_array_equal(label, model.predict(given))
        np.testing.assert_allclose(f, model.predict_proba(given), rtol=0, atol=ROUNDED)


@pytest.mark.parametrize("quantile", [None, [0.1, 0.9]])
def test_the_tabular_regressor(serve, quantile):
    X, rows = pd.DataFrame(table()), pd.DataFrame(new_rows())
    y = 1e6 + np.where(X["real"] > 0, 10, 0) + X["whole"]
    model = make_tabular_regressor(quantile=quantile, **QUICK).fit(X, y)
    for given in (X, rows):
        (f,), expected = serve(model, given, initial_types(X)), model.predict(given)
        np.testing.assert_allclose(f.reshape(expected.shape), expected, ROUNDED)


def test_columns_of_one_input_side_by_side(serve):
    X = np.random.default_rng(0).normal(size=(N_ROWS, 6)).astype(np.float32)
    X[::5, 2] = np.nan
    model = make_tabular_classifier(**QUICK).fit(X, X[:, 0] > 0)
    register()
    graph = skl2onnx.to_onnx(
        model,
        initial_types=[("X", FloatTensorType([None, 6]))],
        options={"zipmap": False},
    )
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    label, f = session.run(None, {"X": X})
    np.testing.assert_array_equal(label, model.predict(X))
    np.testing.assert_allclose(f, model.predict_proba(X), rtol=0, atol=ROUNDED)


# ------------------------------------------------------------------- types and inputs


def test_types_of_columns():
    columns = {
        "a b": np.array([1, 2], np.float32),
        "a_b": [1, 2],
        "1": [True, False],
        "label": ["x", None],
        "é+": pd.to_timedelta([1, 2], unit="h"),
    }
    types = initial_types(pd.DataFrame(columns))
    assert [(name, type(kind)) for name, kind in types] == [
        ("a_b", FloatTensorType),
        ("a_b1", DoubleTensorType),
        ("_1", StringTensorType),
        ("label1", StringTensorType),
        ("é+", DoubleTensorType),
    ]
    assert all(kind.shape == [None, 1] for _, kind in types)


def test_inputs_are_numbers_and_strings():
    frame = pd.DataFrame(
        {
            "x": [1, None],
            "flag": [True, False],
            "mixed": np.array([2.0, "2.0"], dtype=object),
            "colour": ["red", None],
        }
    )
    given = inputs(frame, initial_types(frame))
    np.testing.assert_array_equal(given["x"], [[1.0], [np.nan]])
    assert given["flag"].tolist() == [["True"], ["False"]]
    assert given["mixed"].tolist() == [["2"], ["2.0"]]
    assert given["colour"].tolist() == [["red"], [""]]


def test_equal_categories_are_equal_strings(serve):
    # The cell 1.0 matches the category 1, as in a dict.
    X = [[1, "a"], ["b", "a"], [2.5, "b"]]
    encoder = TableEncoder().fit(X)
    rows = [[1.0, "a"], [2.5, "a"], ["c", "b"]]
    (encoded,) = serve(encoder, rows, initial_types(X))
    np.testing.assert_array_equal(encoded, encoder.transform(rows))
    assert encoded[0, :3].sum() == 1


def test_inputs_of_another_table_are_an_error():
    frame = pd.DataFrame({"x": [1.0], "colour": ["red"]})
    types = initial_types(frame)
    with pytest.raises(ValueError, match=r"must have the columns .*, got \['colour'"):
        inputs(frame[["colour", "x"]], types)
    with pytest.raises(ValueError, match="'x' of X was numeric in fit"):
        inputs(frame.assign(x="one"), types)


def test_two_columns_of_one_name_are_an_error():
    frame = pd.DataFrame([[1, 2]], columns=["x", "x"])
    with pytest.raises(ValueError, match="the columns must have different names"):
        initial_types(frame)


# -------------------------------------------------------- tables without an ONNX form


def test_dates_are_an_error(serve):
    frame = pd.DataFrame({"x": [1.0, 2.0], "day": pd.to_datetime(["2020", "2021"])})
    with pytest.raises(ValueError, match=r"dates have no ONNX form: columns \['day'\]"):
        initial_types(frame)
    encoder = TableEncoder().fit(frame)
    types = [(name, DoubleTensorType([None, 1])) for name in frame]
    with pytest.raises(TypeError, match=r"dates has no ONNX form: columns \['day'\]"):
        serve(encoder, frame, types)


@pytest.mark.parametrize("cells", [["1", 1], ["", "a"], ["True", True]])
def test_categories_that_are_one_string_are_an_error(serve, cells):
    X = [[cell] for cell in cells * 3]
    with pytest.raises(ValueError, match="column 0 are not distinct as strings"):
        serve(TableEncoder().fit(X), X, initial_types(X))


def test_inputs_that_do_not_fit_are_an_error(serve):
    X = [[1.0, "red"], [2.0, "blue"]]
    encoder = TableEncoder().fit(X)
    number, string = DoubleTensorType([None, 1]), StringTensorType([None, 1])
    with pytest.raises(TypeError, match="input of column 1 must hold strings"):
        serve(encoder, X, [("a", number), ("b", number)])
    with pytest.raises(TypeError, match="input of column 0 must hold numbers"):
        serve(encoder, X, [("a", string), ("b", string)])
    with pytest.raises(ValueError, match="fitted to 2 columns, but the inputs have 1"):
        serve(encoder, X, [("a", number)])
    with pytest.raises(ValueError, match="must say how many columns it has"):
        serve(encoder, X, [("a", DoubleTensorType([None, None])), ("b", string)])


def test_strings_for_a_network_are_an_error(serve):
    model = FFNNClassifier((2,), max_iter=1).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(TypeError, match="FFNNClassifier takes numbers"):
        serve(model, [["a"]], [("a", StringTensorType([None, 1]))])


# ------------------------------------------------------------------- scaler and imputer


def features(dtype):
    """Return columns with missing values, outliers, a constant, or no value at all."""
    rng = np.random.default_rng(0)
    X = rng.standard_cauchy(size=(50, 6)).astype(dtype)
    X[::3, 1] = np.nan
    X[:, 2] = 7
    X[:, 3] = np.nan
    X[:, 4] += 1e6
    X[:45, 5] = 0  # most values are equal
    return X


@pytest.mark.parametrize("params", [{}, {"dtype": "float32"}, {"limit": 0.5}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_scaler(serve, dtype, params):
    X = features(dtype)
    scaler = RobustSmoothScaler(**params).fit(X)
    X[0] = np.finfo(dtype).max / 4
    X[1] = np.finfo(dtype).min / 4
    (scaled,), expected = serve(scaler, X), scaler.transform(X)
    assert scaled.dtype == expected.dtype
    tolerance = max(ROOT, np.finfo(expected.dtype).eps)
    np.testing.assert_allclose(scaled, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("params", [{}, {"fill_value": -1.5, "gap": 2.0}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_imputer(serve, dtype, params):
    X = features(dtype)
    imputer = GapImputer(**params).fit(X)
    X[7, 0] = np.nan  # missing here but not in training
    (filled,), expected = serve(imputer, X), imputer.transform(X)
    assert filled.dtype == dtype
    np.testing.assert_array_equal(filled, expected)


def test_an_imputer_without_gaps(serve):
    X = np.eye(3)
    np.testing.assert_array_equal(serve(GapImputer().fit(X), X)[0], X)


# ------------------------------------------------------------------------- real tables


def test_real_tables(serve, pytestconfig):
    folder = pytestconfig.getoption("--data-dir")
    if folder is None:
        pytest.skip("needs a folder of tables, --data-dir")
    tables = pytest.importorskip("benchmarks.accuracy.tables")
    names = tables.names(folder)
    assert names
    for name in names:
        X, y = tables.read(folder, name)
        rows = slice(None, None, -(-len(y) // 2000))  # at most 2000, evenly spaced
        model = make_tabular_classifier(**QUICK).fit(X[rows], y[rows])
        label, f = serve(model, X, initial_types(X))
        np.testing.assert_array_equal(label, model.predict(X), name)
        np.testing.assert_allclose(f, model.predict_proba(X), 0, ROUNDED, err_msg=name)
