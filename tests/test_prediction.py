"""predict_log_proba, decision_function and hidden_features."""

import numpy as np
import pytest
from helpers import ROUNDING, X, Y, maker, y
from sklearn.datasets import make_classification

from skffnn import ACTIVATIONS

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
    """Logits and hidden features."""

    def test_of_many_classes_are_the_logits_of_softmax(self):
        model = make().fit(X, y)
        e = np.exp(model.decision_function(X))
        f = e / e.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(model.predict_proba(X), f, rtol=ROUNDING)

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
        np.testing.assert_allclose(model.decision_function(X), logits, rtol=ROUNDING)

    @pytest.mark.parametrize("sizes", [(), (4,), (4, 4)])
    def test_a_layer_that_does_not_exist_is_an_error(self, sizes):
        model = make(hidden_layer_sizes=sizes).fit(X, y)
        for layer in (len(sizes), -len(sizes) - 1, 0.0, None):
            with pytest.raises(ValueError, match="layer"):
                model.hidden_features(X, layer=layer)
