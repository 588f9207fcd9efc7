"""Peak memory of a fit above that of the data."""

from typing import Any

from ..fits import OURS, THEIRS, memory_of_fit
from ..measure import Bench, spread
from ..plots import grouped, legend, panels
from ..report import Table, megabytes
from ..workloads import Problem, Settings, load

# {name: (dtype of X, entries per row of a CSR matrix)}
DATA: dict[str, tuple[str, int | None]] = {
    "float32": ("float32", None),
    "float64": ("float64", None),
    "CSR float64": ("float64", 10),
}


def run(bench: Bench) -> Any:
    """Measure each kind of data once, in a separate process."""
    result = {}
    for name, (dtype, entries) in DATA.items():
        n, d = (500, 20) if bench.quick else (200_000, 100)
        problem = Problem(n, d, 2, dtype, entries)
        result[name] = {
            "data": bench.afresh(
                f"memory, {name}", size_of, peer=OURS, problem=problem
            ),
            "bytes": {
                peer: bench.afresh(
                    f"memory, {name}",
                    memory_of_fit,
                    peer=peer,
                    problem=problem,
                    settings=Settings(),
                )
                for peer in bench.among(OURS, THEIRS)
            },
        }
    return result


def size_of(peer: str, problem: Problem) -> int:
    """Return the size of the training rows in bytes; `peer` is not used."""
    X = load(problem)[0]
    parts = [X] if problem.entries is None else [X.data, X.indices, X.indptr]
    return sum(part.nbytes for part in parts)


def tables(result: Any) -> list[Table]:
    """Return one table, with one row for each kind of data."""
    peers = list(next(iter(result.values()))["bytes"])
    rows = [
        [name, *(megabytes(n) for n in (entry["data"], *entry["bytes"].values()))]
        for name, entry in result.items()
    ]
    title = "Peak memory of a fit above that of the data, in MB, measured once"
    return [Table(title, ["data", "size", *peers], rows)]


def plot(result: Any) -> Any:
    """Draw the peaks next to the size of the data."""
    figure, axes = panels(1, 1, 2.6)
    series = {
        peer: [spread([entry["bytes"][peer] / 1e6]) for entry in result.values()]
        for peer in next(iter(result.values()))["bytes"]
    }
    sizes = {"size of the data": [spread([e["data"] / 1e6]) for e in result.values()]}
    grouped(axes[0, 0], list(result), {**series, **sizes}, bars=True)
    axes[0, 0].set_xlabel("peak MB of a fit above the data")
    legend(figure, axes[0, 0])
    return figure
