"""One block of bytes in a file: checked as a whole, and replaced atomically.

A file is a head of 64 bytes, which is `HEAD`, and the block:

    16 bytes   b"skffnn" and zeros
     8 bytes   version of the format, an integer (all integers are little-endian)
     8 bytes   length of the block
    32 bytes   BLAKE2b checksum of all other bytes of the file

Nothing is compressed, so a file never becomes larger when it is read. What is in the
block is described in `skffnn.files.format`.
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
from typing import Any, BinaryIO

from .objects import content_of

MAGIC, VERSION = b"skffnn".ljust(16, b"\0"), 1
HEAD = struct.Struct("<16sQQ32s")
READ_BYTES = 2**20

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


def checksum(version: int, length: int, blocks: Iterable[Any]) -> bytes:
    """Return the checksum of the head and the block."""
    digest = blake2b(HEAD.pack(MAGIC, version, length, b""), digest_size=32)
    for block in blocks:
        digest.update(block)
    return digest.digest()


# ----------------------------------------------------------------------------- reading


def read_block(path: AnyPath) -> memoryview:
    """Return the block of a file, after a check that every byte of it is right."""
    # A descriptor belongs to the caller, who closes it.
    with open(path, "rb", closefd=not isinstance(path, int)) as file:
        head = file.read(HEAD.size)
        if head[: len(MAGIC)] != MAGIC:
            raise FileFormatError("it was not saved by skffnn.")
        if len(head) < HEAD.size:
            raise FileFormatError("it is damaged: it ends too early.")
        _, version, length, expected = HEAD.unpack(head)
        if version > VERSION:
            raise FileFormatError(
                f"it has version {version} of the format, and this version of skffnn "
                f"reads only version {VERSION}. Update skffnn."
            )
        block = bytearray()  # grows with what is there, not with what the head says
        while len(block) <= length and (more := file.read(READ_BYTES)):
            block += more
    if len(block) != length or checksum(version, length, [block]) != expected:
        raise FileFormatError("it is damaged: its checksum or its length is wrong.")
    return memoryview(block)


# ----------------------------------------------------------------------------- writing


def write_block(path: AnyPath, chunks: list[Any]) -> None:
    """Write a block, in place of a regular file or into a device, pipe or descriptor.

    A file is written to a draft in the same folder, flushed to disk and then renamed. A
    crash at any moment leaves the old or the new file, and perhaps a draft.
    """
    length = sum(map(len, chunks))
    head = HEAD.pack(MAGIC, VERSION, length, checksum(VERSION, length, chunks))
    is_open = isinstance(path, int)
    direct = is_open or (os.path.exists(path) and not os.path.isfile(path))
    with open(path, "wb", closefd=not is_open) if direct else replaced(path) as file:
        file.writelines([head, *chunks])


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
    except BaseException as error:
        with suppress(OSError):
            draft.unlink()
        if isinstance(error, OSError):
            error.filename, error.filename2 = os.fsdecode(path), None
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


@contextmanager
def errors_named(path: AnyPath) -> Iterator[None]:
    """Convert whatever a damaged or forged file causes to a FileFormatError."""
    name = f"file descriptor {path}" if isinstance(path, int) else os.fsdecode(path)
    try:
        yield
    except (OSError, Warning):  # of the disk; of another version of scikit-learn
        raise
    except MemoryError as error:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), name) from error
    except Exception as error:
        why = "" if isinstance(error, FileFormatError) else "its content is not valid: "
        raise FileFormatError(f"{name} cannot be loaded: {why}{error}") from error


TAG, FLOAT = struct.Struct("<cQ"), struct.Struct("<d")
DEEPEST = 100  # levels of nested values
MOST_KEYS = 10_000  # of other types than str, whose hashes can be made to collide

PACKED: dict[type, tuple[bytes, Callable[[Any], Any]]] = {
    int: (b"i", lambda n: n.to_bytes(n.bit_length() // 8 + 1, "little", signed=True)),
    float: (b"f", FLOAT.pack),
    str: (b"s", lambda text: text.encode("utf-8", "surrogatepass")),
    bytes: (b"b", bytes),
    memoryview: (b"r", memoryview),
}
UNPACKED: dict[bytes, Callable[[memoryview], Any]] = {
    b"N": lambda _: None,
    b"T": lambda _: True,
    b"F": lambda _: False,
    b"i": lambda data: int.from_bytes(data, "little", signed=True),
    b"f": lambda data: FLOAT.unpack(data)[0],
    b"s": lambda data: str(data, "utf-8", "surrogatepass"),
    b"b": bytes,
    b"r": memoryview,
}


class Packer:
    """Writes values as chunks of bytes; arrays are not copied."""

    def __init__(self) -> None:
        self.chunks: list[Any] = []

    def add(self, value: Any, where: str, depth: int = 0) -> None:
        """Add a value; `where` names it in messages."""
        kind, depth = type(value), depth + 1
        if depth > DEEPEST:
            raise TypeError(f"{where} is nested too deeply to be saved.")
        if value is None or kind is bool:
            self.head(b"N" if value is None else b"T" if value else b"F", 0)
        elif kind in PACKED:
            tag, packed = PACKED[kind][0], PACKED[kind][1](value)
            self.head(tag, len(packed))
            self.chunks.append(packed)
        elif kind in (list, tuple):
            self.head(b"l" if kind is list else b"t", len(value))
            for item in value:
                self.add(item, inside(where, item), depth)
        elif kind is dict:
            check_keys(value)
            self.head(b"d", len(value))
            for key, item in value.items():
                self.add(key, where, depth)
                self.add(item, f"{where}__{key}" if where else str(key), depth)
        else:
            name, content = content_of(value, where)
            self.head(b"x", 2)
            self.add(name, where, depth)
            self.add(content, where, depth)

    def head(self, tag: bytes, n: int) -> None:
        """Add what a value is, and its number."""
        self.chunks.append(TAG.pack(tag, n))


def inside(where: str, item: Any) -> str:
    """Return the name of an item: that of a step, for a tuple that begins with one."""
    if type(item) is tuple and len(item) > 1 and type(item[0]) is str:
        return "__".join([*where.split("__")[:-1], item[0]])
    return where


def check_keys(keys: Any) -> None:
    """Raise if there are too many keys whose hashes can be made to collide."""
    if len(keys) > MOST_KEYS and any(type(key) is not str for key in keys):
        raise TypeError(f"a dict has more than {MOST_KEYS} keys that are not strings.")


class Unpacker:
    """Reads values; nothing is allocated for more than the bytes that are there.

    `build` makes an object from a name and a content.
    """

    def __init__(self, data: memoryview, build: Callable[[Any, Any], Any]) -> None:
        self.data, self.build, self.at = data, build, 0

    def take(self, n: int) -> memoryview:
        """Return the next n bytes."""
        if n > len(self.data) - self.at:
            raise ValueError("it ends too early")
        self.at += n
        return self.data[self.at - n : self.at]

    def value(self, depth: int = 0) -> Any:
        """Return the next value."""
        if depth > DEEPEST:
            raise ValueError("its values are nested too deeply")
        tag, n = TAG.unpack(self.take(TAG.size))
        if tag in UNPACKED:
            return UNPACKED[tag](self.take(n))
        if tag not in b"ltdx" or n > len(self.data):
            raise ValueError("it has an unknown kind of value")
        values = [self.value(depth + 1) for _ in range(2 * n if tag == b"d" else n)]
        if tag == b"d":
            keys = values[::2]
            check_keys(keys)
            return dict(zip(keys, values[1::2], strict=True))
        if tag == b"x":
            return self.build(*values)
        return values if tag == b"l" else tuple(values)


def pack(value: Any, where: str = "") -> list[Any]:
    """Return a value as chunks of bytes; raise a TypeError if that would need code."""
    packer = Packer()
    packer.add(value, where)
    return packer.chunks


def unpack(data: memoryview, build: Callable[[Any, Any], Any]) -> Any:
    """Return the value that was packed."""
    unpacker = Unpacker(data, build)
    value = unpacker.value()
    if unpacker.at < len(data):
        raise ValueError("something follows the last value")
    return value
