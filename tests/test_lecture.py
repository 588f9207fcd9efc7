"""The lecture notes: a 2-2-2 network computed by hand, and the logic gates."""

from math import exp, log

import numpy as np
import pytest

from skffnn import ACTIVATIONS, PENALTIES, FFNNClassifier
from skffnn.nn.losses import Softmax
from skffnn.nn.network import Network
from skffnn.nn.objective import Objective
from skffnn.nn.parameters import Parameters

ROUNDING = 1e-14  # a dozen operations in float64


def test_forward_and_backward_of_a_2_2_2_network_by_hand():
    # One example, x = (1, 2) of class y* = 1, computed in scalars as on paper, with two
    # logistic hidden neurons and a softmax over two outputs.
    x1, x2 = 1.0, 2.0
    w11, w12, w21, w22 = 0.1, -0.2, 0.3, 0.4  # from input i to hidden neuron j
    c1, c2 = 0.05, -0.05
    v11, v12, v21, v22 = 0.5, -0.6, 0.7, 0.8  # from hidden i to output j
    d1, d2 = 0.2, -0.1
    lam = 0.01

    def sigma(a):
        return 1 / (1 + exp(-a))

    h1 = sigma(x1 * w11 + x2 * w21 + c1)
    h2 = sigma(x1 * w12 + x2 * w22 + c2)
    a1 = h1 * v11 + h2 * v21 + d1
    a2 = h1 * v12 + h2 * v22 + d2
    f1 = exp(a1) / (exp(a1) + exp(a2))
    f2 = exp(a2) / (exp(a1) + exp(a2))
    loss = -log(f2)  # the lecture's -ln f_{y*}
    weights = [w11, w12, w21, w22, v11, v12, v21, v22]
    omega = 0.5 * sum(w * w for w in weights)

    # The lecture's first factor, -e(y*) / f_{y*}, times the softmax Jacobian:
    e1 = -1 / f2 * (-f1 * f2)
    e2 = -1 / f2 * (f2 * (1 - f2))
    g1 = (e1 * v11 + e2 * v12) * h1 * (1 - h1)
    g2 = (e1 * v21 + e2 * v22) * h2 * (1 - h2)
    expected = [
        x1 * g1 + lam * w11,
        x1 * g2 + lam * w12,
        x2 * g1 + lam * w21,
        x2 * g2 + lam * w22,
        h1 * e1 + lam * v11,
        h1 * e2 + lam * v12,
        h2 * e1 + lam * v21,
        h2 * e2 + lam * v22,
        *(g1, g2),
        *(e1, e2),  # biases are not penalised
    ]

    theta = Parameters([2, 2, 2], np.array([*weights, c1, c2, d1, d2]))
    network = Network(theta.W, theta.b, [ACTIVATIONS["logistic"]()])
    objective = Objective(theta, network, Softmax(), PENALTIES["l2"](), lam)
    grad = Parameters([2, 2, 2])
    value = objective.data_term(
        (np.array([[x1, x2]]), np.array([[0.0, 1.0]]), np.ones((1, 1))), grad
    )
    value += objective.penalty_term(grad)

    assert value == pytest.approx(loss + lam * omega, rel=ROUNDING)
    np.testing.assert_allclose(grad.vector, expected, rtol=ROUNDING)


INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
AND, OR, XOR = [0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 1, 0]
SOLVERS = [
    {"solver": "lbfgs"},
    {"solver": "sgd", "batch_size": 1, "learning_rate_init": 0.1},
    {"solver": "sgd", "batch_size": 4, "learning_rate_init": 1.0},
    {"solver": "adam", "learning_rate_init": 0.05},
]


def gate(hidden, seed=0, **kwargs):
    return FFNNClassifier(
        hidden, "tanh", alpha=0, tol=0, max_iter=500, random_state=seed, **kwargs
    )


@pytest.mark.parametrize("kwargs", SOLVERS, ids=str)
@pytest.mark.parametrize("y", [AND, OR], ids=["and", "or"])
def test_and_and_or_are_learned_without_a_hidden_layer(y, kwargs):
    assert gate((), **kwargs).fit(INPUTS, y).score(INPUTS, y) == 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kwargs", SOLVERS, ids=str)
def test_xor_cannot_be_learned_without_a_hidden_layer(kwargs, seed):
    # A line classifies at most three of the four points of XOR correctly.
    assert gate((), seed, **kwargs).fit(INPUTS, XOR).score(INPUTS, XOR) <= 0.75


@pytest.mark.parametrize("kwargs", SOLVERS, ids=str)
def test_xor_is_learned_with_one_hidden_layer(kwargs):
    model = gate((8,), **kwargs).fit(INPUTS, XOR)
    assert model.score(INPUTS, XOR) == 1
    # In the feature space of the hidden layer, XOR is linearly separable.
    h = model.hidden_features(INPUTS.astype(float))
    assert gate((), solver="lbfgs").fit(h, XOR).score(h, XOR) == 1


def test_plain_sgd_on_one_example_is_the_lectures_update():
    # θ ← θ - η ∂ℓ/∂θ for one example after another, written out for one neuron.
    X, y = np.array([[1.0], [-2.0], [0.5]]), np.array([0, 1, 1])
    model = FFNNClassifier(
        (),
        solver="sgd",
        momentum=0,
        alpha=0,
        batch_size=1,
        shuffle=False,
        max_iter=1,
        learning_rate_init=0.3,
        dtype="float64",
        random_state=0,
    )
    bound = np.sqrt(6 / 2)
    rng = np.random.RandomState(0)
    w, b = rng.uniform(-bound, bound), rng.uniform(-bound, bound)
    for x, target in zip(X[:, 0], y, strict=True):
        error = 1 / (1 + exp(-(w * x + b))) - target
        w, b = w - 0.3 * error * x, b - 0.3 * error
    model.fit(X, y)
    assert model.coefs_[0].item() == pytest.approx(w, rel=ROUNDING)
    assert model.intercepts_[0].item() == pytest.approx(b, rel=ROUNDING)
