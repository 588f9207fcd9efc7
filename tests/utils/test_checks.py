"""Arrays that may skip scikit-learn's checks."""

import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from skffnn import FFNNClassifier, RobustSmoothScaler
from skffnn.utils import checks
from skffnn.utils.checks import checked_rows, needs_no_check


class TestNeedsNoCheck:
    """An array skips scikit-learn's checks only if they would not change it."""

    X = np.array([[1.0, 2.0], [3.0, 4.0]])

    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_finite_numbers_of_the_right_shape(self, dtype, order):
        assert needs_no_check(self.X.astype(dtype, order=order), 2)
        assert needs_no_check(self.X.astype(dtype)[:1], 2)

    @pytest.mark.parametrize(
        "X",
        [
            X.tolist(),
            X[0],
            X[:0],
            X[:, :1],
            X.astype(int),
            X.astype(np.float16),
            X.astype(object),
            X.astype(">f8" if sys.byteorder == "little" else "<f8"),
            X.view(np.memmap),
            np.ma.masked_equal(X, 1),
            sparse.csr_array(X),
            np.where(X == 1, np.nan, X),
            np.where(X == 1, np.inf, X),
            np.where(X > 2, -np.inf, np.inf),
            np.full((2, 2), 1e308),  # finite, but the sum overflows, so the checks run
        ],
        ids=lambda X: f"{type(X).__name__}-{getattr(X, 'dtype', '')}",
    )
    def test_anything_else_is_checked(self, X):
        assert not needs_no_check(X, 2)

    def test_rows_without_names_for_a_model_with_names_are_warned_of(self):
        pd = pytest.importorskip("pandas")
        X, y = pd.DataFrame(self.X, columns=["a", "b"]), [0, 1]
        model = FFNNClassifier(2, max_iter=1, random_state=0).fit(X, y)
        with pytest.warns(UserWarning, match="feature names"):
            model.predict(self.X)


class TestCheckedRows:
    """Data frames with few rows skip scikit-learn's checks on the same condition."""

    X = np.array([[1.0, 2.0], [3.0, 4.0]])

    @pytest.fixture(params=["pandas", "polars"])
    def frame(self, request):
        return pytest.importorskip(request.param).DataFrame

    @pytest.fixture
    def model(self, frame):
        """A model fitted to named columns."""
        model = FFNNClassifier(2, max_iter=1, random_state=0)
        return model.fit(frame({"a": self.X[:, 0], "b": self.X[:, 1]}), [0, 1])

    @pytest.fixture
    def unchecked(self, monkeypatch):
        """Fail if scikit-learn's check is called."""

        def fail(*args, **kwargs):
            raise AssertionError("validate_data was called")

        monkeypatch.setattr(checks, "validate_data", fail)

    def test_a_frame_of_plain_numbers_is_not_checked(self, frame, model, unchecked):
        for dtype in np.float64, np.float32:
            a, b = self.X.astype(dtype).T
            x = checked_rows(model, frame({"a": a, "b": b}))
            np.testing.assert_array_equal(x, self.X)
            assert x.dtype == dtype

    def test_gaps_are_allowed_where_they_are(self, unchecked):
        scaler = RobustSmoothScaler().fit(self.X)
        x = np.array([[np.nan, 1.0]])
        assert checked_rows(scaler, x, allow_nan=True) is x

    @pytest.mark.parametrize(
        ("columns", "error"),
        [
            ({"b": [1.0], "a": [2.0]}, "same order"),
            ({"a": [1.0], "c": [2.0]}, "unseen at fit time"),
            ({"a": [1.0]}, "missing"),
            ({"a": [1.0], "b": [2.0], "c": [3.0]}, "unseen at fit time"),
            ({"a": [1.0], "b": [np.nan]}, "NaN"),
            ({"a": [1.0], "b": [np.inf]}, "infinity"),
            ({"a": [1.0], "b": ["x"]}, "x"),
        ],
    )
    def test_the_errors_are_those_of_scikit_learn(self, frame, model, columns, error):
        x = frame(columns)
        with pytest.raises(ValueError, match=error) as ours:
            checked_rows(model, x)
        with pytest.raises(ValueError) as theirs:  # noqa: PT011 whatever it is
            validate_data(model, x, reset=False, dtype=checks.DTYPES)
        assert str(ours.value) == str(theirs.value)

    def test_other_types_of_columns_are_checked_and_converted(self, model):
        pd = pytest.importorskip("pandas")
        for dtypes in ("int64", "Float64", "object", {"a": "float32", "b": "int8"}):
            x = checked_rows(
                model, pd.DataFrame(self.X, columns=["a", "b"]).astype(dtypes)
            )
            np.testing.assert_array_equal(x, self.X)
            assert x.dtype in checks.DTYPES

    def test_sparse_columns_stay_sparse(self, model):
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame(self.X, columns=["a", "b"])
        frame = frame.astype(pd.SparseDtype(float, 0.0))
        x = checked_rows(model, frame, accept_sparse="csr")
        # Not if scikit-learn is older than pandas.
        assert sparse.issparse(x) == sparse.issparse(
            check_array(frame, accept_sparse="csr")
        )
