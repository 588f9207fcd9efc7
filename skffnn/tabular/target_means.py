"""Target encoding of a column with many categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from sklearn.model_selection import KFold
from sklearn.preprocessing import TargetEncoder

from ..nn.arrays import Array

# What y holds.
TargetKind = Literal["classes", "numbers"]
TARGETS = get_args(TargetKind)

# Number of folds for the cross-fitted means of the training rows.
N_PARTS = 5


@dataclass
class TargetMeans:
    """The mean of the target for each category, shrunk towards the overall mean.

    Attributes
    ----------
    categories : list
        The categories.
    table : ndarray of shape (n_categories + 1, n_means)
        Their means. The last row is the overall mean, used for unknown categories.
        There is one mean for numbers or two classes, and one per class for more.
    """

    categories: list[Any]
    table: Array

    @cached_property
    def _position(self) -> dict[Any, int]:
        return {category: i for i, category in enumerate(self.categories)}

    def __getstate__(self) -> dict[str, Any]:
        return {"categories": self.categories, "table": self.table}

    def codes(self, cells: Sequence[Any]) -> Array:
        """Return the row of the table for each cell."""
        position, other = self._position, len(self.categories)
        return np.array([position.get(cell, other) for cell in cells], dtype=np.intp)

    def transform(self, cells: Sequence[Any]) -> Array:
        """Return the means for each cell.

        Parameters
        ----------
        cells : sequence
            Cells of the column; None for missing values.

        Returns
        -------
        means : ndarray of shape (n_samples, n_means)
            One row for each cell.
        """
        means: Array = self.table[self.codes(cells)]
        return means

    @classmethod
    def fit_transform(
        cls, cells: Sequence[Any], categories: list[Any], y: Any, kind: str
    ) -> "tuple[TargetMeans, Array]":
        """Compute the means, and cross-fitted means for the training rows.

        The mean of a rare category includes the label of the row itself, to which a
        network would overfit. So the means for a training row come from the other four
        of five folds. They are computed by `sklearn.preprocessing.TargetEncoder`.

        Parameters
        ----------
        cells : sequence
            Cells of the column; None for missing values.
        categories : list
            The categories that occur.
        y : array-like of shape (n_samples,)
            Class labels or numbers.
        kind : {"classes", "numbers"}
            What y holds.

        Returns
        -------
        means : TargetMeans
            The means over all rows, for new rows.
        of_rows : ndarray of shape (n_samples, n_means)
            The cross-fitted means for the training rows.
        """
        means = cls(categories, np.zeros((len(categories) + 1, 1)))
        codes = means.codes(cells)[:, np.newaxis]
        numbers = as_numbers(y, kind)
        of_rows = np.empty_like(numbers)
        encoder = TargetEncoder(
            categories=[np.arange(len(categories))], target_type="continuous"
        )
        parts = KFold(N_PARTS, shuffle=True, random_state=0)
        columns = []
        for k, z in enumerate(numbers.T):
            for others, part in parts.split(codes):
                encoder.fit(codes[others], z[others])
                of_rows[part, k] = encoder.transform(codes[part])[:, 0]
            encoder.fit(codes, z)
            columns.append(np.append(encoder.encodings_[0], encoder.target_mean_))
        means.table = np.column_stack(columns)
        return means, of_rows


def as_numbers(y: Any, kind: str) -> Array:
    """Return y as numbers; classes become indicators.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Class labels or numbers.
    kind : {"classes", "numbers"}
        What y holds.

    Returns
    -------
    numbers : ndarray of shape (n_samples, n_means)
        The numbers; an indicator of the second of two classes; or, for more classes, an
        indicator of each.
    """
    if kind == "numbers":
        return np.asarray(y, dtype=np.float64)[:, np.newaxis]
    classes, codes = np.unique(y, return_inverse=True)
    each: Array = (codes[:, np.newaxis] == np.arange(len(classes))).astype(np.float64)
    return each[:, 1:] if len(classes) == 2 else each
