"""The peers that need PyTorch: a handwritten training loop, and skorch."""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from .machine import n_threads
from .peers import Peer
from .workloads import Settings


class Torch(Peer):
    """A tight training loop in PyTorch, as one would write it by hand."""

    needs = ("torch",)

    def fit(self) -> None:
        self.start()
        if self.settings.solver == "lbfgs":
            self.minimise()
            return
        for _ in range(self.epochs):
            self.epoch()

    def start(self) -> None:
        """Create tensors, network, loss and optimiser."""
        import torch

        torch.set_num_threads(n_threads())
        torch.manual_seed(self.seed)
        s = self.settings
        self.dtype = torch.float64 if s.compute is np.float64 else torch.float32
        self.net = torch_network(self.sizes).to(self.dtype)
        self.inputs = torch.as_tensor(self.X).to(self.dtype)
        if self.regression:
            self.targets = torch.as_tensor(self.y).to(self.dtype)[:, None]
            self.criterion: Any = half_squared_error
        elif self.n_outputs == 1:
            self.targets = torch.as_tensor(self.y).to(self.dtype)[:, None]
            self.criterion = torch.nn.BCEWithLogitsLoss()
        else:
            self.targets = torch.as_tensor(self.y)
            self.criterion = torch.nn.CrossEntropyLoss()
        self.schedule: Any = None
        if s.solver != "lbfgs":
            kind, options = torch_optimizer(s)
            self.optimizer = kind(self.net.parameters(), lr=s.rate, **options)
        if s.cycle:
            self.schedule = torch.optim.lr_scheduler.OneCycleLR(
                self.optimizer,
                max_lr=s.rate,
                total_steps=s.cycle * math.ceil(len(self.inputs) / s.batch),
                cycle_momentum=False,
            )

    def epoch(self) -> float:
        """Train for one epoch; return the mean loss."""
        import torch

        n = len(self.inputs)
        total = torch.zeros((), dtype=self.dtype)
        for rows in torch.randperm(n).split(self.settings.batch):
            x, y = (t.index_select(0, rows) for t in (self.inputs, self.targets))
            loss = self.criterion(self.net(x), y)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * len(rows)
            if self.schedule is not None:
                self.schedule.step()
        return float(total) / n

    def minimise(self) -> None:
        """Run L-BFGS on all rows, one iteration for each epoch."""
        import torch

        optimizer = torch.optim.LBFGS(
            self.net.parameters(),
            max_iter=self.epochs,
            max_eval=15000,  # the default would end training early
            tolerance_grad=0,
            tolerance_change=0,
            history_size=10,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Any:
            optimizer.zero_grad(set_to_none=True)
            loss = self.criterion(self.net(self.inputs), self.targets)
            for W in self.net.parameters():
                if W.ndim == 2:
                    loss = loss + self.settings.alpha / 2 * W.square().sum()
            loss.backward()
            return loss

        optimizer.step(closure)

    def predict_proba(self, X: Any) -> Any:
        import torch

        with torch.inference_mode():
            a = self.net(torch.as_tensor(X).to(self.dtype))
            if self.n_outputs == 1:  # a softmax over (0, a)
                a = torch.cat([torch.zeros_like(a), a], dim=1)
            return torch.softmax(a, dim=1).numpy()

    def predict(self, X: Any) -> Any:
        import torch

        with torch.inference_mode():
            return self.net(torch.as_tensor(X).to(self.dtype))[:, 0].numpy()


class Skorch(Peer):
    """skorch, with the same network and optimiser as the loop in PyTorch."""

    needs = ("torch", "skorch")

    def fit(self) -> None:
        import skorch
        import torch

        torch.set_num_threads(n_threads())
        torch.manual_seed(self.seed)
        s = self.settings
        binary = self.n_outputs == 1
        kind, options = torch_optimizer(s)
        options = {f"optimizer__{name}": value for name, value in options.items()}
        estimator = skorch.NeuralNetClassifier
        if binary:
            estimator = skorch.NeuralNetBinaryClassifier
        self.net = estimator(
            torch_network(self.sizes),
            criterion=torch.nn.BCEWithLogitsLoss
            if binary
            else torch.nn.CrossEntropyLoss,
            optimizer=kind,
            lr=s.rate,
            batch_size=s.batch,
            max_epochs=self.epochs,
            iterator_train__shuffle=True,
            train_split=None,
            verbose=0,
            **options,
        )
        y = self.y.astype(np.float32 if binary else np.int64)
        self.net.fit(self.X.astype(np.float32), y)

    def predict_proba(self, X: Any) -> Any:
        return self.net.predict_proba(X.astype(np.float32))


def half_squared_error(a: Any, y: Any) -> Any:
    """Return half the mean squared error, as in scikit-learn."""
    from torch.nn.functional import mse_loss

    return 0.5 * mse_loss(a, y)


def torch_network(sizes: list[int]) -> Any:
    """Return linear layers with ReLU between them and Glorot initialisation."""
    from torch import nn

    layers: list[Any] = []
    for n_in, n_out in pairwise(sizes):
        layer, r = nn.Linear(n_in, n_out), math.sqrt(6 / (n_in + n_out))
        nn.init.uniform_(layer.weight, -r, r)
        nn.init.uniform_(layer.bias, -r, r)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def torch_optimizer(settings: Settings) -> tuple[Any, dict[str, Any]]:
    """Return the class of the PyTorch optimiser and its options."""
    import torch

    options: dict[str, Any] = {"fused": True, "weight_decay": settings.alpha}
    if settings.solver == "sgd":
        return torch.optim.SGD, {**options, "momentum": 0.9, "nesterov": True}
    return torch.optim.AdamW, options
