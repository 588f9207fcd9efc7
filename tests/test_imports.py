"""Imports run downwards, and the package imports nothing that is optional."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import skffnn

PACKAGE = Path(skffnn.__file__).parent

# Each module may import from those above it in this list, and from no others.
ORDER = [
    "arrays",
    "blas",
    "streams",
    "activations",
    "losses",
    "penalties",
    "parameters",
    "optimizers",
    "schedules",
    "network",
    "objective",
    "batches",
    "documentation",
    "splitting",
    "targets",
    "data",
    "predicting",
    "progress",
    "reporting",
    "training",
    "checks",
    "scaling",
    "tables",
    "plan",
    "history",
    "files",
    "snapshots",
    "checkpoints",
    "classifier",
    "saving",
    "averaging",
    "tabular",
    "plotting",
    "loss_curves",
    "network_display",
    "weights_display",
    "__init__",
    "__main__",
]
# These know nothing of each other.
FOUNDATIONS = ORDER[1:9]
RUNTIME = {"numpy", "scipy", "sklearn", "threadpoolctl", "skffnn"}
# What these import where they use it, and nowhere else.
OPTIONAL = {
    "reporting": {"rich"},
    "plotting": {"matplotlib"},
    "loss_curves": {"matplotlib"},
    "network_display": {"matplotlib"},
}


def imports(module, *, at_top=False):
    """Yield (level, module) of the import statements of a module."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))
    for node in tree.body if at_top else ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, alias.name


def test_every_module_has_a_place():
    assert sorted(ORDER) == sorted(path.stem for path in PACKAGE.glob("*.py"))


@pytest.mark.parametrize("module", ORDER)
def test_imports_run_downwards(module):
    own = [name for level, name in imports(module) if level == 1]
    above = ORDER[: ORDER.index(module)]
    assert set(own) <= set(above)


@pytest.mark.parametrize("module", FOUNDATIONS)
def test_foundations_stand_alone(module):
    assert {name for level, name in imports(module) if level} <= {"arrays"}


@pytest.mark.parametrize("module", [m for m in ORDER if m != "__main__"])
def test_no_private_and_no_optional_imports(module):
    known = RUNTIME | sys.stdlib_module_names
    for level, name in imports(module):
        if level == 0:
            assert name.split(".")[0] in known | OPTIONAL.get(module, set())
            assert not any(part.startswith("_") for part in name.split("."))
    for level, name in imports(module, at_top=True):
        assert level or name.split(".")[0] in known


def test_importing_the_package_imports_nothing_optional():
    optional = set().union(*OPTIONAL.values())
    # scikit-learn may have imported some of it for purposes of its own.
    code = "import sys, sklearn.base, sklearn.metrics, sklearn.model_selection; "
    code += "before = {*sys.modules}; import skffnn; "
    code += f"print(sorted({optional} & {{*sys.modules}} - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
