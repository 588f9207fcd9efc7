"""Training: stopping, the parameters it keeps, and the curves it records."""

import re
import warnings

import numpy as np
import pytest
from helpers import X, y
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    log_loss,
    make_scorer,
)

from skffnn import REGRESSION_LOSSES, SOLVERS, Cosine, FFNNClassifier, FFNNRegressor
from skffnn.nn.parameters import Parameters
from skffnn.optim.progress import Progress, StoppingCriteria

TRAIN, VAL = np.arange(150) % 3 != 0, np.arange(150) % 3 == 0
RTOL = 1e-9  # means of fifty numbers


def fit_with_validation(**kwargs):
    kwargs = {"random_state": 0, "dtype": "float64", "max_iter": 15} | kwargs
    model = FFNNClassifier((8,), **{"learning_rate_init": 0.05} | kwargs)
    return model.fit(X[TRAIN], y[TRAIN], X_val=X[VAL], y_val=y[VAL])


def patience(scores, tol=0.1, n_iter_no_change=2):
    progress = Progress(Parameters([1, 1]), np.random.RandomState(0))
    criteria = StoppingCriteria(99, tol, n_iter_no_change)
    return [progress.has_stalled(score, criteria) for score in scores]


def test_training_stops_after_more_than_n_epochs_without_an_improvement_by_tol():
    assert patience([0, 1, 2, 3]) == [False] * 4
    assert patience([0, 0.05, 0.05, 0.05]) == [False, False, False, True]
    # Small improvements do not add up, because each is compared with the reference.
    assert patience([0, 0.05, 0.1, 0.15]) == [False, False, False, True]
    assert patience([0, 0.05, 0.2, 0.2, 0.2, 0.2]) == [False] * 5 + [True]


def test_nan_is_no_improvement():
    assert patience([0, np.nan, np.nan, np.nan]) == [False, False, False, True]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("scoring", "score"),
    [
        (None, lambda model: model.score(X[VAL], y[VAL])),
        ("loss", lambda model: -log_loss(y[VAL], model.predict_proba(X[VAL]))),
        (
            "balanced_accuracy",
            lambda model: balanced_accuracy_score(y[VAL], model.predict(X[VAL])),
        ),
        (
            make_scorer(accuracy_score),
            lambda model: accuracy_score(y[VAL], model.predict(X[VAL])),
        ),
    ],
    ids=["accuracy", "loss", "name", "callable"],
)
def test_the_parameters_that_are_kept_have_the_best_score(scoring, score, solver):
    model = fit_with_validation(scoring=scoring, solver=solver)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert score(model) == pytest.approx(model.best_validation_score_, rel=RTOL)
    assert len(model.validation_scores_) == len(model.loss_curve_) == model.n_iter_
    assert len(model.validation_loss_curve_) == model.n_iter_


def test_the_validation_loss_is_the_cross_entropy_of_the_model_after_each_epoch():
    longer = fit_with_validation(n_iter_no_change=np.inf)
    for epochs in (1, 4):
        # Without validation, training is the same but keeps the last parameters.
        model = FFNNClassifier(
            (8,),
            learning_rate_init=0.05,
            random_state=0,
            dtype="float64",
            max_iter=epochs,
        ).fit(X[TRAIN], y[TRAIN])
        expected = log_loss(y[VAL], model.predict_proba(X[VAL]))
        assert longer.validation_loss_curve_[epochs - 1] == pytest.approx(
            expected, rel=RTOL
        )


def test_the_loss_of_a_full_batch_is_J_before_its_step():
    # With one batch per epoch, the first loss is J for the initial parameters.
    start = FFNNClassifier(
        (8,), solver="sgd", learning_rate_init=1e-300, alpha=0.1, random_state=0
    ).set_params(max_iter=1)
    start.fit(X, y)
    omega = sum((W**2).sum() for W in start.coefs_) / 2
    expected = log_loss(y, start.predict_proba(X)) + 0.1 * omega
    assert start.loss_curve_ == [pytest.approx(expected, rel=RTOL)]


def test_lbfgs_ends_where_the_gradient_is_small():
    model = FFNNClassifier(
        (3,), "tanh", solver="lbfgs", alpha=0.1, tol=1e-6, max_iter=5000, random_state=0
    ).fit(X, y)
    assert len(model.loss_curve_) == model.n_iter_ < 5000
    assert np.all(np.diff(model.loss_curve_) <= 0)
    # A perturbation of θ by 1e-3 then does not decrease J by more than gtol times 1e-3.
    rng = np.random.default_rng(0)

    def J():
        omega = sum((W**2).sum() for W in model.coefs_) / 2
        return log_loss(y, model.predict_proba(X)) + 0.1 * omega

    best = J()
    for array in (*model.coefs_, *model.intercepts_):
        step = 1e-3 * rng.normal(size=array.shape)
        array += step
        assert J() > best - 1e-8
        array -= step


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"max_iter": 3}, r"after max_iter=3 epochs.*tol=0.0001.*scale the features"),
        ({"solver": "lbfgs", "max_iter": 3}, r"after max_iter=3 iterations"),
        ({"solver": "lbfgs", "max_fun": 3}, r"after max_fun=3 evaluations"),
    ],
    ids=["epochs", "iterations", "evaluations"],
)
def test_the_warning_says_what_ended_training_and_what_helps(kwargs, message):
    with pytest.warns(ConvergenceWarning, match=message):
        FFNNClassifier(**kwargs).fit(X, y)


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
@pytest.mark.filterwarnings("error")
def test_fixed_horizon_schedules_do_not_warn(schedule):
    model = FFNNClassifier(learning_rate=schedule, max_iter=20, random_state=0)
    model.fit(X, y)
    model.fit(X, y, X_val=X, y_val=y)


@pytest.mark.parametrize(("schedule", "kept"), [("cosine", 4), ("constant", 2)])
def test_of_equal_scores_a_fixed_horizon_schedule_keeps_the_last(schedule, kept):
    scores = iter([0.5, 0.9, 0.7, 0.9, 0.8])
    kwargs = {"learning_rate": Cosine(max_iter=5) if schedule == "cosine" else schedule}
    kwargs |= {"solver": "sgd", "random_state": 0}

    def scripted(model, X, y):
        return next(scores)

    best = FFNNClassifier(scoring=scripted, max_iter=5, **kwargs)
    best.fit(X, y, X_val=X, y_val=y)
    model = FFNNClassifier(max_iter=kept, **kwargs).fit(X, y)
    for a, b in zip(best.coefs_, model.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_label_smoothing_mixes_in_the_uniform_distribution():
    # The minimum of a network without hidden layers and inputs is known: its
    # probabilities are the frequencies of the smoothed labels.
    epsilon, labels = 0.2, np.repeat([0, 1, 2], [5, 3, 2])
    model = FFNNClassifier(
        (), solver="lbfgs", alpha=0, tol=1e-10, label_smoothing=epsilon, max_iter=1000
    ).fit(np.zeros((10, 1)), labels)
    expected = (1 - epsilon) * np.array([0.5, 0.3, 0.2]) + epsilon / 3
    np.testing.assert_allclose(model.predict_proba([[0]])[0], expected, rtol=1e-6)
    binary = FFNNClassifier(
        (), solver="lbfgs", alpha=0, tol=1e-10, label_smoothing=epsilon, max_iter=1000
    ).fit(np.zeros((10, 1)), labels > 0)
    expected = (1 - epsilon) * np.array([0.5, 0.5]) + epsilon / 2
    np.testing.assert_allclose(binary.predict_proba([[0]])[0], expected, rtol=1e-6)


def test_adamw_decays_weights_apart_from_the_gradient():
    # If the gradient is zero, W shrinks by the factor 1 - η α in every step.
    rows, eta, alpha, steps = np.zeros((20, 2)), 0.1, 0.5, 7
    labels = np.tile([0, 1], 10)
    kwargs = {"solver": "adamw", "learning_rate_init": eta, "random_state": 0}
    start = FFNNClassifier((), alpha=0, max_iter=1, **kwargs).fit(rows, labels)
    end = FFNNClassifier((), alpha=alpha, max_iter=steps, **kwargs).fit(rows, labels)
    expected = start.coefs_[0] * (1 - eta * alpha) ** steps
    np.testing.assert_allclose(end.coefs_[0], expected, rtol=1e-12)


def test_lbfgs_with_dropout_minimises_one_function():
    kwargs = {"dropout": 0.5, "random_state": 0, "max_iter": 300}
    model = FFNNClassifier((20,), "tanh", solver="lbfgs", **kwargs).fit(X, y)
    assert np.all(np.diff(model.loss_curve_) <= 0)
    assert model.n_iter_ < 300  # it has converged


def test_the_loss_of_adamw_is_its_data_term():
    rows, labels = np.zeros((20, 2)), np.tile([0, 1], 10)
    model = FFNNClassifier((), solver="adamw", alpha=100, max_iter=1)
    model.set_params(learning_rate_init=1e-300, random_state=0).fit(rows, labels)
    assert model.loss_ == pytest.approx(log_loss(labels, model.predict_proba(rows)))


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_a_fixed_horizon_is_reached_unless_validation_stops_training(schedule):
    kwargs = {"learning_rate": schedule, "tol": 1e9, "n_iter_no_change": 2}
    kwargs |= {"max_iter": 12, "random_state": 0}
    assert FFNNClassifier(**kwargs).fit(X, y).n_iter_ == 12
    assert FFNNClassifier(**kwargs).fit(X, y, X_val=X, y_val=y).n_iter_ == 1 + 3


@pytest.mark.parametrize(
    "name", ["alpha", "learning_rate_init", "beta_1", "label_smoothing", "dropout"]
)
def test_numpy_scalars_and_python_numbers_give_the_same_fit(name):
    kwargs = {"max_iter": 3, "batch_size": 20, "random_state": 0}
    ours, theirs = (
        FFNNClassifier((8,), **{name: number}, **kwargs).fit(X, y)
        for number in (0.1, np.float64(0.1))
    )
    for a, b in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_partial_fit_goes_on_from_the_parameters_that_were_kept():
    model = fit_with_validation(max_iter=7, scoring="loss", learning_rate_init=1.0)
    assert np.argmax(model.validation_scores_) < 6
    kept = [W.copy() for W in model.coefs_]
    model.set_params(learning_rate_init=1e-300).partial_fit(X, y)
    for a, b in zip(model.coefs_, kept, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_scorer_that_takes_no_weights_is_an_error_with_weights():
    def scorer(estimator, X, y):
        return 0.5

    model = FFNNClassifier(early_stopping=True, scoring=scorer, max_iter=2)
    model.fit(X, y)
    with pytest.raises(ValueError, match=r"scoring=.*does not take sample_weight"):
        model.fit(X, y, np.linspace(1, 2, len(y)))


def test_a_scorer_that_fails_for_labels_of_several_types_says_what_failed():
    targets = np.array([[str(k), k] for k in y], dtype=object)
    model = FFNNClassifier(early_stopping=True, scoring="accuracy", max_iter=2)
    with pytest.raises(ValueError, match="scoring='accuracy' fails on the validation"):
        model.fit(X, targets)


NOISE = np.random.default_rng(0).normal(size=(150, 3)) * 1e-9


def warnings_of(model, X, y, **params):
    """Return the messages of the warnings of a fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.set_params(random_state=0, **params).fit(X, y)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("limit", [2, 2000])
def test_a_network_that_is_no_better_than_a_constant_says_so_once(solver, limit):
    prior = DummyClassifier(strategy="prior").fit(NOISE, y)
    constant = log_loss(y, prior.predict_proba(NOISE))
    numbers = FFNNRegressor(solver=solver, normalize_y=False, alpha=1.0)
    for model, labels, loss in [
        (FFNNClassifier(solver=solver), y, constant),
        (numbers, X[:, 0] - X[:, 0].mean(), X[:, 0].var() / 2),
    ]:
        (message,) = warnings_of(model, NOISE, labels, max_iter=limit)
        assert f"no better than that of a constant prediction, {loss:.6g}" in message
        assert ("max_iter=2 " in message) == (limit == 2)


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_the_best_constant_is_that_of_every_loss(loss):
    targets = np.exp(X[:, 0] - X[:, 0].mean())
    model = FFNNRegressor(loss, max_iter=2)
    (message,) = warnings_of(model, NOISE, targets)
    constant = float(re.search(r"prediction, (.*?)\. ", message)[1])
    # A network of a bias alone, as its features are 0.
    linear = FFNNRegressor(loss, hidden_layer_sizes=(), solver="adam", max_iter=3000)
    linear.set_params(batch_size=len(y), learning_rate="cosine", alpha=0)
    linear.set_params(learning_rate_init=0.03, dtype="float64")
    linear.fit(0 * NOISE, targets)
    assert constant == pytest.approx(linear.loss_, rel=1e-3)


@pytest.mark.parametrize(
    ("features", "labels", "params"),
    [
        (X, y, {"max_iter": 100}),
        (NOISE, y, {"max_iter": 1}),
        (NOISE, 0 * y, {}),
        (0 * NOISE, y, {}),
    ],
    ids=["a good network", "an epoch", "one class", "constant features"],
)
def test_nothing_is_said_where_a_constant_is_no_measure(features, labels, params):
    messages = warnings_of(FFNNClassifier(**params), features, labels)
    assert not any("constant" in message for message in messages)
    stream = FFNNClassifier(random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream.partial_fit(features, labels, classes=[0, 1, 2])
