"""
Count data: the Poisson loss
============================

The number of bicycles that pass a counter in an hour is a count: it is never negative,
it is often small, and its spread grows with its mean. The Poisson loss is made for such
targets. The squared error is not.

**What does a network predict for the quiet hours?**

The figure shows predictions for a working day, on a linear axis and on a logarithmic
one. Both losses find the rush hours. In quiet hours, the squared error predicts
negative counts. The Poisson loss never does, and on average it is closer to the true
rate.
"""

# %%
# Bicycles per hour
# -----------------
# The hourly rate has two rush hours on working days and one broad peak at weekends. At
# night it is almost 0. Rain halves it. Because the data are simulated, we can compare
# predictions with the true rate.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import mean_poisson_deviance

from skffnn import FFNNRegressor

rng = np.random.default_rng(0)


def rate(hour, weekend, rain):
    """Return the mean count of an hour."""
    rush = np.exp(-((hour - 8) ** 2) / 3) + 1.2 * np.exp(-((hour - 17.5) ** 2) / 5)
    leisure = 0.9 * np.exp(-((hour - 14) ** 2) / 18)
    return (0.1 + 15 * np.where(weekend, leisure, rush)) * np.where(rain, 0.5, 1)


n = 4000
hour, weekend, rain = rng.uniform(0, 24, n), rng.random(n) < 2 / 7, rng.random(n) < 0.3
X = np.column_stack([hour / 12 - 1, weekend, rain])
counts = rng.poisson(rate(hour, weekend, rain))
train, test = slice(n // 2), slice(n // 2, n)
print(f"hours without a bicycle: {(counts == 0).mean():.0%}, most: {counts.max()}")

# %%
# Two losses
# ----------
# The two networks differ only in their loss. With the Poisson loss, the output is
# exp(a), which is always positive.

models = {
    loss: FFNNRegressor(
        loss,
        hidden_layer_sizes=(32, 32),
        activation="silu",
        learning_rate="one_cycle",
        learning_rate_init=0.02,
        batch_size=100,
        max_iter=60,
        random_state=0,
    ).fit(X[train], counts[train])
    for loss in ("squared_error", "poisson")
}
truth = rate(hour, weekend, rain)[test]
print("               lowest   deviance  mean error of the rate")
for loss, model in models.items():
    f = model.predict(X[test])
    deviance = mean_poisson_deviance(counts[test], np.maximum(f, 1e-3))
    print(f"{loss:13}  {f.min():6.2f}  {deviance:9.3f}  {np.abs(f - truth).mean():.3f}")

# %%
# A working day without rain
# --------------------------
# For the squared error, a tenth of a bicycle is negligible, so its predictions drop
# below 0 at noon and at night. The Poisson deviance depends on ratios, so small counts
# matter too. (The logarithmic axis cannot show negative predictions, so the orange
# curve has gaps there.)

COLOURS = {"squared_error": "#e07b28", "poisson": "#2f6db3"}
grid = np.linspace(0, 24, 400)
day = np.column_stack([grid / 12 - 1, np.zeros((400, 2))])
fig, axes = plt.subplots(2, 1, figsize=(6.6, 6.4), layout="constrained", sharex=True)
for ax, scale in zip(axes, ("linear", "log"), strict=True):
    ax.plot(grid, rate(grid, False, False), "k--", linewidth=1.5, label="true rate")
    for loss, model in models.items():
        colour = COLOURS[loss]
        f = model.predict(day)
        f = np.where(f > 0, f, np.nan) if scale == "log" else f
        ax.plot(grid, f, color=colour, linewidth=2, label=loss)
    ax.set(yscale=scale, ylabel=f"bicycles per hour, {scale} axis")
axes[0].axhline(0, color="#8a8a8a", linewidth=0.8)
axes[0].legend(loc="upper left")
axes[0].set_title("Predictions for a working day without rain")
axes[1].set(xlabel="hour of the day", xticks=range(0, 25, 4), ylim=(0.03, 40))

plt.show()
