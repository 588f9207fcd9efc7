"""Invalid input raises a clear error before any training."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import make_classification

da = pytest.importorskip("dask.array", reason="needs Dask")
dd = pytest.importorskip("dask.dataframe", reason="needs Dask")
pd = pytest.importorskip("pandas")

from skffnn.dask import DaskFFNNClassifier  # noqa: E402

X, y = make_classification(60, 4, random_state=0)
X_dask, y_dask = da.from_array(X, chunks=(20, 4)), da.from_array(y, chunks=20)


def fit(X=X_dask, y=y_dask, *args, **kwargs):
    params = {"max_iter": 1, "random_state": 0} | kwargs.pop("params", {})
    return DaskFFNNClassifier((2,), **params).fit(X, y, *args, **kwargs)


def spoiled(value):
    """Return X with this value in its second partition."""
    wrong = X.copy()
    wrong[25, 1] = value
    return da.from_array(wrong, chunks=(20, 4))


NO_COLLECTION = "X must be a Dask array or data frame, got a ndarray"
CASES = {
    "NaN": ({"X": spoiled(np.nan)}, "Partition 1 of X: Input X contains NaN"),
    "infinite": ({"X": spoiled(np.inf)}, "Partition 1 of X: Input X contains inf"),
    "rows apart": (
        {"y": y_dask.rechunk(30)},
        "X has 3 partitions of 20, 20, 20",
    ),
    "fewer rows": ({"y": y_dask[:50]}, "y has 3 partitions of 20, 20, 10 rows"),
    "unknown lengths": (
        {"X": X_dask[X_dask[:, 0] > 0], "y": y_dask},
        "Partition . of X: X has .* rows, and y has 20",
    ),
    "columns in chunks": ({"X": X_dask.rechunk((20, 2))}, r"X.rechunk\({1: -1}\)"),
    "three dimensions": ({"X": X_dask[:, :, None]}, "X must have at most 2 dimensions"),
    "weights": (
        {"sample_weight": da.full(60, -1.0, chunks=20)},
        "sample_weight must be at least 0",
    ),
    "no weights": (
        {"sample_weight": da.zeros(60, chunks=20)},
        "There is no row to train on",
    ),
    "regression": ({"y": da.from_array(X[:, 0], chunks=20)}, "Unknown label type"),
    "several targets": (
        {"y": da.from_array(np.column_stack([y + 1, y]), chunks=(20, 2))},
        "FFNNClassifier, which trains in memory, accepts several targets",
    ),
    "no rows": (
        {"X": da.zeros((0, 4), chunks=(0, 4)), "y": da.zeros(0, chunks=0)},
        "X has no rows",
    ),
    "half a validation set": (
        {"X_val": X_dask},
        "X_val and y_val must be given",
    ),
    "other classes": (
        {"X_val": X_dask, "y_val": y_dask + 1},
        r"y_val has labels \[2\] that are not among the classes \[0 1\]",
    ),
    "classes passed": ({"classes": [0, 2]}, "y has labels"),
    "parameter": ({"params": {"alpha": -1}}, "alpha must be a number in"),
    "persist": (
        {"params": {"persist": "yes"}},
        "persist must be True, False or 'auto'",
    ),
    "nothing left": (
        {"params": {"early_stopping": True, "validation_fraction": 0.999}},
        "There is no row to validate on",
    ),
}


@pytest.mark.parametrize(("given", "message"), CASES.values(), ids=CASES)
def test_is_a_clear_error(client, given, message):
    with pytest.raises(ValueError, match=message):
        fit(**given)


def test_is_told_from_data_that_are_here(client):
    with pytest.raises(TypeError, match=NO_COLLECTION):
        fit(X)
    with pytest.raises(TypeError, match="y must be a Dask array"):
        fit(X_dask, y)


def test_text_in_a_data_frame_is_an_error(client):
    table = dd.from_pandas(pd.DataFrame({"a": X[:, 0], "b": ["x"] * 60}), npartitions=3)
    with pytest.raises(ValueError, match="could not convert string to float"):
        fit(table, dd.from_pandas(pd.Series(y), npartitions=3))


def test_leaves_a_fitted_estimator_as_it_was(client):
    model = fit()
    before = dict(vars(model))
    with pytest.raises(ValueError, match="NaN"):
        model.fit(spoiled(np.nan), y_dask)
    assert vars(model) == before


def test_divergence_is_named_as_on_one_machine(client):
    params = {"solver": "sgd", "learning_rate_init": 1e38, "batch_size": 2}
    with pytest.raises(
        ValueError, match="Training diverged in epoch 1 at learning rate"
    ):
        fit(params=params)


def test_a_class_without_weight_in_a_partition_counts_for_nothing(client):
    # All rows of the first partition belong to a class with weight 0.
    labels = np.where(np.arange(60) < 20, 2, y)
    model = fit(
        X_dask,
        da.from_array(labels, chunks=20),
        params={"class_weight": {0: 1, 1: 1, 2: 0}},
    )
    rest = fit(X_dask[20:], y_dask[20:], classes=[0, 1, 2], params={"max_iter": 1})
    assert model.loss_curve_[0] == pytest.approx(rest.loss_curve_[0], rel=0.1)


def test_without_a_client():
    code = "import dask.array as da; from skffnn.dask import DaskFFNNClassifier; "
    code += "X = da.zeros((4, 2)); DaskFFNNClassifier().fit(X, X[:, 0])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ValueError: There is no Dask client. Start one first" in done.stderr


def test_without_the_library():
    code = "import sys; sys.modules['distributed'] = None; import skffnn.dask"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert last == (
        "ImportError: skffnn.dask needs the libraries dask, distributed and pandas: "
        "pip install 'skffnn[dask]'."
    )
