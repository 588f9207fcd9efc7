"""Numbers as targets: standardised for training, and the features with them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array, issparse
from sklearn.utils import column_or_1d
from sklearn.utils.sparsefuncs import mean_variance_axis

from ..nn.arrays import BLOCK, Array
from ..nn.parameters import Parameters
from ..nn.regression_losses import RegressionLoss

# Relative differences up to this size are rounding errors.
CONSTANT = 10 * np.finfo(np.float64).eps

# Scaling need not be exact. The mean is rounded to this fraction of the standard
# deviation, so that it does not depend on the order of summation: weighted rows give
# the same scaling as repeated rows.
PRECISION = 2.0**-20

# What float32 can predict: standard deviations, and the largest mean in their unit.
SCALES_OF_SINGLE, MEAN_OF_SINGLE = (1e-30, 1e30), 2.0**10

# The smallest and the largest scale.
SCALES = np.finfo(np.float64).tiny, np.finfo(np.float64).max / 4

# Number of rows on which the best constant prediction is searched for.
SEARCHED_ROWS = 10_000

# Features whose largest absolute value is in this range are not scaled, as networks
# learn well from them: indicators of rare categories would become outliers.
COMFORTABLE = (0.1, 10.0)

# The scaling of a stream is replaced if it is wrong by this factor.
WRONG = 2.0


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean, standard deviation and extremes of columns, over all rows seen.

    Attributes
    ----------
    n_rows : int
        Number of rows.
    mean, deviation : ndarray of shape (n_columns,)
        Weighted means and standard deviations.
    low, high : ndarray of shape (n_columns,)
        Smallest and largest values; in a stream, the means of those of each call, so
        that its first rows do not matter for ever.
    """

    n_rows: int
    mean: Array
    deviation: Array
    low: Array
    high: Array

    @classmethod
    def of(cls, X: Any, weights: Array | None) -> Self:
        """Compute the moments of rows, which may be sparse, block by block."""
        w = np.ones(X.shape[0]) if weights is None else weights / weights.max()
        w /= w.sum()
        high, low = X.max(axis=0), X.min(axis=0)
        if issparse(X):
            high, low = high.toarray().ravel(), low.toarray().ravel()
        low, high = low.astype(np.float64), high.astype(np.float64)
        size = np.maximum(high, -low)
        size = np.where(size == 0, 1, np.maximum(size, SCALES[0]))
        if issparse(X):
            unit = csr_array(X.multiply(1 / size))
            mean, variance = mean_variance_axis(unit, axis=0, weights=w)
        else:
            mean = mean_of(X, w, lambda x: x / size)  # else squares may overflow
            variance = mean_of(X, w, lambda x: (x / size - mean) ** 2)
        deviation = np.sqrt(np.maximum(variance, 0)) * size  # may round to below 0
        return cls(X.shape[0], mean * size, deviation, low, high)

    @property
    def varies(self) -> Array:
        """Whether each column is more than a constant with rounding errors."""
        differ = self.deviation > CONSTANT * np.abs(self.mean)
        varies: Array = differ & (self.high > self.low)
        return varies

    def merged(self, other: "Moments") -> "Moments":
        """Return the moments of the rows of both.

        The formula is that of Chan, Golub & LeVeque, *Algorithms for computing the
        sample variance*, The American Statistician, 1983.
        """
        n_rows = self.n_rows + other.n_rows
        q = other.n_rows / n_rows
        p, shift = 1 - q, other.mean - self.mean
        within = np.hypot(p**0.5 * self.deviation, q**0.5 * other.deviation)
        deviation = np.hypot(within, (p * q) ** 0.5 * shift)
        low = self.low + q * (other.low - self.low)
        high = self.high + q * (other.high - self.high)
        return Moments(n_rows, self.mean + q * shift, deviation, low, high)


def mean_of(X: Array, w: Array, function: Callable[[Array], Array]) -> Array:
    """Return the mean of a function of the rows, given weights whose sum is 1."""
    total = np.zeros(X.shape[1])
    for rows in blocks(X):
        total += w[rows] @ function(X[rows])
    return total


def blocks(X: Array) -> Iterator[slice]:
    """Yield slices of rows of float64 that fit into the cache."""
    step = max(1, BLOCK // X.shape[1])
    return (slice(start, start + step) for start in range(0, len(X), step))


@dataclass(frozen=True, eq=False)
class Scaling:
    """Columns x in training, (x - m) / s, with their means m and deviations s.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_columns,)
        m and s, to six digits; m = 0 for sparse and constant features. s of a constant
        column is its absolute value, or 1 if that is 0. 0 and 1 for features that are
        comfortable as they are.
    seen : Moments or None
        Those of all rows seen, which a stream may move away from m and s; None if the
        columns are not scaled.
    """

    mean: Array
    scale: Array
    seen: Moments | None = None

    @classmethod
    def of_features(cls, seen: Moments, X: Any) -> Self:
        """Return that for features; a constant one is not 0, but acts as a bias."""
        scaling, largest = cls.of(seen), np.maximum(seen.high, -seen.low)
        smallest, most = COMFORTABLE
        needed = (largest < smallest) | (largest > most)
        centred = needed & seen.varies & (not issparse(X))
        mean = np.where(centred, scaling.mean, 0)
        return cls(mean, np.where(needed, scaling.scale, 1), seen)

    @classmethod
    def of(cls, seen: Moments) -> Self:
        """Return the means and deviations of all columns."""
        scale = np.where(seen.varies, seen.deviation, np.abs(seen.mean))
        scale[scale == 0] = 1
        fraction, exponent = np.frexp(np.clip(scale, *SCALES))
        scale = np.ldexp(fraction.astype(np.float32).astype(np.float64), exponent)
        with np.errstate(over="ignore"):  # of a mean near the largest number
            mean = np.rint(seen.mean / (PRECISION * scale)) * (PRECISION * scale)
        return cls(mean, scale, seen)

    def following(
        self, X: Any, weights: Array | None, scaling_of: Callable[[Moments], Any]
    ) -> Self:
        """Return the scaling for a stream that goes on with these rows.

        That of a column stays as it is until the rows seen are on another scale.
        """
        seen: Any = self.seen
        with np.errstate(all="ignore"):  # training says so if numbers are too large
            seen = seen.merged(Moments.of(X, weights))
            new = scaling_of(seen)
            ratio, shift = new.scale / self.scale, (new.mean - self.mean) / self.scale
        wrong = (ratio > WRONG) | (ratio < 1 / WRONG) | (np.abs(shift) > WRONG)
        mean = np.where(wrong, new.mean, self.mean)
        return type(self)(mean, np.where(wrong, new.scale, self.scale), seen)

    def applied(self, x: Any, dtype: Any) -> Any:
        """Return a copy of rows, scaled, in another dtype."""
        if issparse(x):
            data = (x.data / self.scale[x.indices]).astype(dtype)
            return csr_array((data, x.indices, x.indptr), x.shape)
        scaled = np.empty(x.shape, dtype)
        with np.errstate(all="ignore"):  # likewise
            for rows in blocks(x):
                scaled[rows] = (x[rows] - self.mean) / self.scale
        return scaled

    def in_training(self, theta: Parameters) -> Parameters:
        """Return θ for scaled rows, given θ of the same network for rows as they are.

        x W + b = z W' + b' for z = (x - m) / s, if W' = s W and b' = b + m W.
        """
        theta = Parameters(theta.sizes, theta.vector.astype(np.float64))
        theta.b[0] += self.mean @ theta.W[0]
        theta.W[0] *= self.scale[:, np.newaxis]
        return theta

    def as_given(self, theta: Parameters) -> Parameters:
        """Return θ for rows as they are, the inverse of `in_training`."""
        theta = Parameters(theta.sizes, theta.vector.astype(np.float64))
        theta.W[0] /= self.scale[:, np.newaxis]
        theta.b[0] -= self.mean @ theta.W[0]
        return theta


@dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers in one or several columns, which are scaled for training.

    Training uses (y - m) / s, with the mean m and the standard deviation s of each
    column, and scales the features likewise. A loss for several quantiles, or for a
    mean and a standard deviation, has several outputs for each column.

    Attributes
    ----------
    loss : RegressionLoss
        Output map and loss.
    columns : Scaling
        Of the targets: m = 0 and s = 1 if they are not scaled.
    features : Scaling or None
        Of the features; None if neither is scaled.
    """

    score_name: ClassVar[str] = "R²"
    splits_like_mlp: ClassVar[bool] = True

    loss: RegressionLoss
    columns: Scaling
    features: Scaling | None = None

    @classmethod
    def from_rows(cls, rows: Any, loss: RegressionLoss, *, scaled: bool) -> Self:
        """Determine the scaling from rows, if `scaled` and the loss allows it."""
        X, y, weights = map(rows.used, (rows.X, rows.y, rows.weights))
        if y.ndim == 2 and y.shape[1] == 1 and not issparse(y):
            column_or_1d(y, warn=True)  # the same warning as in scikit-learn
        columns = columns_of(y, "y")
        check_domain(loss, columns, "y")
        if not (scaled and loss.scalable):
            n_targets = columns.shape[1]
            return cls(loss, Scaling(np.zeros(n_targets), np.ones(n_targets)))
        return cls(
            loss,
            Scaling.of(Moments.of(columns, weights)),
            Scaling.of_features(Moments.of(X, weights), X),
        )

    @property
    def mean(self) -> Array:
        """m of each column."""
        return self.columns.mean

    @property
    def scale(self) -> Array:
        """s of each column."""
        return self.columns.scale

    @property
    def n_outputs(self) -> int:
        return len(self.mean) * self.loss.n_parts

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
        if self.features is not None and not loss.scalable:
            raise ValueError(
                "A network that was trained on scaled targets cannot continue with a "
                f"loss for {loss.domain}. Train a new one (warm_start=False)."
            )
        return replace(self, loss=loss)

    def following(self, rows: Any) -> Self:
        """Return the numbers for a stream that goes on with these rows."""
        if self.features is None:
            return self
        X, y, weights = map(rows.used, (rows.X, rows.y, rows.weights))
        return replace(
            self,
            columns=self.columns.following(columns_of(y, "y"), weights, Scaling.of),
            features=self.features.following(
                X, weights, partial(Scaling.of_features, X=X)
            ),
        )

    def scales_like(self, before: Any) -> bool:
        """Return whether the scaling is that of earlier numbers."""
        if self.features is None:
            return True
        pairs = (self.columns, before.columns), (self.features, before.features)
        return all(
            np.array_equal(now.mean, then.mean)
            and np.array_equal(now.scale, then.scale)
            for now, then in pairs
        )

    def take_over(self, theta: Parameters, before: "Numbers") -> None:
        """Change the last layer in place, so that predictions in units of y stay.

        They are s a + m. If s has become smaller, the outputs a stay instead: earlier
        numbers were far off, and so may be what was learned from them.

        References
        ----------
        van Hasselt, Guez, Hessel, Mnih & Silver, *Learning values across many orders of
        magnitude*, NeurIPS 2016.
        """
        ratio = np.minimum(before.scale / self.scale, 1)
        p, c = self.in_units(ratio, (before.mean - self.mean) / self.scale)
        theta.W[-1] *= p.ravel()
        theta.b[-1] *= p.ravel()
        theta.b[-1] += c.ravel()

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
        n_parts = self.loss.n_parts
        return scaled if n_parts == 1 else scaled.repeat(n_parts, axis=1)

    def in_units(self, s: Array, m: Array) -> tuple[Array, Array]:
        """Return factor and shift of each output, (n_targets, n_parts), for s y + m."""
        shape = len(s), self.loss.n_parts
        p, c = self.loss.in_units(s[:, np.newaxis], m[:, np.newaxis])
        return np.broadcast_to(p, shape), np.broadcast_to(c, shape)

    def decode(self, a: Array, *, std: bool = False) -> Array:
        """Convert outputs of the network to predictions in the units of y.

        Their shape is (n_samples, [n_targets,] [n_levels]); an axis is left out for a
        single target, and for a loss that does not predict a list of quantiles. With
        `std`, the last axis has the prediction and its standard deviation.
        """
        p, c = self.in_units(self.scale, self.mean)
        f = p * self.loss.output(a).reshape(len(a), *p.shape) + c
        if std:
            f = np.stack([f[..., 0], self.loss.std(f)], axis=-1)
        elif self.loss.levels is None:
            f = f[..., 0]
        else:
            # If quantiles cross, sorting them does not increase the loss (Chernozhukov,
            # Fernández-Val & Galichon, Econometrica, 2010).
            f = np.sort(f, axis=-1)
        f = f.astype(self.result_type(a.dtype), copy=False)
        return f[:, 0] if len(self.mean) == 1 else f

    def result_type(self, dtype: Any) -> Any:
        """Return the type of predictions: float64 if float32 is too coarse for them."""
        far = np.abs(self.mean) > MEAN_OF_SINGLE * self.scale
        smallest, largest = SCALES_OF_SINGLE
        extreme = (self.scale < smallest) | (self.scale > largest)
        return np.float64 if (far | extreme).any() else dtype

    def strata(self, y: Any) -> Array:
        return np.zeros(y.shape[0], int)

    def label_columns(self, y: Any) -> list[tuple[Array, Array]]:
        return []

    def classes_of_columns(self) -> list[Array]:
        return []

    def score_from(self, y: Any, weights: Array | None) -> Callable[[float, Any], Any]:
        y = self.encode(y, np.float64)[:, :: self.loss.n_parts]
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

    def loss_of_constant(self, rows: Any, smoothing: float) -> float | None:
        y = self.encode(rows.used(rows.y), np.float64)
        weights = rows.relative_weights()
        w = np.ones(len(y)) if weights is None else weights

        def J(constant: Array, step: int = 1) -> tuple[float, Array]:
            a, s = np.tile(constant, (len(y[::step]), 1)), w[::step]
            ell = self.loss.loss_and_error(a, y[::step])  # a is now ∂ℓ/∂a
            return float(s @ ell[:, 0] / s.sum()), s @ a / s.sum()

        few = -(-len(y) // SEARCHED_ROWS)
        with np.errstate(all="ignore"):
            found = minimize(
                J,
                np.zeros(self.n_outputs),
                (few,),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": 50, "maxfun": 100},
            )
            return J(found.x)[0]

    def output_names(self) -> list[str]:
        n_targets = len(self.mean)
        names = ["y"] if n_targets == 1 else [f"y{i}" for i in range(n_targets)]
        parts = self.loss.parts
        if parts is None:
            return names
        return [f"{name}, {part}" for name in names for part in parts]


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
