"""A Dask cluster, as far as a fit needs one: tasks over partitions, and their sums.

Dask places the tasks, moves what they need, runs lost ones again, and keeps or spills
what is persisted. Here it is only told what to compute.
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

# Sums that one task adds up: with more partitions, there is a tree of them.
FAN_IN = 8

# The part of the memory of all workers that partitions may take, to be kept there. The
# rest is for what tasks work on. (Dask itself begins to spill at 0.6.)
KEPT = 0.5

# θ travels in the graph, from which Dask sends it again if a worker is lost; of a graph
# as large as that it would warn.
GRAPHS = {"distributed.admin.large-graph-warning-threshold": "1 GB"}


class Cluster:
    """What a fit asks of Dask.

    Parameters
    ----------
    client : Client or None
        The connection; None for the current one.

    Raises
    ------
    ValueError
        If there is none.
    """

    def __init__(self, client: Any) -> None:
        if client is None:
            try:
                client = get_client()
            except ValueError:
                raise ValueError(
                    "There is no Dask client. Start one first, on this machine by "
                    "`client = distributed.Client()`, or pass `client`."
                ) from None
        if not isinstance(client, Client):
            raise InvalidParameterError(
                f"client must be None or a distributed.Client, got {client!r}."
            )
        self.client = client
        # A partition is kept where it is first worked on. A worker that is still busy
        # importing would get none, and wait for the others in all that follows.
        client.run(ready, on_error="ignore")

    def get(self, value: Any) -> Any:
        """Compute a task, or a list of them.

        Parameters
        ----------
        value : Delayed or list of Delayed
            What to compute.

        Returns
        -------
        result : object or list
            What the tasks return, here.

        Raises
        ------
        ConnectionError
            If the scheduler is gone.
        """
        try:
            with dask.config.set(GRAPHS):
                return self.client.gather(self.client.compute(value))
        except (CancelledError, CommClosedError) as error:
            raise ConnectionError(
                f"The connection to the Dask scheduler at {self.client} was lost. "
                "Start a cluster, and call fit again: with `checkpoint`, it goes on "
                "from the last one."
            ) from error

    def total(self, parts: Sequence[Delayed]) -> Sums:
        """Add up the results of tasks, always in the same order.

        Parameters
        ----------
        parts : sequence of Delayed
            One for each partition.

        Returns
        -------
        sums : dict
            What `added` makes of them.
        """
        parts = [*parts]
        while len(parts) > 1:
            groups = [parts[i : i + FAN_IN] for i in range(0, len(parts), FAN_IN)]
            parts = [task(added)(group) for group in groups]
        sums: Sums = self.get(parts[0])
        return sums

    def keep(self, values: list[Delayed]) -> list[Delayed]:
        """Compute tasks now, and keep the results on the workers.

        Parameters
        ----------
        values : list of Delayed
            The tasks.

        Returns
        -------
        kept : list of Delayed
            The same, to be computed no more.
        """
        with dask.config.set(GRAPHS):
            kept: list[Delayed] = self.client.persist(values)
        return kept

    def share(self, value: Any) -> Delayed:
        """Put a value on the cluster, for all tasks to come.

        Parameters
        ----------
        value : object
            The value.

        Returns
        -------
        shared : Delayed
            Sent to each worker once.
        """
        return self.keep([constant(value)])[0]

    def has_room(self, n_bytes: float) -> bool:
        """Tell whether the workers have memory to keep as much as that.

        Parameters
        ----------
        n_bytes : float
            Of all partitions.

        Returns
        -------
        answer : bool
            True for workers without a limit.
        """
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        limits = [worker["memory_limit"] for worker in workers]
        return not all(limits) or n_bytes <= KEPT * sum(limits)


def task(function: Any) -> Any:
    """Return a function that makes tasks: each call is one of its own."""
    return delayed(function, pure=False, traverse=False)


def constant(value: Any) -> Delayed:
    """Put a value into the graph, once for all tasks that need it."""
    return delayed(value, pure=False, traverse=False)
