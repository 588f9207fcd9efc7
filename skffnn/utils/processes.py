"""Parallel computation in worker processes, and in this one while they start."""

import io
import os
import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import numpy as np
from cloudpickle import CloudPickler
from joblib import parallel_config
from joblib.externals.loky import ProcessPoolExecutor
from sklearn import config_context, get_config
from threadpoolctl import threadpool_limits

# Arrays of at least so many bytes are written to a file, once for all tasks.
LARGE = 2**20

# Worker processes are kept for later calls, and end after so many seconds without work.
IDLE_SECONDS = 300
_executors: dict[int, tuple[int, ProcessPoolExecutor]] = {}

# Held by the call that uses the worker processes, and limits the threads of this one.
_in_use = threading.Lock()


def run_on_cores(
    function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], n_cores: int
) -> Iterator[Any]:
    """Call a function for each task, in this process and in others, one for each core.

    A new process has to import NumPy, SciPy and scikit-learn, which takes seconds.
    While `joblib.Parallel` waits for that, this function works. Like joblib, it keeps
    the worker processes for later calls. If another thread uses them already, all tasks
    are done in this process.

    Parameters
    ----------
    function : callable
        The function. It and the tasks must be picklable.
    tasks : sequence of tuple
        The arguments of each call.
    n_cores : int
        Maximum number of processes, including this one. Each uses one thread.

    Yields
    ------
    value : object
        The result of a call. Results are yielded as they become available.

    Raises
    ------
    Exception
        The error of a call. The worker processes are then terminated.
    """
    n_workers = min(n_cores, len(tasks)) - 1
    if n_workers < 1 or not _in_use.acquire(blocking=False):
        for task in tasks:
            yield function(*task)
        return
    try:
        yield from run_with_workers(function, tasks, n_workers)
    finally:
        _in_use.release()


def run_with_workers(
    function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], n_workers: int
) -> Iterator[Any]:
    """Call a function for each task, here and in worker processes."""
    waiting = deque(tasks)
    done: SimpleQueue[Future[Any]] = SimpleQueue()
    config = get_config()
    executor = executor_with(n_workers)
    saved: dict[int, Any] = {}
    n_sent = 0

    def next_task() -> tuple[Any, ...] | None:
        try:
            return waiting.popleft()
        except IndexError:
            return None

    def send_next() -> None:
        nonlocal n_sent
        task = next_task()
        if task is None:
            return
        call = io.BytesIO()
        Pickler(call, folder, saved).dump((config, function, task))
        executor.submit(call_pickled, call.getvalue()).add_done_callback(ended)
        n_sent += 1

    def ended(future: Future[Any]) -> None:
        done.put(future)
        try:
            if future.exception() is None:
                send_next()
        except Exception as error:  # raised where the results are waited for
            failed: Future[Any] = Future()
            failed.set_exception(error)
            done.put(failed)

    # On Windows, files that a worker still has open cannot be removed.
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            for _ in range(n_workers):
                send_next()
            for _ in tasks:
                task = next_task() if done.empty() else None
                if task is None:
                    yield done.get().result()
                else:
                    yield call_alone(config, function, task)
        except BaseException:  # including Ctrl-C, and the end of the generator
            waiting.clear()
            if n_sent:
                executor.shutdown(kill_workers=True)
            raise


def executor_with(n_workers: int) -> ProcessPoolExecutor:
    """Return an executor with worker processes: that of the last call, if it fits."""
    process = os.getpid()  # a fork cannot use the worker processes of its parent
    n, executor = _executors.get(process, (0, None))
    try:
        if executor is not None and n >= n_workers:
            executor.submit(int)  # fails after a shutdown, or if a worker was killed
            return executor
    except RuntimeError:
        pass
    if executor is not None:
        executor.shutdown(wait=False)
    _executors.clear()
    executor = ProcessPoolExecutor(n_workers, timeout=IDLE_SECONDS)
    _executors[process] = n_workers, executor
    return executor


def call_alone(
    config: dict[str, Any], function: Callable[..., Any], task: tuple[Any, ...]
) -> Any:
    """Call a function with the given settings of scikit-learn, and a single thread."""
    with config_context(**config), parallel_config("sequential"), threadpool_limits(1):
        return function(*task)


class Pickler(CloudPickler):
    """Pickler that writes large arrays to files, and stores their paths.

    Parameters
    ----------
    file : file object
        Where to write everything else.
    folder : str
        Folder of the files.
    saved : dict
        Arrays that have been written, by their id, with their paths. It keeps them
        alive, so that no other array can have the same id.
    """

    def __init__(self, file: Any, folder: str, saved: dict[int, Any]) -> None:
        super().__init__(file)
        self.folder, self.saved = folder, saved

    def persistent_id(self, obj: Any) -> str | None:
        """Return the path of a large array, and None for other objects."""
        if type(obj) not in (np.ndarray, np.memmap):
            return None
        if obj.nbytes < LARGE or obj.dtype.hasobject:
            return None
        if id(obj) not in self.saved:
            path = os.path.join(self.folder, f"{uuid4().hex}.npy")
            np.save(path, obj)
            self.saved[id(obj)] = obj, path
        return str(self.saved[id(obj)][1])


class Unpickler(pickle.Unpickler):
    """Unpickler that opens the files of large arrays as memory maps."""

    def persistent_load(self, path: str) -> Any:
        """Return a large array."""
        return np.load(path, mmap_mode="r")


def call_pickled(call: bytes) -> Any:
    """Call a function as `call_alone` does, in a worker process."""
    return call_alone(*Unpickler(io.BytesIO(call)).load())
