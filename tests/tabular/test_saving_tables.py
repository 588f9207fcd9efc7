"""Whole pipelines in one file, with the same guarantees as for a network."""

import datetime
import json
import warnings
from contextlib import suppress

import numpy as np
import pytest
from helpers import GOLDEN, drop, forged_anywhere, put, rewritten
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

import skffnn
from skffnn import (
    AveragedClassifier,
    FFNNClassifier,
    FileFormatError,
    RobustSmoothScaler,
    TableEncoder,
    make_tabular_classifier,
)

RNG = np.random.default_rng(0)
N = 60
TABLE = np.array(
    [
        [x if i % 7 else None, "red" if x > 0 else None, f"city {i % 40}", i % 3 == 0]
        for i, x in enumerate(RNG.standard_normal(N))
    ],
    dtype=object,
)
NUMBERS = RNG.standard_normal((N, 3))
LABELS = np.where(RNG.standard_normal(N) > 0, "yes", "no")
NETWORK = FFNNClassifier((4,), max_iter=3, learning_rate="cosine", random_state=0)


def tabular(**params):
    params = {"hidden_layer_sizes": (4,), "max_iter": 2, "n_networks": 2} | params
    return make_tabular_classifier(random_state=0, **params)


def again(model, tmp_path):
    skffnn.save(model, tmp_path / "f")
    return skffnn.load(tmp_path / "f")


def assert_same_model(loaded, model, X):
    assert repr(loaded) == repr(model)
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    np.testing.assert_array_equal(loaded.classes_, model.classes_)


def test_a_tabular_classifier(tmp_path):
    model = tabular().set_params(encode__max_categories=10).fit(TABLE, LABELS)
    loaded = again(model, tmp_path)
    assert_same_model(loaded, model, TABLE)
    unseen = np.array([[1, "blue", "nowhere", None]], dtype=object)
    assert_same_model(loaded, model, unseen)
    names = model[:-1].get_feature_names_out()
    np.testing.assert_array_equal(loaded[:-1].get_feature_names_out(), names)
    assert "_state" not in vars(loaded[-1].estimators_[0])


def test_a_data_frame_with_names(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(TABLE, columns=["x", "colour", "city", "is"])
    model = tabular().fit(frame, LABELS)
    loaded = again(model, tmp_path)
    assert_same_model(loaded, model, frame)
    np.testing.assert_array_equal(loaded.feature_names_in_, frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(frame[["colour", "x", "city", "is"]])


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), NETWORK),
        make_pipeline(StandardScaler(with_mean=False, with_std=False), NETWORK),
        make_pipeline("passthrough", RobustSmoothScaler(limit=2.0), NETWORK),
        make_pipeline(SimpleImputer(), StandardScaler(), NETWORK),
        make_pipeline(SimpleImputer(strategy="constant", fill_value=2.0), NETWORK),
        make_pipeline(
            FeatureUnion([("a", StandardScaler()), ("b", RobustSmoothScaler())]),
            NETWORK,
        ),
        make_pipeline(TableEncoder(), NETWORK),
        AveragedClassifier(NETWORK, n_networks=3, random_state=0),
        AveragedClassifier(n_networks=2, calibrate=False),
        NETWORK,
    ],
    ids=lambda model: repr(model)[:60],
)
def test_parts(model, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(NUMBERS, LABELS)
    assert_same_model(again(model, tmp_path), model, NUMBERS)


def test_columns_that_are_missing_throughout(tmp_path):
    table = TABLE.copy()
    table[:, 0] = None
    table[1:, 3] = None
    model = tabular().fit(table, LABELS)
    assert_same_model(again(model, tmp_path), model, table)


def test_several_labels(tmp_path):
    y = (RNG.standard_normal((N, 3)) > 0).astype(int)
    model = tabular().fit(TABLE, y)
    assert_same_model(again(model, tmp_path), model, TABLE)


def test_what_cannot_be_saved(tmp_path):
    path = tmp_path / "f"
    with pytest.raises(NotFittedError):
        skffnn.save(tabular(), path)
    wrong = {
        "got a SelectKBest": make_pipeline(SelectKBest(k=2), NETWORK),
        "missing_values is NaN": make_pipeline(
            SimpleImputer(missing_values=-1), NETWORK
        ),
        "memory is None": make_pipeline(NETWORK, memory=str(tmp_path)),
        "if missing_values is NaN": make_pipeline(
            FeatureUnion([("a", MissingIndicator(missing_values=-1, features="all"))]),
            NETWORK,
        ),
    }
    for message, model in wrong.items():
        with pytest.raises(TypeError, match=message):
            skffnn.save(model.fit(NUMBERS, LABELS), path)
    assert not path.exists()


# Location of the parts of a tabular classifier in a file.
STEPS = ("params", "steps")


def step(i):
    return (*STEPS, i, "$tuple", 1)


AVERAGE = (*step(3), "fitted")
FORGED = {
    "another class": put("os.system", "estimator"),
    "another class inside": put("os.system", *step(0), "estimator"),
    "no step": drop(*STEPS, 3),
    "a step too few": drop(*STEPS, 1),
    "an unfitted step": put({}, *step(1), "fitted"),
    "an unfitted average": put({}, *step(3), "fitted"),
    "unknown parameter": put(1, *step(0), "params", "colour"),
    "attributes of a pipeline": put({"a": 1}, "fitted"),
    "unknown attribute": put(1, *step(0), "fitted", "__class__"),
    "a column too few": drop(*step(0), "fitted", "categories_", 0),
    "a category twice": put(["a", "a"], *step(0), "fitted", "categories_", 1),
    "a category too few": drop(*step(0), "fitted", "categories_", 1, 0),
    "text for categories": put("abc", *step(0), "fitted", "categories_", 1),
    "more columns": put(5, *step(0), "fitted", "n_features_in_"),
    "a number of columns that is none": put("4", *step(0), "fitted", "n_features_in_"),
    "more columns than fit": put(10**9, *step(1), "fitted", "n_features_in_"),
    "centres that are none": put([1, 2], *step(1), "fitted", "center_"),
    "no networks": put([], *AVERAGE, "estimators_"),
    "another network": put("W", *AVERAGE, "estimators_", 0),
    "an unfitted network": put({}, *AVERAGE, "estimators_", 0, "fitted"),
    "other labels": put(True, *AVERAGE, "_multilabel"),
    "no temperature": put(0.0, *AVERAGE, "inverse_temperature_"),
    "a temperature that is none": put(True, *AVERAGE, "inverse_temperature_"),
    "another type": put("float16", *step(1), "params", "dtype"),
    "gaps in a list": put([0, 1], *step(2), "fitted", "features_"),
    "a gap that is none": put("a", *step(2), "params", "gap"),
    "means of a number": put([[], []], *step(0), "fitted", "means_"),
    "more means than columns": put([None] * 5, *step(0), "fitted", "means_"),
}


def before():
    """Return the pipeline from an earlier version."""
    parts = [
        ("fill", SimpleImputer(strategy="median", keep_empty_features=True)),
        ("gaps", MissingIndicator(error_on_new=False)),
    ]
    union = FeatureUnion(parts, transformer_weights={"gaps": 0.3})
    model = make_pipeline(TableEncoder(), RobustSmoothScaler(), union, NETWORK)
    return model.fit(TABLE, LABELS)


UNION = (*step(2), "params", "transformer_list")
FORGED_BEFORE = {
    "a name for a transformer": put("a", *UNION, 0),
    "a column without gaps": put([0, 1], *UNION, 1, "$tuple", 1, "fitted", "features_"),
}


@pytest.mark.parametrize("forged", FORGED_BEFORE)
def test_parts_of_an_earlier_version_are_checked_too(forged, tmp_path):
    path = tmp_path / "f"
    model = before()
    assert_same_model(again(model, tmp_path), model, TABLE)
    path.write_bytes(rewritten(path, FORGED_BEFORE[forged]))
    with pytest.raises(FileFormatError, match=str(path)):
        skffnn.load(path)


@pytest.mark.parametrize("forged", FORGED)
def test_parts_that_do_not_belong_together_are_refused(forged, tmp_path):
    path = tmp_path / "f"
    skffnn.save(tabular().fit(TABLE, LABELS), path)
    path.write_bytes(rewritten(path, FORGED[forged]))
    with pytest.raises(FileFormatError, match=str(path)):
        skffnn.load(path)


@pytest.mark.long
@given(data=st.data())
def test_any_value_in_any_place_is_refused_or_a_model_that_predicts(
    data, tmp_path_factory
):
    path = tmp_path_factory.getbasetemp() / "forged pipeline"
    if not path.exists():
        skffnn.save(tabular().fit(TABLE, LABELS), path.with_suffix(".whole"))
    change = forged_anywhere(data, "median")
    path.write_bytes(rewritten(path.with_suffix(".whole"), change))
    try:
        model = skffnn.load(path)
    except FileFormatError:
        return
    with warnings.catch_warnings(), suppress(ValueError):  # invalid values
        warnings.simplefilter("ignore")
        f = model.predict_proba(TABLE)
        assert np.isfinite(f).all()


def test_a_golden_file_loads_for_ever():
    path = GOLDEN / "tables" / "v2.skffnn"
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    dates = [d and datetime.datetime.fromisoformat(d) for d in expected["dates"]]
    rows = [[*row, date] for row, date in zip(expected["X"], dates, strict=True)]
    X = np.array(rows, dtype=object)
    model = skffnn.load(path)
    np.testing.assert_allclose(
        model.predict_proba(X), expected["predict_proba"], rtol=1e-6
    )
    assert model.predict(X).tolist() == expected["predict"]


def test_truncated_anywhere(tmp_path):
    path = tmp_path / "f"
    whole = (GOLDEN / "tables" / "v2.skffnn").read_bytes()
    for n in range(0, len(whole), 97):
        path.write_bytes(whole[:n])
        with pytest.raises(FileFormatError):
            skffnn.load(path)
