"""The training of one network: its parts, and what happens at the end of each epoch."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning

from ..data.batches import Validation
from ..nn.objective import Objective
from ..utils.checks import InterruptionWarning, warn
from .progress import Progress, StoppingCriteria, is_real

# Number of rows that are looked at after training.
CHECKED_ROWS = 200


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


class Training:
    """The training of one network, from the first epoch of a fit to its end.

    A solver changes θ, calls `end_epoch` after each epoch, and returns when `is_over`.

    Attributes
    ----------
    plan : Plan
        The parameters of the estimator, with names replaced by objects.
    rows : Rows or PartitionedRows
        The training rows, with their targets.
    objective : Objective
        J(θ), for the θ of `progress`.
    batches : Batches, FullBatch or another kind
        What the solver needs: minibatches, or J and its gradient over all rows.
    progress : Progress
        What training changes.
    dtype : dtype
        Dtype of the fitted parameters.
    validation : Validation or None
        If given, its score decides when to stop and which θ to keep.
    n_iter : int
        Number of completed epochs of this fit.
    eta : float or None
        Learning rate at the start of the epoch.
    listeners : sequence of Listener
        Called at the end of each epoch.
    seconds : float
        Time taken; in a stack, its share of the time of all.
    stopped : bool
        Whether a listener has stopped training, which can be continued later.
    interrupted : bool
        Whether Ctrl-C has ended training, possibly in the middle of an epoch.
    error : Exception or None
        Why training failed.
    limit : str or None
        What ends training that has not converged, for the warning.
    """

    def __init__(
        self,
        plan: Any,
        rows: Any,
        objective: Objective,
        batches: Any,
        progress: Progress,
        dtype: Any,
        n_iter: int = 0,
    ) -> None:
        self.plan, self.rows = plan, rows
        self.objective, self.batches = objective, batches
        self.progress = progress
        self.dtype = dtype
        self.n_iter = n_iter
        self.validation: Validation | None = None
        self.listeners: Sequence[Any] = ()
        self.eta: float | None = None
        self.seconds = 0.0
        self.stopped = self.interrupted = False
        self.error: Exception | None = None
        self.limit: str | None = None

    @property
    def criteria(self) -> StoppingCriteria:
        """When training ends."""
        criteria: StoppingCriteria = self.plan.criteria
        return criteria

    @property
    def is_over(self) -> bool:
        """Whether training has converged, reached a limit, failed or was stopped."""
        ended = self.progress.converged or self.stopped or self.interrupted
        failed = self.error is not None
        return ended or failed or self.n_iter >= self.criteria.max_iter or self.is_late

    @property
    def is_late(self) -> bool:
        """Whether the time for training is over."""
        return self.seconds >= self.criteria.max_time

    def stop(self) -> None:
        """End training after the current epoch; for listeners to call."""
        self.stopped = True

    def resume(self) -> None:
        """Prepare to continue an earlier fit, or the same one after a crash.

        Earlier scores were measured on another validation set, so θ is measured again,
        and patience is reset if the best score changes. Patience is also reset if the
        earlier fit had converged or run out of patience.
        """
        progress, same_fit = self.progress, self.n_iter > 0
        if not same_fit:
            limit = self.criteria.n_iter_no_change
            if progress.converged or progress.epochs_without_improvement > limit:
                progress.reset_patience()
            progress.converged = False
        if self.validation is None:
            progress.best_score, progress.best_theta = -np.inf, None
            return
        theta, last = progress.theta.vector, progress.theta.vector.copy()
        best_score = progress.best_score
        candidates = [(last, progress.clock.epoch)]
        if progress.best_theta is not None:
            candidates.insert(0, (progress.best_theta, progress.best_epoch))
        progress.best_score = -np.inf
        for candidate, epoch in candidates:
            theta[...] = candidate
            with np.errstate(all="ignore"):  # as in training
                score = self.validation.score(*self.validation.measure())
            progress.keep_if_best(score, epoch)
        theta[...] = last
        if progress.best_score != best_score:
            progress.reset_patience()

    # ------------------------------------------------------------------- epochs

    def begin_epoch(self) -> None:
        """Shuffle the rows and set the learning rate of a minibatch solver."""
        self.batches.shuffle(self.progress.random_state)
        self.eta = self.rate(0.0)

    def rate(self, part: float) -> float:
        """Return η when a fraction of the epoch is complete."""
        self.progress.clock.part = part
        eta: float = self.plan.solver.eta(self.progress.clock)
        return eta

    def end_epoch(self, loss: float, examined: Examined | None = None) -> None:
        """Record an epoch, decide whether training ends, and call the listeners.

        Parameters
        ----------
        loss : float
            The training loss.
        examined : Examined, default=None
            The results of examining θ; None to examine it here. A stack examines all
            its networks at once.

        Raises
        ------
        ValueError
            If training has diverged.
        """
        progress, clock = self.progress, self.progress.clock
        clock.epoch, clock.part = clock.epoch + 1, 0.0
        clock.samples += self.rows.n_rows
        if not np.isfinite(loss):
            raise self.diverged(f"the loss ({loss:g})")
        if examined is None:
            examined = self._examine()
        if not examined.finite:
            raise self.diverged("a parameter")
        score, epoch = -loss, Epoch(clock.epoch, loss, self.eta)
        if self.validation is not None and examined.measured is not None:
            validation_loss, mean = examined.measured
            score = self.validation.score(validation_loss, mean)
            progress.record(
                validation_loss_curve=validation_loss, validation_scores=score
            )
            latest = self.plan.has_fixed_horizon
            progress.keep_if_best(score, clock.epoch, latest=latest)
            epoch = epoch._replace(validation_loss=validation_loss, score=score)
        rate = np.nan if self.eta is None else self.eta
        progress.record(loss_curve=loss, learning_rate_curve=rate)
        self.n_iter += 1
        if progress.has_stalled(score, self.criteria):
            self._end_or_lower_rate(score)
        for listener in self.listeners:
            listener.on_epoch_end(epoch, self)

    def _end_or_lower_rate(self, score: float) -> None:
        """End training that no longer improves, unless the schedule lowers η.

        A full-batch solver and a schedule with a fixed horizon have an end of their
        own: only a validation score ends training before.
        """
        plan, progress = self.plan, self.progress
        if not plan.is_full_batch and plan.solver.schedule.goes_on(self.eta):
            progress.clock.decays += 1
            progress.reset_patience(score)
        elif self.criteria.early or self.validation is not None:
            has_own_end = plan.is_full_batch or plan.has_fixed_horizon
            progress.converged = self.validation is not None or not has_own_end

    def _examine(self) -> Examined:
        """Check that θ is finite, and measure it on the validation set."""
        arrays = (self.progress.theta.vector, *self.progress.optimizer.values())
        if not all(np.isfinite(a).all() for a in arrays if is_real(a)):
            return Examined(finite=False)
        if self.validation is None:
            return Examined(finite=True)
        return Examined(True, self.validation.measure())

    # ---------------------------------------------------------------------- end

    def diverged(self, what: str) -> ValueError:
        """Return an error that says when training diverged, and what to do."""
        rate, remedy = "", "increase alpha"
        if self.eta is not None:
            rate = f" at learning rate {self.eta:g}"
            remedy = "lower learning_rate_init"
        unit = self.plan.unit
        return ValueError(
            f"Training diverged in {unit} {self.progress.clock.epoch}{rate}: {what} is "
            "no longer finite. Scale the features, for example with StandardScaler, or "
            f"{remedy}."
        )

    def warn_of_the_end(self) -> None:
        """Warn of Ctrl-C, of a limit before convergence, or of a useless network."""
        progress = self.progress
        if self.interrupted:
            kept = "best" if self.validation is not None else "last"
            warn(
                f"Training was interrupted in {self.plan.unit} "
                f"{progress.clock.epoch + 1}; the {kept} model so far is kept.",
                InterruptionWarning,
            )
            return
        if self.stopped or not self.criteria.early:
            return
        compared = self._compared_with_constant()
        if self.limit is not None and not progress.converged:
            warn(
                f"Training stopped after {self.limit}, before it had converged to "
                f"tol={self.criteria.tol:g}: the loss is "
                f"{progress.loss_curve[-1]:.6g}{compared}. "
                "Increase the limit, scale the features, or raise tol.",
                ConvergenceWarning,
            )
        elif compared:
            warn(
                f"The loss is {progress.loss_curve[-1]:.6g}{compared}. Scale the "
                "features, for example with StandardScaler, or change "
                "learning_rate_init or alpha.",
                ConvergenceWarning,
            )

    def _compared_with_constant(self) -> str:
        """Say so if predictions are no better than the best constant.

        They need not be better after one epoch, with dropout in the training loss, or
        where there is nothing to learn: one class, or rows that are all the same.
        """
        objective = self.objective
        if self.n_iter < 2 or objective.dropout is not None:
            return ""
        smoothing = self.plan.label_smoothing
        constant = self.rows.targets.loss_of_constant(self.rows, smoothing)
        if constant is None or constant <= self.criteria.tol:
            return ""
        margin = min(self.criteria.tol, 0.001 * constant)  # `tol` may be large
        loss = self.progress.loss_curve[-1]
        if self.plan.has_penalised_loss:
            loss -= objective.penalty_term()
        if loss < constant - margin:
            return ""
        x = self.rows.head(CHECKED_ROWS)
        x = x.toarray() if issparse(x) else x
        if not np.ptp(x, axis=0).any():
            return ""
        return f", no better than that of a constant prediction, {constant:.6g}"
