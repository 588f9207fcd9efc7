"""Support for scikit-learn's callbacks, which are set by `set_callbacks`.

They were added in scikit-learn 1.9 (`sklearn.callback`). A fit is a task and each of
its epochs is a subtask; callbacks are called at the beginning and at the end of both.
Older versions have no `set_callbacks`, so nothing is called.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from ..optim.state import copied
from ..optim.training import Epoch
from .fit import BaseFit
from .listeners import Listener

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Placeholder, without `set_callbacks`."""

    def with_callbacks(method: Any) -> Any:
        """Return the method unchanged."""
        return method


class CallbackSupport(CallbackSupportMixin):
    """Mixin for estimators that call scikit-learn's callbacks for each epoch."""

    @with_callbacks
    def _run(
        self, fit: BaseFit, listeners: Sequence[Listener], X: Any, y: Any, weights: Any
    ) -> None:
        """Train and set the fitted attributes; X, y and weights are for callbacks.

        This is called after all checks. Callbacks are torn down when it returns or
        raises: before `all_or_nothing` restores the estimator and so removes their
        context, which is one of its attributes.
        """
        with told(self, fit, X, y, weights) as of_epochs:
            self.__dict__.update(fit.run([*listeners, *of_epochs]))


def callbacks_of(estimator: Any) -> list[Any]:
    """Return the callbacks of an estimator.

    Parameters
    ----------
    estimator : estimator
        Any estimator.

    Returns
    -------
    callbacks : list of callback
        Its own, and those that a meta-estimator has propagated to it for a fit.
    """
    return list(getattr(estimator, "_skl_callbacks", []))  # scikit-learn has no getter


def has_callbacks(estimator: Any) -> bool:
    """Return whether an estimator, or any estimator in its parameters, has callbacks.

    Parameters
    ----------
    estimator : estimator
        Any estimator, such as a pipeline or a search.

    Returns
    -------
    answer : bool
        True if any of them has callbacks.
    """
    return any(map(callbacks_of, (estimator, *estimator.get_params().values())))


@contextmanager
def told(
    estimator: Any, fit: BaseFit, X: Any, y: Any, weights: Any
) -> Iterator[list[Listener]]:
    """Call the callbacks of an estimator at the beginning and at the end of a fit.

    Parameters
    ----------
    estimator : CallbackSupport
        Must be fitted when the block ends.
    fit : BaseFit
        The fit of the estimator.
    X, y, weights : object
        As passed by the user, so that callbacks can pass them to a scorer.

    Yields
    ------
    listeners : list of Listener
        They call the callbacks for each epoch; empty if there are none.
    """
    if not callbacks_of(estimator):
        yield []
        return
    metadata = None if weights is None else {"sample_weight": weights}
    given = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
    n_left = fit.plan.criteria.max_iter - fit.n_iter
    context = estimator._init_callback_context(max_subtasks=n_left)
    context.call_on_fit_task_begin(**given)
    yield [EpochTasks(fit, context, given)]
    context.call_on_fit_task_end(**given, reconstruction_attributes={})


class EpochTasks(Listener):
    """Calls callbacks for each epoch as a task, and stops training if one asks for it.

    Parameters
    ----------
    fit : BaseFit
        The fit.
    context : CallbackContext
        The context of the fit.
    given : dict of str to object
        The estimator, X, y and metadata that are passed to callbacks.
    """

    def __init__(self, fit: BaseFit, context: Any, given: dict[str, Any]) -> None:
        self.fit, self.context, self.given = fit, context, given
        self.task: Any = None

    def __enter__(self) -> Self:
        self._begin()
        return self

    def on_epoch_end(self, epoch: Epoch, fit: Any) -> None:
        if self._end(reconstruction_attributes=self._fitted):
            fit.training.stop()
        self._begin()

    def on_fit_end(self, fit: Any) -> None:
        """End the task of an epoch that was not completed.

        This happens after Ctrl-C, or if L-BFGS makes no further iteration.
        """
        if self.task is not None:
            self._end()

    def _begin(self) -> None:
        """Begin the next epoch, if there is one."""
        if self.fit.training.is_over:
            return
        self.task = self.context.subcontext(task_name=self.fit.plan.solver.unit)
        self.task.call_on_fit_task_begin(
            **self.given, reconstruction_attributes=self._fitted
        )

    def _end(self, **attributes: Any) -> bool:
        """End the epoch; return whether a callback asks to stop."""
        task, self.task = self.task, None
        stop: bool = task.call_on_fit_task_end(**self.given, **attributes)
        return stop

    def _fitted(self) -> dict[str, Any]:
        """Return the fitted attributes as if training ended now, without shared arrays.

        scikit-learn calls this only if a callback asks for the attributes.
        """
        fitted = self.fit.fitted()
        return fitted | {"_state": copied(fitted["_state"])}
