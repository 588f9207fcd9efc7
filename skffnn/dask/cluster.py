"""What a fit needs from a Dask cluster: tasks on partitions, and sums of their results.

Dask schedules the tasks, moves their inputs, reruns lost tasks, and stores or spills
persisted results.
"""

from collections.abc import Sequence
from concurrent.futures import CancelledError
from typing import Any

import dask
from dask.delayed import Delayed, delayed
from distributed import Client, get_client
from distributed.comm import CommClosedError

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
