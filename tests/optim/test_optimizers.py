"""Optimisers match their formulas, written out for scalars."""

from math import sqrt

import numpy as np
import pytest

from skffnn import SOLVERS
from skffnn.nn.arrays import BLOCK
from skffnn.optim.optimizers import OPTIMIZERS, SGD, Adam, AdamW

ETA = 0.1
GRADIENTS = np.random.default_rng(0).normal(size=12)
RTOL = 1e-12  # rounding in a dozen steps
STEPPERS = list(OPTIMIZERS)


def run(optimizer, theta, gradients=GRADIENTS):
    theta = np.array(theta, float)
    state = optimizer.init(theta)
    for g in gradients:
        theta += optimizer.update(np.full_like(theta, g), state, ETA)
    return theta


def test_plain_gradient_descent():
    expected = 2.0
    for g in GRADIENTS:
        expected -= ETA * g
    assert run(SGD(momentum=0), [2.0]) == pytest.approx(expected, rel=RTOL)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(nesterov):
    theta, v, mu = 2.0, 0.0, 0.7
    for g in GRADIENTS:
        v = mu * v - ETA * g
        theta += mu * v - ETA * g if nesterov else v
    assert run(SGD(mu, nesterov), [2.0]) == pytest.approx(theta, rel=RTOL)


def test_nesterovs_form_is_the_gradient_at_a_point_ahead():
    # Sutskever et al.: v ← μ v - η ∇J(θ + μ v), θ ← θ + v, in terms of φ = θ + μ v.
    mu, ahead, v = 0.7, 2.0, 0.0
    theta, state = np.array([2.0]), SGD(mu).init(np.zeros(1))
    for _ in range(10):
        gradient = np.cos(ahead)  # of J = sin
        plain = ahead - mu * v
        v = mu * v - ETA * gradient
        ahead = plain + v + mu * v
        theta += SGD(mu).update(np.cos(theta), state, ETA)
    assert theta == pytest.approx(ahead, rel=RTOL)


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_adam(kind):
    beta_1, beta_2, epsilon = 0.8, 0.95, 1e-3
    theta, m, v = 2.0, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        eta_t = ETA * sqrt(1 - beta_2**t) / (1 - beta_1**t)
        theta -= eta_t * m / (sqrt(v) + epsilon)
    optimizer = kind(beta_1, beta_2, epsilon)
    assert run(optimizer, [2.0]) == pytest.approx(theta, rel=RTOL)


@pytest.mark.parametrize("name", STEPPERS)
def test_long_vectors_are_cut_into_blocks_without_a_difference(name):
    optimizer = SOLVERS[name]()
    n = 2 * BLOCK + 5
    short = run(optimizer, [2.0])
    np.testing.assert_array_equal(run(optimizer, np.full(n, 2.0)), np.full(n, short))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", STEPPERS)
def test_everything_keeps_the_type_of_theta(name, dtype):
    theta = np.ones(3, dtype)
    state = SOLVERS[name]().init(theta)
    before = {key: value for key, value in state.items() if np.ndim(value)}
    delta = SOLVERS[name]().update(np.ones(3, dtype), state, ETA)
    assert delta.dtype == dtype
    for key, array in before.items():
        assert state[key] is array  # changed in place
        assert array.dtype == dtype


@pytest.mark.parametrize("name", STEPPERS)
def test_state_is_plain_and_resumes(name):
    optimizer, theta = SOLVERS[name](), np.array([2.0, -1.0])
    state = optimizer.init(theta)
    assert all(isinstance(v, int | float | np.ndarray) for v in state.values())
    for g in GRADIENTS[:5]:
        theta += optimizer.update(np.full(2, g), state, ETA)
    saved = {k: np.copy(v) if np.ndim(v) else v for k, v in state.items()}
    for g in GRADIENTS[5:]:
        theta += optimizer.update(np.full(2, g), saved, ETA)
    np.testing.assert_array_equal(theta, run(optimizer, [2.0, -1.0]))


@pytest.mark.parametrize("name", STEPPERS)
def test_a_quadratic_bowl_is_descended(name):
    optimizer, theta = SOLVERS[name](), np.array([3.0, -2.0])
    state = optimizer.init(theta)
    for _ in range(400):
        theta += optimizer.update(theta.copy(), state, 0.05)
    assert np.abs(theta).max() < 0.05
