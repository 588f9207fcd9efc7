"""The objective J(θ) = 1/S Σ_t s_t ℓ(f(x_t | θ), y_t) + α Ω(θ) and its gradient.

The first term, the data term, is the weighted mean over the rows: s_t is the sample
weight of row t and S = Σ_t s_t. It is a quotient of sums, which can be computed part by
part: `sums` returns Σ s ℓ, its gradient and Σ s over any part of the rows, on any
machine. Once these are added up over all parts, `from_sums` divides.

A minibatch of B rows gives an estimate: the weighted sum of its losses, divided by B.
The weights s have mean 1 over the training set, so the gradient is unbiased. Both cases
use `data_term`, with weights w = s for a sum and w = s / B for a minibatch.

θ may be a stack of M networks, an array of shape (M, n_parameters). All values are then
arrays of shape (M,), and α may be one.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .arrays import Array, column, number
from .losses import Loss
from .network import Network
from .parameters import Parameters
from .penalties import Penalty

Batch = tuple[Any, Array, Array]  # x, y, and the weights w as a column


class Objective:
    """The objective J(θ), for a θ that training changes in place.

    Parameters
    ----------
    theta : Parameters
        θ.
    network : Network
        The network, whose weights and biases are those of θ.
    loss : Loss
        Output map and loss.
    penalty : Penalty
        Ω.
    alpha : float or ndarray of shape (...)
        Strength of the penalty.
    dropout : Dropout or StackedDropout, default=None
        Dropout in training; None for no dropout.
    """

    def __init__(
        self,
        theta: Parameters,
        network: Network,
        loss: Loss,
        penalty: Penalty,
        alpha: Any,
        dropout: Any = None,
    ) -> None:
        self.theta = theta
        self.network = network
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.dropout = dropout

    def data_term(self, batch: Batch, grad: Parameters) -> Any:
        """Compute Σ_t w_t ℓ(f(x_t), y_t) over the rows of a batch, and its gradient.

        Parameters
        ----------
        batch : tuple (x, y, w)
            Rows of shape (..., n, D(0)), targets of shape (..., n, D(L+1)), and weights
            of shape (..., n, 1).
        grad : Parameters
            Receives the gradient.

        Returns
        -------
        value : float or ndarray of shape (...)
            The weighted sum of the losses.
        """
        x, y, w = batch
        a = self.network.forward(x, train=True, dropout=self.dropout)
        value = self.weighted_loss(a, y, w)  # a is now ∂ℓ/∂a
        a *= w
        self.network.backward(x, a, grad)
        return value

    def weighted_loss(self, a: Array, y: Array, w: Array) -> Any:
        """Return Σ_t w_t ℓ(f(x_t), y_t) and turn the logits `a` into ∂ℓ/∂a.

        Parameters
        ----------
        a : ndarray of shape (..., n, D(L+1))
            Logits, overwritten.
        y : ndarray of shape (..., n, D(L+1))
            Targets.
        w : ndarray of shape (..., n, 1)
            Weights.

        Returns
        -------
        value : float or ndarray of shape (...)
            The weighted sum of the losses.
        """
        ell = self.loss.loss_and_error(a, y)
        return number(np.vecdot(w[..., 0], ell[..., 0]))  # Σ w ℓ

    def penalty_term(self, grad: Parameters | None = None) -> Any:
        """Return α Ω(θ).

        Parameters
        ----------
        grad : Parameters, default=None
            If given, α ∂Ω/∂θ is added to it.

        Returns
        -------
        value : float or ndarray of shape (...)
            The penalty.
        """
        if not isinstance(self.alpha, np.ndarray) and self.alpha == 0:
            return 0.0
        W = self.theta.weights
        if grad is not None:
            self.penalty.add_gradient(W, column(self.alpha, W.dtype), grad.weights)
        return self.alpha * self.penalty.value(W)

    def decay(self, eta: Any) -> None:
        """Take one step of decoupled weight decay, θ ← θ - η α ∂Ω/∂θ.

        Parameters
        ----------
        eta : float or ndarray of shape (...)
            Learning rate.
        """
        W = self.theta.weights
        self.penalty.add_gradient(W, column(-eta * self.alpha, W.dtype), W)

    def sums(
        self, blocks: Iterable[Batch], grad: Parameters, part: Parameters
    ) -> tuple[Any, Any]:
        """Compute Σ s ℓ, its gradient and Σ s over some rows, block by block.

        The sums over different parts of the rows can be added up.

        Parameters
        ----------
        blocks : iterable of (x, y, s)
            The rows, with their sample weights s as a column.
        grad : Parameters
            Receives the gradient of Σ s ℓ.
        part : Parameters
            Scratch space for the gradient of one block.

        Returns
        -------
        value : float or ndarray of shape (...)
            Σ s ℓ.
        weight : float or ndarray of shape (...)
            Σ s.
        """
        value: Any = 0.0
        weight: Any = 0.0
        grad.vector[...] = 0
        for batch in blocks:
            value += self.data_term(batch, part)
            grad.vector += part.vector
            weight += number(batch[2].sum(axis=(-2, -1)))
        return value, weight

    def from_sums(self, value: Any, weight: Any, grad: Parameters) -> Any:
        """Return J(θ) = Σ s ℓ / Σ s + α Ω(θ) from the sums over all rows.

        Parameters
        ----------
        value : float or ndarray of shape (...)
            Σ s ℓ.
        weight : float or ndarray of shape (...)
            Σ s.
        grad : Parameters
            The gradient of Σ s ℓ; becomes ∂J/∂θ.

        Returns
        -------
        J : float or ndarray of shape (...)
            The objective.
        """
        grad.vector /= column(weight, grad.vector.dtype)
        return value / weight + self.penalty_term(grad)


class FullBatch:
    """J(θ) and its gradient over all rows, as a function.

    Parameters
    ----------
    objective : Objective
        J, and the θ at which it is evaluated.
    blocks : iterable of (x, y, s)
        All rows, in blocks, so that memory use does not grow with their number.
    """

    def __init__(self, objective: Objective, blocks: Iterable[Batch]) -> None:
        self.objective = objective
        self.blocks = blocks
        self.grad = Parameters.zeros_like(objective.theta)
        self._part = Parameters.zeros_like(objective.theta)

    def __call__(self) -> tuple[float, Array]:
        """Evaluate J and its gradient at the current θ.

        Returns
        -------
        value : float
            J(θ).
        grad : ndarray of shape (n_parameters,)
            ∂J/∂θ, in an array that is overwritten by the next call.
        """
        value, weight = self.sums()
        return self.objective.from_sums(value, weight, self.grad), self.grad.vector

    def sums(self) -> tuple[float, float]:
        """Return Σ s ℓ and Σ s over all rows, and store the gradient in `grad`.

        Returns
        -------
        value, weight : float
            Σ s ℓ and Σ s.
        """
        dropout = self.objective.dropout
        masks: Any = None if dropout is None else dropout.rng.bit_generator.state
        value, weight = self.objective.sums(self.blocks, self.grad, self._part)
        if dropout is not None:
            # Draw the same masks in the next call, so that J is a function of θ.
            dropout.rng.bit_generator.state = masks
        return value, weight
