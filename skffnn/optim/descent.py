"""Minimising J(θ): the one loop of minibatch training, and full-batch solvers.

`descend` trains M ≥ 1 networks of the same layout. Each begins and ends its epochs by
itself (`Training`); they only share the steps: their θ and the states of their
optimisers are rows of arrays, so that one array operation takes a step for all of them,
and Python's overhead is incurred only once. This saves nearly all of the time for small
networks, hardly any for large ones. A network that has ended leaves the stack.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import fields, replace
from time import perf_counter
from typing import Any

import numpy as np

from ..data.batches import Batches, StackedBatches, Validation
from ..nn.activations import ACTIVATIONS
from ..nn.arrays import Array
from ..nn.losses import CLASSIFICATION_LOSSES
from ..nn.network import Network, StackedDropout
from ..nn.objective import Batch, Objective
from ..nn.parameters import PENALTIES, Parameters
from ..nn.regression_losses import REGRESSION_LOSSES
from .optimizers import OPTIMIZERS, Optimizer, State
from .progress import is_real
from .solvers import name_of
from .training import Examined, Training

LOSSES: Mapping[str, Any] = CLASSIFICATION_LOSSES | REGRESSION_LOSSES


def run(trainings: Sequence[Training]) -> bool:
    """Train networks to their end; several have the same `layout`.

    An error, or Ctrl-C, is noted in each training that it ends. Return whether Ctrl-C
    was pressed, perhaps when the last epoch was over.
    """
    try:
        if trainings[0].plan.is_full_batch:
            minimise(*trainings)
        else:
            descend(trainings)
    except KeyboardInterrupt:
        for training in trainings:
            training.interrupted = not training.is_over
        return True
    except Exception as error:
        going_on = [training for training in trainings if not training.is_over]
        for training in going_on or trainings:  # or after their last epoch
            training.error = error
    return False


def minimise(training: Training) -> None:
    """Minimise J(θ) by a full-batch solver."""
    progress, criteria = training.progress, training.criteria
    theta, accepted = progress.theta.vector, progress.theta.vector.copy()
    solver = training.plan.solver
    progress.claim(name_of(solver), {})
    if training.is_over:
        return

    def J(x: Array) -> tuple[float, Array]:
        theta[...] = x
        value, grad = training.batches()
        return value, grad.copy()

    start = perf_counter()

    def end_iteration(x: Array, value: float, eta: float | None = None) -> bool:
        theta[...] = accepted[...] = x
        training.eta, training.seconds = eta, perf_counter() - start
        training.end_epoch(value)
        return training.is_over

    left = replace(criteria, max_iter=criteria.max_iter - training.n_iter)
    try:
        with np.errstate(all="ignore"):
            found = solver.minimise(J, theta.copy(), left, end_iteration)
    except FloatingPointError as error:
        raise training.diverged(str(error)) from None
    finally:
        theta[...] = accepted  # not the last trial point of a line search
    if training.n_iter == 0:  # converged at once, or out of evaluations
        training.end_epoch(found.value)
    if training.is_late:
        training.limit = f"max_time={criteria.max_time:g} seconds"
    elif training.n_iter >= criteria.max_iter:
        training.limit = f"max_iter={criteria.max_iter} iterations"
    else:
        training.limit = found.limit
    if not training.stopped and training.limit is None:
        progress.converged = True


def descend(trainings: Sequence[Training]) -> None:
    """Train networks of the same layout on minibatches, each until it has ended."""
    for training in trainings:
        optimizer, progress = training.plan.solver.optimizer, training.progress
        progress.claim(name_of(optimizer.init), optimizer.init(progress.theta.vector))
    going_on = [training for training in trainings if not training.is_over]
    with np.errstate(all="ignore"):
        while going_on:
            steps = steps_of(going_on)
            try:
                while not any(training.is_over for training in going_on):
                    start = perf_counter()
                    run_epoch(steps)
                    for training in going_on:
                        training.seconds += (perf_counter() - start) / len(going_on)
            finally:
                steps.release()
            going_on = [training for training in going_on if not training.is_over]
    for training in trainings:
        criteria = training.criteria
        if training.is_late:
            training.limit = f"max_time={criteria.max_time:g} seconds"
        elif not training.plan.solver.schedule.fixed_horizon and criteria.early:
            training.limit = f"max_iter={criteria.max_iter} epochs"


def run_epoch(steps: Any) -> None:
    """Train for an epoch; a network that diverges does not affect the others."""
    for training in steps.trainings:
        training.begin_epoch()
    losses = steps.epoch()
    for training, loss, examined in zip(
        steps.trainings, losses, steps.examine(), strict=True
    ):
        try:
            training.end_epoch(loss, examined)
        except Exception as error:  # divergence, or an error in the user's scorer
            training.error = error


def steps_of(trainings: Sequence[Training]) -> Any:
    """Return what takes the steps: a `Stack`, or rounds of steps on a cluster."""
    batches: Any = trainings[0].batches
    if isinstance(batches, Batches):
        return Stack(trainings)
    return batches.steps(*trainings)


class Descent:
    """Gradient steps on minibatches, θ ← θ + r ⊙ Δ.

    Parameters
    ----------
    objective : Objective
        J(θ), for the θ that the steps change.
    optimizer : Optimizer
        Turns gradients into updates Δ.
    state : dict
        The state of the optimiser, changed in place.
    rates : ndarray of shape (..., n_parameters) or None
        r, a learning-rate multiplier for each parameter; None for no multipliers.
    """

    def __init__(
        self, objective: Objective, optimizer: Optimizer, state: State, rates: Any
    ) -> None:
        self.objective = objective
        self.optimizer = optimizer
        self.state = state
        self.rates = rates
        self.decoupled = getattr(optimizer, "decoupled", False)
        self.grad = Parameters.zeros_like(objective.theta)

    def step(self, batch: Batch, eta: Any) -> Any:
        """Take one step, changing θ in place.

        Parameters
        ----------
        batch : tuple (x, y, w)
            As in `Objective.data_term`.
        eta : float or ndarray of shape (...)
            Learning rate.

        Returns
        -------
        loss : float or ndarray of shape (...)
            J on the batch before the step, without α Ω if weight decay is decoupled.
        """
        objective, grad = self.objective, self.grad
        loss = objective.data_term(batch, grad)
        if self.decoupled:  # α Ω is then not part of the objective
            objective.decay(eta)
        else:
            loss += objective.penalty_term(grad)
        delta = self.optimizer.update(grad.vector, self.state, eta)
        if self.rates is not None:
            delta = np.multiply(self.rates, delta, out=grad.vector)
        objective.theta.vector += delta  # θ ← θ + r ⊙ Δ
        return loss


class Stack:
    """Networks of the same layout that take their steps together.

    The θ of several networks are the rows of one array, and so are the arrays in the
    states of their optimisers. They are sorted by their numbers of rows, so that those
    with last batches of the same size are neighbours. A network alone keeps its own
    arrays.
    """

    def __init__(self, trainings: Sequence[Training]) -> None:
        self.trainings = sorted(trainings, key=numbers_of_rows)
        self.alone = len(trainings) == 1
        first = self.trainings[0]
        states = [training.progress for training in self.trainings]
        rates = [t.plan.solver.rates(t.progress.theta) for t in self.trainings]
        self.batches: Any = first.batches
        self.validation = first.validation
        self.theta, self.optimizer = states[0].theta.vector, states[0].optimizer
        self.rates: Any = rates[0]
        self.steady = all(t.plan.solver.schedule.steady for t in self.trainings)
        self._descents: dict[tuple[int, int], Descent] = {}
        if self.alone:
            return
        self.theta = np.stack([state.theta.vector for state in states])
        self.rates = None if rates[0] is None else np.stack(rates)
        self.optimizer = {
            name: np.stack([state.optimizer[name] for state in states])
            if isinstance(value, np.ndarray)
            else value
            for name, value in states[0].optimizer.items()
        }
        for m, state in enumerate(states):
            state.theta = Parameters(state.theta.sizes, self.theta[m])
        self.batches = StackedBatches([t.batches for t in self.trainings])
        if first.validation is not None:
            sets: list[Any] = [training.validation for training in self.trainings]
            self.blocks = StackedBatches([each.blocks for each in sets])

    def epoch(self) -> list[float]:
        """Take the steps of an epoch, and return the training loss of each network."""
        n_batches, whole = len(self.batches), slice(0, len(self.trainings))
        all_together = descent = self._descent(whole)
        shared = numbers(all_together.state)
        total: Any = 0.0
        of_parts = np.zeros(len(self.trainings))
        last: Any = None
        for i, part, batch in self.batches.numbered():
            if part != last or not self.steady:
                last, eta = part, self._rates(part, i / n_batches)
            n = batch[1].shape[-2]
            if part == whole:
                total += all_together.step(batch, eta) * n
                continue
            descent = self._descent(part)  # a last batch of another size
            descent.state.update(numbers(all_together.state))
            of_parts[part] = descent.step(batch, eta) * n
        if descent is not all_together:
            all_together.state.update(numbers(descent.state))
        different = [*(shared.keys() - numbers(all_together.state).keys())]
        if different and not self.alone:
            raise TypeError(
                "A number in the state of an optimiser must be the same for all "
                f"networks of a stack, but {different} differ. Compute it from the "
                "number of steps, or store an array of the shape of theta."
            )
        n_rows = [training.rows.n_rows for training in self.trainings]
        losses: list[float] = ((total + of_parts) / n_rows).tolist()
        return losses

    def _rates(self, part: slice, done: float) -> Any:
        """Return η of neighbouring networks when a fraction of the epoch is done."""
        if self.alone:
            return self.trainings[0].rate(done)
        return np.array([training.rate(done) for training in self.trainings[part]])

    def examine(self) -> Sequence[Examined | None]:
        """Examine the θ of each network; one alone examines itself."""
        if self.alone:
            return [None]
        arrays = [self.theta, *self.optimizer.values()]
        finite = np.all(
            [np.isfinite(a).all(axis=-1) for a in arrays if np.ndim(a) and is_real(a)],
            axis=0,
        )
        if self.validation is None:
            return [Examined(ok) for ok in finite.tolist()]
        measured: list[tuple[float, Any]] = []
        for part in self.blocks.parts(len(self.blocks) - 1):
            sets: list[Any] = [t.validation for t in self.trainings[part]]
            weights = None
            if sets[0].weights is not None:
                weights = np.stack([each.weights for each in sets])
            objective, blocks = self._descent(part).objective, self.blocks.of(part)
            of_part = Validation(objective, blocks, weights, sets[0].score).measure()
            measured += zip(*(values.tolist() for values in of_part), strict=True)
        return [Examined(*both) for both in zip(finite.tolist(), measured, strict=True)]

    def release(self) -> None:
        """Give each network its own arrays again, including the original array of θ."""
        if self.alone:
            return
        for m, training in enumerate(self.trainings):
            progress = training.progress
            progress.theta = training.objective.theta
            progress.theta.vector[...] = self.theta[m]
            progress.optimizer = {
                name: value[m].copy() if isinstance(value, np.ndarray) else value
                for name, value in self.optimizer.items()
            }

    def _descent(self, part: slice) -> Descent:
        """Return the `Descent` of neighbouring networks, created on first use."""
        key = part.start, part.stop
        if key not in self._descents:
            trainings = self.trainings[part]
            first = trainings[0]
            objective, state, rates = first.objective, self.optimizer, self.rates
            if not self.alone:
                objective = stacked_objective(trainings, self.theta[part])
                rates = None if rates is None else rates[part]
            if len(trainings) < len(self.trainings):
                state = {
                    name: value[part] if isinstance(value, np.ndarray) else value
                    for name, value in state.items()
                }
            optimizer = combined([t.plan.solver.optimizer for t in trainings])
            self._descents[key] = Descent(objective, optimizer, state, rates)
        return self._descents[key]


def stacked_objective(trainings: Sequence[Training], theta: Array) -> Objective:
    """Return the J of several networks, given their θ as the rows of an array."""
    first = trainings[0].objective
    parameters = Parameters(first.theta.sizes, theta)
    dropouts = [training.objective.dropout for training in trainings]
    return Objective(
        parameters,
        Network(parameters.W, parameters.b, first.network.activations),
        first.loss,
        first.penalty,
        one_or_each([training.objective.alpha for training in trainings]),
        StackedDropout(dropouts) if first.dropout is not None else None,
    )


def combined(optimizers: Sequence[Any]) -> Any:
    """Combine optimisers into one; numbers that differ become arrays."""
    first, *others = optimizers
    if not others:
        return first
    return replace(
        first,
        **{
            f.name: one_or_each([getattr(o, f.name) for o in optimizers])
            for f in fields(first)
        },
    )


def one_or_each(values: Sequence[float]) -> Any:
    """Return one number if all values are equal, else an array of them."""
    return values[0] if len(set(values)) == 1 else np.array(values)


def numbers(state: State) -> State:
    """Return the state that networks of a stack share, such as the number of steps."""
    return {k: v for k, v in state.items() if not isinstance(v, np.ndarray)}


def numbers_of_rows(training: Training) -> tuple[int, int]:
    """Return the numbers of training and validation rows."""
    validation = training.validation
    return (
        training.batches.n_rows,
        0 if validation is None else validation.blocks.n_rows,
    )


def layout(training: Training) -> Hashable:
    """Return what networks that are trained together have in common.

    None if a network can only be trained alone: listeners tell of one at a time, users'
    losses, activations and so on may not support a leading axis, SciPy multiplies one
    sparse matrix at a time, and the optimisers of networks that were trained before
    have taken different numbers of steps.
    """
    plan, batches, validation = training.plan, training.batches, training.validation
    solver, objective = plan.solver, training.objective
    if not isinstance(batches, Batches) or not isinstance(batches.X, np.ndarray):
        return None
    if training.listeners or training.progress.clock.epoch > 0:
        return None
    parts: list[tuple[Any, Mapping[str, Any]]] = [
        (solver.optimizer, OPTIMIZERS),
        (plan.loss, LOSSES),
        (plan.penalty, PENALTIES),
        *((g, ACTIVATIONS) for g in plan.activations),
    ]
    if not all(type(part) in registry.values() for part, registry in parts):
        return None
    theta = training.progress.theta
    return (
        theta.sizes,
        training.progress.dtype,
        objective.loss.key,
        tuple((type(g), *vars(g).items()) for g in plan.activations),
        type(plan.penalty),
        kind_of(solver.optimizer),
        solver.rates(theta) is None,
        tuple(p > 0 for p in plan.dropout),
        shape_of(batches),
        validation and (shape_of(validation.blocks), validation.weights is None),
    )


def shape_of(batches: Batches) -> Hashable:
    """Return what batches of a stack have in common: their last ones may differ."""
    n, size = len(batches), batches.batch_size
    return n, size if n > 1 else None, batches.weights is None


def kind_of(optimizer: Any) -> Hashable:
    """Return what all optimisers of a stack have in common, but not their numbers."""
    values = {f.name: getattr(optimizer, f.name) for f in fields(optimizer)}
    return type(optimizer), tuple(
        (name, value if isinstance(value, bool) else value > 0)
        for name, value in values.items()
    )


def step_bytes(training: Training) -> int:
    """Return the bytes of a step: a batch, its activations, θ, gradient and moments."""
    theta = training.progress.theta.vector
    n_numbers = training.batches.batch_size * numbers_per_row(training) + 4 * theta.size
    return int(theta.itemsize * n_numbers)


def kept_bytes(training: Training) -> int:
    """Return the bytes kept between steps: rows, validation set and copies of θ."""
    theta, validation = training.progress.theta.vector, training.validation
    held_out = 0 if validation is None else validation.blocks.n_rows
    n_numbers = held_out * numbers_per_row(training) + 2 * theta.size
    return int(theta.itemsize * n_numbers + training.batches.X.nbytes)


def numbers_per_row(training: Training) -> int:
    """Return the numbers per row: x; a, h, g' of each layer; logits, y, loss."""
    sizes = training.progress.theta.sizes
    return sizes[0] + 3 * sum(sizes[1:])
