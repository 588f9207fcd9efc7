"""FFNNClassifier inside the rest of scikit-learn, and on data of every kind."""

import pickle
from email.message import Message

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skffnn import (
    ACTIVATIONS,
    INITIALIZERS,
    LBFGS,
    PENALTIES,
    SCHEDULES,
    SOLVERS,
    AveragedClassifier,
    FFNNClassifier,
    RobustSmoothScaler,
    TableEncoder,
)
from skffnn.nn.penalties import L2
from skffnn.optim.schedules import Schedule
from skffnn.utils import documentation

X, y = load_iris(return_X_y=True)
ORDER = np.random.RandomState(0).permutation(len(y))
X, y = StandardScaler().fit_transform(X)[ORDER], y[ORDER]
X2, y2 = make_classification(120, 5, flip_y=0.2, weights=[0.7], random_state=0)
Y = np.column_stack([y == 0, y == 1, X[:, 0] > 0]).astype(int)
NAMES = np.array(["setosa", "versicolor", "virginica"])
STEPPERS = [name for name, solver in SOLVERS.items() if not issubclass(solver, LBFGS)]

# Probabilities are of order 1 and sums of a few terms: rounding is some 1e-16.
ROUNDING = 1e-12

# Sums in another order differ by some 1e-15, which a few epochs of training multiply.
TRAINED = 1e-9


def make(**params):
    """Make a small network with a seed that learns in a few epochs."""
    small = {
        "hidden_layer_sizes": (8,),
        "random_state": 0,
        "max_iter": 8,
        "learning_rate_init": 0.05,
    }
    return FFNNClassifier(**small | params)


def objects():
    """Return parameters that are objects, for each registry one."""
    return {
        "activation": [g() for g in ACTIVATIONS.values()][:1],
        "solver": SOLVERS["adam"](beta_2=0.95),
        "learning_rate": SCHEDULES["cosine"](max_iter=8),
        "weight_init": INITIALIZERS["he_normal"],
        "penalty": PENALTIES["l2"](),
    }


class TestCloneAndPickle:
    """clone, pickle and joblib."""

    @pytest.mark.parametrize("params", [{}, objects()], ids=["names", "objects"])
    def test_a_clone_has_the_parameters_and_no_fit(self, params):
        model = make(**params).fit(X, y)
        copy = clone(model)
        assert not hasattr(copy, "coefs_")
        np.testing.assert_array_equal(
            copy.fit(X, y).predict_proba(X), model.predict_proba(X)
        )

    def test_a_fit_does_not_change_the_parameters(self):
        params = objects() | {"dropout": [0.1], "class_weight": {0: 2}}
        model = make(**params)
        before = {k: (v, repr(v)) for k, v in model.get_params().items()}
        model.fit(X, y)
        for name, value in model.get_params().items():
            assert value is before[name][0]
            assert repr(value) == before[name][1]

    @pytest.mark.parametrize("params", [{}, objects()], ids=["names", "objects"])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_a_pickle_predicts_and_goes_on(self, params, early_stopping, tmp_path):
        model = make(warm_start=True, early_stopping=early_stopping, **params)
        model.fit(X, y)
        joblib.dump(model, tmp_path / "model")
        copies = pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model")
        expected = model.predict_proba(X)
        again = model.fit(X, y).predict_proba(X)
        for copy in copies:
            np.testing.assert_array_equal(copy.predict_proba(X), expected)
            np.testing.assert_array_equal(copy.fit(X, y).predict_proba(X), again)

    @pytest.mark.parametrize("mmap_mode", ["r", "c"])
    def test_a_memory_mapped_model_predicts_and_goes_on(self, mmap_mode, tmp_path):
        model = make(warm_start=True).fit(X, y)
        joblib.dump(model, tmp_path / "model")
        copy = joblib.load(tmp_path / "model", mmap_mode=mmap_mode)
        np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
        np.testing.assert_array_equal(
            copy.fit(X, y).predict_proba(X), model.fit(X, y).predict_proba(X)
        )

    @pytest.mark.parametrize("parameter", list(objects()))
    def test_parameters_are_got_and_set(self, parameter):
        model, value = make(), objects()[parameter]
        assert model.set_params(**{parameter: value}) is model
        assert model.get_params()[parameter] is value
        assert model.fit(X, y).n_iter_ == 8

    def test_the_html_shows_what_differs_from_the_default(self):
        html = make(alpha=0.123)._repr_html_()
        assert "FFNNClassifier" in html
        assert "0.123" in html
        assert "0.123" in repr(make(alpha=0.123))
        assert "fitted" in make().fit(X, y)._repr_html_()
        assert "FFNNClassifier" in make_pipeline(StandardScaler(), make())._repr_html_()

    @pytest.mark.parametrize(
        "estimator",
        [make(), AveragedClassifier(), RobustSmoothScaler(), TableEncoder()],
        ids=lambda estimator: type(estimator).__name__,
    )
    def test_the_html_links_to_the_documentation(
        self, estimator, monkeypatch, tmp_path
    ):
        page = f"/api/generated/skffnn.{type(estimator).__name__}.html"
        links = Message()
        monkeypatch.setattr(documentation, "metadata", lambda name: links)
        monkeypatch.setattr(documentation, "BUILT", tmp_path / "none")
        assert page not in estimator._repr_html_()  # there is none
        monkeypatch.setattr(documentation, "BUILT", tmp_path)
        assert tmp_path.as_uri() + page in estimator._repr_html_()
        links["Project-URL"] = "Source, https://example.org/source"
        links["Project-URL"] = "Documentation, https://example.org/docs/"
        assert f"https://example.org/docs{page}" in estimator._repr_html_()


class TestModelSelection:
    """Searches, curves and cross-validation."""

    def test_grid_search_is_the_same_in_parallel(self):
        grid = {
            "hidden_layer_sizes": [(4,), (4, 3)],
            "solver": ["adam", "lbfgs", SOLVERS["sgd"]()],
        }
        searches = [
            GridSearchCV(make(), grid, cv=3, n_jobs=n_jobs).fit(X, y)
            for n_jobs in (1, 2)
        ]
        one, two = (search.cv_results_["mean_test_score"] for search in searches)
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(*[s.predict_proba(X) for s in searches])
        assert searches[0].best_score_ > 0.8

    def test_randomized_search_over_every_registry(self):
        distributions = {
            "activation": list(ACTIVATIONS),
            "solver": list(SOLVERS),
            "learning_rate": list(SCHEDULES),
            "weight_init": list(INITIALIZERS),
            "penalty": list(PENALTIES),
            "dropout": [0.0, 0.2],
            "dtype": ["float32", "auto"],
            "class_weight": [None, "balanced", {0: 2.0}],
            "scoring": [None, "loss", "balanced_accuracy"],
            "early_stopping": [False, True],
        }
        search = RandomizedSearchCV(
            make(), distributions, n_iter=12, cv=2, random_state=0, error_score="raise"
        ).fit(X, y)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()

    def test_parameters_inside_a_pipeline(self):
        pipe = make_pipeline(StandardScaler(), make())
        grid = {"ffnnclassifier__alpha": [1e-4, 1e3]}
        search = GridSearchCV(pipe, grid, cv=3, scoring="neg_log_loss").fit(X, y)
        assert search.best_params_ == {"ffnnclassifier__alpha": 1e-4}

    def test_curves(self):
        scores = validation_curve(
            make(), X, y, param_name="max_iter", param_range=[1, 20], cv=3
        )[1]
        assert scores[1].mean() > scores[0].mean()
        sizes, _, scores = learning_curve(make(), X, y, train_sizes=[0.2, 1.0], cv=3)
        assert sizes.tolist() == [20, 100]
        assert np.isfinite(scores).all()

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_a_learning_curve_by_partial_fit(self, solver):
        scores = learning_curve(
            make(solver=solver),
            X,
            y,
            train_sizes=[0.5, 1.0],
            cv=2,
            exploit_incremental_learning=True,
        )[2]
        assert np.isfinite(scores).all()

    @pytest.mark.parametrize(
        "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
    )
    @pytest.mark.parametrize("target", ["binary", "multi-class"])
    def test_cross_val_predict(self, method, target):
        X_, y_ = (X2, y2) if target == "binary" else (X, y)
        columns = 2 if target == "binary" and "proba" in method else 3
        out = cross_val_predict(make(), X_, y_, cv=3, method=method)
        vector = method == "predict" or (
            method == "decision_function" and target == "binary"
        )
        assert out.shape == ((len(y_),) if vector else (len(y_), columns))
        if method == "predict":
            assert accuracy_score(y_, out) > 0.7

    def test_cross_validation_is_better_than_chance(self):
        assert cross_val_score(make(max_iter=30), X, y, cv=5).mean() > 0.9

    def test_multi_label_cross_validation(self):
        scores = cross_val_score(
            make(max_iter=30), X, Y, cv=3, scoring="f1_macro", error_score="raise"
        )
        assert scores.mean() > 0.5

    def test_calibration(self):
        for ensemble in (True, False):
            model = CalibratedClassifierCV(make(), ensemble=ensemble, cv=3).fit(X, y)
            f = model.predict_proba(X)
            np.testing.assert_allclose(f.sum(axis=1), 1, rtol=ROUNDING)
            assert model.score(X, y) > 0.8

    def test_a_tuned_threshold(self):
        model = TunedThresholdClassifierCV(
            make(max_iter=30), scoring="balanced_accuracy", cv=3
        ).fit(X2, y2)
        f = model.estimator_.predict_proba(X2)[:, 1]
        expected = (f >= model.best_threshold_).astype(int)
        np.testing.assert_array_equal(model.predict(X2), expected)

    def test_permutation_importance_finds_the_feature_that_counts(self):
        rng = np.random.RandomState(0)
        X_ = rng.normal(size=(150, 4))
        model = make(max_iter=40).fit(X_, X_[:, 2] > 0)
        result = permutation_importance(
            model, X_, X_[:, 2] > 0, n_repeats=3, random_state=0
        )
        assert result.importances_mean.argmax() == 2

    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize(
        "response_method", ["auto", "predict", "predict_proba", "decision_function"]
    )
    def test_a_decision_boundary(self, n_classes, response_method):
        matplotlib = pytest.importorskip("matplotlib")
        matplotlib.use("Agg")
        from matplotlib import pyplot as plt
        from sklearn.inspection import DecisionBoundaryDisplay

        rows = y < n_classes
        model = make().fit(X[rows, :2], y[rows])
        display = DecisionBoundaryDisplay.from_estimator(
            model, X[rows, :2], response_method=response_method, grid_resolution=20
        )
        assert np.isfinite(np.asarray(display.response, float)).all()
        plt.close("all")


class TestEnsembles:
    """Inside other estimators."""

    @pytest.mark.parametrize(
        "ensemble",
        [
            BaggingClassifier(make(max_iter=40), n_estimators=3, random_state=0),
            StackingClassifier(
                [("a", make(max_iter=40)), ("b", make(solver="lbfgs"))], cv=3
            ),
            VotingClassifier(
                [("a", make(max_iter=40)), ("b", make(alpha=0.01, max_iter=40))],
                voting="soft",
            ),
            VotingClassifier(
                [("a", make(max_iter=40)), ("b", make(alpha=0.01, max_iter=40))],
                voting="hard",
            ),
            OneVsRestClassifier(make(max_iter=40)),
            StackingClassifier(
                [("a", make(max_iter=40))],
                final_estimator=make(max_iter=40),
                passthrough=True,
                cv=3,
            ),
        ],
        ids=["bagging", "stacking", "soft", "hard", "one-vs-rest", "final"],
    )
    @pytest.mark.parametrize("labels", [np.arange(3), NAMES], ids=["int", "str"])
    def test_learn(self, ensemble, labels):
        model = clone(ensemble).fit(X, labels[y])
        assert model.score(X, labels[y]) > 0.8

    def test_bagging_is_the_same_in_parallel(self):
        one, two = (
            BaggingClassifier(make(max_iter=40), 4, random_state=0, n_jobs=n_jobs).fit(
                X, y
            )
            for n_jobs in (1, 2)
        )
        for a, b in zip(one.estimators_, two.estimators_, strict=True):
            np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))

    def test_one_vs_rest_and_chains_of_labels(self):
        for model in (
            OneVsRestClassifier(make()),
            MultiOutputClassifier(make()),
            ClassifierChain(make()),
        ):
            assert model.fit(X, Y).predict(X).shape == Y.shape


class TestMetadataRouting:
    """Weights and validation sets through other estimators."""

    @pytest.fixture(autouse=True)
    def _routing(self):
        with config_context(enable_metadata_routing=True):
            yield

    def test_every_argument_can_be_requested(self):
        model = make().set_fit_request(
            sample_weight=True, X_val=True, y_val=True, sample_weight_val=True
        )
        model.set_partial_fit_request(sample_weight=True, classes=True)
        model.set_score_request(sample_weight=True)
        requests = model.get_metadata_routing()
        assert set(requests.fit.requests) == {
            "sample_weight",
            "X_val",
            "y_val",
            "sample_weight_val",
        }

    def test_weights_go_through_a_pipeline(self):
        weights = np.linspace(0, 3, len(y))
        pipe = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            make().set_fit_request(sample_weight=True),
        ).fit(X, y, sample_weight=weights)
        alone = make().fit(StandardScaler().fit_transform(X), y, weights)
        np.testing.assert_array_equal(pipe[-1].predict_proba(X), alone.predict_proba(X))

    def test_weights_go_through_cross_validation(self):
        weights = np.where(y == 2, 0.0, 1.0)
        model = make().set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True)
        result = cross_validate(
            model,
            X,
            y,
            cv=StratifiedKFold(3),
            params={"sample_weight": weights},
            return_estimator=True,
            error_score="raise",
        )
        assert (result["test_score"] > 0.9).all()

    def test_weights_go_through_a_search(self):
        weights = np.where(y == 2, 0.0, 1.0)
        search = GridSearchCV(
            make()
            .set_fit_request(sample_weight=True)
            .set_score_request(sample_weight=False),
            {"alpha": [0.1, 0.01]},
            cv=3,
            error_score="raise",
        ).fit(X, y, sample_weight=weights)
        expected = make(**search.best_params_).fit(X, y, weights)
        np.testing.assert_array_equal(
            search.predict_proba(X), expected.predict_proba(X)
        )

    def test_a_validation_set_is_transformed_with_the_rest(self):
        train, val = slice(0, 100), slice(100, 150)
        scale = np.array([1e3, 1, 1e-3, 1])
        pipe = Pipeline(
            [
                ("scale", StandardScaler()),
                ("net", make().set_fit_request(X_val=True, y_val=True)),
            ],
            transform_input=["X_val"],
        )
        pipe.fit(X[train] * scale, y[train], X_val=X[val] * scale, y_val=y[val])
        scaler = StandardScaler().fit(X[train] * scale)
        alone = make().fit(
            scaler.transform(X[train] * scale),
            y[train],
            X_val=scaler.transform(X[val] * scale),
            y_val=y[val],
        )
        net = pipe[-1]
        assert net.validation_scores_ == alone.validation_scores_
        assert net.best_validation_score_ == pipe.score(X[val] * scale, y[val])

    @pytest.mark.parametrize("scoring", [None, "f1_macro", "neg_log_loss"])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_early_stopping_scores_with_routing_too(self, scoring, weighted):
        weights = np.linspace(1, 2, len(y)) if weighted else None
        model = make(early_stopping=True, scoring=scoring).fit(X, y, weights)
        with config_context(enable_metadata_routing=False):
            other = make(early_stopping=True, scoring=scoring).fit(X, y, weights)
        assert model.validation_scores_ == other.validation_scores_


class TestFrames:
    """pandas and polars."""

    COLUMNS = ("a", "b", "c", "d")

    @pytest.fixture(params=["pandas", "polars"])
    def library(self, request):
        """The name of a library that is there."""
        pytest.importorskip(request.param)
        return request.param

    def frame(self, library, data=X, columns=COLUMNS):
        """Make a frame of the library."""
        module = pytest.importorskip(library)
        return module.DataFrame({name: data[:, i] for i, name in enumerate(columns)})

    def series(self, library, data):
        """Make a series of the library."""
        module = pytest.importorskip(library)
        return module.Series(data)

    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize("labels", [np.arange(3), NAMES], ids=["int", "str"])
    def test_are_as_good_as_arrays(self, library, labels, early_stopping):
        frame = self.frame(library)
        target = self.series(library, labels[y])
        weights = self.series(library, np.linspace(1, 2, len(y)))
        model = make(early_stopping=early_stopping).fit(frame, target, weights)
        plain = make(early_stopping=early_stopping).fit(
            X, labels[y], np.linspace(1, 2, len(y))
        )
        assert model.feature_names_in_.tolist() == list(self.COLUMNS)
        np.testing.assert_array_equal(model.predict(frame), plain.predict(X))
        np.testing.assert_array_equal(
            model.predict_proba(frame), plain.predict_proba(X)
        )
        np.testing.assert_array_equal(
            model.hidden_features(frame), plain.hidden_features(X)
        )

    @pytest.mark.parametrize("scoring", [None, "loss", "f1_macro", "neg_log_loss"])
    def test_may_be_the_validation_set(self, library, scoring):
        frame = self.frame(library)
        model = make(scoring=scoring)
        model.fit(frame, y, X_val=frame, y_val=self.series(library, y))
        plain = make(scoring=scoring).fit(X, y, X_val=X, y_val=y)
        assert model.validation_scores_ == plain.validation_scores_
        assert model.feature_names_in_.tolist() == list(self.COLUMNS)

    @pytest.mark.parametrize("scoring", [None, "f1_macro"])
    def test_are_split_without_a_warning(self, library, scoring):
        model = make(early_stopping=True, scoring=scoring).fit(self.frame(library), y)
        assert len(model.validation_scores_) == 8

    @pytest.mark.parametrize(
        "columns", [("b", "a", "c", "d"), ("a", "b", "c", "e")], ids=["order", "name"]
    )
    def test_with_other_names_are_an_error(self, library, columns):
        frame, other = self.frame(library), self.frame(library, columns=columns)
        model = make(warm_start=True).fit(frame, y)
        for call in (
            lambda: model.predict(other),
            lambda: model.predict_proba(other),
            lambda: model.decision_function(other),
            lambda: model.hidden_features(other),
            lambda: model.partial_fit(other, y),
            lambda: model.fit(other, y),
            lambda: model.fit(frame, y, X_val=other, y_val=y),
        ):
            with pytest.raises(ValueError, match="feature names"):
                call()

    def test_without_names_are_a_warning(self, library):
        model = make().fit(self.frame(library), y)
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            model.predict(X)

    def test_go_on_in_partial_fit(self, library):
        frame = self.frame(library)
        model = make().partial_fit(frame, y, classes=[0, 1, 2]).partial_fit(frame, y)
        plain = make().partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y)
        np.testing.assert_array_equal(
            model.predict_proba(frame), plain.predict_proba(X)
        )

    @pytest.mark.parametrize(
        "steps", [(StandardScaler(),), (StandardScaler(), MinMaxScaler())]
    )
    def test_come_from_a_transformer(self, library, steps):
        frame = self.frame(library)
        # Rows that differ in the last bit would be split otherwise: no early stopping.
        pipe = make_pipeline(*steps, make())
        plain = clone(pipe).fit(X, y)
        pipe.set_output(transform=library).fit(frame, y)
        assert pipe[-1].feature_names_in_.tolist() == list(self.COLUMNS)
        np.testing.assert_allclose(
            pipe.predict_proba(frame), plain.predict_proba(X), rtol=TRAINED
        )

    def test_of_labels_may_be_the_targets(self, library):
        target = self.frame(library, Y, ("x", "y", "z"))
        model = make().fit(self.frame(library), target)
        np.testing.assert_array_equal(
            model.predict(self.frame(library)), make().fit(X, Y).predict(X)
        )

    @pytest.mark.parametrize(
        "dtype", ["Int64", "category", "string", "object", "boolean"]
    )
    def test_pandas_series_of_every_type_are_labels(self, dtype):
        pd = pytest.importorskip("pandas")
        plain = y > 0 if dtype == "boolean" else y
        labels = NAMES[y] if dtype in ("string", "object", "category") else plain
        series = pd.Series(labels).astype(dtype)
        model = make().fit(X, series)
        expected = make().fit(X, plain)
        np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
        assert (np.asarray(model.predict(X)) == labels).mean() > 0.8

    def test_pandas_columns_of_mixed_types_are_numbers(self):
        pd = pytest.importorskip("pandas")
        frame = self.frame("pandas")
        frame["a"] = frame["a"].astype("float32")
        frame["b"] = (frame["b"] > 0).astype(bool)
        frame["c"] = pd.Series(np.round(frame["c"])).astype("Int64")
        model = make().fit(frame, y)
        assert model.predict_proba(frame).dtype == np.float64


class TestLabels:
    """Labels of any type that scikit-learn takes."""

    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize(
        "labels",
        [
            NAMES,
            NAMES.astype(object),
            np.array([False, True, True]),
            np.array([-1, 1, 7]),
            np.array([0.0, 1.0, 2.0]),
            np.array([10**12, 10**12 + 1, 10**12 + 2]),
            np.array([200, 210, 255], np.uint8),
        ],
        ids=["str", "object", "bool", "negative", "float", "large", "uint8"],
    )
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_come_back_as_they_were(self, labels, n_classes, early_stopping):
        if labels.dtype == bool and n_classes == 3:
            return
        rows = y < n_classes
        target = labels[:n_classes][y[rows]]
        model = make(early_stopping=early_stopping).fit(X[rows], target)
        predictions = model.predict(X[rows])
        assert predictions.dtype == target.dtype
        assert model.classes_.tolist() == sorted(set(target.tolist()))
        assert (predictions == target).mean() > 0.7  # by chance 0.5 or a third
        assert model.score(X[rows], target) == (predictions == target).mean()

    def test_may_be_a_list(self):
        model = make().fit(X.tolist(), NAMES[y].tolist())
        assert model.score(X.tolist(), NAMES[y].tolist()) > 0.8

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("label", [3, "only"])
    def test_of_one_class_are_that_class(self, solver, label):
        target = np.full(len(y), label)
        model = make(solver=solver).fit(X, target)
        np.testing.assert_array_equal(model.predict(X), target)
        np.testing.assert_array_equal(model.predict_proba(X), np.ones((len(y), 1)))
        assert model.loss_ >= 0


SPARSE = [
    getattr(sparse, f"{fmt}_{kind}")
    for fmt in ("csr", "csc", "coo", "lil", "bsr")
    for kind in ("matrix", "array")
]


class TestSparse:
    """Sparse features."""

    @pytest.mark.parametrize("container", SPARSE, ids=lambda c: c.__name__)
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    def test_of_every_format_are_the_same(self, container, solver):
        X_ = np.where(abs(X) > 0.5, X, 0)
        expected = make(solver=solver).fit(sparse.csr_array(X_), y)
        model = make(solver=solver).fit(container(X_), y)
        for method in ("predict", "predict_proba", "decision_function"):
            np.testing.assert_allclose(
                getattr(model, method)(container(X_)),
                getattr(expected, method)(sparse.csr_array(X_)),
                rtol=TRAINED,
            )

    @pytest.mark.parametrize("index", [np.int32, np.int64])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
    def test_of_every_type(self, index, dtype):
        X_ = sparse.csr_array(np.round(X).astype(dtype))
        X_.indices, X_.indptr = X_.indices.astype(index), X_.indptr.astype(index)
        model = make(batch_size=20).fit(X_, y)
        floating = dtype if dtype != np.int64 else np.float64
        assert model.predict_proba(X_).dtype == floating

    def test_are_not_changed(self):
        X_ = sparse.csr_array(X)
        copy = X_.copy()
        make(batch_size=20).fit(X_, y).predict(X_)
        np.testing.assert_array_equal(X_.data, copy.data)
        np.testing.assert_array_equal(X_.indices, copy.indices)


class TestReadOnly:
    """Arrays that may not be written to."""

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("hidden", [(), (8,)])
    @pytest.mark.parametrize("batch_size", [20, 150])
    def test_memory_maps(self, tmp_path, solver, hidden, batch_size):
        maps = []
        for name, array in (("X", X), ("y", y), ("w", np.ones(len(y)))):
            np.save(tmp_path / f"{name}.npy", array)
            maps.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
        X_, y_, w = maps
        params = {
            "solver": solver,
            "hidden_layer_sizes": hidden,
            "batch_size": batch_size,
            "activation": "identity",
            "dropout": 0.1,
        }
        model = make(**params).fit(X_, y_, w, X_val=X_, y_val=y_, sample_weight_val=w)
        plain = make(**params).fit(
            X, y, np.ones(len(y)), X_val=X, y_val=y, sample_weight_val=np.ones(len(y))
        )
        np.testing.assert_array_equal(model.predict_proba(X_), plain.predict_proba(X))
        if hidden:
            np.testing.assert_array_equal(
                model.hidden_features(X_), plain.hidden_features(X)
            )

    def test_sparse(self):
        X_ = sparse.csr_array(X)
        for array in (X_.data, X_.indices, X_.indptr):
            array.setflags(write=False)
        make(batch_size=20).fit(X_, y).predict(X_)

    def test_multi_label(self):
        Y_ = Y.copy()
        Y_.setflags(write=False)
        make(batch_size=20).fit(X, Y_, X_val=X, y_val=Y_)

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_inputs_are_not_written_to(self, solver):
        arrays = X.copy(), y.copy(), np.linspace(0, 1, len(y))
        copies = [a.copy() for a in arrays]
        make(solver=solver, dropout=0.2, class_weight="balanced").fit(*arrays)
        for array, copy in zip(arrays, copies, strict=True):
            np.testing.assert_array_equal(array, copy)


class InterruptingScorer:
    """Accuracy, and Ctrl-C at one of the calls."""

    def __init__(self, at):
        self.left = at

    def __call__(self, estimator, X, y):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return estimator.score(X, y)


class InterruptingSchedule(Schedule):
    """A constant rate, and Ctrl-C at one of the calls."""

    def __init__(self, at):
        self.left = at

    def factor(self, clock):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return 1.0


class InterruptingPenalty(L2):
    """The usual penalty, and Ctrl-C at one of the calls."""

    def __init__(self, at):
        self.left = at

    def add_gradient(self, W, alpha, grad):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        super().add_gradient(W, alpha, grad)


class TestKeyboardInterrupt:
    """Ctrl-C keeps what has been reached."""

    def assert_usable(self, model):
        f = model.predict_proba(X)
        assert np.isfinite(f).all()
        np.testing.assert_allclose(f.sum(axis=1), 1, rtol=ROUNDING)
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(again.predict_proba(X), f)

    @pytest.mark.parametrize("own", [False, True])
    @pytest.mark.parametrize("at", [1, 2, 4])
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_in_a_scorer(self, solver, at, own):
        kwargs = {"X_val": X, "y_val": y} if own else {}
        model = make(
            solver=solver,
            scoring=InterruptingScorer(at),
            early_stopping=not own,
            warm_start=True,
        )
        with pytest.warns(UserWarning, match=r"interrupted.*best model"):
            model.fit(X, y, **kwargs)
        self.assert_usable(model)
        model.fit(X, y, **kwargs)
        self.assert_usable(model)

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("at", [1, 3])
    def test_in_a_scorer_leaves_curves_of_one_length(self, solver, at):
        model = make(solver=solver, scoring=InterruptingScorer(at))
        with pytest.warns(UserWarning, match="interrupted"):
            model.fit(X, y, X_val=X, y_val=y)
        assert model.n_iter_ == len(model.loss_curve_)
        assert model.n_iter_ == len(model.validation_scores_)
        assert model.n_iter_ == len(model.validation_loss_curve_)

    @pytest.mark.parametrize("at", [1, 2, 9, 20])
    @pytest.mark.parametrize("solver", STEPPERS)
    def test_in_a_schedule(self, solver, at):
        model = make(
            solver=solver,
            learning_rate=InterruptingSchedule(at),
            batch_size=30,
            warm_start=True,
        )
        with pytest.warns(UserWarning, match=r"interrupted.*last model"):
            model.fit(X, y)
        self.assert_usable(model)
        model.fit(X, y)
        self.assert_usable(model)
        assert model.score(X, y) > 0.8

    @pytest.mark.parametrize("at", [1, 2, 5, 9])
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_in_a_penalty(self, solver, at):
        model = make(
            solver=solver, penalty=InterruptingPenalty(at), batch_size=30, max_iter=20
        )
        with pytest.warns(UserWarning, match=r"interrupted.*last model"):
            model.fit(X, y)
        self.assert_usable(model)

    def test_of_lbfgs_keeps_the_last_iterate_that_was_accepted(self):
        curve = make(solver="lbfgs", max_iter=20).fit(X, y).loss_curve_
        model = make(solver="lbfgs", penalty=InterruptingPenalty(12), max_iter=20)
        with pytest.warns(UserWarning, match="interrupted"):
            model.fit(X, y)
        n = model.n_iter_
        assert 0 < n < 12
        assert model.loss_curve_ == curve[:n]
        other = make(solver="lbfgs", max_iter=n).fit(X, y)
        np.testing.assert_array_equal(model.predict_proba(X), other.predict_proba(X))

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_at_the_start_of_an_epoch_carries_on_exactly(self, solver):
        # One batch an epoch: the schedule is asked twice in each, first at its start.
        schedule = InterruptingSchedule(7)
        parts = make(solver=solver, learning_rate=schedule, warm_start=True)
        with pytest.warns(UserWarning, match="interrupted in epoch 4"):
            parts.fit(X, y)
        assert parts.n_iter_ == 3
        parts.set_params(max_iter=5).fit(X, y)
        whole = make(solver=solver).fit(X, y)
        np.testing.assert_array_equal(parts.predict_proba(X), whole.predict_proba(X))
        assert parts.loss_curve_ == whole.loss_curve_

    def test_in_partial_fit_is_a_warning_too(self):
        model = make(penalty=InterruptingPenalty(3), batch_size=30)
        with pytest.warns(UserWarning, match="interrupted"):
            model.partial_fit(X, y, classes=[0, 1, 2])
        self.assert_usable(model)
