"""FFNNClassifier: scikit-learn's contract around the network and its training."""

import warnings
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import replace
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from .data.batches import Batches
from .data.dataset import Data
from .data.splitting import split_by_content, split_like_mlp
from .data.targets import Targets
from .fitting.plan import Plan, activations_of
from .io.checkpoints import Checkpoint, Journal
from .io.schema import fitted_of
from .nn.arrays import Array, canonical
from .nn.network import Dropout, Network
from .nn.objective import Objective
from .nn.parameters import Parameters, initialise, rates_of
from .optim.optimizers import LBFGS, Rated
from .optim.reporting import reporter
from .optim.state import Progress
from .optim.training import Training, Validation
from .prediction import LogitsMixin
from .utils.checks import (
    DTYPES,
    all_or_nothing,
    check_number,
    check_weights,
    needs_no_check,
)
from .utils.streams import random_state_of

# Elements of the widest layer in a block of rows, where all rows pass through the
# network but need not do so at once: 1 MiB of float64, about the size of a cache.
BLOCK_ELEMENTS = 2**17

# Elements of the rows themselves, where that is less: 8 MiB of float64.
INPUT_ELEMENTS = 2**20


def weights_of_classes(
    class_weight: Any, classes: Array, codes: Array, data: Data
) -> Array:
    """Return one weight for each class; 0 for one that no row counts for."""
    if isinstance(class_weight, dict):
        return compute_class_weight(class_weight, classes=classes, y=classes)
    if class_weight != "balanced":
        raise ValueError(
            "class_weight must be a dict, 'balanced' or, for multi-label targets, a "
            f"list of dicts, got {class_weight!r}."
        )
    rows = data.counted()
    present = np.unique(codes[rows])
    weights = np.zeros(len(classes))
    weights[present] = compute_class_weight(
        class_weight,
        classes=classes[present],
        y=classes[codes[rows]],
        sample_weight=None if data.weights is None else data.weights[rows],
    )
    return weights


def rows_per_block(X: Any, sizes: Iterable[int]) -> int:
    """Return how many rows of X at a time pass through layers of these widths.

    Dense rows may have to be converted, and then take room of their own.
    """
    rows = BLOCK_ELEMENTS // max(sizes)
    if not issparse(X):
        rows = min(rows, INPUT_ELEMENTS // X.shape[1])
    return max(64, rows)


def by_blocks(function: Callable[[Any], Array], X: Any, network: Network) -> Array:
    """Apply a function to blocks of rows and join what it returns."""
    n, dtype = X.shape[0], network.W[0].dtype
    size = rows_per_block(X, (W.shape[-1] for W in network.W))
    with np.errstate(all="ignore"):
        first = function(X[:size].astype(dtype, copy=False))
        if n <= size:
            return np.ascontiguousarray(first)
        result = np.empty((n, *first.shape[1:]), first.dtype)
        result[:size] = first
        for start in range(size, n, size):
            rows = slice(start, start + size)
            result[rows] = function(X[rows].astype(dtype, copy=False))
    return result


def finite(values: Array) -> Array:
    """Return values of which no two are infinitely far apart, or raise."""
    if not np.isfinite(2 * values).all():
        raise ValueError(
            "X has numbers so large that the output of the network is not finite. "
            "Scale the features as those that it was trained on."
        )
    return values


class FFNNClassifier(LogitsMixin, BaseEstimator):
    """A feed-forward neural network classifier, trained by backpropagation.

    Minimises, over weights W(k) and biases b(k), the regularised cross-entropy ::

        J(θ) = 1/S Σ_t s_t ℓ(f(x_t | θ), y_t) + α Ω(θ),    S = Σ_t s_t,

    with sample weights s_t, the network f (`skffnn.nn.network`), the loss
    ℓ = -Σ_k y_k ln f_k for one class out of several (`skffnn.nn.losses` has the other
    cases), and the penalty Ω(θ) = ½ Σ_k ‖W(k)‖²_F (`skffnn.nn.penalties`). It is a
    drop-in replacement for `sklearn.neural_network.MLPClassifier` and takes the same
    parameters.

    Features should be on comparable scales: put a `StandardScaler` before it.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Neurons in each hidden layer. `()` is a network without any: logistic
        regression.
    activation : str, object, or sequence of them, default="relu"
        Activation function of the hidden layers, one for all or one for each:
        "identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu",
        "silu", "mish", or an object with the method `forward` of
        `skffnn.nn.activations.Activation`.
    solver : {"sgd", "adam", "adamw", "lbfgs"} or object, default="adam"
        How J(θ) is minimised: by steps over minibatches ("sgd", "adam", "adamw"), or
        over all rows at once ("lbfgs", often best on small data). Or an object, such as
        `skffnn.Adam(beta_2=0.95)`; parameters below that concern a solver are then
        not used.
    alpha : float, default=0.0001
        Strength α ≥ 0 of the penalty. It depends neither on the batch size, nor on the
        number of rows, nor on the scale of the weights, as `MLPClassifier`'s does:
        `MLPClassifier(alpha=a, batch_size=B)` minimises what
        `FFNNClassifier(alpha=a / B)` minimises, and with "lbfgs" `a / n_samples`.
        With "adamw" it is the decoupled weight decay.
    batch_size : int or "auto", default="auto"
        Rows of a minibatch; "auto" is `min(200, n_samples)`. 1 is the lecture's
        gradient descent on one example at a time, n_samples that on all of them.
        Not used by "lbfgs".
    learning_rate : str or object, default="constant"
        The learning rate η over time, for every solver but "lbfgs": "constant";
        "invscaling", η_0 / (1 + rows seen) ** power_t; "adaptive", divided by 5
        whenever training stalls; "cosine", down to 0 over `max_iter` epochs;
        "one_cycle", up and down again over `max_iter` epochs. The last two are plans:
        training goes through all of them, unless a validation score ends it. Or an
        object, such as `skffnn.Cosine(max_iter=30)`.
    learning_rate_init : float, default=0.001
        η_0 > 0.
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Most epochs, passes over the training rows; with "lbfgs", most iterations.
    shuffle : bool, default=True
        Put the rows in a new order for each epoch.
    random_state : int, RandomState instance or None, default=None
        Where initial parameters, the validation split, shuffles and dropout come from.
        An int makes `fit` reproducible. Training that goes on (`partial_fit`,
        `warm_start`) goes on with the stream and does not start it again.
    tol : float, default=1e-4
        An epoch counts as an improvement if the training loss falls, or the validation
        score rises, by at least this much. With "lbfgs", the largest entry of the
        gradient at which it has converged.
    verbose : bool or int, default=False
        1 or True prints a line for each epoch, 2 shows a progress bar if the library
        rich is installed.
    warm_start : bool, default=False
        Let `fit` go on from where the last one ended. If that one ended at `max_iter`
        or by Ctrl-C, the solver's state, the schedule, the split and patience carry on,
        so that 5 and 5 epochs are 10; if it had converged, patience starts anew.
        "lbfgs" starts from the parameters alone.
    momentum : float, default=0.9
        Momentum μ of "sgd", between 0 (plain gradient descent) and 1.
    nesterovs_momentum : bool, default=True
        Use Nesterov's form of it.
    early_stopping : bool, default=False
        Split off validation rows, stop when the score on them no longer improves, and
        keep the parameters of the best epoch. The split is stratified by class and
        heeds weights. Works with every solver; not with `partial_fit`.
    validation_fraction : float, default=0.1
        The part of the rows that is split off, between 0 and 1.
    beta_1 : float, default=0.9
        Decay of the first moment of "adam" and "adamw", in [0, 1).
    beta_2 : float, default=0.999
        Decay of the second moment of "adam" and "adamw", in [0, 1).
    epsilon : float, default=1e-8
        ε > 0 of "adam" and "adamw".
    n_iter_no_change : int or inf, default=10
        Training ends after more than this many epochs without improvement.
    max_fun : int, default=15000
        Most evaluations of J(θ) by "lbfgs".
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, multiplied into the sample weights; "balanced" gives
        each class the same sum of weights (in `partial_fit`, over the rows of a call).
        Multi-label: a list of dicts, or "balanced".
    dropout : float or sequence of float, default=0.0
        Probability of setting an activation to 0 in training, for all hidden layers or
        for each, in [0, 1). With "lbfgs" each row has one mask throughout, so that J
        is a function of θ alone.
    label_smoothing : float, default=0.0
        ε of y ← (1 - ε) y + ε / n_classes, in [0, 1); for multi-label targets each
        label counts as two classes.
    weight_init : str or object, default="glorot_uniform"
        How initial parameters are drawn: "glorot_uniform", "glorot_normal",
        "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "ntk", which also
        sets the learning rates of the layers, or an object with the method `draw` of
        `skffnn.nn.parameters.Initializer`.
    penalty : str or object, default="l2"
        Ω(θ): "l2", or an object with the methods of `skffnn.nn.penalties.Penalty`.
    scoring : str, callable or None, default=None
        The score on validation rows that early stopping watches: None is accuracy, as
        in `MLPClassifier`, or "loss" if there are class weights; "loss" is the
        cross-entropy, the lower the better; or any scorer of scikit-learn.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Training on minibatches computes in float32, whose rounding their noise dwarfs,
        unless this is "float64". A fit to all rows at once ("lbfgs", or batches that
        hold them all) computes in float64, and training that goes on keeps its type.
        Fitted parameters have this type, with "auto" that of X.
    checkpoint : str, path-like, Checkpoint or None, default=None
        A file that `fit` saves training to on its way: after each epoch, or as a
        `skffnn.Checkpoint` says. The same fit, called again after a crash, goes on from
        there to the result that it would have had ("lbfgs": to one as good). Not used
        by `partial_fit`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted; for multi-label targets the columns of y.
    coefs_ : list of ndarray of shape (n_in, n_out)
        W(1) … W(L+1).
    intercepts_ : list of ndarray of shape (n_out,)
        b(1) … b(L+1).
    n_iter_ : int
        Epochs (or iterations) of the last fit.
    t_ : int
        Rows seen in training, all epochs together.
    loss_ : float
        J in the last epoch; with "adamw" its data term alone.
    loss_curve_ : list of float
        `loss_` of each epoch, averaged over its batches while θ changed. Like the other
        curves it goes on in training that goes on, and remembers 10000 epochs.
    best_loss_ : float or None
        Lowest value of `loss_curve_`; None with validation rows.
    validation_scores_ : list of float or None
        Score on the validation rows after each epoch.
    validation_loss_curve_ : list of float or None
        Cross-entropy on the validation rows after each epoch, without penalty.
    best_validation_score_ : float or None
        The score of the parameters that were kept.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if X had names that are all strings.
    n_layers_ : int
        L + 2: input, hidden and output layers.
    n_outputs_ : int
        Neurons of the output layer: 1 for two classes, else one for each.
    out_activation_ : {"softmax", "logistic"}
        Output map o: logistic for two classes and for multi-label targets.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : The classifier that this one can replace.
    sklearn.linear_model.LogisticRegression : The same model without hidden layers.

    Notes
    -----
    Two classes have one logistic output, more have a softmax, and multi-label targets
    have one logistic output for each label. The backward pass is in
    `skffnn.nn.network.Network.backward`; the documentation derives it, in *The
    mathematics*.

    Predictions are computed in the larger of the types of X and of the parameters, and
    returned in that of X.

    References
    ----------
    Rumelhart, Hinton & Williams, *Learning representations by back-propagating
    errors*, Nature, 1986.

    Goodfellow, Bengio & Courville, *Deep Learning*, MIT Press, 2016, chapters 6 to 8.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skffnn import FFNNClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     X, y, stratify=y, random_state=0
    ... )
    >>> model = make_pipeline(
    ...     StandardScaler(), FFNNClassifier(solver="lbfgs", alpha=0.01, random_state=0)
    ... )
    >>> model.fit(X_train, y_train).score(X_test, y_test) > 0.9
    True
    >>> model.predict_proba(X_test[:2]).shape
    (2, 3)
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: Any = None,
        dropout: Any = 0.0,
        label_smoothing: float = 0.0,
        weight_init: Any = "glorot_uniform",
        penalty: Any = "l2",
        scoring: Any = None,
        dtype: str = "auto",
        checkpoint: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.class_weight = class_weight
        self.dropout = dropout
        self.label_smoothing = label_smoothing
        self.weight_init = weight_init
        self.penalty = penalty
        self.scoring = scoring
        self.dtype = dtype
        self.checkpoint = checkpoint

    # ------------------------------------------------------------------ training

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Training rows, finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a label indicator matrix (multi-label), which may be
            sparse; predictions are then sparse too.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, at least 0; only their ratios matter. A row of
            weight 0 is left out.
        X_val : {array-like, sparse matrix, dataframe} of shape (n_val, n_features), \
                default=None
            Rows to validate on after each epoch. The best parameters on them are
            kept, and training stops when they no longer improve; no rows of `X`
            are split off then.
        y_val : array-like of shape (n_val,) or (n_val, n_labels), default=None
            Labels of `X_val`.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the rows of `X_val`.

        Returns
        -------
        self : FFNNClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are not as described, or if training
            diverges. An estimator that was fitted before stays as it was.

        Warns
        -----
        ConvergenceWarning
            If training ended at a limit, `max_iter` or `max_fun`, before it had
            converged. For "cosine" and "one_cycle" `max_iter` is no limit.
        """
        with all_or_nothing(self):
            plan = Plan.of(self.get_params(deep=False))
            checkpoint = Checkpoint.of(self.checkpoint)
            resume = self.warm_start and hasattr(self, "coefs_")
            data = self._check(X, y, sample_weight, reset=not resume)
            targets = self._warm_targets(data.y) if resume else Targets.of(data.y)
            own = (X_val, y_val, sample_weight_val)
            validation = self._check_validation(*own, targets)
            journal = None
            if checkpoint is not None:
                journal = self._journal(checkpoint, data, validation, resume=resume)
                resume = journal.take_up(self) or resume
            if journal is None or not journal.finished:
                self._train(plan, targets, data, validation, journal, resume=resume)
        return self

    def _journal(
        self,
        checkpoint: Checkpoint,
        data: Data,
        validation: Data | None,
        *,
        resume: bool,
    ) -> Journal:
        """Set up the checkpoints of a fit to checked data."""
        if type(self) is not FFNNClassifier:
            raise TypeError(
                "checkpoint needs an FFNNClassifier, since a file holds no code: got "
                f"an object of its subclass {type(self).__name__}."
            )
        rows = {"X": data.X, "y": data.y, "sample_weight": data.weights}
        if validation is not None:
            rows["X_val"], rows["y_val"] = validation.X, validation.y
            rows["sample_weight_val"] = validation.weights
        rows["feature_names_in_"] = getattr(self, "feature_names_in_", None)
        if resume:
            rows["fitted state to start from"] = fitted_of(self)
        return Journal(checkpoint, self.get_params(deep=False), rows)

    def _can_partial_fit(self) -> bool:
        if self.early_stopping:
            raise AttributeError(
                "partial_fit does not support early_stopping=True, since it takes one "
                "step over rows that it sees once. Set early_stopping=False, or pass a "
                "validation set of your own to fit as X_val and y_val."
            )
        if self.solver == "lbfgs" or isinstance(self.solver, LBFGS):
            raise AttributeError(
                "partial_fit does not support solver='lbfgs', which needs all rows at "
                "once. Use 'sgd', 'adam' or 'adamw'."
            )
        return True

    @available_if(_can_partial_fit)
    def partial_fit(
        self, X: Any, y: Any, *, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Train for one epoch over the given rows, from where training stands.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Training rows, finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a label indicator matrix.
        classes : array-like of shape (n_classes,), default=None
            All class labels; needed in the first call, unless `y` is a label
            indicator matrix.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, of which only the ratios within one call matter.

        Returns
        -------
        self : FFNNClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are not as described, if `y` has labels that
            are not among the classes, or if training diverges.
        """
        with all_or_nothing(self):
            plan = Plan.of(self.get_params(deep=False))
            Checkpoint.of(self.checkpoint)  # only `fit` writes any, but wrong is wrong
            resume = hasattr(self, "coefs_")
            plan = replace(plan, rules=replace(plan.rules, max_iter=1, stops=False))
            data = self._check(X, y, sample_weight, reset=not resume)
            targets = self._partial_targets(data.y, classes)
            self._train(plan, targets, data, None, resume=resume)
        return self

    def _check(
        self, X: Any, y: Any, weights: Any, *, reset: bool, name: str = "sample_weight"
    ) -> Data:
        """Check rows to train or to validate on."""
        with np.errstate(invalid="ignore"):  # ∞ - ∞, in looking for what is not finite
            X, y = validate_data(
                self,
                X,
                y,
                reset=reset,
                accept_sparse="csr",
                dtype=DTYPES,
                order="C",
                multi_output=True,
            )
        return Data(X, canonical(y), check_weights(weights, X.shape[0], name))

    def _check_validation(
        self, X_val: Any, y_val: Any, sample_weight_val: Any, targets: Targets
    ) -> Data | None:
        """Check a validation set of the user's own."""
        if X_val is None and y_val is None and sample_weight_val is None:
            return None
        if X_val is None or y_val is None:
            raise ValueError(
                "X_val and y_val must be given together: "
                f"{'X_val' if X_val is None else 'y_val'} is None."
            )
        name = "sample_weight_val"
        data = self._check(X_val, y_val, sample_weight_val, reset=False, name=name)
        targets.check_known(data.y, "y_val")
        return data

    def _warm_targets(self, y: Any) -> Targets:
        """Return the classes of the previous fit, if y has the same."""
        targets, now = self._fitted_targets(), Targets.of(y)
        if now.multilabel == targets.multilabel and np.array_equal(
            now.classes, targets.classes
        ):
            return now
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the "
            f"previous call to fit. Previously got {targets.classes}, `y` has "
            f"{now.classes}"
        )

    def _partial_targets(self, y: Any, classes: Any) -> Targets:
        """Return the classes of the first call, if y and `classes` agree with them."""
        if not hasattr(self, "classes_"):
            targets = Targets.of(y, classes)
            if classes is None and not targets.multilabel:
                raise ValueError(
                    "classes must be passed on the first call to partial_fit: the rows "
                    "of one call need not hold every class."
                )
            return targets
        targets = self._fitted_targets()
        if classes is not None and not np.array_equal(
            np.unique(classes), targets.classes
        ):
            raise ValueError(
                f"classes must be the same in each call to partial_fit: got {classes}, "
                f"earlier {targets.classes}."
            )
        targets.check_known(y, "y")
        return targets

    def _weigh(self, data: Data, targets: Targets) -> Data:
        """Multiply the weights of the classes into those of the rows."""
        if self.class_weight is not None:
            columns = targets.label_columns(data.y)
            each = self.class_weight if targets.multilabel else [self.class_weight]
            if isinstance(each, str):
                each = [each] * len(columns)
            if not isinstance(each, list) or len(each) != len(columns):
                raise ValueError(
                    f"class_weight must be 'balanced' or a list of {len(columns)} "
                    f"dicts, one for each label, got {self.class_weight!r}."
                )
            weights = np.ones(data.n_rows) if data.weights is None else data.weights
            for class_weight, (classes, codes) in zip(each, columns, strict=True):
                by_class = weights_of_classes(class_weight, classes, codes, data)
                weights = weights * by_class[codes]
            name = "sample_weight times class_weight"
            data = replace(data, weights=check_weights(weights, data.n_rows, name))
        data = data.take(data.counted())
        equal = data.weights is None or np.ptp(data.weights[data.rows()]) == 0
        return replace(data, weights=None) if equal else data

    # ------------------------------------------------------------------ training

    def _train(
        self,
        plan: Plan,
        targets: Targets,
        data: Data,
        own: Data | None,
        journal: Journal | None = None,
        *,
        resume: bool,
    ) -> None:
        """Train on checked data and set the fitted attributes."""
        model_dtype = data.X.dtype if self.dtype == "auto" else self.dtype
        data = self._weigh(data, targets)
        own = own and self._weigh(own, targets)
        sizes = (data.X.shape[1], *plan.hidden_sizes, targets.n_outputs)
        validated = self.early_stopping or own is not None
        if resume:
            progress = self._resume(sizes, validated)
        else:
            progress = self._start(plan, sizes)
        rows, rows_val = data.rows(), None
        if self.early_stopping and own is None:
            rows, rows_val = self._split(data, targets, progress)
        size = self._batch_size(plan, len(rows))
        progress.cast(self._compute_dtype(plan, progress, size == len(rows)))
        data = data.downcast(progress.dtype, plan.rules.max_iter)
        own = own and own.downcast(progress.dtype, plan.rules.max_iter)
        train = data.take(rows)
        held_back = own if rows_val is None else data.take(rows_val)
        objective = self._objective(plan, targets, progress)

        def write_when_due(training: Training) -> None:
            if journal is not None and journal.due(training.n_iter):
                so_far = copy(self)
                so_far._keep(training, targets, model_dtype)
                journal.write(so_far, finished=False)

        done = 0 if journal is None else journal.epoch
        with reporter(self.verbose, plan.rules.max_iter, done) as report:
            training = Training(
                objective,
                self._batches(plan, train, targets, progress, size),
                progress,
                plan.rules,
                self._validation(objective, held_back, targets),
                write_when_due,
                report.epoch,
            )
            training.n_iter = done
            if resume:
                training.resume()
            if isinstance(plan.solver, LBFGS):
                training.by_lbfgs(plan.solver)
            else:
                rates = rates_of(progress.theta, plan.initializer)
                optimizer = plan.solver if rates is None else Rated(plan.solver, rates)
                training.by_steps(optimizer, plan.schedule, plan.learning_rate_init)
        self._keep(training, targets, model_dtype)
        if journal is not None and not training.interrupted:
            journal.write(self, finished=True)

    def _start(self, plan: Plan, sizes: tuple[int, ...]) -> Progress:
        """Draw initial parameters."""
        random_state = check_random_state(self.random_state)
        theta = initialise(sizes, plan.initializer, plan.gains, random_state)
        return Progress(theta, random_state)

    def _resume(self, sizes: tuple[int, ...], validated: bool) -> Progress:
        """Go on from the parameters and the state of the last fit."""
        theta = Parameters.from_arrays(self.coefs_, self.intercepts_)
        if theta.sizes != sizes:
            raise ValueError(
                f"A network with layers of {theta.sizes} neurons cannot go on as one "
                f"of {sizes}. Set hidden_layer_sizes={theta.sizes[1:-1]}, or fit anew "
                "with warm_start=False."
            )
        if not hasattr(self, "_state"):
            return Progress(theta, check_random_state(self.random_state))
        return Progress.unpack(theta, self._state, validated)

    def _split(
        self, data: Data, targets: Targets, progress: Progress
    ) -> tuple[Array, Array]:
        """Split off validation rows; the same ones again if training goes on."""
        random_state = progress.random_state
        if progress.split_state is None:
            progress.split_state = random_state.get_state(legacy=False)
        else:
            random_state = random_state_of(progress.split_state)
        rows, fraction = data.rows(), self.validation_fraction
        strata = np.zeros(len(rows), int)
        if not targets.multilabel:
            strata = targets.codes(data.y)[rows]
        # MLPClassifier does not stratify more than two classes, nor heed weights.
        if data.weights is None and (targets.binary or targets.multilabel):
            return split_like_mlp(rows, strata, fraction, random_state)
        return split_by_content(
            data.X, rows, data.weights, strata, fraction, random_state
        )

    def _batch_size(self, plan: Plan, n_rows: int) -> int:
        """Return the rows of a batch; L-BFGS takes all, in blocks."""
        if isinstance(plan.solver, LBFGS):
            return n_rows
        if self.batch_size == "auto":
            return min(200, n_rows)
        if self.batch_size > n_rows and plan.rules.stops:
            warnings.warn(
                f"batch_size={self.batch_size} is more than the {n_rows} training "
                "rows: each step uses all of them.",
                stacklevel=4,
            )
        return min(self.batch_size, n_rows)

    def _compute_dtype(self, plan: Plan, progress: Progress, full_batch: bool) -> Any:
        """Return the type to train in; steps that go on keep their own."""
        if self.dtype == "float64" or isinstance(plan.solver, LBFGS):
            return np.float64
        if progress.dtype is not None:
            return progress.dtype
        # The first rows of a stream are not all, however few they are.
        return np.float64 if full_batch and plan.rules.stops else np.float32

    def _objective(self, plan: Plan, targets: Targets, progress: Progress) -> Objective:
        """Put together J(θ)."""
        theta = progress.theta
        dropout = None
        if any(plan.dropout):
            if progress.dropout_rng is None:
                seed = progress.random_state.randint(2**31 - 1)
                progress.dropout_rng = np.random.default_rng(seed)
            dropout = Dropout(plan.dropout, progress.dropout_rng)
        network = Network(theta.W, theta.b, plan.activations)
        return Objective(
            theta, network, targets.loss, plan.penalty, plan.alpha, dropout
        )

    def _batches(
        self, plan: Plan, train: Data, targets: Targets, progress: Progress, size: int
    ) -> Batches:
        """Cut the training rows into batches, or for L-BFGS into blocks."""
        options: dict[str, Any] = {"batch_size": size}
        if isinstance(plan.solver, LBFGS):
            # Each block costs a pass over the parameters too, to add its gradient.
            block = max(1024, rows_per_block(train.X, progress.theta.sizes[1:]))
            options = {"batch_size": block, "share_of_all": True}
        elif self.shuffle and size < train.n_rows:
            options["order"] = progress.ordered(train.rows())
        dtype = progress.theta.vector.dtype
        return train.batches(targets, dtype, plan.label_smoothing, **options)

    def _validation(
        self, objective: Objective, held_back: Data | None, targets: Targets
    ) -> Validation | None:
        """Set up what is measured after each epoch."""
        if held_back is None:
            return None
        theta = objective.theta
        batches = held_back.batches(
            targets,
            theta.vector.dtype,
            batch_size=rows_per_block(held_back.X, theta.sizes[1:]),
            share_of_all=True,
        )
        weights = held_back.weights
        if weights is not None:
            weights = weights[held_back.rows()]

        def watch(score: Callable[[float, float], float]) -> Validation:
            return Validation(objective, batches, weights, score)

        # Who weighs classes does not ask for accuracy, which may not tell models apart.
        if self.scoring is None and self.class_weight is None:
            return watch(lambda loss, accuracy: accuracy)
        if self.scoring is None or self.scoring == "loss":
            return watch(lambda loss, accuracy: -loss)
        probe = copy(self)  # a fitted estimator whose parameters are θ as it changes
        probe._set_model(theta, targets)
        probe.__dict__.pop("feature_names_in_", None)
        X, y = held_back.select()
        kwargs = {} if weights is None else {"sample_weight": weights}
        scorer = get_scorer(self.scoring)

        def scored(*_: float) -> float:
            try:
                return float(scorer(probe, X, y, **kwargs))
            except TypeError as error:
                if "sample_weight" not in str(error):
                    raise
                raise ValueError(
                    f"scoring={self.scoring!r} does not take sample_weight, and the "
                    "validation rows have weights."
                ) from error

        return watch(scored)

    def _set_model(self, theta: Parameters, targets: Targets) -> None:
        """Set what prediction needs."""
        self.coefs_ = theta.W
        self.intercepts_ = [b[0] for b in theta.b]
        self._set_targets(targets)
        self.n_layers_ = len(theta.sizes)
        self.n_outputs_ = targets.n_outputs
        self.out_activation_ = targets.loss.name

    def _keep(self, training: Training, targets: Targets, dtype: Any) -> None:
        """Set the fitted attributes."""
        progress = training.progress
        with np.errstate(over="ignore"):  # the check that follows says what it means
            kept = Parameters(progress.theta.sizes, progress.chosen().astype(dtype))
        training.check(kept)
        self._set_model(kept, targets)
        self._state = progress.pack(kept.vector)
        curve, validated = progress.loss_curve, training.validation is not None
        self.n_iter_ = training.n_iter
        self.t_ = progress.clock.samples
        self.loss_ = curve[-1] if curve else np.nan
        self.loss_curve_ = list(curve)
        self.best_loss_ = None if validated else min(curve, default=np.inf)
        self.validation_scores_ = progress.validation_scores if validated else None
        self.validation_loss_curve_ = (
            progress.validation_loss_curve if validated else None
        )
        self.best_validation_score_ = progress.best_score if validated else None

    # ---------------------------------------------------------------- prediction

    def _forward(self, X: Any, finish: Callable[[Array], Array]) -> Array:
        """Pass rows through the network, a block at a time.

        `finish` turns a block of logits, of the type of X, into rows of the result.
        """
        X, network = self._prepare(X)

        def result(x: Any) -> Array:
            return finish(finite(network.forward(x).astype(X.dtype, copy=False)))

        return by_blocks(result, X, network)

    def _prepare(self, X: Any) -> tuple[Any, Network]:
        """Check X; return it and the fitted network, with work space of its own.

        The network computes in the larger of the types of X and of the parameters.
        """
        named = hasattr(self, "feature_names_in_")
        if named or not needs_no_check(X, self.n_features_in_):
            with np.errstate(invalid="ignore"):
                X = validate_data(
                    self, X, reset=False, accept_sparse="csr", dtype=DTYPES
                )
        activations = activations_of(self.activation, len(self.coefs_) - 1)
        dtype = np.result_type(X.dtype, self.coefs_[0].dtype)
        W = [coef.astype(dtype, copy=False) for coef in self.coefs_]
        b = [intercept.astype(dtype, copy=False) for intercept in self.intercepts_]
        return X, Network(W, b, activations)

    def hidden_features(self, X: Any, layer: int = -1) -> Array:
        """Return the activations h(k) of a hidden layer, the lecture's feature space.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.
        layer : int, default=-1
            Which hidden layer, as a position in `hidden_layer_sizes`: 0 is the first,
            -1 the last.

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
        n_hidden = len(self.coefs_) - 1
        if n_hidden == 0:
            raise ValueError("hidden_features needs a hidden layer, and there is none.")
        check_number("layer", layer, -n_hidden, n_hidden - 1, integer=True)
        X, network = self._prepare(X)

        def features(x: Any) -> Array:
            network.forward(x)
            h = network.buffers(x.shape[0]).h[layer]
            return finite(h.astype(X.dtype, copy=False))

        return by_blocks(features, X, network)
