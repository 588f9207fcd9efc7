"""One fit: a plan, targets and rows in, the fitted attributes out.

`Fit` builds what training needs (J(θ), minibatches or blocks, the validation set, the
state), lets the solver solve, and returns what was fitted as a mapping. It sets nothing
on an estimator.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import NoneType
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.utils import check_random_state

from ..data.base_targets import BaseTargets
from ..data.batches import Batches
from ..data.blocks import rows_per_block
from ..data.class_weights import ClassWeights
from ..data.dataset import Dataset
from ..data.splitting import split_by_content, split_like_mlp
from ..nn.arrays import Array
from ..nn.network import Dropout, Network
from ..nn.objective import FullBatch, Objective
from ..nn.parameters import Parameters, initialise
from ..optim.state import DECLARED, TrainingState
from ..optim.training import Epoch, Training, Validation
from ..utils.streams import random_state_from
from ..utils.warn import InterruptionWarning, warn
from .listeners import Listener
from .plan import Plan

# Rows in a block of a full batch, at least: each block also costs a pass over the
# parameters, to add up its gradient.
SMALLEST_BLOCK = 1024

# Rows whose logits have to be finite before a fitted model is returned.
CHECKED_ROWS = 200


class Fit:
    """One fit of a network.

    Parameters
    ----------
    plan : Plan
        What the parameters of the estimator stand for.
    targets : BaseTargets
        The classes, or the scaling of numbers.
    train : Dataset
        Training rows.
    validation : Dataset or None
        The validation set, if the user gave one.
    as_fitted : callable
        Makes an estimator with given fitted attributes, for a scorer to score.
    previous : mapping, default=None
        The fitted attributes to continue from.
    n_iter : int, default=0
        Epochs of this fit that were over before a crash, according to `previous`.

    Attributes
    ----------
    n_iter : int
        Epochs of this fit that are over.
    interrupted : bool
        Whether Ctrl-C ended training, possibly in the middle of an epoch.
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
        self.plan, self.targets, self.as_fitted = plan, targets, as_fitted
        self.interrupted = False
        self.listeners: Sequence[Listener] = ()
        # Fitted parameters have the type of X, if no other is asked for.
        self.model_dtype = train.X.dtype if plan.dtype == "auto" else plan.dtype

        class_weights = ClassWeights(plan.class_weight, targets, train)
        train = class_weights.apply(train)
        if validation is not None:
            validation = class_weights.apply(validation, "sample_weight_val")
        self.validated = plan.early_stopping or validation is not None
        sizes = (train.X.shape[1], *plan.hidden_sizes, targets.n_outputs)
        self.state = (
            start(plan, sizes)
            if previous is None
            else resume(plan, sizes, previous, self.validated)
        )
        rows, held_out = train.rows(), None
        if plan.early_stopping and validation is None:
            rows, held_out = self._split(train)
        size = self._batch_size(len(rows))
        self.state.cast(self._compute_dtype(is_full=size == len(rows)))
        dtype, epochs = self.state.dtype, plan.criteria.max_iter
        train = train.downcast(dtype, epochs)
        if held_out is not None:
            validation = train.take(held_out)
        elif validation is not None:
            validation = validation.downcast(dtype, epochs)
        self.train = train.take(rows)
        self.objective = self._objective()
        self.rows = self._rows(size)
        self.training = Training(
            self.objective,
            self.state,
            plan.criteria,
            self.train.n_rows,
            None if validation is None else self._validation(validation),
            self._tell,
            n_iter,
        )
        if previous is not None:
            self.training.resume()

    @property
    def n_iter(self) -> int:
        """Number of epochs of this fit that are over."""
        return self.training.n_iter

    @property
    def last_loss(self) -> float:
        """Training loss of the last epoch, NaN before the first."""
        return self.state.loss_curve[-1] if self.state.loss_curve else np.nan

    @property
    def best_loss(self) -> float | None:
        """Lowest training loss; None with a validation set."""
        return None if self.validated else min(self.state.loss_curve, default=np.inf)

    def run(self, listeners: Sequence[Listener] = ()) -> dict[str, Any]:
        """Train, and tell the listeners.

        Parameters
        ----------
        listeners : sequence of Listener
            Told of the end of each epoch, and of training.

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
        """End training where it is, and say so."""
        self.interrupted = True
        kept = "best" if self.validated else "last"
        warn(
            f"Training was interrupted in epoch {self.state.clock.epoch + 1}; "
            f"the {kept} model so far is kept.",
            InterruptionWarning,
        )

    def fitted(self) -> dict[str, Any]:
        """Return what would be fitted if training ended now.

        Returns
        -------
        fitted : dict of str to object
            The fitted attributes; those of the state share its arrays.

        Raises
        ------
        ValueError
            If the parameters, or the logits that they give, are not finite.
        """
        theta = self._kept()
        fitted = self.targets.attributes()
        fitted |= {name: item.value(self, theta) for name, item in FITTED.items()}
        return fitted | self.state.attributes(self.validated)

    def _tell(self, epoch: Epoch) -> None:
        """Tell the listeners of the end of an epoch."""
        for listener in self.listeners:
            listener.on_epoch_end(epoch, self)

    # -------------------------------------------------------------------- set-up

    def _split(self, data: Dataset) -> tuple[Array, Array]:
        """Split off a validation set; the same one again if training goes on."""
        state, targets = self.state, self.targets
        fraction, random_state = self.plan.validation_fraction, state.random_state
        if state.split_state is None:
            state.split_state = random_state.get_state(legacy=False)
        else:
            random_state = random_state_from(state.split_state)
        rows = data.rows()
        strata = targets.strata(data.y)[rows]
        if data.weights is None and targets.splits_like_mlp:
            return split_like_mlp(rows, strata, fraction, random_state)
        return split_by_content(
            data.X, rows, data.weights, strata, fraction, random_state
        )

    def _batch_size(self, n_rows: int) -> int:
        """Return the number of rows of a batch."""
        size = self.plan.batch_size
        if self.plan.solver.full_batch:
            return n_rows
        if size == "auto":
            return min(200, n_rows)
        if size > n_rows and self.plan.criteria.early:
            warn(
                f"batch_size={size} is more than the {n_rows} training rows: each step "
                "uses all of them."
            )
        return min(size, n_rows)

    def _compute_dtype(self, *, is_full: bool) -> Any:
        """Return the type to train in; training that goes on keeps its own."""
        plan = self.plan
        if plan.dtype == "float64" or plan.solver.full_batch:
            return np.float64
        if self.state.dtype is not None:
            return self.state.dtype
        # The first rows of a stream are not all, however few they are.
        return np.float64 if is_full and plan.criteria.early else np.float32

    def _objective(self) -> Objective:
        """Put together J(θ)."""
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

    def _rows(self, size: int) -> Any:
        """Return what the solver needs: minibatches, or J over all rows."""
        plan, state = self.plan, self.state
        options: dict[str, Any] = {"label_smoothing": plan.label_smoothing}
        if plan.solver.full_batch:
            blocks = self._blocks(self.train, SMALLEST_BLOCK, **options)
            return FullBatch(self.objective, blocks)
        if plan.shuffle and size < self.train.n_rows:
            options |= {"order": state.ordered(self.train.rows()), "shuffled": True}
        return self.train.batches(self.targets, state.dtype, batch_size=size, **options)

    def _blocks(self, data: Dataset, smallest: int = 1, **options: Any) -> Batches:
        """Cut all rows into blocks, whose sums add up."""
        size = max(smallest, rows_per_block(data.X, self.state.theta.sizes[1:]))
        return data.batches(
            self.targets, self.state.dtype, batch_size=size, estimate=False, **options
        )

    def _validation(self, data: Dataset) -> Validation:
        """Set up what is measured after each epoch."""
        weights = data.weights
        if weights is not None:
            weights = weights[data.rows()]
        return Validation(
            self.objective, self._blocks(data), weights, self._score(data, weights)
        )

    def _score(
        self, data: Dataset, weights: Array | None
    ) -> Callable[[float, Any], float]:
        """Return what makes the score from the loss and the mean of the score terms."""
        scoring = self.plan.scoring
        if scoring is None:
            return self.targets.score_from(data.labels(), weights)
        if scoring == "loss":
            return lambda loss, mean: -loss
        probe = self.as_fitted(self.targets.attributes())
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

    # -------------------------------------------------------------------- result

    def _kept(self) -> Parameters:
        """Return the parameters that are kept, of the type of the model."""
        with np.errstate(over="ignore"):  # the check that follows says what it means
            vector = self.state.chosen().astype(self.model_dtype)
        kept = Parameters(self.state.theta.sizes, vector)
        if not np.isfinite(vector).all():
            raise self.training.diverged("a parameter")
        x = self.train.head(CHECKED_ROWS)
        network = Network(kept.W, kept.b, self.plan.activations)
        with np.errstate(all="ignore"):
            a = network.forward(x.astype(self.model_dtype, copy=False))
        if not np.isfinite(a).all():
            raise self.training.diverged("the output of the network")
        return kept


def start(plan: Plan, sizes: tuple[int, ...]) -> TrainingState:
    """Draw initial parameters.

    Parameters
    ----------
    plan : Plan
        How to draw them.
    sizes : tuple of int
        D(0) … D(L+1).

    Returns
    -------
    state : TrainingState
        Of training that has not begun.
    """
    random_state = check_random_state(plan.random_state)
    theta = initialise(sizes, plan.initializer, plan.gains, random_state)
    return TrainingState(theta, random_state)


def resume(
    plan: Plan, sizes: tuple[int, ...], previous: Mapping[str, Any], validated: bool
) -> TrainingState:
    """Continue from the parameters and the state of an earlier fit.

    Parameters
    ----------
    plan : Plan
        Where random numbers come from, if the earlier fit left no state.
    sizes : tuple of int
        D(0) … D(L+1) of the network to be trained.
    previous : mapping
        The fitted attributes.
    validated : bool
        Whether there is a validation set.

    Returns
    -------
    state : TrainingState
        Where the earlier fit ended.

    Raises
    ------
    ValueError
        If the network is another one.
    """
    theta = Parameters.from_arrays(previous["coefs_"], previous["intercepts_"])
    if theta.sizes != sizes:
        raise ValueError(
            f"A network with layers of {theta.sizes} neurons cannot go on as one of "
            f"{sizes}. Set hidden_layer_sizes={theta.sizes[1:-1]}, or fit anew with "
            "warm_start=False."
        )
    if "_state" not in previous:
        return TrainingState(theta, check_random_state(plan.random_state))
    return TrainingState.unpack(theta, previous["_state"], validated)


@dataclass(frozen=True)
class Fitted:
    """A fitted attribute that is not a field of the training state.

    Attributes
    ----------
    types : tuple of type
        Its types in a file.
    value : callable
        Its value, from a `Fit` and the parameters of the fitted model.
    absent : callable, default=None
        Its value in files and pickles that lack it, from the other fitted attributes;
        None if all have it.
    """

    types: tuple[type, ...]
    value: Callable[[Fit, Parameters], Any]
    absent: Callable[[Mapping[str, Any]], Any] | None = None


# What prediction needs, beside the attributes of the targets.
MODEL: dict[str, Fitted] = {
    "coefs_": Fitted((list,), lambda fit, theta: theta.W),
    "intercepts_": Fitted((list,), lambda fit, theta: [b[0] for b in theta.b]),
    "n_layers_": Fitted((int,), lambda fit, theta: len(theta.sizes)),
    "n_outputs_": Fitted((int,), lambda fit, theta: fit.targets.n_outputs),
    "out_activation_": Fitted((str,), lambda fit, theta: fit.targets.loss.name),
}

# What a fit sets, but for the attributes of the targets and the fields of the training
# state. To add one, write a line here, and describe it in the docstring of the
# estimator; `absent` says what files that were saved before have in its place.
FITTED: dict[str, Fitted] = {
    **MODEL,
    "n_iter_": Fitted((int,), lambda fit, theta: fit.n_iter),
    "t_": Fitted((int,), lambda fit, theta: fit.state.clock.samples),
    "loss_": Fitted((float,), lambda fit, theta: fit.last_loss),
    "best_loss_": Fitted((float, NoneType), lambda fit, theta: fit.best_loss),
    "best_validation_score_": Fitted(
        (float, NoneType),
        lambda fit, theta: fit.state.best_score if fit.validated else None,
    ),
    "_state": Fitted((dict,), lambda fit, theta: fit.state.pack(theta.vector)),
}

# All of these with their types in a file, scikit-learn's own included; the targets
# have theirs in `ATTRIBUTES`.
ATTRIBUTES: dict[str, tuple[type, ...]] = {
    **{name: attribute.types for name, attribute in FITTED.items()},
    **{
        how.attribute: (*how.types, NoneType) if how.on_validation else how.types
        for how in DECLARED.values()
        if how.attribute is not None
    },
    "n_features_in_": (int,),
    "feature_names_in_": (np.ndarray,),
}
