"""The command `python -m benchmarks.accuracy.fetch`: downloads the twelve tables."""

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
    """The source of a table on OpenML.

    Attributes
    ----------
    data_id : int
        The ID of the data set, which identifies one version of it.
    rows : int
        Its number of rows.
    dropped : sequence of str
        Columns to leave out.
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
    """Download a table.

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
        If it does not have the expected number of rows.
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
    """Download the tables that are missing from a folder."""
    parser = argparse.ArgumentParser(
        prog=PROG, description="Download the twelve tables from OpenML."
    )
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--tables", nargs="+", choices=SOURCES, default=list(SOURCES))
    args = parser.parse_args(argv)
    console = Console()
    args.data_dir.mkdir(parents=True, exist_ok=True)
    for name in args.tables:
        path = args.data_dir / f"{name}{ENDING}"
        if path.exists():
            console.print(f"{path} exists")
            continue
        table(name).to_csv(path, index=False)
        console.print(f"{path} downloaded")
    return 0


if __name__ == "__main__":
    sys.exit(main())
