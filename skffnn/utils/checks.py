"""Checks of parameters and data: one clear exception before any work is done."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from math import inf
from numbers import Integral, Real
from typing import Any, Protocol

import numpy as np
from sklearn.utils import check_array

from ..nn.arrays import Array

# The types that rows of X can have; others are converted to the first.
DTYPES = (np.float64, np.float32)


class InvalidParameterError(ValueError, TypeError):
    """A parameter of the estimator has a value that is not allowed.

    It is a ValueError, and a TypeError too: scikit-learn raises the one or the other.

    Examples
    --------
    >>> from skffnn import FFNNClassifier, InvalidParameterError
    >>> try:
    ...     FFNNClassifier(activation="rleu").fit([[0.0], [1.0]], [0, 1])
    ... except InvalidParameterError as error:
    ...     print(error)
    activation must be one of 'identity', ..., got 'rleu'. Did you mean 'relu'?
    """


def check_number(
    name: str,
    value: Any,
    low: float = -inf,
    high: float = inf,
    *,
    closed: str = "both",
    integer: bool = False,
) -> None:
    """Raise unless `value` is a number between `low` and `high`.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : object
        What was given.
    low, high : float
        The bounds.
    closed : {"both", "left", "right", "neither"}, default="both"
        Which bounds are allowed themselves.
    integer : bool, default=False
        Allow whole numbers only.

    Raises
    ------
    InvalidParameterError
        With the name, the value and what is allowed.
    """
    kind: Any = Integral if integer else Real
    if isinstance(value, kind) and not isinstance(value, bool | np.bool_):
        above = value >= low if closed in ("both", "left") else value > low
        below = value <= high if closed in ("both", "right") else value < high
        if above and below and (integer or is_float(value)):
            return
    interval = (
        f"{'[' if closed in ('both', 'left') and low > -inf else '('}{low:g}, "
        f"{high:g}{']' if closed in ('both', 'right') and high < inf else ')'}"
    )
    what = "an integer" if integer else "a number"
    raise InvalidParameterError(f"{name} must be {what} in {interval}, got {value!r}.")


def is_float(value: Any) -> bool:
    """Tell whether a number can be held by a float: 10**400 cannot.

    Parameters
    ----------
    value : number
        What was given.

    Returns
    -------
    answer : bool
        False where the conversion overflows.
    """
    try:
        float(value)
    except OverflowError:
        return False
    return True


def check_bool(name: str, value: Any) -> None:
    """Raise unless `value` is True or False.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : object
        What was given.

    Raises
    ------
    InvalidParameterError
        With the name, the value and what is allowed.
    """
    if not isinstance(value, bool | np.bool_):
        raise InvalidParameterError(f"{name} must be True or False, got {value!r}.")


def check_choice(
    name: str, value: Any, choices: Collection[str], also: str = ""
) -> None:
    """Raise unless `value` is one of the strings in `choices`.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : object
        What was given.
    choices : collection of str
        The names allowed.
    also : str, default=""
        What else is allowed, for the message.

    Raises
    ------
    InvalidParameterError
        With the name, the value, what is allowed, and the nearest known name.
    """
    if isinstance(value, str) and value in choices:
        return
    known = "one of " * (len(choices) > 1) + ", ".join(map(repr, choices))
    raise InvalidParameterError(
        f"{name} must be {known}{also}, got {value!r}.{nearest(value, choices)}"
    )


def nearest(value: Any, choices: Any) -> str:
    """Return a question that names the choice most like `value`, or nothing.

    Parameters
    ----------
    value : object
        What was given.
    choices : collection of str
        The names allowed.

    Returns
    -------
    hint : str
        " Did you mean 'x'?" or "".
    """
    near = get_close_matches(value, choices, 1) if isinstance(value, str) else []
    return f" Did you mean {near[0]!r}?" if near else ""


def lookup(
    name: str,
    value: Any,
    registry: Mapping[str, Any],
    kinds: tuple[Any, ...],
    params: Mapping[str, Any] | None = None,
) -> Any:
    """Turn a name into the object that it stands for.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : str or object
        A name in the registry, or an object with the methods of the protocol.
    registry : mapping of str to class or object
        The names known. The fields of a dataclass that are named like a parameter
        take its value.
    kinds : tuple of type
        What an object may be; the first of them names the methods it must have.
    params : mapping, default=None
        The parameters of the estimator, if fields are to take values from them.

    Returns
    -------
    obj : object
        The object.

    Raises
    ------
    InvalidParameterError
        If it is neither.
    """
    if isinstance(value, kinds) and not isinstance(value, type):
        return value
    methods = [m for m, f in vars(kinds[0]).items() if m[0] != "_" and callable(f)]
    also = f", or an object with {' and '.join(methods)}"
    if not is_protocol(kinds[0]):
        also += f" that inherits from skffnn.{kinds[0].__name__}"
    check_choice(name, value, list(registry), also)
    entry = registry[value]
    if not isinstance(entry, type):
        return entry
    if not params or not is_dataclass(entry):
        return entry()
    known = [field.name for field in fields(entry)]
    return entry(**{name: params[name] for name in known if name in params})


def is_protocol(kind: type) -> bool:
    """Tell a protocol, which any object can follow, from a class to inherit from."""
    return Protocol in kind.__mro__


def needs_no_check(X: Any, n_features: int) -> bool:
    """Tell whether X is what checks would leave as it is.

    They take longer than the network, for a single row: 60 µs of 80.

    Parameters
    ----------
    X : object
        What was given.
    n_features : int
        Columns that it should have.

    Returns
    -------
    answer : bool
        True for an array of finite float32 or float64 numbers with at least one row.
    """
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype not in DTYPES:
        return False
    with np.errstate(all="ignore"):  # a sum that overflows leaves X to the real checks
        return X.shape[0] > 0 and X.shape[1] == n_features and np.isfinite(X.sum())


def check_weights(weights: Any, n_samples: int, name: str) -> Array | None:
    """Return sample weights as float64, or None.

    Parameters
    ----------
    weights : array-like of shape (n_samples,), number or None
        What was given.
    n_samples : int
        Rows of X.
    name : str
        Name of the argument.

    Returns
    -------
    weights : ndarray of shape (n_samples,) or None
        Finite and at least 0, not all 0.

    Raises
    ------
    ValueError
        If they are anything else.
    """
    if weights is None:
        return None
    if isinstance(weights, Real):
        weights = np.full(n_samples, weights)
    weights = check_array(
        weights, dtype=np.float64, ensure_2d=False, input_name=name, copy=True
    )
    if weights.ndim != 1:
        raise ValueError(
            f"{name} must be 1D, one number for each row of X, "
            f"got an array of shape {weights.shape}."
        )
    if len(weights) != n_samples:
        raise ValueError(
            f"{name} must have one number for each row of X: "
            f"it has {len(weights)}, X has {n_samples} rows."
        )
    if weights.min(initial=0) < 0:
        raise ValueError(f"{name} must be at least 0, got {weights.min():g}.")
    if not weights.any():
        raise ValueError(f"{name} must not be zero for every row.")
    return weights


@contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:
    """Leave an estimator as it was if anything goes wrong inside.

    Parameters
    ----------
    estimator : object
        Whose attributes are put back.

    Yields
    ------
    None
        Nothing.
    """
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
