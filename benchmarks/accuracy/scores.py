"""Scores of predicted probabilities."""

from typing import Any

import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

Array = np.ndarray[Any, Any]

BINS = 15


def scores(y: Array, f: Array) -> dict[str, float]:
    """Score predicted probabilities.

    Parameters
    ----------
    y : ndarray of int of shape (n_samples,)
        Classes 0 … K-1.
    f : ndarray of shape (n_samples, K)
        Probabilities.

    Returns
    -------
    scores : dict
        "error", the fraction of misclassified rows; "log_loss", with natural
        logarithms; "auc", for more than two classes the mean of one-vs-rest areas;
        "calibration", the result of `calibration_error`.
    """
    n_classes = f.shape[1]
    binary = n_classes == 2
    return {
        "error": float((f.argmax(axis=1) != y).mean()),
        "log_loss": float(log_loss(y, f, labels=np.arange(n_classes))),
        "auc": float(
            roc_auc_score(y, f[:, 1])
            if binary
            else roc_auc_score(y, f, multi_class="ovr", labels=np.arange(n_classes))
        ),
        "calibration": calibration_error(y, f),
    }


def calibration_error(y: Array, f: Array, bins: int = BINS) -> float:
    """Return the expected calibration error of the most probable class.

    Rows are put into bins of equal width by the probability of that class. In each bin,
    the mean probability is compared with the fraction of rows that belong to the class.
    The error is the mean difference, weighted by the number of rows in each bin.

    Parameters
    ----------
    y : ndarray of int of shape (n_samples,)
        Classes 0 … K-1.
    f : ndarray of shape (n_samples, K)
        Probabilities.
    bins : int, default=15
        Number of bins.

    Returns
    -------
    error : float
        Between 0 and 1.
    """
    confidence, right = f.max(axis=1), f.argmax(axis=1) == y
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(bin_of, right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(y))
