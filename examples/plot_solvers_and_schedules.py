"""
Solvers and learning-rate schedules
===================================

Training reduces the loss J(θ) step by step. The solver determines the direction of a
step, the learning rate determines its length, and the schedule changes the learning
rate during training.

**Which solver is fastest, and what does a schedule add?**

The first figure compares four solvers on the same digits. Plain gradient descent is by
far the slowest. The second figure compares four learning rates for Adam. A low constant
rate is slow, and a high one never converges. A rate that starts high and decreases to 0
combines the advantages of both.
"""

# %%
# Four solvers
# ------------
# All four train the same network from the same initial weights, with a constant
# learning rate that suits the solver. For the first three, an epoch is 27 steps of 50
# rows each. For L-BFGS, it is one iteration: a single step on all rows, which sometimes
# takes an additional pass through them. With a constant learning rate, training
# normally stops when the loss no longer improves. The class ``ToTheEnd`` marks its
# schedule as fixed-horizon, as ``"cosine"`` is, so that training always runs for
# ``max_iter`` epochs.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skffnn import FFNNClassifier, LossCurveDisplay
from skffnn.optim.schedules import Constant

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, stratify=y, random_state=0
)


class ToTheEnd(Constant):
    """A constant learning rate for exactly max_iter epochs."""

    fixed_horizon = True


def fit(**settings):
    """Return a fitted network."""
    same = {"activation": "tanh", "batch_size": 50, "random_state": 0, "alpha": 1e-3}
    same |= {"max_iter": 60, "learning_rate": ToTheEnd()}
    return FFNNClassifier((40,), **same | settings).fit(X_train, y_train)


def show(models):
    """Print losses and accuracy of each network."""
    width = max(map(len, models))
    print(f"{'':<{width}}  training loss  test log loss  test accuracy")
    for name, model in models.items():
        test_loss = log_loss(y_test, model.predict_proba(X_test))
        accuracy = model.score(X_test, y_test)
        print(
            f"{name:<{width}}  {model.loss_:13.4f}  {test_loss:13.4f}  {accuracy:.1%}"
        )


def label_loss(ax, title):
    """Set a logarithmic loss axis with plain numbers."""
    ax.set(yscale="log", title=title, ylabel="loss J(θ)")
    ticks = [0.15, 0.2, 0.3, 0.5, 1, 2]
    ax.set_yticks(ticks, ticks)
    ax.tick_params(which="minor", left=False, labelleft=False)


solvers = {
    "sgd, momentum 0": fit(solver="sgd", momentum=0, learning_rate_init=0.05),
    "sgd, momentum 0.9": fit(solver="sgd", learning_rate_init=0.05),
    "adam": fit(learning_rate_init=0.003),
    "lbfgs": fit(solver="lbfgs", max_iter=1000, tol=1e-3),
}
show(solvers)

display = LossCurveDisplay.from_estimator(solvers, panels="loss")
label_loss(display.ax_, "Four solvers")

# %%
# Four schedules
# --------------
# Adam again, for 30 epochs with batches of 10 rows. At the high constant rate, the loss
# goes up and down until the end, because each step overshoots the minimum. ``"cosine"``
# starts at the same rate and converges. ``"one_cycle"`` first increases to that rate.
# Both are planned over ``max_iter`` epochs.

plan = {"max_iter": 30, "batch_size": 10}
schedules = {
    "constant, 0.0003": fit(learning_rate_init=0.0003, **plan),
    "constant, 0.01": fit(learning_rate_init=0.01, **plan),
    "cosine, 0.01": fit(learning_rate="cosine", learning_rate_init=0.01, **plan),
    "one_cycle, 0.01": fit(learning_rate="one_cycle", learning_rate_init=0.01, **plan),
}
print()
show(schedules)
print("\nnumber of epochs, out of 29, in which the loss rose")
for name, model in schedules.items():
    print(f"{name:<16}  {np.sum(np.diff(model.loss_curve_) > 0)}")

display = LossCurveDisplay.from_estimator(schedules, panels=["loss", "learning_rate"])
label_loss(display.ax_, "Four schedules")

plt.show()
