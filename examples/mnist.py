"""
Handwritten digits: MNIST
=========================

How many of the 10000 digits of MNIST's official test set does a network read right that
was trained on a CPU, in NumPy, for ten epochs?

The answer is about 98.6 %. The data are 70000 images of 28 × 28 grey pixels, of which
the first 60000 are for training (LeCun, Cortes & Burges, *The MNIST database of
handwritten digits*, 1998). Here they are 784 numbers each: the network does not know
which pixels are neighbours.

Usage::

    python examples/mnist.py --npz mnist.npz
    python examples/mnist.py

The file has the arrays X_train, y_train, X_test and y_test. Without one the data are
downloaded from OpenML and kept in scikit-learn's cache.
"""

import argparse
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml

from skffnn import FFNNClassifier

KEYS = ("X_train", "y_train", "X_test", "y_test")
N_TRAIN = 60000  # the official split: the rest of MNIST is for testing


class DataError(Exception):
    """The data cannot be had; the message is one line."""


# %%
# The network
# -----------
# These settings were chosen by their accuracy on the last 10000 training rows, of a
# network trained on the other 50000: 98.5 %. The schedule `one_cycle` plans the
# learning rate over `max_iter` epochs; `alpha` is the weight decay of AdamW.


def network(epochs):
    """Return the network, not yet trained."""
    return FFNNClassifier(
        hidden_layer_sizes=(512, 256),
        solver="adamw",
        alpha=0.2,
        dropout=0.2,
        batch_size=128,
        learning_rate="one_cycle",
        learning_rate_init=0.003,
        max_iter=epochs,
        random_state=0,
    )


# %%
# The data
# --------


def load(path):
    """Return the arrays X_train, y_train, X_test and y_test."""
    if path is None:
        try:
            X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False)
        except (OSError, ValueError) as error:  # URLError is an OSError
            raise DataError(f"cannot download MNIST from OpenML: {error}") from None
        return X[:N_TRAIN], y[:N_TRAIN], X[N_TRAIN:], y[N_TRAIN:]
    try:
        with np.load(path) as arrays:
            return tuple(arrays[key] for key in KEYS)
    except FileNotFoundError:
        raise DataError(f"no such file: {path}") from None
    except KeyError as error:
        raise DataError(f"{path}: {error.args[0]}") from None
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
        raise DataError(f"{path} is not an .npz file of arrays") from None


def scaled(X):
    """Return images as rows of float32 numbers from 0 to 1."""
    return X.reshape(len(X), -1).astype(np.float32) / 255


# %%
# Training and the test
# ---------------------
# The test rows are used once, at the end.


def main(argv=None):
    """Run the command; return 0, or 2 where there are no data."""
    parser = argparse.ArgumentParser(description="Train FFNNClassifier on MNIST.")
    parser.add_argument("--npz", type=Path, metavar="FILE", help="arrays of MNIST")
    parser.add_argument("--epochs", type=int, default=10, help="default: 10")
    args = parser.parse_args(argv)
    if args.epochs < 1:
        parser.error("--epochs must be at least 1")
    try:
        X_train, y_train, X_test, y_test = load(args.npz)
    except DataError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2

    model = network(args.epochs)
    print(f"{len(X_train)} training images, {len(X_test)} test images")
    print(model)
    print("training ...", flush=True)
    start = time.perf_counter()
    model.fit(scaled(X_train), y_train)
    seconds = time.perf_counter() - start
    accuracy = model.score(scaled(X_test), y_test)
    print(f"epochs         {model.n_iter_}")
    print(f"seconds        {seconds:.1f}")
    print(f"test accuracy  {accuracy:.2%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
