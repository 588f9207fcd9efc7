"""The plan of a fit: validated parameters, with names replaced by objects."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.utils import check_random_state

from ..nn.activations import ACTIVATIONS, Activation
from ..nn.arrays import Array
from ..nn.parameters import (
    INITIALIZERS,
    PENALTIES,
    Initializer,
    Parameters,
    Penalty,
    rates_of,
)
from ..optim.optimizers import Optimizer
from ..optim.progress import StoppingCriteria
from ..optim.schedules import SCHEDULES, Schedule
from ..optim.solvers import SOLVERS, Solver, StochasticSolver
from ..utils.checks import (
    InvalidParameterError,
    check_bool,
    check_choice,
    check_number,
    lookup,
    nearest,
    warn,
)

# Lower bound, upper bound, and which of the two are included.
NUMBERS: dict[str, tuple[float, float, str]] = {
    "alpha": (0, inf, "left"),
    "learning_rate_init": (0, inf, "neither"),
    "power_t": (0, inf, "left"),
    "tol": (0, inf, "left"),
    "momentum": (0, 1, "both"),
    "validation_fraction": (0, 1, "left"),  # 0 unless it is used
    "beta_1": (0, 1, "left"),
    "beta_2": (0, 1, "left"),
    "epsilon": (0, inf, "neither"),
    "label_smoothing": (0, 1, "left"),
}
COUNTS = ("max_iter", "max_fun")
AS_GIVEN = (
    "alpha",
    "label_smoothing",
    "batch_size",
    "shuffle",
    "dtype",
    "random_state",
    "class_weight",
    "early_stopping",
    "validation_fraction",
)
BOOLS = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping")


class Losses(NamedTuple):
    """The values that the parameter `loss` of an estimator can have.

    Attributes
    ----------
    registry : mapping of str to type
        The losses by name.
    kind : type
        The type that a loss object must have.
    """

    registry: Mapping[str, Any]
    kind: type

    def from_params(self, params: Mapping[str, Any]) -> Any:
        """Return the loss that the parameters specify."""
        try:
            return lookup("loss", params["loss"], self.registry, (self.kind,), params)
        except InvalidParameterError:
            raise
        except ValueError as error:  # raised by the loss for one of its parameters
            raise InvalidParameterError(str(error)) from None


class Start(NamedTuple):
    """Initial parameters passed to `fit`, which replace those that are drawn.

    Attributes
    ----------
    coef_init : list of ndarray of shape (n_in, n_out), or None
        The weights of each layer; None to draw them.
    intercept_init : list of ndarray of shape (n_out,), or None
        The biases of each layer; None to draw them.
    """

    coef_init: list[Array] | None = None
    intercept_init: list[Array] | None = None

    @classmethod
    def from_given(cls, coef_init: Any, intercept_init: Any) -> "Start":
        """Validate initial parameters, except for their shapes, and copy them."""
        return cls(
            finite_arrays("coef_init", coef_init),
            finite_arrays("intercept_init", intercept_init),
        )

    @property
    def is_given(self) -> bool:
        """Whether any of the parameters are given."""
        return self.coef_init is not None or self.intercept_init is not None

    def write_into(self, theta: Parameters, scaling: Any) -> None:
        """Replace drawn parameters by those that are given; raise if shapes differ.

        Those that are given are for rows as they are, θ is for rows that are scaled.
        """
        drawn = theta.W, [b[0] for b in theta.b]
        for name, given, layers in zip(self._fields, self, drawn, strict=True):
            if given is None:
                continue
            wanted, got = ([v.shape for v in part] for part in (layers, given))
            if got != wanted:
                raise ValueError(
                    f"{name} must be a list of arrays, one for each layer, of shapes "
                    f"{', '.join(map(str, wanted))}, got shapes "
                    f"{', '.join(map(str, got)) or 'of an empty list'}."
                )
            for layer, values in zip(layers, given, strict=True):
                layer[...] = values
        if scaling is not None:
            given = scaling.in_training(theta)
            if self.coef_init is not None:
                theta.W[0][...] = given.W[0]
            if self.intercept_init is not None:
                theta.b[0][...] = given.b[0]


def finite_arrays(name: str, given: Any) -> list[Array] | None:
    """Return a list of arrays of finite numbers, or None if nothing is given."""
    if given is None:
        return None
    if not isinstance(given, list | tuple):
        raise ValueError(
            f"{name} must be a list of arrays, one for each layer, got a "
            f"{type(given).__name__}."
        )
    arrays = []
    for k, values in enumerate(given):
        try:
            array = np.array(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}[{k}] must be an array of numbers.") from error
        # Training may use float32.
        if not (np.abs(array) <= np.finfo(np.float32).max).all():
            raise ValueError(f"{name}[{k}] must be finite and in the range of float32.")
        arrays.append(array)
    return arrays


@dataclass(frozen=True)
class Plan:
    """The validated parameters of an estimator.

    Names are replaced by objects, and NumPy scalars by Python numbers, because NumPy
    scalars would change the dtype of arrays.

    Attributes
    ----------
    hidden_sizes : tuple of int
        D(1) … D(L).
    activations : list of Activation
        g of each hidden layer.
    gains : list of float
        Scale of the initial parameters of each layer, the output layer included.
    dropout : list of float
        Dropout rate of each hidden layer.
    alpha : float
        Strength of the penalty.
    loss : ClassificationLoss or RegressionLoss
        ℓ, with the output map.
    solver : Solver
        How J(θ) is minimised, with its optimiser and its learning rate.
    penalty : Penalty
        Ω(θ).
    initializer : Initializer
        How the initial parameters are drawn.
    criteria : StoppingCriteria
        When training ends.
    batch_size : int or "auto"
        Number of rows in a minibatch.
    shuffle : bool
        Whether to shuffle the rows before each epoch.
    dtype : {"auto", "float32", "float64"}
        Dtype used in training.
    random_state : object
        Source of random numbers.
    scoring : object
        What early stopping monitors; None for the default score of the targets.
    early_stopping : bool
        Whether to hold out a validation set.
    validation_fraction : float
        Fraction of the rows to hold out.
    class_weight : object
        Class weights of a classifier, as given.
    label_smoothing : float
        Label smoothing of a classifier.
    start : Start
        The initial parameters that are given instead of drawn.
    estimator : estimator
        The estimator, copies of which a scorer is called with.
    """

    hidden_sizes: tuple[int, ...]
    activations: list[Activation]
    gains: list[float]
    dropout: list[float]
    alpha: float
    loss: Any
    solver: Solver
    penalty: Penalty
    initializer: Initializer
    criteria: StoppingCriteria
    batch_size: Any
    shuffle: bool
    dtype: str
    random_state: Any
    scoring: Any
    early_stopping: bool
    validation_fraction: float
    class_weight: Any = None
    label_smoothing: float = 0.0
    start: Start = Start()  # noqa: RUF009, it is a tuple
    estimator: Any = None

    @classmethod
    def from_estimator(cls, estimator: Any, losses: "Losses") -> "Plan":
        """Validate the parameters of an estimator, and replace names by objects."""
        params = vars(estimator).copy()  # faster than get_params, for streams
        check_plain(params)
        params |= {name: float(params[name]) for name in NUMBERS if name in params}
        sizes = hidden_sizes(params["hidden_layer_sizes"])
        activations = activations_of(params["activation"], len(sizes))
        gains = [getattr(g, "gain", 1.0) for g in activations]
        dropout = per_layer("dropout", params["dropout"], len(sizes))
        for rate in dropout:
            check_number("dropout", rate, 0, 1, closed="left")

        def named(name: str, registry: Mapping[str, Any], *kinds: Any) -> Any:
            return lookup(name, params[name], registry, kinds, params)

        loss = losses.from_params(params)
        initializer = named("weight_init", INITIALIZERS, Initializer)
        schedule = named("learning_rate", SCHEDULES, Schedule)
        solver = named("solver", SOLVERS, Optimizer, Solver)
        if not isinstance(solver, Solver):
            solver = StochasticSolver(
                solver,
                schedule,
                params["learning_rate_init"],
                partial(rates_of, initializer=initializer),
            )
        return cls(
            hidden_sizes=sizes,
            activations=activations,
            gains=[*gains, gains[-1] if gains else 1.0],
            dropout=[float(rate) for rate in dropout],
            solver=solver,
            penalty=named("penalty", PENALTIES, Penalty),
            initializer=initializer,
            criteria=StoppingCriteria(
                params["max_iter"],
                params["tol"],
                params["n_iter_no_change"],
                inf if params["max_time"] is None else params["max_time"],
            ),
            loss=loss,
            scoring=scoring_of(params, loss),
            estimator=estimator,
            **{name: params[name] for name in AS_GIVEN if name in params},
        )

    def starting_from(self, coef_init: Any, intercept_init: Any) -> "Plan":
        """Return the plan with initial parameters, as passed to `fit`."""
        return replace(self, start=Start.from_given(coef_init, intercept_init))

    def for_partial_fit(self) -> "Plan":
        """Return the plan for a single epoch, which does not stop early."""
        return replace(self, criteria=replace(self.criteria, max_iter=1, early=False))

    @property
    def is_full_batch(self) -> bool:
        """Whether the solver needs J over all rows instead of minibatches."""
        return not isinstance(self.solver, StochasticSolver)

    @property
    def has_fixed_horizon(self) -> bool:
        """Whether the schedule is meant to run for exactly `max_iter` epochs."""
        solver = self.solver
        return isinstance(solver, StochasticSolver) and solver.schedule.fixed_horizon

    @property
    def has_penalised_loss(self) -> bool:
        """Whether the training loss includes α Ω."""
        optimizer = getattr(self.solver, "optimizer", None)
        return not getattr(optimizer, "decoupled", False)

    @property
    def has_scorer(self) -> bool:
        """Whether early stopping monitors a score of scikit-learn's or the user's."""
        return self.scoring is not None and self.scoring != "loss"

    @property
    def unit(self) -> str:
        """What the solver counts."""
        return "iteration" if self.is_full_batch else "epoch"

    def rows_per_batch(self, n_rows: int) -> int:
        """Return the number of rows in a batch; warn if `batch_size` is larger."""
        if self.is_full_batch:
            return n_rows
        if self.batch_size == "auto":
            return min(200, n_rows)
        if self.batch_size > n_rows and self.criteria.early:
            warn(
                f"batch_size={self.batch_size} is more than the {n_rows} training "
                "rows: each step uses all of them."
            )
        return int(min(self.batch_size, n_rows))

    def compute_dtype(self, previous: str | None, *, is_full: bool) -> Any:
        """Return the dtype to train in; it does not change if training is continued.

        `is_full` says whether a batch holds all rows.
        """
        if self.dtype == "float64" or self.is_full_batch:
            return np.float64
        if previous is not None:
            return previous
        # A call of partial_fit has only some of the rows, even if they fill one batch.
        return np.float64 if is_full and self.criteria.early else np.float32

    def score(
        self, rows: Any, current: Callable[[], Any]
    ) -> Callable[[float, Any], float]:
        """Return the score of validation rows that early stopping monitors.

        It takes the loss and the mean of the score terms; a scorer takes the `current`
        network instead.
        """
        if self.scoring == "loss":
            return lambda loss, mean: -loss
        y = rows.used(rows.y)
        if self.scoring is None:
            default: Callable[[float, Any], float]
            default = rows.targets.score_from(y, rows.relative_weights())
            return default
        scorer, X = get_scorer(self.scoring), rows.used(rows.X)
        weights = rows.used(rows.weights)
        kwargs = {} if weights is None else {"sample_weight": weights}

        def score(loss: float, mean: Any) -> float:
            model = copy(self.estimator)
            model.fitted_ = current()
            vars(model).pop("feature_names_in_", None)  # X is an array
            try:
                return float(scorer(model, X, y, **kwargs))
            except TypeError as error:
                reason = f"fails on the validation set: {error}"
                if "sample_weight" in str(error):
                    reason = "does not take sample_weight, and the validation set has "
                    reason += "weights"
                raise ValueError(f"scoring={self.scoring!r} {reason}.") from error

        return score


def scoring_of(params: Mapping[str, Any], loss: Any) -> Any:
    """Return what early stopping monitors: "loss" where the default score is poor.

    With class weights, that is the accuracy. Several quantiles have no R², and that of
    a mean says nothing about the standard deviation.
    """
    several_parts = getattr(loss, "parts", None) is not None
    if params["scoring"] is None and (
        params.get("class_weight") is not None or several_parts
    ):
        return "loss"
    return params["scoring"]


def check_plain(params: Mapping[str, Any]) -> None:
    """Raise if a parameter that is a number, a boolean or a string is invalid."""
    for name, (low, high, closed) in NUMBERS.items():
        if name in params:
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
    if params["max_time"] is not None:
        check_number("max_time", params["max_time"], 0, inf, closed="right")
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
    class_weight = params.get("class_weight")
    if not isinstance(class_weight, (dict, list, type(None))):
        check_choice("class_weight", class_weight, ["balanced"], " or a dict")
    if "normalize_y" in params:
        check_bool("normalize_y", params["normalize_y"])
    check_scoring(params["scoring"])


def check_scoring(scoring: Any) -> None:
    """Raise if the parameter `scoring` is invalid."""
    if scoring is None or callable(scoring):
        return
    known = ["loss", *get_scorer_names()]
    if not (isinstance(scoring, str) and scoring in known):
        raise InvalidParameterError(
            "scoring must be None, 'loss', a callable or one of "
            f"sklearn.metrics.get_scorer_names(), got {scoring!r}."
            f"{nearest(scoring, known)}"
        )


def hidden_sizes(value: Any) -> tuple[int, ...]:
    """Return the sizes of the hidden layers."""
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
    """Return the activation function of each hidden layer."""
    if not is_sequence(value):  # one for all layers, checked even if there are none
        return [lookup("activation", value, ACTIVATIONS, (Activation,))] * n_layers
    return [
        lookup("activation", g, ACTIVATIONS, (Activation,))
        for g in per_layer("activation", value, n_layers)
    ]


def per_layer(name: str, value: Any, n_layers: int) -> list[Any]:
    """Return one value for each hidden layer."""
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
    """Return whether a value is a sequence rather than one value or name."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, str)


def supports_partial_fit(solver: Any) -> bool:
    """Return whether a solver, not yet validated, can train incrementally.

    `partial_fit` rejects an invalid one.
    """
    if isinstance(solver, str):
        solver = SOLVERS.get(solver)
    return not hasattr(solver, "minimise")
