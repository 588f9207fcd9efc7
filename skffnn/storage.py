"""How each kind of estimator is stored in a file, and restored from it.

A stored estimator is a dict of plain values: the name of its class, its parameters and
its fitted attributes. Nested estimators are stored in the same way. Only the classes in
`STORAGES` can be named, so that a file cannot create any other.

To add a class, write its `Storage` and add it to `STORAGES`.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler

from .classifier import FFNNClassifier
from .data.targets import Targets
from .estimator import FFNNEstimator
from .io.schema import check, fitted_of, require, restore, snapshot
from .regressor import FFNNRegressor
from .tabular.averaged import Averaged
from .tabular.encoder import OTHER, TableEncoder
from .tabular.ensemble import AveragedClassifier
from .tabular.gaps import GapImputer
from .tabular.regression import AveragedRegressor
from .tabular.scaler import RobustSmoothScaler
from .tabular.target_means import TargetMeans
from .tabular.trees import Boosting, set_trees, trees_of
from .utils.checks import check_number

Fitted = dict[str, Any]


@dataclass(frozen=True)
class Storage:
    """How estimators of a class are stored.

    Attributes
    ----------
    kind : type
        The exact class; subclasses may differ, and are refused.
    fitted : callable
        Returns the fitted attributes of an estimator as plain values.
    restore : callable
        Sets them on an estimator that has its parameters, and raises one of
        `skffnn.io.format.DAMAGE` if they are inconsistent.
    check : callable
        Raises a TypeError for an estimator whose parameters cannot be stored.
    """

    kind: Any
    fitted: Callable[[Any], Fitted]
    restore: Callable[[Any, Fitted], None]
    check: Callable[[Any], None] = lambda model: None


def pack(model: Any) -> dict[str, Any]:
    """Return an estimator as plain values.

    Parameters
    ----------
    model : estimator
        Of a class in `STORAGES`, fitted or not.

    Returns
    -------
    content : dict of str to object
        Input of `unpack`.

    Raises
    ------
    TypeError
        If its class, or a parameter, cannot be stored.
    """
    name = type(model).__name__
    storage = STORAGES.get(name)
    if storage is None or storage.kind is not type(model):
        raise TypeError(
            f"model must be one of {', '.join(STORAGES)}, and contain only these, "
            f"got a {name}."
        )
    storage.check(model)
    content = snapshot(model, storage.fitted(model))
    content["params"] = {
        key: inner(value, pack, is_estimator)
        for key, value in content["params"].items()
    }
    return content


def unpack(content: Any) -> Any:
    """Return the estimator that was packed.

    Parameters
    ----------
    content : dict
        As read from a file, not yet validated.

    Returns
    -------
    model : estimator
        With its fitted attributes, if it was fitted.

    Raises
    ------
    ValueError, TypeError, KeyError and others of `skffnn.io.format.DAMAGE`
        If the content is inconsistent.
    """
    name = content["estimator"]
    if name not in STORAGES:
        raise ValueError(f"its estimator {name!r} is unknown")
    storage = STORAGES[name]
    params = {
        key: inner(value, unpack, is_content)
        for key, value in content["params"].items()
    }
    model = storage.kind(**params)
    if content["fitted"]:
        storage.restore(model, content["fitted"])
    return model


def inner(
    value: Any, convert: Callable[[Any], Any], wanted: Callable[[Any], bool]
) -> Any:
    """Convert the estimators inside a parameter, such as a list of steps."""
    if wanted(value):
        return convert(value)
    if type(value) in (list, tuple):
        return type(value)(inner(item, convert, wanted) for item in value)
    return value


def is_estimator(value: Any) -> bool:
    """Return whether a value is an estimator."""
    return hasattr(value, "get_params") and not isinstance(value, type)


def is_content(value: Any) -> bool:
    """Return whether a value is a stored estimator."""
    return type(value) is dict and value.keys() == {"estimator", "params", "fitted"}


# ------------------------------------------------------------------ shared functions


# Feature names: those of a dataframe, or those that the previous step passes on.
NAMES = ("feature_names_in_", "_names_in")


def attributes(model: Any, *names: str) -> Fitted:
    """Return fitted attributes by name, with the feature names; {} if not fitted."""
    if not hasattr(model, names[0]):
        return {}
    all_names = (*names, "n_features_in_", *NAMES)
    return {name: getattr(model, name) for name in all_names if hasattr(model, name)}


def set_attributes(model: Any, fitted: Fitted, *names: str) -> None:
    """Set fitted attributes; raise unless they are the expected ones."""
    given = fitted.keys() - {*NAMES}
    require(
        given == {*names, "n_features_in_"},
        f"the attributes of {type(model).__name__} are wrong",
    )
    n = fitted["n_features_in_"]
    require(type(n) is int and n > 0, "the number of features is wrong")
    for features in map(fitted.get, NAMES):
        if features is not None:
            require(type(features) is np.ndarray, "the feature names are damaged")
            require(features.shape == (n,), "the number of feature names is wrong")
    vars(model).update(fitted)


def check_vector(value: Any, n: int, *, nan: bool = True) -> None:
    """Raise unless a value is a vector of n floats, none of them infinite."""
    require(type(value) is np.ndarray, "an attribute is not an array")
    require(value.shape == (n,), "an attribute has the wrong shape")
    require(value.dtype.kind == "f", "an attribute is not of floats")
    right = np.isfinite(value) | (np.isnan(value) & nan)
    require(right.all(), "an attribute is not finite")


# ------------------------------------------------------------------------ networks


def network_fitted(model: FFNNEstimator) -> Fitted:
    """Return the fitted attributes of a network, including the training state."""
    if not hasattr(model, "coefs_"):
        return {}
    check(model)
    return fitted_of(model)


AVERAGE = ("classes_", "_multilabel", "_sparse_output", "inverse_temperature_")
BLEND = "blended_", "blend_weights_"


def average_fitted(model: AveragedClassifier) -> Fitted:
    """Return the fitted attributes of an average, without any training state."""
    if not hasattr(model, "estimators_"):
        return {}
    fitted = {"estimators_": packed_networks(model), **attributes(model, *AVERAGE)}
    if model.blended_:
        fitted |= packed_blend(model)
    return fitted


def packed_networks(model: Averaged) -> list[Any]:
    """Return the networks of an average, without their training state."""
    networks = [pack(network) for network in model.estimators_]
    for network in networks:
        network["fitted"].pop("_state", None)
    return networks


def packed_blend(model: Averaged) -> Fitted:
    """Return the models that an average is blended with, and the weights."""
    blended = [[pack(copy) for copy in copies] for copies in model.blended_]
    return dict(zip(BLEND, (blended, model.blend_weights_), strict=True))


def restore_average(model: AveragedClassifier, fitted: Fitted) -> None:
    """Set the fitted attributes of an average."""
    networks = [unpack(network) for network in fitted.pop("estimators_")]
    blended, weights = (fitted.pop(name, None) for name in BLEND)
    set_attributes(model, fitted, *AVERAGE)
    beta = model.inverse_temperature_
    least = 0 if blended else np.nextafter(0, 1)  # a blend may consist of trees alone
    require(type(beta) is float and least <= beta < np.inf, "the temperature is wrong")
    kinds = {type(model._multilabel), type(model._sparse_output)}
    require(kinds == {bool}, "the kind of the classes is wrong")
    targets = model._fitted_targets()
    require(len(networks) > 0, "there are no networks")
    for network in networks:
        require(type(network) is FFNNClassifier, "a network has the wrong class")
        same = (
            hasattr(network, "coefs_")
            and network.n_features_in_ == model.n_features_in_
            and network._sparse_output == targets.sparse
            and network._fitted_targets().is_like(targets)
        )
        require(same, "the networks do not match")
    model.estimators_ = networks
    model.blended_, model.blend_weights_ = [], np.ones(0)
    if blended is not None:
        one = isinstance(targets, Targets) and not targets.multilabel
        require(one, "a blend has several labels")
        set_blend(model, blended, weights, n_own=0)
        for copy in chain(*model.blended_):
            same = np.array_equal(getattr(copy, "classes_", ()), model.classes_)
            require(same, "the classifiers of a blend have different classes")


def set_blend(model: Averaged, blended: Any, weights: Any, *, n_own: int) -> None:
    """Set the models that an average is blended with; `n_own` weights are its own."""
    require(type(blended) is list, "a blend is damaged")
    require(n_own + len(blended) > 0, "a blend is damaged")
    check_vector(weights, n_own + len(blended), nan=False)
    require((weights >= 0).all(), "a weight is negative")
    for copies in blended:
        require(type(copies) is list and len(copies) > 0, "a blend is damaged")
        copies[:] = [unpack(content) for content in copies]
        for copy in copies:
            same = (
                hasattr(copy, model._method)
                and getattr(copy, "n_features_in_", None) == model.n_features_in_
            )
            require(same, "the models of a blend do not match")
    model.blended_, model.blend_weights_ = blended, weights


def average_of_numbers_fitted(model: AveragedRegressor) -> Fitted:
    """Return the fitted attributes of an average of regressors."""
    if not hasattr(model, "estimators_"):
        return {}
    return {
        "estimators_": packed_networks(model),
        **attributes(model, "shifts_"),
        **packed_blend(model),
    }


def restore_average_of_numbers(model: AveragedRegressor, fitted: Fitted) -> None:
    """Set the fitted attributes of an average of regressors."""
    networks = [unpack(network) for network in fitted.pop("estimators_")]
    blended, weights = (fitted.pop(name, None) for name in BLEND)
    set_attributes(model, fitted, "shifts_")
    require(len(networks) > 0, "there are no networks")
    for network in networks:
        require(type(network) is FFNNRegressor, "a network has the wrong class")
        same = (
            hasattr(network, "coefs_")
            and network.n_features_in_ == model.n_features_in_
            and network.n_outputs_ == networks[0].n_outputs_
            and network.get_params() | {"random_state": 0}
            == networks[0].get_params() | {"random_state": 0}
        )
        require(same, "the networks do not match")
    model.estimators_ = networks
    found: Any = model.shifts_
    require(type(found) is np.ndarray and found.dtype.kind == "f", "a shift is damaged")
    require(np.isfinite(found).all(), "a shift is damaged")
    require(found.size in (1, networks[0].n_outputs_), "a shift is missing")
    set_blend(model, blended, weights, n_own=1)


# ---------------------------------------------------------------------- boosted trees


def boosting_fitted(model: Boosting) -> Fitted:
    """Return the trees as plain arrays, and the classes of a classifier."""
    if not hasattr(model, "n_iter_"):
        return {}
    names = ["classes_"] if hasattr(model, "classes_") else []
    fitted = {name: getattr(model, name) for name in [*names, "n_features_in_"]}
    return fitted | {"trees": trees_of(model)}


def restore_boosting(model: Boosting, fitted: Fitted) -> None:
    """Set the trees, and the classes of a classifier."""
    n, y = fitted["n_features_in_"], np.zeros(1)
    require(type(n) is int and 0 < n <= 10**6, "the number of features is wrong")
    require(type(fitted["trees"]) is dict, "the trees are damaged")
    is_classifier = isinstance(model, HistGradientBoostingClassifier)
    require(("classes_" in fitted) == is_classifier, "the classes are wrong")
    if is_classifier:
        y = fitted["classes_"]
        require(type(y) is np.ndarray and y.ndim == 1, "the classes are damaged")
        require(len(y) > 1 and len(np.unique(y)) == len(y), "the classes are wrong")
    set_trees(model, fitted["trees"], y, n)
    if is_classifier:
        same = np.array_equal(model.classes_, y)
        require(same, "the classes are in another order")


# -------------------------------------------------------------------------- tables


def encoder_fitted(model: TableEncoder) -> Fitted:
    """Return the categories, whether some are infrequent, and the means of y."""
    fitted = attributes(model, "categories_", "dates_")
    if fitted:
        found = fitted["categories_"]
        fitted["_others"] = [c is not None and c[-1:] == [OTHER] for c in found]
        fitted["categories_"] = [
            c[:-1] if other else c
            for c, other in zip(found, fitted["_others"], strict=True)
        ]
        means = model.means_
        if any(one is not None for one in means):
            fitted["means_"] = [one and [one.categories, one.table] for one in means]
    return fitted


def restore_encoder(model: TableEncoder, fitted: Fitted) -> None:
    """Set the categories and the means of y."""
    others, means = fitted.pop("_others"), fitted.pop("means_", None)
    set_attributes(model, fitted, "categories_", "dates_")
    found: Any = model.categories_
    means = [None] * len(found) if means is None else means
    lengths = {len(found), len(others), len(means), len(model.dates_)}
    require(lengths == {model.n_features_in_}, "a column is missing")
    for categories, dated, other in zip(found, model.dates_, others, strict=True):
        require(type(dated) is bool, "the dates are damaged")
        require(categories is None or not dated, "a date column has categories")
        require(type(other) is bool, "the infrequent categories are damaged")
        require(categories is None or type(categories) is list, "a column is damaged")
        require(categories is not None or not other, "a numeric column has categories")
        if categories is not None:
            once = len(set(categories)) == len(categories)
            require(once, "a category occurs twice")
    model.categories_ = [
        [*c, OTHER] if other else c for c, other in zip(found, others, strict=True)
    ]
    model.means_ = [
        None if one is None else restored_means(one, c)
        for one, c in zip(means, found, strict=True)
    ]


def restored_means(content: Any, categories: Any) -> TargetMeans:
    """Return the means of y of a categorical column."""
    require(categories is not None, "a numeric column has means")
    known, table = content
    require(type(known) is list, "the categories are damaged")
    require(len(set(known)) == len(known), "a category occurs twice")
    require(type(table) is np.ndarray and table.ndim == 2, "the means are damaged")
    require(table.shape[1] > 0, "the means are damaged")
    for column in table.T:
        check_vector(column, len(known) + 1, nan=False)
    return TargetMeans(known, table)


def restore_scaler(model: RobustSmoothScaler, fitted: Fitted) -> None:
    """Set centres and scales."""
    check_number("limit", model.limit, 0, closed="neither")
    require(model.dtype in (None, "float32", "float64"), "the type is wrong")
    set_attributes(model, fitted, "center_", "scale_")
    check_vector(model.center_, model.n_features_in_)
    check_vector(model.scale_, model.n_features_in_, nan=False)
    require((model.scale_ >= 0).all(), "a scale is negative")


def restore_gaps(model: GapImputer, fitted: Fitted) -> None:
    """Set which features had missing values."""
    check_number("fill_value", model.fill_value)
    check_number("gap", model.gap)
    set_attributes(model, fitted, "features_")
    found: Any = model.features_
    require(type(found) is np.ndarray and found.ndim == 1, "the gaps are damaged")
    require(found.dtype.kind == "i", "the gaps are damaged")
    right = (found >= 0) & (found < model.n_features_in_)
    require(right.all() and (np.diff(found) > 0).all(), "a feature does not exist")


STANDARD = ("mean_", "var_", "scale_", "n_samples_seen_")


def restore_standard(model: StandardScaler, fitted: Fitted) -> None:
    """Set means and scales."""
    set_attributes(model, fitted, *STANDARD)
    for name in STANDARD[:3]:
        value = getattr(model, name)
        if value is not None:
            check_vector(value, model.n_features_in_)
    if model.scale_ is not None:
        require(~(model.scale_ <= 0).any(), "a scale is not positive")


def check_imputer(model: SimpleImputer) -> None:
    """Raise unless NaN is replaced, by a built-in strategy."""
    numeric = model.missing_values != model.missing_values  # NaN
    known = model.strategy in ("mean", "median", "most_frequent", "constant")
    if not (numeric and known) or model.add_indicator:
        raise TypeError(
            "a SimpleImputer can be saved only if missing_values is NaN, add_indicator "
            f"is False and strategy is a string, got {model!r}."
        )


def imputer_fitted(model: SimpleImputer) -> Fitted:
    """Return the values that replace NaN."""
    fitted = attributes(model, "statistics_")
    if fitted:
        fitted["statistics_"] = np.asarray(fitted["statistics_"], np.float64)
    return fitted


def restore_imputer(model: SimpleImputer, fitted: Fitted) -> None:
    """Fit to one row of the values that replace NaN, which makes them the statistics.

    This does not rely on attributes that scikit-learn may rename.
    """
    statistics = fitted.pop("statistics_")
    require(type(statistics) is np.ndarray, "the imputed values are damaged")
    check_vector(statistics, len(statistics))
    model.fit(statistics[np.newaxis])
    found = np.asarray(model.statistics_, np.float64)
    same = np.array_equal(found, statistics, equal_nan=True)
    require(same, "the imputed values are inconsistent")
    set_attributes(model, fitted)
    require(model.n_features_in_ == len(statistics), "a column is missing")


def restore_indicator(model: MissingIndicator, fitted: Fitted) -> None:
    """Fit to one row, with NaN in the columns that had missing values."""
    columns, n = fitted["features_"], fitted["n_features_in_"]
    require(type(n) is int and 0 < n <= 10**6, "the number of features is wrong")
    require(type(columns) is np.ndarray, "the columns with gaps are damaged")
    require(columns.dtype.kind == "i" and columns.ndim == 1, "the columns are damaged")
    require(((columns >= 0) & (columns < n)).all(), "a column does not exist")
    row = np.zeros((1, n))
    row[:, columns] = np.nan
    model.fit(row)
    require(np.array_equal(model.features_, columns), "the columns are inconsistent")
    set_attributes(model, fitted, "features_")


def check_indicator(model: MissingIndicator) -> None:
    """Raise unless it indicates NaN."""
    if model.missing_values == model.missing_values:
        raise TypeError(
            "a MissingIndicator can be saved only if missing_values is NaN, "
            f"got {model!r}."
        )


# ----------------------------------------------------------------------- pipelines


def check_pipeline(model: Pipeline) -> None:
    """Raise if the pipeline has a cache, which other machines do not have."""
    if model.memory is not None:
        raise TypeError(
            f"a Pipeline can be saved only if memory is None, got {model!r}."
        )


def nothing(model: Any) -> Fitted:
    """Return no fitted attributes: the steps have them all."""
    return {}


def refuse(model: Any, fitted: Fitted) -> None:
    """Raise, since there is nothing to restore."""
    raise ValueError(f"a {type(model).__name__} has no attributes of its own")


def check_use(model: Any) -> None:
    """Raise unless a restored estimator predicts or transforms: its steps must match.

    Parameters
    ----------
    model : estimator
        Restored from a file.

    Raises
    ------
    ValueError, TypeError, KeyError and others of `skffnn.io.format.DAMAGE`
        If it fails for a row of zeros and missing categories.
    """
    steps = (
        [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    )
    first = next(step for step in steps if hasattr(step, "n_features_in_"))
    row: Any = np.zeros((1, first.n_features_in_))
    if isinstance(first, TableEncoder):
        kinds = zip(first.categories_, first.dates_, strict=True)
        row = [0.0 if found is None and not dated else None for found, dated in kinds]
        row = np.array([row], dtype=object)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the row has no feature names
        (model.predict if hasattr(model, "predict") else model.transform)(row)


def of_attributes(*names: str) -> Callable[[Any], Fitted]:
    """Return a function that returns fitted attributes by name."""

    def fitted(model: Any) -> Fitted:
        return attributes(model, *names)

    return fitted


STORAGES: dict[str, Storage] = {
    storage.kind.__name__: storage
    for storage in (
        Storage(FFNNClassifier, network_fitted, restore),
        Storage(FFNNRegressor, network_fitted, restore),
        Storage(AveragedClassifier, average_fitted, restore_average),
        Storage(
            AveragedRegressor, average_of_numbers_fitted, restore_average_of_numbers
        ),
        Storage(HistGradientBoostingClassifier, boosting_fitted, restore_boosting),
        Storage(HistGradientBoostingRegressor, boosting_fitted, restore_boosting),
        Storage(TableEncoder, encoder_fitted, restore_encoder),
        Storage(RobustSmoothScaler, of_attributes("center_", "scale_"), restore_scaler),
        Storage(GapImputer, of_attributes("features_"), restore_gaps),
        Storage(StandardScaler, of_attributes(*STANDARD), restore_standard),
        Storage(SimpleImputer, imputer_fitted, restore_imputer, check_imputer),
        Storage(
            MissingIndicator,
            of_attributes("features_"),
            restore_indicator,
            check_indicator,
        ),
        Storage(FeatureUnion, nothing, refuse),
        Storage(Pipeline, nothing, refuse, check_pipeline),
    )
}
