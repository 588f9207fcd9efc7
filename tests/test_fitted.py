"""A fitted network is one value: all fitted attributes are read from it."""

import copy
import pickle

import numpy as np
import pytest
from helpers import X, Y, parameters, y
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.neural_network import MLPClassifier
from sklearn.utils.validation import check_is_fitted

from skffnn import FFNNClassifier, FFNNRegressor
from skffnn.data.rows import Rows

WAYS = [
    {},
    {"early_stopping": True},
    {"early_stopping": True, "tol": 1.0, "n_iter_no_change": 1},  # converges
    {"solver": "lbfgs"},
    {"solver": "sgd", "momentum": 0.0, "dtype": "float64"},
]


def make(**params):
    params = {"max_iter": 4, "random_state": 0, "learning_rate_init": 0.01} | params
    return FFNNClassifier((5,), **params)


def by_hand(model, X):
    """Return the probabilities of a network with one hidden layer of rectifiers."""
    (W1, W2), (b1, b2) = model.coefs_, model.intercepts_
    a = np.maximum(X @ W1 + b1, 0) @ W2 + b2
    f = np.exp(a - a.max(axis=1, keepdims=True))
    return f / f.sum(axis=1, keepdims=True)


class TestParameters:
    """`coefs_` and `intercepts_` are views of θ."""

    def test_changing_an_entry_changes_predictions(self):
        model = make().fit(X, y)
        model.coefs_[0][:, 2] = 0
        model.intercepts_[1][0] += 10
        np.testing.assert_allclose(
            model.predict_proba(X), by_hand(model, X), rtol=1e-5, atol=1e-7
        )
        assert (model.predict_proba(X)[:, 0] > 0.5).all()

    def test_an_array_can_be_assigned(self):
        model = make().fit(X, y)
        model.coefs_[0] = np.zeros((4, 5))
        assert not parameters(model)[:20].any()
        assert np.ptp(model.predict_proba(X), axis=0) == pytest.approx(0)

    def test_a_list_can_be_assigned(self):
        one, other = make().fit(X, y), make(random_state=1).fit(X, y)
        mean = [(v + w) / 2 for v, w in zip(one.coefs_, other.coefs_, strict=True)]
        one.coefs_ = mean
        np.testing.assert_allclose(one.coefs_[1], mean[1])
        np.testing.assert_allclose(
            one.predict_proba(X), by_hand(one, X), rtol=1e-5, atol=1e-7
        )

    def test_a_list_of_other_shapes_is_refused(self):
        model = make().fit(X, y)
        before = parameters(model).copy()
        with pytest.raises(ValueError, match=r"shapes \[\(4, 5\), \(5, 3\)\], got"):
            model.coefs_ = [np.zeros((4, 6)), np.zeros((6, 3))]
        with pytest.raises(ValueError, match="got shapes"):
            model.intercepts_ = [np.zeros(5)]
        np.testing.assert_array_equal(parameters(model), before)

    def test_a_copy_keeps_its_own_after_an_assignment(self):
        model = make().fit(X, y)
        other = copy.copy(model)
        other.coefs_ = [np.zeros_like(W) for W in other.coefs_]
        assert model.coefs_[0].any()

    @pytest.mark.parametrize("way", WAYS, ids=str)
    @pytest.mark.parametrize("how", ["entry", "array", "list"])
    def test_training_continues_from_them(self, way, how):
        model = make(**way, warm_start=True).fit(X, y)
        if how == "entry":
            for array in (*model.coefs_, *model.intercepts_):
                array[...] = 0
        elif how == "array":
            for k in range(2):
                model.coefs_[k] = 0 * model.coefs_[k]
                model.intercepts_[k] = 0 * model.intercepts_[k]
        else:
            model.coefs_ = [0 * W for W in model.coefs_]
            model.intercepts_ = [0 * b for b in model.intercepts_]
        # From θ = 0, rectifiers have no gradient: L-BFGS changes the last biases only.
        # The moments of an optimiser go on, but not at a learning rate of almost 0.
        model.set_params(max_iter=3, learning_rate_init=1e-30).fit(X, y)
        assert np.abs(parameters(model)[:-3]).max() < 1e-20

    def test_earlier_arrays_stay_as_they_were(self):
        model = make(warm_start=True).fit(X, y)
        before = model.coefs_[0]
        kept = before.copy()
        model.fit(X, y)
        np.testing.assert_array_equal(before, kept)


class TestProgress:
    """Curves and counts exist once."""

    def test_what_is_assigned_is_what_continues(self):
        model = make(warm_start=True, max_iter=2).fit(X, y)
        model.loss_curve_[0] = 123.0
        model.t_ = 0
        model.set_params(max_iter=1).fit(X, y)
        assert model.loss_curve_[0] == 123.0
        assert len(model.loss_curve_) == 3
        assert model.t_ == len(y)

    def test_a_later_fit_leaves_earlier_curves_alone(self):
        model = make(warm_start=True, max_iter=2).fit(X, y)
        curve = model.loss_curve_
        model.fit(X, y)
        assert len(curve) == 2
        assert len(model.loss_curve_) == 4

    def test_what_follows_from_others_cannot_be_assigned(self):
        model = make().fit(X, y)
        for name in ("loss_", "n_layers_", "best_loss_", "n_outputs_", "classes_"):
            with pytest.raises(AttributeError, match=rf"{name} cannot be assigned"):
                setattr(model, name, 1)

    def test_scores_do_not_depend_on_the_number_of_epochs(self):
        # The scorer gets the rows as they were given, not as training converts them.
        rows = X * 1.1
        params = {"early_stopping": True, "scoring": "neg_log_loss", "tol": 0.0}
        once = make(max_iter=20, **params).fit(rows, y)
        twice = make(max_iter=7, warm_start=True, **params).fit(rows, y)
        twice.set_params(max_iter=13).fit(rows, y)
        assert twice.validation_scores_ == once.validation_scores_
        np.testing.assert_array_equal(parameters(twice), parameters(once))


class TestPredictionsAreThoseOfTheFit:
    """Parameters that are set later do not change them."""

    @pytest.mark.parametrize(
        "later",
        [
            {"loss": "poisson"},
            {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]},
            {"activation": "tanh"},
            {"hidden_layer_sizes": (7, 7)},
            {"normalize_y": False},
            {"dtype": "float64"},
        ],
        ids=str,
    )
    def test_regressor(self, later):
        target = 1 + np.abs(X[:, 0])
        model = FFNNRegressor(hidden_layer_sizes=(5,), max_iter=4, random_state=0)
        before = model.fit(X, target).predict(X)
        hidden = model.hidden_features(X)
        model.set_params(**later)
        np.testing.assert_array_equal(model.predict(X), before)
        np.testing.assert_array_equal(model.hidden_features(X), hidden)
        assert model.score(X, target) <= 1

    def test_quantiles(self):
        model = FFNNRegressor("quantile", quantile=[0.1, 0.9], max_iter=4)
        before = model.fit(X, X[:, 0]).predict(X)
        model.set_params(quantile=[0.1, 0.5, 0.9], loss="squared_error")
        np.testing.assert_array_equal(model.predict(X), before)

    def test_even_if_the_next_fit_fails(self):
        model = FFNNRegressor(max_iter=4, random_state=0).fit(X, X[:, 0])
        before = model.predict(X)
        with pytest.raises(ValueError, match="non-negative"):
            model.set_params(loss="poisson").fit(X, X[:, 0])
        np.testing.assert_array_equal(model.predict(X), before)

    def test_classifier(self):
        model = make().fit(X, y)
        before = model.predict_proba(X)
        model.set_params(activation=["gelu", "relu"], hidden_layer_sizes=(3, 3))
        np.testing.assert_array_equal(model.predict_proba(X), before)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_loss_that_cannot_continue_on_scaled_targets(method):
    target = 1 + np.abs(X[:, 0])
    model = FFNNRegressor(max_iter=2, warm_start=True).fit(X, target)
    before = model.predict(X)
    model.set_params(loss="poisson")
    with pytest.raises(ValueError, match="trained on scaled targets cannot continue"):
        getattr(model, method)(X, target)
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize(("first", "second"), [(y > 0, Y), (Y, y > 0)])
def test_a_warm_start_says_what_y_was_and_is(first, second):
    model = make(warm_start=True).fit(X, first)
    with pytest.raises(ValueError, match=r"Previously, `y` was .*; now it is .*"):
        model.fit(X, second)


class TestAsAnyEstimator:
    """What scikit-learn and Python do with estimators."""

    def test_an_estimator_that_is_not_fitted_has_no_fitted_attributes(self):
        model = FFNNClassifier()
        with pytest.raises(NotFittedError):
            check_is_fitted(model)
        for name in ("coefs_", "loss_curve_", "classes_", "fitted_", "t_"):
            assert not hasattr(model, name)
            assert name not in dir(model)
        check_is_fitted(model.fit(X, y))
        for name in ("coefs_", "loss_curve_", "classes_", "fitted_", "t_"):
            assert name in dir(model)

    def test_a_clone_is_not_fitted(self):
        assert not hasattr(clone(make().fit(X, y)), "coefs_")

    @pytest.mark.parametrize(
        "again", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
    )
    def test_copies_predict_and_continue_alike(self, again):
        model = make(warm_start=True, early_stopping=True).fit(X, y)
        other = again(model)
        np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
        np.testing.assert_array_equal(
            parameters(other.fit(X, y)), parameters(model.fit(X, y))
        )
        assert other.loss_curve_ == model.loss_curve_

    def test_its_representation_in_a_notebook(self):
        assert "fitted" in make().fit(X, y)._repr_html_()

    def test_a_network_put_together_by_hand_is_told_what_to_do(self):
        other = MLPClassifier((5,), max_iter=2, random_state=0)
        with pytest.warns(Warning, match="converge"):
            other.fit(X, y)
        model = FFNNClassifier((5,))
        with pytest.raises(AttributeError, match=r"pass coef_init and intercept_init"):
            model.coefs_ = other.coefs_
        # What the error says works: no step is taken at a learning rate of almost 0.
        model.set_params(max_iter=1, learning_rate_init=1e-30, dtype="float64")
        model.fit(X, y, coef_init=other.coefs_, intercept_init=other.intercepts_)
        np.testing.assert_allclose(model.predict_proba(X), other.predict_proba(X))


class TestSelections:
    """Rows are selected as NumPy selects them."""

    ROWS = Rows(np.arange(12.0).reshape(6, 2), np.arange(6))

    @pytest.mark.parametrize(
        "index",
        [
            [5, 4, 3, 2, 1, 0],
            [0, 0, 1, 1, 2, 2],
            [-1, -2],
            [True, False, True, False, False, False],
            slice(1, 4),
            [0, 1, 2, 3, 4, 5],
            [],
        ],
        ids=str,
    )
    def test_any_index(self, index):
        index = index if isinstance(index, slice) else np.array(index, dtype=None)
        if not isinstance(index, slice) and not len(index):
            index = index.astype(int)
        rows = self.ROWS.take(index)
        np.testing.assert_array_equal(rows.used(rows.X), self.ROWS.X[index])
        np.testing.assert_array_equal(rows.used(rows.y), self.ROWS.y[index])

    def test_rows_that_do_not_exist(self):
        with pytest.raises(IndexError):
            self.ROWS.take([6])


def test_training_that_diverges_says_what_would_help():
    with pytest.raises(ValueError, match=r"in epoch .* lower learning_rate_init"):
        make(solver="sgd", learning_rate_init=1e300).fit(X, y)

    # The loss of this user's solver is not finite at its second iteration.
    class Leaps:
        def minimise(self, J, theta, criteria, end_iteration):
            for step in (1.0, 1e200, 1e300):
                end_iteration(theta * step, J(theta * step)[0])

    with pytest.raises(ValueError, match=r"in iteration 2: .* increase alpha"):
        make(solver=Leaps(), activation="identity").fit(X, y)


def test_accuracy_is_that_of_scikit_learn():
    model = make(max_iter=20).fit(X, y)
    assert model.score(X, y) == accuracy_score(y, model.predict(X))
