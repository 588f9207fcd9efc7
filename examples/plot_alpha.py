"""
The penalty: how α bends a boundary
===================================

Where classes overlap, a network that is large enough draws its boundary round every
stray point. The penalty α Ω(θ), half the sum of the squared weights times α, makes it
pay for that: to bend sharply takes large weights.

**How strong must the penalty be, and what does the boundary look like if it is not?**

The first picture shows a network of 50 neurons on 100 points: without much of a penalty
it has islands, with too much of one it hardly bends. The second shows that the loss on
the training points does not tell, for it only ever grows with α; the loss on other
points has its lowest value in between.
"""

# sphinx_gallery_thumbnail_number = 1

# %%
# Data whose truth is known
# -------------------------
# Two arcs, and points scattered round them. As they are made here, the probability of
# each class at each place is known: the best boundary that there is, and the log loss
# that no classifier gets below but by luck.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from scipy.spatial.distance import cdist
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import log_loss

from skffnn import FFNNClassifier

SIGMA = 0.35
turn = np.linspace(0, np.pi, 100)
arc = np.column_stack([np.cos(turn), np.sin(turn)])
ARCS = np.stack([arc, [1, 0.5] - arc])


def draw(n, seed):
    """Return points and their classes."""
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
    """Return a network of 50 neurons."""
    return FFNNClassifier(
        50,
        activation="tanh",
        solver="lbfgs",
        alpha=alpha,
        max_iter=10000,
        random_state=0,
    ).fit(X, y)


def losses(model, X, y):
    """Return the log loss on training and on test points."""
    return (
        log_loss(y, model.predict_proba(X)),
        log_loss(y_test, model.predict_proba(X_test)),
    )


# %%
# Six penalties
# -------------
# The colour is the probability of the orange class, the black line the boundary
# f(x) = 1/2, and the dashed line the best one that there is.

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
print(f"   truth            {best:9.3f}")

# %%
# The whole range
# ---------------
# The mean over three sets of 100 training points. Where the two curves part, on the
# left, the network has learned by heart, and its probabilities, near 0 and 1, are a
# great loss where they are wrong. On the right they meet, because the network learns
# nothing at all: it ends near ln 2 = 0.69, the loss of a guess.

alphas = np.logspace(-6, 1, 15)
sets = [draw(100, seed) for seed in range(2, 5)]
curves = [
    np.mean([losses(fit(alpha, *rows), *rows) for rows in sets], 0) for alpha in alphas
]
train, test = np.transpose(curves)
chosen = alphas[np.argmin(test)]
print(f"\nlowest test loss {test.min():.2f} at alpha = {chosen:.1g}")

fig, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
ax.plot(alphas, test, "D-", color=ORANGE, label="test points")
ax.plot(alphas, train, "o-", color=BLUE, label="training points")
ax.axhline(best, color="k", linestyle="--", linewidth=1, label="the truth, test points")
ax.axhline(np.log(2), color="0.5", linestyle=":", label="a guess, ln 2")
ax.set(xscale="log", ylim=(0, 1.5), xlabel=r"penalty $\alpha$", ylabel="log loss")
ax.set_title("How strong a penalty?")
ax.legend()
ax.grid(alpha=0.3)

plt.show()
