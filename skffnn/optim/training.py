"""Training: what a solver needs, and what happens at the end of each epoch."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..nn.arrays import Array, number
from ..nn.objective import Objective
from ..utils.warn import warn
from .state import StoppingCriteria, TrainingState, is_real


class Epoch(NamedTuple):
    """The results of an epoch.

    Attributes
    ----------
    number : int
        Number of completed epochs, including those of earlier fits.
    loss : float
        The training loss.
    eta : float or None
        The learning rate at the start of the epoch; None if the solver has none.
    validation_loss, score : float or None
        Loss and score on the validation set; None without one.
    """

    number: int
    loss: float
    eta: float | None = None
    validation_loss: float | None = None
    score: float | None = None


class Examined(NamedTuple):
    """The results of examining θ at the end of an epoch.

    Attributes
    ----------
    finite : bool
        Whether θ and the state of the optimiser are finite.
    measured : tuple of float and object, or None
        Loss and mean of the score terms on the validation set; None without one.
    """

    finite: bool
    measured: tuple[float, Any] | None = None


class Validation:
    """Loss and score of θ on the validation set.

    Parameters
    ----------
    objective : Objective
        The objective, with the network that is being trained.
    blocks : iterable of (x, y, s)
        The rows of the validation set, with their sample weights.
    weights : ndarray of shape (..., n_rows) or None
        The same weights, for the score terms.
    score : callable
        Takes the loss and the mean of the score terms, and returns the score that early
        stopping monitors.
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
        """Return the loss and the mean of the score terms for the current θ.

        Returns
        -------
        loss : float or ndarray of shape (...)
            Weighted mean of ℓ, without the penalty.
        mean : float or ndarray of shape (...) or (..., K)
            Weighted mean of `Loss.score_terms`. For a classifier it is the accuracy,
            the fraction of rows whose labels are all predicted correctly.
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
        if weights is not None and weights.ndim < terms.ndim:  # same for all outputs
            weights = np.broadcast_to(weights[..., np.newaxis, :], terms.shape)
        mean = np.average(terms, axis=-1, weights=weights)
        return loss / weight, number(mean)

    def __call__(self) -> tuple[float, float]:
        """Return the loss and the score for the current θ.

        Returns
        -------
        loss : float
            Weighted mean of ℓ, without the penalty.
        score : float
            Higher is better.
        """
        loss, mean = self.measure()
        return loss, self.score(loss, mean)


class Training:
    """What a solver needs: J(θ), the state of training, and the stopping criteria.

    A solver changes θ, calls `end_epoch` after each epoch, and returns when
    `is_over` is true.

    Parameters
    ----------
    objective : Objective
        J(θ), for the θ of `state`.
    state : TrainingState
        The state of training, changed in place.
    criteria : StoppingCriteria
        When to stop.
    n_rows : int
        Number of rows in an epoch.
    validation : Validation, default=None
        If given, its score decides when to stop and which θ to keep.
    on_epoch_end : callable, default=None
        Called with each `Epoch` once `state` is up to date.
    n_iter : int, default=0
        Number of epochs of this fit that were completed before a crash.

    Attributes
    ----------
    n_iter : int
        Number of completed epochs of this fit.
    eta : float or None
        Learning rate at the start of the epoch.
    stopped : bool
        Whether a listener has stopped training. It can be continued later, as after
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
        """Whether training has converged, been stopped, or reached `max_iter`."""
        ended = self.state.converged or self.stopped
        return ended or self.n_iter >= self.criteria.max_iter

    def stop(self) -> None:
        """End training after the current epoch; for listeners to call."""
        self.stopped = True

    def resume(self) -> None:
        """Prepare to continue an earlier fit.

        Its scores were measured on its own validation set. They are measured again, and
        patience is reset if the best score changes. Patience is also reset if the
        earlier fit had converged or run out of patience.
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
        """Record an epoch, decide whether training continues, and call the listeners.

        Parameters
        ----------
        loss : float
            The training loss.
        eta : float, default=None
            The learning rate at the start of the epoch.
        latest : bool, default=False
            Whether to keep the latest of several epochs with equal validation scores,
            instead of the first.
        on_stall : callable, default=always True
            Called with the score when there has been no improvement for too long;
            returns whether training has converged.
        examined : Examined, default=None
            The results of examining θ; None to examine it here. A stack examines all
            its networks at once.

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
        """Check that θ is finite, and measure it on the validation set."""
        arrays = (self.state.theta.vector, *self.state.optimizer.values())
        if not all(np.isfinite(a).all() for a in arrays if is_real(a)):
            return Examined(finite=False)
        if self.validation is None:
            return Examined(finite=True)
        return Examined(True, self.validation.measure())

    def diverged(self, what: str) -> ValueError:
        """Return an error that says when and at which learning rate training diverged.

        Parameters
        ----------
        what : str
            What is no longer finite.

        Returns
        -------
        error : ValueError
            The error to raise.
        """
        rate = "" if self.eta is None else f" at learning rate {self.eta:g}"
        return ValueError(
            f"Training diverged in epoch {self.state.clock.epoch}{rate}: {what} is "
            "no longer finite. Scale the features, for example with StandardScaler, or "
            "lower learning_rate_init."
        )

    def warn_unconverged(self, limit: str) -> None:
        """Warn that training ended before it had converged, and say what to do.

        Parameters
        ----------
        limit : str
            What ended training.
        """
        warn(
            f"Training stopped after {limit}, before it had converged to "
            f"tol={self.criteria.tol:g}: the loss is {self.state.loss_curve[-1]:.6g}. "
            "Increase the limit, scale the features, or raise tol.",
            ConvergenceWarning,
        )
