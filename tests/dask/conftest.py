"""A cluster of two worker processes, shared by all tests of the folder."""

import multiprocessing

import pytest

dask = pytest.importorskip("dask", reason="needs Dask")
distributed = pytest.importorskip("distributed", reason="needs Dask")


@pytest.fixture(scope="session", autouse=True)
def forked_workers():
    """Fork workers from a process that has imported all that they need."""
    multiprocessing.set_forkserver_preload(["skffnn.dask.tasks", "pandas"])
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        yield


@pytest.fixture(scope="session")
def client(forked_workers):
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit=0
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client
