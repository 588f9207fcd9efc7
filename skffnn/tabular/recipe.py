"""make_tabular_classifier: a classifier for tables as they are, without tuning."""

from math import inf
from typing import Any

from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline

from ..classifier import FFNNClassifier
from .encoder import TableEncoder
from .ensemble import AveragedClassifier
from .scaler import RobustSmoothScaler

# Chosen on twelve tables of at most 3000 training rows; docs/tabular.md says how, and
# what each of these pays.
RECIPE: dict[str, Any] = {
    "hidden_layer_sizes": (128, 128),
    "activation": "mish",
    "alpha": 0.0,
    "batch_size": 128,
    "beta_2": 0.95,
    "label_smoothing": 0.1,
    "learning_rate": "cosine",
    "learning_rate_init": 0.04,
    "max_iter": 100,
    "n_iter_no_change": inf,
    "weight_init": "ntk",
}


# What stands for a gap, where scaled numbers are about 1: a network sees what gaps
# tell, and hardly fits to gaps that tell nothing.
GAP = 0.3


def make_tabular_classifier(
    *,
    n_networks: int = 8,
    n_jobs: int | None = None,
    random_state: Any = None,
    **params: Any,
) -> Pipeline:
    """Return a classifier that takes a table as it is.

    A frame of pandas or polars, or an array, with numeric and nominal columns in any
    order and of any type, and with missing cells in both. Each step can be changed by
    its name, so that `GridSearchCV` reaches every parameter:

    `encode`
        `TableEncoder`: nominal columns become columns of 0 and 1.
    `scale`
        `RobustSmoothScaler`: median, quartiles, smooth clip.
    `impute`
        `SimpleImputer` as `fill`: a missing number becomes the median;
        `MissingIndicator` as `gaps`: a column of 0 and 0.3 says where.
    `classifier`
        `AveragedClassifier` of networks, `FFNNClassifier` with the parameters
        `skffnn.tabular.RECIPE`.

    Parameters
    ----------
    n_networks : int, default=8
        Networks that are averaged.
    n_jobs : int, default=None
        Networks that are trained at the same time, as everywhere in scikit-learn.
    random_state : int, RandomState instance or None, default=None
        Where all that is random comes from.
    **params : dict
        Parameters of `FFNNClassifier` that are to be other than those of the recipe.

    Returns
    -------
    model : Pipeline
        Not yet fitted.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, *Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data*, NeurIPS 2024, whose settings this one began with.

    Examples
    --------
    >>> from skffnn import make_tabular_classifier
    >>> table = [[1.0, "red"], [None, "red"], [3.0, None], [4.0, "blue"]] * 20
    >>> y = ["yes", "yes", "no", "no"] * 20
    >>> model = make_tabular_classifier(max_iter=20, random_state=0).fit(table, y)
    >>> model.predict([[None, "red"], [4.2, "blue"]])
    array(['yes', 'no'], dtype='<U3')
    """
    parts = [
        ("fill", SimpleImputer(strategy="median", keep_empty_features=True)),
        ("gaps", MissingIndicator(error_on_new=False)),
    ]
    return Pipeline(
        [
            ("encode", TableEncoder()),
            ("scale", RobustSmoothScaler()),
            ("impute", FeatureUnion(parts, transformer_weights={"gaps": GAP})),
            (
                "classifier",
                AveragedClassifier(
                    FFNNClassifier(**{**RECIPE, **params}),
                    n_networks=n_networks,
                    n_jobs=n_jobs,
                    random_state=random_state,
                ),
            ),
        ]
    )
