"""Training on long streams and large tables needs little memory."""

import textwrap
from pathlib import Path

import numpy as np
import pytest

resource = pytest.importorskip("resource")
needs_proc = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="memory is read from /proc"
)

SETUP = """
import resource, sys, warnings
import numpy as np
from skffnn import FFNNClassifier
warnings.simplefilter("ignore")
MB = 2**20
def data_pages():  # what RLIMIT_DATA counts; a file mapped for reading is not
    return int(open("/proc/self/statm").read().split()[5]) * resource.getpagesize()
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
"""


@pytest.fixture
def run(python):
    """Return a function that runs a script in its own process, for its output."""

    def output(code, *args):
        result = python(SETUP + textwrap.dedent(code), *args)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return output


@pytest.fixture
def large(tmp_path):
    """Return the path of a sparse file with 600 MB of rows, most of them 0."""

    def write(dtype):
        path, n = tmp_path / "X.npy", 600 * 2**20 // 512 // np.dtype(dtype).itemsize
        X = np.lib.format.open_memmap(path, "w+", dtype, (n, 512))
        X[:: n // 1000] = np.random.default_rng(0).standard_normal((1, 512))
        return path

    return write


@needs_proc
@pytest.mark.only_long
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_mapped_X_larger_than_memory_is_never_loaded_whole(dtype, large, run):
    code = """
    X = np.load(sys.argv[1], mmap_mode="r")
    y = np.arange(len(X)) % 2
    FFNNClassifier(5, max_iter=1).fit(X[:500], y[:500])  # what is loaded on first use
    limit = data_pages() + 100 * MB
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    assert X.nbytes > limit, (X.nbytes, limit)
    try:
        np.empty(300 * MB, np.uint8)
        sys.exit("the limit does not hold")
    except MemoryError:
        pass
    params = dict(hidden_layer_sizes=5, batch_size=1000, random_state=0)
    for more in (
        {"max_iter": 1},
        {"max_iter": 1000, "n_iter_no_change": 1, "tol": 1e9},  # three epochs
        {"max_iter": 1, "solver": "lbfgs"},
        {"max_iter": 1, "early_stopping": True},
    ):
        model = FFNNClassifier(**params | more).fit(X, y)
        assert model.predict(X).shape == y.shape
    FFNNClassifier(**params).partial_fit(X, y, classes=[0, 1])
    print("done")
    """
    assert run(code, large(dtype)) == "done\n"


STREAM = """
n, rows = int(sys.argv[1]), 10_000
rng = np.random.default_rng(0)
model = FFNNClassifier((16,), random_state=0, batch_size=1000)
pool = rng.standard_normal((2 * rows, 10), np.float32)
y = (pool[:, 0] > pool[:, 1]).astype(int)
sizes, early = [], None
for i in range(n // rows):
    start = i * 37 % rows
    part = slice(start, start + rows)
    model.partial_fit(pool[part], y[part], classes=[0, 1])
    if i == 20:
        early = resident()
print(resident() - early, len(model.loss_curve_), model.t_, model.score(pool, y))
"""


@needs_proc
@pytest.mark.only_long
def test_ten_million_rows_stream_through_in_constant_memory(part, run):
    n = int(10_000_000 * part) // 10_000 * 10_000
    grown, _, seen, accuracy = map(float, run(STREAM, n).split())
    assert grown < 10 * 2**20
    assert seen == n
    assert accuracy > 0.97


@needs_proc
def test_too_little_memory_leaves_the_earlier_model_as_it_was(run):
    code = """
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((2000, 50)), rng.integers(0, 2, 2000)
    model = FFNNClassifier(8, max_iter=2, random_state=0).fit(X, y)
    before, f = dict(vars(model)), model.predict_proba(X)
    limit = data_pages() + 60 * MB
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    model.set_params(hidden_layer_sizes=(1500, 1500, 1500))
    try:
        model.fit(X, y)
        sys.exit("there was enough")
    except MemoryError:
        pass
    model.set_params(hidden_layer_sizes=8)
    assert all(vars(model)[name] is value for name, value in before.items())
    assert (model.predict_proba(X) == f).all()
    model.fit(X, y)
    assert (model.predict_proba(X) == f).all()
    print("done")
    """
    assert run(code) == "done\n"
