"""A loaded model equals the saved one, and continues training in the same way."""

import json

import joblib
import numpy as np
import pytest
from helpers import GOLDEN, STEPPERS, X, Y, assert_same, maker, y
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

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


TRANSFORMERS = [
    skffnn.TableEncoder(),
    skffnn.RobustSmoothScaler(),
    skffnn.GapImputer(),
    StandardScaler(),
    make_pipeline(skffnn.TableEncoder(), skffnn.RobustSmoothScaler()),
]


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda t: type(t).__name__)
def test_a_transformer_can_be_saved_on_its_own(transformer, tmp_path):
    rows = np.random.default_rng(0).normal(size=(30, 3))
    expected = clone(transformer).fit(rows, rows[:, 0] > 0)
    loaded = again(expected, tmp_path)
    np.testing.assert_array_equal(loaded.transform(rows), expected.transform(rows))


class TestWhatCannotBeSaved:
    def test_could_not_be_loaded(self, tmp_path):
        for params in ({"alpha": -1}, {"activation": ["relu"] * 3}):
            with pytest.raises(ValueError, match=next(iter(params))):
                skffnn.save(make().fit(X, y).set_params(**params), tmp_path / "f")
        model = make(activation=["relu", "tanh"]).fit(X, y)
        model.set_params(activation=["relu"], hidden_layer_sizes=3)
        with pytest.raises(ValueError, match=r"activation must be .* sequence of 2"):
            skffnn.save(model, tmp_path / "f")

    def test_is_not_fitted(self, tmp_path):
        with pytest.raises(NotFittedError):
            skffnn.save(make(), tmp_path / "f")

    def test_is_another_estimator(self, tmp_path):
        for other in (LogisticRegression(), make_pipeline(LogisticRegression())):
            with pytest.raises(TypeError, match=r"must be .* got a LogisticRegression"):
                skffnn.save(other.fit(X, y), tmp_path / "f")

    def test_has_code_of_its_own(self, tmp_path):
        class Mine:
            def forward(self, a, h, d=None):
                h[...] = a
                if d is not None:
                    d[...] = 1

        model = make(activation=Mine()).fit(X, y)
        with pytest.raises(
            TypeError, match=r"^activation cannot be saved, got <.*Mine"
        ):
            skffnn.save(model, tmp_path / "f")
        model = make(scoring=lambda *_: 0.0).fit(X, y, X_val=X, y_val=y)
        with pytest.raises(TypeError, match=r"^scoring cannot be saved"):
            skffnn.save(model, tmp_path / "f")


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.skffnn")), ids=lambda p: p.stem)
def test_files_of_every_version_load_for_ever(path):
    """Next to each file is another one with the model's predictions."""
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    model = skffnn.load(path)
    f = model.predict_proba(np.array(expected["X"]))
    np.testing.assert_allclose(f, expected["predict_proba"], rtol=1e-6)
    labels = model.predict(np.array(expected["X"])).tolist()
    assert labels == expected["predict"]
    epochs, t = len(model.loss_curve_), model._state["optimizer"].get("t")
    model.set_params(warm_start=True, max_iter=1).fit(expected["X"], expected["y"])
    assert len(model.loss_curve_) == len(model.learning_rate_curve_) == epochs + 1
    if t is not None:  # Adam's moments are continued, not reset
        assert model._state["optimizer"]["t"] > t


def test_there_is_a_file_of_every_version():
    versions = {path.stem.split("-")[0] for path in GOLDEN.glob("*.skffnn")}
    assert versions == {f"v{n + 1}" for n in range(skffnn.io.format.VERSION)}


@pytest.mark.parametrize("solver", STEPPERS)
def test_skops_needs_to_trust_nothing_but_the_classifier(solver, tmp_path):
    skops_io = pytest.importorskip("skops.io")
    model = make(solver=solver, early_stopping=True, dropout=0.1).fit(X, y)
    data = skops_io.dumps(model)
    trusted = skops_io.get_untrusted_types(data=data)
    assert trusted == ["skffnn.classifier.FFNNClassifier"]
    loaded = skops_io.loads(data, trusted=trusted)
    for m in (model, loaded):
        m.set_params(warm_start=True).fit(X, y)
    assert_same(model, loaded)


def test_joblib_too(tmp_path):
    model = make().fit(X, y)
    joblib.dump(model, tmp_path / "f")
    assert_same(model, joblib.load(tmp_path / "f"))
