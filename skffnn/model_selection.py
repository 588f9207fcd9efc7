"""scikit-learn's hyperparameter searches, training many networks at once.

`FFNNGridSearchCV` has the parameters, attributes and results of `GridSearchCV`, and
likewise the others. scikit-learn runs the search; the only difference is that the fits
it requests have already been run, in stacks. It requests them one by one, by cloning
the estimator and calling `fit`; a clone made by a `Rehearsal` has a `fit` that returns
the estimator fitted in advance, or raises the error of that fit.

To cross-validate one network, search over a single candidate,
`FFNNGridSearchCV(network, {}, refit=False)`: the scores are in `cv_results_`.
"""

import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self, Unpack

import numpy as np
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    check_cv,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import indexable
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.parallel import Parallel, delayed

from .data.dataset import Dataset
from .estimator import FFNNEstimator
from .fitting.callbacks import has_callbacks
from .fitting.listeners import counted
from .many import Job, Result, attempted, fit_many
from .nn.arrays import Array
from .typing import (
    HalvingParams,
    HalvingRandomParams,
    ParamGrid,
    RandomizedSearchParams,
    SearchParams,
)
from .utils.types import Matrix, Table
from .utils.warn import InterruptionWarning, recorded, warn, warn_again


class StackedSearch:
    """Mixin that runs the fits of a scikit-learn search in advance.

    Among the base classes, it comes before the search.
    """

    estimator: Any
    n_jobs: int | None
    verbose: int
    cv: Any

    _rehearsal: "Rehearsal | None" = None

    best_estimator_: Any
    best_params_: dict[str, Any]
    best_score_: float
    best_index_: int
    cv_results_: dict[str, Any]
    n_splits_: int
    refit_time_: float
    scorer_: Any
    multimetric_: bool

    if TYPE_CHECKING:  # methods of scikit-learn's searches, which declare no types

        @property
        def classes_(self) -> Array: ...
        @property
        def n_features_in_(self) -> int: ...
        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...
        def predict(self, X: Matrix | Table) -> Array: ...
        def predict_proba(self, X: Matrix | Table) -> Array: ...
        def predict_log_proba(self, X: Matrix | Table) -> Array: ...
        def decision_function(self, X: Matrix | Table) -> Array: ...
        def score(
            self, X: Matrix | Table, y: Matrix | None = None, **params: Any
        ) -> float: ...

    def fit(self, X: Matrix | Table, y: Matrix | None = None, **params: Any) -> Self:
        """Run the search.

        If the search or an estimator within it has callbacks, scikit-learn runs the
        fits one by one, so that the callbacks are called for each fit and its epochs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Targets.
        **params : dict
            Passed to the `fit` of the estimator, to the scorers and to the splitter, as
            in scikit-learn's search.

        Returns
        -------
        self : estimator
            The fitted search.

        Warns
        -----
        InterruptionWarning
            If Ctrl-C interrupted the search. `cv_results_` then has the scores of the
            completed fits, and NaN for the others; no estimator is refitted.
        """
        if has_callbacks(self):
            fitted: Self = super().fit(X, y, **params)  # type: ignore[misc]
            return fitted
        search: Any = copy(self)  # a failure leaves self unchanged
        search._rehearsal = rehearsal = Rehearsal(
            self.estimator, self.n_jobs, self.verbose
        )
        search._given = X, y, params
        search.estimator = rehearsal.estimator
        search.n_jobs = 1  # the fits have already been run
        if isinstance(self.cv, Iterator):  # can be consumed only once
            search.cv = list(self.cv)
        with warnings.catch_warnings():
            super(StackedSearch, search).fit(X, y, **params)  # type: ignore[misc]
        del rehearsal.estimator.__sklearn_clone__  # the scorer keeps this estimator
        own = {"estimator", "n_jobs", "cv", "_rehearsal", "_given"}
        if rehearsal.interrupted:
            own |= {"best_estimator_", "refit_time_"}
            vars(self).pop("best_estimator_", None)
        vars(self).update({k: v for k, v in vars(search).items() if k not in own})
        if rehearsal.interrupted:
            warn(
                f"The search was interrupted: {rehearsal.n_done} of "
                f"{rehearsal.n_fits} fits are scored in cv_results_, and no estimator "
                "was fitted with the best parameters.",
                InterruptionWarning,
            )
        return self

    def _run_search(
        self, evaluate_candidates: Callable[..., Any], *, callback_ctx: Any = None
    ) -> None:
        """Fit the candidates before scikit-learn evaluates them."""
        context = {} if callback_ctx is None else {"callback_ctx": callback_ctx}
        search: Any = self
        if search._rehearsal is None:
            super()._run_search(evaluate_candidates, **context)  # type: ignore[misc]
            return
        rehearsal, (X, y, params) = search._rehearsal, search._given
        X, y = indexable(X, y)
        routed = search._get_routed_params_for_fit(params)

        def evaluate(
            candidate_params: Iterable[dict[str, Any]], cv: Any = None, **more: Any
        ) -> Any:
            if rehearsal.interrupted:  # no further iteration of a halving search
                raise KeyboardInterrupt
            candidates = list(candidate_params)
            splitter = cv
            if splitter is None:
                is_labels = is_classifier(search.estimator)
                splitter = check_cv(search.cv, y, classifier=is_labels)
            splits = Splits(list(splitter.split(X, y, **routed.splitter.split)))
            before = rehearsal.n_done
            rehearsal.make(candidates, splits.pairs, X, y, routed.estimator.fit)
            if rehearsal.interrupted:
                if search.error_score == "raise" or rehearsal.n_done == before:
                    raise KeyboardInterrupt  # there are no scores to keep
                warnings.simplefilter("ignore", FitFailedWarning)
                warnings.filterwarnings("ignore", "One or more of the test scores")
            results = evaluate_candidates(candidates, splits, **more)
            rehearsal.has_results = True
            return results

        try:
            super()._run_search(evaluate, **context)  # type: ignore[misc]
        except KeyboardInterrupt:
            if not rehearsal.has_results:
                raise

    def _select_best_index(self, refit: Any, refit_metric: str, results: Any) -> int:
        """Return the index of the best candidate; after Ctrl-C, of the best scored."""
        rehearsal = self._rehearsal
        if rehearsal is not None and rehearsal.interrupted and not callable(refit):
            scores = results[f"mean_test_{refit_metric}"]
            return int(np.argmax(np.where(np.isnan(scores), -np.inf, scores)))
        best: int = super()._select_best_index(refit, refit_metric, results)  # type: ignore[misc]
        return best


class FFNNGridSearchCV(StackedSearch, GridSearchCV):
    """`GridSearchCV` that trains many networks at once.

    The scores of every candidate and fold are those of `GridSearchCV`. The estimator is
    an `FFNNClassifier`, an `FFNNRegressor`, or a pipeline that ends in one. The steps
    before the network are fitted once for each fold and each combination of their
    parameters. Other estimators are fitted one by one, as in `GridSearchCV`.

    Candidates can be trained together if they differ only in the random state, `alpha`,
    the learning rate and its schedule, the constants of the optimiser, label smoothing,
    the dropout rate, class weights, or stopping criteria. How many are trained together
    depends on their size (`skffnn.many`); their memory stays below scikit-learn's
    setting `working_memory`, in MiB: `sklearn.config_context(working_memory=64)`.

    `verbose` of 1 or more shows a progress bar, if rich is installed. With callbacks
    (`set_callbacks`, scikit-learn 1.9), networks are trained one by one.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : Parameters and attributes.
    FFNNHalvingGridSearchCV : Spends most of the time on the best candidates.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skffnn import FFNNClassifier
    >>> from skffnn.model_selection import FFNNGridSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> network = FFNNClassifier((8,), max_iter=30, n_iter_no_change=30, random_state=0)
    >>> grid = {"alpha": [1e-4, 1e-2], "learning_rate_init": [0.01, 0.1]}
    >>> search = FFNNGridSearchCV(network, grid, cv=3).fit(X, y)
    >>> search.best_params_["learning_rate_init"]
    0.1
    >>> search.best_estimator_.n_iter_
    30
    """

    if TYPE_CHECKING:

        def __init__(
            self,
            estimator: BaseEstimator,
            param_grid: ParamGrid,
            **params: Unpack[SearchParams],
        ) -> None: ...


class FFNNRandomizedSearchCV(StackedSearch, RandomizedSearchCV):
    """`RandomizedSearchCV` that trains many networks at once.

    See Also
    --------
    FFNNGridSearchCV : Which candidates are trained together.
    sklearn.model_selection.RandomizedSearchCV : Parameters and attributes.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from skffnn import FFNNClassifier
    >>> from skffnn.model_selection import FFNNRandomizedSearchCV
    >>> rates = {"learning_rate_init": loguniform(1e-3, 1e-1)}
    >>> search = FFNNRandomizedSearchCV(FFNNClassifier(), rates, n_iter=20)
    """

    if TYPE_CHECKING:

        def __init__(
            self,
            estimator: BaseEstimator,
            param_distributions: ParamGrid,
            **params: Unpack[RandomizedSearchParams],
        ) -> None: ...


class FFNNHalvingGridSearchCV(StackedSearch, HalvingGridSearchCV):
    """`HalvingGridSearchCV` that trains many networks at once.

    With `resource="max_iter"`, all candidates are trained for a few epochs, then the
    best third for three times as many, and so on.

    See Also
    --------
    FFNNGridSearchCV : Which candidates are trained together.
    sklearn.model_selection.HalvingGridSearchCV : Parameters and attributes.

    References
    ----------
    Jamieson & Talwalkar, *Non-stochastic best arm identification and hyperparameter
    optimization*, AISTATS 2016.

    Li, Jamieson, DeSalvo, Rostamizadeh & Talwalkar, *Hyperband: a novel bandit-based
    approach to hyperparameter optimization*, JMLR 2018.

    Examples
    --------
    >>> from skffnn import FFNNClassifier
    >>> from skffnn.model_selection import FFNNHalvingGridSearchCV
    >>> rates = {"learning_rate_init": [0.001, 0.003, 0.01, 0.03, 0.1]}
    >>> search = FFNNHalvingGridSearchCV(
    ...     FFNNClassifier(), rates, resource="max_iter", max_resources=90
    ... )
    """

    if TYPE_CHECKING:

        def __init__(
            self,
            estimator: BaseEstimator,
            param_grid: ParamGrid,
            **params: Unpack[HalvingParams],
        ) -> None: ...


class FFNNHalvingRandomSearchCV(StackedSearch, HalvingRandomSearchCV):
    """`HalvingRandomSearchCV` that trains many networks at once.

    See Also
    --------
    FFNNHalvingGridSearchCV : The same for a grid.
    FFNNGridSearchCV : Which candidates are trained together.
    sklearn.model_selection.HalvingRandomSearchCV : Parameters and attributes.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from skffnn import FFNNClassifier
    >>> from skffnn.model_selection import FFNNHalvingRandomSearchCV
    >>> rates = {"learning_rate_init": loguniform(1e-3, 1e-1)}
    >>> search = FFNNHalvingRandomSearchCV(
    ...     FFNNClassifier(), rates, resource="max_iter", max_resources=90
    ... )
    """

    if TYPE_CHECKING:

        def __init__(
            self,
            estimator: BaseEstimator,
            param_distributions: ParamGrid,
            **params: Unpack[HalvingRandomParams],
        ) -> None: ...


@dataclass
class Splits:
    """A splitter with fixed pairs; others may draw new ones on each call."""

    pairs: Sequence[tuple[Any, Any]]

    def split(self, *args: Any, **kwargs: Any) -> Iterator[tuple[Any, Any]]:
        """Return the pairs."""
        return iter(self.pairs)

    def get_n_splits(self, *args: Any, **kwargs: Any) -> int:
        """Return the number of pairs."""
        return len(self.pairs)


class Rehearsal:
    """Fits that are run before the search requests them.

    Parameters
    ----------
    estimator : estimator
        The estimator passed to the search.
    n_jobs : int or None
        Number of stacks, or of single fits, to train in parallel.
    verbose : int
        1 or more shows a progress bar, if rich is installed.

    Attributes
    ----------
    estimator : estimator
        A copy of it; the `fit` of its clones returns the estimators fitted in advance.
    n_fits, n_done : int
        Number of fits requested, and of fits completed.
    interrupted : bool
        Whether Ctrl-C interrupted them.
    has_results : bool
        Whether the search has evaluated candidates.
    """

    def __init__(self, estimator: Any, n_jobs: int | None, verbose: int) -> None:
        self.plain = clone(estimator)
        self.estimator = clone(estimator)
        self.estimator.__sklearn_clone__ = self._source
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.n_fits = self.n_done = 0
        self.interrupted = self.has_results = False
        self._made: deque[Result | None] = deque()

    def _source(self) -> Any:
        """Return the estimator that the search clones for each fit."""
        source = clone(self.plain)
        source.__sklearn_clone__ = self._next
        return source

    def _next(self) -> Any:
        """Return an estimator fitted in advance, or one still to be fitted."""
        estimator = clone(self.plain)
        result = self._made.popleft() if self._made else None
        if result is not None:
            estimator.fit = Made(estimator, result)
        elif self.interrupted:  # no more fits
            estimator.fit = lambda *args, **kwargs: estimator
        return estimator

    def make(
        self,
        candidates: Sequence[dict[str, Any]],
        splits: Sequence[tuple[Any, Any]],
        X: Any,
        y: Any,
        fit_params: dict[str, Any],
    ) -> None:
        """Fit each candidate to the training rows of each split.

        Parameters
        ----------
        candidates : sequence of dict
            Parameters of the estimator.
        splits : sequence of (train, test)
            Row indices.
        X, y : array-like
            All rows.
        fit_params : dict
            Further arguments of `fit`.
        """
        rows = [Rows(X, y, fit_params, train, test) for train, test in splits]
        fits = Fits([Candidate.of(self.plain, params) for params in candidates], rows)
        results: list[Result | None] = [None] * fits.n
        self.n_fits += fits.n
        with counted(fits.n, self.verbose) as counter:
            try:
                for number, result in fits.make(self.n_jobs):
                    if result.interrupted:
                        raise KeyboardInterrupt
                    results[number] = result
                    self.n_done += 1
                    counter.advance()
            except KeyboardInterrupt:
                self.interrupted = True
                if any(results):
                    lost = Result(error=RuntimeError("The search was interrupted."))
                    results = [result or lost for result in results]
        if any(results):  # otherwise the search does not request them
            self._made.extend(results)


@dataclass
class Made:
    """A `fit` method that was run before it is called."""

    estimator: Any
    result: Result

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the fitted estimator; repeat the warnings or the error of its fit."""
        vars(self.estimator).pop("fit")
        vars(self.estimator).update(vars(self.result.fitted()))
        return self.estimator


@dataclass
class Rows:
    """The rows of a split.

    Attributes
    ----------
    X, y : array-like
        All rows.
    fit_params : dict
        Further arguments of `fit`, for all rows.
    train, test : ndarray of int
        Indices of the training rows and of the test rows.
    """

    X: Any
    y: Any
    fit_params: dict[str, Any]
    train: Any
    test: Any

    def select(self) -> tuple[Any, Any, dict[str, Any]]:
        """Return X, y and the arguments of `fit` for the training rows."""
        n = n_rows_of(self.X)
        params = {
            name: take(value, self.train) if n_rows_of(value) == n else value
            for name, value in self.fit_params.items()
        }
        return take(self.X, self.train), take(self.y, self.train), params


def n_rows_of(value: Any) -> int:
    """Return the number of rows, or -1 if the value has none."""
    if hasattr(value, "shape"):
        return int(value.shape[0]) if len(value.shape) else -1
    return len(value) if isinstance(value, list | tuple) else -1


def n_numbers(X: Any) -> int:
    """Return roughly how many values a table has."""
    if hasattr(X, "nnz"):
        return int(X.nnz)
    return int(np.prod(X.shape)) if hasattr(X, "shape") else np.size(X)


def take(value: Any, rows: Any) -> Any:
    """Return rows of an array, a dataframe or a list."""
    if value is None:
        return None
    if hasattr(value, "iloc"):
        return value.iloc[rows]
    if hasattr(value, "shape"):
        return value[rows]
    return [value[i] for i in rows]


@dataclass
class Candidate:
    """An estimator with its parameters set.

    Attributes
    ----------
    estimator : estimator or None
        None if the parameters are invalid.
    network : FFNNClassifier, FFNNRegressor or None
        The estimator, or the last step of a pipeline, if it is a network.
    before : Pipeline or None
        The steps before it.
    key : tuple
        Equal for candidates with the same steps before the network.
    """

    estimator: Any
    network: Any = None
    before: Any = None
    key: tuple[Any, ...] = ()

    @classmethod
    def of(cls, plain: Any, params: dict[str, Any]) -> "Candidate":
        """Set the parameters of an estimator, and find the network in it."""
        try:
            estimator = clone(plain).set_params(**clone(params, safe=False))
        except Exception:  # the search runs into it again, and reports it
            return cls(None)
        network, before = estimator, None
        if isinstance(estimator, Pipeline):
            network = estimator.steps[-1][1]
            if len(estimator.steps) > 1:
                before = estimator[:-1]
        if not isinstance(network, FFNNEstimator):
            return cls(estimator)
        if before is None:
            return cls(estimator, network)
        last, _ = estimator.steps[-1]
        of_before = {
            name: value
            for name, value in params.items()
            if name != last and not name.startswith(f"{last}__")
        }
        return cls(estimator, network, before, key_of(of_before))

    def sample_weight(self, fit_params: dict[str, Any]) -> Any:
        """Return the sample weights that reach the network.

        Raises
        ------
        NotImplementedError
            If anything else is passed to the network or to the steps before it.
        """
        if isinstance(self.estimator, Pipeline):
            fit_params = self._of_last_step(fit_params)
        others = {name for name, value in fit_params.items() if value is not None}
        if others - {"sample_weight"}:
            raise NotImplementedError
        return fit_params.get("sample_weight")

    def _of_last_step(self, fit_params: dict[str, Any]) -> dict[str, Any]:
        """Return what a pipeline passes to its last step; raise if others get any."""
        last = self.estimator.steps[-1][0]
        if not get_config()["enable_metadata_routing"]:
            return {k.removeprefix(f"{last}__"): v for k, v in fit_params.items()}
        routed = process_routing(self.estimator, "fit", **fit_params)
        for name, of_step in routed.items():
            if name != last and any(of_method for of_method in of_step.values()):
                raise NotImplementedError
        of_last: dict[str, Any] = routed[last].fit
        return of_last


def key_of(params: dict[str, Any]) -> tuple[Any, ...]:
    """Return a hashable key for parameters; objects are compared by identity."""
    plain = bool, int, float, str, type(None)
    return tuple(
        (name, params[name] if isinstance(params[name], plain) else id(params[name]))
        for name in sorted(params)
    )


@dataclass
class Fold:
    """The rows of a split, as input to the network.

    Attributes
    ----------
    data : Dataset
        Validated training rows.
    test : array-like
        Features of the test rows; None if they could not be transformed.
    names : ndarray of str or None
        Names of the features.
    steps : list of (name, transformer)
        The fitted steps before the network.
    warnings : list of WarningMessage
        Warnings from fitting those steps.
    """

    data: Dataset
    test: Any
    names: Any
    steps: Sequence[tuple[str, Any]] = ()
    warnings: Sequence[Any] = field(default_factory=list)


class Fits:
    """The fits of all candidates to the training rows of all splits.

    Parameters
    ----------
    candidates : sequence of Candidate
        The candidates.
    rows : sequence of Rows
        The rows of each split.
    """

    def __init__(self, candidates: Sequence[Candidate], rows: Sequence[Rows]) -> None:
        pairs = [(c, i) for c in candidates for i in range(len(rows))]
        self.pairs = dict(enumerate(pairs))
        self.n = len(pairs)
        self.rows = rows

    def make(self, n_jobs: int | None) -> Iterator[tuple[int, Result]]:
        """Fit all candidates to all splits.

        Parameters
        ----------
        n_jobs : int or None
            Number of stacks, or of single fits, to train in parallel.

        Yields
        ------
        number : int
            Index of the fit, candidate by candidate and split by split. Fits are
            yielded as they finish.
        result : Result
            The fitted estimator, or the error.
        """
        in_stacks: set[int] = set()
        for part in self._parts():
            folds = self._folds(part, n_jobs)
            jobs = {
                number: job_of(candidate, folds[candidate.key, i])
                for number, (candidate, i) in part.items()
                if (candidate.key, i) in folds
            }
            numbers = list(jobs)
            in_stacks |= jobs.keys()
            for k, result in fit_many(list(jobs.values()), n_jobs):
                candidate, i = part[numbers[k]]
                if result.estimator is not None:
                    fold = folds[candidate.key, i]
                    if result.value is not None:
                        know(result.estimator, fold.test, result.value)
                    result.estimator = with_steps(candidate, fold, result.estimator)
                yield numbers[k], result
        parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
        yield from parallel(
            delayed(fit_whole)(number, candidate.estimator, self.rows[i])
            for number, (candidate, i) in self.pairs.items()
            if number not in in_stacks and candidate.estimator is not None
        )

    def _parts(self) -> list[dict[int, tuple[Candidate, int]]]:
        """Return the fits of networks in parts whose transformed rows fit into memory.

        Each combination of parameters of the steps before the network has its own rows.
        """
        of_key: dict[Any, dict[int, tuple[Candidate, int]]] = {}
        for number, (candidate, i) in self.pairs.items():
            if candidate.network is not None:
                of_key.setdefault(candidate.key, {})[number] = candidate, i
        size = 8 * n_numbers(self.rows[0].X) * len(self.rows)
        at_once = max(1, int(get_config()["working_memory"] * 2**20 // max(1, size)))
        keys = list(of_key)
        return [
            {n: p for key in keys[k : k + at_once] for n, p in of_key[key].items()}
            for k in range(0, len(keys), at_once)
        ]

    def _folds(
        self, part: dict[int, tuple[Candidate, int]], n_jobs: int | None
    ) -> dict[tuple[Any, int], Fold]:
        """Return the rows of each split, as input to the networks of each key."""
        wanted = {(c.key, i): c for c, i in part.values()}
        prefixed = {k: c for k, c in wanted.items() if c.before is not None}
        prepared = Parallel(n_jobs=n_jobs)(
            delayed(fold_of)(candidate, self.rows[i])
            for (_, i), candidate in prefixed.items()
        )
        folds = dict(zip(prefixed, prepared, strict=True))
        bare = {k: c for k, c in wanted.items() if c.before is None}
        if bare:  # all splits share the rows
            whole = whole_of(next(iter(bare.values())), self.rows[0])
            for key, i in bare:
                split = self.rows[i]
                folds[key, i] = whole and replace(
                    whole,
                    data=whole.data.take(np.asarray(split.train)),
                    test=take(split.X, split.test),
                )
        found = {key: fold for key, fold in folds.items() if fold is not None}
        for fold in found.values():
            warn_again(fold.warnings)
        return found


def with_steps(candidate: Candidate, fold: Fold, network: Any) -> Any:
    """Return a fitted network, after the fitted steps of its fold if there are any."""
    if candidate.before is None:
        return network
    pipeline = clone(candidate.estimator)
    name, _ = pipeline.steps[-1]
    pipeline.steps = [*fold.steps, (name, network)]
    return pipeline


def job_of(candidate: Candidate, fold: Fold) -> Job:
    """Return the job of fitting a network to the rows of a fold."""
    network = clone(candidate.network)
    network.n_features_in_ = fold.data.X.shape[1]
    if fold.names is not None:
        network.feature_names_in_ = fold.names
    return Job(network, fold.data, then=partial(outputs, X=fold.test))


def outputs(network: Any, X: Any) -> Any:
    """Return the outputs of a network, before they are turned into predictions.

    Return None if there is an error: the search runs into it again, and reports it. The
    training state, which a search does not need, is deleted.
    """
    vars(network).pop("_state", None)
    with recorded():
        try:
            return network._forward(X, lambda a: a)
        except Exception:
            return None


def know(network: Any, X: Any, a: Any) -> None:
    """Cache the outputs of a network for some rows, because every scorer needs them.

    Parameters
    ----------
    network : FFNNClassifier or FFNNRegressor
        Fitted.
    X : array-like of shape (n_samples, n_features)
        The rows.
    a : ndarray of shape (n_samples, n_outputs)
        The outputs.
    """
    forward = network._forward

    def known(rows: Any, finish: Callable[[Any], Any]) -> Any:
        return finish(a.copy()) if is_equal(rows, X) else forward(rows, finish)

    network._forward = known


def whole_of(candidate: Candidate, rows: Rows) -> Fold | None:
    """Validate all rows for a network without steps before it.

    Return None if they are invalid, or if more than weights is passed to `fit`: such
    candidates are fitted by their own method, which reports any error.
    """
    try:
        weights = candidate.sample_weight(rows.fit_params)
        network = clone(candidate.network)
        data = network._check(rows.X, rows.y, weights, reset=True)
    except Exception:
        return None
    return Fold(data, None, getattr(network, "feature_names_in_", None))


def fold_of(candidate: Candidate, rows: Rows) -> Fold | None:
    """Fit the steps before a network; return None if that fails, as in `whole_of`."""
    with recorded() as caught:
        try:
            weights = take(candidate.sample_weight(rows.fit_params), rows.train)
            X, y = take(rows.X, rows.train), take(rows.y, rows.train)
            before = clone(candidate.before)
            network = clone(candidate.network)
            data = network._check(before.fit_transform(X, y), y, weights, reset=True)
        except Exception:
            return None
    for _, step in before.steps:
        if hasattr(step, "transform"):
            step.transform = Remembered(step.transform)
    with recorded():  # the search runs into errors again, and reports them
        try:
            test = before.transform(take(rows.X, rows.test))
        except Exception:
            test = None
    names = getattr(network, "feature_names_in_", None)
    return Fold(data, test, names, before.steps, caught)


class Remembered:
    """Cached `transform` of a fitted step, which all candidates of a fold call again.

    Parameters
    ----------
    transform : callable
        The method.
    """

    def __init__(self, transform: Callable[..., Any]) -> None:
        self.transform = transform
        self.last: deque[tuple[Any, Any]] = deque(maxlen=2)  # test and training rows

    def __call__(self, X: Any, **params: Any) -> Any:
        """Return the transformed rows."""
        if params:
            return self.transform(X, **params)
        for before, after in self.last:
            if is_equal(X, before):
                return after
        Xt = self.transform(X)
        self.last.append((X, Xt))
        return Xt


def is_equal(X: Any, other: Any) -> bool:
    """Return whether two tables are equal; False if that cannot be checked quickly."""
    if X is other:
        return True
    if issparse(X):
        return (
            type(X) is type(other) and X.shape == other.shape and (other != X).nnz == 0
        )
    if hasattr(X, "equals"):  # a dataframe
        return type(X) is type(other) and bool(X.equals(other))
    return isinstance(X, np.ndarray) and np.array_equal(X, other)


def fit_whole(number: int, estimator: Any, rows: Rows) -> tuple[int, Result]:
    """Fit an estimator by its own method; return its number with the result."""
    start = time.perf_counter()

    def fit() -> Any:
        X, y, fit_params = rows.select()
        y_or_not = () if y is None else (y,)
        return clone(estimator).fit(X, *y_or_not, **fit_params)

    result = attempted(fit)
    result.seconds = time.perf_counter() - start
    return number, result
