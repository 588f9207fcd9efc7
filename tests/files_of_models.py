"""Estimators of all classes that files can hold, with rows to fit them to."""

import numpy as np
from sklearn import calibration
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_selector,
)
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_extraction.text import (
    CountVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import SelectKBest, VarianceThreshold, r_regression
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    LabelBinarizer,
    LabelEncoder,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from skffnn import (
    AveragedClassifier,
    AveragedRegressor,
    FFNNClassifier,
    FFNNRegressor,
    GapImputer,
    RobustSmoothScaler,
    TableEncoder,
)

RNG = np.random.default_rng(0)
N = 60
X = RNG.standard_normal((N, 3))
GAPS = np.where(X > 1.2, np.nan, X)
Y = (X[:, 0] > 0).astype(int)
NAMES = np.where(Y, "yes", "no")
NUMBERS = np.exp(np.floor(X[:, 0]))
CELLS = np.array(
    [
        [x if i % 7 else None, "red" if x > 0 else None, f"city {i % 40}", i % 3 == 0]
        for i, x in enumerate(X[:, 0].tolist())
    ],
    dtype=object,
)
CATEGORIES = np.column_stack([np.floor(2 * X[:, 0]), Y, np.arange(N) % 5])
WORDS = [f"word{i % 7} of memory verbose{i % 3}" for i in range(N)]

NETWORK = FFNNClassifier((3,), max_iter=2, random_state=0)
NUMBER = FFNNRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0)
TREES = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=3)
TREES_OF_NUMBERS = HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=3)
GRID = {"alpha": [0.1, 1.0]}

# Transformers of numbers without gaps.
OF_NUMBERS = [
    StandardScaler(),
    StandardScaler(with_std=False),
    MinMaxScaler(clip=True),
    MaxAbsScaler(),
    RobustScaler(),
    QuantileTransformer(n_quantiles=20, output_distribution="normal"),
    PowerTransformer(),
    Normalizer(),
    KBinsDiscretizer(4, encode="onehot-dense", quantile_method="averaged_inverted_cdf"),
    PolynomialFeatures(),
    SplineTransformer(),
    FunctionTransformer(),
    PCA(2),
    TruncatedSVD(2),
    SelectKBest(k=2),
    VarianceThreshold(),
    RobustSmoothScaler(),
    TableEncoder(),
    "passthrough",
]
# Transformers of numbers with gaps, whose result may be sparse.
OF_GAPS = [
    SimpleImputer(),
    SimpleImputer(add_indicator=True, strategy="median"),
    SimpleImputer(strategy="constant", fill_value=2.0),
    GapImputer(),
]
# Transformers of categories.
OF_CATEGORIES = [
    OneHotEncoder(handle_unknown="ignore"),
    OneHotEncoder(drop="first", sparse_output=False),
    OneHotEncoder(drop="if_binary"),
    OneHotEncoder(max_categories=3, handle_unknown="infrequent_if_exist"),
    OneHotEncoder(max_categories=3, drop="first"),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    TargetEncoder(random_state=0, cv=2),
]
CLASSIFIERS = [
    NETWORK,
    AveragedClassifier(NETWORK, n_networks=2, random_state=0),
    AveragedClassifier(NETWORK, n_networks=2, blend_with=[TREES], random_state=0),
    TREES,
    CalibratedClassifierCV(NETWORK, cv=2),
    CalibratedClassifierCV(NETWORK, cv=2, method="isotonic", ensemble=False),
    VotingClassifier([("net", NETWORK), ("trees", TREES)], voting="soft"),
    BaggingClassifier(NETWORK, n_estimators=2, max_features=2, random_state=0),
    OneVsRestClassifier(NETWORK),
    GridSearchCV(NETWORK, GRID, cv=KFold(2)),
    GridSearchCV(NETWORK, GRID, cv=2, scoring=["f1", "roc_auc"], refit="f1"),
    RandomizedSearchCV(NETWORK, GRID, n_iter=2, cv=2, scoring="accuracy"),
]
if hasattr(calibration, "_TemperatureScaling"):  # from scikit-learn 1.8 on
    CLASSIFIERS.append(CalibratedClassifierCV(NETWORK, cv=2, method="temperature"))
REGRESSORS = [
    NUMBER,
    NUMBER.__class__("poisson", hidden_layer_sizes=(3,), max_iter=2),
    AveragedRegressor(NUMBER, n_networks=2, random_state=0),
    TREES_OF_NUMBERS,
    VotingRegressor([("net", NUMBER), ("trees", TREES_OF_NUMBERS)]),
    TransformedTargetRegressor(NUMBER, transformer=StandardScaler()),
    TransformedTargetRegressor(NUMBER),
    IsotonicRegression(out_of_bounds="clip"),
]
SPLITTERS = [
    GroupKFold(2),
    StratifiedKFold(2),
    StratifiedGroupKFold(2),
    ShuffleSplit(2, random_state=0),
    StratifiedShuffleSplit(2),
    TimeSeriesSplit(2),
]
SELECTOR = make_column_selector(dtype_include=[np.number, object])
COLUMNS = ColumnTransformer(
    [
        ("one", OneHotEncoder(), [1, 2]),
        ("two", StandardScaler(), slice(0, 1)),
        ("three", SelectKBest(r_regression, k=1), [True, True, False]),
    ],
    remainder="passthrough",
)
ALL = [
    *((model, X, NUMBERS) for model in OF_NUMBERS[:-1]),
    *((model, GAPS, NUMBERS) for model in OF_GAPS),
    *((model, CATEGORIES, NUMBERS) for model in OF_CATEGORIES),
    *((model, X, NAMES) for model in CLASSIFIERS),
    *((model, X, NUMBERS) for model in REGRESSORS[:-1]),
    (REGRESSORS[-1], X[:, 0], NUMBERS),
    *((GridSearchCV(NETWORK, GRID, cv=cv), X, Y) for cv in SPLITTERS[1:2]),
    (MissingIndicator(), GAPS, None),
    (KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"), X, None),
    (LabelEncoder(), NAMES, None),
    (LabelBinarizer(), NAMES, None),
    (CountVectorizer(), WORDS, None),
    (TfidfVectorizer(max_features=5), WORDS, None),
    (make_pipeline(CountVectorizer(), TfidfTransformer(), NETWORK), WORDS, Y),
    (MultiOutputClassifier(NETWORK), X, np.column_stack([Y, 1 - Y])),
    (TableEncoder(max_categories=9, target_means="classes"), CELLS, Y),
    (FeatureUnion([("a", StandardScaler()), ("b", "passthrough")]), X, None),
]
MODELS = {
    f"{i} {type(model).__name__}": (model, X, y) for i, (model, X, y) in enumerate(ALL)
}


def outputs(model, X):
    """Return what the methods of a fitted model return for rows, as arrays."""
    methods = ("predict", "predict_proba", "transform", "decision_function")
    found = {m: getattr(model, m)(X) for m in methods if hasattr(model, m)}
    assert found
    parts = {m: f if isinstance(f, list) else [f] for m, f in found.items()}
    return {
        m: [p.toarray() if hasattr(p, "toarray") else np.asarray(p) for p in part]
        for m, part in parts.items()
    }


def assert_same_outputs(one, other, X):
    """Assert that two models give the same bits."""
    ours, theirs = outputs(one, X), outputs(other, X)
    assert ours.keys() == theirs.keys()
    for method, parts in ours.items():
        for a, b in zip(parts, theirs[method], strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
