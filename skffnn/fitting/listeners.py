"""Listeners to the end of an epoch: a line for each, or a progress bar.

A listener is an object with the methods of `Listener`, all of which may do nothing. A
fit tells its listeners of each epoch when the state of training is up to date, and they
may ask for what it would return if it ended there, `fit.fitted()`. Checkpoints
(`skffnn.io.checkpoints`) are a listener too.
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
    """Does nothing; entered before training and left after it, whatever ended it.

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
        """Take note of the end of an epoch.

        Parameters
        ----------
        epoch : Epoch
            Its numbers.
        fit : Fit
            The fit: `fit.n_iter` epochs of it are over, and `fit.fitted()` returns the
            fitted attributes as they are now. Copy the arrays in `_state` to keep them.
            `fit.training.stop()` ends it here.
        """

    def on_round_end(self, done: float, fit: Any) -> None:
        """Take note of the end of a round, where a cluster trains in rounds.

        Parameters
        ----------
        done : float
            The part of the epoch that is over; 1 after its last round.
        fit : Fit
            The fit.
        """

    def on_fit_end(self, fit: Any) -> None:
        """Take note that training is over: by itself, by a listener or by Ctrl-C.

        Parameters
        ----------
        fit : Fit
            The fit.
        """

    def __exit__(self, *error: object) -> None:
        """Clear up, whatever ended training; it must not return True."""


class Lines(Listener):
    """Prints a line for each epoch, at most 80 characters wide."""

    def __enter__(self) -> Self:
        self.start = time.perf_counter()
        return self

    def on_epoch_end(self, epoch: Epoch, fit: Any) -> None:
        seconds = time.perf_counter() - self.start
        print(f"Epoch {epoch.number:>4}  {columns(epoch)} {seconds:>6.1f} s")


def columns(epoch: Epoch) -> str:
    """Return the numbers of an epoch with their names, in columns of fixed width.

    Parameters
    ----------
    epoch : Epoch
        What is known of it.

    Returns
    -------
    text : str
        Of the same width for each epoch of a fit.

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

    It has a console of its own, so that fits in several threads do not collide.

    Parameters
    ----------
    max_iter : int
        Maximum number of epochs of this fit.
    done : int, default=0
        Those of them that an earlier run has gone through.
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


# By the value of `verbose`; a larger one is as the last.
REPORTERS = (Listener, Lines, Bar)


def reporter(verbose: int, max_iter: int, done: int = 0) -> Listener:
    """Return the listener that `verbose` asks for.

    Parameters
    ----------
    verbose : bool or int
        0 for silence, 1 for lines, 2 or more for a progress bar, or for lines if there
        is only one epoch, or if rich is not installed, with a warning.
    max_iter : int
        Maximum number of epochs of this fit.
    done : int, default=0
        Those of them that an earlier run has gone through.

    Returns
    -------
    reporter : Listener
        Silent, lines, or a bar.
    """
    kind: type[Listener] = REPORTERS[min(int(verbose), len(REPORTERS) - 1)]
    if kind is Bar and max_iter == 1:  # each call of partial_fit
        kind = Lines
    if kind is Bar and not has_rich():
        warn(
            "The progress bar of verbose=2 needs the library rich, which is not "
            "installed (pip install rich): a line is printed for each epoch."
        )
        kind = Lines
    return Bar(max_iter, done) if kind is Bar else kind()


class Tally(Listener):
    """Notes each epoch in a file, a byte for each, from whatever process it is in.

    Parameters
    ----------
    path : str
        The file.
    max_iter : int
        Epochs of a fit; those that it does not need are noted at its end.
    """

    def __init__(self, path: str, max_iter: int) -> None:
        self.path, self.max_iter = path, max_iter

    def note(self, n: int) -> None:
        """Note some epochs; if the file is not on this machine, that is all."""
        with suppress(OSError), open(self.path, "ab", buffering=0) as file:
            file.write(b"." * n)

    def on_epoch_end(self, epoch: Epoch, fit: Any) -> None:
        self.note(1)

    def on_fit_end(self, fit: Any) -> None:
        self.note(max(0, self.max_iter - fit.n_iter))


class Counter:
    """Counts fits that are made together, and their epochs; this one shows nothing."""

    def tally(self, max_iter: int) -> Listener | None:
        """Return a listener for one of the fits, or None.

        Parameters
        ----------
        max_iter : int
            Maximum number of its epochs.

        Returns
        -------
        listener : Listener or None
            It may be sent to another process.
        """
        return None

    def advance(self) -> None:
        """Count a fit that is done."""


class BarCounter(Counter):
    """Counts in a progress bar on standard error.

    Parameters
    ----------
    bar : rich.progress.Progress
        The bar.
    n_fits : int
        How many fits there are.
    path : str
        The file in which epochs are noted.
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
        """Bring the bar up to date."""
        text = f"{self.n_done} of {self.n_fits} fits"
        completed: float = self.n_done
        if self.n_epochs:
            noted = min(os.path.getsize(self.path), self.n_epochs)
            text += f", {noted} of {self.n_epochs} epochs"
            completed = max(completed, self.n_fits * noted / self.n_epochs)
        self.bar.update(self.task, completed=completed, text=text)

    def watch(self, over: threading.Event) -> None:
        """Show the epochs that are noted, twice a second until all is over."""
        while not over.wait(0.5):
            self.show()


@contextmanager
def counted(n_fits: int, verbose: int) -> Iterator[Counter]:
    """Count fits that are made together, in a progress bar on standard error.

    Parameters
    ----------
    n_fits : int
        How many there are.
    verbose : int
        0 shows nothing. So does a larger number if the library rich is not installed.

    Yields
    ------
    counter : Counter
        To be told of each fit that is done.
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
    """Tell whether the library that draws progress bars can be imported."""
    try:
        import rich.progress  # noqa: F401
    except ImportError:
        return False
    return True
