"""The gradient of J(θ) matches finite differences for all combinations of parts."""

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array

from skffnn import ACTIVATIONS, PENALTIES, REGRESSION_LOSSES, Quantile
from skffnn.nn.losses import BlockOutput, LogisticOutput, Softmax
from skffnn.nn.network import Dropout, Network
from skffnn.nn.objective import Objective
from skffnn.nn.parameters import INITIALIZERS, initialise

# Fourth-order central differences with step 1e-3 have a relative truncation error of
# about 1e-12 for smooth J, and a rounding error of 1e-16 / 1e-3.
STEP = 1e-3
RTOL = 1e-7

N, N_FEATURES = 7, 4
HIDDEN = {"none": (), "one": (5,), "three": (5, 3, 4)}


def problem(activation, hidden, loss, *, weighted, sparse, alpha=0.3):
    """Return J and a batch, away from the kinks of rectifiers."""
    rng = np.random.RandomState(0)
    K = 3 if isinstance(loss, (Softmax, LogisticOutput)) else 6
    sizes = (N_FEATURES, *hidden, K)
    theta = initialise(
        sizes, INITIALIZERS["glorot_uniform"], [1.0] * (len(sizes) - 1), rng
    )
    activations = [ACTIVATIONS[activation]() for _ in hidden]
    network = Network(theta.W, theta.b, activations)
    X = rng.standard_normal((N, N_FEATURES))
    if sparse:
        X[rng.uniform(size=X.shape) < 0.5] = 0
        X = csr_array(X)
    if isinstance(loss, Softmax):
        y = rng.dirichlet(np.ones(K), N)  # also covers smoothed labels
    elif isinstance(loss, BlockOutput):
        y = np.hstack([rng.dirichlet(np.ones(n), N) for n in (3, 1, 2)])
        y[:, 3] = rng.uniform(size=N)
    else:
        y = rng.uniform(size=(N, K))
    w = (rng.uniform(size=(N, 1)) if weighted else np.ones((N, 1))) / N
    return Objective(theta, network, loss, PENALTIES["l2"](), alpha), (X, y, w)


def slope(J, vector, direction):
    """Differentiate J along a direction by fourth-order differences."""
    start = vector.copy()

    def at(t):
        vector[...] = start + t * direction
        return J()

    d1, d2 = at(STEP) - at(-STEP), at(2 * STEP) - at(-2 * STEP)
    vector[...] = start
    return (8 * d1 - d2) / (12 * STEP)


def assert_gradient_is_slope(objective, batch):
    theta = objective.theta
    grad = type(theta)(theta.sizes)

    def J():
        value = objective.data_term(batch, type(theta)(theta.sizes))
        return value + objective.penalty_term()

    objective.data_term(batch, grad)
    objective.penalty_term(grad)
    rng = np.random.RandomState(1)
    for _ in range(5):
        direction = rng.standard_normal(theta.vector.shape)
        direction /= np.linalg.norm(direction)
        expected = slope(J, theta.vector, direction)
        scale = np.linalg.norm(grad.vector)
        assert abs(grad.vector @ direction - expected) <= RTOL * scale


each_loss = pytest.mark.parametrize(
    "loss", [Softmax(), LogisticOutput()], ids=lambda loss: loss.name
)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("depth", HIDDEN)
@each_loss
def test_gradient_is_the_slope_of_J(depth, loss, weighted, sparse):
    assert_gradient_is_slope(
        *problem("tanh", HIDDEN[depth], loss, weighted=weighted, sparse=sparse)
    )


@each_loss
@pytest.mark.parametrize("depth", ["one", "three"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_of_each_activation_is_the_slope_of_J(activation, depth, loss):
    assert_gradient_is_slope(
        *problem(activation, HIDDEN[depth], loss, weighted=True, sparse=True)
    )


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("depth", HIDDEN)
def test_gradient_of_several_targets_is_the_slope_of_J(depth, sparse):
    each = [Softmax(), LogisticOutput(), Softmax()]
    loss = BlockOutput(each, [3, 1, 2])
    assert_gradient_is_slope(
        *problem("tanh", HIDDEN[depth], loss, weighted=True, sparse=sparse)
    )


REGRESSION = {name: loss() for name, loss in REGRESSION_LOSSES.items()}
REGRESSION |= {"three quantiles": Quantile([0.1, 0.5, 0.9])}


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("depth", HIDDEN)
@pytest.mark.parametrize("name", REGRESSION)
def test_gradient_of_a_regression_loss_is_the_slope_of_J(name, depth, sparse):
    loss = REGRESSION[name]
    objective, (X, _, w) = problem(
        "tanh", HIDDEN[depth], loss, weighted=True, sparse=sparse
    )
    # On both sides of the kinks, at f = y and 1 from there, but not close.
    a = objective.network.forward(X, train=True)
    away = np.resize([0.4, -3.0, -0.4, 3.0, 0.6], a.shape)
    y = a + away if loss.scalable else np.exp(a) * np.exp(away / 2)
    assert_gradient_is_slope(objective, (X, y, w))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_with_dropout(activation):
    objective, batch = problem(
        activation, (6, 5), Softmax(), weighted=False, sparse=False
    )

    class SameMasks(np.random.Generator):
        """Draws the same masks in every pass, so that J is a function."""

        def random(self, **kwargs):
            draws = np.random.default_rng(len(kwargs["out"].T))
            return draws.random(**kwargs)

    rng = SameMasks(np.random.PCG64())
    objective.dropout = Dropout([0.5, 0.2], rng)
    assert_gradient_is_slope(objective, batch)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_penalty_gradient_is_its_slope(penalty):
    omega = PENALTIES[penalty]()
    rng = np.random.RandomState(0)
    W, direction = rng.standard_normal((2, 20))
    grad = np.zeros(20)
    omega.add_gradient(W, 0.7, grad)
    expected = 0.7 * slope(lambda: omega.value(W), W, direction)
    assert grad @ direction == pytest.approx(expected, rel=RTOL)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_of_the_activation(name):
    g = ACTIVATIONS[name]()
    a = np.linspace(-6, 6, 48)  # without 0, where rectifiers have a kink
    h, d = np.empty_like(a), np.empty_like(a)
    g.forward(a.copy(), h, d)

    def at(t):
        out = np.empty_like(a)
        g.forward(a + t, out)
        return out

    d1, d2 = at(STEP) - at(-STEP), at(2 * STEP) - at(-2 * STEP)
    np.testing.assert_allclose(d, (8 * d1 - d2) / (12 * STEP), rtol=RTOL, atol=RTOL)
    np.testing.assert_array_equal(h, at(0))  # the same value with and without d


@each_loss
@pytest.mark.parametrize("partition", [[7], [1, 6], [3, 2, 2], [1] * 7], ids=str)
def test_the_data_term_is_a_sum_over_any_partition_of_the_rows(loss, partition):
    objective, (X, y, w) = problem("tanh", (5,), loss, weighted=True, sparse=False)
    whole, part = (type(objective.theta)(objective.theta.sizes) for _ in range(2))
    value = objective.data_term((X, y, w), whole)
    ends = np.cumsum([0, *partition])
    blocks = [(X[i:j], y[i:j], w[i:j]) for i, j in itertools.pairwise(ends.tolist())]
    summed = type(objective.theta)(objective.theta.sizes)
    objective.alpha = 0
    total, weight = objective.sums(blocks, summed, part)
    assert weight == pytest.approx(w.sum(), rel=1e-13)
    assert total == pytest.approx(value, rel=1e-13)  # rounding of seven terms
    np.testing.assert_allclose(summed.vector, whole.vector, rtol=1e-10, atol=1e-15)
