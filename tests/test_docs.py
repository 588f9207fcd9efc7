"""The examples of the pages run as printed, and what the pages refer to exists."""

import ast
import doctest
import re
import tomllib
import warnings
from pathlib import Path

import pytest
from sklearn.datasets import load_digits

import skffnn

PACKAGE = Path(skffnn.__file__).parent
ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = sorted([*DOCS.glob("**/*.md"), README])
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
FENCE = re.compile(r"^ *(`{3,})(.*)\n((?:.*\n)*?) *\1`*$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)\s]*)?\)")
CARD = re.compile(r"^:link: *(\S+)\n:link-type: *doc$", re.MULTILINE)

# Text of a page, and the library that its examples then need.
NEEDED = {
    "import pandas": "pandas",
    "Display": "matplotlib",
    "sklearn.callback": "sklearn.callback",
    "import skl2onnx": "skl2onnx",
    "import onnxruntime": "onnxruntime",
    "import skops": "skops",
    "import mlflow": "mlflow",
    "import shap": "shap",
}


class Checker(doctest.OutputChecker):
    """Compares output but ignores timings, which differ from run to run."""

    def check_output(self, want, got, optionflags):
        want, got = (re.sub(r"\d+\.\d s$", "0.0 s", t, flags=re.M) for t in (want, got))
        return super().check_output(want, got, optionflags)


def name_of(page):
    return str(page.relative_to(ROOT))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "page", [p for p in PAGES if ">>> " in p.read_text("utf-8")], ids=name_of
)
def test_examples_run_as_printed(page):
    text = page.read_text("utf-8")
    for word, library in NEEDED.items():
        if word in text:
            pytest.importorskip(library)
    if "import mlflow" in text:
        warnings.simplefilter("ignore")  # MLflow's dependencies raise warnings
    example = doctest.DocTestParser().get_doctest(text, {}, name_of(page), page, 0)
    runner = doctest.DocTestRunner(Checker(), optionflags=FLAGS)
    assert runner.run(example).failed == 0


def test_the_first_example_of_the_readme_runs(capsys):
    code = BLOCK.search(README.read_text("utf-8"))[1]
    exec(compile(code, "README.md", "exec"), {})
    assert float(capsys.readouterr().out) > 0.96


def test_the_snippets_of_contributing_run(capsys):
    X, y = load_digits(return_X_y=True)
    names = {}
    for code in BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text("utf-8")):
        exec(compile(code, "CONTRIBUTING.md", "exec"), names)
    names["Shouting"](max_iter=1, random_state=0).fit(X, y)
    assert capsys.readouterr().out.startswith("epoch 1: the loss is still ")
    for params in {}, {"early_stopping": True}, {"shuffle": False}:
        model = names["FromFile"](**params, max_iter=20, random_state=0).fit(X, y)
        assert model.score(X, y) > 0.9


def test_the_trials_of_optuna_run_in_a_stack():
    pytest.importorskip("optuna")
    page = (DOCS / "user_guide" / "searching.md").read_text("utf-8")
    (code,) = (block for block in BLOCK.findall(page) if "optuna.create" in block)
    names = {}
    exec(compile(code, "searching.md", "exec"), names)
    assert names["study"].best_value > 0.9


def directives(page, *names):
    """Yield the argument, the options and the other lines of MyST directives."""
    opening = rf"^ *(`{{3,}}|:{{3,}})\{{(?:{'|'.join(names)})\}} *(.*)\n"
    found = re.findall(
        opening + r"((?:.*\n)*?) *\1", page.read_text("utf-8"), re.MULTILINE
    )
    for _, argument, body in found:
        options = dict(re.findall(r"^ *:([\w-]+): *(.*)$", body, re.MULTILINE))
        yield argument, options, re.findall(r"^ *([^:\s].*)$", body, re.MULTILINE)


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
    if DOCS / "auto_examples" in path.parents:
        example = ROOT / "examples" / f"{path.stem}.py"
        return path.stem == "index" or example.exists()
    return path.exists() or path.with_name(f"{path.name}.md").exists()


def test_links_lead_somewhere():
    missing = [
        (name_of(page), target)
        for page in PAGES
        for target in targets(page)
        if not exists((page.parent / target).resolve())
    ]
    assert missing == []


def test_the_links_of_the_readme_work_on_the_page_of_an_index():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    site, text = project["urls"]["Documentation"], README.read_text("utf-8")
    links = re.findall(r"\]\(([^)]+)\)|^\[.+\]: (.+)$", text, re.MULTILINE)
    assert links
    for link in map("".join, links):
        assert link.startswith(site)
        page = link.removeprefix(site).replace("_images", "images")
        assert exists((DOCS / page.replace(".html", ".md")).resolve()), link


def lines_of(source, name):
    """Return the lines of a class, function or method, or all lines without a name."""
    lines, node = source.splitlines(), ast.parse(source)
    for part in name.split(".") if name else ():
        node = next(n for n in node.body if getattr(n, "name", None) == part)
        last = node.end_lineno
    return lines[node.lineno - 1 : last] if name else lines


def test_the_lines_that_a_page_includes_are_in_the_source():
    included = [
        (page, path, options)
        for page in PAGES
        for path, options, _ in directives(page, "literalinclude")
    ]
    assert included
    for page, path, options in included:
        file, name = name_of((page.parent / path).resolve()), options.get("pyobject")
        # The package may be installed elsewhere, without the sources next to the pages.
        folder = PACKAGE.parent if file.startswith("skffnn/") else ROOT
        lines = lines_of((folder / file).read_text("utf-8"), name)
        start, end = (options.get(t, "").strip('"') for t in ("start-at", "end-at"))
        starts = [i for i, line in enumerate(lines) if start in line]
        assert len(starts) == 1 or not start, f"{start!r}: {len(starts)} lines, {page}"
        assert any(end in line for line in lines[starts[0] :]), f"{end!r} in {page}"
        assert options["caption"] == ", ".join(filter(None, [file, name]))


def test_the_notation_names_what_is_in_the_source():
    text = (DOCS / "mathematics" / "index.md").read_text("utf-8")
    named = re.findall(r"`(\w+/\w+\.py)`, `([\w.]+)`", text)
    assert len(named) > 30
    for file, name in named:
        assert lines_of((PACKAGE / file).read_text("utf-8"), name), f"{name} in {file}"
