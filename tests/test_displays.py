"""The displays draw what was recorded and what was learned."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skffnn
from skffnn import (
    SCHEDULES,
    FFNNClassifier,
    InvalidParameterError,
    LossCurveDisplay,
    NetworkDisplay,
    WeightsDisplay,
)
from skffnn.inspection.history import History

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

GOLDEN = Path(__file__).parent / "golden"
EXACT = 1e-12  # some operations in float64, in another order
DIFFERENCES = 1e-7  # error of central differences, of a step of 1e-5, in float64
rng = np.random.default_rng(0)
X = rng.normal(size=(90, 4))
score = X[:, 0] + X[:, 1] ** 2
y = np.digitize(score, np.quantile(score, [1 / 3, 2 / 3]))


@pytest.fixture(autouse=True)
def closed():
    """Close the figures of a test, and look at none that cannot be drawn."""
    yield
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
    plt.close("all")


def fit(hidden=(6,), labels=y, rows=X, **params):
    params = {"max_iter": 12, "random_state": 0, "batch_size": 30} | params
    return FFNNClassifier(hidden, **params).fit(rows, labels)


KINDS = {
    LossCurveDisplay: {},
    NetworkDisplay: {},
    WeightsDisplay: {"kind": "images"},
}
each_display = pytest.mark.parametrize("display", KINDS)


# --------------------------------------------------------------- the convention


@each_display
def test_it_draws_on_its_own_figure_or_on_axes_that_it_is_given(display):
    model = fit((1,))
    own = display.from_estimator(model, **KINDS[display])
    assert own.ax_.figure is own.figure_
    figure, ax = plt.subplots()
    given = display.from_estimator(model, ax=ax, **KINDS[display])
    assert given.ax_ is ax
    assert given.figure_ is figure
    again = given.plot(plt.subplots()[1], **KINDS[display])
    assert again is given
    assert again.ax_ is not ax


@each_display
def test_a_pipeline_is_seen_through(display):
    model = make_pipeline(StandardScaler(), FFNNClassifier((3,), max_iter=3))
    display.from_estimator(model.fit(X, y), **KINDS[display])
    display.from_estimator(make_pipeline(fit()), **KINDS[display])


@each_display
@pytest.mark.parametrize(
    "estimator", [FFNNClassifier(), make_pipeline(StandardScaler(), FFNNClassifier())]
)
def test_an_estimator_that_is_not_fitted(display, estimator):
    with pytest.raises(NotFittedError):
        display.from_estimator(estimator, **KINDS[display])


@each_display
@pytest.mark.parametrize(
    "estimator", [None, "x", FFNNClassifier, LogisticRegression(), [FFNNClassifier()]]
)
def test_something_else_than_a_network(display, estimator):
    with pytest.raises(InvalidParameterError, match="estimator must be an FFNNClass"):
        display.from_estimator(estimator, **KINDS[display])


@each_display
@pytest.mark.parametrize("ax", ["x", 1, [None]])
def test_axes_that_are_none(display, ax):
    with pytest.raises(InvalidParameterError, match="ax must be Axes"):
        display.from_estimator(fit(), ax=ax, **KINDS[display])


@each_display
def test_without_matplotlib_the_error_says_what_to_install(display, monkeypatch):
    model = fit()
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=rf"{display.__name__}.*skffnn\[plot\]"):
        display.from_estimator(model, **KINDS[display])


@each_display
@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.skffnn")), ids=lambda p: p.stem)
def test_saved_models_of_every_version_can_be_drawn(display, path):
    model = skffnn.load(path)
    shape = {"image_shape": (1, model.n_features_in_)}
    options = KINDS[display] | (shape if display is WeightsDisplay else {})
    display.from_estimator(model, **options, ax=None)


@each_display
@pytest.mark.parametrize("style", ["default", "dark_background", "grayscale"])
def test_text_has_the_colour_of_the_style(display, style):
    with plt.style.context(style):
        figure = display.from_estimator(fit(), **KINDS[display]).figure_
        figure.canvas.draw()
        ink = matplotlib.colors.to_rgba(plt.rcParams["text.color"])
        written = figure.findobj(lambda t: isinstance(t, matplotlib.text.Text))
        colours = {matplotlib.colors.to_rgba(t.get_color()) for t in written}
        assert colours == {ink}


# ------------------------------------------------------------------ loss curves


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
def test_rates_of_uneven_chunks_are_told_where_rows_do_not_count(name, known, rates):
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


def test_drops_that_other_parameters_do_not_explain_are_not_made_up():
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
        ({"panels": []}, r"panels must be one or more distinct"),
        ({"panels": ["loss", "loss"]}, r"panels must be one or more distinct"),
        ({"panels": ["score"]}, r"panels has 'score'.*no validation set"),
        ({"estimator": {}}, r"must not be empty"),
        ({"estimator": {"a": None}}, r"estimator must be an FFNNClassifier"),
        ({"estimator": {"a": fit(max_iter=1)}, "name": "b"}, r"keys are the names"),
    ],
)
def test_wrong_arguments_of_loss_curves(arguments, message):
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


# ------------------------------------------------------------------ the network


@pytest.mark.parametrize("hidden", [(), (3,), (40, 5)])
@pytest.mark.parametrize("classes", [2, 3])
def test_neurons_and_lines_are_as_many_as_they_should_be(hidden, classes):
    model = fit(hidden, np.arange(len(X)) % classes, max_iter=2)
    display = NetworkDisplay.from_estimator(model, max_neurons=8)
    sizes = [4, *hidden, 1 if classes == 2 else 3]
    drawn = [min(size, 8) for size in sizes]
    assert [len(neurons.get_offsets()) for neurons in display.neurons_] == drawn
    for k, lines in enumerate(display.lines_):
        assert len(lines.get_segments()) == drawn[k] * drawn[k + 1]
    written = " ".join(text.get_text() for text in display.ax_.texts)
    for k, size in enumerate(sizes):
        assert f"D^{{({k})}} = {size}$" in written
    for k in range(1, len(sizes)):
        assert f"W^{{({k})}}, b^{{({k})}}" in written


def test_a_line_joins_the_neurons_of_its_weight():
    model = fit((12, 3))
    display = NetworkDisplay.from_estimator(model, max_neurons=4)
    assert [d.tolist() for d in display.drawn_] == [
        [0, 1, 2, 3],
        [0, 1, 10, 11],
        [0, 1, 2],
        [0, 1, 2],
    ]
    W = model.coefs_[1][[0, 1, 10, 11]]
    ends = [neurons.get_offsets() for neurons in display.neurons_]
    lines = display.lines_[1]
    colours = lines.get_colors()
    for i in range(4):
        for j in range(3):
            segment = lines.get_segments()[i * 3 + j]
            np.testing.assert_array_equal(segment, [ends[1][i], ends[2][j]])
            red, _, blue, _ = colours[i * 3 + j]
            assert (red > blue) == (W[i, j] > 0)  # orange or blue


def test_width_and_opacity_grow_with_the_weight():
    model = fit((5, 4))
    display = NetworkDisplay.from_estimator(model)
    strengths = np.concatenate([np.abs(W).ravel() for W in model.coefs_])
    order = np.argsort(strengths)  # over all layers: they have one scale
    widths = np.concatenate([lines.get_linewidths() for lines in display.lines_])
    alphas = np.concatenate([lines.get_colors()[:, 3] for lines in display.lines_])
    assert (np.diff(widths[order]) > 0).all()
    assert (np.diff(alphas[order]) > 0).all()
    assert widths.max() > 5 * np.median(widths[strengths < strengths.max() / 10])


def test_neurons_have_the_colours_of_their_biases():
    model = fit((5,))
    display = NetworkDisplay.from_estimator(model)
    for neurons, b in zip(display.neurons_[1:], model.intercepts_, strict=True):
        np.testing.assert_array_equal(neurons.get_array(), b)
    assert not display.neurons_[0].get_array().any()  # an input has none
    limit = max(np.abs(b).max() for b in model.intercepts_)
    assert display.neurons_[1].get_clim() == (-limit, limit)


def names(display, k):
    """Return what is written beside the neurons of the first or the last layer."""
    x = k % len(display.drawn_)
    annotations = [t for t in display.ax_.texts if hasattr(t, "xyann")]
    return [t.get_text() for t in annotations if t.xy[0] == x]


def test_features_and_classes_are_named():
    pd = pytest.importorskip("pandas")
    columns = ["a", "b_$2$", "c" * 40, "d"]
    model = fit(rows=pd.DataFrame(X, columns=columns), labels=np.array(list("xyz"))[y])
    display = NetworkDisplay.from_estimator(model)
    assert names(display, 0) == ["a", "b_$2$", "c" * 17 + "…", "d"]
    assert names(display, -1) == ["x", "y", "z"]
    display = NetworkDisplay.from_estimator(model, input_names="wxyz")
    assert names(display, 0) == [*"wxyz"]
    binary = fit(labels=np.where(y == 1, "yes", "no"))
    assert names(NetworkDisplay.from_estimator(binary), -1) == ["yes"]
    several = fit(labels=np.column_stack([y == 1, y > 0]).astype(int))
    assert names(NetworkDisplay.from_estimator(several), -1) == ["0", "1"]
    assert names(NetworkDisplay.from_estimator(several), 0)[0] == "$x_{1}$"


def test_activations_are_named():
    model = fit((3, 3, 3), activation=["tanh", skffnn.ACTIVATIONS["mish"](), "elu"])
    written = [
        t.get_text().split("\n")[-1]
        for t in NetworkDisplay.from_estimator(model).ax_.texts
    ]
    assert [w for w in written if w.isalpha()][-4:] == [
        "tanh",
        "Mish",
        "elu",
        "softmax",
    ]


@pytest.mark.parametrize("hidden", [(3,), (60, 60), (2,) * 6])
def test_nothing_that_is_written_overlaps(hidden):
    display = NetworkDisplay.from_estimator(fit(hidden, max_iter=2))
    display.figure_.canvas.draw()
    inside = display.figure_.bbox
    ax = display.ax_
    boxes = [t.get_window_extent() for t in [*ax.texts, ax.get_legend()]]
    for i, box in enumerate(boxes):
        assert inside.x0 <= box.x0 < box.x1 <= inside.x1
        assert inside.y0 <= box.y0 < box.y1 <= inside.y1
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_neurons": 1}, r"max_neurons must be an integer in \[2, inf\)"),
        ({"max_neurons": 2.5}, r"max_neurons must be an integer"),
        ({"input_names": ["a"]}, r"input_names must have 4 names.*got 1"),
    ],
)
def test_wrong_arguments_of_the_network(arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        NetworkDisplay.from_estimator(fit(max_iter=1), **arguments)


def test_weights_that_are_all_zero_can_be_drawn():
    model = fit(max_iter=1)
    for array in (*model.coefs_, *model.intercepts_):
        array[...] = 0
    NetworkDisplay.from_estimator(model)
    WeightsDisplay.from_estimator(model, X, y, kind="histograms")


# ------------------------------------------------------------------ the weights


@pytest.mark.parametrize("shape", [None, (2, 2), (1, 4), (4, 1)])
def test_an_image_is_a_column_of_the_first_weights(shape):
    model = fit((7,))
    display = WeightsDisplay.from_estimator(
        model, kind="images", image_shape=shape, max_images=5
    )
    W = model.coefs_[0]
    assert len(display.images_) == len(display.axes_) == 5
    limit = np.abs(W[:, :5]).max()
    for j, image in enumerate(display.images_):
        np.testing.assert_array_equal(
            image.get_array(), W[:, j].reshape(shape or (2, 2))
        )
        assert image.get_clim() == (-limit, limit)


def test_zero_has_the_colour_of_the_background():
    for style in ("default", "dark_background"):
        with plt.style.context(style):
            display = WeightsDisplay.from_estimator(fit((2,)), kind="images")
            ground = matplotlib.colors.to_rgb(display.ax_.get_facecolor())
            cmap = display.images_[0].get_cmap()
            # Half a step of the 256 of a colour map.
            np.testing.assert_allclose(cmap(0.5)[:3], ground, atol=1 / 128)


def counts_of(values):
    return np.histogram(values, 40)[0].tolist()


@pytest.mark.parametrize("labels", [y, y > 0, np.column_stack([y > 0, y == 1]) * 1])
def test_gradients_without_hidden_layer_are_those_of_the_formula(labels):
    model = fit((), labels)
    display = WeightsDisplay.from_estimator(model, X, labels, kind="histograms")
    f = model.predict_proba(X)
    if f.shape[1] == 2 and labels.ndim == 1:
        f, Y = f[:, 1:], labels[:, np.newaxis]
    else:
        Y = labels if labels.ndim == 2 else np.eye(3)[labels]
    expected = X.T @ (f - Y) / len(X)  # ∂ℓ/∂W = xᵀ (f - y), averaged
    np.testing.assert_allclose(display.flow.grad[0], expected, atol=1e-6)


def test_gradients_are_those_of_central_differences():
    model = fit((6, 5), activation="tanh", alpha=1.0, dtype="float64")
    display = WeightsDisplay.from_estimator(model, X, y, kind="histograms")
    for k, W in enumerate(model.coefs_):
        direction = np.random.default_rng(k).normal(size=W.shape)
        losses = []
        for step in (1e-5, -2e-5):
            W += step * direction
            losses.append(log_loss(y, model.predict_proba(X)))
        W += 1e-5 * direction
        slope = (losses[0] - losses[1]) / 2e-5
        # α has no part in it: what is shown is what the rows send back.
        ours = np.vdot(display.flow.grad[k], direction)
        assert ours == pytest.approx(slope, rel=DIFFERENCES, abs=1e-9)


def test_histograms_count_what_is_there():
    model = fit((6, 5), activation="tanh", dtype="float64")
    display = WeightsDisplay.from_estimator(model, X, y, kind="histograms")
    h = [model.hidden_features(X, 0), model.hidden_features(X, 1)]
    h.append(model.predict_proba(X))
    expected = {"weights": model.coefs_, "activations": h}
    expected["gradients"] = display.flow.grad
    assert display.axes_.shape == (3, 3)
    for name, arrays in expected.items():
        steps = [patch.get_data() for patch in display.histograms_[name]]
        for (values, edges, _), array in zip(steps, arrays, strict=True):
            assert values.sum() == array.size
            assert edges[0] == pytest.approx(array.min(), rel=EXACT)
            assert edges[-1] == pytest.approx(array.max(), rel=EXACT)
            # A value on an edge may fall on either side of it.
            assert np.abs(values - counts_of(array)).sum() <= 2


def test_columns_are_what_can_be_known():
    model = fit((6,))
    for arguments, columns in [((), 1), ((X,), 2), ((X, y), 3)]:
        display = WeightsDisplay.from_estimator(model, *arguments, kind="histograms")
        assert display.axes_.shape == (2, columns)
        assert (display.dead_ is None) == (not arguments)


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "gelu"])
def test_dead_neurons_are_counted(activation):
    model = fit((6, 4), activation=activation)
    for b in model.intercepts_:
        b += 2  # all are alive
    assert WeightsDisplay.from_estimator(model, X, kind="histograms").dead_ == [0, 0]
    model.intercepts_[0][:3] = -1e4  # their slope is 0 for each of the rows
    model.intercepts_[1][1] = -1e4
    display = WeightsDisplay.from_estimator(model, X, kind="histograms")
    assert display.dead_ == [3, 1]
    assert "3 of 6 neurons dead" in display.axes_[0, 1].get_xlabel()


def test_the_part_that_is_flat_is_that_of_the_pre_activations():
    model = fit((6,), activation="relu")
    display = WeightsDisplay.from_estimator(model, X, kind="histograms")
    a = X @ model.coefs_[0] + model.intercepts_[0]
    np.testing.assert_array_equal(display.flow.flat[0], (a <= 0).mean(axis=0))


def test_a_pipeline_transforms_the_rows():
    model = make_pipeline(StandardScaler(), FFNNClassifier((3,), max_iter=3)).fit(
        50 * X, y
    )
    display = WeightsDisplay.from_estimator(model, 50 * X, y, kind="histograms")
    scaled = model[0].transform(50 * X)
    direct = WeightsDisplay.from_estimator(model[-1], scaled, y, kind="histograms")
    for ours, theirs in zip(display.flow.h, direct.flow.h, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_blocks_of_rows_and_sparse_rows_make_no_difference(monkeypatch):
    model = fit((6,), dtype="float64")
    whole = WeightsDisplay.from_estimator(model, X, y, kind="histograms").flow
    sparse = WeightsDisplay.from_estimator(model, csr_array(X), y, kind="histograms")
    monkeypatch.setattr(
        "skffnn.inspection.weights_display.rows_per_block", lambda X, sizes: 7
    )
    blocks = WeightsDisplay.from_estimator(model, X, y, kind="histograms").flow
    for other in (blocks, sparse.flow):
        for a, b in zip(
            whole.h + whole.grad + whole.flat,
            other.h + other.grad + other.flat,
            strict=True,
        ):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=EXACT)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "image"}, r"kind must be one of.*Did you mean 'images'"),
        ({"image_shape": (3, 3)}, r"image_shape must be.*product is 4.*\(3, 3\)"),
        ({"image_shape": 4}, r"image_shape must be"),
        ({"image_shape": (-2, -2)}, r"image_shape must be an integer in \[1"),
        ({"max_images": 0}, r"max_images must be an integer in \[1"),
        ({"kind": "histograms", "y": y}, r"y requires X"),
    ],
)
def test_wrong_arguments_of_the_weights(arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        WeightsDisplay.from_estimator(fit(max_iter=1), **{"kind": "images"} | arguments)


def test_features_that_make_no_square_need_a_shape():
    model = fit(rows=X[:, :3], max_iter=1)
    with pytest.raises(InvalidParameterError, match="whose product is 3"):
        WeightsDisplay.from_estimator(model, kind="images")


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (X[:, :2], y, "X has 2 features"),
        (X, y[:5], "inconsistent numbers of samples"),
        (X, y + 1, r"y .*3"),
        (np.full_like(X, np.nan), y, "NaN"),
    ],
    ids=["features", "lengths", "labels", "nan"],
)
def test_rows_that_do_not_fit(rows, labels, message):
    with pytest.raises(ValueError, match=message):
        WeightsDisplay.from_estimator(fit(max_iter=1), rows, labels, kind="histograms")
