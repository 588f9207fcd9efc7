"""What users miss or find broken in MLPClassifier: a class of tests for each topic."""

import pickle
import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight

import skffnn.optim.training
from skffnn import (
    ACTIVATIONS,
    LBFGS,
    SCHEDULES,
    SOLVERS,
    Adaptive,
    Constant,
    Cosine,
    FFNNClassifier,
    OneCycle,
)
from skffnn.data.dataset import FEW_EPOCHS
from skffnn.optim.schedules import Clock

# Two ways to sum the same few hundred float64 numbers differ by some 1e-14 of them,
# and a few epochs of training add little to that.
ROUNDING = 1e-9

# Two solvers stop at a gradient of 1e-10 or less; the curvature of J is no smaller
# than alpha = 1e-2, so that the minima are within 1e-8 of each other. A hundred times
# that.
OPTIMUM = 1e-6

# So small that no parameter changes, and that η g is still no denormal number.
NO_STEP = 1e-100

STEPPERS = [name for name, solver in SOLVERS.items() if not issubclass(solver, LBFGS)]

X, y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
X2, y2 = make_classification(120, 6, flip_y=0.2, random_state=0)
Y = np.column_stack([y == 0, y == 1, X[:, 0] > 0]).astype(int)
RNG = np.random.RandomState(0)
ORDER = RNG.permutation(len(y))
X, y, Y = X[ORDER], y[ORDER], Y[ORDER]
WEIGHTS = RNG.uniform(0.1, 5, len(y))


def make(**params):
    """Make a small network with a seed."""
    small = {"hidden_layer_sizes": (8,), "random_state": 0, "max_iter": 5}
    return FFNNClassifier(**small | params)


def parameters(model):
    """Return θ as one vector."""
    return np.concatenate([a.ravel() for a in (*model.coefs_, *model.intercepts_)])


def curves(model):
    """Return all curves of training."""
    return (
        model.loss_curve_,
        model.validation_scores_,
        model.validation_loss_curve_,
    )


def assert_same(one, other):
    """Assert that two models are equal bit for bit, and their histories too."""
    np.testing.assert_array_equal(parameters(one), parameters(other))
    assert curves(one) == curves(other)
    assert one.best_validation_score_ == other.best_validation_score_
    assert one.t_ == other.t_


def objective(model, X, y, weights=None):
    """Return J(θ), from the probabilities of a model and its weights."""
    log_f = model.predict_log_proba(X)
    ell = -log_f[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    omega = sum(np.sum(W**2) for W in model.coefs_) / 2
    return np.average(ell, weights=weights) + model.alpha * omega


class Recorder:
    """A solver that takes no step and writes down what it is given."""

    decoupled = False

    def __init__(self):
        self.etas, self.dtypes = [], set()

    def init(self, theta):
        return {"v": np.zeros_like(theta)}

    def step(self, theta, grad, state, eta):
        self.etas.append(eta)
        self.dtypes |= {theta.dtype, grad.dtype, state["v"].dtype}


class Scripted:
    """A scorer that says what it was told to say, and repeats the last score."""

    def __init__(self, *scores):
        self.scores = list(scores)
        self.rows = []

    def __call__(self, estimator, X, y, sample_weight=None):
        self.rows.append((X, y, sample_weight))
        return self.scores.pop(0) if len(self.scores) > 1 else self.scores[0]


class TestClassWeight:
    """class_weight."""

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("class_weight", [{0: 1, 1: 7.5, 2: 0.25}, "balanced"])
    def test_is_multiplied_into_the_sample_weights(self, solver, class_weight):
        rows = slice(0, 110)  # no longer balanced
        X_, y_, w = X[rows], y[rows], WEIGHTS[rows]
        by_class = class_weight
        if class_weight == "balanced":
            total = [w[y_ == c].sum() for c in range(3)]
            by_class = {c: 1 / total[c] for c in range(3)}
        one = make(solver=solver, class_weight=class_weight).fit(X_, y_, w)
        product = w * np.array([by_class[c] for c in y_])
        other = make(solver=solver).fit(X_, y_, product)
        np.testing.assert_allclose(parameters(one), parameters(other), rtol=ROUNDING)

    def test_balanced_is_that_of_scikit_learn(self):
        X_, y_ = X[:110], y[:110]
        balanced = compute_class_weight("balanced", classes=np.arange(3), y=y_)
        one = make(class_weight="balanced").fit(X_, y_)
        other = make(class_weight=dict(enumerate(balanced))).fit(X_, y_)
        np.testing.assert_allclose(parameters(one), parameters(other), rtol=ROUNDING)

    def test_is_by_label_whatever_the_labels_are(self):
        names = np.array(["setosa", "versicolor", "virginica"])
        one = make(class_weight={0: 3, 2: 0.5}).fit(X, y)
        other = make(class_weight={"setosa": 3, "virginica": 0.5}).fit(X, names[y])
        np.testing.assert_array_equal(parameters(one), parameters(other))

    def test_finds_a_rare_class(self):
        X_, y_ = make_classification(
            300, 5, weights=[0.95], class_sep=0.5, flip_y=0.1, random_state=0
        )
        plain, balanced = (
            make(class_weight=w, solver="lbfgs", max_iter=100, alpha=0.01).fit(X_, y_)
            for w in (None, "balanced")
        )
        recall = get_scorer("recall")
        assert recall(balanced, X_, y_) > recall(plain, X_, y_)

    @pytest.mark.parametrize("class_weight", ["balanced", {0: 1, 1: 2, 2: 3}])
    def test_makes_early_stopping_watch_the_loss(self, class_weight):
        model = make(early_stopping=True, class_weight=class_weight).fit(X, y)
        assert model.validation_scores_ == [
            -loss for loss in model.validation_loss_curve_
        ]
        scored = make(
            early_stopping=True, class_weight=class_weight, scoring="accuracy"
        ).fit(X, y)
        assert all(0 <= score <= 1 for score in scored.validation_scores_)

    @pytest.mark.parametrize("class_weight", [{1: 2.0, 2: 3.0}, "balanced"])
    def test_of_a_class_that_a_chunk_does_not_have_is_no_error(self, class_weight):
        chunk = y < 2
        model = make(class_weight=class_weight)
        model.partial_fit(X[chunk], y[chunk], classes=[0, 1, 2])
        weights = (
            np.where(y[chunk] == 1, 2.0, 1.0)
            if class_weight != "balanced"
            else (1 / np.bincount(y[chunk])[y[chunk]])
        )
        other = make().partial_fit(
            X[chunk], y[chunk], classes=[0, 1, 2], sample_weight=weights
        )
        np.testing.assert_allclose(parameters(model), parameters(other), rtol=ROUNDING)

    def test_weighs_multilabel_rows(self):
        by_label = [{0: 1, 1: 2}, {0: 1, 1: 3}, {0: 0.5, 1: 1}]
        weights = np.prod(
            [[w[v] for v in column] for w, column in zip(by_label, Y.T, strict=True)],
            axis=0,
        )
        one, other = make(class_weight=by_label).fit(X, Y), make().fit(X, Y, weights)
        np.testing.assert_allclose(parameters(one), parameters(other), rtol=ROUNDING)


class TestAlpha:
    """alpha."""

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_does_not_depend_on_the_batch_size(self, solver):
        # Each half of the rows twice has the gradient of all: two steps an epoch.
        twice = make(
            solver=solver,
            alpha=0.5,
            shuffle=False,
            max_iter=3,
            batch_size=150,
            dtype="float64",
        ).fit(np.tile(X, (2, 1)), np.tile(y, 2))
        once = make(solver=solver, alpha=0.5, shuffle=False, max_iter=6).fit(X, y)
        np.testing.assert_allclose(parameters(twice), parameters(once), rtol=ROUNDING)

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("scale", [1e-3, 1e3])
    def test_does_not_depend_on_the_scale_of_the_weights(self, solver, scale):
        one = make(solver=solver, alpha=0.5).fit(X, y, WEIGHTS)
        other = make(solver=solver, alpha=0.5).fit(X, y, WEIGHTS * scale)
        np.testing.assert_allclose(parameters(one), parameters(other), rtol=ROUNDING)

    def test_does_not_depend_on_the_number_of_rows(self):
        one = make(solver="lbfgs", alpha=0.5).fit(X, y)
        other = make(solver="lbfgs", alpha=0.5)
        other.fit(np.tile(X, (3, 1)), np.tile(y, 3))
        np.testing.assert_allclose(parameters(one), parameters(other), rtol=ROUNDING)

    def test_converts_to_that_of_mlpclassifier(self):
        settings = {
            "hidden_layer_sizes": (8,),
            "random_state": 0,
            "max_iter": 4,
            "batch_size": 30,
            "tol": 0.0,
        }
        with pytest.warns(ConvergenceWarning):
            theirs = MLPClassifier(alpha=3.0, **settings).fit(X, y)
        ours = FFNNClassifier(alpha=3.0 / 30, dtype="float64", **settings).fit(X, y)
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=ROUNDING)

    @pytest.mark.parametrize("alpha", [0.0, 0.3])
    def test_is_the_factor_in_the_objective(self, alpha):
        start = make(learning_rate_init=NO_STEP, max_iter=1, alpha=alpha).fit(X, y)
        assert start.loss_ == pytest.approx(objective(start, X, y), rel=ROUNDING)


class TestSampleWeight:
    """sample_weight."""

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_a_batch_of_zero_weights_is_harmless(self, solver):
        weights = np.repeat([0.0, 1.0, 0.0, 1.0, 1.0], 30)
        model = make(solver=solver, batch_size=30, shuffle=False).fit(X, y, weights)
        assert np.isfinite(parameters(model)).all()

    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_the_split_heeds_weights(self, n_classes):
        rows = y < n_classes
        X_, y_, w = X[rows], y[rows], WEIGHTS[rows]
        scorer = Scripted(0.5)
        make(
            early_stopping=True, validation_fraction=0.3, scoring=scorer, max_iter=1
        ).fit(X_, y_, w)
        _, y_val, w_val = scorer.rows[0]
        for c in range(n_classes):
            share = w_val[y_val == c].sum() / w[y_ == c].sum()
            # The nearest that whole rows come to 0.3 is within half the largest row.
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


class TestDropout:
    """dropout, per-layer or custom activation."""

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_is_on_in_training_and_off_in_prediction(self, solver):
        model = make(dropout=0.5, solver=solver).fit(X, y)
        np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))
        plain = make(solver=solver).fit(X, y)
        assert not np.array_equal(parameters(model), parameters(plain))

    def test_masks_are_drawn_anew(self):
        losses = make(dropout=0.5, learning_rate_init=NO_STEP).fit(X, y).loss_curve_
        assert len(set(losses)) == len(losses)
        losses = make(dropout=0.0, learning_rate_init=NO_STEP).fit(X, y).loss_curve_
        assert len(set(losses)) == 1

    @pytest.mark.parametrize(
        ("rates", "dropped"),
        [(0.5, (1, 1)), ((0.5, 0), (1, 0)), ([0, 0.5], (0, 1)), ((0, 0), (0, 0))],
    )
    def test_has_a_rate_for_each_layer(self, rates, dropped):
        # The identity shows what the next layer gets: a layer of ones, or its mask.
        class Ones:
            def forward(self, a, h, d=None):
                h[...] = 1
                if d is not None:
                    d[...] = 0

        seen = []

        class Spy:
            def __init__(self, k):
                self.k = k

            def forward(self, a, h, d=None):
                if d is not None:
                    seen.append((self.k, a.copy()))
                Ones().forward(a, h, d)

        class Unit:
            def draw(self, random_state, n_in, n_out, gain):
                return np.ones((n_in, n_out)), np.zeros(n_out)

        model = make(
            hidden_layer_sizes=(8, 8),
            activation=(Ones(), Spy(1)),
            dropout=rates,
            weight_init=Unit(),
            learning_rate_init=NO_STEP,
            max_iter=1,
        ).fit(X, y)
        ((_, a),) = seen
        assert (np.unique(a).tolist() != [8.0]) == bool(dropped[0])
        # All logits are the same sum, so that the loss is ln 3 whatever is dropped.
        assert model.loss_ == pytest.approx(
            np.log(3) + model.alpha * (32 + 64 + 24) / 2, rel=ROUNDING
        )

    @pytest.mark.parametrize("first", ACTIVATIONS)
    def test_each_layer_has_its_activation(self, first):
        model = make(hidden_layer_sizes=(6, 5), activation=(first, "tanh")).fit(X, y)
        a = X @ model.coefs_[0] + model.intercepts_[0]
        h = np.empty_like(a)
        ACTIVATIONS[first]().forward(a, h)
        h = np.tanh(h @ model.coefs_[1] + model.intercepts_[1])
        np.testing.assert_allclose(model.hidden_features(X), h, rtol=ROUNDING)

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_an_activation_may_be_an_object(self, solver):
        class Own:
            def forward(self, a, h, d=None):
                h[...] = np.tanh(a)
                if d is not None:
                    d[...] = 1 - h**2

        own = make(activation=Own(), solver=solver).fit(X, y)
        named = make(activation="tanh", solver=solver).fit(X, y)
        np.testing.assert_allclose(parameters(own), parameters(named), rtol=ROUNDING)


class TestOwnValidationSet:
    """own validation set, validation metric, validation loss per epoch."""

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


class TestEarlyStoppingSplit:
    """early-stopping split."""

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("n_classes", [2, 3, 10])
    def test_is_stratified(self, n_classes, weighted):
        X_, y_ = load_digits(n_class=n_classes, return_X_y=True)
        rng = np.random.RandomState(1)
        rare = (y_ == 0) & (rng.uniform(size=len(y_)) > 0.2)
        X_, y_ = X_[~rare], y_[~rare]
        scorer = Scripted(0.5)
        weights = np.ones(len(y_)) if weighted else None
        make(
            early_stopping=True, validation_fraction=0.25, scoring=scorer, max_iter=1
        ).fit(X_, y_, weights)
        counts = np.bincount(scorer.rows[0][1], minlength=n_classes)
        # Whole rows: each class is at most one away from its exact part.
        assert (abs(counts - 0.25 * np.bincount(y_)) <= 1).all()

    @pytest.mark.parametrize("n_copies", [2, 3])
    def test_keeps_copies_of_a_row_together(self, n_copies):
        scorer = Scripted(0.5)
        make(
            early_stopping=True, validation_fraction=0.3, scoring=scorer, max_iter=1
        ).fit(np.tile(X, (n_copies, 1)), np.tile(y, n_copies))
        rows = scorer.rows[0][0]
        _, counts = np.unique(rows, axis=0, return_counts=True)
        assert (counts % n_copies == 0).all()

    def test_tells_rows_of_small_integers_apart(self):
        rng = np.random.RandomState(0)
        X_ = rng.randint(2, size=(600, 30)).astype(float)  # no two rows are equal
        assert len(np.unique(X_, axis=0)) == 600
        y_ = np.repeat([0, 1, 2], 200)
        scorer = Scripted(0.5)
        make(
            early_stopping=True, validation_fraction=0.1, scoring=scorer, max_iter=1
        ).fit(X_, y_)
        assert np.bincount(scorer.rows[0][1]).tolist() == [20, 20, 20]

    def test_does_not_always_validate_on_the_same_rows(self):
        X_ = np.vstack([np.zeros(4), X[y < 2], X[y == 2]])
        y_ = np.r_[0, np.sort(y)]
        held_back = []
        for seed in range(10):
            scorer = Scripted(0.5)
            make(
                early_stopping=True, scoring=scorer, max_iter=1, random_state=seed
            ).fit(X_, y_)
            held_back.append((scorer.rows[0][0] == 0).all(axis=1).any())
        # By chance a tenth of the seeds, and all ten with probability 1e-10.
        assert not all(held_back)


class TestEarlyStoppingThenAWarmFit:
    """early stopping, then a warm fit."""

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


class TestBestWeights:
    """best weights."""

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("own", [False, True])
    def test_are_restored_whenever_there_is_a_validation_set(self, solver, own):
        def fit(max_iter, *scores):
            model = make(
                solver=solver,
                max_iter=max_iter,
                scoring=Scripted(*scores),
                early_stopping=not own,
                tol=0.0,
            )
            kwargs = {"X_val": X[:50], "y_val": y[:50]} if own else {}
            return model.fit(X, y, **kwargs)

        best = fit(5, 0.1, 0.9, 0.2, 0.3, 0.4)
        stopped_there = fit(2, 0.1, 0.9)
        np.testing.assert_array_equal(parameters(best), parameters(stopped_there))
        assert best.best_validation_score_ == 0.9

    def test_nan_counts_as_no_improvement(self):
        model = make(
            max_iter=50, n_iter_no_change=3, scoring=Scripted(0.5, np.nan)
        ).fit(X, y, X_val=X, y_val=y)
        assert model.n_iter_ == 1 + 4
        assert model.best_validation_score_ == 0.5

    @pytest.mark.parametrize("n_nan", [1, 2])
    def test_nan_does_not_hide_a_later_improvement(self, n_nan):
        scores = [
            value
            for score in np.linspace(0.1, 0.8, 8)
            for value in [score, *[np.nan] * n_nan]
        ]
        model = make(
            max_iter=len(scores), n_iter_no_change=n_nan, scoring=Scripted(*scores)
        ).fit(X, y, X_val=X, y_val=y)
        assert model.n_iter_ == len(scores)
        assert model.best_validation_score_ == pytest.approx(0.8)

    def test_nan_at_first_does_not_hide_a_later_improvement(self):
        model = make(
            max_iter=4, n_iter_no_change=1, scoring=Scripted(np.nan, 0.1, np.nan, 0.2)
        ).fit(X, y, X_val=X, y_val=y)
        assert model.n_iter_ == 4

    def test_of_nan_alone_are_the_last(self):
        model = make(max_iter=50, n_iter_no_change=3, scoring=Scripted(np.nan))
        model.fit(X, y, X_val=X, y_val=y)
        assert model.n_iter_ == 4
        assert np.isfinite(parameters(model)).all()

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_divergence_is_a_clear_error(self, solver):
        model = make(solver=solver, learning_rate_init=1e300)
        message = r"diverged in epoch \d+ at learning rate 1e\+300.*learning_rate_init"
        with pytest.raises(ValueError, match=message):
            model.fit(X, y)
        assert not hasattr(model, "coefs_")

    @pytest.mark.parametrize("scale", [1e160, 1e300])
    def test_divergence_of_lbfgs_is_a_clear_error(self, scale):
        with pytest.raises(ValueError, match=r"diverged.*[Ss]cale the features"):
            make(solver="lbfgs").fit(X * scale, y)

    @pytest.mark.parametrize("how", ["fit", "warm fit", "partial_fit"])
    def test_after_divergence_a_fitted_estimator_is_as_it_was(self, how):
        model = make(warm_start=how == "warm fit", solver="sgd", batch_size=30)
        model.fit(X, y)
        before, predictions = vars(model).copy(), model.predict_proba(X)
        frozen = pickle.dumps(before)
        model.learning_rate_init = 1e300
        with pytest.raises(ValueError, match="diverged"):
            (model.partial_fit if how == "partial_fit" else model.fit)(X, y)
        model.learning_rate_init = before["learning_rate_init"]
        after = vars(model)
        assert after.keys() == before.keys()
        assert all(after[name] is before[name] for name in before)
        assert pickle.dumps(after) == frozen
        np.testing.assert_array_equal(model.predict_proba(X), predictions)

    @pytest.mark.parametrize("solver", STEPPERS)
    @pytest.mark.parametrize("exponent", [5, 20, 40, 80, 160, 200, 300])
    @pytest.mark.parametrize("batch_size", [50, 150])
    def test_a_fit_without_error_gives_probabilities(
        self, solver, exponent, batch_size
    ):
        model = make(
            solver=solver,
            learning_rate_init=10.0**exponent,
            max_iter=1,
            batch_size=batch_size,
        )
        try:
            model.fit(X, y)
        except ValueError as error:
            assert "diverged" in str(error)  # noqa: PT017
        else:
            assert np.isfinite(model.predict_proba(X)).all()


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
    """warm_start."""

    @pytest.mark.parametrize("stream", STREAMS)
    @pytest.mark.parametrize("solver", STEPPERS)
    def test_five_and_five_epochs_are_ten(self, solver, stream):
        params = {"batch_size": 30, "solver": solver} | STREAMS[stream]
        params["batch_size"] -= 15 * params.get("early_stopping", False)
        whole = make(max_iter=10, **params).fit(X, y)
        parts = make(max_iter=5, warm_start=True, **params).fit(X, y).fit(X, y)
        assert_same(whole, parts)
        assert (whole.n_iter_, parts.n_iter_) == (10, 5)

    @pytest.mark.parametrize("batch_size", [30, 150])
    @pytest.mark.parametrize("solver", STEPPERS)
    def test_five_and_five_epochs_are_ten_for_float32_input(self, solver, batch_size):
        X_ = X.astype(np.float32)
        params = {"solver": solver, "batch_size": batch_size}
        whole = make(max_iter=10, **params).fit(X_, y)
        parts = make(max_iter=5, warm_start=True, **params).fit(X_, y).fit(X_, y)
        assert_same(whole, parts)

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
        assert_same(whole, parts)

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
        assert_same(whole, parts)

    def test_five_and_five_epochs_are_ten_on_a_validation_set(self):
        kwargs = {"X_val": X[:50], "y_val": y[:50]}
        whole = make(max_iter=10).fit(X[50:], y[50:], **kwargs)
        parts = make(max_iter=5, warm_start=True)
        parts.fit(X[50:], y[50:], **kwargs).fit(X[50:], y[50:], **kwargs)
        assert_same(whole, parts)

    def test_five_and_five_epochs_are_ten_after_pickling(self):
        whole = make(max_iter=10, batch_size=30, dropout=0.2).fit(X, y)
        parts = make(max_iter=5, batch_size=30, dropout=0.2, warm_start=True).fit(X, y)
        assert_same(whole, pickle.loads(pickle.dumps(parts)).fit(X, y))

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
        assert_same(whole, parts)

    @pytest.mark.parametrize("solver", STEPPERS)
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_after_convergence_patience_starts_anew(self, solver, early_stopping):
        # No epoch but the first improves by so much.
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
    def test_another_solver_goes_on(self, first, second):
        model = make(solver=first, warm_start=True, max_iter=20).fit(X, y)
        start, n_epochs = objective(model, X, y), len(model.loss_curve_)
        model.set_params(solver=second, alpha=0.0).fit(X, y)
        assert len(model.loss_curve_) == n_epochs + model.n_iter_
        # Steps of 0.001 from there do no worse than from the beginning.
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
        "other", [y + 1, y % 2, np.array(["a", "b", "c"])[y], Y], ids=str
    )
    def test_other_classes_are_an_error(self, other):
        model = make(warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match=r"classes.*\[0 1 2\]"):
            model.fit(X, other)

    def test_another_number_of_features_is_an_error(self):
        model = make(warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match=r"3 features.*expecting 4"):
            model.fit(X[:, :3], y)

    def test_other_rows_go_on(self):
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
    def test_other_changes_go_on(self, change):
        model = make(warm_start=True, solver="sgd", batch_size=30).fit(X, y)
        model.set_params(**change).fit(X, y).fit(X, y)
        assert len(model.loss_curve_) == 15


class TestIntegerRandomState:
    """integer random_state."""

    @pytest.mark.parametrize("dropout", [0.0, 0.5])
    @pytest.mark.parametrize("solver", STEPPERS)
    def test_partial_fit_goes_on_with_the_stream(self, solver, dropout):
        params = {"batch_size": 30, "solver": solver, "dropout": dropout}
        epochs = make(max_iter=4, **params).fit(X, y)
        calls = make(**params)
        for _ in range(4):
            calls.partial_fit(X, y, classes=[0, 1, 2])
        assert_same(epochs, calls)

    def test_fit_starts_it_again(self):
        model = make(batch_size=30).fit(X, y)
        first = parameters(model)
        np.testing.assert_array_equal(parameters(model.fit(X, y)), first)


class TestFloat32Input:
    """float32 input."""

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
        recorder = Recorder()
        make(solver=recorder, batch_size=30).fit(X.astype(np.float32), y)
        assert recorder.dtypes == {np.dtype(np.float32)}

    @pytest.mark.parametrize("name", STEPPERS)
    def test_the_update_keeps_the_type(self, name):
        solver = SOLVERS[name]()
        theta, grad = np.ones(3, np.float32), np.ones(3, np.float32)
        state = solver.init(theta)
        solver.step(theta, grad, state, 0.1)
        arrays = [theta, *(a for a in state.values() if np.ndim(a))]
        assert {a.dtype for a in arrays} == {np.dtype(np.float32)}

    def test_of_single_rows_to_a_float64_model_is_answered_in_float32(self):
        model = make().fit(X, y)
        assert model.predict_proba(X[:1].astype(np.float32)).dtype == np.float32
        assert model.predict_proba(X[:1]).dtype == np.float64


class TestLBFGS:
    """lbfgs."""

    @pytest.mark.parametrize("target", ["binary", "multi-class"])
    def test_is_not_stopped_before_the_gradient_is_small(self, target):
        X_, y_ = (X2, y2) if target == "binary" else (X, y)
        alpha = 0.01
        ours = make(
            hidden_layer_sizes=(), solver="lbfgs", alpha=alpha, tol=1e-10, max_iter=1000
        ).fit(X_, y_)
        theirs = LogisticRegression(C=1 / alpha / len(y_), tol=1e-10, max_iter=1000)
        theirs.fit(X_, y_)
        np.testing.assert_allclose(
            ours.predict_proba(X_), theirs.predict_proba(X_), atol=OPTIMUM
        )
        np.testing.assert_allclose(ours.coefs_[0].T, theirs.coef_, atol=OPTIMUM)

    def test_early_stopping_works(self):
        model = make(
            solver="lbfgs",
            early_stopping=True,
            max_iter=300,
            n_iter_no_change=3,
            scoring=Scripted(0.1, 0.2, 0.2),
        ).fit(X, y)
        assert model.n_iter_ == 2 + 4
        assert model.validation_scores_ == [0.1, *[0.2] * 5]
        assert len(model.validation_loss_curve_) == 6

    def test_the_loss_curve_is_there_and_falls(self):
        model = make(solver="lbfgs", max_iter=30).fit(X, y)
        assert len(model.loss_curve_) == model.n_iter_
        assert (np.diff(model.loss_curve_) <= 0).all()
        assert model.loss_ == pytest.approx(objective(model, X, y), rel=ROUNDING)

    @pytest.mark.parametrize("own", [False, True])
    def test_that_starts_at_the_optimum_has_a_loss(self, own):
        kwargs = {"X_val": X, "y_val": y} if own else {}
        model = make(solver="lbfgs", tol=1e9, warm_start=True).fit(X, y, **kwargs)
        assert model.loss_ == pytest.approx(objective(model, X, y), rel=ROUNDING)
        if own:
            assert model.best_validation_score_ == model.score(X, y)

    def test_may_run_out_of_evaluations_at_once(self):
        with pytest.warns(ConvergenceWarning, match="max_fun=1 "):
            model = make(solver="lbfgs", max_fun=1).fit(X, y)
        assert np.isfinite(model.predict_proba(X)).all()


class TestLossCurve:
    """loss_curve_."""

    def test_is_gathered_while_the_weights_change(self):
        model = make(warm_start=True, max_iter=1, learning_rate_init=NO_STEP).fit(X, y)
        for _ in range(4):
            before = objective(model, X, y)
            model.set_params(learning_rate_init=0.01).fit(X, y)
            assert model.loss_ == pytest.approx(before, rel=ROUNDING)

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_the_validation_curve_is_exact(self, solver):
        model = make(warm_start=True, max_iter=1, solver=solver, scoring="loss")
        for _ in range(4):
            model.fit(X[50:], y[50:], X_val=X[:50], y_val=y[:50])
            if model.best_validation_score_ == model.validation_scores_[-1]:
                loss = log_loss(y[:50], model.predict_proba(X[:50]))
                assert model.validation_loss_curve_[-1] == pytest.approx(
                    loss, rel=ROUNDING
                )

    @pytest.mark.parametrize("alpha", [0.0, 10.0])
    def test_the_validation_curve_has_no_penalty(self, alpha):
        model = make(max_iter=1, alpha=alpha, learning_rate_init=NO_STEP)
        model.fit(X, y, X_val=X, y_val=y)
        loss = log_loss(y, model.predict_proba(X))
        assert model.validation_loss_curve_ == pytest.approx([loss], rel=ROUNDING)


class TestPredictLogProba:
    """predict_log_proba."""

    @pytest.mark.parametrize("target", ["binary", "multi-class", "multi-label"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_is_finite_where_a_probability_underflows(self, target, dtype):
        X_, y_ = {"binary": (X2, y2), "multi-class": (X, y), "multi-label": (X, Y)}[
            target
        ]
        model = make().fit(X_, y_)
        far = (X_ * 1e7).astype(dtype)
        f, log_f = model.predict_proba(far), model.predict_log_proba(far)
        assert (f == 0).any()
        assert np.isfinite(log_f).all()
        assert np.isfinite(f).all()

    @pytest.mark.parametrize("target", ["binary", "multi-class", "multi-label"])
    def test_is_the_logarithm(self, target):
        X_, y_ = {"binary": (X2, y2), "multi-class": (X, y), "multi-label": (X, Y)}[
            target
        ]
        model = make().fit(X_, y_)
        expected = np.log(model.predict_proba(X_))
        np.testing.assert_allclose(
            model.predict_log_proba(X_), expected, rtol=ROUNDING, atol=1e-14
        )


class TestDecisionFunction:
    """decision_function, hidden activations."""

    def test_of_many_classes_are_the_logits_of_softmax(self):
        model = make().fit(X, y)
        e = np.exp(model.decision_function(X))
        f = e / e.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(model.predict_proba(X), f, rtol=ROUNDING)

    def test_of_two_classes_is_the_log_odds_of_the_second(self):
        model = make().fit(X2, y2)
        f = 1 / (1 + np.exp(-model.decision_function(X2)))
        np.testing.assert_allclose(model.predict_proba(X2)[:, 1], f, rtol=ROUNDING)
        np.testing.assert_array_equal(
            model.predict(X2), model.classes_[(model.decision_function(X2) > 0) * 1]
        )

    def test_of_labels_are_the_log_odds_of_each(self):
        model = make().fit(X, Y)
        f = 1 / (1 + np.exp(-model.decision_function(X)))
        np.testing.assert_allclose(model.predict_proba(X), f, rtol=ROUNDING)

    @pytest.mark.parametrize("name", ACTIVATIONS)
    def test_hidden_features_are_the_recursion(self, name):
        model = make(hidden_layer_sizes=(7, 6, 5), activation=name).fit(X, y)
        h, g = X, ACTIVATIONS[name]()
        for k in range(3):
            a = h @ model.coefs_[k] + model.intercepts_[k]
            h = np.empty_like(a)
            g.forward(a, h)
            for layer in (k, k - 3):
                np.testing.assert_allclose(
                    model.hidden_features(X, layer=layer), h, rtol=ROUNDING
                )
        logits = h @ model.coefs_[3] + model.intercepts_[3]
        np.testing.assert_allclose(model.decision_function(X), logits, rtol=ROUNDING)

    @pytest.mark.parametrize("sizes", [(), (4,), (4, 4)])
    def test_a_layer_that_does_not_exist_is_an_error(self, sizes):
        model = make(hidden_layer_sizes=sizes).fit(X, y)
        for layer in (len(sizes), -len(sizes) - 1, 0.0, None):
            with pytest.raises(ValueError, match="layer"):
                model.hidden_features(X, layer=layer)


class TestSchedulesWithAdam:
    """learning-rate schedules with adam."""

    @pytest.mark.parametrize("solver", STEPPERS)
    @pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "constant"])
    def test_apply_to_every_stochastic_solver(self, solver, name):
        # Patience of one epoch and an improvement that none makes: adaptive drops.
        params = {"solver": solver, "n_iter_no_change": 1, "tol": 1e3}
        constant = make(learning_rate="constant", max_iter=8, **params).fit(X, y)
        other = make(learning_rate=name, max_iter=8, **params).fit(X, y)
        assert not np.array_equal(parameters(constant), parameters(other))

    @pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "adaptive"])
    def test_the_solver_gets_the_rate_of_the_schedule(self, name):
        recorder = Recorder()
        schedule = SCHEDULES[name]()
        make(
            solver=recorder,
            learning_rate=schedule,
            learning_rate_init=0.3,
            batch_size=60,
            max_iter=3,
        ).fit(X, y)
        clocks = [Clock(150 * e, e, i / 3) for e in range(3) for i in range(3)]
        expected = [0.3 * schedule.factor(clock) for clock in clocks]
        assert recorder.etas == pytest.approx(expected, rel=ROUNDING)


class TestPartialFitArguments:
    """partial_fit: `classes` and `sample_weight` positions."""

    def test_are_keyword_only(self):
        with pytest.raises(TypeError, match="positional"):
            make().partial_fit(X, y, [0, 1, 2])
        with pytest.raises(TypeError, match="positional"):
            make().partial_fit(X, y, np.ones(len(y)))
        model = make().partial_fit(
            X, y, sample_weight=np.ones(len(y)), classes=[0, 1, 2]
        )
        assert model.t_ == len(y)


class TestPartialFitHistory:
    """partial_fit, growing pickle."""

    def test_history_is_bounded(self, monkeypatch):
        monkeypatch.setattr(skffnn.optim.training, "MAX_HISTORY", 10)
        model, sizes = make(), []
        for _ in range(40):
            model.partial_fit(X, y, classes=[0, 1, 2])
            sizes.append(len(pickle.dumps(model)))
        assert len(model.loss_curve_) == 10
        # From the tenth on, only integers such as the rows seen grow, by some digits.
        assert sizes[-1] - sizes[10] <= 32
        assert model.t_ == 40 * len(y)

    def test_the_last_epochs_are_remembered(self, monkeypatch):
        whole = make(max_iter=15, early_stopping=True).fit(X, y)
        monkeypatch.setattr(skffnn.optim.training, "MAX_HISTORY", 4)
        short = make(max_iter=15, early_stopping=True).fit(X, y)
        for kept, curve in zip(curves(short), curves(whole), strict=True):
            assert kept == curve[-4:]
        assert whole.best_validation_score_ == short.best_validation_score_

    def test_the_bound_is_generous(self):
        assert skffnn.optim.training.MAX_HISTORY >= 1000


class TestPartialFitWithEarlyStopping:
    """partial_fit with early_stopping."""

    def test_is_absent_with_an_error_that_names_the_way(self):
        model = make(early_stopping=True)
        assert not hasattr(model, "partial_fit")
        with pytest.raises(AttributeError) as error:
            model.partial_fit(X, y, classes=[0, 1, 2])
        said = f"{error.value} {error.value.__cause__}"
        assert "early_stopping" in said
        assert "X_val" in said

    @pytest.mark.parametrize("solver", ["lbfgs", LBFGS()], ids=str)
    def test_is_absent_with_lbfgs(self, solver):
        model = make(solver=solver)
        assert not hasattr(model, "partial_fit")
        with pytest.raises(AttributeError) as error:
            model.partial_fit(X, y, classes=[0, 1, 2])
        assert "lbfgs" in f"{error.value} {error.value.__cause__}"

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_is_there_otherwise(self, solver):
        assert hasattr(make(solver=solver), "partial_fit")
        assert hasattr(make(solver=SOLVERS[solver]()), "partial_fit")


class TestMultiLabelSparse:
    """multi-label, sparse y."""

    @pytest.mark.parametrize("container", [sparse.csr_array, sparse.csr_matrix])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_predictions_are_sparse_when_y_was(self, container, early_stopping):
        dense = make(early_stopping=early_stopping).fit(X, Y)
        model = make(early_stopping=early_stopping).fit(X, container(Y))
        predictions = model.predict(X)
        assert sparse.issparse(predictions)
        np.testing.assert_array_equal(predictions.toarray(), dense.predict(X))
        assert isinstance(dense.predict(X), np.ndarray)
        np.testing.assert_array_equal(parameters(model), parameters(dense))
        assert model.score(X, container(Y)) == dense.score(X, Y)

    def test_a_warm_fit_follows_its_own_targets(self):
        model = make(warm_start=True).fit(X, Y).fit(X, sparse.csr_array(Y))
        assert sparse.issparse(model.predict(X))
        assert isinstance(model.fit(X, Y).predict(X), np.ndarray)

    def test_partial_fit_too(self):
        model = make().partial_fit(X, sparse.csr_array(Y))
        assert sparse.issparse(model.predict(X))


class TestMemoryAndSpeed:
    """memory and speed."""

    @pytest.mark.parametrize(
        "method",
        ["predict", "predict_proba", "predict_log_proba", "decision_function", "score"],
    )
    def test_rows_are_predicted_in_blocks(self, method):
        n, width = 20_000, 200
        model = make(hidden_layer_sizes=(width,), max_iter=1).fit(X, y)
        X_ = np.tile(X, (n // len(X) + 1, 1))[:n]
        args = (X_, np.tile(y, n // len(y) + 1)[:n]) if method == "score" else (X_,)
        # The hidden layer of all rows alone is n × width × 8 = 32 MB.
        assert peak_memory(getattr(model, method), *args) < n * width * 8 / 3

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_training_does_not_grow_with_the_rows_times_the_width(self, solver):
        n, width = 30_000, 200
        X_ = np.tile(X, (n // len(X) + 1, 1))[:n]
        y_ = np.tile(y, n // len(y) + 1)[:n]
        model = make(hidden_layer_sizes=(width,), max_iter=1, solver=solver)
        assert peak_memory(model.fit, X_, y_) < n * width * 8 / 3

    def test_a_few_epochs_make_no_copy_of_X(self):
        X_, y_ = np.tile(X, (400, 10)), np.tile(y, 400)
        assert X_.dtype == np.float64
        few = peak_memory(make(max_iter=FEW_EPOCHS).fit, X_, y_)
        many = peak_memory(make(max_iter=FEW_EPOCHS + 1).fit, X_, y_)
        assert few < X_.nbytes / 4
        assert X_.nbytes / 2 < many < X_.nbytes * 3 / 4  # X in float32

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_rows_are_the_same_whether_converted_at_once_or_batch_by_batch(
        self, container
    ):
        params = {"batch_size": 16, "early_stopping": True}
        few = make(max_iter=FEW_EPOCHS, **params).fit(container(X), y)
        many = make(max_iter=FEW_EPOCHS + 1, **params).fit(container(X), y)
        assert few.loss_curve_ == many.loss_curve_[:FEW_EPOCHS]
        assert few.validation_scores_ == many.validation_scores_[:FEW_EPOCHS]

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_a_step_makes_nothing_as_large_as_the_parameters(self, solver):
        class Watched:
            decoupled = SOLVERS[solver].decoupled
            real, largest = SOLVERS[solver](), 0

            def init(self, theta):
                return self.real.init(theta)

            def step(self, theta, grad, state, eta):
                _, peak = tracemalloc.get_traced_memory()
                if self.begun:
                    self.largest = max(self.largest, peak - self.used)
                self.real.step(theta, grad, state, eta)
                self.begun = True
                tracemalloc.reset_peak()
                self.used = tracemalloc.get_traced_memory()[0]

            begun = False

        watched = Watched()
        X_ = np.tile(X, (8, 100))  # six batches of 200 rows
        y_ = np.tile(y, 8)
        # One epoch: between its steps nothing is validated or recorded.
        peak_memory(
            make(hidden_layer_sizes=(400,), solver=watched, max_iter=1).fit, X_, y_
        )
        assert 0 < watched.largest < 400 * 400 * 4


def peak_memory(function, *args):
    """Return the most bytes in use at once while a function runs."""
    tracemalloc.start()
    try:
        function(*args)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class TestConvergenceWarning:
    """convergence warning."""

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_of_steps_says_what_happened_and_the_remedy(self, solver):
        message = r"max_iter=3 epochs.*tol=0\.0001.*loss.*(Increase|raise)"
        with pytest.warns(ConvergenceWarning, match=message):
            make(solver=solver, max_iter=3).fit(X, y)

    @pytest.mark.parametrize(
        ("params", "limit"),
        [({"max_iter": 3}, "max_iter=3 iterations"), ({"max_fun": 3}, "max_fun=3 ")],
    )
    def test_of_lbfgs_says_which_limit(self, params, limit):
        with pytest.warns(ConvergenceWarning, match=limit):
            make(**{"max_iter": 100} | params, solver="lbfgs").fit(X, y)

    @pytest.mark.filterwarnings("error")
    def test_is_not_given_where_training_has_converged(self):
        make(max_iter=50, tol=1e3, n_iter_no_change=2).fit(X, y)
        make(max_iter=500, solver="lbfgs", tol=1e-3, alpha=0.1).fit(X, y)
        make(max_iter=50, n_iter_no_change=2, scoring=Scripted(0.5)).fit(
            X, y, X_val=X, y_val=y
        )

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("name", ["cosine", "one_cycle"])
    def test_is_not_given_where_max_iter_is_the_plan(self, name):
        make(learning_rate=name).fit(X, y)

    @pytest.mark.filterwarnings("error")
    def test_is_not_given_by_partial_fit(self):
        make().partial_fit(X, y, classes=[0, 1, 2])


class TestAdaptiveRate:
    """adaptive rate after a lucky low loss."""

    def test_the_reference_is_reset_when_the_rate_drops(self):
        recorder = Recorder()
        scores = [0.9, 0.5, 0.5, 0.5, 0.6, 0.7, 0.8, 0.85]
        make(
            solver=recorder,
            learning_rate="adaptive",
            learning_rate_init=1.0,
            n_iter_no_change=2,
            max_iter=8,
            scoring=Scripted(*scores),
        ).fit(X, y, X_val=X, y_val=y)
        # One drop after the lucky 0.9, and none while the score rises.
        assert recorder.etas == [1.0] * 4 + [0.2] * 4

    def test_the_rate_drops_until_it_is_tiny(self):
        recorder = Recorder()
        model = make(
            solver=recorder,
            learning_rate=Adaptive(smallest=0.05),
            tol=1e3,
            learning_rate_init=1.0,
            n_iter_no_change=1,
            max_iter=100,
        ).fit(X, y)
        # No epoch improves: two are tolerated, then the rate is divided by five.
        assert recorder.etas == pytest.approx(
            [1.0] * 3 + [0.2] * 2 + [0.04] * 2, rel=ROUNDING
        )
        assert model.n_iter_ == 7

    def test_a_constant_rate_stays(self):
        recorder = Recorder()
        make(solver=recorder, learning_rate=Constant(), learning_rate_init=0.5).fit(
            X, y
        )
        assert recorder.etas == [0.5] * 5
