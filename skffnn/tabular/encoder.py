"""TableEncoder: a table of mixed columns as one matrix of numbers."""

from collections import Counter
from collections.abc import Sequence
from enum import Enum
from itertools import chain, count
from numbers import Number
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from ..nn.arrays import Array
from ..utils.checks import check_number
from ..utils.documentation import Documented

# How pandas and polars begin the names of types whose values are names, even if they
# look like numbers.
NOMINAL_DTYPES = ("category", "categorical", "enum", "bool")


class Rest(Enum):
    """The category of all that has none of its own.

    No cell can be equal to it, and a copy, or one read from a file, is the same.
    """

    OTHER = "other"


OTHER = Rest.OTHER


class TableEncoder(Documented, TransformerMixin, BaseEstimator):
    """Leave numeric columns as they are, and make nominal ones columns of 0 and 1.

    Numeric is what holds numbers: integers and floats of any size, also in a column of
    objects. Strings, truth values, categories (whatever they are) and columns of mixed
    objects are nominal. Missing cells (None, NaN, the NA of pandas, the null of polars)
    stay missing in a numeric column, and are a category of their own in a nominal one,
    if `fit` has seen one there.

    A category that `fit` has not seen is counted as "other" where there are so many
    categories that the rare ones share this column, and gets 0 in all columns else.

    Parameters
    ----------
    max_categories : int, default=100
        Most columns, at least 2, that one nominal column becomes: if it has more
        categories, the rarest ones share one column, "other".

    Attributes
    ----------
    categories_ : list of (list or None)
        The categories of each column, in order; None for a numeric one. `None` among
        them stands for missing cells.
    n_features_in_ : int
        Columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if X had names that are all strings.

    See Also
    --------
    sklearn.preprocessing.OneHotEncoder : For tables that have nominal columns only.

    Examples
    --------
    >>> from skffnn import TableEncoder
    >>> table = [[1.5, "red"], [None, "blue"], [2.5, "red"]]
    >>> encoder = TableEncoder().fit(table)
    >>> encoder.transform([[3, "red"], [None, "green"]])
    array([[ 3.,  0.,  1.],
           [nan,  0.,  0.]])
    >>> encoder.get_feature_names_out()
    array(['x0', 'x1_blue', 'x1_red'], dtype=object)
    """

    def __init__(self, *, max_categories: int = 100) -> None:
        self.max_categories = max_categories

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find out which columns are nominal, and their categories.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training rows.
        y : object, default=None
            Not used.

        Returns
        -------
        self : TableEncoder
            The fitted encoder.

        Raises
        ------
        ValueError
            If a column holds infinite numbers, or dates.
        TypeError
            If a cell is neither a number nor anything that could name a category.
        """
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Array:
        """Fit to a table and encode it, reading it once.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training rows.
        y : object, default=None
            Not used.

        Returns
        -------
        X : ndarray of shape (n_samples, n_encoded)
            The encoded rows.
        """
        check_number("max_categories", self.max_categories, 2, integer=True)
        return self._encode(X, reset=True)

    def transform(self, X: Any) -> Array:
        """Encode a table.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows with the columns of the table that was fitted to.

        Returns
        -------
        X : ndarray of shape (n_samples, n_encoded)
            Numbers; NaN for the missing ones of numeric columns.

        Raises
        ------
        ValueError
            If a numeric column holds anything but finite numbers and missing cells.
        """
        check_is_fitted(self)
        return self._encode(X, reset=False)

    def _encode(self, X: Any, *, reset: bool) -> Array:
        """Encode column by column; with `reset`, fit to each of them first."""
        if not is_frame(X):
            X = check_array(X, dtype=kept_dtype(X), ensure_all_finite=False)
        validate_data(self, X, reset=reset, skip_check_array=True)
        columns = columns_of(X)
        if len(columns[0]) == 0:
            raise ValueError("X has 0 sample(s), and at least 1 is needed.")
        names = getattr(self, "feature_names_in_", range(len(columns)))
        if reset:
            self.categories_ = [
                find_categories(column, self.max_categories, name)
                for column, name in zip(columns, names, strict=True)
            ]
        return np.hstack(
            [
                numbers(column, name)[:, np.newaxis]
                if categories is None
                else one_hot(column, categories)
                for column, categories, name in zip(
                    columns, self.categories_, names, strict=True
                )
            ]
        )

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the encoded columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of the table, if `fit` has not seen any; "x0", "x1", …
            by default.

        Returns
        -------
        names : ndarray of shape (n_encoded,)
            The name of a numeric column; "name_category" for each category, such as
            "colour_red" or "colour_missing". Where two of these would be equal,
            strings are put in quotes ("colour_'missing'" beside "colour_missing"), and
            names that are still equal are numbered ("colour_missing_2").
        """
        check_is_fitted(self)
        default = [f"x{i}" for i in range(self.n_features_in_)]
        known = getattr(self, "feature_names_in_", None)
        if input_features is None:
            input_features = default if known is None else known
        elif known is not None and not np.array_equal(input_features, known):
            raise ValueError("input_features is not equal to feature_names_in_")
        elif len(input_features) != self.n_features_in_:
            raise ValueError(
                f"input_features should have length equal to {self.n_features_in_}"
            )
        return np.array(column_names(input_features, self.categories_), dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def is_frame(X: Any) -> bool:
    """Tell a frame of pandas or polars from anything else."""
    return hasattr(X, "columns") and (hasattr(X, "iloc") or hasattr(X, "get_columns"))


def kept_dtype(X: Any) -> Any:
    """Return the type to read an array as: lists may mix numbers and strings."""
    return None if hasattr(X, "dtype") or hasattr(X, "__array__") else object


def columns_of(X: Any) -> list[Any]:
    """Return the columns of a frame or of an array."""
    if hasattr(X, "get_columns"):
        return list(X.get_columns())
    if hasattr(X, "iloc"):
        return [X.iloc[:, j] for j in range(X.shape[1])]
    return list(X.T)


def find_categories(column: Any, most: int, name: Any) -> list[Any] | None:
    """Return the categories of a nominal column, None for a numeric one.

    Parameters
    ----------
    column : ndarray or series
        A column of the table.
    most : int
        The largest number of categories.
    name : object
        What to call the column in a message.

    Returns
    -------
    categories : list or None
        In the order of their names, `OTHER` last if there were more.

    Raises
    ------
    TypeError
        If a cell cannot name a category.
    """
    if not is_nominal(column):
        return None
    try:
        counts = Counter(cells(column))
    except TypeError as error:
        raise TypeError(
            f"Column {name!r} of X: argument must be a string or a number ({error})."
        ) from error
    categories = sorted(counts, key=labels)
    if len(categories) > most:
        categories.sort(key=counts.__getitem__, reverse=True)
        categories = [*sorted(categories[: most - 1], key=labels), OTHER]
    return categories


def is_nominal(column: Any) -> bool:
    """Tell whether a column holds categories and not numbers."""
    if str(column.dtype).lower().startswith(NOMINAL_DTYPES):
        return True
    kind = np.asarray(column).dtype.kind
    if kind != "O":
        return kind not in "iufcmM"
    return not all(
        cell is None or (isinstance(cell, Number) and not isinstance(cell, bool))
        for cell in cells(column)
    )


def cells(column: Any) -> list[Any]:
    """Return the cells of a column as plain values, the missing ones as None."""
    return [None if is_missing(cell) else cell for cell in np.asarray(column).tolist()]


def is_missing(cell: Any) -> bool:
    """Tell whether a cell is None, NaN, or the NA or NaT of pandas."""
    if cell is None or isinstance(cell, float):
        return cell is None or cell != cell
    return type(cell).__name__ in ("NAType", "NaTType")


def numbers(column: Any, name: Any) -> Array:
    """Return a column of numbers, NaN where a cell is missing.

    Parameters
    ----------
    column : ndarray or series
        A column of the table.
    name : object
        What to call it in a message.

    Returns
    -------
    x : ndarray of shape (n_samples,)
        Numbers.

    Raises
    ------
    ValueError
        If there is anything else.
    """
    values: Any = np.asarray(column)
    if values.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: column {name!r} of X has some.")
    if values.dtype.kind in "mM":
        raise ValueError(
            f"Column {name!r} of X holds dates or durations. Turn them into numbers "
            "first, such as days since a first day."
        )
    try:
        if values.dtype.kind == "O":
            values = [np.nan if cell is None else cell for cell in cells(values)]
        x = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Column {name!r} of X held numbers in fit, and now holds something else: "
            f"{error}."
        ) from error
    if np.isinf(x).any():
        raise ValueError(f"Input X contains infinity, in column {name!r}.")
    return x


def one_hot(column: Any, categories: Sequence[Any]) -> Array:
    """Return a column for each category, 1 where a cell has it.

    Parameters
    ----------
    column : ndarray or series
        A column of the table.
    categories : sequence
        From `find_categories`.

    Returns
    -------
    x : ndarray of shape (n_samples, n_categories)
        Of 0 and 1.
    """
    position = {category: i for i, category in enumerate(categories)}
    other = position.get(OTHER, -1)
    codes = np.array([position.get(cell, other) for cell in cells(column)])
    return (codes[:, np.newaxis] == np.arange(len(categories))).astype(np.float64)


def labels(category: Any) -> tuple[str, str]:
    """Return the label of a category, plain and with a string in quotes.

    Together they put categories in an order that does not depend on the rows, since
    they tell "1" from 1, and "missing" from a missing cell.
    """
    if category is OTHER:
        return "other", "other"
    if category is None:
        return "missing", "missing"
    plain = str(category)
    return plain, repr(category) if isinstance(category, str) else plain


def column_names(features: Sequence[str], categories: Sequence[Any]) -> list[str]:
    """Return a unique name for each encoded column.

    Parameters
    ----------
    features : sequence of str
        Names of the columns of the table.
    categories : sequence of (list or None)
        Categories of each column; None for a numeric one.

    Returns
    -------
    names : list of str
        The plain name where no other column has it; otherwise with the category in
        quotes if it is a string; and if that is taken too, numbered.
    """
    columns: list[tuple[str, str, bool]] = []  # plain, in quotes, is it categorical
    for feature, found in zip(features, categories, strict=True):
        if found is None:
            columns.append((feature, feature, False))
        else:
            columns += [
                (f"{feature}_{a}", f"{feature}_{b}", True)
                for a, b in map(labels, found)
            ]
    uses = Counter(plain for plain, _, _ in columns)
    # Unique plain names are given first, then those of numeric columns.
    order = sorted(
        range(len(columns)),
        key=lambda i: (uses[columns[i][0]] > 1, columns[i][2]),
    )
    names: dict[str, int] = {}
    for i in order:
        plain, quoted, _ = columns[i]
        chosen = plain if uses[plain] == 1 else quoted
        numbered = (f"{chosen}_{k}" for k in count(2))
        names[next(name for name in chain([chosen], numbered) if name not in names)] = i
    return sorted(names, key=names.__getitem__)
