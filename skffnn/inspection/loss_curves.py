"""LossCurveDisplay: learning curves of fitted estimators."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..fitting.plan import scoring_of
from ..nn.arrays import Array
from ..utils.checks import InvalidParameterError, check_choice
from .plotting import PALETTE, AxesLike, NetworkLike, axes_for, network_of, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panel = Literal["loss", "score", "learning_rate"]

# The panels that can be drawn, with their heights in inches.
PANELS: dict[Panel, float] = {"loss": 3.0, "score": 2.0, "learning_rate": 1.5}
# Why a panel may have nothing to draw.
ABSENT = {"score": "there was no validation set", "learning_rate": "L-BFGS has none"}
MARKED = 15  # with at most this many epochs, each is marked with a dot
WIDE = 20  # ratio of the largest to the usual value that needs a logarithmic axis
USUAL: dict[str, Callable[[Array], Any]] = {"loss": np.min, "learning_rate": np.median}


@dataclass(frozen=True)
class History:
    """The curves of one estimator, all of length n.

    Attributes
    ----------
    name : str
        Label in the legend; may be empty.
    epochs : ndarray of int of shape (n,)
        Number of each epoch; starts above 1 if the oldest were dropped.
    loss : ndarray of shape (n,)
        Training loss.
    validation_loss, score : ndarray of shape (n,) or None
        On the validation set; None without one.
    learning_rate : ndarray of shape (n,) or None
        η at the start of each epoch, NaN where unknown; None if the solver has none.
    kept : int or None
        The epoch whose parameters were kept; None if the curves do not include it.
    unit : {"epoch", "iteration"}
        Unit in which the solver counts.
    score_name : str
        Name of the score.
    """

    name: str
    epochs: Array
    loss: Array
    validation_loss: Array | None
    score: Array | None
    learning_rate: Array | None
    kept: int | None
    unit: str
    score_name: str

    @classmethod
    def from_estimator(cls, estimator: Any, name: str = "") -> "History":
        """Read the curves of a fitted estimator, whose `name` may be empty."""
        loss = np.array(estimator.loss_curve_)
        eta = np.array(estimator.learning_rate_curve_)
        progress = estimator.fitted_.progress
        n, last, best_epoch = len(loss), progress.clock.epoch, progress.best_epoch
        epochs = np.arange(last - n, last) + 1
        validation_loss = score = None
        kept = last if n else None
        if estimator.validation_scores_ is not None:
            # Earlier fits may have had no validation set: align the curves at the end.
            validation_loss, score = np.full((2, n), np.nan)
            start = n - len(estimator.validation_scores_)
            validation_loss[start:] = estimator.validation_loss_curve_
            score[start:] = estimator.validation_scores_
            kept = best_epoch if best_epoch in epochs else None
        return cls(
            name,
            epochs,
            loss,
            validation_loss,
            score,
            None if np.isnan(eta).all() else eta,
            kept,
            "iteration" if np.isnan(eta).all() else "epoch",
            score_name(estimator),
        )


class LossCurveDisplay:
    """Learning curves: loss, validation score and learning rate in each epoch.

    Solid lines show training, dashed lines validation. A circle marks the epoch whose
    parameters were kept. Losses and learning rates that span a wide range have a
    logarithmic axis. Use `from_estimator` to create a display.

    Parameters
    ----------
    histories : sequence of History
        The curves of each estimator.

    Attributes
    ----------
    histories : list of History
        The curves of each estimator, with attributes `epochs`, `loss`,
        `validation_loss`, `score`, `learning_rate` and `kept`.
    ax_ : Axes
        The axes of the first panel.
    axes_ : ndarray of Axes of shape (n_panels,)
        The axes of all panels.
    figure_ : Figure
        The figure.
    lines_ : dict of str to list of Line2D
        The lines drawn, with keys "loss", "validation_loss", "score", "learning_rate"
        and "kept"; the last are the circles.

    See Also
    --------
    skffnn.NetworkDisplay : Drawing of the trained network.
    skffnn.WeightsDisplay : Weights, activations and gradients.

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

    ax_: "Axes"
    axes_: NDArray[np.object_]
    figure_: "Figure"
    lines_: dict[str, list[Any]]

    def __init__(self, histories: Sequence[History]) -> None:
        self.histories = list(histories)

    @classmethod
    def from_estimator(
        cls,
        estimator: NetworkLike | Mapping[str, NetworkLike],
        *,
        name: str | None = None,
        panels: Sequence[Panel] | None = None,
        ax: AxesLike | None = None,
    ) -> "LossCurveDisplay":
        """Draw the learning curves of one or several fitted estimators.

        Parameters
        ----------
        estimator : FFNNClassifier, FFNNRegressor, Pipeline that ends in one, or dict
            The fitted estimators. The keys of a dict are shown in the legend.
        name : str, default=None
            Name of a single estimator in the legend.
        panels : sequence of {"loss", "score", "learning_rate"}, default=None
            What to draw, from top to bottom. By default the loss, the score if there
            was a validation set, and the learning rate if it is known and not constant.
            On a single `ax`, only the loss is drawn by default.
        ax : Axes or sequence of Axes, default=None
            Axes to draw on, one for each panel; by default a new figure is created.
            Pass the `axes_` of another display to add curves to it.

        Returns
        -------
        display : LossCurveDisplay
            The display.

        Raises
        ------
        InvalidParameterError
            If an argument is invalid, or a panel has nothing to draw.
        NotFittedError
            If an estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        if isinstance(estimator, Mapping):
            if name is not None or not estimator:
                raise InvalidParameterError(
                    "a dict of estimators must not be empty, and name must be None "
                    "because its keys are the names, "
                    f"got {len(estimator)} estimators and name={name!r}."
                )
            named = estimator.items()
        else:
            named = {"" if name is None else name: estimator}.items()
        display = cls(
            [History.from_estimator(network_of(e)[0], str(key)) for key, e in named]
        )
        return display.plot(ax, panels=panels)

    def plot(
        self,
        ax: AxesLike | None = None,
        *,
        panels: Sequence[Panel] | None = None,
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
        pyplot(type(self).__name__)
        panels = self._panels(panels, ax)
        heights = [PANELS[panel] for panel in panels]
        self.axes_ = axes_for(
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
        self.lines_ = {
            kind: []
            for kind in ("loss", "validation_loss", "score", "learning_rate", "kept")
        }
        taken = drawn_before(self.ax_)
        for i, history in enumerate(self.histories):
            colour = PALETTE[(taken + i) % len(PALETTE)]
            for panel, axes in zip(panels, self.axes_, strict=True):
                self._draw(axes, panel, history, colour)
        for panel, axes in zip(panels, self.axes_, strict=True):
            self._label(axes, panel)
        units = dict.fromkeys(history.unit for history in self.histories)
        self.axes_[-1].set_xlabel(" or ".join(units))
        self._legend()
        return self

    def _panels(self, panels: Any, ax: Any) -> list[Panel]:
        """Validate the panels, or choose the default ones."""
        rates = [h.learning_rate for h in self.histories if h.learning_rate is not None]
        available: dict[Panel, bool] = {
            "loss": True,
            "score": any(history.score is not None for history in self.histories),
            "learning_rate": bool(rates),
        }
        if panels is None:
            if ax is not None and np.ndim(np.asarray(ax, dtype=object)) == 0:
                return ["loss"]
            known = [eta[~np.isnan(eta)] for eta in rates]
            several = len(np.unique(np.concatenate(known))) > 1 if rates else False
            defaults: dict[Panel, bool] = available | {"learning_rate": several}
            return [panel for panel, draw in defaults.items() if draw]
        panels = [panels] if isinstance(panels, str) else list(panels)
        for panel in panels:
            check_choice("panels", panel, PANELS)
            if not available[panel]:
                raise InvalidParameterError(
                    f"panels has {panel!r}, but {ABSENT[panel]}."
                )
        if len(set(panels)) < max(1, len(panels)):
            raise InvalidParameterError(
                "panels must be one or more distinct items of "
                f"{', '.join(map(repr, PANELS))}, got {panels!r}."
            )
        return panels

    def _draw(self, axes: Any, panel: str, history: History, colour: str) -> None:
        """Draw the curves of one estimator on one panel."""
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

    def _label(self, axes: Any, panel: str) -> None:
        """Label the axes of a panel."""
        from matplotlib.ticker import LogLocator, MaxNLocator

        names = {h.score_name: None for h in self.histories if h.score is not None}
        score = f"{' or '.join(names)}\n(validation)"
        axes.set_ylabel(score if panel == "score" else panel.replace("_", " "))
        drawn = np.concatenate([line.get_ydata() for line in axes.get_lines()])
        if needs_log(panel, drawn):
            axes.set_yscale("log")
            axes.yaxis.set_minor_formatter("")
            if np.nanmax(drawn) < 300 * np.nanmin(drawn):  # few powers of ten
                axes.yaxis.set_major_locator(LogLocator(subs=[1, 2, 5]))
                axes.yaxis.set_major_formatter("{x:g}")
        whole = {"integer": True, "min_n_ticks": 1, "steps": [1, 2, 5, 10]}
        axes.xaxis.set_major_locator(MaxNLocator("auto", **whole))
        axes.grid(alpha=0.3)

    def _legend(self) -> None:
        """Add a legend for the colours, the dashed lines and the circles."""
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
    """Return how many estimators other displays have drawn on the axes."""
    return sum(line.get_gid() in PANELS for line in ax.get_lines())


def needs_log(panel: str, values: Array) -> bool:
    """Return whether a panel needs a logarithmic axis.

    It does if all values are positive, and the largest is more than 20 times the
    smallest, or for learning rates the median, because schedules end near 0.

    Examples
    --------
    >>> bool(needs_log("loss", np.array([2.3, 0.4, 0.05])))
    True
    """
    known = values[~np.isnan(values)]
    if panel not in USUAL or known.size == 0 or known.min() <= 0:
        return False
    return bool(known.max() > WIDE * USUAL[panel](known))


def score_name(estimator: Any) -> str:
    """Return the name of the score on the validation set."""
    targets = estimator.fitted_.targets
    scoring = scoring_of(estimator.get_params(deep=False), targets.loss)
    if scoring is None:
        name: str = targets.score_name
        return name
    if scoring == "loss":
        return "minus the loss"
    return scoring.replace("_", " ") if isinstance(scoring, str) else "score"
