"""Data, small networks and comparisons that several test files share."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from sklearn.datasets import load_iris, make_classification
from sklearn.preprocessing import StandardScaler

from skffnn import SOLVERS, FFNNClassifier
from skffnn.io.schema import attributes_of
from skffnn.optim.optimizers import OPTIMIZERS

GOLDEN = Path(__file__).parent / "golden"

STEPPERS = [*OPTIMIZERS]
OF_ALL_ROWS = [name for name in SOLVERS if name not in STEPPERS]

# Iris, scaled and shuffled, with classes y, three labels Y and weights of the rows.
X, y = load_iris(return_X_y=True)
RNG = np.random.RandomState(0)
SHUFFLED = RNG.permutation(len(y))
X, y = StandardScaler().fit_transform(X)[SHUFFLED], y[SHUFFLED]
Y = np.column_stack([y == 0, y == 1, X[:, 0] > 0]).astype(int)
WEIGHTS = RNG.uniform(0.1, 5, len(y))

# Two ways to sum the same few hundred float64 numbers differ by some 1e-14 of them,
# and a few epochs of training add little to that.
ROUNDING = 1e-9

# Sums of some hundred float64 numbers in another order differ by some 1e-15; a few
# epochs of training multiply that by no more than 1e5 here, where g is smooth.
REORDERED = 1e-10

# Two passes of the same float64 numbers through the network, in blocks of other sizes.
PASS = 1e-12

# float32 rounds by 6e-8; a few epochs multiply that by no more than 1e4 here.
SINGLE = 1e-3

# So small that no parameter changes, and that η g is still no denormal number.
NO_STEP = 1e-100


def maker(**defaults):
    """Return a function that makes a small network with a seed and these parameters."""
    defaults = {"hidden_layer_sizes": (8,), "random_state": 0} | defaults

    def make(**params):
        return FFNNClassifier(**defaults | params)

    return make


# ------------------------------------------------------- what is known of a model


def parameters(model):
    """Return θ as one vector."""
    return np.concatenate([a.ravel() for a in (*model.coefs_, *model.intercepts_)])


def curves(model):
    """Return all curves of training."""
    return (
        model.loss_curve_,
        model.validation_scores_,
        model.validation_loss_curve_,
    )


def objective(model, X, y, weights=None):
    """Return J(θ), from the probabilities of a model and its weights."""
    log_f = model.predict_log_proba(X)
    ell = -log_f[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    omega = sum(np.sum(W**2) for W in model.coefs_) / 2
    return np.average(ell, weights=weights) + model.alpha * omega


def snapshot(model):
    """Return the attributes of an estimator, less its parameters."""
    return {k: v for k, v in vars(model).items() if k not in model.get_params()}


# -------------------------------------------------------------------- comparisons


def assert_untouched(model, before, predictions):
    """Assert that an estimator has the very attributes of an earlier `snapshot`."""
    after = snapshot(model)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    np.testing.assert_array_equal(model.predict_proba(X), predictions)


def equal(one, other):
    """Tell whether two values are the same, type for type and bit for bit."""
    if isinstance(one, np.ndarray):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and one.tolist() == other.tolist()
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return type(one) is type(other) and (one == other or one != one)


def assert_same(one, other):
    """Assert that two estimators have the same attributes and state."""
    for name in attributes_of(one):
        if name in vars(one) or name in vars(other):
            assert equal(vars(one)[name], vars(other)[name]), name


def assert_identical(one, other):
    """Assert that two models have the same parameters and curves, bit for bit."""
    np.testing.assert_array_equal(parameters(one), parameters(other))
    assert curves(one) == curves(other)


def assert_same_training(one, other):
    """Assert that two models are identical, after training on as many rows."""
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
    """A solver that takes no step and writes down what it is given."""

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
    """Accuracy as a scorer, which keeps the rows that it was asked about."""

    def __call__(self, estimator, X, y, sample_weight=None):
        self.X, self.y, self.sample_weight = X, y, sample_weight
        return estimator.score(X, y, sample_weight)


class Scripted:
    """A scorer that returns the scores it was given, and repeats the last one."""

    def __init__(self, *scores):
        self.scores = list(scores)
        self.rows = []

    def __call__(self, estimator, X, y, sample_weight=None):
        self.rows.append((X, y, sample_weight))
        return self.scores.pop(0) if len(self.scores) > 1 else self.scores[0]


# ------------------------------------------- what the result of a fit is invariant to

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

# The ways to train on all rows at once, where no shuffle depends on the order.
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
    """Fit a small network to three classes, unless told otherwise."""
    params = {"max_iter": 12, "random_state": 0, "batch_size": 30} | params
    return FFNNClassifier(hidden, **params).fit(rows, labels)


def rewritten(path, change):
    """Return a file whose content was changed, with checksums that are right."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(members["header.json"])
    change(header["content"])
    members["header.json"] = json.dumps(header).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def drop(*keys):
    """Return a change of a file's content that deletes an entry."""

    def change(content):
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return change


def put(value, *keys):
    """Return a change of a file's content that replaces an entry."""

    def change(content):
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


def forged_anywhere(data, name):
    """Return a change of a file's content that hypothesis draws: any value, anywhere.

    `name` is one that a parameter may have.
    """
    odd = data.draw(
        st.none()
        | st.booleans()
        | st.integers(-(10**20), 10**20)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.sampled_from(["", name, [], {}, {"$array": "0.npy"}, {"$float": "nan"}])
    )

    def change(content):
        while True:
            keys = list(content) if isinstance(content, dict) else range(len(content))
            key = data.draw(st.sampled_from(keys))
            inner = content[key]
            if not (
                isinstance(inner, list | dict) and inner and data.draw(st.booleans())
            ):
                content[key] = odd
                return
            content = inner

    return change


def trained_on_by_all(copies, n_rows):
    """Return which rows, known by their numbers, every copy was trained on."""
    numbers = np.arange(n_rows)
    return np.all([np.isin(numbers, copy.trained) for copy in copies], axis=0)
