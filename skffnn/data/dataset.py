"""Validated data: features, labels and weights, from which batches are made."""

from dataclasses import dataclass, field, replace
from mmap import mmap
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse

from ..nn.arrays import BLOCK, Array, aligned
from .base_targets import BaseTargets
from .batches import Batches
from .splitting import sorted_by_content

# Converting all rows at once pays off from about ten epochs. It takes 1.8 ns per
# number, mostly for allocating new memory; converting batches takes 0.6 ns.
FEW_EPOCHS = 10


@dataclass(frozen=True)
class Dataset:
    """Validated data, and which of its rows are in use.

    Attributes
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features)
        Features.
    y : ndarray or sparse array of shape (n_samples,) or (n_samples, n_labels)
        Labels.
    weights : ndarray of shape (n_samples,) or None
        Sample weights; None means equal weights.
    index : ndarray of int of shape (n_rows,) or None
        Indices of the rows in use; None means all of them, in order.
    converted : dict
        Copies of X in other dtypes, shared by all selections of rows.
    """

    X: Any
    y: Any
    weights: Array | None = None
    index: Array | None = None
    converted: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the copies of X, which another thread may be adding to."""
        return {**vars(self), "converted": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Align the rows, which may lie anywhere in a message between processes."""
        self.__dict__.update(state, X=aligned(state["X"]))

    @property
    def n_rows(self) -> int:
        """Number of rows in use."""
        return self.X.shape[0] if self.index is None else len(self.index)

    @property
    def n_bytes(self) -> int:
        """Size of the arrays in memory."""
        arrays: list[Any] = [self.X, self.y, self.weights, self.index]
        n_bytes = 0
        for array in arrays:
            if issparse(array):
                parts = array.data, array.indices, array.indptr
                n_bytes += sum(part.nbytes for part in parts)
            elif array is not None:
                n_bytes += array.nbytes
        return n_bytes

    def rows(self) -> Array:
        """Return the indices of the rows in use.

        Returns
        -------
        rows : ndarray of int of shape (n_rows,)
            Row indices.
        """
        return np.arange(self.X.shape[0]) if self.index is None else self.index

    def rows_of_nonzero_weight(self) -> Array:
        """Return the indices of the rows in use whose weight is not 0.

        Returns
        -------
        rows : ndarray of int
            Row indices.
        """
        rows = self.rows()
        return rows if self.weights is None else rows[self.weights[rows] > 0]

    def take(self, rows: Array) -> Self:
        """Select rows.

        Parameters
        ----------
        rows : ndarray of int
            Row indices.

        Returns
        -------
        data : Dataset
            The selected rows; the arrays are shared.
        """
        return replace(self, index=None if len(rows) == self.X.shape[0] else rows)

    def merged(self) -> Self:
        """Merge the copies of each row into one with their total weight.

        If there are copies or weights, the rows are sorted by their content. A sum over
        them then has the same rounding errors whether rows are repeated or weighted,
        unless different rows are equal in float32.

        Returns
        -------
        data : Dataset
            The distinct rows; the arrays of features and targets are shared. Unchanged
            if there are neither weights nor copies.
        """
        rows, is_copy = sorted_by_content(self.X, self.y, self.rows_of_nonzero_weight())
        if self.weights is None and not is_copy.any():
            return self
        w = np.ones(len(rows)) if self.weights is None else self.weights[rows]
        first = np.flatnonzero(~is_copy)
        weights = np.zeros(self.X.shape[0])
        weights[rows[first]] = np.add.reduceat(w, first)
        return replace(self, weights=weights, index=rows[first])

    def select(self) -> tuple[Any, Any]:
        """Return the rows in use as arrays.

        Returns
        -------
        X, y : ndarray or sparse array
            Copies, unless all rows are in use.
        """
        X = self.X if self.index is None else self.X[self.index]
        return X, self.labels()

    def labels(self) -> Any:
        """Return the labels of the rows in use.

        Returns
        -------
        y : ndarray or sparse array
            A copy, unless all rows are in use.
        """
        return self.y if self.index is None else self.y[self.index]

    def head(self, n: int) -> Any:
        """Return the features of the first rows in use.

        Parameters
        ----------
        n : int
            Maximum number of rows.

        Returns
        -------
        X : ndarray or CSR array of shape (min(n, n_rows), n_features)
            Features; no array of the length of X is created.
        """
        return self.X[:n] if self.index is None else self.X[self.index[:n]]

    def downcast(self, dtype: Any, epochs: int) -> Self:
        """Convert features to a smaller dtype; raise if a number is too large for it.

        If there are only a few epochs, the features are checked but not converted,
        because converting each batch takes less time and no memory. The same applies to
        features on disk (`numpy.memmap`), which may not fit into memory. Conversion to
        a larger dtype is always left to the batches.

        Parameters
        ----------
        dtype : dtype
            Dtype used in training.
        epochs : int
            Maximum number of epochs.

        Returns
        -------
        data : Dataset
            With features in that dtype, or unchanged.

        Raises
        ------
        ValueError
            If a number is too large.
        """
        X = self.X
        if X.dtype.itemsize <= np.dtype(dtype).itemsize:
            return self
        try:
            with np.errstate(over="raise"):
                if epochs > FEW_EPOCHS and not is_on_disk(X):
                    if dtype not in self.converted:
                        self.converted[dtype] = X.astype(dtype)
                    return replace(self, X=self.converted[dtype])
                numbers = X.data if issparse(X) else X
                rows = max(1, BLOCK // max(1, numbers[:1].size))
                for start in range(0, len(numbers), rows):
                    numbers[start : start + rows].astype(dtype)
                return self
        except FloatingPointError:
            raise ValueError(
                f"X has numbers too large for {np.dtype(dtype).name}, whose maximum is "
                f"{np.finfo(dtype).max:.3g}. Scale the features, for example with "
                "StandardScaler, or set dtype='float64'."
            ) from None

    def batches(self, targets: BaseTargets, dtype: Any, **options: Any) -> Batches:
        """Split the rows into batches.

        Parameters
        ----------
        targets : BaseTargets
            The classes, or the scaling of numbers.
        dtype : dtype
            Dtype used in training.
        **options : dict
            `label_smoothing`, and the keyword arguments of `Batches`.

        Returns
        -------
        batches : Batches
            With weights of mean 1 over the rows in use.
        """
        weights = self.weights
        if weights is not None:
            weights = weights / weights.max()  # first, to avoid overflow of the sum
            weights = weights / weights[self.rows()].mean()
            weights = weights.astype(dtype)[:, np.newaxis]
        y = targets.encode(self.y, dtype, options.pop("label_smoothing", 0.0))
        return Batches(self.X, y, weights, **{"order": self.index} | options)


def is_on_disk(X: Any) -> bool:
    """Return whether an array is a memory-mapped file.

    Parameters
    ----------
    X : ndarray or CSR array
        Features, possibly a view.

    Returns
    -------
    answer : bool
        True for a `numpy.memmap` and its views, and for CSR arrays with such data.
    """
    base = X.data if issparse(X) else X
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, mmap)
