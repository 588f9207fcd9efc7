"""Measuring: processes of their own, runs in turn, medians, peak memory."""

import ctypes
import gc
import multiprocessing
import platform
import signal
import statistics
import time
import traceback
import tracemalloc
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from sklearn.exceptions import ConvergenceWarning

# Seconds between two runs: threads that are out of work look for more for a while.
PAUSE = 0.15

# name of the peer: name of the figure: one value for each round
Runs = dict[str, dict[str, list[Any]]]


class SkipError(Exception):
    """A suite cannot run here; the message is one line."""


class Spread(NamedTuple):
    """The median of some numbers, the smallest and the largest."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return the median, the smallest and the largest number."""
    return Spread(statistics.median(values), min(values), max(values))


def ratio(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Return the spread of the ratios of runs of the same round."""
    return spread([a / b for a, b in zip(above, below, strict=True)])


class Worker:
    """A process that calls functions, one after another."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other,))
        # Ctrl-C is for the process that waits for this one.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.process.start()
        signal.signal(signal.SIGINT, before)
        other.close()

    def call(self, function: Callable[..., Any], **kwargs: Any) -> Any:
        """Return what a function returns there."""
        self.connection.send((function, kwargs))
        try:
            succeeded, answer = self.connection.recv()
        except EOFError:
            raise RuntimeError(f"the process of {function.__name__} has died") from None
        if not succeeded:
            raise RuntimeError(answer)
        return answer

    def close(self) -> None:
        """End the process."""
        self.connection.close()
        self.process.join(timeout=5)
        self.process.terminate()


def serve(connection: Any) -> None:
    """Call functions for another process until it hangs up."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # fits are short on purpose
    with suppress(EOFError, BrokenPipeError):
        while True:
            function, kwargs = connection.recv()
            try:
                answer = True, function(**kwargs)
            except Exception:
                answer = False, traceback.format_exc()
            connection.send(answer)


@dataclass
class Bench:
    """How to measure, and one process for each peer.

    Attributes
    ----------
    peers : list of str
        Who takes part.
    repeats : int
        Rounds.
    quick : bool
        Whether tiny data will do, to see that the code runs.
    data : Path
        The file of MNIST.
    say : callable
        Shows what is being done.
    """

    peers: list[str]
    repeats: int
    quick: bool
    data: Path
    say: Callable[[str], None]
    workers: dict[str, Worker] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers.values():
            worker.close()

    def among(self, *names: str) -> list[str]:
        """Return those of the named peers that take part."""
        return [name for name in names if name in self.peers]

    def worker(self, peer: str) -> Worker:
        """Return the process of a peer, made on first use."""
        if peer not in self.workers:
            self.workers[peer] = Worker()
        return self.workers[peer]

    def in_turn(
        self,
        what: str,
        function: Callable[..., Mapping[str, Any]],
        calls: Mapping[str, Mapping[str, Any]],
        *,
        warm_up: Mapping[str, Any],
        repeats: int | None = None,
    ) -> Runs:
        """Call a function for each peer, once to warm up and then in turn.

        Parameters
        ----------
        what : str
            What is being measured, to be shown.
        function : callable
            Returns figures; it also gets the number of the round as its `seed`.
        calls : mapping of str to mapping
            Keyword arguments for each name; "peer" says in which process.
        warm_up : mapping
            Arguments that the warm-up differs in.
        repeats : int, default=None
            Rounds, if not the usual number.

        Returns
        -------
        runs : dict of str to dict of str to list
            For each name and figure, the values of the rounds.
        """
        repeats = repeats or self.repeats
        for name, kwargs in calls.items():
            self.say(f"{what}: {name}, warm-up")
            kwargs = {**kwargs, **warm_up, "seed": 0}
            self.worker(kwargs["peer"]).call(function, **kwargs)
        runs: Runs = {name: {} for name in calls}
        for i in range(repeats):
            for name, kwargs in calls.items():
                self.say(f"{what}: {name}, round {i + 1} of {repeats}")
                time.sleep(0 if self.quick else PAUSE)
                worker = self.worker(kwargs["peer"])
                for key, value in worker.call(function, seed=i, **kwargs).items():
                    runs[name].setdefault(key, []).append(value)
        return runs

    def afresh(self, what: str, function: Callable[..., Any], **kwargs: Any) -> Any:
        """Call a function once, in a process that has done nothing else."""
        self.say(f"{what}: {kwargs['peer']}")
        if self.quick:  # its memory tells nothing anyway
            return self.worker(kwargs["peer"]).call(function, **kwargs)
        worker = Worker()
        try:
            return worker.call(function, **kwargs)
        finally:
            worker.close()


def memory_of(function: Callable[[], Any]) -> tuple[int, Any]:
    """Call a function and measure its memory.

    Parameters
    ----------
    function : callable
        Without arguments.

    Returns
    -------
    n_bytes : int
        Peak resident memory of the process, above what it had before; elsewhere than on
        Linux that of Python and NumPy alone.
    value : object
        What the function returned.
    """
    gc.collect()
    if platform.system() != "Linux":  # which alone can start its peak anew
        tracemalloc.start()
        value = function()
        n_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return n_bytes, value
    with suppress(AttributeError, OSError):  # arrays that are gone, where not yet given
        ctypes.CDLL(None).malloc_trim(0)  # back to the system
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    before = peak_memory()
    value = function()
    return peak_memory() - before, value


def peak_memory() -> int:
    """Return the peak resident memory of this process on Linux, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return int(status["VmHWM"].split()[0]) * 1024
