"""Training on all folds but one, and outputs for the fold that is held out."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from math import inf
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from joblib import parallel_config
from joblib.parallel import BACKENDS, get_active_backend
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import has_fit_parameter

from ..data.splitting import folds_by_content
from ..estimator import FFNNEstimator
from ..fitting.train import run_alone, runner
from ..nn.arrays import Array
from ..utils.warn import InterruptionWarning


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
    return model, getattr(model, method)(validation.X) if has_validation else None
