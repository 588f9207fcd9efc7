"""The dotted paths of classes, as stored in pickles and skops files.

Because files contain them, a class that moves to another module can still be imported
from its old path (`MOVED`), and skops can trust both paths (`SKOPS_TRUSTED`).
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

# Former modules, and the modules that their classes have moved to.
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
    """Return the classes defined in modules of the package, by name."""
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

# The classes of the package that a fitted estimator may contain: estimators, objects
# that can be parameters, and what an encoder stores for a column.
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

# For the parameter `trusted` of `skops.io.load`: the dotted paths of all classes that
# fitted estimators, pipelines and searches of this package may contain, including paths
# in earlier versions. Add the paths of your own classes.
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
        # As strings, because importing these classes takes a while, or needs Dask.
        "skffnn.dask.classifier.DaskFFNNClassifier",
        "skffnn.model_selection.FFNNGridSearchCV",
        "skffnn.model_selection.FFNNHalvingGridSearchCV",
        "skffnn.model_selection.FFNNHalvingRandomSearchCV",
        "skffnn.model_selection.FFNNRandomizedSearchCV",
        # Classes of scikit-learn that skops does not trust: boosted trees in an
        # average, and the default scorer and splitters of a search.
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.StratifiedKFold",
        # These are part of that scorer in scikit-learn 1.7.
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
    ]
)
