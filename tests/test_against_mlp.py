"""With the same seed, scikit-learn's perceptrons and ours are the same network.

In float64, with the penalty converted and without target scaling, initial weights,
shuffles, loss curve, weights and predictions agree. The number of training rows is a
multiple of the batch size, because their penalty is larger in a last, smaller batch.
"""

import inspect

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skffnn import FFNNClassifier, FFNNRegressor

# Rounding errors of 1e-16 grow over 20 epochs of training.
RTOL = 1e-6
ATOL = 1e-9  # for weights that happen to be close to 0
EPOCHS = 20
ALPHA = 0.05

N, N_VAL, BATCH = 400, 40, 40
IMAGES, DIGIT = (a[:N] for a in load_digits(return_X_y=True))
PATIENTS, PROGRESSION = (a[:N] for a in load_diabetes(return_X_y=True))
LABELS = np.column_stack([DIGIT % 2, DIGIT % 3 == 0, DIGIT > 4]).astype(int)

# The classes, X, y and their own parameters.
CLASSES = MLPClassifier, FFNNClassifier, IMAGES / 16
NUMBERS = MLPRegressor, FFNNRegressor, PATIENTS * 20, PROGRESSION / 100
PROBLEMS = {
    "binary": (*CLASSES, DIGIT > 4, {}),
    "multiclass": (*CLASSES, DIGIT, {}),
    "multilabel": (*CLASSES, LABELS, {}),
    "squared error": (*NUMBERS, {"loss": "squared_error"}),
    "poisson": (*NUMBERS, {"loss": "poisson"}),
}
OPTIONS = {
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
    # The loss decreases in every epoch by less than tol, so the learning rate drops in
    # every third one. After an increase of the loss, the two differ on purpose.
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.001,
        "tol": 0.5,
        "n_iter_no_change": 2,
    },
    "adam": {"solver": "adam"},
    "adam, other moments": {"solver": "adam", "beta_1": 0.8, "beta_2": 0.95},
    "not shuffled": {"solver": "adam", "shuffle": False},
    "lbfgs": {"solver": "lbfgs", "tol": 1e-9},
}

each_problem = pytest.mark.parametrize("problem", PROBLEMS)


def pair(problem, *, n_rows=N, weights=None, **params):
    """Fit both to the same data with the same objective."""
    theirs, ours, X, y, own = PROBLEMS[problem]
    params = {
        "hidden_layer_sizes": (12, 7),
        "max_iter": EPOCHS,
        "batch_size": BATCH,
        "random_state": 1,
        **own,
        **params,
    }
    rows = n_rows if params.get("solver") == "lbfgs" else params["batch_size"]
    one = theirs(alpha=ALPHA, **params).fit(X, y, weights)
    if ours is FFNNRegressor:
        params["normalize_y"] = False
    other = ours(alpha=ALPHA / rows, dtype="float64", **params)
    return one, other.fit(X, y, sample_weight=weights)


def assert_same_weights(theirs, ours, X):
    assert ours.n_iter_ == theirs.n_iter_
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_allclose(a, b, rtol=RTOL, atol=ATOL)
    for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    predict = "predict_proba" if hasattr(theirs, "classes_") else "predict"
    expected = getattr(theirs, predict)(X)
    np.testing.assert_allclose(getattr(ours, predict)(X), expected, RTOL, ATOL)


def assert_same(problem, **params):
    """Fit both, assert that they are the same network, and return both."""
    theirs, ours = pair(problem, **params)
    _, _, X, y, _ = PROBLEMS[problem]
    assert_same_weights(theirs, ours, X)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=RTOL)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y), rel=RTOL)
    if hasattr(theirs, "classes_"):
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    if params.get("solver") != "lbfgs":
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=RTOL)
        assert ours.t_ == theirs.t_
    return theirs, ours


# Every option for classes and for numbers, and each solver for every problem.
COMBINATIONS = [
    (problem, options)
    for problem in PROBLEMS
    for options in OPTIONS
    if problem in ("multiclass", "squared error")
    or options in ("nesterov", "adam", "lbfgs")
]


@pytest.mark.parametrize(("problem", "options"), COMBINATIONS)
def test_same_network(problem, options):
    theirs, ours = assert_same(problem, **OPTIONS[options])
    if options != "lbfgs":
        assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=RTOL)


@pytest.mark.parametrize("options", ["nesterov", "lbfgs"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh"])
@pytest.mark.parametrize("problem", ["multiclass", "squared error"])
def test_same_network_with_other_activations(problem, activation, options):
    assert_same(problem, activation=activation, **OPTIONS[options])


# MLPClassifier splits the rows of several classes differently.
@pytest.mark.parametrize("options", ["nesterov", "adaptive", "adam"])
@pytest.mark.parametrize("problem", [p for p in PROBLEMS if p != "multiclass"])
def test_same_network_with_early_stopping(problem, options):
    params = {"tol": 1e-4, "n_iter_no_change": 4} | OPTIONS[options]
    theirs, ours = assert_same(problem, n_rows=N - N_VAL, early_stopping=True, **params)
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_)
    assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_)
    assert ours.best_loss_ is theirs.best_loss_ is None


@pytest.mark.parametrize("options", ["adam", "lbfgs"])
@pytest.mark.parametrize("hidden", [(), (6, 5, 4, 3)], ids=str)
@pytest.mark.parametrize("problem", ["binary", "poisson"])
def test_same_network_at_other_depths(problem, hidden, options):
    assert_same(
        problem, hidden_layer_sizes=hidden, activation="tanh", **OPTIONS[options]
    )


@pytest.mark.parametrize("batch_size", [1, N], ids=["one example", "all examples"])
@each_problem
def test_same_network_at_the_two_extremes_of_gradient_descent(problem, batch_size):
    params = OPTIONS["nesterov"] | {"batch_size": batch_size, "max_iter": 2}
    assert_same(problem, **params)


@pytest.mark.parametrize("options", ["momentum", "adam"])
def test_same_network_when_training_converges(options):
    params = {"learning_rate_init": 0.02, "tol": 0.02, "n_iter_no_change": 3}
    theirs, _ = assert_same("multiclass", **OPTIONS[options] | params, max_iter=500)
    assert theirs.n_iter_ < 500


@each_problem
def test_same_network_with_sample_weights(problem):
    # If the weights of each batch have mean 1, both divide by the same number.
    weights = np.tile([0.5, 1.5], N // 2)
    assert_same(problem, weights=weights, shuffle=False, **OPTIONS["nesterov"])


@pytest.mark.parametrize("options", ["plain sgd", "nesterov", "adam"])
def test_same_network_of_several_numbers(options):
    # MLPRegressor reports the mean over the targets but uses the gradient of their sum,
    # like ours. So the weights agree, but the losses do not.
    theirs, ours, X, y = NUMBERS
    Y = np.column_stack([y, -y, X[:, 0]])
    params = {"n_iter_no_change": 100, "max_iter": EPOCHS, "random_state": 1}
    params |= {"batch_size": BATCH} | OPTIONS[options]
    one = theirs(alpha=ALPHA, **params).fit(X, Y)
    other = ours(alpha=ALPHA / BATCH, dtype="float64", normalize_y=False, **params)
    assert_same_weights(one, other.fit(X, Y), X)


@pytest.mark.parametrize("problem", ["multiclass", "poisson"])
def test_every_parameter_and_fitted_attribute_of_theirs_is_there(problem):
    theirs, ours = pair(problem, max_iter=2)
    defaults = type(theirs)().get_params()
    assert defaults.items() <= type(ours)().get_params().items()
    attributes = {n for n in vars(theirs) if n[0] != "_" and n[-1] == "_"}
    assert attributes <= set(dir(ours))


def test_the_positional_parameters_of_mlpregressor_are_ours():
    theirs, ours = (
        [p.name for p in inspect.signature(kind).parameters.values() if p.kind == 1]
        for kind in (MLPRegressor, FFNNRegressor)
    )
    assert theirs == ours
