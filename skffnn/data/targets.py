"""Encoding of class labels as targets y of the loss, and decoding of predictions."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.metrics import accuracy_score
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from ..nn.arrays import Array
from ..nn.losses import ClassOutput, CrossEntropy
from .base_targets import BaseTargets


class LazyOneHot:
    """Lazily one-hot encoded targets.

    Parameters
    ----------
    codes : ndarray of int of shape (n_samples,)
        The class index y* of each row, 0 … K-1.
    n_classes : int
        K.
    n_outputs : int
        Number of target columns, those of the last `n_outputs` classes.
    dtype : dtype
        Dtype of the targets.
    smoothing : float or ndarray of shape (..., 1, 1), default=0.0
        The factor ε of `smooth`; an array has one for each network of a stack.

    Examples
    --------
    >>> import numpy as np
    >>> LazyOneHot(np.array([2, 0, 1, 2]), 3, 3, np.float64)[1:3]
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """

    def __init__(
        self,
        codes: Array,
        n_classes: int,
        n_outputs: int,
        dtype: Any,
        smoothing: Any = 0.0,
    ) -> None:
        self.codes = codes
        self.n_classes = n_classes
        self.k = np.arange(n_classes)[-n_outputs:, np.newaxis]
        self.dtype = np.dtype(dtype)
        self.smoothing = smoothing

    def __getitem__(self, rows: Any) -> Array:
        # In column-major order, like the logits of the network.
        codes = self.codes[rows][..., np.newaxis, :]
        y = (self.k == codes).astype(self.dtype)  # e(y*)_k = [k = y*]
        return smooth(y, self.smoothing, self.n_classes).mT

    def has_labels_of(self, other: "LazyOneHot") -> bool:
        """Return whether others have the same labels, apart from smoothing."""
        same = self.n_classes == other.n_classes and len(self.k) == len(other.k)
        return same and np.array_equal(self.codes, other.codes)

    def stacked(self, smoothing: list[float]) -> "LazyOneHot":
        """Return the same labels for a stack of networks.

        Parameters
        ----------
        smoothing : list of float
            The smoothing factor of each network.

        Returns
        -------
        y : LazyOneHot
            Indexed by rows of shape (M, n).
        """
        of_members: Any = smoothing[0]
        if len(set(smoothing)) > 1:
            of_members = np.reshape(smoothing, (-1, 1, 1))
        n_outputs = len(self.k)
        return LazyOneHot(self.codes, self.n_classes, n_outputs, self.dtype, of_members)


class ClassTargets(BaseTargets):
    """Base class of classification targets.

    Attributes
    ----------
    classes : ndarray or list of ndarray
        The sorted class labels; a list if there are several targets.
    multilabel : bool
        Whether y is a label indicator matrix; the classes are then its columns.
    sparse : bool
        Whether y was sparse, so that predictions are a sparse indicator matrix too.
    binary : bool
        Whether there are two classes, which share one output.
    """

    ATTRIBUTES: ClassVar[dict[str, tuple[type, ...]]] = {
        "classes_": (np.ndarray, list),
        "_multilabel": (bool,),
        "_sparse_output": (bool,),
    }
    score_name = "accuracy"

    loss: ClassOutput
    classes: Any
    multilabel: bool = False
    sparse: bool = False
    binary: bool = False

    def attributes(self) -> dict[str, Any]:
        return {
            "classes_": self.classes,
            "_multilabel": self.multilabel,
            "_sparse_output": self.sparse,
        }

    def has_classes(self, classes: Any) -> bool:
        """Return whether the given classes are the same, in any order.

        Parameters
        ----------
        classes : array-like, or sequence of array-like
            As passed to `partial_fit`.

        Returns
        -------
        answer : bool
            True if none is missing and none is new.
        """
        raise NotImplementedError

    def is_like(self, other: Any) -> bool:
        """Return whether other targets are of the same kind, with the same classes.

        Parameters
        ----------
        other : ClassTargets
            The other targets.

        Returns
        -------
        answer : bool
            Losses, and whether y was sparse, are not compared.
        """
        raise NotImplementedError

    def continuing(self, before: Any) -> Self:
        if self.is_like(before):
            return self
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the "
            f"previous call to fit. Previously got {before.classes}, `y` has "
            f"{self.classes}"
        )

    def score_from(self, y: Any, weights: Array | None) -> Callable[[float, Any], Any]:
        return lambda loss, accuracy: accuracy

    def accuracy(self, y: Any, labels: Any, weights: Any) -> float:
        """Return the fraction of rows whose labels are all correct.

        Parameters
        ----------
        y : array-like
            True labels.
        labels : ndarray or sparse array
            Predicted labels.
        weights : array-like of shape (n_samples,) or None
            Weights of the rows.

        Returns
        -------
        accuracy : float
            Between 0 and 1.
        """
        return float(accuracy_score(y, labels, sample_weight=weights))

    def decode(self, decisions: Array) -> Any:
        """Convert the decisions of `loss.decide` to labels.

        Parameters
        ----------
        decisions : ndarray of shape (n_samples, m)
            Class indices, or whether each label is present.

        Returns
        -------
        y : ndarray of shape (n_samples,), or array or sparse array (n_samples, m)
            Labels, in the form that was used in training.
        """
        raise NotImplementedError

    def probabilities(self, a: Array) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        a : ndarray of shape (n_samples, n_outputs)
            Logits of the network; may be overwritten.

        Returns
        -------
        f : ndarray of shape (n_samples, K)
            Probabilities; those of several targets are side by side.
        """
        raise NotImplementedError

    def log_probabilities(self, a: Array) -> Array:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        a : ndarray of shape (n_samples, n_outputs)
            Logits of the network; may be overwritten.

        Returns
        -------
        log_f : ndarray of shape (n_samples, K)
            Log-probabilities; those of several targets are side by side.
        """
        raise NotImplementedError

    def by_target(self, f: Array) -> Any:
        """Split an array with a column for each class by target.

        Parameters
        ----------
        f : ndarray of shape (n_samples, K)
            Probabilities or their logarithms, a column for each class.

        Returns
        -------
        f : ndarray of shape (n_samples, K), or list of ndarray
            The same array; a list if there are several targets.
        """
        return f

    def decisions(self, a: Array) -> Any:
        """Return logits in the form that `decision_function` returns.

        Parameters
        ----------
        a : ndarray of shape (n_samples, n_outputs)
            Logits of the network.

        Returns
        -------
        a : ndarray of shape (n_samples,) or (n_samples, n_outputs), or list of these
            One number per row if there are two classes; a list if there are several
            targets.
        """
        return a


class Targets(ClassTargets):
    """The classes of a single target, or the labels of a multi-label target.

    Binary classification has one logistic output, the probability of the second class.
    Multi-class classification has a softmax over K outputs. Multi-label classification
    has one logistic output for each of the K labels.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        The sorted class labels.
    multilabel : bool, default=False
        Whether y is a label indicator matrix; the classes are then its columns.
    sparse : bool, default=False
        Whether y was sparse, so that predictions are a sparse indicator matrix too.
    loss : ClassificationLoss, default=None
        The loss; None for the cross-entropy.
    """

    def __init__(
        self,
        classes: Array,
        multilabel: bool = False,
        sparse: bool = False,
        loss: Any = None,
    ) -> None:
        self.classes = classes
        self.multilabel = multilabel
        self.sparse = sparse
        self.binary = len(classes) == 2 and not multilabel
        # MLPClassifier stratifies only two classes, and ignores weights.
        self.splits_like_mlp = logistic = multilabel or self.binary
        loss = CrossEntropy() if loss is None else loss
        self.loss: ClassOutput = loss.logistic() if logistic else loss.softmax()
        self.n_outputs = 1 if self.binary else len(classes)

    @classmethod
    def from_labels(cls, y: Any, classes: Any = None, loss: Any = None) -> Self:
        """Determine the classes from y.

        Parameters
        ----------
        y : ndarray or sparse array of shape (n_samples,) or (n_samples, K)
            Labels, or a label indicator matrix.
        classes : array-like, default=None
            All classes, some of which may be missing from y.
        loss : ClassificationLoss, default=None
            The loss; None for the cross-entropy.

        Returns
        -------
        targets : Targets
            The targets with sorted classes.
        """
        kind = type_of_target(y)
        if kind not in ("binary", "multiclass", "multilabel-indicator"):
            check_classification_targets(y)  # raises for unsupported types
        if kind.startswith("multilabel"):
            check_indicator(y, "y")
            return cls(np.arange(y.shape[1]), True, issparse(y), loss)
        if y.ndim == 2 and y.shape[1] > 1:
            raise ValueError(
                "y must be one label for each row, or a label indicator matrix of 0 "
                f"and 1, got {shape_of(y)} with other labels. FFNNClassifier, which "
                "trains in memory, accepts several targets if y is dense."
            )
        if classes is None:
            return cls(np.unique(flat(y)), loss=loss)
        classes = check_array(
            classes, ensure_2d=False, dtype=None, input_name="classes"
        )
        targets = cls(np.unique(classes), loss=loss)
        targets.check_known(y, "y")
        return targets

    def check(self) -> None:
        if self.classes.ndim != 1 or not len(self.classes):
            raise ValueError("there are no classes")
        if len(np.unique(self.classes)) != len(self.classes):
            raise ValueError("a class occurs twice")

    def has_classes(self, classes: Any) -> bool:
        return np.array_equal(np.unique(classes), self.classes)

    def is_like(self, other: Any) -> bool:
        return (
            isinstance(other, Targets)
            and other.multilabel == self.multilabel
            and np.array_equal(other.classes, self.classes)
        )

    @classmethod
    def joined(cls, parts: "Sequence[Targets]", loss: Any = None) -> "Targets":
        """Return targets with the classes of all parts.

        Parameters
        ----------
        parts : sequence of Targets
            The targets of each part of the rows; at least one.
        loss : ClassificationLoss, default=None
            The loss; None for the cross-entropy.

        Returns
        -------
        targets : Targets
            Targets with all classes, sorted.

        Raises
        ------
        ValueError
            If the parts are of different kinds.
        """
        first = parts[0]
        kinds = {
            (part.multilabel, part.multilabel and len(part.classes)) for part in parts
        }
        if len(kinds) > 1:
            raise ValueError(
                "y must be one label for each row, or a label indicator matrix with "
                "the same columns, in all partitions."
            )
        if first.multilabel:
            return cls(first.classes, True, first.sparse, loss)
        return cls(
            np.unique(np.concatenate([part.classes for part in parts])), loss=loss
        )

    def check_known(self, y: Any, name: str) -> None:
        """Raise if y has labels that are not among the classes.

        Parameters
        ----------
        y : ndarray or sparse array
            Labels, or a label indicator matrix.
        name : str
            Name of y in error messages.

        Raises
        ------
        ValueError
            If y has unknown labels or the wrong shape.
        """
        if not self.multilabel and is_label_vector(y):
            self._check_labels(y, name)
            return
        check_classification_targets(y)
        if self.multilabel or type_of_target(y).startswith("multilabel"):
            n_labels = y.shape[1] if getattr(y, "ndim", 1) == 2 else 0
            if not self.multilabel or n_labels != len(self.classes):
                expected = (
                    f"a label indicator matrix with {len(self.classes)} columns"
                    if self.multilabel
                    else "one label for each row"
                )
                raise ValueError(f"{name} must be {expected}, got {shape_of(y)}.")
            check_indicator(y, name)
            return
        self._check_labels(flat(y), name)

    def _check_labels(self, labels: Array, name: str) -> None:
        """Raise if a vector has labels that are not among the classes."""
        unknown = np.setdiff1d(labels, self.classes)
        if len(unknown):
            raise ValueError(
                f"{name} has labels {unknown} that are not among the classes "
                f"{self.classes}."
            )

    def codes(self, y: Any) -> Array:
        """Return the class index of each label.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Known labels.

        Returns
        -------
        codes : ndarray of int of shape (n_samples,)
            Class indices, 0 … K-1.
        """
        return np.searchsorted(self.classes, flat(y))

    def label_columns(self, y: Any) -> list[tuple[Array, Array]]:
        """Return the classes and the class codes of each label column.

        Parameters
        ----------
        y : ndarray or sparse array
            Known labels, or a label indicator matrix.

        Returns
        -------
        columns : list of (classes, codes)
            One pair; for multi-label targets, one pair with classes 0 and 1 for each
            label.
        """
        classes = self.classes_of_columns()
        if not self.multilabel:
            return [(classes[0], self.codes(y))]
        return [*zip(classes, dense(y).astype(np.intp).T, strict=True)]

    def classes_of_columns(self) -> list[Array]:
        return [np.arange(2)] * len(self.classes) if self.multilabel else [self.classes]

    def strata(self, y: Any) -> Array:
        return super().strata(y) if self.multilabel else self.codes(y)

    def output_names(self) -> list[str]:
        # For two classes, the name of the second.
        return [str(label) for label in self.classes[-self.n_outputs :]]

    def encode(self, y: Any, dtype: Any, smoothing: float = 0.0) -> Array | LazyOneHot:
        """Encode labels as targets of the loss.

        Parameters
        ----------
        y : ndarray or sparse array
            Known labels, or a label indicator matrix.
        dtype : dtype
            Dtype of the targets.
        smoothing : float, default=0.0
            The factor ε of `smooth`; K is 2 for a binary label.

        Returns
        -------
        y : ndarray or LazyOneHot, of shape (n_samples, n_outputs)
            One-hot vectors e(y*), or only their last column for two classes.
        """
        if self.multilabel:
            return smooth(dense(y).astype(dtype), smoothing, 2)
        n_classes, n_outputs = len(self.classes), self.n_outputs
        return LazyOneHot(self.codes(y), n_classes, n_outputs, dtype, smoothing)

    def by_class(self, a: Array) -> Array:
        """Return one logit for each class.

        For two classes the logits are -a and a, since f = (σ(-a), σ(a)) sums to 1.

        Parameters
        ----------
        a : ndarray of shape (n_samples, n_outputs)
            Logits of the network.

        Returns
        -------
        a : ndarray of shape (n_samples, K)
            Logits, one for each class.
        """
        return np.hstack([-a, a]) if self.binary else a

    def probabilities(self, a: Array) -> Array:
        return self.loss.output(self.by_class(a))

    def log_probabilities(self, a: Array) -> Array:
        return self.loss.log_output(self.by_class(a))

    def decisions(self, a: Array) -> Any:
        return a[:, 0] if self.binary else a

    def decode(self, decisions: Array) -> Any:
        if not self.multilabel:
            return self.classes[decisions[:, 0].astype(np.intp)]
        indicator = decisions.astype(int)
        return csr_matrix(indicator) if self.sparse else indicator


def is_label_vector(y: Any) -> bool:
    """Return whether y has one label for each row, judging by its type alone.

    scikit-learn's `type_of_target` reads the values of y, which takes longer than a
    step of `partial_fit` on a few rows.
    """
    return type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "biuU"


def check_indicator(y: Any, name: str) -> None:
    """Raise unless a label indicator matrix contains only 0 and 1."""
    values = np.unique(y.data if issparse(y) else y)
    if not np.isin(values, (0, 1)).all():
        raise ValueError(
            f"{name} must be a label indicator matrix of 0 and 1, got {values}."
        )


def smooth(y: Array, smoothing: Any, n_classes: int) -> Array:
    """Apply label smoothing in place: y ← (1 - ε) y + ε / K.

    Parameters
    ----------
    y : ndarray of shape (..., K, n)
        One-hot or binary targets.
    smoothing : float or ndarray of shape (..., 1, 1)
        The smoothing factor ε.
    n_classes : int
        The number of classes K.

    Returns
    -------
    y : ndarray
        The smoothed array itself.
    """
    if isinstance(smoothing, np.ndarray) or smoothing > 0:
        y *= np.asarray(1 - smoothing, y.dtype)
        y += np.asarray(smoothing / n_classes, y.dtype)
    return y


def dense(y: Any) -> Array:
    """Convert a label indicator matrix to a dense array."""
    return y.toarray() if issparse(y) else np.asarray(y)


def flat(y: Any) -> Array:
    """Convert labels to 1D, with scikit-learn's warning for a column vector."""
    return y if is_label_vector(y) else column_or_1d(y, warn=True)


def shape_of(y: Any) -> str:
    """Describe the shape of y for an error message."""
    return f"an array of shape {np.shape(y)}"
