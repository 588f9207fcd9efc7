"""Converters of the transformers, and the columns of a table as inputs of ONNX."""

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

# What stands for a missing value in a column of strings, which have no other in ONNX.
MISSING = ""

# Names of outputs, which skl2onnx takes away from inputs.
OUTPUTS = {
    "label",
    "probabilities",
    "output_label",
    "output_probability",
    "class_labels",
    "variable",
}

# Beyond this multiple of its limit, a scaled number is clipped to the limit exactly.
# Its square does not overflow.
FAR = 1e150

# ------------------------------------------------------------------------- inputs


def text(cell: Any) -> str:
    """Return the string that stands for a cell of a categorical column.

    Equal cells have equal strings: 1.0 is "1", since it is equal to 1.

    Parameters
    ----------
    cell : object
        A cell; None if it is missing.

    Returns
    -------
    string : str
        "" if it is missing.
    """
    if cell is None:
        return MISSING
    is_number = isinstance(cell, Real) and not isinstance(cell, bool)
    return str(int(cell)) if is_number and cell == cell // 1 else str(cell)


def initial_types(X: Any) -> list[tuple[str, Any]]:
    """Return the types of the inputs of a table, one for each column.

    They are what `skl2onnx.to_onnx` needs of a pipeline that begins with a
    `TableEncoder`.

    Parameters
    ----------
    X : {array-like, dataframe} of shape (n_samples, n_features)
        The table that the pipeline was fitted to, or some rows of it that show which
        columns are categorical.

    Returns
    -------
    types : list of (str, object)
        Name and type of each input. A numeric column is of doubles, or of floats if it
        is of float32; a categorical one is of strings. The names are those of the
        columns, or "x0", "x1", … if X is no dataframe, with "_" in place of all but
        letters, digits and "+"; some are numbered, so that all differ, and none is that
        of an output, such as "label".

    Raises
    ------
    ValueError
        If a column holds dates, or if two have one name.

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
            f"dates have no ONNX form: columns {dated}. Make numbers of them before "
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
    """Return a table as onnxruntime takes it.

    Parameters
    ----------
    X : {array-like, dataframe} of shape (n_samples, n_features)
        Rows.
    types : list of (str, object)
        As `initial_types` has returned them.

    Returns
    -------
    inputs : dict of str to ndarray of shape (n_samples, 1)
        A column for each name: numbers, NaN where one is missing; or the categories as
        strings, "" where one is missing.

    Raises
    ------
    ValueError
        If the columns are not those of the types, or if a numeric one has something
        else in it.

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
    """Return the columns of a table with the names of their inputs."""
    if is_frame(X):
        names = [str(name) for name in X.columns]
    else:
        X = check_array(X, dtype=kept_dtype(X), ensure_all_finite=False)
        names = [f"x{j}" for j in range(X.shape[1])]
    if len(set(names)) < len(names):
        raise ValueError(f"the columns must have different names, got {names}.")
    return list(zip(input_names(names), columns_of(X), strict=True))


def input_names(names: Sequence[str]) -> list[str]:
    """Return names that skl2onnx leaves as they are, in place of those of columns.

    Parameters
    ----------
    names : sequence of str
        Names of columns.

    Returns
    -------
    names : list of str
        Of letters, digits, "_" and "+", without a digit at the start; all different,
        and different from those of outputs.
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
    """Say what a TableEncoder returns; raise if it cannot be converted.

    Parameters
    ----------
    operator : object
        As skl2onnx gives it to a shape calculator.
    """
    encoder = operator.raw_operator
    check_is_fitted(encoder)
    names = encoder._names(encoder.categories_)
    dated = [name for name, d in zip(names, encoder.dates_, strict=True) if d]
    if dated:
        raise TypeError(
            f"a TableEncoder of dates has no ONNX form: columns {dated}. Make numbers "
            "of them before training."
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
                f"the input of column {name!r} must be of {needed}: see "
                "skffnn.onnx.initial_types."
            )
    declare(operator.outputs[0], np.float64, len(encoder.get_feature_names_out()))


def convert_table(scope: Any, operator: Any, container: Any) -> None:
    """Convert a TableEncoder.

    Parameters
    ----------
    scope, operator, container : object
        As skl2onnx gives them to a converter.
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
    # Numeric columns that are side by side in one input stay together.
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
    """Return what a categorical column becomes.

    Parameters
    ----------
    column : Tensor of shape (n_samples, 1)
        Strings.
    categories : sequence
        Its categories.
    means : TargetMeans or None
        The means of y for them.
    name : object
        Its name, for error messages.

    Returns
    -------
    parts : list of Tensor of shape (n_samples, n_columns)
        One-hot, and the means.
    """
    codes = codes_of(column, categories, name)
    hot = codes.op("Equal", np.arange(len(categories)), dtype=np.bool_)
    if means is None:
        return [hot.cast(np.float64)]
    codes = codes_of(column, [*means.categories, OTHER], name).reshape(-1)
    table = column.graph.constant(means.table, np.float64)
    return [hot.cast(np.float64), table.op("Gather", codes, axis=0)]


def codes_of(column: Tensor, categories: Sequence[Any], name: Any) -> Tensor:
    """Return the number of the category of each cell.

    Parameters
    ----------
    column : Tensor of shape (n_samples, 1)
        Strings.
    categories : sequence
        Those of the column; maybe with `OTHER` at the end.
    name : object
        Name of the column, for error messages.

    Returns
    -------
    codes : Tensor of int64 of shape (n_samples, 1)
        Of a cell that is in no category that of `OTHER`, or -1.

    Raises
    ------
    ValueError
        If two categories are the same string.
    """
    known = [category for category in categories if category is not OTHER]
    keys = [text(category) for category in known]
    if len(set(keys)) < len(keys) or MISSING in known:
        raise ValueError(
            f"the categories of column {name!r} cannot be told apart as strings, where "
            f'a missing value is "": {known}.'
        )
    return column.op(
        "LabelEncoder",
        ml_version=2,
        dtype=np.int64,
        keys_strings=keys,
        values_int64s=list(range(len(keys))),
        default_int64=len(keys) if OTHER in categories else -1,
    )


# ------------------------------------------------------- scaled and without gaps


def shape_of_scaled(operator: Any) -> None:
    """Say what a RobustSmoothScaler returns.

    Parameters
    ----------
    operator : object
        As skl2onnx gives it to a shape calculator.
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
        As skl2onnx gives them to a converter.
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
    """Say what a GapImputer returns.

    Parameters
    ----------
    operator : object
        As skl2onnx gives it to a shape calculator.
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
        As skl2onnx gives them to a converter.
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
