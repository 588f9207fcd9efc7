"""Rounds of local steps, and evaluations of J, on a Dask cluster of 1 and 2 processes.

A model is fitted to the measured times. It has a fixed cost, a cost for each partition,
a cost for each parameter sent, and the work, which the workers share.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

from ..fits import prepared
from ..measure import Bench, SkipError, ratio, spread
from ..plots import INK, SHADES, logarithmic, panels
from ..report import Table, seconds, times

FEATURES = 50
BATCH = 200
# Vectors sent each way: θ, and in a round also the two moments of Adam.
VECTORS = {"evaluation": 1, "round": 3}
ITEM = {"evaluation": 8, "round": 4}  # bytes per number
FAR = {"rows": 1_000_000_000, "workers": 100, "partitions": 1000, "hidden": 256}


@dataclass(frozen=True)
class Case:
    """The size of a computation.

    Attributes
    ----------
    rows, partitions, hidden : int
        Numbers of rows, partitions and hidden neurons.
    """

    rows: int
    partitions: int
    hidden: int

    @property
    def n_parameters(self) -> int:
        """Length of θ, for two classes."""
        return (FEATURES + 1) * self.hidden + self.hidden + 1


CASES = [
    *(Case(n, 4, 32) for n in (2_000, 50_000, 200_000, 2_000_000)),
    *(Case(50_000, P, 32) for P in (1, 16, 64)),
    *(Case(50_000, 4, hidden) for hidden in (256, 2048)),
]
QUICK = [Case(400, 2, 2), Case(800, 4, 2)]


def run(bench: Bench) -> Any:
    """Measure each case on both clusters, in turn."""
    try:
        import distributed
    except ImportError:
        raise SkipError("distributed is not installed") from None
    cases = QUICK if bench.quick else CASES
    result = []
    with ExitStack() as stack:
        clients = {}
        for n in (1, 2):
            cluster = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=n,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=":0",
                    memory_limit=0,
                )
            )
            clients[n] = stack.enter_context(
                distributed.Client(cluster, set_as_default=False)
            )
        for case in cases:
            bench.say(f"cluster: {case}")
            taken: Any = {
                what: {str(n): [] for n in clients} for what in ("evaluation", "round")
            }
            for what, by_workers in taken.items():
                works = {n: work_on(c, case, what) for n, c in clients.items()}
                for work, _ in works.values():
                    work()  # to warm up
                for _ in range(bench.repeats):
                    for n, (work, number) in works.items():
                        start = time.perf_counter()
                        work()
                        elapsed = time.perf_counter() - start
                        by_workers[str(n)].append(elapsed / number)
            result.append({"case": asdict(case), "seconds": taken})
    return result


def work_on(client: Any, case: Case, what: str) -> tuple[Callable[[], Any], int]:
    """Put a table on a cluster; return a function, and how often it does the work.

    It evaluates J once, or runs the rounds of an epoch.
    """
    import dask.array as da

    from skffnn.dask.classifier import DaskFFNNClassifier

    chunk = case.rows // case.partitions
    X = da.random.default_rng(0).normal(
        size=(case.rows, FEATURES), chunks=(chunk, FEATURES)
    )
    y = (X[:, 0] + X[:, 1] ** 2 > 1).astype(np.int64)
    solver = "lbfgs" if what == "evaluation" else "adam"
    estimator = DaskFFNNClassifier(
        (case.hidden,),
        solver=solver,
        batch_size=BATCH,
        random_state=0,
        client=client,
        persist=True,
    )
    training = prepared(estimator, X, y)
    if what == "evaluation":
        return training.batches, 1
    progress = training.progress
    progress.optimizer = training.plan.solver.optimizer.init(progress.theta.vector)
    steps = training.batches.steps(training)
    return steps.epoch, steps.n_rounds


def terms(case: Case, what: str, workers: int) -> list[float]:
    """Return the factors of the costs in the model."""
    share = 1.0
    if what == "round":  # the fraction of an epoch
        n_batches = -(-case.rows // case.partitions // BATCH)
        share = max(1, n_batches // min(10, n_batches)) / n_batches
    side_by_side = -(-case.partitions // workers)  # partitions of the busiest worker
    work = share * case.rows / case.partitions * case.n_parameters * side_by_side
    rows = case.rows / case.partitions * side_by_side
    return [1.0, case.partitions, case.n_parameters, rows, work]


NAMES = ["fixed", "per partition", "per parameter", "per row", "per row and parameter"]


def fitted(result: Any, what: str) -> Any:
    """Return the costs that minimise the squared relative errors."""
    A, t = [], []
    for entry in result:
        case = Case(**entry["case"])
        for n, measured in entry["seconds"][what].items():
            A.append(terms(case, what, int(n)))
            t.append(spread(measured).median)
    matrix, target = np.array(A), np.array(t)
    costs, _ = nnls(matrix / target[:, np.newaxis], np.ones(len(t)))
    return costs


def tables(result: Any) -> list[Table]:
    """Return the measured times, the model, and a prediction for a large cluster."""
    shown = []
    for what in ("evaluation", "round"):
        costs = fitted(result, what)
        rows = []
        for entry in result:
            case, taken = Case(**entry["case"]), entry["seconds"][what]
            expected = [float(costs @ terms(case, what, n)) for n in (1, 2)]
            rows.append(
                [
                    f"{case.rows} in {case.partitions}",
                    str(case.n_parameters),
                    seconds(spread(taken["1"]).median),
                    seconds(spread(taken["2"]).median),
                    times(ratio(taken["2"], taken["1"])),
                    *(seconds(t) for t in expected),
                ]
            )
        columns = ["rows in partitions", "parameters", "1 worker", "2 workers"]
        columns += ["ratio", "model, 1", "model, 2"]
        shown.append(Table(f"Time of one {what}", columns, rows))
    costs_of = {what: fitted(result, what) for what in ("evaluation", "round")}
    rows = [[w, *(seconds_or_zero(c) for c in costs)] for w, costs in costs_of.items()]
    shown.append(Table("Costs in the model", ["", *NAMES], rows))
    far = Case(FAR["rows"], FAR["partitions"], FAR["hidden"])
    rows = [
        [
            what,
            seconds(float(costs @ terms(far, what, FAR["workers"]))),
            f"{VECTORS[what] * ITEM[what] * far.n_parameters / 1e6:.2f}",
        ]
        for what, costs in costs_of.items()
    ]
    title = (
        f"{far.rows:.0e} rows of {FEATURES} columns in {far.partitions} partitions on "
        f"{FAR['workers']} workers of one thread, {far.n_parameters} parameters: "
        "predicted by the model, which was fitted to two workers of one machine"
    )
    columns = ["", "time", "MB through scheduler and client, each way"]
    shown.append(Table(title, columns, rows))
    return shown


def seconds_or_zero(value: float) -> str:
    """Return a duration as text, even if it is very short or zero."""
    return "0" if value == 0 else f"{value:.2e} s"


def plot(result: Any) -> Any:
    """Plot the times predicted by the model against the measured ones."""
    figure, axes = panels(1, 2, 3.2)
    for ax, what in zip(axes[0], ("evaluation", "round"), strict=True):
        costs = fitted(result, what)
        for n, marker, shade in ((1, "o", SHADES[0]), (2, "s", SHADES[3])):
            measured = [spread(e["seconds"][what][str(n)]).median for e in result]
            model = [costs @ terms(Case(**e["case"]), what, n) for e in result]
            look = {"color": shade, "label": f"{n} worker{'s' * (n > 1)}"}
            ax.plot(measured, model, marker, **look)
        logarithmic(ax.xaxis)
        logarithmic(ax.yaxis)
        low, high = ax.get_xlim()
        ax.plot([low, high], [low, high], color=INK, linewidth=0.8)
        ax.set_xlabel(f"seconds of one {what}, measured")
        ax.set_ylabel("by the model")
        ax.grid(True)
        ax.legend()
    return figure
