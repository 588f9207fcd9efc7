"""Many networks: trained in stacks where that pays, and side by side on the cores.

A stack (`skffnn.fitting.stack`) makes a step of M networks with the array operations of
one. What it saves is the time that Python and NumPy take for each operation, whatever
its size: nearly all of a step of a small network, and hardly any of a large one. It
pays as long as what a step works on stays in the cache of the processor. Measured on
one core, the time of a network alone over its time in a stack of M:

    rows × features, hidden layer, batch   KiB each   M = 2    8    32    64
    400 × 4, 10, 32                               7      1.2  3.1   8.1  10.6
    1437 × 64, 40, 32                            73      1.2  2.2   2.6   2.5
    16000 × 30, 32, 200                         120      1.3  2.0     -     -
    2400 × 30, 100, 200                         310      1.1  1.6   1.4     -
    1437 × 64, 100, 200                         420      0.9  1.4   1.1     -
    2400 × 60, 2 × 256, 256                    2900      1.0  1.0     -     -

Hence `members_of_a_stack`: as many as have 4 MiB together. Fits that cannot be stacked,
or do not pay, go to the cores one by one.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from joblib import effective_n_jobs
from joblib.parallel import get_active_backend
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.base import is_classifier
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import has_fit_parameter

from .data.dataset import Dataset
from .estimator import FFNNEstimator
from .fitting.callbacks import callbacks_of
from .fitting.listeners import Listener
from .fitting.plan import hidden_sizes
from .fitting.stack import layout, run
from .nn.arrays import Array
from .utils.processes import run_on_cores
from .utils.warn import InterruptionWarning, recorded, warn_again

# Bytes that the members of a stack work on in a step, from the measurements above.
CACHE = 4 * 2**20

# Seconds of a step that do not depend on its size, and operations a second after that:
# of one core, roughly.
PER_STEP, FLOPS = 5e-5, 3e10

# Seconds of training from which on processes are worth starting.
WORTH_PROCESSES = 4.0

# Parameters that do not change the operations of a step, so that the members of a stack
# may differ in them.
FREE = {
    "alpha",
    "beta_1",
    "beta_2",
    "class_weight",
    "dropout",
    "epsilon",
    "label_smoothing",
    "learning_rate",
    "learning_rate_init",
    "max_fun",
    "max_iter",
    "momentum",
    "n_iter_no_change",
    "power_t",
    "random_state",
    "scoring",
    "tol",
    "validation_fraction",
}


@dataclass
class Job:
    """A fit to be made.

    Attributes
    ----------
    estimator : FFNNClassifier, FFNNRegressor or another
        With its parameters set; it may be fitted in place, or a copy of it.
    train : Dataset
        Checked training rows; `estimator` knows the names and number of the features.
    validation : Dataset or None
        The validation set, if there is one apart, and the estimator takes one.
    then : callable, default=None
        What else to compute from the fitted estimator, in the process that fitted it.
    listener : Listener, default=None
        Told of the epochs of a network, in that process too.
    """

    estimator: Any
    train: Dataset
    validation: Dataset | None = None
    then: Callable[[Any], Any] | None = None
    listener: Listener | None = None


@dataclass
class Result:
    """What became of a job.

    Attributes
    ----------
    estimator : FFNNClassifier, FFNNRegressor or None
        The fitted estimator.
    error : Exception or None
        Why there is none.
    warnings : list of WarningMessage
        What the fit warned of.
    value : object
        What `Job.then` returned.
    seconds : float
        Its share of the time that its stack took.
    """

    estimator: Any = None
    error: Exception | None = None
    warnings: Sequence[Any] = ()
    value: Any = None
    seconds: float = 0.0

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the fit."""
        return any(issubclass(w.category, InterruptionWarning) for w in self.warnings)

    def fitted(self) -> Any:
        """Return the fitted estimator as its `fit` would: with warnings and errors.

        Returns
        -------
        estimator : FFNNClassifier or FFNNRegressor
            The fitted estimator.

        Raises
        ------
        Exception
            What made the fit fail.
        """
        warn_again(self.warnings)
        if self.error is not None:
            raise self.error
        return self.estimator


def fit_many(jobs: Sequence[Job], n_jobs: Any = None) -> Iterator[tuple[int, Result]]:
    """Fit estimators, each as if it were fitted alone.

    Parameters
    ----------
    jobs : sequence of Job
        What to fit.
    n_jobs : int, "auto" or None, default=None
        Number of stacks, or of single fits, to train in parallel, as in scikit-learn;
        "auto" is decided by `processes_for`.

    Yields
    ------
    i : int
        The number of a job, in the order in which they are done.
    result : Result
        What became of it.
    """
    is_free = False
    if n_jobs == "auto":
        n_jobs = processes_for(jobs)
        is_free = n_jobs is not None and effective_n_jobs(n_jobs) > 1
    n_cores = effective_n_jobs(n_jobs)
    groups = stacks_of(jobs, n_cores)
    tasks = [(group, [jobs[i] for i in group]) for group in groups]
    if is_free:
        done = run_on_cores(fit_numbered, tasks, n_cores)
    else:
        parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
        done = parallel(delayed(fit_numbered)(*task) for task in tasks)
    for group, results in done:
        yield from zip(group, results, strict=True)


def processes_for(jobs: Sequence[Job]) -> int | None:
    """Return how many processes to use if nobody has said.

    Parameters
    ----------
    jobs : sequence of Job
        What to fit.

    Returns
    -------
    n_jobs : int or None
        All cores, if the fits take longer than it takes to start the processes; None,
        which is one unless `joblib.parallel_config` says otherwise, if they do not, if
        they are part of something that runs in parallel already, or if they have
        callbacks: what a copy in another process collects may be lost.
    """
    if any(callbacks_of(job.estimator) for job in jobs):
        return None
    backend, n_jobs = get_active_backend()
    is_nested = backend.nesting_level > 0 or n_jobs not in (None, 1)
    if is_nested or sum(map(seconds_of, jobs)) < WORTH_PROCESSES:
        return None
    return -1


def seconds_of(job: Job) -> float:
    """Estimate how long a fit takes at most, on one core of today."""
    try:
        step = cost_of_step(job)
        n_batches = -(-job.train.n_rows // step.batch)
        flops = 6 * step.batch * step.n_parameters  # three products, two each
        return float(job.estimator.max_iter * n_batches * (PER_STEP + flops / FLOPS))
    except (AttributeError, TypeError, ValueError):  # not ours, or a wrong parameter
        return 0.0


def stacks_of(jobs: Sequence[Job], n_cores: int) -> list[list[int]]:
    """Return which jobs to train at once.

    Parameters
    ----------
    jobs : sequence of Job
        What to fit.
    n_cores : int
        Stacks that are trained side by side. None of them goes without one.

    Returns
    -------
    groups : list of list of int
        The numbers of the jobs of each stack; the longest first.
    """
    alike: dict[Any, list[int]] = defaultdict(list)
    for i, job in enumerate(jobs):
        alike[kind_of(job) or i].append(i)
    groups = []
    for members in alike.values():
        if len(members) == 1:
            groups.append(members)
            continue
        most = members_of_a_stack(jobs[members[0]])
        n_stacks = -(-len(members) // most)
        n_stacks = min(-(-n_stacks // n_cores) * n_cores, len(members))
        members = sorted(members, key=lambda i: jobs[i].train.n_rows)
        groups += [part.tolist() for part in np.array_split(members, n_stacks)]
    return sorted(groups, key=len, reverse=True)


def kind_of(job: Job) -> Any:
    """Return what jobs of one stack have in common, or None if a job is one apart.

    This is judged by parameters alone; when the fits are set up, `layout` says
    which of them have the same operations.
    """
    estimator = job.estimator
    if not is_stackable(estimator) or issparse(job.train.X):
        return None
    params = estimator.get_params(deep=False)
    fixed = {name: value for name, value in params.items() if name not in FREE}
    kind = type(estimator), repr(fixed)
    return kind, job.train.X.shape[1], job.validation is None


def is_stackable(estimator: Any) -> bool:
    """Tell whether an estimator may be fitted in a stack, as far as it can say.

    A subclass may fit in another way; progress, callbacks, checkpoints and the
    continuation of an earlier fit belong to one fit.
    """
    return (
        isinstance(estimator, FFNNEstimator)
        and estimator._is_ours()
        and not estimator.verbose
        and not callbacks_of(estimator)
        and estimator.checkpoint is None
        and not estimator.warm_start
    )


def members_of_a_stack(job: Job) -> int:
    """Return how many networks to stack.

    Parameters
    ----------
    job : Job
        One of several that are alike.

    Returns
    -------
    n : int
        At least 1, and so many that their memory stays within what scikit-learn's
        setting `working_memory` allows.
    """
    try:
        step = cost_of_step(job)
    except (TypeError, ValueError):  # a wrong parameter, which the fit will report
        return 1
    limit = get_config()["working_memory"] * 2**20
    return max(1, min(CACHE // step.bytes, int(limit // (step.bytes + step.kept))))


class Step(NamedTuple):
    """What a step of a network costs.

    Attributes
    ----------
    batch : int
        Rows.
    n_parameters : int
        Length of θ.
    bytes, kept : int
        Memory that it works on, and that is kept between steps besides.
    """

    batch: int
    n_parameters: int
    bytes: int
    kept: int


def cost_of_step(job: Job) -> Step:
    """Return what a step costs, from the sizes of the layers and of a batch.

    Parameters
    ----------
    job : Job
        A network to be trained.

    Returns
    -------
    step : Step
        Its cost.
    """
    hidden = hidden_sizes(job.estimator.hidden_layer_sizes)
    size, n_rows = job.estimator.batch_size, job.train.n_rows
    batch = min(200 if size == "auto" else size, n_rows)
    features, outputs = job.train.X.shape[1], outputs_of(job)
    # A row of a batch is x, then a, h and g' of each layer, then logits, y and loss.
    row = features + 3 * sum(hidden) + 3 * outputs
    n_parameters = sum(
        (n_in + 1) * n_out for n_in, n_out in pairwise([features, *hidden, outputs])
    )
    number = 8 if job.estimator.dtype == "float64" else 4
    # Parameters are there four times: θ, its gradient, and two moments. θ is kept twice
    # more, and so is the validation set, which is gathered once.
    held_out = 0 if job.validation is None else job.validation.n_rows
    return Step(
        batch,
        n_parameters,
        bytes=number * (batch * row + 4 * n_parameters),
        kept=number * (held_out * row + 2 * n_parameters) + 8 * n_rows,
    )


def outputs_of(job: Job) -> int:
    """Estimate how many outputs a network has, from its first rows."""
    y = job.train.y[:1000]
    if is_classifier(job.estimator):
        return len(np.unique(y))
    n_levels = len(job.estimator._loss().levels or (None,))
    return n_levels * (y.shape[1] if y.ndim == 2 else 1)


def fit_numbered(
    group: Sequence[int], jobs: Sequence[Job]
) -> tuple[Sequence[int], list[Result]]:
    """Fit the jobs of one stack; return their numbers with the results."""
    start = time.perf_counter()
    results = [fit_alone(jobs[0])] if len(jobs) == 1 else fit_stacked(jobs)
    for job, result in zip(jobs, results, strict=True):
        if job.then is not None and result.estimator is not None:
            result.value = job.then(result.estimator)
    seconds = (time.perf_counter() - start) / len(jobs)
    for result in results:
        result.seconds = seconds
    return group, results


def fit_alone(job: Job) -> Result:
    """Fit one estimator by its own method."""
    fit_params: dict[str, Any] = {}
    train, validation = job.train, job.validation
    if train.weights is not None:
        fit_params["sample_weight"] = train.weights[train.rows()]
    if validation is not None and has_fit_parameter(job.estimator, "X_val"):
        fit_params["X_val"], fit_params["y_val"] = validation.select()
        if validation.weights is not None:
            fit_params["sample_weight_val"] = validation.weights[validation.rows()]
    names = getattr(job.estimator, "feature_names_in_", None)
    with heard(job):
        result = attempted(lambda: job.estimator.fit(*train.select(), **fit_params))
    if names is not None and result.estimator is not None:
        result.estimator.feature_names_in_ = names  # the checked rows have none
    return result


@contextmanager
def heard(job: Job) -> Iterator[None]:
    """Let the listener of a job hear of what `fit` of its estimator does."""
    estimator, listener = job.estimator, job.listener
    if listener is None:
        yield
        return
    own = estimator._listeners
    estimator._listeners = lambda *args: [*own(*args), listener]
    try:
        yield
    finally:
        del estimator._listeners


def attempted(fit: Callable[[], Any]) -> Result:
    """Return the estimator that a function fits, with its warnings, or its error."""
    result = Result()
    with recorded() as caught:
        try:
            result.estimator = fit()
        except Exception as error:
            result.error = error
    result.warnings = caught
    return result


def fit_stacked(jobs: Sequence[Job]) -> list[Result]:
    """Set the fits up, and train those with the same operations at once."""
    results = [Result() for _ in jobs]
    fits: dict[int, Any] = {}
    layouts: dict[Any, list[int]] = defaultdict(list)
    for i, job in enumerate(jobs):
        with recorded() as caught:
            try:
                fits[i] = job.estimator._new_fit(job.train, job.validation)
                fits[i].listeners = [job.listener] if job.listener else []
            except Exception as error:
                results[i].error = error
                continue
        results[i].warnings = caught
        layouts[layout(fits[i]) or i].append(i)
    for members in layouts.values():
        outcomes = run([fits[i] for i in members])
        for i, outcome in zip(members, outcomes, strict=True):
            results[i].error = outcome.error
            results[i].warnings = [*results[i].warnings, *outcome.warnings]
            if outcome.fitted is not None:
                own_rows(outcome.fitted["_state"], jobs[i].train.index)
                vars(jobs[i].estimator).update(outcome.fitted)
                results[i].estimator = jobs[i].estimator
    return results


def own_rows(state: dict[str, Any], index: Array | None) -> None:
    """Number the rows in the order of the last epoch as if there were no others."""
    if index is not None and state["order"] is not None:
        position = np.empty(index.max() + 1, np.intp)
        position[index] = np.arange(len(index))
        state["order"] = position[state["order"]].astype(state["order"].dtype)
