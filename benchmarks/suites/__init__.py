"""The suites: each is a module with `run`, `tables` and `plot`.

`run` measures and returns plain values: all single runs, not their medians. `tables`
and `plot` show such a result, which may have been read from a file.
"""

from types import ModuleType

from . import (
    choices,
    cluster,
    fit,
    grid,
    growth,
    latency,
    memory,
    mnist,
    predict,
    profile,
    rows,
    sparse,
    stack,
    tables,
)

SUITES: dict[str, ModuleType] = {
    "fit": fit,
    "sparse": sparse,
    "predict": predict,
    "latency": latency,
    "grid": grid,
    "stack": stack,
    "tables": tables,
    "rows": rows,
    "growth": growth,
    "mnist": mnist,
    "memory": memory,
    "profile": profile,
    "choices": choices,
    "cluster": cluster,
}
