"""The reference is complete, and what a page repeats is what another page says."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skffnn

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "docs" / "api").glob("*.md")
REFERENCE = "\n".join(page.read_text("utf-8") for page in PAGES)
REGISTRIES = [
    name for name in skffnn.__all__ if isinstance(getattr(skffnn, name), dict)
]


def kind(entry):
    return entry if isinstance(entry, type) else type(entry)


@pytest.mark.parametrize("name", skffnn.__all__)
def test_every_public_name_is_in_the_reference(name):
    listed = re.findall(r"^   (\w+)$", REFERENCE, re.MULTILINE)
    listed += re.findall(r":: (?:skffnn\.)?(\w+)$", REFERENCE, re.MULTILINE)
    for registry in REGISTRIES:
        listed += [kind(entry).__name__ for entry in getattr(skffnn, registry).values()]
    assert name in listed


@pytest.mark.parametrize("name", sorted(set(skffnn.__all__) - {*REGISTRIES}))
def test_every_public_object_has_an_example(name):
    assert ">>>" in getattr(skffnn, name).__doc__


@pytest.mark.parametrize("kind", [skffnn.FFNNClassifier, skffnn.FFNNRegressor])
def test_every_parameter_of_an_estimator_is_described_in_its_order(kind):
    section = kind.__doc__.split("Attributes\n")[0].split("Parameters\n")[1]
    described = re.findall(r"^    (\w+) : ", section, re.MULTILINE)
    assert described == list(inspect.signature(kind).parameters)


@pytest.mark.parametrize("registry", REGISTRIES)
def test_every_entry_says_what_it_is_in_one_line(registry):
    for entry in getattr(skffnn, registry).values():
        assert kind(entry).__doc__.splitlines()[0].endswith(".")


def test_the_figures_of_the_readme_are_those_of_the_pages():
    text = (ROOT / "README.md").read_text("utf-8")
    section = text.split("## How it compares")[1].split("\n## ")[0]
    rows = re.findall(r"^\|.*\d\.\d.*$", section, re.MULTILINE)
    pages = [ROOT / "docs" / name for name in ("performance.md", "tabular.md")]
    measured = re.findall(r"\d+\.\d+", " ".join(p.read_text("utf-8") for p in pages))
    assert len(rows) > 10
    assert set(re.findall(r"\d+\.\d+", " ".join(rows))) <= set(measured)


@pytest.mark.only_long
def test_the_pictures_of_the_guide_can_be_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    images = ROOT / "docs" / "images"
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [sys.executable, images / "draw.py", tmp_path],
        check=True,
        env=os.environ | {"PYTHONPATH": path, "MPLBACKEND": "agg"},
    )
    drawn = {picture.name for picture in tmp_path.iterdir()}
    assert drawn
    assert drawn <= {picture.name for picture in images.iterdir()}
