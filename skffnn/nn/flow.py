"""Activations and gradients of a network for given rows, for inspection."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .arrays import Array
from .objective import Batch, Objective
from .parameters import Parameters

FLAT = 1e-3  # where |g'(a)| is at most this, hardly any gradient passes


@dataclass(frozen=True)
class Flow:
    """Activations, flat neurons and gradients.

    Attributes
    ----------
    h : list of ndarray of shape (n, D(k)), k = 1 … L+1
        Activations; the last are the outputs f(x).
    flat : list of ndarray of shape (D(k),), k = 1 … L
        For each hidden neuron, the fraction of rows with |g'(a)| ≤ `FLAT`.
    grad : list of ndarray of shape (D(k-1), D(k)), k = 1 … L+1, or None
        ∂/∂W(k) of the mean loss ℓ; None without labels.
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
            The objective of the network, with α = 0.
        blocks : iterable of (x, y, s)
            The rows, in blocks.
        backward : bool
            Whether to compute the gradients, which needs y and s.

        Returns
        -------
        flow : Flow
            Its activations take as much memory as n rows of D(1) + … + D(L+1) numbers.
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
