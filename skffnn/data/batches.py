"""Rows in batches: minibatches, stacks of them, and blocks that save memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..nn.arrays import Array, number
from ..nn.network import Network
from ..nn.objective import Batch, Objective

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
    y : ndarray or OneHot, of shape (n_samples, K)
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
    scaling : Scaling, default=None
        How to scale the features.

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
        scaling: Any = None,
    ) -> None:
        self.X = X
        self.y = y
        self.weights = weights
        self.order = order
        self.n_rows = X.shape[0] if order is None else len(order)
        self.batch_size = min(batch_size, self.n_rows)
        self.shuffled = shuffled
        self.estimate = estimate
        self.scaling = scaling
        self._equal: dict[int, Array] = {}
        at_once = 1 if issparse(X) else CHUNK // (self.batch_size * X.shape[1])
        self.chunk = min(self.batch_size * max(at_once, 1), self.n_rows)
        self._buffers = [
            None if order is None else _buffer(rows, self.chunk)
            for rows in (X, y, weights)
        ]
        converts = isinstance(X, np.ndarray) and X.dtype != y.dtype
        shape = self.chunk, X.shape[1]
        self._converted = np.empty(shape, y.dtype) if converts else None
        # A single batch of all rows is gathered only once.
        self._whole = next(self._batches()) if len(self) == 1 else None

    def __len__(self) -> int:
        return -(-self.n_rows // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        return self._batches() if self._whole is None else iter([self._whole])

    def numbered(self) -> Iterator[tuple[int, slice, Batch]]:
        """Iterate as `StackedBatches` does, for a network alone."""
        return ((i, slice(0, 1), batch) for i, batch in enumerate(self))

    def shuffle(self, random_state: np.random.RandomState) -> None:
        """Shuffle the rows, if `shuffled` is true and there are several batches."""
        if self.shuffled and self._whole is None and self.order is not None:
            random_state.shuffle(self.order)

    def gather(self, start: int, end: int) -> tuple[Any, Array, Array | None]:
        """Return x, y and s of a range of at most `chunk` rows, in the dtype of y.

        They may be in buffers, which the next call overwrites.
        """
        rows = slice(start, end)
        index = rows if self.order is None else self.order[rows]
        x, y, s = (
            take(data, index, buffer)
            for data, buffer in zip(
                (self.X, self.y, self.weights), self._buffers, strict=True
            )
        )
        if self.scaling is not None:
            return self.scaling.applied(x, self.y.dtype), y, s
        if self._converted is None:
            return x.astype(self.y.dtype, copy=False), y, s
        converted = self._converted[: len(x)]
        np.copyto(converted, x, casting="same_kind")
        return converted, y, s

    def _batches(self) -> Iterator[Batch]:
        for start in range(0, self.n_rows, self.chunk):
            x, y, s = self.gather(start, min(start + self.chunk, self.n_rows))
            if len(y) <= self.batch_size:
                yield x, y, self.scaled(s, len(y))
                continue
            for first in range(0, len(y), self.batch_size):
                part = slice(first, first + self.batch_size)
                y_part = y[part]
                s_part = None if s is None else s[part]
                yield x[part], y_part, self.scaled(s_part, len(y_part))

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
    batches may differ in size. Some batches of each network are gathered at once, into
    arrays whose slices are the stacked batches.

    Parameters
    ----------
    members : sequence of Batches
        Batches of dense rows for each network, sorted by their numbers of rows.

    Examples
    --------
    >>> import numpy as np
    >>> X = y = np.arange(4.0).reshape(4, 1)
    >>> orders = np.array([0, 1, 2]), np.array([3, 2, 1])
    >>> pair = StackedBatches([Batches(X, y, order=o, batch_size=2) for o in orders])
    >>> for i, _, (x, _, _) in pair.numbered():
    ...     print(i, x[..., 0].tolist())
    0 [[0.0, 1.0], [3.0, 2.0]]
    1 [[2.0], [1.0]]
    """

    def __init__(self, members: Sequence[Batches]) -> None:
        first = members[0]
        self.members = members
        self.batch_size = max(member.batch_size for member in members)
        self.n_rows = np.array([member.n_rows for member in members])
        self.chunk = -(-first.chunk // self.batch_size) * self.batch_size
        M, dtype = len(members), first.y.dtype
        _, y, s = first.gather(0, 1)
        self._x = np.empty((M, self.chunk, first.X.shape[1]), dtype)
        # In column-major order, like the logits of the network.
        self._y = np.empty((M, y.shape[1], self.chunk), dtype).mT
        self._s = None if s is None else np.empty((M, self.chunk, 1), dtype)
        self._loaded = -1
        self._shuffled = any(member.shuffled for member in members)

    def __len__(self) -> int:
        return len(self.members[0])

    def parts(self, i: int) -> list[slice]:
        """Return slices of members whose i-th batches have the same size."""
        M = len(self.members)
        if i < len(self) - 1:
            return [slice(0, M)]
        starts = np.flatnonzero(np.diff(self.n_rows)) + 1
        bounds = [0, *starts.tolist(), M]
        return [slice(*pair) for pair in pairwise(bounds)]

    def numbered(self) -> Iterator[tuple[int, slice, Batch]]:
        """Iterate over the batches: number, members and (x, y, w).

        x has the shape (M, n, n_features), y (M, n, K), and w (M, n, 1) or (n, 1).
        """
        if self._shuffled:
            self._loaded = -1
        for i in range(len(self)):
            for part in self.parts(i):
                yield i, part, self._batch(part, i)

    def of(self, part: slice) -> Iterator[Batch]:
        """Iterate over the batches of members whose last batches have the same size."""
        return (self._batch(part, i) for i in range(len(self)))

    def _batch(self, part: slice, i: int) -> Batch:
        """Return the i-th batches of some members."""
        start = i * self.batch_size
        n = min(self.batch_size, int(self.n_rows[part.start]) - start)
        self._load(start // self.chunk)
        first = start % self.chunk
        rows = slice(first, first + n)
        s = None if self._s is None else self._s[part, rows]
        w = self.members[part.start].scaled(s, n)
        return self._x[part, rows], self._y[part, rows], w

    def _load(self, number: int) -> None:
        """Gather a chunk of the rows of each member, unless it is there already."""
        if number == self._loaded:
            return
        start = number * self.chunk
        for m, member in enumerate(self.members):
            n = min(self.chunk, member.n_rows - start)
            self._x[m, :n], self._y[m, :n], s = member.gather(start, start + n)
            if self._s is not None:
                self._s[m, :n] = s
        self._loaded = number


def _buffer(rows: Any, n: int) -> Array | None:
    """Allocate a buffer for n rows of a dense array; other types need none."""
    if not isinstance(rows, np.ndarray):
        return None
    return np.empty((n, rows.shape[1]), rows.dtype)


def take(data: Any, index: Any, buffer: Array | None) -> Any:
    """Return selected rows, in `buffer` if it is given; None for no data.

    `index` is a slice, or indices from 0: clipping would turn negative ones into 0.
    """
    if data is None:
        return None
    if buffer is None:
        return data[index]
    # Without mode="clip", np.take would buffer the output.
    return np.take(data, index, axis=0, out=buffer[: len(index)], mode="clip")


# Elements of the widest layer in a block: 1 MiB of float64, about the size of a cache.
BLOCK_ELEMENTS = 2**17

# Elements of the rows themselves, if that limit is lower: 8 MiB of float64.
INPUT_ELEMENTS = 2**20


def rows_per_block(X: Any, sizes: Iterable[int]) -> int:
    """Return the number of rows in a block, at least 64, for layers of these sizes.

    The size of dense rows is limited too, since they may be converted.
    """
    rows = BLOCK_ELEMENTS // max(sizes)
    if not issparse(X):
        rows = min(rows, INPUT_ELEMENTS // X.shape[1])
    return max(64, rows)


def by_blocks(function: Callable[[Any], Array], X: Any, network: Network) -> Array:
    """Apply a function to blocks of rows in the dtype of a network, and join them.

    The function returns an array with one row for each row of the block. The network,
    which may be a stack, says how wide the layers are.
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


class Validation:
    """Loss and score of θ on the validation set.

    `blocks` are its rows (x, y, s); `weights`, of shape (..., n_rows), are the same
    sample weights, or None; `score` turns the loss and the mean of the score terms into
    the score that early stopping monitors.
    """

    def __init__(
        self,
        objective: Objective,
        blocks: Iterable[Any],
        weights: Array | None,
        score: Callable[[float, Any], float],
    ) -> None:
        self.objective = objective
        self.blocks: Any = blocks
        self.weights = weights
        self.score = score

    def measure(self) -> tuple[Any, Any]:
        """Return the loss, without the penalty, and the mean of `Loss.score_terms`.

        For a classifier the latter is the accuracy; both are arrays for a stack.
        """
        loss: Any = 0.0
        weight: Any = 0.0
        of_blocks = []
        for x, y, s in self.blocks:
            a = self.objective.network.forward(x)
            of_blocks.append(self.objective.loss.score_terms(a, y))
            loss += self.objective.weighted_loss(a, y, s)
            weight += number(s.sum(axis=(-2, -1)))
        terms, weights = np.concatenate(of_blocks, axis=-1), self.weights
        if weights is not None and weights.ndim < terms.ndim:  # same for all outputs
            weights = np.broadcast_to(weights[..., np.newaxis, :], terms.shape)
        mean = np.average(terms, axis=-1, weights=weights)
        return loss / weight, number(mean)
