"""The examples run on their own, without a warning, and show what they claim."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
ROOT = EXAMPLES.parent

# Runs a script as its user would, but counts its pictures where he would look at them.
GALLERY = """
import runpy, sys
import matplotlib.pyplot as plt

plt.show = lambda: None
runpy.run_path(sys.argv[1], run_name="__main__")
for number in plt.get_fignums():
    plt.figure(number).canvas.draw()
print(len(plt.get_fignums()), "pictures")
"""


def python(*args, status=0):
    """Run Python with warnings as errors; return its output and its errors."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", *map(str, args)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ
        | {"MPLBACKEND": "Agg", "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}
        | threads,
        timeout=300,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def gallery(name, n_pictures):
    """Run an example of the gallery; return what it prints."""
    pytest.importorskip("matplotlib")
    out, err = python("-c", GALLERY, EXAMPLES / name)
    assert err == ""
    assert out.endswith(f"{n_pictures} pictures\n")
    return out


def rows(out, first):
    """Return the lines that begin so, split at their spaces."""
    return [line.split() for line in out.splitlines() if re.match(first, line)]


def test_logic_gates():
    out = gallery("plot_logic_gates.py", 2)
    verdicts = {(row[0], row[1]): row[-1] for row in rows(out, "AND|OR|XOR +[2n]")}
    assert verdicts == {
        ("AND", "none"): "yes",
        ("OR", "none"): "yes",
        ("XOR", "none"): "no",
        ("XOR", "2"): "yes",
    }
    (flat,) = rows(out, "XOR +none")
    assert flat[2:7] == ["0.500"] * 4 + ["0.693"]
    assert "without a hidden layer: 100%" in out
    learned = [int(row[-1]) for row in rows(out, r"\d hidden")]
    assert learned[0] == 0  # one neuron is not enough
    assert learned == sorted(learned)
    assert learned[-1] == 50


def test_universal_approximation():
    out = gallery("plot_universal_approximation.py", 1)
    table = rows(out, r" +\d+ ")
    assert [int(row[0]) for row in table] == [1, 2, 4, 8, 16, 64]
    assert [int(row[1]) for row in table] == [4 * k + 1 for k in (1, 2, 4, 8, 16, 64)]
    training, test = ([float(row[i].rstrip("%")) for row in table] for i in (3, 4))
    assert training[0] < 75
    assert test[0] < 75
    assert training[-1] == 100
    assert test[-1] > 98


def test_pipeline_grid_search():
    pytest.importorskip("pandas")
    out = gallery("plot_pipeline_grid_search.py", 2)
    assert "NaN" in out
    assert not rows(out, r" +hidden_layer_sizes +\(\)")
    found, alarms = {}, {}
    for name, _, part, false in rows(out, "None|balanced"):
        found[name], alarms[name] = (float(x.rstrip("%")) for x in (part, false))
    assert found["balanced"] > found["None"]
    assert alarms["balanced"] > alarms["None"]


def test_training():
    out = gallery("plot_training.py", 7)
    table = rows(out, "(too )?(slow|good|fast) +[0-9.e-]+ +[0-9.]+ +[0-9.]+%")
    accuracy = {row[-4]: float(row[-1].rstrip("%")) for row in table}
    loss = {row[-4]: float(row[-2]) for row in table}
    assert accuracy["good"] > 95
    assert max(accuracy["slow"], accuracy["fast"]) < 30
    assert min(loss["slow"], loss["fast"]) > 2
    (fast,), (good,) = rows(out, "too fast +[0-9]+ of"), rows(out, "good +[0-9]+ of")
    assert fast[-3:] == ["32", "of", "32"]  # no gradient comes past the second layer
    assert int(good[-3]) < 16
    (stopped,) = rows(out, "Stopped")
    assert int(stopped[-1]) + 41 == int(stopped[2])  # patience, and one
    assert float(rows(out, "Iris")[0][-2].rstrip("%")) > 94


@pytest.fixture
def images(tmp_path):
    """Write a file like MNIST's, of images that are bright on one side."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in ("train", 400), ("test", 100):
        y = rng.integers(2, size=n).astype(np.uint8)
        X = rng.integers(100, size=(n, 28, 28), dtype=np.uint8)
        X[y == 0, :, :14] += 100
        X[y == 1, :, 14:] += 100
        arrays |= {f"X_{part}": X, f"y_{part}": y}
    path = tmp_path / "images.npz"
    np.savez(path, **arrays)
    return path


def test_mnist(images):
    out, err = python(EXAMPLES / "mnist.py", "--npz", images, "--epochs", 3)
    assert err == ""
    assert "400 training images, 100 test images" in out
    assert re.search(r"epochs +3\nseconds +[\d.]+\ntest accuracy +100.00%\n$", out)


def test_mnist_without_a_file_is_one_line(tmp_path):
    path = tmp_path / "images.npz"
    out, err = python(EXAMPLES / "mnist.py", "--npz", path, status=2)
    assert out == ""
    assert err == f"mnist.py: no such file: {path}\n"


@pytest.fixture
def mnist():
    """Import the script as a module."""
    spec = importlib.util.spec_from_file_location("mnist", EXAMPLES / "mnist.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("content", ["empty", "text", "archive", "array", "folder"])
def test_mnist_of_another_file_is_one_line(mnist, tmp_path, capsys, content):
    path = tmp_path / "images.npz"
    if content == "archive":
        np.savez(path, X_train=np.zeros(3))
    elif content == "array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif content == "folder":
        path.mkdir()
    else:
        path.write_text("" if content == "empty" else content)
    assert mnist.main(["--npz", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert str(path) in err


def test_mnist_is_downloaded_with_its_official_split(mnist, monkeypatch):
    def fetch(name, **kwargs):
        assert name == "mnist_784"
        return np.arange(70000)[:, np.newaxis], np.arange(70000).astype(str)

    monkeypatch.setattr(mnist, "fetch_openml", fetch)
    X_train, y_train, X_test, y_test = mnist.load(None)
    assert X_train[-1, 0] == int(y_train[-1]) == 59999
    assert X_test[0, 0] == int(y_test[0]) == 60000
    assert len(X_test) == len(y_test) == 10000


def test_mnist_without_a_connection_is_one_line(mnist, monkeypatch, capsys):
    def fetch(name, **kwargs):
        raise OSError("no connection")

    monkeypatch.setattr(mnist, "fetch_openml", fetch)
    assert mnist.main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "no connection" in err
