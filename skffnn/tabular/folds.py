"""Models trained as in cross-validation: on all folds but one, and evaluated on that.

`Folds` splits the rows, `CrossFit` is a model with a copy for each fold, and
`fit_copies` trains the copies of one or more models in parallel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import clone

from ..data.dataset import Dataset
from ..data.splitting import folds_by_content
from ..estimator import FFNNEstimator
from ..fitting.listeners import counted
from ..many import Job, fit_many
from ..nn.arrays import Array


@dataclass(frozen=True)
class Folds:
    """Rows assigned to folds.

    Attributes
    ----------
    data : Dataset
        All rows.
    number : ndarray of int of shape (n_rows,)
        The fold of each row; -1 for rows in no fold, which all copies are trained on.
    n : int
        Number of folds.
    """

    data: Dataset
    number: Array
    n: int

    @classmethod
    def stratified(
        cls, data: Dataset, strata: Array, n: int, random_state: Any
    ) -> Self:
        """Assign rows to stratified folds, with duplicate rows in the same fold.

        Parameters
        ----------
        data : Dataset
            All rows.
        strata : ndarray of int of shape (n_rows,)
            The class of each row.
        n : int
            Number of folds.
        random_state : RandomState
            Shuffles the rows.

        Returns
        -------
        folds : Folds
            A stratum that would be in one fold only is in none, so that every model is
            trained on it.
        """
        number = folds_by_content(data.X, data.weights, strata, n, random_state)
        for stratum in np.unique(strata):
            if len(np.unique(number[strata == stratum])) == 1:
                number[strata == stratum] = -1
        return cls(data, number, n)

    def rows(self, k: int) -> Array:
        """Return the indices of the rows of a fold."""
        return np.flatnonzero(self.number == k)


class CrossFit:
    """A model with a copy for each fold, trained on all other folds.

    Parameters
    ----------
    folds : Folds
        The folds.
    model : estimator
        The model. If its `fit` takes X_val and y_val, these are the held-out fold.
    seeds : sequence of int
        The `random_state` of each copy.
    output : callable
        Function of a fitted copy and rows X that returns an array with a row for each.
    n_copies : int, default=None
        Number of folds that have a copy; None for all.
    most_rows : int, default=None
        Maximum number of rows to train a copy on, drawn at random; None for all.

    Attributes
    ----------
    fitted : list of estimator
        The copies, once they are trained.
    out : ndarray of shape (n_rows, ...)
        The out-of-fold output for each row: that of the copy that was not trained on
        it; NaN if there is none.
    """

    out: Array

    def __init__(
        self,
        folds: Folds,
        model: Any,
        seeds: Sequence[int],
        output: Callable[[Any, Any], Array],
        *,
        n_copies: int | None = None,
        most_rows: int | None = None,
    ) -> None:
        self.folds, self.model, self.seeds, self.output = folds, model, seeds, output
        self.n_copies = folds.n if n_copies is None else n_copies
        self.most_rows = most_rows
        self.fitted: list[Any] = []

    @property
    def is_known(self) -> Array:
        """Mask of the rows that have an output, of shape (n_rows,)."""
        if not hasattr(self, "out"):
            return np.zeros(len(self.folds.number), dtype=bool)
        known: Array = ~np.isnan(self.out.reshape(len(self.out), -1)[:, 0])
        return known

    def job(self, k: int) -> Job:
        """Return the job that trains the copy of a fold.

        Parameters
        ----------
        k : int
            The held-out fold. If it is empty, there is no validation set.

        Returns
        -------
        job : Job
            A job for `fit_many`.
        """
        data, held_out = self.folds.data, self.folds.number == k
        train, validation = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        if self.most_rows is not None and len(train) > self.most_rows:
            rng = np.random.default_rng(self.seeds[k])
            train = np.sort(rng.choice(train, self.most_rows, replace=False))
        model = clone(self.model)
        if "random_state" in model.get_params(deep=False):
            model.set_params(random_state=int(self.seeds[k]))
        # Avoid the warning about batches larger than the folds of a small table.
        if isinstance(getattr(model, "batch_size", None), Integral):
            model.set_params(batch_size=min(model.batch_size, len(train)))
        if isinstance(model, FFNNEstimator):  # a stack does not check its rows again
            model.n_features_in_ = data.X.shape[1]
        if not len(validation):
            return Job(model, data.take(train))
        rows = data.take(validation)
        then = partial(output_for, output=self.output, rows=rows)
        return Job(model, data.take(train), rows, then)

    def keep(self, k: int, model: Any, out: Array | None) -> None:
        """Store a trained copy and its output for the held-out fold."""
        self.fitted.append(model)
        if out is not None:
            if not hasattr(self, "out"):
                shape = (len(self.folds.number), *out.shape[1:])
                self.out = np.full(shape, np.nan)
            self.out[self.folds.rows(k)] = out


def output_for(model: Any, output: Callable[[Any, Any], Array], rows: Dataset) -> Array:
    """Return the output of a fitted model for the rows of a dataset."""
    return output(model, rows.select()[0])


def fit_copies(models: Sequence[CrossFit], n_jobs: Any, verbose: int) -> None:
    """Train the copies of models.

    Parameters
    ----------
    models : sequence of CrossFit
        The models.
    n_jobs : int, "auto" or None
        As in `fit_many`.
    verbose : int
        Whether to show a progress bar.

    Raises
    ------
    Exception
        The error of the first copy that cannot be trained.
    KeyboardInterrupt
        After Ctrl-C.
    """
    copies = [(model, k) for model in models for k in range(model.n_copies)]
    jobs = [model.job(k) for model, k in copies]
    results: dict[int, Any] = {}
    with counted(len(jobs), verbose) as counter:
        for job in jobs:
            if isinstance(job.estimator, FFNNEstimator):
                job.listener = counter.tally(job.estimator.max_iter)
        for i, result in fit_many(jobs, n_jobs):
            if result.interrupted:  # an average of half-trained networks is no use
                raise KeyboardInterrupt
            results[i] = result
            counter.advance()
    for i, (model, k) in enumerate(copies):
        model.keep(k, results[i].fitted(), results[i].value)
