"""Ratios, wins and paired tests, from the figures of single fits."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata, ttest_rel, wilcoxon

from ..report import geometric_mean
from .results import Fit, Results

# Added to the figures before a ratio is taken, since an error may be 0.
SHIFT = {"error": 0.01}
LEVEL = 0.05


class Comparison:
    """Models on the same tables, splits and seeds.

    Parameters
    ----------
    results : Results
        The results.
    rows : int or None
        Maximum number of training rows.
    models : sequence of str
        The models to compare. Only tables and seeds with results for all of them count.

    Attributes
    ----------
    seeds : dict of str to list of int
        The seeds of each table.
    """

    def __init__(
        self, results: Results, rows: int | None, models: Sequence[str]
    ) -> None:
        self.results = results
        self.rows = rows
        self.models = models
        self.seeds: dict[str, list[int]] = {}
        for table, seed in sorted({(fit.table, fit.seed) for fit in results}):
            if all(Fit(table, rows, seed, model) in results for model in models):
                self.seeds.setdefault(table, []).append(seed)

    def values(self, model: str, table: str, figure: str) -> list[float]:
        """Return a figure of a model on a table for each seed."""
        return [
            self.results[Fit(table, self.rows, seed, model)][figure]
            for seed in self.seeds[table]
        ]

    def mean(self, model: str, table: str, figure: str) -> float:
        """Return the mean of a figure over the seeds."""
        return float(np.mean(self.values(model, table, figure)))

    def average(self, model: str, figure: str) -> float:
        """Return the mean of a figure over the tables."""
        return float(np.mean([self.mean(model, table, figure) for table in self.seeds]))

    def ratio(self, model: str, base: str, table: str, figure: str) -> float:
        """Return the ratio of the means of a figure for two models on a table."""
        shift = SHIFT.get(figure, 0.0)
        above, below = (self.mean(m, table, figure) + shift for m in (model, base))
        return above / below

    def overall(self, model: str, base: str, figure: str) -> float:
        """Return the geometric mean of the ratios over the tables."""
        return geometric_mean(
            self.ratio(model, base, table, figure) for table in self.seeds
        )

    def mean_rank(self, model: str, figure: str) -> float:
        """Return the mean rank of a model over the tables; 1 is the lowest figure."""
        place = list(self.models).index(model)
        ranks = [
            rankdata([self.mean(m, table, figure) for m in self.models])[place]
            for table in self.seeds
        ]
        return float(np.mean(ranks))

    def worst_gap(self, model: str, base: str, figure: str) -> tuple[float, str]:
        """Return the largest difference from a base model, and the table it is on."""
        return max(
            (self.mean(model, table, figure) - self.mean(base, table, figure), table)
            for table in self.seeds
        )

    def record(self, model: str, base: str, figure: str) -> tuple[int, int, int]:
        """Count the tables on which a model is better, equal or worse.

        It is better or worse if a paired t-test over the seeds is significant at 5 %.

        Parameters
        ----------
        model, base : str
            The models.
        figure : str
            A figure of which lower is better.

        Returns
        -------
        wins, ties, losses : int
            Numbers of tables.
        """
        signs = [
            sign_of_difference(
                self.values(model, table, figure), self.values(base, table, figure)
            )
            for table in self.seeds
        ]
        return signs.count(-1), signs.count(0), signs.count(1)

    def p_value(self, model: str, base: str, figure: str) -> float:
        """Return the p-value for the hypothesis that neither model is better.

        It is that of Wilcoxon's signed-rank test over the tables on which they differ.
        """
        logs = [math.log(self.ratio(model, base, t, figure)) for t in self.seeds]
        logs = [value for value in logs if value]
        return float(wilcoxon(logs, method="exact").pvalue) if logs else 1.0


def sign_of_difference(a: Sequence[float], b: Sequence[float]) -> int:
    """Return -1 if paired numbers `a` are smaller than `b`, 1 if larger, 0 if unclear.

    Parameters
    ----------
    a, b : sequence of float
        Paired numbers, of the same length.

    Returns
    -------
    sign : int
        0 if the p-value of a paired t-test is above 5 %.
    """
    difference = np.subtract(a, b)
    if len(difference) < 2:
        return 0
    if np.ptp(difference) < 1e-12:  # a t-test would divide by a spread of 0
        return int(np.sign(np.round(difference.mean(), 12)))
    if ttest_rel(a, b).pvalue > LEVEL:
        return 0
    return int(np.sign(difference.mean()))
