"""Converters of networks and of averages of networks."""

from functools import reduce
from operator import add
from typing import Any

import numpy as np
from onnx import TensorProto
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
from ..data.quantities import Quantities
from ..data.targets import ClassTargets, Targets
from ..nn.arrays import Array
from ..nn.losses import LogisticOutput, LogLink, RegressionLoss, Softmax
from ..nn.network import Network
from ..regressor import FFNNRegressor
from ..tabular.blending import LEAST
from .activations import activated, maximum, sigmoid
from .tensor import TYPES, Graph, Tensor, declare, dtype_of_numbers
from .trees import raw_predictions

# ------------------------------------------------------------------- one network


def last_layer(network: Network, x: Tensor) -> Tensor:
    """Return a(L+1), the output of the last layer.

    Parameters
    ----------
    network : Network
        One network, or a stack of M.
    x : Tensor of shape (n_samples, n_features)
        Rows, with the dtype of the weights.

    Returns
    -------
    a : Tensor of shape ([M,] n_samples, n_outputs)
        As returned by `Network.forward`.
    """
    h = x
    for g, W, b in zip(network.activations, network.W, network.b, strict=False):
        h = activated(g, h @ W + b)  # h(k) = g(h(k-1) W(k) + b(k))
    return h @ network.W[-1] + network.b[-1]


def output_of(model: Any, x: Tensor) -> Tensor:
    """Return a(L+1) of a fitted estimator, with the dtype of x."""
    check_is_fitted(model)
    dtype = np.result_type(x.dtype, model.coefs_[0].dtype)
    return last_layer(model._network(dtype), x.cast(dtype)).cast(x.dtype)


# ----------------------------------------------------------------- classification


def shape_of_classes(operator: Any) -> None:
    """Declare the outputs of a classifier: labels and probabilities.

    Parameters
    ----------
    operator : object
        As skl2onnx passes it to a shape calculator.
    """
    model = operator.raw_operator
    check_is_fitted(model)
    targets = of_one(model._fitted_targets())
    dtype = dtype_of_numbers(operator)
    if not isinstance(model, FFNNClassifier):
        dtype = np.float64  # averages are computed in float64
    label, probabilities = operator.outputs
    if is_zipped(operator):
        dtype = np.float32
    values = labels(get_label_classes(operator.scope_inst, model))
    K = len(values)
    declare(label, values.dtype, *[K] * targets.multilabel)
    declare(probabilities, dtype, K)


def of_one(targets: ClassTargets) -> Targets:
    """Return the targets; raise if y had several columns of class labels."""
    if isinstance(targets, Targets):
        return targets
    raise TypeError(
        f"a classifier of {len(targets.classes)} targets has no ONNX form, because "
        "converted models have one output for labels and one for probabilities. Fit "
        "and convert a network for each column of y."
    )


def is_zipped(operator: Any) -> bool:
    """Return whether ZipMap, which takes only float32, turns probabilities into dicts.

    Parameters
    ----------
    operator : object
        As skl2onnx passes it to a shape calculator or a converter.

    Returns
    -------
    answer : bool
        The option "zipmap", unless the classifier is part of another one.
    """
    f = operator.outputs[1].full_name
    return any(
        other.type == "SklearnZipMap" and f in other.input_full_names
        for other in operator.scope_inst.operators.values()
    )


def labels(classes: Any) -> Array:
    """Return class labels in a type that ONNX supports.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The class labels, `classes_`.

    Returns
    -------
    labels : ndarray of shape (n_classes,)
        Strings, with dtype object; or int64, for booleans too.

    Raises
    ------
    TypeError
        If they are neither strings nor integers.
    """
    if all(isinstance(label, str) for label in classes):
        return np.asarray(classes, dtype=object)
    if classes.dtype.kind in "biuf":
        whole: Array = classes.astype(np.int64)
        if (whole == classes).all():
            return whole
    raise TypeError(f"Class labels must be strings or 64-bit integers, got {classes}.")


def convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Convert an FFNNClassifier.

    Parameters
    ----------
    scope, operator, container : object
        As skl2onnx passes them to a converter.
    """
    x = Graph(scope, container).matrix(operator)
    classify(operator, output_of(operator.raw_operator, x))


def convert_averaged_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Convert an AveragedClassifier, including the classifiers in its blend.

    Parameters
    ----------
    scope, operator, container : object
        As skl2onnx passes them to a converter.
    """
    x = Graph(scope, container).matrix(operator)
    model = operator.raw_operator
    M, stack = len(model.estimators_), model._stacked(np.float64)
    if stack is None:
        check_networks(model, FFNNClassifier)
        each = [output_of(network, x).cast(np.float64) for network in model.estimators_]
        a = reduce(add, each)
    else:
        each_of_stack = last_layer(stack, x.cast(np.float64))
        a = each_of_stack.op("ReduceSum", np.array([0]), keepdims=0)
    a = a * (model.inverse_temperature_ / M)
    targets = of_one(model._fitted_targets())
    for models, weight in zip(model.blended_, model.blend_weights_, strict=True):
        for other in models:
            a = a + weight / len(models) * log_odds(other, x, targets)
    classify(operator, a)


def log_odds(model: Any, x: Tensor, targets: Targets) -> Tensor:
    """Return the log-probabilities of a model other than a network, as its logits.

    Parameters
    ----------
    model : classifier
        A fitted classifier.
    x : Tensor of shape (n_samples, n_features)
        Rows.
    targets : Targets
        The classes.

    Returns
    -------
    a : Tensor of shape (n_samples, n_outputs)
        As returned by `skffnn.tabular.blending.log_odds`.
    """
    if isinstance(model, HistGradientBoostingClassifier):
        f = probabilities_of(raw_predictions(model, x), targets)
    else:
        f = converted(model, x, model.n_features_in_)
    a = maximum(f, LEAST).op("Log")
    return a.columns([1]) - a.columns([0]) if targets.binary else a


def by_class(a: Tensor, targets: Targets) -> Tensor:
    """Return one logit for each class, (-a, a) for two, as `Targets.by_class` does."""
    return (-a).op("Concat", a, axis=1) if targets.binary else a


def probabilities_of(a: Tensor, targets: Targets) -> Tensor:
    """Return the probability of each class.

    Parameters
    ----------
    a : Tensor of shape (n_samples, n_outputs)
        Logits.
    targets : Targets
        The classes.

    Returns
    -------
    f : Tensor of shape (n_samples, K)
        Probabilities.

    Raises
    ------
    TypeError
        If the loss has a custom output map.
    """
    loss = type(targets.loss)
    if loss.output is Softmax.output and loss.decide is Softmax.decide:
        return a.op("Softmax", axis=1)
    if loss.output is LogisticOutput.output and loss.decide is LogisticOutput.decide:
        return sigmoid(by_class(a, targets))
    raise TypeError(f"the output map of {targets.loss!r} has no ONNX form.")


def classify(operator: Any, a: Tensor) -> None:
    """Make labels and probabilities the outputs of a model.

    Parameters
    ----------
    operator : object
        As skl2onnx passes it to a converter.
    a : Tensor of shape (n_samples, n_outputs)
        Logits.
    """
    model, scope = operator.raw_operator, a.graph.scope
    targets = of_one(model._fitted_targets())
    f = probabilities_of(a, targets)
    if scope.get_options(model, {"raw_scores": False})["raw_scores"]:
        f = by_class(a, targets)
    if is_zipped(operator):
        f = f.cast(np.float32)
    if targets.multilabel:
        label = a.op("Greater", 0, dtype=np.bool_).cast(np.int64)
    else:
        if targets.binary:
            decision = a.op("Greater", 0, dtype=np.bool_).cast(np.int64)
        else:
            decision = a.op("ArgMax", axis=1, keepdims=0, dtype=np.int64)
        classes = a.graph.constant(labels(get_label_classes(scope, model)), np.int64)
        label = classes.op("Gather", decision.reshape(-1), axis=0)
    for tensor, variable in zip((label, f), operator.outputs, strict=True):
        tensor.named(variable)


# --------------------------------------------------------------------- regression


def shape_of_numbers(operator: Any) -> None:
    """Declare the output of a regressor.

    Parameters
    ----------
    operator : object
        As skl2onnx passes it to a shape calculator.
    """
    model = operator.raw_operator
    check_is_fitted(model)
    dtype, first = dtype_of_numbers(operator), model
    if not isinstance(model, FFNNRegressor):
        check_networks(model, FFNNRegressor)
        dtype, first = np.float64, model.estimators_[0]
    declare(operator.outputs[0], dtype, *shape_of(first._fitted_targets()))


def shape_of(targets: Quantities) -> tuple[int, ...]:
    """Return the shape of the prediction for a row, of at least one axis."""
    T, L = len(targets.mean), targets.n_levels
    if targets.loss.levels is None:
        return (T,)
    return (L,) if T == 1 else (T, L)


def convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    """Convert an FFNNRegressor.

    Parameters
    ----------
    scope, operator, container : object
        As skl2onnx passes them to a converter.
    """
    x = Graph(scope, container).matrix(operator)
    prediction_of(operator.raw_operator, x).named(operator.outputs[0])


def convert_averaged_regressor(scope: Any, operator: Any, container: Any) -> None:
    """Convert an AveragedRegressor, including the regressors in its blend.

    Parameters
    ----------
    scope, operator, container : object
        As skl2onnx passes them to a converter.
    """
    x = Graph(scope, container).matrix(operator)
    model = operator.raw_operator
    targets = model.estimators_[0]._fitted_targets()
    parts = []
    models = [model.estimators_, *model.blended_]
    for copies, weight in zip(models, model.blend_weights_, strict=True):
        each = [prediction_of(m, x).cast(np.float64) for m in copies]
        parts.append(weight / len(copies) * reduce(add, each))
    f = reduce(add, parts)
    if np.any(model.shifts_):
        f = f + model.shifts_
    if model._has_axis():
        f = ascending(f, targets.n_levels)
    f.named(operator.outputs[0])


def prediction_of(model: Any, x: Tensor) -> Tensor:
    """Return the predictions of a fitted regressor.

    Parameters
    ----------
    model : regressor
        A network, boosted trees, or any other regressor that skl2onnx can convert.
    x : Tensor of shape (n_samples, n_features)
        Rows.

    Returns
    -------
    f : Tensor of shape (n_samples, n_outputs) or (n_samples, n_targets, n_levels)
        Predictions.
    """
    if isinstance(model, FFNNRegressor):
        return decoded(model._fitted_targets(), output_of(model, x))
    if isinstance(model, HistGradientBoostingRegressor):
        return raw_predictions(model, x)
    return converted(model, x, model.n_features_in_)


def decoded(targets: Quantities, a: Tensor) -> Tensor:
    """Turn outputs of a network into predictions in the units of y.

    Parameters
    ----------
    targets : Quantities
        The scaling.
    a : Tensor of shape (n_samples, n_outputs)
        Output of the last layer.

    Returns
    -------
    f : Tensor of shape (n_samples, ...)
        As returned by `Quantities.decode`, but with at least one axis per row.

    Raises
    ------
    TypeError
        If the loss has a custom output map.
    """
    T, L = len(targets.mean), targets.n_levels
    f = linked(targets.loss, a).reshape(-1, T, L).cast(np.float64)
    if L > 1:
        f = ascending(f, L)
    f = f * targets.scale[:, np.newaxis] + targets.mean[:, np.newaxis]
    return f.cast(a.dtype).reshape(-1, *shape_of(targets))


def linked(loss: RegressionLoss, a: Tensor) -> Tensor:
    """Return o(a), the output map of a loss of the regressor."""
    if type(loss).output is RegressionLoss.output:
        return a
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


def converted(model: Any, x: Tensor, n_features: int) -> Tensor:
    """Return the probabilities or predictions of a model that skl2onnx converts.

    Parameters
    ----------
    model : estimator
        A fitted classifier or regressor.
    x : Tensor of shape (n_samples, n_features)
        Rows.
    n_features : int
        Number of features.

    Returns
    -------
    f : Tensor of shape (n_samples, n_outputs)
        The result in float64, although skl2onnx computes some models in float32.
    """
    graph = x.graph
    version = graph.container.target_opset
    options = {"zipmap": False} if is_classifier(model) else None
    given = (x.name, TYPES[x.dtype]([None, n_features]))
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


def check_networks(model: Any, kind: type) -> None:
    """Raise unless all networks of an average are of the given class."""
    for network in model.estimators_:
        if type(network) is not kind:
            raise TypeError(
                "an average can be converted only if all its networks are "
                f"{kind.__name__}, got {network!r}."
            )
