"""Where training stands: what it carries on, what it remembers, when it has stalled."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from ..nn.arrays import Array
from ..nn.parameters import Parameters
from ..utils.streams import random_state_of
from .optimizers import State
from .schedules import Clock


@dataclass(frozen=True)
class Rules:
    """When training ends.

    Attributes
    ----------
    max_iter : int
        Most epochs.
    tol : float
        Smallest improvement that counts.
    n_iter_no_change : float
        Epochs without one that are tolerated; may be infinite.
    shuffle : bool
        Draw a new order of the rows for each epoch.
    stops : bool
        False to train `max_iter` epochs whatever happens.
    """

    max_iter: int
    tol: float
    n_iter_no_change: float
    shuffle: bool
    stops: bool = True


@dataclass
class Progress:
    """What training has reached: all that a later fit needs to carry on.

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
    stall : int
        Epochs since it was beaten.
    best_score : float
        Best score on the validation rows.
    best_theta : ndarray of shape (n_parameters,) or None
        θ at that score; None without validation.
    converged : bool
        Whether training ended because it no longer improved.
    loss_curve, validation_scores, validation_loss_curve : list of float
        One entry for each epoch.
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
    stall: int = 0
    best_score: float = -np.inf
    best_theta: Array | None = None
    converged: bool = False
    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    validation_loss_curve: list[float] = field(default_factory=list)

    def has_stalled(self, score: float, rules: Rules) -> bool:
        """Take note of an epoch's score; tell whether patience is at its end.

        Parameters
        ----------
        score : float
            The higher the better; NaN is no improvement.
        rules : Rules
            `tol` and `n_iter_no_change`.

        Returns
        -------
        stalled : bool
            True after more than `n_iter_no_change` epochs without improvement.
        """
        self.stall = 0 if score >= self.reference + rules.tol else self.stall + 1
        if score > self.reference:
            self.reference = score
        return self.stall > rules.n_iter_no_change

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
        state = {f.name: getattr(self, f.name) for f in fields(self)}
        state["last_theta"] = state.pop("theta").vector
        # Training that was cut short goes on at the last θ, and with the best one as it
        # was before it was rounded; what the model has need not be stored twice.
        for name in ("last_theta", "best_theta"):
            if self.converged or np.array_equal(state[name], kept):
                state[name] = None
        state["random_state"] = self.random_state.get_state(legacy=False)
        if self.order is not None:
            state["order"] = self.order.astype(np.min_scalar_type(self.order.max()))
        state["clock"] = asdict(self.clock)
        if self.dropout_rng is not None:
            state["dropout_rng"] = self.dropout_rng.bit_generator.state
        return state

    @classmethod
    def unpack(cls, theta: Parameters, state: State, validated: bool) -> "Progress":
        """Make the progress that was packed, sharing nothing with it.

        Parameters
        ----------
        theta : Parameters
            The parameters of the fitted model.
        state : dict
            What `pack` returned.
        validated : bool
            Whether there are validation rows again. Without them, what was best on the
            earlier ones is where training goes on.

        Returns
        -------
        progress : Progress
            Ready to be changed.
        """
        state = {k: v.copy() if hasattr(v, "copy") else v for k, v in state.items()}
        state["optimizer"] = {
            k: v.copy() if np.ndim(v) else v for k, v in state["optimizer"].items()
        }
        last = state.pop("last_theta")
        if last is not None and (validated or state["best_score"] == -np.inf):
            if state["best_theta"] is None:
                state["best_theta"] = theta.vector
            theta = Parameters(theta.sizes, last)
        if state["order"] is not None:
            state["order"] = state["order"].astype(np.intp)
        state["random_state"] = random_state_of(state["random_state"])
        state["clock"] = Clock(**state["clock"])
        if state["dropout_rng"] is not None:
            dropout_rng = np.random.default_rng()
            dropout_rng.bit_generator.state = state["dropout_rng"]
            state["dropout_rng"] = dropout_rng
        return cls(theta=theta, **state)

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

    def chosen(self) -> Array:
        """Return the θ to keep: the best on validation rows, or the last.

        Returns
        -------
        theta : ndarray of shape (n_parameters,)
            Not a copy.
        """
        return self.theta.vector if self.best_theta is None else self.best_theta

    def new_patience(self, reference: float = -np.inf) -> None:
        """Start counting anew.

        Parameters
        ----------
        reference : float, default=-inf
            The score that the next epoch is compared with.
        """
        self.reference, self.stall = reference, 0

    def remember(self, score: float, *, later: bool = False) -> None:
        """Keep a copy of θ if it has the best score so far.

        Parameters
        ----------
        score : float
            Its score on the validation rows.
        later : bool, default=False
            Of equal scores, keep the later one and not the first.
        """
        if score > self.best_score or (later and score == self.best_score):
            self.best_score = score
            self.best_theta = self.theta.vector.copy()


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
