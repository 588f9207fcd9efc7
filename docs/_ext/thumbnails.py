"""Thumbnails of the examples that draw nothing, made when the site is built.

Each function with the name of an example returns a figure of matplotlib. The curves are
those of networks that are trained here, in about two seconds.
"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from sklearn.datasets import load_digits

from skffnn import FFNNClassifier

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6b7280"  # Okabe & Ito
STYLE = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 17,
    "lines.linewidth": 2.5,
    "svg.hashsalt": "skffnn",
}


def train(n_epochs: int, rate: float, **params: Any) -> FFNNClassifier:
    """Return a network that was trained on half of the digits."""
    X, y = load_digits(return_X_y=True)
    network = FFNNClassifier(
        learning_rate_init=rate, max_iter=n_epochs, random_state=0, **params
    )
    return network.fit(X[::2] / 16, y[::2], X_val=X[1::2] / 16, y_val=y[1::2])


def optuna_pruning(figure: Figure) -> None:
    """Draw the scores of trials, some of which end early, by the rule of the median."""
    ax = figure.subplots()
    rng, trials = np.random.default_rng(1), []
    for rate in 10 ** rng.uniform(-3.8, -2, size=16):
        network = train(20, rate, learning_rate="cosine", batch_size=64)
        best = np.maximum.accumulate(network.validation_scores_)
        behind = best < np.median([best, *trials], axis=0)
        behind[:4] = False  # each trial has four epochs to start with
        end = int(behind.argmax()) if behind.any() and len(trials) > 4 else 19
        pruned = end < 19
        epochs = np.arange(1, end + 2)
        colour, front = (ORANGE, 3) if pruned else (BLUE, 2)
        ax.plot(epochs, best[: end + 1], color=colour, zorder=front)
        if pruned:
            ax.plot(end + 1, best[end], "x", color=ORANGE, ms=13, mew=3.5, zorder=4)
        trials.append(best)
    ax.set(xlabel="epoch", ylabel="validation score", xticks=[1, 10, 20])
    for height, colour, text in ((0.2, BLUE, "trained"), (0.08, ORANGE, "pruned")):
        ax.text(0.97, height, text, color=colour, ha="right", transform=ax.transAxes)


def mlflow_tracking(figure: Figure) -> None:
    """Draw a record of three runs: a table, and their curves."""
    curves, table = figure.subplots(2, 1, height_ratios=[3, 2])
    table.set_axis_off()
    places = (0.16, 0.58, 0.99)
    for x, text in zip(places, ("run", "rate", "score"), strict=True):
        table.text(x, 0.9, text, color=GREY, ha="right", va="center")
    runs = ((0.0001, GREY), (0.001, ORANGE), (0.01, BLUE))
    for i, (rate, colour) in enumerate(runs):
        network = train(20, rate, learning_rate="cosine")
        curves.plot(np.arange(1, 21), network.loss_curve_, color=colour)
        score = f"{network.best_validation_score_:.0%}"
        for x, text in zip(places, (f"{i + 1}", f"{rate:g}", score), strict=True):
            place = x, 0.58 - 0.3 * i
            table.text(*place, text, color=colour, ha="right", va="center")
    curves.set(xlabel="epoch", ylabel="loss", xticks=[1, 10, 20], ylim=(0, None))


def box(ax: Axes, x: float, text: str, colour: str) -> None:
    """Draw a box with a text in it."""
    style = {"boxstyle": "round,pad=0,rounding_size=0.18", "lw": 2.5}
    ax.add_patch(FancyBboxPatch((x, 1.25), 1.75, 1.9, fc="none", ec=colour, **style))
    ax.text(x + 0.875, 2.2, text, color=colour, ha="center", va="center")


def serve(figure: Figure) -> None:
    """Draw a client, a server, and what they send to each other."""
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, 6.4), ylim=(0, 4.4))
    ax.set_axis_off()
    box(ax, 0.25, "client", GREY)
    box(ax, 4.4, "FastAPI\n\nmodel", BLUE)
    for y, start, end in ((2.75, 2.2, 4.2), (1.65, 4.2, 2.2)):
        ax.annotate(
            "", (end, y), (start, y), arrowprops={"arrowstyle": "-|>", "lw": 2.5}
        )
    mono = {"family": "monospace", "ha": "center", "va": "center"}
    ax.text(3.2, 3.02, "POST /predict", fontsize=14, **mono)
    ax.text(3.2, 3.75, '[{"age": 39, "job": "clerk"}]', **mono)
    ax.text(3.2, 0.7, "[[0.08, 0.92]]", color=BLUE, **mono)


def draw_thumbnails(folder: Path) -> None:
    """Draw each thumbnail into a file with the name of its example."""
    folder.mkdir(parents=True, exist_ok=True)
    for draw in (optuna_pruning, mlflow_tracking, serve):
        with rc_context(STYLE):
            figure = Figure(figsize=(6.4, 4.4), layout="constrained")
            draw(figure)
            figure.savefig(folder / f"{draw.__name__}.svg", metadata={"Date": None})
