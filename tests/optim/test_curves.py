"""The training curves are exact and of bounded length."""

import copy
import pickle

import pytest
from helpers import NO_STEP, ROUNDING, X, maker, objective, y
from sklearn.metrics import log_loss

from skffnn import SOLVERS

make = maker(max_iter=5)


class TestLossCurve:
    """The loss curve."""

    def test_is_gathered_while_the_weights_change(self):
        model = make(warm_start=True, max_iter=1, learning_rate_init=NO_STEP).fit(X, y)
        for _ in range(4):
            before = objective(model, X, y)
            model.set_params(learning_rate_init=0.01).fit(X, y)
            assert model.loss_ == pytest.approx(before, rel=ROUNDING)

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_the_validation_curve_is_exact(self, solver):
        model = make(warm_start=True, max_iter=1, solver=solver, scoring="loss")
        for _ in range(4):
            model.fit(X[50:], y[50:], X_val=X[:50], y_val=y[:50])
            if model.best_validation_score_ == model.validation_scores_[-1]:
                loss = log_loss(y[:50], model.predict_proba(X[:50]))
                assert model.validation_loss_curve_[-1] == pytest.approx(
                    loss, rel=ROUNDING
                )

    @pytest.mark.parametrize("alpha", [0.0, 10.0])
    def test_the_validation_curve_has_no_penalty(self, alpha):
        model = make(max_iter=1, alpha=alpha, learning_rate_init=NO_STEP)
        model.fit(X, y, X_val=X, y_val=y)
        loss = log_loss(y, model.predict_proba(X))
        assert model.validation_loss_curve_ == pytest.approx([loss], rel=ROUNDING)


CURVES = [
    "loss_curve_",
    "learning_rate_curve_",
    "validation_scores_",
    "validation_loss_curve_",
]


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_that_was_cleared_starts_anew(name):
    model = make(early_stopping=True, warm_start=True).fit(X, y)
    whole = copy.deepcopy(model).fit(X, y)
    getattr(model, name).clear()
    model.fit(X, y)
    for curve in CURVES:
        continued = getattr(whole, curve)
        assert getattr(model, curve) == (continued[5:] if curve == name else continued)


class TestBoundedHistory:
    """The curves have a bounded length."""

    LONGEST = 10_000  # as documented

    def test_a_stream_does_not_grow(self):
        model, sizes = make().partial_fit(X, y, classes=[0, 1, 2]), []
        for curve in (model.loss_curve_, model.learning_rate_curve_):
            curve[:] = [float(epoch) for epoch in range(self.LONGEST)]
        for _ in range(5):
            model.partial_fit(X, y)
            sizes.append(len(pickle.dumps(model)))
        for curve in (model.loss_curve_, model.learning_rate_curve_):
            assert len(curve) == self.LONGEST
            assert curve[0] == 5
        # Only integers such as the number of rows may get longer.
        assert sizes[-1] - sizes[0] <= 32
        assert model.t_ == 6 * len(y)

    def test_the_last_epochs_are_remembered(self):
        model = make(early_stopping=True, warm_start=True).fit(X, y)
        whole = copy.deepcopy(model).fit(X, y)
        for name in CURVES:
            getattr(model, name)[:0] = [2.0] * self.LONGEST
        model.fit(X, y)
        for name in CURVES:
            curve = getattr(model, name)
            assert len(curve) == self.LONGEST
            assert curve[-10:] == getattr(whole, name)
            assert set(curve[:-10]) == {2.0}
        assert model.best_validation_score_ == whole.best_validation_score_
