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
    assert_close,
    assert_identical,
    case_id,
    maker,
    parameters,
    y,
)
from scipy.sparse import csr_array

from skffnn import SOLVERS, FFNNRegressor

make = maker(**SMOOTH)

COUNTS = np.random.RandomState(2).randint(1, 4, len(y))
CHOSEN = np.random.RandomState(3).uniform(size=len(y)) >= 0.3

every_way = pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
every_solver = pytest.mark.parametrize("solver", SOLVERS)
each_problem = pytest.mark.parametrize("problem", PROBLEMS)


def training_rows(X_, y_, params):
    """Return the number of training rows with early stopping, if all weights are 1."""
    recorder = RecordingScorer()
    make(**params | {"scoring": recorder, "max_iter": 1}).fit(X_, y_, np.ones(len(y_)))
    return len(y_) - len(recorder.y)


class TestWeightsAndCopies:
    """A weight of 2 equals a repeated row."""

    @pytest.mark.parametrize("class_weight", [None, "balanced"])
    @each_problem
    @every_solver
    def test_a_weight_counts_rows(self, solver, problem, class_weight):
        X_, y_ = PROBLEMS[problem]
        params = {"solver": solver, "dtype": "float64", "class_weight": class_weight}
        weighted = make(batch_size=len(y), **params).fit(X_, y_, COUNTS)
        repeated = make(batch_size=COUNTS.sum(), **params).fit(
            X_.repeat(COUNTS, axis=0), y_.repeat(COUNTS, axis=0)
        )
        assert_close(weighted, repeated)

    @pytest.mark.parametrize("to_rows", [np.asarray, csr_array])
    @each_problem
    def test_a_weight_counts_rows_to_the_last_bit_with_lbfgs(self, problem, to_rows):
        X_, y_ = PROBLEMS[problem]
        order = np.random.RandomState(0).permutation(COUNTS.sum())
        model = maker(solver="lbfgs", activation="relu", max_iter=200)
        weighted = model().fit(to_rows(X_), y_, COUNTS)
        rows = np.arange(len(y)).repeat(COUNTS)[order]
        repeated = model().fit(to_rows(X_[rows]), y_[rows])
        for one, other in zip(weighted.coefs_, repeated.coefs_, strict=True):
            np.testing.assert_array_equal(one, other)

    # Not for two classes, whose unweighted rows are split by position, as in
    # MLPClassifier.
    @every_solver
    @pytest.mark.parametrize("scoring", [None, "loss"])
    def test_a_weight_counts_rows_that_are_split(self, solver, scoring):
        params = {
            "solver": solver,
            "early_stopping": True,
            "scoring": scoring,
            "validation_fraction": 0.3,
        }
        weighted = make(**params).fit(X, y, COUNTS)
        X_, y_ = X.repeat(COUNTS, axis=0), y.repeat(COUNTS, axis=0)
        params["batch_size"] = training_rows(X_, y_, params)
        assert_close(weighted, make(**params).fit(X_, y_))

    def test_a_weight_counts_validation_rows(self):
        weighted, repeated = make(scoring="loss"), make(scoring="loss")
        weighted.fit(X, y, X_val=X, y_val=y, sample_weight_val=COUNTS)
        repeated.fit(X, y, X_val=X.repeat(COUNTS, axis=0), y_val=y.repeat(COUNTS))
        assert_close(weighted, repeated)


# Weights, and the rows with the weights that they stand for.
ZEROS = {
    "some are 0": (np.where(CHOSEN, WEIGHTS, 0), CHOSEN, WEIGHTS[CHOSEN]),
    "0 and 1": (CHOSEN * 1.0, CHOSEN, None),
    "equal": (np.full(len(y), 7.0), slice(None), None),
}


class TestWeightsOf0AndEqualWeights:
    """A weight of 0 equals a missing row, and equal weights equal none."""

    @pytest.mark.parametrize("weights", ZEROS)
    @each_problem
    @every_way
    def test_choose_rows(self, params, problem, weights):
        X_, y_ = PROBLEMS[problem]
        w, rows, equivalent = ZEROS[weights]
        params = params | {"dropout": 0.3}
        if params.get("batch_size") == len(y_):
            params["batch_size"] = len(y_[rows])
        one = make(**params).fit(X_, y_, w)
        assert_identical(one, make(**params).fit(X_[rows], y_[rows], equivalent))

    @pytest.mark.parametrize("weights", ZEROS)
    @each_problem
    @pytest.mark.parametrize("params", [*MINIBATCH, {"solver": "lbfgs"}], ids=case_id)
    def test_choose_rows_to_split(self, params, problem, weights):
        X_, y_ = PROBLEMS[problem]
        w, rows, equivalent = ZEROS[weights]
        params = params | {"early_stopping": True, "scoring": "loss"}
        one = make(**params).fit(X_, y_, w)
        assert_close(one, make(**params).fit(X_[rows], y_[rows], equivalent))

    @each_problem
    def test_choose_rows_in_balanced_classes(self, problem):
        X_, y_ = PROBLEMS[problem]
        w, rows, equivalent = ZEROS["some are 0"]
        one = make(class_weight="balanced").fit(X_, y_, w)
        other = make(class_weight="balanced").fit(X_[rows], y_[rows], equivalent)
        assert_close(one, other)

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_choose_rows_for_partial_fit(self, solver):
        w, rows, equivalent = ZEROS["some are 0"]
        one, other = make(solver=solver), make(solver=solver)
        for _ in range(3):
            one.partial_fit(X, y, classes=[0, 1, 2], sample_weight=w)
            other.partial_fit(
                X[rows], y[rows], classes=[0, 1, 2], sample_weight=equivalent
            )
        assert_identical(one, other)


class TestScaleOfWeights:
    """The scale of the weights."""

    @pytest.mark.parametrize("scale", [1e-300, 1e300])
    @every_way
    @each_problem
    def test_does_not_matter(self, params, scale, problem):
        X_, y_ = PROBLEMS[problem]
        one = make(**params).fit(X_, y_, WEIGHTS)
        # Weights may round differently in float32 minibatches.
        rtol = REORDERED if params in FULL_BATCH else SINGLE
        assert_close(one, make(**params).fit(X_, y_, WEIGHTS * scale), rtol)

    @pytest.mark.parametrize("scale", [2.0**-990, 2.0**990])
    @every_way
    def test_that_is_a_power_of_two_changes_no_bit(self, params, scale):
        one = make(**params).fit(X, y, WEIGHTS)
        assert_identical(one, make(**params).fit(X, y, WEIGHTS * scale))

    @pytest.mark.parametrize("scale", [2.0**-990, 2.0**990])
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
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

    @pytest.mark.parametrize("scale", [2.0**-1000, 2.0**1000])
    def test_changes_no_validation_score_of_large_numbers(self, scale):
        # The products of these weights and squared errors are beyond float64.
        one, other = (
            FFNNRegressor(early_stopping=True, normalize_y=False, max_iter=3)
            .set_params(random_state=0, hidden_layer_sizes=())
            .fit(X, 1e5 * X[:, 0], weights)
            for weights in (WEIGHTS, WEIGHTS * scale)
        )
        assert np.isfinite(one.validation_scores_).all()
        assert_identical(one, other)
        assert one.validation_scores_ == other.validation_scores_

    def test_of_held_out_rows_does_not_matter(self):
        # Rows with 1e200 times the weight of the others may be in either part.
        for seed in range(5):
            w = WEIGHTS.copy()
            w[np.random.RandomState(seed).choice(len(w), 3, replace=False)] *= 1e200
            model = make(early_stopping=True, random_state=seed).fit(X, y, w)
            assert np.isfinite(parameters(model)).all()
            assert np.isfinite(model.loss_curve_).all()
