"""Feed-forward neural networks for scikit-learn, written from the equations."""

from .activations import ACTIVATIONS
from .averaging import AveragedClassifier
from .checkpoints import Checkpoint
from .checks import InvalidParameterError
from .classifier import FFNNClassifier
from .files import FileFormatError
from .loss_curves import LossCurveDisplay
from .network_display import NetworkDisplay
from .optimizers import LBFGS, SGD, SOLVERS, Adam, AdamW
from .parameters import INITIALIZERS, NTK
from .penalties import L2, PENALTIES
from .saving import load, save
from .scaling import RobustSmoothScaler
from .schedules import (
    SCHEDULES,
    Adaptive,
    Clock,
    Constant,
    Cosine,
    InvScaling,
    OneCycle,
    Schedule,
)
from .tables import TableEncoder
from .tabular import make_tabular_classifier
from .weights_display import WeightsDisplay

__version__ = "0.1.0"

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "L2",
    "LBFGS",
    "NTK",
    "PENALTIES",
    "SCHEDULES",
    "SGD",
    "SOLVERS",
    "Adam",
    "AdamW",
    "Adaptive",
    "AveragedClassifier",
    "Checkpoint",
    "Clock",
    "Constant",
    "Cosine",
    "FFNNClassifier",
    "FileFormatError",
    "InvScaling",
    "InvalidParameterError",
    "LossCurveDisplay",
    "NetworkDisplay",
    "OneCycle",
    "RobustSmoothScaler",
    "Schedule",
    "TableEncoder",
    "WeightsDisplay",
    "load",
    "make_tabular_classifier",
    "save",
]
