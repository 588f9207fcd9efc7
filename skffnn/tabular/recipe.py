"""Pipelines for raw tables that need no tuning: a classifier and a regressor."""

from math import inf
from typing import Any, Unpack

from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from ..classifier import FFNNClassifier
from ..regressor import FFNNRegressor
from ..typing import (
    ClassifierParams,
    NNetworks,
    Quantiles,
    RegressorParams,
    Verbose,
)
from ..utils.types import ClassifierPipeline, RandomState, RegressorPipeline
from .classification import AveragedClassifier
from .columns import TargetKind
from .encoder import TableEncoder
from .numeric import GapImputer, RobustSmoothScaler
from .regression import AveragedRegressor

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

# The number of rows that the recipes were tuned for, and the settings that scale with
# the number of rows.
ROWS = 3000
PLANNED = {"max_iter", "batch_size", "learning_rate_init"}

# Boosted trees that are blended with the networks: smaller than the default, with early
# stopping. Chosen on the same tables.
BOOSTING: dict[str, Any] = {
    "learning_rate": 0.2,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 10,
    "max_iter": 300,
    "early_stopping": True,
    "tol": 0.0,  # it is absolute: any other depends on the unit of the target
}
# Each iteration grows one tree per class, so with more classes than this the trees take
# longer than the networks. They helped on no such table.
BOOSTED_CLASSES = 8


def make_tabular_classifier(
    *,
    n_networks: NNetworks = "auto",
    boosting: bool = True,
    n_jobs: int | None = None,
    random_state: RandomState = None,
    verbose: Verbose = 0,
    **params: Unpack[ClassifierParams],
) -> ClassifierPipeline:
    """Return a pipeline that classifies raw tables.

    It accepts pandas and polars dataframes, arrays and lists, with numeric and
    categorical columns and missing values. Its steps are:

    `encode`
        `TableEncoder`: one-hot encodes categorical columns; columns with many
        categories are target-encoded as well.
    `scale`
        `RobustSmoothScaler`: scales by median and quartiles, and clips smoothly.
    `impute`
        `GapImputer`: replaces missing numbers with the median, and adds a column that
        is 0.3 where a number is missing and 0 elsewhere.
    `classifier`
        `AveragedClassifier` of `FFNNClassifier`, with the parameters in
        `skffnn.tabular.RECIPE`, blended with `HistGradientBoostingClassifier` if that
        helps.

    Parameters
    ----------
    n_networks : int or "auto", default="auto"
        Number of networks to average. More networks are usually more accurate, but
        take longer to train. "auto" is 8, and 4 for more than 10000 rows.
    boosting : bool, default=True
        Whether to train gradient-boosted trees on four of the folds and blend them with
        the networks, with weights fitted to the held-out rows. Trees that do not help
        there are left out. They help most with noisy labels. They are not trained for
        more than 8 classes, nor for multi-label or multi-output targets.
    n_jobs : int or None, default=None
        Number of folds to train in parallel. None means 1 unless in a
        `joblib.parallel_config` context; -1 means all processors.
    random_state : int, RandomState instance or None, default=None
        Determines the folds and the seeds of the networks. Pass an int for
        reproducible results.
    verbose : int, default=0
        How much progress joblib prints: 0 is nothing, 1 a few lines with the time
        elapsed and left, and 10 or more a line for each fold.
    **params : dict
        Parameters of `FFNNClassifier`, which override those in `skffnn.tabular.RECIPE`.
        Its `max_iter`, `batch_size` and `learning_rate_init` are for 3000 rows and
        scale with the number of rows, unless one of the three is given.

    Returns
    -------
    model : Pipeline
        The unfitted pipeline. `GridSearchCV` can tune every parameter by its nested
        name, such as `classifier__estimator__alpha`.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, *Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data*, NeurIPS 2024: the starting point for the settings.

    Examples
    --------
    >>> from skffnn import make_tabular_classifier
    >>> table = [[1.0, "red"], [None, "red"], [3.0, None], [4.0, "blue"]] * 20
    >>> y = ["yes", "yes", "no", "no"] * 20
    >>> model = make_tabular_classifier(max_iter=20, random_state=0).fit(table, y)
    >>> model.predict([[None, "red"], [4.2, "blue"]])
    array(['yes', 'no'], dtype='<U3')
    """
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
    n_jobs: int | None = None,
    random_state: RandomState = None,
    verbose: Verbose = 0,
    **params: Unpack[RegressorParams],
) -> RegressorPipeline:
    """Return a pipeline that predicts numbers from raw tables.

    Its steps are those of `make_tabular_classifier`, except for the last, `regressor`:
    `AveragedRegressor` of `FFNNRegressor`, with the parameters in
    `skffnn.tabular.REGRESSION_RECIPE`, blended with `HistGradientBoostingRegressor`.

    Parameters
    ----------
    quantile : float or sequence of float, default=None
        Levels in (0, 1), ascending: the quantiles to predict instead of the mean. They
        are calibrated on the rows that each network was not trained on, so that the
        interval from 0.05 to 0.95 covers at least 90 % of new rows.
    n_networks : int or "auto", default="auto"
        Number of networks to average; "auto" is 8, and 4 for more than 10000 rows.
    boosting : bool, default=True
        Whether to blend the networks with gradient-boosted trees. The trees are used
        only with `loss="squared_error"`.
    n_jobs : int or None, default=None
        As in `make_tabular_classifier`.
    random_state : int, RandomState instance or None, default=None
        Determines the folds and the seeds of the networks. Pass an int for
        reproducible results.
    verbose : int, default=0
        How much progress joblib prints: 0 is nothing, 1 a few lines with the time
        elapsed and left, and 10 or more a line for each fold.
    **params : dict
        Parameters of `FFNNRegressor`, such as `loss="poisson"`, which override those in
        `skffnn.tabular.REGRESSION_RECIPE`. Its `max_iter`, `batch_size` and
        `learning_rate_init` are for 3000 rows and scale with the number of rows, unless
        one of the three is given.

    Returns
    -------
    model : Pipeline
        The unfitted pipeline.

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
    """Return the preprocessing steps; y holds "classes" or "numbers"."""
    return [
        ("encode", TableEncoder(target_means=target_means)),
        ("scale", RobustSmoothScaler(dtype="float32")),
        ("impute", GapImputer()),
    ]
