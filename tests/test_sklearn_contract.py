"""scikit-learn's estimator checks, and its tests of MLPClassifier."""

import importlib.util
import itertools
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from helpers import failed_checks
from sklearn.neural_network.tests import test_mlp as sklearn_tests
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
)

from skffnn import REGRESSION_LOSSES, SOLVERS, FFNNClassifier, FFNNRegressor

DTYPES = ["auto", "float32", "float64"]
OPTIONS = list(itertools.product([False, True], [None, "balanced"]))
GRID = [
    (solver, dtype, *options)
    for solver, dtype, options in itertools.product(SOLVERS, DTYPES, OPTIONS)
]
# The defaults, and everything else at once. L-BFGS is checked without a penalty below,
# and all combinations by a long run.
CHECKED = [("adam", "auto", False, None), ("adam", "float32", True, "balanced")]
# Estimators are checked with their defaults, with one exception: with the default
# learning rate of 0.001, gradient descent improves too slowly for early stopping on one
# of the checks' data sets, and stops after 12 epochs with an accuracy of 0.5. So does
# MLPClassifier, which uses the same random numbers and rules there.
RATE = {("sgd", True): {"learning_rate_init": 0.05}}
# Skipped unless an environment variable is set before SciPy is imported, so it runs in
# its own process below.
CHECK = "check_array_api_input"


def estimator(solver, dtype, early_stopping, class_weight):
    """Return an estimator with defaults except for one entry of the grid."""
    return FFNNClassifier(
        solver=solver,
        dtype=dtype,
        early_stopping=early_stopping,
        class_weight=class_weight,
        **RATE.get((solver, early_stopping), {}),
    )


@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings on purpose
@pytest.mark.parametrize("entry", CHECKED, ids=str)
def test_every_check_passes(entry):
    pytest.importorskip("pandas")  # some checks would be skipped without it
    failed = failed_checks(estimator(*entry))
    failed.pop(CHECK, None)
    assert not failed


def test_there_are_callbacks_where_scikit_learn_has_them():
    has_them = importlib.util.find_spec("sklearn.callback") is not None
    for kind in FFNNClassifier, FFNNRegressor:
        assert hasattr(kind, "set_callbacks") == has_them


class Watcher:
    """A callback that uses the fitted copy after each epoch."""

    n_calls = 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        Watcher.n_calls += 1
        fitted_estimator.predict(X)


@pytest.mark.only_long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [FFNNClassifier, FFNNRegressor])
def test_every_check_passes_with_a_callback(kind):
    pytest.importorskip("pandas")
    pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")
    n_calls = Watcher.n_calls
    failed = failed_checks(kind(solver="adam").set_callbacks(Watcher()))
    failed.pop(CHECK, None)
    assert not failed
    assert Watcher.n_calls > n_calls + 1000


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "solver",
    [
        pytest.param(solver, marks=[pytest.mark.only_long] * (solver != "adam"))
        for solver in SOLVERS
    ],
)
def test_every_check_passes_of_the_regressor(solver):
    pytest.importorskip("pandas")
    failed = failed_checks(FFNNRegressor(solver=solver))
    failed.pop(CHECK, None)
    assert not failed


# Targets in the hundreds are far from exp(0), where training starts, so 200 epochs with
# the default learning rate are too few. These losses need positive targets, but one of
# the checks has negative ones.
POSITIVE = {"learning_rate_init": 0.05}
OF_ANY_SIGN = "check_regressor_multioutput"


@pytest.mark.only_long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_every_check_passes_of_every_loss(loss):
    pytest.importorskip("pandas")
    positive = not REGRESSION_LOSSES[loss].scalable
    failed = failed_checks(FFNNRegressor(loss, **POSITIVE if positive else {}))
    failed.pop(CHECK, None)
    if positive:
        assert "ValueError" in failed.pop(OF_ANY_SIGN)
    assert not failed


@pytest.mark.only_long
@pytest.mark.filterwarnings("ignore")
def test_every_check_but_one_passes_with_early_stopping():
    # Unweighted rows are split by position, like those of MLPRegressor, and weighted
    # rows by content.
    failed = failed_checks(FFNNRegressor(early_stopping=True))
    failed.pop(CHECK, None)
    assert {name.rsplit("_on_", 1)[0] for name in failed} == {
        "check_sample_weight_equivalence"
    }


@pytest.mark.only_long
@pytest.mark.filterwarnings("ignore")
def test_every_check_passes_for_all_combinations(part):
    pytest.importorskip("pandas")
    others = [entry for entry in GRID if entry not in CHECKED]
    order = np.random.default_rng(0).permutation(len(others))
    for i in order[: round(part * len(others))]:
        failed = failed_checks(estimator(*others[i]))
        failed.pop(CHECK, None)
        assert not failed, others[i]


@pytest.mark.filterwarnings("ignore")
def test_every_check_passes_without_a_penalty():
    # Weights and logits then grow until probabilities round to 0 and 1.
    failed = failed_checks(FFNNClassifier(solver="lbfgs", alpha=0))
    assert failed.keys() <= {CHECK}


@pytest.mark.only_long
def test_the_skipped_check_passes_where_scipy_accepts_array_api_input():
    pytest.importorskip("pandas")
    code = f"""
import warnings
from sklearn.utils.estimator_checks import estimator_checks_generator
from skffnn import SOLVERS, FFNNClassifier
warnings.simplefilter("ignore")
for solver in SOLVERS:
    checks = estimator_checks_generator(FFNNClassifier(solver=solver))
    found = [pair for pair in checks if pair[1].func.__name__ == {CHECK!r}]
    for estimator, check in found:
        check(estimator)
    print(len(found))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"SCIPY_ARRAY_API": "1"},
        cwd=os.path.dirname(os.path.dirname(__file__)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr.strip()
    # Older versions of scikit-learn do not run this check for such estimators.
    checks = estimator_checks_generator(FFNNClassifier())
    here = sum(check.func.__name__ == CHECK for _, check in checks)
    assert done.stdout.split() == [str(here)] * len(SOLVERS)


# scikit-learn's tests that do not apply to FFNNClassifier, with reasons.
NOT_OURS = {
    "test_verbose_sgd": "wants the word Iteration: ours is Epoch, as everywhere else",
    "test_fit": (
        "assigns weights to a network that is not fitted: ours are arguments of fit, "
        "coef_init and intercept_init"
    ),
    "test_gradient": "calls the private method _loss_grad_lbfgs",
    "test_n_iter_no_change": "reads the private counter _no_improvement_count",
    "test_n_iter_no_change_inf": "reads the private counter _no_improvement_count",
    "test_adaptive_learning_rate": "reads the private attribute _optimizer",
    "test_learning_rate_warmstart": "reads the private attribute _optimizer",
    "test_early_stopping_stratified": (
        "wants an error where a class has one member: we split at random and warn"
    ),
    "test_mlp_partial_fit_after_fit": (
        "wants a ValueError: partial_fit is not there with early_stopping=True"
    ),
    "test_partial_fit_regression": (
        "compares to seven digits what is float64 here, a fit to one batch of all "
        "rows, with what is float32, a stream"
    ),
    "test_nonfinite_params": "wants another text of the error of a fit that diverges",
    "test_mlp_diverging_loss": "wants a loss that is not finite: here it is an error",
    "test_minimum_input_sample_size": (
        "wants an error where a single row is validated on, with the text of their own"
    ),
    "test_predict_proba_multilabel": (
        "wants the logarithm of a probability that was rounded to nearly 1, to seven "
        "digits: ours is computed from the logit, and more exact"
    ),
}


OURS = {"MLPClassifier": FFNNClassifier, "MLPRegressor": FFNNRegressor}


def their_tests_of(theirs):
    """Yield scikit-learn's tests that use an estimator, with their parameters."""
    for name, function in vars(sklearn_tests).items():
        of_regressor = "regress" in name or "poisson" in name
        if not name.startswith("test_") or (of_regressor and theirs == "MLPClassifier"):
            continue
        marks = [m for m in getattr(function, "pytestmark", ()) if m.args]
        used = {*function.__code__.co_names}
        params = [mark.args for mark in marks if mark.name == "parametrize"]
        takes = {n for names, _ in params for n in str(names).split(",")}
        by_parameter = {"MLPEstimator", "Estimator"} & takes
        if theirs not in used and not by_parameter:
            continue
        for values in itertools.product(*(v for _, v in params)):
            kwargs = {}
            for (names, _), value in zip(params, values, strict=True):
                keys = [key.strip() for key in names.split(",")]
                value = value if len(keys) > 1 else [value]
                kwargs |= dict(zip(keys, value, strict=True))
            if any(kwargs[key].__name__ != theirs for key in by_parameter):
                continue
            kwargs |= dict.fromkeys(by_parameter, OURS[theirs])
            yield pytest.param(name, kwargs, id=f"{theirs}-{name}{len(kwargs) or ''}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "kwargs"), [test for theirs in OURS for test in their_tests_of(theirs)]
)
def test_passes_scikit_learns_test_of_its_networks(
    name, kwargs, monkeypatch, request, capsys, tmp_path
):
    if name in NOT_OURS:
        pytest.skip(NOT_OURS[name])
    function = getattr(sklearn_tests, name)
    for theirs, ours in OURS.items():
        monkeypatch.setattr(sklearn_tests, theirs, ours)
    wanted = function.__code__.co_varnames[: function.__code__.co_argcount]
    kwargs = {"global_random_seed": 0} | kwargs  # one of scikit-learn's fixtures
    kwargs = {key: value for key, value in kwargs.items() if key in wanted}
    fixtures = {n: request.getfixturevalue(n) for n in wanted if n not in kwargs}
    np.random.seed(0)  # noqa: NPY002, these tests use the global state
    with warnings.catch_warnings():
        function(**kwargs, **fixtures)
