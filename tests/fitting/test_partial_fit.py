"""partial_fit: arguments, random numbers, and availability."""

import numpy as np
import pytest
from helpers import STEPPERS, X, assert_same_training, maker, parameters, y

from skffnn import LBFGS, SOLVERS

make = maker(max_iter=5)


class TestRandomState:
    """An integer seed."""

    @pytest.mark.parametrize("dropout", [0.0, 0.5])
    @pytest.mark.parametrize("solver", STEPPERS)
    def test_partial_fit_goes_on_with_the_stream(self, solver, dropout):
        params = {"batch_size": 30, "solver": solver, "dropout": dropout}
        epochs = make(max_iter=4, **params).fit(X, y)
        calls = make(**params)
        for _ in range(4):
            calls.partial_fit(X, y, classes=[0, 1, 2])
        assert_same_training(epochs, calls)

    def test_fit_starts_it_again(self):
        model = make(batch_size=30).fit(X, y)
        first = parameters(model)
        np.testing.assert_array_equal(parameters(model.fit(X, y)), first)


class TestArguments:
    """Arguments are passed by keyword."""

    def test_are_keyword_only(self):
        with pytest.raises(TypeError, match="positional"):
            make().partial_fit(X, y, [0, 1, 2])
        with pytest.raises(TypeError, match="positional"):
            make().partial_fit(X, y, np.ones(len(y)))
        model = make().partial_fit(
            X, y, sample_weight=np.ones(len(y)), classes=[0, 1, 2]
        )
        assert model.t_ == len(y)


class TestAvailability:
    """`partial_fit` is unavailable if it cannot work."""

    def test_is_not_available_and_the_error_suggests_a_validation_set(self):
        model = make(early_stopping=True)
        assert not hasattr(model, "partial_fit")
        with pytest.raises(AttributeError) as error:
            model.partial_fit(X, y, classes=[0, 1, 2])
        said = f"{error.value} {error.value.__cause__}"
        assert "early_stopping" in said
        assert "X_val" in said

    @pytest.mark.parametrize("solver", ["lbfgs", LBFGS()], ids=str)
    def test_is_not_available_with_lbfgs(self, solver):
        model = make(solver=solver)
        assert not hasattr(model, "partial_fit")
        with pytest.raises(AttributeError) as error:
            model.partial_fit(X, y, classes=[0, 1, 2])
        assert "lbfgs" in f"{error.value} {error.value.__cause__}".lower()

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_is_available_otherwise(self, solver):
        assert hasattr(make(solver=solver), "partial_fit")
        assert hasattr(make(solver=SOLVERS[solver]()), "partial_fit")
