"""A loaded model equals the saved one, and continues training in the same way."""

import json
from datetime import datetime
from pathlib import Path

import joblib
import numpy as np
import pytest
from helpers import STEPPERS, X, Y, assert_same, maker, y
from scipy import sparse

import skffnn
from skffnn import (
    ACTIVATIONS,
    INITIALIZERS,
    PENALTIES,
    SCHEDULES,
    SOLVERS,
    Adam,
    Cosine,
)

make = maker(hidden_layer_sizes=(6, 5), max_iter=4, batch_size=30)


def again(model, tmp_path):
    skffnn.save(model, tmp_path / "model")
    return skffnn.load(tmp_path / "model")


CASES = {
    **{f"solver {name}": {"solver": name} for name in SOLVERS},
    **{f"schedule {name}": {"learning_rate": name} for name in SCHEDULES},
    **{f"activation {name}": {"activation": name} for name in ACTIVATIONS},
    **{f"weights {name}": {"weight_init": name} for name in INITIALIZERS},
    **{f"penalty {name}": {"penalty": name} for name in PENALTIES},
    "objects": {
        "solver": Adam(beta_2=0.9),
        "learning_rate": Cosine(max_iter=9),
        "activation": [ACTIVATIONS["selu"](), "tanh"],
        "weight_init": INITIALIZERS["he_normal"],
        "penalty": PENALTIES["l2"](),
    },
    "early stopping": {"early_stopping": True},
    "a scorer": {"early_stopping": True, "scoring": "balanced_accuracy"},
    "dropout": {"dropout": [0.1, 0.3]},
    "class weights": {"class_weight": {0: 1.0, 1: 2, 2: 0.5}},
    "balanced": {"class_weight": "balanced"},
    "numbers of numpy": {"alpha": np.float32(0.1), "hidden_layer_sizes": np.array([3])},
    "infinite patience": {"n_iter_no_change": np.inf},
    "a stream": {"random_state": np.random.RandomState(5)},
    "another stream": {"random_state": np.random.RandomState(np.random.PCG64(5))},
    "no seed": {"random_state": None},
    "float64": {"dtype": "float64"},
    "no hidden layer": {"hidden_layer_sizes": ()},
}


@pytest.mark.parametrize("case", CASES)
def test_a_model_comes_back_and_goes_on(case, tmp_path):
    model = make(**CASES[case]).fit(X, y)
    loaded = again(model, tmp_path)
    assert_same(model, loaded)
    for method in ("predict", "predict_proba", "decision_function"):
        ours, theirs = (getattr(m, method)(X) for m in (loaded, model))
        np.testing.assert_array_equal(ours, theirs)
    for m in (model, loaded):
        m.set_params(warm_start=True).fit(X, y)
    assert_same(model, loaded)


LABELS = {
    "texts": np.array(["setosa", "versicolor", "virginica"])[y],
    "objects": np.array(["setosa", "versicolor", "virginica"], object)[y],
    "booleans": y == 0,
    "floats": y * 1.0,
    "many labels": Y,
    "many labels, sparse": sparse.csr_array(Y),
}


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize(
    "X", [X, X.astype("f"), sparse.csr_array(X)], ids=["f8", "f4", "csr"]
)
def test_labels_of_every_kind(labels, X, tmp_path):
    target = LABELS[labels]
    model = make().fit(X, target)
    loaded = again(model, tmp_path)
    assert_same(model, loaded)
    ours, theirs = loaded.predict(X), model.predict(X)
    assert type(ours) is type(theirs)
    assert (ours != theirs).sum() == 0
    if "many" not in labels:
        for m in (model, loaded):
            m.partial_fit(X, target)
        assert_same(model, loaded)


def test_names_of_features(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    loaded = again(make().fit(frame, y), tmp_path)
    assert loaded.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(frame[list("bacd")])


GOLDEN = Path(__file__).parent / "golden"


# scikit-learn warns of its objects from another of its versions.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("name", ["network", "poisson", "columns", "table"])
def test_golden_files_load_for_ever(name):
    """Beside each file is another one with rows and the predictions of the model."""
    expected = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    rows = [
        [
            datetime.fromisoformat(x) if "-" in str(x)[1:] and str(x)[:2] == "20" else x
            for x in row
        ]
        for row in expected["X"]
    ]
    rows = np.array(rows, object if name in ("columns", "table") else float)
    predicted = skffnn.load(GOLDEN / f"{name}.skffnn").predict(rows)
    if name == "poisson":
        np.testing.assert_allclose(predicted, expected["predict"], rtol=1e-6)
    else:
        assert predicted.tolist() == expected["predict"]


@pytest.mark.parametrize("solver", STEPPERS)
def test_skops_needs_to_trust_the_listed_classes(solver, tmp_path):
    skops_io = pytest.importorskip("skops.io")
    model = make(solver=solver, early_stopping=True, dropout=0.1).fit(X, y)
    data = skops_io.dumps(model)
    trusted = skops_io.get_untrusted_types(data=data)
    assert {*trusted} <= {*skffnn.SKOPS_TRUSTED}
    loaded = skops_io.loads(data, trusted=trusted)
    for m in (model, loaded):
        m.set_params(warm_start=True).fit(X, y)
    assert_same(model, loaded)


def test_joblib_too(tmp_path):
    model = make().fit(X, y)
    joblib.dump(model, tmp_path / "f")
    assert_same(model, joblib.load(tmp_path / "f"))
