"""
Which columns matter, and how
=============================

The prices of 3000 flats depend on their size, their age, the district and the heating;
the colour of the door is noise. Where there is a lift, the floor raises the price, and
where there is none, it lowers it. Some cells are empty.

**What has a model learned of such a table, and can it be asked in terms of the
columns?**

The pipeline of ``make_tabular_regressor`` is asked from outside, with the data frame as
it is. The first picture shows which columns it relies on; the noise is not among them.
The second shows what it makes of four of them, beside the truth. The third shows that a
mean curve can hide the most important: for the floor it is nearly flat, while the
curves of single flats rise and fall.
"""

# %%
# The table
# ---------
# Prices are in thousands.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.inspection import (
    PartialDependenceDisplay,
    partial_dependence,
    permutation_importance,
)
from sklearn.model_selection import train_test_split

from skffnn import make_tabular_regressor

rng = np.random.default_rng(0)
n = 3000
flats = pd.DataFrame(
    {
        "size": rng.gamma(6, 12, n),  # square metres
        "age": rng.uniform(0, 120, n),
        "floor": rng.integers(0, 9, n).astype(float),
        "lift": rng.choice(["yes", "no"], n),
        "district": rng.choice(["centre", "harbour", "hill", "west"], n),
        "heating": rng.choice(["gas", "oil", "pump"], n),
        "door": rng.choice(["blue", "green", "red"], n),
    }
)
DISTRICT = {"centre": 120.0, "harbour": 40.0, "hill": 80.0, "west": 0.0}
HEATING = {"gas": 0.0, "oil": -15.0, "pump": 25.0}


def price(flats):
    """Return the mean price of flats without empty cells."""
    floor = np.where(flats["lift"] == "yes", 1, -1) * 10 * (flats["floor"] - 4)
    old = 60 * (np.minimum(flats["age"], 60) / 60 - 1) ** 2  # dear while new
    place = flats["district"].map(DISTRICT) + flats["heating"].map(HEATING)
    return 100 + 3 * flats["size"] + old + floor + place


complete = flats.copy()
y = price(flats) + rng.normal(0, 20, n)
flats.loc[rng.random(n) < 0.1, "age"] = np.nan
flats.loc[rng.random(n) < 0.1, "heating"] = None
X_train, X_test, y_train, y_test = train_test_split(
    flats, y, train_size=2000, random_state=0
)
model = make_tabular_regressor(n_networks=4, random_state=0).fit(X_train, y_train)
print(f"R² on {len(X_test)} other flats: {model.score(X_test, y_test):.3f}")
print("columns that its last step sees:")
print(*model[:-1].get_feature_names_out(), sep=", ")

# %%
# Which columns it relies on
# --------------------------
# ``permutation_importance`` shuffles one column of the test rows at a time: how much
# larger does the mean error become? The lines say how much that differs between five
# shuffles. It is asked in columns of the table, and a categorical column is shuffled as
# one, however many columns it becomes inside.

importance = permutation_importance(
    model,
    X_test,
    y_test,
    scoring="neg_mean_absolute_error",
    n_repeats=5,
    random_state=0,
)
order = np.argsort(importance.importances_mean)
mean, spread = importance.importances_mean[order], importance.importances_std[order]
for name, value in zip(flats.columns[order][::-1], mean[::-1], strict=True):
    print(f"{name:<8}  {value:6.1f}")

fig, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
ax.barh(flats.columns[order], mean, xerr=spread, color="#0072B2")
ax.set(
    xlabel="increase of the mean absolute error, in thousands, if it is shuffled",
    title="Permutation importance",
)
ax.grid(axis="x", alpha=0.3)

# %%
# What it makes of them
# ---------------------
# The partial dependence on a column: the mean prediction if every flat had this value
# in it. The dashed lines and the circles are the same means of the true prices. The
# marks below are the deciles of the column.

columns = ["size", "age", "district", "heating"]
categorical = ["lift", "district", "heating", "door"]
fig, axes = plt.subplots(2, 2, figsize=(6.8, 5.6), layout="constrained")
display = PartialDependenceDisplay.from_estimator(
    model,
    X_test.dropna(),  # scikit-learn makes no grid of columns with empty cells
    columns,
    categorical_features=categorical,
    grid_resolution=20,
    method="brute",
    line_kw={"color": "#0072B2", "linewidth": 2},
    ax=axes,
)
rows = complete.loc[X_test.dropna().index]
for name, ax, found in zip(
    columns, display.axes_.ravel(), display.pd_results, strict=True
):
    grid = found["grid_values"][0]
    real = [price(rows.assign(**{name: value})).mean() for value in grid]
    off = np.abs(found["average"][0] - real).mean()
    print(f"{name:<8}  {off:5.1f} off the truth, on average")
    if name in categorical:
        ax.plot(range(len(grid)), real, "o", color="k", label="truth")
    else:
        ax.plot(grid, real, "--", color="k", label="truth")
    ax.set_ylabel("price" if name in ("size", "district") else "")
    ax.set_ylim(0, 600)
axes[0, 0].legend(loc="lower right")
fig.suptitle("Partial dependence")

# %%
# What a mean hides
# -----------------
# The same for the floor, with a line for each of 40 flats, all moved to start from 0.
# The mean is nearly flat, for half of the flats have a lift.

some = X_test[:200]
found = partial_dependence(model, some, ["floor"], kind="both", method="brute")
grid, mean, each = (found[name][0] for name in ("grid_values", "average", "individual"))
each = each - each[:, :1]
fig, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
for lift, colour in ("yes", "#0072B2"), ("no", "#D55E00"):
    curves = each[some["lift"] == lift]
    print(f"lift: {lift:<3}  {curves[:, -1].mean():+5.0f} on the top floor")
    lines = ax.plot(grid, curves[:20].T, color=colour, alpha=0.4)
    lines[0].set_label(f"lift: {lift}")
ax.plot(grid, mean - mean[0], color="k", linewidth=3, label="mean")
ax.set(
    xlabel="floor",
    ylabel="change of the predicted price",
    title="Individual conditional expectation",
)
ax.grid(alpha=0.3)
ax.legend()

plt.show()
# sphinx_gallery_thumbnail_number = 3
