"""The trees of scikit-learn's gradient boosting as plain arrays, and back.

Of all that scikit-learn does not publish of its trees, this module knows the least that
is needed: where they are, and the fields of their nodes.
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

# Fields of a node: a leaf has a value, any other node has two children, and the rows
# whose feature is not above the threshold, or missing, go to the left one.
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
        Without categorical features.

    Returns
    -------
    trees : dict of str to ndarray
        "baseline", what the trees are added to; "sizes", the numbers of nodes of shape
        (n_iterations, n_outputs); and the fields of all nodes, one tree after another.

    Raises
    ------
    TypeError
        If a tree splits by categories.
    """
    predictors = model._predictors
    nodes = np.concatenate([tree.nodes for trees in predictors for tree in trees])
    if nodes["is_categorical"].any():
        raise TypeError(
            f"a {type(model).__name__} can be saved, or converted, if no feature is "
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
    """Make a model a fitted one with given trees.

    It is fitted to a few rows of zeros, so that nothing is assumed of its other
    attributes, and then gets the trees.

    Parameters
    ----------
    model : HistGradientBoostingClassifier or HistGradientBoostingRegressor
        With its parameters; changed.
    trees : dict of str to ndarray
        As from `trees_of`, but maybe not valid.
    y : ndarray of shape (n_rows,)
        Targets of these rows: for a classifier the class labels, sorted, at least two.
    n_features : int
        Number of features.

    Raises
    ------
    ValueError
        If the trees are no trees.
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
    """Return one model with the mean output of several, if they are of trees.

    The trees of boosting are added up, so that those of M models, with their values
    divided by M, are a model too. It predicts in one call what M calls would.

    Parameters
    ----------
    models : sequence of estimator
        Fitted copies of one model.

    Returns
    -------
    models : list of estimator
        One; or the same, if they are something else, or split by categories.
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
    """Raise unless every path from a root ends in a leaf, over features that exist."""
    if trees.keys() != {"baseline", "sizes", *FIELDS}:
        raise ValueError("a field of the trees is missing")
    if not all(type(field) is np.ndarray for field in trees.values()):
        raise ValueError("a field of the trees is no array")
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
    # A child comes after its parent: so no path comes back to where it was.
    tree, within = places(trees)
    last = sizes.ravel()[tree]
    for side in ("left", "right"):
        child = trees[side].astype(np.int64)
        if not (leaf | ((child > within) & (child < last))).all():
            raise ValueError("a node has a child that does not exist")
