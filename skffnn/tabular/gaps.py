"""GapImputer: fills in missing values and adds columns that mark them."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ..nn.arrays import Array
from ..utils.checks import (
    DTYPES,
    check_is_fitted,
    check_number,
    checked_rows,
    input_names,
    validate_data,
)
from ..utils.documentation import Documented
from ..utils.types import BaseEstimator, Table
from .names import NamesPassedOn, names_of


class GapImputer(Documented, NamesPassedOn, BaseEstimator):
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
        self._names_in = names_of(X)
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
        check_is_fitted(self)
        x: Array = checked_rows(self, X, allow_nan=True)
        n_samples, n = x.shape
        filled = np.zeros((n_samples, n + len(self.features_)), x.dtype)
        filled[:, :n] = x
        gaps = np.isnan(x)
        filled[:, :n][gaps] = self.fill_value
        filled[:, n:][gaps[:, self.features_]] = self.gap
        return filled

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Return the names of the columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features. By default `feature_names_in_`; in a pipeline, those
            returned by `TableEncoder`; otherwise "x0", "x1", ….

        Returns
        -------
        names : ndarray of shape (n_columns,)
            The names of the features, then "feature_gap" for each appended column.
        """
        check_is_fitted(self)
        names = input_names(self, input_features)
        gaps = [f"{names[j]}_gap" for j in self.features_]
        return np.array([*names, *gaps], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
