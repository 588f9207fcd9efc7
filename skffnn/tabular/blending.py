"""Weighted sums of the logits of several models."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from ..data.targets import ClassTargets
from ..nn.arrays import Array

# The fraction of labels assumed to be random when weights are fitted. It keeps them
# finite even if all held-out rows are classified correctly.
DOUBT = 0.001

# Bounds of the weight of a single model, far beyond the values that useful networks
# need.
FLATTEST, SHARPEST = 0.125, 8.0

# The probabilities of other models are clipped here, so that the logarithm is finite.
LEAST = 1e-7


def logits(network: Any, X: Any) -> Array:
    """Return the logits of a network, with one column per output.

    Parameters
    ----------
    network : FFNNClassifier
        A fitted network.
    X : {ndarray, CSR array} of shape (n_samples, n_features)
        Rows.

    Returns
    -------
    a : ndarray of shape (n_samples, n_outputs)
        Logits.
    """
    a = network.decision_function(X)
    return np.column_stack(a if isinstance(a, list) else [a])


def log_odds(model: Any, X: Any, targets: ClassTargets) -> Array:
    """Return the log-probabilities of a model other than a network, as its logits.

    Parameters
    ----------
    model : classifier
        A fitted classifier with `predict_proba`.
    X : {ndarray, CSR array} of shape (n_samples, n_features)
        Rows.
    targets : ClassTargets
        The classes, not multi-label. The classifier was fitted to all of them.

    Returns
    -------
    a : ndarray of shape (n_samples, n_outputs)
        Log-probabilities; for two classes the log-odds ln(f_1 / f_0).
    """
    f = np.asarray(model.predict_proba(X), dtype=np.float64)
    a = np.log(np.maximum(f, LEAST))
    return a[:, 1:] - a[:, :1] if targets.binary else a


class Blend(NamedTuple):
    """A weighted sum of logits.

    Attributes
    ----------
    beta : ndarray of shape (n_models,)
        The weights.
    loss : float
        The cross-entropy of the blend.
    """

    beta: Array
    loss: float


def blend(
    a: Sequence[Array], y: Any, weights: Array | None, targets: ClassTargets
) -> Blend:
    """Return the weights β that minimise the cross-entropy of Σ_m β_m a_m.

    It is convex in β, so the minimum is global.

    Parameters
    ----------
    a : sequence of ndarray of shape (n_samples, n_outputs)
        Logits of each model for rows that it was not trained on.
    y : ndarray or sparse array of shape (n_samples,) or (n_samples, n_labels)
        Labels.
    weights : ndarray of shape (n_samples,) or None
        Sample weights.
    targets : ClassTargets
        The classes.

    Returns
    -------
    blend : Blend
        The weights are between 0 and `SHARPEST`; that of a single model is at least
        `FLATTEST`.
    """
    encoded = targets.encode(y, np.float64, DOUBT)[:]
    w = np.ones(len(encoded)) if weights is None else weights
    w = (w / w.sum())[:, np.newaxis]
    stacked = np.stack([np.asarray(a_m, dtype=np.float64) for a_m in a])

    def objective(beta: Array) -> tuple[float, Array]:
        error = np.tensordot(beta, stacked, axes=1)
        ell = targets.loss.loss_and_error(error, encoded)  # error is now f - y
        # ∂J/∂β_m = Σ w (f - y)ᵀ a_m
        return float((w * ell).sum()), np.tensordot(stacked, w * error, axes=2)

    low = FLATTEST if len(a) == 1 else 0.0
    result: Any = minimize(
        objective,
        np.full(len(a), 1 / len(a)),
        jac=True,
        method="L-BFGS-B",
        bounds=[(low, SHARPEST)] * len(a),
        options={"ftol": 1e-12, "gtol": 1e-8},
    )
    return Blend(result.x, float(result.fun))
