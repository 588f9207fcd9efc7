"""A fit does not depend on the order, the layout or the type of its rows."""

import numpy as np
import pytest
from helpers import (
    EVERY_WAY,
    FULL_BATCH,
    MINIBATCH,
    PASS,
    PROBLEMS,
    REORDERED,
    SINGLE,
    SMOOTH,
    STEPPERS,
    WEIGHTS,
    RecordingScorer,
    RecordingSolver,
    X,
    Y,
    assert_close,
    assert_identical,
    case_id,
    maker,
    y,
)
from scipy import sparse

from skffnn import ACTIVATIONS, INITIALIZERS, SOLVERS

make = maker(**SMOOTH)
ORDER = np.random.RandomState(1).permutation(len(y))
FLOAT32 = np.dtype(np.float32)

every_way = pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
at_full_batch = pytest.mark.parametrize("params", FULL_BATCH, ids=case_id)
each_problem = pytest.mark.parametrize("problem", PROBLEMS)


def splitting(params):
    """Return parameters with early stopping; "auto" is at most 200, so all rows."""
    split = {"early_stopping": True, "validation_fraction": 0.3}
    if params in FULL_BATCH and "batch_size" in params:
        split["batch_size"] = "auto"
    return params | split


class TestOrder:
    """The order of the rows, if all are used at once."""

    @each_problem
    @at_full_batch
    def test_does_not_matter(self, params, problem):
        X_, y_ = PROBLEMS[problem]
        one = make(**params).fit(X_, y_, WEIGHTS)
        assert_close(one, make(**params).fit(X_[ORDER], y_[ORDER], WEIGHTS[ORDER]))

    @pytest.mark.parametrize("problem", ["binary", "multi-class"])
    @at_full_batch
    def test_does_not_matter_for_the_split_of_weighted_rows(self, params, problem):
        X_, y_ = PROBLEMS[problem]
        params = splitting(params)
        one = make(**params).fit(X_, y_, WEIGHTS)
        assert_close(one, make(**params).fit(X_[ORDER], y_[ORDER], WEIGHTS[ORDER]))

    @pytest.mark.parametrize("scoring", [None, "loss", "neg_log_loss"])
    def test_does_not_matter_for_the_split_of_many_classes(self, scoring):
        params = {"early_stopping": True, "scoring": scoring}
        assert_close(make(**params).fit(X, y), make(**params).fit(X[ORDER], y[ORDER]))

    @every_way
    def test_of_validation_rows_does_not_matter(self, params):
        X_, y_ = PROBLEMS["binary"]
        one, other = (
            make(scoring="loss", **params).fit(
                X_, y_, X_val=X_[o], y_val=y_[o], sample_weight_val=WEIGHTS[o]
            )
            for o in (np.arange(len(y_)), ORDER)
        )
        assert_close(one, other, REORDERED if params in FULL_BATCH else SINGLE)

    @pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
    def test_of_prediction_rows_does_not_matter(self, method):
        predict = getattr(make().fit(X, y), method)
        np.testing.assert_allclose(predict(X)[ORDER], predict(X[ORDER]), rtol=PASS)

    @pytest.mark.parametrize("scoring", [None, "loss"])
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_rows_held_out_are_like_rows_passed_for_validation(self, solver, scoring):
        params = {"solver": solver, "n_iter_no_change": 2, "max_iter": 20}
        recorder = RecordingScorer()
        make(early_stopping=True, scoring=recorder, **params).fit(X, y, WEIGHTS)
        # Some rows of iris are duplicates, which stay together.
        val = (X[:, None] == recorder.X).all(axis=2).any(axis=1)
        assert val.sum() == len(recorder.y)
        params["scoring"] = scoring
        split = make(early_stopping=True, **params).fit(X, y, WEIGHTS)
        passed = make(**params).fit(
            X[~val],
            y[~val],
            WEIGHTS[~val],
            X_val=X[val],
            y_val=y[val],
            sample_weight_val=WEIGHTS[val],
        )
        assert_close(split, passed)
        assert split.n_iter_ == passed.n_iter_


# Arrays of the same numbers.
LAYOUTS = {
    "Fortran": np.asfortranarray,
    "every other row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "every other column": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "another byte order": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "lists": np.ndarray.tolist,
}


class TestLayout:
    """The memory layout of dense arrays, and how sparse ones store their numbers."""

    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("problem", ["multi-class", "multi-label"])
    @pytest.mark.parametrize(
        "params", [*MINIBATCH[:1], {"solver": "lbfgs"}], ids=case_id
    )
    def test_does_not_matter(self, params, problem, layout):
        X_, y_ = PROBLEMS[problem]
        laid_out = LAYOUTS[layout]
        # scikit-learn does not accept a list of lists as label indicators.
        is_list = layout == "lists" and y_.ndim == 2
        one = make(**params).fit(X_, y_, WEIGHTS)
        other = make(**params).fit(
            laid_out(X_), y_ if is_list else laid_out(y_), laid_out(WEIGHTS)
        )
        assert_identical(one, other)
        np.testing.assert_allclose(
            one.predict_proba(X_), one.predict_proba(laid_out(X_)), rtol=PASS
        )

    @every_way
    def test_of_validation_rows_does_not_matter(self, params):
        one = make(**params).fit(X, y, X_val=X, y_val=y)
        other = make(**params).fit(X, y, X_val=np.asfortranarray(X), y_val=y.tolist())
        assert_identical(one, other)

    @pytest.mark.parametrize("split", [False, True], ids=["all rows", "split"])
    @every_way
    def test_sparse_rows_are_like_dense_ones(self, params, split):
        params = splitting(params) if split else params
        rtol = SINGLE if "batch_size" in params else REORDERED
        X_ = np.where(X > 0, X, 0)
        dense = make(**params).fit(X_, y, WEIGHTS)
        other = make(**params).fit(sparse.csr_array(X_), y, WEIGHTS)
        assert_close(dense, other, rtol)
        np.testing.assert_allclose(
            dense.predict_proba(X_),
            other.predict_proba(sparse.csr_array(X_)),
            rtol=rtol,
        )

    @every_way
    def test_sparse_targets_are_like_dense_ones(self, params):
        one = make(**params).fit(X, Y)
        assert_identical(one, make(**params).fit(X, sparse.csr_array(Y)))

    @pytest.mark.parametrize("form", ["zeros", "duplicates", "unsorted"])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_of_sparse_rows_does_not_matter(self, form, early_stopping):
        X_ = np.round(X, 1)
        n, m = X_.shape
        data, indices = X_, np.indices(X_.shape)[1]
        if form == "duplicates":  # halving a number is exact
            data, indices = (X_ / 2).repeat(2, axis=1), indices.repeat(2, axis=1)
        elif form == "unsorted":
            data, indices = X_[:, ::-1], indices[:, ::-1]
        starts = np.arange(0, data.size + 1, data.shape[1])
        stored = sparse.csr_array((data.ravel(), indices.ravel(), starts), shape=(n, m))
        np.testing.assert_array_equal(stored.toarray(), X_)
        plain = sparse.csr_array(X_)
        params = {"early_stopping": early_stopping, "solver": "lbfgs"}
        one, other = make(**params).fit(plain, y), make(**params).fit(stored, y)
        assert_close(one, other)
        np.testing.assert_allclose(
            one.predict_proba(plain), one.predict_proba(stored), rtol=PASS
        )


class TestType:
    """The type of the numbers."""

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("batch_size", [30, 150])
    def test_of_float32_rows_is_that_of_the_network(self, solver, batch_size):
        X_ = X.astype(np.float32)
        model = make(solver=solver, batch_size=batch_size).fit(X_, y)
        arrays = [*model.coefs_, *model.intercepts_, model.hidden_features(X_)]
        arrays += [model.predict_proba(X_), model.predict_log_proba(X_)]
        arrays += [model.decision_function(X_)]
        assert {a.dtype for a in arrays} == {FLOAT32}

    def test_of_float32_rows_is_that_of_training(self):
        recorder = RecordingSolver()
        make(solver=recorder, batch_size=30).fit(X.astype(np.float32), y)
        assert recorder.dtypes == {FLOAT32}

    @pytest.mark.parametrize("name", STEPPERS)
    def test_of_a_gradient_is_that_of_the_update(self, name):
        solver = SOLVERS[name]()
        theta, grad = np.ones(3, np.float32), np.ones(3, np.float32)
        state = solver.init(theta)
        update = solver.update(grad, state, 0.1)
        arrays = [update, *(a for a in state.values() if np.ndim(a))]
        assert {a.dtype for a in arrays} == {FLOAT32}

    def test_of_a_single_row_is_that_of_the_prediction(self):
        model = make().fit(X, y)
        assert model.predict_proba(X[:1].astype(np.float32)).dtype == np.float32
        assert model.predict_proba(X[:1]).dtype == np.float64

    @each_problem
    @every_way
    def test_of_the_computation_makes_little_difference(self, params, problem):
        X_, y_ = PROBLEMS[problem]
        one, other = (
            make(dtype=dtype, **params).fit(X_, y_) for dtype in ("float32", "float64")
        )
        assert one.coefs_[0].dtype == np.float32
        assert other.coefs_[0].dtype == np.float64
        assert_close(one, other, SINGLE)

    @pytest.mark.parametrize(
        "params",
        [{"activation": g} for g in ACTIVATIONS]
        + [{"weight_init": name} for name in INITIALIZERS],
        ids=case_id,
    )
    def test_of_the_rows_makes_little_difference(self, params):
        params = params | {"solver": "sgd", "batch_size": 32}
        one = make(**params).fit(X.astype(np.float32), y)
        other = make(**params, dtype="float64").fit(X, y)
        assert_close(one, other, SINGLE)

    @pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8, bool, np.float16])
    def test_of_whole_numbers_does_not_matter(self, dtype):
        X_ = (X > 0).astype(dtype)
        one = make().fit(X_, y)
        assert_identical(one, make().fit(X_.astype(np.float64), y))
        assert one.predict_proba(X_).dtype == np.float64

    def test_of_the_rows_does_not_matter_for_the_split(self):
        X_ = X.astype(np.float32)
        params = {"early_stopping": True, "solver": "lbfgs"}
        recorders = RecordingScorer(), RecordingScorer()
        make(scoring=recorders[0], **params).fit(X_, y)
        make(scoring=recorders[1], **params).fit(X_.astype(np.float64), y)
        np.testing.assert_array_equal(recorders[0].X, recorders[1].X)
