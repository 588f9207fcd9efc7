"""The dotted paths of classes, by which pickles and files of skops name them.

They are public, therefore: a class that moves to another module is still found where it
was (`MOVED`), and skops is told to trust both paths (`SKOPS_TRUSTED`).
"""

import sys
from itertools import chain
from types import ModuleType
from typing import Any

from .io.checkpoints import Checkpoint
from .nn.activations import ACTIVATIONS
from .nn.losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES
from .nn.parameters import INITIALIZERS
from .nn.penalties import PENALTIES
from .optim.schedules import SCHEDULES
from .optim.solvers import SOLVERS
from .storage import STORAGES
from .tabular.encoder import Rest
from .tabular.target_means import TargetMeans

# Earlier modules, and those that have their classes now.
MOVED = {
    "activations": ["nn.activations"],
    "averaging": ["tabular.ensemble"],
    "checkpoints": ["io.checkpoints"],
    "optimizers": ["optim.optimizers", "optim.solvers"],
    "parameters": ["nn.parameters"],
    "penalties": ["nn.penalties"],
    "scaling": ["tabular.scaler"],
    "schedules": ["optim.schedules"],
    "tables": ["tabular.encoder"],
}


def classes_of(modules: list[str]) -> dict[str, type]:
    """Return the classes that are defined in modules of the package, by name."""
    full_names = {f"skffnn.{name}" for name in modules}
    values = chain.from_iterable(
        vars(sys.modules[name]).values() for name in full_names
    )
    kinds = [value for value in values if isinstance(value, type)]
    return {kind.__name__: kind for kind in kinds if kind.__module__ in full_names}


for old, new in MOVED.items():
    module = ModuleType(f"skffnn.{old}", f"Its classes are in {', '.join(new)}.")
    vars(module).update(classes_of(new))
    sys.modules[module.__name__] = module

# The classes of the package that a fitted estimator may hold: estimators, the objects
# that their parameters take, and what an encoder keeps of a column.
REGISTRIES: list[dict[str, Any]] = [
    ACTIVATIONS,
    CLASSIFICATION_LOSSES,
    INITIALIZERS,
    PENALTIES,
    REGRESSION_LOSSES,
    SCHEDULES,
    SOLVERS,
]
ENTRIES = chain.from_iterable(registry.values() for registry in REGISTRIES)
OBJECTS = {entry if isinstance(entry, type) else type(entry) for entry in ENTRIES}
ESTIMATORS = {storage.kind for storage in STORAGES.values()}
HELD = OBJECTS | ESTIMATORS | {Checkpoint, Rest, TargetMeans}

# What to pass as `trusted` to `skops.io.load`: the dotted paths of all classes that
# fitted estimators, pipelines and searches of this package hold, also those under
# which earlier versions had them. Add those of objects of your own.
SKOPS_TRUSTED: list[str] = sorted(
    [
        *(
            f"{kind.__module__}.{kind.__name__}"
            for kind in HELD
            if kind.__module__.startswith("skffnn.")
        ),
        *(
            f"skffnn.{old}.{name}"
            for old, new in MOVED.items()
            for name, kind in classes_of(new).items()
            if kind in HELD
        ),
        # By name alone, since importing them takes a while.
        "skffnn.model_selection.FFNNGridSearchCV",
        "skffnn.model_selection.FFNNHalvingGridSearchCV",
        "skffnn.model_selection.FFNNHalvingRandomSearchCV",
        "skffnn.model_selection.FFNNRandomizedSearchCV",
        # Those of scikit-learn that skops does not trust: boosted trees in an average,
        # and the scorer and the folds that a search has by default.
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.StratifiedKFold",
        # And what that scorer holds in scikit-learn 1.7.
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
    ]
)
