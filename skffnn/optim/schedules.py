"""Learning rate schedules: the factor on `learning_rate_init` as training goes on.

A schedule is a function of a `Clock`, with no memory of its own, so that training
that was stopped goes on where it was. To add one, write a dataclass that inherits
from `Schedule` and enter it in `SCHEDULES`. A field that is named like a parameter of
`FFNNClassifier` takes its value from there.
"""

from dataclasses import dataclass
from math import cos, pi
from typing import ClassVar


@dataclass
class Clock:
    """How far training has come.

    Parameters
    ----------
    samples : int, default=0
        Rows seen in the epochs that are over.
    epoch : int, default=0
        Epochs that are over.
    part : float, default=0.0
        The part of the current epoch that is over.
    decays : int, default=0
        How often training stopped improving and went on at a lower rate.

    Examples
    --------
    Ten epochs of 500 rows and half of the next one are over:

    >>> from skffnn import Clock, Cosine
    >>> Cosine(max_iter=21).factor(Clock(samples=5000, epoch=10, part=0.5))
    0.5
    """

    samples: int = 0
    epoch: int = 0
    part: float = 0.0
    decays: int = 0


class Schedule:
    """What training asks of a schedule.

    Attributes
    ----------
    fixed_horizon : bool
        Whether `max_iter` is the plan and not a limit: reaching the end is no warning,
        and without validation rows, training that stalls goes on. Of epochs with the
        same validation score, the last one is kept, when the rate is lowest.

    Examples
    --------
    >>> from skffnn import FFNNClassifier, Schedule
    >>> class Halving(Schedule):
    ...     def factor(self, clock):
    ...         return 0.5 ** (clock.epoch // 10)  # half of it after ten epochs
    >>> model = FFNNClassifier(learning_rate=Halving())
    """

    fixed_horizon: ClassVar[bool] = False

    def factor(self, clock: Clock) -> float:
        """Return the learning rate as a multiple of the initial one.

        Parameters
        ----------
        clock : Clock
            How far training has come.

        Returns
        -------
        factor : float
            η / η_0, at least 0.
        """
        raise NotImplementedError

    def goes_on(self, eta: float) -> bool:
        """Tell whether training that has stalled goes on, with `decays` one higher.

        Parameters
        ----------
        eta : float
            The learning rate that it stalled at.

        Returns
        -------
        goes_on : bool
            False to stop.
        """
        return False


@dataclass(frozen=True)
class Constant(Schedule):
    """η = η_0 throughout.

    Examples
    --------
    >>> from skffnn import Clock, Constant
    >>> Constant().factor(Clock(epoch=99))
    1.0
    """

    def factor(self, clock: Clock) -> float:
        return 1.0


@dataclass(frozen=True)
class InvScaling(Schedule):
    """η = η_0 / (1 + t)^power_t, t the rows seen up to the start of the epoch.

    Parameters
    ----------
    power_t : float, default=0.5
        The exponent.

    Examples
    --------
    >>> from skffnn import Clock, InvScaling
    >>> InvScaling(power_t=0.5).factor(Clock(samples=99))
    0.1
    """

    power_t: float = 0.5

    def factor(self, clock: Clock) -> float:
        return float((1 + clock.samples) ** -self.power_t)


@dataclass(frozen=True)
class Adaptive(Schedule):
    """η = η_0 / 5^decays: divided by five each time that training stops improving.

    Training goes on after a drop, until η would be below `smallest`.

    Parameters
    ----------
    smallest : float, default=1e-6
        A learning rate no larger than this ends training instead of dropping.

    Examples
    --------
    >>> from skffnn import Adaptive, Clock
    >>> print(round(Adaptive().factor(Clock(decays=2)), 6))
    0.04
    """

    smallest: float = 1e-6

    def factor(self, clock: Clock) -> float:
        return float(5.0**-clock.decays)

    def goes_on(self, eta: float) -> bool:
        return eta > self.smallest


@dataclass(frozen=True)
class Cosine(Schedule):
    """η = η_0 · ½ (1 + cos πτ), τ the elapsed part of a cycle.

    Parameters
    ----------
    max_iter : int, default=200
        Epochs in a cycle; after it the next one starts, at η_0.

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
    """Up from η_0 / 25 to η_0 along half a cosine, then down to η_0 / 250000.

    Parameters
    ----------
    max_iter : int, default=200
        Epochs in a cycle; after it the next one starts.
    warmup : float, default=0.3
        The part of a cycle that goes up.

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
    """Return the elapsed part of the current cycle of `n_epochs`."""
    return (clock.epoch + clock.part) / n_epochs % 1


def _between(start: float, end: float, tau: float) -> float:
    """Go from start to end along half a cosine, as τ goes from 0 to 1."""
    return end + (start - end) * (1 + cos(pi * tau)) / 2


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
    "cosine": Cosine,
    "one_cycle": OneCycle,
}
