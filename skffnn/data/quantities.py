"""Regression targets: checked, scaled for training, and scaled back for prediction."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import column_or_1d

from ..nn.arrays import Array
from ..nn.losses import RegressionLoss
from .base_targets import BaseTargets

# Relative differences up to this size are rounding errors.
CONSTANT = 10 * np.finfo(np.float64).eps

# Scaling need not be exact. The mean is rounded to this fraction of the standard
# deviation, so that it does not depend on the order of summation: weighted rows give
# the same scaling as repeated rows.
PRECISION = 2.0**-20


class Quantities(BaseTargets):
    """Regression targets and their scaling.

    Training uses (y - m) / s, with the mean m and the standard deviation s of each
    column. A loss for several quantiles has one output per quantile for each column.

    Parameters
    ----------
    loss : RegressionLoss
        The loss.
    mean, scale : ndarray of shape (n_targets,)
        m and s; 0 and 1 if the targets are not scaled.

    Attributes
    ----------
    n_levels : int
        Number of outputs for each column.
    """

    ATTRIBUTES: ClassVar[dict[str, tuple[type, ...]]] = {
        "y_mean_": (np.ndarray,),
        "y_scale_": (np.ndarray,),
    }
    score_name = "R²"
    splits_like_mlp = True

    def __init__(self, loss: RegressionLoss, mean: Array, scale: Array) -> None:
        self.loss: RegressionLoss = loss
        self.mean, self.scale = mean, scale
        self.n_levels = len(loss.levels or (None,))
        self.n_outputs = len(mean) * self.n_levels

    @classmethod
    def from_values(
        cls, y: Any, weights: Array | None, loss: RegressionLoss, *, scaled: bool
    ) -> Self:
        """Determine the scaling from y.

        Parameters
        ----------
        y : ndarray or sparse array of shape (n_rows,) or (n_rows, n_targets)
            Numbers.
        weights : ndarray of shape (n_rows,) or None
            Sample weights, for the mean and the standard deviation.
        loss : RegressionLoss
            The loss.
        scaled : bool
            Whether to scale the targets, if the loss allows it.

        Returns
        -------
        targets : Quantities
            The targets.

        Raises
        ------
        ValueError
            If y is not numeric, or the loss is not defined for all its values.
        """
        if y.ndim == 2 and y.shape[1] == 1 and not issparse(y):
            column_or_1d(y, warn=True)  # the same warning as in scikit-learn
        columns = columns_of(y, "y")
        check_domain(loss, columns, "y")
        n_targets = columns.shape[1]
        targets = cls(loss, np.zeros(n_targets), np.ones(n_targets))
        if scaled and loss.scalable:
            targets.mean, targets.scale = mean_and_scale(columns, weights)
        return targets

    def attributes(self) -> dict[str, Any]:
        return {"y_mean_": self.mean, "y_scale_": self.scale}

    def check(self) -> None:
        for array in (self.mean, self.scale):
            if array.ndim != 1 or array.shape != self.mean.shape or not array.size:
                raise ValueError("the scaling of the targets has the wrong shape")
            if array.dtype != np.float64 or not np.isfinite(array).all():
                raise ValueError("the scaling of the targets is damaged")
        if (self.scale <= 0).any():
            raise ValueError("a scale of the targets is not positive")

    def check_known(self, y: Any, name: str) -> None:
        columns = columns_of(y, name)
        if columns.shape[1] != len(self.mean):
            raise ValueError(
                f"{name} must have {len(self.mean)} target columns, as in the first "
                f"call to fit or partial_fit, got {columns.shape[1]}."
            )
        check_domain(self.loss, columns, name)

    def continuing(self, before: Any) -> Self:
        if len(before.mean) != len(self.mean):
            raise ValueError(
                "warm_start can only be used where `y` has as many target columns as "
                f"in the previous call to fit. Previously got {len(before.mean)}, `y` "
                f"has {len(self.mean)}."
            )
        is_scaled = (before.mean != 0).any() or (before.scale != 1).any()
        if is_scaled and not self.loss.scalable:
            raise ValueError(
                "A network that was trained on scaled targets cannot continue with a "
                f"loss for {self.loss.domain}. Set warm_start=False."
            )
        return type(self)(self.loss, before.mean, before.scale)

    def encode(self, y: Any, dtype: Any, smoothing: float = 0.0) -> Array:
        try:
            with np.errstate(over="raise"):
                scaled = columns_of(y, "y") - self.mean
                scaled /= self.scale
                scaled = scaled.astype(dtype, copy=False)
        except FloatingPointError:
            raise ValueError(
                f"y has numbers too large to compute with in {np.dtype(dtype).name}. "
                "Use a larger unit."
            ) from None
        return scaled if self.n_levels == 1 else scaled.repeat(self.n_levels, axis=1)

    def decode(self, a: Array) -> Array:
        """Convert outputs of the network to predictions in the units of y.

        Parameters
        ----------
        a : ndarray of shape (n_samples, n_outputs)
            Output of the last layer.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_targets) or \
                (n_samples, [n_targets,] n_levels)
            Predictions, with the dtype of `a`; quantiles are in ascending order.
        """
        f = self.loss.output(a).reshape(len(a), len(self.mean), self.n_levels)
        if self.n_levels > 1:
            # If quantiles cross, sorting them does not increase the loss (Chernozhukov,
            # Fernández-Val & Galichon, Econometrica, 2010).
            f = np.sort(f, axis=-1)
        f = f * self.scale[:, np.newaxis] + self.mean[:, np.newaxis]
        f = f.astype(a.dtype, copy=False)
        if self.loss.levels is None:
            f = f[..., 0]
        return f[:, 0] if len(self.mean) == 1 else f

    def score_from(self, y: Any, weights: Array | None) -> Callable[[float, Any], Any]:
        y = self.encode(y, np.float64)
        center = np.average(y, axis=0, weights=weights)
        variance = np.average((y - center) ** 2, axis=0, weights=weights)
        constant = variance == 0

        def r2(loss: float, errors: Any) -> float:
            ratio = np.asarray(errors) / np.where(constant, 1, variance)
            # As in `sklearn.metrics.r2_score`, a constant column scores 1 if it is
            # predicted exactly, else 0.
            return float(np.mean(1 - np.where(constant, ratio > 0, ratio)))

        return r2

    def output_names(self) -> list[str]:
        n_targets = len(self.mean)
        names = ["y"] if n_targets == 1 else [f"y{i}" for i in range(n_targets)]
        levels = self.loss.levels
        if levels is None:
            return names
        return [f"{name}, {level:g}" for name in names for level in levels]


def columns_of(y: Any, name: str) -> Array:
    """Return targets as columns of float64.

    Parameters
    ----------
    y : ndarray or sparse array of shape (n_rows,) or (n_rows, n_targets)
        Finite targets.
    name : str
        Name of y in error messages.

    Returns
    -------
    columns : ndarray of shape (n_rows, n_targets)
        The same array if it already has that dtype and shape.
    """
    y = y.toarray() if issparse(y) else np.asarray(y)
    if y.ndim > 2 or y.dtype.kind not in "biufO":
        raise ValueError(
            f"{name} must be numbers, with one column for each target, got an array of "
            f"shape {y.shape} and type {y.dtype}."
        )
    if y.ndim == 2 and y.shape[1] == 0:
        raise ValueError(f"{name} must have at least one column.")
    try:
        y = y.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers: {error}.") from error
    return y.reshape(len(y), -1)


def check_domain(loss: RegressionLoss, y: Array, name: str) -> None:
    """Raise a ValueError if a loss is not defined for all targets."""
    if not np.isfinite(y).all():
        raise ValueError(f"{name} must be finite.")
    if not loss.allows(y):
        raise ValueError(
            f"{name} must be {loss.domain} for the loss {type(loss).__name__}, got "
            f"{y.min():g}."
        )


def mean_and_scale(y: Array, weights: Array | None) -> tuple[Array, Array]:
    """Return the weighted mean and standard deviation of each column, to six digits.

    Parameters
    ----------
    y : ndarray of shape (n_rows, n_targets)
        Numbers of any magnitude.
    weights : ndarray of shape (n_rows,) or None
        Weights that are not all 0.

    Returns
    -------
    mean, scale : ndarray of shape (n_targets,)
        The scale of a constant column is its absolute value, or 1 if that is 0.
    """
    size = np.abs(y).max(axis=0)
    size[size == 0] = 1
    if weights is not None:
        weights = weights / weights.max()  # else their sum may overflow
    unit = y / size  # else squares may overflow or underflow
    mean = np.average(unit, axis=0, weights=weights)
    scale = np.sqrt(np.average((unit - mean) ** 2, axis=0, weights=weights))
    scale[scale <= CONSTANT] = 1
    scale = scale.astype(np.float32).astype(np.float64)
    mean = np.rint(mean / (PRECISION * scale)) * (PRECISION * scale)
    return mean * size, np.maximum(scale * size, np.finfo(np.float64).tiny)
