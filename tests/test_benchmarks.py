"""The command of the benchmarks runs; what it measures is not for tests to judge."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SUITES = ["fit", "sparse", "predict", "memory", "profile"]


@pytest.mark.only_long
def test_quick_run(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("rich")
    ours = ["--peers", "FFNNClassifier", "MLPClassifier", "floor"]
    command = [sys.executable, "-m", "benchmarks", *SUITES, *ours, "--quick"]
    subprocess.run([*command, "--out", tmp_path], cwd=ROOT, check=True)
    results = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert list(results) == SUITES
    for suite in SUITES:
        assert (tmp_path / f"{suite}.md").read_text("utf-8").startswith("**")
        assert (tmp_path / f"{suite}.svg").stat().st_size > 0
