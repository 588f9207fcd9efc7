"""Class labels: encoded as targets y of the loss, decoded from the logits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from scipy.sparse import csr_matrix, issparse
from scipy.special import entr
from sklearn.metrics import accuracy_score
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from ..nn.arrays import Array
from ..nn.losses import BlockOutput, ClassificationLoss, ClassOutput, CrossEntropy
from ..utils.checks import check_weights


@dataclass(frozen=True, eq=False)
class OneHot:
    """Lazily encoded labels: one column y_o = [class of row = k_o] for each output o.

    Indexed by n rows, it gives an array of shape (n, K).

    Attributes
    ----------
    codes : ndarray of int of shape (m, n_samples)
        The class index y* of each row, in each label column.
    column : ndarray of int of shape (K,)
        The label column of each output.
    k, n_classes : ndarray of int of shape (K, 1)
        The class of each output, and the number of classes of its label column.
    dtype : dtype
        Dtype of the result.
    smoothing : float
        The factor ε of `smooth`.

    Examples
    --------
    >>> import numpy as np
    >>> animals = np.array(["cat", "dog", "cow"])
    >>> Labels.from_labels(animals).encode(animals, np.float64)[1:3]
    array([[0., 0., 1.],
           [0., 1., 0.]])
    """

    codes: Array
    column: Array
    k: Array
    n_classes: Array
    dtype: Any
    smoothing: float = 0.0

    def __getitem__(self, rows: Any) -> Array:
        m = len(self.codes)
        if m == 1:
            codes = self.codes[0][rows][..., np.newaxis, :]
        else:
            codes = self.codes.T[rows].mT
            if m < len(self.column):  # else each column has one output
                codes = codes[..., self.column, :]
        # Of shape (..., K, n), so that the result is column-major, like the logits.
        y = (self.k == codes).astype(self.dtype)  # e(y*)_k = [k = y*]
        return smooth(y, self.smoothing, self.n_classes).mT


class Block(NamedTuple):
    """Neighbouring outputs of the network that have an output map of their own."""

    loss: ClassOutput
    n_outputs: int
    n_classes: int

    def by_class(self, a: Array) -> Array:
        """Return one logit for each class: -a and a for two, as f = (σ(-a), σ(a))."""
        return np.hstack([-a, a]) if self.n_outputs < self.n_classes else a


@dataclass(frozen=True, eq=False)
class Labels:
    """Class labels in one column or in several, or a label indicator matrix.

    All of them are a table of label columns: those of an indicator matrix have the
    classes 0 and 1. A column with two classes has one logistic output, the probability
    of the second class; any other column has a softmax over its classes.

    Attributes
    ----------
    classes : ndarray of shape (K,), or list of ndarray
        The sorted classes; a list if there are several columns; the indices of the
        columns of an indicator matrix.
    multilabel : bool
        Whether y is a label indicator matrix.
    sparse : bool
        Whether y was sparse, so that predictions are a sparse indicator matrix too.
    criterion : ClassificationLoss or None
        Gives the loss of each block of outputs; None for the cross-entropy.
    """

    score_name: ClassVar[str] = "accuracy"
    features: ClassVar[None] = None  # they are not scaled

    classes: Any
    multilabel: bool = False
    sparse: bool = False
    criterion: ClassificationLoss | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is computed from the fields."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_labels(
        cls, y: Any, classes: Any = None, loss: ClassificationLoss | None = None
    ) -> Self:
        """Determine the classes from y, or check that y has no others than `classes`.

        A matrix of 0 and 1 is a label indicator matrix, unless `classes` has a list for
        each column; any other matrix has labels of its own in each column.
        """
        several = y.ndim == 2 and y.shape[1] > 1
        if several and is_indicator(y) and not is_nested(classes):
            return cls(np.arange(y.shape[1]), True, issparse(y), loss)
        columns = [labels for _, labels in columns_of(y, "y")]
        for column in columns:
            check_classification_targets(column)
        given = columns if classes is None else classes_given(classes, len(columns))
        found = [np.unique(of_one) for of_one in given]
        labels = cls(found if several else found[0], criterion=loss)
        if classes is not None:
            labels.check_known(y, "y")
        return labels

    @classmethod
    def joined(
        cls, parts: "Sequence[Labels]", loss: ClassificationLoss | None = None
    ) -> Self:
        """Return labels with the classes of all parts of the rows."""
        first = parts[0]
        if first.several or any(part.form != first.form for part in parts):
            raise ValueError(
                "y must be one label for each row, or a label indicator matrix of 0 "
                "and 1 with the same columns, in all partitions. FFNNClassifier, which "
                "trains in memory, accepts several targets."
            )
        if first.multilabel:
            return cls(first.classes, True, first.sparse, loss)
        classes = np.unique(np.concatenate([part.classes for part in parts]))
        return cls(classes, criterion=loss)

    # ------------------------------------------------------------------ the kind of y

    @property
    def several(self) -> bool:
        """Whether y has several columns, each with its own classes."""
        return isinstance(self.classes, list)

    @property
    def binary(self) -> bool:
        """Whether y is a single column with two classes, which share one output."""
        return not (self.multilabel or self.several) and len(self.classes) == 2

    @property
    def form(self) -> str:
        """Description of the form of y, for error messages."""
        if self.multilabel:
            return f"a label indicator matrix with {len(self.classes)} columns"
        if self.several:
            return f"an array with {len(self.classes)} columns, one for each target"
        return "one label for each row"

    def is_like(self, other: "Labels") -> bool:
        """Return whether y has the same form and the same classes."""
        pairs = zip(self.classes_of_columns(), other.classes_of_columns(), strict=False)
        return self.form == other.form and all(np.array_equal(*pair) for pair in pairs)

    def has_classes(self, classes: Any) -> bool:
        """Return whether these are the same classes, in any order."""
        own, given = [self.classes], [classes]
        if self.several:
            own, given = self.classes, [*classes] if is_nested(classes) else []
        return len(own) == len(given) and all(
            np.array_equal(of_one, np.unique(values))
            for of_one, values in zip(own, given, strict=True)
        )

    def with_loss(self, loss: ClassificationLoss | None) -> Self:
        return replace(self, criterion=loss)

    def scales_like(self, before: Any) -> bool:
        return True

    def continuing(self, before: Any) -> Self:
        if self.is_like(before):
            return self
        found = f"Previously got {before.classes}, `y` has {self.classes}"
        if self.form != before.form:
            found = f"Previously, `y` was {before.form}; now it is {self.form}."
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the "
            f"previous call to fit. {found}"
        )

    # ----------------------------------------------------------------------- encoding

    def classes_of_columns(self) -> list[Array]:
        if self.multilabel:
            return [np.arange(2)] * len(self.classes)
        return self.classes if self.several else [self.classes]

    def check_known(self, y: Any, name: str) -> None:
        classes = self.classes_of_columns()
        if (y.shape[1] if y.ndim == 2 else 1) != len(classes):
            raise ValueError(
                f"{name} must be {self.form}, got an array of shape {y.shape}."
            )
        if self.multilabel:
            check_indicator(y, name)
            return
        columns = columns_of(y, name)
        for (of_column, labels), known in zip(columns, classes, strict=True):
            if not is_label_vector(labels):
                check_classification_targets(labels)
            unknown = np.setdiff1d(labels, known)
            if len(unknown):
                raise ValueError(
                    f"{of_column} has labels {unknown} that are not among the classes "
                    f"{known}."
                )

    def codes(self, y: Any) -> Array:
        """Return the class index of each row in each label column, (m, n_samples)."""
        if self.multilabel:
            return dense(y).astype(np.int8).T
        pairs = zip(self.classes_of_columns(), columns_of(y, "y"), strict=True)
        codes = [np.searchsorted(classes, labels) for classes, (_, labels) in pairs]
        return np.column_stack(codes).T if self.several else codes[0][np.newaxis]

    def label_columns(self, y: Any) -> list[tuple[Array, Array]]:
        return [*zip(self.classes_of_columns(), self.codes(y), strict=True)]

    def strata(self, y: Any) -> Array:
        if self.multilabel or self.several:
            return np.zeros(y.shape[0], int)  # a combination of labels may be unique
        return self.codes(y)[0]

    def encode(self, y: Any, dtype: Any, smoothing: float = 0.0) -> OneHot:
        outputs = [
            (column, k, len(classes))
            for column, classes in enumerate(self.classes_of_columns())
            for k in range(1 if len(classes) == 2 else 0, len(classes))
        ]
        codes, (column, k, n_classes) = self.codes(y), np.array(outputs).T
        k = k.astype(codes.dtype)[:, np.newaxis]  # compared without a conversion
        n_classes = n_classes[:, np.newaxis]
        return OneHot(codes, column, k, n_classes, np.dtype(dtype), smoothing)

    # -------------------------------------------------------- the outputs of a network

    @cached_property
    def blocks(self) -> list[Block]:
        """One logistic block for an indicator matrix, else a block for each column."""
        criterion = CrossEntropy() if self.criterion is None else self.criterion
        if self.multilabel:
            n_labels = len(self.classes)
            return [Block(criterion.logistic(), n_labels, n_labels)]
        sizes = [len(classes) for classes in self.classes_of_columns()]
        return [
            Block(criterion.logistic(), 1, n)
            if n == 2
            else Block(criterion.softmax(), n, n)
            for n in sizes
        ]

    @cached_property
    def loss(self) -> ClassOutput:
        if not self.several:
            return self.blocks[0].loss
        losses, sizes, _ = zip(*self.blocks, strict=True)
        return BlockOutput(losses, sizes)

    @cached_property
    def n_outputs(self) -> int:
        return sum(block.n_outputs for block in self.blocks)

    @property
    def splits_like_mlp(self) -> bool:
        # MLPClassifier stratifies only two classes, ignores weights, and does not
        # support several targets.
        return self.multilabel or self.binary

    def output_names(self) -> list[str]:
        if self.multilabel:
            return [str(label) for label in self.classes]
        return [
            f"y{j}, {label}" if self.several else str(label)
            for j, classes in enumerate(self.classes_of_columns())
            for label in (classes[1:] if len(classes) == 2 else classes)
        ]

    def _by_block(self, a: Array) -> list[tuple[Block, Array]]:
        """Return each block with its columns of the logits."""
        parts = self.loss.split(a) if isinstance(self.loss, BlockOutput) else [a]
        return [*zip(self.blocks, parts, strict=True)]

    def probabilities(self, a: Array) -> Array:
        """Return f of shape (n_samples, number of classes); `a` may be overwritten."""
        blocks = self._by_block(a)
        return side_by_side([b.loss.output(b.by_class(a_j)) for b, a_j in blocks])

    def log_probabilities(self, a: Array) -> Array:
        """Return ln f, of the same shape as f; `a` may be overwritten."""
        blocks = self._by_block(a)
        return side_by_side([b.loss.log_output(b.by_class(a_j)) for b, a_j in blocks])

    def by_target(self, f: Array) -> Any:
        """Return f, split into a list of arrays if there are several columns."""
        if not self.several:
            return f
        ends = np.cumsum([block.n_classes for block in self.blocks])
        return [part.copy() for part in np.split(f, ends[:-1], axis=1)]

    def by_output(self, a: Array) -> Any:
        """Return logits by target, as one number for two classes."""
        each = [
            a_j[:, 0] if block.n_outputs < block.n_classes else a_j
            for block, a_j in self._by_block(a)
        ]
        return [a_j.copy() for a_j in each] if self.several else each[0]

    def decode(self, decisions: Array) -> Any:
        """Convert the result of `loss.decide` to labels, in the form of y."""
        if self.multilabel:
            indicator = decisions.astype(int)
            return csr_matrix(indicator) if self.sparse else indicator
        pairs = zip(self.classes_of_columns(), decisions.T, strict=True)
        columns = [classes[decision.astype(np.intp)] for classes, decision in pairs]
        if not self.several:
            return columns[0]
        mixed = len({column.dtype.kind for column in columns}) > 1
        dtype: Any = object if mixed else np.result_type(*columns)
        return np.stack([column.astype(dtype) for column in columns], axis=1)

    # -------------------------------------------------------------------------- score

    def loss_of_constant(self, rows: Any, smoothing: float) -> float | None:
        if type(self.criterion or CrossEntropy()) is not CrossEntropy:
            return None
        each = [sums / sums.sum() for sums in rows.class_sums()]
        shares = [(1 - smoothing) * p + smoothing / len(p) for p in each]
        return float(sum(entr(p).sum() for p in shares))  # H(p) = -Σ_k p_k ln p_k

    def score_from(self, y: Any, weights: Array | None) -> Callable[[float, Any], Any]:
        return lambda loss, accuracy: accuracy

    def accuracy(self, y: Any, labels: Any, weights: Any) -> float:
        """Return the weighted fraction of rows whose labels are all correct."""
        if not self.several:
            return float(accuracy_score(y, labels, sample_weight=weights))
        # `accuracy_score` does not support several targets.
        y = np.asarray(y)
        if y.shape != labels.shape:
            raise ValueError(f"y must be {self.form}, got an array of shape {y.shape}.")
        right = (y == labels).all(axis=1)
        weights = check_weights(weights, len(right), "sample_weight")
        return float(np.average(right, weights=weights))


def side_by_side(parts: list[Array]) -> Array:
    """Join columns; a single part is not copied."""
    return parts[0] if len(parts) == 1 else np.hstack(parts)


def smooth(y: Array, smoothing: float, n_classes: Array) -> Array:
    """Apply label smoothing in place, y ← (1 - ε) y + ε / K, and return y.

    y has the shape (n_outputs, n), and K the shape (n_outputs, 1).
    """
    if smoothing > 0:
        y *= np.asarray(1 - smoothing, y.dtype)
        y += np.asarray(smoothing / n_classes, y.dtype)
    return y


# ---------------------------------------------------------------- the columns of y


def classes_given(classes: Any, n_columns: int) -> list[Array]:
    """Return the classes of each column that the user gave; raise if they are wrong."""
    each = [classes]
    if n_columns > 1:
        if not is_nested(classes) or len(classes) != n_columns:
            raise ValueError(
                f"classes must be a list of {n_columns} arrays, one for each column "
                f"of y, got {classes!r}."
            )
        each = [*classes]
    options: dict[str, Any] = {"ensure_2d": False, "input_name": "classes"}
    return [check_array(of_one, dtype=None, **options) for of_one in each]


def is_nested(classes: Any) -> bool:
    """Return whether `classes` has a list of classes for each of several columns."""
    sequence = isinstance(classes, Sequence | np.ndarray) and len(classes) > 0
    return sequence and all(np.ndim(of_one) == 1 for of_one in classes)


def is_indicator(y: Any) -> bool:
    """Return whether a matrix has only the numbers 0 and 1."""
    values = y.data if issparse(y) else y
    return values.dtype.kind in "biuf" and bool(np.isin(values, (0, 1)).all())


def check_indicator(y: Any, name: str) -> None:
    """Raise unless a label indicator matrix contains only 0 and 1."""
    if not is_indicator(y):
        values = np.unique(y.data if issparse(y) else y)
        raise ValueError(
            f"{name} must be a label indicator matrix of 0 and 1, got {values}."
        )


def dense(y: Any) -> Array:
    """Convert a label indicator matrix to a dense array."""
    return y.toarray() if issparse(y) else np.asarray(y)


def columns_of(y: Any, name: str) -> list[tuple[str, Array]]:
    """Return (name for error messages, labels) for each column of y."""
    if y.ndim == 1 or y.shape[1] < 2:
        return [(name, flat(y))]
    if issparse(y):
        raise ValueError(
            f"A sparse {name} must be a label indicator matrix of 0 and 1; {name} must "
            "be dense if it has several targets."
        )
    named = [(f"{name}[:, {j}]", labels) for j, labels in enumerate(y.T)]
    return [(of_column, plain(labels, of_column)) for of_column, labels in named]


def plain(labels: Array, name: str) -> Array:
    """Convert labels of dtype object, except strings, to their common type."""
    values = labels.tolist()
    if labels.dtype != object or all(isinstance(label, str) for label in values):
        return labels
    array = np.array(values)
    if array.dtype.kind not in "biuf" or array.tolist() != values:
        raise ValueError(f"{name} must have labels of one type, got {labels}.")
    return array


def is_label_vector(y: Any) -> bool:
    """Return whether y has one label for each row, judging by its type alone.

    scikit-learn's `type_of_target` reads the values of y, which takes longer than a
    step of `partial_fit` on a few rows.
    """
    return type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "biuU"


def flat(y: Any) -> Array:
    """Convert labels to 1D, with scikit-learn's warning for a column vector."""
    return y if is_label_vector(y) else column_or_1d(y, warn=True)
