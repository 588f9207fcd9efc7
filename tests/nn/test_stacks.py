"""A stack of networks gives the same results as its members alone."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from skffnn import ACTIVATIONS
from skffnn.nn.losses import LogisticOutput, Softmax
from skffnn.nn.network import Network
from skffnn.nn.objective import Objective
from skffnn.nn.parameters import L2, Parameters
from skffnn.optim.optimizers import OPTIMIZERS

M, N, SIZES = 3, 11, (4, 6, 5, 3)
ALPHA = np.array([0.0, 0.1, 2.0])
# Matrix products of a stack may sum in a different order than those of its members.
RTOL = 1e-13

RNG = np.random.default_rng(0)
THETA = RNG.normal(size=(M, Parameters(SIZES).vector.size))
X = RNG.normal(size=(M, N, SIZES[0])) * (RNG.uniform(size=(M, N, SIZES[0])) < 0.7)
Y = RNG.dirichlet(np.ones(SIZES[-1]), (M, N))
W = RNG.uniform(size=(M, N, 1))


def objective(vector, activation, loss, alpha):
    theta = Parameters(SIZES, vector.copy())
    activations = [ACTIVATIONS[activation]() for _ in SIZES[1:-1]]
    network = Network(theta.W, theta.b, activations)
    return Objective(theta, network, loss, L2(), alpha)


def evaluate(J, batch):
    """Return the data term, the penalty, and the gradient of both."""
    grad = Parameters.zeros_like(J.theta)
    value = J.data_term(batch, grad)
    return value, J.penalty_term(grad), grad.vector


def members(batch):
    """Yield the batch of each member; two-dimensional arrays are shared."""
    for m in range(M):
        yield tuple(part[m] if np.ndim(part) == 3 else part for part in batch)


ROWS = {
    "own rows": (X, Y, W),
    "shared rows": (X[0], Y[0], W[0]),
    "shared rows, own weights": (X[0], Y[0], W),
    "sparse rows": (csr_array(X[0]), Y[0], W[0]),
}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("loss", [Softmax(), LogisticOutput()], ids=lambda x: x.name)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_loss_penalty_and_gradient_are_those_of_the_members(activation, loss, rows):
    batch = ROWS[rows]
    value, penalty, grad = evaluate(objective(THETA, activation, loss, ALPHA), batch)
    assert value.shape == penalty.shape == (M,)
    for m, own in enumerate(members(batch)):
        alone = evaluate(objective(THETA[m], activation, loss, float(ALPHA[m])), own)
        assert value[m] == pytest.approx(alone[0], rel=RTOL)
        assert penalty[m] == pytest.approx(alone[1], rel=RTOL)
        scale = np.abs(alone[2]).max()
        np.testing.assert_allclose(grad[m], alone[2], rtol=RTOL, atol=RTOL * scale)


def test_sums_over_blocks_are_those_of_the_members():
    J = objective(THETA, "tanh", Softmax(), ALPHA)
    grad, part = Parameters.zeros_like(J.theta), Parameters.zeros_like(J.theta)
    blocks = [(X[:, :4], Y[:, :4], W[:, :4]), (X[:, 4:], Y[:, 4:], W[:, 4:])]
    values = J.from_sums(*J.sums(blocks, grad, part), grad)
    for m in range(M):
        alone = objective(THETA[m], "tanh", Softmax(), float(ALPHA[m]))
        w = W[m] / W[m].sum()
        data_term, penalty, expected = evaluate(alone, (X[m], Y[m], w))
        assert values[m] == pytest.approx(data_term + penalty, rel=RTOL)
        np.testing.assert_allclose(grad.vector[m], expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_are_those_of_the_members_at_their_own_rates(name):
    optimizer, eta = OPTIMIZERS[name](), np.array([0.1, 0.01, 1.0])
    state = optimizer.init(THETA)
    alone = [optimizer.init(THETA[m]) for m in range(M)]
    for _ in range(4):
        grad = RNG.normal(size=THETA.shape)
        expected = [
            optimizer.update(grad[m].copy(), alone[m], eta[m].item()).copy()
            for m in range(M)
        ]
        delta = optimizer.update(grad, state, eta)
        np.testing.assert_allclose(delta, np.stack(expected), rtol=RTOL)


def test_weights_decay_at_the_rate_of_their_member():
    eta = np.array([0.1, 0.2, 0.3])
    J = objective(THETA, "tanh", Softmax(), ALPHA)
    J.decay(eta)
    n = J.theta.weights.shape[-1]
    expected = THETA[:, :n] * (1 - eta * ALPHA)[:, np.newaxis]
    np.testing.assert_allclose(J.theta.weights, expected, rtol=RTOL)
    np.testing.assert_array_equal(J.theta.vector[:, n:], THETA[:, n:])


def test_a_long_stack_is_cut_into_blocks_of_the_same_size():
    from skffnn.nn.arrays import BLOCK, in_cache

    stack = np.zeros((8, BLOCK))
    blocks = in_cache(stack, stack)
    assert all(part.size <= BLOCK for block in blocks for part in block)
    assert sum(block[0].size for block in blocks) == stack.size
