"""Imports run downwards, and importing the package imports no optional library."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import skffnn

PACKAGE = Path(skffnn.__file__).parent

# What `skffnn` contains, from top to bottom. Each may import from its own line and from
# the lines below, so nothing imports what needs an optional library.
LAYERS = [
    {"__main__", "dask", "onnx"},
    {"__init__"},
    {"inspection", "parallel", "tabular"},
    {"classifier", "regressor", "estimator", "typing"},
    {"files"},
    {"fitting"},
    {"fitted"},
    {"optim"},
    {"data"},
    {"utils"},
    {"nn"},
]
# These know nothing of each other. They share array operations, `nn.arrays`.
INDEPENDENT = [
    "nn.activations",
    "nn.losses",
    "nn.parameters",
    "optim.optimizers",
    "optim.schedules",
]
OPTIONAL = {"dask", "distributed", "matplotlib", "onnx", "pandas", "rich", "skl2onnx"}


def module_of(*parts: str) -> str:
    """Return the name of a module, `package.__init__` for a package."""
    is_module = PACKAGE.joinpath(*parts).with_suffix(".py").exists()
    return ".".join(parts if is_module else [*parts, "__init__"])


def imports(path: Path) -> Iterator[str]:
    """Yield the modules of the package that a file imports."""
    package = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = package[: len(package) - node.level + 1]
            yield module_of(*above, *(node.module.split(".") if node.module else ()))


IMPORTS = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): {*imports(path)}
    for path in PACKAGE.rglob("*.py")
}


def test_no_modules_import_each_other():
    TopologicalSorter(IMPORTS).prepare()  # raises a CycleError


def test_imports_run_downwards():
    floor = {name: i for i, layer in enumerate(LAYERS) for name in layer}
    assert floor.keys() == {module.split(".")[0] for module in IMPORTS}
    upwards = [
        f"{module} imports {name}"
        for module, names in IMPORTS.items()
        for name in names
        if floor[name.split(".")[0]] < floor[module.split(".")[0]]
    ]
    assert upwards == []
    for module in INDEPENDENT:
        assert IMPORTS[module] <= {"nn.arrays"}


def test_importing_the_package_imports_nothing_optional(python):
    # scikit-learn itself may import some of these.
    code = "import sys, sklearn.base, sklearn.metrics, sklearn.model_selection; "
    code += "before = {*sys.modules}; import skffnn; "
    code += f"print(sorted({OPTIONAL} & {{*sys.modules}} - before))"
    done = python(code)
    assert done.stdout == "[]\n", done.stderr
