"""The callbacks of scikit-learn, which an estimator is given by `set_callbacks`.

They came with scikit-learn 1.9 (`sklearn.callback`). A fit is a task, and each of its
epochs a subtask; a callback is called at the beginning and at the end of both. With an
older scikit-learn there is no `set_callbacks`, and nothing is called.
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
        """No `set_callbacks`."""

    def with_callbacks(method: Any) -> Any:
        """Return the method as it is."""
        return method


class CallbackSupport(CallbackSupportMixin):
    """Mixin for estimators whose fits tell callbacks of their epochs."""

    @with_callbacks
    def _run(
        self, fit: BaseFit, listeners: Sequence[Listener], X: Any, y: Any, weights: Any
    ) -> None:
        """Train, and set the fitted attributes; X, y and weights are for callbacks.

        This is called after all checks. Callbacks are torn down when it returns or
        raises: before `all_or_nothing` restores the estimator, and their context, which
        is an attribute of it, is lost.
        """
        with told(self, fit, X, y, weights) as of_epochs:
            self.__dict__.update(fit.run([*listeners, *of_epochs]))


def callbacks_of(estimator: Any) -> list[Any]:
    """Return the callbacks that an estimator was given.

    Parameters
    ----------
    estimator : estimator
        Any estimator.

    Returns
    -------
    callbacks : list of callback
        Its own, and those that a meta-estimator has passed on to it for a fit.
    """
    return list(getattr(estimator, "_skl_callbacks", []))  # scikit-learn has no getter


def has_callbacks(estimator: Any) -> bool:
    """Tell whether an estimator, or one among its parameters, has callbacks.

    Parameters
    ----------
    estimator : estimator
        Maybe a pipeline or a search.

    Returns
    -------
    answer : bool
        True if any of them has.
    """
    return any(map(callbacks_of, (estimator, *estimator.get_params().values())))


@contextmanager
def told(
    estimator: Any, fit: BaseFit, X: Any, y: Any, weights: Any
) -> Iterator[list[Listener]]:
    """Tell the callbacks of an estimator when its fit begins, and when it has ended.

    Parameters
    ----------
    estimator : CallbackSupport
        Fitted when the block ends.
    fit : BaseFit
        What it is fitted by.
    X, y, weights : object
        As the user has passed them, so that a scorer can be given them too.

    Yields
    ------
    listeners : list of Listener
        Tell the callbacks of each epoch; empty if there are no callbacks.
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
    """Tells callbacks of each epoch as a task, and ends training if one asks for that.

    Parameters
    ----------
    fit : BaseFit
        The fit.
    context : CallbackContext
        That of the fit.
    given : dict of str to object
        The estimator, X, y and metadata, as callbacks are given them.
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
        """End a task that came to nothing.

        Ctrl-C has ended the epoch, or L-BFGS found no further iteration to make.
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
        """Return what would be fitted if training ended now, sharing nothing with it.

        scikit-learn asks for it only if a callback does.
        """
        fitted = self.fit.fitted()
        return fitted | {"_state": copied(fitted["_state"])}
