"""Base class of the averages: networks trained on folds, and blended with others."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from math import inf, sqrt
from numbers import Integral
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from joblib import parallel_config
from joblib.parallel import BACKENDS, get_active_backend
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import has_fit_parameter

from ..data.batches import by_blocks
from ..data.rows import features_of
from ..data.splitting import folds_by_content
from ..estimator import FFNNEstimator
from ..fitted import check_finite
from ..fitting.train import run_alone, runner
from ..nn.activations import ACTIVATIONS
from ..nn.arrays import Array, canonical
from ..nn.network import Network
from ..nn.parameters import Parameters
from ..typing import NNetworks, Verbose
from ..utils.checks import (
    DTYPES,
    InterruptionWarning,
    InvalidParameterError,
    all_or_nothing,
    check_number,
    check_weights,
    validate_data,
)
from ..utils.types import BaseEstimator, Matrix, RandomState
from .trees import FEW_ROWS, Forest

# n_networks="auto": each network of a large table is trained on more rows than a small
# table has, and four of them have taken as long as eight on a small one.
MANY, FEW, LARGE = 8, 4, 10_000

# The models in blend_with are trained for at most four of the folds. On huge tables,
# they are trained once, on at most this many rows.
MOST_COPIES, HUGE, MOST_BLENDED = 4, 50_000, 100_000


class Rows(NamedTuple):
    """Validated rows, with weights above 0 or None."""

    X: Any
    y: Any
    weights: Array | None

    def take(self, index: Array) -> "Rows":
        """Return a copy of some rows."""
        weights = None if self.weights is None else self.weights[index]
        return Rows(self.X[index], self.y[index], weights)


class Candidate(NamedTuple):
    """A model to train on all folds but one, with a copy for each of some folds."""

    model: Any
    method: str  # of a fitted copy, to call with the rows of the held-out fold
    encode: Callable[[Any], Array]  # what the method returns, as an array of numbers
    n_copies: int
    most_rows: float = inf  # to train a copy on, drawn at random


class OutOfFold(NamedTuple):
    """The fitted copies of a model, and their outputs for rows that are new to them.

    The rows are those of the first fold, followed by those of the second fold, and so
    on, one fold for each copy. So the first rows are the same for all models.
    """

    copies: list[Any]
    out: Array
    y: Any
    weights: Array | None


def folds_of(rows: Rows, strata: Array, n: int, random_state: Any) -> Array:
    """Return the number of the fold of each row; copies of a row are in the same fold.

    A stratum that would be in one fold only is in none, with the number -1, so that all
    models are trained on it.
    """
    fold = folds_by_content(rows.X, rows.weights, strata, n, random_state)
    for stratum in np.unique(strata):
        if len(np.unique(fold[strata == stratum])) == 1:
            fold[strata == stratum] = -1
    return fold


def train_candidates(
    candidates: Sequence[Candidate],
    rows: Rows,
    fold: Array,
    seeds: Array,
    n_jobs: int | None,
    verbose: int,
) -> list[OutOfFold]:
    """Train the copies of all candidates; raise KeyboardInterrupt after Ctrl-C.

    A network that is interrupted warns and stays usable, but an average of half-trained
    networks is not useful.
    """
    tasks = [
        delayed(train_copy)(
            candidate.model,
            candidate.method,
            rows,
            fold == k,
            int(seeds[k]),
            candidate.most_rows,
        )
        for candidate in candidates
        for k in range(candidate.n_copies)
    ]
    with warnings.catch_warnings(), stacks(n_jobs):
        warnings.simplefilter("error", InterruptionWarning)
        try:
            results = iter(Parallel(verbose=verbose)(tasks))
        except InterruptionWarning:
            raise KeyboardInterrupt from None
    order = np.argsort(fold, kind="stable")[(fold < 0).sum() :]
    found = []
    for candidate in candidates:
        copies, outputs = zip(*islice(results, candidate.n_copies), strict=True)
        each = [candidate.encode(out) for out in outputs if out is not None]
        out = np.concatenate(each).astype(np.float64) if each else np.empty(0)
        known = order[: len(out)]
        weights = None if rows.weights is None else rows.weights[known]
        found.append(OutOfFold(list(copies), out, rows.y[known], weights))
    return found


def stacks(n_jobs: int | None) -> AbstractContextManager[Any]:
    """Train networks in stacks, unless the user has chosen another joblib backend.

    Inside a task of the backend, they are part of the stacks of all tasks already.
    Inside a task of another one, they are trained in a single process.
    """
    backend, n_chosen = get_active_backend()
    is_chosen = runner.get() is not run_alone or n_chosen not in (None, 1)
    if is_chosen or "skffnn" not in BACKENDS:  # which needs greenlet
        return nullcontext() if n_jobs is None else parallel_config(n_jobs=n_jobs)
    return parallel_config("skffnn", n_jobs=1 if backend.nesting_level else n_jobs)


def train_copy(
    model: Any, method: str, rows: Rows, is_held_out: Array, seed: int, most_rows: float
) -> tuple[Any, Any]:
    """Return a fitted copy, and its output for the rows that are held out, if any."""
    train, validation = np.flatnonzero(~is_held_out), rows.take(is_held_out)
    if len(train) > most_rows:
        rng = np.random.default_rng(seed)
        train = np.sort(rng.choice(train, int(most_rows), replace=False))
    X, y, weights = rows.take(train)
    model = clone(model)
    if "random_state" in model.get_params(deep=False):
        model.set_params(random_state=seed)
    # Avoid the warning about batches larger than the folds of a small table.
    if isinstance(getattr(model, "batch_size", None), Integral):
        model.set_params(batch_size=min(model.batch_size, len(train)))
    has_validation = is_held_out.any()
    fit_params = {} if weights is None else {"sample_weight": weights}
    if has_validation and has_fit_parameter(model, "X_val"):
        fit_params |= {"X_val": validation.X, "y_val": validation.y}
        if validation.weights is not None:
            fit_params["sample_weight_val"] = validation.weights
    model.fit(X, y, **fit_params)
    if isinstance(model, FFNNEstimator):  # its training ends here
        model.fitted_ = model.fitted_.without_training()
    return model, output_of(model, method, validation.X) if has_validation else None


def output_of(model: Any, method: str, X: Any) -> Any:
    """Return what a method returns, but logits instead of a network's decisions."""
    if method == "decision_function" and isinstance(model, FFNNEstimator):
        return model.fitted_.logits(X)
    return getattr(model, method)(X)


class Average(MetaEstimatorMixin, BaseEstimator):
    """Base class of averages of networks, each validated on its own fold.

    A subclass has the parameters below, sets the class variables, and says what differs
    between classes and numbers: which rows are alike (`_prepare`), what is averaged
    (`_from_networks`, `_from_others`), and how the parts are combined (`_combine`).
    """

    _network: ClassVar[type]  # the class of the default network
    _network_method: ClassVar[str]  # whose results are averaged
    _method: ClassVar[str]  # of the models in `blend_with`

    estimator: Any
    n_networks: NNetworks
    blend_with: Sequence[Any] | None
    calibrate: bool
    planned_for: int | None
    n_jobs: int | None
    random_state: RandomState
    verbose: Verbose

    estimators_: list[Any]
    blended_: list[list[Any]]
    blend_weights_: Array
    n_features_in_: int
    feature_names_in_: Array

    def _store(self, params: dict[str, Any]) -> None:
        """Set the parameters, given the local variables of `__init__`."""
        self.__dict__.update({k: v for k, v in params.items() if k != "self"})

    # ------------------------------------------------------------------ what differs

    def _prepare(self, network: Any, y: Any) -> tuple[Array, bool]:
        """Return the stratum of each row, and whether to blend; may set attributes."""
        raise NotImplementedError

    def _combine(self, networks: OutOfFold, others: list[OutOfFold]) -> None:
        """Set `blended_`, `blend_weights_`, and what calibrates the result."""
        raise NotImplementedError

    def _from_networks(self, out: Any) -> Array:
        """Return the results of `_network_method` as an array to average."""
        return np.asarray(out)

    def _from_others(self, out: Any) -> Array:
        """Return the results of `_method` as an array to average."""
        return np.asarray(out)

    def _from_stack(self, a: Array) -> Array:
        """Return the last layers of all networks, along the first axis, to average."""
        return a

    # ---------------------------------------------------------------------- training

    def fit(self, X: Matrix, y: Matrix, sample_weight: ArrayLike | None = None) -> Self:
        """Train the networks.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Training data, finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            For a classifier, class labels, one column for each of several targets, or a
            label indicator matrix (multi-label). For a regressor, numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, at least 0; only their ratios matter.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, or if training diverges.
        """
        network = self._checked_network()
        with all_or_nothing(self):
            rows = self._checked_rows(X, y, sample_weight)
            strata, blends = self._prepare(network, rows.y)
            networks, *others = self._train(network, rows, strata, blends=blends)
            self.estimators_ = networks.copies
            self._combine(networks, others)
            self.__dict__.pop("_forests", None)
        return self

    def _checked_network(self) -> Any:
        """Return the network to train; raise if a parameter is invalid."""
        if self.n_networks != "auto":
            check_number("n_networks", self.n_networks, 2, integer=True)
        if self.planned_for is not None:
            check_number("planned_for", self.planned_for, 1, integer=True)
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

    def _checked_rows(self, X: Any, y: Any, sample_weight: Any) -> Rows:
        """Return the rows of non-zero weight."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=DTYPES,
            multi_output=True,
            y_numeric=self._method == "predict",
        )
        if y.shape[1:] == (1,) and not issparse(y):
            y = y.ravel()  # other models warn of a column, or predict one
        weights = check_weights(sample_weight, X.shape[0], "sample_weight")
        rows = Rows(X, canonical(y), weights)
        return rows if rows.weights is None else rows.take(np.flatnonzero(rows.weights))

    def _train(
        self, network: Any, rows: Rows, strata: Array, *, blends: bool
    ) -> list[OutOfFold]:
        """Train the networks, and the models in `blend_with`, on all folds but one."""
        n_rows, n = len(strata), self.n_networks
        if n == "auto":
            n = MANY if n_rows <= LARGE else FEW
        random_state = check_random_state(self.random_state)
        fold = folds_of(rows, strata, n, random_state)
        seeds = random_state.randint(2**31 - 1, size=n)
        model = planned(network, n_rows, self.planned_for)
        max_time = getattr(model, "max_time", None)
        if max_time is not None:
            model.set_params(max_time=max_time / n)
        candidates = [Candidate(model, self._network_method, self._from_networks, n)]
        if blends and (fold >= 0).any():
            m = min(n, MOST_COPIES) if n_rows <= HUGE else 1
            candidates += [
                Candidate(other, self._method, self._from_others, m, MOST_BLENDED)
                for other in self.blend_with or ()
            ]
        return train_candidates(
            candidates, rows, fold, seeds, self.n_jobs, self.verbose
        )

    # -------------------------------------------------------------------- prediction

    def _weighted_mean(self, X: Any) -> Array:
        """Return the mean output of the networks and the others, for validated rows."""
        X = features_of(self, X)
        own, *weights = self.blend_weights_
        f: Array = own * self._mean_of_networks(X)
        for i, weight in enumerate(weights):
            f += weight * self._mean_of_others(i, X)
        return f

    def _mean_of_networks(self, X: Any) -> Array:
        """Return the mean output of the networks, in float64."""
        stack = stack_of(self.estimators_, self._network)
        if stack is None:
            method = self._network_method
            each = [output_of(m, method, X) for m in self.estimators_]
            outputs = np.array([*map(self._from_networks, each)], dtype=np.float64)
            return check_finite(outputs.mean(axis=0))

        def mean_of_block(x: Any) -> Array:
            return check_finite(self._from_stack(stack.forward(x)).mean(axis=0))

        return by_blocks(mean_of_block, X, stack)

    def _mean_of_others(self, i: int, X: Any) -> Array:
        """Return the mean output of the copies of the i-th blended model."""
        is_small = X.shape[0] <= FEW_ROWS and not issparse(X)
        forest = self._forest(i) if is_small else None
        if forest is None:
            each = np.stack([getattr(m, self._method)(X) for m in self.blended_[i]])
        else:
            each = forest.predict(X)
        mean: Array = self._from_others(each).mean(axis=0)
        return mean

    def _forest(self, i: int) -> Forest | None:
        """Return the trees of the i-th blended model, if it has any.

        They are converted at the first prediction, and again if copies are replaced.
        """
        copies, known = self.blended_[i], self.__dict__.setdefault("_forests", {})
        if i not in known or known[i][0] != copies:
            known[i] = [*copies], Forest.from_models(copies)
        return known[i][1]

    def __getstate__(self) -> Any:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_forests"}


def stack_of(networks: Sequence[Any], kind: type) -> Network | None:
    """Return fitted networks as one stack in float64, or None if they differ.

    They must be of the given class and have the same layers, with activation functions
    of this package; others may not accept a stack.
    """
    if not all(type(network) is kind for network in networks):
        return None
    each = [network.fitted_ for network in networks]
    first, *others = [
        (fitted.theta.sizes, [(type(g), vars(g)) for g in fitted.activations])
        for fitted in each
    ]
    is_ours = all(g in ACTIVATIONS.values() for g, _ in first[1])
    if not is_ours or any(other != first for other in others):
        return None
    vectors = np.array([fitted.theta.vector for fitted in each], dtype=np.float64)
    theta = Parameters(each[0].theta.sizes, vectors)
    return Network(theta.W, theta.b, each[0].activations)


def planned(network: Any, n_rows: int, planned_for: int | None) -> Any:
    """Return a copy of a network with its training scaled to the number of rows.

    With r times the rows that its parameters are meant for, it is trained for √r times
    fewer epochs. If r > 1, batches are √r times as large, so that the number of steps
    stays the same, and the learning rate grows with the square root of the batch size:
    Malladi, Lyu, Panigrahi & Arora, *On the SDEs and scaling rules for adaptive
    gradient algorithms*, NeurIPS 2022.
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
