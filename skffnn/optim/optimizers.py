"""Optimisers: how θ moves, given the gradient g = ∂J/∂θ and a learning rate η.

Conventions: `theta` and `grad` are vectors of shape (..., n_parameters), changed in
place; after a step `grad` holds no gradient any more, it was scratch space. The state
is a dict of plain arrays and numbers, made by `init` and changed by `step`, so that
it can be copied, saved and resumed.

To add an optimiser, write a dataclass with `init` and `step` and enter it in
`SOLVERS`. With an attribute `decoupled` that is True, α Ω is not part of the gradient
but a step of its own, θ ← θ - η α ∂Ω/∂θ. A field that is named like a parameter of
`FFNNClassifier` takes its value from there.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from ..nn.arrays import Array, in_cache

State = dict[str, Any]


@runtime_checkable
class Optimizer(Protocol):
    """What minibatch training asks of an optimiser."""

    def init(self, theta: Array) -> State:
        """Return the state before the first step.

        Parameters
        ----------
        theta : ndarray of shape (..., n_parameters)
            The parameters, for their shape and type.

        Returns
        -------
        state : dict
            Arrays and numbers.
        """

    def step(self, theta: Array, grad: Array, state: State, eta: float) -> None:
        """Move θ.

        Parameters
        ----------
        theta : ndarray of shape (..., n_parameters)
            The parameters.
        grad : ndarray of shape (..., n_parameters)
            The gradient; afterwards, anything.
        state : dict
            What `init` made.
        eta : float
            Learning rate.
        """


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with momentum.

    The velocity v gathers the gradients g, and θ moves with it::

        v ← μ v - η g,    θ ← θ + v                  momentum
                          θ ← θ + μ v - η g          Nesterov's: v a step ahead

    Parameters
    ----------
    momentum : float, default=0.9
        μ; 0 is the lecture's plain gradient descent, θ ← θ - η g.
    nesterovs_momentum : bool, default=True
        Use Nesterov's form.

    References
    ----------
    Sutskever, Martens, Dahl & Hinton, *On the importance of initialization and
    momentum in deep learning*, ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> theta, sgd = np.array([1.0]), SGD(momentum=0.5, nesterovs_momentum=False)
    >>> state = sgd.init(theta)
    >>> for _ in range(2):
    ...     sgd.step(theta, np.array([1.0]), state, eta=0.1)
    >>> theta  # 1 - 0.1 - (0.05 + 0.1)
    array([0.75])
    """

    momentum: float = 0.9
    nesterovs_momentum: bool = True
    decoupled: ClassVar[bool] = False

    def init(self, theta: Array) -> State:
        return {"v": np.zeros_like(theta)} if self.momentum > 0 else {}

    def step(self, theta: Array, grad: Array, state: State, eta: float) -> None:
        mu = self.momentum
        if mu == 0:
            for th, g in in_cache(theta, grad):
                g *= eta
                th -= g  # θ ← θ - η g
            return
        for th, g, v in in_cache(theta, grad, state["v"]):
            g *= eta
            v *= mu
            v -= g  # v ← μ v - η g
            if self.nesterovs_momentum:
                th -= g
                np.multiply(v, mu, out=g)
                th += g  # θ ← θ + μ v - η g
            else:
                th += v  # θ ← θ + v


@dataclass(frozen=True)
class Adam:
    """Adam: steps scaled by running moments of the gradient.

    In step t, with the gradient g::

        m ← β₁ m + (1 - β₁) g                        first moment
        v ← β₂ v + (1 - β₂) g²                       second moment
        θ ← θ - η_t m / (√v + ε),    η_t = η √(1 - β₂ᵗ) / (1 - β₁ᵗ)

    The state holds m / (1 - β₁) and v / (1 - β₂), which saves two passes over the
    parameters; the factors are made up for in η_t and ε.

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of the moments, in [0, 1).
    epsilon : float, default=1e-8
        ε.

    References
    ----------
    Kingma & Ba, *Adam: a method for stochastic optimization*, ICLR 2015, in the
    form at the end of its section 2.

    Examples
    --------
    The first step has length η, whatever the gradient's:

    >>> import numpy as np
    >>> theta, adam = np.array([1.0, 1.0]), Adam()
    >>> adam.step(theta, np.array([0.5, 2.0]), adam.init(theta), eta=0.1)
    >>> theta.round(6)
    array([0.9, 0.9])
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    decoupled: ClassVar[bool] = False

    def init(self, theta: Array) -> State:
        return {"t": 0, "m": np.zeros_like(theta), "v": np.zeros_like(theta)}

    def step(self, theta: Array, grad: Array, state: State, eta: float) -> None:
        state["t"] += 1
        beta_1, beta_2, t = self.beta_1, self.beta_2, state["t"]
        scale_m, scale_v = 1 - beta_1, sqrt(1 - beta_2)
        eta_t = eta * sqrt(1 - beta_2**t) / (1 - beta_1**t) * scale_m / scale_v
        epsilon = self.epsilon / scale_v
        for th, g, m, v in in_cache(theta, grad, state["m"], state["v"]):
            m *= beta_1
            m += g  # m ← β₁ m + g
            v *= beta_2
            np.square(g, out=g)
            v += g  # v ← β₂ v + g²
            np.sqrt(v, out=g)
            g += epsilon
            np.divide(m, g, out=g)
            g *= eta_t
            th -= g  # θ ← θ - η_t m / (√v + ε)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← θ - η (step of Adam + α ∂Ω/∂θ).

    The penalty is kept out of the moments, so that all weights decay at one rate.
    `alpha` is then the weight decay, for which 0.01 is a common choice.

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of the moments, in [0, 1).
    epsilon : float, default=1e-8
        ε.

    References
    ----------
    Loshchilov & Hutter, *Decoupled weight decay regularization*, ICLR 2019.

    Examples
    --------
    >>> from skffnn import AdamW, FFNNClassifier
    >>> model = FFNNClassifier(solver=AdamW(beta_2=0.95), alpha=0.01)
    """

    decoupled: ClassVar[bool] = True


class Rated:
    """An optimiser whose steps are scaled: θ ← θ + r ⊙ (its step).

    Parameters
    ----------
    optimizer : Optimizer
        What takes the steps; the state is its own.
    rates : ndarray of shape (..., n_parameters)
        r, a factor on the learning rate of each parameter.

    Examples
    --------
    >>> import numpy as np
    >>> theta, sgd = np.array([1.0, 1.0]), Rated(SGD(momentum=0), np.array([1.0, 0.1]))
    >>> sgd.step(theta, np.array([1.0, 1.0]), sgd.init(theta), eta=0.5)
    >>> theta
    array([0.5 , 0.95])
    """

    def __init__(self, optimizer: Optimizer, rates: Array) -> None:
        self.optimizer = optimizer
        self.rates = rates
        self.init = optimizer.init
        self.decoupled = getattr(optimizer, "decoupled", False)
        self._start = np.empty_like(rates)

    def step(self, theta: Array, grad: Array, state: State, eta: float) -> None:
        self._start[...] = theta
        self.optimizer.step(theta, grad, state, eta)
        theta -= self._start
        theta *= self.rates
        theta += self._start  # θ ← θ + r ⊙ step


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory BFGS on the whole of J(θ), by `scipy.optimize.minimize`.

    It has no step of its own: `training` hands it J(θ) and the gradient over all rows.

    Parameters
    ----------
    max_fun : int, default=15000
        Most evaluations of J(θ).
    memory : int, default=10
        Pairs of steps and gradient changes that stand for the Hessian.

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


SOLVERS: dict[str, type[Optimizer] | type[LBFGS]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "lbfgs": LBFGS,
}
