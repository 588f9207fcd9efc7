"""WeightsDisplay: weights as images, and histograms of each layer."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, isqrt
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Rows, features_of
from ..nn.arrays import Array
from ..nn.parameters import Parameters
from ..utils.checks import InvalidParameterError, check_choice, check_number
from ..utils.types import Matrix
from .plotting import (
    PALETTE,
    AxesLike,
    NetworkLike,
    axes_for,
    diverging,
    elided,
    input_names_of,
    largest,
    maps_of,
    network_of,
    pyplot,
    strongest,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Kind = Literal["images", "histograms"]

BINS = (5, 40)  # limits of the number of bins, which is √n for n values
MANY = 100  # counts above this are drawn on a logarithmic axis
FEATURES = 40  # maximum number of rows of a heat map
FLAT = 1e-3  # where |g'(a)| is at most this, hardly any gradient passes


class Flow(NamedTuple):
    """Activations, flat neurons and gradients.

    Attributes
    ----------
    h : list of ndarray of shape (n, D(k)), k = 1 … L+1
        Activations; the last are the outputs f(x).
    flat : list of ndarray of shape (D(k),), k = 1 … L
        For each hidden neuron, the fraction of rows with |g'(a)| ≤ 0.001.
    grad : list of ndarray of shape (D(k-1), D(k)), k = 1 … L+1, or None
        ∂/∂W(k) of the mean loss ℓ; None without labels.
    """

    h: list[Array]
    flat: list[Array]
    grad: list[Array] | None


class WeightsDisplay:
    """Weights of a network as images, or histograms of weights and activations.

    `kind="images"` shows the weights of the first layer. If the features are pixels,
    pass `image_shape` to draw the weights of each neuron as an image; otherwise they
    form a heat map, with a row for each feature and a column for each neuron.
    `kind="histograms"` shows the weights W(k) of each layer and, if rows are given, the
    activations h(k) and the gradients ∂ℓ/∂W(k). A neuron is dead if the slope g'(a) is
    at most 0.001 for every row: almost no gradient passes through it, and it stops
    learning. It is saturated if this holds for most rows. Use `from_estimator` to
    create a display.

    Parameters
    ----------
    coefs : sequence of ndarray of shape (D(k-1), D(k)), k = 1 … L+1
        W(1) … W(L+1).
    flow : Flow, default=None
        Activations and gradients for some rows.
    activations : sequence of str, default=None
        Names of g(1) … g(L) and of the output map.
    input_names : sequence of str of length D(0), default=None
        Names of the features; None means x_1, x_2, ….

    Attributes
    ----------
    ax_ : Axes
        The first axes.
    axes_ : ndarray of Axes
        All axes: of shape (n_images,) for images, (1,) for a heat map, and of shape
        (L + 1, n_columns) for histograms, with columns for weights, activations and
        gradients.
    figure_ : Figure
        The figure.
    images_ : list of AxesImage
        For `kind="images"`: one image for each neuron drawn, or the heat map.
    histograms_ : dict of str to list of StepPatch, k = 1 … L+1
        For `kind="histograms"`: "weights", "activations" and "gradients".
    dead_ : list of int, k = 1 … L, or None
        Number of dead neurons in each hidden layer; None without rows.

    See Also
    --------
    skffnn.NetworkDisplay : Drawing of small networks, with weights as lines.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from skffnn import FFNNClassifier, WeightsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = FFNNClassifier((16,), activation="tanh", max_iter=5).fit(X / 16, y)
    >>> images = WeightsDisplay.from_estimator(
    ...     model, kind="images", image_shape=(8, 8)
    ... )
    >>> flow = WeightsDisplay.from_estimator(model, X / 16, y, kind="histograms")
    >>> flow.dead_
    [0]
    >>> plt.show()
    """

    ax_: "Axes"
    axes_: NDArray[np.object_]
    figure_: "Figure"
    images_: list[Any]
    histograms_: dict[str, list[Any]]
    dead_: list[int] | None

    def __init__(
        self,
        coefs: Sequence[Array],
        *,
        flow: Flow | None = None,
        activations: Sequence[str] | None = None,
        input_names: Sequence[str] | None = None,
    ) -> None:
        self.coefs = coefs
        self.flow = flow
        self.activations = activations
        self.input_names = input_names
        self.dead_ = None
        if flow is not None:
            self.dead_ = [int((flat == 1).sum()) for flat in flow.flat]

    @classmethod
    def from_estimator(
        cls,
        estimator: NetworkLike,
        X: Matrix | None = None,
        y: Matrix | None = None,
        *,
        kind: Kind,
        image_shape: tuple[int, int] | None = None,
        max_images: int = 36,
        ax: AxesLike | None = None,
    ) -> "WeightsDisplay":
        """Draw the weights of a fitted network.

        Parameters
        ----------
        estimator : FFNNClassifier, FFNNRegressor or Pipeline that ends in one
            The fitted estimator. In a pipeline, images show the transformed features.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Input for the histograms of activations; a few hundred rows are enough.
        y : array-like of shape (n_samples,) or (n_samples, n_labels), default=None
            Labels of X, for the histograms of gradients.
        kind : {"images", "histograms"}
            What to draw.
        image_shape : tuple (height, width), default=None
            Shape of an image, if the features are pixels. By default, a heat map of at
            most 40 features is drawn instead: those with the largest weights.
        max_images : int, default=36
            Maximum number of neurons to draw, starting with the first.
        ax : Axes or sequence of Axes, default=None
            Axes to draw on, one for each image or histogram; by default a new figure is
            created.

        Returns
        -------
        display : WeightsDisplay
            The display.

        Raises
        ------
        InvalidParameterError
            If an argument is invalid.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If X or y do not match the training data.
        ImportError
            If matplotlib is not installed.
        """
        network, before = network_of(estimator)
        check_choice("kind", kind, get_args(Kind))
        if X is None and y is not None:
            raise InvalidParameterError("y requires X, got X=None.")
        flow = None
        if X is not None and kind == "histograms":
            flow = flow_of(network, before.transform(X) if before else X, y)
        display = cls(
            network.coefs_,
            flow=flow,
            activations=maps_of(network),
            input_names=input_names_of(network, before),
        )
        return display.plot(
            ax, kind=kind, image_shape=image_shape, max_images=max_images
        )

    def plot(
        self,
        ax: AxesLike | None = None,
        *,
        kind: Kind,
        image_shape: tuple[int, int] | None = None,
        max_images: int = 36,
    ) -> "WeightsDisplay":
        """Draw the weights.

        Parameters
        ----------
        ax : Axes or sequence of Axes, default=None
            As in `from_estimator`.
        kind : {"images", "histograms"}
            What to draw.
        image_shape : tuple (height, width), default=None
            Shape of an image, if the features are pixels. By default, a heat map of at
            most 40 features is drawn instead: those with the largest weights.
        max_images : int, default=36
            Maximum number of neurons to draw, starting with the first.

        Returns
        -------
        self : WeightsDisplay
            With `axes_`, `ax_`, `figure_`, and `images_` or `histograms_` set.
        """
        pyplot(type(self).__name__)
        check_choice("kind", kind, get_args(Kind))
        if kind == "histograms":
            self._draw_histograms(ax)
        else:
            check_number("max_images", max_images, 1, integer=True)
            if image_shape is None:
                self._draw_heat_map(ax, max_images)
            else:
                shape = shape_of(image_shape, self.coefs[0].shape[0])
                self._draw_images(ax, shape, max_images)
        self.ax_ = self.axes_.flat[0]
        self.figure_ = self.ax_.figure
        return self

    def _draw_images(self, ax: Any, shape: tuple[int, int], most: int) -> None:
        """Draw the columns of W(1) as images with a common colour scale."""
        W = self.coefs[0][:, :most]
        n = W.shape[1]
        columns = min(n, ceil(n**0.5 * 1.25))
        rows = ceil(n / columns)
        ratio = min(max(shape[0] / shape[1], 0.4), 2.5)
        size = (1.0 + 0.85 * columns, 0.4 + rows * (0.85 * ratio + 0.22))
        self.axes_ = axes_for(
            ax, n, "the images", nrows=rows, ncols=columns, figsize=size
        )
        scale = largest([W])
        self.images_ = [
            draw_image(axes, w.reshape(shape), scale)
            for axes, w in zip(self.axes_, W.T, strict=True)
        ]
        for j, axes in enumerate(self.axes_, start=1):
            axes.set(xticks=[], yticks=[])
            axes.set_title(f"{j}", fontsize="x-small", pad=2)
        self._add_scale(n)

    def _draw_heat_map(self, ax: Any, most: int) -> None:
        """Draw W(1) as one image, labelled with the names of the features."""
        W = self.coefs[0][:, :most]
        rows = strongest(np.linalg.norm(W, axis=1), FEATURES)
        height, width = len(rows), W.shape[1]
        size = (3.0 + 0.24 * max(width, 4), 1.0 + 0.22 * max(height, 4))
        self.axes_ = axes_for(ax, 1, "the heat map", figsize=size)
        (axes,) = self.axes_
        self.images_ = [draw_image(axes, W[rows], largest([W]), aspect="auto")]
        names = [f"$x_{{{i + 1}}}$" for i in rows]
        if self.input_names is not None:
            names = [elided(self.input_names[i]) for i in rows]
        axes.set_yticks(range(height), names, parse_math=self.input_names is None)
        axes.set_xticks(range(width), range(1, width + 1))
        step = ceil(width / 20)
        for j, label in enumerate(axes.get_xticklabels()):
            label.set_visible(j % step == 0)
        axes.tick_params(labelsize="small", length=0)
        axes.set_xlabel("neuron of the first layer")
        if height < len(W):
            axes.set_ylabel(f"{height} of {len(W)} features, the largest weights")
        self._add_scale(width)

    def _add_scale(self, n: int) -> None:
        """Add the colour bar, which says that n neurons are drawn."""
        label = "weight"
        if n < self.coefs[0].shape[1]:
            label += f" of neurons 1 to {n} of {self.coefs[0].shape[1]}"
        self.axes_[0].figure.colorbar(
            self.images_[0], ax=list(self.axes_), label=label, shrink=0.8, aspect=30
        )

    def _draw_histograms(self, ax: Any) -> None:
        """Draw a row of histograms for each layer."""
        values: dict[str, list[Array]] = {"weights": list(self.coefs)}
        if self.flow is not None:
            values["activations"] = self.flow.h
            if self.flow.grad is not None:
                values["gradients"] = self.flow.grad
        rows, columns = len(self.coefs), len(values)
        flat_axes = axes_for(
            ax,
            rows * columns,
            f"{rows} layers and {', '.join(values)}",
            nrows=rows,
            ncols=columns,
            figsize=(1.2 + 2.6 * columns, 0.7 + 1.7 * rows),
        )
        self.axes_ = flat_axes.reshape(rows, columns)
        letters = {
            "weights": "weights $W^{(k)}$",
            "activations": "activations $h^{(k)}$",
            "gradients": r"gradients $\partial\ell/\partial W^{(k)}$",
        }
        self.histograms_ = {}
        for j, (name, arrays) in enumerate(values.items()):
            self.axes_[0, j].set_title(letters[name], fontsize="medium")
            self.histograms_[name] = [
                draw_histogram(axes, array, PALETTE[j])
                for axes, array in zip(self.axes_[:, j], arrays, strict=True)
            ]
        for k, axes in enumerate(self.axes_[:, 0], start=1):
            name = "" if self.activations is None else f", {self.activations[k - 1]}"
            axes.set_ylabel(f"$k = {k}${name}\ncount", fontsize="medium")
        if self.flow is not None:
            self._label_dead_neurons()

    def _label_dead_neurons(self) -> None:
        """Label the activations with the number of dead neurons."""
        assert self.flow is not None
        for axes, flat in zip(self.axes_[:, 1], self.flow.flat, strict=False):
            dead = f"{(flat == 1).sum()} of {len(flat)} neurons dead"
            axes.set_xlabel(
                f"{dead}; $g' \\approx 0$ in {flat.mean():.0%}", fontsize="small"
            )


def draw_image(axes: Any, values: Array, scale: float, **options: Any) -> Any:
    """Draw weights in colours from -scale to scale, and return the image."""
    return axes.imshow(
        values,
        cmap=diverging(axes),
        vmin=-scale,
        vmax=scale,
        interpolation="nearest",
        **options,
    )


def draw_histogram(axes: Any, values: Array, colour: str) -> Any:
    """Draw a histogram of all values, and return its steps."""
    counts, edges = np.histogram(values, int(np.clip(isqrt(values.size), *BINS)))
    steps = axes.stairs(counts, edges, fill=True, color=colour)
    if counts.max() > MANY:
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter("")
        axes.set_ylim(bottom=0.7)
    else:
        axes.locator_params(axis="y", integer=True)
    axes.margins(x=0.02)
    axes.locator_params(axis="x", nbins=3, min_n_ticks=2)
    axes.ticklabel_format(axis="x", scilimits=(-2, 3), useMathText=True)
    axes.tick_params(labelsize="small")
    axes.xaxis.get_offset_text().set_fontsize("x-small")
    return steps


def shape_of(image_shape: Any, n_features: int) -> tuple[int, int]:
    """Validate the height and the width of an image of n_features pixels."""
    two = np.shape(image_shape) == (2,)
    for number in image_shape if two else ():
        check_number("image_shape", number, 1, integer=True)
    if not two or image_shape[0] * image_shape[1] != n_features:
        raise InvalidParameterError(
            f"image_shape must be a height and a width whose product is {n_features}, "
            f"the number of features, got {image_shape!r}. Leave it out if the "
            "features are not pixels."
        )
    height, width = image_shape
    return int(height), int(width)


def flow_of(estimator: Any, X: Any, y: Any = None) -> Flow:
    """Run a forward pass and, if there are labels, a backward pass, in float64."""
    fitted = estimator.fitted_
    targets, network = fitted.targets, fitted.network(np.float64)
    if y is None:
        x = features_of(estimator, X).astype(np.float64)
    else:
        rows = Rows.validated(estimator, X, y, None, reset=False, suffix="")
        rows.check_known(targets, "y")
        rows = replace(rows.with_targets(targets), scaling=None)
        batches = rows.batches(np.float64, batch_size=rows.n_rows, estimate=False)
        ((x, y, _),) = batches
    a = network.forward(x, train=True)
    work = network.buffers(x.shape[0])
    h = [*work.h, targets.loss.output(a.copy())]
    flat = [(np.abs(d) <= FLAT).mean(axis=0) for d in work.d]
    if y is None:
        return Flow(h, flat, None)
    grad = Parameters(fitted.theta.sizes)
    targets.loss.loss_and_error(a, y)  # a is now ∂ℓ/∂a(L+1)
    a /= x.shape[0]
    network.backward(x, a, grad)
    return Flow(h, flat, grad.W)
