"""Boosted trees as plain arrays: predictions are kept, and forgeries rejected."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.naive_bayes import GaussianNB

import skffnn
from skffnn import AveragedClassifier, FFNNClassifier, FileFormatError
from skffnn.tabular.trees import check_trees, merged, set_trees, trees_of

RNG = np.random.default_rng(0)
X = RNG.standard_normal((400, 3))
X[RNG.random(X.shape) < 0.1] = np.nan
Y = {
    "two classes": np.where(np.nan_to_num(X[:, 0]) > 0.3, "yes", "no"),
    "three classes": np.digitize(np.nan_to_num(X[:, 0] + X[:, 1]), [-0.5, 0.7]),
}
BOOSTING = HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=6)


@pytest.fixture(params=Y)
def model(request):
    return BOOSTING.fit(X, Y[request.param])


def test_trees_predict_as_before(model):
    again = HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=6)
    set_trees(again, trees_of(model), model.classes_, 3)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert repr(again) == repr(model)
    assert again.n_iter_ == model.n_iter_


def test_merged_trees_have_the_mean_output(model):
    others = [
        clone(BOOSTING).set_params(max_iter=n).fit(X[n::2], model.predict(X[n::2]))
        for n in (1, 2, 3)
    ]
    [one] = merged(others)
    each = [other.decision_function(X) for other in others]
    np.testing.assert_allclose(one.decision_function(X), np.mean(each, axis=0))
    assert one.n_iter_ == 6
    regressors = [
        HistGradientBoostingRegressor(max_iter=n).fit(X, X[:, 0] > n) for n in (1, 2)
    ]
    [one] = merged(regressors)
    mean = np.mean([regressor.predict(X) for regressor in regressors], axis=0)
    np.testing.assert_allclose(one.predict(X), mean)


def test_what_is_no_tree_is_not_merged():
    codes = np.arange(60)[:, np.newaxis] % 3
    by_category = HistGradientBoostingClassifier(
        categorical_features=[0], min_samples_leaf=1
    ).fit(codes, codes[:, 0] == 1)
    for models in ([by_category, by_category], [GaussianNB(), GaussianNB()]):
        assert merged(models) == models


def test_trees_by_categories_are_refused():
    codes = np.arange(60)[:, np.newaxis] % 3
    model = HistGradientBoostingClassifier(categorical_features=[0], min_samples_leaf=1)
    with pytest.raises(TypeError, match="no feature is categorical"):
        trees_of(model.fit(codes, codes[:, 0] == 1))


def of_node(name, value, leaf=False):
    """Return a function that changes a value in the first node, or first leaf."""

    def forge(trees):
        node = np.flatnonzero(trees["is_leaf"] == leaf)[0]
        trees[name] = trees[name].copy()
        trees[name][node] = value

    return forge


def replaced(name, change):
    def forge(trees):
        trees[name] = change(trees[name])

    return forge


FORGERIES = {
    "no thresholds": lambda trees: trees.pop("num_threshold"),
    "one more field": lambda trees: trees.update(more=np.zeros(1)),
    "a list": replaced("left", list),
    "a type": replaced("feature_idx", lambda a: a.astype(float)),
    "a node too few": replaced("right", lambda a: a[:-1]),
    "sizes in a row": replaced("sizes", np.ravel),
    "no sizes": replaced("sizes", lambda a: a[:0]),
    "an empty tree": replaced("sizes", lambda a: a * 0),
    "a huge tree": replaced("sizes", lambda a: a + 2**40),
    "sizes that are none": replaced("sizes", lambda a: a.astype(float)),
    "another feature": of_node("feature_idx", 3),
    "a negative feature": of_node("feature_idx", -1),
    "a child in another tree": of_node("left", 2**31),
    "a loop": of_node("right", 0),
    "a parent that is its child": of_node("left", 0),
    "a leaf that is none": of_node("is_leaf", 2),
    "a threshold that is none": of_node("num_threshold", np.nan),
    "a value that is none": of_node("value", np.inf, leaf=True),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_is_no_tree_is_refused(model, forgery):
    trees = trees_of(model)
    check_trees(trees, 3)
    FORGERIES[forgery](trees)
    with pytest.raises(ValueError, match=r"tree|node|field|leaf|threshold"):
        check_trees(trees, 3)


@pytest.mark.parametrize(
    "change",
    [
        replaced("baseline", lambda a: a[:, :0]),
        replaced("baseline", lambda a: a * np.nan),
        replaced("sizes", lambda a: a.reshape(1, -1)),
    ],
)
def test_trees_of_other_classes_are_refused(model, change):
    trees = trees_of(model)
    change(trees)
    with pytest.raises(ValueError, match=r"trees|baseline"):
        set_trees(HistGradientBoostingClassifier(), trees, model.classes_, 3)


@pytest.mark.parametrize("name", Y)
def test_a_blend_is_saved(name, tmp_path):
    filled = np.nan_to_num(X)
    network = FFNNClassifier((3,), max_iter=2, random_state=0)
    model = AveragedClassifier(
        network, n_networks=2, blend_with=[BOOSTING], random_state=0
    ).fit(filled, Y[name])
    assert len(model.blended_) == 1
    skffnn.save(model, tmp_path / "f")
    loaded = skffnn.load(tmp_path / "f")
    np.testing.assert_array_equal(
        loaded.predict_proba(filled), model.predict_proba(filled)
    )
    assert repr(loaded) == repr(model)
    np.testing.assert_array_equal(loaded.blend_weights_, model.blend_weights_)


BLEND = {
    "a weight too few": lambda model: setattr(model, "blend_weights_", np.ones(0)),
    "a negative weight": lambda model: np.negative(
        model.blend_weights_, out=model.blend_weights_
    ),
    "a copy of another table": lambda model: model.blended_[0].append(
        HistGradientBoostingClassifier(max_iter=1).fit(X[:, :2], Y["two classes"])
    ),
    "a copy of other classes": lambda model: model.blended_[0].append(
        HistGradientBoostingClassifier(max_iter=1).fit(X, Y["three classes"])
    ),
    "a scaler": lambda model: model.blended_[0].append(
        skffnn.RobustSmoothScaler().fit(X)
    ),
    "no copy": lambda model: model.blended_[0].clear(),
    "no classifier": lambda model: model.blended_.append([]),
}


@pytest.mark.parametrize("change", BLEND)
def test_parts_of_a_blend_that_do_not_belong_together_are_refused(change, tmp_path):
    model = AveragedClassifier(
        FFNNClassifier((3,), max_iter=2),
        n_networks=2,
        blend_with=[BOOSTING],
        random_state=0,
    ).fit(np.nan_to_num(X), Y["two classes"])
    BLEND[change](model)
    skffnn.save(model, tmp_path / "f")
    with pytest.raises(FileFormatError, match=r"damaged|wrong|blend|weight|shape"):
        skffnn.load(tmp_path / "f")
