"""The state of training: what carries on from epoch to epoch, and from fit to fit.

Each field is declared once, with the types that it has in a file, the fitted attribute
that it becomes, if any, and how it is packed and unpacked. To add one, write one line
in `TrainingState`: files, fitted attributes and resumed fits follow.
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

# The curves forget older epochs: a stream of partial_fit must not grow forever.
MAX_HISTORY = 10_000


@dataclass(frozen=True)
class StoppingCriteria:
    """When training ends.

    Attributes
    ----------
    max_iter : int
        Maximum number of epochs.
    tol : float
        Smallest improvement that counts.
    n_iter_no_change : float
        Epochs without improvement that are tolerated; may be infinite.
    early : bool
        False to train for `max_iter` epochs whatever happens.
    """

    max_iter: int
    tol: float
    n_iter_no_change: float
    early: bool = True


@dataclass(frozen=True)
class Stored:
    """How a field of the training state is stored, and what it becomes.

    Attributes
    ----------
    types : tuple of type
        Types of the packed value, as a file holds it.
    pack, unpack : callable
        To plain values and arrays, and back to a value that shares nothing with them.
    attribute : str or None
        The fitted attribute that has its value.
    on_validation : bool
        Whether the attribute is None without a validation set.
    absent : callable or None
        Its value in files and pickles that lack it, packed, from the fitted attributes;
        None if all have it.
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
    """Return a copy of an array or a list, of those of a dict, or of nothing."""
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    return value.copy() if isinstance(value, np.ndarray | list) else value


def smallest_integers(order: Array | None) -> Array | None:
    """Return an order of rows in the smallest type that can hold it."""
    return None if order is None else order.astype(np.min_scalar_type(order.max()))


@dataclass
class TrainingState:
    """All that a later fit needs to carry on.

    Attributes
    ----------
    theta : Parameters
        θ, changed in place by training.
    random_state : RandomState
        The stream that splits and shuffles the rows.
    dropout_rng : Generator or None
        The stream that draws the masks of dropout.
    dtype : str or None
        The type that training computes in.
    split_state : dict or None
        State of `random_state` before validation rows were split off.
    order : ndarray of int or None
        The training rows in the order of the last epoch.
    clock : Clock
        How far training has come, for the schedule.
    solver : str
        What made the state of the optimiser.
    optimizer : dict
        State of the optimiser.
    reference : float
        The score that the next epoch has to beat by `tol`.
    epochs_without_improvement : int
        Epochs since it was beaten.
    best_score : float
        Best score on the validation set.
    best_theta : ndarray of shape (n_parameters,) or None
        θ at that score; None without a validation set.
    best_epoch : int
        The epoch that `best_theta` is from; 0 if it is not known.
    converged : bool
        Whether training ended because it no longer improved.
    loss_curve, learning_rate_curve : list of float
        Training loss, and learning rate at the start, of each epoch.
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
        """Return all but θ as plain values and arrays, to be kept or saved.

        Parameters
        ----------
        kept : ndarray of shape (n_parameters,)
            The parameters of the fitted model.

        Returns
        -------
        state : dict
            What `unpack` takes.
        """
        state = {name: how.pack(getattr(self, name)) for name, how in DECLARED.items()}
        # Training that was cut short goes on at the last θ, and with the best one as it
        # was before it was rounded; what the model has need not be stored twice.
        state["last_theta"] = self.theta.vector
        for name in ("last_theta", "best_theta"):
            if self.converged or np.array_equal(state[name], kept):
                state[name] = None
        return state

    @classmethod
    def unpack(
        cls, theta: Parameters, state: State, validated: bool
    ) -> "TrainingState":
        """Return the state that was packed, sharing nothing with it.

        Parameters
        ----------
        theta : Parameters
            The parameters of the fitted model.
        state : dict
            What `pack` returned, in this version or in an earlier one.
        validated : bool
            Whether there is a validation set again. Without one, training goes on from
            the best θ on the earlier one.

        Returns
        -------
        state : TrainingState
            Ready to be changed.
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
            Copies.
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
        """Return the state of the optimiser, started anew if it is another's.

        Moments that another optimiser has left would mislead the steps.

        Parameters
        ----------
        made_by : str
            The name of what makes the state (`skffnn.optim.solvers.name_of`).
        fresh : dict
            The state before the first step: numbers (int or float), and arrays of the
            shape of θ, which files and checkpoints can hold.

        Returns
        -------
        optimizer : dict
            What an earlier fit has left, if the same made it; else `fresh`.
        """
        if self.solver != made_by or self.optimizer.keys() != fresh.keys():
            self.solver, self.optimizer = made_by, fresh
        return self.optimizer

    def cast(self, dtype: Any) -> None:
        """Convert θ, and all that has its shape, to the type to compute in.

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
        """Return the order of the last epoch, if it was one of these rows.

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
        """Append to curves, which forget what is older than `MAX_HISTORY` epochs.

        Parameters
        ----------
        **values : float
            The value of the epoch, by the name of the curve.
        """
        for name, value in values.items():
            of_epochs = getattr(self, name)
            of_epochs.append(value)
            del of_epochs[:-MAX_HISTORY]

    def has_stalled(self, score: float, criteria: StoppingCriteria) -> bool:
        """Compare an epoch's score with the reference, and count.

        Parameters
        ----------
        score : float
            The higher the better; NaN is no improvement.
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
        """Start to count the epochs without improvement again.

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
            Its score on the validation set.
        epoch : int
            The epoch that it is from.
        latest : bool, default=False
            Of equal scores, keep the latest and not the first.
        """
        if score > self.best_score or (latest and score == self.best_score):
            self.best_score, self.best_epoch = score, epoch
            self.best_theta = self.theta.vector.copy()

    def chosen(self) -> Array:
        """Return the θ to keep: the best on the validation set, or the last.

        Returns
        -------
        theta : ndarray of shape (n_parameters,)
            Not a copy.
        """
        return self.theta.vector if self.best_theta is None else self.best_theta


DECLARED: dict[str, Stored] = {
    f.name: f.metadata["stored"] for f in fields(TrainingState) if f.metadata
}

# The packed state, with the types of its values. θ itself is part of the model.
TYPES: dict[str, tuple[type, ...]] = {
    **{name: how.types for name, how in DECLARED.items()},
    "last_theta": (np.ndarray, NoneType),
}


def upgraded(state: State) -> State:
    """Return a packed state in the form of this version.

    Parameters
    ----------
    state : dict
        From this version, or from version 1 of the file format.

    Returns
    -------
    state : dict
        With the same arrays.
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
    """Tell floating-point numbers and arrays from whatever else a state holds.

    Parameters
    ----------
    value : object
        An entry of the state of an optimiser.

    Returns
    -------
    answer : bool
        Whether its type is a float of some size.
    """
    return np.asarray(value).dtype.kind == "f"
