"""RobustSmoothScaler: features on one scale, however long their tails."""

import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ..nn.arrays import Array
from ..utils.checks import DTYPES, check_number
from ..utils.documentation import Documented


class RobustSmoothScaler(
    Documented, OneToOneFeatureMixin, TransformerMixin, BaseEstimator
):
    """Scale each feature by its median and quartiles, and clip it smoothly.

    A number x becomes ::

        z = (x - median) / (upper - lower quartile),    x ← z / √(1 + (z / limit)²)

    Near the median this is z itself; far away it tends to ± limit, so that an outlier
    stays on its side and loses its weight. Mean and standard deviation, which
    `StandardScaler` goes by, are themselves moved by outliers.

    A feature whose quartiles are equal is divided by half of its range instead, so
    that 0 and 1, of which one is the median, are 2 apart before they are clipped. A
    feature that is constant becomes 0, whatever its value in rows to come. A missing
    value (NaN) is left out of the statistics and stays missing.

    Parameters
    ----------
    limit : float, default=3.0
        Bound > 0 on the size of what comes out.

    Attributes
    ----------
    center_ : ndarray of shape (n_features,)
        Median of each feature; NaN for one that is missing throughout.
    scale_ : ndarray of shape (n_features,)
        What each feature is divided by; 0 for a constant one.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if X had names that are all strings.

    See Also
    --------
    sklearn.preprocessing.RobustScaler : The same without the clip.

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

    def __init__(self, limit: float = 3.0) -> None:
        self.limit = limit

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the median and the quartiles of each feature.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training rows: finite numbers, or NaN.
        y : object, default=None
            Not used.

        Returns
        -------
        self : RobustSmoothScaler
            The fitted scaler.

        Raises
        ------
        ValueError
            If X has infinite numbers, or `limit` is not a number above 0.
        """
        check_number("limit", self.limit, 0, closed="neither")
        X = self._check(X, reset=True)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)
            low, lower, centre, upper, high = np.nanquantile(
                X, [0, 0.25, 0.5, 0.75, 1], axis=0
            )
        scale = np.where(upper > lower, upper - lower, (high - low) / 2)
        self.center_ = centre
        self.scale_ = np.where(np.isnan(centre), 0, scale)
        return self

    def transform(self, X: Any) -> Array:
        """Scale and clip.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Numbers of size at most `limit`; NaN where there was one, but 0 throughout
            for a feature of which `fit` has seen no number.
        """
        check_is_fitted(self)
        X = self._check(X, reset=False)
        with np.errstate(over="ignore"):
            z = (X - self.center_) / np.where(self.scale_ > 0, self.scale_, np.inf)
        largest = np.finfo(z.dtype).max
        z = np.clip(z, -largest, largest)
        z = np.where(np.isnan(self.center_), 0, z)
        return (z / np.hypot(1, z / self.limit)).astype(X.dtype, copy=False)

    def inverse_transform(self, X: Any) -> Array:
        """Undo `transform`: z = x / √(1 - (x / limit)²).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Scaled rows.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Rows as they were, up to rounding, which far from the median takes many
            digits; infinite where a number was rounded to the limit.

        Raises
        ------
        ValueError
            If a number is beyond the limit.
        """
        check_is_fitted(self)
        X = self._check(X, reset=False)
        if (np.abs(X) > self.limit).any():
            raise ValueError(f"Scaled features lie between -{self.limit} and it.")
        with np.errstate(divide="ignore"):
            z = X / np.sqrt(1 - (X / self.limit) ** 2)
        z = np.where(self.scale_ > 0, z, 0 * X)  # 0 · ∞ is no number
        return (z * self.scale_ + self.center_).astype(X.dtype, copy=False)

    def _check(self, X: Any, *, reset: bool) -> Array:
        """Check rows."""
        return validate_data(
            self, X, reset=reset, dtype=DTYPES, ensure_all_finite="allow-nan"
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
