"""The command `python -m skffnn`: compares classifiers, or shows a saved model."""

import argparse
import signal
import sys
import time
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from .classifier import FFNNClassifier
from .tabular import RECIPE, make_tabular_classifier
from .utils.checks import nearest


def table(path: str, target: str) -> tuple[Any, Any]:
    """Read features and labels from a CSV file, without the rows that have no label."""
    import pandas as pd

    frame = pd.read_csv(path, index_col=False).replace([np.inf, -np.inf], np.nan)
    if target not in frame:
        hint = nearest(target, list(frame))
        raise ValueError(f"{path} has no column {target!r}.{hint}")
    if len(frame.columns) == 1:
        raise ValueError(f"{path} has no column but {target!r}.")
    frame = frame.dropna(subset=[target])
    y = frame[target]
    is_number = pd.api.types.is_numeric_dtype(y)
    return frame.drop(columns=target), np.asarray(y if is_number else y.map(str))


def contestants(args: argparse.Namespace, n_rows: int) -> dict[str, Any]:
    """Return grid searches, and the classifier for tables, which needs none."""
    batch_size = min(200, n_rows // 2)  # no larger than the training rows of a fold
    shared: dict[str, Any] = {
        "batch_size": batch_size,
        "max_iter": args.max_iter,
        "random_state": args.seed,
    }
    grid: dict[str, Any] = {"alpha": [1e-5, 1e-3], "learning_rate_init": [1e-3, 1e-2]}
    # MLPClassifier divides alpha by the batch size; the objective is the same.
    grid_of_mlp = grid | {"alpha": [alpha * batch_size for alpha in grid["alpha"]]}
    before = make_tabular_classifier()[:-1] if args.csv else StandardScaler()
    entries: list[tuple[Any, dict[str, Any]]] = [
        (FFNNClassifier(**shared), grid),
        (MLPClassifier(**shared), grid_of_mlp),
        (LogisticRegression(max_iter=1000), {"C": [0.01, 0.1, 1.0, 10.0]}),
    ]
    models: dict[str, Any] = {}
    for model, params in entries:
        models[type(model).__name__] = GridSearchCV(
            Pipeline([("before", before), ("model", model)]),
            {f"model__{name}": values for name, values in params.items()},
            scoring="neg_log_loss",
            cv=3,
            n_jobs=args.jobs,
            error_score="raise",
        )
    if args.csv and not args.no_tabular:
        tabular: dict[str, Any] = {"n_jobs": args.jobs, "random_state": args.seed}
        if args.max_iter < RECIPE["max_iter"]:  # else the number of rows decides
            tabular["max_iter"] = args.max_iter
        models["tabular classifier"] = make_tabular_classifier(**tabular)
    return models


def measure(model: Any, parts: list[Any]) -> list[float]:
    """Fit a classifier and return its scores on the test rows, and its times."""
    X_train, X_test, y_train, y_test = parts
    start = time.perf_counter()
    model.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    fit_seconds = getattr(model, "refit_time_", seconds)
    f, y = model.predict_proba(X_test), model.predict(X_test)
    return [
        accuracy_score(y_test, y),
        balanced_accuracy_score(y_test, y),
        log_loss(y_test, f, labels=model.classes_),
        seconds - fit_seconds,
        fit_seconds,
    ]


def compare(args: argparse.Namespace) -> None:
    """Fit the classifiers to the same rows, and print what came out."""
    from rich.console import Console
    from rich.table import Table

    if (args.csv is None) != (args.target is None):
        raise ValueError("--csv and --target must be given together.")
    X, y = table(args.csv, args.target) if args.csv else load_digits(return_X_y=True)
    parts = train_test_split(
        X, y, test_size=args.test_size, stratify=y, random_state=args.seed
    )
    results = Table("", "accuracy", "balanced", "log loss", "search s", "fit s")
    models = contestants(args, len(parts[2]))
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for name, model in models.items():
            with Console(stderr=True).status(f"fitting {name}"):
                results.add_row(name, *(f"{v:.4g}" for v in measure(model, parts)))
    (n, m), n_classes = X.shape, len(np.unique(y))
    print(f"{args.csv or 'digits'}: {n} rows, {m} features, {n_classes} classes")
    Console().print(results)
    for name, model in models.items():
        best = getattr(model, "best_params_", {})
        found = [f"{key.removeprefix('model__')}={best[key]:g}" for key in best]
        print(f"{name}: {', '.join(found) or 'no search'}")


def show(args: argparse.Namespace) -> None:
    """Print what is in a file that `skffnn.save` wrote."""
    found = import_module("skffnn").describe(args.file)
    if isinstance(found, dict):
        found = "\n".join(f"{key}: {value}" for key, value in found.items())
    print(found)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    top = argparse.ArgumentParser(
        prog="python -m skffnn",
        description="Compare FFNNClassifier with MLPClassifier and LogisticRegression: "
        "a small grid search for each, then an evaluation on a held-out test set, on "
        "one thread.",
        epilog="Without --csv, scikit-learn's handwritten digits are used. With it, "
        "make_tabular_classifier is compared too, which needs no search.",
    )
    top.set_defaults(run=compare)
    add = top.add_argument
    add("--csv", metavar="FILE", help="CSV file with a header row")
    add("--target", metavar="COLUMN", help="column of FILE with the class labels")
    add("--no-tabular", action="store_true", help="without make_tabular_classifier")
    add("--test-size", type=float, default=0.25, help="test fraction (default: 0.25)")
    add("--max-iter", type=int, default=200, help="maximum epochs (default: 200)")
    add("--jobs", type=int, default=1, help="parallel processes (default: 1)")
    add("--seed", type=int, default=0, help="random seed (default: 0)")
    command = top.add_subparsers(metavar="[show FILE]").add_parser(
        "show", help="print what is in a file that skffnn.save wrote"
    )
    command.add_argument("file")
    command.set_defaults(run=show)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 with a line on standard error."""
    args = parser().parse_args(argv)
    try:
        args.run(args)
    except (EOFError, ImportError, OSError, ValueError) as error:
        hint = " (pip install 'skffnn[demo]')" if isinstance(error, ImportError) else ""
        message = " ".join(str(error).split())
        print(f"python -m skffnn: {message}{hint}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    # MLPClassifier and FFNNClassifier catch KeyboardInterrupt to end only one fit.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
