"""FFNNClassifier: the scikit-learn interface to a network that predicts classes."""

from typing import Any, Self

from numpy.typing import ArrayLike

from .data.dataset import Dataset
from .data.multioutput import fitted_targets, targets_of
from .data.targets import ClassTargets
from .estimator import FFNNEstimator
from .fitting.plan import OF_CLASSES, Plan
from .prediction import LogitsMixin
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
from .utils.checks import check_is_fitted
from .utils.types import Matrix, RandomState, available_if


class FFNNClassifier(LogitsMixin, FFNNEstimator):
    """A feed-forward neural network classifier, trained by backpropagation.

    Minimises, over weights W(k) and biases b(k), the regularised cross-entropy ::

        J(θ) = 1/S Σ_t s_t ℓ(f(x_t | θ), y_t) + α Ω(θ),    S = Σ_t s_t,

    with sample weights s_t, the network f (`skffnn.nn.network`), the loss
    ℓ = -Σ_k y_k ln f_k for one class out of several (`skffnn.nn.losses` has the other
    cases), and the penalty Ω(θ) = ½ Σ_k ‖W(k)‖²_F (`skffnn.nn.penalties`). It is a
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

    _losses = OF_CLASSES
    _targets = ClassTargets

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

    def _new_targets(self, plan: Plan, data: Dataset) -> ClassTargets:
        return targets_of(data.labels(), loss=plan.loss)

    def _fitted_targets(self) -> ClassTargets:
        check_is_fitted(self)
        return fitted_targets(self, self._loss())

    @available_if(FFNNEstimator._can_partial_fit)
    def partial_fit(
        self,
        X: Matrix,
        y: Matrix,
        *,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
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

        def of_stream(plan: Plan, train: Dataset) -> ClassTargets:
            return self._targets_of_stream(plan, train.y, classes)

        return self._fit_part(X, y, sample_weight, of_stream)

    def _targets_of_stream(self, plan: Plan, y: Any, classes: Any) -> ClassTargets:
        """Return the targets of the first call; raise if y or `classes` differ."""
        if not hasattr(self, "classes_"):
            targets = targets_of(y, classes, plan.loss)
            if classes is None and not targets.multilabel:
                raise ValueError(
                    "classes must be passed on the first call to partial_fit: the rows "
                    "of one call may not contain every class."
                )
            return targets
        targets = self._fitted_targets()
        if classes is not None and not targets.has_classes(classes):
            raise ValueError(
                f"classes must be the same in each call to partial_fit: got {classes}, "
                f"previously {targets.classes}."
            )
        targets.check_known(y, "y")
        return targets
