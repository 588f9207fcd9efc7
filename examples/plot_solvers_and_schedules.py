"""
Solvers and schedules: many ways down
=====================================

Training is a walk down the loss J(θ). The solver says in which direction a step goes,
the learning rate how far, and the schedule how that changes on the way.

**Which solver gets down fastest, and what does a schedule add?**

The first picture shows four solvers on the same digits: plain gradient descent is by
far the slowest. The second shows four ways to set the learning rate of Adam: a low rate
is slow, a high one never comes to rest, and a rate that is high first and falls to 0
has the best of both.
"""

# %%
# Four solvers
# ------------
# The same network from the same start, at constant learning rates that suit the solver.
# An epoch is a pass over all training rows: for the first three that is 27 steps on 50
# rows each, for L-BFGS one iteration, a single step on all rows (with, now and then, a
# pass more). The class makes a constant rate a plan, through which training goes to its
# end, as it does with ``"cosine"``: it would otherwise stop where the loss stalls.

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
    """A constant rate, for all of max_iter."""

    fixed_horizon = True


def fit(**settings):
    """Return a network that has been trained for 60 epochs."""
    same = {"activation": "tanh", "batch_size": 50, "random_state": 0, "alpha": 1e-3}
    same |= {"max_iter": 60, "learning_rate": ToTheEnd()}
    return FFNNClassifier((40,), **same | settings).fit(X_train, y_train)


def show(models):
    """Print how well each network does."""
    width = max(map(len, models))
    print(f"{'':<{width}}  training loss  test log loss  test accuracy")
    for name, model in models.items():
        test_loss = log_loss(y_test, model.predict_proba(X_test))
        accuracy = model.score(X_test, y_test)
        print(
            f"{name:<{width}}  {model.loss_:13.4f}  {test_loss:13.4f}  {accuracy:.1%}"
        )


def dress(ax, title):
    """Give the axes of the loss a logarithmic scale with plain numbers."""
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
dress(display.ax_, "Four solvers")

# %%
# Four schedules
# --------------
# Adam again, on batches of 10 rows, for 30 epochs. At the high constant rate the loss
# goes up and down to the end: with each step the weights jump past the minimum.
# ``"cosine"`` starts there and comes to rest; ``"one_cycle"`` climbs up to that rate
# first. Both are plans over ``max_iter`` epochs.

plan = {"max_iter": 30, "batch_size": 10}
schedules = {
    "constant, 0.0003": fit(learning_rate_init=0.0003, **plan),
    "constant, 0.01": fit(learning_rate_init=0.01, **plan),
    "cosine, 0.01": fit(learning_rate="cosine", learning_rate_init=0.01, **plan),
    "one_cycle, 0.01": fit(learning_rate="one_cycle", learning_rate_init=0.01, **plan),
}
print()
show(schedules)
print("\nhow often the loss rose, of 29 times")
for name, model in schedules.items():
    print(f"{name:<16}  {np.sum(np.diff(model.loss_curve_) > 0)}")

display = LossCurveDisplay.from_estimator(schedules, panels=["loss", "learning_rate"])
dress(display.ax_, "Four schedules")

plt.show()
