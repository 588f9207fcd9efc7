"""A fitted network as a value, and attributes of estimators that are read from it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from operator import attrgetter
from typing import Any, Generic, Self, TypeVar, overload

import numpy as np

from .data.batches import by_blocks
from .nn.activations import Activation
from .nn.arrays import Array
from .nn.network import Network
from .nn.parameters import Parameters
from .optim.progress import Progress, copied
from .optim.training import CHECKED_ROWS, Training

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted network: all that predicts, and all that continues training.

    Attributes
    ----------
    theta : Parameters
        The θ that was kept, in the dtype of the model.
    activations : tuple of Activation
        g of each hidden layer.
    targets : Targets
        The classes, or the scaling of numbers, with the output map and the loss.
    progress : Progress
        The curves, and what continues training.
    """

    theta: Parameters
    activations: tuple[Activation, ...]
    targets: Any
    progress: Progress

    @classmethod
    def from_training(cls, training: Training) -> Self:
        """Return the network as if training ended now.

        It shares no memory with training that is not over.

        Raises
        ------
        ValueError
            If the parameters, or the logits of some rows, are not finite.
        """
        progress = training.progress
        targets = training.rows.targets
        with np.errstate(over="ignore"):  # the check below raises a clearer error
            theta = progress.kept(targets.features, training.dtype)
        if not np.isfinite(theta.vector).all():
            raise training.diverged("a parameter")
        progress = progress if training.is_over else progress.copy()
        given = training.plan.random_state
        if not isinstance(given, Integral):  # the stream may be the user's own
            progress.random_state = copied(progress.random_state)
        progress.n_iter = training.n_iter
        if progress.order is not None:
            smallest = np.min_scalar_type(progress.order.max())
            progress.order = progress.order.astype(smallest)
        activations = tuple(training.plan.activations)
        x = training.rows.head(CHECKED_ROWS)
        with np.errstate(all="ignore"):
            chosen = Parameters(theta.sizes, progress.chosen().astype(training.dtype))
            network = Network(chosen.W, chosen.b, activations)
            a = network.forward(x.astype(training.dtype, copy=False))
        if not np.isfinite(a).all():
            raise training.diverged("the output of the network")
        return cls(theta, activations, targets, progress)

    # ---------------------------------------------------------------- prediction

    def network(self, dtype: Any) -> Network:
        """Return the network in a dtype, with buffers of its own."""
        theta = self.theta
        if theta.vector.dtype != dtype:
            theta = Parameters(theta.sizes, theta.vector.astype(dtype))
        return Network(theta.W, theta.b, self.activations)

    def logits(self, X: Any, finish: Callable[[Array], Array] = lambda a: a) -> Array:
        """Return the outputs of the last layer, in the type of X.

        The network computes in the wider of the types of X and θ, a block of rows at a
        time. `finish` turns a block of outputs, which may be overwritten, into rows of
        the result.
        """
        network = self.network(np.result_type(X.dtype, self.theta.vector.dtype))

        def of_block(x: Any) -> Array:
            a = network.forward(x).astype(X.dtype, copy=False)
            return finish(check_finite(a))

        return by_blocks(of_block, X, network)

    def hidden_features(self, X: Any, layer: int) -> Array:
        """Return the activations of a hidden layer, in the type of X."""
        network = self.network(np.result_type(X.dtype, self.theta.vector.dtype))

        def of_block(x: Any) -> Array:
            network.forward(x)
            h = network.buffers(x.shape[0]).h[layer]
            return check_finite(h.astype(X.dtype, copy=False))

        return by_blocks(of_block, X, network)

    # ---------------------------------------------------------------- attributes

    @property
    def coefs(self) -> "Layers":
        """W(1) … W(L+1), as views of θ."""
        return Layers(self.theta.W)

    @property
    def intercepts(self) -> "Layers":
        """b(1) … b(L+1), as views of θ."""
        return Layers(b[0] for b in self.theta.b)

    @property
    def n_layers(self) -> int:
        """L + 2."""
        return len(self.theta.sizes)

    @property
    def loss(self) -> float:
        """Training loss of the last epoch; NaN before the first."""
        curve = self.progress.loss_curve
        return curve[-1] if curve else np.nan

    @property
    def best_loss(self) -> float | None:
        """Lowest training loss; None with a validation set."""
        progress = self.progress
        return None if progress.validated else min(progress.loss_curve, default=np.inf)

    @property
    def best_validation_score(self) -> float | None:
        """Validation score of θ; None without a validation set."""
        return self.progress.best_score if self.progress.validated else None

    @property
    def validation_scores(self) -> list[float] | None:
        """Score on the validation set after each epoch; None without one."""
        return self.progress.validation_scores if self.progress.validated else None

    @property
    def validation_loss_curve(self) -> list[float] | None:
        """Loss on the validation set after each epoch; None without one."""
        progress = self.progress
        return progress.validation_loss_curve if progress.validated else None

    def without_training(self) -> Self:
        """Return a network with the same predictions and curves, without the rest."""
        light = replace(
            self.progress,
            theta=self.theta,
            random_state=np.random.RandomState(0),
            dropout_rng=None,
            dtype=None,
            split_state=None,
            order=None,
            solver="",
            optimizer={},
            best_theta=None,
        )
        return replace(self, progress=light)


class Layers(list[Array]):
    """The arrays of all layers, as views of θ; assigning one writes into θ."""

    def __init__(self, views: Iterable[Array]) -> None:
        super().__init__(views)

    def __setitem__(self, layer: Any, values: Any) -> None:
        if isinstance(layer, slice):
            for view, of_layer in zip(self[layer], values, strict=True):
                view[...] = of_layer
        else:
            self[layer][...] = values

    def __reduce__(self) -> tuple[Any, ...]:
        return list, ([*self],)


def check_finite(values: Array) -> Array:
    """Return logits or activations; raise if one, or a difference, is not finite."""
    if not np.isfinite(2 * values).all():
        raise ValueError(
            "X has values so large that the output of the network is not finite. "
            "Scale the features in the same way as the training rows."
        )
    return values


class FittedAttribute(Generic[Value]):
    """An attribute of an estimator that is read from its `fitted_` at each access.

    `path` is the dotted name of the value in `Fitted`. A value that is stored there can
    be assigned; one that is computed cannot.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.read = attrgetter(path)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, estimator: None, owner: type) -> Self: ...
    @overload
    def __get__(self, estimator: object, owner: type) -> Value: ...
    def __get__(self, estimator: Any, owner: type) -> Any:
        if estimator is None:
            return self
        return self.read(self._fitted_of(estimator))

    def __set__(self, estimator: Any, value: Value) -> None:
        fitted = self._fitted_of(estimator)
        parent, _, name = self.path.rpartition(".")
        try:
            setattr(attrgetter(parent)(fitted) if parent else fitted, name, value)
        except AttributeError:
            raise AttributeError(
                f"{self.name} cannot be assigned: it follows from the fitted network."
            ) from None

    def _fitted_of(self, estimator: Any) -> Fitted:
        fitted: Fitted | None = vars(estimator).get("fitted_")
        if fitted is None:
            raise AttributeError(
                f"This {type(estimator).__name__} has no attribute {self.name!r}: it "
                "is not fitted. To start from given weights, pass coef_init and "
                "intercept_init to fit."
            )
        return fitted


class LayersAttribute(FittedAttribute[list[Array]]):
    """`coefs_` or `intercepts_`; assigning a list gives the estimator another θ."""

    def __set__(self, estimator: Any, value: Sequence[Any]) -> None:
        fitted = self._fitted_of(estimator)
        theta = Parameters(fitted.theta.sizes, fitted.theta.vector.copy())
        changed = replace(fitted, theta=theta)
        views = self.read(changed)
        shapes = [view.shape for view in views]
        if [np.shape(layer) for layer in value] != shapes:
            raise ValueError(
                f"{self.name} must be a list of arrays of shapes {shapes}, got shapes "
                f"{[np.shape(layer) for layer in value]}."
            )
        views[:] = value
        estimator.fitted_ = changed
