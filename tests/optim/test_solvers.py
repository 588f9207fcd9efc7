"""Solvers: their input, the state that they continue, and their steps."""

from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import STEPPERS, X, maker, objective, parameters, y
from sklearn.metrics import log_loss

from skffnn import SGD, SOLVERS, Adam, AdamW, FFNNClassifier
from skffnn.nn.parameters import Parameters
from skffnn.optim.descent import Descent
from skffnn.optim.progress import StoppingCriteria
from skffnn.optim.solvers import LBFGS, Found, name_of

make = maker(hidden_layer_sizes=(), alpha=0)


class Constant:
    """J(θ) = Σ θ, with a constant gradient."""

    def __init__(self, theta):
        self.theta = theta

    def data_term(self, batch, grad):
        grad.vector[...] = 1
        return 0.0

    def penalty_term(self, grad):
        return 0.0

    def decay(self, eta):
        pass


def after_steps(n, optimizer, eta, start, rates):
    """Take n gradient steps of J(θ) = Σ θ with a learning-rate multiplier each."""
    theta = Parameters([2, 1], start)
    descent = Descent(Constant(theta), optimizer, optimizer.init(start), rates)
    for _ in range(n):
        descent.step(None, eta)
    return theta.vector


def test_rates_of_parameters_lose_no_precision():
    # 1000 steps of 6e-7 at θ = 1 in float32, where numbers below 1 are 6e-8 apart. The
    # error of each step is at most half of that, 5 %.
    rates = np.array([1.0, 0.1, 0.1], np.float32)
    start = np.ones(3, np.float32)
    moved = 1 - after_steps(1000, SGD(momentum=0), 6e-6, start, rates)
    np.testing.assert_allclose(moved[1:], 6e-4, rtol=0.05)


@pytest.mark.parametrize("name", STEPPERS)
def test_rates_scale_the_update_of_every_optimiser(name):
    rates = np.array([1.0, 0.5, 0.0])
    scaled, plain = (
        after_steps(5, SOLVERS[name](), 0.1, np.zeros(3), r) for r in (rates, None)
    )
    np.testing.assert_allclose(scaled, rates * plain, rtol=1e-12)


class Counting:
    """An optimiser that counts its steps, in a state of a given name."""

    def __init__(self, name="n"):
        self.name, self.counted = name, []

    def init(self, theta):
        return {self.name: np.zeros_like(theta)}

    def update(self, grad, state, eta):
        state[self.name] += 1
        self.counted.append(state[self.name][0])
        return -eta * grad


class TestStateOfAnOptimiser:
    """An optimiser continues only a state created by the same `init`."""

    def test_of_the_same_optimiser_is_continued(self):
        solver = Counting()
        model = make(solver=solver, max_iter=3, warm_start=True).fit(X, y).fit(X, y)
        model.partial_fit(X, y)
        assert solver.counted == [1, 2, 3, 4, 5, 6, 7]

    def test_of_another_optimiser_is_discarded(self):
        class Other(Counting):
            """Its state has the same names, but another meaning."""

            def init(self, theta):
                return super().init(theta)

        solver = Other()
        model = make(solver=Counting(), max_iter=3, warm_start=True).fit(X, y)
        model.set_params(solver=solver).fit(X, y)
        assert solver.counted == [1, 2, 3]

    def test_of_other_names_is_discarded(self):
        solver = Counting("m")
        model = make(solver=Counting("n"), max_iter=3, warm_start=True).fit(X, y)
        model.set_params(solver=solver).fit(X, y)
        assert solver.counted == [1, 2, 3]

    def test_made_by_a_partial_is_known_by_the_function(self):
        counted = []

        def init(theta, scale):
            return {"v": scale * np.ones_like(theta)}

        def update(grad, state, eta):
            state["v"] += 1
            counted.append(state["v"][0])
            return -eta * grad

        optimizer = SimpleNamespace(init=partial(init, scale=2.0), update=update)
        make(solver=optimizer, max_iter=2, warm_start=True).fit(X, y).fit(X, y)
        assert counted == [3, 4, 5, 6]

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

    # The minimum of ½ Σ c (θ - 1)² is 1 in each parameter.
    C = np.array([1.0, 10.0, 100.0])

    def J(self, theta):
        off = theta - 1
        return 0.5 * self.C @ off**2, self.C * off

    def minimised(self, end_iteration, max_iter=100, **params):
        criteria = StoppingCriteria(max_iter, tol=1e-8, n_iter_no_change=10)
        return LBFGS(**params).minimise(self.J, np.zeros(3), criteria, end_iteration)

    def test_minimises_a_function_of_theta(self):
        found = self.minimised(lambda theta, value: False)
        np.testing.assert_allclose(found.theta, 1, rtol=1e-8)
        assert found.value == self.J(found.theta)[0]
        assert found.limit is None

    def test_ends_when_it_is_told_to(self):
        ended = []

        def end_iteration(theta, value):
            assert value == pytest.approx(self.J(theta)[0])
            ended.append(theta.copy())
            return len(ended) == 2

        found = self.minimised(end_iteration)
        assert len(ended) == 2
        np.testing.assert_array_equal(found.theta, ended[-1])
        assert found.limit is None

    @pytest.mark.parametrize(
        ("params", "limit"),
        [({"max_iter": 2}, "2 iterations"), ({"max_fun": 2}, "max_fun=2 evaluations")],
        ids=str,
    )
    def test_says_what_ended_it(self, params, limit):
        assert self.minimised(lambda theta, value: False, **params).limit == limit

    def test_where_the_gradient_is_0_there_is_no_iteration(self):
        criteria = StoppingCriteria(100, tol=1e-8, n_iter_no_change=10)
        found = LBFGS().minimise(self.J, np.ones(3), criteria, pytest.fail)
        np.testing.assert_array_equal(found.theta, 1)


@dataclass(frozen=True)
class GradientDescent:
    """Gradient descent on all rows, until the gradient is small."""

    eta: float
    n_most: int = 10**6

    def minimise(self, J, theta, criteria, end_iteration):
        for _ in range(self.n_most):
            value, grad = J(theta)
            if np.abs(grad).max() < criteria.tol:
                return Found(theta, value)
            theta -= self.eta * grad
            if end_iteration(theta, J(theta)[0], self.eta):
                return Found(theta, J(theta)[0])
        return Found(theta, J(theta)[0], f"{self.n_most} steps")


class TestOfOnesOwn:
    """A full-batch solver that a user writes."""

    def fit(self, solver, **params):
        return make(solver=solver, max_iter=50, n_iter_no_change=50, **params).fit(X, y)

    def test_trains_as_minibatches_of_all_rows_do(self):
        model = self.fit(GradientDescent(0.5))
        assert model.n_iter_ == 50
        assert np.all(np.diff(model.loss_curve_) < 0)
        assert model.learning_rate_curve_ == [0.5] * 50
        assert model.loss_ == pytest.approx(log_loss(y, model.predict_proba(X)))
        assert not hasattr(model, "partial_fit")
        params = {"learning_rate_init": 0.5, "batch_size": len(y)}
        same = self.fit(SGD(momentum=0), **params)
        np.testing.assert_allclose(parameters(model), parameters(same), rtol=1e-9)

    def test_converges(self):
        model = make(solver=GradientDescent(0.5), alpha=0.1, tol=0.01, max_iter=999)
        assert 1 < model.fit(X, y).n_iter_ < 999  # without a ConvergenceWarning
        assert model.loss_ == pytest.approx(objective(model, X, y), rel=1e-6)

    def test_warns_of_a_limit(self):
        with pytest.warns(Warning, match=r"Training stopped after 3 steps.*tol=0.0001"):
            model = self.fit(GradientDescent(0.5, n_most=3))
        assert model.n_iter_ == 3
        with pytest.warns(Warning, match=r"stopped after max_iter=50 iterations"):
            self.fit(GradientDescent(0.5))

    def test_is_ended_by_a_validation_score(self):
        model = FFNNClassifier(
            (), solver=GradientDescent(1e-9), early_stopping=True, n_iter_no_change=4
        ).fit(X, y)
        assert model.n_iter_ == 1 + 5
        assert len(model.validation_scores_) == 6

    def test_may_return_after_no_iteration(self):
        model = self.fit(GradientDescent(0.5), tol=1e9)
        assert model.n_iter_ == 1
        assert model.loss_curve_ == [pytest.approx(objective(model, X, y))]

    def test_gets_float64_and_keeps_what_it_changes_to_itself(self):
        class Careless:
            def minimise(self, J, theta, criteria, end_iteration):
                self.dtypes = {theta.dtype, J(theta)[1].dtype}
                _, grad = J(theta)
                kept = grad.copy()
                J(theta + 1)
                assert (grad == kept).all()  # not overwritten by a later evaluation
                end_iteration(theta, J(theta)[0])
                result = Found(theta.copy(), J(theta)[0])
                theta[...] = np.nan
                grad[...] = np.nan
                return result

        solver = Careless()
        model = make(solver=solver, dtype="auto").fit(X.astype(np.float32), y)
        assert solver.dtypes == {np.dtype(np.float64)}
        assert np.isfinite(parameters(model)).all()
        assert model.n_iter_ == 1
