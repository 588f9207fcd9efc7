"""Draw the picture of the start page: `python docs/images/draw.py`.

It is written beside this script, or to the folder that is named.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.datasets import load_iris
from sklearn.inspection import DecisionBoundaryDisplay

from skffnn import FFNNClassifier, NetworkDisplay

COLOURS = ["#0072B2", "#E69F00", "#CC79A7"]


def network():
    """Draw a small network, and the regions into which it divides its inputs."""
    iris = load_iris()
    X, y = iris.data[:, 2:], iris.target_names[iris.target]
    model = FFNNClassifier(
        5, activation="tanh", solver="lbfgs", alpha=1e-3, max_iter=1000, random_state=0
    ).fit(X, y)
    fig, (top, bottom) = plt.subplots(2, 1, figsize=(5.2, 6.6), layout="constrained")
    NetworkDisplay.from_estimator(
        model, input_names=["petal length", "petal width"], ax=top
    )
    top.set_title("Five neurons tell three kinds of iris apart")
    DecisionBoundaryDisplay.from_estimator(
        model,
        X,
        response_method="predict",
        multiclass_colors=COLOURS,
        plot_method="pcolormesh",
        grid_resolution=400,
        rasterized=True,
        eps=0.4,
        alpha=0.3,
        ax=bottom,
    )
    for name, colour, marker in zip(iris.target_names, COLOURS, "osD", strict=True):
        rows = X[y == name].T
        bottom.scatter(*rows, s=22, c=colour, marker=marker, edgecolor="k", label=name)
    bottom.set(xlabel="petal length (cm)", ylabel="petal width (cm)")
    bottom.legend(loc="upper left", framealpha=1)
    return fig


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    # The same bytes each time, if nothing has changed.
    plt.rcParams.update({"svg.hashsalt": "skffnn", "font.size": 11})
    network().savefig(
        folder / "network.svg",
        dpi=200,
        bbox_inches="tight",
        pad_inches=0.12,
        metadata={"Date": None},
    )
