"""Column names, passed from one step of a pipeline to the next."""

from typing import Any

import numpy as np

from ..nn.arrays import Array
from ..utils.types import Table, TransformerMixin


class NamedArray(np.ndarray):
    """An array with column names.

    scikit-learn reads names only from dataframes, and checks them at each prediction.
    The transformers of this package return a named array from `fit_transform` and read
    its names in `fit`, so every step of a fitted pipeline knows its columns, at no cost
    in predictions. Other code sees an ordinary array, and results computed from it have
    no names.

    Attributes
    ----------
    column_names : ndarray of str of shape (n_columns,), or None
        The names.
    """

    column_names: Array | None = None

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))


def named(X: Any, names: Array) -> Any:
    """Return an array with column names; anything else, such as a dataframe, unchanged.

    Parameters
    ----------
    X : {ndarray, dataframe} of shape (n_samples, n_columns)
        Output of a transformer.
    names : ndarray of str of shape (n_columns,)
        Names of the columns.

    Returns
    -------
    X : {NamedArray, dataframe} of shape (n_samples, n_columns)
        A view, without a copy.
    """
    if type(X) is not np.ndarray:
        return X
    X = X.view(NamedArray)
    X.column_names = names
    return X


def names_of(X: Any) -> Array | None:
    """Return the column names that a transformer has passed on, or None."""
    return X.column_names if isinstance(X, NamedArray) else None


class NamesPassedOn(TransformerMixin):
    """Mixin for transformers whose `fit_transform` passes on the column names.

    The transformer ignores y, and its `fit` stores `names_of(X)`.
    """

    fit: Any
    transform: Any
    get_feature_names_out: Any

    def fit_transform(self, X: Table, y: Any = None, **fit_params: Any) -> Array:
        """Fit to data, and transform it.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training data: finite numbers, or NaN for missing values.
        y : object, default=None
            Not used.
        **fit_params : dict
            Not used.

        Returns
        -------
        X : ndarray of shape (n_samples, n_columns)
            The transformed data.
        """
        transformed = self.fit(X).transform(X)
        result: Array = named(transformed, self.get_feature_names_out())
        return result
