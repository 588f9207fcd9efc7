"""Streams of random numbers, made again from their state."""

from typing import Any

import numpy as np

# How much a generator has in store. NumPy does not check where in it a state says that
# it is, and would read beyond the end.
STORES = {"MT19937": ("pos", 624), "Philox": ("buffer_pos", 4)}
BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


def random_state_from(state: dict[str, Any]) -> np.random.RandomState:
    """Make a stream of random numbers that is in a given state.

    Parameters
    ----------
    state : dict
        From `RandomState.get_state(legacy=False)`.

    Returns
    -------
    random_state : RandomState
        A stream of its own.

    Raises
    ------
    ValueError
        If there is no such state.
    """
    name = state["bit_generator"]
    if name not in BIT_GENERATORS:
        raise ValueError(f"there is no stream of random numbers named {name!r}.")
    if name in STORES:
        key, length = STORES[name]
        where = (state["state"] if key == "pos" else state)[key]
        if not 0 <= where <= length:
            raise ValueError(f"a stream of random numbers cannot have {key}={where}.")
    random_state = np.random.RandomState(getattr(np.random, name)())
    random_state.set_state(state)
    return random_state


def generator_from(state: dict[str, Any]) -> np.random.Generator:
    """Make a generator of random numbers that is in a given state.

    Parameters
    ----------
    state : dict
        From `Generator.bit_generator.state`.

    Returns
    -------
    rng : Generator
        A generator of its own.
    """
    rng = np.random.default_rng()
    rng.bit_generator.state = state
    return rng
