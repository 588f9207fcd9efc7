"""Damaged, foreign and forged files are rejected."""

import io
import json
import pickle
import struct
import tracemalloc
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skffnn import FileFormatError
from skffnn.io import format as files
from skffnn.io.schema import KINDS

CONTENT = {"a": np.arange(12.0).reshape(3, 4), "b": {"c": [1, 2.5, None]}, "d": "text"}


def same(content):
    return (
        content.keys() == CONTENT.keys()
        and np.array_equal(content["a"], CONTENT["a"])
        and {**content, "a": 0} == {**CONTENT, "a": 0}
    )


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "whole"
    files.write_content(path, CONTENT, KINDS)
    return path.read_bytes()


def read_bytes(data, tmp_path):
    (tmp_path / "f").write_bytes(data)
    return files.read_content(tmp_path / "f", KINDS)


class TestBadFilesAreRefused:
    def test_truncated_anywhere(self, whole, tmp_path):
        for n in range(len(whole)):
            with pytest.raises(FileFormatError, match=r"not saved by skffnn"):
                read_bytes(whole[:n], tmp_path)

    def test_altered_anywhere(self, whole, tmp_path):
        """Bytes that do not affect the content, such as dates, may differ."""
        refused = 0
        for i in range(len(whole)):
            for bits in (0x01, 0x80, 0xFF):
                altered = bytearray(whole)
                altered[i] ^= bits
                try:
                    assert same(read_bytes(bytes(altered), tmp_path))
                except FileFormatError:
                    refused += 1
        assert refused > len(whole)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"text",
            b"\x80\x04]\x94.",
            pickle.dumps([1]),
            b"\x93NUMPY",
            b"PK\x05\x06" + bytes(18),
        ],
        ids=["empty", "text", "bytes", "pickle", "npy", "an archive of nothing"],
    )
    def test_foreign(self, data, tmp_path):
        with pytest.raises(FileFormatError, match="damaged or was not saved by skffnn"):
            read_bytes(data, tmp_path)

    def test_missing_or_a_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            files.read_content(tmp_path / "none", KINDS)
        with pytest.raises(IsADirectoryError):
            files.read_content(tmp_path, KINDS)


def archive(header, members=(), compression=zipfile.ZIP_STORED):
    """Return an archive that an attacker might create."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        if header is not None:
            text = header if isinstance(header, str) else json.dumps(header)
            archive.writestr("header.json", text)
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


def header(content=None, **changes):
    return {"format": "skffnn", "version": 1, "content": content or {}} | changes


def npy(text, data=b""):
    """Return an array file with an arbitrary header."""
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


REFUSED = {
    "newer": (header(version=3), "version 3 of the format.*up to 2.*Update"),
    "no version": (header(version="1"), "version must be a positive integer, got '1'"),
    "version 0": (header(version=0), "positive integer, got 0"),
    "a boolean": (header(version=True), "positive integer, got True"),
    "another format": (header(format="other"), "format must be .* got 'other'"),
    "no format": ({"version": 1}, "damaged"),
    "a list": ([], "damaged"),
    "no header": (None, "damaged"),
    "no JSON": ("{", "damaged"),
    "no text": (
        "\udcff".encode("utf-8", "surrogateescape").decode("latin1"),
        "damaged",
    ),
    "nested deep": ("[" * 100_000, "damaged"),
    "a number of a million digits": ("1" * 10**6, "damaged"),
    "no object": (header([1]), "not a JSON object"),
    "unknown tag": (header({"a": {"$code": "x"}}), "damaged"),
    "a method as a tag": (header({"a": {"$_class__": 1}}), "damaged"),
    "two tags": (header({"a": {"$array": "0.npy", "$tuple": []}}), "damaged"),
    "unknown object": (header({"a": {"$object": ["os.system", {}]}}), "damaged"),
    "unknown field": (header({"a": {"$object": ["Adam", {"x": 1}]}}), "damaged"),
    "missing array": (header({"a": {"$array": "0.npy"}}), "damaged"),
    "unhashable key": (header({"a": {"$dict": [[[], 1]]}}), "damaged"),
    "no stream": (
        header({"a": {"$stream": {"bit_generator": "seed", "state": {}}}}),
        "bit_generator must be one of",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_invalid_header_is_refused(name, tmp_path):
    text, message = REFUSED[name]
    with pytest.raises(FileFormatError, match=message):
        read_bytes(archive(text), tmp_path)


@pytest.mark.parametrize(
    "member",
    [
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (10000, 10**9), }"),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", bytes(8)),
        npy("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,), }"),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", bytes(8)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", bytes(16)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", bytes(8)),
        npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }", b"\xff" * 4),
        npy("__import__('os').getpid()"),
        npy("("),
        npy("'''"),
        npy("if 1:\n    x\n  y"),
        npy("-" * 9000 + "1"),
        b"\x93NUMPY\x09\x00",
        b"",
    ],
    ids=[
        "absurd size",
        "arithmetic",
        "negative size",
        "no bytes each",
        "objects",
        "too few rows",
        "too many rows",
        "no text",
        "code",
        "an open bracket",
        "open quotes",
        "odd indentation",
        "nested signs",
        "unknown version",
        "empty",
    ],
)
def test_an_array_that_does_not_match_its_header_is_refused(member, tmp_path):
    tracemalloc.start()
    with pytest.raises(FileFormatError):
        read_bytes(
            archive(header({"a": {"$array": "0.npy"}}), [("0.npy", member)]), tmp_path
        )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24  # not the terabytes that it claims


def test_compressed_members_are_refused(tmp_path):
    bomb = archive(header(), [("0.npy", bytes(10**7))], zipfile.ZIP_DEFLATED)
    with pytest.raises(FileFormatError, match="compressed"):
        read_bytes(bomb, tmp_path)
    honest = archive(header(), [("0.npy", bytes(100))])
    size = struct.pack("<L", 100)
    lie = honest.replace(size, struct.pack("<L", 2**31))
    with pytest.raises(FileFormatError, match="larger than the file"):
        read_bytes(lie, tmp_path)


def test_a_member_with_two_sizes_is_refused(whole, tmp_path):
    start = whole.index(b"PK\x01\x02") + 20  # the size in the archive
    lie = whole[:start] + struct.pack("<L", 2**31 - 1) + whole[start + 4 :]
    with pytest.raises(FileFormatError, match="inconsistent sizes"):
        read_bytes(lie, tmp_path)


def test_an_array_that_is_used_twice_or_never_is_refused(tmp_path):
    array = io.BytesIO()
    np.save(array, np.ones(3))
    members = [("0.npy", array.getvalue())]
    for content in ({"a": [{"$array": "0.npy"}] * 2}, {}):
        with pytest.raises(FileFormatError):
            read_bytes(archive(header(content), members), tmp_path)


def test_a_header_that_is_too_large_is_refused_on_both_sides(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGEST_HEADER", 1000)
    with pytest.raises(ValueError, match="too large to be saved"):
        files.write_content(tmp_path / "f", {"a": "x" * 1000}, KINDS)
    with pytest.raises(FileFormatError, match="header is too large"):
        read_bytes(archive(header({"a": "x" * 1000})), tmp_path)


def test_two_members_of_one_name_are_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = archive(header(), [("0.npy", b"1"), ("0.npy", b"2")])
    with pytest.raises(FileFormatError, match="same name"):
        read_bytes(data, tmp_path)


@pytest.mark.long
@given(data=st.data())
def test_any_mixture_of_a_file_and_noise_is_refused_or_the_same(data, whole, tmp_path):
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    noise = data.draw(st.binary(max_size=40))
    with suppress(FileFormatError):
        assert same(read_bytes(whole[:start] + noise + whole[end:], tmp_path))
