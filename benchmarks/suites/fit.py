"""Training time for the same number of epochs, relative to FFNNClassifier."""

from collections.abc import Sequence
from typing import Any

from ..fits import OURS, THEIRS, timed_fit
from ..measure import Bench, Spread, ratio, spread
from ..plots import INK, grouped, legend, panels
from ..report import Table, geometric_mean, seconds, times
from ..workloads import (
    QUICK_REGRESSION_WORKLOADS,
    QUICK_WORKLOADS,
    REGRESSION_WORKLOADS,
    WORKLOADS,
    Problem,
    Settings,
    Workload,
)

HEADLINE = "adam, float64 input"
REGRESSION = "regression, adam, float64 input"
# {name: (dtype of X, settings that differ from the defaults)}
CONFIGURATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    HEADLINE: ("float64", {}),
    "adam, float32 input": ("float32", {}),
    "adam, all in float64": ("float64", {"dtype": "float64"}),
    "sgd, float64 input": ("float64", {"solver": "sgd", "rate": 0.01}),
    "lbfgs, float64 input": ("float64", {"solver": "lbfgs"}),
    REGRESSION: ("float64", {}),
}


def run(bench: Bench) -> Any:
    """Time every workload in every configuration."""
    classes = QUICK_WORKLOADS if bench.quick else WORKLOADS
    numbers = QUICK_REGRESSION_WORKLOADS if bench.quick else REGRESSION_WORKLOADS
    return {
        name: [
            measure(bench, name, workload)
            for workload in (numbers if name == REGRESSION else classes)
        ]
        for name in CONFIGURATIONS
    }


def measure(bench: Bench, configuration: str, workload: Workload) -> dict[str, Any]:
    """Time one workload."""
    X_dtype, options = CONFIGURATIONS[configuration]
    settings = Settings(workload.hidden, workload.batch, **options)
    peers = [OURS, THEIRS, "PyTorch", "floor"]
    if configuration == HEADLINE:
        peers.insert(3, "skorch")
    shared = {
        "problem": Problem(*workload.shape, X_dtype),
        "settings": settings,
        "epochs": workload.iterations
        if settings.solver == "lbfgs"
        else workload.epochs,
    }
    runs = bench.in_turn(
        f"fit, {configuration}, {workload}",
        timed_fit,
        {peer: {"peer": peer, **shared} for peer in bench.among(*peers)},
        warm_up={"epochs": 1},
    )
    budget = workload.budget if configuration == HEADLINE else None
    return {"workload": str(workload), "budget": budget, "runs": runs}


def compared(rows: Sequence[Any]) -> dict[str, list[Spread]]:
    """Return the time of each peer relative to ours, by workload."""
    return {
        peer: [
            ratio(row["runs"][peer]["seconds"], row["runs"][OURS]["seconds"])
            for row in rows
        ]
        for peer in rows[0]["runs"]
        if peer != OURS
    }


def tables(result: Any) -> list[Table]:
    """Return one table of times for each configuration, and one of accuracy."""
    return [
        *(speed(name, rows) for name, rows in result.items()),
        quality(result),
    ]


def speed(name: str, rows: Sequence[Any]) -> Table:
    """Return the times of a configuration."""
    others = compared(rows)
    others.pop("floor", None)
    budgets = [row["budget"] for row in rows]
    columns = ["workload", "time", *(f"{peer} / ours" for peer in others)]
    cells = [
        [row["workload"], seconds(spread(row["runs"][OURS]["seconds"]).median)]
        + [times(values[i]) for values in others.values()]
        for i, row in enumerate(rows)
    ]
    means = ["geometric mean", ""]
    means += [f"{mean_of(values):.2f}" for values in others.values()]
    runs = [row["runs"] for row in rows]
    if "floor" in runs[0]:
        over = [ratio(run[OURS]["seconds"], run["floor"]["seconds"]) for run in runs]
        columns.append("ours / floor")
        for row, value in zip(cells, over, strict=True):
            row.append(times(value))
        means.append(f"{mean_of(over):.2f}")
    if any(budgets):
        columns.append("budget")
        for row, (faster, slower) in zip(cells, budgets, strict=True):
            row.append(f"≥ {faster:g}, ≤ {slower:g}")
        means.append("")
    return Table(f"Time of training, {name}", columns, [*cells, means])


def mean_of(values: Sequence[Spread]) -> float:
    """Return the geometric mean of medians."""
    return geometric_mean(value.median for value in values)


def quality(result: Any) -> Table:
    """Return the training loss and the test accuracy of the fits."""
    peers = [peer for peer in result[HEADLINE][0]["runs"] if peer != "floor"]
    rows = []
    for name, entries in result.items():
        for entry in entries:
            figures = [entry["runs"].get(peer) for peer in peers]
            cells = [
                f"{spread(f['loss']).median:.3f}, {spread(f['accuracy']).median:.1%}"
                if f
                else ""
                for f in figures
            ]
            rows.append([f"{name}: {entry['workload']}", *cells])
    title = "Training loss, test accuracy (R² for regression)"
    return Table(title, ["fit", *peers], rows)


def plot(result: Any) -> Any:
    """Draw the times relative to ours, one panel for each configuration."""
    figure, axes = panels(3, 2, 7.0, sharex=True, sharey=True)
    *panel, last = axes.flat
    of_classes = {k: rows for k, rows in result.items() if k != REGRESSION}
    for ax, (name, rows) in zip(panel, of_classes.items(), strict=True):
        grouped(ax, [row["workload"] for row in rows], compared(rows))
        ax.axvline(1, color=INK)
        ax.set_title(name)
    last.axis("off")
    for ax in (panel[-1], panel[-2]):
        ax.tick_params(labelbottom=True)
        ax.set_xlabel(f"time / that of {OURS}")
    legend(figure, panel[0])
    return figure
