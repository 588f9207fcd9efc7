"""The plan of a fit: parameters checked, and names turned into objects, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names
from sklearn.utils import check_random_state

from ..nn.activations import ACTIVATIONS, Activation
from ..nn.parameters import INITIALIZERS, Initializer
from ..nn.penalties import PENALTIES, Penalty
from ..optim.optimizers import LBFGS, SOLVERS, Optimizer
from ..optim.schedules import SCHEDULES, Schedule
from ..optim.state import Rules
from ..utils.checks import (
    InvalidParameterError,
    check_bool,
    check_choice,
    check_number,
    lookup,
    nearest,
)

# Lower bound, upper bound, and which of the two are allowed themselves.
NUMBERS: dict[str, tuple[float, float, str]] = {
    "alpha": (0, inf, "left"),
    "learning_rate_init": (0, inf, "neither"),
    "power_t": (0, inf, "left"),
    "tol": (0, inf, "left"),
    "momentum": (0, 1, "both"),
    "validation_fraction": (0, 1, "neither"),
    "beta_1": (0, 1, "left"),
    "beta_2": (0, 1, "left"),
    "epsilon": (0, inf, "neither"),
    "label_smoothing": (0, 1, "left"),
}
COUNTS = ("max_iter", "max_fun")
BOOLS = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping")


@dataclass(frozen=True)
class Plan:
    """What the parameters of an estimator stand for.

    Attributes
    ----------
    hidden_sizes : tuple of int
        D(1) … D(L).
    activations : list of Activation
        g of each hidden layer.
    gains : list of float
        Scale of the initial parameters of each layer, the output layer included.
    dropout : list of float
        Rate of each hidden layer.
    alpha, label_smoothing, learning_rate_init : float
        As given, and of Python's type: one of NumPy's would change the type of arrays.
    solver : Optimizer or LBFGS
        How J(θ) is minimised.
    schedule : Schedule
        The learning rate over time.
    penalty : Penalty
        Ω(θ).
    initializer : Initializer
        How initial parameters are drawn.
    rules : Rules
        When training ends.
    """

    hidden_sizes: tuple[int, ...]
    activations: list[Activation]
    gains: list[float]
    dropout: list[float]
    alpha: float
    label_smoothing: float
    learning_rate_init: float
    solver: Optimizer | LBFGS
    schedule: Schedule
    penalty: Penalty
    initializer: Initializer
    rules: Rules

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> "Plan":
        """Make the plan that an estimator's parameters ask for.

        Parameters
        ----------
        params : mapping
            From `get_params(deep=False)`.

        Returns
        -------
        plan : Plan
            Its objects.

        Raises
        ------
        InvalidParameterError
            If a parameter has a value that is not allowed.
        """
        check_plain(params)
        params = {**params, **{name: float(params[name]) for name in NUMBERS}}
        sizes = hidden_sizes(params["hidden_layer_sizes"])
        activations = activations_of(params["activation"], len(sizes))
        gains = [getattr(g, "gain", 1.0) for g in activations]
        dropout = per_layer("dropout", params["dropout"], len(sizes))
        for rate in dropout:
            check_number("dropout", rate, 0, 1, closed="left")

        def named(name: str, registry: Mapping[str, Any], *kinds: Any) -> Any:
            return lookup(name, params[name], registry, kinds, params)

        return cls(
            hidden_sizes=sizes,
            activations=activations,
            gains=[*gains, gains[-1] if gains else 1.0],
            dropout=[float(rate) for rate in dropout],
            alpha=params["alpha"],
            label_smoothing=params["label_smoothing"],
            learning_rate_init=params["learning_rate_init"],
            solver=named("solver", SOLVERS, Optimizer, LBFGS),
            schedule=named("learning_rate", SCHEDULES, Schedule),
            penalty=lookup("penalty", params["penalty"], PENALTIES, (Penalty,)),
            initializer=lookup(
                "weight_init", params["weight_init"], INITIALIZERS, (Initializer,)
            ),
            rules=Rules(
                max_iter=params["max_iter"],
                tol=params["tol"],
                n_iter_no_change=params["n_iter_no_change"],
                shuffle=params["shuffle"],
            ),
        )


def check_plain(params: Mapping[str, Any]) -> None:
    """Check the parameters that are numbers, truth values or plain words.

    Parameters
    ----------
    params : mapping
        The parameters of an estimator.

    Raises
    ------
    InvalidParameterError
        If one has a value that is not allowed.
    """
    for name, (low, high, closed) in NUMBERS.items():
        check_number(name, params[name], low, high, closed=closed)
    for name in COUNTS:
        check_number(name, params[name], 1, integer=True)
    for name in BOOLS:
        check_bool(name, params[name])
    if not isinstance(params["verbose"], bool | np.bool_):
        check_number("verbose", params["verbose"], 0, integer=True)
    patience = params["n_iter_no_change"]
    finite = not (isinstance(patience, float) and patience == inf)
    check_number("n_iter_no_change", patience, 1, integer=finite)
    try:
        check_random_state(params["random_state"])
    except (ValueError, TypeError):
        raise InvalidParameterError(
            "random_state must be None, an integer in [0, 2**32 - 1] or a RandomState "
            f"instance, got {params['random_state']!r}."
        ) from None
    if isinstance(params["batch_size"], str):
        check_choice("batch_size", params["batch_size"], ["auto"], " or an integer")
    else:
        check_number("batch_size", params["batch_size"], 1, integer=True)
    check_choice("dtype", params["dtype"], ["auto", "float32", "float64"])
    if not isinstance(params["class_weight"], (dict, list, type(None))):
        check_choice("class_weight", params["class_weight"], ["balanced"], " or a dict")
    scoring, known = params["scoring"], ["loss", *get_scorer_names()]
    named = isinstance(scoring, str) and scoring in known
    if not (scoring is None or callable(scoring) or named):
        raise InvalidParameterError(
            "scoring must be None, 'loss', a callable or one of "
            f"sklearn.metrics.get_scorer_names(), got {scoring!r}."
            f"{nearest(scoring, known)}"
        )


def hidden_sizes(value: Any) -> tuple[int, ...]:
    """Return the sizes of the hidden layers.

    Parameters
    ----------
    value : int or iterable of int
        The parameter `hidden_layer_sizes`.

    Returns
    -------
    sizes : tuple of int
        One for each hidden layer.
    """
    sizes = tuple(value) if is_sequence(value) else (value,)
    if not all(isinstance(size, Integral) for size in sizes):
        raise InvalidParameterError(
            "hidden_layer_sizes must be an integer or a sequence of integers, "
            f"got {value!r}."
        )
    for size in sizes:
        check_number("hidden_layer_sizes", size, 1, integer=True)
    return tuple(int(size) for size in sizes)


def activations_of(value: Any, n_layers: int) -> list[Activation]:
    """Return the activation function of each hidden layer.

    Parameters
    ----------
    value : str, Activation or sequence of them
        The parameter `activation`.
    n_layers : int
        Number of hidden layers.

    Returns
    -------
    activations : list of Activation
        One for each hidden layer.
    """
    if not is_sequence(value):  # one object for all, checked even if there are none
        return [lookup("activation", value, ACTIVATIONS, (Activation,))] * n_layers
    return [
        lookup("activation", g, ACTIVATIONS, (Activation,))
        for g in per_layer("activation", value, n_layers)
    ]


def per_layer(name: str, value: Any, n_layers: int) -> list[Any]:
    """Spread one value over the hidden layers, or check that each has one.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : object or iterable
        One value, or one for each layer.
    n_layers : int
        Number of hidden layers.

    Returns
    -------
    values : list
        One for each layer.
    """
    if not is_sequence(value):
        return [value] * n_layers
    values = list(value)
    if len(values) != n_layers:
        raise InvalidParameterError(
            f"{name} must be one value or a sequence of {n_layers}, one for each "
            f"hidden layer, got {value!r}."
        )
    return values


def is_sequence(value: Any) -> bool:
    """Tell a sequence of values from one value, which may be a name.

    Parameters
    ----------
    value : object
        What was given.

    Returns
    -------
    answer : bool
        True for one that is not a string.
    """
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, str)
