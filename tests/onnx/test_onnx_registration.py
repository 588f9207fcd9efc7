"""Conversion in a new process, where nothing has registered the converters."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("skl2onnx")

CODE = """
import skl2onnx
from sklearn.datasets import load_iris
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import make_pipeline
from skffnn import FFNNClassifier, RobustSmoothScaler
X, y = load_iris(return_X_y=True)
network = FFNNClassifier((), solver="lbfgs", alpha=1.0)
model = {model}.fit(X, y)
{before}
skl2onnx.to_onnx(model, X[:1])
"""
VOTING = (
    "VotingClassifier([('a', network), ('b', network)], voting='soft', "
    "flatten_transform=False)"
)


def convert(model, before=""):
    """Return the error message of a conversion in a new process."""
    return subprocess.run(
        [sys.executable, "-c", CODE.format(model=model, before=before)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    ).stderr


@pytest.mark.parametrize(
    "model", ["network", "make_pipeline(network)", "RobustSmoothScaler()"]
)
def test_without_converters_the_error_names_the_call(model):
    assert "Call skffnn.onnx.register() before the conversion" in convert(model)


@pytest.mark.parametrize("model", ["network", VOTING])
def test_importing_the_module_registers_them(model):
    assert not convert(model, "import skffnn.onnx")
