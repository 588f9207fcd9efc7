"""Models come out of their files as they went in, and go on as if never saved."""

import io
import json
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler

import skffnn
from skffnn import (
    ACTIVATIONS,
    INITIALIZERS,
    LBFGS,
    PENALTIES,
    SCHEDULES,
    SOLVERS,
    Adam,
    Cosine,
    FFNNClassifier,
    FileFormatError,
)
from skffnn.io.schema import FITTED, KINDS

X, y = load_iris(return_X_y=True)
ORDER = np.random.RandomState(0).permutation(len(y))
X, y = StandardScaler().fit_transform(X)[ORDER], y[ORDER]
Y = np.column_stack([y == 0, y == 1, X[:, 0] > 0]).astype(int)
STEPPERS = [name for name, solver in SOLVERS.items() if not issubclass(solver, LBFGS)]
GOLDEN = Path(__file__).parent / "golden"


def make(**params):
    small = {"hidden_layer_sizes": (6, 5), "random_state": 0, "max_iter": 4}
    return FFNNClassifier(**small | {"batch_size": 30} | params)


def again(model, tmp_path):
    skffnn.save(model, tmp_path / "model")
    return skffnn.load(tmp_path / "model")


def equal(one, other):
    """Tell whether two values are the same, type for type and bit for bit."""
    if isinstance(one, np.ndarray):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and one.tolist() == other.tolist()
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return type(one) is type(other) and (one == other or one != one)


def assert_same(one, other):
    """Assert that two estimators have the same attributes and state."""
    for name in FITTED:
        if name in vars(one) or name in vars(other):
            assert equal(vars(one)[name], vars(other)[name]), name


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


def test_every_attribute_of_a_fitted_model_is_known():
    model = make(early_stopping=True).fit(X, y)
    assert {*vars(model)} - {*model.get_params()} == {*FITTED} - {"feature_names_in_"}


def test_every_object_that_comes_with_the_package_has_a_name_of_its_own():
    registries = (ACTIVATIONS, SOLVERS, SCHEDULES, PENALTIES, INITIALIZERS)
    entries = [entry for registry in registries for entry in registry.values()]
    kinds = {entry if isinstance(entry, type) else type(entry) for entry in entries}
    assert kinds <= {*KINDS.values()}


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
        with pytest.raises(TypeError, match="must be an FFNNClassifier, got Standard"):
            skffnn.save(StandardScaler().fit(X), tmp_path / "f")

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


def rewritten(path, change):
    """Return a file whose content was changed, with checksums that are right."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(members["header.json"])
    change(header["content"])
    members["header.json"] = json.dumps(header).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def drop(*keys):
    def change(content):
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return change


def put(value, *keys):
    def change(content):
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


FORGED = {
    "another class": put("os.system", "estimator"),
    "no class": drop("estimator"),
    "no parameters": drop("params"),
    "unknown parameter": put(1, "params", "colour"),
    "bad parameter": put(-1, "params", "alpha"),
    "unknown name": put("os.system", "params", "solver"),
    "unknown attribute": put(1, "fitted", "__class__"),
    "no classes": drop("fitted", "classes_"),
    "a list of classes": put([0, 1, 2], "fitted", "classes_"),
    "other layers": put(7, "fitted", "n_layers_"),
    "no layers": put([], "fitted", "coefs_"),
    "a layer too few": drop("fitted", "coefs_", 0),
    "a bias too few": drop("fitted", "intercepts_", -1),
    "a bias for a weight": put({"$array": "4.npy"}, "fitted", "coefs_", 0),
    "text for a weight": put("W", "fitted", "coefs_", 0),
    "layers in another order": lambda content: content["fitted"]["coefs_"].reverse(),
    "fewer features": put(3, "fitted", "n_features_in_"),
    "more labels": put(True, "fitted", "_multilabel"),
    "no state": put(None, "fitted", "_state"),
    "half a state": drop("fitted", "_state", "clock"),
    "a clock of another kind": put({"hour": 1}, "fitted", "_state", "clock"),
    "moments of another network": put(
        {"$array": "1.npy"}, "fitted", "_state", "optimizer", "m"
    ),
    "more activations": put(["relu"] * 3, "params", "activation"),
}


@pytest.mark.parametrize("forged", FORGED)
def test_parts_that_do_not_belong_together_are_refused(forged, tmp_path):
    path = tmp_path / "f"
    skffnn.save(make(early_stopping=True).fit(X, y), path)
    path.write_bytes(rewritten(path, FORGED[forged]))
    with pytest.raises(FileFormatError, match=str(path)):
        skffnn.load(path)


def test_a_model_without_classes_is_refused(tmp_path):
    model = make(hidden_layer_sizes=()).fit(X, y)
    del model._state
    model.classes_ = model.classes_[:0]
    model.coefs_, model.intercepts_ = [np.ones((4, 0))], [np.ones(0)]
    model.n_outputs_ = 0
    with pytest.raises(ValueError, match="a layer is empty"):
        skffnn.save(model, tmp_path / "f")


def test_the_message_of_a_wrong_type_says_what_is_allowed_and_is_short(tmp_path):
    model = make().fit(X, y)
    model.n_iter_ = np.int64(3)
    with pytest.raises(ValueError, match=r"n_iter_ must be of type int, got np\.int64"):
        skffnn.save(model, tmp_path / "f")
    model.n_iter_ = [0.0] * 10**5
    with pytest.raises(ValueError, match="n_iter_") as error:
        skffnn.save(model, tmp_path / "f")
    assert len(str(error.value)) < 200


@pytest.mark.long
@given(data=st.data())
def test_any_value_in_any_place_is_refused_or_a_model_that_predicts(
    data, tmp_path_factory
):
    path = tmp_path_factory.getbasetemp() / "forged"
    skffnn.save(make(early_stopping=True).fit(X[:50], y[:50]), path)
    odd = data.draw(
        st.none()
        | st.booleans()
        | st.integers(-(10**20), 10**20)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.sampled_from(["", "relu", [], {}, {"$array": "0.npy"}, {"$float": "nan"}])
    )

    def change(content):
        while True:
            keys = list(content) if isinstance(content, dict) else range(len(content))
            key = data.draw(st.sampled_from(keys))
            inner = content[key]
            if not (
                isinstance(inner, list | dict) and inner and data.draw(st.booleans())
            ):
                content[key] = odd
                return
            content = inner

    path.write_bytes(rewritten(path, change))
    try:
        model = skffnn.load(path)
    except FileFormatError:
        return
    f = model.predict_proba(X)
    assert np.isfinite(f).all()
    with warnings.catch_warnings(), suppress(ValueError):  # it may diverge
        warnings.simplefilter("ignore")
        model.set_params(warm_start=True).fit(X[:50], y[:50])


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.skffnn")), ids=lambda p: p.stem)
def test_files_of_every_version_load_for_ever(path):
    """Each has a file beside it with what its model had answered."""
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    model = skffnn.load(path)
    f = model.predict_proba(np.array(expected["X"]))
    np.testing.assert_allclose(f, expected["predict_proba"], rtol=1e-6)
    labels = model.predict(np.array(expected["X"])).tolist()
    assert labels == expected["predict"]
    model.set_params(warm_start=True, max_iter=1).fit(expected["X"], expected["y"])


def test_there_is_a_file_of_every_version():
    versions = {path.stem.split("-")[0] for path in GOLDEN.glob("*.skffnn")}
    assert versions == {f"v{n + 1}" for n in range(skffnn.io.format.VERSION)}


@pytest.mark.parametrize("solver", STEPPERS)
def test_skops_needs_to_trust_nothing_but_the_classifier(solver, tmp_path):
    model = make(solver=solver, early_stopping=True, dropout=0.1).fit(X, y)
    data = skops.io.dumps(model)
    trusted = skops.io.get_untrusted_types(data=data)
    assert trusted == ["skffnn.classifier.FFNNClassifier"]
    loaded = skops.io.loads(data, trusted=trusted)
    for m in (model, loaded):
        m.set_params(warm_start=True).fit(X, y)
    assert_same(model, loaded)


def test_joblib_too(tmp_path):
    model = make().fit(X, y)
    joblib.dump(model, tmp_path / "f")
    assert_same(model, joblib.load(tmp_path / "f"))
