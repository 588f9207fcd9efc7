"""What training needs to know about y: the interface of targets, and class weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from ..nn.arrays import Array
from ..nn.losses import Loss


class Targets(Protocol):
    """What a fit and its predictions need to know about y: `Labels` or `Numbers`.

    `y` is an array or a sparse array of shape (n_samples, ...) with valid values.

    Attributes
    ----------
    score_name : str
        Name of the default score.
    """

    score_name: ClassVar[str]

    @property
    def loss(self) -> Loss:
        """Output map and loss of the network."""

    @property
    def features(self) -> Any:
        """The `Scaling` of the features in training; None if they are not scaled."""

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the network."""

    @property
    def splits_like_mlp(self) -> bool:
        """Whether `MLPClassifier` and `MLPRegressor` would split the same rows."""

    def check_known(self, y: Any, name: str) -> None:
        """Raise a ValueError, in which y is called `name`, if y does not match."""

    def continuing(self, before: Any) -> Self:
        """Return the targets with which a fit that had `before` is continued."""

    def scales_like(self, before: Any) -> bool:
        """Return whether θ of a fit that had targets `before` has the same units."""

    def with_loss(self, loss: Any) -> Self:
        """Return the same targets with another loss, or raise a ValueError."""

    def encode(self, y: Any, dtype: Any, smoothing: float = 0.0) -> Any:
        """Return y for the loss, of shape (n_samples, n_outputs); it may be lazy."""

    def strata(self, y: Any) -> Array:
        """Return the stratum of each row, for splitting off a validation set."""

    def label_columns(self, y: Any) -> list[tuple[Array, Array]]:
        """Return (classes, class index of each row) for each label column."""

    def classes_of_columns(self) -> list[Array]:
        """Return the classes of each label column; numbers have none."""

    def score_from(self, y: Any, weights: Array | None) -> Callable[[float, Any], Any]:
        """Return a function from the loss and the mean `score_terms` to the score."""

    def loss_of_constant(self, rows: Any, smoothing: float) -> float | None:
        """Return the loss of the best constant prediction; None if it is unknown."""

    def output_names(self) -> list[str]:
        """Return a name for each output of the network."""


@dataclass(frozen=True, eq=False)
class ClassWeights:
    """The weight of each class in each label column; no columns for equal weights."""

    targets: Targets
    by_class: Sequence[Array] = ()

    @classmethod
    def from_sums(
        cls, class_weight: Any, targets: Targets, sums: Sequence[Array]
    ) -> "ClassWeights":
        """Return the weights that the parameter `class_weight` specifies.

        "balanced" is based on the total sample weight of each class (`sums_by_class`).
        """
        if class_weight is None:
            return cls(targets)
        each = class_weight if len(sums) > 1 else [class_weight]
        if isinstance(each, str):
            each = [each] * len(sums)
        if not isinstance(each, list) or len(each) != len(sums):
            raise ValueError(
                f"class_weight must be 'balanced' or a list of {len(sums)} dicts, "
                f"one for each column of y, got {class_weight!r}."
            )
        columns = zip(each, targets.classes_of_columns(), sums, strict=True)
        return cls(targets, [weights_of_classes(*column) for column in columns])

    def products(self, y: Any, weights: Array | None) -> Array:
        """Return sample weight times class weight, for rows with labels y."""
        products = np.ones(y.shape[0]) if weights is None else weights.copy()
        if self.by_class:
            columns = self.targets.label_columns(y)
            for by_class, (_, codes) in zip(self.by_class, columns, strict=True):
                products *= by_class[codes]
        return products


def weights_of_classes(class_weight: Any, classes: Array, sums: Array) -> Array:
    """Return the weight of each class of a label column.

    "balanced" gives each of the classes that occur the same total weight, Σ_k s_k / K,
    where s_k is the total sample weight of class k.
    """
    if isinstance(class_weight, dict):
        return compute_class_weight(class_weight, classes=classes, y=classes)
    if class_weight != "balanced":
        raise ValueError(
            "class_weight must be a dict, 'balanced' or, if y has several columns, "
            f"a list of dicts, got {class_weight!r}."
        )
    weights, occurs = np.zeros(len(classes)), sums > 0
    s = sums[occurs]
    weights[occurs] = s.sum() / (len(s) * s)
    return weights


def sums_by_class(targets: Targets, y: Any, weights: Array | None) -> list[Array]:
    """Return the total sample weight of each class, for each label column."""
    return [
        np.bincount(codes, weights, minlength=len(classes)).astype(float)
        for classes, codes in targets.label_columns(y)
    ]


def joined_sums(
    targets: Targets, parts: Sequence[tuple[Targets, list[Array]]]
) -> list[Array]:
    """Add up the sums of parts of the rows, which may not have all classes."""
    total = [np.zeros(len(classes)) for classes in targets.classes_of_columns()]
    for part, sums in parts:
        for whole, classes, own_classes, own in zip(
            total,
            targets.classes_of_columns(),
            part.classes_of_columns(),
            sums,
            strict=True,
        ):
            whole[np.searchsorted(classes, own_classes)] += own
    return total
