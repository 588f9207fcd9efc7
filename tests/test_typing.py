"""The types for type checkers agree with the behaviour at run time.

`make lint` checks the scripts in tests/typed.
"""

import inspect
from typing import get_args, get_type_hints

import pytest
import sklearn.base
import sklearn.pipeline

import skffnn
from skffnn import typing
from skffnn.nn import activations, losses, parameters, regression_losses
from skffnn.optim import schedules, solvers
from skffnn.utils import types

NAMES = [
    (activations.ActivationName, skffnn.ACTIVATIONS),
    (losses.ClassificationLossName, skffnn.CLASSIFICATION_LOSSES),
    (regression_losses.RegressionLossName, skffnn.REGRESSION_LOSSES),
    (parameters.InitializerName, skffnn.INITIALIZERS),
    (parameters.PenaltyName, skffnn.PENALTIES),
    (schedules.ScheduleName, skffnn.SCHEDULES),
    (solvers.SolverName, skffnn.SOLVERS),
]
NETWORKS = [skffnn.FFNNClassifier, skffnn.FFNNRegressor]
RECIPES = [
    (skffnn.make_tabular_classifier, typing.ClassifierParams, skffnn.FFNNClassifier),
    (skffnn.make_tabular_regressor, typing.RegressorParams, skffnn.FFNNRegressor),
]


def hints_of_parameters(kind):
    hints = get_type_hints(kind.__init__)
    return {name: hints[name] for name in inspect.signature(kind).parameters}


@pytest.mark.parametrize(("names", "registry"), NAMES)
def test_the_names_are_those_of_the_registry(names, registry):
    assert get_args(names) == tuple(registry)


@pytest.mark.parametrize("kind", NETWORKS)
def test_each_parameter_is_declared_as_an_attribute(kind):
    declared = get_type_hints(kind)
    for name, hint in hints_of_parameters(kind).items():
        assert declared[name] == hint


@pytest.mark.parametrize(("make", "params", "kind"), RECIPES)
def test_a_recipe_takes_the_parameters_of_its_network(make, params, kind):
    own = {*inspect.signature(make).parameters} - {"params"}
    expected = hints_of_parameters(kind)
    assert get_type_hints(params) == {
        name: hint for name, hint in expected.items() if name not in own
    }


def test_the_classifier_for_clusters_takes_those_of_the_classifier():
    expected = hints_of_parameters(skffnn.FFNNClassifier)
    assert get_type_hints(typing.DaskParams) == expected


def test_at_run_time_the_classes_are_those_of_scikit_learn():
    assert types.BaseEstimator is sklearn.base.BaseEstimator
    assert types.ClassifierPipeline is sklearn.pipeline.Pipeline
    assert type(skffnn.make_tabular_regressor()) is sklearn.pipeline.Pipeline
