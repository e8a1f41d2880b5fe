"""Legacy archives by URL: the list in the folder names them, and what a server does not give is all that is lacking."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pipelines.cli import main
from pmc15m.acquire import archives as archives_module
from pmc15m.records import Reject
from tests.dags.rows import read_all
from tests.tree import digests
from tests.unit.test_repack import LINE, LIST, MEDIA, meca, tarball, xml

PATHS = {number: f"oa_package/{number:02}/e0/PMC{number}.tar.gz" for number in (7, 8, 9)}

pytestmark = pytest.mark.usefixtures("quick", "log_as_before")


class Folder:
    """Files that a server has, by path; a number instead of one is the status of the answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, bytes | int] = {}
        self.asked: list[str] = []


@pytest.fixture
def folder() -> Iterator[Folder]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.removeprefix("/pub/pmc/")
            served.asked.append(path)
            found = served.files.get(path, 404)
            body = found if isinstance(found, bytes) else b""
            self.send_response(found if isinstance(found, int) else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Folder(f"http://127.0.0.1:{server.server_port}/pub/pmc")
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def article(number: int) -> bytes:
    return tarball(xml().replace(b'"pmc">7<', f'"pmc">{number}<'.encode()), MEDIA)


def list_of(paths: dict[int, str]) -> bytes:
    return (LIST + "".join(LINE.format(path, f"PMC{number}") for number, path in paths.items())).encode()


@pytest.fixture
def three(folder: Folder) -> Folder:
    """A folder of three tarballs and their list."""
    folder.files = {path: article(number) for number, path in PATHS.items()}
    folder.files["oa_file_list.csv"] = list_of(PATHS)
    return folder


def fetch(source: str, store: Path, *words: str) -> int:
    return main(["fetch", "--store", str(store), "--archives", source, *words])


def articles_of(store: Path) -> dict[str, str]:
    return {path: digest for path, digest in digests(store).items() if path.startswith("PMC") and digest}


def rejects_of(store: Path) -> dict[str, str]:
    marker = json.loads((store / "unpacked/stage.json").read_text())
    rejects = read_all(Reject, str(store / "unpacked"), [file["name"] for file in marker["rejects"]])
    return {reject.key: f"{reject.reason}: {reject.detail}" for reject in rejects}


def test_folder_by_url_gives_the_store_of_the_same_folder(three: Folder, tmp_path: Path) -> None:
    for path, data in three.files.items():
        assert isinstance(data, bytes)
        (tmp_path / "near" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "near" / path).write_bytes(data)
    assert fetch(three.url, tmp_path / "far-store") == 0
    assert fetch(str(tmp_path / "near"), tmp_path / "near-store") == 0
    assert articles_of(tmp_path / "far-store") == articles_of(tmp_path / "near-store")
    assert {path.name for path in (tmp_path / "far-store").glob("PMC*")} == {"PMC7.1", "PMC8.1", "PMC9.1"}
    assert set(three.asked) == {"oa_file_list.csv", *PATHS.values()}
    fields = json.loads((tmp_path / "far-store/PMC8.1/PMC8.1.json").read_bytes())
    assert (fields["license_code"], fields["pmid"]) == ("CC BY-NC", 71), "of the list"


def test_list_without_dates_serves_where_there_is_no_other(three: Folder, tmp_path: Path) -> None:
    del three.files["oa_file_list.csv"]
    lines = [f"{path}\tJ Mills\tPMC{number}\t\tCC BY\n" for number, path in PATHS.items()]
    three.files["oa_file_list.txt"] = ("2026-03-06 21:31:45\n" + "".join(lines)).encode()
    assert fetch(f"{three.url}/", tmp_path) == 0
    assert {path.name for path in tmp_path.glob("PMC*")} == {"PMC7.1", "PMC8.1", "PMC9.1"}


@pytest.mark.parametrize(("name", "data"), [("PMC7.tar.gz", article(7)), ("7-meca.zip", meca(xml(), MEDIA))])
def test_one_archive_by_url_is_a_source(folder: Folder, tmp_path: Path, name: str, data: bytes) -> None:
    folder.files[name] = data
    assert fetch(f"{folder.url}/{name}", tmp_path) == 0
    assert {path.name for path in tmp_path.glob("PMC*")} == {"PMC7.1"}
    assert folder.asked == [name]


def test_archive_that_is_listed_and_not_there_is_a_reject(three: Folder, tmp_path: Path) -> None:
    three.files[PATHS[8]] = 404
    assert fetch(three.url, tmp_path) == 0
    assert {path.name for path in tmp_path.glob("PMC*")} == {"PMC7.1", "PMC9.1"}
    assert rejects_of(tmp_path) == {"PMC8.1": f"not_found: {PATHS[8]}: no such file"}


@pytest.mark.parametrize(
    ("status", "said"), [(500, "fetch_failed"), (403, "forbidden"), (301, "redirect"), (429, "fetch_failed")]
)
def test_server_that_fails_is_a_fault_and_the_next_fetch_mends_it(
    three: Folder, tmp_path: Path, status: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    three.files[PATHS[8]] = status
    assert fetch(three.url, tmp_path) == 3
    assert capfd.readouterr().err.splitlines()[-1] == (
        "pmc15m: 1 faults in 3 archives: what was unpacked is kept, the same command starts over"
    )
    assert rejects_of(tmp_path)["PMC8.1"].startswith(f"{said}: {PATHS[8]}: ")
    assert three.url not in rejects_of(tmp_path)["PMC8.1"], "a mirror must not show in a release"
    assert {path.name for path in tmp_path.glob("PMC*")} == {"PMC7.1", "PMC9.1"}
    assert fetch(three.url, tmp_path, "--max-fault-rate=0.5") == 0
    three.files[PATHS[8]] = article(8)
    assert fetch(three.url, tmp_path) == 0
    assert rejects_of(tmp_path) == {}


def test_archive_that_is_too_large_is_not_read(three: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three.files[PATHS[8]] = b"x" * 5_000
    monkeypatch.setattr(archives_module, "MAX_ARCHIVE_BYTES", 4_000)
    assert fetch(three.url, tmp_path) == 0
    assert rejects_of(tmp_path)["PMC8.1"].startswith(f"too_large: {PATHS[8]}: ")


def test_damaged_archive_is_a_reject(three: Folder, tmp_path: Path) -> None:
    three.files[PATHS[8]] = article(8)[:-9]
    assert fetch(three.url, tmp_path) == 0
    assert rejects_of(tmp_path)["PMC8.1"].startswith("tar_corrupt: ")


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (lambda files: files.clear(), 2, "is no archive and has no oa_file_list.csv or oa_file_list.txt"),
        (lambda files: files.update({"oa_file_list.csv": 500}), 1, "the list of archives cannot be read: "),
        (lambda files: files.update({"oa_file_list.csv": LIST.encode()}), 2, "holds no archive"),
        (lambda files: files.update({"oa_file_list.csv": b"<html><body>Sign in"}), 1, "a web page in place of"),
    ],
    ids=["none", "failing", "empty", "html"],
)
def test_folder_without_a_list_that_can_be_had_is_told_in_a_sentence(
    three: Folder,
    tmp_path: Path,
    spoil: Callable[[dict[str, bytes | int]], None],
    code: int,
    said: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    spoil(three.files)
    assert fetch(three.url, tmp_path) == code
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("pmc15m: ")
    assert said in last


@pytest.mark.parametrize("words", [["--bucket=https://b"], ["--day=2026-11-01"], ["--term=mills"], ["--dry-run"]])
def test_words_of_another_fetch_are_refused(
    tmp_path: Path, words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert fetch(str(tmp_path), tmp_path / "store", *words) == 2
    assert "--archives takes all that is there" in capfd.readouterr().err


def test_build_says_how_an_archive_by_url_is_built(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    url = "https://mills.example/PMC7.tar.gz"
    assert main(["build", "--source", url, "--out", str(tmp_path / "release")]) == 2
    assert f"pmc15m: {url} is an archive: `pmc15m fetch --archives` brings it" in capfd.readouterr().err


def test_pace_that_is_none_is_refused_before_anything_is_asked(three: Folder, tmp_path: Path) -> None:
    assert fetch(three.url, tmp_path, "--connections=0") == 2
    assert three.asked == []
