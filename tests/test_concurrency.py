"""Results do not depend on the number of threads or processes."""

import importlib
import pkgutil
import subprocess
import sys
import sysconfig
import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

import skffnn
from skffnn import SOLVERS, FFNNClassifier

X, y = load_digits(return_X_y=True)
X = X / 16
THREADS = 16

# More BLAS threads change the order of sums. This changes a gradient by about 1e-15, or
# 1e-7 in float32, and training multiplies the difference.
MORE_BLAS_THREADS = {"float64": 1e-9, "float32": 1e-4}


def together(function, arguments):
    """Call a function concurrently, in one thread for each argument."""
    barrier = threading.Barrier(len(arguments))

    def call(argument):
        barrier.wait()
        return function(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(call, arguments))


@pytest.mark.parametrize("container", [np.asarray, np.float32, sparse.csr_array])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "hidden_features"])
def test_many_threads_predict_with_one_model(method, container):
    X_ = X.astype(np.float32) if container is np.float32 else container(X)
    model = FFNNClassifier((40, 20), max_iter=2, random_state=0).fit(X_, y)
    predict = getattr(model, method)
    parts = [X_[i : i + 300] for i in range(0, 1600, 100)]
    alone = [predict(part) for part in parts]
    for _ in range(5):
        for ours, theirs in zip(together(predict, parts), alone, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def fitted(params):
    model = FFNNClassifier((20,), max_iter=3, **params).fit(X[:400], y[:400])
    return [*model.coefs_, *model.intercepts_, np.array(model.loss_curve_)]


@pytest.mark.parametrize("solver", SOLVERS)
def test_many_threads_fit_models_of_their_own(solver):
    each = [
        {"solver": solver, "random_state": seed, "early_stopping": seed % 2 == 0}
        | ({"dropout": 0.1} if seed % 3 == 0 else {})
        for seed in range(THREADS)
    ]
    with threadpool_limits(1):  # BLAS threads may divide the work differently
        alone = [fitted(params) for params in each]
        for ours, theirs in zip(together(fitted, each), alone, strict=True):
            for one, other in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_results_do_not_depend_on_n_jobs(backend):
    def results(n_jobs):
        search = GridSearchCV(
            FFNNClassifier((10,), max_iter=3, random_state=0),
            {"alpha": [1e-4, 1e-2], "solver": ["adam", "lbfgs"]},
            n_jobs=n_jobs,
            cv=2,
        )
        with joblib.parallel_config(backend, inner_max_num_threads=None):
            search.fit(X[:300], y[:300])
        return search.cv_results_["mean_test_score"], search.predict_proba(X)

    with threadpool_limits(1):
        one, two = results(1), results(2)
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


@pytest.mark.parametrize("dtype", MORE_BLAS_THREADS)
def test_threads_of_blas_change_the_last_digits_alone(dtype):
    def f():
        model = FFNNClassifier((100,), max_iter=3, random_state=0, dtype=dtype)
        return model.fit(X, y).predict_proba(X)

    with threadpool_limits(1):
        one = f()
        np.testing.assert_array_equal(one, f())
    with threadpool_limits(2):
        two = f()
    np.testing.assert_allclose(one, two, rtol=0, atol=MORE_BLAS_THREADS[dtype])


def test_no_module_has_state():
    """Fitting and predicting do not change any module-level object."""
    modules = [
        importlib.import_module(info.name)
        for info in pkgutil.walk_packages(skffnn.__path__, "skffnn.")
    ]

    def content(value):
        ours = type(value).__module__.startswith("skffnn")
        return repr(vars(value) if ours and hasattr(value, "__dict__") else value)

    def state():
        return {
            (module.__name__, name): content(value)
            for module in modules
            for name, value in vars(module).items()
            if not name.startswith("__")
        }

    before = state()
    for solver in SOLVERS:
        model = FFNNClassifier(4, solver=solver, max_iter=2, early_stopping=True)
        model.fit(X[:100], y[:100]).predict_proba(X)
    assert state() == before


FREE_THREADED = """
import sys
assert not sys._is_gil_enabled()
import test_concurrency as tests
tests.test_many_threads_fit_models_of_their_own("adam")
tests.test_many_threads_predict_with_one_model("predict_proba", tests.np.asarray)
assert not sys._is_gil_enabled()
"""


def test_without_a_global_lock():
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("this Python is not free-threaded")
    subprocess.run(
        [sys.executable, "-X", "gil=0", "-c", FREE_THREADED], check=True, cwd="tests"
    )
