"""Boosted trees in ONNX, with thresholds and leaves in float64 as in the model."""

from typing import Any

import numpy as np
from onnx.numpy_helper import from_array

from ..tabular.trees import Trees, places, trees_of
from .tensor import Tensor


def raw_predictions(model: Any, x: Tensor) -> Tensor:
    """Return the sum of the leaves of boosted trees, before the link function.

    The converter of skl2onnx uses float32, so a value close to a threshold may take the
    wrong branch.

    Parameters
    ----------
    model : HistGradientBoostingClassifier or HistGradientBoostingRegressor
        A fitted model.
    x : Tensor of shape (n_samples, n_features)
        Rows.

    Returns
    -------
    a : Tensor of shape (n_samples, n_outputs)
        The sum, in float64. Only the sum of the leaves without the baseline was rounded
        to float32.

    Raises
    ------
    TypeError
        If a tree has categorical splits.
    """
    trees = trees_of(model)
    n_outputs = trees["sizes"].shape[1]
    leaves = x.cast(np.float64).op(
        "TreeEnsembleRegressor",
        ml_version=3,
        dtype=np.float32,
        n_targets=n_outputs,
        **nodes(trees),
        **targets(trees),
    )
    return leaves.cast(np.float64) + trees["baseline"]


def nodes(trees: Trees) -> dict[str, Any]:
    """Return the attributes of the operator that describe the nodes."""
    tree, number = places(trees)
    is_leaf = trees["is_leaf"] == 1
    fields = {
        "treeids": tree,
        "nodeids": number,
        "featureids": np.where(is_leaf, 0, trees["feature_idx"]),
        "truenodeids": np.where(is_leaf, 0, trees["left"]),
        "falsenodeids": np.where(is_leaf, 0, trees["right"]),
        "missing_value_tracks_true": np.where(is_leaf, 0, trees["missing_go_to_left"]),
    }
    attributes: dict[str, Any] = {
        f"nodes_{name}": field.astype(np.int64).tolist()
        for name, field in fields.items()
    }
    modes = np.where(is_leaf, "LEAF", "BRANCH_LEQ").tolist()
    values = np.where(is_leaf, 0.0, trees["num_threshold"])
    thresholds = from_array(values)
    return attributes | {"nodes_modes": modes, "nodes_values_as_tensor": thresholds}


def targets(trees: Trees) -> dict[str, Any]:
    """Return the attributes of the operator that describe the leaves."""
    tree, number = places(trees)
    leaves = np.flatnonzero(trees["is_leaf"] == 1)
    n_outputs = trees["sizes"].shape[1]
    return {
        "target_treeids": tree[leaves].tolist(),
        "target_nodeids": number[leaves].tolist(),
        "target_ids": (tree[leaves] % n_outputs).tolist(),
        "target_weights_as_tensor": from_array(trees["value"][leaves]),
    }
