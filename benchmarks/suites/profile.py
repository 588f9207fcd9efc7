"""Where the time of a training step of FFNNClassifier goes."""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from ..fits import OURS, prepared
from ..measure import Bench, spread
from ..peers import FFNN, Floor
from ..plots import SHADES, legend, panels
from ..report import Table
from ..workloads import QUICK_WORKLOADS, WORKLOADS, Problem, Settings, Workload, load

SECONDS = 0.1  # how long each part is repeated
TINY_ROWS = 64
PARTS = {
    "products": "matrix products",
    "network": "elementwise work of the network",
    "optimiser": "penalty and optimiser",
    "rows": "gathering rows",
    "python": "Python",
    "rest": "the rest",
}


def run(bench: Bench) -> Any:
    """Profile every workload."""
    workloads = QUICK_WORKLOADS if bench.quick else WORKLOADS
    result = {}
    for workload in workloads:
        kwargs = {"peer": OURS, "workload": workload}
        kwargs |= {
            "epochs": workload.epochs,
            "budget": 1e-4 if bench.quick else SECONDS,
        }
        runs = bench.in_turn(
            f"profile, {workload}",
            parts_of_step,
            {OURS: kwargs},
            warm_up={"epochs": 2, "budget": 0},
        )
        result[str(workload)] = runs[OURS]
    return result


def parts_of_step(
    peer: str, workload: Workload, epochs: int, budget: float, seed: int
) -> dict[str, float]:
    """Measure a step and its parts.

    The time of a part in a tiny network, with one neuron per layer, one feature and
    batches of one row, is attributed to Python. The rest is the part itself.

    Parameters
    ----------
    peer : str
        FFNNClassifier.
    workload : Workload
        The data and the network.
    epochs : int
        The time of a step is the difference between fits of all and half the epochs.
    budget : float
        Number of seconds to repeat each part.
    seed : int
        As in `Peer`.

    Returns
    -------
    seconds : dict of str to float
        The time of each part, and that of the whole as "step".
    """
    X, y, _, _ = load(Problem(*workload.shape))
    full = slice(len(X) - len(X) % workload.batch)  # no smaller batch at the end
    X, y = X[full], y[full]
    settings = Settings(workload.hidden, workload.batch)
    tiny_settings = Settings((1,) * len(workload.hidden), batch=1)
    few = slice(TINY_ROWS)
    parts = parts_of(settings, X, y, budget)
    tiny = parts_of(tiny_settings, X[few, :1].copy(), y[few], budget)
    half = max(1, epochs // 2)
    whole = fit_seconds(settings, X, y, 2 * half, seed)
    whole -= fit_seconds(settings, X, y, half, seed)
    step = whole / (half * -(-len(X) // workload.batch))
    return {
        "step": step,
        "products": parts["products"],
        "network": parts["data_term"] - parts["products"] - network_python(tiny),
        "optimiser": parts["optimiser"] - tiny["optimiser"],
        "rows": parts["rows"] - tiny["rows"],
        "python": network_python(tiny) + tiny["optimiser"] + tiny["rows"],
    }


def network_python(tiny: dict[str, float]) -> float:
    """Return the time of a tiny network, which has no work, beyond the products."""
    return tiny["data_term"] - tiny["products"]


def fit_seconds(settings: Settings, X: Any, y: Any, epochs: int, seed: int) -> float:
    """Return the time of a fit."""
    peer = FFNN(settings, X, y, epochs, seed)
    start = time.perf_counter()
    peer.fit()
    return time.perf_counter() - start


def parts_of(settings: Settings, X: Any, y: Any, budget: float) -> dict[str, float]:
    """Return the time of each part of a step on its own."""
    from skffnn.nn.parameters import Parameters

    training = prepared(FFNN(settings, X, y, 1).model, X, y)
    optimizer, batches = training.plan.solver.optimizer, training.batches
    objective, theta = training.objective, training.progress.theta
    gradient = Parameters.zeros_like(theta)
    state = optimizer.init(theta.vector)
    batches.shuffle(np.random.RandomState(0))
    x, t, w = next(iter(batches))
    batch = x.copy(), t.copy(), w

    def update() -> None:
        objective.penalty_term(gradient)
        # The rate is so small that the parameters, and so the work, stay the same.
        theta.vector += optimizer.update(gradient.vector, state, 1e-9)

    floor = Floor(settings, X, y, 1)
    with np.errstate(all="ignore"):
        (products,) = mean_times(budget, floor.fit)
        (rows,) = mean_times(budget, lambda: deque(batches, maxlen=0))
        data_term, optimiser = mean_times(
            budget, lambda: objective.data_term(batch, gradient), update
        )
    return {
        "products": products / len(floor.steps),
        "data_term": data_term,
        "optimiser": optimiser,
        "rows": rows / len(batches),
    }


def mean_times(budget: float, *functions: Callable[[], Any]) -> list[float]:
    """Call functions in turn for `budget` seconds; return the mean time of each."""
    for function in functions:
        function()
    totals, n = np.zeros(len(functions)), 0
    while n == 0 or totals.sum() < budget:
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            totals[i] += time.perf_counter() - start
        n += 1
    return [float(total / n) for total in totals]


def medians(figures: Any) -> dict[str, float]:
    """Return the median time of each part, of the rest, and of the step.

    No part is negative. If the products of a network are faster than `np.matmul`, its
    elementwise work would be negative; the difference is taken from the products. If
    the parts take longer alone than together, they make up the whole step, with no
    rest.
    """
    parts = {name: spread(values).median for name, values in figures.items()}
    step = parts.pop("step")
    parts["products"] += min(0, parts["network"])
    parts["network"] = max(0, parts["network"])
    known = sum(parts.values())
    return {**parts, "rest": max(0, step - known), "step": max(step, known)}


def tables(result: Any) -> list[Table]:
    """Return one table, with one row for each workload."""
    rows = []
    for workload, figures in result.items():
        parts = medians(figures)
        step = parts["step"]
        shares = [f"{parts[name] / step:.0%}" for name in PARTS]
        rows.append([workload, f"{step * 1e6:.0f}", *shares])
    return [
        Table("Parts of a training step", ["workload", "µs", *PARTS.values()], rows)
    ]


def plot(result: Any) -> Any:
    """Draw the shares as stacked bars."""
    figure, axes = panels(1, 1, 3.4)
    ax = axes[0, 0]
    steps = [medians(figures) for figures in result.values()]
    left = np.zeros(len(steps))
    for (name, label), color in zip(PARTS.items(), SHADES, strict=True):
        shares = [100 * parts[name] / parts["step"] for parts in steps]
        ax.barh(range(len(steps)), shares, left=left, color=color, label=label)
        left += shares
    ax.set_yticks(range(len(steps)), list(result))
    ax.invert_yaxis()
    ax.set_xlim(0, 100)
    ax.set_xlabel("% of a training step")
    legend(figure, ax, columns=3)
    return figure
