"""Rows in partitions on the workers of a Dask cluster, and what training asks of them.

`PartitionedRows` has the methods of `skffnn.data.rows.Rows`, so that `train` is the
same for both. Everything that is done to rows is done by tasks on the partitions.
"""

from collections.abc import Callable, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import getitem
from typing import Any, Self

import numpy as np
from dask.delayed import Delayed

from ..data.batches import Validation
from ..data.labels import Labels
from ..data.rows import Rows
from ..data.targets import ClassWeights, joined_sums
from ..fitted import Fitted
from ..fitting.plan import Plan
from ..nn.arrays import Array
from ..nn.objective import Objective
from ..nn.parameters import Parameters
from ..optim.progress import Progress, random_state_from
from ..optim.schedules import Constant
from ..optim.training import CHECKED_ROWS, Training
from .cluster import Cluster, constant, task
from .tasks import (
    Contents,
    Round,
    Size,
    checked,
    contents,
    local_steps,
    measured,
    moment,
    size,
    split,
    sums_of_J,
    weighted,
)

# The learning rate grows with the number of partitions, up to this factor.
LARGEST_GROWTH = 16


@dataclass(eq=False)
class PartitionedRows:
    """Rows in partitions.

    Unlike `Rows`, they change in place: each method replaces the partitions, so that
    the workers can release the previous ones, and returns the rows.

    Attributes
    ----------
    cluster : Cluster
        The cluster.
    parts : list of Delayed
        A `Rows` for each partition that is not empty.
    contents : list of Contents
        What was known of the partitions at first.
    n_features : int
        Number of features.
    n_rounds : int
        Maximum number of rounds per epoch.
    keep : bool
        Whether the workers keep the partitions in memory.
    sizes : list of Size
        The number of rows in use, and their total weight, of each partition.
    targets : Labels or None
        The classes, once they are known.
    validation : PartitionedRows or None
        The validation set that was passed to `fit`.
    """

    cluster: Cluster
    parts: list[Delayed]
    contents: list[Contents]
    n_features: int
    n_rounds: int
    keep: bool
    sizes: list[Size] = field(default_factory=list)
    targets: Any = None
    validation: Any = None

    @classmethod
    def validated(
        cls, estimator: Any, partitions: Sequence[Any], n_bytes: float, suffix: str
    ) -> Self:
        """Check X, y and weights in all partitions for an estimator for a cluster.

        They are kept if `persist` says so, or is "auto" and there is room. The size of
        X is NaN if it is unknown before X is read. The estimator knows the features.
        """
        cluster, persist = Cluster(estimator.client), estimator.persist
        model, identify = estimator.to_unfitted(), estimator.checkpoint is not None
        known = constant(model)
        parts = [
            task(checked)(i, *partition, known, suffix)
            for i, partition in enumerate(partitions)
        ]
        keep = persist is True or (persist == "auto" and cluster.has_room(n_bytes))
        if keep:
            parts = cluster.keep(parts)
        found = cluster.get([task(contents)(part, identify=identify) for part in parts])
        parts = [p for p, one in zip(parts, found, strict=True) if one is not None]
        found = [one for one in found if one is not None]
        if not found:
            raise ValueError(f"X{suffix} has no rows: all partitions are empty.")
        if persist == "auto" and not keep:
            keep = cluster.has_room(sum(one.n_bytes for one in found))
            if keep:
                parts = cluster.keep(parts)
        n_features, n_rounds = model.n_features_in_, estimator.n_rounds
        return cls(cluster, parts, found, n_features, n_rounds, keep)

    def map(self, function: Callable[..., Any], *args: Any) -> Self:
        """Replace each partition by the result of a task."""
        parts = [task(function)(part, *args) for part in self.parts]
        self.parts = self.cluster.keep(parts) if self.keep else parts
        return self

    def counted(self) -> Self:
        """Determine the sizes, and leave out partitions that have become empty."""
        found = self.cluster.get([task(size)(part) for part in self.parts])
        both = zip(self.parts, found, strict=True)
        self.parts = [part for part, one in both if one.n_rows]
        self.sizes = [one for one in found if one.n_rows]
        return self

    # ---------------------------------------------------------- before training

    @property
    def dtype(self) -> Any:
        """Dtype of the features."""
        return np.result_type(*(one.dtype for one in self.contents))

    def arrays(self) -> dict[str, Any]:
        """Return an array of fingerprints for each argument of the fit."""
        arrays: dict[str, Any] = {
            name: np.array([c.fingerprints[name] for c in self.contents], dtype=object)
            for name in self.contents[0].fingerprints
        }
        arrays["n_rounds"] = np.array(self.n_rounds)
        if self.validation is not None:
            given = self.validation.arrays()
            arrays |= {f"{name}_val": array for name, array in given.items()}
        return arrays

    def labels(self, loss: Any) -> Labels:
        """Return the classes of all partitions."""
        return Labels.joined([one.labels for one in self.contents], loss)

    def check_known(self, targets: Labels, name: str) -> None:
        """Raise if y has classes that are not among those of the targets."""
        found = self.labels(None)
        if found.multilabel or targets.multilabel:
            if not found.is_like(targets):
                raise ValueError(f"{name} must be {targets.form}, got {found.form}.")
        else:
            targets.check_known(found.classes, name)

    def with_targets(self, targets: Any, validation: Any = None) -> Self:
        """Set the targets and perhaps a validation set."""
        self.targets, self.validation = targets, validation
        return self

    def weighted(self, class_weight: Any) -> Self:
        """Multiply the weights by class weights, and drop rows of weight 0."""
        sums = joined_sums(
            self.targets, [(one.labels, one.sums) for one in self.contents]
        )
        classes = ClassWeights.from_sums(class_weight, self.targets, sums)
        known = self.cluster.share(classes)
        if self.validation is not None:
            self.validation.map(weighted, known).counted()
        if not self.map(weighted, known).counted().parts:
            raise ValueError("There is no row to train on: all weights are 0.")
        return self

    def split(self, fraction: float, random_state: Any) -> tuple[Self, Self]:
        """Split validation rows off each partition."""
        state = random_state.get_state(legacy=False)
        self.map(split, fraction, state, self.alone)
        if self.alone:  # the stream goes on as after a split on one machine
            random_state.set_state(self.cluster.get(task(getitem)(self.parts[0], 2)))
        validation = copy(self)
        return self.map(getitem, 0).counted(), validation.map(getitem, 1).counted()

    def class_sums(self) -> list[Array]:
        """Return the total weight of each class, for each label column."""
        parts = self.cluster.get([task(Rows.class_sums)(part) for part in self.parts])
        return [sum(of_column) for of_column in zip(*parts, strict=True)]

    def cast(self, dtype: Any) -> Self:
        """Convert the features to the dtype used in training."""
        return self.map(Rows.cast, dtype)

    def adapted(self, plan: Plan) -> Plan:
        """Return the plan with the learning rate scaled to the number of partitions.

        The mean of P steps is no longer than one step, but it is based on P times as
        many rows. So the learning rate grows with P.
        """
        if plan.is_full_batch:
            return plan
        solver: Any = plan.solver
        eta = solver.learning_rate_init * min(len(self.parts), LARGEST_GROWTH)
        return replace(plan, solver=replace(solver, learning_rate_init=eta))

    # ---------------------------------------------------------- the partitions

    @property
    def shares(self) -> list[tuple[Delayed, float]]:
        """The partitions, and their shares in the total weight."""
        total = sum(one.weight for one in self.sizes)
        shares = [one.weight / total for one in self.sizes]
        return [*zip(self.parts, shares, strict=True)]

    @property
    def alone(self) -> bool:
        """Whether only one partition has rows."""
        return len(self.parts) == 1

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return sum(one.n_rows for one in self.sizes)

    @property
    def largest(self) -> int:
        """Number of rows of the largest partition, which share minibatches."""
        return max(one.n_rows for one in self.sizes)

    @cached_property
    def _head(self) -> Any:
        return self.cluster.get(task(Rows.head)(self.parts[0], CHECKED_ROWS))

    def head(self, n: int) -> Any:
        """Return the features of some rows, at most `CHECKED_ROWS`."""
        return self._head[:n]

    # -------------------------------------------------------------- in training

    def full_batch(self, plan: Plan, objective: Objective) -> Callable[[], Any]:
        """Return J and its gradient over all rows, as a function."""
        known = self.cluster.share(on_workers(plan))
        rngs: list[Any] = [None] * len(self.parts)
        if objective.dropout is not None:
            rng: Any = objective.dropout.rng
            seeds = deepcopy(rng).integers(2**63, size=len(self.parts)).tolist()
            rngs = [rng] if self.alone else [*map(np.random.default_rng, seeds)]

        def J() -> tuple[float, Array]:
            theta = constant(deepcopy(objective.theta))
            sums = self.cluster.total(
                [
                    task(sums_of_J)(part, known, theta, rng)
                    for part, rng in zip(self.parts, rngs, strict=True)
                ]
            )
            grad = Parameters(objective.theta.sizes, sums["grad"])
            return objective.from_sums(sums["value"], sums["weight"], grad), grad.vector

        return J

    def minibatches(self, plan: Plan, progress: Progress, batch_size: int) -> "Rounds":
        """Return rounds of local steps; each round needs a step."""
        n_rounds = min(self.n_rounds, -(-self.largest // batch_size))
        return Rounds(self, plan, 1 if self.alone else n_rounds, progress)

    def measured(
        self, plan: Plan, objective: Objective, current: Callable[[], Fitted]
    ) -> Validation:
        """Return what measures θ on these rows; `current` returns the network of θ."""
        if not self.parts:
            raise ValueError(
                "There is no row to validate on: pass more, or X_val and y_val."
            )
        if not plan.has_scorer:  # which is given the rows as they are
            self.cast(objective.theta.vector.dtype)
        return ValidationOnPartitions(self, plan, current)


def on_workers(plan: Plan) -> Plan:
    """Return the plan of a worker, whose rows are weighted and split already."""
    return replace(plan, class_weight=None, early_stopping=False, estimator=None)


def light(fitted: Fitted) -> Fitted:
    """Return a copy with only what tasks need: no curves, no best θ."""
    progress = replace(
        fitted.progress,
        best_theta=None,
        split_state=None,
        loss_curve=[],
        learning_rate_curve=[],
        validation_scores=[],
        validation_loss_curve=[],
    )
    return deepcopy(replace(fitted, theta=progress.theta, progress=progress))


class Rounds:
    """Local SGD: rounds in which each partition takes its own steps from a common θ.

    Each round trains a network on each partition; the new θ is their weighted mean.

    References
    ----------
    Zinkevich, Weimer, Smola & Li, *Parallelized stochastic gradient descent*, NeurIPS
    2010.

    Stich, *Local SGD converges fast and communicates little*, ICLR 2019.

    Lin, Stich, Patel & Jaggi, *Don't use large mini-batches, use local SGD*, ICLR 2020.
    """

    def __init__(
        self, rows: PartitionedRows, plan: Plan, n_rounds: int, progress: Progress
    ) -> None:
        self.rows, self.n_rounds = rows, n_rounds
        self.plan = on_workers(plan).for_partial_fit()
        self.seed = None if rows.alone else seed_from(progress.random_state)
        self.trainings: Sequence[Training] = ()

    def steps(self, training: Training) -> "Rounds":
        """Take the steps of a training."""
        self.trainings = [training]
        return self

    def shuffle(self, random_state: np.random.RandomState) -> None:
        """Do nothing: partitions are shuffled on the workers."""

    def epoch(self) -> list[float]:
        """Train for an epoch, and return the training loss."""
        return [sum(self.round(number) for number in range(self.n_rounds))]

    def examine(self) -> list[None]:
        """Leave it to the training to examine θ."""
        return [None]

    def release(self) -> None:
        """Forget the training, so that the workers release the rows when it ends."""
        self.trainings = ()

    def round(self, number: int) -> float:
        """Update θ by a round, and return its contribution to the training loss."""
        (training,) = self.trainings
        progress, plan = training.progress, self.plan
        if self.seed is not None:  # the rate is the same for all steps of a round
            eta = training.rate(number / self.n_rounds)
            solver: Any = plan.solver
            solver = replace(solver, schedule=Constant(), learning_rate_init=eta)
            plan = replace(plan, solver=solver)
        rows, activations = self.rows, tuple(plan.activations)
        start = Fitted(progress.theta, activations, rows.targets, progress)
        known = constant(Round(plan, light(start), number, self.n_rounds, self.seed))
        sums = rows.cluster.total(
            [
                task(local_steps)(part, i, share, known)
                for i, (part, share) in enumerate(rows.shares)
            ]
        )
        progress.theta.vector[...] = sums["theta"]  # θ ← Σ_p S_p / S θ_p
        for name, value in progress.optimizer.items():
            if moment(name) in sums:
                value[...] = sums[moment(name)]
        progress.optimizer |= sums["numbers"]
        if self.seed is None:  # the streams of the fit go on
            streams = sums["streams"]
            progress.random_state.set_state(streams["random_state"])
            progress.dropout_rng = streams["dropout_rng"]
            progress.order = streams["order"]
        for listener in training.listeners:
            listener.on_round_end((number + 1) / self.n_rounds, training)
        return float(sums["loss"])


class ValidationOnPartitions(Validation):
    """The loss and the score of θ on validation rows on the workers.

    A scorer is called on the workers; its mean takes the place of the score terms.
    """

    def __init__(
        self, rows: PartitionedRows, plan: Plan, current: Callable[[], Fitted]
    ) -> None:
        self.rows, self.current = rows, current
        local = plan.estimator.to_unfitted()  # for a scorer
        self.plan = rows.cluster.share(replace(plan, estimator=local))
        by_loss = plan.scoring == "loss"
        self.score = lambda loss, mean: -loss if by_loss else mean

    def measure(self) -> tuple[Any, Any]:
        """Return the loss, without the penalty, and the mean of the score terms."""
        fitted = constant(light(self.current()))
        sums = self.rows.cluster.total(
            [
                task(measured)(part, self.plan, fitted, share)
                for part, share in self.rows.shares
            ]
        )
        return float(sums["loss"]), sums["mean"]


def seed_from(random_state: np.random.RandomState) -> tuple[int, ...]:
    """Return a seed for the partitions, without advancing the stream."""
    stream = random_state_from(random_state.get_state(legacy=False))
    return tuple(stream.randint(2**32, size=4, dtype=np.uint64).tolist())
