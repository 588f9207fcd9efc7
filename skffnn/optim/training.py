"""Training: what a solver works on, and what happens at the end of an epoch."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..nn.arrays import Array, number
from ..nn.objective import Objective
from ..utils.warn import warn
from .state import StoppingCriteria, TrainingState, is_real


class Epoch(NamedTuple):
    """What is known at the end of an epoch.

    Attributes
    ----------
    number : int
        Epochs that are over, earlier fits included.
    loss : float
        The training loss.
    eta : float or None
        The learning rate at its start; None where there is none.
    validation_loss, score : float or None
        On the validation set; None without one.
    """

    number: int
    loss: float
    eta: float | None = None
    validation_loss: float | None = None
    score: float | None = None


class Examined(NamedTuple):
    """What θ looks like at the end of an epoch.

    Attributes
    ----------
    finite : bool
        Whether θ and the state of the optimiser are.
    measured : tuple of float and object, or None
        Loss and mean of the score terms on the validation set; None without one.
    """

    finite: bool
    measured: tuple[float, Any] | None = None


class Validation:
    """How good θ is on the validation set.

    Parameters
    ----------
    objective : Objective
        With the network that is being trained.
    blocks : iterable of (x, y, s)
        The rows of the validation set, with their sample weights.
    weights : ndarray of shape (..., n_rows) or None
        The same weights, for the score terms.
    score : callable
        Makes the score that is watched from the loss and the mean of the score terms.
    """

    def __init__(
        self,
        objective: Objective,
        blocks: Any,
        weights: Array | None,
        score: Callable[[float, Any], float],
    ) -> None:
        self.objective = objective
        self.blocks = blocks
        self.weights = weights
        self.score = score

    def measure(self) -> tuple[Any, Any]:
        """Return the loss and the mean of the score terms of θ as it is now.

        Returns
        -------
        loss : float or ndarray of shape (...)
            Weighted mean of ℓ, without penalty.
        mean : float or ndarray of shape (...) or (..., K)
            Weighted mean of `Loss.score_terms`: of a classifier the accuracy, the part
            of the rows whose labels are all right.
        """
        loss: Any = 0.0
        weight: Any = 0.0
        of_blocks = []
        for x, y, s in self.blocks:
            a = self.objective.network.forward(x)
            of_blocks.append(self.objective.loss.score_terms(a, y))
            loss += self.objective.weighted_loss(a, y, s)
            weight += number(s.sum(axis=(-2, -1)))
        terms, weights = np.concatenate(of_blocks, axis=-1), self.weights
        if weights is not None and weights.ndim < terms.ndim:  # one for all outputs
            weights = np.broadcast_to(weights[..., np.newaxis, :], terms.shape)
        mean = np.average(terms, axis=-1, weights=weights)
        return loss / weight, number(mean)

    def __call__(self) -> tuple[float, float]:
        """Return the loss and the score of θ as it is now.

        Returns
        -------
        loss : float
            Weighted mean of ℓ, without penalty.
        score : float
            The higher the better.
        """
        loss, mean = self.measure()
        return loss, self.score(loss, mean)


class Training:
    """What a solver works on: J(θ), the state of training, and when to stop.

    A solver changes θ, calls `end_epoch` after each epoch, and returns when
    `is_over` is true.

    Parameters
    ----------
    objective : Objective
        J(θ), for the θ of `state`.
    state : TrainingState
        Changed as training goes on.
    criteria : StoppingCriteria
        When to stop.
    n_rows : int
        Rows of an epoch.
    validation : Validation, default=None
        If given, its score decides when to stop and which θ to keep.
    on_epoch_end : callable, default=None
        Told of each `Epoch` once all that `state` holds is up to date.
    n_iter : int, default=0
        Epochs of this fit that are over already, if it resumes after a crash.

    Attributes
    ----------
    n_iter : int
        Epochs of this fit that are over.
    eta : float or None
        Learning rate at the start of the epoch.
    stopped : bool
        Whether a listener has stopped training. What is left can be continued, as after
        `max_iter`.
    """

    def __init__(
        self,
        objective: Objective,
        state: TrainingState,
        criteria: StoppingCriteria,
        n_rows: int,
        validation: Validation | None = None,
        on_epoch_end: Callable[[Epoch], None] | None = None,
        n_iter: int = 0,
    ) -> None:
        self.objective = objective
        self.state = state
        self.criteria = criteria
        self.n_rows = n_rows
        self.validation = validation
        self.on_epoch_end = on_epoch_end or (lambda epoch: None)
        self.n_iter = n_iter
        self.eta: float | None = None
        self.stopped = False

    @property
    def is_over(self) -> bool:
        """Whether training has converged, was stopped, or reached `max_iter`."""
        ended = self.state.converged or self.stopped
        return ended or self.n_iter >= self.criteria.max_iter

    def stop(self) -> None:
        """End training after this epoch, for whoever is told of its end."""
        self.stopped = True

    def resume(self) -> None:
        """Prepare to continue an earlier fit.

        The scores that it left were measured on its own validation set. They are
        measured again, and if that changes them, patience is reset. It is also reset if
        the earlier fit had run out of it.
        """
        state, same_fit = self.state, self.n_iter > 0
        if not same_fit:
            limit = self.criteria.n_iter_no_change
            if state.converged or state.epochs_without_improvement > limit:
                state.reset_patience()
            state.converged = False
        if self.validation is None:
            state.best_score, state.best_theta = -np.inf, None
            return
        theta, start = state.theta.vector, state.theta.vector.copy()
        best, best_score, best_epoch = (
            state.best_theta,
            state.best_score,
            state.best_epoch,
        )
        state.best_score = -np.inf
        for candidate, epoch in ((best, best_epoch), (start, state.clock.epoch)):
            if candidate is not None:
                theta[...] = candidate
                state.keep_if_best(self.validation()[1], epoch)
        theta[...] = start
        if state.best_score != best_score:
            state.reset_patience()

    def end_epoch(
        self,
        loss: float,
        eta: float | None = None,
        *,
        latest: bool = False,
        on_stall: Callable[[float], bool] = lambda score: True,
        examined: Examined | None = None,
    ) -> None:
        """Record an epoch, decide whether training goes on, and tell the listeners.

        Parameters
        ----------
        loss : float
            The training loss.
        eta : float, default=None
            The learning rate at the start of the epoch.
        latest : bool, default=False
            Of epochs with the same validation score, keep the latest.
        on_stall : callable, default=always True
            Called with the score when there has been no improvement for too long;
            returns whether training has converged.
        examined : Examined, default=None
            What θ looks like; None to find out. A stack of networks is examined at
            once.

        Raises
        ------
        ValueError
            If training has diverged.
        """
        state, clock = self.state, self.state.clock
        clock.epoch, clock.part = clock.epoch + 1, 0.0
        clock.samples += self.n_rows
        if not np.isfinite(loss):
            raise self.diverged(f"the loss ({loss:g})")
        if examined is None:
            examined = self._examine()
        if not examined.finite:
            raise self.diverged("a parameter")
        score, epoch = -loss, Epoch(clock.epoch, loss, eta)
        if self.validation is not None and examined.measured is not None:
            validation_loss, mean = examined.measured
            score = self.validation.score(validation_loss, mean)
            state.record(validation_loss_curve=validation_loss, validation_scores=score)
            state.keep_if_best(score, clock.epoch, latest=latest)
            epoch = epoch._replace(validation_loss=validation_loss, score=score)
        rate = np.nan if eta is None else eta
        state.record(loss_curve=loss, learning_rate_curve=rate)
        self.n_iter += 1
        if state.has_stalled(score, self.criteria):
            state.converged = on_stall(score)
        self.on_epoch_end(epoch)

    def _examine(self) -> Examined:
        """Find out what θ looks like."""
        arrays = (self.state.theta.vector, *self.state.optimizer.values())
        if not all(np.isfinite(a).all() for a in arrays if is_real(a)):
            return Examined(finite=False)
        if self.validation is None:
            return Examined(finite=True)
        return Examined(True, self.validation.measure())

    def diverged(self, what: str) -> ValueError:
        """Return the error that says when and at which rate training diverged.

        Parameters
        ----------
        what : str
            What is no longer finite.

        Returns
        -------
        error : ValueError
            To be raised.
        """
        rate = "" if self.eta is None else f" at learning rate {self.eta:g}"
        return ValueError(
            f"Training diverged in epoch {self.state.clock.epoch}{rate}: {what} is "
            "no longer finite. Scale the features, for example with StandardScaler, or "
            "lower learning_rate_init."
        )

    def warn_unconverged(self, limit: str) -> None:
        """Warn that training ended before it had converged, and say what helps.

        Parameters
        ----------
        limit : str
            What ended it.
        """
        warn(
            f"Training stopped after {limit}, before it had converged to "
            f"tol={self.criteria.tol:g}: the loss is {self.state.loss_curve[-1]:.6g}. "
            "Increase the limit, scale the features, or raise tol.",
            ConvergenceWarning,
        )
