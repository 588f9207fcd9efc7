"""The fitted attributes, each declared once: its value, and its types in a file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any

import numpy as np

from ..nn.parameters import Parameters
from ..optim.state import DECLARED


@dataclass(frozen=True)
class Fitted:
    """A fitted attribute that is not a field of the training state.

    Attributes
    ----------
    types : tuple of type
        Its types in a file.
    value : callable
        Takes a fit and the parameters of the fitted model, and returns the value.
    absent : callable, default=None
        Takes the other fitted attributes and returns the value for older files and
        pickles that lack the attribute; None if all have it.
    """

    types: tuple[type, ...]
    value: Callable[[Any, Parameters], Any]
    absent: Callable[[Mapping[str, Any]], Any] | None = None


# What prediction needs, in addition to the attributes of the targets. These values use
# only the targets of a fit.
MODEL: dict[str, Fitted] = {
    "coefs_": Fitted((list,), lambda fit, theta: theta.W),
    "intercepts_": Fitted((list,), lambda fit, theta: [b[0] for b in theta.b]),
    "n_layers_": Fitted((int,), lambda fit, theta: len(theta.sizes)),
    "n_outputs_": Fitted((int,), lambda fit, theta: fit.targets.n_outputs),
    "out_activation_": Fitted((str,), lambda fit, theta: fit.targets.loss.name),
}

# What a fit sets, except for the attributes of the targets and the fields of the
# training state. To add an attribute, add a line here and describe it in the docstring
# of the estimator; `absent` gives its value in files that were saved earlier.
FITTED: dict[str, Fitted] = {
    **MODEL,
    "n_iter_": Fitted((int,), lambda fit, theta: fit.n_iter),
    "t_": Fitted((int,), lambda fit, theta: fit.state.clock.samples),
    "loss_": Fitted((float,), lambda fit, theta: fit.last_loss),
    "best_loss_": Fitted((float, NoneType), lambda fit, theta: fit.best_loss),
    "best_validation_score_": Fitted(
        (float, NoneType),
        lambda fit, theta: fit.state.best_score if fit.validated else None,
    ),
    "_state": Fitted((dict,), lambda fit, theta: fit.state.pack(theta.vector)),
}

# The types of all of these in a file, including scikit-learn's own attributes; those of
# the targets are in their `ATTRIBUTES`.
ATTRIBUTES: dict[str, tuple[type, ...]] = {
    **{name: attribute.types for name, attribute in FITTED.items()},
    **{
        how.attribute: (*how.types, NoneType) if how.on_validation else how.types
        for how in DECLARED.values()
        if how.attribute is not None
    },
    "n_features_in_": (int,),
    "feature_names_in_": (np.ndarray,),
}
