"""FFNNRegressor: the scikit-learn interface to a network that predicts numbers."""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import d2_pinball_score
from sklearn.utils.validation import check_is_fitted

from .data.numbers import Numbers, columns_of
from .data.rows import features_of
from .estimator import FFNNEstimator
from .fitted import Fitted, FittedAttribute, check_finite
from .fitting.plan import Losses, Plan
from .nn.arrays import Array
from .nn.regression_losses import REGRESSION_LOSSES, RegressionLoss
from .typing import (
    ActivationParam,
    BatchSize,
    CheckpointParam,
    Dropout,
    DType,
    HiddenLayerSizes,
    LearningRate,
    LossOfNumbers,
    PenaltyParam,
    Quantiles,
    Scoring,
    SolverParam,
    Verbose,
    WeightInit,
)
from .utils.checks import check_numpy
from .utils.types import Documented, Matrix, RandomState, RegressorMixin, available_if


class FFNNRegressor(Documented, RegressorMixin, FFNNEstimator):
    """A feed-forward neural network regressor, trained by backpropagation.

    Minimises, over weights W(k) and biases b(k), the regularised loss ::

        J(θ) = 1/S Σ_t s_t ℓ(f(x_t | θ), y_t) + α Ω(θ),    S = Σ_t s_t,

    with sample weights s_t, the network f (`skffnn.nn.network`), a loss ℓ of
    `skffnn.nn.regression_losses`, and the penalty Ω(θ) = ½ Σ_k ‖W(k)‖²_F. It is a
    drop-in replacement for `sklearn.neural_network.MLPRegressor` and takes the same
    parameters.

    Features and targets may be in any units: see `normalize_y`. With a log link, put a
    `StandardScaler` before it.

    Parameters
    ----------
    loss : str or object, default="squared_error"
        ℓ, which determines what is predicted: "squared_error", the mean of y;
        "absolute_error", its median; "huber", a mean that is robust to outliers;
        "quantile", the quantiles at the levels `quantile`; "poisson", the mean of
        non-negative counts; "gamma", the mean of positive amounts; "tweedie", that of
        amounts that may be 0; "gaussian", the mean, and the standard deviation for
        `predict(X, return_std=True)`. "poisson", "gamma" and "tweedie" have a log link.
        Or an object, such as `skffnn.Huber(delta=0.5)`, or one of your own class that
        inherits from `skffnn.RegressionLoss`.
    {LAYERS}
    {PARAMETERS}
    scoring : str, callable or None, default=None
        The validation score that early stopping monitors: None is R², as in
        `MLPRegressor`, or "loss" for several quantiles and for "gaussian"; "loss" is
        the loss, the lower the better; or any scikit-learn scorer.
    quantile : float or sequence of float, default=0.5
        Level in (0, 1) for `loss="quantile"`, or several in ascending order, which are
        all predicted at once. Ignored by other losses.
    normalize_y : bool, default=True
        Whether to standardise targets for training, to mean 0 and standard deviation 1,
        and scale predictions back; and features whose largest absolute value is above
        10 or below 0.1, which sparse ones are without being centred. `loss_` and the
        curves then refer to the standardised targets, and the penalty to the weights of
        the standardised features. With a log link, nothing is scaled.

    Attributes
    ----------
    y_mean_ : ndarray of shape (n_targets,)
        Shift subtracted from the targets: their mean, weighted by `sample_weight`, or
        0. A warm start keeps that of the first fit; in a stream, it changes when the
        rows seen so far turn out to be on another scale.
    y_scale_ : ndarray of shape (n_targets,)
        Scale that they were then divided by: their standard deviation, or 1.
    {ATTRIBUTES}
    n_outputs_ : int
        Number of output neurons: one for each target, times the number of quantiles;
        two for each with `loss="gaussian"`.
    out_activation_ : {"identity", "exp"}
        Output map o: exp with a log link.

    See Also
    --------
    sklearn.neural_network.MLPRegressor : The regressor that this one can replace.
    FFNNClassifier : The same network for classification.

    Notes
    -----
    `coefs_` and `intercepts_` apply to X as it is given; the scaling of the features is
    part of the first layer. Their outputs are on the scale of the standardised targets:
    the prediction is `y_mean_ + y_scale_ * output`.

    Predictions are computed in the wider of the types of X and the parameters, and
    returned in the type of X; in float64 if float32 is too coarse for the targets, or
    its range too small.

    References
    ----------
    Rumelhart, Hinton & Williams, *Learning representations by back-propagating
    errors*, Nature, 1986.

    Goodfellow, Bengio & Courville, *Deep Learning*, MIT Press, 2016, chapters 6 to 8.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skffnn import FFNNRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = make_pipeline(
    ...     StandardScaler(),
    ...     FFNNRegressor(hidden_layer_sizes=(10,), solver="lbfgs", alpha=0.1),
    ... )
    >>> model.fit(X_train, y_train).score(X_test, y_test) > 0.3
    True
    >>> interval = FFNNRegressor("quantile", quantile=[0.05, 0.95], random_state=0)
    >>> interval.fit(X_train, y_train).predict(X_test[:3]).shape
    (3, 2)
    """

    _losses: ClassVar[Losses] = Losses(REGRESSION_LOSSES, RegressionLoss)

    y_mean_ = FittedAttribute[Array]("targets.mean")
    y_scale_ = FittedAttribute[Array]("targets.scale")

    loss: LossOfNumbers
    quantile: Quantiles
    normalize_y: bool

    def __init__(
        self,
        loss: LossOfNumbers = "squared_error",
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
        quantile: Quantiles = 0.5,
        normalize_y: bool = True,
    ) -> None:
        self._store(locals())

    def _targets(self, plan: Plan, rows: Any) -> Numbers:
        return Numbers.from_rows(rows.counted(), plan.loss, scaled=self.normalize_y)

    def _targets_of_stream(
        self, plan: Plan, rows: Any, start: Fitted | None
    ) -> Numbers:
        if start is None:
            return self._targets(plan, rows)
        numbers: Numbers = start.targets.with_loss(plan.loss)
        numbers.check_known(rows.y, "y")
        return numbers.following(rows.counted())

    @available_if(FFNNEstimator._can_partial_fit)
    def partial_fit(
        self,
        X: Matrix,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Matrix | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Continue training for one epoch over the given rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Training data; all values must be finite.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets. Those of all calls so far determine their scaling.
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
        self : FFNNRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, or if training diverges.
        """

        return self._fit_part(X, y, sample_weight, X_val, y_val, sample_weight_val)

    @overload
    def predict(self, X: Matrix, return_std: Literal[False] = False) -> Array: ...
    @overload
    def predict(self, X: Matrix, return_std: Literal[True]) -> tuple[Array, Array]: ...
    @overload
    def predict(self, X: Matrix, return_std: bool) -> Array | tuple[Array, Array]: ...
    def predict(
        self, X: Matrix, return_std: bool = False
    ) -> Array | tuple[Array, Array]:
        """Return a prediction for each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.
        return_std : bool, default=False
            Whether to return the standard deviations of y too, which the network of
            `loss="gaussian"` predicts.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predictions. A sequence of quantiles adds a last axis, along which they
            ascend: quantiles never cross.
        std : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Standard deviations, only with `return_std=True`.

        Raises
        ------
        ValueError
            If `return_std=True` and the loss does not predict a standard deviation.
        """
        check_is_fitted(self)
        X = features_of(self, X)
        decode = partial(self.fitted_.targets.decode, std=return_std)
        f = self.fitted_.logits(X, lambda a: check_finite(decode(a)))
        return (f[..., 0], f[..., 1]) if return_std else f

    def score(
        self, X: Matrix, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return R², or D² if several quantiles are predicted.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            R², averaged over the targets, as by `sklearn.metrics.r2_score`; or the
            average over all quantiles of `sklearn.metrics.d2_pinball_score`. 1 is
            perfect, 0 no better than the best constant.
        """
        check_is_fitted(self)
        levels = self.fitted_.targets.loss.levels
        check_numpy(y=y, sample_weight=sample_weight)
        if levels is None:
            return super().score(X, y, sample_weight)
        return d2_of_quantiles(y, self.predict(X), levels, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        try:
            loss = self._losses.from_params(vars(self))
        except ValueError:  # `fit` reports it
            return tags
        tags.target_tags.positive_only = not loss.allows(-np.ones(1))
        return tags


def d2_of_quantiles(y: Any, f: Array, levels: Sequence[float], weights: Any) -> float:
    """Return the mean D² of the predictions of several quantiles.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Targets.
    f : ndarray of shape (n_samples, [n_targets,] n_levels)
        Predictions.
    levels : sequence of float
        The levels.
    weights : array-like of shape (n_samples,) or None
        Weights of the rows.

    Returns
    -------
    score : float
        The average of `sklearn.metrics.d2_pinball_score`.
    """
    y = columns_of(np.asarray(y), "y")
    f = f.reshape(*y.shape, len(levels))
    scores = [
        d2_pinball_score(y, f[..., i], alpha=q, sample_weight=weights)
        for i, q in enumerate(levels)
    ]
    return float(np.mean(scores))
