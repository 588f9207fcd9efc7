"""Interface of targets, for classes and for numbers."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np

from ..nn.arrays import Array
from ..nn.losses import Loss


class BaseTargets:
    """Base class of targets.

    Attributes
    ----------
    ATTRIBUTES : dict of str to tuple of type
        The fitted attributes that describe the targets, with their types in a file.
    score_name : str
        Name of the default score.
    loss : Loss
        The output map and its loss.
    n_outputs : int
        Number of columns of the encoded y.
    splits_like_mlp : bool
        Whether unweighted rows are split exactly as in `MLPClassifier` and
        `MLPRegressor` for early stopping.
    """

    ATTRIBUTES: ClassVar[dict[str, tuple[type, ...]]]
    score_name: ClassVar[str]

    loss: Loss
    n_outputs: int
    splits_like_mlp: bool

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes that describe the targets.

        Returns
        -------
        fitted : dict of str to object
            A value for each name in `ATTRIBUTES`.
        """
        raise NotImplementedError

    def check(self) -> None:
        """Raise a ValueError if attributes read from a file are inconsistent."""
        raise NotImplementedError

    def check_known(self, y: Any, name: str) -> None:
        """Raise a ValueError if y does not match these targets.

        Parameters
        ----------
        y : ndarray or sparse array
            Targets of other rows.
        name : str
            Name of y in error messages.
        """
        raise NotImplementedError

    def continuing(self, before: Any) -> Self:
        """Return the targets for continuing an earlier fit.

        Parameters
        ----------
        before : BaseTargets
            The targets of the earlier fit, of the same class.

        Returns
        -------
        targets : BaseTargets
            The targets to train on.

        Raises
        ------
        ValueError
            If the earlier targets do not match.
        """
        raise NotImplementedError

    def encode(self, y: Any, dtype: Any, smoothing: float = 0.0) -> Any:
        """Encode y for the loss.

        Parameters
        ----------
        y : ndarray or sparse array
            Checked targets.
        dtype : dtype
            Dtype of the result.
        smoothing : float, default=0.0
            Label smoothing; ignored for numbers.

        Returns
        -------
        y : ndarray or LazyOneHot or SideBySide, of shape (n_samples, n_outputs)
            The encoded targets.
        """
        raise NotImplementedError

    def strata(self, y: Any) -> Array:
        """Return the stratum of each row, for splitting off a validation set.

        Parameters
        ----------
        y : ndarray or sparse array
            Checked targets.

        Returns
        -------
        strata : ndarray of int of shape (n_samples,)
            All 0 if the split is not stratified.
        """
        return np.zeros(y.shape[0], int)

    def label_columns(self, y: Any) -> list[tuple[Array, Array]]:
        """Return the classes and the class codes of each label column.

        Parameters
        ----------
        y : ndarray or sparse array
            Checked targets.

        Returns
        -------
        columns : list of (classes, codes)
            Empty for numbers.
        """
        return []

    def classes_of_columns(self) -> list[Array]:
        """Return the classes of each label column.

        Returns
        -------
        classes : list of ndarray
            Empty for numbers.
        """
        return []

    def score_from(self, y: Any, weights: Array | None) -> Callable[[float, Any], Any]:
        """Return a function that computes the default score of a validation set.

        Parameters
        ----------
        y : ndarray or sparse array of shape (n_rows, ...)
            Targets of the validation set.
        weights : ndarray of shape (n_rows,) or None
            Sample weights of the validation set.

        Returns
        -------
        score : callable
            Takes the mean loss and the mean of the loss's `score_terms`.
        """
        raise NotImplementedError

    def output_names(self) -> list[str]:
        """Return a name for each output of the network.

        Returns
        -------
        names : list of str
            The `n_outputs` names.
        """
        raise NotImplementedError
