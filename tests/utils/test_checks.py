"""Rows for a prediction are validated like those of scikit-learn's estimators."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skffnn import FFNNClassifier, RobustSmoothScaler

X = np.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.fixture(params=["pandas", "polars"])
def frame(request):
    return pytest.importorskip(request.param).DataFrame


@pytest.fixture
def models(frame):
    """Our classifier and one of scikit-learn, fitted to named columns."""
    table = frame({"a": X[:, 0], "b": X[:, 1]})
    ours = FFNNClassifier(2, max_iter=1, random_state=0)
    return [model.fit(table, [0, 1]) for model in (ours, LogisticRegression())]


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"b": [1.0], "a": [2.0]}, "same order"),
        ({"a": [1.0], "c": [2.0]}, "unseen at fit time"),
        ({"a": [1.0]}, "missing"),
        ({"a": [1.0], "b": [2.0], "c": [3.0]}, "unseen at fit time"),
        ({"a": [1.0], "b": [np.nan]}, "NaN"),
        ({"a": [1.0], "b": [np.inf]}, "infinity"),
    ],
)
def test_the_errors_are_those_of_scikit_learn(frame, models, columns, error):
    messages = []
    for model in models:
        with pytest.raises(ValueError, match=error) as raised:
            model.predict(frame(columns))
        messages.append(str(raised.value).replace(type(model).__name__, "model"))
    assert messages[0] == messages[1]


def test_rows_without_names_for_a_model_with_names_are_warned_of(models):
    with pytest.warns(UserWarning, match="feature names"):
        models[0].predict(X)


def test_the_check_for_infinity_does_not_warn():
    model = FFNNClassifier(2, max_iter=1, random_state=0).fit(X, [0, 1])
    with pytest.raises(ValueError, match="infinity"):
        model.predict([[np.inf, -np.inf]])


def test_gaps_are_allowed_where_they_are():
    x = np.array([[np.nan, 2.0]])
    assert np.isnan(RobustSmoothScaler().fit(X).transform(x)[0, 0])
