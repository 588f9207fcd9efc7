"""Prediction methods shared by classifiers that compute logits."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .data.multioutput import fitted_targets
from .data.targets import ClassTargets
from .nn.arrays import Array
from .utils.checks import check_is_fitted, check_numpy
from .utils.documentation import Documented
from .utils.types import ClassifierMixin, Matrix


class LogitsMixin(Documented, ClassifierMixin):
    """Mixin that predicts labels, probabilities and their logarithms from logits.

    A subclass has the fitted attributes `classes_`, `_multilabel` and `_sparse_output`,
    and a method `_forward(X, finish)`, which returns `finish(a)` for the logits `a` of
    shape (n_samples, n_outputs), possibly block by block.
    """

    classes_: Array
    _forward: Callable[[Any, Callable[[Array], Array]], Array]

    def _set_targets(self, targets: ClassTargets) -> None:
        """Set the fitted attributes that describe the targets."""
        self.__dict__.update(targets.attributes())

    def _fitted_targets(self) -> ClassTargets:
        """Return the targets of the last fit."""
        check_is_fitted(self)
        return fitted_targets(self)

    def predict(self, X: Matrix) -> Array:
        """Return the most probable label of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_columns)
            Class labels, with one column per target, or a label indicator matrix, which
            is sparse if the training targets were.
        """
        targets = self._fitted_targets()
        return targets.decode(self._forward(X, targets.loss.decide))

    def predict_proba(self, X: Matrix) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        f : ndarray of shape (n_samples, n_classes), or list of such arrays
            Probabilities, with columns in the order of `classes_`. Rows sum to 1,
            except for multi-label targets, where each label has its own probability.
            For several targets, a list with an array for each.
        """
        targets = self._fitted_targets()
        f = self._forward(X, lambda a: inside(targets.probabilities(a)))
        return targets.by_target(f)

    def predict_log_proba(self, X: Matrix) -> Array:
        """Return the logarithm of the probability of each class.

        It is computed from the logits, so it is accurate even where the probability is
        rounded to nearly 1. It is always finite, as no probability is 0.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_f : ndarray of shape (n_samples, n_classes), or list of such arrays
            Natural logarithms of the probabilities.
        """
        targets = self._fitted_targets()

        def log_probabilities(a: Array) -> Array:
            log_f = targets.log_probabilities(a)
            return np.maximum(log_f, np.log(smallest(a.dtype)), out=log_f)

        return targets.by_target(self._forward(X, log_probabilities))

    def decision_function(self, X: Matrix) -> Array:
        """Return the logits.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        a : ndarray of shape (n_samples,) or (n_samples, n_outputs), or list of these
            Logits; for two classes, ln(f_1 / f_0), which is positive where the second
            class is more probable. For several targets, a list with an array for each.
        """
        return self._fitted_targets().decisions(self._forward(X, lambda a: a))

    def score(
        self, X: Matrix, y: Matrix, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the accuracy: the fraction of rows whose labels are all correct.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        accuracy : float
            As in `sklearn.metrics.accuracy_score`, and for several targets as in
            `sklearn.multioutput.MultiOutputClassifier.score`.
        """
        targets = self._fitted_targets()
        check_numpy(y=y, sample_weight=sample_weight)
        return targets.accuracy(y, self.predict(X), sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags


def inside(f: Array) -> Array:
    """Keep probabilities strictly between 0 and 1, in place.

    A probability that was rounded to 0 or 1 is moved by the smallest step of its type,
    so that it agrees with its logarithm.

    Parameters
    ----------
    f : ndarray
        Probabilities.

    Returns
    -------
    f : ndarray
        The same array.
    """
    largest = np.nextafter(f.dtype.type(1), f.dtype.type(0))
    return np.clip(f, smallest(f.dtype), largest, out=f)


def smallest(dtype: Any) -> Any:
    """Return the smallest positive number of a floating-point type."""
    return np.nextafter(dtype.type(0), dtype.type(1))


def check_finite(values: Array) -> Array:
    """Raise if a logit, or the difference of two, is not finite.

    Parameters
    ----------
    values : ndarray
        Logits, or activations.

    Returns
    -------
    values : ndarray
        The same array.
    """
    if not np.isfinite(2 * values).all():
        raise ValueError(
            "X has values so large that the output of the network is not finite. "
            "Scale the features in the same way as the training rows."
        )
    return values
