"""Training that is cut short at any moment goes on to the result it would have had."""

import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from scipy import sparse
from sklearn import clone
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler
from test_saving import assert_same

import skffnn
from skffnn import (
    LBFGS,
    SCHEDULES,
    SOLVERS,
    Checkpoint,
    FFNNClassifier,
    FileFormatError,
    InvalidParameterError,
    checkpoints,
)

X, y = load_iris(return_X_y=True)
ORDER = np.random.RandomState(0).permutation(len(y))
X, y = StandardScaler().fit_transform(X)[ORDER], y[ORDER]
STEPPERS = [name for name, solver in SOLVERS.items() if not issubclass(solver, LBFGS)]
KILLS, LONG_KILLS = 50, 1000


def make(path=None, **params):
    small = {"hidden_layer_sizes": (6, 5), "random_state": 0, "max_iter": 8}
    return FFNNClassifier(**small | {"batch_size": 30, "checkpoint": path} | params)


class Fails:
    """A scorer that stops the fit that it belongs to at some epoch."""

    def __init__(self, error, epoch):
        self.error, self.left = error, epoch

    def __call__(self, *_):
        self.left -= 1
        if self.left < 0:
            raise self.error


def fail_in(epoch, monkeypatch, error=None):
    """Let training fail when an epoch is over, before it is recorded."""
    fails = Fails(error or RuntimeError("power cut"), epoch)
    whole = skffnn.optim.training.Training._epoch_ended

    def epoch_ended(self, loss):
        fails()
        return whole(self, loss)

    monkeypatch.setattr(skffnn.optim.training.Training, "_epoch_ended", epoch_ended)


def unlike_checkpoint(model):
    return clone(model).set_params(checkpoint=None)


CASES = {
    **{f"solver {name}": {"solver": name} for name in STEPPERS},
    **{f"schedule {name}": {"learning_rate": name} for name in SCHEDULES},
    "dropout": {"dropout": 0.2},
    "early stopping": {"early_stopping": True},
    "early stopping, dropout": {"early_stopping": True, "dropout": 0.2},
    "a batch of all": {"batch_size": 150},
    "weights": {"class_weight": {0: 1.0, 1: 5.0, 2: 1.0}, "early_stopping": True},
    "a stream": {"random_state": np.random.RandomState(4)},
    "patience": {"max_iter": 300, "n_iter_no_change": 2, "tol": 0.005},
}


@pytest.mark.parametrize("container", [np.asarray, np.float32, sparse.csr_array])
@pytest.mark.parametrize("case", CASES)
def test_a_fit_that_failed_goes_on_to_the_same_bits(
    case, container, tmp_path, monkeypatch
):
    model = make(tmp_path / "run", **CASES[case])
    X_ = X.astype(np.float32) if container is np.float32 else container(X)
    stream = pickle.dumps(model.random_state)
    whole = unlike_checkpoint(model).fit(X_, y)
    for epoch in (2, 3):
        model.set_params(random_state=pickle.loads(stream))
        with monkeypatch.context() as patch:
            fail_in(epoch, patch)
            with pytest.raises(RuntimeError, match="power cut"):
                model.fit(X_, y)
        assert skffnn.load(tmp_path / "run").t_ > 0  # a model on its way predicts
    model.set_params(random_state=pickle.loads(stream)).fit(X_, y)
    assert_same(whole, model)
    assert whole.n_iter_ == model.n_iter_


def test_lbfgs_goes_on_from_the_parameters(tmp_path, monkeypatch):
    model = make(tmp_path / "run", solver="lbfgs", max_iter=200, alpha=0.1, tol=1e-6)
    model.set_params(activation="tanh", early_stopping=False)
    with monkeypatch.context() as patch:
        fail_in(10, patch)
        with pytest.raises(RuntimeError):
            model.fit(X, y)
    halfway = skffnn.load(tmp_path / "run")
    assert halfway.n_iter_ == 10
    model.fit(X, y)
    assert model.loss_curve_[:10] == halfway.loss_curve_
    assert model.loss_ < halfway.loss_
    assert model.n_iter_ <= 200


def test_a_validation_set_of_ones_own(tmp_path, monkeypatch):
    rows = {"X_val": X[:50], "y_val": y[:50], "sample_weight_val": np.arange(50.0)}
    model = make(tmp_path / "run")
    whole = unlike_checkpoint(model).fit(X[50:], y[50:], **rows)
    fail_in(5, monkeypatch)
    with pytest.raises(RuntimeError):
        model.fit(X[50:], y[50:], **rows)
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"a fit with other X_val\."):
        model.fit(X[50:], y[50:], **rows | {"X_val": X[1:51]})
    assert_same(whole, model.fit(X[50:], y[50:], **rows))


def test_a_warm_fit(tmp_path, monkeypatch):
    start = make(None, warm_start=True).fit(X, y)
    whole = pickle.loads(pickle.dumps(start)).fit(X, y)
    fail_in(5, monkeypatch)
    model = pickle.loads(pickle.dumps(start)).set_params(checkpoint=tmp_path / "run")
    with pytest.raises(RuntimeError):
        model.fit(X, y)
    monkeypatch.undo()
    assert_same(start, model)  # the failure left it as it was
    assert_same(whole, model.fit(X, y))
    with pytest.raises(ValueError, match="with other fitted state to start"):
        model.fit(X, y)  # from another start


def test_a_fit_that_is_over_is_not_done_again(tmp_path, monkeypatch):
    model = make(tmp_path / "run").fit(X, y)
    fail_in(0, monkeypatch)
    assert_same(model, make(tmp_path / "run", verbose=True).fit(X, y))
    assert_same(model, make(Checkpoint(str(tmp_path / "run"), epochs=3)).fit(X, y))


def test_ctrl_c_loses_no_epoch_that_was_over(tmp_path, monkeypatch):
    model = make(tmp_path / "run")
    whole = unlike_checkpoint(model).fit(X, y)
    fail_in(4, monkeypatch, KeyboardInterrupt())
    with pytest.warns(UserWarning, match="interrupted in epoch 5"):
        model.fit(X, y)
    monkeypatch.undo()
    assert_same(whole, make(tmp_path / "run").fit(X, y))


def test_a_warm_fit_is_told_apart_by_its_state_too(tmp_path):
    """With a tiny rate the best parameters stay those of the first epoch."""
    params = {"early_stopping": True, "learning_rate_init": 1e-9, "tol": 0.0}
    model = make(None, warm_start=True, max_iter=3, **params).fit(X, y)
    seen = model.t_ // 3
    model.set_params(checkpoint=tmp_path / "run").fit(X, y)
    assert model.t_ == 6 * seen
    with pytest.raises(ValueError, match="fitted state to start from"):
        model.fit(X, y)


def test_patience_is_not_given_back_by_a_failure(tmp_path, monkeypatch):
    """A plan goes on although patience has come to its end."""
    params = {"learning_rate": "cosine", "n_iter_no_change": 1, "tol": 1.0}
    model = make(tmp_path / "run", **params)
    whole = unlike_checkpoint(model).fit(X, y)
    with monkeypatch.context() as patch:
        fail_in(6, patch)
        with pytest.raises(RuntimeError):
            model.fit(X, y)
    assert_same(whole, model.fit(X, y))


def test_the_names_of_features_belong_to_the_fit(tmp_path):
    pandas = pytest.importorskip("pandas")
    make(tmp_path / "run").fit(pandas.DataFrame(X, columns=list("abcd")), y)
    for other in (pandas.DataFrame(X, columns=list("wxyz")), X):
        with pytest.raises(ValueError, match="with other feature_names_in_"):
            make(tmp_path / "run").fit(other, y)


def test_a_subclass_is_refused_before_training(tmp_path):
    class Mine(FFNNClassifier):
        pass

    with pytest.raises(TypeError, match=r"needs an FFNNClassifier.*subclass Mine"):
        Mine(checkpoint=tmp_path / "run").fit(X, y)


class TestAFileOfSomethingElse:
    def test_that_appears_while_training_is_not_overwritten(
        self, tmp_path, monkeypatch
    ):
        path = tmp_path / "run"
        epoch_ended = skffnn.optim.training.Training._epoch_ended

        def another_fit_writes(self, loss):
            if self.n_iter == 3:
                monkeypatch.undo()
                path.unlink()
                make(path, alpha=2.0).fit(X, y)
            return epoch_ended(self, loss)

        monkeypatch.setattr(
            skffnn.optim.training.Training, "_epoch_ended", another_fit_writes
        )
        with pytest.warns(
            UserWarning, match=r"is now of another fit.*Training goes on"
        ):
            model = make(path, alpha=1.0).fit(X, y)
        assert_same(make(alpha=1.0).fit(X, y), model)
        assert skffnn.load(path).alpha == 2.0

    def test_of_other_parameters_or_data(self, tmp_path):
        path = tmp_path / "run"
        make(path).fit(X, y)
        before = path.read_bytes()
        for params, X_, names in [
            ({"alpha": 1.0, "solver": "sgd"}, X, "alpha, solver"),
            ({}, X + 1e-9, "X"),
            ({}, X.astype("f"), "X"),
            ({}, sparse.csr_array(X), "X"),
            ({"random_state": np.random.RandomState(0)}, X, "random_state"),
        ]:
            with pytest.raises(ValueError, match=rf"with other {names}\. Delete it"):
                make(path, **params).fit(X_, y)
        with pytest.raises(ValueError, match=r"with other sample_weight\."):
            make(path).fit(X, y, np.arange(150.0))
        with pytest.raises(ValueError, match=r"with other y\."):
            make(path).fit(X, np.roll(y, 1))
        assert path.read_bytes() == before

    def test_a_saved_model(self, tmp_path):
        skffnn.save(make().fit(X, y), tmp_path / "run")
        with pytest.raises(ValueError, match="is a saved model and no checkpoint"):
            make(tmp_path / "run").fit(X, y)

    def test_a_damaged_file(self, tmp_path):
        path = tmp_path / "run"
        make(path).fit(X, y)
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(FileFormatError, match="damaged"):
            make(path).fit(X, y)


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        (3, "must be None, a path or a skffnn.Checkpoint, got 3"),
        (Checkpoint(3), "must be None, a path"),
        (Checkpoint("run", epochs=0), r"checkpoint.epochs must be .* got 0"),
        (Checkpoint("run", seconds=-1), r"checkpoint.seconds must be .* got -1"),
        ("no/such/folder/run", "in a folder that exists, got 'no/such/folder/run'"),
        (".", "must be a file"),
        ("a\0b", "must be a file"),
    ],
)
def test_a_checkpoint_that_cannot_be_is_refused_before_training(checkpoint, message):
    with pytest.raises(InvalidParameterError, match=message):
        make(checkpoint).fit(X, y)


def test_a_parameter_that_cannot_be_saved_is_refused_before_training(tmp_path):
    class Mine(skffnn.Schedule):
        def factor(self, clock):
            raise AssertionError("training has begun")

    with pytest.raises(TypeError, match="learning_rate cannot be saved"):
        make(tmp_path / "run", learning_rate=Mine()).fit(X, y)


class TestHowOften:
    def written(self, monkeypatch, checkpoint, **params):
        epochs = []

        def write(path, content, kinds):
            epochs.append((content["fitted"]["n_iter_"], content["finished"]))

        monkeypatch.setattr(checkpoints, "write_content", write)
        make(checkpoint, **params).fit(X, y)
        return epochs

    def test_after_each_epoch(self, monkeypatch, tmp_path):
        epochs = self.written(monkeypatch, tmp_path / "run", max_iter=4)
        assert epochs == [(1, False), (2, False), (3, False), (4, True)]

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_every_three_epochs(self, monkeypatch, solver, tmp_path):
        checkpoint = Checkpoint(tmp_path / "run", epochs=3)
        epochs = self.written(monkeypatch, checkpoint, solver=solver)
        assert epochs == [(3, False), (6, False), (8, True)]

    def test_when_so_many_seconds_have_passed(self, monkeypatch, tmp_path):
        seconds, epoch_ended = [0], skffnn.optim.training.Training._epoch_ended

        def takes_a_second(self, loss):
            seconds[0] += 1
            return epoch_ended(self, loss)

        monkeypatch.setattr(
            skffnn.optim.training.Training, "_epoch_ended", takes_a_second
        )
        monkeypatch.setattr(checkpoints.time, "monotonic", lambda: seconds[0])
        checkpoint = Checkpoint(tmp_path / "run", seconds=2.5)
        epochs = self.written(monkeypatch, checkpoint, max_iter=8)
        assert epochs == [(3, False), (6, False), (8, True)]
        both = Checkpoint(tmp_path / "run", epochs=2, seconds=2.5)
        assert self.written(monkeypatch, both, max_iter=4)[0] == (2, False)


def test_the_end_is_written_even_where_no_checkpoint_was_due(tmp_path):
    make(Checkpoint(tmp_path / "run", epochs=1000)).fit(X, y)
    assert skffnn.load(tmp_path / "run").n_iter_ == 8


SETUP = """
import os, random, resource, signal, sys, time, warnings
import numpy as np, skffnn
from skffnn import Checkpoint, FFNNClassifier
warnings.simplefilter("ignore", skffnn.optim.training.ConvergenceWarning)
X = np.random.RandomState(0).standard_normal((300, 6))
y = (X @ np.arange(6) > 1).astype(int) + (X[:, 0] > 0)
def make(path, **params):
    params = dict(hidden_layer_sizes=(8,), batch_size=50, random_state=0) | params
    return FFNNClassifier(checkpoint=path, **params)
def bits(model):
    return [a.tobytes() for a in (*model.coefs_, *model.intercepts_)], model.loss_curve_
"""


def run(code, *args):
    """Run a script in a process of its own, with one thread; return what it prints."""
    result = subprocess.run(
        [sys.executable, "-c", SETUP + textwrap.dedent(code), *map(str, args)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=1200,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


@needs_fork
@pytest.mark.long
@pytest.mark.parametrize(
    "params",
    [
        {"max_iter": 150, "dropout": 0.1},
        {"max_iter": 150, "early_stopping": True, "n_iter_no_change": 150},
        {"max_iter": 150, "solver": "sgd", "learning_rate": "cosine"},
    ],
    ids=["dropout", "early stopping", "cosine"],
)
def test_kills_at_random_moments_change_nothing(params, part, tmp_path):
    """A child trains; its parent kills it, and starts the next one, until one ends."""
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
    kills = max(KILLS, int(part * LONG_KILLS))
    answer = run(code, tmp_path / "run", kills, params)
    assert answer.startswith(f"{kills} ['run'")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]  # no drafts are left over


def test_a_full_disk_is_a_warning_that_loses_nothing(tmp_path):
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
    assert "Training goes on; what was there before is kept." in text


@pytest.mark.skipif(os.name == "nt", reason="folders are not read-only there")
def test_a_folder_that_turns_read_only_is_a_warning_that_loses_nothing():
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
    # Not under pytest's folder, which no other user may enter.
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        text = run(code, Path(folder) / "run")
        assert os.listdir(folder) == ["run"]
    assert "could not be written: [Errno 13] Permission denied" in text
