"""Base class of the averages: folds, copies, and settings for the number of rows."""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any, ClassVar

import numpy as np
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import has_fit_parameter

from ..data.dataset import Dataset
from ..fitting.plan import activations_of
from ..nn.activations import ACTIVATIONS
from ..nn.arrays import Array, canonical
from ..nn.network import Network
from ..typing import NJobs, NNetworks, Verbose
from ..utils.checks import (
    DTYPES,
    InvalidParameterError,
    check_choice,
    check_number,
    check_weights,
    validate_data,
)
from ..utils.types import BaseEstimator, RandomState
from .folds import CrossFit, Folds, fit_copies

# n_networks="auto": each network of a large table is trained on more rows than a small
# table has, and four of them have taken as long as eight on a small one.
MANY, FEW, LARGE = 8, 4, 10_000

# The models in blend_with are trained for at most four of the folds. On huge tables,
# they are trained once, on at most this many rows.
MOST_COPIES, HUGE, MOST_BLENDED = 4, 50_000, 100_000

Output = Callable[[Any, Any], Array]


class Averaged(MetaEstimatorMixin, BaseEstimator):
    """Base class of averages of networks, each validated on its own fold.

    A subclass has the parameters below. It sets `_network`, the class of the default
    network, and `_method`, the method that models in `blend_with` must have.
    """

    _network: ClassVar[type]
    _method: ClassVar[str]

    estimator: Any
    n_networks: NNetworks
    blend_with: Sequence[Any] | None
    planned_for: int | None
    n_jobs: NJobs
    random_state: RandomState
    verbose: Verbose

    estimators_: list[Any]
    blended_: list[list[Any]]
    blend_weights_: Array
    n_features_in_: int
    feature_names_in_: Array

    def _checked_estimator(self) -> Any:
        """Return the network to train; raise if a parameter is invalid."""
        if self.n_networks != "auto":
            check_number("n_networks", self.n_networks, 2, integer=True)
        for name in ("planned_for", "blend_classes"):
            if getattr(self, name, None) is not None:
                check_number(name, getattr(self, name), 1, integer=True)
        if isinstance(self.n_jobs, str):
            check_choice("n_jobs", self.n_jobs, ["auto"], " or an integer")
        base = self._network() if self.estimator is None else self.estimator
        if not has_fit_parameter(base, "X_val"):
            raise InvalidParameterError(
                "estimator must accept validation data, X_val and y_val, in fit, as "
                f"{self._network.__name__} does, got {base!r}."
            )
        for model in self.blend_with or ():
            if not hasattr(model, self._method):
                raise InvalidParameterError(
                    f"blend_with must be estimators with {self._method}, got {model!r}."
                )
        return base

    def _checked_rows(
        self, X: Any, y: Any, sample_weight: Any, **options: Any
    ) -> Dataset:
        """Return the rows of non-zero weight."""
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=DTYPES, multi_output=True, **options
        )
        y = canonical(y)
        weights = check_weights(sample_weight, X.shape[0], "sample_weight")
        if weights is not None:
            counted = weights > 0
            X, y, weights = X[counted], y[counted], weights[counted]
        return Dataset(X, y, weights)

    def _train(
        self,
        base: Any,
        data: Dataset,
        strata: Array,
        output: Output,
        other_output: Output,
        *,
        blends: bool,
    ) -> tuple[CrossFit, list[CrossFit]]:
        """Train the networks and the models in `blend_with` on all folds but one.

        Parameters
        ----------
        base : estimator
            The network.
        data : Dataset
            All rows.
        strata : ndarray of int of shape (n_rows,)
            The class of each row, by which the folds are stratified.
        output, other_output : callable
            Functions of a fitted network or other model, and of rows, that return its
            output for them.
        blends : bool
            Whether to train the models in `blend_with`.

        Returns
        -------
        networks : CrossFit
            The networks.
        others : list of CrossFit
            The other models.
        """
        n_rows, n = data.n_rows, self.n_networks
        random_state = check_random_state(self.random_state)
        if n == "auto":
            n = MANY if n_rows <= LARGE else FEW
        folds = Folds.stratified(data, strata, int(n), random_state)
        seeds = random_state.randint(2**31 - 1, size=n)
        network = planned(base, n_rows, self.planned_for)
        networks = CrossFit(folds, network, seeds, output)
        others = []
        if blends and (folds.number >= 0).any():
            others = [
                CrossFit(
                    folds,
                    model,
                    seeds,
                    other_output,
                    n_copies=min(folds.n, MOST_COPIES) if n_rows <= HUGE else 1,
                    most_rows=MOST_BLENDED,
                )
                for model in self.blend_with or ()
            ]
        fit_copies([networks, *others], self.n_jobs, self.verbose)
        return networks, others

    def _stacked(self, dtype: Any) -> Network | None:
        """Return the networks as one stack, or None if they cannot be stacked.

        They can if they have the same layers and are of this package. The stack
        computes in the given dtype, or in that of the weights if it is wider.
        """
        networks = self.estimators_
        if not all(type(network) is self._network for network in networks):
            return None
        shapes = [[W.shape for W in network.coefs_] for network in networks]
        names = {str(network.activation) for network in networks}
        if any(shapes[0] != s for s in shapes) or len(names) > 1:
            return None
        activations = activations_of(networks[0].activation, len(shapes[0]) - 1)
        if not all(type(g) in ACTIVATIONS.values() for g in activations):
            return None
        dtype = np.result_type(dtype, networks[0].coefs_[0].dtype)
        weights = zip(*(network.coefs_ for network in networks), strict=True)
        biases = zip(*(network.intercepts_ for network in networks), strict=True)
        W = [np.array(of_layer, dtype=dtype) for of_layer in weights]
        b = [np.array(of_layer, dtype=dtype)[:, np.newaxis] for of_layer in biases]
        return Network(W, b, activations)

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        # Pickled by an earlier version, which had networks only.
        self.__dict__.setdefault("blend_with", None)
        self.__dict__.setdefault("planned_for", None)
        self.__dict__.setdefault("verbose", 0)


def planned(network: Any, n_rows: int, planned_for: int | None) -> Any:
    """Return a network with its training schedule scaled to the number of rows.

    With r times the rows that its parameters are meant for, it is trained for √r times
    fewer epochs. If r > 1, batches are √r times as large, so that the number of steps
    stays the same, and the learning rate grows with the square root of the batch size.
    If r < 1, only the number of epochs changes: it grows.

    Parameters
    ----------
    network : FFNNClassifier
        The network.
    n_rows : int
        Number of rows of the table.
    planned_for : int or None
        The number of rows that its parameters are meant for; None changes nothing.

    Returns
    -------
    network : FFNNClassifier
        An unfitted copy.

    References
    ----------
    Malladi, Lyu, Panigrahi & Arora, *On the SDEs and scaling rules for adaptive
    gradient algorithms*, NeurIPS 2022: the square-root scaling rule of Adam.
    """
    network = clone(network)
    if planned_for is None:
        return network
    root = sqrt(n_rows / planned_for)
    growth = max(root, 1)  # of a batch
    size = network.batch_size
    return network.set_params(
        max_iter=max(1, round(network.max_iter / root)),
        batch_size=round(size * growth) if size != "auto" else size,
        learning_rate_init=network.learning_rate_init * sqrt(growth),
    )
