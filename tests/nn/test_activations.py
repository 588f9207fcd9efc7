"""Activation functions match their definitions in all dtypes, without overflow."""

import numpy as np
import pytest
from scipy.special import erf

from skffnn import ACTIVATIONS

# Definitions from the papers, for moderate a.
DEFINITIONS = {
    "identity": lambda a: a,
    "logistic": lambda a: 1 / (1 + np.exp(-a)),
    "tanh": lambda a: (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a)),
    "relu": lambda a: np.where(a > 0, a, 0),
    "leaky_relu": lambda a: np.where(a > 0, a, 0.01 * a),
    "elu": lambda a: np.where(a > 0, a, np.exp(a) - 1),
    "selu": lambda a: 1.05070098 * np.where(a > 0, a, 1.67326324 * (np.exp(a) - 1)),
    "gelu": lambda a: a * (1 + erf(a / np.sqrt(2))) / 2,
    "silu": lambda a: a / (1 + np.exp(-a)),
    "mish": lambda a: a * np.tanh(np.log(1 + np.exp(a))),
}
RTOL = {np.float64: 1e-7, np.float32: 1e-5}  # the constants of SELU have nine digits


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_is_as_defined(name, dtype):
    a = np.linspace(-5, 5, 101).astype(dtype)
    h = np.empty_like(a)
    ACTIVATIONS[name]().forward(a.copy(), h)
    expected = DEFINITIONS[name](a.astype(np.float64))
    np.testing.assert_allclose(h, expected, rtol=RTOL[dtype], atol=RTOL[dtype])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_limits_are_finite(name, dtype):
    a = np.array([-1e4, -100, 0, 100, 1e4], dtype)
    h, d = np.empty_like(a), np.empty_like(a)
    with np.errstate(over="ignore", under="ignore"):
        ACTIVATIONS[name]().forward(a.copy(), h, d)
    assert h.dtype == d.dtype == dtype
    assert np.isfinite(h).all()
    assert np.isfinite(d).all()
    # Far from 0, each is constant or linear, so h shows its slope.
    np.testing.assert_allclose(
        d[[0, -1]], (h[[1, -1]] - h[[0, -2]]) / 9900, rtol=1e-3, atol=1e-3
    )


def test_slope_at_the_kink_of_relu_is_0():
    d = np.empty(1)
    ACTIVATIONS["relu"]().forward(np.zeros(1), np.empty(1), d)
    assert d == 0
