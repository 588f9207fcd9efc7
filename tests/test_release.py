"""Release information that is repeated in several files is consistent."""

import re
import tomllib
from pathlib import Path

import pytest

import skffnn

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def text_of(path):
    """Return the text of a file; skip if a source distribution lacks it."""
    if not (ROOT / path).exists():
        pytest.skip(f"{path} is in a checkout alone")
    return (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("CITATION.cff", r"^version: (.*)$"),
        ("packaging/conda/recipe.yaml", r'^  version: "(.*)"$'),
        ("CHANGELOG.md", r"^## (\S+)"),
    ],
)
def test_the_version_is_that_of_the_package(path, line):
    assert re.search(line, text_of(path), re.MULTILINE)[1] == skffnn.__version__


def test_the_recipe_of_conda_has_the_address_and_the_requirements_of_the_project():
    recipe = text_of("packaging/conda/recipe.yaml")
    assert f"repository: {PROJECT['urls']['Source']}\n" in recipe
    run = recipe.split("  run:\n")[1].split("\n\n")[0]
    for requirement in PROJECT["dependencies"]:
        assert f"    - {requirement.replace('>=', ' >=')}" in run.splitlines()


def test_the_links_of_the_readme_work_on_the_page_of_an_index():
    text = text_of("README.md")
    links = re.findall(r"\]\(([^)]+)\)|^\[.+\]: (.+)$", text, re.MULTILINE)
    assert links
    for link in map("".join, links):
        assert link.startswith(PROJECT["urls"]["Documentation"])
        page = link.removeprefix(PROJECT["urls"]["Documentation"])
        source = page.replace("_images", "images").replace(".html", ".md")
        made = page.startswith("auto_examples")  # from the examples
        assert made or (ROOT / "docs" / source).exists(), link


YAML = [".pre-commit-config.yaml", ".readthedocs.yaml", "CITATION.cff"]
YAML += ["packaging/conda/recipe.yaml", ".github/dependabot.yml"]
YAML += [str(p.relative_to(ROOT)) for p in (ROOT / ".github").glob("*/*.yml")]


@pytest.mark.parametrize("path", YAML)
def test_files_for_services_are_yaml(path):
    yaml = pytest.importorskip("yaml")
    assert isinstance(yaml.safe_load(text_of(path)), dict)
