"""Targets: labels as users have them, and as the columns y that the loss takes."""

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from ..nn.arrays import Array
from ..nn.losses import LogisticOutput, Loss, Softmax


class LazyOneHot:
    """One-hot vectors of class codes, made when rows are asked for.

    Parameters
    ----------
    codes : ndarray of int of shape (n_samples,)
        The class y* of each row, 0 … K-1.
    n_classes : int
        K.
    n_outputs : int
        Columns of the targets: those of the last classes.
    dtype : dtype
        Type of the targets.
    smoothing : float, default=0.0
        As in `smooth`.

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
        smoothing: float = 0.0,
    ) -> None:
        self.codes = codes
        self.n_classes = n_classes
        self.k = np.arange(n_classes)[-n_outputs:, np.newaxis]
        self.dtype = np.dtype(dtype)
        self.smoothing = smoothing

    def __getitem__(self, rows: Any) -> Array:
        # Column after column, as the network's logits are.
        y = (self.k == self.codes[rows]).astype(self.dtype)  # e(y*)_k = [k = y*]
        return smooth(y, self.smoothing, self.n_classes).T


class Targets:
    """The classes of a problem.

    Two classes are one logistic output, the probability of the second; any other
    number K of classes is a softmax over K outputs; K labels that can each be present
    or absent (multi-label) are K logistic outputs.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        The labels, sorted.
    multilabel : bool, default=False
        True for a label indicator matrix, whose columns the classes then are.
    sparse : bool, default=False
        True if predictions are to be a sparse indicator matrix, as y was.

    Attributes
    ----------
    loss : Loss
        Output map and loss.
    n_outputs : int
        Columns of y.
    binary : bool
        Whether one output stands for two classes.
    """

    def __init__(
        self, classes: Array, multilabel: bool = False, sparse: bool = False
    ) -> None:
        self.classes = classes
        self.multilabel = multilabel
        self.sparse = sparse
        self.binary = len(classes) == 2 and not multilabel
        logistic = multilabel or self.binary
        self.loss: Loss = LogisticOutput() if logistic else Softmax()
        self.n_outputs = 1 if self.binary else len(classes)

    @classmethod
    def from_labels(cls, y: Any, classes: Any = None) -> "Targets":
        """Find the classes of y.

        Parameters
        ----------
        y : ndarray or sparse array of shape (n_samples,) or (n_samples, K)
            Labels, or a label indicator matrix.
        classes : array-like, default=None
            All classes, where y need not hold each of them.

        Returns
        -------
        targets : Targets
            The classes, in sorted order.
        """
        check_classification_targets(y)
        if type_of_target(y).startswith("multilabel"):
            check_indicator(y, "y")
            return cls(np.arange(y.shape[1]), multilabel=True, sparse=issparse(y))
        if classes is None:
            return cls(np.unique(flat(y)))
        classes = check_array(
            classes, ensure_2d=False, dtype=None, input_name="classes"
        )
        targets = cls(np.unique(classes))
        targets.check_known(y, "y")
        return targets

    def check_known(self, y: Any, name: str) -> None:
        """Raise if y has labels that are not among the classes.

        Parameters
        ----------
        y : ndarray or sparse array
            Labels, or a label indicator matrix.
        name : str
            What to call it in the message.

        Raises
        ------
        ValueError
            With the labels.
        """
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
        unknown = np.setdiff1d(flat(y), self.classes)
        if len(unknown):
            raise ValueError(
                f"{name} has labels {unknown} that are not among the classes "
                f"{self.classes}."
            )

    def codes(self, y: Any) -> Array:
        """Return the position of each label among the classes.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Known labels.

        Returns
        -------
        codes : ndarray of int of shape (n_samples,)
            0 … K-1.
        """
        return np.searchsorted(self.classes, flat(y))

    def label_columns(self, y: Any) -> list[tuple[Array, Array]]:
        """Return the classes and the codes of each label.

        Parameters
        ----------
        y : ndarray or sparse array
            Known labels, or a label indicator matrix.

        Returns
        -------
        columns : list of (classes, codes)
            One for single labels; for multi-label targets one for each label, whose
            classes are 0 and 1.
        """
        if not self.multilabel:
            return [(self.classes, self.codes(y))]
        return [(np.arange(2), column) for column in dense(y).astype(np.intp).T]

    def encode(self, y: Any, dtype: Any, smoothing: float = 0.0) -> Array | LazyOneHot:
        """Return the targets as the loss takes them.

        Parameters
        ----------
        y : ndarray or sparse array
            Known labels, or a label indicator matrix.
        dtype : dtype
            The type to compute in.
        smoothing : float, default=0.0
            As in `smooth`; a yes or no counts as two classes.

        Returns
        -------
        y : ndarray or LazyOneHot, of shape (n_samples, n_outputs)
            The lecture's vectors e(y*), or their last column for two classes.
        """
        if self.multilabel:
            return smooth(dense(y).astype(dtype), smoothing, 2)
        n_classes, n_outputs = len(self.classes), self.n_outputs
        return LazyOneHot(self.codes(y), n_classes, n_outputs, dtype, smoothing)

    def by_class(self, a: Array) -> Array:
        """Give each class a logit of its own.

        Two classes with the one logit a get -a and a: f is (σ(-a), σ(a)), which sums
        to 1.

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

    def decode(self, decisions: Array) -> Any:
        """Return the labels that `loss.decide` chose.

        Parameters
        ----------
        decisions : ndarray of shape (n_samples, 1) or (n_samples, K)
            Class positions, or one yes or no for each label.

        Returns
        -------
        y : ndarray of shape (n_samples,), or indicator matrix (n_samples, K)
            Labels; sparse if the training targets were.
        """
        if not self.multilabel:
            return self.classes[decisions[:, 0].astype(np.intp)]
        indicator = decisions.astype(int)
        return csr_matrix(indicator) if self.sparse else indicator


def check_indicator(y: Any, name: str) -> None:
    """Raise unless a label indicator matrix holds nothing but 0 and 1."""
    values = np.unique(y.data if issparse(y) else y)
    if not np.isin(values, (0, 1)).all():
        raise ValueError(
            f"{name} must be a label indicator matrix of 0 and 1, got {values}."
        )


def smooth(y: Array, smoothing: float, n_classes: int) -> Array:
    """Label smoothing: y ← (1 - ε) y + ε / K, in place.

    Parameters
    ----------
    y : ndarray
        Targets.
    smoothing : float
        ε.
    n_classes : int
        K.

    Returns
    -------
    y : ndarray
        The same array.
    """
    if smoothing > 0:
        y *= 1 - smoothing
        y += smoothing / n_classes
    return y


def dense(y: Any) -> Array:
    """Return a label indicator matrix as an array."""
    return y.toarray() if issparse(y) else np.asarray(y)


def flat(y: Any) -> Array:
    """Return labels as a vector, with scikit-learn's warning for a column."""
    return column_or_1d(y, warn=True)


def shape_of(y: Any) -> str:
    """Describe y for a message."""
    return f"an array of shape {np.shape(y)}"
