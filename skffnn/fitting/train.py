"""One fit, as a function: from a plan and rows to a fitted network."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from ..fitted import Fitted
from ..nn.network import Dropout, Network
from ..nn.objective import Objective
from ..nn.parameters import initialise
from ..optim.descent import run
from ..optim.progress import Progress
from ..optim.training import Training
from ..utils.checks import check_number
from .listeners import Listener
from .plan import Plan


def run_alone(training: Training) -> None:
    """Train one network to its end."""
    run([training])


# What runs a training that is prepared; the joblib backend sets it in its tasks.
runner: ContextVar[Callable[[Training], None]] = ContextVar("runner", default=run_alone)


def train(
    plan: Plan,
    rows: Any,
    start: Fitted | None = None,
    listeners: Sequence[Listener] = (),
    n_iter: int = 0,
) -> Fitted:
    """Train a network.

    Parameters
    ----------
    plan : Plan
        The parameters of the estimator, validated, with names replaced by objects.
    rows : Rows or PartitionedRows
        The training rows, with their targets and perhaps a validation set.
    start : Fitted, default=None
        The network to continue from; None for a new one.
    listeners : sequence of Listener
        Called at the end of each epoch and at the end of training.
    n_iter : int, default=0
        Number of epochs of this fit that are already in `start`, after a crash.

    Returns
    -------
    fitted : Fitted
        The network. It shares no memory with `start`.

    Raises
    ------
    ValueError
        If the rows do not suit the plan, or if training diverges.
    """
    training = prepare(plan, rows, start, n_iter)
    training.listeners = listeners
    with ExitStack() as stack:
        for listener in listeners:
            stack.enter_context(listener)
        for listener in listeners:
            listener.on_fit_begin(training)
        runner.get()(training)
        if training.error is not None:
            raise training.error
        training.warn_of_the_end()
        fitted = Fitted.from_training(training)
        for listener in listeners:
            listener.on_fit_end(training)
    return fitted


def prepare(plan: Plan, rows: Any, start: Fitted | None, n_iter: int) -> Training:
    """Return a training that is ready for its first epoch."""
    dtype = rows.dtype if plan.dtype == "auto" else np.dtype(plan.dtype)
    rows = rows.weighted(plan.class_weight)
    validated = plan.early_stopping or rows.validation is not None
    progress = begin(plan, rows, start, validated=validated)
    validation = rows.validation
    if plan.early_stopping and validation is None:
        fraction = plan.validation_fraction
        check_number("validation_fraction", fraction, 0, 1, closed="neither")
        rows, validation = rows.split(fraction, progress.split_stream())
    plan = rows.adapted(plan)
    batch_size = plan.rows_per_batch(rows.largest)
    compute = plan.compute_dtype(progress.dtype, is_full=batch_size == rows.n_rows)
    progress.cast(compute)
    objective = objective_of(plan, progress, rows.targets)
    rows = rows.cast(compute)
    if plan.is_full_batch:
        batches = rows.full_batch(plan, objective)
    else:
        batches = rows.minibatches(plan, progress, batch_size)
    training = Training(plan, rows, objective, batches, progress, dtype, n_iter)
    if validation is not None:

        def current() -> Fitted:
            theta, scaling = progress.theta, rows.targets.features
            theta = theta if scaling is None else scaling.as_given(theta)
            return Fitted(theta, tuple(plan.activations), rows.targets, progress)

        training.validation = validation.measured(plan, objective, current)
    if start is not None:
        training.resume()
    return training


def begin(plan: Plan, rows: Any, start: Fitted | None, *, validated: bool) -> Progress:
    """Return the progress at the start: that of an earlier fit, or a new one."""
    sizes = (rows.n_features, *plan.hidden_sizes, rows.targets.n_outputs)
    if start is None:
        random_state = check_random_state(plan.random_state)
        # All are drawn, so that later random numbers do not depend on what is given.
        theta = initialise(sizes, plan.initializer, plan.gains, random_state)
        plan.start.write_into(theta, rows.targets.features)
        return Progress(theta, random_state, validated=validated)
    if start.theta.sizes != sizes:
        raise ValueError(
            f"A fitted network with layer sizes {start.theta.sizes} cannot continue "
            f"training with layer sizes {sizes}. Set "
            f"hidden_layer_sizes={start.theta.sizes[1:-1]}, or train a new network "
            "with warm_start=False."
        )
    before = start.targets.features
    progress = start.progress.continued(start.theta, before, validated=validated)
    if not rows.targets.scales_like(start.targets):
        rows.targets.take_over(progress.theta, start.targets)
        progress.best_theta, progress.best_score = None, -np.inf
    return progress


def objective_of(plan: Plan, progress: Progress, targets: Any) -> Objective:
    """Return J(θ) for the θ of the progress, which draws a seed for dropout."""
    theta, dropout = progress.theta, None
    if any(plan.dropout):
        if progress.dropout_rng is None:
            seed = progress.random_state.randint(2**31 - 1)
            progress.dropout_rng = np.random.default_rng(seed)
        dropout = Dropout(plan.dropout, progress.dropout_rng)
    network = Network(theta.W, theta.b, plan.activations)
    return Objective(theta, network, targets.loss, plan.penalty, plan.alpha, dropout)
