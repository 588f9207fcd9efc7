"""Minibatch gradient descent: the steps of θ, and the rest of each epoch.

`Descent` takes the steps, for one network or for a stack of networks, whose θ has shape
(M, n_parameters). `Epochs` does the rest of each epoch, for one network, whether it is
trained alone or in a stack.
"""

from typing import Any

import numpy as np

from ..data.batches import Batches
from ..nn.arrays import Array
from ..nn.objective import Batch, Objective
from ..nn.parameters import Parameters
from .optimizers import Optimizer, State
from .schedules import Schedule
from .training import Examined, Training


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
    rates : ndarray of shape (..., n_parameters), default=None
        r, a learning-rate multiplier for each parameter; None for no multipliers.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer: Optimizer,
        state: State,
        rates: Array | None = None,
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


class Epochs:
    """Epochs of one network: the order of the rows, the learning rate, the end.

    Parameters
    ----------
    training : Training
        J, the state of training, and the stopping criteria.
    rows : Batches
        The minibatches.
    schedule : Schedule
        The learning rate over time.
    learning_rate_init : float
        η_0.
    """

    def __init__(
        self,
        training: Training,
        rows: Batches,
        schedule: Schedule,
        learning_rate_init: float,
    ) -> None:
        self.training = training
        self.rows = rows
        self.schedule = schedule
        self.learning_rate_init = learning_rate_init
        # With a fixed horizon, only a validation score ends training early.
        self.stops = training.criteria.early and not (
            schedule.fixed_horizon and training.validation is None
        )

    def begin(self) -> None:
        """Shuffle the rows and record the learning rate."""
        self.rows.shuffle(self.training.state.random_state)
        self.training.eta = self.eta(0.0)

    def eta(self, part: float) -> float:
        """Return the learning rate.

        Parameters
        ----------
        part : float
            Fraction of the epoch that has been completed.

        Returns
        -------
        eta : float
            η.
        """
        clock = self.training.state.clock
        clock.part = part
        return self.learning_rate_init * self.schedule.factor(clock)

    def steps(self, descent: Descent, first: int = 0, end: int | None = None) -> float:
        """Take the steps of an epoch, or of a range of its batches.

        Parameters
        ----------
        descent : Descent
            Takes the steps.
        first : int, default=0
            Index of the first batch.
        end : int, default=None
            Index after the last batch; None for all batches.

        Returns
        -------
        total : float
            Sum over the rows of J on their batch, evaluated before its step.
        """
        total, n_batches = 0.0, len(self.rows)
        batches = iter(self.rows) if end is None else self.rows.between(first, end)
        for i, batch in enumerate(batches, first):
            loss = descent.step(batch, self.eta(i / n_batches))
            total += loss * len(batch[1])
        return total

    def end(self, loss: float, examined: Examined | None = None) -> None:
        """Record the epoch and decide whether training continues.

        Parameters
        ----------
        loss : float
            Mean over the rows of J on their batch, evaluated before its step.
        examined : Examined, default=None
            The results of examining θ, if they are known.

        Raises
        ------
        ValueError
            If training has diverged.
        """
        self.training.end_epoch(
            loss,
            self.training.eta,
            latest=self.schedule.fixed_horizon,
            on_stall=self._has_converged,
            examined=examined,
        )

    def finish(self) -> None:
        """Warn if training ended before it had converged."""
        training = self.training
        ends = training.state.converged or training.stopped
        if not (ends or self.schedule.fixed_horizon) and training.criteria.early:
            training.warn_unconverged(f"max_iter={training.criteria.max_iter} epochs")

    def _has_converged(self, score: float) -> bool:
        """Return whether a stall ends training; the schedule may lower η instead."""
        state, eta = self.training.state, self.training.eta
        if eta is None or not self.schedule.goes_on(eta):
            return self.stops
        state.clock.decays += 1
        state.reset_patience(score)
        return False
