"""Raw tables: preprocessing, and ensembles of networks."""

from .classification import AveragedClassifier
from .encoder import TableEncoder
from .numeric import GapImputer, RobustSmoothScaler
from .recipe import (
    RECIPE,
    REGRESSION_RECIPE,
    make_tabular_classifier,
    make_tabular_regressor,
)
from .regression import AveragedRegressor

__all__ = [
    "RECIPE",
    "REGRESSION_RECIPE",
    "AveragedClassifier",
    "AveragedRegressor",
    "GapImputer",
    "RobustSmoothScaler",
    "TableEncoder",
    "make_tabular_classifier",
    "make_tabular_regressor",
]
