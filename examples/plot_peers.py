"""
Comparing decision boundaries
=============================

Each type of classifier has a characteristic decision boundary: straight lines, steps
along the axes, or smooth curves.

**What do five classifiers learn from the same points, and which suits which data?**

The figure has one column for each data set and one row for each classifier. Logistic
regression is as good as any other where a straight line is enough, but fails elsewhere.
Gradient boosting builds its boundary from boxes. The support vector machine and the
networks draw smooth curves and have the lowest log losses on the curved data sets.
``FFNNClassifier`` and ``MLPClassifier`` minimise the same objective here and find the
same boundary.
"""

# %%
# Three data sets
# ---------------
# The data sets are two overlapping clusters that a line separates, two arcs, and two
# rings. Each has 150 training points and 2000 test points.

import matplotlib.pyplot as plt
from matplotlib.colors import LinearSegmentedColormap
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_blobs, make_circles, make_moons
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skffnn import FFNNClassifier

n, n_train = 2150, 150
POINTS = {
    "line": make_blobs(
        n, centers=[[-1, -0.7], [1, 0.7]], cluster_std=1.1, random_state=0
    ),
    "arcs": make_moons(n, noise=0.3, random_state=0),
    "rings": make_circles(n, noise=0.2, factor=0.4, random_state=0),
}

# %%
# Five classifiers
# ----------------
# All classifiers are used in a pipeline with ``StandardScaler``, which all but gradient
# boosting need. A support vector machine does not predict probabilities, so it is
# wrapped in ``CalibratedClassifierCV``. With L-BFGS, ``MLPClassifier`` divides its
# penalty by the number of rows. Its ``alpha=0.003 * n_train`` therefore corresponds to
# ``alpha=0.003`` for ``FFNNClassifier``.

settings = {
    "hidden_layer_sizes": (50,),
    "activation": "tanh",
    "solver": "lbfgs",
    "max_iter": 5000,
    "random_state": 0,
}
CLASSIFIERS = {
    "logistic\nregression": LogisticRegression(),
    "gradient\nboosting": HistGradientBoostingClassifier(random_state=0),
    "support vector\nmachine": CalibratedClassifierCV(SVC(), ensemble=False),
    "MLPClassifier": MLPClassifier(alpha=0.003 * n_train, **settings),
    "FFNNClassifier": FFNNClassifier(alpha=0.003, **settings),
}

# %%
# Fifteen decision boundaries
# ---------------------------
# The colour shows the probability of the orange class, and the black line is the
# decision boundary. The title of each panel gives the accuracy and the log loss on the
# test points.

BLUE, ORANGE = "#2f6db3", "#e07b28"
BETWEEN = LinearSegmentedColormap.from_list("peers", [BLUE, "#f7f7f7", ORANGE])

fig, axes = plt.subplots(5, 3, figsize=(6.8, 11.2), layout="constrained")
print("classifier              points  accuracy  log loss")
for column, (points, (X, y)) in zip(axes.T, POINTS.items(), strict=True):
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, train_size=n_train, stratify=y, random_state=0
    )
    for ax, (name, classifier) in zip(column, CLASSIFIERS.items(), strict=True):
        model = make_pipeline(StandardScaler(), classifier).fit(X_train, y_train)
        accuracy = model.score(X_test, y_test)
        loss = log_loss(y_test, model.predict_proba(X_test))
        label = name.replace("\n", " ")
        print(f"{label:<22}  {points:<6}  {accuracy:8.1%}  {loss:8.3f}")
        display = DecisionBoundaryDisplay.from_estimator(
            model,
            X_train,
            response_method="predict_proba",
            plot_method="pcolormesh",
            cmap=BETWEEN,
            vmin=0,
            vmax=1,
            alpha=0.75,
            eps=0.4,
            grid_resolution=120,
            ax=ax,
        )
        ax.contour(
            display.xx0, display.xx1, display.response, [0.5], colors="k", linewidths=1
        )
        for label, colour, marker in (0, BLUE, "o"), (1, ORANGE, "D"):
            ax.scatter(
                *X_train[y_train == label].T,
                s=11,
                color=colour,
                marker=marker,
                edgecolor="w",
                linewidth=0.3,
            )
        ax.set(title=f"{accuracy:.0%}, {loss:.2f}", xticks=[], yticks=[])
        ax.set(xlabel="", ylabel="")
    column[0].set_title(f"{points}\n{column[0].get_title()}")
for ax, name in zip(axes[:, 0], CLASSIFIERS, strict=True):
    ax.set_ylabel(name)

plt.show()
