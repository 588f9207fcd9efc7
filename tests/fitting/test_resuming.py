"""N epochs and M more in another process equal N + M epochs, bit for bit."""

import itertools
import pickle

import numpy as np
import pytest
from helpers import STEPPERS, X, assert_same, y
from scipy import sparse

import skffnn
from skffnn import SCHEDULES, Cosine, FFNNClassifier, OneCycle

N, M = 3, 4
# The horizon of these schedules, however many epochs a single fit runs.
PLANS = {"cosine": Cosine(max_iter=N + M), "one_cycle": OneCycle(max_iter=N + M)}
DATA = {"dense": X, "float32": X.astype(np.float32), "sparse": sparse.csr_array(X)}
COMBINATIONS = {
    ", ".join([solver, name, *extras, data]): (
        data,
        {
            "solver": solver,
            "learning_rate": PLANS.get(name, name),
            "dropout": 0.2 * ("dropout" in extras),
            "early_stopping": "early stopping" in extras,
        },
    )
    for (solver, data), name in zip(
        itertools.product(STEPPERS, DATA), itertools.cycle(SCHEDULES), strict=False
    )
    for extras in [("dropout",), ("dropout", "early stopping")]
}

GO_ON = """
import pickle, sys, warnings
from pathlib import Path
import skffnn
warnings.simplefilter("ignore")
folder = Path(sys.argv[1])
models, data, y, m = pickle.loads((folder / "half").read_bytes())
whole = {}
for i, (name, (rows, model)) in enumerate(models.items()):
    again = skffnn.load(folder / str(i))
    for kind, one in [("pickle", model), ("file", again)]:
        one.set_params(warm_start=True, max_iter=m).fit(data[rows], y)
        whole[name, kind] = one
    if not model.early_stopping:
        stream = skffnn.load(folder / str(i))
        for _ in range(m):
            stream.partial_fit(data[rows], y)
        whole[name, "partial_fit"] = stream
(folder / "whole").write_bytes(pickle.dumps(whole))
"""


def make(epochs, params):
    return FFNNClassifier(
        (6, 5), batch_size=27, max_iter=epochs, random_state=7, tol=0.0, **params
    )


@pytest.fixture(scope="module")
def continued(tmp_path_factory, python):
    """Return models that were partly trained here and continued in another process."""
    folder, models = tmp_path_factory.mktemp("half"), {}
    for i, (name, (data, params)) in enumerate(COMBINATIONS.items()):
        model = make(N, params).fit(DATA[data], y)
        skffnn.save(model, folder / str(i))
        models[name] = data, model
    (folder / "half").write_bytes(pickle.dumps((models, DATA, y, M)))
    done = python(GO_ON, folder)
    assert done.returncode == 0, done.stderr
    return pickle.loads((folder / "whole").read_bytes())


@pytest.mark.parametrize("name", COMBINATIONS)
def test_training_goes_on_in_another_process(name, continued):
    data, params = COMBINATIONS[name]
    whole = make(N + M, params).fit(DATA[data], y)
    for kind in ("pickle", "file", "partial_fit"):
        if (name, kind) not in continued:
            assert kind == "partial_fit"
            assert params["early_stopping"]
            continue
        parts = continued[name, kind]
        parts.n_iter_ = whole.n_iter_  # of the last fit only
        # The state includes the curves, the split and the random streams.
        assert_same(whole, parts)


def test_lbfgs_goes_on_from_the_parameters(tmp_path):
    params = {"solver": "lbfgs", "activation": "tanh", "alpha": 0.01}
    half = make(10, params).fit(X, y)
    skffnn.save(half, tmp_path / "half")
    again = skffnn.load(tmp_path / "half").set_params(warm_start=True, max_iter=1)
    assert again.fit(X, y).loss_ <= half.loss_
    for W, start in zip(again.coefs_, half.coefs_, strict=True):
        assert abs(W - start).max() < 1
    assert again.loss_curve_[:10] == half.loss_curve_
