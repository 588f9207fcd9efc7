"""Training: the two ways to minimise J(θ), when to stop, and which θ to keep."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from ..data.batches import Batches
from ..nn.arrays import Array
from ..nn.network import Network
from ..nn.objective import Objective
from ..nn.parameters import Parameters
from .blas import one_thread_for_scipy
from .optimizers import LBFGS, Optimizer
from .reporting import Epoch
from .schedules import Schedule
from .state import Progress, Rules, is_real

# Epochs that the curves remember: a stream of partial_fit must not grow for ever.
MAX_HISTORY = 10_000


class Validation:
    """How good θ is on rows that are kept back.

    Parameters
    ----------
    objective : Objective
        With the network that is being trained.
    batches : Batches
        The rows, as shares of all.
    weights : ndarray of shape (n_rows,) or None
        Their weights, for the accuracy.
    score : callable
        Makes the score that is watched from the loss and the accuracy.
    """

    def __init__(
        self,
        objective: Objective,
        batches: Batches,
        weights: Array | None,
        score: Callable[[float, float], float],
    ) -> None:
        self.objective = objective
        self.batches = batches
        self.weights = weights
        self.score = score

    def __call__(self) -> tuple[float, float]:
        """Return the loss and the score of θ as it is now.

        Returns
        -------
        loss : float
            Weighted mean of ℓ, without penalty.
        score : float
            The higher the better.
        """
        loss, right = 0.0, []
        decide = self.objective.loss.decide
        for batch in self.batches:
            x, y, w = batch
            a = self.objective.network.forward(x)
            right.append((decide(a) == decide(y)).all(axis=-1))
            loss += self.objective.weighted_loss(a, y, w)
        accuracy = np.average(np.concatenate(right), weights=self.weights)
        return loss, self.score(loss, float(accuracy))


class Training:
    """Minimise J(θ) over batches of rows, by one of two methods.

    Parameters
    ----------
    objective : Objective
        J(θ), for the θ of `progress`.
    batches : Batches
        The training rows.
    progress : Progress
        Where training stands; changed as it goes on.
    rules : Rules
        When to stop.
    validation : Validation, default=None
        Rows kept back. If given, its score decides when to stop and which θ to keep.
    at_rest : callable, default=None
        Called between epochs, whenever all that `progress` holds is up to date.
    report : callable, default=None
        Told of the end of each epoch.

    Attributes
    ----------
    n_iter : int
        Epochs of this fit that are over.
    interrupted : bool
        Whether Ctrl-C ended training, maybe in the middle of an epoch.
    """

    def __init__(
        self,
        objective: Objective,
        batches: Batches,
        progress: Progress,
        rules: Rules,
        validation: Validation | None = None,
        at_rest: Callable[["Training"], None] | None = None,
        report: Callable[[Epoch], None] | None = None,
    ) -> None:
        self.objective = objective
        self.batches = batches
        self.progress = progress
        self.rules = rules
        self.validation = validation
        self.at_rest = at_rest or (lambda training: None)
        self.report = report or (lambda epoch: None)
        self.n_iter = 0
        self.interrupted = False
        self.eta: float | None = None  # learning rate at the start of the epoch
        self.settles = False  # whether θ comes to rest: later is then better
        self._gradient = Parameters(
            progress.theta.sizes, dtype=progress.theta.vector.dtype
        )

    def resume(self) -> None:
        """Prepare for going on where an earlier fit ended.

        The scores that are remembered were measured on the earlier fit's validation
        rows. They are measured anew, and if that changes them, patience starts anew.
        So it does where it had come to its end, unless this is still the same fit.
        """
        progress = self.progress
        exhausted = progress.stall > self.rules.n_iter_no_change and self.n_iter == 0
        if progress.converged or exhausted:
            progress.new_patience()
            progress.converged = False
        if self.validation is None:
            progress.best_score, progress.best_theta = -np.inf, None
            return
        theta, start = progress.theta.vector, progress.theta.vector.copy()
        best, best_score = progress.best_theta, progress.best_score
        progress.best_score = -np.inf
        for candidate in [start] if best is None else [best, start]:
            theta[...] = candidate
            progress.remember(self.validation()[1])
        if progress.best_score != best_score:
            progress.new_patience()

    def by_steps(self, optimizer: Optimizer, schedule: Schedule, eta_0: float) -> None:
        """Take a step for each minibatch, until training stalls or `max_iter`.

        Parameters
        ----------
        optimizer : Optimizer
            Turns gradients into steps.
        schedule : Schedule
            The learning rate over time.
        eta_0 : float
            Initial learning rate.
        """
        progress, clock, rules = self.progress, self.progress.clock, self.rules
        # State of an earlier fit is this optimiser's own if the same `init` made it.
        init = optimizer.init
        kind = f"{init.__module__}.{init.__qualname__}"
        state = init(progress.theta.vector)
        if progress.solver != kind or progress.optimizer.keys() != state.keys():
            progress.solver, progress.optimizer = kind, state
        # A plan is gone through, unless a validation score says that it is enough.
        plan = schedule.planned and self.validation is None
        self.settles = schedule.planned
        with self._interruptible(), np.errstate(all="ignore"):
            while self.n_iter < rules.max_iter:
                self.at_rest(self)
                if rules.shuffle:
                    self.batches.shuffle(progress.random_state)
                self.eta = eta_0 * schedule.factor(clock)
                loss = self._epoch(optimizer, schedule, eta_0)
                score = self._epoch_ended(loss)
                if not progress.has_stalled(score, rules):
                    continue
                if schedule.goes_on(self.eta):
                    clock.drops += 1
                    progress.new_patience(score)
                elif rules.stops and not plan:
                    progress.converged = True
                    return
            if rules.stops and not schedule.planned:
                self._warn_unconverged(f"max_iter={rules.max_iter} epochs")

    def _epoch(self, optimizer: Optimizer, schedule: Schedule, eta_0: float) -> float:
        """Go once through the rows; return the mean of J as θ changed."""
        objective, gradient = self.objective, self._gradient
        theta, state = self.progress.theta, self.progress.optimizer
        clock = self.progress.clock
        decoupled = getattr(optimizer, "decoupled", False)
        total, n_batches = 0.0, len(self.batches)
        for i, batch in enumerate(self.batches):
            clock.part = i / n_batches
            eta = eta_0 * schedule.factor(clock)
            loss = objective.data_term(batch, gradient)
            if decoupled:  # α Ω is then no part of what is minimised
                objective.decay(eta)
            else:
                loss += objective.penalty_term(gradient)
            optimizer.step(theta.vector, gradient.vector, state, eta)
            total += loss * len(batch[1])
        return total / self.batches.n_rows

    def by_lbfgs(self, solver: LBFGS) -> None:
        """Minimise J(θ) over all rows with L-BFGS, one iteration an epoch.

        Parameters
        ----------
        solver : LBFGS
            Its settings.
        """
        theta, rules = self.progress.theta.vector, self.rules
        self.progress.optimizer = {}  # moments from elsewhere would mislead later steps
        part = Parameters(self.progress.theta.sizes, dtype=theta.dtype)
        accepted = theta.copy()

        dropout = self.objective.dropout
        masks: Any = None if dropout is None else dropout.rng.bit_generator.state

        def J(x: Array) -> tuple[float, Array]:
            theta[...] = x
            if dropout is not None:  # the same masks again, or J would be no function
                dropout.rng.bit_generator.state = masks
            value = self.objective.full(self.batches, self._gradient, part)
            return value, self._gradient.vector.copy()

        def iteration_ended(intermediate_result: Any) -> None:
            theta[...] = accepted[...] = intermediate_result.x
            score = self._epoch_ended(float(intermediate_result.fun))
            stalled = self.progress.has_stalled(score, rules)
            if stalled and self.validation is not None:
                self.progress.converged = True
                raise StopIteration
            if dropout is not None:
                dropout.rng.bit_generator.state = masks
            self.at_rest(self)

        # The gradient decides (gtol); that J cannot get smaller is told from rounding.
        options = {
            "maxiter": rules.max_iter - self.n_iter,
            "maxfun": solver.max_fun,
            "maxcor": solver.memory,
            "gtol": rules.tol,
            "ftol": 64 * np.finfo(np.float64).eps,
        }
        with self._interruptible(), one_thread_for_scipy, np.errstate(all="ignore"):
            result = minimize(
                J,
                theta.copy(),
                jac=True,
                method="L-BFGS-B",
                callback=iteration_ended,
                options=options,
            )
            if self.n_iter == 0:  # there was nothing to gain, or no evaluation left
                self._epoch_ended(float(result.fun))
            if not np.isfinite(result.jac @ result.jac):
                raise self._diverged("the gradient")
            self.progress.converged = self.progress.converged or result.success
            if not self.progress.converged:
                self._warn_unconverged(self._limit(result, solver))
        theta[...] = accepted

    def _limit(self, result: Any, solver: LBFGS) -> str:
        """Say what ended L-BFGS before the gradient was small."""
        if self.n_iter >= self.rules.max_iter:
            return f"max_iter={self.rules.max_iter} iterations"
        if result.nfev >= solver.max_fun:
            return f"max_fun={solver.max_fun} evaluations"
        return f"{result.nit} iterations, with no lower loss along the search direction"

    def _epoch_ended(self, loss: float) -> float:
        """Record an epoch; return its score."""
        progress = self.progress
        clock = progress.clock
        clock.epoch, clock.part = clock.epoch + 1, 0.0
        clock.samples += self.batches.n_rows
        self._check_finite(loss)
        score, epoch = -loss, Epoch(clock.epoch, loss, self.eta)
        if self.validation is not None:
            validation_loss, score = self.validation()
            record(progress.validation_loss_curve, validation_loss)
            record(progress.validation_scores, score)
            progress.remember(score, later=self.settles)
            epoch = epoch._replace(validation_loss=validation_loss, score=score)
        record(progress.loss_curve, loss)
        self.n_iter += 1
        self.report(epoch)
        return score

    def check(self, kept: Parameters) -> None:
        """Raise unless the parameters that are kept are finite and give finite logits.

        Parameters
        ----------
        kept : Parameters
            The parameters of the fitted model, of its type.

        Raises
        ------
        ValueError
            If they do not, though training itself came to an end.
        """
        if not np.isfinite(kept.vector).all():
            raise self._diverged("a parameter")
        x = next(iter(self.batches))[0]
        network = Network(kept.W, kept.b, self.objective.network.activations)
        with np.errstate(all="ignore"):
            finite = np.isfinite(
                network.forward(x.astype(kept.vector.dtype, copy=False))
            ).all()
        if not finite:
            raise self._diverged("the output of the network")

    def _check_finite(self, loss: float) -> None:
        """Raise if training has diverged."""
        state = [v for v in self.progress.optimizer.values() if is_real(v)]
        if not np.isfinite(loss):
            raise self._diverged(f"the loss ({loss:g})")
        if not all(np.isfinite(a).all() for a in (self.progress.theta.vector, *state)):
            raise self._diverged("a parameter")

    def _diverged(self, what: str) -> ValueError:
        """Make the error that says when and at which rate training diverged."""
        rate = "" if self.eta is None else f" at learning rate {self.eta:g}"
        return ValueError(
            f"Training diverged in epoch {self.progress.clock.epoch}{rate}: {what} is "
            "no longer finite. Scale the features, for example with StandardScaler, or "
            "lower learning_rate_init."
        )

    def _warn_unconverged(self, limit: str) -> None:
        """Say that training ended before it was done, and what helps."""
        warnings.warn(
            f"Training stopped after {limit}, before it had converged to "
            f"tol={self.rules.tol:g}: the loss is {self.progress.loss_curve[-1]:.6g}. "
            "Increase the limit, scale the features, or raise tol.",
            ConvergenceWarning,
            stacklevel=2,
        )

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Turn Ctrl-C into a warning; what training has reached is kept."""
        try:
            yield
        except KeyboardInterrupt:
            self.interrupted = True
            kept = "last" if self.validation is None else "best"
            warnings.warn(
                f"Training was interrupted in epoch {self.progress.clock.epoch + 1}; "
                f"the {kept} model so far is kept.",
                stacklevel=2,
            )


def record(curve: list[float], value: float) -> None:
    """Append to a curve, which forgets what is older than `MAX_HISTORY`.

    Parameters
    ----------
    curve : list of float
        Changed in place.
    value : float
        What to append.
    """
    curve.append(value)
    del curve[:-MAX_HISTORY]
