"""The models to compare, which are fitted to raw tables."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Protocol

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


class Maker(Protocol):
    """A function that makes a model for a dataframe."""

    def __call__(self, X: pd.DataFrame, seed: int, n_threads: int) -> Any:
        """Return an unfitted model for X, with a seed and a number of threads."""


BASE = "MLPClassifier"
OURS = "make_tabular_classifier"
REALMLP = "RealMLP-TD-S"
TABM = "TabM-D"
CATBOOST, LIGHTGBM, XGBOOST = "CatBoost", "LightGBM", "XGBoost"


def standardised(make: Callable[[int], Any]) -> Maker:
    """Put the usual preprocessing before a classifier or regressor.

    Parameters
    ----------
    make : callable
        Function of a seed that returns the estimator.

    Returns
    -------
    maker : callable
        Makes a pipeline of median imputation, `StandardScaler`, one-hot encoding and
        the estimator.
    """

    def maker(X: pd.DataFrame, seed: int, n_threads: int) -> Any:
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


def coded(X: pd.DataFrame, model: Any) -> Any:
    """Put ordinal encoding before a model that supports missing values."""
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=254
    )
    return make_pipeline(
        make_column_transformer((codes, nominal(X)), remainder="passthrough"), model
    )


def boosting(X: pd.DataFrame, seed: int, n_threads: int) -> Any:
    """Return gradient boosting, with ordinal-encoded categories."""
    columns = range(len(nominal(X)))
    return coded(
        X,
        HistGradientBoostingClassifier(categorical_features=columns, random_state=seed),
    )


class Peer(ClassifierMixin, BaseEstimator):
    """A model of another library, with the table converted to the form it expects.

    Parameters
    ----------
    model : estimator
        The model.
    as_categories : bool
        Whether categorical columns get the dtype "category"; otherwise they are
        strings, with "missing" for missing values.
    fill : bool
        Whether to replace missing numbers with medians.
    fit_params : dict
        Further arguments of its `fit`.
    """

    def __init__(
        self,
        model: Any,
        *,
        as_categories: bool,
        fill: bool = False,
        fit_params: Any = None,
    ) -> None:
        self.model, self.as_categories = model, as_categories
        self.fill, self.fit_params = fill, fit_params

    def fit(self, X: pd.DataFrame, y: Any) -> "Peer":
        """Train the model."""
        self.names_ = list(nominal(X))
        self.medians_ = X.drop(columns=self.names_).median()
        self.types_ = {
            name: pd.CategoricalDtype(X[name].dropna().unique()) for name in self.names_
        }
        self.model.fit(self._prepare(X), y, **self.fit_params or {})
        self.classes_ = getattr(self.model, "classes_", None)
        return self

    def predict_proba(self, X: pd.DataFrame) -> Any:
        """Return the probability of each class."""
        return np.asarray(self.model.predict_proba(self._prepare(X)))

    def predict(self, X: pd.DataFrame) -> Any:
        """Return the predictions of a regressor."""
        return np.asarray(self.model.predict(self._prepare(X))).ravel()

    def _prepare(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the table in the form that the model expects."""
        if self.fill:
            X = X.fillna(self.medians_)
        if self.as_categories:
            return X.astype(self.types_)
        return X.fillna(dict.fromkeys(self.names_, "missing"))


def catboost(X: pd.DataFrame, seed: int, n_threads: int) -> Peer:
    """Return CatBoost with its defaults."""
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(
        random_seed=seed,
        thread_count=n_threads,
        cat_features=list(nominal(X)),
        verbose=False,
        allow_writing_files=False,
    )
    return Peer(model, as_categories=False)


def lightgbm(X: pd.DataFrame, seed: int, n_threads: int) -> Peer:
    """Return LightGBM with its defaults."""
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(random_state=seed, n_jobs=n_threads, verbose=-1)
    return Peer(model, as_categories=True)


def xgboost(X: pd.DataFrame, seed: int, n_threads: int) -> Peer:
    """Return XGBoost with its defaults."""
    from xgboost import XGBClassifier

    model = XGBClassifier(random_state=seed, n_jobs=n_threads, enable_categorical=True)
    return Peer(model, as_categories=True)


def of_pytabkit(kind: str) -> Maker:
    """Return a maker of a pytabkit model, with median imputation."""

    def maker(X: pd.DataFrame, seed: int, n_threads: int) -> Peer:
        import pytabkit

        model = getattr(pytabkit, kind)(
            device="cpu", random_state=seed, n_threads=n_threads, verbosity=0
        )
        names = {"cat_col_names": list(nominal(X))}
        return Peer(model, as_categories=True, fill=True, fit_params=names)

    return maker


MODELS: dict[str, Maker] = {
    OURS: lambda X, seed, n_threads: make_tabular_classifier(
        random_state=seed, n_jobs=n_threads
    ),
    "FFNNClassifier": standardised(lambda seed: FFNNClassifier(random_state=seed)),
    BASE: standardised(lambda seed: MLPClassifier(random_state=seed)),
    "MLPClassifier, early stopping": standardised(
        lambda seed: MLPClassifier(early_stopping=True, random_state=seed)
    ),
    "LogisticRegression": standardised(lambda seed: LogisticRegression(max_iter=1000)),
    "HistGradientBoosting": boosting,
    CATBOOST: catboost,
    LIGHTGBM: lightgbm,
    XGBOOST: xgboost,
    REALMLP: of_pytabkit("RealMLP_TD_S_Classifier"),
    TABM: of_pytabkit("TabM_D_Classifier"),
}


def changed(**params: Any) -> Maker:
    """Return a maker of the recipe with other parameters."""
    return lambda X, seed, n_threads: make_tabular_classifier(
        random_state=seed, n_jobs=n_threads, **params
    )


def stepped(**steps: Any) -> Maker:
    """Return a maker of the recipe with other steps, or other parameters of a step."""
    return lambda X, seed, n_threads: make_tabular_classifier(
        random_state=seed, n_jobs=n_threads
    ).set_params(**steps)


def one_network(X: pd.DataFrame, seed: int, n_threads: int) -> Any:
    """Return the recipe with one network, validated on a fifth of the rows."""
    model = make_tabular_classifier(random_state=seed)
    network = model.named_steps["classifier"].estimator
    network.set_params(early_stopping=True, validation_fraction=0.2, random_state=seed)
    return model.set_params(classifier=network)


# The recipe with one of its parts removed or replaced.
ABLATION: dict[str, Maker] = {
    "one network": one_network,
    "no boosting": changed(boosting=False),
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
NEEDS = {
    CATBOOST: "catboost",
    LIGHTGBM: "lightgbm",
    XGBOOST: "xgboost",
    REALMLP: "pytabkit",
    TABM: "pytabkit",
}


def available(names: Any) -> list[str]:
    """Return the names of the models whose library is installed."""
    return [n for n in names if n not in NEEDS or find_spec(NEEDS[n]) is not None]
