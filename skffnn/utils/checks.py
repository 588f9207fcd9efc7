"""Validation of parameters and input data, and warnings about them."""

import inspect
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from math import inf
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import sklearn
from sklearn import get_config
from sklearn.utils import check_array, validation

from ..nn.arrays import Array

# Supported dtypes of X; other dtypes are converted to the first.
DTYPES = (np.float64, np.float32)


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
    """Raise unless a value is a number between `low` and `high`.

    `closed`, "both", "left", "right" or "neither", says which bounds are allowed too.
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
    """Return whether a number can be converted to float; 10**400 cannot."""
    try:
        float(value)
    except OverflowError:
        return False
    return True


def check_bool(name: str, value: Any) -> None:
    """Raise unless a value is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidParameterError(f"{name} must be True or False, got {value!r}.")


def check_choice(
    name: str, value: Any, choices: Collection[str], also: str = ""
) -> None:
    """Raise unless a value is one of the strings in `choices`.

    The message suggests the closest of them; `also` describes other allowed values.
    """
    if isinstance(value, str) and value in choices:
        return
    known = "one of " * (len(choices) > 1) + ", ".join(map(repr, choices))
    raise InvalidParameterError(
        f"{name} must be {known}{also}, got {value!r}.{nearest(value, choices)}"
    )


def nearest(value: Any, choices: Any) -> str:
    """Return a question that suggests the choice closest to a value, or ""."""
    near = isinstance(value, str) and get_close_matches(value.lower(), choices, 1)
    return f" Did you mean {near[0]!r}?" if near else ""


def lookup(
    name: str,
    value: Any,
    registry: Mapping[str, Any],
    kinds: tuple[Any, ...],
    params: Mapping[str, Any] | None = None,
) -> Any:
    """Return the object that a name in a registry specifies, or an object of `kinds`.

    If the name stands for a dataclass, fields named like parameters are set to these.
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


def checked_rows(
    estimator: Any, X: Any, *, accept_sparse: Any = False, allow_nan: bool = False
) -> Any:
    """Validate rows for a fitted estimator, which become float32 or float64.

    For a row or two, scikit-learn's validation takes twice as long as a network.
    """
    if is_right(estimator, X):
        return X
    with np.errstate(invalid="ignore"):  # the check for NaN may compute ∞ - ∞
        return validate_data(
            estimator,
            X,
            reset=False,
            accept_sparse=accept_sparse,
            dtype=DTYPES,
            ensure_all_finite="allow-nan" if allow_nan else True,
        )


def is_right(estimator: Any, X: Any) -> bool:
    """Return whether validation would neither change nor reject X, judged quickly."""
    if type(X) is not np.ndarray or X.dtype not in DTYPES or X.ndim != 2:
        return False
    if len(X) == 0 or X.shape[1] != estimator.n_features_in_:
        return False
    if hasattr(estimator, "feature_names_in_"):  # a warning is due
        return False
    with np.errstate(all="ignore"):  # if the sum overflows, X is validated in full
        return bool(np.isfinite(X.sum()))


def is_frame(X: Any) -> bool:
    """Return whether X is a dataframe of pandas or polars."""
    return hasattr(X, "columns") and (hasattr(X, "iloc") or hasattr(X, "get_columns"))


def validate_data(estimator: Any, /, *args: Any, **options: Any) -> Any:
    """Validate data as scikit-learn does, but without support for the array API."""
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
    """Validate sample weights and convert them to float64, of shape (n_samples,).

    A number is the weight of every row. Weights must be finite and at least 0, and with
    `some` not all zero.
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
    """Restore the attributes of an estimator if the block raises an exception."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def input_names(estimator: Any, input_features: Any) -> Any:
    """Return the names of the features that an estimator was fitted to.

    By default these are `feature_names_in_`, or "x0", "x1", ….
    """
    known = getattr(estimator, "feature_names_in_", None)
    n = estimator.n_features_in_
    if input_features is None:
        return [f"x{i}" for i in range(n)] if known is None else known
    if known is not None and not np.array_equal(input_features, known):
        raise ValueError("input_features is not equal to feature_names_in_")
    if len(input_features) != n:
        raise ValueError(f"input_features should have length equal to {n}")
    return input_features


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
