"""
Looking at a network: how it learns, and why it sometimes does not
==================================================================

A score says how good a network is. It does not say what is wrong with a bad one:
whether it has learned all it could, is still learning, or can no longer learn.

**Three networks are trained on the same handwritten digits. Why do two of them fail?**

The first figure shows that both end at the loss of guessing. The second and the third
show that one of them can still learn, while the other never will. The next figures look
at the good network: whether it overfits, what its neurons respond to, and which digits
it confuses. The last figure is a drawing of a small network, above the regions into
which it divides its input space.
"""

# %%
# Three networks
# --------------
# All three have the same layers and the same schedule, which increases and then
# decreases the learning rate over 30 epochs. But the peak is far too low for one of
# them, and far too high for another.

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
# The loss of the slow network stays close to ln 10 = 2.3, the loss of guessing. The
# fast one learns for four epochs, then its loss jumps up. In the end it guesses too,
# and its loss is higher than that of guessing by the penalty on its very large weights.
# Both curves end in a flat line, but more training would help only one of the networks.

display = LossCurveDisplay.from_estimator(models)
display.ax_.set_title("Three learning rates")

# %%
# Dead neurons
# ------------
# The steps of the fast network were so large that no neuron of its second hidden layer
# is above 0 for any of the digits. There the slope of ``relu`` is 0, and so is every
# gradient in the hidden layers: they stop learning. More training does not help, only
# starting again at a lower learning rate.

print("\nDead neurons in the first and in the second hidden layer")


def look_inside(name):
    """Draw the histograms of a network and count its dead neurons."""
    display = WeightsDisplay.from_estimator(
        models[name], X_train, y_train, kind="histograms"
    )
    display.figure_.suptitle(f"The network that was {name}")
    first, second = display.dead_
    print(f"{name:<8}  {first:2d} of 64  {second:2d} of 32")


look_inside("too fast")

# %%
# In the good network, most neurons are alive.

look_inside("good")

# %%
# Does the good network overfit?
# ------------------------------
# A validation set shows it. With a constant learning rate and a high patience, the
# training loss keeps falling after the validation loss (dashed) has stopped: from there
# on, the network overfits. The circle marks the epoch whose parameters are kept.

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
# What the good network responds to
# ---------------------------------
# Each image shows the weights of one neuron of the first layer. Ink on an orange pixel
# excites the neuron, and ink on a blue pixel inhibits it. The neurons respond to
# strokes and edges.

display = WeightsDisplay.from_estimator(
    models["good"], kind="images", image_shape=(8, 8), max_images=24
)
display.figure_.suptitle("First-layer weights of the good network")

# %%
# Which digits it confuses
# ------------------------
# scikit-learn's displays work with the network as with any other classifier.

fig, ax = plt.subplots(figsize=(6, 5.4), layout="constrained")
ConfusionMatrixDisplay.from_estimator(
    models["good"], X_test, y_test, cmap="Blues", colorbar=False, ax=ax
)
ax.set_title("Held-out digits")

# %%
# Drawing a small network
# -----------------------
# The network classifies three species of iris by the length and width of a petal. It is
# drawn at the top. Below are the regions that it has learned: boundaries are where the
# two largest of its three outputs are equal.

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
print(f"\nIris, four hidden neurons: {small.score(petals, species):.1%} correct")

plt.show()
