"""Rows in memory: features, targets and weights, and what training asks of them.

`train` asks the same of rows wherever they are; `skffnn.dask.rows` has the rows on a
cluster. Rows are values: each method returns new ones, which share the arrays.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from mmap import mmap
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse

from ..nn.arrays import BLOCK, Array, aligned, canonical
from ..nn.objective import FullBatch, Objective
from ..utils.checks import (
    DTYPES,
    check_numpy,
    check_weights,
    checked_rows,
    validate_data,
)
from .batches import Batches, Validation, rows_per_block
from .labels import Labels
from .splitting import sorted_by_content, split
from .targets import ClassWeights, sums_by_class

# Minimum number of rows in a block of a full batch. Each block also costs a pass over
# the parameters, to add its gradient.
SMALLEST_BLOCK = 1024


@dataclass(frozen=True, eq=False)
class Rows:
    """Validated rows, and which of them are in use.

    Attributes
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features)
        Features.
    y : ndarray or sparse array of shape (n_samples,) or (n_samples, n_columns)
        Labels or numbers.
    weights : ndarray of shape (n_samples,) or None
        Sample weights; None means equal weights.
    index : ndarray of int of shape (n_rows,) or None
        Indices of the rows in use; None means all of them, in order.
    targets : Targets or None
        The classes, or the scaling of numbers, once they are known.
    validation : Rows or None
        The validation set that was passed to `fit`.
    scaling : Scaling or None
        How batches scale the features; None if they do not.
    """

    X: Any
    y: Any
    weights: Array | None = None
    index: Array | None = None
    targets: Any = None
    validation: Any = None
    scaling: Any = None

    @classmethod
    def validated(
        cls, estimator: Any, X: Any, y: Any, weights: Any, *, reset: bool, suffix: str
    ) -> Self:
        """Validate rows for an estimator, which learns the features or knows them.

        `suffix` is "_val" for a validation set, for the names in errors.
        """
        check_numpy(**{f"X{suffix}": X, f"y{suffix}": y})
        with np.errstate(invalid="ignore"):  # the check for NaN may compute ∞ - ∞
            X, y = validate_data(
                estimator,
                X,
                y,
                reset=reset,
                accept_sparse="csr",
                dtype=DTYPES,
                order="C",
                multi_output=True,
            )
        weights = check_weights(weights, X.shape[0], f"sample_weight{suffix}")
        return cls(aligned(X), canonical(y), weights)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Align the rows, which may lie anywhere in a message between processes."""
        self.__dict__.update(state, X=aligned(state["X"]))

    @property
    def n_rows(self) -> int:
        """Number of rows in use."""
        return self.X.shape[0] if self.index is None else len(self.index)

    @property
    def n_features(self) -> int:
        """Number of features."""
        n: int = self.X.shape[1]
        return n

    @property
    def largest(self) -> int:
        """Number of rows that share minibatches: all of them."""
        return self.n_rows

    @property
    def dtype(self) -> Any:
        """Dtype of the features."""
        return self.X.dtype

    @property
    def n_bytes(self) -> int:
        """Size of the arrays in memory."""
        n_bytes = 0
        arrays: list[Any] = [self.X, self.y, self.weights, self.index]
        for array in arrays:
            if issparse(array):
                parts = array.data, array.indices, array.indptr
                n_bytes += sum(part.nbytes for part in parts)
            elif array is not None:
                n_bytes += array.nbytes
        return n_bytes

    def __sizeof__(self) -> int:
        """Return the size by which Dask spills rows to disk."""
        return self.n_bytes

    # ----------------------------------------------------------------- selections

    def numbers(self) -> Array:
        """Return the indices of the rows in use."""
        return np.arange(self.X.shape[0]) if self.index is None else self.index

    def take(self, rows: Any) -> Self:
        """Select rows of the arrays, by any index that NumPy takes for one axis."""
        rows = np.arange(self.X.shape[0])[rows]
        whole = len(rows) == self.X.shape[0] and (rows[:-1] < rows[1:]).all()
        return replace(self, index=None if whole else rows)

    def counted(self) -> Self:
        """Select the rows in use whose weight is not 0."""
        if self.weights is None:
            return self
        rows = self.numbers()
        return self.take(rows[self.weights[rows] > 0])

    def used(self, array: Any) -> Any:
        """Return the rows in use of one of the arrays; None for no weights."""
        return array if array is None or self.index is None else array[self.index]

    def head(self, n: int) -> Any:
        """Return the features of the first rows in use, as in training."""
        X = self.X[:n] if self.index is None else self.X[self.index[:n]]
        return X if self.scaling is None else self.scaling.applied(X, np.float64)

    def arrays(self) -> dict[str, Any]:
        """Return the data of a fit by argument name, which identify a checkpoint."""
        arrays = {"X": self.X, "y": self.y, "sample_weight": self.weights}
        if self.validation is not None:
            given = self.validation.arrays()
            arrays |= {f"{name}_val": array for name, array in given.items()}
        return arrays

    # ---------------------------------------------------------- before training

    def labels(self, loss: Any) -> Labels:
        """Return the classes in y."""
        return Labels.from_labels(self.y, loss=loss)

    def check_known(self, targets: Any, name: str) -> None:
        """Raise if y, in errors called `name`, does not match the targets."""
        targets.check_known(self.y, name)

    def with_targets(self, targets: Any, validation: Any = None) -> Self:
        """Return the rows with their targets and perhaps a validation set."""
        scaling = targets.features
        return replace(self, targets=targets, validation=validation, scaling=scaling)

    def weighted(self, class_weight: Any) -> Self:
        """Multiply the weights by class weights, and drop rows of weight 0."""
        sums: list[Array] = []
        if class_weight is not None:
            rows = self.counted()
            y, weights = rows.used(self.y), rows.used(self.weights)
            sums = sums_by_class(self.targets, y, weights)
        classes = ClassWeights.from_sums(class_weight, self.targets, sums)
        validation = self.validation
        if validation is not None:
            validation = validation.times(classes, "sample_weight_val").equalised()
        return replace(self.times(classes).equalised(), validation=validation)

    def times(self, classes: ClassWeights, name: str = "sample_weight") -> Self:
        """Multiply the weights by those of classes, and drop rows of weight 0.

        Raise if no row is left; `name` is the name of the weights.
        """
        rows = self
        if classes.by_class:
            products = classes.products(self.used(self.y), self.used(self.weights))
            n_rows, name = len(products), f"{name} times class_weight"
            weights = np.zeros(self.X.shape[0])
            weights[self.numbers()] = check_weights(products, n_rows, name)
            rows = replace(self, weights=weights)
        return rows.counted()

    def equalised(self) -> Self:
        """Return the rows without weights if these are equal."""
        weights = self.used(self.weights)
        equal = weights is not None and np.ptp(weights) == 0
        return replace(self, weights=None) if equal else self

    def relative_weights(self) -> Array | None:
        """Return the weights in use by a power of 2, so that no sum overflows."""
        weights = self.used(self.weights)
        if weights is None:
            return None
        return np.ldexp(weights, -np.frexp(weights.max())[1])

    def class_sums(self) -> list[Array]:
        """Return the total weight of each class in use, for each label column."""
        return sums_by_class(self.targets, self.used(self.y), self.relative_weights())

    def total_weight(self) -> float:
        """Return S, the sum of the weights."""
        weights = self.used(self.weights)
        return float(self.n_rows if weights is None else weights.sum())

    def split(self, fraction: float, random_state: Any) -> tuple[Self, Self]:
        """Split off a validation set."""
        rows = self.numbers()
        strata = self.targets.strata(self.y)[rows]
        train, validation = split(
            self.X,
            rows,
            self.weights,
            strata,
            fraction,
            random_state,
            like_mlp=self.targets.splits_like_mlp,
        )
        return self.take(train), self.take(validation)

    def cast(self, dtype: Any) -> Self:
        """Scale the features, and convert them to a smaller dtype.

        Features on disk may not fit into memory, and rows held out of all need no copy
        of the others: they are scaled and converted batch by batch, as is any
        conversion to a larger dtype. Raise if a number is too large.
        """
        X, scaling = self.X, self.scaling
        in_memory = not is_on_disk(X) and 2 * self.n_rows >= X.shape[0]
        if scaling is not None:
            X = scaling.applied(X, dtype) if in_memory else X
            return replace(self, X=X, scaling=None if in_memory else scaling)
        if X.dtype.itemsize <= np.dtype(dtype).itemsize:
            return self
        try:
            with np.errstate(over="raise"):
                if in_memory:
                    return replace(self, X=X.astype(dtype))
                values = X.data if issparse(X) else X
                n = max(1, BLOCK // max(1, values[:1].size))
                for start in range(0, len(values), n):
                    values[start : start + n].astype(dtype)
                return self
        except FloatingPointError:
            raise ValueError(
                f"X has numbers too large for {np.dtype(dtype).name}, whose maximum is "
                f"{np.finfo(dtype).max:.3g}. Scale the features, for example with "
                "StandardScaler, or set dtype='float64'."
            ) from None

    def merged(self) -> Self:
        """Merge the copies of each row into one with their total weight.

        If there are copies or weights, the rows are sorted by their content. A sum over
        them then has the same rounding errors whether rows are repeated or weighted,
        unless different rows are equal in float32.
        """
        rows, is_copy = sorted_by_content(self.X, self.y, self.counted().numbers())
        if self.weights is None and not is_copy.any():
            return self
        w = np.ones(len(rows)) if self.weights is None else self.weights[rows]
        first = np.flatnonzero(~is_copy)
        weights = np.zeros(self.X.shape[0])
        weights[rows[first]] = np.add.reduceat(w, first)
        return replace(self, weights=weights, index=rows[first])

    def adapted(self, plan: Any) -> Any:
        """Return the plan with the learning rate for these rows: the same."""
        return plan

    # -------------------------------------------------------------- in training

    def minibatches(self, plan: Any, progress: Any, batch_size: int) -> Batches:
        """Return the minibatches, in the order of the last epoch of an earlier fit."""
        options: dict[str, Any] = {}
        if plan.shuffle and batch_size < self.n_rows:
            order = progress.ordered(self.numbers())
            options = {"order": order, "shuffled": True}
        return self.batches(
            progress.dtype, plan.label_smoothing, batch_size=batch_size, **options
        )

    def full_batch(self, plan: Any, objective: Objective) -> FullBatch:
        """Return J and its gradient over all rows, as a function."""
        # Over thousands of evaluations, L-BFGS can amplify the rounding of sums. Not
        # with dropout: each copy of a row has a mask of its own.
        rows = self if objective.dropout is not None else self.merged()
        return rows.sum_of_losses(plan, objective)

    def sum_of_losses(self, plan: Any, objective: Objective) -> FullBatch:
        """Return J over the rows as they are, block by block."""
        blocks = self.blocks(objective, plan.label_smoothing, SMALLEST_BLOCK)
        return FullBatch(objective, blocks)

    def measured(
        self, plan: Any, objective: Objective, current: Callable[[], Any]
    ) -> Validation:
        """Return what measures θ on these rows; `current` returns the network of θ."""
        blocks = self.cast(objective.theta.vector.dtype).blocks(objective)
        weights = self.relative_weights()
        return Validation(objective, blocks, weights, plan.score(self, current))

    def blocks(
        self, objective: Objective, smoothing: float = 0.0, smallest: int = 1
    ) -> Batches:
        """Split the rows into blocks, whose sums add up."""
        theta = objective.theta
        size = max(smallest, rows_per_block(self.X, theta.sizes[1:]))
        return self.batches(
            theta.vector.dtype, smoothing, batch_size=size, estimate=False
        )

    def batches(self, dtype: Any, smoothing: float = 0.0, **options: Any) -> Batches:
        """Split the rows into batches, with weights of mean 1 over the rows in use."""
        weights = self.weights
        if weights is not None:
            weights = weights / weights.max()  # first, to avoid overflow of the sum
            weights = weights / weights[self.numbers()].mean()
            weights = weights.astype(dtype)[:, np.newaxis]
        y = self.targets.encode(self.y, dtype, smoothing)
        options = {"order": self.index, "scaling": self.scaling} | options
        return Batches(self.X, y, weights, **options)


def features_of(estimator: Any, X: Any) -> Any:
    """Validate the features of rows for a fitted estimator."""
    return aligned(checked_rows(estimator, X, accept_sparse="csr"))


def is_on_disk(X: Any) -> bool:
    """Return whether an array, or the data of a CSR array, is a memory-mapped file."""
    base = X.data if issparse(X) else X
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, mmap)
