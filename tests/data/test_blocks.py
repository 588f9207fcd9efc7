"""Results do not depend on the block size, the number of rows processed at once."""

import numpy as np
import pytest
from helpers import (
    PASS,
    PROBLEMS,
    SMOOTH,
    X,
    maker,
)
from scipy import sparse

from skffnn.data.batches import rows_per_block
from skffnn.optim.solvers import Found

make = maker(**SMOOTH)


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

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_does_not_matter_for_J_and_its_gradient(self, weighted, container):
        # J over all rows is the weighted mean of J over rows of a single block each.
        n, n_parts = 2500, 5
        rng = np.random.default_rng(0)
        rows, labels = rng.standard_normal((n, 4)), np.arange(n) % 3
        w = rng.uniform(1, 2, n) if weighted else np.ones(n)
        whole = Evaluated().of(container(rows), labels, w)
        parts = np.split(np.arange(n), n_parts)
        J = [Evaluated().of(container(rows[p]), labels[p], w[p]) for p in parts]
        shares = [w[p].sum() / w.sum() for p in parts]
        expected = np.average(J, axis=0, weights=shares)
        np.testing.assert_allclose(whole, expected, rtol=PASS, atol=PASS)


class Evaluated:
    """A solver that evaluates J and its gradient once, for a wide network."""

    def of(self, X, y, weights):
        make(hidden_layer_sizes=(200,), alpha=0, solver=self).fit(X, y, weights)
        return self.value_and_gradient

    def minimise(self, J, theta, criteria, end_iteration):
        value, grad = J(theta)
        self.value_and_gradient = np.append(grad, value)
        return Found(theta, value)
