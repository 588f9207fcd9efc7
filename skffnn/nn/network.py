"""The network: the forward pass h(0) → h(1) → … → a(L+1), and backpropagation.

    h(0) = x
    a(k) = h(k-1) W(k) + b(k)        k = 1 … L+1
    h(k) = g(a(k))                   hidden layers, k = 1 … L

The output map o belongs to the loss, which turns a(L+1) into f(x) = o(a(L+1)).

The last two axes of an array are rows and neurons. Axes before them form a stack of
networks that are computed together: weights of shape (M, D(k-1), D(k)) are those of M
networks, which have separate inputs, of shape (M, n, D(0)), or share inputs, of shape
(n, D(0)).
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from .activations import Activation
from .arrays import Array, matmul, transpose
from .parameters import Parameters


class Buffers:
    """Work arrays of a pass over `n_rows` rows, of shape (..., n_rows, D(k)).

    Attributes
    ----------
    a : list of ndarray, k = 1 … L+1
        Pre-activations; in the backward pass, their errors ∂ℓ/∂a(k). The logits are in
        column-major order, because the softmax sums a few long columns faster than many
        short rows.
    h : list of ndarray, k = 1 … L
        Activations.
    d : list of ndarray, k = 1 … L
        Derivatives ∂h(k)/∂a(k).
    ones : ndarray of shape (1, n_rows)
        The row vector 1ᵀ, which sums over samples.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        n_rows: int,
        dtype: Any,
        stack: tuple[int, ...] = (),
    ) -> None:
        *hidden, K = sizes
        self.a = [np.empty((*stack, n_rows, size), dtype) for size in hidden]
        self.a.append(np.empty((*stack, K, n_rows), dtype).mT)
        self.h = [np.empty_like(a) for a in self.a[:-1]]
        self.ones = np.ones((1, n_rows), dtype)

    @cached_property
    def d(self) -> list[Array]:
        """Derivatives, allocated on first use: prediction does not need them."""
        return [np.empty_like(h) for h in self.h]


class Dropout:
    """Inverted dropout: h ← h m, with m = 0 with probability p, else 1 / (1 - p).

    `rates` holds p for each hidden layer.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, *Dropout: a simple
    way to prevent neural networks from overfitting*, JMLR 2014.
    """

    def __init__(self, rates: Sequence[float], rng: np.random.Generator) -> None:
        self.rates = rates
        self.rng = rng

    def apply(self, k: int, h: Array, d: Array, m: Array) -> None:
        """Multiply h(k) and d(k) = ∂h(k)/∂a(k) by the same random mask.

        k counts from 0; all arrays have shape (..., n_rows, D), and m is scratch space.
        """
        p = self.rates[k]
        if p > 0:
            self.rng.random(out=m, dtype=m.dtype)
            np.greater_equal(m, p, out=m)
            m *= 1 / (1 - p)
            h *= m
            d *= m


class StackedDropout:
    """Dropout for a stack of networks, each with its own rates and random numbers."""

    def __init__(self, members: Sequence[Any]) -> None:
        self.members = members

    def apply(self, k: int, h: Array, d: Array, m: Array) -> None:
        """Multiply h(k) and ∂h(k)/∂a(k) of each network by its mask."""
        for dropout, own_h, own_d, own_m in zip(self.members, h, d, m, strict=True):
            dropout.apply(k, own_h, own_d, own_m)


class Network:
    """A feed-forward network: W(k), b(k), the activations g, and buffers.

    Parameters
    ----------
    W : sequence of ndarray of shape (..., D(k-1), D(k)), k = 1 … L+1
        Weights. They are not copied: the network follows changes made in place.
    b : sequence of ndarray of shape (..., 1, D(k)) or (D(k),)
        Biases, likewise.
    activations : sequence of Activation
        g of each of the L hidden layers.

    Examples
    --------
    A network without hidden layers is linear:

    >>> import numpy as np
    >>> W, b = [np.array([[3.0], [4.0]])], [np.array([0.5])]
    >>> Network(W, b, []).forward(np.array([[1.0, 0.0], [1.0, 1.0]]))
    array([[3.5],
           [7.5]])
    """

    def __init__(
        self, W: Sequence[Array], b: Sequence[Array], activations: Sequence[Activation]
    ) -> None:
        self.W = W
        self.b = b
        self.activations = activations
        self._buffers: dict[int, Buffers] = {}

    def buffers(self, n_rows: int) -> Buffers:
        """Return the buffers for a batch of `n_rows`, the same in every call."""
        if n_rows not in self._buffers:
            sizes, stack = [W.shape[-1] for W in self.W], self.W[0].shape[:-2]
            self._buffers[n_rows] = Buffers(sizes, n_rows, self.W[0].dtype, stack)
        return self._buffers[n_rows]

    def forward(self, x: Any, *, train: bool = False, dropout: Any = None) -> Array:
        """Compute a(L+1), the logits, of shape (..., n, D(L+1)), from rows x.

        x has the dtype of θ and may be sparse. In training, ∂h(k)/∂a(k) is stored for
        `backward`, and dropout is applied to each h(k). The result is in a buffer that
        the next pass overwrites.
        """
        W, b = self.W, self.b
        work = self.buffers(x.shape[-2])
        h = x  # h(0) = x
        for k, g in enumerate(self.activations):
            a, d = work.a[k], work.d[k] if train else None
            matmul(h, W[k], out=a)
            a += b[k]  # a(k) = h(k-1) W(k) + b(k)
            h = work.h[k]
            g.forward(a, h, d)  # h(k) = g(a(k))
            if dropout is not None and d is not None:
                dropout.apply(k, h, d, a)
        matmul(h, W[-1], out=work.a[-1])
        work.a[-1] += b[-1]
        return work.a[-1]

    def backward(self, x: Any, grad_a: Array, grad: Parameters) -> None:
        """Compute ∂ℓ/∂W(k) and ∂ℓ/∂b(k) from ∂ℓ/∂a(L+1), last layer first.

        x are the rows of the last forward pass, and `grad_a` is the output error, of
        shape (..., n, D(L+1)). `grad` receives the gradient, summed over the rows.
        """
        W = self.W
        work = self.buffers(x.shape[-2])
        h = [x, *work.h]
        for k in reversed(range(len(W))):
            matmul(transpose(h[k]), grad_a, out=grad.W[k])  # ∂ℓ/∂W = hᵀ ∂ℓ/∂a
            matmul(work.ones, grad_a, out=grad.b[k])  # ∂ℓ/∂b = 1ᵀ ∂ℓ/∂a
            if k > 0:
                # ∂ℓ/∂h = ∂ℓ/∂a Wᵀ of this layer; ∂ℓ/∂a = ∂ℓ/∂h ⊙ g'(a) of the one below
                grad_a = matmul(grad_a, W[k].mT, out=work.a[k - 1])
                grad_a *= work.d[k - 1]
