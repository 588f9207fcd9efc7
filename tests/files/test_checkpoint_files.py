"""Checkpoint files: when they are written, and which files are rejected."""

import numpy as np
import pytest
from helpers import X, assert_same, y
from scipy import sparse

import skffnn
from skffnn import (
    SOLVERS,
    Checkpoint,
    FFNNClassifier,
    FileFormatError,
    InvalidParameterError,
)
from skffnn.files import checkpoints
from skffnn.optim.training import Training


def make(path=None, **params):
    small = {"hidden_layer_sizes": (6, 5), "random_state": 0, "max_iter": 8}
    return FFNNClassifier(**small | {"batch_size": 30, "checkpoint": path} | params)


class TestHowOften:
    def written(self, monkeypatch, checkpoint, **params):
        epochs = []

        def write(path, model, content):
            epochs.append((model.n_iter_, content["finished"]))

        monkeypatch.setattr(checkpoints, "write_model", write)
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
        seconds, end_epoch = [0], Training.end_epoch

        def takes_a_second(self, *args, **kwargs):
            seconds[0] += 1
            return end_epoch(self, *args, **kwargs)

        monkeypatch.setattr(Training, "end_epoch", takes_a_second)
        monkeypatch.setattr(checkpoints.time, "monotonic", lambda: seconds[0])
        checkpoint = Checkpoint(tmp_path / "run", seconds=2.5)
        epochs = self.written(monkeypatch, checkpoint, max_iter=8)
        assert epochs == [(3, False), (6, False), (8, True)]
        both = Checkpoint(tmp_path / "run", epochs=2, seconds=2.5)
        assert self.written(monkeypatch, both, max_iter=4)[0] == (2, False)


def test_a_checkpoint_is_described_as_one(tmp_path):
    make(tmp_path / "run").fit(X, y)
    assert skffnn.describe(tmp_path / "run")["checkpoint"]


def test_the_end_is_written_even_where_no_checkpoint_was_due(tmp_path):
    make(Checkpoint(tmp_path / "run", epochs=1000)).fit(X, y)
    assert skffnn.load(tmp_path / "run").n_iter_ == 8


class TestAnotherFile:
    def test_that_appears_while_training_is_not_overwritten(
        self, tmp_path, monkeypatch
    ):
        path = tmp_path / "run"
        end_epoch = Training.end_epoch

        def another_fit_writes(self, *args, **kwargs):
            if self.n_iter == 3:
                monkeypatch.undo()
                path.unlink()
                make(path, alpha=2.0).fit(X, y)
            return end_epoch(self, *args, **kwargs)

        monkeypatch.setattr(Training, "end_epoch", another_fit_writes)
        with pytest.warns(
            UserWarning, match=r"now belongs to another fit.*Training continues"
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
            with pytest.raises(ValueError, match=rf"different {names}\. Delete it"):
                make(path, **params).fit(X_, y)
        with pytest.raises(ValueError, match=r"with different sample_weight\."):
            make(path).fit(X, y, np.arange(150.0))
        with pytest.raises(ValueError, match=r"with different y\."):
            make(path).fit(X, np.roll(y, 1))
        assert path.read_bytes() == before

    def test_a_saved_model(self, tmp_path):
        skffnn.save(make().fit(X, y), tmp_path / "run")
        with pytest.raises(ValueError, match="is a saved model and not a checkpoint"):
            make(tmp_path / "run").fit(X, y)

    def test_a_damaged_file(self, tmp_path):
        path = tmp_path / "run"
        make(path).fit(X, y)
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(FileFormatError, match="damaged"):
            make(path).fit(X, y)


def test_the_names_of_features_belong_to_the_fit(tmp_path):
    pandas = pytest.importorskip("pandas")
    make(tmp_path / "run").fit(pandas.DataFrame(X, columns=list("abcd")), y)
    for other in (pandas.DataFrame(X, columns=list("wxyz")), X):
        with pytest.raises(ValueError, match="with different feature_names_in_"):
            make(tmp_path / "run").fit(other, y)


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        (3, "must be None, a path or a skffnn.Checkpoint, got 3"),
        (Checkpoint(3), "must be None, a path"),
        (Checkpoint("run", epochs=0), r"checkpoint.epochs must be .* got 0"),
        (Checkpoint("run", seconds=-1), r"checkpoint.seconds must be .* got -1"),
        ("no/such/folder/run", "in an existing folder, got 'no/such/folder/run'"),
        (".", "must be a file"),
        ("a\0b", "must be a file"),
    ],
)
def test_an_invalid_checkpoint_is_refused_before_training(checkpoint, message):
    with pytest.raises(InvalidParameterError, match=message):
        make(checkpoint).fit(X, y)


def test_a_parameter_that_cannot_be_saved_is_refused_before_training(tmp_path):
    class Mine(skffnn.Schedule):
        def factor(self, clock):
            raise AssertionError("training has begun")

    with pytest.raises(TypeError, match="learning_rate cannot be saved"):
        make(tmp_path / "run", learning_rate=Mine()).fit(X, y)


def test_a_subclass_is_refused_before_training(tmp_path):
    class Mine(FFNNClassifier):
        pass

    with pytest.raises(TypeError, match=r"subclass Mine|saved, got Mine"):
        Mine(checkpoint=tmp_path / "run").fit(X, y)
