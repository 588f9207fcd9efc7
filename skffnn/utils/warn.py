"""Warnings that point to the line of the user's code that caused them."""

import inspect
import warnings
from pathlib import Path

import sklearn

PACKAGE = Path(__file__).parents[1]
# Methods that call callbacks are wrapped by a function from this folder.
CALLBACKS = Path(sklearn.__file__).parent / "callback"


class InterruptionWarning(UserWarning):
    """Warning that Ctrl-C interrupted training; the result so far is kept."""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the nearest line outside this package."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and is_internal(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level + 1)


def is_internal(path: str) -> bool:
    """Return whether a file belongs to this package, or to wrappers of its methods."""
    file = Path(path)
    return not {PACKAGE, CALLBACKS}.isdisjoint(file.parents) or (
        file.name == "contextlib.py"
    )
