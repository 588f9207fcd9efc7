"""One fit: from a plan, targets and rows to the fitted attributes.

A fit assembles what training needs (J(θ), minibatches or blocks, the validation set,
the state), runs the solver, and returns the fitted attributes as a mapping. It does not
set them on an estimator.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from ..data.base_targets import BaseTargets
from ..data.class_weights import ClassWeights
from ..data.dataset import Dataset
from ..nn.network import Network
from ..nn.parameters import Parameters, initialise
from ..optim.state import TrainingState
from ..optim.training import Epoch, Training
from ..utils.warn import InterruptionWarning, warn
from .assembly import Assembly, batch_size, compute_dtype, split, warn_if_small
from .attributes import FITTED
from .listeners import Listener
from .plan import Plan

# Number of rows whose logits must be finite before a fitted model is returned.
CHECKED_ROWS = 200


class BaseFit:
    """Base class of fits, which does not depend on where the rows are.

    Parameters
    ----------
    plan : Plan
        The validated parameters of the estimator.
    targets : BaseTargets
        The classes, or the scaling of numbers.
    state : TrainingState
        The state of training, changed in place.
    validated : bool
        Whether there is a validation set.
    model_dtype : dtype
        Dtype of X; with `dtype="auto"`, also the dtype of the fitted parameters.

    Attributes
    ----------
    training : Training
        What the solver needs; set by the subclass.
    rows : object
        The rows, in the form that the solver needs; set by the subclass.
    interrupted : bool
        Whether Ctrl-C ended training, possibly in the middle of an epoch.
    """

    training: Training
    rows: Any

    def __init__(
        self,
        plan: Plan,
        targets: BaseTargets,
        state: TrainingState,
        validated: bool,
        model_dtype: Any,
    ) -> None:
        self.plan, self.targets, self.state = plan, targets, state
        self.validated = validated
        self.model_dtype = model_dtype if plan.dtype == "auto" else plan.dtype
        self.interrupted = False
        self.listeners: Sequence[Listener] = ()

    def head(self, n: int) -> Any:
        """Return the features of the first training rows.

        Parameters
        ----------
        n : int
            Maximum number of rows.

        Returns
        -------
        X : ndarray or CSR array of shape (n, n_features)
            Features.
        """
        raise NotImplementedError

    @property
    def n_iter(self) -> int:
        """Number of completed epochs of this fit."""
        return self.training.n_iter

    @property
    def last_loss(self) -> float:
        """Training loss of the last epoch; NaN before the first."""
        return self.state.loss_curve[-1] if self.state.loss_curve else np.nan

    @property
    def best_loss(self) -> float | None:
        """Lowest training loss; None with a validation set."""
        return None if self.validated else min(self.state.loss_curve, default=np.inf)

    def run(self, listeners: Sequence[Listener] = ()) -> dict[str, Any]:
        """Train, and call the listeners.

        Parameters
        ----------
        listeners : sequence of Listener
            Called at the end of each epoch and at the end of training.

        Returns
        -------
        fitted : dict of str to object
            The fitted attributes.

        Raises
        ------
        ValueError
            If training diverges.
        """
        self.listeners = listeners
        with ExitStack() as stack:
            for listener in listeners:
                stack.enter_context(listener)
            try:
                self.plan.solver.solve(self.training, self.rows)
            except KeyboardInterrupt:
                self.interrupt()
            fitted = self.fitted()
            for listener in listeners:
                listener.on_fit_end(self)
        return fitted

    def interrupt(self) -> None:
        """Mark training as interrupted, and warn."""
        self.interrupted = True
        kept = "best" if self.validated else "last"
        warn(
            f"Training was interrupted in epoch {self.state.clock.epoch + 1}; "
            f"the {kept} model so far is kept.",
            InterruptionWarning,
        )

    def fitted(self) -> dict[str, Any]:
        """Return the fitted attributes as if training ended now.

        Returns
        -------
        fitted : dict of str to object
            The fitted attributes; `_state` shares arrays with the state of training.

        Raises
        ------
        ValueError
            If the parameters, or the logits computed from them, are not finite.
        """
        theta = self._kept()
        fitted = self.targets.attributes()
        fitted |= {name: item.value(self, theta) for name, item in FITTED.items()}
        return fitted | self.state.attributes(self.validated)

    def _tell(self, epoch: Epoch) -> None:
        """Call the listeners at the end of an epoch."""
        for listener in self.listeners:
            listener.on_epoch_end(epoch, self)

    # -------------------------------------------------------------------- result

    def _kept(self) -> Parameters:
        """Return the parameters to keep, in the dtype of the model."""
        with np.errstate(over="ignore"):  # the check below raises a clearer error
            vector = self.state.chosen().astype(self.model_dtype)
        kept = Parameters(self.state.theta.sizes, vector)
        if not np.isfinite(vector).all():
            raise self.training.diverged("a parameter")
        x = self.head(CHECKED_ROWS)
        network = Network(kept.W, kept.b, self.plan.activations)
        with np.errstate(all="ignore"):
            a = network.forward(x.astype(self.model_dtype, copy=False))
        if not np.isfinite(a).all():
            raise self.training.diverged("the output of the network")
        return kept


class Fit(BaseFit):
    """A fit to rows that are all on this machine.

    Parameters
    ----------
    plan : Plan
        The validated parameters of the estimator.
    targets : BaseTargets
        The classes, or the scaling of numbers.
    train : Dataset
        Training rows.
    validation : Dataset or None
        The validation set passed by the user, if any.
    as_fitted : callable
        Takes fitted attributes and returns an estimator with them, for a scorer.
    previous : mapping, default=None
        The fitted attributes to continue from.
    n_iter : int, default=0
        Number of epochs of this fit that were completed before a crash; `previous` is
        the fit at that point.
    """

    def __init__(
        self,
        plan: Plan,
        targets: BaseTargets,
        train: Dataset,
        validation: Dataset | None,
        as_fitted: Callable[[Mapping[str, Any]], Any],
        *,
        previous: Mapping[str, Any] | None = None,
        n_iter: int = 0,
    ) -> None:
        class_weights = ClassWeights.from_rows(plan.class_weight, targets, train)
        model_dtype = train.X.dtype
        train = class_weights.apply(train)
        if validation is not None:
            validation = class_weights.apply(validation, "sample_weight_val")
        validated = plan.early_stopping or validation is not None
        state = begin(plan, targets, train.X.shape[1], previous, validated)
        super().__init__(plan, targets, state, validated, model_dtype)
        rows, held_out = train.rows(), None
        if plan.early_stopping and validation is None:
            rows, held_out = split(plan, targets, train, state)
        warn_if_small(plan, len(rows))
        size = batch_size(plan, len(rows))
        state.cast(compute_dtype(plan, state, is_full=size == len(rows)))
        dtype, epochs = state.dtype, plan.criteria.max_iter
        train = train.downcast(dtype, epochs)
        if held_out is not None:
            validation = train.take(held_out)
        elif validation is not None:
            validation = validation.downcast(dtype, epochs)
        self.train = train.take(rows)
        parts = Assembly(plan, targets, state)
        self.objective = parts.objective
        # Over thousands of evaluations, L-BFGS can amplify the rounding of sums.
        # Not with dropout: each copy of a row has a mask of its own.
        merges = plan.solver.full_batch and not any(plan.dropout)
        each = self.train.merged() if merges else self.train
        self.rows = parts.rows(each, size)
        self.training = Training(
            self.objective,
            state,
            plan.criteria,
            self.train.n_rows,
            None if validation is None else parts.validation(validation, as_fitted),
            self._tell,
            n_iter,
        )
        if previous is not None:
            self.training.resume()

    def head(self, n: int) -> Any:
        return self.train.head(n)


def begin(
    plan: Plan,
    targets: BaseTargets,
    n_features: int,
    previous: Mapping[str, Any] | None,
    validated: bool,
) -> TrainingState:
    """Return the state in which training begins.

    Parameters
    ----------
    plan : Plan
        For the sizes of the hidden layers and the initial parameters.
    targets : BaseTargets
        The classes, or the scaling of numbers.
    n_features : int
        D(0).
    previous : mapping or None
        The fitted attributes to continue from.
    validated : bool
        Whether there is a validation set.

    Returns
    -------
    state : TrainingState
        A new state, or that of the earlier fit.
    """
    sizes = (n_features, *plan.hidden_sizes, targets.n_outputs)
    if previous is None:
        return start(plan, sizes)
    return resume(plan, sizes, previous, validated)


def start(plan: Plan, sizes: tuple[int, ...]) -> TrainingState:
    """Initialise the parameters: those that `fit` was not given are drawn.

    Parameters
    ----------
    plan : Plan
        For the initialiser and the given parameters.
    sizes : tuple of int
        D(0) … D(L+1).

    Returns
    -------
    state : TrainingState
        The state before the first epoch.
    """
    random_state = check_random_state(plan.random_state)
    # All are drawn, so that later random numbers do not depend on what is given.
    theta = initialise(sizes, plan.initializer, plan.gains, random_state)
    plan.start.write_into(theta)
    return TrainingState(theta, random_state)


def resume(
    plan: Plan, sizes: tuple[int, ...], previous: Mapping[str, Any], validated: bool
) -> TrainingState:
    """Continue from the parameters and the state of an earlier fit.

    Parameters
    ----------
    plan : Plan
        For its `random_state`, if the earlier fit left no state.
    sizes : tuple of int
        D(0) … D(L+1) of the network to be trained.
    previous : mapping
        The fitted attributes.
    validated : bool
        Whether there is a validation set.

    Returns
    -------
    state : TrainingState
        The state at the end of the earlier fit.

    Raises
    ------
    ValueError
        If the layers have other sizes.
    """
    theta = Parameters.from_arrays(previous["coefs_"], previous["intercepts_"])
    if theta.sizes != sizes:
        raise ValueError(
            f"A fitted network with layer sizes {theta.sizes} cannot continue training "
            f"with layer sizes {sizes}. Set hidden_layer_sizes={theta.sizes[1:-1]}, or "
            "train a new network with warm_start=False."
        )
    if "_state" not in previous:
        return TrainingState(theta, check_random_state(plan.random_state))
    return TrainingState.unpack(theta, previous["_state"], validated)
