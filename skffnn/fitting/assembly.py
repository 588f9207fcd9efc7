"""Assembles what training needs: J(θ), minibatches or blocks, the validation set.

The parts are the same whether all rows are on this machine, or only some of them, in a
cluster. `Assembly` only knows the rows that it is given.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer

from ..data.base_targets import BaseTargets
from ..data.batches import Batches
from ..data.blocks import rows_per_block
from ..data.dataset import Dataset
from ..data.splitting import split_by_content, split_like_mlp
from ..nn.arrays import Array
from ..nn.network import Dropout, Network
from ..nn.objective import FullBatch, Objective
from ..optim.state import TrainingState
from ..optim.training import Validation
from ..utils.streams import random_state_from
from ..utils.warn import warn
from .attributes import MODEL
from .plan import Plan

# Minimum number of rows in a block of a full batch. Each block also costs a pass over
# the parameters, to add its gradient.
SMALLEST_BLOCK = 1024


class Assembly:
    """J(θ), with the rows for training and validation.

    Parameters
    ----------
    plan : Plan
        The validated parameters of the estimator.
    targets : BaseTargets
        The classes, or the scaling of numbers.
    state : TrainingState
        The state, in the dtype used in training.

    Attributes
    ----------
    objective : Objective
        J(θ), for the θ of the state.
    """

    def __init__(self, plan: Plan, targets: BaseTargets, state: TrainingState) -> None:
        self.plan, self.targets, self.state = plan, targets, state
        self.objective = self._objective()

    def _objective(self) -> Objective:
        """Assemble J(θ)."""
        plan, state = self.plan, self.state
        theta, dropout = state.theta, None
        if any(plan.dropout):
            if state.dropout_rng is None:
                seed = state.random_state.randint(2**31 - 1)
                state.dropout_rng = np.random.default_rng(seed)
            dropout = Dropout(plan.dropout, state.dropout_rng)
        network = Network(theta.W, theta.b, plan.activations)
        return Objective(
            theta, network, self.targets.loss, plan.penalty, plan.alpha, dropout
        )

    def rows(self, train: Dataset, size: int) -> Any:
        """Return what the solver needs: minibatches, or J over all rows.

        Parameters
        ----------
        train : Dataset
            Training rows.
        size : int
            Number of rows in a minibatch.

        Returns
        -------
        rows : Batches or FullBatch
            FullBatch if the solver is full-batch.
        """
        plan, state = self.plan, self.state
        options: dict[str, Any] = {"label_smoothing": plan.label_smoothing}
        if plan.solver.full_batch:
            blocks = self.blocks(train, SMALLEST_BLOCK, **options)
            return FullBatch(self.objective, blocks)
        if plan.shuffle and size < train.n_rows:
            options |= {"order": state.ordered(train.rows()), "shuffled": True}
        return train.batches(self.targets, state.dtype, batch_size=size, **options)

    def blocks(self, data: Dataset, smallest: int = 1, **options: Any) -> Batches:
        """Split rows into blocks, whose sums add up.

        Parameters
        ----------
        data : Dataset
            The rows.
        smallest : int, default=1
            Minimum number of rows in a block.
        **options : dict
            As in `Dataset.batches`.

        Returns
        -------
        blocks : Batches
            The blocks.
        """
        size = max(smallest, rows_per_block(data.X, self.state.theta.sizes[1:]))
        return data.batches(
            self.targets, self.state.dtype, batch_size=size, estimate=False, **options
        )

    def validation(
        self, data: Dataset, as_fitted: Callable[[Mapping[str, Any]], Any]
    ) -> Validation:
        """Set up the validation after each epoch.

        Parameters
        ----------
        data : Dataset
            The validation set.
        as_fitted : callable
            Takes fitted attributes and returns an estimator with them, for a scorer.

        Returns
        -------
        validation : Validation
            Measures the θ of the state.
        """
        weights = data.weights
        if weights is not None:
            weights = weights[data.rows()]
        return Validation(
            self.objective,
            self.blocks(data),
            weights,
            self._score(data, weights, as_fitted),
        )

    def _score(
        self,
        data: Dataset,
        weights: Array | None,
        as_fitted: Callable[[Mapping[str, Any]], Any],
    ) -> Callable[[float, Any], float]:
        """Return a function from the loss and the mean score terms to the score."""
        watched = watched_by(self.plan, self.targets, data.labels(), weights)
        if watched is not None:
            return watched
        scoring, probe = self.plan.scoring, as_fitted(self.targets.attributes())
        vars(probe).pop("feature_names_in_", None)
        X, y = data.select()
        kwargs = {} if weights is None else {"sample_weight": weights}
        scorer = get_scorer(scoring)

        def score(*_: float) -> float:
            theta = self.state.theta
            vars(probe).update(
                {name: item.value(self, theta) for name, item in MODEL.items()}
            )
            try:
                return float(scorer(probe, X, y, **kwargs))
            except TypeError as error:
                if "sample_weight" not in str(error):
                    raise
                raise ValueError(
                    f"scoring={scoring!r} does not take sample_weight, and the "
                    "validation set has weights."
                ) from error

        return score


def watched_by(
    plan: Plan, targets: BaseTargets, y: Any, weights: Array | None
) -> Callable[[float, Any], float] | None:
    """Return the function that computes the score, if that does not need a scorer.

    Parameters
    ----------
    plan : Plan
        For its `scoring`.
    targets : BaseTargets
        For the default score.
    y : ndarray or sparse array of shape (n_rows, ...)
        The targets of the validation set; not used for classes.
    weights : ndarray of shape (n_rows,) or None
        The sample weights of the validation set.

    Returns
    -------
    score : callable or None
        Takes the loss and the mean of the score terms; None if a scorer is needed.
    """
    if plan.scoring is None:
        return targets.score_from(y, weights)
    if plan.scoring == "loss":
        return lambda loss, mean: -loss
    return None


def split(
    plan: Plan, targets: BaseTargets, data: Dataset, state: TrainingState
) -> tuple[Array, Array]:
    """Split off a validation set; the same one again if training is continued.

    Parameters
    ----------
    plan : Plan
        For its `validation_fraction`.
    targets : BaseTargets
        The classes, or the scaling of numbers.
    data : Dataset
        Rows of non-zero weight.
    state : TrainingState
        For its `random_state`, and the state of that before the last split.

    Returns
    -------
    train, validate : ndarray of int
        The rows of the training set and of the validation set.
    """
    random_state = state.random_state
    if state.split_state is None:
        state.split_state = random_state.get_state(legacy=False)
    else:
        random_state = random_state_from(state.split_state)
    fraction, rows = plan.validation_fraction, data.rows()
    strata = targets.strata(data.y)[rows]
    if data.weights is None and targets.splits_like_mlp:
        return split_like_mlp(rows, strata, fraction, random_state)
    return split_by_content(data.X, rows, data.weights, strata, fraction, random_state)


def batch_size(plan: Plan, n_rows: int) -> int:
    """Return the number of rows in a batch.

    Parameters
    ----------
    plan : Plan
        For its `batch_size`.
    n_rows : int
        Number of training rows.

    Returns
    -------
    size : int
        At most `n_rows`.
    """
    if plan.solver.full_batch:
        return n_rows
    size = 200 if plan.batch_size == "auto" else plan.batch_size
    return int(min(size, n_rows))


def warn_if_small(plan: Plan, n_rows: int) -> None:
    """Warn if there are fewer rows than `batch_size`."""
    if plan.solver.full_batch or plan.batch_size == "auto" or not plan.criteria.early:
        return
    if plan.batch_size > n_rows:
        warn(
            f"batch_size={plan.batch_size} is more than the {n_rows} training rows: "
            "each step uses all of them."
        )


def compute_dtype(plan: Plan, state: TrainingState, *, is_full: bool) -> Any:
    """Return the dtype to train in; it does not change if training is continued.

    Parameters
    ----------
    plan : Plan
        For its `dtype` and its solver.
    state : TrainingState
        For the dtype of an earlier fit.
    is_full : bool
        Whether a batch holds all rows.

    Returns
    -------
    dtype : dtype or str
        float32 or float64.
    """
    if plan.dtype == "float64" or plan.solver.full_batch:
        return np.float64
    if state.dtype is not None:
        return state.dtype
    # A call of partial_fit has only some of the rows, even if they fill one batch.
    return np.float64 if is_full and plan.criteria.early else np.float32
