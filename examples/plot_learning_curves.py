"""
Learning curves: how many rows does a network need?
===================================================

A classifier with many parameters can learn more than one with few, and is said to need
more rows for it.

**From how many rows on does a network pay, beside simpler classifiers, and would more
rows still help?**

The first picture shows that there is no number that holds for all data. On images of
digits the network is behind logistic regression with 50 rows, and ahead of it from 400
on. Where no straight line helps, it is ahead from the start, and needs some 800 rows
to come up to a support vector machine. The second picture shows that more rows would
still help there.
"""

# sphinx_gallery_thumbnail_number = 1

# %%
# Two sets of data
# ----------------
# Handwritten digits; and ten numbers of which the class says whether the sum of their
# squares is above its median (Hastie, Tibshirani & Friedman, *The elements of
# statistical learning*, 2009, equation 10.2): the inside of a sphere and the outside.

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
# All at settings that are not tuned to the number of rows, and those of the peers are
# scikit-learn's own. 40 epochs are few steps where there are few rows.

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
# Accuracy against the number of rows
# -----------------------------------
# The mean over three splits, each time on a third of the rows, which were kept back. On
# the sphere logistic regression only ever guesses, and near neighbours are few in ten
# dimensions. The support vector machine does best with few rows: its kernel measures
# distances, as the truth does. The network has to find that out.

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
    ax.set_xticks(sizes, sizes)
    ax.minorticks_off()
    ax.grid(alpha=0.3)
    ax.legend()
    print()

# %%
# Would more rows help?
# ---------------------
# The loss on the training rows and on the others. As long as the two are apart, and the
# upper one falls, more rows help. With few rows the network knows them by heart: its
# loss on them is next to 0, and on the others it is above ln 2 = 0.69, that of a guess,
# since it is sure and wrong.

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
    ["training rows", "rows kept back"],
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
for name, scores in ("training", display.train_scores), ("kept", display.test_scores):
    print(f"{name:<22}", *(f"{-score:6.3f}" for score in scores.mean(axis=1)))

plt.show()
