"""Conversion of fitted models to ONNX, by converters for skl2onnx."""

from collections.abc import Callable
from typing import Any, NamedTuple

try:
    import onnx  # noqa: F401
    import skl2onnx
except ImportError as error:
    raise ImportError(
        "skffnn.onnx needs the library skl2onnx: pip install 'skffnn[onnx]'."
    ) from error

import numpy as np
from sklearn.base import ClassifierMixin, is_classifier
from sklearn.utils.validation import check_is_fitted

from ..classifier import FFNNClassifier
from ..regressor import FFNNRegressor
from ..tabular import (
    AveragedClassifier,
    AveragedRegressor,
    GapImputer,
    RobustSmoothScaler,
    TableEncoder,
)
from .models import (
    average_of_classifiers,
    average_of_regressors,
    declare_classes,
    label_and_probabilities,
    n_classes,
    n_numbers,
    output_of,
    prediction_of,
)
from .tables import encoded, filled, initial_types, inputs, scaled
from .tensor import Graph, Tensor, declare, dtype_of_numbers

__all__ = ["initial_types", "inputs", "register"]

# Options for the outputs of classifiers. With raw_scores, the scores of
# decision_function take the place of probabilities, as CalibratedClassifierCV needs.
OPTIONS = {
    "raw_scores": [True, False],
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [True, False],
}


class Converter(NamedTuple):
    """How a model becomes nodes, which compute its only output or its logits."""

    dtype: Callable[[Any], Any]  # of an operator
    n_columns: Callable[[Any], tuple[int, ...]]  # of a model: the shape of a row
    convert: Callable[[Any, Any], Tensor]  # of a model and its input
    input: Callable[[Graph, Any], Any] = Graph.matrix

    def declare_outputs(self, operator: Any) -> None:
        """Declare the outputs; raise if the model is not fitted or has no ONNX form."""
        model = operator.raw_operator
        check_is_fitted(model)
        columns, dtype = self.n_columns(model), self.dtype(operator)
        if is_classifier(model):
            declare_classes(operator, dtype, *columns)
        else:
            declare(operator.outputs[0], dtype, *columns)

    def add_nodes(self, scope: Any, operator: Any, container: Any) -> None:
        """Add the nodes of a model to a graph."""
        model = operator.raw_operator
        x = self.input(Graph(scope, container), operator)
        outputs = [self.convert(model, x).cast(self.dtype(operator))]
        if is_classifier(model):
            outputs = label_and_probabilities(operator, *outputs)
        for tensor, variable in zip(outputs, operator.outputs, strict=True):
            tensor.named(variable)


def double(operator: Any) -> Any:
    """Return float64, for models that compute in it whatever the type of the input."""
    return np.float64


def scaled_dtype(operator: Any) -> Any:
    """Return the dtype of the output of a RobustSmoothScaler."""
    return operator.raw_operator.dtype or dtype_of_numbers(operator)


def n_features_out(model: Any) -> tuple[int]:
    """Return the number of columns that a transformer returns."""
    return (len(model.get_feature_names_out()),)


CONVERTERS: dict[type, Converter] = {
    FFNNClassifier: Converter(dtype_of_numbers, n_classes, output_of),
    AveragedClassifier: Converter(double, n_classes, average_of_classifiers),
    FFNNRegressor: Converter(dtype_of_numbers, n_numbers, prediction_of),
    AveragedRegressor: Converter(double, n_numbers, average_of_regressors),
    TableEncoder: Converter(double, n_features_out, encoded, Graph.columns),
    RobustSmoothScaler: Converter(scaled_dtype, n_features_out, scaled),
    GapImputer: Converter(dtype_of_numbers, n_features_out, filled),
}


def register() -> None:
    """Register the converters with skl2onnx, as importing this module does.

    `skl2onnx.to_onnx` then converts the estimators of this package, alone, in a
    pipeline, or in an ensemble or search of scikit-learn.

    Examples
    --------
    >>> import skl2onnx
    >>> import skffnn.onnx
    >>> from sklearn.datasets import load_iris
    >>> from skffnn import FFNNClassifier
    >>> skffnn.onnx.register()
    >>> X, y = load_iris(return_X_y=True)
    >>> model = FFNNClassifier((10,), solver="lbfgs", alpha=0.01).fit(X, y)
    >>> graph = skl2onnx.to_onnx(model, X[:1], options={"zipmap": False})
    >>> [output.name for output in graph.graph.output]
    ['label', 'probabilities']
    """
    for kind, converter in CONVERTERS.items():
        skl2onnx.update_registered_converter(
            kind,
            f"Skffnn{kind.__name__}",
            converter.declare_outputs,
            converter.add_nodes,
            options=OPTIONS if issubclass(kind, ClassifierMixin) else None,
        )


register()
