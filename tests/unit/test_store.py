"""The door to storage: reads are bounded and checked, lists are sorted, writes are whole or do not happen."""

import hashlib
import os
import pickle
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import fs

from pmc15m import store as store_module
from pmc15m.errors import UsageError
from pmc15m.objects import StoreError
from pmc15m.store import Entry, Md5MismatchError, Store, TooLargeError

DATA = b"mill" * 100


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def dark_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_what_is_put_is_read(store: Store) -> None:
    store.put_bytes(DATA, "a/b/mill.bin")
    assert store.read_bytes("a/b/mill.bin", len(DATA)) == DATA
    assert names(store.local_path) == ["a", "a/b", "a/b/mill.bin"]


def test_read_is_refused_above_its_limit_and_not_at_it(store: Store) -> None:
    store.put_bytes(DATA, "mill.bin")
    assert store.read_bytes("mill.bin", 400) == DATA
    with pytest.raises(TooLargeError, match=r"mill\.bin has 400 bytes, more than 399"):
        store.read_bytes("mill.bin", 399)


def test_read_checks_the_md5_that_it_is_given(store: Store) -> None:
    store.put_bytes(DATA, "mill.bin")
    md5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    assert store.read_bytes("mill.bin", 400, md5) == DATA
    with pytest.raises(Md5MismatchError, match=rf"mill\.bin has md5 {md5}, the metadata says {'0' * 32}"):
        store.read_bytes("mill.bin", 400, "0" * 32)


def test_empty_file_is_read_as_nothing(store: Store) -> None:
    store.put_bytes(b"", "empty")
    assert store.read_bytes("empty", 0) == b""


def test_missing_file_is_not_found(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.read_bytes("absent", 10)
    store.put_bytes(DATA, "there")
    with pytest.raises(FileNotFoundError):
        store.read_bytes("absent/inside", 10)


def test_file_can_be_read_anywhere(store: Store) -> None:
    store.put_bytes(DATA, "mill.bin")
    with store.open_file("mill.bin") as stream:
        stream.seek(4)
        assert stream.read(8) == b"millmill"


def test_list_is_sorted_by_name_and_tells_folders_from_files(store: Store) -> None:
    for name in ("b", "B", "a10", "a9", "c/inside", "\u00e9"):
        store.put_bytes(DATA, name)
    entries = list(store.list())
    assert [entry.name for entry in entries] == ["B", "a10", "a9", "b", "c", "\u00e9"]
    assert [entry.name for entry in entries if entry.is_folder] == ["c"]
    changed_ns = (store.local_path / "b").stat().st_mtime_ns
    assert entries[3] == Entry("b", False, 400, changed_ns)
    assert [entry.name for entry in store.list("c")] == ["inside"]


def test_list_of_a_missing_folder_is_empty(store: Store) -> None:
    assert list(store.list()) == []
    assert list(store.list("absent")) == []


def test_existence_is_of_files_and_folders(store: Store) -> None:
    assert not store.exists()
    store.put_bytes(DATA, "a/mill.bin")
    assert all(store.exists(name) for name in ("", "a", "a/mill.bin"))
    assert not store.exists("a/absent")


def test_put_replaces_what_was_there(store: Store) -> None:
    store.put_bytes(b"old" * 1_000, "mill.bin")
    store.put_bytes(DATA, "mill.bin")
    assert store.read_bytes("mill.bin", 400) == DATA


def test_put_takes_a_file_from_anywhere(store: Store, tmp_path: Path) -> None:
    local = tmp_path / "made-elsewhere"
    local.write_bytes(DATA)
    store.put_file(local, "train/mill.bin")
    assert store.read_bytes("train/mill.bin", 400) == DATA
    assert not local.exists()


@pytest.mark.parametrize("broken", ["move", "fsync", "chmod", "replace"])
def test_put_that_fails_leaves_nothing_and_spares_what_was_there(
    store: Store, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    store.put_bytes(b"old", "mill.bin")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    holder: Any = {"move": shutil, "fsync": os, "chmod": os, "replace": Path}[broken]
    monkeypatch.setattr(holder, broken, fail)
    with pytest.raises(OSError, match="No space left"):
        store.put_bytes(DATA, "mill.bin")
    monkeypatch.undo()
    assert names(store.local_path) == ["mill.bin"]
    assert store.read_bytes("mill.bin", 10) == b"old"


def test_scratch_folder_lies_beside_its_target_and_goes_away(store: Store) -> None:
    with store.scratch_folder() as folder:
        assert Path(folder).parent == store.local_path
        (Path(folder) / "half").write_bytes(DATA)
    assert names(store.local_path) == []


@pytest.mark.usefixtures("dark_umask")
def test_files_are_readable_to_all_whatever_the_umask(store: Store, tmp_path: Path) -> None:
    store.put_bytes(DATA, "bytes.bin")
    local = tmp_path / "local"
    local.write_bytes(DATA)
    local.chmod(0o700)
    store.put_file(local, "file.bin")
    for name in ("bytes.bin", "file.bin"):
        assert stat.S_IMODE((store.local_path / name).stat().st_mode) == 0o644


def test_delete_takes_files_and_folders_and_minds_nothing_missing(store: Store) -> None:
    for name in ("a/b/one", "a/two", "three"):
        store.put_bytes(DATA, name)
    for name in ("a", "three", "absent"):
        store.delete(name)
    assert names(store.local_path) == []


def test_store_crosses_to_another_process_as_its_uri(store: Store) -> None:
    store.put_bytes(DATA, "mill.bin")
    copy: Store = pickle.loads(pickle.dumps(store))  # noqa: S301, our own
    assert copy == store
    assert copy.read_bytes("mill.bin", 400) == DATA


def test_file_uri_and_path_are_the_same_folder(store: Store, tmp_path: Path) -> None:
    store.put_bytes(DATA, "mill.bin")
    other = Store(f"file://{tmp_path}/store/")
    assert other.is_local
    assert other.local_path == store.local_path
    assert other.read_bytes("mill.bin", 400) == DATA


def test_relative_folder_is_that_of_the_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        Store(str(tmp_path / name / "out")).put_bytes(name.encode(), "name.txt")
        monkeypatch.chdir(tmp_path / name)
        assert Store("out").read_bytes("name.txt", 10) == name.encode()


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return a store that is no local one: what is put is uploaded, and nothing can be renamed."""
    (tmp_path / "bucket").mkdir()
    far = fs.SubTreeFileSystem(str(tmp_path / "bucket"), fs.LocalFileSystem())
    monkeypatch.setattr(store_module, "_open", lambda _: (far, "root"))
    far.create_dir("root")
    return Store("s3://mills/root")


def test_object_is_uploaded_from_a_finished_file(bucket: Store, tmp_path: Path) -> None:
    assert not bucket.is_local
    bucket.put_bytes(DATA, "mill.bin")
    assert bucket.read_bytes("mill.bin", 400) == DATA
    with bucket.scratch_folder() as folder:
        assert not Path(folder).is_relative_to(tmp_path / "bucket")
    assert names(tmp_path / "bucket") == ["root", "root/mill.bin"]


def test_upload_that_came_short_is_deleted_and_an_error(
    bucket: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "copyfileobj", lambda _source, target, _size: target.write(DATA[:7]))
    with pytest.raises(StoreError, match=r"s3://mills/root/mill\.bin: .*holds 7 bytes after the upload, not 400"):
        bucket.put_bytes(DATA, "mill.bin")
    assert names(tmp_path / "bucket") == ["root"]


def test_upload_that_breaks_off_leaves_no_half_object(
    bucket: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(_source: Any, target: Any, _size: int) -> None:
        target.write(DATA[:7])
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(shutil, "copyfileobj", break_off)
    with pytest.raises(StoreError, match="Input/output error"):
        bucket.put_bytes(DATA, "mill.bin")
    assert names(tmp_path / "bucket") == ["root"]


def test_upload_that_does_not_begin_spares_what_was_there(bucket: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.put_bytes(b"old", "mill.bin")
    far, _ = store_module._open(bucket.uri)

    class Deaf:
        type_name = "deaf"
        get_file_info, delete_file = far.get_file_info, far.delete_file

        def open_output_stream(self, _: str, **__: Any) -> Any:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(store_module, "_open", lambda _: (Deaf(), "root"))
    with pytest.raises(StoreError, match="Input/output error"):
        bucket.put_bytes(DATA, "mill.bin")
    monkeypatch.setattr(store_module, "_open", lambda _: (far, "root"))
    assert bucket.read_bytes("mill.bin", 400) == b"old"


@pytest.mark.parametrize("name", ["mill.tar.gz", "mill.bz2", "mill.zst"])
def test_object_is_the_very_bytes_whatever_its_name(bucket: Store, tmp_path: Path, name: str) -> None:
    bucket.put_bytes(DATA, name)
    assert (tmp_path / "bucket/root" / name).read_bytes() == DATA
    assert bucket.read_bytes(name, 400) == DATA


def test_local_file_of_an_upload_stays(bucket: Store, tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.write_bytes(DATA)
    bucket.put_file(local, "mill.bin")
    assert local.read_bytes() == DATA
    assert isinstance(bucket.open_file("mill.bin"), pa.NativeFile)


def test_folder_of_the_name_of_a_file_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").mkdir()
    with pytest.raises(FileNotFoundError, match=r"a\.jpg is a folder"):
        Store(str(tmp_path)).read_bytes("a.jpg", 10)


@pytest.mark.parametrize("where", ["store", "bucket"])
def test_folders_are_listed_each_in_the_order_they_are_asked_for(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place: Store = request.getfixturevalue(where)
    root = tmp_path / {"store": "store", "bucket": "bucket/root"}[where]
    for name in ("b/two", "a/one", "b/three"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(DATA)
    found = [[entry.name for entry in entries] for entries in place.list_each(["b", "absent", "a"])]
    assert found == [["three", "two"], [], ["one"]]


@pytest.mark.parametrize(
    "uri", ["s3://", "s3:///folder", "s3://key:word@mills", "s3://mills/a?region=x", "gs://anonymous@", "gs://mills?a"]
)
def test_address_of_an_object_store_is_a_bucket_and_a_folder(uri: str) -> None:
    with pytest.raises(UsageError, match="no folder of an object store"):
        Store(uri).exists()
