"""
Regularisation: how alpha changes the decision boundary
=======================================================

Where classes overlap, a large network can draw its boundary around every stray point.
That is overfitting. The penalty α Ω(θ), which is α times half the sum of the squared
weights, makes such boundaries expensive, because a sharp bend needs large weights.

**How strong should the penalty be, and what happens if it is too weak or too strong?**

The first figure shows a network of 50 neurons fitted to 100 points. With a weak
penalty, its boundary has islands around single points. With a strong one, it is almost
a straight line. The second figure shows that the training loss cannot tell which
penalty is best, because it always increases with α. The test loss has its minimum in
between.
"""

# %%
# Data with known probabilities
# -----------------------------
# The data are two arcs with noise. Because we generate them, we know the true
# probability of each class at every point, and so the best possible boundary and its
# log loss.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from scipy.spatial.distance import cdist
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import log_loss

from skffnn import FFNNClassifier

SIGMA = 0.35
turn = np.linspace(0, np.pi, 100)
arc = np.column_stack([np.cos(turn), np.sin(turn)])
ARCS = np.stack([arc, [1, 0.5] - arc])


def draw(n, seed):
    """Return n points and their classes."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    centres = ARCS[y, rng.integers(100, size=n)]
    return centres + rng.normal(scale=SIGMA, size=(n, 2)), y


def truth(X):
    """Return the probability of class 1, p(x | 1) / (p(x | 0) + p(x | 1))."""
    p0, p1 = (
        np.exp(-cdist(X, arc, "sqeuclidean") / (2 * SIGMA**2)).sum(1) for arc in ARCS
    )
    return p1 / (p0 + p1)


X, y = draw(100, seed=0)
X_test, y_test = draw(5000, seed=1)
best = log_loss(y_test, truth(X_test))


def fit(alpha, X, y):
    """Return a fitted network of 50 neurons."""
    return FFNNClassifier(
        50,
        activation="tanh",
        solver="lbfgs",
        alpha=alpha,
        max_iter=10000,
        random_state=0,
    ).fit(X, y)


def losses(model, X, y):
    """Return the log loss on the training points and on the test points."""
    return (
        log_loss(y, model.predict_proba(X)),
        log_loss(y_test, model.predict_proba(X_test)),
    )


# %%
# Six penalties
# -------------
# The colour shows the probability of the orange class. The solid line is the boundary
# of the network, and the dashed line is the best possible one.

BLUE, ORANGE = "#2f6db3", "#e07b28"
BETWEEN = LinearSegmentedColormap.from_list("moons", [BLUE, "#f7f7f7", ORANGE])
ALPHAS = [1e-6, 1e-4, 1e-3, 3e-3, 1e-2, 1e-1]

print("   alpha  training  test loss")
fig, axes = plt.subplots(
    3, 2, figsize=(6.6, 8.2), layout="constrained", sharex=True, sharey=True
)
for ax, alpha in zip(axes.flat, ALPHAS, strict=True):
    model = fit(alpha, X, y)
    train, test = losses(model, X, y)
    print(f"{alpha:8g}  {train:8.3f}  {test:9.3f}")
    display = DecisionBoundaryDisplay.from_estimator(
        model,
        X,
        response_method="predict_proba",
        plot_method="pcolormesh",
        cmap=BETWEEN,
        vmin=0,
        vmax=1,
        alpha=0.75,
        eps=0.4,
        grid_resolution=150,
        ax=ax,
    )
    grid = display.xx0, display.xx1
    ax.contour(*grid, display.response, [0.5], colors="k")
    ideal = truth(np.column_stack([xx.ravel() for xx in grid])).reshape(grid[0].shape)
    ax.contour(*grid, ideal, [0.5], colors="k", linestyles="--", linewidths=1)
    for label, colour, marker in (0, BLUE, "o"), (1, ORANGE, "D"):
        ax.scatter(
            *X[y == label].T, s=18, c=colour, marker=marker, edgecolor="w", lw=0.5
        )
    shown = f"{alpha:f}".rstrip("0")  # not as 1e-06
    ax.set(
        title=rf"$\alpha$ = {shown}"
        + f"\ntraining loss {train:.2f}, test loss {test:.2f}"
    )
    ax.set(aspect="equal", xticks=[], yticks=[])
fig.legend(
    handles=[
        Line2D([], [], color="k", label="the network's boundary"),
        Line2D([], [], color="k", ls="--", lw=1, label="the best possible boundary"),
    ],
    loc="outside lower center",
    ncols=2,
)
print(f"   truth            {best:9.3f}")

# %%
# The whole range
# ---------------
# Each value is the mean over three training sets of 100 points. On the left, where the
# curves are far apart, the network overfits: its probabilities are close to 0 and 1,
# which is costly where they are wrong. On the right, the curves meet because the
# network learns nothing at all. Both losses approach ln 2 = 0.69, the loss of always
# predicting 1/2.

alphas = np.logspace(-6, 1, 15)
sets = [draw(100, seed) for seed in range(2, 5)]
curves = [
    np.mean([losses(fit(alpha, *rows), *rows) for rows in sets], 0) for alpha in alphas
]
train, test = np.transpose(curves)
chosen = alphas[np.argmin(test)]
print(f"\nlowest test loss {test.min():.2f} at alpha = {chosen:.1g}")

fig, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
ax.plot(alphas, test, "D-", color=ORANGE, label="test set")
ax.plot(alphas, train, "o-", color=BLUE, label="training set")
ax.axhline(best, color="k", linestyle="--", linewidth=1, label="best possible")
ax.axhline(np.log(2), color="0.5", linestyle=":", label="guessing, ln 2")
ax.set(xscale="log", ylim=(0, 1.5), xlabel=r"penalty $\alpha$", ylabel="log loss")
ax.set_title("Training and test loss")
ax.legend()
ax.grid(alpha=0.3)

plt.show()
