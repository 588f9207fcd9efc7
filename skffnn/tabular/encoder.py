"""TableEncoder: encodes a table with columns of mixed types as a numeric matrix."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain, count
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted

from ..nn.arrays import Array
from ..utils.checks import (
    check_choice,
    check_number,
    input_names,
    is_frame,
    validate_data,
)
from ..utils.types import BaseEstimator, Documented, Table, TransformerMixin
from .columns import (
    OTHER,
    PARTS,
    TARGETS,
    TargetKind,
    TargetMeans,
    as_dates,
    categories_of,
    cells,
    columns_of,
    frequent,
    kept_dtype,
    labels,
    most_categories,
    numbers,
    one_hot,
    parts_of,
)


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
        names = names_of_columns(self)
        counts = [
            None if dated else categories_of(column, name)
            for column, dated, name in zip(columns, self.dates_, names, strict=True)
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
                    self.means_[j], of_rows[j] = TargetMeans.fit_transform(
                        cells(columns[j]),
                        sorted(found, key=labels),
                        y,
                        self.target_means,
                    )
        return self._encode(columns, of_rows)

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
        return self._encode(columns_of(self._checked(X, reset=False)), {})

    def _checked(self, X: Any, *, reset: bool) -> Any:
        """Return X as a dataframe or an array, with its columns checked."""
        if not is_frame(X):
            X = check_array(X, dtype=kept_dtype(X), ensure_all_finite=False)
        validate_data(self, X, reset=reset, skip_check_array=True)
        for n, what in zip(X.shape, ("sample", "feature"), strict=True):
            if n == 0:
                raise ValueError(f"X has 0 {what}(s), but at least 1 is required.")
        return X

    def _encode(self, columns: Sequence[Any], of_rows: dict[int, Array]) -> Array:
        """Encode column by column; `of_rows` are out-of-fold means of y, if any."""
        encodings = encodings_of(self)
        X = np.empty((len(columns[0]), sum(each.width for each in encodings)))
        end = 0
        for j, (column, encoding) in enumerate(zip(columns, encodings, strict=True)):
            parts = [encoding.encode(column)]
            if j in of_rows:
                parts.append(of_rows[j])
            elif encoding.means is not None:
                parts.append(encoding.means.transform(cells(column)))
            for part in parts:
                start, end = end, end + part.shape[1]
                X[:, start:end] = part
        return X

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
        pairs = zip(encodings_of(self), input_names(self, input_features), strict=True)
        columns = [name for each, feature in pairs for name in each.names(feature)]
        return np.array(unique(columns), dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def names_of_columns(encoder: TableEncoder) -> Sequence[Any]:
    """Return the names of the columns seen in `fit`, or their indices without names."""
    names: Sequence[Any] = getattr(
        encoder, "feature_names_in_", range(encoder.n_features_in_)
    )
    return names


class Encoding(NamedTuple):
    """How a column is encoded: as a number, as parts of a date, or by categories."""

    name: Any
    categories: list[Any] | None
    dated: bool
    means: TargetMeans | None

    @property
    def n_means(self) -> int:
        return 0 if self.means is None else self.means.table.shape[1]

    @property
    def width(self) -> int:
        """Number of encoded columns."""
        if self.categories is None:
            return len(PARTS) if self.dated else 1
        return len(self.categories) + self.n_means

    def encode(self, column: Any) -> Array:
        """Return the encoded columns, except for the means of y.

        Raise a ValueError if it held numbers or dates in `fit`, but does not now.
        """
        if self.categories is not None:
            return one_hot(column, self.categories)
        if not self.dated:
            return numbers(column, self.name)[:, np.newaxis]
        dates = as_dates(column)
        if dates is None and all(cell is None for cell in cells(column)):
            dates = np.full(len(column), "NaT", dtype="datetime64[us]")
        if dates is None:
            raise ValueError(
                f"Column {self.name!r} of X had dates in fit, but has none now."
            )
        return parts_of(dates)

    def names(self, feature: str) -> list[tuple[str, str, bool]]:
        """Return names of the encoded columns.

        Each has a plain name, a name with quotes for a category that is a string, and
        whether it is that of a category.
        """
        if self.categories is None:
            ends = [f"_{part}" for part in PARTS] if self.dated else [""]
            return [(feature + end, feature + end, False) for end in ends]
        pairs = map(labels, self.categories)
        names = [(f"{feature}_{a}", f"{feature}_{b}", True) for a, b in pairs]
        several = self.n_means > 1
        for k in range(self.n_means):
            mean = f"{feature}_mean_{k}" if several else f"{feature}_mean"
            names.append((mean, mean, False))
        return names


def encodings_of(encoder: TableEncoder) -> list[Encoding]:
    """Return how the columns seen in `fit` are encoded."""
    each = (encoder.categories_, encoder.dates_, encoder.means_)
    return [*map(Encoding, names_of_columns(encoder), *each)]


def unique(columns: Sequence[tuple[str, str, bool]]) -> list[str]:
    """Return a unique name for each encoded column, from `Encoding.names`.

    It is the plain name if that is unique, otherwise the one with quotes, numbered if
    that is taken too.
    """
    uses = Counter(plain for plain, _, _ in columns)
    # Unique plain names are assigned first, then those of columns that are not one-hot,
    # so that these keep their names.
    order = sorted(
        range(len(columns)), key=lambda i: (uses[columns[i][0]] > 1, columns[i][2])
    )
    names: dict[str, int] = {}
    for i in order:
        plain, quoted, _ = columns[i]
        chosen = plain if uses[plain] == 1 else quoted
        numbered = (f"{chosen}_{k}" for k in count(2))
        names[next(name for name in chain([chosen], numbered) if name not in names)] = i
    return sorted(names, key=names.__getitem__)
