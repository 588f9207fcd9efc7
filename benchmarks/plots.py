"""Plots that are legible on a light and on a dark page."""

from collections.abc import Mapping, Sequence
from typing import Any

from .measure import Spread

INK = "#808080"
STYLE: Any = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 9,
    "font.size": 9,
    "grid.alpha": 0.3,
    "grid.color": INK,
    "legend.frameon": False,
    "svg.hashsalt": "skffnn",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
# One colour for each contestant in all plots, from the colour-blind-safe palette of
# Okabe & Ito. Anything else has the colour of the ink.
OUR_COLOUR, THEIR_COLOUR = "#0072B2", "#D55E00"
COLOURS = {
    "FFNNClassifier": OUR_COLOUR,
    "MLPClassifier": THEIR_COLOUR,
    "PyTorch": "#009E73",
    "skorch": "#CC79A7",
    "FFNNClassifier, in stacks": OUR_COLOUR,
    "FFNNClassifier, one by one": "#56B4E9",
    "make_tabular_classifier": OUR_COLOUR,
    "HistGradientBoosting": "#E69F00",
    "LightGBM": "#882255",
}
# For plots of FFNNClassifier alone.
SHADES = ["#08306B", "#0072B2", "#2F97D3", "#6DB6E3", "#A3D0EE", INK]
WIDTH = 7.0  # inches, at 100 pixels each


def panels(rows: int, columns: int, height: float, **options: Any) -> tuple[Any, Any]:
    """Return a figure and a two-dimensional array of its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=100, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def grouped(
    axes: Any,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Spread]],
    *,
    bars: bool = False,
) -> None:
    """Draw medians with their spread, grouped by label.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    labels : sequence of str
        Labels of the groups, from top to bottom.
    series : mapping of str to sequence of Spread
        For each name, one value for each label.
    bars : bool, default=False
        Draw bars from 0 instead of dots on a logarithmic scale.
    """
    height = 0.8 / max(1, len(series))
    for i, (name, values) in enumerate(series.items()):
        offset = (i - (len(series) - 1) / 2) * height
        y = [j + offset for j in range(len(labels))]
        x = [value.median for value in values]
        errors = [
            [v.median - v.low for v in values],
            [v.high - v.median for v in values],
        ]
        look = {"color": COLOURS.get(name, INK), "label": name}
        if bars:
            axes.barh(y, x, height, **look)
            axes.errorbar(x, y, xerr=errors, fmt="none", ecolor=INK, capsize=3)
        else:
            axes.errorbar(
                x, y, xerr=errors, fmt="o", markersize=4, elinewidth=2, **look
            )
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    if not bars:
        logarithmic(axes.xaxis)


def logarithmic(axis: Any) -> None:
    """Make an axis logarithmic, with plain numbers at its ticks."""
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_locator(LogLocator(subs=(1, 3)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_locator(NullLocator())


def legend(figure: Any, axes: Any, columns: int = 4) -> None:
    """Put the legend of some axes below a figure."""
    handles, labels = axes.get_legend_handles_labels()
    columns = min(columns, len(labels))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)
