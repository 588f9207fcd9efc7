"""
When does a second machine help?
================================

Two worker processes on this computer play the role of two machines. Neither has enough
memory for the whole table, so the rows are read again in each round.

**How fast is training on one machine, on one worker and on two?**

The figure shows the test loss against training time: for one machine that does have
enough memory, for one worker, for two workers, and for L-BFGS on two workers. A single
machine is fastest as long as it can hold the rows. If it cannot, two workers read and
train in parallel.
"""

# %%
# The table is generated on the workers, one partition at a time.

import time

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
from distributed import Client, LocalCluster
from sklearn.metrics import log_loss

from skffnn import FFNNClassifier
from skffnn.dask import DaskFFNNClassifier
from skffnn.fitted import Fitted
from skffnn.fitting.listeners import Listener

N_ROWS, N_FEATURES, N_PARTITIONS, LIMIT = 1_500_000, 50, 24, "560MiB"


def rows_of(part, n=N_ROWS // N_PARTITIONS):
    """Return the features of a partition."""
    return np.random.default_rng(part).normal(size=(n, N_FEATURES))


def labels_of(X):
    """Return the labels of rows."""
    return (X[:, 0] * X[:, 1] + X[:, 2] ** 2 + X[:, 3] > 1).astype(int)


X = da.map_blocks(
    lambda block_info: rows_of(block_info[None]["chunk-location"][0]),
    chunks=((N_ROWS // N_PARTITIONS,) * N_PARTITIONS, (N_FEATURES,)),
    meta=np.empty((0, 0)),
)
y = X.map_blocks(labels_of, drop_axis=1, meta=np.empty(0, int))
X_test = rows_of(part=1000, n=20_000)
y_test = labels_of(X_test)

# %%
# A listener records the time and the test loss at the end of each epoch.


class Watch(Listener):
    """Record the training time and the test loss of each epoch."""

    def __enter__(self):
        self.seconds, self.losses, self.start = [], [], time.perf_counter()
        return self

    def on_epoch_end(self, epoch, training):
        self.seconds.append(time.perf_counter() - self.start)
        fitted = Fitted.from_training(training)
        f = fitted.targets.probabilities(fitted.logits(X_test))
        self.losses.append(log_loss(y_test, f))
        self.start += time.perf_counter() - self.start - self.seconds[-1]


def watched(kind):
    """Return an estimator class that records its training."""

    class Watched(kind):
        def _listeners(self, *args):
            self.watch_ = Watch()
            return [*super()._listeners(*args), self.watch_]

    return Watched


SETTINGS = {"hidden_layer_sizes": (32,), "batch_size": 1000, "random_state": 0}
curves = {}

if __name__ == "__main__":
    print(f"{X.nbytes / 2**20:.0f} MiB of rows, {LIMIT} of memory per worker")
    here = watched(FFNNClassifier)(**SETTINGS, max_iter=3)
    X_here = np.concatenate([rows_of(part) for part in range(N_PARTITIONS)])
    here.fit(X_here, labels_of(X_here))
    curves["one machine"] = here.watch_
    del X_here

    for n_workers in (1, 2):
        with (
            LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1,
                memory_limit=LIMIT,
                dashboard_address=":0",
            ) as cluster,
            Client(cluster),
        ):
            there = watched(DaskFFNNClassifier)(
                **SETTINGS, max_iter=3, n_rounds=1, persist=False
            )
            there.fit(X, y)
            curves["1 worker" if n_workers == 1 else "2 workers"] = there.watch_
            if n_workers == 2:
                there.set_params(solver="lbfgs", max_iter=6).fit(X, y)
                curves["2 workers, L-BFGS"] = there.watch_

    fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, watch in curves.items():
        ax.plot(watch.seconds, watch.losses, "o-", markersize=3, label=name)
    ax.set_xlabel("seconds of training")
    ax.set_ylabel("test log loss")
    ax.set_title("One machine and two")
    ax.legend()
    plt.show()

# %%
# A single machine is fastest as long as it can hold the rows. Otherwise the rows are
# generated or read again in each round, which two workers do in parallel.
