"""The training curves are exact and of bounded length."""

import pickle

import pytest
from helpers import NO_STEP, ROUNDING, X, curves, maker, objective, y
from sklearn.metrics import log_loss

import skffnn.optim.training
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


class TestFittedCurves:
    """Users may change the fitted attributes."""

    @pytest.mark.parametrize(
        "name",
        [
            "loss_curve_",
            "learning_rate_curve_",
            "validation_scores_",
            "validation_loss_curve_",
        ],
    )
    def test_are_no_part_of_the_state(self, name):
        model = make(early_stopping=True, warm_start=True).fit(X, y)
        before = list(getattr(model, name))
        getattr(model, name).clear()
        model.fit(X, y)
        assert getattr(model, name)[:5] == before


class TestBoundedHistory:
    """The curves have a bounded length."""

    def test_history_is_bounded(self, monkeypatch):
        monkeypatch.setattr(skffnn.optim.state, "MAX_HISTORY", 10)
        model, sizes = make(), []
        for _ in range(40):
            model.partial_fit(X, y, classes=[0, 1, 2])
            sizes.append(len(pickle.dumps(model)))
        assert len(model.loss_curve_) == 10
        # After the tenth call, only integers such as the number of rows get longer.
        assert sizes[-1] - sizes[10] <= 32
        assert model.t_ == 40 * len(y)

    def test_the_last_epochs_are_remembered(self, monkeypatch):
        whole = make(max_iter=15, early_stopping=True).fit(X, y)
        monkeypatch.setattr(skffnn.optim.state, "MAX_HISTORY", 4)
        short = make(max_iter=15, early_stopping=True).fit(X, y)
        for kept, curve in zip(curves(short), curves(whole), strict=True):
            assert kept == curve[-4:]
        assert whole.best_validation_score_ == short.best_validation_score_

    def test_the_bound_is_generous(self):
        assert skffnn.optim.state.MAX_HISTORY >= 1000
