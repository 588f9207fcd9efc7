"""What a classifier answers, once it has logits: labels, probabilities, scores."""

from collections.abc import Callable
from typing import Any

from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from .data.targets import Targets
from .nn.arrays import Array
from .utils.documentation import Documented


class LogitsMixin(Documented, ClassifierMixin):
    """The predictions of a classifier that has logits.

    A class that takes this in has a method `_forward(X, finish)`, which returns
    `finish(a)` of the logits `a` of shape (n_samples, n_outputs), maybe block by block,
    and calls `_set_targets` in `fit`.
    """

    classes_: Any
    _forward: Callable[[Any, Callable[[Array], Array]], Array]

    def _set_targets(self, targets: Targets) -> None:
        """Remember what the columns of the logits are."""
        self.classes_ = targets.classes
        self._multilabel, self._sparse_output = targets.multilabel, targets.sparse

    def _fitted_targets(self) -> Targets:
        """Return the classes of the last fit."""
        check_is_fitted(self)
        return Targets(self.classes_, self._multilabel, self._sparse_output)

    def predict(self, X: Any) -> Any:
        """Return the most probable label of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a label indicator matrix: a sparse one if the training
            targets were sparse.
        """
        targets = self._fitted_targets()
        return targets.decode(self._forward(X, targets.loss.decide))

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        f : ndarray of shape (n_samples, n_classes)
            Probabilities, with columns in the order of `classes_`. Rows sum to 1,
            except for multi-label targets, where each label has its own probability.
        """
        targets = self._fitted_targets()

        def probabilities(a: Array) -> Array:
            return targets.loss.output(targets.by_class(a))

        return self._forward(X, probabilities)

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of the probability of each class.

        It is computed from the logits, so that it is finite where `predict_proba`
        underflows to 0.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_f : ndarray of shape (n_samples, n_classes)
            Natural logarithms of the probabilities.
        """
        targets = self._fitted_targets()

        def log_probabilities(a: Array) -> Array:
            return targets.loss.log_output(targets.by_class(a))

        return self._forward(X, log_probabilities)

    def decision_function(self, X: Any) -> Array:
        """Return the logits a(L+1), or β times their average over networks.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        a : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Logits; for two classes, ln(f_1 / f_0), greater than 0 where the second
            class is the more probable one.
        """
        targets = self._fitted_targets()
        a = self._forward(X, lambda a: a)
        return a[:, 0] if targets.binary else a

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        return tags
