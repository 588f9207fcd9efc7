"""Which arrays may skip scikit-learn's checks."""

import sys

import numpy as np
import pytest
from scipy import sparse

from skffnn import FFNNClassifier
from skffnn.utils.checks import needs_no_check


class TestNeedsNoCheck:
    """An array passes unchecked only if scikit-learn's checks would not touch it."""

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
            np.full((2, 2), 1e308),  # finite, but its sum is not: left to the checks
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
