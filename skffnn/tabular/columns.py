"""The columns of a table: numbers, dates, categories, and means of the target."""

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from numbers import Number
from typing import Any, Literal, get_args

import numpy as np
from sklearn.model_selection import KFold
from sklearn.preprocessing import TargetEncoder

from ..nn.arrays import Array

# Prefixes of the pandas and polars dtypes that are categorical even if their values are
# numbers.
CATEGORICAL_DTYPES = ("category", "categorical", "enum", "bool")

# The features of a date: days since 1970 for trends, the others for periodic effects.
PARTS = ("days", "month", "weekday", "hour")


def kept_dtype(X: Any) -> Any:
    """Return the dtype for `check_array`: object for lists, which may mix types."""
    return None if hasattr(X, "dtype") or hasattr(X, "__array__") else object


def columns_of(X: Any) -> list[Any]:
    """Return the columns of a dataframe or of an array."""
    if hasattr(X, "get_columns"):
        return [X.to_series(j) for j in range(X.shape[1])]
    if hasattr(X, "iloc"):
        return [X.iloc[:, j] for j in range(X.shape[1])]
    return [X[:, j] for j in range(X.shape[1])]


def cells(column: Any) -> list[Any]:
    """Return the cells of a column as Python objects, with None for missing values."""
    return [None if is_missing(cell) else cell for cell in np.asarray(column).tolist()]


def is_missing(cell: Any) -> bool:
    """Return whether a cell is None, NaN, or pandas' NA or NaT."""
    if cell is None or isinstance(cell, float):
        return cell is None or cell != cell
    return type(cell).__name__ in ("NAType", "NaTType")


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
    """Return a numeric column as float64, with NaN for missing values.

    Raise a ValueError if a cell is neither a finite real number nor missing.
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


def as_dates(column: Any) -> Array | None:
    """Return a column of dates as datetime64, or None if it holds no dates.

    They are local times, to the microsecond, with NaT for missing values.
    """
    values = np.asarray(local(column))
    if values.dtype.kind == "M":
        return values.astype("datetime64[us]")
    if values.dtype.kind != "O":
        return None
    first = next((cell for cell in values if not is_missing(cell)), None)
    if not isinstance(first, datetime.date):  # faster than looking at all cells
        return None
    found = cells(values)
    if not all(cell is None or isinstance(cell, datetime.date) for cell in found):
        return None
    naive = [
        cell.replace(tzinfo=None) if isinstance(cell, datetime.datetime) else cell
        for cell in found
    ]
    return np.array(naive, dtype="datetime64[us]")


def local(column: Any) -> Any:
    """Return a series without its time zone, in local time."""
    if getattr(column.dtype, "tz", None) is not None:  # pandas
        return column.dt.tz_localize(None)
    if getattr(column.dtype, "time_zone", None) is not None:  # polars
        return column.dt.replace_time_zone(None)
    return column


def parts_of(dates: Array) -> Array:
    """Return the numeric features of each date, of shape (n_samples, 4).

    They are the days since 1970, as a fraction; the month, 1 to 12; the weekday, from 0
    for Monday to 6; the hour, as a fraction. Missing dates become NaN.

    Examples
    --------
    >>> import numpy as np
    >>> parts_of(np.array(["1970-02-02T06:00", "NaT"], dtype="datetime64[us]"))
    array([[32.25,  2.  ,  0.  ,  6.  ],
           [  nan,   nan,   nan,   nan]])
    """
    day = dates.astype("datetime64[D]")
    days = (dates - np.datetime64(0, "us")) / np.timedelta64(1, "D")
    month = (dates.astype("datetime64[M]").astype(np.int64)) % 12 + 1.0
    weekday = (day.astype(np.int64) + 3) % 7  # the first day of 1970 was a Thursday
    hour = (dates - day) / np.timedelta64(1, "h")
    numbers = np.column_stack([days, month, weekday, hour]).astype(np.float64)
    numbers[np.isnat(dates)] = np.nan
    return numbers


# What y holds.
TargetKind = Literal["classes", "numbers"]
TARGETS = get_args(TargetKind)

# Number of folds for the cross-fitted means of the training rows, of which there are at
# least 3: fewer have no infrequent categories.
N_PARTS = 5


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


def categories_of(column: Any, name: Any) -> Counter[Any] | None:
    """Count the cells of each category; return None for a column of numbers."""
    if not is_categorical(column):
        return None
    try:
        return Counter(cells(column))
    except TypeError as error:
        raise TypeError(
            f"Column {name!r} of X contains a cell of an unsupported type ({error}): "
            "argument must be a string or a number. Convert or drop the column."
        ) from error


def most_categories(counts: Iterable[Any], most: int, most_in_all: int) -> int:
    """Return the maximum number of categories to encode in one column, at least 2.

    It is `most`, lowered until all columns together have at most `most_in_all`.
    """
    sizes = np.array([len(found) for found in counts if found is not None], dtype=int)
    most = min(most, max(2, sizes.max(initial=0)))
    if most > most_in_all:  # so has the largest column
        most = most_in_all
    while most > 2 and np.minimum(sizes, most).sum() > most_in_all:
        most -= 1
    return most


def frequent(counts: Counter[Any], most: int) -> list[Any]:
    """Return the most frequent categories by label, then `OTHER` for the others."""
    categories = sorted(counts, key=labels)
    if len(categories) > most:
        categories.sort(key=counts.__getitem__, reverse=True)
        categories = [*sorted(categories[: most - 1], key=labels), OTHER]
    return categories


def positions(categories: Sequence[Any]) -> dict[Any, int]:
    """Return the position of each category."""
    return {category: i for i, category in enumerate(categories)}


def codes_of(cells: Sequence[Any], position: dict[Any, int]) -> Array:
    """Return the position of the category of each cell.

    Other cells have that of `OTHER`, or -1 without it.
    """
    other = position.get(OTHER, -1)
    return np.array([position.get(cell, other) for cell in cells], dtype=np.intp)


def one_hot(column: Any, categories: Sequence[Any]) -> Array:
    """Return one column per category, 1 where a cell belongs to it and 0 elsewhere."""
    codes = codes_of(cells(column), positions(categories))
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


@dataclass
class TargetMeans:
    """The mean of the target for each category, shrunk towards the overall mean.

    Attributes
    ----------
    categories : list
        The categories, with `OTHER` for those that are unknown.
    table : ndarray of shape (n_categories, n_means)
        Their means; that of unknown categories is the overall mean. There is one mean
        for numbers or two classes, and one per class for more.
    """

    categories: list[Any]
    table: Array

    @cached_property
    def _positions(self) -> dict[Any, int]:
        return positions(self.categories)

    def __getstate__(self) -> dict[str, Any]:
        return {"categories": self.categories, "table": self.table}

    def transform(self, cells: Sequence[Any]) -> Array:
        """Return the means for each cell, with a row for each."""
        means: Array = self.table[codes_of(cells, self._positions)]
        return means

    @classmethod
    def fit_transform(
        cls, cells: Sequence[Any], categories: list[Any], y: Any, kind: str
    ) -> "tuple[TargetMeans, Array]":
        """Return the means over all rows, and the cross-fitted means for these rows.

        The mean of a rare category includes the label of the row itself, to which a
        network would overfit. So the means for a training row come from the other four
        of five folds. They are computed by `sklearn.preprocessing.TargetEncoder`.
        """
        codes = codes_of(cells, positions(categories))
        numbers = as_numbers(y, kind)
        of_rows = np.empty_like(numbers)
        parts = KFold(min(N_PARTS, len(codes)), shuffle=True, random_state=0)
        for others, part in parts.split(codes):
            for k, z in enumerate(numbers[others].T):
                means = shrunk_means(codes[others], z, len(categories))
                of_rows[part, k] = means[codes[part]]
        table = [shrunk_means(codes, z, len(categories)) for z in numbers.T]
        return cls([*categories, OTHER], np.column_stack(table)), of_rows


def shrunk_means(codes: Array, y: Array, n_categories: int) -> Array:
    """Return the mean of y for each category, followed by that for all rows."""
    encoder = TargetEncoder(
        categories=[np.arange(n_categories)], target_type="continuous"
    )
    encoder.fit(codes[:, np.newaxis], y)
    return np.append(encoder.encodings_[0], encoder.target_mean_)


def as_numbers(y: Any, kind: str) -> Array:
    """Return y as numbers, with a column for each mean.

    Of two classes, the second has an indicator; of more classes, each has one.
    """
    if kind == "numbers":
        return np.asarray(y, dtype=np.float64)[:, np.newaxis]
    classes, codes = np.unique(y, return_inverse=True)
    each: Array = (codes[:, np.newaxis] == np.arange(len(classes))).astype(np.float64)
    return each[:, 1:] if len(classes) == 2 else each
