"""predict_log_proba, decision_function and hidden_features."""

import numpy as np
import pytest
from helpers import ROUNDING, X, Y, maker, y
from scipy.special import log_softmax
from scipy.stats import rankdata
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score, get_scorer, roc_auc_score

from skffnn import ACTIVATIONS, AveragedClassifier

make = maker(max_iter=5)

X2, y2 = make_classification(120, 6, flip_y=0.2, random_state=0)


class TestPredictLogProba:
    """Logarithms of probabilities."""

    @pytest.mark.parametrize("target", ["binary", "multi-class", "multi-label"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_no_class_is_certain_or_impossible(self, target, dtype):
        X_, y_ = {"binary": (X2, y2), "multi-class": (X, y), "multi-label": (X, Y)}[
            target
        ]
        model = make().fit(X_, y_)
        far = (X_ * 1e7).astype(dtype)
        f, log_f = model.predict_proba(far), model.predict_log_proba(far)
        smallest = np.nextafter(dtype(0), dtype(1))
        largest = np.nextafter(dtype(1), dtype(0))
        assert f.min() == smallest  # where it would round to 0
        assert f.max() == largest
        assert log_f.min() == np.log(smallest)
        assert f.dtype == log_f.dtype == dtype
        if target != "multi-label":
            np.testing.assert_allclose(f.sum(axis=1), 1, rtol=np.finfo(dtype).eps)

    @pytest.mark.parametrize("target", ["binary", "multi-class", "multi-label"])
    def test_is_the_logarithm(self, target):
        X_, y_ = {"binary": (X2, y2), "multi-class": (X, y), "multi-label": (X, Y)}[
            target
        ]
        model = make().fit(X_, y_)
        expected = np.log(model.predict_proba(X_))
        np.testing.assert_allclose(
            model.predict_log_proba(X_), expected, rtol=ROUNDING, atol=1e-14
        )


class TestDecisionFunction:
    """Scores of classes, and hidden features."""

    def test_of_many_classes_are_log_probabilities(self):
        model = make(hidden_layer_sizes=()).fit(X, y)
        logits = X @ model.coefs_[0] + model.intercepts_[0]
        scores = model.decision_function(X)
        np.testing.assert_allclose(scores, log_softmax(logits, axis=1), rtol=ROUNDING)
        np.testing.assert_array_equal(scores, model.predict_log_proba(X))
        np.testing.assert_array_equal(scores.argmax(axis=1), model.predict(X))

    @pytest.mark.parametrize("average", [False, True])
    def test_of_many_classes_rank_rows_as_probabilities_do(self, average):
        model = AveragedClassifier(make(), n_networks=2) if average else make()
        model.fit(X, y)
        expected = average_precision_score(y, model.predict_proba(X))
        assert get_scorer("average_precision")(model, X, y) == expected

    def test_of_two_classes_is_the_log_odds_of_the_second(self):
        model = make().fit(X2, y2)
        f = 1 / (1 + np.exp(-model.decision_function(X2)))
        np.testing.assert_allclose(model.predict_proba(X2)[:, 1], f, rtol=ROUNDING)
        np.testing.assert_array_equal(
            model.predict(X2), model.classes_[(model.decision_function(X2) > 0) * 1]
        )

    def test_of_labels_are_the_log_odds_of_each(self):
        model = make().fit(X, Y)
        f = 1 / (1 + np.exp(-model.decision_function(X)))
        np.testing.assert_allclose(model.predict_proba(X), f, rtol=ROUNDING)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("average", [False, True])
    def test_of_labels_tie_where_probabilities_do(self, average, dtype):
        model = make(hidden_layer_sizes=(), max_iter=1)
        if average:
            model = AveragedClassifier(model, n_networks=2, calibrate=False)
        model.fit(X, Y)
        for network in getattr(model, "estimators_", [model]):
            network.coefs_[0][...] = np.eye(*network.coefs_[0].shape)
            network.intercepts_[0][...] = 0
        # Probabilities of close logits round to the same number, near 1 and near 0.
        a = np.concatenate([[-900, -800, 700, 900], np.linspace(-50, 50, 1001)])
        rows = np.tile(a[:, np.newaxis], X.shape[1]).astype(dtype)
        f, scores = model.predict_proba(rows), model.decision_function(rows)
        assert len(np.unique(f[:, 0])) < len(a)
        np.testing.assert_array_equal(rankdata(scores, axis=0), rankdata(f, axis=0))
        np.testing.assert_array_equal(scores > 0, model.predict(rows))
        labels = np.tile(np.arange(len(a)) % 2, (Y.shape[1], 1)).T
        assert roc_auc_score(labels, scores) == roc_auc_score(labels, f)

    @pytest.mark.parametrize("name", ACTIVATIONS)
    def test_hidden_features_are_the_recursion(self, name):
        model = make(hidden_layer_sizes=(7, 6, 5), activation=name).fit(X, y)
        h, g = X, ACTIVATIONS[name]()
        for k in range(3):
            a = h @ model.coefs_[k] + model.intercepts_[k]
            h = np.empty_like(a)
            g.forward(a, h)
            for layer in (k, k - 3):
                np.testing.assert_allclose(
                    model.hidden_features(X, layer=layer), h, rtol=ROUNDING
                )
        logits = h @ model.coefs_[3] + model.intercepts_[3]
        log_f = log_softmax(logits, axis=1)
        np.testing.assert_allclose(model.decision_function(X), log_f, rtol=ROUNDING)

    @pytest.mark.parametrize("sizes", [(), (4,), (4, 4)])
    def test_a_layer_that_does_not_exist_is_an_error(self, sizes):
        model = make(hidden_layer_sizes=sizes).fit(X, y)
        for layer in (len(sizes), -len(sizes) - 1, 0.0, None):
            with pytest.raises(ValueError, match="layer"):
                model.hidden_features(X, layer=layer)
