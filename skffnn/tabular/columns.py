"""The columns of a table: their cells, and their numbers or dates."""

import datetime
from numbers import Number
from typing import Any

import numpy as np

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
