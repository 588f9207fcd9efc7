"""The picture of the start page: a small network, and what it has learned.

Run it to draw `network.svg` anew, beside this script.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.datasets import load_iris
from sklearn.inspection import DecisionBoundaryDisplay

from skffnn import FFNNClassifier, NetworkDisplay

COLOURS = ["#0072B2", "#E69F00", "#CC79A7"]

iris = load_iris()
X, y = iris.data[:, 2:], iris.target_names[iris.target]
model = FFNNClassifier(
    5, activation="tanh", solver="lbfgs", alpha=1e-3, max_iter=1000, random_state=0
).fit(X, y)

# The same bytes each time, if nothing has changed.
plt.rcParams.update({"svg.hashsalt": "skffnn", "font.size": 11})
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
    grid_resolution=100,
    eps=0.4,
    alpha=0.3,
    ax=bottom,
)
for name, colour, marker in zip(iris.target_names, COLOURS, "osD", strict=True):
    rows = X[y == name]
    bottom.scatter(*rows.T, s=22, c=colour, marker=marker, edgecolor="k", label=name)
bottom.set(xlabel="petal length (cm)", ylabel="petal width (cm)")
bottom.legend(loc="upper left", framealpha=1)
fig.savefig(Path(__file__).with_suffix(".svg"), metadata={"Date": None})
