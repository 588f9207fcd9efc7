"""A file of results, with one line of JSON for each fit."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Fit(NamedTuple):
    """The fit that a line of results is about.

    Attributes
    ----------
    table : str
        Name of the table.
    rows : int or None
        Maximum number of training rows; None for all.
    seed : int
        Seed of the split and of the model.
    model : str
        Name of the model.
    """

    table: str
    rows: int | None
    seed: int
    model: str


class Results:
    """A file of results that grows line by line.

    Parameters
    ----------
    path : Path
        The file, which may not exist yet. An incomplete last line is removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._figures: dict[Fit, dict[str, Any]] = {}
        if not path.exists():
            return
        *whole, cut_off = path.read_text("utf-8").split("\n")
        for line in whole:
            figures = json.loads(line)
            fit = Fit(*(figures.pop(name) for name in Fit._fields))
            self._figures[fit] = figures
        if cut_off:
            path.write_text("".join(f"{line}\n" for line in whole), "utf-8")

    def __contains__(self, fit: Fit) -> bool:
        return fit in self._figures

    def __getitem__(self, fit: Fit) -> dict[str, float]:
        return self._figures[fit]

    def __iter__(self) -> Iterator[Fit]:
        return iter(self._figures)

    def add(self, fit: Fit, figures: dict[str, float]) -> None:
        """Append the figures of a fit to the file, which survives an interruption."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**fit._asdict(), **figures}) + "\n")
        self._figures[fit] = figures
