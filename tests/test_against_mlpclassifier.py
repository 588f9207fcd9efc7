"""With the same seed, MLPClassifier and FFNNClassifier give the same network.

In float64 and with the penalty converted, initial weights, shuffles, loss curve,
weights and predictions agree. The number of training rows is a multiple of the batch
size, because MLPClassifier's penalty is larger in a last, smaller batch.
"""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from skffnn import FFNNClassifier

# Rounding errors of 1e-16 grow over 20 epochs of training.
RTOL = 1e-6
ATOL = 1e-9  # for weights that happen to be close to 0
EPOCHS = 20
ALPHA = 0.05

N, N_VAL, BATCH = 400, 40, 40
X = load_digits().data[:N] / 16
digit = load_digits().target[:N]
TARGETS = {
    "binary": digit > 4,
    "multiclass": digit,
    "multilabel": np.column_stack([digit % 2, digit % 3 == 0, digit > 4]).astype(int),
}
SOLVERS = {
    "plain sgd": {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.1},
    "momentum": {
        "solver": "sgd",
        "nesterovs_momentum": False,
        "learning_rate_init": 0.02,
    },
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.02},
    "invscaling": {
        "solver": "sgd",
        "learning_rate": "invscaling",
        "learning_rate_init": 0.1,
        "power_t": 0.3,
    },
    # The loss decreases in every epoch by less than tol, so the learning rate drops in
    # every third one. After an increase of the loss, the two differ on purpose.
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.01,
        "tol": 0.5,
        "n_iter_no_change": 2,
    },
    "adam": {"solver": "adam"},
    "adam, other moments": {"solver": "adam", "beta_1": 0.8, "beta_2": 0.95},
    "not shuffled": {"solver": "adam", "shuffle": False},
    "lbfgs": {"solver": "lbfgs", "tol": 1e-9},
}


def pair(target, *, n_rows, batch_size=BATCH, **kwargs):
    """Fit both to the same data with the same objective."""
    kwargs = {
        "hidden_layer_sizes": (12, 7),
        "max_iter": EPOCHS,
        "batch_size": batch_size,
        "random_state": 1,
        **kwargs,
    }
    theirs = MLPClassifier(alpha=ALPHA, **kwargs).fit(X, TARGETS[target])
    rows = n_rows if kwargs.get("solver") == "lbfgs" else batch_size
    ours = FFNNClassifier(alpha=ALPHA / rows, dtype="float64", **kwargs)
    return theirs, ours.fit(X, TARGETS[target])


def assert_same(theirs, ours):
    assert ours.n_iter_ == theirs.n_iter_
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_allclose(a, b, rtol=RTOL, atol=ATOL)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), rtol=RTOL, atol=ATOL
    )
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=RTOL)
    for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("target", TARGETS)
def test_same_network(target, solver, activation):
    theirs, ours = pair(target, n_rows=N, activation=activation, **SOLVERS[solver])
    assert_same(theirs, ours)
    if solver != "lbfgs":
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=RTOL)
        assert ours.t_ == theirs.t_
        assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=RTOL)


@pytest.mark.parametrize("activation", ["logistic", "relu"])
@pytest.mark.parametrize("solver", [s for s in SOLVERS if s not in ("lbfgs",)])
@pytest.mark.parametrize("target", ["binary", "multilabel"])
def test_same_network_with_early_stopping(target, solver, activation):
    theirs, ours = pair(
        target,
        n_rows=N - N_VAL,
        activation=activation,
        early_stopping=True,
        **{"tol": 1e-4, "n_iter_no_change": 4} | SOLVERS[solver],
    )
    assert_same(theirs, ours)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=RTOL)
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_)
    assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_)
    assert ours.best_loss_ is theirs.best_loss_ is None


@pytest.mark.parametrize("solver", ["nesterov", "adam", "lbfgs"])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("hidden", [(), (5,), (6, 5, 4, 3)], ids=str)
def test_same_network_at_other_depths(hidden, target, solver):
    kwargs = SOLVERS[solver] | {"hidden_layer_sizes": hidden, "activation": "tanh"}
    assert_same(*pair(target, n_rows=N, **kwargs))


@pytest.mark.parametrize("batch_size", [1, N], ids=["one example", "all examples"])
@pytest.mark.parametrize("target", TARGETS)
def test_same_network_at_the_two_extremes_of_gradient_descent(target, batch_size):
    kwargs = SOLVERS["plain sgd"] | {"learning_rate_init": 0.01, "max_iter": 5}
    assert_same(*pair(target, n_rows=N, batch_size=batch_size, **kwargs))


@pytest.mark.parametrize("solver", ["nesterov", "adam"])
def test_same_network_when_training_converges(solver):
    kwargs = SOLVERS[solver] | {"tol": 0.02, "n_iter_no_change": 3, "max_iter": 500}
    theirs, ours = pair("multiclass", n_rows=N, **kwargs)
    assert theirs.n_iter_ < 500
    assert_same(theirs, ours)


def test_same_network_with_sample_weights():
    # If the weights of each batch have mean 1, both divide by the same number.
    weights = np.tile([0.5, 1.5], N // 2)
    kwargs = {"random_state": 0, "max_iter": EPOCHS, "batch_size": BATCH}
    kwargs |= {"shuffle": False, "solver": "sgd", "learning_rate_init": 0.02}
    theirs = MLPClassifier(alpha=ALPHA, **kwargs).fit(X, digit, sample_weight=weights)
    ours = FFNNClassifier(alpha=ALPHA / BATCH, dtype="float64", **kwargs)
    assert_same(theirs, ours.fit(X, digit, sample_weight=weights))


def test_every_parameter_of_mlpclassifier_is_there_with_its_default():
    theirs, ours = MLPClassifier().get_params(), FFNNClassifier().get_params()
    assert theirs.items() <= ours.items()


def test_every_fitted_attribute_of_mlpclassifier_is_there():
    theirs, ours = pair("multiclass", n_rows=N, max_iter=2)
    public = {name for name in vars(theirs) if name[0] != "_" and name[-1] == "_"}
    assert public <= set(vars(ours))
