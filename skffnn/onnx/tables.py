"""Converters of the transformers, and tables as ONNX inputs, one for each column."""

import re
from collections.abc import Sequence
from itertools import chain, count, groupby
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from ..nn.arrays import Array
from ..tabular.cells import cells
from ..tabular.dates import as_dates
from ..tabular.encoder import (
    OTHER,
    columns_of,
    is_categorical,
    kept_dtype,
    numbers,
)
from ..utils.checks import is_frame
from .tensor import (
    DTYPES,
    TYPES,
    Graph,
    Tensor,
    concatenated,
    declare,
    dtype_of,
    dtype_of_numbers,
    n_columns,
)

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
    """Return the string for a cell of a categorical column.

    Equal cells have equal strings: 1.0 becomes "1", as it equals 1.

    Parameters
    ----------
    cell : object
        A cell; None for a missing value.

    Returns
    -------
    string : str
        The string; "" for a missing value.
    """
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

    Parameters
    ----------
    names : sequence of str
        Names of columns.

    Returns
    -------
    names : list of str
        Unique names of letters, digits, "_" and "+" that neither start with a digit nor
        equal the name of an output.
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


def shape_of_table(operator: Any) -> None:
    """Declare the output of a TableEncoder; raise if it cannot be converted.

    Parameters
    ----------
    operator : object
        As skl2onnx passes it to a shape calculator.
    """
    encoder = operator.raw_operator
    check_is_fitted(encoder)
    names = encoder._names(encoder.categories_)
    dated = [name for name, d in zip(names, encoder.dates_, strict=True) if d]
    if dated:
        raise TypeError(
            f"a TableEncoder of dates has no ONNX form: columns {dated}. Convert them "
            "to numbers before training."
        )
    n = sum(n_columns(variable) for variable in operator.inputs)
    if n != encoder.n_features_in_:
        raise ValueError(
            f"TableEncoder was fitted to {encoder.n_features_in_} columns, but the "
            f"inputs have {n}: see skffnn.onnx.initial_types."
        )
    strings = [
        dtype_of(v).kind == "O" for v in operator.inputs for _ in range(n_columns(v))
    ]
    kinds = zip(names, encoder.categories_, strings, strict=True)
    for name, categories, is_string in kinds:
        if is_string != (categories is not None):
            needed = "numbers" if is_string else "strings"
            raise TypeError(
                f"the input of column {name!r} must hold {needed}: see "
                "skffnn.onnx.initial_types."
            )
    declare(operator.outputs[0], np.float64, len(encoder.get_feature_names_out()))


def convert_table(scope: Any, operator: Any, container: Any) -> None:
    """Convert a TableEncoder.

    Parameters
    ----------
    scope, operator, container : object
        As skl2onnx passes them to a converter.
    """
    encoder = operator.raw_operator
    graph = Graph(scope, container)
    places = [
        (x, i)
        for x, variable in zip(graph.inputs(operator), operator.inputs, strict=True)
        for i in range(n_columns(variable))
    ]
    names = encoder._names(encoder.categories_)
    kinds = zip(places, encoder.categories_, encoder.means_, names, strict=True)
    # Adjacent numeric columns of one input are converted together.
    parts = []
    for (x, is_numeric), run in groupby(kinds, lambda k: (k[0][0], k[1] is None)):
        columns = list(run)
        if is_numeric:
            parts.append(x.columns([i for (_, i), *_ in columns]).cast(np.float64))
            continue
        for (_, i), *kind in columns:
            parts += encoded(x.columns([i]), *kind)
    concatenated(parts).named(operator.outputs[0])


def encoded(
    column: Tensor, categories: Sequence[Any], means: Any, name: Any
) -> list[Tensor]:
    """Return the encoded columns of a categorical column.

    Parameters
    ----------
    column : Tensor of shape (n_samples, 1)
        Strings.
    categories : sequence
        Its categories.
    means : TargetMeans or None
        The means of y for the categories.
    name : object
        Name of the column, for error messages.

    Returns
    -------
    parts : list of Tensor of shape (n_samples, n_columns)
        The one-hot encoding, then the means, if any.
    """
    codes = codes_of(column, categories, name)
    hot = codes.op("Equal", np.arange(len(categories)), dtype=np.bool_)
    if means is None:
        return [hot.cast(np.float64)]
    codes = codes_of(column, [*means.categories, OTHER], name).reshape(-1)
    table = column.graph.constant(means.table, np.float64)
    return [hot.cast(np.float64), table.op("Gather", codes, axis=0)]


def codes_of(column: Tensor, categories: Sequence[Any], name: Any) -> Tensor:
    """Return the index of the category of each cell.

    Parameters
    ----------
    column : Tensor of shape (n_samples, 1)
        Strings.
    categories : sequence
        Categories of the column, with `OTHER` at the end or without it.
    name : object
        Name of the column, for error messages.

    Returns
    -------
    codes : Tensor of int64 of shape (n_samples, 1)
        The indices. Unknown categories have that of `OTHER`, or -1 without it.

    Raises
    ------
    ValueError
        If two categories have the same string.
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


def shape_of_scaled(operator: Any) -> None:
    """Declare the output of a RobustSmoothScaler.

    Parameters
    ----------
    operator : object
        As skl2onnx passes it to a shape calculator.
    """
    scaler = operator.raw_operator
    check_is_fitted(scaler)
    dtype = scaler.dtype or dtype_of_numbers(operator)
    declare(operator.outputs[0], dtype, scaler.n_features_in_)


def convert_scaler(scope: Any, operator: Any, container: Any) -> None:
    """Convert a RobustSmoothScaler: z / √(1 + (z / limit)²), computed in float64.

    Parameters
    ----------
    scope, operator, container : object
        As skl2onnx passes them to a converter.
    """
    scaler = operator.raw_operator
    graph = Graph(scope, container)
    x = graph.matrix(operator)
    limit, dtype = float(scaler.limit), scaler.dtype or x.dtype
    is_empty = np.isnan(scaler.center_)
    center = np.where(is_empty, 0, scaler.center_)
    scale = np.where(scaler.scale_ > 0, scaler.scale_, np.inf)
    z = (x.cast(np.float64) - center) / scale
    if is_empty.any():
        empty, zero = graph.constant(is_empty, np.bool_), graph.constant(0.0, z.dtype)
        z = empty.op("Where", zero, z, dtype=z.dtype)
    z = z.op("Clip", -FAR * limit, FAR * limit)
    part = z / limit
    z = z / (1 + part * part).op("Sqrt")
    z.cast(dtype).named(operator.outputs[0])


def shape_of_filled(operator: Any) -> None:
    """Declare the output of a GapImputer.

    Parameters
    ----------
    operator : object
        As skl2onnx passes it to a shape calculator.
    """
    imputer = operator.raw_operator
    check_is_fitted(imputer)
    n = imputer.n_features_in_ + len(imputer.features_)
    declare(operator.outputs[0], dtype_of_numbers(operator), n)


def convert_imputer(scope: Any, operator: Any, container: Any) -> None:
    """Convert a GapImputer.

    Parameters
    ----------
    scope, operator, container : object
        As skl2onnx passes them to a converter.
    """
    imputer = operator.raw_operator
    graph = Graph(scope, container)
    x = graph.matrix(operator)
    gaps = x.op("IsNaN", dtype=np.bool_)
    fill_value = graph.constant(float(imputer.fill_value), x.dtype)
    parts = [gaps.op("Where", fill_value, x, dtype=x.dtype)]
    if len(imputer.features_):
        marks = gaps.columns(imputer.features_).cast(x.dtype)
        parts.append(marks * float(imputer.gap))
    concatenated(parts).named(operator.outputs[0])
