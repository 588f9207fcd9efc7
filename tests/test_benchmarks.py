"""The benchmark commands run. These tests do not check what they measure."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
SUITES = ["fit", "sparse", "predict", "latency", "memory", "profile"]


def test_the_accuracy_on_a_table(tmp_path, capsys):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("rich")
    from benchmarks.accuracy.__main__ import main

    x, z = np.random.default_rng(0).normal(size=(2, 120))
    table = pd.DataFrame({"x": x, "colour": np.where(z > 0, "red", None)})
    table.assign(target=x + z > 0).to_csv(tmp_path / "table.csv.gz", index=False)
    out = tmp_path / "results.jsonl"
    models = ["MLPClassifier", "LogisticRegression"]
    args = ["--data-dir", tmp_path, "--out", out, "--seeds", 1, "--rows", 60]
    assert main([*map(str, args), "--models", *models]) == 0
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [line["model"] for line in lines] == models
    assert "Ratios to MLPClassifier" in capsys.readouterr().out


@pytest.mark.only_long
@pytest.mark.parametrize("suites", [SUITES, ["cluster"]], ids=["fits", "cluster"])
def test_quick_run(tmp_path, suites):
    if "cluster" in suites:
        pytest.importorskip("distributed", reason="needs Dask")
    pytest.importorskip("matplotlib")
    pytest.importorskip("rich")
    ours = ["--peers", "FFNNClassifier", "MLPClassifier", "floor"]
    command = [sys.executable, "-m", "benchmarks", *suites, *ours, "--quick"]
    subprocess.run([*command, "--out", tmp_path], cwd=ROOT, check=True)
    results = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert list(results) == suites
    for suite in suites:
        assert (tmp_path / f"{suite}.md").read_text("utf-8").startswith("**")
        assert (tmp_path / f"{suite}.svg").stat().st_size > 0
