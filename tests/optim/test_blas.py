"""SciPy's BLAS uses one thread while L-BFGS runs, and as many as before afterwards."""

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from skffnn import FFNNClassifier
from skffnn.optim import solvers as blas


def n_threads():
    controller = blas.blas_of_scipy()
    return [library["num_threads"] for library in controller.info()]


@pytest.fixture
def two_threads():
    """Give SciPy's BLAS two threads, even on a machine with one core."""
    own = blas.blas_of_scipy()
    if not own.info():
        pytest.skip("SciPy has no BLAS of its own here")
    with own.limit(limits=2):
        yield


@pytest.mark.usefixtures("two_threads")
def test_the_last_of_several_that_overlap_raises_the_number_again():
    first, second = blas.one_thread_for_scipy, blas.one_thread_for_scipy
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)  # the first to enter is not the last to exit
    assert n_threads() == [1]
    second.__exit__(None, None, None)
    assert n_threads() == [2]


@pytest.mark.usefixtures("two_threads")
def test_lbfgs_runs_with_one_thread_and_puts_the_number_back():
    seen = []

    class Watching:
        def value(self, W):
            seen.extend(n_threads())
            return 0.0

        def add_gradient(self, W, alpha, grad):
            pass

    X = np.random.default_rng(0).standard_normal((20, 3))
    FFNNClassifier(2, solver="lbfgs", penalty=Watching(), max_iter=3).fit(
        X, X[:, 0] > 0
    )
    assert set(seen[:-1]) == {1}  # the last is of the loss without the penalty
    assert n_threads() == [2]


def test_a_library_that_is_not_in_a_wheel_of_scipy_is_left_alone():
    paths = [library["filepath"] for library in ThreadpoolController().info()]
    own = {lib["filepath"] for lib in blas.blas_of_scipy().info()}
    assert own == {path for path in paths if "scipy" in path.split("/")[-2]}
