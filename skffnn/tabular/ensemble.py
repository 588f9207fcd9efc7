"""AveragedClassifier: an ensemble of networks trained as in cross-validation."""

from collections.abc import Callable
from numbers import Integral
from typing import Any, Self

import numpy as np
from scipy.optimize import brentq
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import has_fit_parameter, validate_data

from ..classifier import FFNNClassifier
from ..data.blocks import by_blocks
from ..data.dataset import Dataset
from ..data.splitting import folds_by_content
from ..data.targets import Targets
from ..fitting.plan import activations_of
from ..many import Job, fit_many
from ..nn.activations import ACTIVATIONS
from ..nn.arrays import Array, canonical
from ..nn.network import Network
from ..prediction import LogitsMixin, check_finite
from ..utils.checks import (
    DTYPES,
    InvalidParameterError,
    check_choice,
    check_number,
    check_weights,
)

# The fraction of labels assumed to be random when β is fitted. It keeps β finite even
# if all held-out rows are classified correctly.
DOUBT = 0.001

# Bounds of β, far beyond the values that useful networks need.
FLATTEST, SHARPEST = 0.125, 8.0


class AveragedClassifier(MetaEstimatorMixin, LogitsMixin, BaseEstimator):
    """Average of networks trained on all folds but one, each validated on that fold.

    The rows are split into M folds, stratified by class. Network k is trained on all
    folds but the k-th, which is its validation set and selects its best epoch. No row
    is lost to validation: all networks but one are trained on it.

    The logits a_k of the networks are averaged and scaled::

        f(x) = o(β · 1/M Σ_k a_k(x)).

    Averaging reduces the errors that the networks do not share. The inverse temperature
    β corrects overconfident or underconfident networks: it minimises the cross-entropy
    of the out-of-fold logits, which for each row come from the network that was not
    trained on it. One label in a thousand is assumed to be random, which limits the
    confidence even if every row is classified correctly.

    Parameters
    ----------
    estimator : FFNNClassifier, default=None
        The network to train, cloned for each fold; None means `FFNNClassifier()`.
    n_networks : int, default=5
        M, the number of networks and of folds, at least 2. More networks are usually
        more accurate, but take longer to train.
    calibrate : bool, default=True
        Whether to fit β to the out-of-fold logits; otherwise it is 1.
    n_jobs : int, "auto" or None, default="auto"
        Number of processes that train networks. "auto" uses all processors if training
        takes longer than starting the processes, and one inside another parallel
        computation, such as a search with `n_jobs`. None means 1 unless in a
        `joblib.parallel_config` context; -1 means all processors.
    random_state : int, RandomState instance or None, default=None
        Determines the folds and the seeds of the networks. Pass an int for
        reproducible results.

    Attributes
    ----------
    estimators_ : list of FFNNClassifier
        The fitted networks.
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted; for multi-label targets the columns of y.
    inverse_temperature_ : float
        β, below 1 if the networks were overconfident.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if all column names of X are strings.

    See Also
    --------
    make_tabular_classifier : This estimator with preprocessing for tables.

    References
    ----------
    Lakshminarayanan, Pritzel & Blundell, *Simple and scalable predictive uncertainty
    estimation using deep ensembles*, NeurIPS 2017.

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

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_networks: int = 5,
        calibrate: bool = True,
        n_jobs: int | str | None = "auto",
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
            Training data, finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a label indicator matrix (multi-label).
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
        check_number("n_networks", self.n_networks, 2, integer=True)
        if isinstance(self.n_jobs, str):
            check_choice("n_jobs", self.n_jobs, ["auto"], " or an integer")
        base = FFNNClassifier() if self.estimator is None else self.estimator
        if not has_fit_parameter(base, "X_val"):
            raise InvalidParameterError(
                "estimator must accept validation data, X_val and y_val, in fit, as "
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
        data = Dataset(X, y, weights)
        jobs = [
            network_job(clone(base), seed, data, fold == k)
            for k, seed in enumerate(seeds)
        ]
        results = dict(fit_many(jobs, self.n_jobs))
        self.estimators_ = [results[k].fitted() for k in range(self.n_networks)]
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
            # Every network must be trained on every class.
            if len(np.unique(fold[codes == code])) == 1:
                fold[codes == code] = -1
        return fold

    def _calibrated(
        self, X: Any, y: Any, weights: Array | None, targets: Targets, fold: Array
    ) -> float:
        """Return the β that minimises the loss of the out-of-fold logits."""
        held_out = np.flatnonzero(fold >= 0)
        if not len(held_out):
            return 1.0
        a = np.empty((X.shape[0], targets.n_outputs))
        for k, network in enumerate(self.estimators_):
            rows = fold == k
            if rows.any():
                a[rows] = logits(network, X[rows])
        a, y = a[held_out], targets.encode(y, np.float64, DOUBT)[held_out]
        w = np.ones(len(y)) if weights is None else weights[held_out]
        w = w[:, np.newaxis]

        def slope(log_beta: float) -> float:
            error = np.exp(log_beta) * a
            targets.loss.loss_and_error(error, y)  # error is now f - y
            return float((w * error * a).sum())  # ∂/∂β Σ w ℓ(β a) = Σ w (f - y)ᵀ a

        # ℓ(β a) is convex in β, so its slope changes sign at most once.
        low, high = np.log(FLATTEST), np.log(SHARPEST)
        if slope(high) <= 0:
            return SHARPEST
        if slope(low) >= 0:
            return FLATTEST
        return float(np.exp(brentq(slope, low, high, xtol=1e-3)))

    def _forward(self, X: Any, finish: Callable[[Array], Array]) -> Array:
        """Return `finish` of the averaged logits, multiplied by β."""
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=DTYPES)
        network = self._stacked(X.dtype)
        if network is None:
            a = np.sum([logits(network, X) for network in self.estimators_], axis=0)
        else:

            def total(x: Any) -> Array:
                return network.forward(x).astype(X.dtype, copy=False).sum(axis=0)

            a = check_finite(by_blocks(total, X, network))
        a *= self.inverse_temperature_ / len(self.estimators_)
        return finish(a)

    def _stacked(self, dtype: Any) -> Network | None:
        """Return the networks as one stack; None if they differ, or are not ours.

        It computes in the wider of the types of X and of the parameters.
        """
        first = self.estimators_[0]
        if not all(type(network) is FFNNClassifier for network in self.estimators_):
            return None
        shapes = [[W.shape for W in network.coefs_] for network in self.estimators_]
        names = [str(network.activation) for network in self.estimators_]
        if any(shapes[0] != s for s in shapes) or len(set(names)) > 1:
            return None
        activations = activations_of(first.activation, len(first.coefs_) - 1)
        if not all(type(g) in ACTIVATIONS.values() for g in activations):
            return None
        layers = [(n.coefs_, n.intercepts_) for n in self.estimators_]
        dtype = np.result_type(dtype, first.coefs_[0])
        W, b = (
            [np.stack(of_layer, dtype=dtype) for of_layer in zip(*parts, strict=True)]
            for parts in zip(*layers, strict=True)
        )
        b = [of_layer[:, np.newaxis] for of_layer in b]
        return Network(W, b, activations)


def network_job(network: Any, seed: int, data: Dataset, held_out: Array) -> Job:
    """Say what a network is trained on: the held-out rows are its validation set.

    Parameters
    ----------
    network : FFNNClassifier
        The network, not yet fitted.
    seed : int
        Its `random_state`.
    data : Dataset
        All rows.
    held_out : ndarray of bool of shape (n_samples,)
        The rows of the validation set. If there are none, the network keeps the
        parameters of its last epoch.

    Returns
    -------
    job : Job
        For `fit_many`.
    """
    train, validation = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    network.set_params(random_state=int(seed))
    # A batch larger than the folds of a small table is not worth a warning.
    if isinstance(getattr(network, "batch_size", None), Integral):
        network.set_params(batch_size=min(network.batch_size, len(train)))
    network.n_features_in_ = data.X.shape[1]
    return Job(
        network, data.take(train), data.take(validation) if len(validation) else None
    )


def logits(network: Any, X: Any) -> Array:
    """Return the logits of a network, with one column per output."""
    a = network.decision_function(X)
    return a[:, np.newaxis] if a.ndim == 1 else a
