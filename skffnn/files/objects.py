"""Objects in files: each has a name in `skffnn.files.objects` and a content.

The content of an object is its parameters and its other attributes, without code for
its class. `ARGUMENTS` and `CONTENTS` have what is not restored from attributes.
`CHECKS` has what compiled code, or a later fit, believes without a check of its own:
that must be right even in a file that somebody made to do harm.
"""

import re
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from math import prod
from types import FunctionType
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
scipy.sparse csc_array csc_matrix csr_array csr_matrix
scipy.stats._distn_infrastructure rv_continuous_frozen rv_discrete_frozen
"""
MODULES: dict[str, str] = {
    name: line.split()[0] for line in CLASSES.splitlines() for name in line.split()[1:]
}
# Registries of the package: files may contain objects of the classes in them.
REGISTRIES = """
skffnn.nn.activations.ACTIVATIONS skffnn.nn.parameters.INITIALIZERS
skffnn.nn.losses.CLASSIFICATION_LOSSES skffnn.nn.losses.REGRESSION_LOSSES
skffnn.nn.penalties.PENALTIES skffnn.optim.schedules.SCHEDULES
skffnn.optim.solvers.SOLVERS
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
    types: set[Any] = {*np.sctypeDict.values(), np.number, np.integer, np.floating}
    metrics, selection = map(
        import_module, ("sklearn.metrics", "sklearn.feature_selection")
    )
    scorers = [metrics.get_scorer(name) for name in metrics.get_scorer_names()]
    functions = {vars(scorer)["_score_func"] for scorer in scorers}
    public = [getattr(selection, name) for name in selection.__all__]
    functions |= {value for value in public if isinstance(value, FunctionType)}
    # The last names win: "bool" is not NumPy's.
    named = [*types, *functions, bool, float, int, object, str]
    return {value.__name__: value for value in named}


# For the parameter `trusted` of `skops.io.load`: the dotted paths of all classes that
# fitted estimators, pipelines and searches of this package may contain, and that skops
# does not trust by itself. Add the paths of your own classes.
SKOPS_TRUSTED: list[str] = sorted(
    [
        "skffnn.dask.classifier.DaskFFNNClassifier",
        "skffnn.files.checkpoints.Checkpoint",
        # These are part of a search's scorer in scikit-learn 1.7.
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
        *(
            f"{m}.{k}"
            for k, m in MODULES.items()
            if re.match(r"skffnn|sklearn.*\._", m)
        ),
    ]
)


# Parameters that reach outside of the model: they are not in files.
OUTSIDE = {"checkpoint", "memory", "n_jobs", "pre_dispatch", "verbose"}

# Attributes that are not stored: requests for metadata; what boosted trees make again.
NOT_STORED = {"_metadata_request", "_loss", "_scorer"}
# Attributes that scikit-learn's callbacks leave on an estimator, some only during fit.
OF_CALLBACKS = ("_skl_", "_callback_", "_parent_callback_")

DTYPE = re.compile(r"[<>|][biufcSUmM][1-9]\d{0,8}(\[\d{0,9}\w{1,7}\])?|\|O")
STATS = "scipy.stats._distn_infrastructure"
NODES = "sklearn.ensemble._hist_gradient_boosting.common.PREDICTOR_RECORD_DTYPE"


def content_of(value: Any, where: str) -> tuple[str, Any]:
    """Return the name of an object and its content; raise if it is not allowed."""
    kind, name = type(value), type(value).__name__
    if isinstance(value, np.generic):
        return "scalar", take_array(np.atleast_1d(value))[::4]
    if isinstance(value, np.dtype):
        return "dtype", text_of(value)
    called = str(getattr(value, "__name__", ""))
    if called and objects_by_name().get(called) is value:
        return "named", called
    if class_named(name) is not kind:
        raise TypeError(refusal(value, where))
    if name.endswith(("SearchCV", "Vectorizer", "Encoder")) and not is_sound(value):
        raise TypeError(
            f"{where or 'model'} cannot be saved: its attributes contradict each "
            "other, or it reads files, or it searches one of the parameters "
            f"{', '.join(sorted(OUTSIDE))}."
        )
    if name in CONTENTS:
        return name, CONTENTS[name][0](value)
    if name in ARGUMENTS:
        return name, tuple(getattr(value, part) for part in ARGUMENTS[name].split())
    names = value.get_params(deep=False) if hasattr(kind, "get_params") else ()
    params = {k: getattr(value, k) for k in names if k not in OUTSIDE}
    state = (value.__getstate__() or {}).items()
    hidden = {*names, *NOT_STORED}
    fitted = {
        k: v for k, v in state if k not in hidden and not k.startswith(OF_CALLBACKS)
    }
    return name, (params, fitted)


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


def restored(name: str, content: Any) -> Any:
    """Return the object of a name and a content, from a file that may be forged."""
    if name in CONTENTS:
        return CONTENTS[name][1](content)
    kind = class_named(name)
    if kind is None:
        raise ValueError(f"it has an unknown class, {name!r:.80}")
    if name in ARGUMENTS:
        # Without a vector, parameters of any size would be allocated.
        require(name != "Parameters" or type(content[1]) is np.ndarray, name)
        return kind(*content)
    params, attributes = content
    is_estimator = hasattr(kind, "get_params")
    value = kind(**params) if is_estimator else kind.__new__(kind)
    names = value.get_params(deep=False).keys() if is_estimator else params.keys()
    # A file of another version of scikit-learn may lack parameters, one of ours not.
    ours = kind.__module__.startswith("skffnn.")
    require(not params.keys() & OUTSIDE, name)
    require(not ours or params.keys() == names - OUTSIDE, name)
    for attribute in attributes:
        method = callable(getattr(kind, attribute, None))
        require(not (method or attribute in names or attribute[:2] == "__"), name)
    if hasattr(value, "__setstate__"):  # warns of another version of scikit-learn
        value.__setstate__(attributes)
    else:
        vars(value).update(attributes)
    require(is_sound(value), name)
    return value


def is_sound(value: Any) -> bool:
    """Return whether what would be believed of an object is right."""
    check = CHECKS.get(type(value).__name__)
    return check is None or check(value)


def require(condition: Any, name: str) -> None:
    """Raise if a condition does not hold."""
    if not condition:
        raise ValueError(f"a {name} in it is not valid")


# ---------------------------------------------------------------------- arrays


def text_of(dtype: Any) -> str:
    """Return a dtype as text; that of the nodes of boosted trees has a name."""
    text = "nodes" if dtype.names and dtype == at(NODES) else str(dtype.str)
    if not (text == "nodes" or DTYPE.fullmatch(text)):
        raise TypeError(f"an array of the type {dtype} cannot be saved.")
    return text


def dtype_from(text: str) -> Any:
    """Return the dtype of a text."""
    require(text == "nodes" or DTYPE.fullmatch(text), "dtype")
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
    require(lengths and prod(shape) == len(array), "array")
    if dtype.kind == "U":
        codes = array.view(f"{text[0]}u4")
        require(codes.max(initial=0) <= sys.maxunicode, "string")
    if dtype.kind == "b":
        require(array.view(np.uint8).max(initial=0) <= 1, "boolean")
    array = array.reshape(shape, order="F" if fortran else "C").copy(order="K")
    return np.flip(array, backwards) if backwards else array


def spline_from(parts: Any) -> Any:
    """Return a spline, whose knots may be equal, as its constructor does not allow."""
    t, c, k, extrapolate, axis = parts
    vectors = t.ndim == 1 and t.dtype == c.dtype == np.float64
    require(vectors and len(c) >= len(t) - k - 1 > k >= 0 == axis, "BSpline")
    return class_named("BSpline").construct_fast(t, c, k, extrapolate, axis)


def distribution(parts: Any) -> Any:
    """Return a distribution of SciPy with its parameters."""
    name, args, kwds = parts
    kind = getattr(import_module("scipy.stats"), name)
    require(isinstance(kind, at(f"{STATS}.rv_generic")), "distribution")
    return kind(*args, **kwds)


# Attributes that are the arguments of the constructor.
ARGUMENTS = {
    "MaskedArray": "data mask",
    "Parameters": "sizes vector",
    "Rest": "value",
    "_PassthroughScorer": "_estimator",
    "slice": "start stop step",
}
# Functions from an object to its content and back; `content_of` itself names scalars,
# types of arrays, and what has a name.
CONTENTS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "scalar": (str, lambda parts: array_from((parts[0], (1,), 0, (), parts[1]))[0]),
    "dtype": (text_of, dtype_from),
    "named": (str, lambda name: objects_by_name()[name]),
    "ndarray": (take_array, array_from),
    "memmap": (take_array, array_from),
    "BSpline": (lambda s: (s.t, s.c, s.k, s.extrapolate, s.axis), spline_from),
    "Bunch": (dict, lambda items: class_named("Bunch")(**items)),
    "RandomState": (lambda s: s.get_state(legacy=False), random_state_from),
    "Generator": (lambda rng: rng.bit_generator.state, generator_from),
    **{
        name: (lambda d: (d.dist.name, d.args, d.kwds), distribution)
        for name in ("rv_continuous_frozen", "rv_discrete_frozen")
    },
}

# ---------------------------------------------------------------------- checks

# There is no other way to what is checked than scikit-learn's private attributes.


def check_boosting(model: Any) -> bool:
    """Return whether the trees are trees of the features, and make the loss again."""
    if "_predictors" not in vars(model):
        return True
    n, k = model.n_features_in_, model.n_trees_per_iteration_
    model._loss = model._get_loss(sample_weight=None)
    return (
        type(n) is int
        and {*map(len, model._predictors)} == {k}
        and model._baseline_prediction.shape == (1, k)
        and model._preprocessor is None
        and not vars(model).get("_in_fit")
        and not np.any(model._bin_mapper.is_categorical_)
        and all(is_tree(tree.nodes, n) for trees in model._predictors for tree in trees)
    )


def is_tree(nodes: Array, n_features: int) -> bool:
    """Return whether each path ends in a leaf: children follow their parents."""
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


def check_one_hot(model: Any) -> bool:
    """Return whether each category has a column, which SciPy believes."""
    values = vars(model).get("categories_", [])
    nothing = [None] * len(values)
    if not values:
        return True
    dropped = model._drop_idx_after_grouping
    groups = rare = nothing
    if model._infrequent_enabled:
        groups, rare = model._default_to_infrequent_mappings, model._infrequent_indices
    drops = nothing if dropped is None else dropped.tolist()
    columns = zip(values, model._n_features_outs, groups, rare, drops, strict=True)
    return all(has_columns(*column) for column in columns)


def has_columns(values: Array, n_out: int, group: Any, rare: Any, dropped: Any) -> bool:
    """Return whether the codes of the categories are below n_out, as in `transform`."""
    codes = np.arange(len(values)) if group is None else group
    if dropped is not None:
        kept = codes[codes != dropped]
        codes = kept - (kept > dropped)
    # Numbers are found by bisection, so they must be in order, with NaN at the end.
    number = values.dtype.kind not in "OSU"
    return bool(
        {type(n_out), type(dropped)} <= {int, type(None)}
        and (group is None) == (rare is None)
        and (group is None or (group.dtype.kind in "iu" and len(group) == len(values)))
        and 0 <= codes.min(initial=0) <= codes.max(initial=-1) + 1 <= n_out
        and not (number and not np.array_equal(np.sort(values), values, equal_nan=True))
    )


def check_words(model: Any) -> bool:
    """Return whether the words have the columns 0, 1, …, which SciPy believes."""
    words = vars(model).get("vocabulary_", {})
    columns = type(words) is dict and sorted(words.values()) == [*range(len(words))]
    return columns and model.input == "content"  # rows are not the names of files


def check_search(model: Any) -> bool:
    """Return whether the grid has no parameter that files do not hold."""
    grid = vars(model).get("param_grid", vars(model).get("param_distributions"))
    grids = [grid] if type(grid) is dict else grid
    return not any(str(key).split("__")[-1] in OUTSIDE for one in grids for key in one)


def check_sparse(matrix: Any) -> bool:
    """Return whether the indices exist, which SciPy believes later."""
    for flag in ("_has_sorted_indices", "_has_canonical_format"):
        vars(matrix).pop(flag, None)
    matrix.check_format(full_check=True)  # raises
    return True


CHECKS: dict[str, Callable[[Any], bool]] = {
    "HistGradientBoostingClassifier": check_boosting,
    "HistGradientBoostingRegressor": check_boosting,
    "OneHotEncoder": check_one_hot,
    "CountVectorizer": check_words,
    "TfidfVectorizer": check_words,
    **{name: check_search for name in MODULES if name.endswith("SearchCV")},
    **{name: check_sparse for name in MODULES if name.startswith(("csc", "csr"))},
}
