"""WeightsDisplay: images, histograms and gradients."""

from itertools import pairwise

import numpy as np
import pytest
from helpers import THREE_CLASSES, fit
from scipy.sparse import csr_array
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skffnn import FFNNClassifier, InvalidParameterError, WeightsDisplay

matplotlib = pytest.importorskip("matplotlib")
plt = pytest.importorskip("matplotlib.pyplot")

X, y = THREE_CLASSES

EXACT = 1e-12  # a few float64 operations in a different order
DIFFERENCES = 1e-7  # error of central differences with step 1e-5 in float64


@pytest.mark.parametrize("shape", [(2, 2), (1, 4), (4, 1)])
def test_an_image_is_a_column_of_the_first_weights(shape):
    model = fit((7,))
    display = WeightsDisplay.from_estimator(
        model, kind="images", image_shape=shape, max_images=5
    )
    W = model.coefs_[0]
    assert len(display.images_) == len(display.axes_) == 5
    limit = np.abs(W[:, :5]).max()
    for j, image in enumerate(display.images_):
        np.testing.assert_array_equal(image.get_array(), W[:, j].reshape(shape))
        assert image.get_clim() == (-limit, limit)


def test_features_that_are_no_pixels_are_rows_of_a_heat_map():
    pd = pytest.importorskip("pandas")
    model = fit((7,), rows=pd.DataFrame(X, columns=["a", "b", "c" * 30, "d"]))
    display = WeightsDisplay.from_estimator(model, kind="images", max_images=5)
    (image,) = display.images_
    np.testing.assert_array_equal(image.get_array(), model.coefs_[0][:, :5])
    rows = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert rows == ["a", "b", "c" * 9 + "…" + "c" * 8, "d"]
    columns = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert columns == ["1", "2", "3", "4", "5"]


def test_a_heat_map_has_the_features_with_the_largest_weights():
    model = fit((3,), rows=np.tile(X, 20), max_iter=1)
    model.coefs_[0][[7, 50]] = 9
    display = WeightsDisplay.from_estimator(model, kind="images")
    (image,) = display.images_
    assert image.get_array().shape == (40, 3)
    rows = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert {"$x_{8}$", "$x_{51}$"} < set(rows)
    assert "40 of 80 features" in display.ax_.get_ylabel()


def test_zero_has_the_colour_of_the_background():
    for style in ("default", "dark_background"):
        with plt.style.context(style):
            display = WeightsDisplay.from_estimator(fit((2,)), kind="images")
            ground = matplotlib.colors.to_rgb(display.ax_.get_facecolor())
            cmap = display.images_[0].get_cmap()
            # Half a step of a colour map with 256 steps.
            np.testing.assert_allclose(cmap(0.5)[:3], ground, atol=1 / 128)


def counts_of(values):
    bins = min(max(int(np.sqrt(np.size(values))), 5), 40)
    return np.histogram(values, bins)[0].tolist()


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
        # Without α: the display shows only the gradient of the data term.
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
            # A value on a bin edge may fall on either side.
            assert np.abs(values - counts_of(array)).sum() <= 2


def test_counts_are_on_a_logarithmic_axis_where_they_are_many():
    display = WeightsDisplay.from_estimator(fit((6, 5)), X, y, kind="histograms")
    for name, steps in display.histograms_.items():
        for patch in steps:
            many = patch.get_data().values.max() > 100
            assert patch.axes.get_yscale() == ("log" if many else "linear"), name
    scales = [axes.get_yscale() for axes in display.axes_[0]]
    assert scales == ["linear", "log", "linear"]


def test_labels_of_small_numbers_do_not_collide():
    model = fit((6,))
    for W in model.coefs_:
        W *= 1e-6
    display = WeightsDisplay.from_estimator(model, X, y, kind="histograms")
    display.figure_.canvas.draw()
    for axes in display.axes_.flat:
        labels = [t for t in axes.get_xticklabels() if t.get_text()]
        boxes = [label.get_window_extent() for label in labels]
        assert len(boxes) >= 2
        assert all(a.x1 < b.x0 for a, b in pairwise(boxes))


def test_columns_are_what_can_be_known():
    model = fit((6,))
    for arguments, columns in [((), 1), ((X,), 2), ((X, y), 3)]:
        display = WeightsDisplay.from_estimator(model, *arguments, kind="histograms")
        assert display.axes_.shape == (2, columns)
        assert (display.dead_ is None) == (not arguments)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_dead_neurons_are_counted(activation):
    model = fit((6, 4), activation=activation)
    for b in model.intercepts_:
        b += 2  # all are alive
    assert WeightsDisplay.from_estimator(model, X, kind="histograms").dead_ == [0, 0]
    model.intercepts_[0][:3] = -1e4  # their slope is 0 for all rows
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


def test_sparse_rows_make_no_difference():
    model = fit((6,), dtype="float64")
    dense = WeightsDisplay.from_estimator(model, X, y, kind="histograms").flow
    sparse = WeightsDisplay.from_estimator(
        model, csr_array(X), y, kind="histograms"
    ).flow
    for of_dense, of_sparse in zip(dense, sparse, strict=True):
        for a, b in zip(of_dense, of_sparse, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=EXACT)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "image"}, r"kind must be one of.*Did you mean 'images'"),
        ({"image_shape": (3, 3)}, r"image_shape must be.*product is 4.*\(3, 3\)"),
        ({"image_shape": 4}, r"image_shape must be.*Leave it out if the features"),
        ({"image_shape": (-2, -2)}, r"image_shape must be an integer in \[1"),
        ({"max_images": 0}, r"max_images must be an integer in \[1"),
        ({"kind": "histograms", "y": y}, r"y requires X"),
    ],
)
def test_invalid_arguments_of_the_weights(arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        WeightsDisplay.from_estimator(fit(max_iter=1), **{"kind": "images"} | arguments)


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
def test_rows_that_do_not_match_the_network_are_refused(rows, labels, message):
    with pytest.raises(ValueError, match=message):
        WeightsDisplay.from_estimator(fit(max_iter=1), rows, labels, kind="histograms")
