"""FFNNEstimator: the scikit-learn interface that classifier and regressor share."""

from collections.abc import Sequence
from inspect import cleandoc
from typing import Any, ClassVar, Self

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from .data.rows import Rows, features_of
from .files.checkpoints import Checkpoint, CheckpointManager
from .fitted import Fitted, FittedAttribute, LayersAttribute
from .fitting.listeners import EpochTasks, Listener, callbacks_of, reporters
from .fitting.plan import Losses, Plan, supports_partial_fit
from .fitting.train import train
from .nn.arrays import Array
from .optim.solvers import SOLVERS
from .typing import (
    ActivationParam,
    BatchSize,
    CheckpointParam,
    Dropout,
    DType,
    HiddenLayerSizes,
    LearningRate,
    PenaltyParam,
    Scoring,
    SolverParam,
    Verbose,
    WeightInit,
)
from .utils.checks import (
    all_or_nothing,
    check_number,
)
from .utils.types import BaseEstimator, Matrix, RandomState

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Placeholder, without `set_callbacks`."""

    def with_callbacks(method: Any) -> Any:
        """Return the method unchanged."""
        return method


# Shared by the docstrings of both estimators. Parameters that only one of them has, or
# that differ between them, are described in their own docstrings.
LAYERS = """
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Number of neurons in each hidden layer. `()` means no hidden layer, which is
        a linear model.
    activation : str, object, or sequence of them, default="relu"
        Activation function of the hidden layers, one for all or one per layer:
        "identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu",
        "silu", "mish", or an object with the method `forward` of
        `skffnn.nn.activations.Activation`.
"""
PARAMETERS = """
    solver : {"sgd", "adam", "adamw", "lbfgs"} or object, default="adam"
        How to minimise J(θ): on minibatches ("sgd", "adam", "adamw"), or on all rows at
        once ("lbfgs", often best for small data sets). An object, such as
        `skffnn.Adam(beta_2=0.95)`, has its own settings; the solver parameters below
        are then ignored.
    alpha : float, default=0.0001
        Strength α ≥ 0 of the penalty. Increase it to reduce overfitting. Unlike in
        `MLPClassifier` and `MLPRegressor`, its effect does not depend on the batch
        size, the number of rows or the scale of the sample weights:
        `MLPClassifier(alpha=a, batch_size=B)` has the same objective as
        `FFNNClassifier(alpha=a / B)`, or `alpha=a / n_samples` with "lbfgs"; likewise
        for the regressors. With "adamw" it is the decoupled weight decay.
    batch_size : int or "auto", default="auto"
        Number of rows in a minibatch; "auto" is `min(200, n_samples)`. Ignored by
        "lbfgs".
    learning_rate : str or object, default="constant"
        Learning rate schedule for all solvers except "lbfgs": "constant"; "invscaling",
        η_0 / (1 + rows seen) ** power_t; "adaptive", divided by 5 when there has been
        no improvement for `n_iter_no_change` epochs; "cosine", which falls to 0 over
        `max_iter` epochs; "one_cycle", which rises and falls again over `max_iter`
        epochs. The last two have a fixed horizon: training runs for `max_iter` epochs,
        unless a validation score stops it. Or an object, such as
        `skffnn.Cosine(max_iter=30)`.
    learning_rate_init : float, default=0.001
        Initial learning rate η_0 > 0. Lower it if training diverges, raise it if the
        loss falls slowly.
    power_t : float, default=0.5
        Exponent of "invscaling"; the larger, the faster the learning rate falls.
    max_iter : int, default=200
        Maximum number of epochs (passes over the training rows), or of iterations of
        "lbfgs".
    shuffle : bool, default=True
        Whether to shuffle the rows before each epoch.
    random_state : int, RandomState instance or None, default=None
        Determines the initial parameters, the validation split, the shuffling and
        dropout. Pass an int for reproducible results. `partial_fit` and `warm_start`
        continue the stream of random numbers instead of restarting it.
    tol : float, default=1e-4
        An epoch counts as an improvement if the training loss falls, or the validation
        score rises, by at least this much. "lbfgs" has converged when no entry of the
        gradient is larger than this.
    verbose : bool or int, default=False
        1 or True prints a line for each epoch; 2 shows a progress bar, if rich is
        installed.
    warm_start : bool, default=False
        Whether `fit` continues where the last fit ended. If that fit reached `max_iter`
        or was interrupted by Ctrl-C, the optimiser state, the schedule, the validation
        split and the count of epochs without improvement carry over too, so that two
        fits of 5 epochs give the same result as one of 10; if it had converged, the
        count is reset. "lbfgs" continues from the parameters alone.
    momentum : float, default=0.9
        Momentum μ of "sgd", between 0 (plain gradient descent) and 1.
    nesterovs_momentum : bool, default=True
        Whether "sgd" uses Nesterov's momentum.
    early_stopping : bool, default=False
        Whether to hold out a validation set, stop when its score no longer improves,
        and keep the parameters of the best epoch. The split respects sample weights,
        and is stratified by class. Works with every solver, but not with `partial_fit`.
    validation_fraction : float, default=0.1
        Fraction of the rows that early stopping holds out, between 0 and 1. It may be 0
        where no rows are held out.
    beta_1 : float, default=0.9
        Decay of the first moment of "adam" and "adamw", in [0, 1).
    beta_2 : float, default=0.999
        Decay of the second moment of "adam" and "adamw", in [0, 1).
    epsilon : float, default=1e-8
        Constant ε > 0 for numerical stability in "adam" and "adamw".
    n_iter_no_change : int or inf, default=10
        Training stops after more than this many epochs without improvement.
    max_fun : int, default=15000
        Maximum number of evaluations of J(θ) by "lbfgs".
    max_time : float or None, default=None
        Maximum time in seconds. Training ends with the epoch, or iteration, in which it
        is over, with a warning as for `max_iter`. The networks of a stack or an average
        share it. How far training gets depends on the machine.
    dropout : float or sequence of float, default=0.0
        Probability of setting an activation to 0 in training, for all hidden layers or
        one per layer, in [0, 1). Increase it to reduce overfitting. With "lbfgs" the
        masks stay the same, so that J is a function of θ alone.
    weight_init : str or object, default="glorot_uniform"
        How the initial parameters are drawn: "glorot_uniform", "glorot_normal",
        "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "ntk", which also
        sets learning rates per layer, or an object with the method `draw` of
        `skffnn.nn.parameters.Initializer`.
    penalty : str or object, default="l2"
        Ω(θ): "l2", or an object with the methods of `skffnn.nn.parameters.Penalty`.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Type used in training. "auto" is float32 for minibatches, whose noise far
        exceeds its rounding errors, and float64 if each step uses all rows ("lbfgs", or
        a single batch); continued training keeps its type. The fitted parameters have
        this type, or with "auto" the type of X.
    checkpoint : str, path-like, Checkpoint or None, default=None
        File to which `fit` saves its progress, after each epoch or as set by a
        `skffnn.Checkpoint`. When the same fit is started again after a crash, it
        resumes from there and gives the same result as an uninterrupted fit ("lbfgs":
        an equally good one). Ignored by `partial_fit`.
"""
ATTRIBUTES = """
    fitted_ : Fitted
        The trained network as a value (`skffnn.fitted.Fitted`), from which all
        attributes below are read.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights W(1) … W(L+1). Changing an array, or assigning arrays of the same
        shapes, changes what is predicted and what training continues from.
    intercepts_ : list of ndarray of shape (n_out,)
        Biases b(1) … b(L+1); likewise.
    n_iter_ : int
        Number of epochs (or iterations) of the last fit.
    converged_ : bool
        Whether training, or a stream with a validation set, no longer improved.
    t_ : int
        Total number of training rows seen, over all epochs.
    loss_ : float
        J in the last epoch; excludes the penalty with "adamw".
    loss_curve_ : list of float
        `loss_` of each epoch, averaged over its batches. Curves grow when training is
        continued, up to the last 10000 epochs.
    learning_rate_curve_ : list of float
        Learning rate at the start of each epoch; NaN with "lbfgs".
    best_loss_ : float or None
        Lowest value of `loss_curve_`; None with a validation set.
    validation_scores_ : list of float or None
        Score on the validation set after each epoch.
    validation_loss_curve_ : list of float or None
        Loss on the validation set after each epoch, without the penalty.
    best_validation_score_ : float or None
        Validation score of the parameters that were kept.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names; defined only if all column names of X are strings.
    n_layers_ : int
        L + 2.
"""


class FFNNEstimator(CallbackSupportMixin, BaseEstimator):
    """Base class of the estimators: training, input validation and hidden features.

    A subclass sets `_losses`, implements `_targets`, and predicts. Its `__init__` calls
    `_store`. In its docstring, `LAYERS`, `PARAMETERS` and `ATTRIBUTES` are replaced.
    """

    _losses: ClassVar[Losses]

    # Shared parameters.
    hidden_layer_sizes: HiddenLayerSizes
    activation: ActivationParam
    solver: SolverParam
    alpha: float
    batch_size: BatchSize
    learning_rate: LearningRate
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: RandomState
    tol: float
    verbose: Verbose
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    max_time: float | None
    dropout: Dropout
    weight_init: WeightInit
    penalty: PenaltyParam
    dtype: DType
    checkpoint: CheckpointParam
    scoring: Scoring

    # The fitted network, and what is read from it.
    fitted_: Fitted
    coefs_ = LayersAttribute("coefs")
    intercepts_ = LayersAttribute("intercepts")
    n_iter_ = FittedAttribute[int]("progress.n_iter")
    converged_ = FittedAttribute[bool]("progress.converged")
    t_ = FittedAttribute[int]("progress.clock.samples")
    loss_ = FittedAttribute[float]("loss")
    loss_curve_ = FittedAttribute[list[float]]("progress.loss_curve")
    learning_rate_curve_ = FittedAttribute[list[float]]("progress.learning_rate_curve")
    best_loss_ = FittedAttribute[float | None]("best_loss")
    validation_scores_ = FittedAttribute[list[float] | None]("validation_scores")
    validation_loss_curve_ = FittedAttribute[list[float] | None](
        "validation_loss_curve"
    )
    best_validation_score_ = FittedAttribute[float | None]("best_validation_score")
    n_layers_ = FittedAttribute[int]("n_layers")
    n_outputs_ = FittedAttribute[int]("targets.n_outputs")
    out_activation_ = FittedAttribute[str]("targets.loss.name")
    n_features_in_: int
    feature_names_in_: Array

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        doc = cleandoc(cls.__doc__ or "")  # as Python 3.13 does
        for name in ("LAYERS", "PARAMETERS", "ATTRIBUTES"):
            doc = doc.replace(f"{{{name}}}", cleandoc(globals()[name]))
        cls.__doc__ = f"{doc}\n"

    def __dir__(self) -> list[str]:
        """Leave out the fitted attributes of an estimator that is not fitted."""
        kind = type(self)
        return [
            name
            for name in super().__dir__()
            if self.__sklearn_is_fitted__()
            or not isinstance(getattr(kind, name, None), FittedAttribute)
        ]

    def __sklearn_is_fitted__(self) -> bool:
        return "fitted_" in vars(self)

    def _store(self, params: dict[str, Any]) -> None:
        """Set the parameters, given the local variables of `__init__`."""
        self.__dict__.update({k: v for k, v in params.items() if k != "self"})

    def _targets(self, plan: Plan, rows: Any) -> Any:
        """Return the targets of a first fit to validated rows."""
        raise NotImplementedError

    # ------------------------------------------------------------------ training

    def fit(
        self,
        X: Matrix,
        y: Matrix,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Matrix | None = None,
        y_val: Matrix | None = None,
        sample_weight_val: ArrayLike | None = None,
        coef_init: Sequence[ArrayLike] | None = None,
        intercept_init: Sequence[ArrayLike] | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Training data; all values must be finite.
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            For a classifier, class labels, with one column per target; or a label
            indicator matrix of 0 and 1 (multi-label), which may be sparse: predictions
            are then sparse too. For a regressor, numbers, with one column per target.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, at least 0; only their ratios matter. Rows with weight 0
            are left out.
        X_val : {array-like, sparse matrix, dataframe} of shape (n_val, n_features), \
                default=None
            Validation set, scored after each epoch. The parameters with the best
            score are kept, training stops when it no longer improves, and no rows
            of `X` are held out.
        y_val : array-like of shape (n_val,) or (n_val, n_columns), default=None
            Targets of `X_val`.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the rows of `X_val`.
        coef_init : list of array-like of shape (n_in, n_out), default=None
            Initial weights of each layer, used instead of random ones: shaped like
            `coefs_`, and on the same scale. (With `normalize_y=True`, the output of a
            regressor is on the scale of the standardised targets.) They take precedence
            over `warm_start`: training starts afresh.
        intercept_init : list of array-like of shape (n_out,), default=None
            Initial biases of each layer, shaped like `intercepts_`; otherwise as
            `coef_init`.

        Returns
        -------
        self : FFNNClassifier or FFNNRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, or if training diverges. An
            estimator that was already fitted is left unchanged.

        Warns
        -----
        ConvergenceWarning
            If training reached `max_iter` or `max_fun` before it converged. Schedules
            with a fixed horizon are meant to end at `max_iter`, and do not warn. Or if
            the loss is not below that of the best constant prediction by more than
            `tol`, after two epochs or more without dropout.
        """
        with all_or_nothing(self):
            plan = Plan.from_estimator(self, self._losses)
            plan = plan.starting_from(coef_init, intercept_init)
            checkpoint = Checkpoint.from_param(self.checkpoint)
            continues = self.warm_start and not plan.start.is_given
            start = vars(self).get("fitted_") if continues else None
            rows = self._rows(X, y, sample_weight, reset=start is None)
            targets = self._targets(plan, rows)
            if start is not None:
                targets = targets.continuing(start.targets)
            validation = self._validation(targets, X_val, y_val, sample_weight_val)
            rows = rows.with_targets(targets, validation)
            n_iter = 0
            listeners: list[Listener] = []
            if checkpoint is not None:
                model = self._as_saved()
                manager = CheckpointManager(checkpoint, model, plan, rows, start)
                start, n_iter = manager.restored() or start, manager.n_iter
                if manager.finished and start is not None:
                    self.fitted_ = start
                    return self
                listeners = [manager]
            listeners += self._listeners(plan, n_iter)
            self._train(plan, rows, start, listeners, X, y, sample_weight, n_iter)
        return self

    def _fit_part(
        self, X: Any, y: Any, sample_weight: Any, *validation: Any, **options: Any
    ) -> Self:
        """Continue training for one epoch; the options are of `_targets_of_stream`."""
        with all_or_nothing(self):
            plan = Plan.from_estimator(self, self._losses).for_partial_fit()
            Checkpoint.from_param(self.checkpoint)  # validated here too
            start = vars(self).get("fitted_")
            rows = self._rows(X, y, sample_weight, reset=start is None)
            targets = self._targets_of_stream(plan, rows, start, **options)
            rows = rows.with_targets(targets, self._validation(targets, *validation))
            self._train(plan, rows, start, self._listeners(plan), X, y, sample_weight)
        return self

    def _validation(self, targets: Any, *given: Any) -> Any:
        """Return validated rows of X_val, y_val and weights; None if none are given."""
        if not is_given(*given):
            return None
        rows = self._rows(*given, reset=False, suffix="_val")
        rows.check_known(targets, "y_val")
        return rows.with_targets(targets)

    @with_callbacks
    def _train(
        self,
        plan: Plan,
        rows: Any,
        start: Fitted | None,
        listeners: Sequence[Listener],
        X: Any,
        y: Any,
        weights: Any,
        n_iter: int = 0,
    ) -> None:
        """Train and keep the fitted network; X, y and weights are for callbacks.

        Callbacks are torn down when it returns or raises, before `all_or_nothing`
        restores the estimator and so removes their context, one of its attributes.
        """
        if not callbacks_of(self):
            self.fitted_ = train(plan, rows, start, listeners, n_iter)
            return
        metadata = None if weights is None else {"sample_weight": weights}
        given = {"estimator": self, "X": X, "y": y, "metadata": metadata}
        n_left = plan.criteria.max_iter - n_iter
        context: Any = self._init_callback_context(max_subtasks=n_left)
        context.call_on_fit_task_begin(**given)
        listeners = [*listeners, EpochTasks(context, given)]
        self.fitted_ = train(plan, rows, start, listeners, n_iter)
        context.call_on_fit_task_end(**given, reconstruction_attributes={})

    def _listeners(self, plan: Plan, n_iter: int = 0) -> list[Listener]:
        """Return the listeners of a fit; a subclass may add its own."""
        return reporters(self.verbose, plan.criteria.max_iter, n_iter)

    def _as_saved(self) -> Any:
        """Return the estimator that a checkpoint holds: this one, or a local one."""
        return self

    def _can_partial_fit(self) -> bool:
        if self.early_stopping:
            raise AttributeError(
                "partial_fit does not support early_stopping=True, because it trains "
                "for one epoch only. Set early_stopping=False, and pass a validation "
                "set, X_val and y_val."
            )
        if not supports_partial_fit(self.solver):
            incremental = [name for name in SOLVERS if supports_partial_fit(name)]
            raise AttributeError(
                f"partial_fit does not support solver={self.solver!r}, which needs all "
                f"rows at once. Use one of {incremental}."
            )
        return True

    def _rows(
        self, X: Any, y: Any, weights: Any, *, reset: bool, suffix: str = ""
    ) -> Any:
        """Validate training rows or a validation set, wherever they are."""
        return Rows.validated(self, X, y, weights, reset=reset, suffix=suffix)

    # ---------------------------------------------------------------- prediction

    def hidden_features(self, X: Matrix, layer: int = -1) -> Array:
        """Return the activations h(k) of a hidden layer: the learned features.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Input data.
        layer : int, default=-1
            Index of the hidden layer in `hidden_layer_sizes`: 0 is the first, -1 the
            last.

        Returns
        -------
        h : ndarray of shape (n_samples, hidden_layer_sizes[layer])
            Activations.

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        check_is_fitted(self)
        n_hidden = self.fitted_.n_layers - 2
        if n_hidden == 0:
            raise ValueError("hidden_features needs a hidden layer, but there is none.")
        check_number("layer", layer, -n_hidden, n_hidden - 1, integer=True)
        return self.fitted_.hidden_features(features_of(self, X), layer)


def is_given(X_val: Any, y_val: Any, sample_weight_val: Any) -> bool:
    """Return whether there is a validation set; raise if only part of it is given."""
    if X_val is None and y_val is None and sample_weight_val is None:
        return False
    if X_val is None or y_val is None:
        raise ValueError(
            "X_val and y_val must be given together: "
            f"{'X_val' if X_val is None else 'y_val'} is None."
        )
    return True
