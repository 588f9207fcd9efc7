"""Learning rate schedules: multipliers of `learning_rate_init` over time.

A schedule is a function of a `Clock` and has no state, so that training can be resumed
exactly. To add one, write a dataclass that inherits from `Schedule` and register it in
`SCHEDULES`. A field named like a parameter of the estimator takes its value from there.
"""

from dataclasses import dataclass
from math import cos, pi
from typing import ClassVar, Literal


@dataclass
class Clock:
    """Progress of training.

    Parameters
    ----------
    samples : int, default=0
        Number of rows seen in the completed epochs.
    epoch : int, default=0
        Number of completed epochs.
    part : float, default=0.0
        Fraction of the current epoch that has been completed.
    decays : int, default=0
        Number of times the learning rate was lowered because training stopped
        improving.

    Examples
    --------
    Ten epochs of 500 rows and half of the next one are complete:

    >>> from skffnn import Clock, Cosine
    >>> Cosine(max_iter=21).factor(Clock(samples=5000, epoch=10, part=0.5))
    0.5
    """

    samples: int = 0
    epoch: int = 0
    part: float = 0.0
    decays: int = 0


class Schedule:
    """Base class of learning rate schedules.

    Attributes
    ----------
    fixed_horizon : bool
        Whether training is meant to run for exactly `max_iter` epochs. If so, there is
        no warning at the end, and without a validation set, a lack of improvement does
        not stop training. Of epochs with equal validation scores, the last is kept,
        because its learning rate is the lowest.
    steady : bool
        Whether the rate is the same during an epoch, and need be computed only once.

    Examples
    --------
    >>> from skffnn import FFNNClassifier, Schedule
    >>> class Halving(Schedule):
    ...     def factor(self, clock):
    ...         return 0.5 ** (clock.epoch // 10)  # half of it after ten epochs
    >>> model = FFNNClassifier(learning_rate=Halving())
    """

    fixed_horizon: ClassVar[bool] = False
    steady: ClassVar[bool] = False

    def factor(self, clock: Clock) -> float:
        """Return the multiplier of the initial learning rate.

        Parameters
        ----------
        clock : Clock
            Progress of training.

        Returns
        -------
        factor : float
            η / η_0, at least 0.
        """
        raise NotImplementedError

    def goes_on(self, eta: float) -> bool:
        """Return whether training continues at a lower rate when it stops improving.

        If so, the clock's `decays` increases by one.

        Parameters
        ----------
        eta : float
            The current learning rate.

        Returns
        -------
        goes_on : bool
            True to continue, False to stop training.
        """
        return False


@dataclass(frozen=True)
class Constant(Schedule):
    """Constant learning rate, η = η_0.

    Examples
    --------
    >>> from skffnn import Clock, Constant
    >>> Constant().factor(Clock(epoch=99))
    1.0
    """

    steady: ClassVar[bool] = True

    def factor(self, clock: Clock) -> float:
        return 1.0


@dataclass(frozen=True)
class InvScaling(Schedule):
    """η = η_0 / (1 + t)^power_t, with t the rows seen before the current epoch.

    Parameters
    ----------
    power_t : float, default=0.5
        The exponent; a larger value lowers the learning rate faster.

    Examples
    --------
    >>> from skffnn import Clock, InvScaling
    >>> InvScaling(power_t=0.5).factor(Clock(samples=99))
    0.1
    """

    power_t: float = 0.5
    steady: ClassVar[bool] = True

    def factor(self, clock: Clock) -> float:
        return float((1 + clock.samples) ** -self.power_t)


@dataclass(frozen=True)
class Adaptive(Schedule):
    """η = η_0 / 5^decays: divided by five each time that training stops improving.

    Training stops when it no longer improves and η is at most `smallest`.

    Parameters
    ----------
    smallest : float, default=1e-6
        A learning rate at or below this value is not divided any further.

    Examples
    --------
    >>> from skffnn import Adaptive, Clock
    >>> print(round(Adaptive().factor(Clock(decays=2)), 6))
    0.04
    """

    smallest: float = 1e-6
    steady: ClassVar[bool] = True

    def factor(self, clock: Clock) -> float:
        return float(5.0**-clock.decays)

    def goes_on(self, eta: float) -> bool:
        return eta > self.smallest


@dataclass(frozen=True)
class Cosine(Schedule):
    """η = η_0 · ½ (1 + cos πτ), with τ the elapsed fraction of a cycle.

    Parameters
    ----------
    max_iter : int, default=200
        Number of epochs in a cycle; the next cycle starts again at η_0.

    References
    ----------
    Loshchilov & Hutter, *SGDR: stochastic gradient descent with warm restarts*,
    ICLR 2017.

    Examples
    --------
    >>> from skffnn import Clock, Cosine
    >>> schedule = Cosine(max_iter=10)
    >>> [round(schedule.factor(Clock(epoch=e)), 3) for e in (0, 5, 9, 10)]
    [1.0, 0.5, 0.024, 1.0]
    """

    max_iter: int = 200
    fixed_horizon: ClassVar[bool] = True

    def factor(self, clock: Clock) -> float:
        return _between(1, 0, _cycle(clock, self.max_iter))


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Cosine warm-up from η_0 / 25 to η_0, then cosine decay to η_0 / 250000.

    Parameters
    ----------
    max_iter : int, default=200
        Number of epochs in a cycle, after which the next one starts.
    warmup : float, default=0.3
        Fraction of a cycle in which the learning rate increases.

    References
    ----------
    Smith & Topin, *Super-convergence: very fast training of neural networks using
    large learning rates*, 2018.

    Examples
    --------
    >>> from skffnn import Clock, OneCycle
    >>> schedule = OneCycle(max_iter=10)
    >>> [round(schedule.factor(Clock(epoch=e)), 3) for e in (0, 3, 9)]
    [0.04, 1.0, 0.05]
    """

    max_iter: int = 200
    warmup: float = 0.3
    fixed_horizon: ClassVar[bool] = True

    def factor(self, clock: Clock) -> float:
        tau = _cycle(clock, self.max_iter)
        if tau < self.warmup:
            return _between(1 / 25, 1, tau / self.warmup)
        return _between(1, 1 / 250000, (tau - self.warmup) / (1 - self.warmup))


def _cycle(clock: Clock, n_epochs: int) -> float:
    """Return the elapsed fraction of the current cycle of `n_epochs`."""
    return (clock.epoch + clock.part) / n_epochs % 1


def _between(start: float, end: float, tau: float) -> float:
    """Interpolate between start and end along half a cosine, for τ from 0 to 1."""
    return end + (start - end) * (1 + cos(pi * tau)) / 2


# The names, for type checkers.
ScheduleName = Literal["constant", "invscaling", "adaptive", "cosine", "one_cycle"]
SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
    "cosine": Cosine,
    "one_cycle": OneCycle,
}
