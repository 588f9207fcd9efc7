"""The objective J(θ) = 1/S Σ_t s_t ℓ(f(x_t | θ), y_t) + α Ω(θ) and its gradient.

The first term, the data term, is the weighted average over the rows: s_t is
the sample weight of row t and S = Σ_t s_t. It is a sum over rows, and a sum does not
know the whole: `sums` returns Σ s ℓ, its gradient and Σ s for any part of the rows,
wherever they are, and whoever holds the sums of all parts divides, in `from_sums`.

A minibatch is an estimate: its loss is its weighted sum over its number of rows, with
weights s of mean 1 over the training set, so that the gradient is unbiased. Both go
through `data_term`, whose weights w are s for a sum, and s / B for a batch of B rows.

θ may be a stack of networks, a vector of shape (M, n_parameters): all values are then
arrays of shape (M,), and so may α be.
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
    """J(θ), for one θ that training changes in place.

    Parameters
    ----------
    theta : Parameters
        θ.
    network : Network
        The network of θ's weights and biases.
    loss : Loss
        Output map and loss.
    penalty : Penalty
        Ω.
    alpha : float or ndarray of shape (...)
        Strength of the penalty.
    dropout : Dropout or StackedDropout, default=None
        Applied in training.
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
        """Return Σ_t w_t ℓ(f(x_t), y_t) over the rows of a batch, and its gradient.

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
            α ∂Ω/∂θ is added to it.

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
        """Return Σ s ℓ and Σ s over some of the rows, block by block.

        The sums over all rows are those over their parts, added up.

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
        J, and the θ that it is evaluated at.
    blocks : iterable of (x, y, s)
        All rows, a block at a time, so that memory does not grow with their number.
    """

    def __init__(self, objective: Objective, blocks: Iterable[Batch]) -> None:
        self.objective = objective
        self.blocks = blocks
        self.grad = Parameters.zeros_like(objective.theta)
        self._part = Parameters.zeros_like(objective.theta)

    def __call__(self) -> tuple[float, Array]:
        """Evaluate J at θ as it is now.

        Returns
        -------
        value : float
            J(θ).
        grad : ndarray of shape (n_parameters,)
            ∂J/∂θ, in an array that the next call overwrites.
        """
        value, weight = self.sums()
        return self.objective.from_sums(value, weight, self.grad), self.grad.vector

    def sums(self) -> tuple[float, float]:
        """Return the sums that J is made from, and leave the gradient in `grad`.

        Returns
        -------
        value, weight : float
            Σ s ℓ and Σ s.
        """
        dropout = self.objective.dropout
        masks: Any = None if dropout is None else dropout.rng.bit_generator.state
        value, weight = self.objective.sums(self.blocks, self.grad, self._part)
        if dropout is not None:
            # The next call draws the same masks: J has to be a function of θ.
            dropout.rng.bit_generator.state = masks
        return value, weight
