"""Training of many networks: in stacks where that is faster, and in parallel.

A stack (`skffnn.fitting.stack`) runs a step of M networks with as many array operations
as a step of one. This saves the overhead of Python and NumPy for each operation: nearly
all of the time for a small network, hardly any for a large one. It is faster as long as
the data of a step stay in the processor cache. Measured on one core, the training time
of a network alone over its share of the time of a stack of M:

    rows × features, hidden layer, batch   KiB each   M = 2    8    32    64
    400 × 4, 10, 32                               7      1.2  3.1   8.1  10.6
    1437 × 64, 40, 32                            73      1.2  2.2   2.6   2.5
    16000 × 30, 32, 200                         120      1.3  2.0     -     -
    2400 × 30, 100, 200                         310      1.1  1.6   1.4     -
    1437 × 64, 100, 200                         420      0.9  1.4   1.1     -
    2400 × 60, 2 × 256, 256                    2900      1.0  1.0     -     -

Hence `members_of_a_stack`: as many as need 4 MiB together. Fits that cannot be stacked,
or would not be faster, are distributed over the cores one by one.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from joblib import effective_n_jobs, parallel_config
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

# Bytes that a step of a whole stack may use, from the measurements above.
CACHE = 4 * 2**20

# Overhead of a step in seconds, and floating-point operations per second, roughly, on
# one core.
PER_STEP, FLOPS = 5e-5, 3e10

# Seconds of training that make it worthwhile to start processes.
WORTH_PROCESSES = 4.0

# Bytes of rows from which this process does not train: it would need another copy of
# them, and the time that other processes take to start matters less.
LARGE = 2**26

# Parameters that do not change the operations of a step, so that they may differ
# between the members of a stack.
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
    """A fit to run.

    Attributes
    ----------
    estimator : FFNNClassifier, FFNNRegressor or another
        With its parameters set. It is fitted in place, or a copy of it is.
    train : Dataset
        Validated training rows; `estimator` has the names and number of the features.
    validation : Dataset or None
        The validation set, if there is a separate one and the estimator accepts it.
    then : callable, default=None
        Called with the fitted estimator, in the process that fitted it.
    listener : Listener, default=None
        Notified of each epoch of a network, in the same process.
    """

    estimator: Any
    train: Dataset
    validation: Dataset | None = None
    then: Callable[[Any], Any] | None = None
    listener: Listener | None = None


@dataclass
class Result:
    """Outcome of a job.

    Attributes
    ----------
    estimator : FFNNClassifier, FFNNRegressor or None
        The fitted estimator.
    error : Exception or None
        Why the fit failed.
    warnings : list of WarningMessage
        Warnings from the fit.
    value : object
        What `Job.then` returned.
    seconds : float
        Its share of the training time of its stack.
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
        """Repeat the warnings of the fit, and return the estimator or raise the error.

        Returns
        -------
        estimator : FFNNClassifier or FFNNRegressor
            The fitted estimator.

        Raises
        ------
        Exception
            The error of the fit, if it failed.
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
        The fits to run.
    n_jobs : int, "auto" or None, default=None
        Number of stacks, or of single fits, to train in parallel, as in scikit-learn;
        with "auto", `processes_for` decides.

    Yields
    ------
    i : int
        Index of a job. Jobs are yielded as they finish.
    result : Result
        Its outcome.
    """
    is_auto = n_jobs == "auto"
    n_jobs = processes_for(jobs) if is_auto else n_jobs
    takes_all_cores = is_auto and n_jobs is not None
    trains_here = takes_all_cores and jobs[0].train.n_bytes < LARGE
    n_cores = effective_n_jobs(n_jobs)
    # More stacks than cores, if this process begins while others are still starting.
    groups = stacks_of(jobs, 2 * n_cores if trains_here else n_cores)
    tasks = [(group, [jobs[i] for i in group]) for group in groups]
    if trains_here:
        done = run_on_cores(fit_numbered, tasks, n_cores)
    else:
        with one_thread_each() if takes_all_cores else nullcontext():
            parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
        done = parallel(delayed(fit_numbered)(*task) for task in tasks)
    for group, results in done:
        yield from zip(group, results, strict=True)


def one_thread_each() -> parallel_config:
    """Set one thread for each process; OMP_NUM_THREADS is meant for a single one."""
    return parallel_config("loky", inner_max_num_threads=1)


def processes_for(jobs: Sequence[Job]) -> int | None:
    """Return how many processes to use with `n_jobs="auto"`.

    Parameters
    ----------
    jobs : sequence of Job
        The fits to run.

    Returns
    -------
    n_jobs : int or None
        -1, for all cores, if the fits take long enough to be worth starting processes;
        otherwise None, which means one unless `joblib.parallel_config` is set. Also
        None within a parallel computation, and with callbacks, because what these
        collect in another process may be lost.
    """
    if any(callbacks_of(job.estimator) for job in jobs):
        return None
    backend, n_jobs = get_active_backend()
    is_nested = backend.nesting_level > 0 or n_jobs not in (None, 1)
    if is_nested or sum(map(seconds_of, jobs)) < WORTH_PROCESSES:
        return None
    return -1


def seconds_of(job: Job) -> float:
    """Estimate how many seconds a fit takes at most, on one current core."""
    try:
        step = cost_of_step(job)
        n_batches = -(-job.train.n_rows // step.batch)
        flops = 6 * step.batch * step.n_parameters  # 3 products, 2 flops per weight
        return float(job.estimator.max_iter * n_batches * (PER_STEP + flops / FLOPS))
    except (AttributeError, TypeError, ValueError):  # not ours, or invalid parameters
        return 0.0


def stacks_of(jobs: Sequence[Job], n_cores: int) -> list[list[int]]:
    """Return which jobs to train together.

    Parameters
    ----------
    jobs : sequence of Job
        The fits to run.
    n_cores : int
        Number of stacks to train in parallel. Stacks are made smaller if some cores
        would otherwise be idle.

    Returns
    -------
    groups : list of list of int
        Indices of the jobs in each stack, the largest stack first.
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
    """Return what jobs of one stack have in common, or None for a job to fit alone.

    This considers only the parameters; once the fits are set up, `layout` determines
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
    """Return whether an estimator, by itself, may be fitted in a stack.

    A subclass may fit differently; progress output, callbacks, checkpoints and warm
    starts work with single fits only.
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
        One of several of the same kind.

    Returns
    -------
    n : int
        At least 1. The data of a step fit into `CACHE`, and all memory into
        scikit-learn's setting `working_memory`.
    """
    try:
        step = cost_of_step(job)
    except (TypeError, ValueError):  # an invalid parameter, which `fit` will report
        return 1
    limit = get_config()["working_memory"] * 2**20
    return max(1, min(CACHE // step.bytes, int(limit // (step.bytes + step.kept))))


class Step(NamedTuple):
    """Cost of a step of a network.

    Attributes
    ----------
    batch : int
        Number of rows in a batch.
    n_parameters : int
        Length of θ.
    bytes, kept : int
        Memory used by the step, and further memory kept between steps, in bytes.
    """

    batch: int
    n_parameters: int
    bytes: int
    kept: int


def cost_of_step(job: Job) -> Step:
    """Return the cost of a step, from the sizes of the layers and of a batch.

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
    # A step uses θ, its gradient and two moments. Two more copies of θ are kept, and
    # the validation set, with its activations.
    held_out = 0 if job.validation is None else job.validation.n_rows
    return Step(
        batch,
        n_parameters,
        bytes=number * (batch * row + 4 * n_parameters),
        kept=number * (held_out * row + 2 * n_parameters) + 8 * n_rows,
    )


def outputs_of(job: Job) -> int:
    """Estimate how many outputs a network has, from the first training rows."""
    y = job.train.y[:1000]
    if is_classifier(job.estimator):
        return len(np.unique(y))
    n_levels = len(job.estimator._loss().levels or (None,))
    return n_levels * (y.shape[1] if y.ndim == 2 else 1)


def fit_numbered(
    group: Sequence[int], jobs: Sequence[Job]
) -> tuple[Sequence[int], list[Result]]:
    """Fit the jobs of one stack; return their indices with the results."""
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
        result.estimator.feature_names_in_ = names  # the validated rows have none
    return result


@contextmanager
def heard(job: Job) -> Iterator[None]:
    """Add the listener of a job to those of its estimator, inside the block."""
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
    """Call a function that fits an estimator; return its result, warnings or error."""
    result = Result()
    with recorded() as caught:
        try:
            result.estimator = fit()
        except Exception as error:
            result.error = error
    result.warnings = caught
    return result


def fit_stacked(jobs: Sequence[Job]) -> list[Result]:
    """Set up the fits, and train those with the same operations together."""
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
    """Convert the order of the last epoch to positions among the rows of this fit."""
    if index is not None and state["order"] is not None:
        position = np.empty(index.max() + 1, np.intp)
        position[index] = np.arange(len(index))
        state["order"] = position[state["order"]].astype(state["order"].dtype)
