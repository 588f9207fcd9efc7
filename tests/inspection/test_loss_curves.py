"""LossCurveDisplay and History: the recorded curves and learning rates."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from helpers import THREE_CLASSES, fit
from sklearn.metrics import log_loss

import skffnn
from skffnn import (
    SCHEDULES,
    Adam,
    FFNNClassifier,
    InvalidParameterError,
    LossCurveDisplay,
)
from skffnn.inspection.loss_curves import History

plt = pytest.importorskip("matplotlib.pyplot")

X, y = THREE_CLASSES


def data(line):
    return line.get_xdata().tolist(), line.get_ydata().tolist()


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "lbfgs"])
def test_curves_are_what_was_recorded(solver):
    model = fit(solver=solver, early_stopping=True, scoring="loss")
    display = LossCurveDisplay.from_estimator(model)
    epochs = [*range(1, model.n_iter_ + 1)]
    (line,) = display.lines_["loss"]
    assert data(line) == (epochs, model.loss_curve_)
    (line,) = display.lines_["validation_loss"]
    assert data(line) == (epochs, model.validation_loss_curve_)
    (line,) = display.lines_["score"]
    assert data(line) == (epochs, model.validation_scores_)
    unit = "iteration" if solver == "lbfgs" else "epoch"
    assert display.axes_[-1].get_xlabel() == unit
    assert [ax.get_ylabel() for ax in display.axes_] == [
        "loss",
        "minus the loss\n(validation)",
    ]


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_the_circle_is_at_the_parameters_that_were_kept(solver):
    params = {"solver": solver, "early_stopping": True, "learning_rate_init": 0.5}
    model = fit(**params, n_iter_no_change=4, max_iter=60)
    display = LossCurveDisplay.from_estimator(model)
    kept = display.histories[0].kept
    assert kept < model.n_iter_
    # Training that ends there gives exactly these parameters.
    until = fit(**params, n_iter_no_change=4, max_iter=kept)
    for W, V in zip(model.coefs_, until.coefs_, strict=True):
        np.testing.assert_array_equal(W, V)
    loss, validation_loss, score = display.lines_["kept"]
    assert data(loss) == ([kept], [model.loss_curve_[kept - 1]])
    assert data(validation_loss) == ([kept], [model.validation_loss_curve_[kept - 1]])
    assert data(score) == ([kept], [model.best_validation_score_])
    assert f"kept: {display.histories[0].unit} {kept}" in legend(display)


def test_without_validation_rows_the_last_epoch_is_kept():
    display = LossCurveDisplay.from_estimator(fit())
    assert display.histories[0].kept == 12
    assert display.histories[0].score is None
    assert len(display.axes_) == 1


@pytest.mark.parametrize(
    ("loss", "scale"),
    [
        ([2.3, 0.5, 0.1, 0.05, 0.04], "log"),
        ([2.3, 1.5, 1.1, 0.5, 0.4], "linear"),  # all epochs are distinguishable
        ([2.3, 0.5, 0.1, -0.05, 0.04], "linear"),
        ([2.3, np.nan, np.nan, 0.05, 0.04], "log"),
    ],
    ids=["wide", "narrow", "negative", "unknown"],
)
def test_the_axis_is_logarithmic_where_the_range_asks_for_it(loss, scale):
    history = replace(History.from_estimator(fit(max_iter=5)), loss=np.array(loss))
    display = LossCurveDisplay([history]).plot()
    assert display.ax_.get_yscale() == scale


def test_learning_rates_of_different_powers_of_ten_can_be_told_apart():
    models = {
        eta: fit(learning_rate_init=eta, learning_rate="cosine") for eta in (1e-5, 0.1)
    }
    display = LossCurveDisplay.from_estimator(models)
    assert display.axes_[-1].get_yscale() == "log"
    one = LossCurveDisplay.from_estimator(models[0.1])
    assert one.axes_[-1].get_yscale() == "linear"


def legend(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


@pytest.fixture
def recorder():
    """An optimiser that records the learning rate of each step."""

    class Recorder(Adam):
        rates: ClassVar[list[float]] = []

        def update(self, grad, state, eta):
            self.rates.append(eta)
            return super().update(grad, state, eta)

    return Recorder()


WHOLE = {"batch_size": "auto"}  # all rows: one step in each epoch


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("name", SCHEDULES)
def test_learning_rates_are_those_of_the_training(name, early_stopping, recorder):
    model = fit(
        solver=recorder,
        **WHOLE,
        learning_rate=name,
        early_stopping=early_stopping,
        learning_rate_init=0.1,
        n_iter_no_change=2,
        tol=0.02,
        max_iter=40,
        power_t=0.3,
    )
    assert model.learning_rate_curve_ == recorder.rates
    if name == "adaptive":
        assert len({*recorder.rates}) > 3
    if name != "constant":
        (line,) = LossCurveDisplay.from_estimator(model).lines_["learning_rate"]
        assert data(line) == ([*range(1, model.n_iter_ + 1)], recorder.rates)


@pytest.mark.parametrize("name", SCHEDULES)
def test_learning_rates_of_training_that_is_continued(name, recorder):
    schedule = {"cosine": skffnn.Cosine(9), "one_cycle": skffnn.OneCycle(9)}
    model = fit(
        solver=recorder,
        **WHOLE,
        learning_rate=schedule.get(name, name),
        warm_start=True,
        tol=1e3,
        n_iter_no_change=2,
        max_iter=4,
    )
    history = History.from_estimator(model.fit(X, y))
    assert history.epochs.tolist() == [*range(1, len(recorder.rates) + 1)]
    assert history.learning_rate.tolist() == recorder.rates


@pytest.mark.parametrize("name", ["constant", "cosine", "invscaling"])
def test_learning_rates_of_chunks_of_any_size(name, recorder):
    model = FFNNClassifier((3,), learning_rate=name, solver=recorder)
    for n in (30, 41, 50):
        model.partial_fit(X[:n], y[:n], classes=[0, 1, 2])
    assert History.from_estimator(model).learning_rate.tolist() == recorder.rates


def test_learning_rates_that_were_changed_between_fits_are_drawn_as_they_were():
    model = fit(max_iter=3, learning_rate_init=0.1, warm_start=True)
    model.set_params(learning_rate_init=0.001).fit(X, y)
    assert (
        History.from_estimator(model).learning_rate.tolist() == [0.1] * 3 + [1e-3] * 3
    )


def test_the_circle_is_at_the_last_of_equal_scores_of_a_fixed_horizon():
    # If scores are equal, a fixed-horizon schedule keeps the last one, not the first.
    scores = iter([0.5, 0.9, 0.7, 0.9, 0.8])
    model = FFNNClassifier(
        learning_rate=skffnn.Cosine(5), max_iter=5, scoring=lambda *_: next(scores)
    )
    model.fit(X, y, X_val=X[:20], y_val=y[:20])
    display = LossCurveDisplay.from_estimator(model)
    assert display.histories[0].kept == 4
    loss = display.lines_["kept"][0]
    assert data(loss) == ([4], [model.loss_curve_[3]])
    assert model.validation_loss_curve_[3] == pytest.approx(
        log_loss(y[:20], model.predict_proba(X[:20]), labels=[0, 1, 2]), rel=1e-5
    )


def test_forgotten_epochs_keep_their_numbers(recorder):
    model = fit(solver=recorder, **WHOLE, learning_rate="cosine", max_iter=10_003)
    history = History.from_estimator(model)
    assert history.epochs.tolist() == [*range(4, 10_004)]
    assert history.learning_rate.tolist() == recorder.rates[3:]
    assert history.kept == 10_003


def test_validation_that_began_later_ends_with_the_loss():
    model = fit(max_iter=3, warm_start=True).set_params(max_iter=4)
    model.fit(X, y, X_val=X[:20], y_val=y[:20])
    history = History.from_estimator(model)
    assert np.isnan(history.score[:3]).all()
    assert history.score[3:].tolist() == model.validation_scores_
    assert len(history.score) == len(history.loss) == 7


def test_several_estimators_share_the_axes():
    models = {"a": fit(), "b": fit(early_stopping=True), 3: fit(solver="lbfgs")}
    display = LossCurveDisplay.from_estimator(models)
    losses = display.lines_["loss"]
    assert len({line.get_color() for line in losses}) == 3
    assert {line.axes for line in losses} == {display.ax_}
    for line, model in zip(losses, models.values(), strict=True):
        assert line.get_ydata().tolist() == model.loss_curve_
    (dashed,) = display.lines_["validation_loss"]
    assert dashed.get_color() == losses[1].get_color()
    assert legend(display) == ["a", "b", "3", "validation", "kept"]
    assert display.axes_[-1].get_xlabel() == "epoch or iteration"


def test_another_display_adds_to_the_axes_in_another_colour():
    first = LossCurveDisplay.from_estimator(fit(early_stopping=True), name="first")
    second = LossCurveDisplay.from_estimator(
        fit(early_stopping=True), name="second", ax=first.axes_
    )
    for kind in ("loss", "score"):
        one, two = first.lines_[kind][0], second.lines_[kind][0]
        assert one.axes is two.axes
        assert one.get_color() != two.get_color()
    assert legend(second)[:2] == ["first", "second"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"panels": ["lost"]}, r"panels must be one of.*Did you mean 'loss'"),
        ({"panels": []}, r"panels must be one or more distinct"),
        ({"panels": ["loss", "loss"]}, r"panels must be one or more distinct"),
        ({"panels": ["score"]}, r"panels has 'score'.*no validation set"),
        ({"estimator": {}}, r"must not be empty"),
        ({"estimator": {"a": None}}, r"estimator must be an FFNNClassifier"),
        ({"estimator": {"a": fit(max_iter=1)}, "name": "b"}, r"keys are the names"),
    ],
)
def test_invalid_arguments_of_loss_curves(arguments, message):
    arguments = {"estimator": fit(max_iter=2)} | arguments
    with pytest.raises(InvalidParameterError, match=message):
        LossCurveDisplay.from_estimator(**arguments)


def test_axes_have_to_be_as_many_as_panels():
    model = fit(early_stopping=True)
    axes = plt.subplots(2)[1]
    display = LossCurveDisplay.from_estimator(model, ax=axes)
    assert [*display.axes_] == [*axes]
    with pytest.raises(InvalidParameterError, match="ax must be 1 Axes, for loss"):
        LossCurveDisplay.from_estimator(model, ax=axes, panels=["loss"])


@pytest.mark.parametrize(
    ("params", "label"),
    [
        ({}, "accuracy"),
        ({"class_weight": "balanced"}, "minus the loss"),
        ({"scoring": "neg_log_loss"}, "neg log loss"),
        ({"scoring": lambda estimator, X, y: 0.5}, "score"),
    ],
    ids=["accuracy", "weighted", "named", "callable"],
)
def test_the_score_has_its_name(params, label):
    assert (
        History.from_estimator(fit(early_stopping=True, **params)).score_name == label
    )
