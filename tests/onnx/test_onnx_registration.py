"""Conversion in a new process, where nothing has registered the converters."""

import pytest

pytest.importorskip("skl2onnx")

CODE = """
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import make_pipeline
from skffnn import FFNNClassifier, RobustSmoothScaler
X, y = load_iris(return_X_y=True)
network = FFNNClassifier((), solver="lbfgs", alpha=1.0).fit(X, y)
for model in (network, make_pipeline(network), RobustSmoothScaler().fit(X)):
    try:
        to_onnx(model, X[:1])
    except Exception as error:
        print("Call skffnn.onnx.register() before the conversion" in str(error))
import skffnn.onnx
pair = VotingClassifier(
    [("a", network), ("b", network)], voting="soft", flatten_transform=False
)
for model in (network, pair.fit(X, y)):
    to_onnx(model, X[:1])
    print("converted")
"""


def test_the_error_names_the_call_and_importing_the_module_registers(python):
    done = python(CODE)
    assert done.stdout.split() == ["True"] * 3 + ["converted"] * 2, done.stderr
