"""What can be saved is loaded: estimators of all classes, in pipelines of any kind."""

import datetime
import os
import pickle
import tracemalloc
import warnings
from importlib import import_module

import numpy as np
import pytest
import sklearn
from files_of_models import (
    ALL,
    CATEGORIES,
    CELLS,
    CLASSIFIERS,
    COLUMNS,
    GAPS,
    GRID,
    MODELS,
    NAMES,
    NETWORK,
    NUMBER,
    NUMBERS,
    OF_CATEGORIES,
    OF_GAPS,
    OF_NUMBERS,
    REGRESSORS,
    SELECTOR,
    SPLITTERS,
    X,
    assert_same_outputs,
)
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import skffnn
from skffnn import FFNNClassifier, FFNNRegressor, FileFormatError, TableEncoder
from skffnn.files.objects import MODULES

pytestmark = pytest.mark.filterwarnings("ignore")


def again(model, tmp_path):
    skffnn.save(model, tmp_path / "f")
    skffnn.describe(tmp_path / "f")
    return skffnn.load(tmp_path / "f")


# ----------------------------------------------- what was wrong, each with its own case

DATES = np.array(
    [[x, datetime.date(2020 + i % 3, 1, 5)] for i, x in enumerate(X[:, 0])], object
)
HUGE = np.array([[-1.7e308], [0.0], [1.7e308]] * 20)
NEVER_USED = {
    "dates without gaps": (
        make_pipeline(TableEncoder(), StandardScaler(), NETWORK),
        DATES,
        NAMES,
    ),
    "dates in a nested pipeline": (
        make_pipeline(make_pipeline(TableEncoder(), StandardScaler()), NETWORK),
        DATES,
        NAMES,
    ),
    "dates in a union": (
        make_pipeline(FeatureUnion([("a", TableEncoder())]), StandardScaler(), NETWORK),
        DATES,
        NAMES,
    ),
    "dates after passthrough": (
        make_pipeline("passthrough", TableEncoder(), StandardScaler(), NETWORK),
        DATES,
        NAMES,
    ),
    "a range above the largest float": (StandardScaler(with_mean=False), HUGE, None),
}


@pytest.mark.parametrize("case", NEVER_USED)
def test_loading_needs_no_prediction(case, tmp_path):
    model, rows, y = NEVER_USED[case]
    with np.errstate(all="ignore"):
        model = clone(model).fit(rows, y)
        assert_same_outputs(again(model, tmp_path), model, rows)


def test_loading_needs_no_finite_prediction_of_a_row_of_zeros(tmp_path):
    model = FFNNRegressor("poisson", hidden_layer_sizes=(), max_iter=1)
    rows = 100 + X / 10
    start = {"coef_init": [[[-10.0]] * 3], "intercept_init": [[3000.0]]}
    model.fit(rows, NUMBERS, **start)
    with pytest.raises(ValueError, match="finite"):
        model.predict(np.zeros((1, 3)))
    assert_same_outputs(again(model, tmp_path), model, rows)


class TestParametersThatReachOutside:
    def test_are_not_in_files(self, tmp_path):
        network = FFNNClassifier(checkpoint=str(tmp_path / "run"), verbose=1)
        steps = [("net", network)]
        model = Pipeline(steps, memory=str(tmp_path / "cache"), verbose=True)
        model = GridSearchCV(model, {"net__alpha": [1.0]}, n_jobs=3, pre_dispatch=4)
        loaded = again(model, tmp_path)
        params = loaded.get_params()
        fresh = GridSearchCV(Pipeline([("net", FFNNClassifier())]), {}).get_params()
        for name, value in params.items():
            if name.split("__")[-1] in skffnn.files.objects.OUTSIDE:
                assert value == fresh[name], name

    def test_are_refused_in_a_grid(self, tmp_path):
        for grid in ({"checkpoint": ["a"]}, [{"alpha": [1]}, {"a__memory": ["b"]}]):
            with pytest.raises(TypeError, match=r"checkpoint|memory"):
                skffnn.save(GridSearchCV(NETWORK, grid), tmp_path / "f")
        steps = [("s", GridSearchCV(FeatureUnion([]), {"n_jobs": [1, 2]}))]
        with pytest.raises(TypeError, match=r"^s cannot be saved: it searches n_jobs"):
            skffnn.save(Pipeline(steps), tmp_path / "f")

    def test_are_refused_in_a_vectorizer_that_reads_files(self, tmp_path):
        with pytest.raises(TypeError, match="input must be"):
            skffnn.save(CountVectorizer(input="filename"), tmp_path / "f")

    def test_may_be_the_names_of_words_and_labels(self, tmp_path):
        y = np.where(X[:, 0] > 0, "memory", "verbose")
        weights = {"memory": 1.0, "verbose": 2.0}
        model = clone(NETWORK).set_params(class_weight=weights).fit(X, y)
        assert again(model, tmp_path).class_weight == weights


RECOMMENDED = {
    "columns": make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), [0, 2]), remainder=StandardScaler()
    ),
    "all kinds of columns": COLUMNS,
}


@pytest.mark.parametrize("name", RECOMMENDED)
def test_the_column_transformers_of_the_guide(name, tmp_path):
    model = make_pipeline(RECOMMENDED[name], NETWORK).fit(CATEGORIES, CATEGORIES[:, 1])
    assert_same_outputs(again(model, tmp_path), model, CATEGORIES)


def test_columns_selected_by_type(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": X[:, 0], "b": NAMES})
    model = make_column_transformer((StandardScaler(), SELECTOR)).set_params(
        remainder="drop"
    )
    frame["b"] = frame["b"].astype("category")
    model.fit(frame)
    assert_same_outputs(again(model, tmp_path), model, frame)


class TestRefusals:
    def test_name_the_class(self, tmp_path):
        model = make_pipeline(StandardScaler(), LogisticRegression())
        for other in (model, model.fit(X, NAMES), LogisticRegression()):
            with pytest.raises(TypeError, match=r"cannot be saved.*LogisticRegression"):
                skffnn.save(other, tmp_path / "f")
        for other in (None, 3, StandardScaler, {"a": 1}):
            with pytest.raises(TypeError, match="model must be an estimator, got"):
                skffnn.save(other, tmp_path / "f")

    def test_name_the_step_and_its_parameter(self, tmp_path):
        mine = FunctionTransformer(np.log1p)
        models = {
            "log__func": Pipeline([("log", mine)]),
            "all__log__func": FeatureUnion([("all", Pipeline([("log", mine)]))]),
            "rows__func": COLUMNS.__class__([("rows", mine, [0])]),
            "best__score_func": Pipeline([("best", SelectKBest(lambda X, y: X[0]))]),
            "estimator__scoring": GridSearchCV(clone(NETWORK), {}).set_params(
                estimator__scoring=lambda *_: 0.0
            ),
        }
        for name, model in models.items():
            with pytest.raises(TypeError, match=f"^{name} cannot be saved, got <"):
                skffnn.save(model, tmp_path / "f")
        scores = Pipeline([("f", FunctionTransformer(f1_score))])
        with pytest.raises(TypeError, match=r"^f cannot be saved: its func .* be None"):
            skffnn.save(scores, tmp_path / "f")

    def test_of_a_subclass(self, tmp_path):
        class FFNNClassifier(skffnn.FFNNClassifier):
            """With code of its own, under the same name."""

        with pytest.raises(TypeError, match="cannot be saved"):
            skffnn.save(FFNNClassifier(), tmp_path / "f")

    def test_of_trees_with_categorical_features(self, tmp_path):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"a": pandas.Categorical(NAMES), "b": X[:, 0]})
        model = CLASSIFIERS[3].__class__().fit(frame, NAMES)
        with pytest.raises(TypeError, match=r"_preprocessor__.*cannot be saved"):
            skffnn.save(model, tmp_path / "f")

    def test_of_a_network_on_a_cluster(self, tmp_path):
        pytest.importorskip("distributed")
        from skffnn.dask import DaskFFNNClassifier

        with pytest.raises(TypeError, match=r"DaskFFNNClassifier.*to_local\(\)"):
            skffnn.save(DaskFFNNClassifier(), tmp_path / "f")


# --------------------------------------------------------------- pipelines of all kinds


def test_every_class_of_the_list_is_tested():
    all_of_them = [ALL, COLUMNS, SELECTOR, SPLITTERS, *map(fitted, MODELS)]
    content = pickle.dumps(all_of_them, protocol=2)
    estimators = {
        name
        for name, module in MODULES.items()
        if module.startswith("sklearn") or name.startswith(("FFNN", "Averaged"))
        if hasattr(import_module(module), name)  # in this version of scikit-learn
    }
    missing = {name for name in estimators if name.encode() not in content}
    assert not missing


FITTED = {}


def fitted(name):
    if name not in FITTED:
        model, rows, y = MODELS[name]
        FITTED[name] = clone(model).fit(*([rows] if y is None else [rows, y]))
    return FITTED[name]


def public(model):
    """Return the names of the parameters and fitted attributes."""
    return {name for name in vars(model) if not name.startswith("_")}


@pytest.mark.parametrize("name", MODELS)
def test_an_estimator_of_each_class(name, tmp_path):
    model, rows = fitted(name), MODELS[name][1]
    loaded = again(model, tmp_path)
    assert_same_outputs(loaded, model, rows)
    assert public(loaded) == public(model)
    unfitted = again(clone(model), tmp_path)
    assert repr(unfitted) == repr(clone(model))
    assert public(unfitted) == public(clone(model))


@pytest.mark.parametrize("name", MODELS)
def test_loading_takes_a_small_multiple_of_the_size(name, tmp_path):
    skffnn.save(fitted(name), tmp_path / "f")
    skffnn.load(tmp_path / "f")  # imports
    tracemalloc.start()
    skffnn.load(tmp_path / "f")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 * os.path.getsize(tmp_path / "f") + 2**21


def test_arrays_take_twice_their_size(tmp_path):
    skffnn.save(StandardScaler().fit(np.eye(2, 10**6)), tmp_path / "f")
    tracemalloc.start()
    skffnn.load(tmp_path / "f")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.2 * os.path.getsize(tmp_path / "f")


def sequences(draw, choices, last):
    """Return a list of steps with names."""
    steps = draw(st.lists(st.sampled_from(choices), max_size=3))
    return [(f"s{i}", copied(step)) for i, step in enumerate([*steps, last])]


def copied(step):
    return step if isinstance(step, str) else clone(step)


@st.composite
def cases(draw):
    """Return a pipeline, and rows for it."""
    first, rows = draw(
        st.sampled_from(
            [
                *((step, GAPS) for step in OF_GAPS),
                *((step, CATEGORIES) for step in OF_CATEGORIES),
                ("passthrough", X),
            ]
        )
    )
    classifies = draw(st.booleans())
    last = draw(st.sampled_from(CLASSIFIERS if classifies else REGRESSORS[:7]))
    steps = sequences(draw, OF_NUMBERS, last)
    kind = draw(st.sampled_from(["flat", "nested", "union", "columns", "search"]))
    if kind == "nested":
        steps[:-1] = [("inner", Pipeline([*steps[:-1], ("end", "passthrough")]))]
    elif kind == "union":
        parts = [("a", copied(steps[0][1])), ("b", StandardScaler())]
        steps[:-1] = [("union", FeatureUnion(parts if len(steps) > 1 else parts[1:]))]
    elif kind == "columns":
        inner = Pipeline([*steps[:-1], ("end", StandardScaler())])
        transformers = [("a", inner, [0, 2]), ("b", "passthrough", slice(1, 2))]
        steps[:-1] = [("columns", COLUMNS.__class__(transformers))]
    model = Pipeline(
        [("first", first if first == "passthrough" else clone(first)), *steps]
    )
    if kind == "search":
        model = GridSearchCV(model, {}, cv=KFold(2))
    return model, rows, NAMES if classifies else NUMBERS


@pytest.mark.long
@given(case=cases())
def test_a_pipeline_of_any_kind(case, tmp_path):
    """A pipeline that cannot be fitted, such as PCA of one column, is not a case."""
    model, rows, y = case
    unfitted = again(model, tmp_path)
    assert repr(unfitted) == repr(model)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            model.fit(rows, y)
        except (ValueError, TypeError, IndexError):
            return
        loaded = again(model, tmp_path)
        assert_same_outputs(loaded, model, rows)


def test_a_tabular_classifier(tmp_path):
    tabular = skffnn.make_tabular_classifier(n_networks=2, max_iter=2, random_state=0)
    model = tabular.set_params(encode__max_categories=10).fit(CELLS, NAMES)
    loaded = again(model, tmp_path)
    assert_same_outputs(loaded, model, CELLS)
    unseen = np.array([[1, "blue", "nowhere", None]], dtype=object)
    assert_same_outputs(loaded, model, unseen)
    np.testing.assert_array_equal(
        loaded[:-1].get_feature_names_out(), model[:-1].get_feature_names_out()
    )


def test_a_data_frame_with_names(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(CELLS, columns=["x", "colour", "city", "is"])
    tabular = skffnn.make_tabular_classifier(n_networks=2, max_iter=2)
    loaded = again(tabular.fit(frame, NAMES), tmp_path)
    np.testing.assert_array_equal(loaded.feature_names_in_, frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(frame[["colour", "x", "city", "is"]])


def test_output_settings_and_results_of_a_search(tmp_path):
    pytest.importorskip("pandas")
    model = StandardScaler().set_output(transform="pandas").fit(X)
    assert again(model, tmp_path).transform(X).equals(model.transform(X))
    search = GridSearchCV(NETWORK, GRID, cv=2, scoring="f1").fit(X, X[:, 0] > 0)
    loaded = again(search, tmp_path)
    assert loaded.best_params_ == search.best_params_
    assert loaded.cv_results_["params"] == search.cv_results_["params"]
    assert loaded.score(X, X[:, 0] > 0) == search.score(X, X[:, 0] > 0)


def test_another_version_of_scikit_learn_warns(tmp_path, monkeypatch):
    model = make_pipeline(PCA(2), NETWORK).fit(X, NAMES)
    monkeypatch.setattr(sklearn.base, "__version__", "1.6.9")
    skffnn.save(model, tmp_path / "f")
    monkeypatch.undo()
    with pytest.warns(InconsistentVersionWarning, match="PCA from version 1.6.9"):
        skffnn.load(tmp_path / "f")


class TestDescribe:
    def test_a_pipeline(self, tmp_path):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(X, columns=["a", "b", "c"])
        model = make_pipeline(StandardScaler(), clone(NETWORK)).fit(frame, NAMES)
        skffnn.save(model, tmp_path / "f")
        found = skffnn.describe(tmp_path / "f")
        assert found["versions"]["skffnn"] == skffnn.__version__
        assert found["versions"]["sklearn"] == sklearn.__version__
        assert not found["checkpoint"]
        assert found["n_features"] == 3
        assert found["feature_names"].tolist() == ["a", "b", "c"]
        assert found["labels"].tolist() == ["no", "yes"]
        assert found["model"]["class"] == "Pipeline"
        (_, scaler), (_, network) = found["model"]["params"]["steps"]
        assert scaler["class"] == "StandardScaler"
        assert network["params"]["max_iter"] == 2

    def test_a_regressor_and_an_unfitted_model(self, tmp_path):
        skffnn.save(clone(NUMBER).fit(X, NUMBERS), tmp_path / "f")
        assert skffnn.describe(tmp_path / "f")["labels"] is None
        skffnn.save(NUMBER, tmp_path / "f")
        assert skffnn.describe(tmp_path / "f")["n_features"] is None

    def test_a_file_of_no_use(self, tmp_path):
        (tmp_path / "f").write_text("no model")
        with pytest.raises(FileFormatError, match="not saved by skffnn"):
            skffnn.describe(tmp_path / "f")


def test_a_big_vocabulary(tmp_path):
    words = [f"w{i}" for i in range(20_000)]
    model = CountVectorizer().fit(words)
    assert again(model, tmp_path).vocabulary_ == model.vocabulary_
