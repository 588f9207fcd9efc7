"""Learning-rate schedules match their formulas."""

from math import cos, pi

import numpy as np
import pytest
from helpers import (
    ROUNDING,
    STEPPERS,
    RecordingSolver,
    Scripted,
    X,
    maker,
    parameters,
    y,
)

from skffnn import SCHEDULES, Adaptive, Constant, Cosine, FFNNClassifier, OneCycle
from skffnn.optim.schedules import Clock, InvScaling

make = maker(max_iter=5)

RTOL = 1e-12


@pytest.mark.parametrize("name", SCHEDULES)
def test_factor_is_between_0_and_1(name):
    schedule = SCHEDULES[name]()
    for epoch in range(450):
        clock = Clock(samples=100 * epoch, epoch=epoch, part=0.3, decays=epoch // 50)
        assert 0 <= schedule.factor(clock) <= 1


def test_invscaling():
    factor = InvScaling(power_t=0.3).factor(Clock(samples=99))
    assert factor == pytest.approx(100**-0.3, rel=RTOL)


def test_adaptive_divides_by_five_and_ends_below_a_millionth():
    assert Adaptive().factor(Clock(decays=3)) == pytest.approx(1 / 125, rel=RTOL)
    assert Adaptive().goes_on(2e-6)
    assert not Adaptive().goes_on(1e-6)


def test_cosine_goes_down_by_half_a_cosine_and_starts_again():
    schedule = Cosine(max_iter=8)
    for i in range(16):
        expected = (1 + cos(pi * (i / 2 % 8) / 8)) / 2
        clock = Clock(epoch=i // 2, part=i % 2 / 2)
        assert schedule.factor(clock) == pytest.approx(expected, rel=RTOL)
    assert schedule.factor(Clock(epoch=8)) == 1


def test_one_cycle_goes_up_and_down():
    schedule = OneCycle(max_iter=10, warmup=0.3)
    factors = [schedule.factor(Clock(epoch=e)) for e in range(10)]
    assert factors[0] == pytest.approx(1 / 25, rel=RTOL)
    assert np.argmax(factors) == 3
    assert factors[3] == pytest.approx(1, rel=RTOL)
    assert np.all(np.diff(factors[:4]) > 0)
    assert np.all(np.diff(factors[3:]) < 0)
    end = schedule.factor(Clock(epoch=9, part=1 - 1e-9))
    assert end == pytest.approx(1 / 250000, rel=1e-3)


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_acts_on_every_stochastic_solver(name, solver):
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.tile([0, 1], 20)
    model = FFNNClassifier(
        (4,),
        solver=solver,
        learning_rate=name,
        max_iter=6,
        n_iter_no_change=1,
        tol=1e3,  # no epoch improves, so that "adaptive" has an effect
        batch_size=10,
        random_state=0,
    ).fit(X, y)
    schedule = SCHEDULES[name](
        **({"max_iter": 6} if "max_iter" in vars_of(name) else {})
    )
    decays = [0, 0, 0, 1, 1, 2] if name == "adaptive" else [0] * 6
    expected = [
        0.001 * schedule.factor(Clock(samples=40 * e, epoch=e, decays=decays[e]))
        for e in range(model.n_iter_)
    ]
    assert model.learning_rate_curve_ == pytest.approx(expected, rel=ROUNDING)


def vars_of(name):
    return getattr(SCHEDULES[name], "__dataclass_fields__", {})


class TestSchedulesOfTraining:
    """Schedules set the learning rate of every stochastic solver."""

    @pytest.mark.parametrize("solver", STEPPERS)
    @pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "constant"])
    def test_apply_to_every_stochastic_solver(self, solver, name):
        # No epoch improves by tol, so that "adaptive" decays the learning rate.
        params = {"solver": solver, "n_iter_no_change": 1, "tol": 1e3}
        constant = make(learning_rate="constant", max_iter=8, **params).fit(X, y)
        other = make(learning_rate=name, max_iter=8, **params).fit(X, y)
        assert not np.array_equal(parameters(constant), parameters(other))

    @pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "adaptive"])
    def test_the_solver_gets_the_rate_of_the_schedule(self, name):
        recorder = RecordingSolver()
        schedule = SCHEDULES[name]()
        make(
            solver=recorder,
            learning_rate=schedule,
            learning_rate_init=0.3,
            batch_size=60,
            max_iter=3,
        ).fit(X, y)
        clocks = [Clock(150 * e, e, i / 3) for e in range(3) for i in range(3)]
        expected = [0.3 * schedule.factor(clock) for clock in clocks]
        assert recorder.etas == pytest.approx(expected, rel=ROUNDING)


class TestAdaptiveSchedule:
    """The schedule "adaptive"."""

    def test_the_reference_is_reset_when_the_rate_drops(self):
        recorder = RecordingSolver()
        scores = [0.9, 0.5, 0.5, 0.5, 0.6, 0.7, 0.8, 0.85]
        make(
            solver=recorder,
            learning_rate="adaptive",
            learning_rate_init=1.0,
            n_iter_no_change=2,
            max_iter=8,
            scoring=Scripted(*scores),
        ).fit(X, y, X_val=X, y_val=y)
        # One decay after the lucky 0.9, and none while the score increases.
        assert recorder.etas == [1.0] * 4 + [0.2] * 4

    def test_the_rate_drops_until_it_is_tiny(self):
        recorder = RecordingSolver()
        model = make(
            solver=recorder,
            learning_rate=Adaptive(smallest=0.05),
            tol=1e3,
            learning_rate_init=1.0,
            n_iter_no_change=1,
            max_iter=100,
        ).fit(X, y)
        # No epoch improves: two are tolerated, then the rate is divided by five.
        assert recorder.etas == pytest.approx(
            [1.0] * 3 + [0.2] * 2 + [0.04] * 2, rel=ROUNDING
        )
        assert model.n_iter_ == 7

    def test_a_constant_rate_stays(self):
        recorder = RecordingSolver()
        make(solver=recorder, learning_rate=Constant(), learning_rate_init=0.5).fit(
            X, y
        )
        assert recorder.etas == [0.5] * 5
