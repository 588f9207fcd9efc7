"""Output maps f = o(a), their losses ℓ(f, y) and output errors ∂ℓ/∂a.

Conventions: `a` is a(L+1), the logits, of shape (..., n, K); `y` has the same
shape, with entries in [0, 1]. Losses are computed from logits, which avoids the
logarithm of a probability that has underflowed to 0.
"""

from typing import Protocol

import numpy as np

from .arrays import Array, sigmoid, softplus


class Loss(Protocol):
    """An output map o and its loss ℓ."""

    name: str

    def output(self, a: Array) -> Array:
        """Return f = o(a); `a` may be overwritten.

        Parameters
        ----------
        a : ndarray of shape (..., n, K)
            Logits.

        Returns
        -------
        f : ndarray of shape (..., n, K)
            Probabilities.
        """

    def log_output(self, a: Array) -> Array:
        """Return ln f; `a` may be overwritten.

        Parameters
        ----------
        a : ndarray of shape (..., n, K)
            Logits.

        Returns
        -------
        log_f : ndarray of shape (..., n, K)
            Log-probabilities, finite if the logits are.
        """

    def decide(self, a: Array) -> Array:
        """Return the most probable labels.

        Parameters
        ----------
        a : ndarray of shape (..., n, K)
            Logits, or targets.

        Returns
        -------
        decision : ndarray of shape (..., n, 1) or (..., n, K)
            Index of the class, or whether each label is present.
        """

    def loss_and_error(self, a: Array, y: Array) -> Array:
        """Return the loss of each row and turn `a` into ∂ℓ/∂a.

        Parameters
        ----------
        a : ndarray of shape (..., n, K)
            Logits, overwritten with the output error f - y.
        y : ndarray of shape (..., n, K)
            Targets, as probabilities.

        Returns
        -------
        ell : ndarray of shape (..., n, 1)
            The loss ℓ(f(x_t), y_t) of each row t.
        """


class Softmax:
    """Softmax output with cross-entropy, for multi-class classification.

    f_k = exp(a_k) / Σ_j exp(a_j),    ℓ(f, y) = -Σ_k y_k ln f_k.

    The product of ∂ℓ/∂f = -e(y*) / f_{y*} and the Jacobian
    ∂f_j/∂a_k = f_j ([j = k] - f_k) is ∂ℓ/∂a = f - y.
    """

    name = "softmax"

    def output(self, a: Array) -> Array:
        a -= a.max(axis=-1, keepdims=True)  # f does not change; exp cannot overflow
        np.exp(a, out=a)
        a /= a.sum(axis=-1, keepdims=True)
        return a

    def log_output(self, a: Array) -> Array:
        a -= a.max(axis=-1, keepdims=True)
        a -= np.log(np.exp(a).sum(axis=-1, keepdims=True))  # ln f = a - ln Σ exp a
        return a

    def decide(self, a: Array) -> Array:
        return a.argmax(axis=-1, keepdims=True)

    def loss_and_error(self, a: Array, y: Array) -> Array:
        a -= np.maximum.reduce(a, axis=-1, keepdims=True)
        ya = np.vecdot(y, a)[..., np.newaxis]
        np.exp(a, out=a)
        Z = np.add.reduce(a, axis=-1, keepdims=True)  # Z = Σ_k exp a_k
        a /= Z  # f = exp(a) / Z
        a -= y  # ∂ℓ/∂a = f - y
        return np.log(Z) - ya  # ℓ = -Σ_k y_k ln f_k = ln Z - Σ_k y_k a_k


class LogisticOutput:
    """Logistic outputs with cross-entropy, for K binary labels.

    f_k = 1 / (1 + exp(-a_k)),    ℓ(f, y) = -Σ_k (y_k ln f_k + (1 - y_k) ln(1 - f_k)).

    K = 1 is binary classification; it is equivalent to softmax with logits (0, a).
    As for softmax, ∂ℓ/∂a = f - y.
    """

    name = "logistic"

    def output(self, a: Array) -> Array:
        return sigmoid(a, out=a)

    def log_output(self, a: Array) -> Array:
        return -softplus(-a, out=a)  # ln f = -ln(1 + exp(-a))

    def decide(self, a: Array) -> Array:
        return a > 0  # f > ½

    def loss_and_error(self, a: Array, y: Array) -> Array:
        # ln f = a - ln(1 + exp a) and ln(1 - f) = -ln(1 + exp a), hence:
        ell = softplus(a, out=np.empty_like(a))
        ell -= y * a  # ℓ_k = ln(1 + exp a_k) - y_k a_k
        sigmoid(a, out=a)
        a -= y  # ∂ℓ/∂a = f - y
        return ell.sum(axis=-1, keepdims=True)
