"""The command `python -m skffnn`."""

import gzip
import sys

import numpy as np
import pytest

import skffnn
from skffnn import __main__ as command

pytest.importorskip("pandas")
pytest.importorskip("rich")

QUICK = ["--max-iter", "2", "--no-tabular"]
NAMES = ["FFNNClassifier", "MLPClassifier", "LogisticRegression"]
N_ROWS = 60


@pytest.fixture
def write(tmp_path):
    """Write a file and return its path."""

    def write(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.fixture
def mixed(write):
    """Write a table with columns of every kind."""
    rng = np.random.default_rng(0)
    rows = ["number,gaps,none,constant,infinite,colour,flag,mixture,id,kind"]
    for i in range(N_ROWS):
        x = rng.normal()
        cells = [
            f"{x:.3f}",
            "" if i % 3 == 0 else f"{x * x:.3f}",
            "",
            "7",
            "inf" if i % 10 == 0 else str(i),
            ["red", "green", ""][i % 3],
            ["True", "False", ""][i % 3],
            ["1", "one", "2.5"][i % 3],
            f"name {i}",
            ["low", "high"][x > 0],
        ]
        rows.append(",".join(cells))
    return write("\n".join(rows))


def small(classes, header="x,y"):
    """Return CSV text with one feature and the given classes."""
    return "\n".join([header, *(f"{i},{c}" for i, c in enumerate(classes))])


def scores(out):
    """Return the accuracy, balanced accuracy and log loss of each classifier."""
    rows = [line.split("│")[1:5] for line in out.splitlines() if line[:1] == "│"]
    return {name.strip(): [float(cell) for cell in cells] for name, *cells in rows}


def test_digits_are_the_default(capsys):
    assert command.main(QUICK) == 0
    out = capsys.readouterr().out
    assert "digits: 1797 rows, 64 features, 10 classes" in out
    found = scores(out)
    assert list(found) == NAMES
    # With the same seed and the same objective they are the same network.
    assert found["FFNNClassifier"] == pytest.approx(found["MLPClassifier"], rel=1e-3)
    assert all(accuracy > 0.8 for accuracy, *_ in found.values())


def test_any_table_will_do_and_the_same_seed_gives_the_same_scores(mixed, capsys):
    argv = ["--csv", mixed, "--target", "kind", "--max-iter", "2", "--seed", "1"]
    found = []
    for _ in range(2):
        assert command.main(argv) == 0
        out = capsys.readouterr().out
        assert f"{N_ROWS} rows, 9 features, 2 classes" in out
        found.append(scores(out))
    assert found[0] == found[1]
    assert list(found[0]) == [*NAMES, "tabular classifier"]


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        (["a", "b"] * 10 + [""] * 3, ["a", "b"]),
        (["True", "False"] * 10 + [""] * 3, ["False", "True"]),
        (["0", "1"] * 10 + [""] * 3, [0, 1]),
        (["1.0", "3.0"] * 10, [1, 3]),
    ],
)
def test_rows_without_a_class_are_left_out(write, classes, labels):
    X, y = command.table(write(small(classes)), "y")
    assert X.shape == (20, 1)
    assert np.unique(y).tolist() == labels


def test_two_processes(mixed, write, capfd):
    """A compressed table, without a warning of the processes."""
    with open(mixed, "rb") as file:
        path = write(gzip.compress(file.read()), "table.csv.gz")
    argv = ["--csv", path, "--target", "kind", "--jobs", "2", *QUICK]
    assert command.main(argv) == 0
    captured = capfd.readouterr()
    assert "Warning" not in captured.err
    assert list(scores(captured.out)) == NAMES


MODULE = """
import runpy, sys
sys.argv[0] = "skffnn"
runpy.run_module("skffnn", run_name="__main__", alter_sys=True)
"""


def test_the_module_is_run(python):
    done = python(MODULE, "show", "absent")
    assert done.returncode == 2
    assert done.stderr.startswith("python -m skffnn: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "word"),
    [
        pytest.param(b"", "No columns", id="empty file"),
        pytest.param("x,y\n", "n_samples=0", id="header only"),
        pytest.param("x,yy\n1,a\n", "Did you mean 'yy'?", id="other name"),
        pytest.param("y\na\nb\n", "no column but 'y'", id="no features"),
        pytest.param("x,y\n1,a\n1,a,2\n", "Error tokenizing", id="ragged"),
        pytest.param(b"x,y\n\xff\xfe,a\n", "decode", id="not text"),
        pytest.param(small("a" * 20), "class", id="one class"),
        pytest.param(small("a" * 20 + "b"), "populated class", id="one row"),
        pytest.param(small([0.5, 1.25, 2] * 9), "continuous", id="quantities"),
    ],
)
def test_a_bad_table_is_one_line_on_standard_error(write, capsys, content, word):
    assert command.main(["--csv", write(content), "--target", "y"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("python -m skffnn: ")
    assert captured.err.count("\n") == 1
    assert word in captured.err


@pytest.mark.parametrize(
    "content",
    [b"x,y\n", gzip.compress(b"x,y\n")[:-9]],
    ids=["not an archive", "cut short"],
)
def test_a_broken_archive_is_one_line(write, capsys, content):
    path = write(content, "table.csv.gz")
    assert command.main(["--csv", path, "--target", "y"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["--test-size", "0"], "test_size"),
        (["--test-size", "0.001"], "test_size"),
        (["--max-iter", "0"], "max_iter"),
        (["--jobs", "0"], "n_jobs"),
        (["--seed", "-1"], "random_state"),
        (["--csv", "table.csv"], "--target"),
        (["--target", "y"], "--csv"),
        (["--csv", "absent.csv", "--target", "y"], "absent.csv"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bad_value_is_one_line_that_names_it(capsys, argv, word):
    assert command.main(argv) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert word in err


def test_a_missing_library_is_one_line(write, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert command.main(["--csv", write(small("ab")), "--target", "y"]) == 2
    assert "pip install 'skffnn[demo]'" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(skffnn, "describe"), reason="there is no describe")
def test_a_saved_model_is_shown(tmp_path, capsys):
    path = tmp_path / "model"
    model = skffnn.FFNNClassifier((3,), max_iter=1).fit([[0.0], [1.0]], ["no", "yes"])
    skffnn.save(model, path)
    assert command.main(["show", str(path)]) == 0
    assert "FFNNClassifier" in capsys.readouterr().out
    assert command.main(["show", str(tmp_path / "absent")]) == 2
