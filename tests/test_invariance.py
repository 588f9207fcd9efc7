"""What a fit must not depend on: the form in which the same problem is given."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits, load_iris, make_classification
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight

from skffnn import (
    ACTIVATIONS,
    INITIALIZERS,
    LBFGS,
    PENALTIES,
    SCHEDULES,
    SOLVERS,
    FFNNClassifier,
)
from skffnn.classifier import rows_per_block

# Sums of some hundred float64 numbers in another order differ by some 1e-15; a few
# epochs of training multiply that by no more than 1e5 here, where g is smooth.
ORDER = 1e-10

# Two passes of the same float64 numbers through the network, in blocks of other sizes.
PASS = 1e-12

# float32 rounds by 6e-8; a few epochs multiply that by no more than 1e4 here.
SINGLE = 1e-3

STEPPERS = [name for name, solver in SOLVERS.items() if not issubclass(solver, LBFGS)]
RNG = np.random.RandomState(0)

X, y = load_iris(return_X_y=True)
SHUFFLED = RNG.permutation(len(y))
X, y = StandardScaler().fit_transform(X)[SHUFFLED], y[SHUFFLED]
X2, y2 = make_classification(150, 5, flip_y=0.2, weights=[0.6], random_state=0)
Y = np.column_stack([y == 0, y == 1, X[:, 0] > 0]).astype(int)
DIGITS, DIGIT = (a[:200] for a in load_digits(return_X_y=True))
DIGITS = DIGITS / 16
WEIGHTS = RNG.uniform(0.1, 5, len(y))
PROBLEMS = {"binary": (X2, y2), "multi-class": (X, y), "multi-label": (X, Y)}

# The ways to train on all rows at once, where no shuffle depends on the order.
FULL_BATCH = [{"solver": name, "batch_size": len(y)} for name in STEPPERS]
FULL_BATCH += [{"solver": "lbfgs"}]
MINIBATCH = [{"solver": name, "batch_size": 32} for name in STEPPERS]
EVERY_WAY = FULL_BATCH + MINIBATCH


def make(**params):
    """Make a small network with a seed, of a smooth function."""
    small = {
        "hidden_layer_sizes": (6,),
        "activation": "tanh",
        "random_state": 0,
        "max_iter": 6,
        "learning_rate_init": 0.01,
    }
    return FFNNClassifier(**small | params)


def parameters(model):
    """Return θ as one vector."""
    return np.concatenate([a.ravel() for a in (*model.coefs_, *model.intercepts_)])


def assert_close(one, other, rtol=ORDER):
    """Assert that two models have nearly the same parameters and curves."""
    np.testing.assert_allclose(parameters(one), parameters(other), rtol=rtol, atol=rtol)
    assert one.loss_curve_ == pytest.approx(other.loss_curve_, rel=rtol)
    if one.validation_scores_ is not None:
        assert one.validation_scores_ == pytest.approx(
            other.validation_scores_, rel=rtol
        )
        assert one.validation_loss_curve_ == pytest.approx(
            other.validation_loss_curve_, rel=rtol
        )


def assert_identical(one, other):
    """Assert that two models have the same parameters and curves, bit for bit."""
    np.testing.assert_array_equal(parameters(one), parameters(other))
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_scores_ == other.validation_scores_
    assert one.validation_loss_curve_ == other.validation_loss_curve_


def name(value):
    """Name a test case after its parameters."""
    return "-".join(map(str, value.values())) if isinstance(value, dict) else None


class Recorder:
    """Accuracy as a scorer, which keeps the rows that it was asked about."""

    def __call__(self, estimator, X, y, sample_weight=None):
        self.X, self.y, self.sample_weight = X, y, sample_weight
        return estimator.score(X, y, sample_weight)


class TestRowOrder:
    """The order of the rows, where all are used at once."""

    @pytest.mark.parametrize("problem", PROBLEMS)
    @pytest.mark.parametrize("params", FULL_BATCH, ids=name)
    @pytest.mark.parametrize("weighted", [False, True])
    def test_does_not_matter(self, params, problem, weighted):
        X_, y_ = PROBLEMS[problem]
        order = np.random.RandomState(1).permutation(len(y_))
        w = WEIGHTS if weighted else np.ones(len(y_))
        one = make(**params).fit(X_, y_, w)
        assert_close(one, make(**params).fit(X_[order], y_[order], w[order]))

    @pytest.mark.parametrize("problem", ["binary", "multi-class"])
    @pytest.mark.parametrize("params", FULL_BATCH, ids=name)
    def test_does_not_matter_for_the_split_of_weighted_rows(self, params, problem):
        X_, y_ = PROBLEMS[problem]
        params = params | {"early_stopping": True, "validation_fraction": 0.3}
        if "batch_size" in params:
            params["batch_size"] = "auto"  # at most 200, which is all
        order = np.random.RandomState(1).permutation(len(y_))
        one = make(**params).fit(X_, y_, WEIGHTS)
        assert_close(one, make(**params).fit(X_[order], y_[order], WEIGHTS[order]))

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("scoring", [None, "loss", "neg_log_loss"])
    def test_does_not_matter_for_the_split_of_many_classes(self, solver, scoring):
        params = {"solver": solver, "early_stopping": True, "scoring": scoring}
        order = np.random.RandomState(1).permutation(len(y))
        assert_close(make(**params).fit(X, y), make(**params).fit(X[order], y[order]))

    @pytest.mark.parametrize("params", EVERY_WAY, ids=name)
    def test_of_validation_rows_does_not_matter(self, params):
        order = np.random.RandomState(1).permutation(len(y))
        one, other = (
            make(scoring="loss", **params).fit(
                X2, y2, X_val=X2[o], y_val=y2[o], sample_weight_val=WEIGHTS[o]
            )
            for o in (np.arange(len(y)), order)
        )
        assert_close(one, other, ORDER if params in FULL_BATCH else SINGLE)

    @pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
    def test_of_prediction_rows_does_not_matter(self, method):
        order = np.random.RandomState(1).permutation(len(y))
        predict = getattr(make().fit(X, y), method)
        np.testing.assert_allclose(predict(X)[order], predict(X[order]), rtol=PASS)


class TestWeightsAndCopies:
    """A weight of 2 and a row twice; a weight of 0 and no row."""

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

    # Not for two classes: unweighted, their rows are split as MLPClassifier does it,
    # by their positions.
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
    @pytest.mark.parametrize("params", EVERY_WAY, ids=name)
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
    @pytest.mark.parametrize("params", EVERY_WAY, ids=name)
    def test_weights_of_0_and_1_choose_rows(self, params, problem):
        X_, y_ = PROBLEMS[problem]
        w = (np.random.RandomState(3).uniform(size=len(y_)) < 0.7) * 1.0
        if params.get("batch_size", 0) == len(y_):
            params = params | {"batch_size": np.count_nonzero(w)}
        one = make(**params).fit(X_, y_, w)
        assert_identical(one, make(**params).fit(X_[w > 0], y_[w > 0]))

    @pytest.mark.parametrize("problem", PROBLEMS)
    @pytest.mark.parametrize("params", [*MINIBATCH, {"solver": "lbfgs"}], ids=name)
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
    @pytest.mark.parametrize("params", EVERY_WAY, ids=name)
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
    """Return how many rows of weight 1 early stopping leaves to train on."""
    recorder = Recorder()
    make(**params | {"scoring": recorder, "max_iter": 1}).fit(X_, y_, np.ones(len(y_)))
    return len(y_) - len(recorder.y)


class TestScaleOfWeights:
    """The unit of the weights."""

    @pytest.mark.parametrize("scale", [1000.0, 1e-300, 1e300])
    @pytest.mark.parametrize("params", EVERY_WAY, ids=name)
    @pytest.mark.parametrize("problem", PROBLEMS)
    def test_does_not_matter(self, params, scale, problem):
        X_, y_ = PROBLEMS[problem]
        one = make(**params).fit(X_, y_, WEIGHTS)
        # A minibatch in float32 may see a weight round the other way.
        rtol = ORDER if params in FULL_BATCH else SINGLE
        assert_close(one, make(**params).fit(X_, y_, WEIGHTS * scale), rtol)

    @pytest.mark.parametrize("scale", [2.0**10, 2.0**-990, 2.0**990])
    @pytest.mark.parametrize("params", EVERY_WAY, ids=name)
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

    def test_of_rows_that_are_held_back_does_not_matter(self):
        # What weighs 1e200 as much as all the rest may land in either part.
        for seed in range(5):
            w = WEIGHTS.copy()
            w[np.random.RandomState(seed).choice(len(w), 3, replace=False)] *= 1e200
            model = make(early_stopping=True, random_state=seed).fit(X, y, w)
            assert np.isfinite(parameters(model)).all()
            assert np.isfinite(model.loss_curve_).all()


class TestLabels:
    """What the classes are called."""

    @pytest.mark.parametrize("params", EVERY_WAY, ids=name)
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_does_not_matter_in_the_same_order(self, params, early_stopping):
        if early_stopping and params.get("batch_size") == len(y):
            params = params | {"batch_size": "auto"}
        params = params | {"early_stopping": early_stopping}
        one = make(**params).fit(X, y)
        for labels in ([-5, 0, 99], ["a", "b", "c"], [0.0, 1.0, 7.0]):
            labels = np.array(labels)
            other = make(**params).fit(X, labels[y])
            assert_identical(one, other)
            np.testing.assert_array_equal(other.predict(X), labels[one.predict(X)])

    @pytest.mark.parametrize("params", EVERY_WAY, ids=name)
    @pytest.mark.parametrize("order", [[1, 2, 0], [2, 1, 0]], ids=str)
    def test_in_another_order_permutes_the_outputs(self, params, order):
        order = np.array(order)

        class Same:
            """Rows and columns of the output layer follow the order of the classes."""

            def __init__(self, order):
                self.order = order

            def draw(self, random_state, n_in, n_out, gain):
                W = random_state.uniform(-0.5, 0.5, (n_in, n_out))
                return (W[:, self.order] if n_out == 3 else W), np.zeros(n_out)

        one = make(weight_init=Same(np.arange(3)), **params).fit(X, y)
        other = make(weight_init=Same(np.argsort(order)), **params).fit(X, order[y])
        # A softmax sums its terms in another order; minibatches are in float32.
        rtol = ORDER if params in FULL_BATCH else SINGLE
        np.testing.assert_allclose(
            other.predict_proba(X)[:, order], one.predict_proba(X), rtol=rtol, atol=rtol
        )
        assert one.loss_curve_ == pytest.approx(other.loss_curve_, rel=rtol)

    def test_the_other_way_round_mirror_two_classes(self):
        class Mirrored:
            def __init__(self, sign):
                self.sign = sign

            def draw(self, random_state, n_in, n_out, gain):
                W = random_state.uniform(-0.5, 0.5, (n_in, n_out))
                return (self.sign * W if n_out == 1 else W), np.zeros(n_out)

        for params in FULL_BATCH:
            one = make(weight_init=Mirrored(1), **params).fit(X2, y2)
            other = make(weight_init=Mirrored(-1), **params).fit(X2, 1 - y2)
            np.testing.assert_allclose(
                one.predict_proba(X2),
                other.predict_proba(X2)[:, ::-1],
                rtol=ORDER,
                atol=ORDER,
            )

    def test_of_a_class_weight_go_with_the_class(self):
        names = np.array(["z", "y", "x"])
        balanced = compute_class_weight("balanced", classes=np.arange(3), y=y[:99])
        weight = dict(zip(names.tolist(), balanced.tolist(), strict=True))
        one = make(class_weight="balanced").fit(X[:99], names[y[:99]])
        assert_close(one, make(class_weight=weight).fit(X[:99], names[y[:99]]))

    def test_of_labels_may_be_in_any_order(self):
        class Same:
            def __init__(self, order):
                self.order = order

            def draw(self, random_state, n_in, n_out, gain):
                W = random_state.uniform(-0.5, 0.5, (n_in, n_out))
                return (W[:, self.order] if n_out == 3 else W), np.zeros(n_out)

        order = np.array([2, 0, 1])
        one = make(weight_init=Same(np.arange(3))).fit(X, Y)
        other = make(weight_init=Same(order)).fit(X, Y[:, order])
        np.testing.assert_allclose(
            other.predict_proba(X), one.predict_proba(X)[:, order], rtol=ORDER
        )


class TestParallel:
    """The number of processes."""

    def test_does_not_matter(self):
        grid = {"solver": list(SOLVERS), "early_stopping": [False, True]}
        one, two = (
            GridSearchCV(make(), grid, cv=2, n_jobs=n_jobs, scoring="neg_log_loss")
            .fit(X, y)
            .cv_results_["mean_test_score"]
            for n_jobs in (1, 2)
        )
        np.testing.assert_array_equal(one, two)


class TestSparse:
    """Dense and sparse features."""

    @pytest.mark.parametrize("params", EVERY_WAY, ids=name)
    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_are_the_same(self, params, early_stopping, weighted):
        if early_stopping:
            params = params | {"early_stopping": True, "validation_fraction": 0.25}
            if params.get("batch_size") == len(y):
                params["batch_size"] = "auto"
        w = WEIGHTS if weighted else None
        X_, y_ = DIGITS[: len(y)], DIGIT[: len(y)]
        dense = make(**params).fit(X_, y_, w)
        other = make(**params).fit(sparse.csr_array(X_), y_, w)
        rtol = ORDER if "batch_size" not in params else SINGLE
        assert_close(dense, other, rtol)
        np.testing.assert_allclose(
            dense.predict_proba(X_),
            other.predict_proba(sparse.csr_array(X_)),
            rtol=rtol,
        )

    @pytest.mark.parametrize("form", ["zeros", "duplicates", "unsorted"])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_the_way_of_storing_does_not_matter(self, form, early_stopping):
        X_ = np.round(X, 1)
        n, m = X_.shape
        plain = sparse.csr_array(X_)
        columns = np.indices(X_.shape)[1].ravel()
        if form == "zeros":
            data, indices, indptr = X_.ravel(), columns, np.arange(0, n * m + 1, m)
        elif form == "duplicates":  # halves of a number are exact
            data, indices = (X_ / 2).ravel().repeat(2), columns.repeat(2)
            indptr = np.arange(0, 2 * n * m + 1, 2 * m)
        else:
            data, indices = X_[:, ::-1].ravel(), columns.reshape(n, m)[:, ::-1].ravel()
            indptr = np.arange(0, n * m + 1, m)
        stored = sparse.csr_array((data, indices, indptr), shape=X_.shape)
        np.testing.assert_array_equal(stored.toarray(), X_)
        params = {"early_stopping": early_stopping, "solver": "lbfgs"}
        one, other = make(**params).fit(plain, y), make(**params).fit(stored, y)
        assert_close(one, other)
        np.testing.assert_allclose(
            one.predict_proba(plain), one.predict_proba(stored), rtol=PASS
        )

    def test_targets_are_the_same(self):
        for params in EVERY_WAY:
            one = make(**params).fit(X, Y)
            assert_identical(one, make(**params).fit(X, sparse.csr_array(Y)))


class TestType:
    """float32 and float64."""

    @pytest.mark.parametrize("params", EVERY_WAY, ids=name)
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
        recorders = Recorder(), Recorder()
        make(scoring=recorders[0], **params).fit(X_, y)
        make(scoring=recorders[1], **params).fit(X_.astype(np.float64), y)
        np.testing.assert_array_equal(recorders[0].X, recorders[1].X)


class TestBlocks:
    """The number of rows that pass through the network at once."""

    METHODS = ("predict_proba", "predict_log_proba", "decision_function")

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("problem", PROBLEMS)
    def test_does_not_matter_for_predictions(self, problem, container):
        X_, y_ = PROBLEMS[problem]
        width = 2000
        size = rows_per_block(X, [width])
        model = make(hidden_layer_sizes=(width,), max_iter=1).fit(X_, y_)
        n = 2 * size + 7
        many = np.resize(X_, (n, X_.shape[1]))
        for method in (*self.METHODS, "predict", "hidden_features"):
            predict = getattr(model, method)
            whole = predict(container(many))
            parts = [predict(container(many[i : i + 10])) for i in range(0, n, 10)]
            np.testing.assert_allclose(
                whole, np.concatenate(parts), rtol=PASS, atol=PASS
            )

    @pytest.mark.parametrize("problem", PROBLEMS)
    def test_may_be_one_row(self, problem):
        X_, y_ = PROBLEMS[problem]
        model = make(hidden_layer_sizes=(30, 20)).fit(X_, y_)
        for method in (*self.METHODS, "predict", "hidden_features"):
            predict = getattr(model, method)
            single = np.concatenate([predict(X_[i : i + 1]) for i in range(20)])
            np.testing.assert_allclose(single, predict(X_[:20]), rtol=PASS, atol=PASS)

    @pytest.mark.parametrize("weighted", [False, True])
    def test_does_not_matter_for_lbfgs(self, weighted, monkeypatch):
        w = WEIGHTS if weighted else None
        params = {"solver": "lbfgs", "early_stopping": True, "scoring": "loss"}
        whole = make(**params).fit(X, y, w)
        monkeypatch.setattr("skffnn.classifier.rows_per_block", lambda X, sizes: 7)
        assert_close(whole, make(**params).fit(X, y, w))

    def test_does_not_matter_for_the_keys_of_the_split(self, monkeypatch):
        whole = make(early_stopping=True).fit(X, y)
        monkeypatch.setattr("skffnn.data.splitting.HASH_ROWS", 7)
        assert_identical(whole, make(early_stopping=True).fit(X, y))


class TestGlobalState:
    """numpy's global random numbers, and what ran before."""

    @pytest.mark.parametrize("params", EVERY_WAY, ids=name)
    def test_does_not_matter_and_is_not_touched(self, params):
        params = params | {"dropout": 0.2, "early_stopping": True}
        if params.get("batch_size") == len(y):
            params["batch_size"] = "auto"
        models = []
        for seed in (0, 1):
            np.random.seed(seed)  # noqa: NPY002
            before = np.random.get_state()  # noqa: NPY002
            models.append(make(**params).fit(X, y))
            after = np.random.get_state()  # noqa: NPY002
            assert before[2] == after[2]
            np.testing.assert_array_equal(before[1], after[1])
        assert_identical(*models)

    @pytest.mark.parametrize("params", EVERY_WAY, ids=name)
    def test_of_the_estimator_does_not_matter(self, params):
        model = make(**params)
        first = model.fit(X, y).predict_proba(X)
        model.fit(X2, y2)
        model.fit(X, Y)
        np.testing.assert_array_equal(model.fit(X, y).predict_proba(X), first)

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_an_integer_is_that_random_state(self, solver):
        params = {"solver": solver, "batch_size": 20, "dropout": 0.2}
        one = make(random_state=3, **params).fit(X, y)
        state = np.random.RandomState(3)
        assert_identical(one, make(random_state=state, **params).fit(X, y))

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_without_a_seed_two_fits_differ(self, solver):
        one, other = (make(random_state=None, solver=solver).fit(X, y) for _ in "ab")
        assert not np.array_equal(parameters(one), parameters(other))

    @pytest.mark.parametrize("schedule", SCHEDULES)
    @pytest.mark.parametrize("penalty", PENALTIES)
    def test_an_object_is_its_name(self, schedule, penalty):
        names = {"learning_rate": schedule, "penalty": penalty, "solver": "sgd"}
        shared = {"max_iter", "power_t"}
        entry = SCHEDULES[schedule]
        fields = {k: make().get_params()[k] for k in shared & set(vars(entry))}
        objects = {
            "learning_rate": entry(**fields),
            "penalty": PENALTIES[penalty](),
            "solver": SOLVERS["sgd"](),
        }
        assert_identical(make(**names).fit(X, y), make(**objects).fit(X, y))


class TestLayout:
    """How the numbers lie in memory."""

    @pytest.mark.parametrize(
        "layout",
        [
            np.asfortranarray,
            lambda a: np.repeat(a, 2, axis=0)[::2],
            lambda a: a[::-1].copy()[::-1],
            lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim == 2 else a,
            lambda a: a.tolist(),
        ],
        ids=["F", "every other row", "backwards", "every other column", "list"],
    )
    @pytest.mark.parametrize("problem", PROBLEMS)
    @pytest.mark.parametrize("params", EVERY_WAY, ids=name)
    def test_does_not_matter(self, params, problem, layout):
        X_, y_ = PROBLEMS[problem]
        one = make(**params).fit(X_, y_, WEIGHTS)
        # A list of lists is not a label indicator matrix to scikit-learn.
        other_y = layout(y_) if problem != "multi-label" else np.asarray(layout(y_))
        other = make(**params).fit(layout(X_), other_y, layout(WEIGHTS))
        assert_identical(one, other)
        np.testing.assert_allclose(
            one.predict_proba(X_), one.predict_proba(layout(X_)), rtol=PASS
        )

    @pytest.mark.parametrize("params", EVERY_WAY, ids=name)
    def test_of_validation_rows_does_not_matter(self, params):
        one = make(**params).fit(X, y, X_val=X, y_val=y)
        other = make(**params).fit(X, y, X_val=np.asfortranarray(X), y_val=y.tolist())
        assert_identical(one, other)


class TestOwnValidationSet:
    """Validation rows that are given, and the same rows split off."""

    @pytest.mark.parametrize("scoring", [None, "loss"])
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_are_the_same(self, solver, weighted, scoring):
        w = WEIGHTS if weighted else np.ones(len(y))
        params = {"solver": solver, "n_iter_no_change": 2, "max_iter": 20}
        recorder = Recorder()
        make(early_stopping=True, scoring=recorder, **params).fit(X, y, w)
        # Some rows of iris are there twice; copies stay together.
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
