"""Ctrl-C ends training with a warning, and keeps the progress."""

import pickle

import numpy as np
import pytest
from helpers import STEPPERS, X, maker, y

from skffnn import SOLVERS
from skffnn.nn.parameters import L2
from skffnn.optim.schedules import Schedule

make = maker(max_iter=8, learning_rate_init=0.05)


class InterruptingScorer:
    """An accuracy scorer with Ctrl-C in one of its calls."""

    def __init__(self, at):
        self.left = at

    def __call__(self, estimator, X, y):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return estimator.score(X, y)


class InterruptingSchedule(Schedule):
    """A constant learning rate with Ctrl-C in one of its calls."""

    def __init__(self, at):
        self.left = at

    def factor(self, clock):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return 1.0


class InterruptingPenalty(L2):
    """The L2 penalty with Ctrl-C in one of its calls."""

    def __init__(self, at):
        self.left = at

    def add_gradient(self, W, alpha, grad):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        super().add_gradient(W, alpha, grad)


class TestKeyboardInterrupt:
    """Ctrl-C keeps the progress of training."""

    def assert_usable(self, model):
        f = model.predict_proba(X)
        assert np.isfinite(f).all()
        np.testing.assert_allclose(f.sum(axis=1), 1, rtol=1e-12)
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(again.predict_proba(X), f)

    @pytest.mark.parametrize("own", [False, True])
    @pytest.mark.parametrize("at", [1, 2, 4])
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_in_a_scorer(self, solver, at, own):
        kwargs = {"X_val": X, "y_val": y} if own else {}
        model = make(
            solver=solver,
            scoring=InterruptingScorer(at),
            early_stopping=not own,
            warm_start=True,
        )
        with pytest.warns(UserWarning, match=r"interrupted.*best model"):
            model.fit(X, y, **kwargs)
        self.assert_usable(model)
        model.fit(X, y, **kwargs)
        self.assert_usable(model)

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("at", [1, 3])
    def test_in_a_scorer_leaves_curves_of_one_length(self, solver, at):
        model = make(solver=solver, scoring=InterruptingScorer(at))
        with pytest.warns(UserWarning, match="interrupted"):
            model.fit(X, y, X_val=X, y_val=y)
        assert model.n_iter_ == len(model.loss_curve_)
        assert model.n_iter_ == len(model.validation_scores_)
        assert model.n_iter_ == len(model.validation_loss_curve_)

    @pytest.mark.parametrize("at", [1, 2, 9, 20])
    @pytest.mark.parametrize("solver", STEPPERS)
    def test_in_a_schedule(self, solver, at):
        model = make(
            solver=solver,
            learning_rate=InterruptingSchedule(at),
            batch_size=30,
            warm_start=True,
        )
        with pytest.warns(UserWarning, match=r"interrupted.*last model"):
            model.fit(X, y)
        self.assert_usable(model)
        model.fit(X, y)
        self.assert_usable(model)
        assert model.score(X, y) > 0.8

    @pytest.mark.parametrize("at", [1, 2, 5, 9])
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_in_a_penalty(self, solver, at):
        model = make(
            solver=solver, penalty=InterruptingPenalty(at), batch_size=30, max_iter=20
        )
        with pytest.warns(UserWarning, match=r"interrupted.*last model"):
            model.fit(X, y)
        self.assert_usable(model)

    def test_of_lbfgs_keeps_the_last_iterate_that_was_accepted(self):
        curve = make(solver="lbfgs", max_iter=20).fit(X, y).loss_curve_
        model = make(solver="lbfgs", penalty=InterruptingPenalty(12), max_iter=20)
        with pytest.warns(UserWarning, match="interrupted"):
            model.fit(X, y)
        n = model.n_iter_
        assert 0 < n < 12
        assert model.loss_curve_ == curve[:n]
        other = make(solver="lbfgs", max_iter=n).fit(X, y)
        np.testing.assert_array_equal(model.predict_proba(X), other.predict_proba(X))

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_at_the_start_of_an_epoch_carries_on_exactly(self, solver):
        # One batch per epoch: each epoch calls the schedule twice, first at its start.
        schedule = InterruptingSchedule(7)
        parts = make(solver=solver, learning_rate=schedule, warm_start=True)
        with pytest.warns(UserWarning, match="interrupted in epoch 4"):
            parts.fit(X, y)
        assert parts.n_iter_ == 3
        parts.set_params(max_iter=5).fit(X, y)
        whole = make(solver=solver).fit(X, y)
        np.testing.assert_array_equal(parts.predict_proba(X), whole.predict_proba(X))
        assert parts.loss_curve_ == whole.loss_curve_

    def test_in_partial_fit_is_a_warning_too(self):
        model = make(penalty=InterruptingPenalty(3), batch_size=30)
        with pytest.warns(UserWarning, match="interrupted"):
            model.partial_fit(X, y, classes=[0, 1, 2])
        self.assert_usable(model)

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_the_warning_points_to_the_line_that_called_fit(self, solver):
        model = make(scoring=InterruptingScorer(3), solver=solver)
        with pytest.warns(UserWarning, match="interrupted") as caught:
            model.fit(X, y, X_val=X, y_val=y)
        assert [warning.filename for warning in caught] == [__file__]
