"""Tables as they are: mixed columns to one matrix, and an average of networks."""

from .encoder import TableEncoder
from .ensemble import AveragedClassifier
from .recipe import RECIPE, make_tabular_classifier
from .scaler import RobustSmoothScaler

__all__ = [
    "RECIPE",
    "AveragedClassifier",
    "RobustSmoothScaler",
    "TableEncoder",
    "make_tabular_classifier",
]
