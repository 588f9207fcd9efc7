"""The container: any damage is found, and a failed write leaves the old file intact."""

import errno
import os
import pickle
import signal
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

import skffnn
from skffnn import FileFormatError

MODEL = StandardScaler().fit([[1.0, 2.0], [3.0, 5.0]])
OTHER = StandardScaler().fit([[4.0]])
needs_posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")


def same(model):
    return np.array_equal(model.scale_, MODEL.scale_)


@pytest.fixture
def path(tmp_path):
    skffnn.save(MODEL, tmp_path / "f")
    return tmp_path / "f"


class TestDamage:
    def test_of_any_byte_is_found(self, path):
        whole = path.read_bytes()
        for i in range(len(whole)):
            for bits in (0x01, 0x80, 0xFF):
                altered = bytearray(whole)
                altered[i] ^= bits
                path.write_bytes(altered)
                with pytest.raises(FileFormatError, match=str(path)):
                    skffnn.load(path)

    def test_at_the_end_is_found(self, path):
        whole = path.read_bytes()
        for data in [*(whole[:n] for n in range(len(whole))), whole + b"\0"]:
            path.write_bytes(data)
            with pytest.raises(FileFormatError, match=r"damaged|not saved by skffnn"):
                skffnn.load(path)

    @given(data=st.data())
    def test_of_any_kind_is_found(self, data, path):
        skffnn.save(MODEL, path)
        whole = path.read_bytes()
        start = data.draw(st.integers(0, len(whole)))
        end = data.draw(st.integers(start, len(whole)))
        noise = data.draw(st.binary(max_size=40))
        path.write_bytes(mixture := whole[:start] + noise + whole[end:])
        if mixture != whole:
            for read in (skffnn.load, skffnn.describe):
                with pytest.raises(FileFormatError):
                    read(path)


@pytest.mark.parametrize(
    "data", [b"", b"text", pickle.dumps([1]), b"\x93NUMPY", b"PK\x05\x06" + bytes(18)]
)
def test_a_foreign_file_is_refused(data, path):
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match="it was not saved by skffnn"):
        skffnn.load(path)


def test_a_newer_version_says_what_to_do(path):
    whole = path.read_bytes()
    path.write_bytes(whole[:16] + struct.pack("<Q", 9) + whole[24:])
    with pytest.raises(
        FileFormatError, match=r"version 9 of the format.*Update skffnn"
    ):
        skffnn.load(path)


def test_missing_or_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        skffnn.load(tmp_path / "none")
    for use in (skffnn.load, lambda path: skffnn.save(MODEL, path)):
        with pytest.raises(IsADirectoryError):
            use(tmp_path)


def test_equal_models_are_equal_files(path, tmp_path):
    skffnn.save(MODEL, tmp_path / "again")
    assert path.read_bytes() == (tmp_path / "again").read_bytes()


class TestAFailedWrite:
    @pytest.mark.parametrize("step", ["fsync", "replace"])
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
    def test_leaves_what_was_there_and_names_the_file(
        self, step, number, path, monkeypatch
    ):
        def fail(*args, **kwargs):
            raise OSError(number, os.strerror(number), "draft")

        with monkeypatch.context() as patch:
            patch.setattr(os, step, fail)
            with pytest.raises(OSError, match=os.strerror(number)) as error:
                skffnn.save(OTHER, path)
        assert error.value.errno == number
        assert error.value.filename == str(path)
        assert same(skffnn.load(path))
        assert [p.name for p in path.parent.iterdir()] == ["f"]

    def test_by_ctrl_c_leaves_what_was_there(self, path, monkeypatch):
        def interrupt(*args, **kwargs):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", interrupt)
            with pytest.raises(KeyboardInterrupt):
                skffnn.save(OTHER, path)
        assert same(skffnn.load(path))
        assert [p.name for p in path.parent.iterdir()] == ["f"]

    def test_into_a_folder_that_is_not_there_names_the_file(self, tmp_path):
        path = tmp_path / "none" / "f"
        with pytest.raises(FileNotFoundError) as error:
            skffnn.save(MODEL, path)
        assert error.value.filename == str(path)
        assert str(error.value).endswith(f": '{path}'")


class TestDrafts:
    def test_touch_no_file_of_somebody_else(self, tmp_path):
        (tmp_path / "f.tmp").write_text("mine")
        skffnn.save(MODEL, tmp_path / "f")
        assert (tmp_path / "f.tmp").read_text() == "mine"

    def test_of_many_writers_at_once_leave_one_whole_file(self, path):
        def write(_):
            for _ in range(20):
                skffnn.save(MODEL, path)
                assert same(skffnn.load(path))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))
        assert [p.name for p in path.parent.iterdir()] == ["f"]


@needs_posix
class TestWhatIsNoRegularFile:
    """It is written to, and not replaced."""

    def test_a_pipe(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        read = []
        reader = threading.Thread(
            target=lambda: read.append(skffnn.load(tmp_path / "pipe"))
        )
        reader.start()
        skffnn.save(MODEL, tmp_path / "pipe")
        reader.join()
        assert same(read[0])
        assert (tmp_path / "pipe").is_fifo()

    def test_a_device(self):
        before = os.stat("/dev/null")
        skffnn.save(MODEL, "/dev/null")
        assert os.stat("/dev/null").st_ino == before.st_ino
        with pytest.raises(FileFormatError, match="not saved by skffnn"):
            skffnn.load("/dev/zero")  # which has no end

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
    def test_a_full_device_is_named(self):
        with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
            skffnn.save(MODEL, "/dev/full")

    def test_standard_output(self, tmp_path):
        stdout, (reader, writer) = os.dup(1), os.pipe()
        os.dup2(writer, 1)
        try:
            skffnn.save(MODEL, "/dev/stdout")
        finally:
            os.dup2(stdout, 1)
            os.close(writer)
            os.close(stdout)
        with open(reader, "rb") as file:
            (tmp_path / "f").write_bytes(file.read())
        assert same(skffnn.load(tmp_path / "f"))

    def test_a_descriptor_stays_open(self, tmp_path):
        with open(tmp_path / "f", "w+b") as file:
            skffnn.save(MODEL, file.fileno())
            file.seek(0)
            assert same(skffnn.load(file.fileno()))
            os.fstat(file.fileno())
            with closing(open(tmp_path / "g", "w+b")) as empty:
                number = empty.fileno()
                with pytest.raises(FileFormatError, match=f"file descriptor {number}"):
                    skffnn.load(number)


def test_a_path_may_be_bytes(tmp_path):
    path = os.fsencode(tmp_path / "f")
    skffnn.save(MODEL, path)
    assert same(skffnn.load(path))


@needs_posix
def test_a_file_keeps_its_mode(path):
    path.chmod(0o600)
    skffnn.save(MODEL, path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path):
    skffnn.save(MODEL, tmp_path / ("f" * 250))
    assert same(skffnn.load(tmp_path / ("f" * 250)))


def test_a_link_goes_on_pointing_to_the_file(path):
    link = path.with_name("link")
    link.symlink_to(path)
    skffnn.save(OTHER, link)
    assert link.is_symlink()
    assert skffnn.load(path).n_features_in_ == 1


@needs_posix
@pytest.mark.usefixtures("interruptible")
def test_a_real_ctrl_c_at_any_moment_leaves_a_whole_file(path):
    """The model is saved again and again until then."""

    def save():
        while True:
            skffnn.save(MODEL, path)

    ctrl_c = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    ctrl_c.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            save()
    finally:
        ctrl_c.cancel()  # if saving failed before
    assert same(skffnn.load(path))
    assert [p.name for p in path.parent.iterdir()] == ["f"]
