"""Multi-output classification: one network with a softmax for each target."""

import pickle

import numpy as np
import pytest
from helpers import (
    ROUNDING,
    WEIGHTS,
    X,
    Y,
    assert_identical,
    assert_same,
    maker,
    parameters,
    snapshot,
    y,
)
from joblib import parallel_config
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.multioutput import MultiOutputClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.class_weight import compute_sample_weight

from skffnn import SOLVERS, AveragedClassifier, load, save
from skffnn.data.labels import Labels
from skffnn.nn.losses import CrossEntropy, Softmax
from skffnn.optim.training import Training

make = maker(max_iter=8, learning_rate_init=0.05)

# L-BFGS until no entry of the gradient exceeds 1e-9. With the penalty below, the
# parameters are then within about 1e-7 of the minimum, and probabilities even closer.
EXACT = {"hidden_layer_sizes": (), "solver": "lbfgs", "tol": 1e-9, "max_iter": 5000}
ALPHA, AT_MINIMUM = 0.01, 1e-6

# Three targets: species and size with three classes each, and two colours.
SIZES = np.digitize(X[:, 0] + X[:, 1], [-1, 1])
COLOURS = (X[:, 2] * X[:, 3] > 0.5).astype(int)
NUMBERS = np.column_stack([y, SIZES + 5, COLOURS])
TEXTS = np.column_stack(
    [
        np.array(["setosa", "versicolor", "virginica"])[y],
        np.array(["small", "medium", "large"])[SIZES],
        np.array(["blue", "red"])[COLOURS],
    ]
)


def mixed():
    """Return a table with columns of strings, numbers and booleans."""
    pd = pytest.importorskip("pandas")
    table = {"name": TEXTS[:, 0], "size": SIZES * 10, "red": COLOURS > 0}
    return pd.DataFrame(table)


@pytest.mark.parametrize(
    "target",
    [NUMBERS, NUMBERS * 1.0, NUMBERS * 2**40, TEXTS, TEXTS.astype(object)],
    ids=["int", "float", "large", "str", "object"],
)
@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"solver": "lbfgs"}])
def test_outputs_are_those_of_scikit_learn_s_trees(target, params):
    model = make(**params).fit(X, target)
    tree = DecisionTreeClassifier().fit(X, target)
    for ours, theirs in zip(model.classes_, tree.classes_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    labels = model.predict(X)
    assert labels.shape == target.shape
    assert labels.dtype == target.dtype
    f, log_f = model.predict_proba(X), model.predict_log_proba(X)
    for j, f_j in enumerate(f):
        assert f_j.shape == tree.predict_proba(X)[j].shape
        np.testing.assert_allclose(f_j.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_allclose(np.exp(log_f[j]), f_j, rtol=1e-6)
        best = model.classes_[j][f_j.argmax(axis=1)]
        np.testing.assert_array_equal(best, labels[:, j])
    assert (labels == target).mean() > 0.6  # guessing gives 0.4
    assert model.n_outputs_ == 3 + 3 + 1  # two classes need only one output
    shapes = [a.shape for a in model.decision_function(X)]
    assert shapes == [(150, 3), (150, 3), (150,)]


def test_columns_of_a_table_keep_their_types():
    table = mixed()
    model = make(max_iter=60).fit(X, table)
    assert [c.dtype.kind for c in model.classes_] == ["O", "i", "b"]
    labels = model.predict(X)
    assert labels.dtype == object
    assert [type(label) for label in labels[0]] == [str, int, bool]
    assert model.score(X, table) == (labels == table.to_numpy()).all(axis=1).mean()
    # Encoded as integers in sorted order, they are the same targets.
    codes = [np.unique(table[name], return_inverse=True)[1] for name in table]
    other = make(max_iter=60).fit(X, np.column_stack(codes))
    assert_identical(model, other)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weights"])
@pytest.mark.parametrize("rows", [X, sparse.csr_array(X)], ids=["dense", "sparse"])
def test_without_a_hidden_layer_each_target_is_alone(rows, weights):
    both = make(**EXACT, alpha=ALPHA).fit(rows, TEXTS, weights)
    f = both.predict_proba(rows)
    total = len(X) if weights is None else weights.sum()
    start = 0
    for j in range(3):
        alone = make(**EXACT, alpha=ALPHA).fit(rows, TEXTS[:, j], weights)
        np.testing.assert_allclose(f[j], alone.predict_proba(rows), atol=AT_MINIMUM)
        columns = slice(start, start + alone.n_outputs_)
        np.testing.assert_allclose(
            both.coefs_[0][:, columns], alone.coefs_[0], atol=AT_MINIMUM
        )
        theirs = LogisticRegression(C=1 / (ALPHA * total), tol=1e-9, max_iter=5000)
        theirs.fit(rows, TEXTS[:, j], weights)
        np.testing.assert_allclose(
            f[j], theirs.predict_proba(rows), atol=10 * AT_MINIMUM
        )
        start = columns.stop


def test_the_loss_is_the_sum_of_the_cross_entropies():
    val = {"X_val": X[::2], "y_val": TEXTS[::2], "sample_weight_val": WEIGHTS[::2]}
    model = make(max_iter=1, dtype="float64").fit(X, TEXTS, **val)
    cross_entropies = [
        log_loss(TEXTS[::2, j], f_j, sample_weight=WEIGHTS[::2])
        for j, f_j in enumerate(model.predict_proba(X[::2]))
    ]
    assert model.validation_loss_curve_ == pytest.approx([sum(cross_entropies)])


@pytest.mark.parametrize("solver", SOLVERS)
def test_targets_of_two_classes_are_multi_label(solver):
    # -1 and 1, or names, have the same likelihood as label indicators.
    indicator = make(solver=solver).fit(X, Y, WEIGHTS)
    for labels in (np.array([-1, 1]), np.array(["no", "yes"])):
        target = labels[Y]
        several = make(solver=solver).fit(X, target, WEIGHTS)
        assert_identical(several, indicator)
        np.testing.assert_array_equal(several.predict(X), labels[indicator.predict(X)])
        for j, f_j in enumerate(several.predict_proba(X)):
            np.testing.assert_array_equal(f_j[:, 1], indicator.predict_proba(X)[:, j])
        assert several.score(X, target) == indicator.score(X, Y)


def test_one_column_is_one_target():
    with pytest.warns(Warning, match="1d array"):
        column = make().fit(X, TEXTS[:, :1])
    assert_identical(column, make().fit(X, TEXTS[:, 0]))
    assert isinstance(column.classes_, np.ndarray)


class TestScore:
    """Accuracy."""

    def test_is_that_of_scikit_learn_s_multi_output_classifier(self):
        model = make().fit(X, TEXTS)
        theirs = MultiOutputClassifier(LogisticRegression()).fit(X, TEXTS)
        theirs.predict = model.predict
        assert model.score(X, TEXTS) == theirs.score(X, TEXTS)

    def test_weights_count_as_copies(self):
        model, counts = make().fit(X, TEXTS), np.arange(len(X)) % 3
        copies = model.score(X.repeat(counts, axis=0), TEXTS.repeat(counts, axis=0))
        assert model.score(X, TEXTS, counts) == pytest.approx(copies, rel=ROUNDING)

    def test_needs_all_targets(self):
        model = make().fit(X, TEXTS)
        with pytest.raises(ValueError, match=r"y must be .* 3 columns.*\(150, 2\)"):
            model.score(X, TEXTS[:, :2])

    def test_is_what_early_stopping_watches(self):
        given = {"X_val": X[::3], "y_val": TEXTS[::3]}
        model = make(max_iter=1).fit(X, TEXTS, **given)
        assert model.validation_scores_ == [model.score(X[::3], TEXTS[::3])]

    def test_may_be_any_scorer(self):
        def of_sizes(model, X, y):
            return (model.predict(X)[:, 1] == y[:, 1]).mean()

        model = make(scoring=of_sizes, early_stopping=True).fit(X, TEXTS)
        assert model.best_validation_score_ > 0.6  # guessing gives a third


class TestClassWeight:
    """The product of the class weights of all targets."""

    @pytest.mark.parametrize(
        "class_weight",
        ["balanced", [{0: 2, 1: 1, 2: 1}, {5: 1, 6: 3, 7: 1}, {0: 1, 1: 0.5}]],
        ids=["balanced", "dicts"],
    )
    def test_is_that_of_scikit_learn(self, class_weight):
        model = make(class_weight=class_weight).fit(X, NUMBERS)
        product = compute_sample_weight(class_weight, NUMBERS)
        other = make().fit(X, NUMBERS, product)
        np.testing.assert_allclose(parameters(model), parameters(other), rtol=ROUNDING)

    @pytest.mark.parametrize("wrong", [{0: 2}, [{0: 2}], "none"])
    def test_that_is_wrong(self, wrong):
        with pytest.raises(ValueError, match="class_weight must be"):
            make(class_weight=wrong).fit(X, NUMBERS)


def test_label_smoothing_is_that_of_each_target():
    smoothed = make(**EXACT, alpha=0, label_smoothing=0.2).fit(X, NUMBERS)
    for j, f_j in enumerate(smoothed.predict_proba(X)):
        alone = make(**EXACT, alpha=0, label_smoothing=0.2).fit(X, NUMBERS[:, j])
        np.testing.assert_allclose(f_j, alone.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outputs_have_the_type_of_the_rows(dtype):
    model = make(dtype="float32").fit(X.astype(dtype), TEXTS)
    outputs = [model.predict_proba, model.predict_log_proba, model.decision_function]
    for method in outputs:
        assert {a.dtype for a in method(X.astype(dtype))} == {np.dtype(dtype)}


def test_a_loss_of_one_s_own_is_that_of_each_target():
    class Half(CrossEntropy):
        def softmax(self):
            return HalfSoftmax()

    class HalfSoftmax(Softmax):
        def loss_and_error(self, a, y):
            ell = super().loss_and_error(a, y)
            a *= 0.5
            return 0.5 * ell

    settings = {**EXACT, "max_iter": 20}
    half = make(**settings, loss=Half(), alpha=ALPHA).fit(X, NUMBERS[:, :2])
    whole = make(**settings, alpha=2 * ALPHA).fit(X, NUMBERS[:, :2])
    np.testing.assert_allclose(half.loss_, whole.loss_ / 2, rtol=1e-3)


class TestGoingOn:
    """partial_fit and warm_start."""

    CLASSES = ([0, 1, 2], np.array([7, 6, 5]), [0, 1])

    def test_a_stream_knows_all_classes_from_its_first_call(self):
        model = make()
        model.partial_fit(X[:2], NUMBERS[:2], classes=self.CLASSES)
        assert [c.tolist() for c in model.classes_] == [[0, 1, 2], [5, 6, 7], [0, 1]]
        for rows in np.array_split(np.arange(150), 5):
            model.partial_fit(X[rows], NUMBERS[rows])
        assert model.t_ == 152
        model.partial_fit(X, NUMBERS, classes=self.CLASSES)

    def test_the_list_of_classes_tells_targets_from_labels(self):
        model = make().partial_fit(X, Y, classes=[[0, 1, 2], [0, 1], [1, 0]])
        assert model.n_outputs_ == 3 + 1 + 1
        assert make().partial_fit(X, Y).classes_.tolist() == [0, 1, 2]  # labels

    def test_without_classes(self):
        model = make()
        with pytest.raises(ValueError, match="classes must be passed on the first"):
            model.partial_fit(X, NUMBERS)
        for wrong in (np.unique(NUMBERS), self.CLASSES[:2], [[0, 1], 2, 3]):
            with pytest.raises(ValueError, match="classes must be a list of 3 arrays"):
                model.partial_fit(X, NUMBERS, classes=wrong)
        assert not snapshot(model)

    def test_unknown_labels_and_other_columns_are_refused(self):
        model = make().partial_fit(X, NUMBERS, classes=self.CLASSES)
        before = snapshot(model)
        with pytest.raises(ValueError, match=r"y\[:, 1\] has labels \[15 16 17\]"):
            model.partial_fit(X, NUMBERS + np.array([0, 10, 0]))
        for wrong in (y, NUMBERS[:, :2], np.hstack([NUMBERS, NUMBERS])):
            with pytest.raises(ValueError, match="y must be an array with 3 columns"):
                model.partial_fit(X, wrong)
        with pytest.raises(ValueError, match="classes must be the same"):
            model.partial_fit(X, NUMBERS, classes=[[0, 1, 2], [5, 6], [0, 1]])
        with pytest.raises(ValueError, match=r"y_val\[:, 0\] has labels"):
            model.fit(X, NUMBERS, X_val=X, y_val=NUMBERS + np.array([1, 0, 0]))
        after = snapshot(model)
        assert after.keys() == before.keys()
        assert all(after[name] is before[name] for name in before)

    def test_two_short_fits_are_one_long_one(self):
        long = make(max_iter=10).fit(X, TEXTS)
        short = make(max_iter=5, warm_start=True).fit(X, TEXTS).fit(X, TEXTS)
        assert_identical(long, short)

    @pytest.mark.parametrize("other", [y, Y, NUMBERS[:, :2], NUMBERS + 1])
    def test_a_warm_fit_has_the_same_targets(self, other):
        model = make(warm_start=True).fit(X, NUMBERS)
        with pytest.raises(ValueError, match="the same classes"):
            model.fit(X, other)
        with pytest.raises(ValueError, match="the same classes"):
            make(warm_start=True).fit(X, other).fit(X, NUMBERS)


class TestFiles:
    """Saving, loading and resuming."""

    @pytest.mark.parametrize("table", ["numbers", "texts", "mixed"])
    def test_a_saved_model_is_the_same(self, table, tmp_path):
        target = {"numbers": NUMBERS, "texts": TEXTS, "mixed": mixed()}[table]
        model = make().fit(X, target)
        save(model, tmp_path / "model.skffnn")
        for other in (
            load(tmp_path / "model.skffnn"),
            pickle.loads(pickle.dumps(model)),
        ):
            assert_same(other, model)
            np.testing.assert_array_equal(other.predict(X), model.predict(X))
            other.set_params(warm_start=True).fit(X, target)

    @pytest.mark.parametrize("table", ["texts", "mixed"])
    def test_a_fit_resumes_from_a_checkpoint(self, table, tmp_path, monkeypatch):
        target = {"texts": TEXTS, "mixed": mixed()}[table]
        path = str(tmp_path / "run.skffnn")

        whole = make().fit(X, target)
        end_epoch = Training.end_epoch

        def fails(training, *args, **kwargs):
            if training.n_iter == 4:
                raise RuntimeError("power cut")
            end_epoch(training, *args, **kwargs)

        with monkeypatch.context() as patched:
            patched.setattr(Training, "end_epoch", fails)
            with pytest.raises(RuntimeError, match="power cut"):
                make(checkpoint=path).fit(X, target)
        assert load(path).n_iter_ == 4
        assert_same(make(checkpoint=path).fit(X, target), whole)


class TestSearches:
    """Model selection."""

    def test_probabilities_of_held_out_rows(self):
        f = cross_val_predict(make(), X, NUMBERS, method="predict_proba", cv=3)
        assert [f_j.shape for f_j in f] == [(150, 3), (150, 3), (150, 2)]
        loss = log_loss(NUMBERS[:, 0], f[0])
        assert loss < np.log(3)

    def test_a_stack_gives_what_single_fits_give(self):
        grid = {"alpha": [1e-4, 0.1], "label_smoothing": [0.0, 0.2]}
        options = {"cv": 3, "refit": False}
        theirs = GridSearchCV(make(batch_size=20), grid, **options).fit(X, TEXTS)
        with parallel_config("skffnn"):
            ours = GridSearchCV(make(batch_size=20), grid, **options).fit(X, TEXTS)
        np.testing.assert_allclose(
            ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"]
        )


class TestAverages:
    """AveragedClassifier."""

    def test_is_of_several_targets_too(self, tmp_path):
        model = AveragedClassifier(make(), n_networks=3, random_state=0)
        model.fit(X, TEXTS)
        f = model.predict_proba(X)
        assert [f_j.shape for f_j in f] == [(150, 3), (150, 3), (150, 2)]
        assert model.score(X, TEXTS) > 0.5
        a = np.mean([n.decision_function(X)[0] for n in model.estimators_], axis=0)
        a *= model.inverse_temperature_
        np.testing.assert_allclose(model.decision_function(X)[0], a, rtol=1e-5)
        save(model, tmp_path / "average.skffnn")
        loaded = load(tmp_path / "average.skffnn")
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


class TestInvalid:
    """Invalid targets."""

    def test_sparse_ones(self):
        with pytest.raises(ValueError, match=r"0 and 1.*dense"):
            make().fit(X, sparse.csr_array(NUMBERS))
        with pytest.raises(ValueError, match="y must be dense"):
            make().partial_fit(X, sparse.csr_array(Y), classes=[[0, 1]] * 3)

    def test_continuous_columns(self):
        with pytest.raises(ValueError, match="continuous"):
            make().fit(X, np.column_stack([y, X[:, 0]]))

    def test_columns_of_mixed_labels(self):
        target = NUMBERS.astype(object)
        target[0, 1] = "large"
        with pytest.raises(ValueError, match=r"y\[:, 1\] must have labels of one type"):
            make().fit(X, target)

    def test_missing_labels(self):
        target = TEXTS.astype(object)
        target[0, 1] = None
        with pytest.raises(ValueError, match=r"y\[:, 1\] must have labels of one type"):
            make().fit(X, target)
        target[0, 1] = np.nan
        with pytest.raises(ValueError, match="NaN"):
            make().fit(X, target)


def test_names_of_the_outputs():
    targets = Labels.from_labels(TEXTS[:, 1:])
    assert targets.output_names() == [
        "y0, large",
        "y0, medium",
        "y0, small",
        "y1, red",
    ]
