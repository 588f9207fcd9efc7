"""Checkpoints: training is saved on its way, and goes on from there."""

import json
import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..utils.checks import InvalidParameterError, check_number
from .format import (
    Writer,
    damage_named,
    read_content,
    remove_drafts,
    write_content,
)
from .schema import KINDS, restore, snapshot

# Parameters that say how often to write and what to print, and not what comes of a fit.
NO_MATTER = ("checkpoint", "verbose")

# Bytes of rows that are read at a time to make a fingerprint.
FINGERPRINT_BYTES = 2**20


@dataclass(frozen=True)
class Checkpoint:
    """Where training is saved on its way, and how often.

    A checkpoint is a file that `skffnn.load` reads, written at the end of an epoch in
    one step: a crash at any moment leaves the last one. `fit` with the same parameters
    and data as those of the checkpoint that it finds goes on from there, to the very
    result that it would have had ("lbfgs" goes on from the parameters, to one that is
    as good); once training is over, it returns that result.

    Parameters
    ----------
    path : str or path-like
        The file, in a folder that exists. Each fit needs one of its own.
    epochs : int, default=None
        Write it every so many epochs.
    seconds : float, default=None
        Write it when so much time has passed. With neither, it is written after each
        epoch; with both, after whichever comes first.

    Examples
    --------
    >>> from skffnn import Checkpoint, FFNNClassifier
    >>> model = FFNNClassifier(checkpoint=Checkpoint("run.skffnn", seconds=300))
    """

    path: Any
    epochs: int | None = None
    seconds: float | None = None

    @classmethod
    def of(cls, value: Any) -> "Checkpoint | None":
        """Return the checkpoint that the parameter `checkpoint` stands for.

        Parameters
        ----------
        value : str, path-like, Checkpoint or None
            A path alone is written after each epoch.

        Returns
        -------
        checkpoint : Checkpoint or None
            Checked, with its path as text.

        Raises
        ------
        InvalidParameterError
            If it is something else, or the file could never be written.
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
                f"checkpoint must be a file in a folder that exists, got {path!r}."
            )
        every = 1 if value.epochs is None and value.seconds is None else value.epochs
        return cls(path, every, value.seconds)


class Journal:
    """The checkpoints of one fit.

    Parameters
    ----------
    checkpoint : Checkpoint
        Where to write, and how often.
    params : mapping
        The parameters of the estimator.
    data : mapping of str to object
        What it is fitted to, and from.

    Attributes
    ----------
    epoch : int
        Epochs of the fit that were over in the last checkpoint.
    finished : bool
        Whether training was over.

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
    ) -> None:
        self.checkpoint = checkpoint
        self.identity = {name: fingerprint(value) for name, value in data.items()}
        for name, value in params.items():
            if name not in NO_MATTER:
                self.identity[name] = text_of(value, name)
        self.epoch, self.finished, self._time = 0, False, time.monotonic()
        self._known = version_of(self.checkpoint.path)

    def take_up(self, model: Any) -> bool:
        """Bring an estimator to where an earlier run of this fit has left it.

        Parameters
        ----------
        model : FFNNClassifier
            Changed in place.

        Returns
        -------
        found : bool
            Whether there is such a run.

        Raises
        ------
        FileFormatError
            If the file is damaged.
        ValueError
            If it is of something else, which must not be overwritten.
        """
        path = self.checkpoint.path
        remove_drafts(path)
        if not Path(path).exists():
            return False
        content = read_content(path, KINDS)
        self._check_identity(content.get("identity"))
        with damage_named(path):
            restore(model, content["fitted"])
            self.epoch, self.finished = model.n_iter_, content["finished"]
        return True

    def _check_identity(self, theirs: Any) -> None:
        """Raise unless the file is a checkpoint of this very fit."""
        wrong = "a saved model and no checkpoint"
        if isinstance(theirs, dict):
            names = theirs.keys() | self.identity.keys()
            others = {k for k in names if theirs.get(k) != self.identity.get(k)}
            if not others:
                return
            wrong = f"the checkpoint of a fit with other {', '.join(sorted(others))}"
        raise ValueError(
            f"{self.checkpoint.path} is {wrong}. Delete it, or choose another path."
        )

    def due(self, epoch: int) -> bool:
        """Tell whether it is time to write.

        Parameters
        ----------
        epoch : int
            Epochs of this fit that are over.

        Returns
        -------
        due : bool
            Whether so many epochs or seconds have passed.
        """
        new, passed = epoch - self.epoch, time.monotonic() - self._time
        every, seconds = self.checkpoint.epochs, self.checkpoint.seconds
        if new == 0:
            return False
        return (every is not None and new >= every) or (
            seconds is not None and passed >= seconds
        )

    def write(self, estimator: Any, *, finished: bool) -> None:
        """Write a checkpoint; if that cannot be done, training goes on with a warning.

        Parameters
        ----------
        estimator : FFNNClassifier
            Fitted as far as training has come.
        finished : bool
            Whether training is over.
        """
        self.epoch, self._time = estimator.n_iter_, time.monotonic()
        content = snapshot(estimator)
        content |= {"identity": self.identity, "finished": finished}
        try:
            if version_of(self.checkpoint.path) != self._known:
                raise FileExistsError(f"{self.checkpoint.path} is now of another fit")
            write_content(self.checkpoint.path, content, KINDS)
            self._known = version_of(self.checkpoint.path)
        except OSError as error:
            warnings.warn(
                f"The checkpoint after epoch {self.epoch} could not be written: "
                f"{error}. Training goes on; what was there before is kept.",
                stacklevel=2,
            )


def version_of(path: str) -> tuple[int, ...] | None:
    """Return what tells a file from what another writer puts in its place."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def text_of(value: Any, name: str) -> str:
    """Return a text that is the same for equal values of a parameter."""
    writer = Writer(KINDS)
    encoded = writer.encode(value, name)
    return json.dumps([encoded, *(fingerprint(array) for array in writer.arrays)])


def fingerprint(value: Any) -> str | None:
    """Return a short text that differs where two arrays do.

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
