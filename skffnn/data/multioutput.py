"""Multi-output classification: several targets, each with its own classes."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from ..nn.arrays import Array
from ..nn.losses import SumOfLosses
from ..utils.checks import check_weights
from .targets import ClassTargets, LazyOneHot, Targets, shape_of


class SideBySide:
    """Lazily encoded targets, side by side.

    Parameters
    ----------
    parts : sequence of LazyOneHot
        The encoded labels of each target, for the same rows.

    Examples
    --------
    >>> import numpy as np
    >>> of_three = LazyOneHot(np.array([2, 0]), 3, 3, np.float64)
    >>> of_two = LazyOneHot(np.array([1, 0]), 2, 1, np.float64)
    >>> SideBySide([of_three, of_two])[:]
    array([[0., 0., 1., 1.],
           [1., 0., 0., 0.]])
    """

    def __init__(self, parts: Sequence[LazyOneHot]) -> None:
        self.parts = parts
        self.dtype, self.smoothing = parts[0].dtype, parts[0].smoothing

    def __getitem__(self, rows: Any) -> Array:
        # In column-major order, like each part.
        return np.concatenate([part[rows].mT for part in self.parts], axis=-2).mT

    def has_labels_of(self, other: "SideBySide") -> bool:
        """Return whether others have the same labels, apart from smoothing."""
        return len(self.parts) == len(other.parts) and all(
            one.has_labels_of(another)
            for one, another in zip(self.parts, other.parts, strict=True)
        )

    def stacked(self, smoothing: list[float]) -> "SideBySide":
        """Return the same labels for a stack of networks.

        Parameters
        ----------
        smoothing : list of float
            The smoothing factor of each network.

        Returns
        -------
        y : SideBySide
            Indexed by rows of shape (M, n).
        """
        return SideBySide([part.stacked(smoothing) for part in self.parts])


class MultiOutputTargets(ClassTargets):
    """Several targets, each with its own classes, and their encoding.

    The outputs of the network are those of the targets, side by side: one logistic
    output for a target with two classes, otherwise a softmax.

    Parameters
    ----------
    classes : sequence of ndarray of shape (K_j,)
        The sorted class labels of each target.
    loss : ClassificationLoss, default=None
        The loss of each target; None for the cross-entropy.

    Attributes
    ----------
    each : list of Targets
        The individual targets.
    """

    # MLPClassifier does not support such targets.
    splits_like_mlp = False

    def __init__(self, classes: Sequence[Array], loss: Any = None) -> None:
        self.each = [Targets(of_one, loss=loss) for of_one in classes]
        self.classes = [*classes]
        sizes = [one.n_outputs for one in self.each]
        self.loss: SumOfLosses = SumOfLosses([one.loss for one in self.each], sizes)
        self.n_outputs = sum(sizes)

    @classmethod
    def from_labels(cls, y: Any, classes: Any = None, loss: Any = None) -> Self:
        """Determine the classes from y.

        Parameters
        ----------
        y : ndarray of shape (n_samples, m)
            Labels.
        classes : sequence of array-like, default=None
            All classes of each target, some of which may be missing from y.
        loss : ClassificationLoss, default=None
            The loss of each target; None for the cross-entropy.

        Returns
        -------
        targets : MultiOutputTargets
            The targets, each with sorted classes.
        """
        columns = columns_of(y, "y")
        if classes is None:
            found = [Targets.from_labels(column).classes for column in columns]
            return cls(found, loss)
        if not is_nested(classes) or len(classes) != len(columns):
            raise ValueError(
                f"classes must be a list of {len(columns)} arrays, one for each column "
                f"of y, got {classes!r}."
            )
        options: dict[str, Any] = {"ensure_2d": False, "input_name": "classes"}
        given = [check_array(of_one, dtype=None, **options) for of_one in classes]
        targets = cls([np.unique(of_one) for of_one in given], loss)
        targets.check_known(y, "y")
        return targets

    def check(self) -> None:
        if len(self.each) < 2:
            raise ValueError("there is no list of targets")
        for one in self.each:
            one.check()

    def has_classes(self, classes: Any) -> bool:
        return (
            is_nested(classes)
            and len(classes) == len(self.each)
            and all(
                one.has_classes(of_one)
                for one, of_one in zip(self.each, classes, strict=True)
            )
        )

    def is_like(self, other: Any) -> bool:
        return (
            isinstance(other, MultiOutputTargets)
            and len(other.each) == len(self.each)
            and all(
                one.is_like(another)
                for one, another in zip(self.each, other.each, strict=True)
            )
        )

    def check_known(self, y: Any, name: str) -> None:
        for j, (one, column) in enumerate(self._columns(y, name)):
            one.check_known(column, f"{name}[:, {j}]")

    def _columns(self, y: Any, name: str = "y") -> Iterable[tuple[Targets, Array]]:
        """Pair each target with its column of y; raise if their numbers differ."""
        if getattr(y, "ndim", 1) != 2 or y.shape[1] != len(self.each):
            raise ValueError(
                f"{name} must have {len(self.each)} columns, one for each target, got "
                f"{shape_of(y)}."
            )
        return zip(self.each, columns_of(y, name), strict=True)

    def label_columns(self, y: Any) -> list[tuple[Array, Array]]:
        return [(one.classes, one.codes(column)) for one, column in self._columns(y)]

    def classes_of_columns(self) -> list[Array]:
        return self.classes

    def encode(self, y: Any, dtype: Any, smoothing: float = 0.0) -> SideBySide:
        columns = self._columns(y)
        parts: list[Any] = [one.encode(col, dtype, smoothing) for one, col in columns]
        return SideBySide(parts)

    def probabilities(self, a: Array) -> Array:
        parts = zip(self.each, self.loss.split(a), strict=True)
        return np.hstack([one.probabilities(a_j) for one, a_j in parts])

    def log_probabilities(self, a: Array) -> Array:
        parts = zip(self.each, self.loss.split(a), strict=True)
        return np.hstack([one.log_probabilities(a_j) for one, a_j in parts])

    def by_target(self, f: Array) -> Any:
        ends = np.cumsum([len(of_one) for of_one in self.classes])
        return [part.copy() for part in np.split(f, ends[:-1], axis=1)]

    def decisions(self, a: Array) -> Any:
        parts = zip(self.each, self.loss.split(a), strict=True)
        return [one.decisions(a_j).copy() for one, a_j in parts]

    def decode(self, decisions: Array) -> Array:
        kinds = {of_one.dtype.kind for of_one in self.classes}
        mixed = len(kinds) > 1
        y = np.empty(
            decisions.shape, object if mixed else np.result_type(*self.classes)
        )
        for column, one, decision in zip(y.T, self.each, decisions.T, strict=True):
            column[...] = one.decode(decision[:, np.newaxis])
        return y

    def accuracy(self, y: Any, labels: Any, weights: Any) -> float:
        # `accuracy_score` does not support several targets.
        y = np.asarray(y)
        self._columns(y)  # raises if the number of columns is wrong
        right = (y == labels).all(axis=1)
        weights = check_weights(weights, len(right), "sample_weight")
        return float(np.average(right, weights=weights))

    def output_names(self) -> list[str]:
        return [
            f"y{j}, {name}"
            for j, one in enumerate(self.each)
            for name in one.output_names()
        ]


def targets_of(y: Any, classes: Any = None, loss: Any = None) -> ClassTargets:
    """Determine the targets from labels.

    Parameters
    ----------
    y : ndarray or sparse array of shape (n_samples,) or (n_samples, m)
        Labels. A matrix of 0 and 1 is treated as a label indicator matrix, unless
        `classes` has a list for each column; otherwise each column is a target.
    classes : array-like or sequence of array-like, default=None
        All classes, some of which may be missing from y.
    loss : ClassificationLoss, default=None
        The loss; None for the cross-entropy.

    Returns
    -------
    targets : Targets or MultiOutputTargets
        With sorted classes.
    """
    several = y.ndim == 2 and y.shape[1] > 1
    if several and (is_nested(classes) or not is_indicator(y)):
        return MultiOutputTargets.from_labels(y, classes, loss)
    return Targets.from_labels(y, classes, loss)


def fitted_targets(model: Any, loss: Any = None) -> ClassTargets:
    """Restore the targets from fitted attributes.

    Parameters
    ----------
    model : classifier
        A model with the attributes of `ClassTargets.ATTRIBUTES`.
    loss : ClassificationLoss, default=None
        The loss; None for the cross-entropy.

    Returns
    -------
    targets : Targets or MultiOutputTargets
        The targets of the fit.
    """
    if isinstance(model.classes_, list):
        return MultiOutputTargets(model.classes_, loss)
    return Targets(model.classes_, model._multilabel, model._sparse_output, loss)


def is_nested(classes: Any) -> bool:
    """Return whether `classes` has a list of classes for each of several targets."""
    sequence = isinstance(classes, Sequence | np.ndarray) and len(classes) > 0
    return sequence and all(np.ndim(of_one) == 1 for of_one in classes)


def is_indicator(y: Any) -> bool:
    """Return whether to treat a matrix as a label indicator matrix."""
    return issparse(y) or (y.dtype.kind in "biuf" and bool(np.isin(y, (0, 1)).all()))


def columns_of(y: Any, name: str) -> list[Array]:
    """Return the labels of each target.

    Parameters
    ----------
    y : ndarray of shape (n_samples, m)
        Labels; of dtype object if the columns have different types.
    name : str
        Name of y in error messages.

    Returns
    -------
    columns : list of ndarray of shape (n_samples,)
        The columns; objects other than strings become numbers or booleans.

    Raises
    ------
    ValueError
        If y is sparse, or a column has labels of different types.
    """
    if issparse(y):
        raise ValueError(f"{name} must be dense if it has several targets.")
    return [plain(column, f"{name}[:, {j}]") for j, column in enumerate(y.T)]


def plain(labels: Array, name: str) -> Array:
    """Convert labels of dtype object, except strings, to their common type."""
    values = labels.tolist()
    if labels.dtype != object or all(isinstance(label, str) for label in values):
        return labels
    array = np.array(values)
    if array.dtype.kind not in "biuf" or array.tolist() != values:
        raise ValueError(f"{name} must have labels of one type, got {labels}.")
    return array
