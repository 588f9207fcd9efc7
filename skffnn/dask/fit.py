"""A fit to partitions on the workers of a cluster.

The client holds θ, the state of the optimiser and the curves; the rows stay on the
workers. For L-BFGS, J and its gradient are sums over the partitions. Minibatch solvers
take local steps: in each round of an epoch, every partition starts from the same θ and
takes its own steps, and the new θ is the mean of the results.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from dask.delayed import Delayed

from ..classifier import FFNNClassifier
from ..data.class_weights import ClassWeights, joined_sums
from ..data.targets import Targets
from ..fitting.assembly import Assembly, batch_size, warn_if_small, watched_by
from ..fitting.fit import CHECKED_ROWS, BaseFit, begin
from ..fitting.plan import Plan
from ..nn.arrays import Array
from ..nn.objective import Objective
from ..nn.parameters import Parameters
from ..optim.solvers import StochasticSolver
from ..optim.state import TrainingState
from ..optim.training import Training, Validation
from ..utils.checks import InvalidParameterError
from ..utils.streams import random_state_from
from .cluster import Cluster, constant, task
from .partitions import Given, partitions_of
from .tasks import (
    Contents,
    Outline,
    Setting,
    checked,
    contents,
    head,
    is_mean,
    local_steps,
    measured,
    outline,
    prepared,
    prepared_validation,
    sums_of_J,
)

# Upper bound of the factor on the learning rate, from the trials in the user guide.
LARGEST_GROWTH = 16


class Checked:
    """Partitions whose rows are validated on the workers.

    Parameters
    ----------
    cluster : Cluster
        The cluster.
    given : tuple (X, y, sample_weight)
        Dask collections; the weights may be None.
    model : FFNNClassifier
        Unfitted, but with the number and the names of the features.
    suffix : str, default=""
        "_val" for a validation set.
    persist : bool or "auto"
        Whether to keep the partitions on the workers; "auto" does if there is room.
    identify : bool
        Whether a checkpoint needs fingerprints.

    Attributes
    ----------
    rows : list of Delayed
        A `Dataset` for each partition, or None if it is empty.
    contents : list of Contents
        The contents of each partition that is not empty.
    keep : bool
        Whether the partitions are kept on the workers.

    Raises
    ------
    ValueError
        If the rows are invalid.
    """

    def __init__(
        self,
        cluster: Cluster,
        given: Given,
        model: FFNNClassifier,
        suffix: str = "",
        *,
        persist: Any,
        identify: bool,
    ) -> None:
        self.cluster = cluster
        known, X = constant(model), given[0]
        self.rows = [
            task(checked)(i, *part, known, suffix)
            for i, part in enumerate(partitions_of(given, suffix))
        ]
        self.keep = persist is True
        if persist == "auto":  # the size is known before reading only for arrays
            self.keep = cluster.has_room(X.nbytes if hasattr(X, "chunks") else np.nan)
        if self.keep:
            self.rows = cluster.keep(self.rows)
        found = cluster.get(
            [task(contents)(rows, identify=identify) for rows in self.rows]
        )
        self.contents: list[Contents] = [one for one in found if one is not None]
        if persist == "auto" and not self.keep:
            self.keep = cluster.has_room(sum(one.n_bytes for one in self.contents))
            if self.keep:
                self.rows = cluster.keep(self.rows)

    def prepared(
        self, prepare: Callable[[int, Delayed], Delayed]
    ) -> tuple[list[Delayed], list[Outline]]:
        """Prepare the partitions for training, in place of the checked rows.

        Parameters
        ----------
        prepare : callable
            Function of the number and the rows of a partition that returns a task,
            which makes a `Part`.

        Returns
        -------
        parts : list of Delayed
            One `Part` for each partition.
        outlines : list of Outline
            What the client needs to know about them.
        """
        parts = [prepare(i, rows) for i, rows in enumerate(self.rows)]
        if self.keep:
            parts = self.cluster.keep(parts)
        outlines = self.cluster.get([task(outline)(part) for part in parts])
        self.rows = []  # the workers may release them
        return parts, outlines

    @property
    def identity(self) -> list[Array | None]:
        """One array of fingerprints for each of X, y and weights, for a checkpoint."""
        parts = [one.identity for one in self.contents]
        return [np.array(prints) for prints in zip(*parts, strict=True)]

    def targets(self, loss: Any, classes: Any = None) -> Targets:
        """Return the classes of all partitions.

        Parameters
        ----------
        loss : ClassificationLoss
            The loss.
        classes : array-like, default=None
            All classes, some of which may be missing from y.

        Returns
        -------
        targets : Targets
            The classes.

        Raises
        ------
        ValueError
            If there are no rows, or y has labels that are not in `classes`.
        """
        if not self.contents:
            raise ValueError("X has no rows: all partitions are empty.")
        joined = Targets.joined([one.targets for one in self.contents], loss)
        if classes is None or joined.multilabel:
            return joined
        return Targets.from_labels(joined.classes, classes, loss)

    def sums(self, targets: Targets) -> list[Array]:
        """Return the total weight of each class over all partitions."""
        return joined_sums(targets, [(one.targets, one.sums) for one in self.contents])

    @property
    def n_weighted(self) -> int:
        """Number of partitions with rows of non-zero weight."""
        return sum(any(s.any() for s in one.sums) for one in self.contents)


@dataclass
class Shares:
    """Prepared partitions with their fractions of the total weight.

    Attributes
    ----------
    parts : list of Delayed
        The partitions of non-zero weight.
    shares : list of float
        The weight of each, divided by the total weight.
    """

    parts: list[Delayed]
    shares: list[float]

    @classmethod
    def from_weights(cls, parts: Sequence[Delayed], weights: Sequence[float]) -> Any:
        """Drop partitions of weight 0, and normalise the other weights."""
        total = sum(weights)
        pairs = [(p, w / total) for p, w in zip(parts, weights, strict=True) if w > 0]
        return cls([part for part, _ in pairs], [share for _, share in pairs])


def sent(state: TrainingState, *, moments: bool = False) -> Delayed:
    """Return a copy of the current state with only what tasks need.

    Parameters
    ----------
    state : TrainingState
        The state of training.
    moments : bool, default=False
        Whether the tasks need the state of the optimiser.

    Returns
    -------
    state : Delayed
        The copy, without the curves and the best θ.
    """
    curves: dict[str, Any] = {
        "loss_curve": [],
        "learning_rate_curve": [],
        "validation_scores": [],
        "validation_loss_curve": [],
    }
    optimizer = state.optimizer if moments else {}
    light = replace(state, best_theta=None, optimizer=optimizer, **curves)
    return constant(deepcopy(light))


class SumOverPartitions:
    """J(θ) and its gradient as sums over partitions, like `FullBatch` on one machine.

    Parameters
    ----------
    cluster : Cluster
        The cluster.
    objective : Objective
        J.
    train : Shares
        The partitions.
    setting : Delayed
        The `Setting` of the fit.
    state : TrainingState
        θ.
    """

    def __init__(
        self,
        cluster: Cluster,
        objective: Objective,
        train: Shares,
        setting: Delayed,
        state: TrainingState,
    ) -> None:
        self.cluster, self.objective, self.train = cluster, objective, train
        self.setting, self.state = setting, state

    def __call__(self) -> tuple[float, Array]:
        """Evaluate J and its gradient at the current θ.

        Returns
        -------
        value : float
            J(θ).
        grad : ndarray of shape (n_parameters,)
            ∂J/∂θ.
        """
        theta = sent(self.state)
        sums = self.cluster.total(
            [task(sums_of_J)(part, self.setting, theta) for part in self.train.parts]
        )
        grad = Parameters(self.state.theta.sizes, sums["grad"])
        J = self.objective.from_sums(sums["value"], sums["weight"], grad)
        return J, grad.vector


class Rounds:
    """Rounds of local steps: each partition takes its own, then θ is averaged.

    Parameters
    ----------
    cluster : Cluster
        The cluster.
    train : Shares
        The partitions.
    setting : Delayed
        The `Setting` of the fit.
    n_rounds : int
        Number of rounds per epoch.
    tell : callable
        Called after each round with the fraction of the epoch that is done.
    """

    def __init__(
        self,
        cluster: Cluster,
        train: Shares,
        setting: Delayed,
        n_rounds: int,
        tell: Callable[[float], None],
    ) -> None:
        self.cluster, self.train, self.setting = cluster, train, setting
        self.n_rounds, self.tell = n_rounds, tell

    def shuffle(self, random_state: np.random.RandomState) -> None:
        """Do nothing: partitions are shuffled on the workers."""

    def run(self, state: TrainingState, number: int) -> float:
        """Update θ by one round of local steps.

        Parameters
        ----------
        state : TrainingState
            θ and the state of the optimiser.
        number : int
            The number of the round within the epoch.

        Returns
        -------
        loss : float
            The contribution of the round to the mean of J over the rows.
        """
        common = sent(state, moments=True)
        sums = self.cluster.total(
            [
                task(local_steps)(
                    part, self.setting, common, share, number, self.n_rounds
                )
                for part, share in zip(self.train.parts, self.train.shares, strict=True)
            ]
        )
        state.theta.vector[...] = sums["theta"]  # θ ← Σ_p S_p / S θ_p
        for name, value in state.optimizer.items():
            if is_mean(value):
                value[...] = sums[f"optimizer {name}"]
        state.optimizer |= sums["numbers"]
        adopt(state, **sums.get("streams", {}))
        self.tell((number + 1) / self.n_rounds)
        return float(sums["loss"])


@dataclass(frozen=True)
class LocalSteps:
    """Local SGD: epochs of rounds in which each partition takes its own steps.

    Parameters
    ----------
    solver : StochasticSolver
        The solver of each partition, with the learning rate scaled to their number.

    References
    ----------
    Zinkevich, Weimer, Smola & Li, *Parallelized stochastic gradient descent*, NeurIPS
    2010.

    Stich, *Local SGD converges fast and communicates little*, ICLR 2019.

    Lin, Stich, Patel & Jaggi, *Don't use large mini-batches, use local SGD*, ICLR 2020.
    """

    solver: StochasticSolver

    full_batch: ClassVar[bool] = False
    incremental: ClassVar[bool] = False
    unit: ClassVar[str] = "epoch"

    def solve(self, training: Training, rows: Any) -> None:
        """Minimise J(θ), starting from the current θ and state.

        Parameters
        ----------
        training : Training
            J, the state of training, and when to stop.
        rows : Rounds
            The partitions.
        """
        epochs = self.solver.start(training, rows)
        with np.errstate(all="ignore"):
            while not training.is_over:
                epochs.begin()
                epochs.end(
                    sum(rows.run(training.state, r) for r in range(rows.n_rounds))
                )
        epochs.finish()


class ValidationOnPartitions(Validation):
    """The loss and the score of θ on validation rows on the workers.

    Parameters
    ----------
    cluster : Cluster
        The cluster.
    validation : Shares
        The partitions.
    setting : Delayed
        The `Setting` of the fit.
    plan : Plan
        Determines the score (`scoring`).
    targets : Targets
        The classes.
    state : TrainingState
        θ.
    """

    def __init__(
        self,
        cluster: Cluster,
        validation: Shares,
        setting: Delayed,
        plan: Plan,
        targets: Targets,
        state: TrainingState,
    ) -> None:
        self.cluster, self.validation, self.setting = cluster, validation, setting
        self.state = state
        # A scorer is called on the workers; its mean takes the place of the accuracy.
        self.score = watched_by(plan, targets, None, None) or (lambda _, score: score)

    def measure(self) -> tuple[float, float]:
        """Return the loss and the accuracy of the current θ.

        Returns
        -------
        loss : float
            Weighted mean of ℓ, without penalty.
        accuracy : float
            Weighted fraction of the rows whose labels are all right; or, with a scorer,
            the weighted mean of its scores on the partitions.
        """
        theta = sent(self.state)
        of_partitions = zip(self.validation.parts, self.validation.shares, strict=True)
        sums = self.cluster.total(
            [
                task(measured)(part, self.setting, theta, share)
                for part, share in of_partitions
            ]
        )
        return float(sums["loss"]), float(sums["accuracy"])


class ClusterFit(BaseFit):
    """A fit to partitions on the workers of a Dask cluster.

    Parameters
    ----------
    plan : Plan
        The parameters of the estimator, validated and converted to objects.
    targets : Targets
        The classes of all partitions.
    model : FFNNClassifier
        An unfitted estimator, for scorers.
    train : Checked
        Training rows.
    validation : Checked or None
        The validation set, if the user gave one.
    n_rounds : int
        Maximum number of rounds per epoch.
    previous : mapping, default=None
        The fitted attributes to continue from.
    n_iter : int, default=0
        Number of epochs of this fit that are already in `previous`, if it is resumed
        from a checkpoint.

    Raises
    ------
    ValueError
        If there are no rows to train or to validate on.
    """

    def __init__(
        self,
        plan: Plan,
        targets: Targets,
        model: FFNNClassifier,
        train: Checked,
        validation: Checked | None,
        *,
        n_rounds: int,
        previous: Mapping[str, Any] | None = None,
        n_iter: int = 0,
    ) -> None:
        validated = plan.early_stopping or validation is not None
        state = begin(plan, targets, model.n_features_in_, previous, validated)
        dtypes = [one.dtype for one in train.contents]
        super().__init__(plan, targets, state, validated, np.result_type(*dtypes))
        self._cluster = train.cluster
        class_weights = ClassWeights(plan.class_weight, targets, train.sums(targets))
        seed, alone = seed_from(state.random_state), train.n_weighted == 1
        setting = Setting(plan, targets, class_weights, model, seed, alone)
        known = self._cluster.share(setting)

        splits = plan.early_stopping and validation is None
        parts, outlines = self._prepared(train, setting, known, splits=splits)
        shares = Shares.from_weights(parts, [one.weight for one in outlines])
        self._head = self._cluster.get(task(head)(shares.parts[0], CHECKED_ROWS))
        if validation is not None:
            parts, outlines = validation.prepared(
                lambda i, rows: task(prepared_validation)(i, rows, known, state.dtype)
            )
        measure = None
        if validated:
            weights = [one.validation_weight for one in outlines]
            measure = self._validation(Shares.from_weights(parts, weights), known)

        objective = Assembly(plan, targets, state).objective
        if plan.solver.full_batch:
            self.rows = SumOverPartitions(
                self._cluster, objective, shares, known, state
            )
        else:
            solver = scaled(plan.solver, len(shares.parts))
            setting = replace(setting, plan=replace(plan, solver=solver))
            self.plan = replace(plan, solver=LocalSteps(solver))
            # A single partition needs no averaging, and each round needs a step.
            size = batch_size(plan, self._largest)
            most = 1 if alone else -(-self._largest // size)
            self.rows = Rounds(
                self._cluster,
                shares,
                self._cluster.share(setting),
                min(n_rounds, most),
                self._tell_round,
            )
        self.training = Training(
            objective,
            state,
            plan.criteria,
            self._n_rows,
            measure,
            self._tell,
            n_iter,
        )
        if previous is not None:
            self.training.resume()

    def _prepared(
        self, train: Checked, setting: Setting, known: Delayed, *, splits: bool
    ) -> tuple[list[Delayed], list[Outline]]:
        """Prepare the training rows; set the random streams and dtype of the state."""
        state = self.state
        if not setting.alone:
            # The workers draw the order of the rows and the dropout masks. The stream
            # of the state is left alone, so that the seed is the same in a warm start.
            state.order = None
            state.dropout_rng = np.random.default_rng(setting.seed)
            if splits and state.split_state is None:
                state.split_state = state.random_state.get_state(legacy=False)
        common = sent(state)
        parts, outlines = train.prepared(
            lambda i, rows: task(prepared)(i, rows, known, common, splits=splits)
        )
        used = [one for one in outlines if one.weight > 0]
        if not used:
            raise ValueError("There is no row to train on: all weights are 0.")
        if setting.alone and used[0].state is not None:  # its streams, after the split
            state.split_state = used[0].state.split_state
            adopt(state, random_state=used[0].state.random_state)
        state.cast(used[0].dtype)
        self._n_rows = sum(one.n_rows for one in used)
        self._largest = max(one.n_rows for one in used)
        warn_if_small(self.plan, self._largest)
        return parts, outlines

    def _validation(self, shares: Shares, known: Delayed) -> Validation:
        """Return the validation that runs after each epoch."""
        if not shares.parts:
            raise ValueError(
                "There is no row to validate on: pass more, or X_val and y_val."
            )
        targets: Any = self.targets
        return ValidationOnPartitions(
            self._cluster, shares, known, self.plan, targets, self.state
        )

    def _tell_round(self, done: float) -> None:
        """Tell the listeners of the end of a round."""
        for listener in self.listeners:
            listener.on_round_end(done, self)

    def head(self, n: int) -> Any:
        return self._head[:n]


def adopt(state: TrainingState, **streams: Any) -> None:
    """Take over the random streams of the only partition.

    Parameters
    ----------
    state : TrainingState
        The state, which is changed in place. Its `random_state` may belong to the user,
        so it remains the same object.
    **streams : object
        The streams, by the names of their fields.
    """
    for name, stream in streams.items():
        if name == "random_state":
            state.random_state.set_state(stream.get_state(legacy=False))
        else:
            setattr(state, name, stream)


def seed_from(random_state: np.random.RandomState) -> tuple[int, ...]:
    """Return a seed for the partitions, without advancing the stream."""
    copy = random_state_from(random_state.get_state(legacy=False))
    return tuple(copy.randint(2**32, size=4, dtype=np.uint64).tolist())


def scaled(solver: Any, n_partitions: int) -> StochasticSolver:
    """Return a solver with its learning rate scaled to the number of partitions.

    The mean of P steps is no longer than one step, but it is based on P times as many
    rows. So the learning rate grows with P.

    Parameters
    ----------
    solver : StochasticSolver
        The solver, with the learning rate for one machine.
    n_partitions : int
        P.

    Returns
    -------
    solver : StochasticSolver
        A copy with P times the learning rate, but at most `LARGEST_GROWTH` times.

    Raises
    ------
    InvalidParameterError
        If it is not a minibatch solver.
    """
    if not isinstance(solver, StochasticSolver):
        raise InvalidParameterError(
            "solver must be an optimiser or a full-batch solver to train on a cluster, "
            f"got {solver!r}."
        )
    growth = min(n_partitions, LARGEST_GROWTH)
    return replace(solver, learning_rate_init=solver.learning_rate_init * growth)
