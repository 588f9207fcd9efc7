"""scikit-learn's callbacks: each epoch is a task, with the model at its end."""

import pickle
import re
import threading
import warnings

import numpy as np
import pytest
from helpers import SINGLE, WEIGHTS, X, assert_same, maker, y
from joblib import parallel_config
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    ParameterGrid,
    RandomizedSearchCV,
    StratifiedKFold,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skffnn
from skffnn import SOLVERS, AveragedClassifier, FFNNRegressor

sklearn_callback = pytest.importorskip(
    "sklearn.callback", reason="callbacks need scikit-learn 1.9 or newer"
)
ScoringMonitor = sklearn_callback.ScoringMonitor

make = maker(max_iter=6, batch_size=30)


class Journal:
    """Records the calls of its hooks, and the fitted copies passed to them."""

    def __init__(self, stop_at=None, error=None):
        self.stop_at, self.error = stop_at, error
        self.calls, self.models, self.sizes = [], [], []

    def setup(self, estimator, context):
        self.calls.append("setup")
        self.sizes.append(context.max_subtasks)

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, fitted_estimator=None):
        self.calls.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.calls.append(("end", context.task_name, context.task_id))
        if context.task_name == "fit":
            return None
        if fitted_estimator is not None:
            self.models.append(fitted_estimator)
        if self.stop_at == len(self.models):
            if self.error is not None:
                raise self.error
            return True
        return None

    def ended(self, unit):
        """Return the numbers of the completed tasks of a kind."""
        return [call[2] for call in self.calls if call[:2] == ("end", unit)]


class Propagated(Journal):
    """A callback that meta-estimators pass to their sub-estimators."""

    max_propagation_depth = None


# ------------------------------------------------------------------- the epochs


@pytest.mark.parametrize(
    ("solver", "early_stopping", "weights"),
    [("adam", False, WEIGHTS), ("adam", True, None), ("lbfgs", False, None)],
    ids=["weights", "validation", "lbfgs"],
)
def test_monitored_scores_are_those_of_shorter_fits(solver, early_stopping, weights):
    params = {"solver": solver, "early_stopping": early_stopping}
    monitor = ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    model = make(**params).set_callbacks(monitor).fit(X, y, weights)
    whole, *epochs = monitor.get_logs().data
    assert [row["task_id_path"] for row in epochs] == [(0, k) for k in range(6)]
    for k, row in enumerate(epochs, start=1):
        shorter = make(**params, max_iter=k).fit(X, y, weights)
        assert row["accuracy"] == shorter.score(X, y, weights)
    assert whole["accuracy"] == model.score(X, y, weights) == row["accuracy"]


def test_monitored_scores_of_a_regressor():
    pytest.importorskip("pandas")
    X, y = load_diabetes(return_X_y=True, as_frame=True)  # named columns
    monitor, params = ScoringMonitor(scoring="r2"), {"random_state": 0}
    FFNNRegressor(**params, max_iter=3).set_callbacks(monitor).fit(X, y)
    for k, row in enumerate(monitor.get_logs().data[1:], start=1):
        shorter = FFNNRegressor(**params, max_iter=k).fit(X, y)
        assert row["r2"] == shorter.score(X, y)


@pytest.mark.parametrize("solver", SOLVERS)
def test_each_task_begins_and_ends(solver):
    journal = Journal()
    make(solver=solver).set_callbacks(journal).fit(X, y)
    unit = "iteration" if solver == "lbfgs" else "epoch"
    of_epochs = [(when, unit, k) for k in range(6) for when in ("begin", "end")]
    fit = [("begin", "fit", 0), *of_epochs, ("end", "fit", 0)]
    assert journal.calls == ["setup", *fit, "teardown"]
    assert journal.sizes == [6]


def test_the_iteration_that_lbfgs_does_not_make_ends_without_a_model():
    journal = Journal()
    model = make(solver="lbfgs", max_iter=500).set_callbacks(journal).fit(X, y)
    assert model.n_iter_ < 500  # it has converged
    assert len(journal.models) == model.n_iter_
    assert journal.ended("iteration") == [*range(model.n_iter_ + 1)]


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_training_is_the_same_and_each_copy_is_a_model_of_its_own(
    solver, early_stopping
):
    params = {"solver": solver, "early_stopping": early_stopping, "dropout": 0.1}
    journal = Journal()
    model = make(**params).set_callbacks(journal).fit(X, y)
    assert_same(model, make(**params).fit(X, y))
    for k, then in enumerate(journal.models, start=1):
        assert_same(then, make(**params, max_iter=k).fit(X, y))
    halfway = journal.models[2].set_callbacks()
    halfway.set_params(warm_start=True, max_iter=3).fit(X, y)
    if solver != "lbfgs":  # which continues only from the parameters
        halfway.n_iter_ = 6  # of the last fit alone
        assert_same(halfway, model)


def test_partial_fit_is_a_fit_of_one_epoch():
    journal = Journal()
    model = make().set_callbacks(journal).partial_fit(X, y, classes=[0, 1, 2])
    model.partial_fit(X, y)
    assert journal.ended("epoch") == journal.ended("fit") == [0, 0]
    assert journal.sizes == [1, 1]


def test_hooks_are_given_what_the_user_passed():
    given = []

    class Given(Journal):
        def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None):
            given.append((X, y, metadata))

    model, rows = make(max_iter=1).set_callbacks(Given()), X.tolist()
    model.fit(rows, y, WEIGHTS).fit(rows, y)
    assert all(one[0] is rows and one[1] is y for one in given)
    assert given[0][2]["sample_weight"] is given[1][2]["sample_weight"] is WEIGHTS
    assert given[-1][2] is None


# ---------------------------------------------------------------------- the end


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_stops_training(solver, early_stopping):
    params = {"solver": solver, "early_stopping": early_stopping, "warm_start": True}
    journal = Journal(stop_at=3)
    model = make(**params).set_callbacks(journal)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(X, y)
    assert_same(model, make(**params, max_iter=3).fit(X, y))
    assert len(journal.models) == 3
    assert journal.calls[-2:] == [("end", "fit", 0), "teardown"]
    if solver != "lbfgs":
        model.set_callbacks().set_params(max_iter=3).fit(X, y)
        assert model.loss_curve_ == make(**params).fit(X, y).loss_curve_


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_fit_that_was_stopped_is_resumed_from_its_checkpoint(solver, tmp_path):
    path = tmp_path / "fit.skffnn"
    model = make(solver=solver, checkpoint=path)
    assert clone(model).set_callbacks(Journal(stop_at=4)).fit(X, y).n_iter_ == 4
    journal = Journal()
    model.set_callbacks(journal).fit(X, y)
    assert model.n_iter_ == 6
    assert len(journal.models) == 2
    assert journal.sizes == [2]
    if solver == "adam":
        assert_same(model, make(solver=solver).fit(X, y))
    model.fit(X, y)  # already finished, so nothing is trained
    assert len(journal.models) == 2


def test_ctrl_c_in_a_callback_keeps_the_best_model():
    journal = Journal(stop_at=3, error=KeyboardInterrupt)
    model = make(early_stopping=True).set_callbacks(journal)
    with pytest.warns(UserWarning, match=r"interrupted.*best model"):
        model.fit(X, y)
    assert_same(model, make(early_stopping=True, max_iter=3).fit(X, y))
    assert journal.calls[-2:] == [("end", "fit", 0), "teardown"]
    assert len(journal.ended("epoch")) == 3


@pytest.mark.parametrize("fitted_before", [False, True])
def test_an_error_in_a_callback_leaves_the_estimator_as_it_was(fitted_before):
    model = make()
    if fitted_before:
        model.fit(X, y)
    journal = Journal(stop_at=2, error=RuntimeError("pruned"))
    before = vars(model.set_callbacks(journal)).copy()
    with pytest.raises(RuntimeError, match="pruned"):
        model.fit(X, -y)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())
    assert journal.calls[-1] == "teardown"


def test_callbacks_are_torn_down_when_training_diverges():
    journal = Journal()
    model = make(solver="sgd", learning_rate_init=1e30).set_callbacks(journal)
    with pytest.raises(ValueError, match="diverged"):
        model.fit(X, y)
    assert journal.calls[-1] == "teardown"
    assert vars(model)["_skl_callbacks"] == [journal]
    assert not any("context" in name or "ctx" in name for name in vars(model))


def test_bad_input_is_found_before_a_callback_is_called():
    journal = Journal()
    for model, rows in (make(max_iter=-1), X), (make(), X * np.nan):
        with pytest.raises(ValueError, match=r"max_iter|NaN"):
            model.set_callbacks(journal).fit(rows, y)
    assert journal.calls == []


# -------------------------------------------------------- interface of estimators


def test_callbacks_are_no_parameters_and_go_with_copies():
    monitor = ScoringMonitor(scoring="accuracy")
    model = make().set_callbacks(monitor)
    assert "monitor" not in repr(model)
    assert model.get_params() == make().get_params()
    assert clone(model)._skl_callbacks == [monitor]
    again = pickle.loads(pickle.dumps(model.fit(X, y)))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert len(again._skl_callbacks) == 1
    with pytest.raises(TypeError, match="FitCallback"):
        model.set_callbacks(print)


def test_a_file_holds_no_callbacks(tmp_path):
    model = make().set_callbacks(Journal()).fit(X, y)
    skffnn.save(model, tmp_path / "model.skffnn")
    assert not hasattr(skffnn.load(tmp_path / "model.skffnn"), "_skl_callbacks")


# ---------------------------------------------------------- pipelines and searches

GRID = {"ffnnclassifier__alpha": [1e-4, 1.0]}
CV = StratifiedKFold(2)


@pytest.mark.parametrize("backend", ["threading", "skffnn"])
def test_a_search_reports_each_epoch_of_each_fit(backend, capsys):
    pytest.importorskip("rich")
    monitor = ScoringMonitor(scoring="accuracy")
    pipeline = make_pipeline(StandardScaler(), make(max_iter=3).set_callbacks(monitor))
    search = GridSearchCV(pipeline, GRID, cv=CV)
    search.set_callbacks(sklearn_callback.ProgressBar(max_propagation_depth=None))
    with parallel_config(backend):
        search.fit(X, y)
    bars = re.findall(r"FFNNClassifier - fit #1 .*100%", capsys.readouterr().out)
    assert len(bars) == 5  # two candidates, two splits, and the refit
    assert not any("Progress" in type(t).__name__ for t in threading.enumerate())
    log = {row["task_id_path"]: row for row in monitor.get_logs().data}
    splits = list(CV.split(X, y))
    fits = [(p, train) for p in ParameterGrid(GRID) for train, _ in splits]
    assert len(log) == (len(fits) + 1) * (3 + 1)
    for i, (params, train) in enumerate(fits):
        for k in range(3):
            shorter = make_pipeline(StandardScaler(), make(max_iter=k + 1))
            shorter.set_params(**params).fit(X[train], y[train])
            row = log[0, 0, i, 1, k]  # search, candidate and split, network, epoch
            assert row["accuracy"] == shorter.score(X[train], y[train])


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (GridSearchCV, {}),
        (RandomizedSearchCV, {"n_iter": 3, "random_state": 0}),
        (HalvingGridSearchCV, {"random_state": 0}),
    ],
)
def test_a_search_with_callbacks_has_the_same_results(kind, options, capsys):
    pytest.importorskip("rich")
    network = make(max_iter=3, batch_size=8)
    search = kind(network, {"alpha": [1e-4, 1.0, 1e3]}, cv=CV, **options)
    with parallel_config("skffnn"):
        stacked = search.fit(X, y).cv_results_
        search.set_callbacks(sklearn_callback.ProgressBar()).fit(X, y)
    assert f"{kind.__name__} - fit" in capsys.readouterr().out
    for name in "params", "mean_test_score", "rank_test_score":
        np.testing.assert_array_equal(search.cv_results_[name], stacked[name])


def test_each_network_of_an_average_is_reported():
    monitor = ScoringMonitor(scoring="accuracy")
    network = make(max_iter=3)
    options = {"n_networks": 3, "random_state": 0}
    plain = AveragedClassifier(network, **options).fit(X, y)
    network = clone(network).set_callbacks(monitor)
    model = AveragedClassifier(network, **options).fit(X, y)
    runs = monitor.get_logs(select="all")
    assert [len(run.data) for run in runs] == [1 + 3] * 3
    np.testing.assert_allclose(
        model.predict_proba(X), plain.predict_proba(X), rtol=SINGLE
    )


def test_a_pipeline_says_that_an_average_does_not_pass_callbacks_on():
    average = AveragedClassifier(make(max_iter=2), n_networks=2)
    assert not hasattr(average, "set_callbacks")
    pipeline = make_pipeline(StandardScaler(), average)
    pipeline.set_callbacks(Propagated())
    with pytest.warns(UserWarning, match=r"AveragedClassifier does not support"):
        pipeline.fit(X, y)
