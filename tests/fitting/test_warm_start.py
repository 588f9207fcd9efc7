"""Warm starts: five epochs and five more equal ten, bit for bit."""

import pickle
from itertools import permutations

import numpy as np
import pytest
from helpers import (
    ROUNDING,
    STEPPERS,
    X,
    Y,
    assert_same_training,
    curves,
    maker,
    objective,
    parameters,
    y,
)
from scipy import sparse
from sklearn.datasets import make_classification

from skffnn import SCHEDULES, SOLVERS, Cosine, OneCycle

make = maker(max_iter=5)

X2, y2 = make_classification(120, 6, flip_y=0.2, random_state=0)

STREAMS = {
    "plain": {},
    "dropout": {"dropout": 0.4},
    "early stopping": {"early_stopping": True},
    "early stopping by loss": {"early_stopping": True, "scoring": "loss"},
    "no shuffle": {"shuffle": False},
    "full batch": {"batch_size": 150},
    "full batch, dropout": {"batch_size": 150, "dropout": 0.4},
    "float64": {"dtype": "float64"},
    "float32": {"dtype": "float32"},
    "float32, full batch": {"dtype": "float32", "batch_size": 150},
    "class weights": {"class_weight": "balanced", "early_stopping": True},
}


class TestWarmStart:
    """A second `fit` continues the first."""

    @pytest.mark.parametrize("stream", STREAMS)
    @pytest.mark.parametrize("solver", STEPPERS)
    def test_five_and_five_epochs_are_ten(self, solver, stream):
        params = {"batch_size": 30, "solver": solver} | STREAMS[stream]
        params["batch_size"] -= 15 * params.get("early_stopping", False)
        whole = make(max_iter=10, **params).fit(X, y)
        parts = make(max_iter=5, warm_start=True, **params).fit(X, y).fit(X, y)
        assert_same_training(whole, parts)
        assert (whole.n_iter_, parts.n_iter_) == (10, 5)

    @pytest.mark.parametrize("batch_size", [30, 150])
    @pytest.mark.parametrize("solver", STEPPERS)
    def test_five_and_five_epochs_are_ten_for_float32_input(self, solver, batch_size):
        X_ = X.astype(np.float32)
        params = {"solver": solver, "batch_size": batch_size}
        whole = make(max_iter=10, **params).fit(X_, y)
        parts = make(max_iter=5, warm_start=True, **params).fit(X_, y).fit(X_, y)
        assert_same_training(whole, parts)

    @pytest.mark.parametrize("name", SCHEDULES)
    @pytest.mark.parametrize("batch_size", [30, 150])
    def test_the_schedule_carries_on(self, name, batch_size):
        schedule = {"cosine": Cosine(max_iter=10), "one_cycle": OneCycle(max_iter=10)}
        params = {
            "learning_rate": schedule.get(name, name),
            "batch_size": batch_size,
            "solver": "sgd",
            "learning_rate_init": 0.1,
            "n_iter_no_change": 1 if name == "adaptive" else 10,
            "tol": 0.02 if name == "adaptive" else 0.0,
        }
        whole = make(max_iter=10, **params).fit(X, y)
        parts = make(max_iter=5, warm_start=True, **params).fit(X, y).fit(X, y)
        assert_same_training(whole, parts)

    @pytest.mark.parametrize("target", ["binary", "multi-label", "sparse"])
    def test_five_and_five_epochs_are_ten_for_every_target(self, target):
        X_, y_ = {
            "binary": (X2, y2),
            "multi-label": (X, Y),
            "sparse": (sparse.csr_array(X), sparse.csr_array(Y)),
        }[target]
        params = {"early_stopping": True, "batch_size": 20}
        whole = make(max_iter=10, **params).fit(X_, y_)
        parts = make(max_iter=5, warm_start=True, **params).fit(X_, y_).fit(X_, y_)
        assert_same_training(whole, parts)

    def test_five_and_five_epochs_are_ten_on_a_validation_set(self):
        kwargs = {"X_val": X[:50], "y_val": y[:50]}
        whole = make(max_iter=10).fit(X[50:], y[50:], **kwargs)
        parts = make(max_iter=5, warm_start=True)
        parts.fit(X[50:], y[50:], **kwargs).fit(X[50:], y[50:], **kwargs)
        assert_same_training(whole, parts)

    def test_five_and_five_epochs_are_ten_after_pickling(self):
        whole = make(max_iter=10, batch_size=30, dropout=0.2).fit(X, y)
        parts = make(max_iter=5, batch_size=30, dropout=0.2, warm_start=True).fit(X, y)
        assert_same_training(whole, pickle.loads(pickle.dumps(parts)).fit(X, y))

    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_patience_carries_on(self, early_stopping):
        params = {
            "n_iter_no_change": 4,
            "tol": 0.01,
            "learning_rate_init": 0.01,
            "early_stopping": early_stopping,
            "batch_size": 30,
        }
        whole = make(max_iter=500, **params).fit(X, y)
        n = whole.n_iter_
        assert 6 < n < 500
        parts = make(max_iter=4, warm_start=True, **params)
        for _ in range(-(-n // 4)):
            parts.fit(X, y)
        assert_same_training(whole, parts)

    @pytest.mark.parametrize("solver", STEPPERS)
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_after_convergence_patience_is_reset(self, solver, early_stopping):
        # Only the first epoch improves by this much.
        model = make(
            tol=1e3,
            n_iter_no_change=2,
            max_iter=50,
            warm_start=True,
            solver=solver,
            early_stopping=early_stopping,
        )
        for n_fits in (1, 2, 3):
            model.fit(X, y)
            assert model.n_iter_ == 4
            assert len(model.loss_curve_) == 4 * n_fits

    def test_the_best_score_is_that_on_the_present_validation_set(self):
        model = make(warm_start=True, max_iter=20)
        model.fit(X, y, X_val=X, y_val=y)
        hard = {"X_val": X[::-1], "y_val": y}
        model.fit(X, y, **hard)
        expected = model.score(hard["X_val"], hard["y_val"])
        assert model.best_validation_score_ == pytest.approx(expected, rel=ROUNDING)
        assert expected < 0.9

    @pytest.mark.parametrize("second", SOLVERS)
    @pytest.mark.parametrize("first", SOLVERS)
    def test_another_solver_continues_from_the_parameters(self, first, second):
        model = make(solver=first, warm_start=True, max_iter=20).fit(X, y)
        start, n_epochs = objective(model, X, y), len(model.loss_curve_)
        model.set_params(solver=second, alpha=0.0).fit(X, y)
        assert len(model.loss_curve_) == n_epochs + model.n_iter_
        # Steps of 0.001 from there do not increase the loss much.
        assert model.loss_ < max(start, 1e-3) * 1.1

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_early_stopping_may_be_switched_on_and_off(self, solver):
        model = make(solver=solver, warm_start=True).fit(X, y)
        assert model.best_loss_ is not None
        model.set_params(early_stopping=True).fit(X, y)
        assert len(model.validation_scores_) == model.n_iter_
        assert model.best_loss_ is None
        model.set_params(early_stopping=False).fit(X, y)
        assert model.validation_scores_ is None
        assert model.best_loss_ is not None

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"hidden_layer_sizes": (9,)}, r"\(8,\)|9"),
            ({"hidden_layer_sizes": (8, 8)}, r"\(8,\)"),
            ({"hidden_layer_sizes": ()}, r"\(8,\)"),
        ],
    )
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_another_shape_is_an_error(self, change, said, solver):
        model = make(warm_start=True, solver=solver).fit(X, y)
        before = parameters(model)
        with pytest.raises(ValueError, match=f"(?=.*hidden_layer_sizes)(?=.*{said})"):
            model.set_params(**change).fit(X, y)
        np.testing.assert_array_equal(parameters(model), before)

    @pytest.mark.parametrize(
        "other", [y + 1, y % 2, np.array(["a", "b", "c"])[y]], ids=str
    )
    def test_other_classes_are_an_error(self, other):
        model = make(warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match=r"classes.*\[0 1 2\]"):
            model.fit(X, other)

    def test_another_form_of_y_is_an_error_that_names_both(self):
        forms = [
            (y % 2, "one label for each row"),
            (Y[:, :2], "a label indicator matrix with 2 columns"),
            (Y, "a label indicator matrix with 3 columns"),
            (Y[:, :2] + 1, "an array with 2 columns, one for each target"),
        ]
        for (one, before), (other, now) in permutations(forms, 2):
            model = make(warm_start=True, max_iter=1).fit(X, one)
            said = f"Previously, `y` was {before}; now it is {now}."
            with pytest.raises(ValueError, match=said):
                model.fit(X, other)

    def test_another_number_of_features_is_an_error(self):
        model = make(warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match=r"3 features.*expecting 4"):
            model.fit(X[:, :3], y)

    def test_other_rows_are_allowed(self):
        model = make(warm_start=True, early_stopping=True, batch_size=20).fit(X, y)
        model.fit(X[:70], y[:70])
        assert model.n_iter_ == 5
        assert len(model.loss_curve_) == 10

    @pytest.mark.parametrize(
        "change",
        [
            {"dropout": 0.3},
            {"momentum": 0.0},
            {"activation": "tanh"},
            {"dtype": "float64"},
            {"batch_size": 7},
            {"learning_rate": "adaptive"},
            {"shuffle": False},
            {"class_weight": "balanced"},
        ],
        ids=str,
    )
    def test_other_changes_are_allowed(self, change):
        model = make(warm_start=True, solver="sgd", batch_size=30).fit(X, y)
        model.set_params(**change).fit(X, y).fit(X, y)
        assert len(model.loss_curve_) == 15


class TestWarmStartAfterEarlyStopping:
    """A warm start after early stopping."""

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_the_earlier_parameters_stay_as_they_were(self, solver):
        model = make(early_stopping=True, warm_start=True, solver=solver).fit(X, y)
        arrays = [*model.coefs_, *model.intercepts_]
        lists = [c for c in curves(model) if c is not None]
        copies = [a.copy() for a in arrays], [c.copy() for c in lists]
        model.fit(X, y)
        for array, copy in zip(arrays, copies[0], strict=True):
            np.testing.assert_array_equal(array, copy)
        assert lists == copies[1]
