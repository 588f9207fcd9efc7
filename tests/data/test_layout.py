"""A fit does not depend on the memory layout: dense or sparse, C or Fortran order."""

import numpy as np
import pytest
from helpers import (
    EVERY_WAY,
    PASS,
    PROBLEMS,
    REORDERED,
    SINGLE,
    SMOOTH,
    WEIGHTS,
    X,
    Y,
    assert_close,
    assert_identical,
    case_id,
    maker,
    y,
)
from scipy import sparse
from sklearn.datasets import load_digits

make = maker(**SMOOTH)
X2, y2 = PROBLEMS["binary"]

DIGITS, DIGIT = (a[:200] for a in load_digits(return_X_y=True))
DIGITS = DIGITS / 16


class TestDenseAndSparse:
    """Dense and sparse features."""

    @pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_are_the_same(self, params, early_stopping, weighted):
        if early_stopping:
            params = params | {"early_stopping": True, "validation_fraction": 0.25}
            if params.get("batch_size") == len(y):
                params["batch_size"] = "auto"
        w = WEIGHTS if weighted else None
        X_, y_ = DIGITS[: len(y)], DIGIT[: len(y)]
        dense = make(**params).fit(X_, y_, w)
        other = make(**params).fit(sparse.csr_array(X_), y_, w)
        rtol = REORDERED if "batch_size" not in params else SINGLE
        assert_close(dense, other, rtol)
        np.testing.assert_allclose(
            dense.predict_proba(X_),
            other.predict_proba(sparse.csr_array(X_)),
            rtol=rtol,
        )

    @pytest.mark.parametrize("form", ["zeros", "duplicates", "unsorted"])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_the_way_of_storing_does_not_matter(self, form, early_stopping):
        X_ = np.round(X, 1)
        n, m = X_.shape
        plain = sparse.csr_array(X_)
        columns = np.indices(X_.shape)[1].ravel()
        if form == "zeros":
            data, indices, indptr = X_.ravel(), columns, np.arange(0, n * m + 1, m)
        elif form == "duplicates":  # halving a number is exact
            data, indices = (X_ / 2).ravel().repeat(2), columns.repeat(2)
            indptr = np.arange(0, 2 * n * m + 1, 2 * m)
        else:
            data, indices = X_[:, ::-1].ravel(), columns.reshape(n, m)[:, ::-1].ravel()
            indptr = np.arange(0, n * m + 1, m)
        stored = sparse.csr_array((data, indices, indptr), shape=X_.shape)
        np.testing.assert_array_equal(stored.toarray(), X_)
        params = {"early_stopping": early_stopping, "solver": "lbfgs"}
        one, other = make(**params).fit(plain, y), make(**params).fit(stored, y)
        assert_close(one, other)
        np.testing.assert_allclose(
            one.predict_proba(plain), one.predict_proba(stored), rtol=PASS
        )

    def test_targets_are_the_same(self):
        for params in EVERY_WAY:
            one = make(**params).fit(X, Y)
            assert_identical(one, make(**params).fit(X, sparse.csr_array(Y)))


class TestLayout:
    """The memory layout of arrays."""

    @pytest.mark.parametrize(
        "layout",
        [
            np.asfortranarray,
            lambda a: np.repeat(a, 2, axis=0)[::2],
            lambda a: a[::-1].copy()[::-1],
            lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim == 2 else a,
            lambda a: a.tolist(),
        ],
        ids=["F", "every other row", "backwards", "every other column", "list"],
    )
    @pytest.mark.parametrize("problem", PROBLEMS)
    @pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
    def test_does_not_matter(self, params, problem, layout):
        X_, y_ = PROBLEMS[problem]
        one = make(**params).fit(X_, y_, WEIGHTS)
        # scikit-learn does not accept a list of lists as label indicators.
        other_y = layout(y_) if problem != "multi-label" else np.asarray(layout(y_))
        other = make(**params).fit(layout(X_), other_y, layout(WEIGHTS))
        assert_identical(one, other)
        np.testing.assert_allclose(
            one.predict_proba(X_), one.predict_proba(layout(X_)), rtol=PASS
        )

    @pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
    def test_of_validation_rows_does_not_matter(self, params):
        one = make(**params).fit(X, y, X_val=X, y_val=y)
        other = make(**params).fit(X, y, X_val=np.asfortranarray(X), y_val=y.tolist())
        assert_identical(one, other)
