"""
Logic gates: why a network needs a hidden layer
===============================================

A straight line separates the ones of AND from its zeros, and those of OR too. This is
not possible for XOR, whose ones lie on one diagonal of the square and whose zeros lie
on the other. A network without a hidden layer is a logistic model, and its decision
boundary is a straight line.

**Which gates can such a network learn, and what does a hidden layer change?**

The first figure shows that only XOR is out of reach, and that two hidden neurons are
enough for it. The second figure shows that two neurons succeed only from some random
starts. From the others, training ends in a local minimum.
"""

# %%
# Four training examples
# ----------------------
# A gate has two inputs, and each row of its truth table is a training example. With so
# few examples, L-BFGS minimises the loss over all of them at once. A small penalty
# (``alpha``) limits the weights. Without it, the weights of a gate that can be learned
# would grow forever and bring the probabilities closer and closer to 0 and 1.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from sklearn.inspection import DecisionBoundaryDisplay

from skffnn import FFNNClassifier

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
GATES = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0]}


def network(hidden_layer_sizes, random_state=4):
    """Return an unfitted network of tanh neurons."""
    return FFNNClassifier(
        hidden_layer_sizes,
        activation="tanh",
        solver="lbfgs",
        alpha=0.001,
        max_iter=1000,
        random_state=random_state,
    )


cases = [("AND", ()), ("OR", ()), ("XOR", ()), ("XOR", (2,))]
models = [network(hidden).fit(X, GATES[gate]) for gate, hidden in cases]

# %%
# What the networks learn
# -----------------------
# The columns in the middle are the predicted probabilities of a 1. Without a hidden
# layer, the best the network can do for XOR is to predict 1/2 for every input, with a
# loss of ln 2 = 0.693.

print("gate  hidden   f(0,0)  f(0,1)  f(1,0)  f(1,1)    loss  learned")
for (gate, hidden), model in zip(cases, models, strict=True):
    f = model.predict_proba(X)[:, 1]
    learned = np.abs(f - GATES[gate]).max() < 0.1
    probabilities = "  ".join(f"{p:6.3f}" for p in f)
    width = hidden[0] if hidden else "none"
    answer = "yes" if learned else "no"
    print(f"{gate:<4}  {width:>6}   {probabilities}  {model.loss_:6.3f}  {answer}")

# %%
# The decision boundaries
# -----------------------
# The colour shows the probability of a 1, and the black line is the decision boundary.
# With two hidden neurons there are two lines, one for each neuron, and the ones lie
# between them.

BLUE, ORANGE = "#2f6db3", "#e07b28"
BETWEEN = LinearSegmentedColormap.from_list("gate", [BLUE, "#f7f7f7", ORANGE])

fig, axes = plt.subplots(
    2, 2, figsize=(6.4, 6.2), layout="constrained", sharex=True, sharey=True
)
for ax, (gate, hidden), model in zip(axes.flat, cases, models, strict=True):
    display = DecisionBoundaryDisplay.from_estimator(
        model,
        X,
        response_method="predict_proba",
        plot_method="pcolormesh",
        cmap=BETWEEN,
        vmin=0,
        vmax=1,
        alpha=0.75,
        eps=0.5,
        grid_resolution=300,
        ax=ax,
    )
    flat = np.ptp(display.response) < 0.01  # f = 1/2 everywhere
    if not flat:
        ax.contour(display.xx0, display.xx1, display.response, [0.5], colors="k")
    ax.scatter(
        *X.T, s=230, c=GATES[gate], cmap=BETWEEN, edgecolor="k", linewidth=1.5, zorder=3
    )
    for point, value in zip(X, GATES[gate], strict=True):
        ax.text(*point, value, c="w", weight="bold", ha="center", va="center", zorder=4)
    layer = f"{hidden[0]} hidden neurons" if hidden else "no hidden layer"
    right = 4 * model.score(X, GATES[gate])
    verdict = "f(x) = ½ everywhere" if flat else f"{right:.0f} of 4 correct"
    ax.set(title=f"{gate}, {layer}\n{verdict}", xticks=[0, 1], yticks=[0, 1])
    ax.set_aspect("equal")
for ax in axes[1]:
    ax.set_xlabel("$x_1$")
for ax in axes[:, 0]:
    ax.set_ylabel("$x_2$")
fig.colorbar(display.surface_, ax=axes, label="probability of a 1", shrink=0.6)

# %%
# Not every start succeeds
# ------------------------
# Each marker is one of 50 random starts, placed at its loss after training. A single
# hidden neuron never learns XOR. With two, the losses form a few groups. The group on
# the left has learned XOR; the others are stuck in local minima. With eight neurons,
# every start succeeds. :doc:`plot_feature_space` shows what the hidden layer does to
# the points.

WIDTHS = [1, 2, 4, 8]
rng = np.random.default_rng(0)
fig, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
print("\nNumber of starts, out of 50, that learned XOR")
for row, width in enumerate(WIDTHS):
    starts = [network((width,), seed).fit(X, GATES["XOR"]) for seed in range(50)]
    learned = np.array([model.score(X, GATES["XOR"]) == 1 for model in starts])
    loss = np.array([model.loss_ for model in starts])
    height = row + rng.uniform(-0.25, 0.25, size=50)
    ax.plot(loss[learned], height[learned], "o", c=ORANGE, alpha=0.6, mec="k", mew=0.4)
    ax.plot(loss[~learned], height[~learned], "X", c=BLUE, alpha=0.6, mec="k", mew=0.4)
    print(f"{width} hidden {'neuron ' if width == 1 else 'neurons'}  {learned.sum()}")
ax.plot([], [], "o", c=ORANGE, mec="k", mew=0.4, label="learned")
ax.plot([], [], "X", c=BLUE, mec="k", mew=0.4, label="not learned")
ax.set(
    xlabel="loss at the end of training",
    ylabel="hidden neurons",
    yticks=range(4),
    yticklabels=WIDTHS,
    title="XOR from 50 random starts",
)
ax.legend()
ax.grid(axis="x", alpha=0.3)

plt.show()
