"""AveragedClassifier: folds, average, temperature, and blends."""

import numpy as np
import pytest
from helpers import failed_checks, trained_on_by_all
from joblib import parallel_config
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skffnn import AveragedClassifier, FFNNClassifier, InvalidParameterError
from skffnn.data.splitting import folds_by_content
from skffnn.tabular.average import planned

# Sums of a few terms in a different order.
RTOL = 1e-12
# Minimisation ends near the minimum, which is flat.
RTOL_TEMPERATURE = 2e-3

NETWORK = FFNNClassifier((8,), max_iter=30, learning_rate_init=0.01)


class Recorder(ClassifierMixin, BaseEstimator):
    """Fake network that records its rows; their first feature is the row number."""

    def __init__(self, logit=1.0, random_state=None):
        self.logit = logit
        self.random_state = random_state

    def fit(self, X, y, X_val=None, y_val=None):
        self.classes_ = np.unique(y)
        self.trained = X[:, 0].astype(int).tolist()
        self.validated = [] if X_val is None else X_val[:, 0].astype(int).tolist()
        return self

    def decision_function(self, X):
        """Return the second feature, scaled by `logit`."""
        return self.logit * X[:, 1]


def numbered(predicted):
    """Return rows of two features: the row number and the predicted sign."""
    return np.column_stack([np.arange(len(predicted)), predicted]).astype(float)


@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings on purpose
def test_all_scikit_learn_checks_pass():
    pytest.importorskip("pandas")
    network = FFNNClassifier(max_iter=60)
    failed = failed_checks(AveragedClassifier(network, n_networks=2))
    failed.pop("check_array_api_input", None)  # requires an environment variable
    assert not failed


@pytest.mark.parametrize("n_networks", [2, 3, 5])
def test_each_row_is_held_out_once_and_used_for_training_otherwise(n_networks):
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=61)
    X = numbered(rng.normal(size=61))
    model = AveragedClassifier(Recorder(), n_networks=n_networks, calibrate=False)
    networks = model.fit(X, y).estimators_
    validated = np.concatenate([network.validated for network in networks])
    np.testing.assert_array_equal(np.sort(validated), np.arange(61))
    for network in networks:
        assert sorted(network.trained + network.validated) == list(range(61))
        # Stratified: each fold has the same share of each class, up to one row.
        counts = np.bincount(y[network.validated], minlength=3)
        assert (np.abs(counts - np.bincount(y) / n_networks) <= 1).all()
    assert len({network.random_state for network in networks}) == n_networks


def test_the_only_row_of_a_class_is_never_held_out():
    y = np.array([0] * 10 + [1] * 10 + [2])
    X = numbered(np.ones(21))
    for network in (
        AveragedClassifier(Recorder(), calibrate=False).fit(X, y).estimators_
    ):
        assert 20 in network.trained
        assert 20 not in network.validated


def test_logits_are_averaged():
    X, y = make_classification(80, random_state=0)
    model = AveragedClassifier(NETWORK, n_networks=3, random_state=0).fit(X, y)
    a = np.mean([net.decision_function(X) for net in model.estimators_], axis=0)
    a *= model.inverse_temperature_
    np.testing.assert_allclose(model.decision_function(X), a, rtol=RTOL)
    f = 1 / (1 + np.exp(-a))
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], f, rtol=RTOL)
    np.testing.assert_allclose(
        model.predict_log_proba(X), np.log(model.predict_proba(X)), rtol=1e-9
    )
    np.testing.assert_array_equal(model.predict(X), a > 0)


@pytest.mark.parametrize("logit", [0.3, 1.0, 5.0])
@pytest.mark.parametrize("wrong", [0, 10, 60])
def test_the_temperature_matches_the_frequency_of_errors(logit, wrong):
    # The network is right in 100 - wrong of 100 cases, and one label in a thousand is
    # assumed to be random. The best logit is the log odds of being right, whatever the
    # logits of the network.
    predicted = np.tile([1, -1], 50)
    y = np.where(np.arange(100) < wrong, predicted < 0, predicted > 0).astype(int)
    model = AveragedClassifier(Recorder(logit)).fit(numbered(predicted), y)
    p = 0.999 * (1 - wrong / 100) + 0.001 / 2
    best = np.log(p / (1 - p)) if wrong < 50 else logit / 8
    best = min(best, 8 * logit)
    assert logit * model.inverse_temperature_ == pytest.approx(
        best, rel=RTOL_TEMPERATURE
    )


# How a user may ask for networks to be trained: joblib's settings, and n_jobs.
WAYS = [
    ({}, 2),
    ({"backend": "skffnn"}, None),
    ({"backend": "skffnn", "n_jobs": 2}, None),
    ({"backend": "loky", "n_jobs": 2}, None),
    ({"backend": "threading", "n_jobs": 2}, 2),
]


@pytest.mark.parametrize(("config", "n_jobs"), WAYS)
def test_how_folds_are_trained_makes_no_difference(config, n_jobs):
    X, y = make_classification(61, random_state=0)
    trees = DecisionTreeClassifier(max_depth=2)
    model = AveragedClassifier(
        NETWORK, n_networks=3, blend_with=[trees], random_state=0
    )
    search = GridSearchCV(model, {"estimator__alpha": [0.001, 0.1]}, cv=2)
    expected = clone(model).fit(X, y).predict_proba(X)
    scores = clone(search).fit(X, y).cv_results_["mean_test_score"]
    model.n_jobs = n_jobs
    with parallel_config(**config):
        found = model.fit(X, y).predict_proba(X)
        inside = search.fit(X, y).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(inside, scores)


WITHOUT_GREENLET = """
import sys, warnings
sys.modules["greenlet"] = None
warnings.simplefilter("ignore")
from skffnn import AveragedClassifier, FFNNClassifier
model = AveragedClassifier(FFNNClassifier((2,), max_iter=5), random_state=0)
model.fit([[0.0], [1.0]] * 9, [0, 1] * 9)
print(model.predict_proba([[0.0], [1.0]]).tolist())
"""


def test_folds_are_trained_without_greenlet(python):
    done = python(WITHOUT_GREENLET)
    model = AveragedClassifier(FFNNClassifier((2,), max_iter=5), random_state=0)
    model.fit([[0.0], [1.0]] * 9, [0, 1] * 9)
    f = model.predict_proba([[0.0], [1.0]])
    assert done.stdout == f"{f.tolist()}\n", done.stderr


def test_errors_of_a_fold_are_raised():
    X, y = make_classification(60, random_state=0)
    network = clone(NETWORK).set_params(solver="sgd", learning_rate_init=1e300)
    model = AveragedClassifier(network, n_networks=2)
    with pytest.raises(ValueError, match="learning_rate_init"):
        model.fit(X, y)
    assert not hasattr(model, "estimators_")


def test_a_fit_that_fails_changes_nothing():
    X, y = make_classification(60, random_state=0)
    model = AveragedClassifier(clone(NETWORK), n_networks=2, random_state=0)
    before = model.fit(X, y).predict_proba(X)
    model.set_params(estimator__solver="sgd", estimator__learning_rate_init=1e300)
    with pytest.raises(ValueError, match="learning_rate_init"):
        model.fit(X[:, :3], y + 1)
    np.testing.assert_array_equal(model.predict_proba(X), before)


@pytest.mark.filterwarnings("default")
def test_warnings_of_the_folds_are_shown():
    X, y = make_classification(60, random_state=0)
    network = FFNNClassifier((2,), solver="lbfgs", max_iter=1)
    with pytest.warns(ConvergenceWarning) as caught:
        AveragedClassifier(network, n_networks=2).fit(X, y)
    assert len(caught) == 2


# With n_jobs=2: in test_parallel.py, because joblib then ends its workers.
def test_ctrl_c_ends_the_fit():
    def interrupted(estimator, X, y):
        raise KeyboardInterrupt

    X, y = make_classification(60, random_state=0)
    network = clone(NETWORK).set_params(scoring=interrupted)
    model = AveragedClassifier(network, n_networks=2)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert not hasattr(model, "estimators_")


def test_progress_is_printed(capfd):
    X, y = make_classification(60, random_state=0)
    model = AveragedClassifier(NETWORK, n_networks=3, verbose=10).fit(X, y)
    printed = capfd.readouterr()
    assert "Done   3 out of   3" in printed.out + printed.err
    model.set_params(verbose=0).fit(X, y)
    assert capfd.readouterr() == ("", "")


def test_sparse_and_dense_rows_give_the_same_probabilities():
    X, y = make_classification(60, n_classes=3, n_informative=5, random_state=0)
    X[X < 0] = 0
    model = AveragedClassifier(NETWORK, n_networks=2, random_state=0)
    dense = clone(model).fit(X, y).predict_proba(X)
    sparse = clone(model).fit(csr_array(X), y).predict_proba(csr_array(X))
    np.testing.assert_allclose(sparse, dense, rtol=1e-4)  # trained in float32


def test_multi_label_targets():
    X, y = make_multilabel_classification(80, n_classes=3, random_state=0)
    model = AveragedClassifier(NETWORK, n_networks=2, random_state=0).fit(X, y)
    assert model.predict(X).shape == y.shape
    a = np.mean([net.decision_function(X) for net in model.estimators_], axis=0)
    f = 1 / (1 + np.exp(-a * model.inverse_temperature_))
    np.testing.assert_allclose(model.predict_proba(X), f, rtol=RTOL)


def test_networks_of_different_sizes_are_averaged_before_their_outputs_saturate():
    X, y = make_multilabel_classification(80, n_classes=3, random_state=0)
    model = AveragedClassifier(NETWORK, n_networks=2, calibrate=False).fit(X, y)
    for sizes, slope in ((), 50.0), ((3,), 0.0):
        network = clone(NETWORK).set_params(hidden_layer_sizes=sizes).fit(X, y)
        network.coefs_[-1][...] = slope * np.eye(*network.coefs_[-1].shape)
        network.intercepts_[-1][...] = 0 if slope else -60
        model.estimators_[bool(sizes)] = network
    expected = 1 / (1 + np.exp(30 - 25 * X[:, :3]))  # the logits are 50 x and -60
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=RTOL)


def test_a_grid_search_reaches_the_networks():
    X, y = make_classification(60, random_state=0)
    model = AveragedClassifier(NETWORK, n_networks=2, random_state=0)
    grid = {"estimator__alpha": [0.001, 0.1], "n_networks": [2, 3]}
    best = GridSearchCV(model, grid, cv=2).fit(X, y).best_estimator_
    assert all(n.alpha == best.estimator.alpha for n in best.estimators_)


@pytest.mark.parametrize("n", [1, 0, 2.5, None])
def test_an_invalid_number_of_networks_is_refused(n):
    with pytest.raises(InvalidParameterError, match="n_networks"):
        AveragedClassifier(n_networks=n).fit([[0.0], [1.0]], [0, 1])


def test_an_estimator_without_validation_data():
    model = AveragedClassifier(LogisticRegression())
    with pytest.raises(InvalidParameterError, match=r"X_val .* got LogisticRegression"):
        model.fit([[0.0], [1.0]], [0, 1])


# -------------------------------------------------------------------------------- folds


def folds(X, weights=None, strata=None, n_folds=4, seed=0):
    """Return the fold of each row for a random state with this seed."""
    strata = np.zeros(len(X), int) if strata is None else strata
    return folds_by_content(X, weights, strata, n_folds, np.random.RandomState(seed))


def test_copies_of_a_row_are_in_one_fold():
    X = np.random.default_rng(0).normal(size=(30, 2))
    fold = folds(np.vstack([X, X]))
    np.testing.assert_array_equal(fold[:30], fold[30:])


def test_weight_2_is_equivalent_to_two_copies():
    X = np.random.default_rng(0).normal(size=(30, 2))
    weights = np.tile([1.0, 2.0], 15)
    twice = folds(np.vstack([X, X[1::2]]))
    np.testing.assert_array_equal(twice[:30], folds(X, weights))


def test_the_order_of_the_rows_makes_no_difference():
    X = np.random.default_rng(0).normal(size=(30, 2))
    np.testing.assert_array_equal(folds(X[::-1])[::-1], folds(X))


def test_folds_have_equal_weight():
    rng = np.random.default_rng(0)
    X, strata = rng.normal(size=(200, 3)), rng.integers(3, size=200)
    fold = folds(X, strata=strata, n_folds=5)
    for code in range(3):
        counts = np.bincount(fold[strata == code], minlength=5)
        assert np.ptp(counts) <= 1


# ------------------------------------------------------------------------------ blends


class Oracle(ClassifierMixin, BaseEstimator):
    """Fake classifier: the probability of class 1 is in the third feature."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.trained = X[:, 0].astype(int).tolist()
        return self

    def predict_proba(self, X):
        return np.column_stack([1 - X[:, 2], X[:, 2]])


def with_oracle(n=2000, seed=0):
    """Return rows with number, logit of the network, and probability of the oracle.

    Each of them knows a part of the log odds of the labels, so both weights are 1.
    """
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n)) * 1.5
    y = (rng.random(n) < 1 / (1 + np.exp(-a - b))).astype(int)
    return np.column_stack([np.arange(n), a, 1 / (1 + np.exp(-b))]), y


def test_the_weights_of_a_blend_are_those_of_a_logistic_regression():
    X, y = with_oracle()
    model = AveragedClassifier(Recorder(), n_networks=4, blend_with=[Oracle()])
    model.fit(X, y)
    beta = model.inverse_temperature_ * model.blend_weights_
    # Both classifiers give the same outputs for all folds: features of the regression.
    z = np.column_stack([X[:, 1], np.log(X[:, 2] / (1 - X[:, 2]))])
    held_out = ~trained_on_by_all(model.blended_[0], len(X))
    regression = LogisticRegression(C=np.inf, fit_intercept=False)
    expected = regression.fit(z[held_out], y[held_out]).coef_[0]
    np.testing.assert_allclose(beta, expected, rtol=0.02)  # it assumes noisy labels
    np.testing.assert_allclose(model.decision_function(X), z @ beta, rtol=1e-9)


@pytest.mark.parametrize(("n_networks", "n_copies"), [(2, 2), (4, 4), (8, 4)])
def test_copies_of_what_is_blended_are_trained_for_at_most_four_folds(
    n_networks, n_copies
):
    X, y = with_oracle(600)
    model = AveragedClassifier(
        Recorder(), n_networks=n_networks, blend_with=[Oracle()]
    ).fit(X, y)
    assert len(model.blended_[0]) == n_copies
    for network, other in zip(model.estimators_, model.blended_[0], strict=False):
        assert other.trained == network.trained
        assert other.random_state == network.random_state


@pytest.mark.parametrize("seed", range(5))
def test_what_does_not_help_is_left_out(seed):
    X, y = with_oracle(400, seed)
    X[:, 2] = np.random.default_rng(seed).random(400)  # uninformative
    model = AveragedClassifier(Recorder(), n_networks=4, blend_with=[Oracle()])
    model.fit(X, y)
    assert model.blended_ == []
    alone = AveragedClassifier(Recorder(), n_networks=4).fit(X, y)
    beta = alone.inverse_temperature_
    assert model.inverse_temperature_ == pytest.approx(beta, rel=RTOL)


def test_a_huge_table_has_one_copy_of_fewer_rows():
    X, y = with_oracle(210_000)
    model = AveragedClassifier(Recorder(), n_networks=2, blend_with=[Oracle()])
    [[copy]] = model.fit(X, y).blended_
    assert len(copy.trained) == 100_000
    assert set(copy.trained) <= set(model.estimators_[0].trained)
    # Both weights come from the fold that neither was trained on.
    rows = model.estimators_[0].validated
    z = np.column_stack([X[rows, 1], np.log(X[rows, 2] / (1 - X[rows, 2]))])
    regression = LogisticRegression(C=np.inf, fit_intercept=False).fit(z, y[rows])
    beta = model.inverse_temperature_ * model.blend_weights_
    np.testing.assert_allclose(beta, regression.coef_[0], rtol=0.03)


def test_too_many_classes_are_not_blended():
    X, y = with_oracle()
    model = AveragedClassifier(Recorder(), blend_with=[Oracle()], blend_classes=2)
    assert model.fit(X, y).blended_
    model = clone(model).set_params(blend_classes=1).fit(X, y)
    assert model.blended_ == []


def test_a_blend_of_three_classes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    model = AveragedClassifier(
        FFNNClassifier((2,), max_iter=1),
        n_networks=2,
        blend_with=[DecisionTreeClassifier(max_depth=3)],
        random_state=0,
    ).fit(X, y)
    assert model.score(X, y) > 0.95
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("calibrate", [True, False])
def test_weights_add_up_to_one(calibrate):
    X, y = with_oracle()
    alone = AveragedClassifier(Recorder(), n_networks=2, calibrate=calibrate).fit(X, y)
    assert alone.blend_weights_.tolist() == [1]
    blend = clone(alone).set_params(blend_with=[Oracle()]).fit(X, y)
    assert blend.blend_weights_.sum() == pytest.approx(1)
    assert (blend.blend_weights_ > 0).all()
    assert (blend.inverse_temperature_ == 1) == (not calibrate)


def test_several_labels_are_not_blended():
    X, y = make_multilabel_classification(60, random_state=0)
    model = AveragedClassifier(NETWORK, n_networks=2, blend_with=[Oracle()])
    assert model.fit(X, y).blended_ == []


def test_what_has_no_probabilities_cannot_be_blended():
    model = AveragedClassifier(blend_with=[RidgeClassifier()])
    with pytest.raises(InvalidParameterError, match=r"blend_with .* got RidgeClassif"):
        model.fit([[0.0], [1.0]], [0, 1])


def test_a_pipeline_is_blended():
    X, y = with_oracle()
    model = AveragedClassifier(
        NETWORK,
        n_networks=2,
        blend_with=[make_pipeline(StandardScaler(), GaussianNB())],
    )
    assert model.fit(X[:, 1:], y).predict_proba(X[:, 1:]).shape == (2000, 2)


def test_sample_weights_reach_what_is_blended():
    X, y = with_oracle()
    weights = np.repeat([1.0, 0.0], 1000)
    model = AveragedClassifier(
        NETWORK, n_networks=2, blend_with=[GaussianNB()], random_state=0
    )
    some = clone(model).fit(X[:1000, 1:], y[:1000]).predict_proba(X[:, 1:])
    weighted = model.fit(X[:, 1:], y, weights).predict_proba(X[:, 1:])
    np.testing.assert_allclose(weighted, some, rtol=1e-9)


# ------------------------------------------------------------------ the number of rows


def test_settings_change_with_the_number_of_rows():
    network = FFNNClassifier(max_iter=100, batch_size=128, learning_rate_init=0.04)
    more = planned(network, 48_000, planned_for=3000)  # sixteen times as many
    assert (more.max_iter, more.batch_size) == (25, 512)
    assert more.learning_rate_init == pytest.approx(0.08)
    fewer = planned(network, 750, planned_for=3000)
    assert (fewer.max_iter, fewer.batch_size) == (200, 128)
    assert fewer.learning_rate_init == 0.04
    for n_rows, planned_for in ((3000, 3000), (20, None), (10**6, None)):
        same = planned(network, n_rows, planned_for)
        assert same.get_params() == network.get_params()
    assert planned(network.set_params(batch_size="auto"), 12_000, 3000).max_iter == 50


def test_the_number_of_networks_changes_with_the_number_of_rows():
    X = numbered(np.ones(10_001))
    y = np.arange(10_001) % 2
    model = AveragedClassifier(Recorder(), n_networks="auto")
    assert len(model.fit(X, y).estimators_) == 4
    assert len(model.fit(X[:-1], y[:-1]).estimators_) == 8


@pytest.mark.parametrize("name", ["planned_for", "blend_classes"])
@pytest.mark.parametrize("n", [0, 2.5, "3000"])
def test_an_invalid_number_is_refused(name, n):
    with pytest.raises(InvalidParameterError, match=name):
        AveragedClassifier(**{name: n}).fit([[0.0], [1.0]], [0, 1])
