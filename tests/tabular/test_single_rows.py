"""The prediction for a row is the same alone as in its table."""

import pickle

import numpy as np
import pytest

import skffnn
from skffnn import make_tabular_classifier, make_tabular_regressor

N_ROWS = 240
FAST = {"n_networks": 2, "max_iter": 3, "random_state": 0, "n_jobs": 1}
# Matrix products of one row and of many rows sum in a different order, in float32.
ROUNDING = 1e-5


def table():
    """Return columns of each kind, and y that depends on boxes, like trees."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "size": rng.standard_normal(N_ROWS),
            "count": rng.integers(0, 5, N_ROWS),
            "colour": rng.choice(["red", "blue", "green"], N_ROWS),
            "member": rng.random(N_ROWS) < 0.5,
        }
    )
    X.loc[::7, "size"] = np.nan
    X.loc[::11, "colour"] = None
    y = (X["size"].fillna(1) > 0) * 2.0 + X["member"] * X["count"]
    return X, y


MODELS = {
    "two classes": (make_tabular_classifier, lambda y: y > 2),
    "more classes": (make_tabular_classifier, lambda y: np.digitize(y, [1, 3])),
    "numbers": (make_tabular_regressor, lambda y: y),
}


@pytest.fixture(scope="module", params=MODELS)
def fitted(request):
    make, target = MODELS[request.param]
    X, y = table()
    model = make(**FAST).fit(X, target(y))
    assert model[-1].blended_  # otherwise there would be no trees
    return model


def forms(X):
    pl = pytest.importorskip("polars")
    return {"pandas": X, "polars": pl.from_pandas(X)}


def outputs(model, X):
    return getattr(model, "predict_proba", model.predict)(X)


@pytest.mark.parametrize("form", ["pandas", "polars"])
def test_a_row_is_predicted_as_in_its_table(fitted, form):
    X = forms(table()[0])[form]
    whole = outputs(fitted, X)
    for i in range(20):
        found = outputs(fitted, X[i : i + 1])
        np.testing.assert_allclose(found, whole[i : i + 1], ROUNDING)


def test_a_prediction_leaves_no_trace(fitted):
    before = pickle.dumps(fitted)
    outputs(fitted, table()[0][:1])
    assert pickle.dumps(fitted) == before


def test_a_model_from_a_file_predicts_rows_alike(fitted, tmp_path):
    skffnn.save(fitted, tmp_path / "model")
    loaded, X = skffnn.load(tmp_path / "model"), table()[0][:3]
    np.testing.assert_array_equal(outputs(loaded, X), outputs(fitted, X))
