"""AveragedRegressor and its pipeline: averages, blends, and calibrated intervals."""

import warnings

import numpy as np
import pytest
from helpers import failed_checks, trained_on_by_all
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import DataConversionWarning
from sklearn.linear_model import LinearRegression, PoissonRegressor
from sklearn.metrics import mean_pinball_loss, r2_score
from sklearn.model_selection import cross_val_score

import skffnn
from skffnn import (
    AveragedRegressor,
    FFNNRegressor,
    InvalidParameterError,
    make_tabular_regressor,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_friedman1(600, noise=1.0, random_state=0)
NETWORK = FFNNRegressor(
    hidden_layer_sizes=(8,), max_iter=30, learning_rate_init=0.01, random_state=0
)
QUANTILES = clone(NETWORK).set_params(loss="quantile", quantile=[0.1, 0.5, 0.9])


class Known(RegressorMixin, BaseEstimator):
    """Fake network that predicts a feature and records its rows by number."""

    def __init__(self, feature=1, loss="squared_error", random_state=None):
        self.feature = feature
        self.loss = loss
        self.random_state = random_state

    def fit(self, X, y, X_val=None, y_val=None):
        self.trained = X[:, 0].astype(int).tolist()
        return self

    def predict(self, X):
        return X[:, self.feature]


@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings on purpose
def test_all_scikit_learn_checks_pass():
    network = FFNNRegressor(max_iter=60)
    failed = failed_checks(AveragedRegressor(network, n_networks=2))
    failed.pop("check_array_api_input", None)  # requires an environment variable
    assert not failed


@pytest.mark.parametrize("y", [Y, np.column_stack([Y, -Y])], ids=["one", "two"])
def test_predictions_are_averaged(y):
    model = AveragedRegressor(NETWORK, n_networks=3, random_state=0).fit(X, y)
    mean = np.mean([net.predict(X) for net in model.estimators_], axis=0)
    np.testing.assert_allclose(model.predict(X), mean, rtol=1e-12)
    assert model.score(X, y) == pytest.approx(r2_score(y, mean))
    assert model.blended_ == []


def test_weights_are_those_of_least_squares():
    rng = np.random.default_rng(0)
    a, b, noise = rng.normal(size=(3, 2000))
    y = 0.3 * a + 0.7 * b + noise
    rows = np.column_stack([np.arange(2000), a, b])
    model = AveragedRegressor(Known(1), n_networks=6, blend_with=[Known(2)])
    model.fit(rows, y)
    held_out = ~trained_on_by_all(model.blended_[0], 2000)
    # y - a ≈ w (b - a), with w between 0 and 1.
    differences, rest = (b - a)[held_out, np.newaxis], (y - a)[held_out]
    w = LinearRegression(fit_intercept=False).fit(differences, rest).coef_
    np.testing.assert_allclose(model.blend_weights_, [1 - w[0], w[0]], rtol=1e-9)
    np.testing.assert_allclose(model.predict(rows), (1 - w) * a + w * b)
    assert len(model.blended_[0]) == 4
    for network, other in zip(model.estimators_, model.blended_[0], strict=False):
        assert network.trained == other.trained
    # A worse regressor gets weight 0 and is left out.
    model = AveragedRegressor(Known(1), blend_with=[Known(2)]).fit(rows, a)
    assert model.blended_ == []
    np.testing.assert_array_equal(model.blend_weights_, [1])


@pytest.mark.parametrize("other", [LinearRegression(), HistGradientBoostingRegressor()])
def test_a_column_of_numbers_is_a_vector(other):
    model = AveragedRegressor(NETWORK, n_networks=2, blend_with=[other], random_state=0)
    expected = clone(model).fit(X, Y).predict(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataConversionWarning)
        found = model.fit(X, Y[:, np.newaxis]).predict(X)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_other_losses_are_not_blended():
    model = AveragedRegressor(
        clone(NETWORK).set_params(loss="absolute_error"),
        n_networks=2,
        blend_with=[HistGradientBoostingRegressor()],
    ).fit(X, Y)
    assert model.blended_ == []


@pytest.mark.parametrize("seed", range(3))
def test_intervals_cover_what_they_should(seed):
    rng = np.random.default_rng(seed)
    rows = rng.uniform(-2, 2, size=(3000, 1))
    # Noise that is heteroscedastic, skewed and heavy-tailed.
    y = np.sin(2 * rows[:, 0]) + (0.2 + np.abs(rows[:, 0])) * rng.exponential(size=3000)
    network = FFNNRegressor(
        "quantile", (16,), quantile=[0.05, 0.95], max_iter=15, random_state=seed
    )
    model = AveragedRegressor(network, n_networks=4, random_state=seed)
    low, high = model.fit(rows[:1000], y[:1000]).predict(rows[1000:]).T
    test = y[1000:]
    # Three standard deviations, with 1000 rows for the shift and 2000 test rows. The
    # average has smaller errors than the networks that calibrate it, and covers more.
    tolerance = 3 * np.sqrt(0.1 * 0.9 * (1 / 1000 + 1 / 2000))
    covered = np.mean((low <= test) & (test <= high))
    assert 0.9 - tolerance < covered < 0.97
    side = 3 * np.sqrt(0.05 * 0.95 * (1 / 1000 + 1 / 2000))
    assert np.mean(test < low) < 0.05 + side
    assert np.mean(test > high) < 0.05 + side


def test_shifts_by_hand():
    class Zero(FFNNRegressor):
        """Predicts 0 for each level."""

        def predict(self, X):
            return np.zeros((len(X), 2))

    network = Zero("quantile", (1,), quantile=[0.1, 0.8], max_iter=1)
    y = np.arange(1.0, 20.0)  # 19 rows, whose residuals are 1 … 19
    model = AveragedRegressor(network, n_networks=2).fit(np.ones((19, 1)), y)
    # The second of 20 from below, and the sixteenth of 20.
    np.testing.assert_array_equal(model.shifts_, [2, 16])
    assert not np.any(
        model.set_params(calibrate=False).fit(np.ones((19, 1)), y).shifts_
    )


def test_weights_count_as_copies_for_shifts():
    weights = np.tile([1.0, 2.0], 100)
    rows, y = X[:200], Y[:200]
    weighted = AveragedRegressor(QUANTILES, n_networks=2, random_state=0)
    weighted.fit(rows, y, weights)
    out = np.quantile(y, 0.9, weights=weights, method="inverted_cdf")
    assert np.isfinite(out)
    below = np.average(y <= weighted.predict(rows)[:, 2], weights=weights)
    assert below == pytest.approx(0.9, abs=0.08)


def test_quantiles_ascend_and_are_scored():
    model = AveragedRegressor(QUANTILES, n_networks=3, random_state=0).fit(X, Y)
    f = model.predict(X)
    assert f.shape == (600, 3)
    assert (np.diff(f, axis=1) >= 0).all()
    losses = [
        mean_pinball_loss(Y, f[:, i], alpha=q) for i, q in enumerate((0.1, 0.5, 0.9))
    ]
    base = [
        mean_pinball_loss(Y, np.full(600, np.quantile(Y, q)), alpha=q)
        for q in (0.1, 0.5, 0.9)
    ]
    expected = np.mean([1 - a / b for a, b in zip(losses, base, strict=True)])
    assert model.score(X, Y) == pytest.approx(expected, rel=1e-3)


def test_one_quantile_has_no_axis():
    network = clone(QUANTILES).set_params(quantile=0.9)
    model = AveragedRegressor(network, n_networks=3, random_state=0).fit(X, Y)
    assert model.predict(X).shape == (600,)
    assert np.mean(model.predict(X) >= Y) == pytest.approx(0.9, abs=0.04)


def test_quantiles_of_two_targets():
    y = np.column_stack([Y, 10 * Y])
    model = AveragedRegressor(QUANTILES, n_networks=2, random_state=0).fit(X, y)
    assert model.predict(X).shape == (600, 2, 3)
    assert model.shifts_.shape == (2, 3)


def test_wrong_parameters():
    for params in (
        {"n_networks": 1},
        {"planned_for": 0},
        {"estimator": LinearRegression()},
        {"blend_with": ["trees"]},
    ):
        with pytest.raises(InvalidParameterError, match=next(iter(params))):
            AveragedRegressor(**params).fit(X, Y)


# ------------------------------------------------------------------------- the recipe


def table():
    """Return a numeric target and a table with a category and missing values."""
    rng = np.random.default_rng(0)
    x, names = rng.normal(size=900), rng.choice(["a", "b", "c", None], 900)
    effect = {"a": 0.0, "b": 2.0, "c": -2.0, None: 1.0}
    y = 1000 + 50 * (np.abs(x) + np.array([effect[n] for n in names]))
    rows = np.array(
        [
            [None if i % 9 == 0 else v, n]
            for i, (v, n) in enumerate(zip(x, names, strict=True))
        ],
        dtype=object,
    )
    return rows, y + rng.normal(size=900)


def test_the_recipe_learns_a_table():
    rows, y = table()
    model = make_tabular_regressor(n_networks=3, max_iter=30, random_state=0)
    # A ninth of the numbers are missing, which explains the rest of the variance.
    assert cross_val_score(model, rows, y, cv=3).min() > 0.85
    rows[5] = [None, "unseen"]
    assert np.isfinite(model.fit(rows[:400], y[:400]).predict(rows)).all()


def test_the_recipe_for_an_interval_and_for_counts():
    rows, y = table()
    model = make_tabular_regressor(
        quantile=[0.05, 0.95], n_networks=3, max_iter=10, random_state=0
    )
    low, high = model.fit(rows[:600], y[:600]).predict(rows[600:]).T
    assert np.mean((low <= y[600:]) & (y[600:] <= high)) == pytest.approx(0.9, abs=0.07)
    counts = np.random.default_rng(0).poisson(np.exp((y - 1000) / 100))
    model = make_tabular_regressor(
        loss="poisson", n_networks=3, max_iter=20, random_state=0
    ).fit(rows[:600], counts[:600])
    f = model.predict(rows[600:])
    assert (f > 0).all()
    linear = PoissonRegressor().fit(model[:-1].transform(rows[:600]), counts[:600])
    assert r2_score(counts[600:], f) > r2_score(
        counts[600:], linear.predict(model[:-1].transform(rows[600:]))
    )


def test_the_recipe_is_better_than_trees_alone():
    model = make_tabular_regressor(random_state=0, n_networks=4, max_iter=40)
    trees = HistGradientBoostingRegressor(random_state=0)
    model.fit(X[:400], Y[:400])
    ours = np.mean((model.predict(X[400:]) - Y[400:]) ** 2)
    theirs = np.mean((trees.fit(X[:400], Y[:400]).predict(X[400:]) - Y[400:]) ** 2)
    assert ours < 0.9 * theirs


@pytest.mark.parametrize("quantile", [None, [0.1, 0.9]])
def test_is_saved(quantile, tmp_path):
    data, y = load_diabetes(return_X_y=True)
    model = make_tabular_regressor(
        quantile=quantile, n_networks=2, max_iter=5, random_state=0
    ).fit(data, y)
    skffnn.save(model, tmp_path / "f")
    loaded = skffnn.load(tmp_path / "f")
    np.testing.assert_array_equal(loaded.predict(data), model.predict(data))
    assert repr(loaded) == repr(model)
