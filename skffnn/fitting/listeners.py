"""Listeners, which are called at the end of each epoch: printed lines, a progress bar.

A listener is an object with the methods of `Listener`, which do nothing by default. A
fit calls its listeners when the state of training is up to date. They can call
`fit.fitted()`, which returns the fitted attributes as if training ended there.
Checkpoints (`skffnn.io.checkpoints`) are written by a listener too.
"""

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Self

from ..optim.training import Epoch
from ..utils.warn import warn


class Listener(AbstractContextManager["Listener"]):
    """Base class of listeners: a context manager for training that does nothing.

    It is entered before training and exited after it, however training ends.

    Examples
    --------
    >>> from skffnn.fitting.listeners import Listener
    >>> class Losses(Listener):
    ...     def __init__(self):
    ...         self.losses = []
    ...     def on_epoch_end(self, epoch, fit):
    ...         self.losses.append(epoch.loss)
    """

    def on_epoch_end(self, epoch: Epoch, fit: Any) -> None:
        """Respond to the end of an epoch.

        Parameters
        ----------
        epoch : Epoch
            The results of the epoch.
        fit : Fit
            The fit. `fit.n_iter` is its number of completed epochs, and `fit.fitted()`
            returns its current fitted attributes; copy the arrays in `_state` to keep
            them. `fit.training.stop()` ends training.
        """

    def on_round_end(self, done: float, fit: Any) -> None:
        """Respond to the end of a round, if a cluster trains in rounds.

        Parameters
        ----------
        done : float
            Fraction of the epoch that has been completed; 1 after its last round.
        fit : Fit
            The fit.
        """

    def on_fit_end(self, fit: Any) -> None:
        """Respond to the end of training, also if a listener or Ctrl-C ended it.

        Parameters
        ----------
        fit : Fit
            The fit.
        """

    def __exit__(self, *error: object) -> None:
        """Clean up, however training ended; must not return True."""


class Lines(Listener):
    """Prints a line for each epoch, at most 80 characters wide."""

    def __enter__(self) -> Self:
        self.start = time.perf_counter()
        return self

    def on_epoch_end(self, epoch: Epoch, fit: Any) -> None:
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

    def on_round_end(self, done: float, fit: Any) -> None:
        self.bar.update(self.task, completed=fit.n_iter + done)

    def on_epoch_end(self, epoch: Epoch, fit: Any) -> None:
        text = f"loss {epoch.loss:#.4g}"
        if epoch.score is not None:
            text += f"  score {epoch.score:.4f}"
        epochs = f"{fit.n_iter} of {self.max_iter} epochs"
        self.bar.update(self.task, completed=fit.n_iter, epochs=epochs, text=text)

    def on_fit_end(self, fit: Any) -> None:
        if fit.n_iter < self.max_iter:
            epochs = f"{fit.n_iter} epochs, stopped early"
            self.bar.update(self.task, total=fit.n_iter, epochs=epochs)

    def __exit__(self, *error: object) -> None:
        self.bar.stop()


# Indexed by `verbose`; a larger value selects the last.
REPORTERS = (Listener, Lines, Bar)


def reporter(verbose: int, max_iter: int, done: int = 0) -> Listener:
    """Return the listener that `verbose` asks for.

    Parameters
    ----------
    verbose : bool or int
        0 prints nothing, 1 prints a line for each epoch, and 2 or more shows a progress
        bar. Lines replace the bar if there is only one epoch or, with a warning, if
        rich is not installed.
    max_iter : int
        Maximum number of epochs of this fit.
    done : int, default=0
        Number of these epochs that an earlier run has completed.

    Returns
    -------
    reporter : Listener
        A `Listener` that does nothing, `Lines` or a `Bar`.
    """
    kind: type[Listener] = REPORTERS[min(int(verbose), len(REPORTERS) - 1)]
    if kind is Bar and max_iter == 1:  # each call of partial_fit
        kind = Lines
    if kind is Bar and not has_rich():
        warn(
            "The progress bar of verbose=2 needs the library rich, which is not "
            "installed (pip install rich). A line is printed for each epoch instead."
        )
        kind = Lines
    return Bar(max_iter, done) if kind is Bar else kind()


class Tally(Listener):
    """Appends one byte to a file for each epoch, from any process.

    Parameters
    ----------
    path : str
        The file.
    max_iter : int
        Maximum number of epochs of a fit; those that it does not need are added when it
        ends.
    """

    def __init__(self, path: str, max_iter: int) -> None:
        self.path, self.max_iter = path, max_iter

    def note(self, n: int) -> None:
        """Add n epochs; do nothing if the file is not on this machine."""
        with suppress(OSError), open(self.path, "ab", buffering=0) as file:
            file.write(b"." * n)

    def on_epoch_end(self, epoch: Epoch, fit: Any) -> None:
        self.note(1)

    def on_fit_end(self, fit: Any) -> None:
        self.note(max(0, self.max_iter - fit.n_iter))


class Counter:
    """Counts the fits of a group, and their epochs; the base class shows nothing."""

    def tally(self, max_iter: int) -> Listener | None:
        """Return a listener for one of the fits, or None.

        Parameters
        ----------
        max_iter : int
            Maximum number of its epochs.

        Returns
        -------
        listener : Listener or None
            The listener, which may be sent to another process.
        """
        return None

    def advance(self) -> None:
        """Count a completed fit."""


class BarCounter(Counter):
    """Counts in a progress bar on standard error.

    Parameters
    ----------
    bar : rich.progress.Progress
        The bar.
    n_fits : int
        Number of fits.
    path : str
        The file with one byte for each epoch.
    """

    def __init__(self, bar: Any, n_fits: int, path: str) -> None:
        self.bar, self.n_fits, self.path = bar, n_fits, path
        self.n_epochs = self.n_done = 0
        self.task = bar.add_task("", total=n_fits, text="")
        self.show()

    def tally(self, max_iter: int) -> Listener:
        self.n_epochs += max_iter
        return Tally(self.path, max_iter)

    def advance(self) -> None:
        self.n_done += 1
        self.show()

    def show(self) -> None:
        """Update the bar."""
        text = f"{self.n_done} of {self.n_fits} fits"
        completed: float = self.n_done
        if self.n_epochs:
            noted = min(os.path.getsize(self.path), self.n_epochs)
            text += f", {noted} of {self.n_epochs} epochs"
            completed = max(completed, self.n_fits * noted / self.n_epochs)
        self.bar.update(self.task, completed=completed, text=text)

    def watch(self, over: threading.Event) -> None:
        """Update the bar twice a second, until `over` is set."""
        while not over.wait(0.5):
            self.show()


@contextmanager
def counted(n_fits: int, verbose: int) -> Iterator[Counter]:
    """Count the fits of a group, in a progress bar on standard error.

    Parameters
    ----------
    n_fits : int
        Number of fits.
    verbose : int
        0 shows no bar. There is none either if the library rich is not installed.

    Yields
    ------
    counter : Counter
        Call its `advance` after each fit.
    """
    if not verbose or not has_rich():
        yield Counter()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    over = threading.Event()
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(
            BarColumn(bar_width=20),
            TextColumn("{task.fields[text]},"),
            TimeElapsedColumn(),
            TextColumn("gone,"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=Console(stderr=True),
        ) as bar,
    ):
        path = os.path.join(folder, "epochs")
        open(path, "wb").close()
        counter = BarCounter(bar, n_fits, path)
        watcher = threading.Thread(target=counter.watch, args=(over,), daemon=True)
        watcher.start()
        try:
            yield counter
        finally:
            over.set()
            watcher.join()


def has_rich() -> bool:
    """Return whether rich, which draws progress bars, can be imported."""
    try:
        import rich.progress  # noqa: F401
    except ImportError:
        return False
    return True
