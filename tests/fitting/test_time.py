"""The time limit of training, `max_time`."""

import numpy as np
import pytest
from helpers import X, assert_identical, y
from joblib import parallel_config
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from skffnn import (
    SCHEDULES,
    SOLVERS,
    AveragedClassifier,
    FFNNClassifier,
    FFNNRegressor,
)

INSTANT = 1e-9  # seconds: over after the first epoch
KINDS = [FFNNClassifier, FFNNRegressor]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", KINDS)
def test_training_ends_with_the_epoch_in_which_it_is_over(kind, solver):
    params = {"solver": solver, "random_state": 0, "tol": 0}
    model = kind(max_time=INSTANT, **params)
    with pytest.warns(ConvergenceWarning, match="after max_time=1e-09 seconds"):
        model.fit(X, y)
    assert model.n_iter_ == 1
    assert_identical(model, kind(max_iter=1, **params).fit(X, y))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_it_is_said_with_every_schedule(schedule):
    model = FFNNClassifier(learning_rate=schedule, max_time=INSTANT)
    with pytest.warns(ConvergenceWarning, match="max_time"):
        model.fit(X, y)


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_time_changes_nothing(kind):
    with_time = kind(max_iter=3, max_time=1e9, random_state=0).fit(X, y)
    assert_identical(with_time, kind(max_iter=3, random_state=0).fit(X, y))


def test_early_stopping_keeps_the_best_so_far():
    model = FFNNClassifier(early_stopping=True, max_time=INSTANT, random_state=0)
    model.fit(X, y)
    assert model.validation_scores_ == [model.best_validation_score_]


def test_members_of_a_stack_end_by_themselves():
    grid = {"max_time": [INSTANT, None]}
    with parallel_config("skffnn"):
        search = GridSearchCV(FFNNClassifier(max_iter=4, random_state=0), grid, cv=2)
        search.fit(X, y)
    alone = GridSearchCV(search.estimator, grid, cv=2).fit(X, y)
    for name in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(search.cv_results_[name], alone.cv_results_[name])


def test_the_networks_of_an_average_share_it():
    network = FFNNClassifier(max_time=INSTANT, random_state=0)
    model = AveragedClassifier(network, n_networks=3, random_state=0).fit(X, y)
    assert [member.n_iter_ for member in model.estimators_] == [1, 1, 1]
    assert [member.max_time for member in model.estimators_] == [INSTANT / 3] * 3
    assert model.estimator.max_time == INSTANT


def test_going_on_after_the_time_is_over():
    model = FFNNClassifier(max_time=INSTANT, warm_start=True, random_state=0)
    whole = FFNNClassifier(max_iter=3, random_state=0).fit(X, y)
    for _ in range(3):
        model.fit(X, y)
    assert_identical(model, whole)
