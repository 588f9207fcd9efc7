"""Data, small networks and comparisons shared by several test files."""

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_classification
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from skffnn import SOLVERS, FFNNClassifier
from skffnn.optim.optimizers import OPTIMIZERS

STEPPERS = [*OPTIMIZERS]
OF_ALL_ROWS = [name for name in SOLVERS if name not in STEPPERS]

# Iris, scaled and shuffled, with classes y, three labels Y and sample weights.
X, y = load_iris(return_X_y=True)
RNG = np.random.RandomState(0)
SHUFFLED = RNG.permutation(len(y))
X, y = StandardScaler().fit_transform(X)[SHUFFLED], y[SHUFFLED]
Y = np.column_stack([y == 0, y == 1, X[:, 0] > 0]).astype(int)
WEIGHTS = RNG.uniform(0.1, 5, len(y))

# Relative difference of two ways to sum a few hundred float64 numbers, about 1e-14,
# and some more after a few epochs of training.
ROUNDING = 1e-9

# Sums of about a hundred float64 numbers in a different order differ by about 1e-15. A
# few epochs of training multiply that by at most 1e5 here, because g is smooth.
REORDERED = 1e-10

# Two passes of the same float64 rows through a network, in blocks of different sizes.
PASS = 1e-12

# float32 rounds by 6e-8; a few epochs multiply that by at most 1e4 here.
SINGLE = 1e-3

# So small that no parameter changes, but η g is not a denormal number.
NO_STEP = 1e-100


def maker(**defaults):
    """Return a function that creates small networks with these parameters."""
    defaults = {"hidden_layer_sizes": (8,), "random_state": 0} | defaults

    def make(**params):
        return FFNNClassifier(**defaults | params)

    return make


def unaligned(array):
    """Return a copy that begins one byte after a multiple of its item size."""
    memory = np.zeros(array.nbytes + array.itemsize, np.uint8)
    copy = memory[1 : array.nbytes + 1].view(array.dtype).reshape(array.shape)
    assert not copy.flags.aligned
    copy[...] = array
    return copy


# ----------------------------------------------------- attributes and state of a model


def parameters(model):
    """Return θ as one vector."""
    return np.concatenate([a.ravel() for a in (*model.coefs_, *model.intercepts_)])


def curves(model):
    """Return all training curves."""
    return (
        model.loss_curve_,
        model.validation_scores_,
        model.validation_loss_curve_,
    )


def objective(model, X, y, weights=None):
    """Compute J(θ) from the predicted probabilities and the weights of a model."""
    log_f = model.predict_log_proba(X)
    ell = -log_f[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    omega = sum(np.sum(W**2) for W in model.coefs_) / 2
    return np.average(ell, weights=weights) + model.alpha * omega


def snapshot(model):
    """Return the attributes of an estimator without its parameters."""
    return {k: v for k, v in vars(model).items() if k not in model.get_params()}


# -------------------------------------------------------------------- comparisons


def assert_untouched(model, before, predictions):
    """Assert that the attributes of an estimator are the objects of a `snapshot`."""
    after = snapshot(model)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    np.testing.assert_array_equal(model.predict_proba(X), predictions)


def equal(one, other):
    """Return whether two values have equal types and bits."""
    if isinstance(one, np.random.RandomState):
        return equal(one.get_state(legacy=False), other.get_state(legacy=False))
    if isinstance(one, np.random.Generator):
        return equal(one.bit_generator.state, other.bit_generator.state)
    if isinstance(one, np.ndarray):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and one.tolist() == other.tolist()
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    if type(one).__module__.startswith("skffnn."):
        return type(one) is type(other) and equal(vars(one), vars(other))
    return type(one) is type(other) and (one == other or one != one)


def assert_same(one, other):
    """Assert that two estimators have the same fitted network, to the bit."""
    for part in ("theta", "activations", "progress"):
        first, second = (getattr(model.fitted_, part) for model in (one, other))
        if part == "progress":
            assert vars(first).keys() == vars(second).keys()
            for name in vars(first):
                assert equal(vars(first)[name], vars(second)[name]), name
        else:
            assert equal(first, second), part
    assert one.fitted_.targets.output_names() == other.fitted_.targets.output_names()


def assert_identical(one, other):
    """Assert that two models have the same parameters and curves, bit for bit."""
    np.testing.assert_array_equal(parameters(one), parameters(other))
    assert curves(one) == curves(other)


def assert_same_training(one, other):
    """Assert that two models are identical and were trained on equally many rows."""
    assert_identical(one, other)
    assert one.best_validation_score_ == other.best_validation_score_
    assert one.t_ == other.t_


def assert_close(one, other, rtol=REORDERED):
    """Assert that two models have nearly the same parameters and curves."""
    np.testing.assert_allclose(parameters(one), parameters(other), rtol=rtol, atol=rtol)
    assert one.loss_curve_ == pytest.approx(other.loss_curve_, rel=rtol)
    if one.validation_scores_ is not None:
        assert one.validation_scores_ == pytest.approx(
            other.validation_scores_, rel=rtol
        )
        assert one.validation_loss_curve_ == pytest.approx(
            other.validation_loss_curve_, rel=rtol
        )


# ------------------------------------------------------------- solvers and scorers


class RecordingSolver:
    """A solver that records its input and takes no steps."""

    decoupled = False

    def __init__(self):
        self.etas, self.dtypes = [], set()

    def init(self, theta):
        return {"v": np.zeros_like(theta)}

    def update(self, grad, state, eta):
        self.etas.append(eta)
        self.dtypes |= {grad.dtype, state["v"].dtype}
        return np.zeros_like(grad)


class RecordingScorer:
    """An accuracy scorer that records the rows it scores."""

    def __call__(self, estimator, X, y, sample_weight=None):
        self.X, self.y, self.sample_weight = X, y, sample_weight
        return estimator.score(X, y, sample_weight)


class Scripted:
    """A scorer that returns given scores in turn, and then repeats the last one."""

    def __init__(self, *scores):
        self.scores = list(scores)
        self.rows = []

    def __call__(self, estimator, X, y, sample_weight=None):
        self.rows.append((X, y, sample_weight))
        return self.scores.pop(0) if len(self.scores) > 1 else self.scores[0]


# ------------------------------------------------------------ invariances of the fit

SMOOTH = {
    "hidden_layer_sizes": (6,),
    "activation": "tanh",
    "max_iter": 6,
    "learning_rate_init": 0.01,
}

PROBLEMS = {
    "binary": make_classification(150, 5, flip_y=0.2, weights=[0.6], random_state=0),
    "multi-class": (X, y),
    "multi-label": (X, Y),
}

# Parameters for training on all rows at once, so that row order has no effect.
FULL_BATCH = [{"solver": name, "batch_size": len(y)} for name in STEPPERS]
FULL_BATCH += [{"solver": name} for name in OF_ALL_ROWS]
MINIBATCH = [{"solver": name, "batch_size": 32} for name in STEPPERS]
EVERY_WAY = FULL_BATCH + MINIBATCH


def case_id(value):
    """Name a test case after its parameters."""
    return "-".join(map(str, value.values())) if isinstance(value, dict) else None


# --------------------------------------------------------------------- displays

ROWS = np.random.default_rng(0).normal(size=(90, 4))
SCORE = ROWS[:, 0] + ROWS[:, 1] ** 2
THREE_CLASSES = ROWS, np.digitize(SCORE, np.quantile(SCORE, [1 / 3, 2 / 3]))


def fit(hidden=(6,), labels=THREE_CLASSES[1], rows=ROWS, **params):
    """Fit a small network, by default to three classes."""
    params = {"max_iter": 12, "random_state": 0, "batch_size": 30} | params
    return FFNNClassifier(hidden, **params).fit(rows, labels)


def trained_on_by_all(copies, n_rows):
    """Return a mask of the rows, given by number, that every copy was trained on."""
    numbers = np.arange(n_rows)
    return np.all([np.isin(numbers, copy.trained) for copy in copies], axis=0)


def failed_checks(estimator):
    """Run all checks of scikit-learn and return those that did not pass."""
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert len(results) > 50
    return {
        result["check_name"]: f"{result['status']}: {result['exception']!r}"
        for result in results
        if result["status"] != "passed"
    }
