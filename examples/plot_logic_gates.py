"""
Logic gates: why a network needs a hidden layer
===============================================

AND and OR give 1 for points of the plane that a straight line separates from those
with 0. XOR does not: its ones lie on one diagonal of the square and its zeros on the
other. A network without a hidden layer is the logistic model, whose boundary is a
straight line.

**Which gates does it learn, and what does a hidden layer change?**

The first picture shows that only XOR is out of its reach, and that two hidden neurons
are enough. The second shows why: they move the four points to where a line separates
them.
"""

# %%
# Four examples are all that there is
# -----------------------------------
# A gate has two inputs, and each row of the table is a training example. With so few,
# L-BFGS minimises the loss over all of them at once. A small penalty (``alpha``) holds
# the weights back: without one they would grow for ever, to bring the probabilities of
# a gate that can be learned ever closer to 0 and 1.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from sklearn.inspection import DecisionBoundaryDisplay

from skffnn import FFNNClassifier

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
GATES = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0]}


def network(hidden_layer_sizes, random_state=4):
    """Return a network of tanh neurons."""
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
# What each network has learned
# -----------------------------
# The columns in the middle are the probabilities f(x) of a 1. Without a hidden layer,
# the best that the loss allows for XOR is to give every input the probability 1/2: a
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
# The boundaries
# --------------
# The colour is the probability of a 1, the black line the boundary f(x) = 1/2.

BLUE, ORANGE = "#2f6db3", "#e07b28"
BETWEEN = LinearSegmentedColormap.from_list("gate", [BLUE, "#f7f7f7", ORANGE])


def draw(ax, model, points, y):
    """Draw the probability of a 1, the boundary and the four points."""
    style = {"response_method": "predict_proba", "grid_resolution": 300, "ax": ax}
    display = DecisionBoundaryDisplay.from_estimator(
        model,
        points,
        plot_method="pcolormesh",
        cmap=BETWEEN,
        vmin=0,
        vmax=1,
        alpha=0.75,
        eps=0.5,
        **style,
    )
    if np.ptp(display.response) > 0.01:  # otherwise f = 1/2 holds everywhere
        ax.contour(
            display.xx0, display.xx1, display.response, [0.5], colors="k", linewidths=2
        )
    for value, colour in enumerate([BLUE, ORANGE]):
        own = np.equal(y, value)
        ax.scatter(
            *points[own].T, s=230, color=colour, edgecolor="k", linewidth=1.5, zorder=3
        )
        for x1, x2 in points[own]:
            ax.annotate(
                value,
                (x1, x2),
                ha="center",
                va="center",
                color="w",
                weight="bold",
                zorder=4,
            )
    ax.set_aspect("equal")
    return display


fig, axes = plt.subplots(1, 4, figsize=(13, 4), layout="constrained", sharey=True)
for ax, (gate, hidden), model in zip(axes, cases, models, strict=True):
    display = draw(ax, model, X, GATES[gate])
    layer = f"{hidden[0]} hidden neurons" if hidden else "no hidden layer"
    right = 4 * model.score(X, GATES[gate])
    flat = np.ptp(display.response) < 0.01
    verdict = "f(x) = ½ everywhere" if flat else f"{right:.0f} of 4 right"
    ax.set(title=f"{gate}, {layer}\n{verdict}", xlabel="$x_1$")
    ax.set(xticks=[0, 1], yticks=[0, 1])
axes[0].set_ylabel("$x_2$")
fig.colorbar(display.surface_, ax=axes, label="probability of a 1", shrink=0.8)

# %%
# The feature space of the hidden layer
# -------------------------------------
# ``hidden_features`` returns the activations h(1). The hidden layer has bent the plane
# until both ones fall on the same spot, off the line between the zeros: the dashed
# diagonal on the left is the dashed curve on the right. A network without a hidden
# layer learns XOR from h(1).

xor = models[-1]
h = xor.hidden_features(X)
on_features = network(()).fit(h, GATES["XOR"])
print(
    f"\nXOR of h(1), without a hidden layer: {on_features.score(h, GATES['XOR']):.0%}"
)

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4.7), layout="constrained")
draw(left, xor, X, GATES["XOR"])
draw(right, on_features, h, GATES["XOR"])
diagonal = np.linspace([-0.5, -0.5], [1.5, 1.5], 200)
left.plot(*diagonal.T, "k--", linewidth=1)
right.plot(*xor.hidden_features(diagonal).T, "k--", linewidth=1)
for label, corner, offset in [
    ("(0, 0)", h[0], (0, 14)),
    ("(0, 1) and (1, 0)", (h[1] + h[2]) / 2, (-12, -20)),
    ("(1, 1)", h[3], (-32, -4)),
]:
    right.annotate(label, corner, offset, textcoords="offset points", ha="center")
left.set(title="Input space: no line will do", xlabel="$x_1$", ylabel="$x_2$")
left.set(xticks=[0, 1], yticks=[0, 1])
right.set(title="Feature space: one line is enough", xlabel="$h_1$", ylabel="$h_2$")
right.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), xticks=[-1, 0, 1], yticks=[-1, 0, 1])

# %%
# Not every start gets there
# --------------------------
# Two neurons can represent XOR, but the loss has other local minima, in which training
# ends from an unlucky start. A wider layer leaves a way out.

print("\nXOR learned from 50 random starts")
for width in [1, 2, 4, 8]:
    scores = [
        network((width,), seed).fit(X, GATES["XOR"]).score(X, GATES["XOR"])
        for seed in range(50)
    ]
    print(f"{width} hidden {'neuron ' if width == 1 else 'neurons'}  {scores.count(1)}")

plt.show()
