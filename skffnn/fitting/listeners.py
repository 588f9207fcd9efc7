"""Listeners, which are called in the course of training: lines, a progress bar.

A listener is an object with the methods of `Listener`, which do nothing by default.
They are called when the progress of training is up to date:
`Fitted.from_training(training)` returns the network as if training ended there.
Checkpoints (`skffnn.files.checkpoints`) are written by a listener too, and
`EpochTasks` calls the callbacks of scikit-learn 1.9 (`set_callbacks`): a fit is a task
and each of its epochs a subtask, and callbacks are called at the beginning and at the
end of both.
"""

import time
from contextlib import AbstractContextManager
from typing import Any, Self

from ..fitted import Fitted
from ..optim.training import Epoch, Training
from ..utils.checks import warn


class Listener(AbstractContextManager["Listener"]):
    """Base class of listeners: a context manager for training that does nothing.

    It is entered before training and exited after it, however training ends.

    Examples
    --------
    >>> from skffnn.fitting.listeners import Listener
    >>> class Losses(Listener):
    ...     def __init__(self):
    ...         self.losses = []
    ...     def on_epoch_end(self, epoch, training):
    ...         self.losses.append(epoch.loss)
    """

    def on_fit_begin(self, training: Training) -> None:
        """Called before the first epoch.

        Parameters
        ----------
        training : Training
            The training. `training.n_iter` is its number of completed epochs, and
            `training.stop()` ends it.
        """

    def on_epoch_end(self, epoch: Epoch, training: Training) -> None:
        """Called after each epoch.

        Parameters
        ----------
        epoch : Epoch
            The results of the epoch.
        training : Training
            The training.
        """

    def on_round_end(self, done: float, training: Training) -> None:
        """Called after each round, if a cluster trains in rounds.

        Parameters
        ----------
        done : float
            Fraction of the epoch that has been completed; 1 after its last round.
        training : Training
            The training.
        """

    def on_fit_end(self, training: Training) -> None:
        """Called after training, also if a listener or Ctrl-C ended it.

        Parameters
        ----------
        training : Training
            The training.
        """

    def __exit__(self, *error: object) -> None:
        """Clean up, however training ended; must not return True."""


class Lines(Listener):
    """Prints a line for each epoch, at most 80 characters wide."""

    def __enter__(self) -> Self:
        self.start = time.perf_counter()
        return self

    def on_epoch_end(self, epoch: Epoch, training: Training) -> None:
        seconds = time.perf_counter() - self.start
        print(f"Epoch {epoch.number:>4}  {columns(epoch)} {seconds:>6.1f} s")


def columns(epoch: Epoch) -> str:
    """Format the results of an epoch, in columns of fixed width.

    Parameters
    ----------
    epoch : Epoch
        The results of the epoch.

    Returns
    -------
    text : str
        The names and numbers, with the same width for each epoch of a fit.

    Examples
    --------
    >>> print(columns(Epoch(1, loss=0.5, validation_loss=0.6, score=0.75)))
    loss 0.5000     val 0.6000     score 0.7500
    """
    text = f"loss {epoch.loss:<#9.4g}"  # "#" keeps trailing zeros
    if epoch.validation_loss is not None and epoch.score is not None:
        text += f"  val {epoch.validation_loss:<#9.4g}  score {epoch.score:<7.4f}"
    if epoch.eta is not None:
        text += f"  rate {epoch.eta:<#7.2g}"
    return text


class Bar(Listener):
    """Shows a progress bar on standard error, drawn by the library rich.

    It has its own console, so that fits in several threads do not interfere.

    Parameters
    ----------
    max_iter : int
        Maximum number of epochs of this fit.
    done : int, default=0
        Number of these epochs that an earlier run has completed.
    """

    def __init__(self, max_iter: int, done: int = 0) -> None:
        self.max_iter, self.done = max_iter, done

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self.bar: Any = Progress(
            BarColumn(bar_width=20),
            TextColumn("{task.fields[epochs]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}"),
            console=Console(stderr=True),
        )
        self.task = self.bar.add_task(
            "", total=self.max_iter, completed=self.done, epochs="", text=""
        )
        self.bar.start()
        return self

    def on_round_end(self, done: float, training: Training) -> None:
        self.bar.update(self.task, completed=training.n_iter + done)

    def on_epoch_end(self, epoch: Epoch, training: Training) -> None:
        text = f"loss {epoch.loss:#.4g}"
        if epoch.score is not None:
            text += f"  score {epoch.score:.4f}"
        epochs = f"{training.n_iter} of {self.max_iter} epochs"
        self.bar.update(self.task, completed=training.n_iter, epochs=epochs, text=text)

    def on_fit_end(self, training: Training) -> None:
        if training.n_iter < self.max_iter:
            epochs = f"{training.n_iter} epochs, stopped early"
            self.bar.update(self.task, total=training.n_iter, epochs=epochs)

    def __exit__(self, *error: object) -> None:
        self.bar.stop()


def reporters(verbose: int, max_iter: int, done: int = 0) -> list[Listener]:
    """Return the listeners that `verbose` asks for.

    0 asks for none, 1 for a line for each epoch, and 2 or more for a progress bar of
    `max_iter` epochs, of which `done` are complete. Lines replace the bar if there is
    only one epoch or, with a warning, if rich is not installed.
    """
    if not verbose:
        return []
    if int(verbose) == 1 or max_iter == 1:  # each call of partial_fit
        return [Lines()]
    if not has_rich():
        warn(
            "The progress bar of verbose=2 needs the library rich, which is not "
            "installed (pip install rich). A line is printed for each epoch instead."
        )
        return [Lines()]
    return [Bar(max_iter, done)]


def has_rich() -> bool:
    """Return whether rich, which draws progress bars, can be imported."""
    try:
        import rich.progress  # noqa: F401
    except ImportError:
        return False
    return True


def callbacks_of(estimator: Any) -> list[Any]:
    """Return the callbacks of an estimator, also those that a search has passed on."""
    return list(getattr(estimator, "_skl_callbacks", []))  # scikit-learn has no getter


class EpochTasks(Listener):
    """Calls callbacks for each epoch as a task, and stops training if one asks for it.

    `given` are the estimator, X, y and metadata that are passed to callbacks.
    """

    def __init__(self, context: Any, given: dict[str, Any]) -> None:
        self.context, self.given = context, given
        self.task: Any = None

    def on_fit_begin(self, training: Training) -> None:
        self._begin(training)

    def on_epoch_end(self, epoch: Epoch, training: Training) -> None:
        if self._end(reconstruction_attributes=lambda: fitted_attributes(training)):
            training.stop()
        self._begin(training)

    def on_fit_end(self, training: Training) -> None:
        """End the task of an epoch that was not completed.

        This happens after Ctrl-C, or if L-BFGS makes no further iteration.
        """
        if self.task is not None:
            self._end()

    def _begin(self, training: Training) -> None:
        """Begin the next epoch, if there is one."""
        if training.is_over:
            return
        self.task = self.context.subcontext(task_name=training.plan.unit)
        self.task.call_on_fit_task_begin(
            **self.given,
            reconstruction_attributes=lambda: fitted_attributes(training),
        )

    def _end(self, **attributes: Any) -> bool:
        """End the epoch; return whether a callback asks to stop."""
        task, self.task = self.task, None
        stop: bool = task.call_on_fit_task_end(**self.given, **attributes)
        return stop


def fitted_attributes(training: Training) -> dict[str, Any]:
    """Return what makes an estimator fitted, for callbacks that ask for it."""
    return {"fitted_": Fitted.from_training(training)}
