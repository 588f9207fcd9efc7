"""The objective J(θ) = 1/S Σ_t s_t ℓ(f(x_t | θ), y_t) + α Ω(θ) and its gradient.

The first term, the data term, is the weighted mean over the rows: s_t is the sample
weight of row t and S = Σ_t s_t. It is a quotient of sums, so it can be computed in
parts, even on several machines: `sums` returns Σ s ℓ, its gradient and Σ s over some of
the rows, and `from_sums` divides when all are added up.

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
from .parameters import Parameters, Penalty

Batch = tuple[Any, Array, Array]  # x, y, and the weights w as a column


class Objective:
    """The objective J(θ), for a θ that training changes in place.

    The weights and biases of the network are those of θ; α is a float, or an array of
    shape (...) for a stack.
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
        """Return Σ_t w_t ℓ(f(x_t), y_t) over a batch, and write its gradient.

        It has rows of shape (..., n, D(0)), targets of shape (..., n, D(L+1)) and
        weights of shape (..., n, 1).
        """
        x, y, w = batch
        a = self.network.forward(x, train=True, dropout=self.dropout)
        value = self.weighted_loss(a, y, w)  # a is now ∂ℓ/∂a
        a *= w
        self.network.backward(x, a, grad)
        return value

    def weighted_loss(self, a: Array, y: Array, w: Array) -> Any:
        """Return Σ_t w_t ℓ(f(x_t), y_t) and turn the logits `a` into ∂ℓ/∂a.

        a and y have shape (..., n, D(L+1)), and w has shape (..., n, 1).
        """
        ell = self.loss.loss_and_error(a, y)
        return number(np.vecdot(w[..., 0], ell[..., 0]))  # Σ w ℓ

    def penalty_term(self, grad: Parameters | None = None) -> Any:
        """Return α Ω(θ), and add α ∂Ω/∂θ to the gradient if it is given."""
        if not isinstance(self.alpha, np.ndarray) and self.alpha == 0:
            return 0.0
        W = self.theta.weights
        if grad is not None:
            self.penalty.add_gradient(W, column(self.alpha, W.dtype), grad.weights)
        return self.alpha * self.penalty.value(W)

    def decay(self, eta: Any) -> None:
        """Take one step of decoupled weight decay, θ ← θ - η α ∂Ω/∂θ."""
        W = self.theta.weights
        self.penalty.add_gradient(W, column(-eta * self.alpha, W.dtype), W)

    def sums(
        self, blocks: Iterable[Batch], grad: Parameters, part: Parameters
    ) -> tuple[Any, Any]:
        """Return Σ s ℓ and Σ s over some rows, block by block, and write ∂(Σ s ℓ)/∂θ.

        A block is (x, y, s). `part` is scratch space for the gradient of one block. The
        sums over different parts of the rows can be added up.
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

        The gradient of Σ s ℓ becomes ∂J/∂θ.
        """
        grad.vector /= column(weight, grad.vector.dtype)
        return value / weight + self.penalty_term(grad)


class FullBatch:
    """J(θ) and its gradient over all rows, as a function of the θ of an objective.

    The rows come in blocks, so that memory use does not grow with their number.
    """

    def __init__(self, objective: Objective, blocks: Iterable[Batch]) -> None:
        self.objective = objective
        self.blocks = blocks
        self.grad = Parameters.zeros_like(objective.theta)
        self._part = Parameters.zeros_like(objective.theta)

    def __call__(self) -> tuple[float, Array]:
        """Return J(θ) and ∂J/∂θ, in an array that the next call overwrites."""
        value, weight = self.sums()
        return self.objective.from_sums(value, weight, self.grad), self.grad.vector

    def sums(self) -> tuple[float, float]:
        """Return Σ s ℓ and Σ s over all rows, and store the gradient in `grad`."""
        dropout = self.objective.dropout
        masks: Any = None if dropout is None else dropout.rng.bit_generator.state
        value, weight = self.objective.sums(self.blocks, self.grad, self._part)
        if dropout is not None:
            # Draw the same masks in the next call, so that J is a function of θ.
            dropout.rng.bit_generator.state = masks
        return value, weight
