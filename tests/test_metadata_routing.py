"""Metadata routing of weights and validation sets through meta-estimators."""

import numpy as np
import pytest
from helpers import X, maker, y
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

make = maker(max_iter=8, learning_rate_init=0.05)


class TestMetadataRouting:
    """Weights and validation sets are passed through meta-estimators."""

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
            "coef_init",
            "intercept_init",
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
