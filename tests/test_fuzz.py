"""Any input leads to a clear error or a working model."""

import copy
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

from skffnn import (
    ACTIVATIONS,
    INITIALIZERS,
    PENALTIES,
    REGRESSION_LOSSES,
    SCHEDULES,
    SOLVERS,
    FFNNClassifier,
    FFNNRegressor,
)

# Error of the sum of a few hundred probabilities, each rounded to float32.
ROUNDING = 1e-4

one_of = st.sampled_from
POSITIVE = st.floats(1e-6, 10)
BELOW_1 = st.floats(0, 0.99)

SHARED = {
    "hidden_layer_sizes": st.lists(st.integers(1, 8), max_size=3)
    | st.integers(1, 9)
    | one_of([(1,) * 50, (1,), (200,)]),
    "activation": one_of([*ACTIVATIONS]),
    "solver": one_of([*SOLVERS]),
    "alpha": st.floats(0, 10) | one_of([0, 1e300]),
    "batch_size": st.integers(1, 400) | st.just("auto"),
    "learning_rate": one_of([*SCHEDULES]),
    "learning_rate_init": POSITIVE,
    "power_t": st.floats(0, 3),
    "shuffle": st.booleans(),
    "tol": st.floats(0, 1),
    "momentum": st.floats(0, 1),
    "nesterovs_momentum": st.booleans(),
    "early_stopping": st.booleans(),
    "validation_fraction": st.floats(0.01, 0.99),
    "beta_1": BELOW_1,
    "beta_2": BELOW_1,
    "epsilon": st.floats(1e-12, 1),
    "n_iter_no_change": st.integers(1, 5) | st.just(np.inf),
    "max_fun": st.integers(1, 30),
    "max_time": one_of([None, 1e-9, 1e9]),
    "dropout": BELOW_1,
    "weight_init": one_of([*INITIALIZERS]),
    "penalty": one_of([*PENALTIES]),
    "dtype": one_of(["auto", "float32", "float64"]),
    "warm_start": st.booleans(),
}
OF_CLASSIFIER = {
    "class_weight": one_of([None, "balanced"]),
    "label_smoothing": BELOW_1,
    "scoring": one_of([None, "loss", "accuracy", "balanced_accuracy"]),
}
OF_REGRESSOR = {
    "loss": one_of([*REGRESSION_LOSSES]),
    "quantile": one_of([0.1, [0.5], [0.05, 0.5, 0.95]]),
    "normalize_y": st.booleans(),
    "scoring": one_of([None, "loss"]),
}


def params_of(own):
    """Return a strategy for parameters, all but two of which are optional."""
    always = {"max_iter": st.integers(1, 4), "random_state": st.integers(0, 2**32 - 1)}
    return st.fixed_dictionaries(always, optional=SHARED | own)


NUMBERS = one_of(
    [
        st.floats(-3, 3),
        st.floats(-1e300, 1e300),
        st.floats(-1e-300, 1e-300),
        st.floats(allow_nan=False, allow_infinity=False),
        st.integers(-2, 2).map(float),
        st.just(7.0),
        st.floats(-1e4, 1e4),
    ]
)
DTYPES = ["f8", "f4", "f2", ">f8", "i4", "u1", "?", "O"]


def strided(X):
    wide = np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)
    return wide[::2, ::3]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def twice_in_one_place(X):
    coo = sparse.coo_array(X)
    data = np.concatenate([coo.data / 2, coo.data / 2])
    rows, columns = (np.concatenate([i, i]) for i in coo.coords)
    return sparse.csr_array((data, (rows, columns)), shape=X.shape)


def with_long_indices(X):
    X = sparse.csr_array(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


DENSE = [np.ascontiguousarray, np.asfortranarray, strided, read_only, np.ndarray.tolist]
SPARSE = [
    sparse.csr_array,
    sparse.csr_matrix,
    sparse.csc_array,
    sparse.coo_array,
    sparse.lil_array,
    sparse.dok_array,
    twice_in_one_place,
    with_long_indices,
]

LABELS = {
    "few": lambda rng, n: rng.integers(0, 3, n),
    "two": lambda rng, n: rng.integers(0, 2, n),
    "one": lambda rng, n: np.zeros(n, int),
    "each its own": lambda rng, n: np.arange(n),
    "a lone one": lambda rng, n: (np.arange(n) == n // 2).astype(int),
    "texts": lambda rng, n: np.array(["no", "yes", "maybe"])[rng.integers(0, 3, n)],
    "objects": lambda rng, n: np.array(["a", "b"], object)[rng.integers(0, 2, n)],
    "booleans": lambda rng, n: rng.random(n) > 0.5,
    "negative": lambda rng, n: rng.choice([-1, 1], n),
    "whole floats": lambda rng, n: rng.choice([-1.0, 3.0], n),
    "large": lambda rng, n: rng.choice([-(2**62), 2**62], n),
    "a column": lambda rng, n: rng.integers(0, 2, (n, 1)),
    "many labels": lambda rng, n: rng.integers(0, 2, (n, 3)),
    "many labels, sparse": lambda rng, n: sparse.csr_array(rng.integers(0, 2, (n, 3))),
    "targets": lambda rng, n: rng.integers(0, [3, 2, 5], (n, 3)),
    "targets, texts": lambda rng, n: rng.choice(["no", "yes", "maybe"], (n, 2)),
    "targets, mixed": lambda rng, n: np.array(
        [*zip(rng.choice(["a", "b"], n), range(n), rng.random(n) > 0.5, strict=True)],
        object,
    ),
    "targets, two of -1 and 1": lambda rng, n: rng.choice([-1, 1], (n, 2)),
    "quantities": lambda rng, n: rng.random(n),
    "missing": lambda rng, n: np.where(rng.random(n) > 0.5, 1.0, np.nan),
    "too few": lambda rng, n: np.arange(n - 1) % 2,
}

QUANTITIES = {
    "quantities": lambda rng, n: rng.normal(size=n),
    "positive": lambda rng, n: rng.gamma(1, size=n),
    "counts": lambda rng, n: rng.poisson(2, n),
    "one": lambda rng, n: np.full(n, 3.0),
    "nothing": lambda rng, n: np.zeros(n),
    "huge": lambda rng, n: rng.random(n) * 1e300,
    "largest": lambda rng, n: rng.choice([-1.7e308, 1.7e308], n),
    "tiny": lambda rng, n: rng.random(n) * 1e-300,
    "denormal": lambda rng, n: rng.random(n) * 1e-320,
    "far off": lambda rng, n: 1e15 + rng.random(n),
    "columns": lambda rng, n: rng.normal(size=(n, 2)) * [1, 1e6],
    "a column": lambda rng, n: rng.random((n, 1)),
    "columns, sparse": lambda rng, n: sparse.csr_array(rng.poisson(1, (n, 2)) * 1.0),
    "booleans": lambda rng, n: rng.random(n) > 0.5,
    "objects": lambda rng, n: rng.random(n).astype(object),
    "texts": lambda rng, n: np.array(["no", "yes"])[rng.integers(0, 2, n)],
    "missing": lambda rng, n: np.where(rng.random(n) > 0.5, 1.0, np.nan),
    "complex": lambda rng, n: rng.random(n) * 1j,
    "no columns": lambda rng, n: np.empty((n, 0)),
    "too few": lambda rng, n: rng.random(n - 1),
}

REFUSED = ["largest", "texts", "missing", "complex", "no columns", "too few"]

WEIGHTS = {
    "none": lambda rng, n: None,
    "some": lambda rng, n: rng.random(n),
    "whole, with zeros": lambda rng, n: rng.integers(0, 3, n),
    "one row alone": lambda rng, n: (np.arange(n) == 0).astype(float),
    "huge": lambda rng, n: rng.random(n) * 1e300,
    "tiny": lambda rng, n: rng.random(n) * 1e-300,
    "one number": lambda rng, n: 2.0,
    "all zero": lambda rng, n: np.zeros(n),
    "negative": lambda rng, n: -rng.random(n),
    "not finite": lambda rng, n: np.full(n, np.inf),
    "too many": lambda rng, n: np.ones(n + 1),
}


@st.composite
def tables(draw, targets=LABELS):
    """Draw X with any layout and dtype, y and weights."""
    n, d = draw(st.integers(1, 40)), draw(st.integers(1, 5))
    numbers = draw(NUMBERS)
    few = draw(st.lists(numbers, min_size=1, max_size=12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = rng.choice(few, (n, d))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X = X.astype(draw(one_of(DTYPES)))
    if draw(st.booleans()) and X.dtype.kind in "fiu" and X.dtype.isnative:
        if X.dtype == np.float16:
            X = X.astype(np.float32)
        X = draw(one_of(SPARSE))(X)
    else:
        X = draw(one_of(DENSE))(X)
    y = targets[draw(one_of([*targets]))](rng, n)
    return X, y, WEIGHTS[draw(one_of([*WEIGHTS]))](rng, n)


def dense(a):
    return a.toarray() if sparse.issparse(a) else np.asarray(a)


def unchanged(one, other):
    """Return whether input is unchanged; numeric arrays are compared bit for bit."""
    if one is None or np.isscalar(one):
        return one == other
    one, other = dense(one), dense(other)
    if one.dtype == object:
        return str(one) == str(other)  # a copy has other objects at other addresses
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


@contextmanager
def any_warning_but(*expected):
    """Turn all warnings into errors, except some categories."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in expected:
            warnings.simplefilter("ignore", kind)
        yield


EXPECTED = ConvergenceWarning, DataConversionWarning, UserWarning
CASES = [
    pytest.param(FFNNClassifier, OF_CLASSIFIER, LABELS, id="classifier"),
    pytest.param(FFNNRegressor, OF_REGRESSOR, QUANTITIES, id="regressor"),
]


@pytest.mark.long
@pytest.mark.parametrize(("kind", "own", "targets"), CASES)
@given(data=st.data(), again=st.booleans())
def test_a_clear_error_or_a_model_that_keeps_its_promises(
    kind, own, targets, data, again
):
    X, y, weights = table = data.draw(tables(targets))
    before = copy.deepcopy(table)
    model = kind(**data.draw(params_of(own)))
    with any_warning_but(*EXPECTED):
        try:
            model.fit(X, y, weights)
            if again:
                model.fit(X, y, weights)
        except ValueError as error:
            assert len(str(error)) > 10
            if not hasattr(model, "coefs_"):
                assert {*vars(model)} == {*model.get_params()}
        else:
            with suppress_too_large():
                assert_promises(model, X)
    for one, other in zip(table, before, strict=True):
        assert unchanged(one, other)


@contextmanager
def suppress_too_large():
    """Allow the error for rows that are too large to predict after a training step."""
    try:
        yield
    except ValueError as error:
        assert "not finite. Scale the features" in str(error)


def assert_promises(model, X):
    """Assert properties of every fitted model."""
    for array in (*model.coefs_, *model.intercepts_):
        assert np.isfinite(array).all()
    assert np.isfinite(model.loss_curve_).all()
    assert 0 < model.n_iter_ <= 2 * model.max_iter
    if isinstance(model, FFNNRegressor):
        f = model.predict(X)
        assert f.shape[0] == (len(X) if isinstance(X, list) else X.shape[0])
        assert np.isfinite(f).all()
        assert (f >= 0).all() or model.out_activation_ != "exp"
        return
    outputs = model.classes_, model.predict_proba(X), model.predict_log_proba(X)
    labels = model.predict(X)
    if not isinstance(model.classes_, list):
        assert_probabilities(model, X, *outputs, labels)
        return
    for *of_target, column in zip(*outputs, labels.T, strict=True):
        own = np.array(column.tolist()) if column.dtype == object else column
        assert_probabilities(model, X, *of_target, own)


def assert_probabilities(model, X, classes, f, log_f, labels):
    """Assert properties of the outputs for one target."""
    n_rows = len(X) if isinstance(X, list) else X.shape[0]
    assert f.shape == log_f.shape == (n_rows, len(classes))
    assert ((f >= 0) & (f <= 1)).all()
    assert (log_f <= 0).all()
    assert np.isfinite(log_f).all()
    if labels.ndim == 2:  # several labels
        assert np.isin(dense(labels), (0, 1)).all()
        assert labels.shape == f.shape
    else:
        np.testing.assert_allclose(f.sum(axis=1), 1, rtol=ROUNDING)
        assert np.isin(labels, classes).all()
        assert labels.dtype.kind == classes.dtype.kind or classes.dtype == object


@pytest.mark.long
@pytest.mark.parametrize(("kind", "own", "targets"), CASES)
@given(data=st.data(), classes=st.integers(1, 4))
def test_a_stream_of_any_tables(kind, own, targets, data, classes):
    X, y, weights = data.draw(tables(targets))
    params = data.draw(params_of(own))
    assume(not {"early_stopping", "solver"} & params.keys())
    model = kind(**params)
    options = {"classes": range(classes)} if kind is FFNNClassifier else {}
    with any_warning_but(*EXPECTED):
        for _ in range(3):
            state = copy.deepcopy(vars(model))
            try:
                model.partial_fit(X, y, sample_weight=weights, **options)
            except ValueError as error:
                assert len(str(error)) > 10
                assert vars(model).keys() == state.keys()  # same attributes
            else:
                with suppress_too_large():
                    assert_promises(model, X)


# Cases that hypothesis has found or might find, each as a test of its own.
EXTREMES = {
    "one row": (np.ones((1, 3)), [1], {}),
    "one column": (np.arange(20.0)[:, None], np.arange(20) % 2, {}),
    "constant columns": (np.full((20, 3), 7.0), np.arange(20) % 2, {}),
    "a thousand classes": (np.eye(1000), np.arange(1000), {}),
    "classes with one member": (np.eye(9), np.arange(9), {"early_stopping": True}),
    "fewer rows than a batch": (np.eye(5), np.arange(5) % 2, {"batch_size": 200}),
    "batches of one": (np.eye(9), np.arange(9) % 2, {"batch_size": 1}),
    "layers of one neuron": (np.eye(9), np.arange(9) % 2, {"hidden_layer_sizes": 1}),
    "fifty layers": (np.eye(9), np.arange(9) % 2, {"hidden_layer_sizes": (4,) * 50}),
    "tiny features": (np.eye(9) * 1e-300, np.arange(9) % 2, {}),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("extreme", EXTREMES)
def test_extremes_that_can_be_fitted(extreme, solver):
    X, y, params = EXTREMES[extreme]
    params = {"solver": solver, "max_iter": 2, "random_state": 0} | params
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model = FFNNClassifier(**params).fit(X, y)
    assert_promises(model, X)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("target", [k for k in QUANTITIES if k not in REFUSED])
def test_targets_of_any_size_can_be_fitted(target, solver):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3))
    y = QUANTITIES[target](rng, 20)
    with any_warning_but(*EXPECTED):
        model = FFNNRegressor(solver=solver, max_iter=2, random_state=0).fit(X, y)
        assert_promises(model, X)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("scale", [1e200, 1e300])
def test_features_too_large_to_compute_with_are_an_error(scale, solver):
    X = np.random.default_rng(0).standard_normal((30, 3)) * scale
    model = FFNNClassifier(solver=solver, dtype="float64", max_iter=3)
    with pytest.raises(ValueError, match=r"diverged.*Scale the features"):
        model.fit(X, np.arange(30) % 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_infinities_of_both_signs_are_one_error_without_a_warning(dtype):
    X = np.array([[-np.inf, np.inf]], dtype)
    with pytest.raises(ValueError, match="X contains infinity"):
        FFNNClassifier().fit(X, [1])
    model = FFNNClassifier(max_iter=1).fit(np.eye(2), [0, 1])
    with pytest.raises(ValueError, match="X contains infinity"):
        model.predict(X)


def test_weights_too_large_for_their_type_are_an_error_even_where_nothing_meets_them():
    X = sparse.csr_array((1, 1), dtype=np.float32)
    model = FFNNClassifier((), solver="sgd", alpha=1e300, dtype="float32", max_iter=1)
    with pytest.raises(ValueError, match=r"diverged in epoch 1.*a parameter"):
        model.fit(X, [2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "hidden_features"])
def test_rows_too_large_for_a_fitted_network_are_an_error(method, dtype):
    X = np.eye(6, dtype=dtype)
    model = FFNNClassifier(3, max_iter=1, random_state=0).fit(X, np.arange(6) % 2)
    model.coefs_ = [np.full_like(W, 3) for W in model.coefs_]
    with pytest.raises(ValueError, match=r"not finite\. Scale the features"):
        getattr(model, method)(X * np.finfo(dtype).max)


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
def test_rows_that_only_saturate_a_layer_are_none(activation):
    X = np.eye(4) * 1e308
    model = FFNNClassifier(3, activation, dtype="float64", random_state=0, max_iter=1)
    model.fit(np.eye(4), [0, 1, 0, 1])
    assert_promises(model, X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_of_ten_thousand(dtype):
    X = np.eye(6, dtype=dtype)
    model = FFNNClassifier((), solver="lbfgs", max_iter=5).fit(X, np.arange(6) % 2)
    model.coefs_ = [W * dtype(1e4) / abs(W).max() for W in model.coefs_]
    assert abs(model.decision_function(X)).max() > 9e3
    assert_promises(model, X)
