"""Output maps f = o(a), their losses ℓ(f, y) and output errors ∂ℓ/∂a.

Conventions: `a` is a(L+1), the output of the last layer before the map, of shape
(..., n, K); `y` has the same shape. A classifier's `a` are logits and its `y` lie in
[0, 1]; its losses are computed from logits, which avoids the logarithm of a probability
that has underflowed to 0. `skffnn.nn.regression_losses` has the losses of regressors.

A new loss has the methods of `ClassificationLoss`. Users can also pass an object of
such a class instead of a name.
"""

from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np

from .arrays import Array, sigmoid, softplus


class Loss:
    """An output map o and its loss ℓ.

    Attributes
    ----------
    name : str
        Name of the output map.
    """

    name: ClassVar[str]

    @property
    def key(self) -> Hashable:
        """Value that is equal for equal losses, whose networks can be stacked."""
        return type(self), *vars(self).items()

    def output(self, a: Array) -> Array:
        """Return f = o(a).

        Parameters
        ----------
        a : ndarray of shape (..., n, K)
            Output of the last layer, which may be overwritten.

        Returns
        -------
        f : ndarray of shape (..., n, K)
            Output of the network.
        """
        raise NotImplementedError

    def loss_and_error(self, a: Array, y: Array) -> Array:
        """Return the loss of each row and turn `a` into ∂ℓ/∂a.

        Parameters
        ----------
        a : ndarray of shape (..., n, K)
            Output of the last layer, overwritten with the output error.
        y : ndarray of shape (..., n, K)
            Targets.

        Returns
        -------
        ell : ndarray of shape (..., n, 1)
            The loss ℓ(f(x_t), y_t) of each row t.
        """
        raise NotImplementedError

    def score_terms(self, a: Array, y: Array) -> Array:
        """Return terms for each row; the default score is computed from their mean.

        Parameters
        ----------
        a : ndarray of shape (..., n, K)
            Output of the last layer.
        y : ndarray of shape (..., n, K)
            Targets.

        Returns
        -------
        terms : ndarray of shape (..., n) or (..., K, n)
            Whether each row is predicted correctly, or the squared error of each
            output.
        """
        raise NotImplementedError


# ------------------------------------------------------------------- classification


class ClassOutput(Loss):
    """An output map whose outputs are class probabilities."""

    def log_output(self, a: Array) -> Array:
        """Return ln f, finite if the logits are; `a` may be overwritten."""
        raise NotImplementedError

    def decide(self, a: Array) -> Array:
        """Return the most probable labels for logits or targets.

        They are the index of a class, (..., n, 1), or whether each label is present,
        (..., n, K).
        """
        raise NotImplementedError

    def score_terms(self, a: Array, y: Array) -> Array:
        right: Array = np.equal(self.decide(a), self.decide(y))
        return np.logical_and.reduce(right, axis=-1)


class Softmax(ClassOutput):
    """Softmax output with cross-entropy, for multi-class classification.

    f_k = exp(a_k) / Σ_j exp(a_j),    ℓ(f, y) = -Σ_k y_k ln f_k.

    The product of ∂ℓ/∂f = -e(y*) / f_{y*} and the Jacobian
    ∂f_j/∂a_k = f_j ([j = k] - f_k) is ∂ℓ/∂a = f - y.
    """

    name = "softmax"

    def output(self, a: Array) -> Array:
        a -= a.max(axis=-1, keepdims=True)  # f does not change; exp cannot overflow
        np.exp(a, out=a)
        a /= a.sum(axis=-1, keepdims=True)
        return a

    def log_output(self, a: Array) -> Array:
        a -= a.max(axis=-1, keepdims=True)
        a -= np.log(np.exp(a).sum(axis=-1, keepdims=True))  # ln f = a - ln Σ exp a
        return a

    def decide(self, a: Array) -> Array:
        return a.argmax(axis=-1, keepdims=True)

    def loss_and_error(self, a: Array, y: Array) -> Array:
        a -= np.maximum.reduce(a, axis=-1, keepdims=True)
        ya = np.vecdot(y, a)[..., np.newaxis]
        np.exp(a, out=a)
        Z = np.add.reduce(a, axis=-1, keepdims=True)  # Z = Σ_k exp a_k
        a /= Z  # f = exp(a) / Z
        a -= y  # ∂ℓ/∂a = f - y
        return np.log(Z) - ya  # ℓ = -Σ_k y_k ln f_k = ln Z - Σ_k y_k a_k


class LogisticOutput(ClassOutput):
    """Logistic outputs with cross-entropy, for K binary labels.

    f_k = 1 / (1 + exp(-a_k)),    ℓ(f, y) = -Σ_k (y_k ln f_k + (1 - y_k) ln(1 - f_k)).

    K = 1 is binary classification; it is equivalent to softmax with logits (0, a).
    As for softmax, ∂ℓ/∂a = f - y.
    """

    name = "logistic"

    def output(self, a: Array) -> Array:
        return sigmoid(a, out=a)

    def log_output(self, a: Array) -> Array:
        return -softplus(-a, out=a)  # ln f = -ln(1 + exp(-a))

    def decide(self, a: Array) -> Array:
        return a > 0  # f > ½

    def loss_and_error(self, a: Array, y: Array) -> Array:
        # ln f = a - ln(1 + exp a) and ln(1 - f) = -ln(1 + exp a), hence:
        ell = softplus(a, out=np.empty_like(a))
        ell -= y * a  # ℓ_k = ln(1 + exp a_k) - y_k a_k
        sigmoid(a, out=a)
        a -= y  # ∂ℓ/∂a = f - y
        return ell.sum(axis=-1, keepdims=True)


class BlockOutput(ClassOutput):
    """Several output maps side by side, each for a block of columns.

    Block j has its own logits a_j, output map o_j and loss ℓ_j:

    f = (o_1(a_1) … o_m(a_m)),    ℓ(f, y) = Σ_j ℓ_j(f_j, y_j).

    The blocks are assumed to be independent given x, so their likelihoods multiply.
    Each logit enters only one of the losses, so ∂ℓ/∂a consists of the ∂ℓ_j/∂a_j, side
    by side. `losses` are those of the blocks, and `sizes` their numbers of columns.
    """

    name = "softmax"

    def __init__(self, losses: Sequence[ClassOutput], sizes: Sequence[int]) -> None:
        self.losses = losses
        ends = np.cumsum(sizes).tolist()
        self.columns = [slice(*pair) for pair in pairwise([0, *ends])]

    @property
    def key(self) -> Hashable:
        stops = tuple(block.stop for block in self.columns)
        return "blocks", stops, *(loss.key for loss in self.losses)

    def split(self, a: Array) -> list[Array]:
        """Return the columns of each block, as views of shape (..., n, K_j)."""
        return [a[..., block] for block in self.columns]

    def _each(self, a: Array) -> Iterator[tuple[ClassOutput, Array]]:
        return zip(self.losses, self.split(a), strict=True)

    def output(self, a: Array) -> Array:
        return np.concatenate([loss.output(a_j) for loss, a_j in self._each(a)], -1)

    def log_output(self, a: Array) -> Array:
        return np.concatenate([loss.log_output(a_j) for loss, a_j in self._each(a)], -1)

    def decide(self, a: Array) -> Array:
        return np.concatenate([loss.decide(a_j) for loss, a_j in self._each(a)], -1)

    def loss_and_error(self, a: Array, y: Array) -> Array:
        ell = np.zeros((*a.shape[:-1], 1), a.dtype)
        for (loss, a_j), y_j in zip(self._each(a), self.split(y), strict=True):
            ell += loss.loss_and_error(a_j, y_j)  # ∂ℓ/∂a_j = ∂ℓ_j/∂a_j
        return ell


@runtime_checkable
class ClassificationLoss(Protocol):
    """Interface of a loss for the classifier, with softmax or logistic outputs.

    Examples
    --------
    >>> from skffnn import FFNNClassifier
    >>> from skffnn.nn.losses import CrossEntropy, Softmax
    >>> class HalfSoftmax(Softmax):
    ...     def loss_and_error(self, a, y):
    ...         ell = super().loss_and_error(a, y)
    ...         a *= 0.5
    ...         return 0.5 * ell
    >>> class Half(CrossEntropy):
    ...     def softmax(self):
    ...         return HalfSoftmax()
    >>> model = FFNNClassifier(loss=Half())
    """

    def softmax(self) -> ClassOutput:
        """Return the loss for multi-class targets, usually `Softmax`."""

    def logistic(self) -> ClassOutput:
        """Return that for binary and multi-label targets, usually `LogisticOutput`."""


class CrossEntropy:
    """The cross-entropy ℓ(f, y) = -Σ_k y_k ln f_k, the negative log-likelihood."""

    def softmax(self) -> ClassOutput:
        return Softmax()

    def logistic(self) -> ClassOutput:
        return LogisticOutput()


ClassificationLossName = Literal["cross_entropy"]  # for type checkers
CLASSIFICATION_LOSSES: dict[str, Any] = {"cross_entropy": CrossEntropy}
