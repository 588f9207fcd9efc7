"""The trees of scikit-learn's gradient boosting as plain arrays, which predict fast.

scikit-learn has no public access to fitted trees, which ONNX and fast predictions need.
Of tables, only this module uses its private members: `_predictors`, where the trees and
their nodes are, and `_baseline_prediction`, to which the trees are added.
"""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from scipy.special import expit, softmax
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from ..nn.arrays import Array

Trees = dict[str, Array]
Boosting = Any  # a HistGradientBoostingClassifier or HistGradientBoostingRegressor

# Fields of a node. A leaf has a value. Any other node has two children; rows whose
# feature is at most the threshold go left, and so do missing values, if the node says
# so.
FIELDS = (
    "value",
    "feature_idx",
    "num_threshold",
    "missing_go_to_left",
    "left",
    "right",
    "is_leaf",
)

# Losses of regressors whose predictions are the exponential of the sum of the leaves.
LOG_LINKS = ("poisson", "gamma")

# A `Forest` is faster up to this many rows. One call of scikit-learn takes about as
# long as traversing the tree with 300 rows on one core; with more cores scikit-learn
# is faster from fewer rows on.
FEW_ROWS = 100


def trees_of(model: Boosting) -> Trees:
    """Return the trees of a fitted model; raise a TypeError for categorical splits.

    They are "baseline", to which the trees are added; "sizes", the number of nodes of
    each tree, of shape (n_iterations, n_outputs); and the fields of all nodes, one tree
    after another.
    """
    predictors = model._predictors
    nodes = np.concatenate([tree.nodes for trees in predictors for tree in trees])
    if nodes["is_categorical"].any():
        raise TypeError(
            f"a {type(model).__name__} can be converted only if no feature is "
            "categorical."
        )
    return {
        "baseline": np.asarray(model._baseline_prediction, dtype=np.float64),
        "sizes": np.array(
            [[len(tree.nodes) for tree in trees] for trees in predictors]
        ),
        **{name: np.ascontiguousarray(nodes[name]) for name in FIELDS},
    }


def places(sizes: Array) -> tuple[Array, Array]:
    """Return the tree of each node and its number in it, for the sizes of the trees."""
    sizes = sizes.ravel()
    first = np.cumsum(sizes) - sizes
    tree = np.repeat(np.arange(len(sizes)), sizes)
    return tree, np.arange(sizes.sum()) - first[tree]


class Forest:
    """The trees of one or more copies of a boosted model, with all nodes in one array.

    scikit-learn traverses one tree after another, with a call from Python for each, and
    each call starts its own threads. For few rows, this overhead dominates. Here, all
    rows traverse all trees at once, one level per step. A leaf is its own child, so
    trees may differ in depth.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = HistGradientBoostingClassifier(max_iter=5).fit(X, y)
    >>> [f] = Forest.from_models([model]).predict(X)
    >>> np.allclose(f, model.predict_proba(X))
    True
    """

    def __init__(
        self, models: Sequence[Boosting], link: Callable[[Array], Array]
    ) -> None:
        each = [trees_of(model) for model in models]
        self.link = link
        self.baselines = [trees["baseline"] for trees in each]
        self.n_trees = [trees["sizes"].size for trees in each]
        nodes = {
            name: np.concatenate([trees[name] for trees in each]) for name in FIELDS
        }
        _, number = places(np.concatenate([trees["sizes"].ravel() for trees in each]))
        own = np.arange(len(number))
        root = own - number  # root of the tree that a node belongs to
        is_leaf = nodes["is_leaf"] == 1
        left = np.where(is_leaf, own, root + nodes["left"])
        right = np.where(is_leaf, own, root + nodes["right"])
        self.roots = np.flatnonzero(number == 0)
        self.children = np.column_stack([right, left]).ravel()  # node i: at 2i, 2i + 1
        self.feature = np.where(is_leaf, 0, nodes["feature_idx"])
        self.threshold = nodes["num_threshold"]
        self.missing_left = nodes["missing_go_to_left"] == 1
        self.value = nodes["value"]

    @classmethod
    def from_models(cls, models: Sequence[Any]) -> Self | None:
        """Return the trees of copies of a model, or None if it cannot be converted."""
        link = link_of(models[0])
        try:
            return None if link is None else cls(models, link)
        except TypeError:  # categorical splits
            return None

    def predict(self, X: Array) -> Array:
        """Return the probabilities or predictions of each copy, along the first axis.

        X has shape (n_samples, n_features), with NaN for missing values.
        """
        leaves = self._leaves(X)
        ends = np.cumsum(self.n_trees)
        each = np.split(leaves, ends[:-1], axis=1)
        raw = [
            baseline + values.reshape(len(X), -1, baseline.shape[1]).sum(axis=1)
            for baseline, values in zip(self.baselines, each, strict=True)
        ]
        return self.link(np.stack(raw))

    def _leaves(self, X: Array) -> Array:
        """Return the value of the leaf of each row in each tree."""
        n_rows, n_features = X.shape
        x = X.ravel().astype(np.float64, copy=False)
        row = n_features * np.arange(n_rows)[:, np.newaxis]  # where each starts in x
        has_gaps = np.isnan(x).any()
        node = np.tile(self.roots, (n_rows, 1))
        while True:
            value = x.take(row + self.feature.take(node))
            goes_left = value <= self.threshold.take(node)
            if has_gaps:
                goes_left |= np.isnan(value) & self.missing_left.take(node)
            below = self.children.take(2 * node + goes_left)
            if (below == node).all():  # all are leaves
                leaves: Array = self.value.take(node)
                return leaves
            node = below


def link_of(model: Any) -> Callable[[Array], Array] | None:
    """Return the function from sums of leaves to predictions, or None if unknown."""
    if type(model) is HistGradientBoostingClassifier:
        return probabilities
    if type(model) is HistGradientBoostingRegressor and isinstance(model.loss, str):
        has_log_link = model.loss in LOG_LINKS
        return lambda raw: np.exp(raw[..., 0]) if has_log_link else raw[..., 0]
    return None


def probabilities(raw: Array) -> Array:
    """Return the probability of each class along the last axis."""
    if raw.shape[-1] == 1:  # ln(f_1 / f_0) of two classes
        f = expit(raw)
        return np.concatenate([1 - f, f], axis=-1)
    each: Array = softmax(raw, axis=-1)
    return each
