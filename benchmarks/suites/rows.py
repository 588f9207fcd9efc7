"""Classifiers for tables by number of rows: error, log loss, time and memory."""

import time
from typing import Any

from ..accuracy.models import LIGHTGBM, MODELS, OURS, available
from ..accuracy.scores import scores
from ..measure import Bench, memory_of
from ..plots import COLOURS, legend, panels
from ..report import Table, megabytes, seconds
from ..workloads import mixed_table

ROWS = [1000, 3000, 10_000, 40_000, 150_000, 500_000]
QUICK_ROWS = [400, 800]
FEATURES, TEST_ROWS, NOISE = 50, 10_000, 0.1
CONTESTANTS = [OURS, "HistGradientBoosting", LIGHTGBM]
THREADS = 2


def run(bench: Bench) -> Any:
    """Fit each classifier to each number of rows, in a separate process."""
    return {
        name: [
            {"rows": rows} | bench.afresh(f"rows, {rows}", fitted, peer=name, rows=rows)
            for rows in (QUICK_ROWS if bench.quick else ROWS)
        ]
        for name in available(CONTESTANTS)
    }


def fitted(peer: str, rows: int) -> dict[str, float]:
    """Fit a classifier and score it on test rows."""
    X, y, X_test, y_test = mixed_table(rows, FEATURES, TEST_ROWS, NOISE)
    model = MODELS[peer](X, seed=0, n_threads=THREADS)

    def fit() -> float:
        start = time.perf_counter()
        model.fit(X, y)
        return time.perf_counter() - start

    n_bytes, elapsed = memory_of(fit)
    found = scores(y_test, model.predict_proba(X_test))
    return {"seconds": elapsed, "bytes": n_bytes, **found}


def tables(result: Any) -> list[Table]:
    """Return one table, with a row for each number of rows."""
    columns = ["rows"]
    for name in result:
        columns += [name, "log loss", "time", "memory"]
    lines = []
    for runs in zip(*result.values(), strict=True):
        line = [str(runs[0]["rows"])]
        for one in runs:
            line += [
                f"{one['error']:.4f}",
                f"{one['log_loss']:.4f}",
                seconds(one["seconds"]),
                megabytes(one["bytes"]),
            ]
        lines.append(line)
    title = (
        f"Error, log loss, time on {THREADS} threads, and peak MB above the data: "
        f"{FEATURES} columns, a fifth of them categorical, with missing values; "
        f"{NOISE:.0%} of the labels are random"
    )
    return [Table(title, columns, lines)]


def plot(result: Any) -> Any:
    """Plot error and time against the number of rows."""
    figure, axes = panels(1, 2, 3)
    for ax, figure_of in zip(axes[0], ("error", "seconds"), strict=True):
        for name, runs in result.items():
            rows = [one["rows"] for one in runs]
            values = [one[figure_of] for one in runs]
            ax.plot(rows, values, "o-", color=COLOURS[name], label=name)
        ax.set_xscale("log")
        ax.set_xlabel("training rows")
        ax.set_ylabel(figure_of)
    axes[0, 1].set_yscale("log")
    legend(figure, axes[0, 0])
    return figure
