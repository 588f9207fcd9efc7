"""Passing rows through a network in blocks, to save memory."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..nn.arrays import Array
from ..nn.network import Network

# Elements of the widest layer in a block: 1 MiB of float64, about the size of a cache.
BLOCK_ELEMENTS = 2**17

# Elements of the rows themselves, if that limit is lower: 8 MiB of float64.
INPUT_ELEMENTS = 2**20


def rows_per_block(X: Any, sizes: Iterable[int]) -> int:
    """Return the number of rows in a block.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features)
        All rows. The size of dense rows is limited too, since they may be converted.
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
        Takes a block in the dtype of the network's weights and returns an array with
        one row for each row of the block.
    X : ndarray or CSR array of shape (n_samples, n_features)
        All rows.
    network : Network
        For its layer widths and dtype; may be a stack of networks.

    Returns
    -------
    result : ndarray of shape (n_samples, ...)
        The joined results.
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
