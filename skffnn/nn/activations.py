"""Activation functions g of the hidden layers: h(k) = g(a(k)).

An activation function is an object that computes g(a) and, during training, the
derivative g'(a) for backpropagation.

To add one, write a class with a `forward` method and register it in `ACTIVATIONS`.
Users can also pass an object with such a method instead of a name.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from scipy.special import ndtr

from .arrays import Array, sigmoid


@runtime_checkable
class Activation(Protocol):
    """Interface of an activation function.

    An optional attribute `gain` scales Glorot's initial weights.

    Examples
    --------
    >>> import numpy as np
    >>> from skffnn.nn.activations import Tanh
    >>> a, h, d = np.array([-1.0, 0.0, 1.0]), np.empty(3), np.empty(3)
    >>> Tanh().forward(a, h, d)
    >>> print(h.round(2), d.round(2))
    [-0.76  0.    0.76] [0.42 1.   0.42]
    """

    def forward(self, a: Array, h: Array, d: Array | None = None) -> None:
        """Write g(a) into `h` and, unless it is None, g'(a) into `d`.

        Parameters
        ----------
        a : ndarray
            Pre-activations a(k); may be overwritten.
        h : ndarray of the shape of a
            Output array for g(a), never the same array as `a`.
        d : ndarray of the shape of a, or None
            Output array for g'(a).
        """


class Identity:
    """The identity, g(a) = a, which makes the network a linear model."""

    def forward(self, a: Array, h: Array, d: Array | None = None) -> None:
        h[...] = a  # g(a) = a
        if d is not None:
            d[...] = 1  # g'(a) = 1


class Logistic:
    """The logistic function, g(a) = σ(a) = 1 / (1 + exp(-a))."""

    # With this factor the Glorot bound is √(2 / (n_in + n_out)), as in MLPClassifier.
    gain = 3**-0.5

    def forward(self, a: Array, h: Array, d: Array | None = None) -> None:
        sigmoid(a, out=h)  # g(a) = σ(a)
        if d is not None:
            np.multiply(h, h, out=d)
            np.subtract(h, d, out=d)  # g'(a) = σ(a) (1 - σ(a))


class Tanh:
    """The hyperbolic tangent, g(a) = tanh(a)."""

    def forward(self, a: Array, h: Array, d: Array | None = None) -> None:
        np.tanh(a, out=h)  # g(a) = tanh a
        if d is not None:
            np.multiply(h, h, out=d)
            np.subtract(1, d, out=d)  # g'(a) = 1 - tanh² a


class ReLU:
    """The rectified linear unit, g(a) = max(a, 0), with g'(0) = 0.

    References
    ----------
    Glorot, Bordes & Bengio, *Deep sparse rectifier neural networks*, AISTATS 2011.
    """

    def forward(self, a: Array, h: Array, d: Array | None = None) -> None:
        if d is None:
            h[...] = 0  # np.maximum of two arrays takes half the time of a scalar 0
            np.maximum(a, h, out=h)  # g(a) = max(a, 0)
        else:
            np.greater(a, 0, out=d)  # g'(a) = [a > 0]
            np.multiply(a, d, out=h)  # g(a) = a g'(a)


@dataclass(frozen=True)
class LeakyReLU:
    """The leaky rectifier, g(a) = max(a, slope · a), with g'(0) = slope.

    Parameters
    ----------
    slope : float, default=0.01
        Slope for a < 0, between 0 and 1.

    References
    ----------
    Maas, Hannun & Ng, *Rectifier nonlinearities improve neural network acoustic
    models*, ICML 2013.

    Examples
    --------
    >>> from skffnn import FFNNClassifier
    >>> from skffnn.nn.activations import LeakyReLU
    >>> model = FFNNClassifier(activation=LeakyReLU(slope=0.1))
    """

    slope: float = 0.01

    def forward(self, a: Array, h: Array, d: Array | None = None) -> None:
        np.multiply(a, self.slope, out=h)
        np.maximum(a, h, out=h)  # g(a) = max(a, slope a)
        if d is not None:
            np.greater(a, 0, out=d)
            np.maximum(d, self.slope, out=d)  # g'(a) = 1 if a > 0, else slope


@dataclass(frozen=True)
class ELU:
    """The exponential linear unit, g(a) = scale · (a if a > 0 else α (exp(a) - 1)).

    Parameters
    ----------
    alpha : float, default=1.0
        Negative of the limit of g(a) / scale as a → -∞.
    scale : float, default=1.0
        Factor that multiplies the whole function.

    References
    ----------
    Clevert, Unterthiner & Hochreiter, *Fast and accurate deep network learning by
    exponential linear units (ELUs)*, ICLR 2016.

    Examples
    --------
    >>> from skffnn import FFNNClassifier
    >>> from skffnn.nn.activations import ELU
    >>> model = FFNNClassifier(activation=ELU(alpha=0.5))
    """

    alpha: float = 1.0
    scale: float = 1.0

    def forward(self, a: Array, h: Array, d: Array | None = None) -> None:
        # With a = max(a, 0) + min(a, 0), and exp(min(a, 0)) = 1 where a > 0:
        h[...] = 0
        np.minimum(a, h, out=h)
        np.expm1(h, out=h)
        h *= self.alpha * self.scale  # scale α (exp(min(a, 0)) - 1)
        if d is not None:
            np.greater(a, 0, out=d)
            d *= self.scale - self.scale * self.alpha
            d += h
            d += self.alpha * self.scale  # g'(a) = scale · (1 if a > 0 else α exp a)
        np.maximum(a, 0, out=a)
        a *= self.scale
        h += a  # g(a) = scale · (max(a, 0) + α (exp(min(a, 0)) - 1))


@dataclass(frozen=True)
class SELU(ELU):
    """The self-normalising ELU: activations converge to mean 0 and variance 1.

    Parameters
    ----------
    alpha, scale : float
        As in `ELU`; only the defaults are self-normalising.

    References
    ----------
    Klambauer, Unterthiner, Mayr & Hochreiter, *Self-normalizing neural networks*,
    NeurIPS 2017, which derives the two constants.
    """

    alpha: float = 1.6732632423543772
    scale: float = 1.0507009873554805


class GELU:
    """The Gaussian error linear unit, g(a) = a Φ(a), with Φ the normal CDF.

    References
    ----------
    Hendrycks & Gimpel, *Gaussian error linear units (GELUs)*, 2016.
    """

    def forward(self, a: Array, h: Array, d: Array | None = None) -> None:
        ndtr(a, out=h)  # Φ(a)
        if d is not None:
            np.multiply(a, a, out=d)
            d *= -0.5
            np.exp(d, out=d)
            d *= (2 * np.pi) ** -0.5  # φ(a) = exp(-a²/2) / √(2π)
            d *= a
            d += h  # g'(a) = Φ(a) + a φ(a)
        h *= a  # g(a) = a Φ(a)


class SiLU:
    """The sigmoid linear unit (swish), g(a) = a σ(a).

    References
    ----------
    Elfwing, Uchibe & Doya, *Sigmoid-weighted linear units for neural network
    function approximation in reinforcement learning*, Neural Networks, 2018.
    """

    def forward(self, a: Array, h: Array, d: Array | None = None) -> None:
        sigmoid(a, out=h)  # σ(a)
        if d is not None:
            np.subtract(1, h, out=d)
            d *= a
            d += 1
            d *= h  # g'(a) = σ(a) (1 + a (1 - σ(a)))
        h *= a  # g(a) = a σ(a)


class Mish:
    """The mish function, g(a) = a tanh(ln(1 + exp(a))).

    With w = exp a, the hyperbolic tangent is ((1 + w)² - 1) / ((1 + w)² + 1), which is
    n / (n + 2) with n = w (w + 2). This needs one exponential and no logarithm.

    References
    ----------
    Misra, *Mish: a self regularized non-monotonic activation function*, BMVC 2020.
    """

    def forward(self, a: Array, h: Array, d: Array | None = None) -> None:
        np.minimum(a, 20, out=h)  # above 20, t rounds to 1; w² would overflow
        np.exp(h, out=h)  # w = exp a
        if d is not None:
            np.add(h, 1, out=d)
            np.divide(h, d, out=d)
            d *= a  # a σ(a)
        h *= h + 2  # n = w (w + 2)
        h /= h + 2  # t = tanh(ln(1 + w)) = n / (n + 2)
        if d is not None:
            d -= d * h * h
            d += h  # g'(a) = t + a σ(a) (1 - t²)
        h *= a  # g(a) = a t


# The names, for type checkers. A test compares them with the registry.
ActivationName = Literal[
    "identity",
    "logistic",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
]
ACTIVATIONS: dict[str, type[Activation]] = {
    "identity": Identity,
    "logistic": Logistic,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "mish": Mish,
}
