"""Tests of all displays."""

import sys

import numpy as np
import pytest
from helpers import THREE_CLASSES, fit
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skffnn
from skffnn import (
    FFNNClassifier,
    InvalidParameterError,
    LossCurveDisplay,
    NetworkDisplay,
    WeightsDisplay,
)

matplotlib = pytest.importorskip("matplotlib")
plt = pytest.importorskip("matplotlib.pyplot")

X, y = THREE_CLASSES

KINDS = {
    LossCurveDisplay: {},
    NetworkDisplay: {},
    WeightsDisplay: {"kind": "images"},
}

each_display = pytest.mark.parametrize("display", KINDS)


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
def test_an_unfitted_estimator_is_refused(display, estimator):
    with pytest.raises(NotFittedError):
        display.from_estimator(estimator, **KINDS[display])


@each_display
@pytest.mark.parametrize(
    "estimator", [None, "x", FFNNClassifier, LogisticRegression(), [FFNNClassifier()]]
)
def test_other_estimators_are_refused(display, estimator):
    with pytest.raises(InvalidParameterError, match="estimator must be an FFNNClass"):
        display.from_estimator(estimator, **KINDS[display])


@each_display
@pytest.mark.parametrize("ax", ["x", 1, [None]])
def test_invalid_axes_are_refused(display, ax):
    with pytest.raises(InvalidParameterError, match="ax must be Axes"):
        display.from_estimator(fit(), ax=ax, **KINDS[display])


@each_display
def test_without_matplotlib_the_error_says_what_to_install(display, monkeypatch):
    model = fit()
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=rf"{display.__name__}.*skffnn\[plot\]"):
        display.from_estimator(model, **KINDS[display])


@each_display
def test_a_saved_network_is_drawn_like_the_original(display, tmp_path):
    model = fit(early_stopping=True)
    skffnn.save(model, tmp_path / "model")
    figures = []
    for network in (model, skffnn.load(tmp_path / "model")):
        figure = display.from_estimator(network, **KINDS[display]).figure_
        figure.canvas.draw()
        figures.append(np.asarray(figure.canvas.buffer_rgba()))
    np.testing.assert_array_equal(*figures)


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
