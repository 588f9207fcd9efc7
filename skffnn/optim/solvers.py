"""Solvers: the ways to minimise J(θ).

A solver is given a `Training` and what it needs of the rows: minibatches, or, if
`full_batch` is true, J and its gradient over all rows as a function. It changes θ, says
`training.end_epoch` after each epoch, and returns when `training.is_over`. Nothing else
in the package asks which solver it is.

To add a solver, write a dataclass with the attributes of `Solver`, enter it in
`SOLVERS`, and name it in the docstring of `FFNNClassifier`. A field with the name of a
parameter of the estimator takes its value from there. For a new rule of stepping over
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
    """What a fit asks of a solver.

    Attributes
    ----------
    full_batch : bool
        Whether `solve` needs J and its gradient over all rows, and not minibatches.
        Training is then in float64.
    incremental : bool
        Whether it can train on rows that it sees once, as `partial_fit` does.
    unit : str
        What it counts: "epoch" or "iteration".
    """

    full_batch: ClassVar[bool]
    incremental: ClassVar[bool]
    unit: ClassVar[str]

    def solve(self, training: Training, rows: Any) -> None:
        """Minimise J(θ), from the θ and the state that are there.

        Parameters
        ----------
        training : Training
            J, the state of training, and when to stop. What is to be found again when
            training is continued is kept by `training.state.claim`. A solver that has a
            learning rate also sets `training.eta`, which the error names if training
            diverges. One that ends before it has converged says so by
            `training.warn_unconverged`, and ignores floating-point errors of NumPy:
            `end_epoch` tells of numbers that are not finite.
        rows : Batches or FullBatch
            The minibatches; or a function that returns J and its gradient over all
            rows, in an array that its next call overwrites.
        """


@dataclass(frozen=True)
class StochasticSolver:
    """A step for each minibatch: the update of an optimiser, at the rate of a schedule.

    Parameters
    ----------
    optimizer : Optimizer
        Turns gradients into updates.
    schedule : Schedule
        The learning rate over time.
    learning_rate_init : float
        η_0.
    rates : callable
        From θ to factors on the learning rate of each parameter, or None.
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
        """Take up the state of the optimiser, or start it anew.

        Parameters
        ----------
        training : Training
            J, the state of training, and when to stop.
        rows : Batches
            The minibatches.

        Returns
        -------
        epochs : Epochs
            What surrounds the steps.
        """
        state = training.state
        fresh = self.optimizer.init(state.theta.vector)
        state.claim(name_of(self.optimizer.init), fresh)
        return Epochs(training, rows, self.schedule, self.learning_rate_init)

    def descent(self, training: Training) -> Descent:
        """Return what makes the steps.

        Parameters
        ----------
        training : Training
            With the state of the optimiser that `start` has taken up.

        Returns
        -------
        descent : Descent
            Steps of the θ of the state.
        """
        state = training.state
        rates = self.rates(state.theta)
        return Descent(training.objective, self.optimizer, state.optimizer, rates)


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory BFGS on J(θ) over all rows, by `scipy.optimize.minimize`.

    It does not know where the rows are: it evaluates J and its gradient. An earlier fit
    is continued from its parameters; the approximation of the Hessian starts anew.

    Parameters
    ----------
    max_fun : int, default=15000
        Maximum number of evaluations of J(θ).
    memory : int, default=10
        Pairs of steps and gradient changes that approximate the Hessian.

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
            # Without a validation set the gradient decides, and not patience.
            training.end_epoch(
                float(intermediate_result.fun),
                on_stall=lambda score: training.validation is not None,
            )
            if state.converged or training.stopped:
                raise StopIteration

        # The gradient decides (gtol); that J cannot get smaller is told from rounding.
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
                if training.n_iter == 0:  # nothing to gain, or no evaluation left
                    training.end_epoch(float(result.fun))
        finally:
            theta[...] = accepted  # and not where a line search was
        if not np.isfinite(result.jac @ result.jac):
            raise training.diverged("the gradient")
        state.converged = state.converged or result.success
        if not (state.converged or training.stopped):
            training.warn_unconverged(self._limit(training, result))

    def _limit(self, training: Training, result: Any) -> str:
        """Say what ended L-BFGS before the gradient was small."""
        if training.n_iter >= training.criteria.max_iter:
            return f"max_iter={training.criteria.max_iter} iterations"
        if result.nfev >= self.max_fun:
            return f"max_fun={self.max_fun} evaluations"
        return f"{result.nit} iterations, with no lower loss along the search direction"


def name_of(function: Any) -> str:
    """Return the name of a function, which tells whose state a file holds.

    Parameters
    ----------
    function : callable
        A function, a method, a `functools.partial` of one, or an object.

    Returns
    -------
    name : str
        With its module.
    """
    while isinstance(function, partial):
        function = function.func
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


SolverName = Literal["sgd", "adam", "adamw", "lbfgs"]  # for type checkers
SOLVERS: dict[str, Any] = {**OPTIMIZERS, "lbfgs": LBFGS}
