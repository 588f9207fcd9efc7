"""The command `python -m benchmarks.accuracy`."""

import argparse
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from ..report import Table, fill
from .comparison import Comparison
from .models import ABLATION, BASE, MODELS, OURS, available
from .results import Fit, Results
from .scores import scores
from .tables import names, read, split

PROG = "python -m benchmarks.accuracy"
ROWS = 3000
SEEDS = 5
# Names of models as column headings.
SHORT_NAMES = {
    "make_tabular_classifier": "tabular",
    "FFNNClassifier": "FFNN",
    "MLPClassifier": "MLP",
    "MLPClassifier, early stopping": "MLP, stopped early",
    "LogisticRegression": "logistic",
    "HistGradientBoosting": "HGB",
}


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog=PROG, description="Compare classifiers on real tables."
    )
    add = parser.add_argument
    add("--data-dir", type=Path, required=True, metavar="DIR", help="*.csv.gz")
    add("--tables", nargs="+", metavar="NAME", help="default: all in the folder")
    add("--models", nargs="+", choices=MODELS, metavar="MODEL", default=list(MODELS))
    add("--seeds", type=int, default=SEEDS, help=f"default: {SEEDS}")
    add("--rows", type=int, default=ROWS, help=f"max. training rows, default: {ROWS}")
    add("--all-rows", action="store_true", help="train on all rows")
    add("--ablation", action="store_true", help="leave out parts of the recipe")
    add("--threads", type=int, default=1, help="default: 1")
    add("--out", type=Path, default=Path("benchmarks/results/accuracy.jsonl"))
    add("--report-only", action="store_true", help="show earlier results")
    add("--page", type=Path, metavar="MD", help="also put the tables into a page")
    args = parser.parse_args(argv)
    if args.all_rows:
        args.rows = None
    known = names(args.data_dir)
    args.tables = args.tables or known
    for name in args.tables:
        if name not in known:
            parser.error(f"no table {name!r} in {args.data_dir}")
    if not args.tables:
        parser.error(f"no tables in {args.data_dir}")
    return args


def fits(args: argparse.Namespace, models: Sequence[str]) -> Iterator[Fit]:
    """Yield the fits to run: all tables with one seed before the next seed."""
    for seed in range(args.seeds):
        for table in args.tables:
            for model in models:
                yield Fit(table, args.rows, seed, model)


def measure(fit: Fit, folder: Path, n_threads: int) -> dict[str, float]:
    """Fit a model to the training rows of a split and score it on the test rows."""
    data = split(*read(folder, fit.table), fit.seed, fit.rows)
    model = {**MODELS, **ABLATION}[fit.model](data.X, fit.seed, n_threads)
    start = time.perf_counter()
    model.fit(data.X, data.y)
    seconds = time.perf_counter() - start
    return {
        **scores(data.y_test, model.predict_proba(data.X_test)),
        "seconds": round(seconds, 3),
    }


def comparison_table(comparison: Comparison, base: str, title: str) -> Table:
    """Return one line for each model, with its ratios to a base model and its wins."""
    columns = ["", "error", "rank", "log loss", "rank", "W/T/L", "p"]
    columns += ["AUC", "ECE", "worst ECE", "fit"]
    lines = []
    for model in comparison.models:
        record = "/".join(map(str, comparison.record(model, base, "error")))
        gap, table = comparison.worst_gap(model, base, "calibration")
        lines.append(
            [
                model,
                f"{comparison.overall(model, base, 'error'):.3f}",
                f"{comparison.mean_rank(model, 'error'):.1f}",
                f"{comparison.overall(model, base, 'log_loss'):.3f}",
                f"{comparison.mean_rank(model, 'log_loss'):.1f}",
                "" if model == base else record,
                ""
                if model == base
                else f"{comparison.p_value(model, base, 'error'):.2g}",
                f"{comparison.average(model, 'auc'):.4f}",
                f"{comparison.average(model, 'calibration'):.4f}",
                "" if model == base else f"{gap:+.3f} ({table})",
                f"{comparison.average(model, 'seconds'):.2f} s",
            ]
        )
    return Table(title, columns, lines)


def detail_table(comparison: Comparison, figure: str, title: str) -> Table:
    """Return one line for each table, with a figure of each model."""
    lines = [
        [
            table,
            *(f"{comparison.mean(m, table, figure):.4f}" for m in comparison.models),
        ]
        for table in comparison.seeds
    ]
    columns = [SHORT_NAMES.get(model, model) for model in comparison.models]
    return Table(title, ["", *columns], lines)


def report(args: argparse.Namespace, results: Results, models: Sequence[str]) -> None:
    """Show the results as tables, and put them into a page."""
    most = "all" if args.rows is None else f"at most {args.rows}"
    base = OURS if args.ablation else BASE
    done = {fit.model for fit in results if fit.rows == args.rows}
    measured = [model for model in models if model in done]
    comparison = Comparison(results, args.rows, measured)
    if base not in measured or not comparison.seeds:
        print(f"Nothing to compare with {base} yet.")
        return
    seeds = min(map(len, comparison.seeds.values()))
    splits = "1 split" if seeds == 1 else f"{seeds} splits"
    what = f"{most} training rows, {len(comparison.seeds)} tables, {splits}"
    shown = [comparison_table(comparison, base, f"Ratios to {base}: {what}")]
    if not args.ablation:
        shown += [
            detail_table(comparison, "error", f"Error: {what}"),
            detail_table(comparison, "log_loss", f"Log loss: {what}"),
        ]
    for table in shown:
        table.show()
    if args.page is not None:
        place = "ablation" if args.ablation else "accuracy"
        name = f"{place}-{'all' if args.rows is None else args.rows}"
        text = "\n".join(table.markdown() for table in shown)
        fill(args.page, name, f"\n{text}\n")


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
    args = parse_args(argv)
    chosen: Any = [OURS, *ABLATION] if args.ablation else args.models
    models, results = available(chosen), Results(args.out)
    warnings.simplefilter("ignore", ConvergenceWarning)
    try:
        with threadpool_limits(args.threads):
            for fit in fits(args, models):
                if args.report_only or fit in results:
                    continue
                print(f"{fit.table}, seed {fit.seed}: {fit.model}", file=sys.stderr)
                results.add(fit, measure(fit, args.data_dir, args.threads))
    except KeyboardInterrupt:
        print(f"{PROG}: interrupted; run it again to continue", file=sys.stderr)
        return 130
    report(args, results, models)
    return 0


if __name__ == "__main__":
    sys.exit(main())
