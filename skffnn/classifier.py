"""FFNNClassifier: the scikit-learn interface to a network that predicts classes."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from .data.labels import Labels
from .data.rows import features_of
from .estimator import FFNNEstimator
from .fitted import Fitted, FittedAttribute
from .fitting.plan import Losses, Plan
from .nn.arrays import Array
from .nn.losses import CLASSIFICATION_LOSSES, ClassificationLoss
from .typing import (
    ActivationParam,
    BatchSize,
    CheckpointParam,
    ClassWeight,
    Dropout,
    DType,
    HiddenLayerSizes,
    LearningRate,
    LossOfClasses,
    PenaltyParam,
    Scoring,
    SolverParam,
    Verbose,
    WeightInit,
)
from .utils.checks import check_numpy
from .utils.types import ClassifierMixin, Documented, Matrix, RandomState, available_if


class LogitsMixin(Documented, ClassifierMixin):
    """Mixin that predicts labels, probabilities and their logarithms from logits.

    A subclass has two methods: `_labels()` returns the `Labels` that it was fitted to,
    and `_logits(X, finish)` returns `finish(a)` for the logits a of shape (n_samples,
    n_outputs), possibly block by block.
    """

    _labels: Callable[[], Labels]
    _logits: Callable[[Any, Callable[[Array], Array]], Array]

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
        labels = self._labels()
        return labels.decode(self._logits(X, labels.loss.decide))

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
        labels = self._labels()
        f = self._logits(X, lambda a: inside(labels.probabilities(a)))
        return labels.by_target(f)

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
        labels = self._labels()

        def log_probabilities(a: Array) -> Array:
            log_f = labels.log_probabilities(a)
            least = np.log(np.finfo(a.dtype).smallest_subnormal)
            return np.maximum(log_f, least, out=log_f)

        return labels.by_target(self._logits(X, log_probabilities))

    def decision_function(self, X: Matrix) -> Array:
        """Return scores of the classes, which rank rows as their probabilities do.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes), or list
            For two classes, the logit ln(f_1 / f_0), which is positive where the second
            class is more probable. For more classes, ln f, as in `predict_log_proba`.
            For multi-label targets, ln(f / (1 - f)) of the rounded f of
            `predict_proba`: two rows have the same score if they have the same
            probability. For several targets, a list with the logits of each.
        """
        labels = self._labels()
        if labels.multilabel:
            f = self.predict_proba(X)
            return np.log(f / (1 - f))
        if labels.several or labels.binary:
            return labels.by_output(self._logits(X, lambda a: a))
        return self.predict_log_proba(X)

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
        labels = self._labels()
        check_numpy(y=y, sample_weight=sample_weight)
        return labels.accuracy(y, self.predict(X), sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags


class FFNNClassifier(LogitsMixin, FFNNEstimator):
    """A feed-forward neural network classifier, trained by backpropagation.

    Minimises, over weights W(k) and biases b(k), the regularised cross-entropy ::

        J(θ) = 1/S Σ_t s_t ℓ(f(x_t | θ), y_t) + α Ω(θ),    S = Σ_t s_t,

    with sample weights s_t, the network f (`skffnn.nn.network`), the loss
    ℓ = -Σ_k y_k ln f_k for one class out of several (`skffnn.nn.losses` has the other
    cases), and the penalty Ω(θ) = ½ Σ_k ‖W(k)‖²_F (`skffnn.nn.parameters`). It is a
    drop-in replacement for `sklearn.neural_network.MLPClassifier` and takes the same
    parameters.

    Features should be on comparable scales: put a `StandardScaler` before it.

    Parameters
    ----------
    {LAYERS}
    {PARAMETERS}
    scoring : str, callable or None, default=None
        The validation score that early stopping monitors: None is accuracy, as in
        `MLPClassifier`, or "loss" if there are class weights; "loss" is the
        cross-entropy, the lower the better; or any scikit-learn scorer.
    loss : str or object, default="cross_entropy"
        ℓ: "cross_entropy", or an object with the methods of
        `skffnn.nn.losses.ClassificationLoss`.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, multiplied into the sample weights. "balanced" gives
        each class the same total weight in the training rows (in `partial_fit`, in the
        rows of a call). If y has several columns, a list with a dict for each, or
        "balanced"; the weight of a row is then the product over its columns.
    label_smoothing : float, default=0.0
        ε of y ← (1 - ε) y + ε / n_classes, in [0, 1). Makes the network less confident,
        which often improves its probabilities. Each label of a multi-label target
        counts as two classes; each of several targets has its own n_classes.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of ndarray
        Sorted class labels; for multi-label targets, the column indices of y; for
        several targets, a list with an array for each.
    {ATTRIBUTES}
    n_outputs_ : int
        Number of output neurons: 1 for two classes, otherwise one per class; for
        several targets, their sum.
    out_activation_ : {"softmax", "logistic"}
        Output map o: logistic for two classes and for multi-label targets. Each of
        several targets has its own softmax, or logistic output for two classes.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : The classifier that this one can replace.
    sklearn.linear_model.LogisticRegression : The same model without hidden layers.

    Notes
    -----
    Binary targets use one logistic output, multi-class targets a softmax, and
    multi-label targets, a matrix of 0 and 1, one logistic output for each label. Any
    other matrix of labels has one target per column, and ℓ is the sum of their losses.
    The backward pass is in `skffnn.nn.network.Network.backward`; its derivation is in
    the documentation, under *The mathematics*.

    Predictions are computed in the wider of the types of X and the parameters, and
    returned in the type of X.

    References
    ----------
    Rumelhart, Hinton & Williams, *Learning representations by back-propagating
    errors*, Nature, 1986.

    Goodfellow, Bengio & Courville, *Deep Learning*, MIT Press, 2016, chapters 6 to 8.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skffnn import FFNNClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     X, y, stratify=y, random_state=0
    ... )
    >>> model = make_pipeline(
    ...     StandardScaler(), FFNNClassifier(solver="lbfgs", alpha=0.01, random_state=0)
    ... )
    >>> model.fit(X_train, y_train).score(X_test, y_test) > 0.9
    True
    >>> model.predict_proba(X_test[:2]).shape
    (2, 3)
    """

    _losses: ClassVar[Losses] = Losses(CLASSIFICATION_LOSSES, ClassificationLoss)

    classes_ = FittedAttribute[Any]("targets.classes")

    loss: LossOfClasses
    class_weight: ClassWeight
    label_smoothing: float

    def __init__(
        self,
        hidden_layer_sizes: HiddenLayerSizes = (100,),
        activation: ActivationParam = "relu",
        *,
        solver: SolverParam = "adam",
        alpha: float = 0.0001,
        batch_size: BatchSize = "auto",
        learning_rate: LearningRate = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: Verbose = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        max_time: float | None = None,
        dropout: Dropout = 0.0,
        weight_init: WeightInit = "glorot_uniform",
        penalty: PenaltyParam = "l2",
        dtype: DType = "auto",
        checkpoint: CheckpointParam = None,
        scoring: Scoring = None,
        loss: LossOfClasses = "cross_entropy",
        class_weight: ClassWeight = None,
        label_smoothing: float = 0.0,
    ) -> None:
        self._store(locals())

    def _targets(self, plan: Plan, rows: Any) -> Labels:
        labels: Labels = rows.labels(plan.loss)
        return labels

    def _labels(self) -> Labels:
        check_is_fitted(self)
        labels: Labels = self.fitted_.targets
        return labels

    def _logits(self, X: Any, finish: Callable[[Array], Array]) -> Array:
        return self.fitted_.logits(features_of(self, X), finish)

    @available_if(FFNNEstimator._can_partial_fit)
    def partial_fit(
        self,
        X: Matrix,
        y: Matrix,
        *,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        X_val: Matrix | None = None,
        y_val: Matrix | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Continue training for one epoch over the given rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Training data; all values must be finite.
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Class labels, with one column per target, or a label indicator matrix.
        classes : array-like of shape (n_classes,), or list of such, default=None
            All class labels; for several targets, a list with those of each. Required
            on the first call, unless `y` is a label indicator matrix.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights; only their ratios within one call matter.
        X_val : {array-like, sparse matrix, dataframe} of shape (n_val, n_features), \
                default=None
            Validation set, scored after each call that has it. The parameters with the
            best score so far predict, and `converged_` says whether the score has not
            improved for `n_iter_no_change` calls.
        y_val : array-like of shape (n_val,) or (n_val, n_columns), default=None
            Targets of `X_val`.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the rows of `X_val`.

        Returns
        -------
        self : FFNNClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, if `y` has labels that are not
            among the classes, or if training diverges.
        """

        validation = X_val, y_val, sample_weight_val
        return self._fit_part(X, y, sample_weight, *validation, classes=classes)

    def _targets_of_stream(
        self, plan: Plan, rows: Any, start: Fitted | None, classes: Any = None
    ) -> Labels:
        if start is None:
            labels = Labels.from_labels(rows.y, classes, plan.loss)
            if classes is None and not labels.multilabel:
                raise ValueError(
                    "classes must be passed on the first call to partial_fit: the rows "
                    "of one call may not contain every class."
                )
            return labels
        labels = start.targets.with_loss(plan.loss)
        if classes is not None and not labels.has_classes(classes):
            raise ValueError(
                f"classes must be the same in each call to partial_fit: got {classes}, "
                f"previously {labels.classes}."
            )
        labels.check_known(rows.y, "y")
        return labels


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
    zero, one = f.dtype.type(0), f.dtype.type(1)
    return np.clip(f, np.nextafter(zero, one), np.nextafter(one, zero), out=f)
