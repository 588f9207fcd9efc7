"""Conversion of fitted models to ONNX, by converters for skl2onnx."""

try:
    import onnx  # noqa: F401
    import skl2onnx
except ImportError as error:
    raise ImportError(
        "skffnn.onnx needs the library skl2onnx: pip install 'skffnn[onnx]'."
    ) from error

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
    convert_averaged_classifier,
    convert_averaged_regressor,
    convert_classifier,
    convert_regressor,
    shape_of_classes,
    shape_of_numbers,
)
from .tables import (
    convert_imputer,
    convert_scaler,
    convert_table,
    initial_types,
    inputs,
    shape_of_filled,
    shape_of_scaled,
    shape_of_table,
)

__all__ = ["initial_types", "inputs", "register"]

# For each estimator its shape calculator and its converter.
CONVERTERS = {
    FFNNClassifier: (shape_of_classes, convert_classifier),
    AveragedClassifier: (shape_of_classes, convert_averaged_classifier),
    FFNNRegressor: (shape_of_numbers, convert_regressor),
    AveragedRegressor: (shape_of_numbers, convert_averaged_regressor),
    TableEncoder: (shape_of_table, convert_table),
    RobustSmoothScaler: (shape_of_scaled, convert_scaler),
    GapImputer: (shape_of_filled, convert_imputer),
}

# Options for the outputs of classifiers. With raw_scores, logits take the place of
# probabilities; the converter of CalibratedClassifierCV needs them.
OPTIONS = {
    "raw_scores": [True, False],
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [True, False],
}


def register() -> None:
    """Register the converters with skl2onnx.

    After one call, `skl2onnx.to_onnx` converts the estimators of this package, alone or
    in a pipeline.

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
    for kind, (shape, convert) in CONVERTERS.items():
        classifies = shape is shape_of_classes
        skl2onnx.update_registered_converter(
            kind,
            f"Skffnn{kind.__name__}",
            shape,
            convert,
            options=OPTIONS if classifies else None,
        )
