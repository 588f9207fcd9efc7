"""Results do not depend on the block size, the number of rows processed at once."""

import numpy as np
import pytest
from helpers import (
    PASS,
    PROBLEMS,
    SMOOTH,
    WEIGHTS,
    X,
    assert_close,
    assert_identical,
    maker,
    y,
)
from scipy import sparse

from skffnn.data.blocks import rows_per_block

make = maker(**SMOOTH)
X2, y2 = PROBLEMS["binary"]


class TestBlocks:
    """The number of rows that are passed through the network at once."""

    METHODS = ("predict_proba", "predict_log_proba", "decision_function")

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("problem", PROBLEMS)
    def test_does_not_matter_for_predictions(self, problem, container):
        X_, y_ = PROBLEMS[problem]
        width = 2000
        size = rows_per_block(X, [width])
        model = make(hidden_layer_sizes=(width,), max_iter=1).fit(X_, y_)
        n = 2 * size + 7
        many = np.resize(X_, (n, X_.shape[1]))
        for method in (*self.METHODS, "predict", "hidden_features"):
            predict = getattr(model, method)
            whole = predict(container(many))
            parts = [predict(container(many[i : i + 10])) for i in range(0, n, 10)]
            np.testing.assert_allclose(
                whole, np.concatenate(parts), rtol=PASS, atol=PASS
            )

    @pytest.mark.parametrize("problem", PROBLEMS)
    def test_may_be_one_row(self, problem):
        X_, y_ = PROBLEMS[problem]
        model = make(hidden_layer_sizes=(30, 20)).fit(X_, y_)
        for method in (*self.METHODS, "predict", "hidden_features"):
            predict = getattr(model, method)
            single = np.concatenate([predict(X_[i : i + 1]) for i in range(20)])
            np.testing.assert_allclose(single, predict(X_[:20]), rtol=PASS, atol=PASS)

    @pytest.mark.parametrize("weighted", [False, True])
    def test_does_not_matter_for_lbfgs(self, weighted, monkeypatch):
        w = WEIGHTS if weighted else None
        params = {"solver": "lbfgs", "early_stopping": True, "scoring": "loss"}
        whole = make(**params).fit(X, y, w)
        monkeypatch.setattr(
            "skffnn.fitting.assembly.rows_per_block", lambda X, sizes: 7
        )
        monkeypatch.setattr("skffnn.fitting.assembly.SMALLEST_BLOCK", 1)
        assert_close(whole, make(**params).fit(X, y, w))

    def test_does_not_matter_for_the_keys_of_the_split(self, monkeypatch):
        whole = make(early_stopping=True).fit(X, y)
        monkeypatch.setattr("skffnn.data.splitting.HASH_BLOCK", 7 * X.shape[1])
        assert_identical(whole, make(early_stopping=True).fit(X, y))
