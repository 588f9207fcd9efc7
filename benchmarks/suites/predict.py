"""Prediction: one row, a thousand rows and a million."""

import time
from collections.abc import Callable
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from ..fits import OURS, PEERS, THEIRS
from ..measure import Bench, memory_of, ratio, spread
from ..plots import grouped, legend, panels
from ..report import Table, megabytes, seconds, time_unit, times
from ..workloads import Problem, Settings, load

CHECK = "validate_data"
SHAPES = [(30, 2), (64, 10)]  # features, classes
CALLS = {1: 1000, 1000: 100, 1_000_000: 1}  # {rows: calls that are timed together}
TRAINING_ROWS = 2000


def run(bench: Bench) -> Any:
    """Measure every method, shape, dtype and number of rows."""
    cases = product(SHAPES, ("float64", "float32"), ("predict", "predict_proba"))
    calls = {1: 10, 1000: 1, 3000: 1} if bench.quick else CALLS
    if bench.quick:
        cases = product(SHAPES[:1], ("float64",), ("predict", "predict_proba"))
    result = []
    for (n_features, n_classes), dtype, method in cases:
        case = {"n_features": n_features, "n_classes": n_classes, "dtype": dtype}
        for n_rows in calls:
            kwargs = {**case, "n_rows": n_rows}
            entry = {**kwargs, "method": method}
            entry |= measure(bench, method, kwargs, calls[n_rows])
            if n_rows == max(calls):
                entry["bytes"] = {
                    peer: bench.afresh(
                        f"predict, memory of {method}, {n_features} features, {dtype}",
                        memory_of_call,
                        peer=peer,
                        method=method,
                        **kwargs,
                    )
                    for peer in bench.among(OURS, THEIRS)
                }
            result.append(entry)
    return result


def measure(
    bench: Bench, method: str, case: dict[str, Any], n_calls: int
) -> dict[str, Any]:
    """Time a method on some rows; for one row, also time the check of X alone."""
    calls = {
        peer: {"peer": peer, "method": method} for peer in bench.among(OURS, THEIRS)
    }
    if case["n_rows"] == 1:
        calls[CHECK] = {"peer": OURS, "method": CHECK}
    runs = bench.in_turn(
        f"predict, {method}, {case['n_rows']} x {case['n_features']}, {case['dtype']}",
        timed_calls,
        {name: {**kwargs, **case, "calls": n_calls} for name, kwargs in calls.items()},
        warm_up={"calls": 1},
    )
    return {"runs": runs}


@lru_cache(maxsize=1)
def fitted(peer: str, n_features: int, n_classes: int, dtype: str) -> Any:
    """Return a trained classifier."""
    X, y, _, _ = load(Problem(TRAINING_ROWS, n_features, n_classes, dtype))
    trained: Any = PEERS[peer](Settings(), X, y, 1)
    trained.fit()
    return trained.model


@lru_cache(maxsize=1)
def rows(n_rows: int, n_features: int, dtype: Any) -> Any:
    """Return rows to predict."""
    return np.random.default_rng(1).standard_normal((n_rows, n_features), dtype)


def call_of(
    peer: str, method: str, n_rows: int, n_features: int, n_classes: int, dtype: str
) -> Callable[[], Any]:
    """Return a function that calls the method on the rows."""
    from sklearn.utils.validation import validate_data

    from skffnn.utils.checks import DTYPES

    model = fitted(peer, n_features, n_classes, dtype)
    X = rows(n_rows, n_features, dtype)
    if method == CHECK:
        return lambda: validate_data(
            model, X, reset=False, accept_sparse="csr", dtype=DTYPES
        )
    return lambda: getattr(model, method)(X)


def timed_calls(calls: int, seed: int, **case: Any) -> dict[str, float]:
    """Return the mean time of some calls; `seed` is not used."""
    call = call_of(**case)
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return {"seconds": (time.perf_counter() - start) / calls}


def memory_of_call(n_rows: int, **case: Any) -> int:
    """Return the peak memory of a call beyond input and output, in bytes."""
    call_of(n_rows=1, **case)()  # the first call loads libraries
    n_bytes, output = memory_of(call_of(n_rows=n_rows, **case))
    return n_bytes - output.nbytes


def label(entry: Any) -> str:
    """Return a label for a method and its input."""
    return (
        f"{entry['method']}, {entry['n_features']} features, "
        f"{entry['n_classes']} classes, {entry['dtype']}"
    )


def rows_text(n_rows: int) -> str:
    """Return a number of rows as text."""
    return "1 row" if n_rows == 1 else f"{n_rows:,} rows"


def tables(result: Any) -> list[Table]:
    """Return one table for each number of rows."""
    return [
        table(n_rows, [entry for entry in result if entry["n_rows"] == n_rows])
        for n_rows in dict.fromkeys(entry["n_rows"] for entry in result)
    ]


def table(n_rows: int, entries: list[Any]) -> Table:
    """Return the times for a number of rows, and the memory if it was measured."""
    names = list(entries[0]["runs"])
    others = [name for name in names if name == THEIRS]
    columns = ["call", *names, *(f"{name} / ours" for name in others)]
    columns += [f"peak MB, {peer}" for peer in entries[0].get("bytes", {})]
    cells = []
    for entry in entries:
        runs = {name: run["seconds"] for name, run in entry["runs"].items()}
        row = [label(entry), *(seconds(spread(run).median) for run in runs.values())]
        row += [times(ratio(runs[name], runs[OURS])) for name in others]
        row += [megabytes(n_bytes) for n_bytes in entry.get("bytes", {}).values()]
        cells.append(row)
    return Table(f"Prediction of {rows_text(n_rows)}", columns, cells)


def plot(result: Any) -> Any:
    """Draw the times, one panel for each number of rows."""
    sizes = list(dict.fromkeys(entry["n_rows"] for entry in result))
    figure, axes = panels(1, len(sizes), 3.6, sharey=True)
    for ax, n_rows in zip(axes.flat, sizes, strict=True):
        entries = [entry for entry in result if entry["n_rows"] == n_rows]
        unit, size = time_unit(entries[0]["runs"][OURS]["seconds"][0])
        series = {
            name: [
                spread([t / size for t in entry["runs"][name]["seconds"]])
                for entry in entries
            ]
            for name in entries[0]["runs"]
        }
        labels = [
            f"{e['method']}, {e['n_features']} → {e['n_classes']}, {e['dtype']}"
            for e in entries
        ]
        grouped(ax, labels, series, bars=True)
        ax.set_title(rows_text(n_rows))
        ax.set_xlabel(unit)
    legend(figure, axes[0, 0])
    return figure
