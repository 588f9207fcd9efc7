"""Saving and loading fitted estimators, without running code."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .io.format import damage_named, read_content, write_content
from .io.schema import KINDS
from .storage import check_use, pack, unpack
from .typing import Path


def save(model: BaseEstimator, path: Path) -> None:
    """Save a fitted estimator to a file.

    The file contains everything needed to predict and to continue training. An existing
    file is replaced atomically. A file holds a JSON header and plain arrays but no code
    (see `skffnn.io.format`), so parameters that are objects of custom classes cannot be
    saved. Metadata requests (`set_fit_request`), `set_output` and custom attributes are
    not saved, nor is the training state of the networks in an average.

    Parameters
    ----------
    model : FFNNClassifier, FFNNRegressor, AveragedClassifier, AveragedRegressor or \
            Pipeline
        The fitted estimator. A pipeline, such as that of `make_tabular_classifier`, may
        have the steps `TableEncoder`, `RobustSmoothScaler`, `GapImputer`,
        `StandardScaler`, `SimpleImputer`, `MissingIndicator` and `FeatureUnion`. These
        transformers can also be saved on their own.
    path : str or path-like
        The file to write, with any extension.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If `model` is, or contains, another estimator, or a parameter cannot be saved.
    ValueError
        If a parameter was changed after fitting and no longer matches the network.
    OSError
        If the file cannot be written. An existing file is unchanged.

    See Also
    --------
    load : Load a saved estimator.

    Examples
    --------
    >>> import tempfile, skffnn
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = skffnn.FFNNClassifier(solver="lbfgs", random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skffnn.save(model, Path(folder) / "iris.skffnn")
    ...     again = skffnn.load(Path(folder) / "iris.skffnn")
    >>> bool((again.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    content = pack(model)
    check_is_fitted(model)
    write_content(path, content, KINDS)


def load(path: Path) -> Any:
    """Load an estimator from a file written by `save` or a checkpoint.

    The estimator predicts and continues training (`warm_start`, `partial_fit`) exactly
    as the saved one would. Loading runs no code, and takes a small multiple of the
    file size in memory.

    Parameters
    ----------
    path : str or path-like
        The file to read.

    Returns
    -------
    model : FFNNClassifier, FFNNRegressor, AveragedClassifier, AveragedRegressor or \
            Pipeline
        The fitted estimator.

    Raises
    ------
    FileFormatError
        If the file was not saved by skffnn, is damaged or has a newer version.
    OSError
        If the file cannot be read.

    See Also
    --------
    save : Save a fitted estimator.

    Examples
    --------
    >>> import tempfile, skffnn
    >>> from pathlib import Path
    >>> X, y = [[0.0], [1.0]] * 10, [0, 1] * 10
    >>> model = skffnn.FFNNClassifier(max_iter=10, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skffnn.save(model, Path(folder) / "ten.skffnn")
    ...     again = skffnn.load(Path(folder) / "ten.skffnn")
    >>> again.set_params(warm_start=True).fit(X, y).t_  # ten epochs more of 20 rows
    400
    """
    content = read_content(path, KINDS)
    with damage_named(path):
        model = unpack(content)
        check_is_fitted(model)
        check_use(model)
    return model
