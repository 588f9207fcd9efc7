"""Workloads: synthetic data with a pattern to learn, and the networks to train."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.sparse import csr_array

TEACHER_WIDTH = 32
LABEL_NOISE = 0.05  # fraction of random labels
MAX_TEST_ROWS = 2000


@dataclass(frozen=True)
class Problem:
    """A synthetic classification or regression problem.

    Attributes
    ----------
    n_rows, n_features, n_classes : int
        Its size, without the test rows; 1 class stands for regression.
    dtype : str
        Type of X.
    entries : int or None
        Number of entries in each row of a CSR array; None for dense rows.
    """

    n_rows: int
    n_features: int
    n_classes: int
    dtype: str = "float64"
    entries: int | None = None


@dataclass(frozen=True)
class Settings:
    """The settings shared by all peers.

    Attributes
    ----------
    hidden : tuple of int
        Number of neurons in each hidden layer.
    batch : int
        Number of rows in a minibatch; ignored by "lbfgs".
    solver : {"adam", "sgd", "lbfgs"}
        The solver.
    dtype : {"auto", "float64"}
        The type to compute in; "auto" leaves the choice to the peer.
    rate : float
        Learning rate.
    alpha : float
        Strength of the penalty, as defined by FFNNClassifier.
    cycle : int
        Number of epochs of a one-cycle schedule; 0 for a constant rate (PyTorch only).
    """

    hidden: tuple[int, ...] = (100,)
    batch: int = 200
    solver: str = "adam"
    dtype: str = "auto"
    rate: float = 0.001
    alpha: float = 0.0001
    cycle: int = 0

    @property
    def compute(self) -> type[np.floating[Any]]:
        """The type that FFNNClassifier computes in."""
        exact = self.dtype == "float64" or self.solver == "lbfgs"
        return np.float64 if exact else np.float32


@dataclass(frozen=True)
class Workload:
    """A problem, a network and the length of training.

    Attributes
    ----------
    shape : tuple of int
        Numbers of rows, features and classes; 1 class stands for regression.
    hidden, batch : tuple of int, int
        As in `Settings`.
    epochs, iterations : int
        Length of training with minibatches and with L-BFGS.
    budget : tuple of float or None
        Minimum speed-up over MLPClassifier, and maximum slowdown compared with the bare
        matrix products.
    """

    shape: tuple[int, int, int]
    hidden: tuple[int, ...]
    batch: int
    epochs: int
    iterations: int
    budget: tuple[float, float] | None = None

    def __str__(self) -> str:
        n, n_features, n_classes = self.shape
        y = n_classes if n_classes > 1 else "regression"
        return f"{n} x {n_features}, {y}, {self.hidden}, {self.batch}"


WORKLOADS = [
    Workload((500, 4, 3), (10,), 32, 100, 20, (5, 6)),
    Workload((1797, 64, 10), (100,), 200, 50, 20, (3.5, 2.6)),
    Workload((100_000, 30, 2), (100,), 200, 10, 5, (3.5, 2.5)),
    Workload((20_000, 50, 7), (256, 256, 256), 256, 10, 5, (2.5, 1.4)),
    Workload((20_000, 784, 10), (256, 128), 200, 10, 5, (3.5, 1.4)),
    Workload((10_000, 512, 10), (1024, 1024), 512, 5, 5, (2, 1.35)),
]
REGRESSION_WORKLOADS = [
    Workload((500, 4, 1), (10,), 32, 100, 20),
    Workload((20_000, 50, 1), (100, 100), 200, 10, 5),
]
QUICK_WORKLOADS = [
    Workload((300, 4, 3), (10,), 32, 2, 2),
    Workload((510, 8, 2), (16, 8), 100, 2, 2),
]
QUICK_REGRESSION_WORKLOADS = [Workload((310, 6, 1), (8,), 50, 2, 2)]


@lru_cache(maxsize=1)
def load(problem: Problem) -> tuple[Any, ...]:
    """Generate a problem whose targets come from a random two-layer network.

    Parameters
    ----------
    problem : Problem
        Its size.

    Returns
    -------
    X, y, X_test, y_test : ndarray or CSR array, ndarray
        Training and test rows.
    """
    rng = np.random.default_rng(0)
    n, d, K = problem.n_rows, problem.n_features, problem.n_classes
    n_all = n + min(MAX_TEST_ROWS, n // 4)
    if problem.entries is None:
        X = rng.standard_normal((n_all, d), np.float32)
    else:
        X = sparse_rows(rng, n_all, d, problem.entries)
    X = X.astype(problem.dtype, copy=False)  # the same numbers, whatever the type
    A = rng.standard_normal((d, TEACHER_WIDTH), np.float32).astype(problem.dtype)
    scores = np.tanh(X @ A * 2 / np.sqrt(problem.entries or d))
    scores = scores @ rng.standard_normal((TEACHER_WIDTH, K))
    if K == 1:
        y = scores[:, 0] + LABEL_NOISE * rng.standard_normal(n_all)
        y = (y - y.mean()) / y.std()  # MLPRegressor does not scale it
        return X[:n], y[:n], X[n:], y[n:]
    scores -= scores.mean(axis=0)
    noise = rng.random(n_all) < LABEL_NOISE
    y = np.where(noise, rng.integers(K, size=n_all), scores.argmax(axis=1))
    return X[:n], y[:n], X[n:], y[n:]


def sparse_rows(rng: np.random.Generator, n: int, d: int, entries: int) -> csr_array:
    """Return rows of normal numbers in random columns; duplicate entries are summed."""
    indices = rng.integers(d, size=(n, entries), dtype=np.int32).ravel()
    data = rng.standard_normal(n * entries, np.float32)
    indptr = np.arange(n + 1, dtype=np.int32) * entries
    X = csr_array((data, indices, indptr), shape=(n, d))
    X.sum_duplicates()
    return X


# Of a mixed table: the fraction of categorical columns, the number of categories of
# each, and the fraction of missing values.
NOMINAL, CATEGORIES, GAPS = 0.2, 12, 0.03


def mixed_table(n_rows: int, n_features: int, n_test: int, noise: float) -> Any:
    """Generate a table with categories, missing values, odd scales and noisy labels.

    Parameters
    ----------
    n_rows, n_features, n_test : int
        Its size, and the number of test rows.
    noise : float
        Fraction of random labels.

    Returns
    -------
    X, y, X_test, y_test : DataFrame, ndarray
        Training and test rows of the same table. The two classes come from a random
        network of all columns, and from thresholds in a few columns.
    """
    import pandas as pd

    rng = np.random.default_rng(0)
    n, n_nominal = n_rows + n_test, round(NOMINAL * n_features)
    numbers = rng.standard_normal((n, n_features - n_nominal))
    codes = rng.integers(CATEGORIES, size=(n, n_nominal))
    effects = rng.standard_normal((n_nominal, CATEGORIES))
    Z = np.hstack([numbers, effects[np.arange(n_nominal), codes]])
    A = rng.standard_normal((n_features, TEACHER_WIDTH)) * 2 / np.sqrt(n_features)
    score = np.tanh(Z @ A) @ rng.standard_normal(TEACHER_WIDTH) / 2
    cuts = rng.normal(size=(3, 2))
    for j, (a, b) in enumerate(cuts):
        score += 2.0 * ((Z[:, j] > a) & (Z[:, j + 3] > b))
    y = (score > np.median(score)).astype(np.int64)
    y = np.where(rng.random(n) < noise, rng.integers(2, size=n), y)
    numbers[:, ::3] = np.exp(2 * numbers[:, ::3])  # long tails
    numbers *= 10.0 ** rng.integers(-3, 4, size=numbers.shape[1])
    numbers[rng.random(numbers.shape) < GAPS] = np.nan
    frame = pd.DataFrame(
        {f"number {j}": column for j, column in enumerate(numbers.T)}
        | {
            f"name {j}": pd.Categorical.from_codes(
                column, [f"category {k}" for k in range(CATEGORIES)]
            )
            for j, column in enumerate(codes.T)
        }
    )
    return frame[:n_rows], y[:n_rows], frame[n_rows:], y[n_rows:]
