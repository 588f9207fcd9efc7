"""Blocks of rows, where all rows pass through a network but need not do so at once."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..nn.arrays import Array
from ..nn.network import Network

# Elements of the widest layer in a block: 1 MiB of float64, about the size of a cache.
BLOCK_ELEMENTS = 2**17

# Elements of the rows themselves, where that is less: 8 MiB of float64.
INPUT_ELEMENTS = 2**20


def rows_per_block(X: Any, sizes: Iterable[int]) -> int:
    """Return the number of rows in a block.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features)
        All rows. Dense ones may have to be converted, which takes memory too.
    sizes : iterable of int
        Widths of the layers.

    Returns
    -------
    n_rows : int
        At least 64.
    """
    rows = BLOCK_ELEMENTS // max(sizes)
    if not issparse(X):
        rows = min(rows, INPUT_ELEMENTS // X.shape[1])
    return max(64, rows)


def by_blocks(function: Callable[[Any], Array], X: Any, network: Network) -> Array:
    """Apply a function to blocks of rows and join the results.

    Parameters
    ----------
    function : callable
        Takes a block of the type of the network's weights and returns an array with a
        row for each of its rows.
    X : ndarray or CSR array of shape (n_samples, n_features)
        All rows.
    network : Network
        For the widths of its layers and its type; it may be a stack of networks.

    Returns
    -------
    result : ndarray of shape (n_samples, ...)
        The rows of the results.
    """
    n, dtype = X.shape[0], network.W[0].dtype
    size = rows_per_block(X, (W.size // W.shape[-2] for W in network.W))
    with np.errstate(all="ignore"):
        first = function(X[:size].astype(dtype, copy=False))
        if n <= size:
            return np.ascontiguousarray(first)
        result = np.empty((n, *first.shape[1:]), first.dtype)
        result[:size] = first
        for start in range(size, n, size):
            rows = slice(start, start + size)
            result[rows] = function(X[rows].astype(dtype, copy=False))
    return result
