"""The penalty α Ω(θ), and how its scale compares with MLPClassifier's."""

import numpy as np
import pytest
from helpers import (
    NO_STEP,
    ROUNDING,
    STEPPERS,
    WEIGHTS,
    X,
    maker,
    objective,
    parameters,
    y,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from skffnn import SOLVERS, FFNNClassifier

make = maker(max_iter=5)


class TestAlpha:
    """The factor α of the penalty."""

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_does_not_depend_on_the_batch_size(self, solver):
        # Each batch has all rows, so its gradient is that of all: two steps per epoch.
        twice = make(
            solver=solver,
            alpha=0.5,
            shuffle=False,
            max_iter=3,
            batch_size=150,
            dtype="float64",
        ).fit(np.tile(X, (2, 1)), np.tile(y, 2))
        once = make(solver=solver, alpha=0.5, shuffle=False, max_iter=6).fit(X, y)
        np.testing.assert_allclose(parameters(twice), parameters(once), rtol=ROUNDING)

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("scale", [1e-3, 1e3])
    def test_does_not_depend_on_the_scale_of_the_weights(self, solver, scale):
        one = make(solver=solver, alpha=0.5).fit(X, y, WEIGHTS)
        other = make(solver=solver, alpha=0.5).fit(X, y, WEIGHTS * scale)
        np.testing.assert_allclose(parameters(one), parameters(other), rtol=ROUNDING)

    def test_does_not_depend_on_the_number_of_rows(self):
        one = make(solver="lbfgs", alpha=0.5).fit(X, y)
        other = make(solver="lbfgs", alpha=0.5)
        other.fit(np.tile(X, (3, 1)), np.tile(y, 3))
        np.testing.assert_allclose(parameters(one), parameters(other), rtol=ROUNDING)

    def test_converts_to_that_of_mlpclassifier(self):
        settings = {
            "hidden_layer_sizes": (8,),
            "random_state": 0,
            "max_iter": 4,
            "batch_size": 30,
            "tol": 0.0,
        }
        with pytest.warns(ConvergenceWarning):
            theirs = MLPClassifier(alpha=3.0, **settings).fit(X, y)
        ours = FFNNClassifier(alpha=3.0 / 30, dtype="float64", **settings).fit(X, y)
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=ROUNDING)

    @pytest.mark.parametrize("alpha", [0.0, 0.3])
    def test_is_the_factor_in_the_objective(self, alpha):
        start = make(learning_rate_init=NO_STEP, max_iter=1, alpha=alpha).fit(X, y)
        assert start.loss_ == pytest.approx(objective(start, X, y), rel=ROUNDING)
