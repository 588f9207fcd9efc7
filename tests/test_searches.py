"""Searches with stacks of networks give the same results as scikit-learn's."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import loguniform
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skffnn import FFNNClassifier
from skffnn.model_selection import (
    FFNNGridSearchCV,
    FFNNHalvingGridSearchCV,
    FFNNHalvingRandomSearchCV,
    FFNNRandomizedSearchCV,
    know,
)
from skffnn.utils.warn import InterruptionWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
RNG = np.random.default_rng(0)
WEIGHTS = RNG.uniform(0.1, 1, len(y))
GROUPS = np.arange(len(y)) % 7

NETWORK = FFNNClassifier(
    (6,), dtype="float64", batch_size=10, max_iter=8, random_state=0
)
PIPELINE = make_pipeline(StandardScaler(), NETWORK)
# Networks with different solvers, layers or activations cannot share a stack.
GRID = {
    "alpha": [1e-4, 1e-2],
    "learning_rate_init": [0.01, 0.1],
    "activation": ["relu", "tanh"],
    "solver": ["adam", "lbfgs"],
}


def of_pipeline(grid):
    return {f"ffnnclassifier__{name}": values for name, values in grid.items()}


def assert_equal_searches(ours, theirs):
    """Compare all results except times."""
    assert ours.cv_results_.keys() == theirs.cv_results_.keys()
    for name, values in theirs.cv_results_.items():
        if "time" in name:
            assert (ours.cv_results_[name] >= 0).all()
        elif name == "params":
            assert ours.cv_results_[name] == values
        elif values.dtype == float:
            np.testing.assert_allclose(ours.cv_results_[name], values, rtol=1e-9)
        else:
            np.testing.assert_array_equal(ours.cv_results_[name], values)
    assert ours.n_splits_ == theirs.n_splits_
    assert ours.multimetric_ == theirs.multimetric_
    if not theirs.refit:
        return
    for name in ("best_index_", "best_params_", "n_features_in_"):
        assert np.all(getattr(ours, name) == getattr(theirs, name))
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-9
    )


def both(estimator, grid, fit_params=None, **options):
    """Run a search with scikit-learn and one with stacks; return both."""
    searches = [
        search(clone(estimator), grid, cv=3, **options)
        for search in (FFNNGridSearchCV, GridSearchCV)
    ]
    for search in searches:
        search.fit(X, y, **(fit_params or {}))
    return searches


class TestSameResults:
    """Equal results for each candidate and fold."""

    def test_of_a_network(self):
        assert_equal_searches(*both(NETWORK, GRID))

    def test_of_a_pipeline(self):
        grid = of_pipeline(GRID) | {"standardscaler__with_mean": [True, False]}
        ours, theirs = both(PIPELINE, grid, return_train_score=True)
        assert_equal_searches(ours, theirs)
        assert list(ours.best_estimator_.named_steps) == [
            "standardscaler",
            "ffnnclassifier",
        ]

    def test_of_several_metrics(self):
        options = {"scoring": ["accuracy", "neg_log_loss"], "refit": "neg_log_loss"}
        assert_equal_searches(*both(NETWORK, {"alpha": [0.0, 0.1]}, **options))
        options = {"scoring": ["accuracy", "neg_log_loss"], "refit": False}
        assert_equal_searches(*both(NETWORK, {"alpha": [0.0, 0.1]}, **options))

    def test_of_a_scorer_of_ones_own(self):
        def errors(model, X, y):
            return {"errors": -(model.predict(X) != y).sum(), "ones": 1.0}

        options = {"scoring": errors, "refit": "errors"}
        assert_equal_searches(*both(NETWORK, {"alpha": [0.0, 0.1]}, **options))

    def test_of_two_processes(self):
        grid = {"alpha": [0.0, 0.1], "random_state": [0, 1]}
        assert_equal_searches(*both(PIPELINE, of_pipeline(grid), n_jobs=2))

    def test_with_weights(self):
        grid = {"alpha": [0.0, 0.1], "class_weight": [None, "balanced"]}
        fit_params = {"sample_weight": WEIGHTS}
        assert_equal_searches(*both(NETWORK, grid, fit_params))
        fit_params = {"ffnnclassifier__sample_weight": WEIGHTS}
        assert_equal_searches(*both(PIPELINE, of_pipeline(grid), fit_params))

    def test_with_weights_that_are_routed(self):
        grid = {"alpha": [0.0, 0.1]}
        scorer = make_scorer(accuracy_score)
        with config_context(enable_metadata_routing=True):
            scorer.set_score_request(sample_weight=True)
            network = clone(NETWORK).set_fit_request(sample_weight=True)
            fit_params = {"sample_weight": WEIGHTS}
            assert_equal_searches(*both(network, grid, fit_params, scoring=scorer))
            pipeline = make_pipeline(
                StandardScaler().set_fit_request(sample_weight=False), network
            )
            assert_equal_searches(
                *both(pipeline, of_pipeline(grid), fit_params, scoring=scorer)
            )
            scaler = StandardScaler().set_fit_request(sample_weight=True)
            pipeline = make_pipeline(scaler, network)
            assert_equal_searches(
                *both(pipeline, of_pipeline(grid), fit_params, scoring=scorer)
            )

    def test_with_groups(self):
        grid = {"alpha": [0.0, 0.1]}
        searches = [
            search(NETWORK, grid, cv=GroupKFold(3)).fit(X, y, groups=GROUPS)
            for search in (FFNNGridSearchCV, GridSearchCV)
        ]
        assert_equal_searches(*searches)

    def test_with_a_splitter_that_draws_anew(self):
        grid = {"alpha": [0.0, 0.1]}
        searches = [
            search(NETWORK, grid, cv=StratifiedKFold(3, shuffle=True, random_state=1))
            for search in (FFNNGridSearchCV, GridSearchCV)
        ]
        assert_equal_searches(*(search.fit(X, y) for search in searches))
        state = np.random.RandomState(3)
        cv = StratifiedKFold(3, shuffle=True, random_state=state)
        search = FFNNGridSearchCV(NETWORK, grid, cv=cv).fit(X, y)
        splits = StratifiedKFold(3, shuffle=True, random_state=np.random.RandomState(3))
        theirs = GridSearchCV(NETWORK, grid, cv=list(splits.split(X, y))).fit(X, y)
        assert_equal_searches(search, theirs)

    def test_of_candidates_that_fail(self):
        grid = {"alpha": [0.1, -1.0], "learning_rate_init": [0.1, 1e30]}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            searches = both(clone(NETWORK).set_params(solver="sgd"), grid)
        assert_equal_searches(*searches)
        assert np.isnan(searches[0].cv_results_["mean_test_score"]).sum() == 3
        failed = [str(w.message) for w in caught if "fits failed" in str(w.message)]
        ours, theirs = failed
        assert ours.splitlines()[:3] == theirs.splitlines()[:3]
        assert "diverged" in ours
        for search in (FFNNGridSearchCV, GridSearchCV):
            with pytest.raises(ValueError, match="alpha must be"):
                search(NETWORK, {"alpha": [-1.0]}, error_score="raise").fit(X, y)
            with pytest.raises(ValueError, match="Invalid parameter 'colour'"):
                search(NETWORK, {"colour": [1.0]}).fit(X, y)

    def test_of_rows_that_are_wrong(self):
        wrong = X.copy()
        wrong[0, 0] = np.nan
        for search in (FFNNGridSearchCV, GridSearchCV):
            model = search(NETWORK, {"alpha": [0.1]}, cv=3, error_score="raise")
            with pytest.raises(ValueError, match="NaN"):
                model.fit(wrong, y)
            assert not hasattr(model, "cv_results_")

    def test_of_steps_that_fail(self):
        def refuse(rows):
            raise ValueError("not these")

        pipeline = make_pipeline(FunctionTransformer(refuse), NETWORK)
        for search in (FFNNGridSearchCV, GridSearchCV):
            model = search(pipeline, of_pipeline({"alpha": [0.1]}), cv=3)
            with pytest.raises(ValueError, match="not these"):
                model.fit(X, y)

    def test_of_other_estimators(self):
        grid = [
            {"ffnnclassifier": [LogisticRegression()], "ffnnclassifier__C": [0.1, 1]},
            {"ffnnclassifier__alpha": [0.1]},
            {"ffnnclassifier": [NETWORK, clone(NETWORK).set_params(alpha=0.0)]},
        ]
        ours, theirs = both(PIPELINE, grid, n_jobs=2)
        name = "mean_test_score"
        np.testing.assert_allclose(ours.cv_results_[name], theirs.cv_results_[name])
        assert_equal_searches(*both(LogisticRegression(), {"C": [0.1, 1]}))

    def test_of_a_data_frame(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(X, columns=list("abcd"))
        for estimator, grid in (
            (NETWORK, {"alpha": [0.0, 0.1]}),
            (clone(PIPELINE).set_output(transform="pandas"), {}),
        ):
            ours, theirs = (
                search(estimator, grid, cv=3, error_score="raise").fit(frame, y)
                for search in (FFNNGridSearchCV, GridSearchCV)
            )
            name = "mean_test_score"
            np.testing.assert_allclose(ours.cv_results_[name], theirs.cv_results_[name])
            assert list(ours.feature_names_in_) == list("abcd")
            with config_context(working_memory=1e-3):  # one by one
                alone = clone(ours).fit(frame, y)
            np.testing.assert_allclose(alone.cv_results_[name], ours.cv_results_[name])


class TestOtherSearches:
    """Randomised search and successive halving."""

    def test_randomised(self):
        rates = {"learning_rate_init": loguniform(1e-3, 1), "alpha": [0.0, 0.1]}
        searches = [
            search(NETWORK, rates, n_iter=6, cv=3, random_state=0).fit(X, y)
            for search in (FFNNRandomizedSearchCV, RandomizedSearchCV)
        ]
        assert_equal_searches(*searches)

    @pytest.mark.parametrize("resource", ["n_samples", "max_iter"])
    def test_halving(self, resource):
        grid = {"learning_rate_init": np.geomspace(1e-3, 1, 7), "alpha": [0.0, 0.1]}
        options = {"resource": resource, "cv": 3, "random_state": 0}
        if resource == "max_iter":
            options["max_resources"] = 18
        searches = [
            search(NETWORK, grid, **options).fit(X, y)
            for search in (FFNNHalvingGridSearchCV, HalvingGridSearchCV)
        ]
        assert_equal_searches(*searches)
        for name in ("n_resources_", "n_candidates_", "n_remaining_candidates_"):
            assert getattr(searches[0], name) == getattr(searches[1], name)

    def test_halving_of_random_candidates(self):
        rates = {"learning_rate_init": loguniform(1e-3, 1)}
        searches = [
            search(NETWORK, rates, n_candidates=6, cv=3, random_state=0).fit(X, y)
            for search in (FFNNHalvingRandomSearchCV, HalvingRandomSearchCV)
        ]
        assert_equal_searches(*searches)


def test_the_steps_before_the_network_are_fitted_once_for_each_fold():
    fits = []

    class Counting(StandardScaler):
        def fit(self, X, y=None, sample_weight=None):
            fits.append(len(X))
            return super().fit(X, y, sample_weight)

    pipeline = make_pipeline(Counting(), NETWORK)
    grid = of_pipeline({"alpha": [0.0, 0.1], "learning_rate_init": [0.1, 0.01]})
    FFNNGridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert fits == [100] * 3 + [150]  # and the refit with the best parameters


@pytest.mark.parametrize("kind", [np.asarray, csr_array, "DataFrame"])
def test_a_network_remembers_what_it_gives_for_the_test_rows(kind):
    if kind == "DataFrame":
        kind = pytest.importorskip("pandas").DataFrame
    network = clone(NETWORK).fit(kind(X), y)
    expected = network.predict_proba(kind(X[:30]))
    know(network, kind(X[:30]), np.zeros((30, 3)))
    np.testing.assert_allclose(network.predict_proba(kind(X[:30])), 1 / 3)
    for others in (X[:29], X[1:31]):
        a = network.predict_proba(kind(others))
        np.testing.assert_allclose(a[:2], expected[len(others) - 29 :][:2])


def test_networks_are_scored_where_they_are_trained(monkeypatch):
    # In this process, no rows are passed through a network again.
    monkeypatch.setattr(
        "skffnn.estimator.FFNNEstimator._prepare", lambda *_: pytest.fail("here")
    )
    grid = {"alpha": [1e-4, 1e-2], "activation": ["relu", "tanh"]}
    for estimator, prefix in ((NETWORK, ""), (PIPELINE, "ffnnclassifier__")):
        of_network = {prefix + name: values for name, values in grid.items()}
        search = FFNNGridSearchCV(
            estimator, of_network, n_jobs=2, cv=3, refit=False, error_score="raise"
        )
        search.fit(X, y)
        assert (search.cv_results_["mean_test_score"] > 0).all()


def test_rows_that_do_not_fit_into_memory_are_prepared_in_parts():
    grid = of_pipeline({"alpha": [0.0, 0.1]}) | {
        "standardscaler__with_mean": [True, False],
        "standardscaler__with_std": [True, False],
    }
    with config_context(working_memory=1e-3):
        assert_equal_searches(*both(PIPELINE, grid))


def test_nested():
    search = FFNNGridSearchCV(NETWORK, {"alpha": [0.0, 0.1]}, cv=3)
    theirs = GridSearchCV(NETWORK, {"alpha": [0.0, 0.1]}, cv=3)
    expected = cross_val_score(theirs, X, y, cv=3)
    np.testing.assert_array_equal(cross_val_score(search, X, y, cv=3), expected)
    scores = cross_val_score(search, X, y, cv=3, n_jobs=2)
    np.testing.assert_array_equal(scores, expected)


def test_one_candidate_is_cross_validation():
    search = FFNNGridSearchCV(NETWORK, {}, refit=False, cv=3).fit(X, y)
    scores = cross_validate(NETWORK, X, y, cv=3)["test_score"]
    found = [search.cv_results_[f"split{i}_test_score"][0] for i in range(3)]
    np.testing.assert_array_equal(found, scores)


def test_is_left_as_it_was():
    search = FFNNGridSearchCV(NETWORK, {"alpha": [0.1]}, n_jobs=2, cv=3)
    before = search.get_params()
    search.fit(X, y)
    assert search.get_params() == before
    assert not hasattr(search.estimator, "coefs_")
    scores = search.cv_results_
    search.set_params(param_grid={"alpha": [-1.0]})
    with pytest.raises(ValueError, match="All the 3 fits failed"):
        search.fit(X, y)
    assert search.cv_results_ is scores
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    assert clone(search).get_params().keys() == before.keys()


def test_ctrl_c_in_a_later_rung_keeps_the_earlier_ones(monkeypatch):
    import skffnn.model_selection as searches

    fit_many, rungs = searches.fit_many, []

    def interrupted(jobs, n_jobs):
        rungs.append(len(jobs))
        if len(rungs) == 2:
            raise KeyboardInterrupt
        return fit_many(jobs, n_jobs)

    monkeypatch.setattr(searches, "fit_many", interrupted)
    grid = {"learning_rate_init": np.geomspace(1e-3, 1, 6)}
    search = FFNNHalvingGridSearchCV(
        NETWORK, grid, resource="max_iter", max_resources=9, factor=3, cv=3
    )
    with pytest.warns(InterruptionWarning, match="18 of 24 fits are scored"):
        search.fit(X, y)
    assert rungs == [18, 6]
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).tolist() == [True] * 6
    assert search.best_score_ == max(scores)
    assert not hasattr(search, "best_estimator_")


@pytest.mark.parametrize("options", [{}, {"error_score": "raise"}], ids=str)
def test_ctrl_c_before_anything_is_scored_is_ctrl_c(options, monkeypatch):
    import skffnn.model_selection as searches

    def interrupted(jobs, n_jobs):
        raise KeyboardInterrupt

    monkeypatch.setattr(searches, "fit_many", interrupted)
    search = FFNNGridSearchCV(NETWORK, {"alpha": [0.1]}, cv=3, **options)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    assert not hasattr(search, "cv_results_")


def test_is_a_search_of_scikit_learn():
    assert isinstance(FFNNGridSearchCV(NETWORK, {}), GridSearchCV)
    ours, theirs = (
        search(NETWORK, {}).get_params(deep=False).keys()
        for search in (FFNNGridSearchCV, GridSearchCV)
    )
    assert ours == theirs


def test_a_progress_bar(capsys):
    pytest.importorskip("rich")
    FFNNGridSearchCV(NETWORK, {"alpha": [0.0, 0.1]}, cv=3, verbose=1).fit(X, y)
    out, err = capsys.readouterr()
    assert "6 of 6 fits" in err
    assert "totalling 6 fits" in out


INTERRUPTED = """
import os, signal, sys, warnings
import numpy as np
from skffnn import FFNNClassifier
from skffnn.model_selection import FFNNGridSearchCV
import skffnn.model_selection as searches

warnings.simplefilter("ignore")
warnings.simplefilter("always", searches.InterruptionWarning)
X = np.random.default_rng(0).standard_normal((300, 4))
y = (X[:, 0] > 0).astype(int)
network = FFNNClassifier((5,), random_state=0, n_iter_no_change=10**6)
grid = {"max_iter": [2], "hidden_layer_sizes": [(3,), (4,), (5,)]}
slow = {"max_iter": [10**6], "hidden_layer_sizes": [(6,)]}
n_jobs = int(sys.argv[1])

many = searches.fit_many
def announced(jobs, n_jobs):
    for i, result in enumerate(many(jobs, n_jobs)):
        yield result
        if i == 8:  # the search has it, and asks for more
            print("nine", flush=True)
searches.fit_many = announced

options = {"cv": 3, "n_jobs": n_jobs}
if n_jobs == 2:
    options |= {"scoring": ["accuracy", "neg_log_loss"], "refit": "accuracy"}
search = FFNNGridSearchCV(network, [grid, slow], **options).fit(X, y)
name = "mean_test_score" if n_jobs == 1 else "mean_test_accuracy"
scores = search.cv_results_[name]
print(np.isfinite(scores).tolist(), search.best_params_["max_iter"])
print(hasattr(search, "best_estimator_"))
"""


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent by a signal of POSIX")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_keeps_what_has_been_scored(n_jobs):
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED), str(n_jobs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Background processes of a shell ignore Ctrl-C, and so do their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout.readline() == "nine\n"
    os.killpg(process.pid, signal.SIGINT)  # like a terminal
    out, err = process.communicate(timeout=60)
    assert out.splitlines() == ["[True, True, True, False] 2", "False"], err
    assert "9 of 12 fits are scored in cv_results_" in err
    assert issubclass(InterruptionWarning, UserWarning)
