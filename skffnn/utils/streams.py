"""Random number generators, restored from their state."""

from typing import Any

import numpy as np

# The key of the buffer position, and the length of the buffer. NumPy does not check the
# position of a state, and would read beyond the end of the buffer.
BUFFERS = {"MT19937": ("pos", 624), "Philox": ("buffer_pos", 4)}
BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


def random_state_from(state: dict[str, Any]) -> np.random.RandomState:
    """Return a RandomState in the given state.

    Parameters
    ----------
    state : dict
        The state, as returned by `RandomState.get_state(legacy=False)`.

    Returns
    -------
    random_state : RandomState
        A new random number generator.

    Raises
    ------
    ValueError
        If the state is invalid.
    """
    name = state["bit_generator"]
    if name not in BIT_GENERATORS:
        raise ValueError(
            f"bit_generator must be one of {BIT_GENERATORS}, got {name!r}."
        )
    if name in BUFFERS:
        key, length = BUFFERS[name]
        position = (state["state"] if key == "pos" else state)[key]
        if not 0 <= position <= length:
            raise ValueError(f"{key} must be in [0, {length}], got {position!r}.")
    random_state = np.random.RandomState(getattr(np.random, name)())
    random_state.set_state(state)
    return random_state


def generator_from(state: dict[str, Any]) -> np.random.Generator:
    """Return a Generator in the given state.

    Parameters
    ----------
    state : dict
        From `Generator.bit_generator.state`.

    Returns
    -------
    rng : Generator
        A new random number generator.
    """
    rng = np.random.default_rng()
    rng.bit_generator.state = state
    return rng
