"""AveragedClassifier: an ensemble of networks trained as in cross-validation."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from ..classifier import FFNNClassifier
from ..data.blocks import by_blocks
from ..data.multioutput import targets_of
from ..data.targets import ClassTargets, Targets
from ..nn.arrays import Array
from ..prediction import LogitsMixin, check_finite
from ..typing import NJobs, NNetworks, Verbose
from ..utils.checks import checked_rows
from ..utils.types import BaseEstimator, Classifier, Matrix, RandomState
from .averaged import Averaged
from .blending import Blend, blend, log_odds, logits
from .folds import CrossFit
from .forest import fastest
from .trees import merged

# A model is left out of a blend unless it lowers the cross-entropy by this fraction.
LEAST_GAIN = 0.02


class AveragedClassifier(LogitsMixin, Averaged):
    """Average of networks trained on all folds but one, each validated on that fold.

    The rows are split into M folds, stratified by class. Network k is trained on all
    folds but the k-th, which is its validation set and selects its best epoch. No row
    is lost to validation: each is used to train all networks but one.

    The logits a_k of the networks are averaged and scaled::

        f(x) = o(β · 1/M Σ_k a_k(x)).

    Averaging reduces the errors that the networks do not share. The inverse temperature
    β corrects overconfident or underconfident networks: it minimises the cross-entropy
    of the out-of-fold logits, which for each row come from the network that was not
    trained on it. One label in a thousand is assumed to be random, which limits the
    confidence even if every row is classified correctly.

    Classifiers of another kind, such as boosted trees, make different errors. Those in
    `blend_with` are trained for four of the folds, and their averages are added with
    weights γ ≥ 0. These minimise the same cross-entropy, jointly with β.

    Parameters
    ----------
    estimator : FFNNClassifier, default=None
        The network to train, cloned for each fold; None means `FFNNClassifier()`.
    n_networks : int or "auto", default=5
        M, the number of networks and of folds, at least 2. More networks are usually
        more accurate, but take longer to train. "auto" is 8, and 4 for more than 10000
        rows.
    blend_with : list of classifiers, default=None
        Other classifiers with `predict_proba`. Copies of each are trained for four of
        the folds, as the networks are for all, and their log-probabilities are added to
        the logits of the networks. A classifier that lowers the out-of-fold
        cross-entropy by less than 2 % is left out. They are not used for multi-label or
        multi-output targets. With more than 50000 rows, only one copy of each is
        trained, on at most 100000 rows drawn at random.
    blend_classes : int or None, default=None
        The largest number of classes for which `blend_with` is used; None for any.
    calibrate : bool, default=True
        Whether to fit β to the out-of-fold logits. If not, β is 1, or the weights of a
        blend are normalised to sum to 1.
    planned_for : int or None, default=None
        The number of rows that `max_iter`, `batch_size` and `learning_rate_init` of the
        network are meant for. With r times as many rows, the networks are trained for
        √r times fewer epochs, in batches √r times as large, at r^(1/4) times the
        learning rate, so that the number of steps stays the same. With fewer rows, they
        are trained for more epochs, in batches of the same size. None changes nothing.
    n_jobs : int, "auto" or None, default="auto"
        Number of processes that train networks. "auto" uses all processors if training
        takes longer than starting the processes, and only one inside another parallel
        computation, such as a search with `n_jobs`. None means 1 unless in a
        `joblib.parallel_config` context; -1 means all processors.
    random_state : int, RandomState instance or None, default=None
        Determines the folds and the seeds of the networks. Pass an int for
        reproducible results.
    verbose : int, default=0
        If 1 or more, a progress bar shows how many networks are done and the time
        left. It needs the library rich.

    Attributes
    ----------
    estimators_ : list of FFNNClassifier
        The fitted networks.
    blended_ : list of list of classifiers
        The fitted copies of each classifier in `blend_with` that was not left out;
        those of `HistGradientBoostingClassifier` are merged into one, which is faster.
    blend_weights_ : ndarray of shape (n_blended,)
        Their weights γ.
    classes_ : ndarray of shape (n_classes,) or list of ndarray
        Class labels, sorted; for multi-label targets the columns of y. For several
        targets, a list with the labels of each.
    inverse_temperature_ : float
        β, below 1 if the networks were overconfident.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if all column names of X are strings.

    See Also
    --------
    make_tabular_classifier : Pipeline of preprocessing for tables and this estimator.

    References
    ----------
    Lakshminarayanan, Pritzel & Blundell, *Simple and scalable predictive uncertainty
    estimation using deep ensembles*, NeurIPS 2017.

    Breiman, *Stacked regressions*, Machine Learning 24, 1996: non-negative weights,
    fitted to out-of-fold predictions.

    Guo, Pleiss, Sun & Weinberger, *On calibration of modern neural networks*, ICML
    2017. The random labels are similar to the smoothed targets in Platt, *Probabilistic
    outputs for support vector machines*, 1999.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skffnn import AveragedClassifier, FFNNClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> network = FFNNClassifier((10,), solver="lbfgs", alpha=0.01)
    >>> model = AveragedClassifier(network, n_networks=3, random_state=0).fit(X, y)
    >>> len(model.estimators_), model.predict_proba(X).shape
    (3, (150, 3))
    """

    _network: ClassVar[type] = FFNNClassifier
    _method: ClassVar[str] = "predict_proba"

    blend_classes: int | None
    inverse_temperature_: float

    def __init__(
        self,
        estimator: BaseEstimator | None = None,
        *,
        n_networks: NNetworks = 5,
        blend_with: Sequence[Classifier] | None = None,
        blend_classes: int | None = None,
        calibrate: bool = True,
        planned_for: int | None = None,
        n_jobs: NJobs = "auto",
        random_state: RandomState = None,
        verbose: Verbose = 0,
    ) -> None:
        self.estimator = estimator
        self.n_networks = n_networks
        self.blend_with = blend_with
        self.blend_classes = blend_classes
        self.calibrate = calibrate
        self.planned_for = planned_for
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Matrix, y: Matrix, sample_weight: ArrayLike | None = None) -> Self:
        """Train the networks.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Training data, finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Class labels, one column for each of several targets, or a label indicator
            matrix (multi-label).
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, at least 0; only their ratios matter.

        Returns
        -------
        self : AveragedClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, or if training diverges.
        """
        base = self._checked_estimator()
        data = self._checked_rows(X, y, sample_weight)
        targets = targets_of(data.y)
        single = isinstance(targets, Targets) and not targets.multilabel
        n_classes, most = len(targets.classes), self.blend_classes
        blends = single and n_classes > 1 and (most is None or n_classes <= most)
        networks, others = self._train(
            base,
            data,
            targets.strata(data.y),
            logits,
            partial(log_odds, targets=targets),
            blends=blends,
        )
        others = self._worthwhile(networks, others, targets)
        self.estimators_ = networks.fitted
        self.blended_ = [merged(other.fitted) for other in others]
        self._set_targets(targets)
        beta = self._weights([networks, *others], targets)
        self.inverse_temperature_, self.blend_weights_ = float(beta[0]), beta[1:]
        return self

    def _worthwhile(
        self, networks: CrossFit, others: list[CrossFit], targets: ClassTargets
    ) -> list[CrossFit]:
        """Return the classifiers that lower the cross-entropy enough."""
        if not others:
            return []
        rows = others[0].is_known
        alone = self._blend([networks], rows, targets).loss
        # A useless weight lowers the loss on the rows that it is fitted to by 1/2n on
        # average. Akaike's criterion subtracts twice that.
        most = (1 - LEAST_GAIN) * alone - 1 / rows.sum()
        return [
            other
            for other in others
            if self._blend([networks, other], rows, targets).loss < most
        ]

    def _blend(
        self, models: Sequence[CrossFit], rows: Array, targets: ClassTargets
    ) -> Blend:
        """Return the weight of each model, fitted to its out-of-fold logits."""
        data = models[0].folds.data
        weights = None if data.weights is None else data.weights[rows]
        return blend([m.out[rows] for m in models], data.y[rows], weights, targets)

    def _weights(self, models: Sequence[CrossFit], targets: ClassTargets) -> Array:
        """Return the weight of each model in predictions."""
        rows = models[-1].is_known
        if not rows.any() or (len(models) == 1 and not self.calibrate):
            return np.ones(1)
        beta = self._blend(models, rows, targets).beta
        return beta if self.calibrate else beta / beta.sum()

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self.__dict__.setdefault("blend_classes", None)  # from an earlier version
        if hasattr(self, "estimators_") and not hasattr(self, "blended_"):
            self.blended_, self.blend_weights_ = [], np.ones(0)

    def _forward(self, X: Any, finish: Callable[[Array], Array]) -> Array:
        """Apply `finish` to the weighted sum of the averaged logits."""
        X = checked_rows(self, X, accept_sparse="csr")
        network = self._stacked(np.float64)
        if network is None:
            each = [logits(network, X) for network in self.estimators_]
            a: Any = np.sum(each, axis=0, dtype=np.float64)
        else:

            def total(x: Any) -> Array:
                return network.forward(x).sum(axis=0)

            a = check_finite(by_blocks(total, X, network))
        a *= self.inverse_temperature_ / len(self.estimators_)
        targets = self._fitted_targets()
        for models, weight in zip(self.blended_, self.blend_weights_, strict=True):
            for model in models:
                f = log_odds(fastest(model, X), X, targets)
                a += weight / len(models) * f
        return finish(a)
