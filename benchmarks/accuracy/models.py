"""The models: who learns from the raw rows of a table."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from skffnn import NTK, FFNNClassifier, make_tabular_classifier

from .tables import nominal

# Makes a model for a frame, with a seed.
Maker = Callable[[pd.DataFrame, int], Any]

BASE = "MLPClassifier"
OURS = "make_tabular_classifier"
REALMLP = "RealMLP-TD-S"


def standardised(make: Callable[[int], Any]) -> Maker:
    """Put the usual preparation before a classifier.

    Parameters
    ----------
    make : callable
        Makes the classifier with a seed.

    Returns
    -------
    maker : callable
        Makes the whole: medians for missing numbers, `StandardScaler`, and columns of
        0 and 1 for categories.
    """

    def maker(X: pd.DataFrame, seed: int) -> Any:
        names = nominal(X)
        numeric = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        return make_pipeline(
            make_column_transformer(
                (numeric, [name for name in X if name not in names]),
                (OneHotEncoder(handle_unknown="ignore", sparse_output=False), names),
            ),
            make(seed),
        )

    return maker


def boosting(X: pd.DataFrame, seed: int) -> Any:
    """Return gradient boosting, which takes missing numbers and codes as they are."""
    names = nominal(X)
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=254
    )
    return make_pipeline(
        make_column_transformer((codes, names), remainder="passthrough"),
        HistGradientBoostingClassifier(
            categorical_features=range(len(names)), random_state=seed
        ),
    )


class RealMLP(ClassifierMixin, BaseEstimator):
    """RealMLP-TD-S from pytabkit, with medians for missing numbers, on one thread.

    Parameters
    ----------
    seed : int
        Where all that is random comes from.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Any) -> "RealMLP":
        """Train the network."""
        from pytabkit import RealMLP_TD_S_Classifier

        self.names_ = nominal(X)
        self.medians_ = X.drop(columns=self.names_).median()
        self.model_ = RealMLP_TD_S_Classifier(
            device="cpu", random_state=self.seed, n_threads=1, verbosity=0
        )
        self.model_.fit(self._prepare(X), y, cat_col_names=list(self.names_))
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X: pd.DataFrame) -> Any:
        """Return the probability of each class."""
        return self.model_.predict_proba(self._prepare(X))

    def _prepare(self, X: pd.DataFrame) -> pd.DataFrame:
        """Fill missing numbers, and say which columns are nominal."""
        return X.fillna(self.medians_).astype(dict.fromkeys(self.names_, "category"))


MODELS: dict[str, Maker] = {
    OURS: lambda X, seed: make_tabular_classifier(random_state=seed),
    "FFNNClassifier": standardised(lambda seed: FFNNClassifier(random_state=seed)),
    BASE: standardised(lambda seed: MLPClassifier(random_state=seed)),
    "MLPClassifier, early stopping": standardised(
        lambda seed: MLPClassifier(early_stopping=True, random_state=seed)
    ),
    "LogisticRegression": standardised(lambda seed: LogisticRegression(max_iter=1000)),
    "HistGradientBoosting": boosting,
    REALMLP: lambda X, seed: RealMLP(seed),
}


def changed(**params: Any) -> Maker:
    """Change parameters of the recipe's networks."""
    return lambda X, seed: make_tabular_classifier(random_state=seed, **params)


def stepped(**steps: Any) -> Maker:
    """Change steps of the recipe's pipeline, or parameters of one."""
    return lambda X, seed: make_tabular_classifier(random_state=seed).set_params(
        **steps
    )


def one_network(X: pd.DataFrame, seed: int) -> Any:
    """Return the recipe with one network, validated on a fifth of the rows."""
    model = make_tabular_classifier(random_state=seed)
    network = model.named_steps["classifier"].estimator
    network.set_params(early_stopping=True, validation_fraction=0.2, random_state=seed)
    return model.set_params(classifier=network)


# What the recipe is without one of its parts, or with another in its place.
ABLATION: dict[str, Maker] = {
    "one network": one_network,
    "four networks": changed(n_networks=4),
    "no temperature": stepped(classifier__calibrate=False),
    "no label smoothing": changed(label_smoothing=0.0),
    "Glorot's start, one rate of 0.002": changed(
        weight_init="glorot_uniform", learning_rate_init=0.002
    ),
    "first layer no faster": changed(weight_init=NTK(first_rate=1.0)),
    "StandardScaler": stepped(scale=StandardScaler()),
    "relu": changed(activation="relu"),
    "selu": changed(activation="selu"),
    "beta_2=0.999": changed(beta_2=0.999),
    "best loss": changed(scoring="loss"),
    "alpha=0.0001": changed(alpha=0.0001),
    "dropout=0.15": changed(dropout=0.15),
}
NEEDS = {REALMLP: "pytabkit"}


def available(names: Any) -> list[str]:
    """Return those of the models whose library is installed."""
    return [n for n in names if n not in NEEDS or find_spec(NEEDS[n]) is not None]
