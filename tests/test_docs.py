"""The documentation shows the package's current code, and its examples run."""

import ast
import doctest
import re
import runpy
import warnings
from pathlib import Path

import pytest

import skffnn

PACKAGE = Path(skffnn.__file__).parent
ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("**/*.md"), ROOT / "README.md"])
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
FENCE = re.compile(r"^ *(`{3,})(.*)\n((?:.*\n)*?) *\1`*$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)\s]*)?\)")
CARD = re.compile(r"^:link: *(\S+)\n:link-type: *doc$", re.MULTILINE)


class Checker(doctest.OutputChecker):
    """Compares output but ignores timings, which differ from run to run."""

    def check_output(self, want, got, optionflags):
        want, got = (re.sub(r"\d+\.\d s$", "0.0 s", t, flags=re.M) for t in (want, got))
        return super().check_output(want, got, optionflags)


def name_of(page):
    return str(page.relative_to(ROOT))


def directives(page, *names):
    """Yield the argument, the options and the other lines of MyST directives."""
    opening = rf"^ *(`{{3,}}|:{{3,}})\{{(?:{'|'.join(names)})\}} *(.*)\n"
    found = re.findall(
        opening + r"((?:.*\n)*?) *\1", page.read_text("utf-8"), re.MULTILINE
    )
    for _, argument, body in found:
        options = dict(re.findall(r"^ *:([\w-]+): *(.*)$", body, re.MULTILINE))
        yield argument, options, re.findall(r"^ *([^:\s].*)$", body, re.MULTILINE)


def lines_of(source, name):
    """Return the lines of a class, function or method, or all lines without a name."""
    lines, node = source.splitlines(), ast.parse(source)
    for part in name.split(".") if name else ():
        node = next(n for n in node.body if getattr(n, "name", None) == part)
        last = node.end_lineno
    return lines[node.lineno - 1 : last] if name else lines


INCLUDES = [
    pytest.param(page, path, options, id=f"{page.stem}-{options.get('caption', path)}")
    for page in PAGES
    for path, options, _ in directives(page, "literalinclude")
]


@pytest.mark.parametrize(("page", "path", "options"), INCLUDES)
def test_the_lines_that_a_page_includes_are_in_the_source(page, path, options):
    file, name = name_of((page.parent / path).resolve()), options.get("pyobject", "")
    # The package may be installed elsewhere, without the sources next to the pages.
    folder = PACKAGE.parent if file.startswith("skffnn/") else ROOT
    lines = lines_of((folder / file).read_text("utf-8"), name)
    start, end = (options.get(text, "").strip('"') for text in ("start-at", "end-at"))
    starts = [i for i, line in enumerate(lines) if start in line]
    assert len(starts) == 1 or not start, f"{start!r} is on {len(starts)} lines"
    assert any(end in line for line in lines[starts[0] :]), f"{end!r} is not after it"
    assert options["caption"] == ", ".join(filter(None, [file, name]))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_examples_run_as_printed(page):
    text = page.read_text("utf-8")
    needed = {
        "import pandas": "pandas",
        "Display": "matplotlib",
        "sklearn.callback": "sklearn.callback",
        "import skl2onnx": "skl2onnx",
        "import onnxruntime": "onnxruntime",
        "import skops": "skops",
        "import mlflow": "mlflow",
        "import shap": "shap",
    }
    for word, library in needed.items():
        if word in text:
            pytest.importorskip(library)
    if "import mlflow" in text:
        warnings.simplefilter("ignore")  # MLflow's dependencies raise warnings
    example = doctest.DocTestParser().get_doctest(text, {}, name_of(page), page, 0)
    runner = doctest.DocTestRunner(Checker(), optionflags=FLAGS)
    assert runner.run(example).failed == 0


def examples():
    """Return what is shown with its output: pages, and modules for their docstrings."""
    return [*PAGES, *sorted(PACKAGE.glob("**/*.py"))]


@pytest.mark.parametrize("file", examples(), ids=lambda file: file.stem)
def test_examples_show_values_instead_of_checks(file):
    lines = re.findall(r"^ *(?:>>>|\.\.\.) .*", file.read_text("utf-8"), re.MULTILINE)
    checks = "allclose", "array_equal", "assert ", "assert_"
    assert not [line for line in lines if any(check in line for check in checks)]


def discouraged():
    """Return the phrases in the left column of the word list."""
    note = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## Style of prose")[1]
    rows = re.findall(r"^\| (.+) \| .+ \|$", note, re.MULTILINE)
    return [phrase for row in rows[1:] for phrase in row.split(", ")]


def prose():
    """Return the files that contain prose: pages, examples and modules."""
    examples, modules = (ROOT / "examples").glob("*.py"), PACKAGE.glob("**/*.py")
    is_installed = PACKAGE.parent != ROOT
    return [*PAGES, *sorted(examples), *([] if is_installed else sorted(modules))]


@pytest.mark.parametrize("file", prose(), ids=name_of)
def test_prose_avoids_the_phrases_that_the_style_note_replaces(file):
    words = " ".join(re.findall(r"[^\s#]+", file.read_text("utf-8")))
    pattern = r"\b(?:" + "|".join(map(re.escape, discouraged())) + r")\b"
    found = re.findall(pattern, words, re.IGNORECASE)
    assert not found, "the table in CONTRIBUTING.md says what to write instead"


def test_the_first_example_of_the_readme_runs(capsys):
    code = BLOCK.search((ROOT / "README.md").read_text("utf-8"))[1]
    exec(compile(code, "README.md", "exec"), {})
    assert float(capsys.readouterr().out) > 0.96


def targets(page):
    """Yield the files that a page refers to by links, cards, toctrees and images."""
    text = page.read_text("utf-8")
    prose = FENCE.sub(lambda fence: fence[3] if fence[2].startswith("{") else "", text)
    prose = re.sub(r"`[^`\n]*`|\$[^$\n]*\$", "", prose)  # inline code and formulas
    yield from LINK.findall(prose)
    yield from CARD.findall(text)
    for argument, _, _ in directives(page, "figure", "image", "include"):
        yield argument
    for _, _, entries in directives(page, "toctree"):
        for entry in entries:
            yield re.sub(r".*<(.*)>", r"\1", entry)


def exists(path):
    """Return whether a file, or page without suffix, exists or will be generated."""
    made_from = ROOT / "examples" / f"{path.stem}.py"
    if DOCS / "auto_examples" in path.parents:
        return path.stem == "index" or made_from.exists()
    return path.exists() or path.with_name(f"{path.name}.md").exists()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    missing = [
        target
        for target in targets(page)
        if not exists((page.parent / target).resolve())
    ]
    assert not missing


def test_each_example_has_a_thumbnail():
    pytest.importorskip("matplotlib")
    drawn = runpy.run_path(str(DOCS / "_ext" / "thumbnails.py"))
    for example in (ROOT / "examples").glob("[!p]*.py"):  # plot_… draw their own
        text = example.read_text("utf-8")
        path = re.search(r'^# sphinx_gallery_thumbnail_path = "(.+)"$', text, re.M)[1]
        made = path == f"_build/thumbnails/{example.stem}.svg" and example.stem in drawn
        assert made or (DOCS / path).exists()


MATHEMATICS = DOCS / "mathematics"


def test_the_notation_names_what_is_in_the_source():
    text = (MATHEMATICS / "index.md").read_text("utf-8")
    named = re.findall(r"`(\w+/\w+\.py)`, `([\w.]+)`", text)
    assert len(named) > 30
    for file, name in named:
        assert lines_of((PACKAGE / file).read_text("utf-8"), name), f"{name} in {file}"


def test_each_drawing_is_on_a_page_and_can_be_drawn():
    pytest.importorskip("matplotlib")
    names = [
        name
        for page in MATHEMATICS.glob("*.md")
        for name, options, caption in directives(page, "drawing")
        if options["alt"] and caption
    ]
    functions = runpy.run_path(str(MATHEMATICS / "drawings.py"))
    drawn = functions["drawn"](id).__code__  # shared by all its functions
    made = [n for n, f in functions.items() if getattr(f, "__code__", None) is drawn]
    assert sorted(names) == sorted(made)
    for name in names:
        assert functions[name]().get_axes()
