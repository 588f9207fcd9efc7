"""Read tables from a folder, and split them into training and test rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

ENDING = ".csv.gz"
TEST_PART = 0.25


@dataclass(frozen=True)
class Split:
    """Training and test rows of a table.

    Attributes
    ----------
    X, X_test : DataFrame
        Features: numbers, and strings in categorical columns.
    y, y_test : ndarray of int
        Classes 0 … K-1.
    """

    X: pd.DataFrame
    y: np.ndarray[Any, Any]
    X_test: pd.DataFrame
    y_test: np.ndarray[Any, Any]


def names(folder: Path) -> list[str]:
    """Return the sorted names of the tables in a folder."""
    return sorted(path.name.removesuffix(ENDING) for path in folder.glob(f"*{ENDING}"))


def read(folder: Path, name: str) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """Return the features of a table and its classes 0 … K-1."""
    frame = pd.read_csv(folder / f"{name}{ENDING}")
    return frame.drop(columns="target"), pd.factorize(frame["target"], sort=True)[0]


def split(
    X: pd.DataFrame, y: np.ndarray[Any, Any], seed: int, rows: int | None
) -> Split:
    """Split a table, stratified by class.

    Parameters
    ----------
    X, y : DataFrame and ndarray
        As returned by `read`.
    seed : int
        Seed of the split. The test rows do not depend on `rows`.
    rows : int or None
        Maximum number of training rows; None for all except the test rows.

    Returns
    -------
    split : Split
        The split; a quarter of the rows are test rows.
    """
    train, test = train_test_split(
        np.arange(len(y)), test_size=TEST_PART, stratify=y, random_state=seed
    )
    if rows is not None and len(train) > rows:
        train, _ = train_test_split(
            train, train_size=rows, stratify=y[train], random_state=seed
        )
    return Split(X.iloc[train], y[train], X.iloc[test], y[test])


def nominal(X: pd.DataFrame) -> Sequence[str]:
    """Return the names of the categorical columns."""
    return [name for name in X if X[name].dtype.kind not in "iuf"]
