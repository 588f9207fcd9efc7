"""Losses and output maps, from logits of any size."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from scipy.stats import norm
from sklearn.metrics import (
    log_loss,
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
    mean_tweedie_deviance,
)

from skffnn import REGRESSION_LOSSES, Gaussian, Huber, Quantile, Tweedie
from skffnn.nn.losses import LogisticOutput, Softmax

RNG = np.random.default_rng(0)
A = RNG.normal(scale=4, size=(20, 5))
E = np.eye(5)[RNG.integers(5, size=20)]
RTOL = 1e-12  # a few rounding errors


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


POSITIVE = RNG.gamma(2, size=(20, 5))
COUNTS = RNG.poisson(1.5, size=(20, 5))  # some are 0
# The loss is a sum over five outputs: five times the mean over all entries.
MEANS = {
    "squared_error": lambda y, f: mean_squared_error(y, f) / 2,
    "absolute_error": mean_absolute_error,
    "quantile": lambda y, f: mean_pinball_loss(y, f, alpha=0.5),
    "poisson": lambda y, f: mean_poisson_deviance(y.ravel(), f.ravel()) / 2,
    "gamma": lambda y, f: mean_gamma_deviance(y.ravel(), f.ravel()) / 2,
    "tweedie": lambda y, f: mean_tweedie_deviance(y.ravel(), f.ravel(), power=1.5) / 2,
}
OF_COUNTS = ("poisson", "tweedie")


@pytest.mark.parametrize("name", MEANS)
def test_regression_losses_against_the_metrics_of_scikit_learn(name):
    loss = REGRESSION_LOSSES[name]()
    y = POSITIVE if name == "gamma" else A[::-1]
    y = COUNTS.astype(float) if name in OF_COUNTS else y
    ell = loss.loss_and_error(A / 2, y)
    f = loss.output(A / 2)
    assert ell.shape == (20, 1)
    assert ell.mean() == pytest.approx(5 * MEANS[name](y, f), rel=RTOL)


@pytest.mark.parametrize("power", [1.001, 1.3, 1.999])
def test_tweedie_of_any_power_against_scikit_learn(power):
    f, y = np.exp(A / 2).ravel(), COUNTS.astype(float)
    ell = Tweedie(power).loss_and_error(A / 2, y)
    expected = 5 * mean_tweedie_deviance(y.ravel(), f, power=power) / 2
    # Scikit-learn divides by 1 - p and 2 - p, and loses three digits.
    assert ell.mean() == pytest.approx(expected, rel=1e3 * RTOL)


@pytest.mark.parametrize("distance", [0, 1e-15, 1e-12, 1e-9, 1e-6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("power", "name"), [(1, "poisson"), (2, "gamma")])
def test_tweedie_is_poisson_and_gamma_in_the_limit(power, name, dtype, distance):
    ours = Tweedie(power + distance if power == 1 else power - distance)
    theirs = REGRESSION_LOSSES[name]()
    a, y = (A / 4).astype(dtype), (POSITIVE if power == 2 else COUNTS).astype(dtype)
    b = a.copy()
    ell, limit = ours.loss_and_error(a, y), theirs.loss_and_error(b, y)
    # The derivative with respect to p is at most 100 here: ln² f, times y / f.
    # `Poisson` and `Gamma` cancel digits where f is close to y.
    tol = 100 * distance + 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(ell, limit, rtol=tol, atol=tol)
    np.testing.assert_allclose(a, b, rtol=tol, atol=tol)


@pytest.mark.parametrize("power", [0.9, 2.1, np.nan, "1.5", None, [1.5]])
def test_powers_that_are_refused(power):
    with pytest.raises(ValueError, match="power must be a number in"):
        Tweedie(power)


def test_the_huber_loss_is_squared_inside_and_linear_outside():
    r = np.array([[0.5], [-2.0], [2.0], [-3.0]])
    a = r.copy()
    ell = Huber(delta=2.0).loss_and_error(a, np.zeros_like(r))
    np.testing.assert_array_equal(ell, [[0.125], [2], [2], [2 * (3 - 1)]])
    np.testing.assert_array_equal(a, [[0.5], [-2], [2], [-2]])


def test_several_quantiles_are_outputs_of_their_own():
    levels = [0.1, 0.5, 0.9]
    y = np.repeat(A[:, :2], 3, axis=1)  # three outputs for each of two targets
    a = np.hstack([A, A[:, :1]])
    error = a.copy()
    ell = Quantile(levels).loss_and_error(error, y)
    each = sum(
        Quantile(levels[k % 3]).loss_and_error(a[:, [k]], y[:, [k]]) for k in range(6)
    )
    np.testing.assert_allclose(ell, each, rtol=RTOL)
    expected = (np.hstack([A, A[:, :1]])[:, 3:] > y[:, 3:]) - np.array(levels)
    np.testing.assert_allclose(error[:, 3:], expected, rtol=RTOL)


def test_gaussian_is_the_likelihood_of_a_normal_distribution():
    a, y = A[:, :4], np.repeat(A[:, 3:], 2, axis=1)  # two outputs for each target
    f = Gaussian().output(a.copy())
    ell = Gaussian().loss_and_error(a.copy(), y)
    expected = -norm.logpdf(y[:, ::2], f[:, ::2], np.exp(f[:, 1::2])).sum(axis=1)
    np.testing.assert_allclose(ell[:, 0], expected - np.log(2 * np.pi), rtol=1e-9)
    np.testing.assert_array_equal(f[:, ::2], a[:, ::2])
    np.testing.assert_allclose(
        np.exp(f[:, 1::2]), np.hypot(np.exp(a[:, 1::2]), 1e-4), rtol=RTOL
    )


def test_the_gradient_of_gaussian_is_its_slope_at_the_smallest_deviation():
    a, h = np.zeros((5, 2)), 1e-5
    a[:, 1] = np.log(1e-4) + np.linspace(-2, 2, 5)
    y = np.full_like(a, 1e-4)  # σ varies from 1 to 7 times that, and z with it

    def ell(step):
        return Gaussian().loss_and_error(a + np.array([0, step]), y)[:, 0]

    error = a.copy()
    Gaussian().loss_and_error(error, y)
    slope = (ell(h) - ell(-h)) / (2 * h)
    # The truncation error is h², and the rounding error 1e-15 / h.
    np.testing.assert_allclose(error[:, 1], slope, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gaussian_outputs_of_any_size_give_finite_losses(dtype):
    a = np.array([[0, 1e4], [0, -1e4], [1e6, -1e4], [-1e6, 1e4]], dtype)
    f = Gaussian().output(a.copy())
    ell = Gaussian().loss_and_error(a, np.zeros_like(a))
    assert all(np.isfinite(array).all() for array in (f, ell, a))
    np.testing.assert_allclose(f[:, 1], [1e4, np.log(1e-4), np.log(1e-4), 1e4])


@pytest.mark.parametrize(
    "level", [0, 1, -0.1, np.nan, "half", [], [0.5, 0.5], [0.9, 0.1], None]
)
def test_levels_of_quantiles_that_are_refused(level):
    with pytest.raises(ValueError, match="quantile must be a number in"):
        Quantile(level)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", REGRESSION_LOSSES)
def test_regression_losses_keep_the_type_and_broadcast_over_a_stack(name, dtype):
    loss = REGRESSION_LOSSES[name]()
    outputs, y = np.hstack([A, A[:, :1]]), np.hstack([POSITIVE, POSITIVE[:, :1]])
    stack = np.stack([outputs, outputs + 1, -outputs]).astype(dtype) / 4
    y = np.stack([y] * 3).astype(dtype)
    a = stack.copy()
    ell = loss.loss_and_error(a, y)
    assert ell.dtype == a.dtype == dtype
    each = [loss.loss_and_error(part.copy(), y[0]) for part in stack]
    np.testing.assert_array_equal(ell, np.stack(each))
    terms = loss.score_terms(stack, y)
    np.testing.assert_array_equal(
        terms, np.stack([loss.score_terms(part, y[0]) for part in stack])
    )
