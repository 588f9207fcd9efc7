"""
Feature space: what the last layer sees
=======================================

The last layer of a network is a logistic model: its decision boundaries are straight.
But they are straight in the space of h, the activations of the last hidden layer, and
not in the space of the inputs x. The space of h is called the feature space.

**How does a hidden layer transform the data so that straight boundaries are enough?**

The first figure shows how two neurons bend the plane into a curve, so that one straight
line separates the classes of XOR. The second figure shows that the classes of
handwritten digits are further apart in feature space than as pixels, even for images
that were not used for training.
"""

# %%
# Four clusters
# -------------
# The data are the four corners of XOR, with 50 points around each. ``hidden_features``
# returns the activations h.

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
print("Accuracy of a logistic model on XOR, from x and from h")
for name, points in [("x", X), ("h", h)]:
    logistic = FFNNClassifier((), **settings, random_state=0).fit(points, y)
    print(f"{name}  {logistic.score(points, y):.1%}")

# %%
# Bending the plane
# -----------------
# On the left is the input space, on the right the activations of the two neurons. Both
# neurons respond to the position along the grey diagonal. The first changes from -1 to
# 1 after (0, 0), and the second before (1, 1). The whole plane is therefore mapped
# close to a single bent curve, with the orange points at the bend. The dashed line on
# the right, w · h + b = 0, is where the predicted probability is 1/2. It is straight.
# The two dashed lines on the left are the same line, seen in the input space.

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
foot = -b * w / (w @ w)  # the point of the line closest to 0
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
# Handwritten digits
# ------------------
# The images have 8 × 8 pixels, and the network has two hidden layers. To measure how
# well the classes are separated, we use a very simple classifier: assign each test
# image to the class whose mean, over the training images, is nearest. Its accuracy
# increases from layer to layer. The same holds when each space is reduced to its first
# two principal components (PCA).

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
    """Return the fraction of test rows that are nearest to the mean of their class."""
    means = [train[y_train == digit].mean(axis=0) for digit in range(10)]
    return np.mean(cdist(test, means).argmin(axis=1) == y_test)


print(f"\nTest accuracy of the network on digits: {reader.score(X_test, y_test):.1%}")
print("Nearest mean        all dimensions  two (PCA)")
for name, (train, test) in spaces.items():
    plane = PCA(2).fit(train)
    flat = nearest_mean(plane.transform(train), plane.transform(test))
    print(f"{name:<14}      {nearest_mean(train, test):14.1%}  {flat:9.1%}")

# %%
# Maps of both spaces
# -------------------
# Each test image is drawn as the digit that it shows. PCA is a linear projection. t-SNE
# (van der Maaten & Hinton, *Visualizing data using t-SNE*, 2008) keeps neighbours
# together and says little about the distances between clusters. It finds clusters in
# the pixels too, but there some of them touch, and some contain other digits.

# The colours differ in lightness too, and the markers are the digits themselves.
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
