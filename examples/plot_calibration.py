"""
Calibration: can you trust the probabilities?
=============================================

When a weather forecast says 80 %, it should rain in 80 % of such cases. A network that
overfits says 99 % far too often, because on its training rows it was always right.

**How do you get well-calibrated probabilities from a network?**

The first figure shows that a plain network is overconfident. Label smoothing,
calibration by cross-validation, and averaging networks with a temperature all bring the
probabilities closer to the observed frequencies. The second figure shows how: they use
the whole range of probabilities. The average has the lowest log loss, because it is
also more accurate.
"""

# %%
# Data with noisy labels
# ----------------------
# Two classes overlap, and one label in ten is random. There are 1000 training rows and
# 8000 test rows, because measuring calibration takes many rows.

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
# Four methods
# ------------
# The plain network just minimises the cross-entropy on the training rows.
# The other methods change training or correct the probabilities afterwards:
#
# - ``label_smoothing`` moves the targets away from 0 and 1, so that extreme
#   probabilities are no longer optimal.
#
# - ``CalibratedClassifierCV`` from scikit-learn trains the network on four fifths of
#   the rows and fits a calibration curve on the remaining fifth. It does so five times
#   and averages the results.
#
# - ``AveragedClassifier`` trains eight networks, each validated on a different eighth
#   of the rows. It averages their logits and multiplies them by an inverse temperature,
#   which is below 1 if the networks were overconfident. ``calibrate=False`` omits the
#   temperature.

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
    """Return the mean difference between probability and observed frequency."""
    which = np.digitize(f, np.linspace(0, 1, n_bins + 1)[1:-1])
    return sum(abs((y - f)[which == b].sum()) for b in range(n_bins)) / len(y)


print("                        accuracy  log loss  calibration error  over 95 % sure")
f = {}
for name, model in models.items():
    f[name] = model.fit(X_train, y_train).predict_proba(X_test)[:, 1].astype(float)
    accuracy, loss = model.score(X_test, y_test), log_loss(y_test, f[name])
    error, sure = calibration_error(y_test, f[name]), np.mean(abs(f[name] - 0.5) > 0.45)
    print(f"{name:<22}  {accuracy:8.1%}  {loss:8.3f}  {error:17.3f}  {sure:15.0%}")
print(f"\ninverse temperature: {average.inverse_temperature_:.2f}")

# %%
# Reliability diagram
# -------------------
# The test rows are divided into ten groups by predicted probability. For each group,
# the diagram shows the fraction of rows that belong to class 1. On the dotted diagonal,
# predictions and frequencies agree. A curve flatter than the diagonal is a sign of
# overconfidence, and a steeper one of underconfidence.
#
# The last two methods are slightly underconfident. Both learn their correction from
# single networks and then average several, and an average is less confident than its
# members. Averaging alone does part of the work: in the table it is "average, bare".

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
    title="Reliability diagram",
    xlabel="mean predicted probability of class 1",
    ylabel="fraction of rows in class 1",
    aspect="equal",
)
ax.grid(alpha=0.3)

# %%
# Histograms of the probabilities
# -------------------------------
# The plain network is almost always close to 0 or 1. The other methods use the whole
# range.

fig, axes = plt.subplots(
    2, 2, figsize=(6.4, 4.6), layout="constrained", sharex=True, sharey=True
)
for ax, (name, (colour, _)) in zip(axes.flat, STYLES.items(), strict=True):
    ax.hist(f[name], bins=20, range=(0, 1), color=colour)
    ax.set_title(name)
    ax.grid(alpha=0.3)
fig.suptitle("How often each probability is predicted")
fig.supxlabel("predicted probability of class 1")
fig.supylabel("test rows")

plt.show()
