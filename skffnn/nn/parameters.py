"""The parameters θ = (W(1) … W(L+1), b(1) … b(L+1)) as one vector.

This module also has their initial values, and the penalties Ω(θ) on the weights.

The rows of X are samples, so W(k) is the transpose of the matrix in the lecture notes.
Its shape is (D(k-1), D(k)): rows for the neurons of layer k-1, columns for those of
layer k.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from .arrays import Array, in_cache, number


class Parameters:
    """A parameter vector, with W(k) and b(k) as views of it.

    It stores θ, its gradient or an optimiser's moment. All weights come before all
    biases, so that the penalty, which excludes the biases, applies to one slice.

    Attributes
    ----------
    sizes : tuple of int
        D(0) … D(L+1), the layer sizes from input to output.
    vector : ndarray of shape (..., n_parameters)
        All of θ; zeros by default.
    weights : ndarray of shape (..., n_weights)
        View of all weights in `vector`, to which the penalty applies.
    W : list of ndarray of shape (..., D(k-1), D(k)), k = 1 … L+1
        Weights, as views of `vector`.
    b : list of ndarray of shape (..., 1, D(k)), k = 1 … L+1
        Biases, as views of `vector` that broadcast over the samples.

    Examples
    --------
    >>> theta = Parameters([2, 3, 1])
    >>> [W.shape for W in theta.W], [b.shape for b in theta.b]
    ([(2, 3), (3, 1)], [(1, 3), (1, 1)])
    >>> theta.W[0][...] = 1
    >>> theta.vector
    array([1., 1., 1., 1., 1., 1., 0., 0., 0., 0., 0., 0., 0.])
    """

    def __init__(
        self, sizes: Sequence[int], vector: Array | None = None, dtype: Any = np.float64
    ) -> None:
        self.sizes = tuple(sizes)
        layers = layers_of(self.sizes)
        n_parameters = layers[-1][0].stop
        if vector is None:
            vector = np.zeros(n_parameters, dtype)
        if vector.shape[-1] != n_parameters:
            raise ValueError(f"got {vector.shape[-1]} of {n_parameters} parameters.")
        views = [
            vector[..., part].reshape(*vector.shape[:-1], *shape)
            for part, shape in layers
        ]
        n_layers = len(sizes) - 1
        self.vector = vector
        self.W = views[:n_layers]
        self.b = views[n_layers:]
        self.weights = vector[..., : layers[n_layers - 1][0].stop]

    def __reduce__(self) -> tuple[Any, ...]:
        # W and b of a copy must be views of its own vector.
        return Parameters, (self.sizes, self.vector)

    @classmethod
    def zeros_like(cls, theta: "Parameters") -> "Parameters":
        """Return zeros with the same shapes and dtype as other parameters."""
        return cls(theta.sizes, np.zeros_like(theta.vector))


# -------------------------------------------------------------------- initial values


@lru_cache
def layers_of(sizes: tuple[int, ...]) -> list[tuple[slice, tuple[int, int]]]:
    """Return the part of θ, and the shape, of each W(k) and then of each b(k)."""
    shapes = [*pairwise(sizes), *((1, n_out) for n_out in sizes[1:])]
    ends = [0, *accumulate(n_in * n_out for n_in, n_out in shapes)]
    return [*zip(map(slice, ends, ends[1:]), shapes, strict=True)]


@runtime_checkable
class Initializer(Protocol):
    """Interface of a weight initialiser.

    An optional method `rates(sizes)` returns learning-rate multipliers, one pair for
    W(k) and b(k) per layer. They do not apply to decoupled weight decay or L-BFGS.
    """

    def draw(
        self, random_state: np.random.RandomState, n_in: int, n_out: int, gain: float
    ) -> tuple[Array, Array]:
        """Draw the initial W(k) and b(k) of one layer.

        Parameters
        ----------
        random_state : RandomState
            The random number generator.
        n_in, n_out : int
            D(k-1) and D(k).
        gain : float
            Scale factor of the layer's activation function; the output layer uses that
            of the last hidden layer.

        Returns
        -------
        W : ndarray of shape (n_in, n_out)
            Weights.
        b : ndarray of shape (n_out,)
            Biases.
        """


class GlorotUniform:
    """U(-r, r) with r = gain √(6 / (n_in + n_out)), for weights and biases.

    References
    ----------
    Glorot & Bengio, *Understanding the difficulty of training deep feedforward
    neural networks*, AISTATS 2010. Biases are drawn too, as in `MLPClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from skffnn.nn.parameters import GlorotUniform
    >>> W, b = GlorotUniform().draw(np.random.RandomState(0), 100, 50, gain=1.0)
    >>> W.shape, b.shape, bool(np.abs(W).max() < 0.2)
    ((100, 50), (50,), True)
    """

    def draw(
        self, random_state: np.random.RandomState, n_in: int, n_out: int, gain: float
    ) -> tuple[Array, Array]:
        r = gain * np.sqrt(6 / (n_in + n_out))
        return (
            random_state.uniform(-r, r, (n_in, n_out)),
            random_state.uniform(-r, r, n_out),
        )


@dataclass(frozen=True)
class FanScaled:
    """Weights with variance numerator / n_in, and zero biases.

    Parameters
    ----------
    numerator : float
        The variance is numerator / n_in.
    mean_fan : bool, default=False
        As in Glorot's initialisation, divide by (n_in + n_out) / 2 instead of n_in, and
        multiply by gain².
    normal : bool, default=True
        Draw from a normal instead of a uniform distribution.

    References
    ----------
    He, Zhang, Ren & Sun, *Delving deep into rectifiers*, ICCV 2015, for variance
    2 / n_in.

    LeCun, Bottou, Orr & Müller, *Efficient BackProp*, 1998, for 1 / n_in.

    Examples
    --------
    >>> from skffnn import FFNNClassifier
    >>> from skffnn.nn.parameters import FanScaled
    >>> model = FFNNClassifier(weight_init=FanScaled(0.1))
    """

    numerator: float
    mean_fan: bool = False
    normal: bool = True

    def draw(
        self, random_state: np.random.RandomState, n_in: int, n_out: int, gain: float
    ) -> tuple[Array, Array]:
        variance = self.numerator / n_in
        if self.mean_fan:
            variance = gain**2 * self.numerator / ((n_in + n_out) / 2)
        sigma = np.sqrt(variance)
        if self.normal:
            W = random_state.normal(0, sigma, (n_in, n_out))
        else:
            r = np.sqrt(3) * sigma  # U(-r, r) has variance r² / 3
            W = random_state.uniform(-r, r, (n_in, n_out))
        return W, np.zeros(n_out)


@dataclass(frozen=True)
class NTK:
    """N(0, 1 / n_in) weights and N(0, 1) biases, with learning-rate multipliers.

    This is the neural tangent parametrisation, a(k) = h(k-1) V / √n_in + b with V and b
    from N(0, 1), rewritten with W = V / √n_in. The step size of Adam does not depend on
    the scale of the gradient, so a step of η in V is a step of η / √n_in in W. One
    learning rate then suits layers of any width; 0.04 is a good choice.

    Parameters
    ----------
    first_rate : float, default=6.0
        Learning-rate multiplier of W(1). A large value lets the network learn quickly
        which features matter.
    bias_rate : float, default=0.1
        Learning-rate multiplier of the biases.

    References
    ----------
    Jacot, Gabriel & Hongler, *Neural tangent kernel: convergence and generalization in
    neural networks*, NeurIPS 2018.

    Holzmüller, Grinsztajn & Steinwart, *Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data*, NeurIPS 2024, for the multipliers. In that paper,
    each feature has a learned scale, with six times the learning rate.

    Examples
    --------
    >>> from skffnn import NTK, FFNNClassifier
    >>> model = FFNNClassifier(weight_init=NTK(first_rate=1.0), learning_rate_init=0.04)
    >>> NTK().rates([4, 25, 1])  # of a network with 4 features and 25 neurons
    [(3.0, 0.1), (0.2, 0.1)]
    """

    first_rate: float = 6.0
    bias_rate: float = 0.1

    def draw(
        self, random_state: np.random.RandomState, n_in: int, n_out: int, gain: float
    ) -> tuple[Array, Array]:
        W = random_state.normal(0, n_in**-0.5, (n_in, n_out))
        return W, random_state.normal(size=n_out)

    def rates(self, sizes: Sequence[int]) -> list[tuple[float, float]]:
        of_W = [n_in**-0.5 for n_in in sizes[:-1]]
        of_W[0] *= self.first_rate
        return [(rate, self.bias_rate) for rate in of_W]


# The names, for type checkers.
InitializerName = Literal[
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "ntk",
]
# He et al., *Delving deep into rectifiers*, ICCV 2015: variance 2 / n_in.
# LeCun, Bottou, Orr & Müller, *Efficient BackProp*, 1998: variance 1 / n_in.
INITIALIZERS: dict[str, Initializer] = {
    "glorot_uniform": GlorotUniform(),
    "glorot_normal": FanScaled(1, mean_fan=True),
    "he_uniform": FanScaled(2, normal=False),
    "he_normal": FanScaled(2),
    "lecun_uniform": FanScaled(1, normal=False),
    "lecun_normal": FanScaled(1),
    "ntk": NTK(),
}


def initialise(
    sizes: Sequence[int],
    initializer: Initializer,
    gains: Sequence[float],
    random_state: np.random.RandomState,
) -> Parameters:
    """Draw initial parameters layer by layer, W(k) before b(k).

    `gains` has the scale factor of each of the L+1 layers. Values are drawn in float64,
    so that float32 and float64 training start from the same point.
    """
    theta = Parameters(sizes)
    for W, b, gain in zip(theta.W, theta.b, gains, strict=True):
        n_in, n_out = W.shape
        W[...], b[...] = initializer.draw(random_state, n_in, n_out, gain)
    return theta


def rates_of(theta: Parameters, initializer: Initializer) -> Array | None:
    """Return the learning-rate multiplier of each parameter, of shape (n_parameters,).

    It is None if the initialiser has none.
    """
    of_layers = getattr(initializer, "rates", None)
    if of_layers is None:
        return None
    rates = Parameters(theta.sizes, dtype=theta.vector.dtype)
    for k, (of_W, of_b) in enumerate(of_layers(theta.sizes)):
        rates.W[k][...] = of_W
        rates.b[k][...] = of_b
    return rates.vector


# ------------------------------------------------------------------------- penalties


@runtime_checkable
class Penalty(Protocol):
    """Interface of a penalty Ω(θ), which is α Ω(θ) in J(θ).

    It receives the weights of all layers as one vector, without the biases; for a stack
    of networks, a matrix with one row for each.
    """

    def value(self, W: Array) -> Any:
        """Return Ω.

        Parameters
        ----------
        W : ndarray of shape (..., n_weights)
            The weights of all layers.

        Returns
        -------
        omega : float or ndarray of shape (...)
            The penalty, before it is multiplied by α.
        """

    def add_gradient(self, W: Array, alpha: Any, grad: Array) -> None:
        """Add α ∂Ω/∂W to `grad`.

        Parameters
        ----------
        W : ndarray of shape (..., n_weights)
            The weights of all layers.
        alpha : float or ndarray of shape (..., 1)
            The factor α.
        grad : ndarray of shape (..., n_weights)
            Changed in place. It may be `W` itself, for a step of weight decay.
        """


class L2:
    """L2 regularisation, Ω(θ) = ½ Σ_k ‖W(k)‖²_F.

    Examples
    --------
    >>> import numpy as np
    >>> from skffnn import L2
    >>> W, grad = np.array([3.0, -4.0]), np.zeros(2)
    >>> L2().value(W)
    12.5
    >>> L2().add_gradient(W, 0.1, grad)
    >>> print(grad)
    [ 0.3 -0.4]
    """

    def value(self, W: Array) -> Any:
        return 0.5 * number(np.vecdot(W, W))  # ½ Σ w²

    def add_gradient(self, W: Array, alpha: Any, grad: Array) -> None:
        for w, g in in_cache(W, grad):
            g += alpha * w  # ∂Ω/∂w = w


PenaltyName = Literal["l2"]  # for type checkers
PENALTIES: dict[str, type[Penalty]] = {"l2": L2}
