"""Time and memory of fits of the peers."""

import time
from importlib.util import find_spec
from typing import Any

from .measure import memory_of
from .peers import FFNN, MLP, Floor, Peer
from .torch_peers import Skorch, Torch
from .workloads import Problem, Settings, load

OURS = "FFNNClassifier"
THEIRS = "MLPClassifier"
PEERS: dict[str, type[Peer]] = {
    OURS: FFNN,
    THEIRS: MLP,
    "PyTorch": Torch,
    "skorch": Skorch,
    "floor": Floor,
}


def missing(peer: str) -> list[str]:
    """Return the libraries that a peer needs but that are not installed."""
    return [name for name in PEERS[peer].needs if find_spec(name) is None]


def timed_fit(
    peer: str, problem: Problem, settings: Settings, epochs: int, seed: int
) -> dict[str, float]:
    """Time a fit, and measure its loss and accuracy.

    Parameters
    ----------
    peer : str
        Name of the peer.
    problem : Problem
        The data.
    settings : Settings
        The network.
    epochs, seed : int
        As in `Peer`.

    Returns
    -------
    figures : dict
        "seconds" and, if there is a network, the mean "loss" over the training rows and
        the "accuracy" on the test rows; for regression, half the squared error and R².
    """
    from sklearn.metrics import log_loss, mean_squared_error, r2_score

    X, y, X_test, y_test = load(problem)
    model = PEERS[peer](settings, X, y, epochs, seed)
    start = time.perf_counter()
    model.fit()
    figures = {"seconds": time.perf_counter() - start}
    if model.regression:
        f = model.predict(X)
        if f is not None:
            figures["loss"] = mean_squared_error(y, f) / 2
            figures["accuracy"] = float(r2_score(y_test, model.predict(X_test)))
        return figures
    f = model.predict_proba(X)
    if f is not None:
        figures["loss"] = log_loss(y, f)
        right = model.predict_proba(X_test).argmax(axis=1) == y_test
        figures["accuracy"] = float(right.mean())
    return figures


class PreparedError(Exception):
    """Ends a fit when it has come as far as training."""


def prepared(model: Any, X: Any, y: Any) -> Any:
    """Return the training of a fit of FFNNClassifier, before its first epoch."""
    from skffnn.fitting.train import runner

    caught = []

    def catch(training: Any) -> None:
        caught.append(training)
        raise PreparedError

    token = runner.set(catch)
    try:
        model.fit(X, y)
    except PreparedError:
        return caught[0]
    finally:
        runner.reset(token)


def memory_of_fit(
    peer: str, problem: Problem, settings: Settings, epochs: int = 1
) -> int:
    """Return the peak memory of a fit above that of the data, in bytes."""
    X, y, _, _ = load(problem)
    few = slice(settings.batch)
    PEERS[peer](settings, X[few], y[few], 1).fit()  # the first fit loads libraries
    return memory_of(PEERS[peer](settings, X, y, epochs).fit)[0]


def end_processes() -> None:
    """End joblib's processes, which would outlive the process that started them."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown()
