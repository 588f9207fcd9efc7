"""The operations of a training step, counted to detect changes that slow it down.

The bounds are the current numbers. Raise one only if a measurement shows that the new
operation is worth it.
"""

from collections import Counter

import numpy as np
import pytest

from skffnn.nn.activations import ReLU
from skffnn.nn.arrays import BLOCK
from skffnn.nn.losses import LogisticOutput, Softmax
from skffnn.nn.network import Network
from skffnn.nn.objective import Objective
from skffnn.nn.parameters import L2, Parameters
from skffnn.optim.optimizers import SGD, Adam, AdamW

ROWS, FEATURES, HIDDEN, CLASSES = 60, 7, 11, 3


class Watched(np.ndarray):
    """An array that records all operations in which it takes part."""

    calls = None  # (name, elements of the largest operand, newly allocated elements)

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        plain = [np.asarray(x) if isinstance(x, Watched) else x for x in inputs]
        if out is not None:
            kwargs["out"] = tuple(np.asarray(x) for x in out)
        result = getattr(ufunc, method)(*plain, **kwargs)
        made = 0 if out is not None else np.size(result)
        largest = max(np.size(x) for x in (*inputs, result))
        Watched.calls.append((ufunc.__name__, largest, made))
        return out[0] if out is not None else np.asarray(result).view(Watched)

    def dot(self, other, out):
        np.asarray(self).dot(np.asarray(other), np.asarray(out))
        largest = max(self.size, other.size, out.size)
        Watched.calls.append(("dot", largest, 0))


def step_calls(optimizer, loss, n_outputs, *, rows=ROWS, hidden=(HIDDEN,)):
    """Return the operations of one step, as in `Watched.calls`."""
    rng = np.random.default_rng(0)
    sizes = [FEATURES, *hidden, n_outputs]

    def watched(*shape):
        return rng.standard_normal(shape).astype(np.float32).view(Watched)

    n_parameters = Parameters(sizes).vector.size
    theta = Parameters(sizes, watched(n_parameters))
    grad = Parameters(sizes, watched(n_parameters))
    network = Network(theta.W, theta.b, [ReLU()] * len(hidden))
    objective = Objective(theta, network, loss, L2(), alpha=1e-4)
    work = network.buffers(rows)
    for name in ("a", "h", "d"):
        setattr(work, name, [array.view(Watched) for array in getattr(work, name)])
    work.ones = work.ones.view(Watched)
    state = optimizer.init(theta.vector)
    batch = watched(rows, FEATURES), watched(rows, n_outputs), watched(rows, 1)
    Watched.calls = []
    objective.data_term(batch, grad)
    if optimizer.decoupled:
        objective.decay(0.1)
    else:
        objective.penalty_term(grad)
    theta.vector += optimizer.update(grad.vector, state, 0.1)
    return Watched.calls


def test_the_products_of_a_step_are_those_of_backpropagation():
    names = Counter(name for name, _, _ in step_calls(Adam(), Softmax(), CLASSES))
    # h W twice, hᵀ δ twice, δ Wᵀ once, and 1ᵀ δ twice.
    assert names["dot"] == 7


def test_a_hidden_layer_is_gone_through_four_times():
    calls = step_calls(Adam(), Softmax(), CLASSES, rows=500)
    passes = [name for name, largest, _ in calls if largest == 500 * HIDDEN]
    elementwise = [name for name in passes if name != "dot"]
    # + b, a > 0, a ⊙ g', and δ ⊙ g' in the backward pass.
    assert sorted(elementwise) == ["add", "greater", "multiply", "multiply"]


@pytest.mark.parametrize(
    ("optimizer", "passes"),
    [(SGD(momentum=0), 2), (SGD(), 6), (Adam(), 10), (AdamW(), 10)],
    ids=lambda x: type(x).__name__,
)
def test_an_optimiser_goes_through_the_parameters_a_known_number_of_times(
    optimizer, passes
):
    theta = np.ones(50, np.float32).view(Watched)
    state = optimizer.init(theta)
    Watched.calls = []
    theta += optimizer.update(np.ones_like(theta), state, 0.1)
    assert [largest for _, largest, _ in Watched.calls] == [50] * passes


def test_the_penalty_goes_through_the_weights_three_times():
    W, grad = (np.ones(50, np.float32).view(Watched) for _ in range(2))
    Watched.calls = []
    L2().add_gradient(W, 0.1, grad)
    L2().value(W)
    assert len(Watched.calls) == 3


@pytest.mark.parametrize(
    ("loss", "n_outputs", "most"), [(Softmax(), CLASSES, 36), (LogisticOutput(), 1, 42)]
)
def test_operations_of_a_step(loss, n_outputs, most):
    assert len(step_calls(Adam(), loss, n_outputs)) <= most
    # Each additional layer adds 3 products, 1ᵀ δ and four elementwise operations.
    deeper = step_calls(Adam(), loss, n_outputs, hidden=(HIDDEN,) * 3)
    assert len(deeper) <= most + 2 * 8


@pytest.mark.parametrize(("loss", "n_outputs"), [(Softmax(), 4), (LogisticOutput(), 1)])
@pytest.mark.parametrize("optimizer", [SGD(), Adam(), AdamW()])
def test_a_step_makes_only_columns_and_blocks(loss, n_outputs, optimizer):
    calls = step_calls(optimizer, loss, n_outputs, rows=500, hidden=(400, 400))
    made = [made for _, _, made in calls if made > 1]
    columns = [size for size in made if size == 500]
    blocks = [size for size in made if size != 500]
    assert len(columns) <= 5
    n_weights = FEATURES * 400 + 400 * 400 + 400 * n_outputs
    expected = n_weights  # α w, in blocks
    if isinstance(optimizer, SGD):
        expected += n_weights + 800 + n_outputs  # μ v, likewise
    assert sum(blocks) == expected
    assert max(blocks) <= BLOCK
