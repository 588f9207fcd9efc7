"""Losses of regressors: output maps f = o(a) and losses ℓ(f, y) of real numbers y.

The conventions are those of `skffnn.nn.losses`. A new loss inherits from
`RegressionLoss`. Users can also pass an object of such a class instead of a name.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import log
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
from scipy.special import boxcox, xlogy

from .arrays import Array
from .losses import Loss

# Smallest standard deviation that `Gaussian` predicts, in the unit of the targets in
# training: 1 / σ² stays far from overflow, and the loss has a lower bound.
SMALLEST_STD = 1e-4


class RegressionLoss(Loss):
    """Base class of losses for the regressor, with the identity as output map.

    A subclass defines `loss_and_error` and, if it has another output map, also `name`
    and `output`. One with several outputs for each target, side by side, names them in
    `parts`; `y` is then repeated, so that it has the shape of `a`.

    Attributes
    ----------
    scalable : bool
        Whether targets may be shifted and scaled, y ← (y - m) / s, for training.
    domain : str
        Description of the targets that `allows` accepts, for error messages.

    Examples
    --------
    The logarithm of the hyperbolic cosine, between squared and absolute error:

    >>> import numpy as np
    >>> from skffnn import FFNNRegressor, RegressionLoss
    >>> class LogCosh(RegressionLoss):
    ...     def loss_and_error(self, a, y):
    ...         a -= y
    ...         ell = np.logaddexp(a, -a) - np.log(2)  # ℓ = ln cosh(f - y)
    ...         np.tanh(a, out=a)  # ∂ℓ/∂a = tanh(f - y)
    ...         return ell.sum(axis=-1, keepdims=True)
    >>> model = FFNNRegressor(loss=LogCosh())
    """

    name: ClassVar[str] = "identity"
    scalable: ClassVar[bool] = True
    domain: ClassVar[str] = "numbers"

    @property
    def levels(self) -> tuple[float, ...] | None:
        """The quantile levels that are predicted; None for a single prediction."""
        return None

    @property
    def parts(self) -> tuple[str, ...] | None:
        """Names of the outputs for each target; None for a single one.

        Without `levels`, the first is the prediction, and its R² the default score.
        """
        return None if self.levels is None else tuple(f"{q:g}" for q in self.levels)

    @property
    def n_parts(self) -> int:
        """Number of outputs for each target."""
        return len(self.parts or (None,))

    def allows(self, y: Array) -> bool:
        """Return whether the loss is defined for all targets.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_columns)
            Finite targets.

        Returns
        -------
        allowed : bool
            Whether it is.
        """
        return True

    def output(self, a: Array) -> Array:
        return a

    def in_units(self, s: Array, m: Array) -> tuple[Array, Array]:
        """Return p and c, for which p f + c are the outputs f for targets s y + m.

        Parameters
        ----------
        s, m : ndarray of shape (n_targets, 1)
            Scale and shift of each target.

        Returns
        -------
        p, c : ndarray of shape (n_targets, 1) or (n_targets, n_parts)
            Factor and shift of each output.
        """
        return s, m

    def std(self, f: Array) -> Array:
        """Return the predicted standard deviations.

        Parameters
        ----------
        f : ndarray of shape (n, n_targets, n_parts)
            Outputs in the units of the targets.

        Returns
        -------
        std : ndarray of shape (n, n_targets)
            Standard deviations.

        Raises
        ------
        ValueError
            If the loss does not predict them.
        """
        raise ValueError(
            f"return_std=True needs a loss that predicts a standard deviation, got "
            f"{type(self).__name__}. Fit with loss='gaussian'."
        )

    def score_terms(self, a: Array, y: Array) -> Array:
        first = slice(None, None, self.n_parts)
        residual = self.output(a.copy())[..., first] - y[..., first]
        return (residual * residual).mT


class SquaredError(RegressionLoss):
    """The squared error, ℓ(f, y) = ½ Σ_k (f_k - y_k)², for the mean of y.

    Up to a constant, it is the negative log-likelihood of normal noise with variance 1.
    ∂ℓ/∂a = f - y. `MLPRegressor` minimises the same loss.
    """

    def loss_and_error(self, a: Array, y: Array) -> Array:
        a -= y  # ∂ℓ/∂a = f - y
        return 0.5 * np.vecdot(a, a)[..., np.newaxis]


class AbsoluteError(RegressionLoss):
    """The absolute error, ℓ(f, y) = Σ_k abs(f_k - y_k), for the median of y.

    Up to a constant, it is the negative log-likelihood of Laplace noise with scale 1.
    ∂ℓ/∂a = sign(f - y).
    """

    def loss_and_error(self, a: Array, y: Array) -> Array:
        a -= y
        ell = np.abs(a).sum(axis=-1, keepdims=True)
        np.sign(a, out=a)  # ∂ℓ/∂a = sign(f - y)
        return ell


@dataclass(frozen=True)
class Huber(RegressionLoss):
    """The Huber loss, quadratic for small errors and linear for outliers.

    With r = abs(f - y), it is ½ r² if r ≤ δ, else δ (r - δ / 2), summed over outputs.
    ∂ℓ/∂a is f - y, clipped to [-δ, δ].

    Parameters
    ----------
    delta : float, default=1.0
        Error δ > 0 above which the loss is linear; a smaller value is more robust to
        outliers. The unit is that of the targets in training: the standard deviation of
        y with `normalize_y=True`.

    References
    ----------
    Huber, *Robust estimation of a location parameter*, Annals of Mathematical
    Statistics, 1964.

    Examples
    --------
    >>> from skffnn import FFNNRegressor, Huber
    >>> model = FFNNRegressor(loss=Huber(delta=0.5))
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        delta: Any = self.delta
        if not (isinstance(delta, Real) and 0 < float(delta) < np.inf):
            raise ValueError(f"delta must be a number in (0, inf), got {self.delta!r}.")

    def loss_and_error(self, a: Array, y: Array) -> Array:
        r = a - y
        np.clip(r, -self.delta, self.delta, out=a)  # ∂ℓ/∂a = clip(r)
        # ℓ = clip(r) (r - clip(r) / 2), which is ½ r² or δ (|r| - δ / 2)
        return np.vecdot(a, r - 0.5 * a)[..., np.newaxis]


@dataclass(frozen=True)
class Quantile(RegressionLoss):
    """The quantile loss (pinball loss), for one or several quantiles of y.

    ℓ(f, y) = Σ_k q_k max(y - f_k, 0) + (1 - q_k) max(f_k - y, 0), with one output f_k
    for each level q_k. ∂ℓ/∂a_k = [f_k > y] - q_k.

    Parameters
    ----------
    quantile : float or sequence of float, default=0.5
        Levels q in (0, 1), in ascending order. With `loss="quantile"`, the parameter
        `quantile` of the estimator is used.

    References
    ----------
    Koenker & Bassett, *Regression quantiles*, Econometrica, 1978.

    Examples
    --------
    >>> from skffnn import FFNNRegressor, Quantile
    >>> model = FFNNRegressor(loss=Quantile([0.05, 0.95]))
    """

    quantile: Any = 0.5

    def __post_init__(self) -> None:
        is_number = np.ndim(self.quantile) == 0
        try:
            levels = [float(q) for q in np.atleast_1d(self.quantile)]
        except (TypeError, ValueError):
            levels = []
        # Strictly ascending between 0 and 1; comparisons with NaN are false.
        if not levels or not all(p < q for p, q in pairwise([0.0, *levels, 1.0])):
            raise ValueError(
                "quantile must be a number in (0, 1), or a sequence of such numbers in "
                f"ascending order, got {self.quantile!r}."
            )
        # Plain numbers, so that the loss is hashable.
        plain = levels[0] if is_number else tuple(levels)
        object.__setattr__(self, "quantile", plain)

    @property
    def levels(self) -> tuple[float, ...] | None:
        return None if isinstance(self.quantile, float) else tuple(self.quantile)

    def loss_and_error(self, a: Array, y: Array) -> Array:
        q = np.atleast_1d(np.asarray(self.quantile, a.dtype))
        r = a - y
        np.greater(r, 0, out=a)
        a -= np.tile(q, a.shape[-1] // len(q))  # ∂ℓ/∂a = [f > y] - q
        return np.vecdot(a, r)[..., np.newaxis]  # ℓ = ([f > y] - q) (f - y)


class LogLink(RegressionLoss):
    """Base class of losses for positive predictions, f = exp(a)."""

    name = "exp"
    scalable = False

    def output(self, a: Array) -> Array:
        return np.exp(a, out=a)


class Poisson(LogLink):
    """Half the Poisson deviance with a log link, for counts and frequencies.

    f = exp(a),    ℓ(f, y) = Σ_k y_k ln(y_k / f_k) - y_k + f_k.

    Up to terms that do not depend on f, it is the negative log-likelihood of a Poisson
    distribution with mean f. The log link is the canonical one, so ∂ℓ/∂a = f - y.

    References
    ----------
    McCullagh & Nelder, *Generalized linear models*, Chapman & Hall, 1989.
    """

    domain = "non-negative numbers"

    def allows(self, y: Array) -> bool:
        return bool((y >= 0).all())

    def loss_and_error(self, a: Array, y: Array) -> Array:
        ell = xlogy(y, y)
        ell -= y * a
        ell -= y
        np.exp(a, out=a)  # f = exp(a)
        ell += a  # ℓ = y ln y - y a - y + f
        a -= y  # ∂ℓ/∂a = f - y
        return ell.sum(axis=-1, keepdims=True)


class Gamma(LogLink):
    """Half the gamma deviance with a log link, for positive, skewed amounts.

    f = exp(a),    ℓ(f, y) = Σ_k y_k / f_k - ln(y_k / f_k) - 1.

    Up to terms that do not depend on f, it is the negative log-likelihood of a gamma
    distribution with mean f and shape 1. The canonical link would be -1 / f; with the
    log link, ∂ℓ/∂a = (f - y) / f. The source is that of `Poisson`.
    """

    domain = "positive numbers"

    def allows(self, y: Array) -> bool:
        return bool((y > 0).all())

    def loss_and_error(self, a: Array, y: Array) -> Array:
        ell = a - np.log(y)
        ell -= 1
        np.negative(a, out=a)
        np.exp(a, out=a)
        a *= y  # y / f = y exp(-a)
        ell += a  # ℓ = y / f - ln(y / f) - 1
        np.subtract(1, a, out=a)  # ∂ℓ/∂a = 1 - y / f
        return ell.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Tweedie(LogLink):
    """Half the Tweedie deviance with a log link, between Poisson and gamma.

    f = exp(a),    ℓ(f, y) = Σ_k ∫ (y_k - t) / t^p dt, from f_k to y_k.

    Up to terms that do not depend on f, it is the negative log-likelihood of a
    distribution with mean f and a variance proportional to f^p. For 1 < p < 2, that is
    a compound distribution: a Poisson number of gamma amounts, whose sum is 0 with a
    positive probability. p = 1 is `Poisson` and p = 2 is `Gamma`.
    ∂ℓ/∂a = (f - y) f^(1-p).

    Parameters
    ----------
    power : float, default=1.5
        p in [1, 2]. A larger value gives large targets less weight.

    References
    ----------
    Jørgensen, *Exponential dispersion models*, Journal of the Royal Statistical Society
    B, 1987.

    Box & Cox, *An analysis of transformations*, Journal of the Royal Statistical
    Society B, 1964, for the integrals ∫ t^(λ-1) dt.

    Examples
    --------
    >>> from skffnn import FFNNRegressor, Tweedie
    >>> model = FFNNRegressor(loss=Tweedie(power=1.9))
    """

    domain = "non-negative numbers (positive numbers for power=2)"

    power: float = 1.5

    def __post_init__(self) -> None:
        power: Any = self.power
        if not (isinstance(power, Real) and 1 <= float(power) <= 2):
            raise ValueError(f"power must be a number in [1, 2], got {self.power!r}.")
        # A plain number, so that it does not change the dtype of the loss.
        object.__setattr__(self, "power", float(power))

    def allows(self, y: Array) -> bool:
        return bool(y.min() > 0 or (y.min() == 0 and self.power < 2))

    def loss_and_error(self, a: Array, y: Array) -> Array:
        q, r = 1 - self.power, 2 - self.power
        x = y * np.exp(-a)  # y / f
        np.exp(r * a, out=a)  # f^(2-p)
        # With B_λ(x) = (x^λ - 1) / λ, or ln x for λ = 0, the integral of t^(λ-1),
        # ℓ = f^(2-p) (x B_q(x) - B_r(x)), where 0 B_q(0) = 0.
        ell = x * boxcox(x, q, where=x > 0, out=np.zeros_like(x))
        ell -= boxcox(x, r)
        ell *= a
        a *= 1 - x  # ∂ℓ/∂a = f^(2-p) (1 - y / f)
        return ell.sum(axis=-1, keepdims=True)


class Gaussian(RegressionLoss):
    """The normal distribution, for the mean and the standard deviation of y.

    There are two outputs for each target: f, the mean, and ln σ.

    ℓ(f, σ, y) = Σ_k ln σ_k + ½ z_k²,    z_k = (f_k - y_k) / σ_k.

    Up to a constant, it is the negative log-likelihood of a normal distribution.
    ∂ℓ/∂f = z / σ and ∂ℓ/∂ln σ = 1 - z². The network computes a, with
    σ² = exp(2a) + ε²: rows that it fits exactly cannot make σ arbitrarily small. ε is
    1e-4, in the unit of the targets in training, which is the standard deviation of y
    with `normalize_y=True`.

    References
    ----------
    Nix & Weigend, *Estimating the mean and variance of the target probability
    distribution*, IEEE International Conference on Neural Networks, 1994.

    Examples
    --------
    >>> import numpy as np
    >>> from skffnn import FFNNRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = np.repeat([[0.0], [1.0]], 500, axis=0)
    >>> y = rng.normal(5, np.where(X[:, 0] == 1, 3, 1))
    >>> model = FFNNRegressor("gaussian", solver="lbfgs", random_state=0).fit(X, y)
    >>> mean, std = model.predict([[0.0], [1.0]], return_std=True)
    >>> print(mean.round(), std.round())
    [5. 5.] [1. 3.]
    """

    parts = ("mean", "ln std")

    def output(self, a: Array) -> Array:
        a[..., 1::2] = 0.5 * np.logaddexp(2 * a[..., 1::2], 2 * log(SMALLEST_STD))
        return a

    def in_units(self, s: Array, m: Array) -> tuple[Array, Array]:
        return np.hstack([s, np.ones_like(s)]), np.hstack([m, np.log(s)])

    def std(self, f: Array) -> Array:
        std: Array = np.exp(f[..., 1])
        return std

    def loss_and_error(self, a: Array, y: Array) -> Array:
        self.output(a)
        r, log_std = a[..., ::2], a[..., 1::2]
        r -= y[..., ::2]  # f - y
        w = np.exp(-2 * log_std)  # 1 / σ²
        z2 = w * r * r
        ell = log_std + 0.5 * z2
        r *= w  # ∂ℓ/∂f = (f - y) / σ²
        np.subtract(1, z2, out=log_std)  # ∂ℓ/∂ln σ = 1 - z²
        log_std *= 1 - SMALLEST_STD**2 * w  # ∂ln σ/∂a = 1 - ε² / σ²
        return ell.sum(axis=-1, keepdims=True)


# The names, for type checkers.
RegressionLossName = Literal[
    "squared_error",
    "absolute_error",
    "huber",
    "quantile",
    "poisson",
    "gamma",
    "tweedie",
    "gaussian",
]

REGRESSION_LOSSES: dict[str, type[RegressionLoss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
    "gamma": Gamma,
    "tweedie": Tweedie,
    "gaussian": Gaussian,
}
