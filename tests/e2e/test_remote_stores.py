"""Stores in S3 and GCS: what is built from them, fetched to them and written to them is what a folder gives."""

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.cli import main
from pmc15m import objects as objects_module
from pmc15m.objects import StoreError, connect, open_uri
from pmc15m.store import Entry, Store
from tests import tiny
from tests.buckets import BUCKET, S3, Bucket, gcs_bucket, s3_bucket
from tests.faults.test_interrupts import environment
from tests.faults.wanted import EVERYTHING, PLAIN, be_quick, objects, serving, wanted
from tests.tree import digests
from tests.unit.test_repack import DOI_ONLY, LINE, LIST, MEDIA, meca, tarball, xml

PATIENCE_S = 60
MAX_EXIT_S = 5
WHOLE = "manifest.json"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_bucket() as bucket:
        yield bucket


@pytest.fixture(scope="module", params=["s3", "gs"])
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    if request.param == "s3":
        yield request.getfixturevalue("s3")
        return
    with gcs_bucket() as found:
        yield found


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> str:
    """A folder of the bucket that no other test uses."""
    return str(request.node.originalname).removeprefix("test_")[:40]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    be_quick(monkeypatch)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "source"
    tiny.write_source(folder)
    (folder.parent / "tiny.toml").write_text(tiny.CONFIG)
    return folder


@pytest.fixture(scope="module")
def release(source: Path) -> dict[str, str]:
    """The release of the tiny source as a folder."""
    assert build(source, source, source.parent / "release") == 0
    return files_of(source.parent / "release")


def build(source: Path, articles: Path | str, out: Path | str, *words: str) -> int:
    config = f"--config={source.parent / 'tiny.toml'}"
    return main(["build", "--source", str(articles), "--out", str(out), config, *words])


def files_of(folder: Path) -> dict[str, str]:
    return {path: digest for path, digest in digests(folder).items() if digest}


def objects_of(bucket: Bucket, folder: str) -> dict[str, str]:
    return {key: hashlib.sha256(data).hexdigest() for key, data in bucket.read(folder).items()}


def articles_of(bucket: Bucket, folder: str) -> dict[str, str]:
    return {key: digest for key, digest in objects_of(bucket, folder).items() if key.startswith("PMC")}


def upload(source: Path, bucket: Bucket, folder: str) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_file():
            bucket.put(f"{folder}/{path.relative_to(source)}", path.read_bytes())


# The door


def test_what_is_put_is_read_listed_and_deleted(bucket: Bucket, folder: str) -> None:
    store = Store(f"{bucket.uri}/{folder}")
    assert not store.exists()
    assert list(store.list()) == []
    odd = "a\u0308 50% +.jpg"
    data = {"a/b/one": b"1", "a/two": b"22", "three": b"333", odd: b"4444", "empty": b"", "packed.gz": b"55555"}
    for name, content in data.items():
        store.put_bytes(content, name)
    assert bucket.read(folder) == data
    assert {name: store.read_bytes(name, len(content)) for name, content in data.items()} == data
    assert [(entry.name, entry.is_folder, entry.num_bytes) for entry in store.list()] == [
        ("a", True, 0), (odd, False, 4), ("empty", False, 0), ("packed.gz", False, 5), ("three", False, 3),
    ]  # fmt: skip
    assert [(entry.name, entry.is_folder) for entry in store.list("a")] == [("b", True), ("two", False)]
    assert all(store.exists(name) for name in ("", "a", "a/b", "a/b/one", "three"))
    assert not any(store.exists(name) for name in ("th", "a/b/o", "b"))
    store.delete("a")
    store.delete("three")
    store.delete("absent")
    assert sorted(bucket.read(folder)) == [odd, "empty", "packed.gz"]
    assert not store.exists("a")


def test_folder_is_no_file_and_what_is_not_there_is_not_found(bucket: Bucket, folder: str) -> None:
    store = Store(f"{bucket.uri}/{folder}")
    store.put_bytes(b"one", "a/one")
    for name in ("a", "absent", "a/one/below"):
        with pytest.raises(FileNotFoundError):
            store.read_bytes(name, 10)


def test_large_object_comes_in_parts_and_is_whole(bucket: Bucket, folder: str) -> None:
    data = bytes(range(256)) * 100_000
    Store(f"{bucket.uri}/{folder}").put_bytes(data, "large")
    assert bucket.read(folder) == {"large": data}


def test_change_of_an_object_can_be_told_from_the_list(bucket: Bucket, folder: str) -> None:
    store = Store(f"{bucket.uri}/{folder}")
    store.put_bytes(b"one", "one")
    (entry,) = store.list()
    assert entry == Entry("one", False, 3, entry.changed_ns)
    assert abs(entry.changed_ns / 1e9 - time.time()) < 60


def test_marks_of_empty_folders_are_folders_and_nothing_else(bucket: Bucket, folder: str) -> None:
    store = Store(f"{bucket.uri}/{folder}")
    filesystem, root = open_uri(store.uri)
    for name in ("PMC1.1", "PMC2.1"):
        filesystem.create_dir(f"{root}/{name}")
    bucket.put(f"{folder}/PMC1.1/PMC1.1.json", b"{}")
    assert [(entry.name, entry.is_folder) for entry in store.list()] == [("PMC1.1", True), ("PMC2.1", True)]
    assert [entry.name for entry in store.list("PMC1.1")] == ["PMC1.1.json"]
    assert list(store.list("PMC2.1")) == []


def test_small_object_is_one_request_that_brings_it(s3: S3, folder: str) -> None:
    store = Store(f"{s3.uri}/{folder}")
    s3.log.clear()
    store.put_bytes(b"one" * 10_000, "one")
    assert s3.log == [("PUT", f"{folder}/one"), ("HEAD", f"{folder}/one")]


def test_upload_that_is_refused_spares_what_was_there(s3: S3, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects_module, "_ATTEMPTS", 1)
    connect.cache_clear()
    store = Store(f"{s3.uri}/{folder}")
    store.put_bytes(b"old", "one")
    monkeypatch.setattr(s3, "refuses", lambda method, _key: method == "PUT")
    for size in (1_000, 20_000_000):
        with pytest.raises(StoreError, match=f"{s3.uri}/{folder}/one: .*AWS Error"):
            store.put_bytes(b"x" * size, "one")
    assert s3.read(folder) == {"one": b"old"}
    connect.cache_clear()


def test_server_that_is_busy_is_asked_again(s3: S3, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter(range(2))
    monkeypatch.setattr(s3, "refuses", lambda method, _key: method == "PUT" and next(left, None) is not None)
    Store(f"{s3.uri}/{folder}").put_bytes(b"one", "one")
    assert s3.read(folder) == {"one": b"one"}
    assert next(left, None) is None


def test_public_bucket_is_read_without_a_name(s3: S3, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    s3.client.put_object(Bucket=BUCKET, Key=f"{folder}/one", Body=b"one", ACL="public-read")
    store = Store(f"{s3.uri.replace('//', '//anonymous@')}/{folder}")
    assert store.read_bytes("one", 10) == b"one"
    assert [entry.name for entry in store.list()] == ["one"]
    assert open_uri(store.uri)[0].__reduce__()[1][0]["anonymous"] is True  # type: ignore[index]


# Sources


def test_release_of_a_bucket_is_that_of_the_same_folder(
    bucket: Bucket, folder: str, source: Path, release: dict[str, str], tmp_path: Path
) -> None:
    upload(source, bucket, folder)
    assert build(source, f"{bucket.uri}/{folder}", tmp_path / "release") == 0
    assert files_of(tmp_path / "release") == release


def test_change_in_a_bucket_is_built_again(bucket: Bucket, folder: str, source: Path, tmp_path: Path) -> None:
    upload(source, bucket, folder)
    words = source, f"{bucket.uri}/{folder}", tmp_path / "release"
    assert build(*words) == 0
    before = files_of(tmp_path / "release")
    bucket.put(f"{folder}/PMC1001.1/mill.jpg", b"another picture")
    assert build(*words, "--overwrite") == 0
    after = files_of(tmp_path / "release")
    assert {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} >= {WHOLE}


@pytest.mark.parametrize("uri", ["s3://no-such-bucket/articles", "s3://mills/nowhere"])
def test_source_that_is_not_there_is_told_in_a_sentence(
    s3: S3, uri: str, tmp_path: Path, source: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert build(source, uri, tmp_path / "release") == 2
    assert capfd.readouterr().err.splitlines()[-1] == f"pmc15m: there is no source {uri}"


def test_store_that_forbids_is_told_in_a_sentence(
    s3: S3,
    tmp_path: Path,
    source: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(objects_module, "_ATTEMPTS", 1)
    connect.cache_clear()
    assert build(source, f"{s3.uri}/articles", tmp_path / "release") == 1
    connect.cache_clear()
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith(f"pmc15m: {s3.uri}/articles: ")
    assert "NETWORK_CONNECTION" in last


# Releases


def test_release_in_a_bucket_is_the_local_one(
    bucket: Bucket, folder: str, source: Path, release: dict[str, str]
) -> None:
    assert build(source, source, f"{bucket.uri}/{folder}/release", f"--work={bucket.uri}/{folder}/work") == 0
    assert objects_of(bucket, f"{folder}/release") == release
    assert {key.partition("/")[0] for key in bucket.read(f"{folder}/work")} == {"pairs", "decisions"}
    assert build(source, source, f"{bucket.uri}/{folder}/release", f"--work={bucket.uri}/{folder}/work") == 0
    assert objects_of(bucket, f"{folder}/release") == release


def test_manifest_is_the_last_that_is_uploaded(s3: S3, folder: str, source: Path) -> None:
    s3.log.clear()
    assert build(source, source, f"{s3.uri}/{folder}") == 0
    puts = [key for method, key in s3.log if method == "PUT" and key.startswith(f"{folder}/") and key[-1] != "/"]
    assert puts[-1] == f"{folder}/{WHOLE}"
    assert len(puts) > 5


@pytest.mark.parametrize("cut", ["train/", "pairs/", "report.json", WHOLE])
def test_upload_that_is_cut_leaves_no_release_and_the_same_command_goes_on(
    s3: S3,
    folder: str,
    cut: str,
    source: Path,
    release: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(objects_module, "_ATTEMPTS", 1)
    connect.cache_clear()
    out = f"{folder}/{cut.strip('/')}/release"
    with monkeypatch.context() as patch:
        patch.setattr(s3, "refuses", lambda method, key: method == "PUT" and key.startswith(f"{out}/{cut}"))
        assert build(source, source, f"{s3.uri}/{out}") == 1
    assert f"pmc15m: {s3.uri}/{out}/{cut}" in capfd.readouterr().err
    left = s3.read(out)
    assert WHOLE not in left
    assert "incomplete.json" in left
    assert not [key for key in left if key.startswith(cut)]
    assert build(source, source, f"{s3.uri}/{out}") == 0
    assert objects_of(s3, out) == release
    connect.cache_clear()


@pytest.mark.slow
def test_killed_build_leaves_no_release_and_the_same_command_goes_on(
    s3: S3, folder: str, source: Path, release: dict[str, str]
) -> None:
    ours = ["build", "--source", str(source), "--out", f"{s3.uri}/{folder}/release"]
    words = [sys.executable, "-W", "ignore", "-m", "pipelines.cli", *ours, f"--config={source.parent / 'tiny.toml'}"]
    process = subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    give_up_at = time.monotonic() + PATIENCE_S
    while not any(method == "PUT" and key.startswith(f"{folder}/release/train") for method, key in list(s3.log)):
        assert process.poll() is None
        assert time.monotonic() < give_up_at
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert WHOLE not in s3.read(f"{folder}/release")
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    assert objects_of(s3, f"{folder}/release") == release


@pytest.mark.slow
def test_process_that_used_a_bucket_ends(s3: S3) -> None:
    code = f"from pmc15m.store import Store; print(Store('{s3.uri}').exists())"
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, timeout=PATIENCE_S)
    assert done.stdout == b"True\n"
    assert time.monotonic() - start < MAX_EXIT_S + 2


# Fetched stores


def test_archives_in_a_bucket_give_the_store_of_the_same_folder(bucket: Bucket, folder: str, tmp_path: Path) -> None:
    path = "oa_package/08/e0/PMC7.tar.gz"
    files = {
        path: tarball(xml(), MEDIA),
        "new/7-meca.zip": meca(xml(DOI_ONLY), MEDIA),
        "oa_file_list.csv": (LIST + LINE.format(path, "PMC7")).encode(),
    }
    for name, data in files.items():
        bucket.put(f"{folder}/in/{name}", data)
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    assert main(["fetch", "--store", f"{bucket.uri}/{folder}/store", "--archives", f"{bucket.uri}/{folder}/in"]) == 0
    assert main(["fetch", "--store", str(tmp_path / "store"), "--archives", str(tmp_path / "in")]) == 0
    near = {path: digest for path, digest in files_of(tmp_path / "store").items() if path.startswith("PMC")}
    assert articles_of(bucket, f"{folder}/store") == near
    assert len({path.partition("/")[0] for path in near}) == 2


EVERY_KIND = replace(EVERYTHING, articles=20)
FEW = replace(PLAIN, articles=12)


@pytest.mark.usefixtures("quick")
def test_fetch_to_a_bucket_brings_what_one_to_a_folder_brings(bucket: Bucket, folder: str, tmp_path: Path) -> None:
    store = f"{bucket.uri}/{folder}"
    with serving(EVERY_KIND) as server:
        assert main(["fetch", "--store", store, "--bucket", server.url, "--max-fault-rate=1"]) == 0
        assert main(["fetch", "--store", str(tmp_path / "store"), "--bucket", server.url, "--max-fault-rate=1"]) == 0
    assert articles_of(bucket, folder) == wanted(EVERY_KIND).files
    for name, place in (("far", store), ("near", tmp_path / "store")):
        assert main(["build", "--source", str(place), "--out", str(tmp_path / name)]) == 0
    assert files_of(tmp_path / "far") == files_of(tmp_path / "near")


@pytest.mark.usefixtures("quick")
def test_second_fetch_to_a_bucket_asks_for_no_object_and_what_is_gone_or_retracted_leaves(
    bucket: Bucket, folder: str
) -> None:
    config = replace(FEW, day_changes=("xml", "retracted", "license"))
    words = ["fetch", "--store", f"{bucket.uri}/{folder}", "--bucket"]
    with serving(config) as server:
        assert main([*words, server.url]) == 0
        server.reset()
        assert main([*words, server.url]) == 0
        assert objects(server.counters().requests) == {}
        assert articles_of(bucket, folder) == wanted(config).files
        server.set_day(3)
        assert main([*words, server.url]) == 0
    old, new = wanted(config), wanted(config, 3)
    assert articles_of(bucket, folder) == new.files
    left = {version.folder for version in old.stored} - {version.folder for version in new.stored}
    assert len(left) == 4
    assert not left & {entry.name for entry in Store(f"{bucket.uri}/{folder}").list()}


@pytest.mark.usefixtures("quick")
def test_build_keeps_the_articles_of_a_service_in_a_bucket(s3: S3, folder: str, tmp_path: Path) -> None:
    with serving(FEW) as server:
        words = ["build", "--source", server.url, "--store", f"{s3.uri}/{folder}", "--out"]
        assert main([*words, str(tmp_path / "release")]) == 0
        server.reset()
        assert main([*words, str(tmp_path / "again")]) == 0
        assert objects(server.counters().requests) == {}
    assert articles_of(s3, folder) == wanted(FEW).files
    assert files_of(tmp_path / "release") == files_of(tmp_path / "again")
