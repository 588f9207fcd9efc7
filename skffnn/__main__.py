"""The command `python -m skffnn`, which benchmarks FFNNClassifier on real data."""

import argparse
import difflib
import signal
import statistics
import sys
import textwrap
import time
import timeit
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from joblib import parallel_config
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from skffnn import AveragedClassifier, FFNNClassifier, make_tabular_classifier
from skffnn.tabular import RECIPE

PROG = "python -m skffnn"


class InputError(Exception):
    """Raised for invalid input from the user; the message is printed on one line."""


class Interrupted(BaseException):
    """Raised on Ctrl-C, because MLPClassifier catches KeyboardInterrupt."""


@dataclass
class Problem:
    """A classification data set and its preprocessing."""

    name: str
    X: Any
    y: np.ndarray  # indices into `classes`
    classes: np.ndarray
    preprocessing: Any
    note: str = ""


@dataclass
class Result:
    """Scores and times of one estimator; the times include preprocessing."""

    test_accuracy: float
    balanced_accuracy: float
    log_loss: float
    fit_seconds: float
    search_seconds: float
    predict_seconds: float
    iterations: int
    unconverged_fits: str
    best_params: str


def digits() -> Problem:
    """Load scikit-learn's handwritten digits."""
    X, y = load_digits(return_X_y=True)
    return Problem("digits", X, y, np.arange(10), StandardScaler())


def table(path: Path, target: str) -> Problem:
    """Load a CSV file, with the column `target` as the labels."""
    frame = read_csv(path)
    if target not in frame:
        near = difflib.get_close_matches(target, frame.columns, n=1)
        columns = textwrap.shorten(", ".join(frame.columns), 60, placeholder=" …")
        hint = f"did you mean {near[0]!r}?" if near else f"its columns are {columns}"
        raise InputError(f"no column {target!r} in {path}; {hint}")
    if len(frame.columns) == 1:
        raise InputError(f"no column other than {target!r} in {path}")

    labelled = frame.dropna(subset=[target]).copy()
    if labelled.empty:
        raise InputError(f"no labels in column {target!r} of {path}")
    n_dropped = len(frame) - len(labelled)
    note = f"{n_dropped} rows without {target!r} were dropped" if n_dropped else ""

    y = labelled.pop(target)
    if y.dtype.kind == "f" and (y % 1 != 0).any():
        raise InputError(f"{target!r} in {path} is continuous, expected class labels")
    classes, y = np.unique(
        y if y.dtype.kind in "fiu" else y.map(str), return_inverse=True
    )
    return Problem(path.name, features(labelled), y, classes, mixed(), note)


def features(frame: Any) -> Any:
    """Convert columns to numbers or strings; missing values are kept."""
    numbers = frame.select_dtypes("number")
    names = frame.select_dtypes(exclude="number")
    # Infinities cannot be standardised, and the encoder cannot sort mixed types.
    strings = names.map(str, na_action="ignore").astype(object)
    return numbers.replace([np.inf, -np.inf], np.nan).join(strings)


def read_csv(path: Path) -> Any:
    """Read a CSV file into a DataFrame."""
    try:
        import pandas as pd
    except ImportError:
        raise InputError("--csv needs pandas, which is not installed") from None
    if not path.exists():
        raise InputError(f"no such file: {path}")
    try:
        with warnings.catch_warnings():
            # By default pandas truncates rows that are longer than the header.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(path, index_col=False, low_memory=False)
    except Exception as error:  # the parsers of pandas raise many types
        raise InputError(f"cannot read {path}: {error}") from None


def mixed() -> Any:
    """Return a transformer for numeric and categorical columns with missing values."""
    numeric = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    categorical = make_pipeline(
        SimpleImputer(
            strategy="constant", fill_value="missing", keep_empty_features=True
        ),
        # The limit prevents thousands of features from a column of names or dates.
        OneHotEncoder(handle_unknown="ignore", max_categories=100),
    )
    return make_column_transformer(
        (numeric, make_column_selector(dtype_include="number")),
        (categorical, make_column_selector(dtype_exclude="number")),
    )


def split(problem: Problem, test_size: float, folds: int, seed: int) -> list[Any]:
    """Return X_train, X_test, y_train, y_test, with every class in each part."""
    X, y, classes = problem.X, problem.y, problem.classes
    if len(classes) == 1:
        raise InputError(f"{problem.name} has only one class, {classes[0]}")
    try:
        parts = train_test_split(
            X, y, test_size=test_size, stratify=y, random_state=seed
        )
        _, n_train = np.unique(parts[2], return_counts=True)
        if n_train.min() >= folds and len(np.unique(parts[3])) == len(classes):
            return parts
    except ValueError:  # a class with one row, or more classes than rows in a part
        pass
    rows = np.bincount(y)
    raise InputError(
        f"class {classes[rows.argmin()]} has {rows.min()} rows, too few for "
        f"--folds {folds} and --test-size {test_size:g}"
    )


def contestants(
    batch_size: int, max_iter: int, seed: int
) -> dict[str, tuple[Any, dict[str, list[float]]]]:
    """Return each estimator with a parameter grid of four candidates."""
    alphas, rates = [1e-5, 1e-3], [1e-3, 1e-2]
    shared: dict[str, Any] = {
        "batch_size": batch_size,
        "max_iter": max_iter,
        "random_state": seed,
    }
    return {
        "FFNNClassifier": (
            FFNNClassifier(**shared),
            {"alpha": alphas, "learning_rate_init": rates},
        ),
        "MLPClassifier": (
            MLPClassifier(**shared),
            # MLPClassifier divides alpha by the batch size; the objective is the same.
            {"alpha": [a * batch_size for a in alphas], "learning_rate_init": rates},
        ),
        "LogisticRegression": (
            LogisticRegression(max_iter=1000),
            {"C": [0.01, 0.1, 1.0, 10.0]},
        ),
    }


def tabular(max_iter: int, jobs: int, seed: int) -> tuple[Pipeline, dict[str, Any]]:
    """Return the classifier for raw tables, with an empty parameter grid.

    It chooses the number of epochs itself, unless `max_iter` is below its default.
    """
    fewer: dict[str, Any] = {}
    if max_iter < RECIPE["max_iter"]:
        fewer["max_iter"] = max_iter
    return make_tabular_classifier(n_jobs=jobs, random_state=seed, **fewer), {}


def measure(search: GridSearchCV, parts: list[Any]) -> Result:
    """Run the grid search and evaluate the best candidate on the test set."""
    X_train, X_test, y_train, y_test = parts
    start = time.perf_counter()
    search.fit(X_train, y_train)
    search_seconds = time.perf_counter() - start - search.refit_time_
    best = search.best_estimator_
    y_pred = best.predict(X_test)
    capped = search.cv_results_["mean_test_capped"]
    n_fits = len(capped) * search.n_splits_ + 1  # 1 for the refit
    n_capped = capped.sum() * search.n_splits_ + is_capped(best)
    return Result(
        test_accuracy=accuracy_score(y_test, y_pred),
        balanced_accuracy=balanced_accuracy_score(y_test, y_pred),
        log_loss=log_loss(y_test, best.predict_proba(X_test)),
        fit_seconds=search.refit_time_,
        search_seconds=search_seconds,
        predict_seconds=statistics.median(
            timeit.repeat(lambda: best.predict(X_test), number=1, repeat=7)
        ),
        iterations=iterations(best[-1]),
        unconverged_fits=f"{n_capped:.0f} of {n_fits}",
        best_params=", ".join(
            f"{key.removeprefix('model__')}={value:g}"
            for key, value in search.best_params_.items()
        )
        or "no search",
    )


def iterations(model: Any) -> int:
    """Return the number of epochs; for an average, the maximum of its members."""
    members = getattr(model, "estimators_", [model])
    return max(int(np.max(member.n_iter_)) for member in members)


def is_capped(pipeline: Pipeline, X: Any = None, y: Any = None) -> float:
    """Return whether training reached max_iter; a scorer, so that workers report it."""
    if isinstance(pipeline[-1], AveragedClassifier):
        return 0.0  # its schedule is meant to run for max_iter epochs
    return float(np.max(pipeline[-1].n_iter_) >= pipeline[-1].max_iter)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows the current step on standard error."""
    try:
        from rich.console import Console
    except ImportError:
        yield lambda text: print(text, file=sys.stderr, flush=True)
    else:
        with Console(stderr=True).status("") as status:
            yield status.update


def benchmark(problem: Problem, args: argparse.Namespace) -> dict[str, Result]:
    """Compare the estimators on the same split, folds and preprocessing."""
    parts = split(problem, args.test_size, args.folds, args.seed)
    y_train = parts[2]
    cv = StratifiedKFold(args.folds, shuffle=True, random_state=args.seed)
    smallest_fold = min(len(train) for train, _ in cv.split(y_train, y_train))
    entries = contestants(min(200, smallest_fold), args.max_iter, args.seed)
    if args.csv and not args.no_tabular:
        entries["tabular classifier"] = tabular(args.max_iter, args.jobs, args.seed)
    results = {}
    with (
        threadpool_limits(args.threads),
        parallel_config("loky", inner_max_num_threads=args.threads),
        warnings.catch_warnings(),
        progress() as show,
    ):
        warnings.simplefilter("ignore", ConvergenceWarning)  # counted by is_capped
        for i, (name, (model, grid)) in enumerate(entries.items(), start=1):
            show(f"{i} of {len(entries)}: searching and fitting {name}")
            if not isinstance(model, Pipeline):
                steps = [("preprocessing", problem.preprocessing), ("model", model)]
                model = Pipeline(steps)
            search = GridSearchCV(
                model,
                {f"model__{key}": values for key, values in grid.items()},
                scoring={args.scoring: args.scoring, "capped": is_capped},
                refit=args.scoring,
                cv=cv,
                n_jobs=args.jobs,
                error_score="raise",
            )
            try:
                results[name] = measure(search, parts)
            except ValueError as error:
                raise InputError(f"{name} fails on {problem.name}: {error}") from None
    return results


def report(problem: Problem, results: dict[str, Result]) -> str:
    """Format the results as a table with notes."""
    (n, m), n_classes = problem.X.shape, len(problem.classes)
    lines = [f"{problem.name}: {n} rows, {m} features, {n_classes} classes"]
    lines += [problem.note] * bool(problem.note)
    lines += ["", " " * 18 + "".join(f"{name:>20}" for name in results)]
    for row in fields(Result)[:-1]:
        values = [getattr(result, row.name) for result in results.values()]
        cells = [f"{v:#.4g}" if isinstance(v, float) else f"{v}" for v in values]
        lines.append(
            f"{row.name.replace('_', ' '):18}" + "".join(f"{c:>20}" for c in cells)
        )
    lines += ["", "best parameters"]
    lines += [f"  {name:20}{result.best_params}" for name, result in results.items()]
    ours, theirs = results["FFNNClassifier"], results["MLPClassifier"]
    lines += [
        "",
        "Speed-up of FFNNClassifier over MLPClassifier: "
        f"fit {theirs.fit_seconds / ours.fit_seconds:.1f}x, "
        f"search {theirs.search_seconds / ours.search_seconds:.1f}x, "
        f"predict {theirs.predict_seconds / ours.predict_seconds:.1f}x.",
        "Times include preprocessing. Unconverged fits reached max_iter; their",
        "ConvergenceWarnings are counted here instead of being shown.",
    ]
    return "\n".join(lines)


class Parser(argparse.ArgumentParser):
    """An argument parser that reports errors on one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse and validate the options."""
    parser = Parser(
        prog=PROG,
        description="Compare FFNNClassifier with MLPClassifier and LogisticRegression: "
        "a small grid search for each, then an evaluation on a held-out test set.",
        epilog="Without --csv, scikit-learn's handwritten digits are used. With it, "
        "make_tabular_classifier is compared too, which needs no search.",
    )
    add = parser.add_argument
    add("--csv", type=Path, metavar="FILE", help="CSV file with a header row")
    add("--target", metavar="COLUMN", help="column of FILE with the class labels")
    add(
        "--no-tabular",
        action="store_true",
        help="leave out make_tabular_classifier, which takes longest",
    )
    add("--scoring", choices=["neg_log_loss", "accuracy"], default="neg_log_loss")
    add("--folds", type=int, default=3, help="folds of the grid search (default: 3)")
    add("--test-size", type=float, default=0.25, help="test fraction (default: 0.25)")
    add("--max-iter", type=int, default=200, help="maximum epochs (default: 200)")
    add("--jobs", type=int, default=1, help="parallel processes (default: 1)")
    # With more threads, timings are far more sensitive to other load on the machine.
    add("--threads", type=int, default=1, help="threads per process (default: 1)")
    add("--seed", type=int, default=0, help="random seed (default: 0)")
    args = parser.parse_args(argv)
    for name, ok, rule in [
        (
            "--csv and --target",
            (args.csv is None) == (args.target is None),
            "given together",
        ),
        ("--folds", args.folds >= 2, "at least 2"),
        ("--test-size", 0 < args.test_size < 1, "between 0 and 1"),
        ("--max-iter", args.max_iter >= 1, "at least 1"),
        ("--jobs", args.jobs >= 1 or args.jobs == -1, "at least 1, or -1 for all"),
        ("--threads", args.threads >= 1, "at least 1"),
        ("--seed", 0 <= args.seed < 2**32, "between 0 and 2**32 - 1"),
    ]:
        if not ok:
            parser.error(f"{name} must be {rule}")
    return args


def interrupt(*_: Any) -> NoReturn:
    """Handle SIGINT."""
    raise Interrupted


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Command-line arguments; by default `sys.argv[1:]`.

    Returns
    -------
    status : int
        0 on success, 2 if the input is invalid, 130 after Ctrl-C.
    """
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        args = parse_args(argv)
        problem = table(args.csv, args.target) if args.csv else digits()
        print(report(problem, benchmark(problem, args)))
    except InputError as error:
        print(f"{PROG}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except Interrupted:
        print(f"{PROG}: interrupted", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGINT, before)
    return 0


if __name__ == "__main__":
    sys.exit(main())
