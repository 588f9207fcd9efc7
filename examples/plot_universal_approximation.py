"""
Universal approximation: wider layers, closer fits
==================================================

With enough neurons in one hidden layer, a network can approximate any continuous
function on a bounded region as closely as you like (Cybenko, *Approximation by
superpositions of a sigmoidal function*, 1989; Hornik, Stinchcombe & White, *Multilayer
feedforward networks are universal approximators*, 1989). The theorem does not say how
many neurons are enough.

**How wide must the layer be to tell two spirals apart?**

The figure shows what networks with 1 to 64 hidden neurons learn from the same points. A
single neuron draws a straight line. Each additional neuron lets the boundary bend once
more.
"""

# %%
# Two spirals
# -----------
# Each class winds one and a half times around the centre, between the arms of the other
# class. Half of the points are used for training. The other half shows whether the
# boundary is also right between the training points.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import train_test_split

from skffnn import FFNNClassifier

rng = np.random.default_rng(0)
n = 400
y = np.repeat([0, 1], n)
angle = np.pi * (0.5 + 3 * np.sqrt(rng.random(2 * n)))
arm = angle + np.pi * y
X = angle[:, np.newaxis] * np.column_stack([np.cos(arm), np.sin(arm)]) / np.pi
X += rng.normal(scale=0.08, size=X.shape)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.5, stratify=y, random_state=0
)

# %%
# Wider and wider layers
# ----------------------
# Each network has one hidden layer of tanh neurons. It is trained by L-BFGS from three
# random starts, and the result with the lowest training loss is kept.

WIDTHS = [1, 2, 4, 8, 16, 64]


def fit(width):
    """Return the network with the lowest loss of three starts."""
    models = [
        FFNNClassifier(
            width,
            activation="tanh",
            solver="lbfgs",
            alpha=1e-4,
            max_iter=5000,
            random_state=seed,
        ).fit(X_train, y_train)
        for seed in range(3)
    ]
    return min(models, key=lambda model: model.loss_)


models = [fit(width) for width in WIDTHS]
print("neurons  parameters    loss  training accuracy  test accuracy")
for width, model in zip(WIDTHS, models, strict=True):
    n_parameters = sum(part.size for part in (*model.coefs_, *model.intercepts_))
    train, test = model.score(X_train, y_train), model.score(X_test, y_test)
    print(
        f"{width:7}  {n_parameters:10}  {model.loss_:6.4f}  {train:17.1%}  {test:13.1%}"
    )

# %%
# The decision boundaries
# -----------------------
# The colour shows the probability of the orange class, and the black line is the
# decision boundary. The points are test points, which the networks have not seen.

BLUE, ORANGE = "#2f6db3", "#e07b28"
BETWEEN = LinearSegmentedColormap.from_list("spirals", [BLUE, "#f7f7f7", ORANGE])

fig, axes = plt.subplots(
    3, 2, figsize=(6.6, 9.4), layout="constrained", sharex=True, sharey=True
)
for ax, width, model in zip(axes.flat, WIDTHS, models, strict=True):
    display = DecisionBoundaryDisplay.from_estimator(
        model,
        X,
        response_method="predict_proba",
        plot_method="pcolormesh",
        grid_resolution=250,
        eps=0.15,
        cmap=BETWEEN,
        vmin=0,
        vmax=1,
        alpha=0.75,
        ax=ax,
    )
    ax.contour(
        display.xx0, display.xx1, display.response, [0.5], colors="k", linewidths=1.5
    )
    for label, colour in enumerate([BLUE, ORANGE]):
        points = X_test[y_test == label]
        ax.scatter(*points.T, s=12, color=colour, edgecolor="w", linewidth=0.4)
    neurons = "1 hidden neuron" if width == 1 else f"{width} hidden neurons"
    ax.set_title(f"{neurons}\ntest accuracy {model.score(X_test, y_test):.1%}")
    ax.set(aspect="equal", xticks=[], yticks=[])
fig.colorbar(
    display.surface_, ax=axes, label="probability of the orange class", shrink=0.5
)

plt.show()
