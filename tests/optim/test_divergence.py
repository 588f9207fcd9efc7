"""Diverging training raises a clear error and changes nothing."""

import pickle

import numpy as np
import pytest
from helpers import STEPPERS, X, maker, y

make = maker(max_iter=5)


class TestDivergence:
    """A learning rate that is too large, or features that are not scaled."""

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_divergence_is_a_clear_error(self, solver):
        model = make(solver=solver, learning_rate_init=1e300)
        message = r"diverged in epoch \d+ at learning rate 1e\+300.*learning_rate_init"
        with pytest.raises(ValueError, match=message):
            model.fit(X, y)
        assert not hasattr(model, "coefs_")

    @pytest.mark.parametrize("scale", [1e160, 1e300])
    def test_divergence_of_lbfgs_is_a_clear_error(self, scale):
        with pytest.raises(ValueError, match=r"diverged.*[Ss]cale the features"):
            make(solver="lbfgs").fit(X * scale, y)

    @pytest.mark.parametrize("how", ["fit", "warm fit", "partial_fit"])
    def test_after_divergence_a_fitted_estimator_is_as_it_was(self, how):
        model = make(warm_start=how == "warm fit", solver="sgd", batch_size=30)
        model.fit(X, y)
        before, predictions = vars(model).copy(), model.predict_proba(X)
        frozen = pickle.dumps(before)
        model.learning_rate_init = 1e300
        with pytest.raises(ValueError, match="diverged"):
            (model.partial_fit if how == "partial_fit" else model.fit)(X, y)
        model.learning_rate_init = before["learning_rate_init"]
        after = vars(model)
        assert after.keys() == before.keys()
        assert all(after[name] is before[name] for name in before)
        assert pickle.dumps(after) == frozen
        np.testing.assert_array_equal(model.predict_proba(X), predictions)

    @pytest.mark.parametrize("solver", STEPPERS)
    @pytest.mark.parametrize("exponent", [5, 20, 40, 80, 160, 200, 300])
    @pytest.mark.parametrize("batch_size", [50, 150])
    def test_a_fit_without_error_gives_probabilities(
        self, solver, exponent, batch_size
    ):
        model = make(
            solver=solver,
            learning_rate_init=10.0**exponent,
            max_iter=1,
            batch_size=batch_size,
        )
        try:
            model.fit(X, y)
        except ValueError as error:
            assert "diverged" in str(error)  # noqa: PT017
        else:
            assert np.isfinite(model.predict_proba(X)).all()
