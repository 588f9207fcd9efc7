"""The examples that the gallery shows without running them."""

import asyncio
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


# With warnings as errors.
SCRIPT = """
import runpy, sys, warnings
warnings.simplefilter("error")
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(*args):
    """Run Python and return its output."""
    path = os.pathsep.join(
        filter(None, [str(EXAMPLES.parent), os.environ.get("PYTHONPATH")])
    )
    done = subprocess.run(
        [sys.executable, *map(str, args)],
        capture_output=True,
        encoding="utf-8",
        env=os.environ
        | {"MPLBACKEND": "Agg", "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(out, first):
    """Return the lines that match at their start, split at spaces."""
    return [line.split() for line in out.splitlines() if re.match(first, line)]


def numbers(row):
    """Return the numbers in a split line, in order."""
    return [
        float(word.rstrip("%")) for word in row if re.fullmatch(r"-?[\d.]+%?", word)
    ]


def test_optuna_pruning():
    pytest.importorskip("optuna")
    pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")
    out = run("-W", "error", EXAMPLES / "optuna_pruning.py")
    whole, pruned = map(numbers, rows(out, "none|median"))
    assert whole[0] == 0 < pruned[0]
    assert pruned[1] < 0.8 * whole[1]
    assert abs(whole[2] - pruned[2]) < 2


def test_mlflow_tracking(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")
    monkeypatch.chdir(tmp_path)
    out = run(EXAMPLES / "mlflow_tracking.py")
    table = rows(out, r"0\.\d+ +FINISHED")
    assert len(table) == 6
    for rate, _, epochs, first, last, _ in table:
        assert epochs == "20"
        assert float(last) < float(first)
        assert float(rate) < 0.01 or float(last) < 0.2


@pytest.fixture
def images(tmp_path):
    """Write a file like MNIST's: images bright on one side, three labels wrong."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in ("train", 400), ("test", 100):
        y = rng.integers(2, size=n).astype(np.uint8)
        X = rng.integers(100, size=(n, 28, 28), dtype=np.uint8)
        X[y == 0, :, :14] += 100
        X[y == 1, :, 14:] += 100
        arrays |= {f"X_{part}": X, f"y_{part}": y}
    arrays["y_test"][:3] ^= 1
    path = tmp_path / "images.npz"
    np.savez(path, **arrays)
    return path


def test_mnist(images, tmp_path, python):
    pytest.importorskip("matplotlib")
    folder = tmp_path / "new" / "pictures"
    args = "--npz", images, "--epochs", 3, "--save", folder
    done = python(SCRIPT, EXAMPLES / "mnist.py", *args)
    assert done.returncode == 0, done.stderr
    out = done.stdout
    assert "400 training images, 100 test images" in out
    assert re.search(r"epochs +3\nseconds +[\d.]+\ntest accuracy +97.00%\n", out)
    assert re.search(r"mistakes +3\n", out)
    confusion, mistakes = sorted(folder.iterdir())
    assert confusion.name == "mnist_confusion.svg"
    assert mistakes.read_text(encoding="utf-8").count("<image ") == 3


@pytest.mark.parametrize("content", [None, "", "text"])
def test_mnist_of_another_file_is_one_line(tmp_path, capsys, content):
    path = tmp_path / "images.npz"
    if content is not None:
        path.write_text(content)
    main = runpy.run_path(str(EXAMPLES / "mnist.py"))["main"]
    assert main(["--npz", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert str(path) in err


@pytest.fixture
def served(tmp_path):
    """Return a tabular pipeline, and the two files that its application needs."""
    for library in ("fastapi", "httpx", "polars", "pandas", "skl2onnx", "onnxruntime"):
        pytest.importorskip(library)
    import pandas as pd
    import skl2onnx

    import skffnn
    import skffnn.onnx

    table = pd.DataFrame(
        {
            "size": [1.5, None, 3.0, 4.0] * 20,
            "colour": ["red", "red", None, "blue"] * 20,
        }
    )
    model = skffnn.make_tabular_classifier(max_iter=2, boosting=False, random_state=0)
    model.fit(table, [0, 0, 1, 1] * 20)
    skffnn.save(model, tmp_path / "model.skffnn")
    skffnn.onnx.register()
    types = skffnn.onnx.initial_types(table)
    graph = skl2onnx.to_onnx(model, initial_types=types, options={"zipmap": False})
    (tmp_path / "model.onnx").write_bytes(graph.SerializeToString())
    return model, table, tmp_path


@pytest.mark.parametrize("name", ["model.skffnn", "model.onnx"])
def test_serve(served, name):
    import httpx

    model, table, folder = served
    application = runpy.run_path(str(EXAMPLES / "serve.py"))["application"]
    app = httpx.ASGITransport(app=application(str(folder / name)))

    async def answer(rows):
        async with httpx.AsyncClient(transport=app, base_url="http://app") as client:
            return await client.post("/predict", json=rows)

    rows = [
        {"size": 1.5, "colour": "red"},
        {"colour": "red", "size": None},
        {"size": 3},
    ]
    response = asyncio.run(answer(rows))
    assert response.status_code == 200
    np.testing.assert_allclose(
        response.json(), model.predict_proba(table[:3]), rtol=0, atol=1e-6
    )
    for wrong in [], [{"size": "large"}], {"size": 1}, [[1.5, "red"]]:
        assert asyncio.run(answer(wrong)).status_code == 422
