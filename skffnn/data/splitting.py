"""The rows that early stopping validates on, split off the training rows."""

import warnings
from math import ceil
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.model_selection import train_test_split

from ..nn.arrays import Array, canonical

# Rows whose content is hashed at a time, so that no second copy of X is made.
HASH_ROWS = 4096

# To keep the copies of a row together is to train without its content where it is
# validated on: right for a few copies, wrong where a table has few different rows.
MANY_COPIES = 10


def split_like_mlp(
    rows: Array, strata: Array, fraction: float, random_state: np.random.RandomState
) -> tuple[Array, Array]:
    """Split unweighted rows as `MLPClassifier` does, draw for draw.

    Parameters
    ----------
    rows : ndarray of int of shape (n_rows,)
        The rows to split.
    strata : ndarray of int of shape (n_rows,)
        The class of each row, or 0 for each, which is no stratification.
    fraction : float
        The part to validate on.
    random_state : RandomState
        Where the split comes from.

    Returns
    -------
    train, validate : ndarray of int
        The two parts.
    """
    possible = can_stratify(strata, fraction)
    train, validate = train_test_split(
        rows,
        test_size=fraction,
        random_state=random_state,
        stratify=strata if possible and strata.any() else None,
    )
    return train, validate


def split_by_content(
    X: Any,
    rows: Array,
    weights: Array | None,
    strata: Array,
    fraction: float,
    random_state: np.random.RandomState,
) -> tuple[Array, Array]:
    """Split rows so that a row of weight w and w copies of it are the same.

    Each row gets a random number that its content alone decides. In each class those
    with the smallest numbers are validated on, up to the given part of its weight.
    So copies of a row stay together (one among the validation rows would give away the
    label of the other), and the order of the rows does not matter. Only a row with more
    than `MANY_COPIES` is so common that its copies are split as rows of their own.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features)
        Features.
    rows : ndarray of int of shape (n_rows,)
        The rows to split.
    weights : ndarray of shape (n_samples,) or None
        Sample weights; None is 1 for each.
    strata : ndarray of int of shape (n_rows,)
        The class of each row, or 0 for each.
    fraction : float
        The part of the weight to validate on.
    random_state : RandomState
        Where the numbers come from.

    Returns
    -------
    train, validate : ndarray of int
        The two parts, in order.
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
    """Deal rows into folds, so that a row of weight w and w copies of it are the same.

    The rows of each class are ordered by the random numbers of `split_by_content`, and
    this order is cut into pieces of equal weight; which fold gets the first piece is
    drawn for each class, so that small classes do not all meet in one fold.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features)
        Features.
    weights : ndarray of shape (n_samples,) or None
        Sample weights, above 0; None is 1 for each.
    strata : ndarray of int of shape (n_samples,)
        The class of each row, or 0 for each.
    n_folds : int
        How many folds.
    random_state : RandomState
        Where the numbers come from.

    Returns
    -------
    fold : ndarray of int of shape (n_samples,)
        The fold of each row, 0 … n_folds - 1. Of fewer different rows than folds, each
        is in a fold of its own, and some folds are empty.
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
    """Return a random number for each row to split by, equal for copies of a row.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features)
        Features.
    rows : ndarray of int of shape (n_rows,)
        The rows to split.
    random_state : RandomState
        Where the numbers come from.

    Returns
    -------
    keys : ndarray of uint64 of shape (n_rows,)
        Those of rows with more than `MANY_COPIES` differ from copy to copy.
    """
    keys = content_keys(X, random_state)[rows]
    _, group, copies = np.unique(keys, return_inverse=True, return_counts=True)
    common = copies[group] > MANY_COPIES
    # From the full range, as the keys of all other rows are: the smallest keys make up
    # the validation set, so a narrower range would favour or exclude common rows.
    keys[common] = random_state.randint(2**64, size=common.sum(), dtype=np.uint64)
    return keys


def content_keys(X: Any, random_state: np.random.RandomState) -> Array:
    """Return a random number for each row, equal for equal rows.

    It is a sum over the features of the bits of a number times a random odd factor,
    modulo 2⁶⁴, to which zeros, stored or not, add nothing; then the bits are mixed.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features)
        Features.
    random_state : RandomState
        Where the factors come from.

    Returns
    -------
    keys : ndarray of uint64 of shape (n_samples,)
        One number for each row.
    """
    draws = random_state.randint(2**62, size=X.shape[1] + 2, dtype=np.uint64) * 2 + 1
    offset, factor, factors = draws[0], draws[1], draws[2:]
    if issparse(X):
        X = canonical(X)
        terms = bits(X.data) * factors[X.indices]
        sums = np.append(np.uint64(0), terms).cumsum()
        keys = sums[X.indptr[1:]] - sums[X.indptr[:-1]]
    else:
        blocks = (X[i : i + HASH_ROWS] for i in range(0, X.shape[0], HASH_ROWS))
        keys = np.concatenate([(bits(x) * factors).sum(axis=-1) for x in blocks])
    keys += offset
    keys ^= keys >> 32
    keys *= factor
    return keys ^ (keys >> 29)


def bits(x: Array) -> Array:
    """Return the bits of numbers rounded to float32, those of -0 as of 0.

    Rounded, so that the last digits of float64, which depend on how a number was
    computed, do not decide on which side a row falls.

    Parameters
    ----------
    x : ndarray
        Floating-point numbers.

    Returns
    -------
    bits : ndarray of uint64 of the shape of x
        Their bits.
    """
    with np.errstate(over="ignore"):
        return (x.astype(np.float32) + np.float32(0)).view(np.uint32).astype(np.uint64)


def can_stratify(strata: Array, fraction: float) -> bool:
    """Tell whether both parts can hold every class, and warn if they cannot.

    Parameters
    ----------
    strata : ndarray of int of shape (n_rows,)
        The class of each row.
    fraction : float
        The part to validate on.

    Returns
    -------
    possible : bool
        False if the split has to be random.

    Raises
    ------
    ValueError
        If one of the parts would have no row at all.
    """
    n = len(strata)
    n_val = ceil(fraction * n)
    if n_val >= n:
        raise ValueError(
            "early_stopping=True needs rows to train and rows to validate on, got "
            f"n_samples={n} different rows with validation_fraction={fraction}."
        )
    members = np.unique(strata, return_counts=True)[1]
    if members.min() >= 2 and len(members) <= min(n_val, n - n_val):
        return True
    warnings.warn(
        f"The {n_val} of {n} different rows that early_stopping=True splits off are "
        f"too few to hold each of the {len(members)} classes: they are drawn at "
        "random. Raise validation_fraction, or pass X_val and y_val to fit.",
        stacklevel=2,
    )
    return False
