"""LossCurveDisplay and History: curves and learning rates as they were recorded."""

import numpy as np
import pytest
from helpers import THREE_CLASSES, fit

import skffnn
from skffnn import SCHEDULES, FFNNClassifier, InvalidParameterError, LossCurveDisplay
from skffnn.inspection.history import History

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
    # Training that ends there has these very parameters.
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


def legend(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


@pytest.fixture
def rates(monkeypatch):
    """Collect the learning rates that training tells its reporter of."""
    told = []

    class Witness(skffnn.classifier.reporter(0, 1).__class__):
        def epoch(self, epoch):
            told.append(epoch.eta)

    monkeypatch.setattr(
        skffnn.classifier, "reporter", lambda verbose, n, done=0: Witness(n, done)
    )
    return told


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("name", SCHEDULES)
def test_learning_rates_are_those_of_the_training(name, early_stopping, rates):
    model = fit(
        learning_rate=name,
        early_stopping=early_stopping,
        learning_rate_init=0.1,
        n_iter_no_change=2,
        tol=0.02,
        max_iter=40,
        power_t=0.3,
    )
    assert History.of(model).learning_rate.tolist() == rates
    if name == "adaptive":
        assert len({*rates}) > 3
    if name != "constant":
        (line,) = LossCurveDisplay.from_estimator(model).lines_["learning_rate"]
        assert data(line) == ([*range(1, model.n_iter_ + 1)], rates)


@pytest.mark.parametrize("name", SCHEDULES)
def test_learning_rates_of_training_that_goes_on(name, rates, tmp_path):
    schedule = {"cosine": skffnn.Cosine(9), "one_cycle": skffnn.OneCycle(9)}
    model = fit(
        learning_rate=schedule.get(name, name),
        warm_start=True,
        tol=1e3,
        n_iter_no_change=2,
        max_iter=4,
    )
    model.fit(X, y)
    skffnn.save(model, tmp_path / "model")
    history = History.of(skffnn.load(tmp_path / "model"))
    assert history.epochs.tolist() == [*range(1, len(rates) + 1)]
    assert history.learning_rate.tolist() == rates


@pytest.mark.parametrize(
    ("name", "known"), [("constant", True), ("cosine", True), ("invscaling", False)]
)
def test_learning_rates_of_uneven_chunks_are_known_unless_they_depend_on_the_rows(
    name, known, rates
):
    model = FFNNClassifier((3,), learning_rate=name, batch_size=10)
    for n in (30, 41, 50):
        model.partial_fit(X[:n], y[:n], classes=[0, 1, 2])
    learning_rate = History.of(model).learning_rate
    assert (learning_rate is not None) == known
    if known:
        assert learning_rate.tolist() == rates
    else:
        with pytest.raises(InvalidParameterError, match="panels has 'learning_rate'"):
            LossCurveDisplay.from_estimator(model, panels=["learning_rate"])


def test_learning_rate_decays_are_unknown_after_parameters_have_changed():
    params = {"learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 1e3}
    model = fit(**params)
    assert History.of(model).learning_rate is not None
    assert History.of(model.set_params(tol=0)).learning_rate is None


def test_forgotten_epochs_keep_their_numbers(monkeypatch, rates):
    monkeypatch.setattr(skffnn.optim.training, "MAX_HISTORY", 5)
    model = fit(learning_rate="cosine", max_iter=12)
    history = History.of(model)
    assert history.epochs.tolist() == [8, 9, 10, 11, 12]
    assert history.learning_rate.tolist() == rates[-5:]
    assert history.kept == 12


def test_validation_that_began_later_ends_with_the_loss():
    model = fit(max_iter=3, warm_start=True).set_params(max_iter=4)
    model.fit(X, y, X_val=X[:20], y_val=y[:20])
    history = History.of(model)
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
        ({"panels": []}, r"panels must be different ones"),
        ({"panels": ["loss", "loss"]}, r"panels must be different ones"),
        ({"panels": ["score"]}, r"panels has 'score'.*no validation rows"),
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
    assert History.of(fit(early_stopping=True, **params)).score_name == label
