"""Convert the trees of scikit-learn's gradient boosting to plain arrays and back.

This module uses as little of scikit-learn's private interface as it can: where the
trees are stored, and the fields of their nodes.
"""

from collections.abc import Sequence
from copy import copy
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
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
FIELDS: dict[str, str] = {
    "value": "f",
    "feature_idx": "i",
    "num_threshold": "f",
    "missing_go_to_left": "u",
    "left": "u",
    "right": "u",
    "is_leaf": "u",
}


def trees_of(model: Boosting) -> Trees:
    """Return the trees of a fitted model.

    Parameters
    ----------
    model : HistGradientBoostingClassifier or HistGradientBoostingRegressor
        A fitted model without categorical splits.

    Returns
    -------
    trees : dict of str to ndarray
        "baseline", to which the trees are added; "sizes", the number of nodes of each
        tree, of shape (n_iterations, n_outputs); and the fields of all nodes, one tree
        after another.

    Raises
    ------
    TypeError
        If a tree has categorical splits.
    """
    predictors = model._predictors
    nodes = np.concatenate([tree.nodes for trees in predictors for tree in trees])
    if nodes["is_categorical"].any():
        raise TypeError(
            f"a {type(model).__name__} can be saved or converted only if no feature is "
            "categorical."
        )
    return {
        "baseline": np.asarray(model._baseline_prediction, dtype=np.float64),
        "sizes": np.array(
            [[len(tree.nodes) for tree in trees] for trees in predictors]
        ),
        **{name: np.ascontiguousarray(nodes[name]) for name in FIELDS},
    }


def places(trees: Trees) -> tuple[Array, Array]:
    """Return the tree of each node, and its number within it."""
    sizes = trees["sizes"].ravel()
    first = np.cumsum(sizes) - sizes
    tree = np.repeat(np.arange(len(sizes)), sizes)
    return tree, np.arange(sizes.sum()) - first[tree]


def set_trees(model: Boosting, trees: Trees, y: Array, n_features: int) -> None:
    """Turn a model into a fitted one with given trees.

    scikit-learn sets the other fitted attributes: a model is fitted to a few rows of
    zeros before its trees are replaced.

    Parameters
    ----------
    model : HistGradientBoostingClassifier or HistGradientBoostingRegressor
        The model, which is changed in place. Its parameters stay.
    trees : dict of str to ndarray
        In the format of `trees_of`; they are validated.
    y : ndarray of shape (n_rows,)
        Targets of the rows of zeros: for a classifier its sorted class labels, at least
        two.
    n_features : int
        Number of features.

    Raises
    ------
    ValueError
        If the trees are invalid.
    """
    check_trees(trees, n_features)
    sizes, baseline = trees["sizes"], trees["baseline"]
    fitted = type(model)(max_iter=1, early_stopping=False)
    fitted.fit(np.zeros((len(y), n_features)), y)
    if baseline.shape != (1, fitted.n_trees_per_iteration_) or (
        sizes.shape[1] != baseline.shape[1]
    ):
        raise ValueError("the number of trees is not that of the classes")
    if not np.isfinite(baseline).all():
        raise ValueError("the baseline is not finite")
    first = fitted._predictors[0][0]
    nodes = np.zeros(len(trees["value"]), first.nodes.dtype)
    for name in FIELDS:
        nodes[name] = trees[name]
    flat = []
    for begin, end in pairwise([0, *np.cumsum(sizes).tolist()]):
        tree = copy(first)
        tree.nodes = nodes[begin:end].copy()
        flat.append(tree)
    n_outputs = sizes.shape[1]
    params = model.get_params(deep=False)
    model.__dict__.update(vars(fitted) | params)
    model._baseline_prediction = baseline
    model._predictors = [
        flat[i : i + n_outputs] for i in range(0, len(flat), n_outputs)
    ]


def merged(models: Sequence[Any]) -> list[Any]:
    """Merge boosted trees into one model with their mean output.

    A boosted model is a sum of trees. So the trees of M models, with their values
    divided by M, form one model, which predicts the mean in a single call.

    Parameters
    ----------
    models : sequence of estimator
        Fitted copies of one model.

    Returns
    -------
    models : list of estimator
        The merged model alone; or the given models, if they are not boosted trees or
        have categorical splits.
    """
    first, M = models[0], len(models)
    if not isinstance(
        first, HistGradientBoostingClassifier | HistGradientBoostingRegressor
    ):
        return list(models)
    try:
        each = [trees_of(model) for model in models]
    except TypeError:
        return list(models)
    together = {name: np.concatenate([t[name] for t in each]) for name in each[0]}
    together["value"] = together["value"] / M
    together["baseline"] = np.mean([trees["baseline"] for trees in each], axis=0)
    model = clone(first)
    y = first.classes_ if is_classifier(first) else np.zeros(1)
    set_trees(model, together, y, first.n_features_in_)
    return [model]


def check_trees(trees: Trees, n_features: int) -> None:
    """Raise unless every path from a root ends in a leaf and all features exist."""
    if trees.keys() != {"baseline", "sizes", *FIELDS}:
        raise ValueError("a field of the trees is missing")
    if not all(type(field) is np.ndarray for field in trees.values()):
        raise ValueError("a field of the trees is not an array")
    sizes = trees["sizes"]
    if sizes.ndim != 2 or not sizes.size or sizes.dtype.kind != "i":
        raise ValueError("the numbers of nodes are damaged")
    if not ((sizes > 0) & (sizes < 2**31)).all():
        raise ValueError("a tree has no node")
    for name, kind in FIELDS.items():
        field = trees[name]
        if field.dtype.kind != kind or field.shape != (sizes.sum(),):
            raise ValueError(f"the field {name!r} of the trees is damaged")
    leaf = trees["is_leaf"] == 1
    if (trees["is_leaf"] > 1).any() or not np.isfinite(trees["value"]).all():
        raise ValueError("a leaf is damaged")
    if np.isnan(trees["num_threshold"]).any():
        raise ValueError("a threshold is damaged")
    feature = trees["feature_idx"][~leaf]
    if not ((feature >= 0) & (feature < n_features)).all():
        raise ValueError("a tree asks for a feature that does not exist")
    # A child comes after its parent, so there are no cycles.
    tree, within = places(trees)
    last = sizes.ravel()[tree]
    for side in ("left", "right"):
        child = trees[side].astype(np.int64)
        if not (leaf | ((child > within) & (child < last))).all():
            raise ValueError("a node has a child that does not exist")
