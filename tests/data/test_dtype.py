"""float32 and float64: which computations use which, and how results differ."""

import numpy as np
import pytest
from helpers import (
    EVERY_WAY,
    PROBLEMS,
    SINGLE,
    SMOOTH,
    STEPPERS,
    RecordingScorer,
    RecordingSolver,
    X,
    assert_close,
    assert_identical,
    case_id,
    maker,
    y,
)

from skffnn import ACTIVATIONS, INITIALIZERS, SOLVERS

make = maker(**SMOOTH)
X2, y2 = PROBLEMS["binary"]


class TestFloat32Input:
    """Features of dtype float32."""

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("batch_size", [30, 150])
    def test_gives_float32(self, solver, batch_size):
        X_ = X.astype(np.float32)
        model = make(solver=solver, batch_size=batch_size).fit(X_, y)
        arrays = [*model.coefs_, *model.intercepts_, model.hidden_features(X_)]
        arrays += [model.predict_proba(X_), model.predict_log_proba(X_)]
        arrays += [model.decision_function(X_)]
        assert {a.dtype for a in arrays} == {np.dtype(np.float32)}

    def test_is_trained_on_in_float32(self):
        recorder = RecordingSolver()
        make(solver=recorder, batch_size=30).fit(X.astype(np.float32), y)
        assert recorder.dtypes == {np.dtype(np.float32)}

    @pytest.mark.parametrize("name", STEPPERS)
    def test_the_update_keeps_the_type(self, name):
        solver = SOLVERS[name]()
        theta, grad = np.ones(3, np.float32), np.ones(3, np.float32)
        state = solver.init(theta)
        arrays = [
            solver.update(grad, state, 0.1),
            *(a for a in state.values() if np.ndim(a)),
        ]
        assert {a.dtype for a in arrays} == {np.dtype(np.float32)}

    def test_of_single_rows_to_a_float64_model_is_answered_in_float32(self):
        model = make().fit(X, y)
        assert model.predict_proba(X[:1].astype(np.float32)).dtype == np.float32
        assert model.predict_proba(X[:1]).dtype == np.float64


class TestType:
    """float32 and float64."""

    @pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
    @pytest.mark.parametrize("problem", PROBLEMS)
    def test_to_compute_in_are_nearly_the_same(self, params, problem):
        X_, y_ = PROBLEMS[problem]
        one, other = (
            make(dtype=dtype, **params).fit(X_, y_) for dtype in ("float32", "float64")
        )
        assert one.coefs_[0].dtype == np.float32
        assert other.coefs_[0].dtype == np.float64
        assert_close(one, other, SINGLE)

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    @pytest.mark.parametrize("weight_init", INITIALIZERS)
    def test_of_the_input_are_nearly_the_same(self, activation, weight_init):
        params = {
            "activation": activation,
            "weight_init": weight_init,
            "solver": "sgd",
            "batch_size": 32,
        }
        one = make(**params).fit(X.astype(np.float32), y)
        other = make(**params | {"dtype": "float64"}).fit(X, y)
        assert_close(one, other, SINGLE)

    @pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8, bool, np.float16])
    def test_of_whole_numbers_do_not_matter(self, dtype):
        X_ = (X > 0).astype(dtype)
        one = make().fit(X_, y)
        assert_identical(one, make().fit(X_.astype(np.float64), y))
        assert one.predict_proba(X_).dtype == np.float64

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_of_another_byte_order_do_not_matter(self, solver):
        swapped = X.astype(X.dtype.newbyteorder(">"))
        one = make(solver=solver).fit(X, y)
        assert_identical(one, make(solver=solver).fit(swapped, y))
        np.testing.assert_array_equal(one.predict_proba(X), one.predict_proba(swapped))

    def test_of_the_split_do_not_matter(self):
        X_ = X.astype(np.float32)
        params = {"early_stopping": True, "solver": "lbfgs"}
        recorders = RecordingScorer(), RecordingScorer()
        make(scoring=recorders[0], **params).fit(X_, y)
        make(scoring=recorders[1], **params).fit(X_.astype(np.float64), y)
        np.testing.assert_array_equal(recorders[0].X, recorders[1].X)
