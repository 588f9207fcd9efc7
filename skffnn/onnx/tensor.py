"""Tensors for building an ONNX graph: arithmetic on them adds nodes.

skl2onnx converts a model in two steps: a shape calculator declares the types and shapes
of the outputs, then a converter adds nodes. Both get an `operator`, with the fitted
model as `raw_operator` and its `inputs` and `outputs`. The converter also gets a
`scope`, which makes names unique, and the `container` of the nodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from onnx import TensorProto
from onnx.helper import np_dtype_to_tensor_dtype
from onnx.numpy_helper import from_array
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)

# The NumPy dtype of each tensor type.
DTYPES: dict[type, Any] = {
    FloatTensorType: np.dtype(np.float32),
    DoubleTensorType: np.dtype(np.float64),
    Int64TensorType: np.dtype(np.int64),
    BooleanTensorType: np.dtype(np.bool_),
    StringTensorType: np.dtype(object),
}
TYPES: dict[Any, type] = {dtype: kind for kind, dtype in DTYPES.items()}

# Since this opset, the axes of ReduceSum are an input instead of an attribute.
OLDEST_OPSET = 13


class Graph:
    """The graph to which a converter adds nodes."""

    def __init__(self, scope: Any, container: Any) -> None:
        if container.target_opset < OLDEST_OPSET:
            raise ValueError(
                f"target_opset must be at least {OLDEST_OPSET}, got "
                f"{container.target_opset}."
            )
        self.scope, self.container = scope, container

    def constant(self, value: Any, dtype: Any) -> "Tensor":
        """Return a tensor with given values.

        An array without floats keeps its own type.
        """
        name = self.scope.get_unique_variable_name("constant")
        if not isinstance(value, np.ndarray) or value.dtype.kind == "f":
            value = np.asarray(value, dtype)
        if value.dtype.kind == "O":
            kind, content = TensorProto.STRING, value.ravel().tolist()
        else:
            kind, content = np_dtype_to_tensor_dtype(value.dtype), from_array(value)
        self.container.add_initializer(name, kind, list(value.shape), content)
        return Tensor(self, name, value.dtype)

    def columns(self, operator: Any) -> list["Tensor"]:
        """Return the columns of the inputs of a model, each of shape (n_samples, 1)."""
        return [
            Tensor(self, variable.full_name, dtype_of(variable)).columns([i])
            for variable in operator.inputs
            for i in range(n_columns(variable))
        ]

    def matrix(self, operator: Any) -> "Tensor":
        """Return the inputs of a model as one matrix of numbers."""
        dtype = dtype_of_numbers(operator)
        inputs = [Tensor(self, v.full_name, dtype_of(v)) for v in operator.inputs]
        return concatenated([x.cast(dtype) for x in inputs])


@dataclass(frozen=True)
class Tensor:
    """A value in a graph.

    Python's operators add nodes to the graph; numbers become constants of the dtype of
    the tensor. `op` adds a node with any other ONNX operator.

    Attributes
    ----------
    graph : Graph
        The graph.
    name : str
        The name of the value in the graph.
    dtype : dtype
        Its type.
    """

    graph: Graph
    name: str
    dtype: Any

    def op(
        self,
        op_type: str,
        *others: Any,
        dtype: Any = None,
        ml_version: int | None = None,
        **attributes: Any,
    ) -> "Tensor":
        """Add a node whose first input is this tensor.

        Parameters
        ----------
        op_type : str
            Name of the ONNX operator, such as "Exp".
        *others : Tensor, array or number
            Further inputs.
        dtype : dtype, default=None
            Type of the output; None is that of this tensor.
        ml_version : int, default=None
            Version of an operator in the domain `ai.onnx.ml`; None for the default
            domain.
        **attributes : dict
            Attributes of the operator.

        Returns
        -------
        output : Tensor
            The output of the node.
        """
        scope, container = self.graph.scope, self.graph.container
        inputs = [self, *map(self._tensor, others)]
        output = scope.get_unique_variable_name(op_type.lower())
        container.add_node(
            op_type,
            [x.name for x in inputs],
            [output],
            op_domain="" if ml_version is None else "ai.onnx.ml",
            op_version=ml_version,
            name=scope.get_unique_operator_name(op_type),
            **attributes,
        )
        dtype = self.dtype if dtype is None else np.dtype(dtype)
        return Tensor(self.graph, output, dtype)

    def _tensor(self, value: Any) -> "Tensor":
        """Return an operand as a tensor."""
        if isinstance(value, Tensor):
            return value
        return self.graph.constant(value, self.dtype)

    def cast(self, dtype: Any) -> "Tensor":
        """Return the tensor in another type."""
        dtype = np.dtype(dtype)
        if dtype == self.dtype:
            return self
        return self.op("Cast", dtype=dtype, to=np_dtype_to_tensor_dtype(dtype))

    def reshape(self, *shape: int) -> "Tensor":
        """Return the tensor in another shape, of which one number may be -1."""
        return self.op("Reshape", np.array(shape, np.int64))

    def columns(self, indices: Sequence[int]) -> "Tensor":
        """Return some columns of a matrix, by their indices."""
        return self.op("Gather", np.asarray(indices, np.int64), axis=1)

    def named(self, variable: Any) -> None:
        """Make the tensor an output of the model."""
        self.graph.container.add_node(
            "Identity",
            [self.name],
            [variable.full_name],
            name=self.graph.scope.get_unique_operator_name("Identity"),
        )

    def __add__(self, other: Any) -> "Tensor":
        return self.op("Add", other)

    def __radd__(self, other: Any) -> "Tensor":
        return self._tensor(other).op("Add", self)

    def __sub__(self, other: Any) -> "Tensor":
        return self.op("Sub", other)

    def __rsub__(self, other: Any) -> "Tensor":
        return self._tensor(other).op("Sub", self)

    def __mul__(self, other: Any) -> "Tensor":
        return self.op("Mul", other)

    def __rmul__(self, other: Any) -> "Tensor":
        return self._tensor(other).op("Mul", self)

    def __truediv__(self, other: Any) -> "Tensor":
        return self.op("Div", other)

    def __rtruediv__(self, other: Any) -> "Tensor":
        return self._tensor(other).op("Div", self)

    def __matmul__(self, other: Any) -> "Tensor":
        return self.op("MatMul", other)

    def __neg__(self) -> "Tensor":
        return self.op("Neg")

    # With an array on the left, NumPy leaves the arithmetic to the tensor.
    __array_ufunc__ = None


def concatenated(parts: Sequence[Tensor]) -> Tensor:
    """Return matrices of one dtype side by side."""
    first, *rest = parts
    return first.op("Concat", *rest, axis=1) if rest else first


def dtype_of(variable: Any) -> Any:
    """Return the dtype of an input of an operator; raise if it is not supported."""
    for kind, dtype in DTYPES.items():
        if isinstance(variable.type, kind):
            return dtype
    raise TypeError(
        f"the input {variable.raw_name!r} must be of floats, doubles, 64-bit integers, "
        f"booleans or strings, got {variable.type}."
    )


def dtype_of_numbers(operator: Any) -> Any:
    """Return the type in which a model gets its inputs.

    As in scikit-learn, it is float32 if all inputs are, otherwise float64.
    """
    dtypes = [dtype_of(variable) for variable in operator.inputs]
    if any(dtype.kind == "O" for dtype in dtypes):
        raise TypeError(
            f"{type(operator.raw_operator).__name__} takes numbers, but an input is of "
            "strings: put a TableEncoder before it."
        )
    is_single = all(dtype == np.float32 for dtype in dtypes)
    return np.dtype(np.float32 if is_single else np.float64)


def declare(variable: Any, dtype: Any, *shape: int | None) -> None:
    """Declare the type of an output, and its shape without the first axis, the rows."""
    variable.set_type(TYPES[np.dtype(dtype)]([None, *shape]))


def n_columns(variable: Any) -> int:
    """Return the number of columns of an input; raise if its type has none."""
    shape = variable.type.shape
    if len(shape) < 2 or not all(isinstance(size, int) for size in shape[1:]):
        raise ValueError(
            f"the type of the input {variable.raw_name!r} must say how many columns it "
            f"has, such as [None, 1], got {list(shape)}."
        )
    return prod(shape[1:])
