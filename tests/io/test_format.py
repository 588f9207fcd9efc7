"""File format: round trips, and failed writes that leave the old file intact."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skffnn import Adam
from skffnn.io import format as files
from skffnn.io.schema import KINDS

CONTENT = {"a": np.arange(12.0).reshape(3, 4), "b": {"c": [1, 2.5, None]}, "d": "text"}


def same(content):
    return (
        content.keys() == CONTENT.keys()
        and np.array_equal(content["a"], CONTENT["a"])
        and {**content, "a": 0} == {**CONTENT, "a": 0}
    )


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
    assert repr(again) == repr(value)  # the types too: True is not 1


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
def test_values_that_need_code_to_restore_are_refused(value, tmp_path):
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
