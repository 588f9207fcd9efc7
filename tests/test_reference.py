"""The API reference is complete, and repeated figures agree between pages."""

import inspect
import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest

import skffnn
from skffnn.fitted import FittedAttribute

ROOT = Path(__file__).parent.parent
PACKAGE = Path(skffnn.__file__).parent
PAGES = (ROOT / "docs" / "api").glob("*.md")
REFERENCE = "\n".join(page.read_text("utf-8") for page in PAGES)
PUBLIC = {name: getattr(skffnn, name) for name in skffnn.__all__}
REGISTRIES = {name: value for name, value in PUBLIC.items() if isinstance(value, dict)}
ENTRIES = [
    entry if isinstance(entry, type) else type(entry)
    for registry in REGISTRIES.values()
    for entry in registry.values()
]


def test_every_public_name_is_in_the_reference():
    listed = re.findall(r"^   (\w+)$", REFERENCE, re.MULTILINE)
    listed += re.findall(r":: (?:skffnn\.)?(\w+)$", REFERENCE, re.MULTILINE)
    listed += [entry.__name__ for entry in ENTRIES]
    assert PUBLIC.keys() <= {*listed}


def test_the_map_of_the_package_lists_every_module():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    picture = re.search(r"```\nskffnn/\n(.*?)```", text, re.DOTALL)[1]
    folder, listed = PACKAGE, []
    for indent, name in re.findall(r"^( +)(\S+)", picture, re.MULTILINE):
        if len(indent) == 2:
            folder = PACKAGE / name if name.endswith("/") else PACKAGE
        if not name.endswith("/"):
            listed.append(folder / f"{name}.py")
    modules = [path for path in PACKAGE.rglob("*.py") if path.read_text("utf-8")]
    described = [path for path in modules if path.name != "__init__.py"]
    assert {*described} <= {*listed} <= {*modules}


def test_every_public_object_has_an_example():
    without = [n for n, o in PUBLIC.items() if callable(o) and ">>>" not in o.__doc__]
    assert without == []


@pytest.mark.parametrize("kind", [skffnn.FFNNClassifier, skffnn.FFNNRegressor])
def test_every_parameter_of_an_estimator_is_described_in_its_order(kind):
    section = kind.__doc__.split("Attributes\n")[0].split("Parameters\n")[1]
    described = re.findall(r"^(\w+) : ", section, re.MULTILINE)
    assert described == list(inspect.signature(kind).parameters)


@pytest.mark.parametrize("kind", [skffnn.FFNNClassifier, skffnn.FFNNRegressor])
def test_every_fitted_attribute_of_an_estimator_is_described(kind):
    section = kind.__doc__.split("Attributes\n")[1].split("See Also\n")[0]
    described = re.findall(r"^(\w+_) : ", section, re.MULTILINE)
    declared = {name for cls in kind.__mro__ for name in vars(cls)}
    fitted = {
        name
        for name in declared
        if isinstance(getattr(kind, name, None), FittedAttribute)
    }
    assert len(described) == len({*described})
    assert fitted <= {*described} <= fitted | {*get_type_hints(kind)}


def test_every_entry_of_a_registry_says_what_it_is_in_one_line():
    assert ENTRIES
    for entry in ENTRIES:
        assert entry.__doc__.splitlines()[0].endswith("."), entry


def decimals(text):
    return set(re.findall(r"\d+\.\d+", text))


@pytest.mark.parametrize(
    ("page", "heading", "measured"),
    [
        ("README.md", "## How it compares", ["benchmarks", "tabular_trials"]),
        ("docs/performance.md", "## How it compares", ["benchmarks"]),
        ("docs/performance.md", "## Speed up training", ["benchmarks"]),
        ("docs/tabular.md", "## How good it is", ["tabular_trials"]),
    ],
)
def test_the_figures_of_a_summary_are_those_that_were_measured(page, heading, measured):
    section = (ROOT / page).read_text("utf-8").split(heading)[1].split("\n## ")[0]
    rows = re.findall(r"^\|.*\d\.\d.*$", section, re.MULTILINE)
    pages = [(ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in measured]
    assert len(decimals(" ".join(rows))) >= 8
    assert decimals(" ".join(rows)) <= decimals(" ".join(pages))


@pytest.mark.parametrize(
    ("path", "line"),
    [("CITATION.cff", r"^version: (.*)$"), ("CHANGELOG.md", r"^## (\S+)")],
)
def test_the_version_is_that_of_the_package(path, line):
    text = (ROOT / path).read_text("utf-8")
    assert re.search(line, text, re.MULTILINE)[1] == skffnn.__version__


def test_every_example_is_in_a_section_of_the_gallery():
    page = (ROOT / "docs" / "gallery.md").read_text("utf-8")
    listed = re.findall(r"^   \.\./examples/(\w+\.py)$", page, re.MULTILINE)
    assert sorted(listed) == sorted(p.name for p in (ROOT / "examples").glob("*.py"))


def linked():
    """Return (kind, name) of the objects of other projects that pages link to."""
    text = (ROOT / "docs" / "inventories.toml").read_text("utf-8")
    return {
        (kind, name)
        for project in tomllib.loads(text).values()
        for pages in project.values()
        if isinstance(pages, dict)
        for kind, names in pages.items()
        for name in names
    }


# Objects in libraries that are not installed are not looked up, nor are those that
# scikit-learn hides until `enable_halving_search_cv` is imported.
def test_objects_of_other_projects_exist():
    for kind, name in linked():
        module, _, attribute = name.rpartition(".")
        if attribute.startswith("Halving"):
            continue
        try:
            imported = import_module(module)
        except ImportError:
            continue
        assert isinstance(getattr(imported, attribute), type) == (kind == "class"), name
