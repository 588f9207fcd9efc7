"""Imports run downwards, and importing the package imports no optional library."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skffnn

PACKAGE = Path(skffnn.__file__).parent
CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"

# These modules are independent of each other.
PARTS = [
    "nn.activations",
    "nn.losses",
    "nn.penalties",
    "nn.parameters",
    "optim.optimizers",
    "optim.schedules",
]
# Optional packages import their library at the top, and nothing else imports them.
ROOMS = {
    "dask": {"dask", "distributed", "pandas"},
    "onnx": {"onnx", "skl2onnx"},
}
RUNTIME = {
    "numpy",
    "scipy",
    "sklearn",
    "joblib",
    "cloudpickle",
    "threadpoolctl",
    "skffnn",
}
# Optional libraries of modules, which import them where they use them.
OPTIONAL = {
    "fitting.listeners": {"rich"},
    "inspection.plotting": {"matplotlib"},
    "inspection.loss_curves": {"matplotlib"},
    "inspection.network_display": {"matplotlib"},
    "inspection.weights_display": {"matplotlib"},
}


def house():
    """Return the modules in the map in CONTRIBUTING.md, from top to bottom."""
    picture = re.search(
        r"```\nskffnn/\n(.*?)```", CONTRIBUTING.read_text("utf-8"), re.S
    )
    modules, package = [], ""
    for line in picture[1].splitlines():
        name = line.split()[0]
        if name.endswith("/"):
            package = name.replace("/", ".")
        else:
            modules.append(f"{package if line.startswith('    ') else ''}{name}")
    return modules


ORDER = house()


def way_of_a_batch():
    """Return (module, indentation) of each step in the path of a batch."""
    text = CONTRIBUTING.read_text("utf-8").split("the way of a batch: start")[1]
    lines = text.split("```")[1].strip("\n").splitlines()
    return [(line.split()[0], len(line) - len(line.lstrip())) for line in lines]


def path_of(module):
    return PACKAGE / f"{module.replace('.', '/')}.py"


def imports(module, *, at_top=False):
    """Yield (name, is_own) for each module that a module imports."""
    tree = ast.parse(path_of(module).read_text("utf-8"))
    package = module.split(".")[:-1]
    for node in tree.body if at_top else ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            name = ".".join([*base, *filter(None, [node.module])])
            yield name if path_of(name).exists() else f"{name}.__init__", True
        elif isinstance(node, ast.ImportFrom):
            yield node.module, False
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, False


def test_every_module_has_a_place_in_the_picture():
    modules = {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for path in PACKAGE.rglob("*.py")
    }
    # The __init__ of most packages contains only a docstring.
    empty = {m for m in modules if m.endswith(".__init__") and not [*imports(m)]}
    assert sorted(ORDER) == sorted(modules - empty)


def room_of(module):
    """Return the package of a module, or an empty string."""
    return module.split(".")[0] if "." in module else ""


@pytest.mark.parametrize("module", ORDER)
def test_nothing_else_imports_an_outer_room(module):
    for name, is_own in imports(module):
        room = room_of(name) if is_own else ""
        assert room not in ROOMS or room == room_of(module)


@pytest.mark.parametrize("module", ORDER)
def test_imports_run_downwards(module):
    own = {name for name, is_own in imports(module) if is_own}
    below = ORDER[ORDER.index(module) + 1 :]
    assert own <= set(below)


def test_the_way_of_a_batch_goes_through_modules_that_use_each_other():
    uses = {m: {name for name, is_own in imports(m) if is_own} for m in ORDER}
    reached, new = set(), {"classifier"}
    while new:
        reached |= new
        new = set().union(*(uses[m] for m in new)) - reached
    for module, _ in way_of_a_batch():
        assert module in reached


@pytest.mark.parametrize("module", PARTS)
def test_parts_know_nothing_of_each_other(module):
    assert {name for name, is_own in imports(module) if is_own} <= {"nn.arrays"}


@pytest.mark.parametrize("module", [m for m in ORDER if m != "__main__"])
def test_no_private_and_no_optional_imports(module):
    known = RUNTIME | sys.stdlib_module_names | ROOMS.get(room_of(module), set())
    for name, is_own in imports(module):
        if not is_own:
            assert name.split(".")[0] in known | OPTIONAL.get(module, set())
            assert not any(part.startswith("_") for part in name.split("."))
    for name, is_own in imports(module, at_top=True):
        assert is_own or name.split(".")[0] in known


def test_importing_the_package_imports_nothing_optional():
    optional = set().union(*OPTIONAL.values(), *ROOMS.values())
    # scikit-learn itself may import some of these.
    code = "import sys, sklearn.base, sklearn.metrics, sklearn.model_selection; "
    code += "before = {*sys.modules}; import skffnn; "
    code += f"print(sorted({optional} & {{*sys.modules}} - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
