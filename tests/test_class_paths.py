"""Pickles and skops files: round trips, and the class paths that they contain."""

import importlib
import io
import pickle
import re
import zipfile
from functools import cache

import joblib
import numpy as np
import pytest
import skops.io
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
from skffnn.class_paths import MOVED
from skffnn.model_selection import (
    FFNNGridSearchCV,
    FFNNHalvingGridSearchCV,
    FFNNHalvingRandomSearchCV,
    FFNNRandomizedSearchCV,
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
    FFNNGridSearchCV(NETWORK, GRID, cv=2),
    FFNNRandomizedSearchCV(NUMBER, GRID, n_iter=2, cv=2),
    FFNNHalvingGridSearchCV(NUMBER, GRID, cv=2),
    FFNNHalvingRandomSearchCV(NETWORK, GRID, n_candidates=2, cv=2),
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


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES)
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


def test_skops_has_to_trust_no_more_than_that(tmp_path):
    checkpoint = Checkpoint(str(tmp_path / "run"))
    models = [FFNNClassifier(checkpoint=checkpoint), *map(fitted, CASES)]
    needed = {
        name
        for model in models
        for name in skops.io.get_untrusted_types(data=skops.io.dumps(model))
    }
    moved = {f"skffnn.{old}" for old in MOVED}
    ours = {name for name in SKOPS_TRUSTED if name.startswith("skffnn.")}
    now = {name for name in ours if name.rpartition(".")[0] not in moved}
    now.remove(ON_A_CLUSTER)  # a test in tests/dask needs it
    assert {name for name in needed if name.startswith("skffnn.")} == now
    # Later versions of skops may trust more scikit-learn classes.
    assert needed <= {*SKOPS_TRUSTED}


@pytest.mark.parametrize("path", SKOPS_TRUSTED)
def test_what_skops_trusts_exists(path):
    if path == ON_A_CLUSTER:
        pytest.importorskip("distributed", reason="needs Dask")
    module, _, name = path.rpartition(".")
    assert isinstance(getattr(importlib.import_module(module), name), type)


# Paths of the classes of fitted estimators before the packages were introduced.
OLD = {
    "skffnn.activations.Tanh": skffnn.ACTIVATIONS["tanh"],
    "skffnn.averaging.AveragedClassifier": AveragedClassifier,
    "skffnn.checkpoints.Checkpoint": Checkpoint,
    "skffnn.optimizers.SGD": skffnn.SGD,
    "skffnn.optimizers.Adam": skffnn.Adam,
    "skffnn.optimizers.AdamW": skffnn.AdamW,
    "skffnn.optimizers.LBFGS": skffnn.LBFGS,
    "skffnn.parameters.NTK": skffnn.NTK,
    "skffnn.parameters.FanScaled": type(skffnn.INITIALIZERS["he_normal"]),
    "skffnn.parameters.GlorotUniform": type(skffnn.INITIALIZERS["glorot_uniform"]),
    "skffnn.penalties.L2": skffnn.L2,
    "skffnn.scaling.RobustSmoothScaler": RobustSmoothScaler,
    "skffnn.schedules.Adaptive": skffnn.Adaptive,
    "skffnn.schedules.Constant": skffnn.Constant,
    "skffnn.schedules.Cosine": skffnn.Cosine,
    "skffnn.schedules.InvScaling": skffnn.InvScaling,
    "skffnn.schedules.OneCycle": skffnn.OneCycle,
    "skffnn.tables.TableEncoder": TableEncoder,
}


@pytest.mark.parametrize("path", OLD)
def test_a_class_is_still_found_where_it_was(path):
    module, _, name = path.rpartition(".")
    content = pickle.dumps(OLD[path], protocol=0)
    now = f"c{OLD[path].__module__}\n{name}\n".encode()
    assert now in content
    assert (
        pickle.loads(content.replace(now, f"c{module}\n{name}\n".encode()))
        is (OLD[path])
    )
    assert path in SKOPS_TRUSTED


def test_a_file_of_skops_that_names_the_old_modules_loads():
    model = fitted("tabular classifier")
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as new,
        zipfile.ZipFile(stream, "w") as old,
    ):
        for name in new.namelist():
            content = new.read(name)
            if name == "schema.json":
                for old_name, (now, *_) in MOVED.items():
                    before, after = f'"skffnn.{now}"', f'"skffnn.{old_name}"'
                    content = content.replace(before.encode(), after.encode())
                assert b'"skffnn.tables"' in content
            old.writestr(name, content)
    again = skops.io.loads(stream.getvalue(), trusted=SKOPS_TRUSTED)
    np.testing.assert_array_equal(
        again.predict_proba(TABLE), model.predict_proba(TABLE)
    )
