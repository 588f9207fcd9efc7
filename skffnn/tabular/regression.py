"""AveragedRegressor: an ensemble of networks trained as in cross-validation."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls
from sklearn.utils import get_tags

from ..data.blocks import by_blocks
from ..nn.arrays import Array
from ..nn.losses import Quantile
from ..prediction import check_finite
from ..regressor import FFNNRegressor, d2_of_quantiles
from ..typing import NJobs, NNetworks, Verbose
from ..utils.checks import FEW_ROWS, check_is_fitted, checked_rows
from ..utils.documentation import Documented
from ..utils.types import (
    BaseEstimator,
    Matrix,
    RandomState,
    Regressor,
    RegressorMixin,
)
from .averaged import Averaged
from .folds import CrossFit
from .forest import fastest
from .trees import merged

# Replaces the standard deviation of constant targets.
SMALLEST = np.finfo(np.float64).tiny


class AveragedRegressor(Documented, RegressorMixin, Averaged):
    """Average of networks trained on all folds but one, each validated on that fold.

    The rows are split into M folds. Network k is trained on all folds but the k-th,
    which is its validation set and selects its best epoch. The prediction is the mean
    of the predictions of the networks.

    With `loss="squared_error"`, other regressors may be blended in, with weights w ≥ 0
    that minimise the squared error of the out-of-fold predictions, which for each row
    come from the copy that was not trained on it.

    With `loss="quantile"`, the averaged quantiles are conformalised: they are shifted
    so that the out-of-fold quantiles have the right coverage. For levels q ≥ 0.5, the
    shift is the q-quantile of y - f_q(x), with the finite-sample correction (1 + 1/n);
    levels below 0.5 mirror this. So the interval between the levels 0.05 and 0.95
    covers 90 % of new rows from the same distribution, whatever it is. It covers
    slightly more, since the average is more accurate than the single networks that it
    is calibrated with.

    Parameters
    ----------
    estimator : FFNNRegressor, default=None
        The network to train, cloned for each fold; None means `FFNNRegressor()`.
    n_networks : int or "auto", default=5
        M, the number of networks and of folds, at least 2. "auto" is 8, and 4 for more
        than 10000 rows.
    blend_with : list of regressors, default=None
        Other regressors, used only with `loss="squared_error"`. Copies of each are
        trained for four of the folds; with more than 50000 rows, only one copy is
        trained, on at most 100000 rows drawn at random.
    calibrate : bool, default=True
        Whether to shift quantiles to the right coverage.
    planned_for : int or None, default=None
        The number of rows that `max_iter`, `batch_size` and `learning_rate_init` of the
        network are meant for, as in `AveragedClassifier`.
    n_jobs : int, "auto" or None, default="auto"
        Number of processes, as in `AveragedClassifier`.
    random_state : int, RandomState instance or None, default=None
        Determines the folds and the seeds of the networks. Pass an int for
        reproducible results.
    verbose : int, default=0
        If 1 or more, a progress bar shows how many networks are done and the time
        left. It needs the library rich.

    Attributes
    ----------
    estimators_ : list of FFNNRegressor
        The fitted networks.
    blended_ : list of list of regressors
        The fitted copies of each regressor in `blend_with` whose weight is above 0;
        those of `HistGradientBoostingRegressor` are merged into one, which is faster.
    blend_weights_ : ndarray of shape (1 + n_blended,)
        The weight of the networks, followed by those of the other regressors.
    shifts_ : ndarray of shape (n_levels,) or (n_targets, n_levels)
        The shifts of the quantiles; 0 for other losses.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if all column names of X are strings.

    See Also
    --------
    make_tabular_regressor : Pipeline of preprocessing for tables and this estimator.

    References
    ----------
    Romano, Patterson & Candès, *Conformalized quantile regression*, NeurIPS 2019.

    Barber, Candès, Ramdas & Tibshirani, *Predictive inference with the jackknife+*,
    Annals of Statistics, 2021: out-of-fold residuals instead of a calibration set.

    Breiman, *Stacked regressions*, Machine Learning 24, 1996.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skffnn import AveragedRegressor, FFNNRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> network = FFNNRegressor("quantile", (10,), quantile=[0.1, 0.9])
    >>> model = AveragedRegressor(network, n_networks=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape
    (442, 2)
    """

    _network: ClassVar[type] = FFNNRegressor
    _method: ClassVar[str] = "predict"

    shifts_: Array

    def __init__(
        self,
        estimator: BaseEstimator | None = None,
        *,
        n_networks: NNetworks = 5,
        blend_with: Sequence[Regressor] | None = None,
        calibrate: bool = True,
        planned_for: int | None = None,
        n_jobs: NJobs = "auto",
        random_state: RandomState = None,
        verbose: Verbose = 0,
    ) -> None:
        self.estimator = estimator
        self.n_networks = n_networks
        self.blend_with = blend_with
        self.calibrate = calibrate
        self.planned_for = planned_for
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self, X: Matrix, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train the networks.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Training data, finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, at least 0; only their ratios matter.

        Returns
        -------
        self : AveragedRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, or if training diverges.
        """
        base = self._checked_estimator()
        data = self._checked_rows(X, y, sample_weight, y_numeric=True)
        networks, others = self._train(
            base,
            data,
            np.zeros(data.n_rows, np.intp),
            predicted,
            predicted,
            blends=getattr(base, "loss", None) == "squared_error",
        )
        self.estimators_ = networks.fitted
        self.blend_weights_ = stacked([networks, *others]) if others else np.ones(1)
        is_used = self.blend_weights_ > 0
        self.blended_ = [
            merged(o.fitted) for o, u in zip(others, is_used[1:], strict=True) if u
        ]
        self.blend_weights_ = self.blend_weights_[[True, *is_used[1:]]]
        levels = self._levels()
        self.shifts_ = np.zeros(1)
        if levels is not None and self.calibrate and networks.is_known.any():
            self.shifts_ = shifts(networks, levels)
        return self

    def _levels(self) -> tuple[float, ...] | None:
        """Return the levels of the predicted quantiles, or None for other losses.

        A single quantile has one level, but adds no axis to the predictions.
        """
        network = self.estimators_[0]
        loss = network._loss() if isinstance(network, FFNNRegressor) else None
        return loss.levels or (loss.quantile,) if isinstance(loss, Quantile) else None

    def predict(self, X: Matrix) -> Array:
        """Return a prediction for each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predictions. A sequence of quantiles adds a last axis, along which they are
            sorted.
        """
        check_is_fitted(self)
        rows: Any = checked_rows(self, X, accept_sparse="csr")
        means = [self._mean_of_networks(rows)]
        for models in self.blended_:
            each = [predicted(fastest(model, rows), rows) for model in models]
            means.append(np.mean(each, axis=0))
        pairs = zip(self.blend_weights_, means, strict=True)
        f = sum(weight * mean for weight, mean in pairs) + self.shifts_
        return np.sort(f, axis=-1) if self._has_axis() else f

    def _mean_of_networks(self, X: Array) -> Array:
        """Return the mean prediction of the networks, for checked rows."""
        networks = self.estimators_
        # With more rows, the overhead of calls no longer matters, and the blocks of a
        # stack are small.
        stack = self._stacked(X.dtype) if X.shape[0] <= FEW_ROWS else None
        if stack is None:
            f: Array = np.mean([predicted(network, X) for network in networks], axis=0)
            return f
        targets = [network._fitted_targets() for network in networks]

        def mean(x: Any) -> Array:
            a = check_finite(stack.forward(x).astype(X.dtype, copy=False))
            each = [own.decode(a_k) for own, a_k in zip(targets, a, strict=True)]
            f: Array = np.mean(check_finite(np.asarray(each)), axis=0)
            return f

        return by_blocks(mean, X, stack)

    def _has_axis(self) -> bool:
        """Return whether predictions have an axis of quantiles."""
        network = self.estimators_[0]
        return isinstance(network, FFNNRegressor) and network._loss().levels is not None

    def score(
        self, X: Matrix, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return R², or D² if several quantiles are predicted.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            As in `FFNNRegressor.score`.
        """
        check_is_fitted(self)
        if not self._has_axis():
            return super().score(X, y, sample_weight)
        return d2_of_quantiles(y, self.predict(X), self._levels() or (), sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        base = FFNNRegressor() if self.estimator is None else self.estimator
        tags.target_tags = get_tags(base).target_tags
        return tags


def predicted(model: Any, X: Any) -> Array:
    """Return the predictions of a fitted model."""
    f: Array = model.predict(X)
    return f


def stacked(models: Sequence[CrossFit]) -> Array:
    """Return the weights that minimise the squared error of out-of-fold predictions.

    Parameters
    ----------
    models : sequence of CrossFit
        The networks, followed by the other models.

    Returns
    -------
    weights : ndarray of shape (n_models,)
        Non-negative, with sum 1.
    """
    rows, data = models[-1].is_known, models[0].folds.data
    first, *others = [model.out[rows] for model in models]
    y = np.asarray(data.y[rows], dtype=np.float64).reshape(first.shape)
    s = np.ones(len(y)) if data.weights is None else np.sqrt(data.weights[rows])
    # The errors of each column of y are relative to its standard deviation.
    s = s.reshape(-1, *[1] * (y.ndim - 1)) / np.maximum(y.std(axis=0), SMALLEST)
    D = np.column_stack([(s * (other - first)).ravel() for other in others])
    w, _ = nnls(D, (s * (y - first)).ravel())  # y ≈ f_0 + Σ w_k (f_k - f_0)
    w /= max(1.0, w.sum())
    return np.array([1 - w.sum(), *w])


def shifts(networks: CrossFit, levels: Sequence[float]) -> Array:
    """Return the shifts that give quantiles the right coverage.

    Parameters
    ----------
    networks : CrossFit
        Networks with out-of-fold predictions of quantiles.
    levels : sequence of float
        The levels.

    Returns
    -------
    shifts : ndarray of shape ([n_targets,] [n_levels])
        To be added to the prediction for a row.
    """
    rows, data = networks.is_known, networks.folds.data
    out = networks.out[rows]
    y = np.asarray(data.y[rows], dtype=np.float64)
    n, weights = len(y), None if data.weights is None else data.weights[rows]
    residuals = y.reshape(n, -1, 1) - out.reshape(n, -1, len(levels))
    found = np.empty(residuals.shape[1:])
    for j, i in np.ndindex(found.shape):
        q, r = levels[i], residuals[:, j, i]
        if q >= 0.5:
            found[j, i] = covering(r, q, weights)
        else:
            found[j, i] = -covering(-r, 1 - q, weights)
    return found.reshape(out.shape[1:])


def covering(r: Array, q: float, weights: Array | None) -> float:
    """Return an upper bound for a fraction q of new residuals.

    It is the ⌈q (n + 1)⌉-th smallest of the n residuals r.
    """
    level = min(1.0, q * (1 + 1 / len(r)))
    return float(np.quantile(r, level, weights=weights, method="inverted_cdf"))
