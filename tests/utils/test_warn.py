"""Warnings point to the line of the user's code that caused them."""

import warnings
from contextlib import contextmanager

import pytest
from helpers import X, y
from sklearn.exceptions import ConvergenceWarning

from skffnn import FFNNClassifier
from skffnn.utils.checks import is_internal, warn


def test_a_warning_points_to_the_nearest_line_outside_the_package():
    with pytest.warns(ConvergenceWarning, match="told") as caught:
        warn("told", ConvergenceWarning)
    assert caught[0].filename == __file__


def test_context_managers_are_not_where_a_warning_comes_from():
    @contextmanager
    def context():
        yield
        warn("told")

    with pytest.warns(UserWarning, match="told") as caught, context():
        pass
    assert caught[0].filename == __file__


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_warning_of_a_fit_points_to_the_fit(solver):
    model = FFNNClassifier(solver=solver, max_iter=2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    assert [warning.filename for warning in caught] == [__file__]


def test_a_folder_with_a_similar_name_is_not_the_package():
    from skffnn.utils import checks as module

    assert is_internal(module.__file__)
    assert not is_internal(module.__file__.replace("skffnn/", "skffnn_more/", 1))
