"""Array operations used throughout the package."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

Array = NDArray[Any]

# Elements per block: four float32 vectors of this length take 1 MiB, about the size of
# the L2 cache of a core. With shorter blocks, call overhead outweighs the cache hits.
BLOCK = 65536


def in_cache(*vectors: Array) -> list[tuple[Array, ...]]:
    """Split vectors of shape (..., n) into aligned blocks that fit into the cache.

    If an elementwise formula runs block by block, a long vector is read from memory
    once instead of once for each operation. The blocks are views.

    Examples
    --------
    >>> import numpy as np
    >>> theta, grad = np.ones(3), np.full(3, 0.5)
    >>> for t, g in in_cache(theta, grad):
    ...     t -= g
    >>> theta
    array([0.5, 0.5, 0.5])
    """
    n, size = vectors[0].shape[-1], vectors[0].size
    if size <= BLOCK:
        return [vectors]
    step = max(1, BLOCK * n // size)  # a stack has as many elements in a block
    return [
        tuple(v[..., start : start + step] for v in vectors)
        for start in range(0, n, step)
    ]


def number(x: Any) -> Any:
    """Return a float, or one float64 number for each network of a stack."""
    return x.astype(np.float64) if x.ndim else float(x)


def column(value: Any, dtype: Any) -> Any:
    """Reshape a hyperparameter of shape (...) to (..., 1), to multiply vectors by it.

    An array takes the dtype of the vectors; a float is returned unchanged.
    """
    if not isinstance(value, np.ndarray):
        return value
    return value[..., np.newaxis].astype(dtype)


def columns(vectors: Array, *values: Any) -> tuple[Any, ...]:
    """Reshape hyperparameters as `column` does, to multiply vectors by them.

    They are unchanged for a single vector, of shape (n_parameters,).
    """
    if vectors.ndim == 1:
        return values
    return tuple(column(value, vectors.dtype) for value in values)


def matmul(x: Any, y: Array, out: Array) -> Array:
    """Write the product of x, of shape (..., n, m), and y into `out`; x may be sparse.

    Examples
    --------
    >>> import numpy as np
    >>> column, row = np.array([[1.0], [2.0]]), np.array([[3.0, 4.0]])
    >>> matmul(column, row, out=np.empty((2, 2)))
    array([[3., 4.],
           [6., 8.]])
    """
    if not isinstance(x, np.ndarray):
        # SciPy multiplies only one matrix at a time.
        for member in np.ndindex(y.shape[:-2]):
            out[member] = x @ y[member]
    elif x.shape[-1] == 1:  # column times row: 2 to 4 times as fast as matmul
        np.multiply(x, y, out=out)
    elif out.ndim > 2:
        np.matmul(x, y, out=out)
    elif out.flags.c_contiguous:  # less overhead than matmul
        x.dot(y, out)
    else:
        y.T.dot(x.T, out.T)
    return out


def transpose(x: Any) -> Any:
    """Swap the last two axes of a dense or sparse array, without a copy."""
    return x.mT if isinstance(x, np.ndarray) else x.T


def aligned(x: Any) -> Any:
    """Return rows in memory that is aligned to their type, copied only if need be.

    NumPy multiplies unaligned arrays without BLAS: more slowly, and with other last
    bits. They come from messages between processes, memory-mapped files and fields of
    structured arrays.
    """
    if issparse(x):
        if not x.data.flags.aligned:
            x = x.copy()
            x.data = aligned(x.data)
        return x
    return np.require(x, requirements="A")


def canonical(x: Any) -> Any:
    """Return a sparse array without duplicate entries, and a dense one as it is."""
    if issparse(x) and not x.has_canonical_format:
        x = x.copy()
        x.sum_duplicates()
    return x


def sigmoid(a: Array, out: Array) -> Array:
    """Write σ(a) = 1 / (1 + exp(-a)), the logistic function, into `out`.

    These four array operations take 1/8 to 1/12 of the time of `scipy.special.expit`,
    which evaluates one element at a time. `out` may be `a`; it is 0 where exp(-a)
    overflows.
    """
    np.negative(a, out=out)
    with np.errstate(over="ignore"):
        np.exp(out, out=out)
    out += 1
    return np.reciprocal(out, out=out)


def softplus(a: Array, out: Array) -> Array:
    """Write ln(1 + exp(a)), whose derivative is σ(a), into `out`, which is not `a`.

    It is computed as max(a, 0) + ln(1 + exp(-|a|)), which cannot overflow; this uses
    1 + exp(a) = exp(a) (1 + exp(-a)). Small values have an absolute error of about the
    machine epsilon.
    """
    np.abs(a, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    out += 1
    np.log(out, out=out)
    out += np.maximum(a, 0)
    return out
