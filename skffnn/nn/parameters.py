"""The parameters θ = (W(1) … W(L+1), b(1) … b(L+1)) as one vector.

The rows of X are samples, so W(k) here is the transpose of the lecture's: its
shape is (D(k-1), D(k)), rows for the neurons that the weights come from, columns
for those that they go to. This is the one place that says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .arrays import Array


class Parameters:
    """A vector with the shape of θ, and its parts W(k) and b(k) as views.

    θ itself, its gradient and the moments of an optimiser are all such vectors.
    The weights come first and the biases after them, so that the penalty, which
    leaves the biases alone, sees one contiguous piece.

    Parameters
    ----------
    sizes : sequence of int
        D(0) … D(L+1), the width of each layer from input to output.
    vector : ndarray of shape (..., n_parameters), default=None
        The values; None makes a vector of zeros.
    dtype : dtype, default=float64
        The type of a vector that is made here.

    Attributes
    ----------
    vector : ndarray of shape (..., n_parameters)
        All of θ.
    weights : ndarray of shape (..., n_weights)
        The part of `vector` that the penalty applies to, a view.
    W : list of ndarray of shape (..., D(k-1), D(k)), k = 1 … L+1
        Weights, views of `vector`.
    b : list of ndarray of shape (..., 1, D(k)), k = 1 … L+1
        Biases, views of `vector`, as rows that broadcast over the samples.

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
        shapes = [*pairwise(sizes)]
        shapes += [(1, n_out) for n_out in sizes[1:]]
        ends = np.cumsum([n_in * n_out for n_in, n_out in shapes])
        if vector is None:
            vector = np.zeros(ends[-1], dtype)
        parts = np.split(vector, ends[:-1], axis=-1)
        views = [
            part.reshape(*vector.shape[:-1], *shape)
            for part, shape in zip(parts, shapes, strict=True)
        ]
        n_layers = len(sizes) - 1
        self.sizes = tuple(sizes)
        self.vector = vector
        self.W = views[:n_layers]
        self.b = views[n_layers:]
        self.weights = vector[..., : ends[n_layers - 1]]

    @classmethod
    def zeros_like(cls, theta: "Parameters") -> "Parameters":
        """Make a vector of zeros with the shape and the type of another.

        Parameters
        ----------
        theta : Parameters
            The other one.

        Returns
        -------
        zeros : Parameters
            Room for a gradient, for example.
        """
        return cls(theta.sizes, np.zeros_like(theta.vector))

    @classmethod
    def from_arrays(
        cls, coefs: Sequence[Array], intercepts: Sequence[Array]
    ) -> "Parameters":
        """Join weights and biases, of shapes (n_in, n_out) and (n_out,).

        Parameters
        ----------
        coefs : sequence of ndarray of shape (D(k-1), D(k))
            Weights of each layer.
        intercepts : sequence of ndarray of shape (D(k),)
            Biases of each layer.

        Returns
        -------
        theta : Parameters
            A copy of the values.
        """
        parts = [np.ravel(part) for part in (*coefs, *intercepts)]
        sizes = [len(coefs[0]), *(len(b) for b in intercepts)]
        return cls(sizes, np.concatenate(parts))


@runtime_checkable
class Initializer(Protocol):
    """How the parameters of one layer are drawn.

    A method `rates(sizes)`, if there is one, returns factors on the learning rate: for
    each layer a pair, for W(k) and for b(k). Decoupled weight decay keeps to the common
    rate, and L-BFGS has none.
    """

    def draw(
        self, random_state: np.random.RandomState, n_in: int, n_out: int, gain: float
    ) -> tuple[Array, Array]:
        """Draw W(k) and b(k).

        Parameters
        ----------
        random_state : RandomState
            Where the numbers come from.
        n_in, n_out : int
            D(k-1) and D(k).
        gain : float
            Factor on the scale, of the activation function of the layer; the output
            layer has that of the last hidden one.

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
    neural networks*, AISTATS 2010. Drawing the biases too is `MLPClassifier`'s way.

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
    """Weights of variance numerator / n_in, biases 0.

    Parameters
    ----------
    numerator : float
        The variance is numerator / n_in.
    mean_fan : bool, default=False
        Divide by (n_in + n_out) / 2 and not by n_in, and multiply by gain²: both are
        Glorot's.
    normal : bool, default=True
        Draw from a normal distribution and not from a uniform one.

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
    """N(0, 1 / n_in) weights and N(0, 1) biases, with learning rates that suit them.

    It is the neural tangent parametrisation, a(k) = h(k-1) V / √n_in + b with V and b
    from N(0, 1), multiplied out: W = V / √n_in. A step of Adam, which is as long
    whatever the scale of the gradient, moves V by η, and so must move W by η / √n_in.
    So one learning rate suits layers of all widths; 0.04 is a good one.

    Parameters
    ----------
    first_rate : float, default=6.0
        Factor on the learning rate of W(1): with a large one, features that matter soon
        outweigh those that do not.
    bias_rate : float, default=0.1
        Factor on the learning rate of the biases.

    References
    ----------
    Jacot, Gabriel & Hongler, *Neural tangent kernel: convergence and generalization in
    neural networks*, NeurIPS 2018.

    Holzmüller, Grinsztajn & Steinwart, *Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data*, NeurIPS 2024, for the rates; there the first layer
    has a factor for each feature, which learns six times as fast.

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
    """Draw initial parameters, layer after layer, W(k) before b(k).

    Parameters
    ----------
    sizes : sequence of int
        D(0) … D(L+1).
    initializer : Initializer
        How a layer is drawn.
    gains : sequence of float
        One factor per layer, L+1 in all.
    random_state : RandomState
        Where the numbers come from; always drawn in float64, so that the same seed
        starts float32 and float64 training from the same point.

    Returns
    -------
    theta : Parameters
        The starting point.
    """
    theta = Parameters(sizes)
    for W, b, gain in zip(theta.W, theta.b, gains, strict=True):
        n_in, n_out = W.shape
        W[...], b[...] = initializer.draw(random_state, n_in, n_out, gain)
    return theta


def rates_of(theta: Parameters, initializer: Initializer) -> Array | None:
    """Return the factors on the learning rate that an initialiser asks for.

    Parameters
    ----------
    theta : Parameters
        θ, for its layers and its type.
    initializer : Initializer
        What says the rates.

    Returns
    -------
    rates : ndarray of shape (n_parameters,) or None
        A factor for each parameter; None if one rate for all is asked for.
    """
    of_layers = getattr(initializer, "rates", None)
    if of_layers is None:
        return None
    rates = Parameters(theta.sizes, dtype=theta.vector.dtype)
    for k, (of_W, of_b) in enumerate(of_layers(theta.sizes)):
        rates.W[k][...] = of_W
        rates.b[k][...] = of_b
    return rates.vector
