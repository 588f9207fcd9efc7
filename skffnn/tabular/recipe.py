"""Pipelines for raw tables that need no tuning: for classes, and for numbers."""

from math import inf
from typing import Any, Unpack

from ..classifier import FFNNClassifier
from ..regressor import FFNNRegressor
from ..typing import (
    ClassifierParams,
    NJobs,
    NNetworks,
    Quantiles,
    RegressorParams,
    Verbose,
)
from ..utils.types import ClassifierPipeline, RandomState, RegressorPipeline
from .encoder import TableEncoder
from .ensemble import AveragedClassifier
from .gaps import GapImputer
from .regression import AveragedRegressor
from .scaler import RobustSmoothScaler
from .target_means import TargetKind

# Chosen on twelve tables with at most 3000 training rows. docs/tabular_trials.md
# describes the procedure and the effect of each setting.
RECIPE: dict[str, Any] = {
    "hidden_layer_sizes": (128, 128),
    "activation": "mish",
    "alpha": 0.0,
    "batch_size": 128,
    "beta_2": 0.95,
    "label_smoothing": 0.1,
    "learning_rate": "cosine",
    "learning_rate_init": 0.055,
    "max_iter": 60,
    "n_iter_no_change": inf,
    "weight_init": "ntk",
}

REGRESSION_RECIPE: dict[str, Any] = {
    name: value for name, value in RECIPE.items() if name != "label_smoothing"
}

# The number of rows that they are for, and the settings that change with it.
ROWS = 3000
PLANNED = {"max_iter", "batch_size", "learning_rate_init"}

# Boosted trees beside the networks: smaller ones than by default, and as many as their
# fold asks for. Chosen on the same tables.
BOOSTING: dict[str, Any] = {
    "learning_rate": 0.2,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 10,
    "max_iter": 300,
    "early_stopping": True,
}
# With more classes than this they take longer than the networks, since each iteration
# makes a tree for each class, and helped on no table.
BOOSTED_CLASSES = 8


def make_tabular_classifier(
    *,
    n_networks: NNetworks = "auto",
    boosting: bool = True,
    n_jobs: NJobs = "auto",
    random_state: RandomState = None,
    verbose: Verbose = 0,
    **params: Unpack[ClassifierParams],
) -> ClassifierPipeline:
    """Return a pipeline that classifies raw tables.

    It accepts dataframes of pandas or polars, arrays and lists, with numeric and
    categorical columns and with missing values. Its steps are:

    `encode`
        `TableEncoder`: one-hot encodes categorical columns; those with many categories
        get the mean of the classes for each of them too.
    `scale`
        `RobustSmoothScaler`: scales by median and quartiles, and clips smoothly.
    `impute`
        `GapImputer`: replaces missing numbers by the median, and adds a column that is
        0.3 where a number is missing and 0 elsewhere.
    `classifier`
        `AveragedClassifier` of `FFNNClassifier`, with the parameters
        `skffnn.tabular.RECIPE`, blended with `HistGradientBoostingClassifier` if that
        makes a difference.

    Parameters
    ----------
    n_networks : int or "auto", default="auto"
        Number of networks to average. More networks are usually more accurate, but
        take longer to train. "auto" is 8, and 4 for more than 10000 rows.
    boosting : bool, default=True
        Whether to train gradient-boosted trees on the same folds, and to add them to
        the networks with the weights that suit the rows that are held out, if they
        help there. Noisy labels need them most. They are not trained for more than
        8 classes, nor for several labels.
    n_jobs : int, "auto" or None, default="auto"
        Number of processes that train networks. "auto" uses all processors if training
        takes longer than starting the processes, and one inside another parallel
        computation, such as a search with `n_jobs`. None means 1 unless in a
        `joblib.parallel_config` context; -1 means all processors.
    random_state : int, RandomState instance or None, default=None
        Determines the folds and the seeds of the networks. Pass an int for
        reproducible results.
    verbose : int, default=0
        1 or more shows how many networks are done, and the time left, if the library
        rich is installed.
    **params : dict
        Parameters of `FFNNClassifier` that replace those of `skffnn.tabular.RECIPE`.
        `max_iter`, `batch_size` and `learning_rate_init` are for 3000 rows, and change
        with the number of rows, unless one of them is given.

    Returns
    -------
    model : Pipeline
        The pipeline, not yet fitted. `GridSearchCV` can tune every parameter under its
        nested name, such as `classifier__estimator__alpha`.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, *Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data*, NeurIPS 2024, from which the settings started.

    Examples
    --------
    >>> from skffnn import make_tabular_classifier
    >>> table = [[1.0, "red"], [None, "red"], [3.0, None], [4.0, "blue"]] * 20
    >>> y = ["yes", "yes", "no", "no"] * 20
    >>> model = make_tabular_classifier(max_iter=20, random_state=0).fit(table, y)
    >>> model.predict([[None, "red"], [4.2, "blue"]])
    array(['yes', 'no'], dtype='<U3')
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # takes a while

    classifier = AveragedClassifier(
        FFNNClassifier(**{**RECIPE, **params}),
        n_networks=n_networks,
        blend_with=[HistGradientBoostingClassifier(**BOOSTING)] if boosting else None,
        blend_classes=BOOSTED_CLASSES,
        planned_for=None if PLANNED & params.keys() else ROWS,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
    )
    return ClassifierPipeline([*preparation("classes"), ("classifier", classifier)])


def make_tabular_regressor(
    *,
    quantile: Quantiles | None = None,
    n_networks: NNetworks = "auto",
    boosting: bool = True,
    n_jobs: NJobs = "auto",
    random_state: RandomState = None,
    verbose: Verbose = 0,
    **params: Unpack[RegressorParams],
) -> RegressorPipeline:
    """Return a pipeline that predicts numbers from raw tables.

    Its steps are those of `make_tabular_classifier`, but for the last one, `regressor`:
    `AveragedRegressor` of `FFNNRegressor`, with the parameters
    `skffnn.tabular.REGRESSION_RECIPE`, blended with `HistGradientBoostingRegressor`.

    Parameters
    ----------
    quantile : float or sequence of float, default=None
        Levels in (0, 1), ascending: the quantiles to predict, in place of the mean.
        They are calibrated on the rows that each network has not seen, so that the
        interval from 0.05 to 0.95 covers at least 90 % of rows to come.
    n_networks : int or "auto", default="auto"
        Number of networks to average; "auto" is 8, and 4 for more than 10000 rows.
    boosting : bool, default=True
        Whether to blend with gradient-boosted trees, if the mean is predicted by
        `loss="squared_error"`.
    n_jobs : int, "auto" or None, default="auto"
        As in `make_tabular_classifier`.
    random_state : int, RandomState instance or None, default=None
        Determines the folds and the seeds of the networks. Pass an int for
        reproducible results.
    verbose : int, default=0
        1 or more shows how many networks are done, and the time left, if the library
        rich is installed.
    **params : dict
        Parameters of `FFNNRegressor` that replace those of
        `skffnn.tabular.REGRESSION_RECIPE`, such as `loss="poisson"`. `max_iter`,
        `batch_size` and `learning_rate_init` are for 3000 rows, and change with the
        number of rows, unless one of them is given.

    Returns
    -------
    model : Pipeline
        The pipeline, not yet fitted.

    Examples
    --------
    >>> from skffnn import make_tabular_regressor
    >>> table = [[1.0, "red"], [None, "red"], [3.0, None], [4.0, "blue"]] * 20
    >>> y = [1.0, 2.0, 3.0, 4.0] * 20
    >>> model = make_tabular_regressor(max_iter=20, random_state=0).fit(table, y)
    >>> model.predict([[4.0, "blue"]]).round()
    array([4.])
    >>> model = make_tabular_regressor(quantile=[0.05, 0.95], max_iter=5).fit(table, y)
    >>> model.predict(table).shape
    (80, 2)
    """
    from sklearn.ensemble import HistGradientBoostingRegressor  # takes a while

    settings = {**REGRESSION_RECIPE, **params}
    if quantile is not None:
        settings |= {"loss": "quantile", "quantile": quantile}
    regressor = AveragedRegressor(
        FFNNRegressor(**settings),
        n_networks=n_networks,
        blend_with=[HistGradientBoostingRegressor(**BOOSTING)] if boosting else None,
        planned_for=None if PLANNED & params.keys() else ROWS,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
    )
    return RegressorPipeline([*preparation("numbers"), ("regressor", regressor)])


def preparation(target_means: TargetKind) -> list[tuple[str, Any]]:
    """Return the steps before the networks.

    Parameters
    ----------
    target_means : {"classes", "numbers"}
        What y is.

    Returns
    -------
    steps : list of (name, transformer)
        Of a pipeline.
    """
    return [
        ("encode", TableEncoder(target_means=target_means)),
        ("scale", RobustSmoothScaler(dtype="float32")),
        ("impute", GapImputer()),
    ]
