"""Objects in files: each has a name in `skffnn.files.objects` and a content.

The content of an object is its parameters and its other attributes, without code for
its class. `CONTENTS` has what is not restored from attributes, and `CHECKS` what
compiled code, or a later fit, believes without a check of its own: that must be right
even in a file that somebody made to do harm.
"""

import re
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from itertools import chain
from math import prod
from types import FunctionType, NoneType
from typing import Any

import numpy as np

from ..nn.arrays import Array
from ..optim.progress import generator_from, random_state_from

# Estimators, and what their parameters and fitted attributes consist of: a module and
# its classes. What scikit-learn keeps private are parts of its fitted estimators.
CLASSES = """
skffnn.classifier FFNNClassifier
skffnn.regressor FFNNRegressor
skffnn.tabular.classification AveragedClassifier
skffnn.tabular.regression AveragedRegressor
skffnn.tabular.encoder TableEncoder
skffnn.tabular.columns Rest TargetMeans
skffnn.tabular.numeric GapImputer RobustSmoothScaler
skffnn.nn.parameters Parameters
skffnn.fitted Fitted
skffnn.optim.progress Progress
skffnn.optim.schedules Clock
skffnn.data.labels Labels
skffnn.data.numbers Numbers Scaling Moments
sklearn.pipeline Pipeline FeatureUnion
sklearn.compose ColumnTransformer TransformedTargetRegressor make_column_selector
sklearn.preprocessing FunctionTransformer OneHotEncoder OrdinalEncoder TargetEncoder
sklearn.preprocessing LabelEncoder LabelBinarizer StandardScaler MinMaxScaler Normalizer
sklearn.preprocessing MaxAbsScaler RobustScaler QuantileTransformer PowerTransformer
sklearn.preprocessing KBinsDiscretizer PolynomialFeatures SplineTransformer
sklearn.impute SimpleImputer MissingIndicator
sklearn.decomposition PCA TruncatedSVD
sklearn.feature_extraction.text CountVectorizer TfidfVectorizer TfidfTransformer
sklearn.feature_selection SelectKBest VarianceThreshold
sklearn.calibration CalibratedClassifierCV _CalibratedClassifier _SigmoidCalibration
sklearn.calibration _TemperatureScaling
sklearn.isotonic IsotonicRegression
sklearn.ensemble VotingClassifier VotingRegressor BaggingClassifier
sklearn.ensemble HistGradientBoostingClassifier HistGradientBoostingRegressor
sklearn.ensemble._hist_gradient_boosting.predictor TreePredictor
sklearn.ensemble._hist_gradient_boosting.binning _BinMapper
sklearn.multiclass OneVsRestClassifier
sklearn.multioutput MultiOutputClassifier
sklearn.model_selection GridSearchCV RandomizedSearchCV
sklearn.model_selection._split KFold StratifiedKFold GroupKFold StratifiedGroupKFold
sklearn.model_selection._split ShuffleSplit StratifiedShuffleSplit TimeSeriesSplit
sklearn.metrics._scorer _PassthroughScorer _Scorer
sklearn.utils Bunch
builtins slice
numpy ndarray memmap
numpy.ma MaskedArray
numpy.random RandomState Generator
scipy.interpolate BSpline
scipy.stats._distn_infrastructure rv_continuous_frozen rv_discrete_frozen
"""
MODULES: dict[str, str] = {
    name: line.split()[0] for line in CLASSES.splitlines() for name in line.split()[1:]
}
# Registries of the package: files may contain objects of the classes in them.
REGISTRIES = """
skffnn.nn.activations.ACTIVATIONS skffnn.nn.parameters.INITIALIZERS
skffnn.nn.losses.CLASSIFICATION_LOSSES skffnn.nn.parameters.PENALTIES
skffnn.nn.regression_losses.REGRESSION_LOSSES
skffnn.optim.schedules.SCHEDULES skffnn.optim.solvers.SOLVERS
"""


@cache
def at(path: str) -> Any:
    """Return the object at a dotted path that is written in this package."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


for entry in (value for path in REGISTRIES.split() for value in at(path).values()):
    kind = entry if isinstance(entry, type) else type(entry)
    MODULES[kind.__name__] = kind.__module__


def class_named(name: str) -> Any:
    """Return the allowed class of a name, None if there is no such class."""
    return at(f"{MODULES[name]}.{name}") if name in MODULES else None


@cache
def objects_by_name() -> dict[str, Any]:
    """Return the types of numbers and the score functions of scikit-learn."""
    metrics, selection = map(
        import_module, ("sklearn.metrics", "sklearn.feature_selection")
    )
    scorers = map(metrics.get_scorer, metrics.get_scorer_names())
    scores = [vars(scorer)["_score_func"] for scorer in scorers]
    scores += [v for v in vars(selection).values() if isinstance(v, FunctionType)]
    types = [*np.sctypeDict.values(), np.number, np.integer, np.floating]
    # The last names win: "bool" is not NumPy's.
    named = [*scores, *types, bool, float, int, object, str]
    return {value.__name__: value for value in named}


# For the parameter `trusted` of `skops.io.load`: the dotted paths of all classes that
# fitted estimators, pipelines and searches of this package may contain, and that skops
# does not trust by itself. Add the paths of your own classes.
SKOPS_TRUSTED: list[str] = [
    "skffnn.dask.classifier.DaskFFNNClassifier",
    "skffnn.files.checkpoints.Checkpoint",
    # These are part of a search's scorer in scikit-learn 1.7.
    "sklearn.utils._metadata_requests.MetadataRequest",
    "sklearn.utils._metadata_requests.MethodMetadataRequest",
]
SKOPS_TRUSTED += [
    f"{module}.{name}"
    for name, module in MODULES.items()
    if re.match(r"skffnn|sklearn.*\._", module)
]


# Parameters that reach outside of the model: they are not in files.
OUTSIDE = {"checkpoint", "memory", "n_jobs", "pre_dispatch", "verbose"}

# Attributes that are not in files: requests for metadata; what the constructor makes;
# what boosted trees make again, or have only during fit; what callbacks leave.
NOT_STORED = re.compile(
    "_metadata_request|estimator_params|_loss|_scorer|_in_fit"
    "|(_skl|_callback|_parent_callback)_.*"
)

DTYPE = re.compile(r"[<>|][biufcSUmM][1-9]\d{0,8}(\[\d{0,9}\w{1,7}\])?|\|O")
NODES = "sklearn.ensemble._hist_gradient_boosting.common.PREDICTOR_RECORD_DTYPE"


def name_of(value: Any) -> str | None:
    """Return the name that files have for an object, None if it is not allowed."""
    if isinstance(value, np.generic):
        return "scalar"
    if isinstance(value, np.dtype):
        return "dtype"
    called = str(getattr(value, "__name__", ""))
    if called and objects_by_name().get(called) is value:
        return "named"
    name = type(value).__name__
    return name if class_named(name) is type(value) else None


def content_of(value: Any, where: str) -> tuple[str, Any]:
    """Return the name of an object and its content; raise if it is not allowed."""
    name = name_of(value)
    if name is None:
        raise TypeError(refusal(value, where))
    if name in CONTENTS:
        return name, CONTENTS[name][0](value)
    names = value.get_params(deep=False) if hasattr(value, "get_params") else ()
    params = {k: getattr(value, k) for k in names if k not in OUTSIDE}
    state = (value.__getstate__() or {}).items()
    attributes = {
        k: v for k, v in state if k not in names and not NOT_STORED.fullmatch(k)
    }
    return name, (params, attributes)


def refusal(value: Any, where: str) -> str:
    """Return why a value cannot be saved, and what to do."""
    if hasattr(value, "to_local"):
        return f"a {type(value).__name__} cannot be saved. Save its to_local()."
    return (
        f"{where or 'model'} cannot be saved, got {value!r:.200}. Because loading a "
        "file runs no code, it holds only numbers, strings, arrays, lists, dicts and "
        "the estimators and objects in the list of the guide. Use these, skops or "
        "pickle."
    )


def check_restored(name: str, content: Any, where: str) -> None:
    """Raise a TypeError if an object that is being saved could not be loaded."""
    if name in ("ndarray", "memmap"):  # they need no check, which would copy them
        return
    try:
        restored(name, content)
    except Exception as error:
        raise TypeError(f"{where or 'model'} cannot be saved: {error}.") from error


def restored(name: str, content: Any) -> Any:
    """Return the object of a name and a content, from a file that may be forged."""
    if name in CONTENTS:
        return CONTENTS[name][1](content)
    kind = class_named(name)
    require(kind, f"unknown class {name!r:.80}")
    params, attributes = content
    require(not params.keys() & OUTSIDE, f"parameters of {name}")
    is_estimator = hasattr(kind, "get_params")
    value = kind(**params) if is_estimator else kind.__new__(kind)
    fields = getattr(kind, "__dataclass_fields__", ())  # have defaults in the class
    for attribute in attributes:
        hidden = attribute.startswith("__") or NOT_STORED.fullmatch(attribute)
        known = hasattr(value, attribute) and attribute not in fields
        require(not (hidden or known), f"attribute {attribute} of {name}")
    if hasattr(value, "__setstate__"):  # warns of another version of scikit-learn
        value.__setstate__(attributes)
    else:
        vars(value).update(**attributes)
    if name in CHECKS:
        CHECKS[name](value)
    return value


def require(condition: Any, problem: str) -> None:
    """Raise if a condition does not hold."""
    if not condition:
        raise ValueError(problem)


# ---------------------------------------------------------------------- arrays


def text_of(dtype: Any) -> str:
    """Return a dtype as text; that of the nodes of boosted trees has a name."""
    text = "nodes" if dtype.names and dtype == at(NODES) else str(dtype.str)
    if not (text == "nodes" or DTYPE.fullmatch(text)):
        raise TypeError(f"an array of the type {dtype} cannot be saved.")
    return text


def dtype_from(text: str) -> Any:
    """Return the dtype of a text."""
    require(text == "nodes" or DTYPE.fullmatch(text), "invalid dtype")
    return np.dtype(at(NODES) if text == "nodes" else text)


def take_array(array: Array) -> tuple[Any, ...]:
    """Return the parts of an array with its order in memory, on which sums depend."""
    if array.dtype.kind in "SU" and array.dtype.itemsize == 0:
        array = array.astype(f"{array.dtype.kind}1")  # there are only empty strings
    backwards = tuple(axis for axis, step in enumerate(array.strides) if step < 0)
    forwards = np.flip(array, backwards) if backwards else array
    if not forwards.flags.forc:
        forwards = forwards.copy(order="K")
    fortran = forwards.flags.fnc
    items: Any = (forwards.T if fortran else forwards).reshape(-1)
    items = items.tolist() if array.dtype.kind == "O" else items.view(np.uint8).data
    return text_of(array.dtype), array.shape, fortran, backwards, items


def array_from(parts: Any) -> Array:
    """Return an array with a memory of its own."""
    text, shape, fortran, backwards, items = parts
    dtype = dtype_from(text)
    if dtype.kind == "O":
        array = np.empty(len(items), object)
        for i, item in enumerate(items):  # one by one: an item may be a list
            array[i] = item
    else:
        array = np.frombuffer(items, dtype)
    lengths = all(type(n) is int and n >= 0 for n in shape)
    require(lengths and prod(shape) == len(array), "invalid shape")
    if dtype.kind == "U":
        codes = array.view(f"{text[0]}u4")
        require(codes.max(initial=0) <= sys.maxunicode, "invalid string")
    if dtype.kind == "b":
        array = array.view(np.uint8) != 0  # NumPy counts on bytes of 0 and 1
    array = array.reshape(shape, order="F" if fortran else "C").copy(order="K")
    return np.flip(array, backwards) if backwards else array


def spline_from(parts: Any) -> Any:
    """Return a spline, whose knots may be equal, as its constructor does not allow."""
    t, c, k, extrapolate, axis = parts
    vectors = t.ndim == 1 and t.dtype == c.dtype == np.float64
    require(vectors and len(c) >= len(t) - k - 1 > k >= 0 == axis, "invalid spline")
    return class_named("BSpline").construct_fast(t, c, k, extrapolate, axis)


def bunch_from(items: dict[str, Any]) -> Any:
    """Return a dict whose keys are attributes; NumPy would believe some of them."""
    require(not any(key.startswith("__") for key in items), "invalid name")
    return class_named("Bunch")(**items)


def take_distribution(frozen: Any) -> tuple[Any, ...]:
    """Return the parts of a distribution; classes are named after those of SciPy."""
    name = type(frozen.dist).__name__.removesuffix("_gen")
    return name, frozen.args, frozen.kwds


def distribution_from(parts: Any) -> Any:
    """Return a distribution of SciPy with its parameters."""
    name, args, kwds = parts
    stats = import_module("scipy.stats")
    kind = getattr(stats, name)
    kinds = (stats.rv_continuous, stats.rv_discrete)
    require(isinstance(kind, kinds), "no distribution")
    return kind(*args, **kwds)


# Functions from an object to its content and back.
CONTENTS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "scalar": (
        lambda value: take_array(np.asarray(value)),
        lambda parts: array_from(parts)[()],
    ),
    "dtype": (text_of, dtype_from),
    "named": (lambda value: value.__name__, lambda name: objects_by_name()[name]),
    "ndarray": (take_array, array_from),
    "memmap": (take_array, array_from),
    "MaskedArray": (
        lambda array: (array.data, array.mask),
        lambda parts: np.ma.MaskedArray(*parts),
    ),
    "slice": (lambda s: (s.start, s.stop, s.step), lambda parts: slice(*parts)),
    "Parameters": (
        lambda theta: (theta.sizes, theta.vector),
        # Without a vector, one of any size would be allocated.
        lambda parts: class_named("Parameters")(parts[0], np.asarray(parts[1])),
    ),
    "Rest": (lambda rest: rest.value, lambda value: class_named("Rest")(value)),
    "BSpline": (lambda s: (s.t, s.c, s.k, s.extrapolate, s.axis), spline_from),
    "Bunch": (dict, bunch_from),
    "RandomState": (lambda s: s.get_state(legacy=False), random_state_from),
    "Generator": (lambda rng: rng.bit_generator.state, generator_from),
    "rv_continuous_frozen": (take_distribution, distribution_from),
    "rv_discrete_frozen": (take_distribution, distribution_from),
}

# ---------------------------------------------------------------------- checks

# There is no other way to what is checked than scikit-learn's private attributes. An
# array may be masked: what compiled code reads is `np.asarray` of it.


def check_boosting(model: Any) -> None:
    """Raise unless the trees are trees of the features, and make the loss again."""
    if "_predictors" not in vars(model):
        return
    n = model.n_features_in_
    require(type(n) is int, "invalid number of features")
    for tree in chain.from_iterable(model._predictors):
        require(is_tree(tree.nodes, n), "invalid tree")
    require(model._preprocessor is None, "categorical features")
    model._loss = model._get_loss(sample_weight=None)


def is_tree(nodes: Array, n_features: int) -> bool:
    """Return whether each path ends in a leaf: children follow their parents."""
    nodes = np.asarray(nodes)
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    feature = nodes["feature_idx"][inner]
    children = np.array([nodes[side][inner] for side in ("left", "right")], np.int64)
    return bool(
        nodes.dtype == at(NODES)
        and nodes.ndim == 1
        and len(nodes) > 0
        and ((children > inner) & (children < len(nodes))).all()
        and ((feature >= 0) & (feature < n_features)).all()
        and not nodes["is_categorical"].any()
    )


def check_one_hot(encoder: Any) -> None:
    """Raise unless each category has a column, which SciPy believes."""
    values = vars(encoder).get("categories_", [])
    if not values:
        return
    drops = groups = rare = [None] * len(values)
    if encoder._drop_idx_after_grouping is not None:
        drops = np.asarray(encoder._drop_idx_after_grouping).tolist()
    if encoder._infrequent_enabled:
        groups = encoder._default_to_infrequent_mappings
        rare = encoder._infrequent_indices
    n_outs = encoder._n_features_outs
    require(type(n_outs) is list, "invalid columns")  # `transform` adds it to a list
    for column in zip(values, n_outs, drops, groups, rare, strict=True):
        require(has_columns(*column), "category without column")


def has_columns(values: Any, n_out: Any, dropped: Any, group: Any, rare: Any) -> bool:
    """Return whether the codes of categories are below n_out after one is dropped."""
    values = np.asarray(values)
    codes = np.arange(len(values)) if group is None else np.asarray(group)
    n = codes.max(initial=-1) + 1
    # Numbers are found by bisection, so they must be in order, with NaN at the end.
    number = values.dtype.kind not in "OSU"
    return bool(
        {type(n_out), type(dropped)} <= {int, NoneType}
        and (group is None) == (rare is None)
        and codes.dtype.kind in "iu"
        and codes.min(initial=0) >= 0
        and n_out == n - (dropped is not None)
        and 0 <= (dropped or 0) <= n_out
        and not (number and not np.array_equal(np.sort(values), values, equal_nan=True))
    )


def check_words(vectorizer: Any) -> None:
    """Raise unless the words have the columns 0, 1, …, which SciPy believes."""
    require(vectorizer.input == "content", "its input must be 'content'")
    words = vars(vectorizer).get("vocabulary_", {})
    columns = type(words) is dict and sorted(words.values()) == [*range(len(words))]
    require(columns, "invalid vocabulary")


def check_search(search: Any) -> None:
    """Raise if the grid has a parameter that files do not hold."""
    grid = vars(search).get("param_grid", vars(search).get("param_distributions"))
    for key in chain.from_iterable([grid] if isinstance(grid, dict) else grid):
        outside = key.split("__")[-1] in OUTSIDE
        require(not outside, f"it searches {key}, which is not in files")


def check_function(transformer: Any) -> None:
    """Raise if it has a function, whose arguments may be `n_jobs` and others."""
    functions = {transformer.func, transformer.inverse_func}
    require(functions == {None}, "its func and inverse_func must be None")


CHECKS: dict[str, Callable[[Any], None]] = {
    "HistGradientBoostingClassifier": check_boosting,
    "HistGradientBoostingRegressor": check_boosting,
    "OneHotEncoder": check_one_hot,
    "CountVectorizer": check_words,
    "TfidfVectorizer": check_words,
    "FunctionTransformer": check_function,
    "GridSearchCV": check_search,
    "RandomizedSearchCV": check_search,
}
