"""Helpers shared by the displays: matplotlib, colours and axes."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..estimator import FFNNEstimator
from ..nn.activations import ACTIVATIONS
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
    """Import matplotlib.pyplot for a display."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{display} needs matplotlib, which is not installed. Install it with "
            "pip install 'skffnn[plot]'."
        ) from error
    return plt


def network_of(estimator: Any) -> tuple[FFNNEstimator, Any]:
    """Return the fitted network in an estimator, and the steps before it, if any."""
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

    They were seen in `fit`, or are the output names of the steps before the network, if
    these were fitted to a table with column names.
    """
    names = getattr(network, "feature_names_in_", None)
    if names is None and hasattr(before, "feature_names_in_"):
        with suppress(AttributeError):  # not every transformer names its output
            names = before.get_feature_names_out()
    return None if names is None else [*map(str, names)]


def elided(name: str) -> str:
    """Shorten a long name in the middle, because names often differ at their ends.

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

    Examples
    --------
    >>> print(strongest(np.array([3.0, 0.5, 1.0, 4.0]), 2))
    [0 3]
    """
    return np.sort(np.argsort(-strength, kind="stable")[:most])


def maps_of(network: Any) -> list[str]:
    """Return the names of the hidden activation functions and of the output map."""
    known = {kind: name for name, kind in ACTIVATIONS.items()}
    kinds = [type(g) for g in network.fitted_.activations]
    names = [known.get(kind, kind.__name__) for kind in kinds]
    return [*names, network.out_activation_]


def axes_for(ax: Any, n: int, names: str, **options: Any) -> Any:
    """Create n axes, or validate the user's; `names` says what is drawn on them."""
    if ax is None:
        import matplotlib.pyplot as plt

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
    """Return the background colour of axes, or white if they are transparent."""
    from matplotlib.colors import to_rgba

    for part in (ax, ax.figure):
        red, green, blue, alpha = to_rgba(part.get_facecolor())
        if alpha > 0:
            return red, green, blue
    return 1.0, 1.0, 1.0


def signs(ax: Any) -> tuple[str, str]:
    """Return the colours of negative and of positive values: a blue and an orange."""
    return SIGNS["light" if sum(background(ax)) > 1.5 else "dark"]


def diverging(ax: Any) -> Any:
    """Return a diverging colour map in which 0 has the colour of the background."""
    from matplotlib.colors import LinearSegmentedColormap

    negative, positive = signs(ax)
    colours = [negative, background(ax), positive]
    return LinearSegmentedColormap.from_list("weights", colours)


def largest(arrays: Any) -> float:
    """Return the largest absolute value in the arrays, or 1 if all are 0."""
    return float(max(np.abs(a).max(initial=0) for a in arrays)) or 1.0
