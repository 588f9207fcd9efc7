"""The peers: libraries that train the same network, behind one interface."""

import math
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from .workloads import Settings


class Peer:
    """A library that trains a network; only `fit` is timed.

    Parameters
    ----------
    settings : Settings
        The network and the solver.
    X : ndarray or CSR array of shape (n_rows, n_features)
        Training rows.
    y : ndarray of shape (n_rows,)
        Class labels 0 … K-1, or floats for regression.
    epochs : int
        Number of epochs, without early stopping.
    seed : int
        Seed of all random numbers.
    """

    needs: ClassVar[tuple[str, ...]] = ()  # optional libraries

    def __init__(
        self, settings: Settings, X: Any, y: Any, epochs: int, seed: int = 0
    ) -> None:
        self.settings = settings
        self.X = X
        self.y = y
        self.epochs = epochs
        self.seed = seed
        self.regression = y.dtype.kind == "f"
        n_classes = 1 if self.regression else int(y.max()) + 1
        self.n_outputs = 1 if n_classes == 2 else n_classes
        self.sizes = [X.shape[1], *settings.hidden, self.n_outputs]

    def fit(self) -> None:
        """Train the network."""
        raise NotImplementedError

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, or None if there is no network."""
        return None

    def predict(self, X: Any) -> Any:
        """Return predictions of a regression, or None if there is no network."""
        return None


class SklearnPeer(Peer):
    """A scikit-learn estimator, as `model`."""

    model: Any

    def fit(self) -> None:
        self.model.fit(self.X, self.y)

    def predict_proba(self, X: Any) -> Any:
        return self.model.predict_proba(X)

    def predict(self, X: Any) -> Any:
        return self.model.predict(X)

    def shared(self) -> dict[str, Any]:
        """Return the parameters that FFNNClassifier and MLPClassifier share."""
        s = self.settings
        return {
            "hidden_layer_sizes": s.hidden,
            "solver": s.solver,
            "batch_size": s.batch,
            "learning_rate_init": s.rate,
            "max_iter": self.epochs,
            "tol": 0.0,
            "n_iter_no_change": math.inf,
            "random_state": self.seed,
        }


class FFNN(SklearnPeer):
    """skffnn.FFNNClassifier, or FFNNRegressor."""

    def __init__(self, *args: Any) -> None:
        from skffnn import FFNNClassifier, FFNNRegressor

        super().__init__(*args)
        s, kind = self.settings, FFNNRegressor if self.regression else FFNNClassifier
        self.model = kind(**self.shared(), alpha=s.alpha, dtype=s.dtype)


class MLP(SklearnPeer):
    """MLPClassifier or MLPRegressor, which divide alpha by the batch size."""

    def __init__(self, *args: Any) -> None:
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        super().__init__(*args)
        s = self.settings
        n_rows = self.X.shape[0] if s.solver == "lbfgs" else s.batch
        kind = MLPRegressor if self.regression else MLPClassifier
        self.model = kind(**self.shared(), alpha=s.alpha * n_rows)


class Floor(Peer):
    """A lower bound: only the matrix products of training, without a network.

    These are h W in the forward pass, and hᵀ δ and (except for the first layer) δ Wᵀ in
    the backward pass. NumPy computes them with preallocated arrays of normal numbers.
    With L-BFGS, each iteration counts as one pass over all rows, in blocks as large as
    those of FFNNClassifier.
    """

    def __init__(self, *args: Any) -> None:
        from skffnn.data.batches import rows_per_block

        super().__init__(*args)
        self.rng = np.random.default_rng(self.seed)
        self.W = [self.normal(*shape) for shape in pairwise(self.sizes)]
        self.grad_W = [np.empty_like(W) for W in self.W]
        n, batch = self.X.shape[0], self.settings.batch
        if self.settings.solver == "lbfgs":
            batch = rows_per_block(self.X, self.sizes[1:])
        batch = min(batch, n)
        self.steps = [self.products(batch)] * (n // batch)
        if n % batch:
            self.steps.append(self.products(n % batch))

    def normal(self, *shape: int) -> Any:
        """Return normal numbers in the dtype to compute in."""
        return self.rng.standard_normal(shape, self.settings.compute)

    def products(self, n_rows: int) -> list[tuple[Any, Any, Any]]:
        """Return the factors and the output array of each product of a step."""
        h = [self.normal(n_rows, size) for size in self.sizes[:-1]]
        delta = [self.normal(n_rows, size) for size in self.sizes[1:]]
        out = [np.empty_like(d) for d in delta]
        forward = list(zip(h, self.W, out, strict=True))
        backward: list[tuple[Any, Any, Any]] = []
        for k in reversed(range(len(h))):
            backward.append((h[k].T, delta[k], self.grad_W[k]))
            if k > 0:
                backward.append((delta[k], self.W[k].T, out[k - 1]))
        return forward + backward

    def fit(self) -> None:
        for _ in range(self.epochs):
            for products in self.steps:
                for x, y, out in products:
                    np.matmul(x, y, out=out)
