"""Figures are closed after each test."""

import pytest


@pytest.fixture(autouse=True)
def closed():
    """Draw the figures of a test, to check that this works, and close them."""
    plt = pytest.importorskip("matplotlib.pyplot")
    yield
    for number in plt.get_fignums():
        plt.figure(number).draw_without_rendering()
    plt.close("all")
