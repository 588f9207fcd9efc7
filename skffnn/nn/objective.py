"""The objective J(θ) = Σ_t w_t ℓ(f(x_t | θ), y_t) + α Ω(θ) and its gradient.

The weights w_t of the rows are s_t / S, where s_t is the sample weight and S their
sum, so that the first term is the lecture's average over the data. It is a sum over
rows: the data term of a set of rows is the sum of those of any partition of it, and
so is its gradient. Minibatches (w_t = s_t / B, with s of mean 1 and B rows: an
unbiased estimate), the blocks of a full batch, and validation all call `data_term`.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .arrays import Array
from .losses import Loss
from .network import Dropout, Network
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
    alpha : float
        The lecture's λ.
    dropout : Dropout, default=None
        Applied in training.
    """

    def __init__(
        self,
        theta: Parameters,
        network: Network,
        loss: Loss,
        penalty: Penalty,
        alpha: float,
        dropout: Dropout | None = None,
    ) -> None:
        self.theta = theta
        self.network = network
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.dropout = dropout

    def data_term(self, batch: Batch, grad: Parameters | None = None) -> float:
        """Return Σ_t w_t ℓ(f(x_t), y_t) over the rows of a batch.

        Parameters
        ----------
        batch : tuple (x, y, w)
            Rows of shape (n, D(0)), targets of shape (n, D(L+1)), and weights of
            shape (n, 1).
        grad : Parameters, default=None
            Receives the gradient; None computes the loss alone, without dropout.

        Returns
        -------
        value : float
            The weighted sum of the losses.
        """
        x, y, w = batch
        if grad is None:
            a = self.network.forward(x)
        else:
            a = self.network.forward(x, train=True, dropout=self.dropout)
        value = self.weighted_loss(a, y, w)  # a is now ∂ℓ/∂a
        if grad is not None:
            a *= w
            self.network.backward(x, a, grad)
        return value

    def weighted_loss(self, a: Array, y: Array, w: Array) -> float:
        """Return Σ_t w_t ℓ(f(x_t), y_t) and turn the logits `a` into ∂ℓ/∂a.

        Parameters
        ----------
        a : ndarray of shape (n, D(L+1))
            Logits, overwritten.
        y : ndarray of shape (n, D(L+1))
            Targets.
        w : ndarray of shape (n, 1)
            Weights.

        Returns
        -------
        value : float
            The weighted sum of the losses.
        """
        return float(np.vdot(w, self.loss.loss_and_error(a, y)))

    def penalty_term(self, grad: Parameters | None = None) -> float:
        """Return α Ω(θ).

        Parameters
        ----------
        grad : Parameters, default=None
            α ∂Ω/∂θ is added to it.

        Returns
        -------
        value : float
            The penalty.
        """
        if self.alpha == 0:
            return 0.0
        W = self.theta.weights
        if grad is not None:
            self.penalty.add_gradient(W, self.alpha, grad.weights)
        return self.alpha * self.penalty.value(W)

    def decay(self, eta: float) -> None:
        """Take one step of decoupled weight decay, θ ← θ - η α ∂Ω/∂θ.

        Parameters
        ----------
        eta : float
            Learning rate.
        """
        W = self.theta.weights
        self.penalty.add_gradient(W, -eta * self.alpha, W)

    def full(
        self, blocks: Iterable[Batch], grad: Parameters, part: Parameters
    ) -> float:
        """Return J(θ) over all rows, block by block.

        Parameters
        ----------
        blocks : iterable of (x, y, w)
            A partition of the rows, with weights that sum to 1.
        grad : Parameters
            Receives the gradient.
        part : Parameters
            Scratch space for the gradient of one block.

        Returns
        -------
        value : float
            The objective.
        """
        value = 0.0
        grad.vector[...] = 0
        for batch in blocks:
            value += self.data_term(batch, part)
            grad.vector += part.vector
        return value + self.penalty_term(grad)
