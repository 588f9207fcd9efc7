"""Fits that start from coef_init and intercept_init."""

import numpy as np
import pytest
from helpers import (
    NO_STEP,
    PASS,
    X,
    Y,
    assert_identical,
    assert_same_training,
    maker,
    objective,
    parameters,
    snapshot,
    y,
)
from sklearn import config_context
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skffnn import FFNNClassifier, FFNNRegressor, load
from skffnn.optim.training import Training

make = maker(max_iter=6, learning_rate_init=0.05, dtype="float64")

# All rows at once, so that only the parameters use random numbers.
NO_DRAWS = {"batch_size": 150}


def weights_of(model):
    return {"coef_init": model.coefs_, "intercept_init": model.intercepts_}


def drawn(seed, target=y):
    """Return the initial parameters of a fit with this seed."""
    model = make(random_state=seed, solver="sgd", learning_rate_init=NO_STEP)
    return weights_of(model.set_params(max_iter=1).fit(X, target))


@pytest.mark.parametrize("target", [y, Y, np.column_stack([y, y + 1])])
@pytest.mark.parametrize("params", [NO_DRAWS, {"solver": "lbfgs"}], ids=str)
def test_the_start_of_another_seed_gives_the_fit_of_that_seed(params, target):
    other = make(random_state=1, **params).fit(X, target)
    model = make(random_state=0, **params).fit(X, target, **drawn(1, target))
    assert_identical(model, other)


@pytest.mark.parametrize(
    "params", [{}, {"early_stopping": True}, {"dropout": 0.3}, {"weight_init": "ntk"}]
)
def test_the_stream_of_random_numbers_does_not_depend_on_what_is_given(params):
    model = make(batch_size=30, **params).set_params(dtype="float64")
    first = make(**params, solver="sgd", learning_rate_init=NO_STEP, max_iter=1)
    start = weights_of(first.fit(X, y))
    expected = make(batch_size=30, **params).fit(X, y)
    for given in (start, {"coef_init": start["coef_init"]}):
        assert_same_training(model.fit(X, y, **given), expected)


def test_a_fit_goes_on_from_the_loss_that_another_had_reached():
    reached = make(solver="lbfgs", max_iter=20).fit(X, y)
    near = make(solver="lbfgs", max_iter=1, random_state=5)
    near.fit(X, y, **weights_of(reached))
    assert near.loss_ < reached.loss_ == pytest.approx(objective(reached, X, y))
    far = make(solver="lbfgs", max_iter=1, random_state=5).fit(X, y)
    assert far.loss_ > 2 * near.loss_


def test_lbfgs_stops_at_once_where_it_has_converged():
    settings = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0.01}
    optimum = make(**settings, tol=1e-6, max_iter=1000).fit(X, y)
    again = make(**settings, tol=1e-5, random_state=3).fit(X, y, **weights_of(optimum))
    assert again.n_iter_ == 1
    assert again.loss_ == pytest.approx(optimum.loss_, rel=PASS)
    np.testing.assert_array_equal(parameters(again), parameters(optimum))


def test_the_coefficients_of_a_linear_model_are_a_start():
    theirs = LogisticRegression(C=1.0).fit(X, y)
    model = make(hidden_layer_sizes=(), solver="sgd", learning_rate_init=NO_STEP)
    model.fit(X, y, coef_init=[theirs.coef_.T], intercept_init=[theirs.intercept_])
    np.testing.assert_allclose(
        model.predict_proba(X), theirs.predict_proba(X), atol=PASS
    )


def test_the_order_of_several_targets_does_not_matter():
    # The outputs and their initial parameters, in a different order.
    target, outputs = np.column_stack([y, y > 0]), [3, 0, 1, 2]
    start = drawn(0, target)
    model = make(**NO_DRAWS).fit(X, target, **start)
    W, b = start["coef_init"], start["intercept_init"]
    other = make(**NO_DRAWS).fit(
        X,
        target[:, ::-1],
        coef_init=[W[0], W[1][:, outputs]],
        intercept_init=[b[0], b[1][outputs]],
    )
    np.testing.assert_array_equal(model.predict(X), other.predict(X)[:, ::-1])
    np.testing.assert_allclose(model.loss_curve_, other.loss_curve_, rtol=PASS)


def test_what_is_given_stays_as_it_is_and_may_be_lists():
    start = drawn(1)
    before = [a.copy() for a in start["coef_init"]]
    lists = {k: [a.tolist() for a in v] for k, v in start.items()}
    assert_identical(make().fit(X, y, **start), make().fit(X, y, **lists))
    for array, copy in zip(start["coef_init"], before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("normalize_y", [False, True])
def test_those_of_a_regressor_are_in_the_units_of_coefs(normalize_y):
    X, y = load_diabetes(return_X_y=True)
    settings = {"hidden_layer_sizes": (5,), "normalize_y": normalize_y}
    settings |= {"dtype": "float64", "batch_size": 30}
    model = FFNNRegressor(**settings, max_iter=5, random_state=0).fit(X, y)
    still = FFNNRegressor(solver="sgd", learning_rate_init=NO_STEP, **settings)
    still.fit(X, y, **weights_of(model))
    np.testing.assert_allclose(still.predict(X), model.predict(X), rtol=PASS)
    # In another unit, y and its predictions are scaled by the same factor.
    if normalize_y:
        still.fit(X, 1024 * y, **weights_of(model))
        np.testing.assert_allclose(still.predict(X), 1024 * model.predict(X))


class TestWithOtherWaysToGoOn:
    """Combination with warm_start, partial_fit, checkpoints and pipelines."""

    def test_given_parameters_win_over_a_warm_start(self):
        warm = make(warm_start=True).fit(X, y)
        warm.fit(X, y, **drawn(1))
        assert_same_training(warm, make().fit(X, y, **drawn(1)))
        assert_same_training(warm.fit(X, y), make(max_iter=12).fit(X, y, **drawn(1)))
        warm.fit(X, Y, **drawn(2, Y))  # a new fit, so y may differ as well
        assert warm.predict(X).shape == Y.shape

    def test_a_stream_goes_on_from_them(self):
        model = make(max_iter=1).fit(X, y, **drawn(1))
        assert model.partial_fit(X, y).t_ == 300

    def test_a_checkpoint_belongs_to_them(self, tmp_path, monkeypatch):
        path = str(tmp_path / "run.skffnn")
        whole = make().fit(X, y, **drawn(1))
        end_epoch = Training.end_epoch

        def fails(training, *args, **kwargs):
            if training.n_iter == 3:
                raise RuntimeError("power cut")
            end_epoch(training, *args, **kwargs)

        with monkeypatch.context() as patched:
            patched.setattr(Training, "end_epoch", fails)
            with pytest.raises(RuntimeError, match="power cut"):
                make(checkpoint=path).fit(X, y, **drawn(1))
        assert load(path).n_iter_ == 3
        for other in ({}, drawn(2)):
            with pytest.raises(ValueError, match="different initial parameters"):
                make(checkpoint=path).fit(X, y, **other)
        assert_same_training(make(checkpoint=path).fit(X, y, **drawn(1)), whole)

    def test_they_are_routed(self):
        with config_context(enable_metadata_routing=True):
            step = make().set_fit_request(coef_init=True, intercept_init=True)
            pipeline = make_pipeline("passthrough", step).fit(X, y, **drawn(1))
        assert_identical(pipeline[-1], make().fit(X, y, **drawn(1)))


W, b = [np.zeros((4, 8)), np.zeros((8, 3))], [np.zeros(8), np.zeros(3)]
SHAPES = r"coef_init must be a list of arrays.*of shapes \(4, 8\), \(8, 3\), got shapes"
WRONG = {
    "one array": ({"coef_init": W[0]}, "must be a list of arrays.*got a ndarray"),
    "too few": ({"coef_init": W[:1]}, SHAPES + r" \(4, 8\)\."),
    "none": ({"coef_init": []}, SHAPES + " of an empty list"),
    "too many": (
        {"intercept_init": [*b, b[1]]},
        r"intercept_init .*\(8,\), \(3,\), got",
    ),
    "transposed": ({"coef_init": [W[0].T, W[1]]}, SHAPES + r" \(8, 4\), \(8, 3\)"),
    "columns": ({"intercept_init": [v[:, None] for v in b]}, r"got shapes \(8, 1\)"),
    "NaN": ({"coef_init": [W[0], W[1] * np.nan]}, r"coef_init\[1\] must be finite"),
    "infinite": (
        {"intercept_init": [b[0] + np.inf, b[1]]},
        r"intercept_init\[0\] must",
    ),
    "too large": ({"coef_init": [W[0] + 1e39, W[1]]}, r"\[0\] must be finite.*float32"),
    "texts": (
        {"coef_init": [W[0], [["a"]]]},
        r"coef_init\[1\] must be an array of num",
    ),
    "ragged": ({"coef_init": [W[0], [[1], [2, 3]]]}, r"\[1\] must be an array of num"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("kind", [FFNNClassifier, FFNNRegressor])
def test_wrong_ones_are_one_error_before_any_training(kind, case, monkeypatch):
    given, message = WRONG[case]
    target = y if kind is FFNNClassifier else np.column_stack([y, y, y])
    model = kind(hidden_layer_sizes=(8,), max_iter=1, random_state=0).fit(X, target)
    before, predictions = snapshot(model), model.predict(X)
    monkeypatch.setattr(Training, "end_epoch", None)  # must not be reached
    with pytest.raises(ValueError, match=message):
        model.fit(X, target, **given)
    after = snapshot(model)
    assert all(after[name] is before[name] for name in before)
    np.testing.assert_array_equal(model.predict(X), predictions)
