"""A fit does not depend on the order of the rows."""

import numpy as np
import pytest
from helpers import (
    EVERY_WAY,
    FULL_BATCH,
    PASS,
    PROBLEMS,
    REORDERED,
    SINGLE,
    SMOOTH,
    WEIGHTS,
    RecordingScorer,
    X,
    assert_close,
    case_id,
    maker,
    y,
)

from skffnn import SOLVERS

make = maker(**SMOOTH)
X2, y2 = PROBLEMS["binary"]


class TestRowOrder:
    """The order of the rows, if all are used at once."""

    @pytest.mark.parametrize("problem", PROBLEMS)
    @pytest.mark.parametrize("params", FULL_BATCH, ids=case_id)
    @pytest.mark.parametrize("weighted", [False, True])
    def test_does_not_matter(self, params, problem, weighted):
        X_, y_ = PROBLEMS[problem]
        order = np.random.RandomState(1).permutation(len(y_))
        w = WEIGHTS if weighted else np.ones(len(y_))
        one = make(**params).fit(X_, y_, w)
        assert_close(one, make(**params).fit(X_[order], y_[order], w[order]))

    @pytest.mark.parametrize("problem", ["binary", "multi-class"])
    @pytest.mark.parametrize("params", FULL_BATCH, ids=case_id)
    def test_does_not_matter_for_the_split_of_weighted_rows(self, params, problem):
        X_, y_ = PROBLEMS[problem]
        params = params | {"early_stopping": True, "validation_fraction": 0.3}
        if "batch_size" in params:
            params["batch_size"] = "auto"  # at most 200, which includes all rows
        order = np.random.RandomState(1).permutation(len(y_))
        one = make(**params).fit(X_, y_, WEIGHTS)
        assert_close(one, make(**params).fit(X_[order], y_[order], WEIGHTS[order]))

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("scoring", [None, "loss", "neg_log_loss"])
    def test_does_not_matter_for_the_split_of_many_classes(self, solver, scoring):
        params = {"solver": solver, "early_stopping": True, "scoring": scoring}
        order = np.random.RandomState(1).permutation(len(y))
        assert_close(make(**params).fit(X, y), make(**params).fit(X[order], y[order]))

    @pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
    def test_of_validation_rows_does_not_matter(self, params):
        order = np.random.RandomState(1).permutation(len(y))
        one, other = (
            make(scoring="loss", **params).fit(
                X2, y2, X_val=X2[o], y_val=y2[o], sample_weight_val=WEIGHTS[o]
            )
            for o in (np.arange(len(y)), order)
        )
        assert_close(one, other, REORDERED if params in FULL_BATCH else SINGLE)

    @pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
    def test_of_prediction_rows_does_not_matter(self, method):
        order = np.random.RandomState(1).permutation(len(y))
        predict = getattr(make().fit(X, y), method)
        np.testing.assert_allclose(predict(X)[order], predict(X[order]), rtol=PASS)


class TestValidationSetOrSplit:
    """A validation set passed to fit, and the same rows held out by early stopping."""

    @pytest.mark.parametrize("scoring", [None, "loss"])
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_are_the_same(self, solver, weighted, scoring):
        w = WEIGHTS if weighted else np.ones(len(y))
        params = {"solver": solver, "n_iter_no_change": 2, "max_iter": 20}
        recorder = RecordingScorer()
        make(early_stopping=True, scoring=recorder, **params).fit(X, y, w)
        # Some rows of iris are duplicates, which stay together.
        val = (X[:, None] == recorder.X).all(axis=2).any(axis=1)
        assert val.sum() == len(recorder.y)
        split = make(early_stopping=True, scoring=scoring, **params).fit(X, y, w)
        own = make(scoring=scoring, **params).fit(
            X[~val],
            y[~val],
            w[~val],
            X_val=X[val],
            y_val=y[val],
            sample_weight_val=w[val],
        )
        assert_close(split, own)
        assert split.n_iter_ == own.n_iter_
