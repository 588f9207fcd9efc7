"""A network without hidden layers is equivalent to logistic regression."""

import numpy as np
import pytest
from helpers import X
from helpers import y as species
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from skffnn import FFNNClassifier

# LogisticRegression stops when its loss decreases by no more than rounding errors, with
# gradients up to 1e-7; the distance to the minimum is the gradient divided by alpha.
ATOL = 1e-5
ALPHA = 0.01


def both(y, sample_weight=None, alpha=ALPHA, X=X, **kwargs):
    ours = FFNNClassifier(
        (), solver="lbfgs", alpha=alpha, tol=1e-9, max_iter=5000, random_state=0
    )
    ours.set_params(**kwargs).fit(X, y, sample_weight=sample_weight)
    total = len(y) if sample_weight is None else np.sum(sample_weight)
    # LogisticRegression minimises C Σ s ℓ + ½ ‖w‖²: C = 1 / (alpha S).
    theirs = LogisticRegression(C=1 / (alpha * total), tol=1e-9, max_iter=5000)
    return ours, theirs.fit(X, y, sample_weight=sample_weight)


@pytest.mark.parametrize("weighted", [False, True])
def test_multinomial_coefficients_coincide(weighted):
    w = np.random.default_rng(0).uniform(0.5, 3, len(species)) if weighted else None
    ours, theirs = both(species, w)
    np.testing.assert_allclose(ours.coefs_[0].T, theirs.coef_, atol=ATOL)
    # Softmax does not change if a constant is added to all biases.
    b = ours.intercepts_[0] - ours.intercepts_[0].mean()
    np.testing.assert_allclose(
        b, theirs.intercept_ - theirs.intercept_.mean(), atol=ATOL
    )
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), atol=ATOL
    )


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_coefficients_coincide(weighted, sparse):
    w = np.random.default_rng(0).uniform(0.5, 3, len(species)) if weighted else None
    ours, theirs = both(species == 1, w, X=csr_array(X) if sparse else X)
    np.testing.assert_allclose(ours.coefs_[0].T, theirs.coef_, atol=ATOL)
    np.testing.assert_allclose(ours.intercepts_[0], theirs.intercept_, atol=ATOL)
    np.testing.assert_allclose(
        ours.decision_function(X), theirs.decision_function(X), atol=10 * ATOL
    )


def test_class_weights_coincide():
    ours = FFNNClassifier(
        (),
        solver="lbfgs",
        alpha=ALPHA,
        tol=1e-9,
        max_iter=5000,
        class_weight={0: 1, 1: 5, 2: 2},
    ).fit(X, species)
    total = np.array([1, 5, 2])[species].sum()
    theirs = LogisticRegression(
        C=1 / (ALPHA * total), class_weight={0: 1, 1: 5, 2: 2}, tol=1e-9, max_iter=5000
    ).fit(X, species)
    np.testing.assert_allclose(ours.coefs_[0].T, theirs.coef_, atol=ATOL)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"solver": "sgd", "learning_rate_init": 0.5, "momentum": 0.9},
        {"solver": "adam", "learning_rate_init": 0.05, "learning_rate": "cosine"},
    ],
    ids=lambda kwargs: kwargs["solver"],
)
def test_every_solver_ends_at_the_same_minimum(kwargs):
    ours, theirs = both(
        species, max_iter=3000, n_iter_no_change=np.inf, batch_size=150, **kwargs
    )
    # First-order solvers get only as close as their last learning rates allow.
    np.testing.assert_allclose(ours.coefs_[0].T, theirs.coef_, atol=1e-3)
