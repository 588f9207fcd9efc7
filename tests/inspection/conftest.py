"""The last figure of each test is drawn, and all are closed."""

import pytest


@pytest.fixture(autouse=True)
def closed():
    """Draw the last figure of a test, to check that this works, and close all."""
    plt = pytest.importorskip("matplotlib.pyplot")
    yield
    if plt.get_fignums():
        plt.figure(plt.get_fignums()[-1]).draw_without_rendering()
    plt.close("all")
