"""LossCurveDisplay: how training went, epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..utils.checks import InvalidParameterError, check_choice
from .history import History
from .plotting import PALETTE, axes_for, network_of, pyplot

# What can be drawn, each on axes of its own, with the height that it gets.
PANELS = {"loss": 3.0, "score": 2.0, "learning_rate": 1.5}
MARKED = 15  # epochs up to which each has a dot


class LossCurveDisplay:
    """How the loss, the score and the learning rate went, epoch by epoch.

    Solid lines are training, dashed ones validation; a circle is at the epoch whose
    parameters were kept. Use `from_estimator` to create one.

    Parameters
    ----------
    histories : sequence of History
        The curves of each estimator.

    Attributes
    ----------
    histories : list of History
        As given. `epochs`, `loss`, `validation_loss`, `score`, `learning_rate` and
        `kept` are what is drawn.
    ax_ : Axes
        The axes of the loss, or of what is drawn first.
    axes_ : ndarray of Axes of shape (n_panels,)
        All of them.
    figure_ : Figure
        The figure.
    lines_ : dict of str to list of Line2D
        What has been drawn: "loss", "validation_loss", "score", "learning_rate" and
        "kept", the last with a circle on each curve.

    See Also
    --------
    skffnn.NetworkDisplay : The network that came of it.
    skffnn.WeightsDisplay : Whether it can go on learning.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from skffnn import FFNNClassifier, LossCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> models = {
    ...     name: FFNNClassifier(learning_rate=name, max_iter=9).fit(X, y)
    ...     for name in ("cosine", "one_cycle")
    ... }
    >>> display = LossCurveDisplay.from_estimator(models)
    >>> plt.show()
    """

    def __init__(self, histories: Sequence[History]) -> None:
        self.histories = list(histories)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        name: str | None = None,
        panels: Sequence[str] | None = None,
        ax: Any = None,
    ) -> "LossCurveDisplay":
        """Draw the curves of one fitted estimator, or of several.

        Parameters
        ----------
        estimator : FFNNClassifier, Pipeline that ends in one, or dict of them
            The keys of a dict are the names in the legend.
        name : str, default=None
            The name of a single estimator.
        panels : sequence of {"loss", "score", "learning_rate"}, default=None
            What to draw, from top to bottom. By default the loss; the score, where
            there were validation rows; and the learning rate, where it is known and
            not one constant. A single `ax` gets the loss.
        ax : Axes or sequence of Axes, default=None
            Where to draw, one for each panel; by default on a figure of its own. The
            `axes_` of another display add to that one.

        Returns
        -------
        display : LossCurveDisplay
            What has been drawn.

        Raises
        ------
        InvalidParameterError
            If an argument is not as described, or there is nothing to draw on a panel.
        NotFittedError
            If an estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        pyplot(cls.__name__)
        if isinstance(estimator, Mapping):
            if name is not None or not estimator:
                raise InvalidParameterError(
                    "a dict of estimators must not be empty, and its keys are the "
                    f"names: got {len(estimator)} with name={name!r}."
                )
            named = estimator.items()
        else:
            named = {"" if name is None else name: estimator}.items()
        display = cls(
            [History.from_estimator(network_of(e)[0], str(key)) for key, e in named]
        )
        return display.plot(ax, panels=panels)

    def plot(
        self, ax: Any = None, *, panels: Sequence[str] | None = None
    ) -> "LossCurveDisplay":
        """Draw the curves.

        Parameters
        ----------
        ax : Axes or sequence of Axes, default=None
            As in `from_estimator`.
        panels : sequence of str, default=None
            As in `from_estimator`.

        Returns
        -------
        self : LossCurveDisplay
            With `axes_`, `ax_`, `figure_` and `lines_` set.
        """
        plt = pyplot(type(self).__name__)
        panels = self._panels(panels, ax)
        heights = [PANELS[panel] for panel in panels]
        self.axes_ = axes_for(
            plt,
            ax,
            len(panels),
            ", ".join(panels),
            nrows=len(panels),
            sharex=True,
            figsize=(6.4, 1.0 + sum(heights)),
            height_ratios=heights,
        )
        self.ax_ = self.axes_[0]
        self.figure_ = self.ax_.figure
        self.lines_: dict[str, list[Any]] = {
            kind: []
            for kind in ("loss", "validation_loss", "score", "learning_rate", "kept")
        }
        taken = drawn_before(self.ax_)
        for i, history in enumerate(self.histories):
            colour = PALETTE[(taken + i) % len(PALETTE)]
            for panel, axes in zip(panels, self.axes_, strict=True):
                self._draw(axes, panel, history, colour)
        for panel, axes in zip(panels, self.axes_, strict=True):
            self._dress(axes, panel)
        units = dict.fromkeys(history.unit for history in self.histories)
        self.axes_[-1].set_xlabel(" or ".join(units))
        self._legend()
        return self

    def _panels(self, panels: Sequence[str] | None, ax: Any) -> list[str]:
        """Return what to draw, checked."""
        rates = [h.learning_rate for h in self.histories if h.learning_rate is not None]
        there = {
            "loss": True,
            "score": any(history.score is not None for history in self.histories),
            "learning_rate": bool(rates),
        }
        if panels is None:
            if ax is not None and np.ndim(np.asarray(ax, dtype=object)) == 0:
                return ["loss"]
            known = [eta[~np.isnan(eta)] for eta in rates]
            several = len(np.unique(np.concatenate(known))) > 1 if rates else False
            defaults = there | {"learning_rate": several}
            return [panel for panel, draw in defaults.items() if draw]
        panels = [panels] if isinstance(panels, str) else list(panels)
        for panel in panels:
            check_choice("panels", panel, PANELS)
            if not there[panel]:
                why = "there were no validation rows"
                if panel == "learning_rate":
                    why = "L-BFGS has none"
                raise InvalidParameterError(f"panels has {panel!r}, but {why}.")
        if len(set(panels)) < max(1, len(panels)):
            raise InvalidParameterError(
                f"panels must be different ones of {', '.join(map(repr, PANELS))}, "
                f"got {panels!r}."
            )
        return panels

    def _draw(self, axes: Any, panel: str, history: History, colour: str) -> None:
        """Draw what one panel shows of one estimator."""
        curves = {panel: "-"}
        if panel == "loss":
            curves["validation_loss"] = "--"
        x, kept = history.epochs, history.kept
        for kind, style in curves.items():
            y = getattr(history, kind)
            if y is None:
                continue
            dots = {"marker": "."} if len(x) <= MARKED else {}
            label = "training" if kind == "loss" else kind.split("_")[0]
            (line,) = axes.plot(x, y, style, color=colour, linewidth=1.6, **dots)
            line.set_label(history.name or label)
            line.set_gid(kind)
            self.lines_[kind].append(line)
            if kept is not None and kind != "learning_rate":
                position = kept - x[0]
                (circle,) = axes.plot(
                    x[position],
                    y[position],
                    "o",
                    color=colour,
                    markersize=8,
                    markerfacecolor="none",
                    markeredgewidth=1.6,
                    label=f"kept: {history.unit} {kept}",
                )
                self.lines_["kept"].append(circle)

    def _dress(self, axes: Any, panel: str) -> None:
        """Label axes."""
        from matplotlib.ticker import MaxNLocator

        label = panel.replace("_", " ")
        if panel == "score":
            scored = [h.score_name for h in self.histories if h.score is not None]
            names = dict.fromkeys(scored)
            label = f"{' or '.join(names)}\n(validation)"
        axes.set_ylabel(label)
        whole = {"integer": True, "min_n_ticks": 1, "steps": [1, 2, 5, 10]}
        axes.xaxis.set_major_locator(MaxNLocator("auto", **whole))
        axes.grid(alpha=0.3)

    def _legend(self) -> None:
        """Name the colours, and what is dashed and circled."""
        from matplotlib.lines import Line2D

        main = [line for line in self.ax_.get_lines() if line.get_gid() in PANELS]
        others = self.lines_["validation_loss"] + self.lines_["kept"][:1]
        if len(main) == 1 and not self.histories[0].name:
            handles = main + [o for o in others if o.axes is self.ax_]
        else:
            handles = main
            ink = self.ax_.xaxis.label.get_color()
            if self.lines_["validation_loss"]:
                handles.append(Line2D([], [], ls="--", color=ink, label="validation"))
            style = {"ls": "", "marker": "o", "markerfacecolor": "none", "color": ink}
            handles.append(Line2D([], [], label="kept", markersize=8, **style))
        self.ax_.legend(handles=handles)


def drawn_before(ax: Any) -> int:
    """Return how many estimators another display has drawn on axes."""
    return sum(line.get_gid() in PANELS for line in ax.get_lines())
