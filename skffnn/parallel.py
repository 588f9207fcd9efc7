"""The joblib backend "skffnn": networks of different tasks are trained as one stack.

Importing skffnn registers it, and scikit-learn uses it inside a block::

    with joblib.parallel_config("skffnn"):
        GridSearchCV(make_pipeline(StandardScaler(), FFNNClassifier()), grid).fit(X, y)

Tasks take turns in the thread that waits for their results. A task runs until it ends,
or until the fit of a network has come as far as training. Then the next task starts,
until as many wait as are worth training at once. Networks with the same layout are
trained as one stack (`optim.descent`), and each task goes on from where it waited. So
nothing depends on time: the same tasks take the same turns in every run.

The tasks are greenlets, not threads of which one runs at a time. They stay in the
caller's thread: Ctrl-C and errors arrive in the task that runs, no thread can be left
behind, and libraries with a thread pool or a connection for each thread find theirs.
What a task sets for its thread or process is put back at each turn by `own_settings`.

With `n_jobs` above 1, the workers of loky run groups of tasks, each in this way.
"""

import os
import sys
import time
import warnings
from asyncio import get_running_loop
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import (
    ExitStack,
    contextmanager,
    nullcontext,
    redirect_stderr,
    redirect_stdout,
    suppress,
)
from contextvars import copy_context
from functools import cache, partial
from multiprocessing import TimeoutError
from threading import RLock
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet
from joblib import Parallel, delayed, parallel_config, register_parallel_backend
from joblib.parallel import (
    FallbackToBackend,
    LokyBackend,
    ParallelBackendBase,
    SequentialBackend,
)
from sklearn import config_context, get_config
from threadpoolctl import ThreadpoolController

from .fitting.train import runner
from .optim.descent import kept_bytes, layout, run, step_bytes
from .optim.training import Training

# Bytes that a step of a stack may use. A stack is faster than single networks while the
# data of a step stay in the processor cache.
CACHE = 4 * 2**20

# Most tasks in turns in one process. 64 tiny networks are trained 11 times as fast in a
# stack as alone, and more hardly faster. joblib is told that so many jobs run at once:
# it hands out twice as many tasks in advance, and ensembles cut their work by it.
WIDTH = 256


class Task:
    """A call that can stop where a network is to be trained, and go on later."""

    def __init__(self, call: Callable[[], Any], callback: Callable[[Any], Any]) -> None:
        self.call: Callable[[], Any] | None = call
        self.callback = callback
        self.result: Any = None
        self.is_done = self.is_closing = False
        self.training: Training | None = None
        self.layout: Hashable = None

    def start(self) -> None:
        """Prepare to run in this thread; the current greenlet is returned to."""
        self.greenlet = greenlet(self._run)
        self.greenlet.gr_context = copy_context()

    def goes_on(self) -> bool:
        """Run until the task waits or ends; return whether it waits."""
        self.training = None
        with own_settings():
            error = self.greenlet.switch()
        if isinstance(error, GreenletExit):  # the one error that is returned
            raise error
        return not self.is_done

    def close(self) -> None:
        """Leave all blocks of a task that will not go on."""
        self.is_closing = True
        with own_settings(), suppress(Exception):
            self.greenlet.throw()

    def wait(self, training: Training) -> None:
        """Return when a network has been trained, in a stack or alone.

        What a task starts takes no turns: processes, threads, greenlets, event loops.
        """
        if self.is_closing or place() != self.place:
            run([training])
            return
        self.layout = layout(training)
        if self.layout is None:
            run_or_raise([training])
        else:
            self.training = training
            with own_settings():
                self.greenlet.parent.switch()

    def _run(self) -> None:
        self.place = place()
        token = runner.set(self.wait)
        try:
            call, self.call = self.call, None
            if call is not None:
                self.result = call()
            self.is_done = True
        finally:
            runner.reset(token)  # the context refers to this task no longer


def place() -> tuple[int, greenlet, Any]:
    """Return the process, the greenlet and the event loop that run this line."""
    loop = None
    with suppress(RuntimeError):
        loop = get_running_loop()
    return os.getpid(), getcurrent(), loop


@contextmanager
def own_settings() -> Iterator[None]:
    """Put settings back that other tasks change inside the block.

    Context variables, and so `numpy.errstate`, belong to a greenlet. These settings
    belong to the thread or to the process, and a block that changes them can be left
    while another task is inside another one.
    """
    pools = thread_pools().lib_controllers
    n_threads = [pool.get_num_threads() for pool in pools]
    try:
        with (
            config_context(),
            parallel_config(),
            warnings.catch_warnings(),
            redirect_stdout(sys.stdout),
            redirect_stderr(sys.stderr),
        ):
            yield
    finally:
        for pool, n in zip(pools, n_threads, strict=True):
            if pool.get_num_threads() != n:
                pool.set_num_threads(n)


@cache
def thread_pools() -> ThreadpoolController:
    """Return the controller of BLAS and OpenMP; finding their libraries takes long."""
    return ThreadpoolController()


def take_turns(pending: deque[Task], most: int = WIDTH) -> None:
    """Run tasks, in order, until `most` of them wait, and all of these to the end.

    Only the first one runs if it trains no network. A task that ends may append others,
    without end; they are not run here.
    """
    active: list[Task] = []
    try:
        for _ in range(len(pending)):
            if len(active) >= most:
                break
            task = pending.popleft()
            active.append(task)
            task.start()
            if task.goes_on():
                most = min(most, n_worthwhile(task.training))
                continue
            end(task, active)
            if not active:
                return
        while active:
            train(active)
            for task in active.copy():
                if not task.goes_on():
                    end(task, active)
    finally:
        with ExitStack() as stack:  # all are closed, even if one raises an error
            while active:  # which a traceback would keep
                stack.callback(active.pop().close)


def train(tasks: Sequence[Task]) -> None:
    """Train the networks that tasks wait for: those of the same layout in a stack."""
    stacks: dict[Hashable, list[Any]] = defaultdict(list)
    for task in tasks:
        stacks[task.layout].append(task.training)
    for trainings in stacks.values():
        run_or_raise(trainings)


def run_or_raise(trainings: Sequence[Training]) -> None:
    """Train networks; after Ctrl-C, train no others."""
    if run(trainings):
        raise KeyboardInterrupt


def end(task: Task, active: list[Task]) -> None:
    """Tell joblib that a task has ended."""
    active.remove(task)
    task.callback(task)


def n_worthwhile(training: Any) -> int:
    """Return how many networks to train at once, from the memory that one needs.

    Their steps fit into `CACHE`, and everything into the setting `working_memory`.
    """
    step = step_bytes(training)
    memory = get_config()["working_memory"] * 2**20
    return max(1, min(CACHE // step, int(memory // (step + kept_bytes(training)))))


class SkffnnBackend(ParallelBackendBase):
    """The backend that users name: each call gets a backend of its own from it."""

    # joblib asks for these before a call; both kinds of backend have them.
    supports_retrieve_callback = True
    supports_inner_max_num_threads = True
    supports_sharedmem = uses_threads = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.asked: int | None = None

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return how many tasks run at once: with 1, joblib would not use a backend."""
        self.asked = self.n_processes(n_jobs)
        return WIDTH * self.asked

    def n_processes(self, n_jobs: int | None) -> int:
        """Return what loky makes of `n_jobs`."""
        loky = LokyBackend(nesting_level=self.nesting_level)
        return int(loky.effective_n_jobs(n_jobs))

    def configure(
        self, n_jobs: int = 1, parallel: Any = None, require: Any = None, **_: Any
    ) -> int:
        """Choose the backend for a call of `Parallel`.

        An ensemble asks for the number of jobs, and passes a number made from the
        answer as `n_jobs`; it means as many processes as it asked for.
        """
        asked, self.asked = self.asked, None
        options = self.backend_kwargs | {
            "nesting_level": self.nesting_level,
            "inner_max_num_threads": self.inner_max_num_threads,
        }
        if asked is None or not 1 < n_jobs <= WIDTH * asked:
            asked = self.n_processes(n_jobs)
        if asked == 1 or require == "sharedmem":
            raise FallbackToBackend(OneProcessBackend(**options))
        raise FallbackToBackend(ProcessesBackend(asked, **options))


class OneProcessBackend(ParallelBackendBase):
    """Tasks that take turns in the thread that asks for their results."""

    # Tasks run only when their results are asked for. With True, joblib would ask for
    # none, and a generator that is not read to its end would compute everything.
    supports_retrieve_callback = False
    supports_return_generator = supports_timeout = True
    supports_sharedmem = uses_threads = True

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        return WIDTH

    def configure(self, n_jobs: int = 1, parallel: Any = None, **_: Any) -> int:
        # Each result is yielded as soon as it is asked for, in order. joblib itself
        # collects unordered results in callbacks.
        parallel.return_ordered = True
        self.pending: deque[Task] = deque()
        return int(super().configure(n_jobs, parallel))

    def submit(self, func: Callable[[], Any], callback: Any = None) -> Task:
        task = Task(func, callback)
        self.pending.append(task)
        return task

    def retrieve_result(self, out: Task, timeout: float | None = None) -> Any:
        """Return the result of a task; with a timeout, each task runs alone."""
        begin, limit = time.monotonic(), self.inner_max_num_threads
        while not out.is_done:
            with thread_pools().limit(limits=limit) if limit else nullcontext():
                take_turns(self.pending, WIDTH if timeout is None else 1)
        if timeout is not None and time.monotonic() - begin > timeout:
            raise TimeoutError
        return out.result

    def get_nested_backend(self) -> tuple[SequentialBackend, None]:
        return SequentialBackend(nesting_level=self.nesting_level + 1), None

    def abort_everything(self, ensure_ready: bool = True) -> None:
        self.pending.clear()


class ProcessesBackend(LokyBackend):
    """Groups of tasks in loky's workers, where they take turns."""

    def __init__(self, n_processes: int, **options: Any) -> None:
        super().__init__(**options)
        self.n_processes = n_processes
        self.tasks_at_once = 1
        self.lock = RLock()  # a group can end while others are sent

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        return self.n_processes * self.tasks_at_once

    def configure(self, n_jobs: int = 1, parallel: Any = None, **options: Any) -> int:
        self.tasks_at_once = 1  # loky starts a worker for each job
        super().configure(n_jobs=self.n_processes, parallel=parallel, **options)
        self.tasks_at_once = WIDTH
        self.pending: deque[tuple[Any, Any]] = deque()
        self.is_open = True
        return self.effective_n_jobs(n_jobs)

    def compute_batch_size(self) -> int:
        return 1

    def submit(self, func: Callable[[], Any], callback: Any = None) -> None:
        self.pending.append((func, callback))

    @contextmanager
    def retrieval_context(self) -> Iterator[None]:
        """Send the first tasks; joblib adds others as results arrive."""
        self.send()
        yield

    def send(self) -> None:
        """Send the tasks that joblib has added, in groups of similar tasks.

        With a timeout, which is for each task, every task is sent on its own.
        """
        with self.lock:
            tasks: list[tuple[Any, Any]] = []
            while self.pending:
                tasks.append(self.pending.popleft())
            if not self.is_open:
                return
            n_rounds = -(-len(tasks) // self.effective_n_jobs(None))
            n_groups = min(len(tasks), n_rounds * self.n_processes)
            if self.parallel.timeout is not None:
                n_groups = len(tasks)
            for i in range(n_groups):
                group = tasks[i::n_groups]
                calls = [func for func, _ in group]
                super().submit(partial(run_group, calls), partial(self.receive, group))

    def receive(self, group: Sequence[tuple[Any, Any]], future: Any) -> None:
        """Hand the results of a group to joblib, which may add other tasks."""
        for i, (_, callback) in enumerate(group):
            callback((future, i))
        self.send()

    def retrieve_result_callback(self, out: tuple[Any, int]) -> Any:
        future, i = out
        return super().retrieve_result_callback(future)[i]

    def get_nested_backend(self) -> tuple[SequentialBackend, None]:
        return SequentialBackend(nesting_level=self.nesting_level + 1), None

    def abort_everything(self, ensure_ready: bool = True) -> None:
        with self.lock:
            self.is_open = False
        super().abort_everything(ensure_ready)


def run_group(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run tasks in turns in a worker."""
    results: list[Any] = Parallel(1, backend="skffnn")(
        delayed(call)() for call in calls
    )
    return results


register_parallel_backend("skffnn", SkffnnBackend)
