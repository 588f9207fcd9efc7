"""The cells of a column, as Python objects."""

from typing import Any

import numpy as np


def cells(column: Any) -> list[Any]:
    """Return the cells of a column as Python objects, with None for missing values."""
    return [None if is_missing(cell) else cell for cell in np.asarray(column).tolist()]


def is_missing(cell: Any) -> bool:
    """Return whether a cell is None, NaN, or pandas' NA or NaT."""
    if cell is None or isinstance(cell, float):
        return cell is None or cell != cell
    return type(cell).__name__ in ("NAType", "NaTType")
