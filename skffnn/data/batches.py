"""Minibatches of dense or sparse X, with targets and weights."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..nn.arrays import Array
from ..nn.objective import Batch

# Elements gathered at once: small batches are gathered several at a time.
CHUNK = 8192


class Batches:
    """Iterate over rows of a data set in batches of `batch_size`.

    X as a whole is never copied. Rows in their original order are yielded as views.
    Rows in another order, or of another dtype, are copied into buffers that are
    allocated once.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features)
        Features; a dense X must have contiguous rows. Batches are converted to the
        dtype of y.
    y : ndarray or LazyOneHot, of shape (n_samples, K)
        Targets, in the dtype of the computation.
    weights : ndarray of shape (n_samples, 1), default=None
        Sample weights, with mean 1 over the rows used; None means equal weights.
    order : ndarray of int of shape (n_rows,), default=None
        Indices of the rows to use, in order; None means all rows.
    batch_size : int
        Number of rows in a batch; the last batch may be smaller.
    shuffled : bool, default=False
        Whether `shuffle` changes the order, which has to be an array of its own.
    estimate : bool, default=True
        Divide the weights of a batch by its number of rows, so that each batch
        estimates the mean over all rows. If False, the sums over batches add up.

    Examples
    --------
    >>> import numpy as np
    >>> X = y = np.arange(5.0).reshape(5, 1)
    >>> for x, _, w in Batches(X, y, batch_size=3):
    ...     print(x.ravel(), w.ravel().round(2))
    [0. 1. 2.] [0.33 0.33 0.33]
    [3. 4.] [0.5 0.5]
    """

    def __init__(
        self,
        X: Any,
        y: Any,
        weights: Array | None = None,
        order: Array | None = None,
        *,
        batch_size: int,
        shuffled: bool = False,
        estimate: bool = True,
    ) -> None:
        self.X = X
        self.y = y
        self.weights = weights
        self.order = order
        self.n_rows = X.shape[0] if order is None else len(order)
        self.batch_size = min(batch_size, self.n_rows)
        self.shuffled = shuffled
        self.estimate = estimate
        self._equal: dict[int, Array] = {}
        at_once = 1 if issparse(X) else CHUNK // (self.batch_size * X.shape[1])
        self._chunk = min(self.batch_size * max(at_once, 1), self.n_rows)
        self._buffers = [
            None if order is None else _buffer(rows, self._chunk)
            for rows in (X, y, weights)
        ]
        converts = isinstance(X, np.ndarray) and X.dtype != y.dtype
        shape = self._chunk, X.shape[1]
        self._converted = np.empty(shape, y.dtype) if converts else None
        # A single batch of all rows is gathered only once.
        self._whole = next(self._batches()) if len(self) == 1 else None

    def __len__(self) -> int:
        return -(-self.n_rows // self.batch_size)

    def shuffle(self, random_state: np.random.RandomState) -> None:
        """Put the rows in a random order, if they are to be shuffled.

        A single batch needs no order.

        Parameters
        ----------
        random_state : RandomState
            The random number generator.
        """
        if self.shuffled and self._whole is None and self.order is not None:
            random_state.shuffle(self.order)

    def __iter__(self) -> Iterator[Batch]:
        return self._batches() if self._whole is None else iter([self._whole])

    def _batches(self) -> Iterator[Batch]:
        for start in range(0, self.n_rows, self._chunk):
            rows = slice(start, min(start + self._chunk, self.n_rows))
            index = rows if self.order is None else self.order[rows]
            x, y, s = (
                take(data, index, buffer)
                for data, buffer in zip(
                    (self.X, self.y, self.weights), self._buffers, strict=True
                )
            )
            x = self._in_type_of_y(x)
            if len(y) <= self.batch_size:
                yield x, y, self._scaled(s, len(y))
                continue
            for first in range(0, len(y), self.batch_size):
                part = slice(first, first + self.batch_size)
                y_part = y[part]
                s_part = None if s is None else s[part]
                yield x[part], y_part, self._scaled(s_part, len(y_part))

    def _in_type_of_y(self, x: Any) -> Any:
        """Convert rows to the dtype of y."""
        if self._converted is None:
            return x.astype(self.y.dtype, copy=False)
        converted = self._converted[: len(x)]
        np.copyto(converted, x, casting="same_kind")
        return converted

    def _scaled(self, s: Array | None, n: int) -> Array:
        """Return w = s / B of an estimate, or w = s; equal weights are made once."""
        if s is not None:
            return s * (1 / n) if self.estimate else s
        if n not in self._equal:
            w = 1 / n if self.estimate else 1.0
            self._equal[n] = np.full((n, 1), w, self.y.dtype)
        return self._equal[n]


def _buffer(rows: Any, n: int) -> Array | None:
    """Allocate a buffer for n rows of a dense array; other types need none."""
    if not isinstance(rows, np.ndarray):
        return None
    return np.empty((n, rows.shape[1]), rows.dtype)


def take(data: Any, index: Any, buffer: Array | None) -> Any:
    """Return selected rows, in `buffer` if it is given.

    Parameters
    ----------
    data : ndarray, CSR array or LazyOneHot, of shape (n_samples, m), or None
        The data; None returns None.
    index : slice or ndarray of int
        The rows to select.
    buffer : ndarray of shape (batch_size, m), default=None
        Output array for at least as many rows.

    Returns
    -------
    rows : ndarray or CSR array of shape (n, m), or None
        The selected rows.
    """
    if data is None:
        return None
    if buffer is None:
        return data[index]
    # Without mode="clip", np.take would buffer the output.
    return np.take(data, index, axis=0, out=buffer[: len(index)], mode="clip")
