"""Training, prediction and scoring on a Dask cluster."""

try:
    import dask  # noqa: F401
    import distributed  # noqa: F401
except ImportError as error:
    raise ImportError(
        "skffnn.dask needs the libraries dask, distributed and pandas: "
        "pip install 'skffnn[dask]'."
    ) from error

from .classifier import DaskFFNNClassifier

__all__ = ["DaskFFNNClassifier"]
