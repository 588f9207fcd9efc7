"""The tabular classifier: networks one by one, in stacks, and on all cores."""

import time
from typing import Any

from sklearn import config_context, get_config

from ..fits import OURS, end_processes
from ..measure import Bench, ratio, spread
from ..plots import grouped, panels
from ..report import Table, seconds, times
from ..workloads import Problem, load

ROWS, FEATURES, CLASSES = 3000, 30, 3
ONE_BY_ONE, STACKED, ALL_CORES = "one by one", "in stacks", "in stacks, on all cores"


def run(bench: Bench) -> Any:
    """Time each way of training the networks."""
    rows = 300 if bench.quick else ROWS
    calls = {
        how: {
            "peer": OURS,
            "how": how,
            "rows": rows,
            "epochs": 2 if bench.quick else 100,
        }
        for how in (ONE_BY_ONE, STACKED, ALL_CORES)
    }
    result = bench.in_turn(
        "tables", timed, calls, warm_up={"epochs": 5}, repeats=min(bench.repeats, 3)
    )
    bench.worker(OURS).call(end_processes)
    return result


def timed(peer: str, how: str, rows: int, epochs: int, seed: int) -> dict[str, float]:
    """Time a fit; return its time and test accuracy."""
    from skffnn import make_tabular_classifier

    X, y, X_test, y_test = load(Problem(rows, FEATURES, CLASSES))
    model = make_tabular_classifier(max_iter=epochs, random_state=seed)
    model[-1].n_jobs = -1 if how == ALL_CORES else None
    # Without memory for two networks, each is trained alone.
    memory = 0 if how == ONE_BY_ONE else get_config()["working_memory"]
    with config_context(working_memory=memory):
        start = time.perf_counter()
        model.fit(X, y)
        elapsed = time.perf_counter() - start
    return {"seconds": elapsed, "accuracy": model.score(X_test, y_test)}


def tables(result: Any) -> list[Table]:
    """Return one table, with one row for each way of training."""
    usual = result[ONE_BY_ONE]["seconds"]
    rows = [
        [
            how,
            seconds(spread(runs["seconds"]).median),
            times(ratio(runs["seconds"], usual)),
            f"{spread(runs['accuracy']).median:.2%}",
        ]
        for how, runs in result.items()
    ]
    columns = ["networks are trained", "time", "/ one by one", "accuracy"]
    title = f"make_tabular_classifier, {ROWS} x {FEATURES}, {CLASSES} classes"
    return [Table(title, columns, rows)]


def plot(result: Any) -> Any:
    """Draw the times."""
    figure, axes = panels(1, 1, 1.4)
    series = {
        "make_tabular_classifier": [spread(runs["seconds"]) for runs in result.values()]
    }
    grouped(axes[0, 0], list(result), series, bars=True)
    axes[0, 0].set_xlabel("seconds")
    return figure
