"""Arrays of other libraries: converted, or rejected under array API dispatch."""

import importlib

import numpy as np
import pytest
import scipy
from helpers import X, maker, parameters, y
from packaging.version import Version
from sklearn import config_context

from skffnn import (
    AveragedClassifier,
    AveragedRegressor,
    FFNNRegressor,
    GapImputer,
    RobustSmoothScaler,
)

make = maker(max_iter=2)
W = np.ones(len(y))
# scikit-learn dispatches only with newer versions of SciPy.
dispatches = pytest.mark.skipif(
    Version(scipy.__version__) < Version("1.14"), reason="needs SciPy 1.14"
)
FITTED = make().fit(X, y)
NUMBERS = FFNNRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0)
NUMBERS.fit(X, X[:, 0])
ADVICE = {
    "torch": r"it is a torch.Tensor. Pass {0}.numpy\(\), or {0}.cpu\(\).numpy\(\)",
    "array_api_strict": r"it is a array_api_strict\..*Pass numpy.asarray\({0}\)",
}

# Calls with another library's arrays, and the argument that the error names.
CALLS = {
    "fit X": ("X", lambda a: make().fit(a(X), y)),
    "fit all": ("X", lambda a: make().fit(a(X), a(y), a(W))),
    "fit y": ("y", lambda a: make().fit(X, a(y))),
    "fit weights": ("sample_weight", lambda a: make().fit(X, y, a(W))),
    "fit X_val": ("X_val", lambda a: make().fit(X, y, X_val=a(X), y_val=y)),
    "fit y_val": ("y_val", lambda a: make().fit(X, y, X_val=X, y_val=a(y))),
    "partial_fit": ("X", lambda a: make().partial_fit(a(X), y, classes=[0, 1, 2])),
    "predict": ("X", lambda a: FITTED.predict(a(X))),
    "predict_proba": ("X", lambda a: FITTED.predict_proba(a(X))),
    "hidden_features": ("X", lambda a: FITTED.hidden_features(a(X))),
    "score": ("y", lambda a: FITTED.score(a(X), a(y))),
    "score weights": ("sample_weight", lambda a: FITTED.score(X, y, a(W))),
    "numbers fit": ("y", lambda a: NUMBERS.fit(X, a(X[:, 0]))),
    "numbers predict": ("X", lambda a: NUMBERS.predict(a(X))),
    "numbers score": ("y", lambda a: NUMBERS.score(X, a(X[:, 0]))),
    "average": ("X", lambda a: AveragedClassifier(make()).fit(a(X), y)),
    "average of numbers": ("y", lambda a: AveragedRegressor().fit(X, a(X[:, 0]))),
    "scaler": ("X", lambda a: RobustSmoothScaler().fit(a(X))),
    "gaps": ("X", lambda a: GapImputer().fit(a(X))),
}


@pytest.fixture(params=ADVICE)
def library(request):
    """Return an array library."""
    pytest.importorskip(request.param)
    return importlib.import_module(request.param)


@dispatches
@pytest.mark.parametrize("call", CALLS)
def test_under_dispatch_one_error_says_what_to_do(call, library, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    name, function = CALLS[call]
    message = ADVICE[library.__name__].format(name)
    with (
        config_context(array_api_dispatch=True),
        pytest.raises(TypeError, match=message),
    ):
        function(library.asarray)


def test_without_dispatch_they_are_converted(library):
    def a(array):
        return library.asarray(array)

    model = make().fit(a(X), a(y), a(W), X_val=a(X), y_val=a(y))
    expected = make().fit(X, y, W, X_val=X, y_val=y)
    np.testing.assert_array_equal(parameters(model), parameters(expected))
    np.testing.assert_array_equal(model.predict_proba(a(X)), model.predict_proba(X))
    assert model.score(a(X), a(y)) == model.score(X, y)


@dispatches
def test_dispatch_changes_nothing_for_other_input(monkeypatch):
    pd = pytest.importorskip("pandas")
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    with config_context(array_api_dispatch=True):
        model = make().fit(X.tolist(), y, 1.0)
        frame = make().fit(pd.DataFrame(X), pd.Series(y))
    for one in (model, frame):
        np.testing.assert_array_equal(parameters(one), parameters(make().fit(X, y)))
