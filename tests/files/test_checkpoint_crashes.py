"""Killed processes, full disks and read-only folders do not damage a checkpoint."""

import os
import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

KILLS, LONG_KILLS = 10, 1000

SETUP = """
import os, random, resource, signal, sys, time, warnings
import numpy as np, skffnn
from skffnn import Checkpoint, FFNNClassifier
from threadpoolctl import threadpool_limits
threadpool_limits(1)
warnings.simplefilter("ignore", skffnn.optim.training.ConvergenceWarning)
X = np.random.RandomState(0).standard_normal((300, 6))
y = (X @ np.arange(6) > 1).astype(int) + (X[:, 0] > 0)
def make(path, **params):
    params = dict(hidden_layer_sizes=(8,), batch_size=50, random_state=0) | params
    return FFNNClassifier(checkpoint=path, **params)
def bits(model):
    return [a.tobytes() for a in (*model.coefs_, *model.intercepts_)], model.loss_curve_
"""


@pytest.fixture
def run(python):
    """Return a function that runs a script with one thread, for its output."""

    def output(code, *args):
        result = python(SETUP + textwrap.dedent(code), *args)
        assert result.returncode == 0, result.stderr
        return result.stdout + result.stderr

    return output


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


@needs_fork
@pytest.mark.long
@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 0.1, "early_stopping": True, "n_iter_no_change": 150},
        pytest.param(
            {"solver": "sgd", "learning_rate": "cosine"}, marks=pytest.mark.only_long
        ),
    ],
    ids=["early stopping", "cosine"],
)
def test_kills_at_random_moments_change_nothing(params, part, tmp_path, run):
    """A child process trains; it is killed and restarted until one finishes."""
    code = """
    path, least, params = sys.argv[1], int(sys.argv[2]), eval(sys.argv[3])
    whole = make(None, **params).fit(X, y)
    random.seed(0)
    kills = damaged = attempts = 0
    while True:
        attempts += 1
        child = os.fork()
        if child == 0:
            make(path, **params).fit(X, y)
            os._exit(0)
        if kills < least:  # then let it end
            time.sleep(random.uniform(0, 0.04))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            kills += 1
            if os.path.exists(path):
                skffnn.load(path)  # raises if it is damaged
        elif status:
            sys.exit("a child has failed")
        elif kills >= least:
            break
        else:  # it was over before it was killed
            os.remove(path)
    assert bits(whole) == bits(make(path, **params).fit(X, y))
    left = sorted(os.listdir(os.path.dirname(path)))
    print(kills, left)
    """
    params = {"max_iter": 150} | params
    kills = max(KILLS, int(part * LONG_KILLS))
    answer = run(code, tmp_path / "run", kills, params)
    assert answer.startswith(f"{kills} ['run'")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]  # no temporary files


def test_a_full_disk_is_a_warning_that_loses_nothing(tmp_path, run):
    pytest.importorskip("resource")
    code = """
    path = sys.argv[1]
    make(path, max_iter=3).fit(X, y)
    before, size = open(path, "rb").read(), os.path.getsize(path)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
    other = path + "2"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = make(other, max_iter=3).fit(X, y)
    texts = [str(w.message) for w in caught if "checkpoint" in str(w.message)]
    assert len(texts) == 3, texts
    print(texts[0])
    assert bits(model) == bits(make(None, max_iter=3).fit(X, y))
    assert before == open(path, "rb").read()
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
    """
    text = run(code, tmp_path / "run")
    assert "The checkpoint after epoch 1 could not be written" in text
    assert "File too large" in text
    assert "Training continues; the previous checkpoint is kept." in text


@pytest.mark.skipif(os.name == "nt", reason="folders are not read-only there")
def test_a_folder_that_turns_read_only_is_a_warning_that_loses_nothing(run):
    code = """
    path, folder = sys.argv[1], os.path.dirname(sys.argv[1])
    make(path, max_iter=3).fit(X, y)
    before = open(path, "rb").read()
    whole = make(None, max_iter=5).fit(X, y)
    os.chmod(folder, 0o555)
    if os.geteuid() == 0:  # who may write everywhere
        os.chmod(path, 0o444)
        os.setuid(65534)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = make(path + "2", max_iter=5).fit(X, y)
    print(*{str(w.message) for w in caught if "checkpoint" in str(w.message)})
    assert bits(model) == bits(whole)
    assert before == open(path, "rb").read()
    """
    # Not in pytest's folder, which other users cannot access.
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        text = run(code, Path(folder) / "run")
        assert os.listdir(folder) == ["run"]
    assert "could not be written: [Errno 13] Permission denied" in text
