"""Solvers: their input, the state that they continue, and their steps."""

from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from helpers import X, y
from sklearn.metrics import log_loss

from skffnn import SCHEDULES, SGD, Adam, AdamW, FFNNClassifier
from skffnn.nn.parameters import Parameters
from skffnn.optim.optimizers import OPTIMIZERS
from skffnn.optim.solvers import LBFGS, StochasticSolver, name_of
from skffnn.optim.state import StoppingCriteria, TrainingState
from skffnn.optim.training import Training


class Constant:
    """J(θ) = c θ, with a constant gradient."""

    network = dropout = None

    def __init__(self, theta, slope):
        self.theta, self.slope = theta, slope

    def data_term(self, batch, grad):
        grad.vector[...] = self.slope
        return 0.0

    def penalty_term(self, grad):
        return 0.0

    def decay(self, eta):
        pass


class Batches(list):
    n_rows = 1

    def shuffle(self, random_state):
        pass


def steps(n, solver, theta, slope=1.0):
    """Take n steps, one per epoch."""
    state = TrainingState(theta, np.random.RandomState(0))
    criteria = StoppingCriteria(n, tol=0.0, n_iter_no_change=np.inf, early=False)
    training = Training(Constant(theta, slope), state, criteria, n_rows=1)
    solver.solve(training, Batches([(None, [0], None)]))
    return theta.vector


def test_rates_of_parameters_lose_no_precision():
    # 1000 steps of 6e-7 at θ = 1 in float32, where numbers below 1 are 6e-8 apart. The
    # error of each step is at most half of that, 5 %.
    rates = np.array([1.0, 0.1, 0.1], np.float32)
    solver = StochasticSolver(
        SGD(momentum=0), SCHEDULES["constant"](), 6e-6, lambda theta: rates
    )
    theta = Parameters([2, 1], np.ones(3, np.float32))
    moved = 1 - steps(1000, solver, theta)
    np.testing.assert_allclose(moved[1:], 6e-4, rtol=0.05)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rates_scale_the_update_of_every_optimiser(name):
    rates = np.array([1.0, 0.5, 0.0])

    def run(rates):
        solver = StochasticSolver(
            OPTIMIZERS[name](), SCHEDULES["constant"](), 0.1, lambda theta: rates
        )
        return steps(5, solver, Parameters([2, 1], np.zeros(3)))

    np.testing.assert_allclose(run(rates), rates * run(None), rtol=1e-12)


class TestStateOfAnOptimiser:
    """An optimiser continues only a state created by the same `init`."""

    def test_made_by_a_partial_is_known_by_the_function(self):
        def init(theta, scale):
            return {"v": scale * np.ones_like(theta)}

        def update(grad, state, eta):
            state["v"] += 1
            return -eta * grad

        optimizer = SimpleNamespace(init=partial(init, scale=2.0), update=update)
        model = FFNNClassifier((4,), solver=optimizer, max_iter=3, warm_start=True)
        model.fit(X, y)
        assert (model._state["optimizer"]["v"] == 2 + 3).all()
        model.fit(X, y)
        assert (model._state["optimizer"]["v"] == 2 + 6).all()

    def test_is_named_after_what_made_it(self):
        def init(theta):
            return {}

        assert name_of(partial(partial(init), 1)) == name_of(init)
        assert name_of(Adam().init) == name_of(AdamW(beta_2=0.9).init)
        assert name_of(Adam().init) != name_of(SGD().init)

        class Made:
            def __call__(self, theta):
                return {}

        assert name_of(Made()).endswith("Made")


class TestLBFGS:
    """L-BFGS needs only a function, not the rows."""

    def test_minimises_a_function_of_theta(self):
        # The minimum of ½ Σ c (θ - 1)² is 1 in each parameter.
        theta = Parameters([2, 1], np.zeros(3))
        c = np.array([1.0, 10.0, 100.0])
        training = Training(
            SimpleNamespace(dropout=None),
            TrainingState(theta, np.random.RandomState(0)),
            StoppingCriteria(100, tol=1e-8, n_iter_no_change=10),
            n_rows=1,
        )

        def J():
            off = theta.vector - 1
            return 0.5 * c @ off**2, c * off

        LBFGS().solve(training, J)
        np.testing.assert_allclose(theta.vector, 1, rtol=1e-8)
        assert training.state.converged
        assert training.n_iter == len(training.state.loss_curve) > 1

    def test_with_no_iteration_left_does_nothing(self):
        theta = Parameters([2, 1], np.ones(3))
        training = Training(
            SimpleNamespace(dropout=None),
            TrainingState(theta, np.random.RandomState(0)),
            StoppingCriteria(5, tol=1e-8, n_iter_no_change=10),
            n_rows=1,
            n_iter=5,
        )
        LBFGS().solve(training, lambda: pytest.fail("J was evaluated"))
        assert training.n_iter == 5


def test_a_solver_of_ones_own():
    @dataclass(frozen=True)
    class GradientDescent:
        """Gradient descent on all rows."""

        eta: float
        full_batch: ClassVar[bool] = True
        incremental: ClassVar[bool] = False
        unit: ClassVar[str] = "iteration"

        def solve(self, training, rows):
            theta = training.state.theta.vector
            while not training.is_over:
                value, grad = rows()
                theta -= self.eta * grad
                training.end_epoch(value, self.eta)

    model = FFNNClassifier((), solver=GradientDescent(0.5), alpha=0, random_state=0)
    model.set_params(max_iter=50, n_iter_no_change=50).fit(X, y)
    assert model.n_iter_ == 50
    assert np.all(np.diff(model.loss_curve_) < 0)
    assert model.learning_rate_curve_ == [0.5] * 50
    assert log_loss(y, model.predict_proba(X)) < model.loss_curve_[-1]
    assert not hasattr(model, "partial_fit")
    # The same steps, with minibatches that contain all rows.
    params = {"solver": SGD(momentum=0), "learning_rate_init": 0.5}
    same = FFNNClassifier((), batch_size=len(y), alpha=0, random_state=0, **params)
    same.set_params(max_iter=50, n_iter_no_change=50).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0], same.coefs_[0], rtol=1e-9)
