"""What training says on its way: nothing, a line for each epoch, or a progress bar."""

import time
import warnings
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Self


class Epoch(NamedTuple):
    """What is known at the end of an epoch.

    Attributes
    ----------
    number : int
        Epochs that are over, earlier fits included.
    loss : float
        The training loss.
    eta : float or None
        The learning rate at its start; None for L-BFGS.
    validation_loss, score : float or None
        On the validation rows; None without any.
    """

    number: int
    loss: float
    eta: float | None = None
    validation_loss: float | None = None
    score: float | None = None

    def columns(self) -> str:
        """Return the numbers with their names, in columns of one width.

        Returns
        -------
        text : str
            As wide for each epoch of a fit.
        """
        # "#" keeps trailing zeros: as many digits in each line.
        text = f"loss {self.loss:<#11.6g}"
        if self.validation_loss is not None and self.score is not None:
            text += f"  validation loss {self.validation_loss:<#11.6g}"
            text += f"  score {self.score:< #9.4f}"
        if self.eta is not None:
            text += f"  learning rate {self.eta:<#9.3g}"
        return text


class Reporter(AbstractContextManager["Reporter"]):
    """Says nothing; the others say more.

    Parameters
    ----------
    max_iter : int
        Most epochs of this fit.
    done : int, default=0
        Those of them that an earlier run has gone through.
    """

    def __init__(self, max_iter: int, done: int = 0) -> None:
        self.max_iter, self.done = max_iter, done
        self.start = time.perf_counter()

    def epoch(self, epoch: Epoch) -> None:
        """Take note of the end of an epoch.

        Parameters
        ----------
        epoch : Epoch
            What is known of it.
        """

    def __exit__(self, *error: object) -> None:
        """Clear up, whatever has ended training."""


class Lines(Reporter):
    """Prints a line for each epoch."""

    def epoch(self, epoch: Epoch) -> None:
        seconds = time.perf_counter() - self.start
        # The first word is that of MLPClassifier, whose output some may search.
        print(f"Iteration {epoch.number:>5}  {epoch.columns()}  {seconds:6.2f} s")


class Bar(Reporter):
    """Shows a progress bar on standard error, drawn by the library rich.

    It has a console of its own, so that fits in several threads do not collide.
    """

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self.bar: Any = Progress(
            BarColumn(bar_width=20),
            TextColumn("{task.completed} of {task.total} epochs"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}"),
            console=Console(stderr=True),
        )
        self.task = self.bar.add_task(
            "", total=self.max_iter, completed=self.done, text=""
        )
        self.bar.start()
        return self

    def epoch(self, epoch: Epoch) -> None:
        text = f"loss {epoch.loss:#.4g}"
        if epoch.score is not None:
            text += f"  score {epoch.score:.4f}"
        self.bar.update(self.task, advance=1, text=text)

    def __exit__(self, *error: object) -> None:
        self.bar.stop()


# By the value of `verbose`; a larger one is as the last.
REPORTERS = (Reporter, Lines, Bar)


def reporter(verbose: int, max_iter: int, done: int = 0) -> Reporter:
    """Return the reporter that `verbose` asks for.

    Parameters
    ----------
    verbose : bool or int
        0 for silence, 1 for lines, 2 or more for a progress bar: for lines where there
        is one epoch only; and for lines and a warning where its library is missing.
    max_iter : int
        Most epochs of this fit.
    done : int, default=0
        Those of them that an earlier run has gone through.

    Returns
    -------
    reporter : Reporter
        A context manager around training.

    Examples
    --------
    >>> with reporter(0, max_iter=1) as report:
    ...     report.epoch(Epoch(1, loss=0.5))
    >>> print(Epoch(1, loss=0.5, eta=0.001).columns())
    loss 0.500000     learning rate 0.00100
    """
    kind: type[Reporter] = REPORTERS[min(int(verbose), len(REPORTERS) - 1)]
    if kind is Bar and max_iter == 1:  # each call of partial_fit
        kind = Lines
    if kind is Bar and not has_rich():
        warnings.warn(
            "The progress bar of verbose=2 needs the library rich, which is not "
            "installed (pip install rich): a line is printed for each epoch.",
            stacklevel=2,
        )
        kind = Lines
    return kind(max_iter, done)


def has_rich() -> bool:
    """Tell whether the library that draws progress bars can be imported."""
    try:
        import rich.progress  # noqa: F401
    except ImportError:
        return False
    return True
