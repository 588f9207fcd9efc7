"""The documentation cannot drift: its code is that of the package, its examples run."""

import doctest
import re
from pathlib import Path

import pytest

import skffnn

ROOT = Path(__file__).parent.parent
PACKAGE = Path(skffnn.__file__).parent
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md"])
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
QUOTED = re.compile(r"# skffnn/(\w+\.py)")


def lines_of(code):
    """Return the lines that are not blank, without their indentation."""
    return [line.strip() for line in code.splitlines() if line.strip()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_quoted_lines_are_in_the_source(page):
    for block in BLOCK.findall(page.read_text("utf-8")):
        quoted = QUOTED.match(block)
        if quoted:
            source = lines_of((PACKAGE / quoted[1]).read_text("utf-8"))
            missing = [line for line in lines_of(block)[1:] if line not in source]
            assert not missing


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_run_as_printed(page):
    text = page.read_text("utf-8")
    for word, library in {"import pandas": "pandas", "Display": "matplotlib"}.items():
        if word in text:
            pytest.importorskip(library)
    failed, _ = doctest.testfile(
        str(page), module_relative=False, optionflags=FLAGS, encoding="utf-8"
    )
    assert failed == 0


def test_the_first_example_of_the_readme_runs(capsys):
    code = BLOCK.search((ROOT / "README.md").read_text("utf-8"))[1]
    exec(compile(code, "README.md", "exec"), {})
    assert float(capsys.readouterr().out) > 0.96


def test_links_between_the_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(
            r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")
        ):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
