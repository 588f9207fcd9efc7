"""ONNX graphs of networks and averages have the same outputs as the estimators."""

import numpy as np
import pytest
from helpers import X, Y, maker, y
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skffnn import (
    ACTIVATIONS,
    REGRESSION_LOSSES,
    AveragedClassifier,
    AveragedRegressor,
    FFNNRegressor,
    RegressionLoss,
)
from skffnn.nn.activations import ELU, LeakyReLU
from skffnn.nn.losses import CrossEntropy, LogisticOutput

pytest.importorskip("skl2onnx")
pytest.importorskip("onnxruntime")

# Both use the same dtype. float32 rounds by 6e-8, in sums of about ten numbers;
# onnxruntime has no error function in float64.
SINGLE, DOUBLE, ERROR_FUNCTION = 1e-6, 1e-12, 1e-7
TOLERANCE = {np.float32: SINGLE, np.float64: DOUBLE}

# Sums of ten products of up to 100 can cancel.
LOGITS = {np.float32: 1e-4, np.float64: 1e-12}

# Of ln(f / (1 - f)) for f near 1: the next f changes it by up to ln 2 of 37, or of 16.
SATURATED = {np.float32: 0.05, np.float64: 0.02}

# For trees, the sum of the leaves is rounded to float32; the rest uses float64.
TREES = 1e-6

# Other models compute probabilities in float32, which also limits their logarithms.
OTHERS = 1e-5

FAR = 5 * X  # rows where activations are far from linear

LABELS = {
    "two": y > 1,
    "strings": np.array(["à", "b", "c"])[y],
    "objects": np.array(["à", "b", "c"], dtype=object)[y],
    "two strings": np.array(["no", "yes"])[(y > 1).astype(int)],
    "negative": y - 1,
    "beyond 32 bits": y + 2**40,
    "two beyond 32 bits": (y > 1) + 2**40,
    "bytes": y.astype(np.uint8),
    "floats": y.astype(float),
    "multi-label": Y,
    "two labels": Y[:, :2],
}

make = maker(max_iter=5, learning_rate_init=0.02)
quick = {"n_networks": 2, "n_jobs": 1, "random_state": 0}
target = X[:, 0] * 40 + X[:, 1] ** 2 + 1000


def regressor(**params):
    return FFNNRegressor(hidden_layer_sizes=(8,), max_iter=5, random_state=0, **params)


def agree(outputs, model, rows, tolerance):
    """Assert that labels are equal and probabilities approximately equal."""
    label, f = outputs
    np.testing.assert_array_equal(label, model.predict(rows))
    np.testing.assert_allclose(f, model.predict_proba(rows), rtol=0, atol=tolerance)


# ----------------------------------------------------------------------- one network


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(serve, activation, dtype):
    model = make(hidden_layer_sizes=(8, 6), activation=activation).fit(X, y)
    rows = FAR.astype(dtype)
    tolerance = max(TOLERANCE[dtype], ERROR_FUNCTION * (activation == "gelu"))
    outputs = serve(model, rows)
    assert outputs[1].dtype == dtype
    agree(outputs, model, rows, tolerance)


@pytest.mark.parametrize(
    "params",
    [
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": (7, 5, 3), "activation": ["tanh", "mish", "elu"]},
        {"activation": LeakyReLU(slope=0.3)},
        {"activation": ELU(alpha=0.5, scale=2.0)},
        {"dtype": "float64", "dropout": 0.2},
    ],
)
def test_layers(serve, params):
    model = make(**params).fit(X, y)
    agree(serve(model, FAR), model, FAR, DOUBLE)


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("average", [False, True])
def test_labels_of_every_type(serve, kind, average):
    model = AveragedClassifier(make(), **quick) if average else make()
    model.fit(X, LABELS[kind])
    label, f = serve(model, X)
    assert label.dtype == (object if model.classes_.dtype.kind in "UO" else np.int64)
    agree((label, f), model, X, DOUBLE)


def test_labels_that_are_no_64_bit_integers_are_an_error(serve):
    model = make().fit(X, y.astype(np.uint64) + 2**63)
    with pytest.raises(TypeError, match="strings or 64-bit integers"):
        serve(model, X)


@pytest.mark.parametrize("n", [1, 2, 1000])
def test_a_batch_of_any_length(serve, n):
    model = make().fit(X, y)
    rows = np.tile(FAR, (7, 1))[:n]
    label, f = serve(model, rows)
    assert label.shape == (n,)
    agree((label, f), model, rows, DOUBLE)


def test_whole_numbers_as_input(serve):
    rows = np.rint(10 * X).astype(np.int64)
    model = make().fit(rows, y)
    agree(serve(model, rows), model, rows, DOUBLE)


@pytest.mark.parametrize("opset", range(13, 23))
def test_opsets(serve, opset):
    model = AveragedClassifier(make(activation="gelu"), **quick).fit(X, y)
    agree(serve(model, X, target_opset=opset), model, X, ERROR_FUNCTION)


def test_an_old_opset_is_an_error(serve):
    with pytest.raises(ValueError, match="target_opset must be at least 13, got 12"):
        serve(make().fit(X, y), X, target_opset=12)


def test_a_network_that_is_not_fitted_is_an_error(serve):
    with pytest.raises(NotFittedError):
        serve(make(), X)


@pytest.mark.parametrize("model", [make(), AveragedClassifier(make(), **quick)])
@pytest.mark.parametrize("kind", ["strings", "two", "multi-label"])
def test_without_options_probabilities_are_dicts(serve, model, kind):
    for pipeline in (model, make_pipeline(StandardScaler(), model)):
        pipeline.fit(X, LABELS[kind])
        _, dicts = serve(pipeline, X, options={})
        f = pipeline.predict_proba(X)
        given = [[row[label] for label in pipeline.classes_] for row in dicts]
        np.testing.assert_allclose(given, f, rtol=0, atol=SINGLE)


def test_probabilities_as_columns(serve):
    model = make().fit(X, y)
    _, *columns = serve(model, X, options={"zipmap": "columns"})
    np.testing.assert_allclose(
        np.column_stack(columns), model.predict_proba(X), rtol=0, atol=DOUBLE
    )


def test_numbers_of_classes_in_place_of_labels(serve):
    model = make().fit(X, LABELS["strings"])
    label, _ = serve(model, X, options={"zipmap": False, "nocl": True})
    np.testing.assert_array_equal(model.classes_[label], model.predict(X))


@pytest.mark.parametrize("kind", ["strings", "two"])
def test_a_calibrated_network_is_given_its_logits(serve, kind):
    model = CalibratedClassifierCV(make(), cv=2).fit(X, LABELS[kind])
    agree(serve(model, X), model, X, DOUBLE)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("kind", ["strings", "two", "multi-label"])
@pytest.mark.parametrize("average", [False, True])
def test_raw_scores_are_those_of_the_decision_function(serve, average, kind, dtype):
    model = AveragedClassifier(make(), **quick) if average else make()
    model.fit(X, LABELS[kind])
    rows = (30 * X).astype(dtype)  # some probabilities round to 1
    options = {"zipmap": False, "raw_scores": True}
    _, scores = serve(model, rows, options={id(model): options})
    expected = model.decision_function(rows)
    if kind == "two":
        expected = np.column_stack([-expected, expected])
    rtol = SATURATED[dtype] if kind == "multi-label" else LOGITS[dtype]
    np.testing.assert_allclose(scores, expected, rtol=rtol, atol=LOGITS[dtype])


# ----------------------------------------------------------- user-defined components


class Softplus:
    def forward(self, a, h, d=None):
        h[...] = np.logaddexp(0, a)
        if d is not None:
            d[...] = 1 / (1 + np.exp(-a))


class Convertible(Softplus):
    def to_onnx(self, a):
        # ln(1 + exp a) = max(a, 0) + ln(1 + exp(-|a|))
        return a.op("Max", 0) + (1 + (-a.op("Abs")).op("Exp")).op("Log")


def test_an_activation_without_an_onnx_form_is_an_error(serve):
    model = make(activation=Softplus()).fit(X, y)
    with pytest.raises(TypeError, match=r"Softplus object.* has no ONNX form.*to_onnx"):
        serve(model, X)


def test_a_subclass_of_a_known_activation_may_compute_something_else(serve):
    class Other(ELU):
        pass

    model = make(activation=Other()).fit(X, y)
    with pytest.raises(TypeError, match="has no ONNX form"):
        serve(model, X)


@pytest.mark.parametrize("average", [False, True])
def test_an_activation_that_has_one(serve, average):
    model = make(activation=Convertible())
    if average:
        model = AveragedClassifier(model, **quick)
    model.fit(X, y)
    agree(serve(model, FAR), model, FAR, DOUBLE)


def test_an_output_map_of_ones_own_is_an_error(serve):
    class Probit(LogisticOutput):
        def output(self, a):
            return super().output(1.7 * a)

    class OfProbit(CrossEntropy):
        def logistic(self):
            return Probit()

    class Squared(RegressionLoss):
        def loss_and_error(self, a, y):
            a -= y
            return (a * a).sum(axis=-1, keepdims=True) / 2

    class Shifted(Squared):
        def output(self, a):
            return a + 1

    with pytest.raises(TypeError, match=r"output map of .*Probit.* has no ONNX form"):
        serve(make(loss=OfProbit()).fit(X, y > 1), X)
    with pytest.raises(TypeError, match=r"output map of .*Shifted.* has no ONNX form"):
        serve(regressor(loss=Shifted()).fit(X, target), X)
    model = regressor(loss=Squared()).fit(X, target)
    np.testing.assert_allclose(serve(model, X)[0][:, 0], model.predict(X), DOUBLE)


# ---------------------------------------------------------------------------- averages


def blended(others, y, dtype=np.float64):
    """Return an average of networks and of two copies of each of some classifiers."""
    model = AveragedClassifier(make(), **quick).fit(X.astype(dtype), y)
    parts = slice(None, None, 2), slice(1, None, 2)
    model.blended_ = [
        [clone(other).fit(X[part].astype(dtype), y[part]) for part in parts]
        for other in others
    ]
    model.blend_weights_ = np.full(1 + len(others), 1 / (1 + len(others)))
    return model


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("kind", ["strings", "two"])
def test_an_average_blended_with_trees(serve, kind, dtype):
    trees = HistGradientBoostingClassifier(max_iter=10, max_leaf_nodes=7)
    model = blended([trees], LABELS[kind], dtype)
    rows = FAR.astype(dtype)
    outputs = serve(model, rows)
    assert outputs[1].dtype == np.float64
    agree(outputs, model, rows, TREES)


@pytest.mark.parametrize("kind", ["strings", "two"])
def test_an_average_blended_with_other_classifiers(serve, kind):
    others = [LogisticRegression(), RandomForestClassifier(5, random_state=0)]
    model = blended(others, LABELS[kind], np.float32)
    rows = X.astype(np.float32)
    agree(serve(model, rows), model, rows, OTHERS)


def test_trees_have_the_thresholds_of_the_model(serve):
    # Two adjacent float32 numbers, whose midpoint rounds to the larger one.
    low = np.float32(1) + np.finfo(np.float32).eps
    high = np.nextafter(low, np.float32(2))
    assert np.float32((float(low) + float(high)) / 2) == high
    rows, labels = np.tile([[low], [high]], (40, 4)), np.tile([0, 1], 40)
    trees = HistGradientBoostingClassifier(max_iter=3)
    model = AveragedClassifier(make(), **quick).fit(rows, labels)
    model.blended_ = [[trees.fit(rows, labels)]]
    model.blend_weights_ = np.array([0.0, 1.0])
    np.testing.assert_array_equal(model.predict(rows), labels)
    agree(serve(model, rows), model, rows, TREES)


def test_trees_that_split_by_categories_are_an_error(serve):
    trees = HistGradientBoostingClassifier(max_iter=3, categorical_features=[4])
    rows = np.column_stack([X, y])
    model = AveragedClassifier(make(), **quick).fit(rows, y)
    model.blended_, model.blend_weights_ = [[trees.fit(rows, y)]], np.full(2, 0.5)
    with pytest.raises(TypeError, match="no feature is categorical"):
        serve(model, rows)


def test_networks_of_different_sizes(serve):
    model = AveragedClassifier(make(), **quick).fit(X, y)
    model.estimators_[1] = make(hidden_layer_sizes=(3,)).fit(X, y)
    agree(serve(model, X), model, X, DOUBLE)


@pytest.mark.parametrize("average", [False, True])
def test_several_targets_are_an_error(serve, average):
    model = AveragedClassifier(make(), **quick) if average else make()
    model.fit(X, np.column_stack([y, y + 1]))
    with pytest.raises(TypeError, match=r"2 targets has no ONNX form.*each column"):
        serve(model, X)


def test_an_average_of_something_else_is_an_error(serve):
    model = AveragedClassifier(make(), **quick).fit(X, y)
    model.estimators_[1] = LogisticRegression().fit(X, y)
    with pytest.raises(TypeError, match="networks are FFNNClassifier, got Logistic"):
        serve(model, X)


# -------------------------------------------------------------------------- regression


def same_numbers(output, f, tolerance=DOUBLE):
    """Assert that predictions are equal, ignoring an axis of length 1."""
    assert output.shape == (f.shape if f.ndim > 1 else (len(f), 1))
    scale = np.abs(f).max()
    np.testing.assert_allclose(
        output.reshape(f.shape), f, rtol=0, atol=tolerance * scale
    )


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_every_loss(serve, loss, dtype):
    rows = X.astype(dtype)
    model = regressor(loss=loss).fit(rows, target)
    (f,) = serve(model, rows)
    assert f.dtype == dtype
    same_numbers(f, model.predict(rows), TOLERANCE[dtype])


TARGETS = {"one": target, "two": np.column_stack([target, -X[:, 2]])}


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("quantile", [None, 0.3, [0.4, 0.5, 0.6], "gaussian"])
@pytest.mark.parametrize("number", TARGETS)
def test_several_numbers_for_a_row(serve, number, quantile, average):
    if quantile in (None, "gaussian"):
        model = regressor(loss=quantile or "squared_error")
    else:
        model = regressor(loss="quantile", quantile=quantile)
    if average:
        model = AveragedRegressor(model, **quick)
    model.fit(X, TARGETS[number])
    # Far from the training rows, quantiles cross and are sorted.
    same_numbers(serve(model, FAR)[0], model.predict(FAR))


@pytest.mark.parametrize(
    "other",
    [
        HistGradientBoostingRegressor(max_iter=20, min_samples_leaf=5),
        HistGradientBoostingRegressor(max_iter=20, min_samples_leaf=5, loss="poisson"),
        Ridge(),
    ],
)
def test_an_averaged_regressor_blended_with_another(serve, other):
    steps = np.where(X[:, 0] > 0, 1050.0, 1000.0) + X[:, 1]
    model = AveragedRegressor(regressor(), blend_with=[other], **quick).fit(X, steps)
    assert len(model.blended_) == 1
    same_numbers(serve(model, X)[0], model.predict(X), TREES)


def test_an_averaged_regressor_of_something_else_is_an_error(serve):
    model = AveragedRegressor(regressor(), **quick).fit(X, target)
    model.estimators_[0] = Ridge().fit(X, target)
    with pytest.raises(TypeError, match="networks are FFNNRegressor, got Ridge"):
        serve(model, X)


# ----------------------------------------------------------------------------- library


def test_a_missing_library_is_one_clear_error(python):
    done = python("import sys; sys.modules['skl2onnx'] = None; import skffnn.onnx")
    message = "ImportError: skffnn.onnx needs the library skl2onnx: pip install"
    assert message in done.stderr.splitlines()[-1]
