"""The benchmark command runs. These tests do not check what it measures."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SUITES = ["fit", "sparse", "predict", "latency", "memory", "profile"]


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
