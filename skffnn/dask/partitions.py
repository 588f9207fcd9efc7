"""Aligned partitions of X, y and the weights, from Dask collections."""

from math import isnan, nan
from typing import Any

import dask
import numpy as np
from dask.delayed import Delayed
from sklearn.utils.validation import validate_data

from .cluster import constant

# X, y and sample weights.
Given = tuple[Any, Any, Any]


def partitions_of(given: Given, suffix: str = "") -> list[tuple[Delayed, ...]]:
    """Return tasks for the rows of each partition of X, y and weights.

    The weights may be None. A validation set ("_val") may also consist of arrays, which
    become one partition. Raise if the partitions differ.
    """
    names = [f"X{suffix}", f"y{suffix}", f"sample_weight{suffix}"]
    named = [
        (n, part) for n, part in zip(names, given, strict=True) if part is not None
    ]
    on_cluster = [dask.is_dask_collection(part) for _, part in named]
    if suffix and not any(on_cluster):
        return [tuple(None if p is None else constant(as_array(p)) for p in given)]
    for (name, part), is_collection in zip(named, on_cluster, strict=True):
        if not is_collection:
            raise TypeError(
                f"{name} must be a Dask array or data frame, got a "
                f"{type(part).__name__}. Convert it by "
                "dask.array.from_array(X, chunks=...), or use FFNNClassifier."
            )
    for name, part in named:
        check_columns(name, part)
    (first, X), *others = named
    for name, part in others:
        if differ(lengths(part), lengths(X)):
            raise ValueError(
                f"{first} and {name} must have partitions of the same lengths: "
                f"{first} has {described(lengths(X))}, {name} has "
                f"{described(lengths(part))}. Use rechunk or repartition to give both "
                "the same chunks."
            )
    nothing: list[Any] = [None] * len(lengths(X))
    columns = [nothing if part is None else tasks_of(part) for part in given]
    return [*zip(*columns, strict=True)]


def as_array(part: Any) -> Any:
    """Return a list as an array; anything with a shape is returned unchanged."""
    return part if hasattr(part, "shape") else np.asarray(part)


def tasks_of(collection: Any) -> list[Delayed]:
    """Return a task for each partition of a collection."""
    return np.ravel(collection.to_delayed()).tolist()


def lengths(collection: Any) -> list[float]:
    """Return the number of rows of each partition; NaN if it is unknown."""
    chunks = getattr(collection, "chunks", None)
    return [nan] * collection.npartitions if chunks is None else [*chunks[0]]


def differ(some: list[float], others: list[float]) -> bool:
    """Return whether partitions are known to differ in number or length."""
    if len(some) != len(others):
        return True
    pairs = zip(some, others, strict=True)
    return any(m != n and not isnan(m + n) for m, n in pairs)


def described(rows: list[float]) -> str:
    """Describe partitions for an error message."""
    text = f"{len(rows)} partitions"
    if any(map(isnan, rows)):
        return text
    some = ", ".join(str(n) for n in rows[:5]) + ", ..." * (len(rows) > 5)
    return f"{text} of {some} rows"


def check_columns(name: str, collection: Any) -> None:
    """Raise if the columns of an array are in several chunks, or of unknown number."""
    chunks = getattr(collection, "chunks", None)
    if chunks is None:
        return
    if len(chunks) > 2:
        raise ValueError(f"{name} must have at most 2 dimensions, got {len(chunks)}.")
    if len(chunks) == 2 and (len(chunks[1]) > 1 or isnan(chunks[1][0])):
        raise ValueError(
            f"{name} must have its columns in one chunk, got chunks of {chunks[1]} "
            f"columns. Use {name}.rechunk({{1: -1}})."
        )


def learn_features(model: Any, X: Any, *, reset: bool) -> None:
    """Set the number and the names of the features of an estimator, or check them."""
    columns = getattr(X, "columns", None)
    anything = np.zeros((1, X.shape[1] if columns is None else len(columns)))
    if columns is not None:
        import pandas as pd

        anything = pd.DataFrame(anything, columns=columns)
    validate_data(model, anything, reset=reset)
