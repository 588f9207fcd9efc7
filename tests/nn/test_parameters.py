"""θ as a vector and as matrices, and its initial values."""

import numpy as np
import pytest

from skffnn import ACTIVATIONS, NTK, Adam, FFNNClassifier
from skffnn.nn.parameters import (
    INITIALIZERS,
    GlorotUniform,
    Parameters,
    initialise,
    rates_of,
)

SIZES = (4, 3, 2)
# Variance as a function of n_in and n_out, from the papers.
VARIANCE = {
    "glorot_uniform": lambda n_in, n_out: 2 / (n_in + n_out),
    "glorot_normal": lambda n_in, n_out: 2 / (n_in + n_out),
    "he_uniform": lambda n_in, n_out: 2 / n_in,
    "he_normal": lambda n_in, n_out: 2 / n_in,
    "lecun_uniform": lambda n_in, n_out: 1 / n_in,
    "lecun_normal": lambda n_in, n_out: 1 / n_in,
    "ntk": lambda n_in, n_out: 1 / n_in,
}


def test_matrices_are_views_of_the_vector():
    theta = Parameters(SIZES)
    for part in (*theta.W, *theta.b, theta.weights):
        assert np.shares_memory(part, theta.vector)
    theta.vector[...] = np.arange(theta.vector.size)
    np.testing.assert_array_equal(theta.W[0], np.arange(12).reshape(4, 3))
    np.testing.assert_array_equal(theta.b[-1], [[21, 22]])
    assert theta.weights.size == 4 * 3 + 3 * 2


def test_leading_axes_stack_networks():
    theta = Parameters(SIZES, np.arange(46.0).reshape(2, 23))
    assert theta.W[0].shape == (2, 4, 3)
    np.testing.assert_array_equal(
        theta.W[1][1], Parameters(SIZES, theta.vector[1]).W[1]
    )


@pytest.mark.parametrize("name", INITIALIZERS)
def test_variance_of_initial_weights(name):
    n_in, n_out, gain = 300, 200, 0.8
    rng = np.random.RandomState(0)
    W, b = INITIALIZERS[name].draw(rng, n_in, n_out, gain)
    assert W.shape == (n_in, n_out)
    assert b.shape == (n_out,)
    expected = VARIANCE[name](n_in, n_out)
    if "glorot" in name:  # the others, for rectifiers and SELU, need no gain
        expected *= gain**2
    # With 60000 draws, the standard errors are 1 % for the variance and 0.4 % of sigma
    # for the mean.
    assert W.var() == pytest.approx(expected, rel=0.03)
    assert abs(W.mean()) < 0.02 * np.sqrt(expected)
    if "uniform" in name:
        assert np.abs(W).max() <= np.sqrt(3 * expected)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_a_seed_gives_the_same_start_once_and_again(name):
    first, second = (
        initialise(
            SIZES, INITIALIZERS[name], [1.0, 1.0], np.random.RandomState(5)
        ).vector
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_scale_of_the_start_follows_the_activation(activation):
    # A step of size 0 keeps the initial values. The bound is Glorot's, with a smaller
    # one for the logistic function.
    X, y = np.ones((4, 30)), [0, 1, 0, 1]
    model = FFNNClassifier(
        (300,), activation, solver="sgd", learning_rate_init=1e-300, max_iter=1
    ).fit(X, y)
    bound = np.sqrt((2 if activation == "logistic" else 6) / 330)
    assert 0.99 * bound < np.abs(model.coefs_[0]).max() <= bound


class Rated(GlorotUniform):
    """Glorot initialisation with given rates."""

    def __init__(self, of_W, of_b):
        self.of = of_W, of_b

    def rates(self, sizes):
        return [self.of for _ in sizes[1:]]


def after(weight_init, **params):
    """Return θ after five steps of a fit."""
    X, y = np.random.default_rng(0).normal(size=(20, 4)), np.tile([0, 1], 10)
    model = FFNNClassifier(
        (3,), weight_init=weight_init, random_state=0, max_iter=5, **params
    ).fit(X, y)
    return model.fitted_.theta


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_rates_of_1_change_nothing(solver):
    plain, rated = (
        after(GlorotUniform(), solver=solver),
        after(Rated(1, 1), solver=solver),
    )
    np.testing.assert_allclose(rated.vector, plain.vector, rtol=1e-12)


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_a_rate_of_0_keeps_the_start(solver):
    start = after(GlorotUniform(), learning_rate_init=1e-300)
    moved = after(Rated(0.5, 0), solver=solver, alpha=0)
    np.testing.assert_array_equal(moved.b[0], start.b[0])
    assert not np.array_equal(moved.W[0], start.W[0])


def test_one_step_is_as_much_longer_as_its_rate():
    params = {"solver": "sgd", "batch_size": 20}
    X, y = np.random.default_rng(0).normal(size=(20, 4)), np.tile([0, 1], 10)

    def step(weight_init, eta):
        model = FFNNClassifier(
            (3,),
            weight_init=weight_init,
            random_state=0,
            max_iter=1,
            learning_rate_init=eta,
            **params,
        ).fit(X, y)
        return model.fitted_.theta

    start, plain = step(GlorotUniform(), 1e-300), step(GlorotUniform(), 0.1)
    rated = step(Rated(0.5, 3), 0.1)
    np.testing.assert_allclose(
        rated.weights - start.weights, 0.5 * (plain.weights - start.weights), rtol=1e-9
    )
    np.testing.assert_allclose(
        rated.b[0] - start.b[0], 3 * (plain.b[0] - start.b[0]), rtol=1e-9
    )


def test_rates_are_those_of_the_layers():
    theta = Parameters((4, 3, 2), dtype=np.float32)
    assert rates_of(theta, GlorotUniform()) is None
    rates = rates_of(theta, NTK(first_rate=3, bias_rate=0.1))
    assert rates.dtype == np.float32
    expected = [3 / np.sqrt(4)] * 12 + [1 / np.sqrt(3)] * 6 + [0.1] * 5
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


def test_ntk_is_the_neural_tangent_parametrisation():
    # A network with a = h V / √n_in + b, trained by Adam with one rate for V and b.
    eta, n_steps = 0.05, 5
    X, y = np.random.default_rng(0).normal(size=(20, 4)), np.tile([0.0, 1.0], 10)
    theta = initialise((4, 3, 1), NTK(), [1, 1], np.random.RandomState(0))
    n_in = [4, 3]
    V = Parameters(theta.sizes, theta.vector.copy())
    for k in range(2):
        V.W[k][...] *= np.sqrt(n_in[k])
    adam, grad = Adam(epsilon=1e-20), Parameters(theta.sizes)
    state = adam.init(V.vector)
    for _ in range(n_steps):
        W = [V.W[k] / np.sqrt(n_in[k]) for k in range(2)]
        h = np.tanh(X @ W[0] + V.b[0])
        delta = (1 / (1 + np.exp(-(h @ W[1] + V.b[1]))) - y[:, np.newaxis]) / len(X)
        grad.W[1][...] = h.T @ delta / np.sqrt(n_in[1])
        grad.b[1][...] = delta.sum(axis=0)
        delta = (delta @ W[1].T) * (1 - h**2)
        grad.W[0][...] = X.T @ delta / np.sqrt(n_in[0])
        grad.b[0][...] = delta.sum(axis=0)
        V.vector += adam.update(grad.vector, state, eta)
    model = FFNNClassifier(
        (3,),
        "tanh",
        solver=adam,
        alpha=0,
        learning_rate_init=eta,
        weight_init=NTK(first_rate=1, bias_rate=1),
        batch_size=20,
        max_iter=n_steps,
        random_state=0,
    ).fit(X, y)
    for k in range(2):
        np.testing.assert_allclose(
            model.coefs_[k], V.W[k] / np.sqrt(n_in[k]), rtol=1e-9
        )
        np.testing.assert_allclose(model.intercepts_[k], V.b[k][0], rtol=1e-9)
