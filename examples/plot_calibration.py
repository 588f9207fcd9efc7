"""
Calibration: can its probabilities be believed?
===============================================

A forecaster who says 80 % should be right in 80 % of such cases. A network that has
learned its training rows by heart says 99 % far too often: there it was always right.

**How can a network be brought to say what it knows, and no more?**

The first picture shows that the plain network is far too sure of itself, and that
smoothed labels, a calibration by cross-validation and an average of networks with a
temperature are all closer to the truth. The second shows why: they use the whole range
of probabilities. The average has the lowest log loss, since it is more accurate too.
"""

# sphinx_gallery_thumbnail_number = 1

# %%
# Data with doubt in them
# -----------------------
# Two classes that overlap, and one label in ten is drawn by lot. 1000 rows for
# training, and many to measure calibration on, which takes many.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skffnn import AveragedClassifier, FFNNClassifier

X, y = make_classification(
    n_samples=9000,
    n_features=20,
    n_informative=8,
    n_clusters_per_class=3,
    flip_y=0.1,
    class_sep=0.8,
    random_state=0,
)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=1000, stratify=y, random_state=0
)

# %%
# Four ways
# ---------
# The plain network minimises the cross-entropy of the training rows, and nothing else.
#
# - ``label_smoothing`` takes a part of each label away, so that no output that is quite
#   sure is best: it acts in training.
# - ``CalibratedClassifierCV`` of scikit-learn trains the network on four fifths of the
#   rows and learns on the other fifth by which curve to correct its outputs, five
#   times over: it acts afterwards.
# - ``AveragedClassifier`` trains eight networks, each validated on an eighth of the
#   rows, averages their logits and multiplies them by one number, the inverse of a
#   temperature: below 1, if they were too sure. Without the temperature
#   (``calibrate=False``), the average alone.

plan = {"learning_rate": "one_cycle", "learning_rate_init": 0.01, "max_iter": 40}
network = FFNNClassifier((64, 64), batch_size=50, random_state=0, **plan)
smoothed = FFNNClassifier(
    (64, 64), batch_size=50, random_state=0, label_smoothing=0.2, **plan
)
average = AveragedClassifier(network, n_networks=8, random_state=0)
bare = AveragedClassifier(network, n_networks=8, calibrate=False, random_state=0)
models = {
    "plain": network,
    "label smoothing": smoothed,
    "CalibratedClassifierCV": CalibratedClassifierCV(network, cv=5),
    "average, bare": bare,
    "AveragedClassifier": average,
}


def calibration_error(y, f, n_bins=15):
    """Return how far probability and frequency are apart, on average over the rows."""
    which = np.digitize(f, np.linspace(0, 1, n_bins + 1)[1:-1])
    return sum(abs((y - f)[which == b].sum()) for b in range(n_bins)) / len(y)


print("                        accuracy  log loss  calibration error  surer than 95 %")
f = {}
for name, model in models.items():
    f[name] = model.fit(X_train, y_train).predict_proba(X_test)[:, 1].astype(float)
    accuracy, loss = model.score(X_test, y_test), log_loss(y_test, f[name])
    error, sure = calibration_error(y_test, f[name]), np.mean(abs(f[name] - 0.5) > 0.45)
    print(f"{name:<22}  {accuracy:8.1%}  {loss:8.3f}  {error:17.3f}  {sure:15.0%}")
print(f"\ninverse temperature: {average.inverse_temperature_:.2f}")

# %%
# What was said, and what came
# ----------------------------
# Test rows in ten groups by their predicted probability: how many in each group are
# indeed of class 1? On the dotted diagonal the two agree. A curve that is flatter than
# the diagonal is the mark of too much confidence, a steeper one of too little. The two
# at the end of the legend are a little too modest: both learn their correction from
# single networks and then average several, and an average is less sure than each of
# them. Averaging alone does a part of the work: in the table it is "average, bare".

STYLES = {
    "plain": ("#D55E00", "X"),
    "label smoothing": ("#CC79A7", "s"),
    "CalibratedClassifierCV": ("#009E73", "o"),
    "AveragedClassifier": ("#0072B2", "D"),
}
fig, ax = plt.subplots(figsize=(6.4, 5.6), layout="constrained")
for name, (colour, marker) in STYLES.items():
    CalibrationDisplay.from_predictions(
        y_test, f[name], n_bins=10, name=name, color=colour, marker=marker, ax=ax
    )
ax.set(
    title="Reliability",
    xlabel="predicted probability of class 1, mean of the group",
    ylabel="part of the group that is of class 1",
    aspect="equal",
)
ax.grid(alpha=0.3)

# %%
# How sure they are
# -----------------
# The same probabilities, counted. The plain network hardly ever doubts; the others say
# everything between 0 and 1.

fig, axes = plt.subplots(
    2, 2, figsize=(6.4, 4.6), layout="constrained", sharex=True, sharey=True
)
for ax, (name, (colour, _)) in zip(axes.flat, STYLES.items(), strict=True):
    ax.hist(f[name], bins=20, range=(0, 1), color=colour)
    ax.set_title(name)
    ax.grid(alpha=0.3)
fig.supxlabel("predicted probability of class 1")
fig.supylabel("test rows")

plt.show()
