"""Boosted trees that are traversed all at once predict the same as scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.naive_bayes import GaussianNB

import skffnn
from skffnn import (
    AveragedClassifier,
    AveragedRegressor,
    FFNNClassifier,
    FFNNRegressor,
)
from skffnn.tabular.trees import Forest

# Sums of up to a hundred leaves in a different order.
RTOL = 1e-10

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


def assert_same(forest, models, x):
    """Compare the predictions of a forest with those of each of its models."""
    method = "predict_proba" if hasattr(models[0], "predict_proba") else "predict"
    expected = [getattr(model, method)(x) for model in models]
    np.testing.assert_allclose(forest.predict(x), expected, rtol=RTOL)


@pytest.mark.parametrize(
    ("variant", "gaps"),
    [*((variant, True) for variant in VARIANTS), ("", False), ("deep", False)],
)
@pytest.mark.parametrize("target", Y)
def test_predictions_are_those_of_scikit_learn(target, variant, gaps):
    model = fitted(target, variant, X if gaps else WITHOUT_GAPS)
    forest = Forest.from_models([model])
    rows = np.vstack([X[:60], np.where(X[60:80] > 0, np.inf, -np.inf)])
    for dtype in (np.float64, np.float32):
        assert_same(forest, [model], rows.astype(dtype))
    for row in np.split(rows, len(rows)):
        assert_same(forest, [model], row)


@pytest.mark.parametrize("target", Y)
def test_copies_have_an_axis(target):
    models = [fitted(target, variant) for variant in VARIANTS]
    assert_same(Forest.from_models(models), models, X[:50])


@pytest.mark.parametrize(
    "loss", ["squared_error", "absolute_error", "quantile", "poisson", "gamma"]
)
def test_every_loss(loss):
    model = HistGradientBoostingRegressor(loss=loss, quantile=0.3, max_iter=5)
    model.fit(X, Y["numbers"])
    assert_same(Forest.from_models([model]), [model], X[:50])


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
    assert_same(Forest.from_models([model]), [model], rows)


def test_a_categorical_feature_that_no_tree_splits():
    codes = np.column_stack([np.zeros(60), np.arange(60)])
    model = HistGradientBoostingClassifier(
        categorical_features=[0], min_samples_leaf=1
    ).fit(codes, codes[:, 1] > 20)
    assert_same(Forest.from_models([model]), [model], codes[:9])


# ----------------------------------------------------------------------- in an average

NUMBERS = np.where(WITHOUT_GAPS[:, 0] > 0, 3.0, 1.0) + (WITHOUT_GAPS[:, 1] > 0.3)
BY_CATEGORIES = {"categorical_features": [0], "min_samples_leaf": 1}


def average(other, y):
    """Return an average of networks, blended with copies of another model."""
    if hasattr(other, "predict_proba"):
        model = AveragedClassifier(FFNNClassifier((4,), max_iter=1))
    else:
        model = AveragedRegressor(FFNNRegressor(hidden_layer_sizes=(4,), max_iter=1))
    model.set_params(n_networks=2, blend_with=[other], random_state=0)
    return model.fit(WITHOUT_GAPS.round() + 3, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("other", "y"),
    [
        (HistGradientBoostingClassifier(max_iter=5), NUMBERS > 2),
        (HistGradientBoostingClassifier(max_iter=5), NUMBERS),
        (HistGradientBoostingRegressor(max_iter=5), NUMBERS),
        (HistGradientBoostingRegressor(loss="poisson", max_iter=5), NUMBERS),
        (HistGradientBoostingClassifier(max_iter=5, **BY_CATEGORIES), NUMBERS > 2),
        (GaussianNB(), NUMBERS > 2),
    ],
)
def test_few_rows_are_predicted_as_many(other, y):
    x = WITHOUT_GAPS.round() + 3
    model = average(other, y)
    assert model.blended_
    predict = getattr(model, "predict_proba", model.predict)
    whole = predict(x)
    for rows in (x[:1], x[:5], x[:5].astype(np.float32)):
        np.testing.assert_allclose(predict(rows), whole[: len(rows)], rtol=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "other",
    [
        HistGradientBoostingClassifier(max_iter=5),
        HistGradientBoostingRegressor(max_iter=5),
        HistGradientBoostingRegressor(loss="poisson", max_iter=5),
    ],
)
def test_trees_are_saved(other, tmp_path):
    x = WITHOUT_GAPS.round() + 3
    model = average(other, NUMBERS)
    assert model.blended_
    model.predict(x[:3])
    skffnn.save(model, tmp_path / "f")
    loaded = skffnn.load(tmp_path / "f")
    for rows in (x, x[:3]):
        np.testing.assert_array_equal(loaded.predict(rows), model.predict(rows))


def test_copies_that_are_replaced_are_noticed():
    x, y = WITHOUT_GAPS.round() + 3, NUMBERS > 2
    model = average(HistGradientBoostingClassifier(max_iter=5), y)
    before = model.predict_proba(x[:5])
    model.blended_ = [[clone(model.blended_[0][0]).fit(x, ~y)]]
    after = model.predict_proba(x[:5])
    np.testing.assert_allclose(after, model.predict_proba(x)[:5], rtol=1e-9)
    assert np.abs(after - before).max() > 0.1
