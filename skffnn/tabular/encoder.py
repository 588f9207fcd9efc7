"""TableEncoder: encodes a table with columns of mixed types as a numeric matrix."""

from collections import Counter
from collections.abc import Sequence
from enum import Enum
from itertools import chain, count
from numbers import Number
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_consistent_length

from ..nn.arrays import Array
from ..utils.checks import (
    check_choice,
    check_is_fitted,
    check_number,
    has_known_names,
    input_names,
    is_frame,
    validate_data,
)
from ..utils.documentation import Documented
from ..utils.types import BaseEstimator, Table, TransformerMixin
from .cells import cells, is_missing
from .dates import PARTS, as_dates, parts
from .names import named
from .target_means import TARGETS, TargetKind, TargetMeans

# Prefixes of the pandas and polars dtypes that are categorical even if their values are
# numbers.
CATEGORICAL_DTYPES = ("category", "categorical", "enum", "bool")


# Types of cells whose meaning does not depend on the rest of the column.
PLAIN = {float, int, bool, type(None)}

# Up to this many rows are encoded cell by cell, which is faster.
FEW_ROWS = 64


class Rest(Enum):
    """The category of all infrequent categories.

    An enumeration member equals no cell, and remains the same object when it is copied
    or unpickled.
    """

    OTHER = "other"

    def __reduce__(self) -> tuple[Any, ...]:
        # skops calls this method, but Enum defines only __reduce_ex__.
        return Rest, (self.value,)


OTHER = Rest.OTHER


class TableEncoder(Documented, TransformerMixin, BaseEstimator):
    """One-hot encode categorical columns and leave numeric columns as they are.

    Columns of integers or floats are numeric, even with dtype object. Columns of
    strings, booleans or mixed objects are categorical, and so are columns with a
    categorical dtype, whatever their values.

    Dates and times become four numbers: days since 1970, month, weekday (0 is Monday)
    and hour; time zones are dropped. Durations become days.

    Missing values (None, NaN, NA in pandas, null in polars) stay missing in a numeric
    column. In a categorical column, they are a category of their own if `fit` has seen
    any.

    A category not seen in `fit` is encoded as "other" if the column has infrequent
    categories, and otherwise as 0 in all columns.

    Parameters
    ----------
    max_categories : int, default=100
        Maximum number of encoded columns for one categorical column, at least 2. If it
        has more categories, the infrequent ones share one column, "other". Decrease it
        if a column with many categories makes the encoded matrix too wide.
    max_columns : int, default=500
        Maximum number of encoded columns for all categorical columns together, at least
        2. If there are more, `max_categories` is lowered, but not below 2.
    target_means : {"classes", "numbers"} or None, default=None
        Whether y holds class labels or numbers, for target encoding. A categorical
        column with infrequent categories then also gets the mean of y for each
        category, including the infrequent ones; with more than two classes, the
        frequency of each class. There is no target encoding with None, or if y has
        several columns. In `fit_transform`, the means for a row come from other rows,
        as in `sklearn.preprocessing.TargetEncoder`, so that a model trained on the
        result does not overfit to them; `transform` uses the means over all rows.

    Attributes
    ----------
    categories_ : list of (list or None)
        The categories of each column, in the order of the encoded columns; None for a
        column of numbers or dates. The category None stands for missing values.
    dates_ : list of bool
        Whether each column holds dates.
    means_ : list of (TargetMeans or None)
        The means of y for each category of a column; None without target encoding.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if all column names of X are strings.

    See Also
    --------
    sklearn.preprocessing.OneHotEncoder : One-hot encodes all columns.
    sklearn.preprocessing.TargetEncoder : Target-encodes all columns.

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

    categories_: list[Any]
    dates_: list[bool]
    means_: list[Any]

    def __init__(
        self,
        *,
        max_categories: int = 100,
        max_columns: int = 500,
        target_means: TargetKind | None = None,
    ) -> None:
        self.max_categories = max_categories
        self.max_columns = max_columns
        self.target_means = target_means

    def fit(self, X: Table, y: ArrayLike | None = None) -> Self:
        """Determine which columns are categorical, and their categories.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,), default=None
            Class labels or numbers, used only for target encoding.

        Returns
        -------
        self : TableEncoder
            The fitted encoder.

        Raises
        ------
        ValueError
            If a column contains infinity.
        TypeError
            If a cell is not hashable, such as a list.
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(  # type: ignore[override]
        self, X: Table, y: ArrayLike | None = None
    ) -> Array:
        """Fit to a table, and encode it.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,), default=None
            Class labels or numbers, used only for target encoding.

        Returns
        -------
        X : ndarray of shape (n_samples, n_encoded)
            The encoded table.
        """
        check_number("max_categories", self.max_categories, 2, integer=True)
        check_number("max_columns", self.max_columns, 2, integer=True)
        if self.target_means is not None:
            check_choice("target_means", self.target_means, TARGETS, " or None")
        columns = columns_of(self._checked(X, reset=True))
        self.dates_ = [as_dates(column) is not None for column in columns]
        counts = [
            None if dated else categories_of(column, name)
            for column, dated, name in zip(
                columns, self.dates_, self._names(columns), strict=True
            )
        ]
        most = most_categories(counts, self.max_categories, self.max_columns)
        self.categories_ = [found and frequent(found, most) for found in counts]
        self.means_ = [None] * len(columns)
        of_rows: dict[int, Array] = {}
        y = np.asarray(y)
        if self.target_means is not None and y.ndim == 1:
            check_consistent_length(columns[0], y)
            for j, found in enumerate(counts):
                if found and self.categories_[j][-1] is OTHER:
                    names = sorted(found, key=labels)
                    self.means_[j], of_rows[j] = TargetMeans.fit_transform(
                        cells(columns[j]), names, y, self.target_means
                    )
        X = self._encode(columns, of_rows)
        return named(X, self.get_feature_names_out())

    def transform(self, X: Table) -> Array:
        """Encode a table.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            A table with the same columns as in `fit`.

        Returns
        -------
        X : ndarray of shape (n_samples, n_encoded)
            The encoded table, with NaN for missing values of numeric columns.

        Raises
        ------
        ValueError
            If a numeric column contains anything but finite numbers and missing values.
        """
        check_is_fitted(self)
        table: Any = X if self._is_as_in_fit(X) else self._checked(X, reset=False)
        if len(table) <= FEW_ROWS:
            encoded = self._encode_few(table)
            if encoded is not None:
                return encoded
        return self._encode(columns_of(table), {})

    def _checked(self, X: Any, *, reset: bool) -> Any:
        """Return X as a dataframe or an array, with its columns checked."""
        if not is_frame(X):
            X = check_array(X, dtype=kept_dtype(X), ensure_all_finite=False)
        validate_data(self, X, reset=reset, skip_check_array=True)
        if len(X) == 0:
            raise ValueError("X has 0 sample(s), but at least 1 is required.")
        return X

    def _is_as_in_fit(self, X: Any) -> bool:
        """Return whether X is certainly valid, which is faster than checking it."""
        if is_frame(X):
            return has_known_names(self, X) and len(X) > 0
        named = hasattr(self, "feature_names_in_")
        if named or type(X) is not np.ndarray or X.dtype.kind not in "biufO":
            return False
        return X.ndim == 2 and len(X) > 0 and X.shape[1] == self.n_features_in_

    def _names(self, columns: Any) -> Any:
        """Return the names of the columns, or their indices."""
        return getattr(self, "feature_names_in_", range(len(columns)))

    def _encode(self, columns: Sequence[Any], of_rows: dict[int, Array]) -> Array:
        """Encode column by column; `of_rows` are out-of-fold means of y, if any."""
        kinds = list(zip(self.categories_, self.dates_, self.means_, strict=True))
        widths = [width(*kind) for kind in kinds]
        X = np.empty((len(columns[0]), sum(widths)))
        end = np.cumsum(widths)
        for j, name in enumerate(self._names(columns)):
            place = X[:, end[j] - widths[j] : end[j]]
            categories, dated, means = kinds[j]
            if means is not None:
                n = means.table.shape[1]
                found = of_rows.get(j)
                place[:, -n:] = (
                    means.transform(cells(columns[j])) if found is None else found
                )
                place = place[:, :-n]
            place[...] = encoded_column(columns[j], categories, dated, name)
        return X

    def _encode_few(self, X: Any) -> Array | None:
        """Encode few rows, or return None if that has to be done column by column.

        Extracting a column from a dataframe takes longer than encoding it, so all cells
        are extracted at once. This works for dates, and for cells that are plain.
        """
        columns = list(zip(*rows_of(X), strict=True))
        kinds = list(zip(self.categories_, self.dates_, self.means_, strict=True))
        encoded = np.zeros((len(X), sum(width(*kind) for kind in kinds)))
        end = 0
        for j, (categories, dated, means) in enumerate(kinds):
            start, end = end, end + width(categories, dated, means)
            place = encoded[:, start:end]
            if dated:
                name = self._names(kinds)[j]
                place[...] = encoded_column(column_of(X, j), None, True, name)
            elif not are_plain(columns[j], numeric=categories is None):
                return None
            else:
                encode_cells(columns[j], categories, means, place)
        return None if np.isinf(encoded).any() else encoded

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Return the names of the encoded columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of the table. By default `feature_names_in_`, or "x0",
            "x1", … if it is not defined.

        Returns
        -------
        names : ndarray of shape (n_encoded,)
            Unique names: those of numeric columns, "column_days" etc. for dates,
            "column_mean" for means of y (numbered if there are several), and
            "column_category" for each category, such as `"colour_red"` or
            `"colour_missing"`. If two of these are equal, categories that are strings
            are quoted (`"colour_'missing'"`), and names that are still equal are
            numbered (`"colour_missing_2"`).
        """
        check_is_fitted(self)
        names = input_names(self, input_features)
        n_means = [0 if m is None else m.table.shape[1] for m in self.means_]
        unique = column_names(names, self.categories_, self.dates_, n_means)
        return np.array(unique, dtype=object)

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        # Pickled by an earlier version.
        self.__dict__.setdefault("max_columns", 10**9)
        self.__dict__.setdefault("target_means", None)
        if hasattr(self, "categories_"):
            self.__dict__.setdefault("dates_", [False] * len(self.categories_))
            self.__dict__.setdefault("means_", [None] * len(self.categories_))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def width(categories: Any, dated: bool, means: TargetMeans | None) -> int:
    """Return the number of encoded columns of one column."""
    if dated:
        return len(PARTS)
    n = 1 if categories is None else len(categories)
    return n if means is None else n + means.table.shape[1]


def encoded_column(column: Any, categories: Any, dated: bool, name: Any) -> Array:
    """Return the encoded columns of one column, except for the means of y.

    Parameters
    ----------
    column : ndarray or series
        A column of the table.
    categories : list or None
        Its categories, if it is categorical.
    dated : bool
        Whether it holds dates.
    name : object
        Its name, for error messages.

    Returns
    -------
    x : ndarray of shape (n_samples, n_encoded)
        The one-hot encoding, the parts of dates, or the numbers.

    Raises
    ------
    ValueError
        If the column was numeric, or held dates, in `fit`, but does not now.
    """
    if categories is not None:
        return one_hot(column, categories)
    if not dated:
        return numbers(column, name)[:, np.newaxis]
    dates = as_dates(column)
    if dates is None and all(cell is None for cell in cells(column)):
        dates = np.full(len(column), "NaT", dtype="datetime64[us]")
    if dates is None:
        raise ValueError(f"Column {name!r} of X had dates in fit, but has none now.")
    return parts(dates)


def kept_dtype(X: Any) -> Any:
    """Return the dtype for `check_array`: object for lists, which may mix types."""
    return None if hasattr(X, "dtype") or hasattr(X, "__array__") else object


def columns_of(X: Any) -> list[Any]:
    """Return the columns of a dataframe or of an array."""
    return [column_of(X, j) for j in range(X.shape[1])]


def column_of(X: Any, j: int) -> Any:
    """Return a column of a dataframe or of an array."""
    if hasattr(X, "get_columns"):
        return X.to_series(j)
    return X.iloc[:, j] if hasattr(X, "iloc") else X[:, j]


def rows_of(X: Any) -> Any:
    """Return the rows of a dataframe or of an array, with cells as Python objects."""
    if hasattr(X, "get_columns"):
        return X.rows()
    if hasattr(X, "iloc") and len(X) == 1:  # faster than columns of different dtypes
        row = [X.iat[0, j] for j in range(X.shape[1])]
        return [[v.item() if is_number_of_numpy(v) else v for v in row]]
    if hasattr(X, "iloc"):
        return X.to_numpy(dtype=object).tolist()
    # `tolist` converts times in nanoseconds to integers, as Python has no such times.
    return [*X] if X.dtype.kind in "mM" else X.tolist()


def is_number_of_numpy(value: Any) -> bool:
    """Return whether a cell is a number or boolean of NumPy, and not a time."""
    return isinstance(value, np.generic) and value.dtype.kind in "biuf"


def are_plain(cells: Sequence[Any], *, numeric: bool) -> bool:
    """Return whether cells can be encoded without the rest of their column.

    They must be numbers, missing values, or strings in a categorical column.
    """
    types = {*map(type, cells)} - PLAIN
    if str in types and not numeric:
        types.remove(str)
    return all(kind.__name__ == "NAType" for kind in types)


def encode_cells(
    cells: Sequence[Any], categories: Any, means: TargetMeans | None, place: Array
) -> None:
    """Encode a few cells of a column.

    Parameters
    ----------
    cells : sequence
        Cells that `are_plain`.
    categories : list or None
        The categories of the column, if it is categorical.
    means : TargetMeans or None
        The means of y for the categories.
    place : ndarray of shape (n_samples, n_encoded)
        The output, filled with 0.
    """
    found = [None if is_missing(cell) else cell for cell in cells]
    if categories is None:
        place[:, 0] = found  # None becomes NaN
        return
    for i, cell in enumerate(found):
        if cell in categories:
            place[i, categories.index(cell)] = 1
        elif categories[-1] is OTHER:
            place[i, len(categories) - 1] = 1
    if means is not None:
        place[:, len(categories) :] = means.transform(found)


def categories_of(column: Any, name: Any) -> Counter[Any] | None:
    """Count the categories of a column; return None if it is not categorical.

    Parameters
    ----------
    column : ndarray or series
        A column of the table.
    name : object
        Name of the column, for error messages.

    Returns
    -------
    counts : Counter or None
        The number of cells in each category.

    Raises
    ------
    TypeError
        If a cell is not hashable.
    """
    if not is_categorical(column):
        return None
    try:
        return Counter(cells(column))
    except TypeError as error:
        raise TypeError(
            f"Column {name!r} of X contains a cell of an unsupported type ({error}): "
            "argument must be a string or a number. Convert or drop the column."
        ) from error


def most_categories(counts: Sequence[Any], most: int, most_in_all: int) -> int:
    """Return the maximum number of categories to encode in each column.

    Parameters
    ----------
    counts : sequence of (Counter or None)
        The categories of each column.
    most : int
        Maximum for one column.
    most_in_all : int
        Maximum for all columns together.

    Returns
    -------
    most : int
        `most`, lowered to satisfy `most_in_all`, but at least 2.
    """
    sizes = np.array([len(found) for found in counts if found is not None])
    while most > 2 and np.minimum(sizes, most).sum() > most_in_all:
        most -= 1
    return most


def frequent(counts: Counter[Any], most: int) -> list[Any]:
    """Return the most frequent categories of a column.

    Parameters
    ----------
    counts : Counter
        The number of cells in each category.
    most : int
        Maximum number of categories, including `OTHER`.

    Returns
    -------
    categories : list
        Sorted by label, with `OTHER` at the end if there are infrequent ones.
    """
    categories = sorted(counts, key=labels)
    if len(categories) > most:
        categories.sort(key=counts.__getitem__, reverse=True)
        categories = [*sorted(categories[: most - 1], key=labels), OTHER]
    return categories


def is_categorical(column: Any) -> bool:
    """Return whether a column is categorical and not numeric."""
    if str(column.dtype).lower().startswith(CATEGORICAL_DTYPES):
        return True
    kind = np.asarray(column).dtype.kind
    if kind != "O":
        return kind not in "iufcmM"
    return not all(
        cell is None or (isinstance(cell, Number) and not isinstance(cell, bool))
        for cell in cells(column)
    )


def numbers(column: Any, name: Any) -> Array:
    """Return a numeric column as floats, with NaN for missing values.

    Parameters
    ----------
    column : ndarray or series
        A column of the table.
    name : object
        Name of the column, for error messages.

    Returns
    -------
    x : ndarray of shape (n_samples,)
        The values, as float64.

    Raises
    ------
    ValueError
        If a cell is neither a finite real number nor missing.
    """
    values: Any = np.asarray(column)
    if values.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: convert column {name!r} of X.")
    if values.dtype.kind == "M":
        raise ValueError(f"Column {name!r} of X was numeric in fit, but has dates now.")
    if values.dtype.kind == "m":
        values = values / np.timedelta64(1, "D")
    try:
        if values.dtype.kind == "O":
            values = [np.nan if cell is None else cell for cell in cells(values)]
        x = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Column {name!r} of X was numeric in fit, but contains other values now: "
            f"{error}."
        ) from error
    if np.isinf(x).any():
        raise ValueError(f"Input X contains infinity in column {name!r}.")
    return x


def one_hot(column: Any, categories: Sequence[Any]) -> Array:
    """Return one column per category, 1 where a cell belongs to it and 0 elsewhere.

    Parameters
    ----------
    column : ndarray or series
        A column of the table.
    categories : sequence
        Its categories, as returned by `frequent`.

    Returns
    -------
    x : ndarray of shape (n_samples, n_categories)
        The one-hot encoding.
    """
    position = {category: i for i, category in enumerate(categories)}
    other = position.get(OTHER, -1)
    codes = np.array([position.get(cell, other) for cell in cells(column)])
    return (codes[:, np.newaxis] == np.arange(len(categories))).astype(np.float64)


def labels(category: Any) -> tuple[str, str]:
    """Return the label of a category, both plain and with strings in quotes.

    The second distinguishes "1" from 1 and "missing" from a missing value, so sorting
    categories by the pair does not depend on the order of the rows.
    """
    if category is OTHER:
        return "other", "other"
    if category is None:
        return "missing", "missing"
    plain = str(category)
    return plain, repr(category) if isinstance(category, str) else plain


def column_names(
    features: Sequence[str],
    categories: Sequence[Any],
    dates: Sequence[bool],
    n_means: Sequence[int],
) -> list[str]:
    """Return a unique name for each encoded column.

    Parameters
    ----------
    features : sequence of str
        Names of the columns of the table.
    categories : sequence of (list or None)
        Categories of each column; None for a numeric column.
    dates : sequence of bool
        Whether a column holds dates.
    n_means : sequence of int
        Number of means of y of each column.

    Returns
    -------
    names : list of str
        The plain name if it is unique; otherwise the name with a category that is a
        string in quotes, numbered if that is taken too.
    """
    columns: list[tuple[str, str, bool]] = []  # plain, quoted, is categorical
    kinds = zip(features, categories, dates, n_means, strict=True)
    for feature, found, dated, n in kinds:
        if dated:
            names_of_parts = [f"{feature}_{part}" for part in PARTS]
            columns += [(name, name, False) for name in names_of_parts]
        elif found is None:
            columns.append((feature, feature, False))
        else:
            columns += [
                (f"{feature}_{a}", f"{feature}_{b}", True)
                for a, b in map(labels, found)
            ]
            means = [
                f"{feature}_mean_{k}" if n > 1 else f"{feature}_mean" for k in range(n)
            ]
            columns += [(name, name, False) for name in means]
    uses = Counter(plain for plain, _, _ in columns)
    # Unique plain names are assigned first, then those of columns that are not one-hot,
    # so that these keep their names.
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
