"""make_tabular_classifier: a classifier for tables as they are, which needs no tuning."""

from typing import Any

from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from .averaging import AveragedClassifier
from .classifier import FFNNClassifier
from .optimizers import AdamW
from .scaling import RobustSmoothScaler
from .tables import TableEncoder
