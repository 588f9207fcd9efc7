"""Networks, averages of networks and boosted trees in ONNX."""

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from onnx import TensorProto
from onnx.numpy_helper import from_array
from skl2onnx.algebra.onnx_operator import OnnxSubEstimator
from skl2onnx.algebra.onnx_ops import OnnxCast
from skl2onnx.common.utils_classifier import get_label_classes
from sklearn.base import is_classifier
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.utils.validation import check_is_fitted

from ..classifier import FFNNClassifier
from ..data.labels import Labels
from ..data.numbers import Numbers
from ..nn.activations import (
    ELU,
    GELU,
    SELU,
    Activation,
    Identity,
    LeakyReLU,
    Logistic,
    Mish,
    ReLU,
    SiLU,
    Tanh,
)
from ..nn.arrays import Array
from ..nn.losses import LogisticOutput, Softmax
from ..nn.regression_losses import Gaussian, LogLink, RegressionLoss
from ..regressor import FFNNRegressor
from ..tabular.classification import LEAST
from ..tabular.trees import LOG_LINKS, Trees, places, trees_of
from .tensor import TYPES, Tensor, declare

# --------------------------------------------------------------------- activations


def maximum(a: Tensor, b: Any) -> Tensor:
    """Return max(a, b)."""
    return a.op("Max", b)


def minimum(a: Tensor, b: Any) -> Tensor:
    """Return min(a, b)."""
    return a.op("Min", b)


def sigmoid(a: Tensor) -> Tensor:
    """Return σ(a)."""
    return a.op("Sigmoid")


def elu(g: Any, a: Tensor) -> Tensor:
    """Return scale · (max(a, 0) + α (exp(min(a, 0)) - 1))."""
    positive, negative = maximum(a, 0), minimum(a, 0).op("Exp") - 1
    return g.scale * (positive + g.alpha * negative)


def gelu(g: Any, a: Tensor) -> Tensor:
    """Return a Φ(a), with Φ(a) = ½ (1 + erf(a / √2)).

    erf is computed in float32, the only type for which onnxruntime has it; the error is
    6e-8.
    """
    erf = (a / np.sqrt(2)).cast(np.float32).op("Erf").cast(a.dtype)
    return a * (0.5 + 0.5 * erf)


def mish(g: Any, a: Tensor) -> Tensor:
    """Return a n / (n + 2), with w = exp(a) and n = w (w + 2)."""
    w = minimum(a, 20).op("Exp")  # above 20 the ratio rounds to 1; w² would overflow
    n = w * (w + 2)
    return a * (n / (n + 2))


FORMS: dict[type[Activation], Callable[[Any, Tensor], Tensor]] = {
    Identity: lambda g, a: a,
    Logistic: lambda g, a: sigmoid(a),
    Tanh: lambda g, a: a.op("Tanh"),
    ReLU: lambda g, a: maximum(a, 0),
    LeakyReLU: lambda g, a: maximum(a, g.slope * a),
    ELU: elu,
    SELU: elu,
    GELU: gelu,
    SiLU: lambda g, a: a * sigmoid(a),
    Mish: mish,
}


def activated(g: Any, a: Tensor) -> Tensor:
    """Return g(a), from the method `to_onnx` of g if it has one."""
    if hasattr(g, "to_onnx"):
        h: Tensor = g.to_onnx(a)
        return h
    if type(g) not in FORMS:
        raise TypeError(
            f"the activation {g!r} has no ONNX form. Give its class a method "
            "to_onnx(self, a) that returns g(a), written with the operators of "
            "skffnn.onnx.tensor.Tensor."
        )
    return FORMS[type(g)](g, a)


# ------------------------------------------------------------- networks and averages


def output_of(model: Any, x: Tensor) -> Tensor:
    """Return a(L+1) of a fitted estimator, with the dtype of x."""
    check_is_fitted(model)
    dtype = np.result_type(x.dtype, model.fitted_.theta.vector.dtype)
    network = model.fitted_.network(dtype)
    h = x.cast(dtype)
    for g, W, b in zip(network.activations, network.W, network.b, strict=False):
        h = activated(g, h @ W + b)  # h(k) = g(h(k-1) W(k) + b(k))
    return (h @ network.W[-1] + network.b[-1]).cast(x.dtype)


def networks_of(average: Any, kind: type) -> list[Any]:
    """Return the networks of an average; raise unless all are of the given class."""
    for network in average.estimators_:
        if type(network) is not kind:
            raise TypeError(
                "an average can be converted only if all its networks are "
                f"{kind.__name__}, got {network!r}."
            )
    return list(average.estimators_)


def weighted_mean(model: Any, output: Callable[[Any], Tensor]) -> Tensor:
    """Return the mean of the outputs of the networks and others of an average."""
    parts = []
    models = [model.estimators_, *model.blended_]
    for copies, weight in zip(models, model.blend_weights_, strict=True):
        parts.append(weight / len(copies) * reduce(add, map(output, copies)))
    return reduce(add, parts)


# ----------------------------------------------------------------- classification


def targets_of(model: Any) -> Labels:
    """Return the classes of a model; raise if y had several columns of labels."""
    is_network = isinstance(model, FFNNClassifier)
    targets: Labels = model.fitted_.targets if is_network else model.labels_
    if not targets.several:
        return targets
    raise TypeError(
        f"a classifier of {len(targets.classes)} targets has no ONNX form, because "
        "converted models have one output for labels and one for probabilities. Fit "
        "and convert a network for each column of y."
    )


def labels(operator: Any) -> Array:
    """Return the labels of the classes, as an array of int64 or of strings."""
    classes = get_label_classes(operator.scope_inst, operator.raw_operator)
    if all(isinstance(label, str) for label in classes):
        return np.asarray(classes, dtype=object)
    if classes.dtype.kind in "biuf":
        whole: Array = classes.astype(np.int64)
        if (whole == classes).all():
            return whole
    raise TypeError(f"Class labels must be strings or 64-bit integers, got {classes}.")


def n_classes(model: Any) -> tuple[int]:
    """Return the number of columns of the probabilities."""
    return (len(targets_of(model).classes),)


def declare_classes(operator: Any, dtype: Any, K: int) -> None:
    """Declare the outputs of a classifier: labels and probabilities."""
    label, probabilities = operator.outputs
    multilabel = targets_of(operator.raw_operator).multilabel
    declare(label, labels(operator).dtype, *[K] * multilabel)
    declare(probabilities, np.float32 if is_zipped(operator) else dtype, K)


def is_zipped(operator: Any) -> bool:
    """Return whether ZipMap, which takes only float32, turns probabilities into dicts.

    That is the option "zipmap", unless the classifier is part of another one.
    """
    f = operator.outputs[1].full_name
    return any(
        other.type == "SklearnZipMap" and f in other.input_full_names
        for other in operator.scope_inst.operators.values()
    )


def average_of_classifiers(model: Any, x: Tensor) -> Tensor:
    """Return the logits of an AveragedClassifier, with the others in its blend."""
    targets, networks = targets_of(model), networks_of(model, FFNNClassifier)

    def logits(other: Any) -> Tensor:
        if other in networks:
            return output_of(other, x.cast(np.float64))
        return log_odds(other, x, targets)

    return model.inverse_temperature_ * weighted_mean(model, logits)


def log_odds(model: Any, x: Tensor, targets: Labels) -> Tensor:
    """Return the logarithm of the probabilities of a model other than a network."""
    if isinstance(model, HistGradientBoostingClassifier):
        f = probabilities_of(raw_predictions(model, x), targets)
    else:
        f = converted(model, x)
    a = maximum(f, LEAST).op("Log")
    return a.columns([1]) - a.columns([0]) if targets.binary else a


def by_class(a: Tensor, targets: Labels) -> Tensor:
    """Return one logit for each class, (-a, a) for two, as `Labels.by_class` does."""
    return (-a).op("Concat", a, axis=1) if targets.binary else a


def probabilities_of(a: Tensor, targets: Labels) -> Tensor:
    """Return the probability of each class, of shape (n_samples, K), from logits."""
    loss = type(targets.loss)
    if loss.output is Softmax.output and loss.decide is Softmax.decide:
        return a.op("Softmax", axis=1)
    if loss.output is LogisticOutput.output and loss.decide is LogisticOutput.decide:
        return sigmoid(by_class(a, targets))
    raise TypeError(f"the output map of {targets.loss!r} has no ONNX form.")


def scores_of(a: Tensor, targets: Labels) -> Tensor:
    """Return what `decision_function` does, but both logits (-a, a) of two classes."""
    if targets.binary:
        return by_class(a, targets)
    zero, one = a.dtype.type(0), a.dtype.type(1)
    if targets.multilabel:
        f = 1 / (1 + (-a).op("Exp"))  # exact for large -a, which "Sigmoid" clips
        f = minimum(maximum(f, np.nextafter(zero, one)), np.nextafter(one, zero))
        return (f / (1 - f)).op("Log")
    return maximum(a.op("LogSoftmax", axis=1), np.log(np.nextafter(zero, one)))


def label_and_probabilities(operator: Any, a: Tensor) -> list[Tensor]:
    """Return the outputs of a classifier with logits a."""
    model, scope = operator.raw_operator, a.graph.scope
    targets = targets_of(model)
    f = probabilities_of(a, targets)
    if scope.get_options(model, {"raw_scores": False})["raw_scores"]:
        f = scores_of(a, targets)
    if is_zipped(operator):
        f = f.cast(np.float32)
    if targets.binary or targets.multilabel:
        decision = a.op("Greater", 0, dtype=np.bool_).cast(np.int64)
    else:
        decision = a.op("ArgMax", axis=1, keepdims=0, dtype=np.int64)
    if targets.multilabel:
        return [decision, f]
    classes = a.graph.constant(labels(operator), np.int64)
    return [classes.op("Gather", decision.reshape(-1), axis=0), f]


# --------------------------------------------------------------------- regression


def n_numbers(model: Any) -> tuple[int, ...]:
    """Return the shape of a regressor's prediction for a row."""
    if not isinstance(model, FFNNRegressor):
        model = networks_of(model, FFNNRegressor)[0]
    return shape_of(model.fitted_.targets)


def shape_of(targets: Numbers) -> tuple[int, ...]:
    """Return the shape of the prediction for a row, of at least one axis."""
    T, levels = len(targets.mean), targets.loss.levels
    if levels is None:
        return (T,)
    return (len(levels),) if T == 1 else (T, len(levels))


def average_of_regressors(model: Any, x: Tensor) -> Tensor:
    """Return the predictions of an AveragedRegressor, with the others in its blend."""

    def predictions(other: Any) -> Tensor:
        rows = x.cast(np.float64) if isinstance(other, FFNNRegressor) else x
        return prediction_of(other, rows).cast(np.float64)

    f = weighted_mean(model, predictions) + model.shifts_
    targets = model.estimators_[0].fitted_.targets
    levels = targets.loss.levels
    return f if levels is None else ascending(f, len(levels))


def prediction_of(model: Any, x: Tensor) -> Tensor:
    """Return the predictions of a fitted regressor, with at least one axis per row."""
    if isinstance(model, FFNNRegressor):
        return decoded(model.fitted_.targets, output_of(model, x))
    if isinstance(model, HistGradientBoostingRegressor):
        f = raw_predictions(model, x)
        return f.op("Exp") if model.loss in LOG_LINKS else f
    return converted(model, x)


def decoded(targets: Numbers, a: Tensor) -> Tensor:
    """Return outputs of a network in the units of y, as `Numbers.decode` does."""
    p, c = targets.in_units(targets.scale, targets.mean)
    f = linked(targets.loss, a).cast(np.float64) * p.ravel() + c.ravel()
    levels = targets.loss.levels
    if levels is None:
        f = f.columns(range(0, p.size, targets.loss.n_parts))
    else:
        f = ascending(f.reshape(-1, *p.shape), len(levels))
    return f.cast(a.dtype).reshape(-1, *shape_of(targets))


def linked(loss: RegressionLoss, a: Tensor) -> Tensor:
    """Return o(a), the output map of a loss of the regressor."""
    if type(loss).output in (RegressionLoss.output, Gaussian.output):
        return a  # the means of `Gaussian`, and what is not converted
    if type(loss).output is LogLink.output:
        return a.op("Exp")
    raise TypeError(f"the output map of {loss!r} has no ONNX form.")


def ascending(f: Tensor, n: int) -> Tensor:
    """Return a tensor sorted along its last axis, which has n elements."""
    graph = f.graph
    names = [graph.scope.get_unique_variable_name(name) for name in ("sorted", "order")]
    graph.container.add_node(
        "TopK",
        [f.name, graph.constant(np.array([n]), np.int64).name],
        names,
        name=graph.scope.get_unique_operator_name("TopK"),
        largest=0,
    )
    return Tensor(graph, names[0], f.dtype)


# ------------------------------------------------------------------- other models


def raw_predictions(model: Any, x: Tensor) -> Tensor:
    """Return the sum of the leaves of boosted trees, before the link function.

    The converter of skl2onnx uses float32, so a value close to a threshold may take the
    wrong branch. Here only the sum of the leaves is rounded to float32; the baseline is
    added in float64.
    """
    trees = trees_of(model)
    n_outputs = trees["sizes"].shape[1]
    leaves = x.cast(np.float64).op(
        "TreeEnsembleRegressor",
        ml_version=3,
        dtype=np.float32,
        n_targets=n_outputs,
        **nodes_of(trees),
        **leaves_of(trees),
    )
    return leaves.cast(np.float64) + trees["baseline"]


def nodes_of(trees: Trees) -> dict[str, Any]:
    """Return the attributes of the operator that describe the nodes."""
    tree, number = places(trees["sizes"])
    is_leaf = trees["is_leaf"] == 1
    fields = {
        "treeids": tree,
        "nodeids": number,
        "featureids": np.where(is_leaf, 0, trees["feature_idx"]),
        "truenodeids": np.where(is_leaf, 0, trees["left"]),
        "falsenodeids": np.where(is_leaf, 0, trees["right"]),
        "missing_value_tracks_true": np.where(is_leaf, 0, trees["missing_go_to_left"]),
    }
    attributes: dict[str, Any] = {
        f"nodes_{name}": field.astype(np.int64).tolist()
        for name, field in fields.items()
    }
    modes = np.where(is_leaf, "LEAF", "BRANCH_LEQ").tolist()
    values = np.where(is_leaf, 0.0, trees["num_threshold"])
    thresholds = from_array(values)
    return attributes | {"nodes_modes": modes, "nodes_values_as_tensor": thresholds}


def leaves_of(trees: Trees) -> dict[str, Any]:
    """Return the attributes of the operator that describe the leaves."""
    tree, number = places(trees["sizes"])
    leaves = np.flatnonzero(trees["is_leaf"] == 1)
    n_outputs = trees["sizes"].shape[1]
    return {
        "target_treeids": tree[leaves].tolist(),
        "target_nodeids": number[leaves].tolist(),
        "target_ids": (tree[leaves] % n_outputs).tolist(),
        "target_weights_as_tensor": from_array(trees["value"][leaves]),
    }


def converted(model: Any, x: Tensor) -> Tensor:
    """Return the probabilities or predictions of a model that skl2onnx converts.

    They are in float64, although skl2onnx computes some models in float32.
    """
    graph = x.graph
    version = graph.container.target_opset
    options = {"zipmap": False} if is_classifier(model) else None
    given = (x.name, TYPES[x.dtype]([None, model.n_features_in_]))
    outputs = OnnxSubEstimator(model, given, op_version=version, options=options)
    name = graph.scope.get_unique_variable_name("other")
    f = OnnxCast(
        outputs[1] if is_classifier(model) else outputs,
        op_version=version,
        output_names=[name],
        to=TensorProto.DOUBLE,
    )
    f.add_to(graph.scope, graph.container)
    return Tensor(graph, name, np.dtype(np.float64))
