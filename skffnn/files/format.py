"""Values in a file: checked as a whole, and replaced atomically.

A file is a head of 56 bytes, which is `HEAD`, and a value:

    16 bytes   b"skffnn" and zeros
     8 bytes   version of the format, an integer (all integers are little-endian)
    32 bytes   BLAKE2b checksum of all other bytes of the file

A value is a tag of one byte, a number n of 8 bytes, and n bytes (of a number, a text or
an array: see `LEAVES`) or n values: the items of a list or tuple, the keys and values
of a dict, or the name and the content of an object (see `skffnn.files.objects`).
Nothing is compressed, so a file never becomes larger when it is read.
"""

import errno
import os
import secrets
import stat
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from types import NoneType
from typing import Any, BinaryIO

from .objects import check_restored, content_of

MAGIC, VERSION = b"skffnn".ljust(16, b"\0"), 1
HEAD = struct.Struct("<16sQ32s")

AnyPath = str | bytes | int | os.PathLike[Any]  # an int is a file descriptor


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
    ...         print(str(error).split(": ", 1)[1])
    it was not saved by skffnn.
    """


def checksum(version: int, chunks: Iterable[Any]) -> bytes:
    """Return the checksum of the head and of all that follows it."""
    digest = blake2b(HEAD.pack(MAGIC, version, b""), digest_size=32)
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()


# ----------------------------------------------------------------------------- reading


def read(path: AnyPath, build: Callable[[Any, Any], Any]) -> Any:
    """Return the value in a file, after a check that every byte of it is right.

    `build` makes objects of their names and contents.
    """
    # A descriptor belongs to the caller, who closes it.
    with open(path, "rb", closefd=not isinstance(path, int)) as file:
        head = file.read(HEAD.size).ljust(HEAD.size, b"\0")
        magic, version, expected = HEAD.unpack(head)
        if magic != MAGIC:
            raise FileFormatError("it was not saved by skffnn.")
        if version > VERSION:
            raise FileFormatError(
                f"it has version {version} of the format, and this version of skffnn "
                f"reads only version {VERSION}. Update skffnn."
            )
        data = file.read()
    if checksum(version, [data]) != expected:
        raise FileFormatError("it is damaged: its checksum is wrong.")
    value, rest = unpack(memoryview(data), build)
    if rest:
        raise ValueError("something follows the last value")
    return value


# ----------------------------------------------------------------------------- writing


def write(path: AnyPath, chunks: list[Any]) -> None:
    """Write chunks that `pack` returned.

    They replace a regular file, or are written to a device, a pipe or a descriptor. A
    file is written to a draft in the same folder, flushed to disk and then renamed. A
    crash at any moment leaves the old or the new file, and perhaps a draft.
    """
    head = HEAD.pack(MAGIC, VERSION, checksum(VERSION, chunks))
    is_open = isinstance(path, int)
    direct = is_open or (os.path.exists(path) and not os.path.isfile(path))
    try:
        with (
            open(path, "wb", closefd=not is_open) if direct else replaced(path) as file
        ):
            file.writelines([head, *chunks])
    except OSError as error:  # of the draft, or without a name
        raise OSError(error.errno, error.strerror, name_of(path)) from error


@contextmanager
def replaced(path: Any) -> Iterator[BinaryIO]:
    """Yield a draft that takes the place of a file if nothing fails."""
    target = Path(os.path.realpath(os.fsdecode(path)))
    draft = target.with_name(draft_prefix(target) + secrets.token_hex(4))
    try:
        with open(draft, "xb") as file:
            if target.exists():
                os.chmod(draft, stat.S_IMODE(target.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    with suppress(OSError):  # only some systems can flush the renaming
        folder = os.open(target.parent, os.O_RDONLY)
        with suppress(OSError):
            os.fsync(folder)
        os.close(folder)


def draft_prefix(target: Path) -> str:
    """Return the prefix of drafts, short even for a file with a long name."""
    name = blake2b(os.fsencode(target.name), digest_size=8).hexdigest()
    return f".skffnn-draft-{name}-"


def remove_drafts(path: Any) -> None:
    """Remove the drafts of killed processes; no other may be writing the file."""
    target = Path(os.path.realpath(os.fsdecode(path)))
    for draft in target.parent.glob(f"{draft_prefix(target)}*"):
        with suppress(OSError):
            draft.unlink()


def name_of(path: AnyPath) -> str:
    """Return the name of a file in messages."""
    return f"file descriptor {path}" if isinstance(path, int) else os.fsdecode(path)


@contextmanager
def errors_named(path: AnyPath) -> Iterator[None]:
    """Convert whatever a damaged or forged file causes to a FileFormatError."""
    name = name_of(path)
    try:
        yield
    except (OSError, Warning):  # of the disk; of another version of scikit-learn
        raise
    except MemoryError as error:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), name) from error
    except Exception as error:
        why = "" if isinstance(error, FileFormatError) else "its content is not valid: "
        raise FileFormatError(f"{name} cannot be loaded: {why}{error}") from error


# ------------------------------------------------------------------------------ values

TAG, FLOAT = struct.Struct("<cQ"), struct.Struct("<d")
TEXT = ("utf-8", "surrogatepass")
DEEPEST = 100  # levels of nested values
MOST_KEYS = 10_000  # of other types than str, whose hashes can be made to collide

# Values without parts, by type: the tag, and functions to bytes and back.
LEAVES: dict[type, tuple[bytes, Callable[[Any], Any], Callable[[memoryview], Any]]] = {
    NoneType: (b"N", lambda _: b"", lambda _: None),
    bool: (b"B", lambda value: b"\1" if value else b"", lambda data: len(data) > 0),
    int: (b"i", lambda n: f"{n:x}".encode(), lambda data: int(bytes(data), 16)),
    float: (b"f", FLOAT.pack, lambda data: FLOAT.unpack(data)[0]),
    str: (b"s", lambda text: text.encode(*TEXT), lambda data: str(data, *TEXT)),
    bytes: (b"b", bytes, bytes),
    memoryview: (b"r", memoryview, memoryview),
}
UNPACKED = {tag: from_bytes for tag, _, from_bytes in LEAVES.values()}
TAGS: dict[type, bytes] = {list: b"l", tuple: b"t", dict: b"d"}  # objects have b"x"


def pack(value: Any, where: str = "", depth: int = 0) -> list[Any]:
    """Return a value as chunks of bytes; raise a TypeError if that would need code.

    `where` names the value in messages. Arrays are not copied.
    """
    if depth > DEEPEST:
        raise TypeError(f"{where:.80} is nested too deeply to be saved.")
    kind: type = type(value)
    if kind in LEAVES:
        tag, to_bytes, _ = LEAVES[kind]
        data = to_bytes(value)
        return [TAG.pack(tag, len(data)), data]
    tag = TAGS.get(kind, b"x")
    if kind is dict:
        check_keys(value)
        parts = [pair for item in value.items() for pair in named(item, where)]
    elif kind in TAGS:
        parts = [(item, inside(where, item)) for item in value]
    else:
        content = content_of(value, where)
        parts = [(part, where) for part in content]
    chunks = [TAG.pack(tag, len(parts))]
    for part, place in parts:
        chunks += pack(part, place, depth + 1)
    if tag == b"x":
        check_restored(*content, where)
    return chunks


def named(item: tuple[Any, Any], where: str) -> list[tuple[Any, str]]:
    """Return a key and its value with their names, that of a nested parameter."""
    key, value = item
    return [(key, where), (value, f"{where}__{key}" if where else str(key))]


def inside(where: str, item: Any) -> str:
    """Return the name of an item: that of a step, for a tuple that begins with one."""
    if type(item) is tuple and len(item) > 1 and type(item[0]) is str:
        return "__".join([*where.split("__")[:-1], item[0]])
    return where


def check_keys(keys: Any) -> None:
    """Raise if there are too many keys whose hashes can be made to collide."""
    if len(keys) > MOST_KEYS and any(type(key) is not str for key in keys):
        raise TypeError(f"a dict has more than {MOST_KEYS} keys that are not strings.")


def unpack(data: memoryview, build: Any, depth: int = 0) -> tuple[Any, memoryview]:
    """Return the first value, and what follows it.

    Nothing is allocated for more than the bytes that are there.
    """
    if depth > DEEPEST:
        raise ValueError("its values are nested too deeply")
    tag, n = TAG.unpack_from(data)
    data = data[TAG.size :]
    if n > len(data):
        raise ValueError("it ends too early")
    if tag in UNPACKED:
        return UNPACKED[tag](data[:n]), data[n:]
    values = []
    for _ in range(n):
        value, data = unpack(data, build, depth + 1)
        values.append(value)
    if tag == b"x":
        return build(*values), data
    if tag == b"d":
        check_keys(values[::2])
        return dict(zip(values[::2], values[1::2], strict=True)), data
    kinds = {b"l": list, b"t": tuple}
    return kinds[tag](values), data
