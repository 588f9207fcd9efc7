"""Penalties Ω(θ) on the weights: J(θ) = data term + α Ω(θ).

A penalty receives the weights of all layers as one vector, without the biases; for a
stack of networks, it receives a matrix with one row per network. To add a penalty,
write a class with `value` and `add_gradient` and register it in `PENALTIES`. Users can
also pass an object with these methods instead of a name.
"""

from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from .arrays import Array, in_cache, number


@runtime_checkable
class Penalty(Protocol):
    """Interface of a penalty."""

    def value(self, W: Array) -> Any:
        """Return Ω.

        Parameters
        ----------
        W : ndarray of shape (..., n_weights)
            The weights of all layers.

        Returns
        -------
        omega : float or ndarray of shape (...)
            The penalty, before it is multiplied by α.
        """

    def add_gradient(self, W: Array, alpha: Any, grad: Array) -> None:
        """Add α ∂Ω/∂W to `grad`.

        Parameters
        ----------
        W : ndarray of shape (..., n_weights)
            The weights of all layers.
        alpha : float or ndarray of shape (..., 1)
            The factor α.
        grad : ndarray of shape (..., n_weights)
            Changed in place. It may be `W` itself, for a step of weight decay.
        """


class L2:
    """L2 regularisation, Ω(θ) = ½ Σ_k ‖W(k)‖²_F.

    Examples
    --------
    >>> import numpy as np
    >>> from skffnn import L2
    >>> W, grad = np.array([3.0, -4.0]), np.zeros(2)
    >>> L2().value(W)
    12.5
    >>> L2().add_gradient(W, 0.1, grad)
    >>> print(grad)
    [ 0.3 -0.4]
    """

    def value(self, W: Array) -> Any:
        return 0.5 * number(np.vecdot(W, W))  # ½ Σ w²

    def add_gradient(self, W: Array, alpha: Any, grad: Array) -> None:
        for w, g in in_cache(W, grad):
            g += alpha * w  # ∂Ω/∂w = w


PenaltyName = Literal["l2"]  # for type checkers
PENALTIES: dict[str, type[Penalty]] = {"l2": L2}
