"""The command `python -m benchmarks.accuracy.regression`: means and intervals.

The tables are those that scikit-learn ships or generates, and those of a folder. There,
the target is the last numeric feature with many values.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import (
    load_diabetes,
    make_friedman1,
    make_friedman2,
    make_friedman3,
)
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from skffnn import FFNNRegressor, make_tabular_regressor

from ..report import Table, fill
from .comparison import Comparison
from .models import CATBOOST, LIGHTGBM, REALMLP, coded, of_pytabkit, standardised
from .results import Fit, Results
from .tables import TEST_PART, names, read

PROG = "python -m benchmarks.accuracy.regression"
ROWS, SEEDS, LEVELS = 2000, 3, (0.05, 0.95)
LEAST_VALUES = 50  # a target has more distinct values than this
MOST_TEST_ROWS = 5000

OURS, BASE = "make_tabular_regressor", "MLPRegressor"
BOOSTING = "HistGradientBoostingRegressor"
Rows = tuple[pd.DataFrame, np.ndarray[Any, Any]]


def generated(make: Callable[..., Any], noise: float) -> Callable[[], Rows]:
    """Return a function that calls a generator of scikit-learn."""

    def rows() -> Rows:
        X, y = make(6000, noise=noise, random_state=0)
        return pd.DataFrame(X).add_prefix("x"), y

    return rows


def diabetes() -> Rows:
    """Return the diabetes data of scikit-learn."""
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    return X, y.to_numpy()


SHIPPED: dict[str, Callable[[], Rows]] = {
    "diabetes": diabetes,
    "friedman 1": generated(make_friedman1, 1.0),
    "friedman 2": generated(make_friedman2, 125.0),
    "friedman 3": generated(make_friedman3, 0.1),
}


def target_of(X: pd.DataFrame) -> str | None:
    """Return the name of the column to predict: the last number with many values."""
    found = [
        name
        for name in X
        if X[name].dtype.kind in "iuf" and X[name].nunique() > LEAST_VALUES
    ]
    return found[-1] if found else None


def rows_of(name: str, folder: Path) -> Rows:
    """Return the features and the target of a table."""
    if name in SHIPPED:
        return SHIPPED[name]()
    X, _ = read(folder, name)
    target = target_of(X)
    X = X[X[target].notna()]
    return X.drop(columns=[target]), X[target].to_numpy(np.float64)


def catboost(X: pd.DataFrame, seed: int, n_threads: int, **params: Any) -> Any:
    """Return CatBoost with its defaults, except for the given parameters."""
    from catboost import CatBoostRegressor

    return coded(
        X,
        CatBoostRegressor(
            random_seed=seed,
            thread_count=n_threads,
            verbose=False,
            allow_writing_files=False,
            **params,
        ),
    )


def lightgbm(X: pd.DataFrame, seed: int, n_threads: int, **params: Any) -> Any:
    """Return LightGBM with its defaults, except for the given parameters."""
    from lightgbm import LGBMRegressor

    return coded(
        X, LGBMRegressor(random_state=seed, n_jobs=n_threads, verbose=-1, **params)
    )


def boosting(X: pd.DataFrame, seed: int, n_threads: int, **params: Any) -> Any:
    """Return scikit-learn's boosting with its defaults, except for `params`."""
    return coded(X, HistGradientBoostingRegressor(random_state=seed, **params))


class OnePerLevel:
    """Separate models for several quantiles.

    Parameters
    ----------
    models : list of estimator
        One model for each level.
    """

    def __init__(self, models: Sequence[Any]) -> None:
        self.models = models

    def fit(self, X: Any, y: Any) -> "OnePerLevel":
        """Fit each model."""
        for model in self.models:
            model.fit(X, y)
        return self

    def predict(self, X: Any) -> Any:
        """Return the quantiles, in ascending order."""
        return np.sort(np.column_stack([model.predict(X) for model in self.models]))


MEANS: dict[str, Any] = {
    OURS: lambda X, seed, n: make_tabular_regressor(random_state=seed, n_jobs=n),
    "FFNNRegressor": standardised(lambda seed: FFNNRegressor(random_state=seed)),
    BASE: standardised(lambda seed: MLPRegressor(random_state=seed)),
    "LinearRegression": standardised(lambda seed: LinearRegression()),
    BOOSTING: boosting,
    LIGHTGBM: lightgbm,
    CATBOOST: catboost,
    REALMLP: of_pytabkit("RealMLP_TD_S_Regressor"),
}
INTERVALS: dict[str, Any] = {
    OURS: lambda X, seed, n: make_tabular_regressor(
        quantile=LEVELS, random_state=seed, n_jobs=n
    ),
    "not calibrated": lambda X, seed, n: make_tabular_regressor(
        quantile=LEVELS, random_state=seed, n_jobs=n
    ).set_params(regressor__calibrate=False),
    BOOSTING: lambda X, seed, n: OnePerLevel(
        [boosting(X, seed, n, loss="quantile", quantile=q) for q in LEVELS]
    ),
    LIGHTGBM: lambda X, seed, n: OnePerLevel(
        [lightgbm(X, seed, n, objective="quantile", alpha=q) for q in LEVELS]
    ),
    CATBOOST: lambda X, seed, n: OnePerLevel(
        [catboost(X, seed, n, loss_function=f"Quantile:alpha={q}") for q in LEVELS]
    ),
}
NEEDS = {CATBOOST: "catboost", LIGHTGBM: "lightgbm", REALMLP: "pytabkit"}
KINDS: dict[str, dict[str, Any]] = {"mean": MEANS, "interval": INTERVALS}


def available(kind: str) -> list[str]:
    """Return the names of the models of a kind whose library is installed."""
    known = KINDS[kind]
    return [n for n in known if n not in NEEDS or find_spec(NEEDS[n]) is not None]


def fits(args: argparse.Namespace) -> Iterator[Fit]:
    """Yield the fits to run: all tables with one seed before the next seed."""
    for seed in range(args.seeds):
        for table in args.tables:
            for kind in KINDS:
                for model in available(kind):
                    yield Fit(table, args.rows, seed, f"{kind}: {model}")


def measure(fit: Fit, folder: Path, n_threads: int) -> dict[str, float]:
    """Fit a model to the training rows of a split and score it on the test rows."""
    X, y = rows_of(fit.table, folder)
    train, test = train_test_split(
        np.arange(len(y)), test_size=TEST_PART, random_state=fit.seed
    )
    train, test = train[: fit.rows], test[:MOST_TEST_ROWS]
    kind, _, name = fit.model.partition(": ")
    model = KINDS[kind][name](X.iloc[train], fit.seed, n_threads)
    start = time.perf_counter()
    model.fit(X.iloc[train], y[train])
    seconds = round(time.perf_counter() - start, 3)
    f, y = model.predict(X.iloc[test]), y[test]
    if kind == "mean":
        return {"rmse": float(np.sqrt(np.mean((f - y) ** 2))), "seconds": seconds}
    losses = [mean_pinball_loss(y, f[:, i], alpha=q) for i, q in enumerate(LEVELS)]
    inside = (f[:, 0] <= y) & (y <= f[:, 1])
    return {
        "pinball": float(np.mean(losses)),
        "coverage": float(inside.mean()),
        "gap": float(abs(inside.mean() - (LEVELS[1] - LEVELS[0]))),
        "seconds": seconds,
    }


def report(args: argparse.Namespace, results: Results) -> None:
    """Show the results as tables, and put them into a page."""
    shown = []
    for kind, base, figure in (
        ("mean", BASE, "rmse"),
        ("interval", BOOSTING, "pinball"),
    ):
        done = {fit.model for fit in results if fit.rows == args.rows}
        models = [f"{kind}: {name}" for name in available(kind)]
        models = [model for model in models if model in done]
        comparison = Comparison(results, args.rows, models)
        if f"{kind}: {base}" not in models or not comparison.seeds:
            continue
        n = len(comparison.seeds)
        splits = min(map(len, comparison.seeds.values()))
        of_splits = "1 split" if splits == 1 else f"{splits} splits"
        what = f"at most {args.rows} training rows, {n} tables, {of_splits}"
        lines = []
        for model in models:
            line = [
                model.partition(": ")[2],
                f"{comparison.overall(model, f'{kind}: {base}', figure):.3f}",
                f"{comparison.mean_rank(model, figure):.1f}",
            ]
            if kind == "interval":
                line += [
                    f"{comparison.average(model, 'coverage'):.1%}",
                    f"{comparison.average(model, 'gap'):.1%}",
                ]
            lines.append([*line, f"{comparison.average(model, 'seconds'):.2f} s"])
        columns = ["", figure.replace("rmse", "RMSE"), "rank"]
        if kind == "interval":
            columns += ["coverage (target 90 %)", "distance from 90 %"]
        shown.append(Table(f"Ratios to {base}: {what}", [*columns, "fit"], lines))
    for table in shown:
        table.show()
    if args.page is not None:
        text = "\n".join(table.markdown() for table in shown)
        fill(args.page, "regression", f"\n{text}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    status : int
        0, or 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(
        prog=PROG, description="Compare regressors on tables."
    )
    add = parser.add_argument
    add("--data-dir", type=Path, required=True, metavar="DIR", help="*.csv.gz")
    add("--tables", nargs="+", metavar="NAME", help="default: all")
    add("--seeds", type=int, default=SEEDS, help=f"default: {SEEDS}")
    add("--rows", type=int, default=ROWS, help=f"max. training rows, default: {ROWS}")
    add("--threads", type=int, default=1, help="default: 1")
    add("--out", type=Path, default=Path("benchmarks/results/regression.jsonl"))
    add("--report-only", action="store_true", help="show earlier results")
    add("--page", type=Path, metavar="MD", help="also put the tables into a page")
    args = parser.parse_args(argv)
    if args.tables is None:
        found = names(args.data_dir)
        usable = [n for n in found if target_of(read(args.data_dir, n)[0]) is not None]
        args.tables = [*SHIPPED, *usable]
    results = Results(args.out)
    warnings.simplefilter("ignore", ConvergenceWarning)
    try:
        with threadpool_limits(args.threads):
            for fit in fits(args):
                if args.report_only or fit in results:
                    continue
                print(f"{fit.table}, seed {fit.seed}: {fit.model}", file=sys.stderr)
                results.add(fit, measure(fit, args.data_dir, args.threads))
    except KeyboardInterrupt:
        print(f"{PROG}: interrupted; run it again to continue", file=sys.stderr)
        return 130
    report(args, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
