"""Minibatches of dense or sparse X with targets and weights, and stacks of them."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..nn.arrays import Array
from ..nn.objective import Batch

# Elements to gather at once; several small batches are gathered together.
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
        Whether `shuffle` shuffles `order`, in place.
    estimate : bool, default=True
        Whether to divide the weights of a batch by its number of rows, so that each
        batch estimates the mean over all rows. If False, the sums over batches add up.

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
        """Shuffle the rows, if `shuffled` is true.

        A single batch is not shuffled.

        Parameters
        ----------
        random_state : RandomState
            The random number generator.
        """
        if self.shuffled and self._whole is None and self.order is not None:
            random_state.shuffle(self.order)

    def __iter__(self) -> Iterator[Batch]:
        return self._batches() if self._whole is None else iter([self._whole])

    def between(self, first: int, end: int) -> Iterator[Batch]:
        """Iterate over a range of batches.

        Parameters
        ----------
        first, end : int
            Index of the first batch, and index after the last.

        Returns
        -------
        batches : iterator of (x, y, w)
            The batches, as in iteration over all of them.
        """
        if (first, end) == (0, len(self)):
            return iter(self)
        return self._batches(first * self.batch_size, end * self.batch_size)

    def _batches(self, first_row: int = 0, end: int | None = None) -> Iterator[Batch]:
        end = self.n_rows if end is None else min(end, self.n_rows)
        for start in range(first_row, end, self._chunk):
            rows = slice(start, min(start + self._chunk, end))
            index = rows if self.order is None else self.order[rows]
            x, y, s = (
                take(data, index, buffer)
                for data, buffer in zip(
                    (self.X, self.y, self.weights), self._buffers, strict=True
                )
            )
            x = self._in_type_of_y(x)
            if len(y) <= self.batch_size:
                yield x, y, self.scaled(s, len(y))
                continue
            for first in range(0, len(y), self.batch_size):
                part = slice(first, first + self.batch_size)
                y_part = y[part]
                s_part = None if s is None else s[part]
                yield x[part], y_part, self.scaled(s_part, len(y_part))

    def _in_type_of_y(self, x: Any) -> Any:
        """Convert rows to the dtype of y."""
        if self._converted is None:
            return x.astype(self.y.dtype, copy=False)
        converted = self._converted[: len(x)]
        np.copyto(converted, x, casting="same_kind")
        return converted

    def scaled(self, s: Array | None, n: int) -> Array:
        """Return w = s / n for an estimate, else w = s; equal weights are cached."""
        if s is not None:
            return s * (1 / n) if self.estimate else s
        if n not in self._equal:
            w = 1 / n if self.estimate else 1.0
            self._equal[n] = np.full((n, 1), w, self.y.dtype)
        return self._equal[n]


class StackedBatches:
    """Batches for several networks, stacked along a leading axis.

    All networks have the same number of batches, of the same size; only the last
    batches may differ in size.

    Parameters
    ----------
    members : sequence of Batches
        Batches of dense rows for each network. Their orders are moved into one array,
        of which they keep views.

    Examples
    --------
    >>> import numpy as np
    >>> X = y = np.arange(4.0).reshape(4, 1)
    >>> orders = np.array([0, 1, 2]), np.array([3, 2, 1])
    >>> pair = StackedBatches([Batches(X, y, order=o, batch_size=2) for o in orders])
    >>> for i in range(len(pair)):
    ...     x, _, _ = pair.batch(slice(0, 2), i)
    ...     print(x[..., 0])
    [[0. 1.]
     [3. 2.]]
    [[2.]
     [1.]]
    """

    def __init__(self, members: Sequence[Batches]) -> None:
        first = members[0]
        self.members = members
        self.batch_size = max(member.batch_size for member in members)
        self.n_rows = np.array([member.n_rows for member in members])
        self.order: Array | None = None
        if any(member.order is not None for member in members):
            self.order = np.empty((len(members), self.n_rows.max()), np.intp)
            for own, member in zip(self.order, members, strict=True):
                own = own[: member.n_rows]
                own[...] = (
                    np.arange(member.n_rows) if member.order is None else member.order
                )
                member.order = own
        self._X = Stacked([member.X for member in members])
        self._y = Stacked([member.y for member in members])
        self._weights = (
            None
            if first.weights is None
            else Stacked([member.weights for member in members])
        )
        self._whole: dict[tuple[int, int], Batch] = {}

    def __len__(self) -> int:
        return len(self.members[0])

    def parts(self, i: int) -> list[slice]:
        """Return runs of neighbours whose i-th batches have the same size.

        Parameters
        ----------
        i : int
            Index of the batch.

        Returns
        -------
        parts : list of slice
            Members that `batch` can stack.
        """
        M = len(self.members)
        if i < len(self) - 1:
            return [slice(0, M)]
        starts = np.flatnonzero(np.diff(self.n_rows)) + 1
        bounds = [0, *starts.tolist(), M]
        return [slice(*pair) for pair in pairwise(bounds)]

    def batch(self, part: slice, i: int) -> Batch:
        """Return the i-th batches of some members, stacked.

        Parameters
        ----------
        part : slice
            The members, one of `parts(i)`.
        i : int
            Index of the batch.

        Returns
        -------
        x : ndarray of shape (M, n, n_features) or (n, n_features)
            Features; 2D if all members share the rows and their order.
        y : ndarray of shape (M, n, K) or (n, K)
            Targets, likewise.
        w : ndarray of shape (M, n, 1) or (n, 1)
            Weights.
        """
        key = part.start, part.stop
        if key in self._whole:
            return self._whole[key]
        n_rows = int(self.n_rows[part.start])
        rows = slice(i * self.batch_size, min((i + 1) * self.batch_size, n_rows))
        index: Any = rows if self.order is None else self.order[part, rows]
        x = self._X.take(part, index)
        y = self._y.take(part, index)
        s = None if self._weights is None else self._weights.take(part, index)
        x = x.astype(y.dtype, copy=False)
        w = self.members[part.start].scaled(s, rows.stop - rows.start)
        if len(self) == 1:  # gathered only once
            self._whole[key] = x, y, w
        return x, y, w


class Stacked:
    """Arrays of the members of a stack; neighbours may share an array.

    Parameters
    ----------
    arrays : sequence of ndarray or LazyOneHot
        The array of each member.
    """

    def __init__(self, arrays: Sequence[Any]) -> None:
        self.arrays = arrays
        changes = [
            m for m, (a, b) in enumerate(pairwise(arrays), 1) if not same_rows(a, b)
        ]
        self.starts = [0, *changes]

    def take(self, part: slice, index: Any) -> Array:
        """Return rows of the arrays of some members.

        Parameters
        ----------
        part : slice
            The members.
        index : slice or ndarray of int of shape (M, n)
            The rows: the same for all members, or indices for each member.

        Returns
        -------
        rows : ndarray of shape (M, n, m) or (n, m)
            The selected rows; 2D if the members share the array and the rows.
        """
        starts = [part.start, *(m for m in self.starts if part.start < m < part.stop)]
        runs = [*pairwise([*starts, part.stop])]
        if len(runs) == 1:
            return self._rows(part.start, part.stop, index)
        if isinstance(index, slice):
            index = np.arange(index.start, index.stop)
            index = np.broadcast_to(index, (part.stop - part.start, len(index)))
        return np.concatenate(
            [
                self._rows(lo, hi, index[lo - part.start : hi - part.start])
                for lo, hi in runs
            ]
        )

    def _rows(self, lo: int, hi: int, index: Any) -> Array:
        """Return rows of members that share an array."""
        array = self.arrays[lo]
        if isinstance(array, np.ndarray):
            if isinstance(index, slice):
                return array[index]
            return np.take(array, index, axis=0, mode="clip")
        return array.stacked([a.smoothing for a in self.arrays[lo:hi]])[index]


def same_rows(a: Any, b: Any) -> bool:
    """Return whether two members of a stack gather from the same rows."""
    if a is b:
        return True
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    return a.has_labels_of(b)


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
        Output array, with room for at least as many rows.

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
