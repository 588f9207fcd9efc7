"""Networks without hidden layers are equivalent to scikit-learn's linear models."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import (
    GammaRegressor,
    HuberRegressor,
    LinearRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    TweedieRegressor,
)
from sklearn.metrics import mean_pinball_loss

from skffnn import FFNNRegressor, Huber, Tweedie

# L-BFGS ends with a gradient of 1e-8, and the coefficients are of order 1.
RTOL = 1e-5
# The sum of |r| has a kink at each row; a decreasing learning rate gets this close to
# its minimum.
KINKS = 1e-3

X, y = load_diabetes(return_X_y=True)
X, y = X * 20, y / 100
WEIGHTS = np.random.default_rng(0).uniform(0.2, 3, len(y))
each_weighting = pytest.mark.parametrize(
    "weights", [None, WEIGHTS], ids=["", "weights"]
)


def linear(loss, alpha=0.0, **params):
    """Return a network without hidden layers, trained until its gradient is small."""
    exact = {"solver": "lbfgs", "tol": 1e-8, "max_iter": 5000, "random_state": 0}
    return FFNNRegressor(loss, (), alpha=alpha, dtype="float64", **exact | params)


def with_kinks(loss, **params):
    """Return one trained with full batches and a learning rate that decays to 0."""
    steps = {"solver": "adam", "batch_size": len(y), "learning_rate": "cosine"}
    steps |= {"learning_rate_init": 0.03, "max_iter": 3000}
    return linear(loss, **steps, **params)


def in_units_of_y(model):
    """Return coefficients and intercept in units of y."""
    (W,), (b,) = model.coefs_, model.intercepts_
    return W[:, 0] * model.y_scale_, b * model.y_scale_ + model.y_mean_


def assert_same(ours, theirs):
    coef, intercept = in_units_of_y(ours)
    np.testing.assert_allclose(coef, theirs.coef_, rtol=RTOL, atol=RTOL)
    np.testing.assert_allclose(intercept, theirs.intercept_, rtol=RTOL)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=RTOL)


@each_weighting
@pytest.mark.parametrize("normalize_y", [False, True])
def test_squared_error_is_least_squares(normalize_y, weights):
    ours = linear("squared_error", normalize_y=normalize_y).fit(X, y, weights)
    assert_same(ours, LinearRegression().fit(X, y, weights))


@each_weighting
@pytest.mark.parametrize("normalize_y", [False, True])
def test_with_a_penalty_it_is_ridge_regression(normalize_y, weights):
    # Ours minimises 1/2n ‖y - f‖² + α/2 ‖w‖², and theirs ‖y - f‖² + a ‖w‖². Scaling the
    # targets scales the coefficients too, so the penalty has the same effect.
    total = len(y) if weights is None else weights.sum()
    ours = linear("squared_error", 0.1, normalize_y=normalize_y).fit(X, y, weights)
    assert_same(ours, Ridge(alpha=0.1 * total).fit(X, y, weights))


@each_weighting
@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_poisson_and_gamma_are_generalised_linear_models(alpha, weights):
    for loss, kind in [("poisson", PoissonRegressor), ("gamma", GammaRegressor)]:
        theirs = kind(alpha=alpha, solver="newton-cholesky", tol=1e-9)
        theirs.fit(X, y, weights)
        ours = linear(loss, alpha).fit(X, y, weights)
        assert_same(ours, theirs)


@each_weighting
@pytest.mark.parametrize("power", [1.1, 1.5, 1.9])
def test_tweedie_is_a_generalised_linear_model_of_sums_that_may_be_0(power, weights):
    sums = np.maximum(y - 0.8, 0)
    assert (sums == 0).any()
    theirs = TweedieRegressor(
        power=power, alpha=0.1, link="log", solver="newton-cholesky", tol=1e-9
    ).fit(X, sums, weights)
    assert_same(linear(Tweedie(power), 0.1).fit(X, sums, weights), theirs)


def test_huber_with_the_scale_that_huber_regression_finds():
    theirs = HuberRegressor(epsilon=1.35, alpha=0, tol=1e-9, max_iter=5000).fit(X, y)
    delta = theirs.epsilon * theirs.scale_
    ours = linear(Huber(delta), normalize_y=False).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-4)
    ours = linear(Huber(delta / y.std())).fit(X, y)  # in standard deviations of y
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-4)


@each_weighting
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_quantile_is_quantile_regression(level, weights):
    theirs = QuantileRegressor(quantile=level, alpha=0).fit(X, y, weights)
    ours = with_kinks("quantile", quantile=level)
    ours.fit(X, y, weights)
    loss, least = (
        mean_pinball_loss(y, m.predict(X), alpha=level, sample_weight=weights)
        for m in (ours, theirs)
    )
    assert least <= loss * (1 + 1e-12)
    assert loss <= least * (1 + KINKS)


def test_absolute_error_is_median_regression():
    theirs = QuantileRegressor(quantile=0.5, alpha=0).fit(X, y)
    ours = with_kinks("absolute_error").fit(X, y)
    loss, least = (np.abs(y - m.predict(X)).mean() for m in (ours, theirs))
    assert least <= loss * (1 + 1e-12)
    assert loss <= least * (1 + KINKS)


def test_several_quantiles_at_once_are_those_one_by_one():
    levels = [0.1, 0.5, 0.9]
    at_once = with_kinks("quantile", quantile=levels).fit(X, y).predict(X)
    for level, f in zip(levels, at_once.T, strict=True):
        theirs = QuantileRegressor(quantile=level, alpha=0).fit(X, y).predict(X)
        least = mean_pinball_loss(y, theirs, alpha=level)
        assert mean_pinball_loss(y, f, alpha=level) <= least * (1 + KINKS)
