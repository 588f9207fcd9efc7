"""Fast predictions of boosted trees for few rows: all trees are traversed at once."""

from copy import copy
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from ..nn.arrays import Array
from ..utils.checks import DTYPES
from .trees import Boosting, Trees, places, trees_of

# A `Forest` is faster up to this many rows. One call of scikit-learn takes about as
# long as traversing the tree with 300 rows on one core; with more cores scikit-learn
# is faster from fewer rows on.
FEW_ROWS = 100


class Forest:
    """The trees of a boosted model, with the nodes of all trees in one array.

    scikit-learn traverses one tree after another, with a call from Python for each, and
    each call starts its own threads. For few rows, this overhead dominates. Here, all
    rows traverse all trees at once, one level per step. A leaf is its own child, so
    trees may differ in depth.

    Parameters
    ----------
    trees : dict of str to ndarray
        As returned by `skffnn.tabular.trees.trees_of`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from skffnn.tabular.trees import trees_of
    >>> X, y = load_iris(return_X_y=True)
    >>> model = HistGradientBoostingClassifier(max_iter=5).fit(X, y)
    >>> raw = Forest(trees_of(model)).raw_predict(X)
    >>> bool((raw == model.decision_function(X)).all())
    True
    """

    def __init__(self, trees: Trees) -> None:
        _, number = places(trees)
        own = np.arange(len(number))
        root = own - number  # root of the tree that a node belongs to
        is_leaf = trees["is_leaf"] == 1
        left = np.where(is_leaf, own, root + trees["left"])
        right = np.where(is_leaf, own, root + trees["right"])
        self.roots = np.flatnonzero(number == 0)
        self.children = np.column_stack([right, left]).ravel()  # node i: at 2i, 2i + 1
        self.feature = np.where(is_leaf, 0, trees["feature_idx"])
        self.threshold = trees["num_threshold"]
        self.missing_left = trees["missing_go_to_left"] == 1
        self.value = trees["value"]
        self.baseline = trees["baseline"]
        self.depth = 0
        inner = self.roots[~is_leaf[self.roots]]
        while len(inner):
            self.depth += 1
            below = np.concatenate([left[inner], right[inner]])
            inner = below[~is_leaf[below]]

    def raw_predict(self, X: Array) -> Array:
        """Return the sum of the leaves of each row, before the link function.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Numbers; NaN for missing values.

        Returns
        -------
        a : ndarray of shape (n_samples, n_outputs)
            The baseline plus the leaves, added in the order of the trees, so that the
            result equals that of scikit-learn bit for bit.
        """
        n_rows, n_features = X.shape
        x = X.ravel().astype(np.float64, copy=False)
        row = n_features * np.arange(n_rows)[:, np.newaxis]  # where each starts in x
        has_gaps = np.isnan(x).any()
        node = np.tile(self.roots, (n_rows, 1))
        for _ in range(self.depth):
            value = x.take(row + self.feature.take(node))
            goes_left = value <= self.threshold.take(node)
            if has_gaps:
                goes_left |= np.isnan(value) & self.missing_left.take(node)
            node = self.children.take(2 * node + goes_left)
        n_outputs = self.baseline.shape[1]
        leaves = self.value.take(node).reshape(n_rows, -1, n_outputs)
        first = np.broadcast_to(self.baseline, (n_rows, 1, n_outputs))
        # np.sum adds pairwise; cumsum adds in order, as scikit-learn does.
        total: Array = np.concatenate([first, leaves], axis=1).cumsum(axis=1)[:, -1]
        return total


KINDS = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)

# The trees of a model and their number, which show whether it was fitted again or
# continued (warm_start), and the copy of the model that has its forest.
_known: WeakKeyDictionary[Any, tuple[Any, int, Any]] = WeakKeyDictionary()


def fastest(model: Any, X: Any) -> Any:
    """Return a model, or a copy with a `Forest` if that predicts given rows faster.

    Parameters
    ----------
    model : estimator
        A fitted estimator of any kind.
    X : {ndarray, CSR array} of shape (n_samples, n_features)
        The rows to predict.

    Returns
    -------
    model : estimator
        An estimator with the same predictions for these rows. It is the model itself,
        unless there are few rows and it consists of boosted trees without categorical
        splits.
    """
    if type(model) not in KINDS or not is_few(X, model):
        return model
    trees = model._predictors
    known, n_iterations, found = _known.get(model, (None, 0, None))
    if known is not trees or n_iterations != len(trees):
        found = with_forest(model)
        _known[model] = trees, len(trees), found
    return model if found is None else found


def is_few(X: Any, model: Boosting) -> bool:
    """Return whether X is a valid input with few rows."""
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype not in DTYPES:
        return False
    n_rows, n_features = X.shape
    is_named = hasattr(model, "feature_names_in_")
    right = n_features == model.n_features_in_ and not is_named
    return right and 0 < n_rows <= FEW_ROWS


def with_forest(model: Boosting) -> Any:
    """Return a copy of a model that predicts with a `Forest`, or None if impossible."""
    try:
        forest = Forest(trees_of(model))
    except TypeError:
        return None
    quick = copy(model)
    quick._raw_predict = forest.raw_predict  # scikit-learn still does links and labels
    return quick
