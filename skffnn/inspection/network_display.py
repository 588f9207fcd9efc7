"""NetworkDisplay: a drawing of a fitted network with its weights."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..nn.arrays import Array
from ..utils.checks import InvalidParameterError, check_number
from .plotting import (
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
    signs,
    strongest,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDEST = 3.5  # points, line width of the largest weight
NARROWEST = 0.2  # points, line width of a weight of 0
FADING = 1.5  # exponent of |w| / largest |w| in the opacity of a line


class NetworkDisplay:
    """Drawing of a network: layers of neurons, joined by lines for the weights.

    The larger a weight, the wider and more opaque its line; orange is positive, blue
    negative. The colour of a neuron shows its bias. In a wide layer, only the strongest
    neurons are drawn: those with the largest product of the norms of their incoming and
    outgoing weights. Use `from_estimator` to create a display.

    Parameters
    ----------
    coefs : sequence of ndarray of shape (D(k-1), D(k)), k = 1 … L+1
        W(1) … W(L+1).
    intercepts : sequence of ndarray of shape (D(k),), k = 1 … L+1
        b(1) … b(L+1).
    input_names : sequence of str of length D(0), default=None
        Names of the features; None means x_1, x_2, ….
    output_names : sequence of str of length D(L+1), default=None
        Names of the outputs; None means f_1, f_2, ….
    activations : sequence of str, default=None
        Names of g(1) … g(L) and of the output map.

    Attributes
    ----------
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.
    drawn_ : list of ndarray of int, k = 0 … L+1
        Which neurons of each layer are drawn, in ascending order.
    lines_ : list of LineCollection, k = 1 … L+1
        The weights: line i · n + j joins drawn neuron i of layer k-1 and drawn neuron j
        of layer k, which has n drawn neurons.
    neurons_ : list of PathCollection, k = 0 … L+1
        The neurons.

    See Also
    --------
    skffnn.WeightsDisplay : Weights of networks that are too wide to draw.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from skffnn import FFNNClassifier, NetworkDisplay
    >>> iris = load_iris()
    >>> model = FFNNClassifier((5,), solver="lbfgs", random_state=0, max_iter=500)
    >>> model = model.fit(iris.data, iris.target_names[iris.target])
    >>> display = NetworkDisplay.from_estimator(model, input_names=iris.feature_names)
    >>> plt.show()
    """

    ax_: "Axes"
    figure_: "Figure"
    drawn_: list[Array]
    lines_: list[Any]
    neurons_: list[Any]

    def __init__(
        self,
        coefs: Sequence[Array],
        intercepts: Sequence[Array],
        *,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        activations: Sequence[str] | None = None,
    ) -> None:
        self.coefs = coefs
        self.intercepts = intercepts
        self.input_names = input_names
        self.output_names = output_names
        self.activations = activations

    @classmethod
    def from_estimator(
        cls,
        estimator: NetworkLike,
        *,
        input_names: Sequence[str] | None = None,
        max_neurons: int = 10,
        ax: AxesLike | None = None,
    ) -> "NetworkDisplay":
        """Draw a fitted network.

        Parameters
        ----------
        estimator : FFNNClassifier, FFNNRegressor or Pipeline that ends in one
            The fitted estimator.
        input_names : sequence of str of length D(0), default=None
            Names of the input features of the network; by default those seen during
            fit, if any, or in a pipeline the output names of the steps before it.
        max_neurons : int, default=10
            Maximum number of neurons to draw in each layer, at least 2.
        ax : Axes, default=None
            Axes to draw on; by default a new figure is created.

        Returns
        -------
        display : NetworkDisplay
            The display.

        Raises
        ------
        InvalidParameterError
            If an argument is invalid.
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        network, before = network_of(estimator)
        if input_names is None:
            input_names = input_names_of(network, before)
        if input_names is not None and len(input_names) != network.n_features_in_:
            raise InvalidParameterError(
                f"input_names must have {network.n_features_in_} names, one for each "
                f"input feature of the network, got {len(input_names)}."
            )
        display = cls(
            network.coefs_,
            network.intercepts_,
            input_names=None if input_names is None else [*map(str, input_names)],
            output_names=network.fitted_.targets.output_names(),
            activations=maps_of(network),
        )
        return display.plot(ax, max_neurons=max_neurons)

    def plot(
        self, ax: AxesLike | None = None, *, max_neurons: int = 10
    ) -> "NetworkDisplay":
        """Draw the network.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw on; by default a new figure is created.
        max_neurons : int, default=10
            Maximum number of neurons to draw in each layer, at least 2.

        Returns
        -------
        self : NetworkDisplay
            With `ax_`, `figure_`, `drawn_`, `lines_` and `neurons_` set.
        """
        check_number("max_neurons", max_neurons, 2, integer=True)
        pyplot(type(self).__name__)
        sizes = [len(self.coefs[0]), *(len(b) for b in self.intercepts)]
        self.drawn_ = [
            strongest(strength, max_neurons) for strength in strengths(self.coefs)
        ]
        # The ellipsis of an abridged layer takes up a row.
        tallest = max(min(size, max_neurons + 1) for size in sizes)
        size = (1.5 + 1.8 * len(sizes), 1.7 + 0.42 * max(tallest, 4))
        (self.ax_,) = axes_for(ax, 1, "the network", figsize=size)
        self.figure_ = self.ax_.figure
        y = [heights(min(size, max_neurons + 1)) for size in sizes]
        self._measure(size if ax is None else None, len(sizes), tallest)
        self._draw_weights(y)
        self._draw_neurons(y, sizes)
        self._name_layers(sizes)
        self._legend()
        self.ax_.set_axis_off()
        return self

    def _measure(
        self, size: tuple[float, float] | None, n_layers: int, tallest: int
    ) -> None:
        """Set the font size and the limits of the axes so that all text fits."""
        if size is None:
            extent = self.ax_.get_window_extent()
            size = (
                extent.width / self.figure_.dpi,
                extent.height / self.figure_.dpi,
            )
        width, height = (72 * inches for inches in size)  # points
        self._font = float(np.clip(width / (n_layers + 0.5) / 7.5, 5, 9.5))
        # One line of text above the neurons; three lines and the legend below.
        above, below = 2.0 * self._font, 8.5 * self._font
        self._room = max(6.0, (height - above - below) / (tallest + 0.4))
        self._top = tallest / 2 + 0.2
        self.ax_.set(
            xlim=(-0.75, n_layers - 0.25),
            ylim=(-self._top - below / self._room, self._top + above / self._room),
        )

    def _draw_weights(self, y: list[Array]) -> None:
        """Draw the weights as lines."""
        from matplotlib.collections import LineCollection
        from matplotlib.colors import to_rgba

        W = [
            coef[np.ix_(self.drawn_[k], self.drawn_[k + 1])].ravel()
            for k, coef in enumerate(self.coefs)
        ]
        scale = largest(self.coefs)
        negative, positive = signs(self.ax_)
        self.lines_ = []
        for k, weights in enumerate(W):
            from_y, to_y = (y[m][: len(self.drawn_[m])] for m in (k, k + 1))
            ends = [[(k, a), (k + 1, b)] for a in from_y for b in to_y]
            strength = np.abs(weights) / scale
            rgba = np.array([to_rgba(positive if w > 0 else negative) for w in weights])
            rgba[:, 3] = 0.02 + 0.93 * strength**FADING
            widths = NARROWEST + (WIDEST - NARROWEST) * strength
            lines = LineCollection(ends, colors=rgba, linewidths=widths, zorder=1)
            self.lines_.append(self.ax_.add_collection(lines))

    def _draw_neurons(self, y: list[Array], sizes: list[int]) -> None:
        """Draw and label the neurons, with an ellipsis in abridged layers."""
        ax = self.ax_
        ink = ax.xaxis.label.get_color()
        diameter = float(np.clip(0.6 * self._room, 3, 16))
        area = diameter**2  # in square points, as `scatter` expects
        scale, cmap = largest(self.intercepts), diverging(ax)
        self.neurons_ = []
        for k, drawn in enumerate(self.drawn_):
            b = self.intercepts[k - 1][drawn] if k else np.zeros(len(drawn))
            neurons = ax.scatter(
                np.full(len(drawn), k),
                y[k][: len(drawn)],
                area,
                c=b,
                cmap=cmap,
                vmin=-scale,
                vmax=scale,
                edgecolors=ink,
                linewidths=1,
                zorder=3,
            )
            self.neurons_.append(neurons)
            if len(drawn) < sizes[k]:
                dots = y[k][-1] + np.array([-0.25, 0, 0.25])
                ax.scatter([k] * 3, dots, area / 40 + 1, color=ink, zorder=3)
        offset = diameter / 2 + 4
        self._name_neurons(0, y[0], self.input_names, "x", -offset, "right")
        self._name_neurons(-1, y[-1], self.output_names, "f", offset, "left")

    def _name_neurons(
        self,
        k: int,
        y: Array,
        names: Sequence[str] | None,
        letter: str,
        offset: float,
        side: str,
    ) -> None:
        """Label the neurons of the first or the last layer."""
        drawn = self.drawn_[k]
        for neuron, height in zip(drawn, y, strict=False):
            name = f"${letter}_{{{neuron + 1}}}$"
            if names is not None:
                name = elided(names[neuron])
            self.ax_.annotate(
                name,
                (k % len(self.drawn_), height),
                (offset, 0),
                textcoords="offset points",
                ha=side,
                va="center",
                fontsize=self._font,
                parse_math=names is None,
            )

    def _name_layers(self, sizes: list[int]) -> None:
        """Label the lines with W(k) and b(k), and the layers with h(k) and D(k)."""
        ax, last, top = self.ax_, len(sizes) - 1, self._top
        style = {"ha": "center", "fontsize": self._font}
        for k in range(1, last + 1):
            ax.text(k - 0.5, top, f"$W^{{({k})}}, b^{{({k})}}$", **style)
        for k, size in enumerate(sizes):
            what = {0: "x = h^{(0)}", last: "f(x)"}.get(k, f"h^{{({k})}}")
            text = f"${what}$\n$D^{{({k})}} = {size}$"
            if k and self.activations is not None:
                text += f"\n{self.activations[k - 1]}"
            ax.text(k, -top, text, va="top", linespacing=1.4, **style)

    def _legend(self) -> None:
        """Add a legend for the colours."""
        from matplotlib.lines import Line2D

        W, b = largest(self.coefs), largest(self.intercepts)
        colours = signs(self.ax_)
        handles = [
            Line2D([], [], color=colour, linewidth=2.5, label=label)
            for label, colour in zip(("negative", "positive"), colours, strict=True)
        ]
        self.ax_.legend(
            handles=handles,
            title=f"largest |w| = {W:.2g}, |b| = {b:.2g}",
            ncols=2,
            loc="lower center",
            fontsize=self._font,
            title_fontsize=self._font,
            borderaxespad=0,
            frameon=False,
        )


def strengths(coefs: Sequence[Array]) -> list[Array]:
    """Return the norm of the incoming times that of the outgoing weights of neurons.

    Inputs have no incoming and outputs no outgoing weights.

    Examples
    --------
    >>> W = [np.array([[3.0, 0.0], [4.0, 1.0]]), np.array([[2.0], [7.0]])]
    >>> print(*strengths(W))
    [3. 4.12310563] [10. 7.] [7.28010989]
    """
    incoming = [1.0, *(np.linalg.norm(W, axis=0) for W in coefs)]
    outgoing = [*(np.linalg.norm(W, axis=1) for W in coefs), 1.0]
    return [a * b for a, b in zip(incoming, outgoing, strict=True)]


def heights(n: int) -> Array:
    """Return n heights from top to bottom, centred at 0, with a spacing of 1."""
    return (n - 1) / 2 - np.arange(n, dtype=float)
