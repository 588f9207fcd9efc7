"""Solvers, which minimise J(θ): on minibatches, or on all rows at once.

A full-batch solver is a function: it takes J, the first θ and the criteria for ending,
and returns what it found (`Solver`). To add one, write a dataclass with `minimise`,
register it in `SOLVERS`, and name it in `PARAMETERS` in `skffnn/estimator.py`. A field
named like a parameter of the estimator takes its value from there. For a new update
rule for minibatches, an optimiser is enough (`skffnn.optim.optimizers`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from threading import Lock
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import ThreadpoolController

from ..nn.arrays import Array
from ..nn.parameters import Parameters
from .optimizers import OPTIMIZERS, Optimizer
from .progress import StoppingCriteria
from .schedules import Clock, Schedule


class OneThread:
    """Context manager that limits BLAS libraries to one thread.

    The limit applies to the whole process. If several users overlap, the first one sets
    it and the last one restores it.

    Parameters
    ----------
    libraries : callable
        Returns a controller of the libraries.
    """

    def __init__(self, libraries: Callable[[], ThreadpoolController]) -> None:
        self._libraries = libraries
        self._lock = Lock()
        self._users = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._limit = self._libraries().limit(limits=1)
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._limit.restore_original_limits()
                self._limit = None


@cache
def blas_of_scipy() -> ThreadpoolController:
    """Return a controller for the BLAS in a SciPy wheel; cached because it is slow."""
    controller = ThreadpoolController()
    folders = ("scipy.libs", "scipy/.dylibs")
    paths = [library["filepath"] for library in controller.info()]
    own = [path for path in paths if any(folder in path for folder in folders)]
    return controller.select(filepath=own)


@cache
def all_blas() -> ThreadpoolController:
    """Return a controller for every BLAS; cached because it is slow."""
    return ThreadpoolController().select(user_api="blas")


# The wheels of NumPy and SciPy each bundle a BLAS, whose threads keep spinning for a
# while after a call. L-BFGS alternates between the two. On its short vectors, SciPy's
# threads save only a third of the time that they cost NumPy's. A BLAS that both share
# is not limited.
one_thread_for_scipy = OneThread(blas_of_scipy)

# For running as many tasks in parallel as there are cores. The number of threads may
# also change the last bits of a matrix product.
one_thread = OneThread(all_blas)


Function = Callable[[Array], tuple[float, Array]]


class Found(NamedTuple):
    """What a full-batch solver has found.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The last θ.
    value : float
        J(θ).
    limit : str or None
        What ended it before it had converged, for the warning; None if it converged or
        was told to end.
    """

    theta: Array
    value: float
    limit: str | None = None


@runtime_checkable
class Solver(Protocol):
    """Interface of a full-batch solver, which needs J and its gradient over all rows.

    Training then uses float64.

    Examples
    --------
    Gradient descent:

    >>> from skffnn import FFNNClassifier
    >>> from skffnn.optim.solvers import Found
    >>> class GradientDescent:
    ...     def minimise(self, J, theta, criteria, end_iteration):
    ...         value, grad = J(theta)
    ...         while True:
    ...             theta = theta - 0.5 * grad
    ...             value, grad = J(theta)
    ...             if end_iteration(theta, value):
    ...                 return Found(theta, value)
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]
    >>> model = FFNNClassifier((), solver=GradientDescent(), max_iter=100)
    >>> model.fit(X, y).score(X, y)
    1.0
    """

    def minimise(
        self,
        J: Function,
        theta: Array,
        criteria: StoppingCriteria,
        end_iteration: Callable[..., bool],
    ) -> Found:
        """Minimise J(θ).

        Parameters
        ----------
        J : callable
            Takes θ and returns J(θ) and ∂J/∂θ.
        theta : ndarray of shape (n_parameters,)
            The first θ. It may be changed in place.
        criteria : StoppingCriteria
            `max_iter`, the number of iterations, and `tol`. It is called only if there
            is an iteration left.
        end_iteration : callable
            To be called after each iteration with θ and J(θ), and with the learning
            rate, if there is one. It records them, and returns whether to end.

        Returns
        -------
        found : Found
            The last θ, and what ended the search.
        """


@dataclass(frozen=True)
class StochasticSolver:
    """Minibatch training: an optimiser, a schedule, η_0 and rates of the parameters.

    `rates` takes θ and returns a learning-rate multiplier for each parameter, or None.
    """

    optimizer: Optimizer
    schedule: Schedule
    learning_rate_init: float
    rates: Callable[[Parameters], Array | None]

    def eta(self, clock: Clock) -> float:
        """Return the learning rate."""
        return self.learning_rate_init * self.schedule.factor(clock)


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

    def minimise(
        self,
        J: Function,
        theta: Array,
        criteria: StoppingCriteria,
        end_iteration: Callable[..., bool],
    ) -> Found:
        told_to_end = False

        def callback(intermediate_result: Any) -> None:
            nonlocal told_to_end
            value = float(intermediate_result.fun)
            told_to_end = end_iteration(intermediate_result.x, value)
            if told_to_end:
                raise StopIteration

        # The gradient decides (gtol); ftol only detects that J no longer decreases by
        # more than rounding errors.
        options = {
            "maxiter": criteria.max_iter,
            "maxfun": self.max_fun,
            "maxcor": self.memory,
            "gtol": criteria.tol,
            "ftol": 64 * np.finfo(np.float64).eps,
        }
        with one_thread_for_scipy:
            result = minimize(
                J,
                theta,
                jac=True,
                method="L-BFGS-B",
                callback=callback,
                options=options,
            )
        if not np.isfinite(result.jac @ result.jac):
            raise FloatingPointError("the gradient")
        limit = None
        if not (told_to_end or result.success):
            limit = self._limit(criteria, result)
        return Found(result.x, float(result.fun), limit)

    def _limit(self, criteria: StoppingCriteria, result: Any) -> str:
        """Describe what ended L-BFGS before the gradient was small."""
        if result.nit >= criteria.max_iter:
            return f"{result.nit} iterations"
        if result.nfev >= self.max_fun:
            return f"max_fun={self.max_fun} evaluations"
        return f"{result.nit} iterations, with no lower loss along the search direction"


def name_of(function: Any) -> str:
    """Return the qualified name of a function, which identifies an optimiser state.

    A `functools.partial` has the name of its function, and any other object that of its
    class.
    """
    while isinstance(function, partial):
        function = function.func
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


SolverName = Literal["sgd", "adam", "adamw", "lbfgs"]  # for type checkers
SOLVERS: dict[str, Any] = {**OPTIMIZERS, "lbfgs": LBFGS}
