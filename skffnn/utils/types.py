"""What scikit-learn's interface takes and returns, for type checkers.

scikit-learn declares no types, so that a script which is checked strictly could not
call a method that is inherited from it. Where types are checked, the names below are
classes that inherit from those of scikit-learn and declare the methods that users call.
At run time they are those of scikit-learn themselves.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from ..nn.arrays import Array


class Sparse(Protocol):
    """A sparse matrix or array of SciPy."""

    def tocsr(self) -> Any:
        """Return it in CSR format."""


# Features or a label indicator matrix: data frames have `__array__`, and so are array-
# likes. The cells of a table, given as lists, may be anything.
Matrix = ArrayLike | Sparse
Table = ArrayLike | Sequence[object]
RandomState = int | np.random.RandomState | None


class Regressor(Protocol):
    """What can be blended with networks that predict numbers."""

    def fit(self, X: Any, y: Any) -> Any:
        """Train it."""

    def predict(self, X: Any) -> Any:
        """Return a prediction for each row."""


class Classifier(Protocol):
    """What can be blended with networks that predict classes."""

    def fit(self, X: Any, y: Any) -> Any:
        """Train it."""

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class."""


if TYPE_CHECKING:
    import sklearn.base
    import sklearn.pipeline

    Method = TypeVar("Method", bound=Callable[..., Any])
    Request = bool | str | None

    def available_if(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
        """Return a decorator for a method that is there if a check says so."""

    class BaseEstimator(sklearn.base.BaseEstimator):
        """Base class of all estimators."""

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...
        def get_metadata_routing(self) -> Any: ...
        def set_fit_request(self, **requests: Request) -> Self: ...
        def set_partial_fit_request(self, **requests: Request) -> Self: ...
        def set_score_request(self, **requests: Request) -> Self: ...

    class ClassifierMixin(sklearn.base.ClassifierMixin):
        """Mixin of classifiers."""

        def score(
            self, X: Matrix, y: Matrix, sample_weight: ArrayLike | None = None
        ) -> float: ...

    class RegressorMixin(sklearn.base.RegressorMixin):
        """Mixin of regressors."""

        def score(
            self, X: Matrix, y: ArrayLike, sample_weight: ArrayLike | None = None
        ) -> float: ...

    class TransformerMixin(sklearn.base.TransformerMixin):
        """Mixin of transformers."""

        def fit_transform(
            self, X: Table, y: ArrayLike | None = None, **fit_params: Any
        ) -> Array: ...
        def set_output(
            self, *, transform: Literal["default", "pandas", "polars"] | None = None
        ) -> Self: ...

    class OneToOneFeatureMixin(sklearn.base.OneToOneFeatureMixin):
        """Mixin of transformers with a column for each feature."""

        def get_feature_names_out(
            self, input_features: ArrayLike | None = None
        ) -> Array: ...

    class TablePipeline(sklearn.pipeline.Pipeline):
        """A pipeline that takes tables as they are."""

        steps: list[tuple[str, Any]]
        feature_names_in_: Array
        n_features_in_: int

        @property
        def named_steps(self) -> Any: ...
        def __getitem__(self, index: int | str | slice) -> Any: ...
        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...
        def get_metadata_routing(self) -> Any: ...
        def fit(self, X: Table, y: ArrayLike, **params: Any) -> Self: ...
        def predict(self, X: Table, **params: Any) -> Array: ...
        def score(
            self,
            X: Table,
            y: ArrayLike,
            sample_weight: ArrayLike | None = None,
            **params: Any,
        ) -> float: ...

    class ClassifierPipeline(TablePipeline):
        """Such a pipeline that ends in a classifier."""

        classes_: Array

        def predict_proba(self, X: Table, **params: Any) -> Array: ...
        def predict_log_proba(self, X: Table, **params: Any) -> Array: ...
        def decision_function(self, X: Table, **params: Any) -> Array: ...

    RegressorPipeline = TablePipeline
else:
    from sklearn.base import (  # noqa: F401
        BaseEstimator,
        ClassifierMixin,
        OneToOneFeatureMixin,
        RegressorMixin,
        TransformerMixin,
    )
    from sklearn.pipeline import Pipeline as ClassifierPipeline  # noqa: F401
    from sklearn.pipeline import Pipeline as RegressorPipeline  # noqa: F401
    from sklearn.utils.metaestimators import available_if  # noqa: F401
