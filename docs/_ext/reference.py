"""What the reference takes from the package, so that it cannot drift from it.

The directive `registry` lists the names that a parameter can take and documents what
each stands for; `house` lists the modules in the order in which they build on one
another. The objective, which docstrings write in plain text, is set as a formula.
"""

import inspect
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from docutils.nodes import Node
from sphinx.util.docutils import SphinxDirective

import skffnn

# A line of a docstring, and the formula that the site shows in its place.
OBJECTIVE = "J(θ) = 1/S Σ_t s_t ℓ(f(x_t | θ), y_t) + α Ω(θ),    S = Σ_t s_t,"
FORMULA = (
    r"J(\theta) = \frac{1}{S} \sum_t s_t \, \ell(f(x_t \mid \theta), y_t) "
    r"+ \alpha \, \Omega(\theta), \qquad S = \sum_t s_t,"
)
CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"


def full_name(cls: type) -> str:
    """Return the name that users import a class by."""
    module = "skffnn" if cls.__name__ in skffnn.__all__ else cls.__module__
    return f"{module}.{cls.__name__}"


def summary(obj: Any) -> str:
    """Return the first line of a docstring."""
    return (obj.__doc__ or "").strip().splitlines()[0]


def table(rows: Iterator[tuple[str, ...]]) -> list[str]:
    """Return the lines of a table in reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in rows:
        lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(row)]
    return [*lines, ""]


class Registry(SphinxDirective):
    """The names in a registry, and the classes of the objects that they stand for."""

    required_arguments = 1

    def run(self) -> list[Node]:
        entries = getattr(skffnn, self.arguments[0])

        def rows() -> Iterator[tuple[str, ...]]:
            yield "name", "object", "what it is"
            for name, entry in entries.items():
                cls = entry if isinstance(entry, type) else type(entry)
                made = repr(entry) if entry is not cls and is_dataclass(entry) else ""
                text = f":py:class:`{made or cls.__name__} <{full_name(cls)}>`"
                yield f'``"{name}"``', text, summary(cls)

        lines = table(rows())
        classes = [e if isinstance(e, type) else type(e) for e in entries.values()]
        for cls in dict.fromkeys(classes):
            lines += [f".. autoclass:: {full_name(cls)}", ""]
        return self.parse_text_to_nodes("\n".join(lines))


class House(SphinxDirective):
    """The modules of the package, from the foundation up, as CONTRIBUTING has them."""

    def run(self) -> list[Node]:
        text = CONTRIBUTING.read_text("utf-8")
        picture = re.search(r"```\nskffnn/\n(.*?)```", text, re.DOTALL)
        assert picture is not None
        floors: list[tuple[str, str, list[tuple[str, str]]]] = []
        for line in picture[1].splitlines():
            name, _, what = line.strip().partition(" ")
            if line.startswith("    "):
                floors[-1][2].append((name, what.strip()))
            else:
                floors.append((name, what.strip(), []))

        def rows() -> Iterator[tuple[str, ...]]:
            yield "module", "what it is"
            for floor, what, modules in reversed(floors):
                yield f"``{floor}``", what
                for name, purpose in reversed(modules):
                    if name != "__init__":
                        yield f"``{floor}{name}``", purpose

        return self.parse_text_to_nodes("\n".join(table(rows())))


def set_objective(*args: Any) -> None:
    """Set the objective as a formula, before numpydoc reads the docstring."""
    lines = args[-1]
    for i, line in enumerate(lines):
        if line.strip() == OBJECTIVE:
            lines[i - 2] = lines[i - 2].removesuffix("::").rstrip()
            lines[i : i + 1] = [".. math::", "", f"    {FORMULA}"]
            return


def index_parameters(app: Any, what: str, name: str, obj: Any, *args: Any) -> None:
    """Add the parameters of the networks to the index, which the search reads."""
    if name in ("skffnn.FFNNClassifier", "skffnn.FFNNRegressor"):
        names = inspect.signature(obj).parameters
        entries = [f"   ! single: {name}" for name in names]  # main entries
        args[-1][:0] = [".. index::", *entries, ""]


def setup(app: Any) -> dict[str, bool]:
    """Register the directives and the functions that change docstrings."""
    app.add_directive("registry", Registry)
    app.add_directive("house", House)
    app.connect("autodoc-process-docstring", set_objective, priority=400)
    app.connect("autodoc-process-docstring", index_parameters, priority=600)
    return {"parallel_read_safe": True}
