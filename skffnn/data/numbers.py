"""Numbers as targets: scaled for training, and scaled back for prediction."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import column_or_1d

from ..nn.arrays import Array
from ..nn.losses import RegressionLoss

# Relative differences up to this size are rounding errors.
CONSTANT = 10 * np.finfo(np.float64).eps

# Scaling need not be exact. The mean is rounded to this fraction of the standard
# deviation, so that it does not depend on the order of summation: weighted rows give
# the same scaling as repeated rows.
PRECISION = 2.0**-20


@dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers in one or several columns, which are scaled for training.

    Training uses (y - m) / s, with the mean m and the standard deviation s of each
    column. A loss for several quantiles has one output per quantile for each column.

    Attributes
    ----------
    loss : RegressionLoss
        Output map and loss.
    mean, scale : ndarray of shape (n_targets,)
        m and s; 0 and 1 if the targets are not scaled.
    """

    score_name: ClassVar[str] = "R²"
    splits_like_mlp: ClassVar[bool] = True

    loss: RegressionLoss
    mean: Array
    scale: Array

    @classmethod
    def from_values(
        cls, y: Any, weights: Array | None, loss: RegressionLoss, *, scaled: bool
    ) -> Self:
        """Determine the scaling from y, if `scaled` and the loss allows it."""
        if y.ndim == 2 and y.shape[1] == 1 and not issparse(y):
            column_or_1d(y, warn=True)  # the same warning as in scikit-learn
        columns = columns_of(y, "y")
        check_domain(loss, columns, "y")
        if scaled and loss.scalable:
            return cls(loss, *mean_and_scale(columns, weights))
        n_targets = columns.shape[1]
        return cls(loss, np.zeros(n_targets), np.ones(n_targets))

    @property
    def n_levels(self) -> int:
        """Number of outputs for each column."""
        return len(self.loss.levels or (None,))

    @property
    def n_outputs(self) -> int:
        return len(self.mean) * self.n_levels

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
        continued: Self = before.with_loss(self.loss)
        return continued

    def with_loss(self, loss: RegressionLoss) -> Self:
        is_scaled = (self.mean != 0).any() or (self.scale != 1).any()
        if is_scaled and not loss.scalable:
            raise ValueError(
                "A network that was trained on scaled targets cannot continue with a "
                f"loss for {loss.domain}. Train a new one (warm_start=False)."
            )
        return replace(self, loss=loss)

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

        Their shape is (n_samples, [n_targets,] [n_levels]); an axis is left out for a
        single target, and for a loss that does not predict a list of quantiles.
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

    def strata(self, y: Any) -> Array:
        return np.zeros(y.shape[0], int)

    def label_columns(self, y: Any) -> list[tuple[Array, Array]]:
        return []

    def classes_of_columns(self) -> list[Array]:
        return []

    def score_from(self, y: Any, weights: Array | None) -> Callable[[float, Any], Any]:
        y = self.encode(y, np.float64)
        with np.errstate(over="ignore"):  # the loss is infinite too, which is an error
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
    """Return numbers as float64 of shape (n_rows, n_targets), without a needless copy.

    Errors call them `name`.
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

    The scale of a constant column is its absolute value, or 1 if that is 0. The weights
    are not all 0.
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
