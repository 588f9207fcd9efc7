"""Loss of workers, of the scheduler, or of the process that started a fit."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from functools import reduce
from operator import or_
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import assert_same_training, parameters
from sklearn.datasets import make_classification

import skffnn
from skffnn import FFNNClassifier
from skffnn.fitting.listeners import Listener, reporters
from skffnn.utils.checks import InterruptionWarning

da = pytest.importorskip("dask.array", reason="needs Dask")
distributed = pytest.importorskip("distributed", reason="needs Dask")
import dask.sizeof  # noqa: E402

from skffnn.dask import DaskFFNNClassifier  # noqa: E402

X, y = make_classification(200, 4, random_state=0)
PARAMS = {"hidden_layer_sizes": (4,), "random_state": 0, "batch_size": 20}

# A solver for each of the two ways to train, with its number of epochs.
WAYS = [
    {"solver": "lbfgs", "max_iter": 8},
    {"max_iter": 2, "early_stopping": True, "dropout": 0.1},
]


def in_chunks():
    return da.from_array(X, chunks=(50, 4)), da.from_array(y, chunks=50)


class After(Listener):
    """Calls a function at the end of an epoch."""

    def __init__(self, number, action):
        self.number, self.action = number, action

    def on_epoch_end(self, epoch, training):
        if epoch.number == self.number:
            self.action()


class Listened(DaskFFNNClassifier):
    """An estimator with a listener of the test."""

    listener = Listener()

    def _listeners(self, *args):
        return [*super()._listeners(*args), self.listener]


# ------------------------------------------------------------------------- workers


class Killer(threading.Thread):
    """Kills workers at random moments.

    Parameters
    ----------
    cluster : LocalCluster
        Its nannies restart the workers.
    n_kills : int
        Number of workers to kill.
    """

    def __init__(self, cluster, n_kills):
        super().__init__(daemon=True)
        self.cluster, self.n_kills = cluster, n_kills
        self.rng = np.random.default_rng(0)
        self.killed = []  # process ids
        self.stopped = threading.Event()

    def run(self):
        while len(self.killed) < self.n_kills and not self.stopped.is_set():
            time.sleep(self.rng.uniform(0.02, 0.4))
            # Only registered workers: a nanny gives up on one that dies while starting.
            known = list(self.cluster.scheduler.workers.values())
            names = sorted(worker.name for worker in known)
            if not names:
                continue
            nanny = self.cluster.workers[self.rng.choice(names)]
            if nanny.pid not in (None, *self.killed):
                self.killed.append(nanny.pid)
                os.kill(nanny.pid, signal.SIGKILL)


def test_a_killed_worker_changes_no_bit(client):
    rows, way, killed = in_chunks(), WAYS[1], []

    def kill():
        killed.append(client.cluster.workers[0].pid)
        os.kill(killed[0], signal.SIGKILL)

    undisturbed = DaskFFNNClassifier(**PARAMS | way).fit(*rows)
    model = Listened(**PARAMS | way)
    model.listener = After(1, kill)
    assert_same_training(model.fit(*rows), undisturbed)
    assert len(killed) == 1


@pytest.mark.only_long
def test_killed_workers_change_no_bit(part):
    settings = {
        # By default, a task fails after fewer worker deaths than occur here.
        "distributed.scheduler.allowed-failures": 1000,
        "distributed.comm.timeouts.connect": "5s",
        # By default, a cluster waits less long for a worker to restart.
        "distributed.deploy.lost-worker-timeout": "1h",
    }
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit=0
        ) as cluster,
        distributed.Client(cluster),
    ):
        rows = in_chunks()
        undisturbed = [DaskFFNNClassifier(**PARAMS | way).fit(*rows) for way in WAYS]
        killer = Killer(cluster, max(20, int(200 * part)))
        killer.start()
        try:
            while killer.is_alive():
                for way, reference in zip(WAYS, undisturbed, strict=True):
                    model = DaskFFNNClassifier(**PARAMS | way).fit(*rows)
                    assert_same_training(model, reference)
        finally:
            killer.stopped.set()
            killer.join()
        assert len(killer.killed) == killer.n_kills


def test_one_worker_with_threads_gives_the_same_bits(client):
    rows = in_chunks()
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=3,
            processes=False,
            dashboard_address=":0",
            memory_limit=0,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as other,
    ):
        for way in WAYS:
            reference = DaskFFNNClassifier(**PARAMS | way, client=client).fit(*rows)
            model = DaskFFNNClassifier(**PARAMS | way, client=other).fit(*rows)
            assert_same_training(model, reference)


# -------------------------------------------------------------------------- memory


@pytest.mark.only_long
def test_rows_that_no_memory_holds_are_read_anew():
    n, n_features, chunk = 440_000, 100, 22_000  # 352 MB in 20 partitions
    X = da.random.default_rng(0).normal(
        size=(n, n_features), chunks=(chunk, n_features)
    )
    y = (X[:, 0] > 0).astype(int)
    limit = 320 * 2**20  # Python and its libraries use more than half of it
    params = {"hidden_layer_sizes": (4,), "random_state": 0, "max_iter": 1}
    params |= {"batch_size": 1000, "learning_rate_init": 0.01}
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            dashboard_address=":0",
            memory_limit=limit,
        ) as cluster,
        distributed.Client(cluster),
    ):
        assert X.nbytes > limit
        before = [nanny.pid for nanny in cluster.workers.values()]
        here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        model = DaskFFNNClassifier(**params, n_rounds=1).fit(X, y)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - here
        assert [nanny.pid for nanny in cluster.workers.values()] == before
    assert model.loss_ < 0.65  # guessing gives ln 2
    assert grown * 1024 < X.nbytes / 4  # the client does not hold the rows


def bytes_on_workers(client):
    """Return the size of what the workers keep, of copies that they share only once."""
    kept = client.run(
        lambda dask_worker: {
            key: dask.sizeof.sizeof(value) for key, value in dask_worker.data.items()
        }
    )
    return sum(reduce(or_, kept.values()).values())


@pytest.mark.parametrize(
    ("solver", "itemsize"), [("adam", 4), ("lbfgs", 8)], ids=["adam", "lbfgs"]
)
def test_workers_keep_the_rows_once_and_until_the_end_of_a_fit(
    client, solver, itemsize
):
    X = da.random.default_rng(0).normal(size=(4000, 50), chunks=(1000, 50))
    y, kept = (X[:, 0] > 0).astype(int), []
    params = {"solver": solver, "max_iter": 1, "early_stopping": True, "persist": True}
    model = Listened(**PARAMS | params)
    model.listener = After(1, lambda: kept.append(bytes_on_workers(client)))
    model.fit(X, y, sample_weight=y + 1)
    # The tenth that is held out, y and the weights take some more.
    assert 1 <= kept[0] / (itemsize * X.size) < 1.6
    deadline = time.monotonic() + 5
    while bytes_on_workers(client) > kept[0] / 10 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert bytes_on_workers(client) < kept[0] / 10


# ----------------------------------------------------------------------- scheduler

SCHEDULER = """
import sys, time
from distributed import LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0",
        memory_limit=0, protocol="tcp",
    )
    print(cluster.scheduler_address, flush=True)
    time.sleep(1000)
"""


def test_the_loss_of_the_scheduler_is_an_error_and_the_checkpoint_goes_on(
    client, tmp_path
):
    way = {"max_iter": 3, "early_stopping": True, "dropout": 0.1}
    path = tmp_path / "run.skffnn"
    rows = in_chunks()
    with subprocess.Popen(
        [sys.executable, "-c", SCHEDULER], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            address = process.stdout.readline().strip()
            with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
                other = distributed.Client(address, set_as_default=False)
                model = Listened(**PARAMS | way, checkpoint=path, client=other)
                model.listener = After(2, process.kill)
                with pytest.raises(ConnectionError, match="The connection to the Dask"):
                    model.fit(*rows)
                other.close(timeout=1)
        finally:
            process.kill()
    assert not hasattr(model, "coefs_")
    assert skffnn.load(path).n_iter_ == 2
    resumed = DaskFFNNClassifier(**PARAMS | way, checkpoint=path, client=client)
    undisturbed = DaskFFNNClassifier(**PARAMS | way, client=client)
    assert_same_training(resumed.fit(*rows), undisturbed.fit(*rows))


# ---------------------------------------------------------------------- checkpoints


class StopError(Exception):
    pass


def stop():
    raise StopError


@pytest.mark.parametrize("chunks", [50, 200], ids=["partitions", "one"])
def test_a_checkpoint_is_resumed_by_the_same_call(client, tmp_path, chunks):
    way = {"max_iter": 3, "early_stopping": True, "dropout": 0.1}
    path = tmp_path / "run.skffnn"
    rows = da.from_array(X, chunks=(chunks, 4)), da.from_array(y, chunks=chunks)
    broken = Listened(**PARAMS | way, checkpoint=path)
    broken.listener = After(2, stop)
    with pytest.raises(StopError):
        broken.fit(*rows)
    assert type(skffnn.load(path)) is FFNNClassifier
    resumed = DaskFFNNClassifier(**PARAMS | way, checkpoint=path).fit(*rows)
    reference = DaskFFNNClassifier(**PARAMS | way).fit(*rows)
    assert_same_training(resumed, reference)
    finished = DaskFFNNClassifier(**PARAMS | way, checkpoint=path).fit(*rows)
    assert_same_training(finished, reference)
    with pytest.raises(ValueError, match="the checkpoint of a fit with different X"):
        DaskFFNNClassifier(**PARAMS | way, checkpoint=path).fit(rows[0] + 1, rows[1])


# --------------------------------------------------------------------------- Ctrl-C


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("way", WAYS, ids=["lbfgs", "adam"])
def test_ctrl_c_keeps_what_was_reached(client, way):
    model = Listened(**PARAMS | way | {"max_iter": 500, "tol": 0.0})
    model.set_params(n_iter_no_change=500)

    def in_a_moment():
        to = threading.main_thread().ident
        threading.Timer(0.1, signal.pthread_kill, (to, signal.SIGINT)).start()

    model.listener = After(3, in_a_moment)
    with pytest.warns(InterruptionWarning, match="Training was interrupted in "):
        model.fit(*in_chunks())
    assert 3 <= model.n_iter_ < 500
    assert np.isfinite(parameters(model)).all()
    again = DaskFFNNClassifier(**PARAMS | way).fit(*in_chunks())  # it still works
    assert again.n_iter_ > 0


# --------------------------------------------------------------------------- lines


def test_a_line_is_printed_for_each_epoch(client, capsys):
    DaskFFNNClassifier(**PARAMS, max_iter=2, verbose=True).fit(*in_chunks())
    lines = capsys.readouterr().out.splitlines()
    assert [line[:10] for line in lines] == ["Epoch    1", "Epoch    2"]


class Parts(Listener):
    """Records the progress that it is notified of after each round."""

    def __init__(self):
        self.parts = []

    def on_round_end(self, done, training):
        self.parts.append(training.n_iter + done)


def test_listeners_are_told_of_each_round(client):
    model = Listened(**PARAMS, max_iter=2, n_rounds=2)
    model.listener = Parts()
    model.fit(*in_chunks())
    assert model.listener.parts == [0.5, 1.0, 1.5, 2.0]


def test_the_bar_moves_with_each_round():
    [bar] = reporters(2, max_iter=4)
    with bar:
        bar.on_round_end(0.5, SimpleNamespace(n_iter=1))
        [task] = bar.bar.tasks
        assert (task.completed, task.total) == (1.5, 4)
