"""θ as a vector and as matrices, and how it is drawn."""

import numpy as np
import pytest

from skffnn import ACTIVATIONS, FFNNClassifier
from skffnn.parameters import INITIALIZERS, Parameters, initialise

SIZES = (4, 3, 2)
# Variance over n_in, n_out as the papers have it.
VARIANCE = {
    "glorot_uniform": lambda n_in, n_out: 2 / (n_in + n_out),
    "glorot_normal": lambda n_in, n_out: 2 / (n_in + n_out),
    "he_uniform": lambda n_in, n_out: 2 / n_in,
    "he_normal": lambda n_in, n_out: 2 / n_in,
    "lecun_uniform": lambda n_in, n_out: 1 / n_in,
    "lecun_normal": lambda n_in, n_out: 1 / n_in,
}


def test_matrices_are_views_of_the_vector():
    theta = Parameters(SIZES)
    for part in (*theta.W, *theta.b, theta.weights):
        assert np.shares_memory(part, theta.vector)
    theta.vector[...] = np.arange(theta.vector.size)
    np.testing.assert_array_equal(theta.W[0], np.arange(12).reshape(4, 3))
    np.testing.assert_array_equal(theta.b[-1], [[21, 22]])
    assert theta.weights.size == 4 * 3 + 3 * 2


def test_from_arrays_is_a_copy_of_the_same_values():
    theta = Parameters(SIZES, np.arange(23.0))
    again = Parameters.from_arrays(theta.W, [b[0] for b in theta.b])
    np.testing.assert_array_equal(again.vector, theta.vector)
    assert again.sizes == theta.sizes
    assert not np.shares_memory(again.vector, theta.vector)


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
    if "glorot" in name:  # the others are for rectifiers and SELU, which need no gain
        expected *= gain**2
    # 60000 draws: the variance is known to within 1 %, the mean to 0.4 % of sigma.
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
    # One step of size 0 leaves the start: Glorot's bound, less for the logistic.
    X, y = np.ones((4, 30)), [0, 1, 0, 1]
    model = FFNNClassifier(
        (300,), activation, solver="sgd", learning_rate_init=1e-300, max_iter=1
    ).fit(X, y)
    bound = np.sqrt((2 if activation == "logistic" else 6) / 330)
    assert 0.99 * bound < np.abs(model.coefs_[0]).max() <= bound
