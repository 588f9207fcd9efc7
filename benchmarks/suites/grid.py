"""A grid search on the handwritten digits, in two processes."""

import time
from typing import Any

from ..fits import OURS, THEIRS
from ..machine import n_threads
from ..measure import Bench, ratio, spread
from ..plots import grouped, legend, panels
from ..report import Table, seconds, times

ALPHAS = [1e-6, 1e-5, 1e-4]
RATES = [0.001, 0.01]
WIDTHS = [(50,), (100,)]
BATCH = 200
JOBS = 2


def run(bench: Bench) -> Any:
    """Search with each peer."""
    epochs, folds = (2, 2) if bench.quick else (100, 5)
    peers = bench.among(OURS, THEIRS)
    runs = bench.in_turn(
        "grid",
        search,
        {peer: {"peer": peer, "epochs": epochs, "folds": folds} for peer in peers},
        warm_up={"epochs": 1},
    )
    for peer in peers:
        bench.worker(peer).call(end_processes)
    return runs


def search(peer: str, epochs: int, folds: int, seed: int) -> dict[str, float]:
    """Time a grid search; return its best score too."""
    from joblib import parallel_config
    from sklearn.datasets import load_digits
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.neural_network import MLPClassifier

    from skffnn import FFNNClassifier

    X, y = load_digits(return_X_y=True)
    unit = BATCH if peer == THEIRS else 1  # it divides alpha by the batch size
    model = {OURS: FFNNClassifier, THEIRS: MLPClassifier}[peer](
        batch_size=BATCH, max_iter=epochs, random_state=seed
    )
    grid = GridSearchCV(
        model,
        {
            "alpha": [alpha * unit for alpha in ALPHAS],
            "learning_rate_init": RATES,
            "hidden_layer_sizes": WIDTHS,
        },
        cv=StratifiedKFold(folds, shuffle=True, random_state=seed),
        n_jobs=JOBS,
        refit=False,
        error_score="raise",
    )
    threads = max(1, n_threads() // JOBS)
    with parallel_config("loky", inner_max_num_threads=threads):
        start = time.perf_counter()
        grid.fit(X / 16, y)
        elapsed = time.perf_counter() - start
    return {"seconds": elapsed, "score": grid.cv_results_["mean_test_score"].max()}


def end_processes() -> None:
    """End joblib's processes, which would outlive the process that made them."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown()


def tables(result: Any) -> list[Table]:
    """Return one table, with one row for each peer."""
    ours = result[OURS]["seconds"]
    rows = [
        [
            peer,
            seconds(spread(run["seconds"]).median),
            times(ratio(run["seconds"], ours)),
            f"{spread(run['score']).median:.2%}",
        ]
        for peer, run in result.items()
    ]
    columns = ["", "time", "/ ours", "best mean accuracy"]
    n = len(ALPHAS) * len(RATES) * len(WIDTHS)
    return [Table(f"Grid search, {n} candidates on digits", columns, rows)]


def plot(result: Any) -> Any:
    """Draw the times."""
    figure, axes = panels(1, 1, 1.6)
    series = {peer: [spread(run["seconds"])] for peer, run in result.items()}
    grouped(axes[0, 0], ["grid search"], series, bars=True)
    axes[0, 0].set_xlabel("seconds")
    legend(figure, axes[0, 0])
    return figure
