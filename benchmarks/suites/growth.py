"""How time and memory grow with rows, width and depth."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..fits import OURS, THEIRS, memory_of_fit, timed_fit
from ..measure import Bench, spread
from ..plots import COLOURS, legend, panels
from ..report import Table, megabytes, seconds
from ..workloads import Problem, Settings

EPOCHS = 2

# {what grows: (its values, those of a quick run, the workload for a value)}
SERIES: dict[str, tuple[list[int], list[int], Callable[[int], tuple[Any, ...]]]] = {
    "rows": (
        [10_000, 30_000, 100_000, 300_000, 1_000_000],
        [300, 600],
        lambda n: (Problem(n, 30, 2), (100,)),
    ),
    "width": (
        [64, 128, 256, 512, 1024, 2048],
        [4, 8],
        lambda width: (Problem(4096, 64, 10), (width,)),
    ),
    "depth": (
        [1, 2, 4, 8],
        [1, 2],
        lambda depth: (Problem(4096, 64, 10), (128,) * depth),
    ),
}


def run(bench: Bench) -> Any:
    """Measure each series."""
    return {what: grow(bench, what) for what in SERIES}


def grow(bench: Bench, what: str) -> dict[str, Any]:
    """Measure the memory, and the time per epoch, including the set-up."""
    values, quick_values, workload = SERIES[what]
    values = quick_values if bench.quick else values
    peers = bench.among(OURS, THEIRS)
    times: dict[str, list[Any]] = {peer: [] for peer in peers}
    n_bytes: dict[str, list[Any]] = {peer: [] for peer in peers}
    for value in values:
        problem, hidden = workload(value)
        shared = {"problem": problem, "settings": Settings(hidden), "epochs": EPOCHS}
        runs = bench.in_turn(
            f"growth, {what} = {value}",
            timed_fit,
            {peer: {"peer": peer, **shared} for peer in peers},
            warm_up={"epochs": 1},
        )
        for peer in peers:
            times[peer].append([t / EPOCHS for t in runs[peer]["seconds"]])
            n_bytes[peer].append(
                bench.afresh(
                    f"growth, memory, {what} = {value}",
                    memory_of_fit,
                    peer=peer,
                    **shared,
                )
            )
    return {"values": values, "seconds": times, "bytes": n_bytes}


def slope(x: Any, y: Any) -> float:
    """Return the least-squares exponent p of y ~ xᵖ."""
    return float(np.polyfit(np.log(x), np.log(np.maximum(y, 1e-9)), 1)[0])


def tables(result: Any) -> list[Table]:
    """Return one table for each series, with the slopes in its last row."""
    return [table(what, figures) for what, figures in result.items()]


def table(what: str, figures: Any) -> Table:
    """Return the time and memory of a series."""
    x, peers = figures["values"], list(figures["seconds"])
    medians = {p: [spread(t).median for t in figures["seconds"][p]] for p in peers}
    rows = [
        [str(value)]
        + [seconds(medians[peer][i]) for peer in peers]
        + [megabytes(figures["bytes"][peer][i]) for peer in peers]
        for i, value in enumerate(x)
    ]
    slopes = [f"{slope(x, medians[peer]):.2f}" for peer in peers]
    slopes += [f"{slope(x, figures['bytes'][peer]):.2f}" for peer in peers]
    columns = [what, *(f"epoch, {peer}" for peer in peers)]
    columns += [f"peak MB above data, {peer}" for peer in peers]
    return Table(f"Growth with {what}", columns, [*rows, ["log-log slope", *slopes]])


def plot(result: Any) -> Any:
    """Plot time and memory, one column of panels for each series."""
    figure, axes = panels(2, len(result), 4.8, sharex="col")
    for column, (what, figures) in zip(axes.T, result.items(), strict=True):
        x = figures["values"]
        for peer in figures["seconds"]:
            seconds = [spread(t).median for t in figures["seconds"][peer]]
            megabytes = [n / 1e6 for n in figures["bytes"][peer]]
            for ax, y in zip(column, (seconds, megabytes), strict=True):
                ax.loglog(x, y, "o-", color=COLOURS[peer], markersize=4, label=peer)
                ax.grid(True)
        ticks = [str(v) if v % 1000 else f"{v // 1000}k" for v in x]
        column[-1].set_xticks(x, ticks, fontsize=8)
        column[-1].set_xticks([], minor=True)
        column[-1].set_xlabel(what)
    axes[0, 0].set_ylabel("seconds an epoch")
    axes[1, 0].set_ylabel("peak MB above the data")
    legend(figure, axes[0, 0])
    return figure
