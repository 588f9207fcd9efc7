"""The API reference is complete, and repeated figures agree between pages."""

import inspect
import os
import re
import subprocess
import sys
import tomllib
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


@pytest.mark.parametrize(
    "name", [name for name in skffnn.__all__ if callable(getattr(skffnn, name))]
)
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


def test_the_figures_of_the_readme_are_those_that_were_measured():
    figures = figures_of_tables("README.md", "## How it compares")
    assert len(figures) > 30
    assert figures <= measured("benchmarks.md", "tabular_trials.md")


@pytest.mark.parametrize(
    ("page", "heading", "log"),
    [
        ("docs/performance.md", "## How it compares", "benchmarks.md"),
        ("docs/performance.md", "## Speed up training", "benchmarks.md"),
        ("docs/tabular.md", "## How good it is", "tabular_trials.md"),
    ],
)
def test_the_figures_of_a_summary_are_those_that_were_measured(page, heading, log):
    figures = figures_of_tables(page, heading)
    assert len(figures) >= 8
    assert figures <= measured(log)


def figures_of_tables(page, heading):
    """Return the decimal numbers in the tables of a section."""
    section = (ROOT / page).read_text("utf-8").split(heading)[1].split("\n## ")[0]
    rows = re.findall(r"^\|.*\d\.\d.*$", section, re.MULTILINE)
    return set(re.findall(r"\d+\.\d+", " ".join(rows)))


def measured(*pages):
    """Return the decimal numbers on pages."""
    texts = [(ROOT / "docs" / page).read_text("utf-8") for page in pages]
    return set(re.findall(r"\d+\.\d+", " ".join(texts)))


def test_every_example_is_in_a_section_of_the_gallery():
    page = (ROOT / "docs" / "gallery.md").read_text("utf-8")
    listed = re.findall(r"^   \.\./examples/(\w+\.py)$", page, re.MULTILINE)
    assert sorted(listed) == sorted(p.name for p in (ROOT / "examples").glob("*.py"))


def names_of_other_projects():
    text = (ROOT / "docs" / "inventories.toml").read_text("utf-8")
    for pages in tomllib.loads(text).values():
        for kinds in pages.values():
            for kind, names in kinds.items() if isinstance(kinds, dict) else ():
                yield from ((kind, name) for name in names)


@pytest.mark.parametrize(("kind", "name"), list(names_of_other_projects()))
def test_objects_of_other_projects_exist(kind, name):
    module, _, attribute = name.rpartition(".")
    if module == "sklearn.model_selection" and attribute.startswith("Halving"):
        pytest.importorskip("sklearn.experimental.enable_halving_search_cv")
    found = getattr(pytest.importorskip(module), attribute)
    assert isinstance(found, type) == (kind == "class")


def test_the_logo_is_as_drawn(tmp_path):
    draw = ROOT / "docs" / "images" / "logo.py"
    subprocess.run([sys.executable, draw, tmp_path / "logo.svg"], check=True)
    drawn = (tmp_path / "logo.svg").read_text("utf-8")
    assert drawn == (ROOT / "docs" / "_static" / "logo.svg").read_text("utf-8")


@pytest.mark.only_long
def test_the_picture_of_the_start_page_can_be_drawn(tmp_path):
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
