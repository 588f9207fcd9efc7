"""Dates and times as numbers."""

import datetime
from typing import Any

import numpy as np

from ..nn.arrays import Array
from .cells import cells, is_missing

# The features of a date: days since 1970 for trends, the others for periodic effects.
PARTS = ("days", "month", "weekday", "hour")


def as_dates(column: Any) -> Array | None:
    """Return a column of dates as datetime64, or None if it holds no dates.

    Parameters
    ----------
    column : ndarray or series
        A column of a table.

    Returns
    -------
    dates : ndarray of datetime64 of shape (n_samples,) or None
        Local times, to the microsecond; NaT for missing values.
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


def parts(dates: Array) -> Array:
    """Return the numeric features of each date.

    Parameters
    ----------
    dates : ndarray of datetime64 of shape (n_samples,)
        Dates and times.

    Returns
    -------
    numbers : ndarray of shape (n_samples, 4)
        Days since 1970, as a fraction; the month, 1 to 12; the weekday, from 0 for
        Monday to 6; the hour, as a fraction. NaN for missing dates.

    Examples
    --------
    >>> import numpy as np
    >>> parts(np.array(["1970-02-02T06:00", "NaT"], dtype="datetime64[us]"))
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
