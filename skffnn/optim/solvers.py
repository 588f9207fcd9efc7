"""Solvers, which minimise J(θ).

A solver receives a `Training` and the rows in the form that it needs: minibatches or,
if `full_batch` is true, a function that returns J and its gradient over all rows. It
changes θ, calls `training.end_epoch` after each epoch, and returns when
`training.is_over`. No other code depends on which solver it is.

To add a solver, write a dataclass with the attributes of `Solver`, register it in
`SOLVERS`, and name it in the docstring of `FFNNClassifier`. A field named like a
parameter of the estimator takes its value from there. For a new update rule for
minibatches, an optimiser is enough (`skffnn.optim.optimizers`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from scipy.optimize import minimize

from ..data.batches import Batches
from ..nn.arrays import Array
from ..nn.parameters import Parameters
from .blas import one_thread_for_scipy
from .descent import Descent, Epochs
from .optimizers import OPTIMIZERS, Optimizer
from .schedules import Schedule
from .training import Training


@runtime_checkable
class Solver(Protocol):
    """Interface of a solver.

    Attributes
    ----------
    full_batch : bool
        Whether `solve` needs J and its gradient over all rows instead of minibatches.
        Training then uses float64.
    incremental : bool
        Whether it can train on rows that it sees only once, as in `partial_fit`.
    unit : str
        What it counts: "epoch" or "iteration".
    """

    full_batch: ClassVar[bool]
    incremental: ClassVar[bool]
    unit: ClassVar[str]

    def solve(self, training: Training, rows: Any) -> None:
        """Minimise J(θ), starting from the current θ and state.

        Parameters
        ----------
        training : Training
            J, the state of training, and the stopping criteria. `training.state.claim`
            keeps arrays and numbers for continuing training later. A solver with a
            learning rate sets `training.eta`, which the error message reports if
            training diverges. A solver that ends before it has converged calls
            `training.warn_unconverged`. It should silence NumPy's floating-point
            warnings, because `end_epoch` raises if a number is not finite.
        rows : Batches or FullBatch
            The minibatches, or a function that returns J and its gradient over all
            rows, in an array that is overwritten by the next call.
        """


@dataclass(frozen=True)
class StochasticSolver:
    """Minibatch training, with an optimiser and a learning-rate schedule.

    Parameters
    ----------
    optimizer : Optimizer
        Turns gradients into updates.
    schedule : Schedule
        The learning rate over time.
    learning_rate_init : float
        η_0.
    rates : callable
        Takes θ and returns a learning-rate multiplier for each parameter, or None.
    """

    optimizer: Optimizer
    schedule: Schedule
    learning_rate_init: float
    rates: Callable[[Parameters], Array | None]

    full_batch: ClassVar[bool] = False
    incremental: ClassVar[bool] = True
    unit: ClassVar[str] = "epoch"

    def solve(self, training: Training, rows: Batches) -> None:
        epochs, descent = self.start(training, rows), self.descent(training)
        with np.errstate(all="ignore"):
            while not training.is_over:
                epochs.begin()
                epochs.end(epochs.steps(descent) / rows.n_rows)
        epochs.finish()

    def start(self, training: Training, rows: Batches) -> Epochs:
        """Restore the state of the optimiser, or initialise it.

        Parameters
        ----------
        training : Training
            J, the state of training, and the stopping criteria.
        rows : Batches
            The minibatches.

        Returns
        -------
        epochs : Epochs
            Runs the epochs.
        """
        state = training.state
        fresh = self.optimizer.init(state.theta.vector)
        state.claim(name_of(self.optimizer.init), fresh)
        return Epochs(training, rows, self.schedule, self.learning_rate_init)

    def descent(self, training: Training) -> Descent:
        """Return the object that takes the steps.

        Parameters
        ----------
        training : Training
            With the optimiser state that `start` has restored or initialised.

        Returns
        -------
        descent : Descent
            Changes the θ of the training state.
        """
        state = training.state
        rates = self.rates(state.theta)
        return Descent(training.objective, self.optimizer, state.optimizer, rates)


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory BFGS on J(θ) over all rows, by `scipy.optimize.minimize`.

    It only evaluates J and its gradient, so the rows can be anywhere. An earlier fit is
    continued from its parameters, with a new approximation of the Hessian.

    Parameters
    ----------
    max_fun : int, default=15000
        Maximum number of evaluations of J(θ).
    memory : int, default=10
        Number of pairs of steps and gradient changes that approximate the Hessian. More
        pairs take more memory, but may need fewer iterations.

    References
    ----------
    Byrd, Lu, Nocedal & Zhu, *A limited memory algorithm for bound constrained
    optimization*, SIAM Journal on Scientific Computing, 1995.

    Examples
    --------
    >>> from skffnn import LBFGS, FFNNClassifier
    >>> model = FFNNClassifier(solver=LBFGS(memory=20))
    """

    max_fun: int = 15000
    memory: int = 10

    full_batch: ClassVar[bool] = True
    incremental: ClassVar[bool] = False
    unit: ClassVar[str] = "iteration"

    def solve(
        self, training: Training, rows: Callable[[], tuple[float, Array]]
    ) -> None:
        state, criteria = training.state, training.criteria
        theta, first = state.theta.vector, training.n_iter
        state.claim(name_of(self), {})
        accepted = theta.copy()

        def J(x: Array) -> tuple[float, Array]:
            theta[...] = x
            value, grad = rows()
            return value, grad.copy()

        def iteration_ended(intermediate_result: Any) -> None:
            theta[...] = accepted[...] = intermediate_result.x
            # Without a validation set, the gradient decides when to stop, not patience.
            training.end_epoch(
                float(intermediate_result.fun),
                on_stall=lambda score: training.validation is not None,
            )
            if state.converged or training.stopped:
                raise StopIteration

        # The gradient decides (gtol); ftol only detects that J no longer decreases by
        # more than rounding errors.
        options = {
            "maxiter": criteria.max_iter - first,
            "maxfun": self.max_fun,
            "maxcor": self.memory,
            "gtol": criteria.tol,
            "ftol": 64 * np.finfo(np.float64).eps,
        }
        if training.is_over:
            return
        try:
            with one_thread_for_scipy, np.errstate(all="ignore"):
                result = minimize(
                    J,
                    theta.copy(),
                    jac=True,
                    method="L-BFGS-B",
                    callback=iteration_ended,
                    options=options,
                )
                if training.n_iter == 0:  # already converged, or out of evaluations
                    training.end_epoch(float(result.fun))
        finally:
            theta[...] = accepted  # not the last trial point of a line search
        if not np.isfinite(result.jac @ result.jac):
            raise training.diverged("the gradient")
        state.converged = state.converged or result.success
        if not (state.converged or training.stopped):
            training.warn_unconverged(self._limit(training, result))

    def _limit(self, training: Training, result: Any) -> str:
        """Describe what ended L-BFGS before the gradient was small."""
        if training.n_iter >= training.criteria.max_iter:
            return f"max_iter={training.criteria.max_iter} iterations"
        if result.nfev >= self.max_fun:
            return f"max_fun={self.max_fun} evaluations"
        return f"{result.nit} iterations, with no lower loss along the search direction"


def name_of(function: Any) -> str:
    """Return the qualified name of a function, which identifies an optimiser state.

    Parameters
    ----------
    function : callable
        A function, a method, a `functools.partial` of one, or an object.

    Returns
    -------
    name : str
        The name, including the module.
    """
    while isinstance(function, partial):
        function = function.func
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


SolverName = Literal["sgd", "adam", "adamw", "lbfgs"]  # for type checkers
SOLVERS: dict[str, Any] = {**OPTIMIZERS, "lbfgs": LBFGS}
