"""The curves of a fitted estimator, epoch by epoch."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..fitting.plan import Plan
from ..nn.arrays import Array
from ..optim.state import upgraded


@dataclass(frozen=True)
class History:
    """The curves of one estimator, all of length n.

    Attributes
    ----------
    name : str
        Label in the legend; may be empty.
    epochs : ndarray of int of shape (n,)
        Number of each epoch; starts above 1 if the oldest were dropped.
    loss : ndarray of shape (n,)
        Training loss.
    validation_loss, score : ndarray of shape (n,) or None
        On the validation set; None without one.
    learning_rate : ndarray of shape (n,) or None
        η at the start of each epoch, NaN where unknown; None if the solver has none.
    kept : int or None
        The epoch whose parameters were kept; None if the curves no longer include it.
    unit : {"epoch", "iteration"}
        Unit in which the solver counts.
    score_name : str
        Name of the score.
    """

    name: str
    epochs: Array
    loss: Array
    validation_loss: Array | None
    score: Array | None
    learning_rate: Array | None
    kept: int | None
    unit: str
    score_name: str

    @classmethod
    def from_estimator(cls, estimator: Any, name: str = "") -> "History":
        """Read the curves of a fitted estimator.

        Parameters
        ----------
        estimator : FFNNClassifier or FFNNRegressor
            A fitted estimator.
        name : str, default=""
            Label in the legend.

        Returns
        -------
        history : History
            Copies of the curves.
        """
        plan = Plan.from_estimator(estimator)
        loss = np.array(estimator.loss_curve_)
        eta = np.array(estimator.learning_rate_curve_)
        n, last, best_epoch = len(loss), len(loss), 0
        if hasattr(estimator, "_state"):
            state = upgraded(estimator._state)
            last, best_epoch = state["clock"]["epoch"], state["best_epoch"]
        epochs = np.arange(last - n, last) + 1
        validation_loss = score = None
        kept = last if n else None
        if estimator.validation_scores_ is not None:
            # Earlier fits may have had no validation set: align the curves at the end.
            validation_loss, score = np.full((2, n), np.nan)
            start = n - len(estimator.validation_scores_)
            validation_loss[start:] = estimator.validation_loss_curve_
            score[start:] = estimator.validation_scores_
            best = np.flatnonzero(score == estimator.best_validation_score_)
            if not best_epoch and len(best):  # not in files of version 1
                best_epoch = int(epochs[best[0]])
            kept = best_epoch if best_epoch in epochs else None
        return cls(
            name,
            epochs,
            loss,
            validation_loss,
            score,
            None if np.isnan(eta).all() else eta,
            kept,
            plan.solver.unit,
            score_name(plan.scoring, estimator._targets.score_name),
        )


def score_name(scoring: Any, default: str) -> str:
    """Return the name of the score on the validation set."""
    if scoring is None:
        return default
    if scoring == "loss":
        return "minus the loss"
    return scoring.replace("_", " ") if isinstance(scoring, str) else "score"
