"""
Feature space: what the hidden layer sees
=========================================

The last layer of a network is the logistic model: it can draw straight lines and
planes, and nothing else. But it does not draw them among the inputs x. It draws them
among the activations h of the last hidden layer, the feature space.

**What does a hidden layer do to the points, so that straight lines are enough?**

The first picture shows how two neurons lay the plane on a bent curve, so that one line
separates the classes of XOR. The second shows that the classes of handwritten digits
lie further apart in feature space than as pixels, even for digits that the network has
not seen.
"""

# sphinx_gallery_thumbnail_number = 1

# %%
# Four clouds
# -----------
# The corners of XOR, with 50 points around each. ``hidden_features`` returns h.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.manifold import TSNE
from sklearn.model_selection import train_test_split

from skffnn import FFNNClassifier

rng = np.random.default_rng(0)
corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
X = np.repeat(corners, 50, axis=0) + rng.normal(scale=0.12, size=(200, 2))
y = np.repeat([0, 1, 1, 0], 50)

settings = {"activation": "tanh", "solver": "lbfgs", "alpha": 1e-2, "max_iter": 1000}
network = FFNNClassifier(2, **settings, random_state=4).fit(X, y)
h = network.hidden_features(X)
print("XOR, right without a hidden layer")
for name, points in [("x", X), ("h", h)]:
    logistic = FFNNClassifier((), **settings, random_state=0).fit(points, y)
    print(f"{name}  {logistic.score(points, y):.1%}")

# %%
# The plane, bent
# ---------------
# On the left the input space, on the right what the two neurons make of it. Both look
# along the grey diagonal, on which the first goes from -1 to 1 after (0, 0) and the
# second before (1, 1). So the whole plane comes to lie on one bent curve, and the
# orange points on the bend. The dashed line on the right is where the output is 1/2,
# w · h + b = 0. It is straight. The two dashed lines on the left are this one line,
# seen from the input space.

BLUE, ORANGE = "#2f6db3", "#e07b28"
BETWEEN = LinearSegmentedColormap.from_list("xor", [BLUE, "#f7f7f7", ORANGE])

fig, (left, right) = plt.subplots(1, 2, figsize=(7, 3.6), layout="constrained")
display = DecisionBoundaryDisplay.from_estimator(
    network,
    X,
    response_method="predict_proba",
    plot_method="contour",
    levels=[0.5],
    colors="k",
    linestyles="--",
    eps=0.3,
    ax=left,
)
low, high = display.xx0.min(), display.xx0.max()
along = np.linspace(low, high, 200)
diagonal = np.column_stack([along, along])
left.plot(*diagonal.T, color="0.7", linewidth=5, zorder=0)
right.plot(*network.hidden_features(diagonal).T, color="0.7", linewidth=5, zorder=0)
w, b = network.coefs_[1][:, 0], network.intercepts_[1][0]
foot = -b * w / (w @ w)  # the point of the line that is closest to 0
right.axline(foot, foot + np.array([-w[1], w[0]]), color="k", linestyle="--")
for ax, points in (left, X), (right, h):
    for label, colour, marker in (0, BLUE, "o"), (1, ORANGE, "D"):
        style = {"s": 20, "color": colour, "edgecolor": "w", "linewidth": 0.4}
        ax.scatter(*points[y == label].T, marker=marker, **style)
    ax.set_aspect("equal")
left.set(title="Input space", xlabel="$x_1$", ylabel="$x_2$")
left.set(xlim=(low, high), ylim=(low, high))
right.set(title="Feature space", xlabel="$h_1$", ylabel="$h_2$")
right.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15))

# %%
# Digits
# ------
# Images of 8 × 8 pixels, and a network with two hidden layers. How well are the classes
# apart? The simplest classifier that there is tells: give each test image the class
# whose mean, over the training images, is nearest. It is right more often with each
# layer, also in the plane of the two directions in which a space is widest (PCA).

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, stratify=y, random_state=0
)
reader = FFNNClassifier(
    (64, 32),
    activation="tanh",
    batch_size=50,
    learning_rate="one_cycle",
    learning_rate_init=0.01,
    max_iter=40,
    random_state=0,
).fit(X_train, y_train)
spaces = {
    "pixels": (X_train, X_test),
    "hidden layer 1": [reader.hidden_features(x, layer=0) for x in (X_train, X_test)],
    "hidden layer 2": [reader.hidden_features(x, layer=1) for x in (X_train, X_test)],
}


def nearest_mean(train, test):
    """Return the part of the test rows that are nearest to the mean of their class."""
    means = [train[y_train == digit].mean(axis=0) for digit in range(10)]
    return np.mean(cdist(test, means).argmin(axis=1) == y_test)


print(f"\nDigits: the network has {reader.score(X_test, y_test):.1%} right")
print("nearest mean of     all dimensions  two (PCA)")
for name, (train, test) in spaces.items():
    plane = PCA(2).fit(train)
    flat = nearest_mean(plane.transform(train), plane.transform(test))
    print(f"{name:<14}      {nearest_mean(train, test):14.1%}  {flat:9.1%}")

# %%
# Two maps of each space
# ----------------------
# Digits that were kept back, each drawn as what it is. PCA is a projection. t-SNE (van
# der Maaten & Hinton, *Visualizing data using t-SNE*, 2008) keeps neighbours together
# and says little about distances between groups. It finds groups in the pixels too,
# but with bridges and strangers in them.

# Ten colours that differ in lightness too; and the digits say which is which.
COLOURS = ["#332288", "#117733", "#882255", "#0072B2", "#D55E00"]
COLOURS += ["#44AA99", "#AA4499", "#999933", "#000000", "#CC6677"]

fig, axes = plt.subplots(2, 2, figsize=(7, 7.2), layout="constrained")
maps = {"PCA": PCA(2), "t-SNE": TSNE(init="pca", random_state=0)}
columns = {"pixels": X_test, "hidden layer 2": spaces["hidden layer 2"][1]}
for row, (kind, projection) in zip(axes, maps.items(), strict=True):
    for ax, (name, rows) in zip(row, columns.items(), strict=True):
        points = projection.fit_transform(rows)
        for digit, colour in enumerate(COLOURS):
            own = points[y_test == digit]
            ax.scatter(*own.T, s=34, color=colour, marker=f"${digit}$", linewidth=0.3)
        ax.set(title=f"{name}, {kind}", xticks=[], yticks=[])

plt.show()
