"""Grid searches over the penalty, the learning rate and seeds, in two processes."""

import time
from functools import lru_cache
from typing import Any

import numpy as np

from ..fits import OURS, THEIRS, end_processes
from ..machine import n_threads
from ..measure import Bench, ratio, spread
from ..plots import grouped, legend, panels
from ..report import Table, seconds, times
from ..workloads import Problem, load

ALPHAS = [1e-6, 1e-5, 1e-4, 1e-3]
RATES = [0.001, 0.003, 0.01]
SEEDS = [0, 1, 2, 3]
FOLDS = 5
JOBS = 2

STACKED, ONE_BY_ONE = f"{OURS}, in stacks", f"{OURS}, one by one"
# {name: (the peer in whose process it runs, the backend of joblib)}
SEARCHES = {
    STACKED: (OURS, "skffnn"),
    ONE_BY_ONE: (OURS, "loky"),
    THEIRS: (THEIRS, "loky"),
}

# {name: (hidden layers, batch size, epochs)}
TABLES: dict[str, tuple[tuple[int, ...], int, int]] = {
    "500 x 4, 3, (10,), 32": ((10,), 32, 100),
    "1797 x 64, 10, (32,), 32": ((32,), 32, 20),
    "1797 x 64, 10, (100,), 200": ((100,), 200, 50),
    "3000 x 30, 10 of them categories, 3, (32,), 32": ((32,), 32, 10),
    "3000 x 30, 10 of them categories, 3, (50,), 200": ((50,), 200, 30),
}


def run(bench: Bench) -> Any:
    """Time each search on each table."""
    names = list(TABLES)[:1] if bench.quick else list(TABLES)
    peers = bench.among(OURS, THEIRS)
    searches = {k: v for k, v in SEARCHES.items() if v[0] in peers}
    result = {}
    for name in names:
        calls = {
            search: {"peer": peer, "backend": backend, "table": name}
            for search, (peer, backend) in searches.items()
        }
        few = {"epochs": 1, "seeds": SEEDS[:1]}
        if bench.quick:
            calls = {search: call | few for search, call in calls.items()}
        result[name] = bench.in_turn(
            f"grid, {name}",
            timed_search,
            calls,
            warm_up=few,
            repeats=min(bench.repeats, 3),
        )
    for peer in peers:
        bench.worker(peer).call(end_processes)
    return result


def timed_search(
    peer: str,
    backend: str,
    table: str,
    seed: int,
    epochs: int | None = None,
    seeds: list[int] = SEEDS,
) -> dict[str, Any]:
    """Time a search; return its time and its best mean score."""
    from joblib import parallel_config
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.neural_network import MLPClassifier

    from skffnn import FFNNClassifier

    hidden, batch, all_epochs = TABLES[table]
    X, y, prepared = rows_of(table)
    unit = batch if peer == THEIRS else 1  # MLPClassifier divides alpha by batch size
    network = {OURS: FFNNClassifier, THEIRS: MLPClassifier}[peer](
        hidden, batch_size=batch, max_iter=epochs or all_epochs
    )
    prefix = f"{type(network).__name__.lower()}__" if prepared else ""
    grid = GridSearchCV(
        prepared(network) if prepared else network,
        {
            f"{prefix}alpha": [alpha * unit for alpha in ALPHAS],
            f"{prefix}learning_rate_init": RATES,
            f"{prefix}random_state": seeds,
        },
        cv=StratifiedKFold(FOLDS, shuffle=True, random_state=seed),
        refit=False,
        error_score="raise",
    )
    threads = max(1, n_threads() // JOBS)
    with parallel_config(backend, n_jobs=JOBS, inner_max_num_threads=threads):
        start = time.perf_counter()
        grid.fit(X, y)
        elapsed = time.perf_counter() - start
    return {"seconds": elapsed, "score": grid.cv_results_["mean_test_score"].max()}


@lru_cache
def rows_of(table: str) -> tuple[Any, Any, Any]:
    """Return X, y, and a function that puts a network into a pipeline, or None."""
    if table.startswith("1797"):
        from sklearn.datasets import load_digits

        X, y = load_digits(return_X_y=True)
        return X / 16, y, None
    n, d = map(int, table.split(",")[0].split(" x "))
    X, y, _, _ = load(Problem(n, d, 3))
    if "categories" not in table:
        return X, y, None
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pd.DataFrame(X).rename(columns="x{}".format)
    nominal = list(frame.columns[:10])
    for name in nominal:
        frame[name] = pd.cut(frame[name], [-np.inf, -1, 0, 1, np.inf], labels=[*"abcd"])
    preparation = make_column_transformer(
        (OneHotEncoder(sparse_output=False), nominal), remainder=StandardScaler()
    )
    return frame, y, lambda network: make_pipeline(preparation, network)


def tables(result: Any) -> list[Table]:
    """Return one table, with one row for each workload."""
    others = [name for name in SEARCHES if name != STACKED]
    columns = ["", "time", *(f"{name} / in stacks" for name in others)]
    columns += ["best mean accuracy"]
    rows = []
    for table, runs in result.items():
        ours = runs[STACKED]
        rows.append(
            [
                table,
                seconds(spread(ours["seconds"]).median),
                *(
                    times(ratio(runs[name]["seconds"], ours["seconds"]))
                    if name in runs
                    else ""
                    for name in others
                ),
                ", ".join(
                    f"{spread(run['score']).median:.1%}" for run in runs.values()
                ),
            ]
        )
    n = len(ALPHAS) * len(RATES) * len(SEEDS)
    title = f"Grid search, {n} candidates and {FOLDS} folds in {JOBS} processes"
    return [Table(title, columns, rows)]


def plot(result: Any) -> Any:
    """Draw the times relative to those in stacks."""
    figure, axes = panels(1, 1, 0.7 + 0.6 * len(result))
    names = [name for name in SEARCHES if name in next(iter(result.values()))]
    series = {
        name: [
            ratio(runs[name]["seconds"], runs[STACKED]["seconds"])
            for runs in result.values()
        ]
        for name in names
    }
    grouped(axes[0, 0], list(result), series, bars=True)
    axes[0, 0].set_xlabel("time / time in stacks")
    legend(figure, axes[0, 0])
    return figure
