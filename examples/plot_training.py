"""
Looking at a network: how it learns, and why it sometimes does not
==================================================================

A score says how good a network is. It does not say what is wrong with one that is not
good: whether it had learned all it could, or was still learning, or had stopped being
able to learn.

**Three networks read the same handwritten digits. Why do two of them fail?**

The first picture shows that both stay at the loss of a guess, the second and the third
that one of them can still learn and the other never will. The next ones look at the
good network: whether it overfits, what its neurons respond to, which digits it
confuses. The last one is a drawing of a whole small network, above the regions into
which it divides its input space.
"""

# %%
# Three networks
# --------------
# All three have the same layers and the same schedule, which increases and then
# decreases the learning rate over 30 epochs. But one has a peak that is far too low,
# and another one that is far too high.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, load_iris
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skffnn import FFNNClassifier, LossCurveDisplay, NetworkDisplay, WeightsDisplay

X, y = load_digits(return_X_y=True)
X = X / 16  # pixels from 0 to 1
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

plan = {"learning_rate": "one_cycle", "max_iter": 30, "random_state": 0}
models = {
    name: FFNNClassifier((64, 32), learning_rate_init=rate, **plan)
    for name, rate in [("too slow", 1e-5), ("good", 1e-2), ("too fast", 1.0)]
}
print("network   learning rate  training loss  test accuracy")
for name, model in models.items():
    score = model.fit(X_train, y_train).score(X_test, y_test)
    print(
        f"{name:<8}  {model.learning_rate_init:13g}  {model.loss_:13.3f}  {score:13.1%}"
    )

# %%
# The curves
# ----------
# The loss of the slow one stays close to ln 10 = 2.3, that of a guess. The fast one
# learns for four epochs and is then thrown up; in the end it guesses too, and its loss
# is above that of a guess by the penalty on weights that have become very large. Both
# curves end in a flat line. Only one of the networks can be helped by going on.

display = LossCurveDisplay.from_estimator(models)
display.ax_.set_title("Three learning rates")

# %%
# What is wrong inside
# --------------------
# The steps of the fast one were so large that in its second hidden layer no neuron is
# above 0 for any of the digits. There the slope of ``relu`` is 0, and with it every
# gradient of the hidden layers, so they stop learning. More training does not help,
# only a new start at a lower learning rate.

print("\nDead neurons in the first and in the second hidden layer")


def look_inside(name):
    """Draw the histograms of a network, and count its dead neurons."""
    display = WeightsDisplay.from_estimator(
        models[name], X_train, y_train, kind="histograms"
    )
    display.figure_.suptitle(f"The network that was {name}")
    first, second = display.dead_
    print(f"{name:<8}  {first:2d} of 64  {second:2d} of 32")


look_inside("too fast")

# %%
# In the good one most neurons are alive.

look_inside("good")

# %%
# Does the good one overfit?
# --------------------------
# A validation set tells. With a constant learning rate and much patience, the training
# loss goes on falling after the validation loss (dashed) has stopped: from there on the
# network overfits. The parameters that are kept are those of the epoch with the circle.

watched = FFNNClassifier(
    (64, 32),
    learning_rate_init=1e-2,
    early_stopping=True,
    scoring="loss",
    validation_fraction=0.3,
    n_iter_no_change=40,
    random_state=0,
).fit(X_train, y_train)
display = LossCurveDisplay.from_estimator(watched, panels=["loss"])
display.ax_.set_title("Training and validation")
best = int(np.argmin(watched.validation_loss_curve_)) + 1
print(f"\nStopped after {watched.n_iter_} epochs, kept epoch {best}")

# %%
# What the good one responds to
# -----------------------------
# Each image shows the weights of one neuron of the first layer. Ink on an orange pixel
# excites the neuron, ink on a blue pixel inhibits it: strokes and edges.

display = WeightsDisplay.from_estimator(
    models["good"], kind="images", image_shape=(8, 8), max_images=24
)
display.figure_.suptitle("First-layer weights of the good network")

# %%
# Which digits it confuses
# ------------------------
# scikit-learn's displays work with the network as with any classifier.

fig, ax = plt.subplots(figsize=(6, 5.4), layout="constrained")
ConfusionMatrixDisplay.from_estimator(
    models["good"], X_test, y_test, cmap="Blues", colorbar=False, ax=ax
)
ax.set_title("Digits that were held out")

# %%
# A whole small network
# ---------------------
# Three species of iris are told apart by the length and width of a petal. The network
# is drawn at the top. Below are the regions that it has learned: boundaries are where
# two of its three outputs are equal.

iris = load_iris()
petals, species = iris.data[:, 2:], iris.target_names[iris.target]
small = make_pipeline(
    StandardScaler(),
    FFNNClassifier(
        (4,),
        activation="tanh",
        solver="lbfgs",
        alpha=1e-4,
        max_iter=1000,
        random_state=0,
    ),
).fit(petals, species)

fig, (top, below) = plt.subplots(2, 1, figsize=(6.4, 8.6), layout="constrained")
NetworkDisplay.from_estimator(
    small, input_names=["petal length", "petal width"], ax=top
)
COLOURS = ["#0072B2", "#E69F00", "#CC79A7"]
DecisionBoundaryDisplay.from_estimator(
    small,
    petals,
    response_method="predict",
    multiclass_colors=COLOURS,
    grid_resolution=300,
    eps=0.4,
    alpha=0.35,
    ax=below,
)
for name, colour, marker in zip(iris.target_names, COLOURS, "osD", strict=True):
    own = petals[species == name]
    below.scatter(*own.T, s=24, c=colour, marker=marker, edgecolor="k", label=name)
below.set(xlabel="petal length (cm)", ylabel="petal width (cm)")
below.legend()
print(f"\nIris, four hidden neurons: {small.score(petals, species):.1%} right")

plt.show()
