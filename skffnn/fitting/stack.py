"""Several fits at once: networks of the same shape, stacked along a leading axis.

Each fit is set up, and ends each epoch, as if it were alone: `Fit`, `Training` and
`Epochs` do not know about the stack. The members only share the steps. Their θ and
their optimiser states become rows of arrays, so that one array operation takes a step
for all networks, and Python's overhead is incurred only once. A member that has stopped
leaves the stack.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..data.batches import StackedBatches
from ..nn.activations import ACTIVATIONS
from ..nn.losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES
from ..nn.network import Network, StackedDropout
from ..nn.objective import Objective
from ..nn.parameters import Parameters
from ..nn.penalties import PENALTIES
from ..optim.descent import Descent, Epochs
from ..optim.optimizers import OPTIMIZERS, Optimizer, State
from ..optim.solvers import StochasticSolver
from ..optim.state import TrainingState, copied, is_real
from ..optim.training import Examined, Validation
from ..utils.warn import recorded
from .fit import Fit

LOSSES: Mapping[str, Any] = CLASSIFICATION_LOSSES | REGRESSION_LOSSES


def layout(fit: Fit) -> Hashable:
    """Return what all members of a stack have in common.

    Parameters
    ----------
    fit : Fit
        A fit that has not run.

    Returns
    -------
    layout : hashable
        Equal for fits that can be stacked; None if the fit cannot be stacked. Custom
        losses, activations and so on may not support a leading axis, and SciPy
        multiplies only one sparse matrix at a time.
    """
    plan, rows, validation = fit.plan, fit.rows, fit.training.validation
    solver = plan.solver
    if not (isinstance(solver, StochasticSolver) and isinstance(rows.X, np.ndarray)):
        return None
    parts: list[tuple[Any, Mapping[str, Any]]] = [
        (solver.optimizer, OPTIMIZERS),
        (plan.loss, LOSSES),
        (plan.penalty, PENALTIES),
        *((g, ACTIVATIONS) for g in plan.activations),
    ]
    if not all(type(part) in registry.values() for part, registry in parts):
        return None
    return (
        fit.state.theta.sizes,
        fit.state.dtype,
        fit.targets.loss.key,
        tuple((type(g), *vars(g).items()) for g in plan.activations),
        type(plan.penalty),
        kind_of(solver.optimizer),
        solver.rates(fit.state.theta) is None,
        tuple(p > 0 for p in plan.dropout),
        (rows.batch_size, len(rows), rows.weights is None),
        validation
        and (
            validation.blocks.batch_size,
            len(validation.blocks),
            validation.weights is None,
        ),
    )


def kind_of(optimizer: Any) -> Hashable:
    """Return what all optimisers of a stack have in common, but not their numbers."""
    values = {f.name: getattr(optimizer, f.name) for f in fields(optimizer)}
    return type(optimizer), tuple(
        (name, value if isinstance(value, bool) else value > 0)
        for name, value in values.items()
    )


def combined(optimizers: Sequence[Any]) -> Optimizer:
    """Combine optimisers into one; numbers that differ become arrays."""
    first = optimizers[0]
    values = {
        f.name: one_or_each([getattr(o, f.name) for o in optimizers])
        for f in fields(first)
    }
    optimizer: Optimizer = replace(first, **values)
    return optimizer


@dataclass
class Outcome:
    """The result of a member.

    Attributes
    ----------
    fitted : dict of str to object or None
        The fitted attributes; None if the fit failed.
    error : Exception or None
        The error of a fit that failed.
    warnings : list of WarningMessage
        The warnings that the fit raised.
    """

    fitted: dict[str, Any] | None = None
    error: Exception | None = None
    warnings: list[Any] = field(default_factory=list)


@dataclass
class Member:
    """A fit in a stack.

    Attributes
    ----------
    fit : Fit
        The fit, set up as if it were alone.
    outcome : Outcome
        Its result, filled in when the fit ends.
    interrupted : bool
        Whether Ctrl-C ended its training.
    """

    fit: Fit
    outcome: Outcome = field(default_factory=Outcome)
    interrupted: bool = False

    @cached_property
    def epochs(self) -> Epochs:
        """The epochs of the fit; the first access initialises the optimiser state."""
        return self.solver.start(self.fit.training, self.fit.rows)

    @property
    def solver(self) -> StochasticSolver:
        """The solver of the fit."""
        solver: Any = self.fit.plan.solver
        return solver

    @property
    def state(self) -> TrainingState:
        """The state of training."""
        return self.fit.state

    @property
    def validation(self) -> Any:
        """The validation set, or None."""
        return self.fit.training.validation

    @property
    def is_over(self) -> bool:
        """Whether the member takes no more steps in a stack."""
        return self.outcome.error is not None or self.fit.training.is_over

    def end_epoch(self, loss: float, examined: Examined) -> None:
        """End an epoch as if the fit were alone."""
        try:
            self.epochs.end(loss, examined)
        except Exception as error:  # divergence, or an error in the user's scorer
            self.outcome.error = error

    def finish(self) -> None:
        """Train for any remaining epochs, and compute the fitted attributes."""
        with recorded() as caught:
            try:
                if self.interrupted:
                    self.fit.interrupt()
                    self.outcome.fitted = self.fit.fitted()
                else:
                    self.outcome.fitted = self.fit.run(self.fit.listeners)
            except Exception as error:
                self.outcome.error = error
        self.outcome.warnings += caught


def run(fits: Sequence[Fit]) -> list[Outcome]:
    """Train networks of the same layout at once.

    With the same seed, each network is the same as if it were trained alone, up to
    rounding. A network that diverges does not affect the others.

    Parameters
    ----------
    fits : sequence of Fit
        Fits with equal `layout`. Their listeners are entered after the stack has ended.

    Returns
    -------
    outcomes : list of Outcome
        The result of each fit.
    """
    members = [Member(fit) for fit in fits]
    going_on = [member for member in members if not member.is_over]
    with np.errstate(all="ignore"):
        while len(going_on) > 1:
            stack = Stack(going_on)
            try:
                stack.train()
            except KeyboardInterrupt:
                for member in going_on:
                    member.interrupted = not member.is_over
            stack.release()
            going_on = [
                member
                for member in going_on
                if not (member.is_over or member.interrupted)
            ]
    for member in members:
        if member.outcome.error is None:
            member.finish()
    return [member.outcome for member in members]


class Stack:
    """Networks of the same layout, whose θ are the rows of one array.

    Parameters
    ----------
    members : sequence of Member
        The members. They are sorted by their numbers of rows, so that members with
        batches of the same size are neighbours.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = sorted(members, key=number_of_rows)
        self.epochs = [member.epochs for member in self.members]
        states = [member.state for member in self.members]
        self.theta = np.stack([state.theta.vector for state in states])
        rates: Any = [
            member.solver.rates(member.state.theta) for member in self.members
        ]
        self.rates = None if rates[0] is None else np.stack(rates)
        self.optimizer: State = {
            name: (
                np.stack([state.optimizer[name] for state in states])
                if isinstance(value, np.ndarray)
                else value
            )
            for name, value in states[0].optimizer.items()
        }
        for m, state in enumerate(states):  # each θ is now a row of the array
            state.theta = Parameters(state.theta.sizes, self.theta[m])
        self.rows = StackedBatches([member.fit.rows for member in self.members])
        for state, rows in zip(states, self.rows.members, strict=True):
            if rows.shuffled:
                state.order = rows.order
        self.validation = None
        if self.members[0].validation is not None:
            self.validation = StackedBatches(
                [member.validation.blocks for member in self.members]
            )
        self._descents: dict[tuple[int, int], Descent] = {}

    def train(self) -> None:
        """Train until a member has stopped."""
        while not any(member.is_over for member in self.members):
            losses = self.epoch()
            ends = zip(self.members, losses, self.examine(), strict=True)
            for member, loss, examined in ends:
                member.end_epoch(loss, examined)

    def epoch(self) -> list[float]:
        """Take the steps of an epoch.

        Returns
        -------
        losses : list of float
            Training loss of each member.
        """
        for epochs in self.epochs:
            epochs.begin()
        n_batches, total = len(self.rows), np.zeros(len(self.members))
        for i in range(n_batches):
            steps = self._numbers(self.optimizer)
            for part in self.rows.parts(i):
                descent = self._descent(part)
                descent.state.update(steps)
                eta = np.array(
                    [epochs.eta(i / n_batches) for epochs in self.epochs[part]]
                )
                batch = self.rows.batch(part, i)
                total[part] += descent.step(batch, eta) * batch[1].shape[-2]
            numbers = self._numbers(descent.state)
            if numbers.keys() != steps.keys():
                raise TypeError(
                    "a number in the state of an optimiser must be the same for all "
                    "members of a stack, so it cannot depend on a hyperparameter: "
                    f"{sorted(steps.keys() - numbers.keys())}."
                )
            self.optimizer.update(numbers)
        losses: list[float] = (total / self.rows.n_rows).tolist()
        return losses

    def examine(self) -> list[Examined]:
        """Examine the θ of each member.

        Returns
        -------
        examined : list of Examined
            The results of each member.
        """
        arrays = [self.theta, *self.optimizer.values()]
        finite = np.all(
            [np.isfinite(a).all(axis=-1) for a in arrays if np.ndim(a) and is_real(a)],
            axis=0,
        )
        if self.validation is None:
            return [Examined(ok) for ok in finite.tolist()]
        measured: list[tuple[float, Any]] = []
        n_blocks = len(self.validation)
        for part in self.validation.parts(n_blocks - 1):
            own = [member.validation for member in self.members[part]]
            weights = [validation.weights for validation in own]
            loss, mean = Validation(
                self._descent(part).objective,
                [self.validation.batch(part, i) for i in range(n_blocks)],
                None if weights[0] is None else np.stack(weights),
                own[0].score,
            ).measure()
            measured += zip(loss.tolist(), mean.tolist(), strict=True)
        return [Examined(*both) for both in zip(finite.tolist(), measured, strict=True)]

    def release(self) -> None:
        """Give each member its own arrays again, including the original array of θ."""
        for m, member in enumerate(self.members):
            state = member.state
            state.theta = member.fit.objective.theta
            state.theta.vector[...] = self.theta[m]
            state.optimizer = {
                name: copied(value) for name, value in self._state_of(m).items()
            }
            rows = member.fit.rows
            if rows.order is not None:
                rows.order = rows.order.copy()
            if rows.shuffled:
                state.order = rows.order

    def _descent(self, part: slice) -> Descent:
        """Return the `Descent` of neighbouring members, created on first use."""
        key = part.start, part.stop
        if key not in self._descents:
            members = self.members[part]
            fits = [member.fit for member in members]
            plan, first = fits[0].plan, fits[0].objective
            theta = Parameters(first.theta.sizes, self.theta[part])
            dropouts = [fit.objective.dropout for fit in fits]
            objective = Objective(
                theta,
                Network(theta.W, theta.b, plan.activations),
                first.loss,
                plan.penalty,
                one_or_each([fit.plan.alpha for fit in fits]),
                StackedDropout(dropouts) if dropouts[0] is not None else None,
            )
            self._descents[key] = Descent(
                objective,
                combined([member.solver.optimizer for member in members]),
                self._state_of(part),
                None if self.rates is None else self.rates[part],
            )
        return self._descents[key]

    def _state_of(self, part: Any) -> State:
        """Return the optimiser state of a member, or of neighbouring members."""
        return {
            name: value[part] if isinstance(value, np.ndarray) else value
            for name, value in self.optimizer.items()
        }

    @staticmethod
    def _numbers(state: State) -> State:
        """Return the state shared by all members, such as the number of steps."""
        return {
            name: value
            for name, value in state.items()
            if not isinstance(value, np.ndarray)
        }


def number_of_rows(member: Member) -> tuple[int, int]:
    """Return the numbers of training and validation rows of a member."""
    validation = member.validation
    return member.fit.rows.n_rows, 0 if validation is None else validation.blocks.n_rows


def one_or_each(values: Sequence[float]) -> Any:
    """Return one number if all values are equal, else an array of them."""
    return values[0] if len(set(values)) == 1 else np.array(values)
