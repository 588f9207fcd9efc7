"""Mistakes that a type checker finds before the script runs, one in each statement.

The comments give the error. `make lint` reports comments that are not
needed, because the mistake is no longer found.
"""

from typing import TYPE_CHECKING

from skffnn import (
    AveragedClassifier,
    Checkpoint,
    FFNNClassifier,
    FFNNRegressor,
    LossCurveDisplay,
    RobustSmoothScaler,
    TableEncoder,
    WeightsDisplay,
    load,
    make_tabular_classifier,
    make_tabular_regressor,
    save,
)
from skffnn.dask import DaskFFNNClassifier


class NoActivation:
    """An object without `forward`."""


if TYPE_CHECKING:
    # Names that do not exist.
    FFNNClassifier(activation="rleu")  # type: ignore[arg-type]
    FFNNClassifier(activation=["relu", "tahn"])  # type: ignore[list-item]
    FFNNClassifier(activation=NoActivation())  # type: ignore[arg-type]
    FFNNClassifier(solver="adamm")  # type: ignore[arg-type]
    FFNNClassifier(learning_rate="cosin")  # type: ignore[arg-type]
    FFNNClassifier(weight_init="glorot")  # type: ignore[arg-type]
    FFNNClassifier(penalty="l1")  # type: ignore[arg-type]
    FFNNClassifier(loss="log_loss")  # type: ignore[arg-type]
    FFNNClassifier(dtype="float16")  # type: ignore[arg-type]
    FFNNClassifier(batch_size="full")  # type: ignore[arg-type]
    FFNNClassifier(class_weight="balance")  # type: ignore[arg-type]
    FFNNRegressor(loss="mse")  # type: ignore[arg-type]
    FFNNRegressor("cross_entropy")  # type: ignore[arg-type]
    TableEncoder(target_means="class")  # type: ignore[arg-type]
    RobustSmoothScaler(dtype="float16")  # type: ignore[arg-type]
    AveragedClassifier(n_networks="all")  # type: ignore[arg-type]

    # Parameters that do not exist.
    FFNNClassifier(max_itr=3)  # type: ignore[call-arg]
    FFNNClassifier(quantile=0.5)  # type: ignore[call-arg]
    FFNNRegressor(label_smoothing=0.1)  # type: ignore[call-arg]
    make_tabular_classifier(max_itr=3)  # type: ignore[call-arg]
    make_tabular_classifier(activation="rleu")  # type: ignore[arg-type]
    make_tabular_classifier(quantile=0.5)  # type: ignore[call-arg]
    make_tabular_regressor(label_smoothing=0.1)  # type: ignore[call-arg]
    make_tabular_regressor(loss="cross_entropy")  # type: ignore[arg-type]
    DaskFFNNClassifier(n_round=3)  # type: ignore[call-arg]
    DaskFFNNClassifier(activation="rleu")  # type: ignore[arg-type]
    DaskFFNNClassifier((10,), "rleu")  # type: ignore[arg-type]

    # Values of another type.
    FFNNClassifier(max_iter="many")  # type: ignore[arg-type]
    FFNNClassifier(alpha="auto")  # type: ignore[arg-type]
    FFNNClassifier(hidden_layer_sizes=(0.5,))  # type: ignore[arg-type]
    FFNNClassifier(random_state="seed")  # type: ignore[arg-type]
    FFNNClassifier(checkpoint=1)  # type: ignore[arg-type]
    Checkpoint("run.skffnn", second=3)  # type: ignore[call-arg]
    FFNNClassifier().fit([[1.0]])  # type: ignore[call-arg]
    FFNNClassifier().fit([[1.0]], [1], weights=[1])  # type: ignore[call-arg]

    # Files and pictures.
    network = FFNNClassifier()
    save(network)  # type: ignore[call-arg]
    load(1.5)  # type: ignore[arg-type]
    WeightsDisplay.from_estimator(network, kind="image")  # type: ignore[arg-type]
    LossCurveDisplay.from_estimator(network, panels=["los"])  # type: ignore[list-item]
