"""Interrupted training resumes from its checkpoint, with the same result."""

import os
import pickle

import numpy as np
import pytest
from helpers import STEPPERS, X, assert_same, y
from scipy import sparse
from sklearn import clone

import skffnn
from skffnn import SCHEDULES, SOLVERS, Checkpoint, FFNNClassifier
from skffnn.files.checkpoints import CheckpointManager
from skffnn.optim.training import Training


def make(path=None, **params):
    small = {"hidden_layer_sizes": (6, 5), "random_state": 0, "max_iter": 8}
    return FFNNClassifier(**small | {"batch_size": 30, "checkpoint": path} | params)


class Fails:
    """A callable that raises an error after a number of calls."""

    def __init__(self, error, epoch):
        self.error, self.left = error, epoch

    def __call__(self, *_):
        self.left -= 1
        if self.left < 0:
            raise self.error


def fail_in(epoch, monkeypatch, error=None):
    """Make training fail at the end of an epoch, before it is recorded."""
    fails = Fails(error or RuntimeError("power cut"), epoch)
    whole = Training.end_epoch

    def end_epoch(self, *args, **kwargs):
        fails()
        return whole(self, *args, **kwargs)

    monkeypatch.setattr(Training, "end_epoch", end_epoch)


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


@pytest.mark.parametrize(
    ("case", "container"),
    [
        *((case, np.asarray) for case in CASES),
        ("early stopping, dropout", np.float32),
        ("early stopping, dropout", sparse.csr_array),
    ],
)
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
        assert skffnn.load(tmp_path / "run").t_ > 0  # partly trained
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


def test_with_a_validation_set(tmp_path, monkeypatch):
    rows = {"X_val": X[:50], "y_val": y[:50], "sample_weight_val": np.arange(50.0)}
    model = make(tmp_path / "run")
    whole = unlike_checkpoint(model).fit(X[50:], y[50:], **rows)
    fail_in(5, monkeypatch)
    with pytest.raises(RuntimeError):
        model.fit(X[50:], y[50:], **rows)
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"a fit with different X_val\."):
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
    assert_same(start, model)  # unchanged by the failure
    assert_same(whole, model.fit(X, y))
    with pytest.raises(ValueError, match="with different fitted network to start"):
        model.fit(X, y)  # from a different starting point


def test_a_finished_fit_is_not_repeated(tmp_path, monkeypatch):
    model = make(tmp_path / "run").fit(X, y)
    fail_in(0, monkeypatch)
    assert_same(model, make(tmp_path / "run", verbose=True).fit(X, y))
    assert_same(model, make(Checkpoint(str(tmp_path / "run"), epochs=3)).fit(X, y))


def test_ctrl_c_loses_no_finished_epoch(tmp_path, monkeypatch):
    model = make(tmp_path / "run")
    whole = unlike_checkpoint(model).fit(X, y)
    fail_in(4, monkeypatch, KeyboardInterrupt())
    with pytest.warns(UserWarning, match="interrupted in epoch 5"):
        model.fit(X, y)
    monkeypatch.undo()
    assert_same(whole, make(tmp_path / "run").fit(X, y))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("number", [1, 3, 8])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_ctrl_c_while_a_checkpoint_is_written(
    step, number, solver, tmp_path, monkeypatch
):
    """The fit keeps its model, and the file the last checkpoint before."""
    model = make(tmp_path / "run", solver=solver, tol=0)
    whole = unlike_checkpoint(model).fit(X, y)
    real, calls = getattr(os, step), []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == (2 * number - 1 if step == "fsync" else number):
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(os, step, interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y)
    monkeypatch.undo()
    assert model.n_iter_ == number
    assert [p.name for p in tmp_path.iterdir()] == ["run"] * (number > 1)
    if number > 1:
        assert skffnn.load(tmp_path / "run").n_iter_ == number - 1
    if number == 8:
        assert_same(model, whole)
    if solver == "adam":
        assert_same(whole, make(tmp_path / "run", tol=0).fit(X, y))


def test_a_warm_fit_is_told_apart_by_its_state_too(tmp_path):
    """With a tiny learning rate, the best parameters are those of the first epoch."""
    params = {"early_stopping": True, "learning_rate_init": 1e-9, "tol": 0.0}
    model = make(None, warm_start=True, max_iter=3, **params).fit(X, y)
    seen = model.t_ // 3
    model.set_params(checkpoint=tmp_path / "run").fit(X, y)
    assert model.t_ == 6 * seen
    with pytest.raises(ValueError, match="fitted network to start from"):
        model.fit(X, y)


def test_a_failure_does_not_reset_patience(tmp_path, monkeypatch):
    """A fixed-horizon schedule continues despite epochs without improvement."""
    params = {"learning_rate": "cosine", "n_iter_no_change": 1, "tol": 1.0}
    model = make(tmp_path / "run", **params)
    whole = unlike_checkpoint(model).fit(X, y)
    with monkeypatch.context() as patch:
        fail_in(6, patch)
        with pytest.raises(RuntimeError):
            model.fit(X, y)
    assert_same(whole, model.fit(X, y))


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_crash_before_the_result_is_written_adds_no_epoch(
    solver, tmp_path, monkeypatch
):
    params = {"solver": solver, "max_iter": 5}
    model = make(tmp_path / "run", **params)
    whole = unlike_checkpoint(model).fit(X, y)

    def crash(self, fit):
        """Write the checkpoint after the last epoch, but no result."""
        self._write(fit, finished=False)
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointManager, "on_fit_end", crash)
        with pytest.raises(RuntimeError):
            model.fit(X, y)
    assert skffnn.load(tmp_path / "run").n_iter_ == 5
    assert_same(whole, model.fit(X, y))
