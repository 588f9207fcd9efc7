"""Validation sets for early stopping, and folds for averaged networks."""

import warnings
from collections.abc import Iterator
from math import ceil
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.model_selection import train_test_split

from ..nn.arrays import Array, canonical

# Numbers that are hashed or compared at a time, to limit the memory for it.
HASH_BLOCK = 2**18

# Copies of a row stay together, so that none of them leaks its label into the
# validation set. A row with more copies than this may be a large part of the data, and
# should be in both sets, so its copies are split individually.
MANY_COPIES = 10


def split(
    X: Any,
    rows: Array,
    weights: Array | None,
    strata: Array,
    fraction: float,
    random_state: np.random.RandomState,
    *,
    like_mlp: bool,
) -> tuple[Array, Array]:
    """Split rows into a training set and a validation set.

    `rows` are indices of the arrays, and `strata`, of shape (n_rows,), are their
    classes, all 0 for a split that is not stratified. Unweighted rows can be split
    exactly as `MLPClassifier` does for the same seed.
    """
    if weights is None and like_mlp:
        possible = can_stratify(strata, fraction)
        stratify = strata if possible and strata.any() else None
        train, validation = train_test_split(
            rows, test_size=fraction, random_state=random_state, stratify=stratify
        )
        return train, validation
    return split_by_content(X, rows, weights, strata, fraction, random_state)


def split_by_content(
    X: Any,
    rows: Array,
    weights: Array | None,
    strata: Array,
    fraction: float,
    random_state: np.random.RandomState,
) -> tuple[Array, Array]:
    """Split rows so that a row of weight w is treated like w copies of it.

    Each row gets a random key that depends only on its content. In each class, the rows
    with the smallest keys form the validation set, up to the given fraction of the
    total weight. Copies of a row therefore stay together (a copy in the training set
    would leak the label of one in the validation set), and the order of the rows does
    not matter. Only if a row has more than `MANY_COPIES` copies does each copy get its
    own key.
    """
    keys = split_keys(X, rows, random_state)
    w = np.ones(len(rows)) if weights is None else weights[rows]
    _, distinct = np.unique(keys, return_index=True)
    if not can_stratify(strata[distinct], fraction):
        strata = np.zeros_like(strata)
    validated = np.zeros(len(rows), bool)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        members = members[np.argsort(keys[members], kind="stable")]
        ends = np.flatnonzero(np.diff(keys[members])) + 1  # copies stay together
        if len(ends):
            sums = np.cumsum(w[members])
            nearest = np.abs(sums[ends - 1] - fraction * sums[-1]).argmin()
            validated[members[: ends[nearest]]] = True
    return rows[~validated], rows[validated]


def folds_by_content(
    X: Any,
    weights: Array | None,
    strata: Array,
    n_folds: int,
    random_state: np.random.RandomState,
) -> Array:
    """Assign rows to folds so that a row of weight w is treated like w copies of it.

    The rows of each class are sorted by the random keys of `split_by_content` and cut
    into pieces of equal weight. The fold of the first piece is drawn separately for
    each class, so that small classes do not all end up in the same fold. A class with
    fewer distinct rows than folds is absent from some of them.
    """
    keys = split_keys(X, np.arange(X.shape[0]), random_state)
    w = np.ones(len(keys)) if weights is None else weights
    fold = np.empty(len(keys), np.intp)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        _, group = np.unique(keys[members], return_inverse=True)
        of_group = np.bincount(group, w[members])
        middle = (np.cumsum(of_group) - of_group / 2) / of_group.sum()
        first = random_state.randint(n_folds)
        fold[members] = ((middle * n_folds).astype(np.intp) + first)[group] % n_folds
    return fold


def split_keys(X: Any, rows: Array, random_state: np.random.RandomState) -> Array:
    """Return the random key of each row, which decides how it is split.

    Copies of a row have equal keys, unless there are more than `MANY_COPIES`.
    """
    keys = content_keys(X, random_state)[rows]
    _, group, copies = np.unique(keys, return_inverse=True, return_counts=True)
    common = copies[group] > MANY_COPIES
    # From the full range, as the keys of all other rows are: the smallest keys make up
    # the validation set, so a narrower range would favour or exclude common rows.
    keys[common] = random_state.randint(2**64, size=common.sum(), dtype=np.uint64)
    return keys


def content_keys(X: Any, random_state: np.random.RandomState) -> Array:
    """Return a random key for each row, equal for equal rows.

    The bits of each value are multiplied by a random odd factor for its feature and
    summed modulo 2⁶⁴, and the bits of the sum are then mixed. Zeros add nothing, so
    dense and sparse rows have the same keys.
    """
    draws = random_state.randint(2**62, size=X.shape[1] + 2, dtype=np.uint64) * 2 + 1
    offset, factor, factors = draws[0], draws[1], draws[2:]
    if issparse(X):
        X = canonical(X)
        terms = bits(X.data) * factors[X.indices]
        sums = np.append(np.uint64(0), terms).cumsum()
        keys = sums[X.indptr[1:]] - sums[X.indptr[:-1]]
    else:
        blocks = (X[rows] for rows in blocks_of(*X.shape))
        keys = np.concatenate([(bits(x) * factors).sum(axis=-1) for x in blocks])
    keys += offset
    keys ^= keys >> 32
    keys *= factor
    return keys ^ (keys >> 29)


def sorted_by_content(X: Any, y: Any, rows: Array) -> tuple[Array, Array]:
    """Sort rows by their content, so that copies of a row are neighbours.

    Return the sorted indices, and whether each row equals the one before it.
    """
    keys = content_keys(X, np.random.RandomState(0))[rows]
    if issparse(y):
        targets = [content_keys(canonical(y.tocsr()), np.random.RandomState(0))[rows]]
    else:
        columns = np.atleast_2d(y[rows].T)
        targets = [np.unique(column, return_inverse=True)[1] for column in columns]
    order = np.lexsort([*targets, keys])
    rows = rows[order]
    ranks = [column[order] for column in (keys, *targets)]
    is_copy = np.all([column[1:] == column[:-1] for column in ranks], axis=0)
    is_copy = np.append(False, is_copy)
    # Rows that are equal in float32 alone have equal keys too.
    pairs = np.flatnonzero(is_copy)
    for block in blocks_of(len(pairs), X.shape[1]):
        part = pairs[block]
        differ = X[rows[part]] != X[rows[part - 1]]
        is_copy[part] = np.asarray(differ.sum(axis=1)).ravel() == 0
    return rows, is_copy


def blocks_of(n_rows: int, n_features: int) -> Iterator[slice]:
    """Split rows into blocks of at most `HASH_BLOCK` numbers, or of one row."""
    size = max(1, HASH_BLOCK // n_features)
    return (slice(start, start + size) for start in range(0, n_rows, size))


def bits(x: Array) -> Array:
    """Return the bits of numbers rounded to float32, with -0 treated as 0.

    Without rounding, the last digits of float64, which depend on how a number was
    computed, would decide which rows are in the validation set.
    """
    with np.errstate(over="ignore"):
        return (x.astype(np.float32) + np.float32(0)).view(np.uint32).astype(np.uint64)


def can_stratify(strata: Array, fraction: float) -> bool:
    """Return whether both parts can contain every class, and warn if they cannot.

    Raise if the training set would be empty.
    """
    n = len(strata)
    n_val = ceil(fraction * n)
    if n_val >= n:
        raise ValueError(
            "early_stopping=True needs rows for training and for validation, but "
            f"validation_fraction={fraction} of n_samples={n} distinct rows leaves "
            "none for training. Pass more rows, or X_val and y_val to fit."
        )
    members = np.unique(strata, return_counts=True)[1]
    if members.min() >= 2 and len(members) <= min(n_val, n - n_val):
        return True
    warnings.warn(
        f"The {n_val} of {n} distinct rows that early_stopping=True splits off are too "
        f"few to hold each of the {len(members)} classes, so the split is not "
        "stratified. Increase validation_fraction, or pass X_val and y_val to fit.",
        stacklevel=2,
    )
    return False
