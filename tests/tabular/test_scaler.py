"""RobustSmoothScaler: values computed by hand, the inverse, and edge cases."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator

from skffnn import InvalidParameterError, RobustSmoothScaler

# Two forms of the same formula differ by a few rounding errors.
RTOL = 1e-12


@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings on purpose
def test_all_scikit_learn_checks_pass():
    check_estimator(RobustSmoothScaler(), on_skip=None)


def test_the_formula_by_hand():
    # Median 3, quartiles 2 and 5: z = (x - 3) / 3.
    x = np.array([1.0, 2.0, 3.0, 5.0, 12.0])
    z = np.array([-2 / 3, -1 / 3, 0, 2 / 3, 3])
    scaler = RobustSmoothScaler().fit(x[:, np.newaxis])
    assert scaler.center_ == [3]
    assert scaler.scale_ == [3]
    scaled = scaler.transform(x[:, np.newaxis]).ravel()
    np.testing.assert_allclose(scaled, z / np.sqrt(1 + z**2 / 9), rtol=RTOL)
    assert scaled[-1] == pytest.approx(3 / np.sqrt(2), rel=RTOL)  # z is the limit


@pytest.mark.parametrize("limit", [0.5, 3, 10.0])
def test_values_stay_within_the_limit_and_in_order(limit):
    x = np.sort(np.random.default_rng(0).standard_cauchy(1000))
    scaled = RobustSmoothScaler(limit).fit_transform(x[:, np.newaxis]).ravel()
    assert np.abs(scaled).max() <= limit
    assert (np.diff(scaled) >= 0).all()


def test_units_and_origin_make_no_difference():
    X = np.random.default_rng(0).standard_t(2, size=(50, 3))
    scaled = RobustSmoothScaler().fit_transform(X)
    moved = RobustSmoothScaler().fit_transform(X * [1e-6, 10, 1e6] + [1, 2, 3])
    # Adding 1 to 1e-6 x loses six of the sixteen digits.
    np.testing.assert_allclose(moved, scaled, atol=1e-6)


def test_where_most_values_are_equal_the_others_give_the_scale():
    # The others are 1, 2 and 10 away from the median, 0. The scale is half of 2.
    column = np.array([[0.0]] * 9 + [[1.0], [-2.0], [10.0], [np.nan]])
    scaler = RobustSmoothScaler().fit(column)
    assert scaler.center_ == [0]
    assert scaler.scale_ == [1]
    # The median of this column of 0 and 1 is 0, so z is 0 or 2.
    column = np.array([[0.0]] * 9 + [[1.0]])
    scaled = RobustSmoothScaler().fit_transform(column)
    np.testing.assert_allclose(
        np.unique(scaled), [0, 2 / np.sqrt(1 + 4 / 9)], rtol=RTOL
    )


def test_a_constant_feature_becomes_0_whatever_its_later_values():
    scaler = RobustSmoothScaler().fit([[7.0], [7.0]])
    np.testing.assert_array_equal(scaler.transform([[7.0], [8.0], [-1e300]]), 0)
    np.testing.assert_array_equal(scaler.inverse_transform([[0.0], [1.0]]), 7)


def test_missing_values_stay_missing_and_are_ignored_in_fit():
    X = np.random.default_rng(0).normal(size=(20, 2))
    holes = np.vstack([X, [[np.nan, np.nan]] * 5])
    scaler, whole = RobustSmoothScaler().fit(holes), RobustSmoothScaler().fit(X)
    np.testing.assert_array_equal(scaler.center_, whole.center_)
    np.testing.assert_array_equal(scaler.scale_, whole.scale_)
    np.testing.assert_array_equal(np.isnan(scaler.transform(holes)), np.isnan(holes))


def test_a_feature_without_any_values():
    scaler = RobustSmoothScaler().fit([[np.nan], [np.nan]])  # without a warning
    np.testing.assert_array_equal(scaler.transform([[np.nan], [3.0]]), [[0], [0]])
    assert np.isnan(scaler.inverse_transform([[0.0]]))


def test_the_largest_floats():
    largest = np.finfo(float).max
    scaler = RobustSmoothScaler().fit([[0.0], [1e-300], [2e-300], [3e-300]])
    scaled = scaler.transform([[-largest], [largest]])
    np.testing.assert_allclose(scaled, [[-3], [3]], rtol=RTOL)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inverse_transform_restores_the_data(dtype):
    X = np.random.default_rng(0).standard_t(3, size=(100, 4)).astype(dtype)
    scaler = RobustSmoothScaler().fit(X)
    scaled = scaler.transform(X)
    assert scaled.dtype == dtype
    back = scaler.inverse_transform(scaled)
    assert back.dtype == dtype
    # d z / d x = (1 + (z / 3)²)^1.5, about 50 for the most extreme of these values.
    np.testing.assert_allclose(back, X, rtol=1e3 * np.finfo(dtype).eps, atol=1e-5)


def test_values_beyond_the_limit_have_no_inverse():
    scaler = RobustSmoothScaler().fit([[0.0], [1.0], [2.0]])
    assert scaler.inverse_transform([[3.0]]) == np.inf
    with pytest.raises(ValueError, match=r"in \[-3.0, 3.0\], .* up to 3.1"):
        scaler.inverse_transform([[3.1]])


@pytest.mark.parametrize("limit", [0, -1, "3", None, np.nan])
def test_an_invalid_limit_is_refused(limit):
    with pytest.raises(InvalidParameterError, match="limit"):
        RobustSmoothScaler(limit).fit([[0.0], [1.0]])


def test_infinity_is_rejected():
    with pytest.raises(ValueError, match="infinity"):
        RobustSmoothScaler().fit([[0.0], [np.inf]])


def test_the_largest_number_is_clipped_to_a_small_limit():
    scaler = RobustSmoothScaler(limit=0.5).fit([[0.0], [1.0], [2.0], [3.0]])
    x = np.finfo(np.float64).max
    np.testing.assert_array_equal(scaler.transform([[x], [-x]]), [[0.5], [-0.5]])
