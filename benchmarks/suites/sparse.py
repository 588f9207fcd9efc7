"""Training on a wide sparse matrix: time and peak memory."""

from typing import Any

from ..fits import OURS, THEIRS, memory_of_fit, timed_fit
from ..measure import Bench, Spread, ratio, spread
from ..plots import grouped, legend, panels
from ..report import Table, megabytes, seconds, times
from ..workloads import Problem, Settings


def run(bench: Bench) -> Any:
    """Measure both dtypes."""
    n, d, entries = (300, 500, 10) if bench.quick else (20_000, 20_000, 100)
    peers = bench.among(OURS, THEIRS)
    result = {}
    for dtype in ("float64", "float32"):
        what = f"sparse, {dtype}"
        shared = {"problem": Problem(n, d, 2, dtype, entries), "settings": Settings()}
        result[dtype] = {
            "runs": bench.in_turn(
                what,
                timed_fit,
                {peer: {"peer": peer, "epochs": 2, **shared} for peer in peers},
                warm_up={"epochs": 1},
            ),
            "bytes": {
                peer: bench.afresh(
                    f"{what}, memory", memory_of_fit, peer=peer, **shared
                )
                for peer in peers
            },
        }
    return {"shape": [n, d], "entries": entries, "by_dtype": result}


def tables(result: Any) -> list[Table]:
    """Return one table, with one row for each dtype and peer."""
    n, d = result["shape"]
    rows = []
    for dtype, figures in result["by_dtype"].items():
        ours = figures["runs"][OURS]["seconds"]
        for peer, run in figures["runs"].items():
            rows.append(
                [
                    f"{dtype}, {peer}",
                    seconds(spread(run["seconds"]).median),
                    times(ratio(run["seconds"], ours)),
                    megabytes(figures["bytes"][peer]),
                    f"{spread(run['loss']).median:.3f}",
                    f"{spread(run['accuracy']).median:.1%}",
                ]
            )
    columns = ["", "time", "/ ours", "peak MB above data", "loss", "accuracy"]
    title = f"Two epochs on a {n} x {d} CSR matrix, {result['entries']} entries per row"
    return [Table(title, columns, rows)]


def plot(result: Any) -> Any:
    """Draw time and memory side by side."""
    by_dtype = result["by_dtype"]
    figure, axes = panels(1, 2, 2.4, sharey=True)
    peers = next(iter(by_dtype.values()))["runs"]
    time = {
        peer: [spread(f["runs"][peer]["seconds"]) for f in by_dtype.values()]
        for peer in peers
    }
    memory = {
        peer: [Spread(*[f["bytes"][peer] / 1e6] * 3) for f in by_dtype.values()]
        for peer in peers
    }
    for ax, series, label in (
        (axes[0, 0], time, "seconds"),
        (axes[0, 1], memory, "peak MB above the data"),
    ):
        grouped(ax, list(by_dtype), series, bars=True)
        ax.set_xlabel(label)
    legend(figure, axes[0, 0])
    return figure
