"""Losses and output maps, from logits of any size."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.metrics import log_loss

from skffnn.nn.losses import LogisticOutput, Softmax

RNG = np.random.default_rng(0)
A = RNG.normal(scale=4, size=(20, 5))
E = np.eye(5)[RNG.integers(5, size=20)]
RTOL = 1e-12  # a handful of roundings


def test_softmax_against_scipy():
    np.testing.assert_allclose(Softmax().output(A.copy()), softmax(A, 1), RTOL)
    np.testing.assert_allclose(Softmax().log_output(A.copy()), log_softmax(A, 1), RTOL)


def test_cross_entropy_of_softmax_against_scikit_learn():
    a = A.copy()
    ell = Softmax().loss_and_error(a, E)
    assert ell.shape == (20, 1)
    assert ell.mean() == pytest.approx(log_loss(E, softmax(A, 1)), rel=RTOL)
    np.testing.assert_allclose(a, softmax(A, 1) - E, rtol=1e-9, atol=1e-15)


def test_logistic_against_its_definition():
    f = 1 / (1 + np.exp(-A))
    ell = -np.log(np.where(E == 1, f, 1 - f)).sum(axis=1, keepdims=True)
    a = A.copy()
    np.testing.assert_allclose(LogisticOutput().loss_and_error(a, E), ell, rtol=1e-9)
    np.testing.assert_allclose(a, f - E, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(LogisticOutput().output(A.copy()), f, RTOL)
    np.testing.assert_allclose(LogisticOutput().log_output(A.copy()), np.log(f), 1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", [Softmax(), LogisticOutput()], ids=lambda x: x.name)
def test_extreme_logits_give_finite_losses_and_logarithms(loss, dtype):
    a = np.array([[1e4, -1e4], [-1e4, 1e4], [0, 0]], dtype)
    y = np.array([[1, 0], [1, 0], [1, 0]], dtype)
    log_f = loss.log_output(a.copy())
    f = loss.output(a.copy())
    ell = loss.loss_and_error(a, y)
    for array in (log_f, f, ell, a):
        assert array.dtype == dtype
        assert np.isfinite(array).all()
    assert ell[0] == 0
    assert ell[1] == 2e4
    assert log_f[1, 0] == (-2e4 if loss.name == "softmax" else -1e4)


@pytest.mark.parametrize("loss", [Softmax(), LogisticOutput()], ids=lambda x: x.name)
def test_leading_axes_broadcast(loss):
    stack = np.stack([A, A + 1, -A])
    ell = loss.loss_and_error(stack.copy(), np.stack([E] * 3))
    each = [loss.loss_and_error(a.copy(), E) for a in stack]
    np.testing.assert_array_equal(ell, np.stack(each))
