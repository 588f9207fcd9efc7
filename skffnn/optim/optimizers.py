"""Optimisers: the update Δ of θ, given the gradient g = ∂J/∂θ and a learning rate η.

An optimiser does not change θ: it returns Δ, and the training loop adds it, θ ← θ + Δ.

Conventions: `theta` and `grad` are vectors of shape (..., n_parameters); `grad` is
scratch space once it has been read, and may be returned. The state is a dict of
plain arrays and numbers, made by `init` and changed in place by `update`, so that it
can be copied, saved and resumed. In a stack of networks, the numbers of an optimiser,
such as β₁, may be arrays of shape (...) with a value for each network. A number in the
state is shared by all of them, so it must not depend on a hyperparameter: β₁ᵗ is
computed from t.

To add an optimiser, write a dataclass with `init` and `update` and register it in
`OPTIMIZERS`. If its attribute `decoupled` is True, α Ω is not part of the gradient; the
weights decay in a separate step, θ ← θ - η α ∂Ω/∂θ. A field named like a parameter of
the estimator takes its value from there. If a class inherits `init`, training can
continue from a state of its base class: define `init` if the entries of the state have
another meaning.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from ..nn.arrays import Array, columns, in_cache

State = dict[str, Any]


@runtime_checkable
class Optimizer(Protocol):
    """Interface of an optimiser for minibatch training."""

    def init(self, theta: Array) -> State:
        """Return the state before the first step.

        Parameters
        ----------
        theta : ndarray of shape (..., n_parameters)
            The parameters; only their shape and type are used.

        Returns
        -------
        state : dict
            Arrays and numbers.
        """

    def update(self, grad: Array, state: State, eta: Any) -> Array:
        """Return the update to add to θ.

        Parameters
        ----------
        grad : ndarray of shape (..., n_parameters)
            The gradient; may be overwritten.
        state : dict
            The state from `init`; changed in place.
        eta : float or ndarray of shape (...)
            Learning rate.

        Returns
        -------
        delta : ndarray of shape (..., n_parameters)
            The update Δ. It may be `grad` or an array of the state, and is read before
            the next call.
        """


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with momentum.

    The velocity v accumulates the gradients g and is added to θ, θ ← θ + Δ::

        v ← μ v - η g,    Δ = v                      momentum
                          Δ = μ v - η g              Nesterov's: v a step ahead

    Parameters
    ----------
    momentum : float, default=0.9
        μ; 0 is plain gradient descent, θ ← θ - η g.
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum.

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
    ...     theta += sgd.update(np.array([1.0]), state, eta=0.1)
    >>> theta  # 1 - 0.1 - (0.05 + 0.1)
    array([0.75])
    """

    momentum: float = 0.9
    nesterovs_momentum: bool = True
    decoupled: ClassVar[bool] = False

    def init(self, theta: Array) -> State:
        return {"v": np.zeros_like(theta)} if np.any(self.momentum) else {}

    def update(self, grad: Array, state: State, eta: Any) -> Array:
        mu, eta = columns(grad, self.momentum, eta)
        if "v" not in state:  # μ = 0
            grad *= -eta
            return grad  # Δ = -η g
        for g, v in in_cache(grad, state["v"]):
            g *= -eta
            v *= mu
            v += g  # v ← μ v - η g
            if self.nesterovs_momentum:
                g += mu * v  # Δ = μ v - η g
        return grad if self.nesterovs_momentum else state["v"]


@dataclass(frozen=True)
class Adam:
    """Adam: steps scaled by running averages of the gradient and its square.

    In step t, with the gradient g::

        m ← β₁ m + (1 - β₁) g                        first moment
        v ← β₂ v + (1 - β₂) g²                       second moment
        Δ = -η_t m / (√v + ε),    η_t = η √(1 - β₂ᵗ) / (1 - β₁ᵗ)

    The state holds m / (1 - β₁) and v / (1 - β₂), which saves two passes over the
    parameters; η_t and ε are rescaled to make up for the factors.

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the moments, in [0, 1). Larger values average over more steps.
    epsilon : float, default=1e-8
        ε, which limits the steps of parameters with tiny gradients.

    References
    ----------
    Kingma & Ba, *Adam: a method for stochastic optimization*, ICLR 2015, in the
    form at the end of its section 2.

    Examples
    --------
    The first step has size η, whatever the size of the gradient:

    >>> import numpy as np
    >>> theta, adam = np.array([1.0, 1.0]), Adam()
    >>> adam.update(np.array([0.5, 2.0]), adam.init(theta), eta=0.1).round(6)
    array([-0.1, -0.1])
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    decoupled: ClassVar[bool] = False

    def init(self, theta: Array) -> State:
        return {"t": 0, "m": np.zeros_like(theta), "v": np.zeros_like(theta)}

    def update(self, grad: Array, state: State, eta: Any) -> Array:
        state["t"] += 1
        beta_1, beta_2, t = self.beta_1, self.beta_2, state["t"]
        scale_m, scale_v = 1 - beta_1, (1 - beta_2) ** 0.5
        eta_t = eta * (1 - beta_2**t) ** 0.5 / (1 - beta_1**t) * scale_m / scale_v
        epsilon = self.epsilon / scale_v
        beta_1, beta_2, eta_t, epsilon = columns(grad, beta_1, beta_2, eta_t, epsilon)
        for g, m, v in in_cache(grad, state["m"], state["v"]):
            m *= beta_1
            m += g  # m ← β₁ m + g
            v *= beta_2
            np.square(g, out=g)
            v += g  # v ← β₂ v + g²
            np.sqrt(v, out=g)
            g += epsilon
            np.divide(m, g, out=g)
            g *= -eta_t  # Δ = -η_t m / (√v + ε)
        return grad


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← θ + (Δ of Adam) - η α ∂Ω/∂θ.

    The penalty does not enter the moments, so all weights decay at the same rate.
    `alpha` is the weight decay, for which 0.01 is a common choice.

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the moments, as in `Adam`.
    epsilon : float, default=1e-8
        ε, as in `Adam`.

    References
    ----------
    Loshchilov & Hutter, *Decoupled weight decay regularization*, ICLR 2019.

    Examples
    --------
    >>> from skffnn import AdamW, FFNNClassifier
    >>> model = FFNNClassifier(solver=AdamW(beta_2=0.95), alpha=0.01)
    """

    decoupled: ClassVar[bool] = True


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
