"""NetworkDisplay: neurons, lines and names."""

import numpy as np
import pytest
from helpers import THREE_CLASSES, fit
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import skffnn
from skffnn import InvalidParameterError, NetworkDisplay, WeightsDisplay

pytest.importorskip("matplotlib")

X, y = THREE_CLASSES


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
    W = model.coefs_
    strength = [
        sum(W[0][:, j] ** 2) * sum(W[1][j] ** 2) for j in range(12)
    ]  # of incoming and outgoing weights
    strong = sorted(sorted(range(12), key=strength.__getitem__)[-4:])
    assert [d.tolist() for d in display.drawn_] == [
        [0, 1, 2, 3],
        strong,
        [0, 1, 2],
        [0, 1, 2],
    ]
    assert strong != [0, 1, 10, 11]
    W = W[1][strong]
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
    order = np.argsort(strengths)  # over all layers, which share one scale
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
    assert not display.neurons_[0].get_array().any()  # inputs have none
    limit = max(np.abs(b).max() for b in model.intercepts_)
    assert display.neurons_[1].get_clim() == (-limit, limit)


def names(display, k):
    """Return the labels of the neurons in the first or last layer."""
    x = k % len(display.drawn_)
    annotations = [t for t in display.ax_.texts if hasattr(t, "xyann")]
    return [t.get_text() for t in annotations if t.xy[0] == x]


def test_features_and_classes_are_named():
    pd = pytest.importorskip("pandas")
    columns = ["a", "b_$2$", "country_of_birth_United States of America", "d"]
    model = fit(rows=pd.DataFrame(X, columns=columns), labels=np.array(list("xyz"))[y])
    display = NetworkDisplay.from_estimator(model)
    assert names(display, 0) == ["a", "b_$2$", "country_o…America", "d"]
    assert names(display, -1) == ["x", "y", "z"]
    display = NetworkDisplay.from_estimator(model, input_names="wxyz")
    assert names(display, 0) == [*"wxyz"]
    binary = fit(labels=np.where(y == 1, "yes", "no"))
    assert names(NetworkDisplay.from_estimator(binary), -1) == ["yes"]
    several = fit(labels=np.column_stack([y == 1, y > 0]).astype(int))
    assert names(NetworkDisplay.from_estimator(several), -1) == ["0", "1"]
    assert names(NetworkDisplay.from_estimator(several), 0)[0] == "$x_{1}$"


def test_the_columns_that_reach_the_network_are_named():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(X[:, :1], columns=["age"])
    table.insert(0, "job", np.resize(["clerk", "smith"], len(X)))
    network = skffnn.FFNNClassifier((3,), max_iter=2)
    model = make_pipeline(skffnn.TableEncoder(), skffnn.RobustSmoothScaler(), network)
    display = NetworkDisplay.from_estimator(model.fit(table, y))
    assert names(display, 0) == ["job_clerk", "job_smith", "age"]
    # Arrays and some transformers have no names.
    for first, rows in (FunctionTransformer(), X), (Nameless(), table[["age"]]):
        model = make_pipeline(first, network).fit(rows, y)
        assert names(NetworkDisplay.from_estimator(model), 0)[0] == "$x_{1}$"


class Nameless(TransformerMixin, BaseEstimator):
    """A transformer that does not name its output."""

    def fit(self, X, y=None):
        self.feature_names_in_ = np.array(["age"], dtype=object)
        return self

    def transform(self, X):
        return np.asarray(X)


def test_activations_are_named():
    model = fit((3, 3, 3), activation=["tanh", skffnn.ACTIVATIONS["mish"](), "elu"])
    written = [
        t.get_text().split("\n")[-1]
        for t in NetworkDisplay.from_estimator(model).ax_.texts
    ]
    assert [w for w in written if w.isalpha()][-4:] == [
        "tanh",
        "mish",
        "elu",
        "softmax",
    ]


@pytest.mark.parametrize("hidden", [(3,), (60, 60), (2,) * 6])
def test_labels_do_not_overlap(hidden):
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
def test_invalid_arguments_of_the_network(arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        NetworkDisplay.from_estimator(fit(max_iter=1), **arguments)


def test_weights_that_are_all_zero_can_be_drawn():
    model = fit(max_iter=1)
    for array in (*model.coefs_, *model.intercepts_):
        array[...] = 0
    NetworkDisplay.from_estimator(model)
    WeightsDisplay.from_estimator(model, X, y, kind="histograms")
