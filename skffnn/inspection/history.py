"""What a fitted estimator remembers of its training, epoch by epoch."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..fitting.plan import Plan
from ..nn.arrays import Array
from ..nn.parameters import Parameters
from ..optim.optimizers import LBFGS
from ..optim.schedules import Clock, Schedule
from ..optim.state import Progress


@dataclass(frozen=True)
class History:
    """The curves of one estimator, all of length n.

    Attributes
    ----------
    name : str
        What it is called in a legend; may be empty.
    epochs : ndarray of int of shape (n,)
        The number of each epoch; the first is 1, or later if it was forgotten.
    loss : ndarray of shape (n,)
        Training loss.
    validation_loss, score : ndarray of shape (n,) or None
        On the validation rows; None without any.
    learning_rate : ndarray of shape (n,) or None
        η at the start of each epoch; None where there is none or none is known.
    kept : int or None
        The epoch whose parameters were kept; None if it was forgotten.
    unit : {"epoch", "iteration"}
        What is counted.
    score_name : str
        What the score is.
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
    def of(cls, estimator: Any, name: str = "") -> "History":
        """Read the curves of a fitted estimator.

        Parameters
        ----------
        estimator : FFNNClassifier
            Fitted.
        name : str, default=""
            What to call it.

        Returns
        -------
        history : History
            Copies.
        """
        plan = Plan.of(estimator.get_params(deep=False))
        loss = np.array(estimator.loss_curve_)
        clock = clock_of(estimator)
        epochs = np.arange(clock.epoch - len(loss), clock.epoch) + 1
        by_lbfgs = isinstance(plan.solver, LBFGS)
        validation_loss = score = None
        kept = int(epochs[-1]) if len(epochs) else None
        if estimator.validation_scores_ is not None:
            # Earlier fits may have had no validation rows: the curves end together.
            validation_loss, score = np.full((2, len(loss)), np.nan)
            start = len(loss) - len(estimator.validation_scores_)
            validation_loss[start:] = estimator.validation_loss_curve_
            score[start:] = estimator.validation_scores_
            best = np.flatnonzero(score == estimator.best_validation_score_)
            kept = int(epochs[best[0]]) if len(best) else None
        return cls(
            name,
            epochs,
            loss,
            validation_loss,
            score,
            None if by_lbfgs else learning_rates(estimator, plan, clock),
            kept,
            "iteration" if by_lbfgs else "epoch",
            score_name(estimator),
        )


def clock_of(estimator: Any) -> Clock:
    """Return how far training has come."""
    if hasattr(estimator, "_state"):
        return Clock(**estimator._state["clock"])
    return Clock(samples=estimator.t_, epoch=len(estimator.loss_curve_))


def score_name(estimator: Any) -> str:
    """Return the name of the score on validation rows."""
    scoring = estimator.scoring
    if scoring is None:
        scoring = "accuracy" if estimator.class_weight is None else "loss"
    if scoring == "loss":
        return "minus the loss"
    return scoring.replace("_", " ") if isinstance(scoring, str) else "score"


def learning_rates(estimator: Any, plan: Plan, clock: Clock) -> Array | None:
    """Return the learning rate at the start of each epoch that is remembered.

    It is not recorded. A schedule is a function of the clock, and the clock of each
    epoch follows from the last one: each epoch had as many rows, and the rate dropped
    where the scores stalled. That is exact if the parameters are those of the training,
    and if a stream had chunks of one size, where the schedule counts rows.

    Parameters
    ----------
    estimator : FFNNClassifier
        Fitted.
    plan : Plan
        What its parameters stand for.
    clock : Clock
        How far its training has come.

    Returns
    -------
    eta : ndarray of shape (n,) or None
        None if it cannot be told.

    Examples
    --------
    >>> from skffnn import FFNNClassifier
    >>> model = FFNNClassifier(learning_rate="cosine", max_iter=4, random_state=0)
    >>> model = model.fit([[0.0], [1.0]] * 5, [0, 1] * 5)
    >>> plan = Plan.of(model.get_params(deep=False))
    >>> print(learning_rates(model, plan, clock_of(model)).round(6))
    [0.001    0.000854 0.0005   0.000146]
    """
    schedule, rules = plan.schedule, plan.rules
    n = len(estimator.loss_curve_)
    scores = estimator.validation_scores_
    if scores is None:
        scores = [-loss for loss in estimator.loss_curve_]
    if n == 0 or (clock.drops and not len(scores) == n == clock.epoch):
        return None
    rows, rest = divmod(clock.samples, clock.epoch)
    patience = Progress(Parameters([1, 1]), np.random.RandomState(0))
    now = Clock(epoch=clock.epoch - n)
    eta = []
    for epoch in range(n):
        now.samples = rows * now.epoch
        eta.append(plan.learning_rate_init * schedule.factor(replace(now)))
        now.epoch += 1
        stalled = clock.drops and patience.has_stalled(scores[epoch], rules)
        if stalled and schedule.goes_on(eta[-1]):
            now.drops += 1
            patience.new_patience(scores[epoch])
    uneven = rest > 0 and counts_rows(schedule, clock)
    return None if uneven or now.drops != clock.drops else np.array(eta)


def counts_rows(schedule: Schedule, clock: Clock) -> bool:
    """Tell whether a schedule depends on the rows that training has seen."""
    return schedule.factor(replace(clock, samples=0)) != schedule.factor(clock)
