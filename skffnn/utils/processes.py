"""Tasks for all cores: in other processes, and in this one while they start."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any
from uuid import uuid4

from joblib import parallel_config
from joblib.executor import get_memmapping_executor
from sklearn import config_context, get_config
from threadpoolctl import threadpool_limits


def run_on_cores(
    function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], n_cores: int
) -> Iterator[Any]:
    """Call a function for each task, in this process and in `n_cores - 1` others.

    A new process imports NumPy, SciPy and scikit-learn first, which takes seconds.
    `joblib.Parallel` waits for that; here this process works in the meantime. The other
    processes are those of joblib: they remain for later calls, and large arrays are
    handed to them as memory maps.

    Parameters
    ----------
    function : callable
        What to call. Like the tasks it must be picklable.
    tasks : sequence of tuple
        The arguments of each call.
    n_cores : int
        Number of processes, at least 2. Each uses one thread.

    Yields
    ------
    value : object
        What a call returned, in the order in which they end.

    Raises
    ------
    Exception
        What a call raised. The other processes are then stopped.
    """
    waiting = deque(tasks)
    done: SimpleQueue[Future[Any]] = SimpleQueue()
    config = get_config()
    executor = get_memmapping_executor(n_cores - 1, context_id=uuid4().hex)

    def send_next() -> None:
        try:
            task = waiting.popleft()
        except IndexError:
            return
        future = executor.submit(on_one_core, config, function, task)
        future.add_done_callback(ended)

    def ended(future: Future[Any]) -> None:
        done.put(future)
        send_next()

    n_left = len(tasks)
    try:
        for _ in range(n_cores - 1):
            send_next()
        while n_left:
            try:
                task = waiting.popleft()
            except IndexError:
                yield done.get().result()
            else:
                yield on_one_core(config, function, task)
            n_left -= 1
    except BaseException:  # Ctrl-C too, and a caller who wants no more
        waiting.clear()
        if n_left:
            executor.terminate(kill_workers=True)
        raise


def on_one_core(
    config: dict[str, Any], function: Callable[..., Any], task: tuple[Any, ...]
) -> Any:
    """Call a function with scikit-learn's settings, and without further parallelism."""
    with config_context(**config), parallel_config("sequential"), threadpool_limits(1):
        return function(*task)
