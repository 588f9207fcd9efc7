"""Saving, loading and describing estimators, without running code."""

from collections.abc import Iterator
from typing import Any

from sklearn.base import BaseEstimator

from .format import AnyPath, FileFormatError, errors_named, pack, read, write
from .objects import at, restored


def save(model: BaseEstimator, path: AnyPath) -> None:
    """Save an estimator to a file.

    The file contains everything needed to predict and to continue training, but no code
    (see `skffnn.files.format`), so functions and objects of custom classes cannot be
    saved. An existing file is replaced atomically; a device or a pipe is written to.

    What reaches outside of the model is not saved: the parameters `memory`,
    `checkpoint`, `n_jobs`, `pre_dispatch` and `verbose` have their defaults after
    `load`. Metadata requests (`set_fit_request`) are not saved either.

    Parameters
    ----------
    model : estimator
        An estimator of this package; or a pipeline, a search or another estimator of
        scikit-learn that is in the list of the user guide, and contains only such
        estimators. It need not be fitted.
    path : str, bytes, path-like or int
        The file to write, with any extension; or a file descriptor, which stays open.

    Raises
    ------
    TypeError
        If the estimator is, or contains, what cannot be saved; the message names it.
    OSError
        If the file cannot be written. An existing file is unchanged.

    See Also
    --------
    load : Load a saved estimator.
    describe : What a file holds.

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
    if isinstance(model, type) or not hasattr(model, "get_params"):
        raise TypeError(f"model must be an estimator, got {model!r:.200}.")
    write_model(path, model)


def write_model(path: AnyPath, model: Any, checkpoint: Any = None) -> None:
    """Write an estimator, with what a checkpoint adds."""
    versions = {
        name: at(f"{name}.__version__") for name in ("skffnn", "sklearn", "numpy")
    }
    write(path, pack((versions, checkpoint, model)))


def load(path: AnyPath) -> Any:
    """Load an estimator from a file written by `save` or a checkpoint.

    The estimator predicts and continues training (`warm_start`, `partial_fit`) exactly
    as the saved one would. Loading runs no code that is in the file, and takes at most
    30 times as much memory as the file is large; for arrays, twice as much.

    Parameters
    ----------
    path : str, bytes, path-like or int
        The file to read; or a file descriptor, which stays open.

    Returns
    -------
    model : estimator
        The estimator, fitted if the saved one was.

    Raises
    ------
    FileFormatError
        If the file was not saved by skffnn, is damaged or has a newer version.
    OSError
        If the file cannot be read, or does not fit into memory.

    Warns
    -----
    InconsistentVersionWarning
        If an estimator of scikit-learn was saved with another version of it.

    See Also
    --------
    save : Save an estimator.

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
    return read_model(path)[0]


def read_model(path: AnyPath) -> tuple[Any, Any]:
    """Return the estimator in a file, and what a checkpoint has added to it."""
    with errors_named(path):
        _, checkpoint, model = read(path, restored)
        if not hasattr(model, "get_params"):
            raise FileFormatError("it holds no estimator.")
    return model, checkpoint


def describe(path: AnyPath) -> dict[str, Any]:
    """Describe what a file holds, without building the estimator.

    Parameters
    ----------
    path : str, bytes, path-like or int
        A file written by `save` or a checkpoint.

    Returns
    -------
    description : dict of str to object
        "versions", those of the libraries that wrote the file; "checkpoint", whether a
        fit has written it; "model", a dict with the "class", the "params" and the
        fitted "attributes" of the estimator, in which each estimator or other object is
        such a dict; and, None if there are none, "n_features", "feature_names" and
        "labels".

    Raises
    ------
    FileFormatError
        If the file was not saved by skffnn, is damaged or has a newer version.
    OSError
        If the file cannot be read.

    See Also
    --------
    load : Load a saved estimator.

    Examples
    --------
    >>> import tempfile, skffnn
    >>> from pathlib import Path
    >>> X, y = [[0.0], [1.0]] * 10, ["no", "yes"] * 10
    >>> model = skffnn.FFNNClassifier(max_iter=10, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skffnn.save(model, Path(folder) / "ten.skffnn")
    ...     found = skffnn.describe(Path(folder) / "ten.skffnn")
    >>> found["model"]["class"], found["model"]["params"]["max_iter"]
    ('FFNNClassifier', 10)
    >>> found["n_features"], found["labels"].tolist()
    (1, ['no', 'yes'])
    """
    with errors_named(path):
        versions, checkpoint, model = read(path, described)
        fitted = [*attributes_in(model)]
        return {
            "versions": versions,
            "checkpoint": checkpoint is not None,
            "model": model,
            "n_features": first(fitted, "n_features_in_"),
            "feature_names": first(fitted, "feature_names_in_"),
            # The last step of a pipeline predicts.
            "labels": first(fitted[::-1], "classes_", "classes"),
        }


def described(name: str, content: Any) -> Any:
    """Return an object as a dict, and arrays and their items as they are."""
    if name in ("ndarray", "scalar"):
        return restored(name, content)
    if type(content) is tuple and [*map(type, content)] == [dict, dict]:
        return {"class": name, "params": content[0], "attributes": content[1]}
    return {"class": name, "params": content}


def attributes_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the attributes of all objects in a described value, outermost first."""
    if type(value) is dict:
        yield value.get("attributes", {})
        value = [*value.values()]
    for part in value if type(value) in (list, tuple) else ():
        yield from attributes_in(part)


def first(fitted: list[dict[str, Any]], *names: str) -> Any:
    """Return the first attribute of a name that is there, or None."""
    values = (attributes.get(name) for attributes in fitted for name in names)
    return next((value for value in values if value is not None), None)
