"""Invalid input raises a clear error before any training."""

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
        "Partition . of X: Found input variables with inconsistent numbers of",
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


def test_a_partition_without_weight_counts_for_nothing(client):
    # All rows of the first partition belong to a class with weight 0.
    labels = np.where(np.arange(60) < 20, 2, y)
    params = {"class_weight": {0: 1, 1: 1, 2: 0}, "solver": "lbfgs", "max_iter": 3}
    model = fit(y=da.from_array(labels, chunks=20), params=params)
    local = model.to_unfitted().fit(X, labels)
    assert model.loss_curve_ == pytest.approx(local.loss_curve_, rel=1e-9)
    assert model.classes_.tolist() == [0, 1, 2]


WITHOUT = """
import sys
sys.modules["distributed"] = None
try:
    import skffnn.dask
except ImportError as error:
    print(error)
del sys.modules["distributed"]
import dask.array as da
from skffnn.dask import DaskFFNNClassifier
X = da.zeros((4, 2))
try:
    DaskFFNNClassifier().fit(X, X[:, 0])
except ValueError as error:
    print(error)
"""


def test_without_the_library_or_a_client(python):
    missing, no_client = python(WITHOUT).stdout.splitlines()
    assert missing == (
        "skffnn.dask needs the libraries dask, distributed and pandas: "
        "pip install 'skffnn[dask]'."
    )
    assert no_client.startswith("There is no Dask client. Start one first")
