"""Types of scikit-learn's interface, for type checkers.

scikit-learn declares no types, so a strictly checked script could not call methods
inherited from it. For type checkers, the names below are subclasses of scikit-learn's
classes, which declare the methods that users call. At run time, they are scikit-learn's
own classes.
"""

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, metadata
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from ..nn.arrays import Array


class Sparse(Protocol):
    """A sparse matrix or array of SciPy."""

    def tocsr(self) -> Any:
        """Return it in CSR format."""


# Features or a label indicator matrix. Dataframes are array-like, since they have
# `__array__`. A table may be a list of lists with values of any type.
Matrix = ArrayLike | Sparse
Table = ArrayLike | Sequence[object]
RandomState = int | np.random.RandomState | None


class Regressor(Protocol):
    """A regressor that can be blended with networks."""

    def fit(self, X: Any, y: Any) -> Any:
        """Fit the model."""

    def predict(self, X: Any) -> Any:
        """Return a prediction for each row."""


class Classifier(Protocol):
    """A classifier that can be blended with networks."""

    def fit(self, X: Any, y: Any) -> Any:
        """Fit the model."""

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class."""


if TYPE_CHECKING:
    import sklearn.base
    import sklearn.pipeline

    Method = TypeVar("Method", bound=Callable[..., Any])
    Request = bool | str | None

    def available_if(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
        """Return a decorator for a method that is available if a check passes."""

    class BaseEstimator(sklearn.base.BaseEstimator):
        """Base class of all estimators."""

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...
        def get_metadata_routing(self) -> Any: ...
        def set_fit_request(self, **requests: Request) -> Self: ...
        def set_partial_fit_request(self, **requests: Request) -> Self: ...
        def set_predict_request(self, **requests: Request) -> Self: ...
        def set_score_request(self, **requests: Request) -> Self: ...

    class ClassifierMixin(sklearn.base.ClassifierMixin):
        """Mixin for classifiers."""

        def score(
            self, X: Matrix, y: Matrix, sample_weight: ArrayLike | None = None
        ) -> float: ...

    class RegressorMixin(sklearn.base.RegressorMixin):
        """Mixin for regressors."""

        def score(
            self, X: Matrix, y: ArrayLike, sample_weight: ArrayLike | None = None
        ) -> float: ...

    class TransformerMixin(sklearn.base.TransformerMixin):
        """Mixin for transformers."""

        def fit_transform(
            self, X: Table, y: ArrayLike | None = None, **fit_params: Any
        ) -> Array: ...
        def set_output(
            self, *, transform: Literal["default", "pandas", "polars"] | None = None
        ) -> Self: ...

    class TablePipeline(sklearn.pipeline.Pipeline):
        """A pipeline that accepts raw tables."""

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
        """A pipeline that accepts raw tables and ends in a classifier."""

        classes_: Array

        def predict_proba(self, X: Table, **params: Any) -> Array: ...
        def predict_log_proba(self, X: Table, **params: Any) -> Array: ...
        def decision_function(self, X: Table, **params: Any) -> Array: ...

    RegressorPipeline = TablePipeline
else:
    from sklearn.base import (  # noqa: F401
        BaseEstimator,
        ClassifierMixin,
        RegressorMixin,
        TransformerMixin,
    )
    from sklearn.pipeline import Pipeline as ClassifierPipeline  # noqa: F401
    from sklearn.pipeline import Pipeline as RegressorPipeline  # noqa: F401
    from sklearn.utils.metaestimators import available_if  # noqa: F401


def site() -> str | None:
    """Return the URL of the documentation, if the metadata of the package has one.

    Pages built in a checkout are not linked, because browsers do not open files from a
    notebook.
    """
    try:
        links = metadata("skffnn").get_all("Project-URL") or []
    except PackageNotFoundError:
        links = []
    for link in links:
        label, url = link.split(", ", 1)
        if label == "Documentation":
            return url.rstrip("/")
    return None


class Documented:
    """Mixin that says where to find the page of an estimator, and how to convert it."""

    _doc_link_module = "skffnn"

    @property
    def _doc_link_template(self) -> str:
        url = site()
        return f"{url}/api/generated/skffnn.{{estimator_name}}.html" if url else ""

    def onnx_parser(self) -> None:
        """Raise unless skl2onnx, which calls this, has the converters."""
        if "skffnn.onnx" not in sys.modules:
            raise RuntimeError(
                f"skl2onnx has no converter of {type(self).__name__} yet. Call "
                "skffnn.onnx.register() before the conversion."
            )
