"""Training time of FFNNClassifier by batch size, dtype and number of threads."""

from typing import Any

from threadpoolctl import threadpool_limits

from ..fits import OURS, timed_fit
from ..measure import Bench, ratio, spread
from ..plots import grouped, panels
from ..report import Table, seconds, times
from ..workloads import QUICK_WORKLOADS, WORKLOADS, Problem, Settings

USUAL = "batches of 200, float32, all threads"
# {name: (settings that differ from the usual ones, threads)}
CHOICES: dict[str, tuple[dict[str, Any], int | None]] = {
    USUAL: ({}, None),
    "one thread": ({}, 1),
    "float64": ({"dtype": "float64"}, None),
    "batches of 50": ({"batch": 50}, None),
    "batches of 800": ({"batch": 800}, None),
}


def run(bench: Bench) -> Any:
    """Time two epochs of two workloads, small and large."""
    workloads = QUICK_WORKLOADS if bench.quick else [WORKLOADS[2], WORKLOADS[4]]
    result = {}
    for workload in workloads:
        calls = {}
        for name, (options, threads) in CHOICES.items():
            calls[name] = {
                "peer": OURS,
                "problem": Problem(*workload.shape),
                "settings": Settings(workload.hidden, **options),
                "epochs": 2,
                "threads": threads,
            }
        shape = " x ".join(str(size) for size in workload.shape[:2])
        result[f"{shape}, {workload.hidden}"] = bench.in_turn(
            f"choices, {workload}", fit_in_threads, calls, warm_up={"epochs": 1}
        )
    return result


def fit_in_threads(*, threads: int | None, **kwargs: Any) -> dict[str, float]:
    """Time a fit with a number of BLAS threads; None for all of the process."""
    with threadpool_limits(threads):
        return timed_fit(**kwargs)


def tables(result: Any) -> list[Table]:
    """Return one table, with one row for each choice."""
    columns = ["", *(f"{workload}: {x}" for workload in result for x in ("s", "ratio"))]
    rows = []
    for name in CHOICES:
        row = [name]
        for runs in result.values():
            mine = runs[name]["seconds"]
            row += [seconds(spread(mine).median)]
            row += [times(ratio(mine, runs[USUAL]["seconds"]))]
        rows.append(row)
    return [Table("Two epochs of FFNNClassifier", columns, rows)]


def plot(result: Any) -> Any:
    """Draw the times relative to the usual one."""
    figure, axes = panels(1, len(result), 2.4, sharey=True)
    for ax, (workload, runs) in zip(axes.flat, result.items(), strict=True):
        usual = runs[USUAL]["seconds"]
        values = [ratio(runs[name]["seconds"], usual) for name in CHOICES]
        grouped(ax, list(CHOICES), {OURS: values}, bars=True)
        ax.set_title(workload)
        ax.set_xlabel("time / usual time")
    return figure
