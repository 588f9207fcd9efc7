"""
Which columns matter, and how
=============================

The prices of 3000 flats depend on their size, their age, the district and the heating;
the colour of the door is noise. A higher floor raises the price if there is a lift, and
lowers it if there is none. Some values are missing.

**What has a model learned from such a table, in terms of its columns?**

The tools of ``sklearn.inspection`` work on the whole pipeline of
``make_tabular_regressor``, so they take the dataframe as it is. The first figure shows
which columns the model relies on; the noise is not among them. The second compares the
effects of four columns with the truth. The third shows that a mean curve can hide the
most important effect: for the floor it is nearly flat, while the curves of single flats
rise and fall.
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
    """Return the mean price of flats without missing values."""
    floor = np.where(flats["lift"] == "yes", 1, -1) * 10 * (flats["floor"] - 4)
    old = 60 * (np.minimum(flats["age"], 60) / 60 - 1) ** 2  # new flats cost more
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
print("columns seen by the last step:")
print(*model[:-1].get_feature_names_out(), sep=", ")

# %%
# Which columns matter
# --------------------
# ``permutation_importance`` shuffles one column of the test rows at a time and measures
# how much the mean error increases. The error bars show the standard deviation over
# five shuffles. It shuffles columns of the table, so a categorical column counts as
# one, however many encoded columns it becomes in the pipeline.

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
    xlabel="increase in mean absolute error (thousands) when the column is shuffled",
    title="Permutation importance",
)
ax.grid(axis="x", alpha=0.3)

# %%
# Partial dependence
# ------------------
# The partial dependence on a column is the mean prediction if every flat had a given
# value in that column. The dashed lines and the circles are the same means of the true
# prices. The ticks at the bottom mark the deciles of the column.

columns = ["size", "age", "district", "heating"]
categorical = ["lift", "district", "heating", "door"]
fig, axes = plt.subplots(2, 2, figsize=(6.8, 5.6), layout="constrained")
display = PartialDependenceDisplay.from_estimator(
    model,
    X_test.dropna(),  # scikit-learn cannot make a grid with missing values
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
    print(f"{name:<8}  {off:5.1f} mean distance from the truth")
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
# The same for the floor, with a line for each of 40 flats, all shifted to start at 0.
# The mean is nearly flat, because half of the flats have a lift.

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
    ylabel="change in the predicted price",
    title="Individual conditional expectation",
)
ax.grid(alpha=0.3)
ax.legend()

plt.show()
# sphinx_gallery_thumbnail_number = 3
