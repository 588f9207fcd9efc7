"""What the displays share: matplotlib if it is there, colours, the network to draw."""

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..classifier import FFNNClassifier
from ..fitting.plan import is_sequence
from ..utils.checks import InvalidParameterError

# Four of Okabe & Ito's colours, which the colour-blind can tell apart. Each has a
# contrast of at least 3 with white and with black.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
# Negative and positive numbers, on a light and on a dark background.
SIGNS = {"light": ("#0072B2", "#D55E00"), "dark": ("#56B4E9", "#E69F00")}


def pyplot(display: str) -> Any:
    """Return matplotlib.pyplot.

    Parameters
    ----------
    display : str
        The name of the class that needs it.

    Returns
    -------
    pyplot : module
        The module.

    Raises
    ------
    ImportError
        If it is not installed, with what to install.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{display} needs matplotlib, which is not installed. Install it, or the "
            "extra `plot`: pip install 'skffnn[plot]'."
        ) from error
    return plt


def network_of(estimator: Any) -> tuple[FFNNClassifier, Any]:
    """Return the network in an estimator, and what transforms its input.

    Parameters
    ----------
    estimator : FFNNClassifier or Pipeline
        Fitted; a pipeline has the network at its end.

    Returns
    -------
    network : FFNNClassifier
        The estimator or its last step.
    before : Pipeline or None
        The steps before it.

    Raises
    ------
    InvalidParameterError
        If it is neither.
    NotFittedError
        If it is not fitted.
    """
    network, before = estimator, None
    if isinstance(estimator, Pipeline):
        network = estimator[-1]
        before = estimator[:-1] if len(estimator) > 1 else None
    if not isinstance(network, FFNNClassifier):
        raise InvalidParameterError(
            "estimator must be an FFNNClassifier or a Pipeline that ends in one, "
            f"got {estimator!r}."
        )
    check_is_fitted(network)
    return network, before


def maps_of(network: FFNNClassifier) -> list[str]:
    """Return the names of the maps that the layers apply: g of each hidden one, and o.

    Parameters
    ----------
    network : FFNNClassifier
        Fitted.

    Returns
    -------
    names : list of str of length L + 1
        An object has the name of its class.
    """
    hidden = network.activation
    if not is_sequence(hidden):
        hidden = [hidden] * (len(network.coefs_) - 1)
    names = [g if isinstance(g, str) else type(g).__name__ for g in hidden]
    return [*names, network.out_activation_]


def rows_of(before: Any, X: Any) -> Any:
    """Return rows as the network sees them.

    Parameters
    ----------
    before : Pipeline or None
        The steps before the network.
    X : array-like of shape (n_samples, n_features)
        Rows as the estimator takes them.

    Returns
    -------
    X : array-like of shape (n_samples, D(0))
        Transformed.
    """
    return X if before is None else before.transform(X)


def axes_for(plt: Any, ax: Any, n: int, names: str, **options: Any) -> Any:
    """Return the axes to draw on: new ones, or the user's.

    Parameters
    ----------
    plt : module
        matplotlib.pyplot.
    ax : Axes, sequence of Axes or None
        What the user gave.
    n : int
        How many are needed.
    names : str
        What is drawn on them, for the message.
    **options : dict
        For `plt.subplots`, if they are made.

    Returns
    -------
    axes : ndarray of Axes of shape (n,)
        In the order of reading.

    Raises
    ------
    InvalidParameterError
        If there are more or fewer, or it is something else.
    """
    if ax is None:
        axes = plt.subplots(squeeze=False, layout="constrained", **options)[1].ravel()
        for spare in axes[n:]:
            spare.remove()
        return axes[:n]
    axes = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
    if not all(hasattr(a, "get_xlim") for a in axes):
        raise InvalidParameterError(f"ax must be Axes of matplotlib, got {ax!r}.")
    if len(axes) != n:
        raise InvalidParameterError(
            f"ax must be {n} Axes, for {names}, got {len(axes)}."
        )
    return axes


def background(ax: Any) -> tuple[float, float, float]:
    """Return the colour that is behind what is drawn on axes, white if none is.

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
    """Return the colours of negative and of positive numbers.

    Parameters
    ----------
    ax : Axes
        Where they have to be seen.

    Returns
    -------
    negative, positive : str
        Blue and orange.
    """
    return SIGNS["light" if sum(background(ax)) > 1.5 else "dark"]


def diverging(ax: Any) -> Any:
    """Return a colour map from negative to positive that fades into the background.

    Parameters
    ----------
    ax : Axes
        Whose background 0 has.

    Returns
    -------
    cmap : Colormap
        Blue for negative, orange for positive numbers.
    """
    from matplotlib.colors import LinearSegmentedColormap

    negative, positive = signs(ax)
    colours = [negative, background(ax), positive]
    return LinearSegmentedColormap.from_list("weights", colours)


def largest(arrays: Any) -> float:
    """Return the largest absolute value of some arrays, or 1 if all are 0.

    Parameters
    ----------
    arrays : iterable of ndarray
        Finite numbers.

    Returns
    -------
    value : float
        Greater than 0: something to divide by.
    """
    return float(max(np.abs(a).max(initial=0) for a in arrays)) or 1.0
