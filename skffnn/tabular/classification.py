"""AveragedClassifier: an ensemble of networks trained as in cross-validation."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.optimize import minimize
from sklearn.utils.validation import check_is_fitted

from ..classifier import FFNNClassifier, LogitsMixin
from ..data.labels import Labels
from ..nn.arrays import Array
from ..typing import NNetworks, Verbose
from ..utils.checks import check_number
from ..utils.types import BaseEstimator, Classifier, RandomState
from .average import Average, OutOfFold

# A model is left out of a blend unless it lowers the cross-entropy by this fraction.
LEAST_GAIN = 0.02

# The fraction of labels assumed to be random when weights are fitted. It keeps them
# finite even if all held-out rows are classified correctly.
DOUBT = 0.001

# Bounds of the inverse temperature, and of what the logits of a model are multiplied
# by, far beyond the values that useful networks need.
FLATTEST, SHARPEST = 0.125, 8.0

# The probabilities of other models are clipped here, so that the logarithm is finite.
LEAST = 1e-7


class AveragedClassifier(LogitsMixin, Average):
    """Average of networks trained on all folds but one, each validated on that fold.

    The rows are split into M folds, stratified by class. Network k is trained on all
    folds but the k-th, which is its validation set and selects its best epoch. No row
    is lost to validation: each is used to train all networks but one.

    The logits a_k of the networks are averaged and scaled::

        a(x) = 1/M Σ_k a_k(x),    f(x) = o(β a(x)).

    Averaging reduces the errors that the networks do not share. The inverse temperature
    β corrects overconfident or underconfident networks: it minimises the cross-entropy
    of the out-of-fold logits, which for each row come from the network that was not
    trained on it. One label in a thousand is assumed to be random, which limits the
    confidence even if every row is classified correctly.

    Classifiers of another kind, such as boosted trees, make different errors. Those in
    `blend_with` are trained for four of the folds, and a is the weighted mean of the
    logits of the networks and of the other classifiers. The weights w ≥ 0 minimise the
    same cross-entropy, jointly with β.

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
        Whether to fit β to the out-of-fold logits. If not, β is 1.
    planned_for : int or None, default=None
        The number of rows that `max_iter`, `batch_size` and `learning_rate_init` of the
        network are meant for. With r times as many rows, the networks are trained for
        √r times fewer epochs, in batches √r times as large, at r^(1/4) times the
        learning rate, so that the number of steps stays the same. With fewer rows, they
        are trained for more epochs, in batches of the same size. None changes nothing.
    n_jobs : int or None, default=None
        Number of folds to train in parallel. None means 1 unless in a
        `joblib.parallel_config` context; -1 means all processors.
    random_state : int, RandomState instance or None, default=None
        Determines the folds and the seeds of the networks. Pass an int for
        reproducible results.
    verbose : int, default=0
        How much progress joblib prints: 0 is nothing, 1 a few lines with the time
        elapsed and left, and 10 or more a line for each fold.

    Attributes
    ----------
    estimators_ : list of FFNNClassifier
        The fitted networks.
    blended_ : list of list of classifiers
        The fitted copies of each classifier in `blend_with` that was not left out.
    blend_weights_ : ndarray of shape (1 + n_blended,)
        w: the weight of the networks, followed by that of each classifier in
        `blended_`. They are at least 0 and add up to 1; without a blend, the weight
        is 1.
    classes_ : ndarray of shape (n_classes,) or list of ndarray
        Class labels, sorted; for multi-label targets the columns of y. For several
        targets, a list with the labels of each.
    inverse_temperature_ : float
        β, below 1 if the average was overconfident.
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
    _network_method: ClassVar[str] = "decision_function"
    _method: ClassVar[str] = "predict_proba"

    blend_classes: int | None
    labels_: Labels
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
        n_jobs: int | None = None,
        random_state: RandomState = None,
        verbose: Verbose = 0,
    ) -> None:
        self._store(locals())

    def _checked_network(self) -> Any:
        if self.blend_classes is not None:
            check_number("blend_classes", self.blend_classes, 1, integer=True)
        return super()._checked_network()

    def _prepare(self, network: Any, y: Any) -> tuple[Array, bool]:
        labels = self.labels_ = Labels.from_labels(y)
        n_classes, most = len(labels.classes), self.blend_classes
        is_single = not (labels.multilabel or labels.several)
        blends = is_single and n_classes > 1 and (most is None or n_classes <= most)
        return labels.strata(y), blends

    def _from_networks(self, out: Any) -> Array:
        """Return logits with one column per output; several targets are a list."""
        return np.column_stack(out if isinstance(out, list) else [out])

    def _from_others(self, out: Any) -> Array:
        """Return log-probabilities; for two classes the log-odds ln(f_1 / f_0)."""
        a = np.log(np.maximum(np.asarray(out, dtype=np.float64), LEAST))
        return a[..., 1:] - a[..., :1] if len(self.classes_) == 2 else a

    def _combine(self, networks: OutOfFold, others: list[OutOfFold]) -> None:
        def blend_of(models: list[OutOfFold], rows: OutOfFold) -> Blend:
            a = [model.out[: len(rows.out)] for model in models]
            return blend(a, rows.y, rows.weights, self.labels_)

        if others:
            # Akaike's criterion: a useless weight lowers the loss on the rows that it
            # is fitted to by 1/2n on average, so twice that is asked for.
            alone = blend_of([networks], others[0]).loss
            most = (1 - LEAST_GAIN) * alone - 1 / len(others[0].out)
            others = [o for o in others if blend_of([networks, o], o).loss < most]
        self.blended_ = [other.copies for other in others]
        self.inverse_temperature_, self.blend_weights_ = 1.0, np.ones(1)
        models = [networks, *others]
        if len(networks.out) and (others or self.calibrate):
            beta, self.blend_weights_, _ = blend_of(models, models[-1])
            self.inverse_temperature_ = beta if self.calibrate else 1.0

    @property
    def classes_(self) -> Any:
        """Class labels, sorted; a list for several targets."""
        return self._labels().classes

    def _labels(self) -> Labels:
        check_is_fitted(self)
        return self.labels_

    def _logits(self, X: Any, finish: Callable[[Array], Array]) -> Array:
        """Apply `finish` to the scaled logits of the average."""
        return finish(self.inverse_temperature_ * self._weighted_mean(X))


class Blend(NamedTuple):
    """A sum of logits β Σ_m w_m a_m, with w_m ≥ 0 and Σ_m w_m = 1."""

    beta: float
    weights: Array  # shape (n_models,)
    loss: float  # the cross-entropy


def blend(a: Sequence[Array], y: Any, weights: Array | None, labels: Labels) -> Blend:
    """Return β and the weights w that minimise the cross-entropy of β Σ_m w_m a_m.

    It is convex in the products β w_m, so the minimum is global. The logits a_m of each
    model, of shape (n_samples, n_outputs), are for rows that it was not trained on,
    with labels y and sample weights.
    """
    y = labels.encode(y, np.float64, DOUBT)[:]
    s = np.ones(len(y)) if weights is None else weights
    s = (s / s.sum())[:, np.newaxis]
    logits = np.stack(a)

    def objective(products: Array) -> tuple[float, Array]:
        error = np.tensordot(products, logits, axes=1)
        ell = labels.loss.loss_and_error(error, y)  # error is now f - y
        # ∂J/∂(β w_m) = Σ s (f - y)ᵀ a_m
        return float((s * ell).sum()), np.tensordot(logits, s * error, axes=2)

    result: Any = minimize(
        objective,
        np.full(len(a), 1 / len(a)),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, SHARPEST)] * len(a),
        options={"ftol": 1e-12, "gtol": 1e-8},
    )
    total = result.x.sum()
    weights = result.x / total if total else np.eye(len(a))[0]
    return Blend(float(max(total, FLATTEST)), weights, float(result.fun))
