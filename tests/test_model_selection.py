"""FFNNClassifier in scikit-learn's searches, learning curves and ensembles."""

import numpy as np
import pytest
from helpers import STEPPERS, X, Y, maker, y
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skffnn import ACTIVATIONS, INITIALIZERS, PENALTIES, SCHEDULES, SOLVERS

make = maker(max_iter=8, learning_rate_init=0.05)

X2, y2 = make_classification(120, 5, flip_y=0.2, weights=[0.7], random_state=0)

NAMES = np.array(["setosa", "versicolor", "virginica"])


class TestModelSelection:
    """Searches, learning curves and cross-validation."""

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
            np.testing.assert_allclose(f.sum(axis=1), 1, rtol=1e-12)
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
    """FFNNClassifier inside meta-estimators."""

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
