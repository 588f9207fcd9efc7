"""AveragedClassifier: several networks, each validated on rows of its own, as one."""

from collections.abc import Callable
from numbers import Integral
from typing import Any, Self

import numpy as np
from scipy.optimize import brentq
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import has_fit_parameter, validate_data

from ..classifier import FFNNClassifier
from ..data.splitting import folds_by_content
from ..data.targets import Targets
from ..nn.arrays import Array, canonical
from ..prediction import LogitsMixin
from ..utils.checks import DTYPES, InvalidParameterError, check_number, check_weights

# The part of the labels that the temperature takes to be drawn at random. However many
# rows are right, the best β is then finite.
DOUBT = 0.001

# Bounds of β, far beyond what networks that have learnt something need.
FLATTEST, SHARPEST = 0.125, 8.0


class AveragedClassifier(MetaEstimatorMixin, LogitsMixin, BaseEstimator):
    """The average of networks that were each validated on another part of the rows.

    The rows are dealt into folds, stratified by class. Network k is trained on all
    folds but the k-th, which says which of its epochs is the best. So no row is lost
    to validation: each is trained on by all networks but one.

    The logits are averaged, and so are the mistakes that the networks do not share::

        f(x) = o(β · 1/M Σ_k a_k(x)).

    The factor β, an inverse temperature, makes up for networks that are too sure of
    themselves, or not sure enough. It is the one that gives the rows their lowest
    cross-entropy, each with the logits of the network that has not seen it, as if one
    label in a thousand were drawn at random: so no network is ever quite sure.

    Parameters
    ----------
    estimator : FFNNClassifier, default=None
        What is trained on each fold; None is `FFNNClassifier()`.
    n_networks : int, default=5
        M, the number of folds and of networks, at least 2.
    calibrate : bool, default=True
        Find β; otherwise it is 1.
    n_jobs : int, default=None
        Networks that are trained at the same time, as everywhere in scikit-learn.
    random_state : int, RandomState instance or None, default=None
        Where the folds and the seeds of the networks come from.

    Attributes
    ----------
    estimators_ : list of FFNNClassifier
        The networks.
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted; for multi-label targets the columns of y.
    inverse_temperature_ : float
        β: below 1 if the networks were too sure of themselves.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if X had names that are all strings.

    See Also
    --------
    make_tabular_classifier : Puts this after a preparation for tables.

    References
    ----------
    Lakshminarayanan, Pritzel & Blundell, *Simple and scalable predictive uncertainty
    estimation using deep ensembles*, NeurIPS 2017.

    Guo, Pleiss, Sun & Weinberger, *On calibration of modern neural networks*, ICML
    2017. The doubt is much as in Platt, *Probabilistic outputs for support vector
    machines*, 1999.

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

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_networks: int = 5,
        calibrate: bool = True,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_networks = n_networks
        self.calibrate = calibrate
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the networks.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Training rows, finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a label indicator matrix (multi-label).
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, at least 0; only their ratios matter.

        Returns
        -------
        self : AveragedClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are not as described, or if training diverges.
        """
        check_number("n_networks", self.n_networks, 2, integer=True)
        base = FFNNClassifier() if self.estimator is None else self.estimator
        if not has_fit_parameter(base, "X_val"):
            raise InvalidParameterError(
                "estimator must take rows to validate on, X_val and y_val, in fit, as "
                f"FFNNClassifier does, got {base!r}."
            )
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=DTYPES, multi_output=True
        )
        y = canonical(y)
        weights = check_weights(sample_weight, X.shape[0], "sample_weight")
        if weights is not None:
            counted = weights > 0
            X, y, weights = X[counted], y[counted], weights[counted]
        targets = Targets.from_labels(y)
        random_state = check_random_state(self.random_state)
        fold = self._folds(X, y, weights, targets, random_state)
        seeds = random_state.randint(2**31 - 1, size=self.n_networks)
        fits = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_network)(clone(base), seed, X, y, weights, fold == k)
            for k, seed in enumerate(seeds)
        )
        self.estimators_ = list(fits)
        self._set_targets(targets)
        self.inverse_temperature_ = 1.0
        if self.calibrate:
            self.inverse_temperature_ = self._calibrated(X, y, weights, targets, fold)
        return self

    def _folds(
        self, X: Any, y: Any, weights: Array | None, targets: Targets, rng: Any
    ) -> Array:
        """Return the fold of each row; -1 for the only row of its class."""
        codes = np.zeros(X.shape[0], np.intp)
        if not targets.multilabel:
            codes = targets.codes(y)
        fold = folds_by_content(X, weights, codes, self.n_networks, rng)
        for code in np.unique(codes):
            # Every network has to know every class.
            if len(np.unique(fold[codes == code])) == 1:
                fold[codes == code] = -1
        return fold

    def _calibrated(
        self, X: Any, y: Any, weights: Array | None, targets: Targets, fold: Array
    ) -> float:
        """Return the β that gives the rows that were kept back their lowest loss."""
        kept = np.flatnonzero(fold >= 0)
        if not len(kept):
            return 1.0
        a = np.empty((X.shape[0], targets.n_outputs))
        for k, network in enumerate(self.estimators_):
            rows = fold == k
            if rows.any():
                a[rows] = logits(network, X[rows])
        a, y = a[kept], targets.encode(y, np.float64, DOUBT)[kept]
        w = np.ones((len(kept), 1)) if weights is None else weights[kept, np.newaxis]

        def slope(log_beta: float) -> float:
            error = np.exp(log_beta) * a
            targets.loss.loss_and_error(error, y)  # error is now f - y
            return float((w * error * a).sum())  # ∂/∂β Σ w ℓ(β a) = Σ w (f - y)ᵀ a

        # ℓ(β a) is convex in β: its slope changes sign once, if at all.
        low, high = np.log(FLATTEST), np.log(SHARPEST)
        if slope(high) <= 0:
            return SHARPEST
        if slope(low) >= 0:
            return FLATTEST
        return float(np.exp(brentq(slope, low, high, xtol=1e-3)))

    def _forward(self, X: Any, finish: Callable[[Array], Array]) -> Array:
        """Average the logits, and multiply them by β."""
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=DTYPES)
        a = logits(self.estimators_[0], X)
        for network in self.estimators_[1:]:
            a += logits(network, X)
        a *= self.inverse_temperature_ / len(self.estimators_)
        return finish(a)


def fit_network(
    network: Any, seed: int, X: Any, y: Any, weights: Array | None, kept_back: Array
) -> Any:
    """Train a network on some of the rows, and validate it on the others.

    Parameters
    ----------
    network : FFNNClassifier
        Not yet fitted.
    seed : int
        Where all that is random comes from.
    X, y, weights : ndarray or CSR array, ndarray, ndarray or None
        All rows.
    kept_back : ndarray of bool of shape (n_samples,)
        The rows to validate on; without any, the last epoch is kept.

    Returns
    -------
    network : FFNNClassifier
        The same, fitted.
    """
    train = ~kept_back
    fit_params = {}
    if weights is not None:
        fit_params["sample_weight"] = weights[train]
    if kept_back.any():
        fit_params |= {"X_val": X[kept_back], "y_val": y[kept_back]}
        if weights is not None:
            fit_params["sample_weight_val"] = weights[kept_back]
    network.set_params(random_state=int(seed))
    # Nobody need be warned that folds of a small table are less than a batch.
    if isinstance(getattr(network, "batch_size", None), Integral):
        network.set_params(batch_size=min(network.batch_size, int(train.sum())))
    return network.fit(X[train], y[train], **fit_params)


def logits(network: Any, X: Any) -> Array:
    """Return the logits of a network, a column for each output."""
    a = network.decision_function(X)
    return a[:, np.newaxis] if a.ndim == 1 else a
