"""Each task runs once, in this process or another one, with one thread."""

import os
import signal
import threading
import time
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest
from joblib import Parallel, delayed, effective_n_jobs
from sklearn import config_context, get_config
from threadpoolctl import threadpool_info

from skffnn.utils.processes import executor_with, run_on_cores

# Larger than the arrays that joblib passes by value.
LARGE = 200_000


def meet(folder, number):
    """Wait until two tasks run at once; return the process and their number."""
    (folder / str(number)).touch()
    deadline = time.monotonic() + 120
    while len(list(folder.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    return os.getpid(), len(list(folder.iterdir()))


def surroundings(folder, number, rows):
    process, _ = meet(folder, number)
    threads = max(pool["num_threads"] for pool in threadpool_info())
    finite = get_config()["assume_finite"]
    return process, type(rows), rows.sum(), threads, effective_n_jobs(-1), finite


def fail_elsewhere(folder, here, number):
    if os.getpid() != here:
        raise ValueError("not here")
    (folder / str(number)).touch()
    time.sleep(0.01)


def count(folder, number, rows):
    process, _ = meet(folder, number)
    return process, rows.count()


def halve(number):
    if number == 3:
        raise ValueError(f"{number} is odd")
    return number // 2


def test_this_process_and_another_work_at_the_same_time(tmp_path):
    tasks = [(tmp_path, i) for i in range(2)]
    processes, met = zip(*run_on_cores(meet, tasks, 2), strict=True)
    assert os.getpid() in processes
    assert len(set(processes)) == 2
    assert met == (2, 2)


@pytest.mark.parametrize(("n_tasks", "n_cores"), [(20, 2), (2, 64), (1, 64), (3, 1)])
def test_every_task_is_done_once(n_tasks, n_cores):
    tasks = [(2 * i,) for i in range(n_tasks)]
    assert sorted(run_on_cores(halve, tasks, n_cores)) == list(range(n_tasks))


def test_there_are_no_more_processes_than_tasks():
    list(run_on_cores(halve, [(2,), (4,), (6,)], 64))
    before = executor_with(2)
    list(run_on_cores(halve, [(2,), (4,), (6,)], 3))
    assert executor_with(2) is before


def test_each_process_has_one_thread_and_the_settings_of_scikit_learn(tmp_path):
    tasks = [(tmp_path, i, np.ones(LARGE)) for i in range(2)]
    before = threadpool_info()
    with config_context(assume_finite=True):
        done = {task[0]: task[1:] for task in run_on_cores(surroundings, tasks, 2)}
    assert threadpool_info() == before
    assert done.pop(os.getpid()) == (np.ndarray, LARGE, 1, 1, True)
    assert list(done.values()) == [(np.memmap, LARGE, 1, 1, True)]


def test_an_error_of_a_task_is_raised_and_nothing_is_left_behind():
    with pytest.raises(ValueError, match="3 is odd"):
        list(run_on_cores(halve, [(number,) for number in (2, 3, 4, 6, 8)], 2))
    assert sorted(run_on_cores(halve, [(2,), (4,), (6,)], 2)) == [1, 2, 3]


def test_a_worker_that_was_killed_is_replaced(tmp_path):
    done = dict(run_on_cores(meet, [(tmp_path, i) for i in range(2)], 2))
    (worker,) = set(done) - {os.getpid()}
    executor, deadline = executor_with(1), time.monotonic() + 60
    os.kill(worker, signal.SIGTERM)
    while executor_with(1) is executor and time.monotonic() < deadline:
        time.sleep(0.05)  # its end is noticed by a thread
    assert sorted(run_on_cores(halve, [(2,), (4,), (6,)], 2)) == [1, 2, 3]


def test_joblib_keeps_processes_of_its_own():
    for _ in range(2):
        assert Parallel(n_jobs=2)(delayed(halve)(i) for i in (2, 4)) == [1, 2]
        assert sorted(run_on_cores(halve, [(2,), (4,)], 2)) == [1, 2]


def test_threads_do_not_disturb_each_other():
    before = threadpool_info()
    with ThreadPool(3) as threads:
        done = threads.map(
            lambda n: sorted(run_on_cores(halve, [(2 * i,) for i in range(30)], n)),
            [2, 3, 2],
        )
    assert done == [list(range(30))] * 3
    assert threadpool_info() == before


def test_an_error_in_a_worker_is_raised_at_once(tmp_path):
    here = os.getpid()
    done = run_on_cores(fail_elsewhere, [(tmp_path, here, i) for i in range(2000)], 2)
    with pytest.raises(ValueError, match="not here"):
        list(done)
    assert len(list(tmp_path.iterdir())) < 2000


def test_what_cannot_be_pickled_is_an_error():
    for _ in range(2):
        with pytest.raises(TypeError, match="cannot pickle"):
            list(run_on_cores(halve, [(threading.Lock(),)] * 3, 2))
        assert sorted(run_on_cores(halve, [(2,), (4,)], 2)) == [1, 2]


def test_other_kinds_of_arrays_are_passed_by_value(tmp_path):
    rows = np.ma.masked_equal(np.arange(LARGE), 3)
    done = dict(run_on_cores(count, [(tmp_path, i, rows) for i in range(2)], 2))
    assert len(done) == 2
    assert set(done.values()) == {LARGE - 1}


def test_a_caller_may_stop_early():
    done = run_on_cores(halve, [(2,)] * 50, 2)
    assert next(done) == 1
    done.close()
    assert list(run_on_cores(halve, [(2,)], 2)) == [1]
