"""Searches and averages on a cluster, and a table larger than memory."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import parameters
from joblib import parallel_config
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV

from skffnn import (
    AveragedClassifier,
    FFNNClassifier,
    make_tabular_classifier,
)

pytest.importorskip("dask.dataframe", reason="needs Dask")
pd = pytest.importorskip("pandas")

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
X, y = make_classification(120, 4, random_state=0)
SMALL = FFNNClassifier((3,), max_iter=2, random_state=0)


def process(*_):
    """A scorer that returns the id of its process."""
    return os.getpid()


def test_a_grid_search_gives_the_scores_of_one_machine(client):
    search = GridSearchCV(
        SMALL,
        {"alpha": [1e-4, 1.0]},
        cv=2,
        scoring={"accuracy": "accuracy", "process": process},
        refit=False,
    )
    here = search.fit(X, y).cv_results_["mean_test_accuracy"]
    with parallel_config(backend="dask"):
        found = search.fit(X, y).cv_results_
    assert found["mean_test_accuracy"].tolist() == here.tolist()
    assert os.getpid() not in found["split0_test_process"]


@pytest.mark.parametrize("n_jobs", ["auto", -1, None])
def test_networks_are_averaged_on_the_workers(client, n_jobs):
    network = clone(SMALL).set_params(scoring=process)
    model = AveragedClassifier(network, n_networks=3, n_jobs=n_jobs, random_state=0)
    here = clone(model).set_params(n_jobs=1).fit(X, y).predict_proba(X)
    with parallel_config(backend="dask"):
        there = model.fit(X, y).predict_proba(X)
    np.testing.assert_allclose(there, here, rtol=1e-6)
    ran_in = {network.best_validation_score_ for network in model.estimators_}
    assert os.getpid() not in ran_in


@pytest.mark.parametrize("n_jobs", ["auto", -1])
def test_the_tabular_classifier_is_trained_on_the_workers(client, n_jobs):
    table = pd.DataFrame({"a": X[:, 0], "b": np.where(X[:, 1] > 0, "x", "y")})
    model = make_tabular_classifier(
        n_networks=2, max_iter=2, random_state=0, n_jobs=n_jobs, scoring=process
    )
    here = clone(model).set_params(classifier__n_jobs=1)
    here = here.fit(table, y).predict_proba(table)
    with parallel_config(backend="dask"):
        there = model.fit(table, y).predict_proba(table)
    np.testing.assert_allclose(there, here, rtol=1e-5, atol=1e-6)
    networks = model[-1].estimators_
    assert os.getpid() not in {network.best_validation_score_ for network in networks}


def test_the_recipe_for_a_table_larger_than_memory(client):
    page = (DOCS / "user_guide" / "beyond_one_machine.md").read_text("utf-8")
    [code] = [block for block in BLOCK.findall(page) if "TableEncoder" in block]
    recipe = {}
    exec(code, recipe)
    rows = pd.concat([recipe["read"](number) for number in range(4)])
    prepared = recipe["prepare"](rows)
    here = FFNNClassifier((8,), solver="lbfgs", max_iter=30, random_state=0)
    here.fit(prepared, rows["bought"])
    np.testing.assert_allclose(parameters(recipe["model"]), parameters(here), atol=1e-4)
    assert here.score(prepared, rows["bought"]) > 0.9
