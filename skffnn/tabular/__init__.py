"""Classification of raw tables: preprocessing, and averages of networks."""

from .encoder import TableEncoder
from .ensemble import AveragedClassifier
from .gaps import GapImputer
from .recipe import RECIPE, make_tabular_classifier
from .scaler import RobustSmoothScaler

__all__ = [
    "RECIPE",
    "AveragedClassifier",
    "GapImputer",
    "RobustSmoothScaler",
    "TableEncoder",
    "make_tabular_classifier",
]
