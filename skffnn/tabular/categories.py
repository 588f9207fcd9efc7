"""The categories of a column: their names, and the mean of the target for each."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from sklearn.model_selection import KFold
from sklearn.preprocessing import TargetEncoder

from ..nn.arrays import Array
from .columns import cells, is_categorical

# What y holds.
TargetKind = Literal["classes", "numbers"]
TARGETS = get_args(TargetKind)

# Number of folds for the cross-fitted means of the training rows, of which there are at
# least 3: fewer have no infrequent categories.
N_PARTS = 5


class Rest(Enum):
    """The category of all infrequent categories.

    An enumeration member equals no cell, and remains the same object when it is copied
    or unpickled.
    """

    OTHER = "other"

    def __reduce__(self) -> tuple[Any, ...]:
        # skops calls this method, but Enum defines only __reduce_ex__.
        return Rest, (self.value,)


OTHER = Rest.OTHER


def categories_of(column: Any, name: Any) -> Counter[Any] | None:
    """Count the cells of each category; return None for a column of numbers."""
    if not is_categorical(column):
        return None
    try:
        return Counter(cells(column))
    except TypeError as error:
        raise TypeError(
            f"Column {name!r} of X contains a cell of an unsupported type ({error}): "
            "argument must be a string or a number. Convert or drop the column."
        ) from error


def most_categories(counts: Iterable[Any], most: int, most_in_all: int) -> int:
    """Return the maximum number of categories to encode in one column, at least 2.

    It is `most`, lowered until all columns together have at most `most_in_all`.
    """
    sizes = np.array([len(found) for found in counts if found is not None], dtype=int)
    most = min(most, max(2, sizes.max(initial=0)))
    if most > most_in_all:  # so has the largest column
        most = most_in_all
    while most > 2 and np.minimum(sizes, most).sum() > most_in_all:
        most -= 1
    return most


def frequent(counts: Counter[Any], most: int) -> list[Any]:
    """Return the most frequent categories by label, then `OTHER` for the others."""
    categories = sorted(counts, key=labels)
    if len(categories) > most:
        categories.sort(key=counts.__getitem__, reverse=True)
        categories = [*sorted(categories[: most - 1], key=labels), OTHER]
    return categories


def positions(categories: Sequence[Any]) -> dict[Any, int]:
    """Return the position of each category."""
    return {category: i for i, category in enumerate(categories)}


def codes_of(cells: Sequence[Any], position: dict[Any, int]) -> Array:
    """Return the position of the category of each cell.

    Other cells have that of `OTHER`, or -1 without it.
    """
    other = position.get(OTHER, -1)
    return np.array([position.get(cell, other) for cell in cells], dtype=np.intp)


def one_hot(column: Any, categories: Sequence[Any]) -> Array:
    """Return one column per category, 1 where a cell belongs to it and 0 elsewhere."""
    codes = codes_of(cells(column), positions(categories))
    return (codes[:, np.newaxis] == np.arange(len(categories))).astype(np.float64)


def labels(category: Any) -> tuple[str, str]:
    """Return the label of a category, both plain and with strings in quotes.

    The second distinguishes "1" from 1 and "missing" from a missing value, so sorting
    categories by the pair does not depend on the order of the rows.
    """
    if category is OTHER:
        return "other", "other"
    if category is None:
        return "missing", "missing"
    plain = str(category)
    return plain, repr(category) if isinstance(category, str) else plain


@dataclass
class TargetMeans:
    """The mean of the target for each category, shrunk towards the overall mean.

    Attributes
    ----------
    categories : list
        The categories, with `OTHER` for those that are unknown.
    table : ndarray of shape (n_categories, n_means)
        Their means; that of unknown categories is the overall mean. There is one mean
        for numbers or two classes, and one per class for more.
    """

    categories: list[Any]
    table: Array

    @cached_property
    def _positions(self) -> dict[Any, int]:
        return positions(self.categories)

    def __getstate__(self) -> dict[str, Any]:
        return {"categories": self.categories, "table": self.table}

    def transform(self, cells: Sequence[Any]) -> Array:
        """Return the means for each cell, with a row for each."""
        means: Array = self.table[codes_of(cells, self._positions)]
        return means

    @classmethod
    def fit_transform(
        cls, cells: Sequence[Any], categories: list[Any], y: Any, kind: str
    ) -> "tuple[TargetMeans, Array]":
        """Return the means over all rows, and the cross-fitted means for these rows.

        The mean of a rare category includes the label of the row itself, to which a
        network would overfit. So the means for a training row come from the other four
        of five folds. They are computed by `sklearn.preprocessing.TargetEncoder`.
        """
        codes = codes_of(cells, positions(categories))
        numbers = as_numbers(y, kind)
        of_rows = np.empty_like(numbers)
        parts = KFold(min(N_PARTS, len(codes)), shuffle=True, random_state=0)
        for others, part in parts.split(codes):
            for k, z in enumerate(numbers[others].T):
                means = shrunk_means(codes[others], z, len(categories))
                of_rows[part, k] = means[codes[part]]
        table = [shrunk_means(codes, z, len(categories)) for z in numbers.T]
        return cls([*categories, OTHER], np.column_stack(table)), of_rows


def shrunk_means(codes: Array, y: Array, n_categories: int) -> Array:
    """Return the mean of y for each category, followed by that for all rows."""
    encoder = TargetEncoder(
        categories=[np.arange(n_categories)], target_type="continuous"
    )
    encoder.fit(codes[:, np.newaxis], y)
    return np.append(encoder.encodings_[0], encoder.target_mean_)


def as_numbers(y: Any, kind: str) -> Array:
    """Return y as numbers, with a column for each mean.

    Of two classes, the second has an indicator; of more classes, each has one.
    """
    if kind == "numbers":
        return np.asarray(y, dtype=np.float64)[:, np.newaxis]
    classes, codes = np.unique(y, return_inverse=True)
    each: Array = (codes[:, np.newaxis] == np.arange(len(classes))).astype(np.float64)
    return each[:, 1:] if len(classes) == 2 else each
