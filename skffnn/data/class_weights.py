"""Class weights: the weight of each class, multiplied into the sample weights."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from ..nn.arrays import Array
from ..utils.checks import check_weights
from .base_targets import BaseTargets
from .dataset import Dataset


class ClassWeights:
    """The weights of the classes, determined from the training rows.

    Parameters
    ----------
    class_weight : dict, "balanced", list of dict, or None
        The parameter of the estimator.
    targets : BaseTargets
        The targets, for their classes.
    sums : list of ndarray
        The total sample weight of each class in the training rows, on which "balanced"
        is based; one array for each column of y.

    Raises
    ------
    ValueError
        If a class weight is invalid, or if y has several columns and the list does not
        have one entry for each.
    """

    def __init__(
        self, class_weight: Any, targets: BaseTargets, sums: list[Array]
    ) -> None:
        self.targets = targets
        self.by_class: list[Array] = []
        if class_weight is None:
            return
        each = class_weight if len(sums) > 1 else [class_weight]
        if isinstance(each, str):
            each = [each] * len(sums)
        if not isinstance(each, list) or len(each) != len(sums):
            raise ValueError(
                f"class_weight must be 'balanced' or a list of {len(sums)} dicts, "
                f"one for each column of y, got {class_weight!r}."
            )
        columns = zip(each, targets.classes_of_columns(), sums, strict=True)
        self.by_class = [weights_of_classes(*column) for column in columns]

    @classmethod
    def from_rows(
        cls, class_weight: Any, targets: BaseTargets, train: Dataset
    ) -> "ClassWeights":
        """Determine the weights from all training rows.

        Parameters
        ----------
        class_weight : dict, "balanced", list of dict, or None
            The parameter of the estimator.
        targets : BaseTargets
            The targets, for their classes.
        train : Dataset
            All training rows.

        Returns
        -------
        weights : ClassWeights
            The weights of the classes.
        """
        sums = [] if class_weight is None else sums_by_class(targets, train)
        return cls(class_weight, targets, sums)

    def apply(self, data: Dataset, name: str = "sample_weight") -> Dataset:
        """Multiply sample weights by class weights, and drop rows of weight 0.

        Parameters
        ----------
        data : Dataset
            Training or validation rows.
        name : str, default="sample_weight"
            Name of the sample weights in error messages.

        Returns
        -------
        data : Dataset
            The weighted rows; the weights are None if they are all equal.
        """
        if self.by_class:
            weights = check_weights(
                self.products(data), data.X.shape[0], f"{name} times class_weight"
            )
            data = replace(data, weights=weights)
        data = data.take(data.rows_of_nonzero_weight())
        equal = data.weights is None or np.ptp(data.weights[data.rows()]) == 0
        return replace(data, weights=None) if equal else data

    def products(self, data: Dataset) -> Array:
        """Return the sample weight of each row times the weight of its class.

        Parameters
        ----------
        data : Dataset
            Training or validation rows.

        Returns
        -------
        weights : ndarray of shape (n_samples,)
            0 for rows that are not in use.
        """
        rows, weights = data.rows(), np.zeros(data.X.shape[0])
        weights[rows] = 1 if data.weights is None else data.weights[rows]
        if self.by_class:
            columns = self.targets.label_columns(data.y[rows])
            for by_class, (_, codes) in zip(self.by_class, columns, strict=True):
                weights[rows] *= by_class[codes]
        return weights


def sums_by_class(targets: BaseTargets, data: Dataset) -> list[Array]:
    """Return the total sample weight of each class, which adds up over parts of rows.

    Parameters
    ----------
    targets : BaseTargets
        The targets, for their classes.
    data : Dataset
        Rows with their sample weights.

    Returns
    -------
    sums : list of ndarray of shape (K,)
        One array for each column of y.
    """
    rows = data.rows_of_nonzero_weight()
    weights = None if data.weights is None else data.weights[rows]
    return [
        np.bincount(codes, weights, minlength=len(classes)).astype(float)
        for classes, codes in targets.label_columns(data.y[rows])
    ]


def weights_of_classes(class_weight: Any, classes: Array, sums: Array) -> Array:
    """Return the weight of each class.

    Parameters
    ----------
    class_weight : dict or "balanced"
        The parameter of the estimator, or its entry for one column of y.
    classes : ndarray of shape (K,)
        The classes.
    sums : ndarray of shape (K,)
        The total sample weight of each class.

    Returns
    -------
    weights : ndarray of shape (K,)
        A weight for each class. "balanced" gives 0 to a class without rows of non-zero
        weight.
    """
    if isinstance(class_weight, dict):
        return compute_class_weight(class_weight, classes=classes, y=classes)
    if class_weight != "balanced":
        raise ValueError(
            "class_weight must be a dict, 'balanced' or, if y has several columns, "
            f"a list of dicts, got {class_weight!r}."
        )
    present = sums > 0
    weights = np.zeros(len(classes))
    weights[present] = compute_class_weight(  # one row per class, with its weight
        class_weight,
        classes=classes[present],
        y=classes[present],
        sample_weight=sums[present],
    )
    return weights


def joined_sums(
    targets: BaseTargets, parts: Sequence[tuple[BaseTargets, list[Array]]]
) -> list[Array]:
    """Return the total sample weight of each class over all parts of the rows.

    Parameters
    ----------
    targets : BaseTargets
        The targets, with all classes.
    parts : sequence of (targets, sums)
        For each part, its targets and the result of `sums_by_class`.

    Returns
    -------
    sums : list of ndarray of shape (K,)
        The same as `sums_by_class` for all rows.
    """
    classes = targets.classes_of_columns()
    total = [np.zeros(len(of_column)) for of_column in classes]
    for some, sums in parts:
        columns = zip(total, classes, some.classes_of_columns(), sums, strict=True)
        for whole, all_classes, own_classes, part in columns:
            whole[np.searchsorted(all_classes, own_classes)] += part
    return total
