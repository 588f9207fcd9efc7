"""Sample weights: effect on loss, split and scores, and invalid values."""

import numpy as np
import pytest
from helpers import (
    NO_STEP,
    ROUNDING,
    WEIGHTS,
    Scripted,
    X,
    assert_untouched,
    maker,
    objective,
    parameters,
    snapshot,
    y,
)
from sklearn.metrics import log_loss

from skffnn import SOLVERS

make = maker(max_iter=5)


class TestSampleWeight:
    """Sample weights."""

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_a_batch_of_zero_weights_is_harmless(self, solver):
        weights = np.repeat([0.0, 1.0, 0.0, 1.0, 1.0], 30)
        model = make(solver=solver, batch_size=30, shuffle=False).fit(X, y, weights)
        assert np.isfinite(parameters(model)).all()

    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_the_split_is_weighted(self, n_classes):
        rows = y < n_classes
        X_, y_, w = X[rows], y[rows], WEIGHTS[rows]
        scorer = Scripted(0.5)
        make(
            early_stopping=True, validation_fraction=0.3, scoring=scorer, max_iter=1
        ).fit(X_, y_, w)
        _, y_val, w_val = scorer.rows[0]
        for c in range(n_classes):
            share = w_val[y_val == c].sum() / w[y_ == c].sum()
            # Whole rows can approximate 0.3 to within half the largest weight.
            assert abs(share - 0.3) <= w.max() / 2 / w[y_ == c].sum()

    @pytest.mark.parametrize("batch_size", [32, 149, 150])
    def test_the_loss_of_an_epoch_is_weighted(self, batch_size):
        model = make(
            learning_rate_init=NO_STEP,
            batch_size=batch_size,
            max_iter=2,
            dtype="float64",
        ).fit(X, y, WEIGHTS)
        expected = objective(model, X, y, WEIGHTS)
        assert model.loss_curve_ == pytest.approx([expected] * 2, rel=ROUNDING)

    def test_validation_is_weighted(self):
        w = WEIGHTS[:50]
        model = make(learning_rate_init=NO_STEP, max_iter=1)
        model.fit(X[50:], y[50:], X_val=X[:50], y_val=y[:50], sample_weight_val=w)
        accuracy = model.score(X[:50], y[:50], w)
        loss = log_loss(y[:50], model.predict_proba(X[:50]), sample_weight=w)
        assert model.validation_scores_ == pytest.approx([accuracy], rel=ROUNDING)
        assert model.validation_loss_curve_ == pytest.approx([loss], rel=ROUNDING)


class TestInvalidWeights:
    """Invalid sample weights."""

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            (np.r_[np.nan, np.ones(len(y) - 1)], "NaN"),
            (np.r_[np.inf, np.ones(len(y) - 1)], "infinity"),
            (np.r_[-1, np.ones(len(y) - 1)], "at least 0.*-1"),
            (np.r_[-1e-300, np.ones(len(y) - 1)], "at least 0"),
            (np.zeros(len(y)), "zero for every row"),
            (np.ones(len(y) - 1), f"{len(y) - 1}.*{len(y)}"),
            (np.ones(len(y) + 1), f"{len(y) + 1}.*{len(y)}"),
            (np.ones((len(y), 1)), "1D"),
            (np.ones((len(y), 2)), "1D"),
            (np.ones((1, len(y))), "1D"),
            (["a"] * len(y), "convert"),
            (0.0, "zero for every row"),
            (-1.0, "at least 0"),
            (np.nan, "NaN"),
        ],
    )
    def test_are_named(self, weights, message):
        model = make().fit(X, y)
        before, predictions = snapshot(model), model.predict_proba(X)
        for function in (model.fit, model.partial_fit):
            with pytest.raises(ValueError, match=message) as error:
                function(X, y, sample_weight=weights)
            if message != "convert":
                assert "sample_weight" in str(error.value)
        with pytest.raises(ValueError, match=message):
            model.fit(X, y, X_val=X, y_val=y, sample_weight_val=weights)
        assert_untouched(model, before, predictions)

    def test_of_validation_rows_are_named(self):
        with pytest.raises(ValueError, match=r"sample_weight_val.*at least 0"):
            make().fit(X, y, X_val=X, y_val=y, sample_weight_val=-np.ones(len(y)))

    def test_may_be_one_number_or_a_list(self):
        expected = make().fit(X, y).predict_proba(X)
        for weights in (1, 2.5, [3] * len(y), np.full(len(y), 2, "i1")):
            model = make().fit(X, y, weights)
            np.testing.assert_array_equal(model.predict_proba(X), expected)

    def test_are_not_changed(self):
        weights = np.linspace(0, 1, len(y))
        copy = weights.copy()
        make(class_weight="balanced").fit(X, y, weights)
        np.testing.assert_array_equal(weights, copy)
