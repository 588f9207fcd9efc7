"""Transformers of numbers: RobustSmoothScaler and GapImputer."""

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from ..nn.arrays import Array
from ..utils.checks import (
    DTYPES,
    check_choice,
    check_number,
    checked_rows,
    input_names,
    validate_data,
)
from ..utils.types import BaseEstimator, Documented, Table, TransformerMixin

# Number of rows to scale at once, which keeps temporary arrays small.
BLOCK_ROWS = 1024


class NumericTransformer(Documented, TransformerMixin, BaseEstimator):
    """Base class of transformers of numeric features with missing values."""

    n_features_in_: int
    feature_names_in_: Array

    def _checked(self, X: Any) -> Array:
        """Return rows for a fitted transformer, as float32 or float64."""
        check_is_fitted(self)
        x: Array = checked_rows(self, X, allow_nan=True)
        return x

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Return the names of the columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features. By default `feature_names_in_`, or "x0", "x1", … if
            it is not defined. A pipeline passes the names from step to step.

        Returns
        -------
        names : ndarray of shape (n_columns,)
            The names of the features; `GapImputer` adds "feature_gap" for each column
            that marks missing values.
        """
        check_is_fitted(self)
        names = input_names(self, input_features)
        gaps = [f"{names[j]}_gap" for j in self._appended()]
        return np.array([*names, *gaps], dtype=object)

    def _appended(self) -> Sequence[int]:
        """Return the features for which a column is appended."""
        return ()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class RobustSmoothScaler(NumericTransformer):
    """Scale features by their median and interquartile range, and clip them smoothly.

    A value x is transformed in two steps::

        z = (x - median) / (upper quartile - lower quartile),
        x ← z / √(1 + (z / limit)²).

    The result is close to z near the median and tends to ± limit far from it, so
    outliers keep their sign but have limited influence. `StandardScaler` uses the mean
    and the standard deviation, which outliers distort.

    If the quartiles of a feature are equal, so are at least half of its values. Then
    half the median distance of the other values from the median replaces the
    interquartile range: half of the other values are within 2 of the median before
    clipping, and the values of a binary feature are 2 apart. A feature that is constant
    in `fit` becomes 0, whatever its values in `transform`. Missing values (NaN) are
    ignored in `fit` and stay missing.

    Parameters
    ----------
    limit : float, default=3.0
        Largest absolute value of the output, above 0. Increase it if differences
        between extreme values matter; decrease it to reduce the influence of outliers.
    dtype : {"float32", "float64"} or None, default=None
        Type of the output; None means that of X. "float32" is accurate enough for
        scaled numbers and takes half the memory.

    Attributes
    ----------
    center_ : ndarray of shape (n_features,)
        Median of each feature; NaN if all its values are missing.
    scale_ : ndarray of shape (n_features,)
        Divisor of each feature; 0 for a constant feature.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if all column names of X are strings.

    See Also
    --------
    sklearn.preprocessing.RobustScaler : Scaling without clipping.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, *Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data*, NeurIPS 2024.

    Examples
    --------
    >>> from skffnn import RobustSmoothScaler
    >>> X = [[1.0], [2.0], [3.0], [4.0], [1e9]]
    >>> RobustSmoothScaler().fit_transform(X).ravel().round(2)
    array([-0.95, -0.49,  0.  ,  0.49,  3.  ])
    """

    def __init__(
        self, limit: float = 3.0, *, dtype: Literal["float32", "float64"] | None = None
    ) -> None:
        self.limit = limit
        self.dtype = dtype

    def fit(self, X: Table, y: ArrayLike | None = None) -> Self:
        """Compute the median and the scale of each feature.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training data: finite numbers, or NaN for missing values.
        y : object, default=None
            Not used.

        Returns
        -------
        self : RobustSmoothScaler
            The fitted scaler.

        Raises
        ------
        ValueError
            If X contains infinity, or a parameter is invalid.
        """
        check_number("limit", self.limit, 0, closed="neither")
        if self.dtype is not None:
            check_choice("dtype", self.dtype, ["float32", "float64"], " or None")
        x: Array = validate_data(self, X, dtype=DTYPES, ensure_all_finite="allow-nan")
        self.center_, self.scale_ = np.array([spread_of(x_j) for x_j in x.T]).T
        return self

    def transform(self, X: Table) -> Array:
        """Scale and clip the features.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Data to scale.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Values between -limit and limit; NaN for missing values. A feature without
            any values in `fit` becomes 0.
        """
        x = self._checked(X)
        scaled = np.empty(x.shape, self.dtype or x.dtype)
        for start in range(0, len(x), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            scaled[rows] = self._scaled(x[rows])
        return scaled

    def _scaled(self, X: Array) -> Array:
        """Return a block of rows, scaled and clipped."""
        with np.errstate(over="ignore"):
            z = (X - self.center_) / np.where(self.scale_ > 0, self.scale_, np.inf)
        largest = np.finfo(z.dtype).max * min(1.0, self.limit)  # z / limit is finite
        z = np.clip(z, -largest, largest)
        z = np.where(np.isnan(self.center_), 0, z)
        clipped: Array = z / np.hypot(1, z / self.limit)
        return clipped

    def inverse_transform(self, X: Table) -> Array:
        """Undo `transform`: z = x / √(1 - (x / limit)²).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Scaled data.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The original values. They are less accurate far from the median, and
            infinite where a scaled value equals the limit.

        Raises
        ------
        ValueError
            If a value is outside [-limit, limit].
        """
        x = self._checked(X)
        largest = np.abs(x[~np.isnan(x)]).max(initial=0)
        if largest > self.limit:
            raise ValueError(
                f"Scaled features must lie in [-{self.limit}, {self.limit}], as limit="
                f"{self.limit}, got absolute values up to {largest}."
            )
        with np.errstate(divide="ignore"):
            z = x / np.sqrt(1 - (x / self.limit) ** 2)
        z = np.where(self.scale_ > 0, z, 0 * x)  # 0 · ∞ is NaN
        return (z * self.scale_ + self.center_).astype(x.dtype, copy=False)


class GapImputer(NumericTransformer):
    """Replace missing values with a number, and mark them in additional columns.

    For each feature with missing values in `fit`, a column is appended that is `gap`
    where the feature is missing and 0 elsewhere.

    Unlike a `FeatureUnion` of `SimpleImputer` and `MissingIndicator`, it makes a single
    array, with the dtype of X.

    Parameters
    ----------
    fill_value : float, default=0.0
        Replacement for missing values. After `RobustSmoothScaler`, 0 is the median of a
        feature.
    gap : float, default=0.3
        Mark of a missing value in the appended columns. With features of magnitude 1,
        0.3 is large enough to learn from informative missing values, and too small to
        overfit to random ones.

    Attributes
    ----------
    features_ : ndarray of int of shape (n_with_gaps,)
        Indices of the features with missing values in `fit`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if all column names of X are strings.

    See Also
    --------
    sklearn.impute.SimpleImputer : With `add_indicator=True`, marks missing values by 1.

    Examples
    --------
    >>> from skffnn import GapImputer
    >>> GapImputer().fit_transform([[1.0, 2.0], [float("nan"), 4.0]])
    array([[1. , 2. , 0. ],
           [0. , 4. , 0.3]])
    """

    def __init__(self, *, fill_value: float = 0.0, gap: float = 0.3) -> None:
        self.fill_value = fill_value
        self.gap = gap

    def fit(self, X: Table, y: ArrayLike | None = None) -> Self:
        """Find the features with missing values.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training data: finite numbers, or NaN for missing values.
        y : object, default=None
            Not used.

        Returns
        -------
        self : GapImputer
            The fitted imputer.

        Raises
        ------
        ValueError
            If X contains infinity, or a parameter is not a number.
        """
        check_number("fill_value", self.fill_value)
        check_number("gap", self.gap)
        x: Array = validate_data(self, X, dtype=DTYPES, ensure_all_finite="allow-nan")
        self.features_ = np.flatnonzero(np.isnan(x).any(axis=0))
        return self

    def transform(self, X: Table) -> Array:
        """Replace missing values.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Data. Missing values are also replaced in features that had none in `fit`.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features + n_with_gaps)
            The data without missing values, and the columns that mark them.
        """
        x = self._checked(X)
        n_samples, n = x.shape
        filled = np.zeros((n_samples, n + len(self.features_)), x.dtype)
        filled[:, :n] = x
        gaps = np.isnan(x)
        filled[:, :n][gaps] = self.fill_value
        filled[:, n:][gaps[:, self.features_]] = self.gap
        return filled

    def _appended(self) -> Sequence[int]:
        return list(self.features_)


def spread_of(x: Array) -> tuple[float, float]:
    """Return the centre and the scale of a feature; NaN and 0 without any values."""
    x = x[~np.isnan(x)]
    if not len(x):
        return np.nan, 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        lower, centre, upper = np.quantile(x, [0.25, 0.5, 0.75])
        scale = upper - lower
        if not scale > 0:
            distance = np.abs(x - centre)
            distance = distance[distance > 0]
            scale = np.median(distance) / 2 if len(distance) else 0
    return float(centre), float(scale)
