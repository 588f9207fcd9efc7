"""Files of plain values and arrays, which are written whole and run no code when read.

A file is an uncompressed ZIP archive. `header.json` holds a JSON object: "format" is
"skffnn", "version" a whole number, and "content" what was written. The other members
are arrays in NumPy's `.npy` format, none of them pickled. In "content" an object with
one key that begins with "$" stands for what JSON does not have:

    {"$array": "0.npy"}             an array; each member stands for one thing
    {"$scalar": "1.npy"}            one of NumPy's numbers
    {"$floats": "2.npy"}            a list of floats
    {"$labels": [...]}              a vector of Python objects that are plain values
    {"$tuple": [...]}               a tuple
    {"$dict": [[key, value], ...]}  a dict whose keys are not all ordinary strings
    {"$float": "inf"}               "inf", "-inf" or "nan"
    {"$stream": {...}}              a RandomState, by its state
    {"$object": [name, {...}]}      an object of a known class, by its fields

Version 2 is what this module writes; version 1 lacks some of the content that
`skffnn.io.schema` describes. Every version has to be read for ever.
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
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date of a ZIP: equal models, equal files
KINDS = "biufcSUmM"  # arrays of Python objects would have to be pickled
LARGEST_HEADER = 4 * 2**20  # characters; what JSON makes of them takes many times more

# The header of an array, as NumPy writes it. It is no Python that anything evaluates.
NPY = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': "
    rb"'([<>|]?[biufcSUmM]\d{1,9}(?:\[\d{0,9}\w{1,7}\])?)', "
    rb"'fortran_order': (True|False), 'shape': \(([\d, ]{0,400})\), \} *\n",
    re.DOTALL,
)

# What reading a file that is no such file can raise.
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
    """A file is not one of skffnn's, or is damaged, or is of a newer version.

    It is a ValueError.

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
    not a file of skffnn, or is damaged: ...
    """


class Writer:
    """Turn values into what JSON has, and arrays to be stored beside it.

    Parameters
    ----------
    kinds : mapping of str to type
        Classes whose objects may be written, by name.
    """

    def __init__(self, kinds: Mapping[str, type]) -> None:
        self.names = {kind: name for name, kind in kinds.items()}
        self.arrays: list[Array] = []

    def encode(self, value: Any, where: str) -> Any:
        """Return a value as JSON has it.

        Parameters
        ----------
        value : object
            What is to be written.
        where : str
            Its name, for the message; what is inside a dict has its own.

        Returns
        -------
        encoded : object
            Of JSON's types.

        Raises
        ------
        TypeError
            If it could only be read again by running code.
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
            f"{where} cannot be saved, got {value!r}: a file holds numbers, text, "
            "arrays, plain lists and dicts, and the objects that come with skffnn, so "
            "that loading it runs no code. Give one of these, or use pickle."
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
    """Turn what a `Writer` made into values again.

    Parameters
    ----------
    kinds : mapping of str to type
        Classes whose objects may be made, by name.
    arrays : dict of str to ndarray
        The arrays of the file, by name; taken out as they are used.
    """

    def __init__(self, kinds: Mapping[str, type], arrays: dict[str, Array]) -> None:
        self.kinds = kinds
        self._made_by: dict[str, Callable[[Any], Any]] = {
            # Each once: a small file must not become a large model.
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
        """Return the value that was encoded.

        Parameters
        ----------
        value : object
            Of JSON's types.

        Returns
        -------
        decoded : object
            What the writer was given.
        """
        if isinstance(value, list):
            return [self.decode(item) for item in value]
        if not isinstance(value, dict):
            return value
        tag = next(iter(value), "")
        if tag.startswith("$"):
            ((tag, value),) = value.items()
            return self._made_by[tag](value)
        return {k: self.decode(v) for k, v in value.items()}

    def _labels(self, items: Any) -> Array:
        labels = np.empty(len(items), object)
        labels[:] = self.decode(items)
        return labels

    def _object(self, entry: Any) -> Any:
        name, values = entry
        return self.kinds[name](**self.decode(values))


def write_content(
    path: Any, content: dict[str, Any], kinds: Mapping[str, type]
) -> None:
    """Write a file, in place of an earlier one only when it is complete.

    The new file is written beside the earlier one under a name of its own, brought to
    the disk, and then given its name, which the system does in one step. A crash at any
    moment leaves either the earlier file or the new one, and maybe a draft.

    Parameters
    ----------
    path : str or path-like
        Where to.
    content : mapping of str to object
        Numbers, text, arrays, lists, tuples, dicts, and objects of the known classes.
    kinds : mapping of str to type
        Classes whose objects may be written, by name.

    Raises
    ------
    TypeError
        If something could only be read again by running code.
    OSError
        If the file cannot be written. An earlier one is as it was.
    """
    writer = Writer(kinds)
    encoded = writer.encode(content, "the content")
    header = {"format": FORMAT, "version": VERSION, "content": encoded}
    text = json.dumps(header, allow_nan=False)
    if len(text) > LARGEST_HEADER:
        raise ValueError(
            f"a header of {len(text)} characters is too large to be saved: at most "
            f"{LARGEST_HEADER} are. Labels of NumPy's types take none."
        )
    path = Path(os.path.realpath(path))
    # Neither a file of somebody else's nor the draft of another writer is touched.
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
    """Return how the names of the drafts of a file begin, however long its own is."""
    return (
        f".skffnn-draft-{blake2b(os.fsencode(path.name), digest_size=8).hexdigest()}-"
    )


def remove_drafts(path: Any) -> None:
    """Remove the drafts of a file that writers who were killed have left.

    Parameters
    ----------
    path : str or path-like
        The file, which nobody else is writing.
    """
    path = Path(os.path.realpath(path))
    for draft in path.parent.glob(f"{draft_prefix(path)}*"):
        with suppress(OSError):
            draft.unlink()


def entry(name: str) -> zipfile.ZipInfo:
    """Return the entry of a member, with the same date always."""
    return zipfile.ZipInfo(name, EPOCH)


def sync_folder(folder: Path) -> None:
    """Bring a change of names to the disk, where the system can be asked to."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_content(path: Any, kinds: Mapping[str, type]) -> dict[str, Any]:
    """Read a file that `write_content` has written.

    Parameters
    ----------
    path : str or path-like
        Where from.
    kinds : mapping of str to type
        Classes whose objects may be made, by name.

    Returns
    -------
    content : dict of str to object
        What was written.

    Raises
    ------
    FileFormatError
        If the file is not of this format, is damaged, or is of a newer version.
    OSError
        If it cannot be read.
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
            raise ValueError(f"it has more arrays than it uses: {', '.join(arrays)}")
        if not isinstance(content, dict):
            raise TypeError("the content is not an object")
    return content


@contextmanager
def damage_named(path: Any) -> Iterator[None]:
    """Turn whatever a damaged file leads to into one error.

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
        # A place before the start of the file, which the archive says something is at,
        # is an OSError; others mean that the file cannot be read.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise FileFormatError(
            f"{path} is not a file of skffnn, or is damaged: {error}"
        ) from error


def check_members(archive: zipfile.ZipFile, size: int) -> None:
    """Raise unless members are stored as they are, and fit into the archive."""
    members = archive.infolist()
    if any(m.compress_type != zipfile.ZIP_STORED for m in members):
        raise FileFormatError("a member of the archive is compressed")
    if any(m.compress_size != m.file_size for m in members):
        raise FileFormatError("a member of the archive has two sizes")
    if sum(m.file_size for m in members) > size:
        raise FileFormatError("the members of the archive are larger than the file")
    if any(m.filename == HEADER and m.file_size > LARGEST_HEADER for m in members):
        raise FileFormatError("the header is too large")
    if len({m.filename for m in members}) < len(members):
        raise FileFormatError("two members of the archive have one name")


def check_version(header: Any) -> None:
    """Raise unless this module can read the content that follows."""
    if header["format"] != FORMAT:
        raise FileFormatError(f"the format is {header['format']!r}, not {FORMAT!r}")
    version = header["version"]
    if type(version) is not int or version < 1:
        raise FileFormatError(f"there is no version {version!r} of the format")
    if version > VERSION:
        raise FileFormatError(
            f"version {version} of the format is newer than {VERSION}, the newest that "
            "is known here. Update skffnn."
        )


def parse_array(data: bytes) -> Array:
    """Return the array of a member, made only if its size is that of the member.

    Parameters
    ----------
    data : bytes
        In the `.npy` format.

    Returns
    -------
    array : ndarray
        Writable.
    """
    found = NPY.match(data)
    if found is None:
        raise ValueError("an array is not in version 1.0 of the .npy format")
    descr, order, lengths = (group.decode() for group in found.groups())
    dtype, shape = np.dtype(descr), tuple(map(int, re.findall(r"\d+", lengths)))
    if dtype.itemsize == 0 or prod(shape) * dtype.itemsize != len(data) - found.end():
        raise ValueError(f"an array of shape {shape} does not have that many bytes")
    array = np.frombuffer(data, dtype, offset=found.end())
    if dtype.kind == "U":
        codes = array.view(f"{dtype.str[0]}u4")
        if codes.max(initial=0) > sys.maxunicode:
            raise ValueError("an array has characters that do not exist")
    by_columns = order == "True"
    return array.reshape(shape, order="F" if by_columns else "C").copy(order="K")
