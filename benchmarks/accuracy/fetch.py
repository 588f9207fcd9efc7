"""The twelve tables, from OpenML: the command `python -m benchmarks.accuracy.fetch`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from rich.console import Console
from sklearn.datasets import fetch_openml

from .tables import ENDING

PROG = "python -m benchmarks.accuracy.fetch"


class Source(NamedTuple):
    """Where a table is on OpenML.

    Attributes
    ----------
    data_id : int
        The number of the data set, which stands for one version of it.
    rows : int
        How many it has.
    dropped : sequence of str
        Columns that are left out besides.
    """

    data_id: int
    rows: int
    dropped: Sequence[str] = ()


SOURCES = {
    "adult": Source(1590, 48842),
    "churn": Source(40701, 5000),
    "electricity": Source(151, 45312, dropped=("date", "day")),
    "german": Source(31, 1000),
    "letter": Source(6, 20000),
    "magic": Source(1120, 19020),
    "optdigits": Source(28, 5620),
    "phoneme": Source(1489, 5404),
    "satimage": Source(182, 6430),
    "segmentation": Source(36, 2310),
    "spambase": Source(44, 4601),
    "vowel": Source(307, 990),
}


def table(name: str) -> pd.DataFrame:
    """Fetch a table.

    Parameters
    ----------
    name : str
        A key of `SOURCES`.

    Returns
    -------
    frame : DataFrame
        Its features, and the class in the last column, `target`.

    Raises
    ------
    ValueError
        If it has more or fewer rows than it should.
    """
    source = SOURCES[name]
    found = fetch_openml(data_id=source.data_id, as_frame=True, parser="auto")
    X = found.data.drop(columns=list(source.dropped))
    if len(X) != source.rows:
        raise ValueError(
            f"{name} should have {source.rows} rows, but data set {source.data_id} has "
            f"{len(X)}."
        )
    return X.assign(target=found.target)


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch the tables that a folder lacks."""
    parser = argparse.ArgumentParser(
        prog=PROG, description="Fetch the twelve tables from OpenML."
    )
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--tables", nargs="+", choices=SOURCES, default=list(SOURCES))
    args = parser.parse_args(argv)
    console = Console()
    args.data_dir.mkdir(parents=True, exist_ok=True)
    for name in args.tables:
        path = args.data_dir / f"{name}{ENDING}"
        if path.exists():
            console.print(f"{path} is there")
            continue
        table(name).to_csv(path, index=False)
        console.print(f"{path} is fetched")
    return 0


if __name__ == "__main__":
    sys.exit(main())
