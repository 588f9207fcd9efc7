"""Raw tables: preprocessing, and ensembles of networks."""

from .encoder import TableEncoder
from .ensemble import AveragedClassifier
from .gaps import GapImputer
from .recipe import (
    RECIPE,
    REGRESSION_RECIPE,
    make_tabular_classifier,
    make_tabular_regressor,
)
from .regression import AveragedRegressor
from .scaler import RobustSmoothScaler

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
