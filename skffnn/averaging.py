"""AveragedClassifier: several networks, each validated on rows of its own, as one."""

import warnings
from typing import Any, Self

import numpy as np
from scipy.optimize import brentq
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted, validate_data

from .arrays import Array, canonical
from .checks import DTYPES, check_number, check_weights
from .classifier import FFNNClassifier
from .splitting import folds_by_content
from .targets import Targets

# Bounds of 1/T: further out, all rows that were kept back are right or all are wrong.
SHARPEST, FLATTEST = 8.0, 0.125


class AveragedClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """The average of networks that were each validated on another part of the rows.

    The rows are dealt into folds, stratified by class. Network k is trained on all
    folds but the k-th, which says which of its epochs is the best. So no row is lost
    to validation: each is trained on by all networks but one.

    The logits are averaged, and so are the mistakes that the networks do not share:

        f(x) = o(β · 1/M Σ_k a_k(x)).

    The factor β, an inverse temperature, makes up for networks that are too sure of
    themselves, or not sure enough. It is the one that gives the rows their lowest
    cross-entropy, each with the logits of the network that has not seen it.

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
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had names that are all strings.

    See Also
    --------
    make_tabular_classifier : Puts this after a preparation for tables.

    References
    ----------
    Lakshminarayanan, Pritzel & Blundell, *Simple and scalable predictive uncertainty
    estimation using deep ensembles*, NeurIPS 2017.

    Guo, Pleiss, Sun & Weinberger, *On calibration of modern neural networks*, ICML
    2017.

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
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=DTYPES, multi_output=True
        )
        y = canonical(y)
        weights = check_weights(sample_weight, X.shape[0], "sample_weight")
        if weights is not None:
            counted = weights > 0
            X, y, weights = X[counted], y[counted], weights[counted]
        targets = Targets.of(y)
        random_state = check_random_state(self.random_state)
        fold = self._folds(X, y, weights, targets, random_state)
        seeds = random_state.randint(2**31 - 1, size=self.n_networks)
        base = FFNNClassifier() if self.estimator is None else self.estimator
        fits = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_network)(clone(base), seed, X, y, weights, fold == k)
            for k, seed in enumerate(seeds)
        )
        self.estimators_ = list(fits)
        self.classes_ = targets.classes
        self._multilabel, self._sparse_output = targets.multilabel, targets.sparse
        self.inverse_temperature_ = 1.0
        if self.calibrate:
            self.inverse_temperature_ = self._calibrated(X, y, weights, targets, fold)
        return self
