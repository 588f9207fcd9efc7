"""What a fit needs from a Dask cluster: partitions, tasks on them, and their sums.

Dask schedules the tasks, moves their inputs, reruns lost tasks, and stores or spills
persisted results.
"""

from collections.abc import Sequence
from concurrent.futures import CancelledError
from math import isnan, nan
from typing import Any

import dask
import numpy as np
from dask.delayed import Delayed, delayed
from distributed import Client, get_client
from distributed.comm import CommClosedError
from sklearn.utils.validation import validate_data

from ..utils.checks import InvalidParameterError
from .tasks import Sums, added, ready

# Maximum number of results that one task adds up. More partitions make a tree of tasks.
FAN_IN = 8

# Partitions are kept on the workers if they take at most this fraction of their memory.
# The rest is for running tasks. (Dask itself starts spilling at 0.6.)
KEPT = 0.5

# θ is part of the graph, so that Dask can send it again if a worker is lost. Dask would
# warn about a graph of that size.
GRAPHS = {"distributed.admin.large-graph-warning-threshold": "1 GB"}


class Cluster:
    """A connection to a Dask cluster; without a client, the current one."""

    def __init__(self, client: Any) -> None:
        if client is None:
            try:
                client = get_client()
            except ValueError:
                raise ValueError(
                    "There is no Dask client. Start one first, locally with "
                    "`client = distributed.Client()`, or pass `client`."
                ) from None
        if not isinstance(client, Client):
            raise InvalidParameterError(
                f"client must be None or a distributed.Client, got {client!r}."
            )
        self.client = client
        # A partition stays on the worker that first processes it. A worker that is
        # still busy importing would get no partitions, and stay idle during the fit.
        client.run(ready, on_error="ignore")

    def get(self, value: Any) -> Any:
        """Compute a task or a list of tasks, and fetch the results."""
        try:
            with dask.config.set(GRAPHS):
                return self.client.gather(self.client.compute(value))
        except (CancelledError, CommClosedError) as error:
            raise ConnectionError(
                f"The connection to the Dask scheduler at {self.client} was lost. "
                "Start a cluster and call fit again; with `checkpoint`, it resumes "
                "from the last checkpoint."
            ) from error

    def total(self, parts: Sequence[Delayed]) -> Sums:
        """Add up the results of tasks by `added`, always in the same order."""
        parts = [*parts]
        while len(parts) > 1:
            groups = [parts[i : i + FAN_IN] for i in range(0, len(parts), FAN_IN)]
            parts = [task(added)(group) for group in groups]
        sums: Sums = self.get(parts[0])
        return sums

    def keep(self, values: list[Delayed]) -> list[Delayed]:
        """Compute tasks now, keep the results on the workers, and refer to them."""
        with dask.config.set(GRAPHS):
            kept: list[Delayed] = self.client.persist(values)
        return kept

    def share(self, value: Any) -> Delayed:
        """Put a value on the cluster, which is sent to each worker only once."""
        return self.keep([constant(value)])[0]

    def has_room(self, n_bytes: float) -> bool:
        """Return whether the workers have enough memory to keep all partitions.

        The size may be NaN, if it is unknown. A worker may have no memory limit.
        """
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        limits = [worker["memory_limit"] for worker in workers]
        return not all(limits) or n_bytes <= KEPT * sum(limits)


def task(function: Any) -> Any:
    """Return a function whose calls are lazy tasks, each distinct from all others."""
    return delayed(function, pure=False, traverse=False)


def constant(value: Any) -> Delayed:
    """Return a value as a node of the graph, shared by all tasks that need it."""
    return delayed(value, pure=False, traverse=False)


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
