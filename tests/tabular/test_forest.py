"""Forest: boosted trees traversed all at once predict the same as scikit-learn."""

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.naive_bayes import GaussianNB

from skffnn.tabular.forest import FEW_ROWS, Forest, _known, fastest
from skffnn.tabular.trees import merged, trees_of

RNG = np.random.default_rng(0)
X = RNG.standard_normal((500, 4)).round(1)  # many values equal a threshold
X[RNG.random(X.shape) < 0.1] = np.nan
WITHOUT_GAPS = np.nan_to_num(X)
SUM = WITHOUT_GAPS @ [1, -1, 2, 0]
Y = {
    "two classes": np.where(SUM > 0, "yes", "no"),
    "four classes": np.digitize(SUM, [-1, 0.5, 1]),
    "numbers": np.exp(SUM),
}
CLASSIFIER = {"max_iter": 8, "max_leaf_nodes": 7, "min_samples_leaf": 5}
MODELS = {
    "two classes": HistGradientBoostingClassifier(**CLASSIFIER),
    "four classes": HistGradientBoostingClassifier(**CLASSIFIER),
    "numbers": HistGradientBoostingRegressor(loss="poisson", **CLASSIFIER),
}
VARIANTS = {
    "": {},
    "stopped early": {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 50},
    "stumps": {"max_leaf_nodes": 2},
    "leaves alone": {"min_samples_leaf": 400},
    "deep": {"max_leaf_nodes": None, "min_samples_leaf": 1},
}


def fitted(target, variant="", X=X):
    return (
        clone(MODELS[target])
        .set_params(**VARIANTS[variant], random_state=0)
        .fit(X, Y[target])
    )


def methods(model):
    names = ("predict", "predict_proba", "decision_function")
    return [name for name in names if hasattr(model, name)]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("gaps", [True, False])
@pytest.mark.parametrize("target", Y)
def test_few_rows_are_predicted_as_by_scikit_learn(target, gaps, variant):
    model = fitted(target, variant, X if gaps else WITHOUT_GAPS)
    rows = np.vstack([X[:60], np.where(X[60:80] > 0, np.inf, -np.inf)])
    for dtype in (np.float64, np.float32):
        x = rows.astype(dtype)
        quick = fastest(model, x)
        assert quick is not model
        for name in methods(model):
            expected = getattr(model, name)(x)
            np.testing.assert_array_equal(getattr(quick, name)(x), expected)
            one_by_one = [
                getattr(fastest(model, row), name)(row) for row in np.split(x, len(x))
            ]
            np.testing.assert_array_equal(np.concatenate(one_by_one), expected)


@settings(max_examples=10)
@given(st.data())
def test_any_shape(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99), label="seed"))
    n_features = data.draw(st.integers(1, 5), label="features")
    n_classes = data.draw(st.integers(2, 4), label="classes")
    x = rng.integers(-3, 4, (60, n_features)).astype(float)
    x[rng.random(x.shape) < data.draw(st.sampled_from([0, 0.2, 0.7]))] = np.nan
    model = HistGradientBoostingClassifier(
        max_iter=data.draw(st.integers(1, 4), label="iterations"),
        max_leaf_nodes=data.draw(st.integers(2, 20), label="leaves"),
        min_samples_leaf=data.draw(st.integers(1, 30), label="rows of a leaf"),
    ).fit(x, np.arange(60) % n_classes)
    rows = x[: data.draw(st.integers(1, 60), label="rows")]
    np.testing.assert_array_equal(
        fastest(model, rows).predict_proba(rows), model.predict_proba(rows)
    )


def test_merged_trees():
    [model] = merged([fitted("four classes"), fitted("four classes", "deep")])
    raw = Forest(trees_of(model)).raw_predict(X)
    np.testing.assert_array_equal(raw, model.decision_function(X))


def test_trees_that_split_by_categories_are_left_to_scikit_learn():
    codes = np.column_stack([np.arange(60) % 3, np.arange(60)]).astype(float)
    model = HistGradientBoostingClassifier(
        categorical_features=[0], min_samples_leaf=1
    ).fit(codes, codes[:, 0] == 1)
    assert any(tree.nodes["is_categorical"].any() for [tree] in model._predictors)
    assert fastest(model, codes[:1]) is model


def test_a_categorical_feature_that_no_tree_splits():
    codes = np.column_stack([np.zeros(60), np.arange(60)])
    model = HistGradientBoostingClassifier(
        categorical_features=[0], min_samples_leaf=1
    ).fit(codes, codes[:, 1] > 20)
    found = fastest(model, codes[:9]).predict_proba(codes[:9])
    np.testing.assert_array_equal(found, model.predict_proba(codes[:9]))


@pytest.mark.parametrize(
    "x",
    [
        WITHOUT_GAPS[: FEW_ROWS + 1],
        WITHOUT_GAPS[:0],
        WITHOUT_GAPS[:1, :2],
        WITHOUT_GAPS[:1].tolist(),
        WITHOUT_GAPS[:1].astype(int),
        csr_array(WITHOUT_GAPS[:1]),
    ],
    ids=["many", "none", "narrow", "list", "whole numbers", "sparse"],
)
def test_other_rows_are_left_to_scikit_learn(x):
    model = fitted("two classes")
    assert fastest(model, x) is model


def test_names_of_features_are_left_to_scikit_learn():
    pd = pytest.importorskip("pandas")
    model = fitted("two classes", X=pd.DataFrame(X, columns=list("abcd")))
    assert fastest(model, X[:1]) is model


def test_other_models_are_left_alone():
    model = GaussianNB().fit(WITHOUT_GAPS, Y["two classes"])
    assert fastest(model, WITHOUT_GAPS[:1]) is model


def test_a_new_fit_is_noticed():
    model = fitted("two classes")
    for change in ({}, {"warm_start": True, "max_iter": 20}):
        fastest(model, X[:5])
        model.set_params(**change).fit(X, Y["two classes"][::-1])
        np.testing.assert_array_equal(
            fastest(model, X[:5]).predict_proba(X[:5]), model.predict_proba(X[:5])
        )


def test_a_model_is_not_kept_alive():
    gc.collect()
    before = len(_known)
    model = fitted("two classes")
    fastest(model, X[:1])
    assert len(_known) == before + 1
    del model
    gc.collect()
    assert len(_known) == before
