"""The command `python -m skffnn`."""

import gzip
import signal
import subprocess
import sys
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np
import pytest

from skffnn import __main__ as command

QUICK = ["--max-iter", "2", "--folds", "2", "--no-tabular"]
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


def assert_one_line(captured, *words):
    """Assert that the only output is a line on stderr with these words."""
    assert captured.out == ""
    assert captured.err.startswith("python -m skffnn: ")
    assert captured.err.endswith("\n")
    assert captured.err.count("\n") == 1
    for word in words:
        assert word in captured.err


def test_digits_are_the_default(capsys):
    assert command.main([*QUICK, "--test-size", "0.5"]) == 0
    out = capsys.readouterr().out
    assert "digits: 1797 rows, 64 features, 10 classes" in out
    for label in ["test accuracy", "balanced accuracy", "log loss", *NAMES]:
        assert label in out
    for label in ["fit seconds", "search seconds", "predict seconds"]:
        assert label in out
    # Four candidates × two folds and the refit, none of which converges in two epochs.
    assert out.count("9 of 9") == 2
    assert "ConvergenceWarnings" in out


@pytest.mark.parametrize("scoring", ["neg_log_loss", "accuracy"])
def test_any_table_will_do(mixed, capsys, scoring):
    argv = ["--csv", mixed, "--target", "kind", "--scoring", scoring, *QUICK]
    assert command.main(argv) == 0
    assert f"table.csv: {N_ROWS} rows, 9 features, 2 classes" in capsys.readouterr().out


def test_a_table_is_classified_as_it_is_too(mixed, capsys):
    argv = ["--csv", mixed, "--target", "kind", *QUICK]
    assert command.main([a for a in argv if a != "--no-tabular"]) == 0
    out = capsys.readouterr().out
    header, *lines = out[out.index("  FFNNClassifier") :].splitlines()
    assert header.split("  ")[-1].strip() == "tabular classifier"
    rows = {line[:18].strip(): line.split()[-1] for line in lines if line}
    assert float(rows["test accuracy"]) > 0.6  # from two epochs and the trees
    assert rows["iterations"] == "2"
    assert "0 of 3" in out  # the number of epochs is fixed in advance
    assert "tabular classifier  no search" in out


@pytest.mark.parametrize("column", ["colour", "flag", "constant"])
def test_rows_without_a_class_are_left_out_and_counted(write, column):
    classes = ["a", "b"] * 10 + [""] * 3
    if column == "flag":
        classes = ["True", "False"] * 10 + [""] * 3
    elif column == "constant":
        classes = ["0", "1"] * 10 + [""] * 3
    problem = command.table(Path(write(small(classes))), "y")
    assert problem.X.shape == (20, 1)
    assert problem.note == "3 rows without 'y' were dropped"
    assert len(problem.classes) == 2
    assert np.bincount(problem.y).tolist() == [10, 10]


def test_whole_numbers_in_a_float_column_are_classes(write):
    problem = command.table(Path(write(small(["1.0", "3.0"] * 5))), "y")
    assert problem.classes.tolist() == [1, 3]


@pytest.mark.parametrize("columns", ["number,infinite", "colour,flag,mixture"])
def test_tables_of_one_kind_of_column(mixed, write, columns, capsys):
    pd = pytest.importorskip("pandas")
    frame = pd.read_csv(mixed)[[*columns.split(","), "kind"]]
    path = write(frame.to_csv(index=False), "one_kind.csv")
    assert command.main(["--csv", path, "--target", "kind", *QUICK]) == 0
    assert "2 classes" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_scores(mixed):
    args = command.parse_args(["--csv", mixed, "--target", "kind", *QUICK])
    problem = command.table(args.csv, args.target)
    first, second = (command.benchmark(problem, args) for _ in range(2))
    for name in NAMES:
        assert first[name].log_loss == second[name].log_loss
        assert first[name].best_params == second[name].best_params


def test_the_networks_search_the_same_objectives():
    batch_size = 50
    entries = command.contestants(batch_size, max_iter=1, seed=0)
    ours, theirs = (entries[name][1] for name in NAMES[:2])
    # MLPClassifier(alpha=a, batch_size=B) is FFNNClassifier(alpha=a / B).
    np.testing.assert_allclose(
        np.array(ours.pop("alpha")), np.array(theirs.pop("alpha")) / batch_size
    )
    assert ours == theirs
    for model, _ in list(entries.values())[:2]:
        assert model.batch_size == batch_size


def test_a_process_of_its_own(mixed, tmp_path):
    """Two processes run the search, and their warnings are counted, not shown."""
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(Path(mixed).read_bytes()))
    argv = ["--csv", str(path), "--target", "kind", "--jobs", "2", *QUICK]
    done = subprocess.run(
        [sys.executable, "-m", "skffnn", *argv],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.count("9 of 9") == 2


def test_an_error_in_a_process_of_its_own():
    done = subprocess.run(
        [sys.executable, "-m", "skffnn", "--csv", "absent.csv", "--target", "y"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "python -m skffnn: no such file: absent.csv\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", ["cannot read"], id="empty file"),
        pytest.param("x,y\n", ["no labels in column 'y'"], id="header only"),
        pytest.param("x,y\n1,\n2,\n", ["no labels in column"], id="no class at all"),
        pytest.param("y\na\nb\n", ["no column other than 'y'"], id="no features"),
        pytest.param("x,Y\n1,a\n", ["no column 'y'"], id="other case"),
        pytest.param("x,y\n1,a\n1,a,2\n", ["cannot read"], id="ragged"),
        pytest.param("x,y\n1,a,2\n1,a,2\n", ["cannot read"], id="longer than header"),
        pytest.param(b"x,y\n\xff\xfe,a\n", ["cannot read"], id="not text"),
        pytest.param(b'x,y\n"1,a\n2,b\n', ["cannot read"], id="open quote"),
        pytest.param(small("a" * 20), ["only one class, a"], id="one class"),
        pytest.param(small("a" * 20 + "b"), ["class b has 1 rows"], id="one row"),
        pytest.param(small("a" * 20 + "bb"), ["class b has 2 rows"], id="two rows"),
        pytest.param(small(range(20)), ["has 1 rows"], id="a class for each row"),
        pytest.param(small([0.5, 1.25, 2] * 9), ["is continuous"], id="quantities"),
    ],
)
def test_a_bad_table_is_one_line_on_standard_error(write, capsys, content, words):
    path = write(content)
    assert command.main(["--csv", path, "--target", "y"]) == 2
    assert_one_line(capsys.readouterr(), *words)


@pytest.mark.parametrize(
    "content",
    [b"x,y\n", gzip.compress(b"x,y\n")[:-9]],
    ids=["not an archive", "cut short"],
)
def test_a_broken_archive_is_one_line(write, capsys, content):
    path = write(content, "table.csv.gz")
    assert command.main(["--csv", path, "--target", "y"]) == 2
    assert_one_line(capsys.readouterr(), "cannot read")


def test_a_folder_is_one_line(tmp_path, capsys):
    assert command.main(["--csv", str(tmp_path), "--target", "y"]) == 2
    assert_one_line(capsys.readouterr(), "cannot read")


@pytest.mark.parametrize(
    ("target", "hint"),
    [("taget", "did you mean 'target'?"), ("zzz", "its columns are x, target")],
)
def test_an_unknown_column_brings_a_hint(write, capsys, target, hint):
    path = write(small("ab" * 10, header="x,target"))
    assert command.main(["--csv", path, "--target", target]) == 2
    assert_one_line(capsys.readouterr(), f"no column '{target}'", hint)


@pytest.mark.parametrize(
    "argv",
    [
        ["--test-size", "0"],
        ["--test-size", "1"],
        ["--test-size", "nan"],
        ["--test-size", "0.001"],
        ["--test-size", "0.999"],
        ["--test-size", "large"],
        ["--folds", "1"],
        ["--folds", "1000"],
        ["--max-iter", "0"],
        ["--jobs", "0"],
        ["--threads", "0"],
        ["--seed", "-1"],
        ["--scoring", "luck"],
        ["--unknown"],
        ["--csv", "table.csv"],
        ["--target", "y"],
    ],
    ids=" ".join,
)
def test_a_bad_option_is_one_line_that_names_it(capsys, argv):
    assert command.main(argv) == 2
    assert_one_line(capsys.readouterr(), argv[0])


def test_without_pandas_a_table_is_one_line(write, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert command.main(["--csv", write(small("ab")), "--target", "y"]) == 2
    assert_one_line(capsys.readouterr(), "needs pandas")


def test_an_estimator_that_fails_is_one_line(capsys, monkeypatch):
    def fail(*_):
        raise ValueError("not\nfinite")

    monkeypatch.setattr(command, "measure", fail)
    monkeypatch.setattr(command, "progress", lambda: nullcontext(lambda _: None))
    assert command.main([]) == 2
    assert_one_line(capsys.readouterr(), "FFNNClassifier fails on digits: not finite")


def test_ctrl_c_is_one_line_even_where_an_estimator_swallows_it(capsys, monkeypatch):
    def swallow(*_):
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(command, "benchmark", swallow)
    assert command.main([]) == 130
    assert_one_line(capsys.readouterr(), "interrupted")
    assert signal.getsignal(signal.SIGINT) == before


def test_progress_without_rich_is_plain_lines(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with command.progress() as show:
        show("searching")
    assert capsys.readouterr().err == "searching\n"


def test_progress_with_rich_leaves_no_trace_in_a_file(capsys):
    pytest.importorskip("rich")
    with command.progress() as show:
        show("searching")
    assert capsys.readouterr().err.strip() == ""
