"""
Learning curves: how many rows does a network need?
===================================================

A classifier with many parameters can learn more complex patterns than a simple one, and
is said to need more rows for it.

**How many rows does a network need to beat simpler classifiers, and would more rows
still help?**

The first figure shows that the answer depends on the data. On the digits, the network
is worse than logistic regression with 50 rows and better from 400 rows on. On the
sphere, where linear boundaries are useless, it is better than logistic regression from
the start, and needs about 800 rows to match a support vector machine. The second figure
shows that more rows would still help there.
"""

# %%
# Two data sets
# -------------
# The first data set is handwritten digits. The second has ten features, and the class
# is whether the sum of their squares is above its median (Hastie, Tibshirani &
# Friedman, *The elements of statistical learning*, 2009, equation 10.2). In other
# words, the classes are the inside and the outside of a sphere.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits, make_hastie_10_2
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LearningCurveDisplay, StratifiedShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skffnn import FFNNClassifier

digits = load_digits(return_X_y=True)
sphere = make_hastie_10_2(n_samples=2500, random_state=0)
TABLES = {
    "digits": (*digits, [50, 100, 200, 400, 800, 1200]),
    "sphere": (*sphere, [50, 100, 200, 400, 800, 1600]),
}

# %%
# Four classifiers
# ----------------
# No setting is tuned to the number of rows, and the other classifiers use
# scikit-learn's defaults. Note that 40 epochs are few steps when there are few rows.

network = FFNNClassifier(
    (64, 64),
    activation="silu",
    alpha=1e-3,
    batch_size=50,
    learning_rate="one_cycle",
    learning_rate_init=0.01,
    max_iter=40,
    random_state=0,
)
peers = {
    "logistic regression": make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000)
    ),
    "nearest neighbours": make_pipeline(StandardScaler(), KNeighborsClassifier()),
    "support vector machine": make_pipeline(StandardScaler(), SVC()),
    "FFNNClassifier": make_pipeline(StandardScaler(), network),
}

# %%
# Accuracy by number of rows
# --------------------------
# Each value is the mean over three random splits with a third of the rows held out. On
# the sphere, logistic regression does no better than guessing, and nearest neighbours
# suffer from the ten dimensions. The support vector machine is best with few rows: its
# kernel measures distances, which is exactly what defines the classes. The network has
# to learn that.

STYLES = [("0.5", "o"), ("#009E73", "s"), ("#D55E00", "^"), ("#0072B2", "D")]
cv = StratifiedShuffleSplit(n_splits=3, test_size=0.33, random_state=0)

fig, axes = plt.subplots(2, 1, figsize=(6.4, 7.6), layout="constrained")
for ax, (table, (X, y, sizes)) in zip(axes, TABLES.items(), strict=True):
    print(f"{table:<22}", *(f"{n:6}" for n in sizes), "rows")
    for (name, peer), (colour, marker) in zip(peers.items(), STYLES, strict=True):
        display = LearningCurveDisplay.from_estimator(
            peer,
            X,
            y,
            train_sizes=sizes,
            cv=cv,
            score_type="test",
            score_name="accuracy",
            std_display_style=None,
            line_kw={"color": colour, "marker": marker},
            ax=ax,
        )
        display.lines_[0].set_label(name)
        mean = display.test_scores.mean(axis=1)
        print(f"{name:<22}", *(f"{score:6.1%}" for score in mean))
    ax.set(xscale="log", xlabel="training rows", title=table.capitalize())
    ax.set_ylabel("validation accuracy")
    ax.set_xticks(sizes, sizes)
    ax.minorticks_off()
    ax.grid(alpha=0.3)
    print()
axes[0].legend()
axes[1].get_legend().remove()

# %%
# Would more rows help?
# ---------------------
# The figure shows the loss on the training set and on the validation set. As long as
# there is a gap between the two and the upper curve is falling, more rows help. With
# few rows the network overfits: its training loss is almost 0, while its validation
# loss is above ln 2 = 0.69, the loss of a guess, because it is confident and wrong.

X, y, sizes = TABLES["sphere"]
fig, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
display = LearningCurveDisplay.from_estimator(
    peers["FFNNClassifier"],
    X,
    y,
    train_sizes=sizes,
    cv=cv,
    scoring="neg_log_loss",
    negate_score=True,
    score_name="log loss",
    fill_between_kw={"alpha": 0.2},
    ax=ax,
)
for curve, band, name, style in zip(
    display.lines_,
    display.fill_between_,
    ["training set", "validation set"],
    [("#0072B2", "o"), ("#D55E00", "D")],
    strict=True,
):
    curve.set(label=name, color=style[0], marker=style[1])
    band.set_color(style[0])
ax.set(xscale="log", xlabel="training rows", title="FFNNClassifier on the sphere")
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.grid(alpha=0.3)
ax.legend()
print("log loss              ", *(f"{n:6}" for n in sizes), "rows")
losses = {"training": display.train_scores, "validation": display.test_scores}
for name, scores in losses.items():
    print(f"{name:<22}", *(f"{-score:6.3f}" for score in scores.mean(axis=1)))

plt.show()
