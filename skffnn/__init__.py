"""Feed-forward neural networks for scikit-learn, written from the equations."""

from importlib.util import find_spec

from .classifier import FFNNClassifier
from .files.checkpoints import Checkpoint
from .files.format import FileFormatError
from .files.objects import SKOPS_TRUSTED
from .files.saving import describe, load, save
from .inspection.loss_curves import LossCurveDisplay
from .inspection.network_display import NetworkDisplay
from .inspection.weights_display import WeightsDisplay
from .nn.activations import ACTIVATIONS
from .nn.losses import CLASSIFICATION_LOSSES
from .nn.parameters import INITIALIZERS, L2, NTK, PENALTIES
from .nn.regression_losses import (
    REGRESSION_LOSSES,
    Gaussian,
    Huber,
    Quantile,
    RegressionLoss,
    Tweedie,
)
from .optim.optimizers import SGD, Adam, AdamW
from .optim.schedules import (
    SCHEDULES,
    Adaptive,
    Clock,
    Constant,
    Cosine,
    InvScaling,
    OneCycle,
    Schedule,
)
from .optim.solvers import LBFGS, SOLVERS
from .regressor import FFNNRegressor
from .tabular import (
    AveragedClassifier,
    AveragedRegressor,
    GapImputer,
    RobustSmoothScaler,
    TableEncoder,
    make_tabular_classifier,
    make_tabular_regressor,
)
from .utils.checks import InvalidParameterError

if find_spec("greenlet") is not None:  # not available in WebAssembly
    from .parallel import SkffnnBackend  # noqa: F401  (registers itself)

__version__ = "0.1.0"

__all__ = [
    "ACTIVATIONS",
    "CLASSIFICATION_LOSSES",
    "INITIALIZERS",
    "L2",
    "LBFGS",
    "NTK",
    "PENALTIES",
    "REGRESSION_LOSSES",
    "SCHEDULES",
    "SGD",
    "SKOPS_TRUSTED",
    "SOLVERS",
    "Adam",
    "AdamW",
    "Adaptive",
    "AveragedClassifier",
    "AveragedRegressor",
    "Checkpoint",
    "Clock",
    "Constant",
    "Cosine",
    "FFNNClassifier",
    "FFNNRegressor",
    "FileFormatError",
    "GapImputer",
    "Gaussian",
    "Huber",
    "InvScaling",
    "InvalidParameterError",
    "LossCurveDisplay",
    "NetworkDisplay",
    "OneCycle",
    "Quantile",
    "RegressionLoss",
    "RobustSmoothScaler",
    "Schedule",
    "TableEncoder",
    "Tweedie",
    "WeightsDisplay",
    "describe",
    "load",
    "make_tabular_classifier",
    "make_tabular_regressor",
    "save",
]
