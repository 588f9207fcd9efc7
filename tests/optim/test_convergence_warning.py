"""The convergence warning: when it is raised, and what it says."""

import pytest
from helpers import STEPPERS, Scripted, X, maker, y
from sklearn.exceptions import ConvergenceWarning

make = maker(max_iter=5)


class TestConvergenceWarning:
    """The convergence warning."""

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_of_steps_says_what_happened_and_the_remedy(self, solver):
        message = r"max_iter=3 epochs.*tol=0\.0001.*loss.*(Increase|raise)"
        with pytest.warns(ConvergenceWarning, match=message):
            make(solver=solver, max_iter=3).fit(X, y)

    @pytest.mark.parametrize(
        ("params", "limit"),
        [({"max_iter": 3}, "max_iter=3 iterations"), ({"max_fun": 3}, "max_fun=3 ")],
    )
    def test_of_lbfgs_says_which_limit(self, params, limit):
        with pytest.warns(ConvergenceWarning, match=limit):
            make(**{"max_iter": 100} | params, solver="lbfgs").fit(X, y)

    @pytest.mark.filterwarnings("error")
    def test_is_not_given_after_convergence(self):
        make(max_iter=50, tol=1e3, n_iter_no_change=2).fit(X, y)
        make(max_iter=500, solver="lbfgs", tol=1e-3, alpha=0.1).fit(X, y)
        model = make(max_iter=50, n_iter_no_change=2, scoring=Scripted(0.5))
        model.set_params(learning_rate_init=0.1).fit(X, y, X_val=X, y_val=y)

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("name", ["cosine", "one_cycle"])
    def test_is_not_given_for_fixed_horizon_schedules(self, name):
        make(learning_rate=name, learning_rate_init=0.1).fit(X, y)

    @pytest.mark.filterwarnings("error")
    def test_is_not_given_by_partial_fit(self):
        make().partial_fit(X, y, classes=[0, 1, 2])
