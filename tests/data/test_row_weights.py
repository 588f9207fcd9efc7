"""A weight of 2 equals a repeated row, and the scale of the weights has no effect."""

import numpy as np
import pytest
from helpers import (
    EVERY_WAY,
    FULL_BATCH,
    MINIBATCH,
    PROBLEMS,
    REORDERED,
    SINGLE,
    SMOOTH,
    STEPPERS,
    WEIGHTS,
    RecordingScorer,
    X,
    Y,
    assert_close,
    assert_identical,
    case_id,
    maker,
    parameters,
    y,
)
from scipy.sparse import csr_array

from skffnn import SOLVERS

make = maker(**SMOOTH)
X2, y2 = PROBLEMS["binary"]


class TestWeightsAndCopies:
    """A weight of 2 equals a repeated row, and a weight of 0 a missing row."""

    COUNTS = np.random.RandomState(2).randint(1, 4, len(y))

    @pytest.mark.parametrize("problem", PROBLEMS)
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_a_weight_counts_rows(self, solver, problem):
        X_, y_ = PROBLEMS[problem]
        n = self.COUNTS
        params = {"solver": solver, "dtype": "float64"}
        weighted = make(batch_size=len(n), **params).fit(X_, y_, n)
        repeated = make(batch_size=n.sum(), **params).fit(
            X_.repeat(n, axis=0), y_.repeat(n, axis=0)
        )
        assert_close(weighted, repeated)

    @pytest.mark.parametrize("to_rows", [np.asarray, csr_array])
    @pytest.mark.parametrize("problem", PROBLEMS)
    def test_a_weight_counts_rows_to_the_last_bit_with_lbfgs(self, problem, to_rows):
        X_, y_ = PROBLEMS[problem]
        n = self.COUNTS
        order = np.random.RandomState(0).permutation(n.sum())
        model = maker(solver="lbfgs", activation="relu", max_iter=200)
        weighted = model().fit(to_rows(X_), y_, n)
        rows = np.arange(len(n)).repeat(n)[order]
        repeated = model().fit(to_rows(X_[rows]), y_[rows])
        for one, other in zip(weighted.coefs_, repeated.coefs_, strict=True):
            np.testing.assert_array_equal(one, other)

    # Not for two classes, whose unweighted rows are split by position, as in
    # MLPClassifier.
    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("scoring", [None, "loss"])
    def test_a_weight_counts_rows_that_are_split(self, solver, scoring):
        X_, y_ = PROBLEMS["multi-class"]
        n = self.COUNTS
        params = {
            "solver": solver,
            "early_stopping": True,
            "scoring": scoring,
            "validation_fraction": 0.3,
        }
        weighted = make(**params).fit(X_, y_, n)
        X_, y_ = X_.repeat(n, axis=0), y_.repeat(n, axis=0)
        params["batch_size"] = training_rows(X_, y_, params)
        assert_close(weighted, make(**params).fit(X_, y_))

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("problem", ["binary", "multi-class"])
    def test_a_weight_counts_rows_in_balanced_classes(self, solver, problem):
        X_, y_ = PROBLEMS[problem]
        n = self.COUNTS
        params = {"solver": solver, "class_weight": "balanced"}
        weighted = make(batch_size=len(n), **params).fit(X_, y_, n)
        repeated = make(batch_size=n.sum(), **params).fit(
            X_.repeat(n, axis=0), y_.repeat(n, axis=0)
        )
        assert_close(weighted, repeated)

    def test_a_weight_counts_rows_in_balanced_labels(self):
        n = self.COUNTS
        params = {"solver": "lbfgs", "class_weight": "balanced"}
        weighted = make(**params).fit(X, Y, n)
        repeated = make(**params).fit(X.repeat(n, axis=0), Y.repeat(n, axis=0))
        assert_close(weighted, repeated)

    def test_a_weight_counts_validation_rows(self):
        n = self.COUNTS
        weighted = make(scoring="loss").fit(X, y, X_val=X, y_val=y, sample_weight_val=n)
        repeated = make(scoring="loss").fit(
            X, y, X_val=X.repeat(n, axis=0), y_val=y.repeat(n)
        )
        assert_close(weighted, repeated)

    @pytest.mark.parametrize("problem", PROBLEMS)
    @pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
    @pytest.mark.parametrize("dropout", [0.0, 0.3])
    def test_a_weight_of_0_is_no_row(self, params, problem, dropout):
        X_, y_ = PROBLEMS[problem]
        w = np.where(np.random.RandomState(3).uniform(size=len(y_)) < 0.3, 0, WEIGHTS)
        params = params | {"dropout": dropout}
        if params.get("batch_size", 0) == len(y_):
            params["batch_size"] = np.count_nonzero(w)
        one = make(**params).fit(X_, y_, w)
        assert_identical(one, make(**params).fit(X_[w > 0], y_[w > 0], w[w > 0]))

    @pytest.mark.parametrize("problem", PROBLEMS)
    @pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
    def test_weights_of_0_and_1_choose_rows(self, params, problem):
        X_, y_ = PROBLEMS[problem]
        w = (np.random.RandomState(3).uniform(size=len(y_)) < 0.7) * 1.0
        if params.get("batch_size", 0) == len(y_):
            params = params | {"batch_size": np.count_nonzero(w)}
        one = make(**params).fit(X_, y_, w)
        assert_identical(one, make(**params).fit(X_[w > 0], y_[w > 0]))

    @pytest.mark.parametrize("problem", PROBLEMS)
    @pytest.mark.parametrize("params", [*MINIBATCH, {"solver": "lbfgs"}], ids=case_id)
    def test_a_weight_of_0_is_no_row_to_split(self, params, problem):
        X_, y_ = PROBLEMS[problem]
        w = np.where(np.random.RandomState(3).uniform(size=len(y_)) < 0.3, 0, WEIGHTS)
        params = params | {"early_stopping": True, "scoring": "loss"}
        one = make(**params).fit(X_, y_, w)
        assert_identical(one, make(**params).fit(X_[w > 0], y_[w > 0], w[w > 0]))

    @pytest.mark.parametrize("problem", PROBLEMS)
    def test_a_weight_of_0_is_no_row_in_balanced_classes(self, problem):
        X_, y_ = PROBLEMS[problem]
        w = np.where(np.random.RandomState(3).uniform(size=len(y_)) < 0.3, 0, WEIGHTS)
        params = {"class_weight": "balanced"}
        one = make(**params).fit(X_, y_, w)
        assert_close(one, make(**params).fit(X_[w > 0], y_[w > 0], w[w > 0]))

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_a_weight_of_0_is_no_row_for_partial_fit(self, solver):
        w = np.where(np.random.RandomState(3).uniform(size=len(y)) < 0.3, 0, WEIGHTS)
        one, other = make(solver=solver), make(solver=solver)
        for _ in range(3):
            one.partial_fit(X, y, classes=[0, 1, 2], sample_weight=w)
            other.partial_fit(
                X[w > 0], y[w > 0], classes=[0, 1, 2], sample_weight=w[w > 0]
            )
        assert_identical(one, other)

    @pytest.mark.parametrize("problem", PROBLEMS)
    @pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
    @pytest.mark.parametrize("constant", [1.0, 7.0])
    def test_equal_weights_are_none(self, params, problem, constant):
        X_, y_ = PROBLEMS[problem]
        one = make(**params).fit(X_, y_)
        assert_identical(one, make(**params).fit(X_, y_, np.full(len(y_), constant)))

    @pytest.mark.parametrize("problem", PROBLEMS)
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_equal_weights_are_none_with_early_stopping(self, solver, problem):
        X_, y_ = PROBLEMS[problem]
        params = {"early_stopping": True, "solver": solver, "scoring": "loss"}
        one = make(**params).fit(X_, y_)
        assert_close(one, make(**params).fit(X_, y_, np.full(len(y_), 2.0)))

    @pytest.mark.parametrize("problem", PROBLEMS)
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_weights_of_0_and_1_choose_rows_to_split(self, solver, problem):
        X_, y_ = PROBLEMS[problem]
        w = (np.random.RandomState(3).uniform(size=len(y_)) < 0.7) * 1.0
        params = {"early_stopping": True, "solver": solver, "scoring": "loss"}
        one = make(**params).fit(X_, y_, w)
        assert_close(one, make(**params).fit(X_[w > 0], y_[w > 0]))


def training_rows(X_, y_, params):
    """Return the number of training rows with early stopping, if all weights are 1."""
    recorder = RecordingScorer()
    make(**params | {"scoring": recorder, "max_iter": 1}).fit(X_, y_, np.ones(len(y_)))
    return len(y_) - len(recorder.y)


class TestScaleOfWeights:
    """The scale of the weights."""

    @pytest.mark.parametrize("scale", [1000.0, 1e-300, 1e300])
    @pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
    @pytest.mark.parametrize("problem", PROBLEMS)
    def test_does_not_matter(self, params, scale, problem):
        X_, y_ = PROBLEMS[problem]
        one = make(**params).fit(X_, y_, WEIGHTS)
        # Weights may round differently in float32 minibatches.
        rtol = REORDERED if params in FULL_BATCH else SINGLE
        assert_close(one, make(**params).fit(X_, y_, WEIGHTS * scale), rtol)

    @pytest.mark.parametrize("scale", [2.0**10, 2.0**-990, 2.0**990])
    @pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
    def test_that_is_a_power_of_two_changes_no_bit(self, params, scale):
        one = make(**params).fit(X, y, WEIGHTS)
        assert_identical(one, make(**params).fit(X, y, WEIGHTS * scale))

    @pytest.mark.parametrize("scale", [2.0**10, 2.0**-990, 2.0**990])
    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 1: 0.25}])
    @pytest.mark.parametrize("scoring", [None, "accuracy"])
    def test_does_not_matter_with_early_stopping_and_class_weights(
        self, solver, scale, class_weight, scoring
    ):
        params = {"solver": solver, "early_stopping": True, "scoring": scoring}
        params["class_weight"] = class_weight
        one = make(**params).fit(X, y, WEIGHTS)
        assert_close(one, make(**params).fit(X, y, WEIGHTS * scale))

    @pytest.mark.parametrize("scale", [1e-300, 1e300])
    def test_of_validation_rows_does_not_matter(self, scale):
        one, other = (
            make(scoring="loss").fit(X, y, X_val=X, y_val=y, sample_weight_val=w)
            for w in (WEIGHTS, WEIGHTS * scale)
        )
        assert_close(one, other)

    @pytest.mark.parametrize("scale", [1e-300, 1e300])
    def test_of_classes_does_not_matter(self, scale):
        one = make(class_weight={0: 1, 1: 2, 2: 3}).fit(X, y)
        other = make(class_weight={0: scale, 1: 2 * scale, 2: 3 * scale}).fit(X, y)
        assert_close(one, other)

    def test_of_held_out_rows_does_not_matter(self):
        # Rows with 1e200 times the weight of the others may be in either part.
        for seed in range(5):
            w = WEIGHTS.copy()
            w[np.random.RandomState(seed).choice(len(w), 3, replace=False)] *= 1e200
            model = make(early_stopping=True, random_state=seed).fit(X, y, w)
            assert np.isfinite(parameters(model)).all()
            assert np.isfinite(model.loss_curve_).all()
