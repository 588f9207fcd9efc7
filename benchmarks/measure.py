"""Measuring: separate processes, interleaved runs, medians, peak memory."""

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

# Seconds between two runs: idle threads keep spinning for a while.
PAUSE = 0.15

# {name of the peer: {name of the figure: one value for each round}}
Runs = dict[str, dict[str, list[Any]]]


class SkipError(Exception):
    """A suite cannot run here; the message is one line."""


class Spread(NamedTuple):
    """The median, the minimum and the maximum of some numbers."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return the median, the minimum and the maximum of some numbers."""
    return Spread(statistics.median(values), min(values), max(values))


def ratio(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Return the spread of the ratios of runs in the same round."""
    return spread([a / b for a, b in zip(above, below, strict=True)])


class Worker:
    """A process that calls functions one after another."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other,))
        # Only the parent process should handle Ctrl-C.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.process.start()
        signal.signal(signal.SIGINT, before)
        other.close()

    def call(self, function: Callable[..., Any], **kwargs: Any) -> Any:
        """Call a function in the process and return its result."""
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
    """Call functions for another process until it closes the connection."""
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
    """The options of a benchmark, and one process for each peer.

    Attributes
    ----------
    peers : list of str
        Names of the peers to compare.
    repeats : int
        Number of rounds.
    quick : bool
        Whether to use tiny data, just to check that the code runs.
    data : Path
        The MNIST file.
    say : callable
        Function that displays what is being measured.
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
        """Return the given names that are among the peers to compare."""
        return [name for name in names if name in self.peers]

    def worker(self, peer: str) -> Worker:
        """Return the process of a peer, which is started on first use."""
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
        """Call a function for each peer, after a warm-up, in interleaved rounds.

        Parameters
        ----------
        what : str
            What is being measured, for display.
        function : callable
            Function that returns figures. Its argument `seed` is the number of the
            round.
        calls : mapping of str to mapping
            Keyword arguments for each name; "peer" is the peer whose process is used.
        warm_up : mapping
            Arguments that replace those of `calls` in the warm-up.
        repeats : int, default=None
            Number of rounds; None for that of the benchmark.

        Returns
        -------
        runs : dict of str to dict of str to list
            For each name and figure, one value for each round.
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
        """Call a function once, in a new process."""
        self.say(f"{what}: {kwargs['peer']}")
        if self.quick:  # its memory is meaningless anyway
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
        Function without arguments.

    Returns
    -------
    n_bytes : int
        Increase of the peak resident memory of the process on Linux; on other systems,
        the peak of the memory allocated by Python and NumPy only.
    value : object
        The return value of the function.
    """
    gc.collect()
    if platform.system() != "Linux":  # only Linux can reset the peak
        tracemalloc.start()
        value = function()
        n_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return n_bytes, value
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)  # return freed memory to the system
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    before = peak_memory()
    value = function()
    return peak_memory() - before, value


def peak_memory() -> int:
    """Return the peak resident memory of this process on Linux, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return int(status["VmHWM"].split()[0]) * 1024
