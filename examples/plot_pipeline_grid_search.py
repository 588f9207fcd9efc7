"""
Pipeline, grid search and class weights
=======================================

Real tables have numbers and categories, missing values, and rare classes. Here a
foundry has measured 2500 castings, about one in seven of which is faulty.

**How large a network and how strong a penalty does such a table need, and what do class
weights change?**

The first figure shows that a hidden layer is needed, and that too strong a penalty
cancels its benefit. The second figure shows that without class weights, many more
faulty castings are missed.
"""

# %%
# The castings
# ------------
# Each alloy has its own best pouring temperature. Too hot is as bad as too cold, which
# a model that is linear in the temperature cannot represent. Low pressure is harmful
# when cooling is fast. The rest is chance. Some sensor readings and some alloys are
# missing.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from joblib import parallel_config
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import ConfusionMatrixDisplay, balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skffnn import FFNNClassifier

rng = np.random.default_rng(0)
n = 2500
castings = pd.DataFrame(
    {
        "temperature": rng.normal(1000, 25, n),
        "pressure": rng.normal(30, 4, n),
        "cooling": rng.lognormal(3, 0.4, n),
        "alloy": rng.choice(["A", "B", "C"], n, p=[0.5, 0.3, 0.2]),
        "line": rng.choice(["north", "south"], n),
    }
)
best_temperature = castings["alloy"].map({"A": 1010, "B": 985, "C": 1000})
risk = 2.2 * ((castings["temperature"] - best_temperature) / 25) ** 2
risk += 0.35 * (castings["cooling"] < 18) * np.maximum(32 - castings["pressure"], 0)
risk += 0.4 * (castings["line"] == "south")
y = np.where(risk + rng.logistic(scale=0.7, size=n) > 6.5, "faulty", "sound")

for column, share in {"pressure": 0.05, "cooling": 0.1, "alloy": 0.05}.items():
    castings.loc[rng.random(n) < share, column] = np.nan

print(castings.head(4).to_string(float_format="{:.1f}".format))
print(f"\n{n} castings, {np.mean(y == 'faulty'):.1%} of them faulty")

# %%
# The pipeline
# ------------
# Numbers are imputed and scaled. Categories are one-hot encoded, with an extra column
# for missing values. The schedule ``one_cycle`` plans the learning rate over
# ``max_iter`` epochs, so no stopping rule is needed.

numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
categories = OneHotEncoder(handle_unknown="ignore")
columns = make_column_transformer(
    (numbers, make_column_selector(dtype_include="number")),
    (categories, make_column_selector(dtype_exclude="number")),
)
network = FFNNClassifier(
    batch_size=50,
    learning_rate="one_cycle",
    learning_rate_init=0.01,
    max_iter=30,
    random_state=0,
)
X_train, X_test, y_train, y_test = train_test_split(
    castings, y, test_size=0.4, stratify=y, random_state=0
)

# %%
# The grid search
# ---------------
# The score is balanced accuracy, the mean recall of both classes, so that the rare
# class counts as much as the other. The joblib backend of the package trains networks
# of the same shape together.

SIZES = {"none": (), "8": (8,), "32, 32": (32, 32)}
grid = {
    "hidden_layer_sizes": list(SIZES.values()),
    "activation": ["relu", "tanh"],
    "alpha": [1e-3, 1e-2, 1e-1],
    "class_weight": [None, "balanced"],
}
search = GridSearchCV(
    make_pipeline(columns, network),
    {f"ffnnclassifier__{name}": values for name, values in grid.items()},
    scoring="balanced_accuracy",
    cv=3,
)
with parallel_config("skffnn"):
    search.fit(X_train, y_train)

results = pd.DataFrame(search.cv_results_)
results.columns = results.columns.str.replace("param_ffnnclassifier__", "")
print("\nBest of the grid search:")
for name in grid:
    print(f"  {name:<20}{search.best_params_[f'ffnnclassifier__{name}']}")
print(f"  {'balanced accuracy':<20}{search.best_score_:.3f}")

# %%
# Size and penalty
# ----------------
# Each point shows the better of the two activation functions, with class weights.

fig, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
styles = [("none", "o-", "0.45"), ("8", "s-", "#e07b28"), ("32, 32", "D-", "#2f6db3")]
for name, style, colour in styles:
    own = (results["hidden_layer_sizes"] == SIZES[name]) & (
        results["class_weight"] == "balanced"
    )
    scores = results[own].groupby("alpha")["mean_test_score"].max()
    label = "no hidden layer" if name == "none" else f"hidden layers: {name}"
    ax.plot(scores.index, scores, style, color=colour, label=label, markersize=8)
ax.set(
    xscale="log",
    xlabel=r"penalty $\alpha$",
    ylabel="cross-validated balanced accuracy",
    title="Network size and penalty",
)
ax.grid(alpha=0.3)
ax.legend()

# %%
# The effect of class weights
# ---------------------------
# The figure compares the best network with class weights and the best one without, on
# held-out castings. With ``class_weight="balanced"``, both classes have the same total
# weight in the loss. More of the faulty castings are found, at the price of more false
# alarms.

print("\nOn held-out castings:")
print("class_weight  balanced accuracy  faulty found  false alarms")
fig, axes = plt.subplots(1, 2, figsize=(7, 4.2), layout="constrained")
for ax, class_weight in zip(axes, grid["class_weight"], strict=True):
    candidates = results[
        results["class_weight"].isna()
        if class_weight is None
        else results["class_weight"] == class_weight
    ]
    params = candidates.loc[candidates["mean_test_score"].idxmax(), "params"]
    model = search.estimator.set_params(**params).fit(X_train, y_train)
    predicted = model.predict(X_test)
    score = balanced_accuracy_score(y_test, predicted)
    found, alarms = (np.mean(predicted[y_test == c] == "faulty") for c in np.unique(y))
    print(f"{class_weight!s:<12}  {score:17.3f}  {found:12.1%}  {alarms:12.1%}")
    ConfusionMatrixDisplay.from_predictions(
        y_test,
        predicted,
        normalize="true",
        values_format=".0%",
        cmap="Blues",
        colorbar=False,
        im_kw={"vmin": 0, "vmax": 1},
        text_kw={"fontsize": 14},
        ax=ax,
    )
    ax.set(
        title=f"class_weight={class_weight!r}\nbalanced accuracy {score:.2f}",
        xlabel="predicted class",
        ylabel="true class",
    )
axes[1].set_ylabel("")
fig.suptitle("Held-out castings, as percentages of each true class")
fig.get_layout_engine().set(h_pad=0.12)

plt.show()
