"""Files: what goes in comes out, and nothing else comes in."""

import errno
import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skffnn import Adam, FileFormatError
from skffnn.io import format as files
from skffnn.io.schema import KINDS

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=10,
)
DTYPES = st.sampled_from(["f4", "f8", "i8", "u4", "?", "U3", "S2", "c16", "M8[s]"])
ARRAYS = DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0)))


def round_trip(content, path):
    files.write_content(path, content, KINDS)
    return files.read_content(path, KINDS)


@pytest.mark.long
@given(value=PLAIN)
def test_plain_values_come_out_as_they_went_in(value, tmp_path):
    again = round_trip({"value": value}, tmp_path / "f")["value"]
    assert again == value
    assert repr(again) == repr(value)  # and so are the types: True is not 1


@pytest.mark.long
@given(array=ARRAYS)
def test_arrays_come_out_as_they_went_in(array, tmp_path):
    again = round_trip({"value": array}, tmp_path / "f")["value"]
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    assert again.tobytes() == array.tobytes()
    assert again.flags.writeable


def test_objects_streams_and_numbers_of_numpy(tmp_path):
    stream = np.random.RandomState(3)
    stream.normal()
    content = {
        "solver": Adam(beta_2=0.95),
        "registries": [
            kind() for kind in KINDS.values() if fits_without_arguments(kind)
        ],
        "stream": stream,
        "numbers": [np.float32(0.1), np.int64(3), np.str_("a"), np.bool_(True)],
        "labels": np.array(["a", 1, None], object),
        "nan": float("nan"),
    }
    again = round_trip(content, tmp_path / "f")
    assert again["solver"] == content["solver"]
    assert list(map(type, again["registries"])) == list(
        map(type, content["registries"])
    )
    assert again["numbers"] == content["numbers"]
    assert list(map(type, again["numbers"])) == list(map(type, content["numbers"]))
    assert again["labels"].tolist() == ["a", 1, None]
    assert again["stream"].normal(size=700).tolist() == stream.normal(size=700).tolist()
    assert np.isnan(again["nan"])


def fits_without_arguments(kind):
    try:
        kind()
    except TypeError:
        return False
    return True


@pytest.mark.parametrize("value", [lambda: 0, object(), {"a": {1, 2}}, [b"bytes"]])
def test_what_only_code_could_make_again_is_refused(value, tmp_path):
    path = tmp_path / "f"
    files.write_content(path, {"earlier": 1}, KINDS)
    with pytest.raises(TypeError, match=r"cannot be saved, got .* use pickle"):
        files.write_content(path, {"value": value}, KINDS)
    assert files.read_content(path, KINDS) == {"earlier": 1}


def test_equal_contents_are_equal_files(tmp_path):
    content = {"a": np.arange(3.0), "b": "text"}
    files.write_content(tmp_path / "1", content, KINDS)
    files.write_content(tmp_path / "2", content, KINDS)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_numpy_reads_the_arrays_without_this_package(tmp_path):
    files.write_content(tmp_path / "f.npz", {"a": np.arange(3.0)}, KINDS)
    with np.load(tmp_path / "f.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["0"], np.arange(3.0))


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
        """A byte that says nothing about the content, such as a date, may differ."""
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
    """Return an archive that a stranger might make."""
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
    """Return an array file whose header says what it likes."""
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


REFUSED = {
    "newer": (header(version=2), "version 2 of the format.*up to 1.*Update"),
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
def test_a_header_that_is_wrong_is_refused(name, tmp_path):
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
def test_an_array_that_is_not_what_it_says_is_refused(member, tmp_path):
    tracemalloc.start()
    with pytest.raises(FileFormatError):
        read_bytes(
            archive(header({"a": {"$array": "0.npy"}}), [("0.npy", member)]), tmp_path
        )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24  # and not the terabytes that it announces


def test_what_unpacks_to_more_than_it_is_is_refused(tmp_path):
    bomb = archive(header(), [("0.npy", bytes(10**7))], zipfile.ZIP_DEFLATED)
    with pytest.raises(FileFormatError, match="compressed"):
        read_bytes(bomb, tmp_path)
    honest = archive(header(), [("0.npy", bytes(100))])
    size = struct.pack("<L", 100)
    lie = honest.replace(size, struct.pack("<L", 2**31))
    with pytest.raises(FileFormatError, match="larger than the file"):
        read_bytes(lie, tmp_path)


def test_a_member_that_says_it_is_larger_in_the_archive_is_refused(whole, tmp_path):
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


class TestAFailedWrite:
    @pytest.mark.parametrize("step", ["fsync", "replace"])
    @pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EACCES])
    def test_leaves_what_was_there(self, step, error, tmp_path, monkeypatch):
        path = tmp_path / "f"
        files.write_content(path, CONTENT, KINDS)

        def fail(*args, **kwargs):
            raise OSError(error, "no")

        monkeypatch.setattr(files.os, step, fail)
        with pytest.raises(OSError, match="no"):
            files.write_content(path, {"new": 1}, KINDS)
        monkeypatch.undo()
        assert same(files.read_content(path, KINDS))
        assert [p.name for p in tmp_path.iterdir()] == ["f"]

    def test_interrupted_leaves_what_was_there(self, tmp_path, monkeypatch):
        path = tmp_path / "f"
        files.write_content(path, CONTENT, KINDS)

        def interrupt(*args, **kwargs):
            raise KeyboardInterrupt

        monkeypatch.setattr(files.np.lib.format, "write_array", interrupt)
        with pytest.raises(KeyboardInterrupt):
            files.write_content(path, {"new": np.ones(3)}, KINDS)
        monkeypatch.undo()
        assert same(files.read_content(path, KINDS))

    def test_into_a_folder_that_is_not_there_says_so(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            files.write_content(tmp_path / "none" / "f", CONTENT, KINDS)


class TestDrafts:
    def test_touch_no_file_of_somebody_else(self, tmp_path):
        (tmp_path / "f.tmp").write_text("mine")
        files.write_content(tmp_path / "f", CONTENT, KINDS)
        assert (tmp_path / "f.tmp").read_text() == "mine"

    def test_of_many_writers_at_once_leave_one_whole_file(self, tmp_path):
        def write(_):
            for _ in range(20):
                files.write_content(tmp_path / "f", CONTENT, KINDS)
                assert same(files.read_content(tmp_path / "f", KINDS))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))
        assert [p.name for p in tmp_path.iterdir()] == ["f"]

    def test_of_killed_writers_can_be_removed(self, tmp_path):
        path = tmp_path / "f"
        drafts = [tmp_path / f"{files.draft_prefix(path)}{i}" for i in range(3)]
        others = tmp_path / f"{files.draft_prefix(tmp_path / 'g')}0"
        for draft in (*drafts, others):
            draft.touch()
        files.remove_drafts(path)
        assert list(tmp_path.iterdir()) == [others]


@pytest.mark.skipif(os.name == "nt", reason="files have no such modes there")
def test_a_file_keeps_its_mode(tmp_path):
    files.write_content(tmp_path / "f", CONTENT, KINDS)
    (tmp_path / "f").chmod(0o600)
    files.write_content(tmp_path / "f", CONTENT, KINDS)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path):
    files.write_content(tmp_path / ("f" * 250), CONTENT, KINDS)
    assert same(files.read_content(tmp_path / ("f" * 250), KINDS))


def test_a_link_goes_on_pointing_to_the_file(tmp_path):
    files.write_content(tmp_path / "f", {"old": 1}, KINDS)
    (tmp_path / "link").symlink_to(tmp_path / "f")
    files.write_content(tmp_path / "link", CONTENT, KINDS)
    assert (tmp_path / "link").is_symlink()
    assert same(files.read_content(tmp_path / "f", KINDS))
