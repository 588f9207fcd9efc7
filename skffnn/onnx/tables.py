"""The transformers in ONNX, and tables as ONNX inputs, one for each column."""

import re
from collections.abc import Sequence
from itertools import chain, count
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_array

from ..nn.arrays import Array
from ..tabular.columns import (
    OTHER,
    as_dates,
    cells,
    columns_of,
    is_categorical,
    kept_dtype,
    numbers,
)
from ..tabular.encoder import Encoding, encodings_of
from ..utils.checks import is_frame
from .tensor import DTYPES, TYPES, Tensor, concatenated

# A missing value in a column of strings, for which ONNX has no NaN.
MISSING = ""

# Names of outputs; skl2onnx would rename inputs with these names.
OUTPUTS = {
    "label",
    "probabilities",
    "output_label",
    "output_probability",
    "class_labels",
    "variable",
}

# A scaled number is clipped to this multiple of the limit. Its square does not
# overflow, and the result is the limit exactly.
FAR = 1e150

# ------------------------------------------------------------------------- inputs


def text(cell: Any) -> str:
    """Return the same string for equal cells of a categorical column: "1" for 1.0."""
    if cell is None:
        return MISSING
    is_number = isinstance(cell, Real) and not isinstance(cell, bool)
    return str(int(cell)) if is_number and cell == cell // 1 else str(cell)


def initial_types(X: Any) -> list[tuple[str, Any]]:
    """Return the types of the inputs of a table, one for each column.

    Pass them to `skl2onnx.to_onnx` to convert a pipeline that begins with a
    `TableEncoder`.

    Parameters
    ----------
    X : {array-like, dataframe} of shape (n_samples, n_features)
        The table that the pipeline was fitted to, or enough of its rows to show which
        columns are categorical.

    Returns
    -------
    types : list of (str, object)
        Name and type of each input. A numeric column has type float if it is float32,
        and double otherwise; a categorical column has type string. The names are those
        of the columns, or "x0", "x1", … if X is not a dataframe. All characters except
        letters, digits and "+" are replaced with "_". Numbers are appended where needed
        to make names unique and different from those of outputs, such as "label".

    Raises
    ------
    ValueError
        If a column holds dates, or if two columns have the same name.

    Examples
    --------
    >>> from skffnn.onnx import initial_types
    >>> for name, kind in initial_types([[1.5, "red"], [None, "blue"]]):
    ...     print(name, kind)
    x0 DoubleTensorType(shape=[None, 1])
    x1 StringTensorType(shape=[None, 1])
    """
    table = named_columns(X)
    dated = [name for name, column in table if as_dates(column) is not None]
    if dated:
        raise ValueError(
            f"dates have no ONNX form: columns {dated}. Convert them to numbers before "
            "training."
        )
    types = []
    for name, column in table:
        dtype = np.asarray(column).dtype
        if is_categorical(column):
            dtype = np.dtype(object)
        elif dtype != np.float32:
            dtype = np.dtype(np.float64)
        types.append((name, TYPES[dtype]([None, 1])))
    return types


def inputs(X: Any, types: Sequence[tuple[str, Any]]) -> dict[str, Array]:
    """Return a table as a dict of inputs for onnxruntime.

    Parameters
    ----------
    X : {array-like, dataframe} of shape (n_samples, n_features)
        Rows.
    types : list of (str, object)
        As returned by `initial_types`.

    Returns
    -------
    inputs : dict of str to ndarray of shape (n_samples, 1)
        A column for each name: numbers, with NaN for missing values; or categories as
        strings, with "" for missing values.

    Raises
    ------
    ValueError
        If X has other columns than `types`, or if a numeric column contains anything
        but numbers and missing values.

    Examples
    --------
    >>> from skffnn.onnx import initial_types, inputs
    >>> table = [[1.5, "red"], [None, None]]
    >>> types = initial_types(table)
    >>> inputs(table, types)
    {'x0': array([[1.5],
           [nan]]), 'x1': array([['red'],
           ['']], dtype=object)}
    """
    table = named_columns(X)
    names, expected = [name for name, _ in table], [name for name, _ in types]
    if names != expected:
        raise ValueError(f"X must have the columns {expected}, got {names}.")
    given = {}
    for (name, column), (_, kind) in zip(table, types, strict=True):
        dtype = DTYPES[type(kind)]
        if dtype.kind == "O":
            values: Array = np.array([text(cell) for cell in cells(column)], dtype)
        else:
            values = numbers(column, name).astype(dtype)
        given[name] = values[:, np.newaxis]
    return given


def named_columns(X: Any) -> list[tuple[str, Any]]:
    """Return the columns of a table with the names of the inputs."""
    if is_frame(X):
        names = [str(name) for name in X.columns]
    else:
        X = check_array(X, dtype=kept_dtype(X), ensure_all_finite=False)
        names = [f"x{j}" for j in range(X.shape[1])]
    if len(set(names)) < len(names):
        raise ValueError(f"the columns must have different names, got {names}.")
    return list(zip(input_names(names), columns_of(X), strict=True))


def input_names(names: Sequence[str]) -> list[str]:
    """Turn column names into input names that skl2onnx does not change.

    They are unique, consist of letters, digits, "_" and "+", do not begin with a digit
    and differ from the names of outputs.
    """
    found: list[str] = []
    taken = set(OUTPUTS)
    for name in names:
        plain = re.sub(r"^(?=[0-9]|$)", "_", re.sub(r"[^\w+]", "_", name))
        numbered = chain([plain], (f"{plain}{k}" for k in count(1)))
        found.append(next(new for new in numbered if new not in taken))
        taken.add(found[-1])
    return found


# ------------------------------------------------------------------- TableEncoder


def check_columns(encodings: Sequence[Encoding], columns: list[Tensor]) -> None:
    """Raise unless a TableEncoder can be converted for these columns."""
    dated = [each.name for each in encodings if each.dated]
    if dated:
        raise TypeError(
            f"a TableEncoder of dates has no ONNX form: columns {dated}. Convert them "
            "to numbers before training."
        )
    if len(columns) != len(encodings):
        raise ValueError(
            f"TableEncoder was fitted to {len(encodings)} columns, but the inputs have "
            f"{len(columns)}: see skffnn.onnx.initial_types."
        )
    for each, column in zip(encodings, columns, strict=True):
        is_string = column.dtype.kind == "O"
        if is_string != (each.categories is not None):
            needed = "numbers" if is_string else "strings"
            raise TypeError(
                f"the input of column {each.name!r} must hold {needed}: see "
                "skffnn.onnx.initial_types."
            )


def encoded(encoder: Any, columns: list[Tensor]) -> Tensor:
    """Return the numeric columns and the encoded categorical columns of a table."""
    encodings = encodings_of(encoder)
    check_columns(encodings, columns)
    parts = []
    for each, column in zip(encodings, columns, strict=True):
        if each.categories is None:
            parts.append(column.cast(np.float64))
            continue
        codes = codes_of(column, each.categories, each.name)
        hot = codes.op("Equal", np.arange(len(each.categories)), dtype=np.bool_)
        parts.append(hot.cast(np.float64))
        if each.means is not None:
            codes = codes_of(column, each.means.categories, each.name).reshape(-1)
            table = column.graph.constant(each.means.table, np.float64)
            parts.append(table.op("Gather", codes, axis=0))
    return concatenated(parts)


def codes_of(column: Tensor, categories: Sequence[Any], name: Any) -> Tensor:
    """Return the index of the category of each cell, in int64.

    Unknown categories have that of `OTHER`, which comes last, or -1 without it.
    """
    known = [category for category in categories if category is not OTHER]
    keys = [text(category) for category in known]
    if len(set(keys)) < len(keys) or MISSING in known:
        raise ValueError(
            f"the categories of column {name!r} are not distinct as strings, with a "
            f'missing value as "": {known}.'
        )
    return column.op(
        "LabelEncoder",
        ml_version=2,
        dtype=np.int64,
        keys_strings=keys,
        values_int64s=list(range(len(keys))),
        default_int64=len(keys) if OTHER in categories else -1,
    )


# ------------------------------------------------------------- scaler and imputer


def scaled(scaler: Any, x: Tensor) -> Tensor:
    """Return z / √(1 + (z / limit)²) for a RobustSmoothScaler, in float64."""
    limit = float(scaler.limit)
    is_empty = np.isnan(scaler.center_)
    center = np.where(is_empty, 0, scaler.center_)
    scale = np.where(scaler.scale_ > 0, scaler.scale_, np.inf)
    graph = x.graph
    z = (x.cast(np.float64) - center) / scale
    if is_empty.any():
        empty, zero = graph.constant(is_empty, np.bool_), graph.constant(0.0, z.dtype)
        z = empty.op("Where", zero, z, dtype=z.dtype)
    z = z.op("Clip", -FAR * limit, FAR * limit)
    part = z / limit
    return z / (1 + part * part).op("Sqrt")


def filled(imputer: Any, x: Tensor) -> Tensor:
    """Return the features with their gaps filled, then the marks of the gaps."""
    gaps = x.op("IsNaN", dtype=np.bool_)
    fill_value = x.graph.constant(float(imputer.fill_value), x.dtype)
    parts = [gaps.op("Where", fill_value, x, dtype=x.dtype)]
    if len(imputer.features_):
        marks = gaps.columns(imputer.features_).cast(x.dtype)
        parts.append(marks * float(imputer.gap))
    return concatenated(parts)
