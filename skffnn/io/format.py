"""Safe, atomic storage of plain values and arrays in one file.

Reading a file never runs code, and an existing file is replaced only by a complete one.

A file is an uncompressed ZIP archive. `header.json` holds a JSON object: "format" is
"skffnn", "version" is an integer and "content" is the stored value. The other members
are arrays in NumPy's `.npy` format, without pickling. In "content", an object with a
single key that starts with "$" stands for a type that JSON does not have:

    {"$array": "0.npy"}             an array; each member is used exactly once
    {"$scalar": "1.npy"}            a NumPy scalar
    {"$floats": "2.npy"}            a list of floats
    {"$labels": [...]}              a 1-D object array of plain values
    {"$tuple": [...]}               a tuple
    {"$dict": [[key, value], ...]}  a dict with keys that JSON cannot represent
    {"$float": "inf"}               "inf", "-inf" or "nan"
    {"$stream": {...}}              a RandomState, as its state
    {"$object": [name, {...}]}      an object of a known class, as its fields

This module writes version 2; version 1 lacks some of the content that
`skffnn.io.schema` describes. Every version must remain readable.
"""

import errno
import json
import os
import re
import secrets
import stat
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from math import isfinite, prod
from pathlib import Path
from typing import Any

import numpy as np

from ..nn.arrays import Array
from ..utils.streams import random_state_from

FORMAT, VERSION = "skffnn", 2
HEADER = "header.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest ZIP date: equal models give equal files
KINDS = "biufcSUmM"  # object arrays would need pickle
LARGEST_HEADER = 4 * 2**20  # characters; parsed JSON takes many times the memory

# The header of an array as NumPy writes it, parsed here without evaluating Python.
NPY = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': "
    rb"'([<>|]?[biufcSUmM]\d{1,9}(?:\[\d{0,9}\w{1,7}\])?)', "
    rb"'fortran_order': (True|False), 'shape': \(([\d, ]{0,400})\), \} *\n",
    re.DOTALL,
)

# Exceptions that reading an invalid file can raise.
DAMAGE = (
    zipfile.BadZipFile,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OSError,
    OverflowError,
    RecursionError,
    RuntimeError,  # encrypted
    NotImplementedError,  # another compression
)


class FileFormatError(ValueError):
    """Raised if a file was not saved by skffnn, is damaged or has a newer version.

    Examples
    --------
    >>> import tempfile, skffnn
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "notes.txt"
    ...     _ = path.write_text("no model")
    ...     try:
    ...         skffnn.load(path)
    ...     except skffnn.FileFormatError as error:
    ...         print(str(error).split(" is ", 1)[1])
    damaged or was not saved by skffnn: ...
    """


class Writer:
    """Encoder of values as JSON types, which collects the arrays to store separately.

    Parameters
    ----------
    kinds : mapping of str to type
        Classes whose instances may be written, by name.
    """

    def __init__(self, kinds: Mapping[str, type]) -> None:
        self.names = {kind: name for name, kind in kinds.items()}
        self.arrays: list[Array] = []

    def encode(self, value: Any, where: str) -> Any:
        """Encode a value as JSON types.

        Parameters
        ----------
        value : object
            The value to write.
        where : str
            The name of the value in error messages; items of a dict use their keys.

        Returns
        -------
        encoded : object
            A value of JSON types.

        Raises
        ------
        TypeError
            If the value could only be restored by running code.
        """
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if isfinite(value) else {"$float": repr(value)}
        if type(value) is list and value and {*map(type, value)} == {float}:
            return {"$floats": self._store(np.array(value))}
        if type(value) in (list, tuple):
            items = [self.encode(item, where) for item in value]
            return items if type(value) is list else {"$tuple": items}
        if type(value) is dict:
            return self._dict(value, where)
        if isinstance(value, np.generic) and value.dtype.kind in KINDS:
            return {"$scalar": self._store(np.asarray(value))}
        if isinstance(value, np.ndarray) and value.dtype.kind in KINDS:
            return {"$array": self._store(np.asarray(value))}
        if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype == object:
            return {"$labels": self.encode(value.tolist(), where)}
        if type(value) is np.random.RandomState:
            return {"$stream": self.encode(value.get_state(legacy=False), where)}
        if type(value) in self.names:
            return {"$object": [self.names[type(value)], self._fields(value, where)]}
        raise TypeError(
            f"{where} cannot be saved, got {value!r}. Because loading a file runs no "
            "code, only numbers, strings, arrays, lists, dicts and objects of skffnn "
            "can be saved. Use one of these, or use pickle."
        )

    def _dict(self, value: dict[Any, Any], where: str) -> Any:
        if all(type(key) is str and not key.startswith("$") for key in value):
            return {key: self.encode(item, key) for key, item in value.items()}
        pairs = [list(pair) for pair in value.items()]
        return {"$dict": self.encode(pairs, where)}

    def _fields(self, value: Any, where: str) -> Any:
        names = [f.name for f in fields(value)] if is_dataclass(value) else []
        return {name: self.encode(getattr(value, name), where) for name in names}

    def _store(self, array: Array) -> str:
        self.arrays.append(array)
        return f"{len(self.arrays) - 1}.npy"


class Reader:
    """Decoder of values that a `Writer` has encoded.

    Parameters
    ----------
    kinds : mapping of str to type
        Classes whose instances may be created, by name.
    arrays : dict of str to ndarray
        The arrays of the file, by name; each is removed when it is used.
    """

    def __init__(self, kinds: Mapping[str, type], arrays: dict[str, Array]) -> None:
        self.kinds = kinds
        self._decoders: dict[str, Callable[[Any], Any]] = {
            # Each is used only once, so that a small file cannot become a large model.
            "$array": arrays.pop,
            "$scalar": lambda name: arrays.pop(name)[()],
            "$floats": lambda name: arrays.pop(name).tolist(),
            "$labels": self._labels,
            "$tuple": lambda items: tuple(self.decode(items)),
            "$dict": lambda pairs: dict(self.decode(pairs)),
            "$float": {"inf": np.inf, "-inf": -np.inf, "nan": np.nan}.__getitem__,
            "$stream": lambda state: random_state_from(self.decode(state)),
            "$object": self._object,
        }

    def decode(self, value: Any) -> Any:
        """Decode a value.

        Parameters
        ----------
        value : object
            A value of JSON types.

        Returns
        -------
        decoded : object
            The value that was encoded.
        """
        if isinstance(value, list):
            return [self.decode(item) for item in value]
        if not isinstance(value, dict):
            return value
        tag = next(iter(value), "")
        if tag.startswith("$"):
            ((tag, value),) = value.items()
            return self._decoders[tag](value)
        return {k: self.decode(v) for k, v in value.items()}

    def _labels(self, items: Any) -> Array:
        values = self.decode(items)  # a list of floats is stored as an array
        labels = np.empty(len(values), object)
        labels[:] = values
        return labels

    def _object(self, entry: Any) -> Any:
        name, values = entry
        return self.kinds[name](**self.decode(values))


def write_content(
    path: Any, content: dict[str, Any], kinds: Mapping[str, type]
) -> None:
    """Write a file atomically.

    The content is written to a temporary file in the same folder, flushed to disk and
    then renamed. A crash at any time leaves either the old or the new file, and perhaps
    a temporary one.

    Parameters
    ----------
    path : str or path-like
        The file to write.
    content : mapping of str to object
        Numbers, strings, arrays, lists, tuples, dicts and objects of known classes.
    kinds : mapping of str to type
        Classes whose instances may be written, by name.

    Raises
    ------
    TypeError
        If a value could only be restored by running code.
    OSError
        If the file cannot be written. An existing file is unchanged.
    """
    writer = Writer(kinds)
    encoded = writer.encode(content, "the content")
    header = {"format": FORMAT, "version": VERSION, "content": encoded}
    text = json.dumps(header, allow_nan=False)
    if len(text) > LARGEST_HEADER:
        raise ValueError(
            f"a header of {len(text)} characters is too large to be saved; the limit "
            f"is {LARGEST_HEADER}. Use class labels of a NumPy dtype other than object."
        )
    path = Path(os.path.realpath(path))
    # A random name, so that no other file or concurrent write is overwritten.
    draft = path.with_name(f"{draft_prefix(path)}{secrets.token_hex(8)}")
    try:
        with open(draft, "xb") as file:
            if path.exists():
                os.chmod(draft, stat.S_IMODE(path.stat().st_mode))
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr(entry(HEADER), text)
                for i, array in enumerate(writer.arrays):
                    with archive.open(
                        entry(f"{i}.npy"), "w", force_zip64=True
                    ) as member:
                        np.lib.format.write_array(member, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    sync_folder(path.parent)


def draft_prefix(path: Path) -> str:
    """Return the prefix of temporary files, short even for a file with a long name."""
    return (
        f".skffnn-draft-{blake2b(os.fsencode(path.name), digest_size=8).hexdigest()}-"
    )


def remove_drafts(path: Any) -> None:
    """Remove temporary files left behind by interrupted writes.

    Parameters
    ----------
    path : str or path-like
        The file, which no other process may be writing.
    """
    path = Path(os.path.realpath(path))
    for draft in path.parent.glob(f"{draft_prefix(path)}*"):
        with suppress(OSError):
            draft.unlink()


def entry(name: str) -> zipfile.ZipInfo:
    """Return the entry of an archive member, with a fixed date."""
    return zipfile.ZipInfo(name, EPOCH)


def sync_folder(folder: Path) -> None:
    """Flush a rename to disk, where the operating system supports it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_content(path: Any, kinds: Mapping[str, type]) -> dict[str, Any]:
    """Read a file written by `write_content`.

    Parameters
    ----------
    path : str or path-like
        The file to read.
    kinds : mapping of str to type
        Classes whose instances may be created, by name.

    Returns
    -------
    content : dict of str to object
        The content that was written.

    Raises
    ------
    FileFormatError
        If the file has another format, is damaged or has a newer version.
    OSError
        If the file cannot be read.
    """
    with open(path, "rb") as file, damage_named(path):
        size = os.fstat(file.fileno()).st_size
        with zipfile.ZipFile(file) as archive:
            check_members(archive, size)
            header = json.loads(archive.read(HEADER))
            check_version(header)
            names = [name for name in archive.namelist() if name != HEADER]
            arrays = {name: parse_array(archive.read(name)) for name in names}
        content = Reader(kinds, arrays).decode(header["content"])
        if arrays:
            raise ValueError(f"unused arrays: {', '.join(arrays)}")
        if not isinstance(content, dict):
            raise TypeError("the content is not a JSON object")
    return content


@contextmanager
def damage_named(path: Any) -> Iterator[None]:
    """Convert all errors caused by a damaged file to FileFormatError.

    Parameters
    ----------
    path : str or path-like
        The file.

    Yields
    ------
    None
        Nothing.
    """
    try:
        yield
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except DAMAGE as error:
        # Seeking to a negative offset, given by a damaged archive, fails with EINVAL.
        # Any other OSError means that the file cannot be read.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise FileFormatError(
            f"{path} is damaged or was not saved by skffnn: {error}"
        ) from error


def check_members(archive: zipfile.ZipFile, size: int) -> None:
    """Raise unless all members are uncompressed and fit into the file."""
    members = archive.infolist()
    if any(m.compress_type != zipfile.ZIP_STORED for m in members):
        raise FileFormatError("a member of the archive is compressed")
    if any(m.compress_size != m.file_size for m in members):
        raise FileFormatError("a member of the archive has inconsistent sizes")
    if sum(m.file_size for m in members) > size:
        raise FileFormatError("the members of the archive are larger than the file")
    if any(m.filename == HEADER and m.file_size > LARGEST_HEADER for m in members):
        raise FileFormatError("the header is too large")
    if len({m.filename for m in members}) < len(members):
        raise FileFormatError("two members of the archive have the same name")


def check_version(header: Any) -> None:
    """Raise unless this module can read the format and its version."""
    if header["format"] != FORMAT:
        raise FileFormatError(
            f"the format must be {FORMAT!r}, got {header['format']!r}"
        )
    version = header["version"]
    if type(version) is not int or version < 1:
        raise FileFormatError(
            f"the version must be a positive integer, got {version!r}"
        )
    if version > VERSION:
        raise FileFormatError(
            f"the file has version {version} of the format, but this version of skffnn "
            f"can read only versions up to {VERSION}. Update skffnn."
        )


def parse_array(data: bytes) -> Array:
    """Parse an array, which is allocated only if its size matches the data.

    Parameters
    ----------
    data : bytes
        The array in the `.npy` format.

    Returns
    -------
    array : ndarray
        A writable copy.
    """
    found = NPY.match(data)
    if found is None:
        raise ValueError("an array is not in the .npy format, version 1.0")
    descr, order, lengths = (group.decode() for group in found.groups())
    dtype, shape = np.dtype(descr), tuple(map(int, re.findall(r"\d+", lengths)))
    if dtype.itemsize == 0 or prod(shape) * dtype.itemsize != len(data) - found.end():
        raise ValueError(f"the data do not match an array of shape {shape}")
    array = np.frombuffer(data, dtype, offset=found.end())
    if dtype.kind == "U":
        codes = array.view(f"{dtype.str[0]}u4")
        if codes.max(initial=0) > sys.maxunicode:
            raise ValueError("an array of strings has invalid characters")
    column_major = order == "True"
    return array.reshape(shape, order="F" if column_major else "C").copy(order="K")
