"""Helpers shared by the displays: matplotlib, colours and axes."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..estimator import FFNNEstimator
from ..fitting.plan import is_sequence
from ..nn.arrays import Array
from ..utils.checks import InvalidParameterError


class AnyAxes(Protocol):
    """Axes of matplotlib."""

    def get_xlim(self) -> Any:
        """Return the limits of the horizontal axis."""


# Types of the arguments `estimator` and `ax`.
NetworkLike = FFNNEstimator | Pipeline
AxesLike = AnyAxes | Sequence[AnyAxes] | NDArray[np.object_]

# Four colours of the colour-blind safe palette of Okabe & Ito. Each has a contrast
# ratio of at least 3 with both white and black.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
# Colours of negative and positive values, on a light and on a dark background.
SIGNS = {"light": ("#0072B2", "#D55E00"), "dark": ("#56B4E9", "#E69F00")}
LONGEST = 18  # characters of a name; longer ones are elided in the middle


def pyplot(display: str) -> Any:
    """Import matplotlib.pyplot.

    Parameters
    ----------
    display : str
        Name of the display class, for the error message.

    Returns
    -------
    pyplot : module
        The module.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{display} needs matplotlib, which is not installed. Install it with "
            "pip install 'skffnn[plot]'."
        ) from error
    return plt


def network_of(estimator: Any) -> tuple[FFNNEstimator, Any]:
    """Return the network in an estimator, and the steps before it.

    Parameters
    ----------
    estimator : FFNNClassifier, FFNNRegressor or Pipeline
        A fitted network, or a fitted pipeline whose last step is a network.

    Returns
    -------
    network : FFNNClassifier or FFNNRegressor
        The estimator or its last step.
    before : Pipeline or None
        The steps before it.

    Raises
    ------
    InvalidParameterError
        If the estimator is neither.
    NotFittedError
        If the network is not fitted.
    """
    network, before = estimator, None
    if isinstance(estimator, Pipeline):
        network = estimator[-1]
        before = estimator[:-1] if len(estimator) > 1 else None
    if not isinstance(network, FFNNEstimator):
        raise InvalidParameterError(
            "estimator must be an FFNNClassifier, an FFNNRegressor or a Pipeline that "
            f"ends in one, got {estimator!r}."
        )
    check_is_fitted(network)
    return network, before


def input_names_of(network: Any, before: Any) -> list[str] | None:
    """Return the names of the network's input features, if they are known.

    Parameters
    ----------
    network : FFNNClassifier or FFNNRegressor
        A fitted network.
    before : Pipeline or None
        The fitted steps before it.

    Returns
    -------
    names : list of str of length D(0), or None
        The names seen in `fit`, or the output names of the steps before the network, if
        these were fitted on a table with column names.
    """
    names = getattr(network, "feature_names_in_", None)
    if names is None and hasattr(before, "feature_names_in_"):
        with suppress(AttributeError):  # not every transformer names its output
            names = before.get_feature_names_out()
    return None if names is None else [*map(str, names)]


def elided(name: str) -> str:
    """Shorten a long name in the middle, because names often differ at their ends.

    Parameters
    ----------
    name : str
        The name.

    Returns
    -------
    short : str
        One line of at most 18 characters.

    Examples
    --------
    >>> elided("native_country_Trinidad")
    'native_co…Trinidad'
    """
    name = " ".join(name.split())
    if len(name) <= LONGEST:
        return name
    end = (LONGEST - 1) // 2
    return f"{name[: LONGEST - 1 - end].rstrip()}…{name[-end:].lstrip()}"


def strongest(strength: Array, most: int) -> Array:
    """Return the positions of the largest values, in ascending order of position.

    Parameters
    ----------
    strength : ndarray of shape (n,)
        Values; of equal values, the first are chosen.
    most : int
        Maximum number of positions.

    Returns
    -------
    positions : ndarray of int of shape (min(n, most),)
        The positions.

    Examples
    --------
    >>> print(strongest(np.array([3.0, 0.5, 1.0, 4.0]), 2))
    [0 3]
    """
    return np.sort(np.argsort(-strength, kind="stable")[:most])


def maps_of(network: Any) -> list[str]:
    """Return the names of the hidden activation functions and of the output map.

    Parameters
    ----------
    network : FFNNClassifier or FFNNRegressor
        A fitted network.

    Returns
    -------
    names : list of str of length L + 1
        A custom activation has the name of its class.
    """
    hidden = network.activation
    if not is_sequence(hidden):
        hidden = [hidden] * (len(network.coefs_) - 1)
    names = [g if isinstance(g, str) else type(g).__name__ for g in hidden]
    return [*names, network.out_activation_]


def rows_of(before: Any, X: Any) -> Any:
    """Apply the steps before the network to X.

    Parameters
    ----------
    before : Pipeline or None
        The steps before the network.
    X : array-like of shape (n_samples, n_features)
        Input of the estimator.

    Returns
    -------
    X : array-like of shape (n_samples, D(0))
        Input of the network.
    """
    return X if before is None else before.transform(X)


def axes_for(plt: Any, ax: Any, n: int, names: str, **options: Any) -> Any:
    """Create axes, or validate the user's axes.

    Parameters
    ----------
    plt : module
        matplotlib.pyplot.
    ax : Axes, sequence of Axes or None
        The user's axes, or None to create them.
    n : int
        Number of axes.
    names : str
        What is drawn on them, for the error message.
    **options : dict
        Passed to `plt.subplots`.

    Returns
    -------
    axes : ndarray of Axes of shape (n,)
        From left to right and top to bottom.

    Raises
    ------
    InvalidParameterError
        If `ax` is not n Axes.
    """
    if ax is None:
        axes = plt.subplots(squeeze=False, layout="constrained", **options)[1].ravel()
        for spare in axes[n:]:
            spare.remove()
        return axes[:n]
    axes = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
    if not all(hasattr(a, "get_xlim") for a in axes):
        raise InvalidParameterError(f"ax must be Axes, got {ax!r}.")
    if len(axes) != n:
        raise InvalidParameterError(
            f"ax must be {n} Axes, for {names}, got {len(axes)}."
        )
    return axes


def background(ax: Any) -> tuple[float, float, float]:
    """Return the background colour of axes, or white if they are transparent.

    Parameters
    ----------
    ax : Axes
        The axes.

    Returns
    -------
    rgb : tuple of float
        Red, green and blue.
    """
    from matplotlib.colors import to_rgba

    for part in (ax, ax.figure):
        red, green, blue, alpha = to_rgba(part.get_facecolor())
        if alpha > 0:
            return red, green, blue
    return 1.0, 1.0, 1.0


def signs(ax: Any) -> tuple[str, str]:
    """Return the colours of negative and positive values.

    Parameters
    ----------
    ax : Axes
        The axes, whose background must contrast with the colours.

    Returns
    -------
    negative, positive : str
        A blue and an orange.
    """
    return SIGNS["light" if sum(background(ax)) > 1.5 else "dark"]


def diverging(ax: Any) -> Any:
    """Return a diverging colour map in which 0 has the colour of the background.

    Parameters
    ----------
    ax : Axes
        The axes.

    Returns
    -------
    cmap : Colormap
        Blue for negative, orange for positive values.
    """
    from matplotlib.colors import LinearSegmentedColormap

    negative, positive = signs(ax)
    colours = [negative, background(ax), positive]
    return LinearSegmentedColormap.from_list("weights", colours)


def largest(arrays: Any) -> float:
    """Return the largest absolute value in the arrays, or 1 if all are 0.

    Parameters
    ----------
    arrays : iterable of ndarray
        Arrays of finite numbers.

    Returns
    -------
    value : float
        Positive, so that dividing by it is safe.
    """
    return float(max(np.abs(a).max(initial=0) for a in arrays)) or 1.0
