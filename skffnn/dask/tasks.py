"""The tasks of the workers: pure functions of a partition and of what the client sends.

A task changes none of its arguments, and draws its random numbers from a given seed. So
if it is lost with its worker, it can be run again with the same result. `added` sums
over partitions, in their order.
"""

from collections.abc import Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np

from ..classifier import FFNNClassifier
from ..data.class_weights import ClassWeights, sums_by_class
from ..data.dataset import Dataset
from ..data.targets import Targets
from ..fitting.assembly import (
    Assembly,
    batch_size,
    compute_dtype,
    split,
    watched_by,
)
from ..fitting.plan import Plan
from ..io.checkpoints import fingerprint
from ..nn.arrays import Array
from ..optim.blas import one_thread
from ..optim.state import TrainingState, is_real
from ..optim.training import Training
from ..utils.checks import check_weights

Sums = dict[str, Any]  # numbers and arrays by name, to be summed over partitions

# Keys of the random streams of a partition.
SHUFFLE, MASKS = 0, 1


@dataclass(frozen=True)
class Contents:
    """What the client needs to know about the rows of a partition.

    Attributes
    ----------
    targets : Targets
        The classes that occur in it.
    sums : list of ndarray
        The total weight of each class (`sums_by_class`).
    dtype : dtype
        The dtype of X.
    n_bytes : int
        Memory that the partition takes.
    identity : tuple of str
        Fingerprints of X, y and weights; empty if there is no checkpoint.
    """

    targets: Targets
    sums: list[Array]
    dtype: Any
    n_bytes: int
    identity: tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """What all partitions share in a fit.

    Attributes
    ----------
    plan : Plan
        The parameters of the estimator, validated and converted to objects.
    targets : Targets
        The classes of all partitions.
    class_weights : ClassWeights
        Their weights.
    model : FFNNClassifier
        An unfitted estimator, which gets fitted attributes before a scorer is called.
    seed : tuple of int
        The seed of the random streams, if there are several partitions.
    alone : bool
        Whether there is only one partition. It then draws from the streams of the
        state, as a fit on one machine does.
    """

    plan: Plan
    targets: Targets
    class_weights: ClassWeights
    model: FFNNClassifier
    seed: tuple[int, ...]
    alone: bool

    def assembly(self, state: TrainingState) -> Assembly:
        """Return J(θ) and validation for a state."""
        return Assembly(self.plan, self.targets, state)

    def stream(self, *key: int) -> np.random.SeedSequence:
        """Return the seed of the random stream with a given key."""
        return np.random.SeedSequence(self.seed, spawn_key=key)


@dataclass(frozen=True)
class Part:
    """The rows of a partition, ready for training.

    Attributes
    ----------
    number : int
        The number of the partition.
    train, validation : Dataset or None
        Rows to train on and to validate on; None if there are none.
    weight, validation_weight : float
        The sums of their weights.
    dtype : str
        The dtype to compute in.
    state : TrainingState or None
        The state after the validation split, if there is only one partition.
    """

    number: int
    train: Dataset | None = None
    validation: Dataset | None = None
    weight: float = 0.0
    validation_weight: float = 0.0
    dtype: str = ""
    state: TrainingState | None = None

    def __sizeof__(self) -> int:
        """Return the size of the rows in bytes, by which Dask spills them to disk."""
        parts = [part for part in (self.train, self.validation) if part is not None]
        return sum({id(part.X): part.n_bytes for part in parts}.values())


@dataclass(frozen=True)
class Outline:
    """A `Part` without its rows."""

    n_rows: int
    weight: float
    validation_weight: float
    dtype: str
    state: TrainingState | None


def ready() -> None:
    """Do nothing; a worker that runs this has imported all that tasks need."""


# --------------------------------------------------------------------- preparation


def checked(
    number: int, X: Any, y: Any, weights: Any, model: FFNNClassifier, suffix: str
) -> Dataset | None:
    """Check the rows of a partition.

    Parameters
    ----------
    number : int
        The number of the partition, for error messages.
    X, y, weights : array-like, sparse matrix, dataframe, or None
        Its rows.
    model : FFNNClassifier
        Unfitted, but with the number and the names of the features.
    suffix : str
        "" or "_val", for the names in error messages.

    Returns
    -------
    data : Dataset or None
        None if the partition is empty.

    Raises
    ------
    ValueError
        If the rows are invalid.
    """
    try:
        for what, part in (("y", y), ("weights", weights)):
            if part is not None and part.shape[0] != X.shape[0]:
                raise ValueError(
                    f"X has {X.shape[0]} rows, and {what}{suffix} has {part.shape[0]}."
                )
        if X.shape[0] == 0:
            return None
        data = model._check(X, y, None, reset=False)
        name = f"sample_weight{suffix}"
        weights = check_weights(weights, data.X.shape[0], name, some=False)
    except ValueError as error:
        raise ValueError(f"Partition {number} of X{suffix}: {error}") from error
    return replace(data, weights=weights)


def contents(data: Dataset | None, *, identify: bool) -> Contents | None:
    """Return what the client needs to know about the rows of a partition.

    Parameters
    ----------
    data : Dataset or None
        Checked rows.
    identify : bool
        Whether a checkpoint needs fingerprints.

    Returns
    -------
    contents : Contents or None
        None if there are no rows.
    """
    if data is None:
        return None
    targets = Targets.from_labels(data.y)
    arrays = (data.X, data.y, data.weights)
    return Contents(
        targets,
        sums_by_class(targets, data),
        data.X.dtype,
        data.n_bytes,
        tuple(str(fingerprint(array)) for array in arrays) if identify else (),
    )


def prepared(
    number: int,
    data: Dataset | None,
    setting: Setting,
    state: TrainingState,
    *,
    splits: bool,
) -> Part:
    """Prepare the rows of a partition for training.

    Parameters
    ----------
    number : int
        The number of the partition.
    data : Dataset or None
        Checked rows.
    setting : Setting
        Classes, weights and parameters.
    state : TrainingState
        Determines the validation split and, in a warm start, the dtype.
    splits : bool
        Whether to split off validation rows.

    Returns
    -------
    part : Part
        The rows of non-zero weight.
    """
    plan, targets, alone = setting.plan, setting.targets, setting.alone
    products = None if data is None else setting.class_weights.products(data)
    if data is None or products is None or not products.any():
        return Part(number)
    data, own = setting.class_weights.apply(data), deepcopy(state)
    rows, held_out = data.rows(), None
    # A partition with too few rows to split is used for training only.
    if splits and (alone or ceil(plan.validation_fraction * len(rows)) < len(rows)):
        rows, held_out = split(plan, targets, data, own)
    is_full = alone and batch_size(plan, len(rows)) == len(rows)
    dtype = np.dtype(compute_dtype(plan, own, is_full=is_full)).name
    data = data.downcast(dtype, plan.criteria.max_iter)
    return Part(
        number,
        data.take(rows),
        None if held_out is None else data.take(held_out),
        float(products[rows].sum()),
        0.0 if held_out is None else float(products[held_out].sum()),
        dtype,
        own if alone else None,
    )


def prepared_validation(
    number: int, data: Dataset | None, setting: Setting, dtype: str
) -> Part:
    """Prepare a partition of the user's validation set.

    Parameters
    ----------
    number : int
        The number of the partition.
    data : Dataset or None
        Checked rows.
    setting : Setting
        Classes, weights and parameters.
    dtype : str
        The dtype to compute in.

    Returns
    -------
    part : Part
        The rows of non-zero weight.
    """
    if data is None:
        return Part(number)
    setting.targets.check_known(data.y, "y_val")
    products = setting.class_weights.products(data)
    if not products.any():
        return Part(number)
    data = setting.class_weights.apply(data, "sample_weight_val")
    data = data.downcast(dtype, setting.plan.criteria.max_iter)
    return Part(number, validation=data, validation_weight=float(products.sum()))


def outline(part: Part) -> Outline:
    """Return what the client needs to know about a prepared partition."""
    n_rows = 0 if part.train is None else part.train.n_rows
    return Outline(n_rows, part.weight, part.validation_weight, part.dtype, part.state)


def head(part: Part, n: int) -> Any:
    """Return the features of the first training rows of a partition."""
    return part.train.head(n) if part.train is not None else None


# ------------------------------------------------------------------------ training


def sums_of_J(part: Part, setting: Setting, state: TrainingState) -> Sums:
    """Return Σ s ℓ, its gradient and Σ s over the rows of a partition.

    Parameters
    ----------
    part : Part
        The partition.
    setting : Setting
        Classes, weights and parameters.
    state : TrainingState
        θ.

    Returns
    -------
    sums : dict
        "value", "weight" and "grad".
    """
    assert part.train is not None
    own = deepcopy(state)
    if not setting.alone:
        own.dropout_rng = np.random.default_rng(setting.stream(MASKS, part.number))
    with one_thread, np.errstate(all="ignore"):
        rows = setting.assembly(own).rows(part.train, part.train.n_rows)
        value, weight = rows.sums()
        # The weights s have mean 1 over the partition: rescale to those of all rows.
        scale = part.weight / weight
        rows.grad.vector *= scale
    return {"value": value * scale, "weight": part.weight, "grad": rows.grad.vector}


def local_steps(
    part: Part,
    setting: Setting,
    state: TrainingState,
    share: float,
    number: int,
    n_rounds: int,
) -> Sums:
    """Take the steps of a round over the rows of a partition.

    Parameters
    ----------
    part : Part
        The partition.
    setting : Setting
        Classes, weights and parameters.
    state : TrainingState
        θ and the state of the optimiser, common to all partitions.
    share : float
        The weight of the partition, divided by the total weight.
    number, n_rounds : int
        The number of the round in the epoch, and the number of rounds per epoch.

    Returns
    -------
    sums : dict
        The contribution of the partition to the means: "loss", "theta" and the arrays
        of the state of the optimiser. Also what is not averaged: the numbers of that
        state and, if there is only one partition, its random streams.
    """
    assert part.train is not None
    own, train = deepcopy(state), part.train
    if not setting.alone:
        key = (own.clock.epoch, part.number)
        shuffles = setting.stream(SHUFFLE, *key)
        own.random_state = np.random.RandomState(np.random.MT19937(shuffles))
        own.dropout_rng = np.random.default_rng(setting.stream(MASKS, *key, number))
    solver: Any = setting.plan.solver
    with one_thread, np.errstate(all="ignore"):
        assembly = setting.assembly(own)
        rows = assembly.rows(train, batch_size(setting.plan, train.n_rows))
        training = Training(
            assembly.objective, own, setting.plan.criteria, train.n_rows
        )
        epochs, descent = solver.start(training, rows), solver.descent(training)
        epochs.begin()
        first, end = (r * len(rows) // n_rounds for r in (number, number + 1))
        loss = epochs.steps(descent, first, end) / rows.n_rows
        sums = {"loss": share * loss, "theta": share * own.theta.vector}
        sums |= {
            f"optimizer {name}": share * value
            for name, value in own.optimizer.items()
            if is_mean(value)
        }
    sums["numbers"] = {k: v for k, v in own.optimizer.items() if not is_mean(v)}
    if setting.alone:
        names = ("random_state", "dropout_rng", "order")
        sums["streams"] = {name: getattr(own, name) for name in names}
    return sums


def is_mean(value: Any) -> bool:
    """Return whether an entry of the state of an optimiser is averaged (a moment)."""
    return np.ndim(value) > 0 and is_real(value)


def measured(part: Part, setting: Setting, state: TrainingState, share: float) -> Sums:
    """Measure θ on the validation rows of a partition.

    Parameters
    ----------
    part : Part
        The partition.
    setting : Setting
        Classes, weights and parameters.
    state : TrainingState
        θ.
    share : float
        The weight of the validation rows, divided by that of all validation rows.

    Returns
    -------
    sums : dict
        The contribution of the partition to the means "loss" and "accuracy". With a
        scorer, "accuracy" is its score.
    """
    assert part.validation is not None
    with one_thread, np.errstate(all="ignore"):
        validation = setting.assembly(deepcopy(state)).validation(
            part.validation, setting.model._as_fitted
        )
        loss, accuracy = validation.measure()
        if watched_by(setting.plan, setting.targets, None, None) is None:
            accuracy = validation.score(loss, accuracy)
    return {"loss": share * loss, "accuracy": share * accuracy}


def added(parts: Sequence[Sums]) -> Sums:
    """Return the sums over several partitions, added from left to right.

    Parameters
    ----------
    parts : sequence of dict
        Numbers and arrays by name. Nested dicts are taken from the first.

    Returns
    -------
    sums : dict
        The sums, in new arrays.
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


def predicted(X: Any, model: FFNNClassifier, method: str, options: Any = None) -> Any:
    """Return the result of a method of a fitted network for some rows.

    Parameters
    ----------
    X : ndarray, CSR matrix or dataframe of shape (n, n_features)
        Rows; n may be 0.
    model : FFNNClassifier
        The network.
    method : str
        The name of a method that takes rows.
    options : dict, default=None
        Further arguments of the method.

    Returns
    -------
    result : ndarray or CSR matrix
        One row for each row of X.
    """
    call = getattr(model, method)
    with one_thread:
        if X.shape[0] > 0:
            return call(X, **(options or {}))
        dtype = getattr(X, "dtype", np.float64)
        anything = copy(model)
        if hasattr(anything, "feature_names_in_"):
            del anything.feature_names_in_
        call = getattr(anything, method)
        return call(np.zeros((1, model.n_features_in_), dtype), **(options or {}))[:0]


def scored(X: Any, y: Any, weights: Any, model: FFNNClassifier) -> Sums:
    """Return the weight of the correctly predicted rows, and the total weight."""
    n = float(X.shape[0] if weights is None else np.sum(weights))
    if n == 0:
        return {"right": 0.0, "weight": 0.0}
    with one_thread:
        return {"right": n * model.score(X, y, weights), "weight": n}
