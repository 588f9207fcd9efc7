"""The HTML representation of an estimator, and its link to the documentation."""

import pytest
from helpers import X, maker, y
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skffnn import AveragedClassifier, RobustSmoothScaler, TableEncoder

make = maker(max_iter=8, learning_rate_init=0.05)
SITE = "https://skffnn.readthedocs.io/en/stable"


def test_the_html_shows_what_differs_from_the_default():
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
def test_the_html_links_to_the_documentation(estimator):
    page = f"{SITE}/api/generated/skffnn.{type(estimator).__name__}.html"
    assert page in estimator._repr_html_()
