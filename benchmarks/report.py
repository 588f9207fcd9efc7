"""Results as JSON, and tables and plots made from them."""

import json
import math
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from .measure import Spread

FILE = "results.json"
PIPED_WIDTH = 160
NOTHING = "—"  # in an empty cell of a table on a page


@dataclass
class Table:
    """A table of text, with labels in the first column."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Return the table in Markdown."""
        right = ["---", *["---:"] * (len(self.columns) - 1)]
        rows = [[cell or NOTHING for cell in row] for row in self.rows]
        lines = [self.columns, right, *rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"**{self.title}**\n\n{text}\n"

    def show(self) -> None:
        """Print the table on the terminal."""
        table = RichTable(title=self.title, title_justify="left")
        for i, column in enumerate(self.columns):
            table.add_column(column, justify="right" if i else "left")
        for row in self.rows:
            table.add_row(*row)
        width = None if sys.stdout.isatty() else PIPED_WIDTH
        Console(width=width).print(table)


def read(out: Path) -> dict[str, Any]:
    """Return the results so far, by suite."""
    path = out / FILE
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def write(out: Path, results: dict[str, Any]) -> None:
    """Write the results so far."""
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (out / FILE).write_text(text + "\n", "utf-8")


def footnote(entry: dict[str, Any]) -> str:
    """Describe the machine that a suite was run on."""
    machine = dict(entry["machine"])
    system, cpu, cores, threads, blas = (
        machine.pop(key) for key in ("system", "cpu", "cores", "threads", "blas")
    )
    versions = ", ".join(f"{name} {version}" for name, version in machine.items())
    n = entry["repeats"]
    quick = " Quick run on tiny data: the figures are meaningless." * entry["quick"]
    return (
        f"{cpu}, {cores} cores, {threads} threads, {system}; {versions}; {blas}. "
        f"Rounds: {n}, unless stated otherwise.{quick}"
    )


def publish(
    name: str, suite: Any, entry: dict[str, Any], out: Path, page: Path | None = None
) -> None:
    """Print the tables of a suite, and write them and its plot to files.

    Parameters
    ----------
    name : str
        Name of the suite.
    suite : module
        The suite, with functions `tables` and `plot`.
    entry : dict
        The results of the suite, as returned by `read`.
    out : Path
        Output folder.
    page : Path, default=None
        A Markdown page to update, between `<!-- name -->` and `<!-- end -->`. The plot
        is copied to a folder next to the page, named after it.
    """
    import matplotlib

    from .plots import STYLE

    tables, note = suite.tables(entry["result"]), footnote(entry)
    for table in tables:
        table.show()
    print(f"{note}\n", flush=True)
    text = "\n".join([*(table.markdown() for table in tables), note])
    (out / f"{name}.md").write_text(text + "\n", "utf-8")
    with matplotlib.rc_context(STYLE):
        figure = suite.plot(entry["result"])
        figure.savefig(out / f"{name}.svg", transparent=True, metadata={"Date": None})
    if page is not None:
        plots = page.with_suffix("")
        plots.mkdir(exist_ok=True)
        shutil.copy(out / f"{name}.svg", plots)
        image = f"![{title_of(suite)}]({plots.name}/{name}.svg)"
        fill(page, name, f"\n{image}\n\n{text}\n\n")


def title_of(suite: Any) -> str:
    """Return the first line of the docstring of a suite, without the full stop."""
    return suite.__doc__.splitlines()[0].removesuffix(".")


def fill(page: Path, name: str, text: str) -> None:
    """Replace the text of a page between `<!-- name -->` and `<!-- end -->`."""
    before, begin, rest = page.read_text("utf-8").partition(f"<!-- {name} -->\n")
    if begin:
        after = rest.partition("<!-- end -->")[2]
        page.write_text(f"{before}{begin}{text}<!-- end -->{after}", "utf-8")


def times(value: Spread) -> str:
    """Return a ratio with its spread as text."""
    return f"{value.median:.2f} ({value.low:.2f} to {value.high:.2f})"


def time_unit(seconds: float) -> tuple[str, float]:
    """Return a suitable unit for a duration, and its length in seconds."""
    units = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}
    return next(
        ((u, size) for u, size in units.items() if seconds >= size), ("µs", 1e-6)
    )


def seconds(value: float) -> str:
    """Return a duration as text."""
    unit, size = time_unit(value)
    return f"{value / size:.3g} {unit}"


def megabytes(n_bytes: float) -> str:
    """Return an amount of memory as text."""
    return f"{n_bytes / 1e6:.1f}"


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))
