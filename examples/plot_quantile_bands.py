"""
Quantile regression: prediction intervals
=========================================

A curve through the middle of the points does not show how far the points scatter around
it. With the quantile loss (Koenker & Bassett, *Regression quantiles*, Econometrica,
1978), a network predicts the value below which a given fraction of the points lies. One
network can predict several quantiles at once.

**Does the band between two quantiles contain as many points as it should?**

The figure shows the median and the band between the 5 % and 95 % quantiles. The band
widens where the points scatter more. It contains 92 % of the test points, slightly more
than the 90 % that it should.
"""

# %%
# Noise that grows
# ----------------
# The points scatter around a wave. The noise grows from left to right and is skewed
# upwards. Half of the points are used for training.

import matplotlib.pyplot as plt
import numpy as np

from skffnn import FFNNRegressor

rng = np.random.default_rng(0)
n = 3000
x = rng.uniform(0, 4, n)
noise = rng.gamma(2, size=n) - 1
y = np.sin(2 * x) + (0.05 + 0.15 * x) * noise
train, test = slice(n // 2), slice(n // 2, n)

# %%
# Three quantiles from one network
# --------------------------------
# The two hidden layers are shared, and each quantile has its own output. No assumption
# is made about the distribution of the noise.

LEVELS = [0.05, 0.5, 0.95]
model = FFNNRegressor(
    "quantile",
    hidden_layer_sizes=(32, 32),
    activation="silu",
    quantile=LEVELS,
    learning_rate="one_cycle",
    learning_rate_init=0.02,
    batch_size=100,
    max_iter=60,
    random_state=0,
)
model.fit(x[train, np.newaxis], y[train])

quantiles = model.predict(x[test, np.newaxis])
print("level  fraction of test points below")
below = (y[test, np.newaxis] <= quantiles).mean(axis=0)
for level, part in zip(LEVELS, below, strict=True):
    print(f"{level:5}  {part:.3f}")
inside = (quantiles[:, 0] <= y[test]) & (y[test] <= quantiles[:, 2])
for side, part in [("left", x[test] < 2), ("right", x[test] >= 2)]:
    print(f"in the band, {side} half: {inside[part].mean():.1%}")

# %%
# The band follows the noise
# --------------------------
# A band of constant width would contain too many points on the left and too few on the
# right. This band adapts its width, and extends further above the median than below.

grid = np.linspace(0, 4, 400)
low, middle, high = model.predict(grid[:, np.newaxis]).T

fig, ax = plt.subplots(figsize=(6.6, 4.4), layout="constrained")
ax.scatter(x[test], y[test], s=6, color="#8a8a8a", linewidth=0, label="test points")
ax.fill_between(grid, low, high, color="#2f6db3", alpha=0.25, label="5 % to 95 %")
ax.plot(grid, middle, color="#2f6db3", linewidth=2, label="median")
ax.set(xlabel="x", ylabel="y", title=f"{inside.mean():.1%} of test points in the band")
ax.legend(loc="upper left")

plt.show()
