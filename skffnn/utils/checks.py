"""Validation of parameters and input data."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from math import inf
from numbers import Integral, Real
from typing import Any, Protocol

import numpy as np
from sklearn import get_config
from sklearn.utils import check_array, validation

from ..nn.arrays import Array

# Supported dtypes of X; other dtypes are converted to the first.
DTYPES = (np.float64, np.float32)

# Up to this many rows, the overhead of a call takes longer than the work for each row.
FEW_ROWS = 100


class InvalidParameterError(ValueError, TypeError):
    """Raised if a parameter of an estimator has an invalid value.

    It is both a ValueError and a TypeError, because scikit-learn may raise either.

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
        The value to check.
    low, high : float
        The bounds of the interval.
    closed : {"both", "left", "right", "neither"}, default="both"
        Which bounds belong to the interval.
    integer : bool, default=False
        Whether only integers are allowed.

    Raises
    ------
    InvalidParameterError
        If the value is not allowed.
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
    """Return whether a number can be converted to float; 10**400 cannot.

    Parameters
    ----------
    value : number
        The value to check.

    Returns
    -------
    answer : bool
        False if the conversion overflows.
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
        The value to check.

    Raises
    ------
    InvalidParameterError
        If the value is not allowed.
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
        The value to check.
    choices : collection of str
        The allowed strings.
    also : str, default=""
        Other allowed values, for the error message.

    Raises
    ------
    InvalidParameterError
        If the value is not allowed. The message suggests the closest match.
    """
    if isinstance(value, str) and value in choices:
        return
    known = "one of " * (len(choices) > 1) + ", ".join(map(repr, choices))
    raise InvalidParameterError(
        f"{name} must be {known}{also}, got {value!r}.{nearest(value, choices)}"
    )


def nearest(value: Any, choices: Any) -> str:
    """Suggest the choice closest to `value`, for an error message.

    Parameters
    ----------
    value : object
        The invalid value.
    choices : collection of str
        The allowed strings.

    Returns
    -------
    hint : str
        " Did you mean 'x'?", or "" if nothing is close.
    """
    near = isinstance(value, str) and get_close_matches(value.lower(), choices, 1)
    return f" Did you mean {near[0]!r}?" if near else ""


def lookup(
    name: str,
    value: Any,
    registry: Mapping[str, Any],
    kinds: tuple[Any, ...],
    params: Mapping[str, Any] | None = None,
) -> Any:
    """Return the object that a name in a registry specifies.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : str or object
        A name in the registry, or an object with the methods of the protocol.
    registry : mapping of str to class or object
        The known names. Fields of a dataclass are set to the parameters of the same
        name.
    kinds : tuple of type
        Allowed types of an object. The methods in the message are those of the first.
    params : mapping, default=None
        The parameters of the estimator.

    Returns
    -------
    obj : object
        `value` itself, or the object that the name specifies.

    Raises
    ------
    InvalidParameterError
        If the value is neither a known name nor an object of an allowed type.
    """
    is_object = not isinstance(value, str | type)  # faster to check than protocols
    if is_object and isinstance(value, kinds):
        return value
    if not (isinstance(value, str) and value in registry):
        check_choice(name, value, list(registry), objects_of(kinds))  # raises
    entry = registry[value]
    if not isinstance(entry, type):
        return entry
    if not params or not is_dataclass(entry):
        return entry()
    known = [field.name for field in fields(entry)]
    return entry(**{name: params[name] for name in known if name in params})


def objects_of(kinds: tuple[Any, ...]) -> str:
    """Describe the objects that a parameter accepts, for an error message."""
    methods = [
        " and ".join(m for m, f in vars(kind).items() if m[0] != "_" and callable(f))
        for kind in kinds
    ]
    also = f", or an object with {', or with '.join(methods)}"
    if not is_protocol(kinds[0]):
        also += f" that inherits from skffnn.{kinds[0].__name__}"
    return also


def is_protocol(kind: type) -> bool:
    """Return whether a type is a protocol, as opposed to a base class."""
    return Protocol in kind.__mro__


def check_is_fitted(estimator: Any) -> None:
    """Raise NotFittedError unless an estimator is fitted.

    This is `sklearn.utils.validation.check_is_fitted`, which is called only if there
    may be no fitted attributes: for a single row, it takes longer than a layer.

    Parameters
    ----------
    estimator : estimator
        The estimator.

    Raises
    ------
    NotFittedError
        If it is not fitted.
    """
    is_fitted = any(name[-1] == "_" and name[:2] != "__" for name in vars(estimator))
    if not is_fitted or hasattr(estimator, "__sklearn_is_fitted__"):
        validation.check_is_fitted(estimator)


def checked_rows(
    estimator: Any, X: Any, *, accept_sparse: Any = False, allow_nan: bool = False
) -> Any:
    """Validate rows for a fitted estimator, as scikit-learn's `validate_data` does.

    For a single row, `validate_data` takes longer than prediction, so it is called only
    if it might change or reject X.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        Rows.
    accept_sparse : str or False, default=False
        The format to which sparse rows are converted, if they are allowed.
    allow_nan : bool, default=False
        Whether values may be missing.

    Returns
    -------
    X : {ndarray, sparse array} of shape (n_samples, n_features)
        Of float32 or float64.

    Raises
    ------
    ValueError
        If X has different features than in `fit`, or values that are not finite.
    """
    x = None if hasattr(estimator, "feature_names_in_") else X
    if is_frame(X) and len(X) <= FEW_ROWS and has_known_names(estimator, X):
        x = array_of(X)
    if needs_no_check(x, estimator.n_features_in_, allow_nan=allow_nan):
        return x
    with np.errstate(invalid="ignore"):  # the check for NaN may compute ∞ - ∞
        return validate_data(
            estimator,
            X,
            reset=False,
            accept_sparse=accept_sparse,
            dtype=DTYPES,
            ensure_all_finite="allow-nan" if allow_nan else True,
        )


def needs_no_check(X: Any, n_features: int, *, allow_nan: bool = False) -> bool:
    """Return whether validation would leave X unchanged.

    Parameters
    ----------
    X : object
        The input.
    n_features : int
        The expected number of columns.
    allow_nan : bool, default=False
        Whether values may be missing.

    Returns
    -------
    answer : bool
        True for a float32 or float64 array with at least one row and finite values, or
        NaN if allowed.
    """
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype not in DTYPES:
        return False
    if X.shape[0] == 0 or X.shape[1] != n_features:
        return False
    with np.errstate(all="ignore"):  # if the sum overflows, X is validated in full
        total = X.sum()
        if allow_nan and np.isnan(total):
            return not np.isinf(X).any()
        return bool(np.isfinite(total))


def is_frame(X: Any) -> bool:
    """Return whether X is a dataframe of pandas or polars."""
    return hasattr(X, "columns") and (hasattr(X, "iloc") or hasattr(X, "get_columns"))


def has_known_names(estimator: Any, X: Any) -> bool:
    """Return whether a dataframe has the column names seen in `fit`."""
    known = getattr(estimator, "feature_names_in_", None)
    names = X.columns if isinstance(X.columns, list) else X.columns.tolist()
    return known is not None and known.tolist() == names


def array_of(X: Any) -> Any:
    """Return a dataframe as an array; None if it has extension types of pandas."""
    if hasattr(X, "iloc") and not all(
        isinstance(dtype, np.dtype) for dtype in X.dtypes.tolist()
    ):
        return None
    return X.to_numpy()


def validate_data(estimator: Any, /, *args: Any, **options: Any) -> Any:
    """Validate data as scikit-learn does, but without support for the array API.

    Parameters
    ----------
    estimator : estimator
        The names and the number of features are set on it, or compared with its own.
    *args : tuple (X,) or (X, y)
        Input of any kind that scikit-learn accepts.
    **options : dict
        The keyword arguments of `sklearn.utils.validation.validate_data`.

    Returns
    -------
    data : ndarray, sparse array or tuple of them
        X, or X and y.

    Raises
    ------
    TypeError
        As in `check_numpy`.
    """
    check_numpy(**dict(zip(("X", "y"), args, strict=False)))
    X, *y = args
    y = [mixed_as_objects(labels) for labels in y]
    return validation.validate_data(estimator, X, *y, **options)


def mixed_as_objects(y: Any) -> Any:
    """Return a pandas DataFrame of labels as an object array if any are strings.

    So does scikit-learn, but versions before 1.8 try to convert the strings of pandas 3
    to numbers.
    """
    if not is_frame(y) or not hasattr(y, "iloc"):
        return y
    is_numeric = all(dtype.kind in "biuf" for dtype in y.dtypes.tolist())
    return y if is_numeric else y.to_numpy(dtype=object)


def check_numpy(**given: Any) -> None:
    """Raise if an input is an array of another library that will not be converted.

    With scikit-learn's array API dispatch, it would be left as it is, but this package
    computes with NumPy. Without dispatch, arrays are converted if NumPy can do so.

    Parameters
    ----------
    **given : object
        Input, by name.

    Raises
    ------
    TypeError
        If an input is such an array.
    """
    if not get_config()["array_api_dispatch"]:
        return
    for name, value in given.items():
        kinds = {kind.__module__.partition(".")[0] for kind in type(value).__mro__}
        is_tensor = "torch" in kinds  # tensors lack __array_namespace__
        is_numpy = isinstance(value, np.ndarray | np.generic)
        if not is_tensor and (is_numpy or not hasattr(value, "__array_namespace__")):
            continue
        how = f"numpy.asarray({name})"
        if is_tensor:
            how = f"{name}.numpy(), or {name}.cpu().numpy() if it is on a GPU"
        raise TypeError(
            f"skffnn computes with NumPy, and with array_api_dispatch=True {name} is "
            f"not converted: it is a {type(value).__module__}.{type(value).__name__}. "
            f"Pass {how}."
        )


def check_weights(
    weights: Any, n_samples: int, name: str, *, some: bool = True
) -> Array | None:
    """Validate sample weights and convert them to float64.

    Parameters
    ----------
    weights : array-like of shape (n_samples,), number or None
        Sample weights; a number is the weight of every row.
    n_samples : int
        Number of rows of X.
    name : str
        Name of the argument, for error messages.
    some : bool, default=True
        Whether at least one weight must be positive.

    Returns
    -------
    weights : ndarray of shape (n_samples,) or None
        Finite, non-negative and, if asked for, not all zero.

    Raises
    ------
    ValueError
        If the weights are invalid.
    """
    if weights is None:
        return None
    check_numpy(**{name: weights})
    if isinstance(weights, Real):
        weights = np.full(n_samples, weights)
    weights = check_array(
        weights, dtype=np.float64, ensure_2d=False, input_name=name, copy=True
    )
    if weights.ndim != 1:
        raise ValueError(
            f"{name} must be 1D, with one weight for each row of X, "
            f"got an array of shape {weights.shape}."
        )
    if len(weights) != n_samples:
        raise ValueError(
            f"{name} must have one weight for each row of X, "
            f"got {len(weights)} weights for {n_samples} rows."
        )
    if weights.min(initial=0) < 0:
        raise ValueError(f"{name} must be at least 0, got {weights.min():g}.")
    if some and not weights.any():
        raise ValueError(f"{name} must not be zero for every row.")
    return weights


@contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:
    """Restore the attributes of an estimator if the block raises an exception.

    Parameters
    ----------
    estimator : object
        The estimator.

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


def input_names(estimator: Any, input_features: Any) -> Any:
    """Return the names of the features that an estimator was fitted on.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    input_features : array-like of str or None
        The argument of `get_feature_names_out`.

    Returns
    -------
    names : array-like of str
        By default `feature_names_in_`, or the names that the previous step passes on,
        or "x0", "x1", ….

    Raises
    ------
    ValueError
        If other names were passed.
    """
    known = getattr(estimator, "feature_names_in_", None)
    n = estimator.n_features_in_
    if input_features is None:
        if known is None:
            known = getattr(estimator, "_names_in", None)
        return [f"x{i}" for i in range(n)] if known is None else known
    if known is not None and not np.array_equal(input_features, known):
        raise ValueError("input_features is not equal to feature_names_in_")
    if len(input_features) != n:
        raise ValueError(f"input_features should have length equal to {n}")
    return input_features
