"""A validation set passed to fit is checked, and scored after each epoch."""

import numpy as np
import pytest
from helpers import ROUNDING, Scripted, X, Y, assert_untouched, maker, snapshot, y
from scipy import sparse
from sklearn.metrics import get_scorer, log_loss

from skffnn import SOLVERS

make = maker(max_iter=5)


class TestValidationSet:
    """A validation set passed to `fit` is scored after each epoch."""

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("scoring", [None, "f1_macro", "neg_log_loss", "loss"])
    def test_is_scored_after_each_epoch(self, solver, scoring):
        model = make(solver=solver, warm_start=True, max_iter=1, scoring=scoring)
        kwargs = {"X_val": X[:50], "y_val": y[:50]}
        model.fit(X[50:], y[50:], **kwargs)
        metric = get_scorer(
            {None: "accuracy", "loss": "neg_log_loss"}.get(scoring, scoring)
        )
        loss = log_loss(y[:50], model.predict_proba(X[:50]))
        score = metric(model, X[:50], y[:50])
        assert model.validation_scores_ == pytest.approx([score], rel=ROUNDING)
        assert model.validation_loss_curve_ == pytest.approx([loss], rel=ROUNDING)
        assert model.best_validation_score_ == model.validation_scores_[0]

    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_is_used_and_no_rows_are_split_off(self, early_stopping):
        model = make(max_iter=3, early_stopping=early_stopping)
        model.fit(X[50:], y[50:], X_val=X[:50], y_val=y[:50])
        assert model.t_ == 3 * 100
        assert len(model.validation_scores_) == 3

    def test_takes_targets_of_every_kind(self):
        names = np.array(["a", "b", "c"])[y]
        for target in (y, names, names.astype(object), Y, sparse.csr_array(Y)):
            model = make().fit(X[50:], target[50:], X_val=X[:50], y_val=target[:50])
            assert len(model.validation_loss_curve_) == 5

    def test_may_lack_a_class(self):
        val = y < 2
        model = make().fit(X, y, X_val=X[val], y_val=y[val])
        assert np.isfinite(model.validation_loss_curve_).all()

    def test_stops_training_where_the_metric_no_longer_rises(self):
        model = make(max_iter=50, n_iter_no_change=3, scoring=Scripted(0.1, 0.2, 0.2))
        model.fit(X, y, X_val=X, y_val=y)
        assert model.n_iter_ == 2 + 4


class TestInvalidValidationSet:
    """An invalid validation set."""

    @pytest.mark.parametrize(
        "given",
        [
            {"X_val": X},
            {"y_val": y},
            {"sample_weight_val": np.ones(len(y))},
            {"X_val": X, "sample_weight_val": np.ones(len(y))},
            {"y_val": y, "sample_weight_val": np.ones(len(y))},
        ],
        ids=lambda given: " ".join(given),
    )
    def test_that_is_incomplete_is_an_error(self, given):
        missing = "y_val" if "X_val" in given else "X_val"
        model = make()
        with pytest.raises(ValueError, match=f"together: {missing} is None"):
            model.fit(X, y, **given)
        assert not snapshot(model)

    @pytest.mark.parametrize(
        ("X_val", "y_val", "message"),
        [
            (X[:, :3], y, "3 features.*expecting 4"),
            (X, y + 1, r"y_val has labels \[3\]"),
            (X, np.full(len(y), -1), r"y_val has labels \[-1\]"),
            (X, y[:-1], "inconsistent"),
            (X, X[:, 0], "continuous"),
            (X, Y, "y_val must be one label for each row"),
            (X[0], y[:1], "2D"),
            (X[:0], y[:0], "0 sample"),
        ],
    )
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_is_an_error(self, X_val, y_val, message, early_stopping):
        model = make(early_stopping=early_stopping).fit(X, y)
        before, predictions = snapshot(model), model.predict_proba(X)
        with pytest.raises(ValueError, match=message):
            model.fit(X, y, X_val=X_val, y_val=y_val)
        assert_untouched(model, before, predictions)
