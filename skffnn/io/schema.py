"""The schema of a file: the contents of a fitted estimator, as plain values.

The modules that compute the fitted attributes and the training state also declare them
with their types in a file (`skffnn.fitting.attributes`, `skffnn.optim.state`); this
module reads them from an estimator, checks and restores them.
"""

from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np

from ..fitting.attributes import ATTRIBUTES, FITTED
from ..fitting.plan import Plan, activations_of
from ..nn.activations import ACTIVATIONS
from ..nn.losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES
from ..nn.parameters import INITIALIZERS, Parameters
from ..nn.penalties import PENALTIES
from ..optim.schedules import SCHEDULES, Clock
from ..optim.solvers import SOLVERS
from ..optim.state import DECLARED, TYPES, TrainingState, is_real, upgraded
from ..utils.streams import random_state_from

# Attributes that may be missing.
OPTIONAL = ("feature_names_in_", "_state")

# Lists of arrays; all other lists contain floats.
OF_ARRAYS = ("coefs_", "intercepts_", "classes_")

REGISTRIES: tuple[Mapping[str, Any], ...] = (
    ACTIVATIONS,
    SOLVERS,
    SCHEDULES,
    PENALTIES,
    INITIALIZERS,
    CLASSIFICATION_LOSSES,
    REGRESSION_LOSSES,
)

# Classes whose objects a snapshot may contain.
KINDS: dict[str, type] = {
    kind.__name__: kind
    for registry in REGISTRIES
    for entry in registry.values()
    for kind in [entry if isinstance(entry, type) else type(entry)]
}


def snapshot(estimator: Any, fitted: dict[str, Any]) -> dict[str, Any]:
    """Return the contents of the file of a fitted estimator.

    Parameters
    ----------
    estimator : estimator
        Its class and its parameters are stored.
    fitted : dict of str to object
        Its fitted attributes.

    Returns
    -------
    content : dict of str to object
        Its class, its parameters and its fitted attributes.
    """
    params = estimator.get_params(deep=False)
    params.pop("checkpoint", None)  # the checkpoint path is not part of the model
    return {
        "estimator": type(estimator).__name__,
        "params": params,
        "fitted": fitted,
    }


def attributes_of(estimator: Any) -> dict[str, tuple[type, ...]]:
    """Return all fitted attributes of an estimator, with their types in a file."""
    return estimator._targets.ATTRIBUTES | ATTRIBUTES


def fitted_of(estimator: Any) -> dict[str, Any]:
    """Return the fitted attributes of an estimator."""
    values = vars(estimator)
    return {name: values[name] for name in attributes_of(estimator) if name in values}


def restore(model: Any, fitted: Any) -> None:
    """Set the fitted attributes of an estimator from a snapshot.

    Parameters
    ----------
    model : FFNNClassifier
        Has the parameters of the estimator that the snapshot was taken from.
    fitted : dict of str to object
        The fitted attributes as read from the file, not yet validated.

    Raises
    ------
    ValueError, TypeError, KeyError and others of `skffnn.io.format.DAMAGE`
        If the parts are inconsistent.
    """
    upgrade(fitted)
    check_types(fitted, attributes_of(model))
    vars(model).update(fitted)
    check(model)


def upgrade(fitted: dict[str, Any]) -> None:
    """Convert fitted attributes of an earlier version to the current form.

    Parameters
    ----------
    fitted : dict of str to object
        From a file or a pickle; changed in place.
    """
    if "coefs_" not in fitted:
        return
    if "_state" in fitted:
        fitted["_state"] = upgraded(fitted["_state"])
    for name, how in DECLARED.items():
        if how.absent is None:
            continue
        if "_state" in fitted and name not in fitted["_state"]:
            fitted["_state"] = {**fitted["_state"], name: how.absent(fitted)}
        if how.attribute is not None and how.attribute not in fitted:
            fitted[how.attribute] = how.absent(fitted)
    for name, item in FITTED.items():
        if item.absent is not None and name not in fitted:
            fitted[name] = item.absent(fitted)


def check(model: Any) -> None:
    """Raise unless all parts of a fitted estimator are consistent.

    Parameters
    ----------
    model : FFNNClassifier
        Its parameters and attributes are not yet validated.

    Raises
    ------
    ValueError, TypeError, KeyError and others of `skffnn.io.format.DAMAGE`
        If they are not.
    """
    Plan.from_estimator(model)
    check_types(fitted_of(model), attributes_of(model))
    check_network(model)
    if hasattr(model, "_state"):
        check_state(model)


def check_network(model: Any) -> None:
    """Raise unless layers and targets are consistent, so that prediction is safe."""
    W, b = model.coefs_, model.intercepts_
    for array in (*W, *b):
        require(array.dtype in (np.float32, np.float64), "a parameter is not a float")
        require(array.dtype == W[0].dtype, "the parameters differ in type")
        require(np.isfinite(array).all(), "a parameter is not finite")
    require(len(W) == len(b) > 0, "the numbers of weights and biases differ")
    require(all(array.size for array in (*W, *b)), "a layer is empty")
    shapes = [(w.ndim, w.shape[-1]) == (2, len(v)) for w, v in zip(W, b, strict=True)]
    require(all(shapes) and all(v.ndim == 1 for v in b), "a layer has the wrong shape")
    chain = all(v.shape[1] == w.shape[0] for v, w in pairwise(W))
    require(chain, "the sizes of consecutive layers differ")
    targets = model._fitted_targets()
    targets.check()
    require(W[-1].shape[1] == targets.n_outputs, "the number of outputs is wrong")
    require(W[0].shape[0] == model.n_features_in_, "the number of features is wrong")
    names = getattr(model, "feature_names_in_", None)
    require(
        names is None or len(names) == len(W[0]), "the number of feature names is wrong"
    )
    require(model.out_activation_ == targets.loss.name, "the output map is wrong")
    sizes = (len(W) + 1, targets.n_outputs)
    require(
        (model.n_layers_, model.n_outputs_) == sizes, "the number of layers is wrong"
    )
    activations_of(model.activation, len(W) - 1)


def check_state(model: Any) -> None:
    """Raise unless training can continue from the state."""
    theta = Parameters.from_arrays(model.coefs_, model.intercepts_)
    state = model._state
    check_types(state, TYPES)
    require(
        state["dtype"] in (None, "float32", "float64"),
        "the training type is not a float",
    )
    for name, kind in asdict(Clock()).items():
        require(type(state["clock"][name]) is type(kind), "the clock is damaged")
    if state["split_state"] is not None:
        random_state_from(state["split_state"])
    if state["order"] is not None:
        whole = state["order"].ndim == 1 and state["order"].dtype.kind in "iu"
        require(whole, "the order of the rows is damaged")
    unpacked = TrainingState.unpack(theta, state, validated=True)
    for vector in (unpacked.theta.vector, unpacked.best_theta):
        fits = vector is None or (
            is_real(vector) and vector.shape == theta.vector.shape
        )
        require(fits, "the training state belongs to another network")
    for value in unpacked.optimizer.values():
        number = type(value) in (int, float)
        fits = number or value.shape == theta.vector.shape
        require(fits, "the state of the optimiser belongs to another network")


def check_types(values: Any, types: dict[str, tuple[Any, ...]]) -> None:
    """Raise unless values, and the items of lists, have one of their types."""
    missing = {*types} - {*values} - {*OPTIONAL}
    if odd := missing | ({*values} - {*types}):
        raise ValueError(f"missing or unknown values: {', '.join(sorted(odd))}")
    for name, value in values.items():
        if type(value) not in types[name]:
            allowed = " or ".join(kind.__name__ for kind in types[name])
            raise ValueError(f"{name} must be of type {allowed}, got {value!r:.80}")
        if type(value) is list:
            inside = np.ndarray if name in OF_ARRAYS else float
            require(all(type(item) is inside for item in value), f"{name} is damaged")


def require(condition: Any, otherwise: str) -> None:
    """Raise if a condition does not hold."""
    if not condition:
        raise ValueError(otherwise)
