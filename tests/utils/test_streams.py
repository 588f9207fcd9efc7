"""Random numbers depend only on random_state, in one process or several."""

import numpy as np
import pytest
from helpers import (
    EVERY_WAY,
    PROBLEMS,
    SMOOTH,
    STEPPERS,
    X,
    Y,
    assert_identical,
    case_id,
    maker,
    parameters,
    y,
)
from sklearn.model_selection import GridSearchCV

from skffnn import PENALTIES, SCHEDULES, SOLVERS

make = maker(**SMOOTH)
X2, y2 = PROBLEMS["binary"]


class TestGlobalState:
    """Independence of NumPy's global random state and of earlier code."""

    @pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
    def test_does_not_matter_and_is_not_touched(self, params):
        params = params | {"dropout": 0.2, "early_stopping": True}
        if params.get("batch_size") == len(y):
            params["batch_size"] = "auto"
        models = []
        for seed in (0, 1):
            np.random.seed(seed)  # noqa: NPY002
            before = np.random.get_state()  # noqa: NPY002
            models.append(make(**params).fit(X, y))
            after = np.random.get_state()  # noqa: NPY002
            assert before[2] == after[2]
            np.testing.assert_array_equal(before[1], after[1])
        assert_identical(*models)

    @pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
    def test_of_the_estimator_does_not_matter(self, params):
        model = make(**params)
        first = model.fit(X, y).predict_proba(X)
        model.fit(X2, y2)
        model.fit(X, Y)
        np.testing.assert_array_equal(model.fit(X, y).predict_proba(X), first)

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_an_integer_seed_is_the_random_state_from_that_seed(self, solver):
        params = {"solver": solver, "batch_size": 20, "dropout": 0.2}
        one = make(random_state=3, **params).fit(X, y)
        state = np.random.RandomState(3)
        assert_identical(one, make(random_state=state, **params).fit(X, y))

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_without_a_seed_two_fits_differ(self, solver):
        one, other = (make(random_state=None, solver=solver).fit(X, y) for _ in "ab")
        assert not np.array_equal(parameters(one), parameters(other))

    @pytest.mark.parametrize("schedule", SCHEDULES)
    @pytest.mark.parametrize("penalty", PENALTIES)
    def test_an_object_is_its_name(self, schedule, penalty):
        names = {"learning_rate": schedule, "penalty": penalty, "solver": "sgd"}
        shared = {"max_iter", "power_t"}
        entry = SCHEDULES[schedule]
        fields = {k: make().get_params()[k] for k in shared & set(vars(entry))}
        objects = {
            "learning_rate": entry(**fields),
            "penalty": PENALTIES[penalty](),
            "solver": SOLVERS["sgd"](),
        }
        assert_identical(make(**names).fit(X, y), make(**objects).fit(X, y))


@pytest.mark.only_long
class TestParallel:
    """The number of processes."""

    def test_does_not_matter(self):
        grid = {"solver": list(SOLVERS), "early_stopping": [False, True]}
        one, two = (
            GridSearchCV(make(), grid, cv=2, n_jobs=n_jobs, scoring="neg_log_loss")
            .fit(X, y)
            .cv_results_["mean_test_score"]
            for n_jobs in (1, 2)
        )
        np.testing.assert_array_equal(one, two)
