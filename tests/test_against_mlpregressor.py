"""With the same seed, MLPRegressor and FFNNRegressor give the same network.

In float64, with the penalty converted and without target scaling, initial weights,
shuffles, loss curve, weights and predictions agree. The loss of both is half the mean
squared error.
"""

import inspect

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.neural_network import MLPRegressor

from skffnn import FFNNRegressor

# Rounding errors of 1e-16 grow over 20 epochs of training.
RTOL = 1e-6
ATOL = 1e-9  # for weights that happen to be close to 0
EPOCHS = 20
ALPHA = 0.05

N, N_VAL, BATCH = 400, 40, 40
X, y = load_diabetes(return_X_y=True)
X, y = X[:N] * 20, y[:N] / 100
SOLVERS = {
    "plain sgd": {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.01},
    "momentum": {
        "solver": "sgd",
        "nesterovs_momentum": False,
        "learning_rate_init": 0.001,
    },
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.001},
    "invscaling": {
        "solver": "sgd",
        "learning_rate": "invscaling",
        "learning_rate_init": 0.02,
        "power_t": 0.3,
    },
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.001,
        "tol": 0.5,
        "n_iter_no_change": 2,
    },
    "adam": {"solver": "adam"},
    "not shuffled": {"solver": "adam", "shuffle": False},
    "lbfgs": {"solver": "lbfgs", "tol": 1e-9},
}


def pair(*, n_rows=N, target=y, sample_weight=None, **kwargs):
    """Fit both to the same data with the same objective."""
    kwargs = {
        "hidden_layer_sizes": (12, 7),
        "max_iter": EPOCHS,
        "batch_size": BATCH,
        "random_state": 1,
        **kwargs,
    }
    theirs = MLPRegressor(alpha=ALPHA, **kwargs).fit(X, target)
    rows = n_rows if kwargs.get("solver") == "lbfgs" else BATCH
    ours = FFNNRegressor(
        alpha=ALPHA / rows, dtype="float64", normalize_y=False, **kwargs
    )
    return theirs, ours.fit(X, target)


def assert_same_weights(theirs, ours):
    assert ours.n_iter_ == theirs.n_iter_
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_allclose(a, b, rtol=RTOL, atol=ATOL)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=RTOL)
    for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)


def assert_same(theirs, ours, target=y):
    assert_same_weights(theirs, ours)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=RTOL)
    assert ours.score(X, target) == pytest.approx(theirs.score(X, target), rel=RTOL)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_same_network(solver, loss, activation):
    theirs, ours = pair(loss=loss, activation=activation, **SOLVERS[solver])
    assert_same(theirs, ours)
    if solver != "lbfgs":
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=RTOL)
        assert ours.t_ == theirs.t_
        assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=RTOL)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("solver", ["nesterov", "adaptive", "adam"])
def test_same_network_with_early_stopping(solver, loss):
    options = {"tol": 1e-4, "n_iter_no_change": 4} | SOLVERS[solver]
    theirs, ours = pair(n_rows=N - N_VAL, loss=loss, early_stopping=True, **options)
    assert_same(theirs, ours)
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_)
    assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_)
    assert ours.best_loss_ is theirs.best_loss_ is None


@pytest.mark.parametrize("hidden", [(), (5,), (6, 5, 4, 3)], ids=str)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_same_network_at_other_depths(solver, hidden):
    kwargs = SOLVERS[solver] | {"hidden_layer_sizes": hidden, "activation": "tanh"}
    assert_same(*pair(**kwargs))


@pytest.mark.parametrize("solver", ["plain sgd", "nesterov", "adam"])
def test_same_network_of_several_targets(solver):
    # MLPRegressor reports the mean over the targets but uses the gradient of their sum,
    # like ours. So the weights agree, but the losses do not.
    Y = np.column_stack([y, -y, X[:, 0]])
    options = {"n_iter_no_change": 100} | SOLVERS[solver]
    assert_same_weights(*pair(target=Y, **options))


def test_every_parameter_of_mlpregressor_is_there_with_its_default():
    theirs, ours = MLPRegressor().get_params(), FFNNRegressor().get_params()
    assert theirs.items() <= ours.items()
    # The positional parameters are the same, in the same order.
    first = [
        [p.name for p in inspect.signature(kind).parameters.values() if p.kind == 1]
        for kind in (MLPRegressor, FFNNRegressor)
    ]
    assert first[0] == first[1]


def test_every_fitted_attribute_of_mlpregressor_is_there():
    theirs, ours = pair(max_iter=2)
    public = {name for name in vars(theirs) if name[0] != "_" and name[-1] == "_"}
    assert public <= set(vars(ours))
