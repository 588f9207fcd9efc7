"""Pickles and skops files: round trips, and the classes that skops has to trust."""

import importlib
import io
import pickle
import re
from functools import cache

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skffnn
from skffnn import (
    SKOPS_TRUSTED,
    AveragedClassifier,
    AveragedRegressor,
    Checkpoint,
    FFNNClassifier,
    FFNNRegressor,
    GapImputer,
    RobustSmoothScaler,
    TableEncoder,
    make_tabular_classifier,
    make_tabular_regressor,
)

RNG = np.random.default_rng(0)
N = 120
X = RNG.standard_normal((N, 3))
GAPS = np.where(X > 1, np.nan, X)
LABELS = np.where(np.floor(3 * X[:, 0]) % 2 == 1, "odd", "even")  # steps, for trees
NUMBERS = np.exp(np.floor(3 * X[:, 0]) % 2)  # positive, so that every loss allows them
TABLE = np.array(
    [
        [
            x if i % 7 else None,
            "red" if x > 0 else None,
            f"city {i % 40}" if i % 11 else None,
            i % 3 == 0,
        ]
        for i, x in enumerate(X[:, 0])
    ],
    dtype=object,
)

SMALL = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
NETWORK, NUMBER = FFNNClassifier(**SMALL), FFNNRegressor(**SMALL)
TABULAR = {"n_networks": 4, "n_jobs": 1} | SMALL
GRID = {"alpha": [0.01, 0.1]}
SEARCHES = [
    GridSearchCV(NETWORK, GRID, cv=2),
    RandomizedSearchCV(NUMBER, GRID, n_iter=2, cv=2),
]
CASES = {
    "FFNNClassifier": (NETWORK, X, LABELS),
    "FFNNRegressor": (NUMBER, X, NUMBERS),
    "AveragedClassifier": (AveragedClassifier(NETWORK, n_networks=2), X, LABELS),
    "AveragedRegressor": (AveragedRegressor(NUMBER, n_networks=2), X, NUMBERS),
    "RobustSmoothScaler": (RobustSmoothScaler(), GAPS, None),
    "GapImputer": (GapImputer(), GAPS, None),
    "TableEncoder": (TableEncoder(max_categories=9), TABLE, LABELS),
    "scaled": (make_pipeline(StandardScaler(), NETWORK), X, LABELS),
    "tabular classifier": (
        make_tabular_classifier(**TABULAR).set_params(encode__max_categories=9),
        TABLE,
        LABELS,
    ),
    "tabular regressor": (make_tabular_regressor(**TABULAR), TABLE, NUMBERS),
    "quantiles": (make_tabular_regressor(quantile=[0.1, 0.9], **TABULAR), X, NUMBERS),
    **{
        type(search).__name__: (
            search,
            X,
            (LABELS, NUMBERS)[search.estimator is NUMBER],
        )
        for search in SEARCHES
    },
}
KINDS = [*CASES]
# Each registry entry, as a parameter value.
CHOICES = [
    (NETWORK, "activation", skffnn.ACTIVATIONS),
    (NETWORK, "loss", skffnn.CLASSIFICATION_LOSSES),
    (NETWORK, "weight_init", skffnn.INITIALIZERS),
    (NETWORK, "penalty", skffnn.PENALTIES),
    (NUMBER, "loss", skffnn.REGRESSION_LOSSES),
    (NETWORK, "learning_rate", skffnn.SCHEDULES),
    (NETWORK, "solver", skffnn.SOLVERS),
]
for network, parameter, registry in CHOICES:
    for name, entry in registry.items():
        value = entry() if isinstance(entry, type) else entry
        model = type(network)(**SMALL | {parameter: value})
        y = LABELS if network is NETWORK else NUMBERS
        CASES[f"{parameter} {name}"] = (model, X, y)
ON_A_CLUSTER = "skffnn.dask.classifier.DaskFFNNClassifier"
ADDRESS = r" at 0x\w+"  # in the default repr of an object


@cache
def fitted(case):
    model, X, y = CASES[case]
    return model.fit(X, y)


def through_joblib(model):
    stream = io.BytesIO()
    joblib.dump(model, stream)
    stream.seek(0)
    return joblib.load(stream)


WAYS = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "joblib": through_joblib,
    "skops": lambda model: skops.io.loads(skops.io.dumps(model), trusted=SKOPS_TRUSTED),
}


def output(model, X):
    for method in ("predict_proba", "predict", "transform"):
        if hasattr(model, method):
            return getattr(model, method)(X)


@pytest.mark.parametrize(
    ("case", "way"),
    [
        (case, way)
        for case in CASES
        for way in WAYS
        if case in KINDS or way != "joblib"  # which pickles all but arrays
    ],
)
def test_a_round_trip_changes_nothing(case, way):
    model, rows = fitted(case), CASES[case][1]
    expected = output(model, rows)
    again = WAYS[way](model)
    assert re.sub(ADDRESS, "", repr(again)) == re.sub(ADDRESS, "", repr(model))
    np.testing.assert_array_equal(output(again, rows), expected)


def test_the_tables_have_trees_and_means():
    """The round trips are meaningful only in this case."""
    assert fitted("tabular classifier")[-1].blended_
    assert fitted("tabular regressor")[-1].blended_
    assert any(fitted("tabular classifier")[0].means_)


def test_skops_has_to_trust_nothing_else(tmp_path):
    checkpoint = Checkpoint(str(tmp_path / "run"))
    models = [FFNNClassifier(checkpoint=checkpoint), *map(fitted, CASES)]
    needed = {
        name
        for model in models
        for name in skops.io.get_untrusted_types(data=skops.io.dumps(model))
    }
    assert needed <= {*SKOPS_TRUSTED}


@pytest.mark.parametrize("path", SKOPS_TRUSTED)
def test_what_skops_trusts_exists(path):
    if path == ON_A_CLUSTER:
        pytest.importorskip("distributed", reason="needs Dask")
    module, _, name = path.rpartition(".")
    assert isinstance(getattr(importlib.import_module(module), name), type)
