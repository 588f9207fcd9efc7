"""The regressor: targets, quantiles, and the properties tested for the classifier."""

import pickle

import numpy as np
import pytest
from helpers import (
    REORDERED,
    SINGLE,
    STEPPERS,
    assert_close,
    assert_identical,
    assert_same,
    parameters,
    snapshot,
)
from joblib import parallel_config
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import d2_pinball_score, mean_pinball_loss, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skffnn
from skffnn import (
    REGRESSION_LOSSES,
    SCHEDULES,
    SOLVERS,
    AveragedRegressor,
    FFNNRegressor,
    Huber,
    InvalidParameterError,
    LossCurveDisplay,
    NetworkDisplay,
    Quantile,
    RegressionLoss,
    WeightsDisplay,
)
from skffnn.optim.training import Training

X, y = load_diabetes(return_X_y=True)
X, y = X[:150] * 20, y[:150]
Y = np.column_stack([y, y**2, X[:, 0] + 5])
RNG = np.random.default_rng(0)
WEIGHTS = RNG.uniform(0.2, 3, len(y))
COUNTS = RNG.integers(1, 4, len(y))
SETTINGS = {"hidden_layer_sizes": (6,), "activation": "tanh", "max_iter": 6}
KINDS = {
    **{name: {"loss": name} for name in REGRESSION_LOSSES},
    "quantiles": {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]},
    "huber, an object": {"loss": Huber(0.5)},
    "not scaled": {"normalize_y": False},
}
each_kind = pytest.mark.parametrize("kind", KINDS)
each_solver = pytest.mark.parametrize("solver", SOLVERS)


def make(**params):
    """Return a small network. Targets y / 100 work with every loss."""
    return FFNNRegressor(**SETTINGS | {"random_state": 0} | params)


# Features and targets in the hundred thousands, as of `StackingRegressor`, and earlier
# values of a series far from 0.
def units(name):
    rng = np.random.default_rng(0)
    if name == "copies":
        target = rng.normal(2e5, 5e4, 300)
        return target[:, np.newaxis] + rng.normal(0, 1e4, (300, 2)), target
    series = 1000 + np.cumsum(rng.normal(0, 3, 500))
    windows = np.lib.stride_tricks.sliding_window_view(series, 13)
    return windows[:, :12], windows[:, 12]


each_unit = pytest.mark.parametrize("name", ["copies", "lags"])


class TestUnitsOfFeatures:
    """With `normalize_y`, the units of the features do not matter either."""

    @each_unit
    @pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
    def test_it_predicts_as_well_as_with_a_scaler(self, name, solver):
        inputs, targets = units(name)
        order = np.random.default_rng(1).permutation(len(targets))
        fit, new = order[:200], order[200:]
        model = FFNNRegressor(solver=solver, random_state=0, max_iter=100)
        scaled = make_pipeline(StandardScaler(), clone(model))
        model.fit(inputs[fit], targets[fit])
        scaled.fit(inputs[fit], targets[fit])
        score = model.score(inputs[new], targets[new])
        assert score > scaled.score(inputs[new], targets[new]) - 0.02
        theirs = MLPRegressor(solver=solver, random_state=0, max_iter=100)
        theirs.fit(inputs[fit], targets[fit])
        assert score > theirs.score(inputs[new], targets[new]) - 0.02

    @pytest.mark.parametrize(
        ("early_stopping", "weights"), [(False, None), (False, WEIGHTS), (True, None)]
    )
    def test_it_is_the_network_of_standardised_features(self, early_stopping, weights):
        params = {"dtype": "float64", "early_stopping": early_stopping}
        far = 1000 + 50 * X
        mean = np.average(far, axis=0, weights=weights)
        deviation = np.sqrt(np.average((far - mean) ** 2, axis=0, weights=weights))
        scaled = (far - mean) / deviation
        one = make(**params).fit(far, y, weights)
        z = (y - one.y_mean_) / one.y_scale_
        other = make(**params, normalize_y=False).fit(scaled, z, weights)
        np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-5)
        expected = other.predict(scaled) * one.y_scale_ + one.y_mean_
        np.testing.assert_allclose(one.predict(far), expected, rtol=1e-4)

    def test_coefficients_apply_to_features_as_they_are(self):
        model = make().fit(1000 + 50 * X, y)
        (W, V), (b, c) = model.coefs_, model.intercepts_
        output = np.tanh((1000 + 50 * X) @ W + b) @ V + c
        expected = model.y_mean_ + model.y_scale_ * output[:, 0]
        np.testing.assert_allclose(model.predict(1000 + 50 * X), expected)

    def test_edited_coefficients_are_what_training_goes_on_from(self):
        model = make(warm_start=True, learning_rate_init=1e-300, dtype="float64")
        model.fit(1000 + 50 * X, y)
        model.coefs_[0][0] = 0
        edited = model.predict(1000 + 50 * X)
        again = model.fit(1000 + 50 * X, y).predict(1000 + 50 * X)
        np.testing.assert_allclose(again, edited)

    def test_initial_coefficients_are_for_features_as_they_are(self):
        far, given = 1000 + 50 * X, make(dtype="float64").fit(1000 + 50 * X, y)
        still = make(dtype="float64", learning_rate_init=1e-300, max_iter=1)
        still.fit(far, y, coef_init=given.coefs_, intercept_init=given.intercepts_)
        np.testing.assert_allclose(still.predict(far), given.predict(far), rtol=1e-9)

    def test_rows_on_disk_are_scaled_batch_by_batch(self, tmp_path):
        far = 1000 + 50 * X
        np.save(tmp_path / "far.npy", far)
        mapped = np.load(tmp_path / "far.npy", mmap_mode="r")
        assert_identical(make().fit(far, y), make().fit(mapped, y))

    def test_sparse_features_are_divided_by_their_deviations(self):
        zeros = 50 * X * (np.abs(X) > 0.5)
        deviations = zeros.std(axis=0)
        one = make(dtype="float64").fit(sparse.csr_array(zeros), y)
        z = (y - one.y_mean_) / one.y_scale_
        other = make(dtype="float64", normalize_y=False).fit(zeros / deviations, z)
        np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-5)

    @pytest.mark.parametrize("value", [1.0, 0.1, 1 / 3, 1e5 / 3])
    def test_a_sparse_feature_that_is_constant_is_divided_by_itself(self, value):
        for n in (9, 20, 150):
            constant = sparse.csr_array(np.full((n, 1), value))
            scaling = make(max_iter=1).fit(constant, y[:n]).fitted_.targets.features
            assert scaling.scale == pytest.approx(value if value > 10 else 1)
            assert scaling.mean == 0

    def test_indicators_and_standardised_features_are_left_as_they_are(self):
        plain = np.column_stack([X, X[:, 0] > 2])
        one = make(dtype="float64").fit(plain, y)
        z = (y - one.y_mean_) / one.y_scale_
        other = make(dtype="float64", normalize_y=False).fit(plain, z)
        np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-5)

    def test_a_log_link_leaves_them_as_they_are(self):
        model = make(loss="poisson", dtype="float64").fit(50 * X, y / 100)
        other = make(loss="poisson", dtype="float64", normalize_y=False)
        assert_identical(model, other.fit(50 * X, y / 100))

    def test_constant_features_and_extreme_ones(self):
        odd = np.column_stack([X, np.full(len(X), 7.0), 1e300 * X[:, 0], 1e-300 * X])
        assert make().fit(odd, y).score(odd, y) > make().fit(X, y).score(X, y) - 0.1


class TestScalingOfStreams:
    """The scaling of a stream follows it."""

    RNG = np.random.default_rng(0)
    inputs = RNG.normal(size=(3000, 5))
    targets = 4.5 + 3 * np.tanh(inputs[:, 0]) + inputs[:, 1] + inputs[:, 2]

    def score(self, first_inputs, first_targets, **params):
        model = FFNNRegressor(random_state=0, **params)
        model.partial_fit(first_inputs, first_targets)
        for _ in range(3):
            for i in range(20, 2000, 20):
                model.partial_fit(self.inputs[i : i + 20], self.targets[i : i + 20])
        return model.score(self.inputs[2000:], self.targets[2000:])

    def test_first_targets_with_a_tiny_spread(self):
        tiny = 5 + 0.001 * self.RNG.normal(size=20)
        score = self.score(self.inputs[:20], tiny)
        assert score > 0.95
        assert score > self.score(self.inputs[:20], tiny, normalize_y=False)

    @pytest.mark.parametrize("scale", [1e-3, 30])
    def test_first_features_on_another_scale(self, scale):
        assert self.score(self.inputs[:20] * scale, self.targets[:20]) > 0.9

    def test_first_features_that_are_constant(self):
        assert self.score(np.ones((20, 5)), self.targets[:20]) > 0.95

    def test_predictions_do_not_jump(self):
        model = FFNNRegressor(random_state=0)
        for i in range(0, 2000, 20):
            model.partial_fit(self.inputs[i : i + 20], self.targets[i : i + 20])
        mean, before = model.y_mean_, model.predict(self.inputs[:500])
        model.set_params(learning_rate_init=1e-300)
        for i in range(0, 3000, 20):
            rows = slice(i, i + 20)
            model.partial_fit(self.inputs[rows], self.targets[rows] + 30)
        assert model.y_mean_ > mean + 2
        after = model.predict(self.inputs[:500])
        np.testing.assert_allclose(after, before, atol=1e-3)

    def test_its_moments_are_those_of_all_rows(self):
        model = make()
        for rows in np.array_split(np.arange(len(X)), 7):
            model.partial_fit(X[rows], y[rows])
        for scaling, values in [
            (model.fitted_.targets.columns, y[:, np.newaxis]),
            (model.fitted_.targets.features, X),
        ]:
            assert scaling.seen.n_rows == len(X)
            np.testing.assert_allclose(scaling.seen.mean, values.mean(0), rtol=1e-9)
            np.testing.assert_allclose(scaling.seen.deviation, values.std(0), rtol=1e-9)


class TestTargets:
    """Predictions are in the units of the targets."""

    @pytest.mark.parametrize("dtype", ["f4", "f8"])
    @pytest.mark.parametrize("exponent", [-300, -30, -20, -10, 10, 20, 30, 40, 300])
    @pytest.mark.parametrize("base", [2.0, 10.0])
    def test_the_unit_does_not_matter_in_any_type(self, base, exponent, dtype):
        inputs = X.astype(dtype)
        one = make().fit(inputs, y).predict(inputs)
        other = make().fit(inputs, y * base**exponent).predict(inputs)
        np.testing.assert_allclose(other / base**exponent, one, rtol=1e-5)

    def test_targets_far_from_0_do_not_need_float64_features(self):
        inputs = X.astype("f")
        scores = [
            make(max_iter=50).fit(inputs, y + far).score(inputs, y + far)
            for far in (0, 1.7e9)
        ]
        assert scores[1] == pytest.approx(scores[0], abs=1e-3)

    @pytest.mark.parametrize("factor", [1e-200, 1e-6, 1.0, 1e6, 1e200])
    @pytest.mark.parametrize("solver", ["lbfgs", "adam"])
    def test_the_unit_does_not_matter(self, solver, factor):
        one = make(solver=solver).fit(X, y)
        other = make(solver=solver).fit(X, factor * (y - 1000))
        # Mean and scale are equal up to rounding.
        np.testing.assert_allclose(
            other.predict(X) / factor + 1000, one.predict(X), rtol=1e-4
        )
        assert one.loss_curve_ == pytest.approx(other.loss_curve_, rel=1e-4)

    def test_the_scaling_is_that_of_the_weighted_rows(self):
        model = make().fit(X, Y, WEIGHTS)
        mean = np.average(Y, axis=0, weights=WEIGHTS)
        variance = np.average((Y - mean) ** 2, axis=0, weights=WEIGHTS)
        np.testing.assert_allclose(model.y_scale_, np.sqrt(variance), rtol=2e-7)
        within = 1e-6 * model.y_scale_
        assert (abs(model.y_mean_ - mean) <= within).all()

    def test_the_coefficients_are_those_of_the_scaled_targets(self):
        model = make(hidden_layer_sizes=()).fit(X, Y)
        output = X @ model.coefs_[0] + model.intercepts_[0]
        np.testing.assert_allclose(
            model.predict(X), model.y_mean_ + model.y_scale_ * output
        )

    @pytest.mark.parametrize("params", [{"normalize_y": False}, {"loss": "poisson"}])
    def test_targets_may_be_left_as_they_are(self, params):
        model = make(**params).fit(X, y / 100)
        assert (model.y_mean_, model.y_scale_) == ([0], [1])

    def test_of_one_value_are_that_value(self):
        for value in (0.0, 7.0, 1e300):
            f = (
                make(solver="lbfgs", max_iter=200)
                .fit(X, np.full(150, value))
                .predict(X)
            )
            np.testing.assert_allclose(f / (value or 1), bool(value), atol=0.01)

    @pytest.mark.parametrize(
        ("target", "quantile", "shape"),
        [
            (y, 0.5, (150,)),
            (y, [0.5], (150, 1)),
            (y, [0.1, 0.9], (150, 2)),
            (Y, 0.5, (150, 3)),
            (Y, [0.1, 0.9], (150, 3, 2)),
        ],
        ids=str,
    )
    def test_the_shape_of_predictions(self, target, quantile, shape):
        model = make(loss="quantile", quantile=quantile).fit(X, target)
        assert model.predict(X).shape == shape

    def test_a_column_is_a_vector_with_a_warning(self):
        with pytest.warns(DataConversionWarning):
            model = make().fit(X, y[:, np.newaxis])
        np.testing.assert_array_equal(model.predict(X), make().fit(X, y).predict(X))

    def test_integers_booleans_and_lists_are_numbers(self):
        for target in (y.astype(int), y > 100, y.tolist(), y.astype(object)):
            same = make().fit(X, np.asarray(target, float))
            assert_identical(make().fit(X, target), same)

    @pytest.mark.parametrize(
        ("loss", "target", "message"),
        [
            ("squared_error", np.array(["a", "b"] * 75), "must be numbers"),
            ("squared_error", np.full(150, np.nan), "NaN"),
            ("poisson", y - 100, "non-negative numbers"),
            ("gamma", y * (y > 100), "positive numbers"),
        ],
    )
    def test_that_are_refused(self, loss, target, message):
        model = make(loss=loss).fit(X, y / 100)
        before = snapshot(model)
        with pytest.raises(ValueError, match=message):
            model.fit(X, target)
        assert all(snapshot(model)[name] is before[name] for name in before)

    def test_of_validation_rows_are_checked_too(self):
        with pytest.raises(ValueError, match="y_val must have 1 target columns"):
            make().fit(X, y, X_val=X, y_val=Y)
        with pytest.raises(ValueError, match="y_val must be non-negative numbers"):
            make(loss="poisson").fit(X, y, X_val=X, y_val=-y)

    def test_too_large_for_float32_are_an_error_that_says_so(self):
        model = make(normalize_y=False, dtype="float32", batch_size=20)
        with pytest.raises(ValueError, match="too large to compute with in float32"):
            model.fit(X, y * 1e40)

    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_too_large_for_squares_are_an_error_without_warnings(self, early_stopping):
        model = make(normalize_y=False, early_stopping=early_stopping)
        with pytest.raises(ValueError, match=r"the loss .* is no longer finite"):
            model.fit(X, y * 1e300)


class TestQuantiles:
    """Several quantiles at once."""

    def test_they_never_cross(self):
        levels = np.linspace(0.05, 0.95, 19)
        model = make(loss="quantile", quantile=levels)
        f = model.fit(X, y).predict(3 * X)
        assert (np.diff(f, axis=1) >= 0).all()
        crossed = model.fitted_.logits(3 * X)
        assert (np.diff(crossed, axis=1) < 0).any()  # the network's own quantiles cross
        raw = crossed * model.y_scale_ + model.y_mean_
        sorted_loss, loss = (
            sum(
                mean_pinball_loss(y, column, alpha=q)
                for column, q in zip(g.T, levels, strict=True)
            )
            for g in (f, raw)
        )
        assert sorted_loss <= loss

    def test_the_score_is_d2(self):
        levels = [0.1, 0.5, 0.9]
        model = make(loss="quantile", quantile=levels).fit(X, Y)
        f = model.predict(X)
        expected = [
            d2_pinball_score(Y[:, t], f[:, t, i], alpha=q, sample_weight=WEIGHTS)
            for t in range(3)
            for i, q in enumerate(levels)
        ]
        assert model.score(X, Y, WEIGHTS) == pytest.approx(np.mean(expected))

    def test_early_stopping_watches_the_loss(self):
        model = make(**KINDS["quantiles"], early_stopping=True).fit(X, y)
        assert model.validation_scores_ == [-v for v in model.validation_loss_curve_]

    def test_the_part_of_the_rows_below_is_the_level(self):
        n = 4000
        x = RNG.uniform(-1, 1, (n, 1))
        target = 10 * (x[:, 0] ** 2 + (0.3 + 0.2 * x[:, 0]) * RNG.standard_normal(n))
        levels = [0.05, 0.25, 0.75, 0.95]
        model = make(
            loss="quantile",
            quantile=levels,
            hidden_layer_sizes=(20,),
            learning_rate="one_cycle",
            learning_rate_init=0.02,
            max_iter=30,
        ).fit(x[::2], target[::2])
        below = (target[1::2, np.newaxis] <= model.predict(x[1::2])).mean(axis=0)
        # The binomial standard error for 2000 rows is 0.01, and the fit adds as much.
        np.testing.assert_allclose(below, levels, atol=0.04)


class TestStandardDeviations:
    """`loss="gaussian"` predicts a mean and a standard deviation."""

    def test_they_are_recovered_where_they_depend_on_x(self):
        n = 8000
        rng = np.random.default_rng(0)
        x = rng.uniform(-1, 1, (n, 1))
        mean, std = 100 + 30 * np.sin(3 * x[:, 0]), 5 * np.exp(x[:, 0])
        model = make(
            loss="gaussian", hidden_layer_sizes=(10,), solver="lbfgs", max_iter=300
        ).fit(x, mean + std * rng.standard_normal(n))
        f, s = model.predict(x, return_std=True)
        # A standard deviation estimated from m rows has a relative error of 1/√(2m),
        # and a mean one of 1/√m of it. With about ten degrees of freedom, each is the
        # estimate of n / 10 rows: 2.5 % and 3.5 %, and the fit adds as much.
        assert np.sqrt(np.mean((s / std - 1) ** 2)) < 0.05
        assert np.sqrt(np.mean(((f - mean) / std) ** 2)) < 0.07

    @pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weights"])
    @pytest.mark.parametrize("target", [y, Y], ids=["one", "several"])
    @pytest.mark.parametrize("normalize_y", [True, False])
    def test_without_features_they_are_those_of_y(self, normalize_y, target, weights):
        target = target if normalize_y else target / target.std(axis=0)
        model = make(
            loss="gaussian",
            hidden_layer_sizes=(),
            solver="lbfgs",
            max_iter=1000,
            tol=1e-9,
            normalize_y=normalize_y,
        ).fit(np.zeros_like(X), target, weights)
        f, s = model.predict(np.zeros((2, X.shape[1])), return_std=True)
        mean = np.average(target, axis=0, weights=weights)
        variance = np.average((target - mean) ** 2, axis=0, weights=weights)
        assert f.shape == s.shape == (2, *target.shape[1:])
        # L-BFGS ends with a gradient of 1e-9.
        np.testing.assert_allclose(f, [mean] * 2, rtol=1e-6)
        np.testing.assert_allclose(s, np.sqrt([variance] * 2), rtol=1e-6)

    @pytest.mark.parametrize("dtype", ["f4", "f8"])
    @pytest.mark.parametrize("unit", [1e-200, 1e-30, 1e6, 1e200])
    def test_they_have_the_unit_of_y(self, unit, dtype):
        inputs = X.astype(dtype)
        std = make(loss="gaussian").fit(inputs, y).predict(inputs, return_std=True)[1]
        other = make(loss="gaussian").fit(inputs, unit * y)
        other = other.predict(inputs, return_std=True)[1]
        np.testing.assert_allclose(other / unit, std, rtol=1e-5)

    @pytest.mark.parametrize("kind", ["squared_error", "quantiles", "poisson"])
    def test_other_losses_do_not_predict_them(self, kind):
        model = make(**KINDS[kind]).fit(X, y)
        name = type(model.fitted_.targets.loss).__name__
        with pytest.raises(ValueError, match=f"standard deviation, got {name}"):
            model.predict(X, return_std=True)

    @pytest.mark.parametrize("target", [y, Y], ids=["one", "several"])
    def test_the_mean_is_the_prediction_and_r2_its_score(self, target):
        model = make(loss="gaussian").fit(X, target, WEIGHTS)
        f, std = model.predict(X, return_std=True)
        assert f.shape == std.shape == target.shape
        np.testing.assert_array_equal(f, model.predict(X))
        expected = r2_score(target, f, sample_weight=WEIGHTS)
        assert model.score(X, target, WEIGHTS) == pytest.approx(expected)

    def test_early_stopping_watches_the_loss_unless_told_otherwise(self):
        model = make(loss="gaussian", early_stopping=True).fit(X, y)
        assert model.validation_scores_ == [-v for v in model.validation_loss_curve_]
        own = {"X_val": X[100:], "y_val": Y[100:]}
        model = make(loss="gaussian", scoring="r2", dtype="float64", max_iter=1)
        model.fit(X[:100], Y[:100], **own)
        expected = r2_score(Y[100:], model.predict(X[100:]))
        assert model.validation_scores_ == [pytest.approx(expected)]

    def test_files_pickles_pipelines_and_sparse_rows_have_them(self, tmp_path):
        zeros = X * (np.abs(X) > 0.5)
        model = make(loss="gaussian").fit(zeros, y)
        expected = model.predict(zeros, return_std=True)
        skffnn.save(model, tmp_path / "f")
        for other in (skffnn.load(tmp_path / "f"), pickle.loads(pickle.dumps(model))):
            np.testing.assert_array_equal(other.predict(zeros, True), expected)
        sparse_rows = sparse.csr_array(zeros)
        f = model.predict(sparse_rows, return_std=True)
        np.testing.assert_allclose(f, expected, rtol=10 * SINGLE)
        pipeline = make_pipeline(StandardScaler(), make(loss="gaussian")).fit(X, y)
        scaled = pipeline[0].transform(X)
        np.testing.assert_array_equal(
            pipeline.predict(X, return_std=True), pipeline[1].predict(scaled, True)
        )

    def test_they_do_not_jump_in_a_stream(self):
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(2000, 3))
        targets = inputs[:, 0] + rng.normal(size=2000)
        model = FFNNRegressor("gaussian", random_state=0)
        for i in range(0, 2000, 20):
            model.partial_fit(inputs[i : i + 20], targets[i : i + 20])
        scale, before = model.y_scale_, model.predict(inputs, return_std=True)
        model.set_params(learning_rate_init=1e-300)
        model.partial_fit(inputs, targets + 30)
        assert model.y_scale_ > 3 * scale
        after = model.predict(inputs, return_std=True)
        np.testing.assert_allclose(after, before, atol=1e-3)

    @pytest.mark.parametrize("target", [y, Y], ids=["one", "several"])
    def test_an_average_predicts_the_mean_of_the_means(self, target):
        model = AveragedRegressor(make(loss="gaussian"), n_networks=3, random_state=0)
        each = [m.predict(X) for m in model.fit(X, target).estimators_]
        np.testing.assert_allclose(model.predict(X), np.mean(each, axis=0), rtol=1e-5)

    def test_rows_fitted_exactly_have_the_smallest(self):
        model = make(loss="gaussian", solver="lbfgs", max_iter=2000)
        model.fit(X, np.full(len(X), 7.0))
        f, std = model.predict(X, return_std=True)
        np.testing.assert_allclose(f, 7, atol=1e-2)
        assert (std >= 7e-4 * (1 - 1e-6)).all()
        assert std.max() < 7e-3


class TestValidation:
    """R², or any other score, on held-out rows."""

    @pytest.mark.parametrize("target", [y, Y], ids=["one", "several"])
    @pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weights"])
    @pytest.mark.parametrize("loss", ["squared_error", "poisson", "absolute_error"])
    def test_the_score_is_r2(self, loss, weights, target):
        target, w = abs(target) / 100, weights
        own = {"X_val": X[100:], "y_val": target[100:]}
        if w is not None:
            own["sample_weight_val"] = w = weights[100:]
        model = make(loss=loss, dtype="float64", max_iter=1)
        model.fit(X[:100], target[:100], **own)
        expected = r2_score(target[100:], model.predict(X[100:]), sample_weight=w)
        assert model.validation_scores_ == [pytest.approx(expected)]

    def test_any_scorer_sees_the_unit_of_y(self):
        name = "neg_mean_absolute_error"
        model = make(early_stopping=True, scoring=name, dtype="float64").fit(X, y)
        assert min(model.validation_scores_) < -10
        same = make(dtype="float64", scoring=name).fit(X, y, X_val=X, y_val=y)
        assert same.best_validation_score_ == pytest.approx(
            -abs(y - same.predict(X)).mean()
        )

    @each_kind
    @each_solver
    def test_early_stopping_keeps_the_best(self, solver, kind):
        model = make(solver=solver, early_stopping=True, max_iter=20, **KINDS[kind])
        model.fit(X, y / 100)
        assert model.best_validation_score_ == max(model.validation_scores_)


class TestInvariance:
    """Repeated rows, row order, containers and dtypes."""

    @each_kind
    @each_solver
    def test_a_weight_counts_rows(self, solver, kind):
        params = {"solver": solver, "dtype": "float64"} | KINDS[kind]
        n, target = COUNTS, Y / [100, 20000, 1]
        weighted = make(batch_size=len(n), **params).fit(X, target, n)
        repeated = make(batch_size=n.sum(), **params).fit(
            X.repeat(n, axis=0), target.repeat(n, axis=0)
        )
        rtol = 1e-6 if solver == "lbfgs" else 1e-8  # kinks, or steps with rounded means
        assert_close(weighted, repeated, rtol=rtol)

    def test_a_weight_counts_rows_that_are_split(self):
        params = {"early_stopping": True, "solver": "lbfgs"}
        weighted = make(**params).fit(X, y, COUNTS)
        rows = X.repeat(COUNTS, axis=0), y.repeat(COUNTS), np.ones(COUNTS.sum())
        rows[2][0] += 1e-12  # weights, so that the split depends on the content
        assert_close(weighted, make(**params).fit(*rows), rtol=1e-6)

    @each_kind
    def test_a_weight_of_0_is_no_row(self, kind):
        w = np.where(RNG.random(len(y)) < 0.3, 0, WEIGHTS)
        some = w > 0
        one = make(**KINDS[kind]).fit(X, y / 100, w)
        other = make(**KINDS[kind]).fit(X[some], y[some] / 100, w[some])
        assert_identical(one, other)

    def test_the_scale_of_the_weights_does_not_matter(self):
        one = make(dtype="float64").fit(X, y, WEIGHTS)
        assert_close(one, make(dtype="float64").fit(X, y, 1024 * WEIGHTS))

    @each_kind
    @pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix])
    def test_sparse_rows_are_dense_rows(self, kind, container):
        zeros = X * (np.abs(X) > 0.5)
        params = KINDS[kind] | {"dtype": "float64"}
        params["normalize_y"] = False  # sparse rows are scaled without centring
        dense = make(**params).fit(zeros, y / 100)
        thin = make(**params).fit(container(zeros), y / 100)
        assert_close(dense, thin)
        np.testing.assert_allclose(
            dense.predict(zeros), thin.predict(container(zeros)), rtol=REORDERED
        )

    @each_kind
    def test_float32_stays_float32(self, kind):
        model = make(**KINDS[kind]).fit(X.astype("f"), y / 100)
        assert model.coefs_[0].dtype == model.predict(X.astype("f")).dtype == "f4"
        exact = make(**KINDS[kind], dtype="float64").fit(X, y / 100)
        np.testing.assert_allclose(model.predict(X), exact.predict(X), rtol=10 * SINGLE)

    def test_targets_of_their_own_kind_are_learned_together(self):
        model = make(hidden_layer_sizes=(), solver="lbfgs", alpha=0).fit(X, Y)
        for t, f in enumerate(model.predict(X).T):
            alone = make(hidden_layer_sizes=(), solver="lbfgs", alpha=0, max_iter=900)
            assert r2_score(Y[:, t], f) <= alone.fit(X, Y[:, t]).score(X, Y[:, t])


class TestGoingOn:
    """warm_start, partial_fit, files and checkpoints continue exactly."""

    @each_kind
    @pytest.mark.parametrize("solver", STEPPERS)
    def test_five_and_five_epochs_are_ten(self, solver, kind, tmp_path):
        params = KINDS[kind] | {"solver": solver, "dropout": 0.1, "batch_size": 40}
        ten = make(max_iter=10, **params).fit(X, y / 100)
        five = make(max_iter=5, warm_start=True, **params).fit(X, y / 100)
        skffnn.save(five, tmp_path / "f")
        for again in (skffnn.load(tmp_path / "f"), pickle.loads(pickle.dumps(five))):
            assert_same(again, five)
            assert_identical(again.fit(X, y / 100), ten)

    @each_kind
    def test_partial_fit_is_an_epoch_of_fit(self, kind):
        stream = make(**KINDS[kind], dtype="float64", batch_size=40)
        for _ in range(4):
            stream.partial_fit(X, y / 100)
        whole = make(max_iter=4, **KINDS[kind], dtype="float64", batch_size=40)
        assert_identical(stream, whole.fit(X, y / 100))

    def test_the_scaling_is_that_of_the_first_rows(self):
        stream = make().partial_fit(X[:50], y[:50])
        mean, scale = stream.y_mean_, stream.y_scale_
        stream.partial_fit(X[50:], 1.5 * y[50:])
        assert (stream.y_mean_, stream.y_scale_) == (mean, scale)
        assert mean == pytest.approx(y[:50].mean(), rel=1e-6)
        warm = make(warm_start=True).fit(X[:50], y[:50]).fit(X, y + 1000)
        assert warm.y_mean_ == mean

    def test_other_targets_are_refused(self):
        with pytest.raises(ValueError, match="as many target columns"):
            make(warm_start=True).fit(X, y).fit(X, Y)
        with pytest.raises(ValueError, match="y must have 1 target columns"):
            make().partial_fit(X, y).partial_fit(X, Y)
        model = make(warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match="trained on scaled targets"):
            model.set_params(loss="poisson").fit(X, y)

    @pytest.mark.parametrize("kind", ["squared_error", "quantiles", "poisson"])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_a_fit_that_failed_goes_on(
        self, kind, early_stopping, tmp_path, monkeypatch
    ):
        params = KINDS[kind] | {"early_stopping": early_stopping, "max_iter": 8}
        whole = make(**params).fit(X, y / 100)
        model = make(**params, checkpoint=tmp_path / "run")
        end, left = Training.end_epoch, iter(range(4))

        def end_epoch(self, *args, **kwargs):
            if next(left, None) is None:
                raise RuntimeError("power cut")
            return end(self, *args, **kwargs)

        monkeypatch.setattr(Training, "end_epoch", end_epoch)
        with pytest.raises(RuntimeError, match="power cut"):
            model.fit(X, y / 100)
        monkeypatch.setattr(Training, "end_epoch", end)
        assert_identical(model.fit(X, y / 100), whole)

    @pytest.mark.parametrize("schedule", SCHEDULES)
    def test_every_schedule_trains_it(self, schedule):
        settings = {"learning_rate_init": 0.01, "power_t": 0.1, "max_iter": 60}
        model = make(learning_rate=schedule, **settings)
        assert model.fit(X, y).score(X, y) > 0.4


class TestFiles:
    """Files and checkpoints."""

    @each_kind
    @pytest.mark.parametrize("target", [y / 100, abs(Y) / 100 + 1], ids=["1", "3"])
    def test_a_pipeline_comes_back(self, kind, target, tmp_path):
        model = make_pipeline(StandardScaler(), make(**KINDS[kind])).fit(X, target)
        skffnn.save(model, tmp_path / "f")
        again = skffnn.load(tmp_path / "f")
        np.testing.assert_array_equal(again.predict(X), model.predict(X))

    def test_a_loss_of_ones_own_cannot_be_saved(self, tmp_path):
        class Mine(RegressionLoss):
            def loss_and_error(self, a, y):
                a -= y
                return a[..., :1] ** 2 / 2

        model = make(loss=Mine()).fit(X, y)
        assert_identical(model, make().fit(X, y))
        with pytest.raises(TypeError, match=r"^loss cannot be saved"):
            skffnn.save(model, tmp_path / "f")

    def test_a_subclass_has_no_checkpoints(self, tmp_path):
        class Mine(FFNNRegressor):
            """A subclass."""

        with pytest.raises(TypeError, match="got the subclass Mine"):
            Mine(checkpoint=tmp_path / "run").fit(X, y)


class TestParameters:
    """Parameters that only the regressor has."""

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"loss": "squared"}, "Did you mean 'squared_error'"),
            ({"loss": "cross_entropy"}, "loss must be one of 'squared_error'"),
            ({"loss": object()}, "inherits from skffnn.RegressionLoss"),
            ({"loss": Quantile}, "loss must be"),
            ({"normalize_y": 1}, "normalize_y must be True or False"),
            ({"loss": "quantile", "quantile": 90}, "quantile must be"),
            ({"loss": "quantile", "quantile": [0.9, 0.1]}, "in ascending order"),
        ],
        ids=range(7),
    )
    def test_are_refused_with_what_is_allowed(self, params, message):
        with pytest.raises(InvalidParameterError, match=message):
            make(**params).fit(X, y)

    def test_a_name_and_its_object_are_the_same(self):
        for name, params in [("huber", {}), ("quantile", {"quantile": [0.2, 0.7]})]:
            loss = REGRESSION_LOSSES[name](**params)
            assert_identical(
                make(loss=loss).fit(X, y), make(loss=name, **params).fit(X, y)
            )


@pytest.mark.parametrize("target", [y, Y], ids=["one", "several"])
@pytest.mark.parametrize(
    "kind", ["squared_error", "quantiles", "gaussian", "early stopping"]
)
def test_a_search_in_stacks_is_that_of_scikit_learn(kind, target):
    params = {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 20}
    params = KINDS.get(kind, params) | {"dtype": "float64", "batch_size": 25}
    grid = {"alpha": [1e-4, 1e-1], "learning_rate_init": [0.01, 0.1]}
    theirs = GridSearchCV(make(**params), grid, cv=3).fit(X, target)
    with parallel_config("skffnn"):
        ours = GridSearchCV(make(**params), grid, cv=3).fit(X, target)
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"],
        theirs.cv_results_["mean_test_score"],
        rtol=1e-7,
    )
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_allclose(
        parameters(ours.best_estimator_), parameters(theirs.best_estimator_), rtol=1e-7
    )


@pytest.mark.parametrize("kind", ["squared_error", "quantiles", "gaussian", "poisson"])
def test_displays_draw_it(kind):
    pytest.importorskip("matplotlib")
    import matplotlib.pyplot as plt

    model = make(**KINDS[kind], early_stopping=True).fit(X, y / 100)
    curves = LossCurveDisplay.from_estimator(model)
    labels = [ax.get_ylabel() for ax in curves.axes_]
    several = {
        "quantiles": ["y, 0.1", "y, 0.5", "y, 0.9"],
        "gaussian": ["y, mean", "y, ln std"],
    }
    assert any(("loss" if kind in several else "R²") in label for label in labels)
    network = NetworkDisplay.from_estimator(model)
    assert network.output_names == several.get(kind, ["y"])
    shown = WeightsDisplay.from_estimator(model, X, y / 100, kind="histograms")
    assert shown.figure_ is not None
    plt.close("all")


def test_the_state_of_the_network_is_not_that_of_the_user():
    target = y.copy()
    model = make().fit(X, target)
    mean = model.y_mean_.copy()
    target += 1000
    np.testing.assert_array_equal(model.y_mean_, mean)
