"""The progress of training: everything that a later fit needs to go on from there."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..nn.arrays import Array
from ..nn.parameters import Parameters
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
    max_time : float
        Maximum time in seconds; may be infinite.
    early : bool
        Whether training may end before `max_iter` epochs.
    """

    max_iter: int
    tol: float
    n_iter_no_change: float
    max_time: float = np.inf
    early: bool = True


@dataclass(eq=False)
class Progress:
    """What training changes, from epoch to epoch and from fit to fit.

    Attributes
    ----------
    theta : Parameters
        θ after the last epoch, in the dtype used in training; changed in place.
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
        Best score on the validation set; -inf without one.
    best_theta : ndarray of shape (n_parameters,) or None
        θ at that score; None without a validation set.
    best_epoch : int
        The epoch of `best_theta`; 0 if unknown.
    converged : bool
        Whether training ended because it no longer improved.
    n_iter : int
        Number of epochs of the last fit.
    validated : bool
        Whether the last fit had a validation set.
    loss_curve, learning_rate_curve : list of float
        Training loss of each epoch, and learning rate at its start.
    validation_scores, validation_loss_curve : list of float
        Score and loss on the validation set after each epoch that had one.
    """

    theta: Parameters
    random_state: np.random.RandomState
    dropout_rng: np.random.Generator | None = None
    dtype: str | None = None
    split_state: State | None = None
    order: Array | None = None
    clock: Clock = field(default_factory=Clock)
    solver: str = ""
    optimizer: State = field(default_factory=dict)
    reference: float = -np.inf
    epochs_without_improvement: int = 0
    best_score: float = -np.inf
    best_theta: Array | None = None
    best_epoch: int = 0
    converged: bool = False
    n_iter: int = 0
    validated: bool = False
    loss_curve: list[float] = field(default_factory=list)
    learning_rate_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    validation_loss_curve: list[float] = field(default_factory=list)

    def copy(self) -> "Progress":
        """Return a copy that shares no memory with this object."""
        return Progress(**{name: copied(value) for name, value in vars(self).items()})

    def kept(self, scaling: Any, dtype: Any) -> Parameters:
        """Return the θ to keep, in the dtype of the model, for rows as they are.

        `scaling` is how training scales the features; None if it does not.
        """
        theta = Parameters(self.theta.sizes, self.chosen())
        if scaling is not None:
            theta = scaling.as_given(theta)
        return Parameters(theta.sizes, theta.vector.astype(dtype))

    def continued(
        self, kept: Parameters, scaling: Any, *, validated: bool
    ) -> "Progress":
        """Return a copy for a fit that continues from the θ that was `kept`.

        With validation, training that ended at `max_iter` goes on from its last θ, not
        from the best one, which was kept. A fitted θ that was edited replaces both.
        """
        progress = self.copy()
        progress.validated = validated
        theta, chosen = progress.theta.vector, progress.chosen()
        unedited = self.kept(scaling, kept.vector.dtype).vector
        if not np.array_equal(unedited, kept.vector):
            progress.best_theta, progress.best_score = None, -np.inf
            edited = kept if scaling is None else scaling.in_training(kept)
            theta[...] = edited.vector
        elif self.converged or not validated:
            theta[...] = chosen
        return progress

    # ------------------------------------------------------------------- arrays

    def claim(self, made_by: str, fresh: State) -> State:
        """Return the state of the optimiser: `fresh` if another optimiser left it.

        The moments of another optimiser, `made_by` another function, would distort the
        steps.
        """
        if self.solver != made_by or self.optimizer.keys() != fresh.keys():
            self.solver, self.optimizer = made_by, fresh
        return self.optimizer

    def cast(self, dtype: Any) -> None:
        """Convert θ, and all arrays of its shape, to the dtype used in training."""
        self.dtype = np.dtype(dtype).name
        if self.theta.vector.dtype == dtype:
            return
        self.theta = Parameters(self.theta.sizes, self.theta.vector.astype(dtype))
        if self.best_theta is not None:
            self.best_theta = self.best_theta.astype(dtype)
        for name, value in self.optimizer.items():
            if np.ndim(value) and is_real(value):
                self.optimizer[name] = value.astype(dtype)

    def ordered(self, rows: Array) -> Array:
        """Return the order of the last epoch, or `rows` if the rows have changed."""
        order = rows if self.order is None else self.order
        if not np.array_equal(np.sort(order), np.sort(rows)):
            order = rows
        self.order = order.astype(np.intp)
        return self.order

    def split_stream(self) -> np.random.RandomState:
        """Return the stream that splits the rows: the same again in a later fit."""
        if self.split_state is None:
            self.split_state = self.random_state.get_state(legacy=False)
            return self.random_state
        return random_state_from(self.split_state)

    # ------------------------------------------------------------------- epochs

    def record(self, **values: float) -> None:
        """Append to curves, given by name, which keep the last `MAX_HISTORY` epochs."""
        for name, value in values.items():
            curve = getattr(self, name)
            curve.append(value)
            del curve[:-MAX_HISTORY]

    def has_stalled(self, score: float, criteria: StoppingCriteria) -> bool:
        """Count epochs without improvement, and return whether there are too many.

        NaN is no improvement.
        """
        improved = score >= self.reference + criteria.tol
        self.epochs_without_improvement = (
            0 if improved else self.epochs_without_improvement + 1
        )
        if score > self.reference:
            self.reference = score
        return self.epochs_without_improvement > criteria.n_iter_no_change

    def reset_patience(self, reference: float = -np.inf) -> None:
        """Restart the count of epochs without improvement over a score."""
        self.reference, self.epochs_without_improvement = reference, 0

    def keep_if_best(self, score: float, epoch: int, *, latest: bool = False) -> None:
        """Keep a copy of θ if it has the best score so far.

        Of several with equal scores, keep the first, or the latest.
        """
        if score > self.best_score or (latest and score == self.best_score):
            self.best_score, self.best_epoch = score, epoch
            self.best_theta = self.theta.vector.copy()

    def chosen(self) -> Array:
        """Return the θ to keep: the best on the validation set, or the last."""
        return self.theta.vector if self.best_theta is None else self.best_theta


def copied(value: Any) -> Any:
    """Return a copy; `copy.deepcopy` would visit each number of a curve."""
    if isinstance(value, Parameters):
        return Parameters(value.sizes, value.vector.copy())
    if isinstance(value, np.random.RandomState):
        return random_state_from(value.get_state(legacy=False))
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    if isinstance(value, np.ndarray | list):
        return value.copy()
    return value if isinstance(value, int | float | str | None) else deepcopy(value)


def is_real(value: Any) -> bool:
    """Return whether a value is a floating-point number or array."""
    return np.asarray(value).dtype.kind == "f"


# The key of the buffer position, and the length of the buffer. NumPy does not check the
# position of a state, and would read beyond the end of the buffer.
BUFFERS = {"MT19937": ("pos", 624), "Philox": ("buffer_pos", 4)}
BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


def random_state_from(state: dict[str, Any]) -> np.random.RandomState:
    """Return a RandomState in a state from `RandomState.get_state(legacy=False)`."""
    random_state = np.random.RandomState(bit_generator_of(state))
    random_state.set_state(state)
    return random_state


def generator_from(state: dict[str, Any]) -> np.random.Generator:
    """Return a Generator in a state from `Generator.bit_generator.state`."""
    rng = np.random.Generator(bit_generator_of(state))
    rng.bit_generator.state = state
    return rng


def bit_generator_of(state: dict[str, Any]) -> np.random.BitGenerator:
    """Return a new bit generator of the kind of a state, after a check of the state."""
    name = state["bit_generator"]
    if name not in BIT_GENERATORS:
        raise ValueError(
            f"bit_generator must be one of {BIT_GENERATORS}, got {name!r}."
        )
    if name in BUFFERS:
        key, length = BUFFERS[name]
        position = (state["state"] if key == "pos" else state)[key]
        if not 0 <= position <= length:
            raise ValueError(f"{key} must be in [0, {length}], got {position!r}.")
    bit_generator: np.random.BitGenerator = getattr(np.random, name)()
    return bit_generator
