"""The best parameters are kept, and a score of NaN is not an improvement."""

import numpy as np
import pytest
from helpers import Scripted, X, maker, parameters, y

from skffnn import SOLVERS

make = maker(max_iter=5)


class TestBestParameters:
    """The parameters with the best validation score are kept."""

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("own", [False, True])
    def test_are_restored_whenever_there_is_a_validation_set(self, solver, own):
        def fit(max_iter, *scores):
            model = make(
                solver=solver,
                max_iter=max_iter,
                scoring=Scripted(*scores),
                early_stopping=not own,
                tol=0.0,
            )
            kwargs = {"X_val": X[:50], "y_val": y[:50]} if own else {}
            return model.fit(X, y, **kwargs)

        best = fit(5, 0.1, 0.9, 0.2, 0.3, 0.4)
        stopped_there = fit(2, 0.1, 0.9)
        np.testing.assert_array_equal(parameters(best), parameters(stopped_there))
        assert best.best_validation_score_ == 0.9

    def test_nan_counts_as_no_improvement(self):
        model = make(
            max_iter=50, n_iter_no_change=3, scoring=Scripted(0.5, np.nan)
        ).fit(X, y, X_val=X, y_val=y)
        assert model.n_iter_ == 1 + 4
        assert model.best_validation_score_ == 0.5

    @pytest.mark.parametrize("n_nan", [1, 2])
    def test_nan_does_not_hide_a_later_improvement(self, n_nan):
        scores = [
            value
            for score in np.linspace(0.1, 0.8, 8)
            for value in [score, *[np.nan] * n_nan]
        ]
        model = make(
            max_iter=len(scores), n_iter_no_change=n_nan, scoring=Scripted(*scores)
        ).fit(X, y, X_val=X, y_val=y)
        assert model.n_iter_ == len(scores)
        assert model.best_validation_score_ == pytest.approx(0.8)

    def test_nan_at_first_does_not_hide_a_later_improvement(self):
        model = make(
            max_iter=4, n_iter_no_change=1, scoring=Scripted(np.nan, 0.1, np.nan, 0.2)
        ).fit(X, y, X_val=X, y_val=y)
        assert model.n_iter_ == 4

    def test_of_nan_alone_are_the_last(self):
        model = make(max_iter=50, n_iter_no_change=3, scoring=Scripted(np.nan))
        model.fit(X, y, X_val=X, y_val=y)
        assert model.n_iter_ == 4
        assert np.isfinite(parameters(model)).all()
