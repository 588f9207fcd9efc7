"""Class weights: the weight of each class, multiplied into the sample weights."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from ..nn.arrays import Array
from ..utils.checks import check_weights
from .base_targets import BaseTargets
from .dataset import Dataset


class ClassWeights:
    """The weights of the classes, found on the training rows.

    Parameters
    ----------
    class_weight : dict, "balanced", list of dict, or None
        The parameter of the estimator.
    targets : BaseTargets
        The classes, if the targets are of classes.
    train : Dataset
        The rows whose frequencies "balanced" goes by.

    Raises
    ------
    ValueError
        If there is not one set of weights for each label of a multi-label target.
    """

    def __init__(self, class_weight: Any, targets: BaseTargets, train: Dataset) -> None:
        self.targets = targets
        self.by_class: list[Array] = []
        if class_weight is None:
            return
        columns = targets.label_columns(train.y)
        each = class_weight if targets.multilabel else [class_weight]
        if isinstance(each, str):
            each = [each] * len(columns)
        if not isinstance(each, list) or len(each) != len(columns):
            raise ValueError(
                f"class_weight must be 'balanced' or a list of {len(columns)} dicts, "
                f"one for each label, got {class_weight!r}."
            )
        self.by_class = [
            weights_of_classes(weights, classes, codes, train)
            for weights, (classes, codes) in zip(each, columns, strict=True)
        ]

    def apply(self, data: Dataset, name: str = "sample_weight") -> Dataset:
        """Multiply the weights into those of some rows, and leave out weights of 0.

        Parameters
        ----------
        data : Dataset
            Training or validation rows.
        name : str, default="sample_weight"
            What the weights of the rows are called in a message.

        Returns
        -------
        data : Dataset
            Its weights are None if they are all equal.
        """
        if self.by_class:
            n, rows = data.X.shape[0], data.rows()
            weights: Any = np.zeros(n)
            weights[rows] = 1 if data.weights is None else data.weights[rows]
            columns = self.targets.label_columns(data.y[rows])
            for by_class, (_, codes) in zip(self.by_class, columns, strict=True):
                weights[rows] *= by_class[codes]
            weights = check_weights(weights, n, f"{name} times class_weight")
            data = replace(data, weights=weights)
        data = data.take(data.rows_of_nonzero_weight())
        equal = data.weights is None or np.ptp(data.weights[data.rows()]) == 0
        return replace(data, weights=None) if equal else data


def weights_of_classes(
    class_weight: Any, classes: Array, codes: Array, train: Dataset
) -> Array:
    """Return the weight of each class.

    Parameters
    ----------
    class_weight : dict or "balanced"
        What was given.
    classes : ndarray of shape (K,)
        The classes.
    codes : ndarray of int of shape (n_samples,)
        The class of each training row.
    train : Dataset
        The training rows.

    Returns
    -------
    weights : ndarray of shape (K,)
        "balanced" gives 0 to a class without rows of non-zero weight.
    """
    if isinstance(class_weight, dict):
        return compute_class_weight(class_weight, classes=classes, y=classes)
    if class_weight != "balanced":
        raise ValueError(
            "class_weight must be a dict, 'balanced' or, for multi-label targets, a "
            f"list of dicts, got {class_weight!r}."
        )
    rows = train.rows_of_nonzero_weight()
    present = np.unique(codes[rows])
    weights = np.zeros(len(classes))
    weights[present] = compute_class_weight(
        class_weight,
        classes=classes[present],
        y=classes[codes[rows]],
        sample_weight=None if train.weights is None else train.weights[rows],
    )
    return weights
