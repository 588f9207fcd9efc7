"""The parameters of the estimators and searches, for type checkers.

Each alias is the type of one parameter: a name in a registry, or a user's own object.
The typed dictionaries describe `**params` that functions pass on; tests compare them
with the signatures that they stand for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, Protocol, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .io.checkpoints import Checkpoint
from .nn.activations import Activation, ActivationName
from .nn.losses import (
    ClassificationLoss,
    ClassificationLossName,
    RegressionLoss,
    RegressionLossName,
)
from .nn.parameters import Initializer, InitializerName
from .nn.penalties import Penalty, PenaltyName
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
NJobs = int | Literal["auto"] | None
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


# --------------------------------------------------------------------------- searches

# For each parameter, the values to try or a distribution. The values are not declared
# as sequences: for a mix of lists of numbers and of names, mypy infers `object`.
ParamGrid = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Refit = bool | str | Callable[[Mapping[str, Any]], int]
Splits = Iterable[tuple[ArrayLike, ArrayLike]]


class Splitter(Protocol):
    """A cross-validation splitter of scikit-learn."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        """Return pairs of training and test indices."""

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of pairs."""


class AnySearchParams(TypedDict, total=False):
    """Parameters that all searches share."""

    n_jobs: int | None
    cv: int | Splitter | Splits | None
    verbose: int
    error_score: float | Literal["raise"]
    return_train_score: bool


class SearchParams(AnySearchParams, total=False):
    """Further parameters of `FFNNGridSearchCV`."""

    scoring: Scoring | Sequence[str] | Mapping[str, str | Scorer]
    refit: Refit
    pre_dispatch: int | str


class RandomizedSearchParams(SearchParams, total=False):
    """Further parameters of `FFNNRandomizedSearchCV`."""

    n_iter: int
    random_state: RandomState


class HalvingParams(AnySearchParams, total=False):
    """Further parameters of `FFNNHalvingGridSearchCV`."""

    factor: float
    resource: str
    max_resources: int | Literal["auto"]
    min_resources: int | Literal["exhaust", "smallest"]
    aggressive_elimination: bool
    scoring: Scoring
    refit: bool | Callable[[Mapping[str, Any]], int]
    random_state: RandomState


class HalvingRandomParams(HalvingParams, total=False):
    """Further parameters of `FFNNHalvingRandomSearchCV`."""

    n_candidates: int | Literal["exhaust"]
