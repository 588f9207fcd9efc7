"""Invalid features raise a clear error."""

import numpy as np
import pytest
from helpers import STEPPERS, X, assert_untouched, maker, snapshot, y
from scipy import sparse
from sklearn.exceptions import NotFittedError

make = maker(hidden_layer_sizes=(8, 4), max_iter=3)


class TestInvalidFeatures:
    """Invalid features."""

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_that_are_not_finite(self, value, container):
        X_ = X.copy()
        X_[3, 1] = value
        message = "NaN" if np.isnan(value) else "infinity"
        model = make().fit(X, y)
        before, predictions = snapshot(model), model.predict_proba(X)
        for function, args in [
            (model.fit, (container(X_), y)),
            (model.partial_fit, (container(X_), y)),
            (model.predict, (container(X_),)),
            (model.predict_proba, (container(X_),)),
            (model.decision_function, (container(X_),)),
            (model.hidden_features, (container(X_),)),
        ]:
            with pytest.raises(ValueError, match=message):
                function(*args)
        with pytest.raises(ValueError, match=message):
            model.fit(X, y, X_val=container(X_), y_val=y)
        assert_untouched(model, before, predictions)

    @pytest.mark.parametrize(
        "wrong",
        [X[0], X[:, :, None], X[:0], X[:, :0], np.full(X.shape, "a"), 5.0, X * 1j],
        ids=lambda a: f"{np.asarray(a).dtype}{np.shape(a)}",
    )
    def test_of_another_shape_or_kind(self, wrong):
        with pytest.raises((ValueError, TypeError)):
            make().fit(wrong, y[: len(np.atleast_1d(wrong))])

    @pytest.mark.parametrize(
        "method", ["predict", "predict_proba", "decision_function"]
    )
    def test_of_another_number(self, method):
        model = make().fit(X, y)
        with pytest.raises(ValueError, match=r"3 features.*expecting 4 features"):
            getattr(model, method)(X[:, :3])

    def test_of_another_length_than_the_labels(self):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            make().fit(X, y[:-1])

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("solver", STEPPERS)
    @pytest.mark.parametrize("dtype", ["float32", "auto"])
    def test_too_large_for_float32(self, dtype, container, solver):
        X_ = X.copy()
        X_[3, 1] = 1e39
        model = make(solver=solver, dtype=dtype, batch_size=10).fit(X, y)
        before, predictions = snapshot(model), model.predict_proba(X)
        with pytest.raises(ValueError, match=r"too large for float32.*float64"):
            model.fit(container(X_), y)
        assert_untouched(model, before, predictions)

    def test_too_large_for_float32_in_the_validation_set(self):
        X_ = X.copy()
        X_[3, 1] = 1e39
        with pytest.raises(ValueError, match=r"too large for float32"):
            make(batch_size=10).fit(X, y, X_val=X_, y_val=y)

    def test_before_fit(self):
        for method in ("predict", "predict_proba", "decision_function"):
            with pytest.raises(NotFittedError):
                getattr(make(), method)(X)
        with pytest.raises(NotFittedError):
            make().hidden_features(X)
