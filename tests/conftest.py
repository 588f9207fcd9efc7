"""Options and settings: `--long` runs the long tests, `--data-dir` has tables."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from scripts import Scripts

os.environ.setdefault("MPLBACKEND", "Agg")  # draw figures without opening windows

EXAMPLES = 20  # for each property, without `--long`
LONG_EXAMPLES = 2000


def pytest_addoption(parser):
    parser.addoption(
        "--long",
        type=float,
        default=0.0,
        metavar="PART",
        help="also run the long tests: 1 is all of them, 0.1 a tenth of their length",
    )
    parser.addoption(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="folder of tables, NAME.csv.gz with a column target, for tests that want "
        "more of them",
    )


def pytest_configure(config):
    part = config.getoption("--long")
    settings.register_profile(
        "skffnn",
        max_examples=max(EXAMPLES, int(LONG_EXAMPLES * part)),
        deadline=None,
        derandomize=part < 1,  # only a full run finds what was not changed
        print_blob=True,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
        ],
    )
    settings.load_profile("skffnn")


# Files whose tests share other processes: the workers of joblib or of Dask.
WITH_WORKERS = ("test_average", "test_concurrency", "test_main", "test_parallel")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Group tests, and deselect those marked `only_long`, unless `--long` is given.

    With `--dist loadgroup`, the tests of a group run in the same process.
    """
    for item in items:
        group = "joblib" if item.path.stem in WITH_WORKERS else str(item.path)
        group = "dask" if "dask" in item.path.parts else group
        item.add_marker(pytest.mark.xdist_group(group))
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("only_long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in set(long)]


@pytest.fixture(scope="session")
def part(pytestconfig):
    """Return the fraction of the long tests to run, 0 for none."""
    return pytestconfig.getoption("--long")


@pytest.fixture(scope="session")
def python():
    """Return a function that runs a script in a process of its own."""
    scripts = Scripts()
    yield scripts
    scripts.close()


@pytest.fixture
def interruptible():
    """Handle SIGINT as Ctrl-C, even if the tests run in a process that ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
