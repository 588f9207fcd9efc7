"""The state of training, which is kept from epoch to epoch and from fit to fit.

Each field is declared once, with its types in a file, the fitted attribute that it
becomes, if any, and how it is packed and unpacked. To add a field, add one line to
`TrainingState`; files, fitted attributes and resumed fits then include it.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import MISSING, asdict, dataclass, field, fields
from types import NoneType
from typing import Any

import numpy as np

from ..nn.arrays import Array
from ..nn.parameters import Parameters
from ..utils.streams import generator_from, random_state_from
from .optimizers import State
from .schedules import Clock

# Curves drop older epochs, so that memory does not grow with each call of partial_fit.
MAX_HISTORY = 10_000


@dataclass(frozen=True)
class StoppingCriteria:
    """Criteria for ending training.

    Attributes
    ----------
    max_iter : int
        Maximum number of epochs.
    tol : float
        Smallest improvement that counts.
    n_iter_no_change : float
        Number of epochs without improvement that are tolerated; may be infinite.
    early : bool
        Whether training may end before `max_iter` epochs.
    """

    max_iter: int
    tol: float
    n_iter_no_change: float
    early: bool = True


@dataclass(frozen=True)
class Stored:
    """How a field of the training state is stored, and which attribute it becomes.

    Attributes
    ----------
    types : tuple of type
        Types of the packed value in a file.
    pack, unpack : callable
        Convert it to plain values and arrays, and back to a value that shares no memory
        with them.
    attribute : str or None
        Name of the fitted attribute with its value.
    on_validation : bool
        Whether the attribute is None without a validation set.
    absent : callable or None
        Takes the fitted attributes and returns the packed value for older files and
        pickles that lack the field; None if all have it.
    """

    types: tuple[type, ...]
    pack: Callable[[Any], Any] = lambda value: value
    unpack: Callable[[Any], Any] = lambda value: value
    attribute: str | None = None
    on_validation: bool = False
    absent: Callable[[Any], Any] | None = None


def stored(*types: type, default: Any = None, **options: Any) -> Any:
    """Declare a field of the training state; the options are those of `Stored`."""
    made = "default_factory" if callable(default) else "default"
    return field(**{made: default}, metadata={"stored": Stored(types, **options)})


def curve(attribute: str, **options: Any) -> Any:
    """Declare a list with one number for each epoch."""
    return stored(list, default=list, unpack=list, attribute=attribute, **options)


def copied(value: Any) -> Any:
    """Copy arrays and lists, also those in a dict; return any other value as it is."""
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    return value.copy() if isinstance(value, np.ndarray | list) else value


def smallest_integers(order: Array | None) -> Array | None:
    """Convert a row order to the smallest integer type that can hold it."""
    return None if order is None else order.astype(np.min_scalar_type(order.max()))


@dataclass
class TrainingState:
    """Everything that a later fit needs to continue training.

    Attributes
    ----------
    theta : Parameters
        θ, changed in place by training.
    random_state : RandomState
        Random number generator for splitting and shuffling the rows.
    dropout_rng : Generator or None
        Random number generator for the dropout masks.
    dtype : str or None
        Dtype used in training.
    split_state : dict or None
        State of `random_state` before validation rows were split off.
    order : ndarray of int or None
        The training rows in the order of the last epoch.
    clock : Clock
        Progress of training, for the schedule.
    solver : str
        Name of the solver or optimiser that created the optimiser state.
    optimizer : dict
        State of the optimiser.
    reference : float
        The score that the next epoch has to beat by `tol`.
    epochs_without_improvement : int
        Number of epochs since it was beaten.
    best_score : float
        Best score on the validation set.
    best_theta : ndarray of shape (n_parameters,) or None
        θ at that score; None without a validation set.
    best_epoch : int
        The epoch of `best_theta`; 0 if unknown.
    converged : bool
        Whether training ended because it no longer improved.
    loss_curve, learning_rate_curve : list of float
        Training loss of each epoch, and learning rate at its start.
    validation_scores, validation_loss_curve : list of float
        Score and loss on the validation set after each epoch.
    """

    theta: Parameters
    random_state: np.random.RandomState = stored(
        dict,
        default=MISSING,
        pack=lambda stream: stream.get_state(legacy=False),
        unpack=random_state_from,
    )
    dropout_rng: np.random.Generator | None = stored(
        dict,
        NoneType,
        pack=lambda rng: rng and rng.bit_generator.state,
        unpack=lambda state: state and generator_from(state),
    )
    dtype: str | None = stored(str, NoneType)
    split_state: State | None = stored(dict, NoneType)
    order: Array | None = stored(
        np.ndarray,
        NoneType,
        pack=smallest_integers,
        unpack=lambda order: None if order is None else order.astype(np.intp),
    )
    clock: Clock = stored(
        dict, default=Clock, pack=asdict, unpack=lambda clock: Clock(**clock)
    )
    solver: str = stored(str, default="")
    optimizer: State = stored(dict, default=dict, unpack=copied)
    reference: float = stored(float, default=-np.inf)
    epochs_without_improvement: int = stored(int, default=0)
    best_score: float = stored(float, default=-np.inf)
    best_theta: Array | None = stored(np.ndarray, NoneType, unpack=copied)
    best_epoch: int = stored(int, default=0)
    converged: bool = stored(bool, default=False)
    loss_curve: list[float] = curve("loss_curve_")
    learning_rate_curve: list[float] = curve(
        "learning_rate_curve_",
        absent=lambda fitted: [np.nan] * len(fitted["loss_curve_"]),
    )
    validation_scores: list[float] = curve("validation_scores_", on_validation=True)
    validation_loss_curve: list[float] = curve(
        "validation_loss_curve_", on_validation=True
    )

    # ------------------------------------------------------------------- storing

    def pack(self, kept: Array) -> State:
        """Return everything but θ as plain values and arrays, for saving.

        Parameters
        ----------
        kept : ndarray of shape (n_parameters,)
            The parameters of the fitted model.

        Returns
        -------
        state : dict
            The packed state, for `unpack`.
        """
        state = {name: how.pack(getattr(self, name)) for name, how in DECLARED.items()}
        # Interrupted training continues from the last θ, and with the best θ before
        # rounding. An array that equals the model's parameters is not stored twice.
        state["last_theta"] = self.theta.vector
        for name in ("last_theta", "best_theta"):
            if self.converged or np.array_equal(state[name], kept):
                state[name] = None
        return state

    @classmethod
    def unpack(
        cls, theta: Parameters, state: State, validated: bool
    ) -> "TrainingState":
        """Restore a packed state, without sharing memory with it.

        Parameters
        ----------
        theta : Parameters
            The parameters of the fitted model.
        state : dict
            The result of `pack`, from this or an earlier version.
        validated : bool
            Whether there is a validation set again. Without one, training continues
            from the θ with the best score on the earlier validation set.

        Returns
        -------
        state : TrainingState
            The restored state.
        """
        state = upgraded(state)
        values = {name: how.unpack(state[name]) for name, how in DECLARED.items()}
        last = state["last_theta"]
        if last is not None and (validated or values["best_score"] == -np.inf):
            if values["best_theta"] is None:
                values["best_theta"] = theta.vector
            theta = Parameters(theta.sizes, last.copy())
        return cls(theta, **values)

    def attributes(self, validated: bool) -> dict[str, Any]:
        """Return the fitted attributes that are fields of the state.

        Parameters
        ----------
        validated : bool
            Whether there is a validation set.

        Returns
        -------
        attributes : dict of str to object
            Copies of the values.
        """
        return {
            how.attribute: (
                copy(getattr(self, name))
                if validated or not how.on_validation
                else None
            )
            for name, how in DECLARED.items()
            if how.attribute is not None
        }

    # ------------------------------------------------------------------- arrays

    def claim(self, made_by: str, fresh: State) -> State:
        """Return the state of the optimiser, reset if another optimiser left it.

        The moments of another optimiser would distort the steps.

        Parameters
        ----------
        made_by : str
            Name of the optimiser or solver, from `skffnn.optim.solvers.name_of`.
        fresh : dict
            The state before the first step: numbers (int or float) and arrays of the
            shape of θ, so that files and checkpoints can hold them.

        Returns
        -------
        optimizer : dict
            The state that an earlier fit left, if `made_by` and the keys are the same;
            else `fresh`.
        """
        if self.solver != made_by or self.optimizer.keys() != fresh.keys():
            self.solver, self.optimizer = made_by, fresh
        return self.optimizer

    def cast(self, dtype: Any) -> None:
        """Convert θ, and all arrays of its shape, to the dtype used in training.

        Parameters
        ----------
        dtype : dtype
            float32 or float64.
        """
        self.dtype = np.dtype(dtype).name
        self.theta = Parameters(self.theta.sizes, self.theta.vector.astype(dtype))
        if self.best_theta is not None:
            self.best_theta = self.best_theta.astype(dtype)
        for name, value in self.optimizer.items():
            if np.ndim(value) and is_real(value):
                self.optimizer[name] = value.astype(dtype)

    def ordered(self, rows: Array) -> Array:
        """Return the row order of the last epoch, or `rows` if the rows have changed.

        Parameters
        ----------
        rows : ndarray of int of shape (n_rows,)
            The training rows.

        Returns
        -------
        order : ndarray of int of shape (n_rows,)
            An array that training may shuffle.
        """
        if self.order is None or not np.array_equal(np.sort(self.order), np.sort(rows)):
            self.order = rows.copy()
        return self.order

    # ------------------------------------------------------------------- epochs

    def record(self, **values: float) -> None:
        """Append to curves, which keep the last `MAX_HISTORY` epochs.

        Parameters
        ----------
        **values : float
            The value of this epoch for each curve, by name.
        """
        for name, value in values.items():
            of_epochs = getattr(self, name)
            of_epochs.append(value)
            del of_epochs[:-MAX_HISTORY]

    def has_stalled(self, score: float, criteria: StoppingCriteria) -> bool:
        """Count epochs without improvement, and return whether there are too many.

        Parameters
        ----------
        score : float
            The score of the epoch. Higher is better; NaN is no improvement.
        criteria : StoppingCriteria
            `tol` and `n_iter_no_change`.

        Returns
        -------
        stalled : bool
            True after more than `n_iter_no_change` epochs without improvement.
        """
        improved = score >= self.reference + criteria.tol
        self.epochs_without_improvement = (
            0 if improved else self.epochs_without_improvement + 1
        )
        if score > self.reference:
            self.reference = score
        return self.epochs_without_improvement > criteria.n_iter_no_change

    def reset_patience(self, reference: float = -np.inf) -> None:
        """Restart the count of epochs without improvement.

        Parameters
        ----------
        reference : float, default=-inf
            The score that the next epoch is compared with.
        """
        self.reference, self.epochs_without_improvement = reference, 0

    def keep_if_best(self, score: float, epoch: int, *, latest: bool = False) -> None:
        """Keep a copy of θ if it has the best score so far.

        Parameters
        ----------
        score : float
            The score of θ on the validation set.
        epoch : int
            The number of the epoch.
        latest : bool, default=False
            Whether to keep the latest of several θ with equal scores, instead of the
            first.
        """
        if score > self.best_score or (latest and score == self.best_score):
            self.best_score, self.best_epoch = score, epoch
            self.best_theta = self.theta.vector.copy()

    def chosen(self) -> Array:
        """Return the θ to keep: the best on the validation set, or the last.

        Returns
        -------
        theta : ndarray of shape (n_parameters,)
            The array itself, not a copy.
        """
        return self.theta.vector if self.best_theta is None else self.best_theta


DECLARED: dict[str, Stored] = {
    f.name: f.metadata["stored"] for f in fields(TrainingState) if f.metadata
}

# The types of the values in a packed state. θ itself is stored with the model.
TYPES: dict[str, tuple[type, ...]] = {
    **{name: how.types for name, how in DECLARED.items()},
    "last_theta": (np.ndarray, NoneType),
}


def upgraded(state: State) -> State:
    """Convert a packed state to the form of this version.

    Parameters
    ----------
    state : dict
        From this version, or from version 1 of the file format.

    Returns
    -------
    state : dict
        The converted state, with the same arrays.
    """
    if "stall" not in state:
        return state
    state = dict(state)
    state["epochs_without_improvement"] = state.pop("stall")
    clock = dict(state["clock"])
    clock["decays"] = clock.pop("drops")
    solver = state["solver"].replace("skffnn.optimizers.", "skffnn.optim.optimizers.")
    return state | {"clock": clock, "solver": solver, "best_epoch": 0}


def is_real(value: Any) -> bool:
    """Return whether a value is a floating-point number or array.

    Parameters
    ----------
    value : object
        An entry of an optimiser state.

    Returns
    -------
    answer : bool
        True for floats of any size.
    """
    return np.asarray(value).dtype.kind == "f"
