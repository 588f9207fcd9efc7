"""A cluster of two worker processes, shared by the tests in a file."""

import pytest

pytest.importorskip("dask", reason="needs Dask")
distributed = pytest.importorskip("distributed", reason="needs Dask")


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            memory_limit=0,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client
