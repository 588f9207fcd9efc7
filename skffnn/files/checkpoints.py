"""Checkpoints: save the progress of training, and resume from it."""

import os
import time
from copy import copy
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from scipy.sparse import issparse

from ..fitted import Fitted
from ..fitting.listeners import Listener
from ..optim.training import Epoch, Training
from ..utils.checks import (
    InterruptionWarning,
    InvalidParameterError,
    check_number,
    warn,
)
from .format import pack, remove_drafts
from .objects import class_named
from .saving import read_model, write_model

# Parameters that do not change the result of a fit.
NO_MATTER = ("checkpoint", "verbose")


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
        """Return the validated checkpoint of the parameter; a path alone is allowed."""
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
        folder = os.path.dirname(path) or "."
        if "\0" in path or not os.path.isdir(folder) or os.path.isdir(path):
            raise InvalidParameterError(
                f"checkpoint must be a file in an existing folder, got {path!r}."
            )
        every = 1 if value.epochs is None and value.seconds is None else value.epochs
        return cls(path, every, value.seconds)


class CheckpointManager(Listener):
    """Listener that writes the checkpoints of one fit, and restores them.

    The parameters, the rows and the network that it starts from identify the fit.
    `n_iter` is the number of epochs in the last checkpoint, `finished` whether training
    was over.
    """

    def __init__(
        self, checkpoint: Checkpoint, model: Any, plan: Any, rows: Any, start: Any
    ) -> None:
        if class_named(type(model).__name__) is not type(model):
            raise TypeError(
                "checkpoint needs an FFNNClassifier or FFNNRegressor, because files "
                f"store no code: got the subclass {type(model).__name__}."
            )
        self.checkpoint, self.model = checkpoint, model
        data = rows.arrays()
        data["feature_names_in_"] = getattr(model, "feature_names_in_", None)
        data["initial parameters"] = tuple(plan.start)
        data["fitted network to start from"] = start
        params = model.get_params(deep=False)
        data |= {k: v for k, v in params.items() if k not in NO_MATTER}
        self.identity = {k: fingerprint(v, k) for k, v in data.items()}
        self.n_iter, self.finished, self._time = 0, False, time.monotonic()
        self._known = version_of(checkpoint.path)

    def restored(self) -> Fitted | None:
        """Return the network of an earlier run of this fit, if there is one.

        A checkpoint of another fit raises a ValueError: it must not be overwritten.
        """
        path = self.checkpoint.path
        remove_drafts(path)
        if not os.path.exists(path):
            return None
        loaded, content = read_model(path)
        self._check_identity(content)
        self.n_iter, self.finished = content["n_iter"], content["finished"]
        fitted: Fitted = loaded.fitted_
        return fitted

    def _check_identity(self, content: Any) -> None:
        """Raise unless the file is a checkpoint of this fit."""
        wrong = "a saved model and not a checkpoint"
        if content is not None:
            ours, theirs = self.identity, content["identity"]
            names = theirs.keys() | ours.keys()
            others = sorted(k for k in names if theirs.get(k) != ours.get(k))
            if not others:
                return
            wrong = f"the checkpoint of a fit with different {', '.join(others)}"
        raise ValueError(
            f"{self.checkpoint.path} is {wrong}. Delete it, or choose another path."
        )

    def on_epoch_end(self, epoch: Epoch, training: Training) -> None:
        """Write a checkpoint if one is due."""
        if training.is_over:  # on_fit_end writes the result
            return
        every, seconds = self.checkpoint.epochs, self.checkpoint.seconds
        new, passed = training.n_iter - self.n_iter, time.monotonic() - self._time
        if (every is not None and new >= every) or (
            seconds is not None and passed >= seconds
        ):
            self._write(training, finished=False)

    def on_fit_end(self, training: Training) -> None:
        """Write the result, unless Ctrl-C interrupted the fit.

        A fit that was stopped by a listener is not finished: it can be resumed. Ctrl-C
        while the result is being written leaves the previous checkpoint, and the fit
        keeps its model.
        """
        if training.interrupted:
            return
        try:
            self._write(training, finished=not training.stopped)
        except KeyboardInterrupt:
            warn(
                "The last checkpoint was interrupted; the model is complete, and the "
                "previous checkpoint is kept.",
                InterruptionWarning,
            )

    def _write(self, training: Training, *, finished: bool) -> None:
        """Write a checkpoint; if that fails, warn and continue training."""
        path = self.checkpoint.path
        self.n_iter, self._time = training.n_iter, time.monotonic()
        content = {
            "identity": self.identity,
            "n_iter": training.n_iter,
            "finished": finished,
        }
        try:
            if version_of(path) != self._known:
                raise FileExistsError(f"{path} now belongs to another fit")
            model = copy(self.model)
            model.fitted_ = Fitted.from_training(training)
            write_model(path, model, content)
            self._known = version_of(path)
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


def fingerprint(value: Any, where: str = "") -> str:
    """Return a short string that is the same for equal values."""
    if issparse(value):
        rows = value.tocsr()
        value = (rows.shape, rows.data, rows.indices, rows.indptr)
    digest = blake2b(digest_size=16)
    for chunk in pack(value, where):
        digest.update(chunk)
    return digest.hexdigest()
