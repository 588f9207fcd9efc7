"""Whatever joblib runs through the backend "skffnn" gives what it gives without."""

import asyncio
import contextlib
import contextvars
import copy
import dataclasses
import gc
import io
import itertools
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
import warnings
import weakref

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from greenlet import GreenletExit, greenlet
from helpers import ROUNDING, WEIGHTS, X, y
from joblib import Parallel, delayed, parallel_config
from scipy.sparse import csr_array
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

from skffnn import LBFGS, AveragedClassifier, FFNNClassifier, FFNNRegressor

NETWORK = FFNNClassifier(
    (5,), dtype="float64", batch_size=10, max_iter=4, random_state=0
)
STOPPING = clone(NETWORK).set_params(
    early_stopping=True, n_iter_no_change=1, max_iter=30, learning_rate_init=0.05
)
REGRESSOR = FFNNRegressor(
    hidden_layer_sizes=(5,),
    dtype="float64",
    batch_size=10,
    max_iter=4,
    random_state=0,
)
PIPELINE = make_pipeline(StandardScaler(), NETWORK)
ALPHAS = [1e-4, 1e-2, 1]
GROUPS = np.arange(len(y)) % 7
TWO = (y == 0).astype(int)
LABELS = np.column_stack([y == 0, y == 1, X[:, 0] > 0]).astype(int)
MASK = GROUPS < 4
BOOTSTRAP = np.random.default_rng(0).integers(0, len(y), len(y))
# Masks, negative indices, and as many rows as there are, some of them repeatedly.
SPLITS = [
    (MASK, ~MASK),
    (np.arange(-100, 0), np.arange(50)),
    (BOOTSTRAP, np.setdiff1d(np.arange(len(y)), BOOTSTRAP)),
]
TEXTS = np.array([f"{'ab'[i % 2]} c{i}" for i in range(40)])


# ----------------------------------------------------------- what scikit-learn runs


class Shifting(FFNNClassifier):
    """A network whose `fit` does something else first."""

    def fit(self, X, y, **params):
        self.columns_ = [*X.columns]
        return super().fit(X + 1, y, **params)


class Twice(FFNNClassifier):
    """A network that is fitted twice by each `fit`."""

    def fit(self, X, y, **params):
        self.first_ = clone(NETWORK).fit(X, 2 - y).predict_proba(X)
        return super().fit(X, y, **params)


def refitting(model, X, y):
    return accuracy_score(y[::2], model.fit(X[::2], y[::2]).predict(X[::2]))


def pruning(model, X, y):
    model.coefs_[0][:, 0] = 0
    return accuracy_score(y, model.predict(X))


def copying(model, X, y):
    model = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    return accuracy_score(y, model.predict(X))


def searched(search, X=X, y=y, **params):
    """Return the results of a search, but for the times."""
    search.fit(X, y, **params)
    results = {k: v for k, v in search.cv_results_.items() if "time" not in k}
    predicted = search.predict_proba(X) if search.refit else None
    return results, predicted


def grid(estimator=NETWORK, scoring=None, X=X, y=y, error_score="raise", **options):
    name = "ffnnclassifier__alpha" if hasattr(estimator, "steps") else "alpha"
    search = GridSearchCV(
        estimator, {name: ALPHAS}, scoring=scoring, error_score=error_score, **options
    )
    return searched(search, X, y)


def routed():
    with config_context(enable_metadata_routing=True):
        network = clone(NETWORK).set_fit_request(sample_weight=True)
        network.set_score_request(sample_weight=True)
        search = GridSearchCV(network, {"alpha": ALPHAS})
        return searched(search, sample_weight=WEIGHTS)


def diverging():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rates = {"learning_rate_init": [0.01, 1e200], "solver": ["sgd"]}
        return searched(GridSearchCV(NETWORK, rates, error_score=-1))


def incremental():
    sizes = [0.3, 0.6, 1.0]
    return learning_curve(
        NETWORK, X, y, train_sizes=sizes, exploit_incremental_learning=True, cv=3
    )[1:3]


def with_callers_function():
    def two_networks(seed):
        first = clone(NETWORK).set_params(random_state=seed).fit(X, y)
        second = clone(REGRESSOR).set_params(random_state=seed)
        second.fit(X, first.predict_proba(X))
        first.set_params(warm_start=True, max_iter=2).fit(X, y).partial_fit(X, y)
        return first.predict_proba(X), second.predict(X), first.t_

    return Parallel()(delayed(two_networks)(seed) for seed in range(4))


def bagged(network, **options):
    model = BaggingClassifier(network, 6, random_state=0, **options).fit(X, y)
    return model.predict_proba(X), [each.n_iter_ for each in model.estimators_]


TOOLS = {
    "grid search": lambda: grid(PIPELINE),
    "random search of several metrics": lambda: searched(
        RandomizedSearchCV(
            PIPELINE,
            {"ffnnclassifier__activation": ["relu", "tanh"], "standardscaler": [None]},
            n_iter=2,
            scoring=["accuracy", "neg_log_loss"],
            refit="accuracy",
            random_state=0,
        )
    ),
    "halving": lambda: searched(
        HalvingGridSearchCV(NETWORK, {"alpha": ALPHAS}, cv=3, random_state=0)
    ),
    "cross_validate": lambda: [
        cross_validate(
            PIPELINE,
            X,
            y,
            scoring=["accuracy", "neg_log_loss"],
            return_train_score=True,
            cv=4,
        )[f"{part}_{name}"]
        for part in ("train", "test")
        for name in ("accuracy", "neg_log_loss")
    ],
    "groups": lambda: cross_val_score(NETWORK, X, y, groups=GROUPS, cv=GroupKFold(3)),
    "cross_val_predict": lambda: cross_val_predict(
        PIPELINE, X, y, method="predict_proba"
    ),
    "bagging": lambda: bagged(NETWORK, max_samples=0.7),
    "one-vs-rest": lambda: OneVsRestClassifier(NETWORK).fit(X, y).predict_proba(X),
    "one-vs-one": lambda: OneVsOneClassifier(NETWORK).fit(X, y).decision_function(X),
    "stacking": lambda: (
        StackingClassifier(
            [("a", NETWORK), ("b", PIPELINE), ("c", LogisticRegression())], NETWORK
        )
        .fit(X, y)
        .predict_proba(X)
    ),
    "voting": lambda: (
        VotingClassifier([("a", NETWORK), ("b", PIPELINE)], voting="soft")
        .fit(X, y)
        .predict_proba(X)
    ),
    "learning_curve": lambda: learning_curve(NETWORK, X, y, cv=3)[1:3],
    "incremental learning": incremental,
    "validation_curve": lambda: validation_curve(
        NETWORK, X, y, param_name="hidden_layer_sizes", param_range=[(2,), (3, 3)]
    ),
    "permutation_test_score": lambda: permutation_test_score(
        NETWORK, X, y, n_permutations=4, cv=2, random_state=0
    ),
    "calibration": lambda: CalibratedClassifierCV(NETWORK).fit(X, y).predict_proba(X),
    "selection of features": lambda: (
        SequentialFeatureSelector(NETWORK, n_features_to_select=2, cv=2)
        .fit(X, y)
        .get_support()
    ),
    "several outputs": lambda: (
        MultiOutputClassifier(NETWORK).fit(X, LABELS).predict_proba(X)
    ),
    "labels": lambda: cross_val_score(NETWORK, X, LABELS, cv=3),
    "chain": lambda: ClassifierChain(NETWORK).fit(X, LABELS).predict_proba(X),
    "regression": lambda: cross_val_score(
        TransformedTargetRegressor(REGRESSOR, transformer=StandardScaler()), X, X[:, 0]
    ),
    "early stopping": lambda: bagged(STOPPING),
    "early stopping by a scorer": lambda: bagged(
        clone(STOPPING).set_params(scoring="balanced_accuracy")
    ),
    "diverging": diverging,
    "weights by routing": routed,
    "splits by masks and indices": lambda: grid(cv=SPLITS),
    "pipeline of one step": lambda: grid(make_pipeline(NETWORK)),
    "scorer that refits": lambda: grid(scoring=refitting),
    "scorer that prunes": lambda: grid(scoring=pruning),
    "scorer that copies": lambda: grid(scoring=copying),
    "subclass that uses columns": lambda: grid(
        Shifting((5,), max_iter=3, dtype="float64", random_state=0), X=pd.DataFrame(X)
    ),
    "subclass that fits twice": lambda: grid(
        Twice((5,), max_iter=3, dtype="float64", random_state=0)
    ),
    "sparse": lambda: grid(X=csr_array(X)),
    "polars": lambda: grid(X=pl.DataFrame(X)),
    "text, 1 and 1.0": lambda: searched(
        GridSearchCV(
            make_pipeline(CountVectorizer(token_pattern=r"\w+"), NETWORK),
            {"countvectorizer__max_df": [1, 1.0]},
        ),
        TEXTS,
        np.arange(len(TEXTS)) % 2,
    ),
    "solvers": lambda: searched(
        GridSearchCV(NETWORK, {"solver": ["lbfgs", "adam", "sgd", "adamw"]})
    ),
    "dropout": lambda: bagged(clone(NETWORK).set_params(dropout=0.2)),
    "average": lambda: cross_val_score(
        AveragedClassifier(NETWORK, n_networks=2, random_state=0), X, y, cv=2
    ),
    "forest": lambda: (
        RandomForestClassifier(5, random_state=0).fit(X, y).predict_proba(X)
    ),
    "function": with_callers_function,
}


def assert_equal(ours, theirs):
    """Compare results. Sums in another order, of stacks in BLAS, round differently."""
    assert type(ours) is type(theirs)
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        ours, theirs = [*ours.values()], [*theirs.values()]
    if isinstance(ours, list | tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_equal(one, other)
    elif np.asarray(ours).dtype.kind == "f":
        np.testing.assert_allclose(ours, theirs, rtol=ROUNDING, atol=ROUNDING)
    elif np.asarray(ours).dtype.kind == "O" and isinstance(ours, np.ndarray):
        assert [*map(repr, ours)] == [*map(repr, theirs)]
    elif not isinstance(ours, BaseEstimator):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_give_what_they_give_without(tool):
    theirs = TOOLS[tool]()
    with parallel_config("skffnn"):
        ours = TOOLS[tool]()
    assert_equal(ours, theirs)


@pytest.mark.parametrize(
    "tool", ["grid search", "bagging", "early stopping", "stacking", "diverging"]
)
def test_processes_give_what_one_gives(tool):
    theirs = TOOLS[tool]()
    with parallel_config("skffnn", n_jobs=2):
        ours = TOOLS[tool]()
    assert_equal(ours, theirs)


def test_two_runs_are_equal_in_every_bit():
    with parallel_config("skffnn"):
        one, other = grid(PIPELINE), grid(PIPELINE)
    np.testing.assert_array_equal(one[1], other[1])


def test_a_pipeline_with_a_cache(tmp_path):
    pipeline = make_pipeline(StandardScaler(), NETWORK, memory=str(tmp_path))
    theirs = grid(PIPELINE)[1]
    with parallel_config("skffnn"):
        np.testing.assert_allclose(grid(pipeline)[1], theirs, rtol=ROUNDING)


# ---------------------------------------------------------------- which fits wait


class Noted(TransformerMixin, BaseEstimator):
    """Notes each fit of a pipeline before the network is trained."""

    events: list = []  # noqa: RUF012

    def fit(self, X, y=None):
        self.events.append("fit")
        return self

    def transform(self, X):
        return X


def turns(network=NETWORK, *, target=y, **params):
    """Return how many fits have begun each time when networks have been trained."""

    def scored(model, X, y):
        Noted.events.append("score")
        return 0.0

    Noted.events.clear()
    network = clone(network).set_params(**params)
    with parallel_config("skffnn"):
        cross_val_score(make_pipeline(Noted(), network), X, target, scoring=scored)
    return "".join(event[0] for event in Noted.events)


def test_networks_are_trained_when_all_wait():
    assert turns() == "fffffsssss"


@pytest.mark.parametrize("params", [{"solver": "lbfgs"}, {"verbose": True}])
def test_others_train_alone_in_turn(params, capsys):
    assert turns(**params) == "fsfsfsfsfs"


def test_memory_limits_how_many_are_in_flight():
    with config_context(working_memory=0.02):
        assert turns() != "fffffsssss"
    with config_context(working_memory=1e-6):
        assert turns() == "fsfsfsfsfs"


def test_the_true_number_of_outputs_limits_how_many_are_in_flight():
    wide = np.tile(X, 2000)
    assert turns(REGRESSOR, target=wide) == "fsfsfsfsfs"
    assert turns(REGRESSOR, target=X) == "fffffsssss"


# --------------------------------------------------------------- a backend like others


def network_score(seed=0):
    return clone(NETWORK).set_params(random_state=seed).fit(X, y).score(X, y)


def parallel(function, arguments, n_jobs=None, **options):
    with parallel_config("skffnn", n_jobs=n_jobs):
        return Parallel(**options)(delayed(function)(a) for a in arguments)


def scored_and_seed(seed):
    return seed, network_score(seed)


@pytest.mark.parametrize("n_jobs", [None, 1, 2])
@pytest.mark.parametrize("return_as", ["list", "generator", "generator_unordered"])
def test_values_and_order(n_jobs, return_as):
    expected = [scored_and_seed(seed) for seed in range(6)]
    found = [*parallel(scored_and_seed, range(6), n_jobs, return_as=return_as)]
    assert sorted(found) == expected
    if return_as != "generator_unordered":
        assert found == expected


@pytest.mark.parametrize("options", [{"batch_size": 3}, {"pre_dispatch": "all"}])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_options_of_parallel(n_jobs, options):
    expected = [-i for i in range(20)]
    assert parallel(int.__neg__, range(20), n_jobs, **options) == expected
    assert parallel(int.__neg__, range(20), n_jobs, pre_dispatch=3) == expected
    assert parallel(int.__neg__, [], n_jobs) == []


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_more_tasks_than_are_in_flight(n_jobs):
    assert parallel(int.__neg__, range(1200), n_jobs) == [-i for i in range(1200)]


def test_a_parallel_that_is_used_again():
    with parallel_config("skffnn"), Parallel() as p:
        for _ in range(2):
            found = p(delayed(scored_and_seed)(i) for i in range(3))
            assert [i for i, _ in found] == [0, 1, 2]


@pytest.mark.parametrize("return_as", ["generator", "generator_unordered"])
def test_a_generator_computes_what_is_asked_for(return_as):
    done = []
    results = parallel(done.append, itertools.count(), return_as=return_as)
    next(results), next(results)
    assert done == [0, 1]
    with pytest.warns(UserWarning, match="cancelled"):
        results.close()


def test_a_generator_of_tasks_of_which_one_trains():
    def task(i):
        return network_score() if i == 0 else i

    results = parallel(task, itertools.count(), return_as="generator")
    assert [next(results) for _ in range(3)] == [network_score(), 1, 2]
    with pytest.warns(UserWarning, match="cancelled"):
        results.close()


def test_two_generators_at_once():
    with parallel_config("skffnn"):
        one, other = (
            Parallel(return_as="generator")(
                delayed(scored_and_seed)(i) for i in range(start, start + 3)
            )
            for start in (0, 10)
        )
        assert [(a[0], b[0]) for a, b in zip(one, other, strict=True)] == [
            (0, 10),
            (1, 11),
            (2, 12),
        ]


def fail_at_two(i):
    network_score(i)
    if i == 2:
        raise LookupError("two")


def test_an_error_comes_with_its_traceback():
    with pytest.raises(LookupError, match="two") as error:
        parallel(fail_at_two, range(5))
    assert "fail_at_two" in "".join(traceback.format_exception(error.value))


def test_an_error_leaves_the_blocks_of_other_tasks():
    left = []

    def task(i):
        try:
            if i == 3:
                raise LookupError("three")
            network_score(i)
        finally:
            left.append(i)

    with pytest.raises(LookupError, match="three"):
        parallel(task, range(6))
    assert sorted(left) == [0, 1, 2, 3]


def test_an_error_while_tasks_are_closed_leaves_the_blocks_of_the_others():
    left = []

    def task(i):
        try:
            network_score(i)
        finally:
            left.append(i)
            raise SystemExit(i)

    with pytest.raises(SystemExit):
        parallel(task, range(4))
    assert left == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit, GreenletExit])
def test_an_error_that_is_not_an_exception(kind):
    def task(i):
        network_score(i)
        raise kind("first")

    with pytest.raises(kind, match="first"):
        parallel(task, range(3))


def test_an_error_of_the_iterable():
    def tasks():
        yield delayed(network_score)(0)
        raise LookupError("iterable")

    with parallel_config("skffnn"), pytest.raises(LookupError, match="iterable"):
        Parallel()(tasks())


def test_nothing_is_kept_of_tasks_that_have_ended():
    """Garbage collection while a greenlet runs stops to track what refers to it."""
    results = weakref.WeakSet()

    def task(i):
        network = clone(NETWORK).fit(X, y)
        results.add(network)
        gc.collect()
        if i == 2:
            raise LookupError("two")
        return network

    parallel(task, range(2))
    with contextlib.suppress(LookupError):
        parallel(task, range(4))
    gc.collect()
    assert not results


def press_ctrl_c(*_):
    os.kill(os.getpid(), signal.SIGINT)
    return 0.0


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT from os.kill")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("network", ["stacked", "alone", "scored"])
def test_ctrl_c_ends_all_tasks(network):
    params = {"early_stopping": True, "scoring": press_ctrl_c}
    if network == "alone":
        params |= {"solver": "lbfgs"}
    if network == "scored":
        params = {}
    network, left, n_threads = (
        clone(NETWORK).set_params(**params),
        [],
        threading.active_count(),
    )

    def task(i):
        with contextlib.ExitStack() as stack:
            stack.callback(left.append, i)
            clone(network).fit(X, y)
            press_ctrl_c()

    with pytest.raises(KeyboardInterrupt):
        parallel(task, range(5))
    assert left
    assert len(left) == len({*left})
    assert threading.active_count() == n_threads


@dataclasses.dataclass(frozen=True)
class Pressing(LBFGS):
    """A solver that presses Ctrl-C after the last epoch."""

    def minimise(self, *args):
        found = super().minimise(*args)
        press_ctrl_c()
        return found


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT from os.kill")
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_after_the_last_epoch_ends_all_tasks():
    network, started = clone(NETWORK).set_params(solver=Pressing()), []

    def task(i):
        started.append(i)
        clone(network).fit(X, y)

    with pytest.raises(KeyboardInterrupt):
        parallel(task, range(5))
    assert started == [0]


def test_ctrl_c_trains_no_other_network():
    scored = []

    def scorer(estimator, X, y):
        scored.append(len(estimator.coefs_[0][0]))
        raise KeyboardInterrupt

    def task(width):
        params = {"hidden_layer_sizes": (width,), "early_stopping": True}
        clone(NETWORK).set_params(scoring=scorer, **params).fit(X, y)

    with pytest.raises(KeyboardInterrupt):
        parallel(task, [2, 3, 4])
    assert scored == [2]


# ------------------------------------------------------- settings of a task are its own

VARIABLE = contextvars.ContextVar("variable", default="unset")


@contextlib.contextmanager
def variable(value):
    token = VARIABLE.set(value)
    try:
        yield
    finally:
        VARIABLE.reset(token)


@contextlib.contextmanager
def filtered(action):
    with warnings.catch_warnings():
        warnings.simplefilter(action, BytesWarning)
        yield


SETTINGS = {
    "scikit-learn": (
        lambda i: config_context(print_changed_only=False, working_memory=100 + i),
        lambda: get_config()["working_memory"],
    ),
    "NumPy": (
        lambda i: np.errstate(divide=["ignore", "raise", "call"][i]),
        lambda: np.geterr()["divide"],
    ),
    "joblib": (
        lambda i: parallel_config("threading", n_jobs=2 + i),
        joblib.effective_n_jobs,
    ),
    "warnings": (
        lambda i: filtered(["error", "ignore", "always"][i]),
        lambda: warnings.filters[0][::2],
    ),
    "stdout": (
        lambda i: contextlib.redirect_stdout(io.StringIO()),
        lambda: sys.stdout,
    ),
    "threads": (
        lambda i: threadpool_limits(1 + i % 2, user_api="blas"),
        lambda: [p["num_threads"] for p in threadpool_info() if "blas" in p.values()],
    ),
    "context": (lambda i: variable(f"value {i}"), VARIABLE.get),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_settings_of_a_task_are_its_own(name):
    block, setting = SETTINGS[name]

    def task(i):
        with warnings.catch_warnings(), parallel_config("sequential"):
            outside = setting()
            with block(i):
                inside = setting()
                network_score(i)
                assert setting() == inside
            network_score(i)
            assert setting() == outside

    before = setting()
    parallel(task, range(3))
    assert setting() == before


def test_tasks_see_the_settings_of_the_caller():
    with config_context(working_memory=77), variable("seen"):
        seen = parallel(
            lambda i: (get_config()["working_memory"], VARIABLE.get()), range(2)
        )
    assert seen == [(77, "seen")] * 2


def test_a_task_records_its_own_warnings():
    def task(i):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.warn(f"first {i}", stacklevel=1)
            network_score(i)
            warnings.warn(f"second {i}", stacklevel=1)
        return [str(w.message) for w in caught if w.category is UserWarning]

    expected = [[f"first {i}", f"second {i}"] for i in range(3)]
    assert parallel(task, range(3)) == expected


def test_warnings_of_training_point_to_the_line_that_fits():
    def task(i):
        clone(NETWORK).set_params(batch_size=1000, random_state=i).fit(X, y)

    with pytest.warns(UserWarning, match="batch_size=1000") as caught:
        parallel(task, range(2))
    assert {w.filename for w in caught if "batch_size" in str(w.message)} == {__file__}


def blas_threads(i):
    network_score(i)
    return {p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"}


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_inner_max_num_threads(n_jobs):
    before = threadpool_info()
    with parallel_config("skffnn", n_jobs=n_jobs, inner_max_num_threads=1):
        assert Parallel()(delayed(blas_threads)(i) for i in range(2)) == [{1}, {1}]
    assert threadpool_info() == before


# ------------------------------------------------------------ processes and threads


class Placed(FFNNClassifier):
    """A network that knows in which process it was fitted."""

    def fit(self, X, y, **params):
        self.place_ = os.getpid()
        return super().fit(X, y, **params)


PLACED = Placed((3,), max_iter=2, random_state=0)


def places(n_jobs, own=None):
    """Return the processes of a bagging and of a cross-validation."""
    with parallel_config("skffnn", n_jobs=n_jobs):
        model = BaggingClassifier(PLACED, 8, n_jobs=own).fit(X, y)
        folds = cross_validate(PLACED, X, y, n_jobs=own, return_estimator=True)
    each = model.estimators_, folds["estimator"]
    return [{network.place_ for network in networks} for networks in each]


def test_one_process_is_the_default():
    assert places(None) == places(1) == [{os.getpid()}, {os.getpid()}]


@pytest.mark.parametrize("given", [(2, None), (None, 2)])
def test_n_jobs_is_the_number_of_processes(given):
    for processes in places(*given):
        assert 1 <= len(processes - {os.getpid()}) <= 2
        assert os.getpid() not in processes


def test_shared_memory_needs_one_process():
    found = []
    with parallel_config("skffnn", n_jobs=2):
        Parallel(require="sharedmem")(delayed(found.append)(i) for i in range(3))
    assert found == [0, 1, 2]


def is_mapped(data, i):
    return isinstance(data, np.memmap)


def test_workers_map_large_arrays():
    data = np.zeros(300_000)
    with parallel_config("skffnn", n_jobs=2):
        assert all(Parallel()(delayed(is_mapped)(data, i) for i in range(4)))


def nested(i):
    here = os.getpid(), threading.get_ident()
    networks = Parallel(n_jobs=2)(
        delayed(lambda j: (os.getpid(), threading.get_ident(), network_score(j)))(j)
        for j in range(2)
    )
    assert joblib.effective_n_jobs(2) == 1
    assert {network[:2] for network in networks} == {here}
    return [network[2] for network in networks]


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_parallel_inside_a_task_is_sequential(n_jobs):
    expected = [network_score(0), network_score(1)]
    assert parallel(nested, range(3), n_jobs) == [expected] * 3


def test_a_group_inside_a_task():
    expected = [scored_and_seed(seed) for seed in range(3)]
    found = parallel(lambda i: parallel(scored_and_seed, range(3)), range(2))
    assert found == [expected] * 2


def slow(i):
    time.sleep(0.3)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_tasks_within_a_timeout(n_jobs):
    expected = [network_score(i) for i in range(4)]
    assert parallel(network_score, range(4), n_jobs, timeout=60) == expected


def test_a_task_that_takes_longer_than_a_timeout():
    with pytest.raises(multiprocessing.TimeoutError):
        parallel(slow, range(2), timeout=0.1)


def in_thread(function, *args):
    """Call a function in another thread."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function(*args)))
    thread.start()
    thread.join()
    return found[0]


def test_use_from_an_event_loop():
    async def scores():
        return parallel(network_score, range(3))

    assert asyncio.run(scores()) == [network_score(i) for i in range(3)]


def test_use_from_another_thread():
    expected = [network_score(i) for i in range(3)]
    assert in_thread(parallel, network_score, range(3)) == expected


def test_a_generator_is_read_in_several_threads():
    results = parallel(network_score, range(3), return_as="generator")
    expected = [network_score(i) for i in range(3)]
    assert [in_thread(next, results) for _ in range(3)] == expected
    assert [*results] == []


def in_own_greenlet(seed):
    return greenlet(network_score).switch(seed)


def in_own_thread(seed):
    context = contextvars.copy_context()
    return in_thread(context.run, network_score, seed)


def in_own_pool(seed):
    with parallel_config("threading", n_jobs=2):
        return sum(Parallel()(delayed(network_score)(seed) for _ in range(2))) / 2


def in_own_loop(seed):
    async def score():
        return network_score(seed)

    return asyncio.run(score())


def in_fork(seed):
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=lambda: sender.send(network_score(seed)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tests may have several threads
        process.start()
    process.join(60)
    return receiver.recv()


HAS_FORK = "fork" in multiprocessing.get_all_start_methods()
PLACES = [in_own_greenlet, in_own_thread, in_own_pool, in_own_loop] + [
    in_fork
] * HAS_FORK


@pytest.mark.parametrize("place", PLACES)
def test_fits_elsewhere_take_no_turns(place):
    expected = [(network_score(i), network_score(i)) for i in range(3)]
    found = parallel(lambda i: (network_score(i), place(i)), range(3))
    assert found == expected


@pytest.mark.skipif(not HAS_FORK, reason="no fork")
def test_a_fork_uses_the_backend():
    expected = parallel(network_score, range(3))
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=lambda: sender.send(parallel(network_score, range(3)))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        process.start()
    process.join(60)
    assert receiver.recv() == expected


def group(i):
    return parallel(network_score, range(2))


def test_inside_a_worker_of_loky():
    expected = [network_score(0), network_score(1)]
    with parallel_config("loky", n_jobs=2):
        assert Parallel()(delayed(group)(i) for i in range(2)) == [expected] * 2


@pytest.mark.filterwarnings("ignore")
def test_inside_a_worker_of_dask():
    distributed = pytest.importorskip("distributed")
    expected = [network_score(0), network_score(1)]
    options = {"processes": False, "dashboard_address": None, "n_workers": 1}
    with distributed.Client(**options) as client:
        futures = [client.submit(group, i, pure=False) for i in range(3)]
        assert client.gather(futures) == [expected] * 3


IMPORTING = """
import warnings
warnings.simplefilter("error")
import joblib, skffnn
with joblib.parallel_config("skffnn"):
    print(joblib.Parallel()(joblib.delayed(abs)(i) for i in (-1, 2)))
"""


def test_importing_registers_the_backend(python):
    done = python(IMPORTING)
    assert done.stdout == "[1, 2]\n", done.stderr


def test_progress_is_that_of_joblib(capsys):
    parallel(network_score, range(3), verbose=50)
    lines = capsys.readouterr().out.splitlines()
    assert "Done   3 out of   3" in lines[-1]


# These are last, because joblib ends its workers after an error.


def test_an_error_in_a_worker_comes_with_its_traceback():
    with pytest.raises(LookupError, match="two") as error:
        parallel(fail_at_two, range(5), 2)
    assert "fail_at_two" in "".join(traceback.format_exception(error.value))


def interrupt(i):
    network_score()
    raise KeyboardInterrupt


def test_ctrl_c_in_a_worker():
    with pytest.raises(KeyboardInterrupt):
        parallel(interrupt, range(2), 2)


def interrupted(estimator, X, y):
    raise KeyboardInterrupt


def test_ctrl_c_in_a_worker_ends_the_fit_of_an_average():
    network = clone(NETWORK).set_params(scoring=interrupted)
    model = AveragedClassifier(network, n_networks=2, n_jobs=2)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert not hasattr(model, "estimators_")
