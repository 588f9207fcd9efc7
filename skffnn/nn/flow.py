"""What flows through a network, forwards and backwards, for given rows."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .arrays import Array
from .objective import Batch, Objective
from .parameters import Parameters

FLAT = 1e-3  # a slope g'(a) no larger than this passes hardly any gradient on


@dataclass(frozen=True)
class Flow:
    """Activations, slopes and gradients.

    Attributes
    ----------
    h : list of ndarray of shape (n, D(k)), k = 1 … L+1
        Activations; the last are the outputs f(x).
    flat : list of ndarray of shape (D(k),), k = 1 … L
        For each hidden neuron the part of the rows for which |g'(a)| ≤ `FLAT`.
    grad : list of ndarray of shape (D(k-1), D(k)), k = 1 … L+1, or None
        ∂/∂W(k) of the mean of ℓ; None without labels.
    """

    h: list[Array]
    flat: list[Array]
    grad: list[Array] | None = None

    @classmethod
    def from_blocks(
        cls, objective: Objective, blocks: Iterable[Batch], *, backward: bool
    ) -> "Flow":
        """Pass rows through a network.

        Parameters
        ----------
        objective : Objective
            With the network, and an α of 0.
        blocks : iterable of (x, y, s)
            The rows, a block at a time.
        backward : bool
            Whether to compute the gradients, which needs y and s.

        Returns
        -------
        flow : Flow
            The activations take as much memory as X with D(1) + … + D(L+1) columns.
        """
        theta, network = objective.theta, objective.network
        h: list[list[Array]] = [[] for _ in theta.W]
        flat = [np.zeros(D) for D in theta.sizes[1:-1]]
        n = 0
        for x, _, _ in blocks:
            a = network.forward(x, train=True)
            work = network.buffers(x.shape[-2])
            for k, d in enumerate(work.d):
                h[k].append(work.h[k].copy())
                flat[k] += (np.abs(d) <= FLAT).sum(axis=-2)
            h[-1].append(objective.loss.output(a.copy()))
            n += x.shape[-2]
        grad = None
        if backward:
            grad, part = Parameters.zeros_like(theta), Parameters.zeros_like(theta)
            objective.from_sums(*objective.sums(blocks, grad, part), grad)
        return cls(
            [np.concatenate(parts) for parts in h],
            [count / n for count in flat],
            None if grad is None else grad.W,
        )
