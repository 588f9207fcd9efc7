"""L-BFGS: convergence to the optimum, early stopping, and the loss curve."""

import numpy as np
import pytest
from helpers import ROUNDING, Scripted, X, maker, objective, y
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

make = maker(max_iter=5)

# Both solvers stop at gradients of 1e-10 or less, and the curvature of J is at least
# alpha = 1e-2, so the minima are within 1e-8 of each other. A hundred times that.
OPTIMUM = 1e-6

X2, y2 = make_classification(120, 6, flip_y=0.2, random_state=0)


class TestLBFGS:
    """The solver "lbfgs"."""

    @pytest.mark.parametrize("target", ["binary", "multi-class"])
    def test_is_not_stopped_before_the_gradient_is_small(self, target):
        X_, y_ = (X2, y2) if target == "binary" else (X, y)
        alpha = 0.01
        ours = make(
            hidden_layer_sizes=(), solver="lbfgs", alpha=alpha, tol=1e-10, max_iter=1000
        ).fit(X_, y_)
        theirs = LogisticRegression(C=1 / alpha / len(y_), tol=1e-10, max_iter=1000)
        theirs.fit(X_, y_)
        np.testing.assert_allclose(
            ours.predict_proba(X_), theirs.predict_proba(X_), atol=OPTIMUM
        )
        np.testing.assert_allclose(ours.coefs_[0].T, theirs.coef_, atol=OPTIMUM)

    def test_early_stopping_works(self):
        model = make(
            solver="lbfgs",
            early_stopping=True,
            max_iter=300,
            n_iter_no_change=3,
            scoring=Scripted(0.1, 0.2, 0.2),
        ).fit(X, y)
        assert model.n_iter_ == 2 + 4
        assert model.validation_scores_ == [0.1, *[0.2] * 5]
        assert len(model.validation_loss_curve_) == 6

    def test_the_loss_curve_is_there_and_falls(self):
        model = make(solver="lbfgs", max_iter=30).fit(X, y)
        assert len(model.loss_curve_) == model.n_iter_
        assert (np.diff(model.loss_curve_) <= 0).all()
        assert model.loss_ == pytest.approx(objective(model, X, y), rel=ROUNDING)

    @pytest.mark.parametrize("own", [False, True])
    def test_that_starts_at_the_optimum_has_a_loss(self, own):
        kwargs = {"X_val": X, "y_val": y} if own else {}
        model = make(solver="lbfgs", tol=1e9, warm_start=True).fit(X, y, **kwargs)
        assert model.loss_ == pytest.approx(objective(model, X, y), rel=ROUNDING)
        if own:
            assert model.best_validation_score_ == model.score(X, y)

    def test_may_run_out_of_evaluations_at_once(self):
        with pytest.warns(ConvergenceWarning, match="max_fun=1 "):
            model = make(solver="lbfgs", max_fun=1).fit(X, y)
        assert np.isfinite(model.predict_proba(X)).all()
