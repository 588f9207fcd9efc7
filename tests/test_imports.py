"""Imports run downwards, and the package imports nothing that is optional."""

import ast
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
    "splitting",
    "targets",
    "data",
    "progress",
    "training",
    "checks",
    "scaling",
    "tables",
    "plan",
    "files",
    "snapshots",
    "checkpoints",
    "classifier",
    "saving",
    "averaging",
    "tabular",
    "__init__",
    "__main__",
]
# These know nothing of each other.
FOUNDATIONS = ORDER[1:9]
RUNTIME = {"numpy", "scipy", "sklearn", "threadpoolctl", "skffnn"}


def imports(module):
    """Yield (level, module) of each import statement of a module."""
    for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))):
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
    import sys

    for level, name in imports(module):
        if level == 0:
            top = name.split(".")[0]
            assert top in RUNTIME | sys.stdlib_module_names
            assert not any(part.startswith("_") for part in name.split("."))
