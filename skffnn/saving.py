"""Saving a fitted estimator to a file, and loading it, without running any code."""

from typing import Any

from sklearn.utils.validation import check_is_fitted

from .classifier import FFNNClassifier
from .io.format import damage_named, read_content, write_content
from .io.schema import KINDS, check, restore, snapshot


def save(model: FFNNClassifier, path: Any) -> None:
    """Save a fitted estimator, with all that it needs to predict and to go on training.

    The file takes the place of an earlier one in one step, when it is complete. It
    holds a header in JSON and plain arrays (`skffnn.io.format` describes the format)
    and no code: a parameter that is an object of a class of your own cannot be saved.
    Metadata requests (`set_fit_request`) and attributes of your own are left out.

    Parameters
    ----------
    model : FFNNClassifier
        The estimator.
    path : str or path-like
        Where to; the name may end in whatever you like.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is no FFNNClassifier, or has a parameter that cannot be saved.
    ValueError
        If a parameter was changed to what does not fit the network.
    OSError
        If the file cannot be written. An earlier one is left as it was.

    See Also
    --------
    load : Load it again.

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
    if type(model) is not FFNNClassifier:
        raise TypeError(f"model must be an FFNNClassifier, got {model!r}.")
    check_is_fitted(model)
    check(model)
    write_content(path, snapshot(model), KINDS)


def load(path: Any) -> FFNNClassifier:
    """Load an estimator from a file that `save` or a checkpoint has written.

    It predicts as it did, and goes on training (`warm_start`, `partial_fit`) as if it
    had never been saved. No code is run, and the memory that loading takes is a small
    multiple of the size of the file.

    Parameters
    ----------
    path : str or path-like
        Where from.

    Returns
    -------
    model : FFNNClassifier
        The estimator.

    Raises
    ------
    FileFormatError
        If the file is not one of skffnn's, is damaged, or is of a newer version.
    OSError
        If it cannot be read.

    See Also
    --------
    save : Save it.

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
        if content["estimator"] != FFNNClassifier.__name__:
            raise ValueError(f"it holds an estimator {content['estimator']!r}")
        model = FFNNClassifier(**content["params"])
        restore(model, content["fitted"])
    return model
