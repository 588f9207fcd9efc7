"""The examples run on their own, without warnings, and show what they claim."""

import asyncio
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

# Runs a script like a user, but counts its figures instead of showing them.
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
    """Run Python with warnings as errors; return its stdout and stderr."""
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
    """Run an example of the gallery and return its output."""
    pytest.importorskip("matplotlib")
    out, err = python("-c", GALLERY, EXAMPLES / name)
    assert err == ""
    assert out.endswith(f"{n_pictures} pictures\n")
    return out


def rows(out, first):
    """Return the lines that match at their start, split at spaces."""
    return [line.split() for line in out.splitlines() if re.match(first, line)]


def numbers(row):
    """Return the numbers in a split line, in order."""
    return [
        float(word.rstrip("%")) for word in row if re.fullmatch(r"-?[\d.]+%?", word)
    ]


# Building the site runs these too. The tests check their results.
in_the_gallery = pytest.mark.only_long


@in_the_gallery
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
    learned = [int(row[-1]) for row in rows(out, r"\d hidden")]
    assert learned[0] == 0  # one neuron is not enough
    assert 0 < learned[1] < 50  # two are enough only for some initial values
    assert learned == sorted(learned)
    assert learned[-1] == 50


@in_the_gallery
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


@in_the_gallery
def test_quantile_bands():
    out = gallery("plot_quantile_bands.py", 1)
    for row in rows(out, r" +0\.\d+ "):
        level, below = numbers(row)
        assert abs(level - below) < 0.03
    for row in rows(out, "in the band"):
        assert 87 < numbers(row)[-1] < 95


@in_the_gallery
def test_counts():
    out = gallery("plot_counts.py", 1)
    (squared,), (poisson,) = rows(out, "squared_error"), rows(out, "poisson")
    assert numbers(squared)[0] < 0 < numbers(poisson)[0]
    assert (np.array(numbers(squared)[1:]) > numbers(poisson)[1:]).all()


@in_the_gallery
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


@in_the_gallery
def test_training():
    out = gallery("plot_training.py", 7)
    table = rows(out, "(too )?(slow|good|fast) +[0-9.e-]+ +[0-9.]+ +[0-9.]+%")
    accuracy = {row[-4]: float(row[-1].rstrip("%")) for row in table}
    loss = {row[-4]: float(row[-2]) for row in table}
    assert accuracy["good"] > 95
    assert max(accuracy["slow"], accuracy["fast"]) < 30
    assert min(loss["slow"], loss["fast"]) > 2
    (fast,), (good,) = rows(out, "too fast +[0-9]+ of"), rows(out, "good +[0-9]+ of")
    assert fast[-3:] == ["32", "of", "32"]  # no gradient gets past the second layer
    assert int(good[-3]) < 16
    (stopped,) = rows(out, "Stopped")
    assert int(stopped[-1]) + 41 == int(stopped[2])  # n_iter_no_change, and one
    assert float(rows(out, "Iris")[0][-2].rstrip("%")) > 94


@in_the_gallery
def test_feature_space():
    out = gallery("plot_feature_space.py", 2)
    (of_x,), (of_h,) = map(numbers, rows(out, "[xh] "))
    assert of_x < 70
    assert of_h > 97
    spaces = [numbers(row)[-2:] for row in rows(out, "pixels|hidden layer")]
    whole, plane = zip(*spaces, strict=True)
    assert list(whole) == sorted(whole)
    assert whole[-1] > 95
    assert plane[0] + 10 < plane[-1]


@in_the_gallery
def test_alpha():
    out = gallery("plot_alpha.py", 2)
    table = [numbers(row) for row in rows(out, r" +[\d.e-]+ +\d\.\d+ +\d")]
    training, test = ([row[i] for row in table] for i in (-2, -1))
    assert len(table) == 6
    assert training == sorted(training)  # it always increases
    best = min(test)
    assert 0 < test.index(best) < 5  # neither the weakest nor the strongest
    assert test[0] > 1.5 * best
    assert numbers(rows(out, " +truth")[0])[0] < best
    lowest = rows(out, "lowest test loss")[0]
    assert 1e-4 < float(lowest[-1]) < 1e-1


@in_the_gallery
def test_solvers_and_schedules():
    out = gallery("plot_solvers_and_schedules.py", 2)
    # training loss, test log loss and test accuracy
    plain, momentum, adam, lbfgs = map(last_three, rows(out, "sgd|adam|lbfgs"))
    low, high, *plans = map(last_three, rows(out, r"[a-z_]+, 0\.\d+ +\d\.\d+ "))
    assert plain[0] > 1.3 * max(momentum[0], adam[0], lbfgs[0])
    for training_loss, test_loss, accuracy in plans:
        assert training_loss < 0.8 * min(low[0], high[0])
        assert test_loss < min(low[1], high[1])
        assert accuracy > 97
    steady, jumps, *falls = (
        int(row[-1]) for row in rows(out, r"[a-z_]+, 0\.\d+ +\d+$")
    )
    assert steady == 0
    assert jumps > max(falls)


def last_three(row):
    """Return the numbers at the end of a line."""
    return numbers(row)[-3:]


@in_the_gallery
def test_learning_curves():
    out = gallery("plot_learning_curves.py", 2)
    names = "logistic", "nearest", "support", "FFNN"
    curves = {name: list(map(numbers, rows(out, name))) for name in names}
    logistic, nearest, support, network = (np.array(curves[n][0]) for n in names)
    assert network[0] < logistic[0]
    assert (network[3:] > logistic[3:]).all()
    logistic, nearest, support, network = (np.array(curves[n][1]) for n in names)
    assert (abs(logistic - 50) < 4).all()
    assert (network > logistic + 5).all()
    assert (network > nearest + 5).all()
    assert (network[:3] < support[:3] - 5).all()
    assert (abs(network[-2:] - support[-2:]) < 2).all()
    (training,), (validation,) = (
        map(numbers, rows(out, "training")),
        map(numbers, rows(out, "validation")),
    )
    assert max(training) < 0.1
    assert validation[0] > np.log(2)
    assert validation[-1] < validation[-2] < validation[-3]


@in_the_gallery
def test_peers():
    out = gallery("plot_peers.py", 1)
    names = "logistic", "gradient", "support", "MLP", "FFNN"
    line, arcs, rings = (
        np.array([numbers(rows(out, f"{name}.* {points} ")[0]) for name in names])
        for points in ("line", "arcs", "rings")
    )
    for points in line, arcs, rings:  # the same objective and starting point
        (accuracy, loss), (their_accuracy, their_loss) = points[4], points[3]
        assert abs(accuracy - their_accuracy) < 1
        assert abs(loss - their_loss) < 0.02
    assert line[0, 0] > line[:, 0].max() - 1
    assert line[0, 1] < line[:, 1].min() + 0.02
    assert rings[0, 0] < 60
    for bent in arcs, rings:
        assert bent[2:, 1].max() < bent[:2, 1].min()


@in_the_gallery
def test_calibration():
    out = gallery("plot_calibration.py", 2)
    names = "plain", "label smoothing", "CalibratedC", "average, bare", "AveragedC"
    table = np.array([last_four(rows(out, name)[0]) for name in names])
    plain, average = table[0], table[-1]
    _, loss, error, sure = table.T
    assert (loss[1:] < 0.7 * plain[1]).all()
    assert (error[1:] < 0.7 * plain[2]).all()
    assert (sure[1:] < plain[3]).all()
    assert loss.argmin() == 4
    assert average[0] > plain[0]
    assert 0.2 < float(rows(out, "inverse")[0][-1]) < 0.8


def last_four(row):
    """Return the last numbers of a line that ends with a percentage."""
    return numbers([word for word in row if word != "%"])[-4:]


@in_the_gallery
def test_mixed_table():
    pytest.importorskip("pandas")
    out = gallery("plot_mixed_table.py", 2)
    assert "NaN" in out
    network, boosting, truth = (
        numbers(rows(out, rf"{name} +\d+\.\d%")[0])
        for name in ("network", "boosting", "truth")
    )
    assert truth[1] < network[1] < boosting[1]  # log loss
    assert abs(network[0] - boosting[0]) < 5
    for name in "network", "boosting":
        *matter, room = numbers(rows(out, rf"{name} +-?\d\.\d+ ")[0])
        assert len(matter) == 5
        assert min(matter) > max(0.02, abs(room))
    turns = {
        (row[0], row[1]): int(row[-1]) for row in rows(out, r"\w+ +(wait|age) +\d")
    }
    assert turns["network", "wait"] <= 1
    assert turns["network", "age"] == 1
    assert min(turns["boosting", "wait"], turns["boosting", "age"]) > 3


def test_optuna_pruning():
    pytest.importorskip("optuna")
    pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")
    out, err = python(EXAMPLES / "optuna_pruning.py")
    assert err == ""
    whole, pruned = map(numbers, rows(out, "none|median"))
    assert whole[0] == 0 < pruned[0]
    assert pruned[1] < 0.8 * whole[1]
    assert abs(whole[2] - pruned[2]) < 2


def test_mlflow_tracking(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")
    monkeypatch.chdir(tmp_path)
    out, _ = python("-W", "default", EXAMPLES / "mlflow_tracking.py")
    table = rows(out, r"0\.\d+ +FINISHED")
    assert len(table) == 6
    for rate, _, epochs, first, last, _ in table:
        assert epochs == "20"
        assert float(last) < float(first)
        assert float(rate) < 0.01 or float(last) < 0.2


@pytest.fixture
def images(tmp_path):
    """Write a file like MNIST's with images that are bright on one side."""
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
    assert re.search(r"epochs +3\nseconds +[\d.]+\ntest accuracy +100.00%\n", out)
    assert re.search(r"mistakes +0\n", out)


def test_mnist_draws_its_mistakes(images, tmp_path):
    pytest.importorskip("matplotlib")
    arrays = dict(np.load(images))
    arrays["y_test"][:3] ^= 1  # nobody could read these correctly
    np.savez(images, **arrays)
    folder = tmp_path / "new" / "pictures"
    out, _ = python(
        EXAMPLES / "mnist.py", "--npz", images, "--epochs", 3, "--save", folder
    )
    assert re.search(r"mistakes +3\n", out)
    assert len(rows(out, r"\d read as \d +\d")) in (1, 2)
    pictures = sorted(folder.iterdir())
    assert [path.name for path in pictures] == [
        "mnist_confusion.svg",
        "mnist_mistakes.svg",
    ]
    assert pictures[1].read_text(encoding="utf-8").count("<image ") == 3


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
    spec = importlib.util.spec_from_file_location("serve", EXAMPLES / "serve.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app = httpx.ASGITransport(app=module.application(str(folder / name)))

    def post(rows):
        async def answer():
            async with httpx.AsyncClient(
                transport=app, base_url="http://app"
            ) as client:
                return await client.post("/predict", json=rows)

        return asyncio.run(answer())

    rows = [
        {"size": 1.5, "colour": "red"},
        {"colour": "red", "size": None},
        {"size": 3},
    ]
    answer = post(rows)
    assert answer.status_code == 200
    np.testing.assert_allclose(
        answer.json(), model.predict_proba(table[:3]), rtol=0, atol=1e-6
    )
    for wrong in [], [{"size": "large"}], {"size": 1}, [[1.5, "red"]]:
        assert post(wrong).status_code == 422
