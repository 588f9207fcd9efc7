"""Activation functions in ONNX, in operators that onnxruntime has for float64 too."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..nn.activations import (
    ELU,
    GELU,
    SELU,
    Activation,
    Identity,
    LeakyReLU,
    Logistic,
    Mish,
    ReLU,
    SiLU,
    Tanh,
)
from .tensor import Tensor


def maximum(a: Tensor, b: Any) -> Tensor:
    """Return max(a, b)."""
    return a.op("Max", b)


def minimum(a: Tensor, b: Any) -> Tensor:
    """Return min(a, b)."""
    return a.op("Min", b)


def sigmoid(a: Tensor) -> Tensor:
    """Return σ(a)."""
    return a.op("Sigmoid")


def elu(g: Any, a: Tensor) -> Tensor:
    """Return scale · (max(a, 0) + α (exp(min(a, 0)) - 1))."""
    positive, negative = maximum(a, 0), minimum(a, 0).op("Exp") - 1
    return g.scale * (positive + g.alpha * negative)


def gelu(g: Any, a: Tensor) -> Tensor:
    """Return a Φ(a), with Φ(a) = ½ (1 + erf(a / √2)).

    erf is computed in float32, the only type for which onnxruntime has it; the error is
    6e-8.
    """
    erf = (a / np.sqrt(2)).cast(np.float32).op("Erf").cast(a.dtype)
    return a * (0.5 + 0.5 * erf)


def mish(g: Any, a: Tensor) -> Tensor:
    """Return a n / (n + 2), with w = exp(a) and n = w (w + 2)."""
    w = minimum(a, 20).op("Exp")  # above 20 the ratio rounds to 1; w² would overflow
    n = w * (w + 2)
    return a * (n / (n + 2))


FORMS: dict[type[Activation], Callable[[Any, Tensor], Tensor]] = {
    Identity: lambda g, a: a,
    Logistic: lambda g, a: sigmoid(a),
    Tanh: lambda g, a: a.op("Tanh"),
    ReLU: lambda g, a: maximum(a, 0),
    LeakyReLU: lambda g, a: maximum(a, g.slope * a),
    ELU: elu,
    SELU: elu,
    GELU: gelu,
    SiLU: lambda g, a: a * sigmoid(a),
    Mish: mish,
}


def activated(g: Any, a: Tensor) -> Tensor:
    """Return g(a).

    Parameters
    ----------
    g : Activation
        An activation of this package, or an object with a method `to_onnx` that takes
        `a` and returns g(a), both of type `skffnn.onnx.tensor.Tensor`.
    a : Tensor
        Pre-activations.

    Returns
    -------
    h : Tensor
        Activations.

    Raises
    ------
    TypeError
        If g has no ONNX form.
    """
    if hasattr(g, "to_onnx"):
        h: Tensor = g.to_onnx(a)
        return h
    if type(g) not in FORMS:
        raise TypeError(
            f"the activation {g!r} has no ONNX form. Give its class a method "
            "to_onnx(self, a) that returns g(a), written with the operators of "
            "skffnn.onnx.tensor.Tensor."
        )
    return FORMS[type(g)](g, a)
