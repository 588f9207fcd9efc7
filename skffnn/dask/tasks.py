"""The tasks of the workers: pure functions of a partition and of what the client sends.

A task changes none of its arguments, and draws its random numbers from a given seed. So
if it is lost with its worker, it can be run again with the same result. `added` sums
over partitions, in their order. A partition is a `Rows`.
"""

from collections.abc import Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_consistent_length

from ..classifier import FFNNClassifier
from ..data.labels import Labels
from ..data.rows import Rows
from ..data.targets import ClassWeights, sums_by_class
from ..files.checkpoints import fingerprint
from ..fitted import Fitted
from ..fitting.plan import Plan
from ..fitting.train import objective_of, train
from ..nn.arrays import Array
from ..nn.parameters import Parameters
from ..optim.progress import Progress, is_real, random_state_from
from ..optim.solvers import one_thread
from ..utils.checks import check_weights

Sums = dict[str, Any]  # numbers and arrays by name, to be summed over partitions

# Keys of the random streams of a partition.
SHUFFLE, MASKS = 0, 1


@dataclass(frozen=True)
class Contents:
    """What the client needs to know about a partition before training.

    Attributes
    ----------
    labels : Labels
        The classes that occur in it.
    sums : list of ndarray
        The total weight of each class (`sums_by_class`).
    dtype : dtype
        The dtype of X.
    n_bytes : int
        Memory that the partition takes.
    fingerprints : dict of str to str
        Fingerprints of X, y and weights; empty if there is no checkpoint.
    """

    labels: Labels
    sums: list[Array]
    dtype: Any
    n_bytes: int
    fingerprints: dict[str, str]


class Size(NamedTuple):
    """The number of rows of a partition, and their total weight."""

    n_rows: int
    weight: float


@dataclass(frozen=True)
class Round:
    """What all partitions need for a round of local steps.

    Attributes
    ----------
    plan : Plan
        The parameters of the estimator.
    start : Fitted
        θ and the state of the optimiser, common to all partitions.
    number, of : int
        The number of the round in the epoch, and the number of rounds per epoch.
    seed : tuple of int, or None
        The seed of the random streams of the partitions. None if there is only one,
        which draws from the streams of the fit, as a fit on one machine does.
    """

    plan: Plan
    start: Fitted
    number: int
    of: int
    seed: tuple[int, ...] | None


def stream(seed: tuple[int, ...], *key: int) -> np.random.MT19937:
    """Return a source of random numbers for a key."""
    return np.random.MT19937(np.random.SeedSequence([*seed, *key]))


def ready() -> None:
    """Import, by being called, all that the tasks need."""


# --------------------------------------------------------------------- preparation


def checked(
    number: int, X: Any, y: Any, weights: Any, model: FFNNClassifier, suffix: str
) -> Rows | None:
    """Check the rows of a partition, and return None if there are none.

    Errors name its number and the suffix "_val".
    """
    try:
        check_consistent_length(X, y, weights)
        if X.shape[0] == 0:
            return None
        rows = Rows.validated(model, X, y, None, reset=False, suffix="")
        name = f"sample_weight{suffix}"
        weights = check_weights(weights, rows.n_rows, name, some=False)
    except ValueError as error:
        raise ValueError(f"Partition {number} of X{suffix}: {error}") from error
    return replace(rows, weights=weights)


def contents(rows: Rows | None, *, identify: bool) -> Contents | None:
    """Return what the client needs to know, and fingerprints for a checkpoint."""
    if rows is None:
        return None
    labels = rows.labels(None)
    y, weights = rows.used(rows.y), rows.used(rows.weights)
    arrays = rows.arrays() if identify else {}
    return Contents(
        labels,
        sums_by_class(labels, y, weights),
        rows.dtype,
        rows.n_bytes,
        {name: fingerprint(array) for name, array in arrays.items()},
    )


def weighted(rows: Rows, classes: ClassWeights) -> Rows:
    """Set the targets, multiply the weights by those of the classes, drop weight 0."""
    rows = rows.with_targets(classes.targets)
    y, weights = rows.used(rows.y), rows.used(rows.weights)
    if not classes.products(y, weights).any():
        return rows.take([])
    return rows.times(classes)


def split(
    rows: Rows, fraction: float, state: dict[str, Any], alone: bool
) -> tuple[Rows, Rows, dict[str, Any]]:
    """Split off validation rows; return the state of the stream, too.

    A partition that is too small to split, but not the only one, is used for training
    only.
    """
    if not alone and ceil(fraction * rows.n_rows) == rows.n_rows:
        return rows, rows.take([]), state
    stream = random_state_from(state)
    train, rest = rows.split(fraction, stream)
    X, y, weights = map(rest.used, (rest.X, rest.y, rest.weights))
    validation = replace(rest, X=X, y=y, weights=weights, index=None)
    return train, validation, stream.get_state(legacy=False)


def size(rows: Rows) -> Size:
    """Return the number of rows in use, and their total weight."""
    return Size(rows.n_rows, rows.total_weight())


# ------------------------------------------------------------------------ training


def sums_of_J(rows: Rows, plan: Plan, theta: Parameters, rng: Any) -> Sums:
    """Return Σ s ℓ, its gradient and Σ s over a partition; `rng` draws the masks."""
    progress = Progress(theta, np.random.RandomState(0), deepcopy(rng))
    with one_thread, np.errstate(all="ignore"):
        objective = objective_of(plan, progress, rows.targets)
        J = rows.sum_of_losses(plan, objective)
        value, weight = J.sums()
        # The weights s have mean 1 over the partition: rescale to those of all rows.
        S = rows.total_weight()
        J.grad.vector *= S / weight
    return {"value": value * S / weight, "weight": S, "grad": J.grad.vector}


def local_steps(rows: Rows, number: int, share: float, of: Round) -> Sums:
    """Train on a partition for a round, which is an epoch of the rows of the round.

    Return the share of this partition in the means of the loss, θ and the moments of
    the optimiser; and the numbers of its state and the streams, which are not averaged.
    """
    plan, start, n_rows = of.plan, of.start, rows.n_rows
    if of.seed is not None:
        epoch = start.progress.clock.epoch
        rows = rows_of_round(rows, of, stream(of.seed, SHUFFLE, epoch, number))
        masks = stream(of.seed, MASKS, epoch, number, of.number)
        progress = replace(
            start.progress, order=None, dropout_rng=np.random.Generator(masks)
        )
        start = replace(start, progress=progress)
        plan = replace(plan, shuffle=False)  # the rows are in random order already
    with one_thread:
        fitted = train(plan, rows, start) if rows.n_rows else start
    progress, part = fitted.progress, rows.n_rows / n_rows
    loss = progress.loss_curve[-1] if rows.n_rows else 0.0
    state = progress.optimizer
    return {
        "loss": share * part * loss,
        "theta": share * progress.theta.vector,
        **{moment(k): share * v for k, v in state.items() if is_moment(v)},
        "numbers": {k: v for k, v in state.items() if not is_moment(v)},
        "streams": {
            "random_state": progress.random_state.get_state(legacy=False),
            "dropout_rng": progress.dropout_rng,
            "order": progress.order,
        },
    }


def rows_of_round(rows: Rows, of: Round, source: np.random.MT19937) -> Rows:
    """Return the rows of a round: some batches of the epoch, which may be none."""
    order = np.arange(rows.n_rows)
    if of.plan.shuffle:
        order = np.random.RandomState(source).permutation(rows.n_rows)
    size = of.plan.rows_per_batch(rows.n_rows)
    n_batches = -(-rows.n_rows // size)
    first, end = (k * n_batches // of.of * size for k in (of.number, of.number + 1))
    return rows.take(rows.numbers()[order[first:end]])


def is_moment(value: Any) -> bool:
    """Return whether an entry of the state of an optimiser is averaged."""
    return np.ndim(value) > 0 and is_real(value)


def moment(name: str) -> str:
    """Return the name under which a moment is summed."""
    return f"optimizer {name}"


def measured(rows: Rows, plan: Plan, fitted: Fitted, share: float) -> Sums:
    """Return the share of a partition in the means of the loss and the score terms.

    With a scorer, its score takes the place of the score terms.
    """
    with one_thread, np.errstate(all="ignore"):
        objective = objective_of(plan, fitted.progress, rows.targets)
        validation = rows.measured(plan, objective, lambda: fitted)
        loss, mean = validation.measure()
        if plan.has_scorer:
            mean = validation.score(loss, mean)
    return {"loss": share * loss, "mean": share * mean}


def added(parts: Sequence[Sums]) -> Sums:
    """Return the sums over several partitions, added from left to right.

    Nested dicts are taken from the first.
    """
    total = {
        name: value.copy() if isinstance(value, np.ndarray) else value
        for name, value in parts[0].items()
    }
    for part in parts[1:]:
        for name, value in part.items():
            if not isinstance(value, dict):
                total[name] += value
    return total


# ---------------------------------------------------------------------- prediction


def predicted(X: Any, model: FFNNClassifier, method: str, options: Any) -> Any:
    """Return the result of a method of a fitted network for rows, perhaps none."""
    n_rows = X.shape[0]
    if n_rows == 0:
        dtype = getattr(X, "dtype", np.float64)
        X, model = np.zeros((1, model.n_features_in_), dtype), copy(model)
        if hasattr(model, "feature_names_in_"):  # X is an array
            del model.feature_names_in_
    with one_thread:
        return getattr(model, method)(X, **options)[:n_rows]


def scored(X: Any, y: Any, weights: Any, model: FFNNClassifier) -> Sums:
    """Return the weight of the correctly predicted rows, and the total weight."""
    n = float(X.shape[0] if weights is None else np.sum(weights))
    if n == 0:
        return {"right": 0.0, "weight": 0.0}
    with one_thread:
        return {"right": n * model.score(X, y, weights), "weight": n}
