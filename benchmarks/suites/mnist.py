"""MNIST: training time until the test accuracy reaches a target."""

import time
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from ..measure import Bench, SkipError, spread
from ..plots import COLOURS, INK, logarithmic, panels
from ..report import Table
from ..torch_peers import Torch
from ..workloads import Settings

TARGETS = (0.975, 0.98)
SEEDS = 3
HIDDEN = (256, 128)
BATCH = 200
# Chosen by the accuracy on the last 10000 training rows after training on the others.
SHORT, LONG = 2, 3  # epochs of the one-cycle schedule for each of the two targets
RATE = 0.01
DECAY = 0.1
MAX_EPOCHS = 30  # without a schedule

# Number of epochs so far, and a function that predicts.
Epochs = Iterator[tuple[int, Callable[[Any], Any]]]


def ffnn(X: Any, y: Any, seed: int, cycle: int) -> Epochs:
    """Train FFNNClassifier for its whole schedule, as a user would."""
    from skffnn import FFNNClassifier

    model = FFNNClassifier(
        HIDDEN,
        solver="adamw",
        alpha=DECAY,
        batch_size=BATCH,
        learning_rate="one_cycle",
        learning_rate_init=RATE,
        max_iter=cycle,
        random_state=seed,
    )
    yield cycle, model.fit(X, y).predict


def torch(X: Any, y: Any, seed: int, cycle: int) -> Epochs:
    """Train a network in PyTorch with the same optimiser and schedule."""
    settings = Settings(HIDDEN, BATCH, rate=RATE, alpha=DECAY, cycle=cycle)
    peer = Torch(settings, X, y, cycle, seed)
    peer.start()
    for epoch in range(1, cycle + 1):
        peer.epoch()
        yield epoch, lambda X: peer.predict_proba(X).argmax(axis=1)


def mlp(X: Any, y: Any, seed: int, rate: float = 0.001) -> Epochs:
    """Train MLPClassifier by `partial_fit`, which keeps the state of its optimiser."""
    from sklearn.neural_network import MLPClassifier

    # With an integer, it would shuffle the rows in the same order in each epoch.
    random_state = np.random.RandomState(seed)
    model = MLPClassifier(HIDDEN, learning_rate_init=rate, random_state=random_state)
    for epoch in range(1, MAX_EPOCHS + 1):
        yield epoch, model.partial_fit(X, y, classes=np.arange(10)).predict


# {name: (peer, function that trains it)}
CONTESTANTS: dict[str, tuple[str, Callable[[Any, Any, int], Epochs]]] = {
    "FFNNClassifier, 2 epochs": ("FFNNClassifier", partial(ffnn, cycle=SHORT)),
    "FFNNClassifier, 3 epochs": ("FFNNClassifier", partial(ffnn, cycle=LONG)),
    "PyTorch, 2 epochs": ("PyTorch", partial(torch, cycle=SHORT)),
    "PyTorch, 3 epochs": ("PyTorch", partial(torch, cycle=LONG)),
    "MLPClassifier": ("MLPClassifier", mlp),
    "MLPClassifier, rate 0.002": ("MLPClassifier", partial(mlp, rate=0.002)),
}


def run(bench: Bench) -> Any:
    """Train each contestant with a few seeds."""
    if not bench.data.exists():
        raise SkipError(f"no such file: {bench.data}; pass one with --data")
    shared = {"path": bench.data, "epochs": MAX_EPOCHS, "n_rows": None}
    if bench.quick:
        shared |= {"epochs": 2, "n_rows": 2000}
    return bench.in_turn(
        "mnist",
        race,
        {
            name: {"peer": peer, "contestant": name, **shared}
            for name, (peer, _) in CONTESTANTS.items()
            if peer in bench.peers
        },
        warm_up={"epochs": 1},
        repeats=1 if bench.quick else SEEDS,
    )


@lru_cache(maxsize=1)
def images(path: Path, n_rows: int | None) -> tuple[Any, ...]:
    """Return the official split, or its first rows, as numbers from 0 to 1."""
    with np.load(path) as arrays:
        X, y, X_test, y_test = (
            arrays[key][:n_rows] for key in ("X_train", "y_train", "X_test", "y_test")
        )
    X, X_test = (x.reshape(len(x), -1) / 255 for x in (X, X_test))
    return X, y.astype(np.int64), X_test, y_test


def race(
    peer: str,
    contestant: str,
    path: Path,
    n_rows: int | None,
    epochs: int,
    seed: int,
) -> dict[str, list[float]]:
    """Train until the last target is reached.

    Parameters
    ----------
    peer, contestant : str
        Names of the peer and the contestant.
    path : Path
        The MNIST file.
    n_rows : int or None
        Number of rows to use; None for all.
    epochs : int
        Maximum number of epochs.
    seed : int
        Seed of all random numbers.

    Returns
    -------
    figures : dict of str to list of float
        The "epochs" and "seconds" of training so far and the test "accuracy", each time
        that the contestant yields.
    """
    X, y, X_test, y_test = images(path, n_rows)
    training = CONTESTANTS[contestant][1](X, y, seed)
    curves: dict[str, list[float]] = {"epochs": [], "seconds": [], "accuracy": []}
    seconds, start = 0.0, time.perf_counter()
    for epoch, predict in training:
        seconds += time.perf_counter() - start
        accuracy = float((predict(X_test) == y_test).mean())
        for name, value in zip(curves, (epoch, seconds, accuracy), strict=True):
            curves[name].append(value)
        if epoch >= epochs or accuracy >= TARGETS[-1]:
            break
        start = time.perf_counter()
    return curves


def reached(
    epochs: Any, seconds: Any, accuracy: Any, target: float
) -> tuple[float, int] | None:
    """Return the seconds and epochs until a target was reached, or None."""
    for epoch, t, value in zip(epochs, seconds, accuracy, strict=True):
        if value >= target:
            return t, epoch
    return None


def time_to(run: Any, target: float) -> str:
    """Return the time to a target as text, over all seeds."""
    goals = [
        reached(*curves, target)
        for curves in zip(run["epochs"], run["seconds"], run["accuracy"], strict=True)
    ]
    found = [goal for goal in goals if goal]
    text = f"{len(found)} of {len(goals)} seeds"
    if not found:
        return text
    s, epochs = spread([t for t, _ in found]), spread([n for _, n in found])
    result = f"{s.median:.1f} s ({s.low:.1f} to {s.high:.1f}), {epochs.median:g} epochs"
    return result if len(found) == len(goals) else f"{result}, {text}"


def tables(result: Any) -> list[Table]:
    """Return one table, with one row for each contestant."""
    rows = [
        [name, *(time_to(run, target) for target in TARGETS)]
        for name, run in result.items()
    ]
    columns = ["", *(f"to {target:.1%}" for target in TARGETS)]
    sizes = "-".join(str(size) for size in (784, *HIDDEN, 10))
    n = len(next(iter(result.values()))["seconds"])
    title = f"MNIST, {sizes}, training time to a test accuracy, {n} seeds"
    return [Table(title, columns, rows)]


def plot(result: Any) -> Any:
    """Plot the test accuracy over training time, one line for each seed."""
    figure, axes = panels(1, 1, 3.6)
    ax = axes[0, 0]
    for name, run in result.items():
        peer, _, variant = name.partition(", ")
        usual = variant in ("", f"{LONG} epochs")
        style = {"color": COLOURS[peer], "linestyle": "-" if usual else ":"}
        style |= {"marker": "o", "markersize": 4}
        style |= {} if usual else {"markerfacecolor": "none"}
        for j, curves in enumerate(zip(run["seconds"], run["accuracy"], strict=True)):
            seconds, accuracy = curves
            percent = [100 * value for value in accuracy]
            label = None if j else name
            ax.plot(seconds, percent, label=label, **style)
    for target in TARGETS:
        ax.axhline(100 * target, color=INK, linestyle="--", linewidth=1)
    logarithmic(ax.xaxis)
    ax.set_ylim(94, 98.5)
    ax.set_xlabel("seconds of training")
    ax.set_ylabel("test accuracy, %")
    ax.legend(loc="lower right")
    ax.grid(True)
    return figure
