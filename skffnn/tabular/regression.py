"""AveragedRegressor: an ensemble of networks trained as in cross-validation."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from ..nn.arrays import Array
from ..nn.regression_losses import Quantile
from ..regressor import FFNNRegressor, d2_of_quantiles
from ..typing import NNetworks, Verbose
from ..utils.types import (
    BaseEstimator,
    Documented,
    Matrix,
    RandomState,
    Regressor,
    RegressorMixin,
)
from .average import Average, OutOfFold

# Replaces the standard deviation of constant targets.
SMALLEST = np.finfo(np.float64).tiny


class AveragedRegressor(Documented, RegressorMixin, Average):
    """Average of networks trained on all folds but one, each validated on that fold.

    The rows are split into M folds. Network k is trained on all folds but the k-th,
    which is its validation set and selects its best epoch. The prediction is the mean
    of the predictions of the networks.

    With `loss="squared_error"`, other regressors may be blended in. The prediction is
    then the mean with weights w ≥ 0 that minimise the squared error of the out-of-fold
    predictions, which for each row come from the copy that was not trained on it.

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
    n_jobs : int or None, default=None
        Number of folds to train in parallel, as in `AveragedClassifier`.
    random_state : int, RandomState instance or None, default=None
        Determines the folds and the seeds of the networks. Pass an int for
        reproducible results.
    verbose : int, default=0
        How much progress joblib prints: 0 is nothing, 1 a few lines with the time
        elapsed and left, and 10 or more a line for each fold.

    Attributes
    ----------
    estimators_ : list of FFNNRegressor
        The fitted networks.
    blended_ : list of list of regressors
        The fitted copies of each regressor in `blend_with` whose weight is above 0.
    blend_weights_ : ndarray of shape (1 + n_blended,)
        w: the weight of the networks, followed by that of each regressor in `blended_`.
        They are at least 0 and add up to 1; without a blend, the weight is 1.
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
    _network_method: ClassVar[str] = "predict"
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
        n_jobs: int | None = None,
        random_state: RandomState = None,
        verbose: Verbose = 0,
    ) -> None:
        self._store(locals())

    def _prepare(self, network: Any, y: Any) -> tuple[Array, bool]:
        blends = getattr(network, "loss", None) == "squared_error"
        return np.zeros(len(y), np.intp), blends

    def _from_stack(self, a: Array) -> Array:
        pairs = zip(self.estimators_, a, strict=True)
        return np.array([network.fitted_.targets.decode(a_k) for network, a_k in pairs])

    def _combine(self, networks: OutOfFold, others: list[OutOfFold]) -> None:
        own, *w = convex_weights(networks, others) if others else [1.0]
        pairs = zip(others, w, strict=True)
        self.blended_ = [other.copies for other, w_k in pairs if w_k > 0]
        self.blend_weights_ = np.array([own, *(w_k for w_k in w if w_k > 0)])
        loss, self.shifts_ = self._loss(), np.zeros(1)
        if isinstance(loss, Quantile) and self.calibrate and len(networks.out):
            levels = loss.levels or (loss.quantile,)
            self.shifts_ = shifts(networks, levels)

    def _loss(self) -> Any:
        """Return the loss of the networks, or None for others than FFNNRegressor."""
        network = self.estimators_[0]
        is_ours = isinstance(network, FFNNRegressor)
        return network.fitted_.targets.loss if is_ours else None

    def _levels(self) -> Sequence[float] | None:
        """Return the levels if predictions have an axis of quantiles, or None."""
        levels: Sequence[float] | None = getattr(self._loss(), "levels", None)
        return levels

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
        f = self._weighted_mean(X) + self.shifts_
        return f if self._levels() is None else np.sort(f, axis=-1)

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
        levels = self._levels()
        if levels is None:
            return super().score(X, y, sample_weight)
        return d2_of_quantiles(y, self.predict(X), levels, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        base = FFNNRegressor() if self.estimator is None else self.estimator
        tags.target_tags = get_tags(base).target_tags
        return tags


def convex_weights(networks: OutOfFold, others: Sequence[OutOfFold]) -> list[float]:
    """Return the weights that minimise the squared error of out-of-fold predictions.

    Those of the networks come first. They are at least 0, with sum 1.
    """
    rows = others[0]
    first = networks.out[: len(rows.out)]
    y = np.asarray(rows.y, dtype=np.float64).reshape(first.shape)
    s = np.ones(len(y)) if rows.weights is None else np.sqrt(rows.weights)
    # The errors of each column of y are relative to its standard deviation.
    s = s.reshape(-1, *[1] * (y.ndim - 1)) / np.maximum(y.std(axis=0), SMALLEST)
    D = np.column_stack([(s * (other.out - first)).ravel() for other in others])
    w, _ = nnls(D, (s * (y - first)).ravel())  # y ≈ f_0 + Σ w_k (f_k - f_0)
    w /= max(1.0, w.sum())
    return [1 - w.sum(), *w]


def shifts(networks: OutOfFold, levels: Sequence[float]) -> Array:
    """Return the shifts of quantiles, of shape ([n_targets,] [n_levels])."""
    out, n = networks.out, len(networks.out)
    y = np.asarray(networks.y, dtype=np.float64)
    residuals = y.reshape(n, -1, 1) - out.reshape(n, -1, len(levels))

    def shift(q: float, r: Array) -> Array:
        return -shift(1 - q, -r) if q < 0.5 else covering(q, r, networks.weights)

    found = [shift(q, residuals[:, :, i]) for i, q in enumerate(levels)]
    return np.stack(found, axis=-1).reshape(out.shape[1:])


def covering(q: float, r: Array, weights: Array | None) -> Array:
    """Return an upper bound for a fraction q of new residuals, for each column of r.

    It is the ⌈q (n + 1)⌉-th smallest of the n residuals.
    """
    level = min(1.0, q * (1 + 1 / len(r)))
    bound: Array = np.quantile(r, level, 0, weights=weights, method="inverted_cdf")
    return bound
