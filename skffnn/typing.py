"""The parameters of the estimators, for type checkers.

Each alias is the type of one parameter: a name in a registry, or a user's own object.
The typed dictionaries describe `**params` that functions pass on; tests compare them
with the signatures that they stand for.
"""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from .files.checkpoints import Checkpoint
from .nn.activations import Activation, ActivationName
from .nn.losses import ClassificationLoss, ClassificationLossName
from .nn.parameters import Initializer, InitializerName, Penalty, PenaltyName
from .nn.regression_losses import RegressionLoss, RegressionLossName
from .optim.optimizers import Optimizer
from .optim.schedules import Schedule, ScheduleName
from .optim.solvers import Solver, SolverName
from .utils.types import RandomState

# ------------------------------------------------------------------------- parameters

HiddenLayerSizes = int | Sequence[int] | NDArray[np.integer[Any]]
ActivationParam = ActivationName | Activation | Sequence[ActivationName | Activation]
SolverParam = SolverName | Optimizer | Solver
BatchSize = int | Literal["auto"]
LearningRate = ScheduleName | Schedule
Verbose = bool | int
Dropout = float | Sequence[float]
WeightInit = InitializerName | Initializer
PenaltyParam = PenaltyName | Penalty
DType = Literal["auto", "float32", "float64"]
Path = str | PathLike[str]
CheckpointParam = Path | Checkpoint | None
Scorer = Callable[[Any, Any, Any], float]
Scoring = str | Scorer | None
LossOfClasses = ClassificationLossName | ClassificationLoss
LossOfNumbers = RegressionLossName | RegressionLoss
WeightOfClasses = dict[Any, float] | dict[Any, int]
ClassWeight = WeightOfClasses | Sequence[WeightOfClasses] | Literal["balanced"] | None
Quantiles = float | Sequence[float]
NNetworks = int | Literal["auto"]


class NetworkParams(TypedDict, total=False):
    """Shared by classifier and regressor, without `random_state` and `verbose`."""

    hidden_layer_sizes: HiddenLayerSizes
    activation: ActivationParam
    solver: SolverParam
    alpha: float
    batch_size: BatchSize
    learning_rate: LearningRate
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    tol: float
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    max_time: float | None
    dropout: Dropout
    weight_init: WeightInit
    penalty: PenaltyParam
    dtype: DType
    checkpoint: CheckpointParam
    scoring: Scoring


class ClassifierParams(NetworkParams, total=False):
    """Parameters of `FFNNClassifier` that `make_tabular_classifier` passes on."""

    loss: LossOfClasses
    class_weight: ClassWeight
    label_smoothing: float


class RegressorParams(NetworkParams, total=False):
    """Parameters of `FFNNRegressor` that `make_tabular_regressor` passes on."""

    loss: LossOfNumbers
    normalize_y: bool


class DaskParams(ClassifierParams, total=False):
    """Parameters of `FFNNClassifier`, all of which `DaskFFNNClassifier` has too."""

    random_state: RandomState
    verbose: Verbose
