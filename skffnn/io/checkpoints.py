"""Checkpoints: save the progress of training, and resume from it."""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..fitting.listeners import Listener
from ..optim.training import Epoch
from ..utils.checks import InvalidParameterError, check_number
from ..utils.warn import warn
from .format import (
    Writer,
    damage_named,
    read_content,
    remove_drafts,
    write_content,
)
from .schema import KINDS, fitted_of, restore, snapshot

# Parameters that do not change the result of a fit.
NO_MATTER = ("checkpoint", "verbose")

# Bytes of rows read at a time to compute a fingerprint.
FINGERPRINT_BYTES = 2**20


@dataclass(frozen=True)
class Checkpoint:
    """Where and how often to save the progress of training.

    A checkpoint is a file that `skffnn.load` can read. It is replaced atomically at the
    end of an epoch, so that a crash at any moment leaves the previous one intact. When
    `fit` finds a checkpoint with the same parameters and data, it resumes from there
    and gives the same result as an uninterrupted fit ("lbfgs" resumes from the
    parameters, and gives an equally good result). If training had already finished,
    `fit` returns the result in the checkpoint.

    Parameters
    ----------
    path : str or path-like
        The file, in an existing folder. Each fit needs its own.
    epochs : int, default=None
        Write a checkpoint after this many epochs.
    seconds : float, default=None
        Write a checkpoint after this many seconds. If both are None, it is written
        after each epoch; if both are given, after whichever comes first.

    Examples
    --------
    >>> from skffnn import Checkpoint, FFNNClassifier
    >>> model = FFNNClassifier(checkpoint=Checkpoint("run.skffnn", seconds=300))
    """

    path: str | os.PathLike[str]
    epochs: int | None = None
    seconds: float | None = None

    @classmethod
    def from_param(cls, value: Any) -> "Checkpoint | None":
        """Return the checkpoint that the parameter `checkpoint` specifies.

        Parameters
        ----------
        value : str, path-like, Checkpoint or None
            A path alone means a checkpoint after each epoch.

        Returns
        -------
        checkpoint : Checkpoint or None
            Validated, with its path as a string.

        Raises
        ------
        InvalidParameterError
            If the value or a field of it is invalid, or the folder does not exist.
        """
        if value is None:
            return None
        if isinstance(value, str | os.PathLike):
            value = cls(value)
        path = getattr(value, "path", None)
        if not isinstance(value, cls) or not isinstance(path, str | os.PathLike):
            raise InvalidParameterError(
                "checkpoint must be None, a path or a skffnn.Checkpoint, "
                f"got {value!r}."
            )
        if value.epochs is not None:
            check_number("checkpoint.epochs", value.epochs, 1, integer=True)
        if value.seconds is not None:
            check_number("checkpoint.seconds", value.seconds, 0)
        path = os.fsdecode(path)
        folder = Path(path).parent if "\0" not in path else None
        if folder is None or not folder.is_dir() or Path(path).is_dir():
            raise InvalidParameterError(
                f"checkpoint must be a file in an existing folder, got {path!r}."
            )
        every = 1 if value.epochs is None and value.seconds is None else value.epochs
        return cls(path, every, value.seconds)


class CheckpointManager(Listener):
    """Listener that writes the checkpoints of one fit, and restores them.

    Parameters
    ----------
    checkpoint : Checkpoint
        Where to write, and how often.
    params : mapping
        The parameters of the estimator.
    data : mapping of str to object
        The data of the fit, and the state it starts from.
    as_fitted : callable
        Returns an estimator with the given fitted attributes.

    Attributes
    ----------
    n_iter : int
        Number of completed epochs of the fit in the last checkpoint.
    finished : bool
        Whether training had finished.

    Raises
    ------
    TypeError
        If a parameter cannot be saved.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        params: Mapping[str, Any],
        data: Mapping[str, Any],
        as_fitted: Callable[[Mapping[str, Any]], Any],
    ) -> None:
        self.checkpoint, self.as_fitted = checkpoint, as_fitted
        self.identity = {name: fingerprint(value) for name, value in data.items()}
        for name, value in params.items():
            if name not in NO_MATTER:
                self.identity[name] = text_of(value, name)
        self.n_iter, self.finished, self._time = 0, False, time.monotonic()
        self._known = version_of(self.checkpoint.path)

    def restore(self, model: Any) -> bool:
        """Restore an estimator from the checkpoint of an earlier run of this fit.

        Parameters
        ----------
        model : FFNNClassifier
            Changed in place.

        Returns
        -------
        found : bool
            Whether there is such a checkpoint.

        Raises
        ------
        FileFormatError
            If the file is damaged.
        ValueError
            If it is not a checkpoint of this fit, so must not be overwritten.
        """
        path = self.checkpoint.path
        remove_drafts(path)
        if not Path(path).exists():
            return False
        content = read_content(path, KINDS)
        self._check_identity(content.get("identity"))
        with damage_named(path):
            restore(model, content["fitted"])
            self.n_iter, self.finished = model.n_iter_, content["finished"]
        return True

    def _check_identity(self, theirs: Any) -> None:
        """Raise unless the file is a checkpoint of this fit."""
        wrong = "a saved model and not a checkpoint"
        if isinstance(theirs, dict):
            names = theirs.keys() | self.identity.keys()
            others = {k for k in names if theirs.get(k) != self.identity.get(k)}
            if not others:
                return
            wrong = (
                f"the checkpoint of a fit with different {', '.join(sorted(others))}"
            )
        raise ValueError(
            f"{self.checkpoint.path} is {wrong}. Delete it, or choose another path."
        )

    def on_epoch_end(self, epoch: Epoch, fit: Any) -> None:
        """Write a checkpoint if one is due."""
        if fit.training.is_over:  # on_fit_end writes the result
            return
        every, seconds = self.checkpoint.epochs, self.checkpoint.seconds
        new, passed = fit.n_iter - self.n_iter, time.monotonic() - self._time
        if (every is not None and new >= every) or (
            seconds is not None and passed >= seconds
        ):
            self._write(fit, finished=False)

    def on_fit_end(self, fit: Any) -> None:
        """Write the result, unless Ctrl-C interrupted the fit.

        A fit that was stopped by a listener is not finished: it can be resumed.
        """
        if not fit.interrupted:
            self._write(fit, finished=not fit.training.stopped)

    def _write(self, fit: Any, *, finished: bool) -> None:
        """Write a checkpoint; if that fails, warn and continue training."""
        self.n_iter, self._time = fit.n_iter, time.monotonic()
        estimator = self.as_fitted(fit.fitted())
        content = snapshot(estimator, fitted_of(estimator))
        content |= {"identity": self.identity, "finished": finished}
        try:
            if version_of(self.checkpoint.path) != self._known:
                raise FileExistsError(
                    f"{self.checkpoint.path} now belongs to another fit"
                )
            write_content(self.checkpoint.path, content, KINDS)
            self._known = version_of(self.checkpoint.path)
        except OSError as error:
            warn(
                f"The checkpoint after epoch {self.n_iter} could not be written: "
                f"{error}. Training continues; the previous checkpoint is kept."
            )


def version_of(path: str | os.PathLike[str]) -> tuple[int, ...] | None:
    """Return a value that changes when another writer replaces a file."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def text_of(value: Any, name: str) -> str:
    """Return a string that is the same for equal values of a parameter."""
    writer = Writer(KINDS)
    encoded = writer.encode(value, name)
    return json.dumps([encoded, *(fingerprint(array) for array in writer.arrays)])


def fingerprint(value: Any) -> str | None:
    """Return a short string that distinguishes arrays.

    Parameters
    ----------
    value : ndarray, CSR array, dict of plain values, or None
        Rows, labels, weights or a fitted state.

    Returns
    -------
    text : str or None
        Type, shape and a checksum of each array.
    """
    if value is None:
        return None
    if isinstance(value, dict):
        return text_of(value, "the fitted state")
    if issparse(value):
        parts = (value.data, value.indices, value.indptr)
        return f"{value.shape} {' '.join(str(fingerprint(part)) for part in parts)}"
    digest = blake2b(digest_size=16)
    if value.dtype == object:
        digest.update(repr(value.tolist()).encode())
    else:
        blocks = np.atleast_1d(value)
        size = max(1, FINGERPRINT_BYTES // max(1, blocks[:1].nbytes))
        for start in range(0, len(blocks), size):
            rows = np.ascontiguousarray(blocks[start : start + size])
            digest.update(rows.view(np.uint8).data)
    return f"{value.dtype} {value.shape} {digest.hexdigest()}"
