"""Learning rates over time, by their formulas."""

from math import cos, pi

import numpy as np
import pytest

from skffnn import SCHEDULES, FFNNClassifier
from skffnn.optim.schedules import Adaptive, Clock, Cosine, InvScaling, OneCycle

RTOL = 1e-12


@pytest.mark.parametrize("name", SCHEDULES)
def test_factor_is_between_0_and_1(name):
    schedule = SCHEDULES[name]()
    for epoch in range(450):
        clock = Clock(samples=100 * epoch, epoch=epoch, part=0.3, drops=epoch // 50)
        assert 0 <= schedule.factor(clock) <= 1


def test_invscaling():
    factor = InvScaling(power_t=0.3).factor(Clock(samples=99))
    assert factor == pytest.approx(100**-0.3, rel=RTOL)


def test_adaptive_divides_by_five_and_ends_below_a_millionth():
    assert Adaptive().factor(Clock(drops=3)) == pytest.approx(1 / 125, rel=RTOL)
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
def test_every_schedule_acts_on_every_stochastic_solver(name, solver, capsys):
    # Seen in the rate that verbose training reports at the start of each epoch.
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.tile([0, 1], 20)
    model = FFNNClassifier(
        (4,),
        solver=solver,
        learning_rate=name,
        max_iter=6,
        n_iter_no_change=1,
        tol=1e3,  # stalls at once, so that "adaptive" has something to do
        batch_size=10,
        verbose=True,
        random_state=0,
    ).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    rates = [float(line.split("learning rate ")[1].split()[0]) for line in lines]
    schedule = SCHEDULES[name](
        **({"max_iter": 6} if "max_iter" in vars_of(name) else {})
    )
    drops = [0, 0, 0, 1, 1, 2] if name == "adaptive" else [0] * 6
    expected = [
        0.001 * schedule.factor(Clock(samples=40 * e, epoch=e, drops=drops[e]))
        for e in range(model.n_iter_)
    ]
    np.testing.assert_allclose(rates, expected, rtol=1e-2)  # three digits are printed


def vars_of(name):
    return getattr(SCHEDULES[name], "__dataclass_fields__", {})
