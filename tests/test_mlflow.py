"""Models in an MLflow registry with a local store are loaded unchanged."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skffnn import (
    SKOPS_TRUSTED,
    FFNNClassifier,
    make_tabular_classifier,
    make_tabular_regressor,
)

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
pandas = pytest.importorskip("pandas")

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow raises many warnings

RNG = np.random.default_rng(0)
N = 80
FRAME = pandas.DataFrame(
    {
        "income": RNG.lognormal(10, 1, N),
        "children": RNG.integers(0, 4, N),
        "colour": RNG.choice(["red", "green"], N),
        "grade": pandas.Categorical(RNG.choice(["A", "B", "C"], N)),
        "insured": RNG.random(N) < 0.5,
        "since": pandas.Timestamp("2020-01-01")
        + pandas.to_timedelta(RNG.integers(0, 999, N), "D"),
    }
)
FRAME.loc[::7, "income"] = np.nan
FRAME.loc[::5, "colour"] = None
NUMBERS = FRAME[["children", "income"]].fillna(0).astype(float)
LABELS = np.where(FRAME["insured"], "yes", "no")
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
TABULAR = {"n_networks": 2, "n_jobs": 1} | SMALL
CASES = {
    "network": (FFNNClassifier(**SMALL), NUMBERS, LABELS),
    "classifier": (make_tabular_classifier(**TABULAR), FRAME, LABELS),
    "regressor": (make_tabular_regressor(**TABULAR), FRAME, RNG.standard_normal(N)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the path of the store, which takes a while to create."""
    folder, before = tmp_path_factory.mktemp("mlflow"), mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    yield folder
    mlflow.set_tracking_uri(before)


@pytest.fixture(autouse=True)
def experiment(folder, request):
    name = request.node.name
    identity = mlflow.create_experiment(name, (folder / "artifacts").as_uri())
    mlflow.set_experiment(experiment_id=identity)


@pytest.mark.parametrize("case", CASES)
def test_a_model_comes_back(case):
    model, X, y = CASES[case]
    expected = model.fit(X, y).predict(X)
    # MLflow has no categorical type, so the signature lists strings.
    plain = X.astype({"grade": str}) if "grade" in X else X
    signature = mlflow.models.infer_signature(plain, expected)
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            signature=signature,
            skops_trusted_types=SKOPS_TRUSTED,
            pip_requirements=["skffnn"],  # detecting them takes a while
        )
    assert logged.flavors["sklearn"]["serialization_format"] == "skops"
    again = mlflow.sklearn.load_model(logged.model_uri)
    assert type(again) is type(model)
    np.testing.assert_array_equal(again.predict(X), expected)
    served = mlflow.pyfunc.load_model(logged.model_uri)
    assert served.metadata.get_input_schema().input_names() == [*X.columns]
    np.testing.assert_array_equal(served.predict(plain), expected)


@pytest.mark.parametrize(
    ("model", "n_runs"),
    [
        pytest.param(FFNNClassifier(**SMALL), 0, id="a bare network"),
        pytest.param(make_pipeline(FFNNClassifier(**SMALL)), 1, id="in a pipeline"),
        pytest.param(
            GridSearchCV(FFNNClassifier(**SMALL), {"alpha": [0.1, 1]}, cv=2),
            3,
            id="in a search",
        ),
    ],
)
def test_what_autolog_logs(model, n_runs):
    """As in the guide: autolog ignores a bare network, which is not in scikit-learn."""
    mlflow.sklearn.autolog(log_models=False, silent=True)
    try:
        model.fit(NUMBERS, LABELS)
    finally:
        mlflow.sklearn.autolog(disable=True)
    runs = mlflow.search_runs()
    assert len(runs) == n_runs
    if n_runs:
        assert "metrics.training_score" in runs
