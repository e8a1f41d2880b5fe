"""What a fetch from the test server has to bring, worked out from the server's own collection."""

import functools
import hashlib
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from pipelines import asking
from pipelines.cli import main, run
from pmc15m.acquire import http
from pmc15m.acquire.http import HttpPolicy
from pmc15m.acquire.stored import Refused
from pmc15m.records import Reason, Reject
from pmc15m.store import SCRATCH_PREFIX
from pmc15m.synth import Fault, make_expected
from tests.dags.rows import read_all
from tests.faults.test_interrupts import environment
from tests.server import Collection, Record, Server, ServerConfig, Variant, odd_name, running_server
from tests.server.client import Client
from tests.server.collection import Version

PATIENCE_S = 60

PLAIN = ServerConfig(articles=24, image_scale=0.05)
EVERYTHING = ServerConfig(
    articles=60,
    image_scale=0.05,
    variants_every=2,
    synth_fault_every=5,
    synth_faults=(
        *("xml_missing", "xml_md5", "json_missing", "json_broken", "json_other", "retracted", "superseded"),
        *("media_lost", "image_md5", "media_unlisted", "xml_truncated", "no_caption"),
    ),
)

STORED = "stored"
OF_METADATA = {
    Fault.JSON_MISSING: Reason.NOT_FOUND,
    Fault.JSON_BROKEN: Reason.METADATA_INVALID,
    Fault.JSON_OTHER: Reason.METADATA_MISMATCH,
    Fault.RETRACTED: Reason.RETRACTED,
}
OF_XML = {Fault.XML_MISSING: Reason.NOT_FOUND, Fault.XML_MD5: Reason.MD5_MISMATCH}
NOT_FIGURES = {"no_caption", "no_graphic", "not_a_figure", "not_licensed", "graphic_not_in_package"}
"""Rejects that the XML alone gives: no image of theirs is needed."""

WITHOUT_MEDIA = {Variant.TDM, Variant.HISTORICAL_OCR, Variant.NO_MEDIA}


class Wanted:
    """The right outcome of a fetch of everything on one day."""

    def __init__(self, collection: Collection, day: int = 0) -> None:
        self.collection = collection
        self.versions = collection.versions(day)
        self.endings = dict(self._make_endings())
        """How each version ends, by folder: "stored", or the reason."""

    def _make_endings(self) -> Iterable[tuple[str, str]]:
        for number in {version.number for version in self.versions.values()}:
            *older, newest = sorted(
                (version for version in self.versions.values() if version.number == number),
                key=lambda version: (not self.collection.is_manuscript(version), version.version),
            )
            yield from ((version.folder, Reason.SUPERSEDED) for version in older)
            yield newest.folder, self._ending(newest)

    def _ending(self, version: Version) -> str:
        fault = self.collection.synth_of(version.number).fault_of(version.number)
        if version.change == "retracted":
            return Reason.RETRACTED
        return {**OF_METADATA, **OF_XML}.get(fault, STORED) if fault else STORED

    @property
    def stored(self) -> list[Version]:
        """The versions that are to be in the store."""
        return [version for folder, version in self.versions.items() if self.endings[folder] == STORED]

    @property
    def rejects(self) -> dict[str, str]:
        """The reasons of the versions that are not."""
        return {folder: ending for folder, ending in self.endings.items() if ending != STORED}

    def graphics(self, version: Version) -> list[str]:
        """Return the media that the figures of a version name."""
        number = version.number
        variant = self.collection.variant_of(number)
        if variant in WITHOUT_MEDIA:
            return []
        figures = make_expected(self.collection.synth_of(number), number).figures
        names = {figure.graphic for figure in figures if figure.graphic and figure.outcome not in NOT_FIGURES}
        return sorted(odd_name(name) if variant == Variant.ODD_NAMES else name for name in names)

    @property
    def keys(self) -> set[str]:
        """The objects that have to be asked for: of media those alone that figures name."""
        found = {f"{folder}/{folder}.json" for folder in self.versions}
        for version in self.versions.values():
            ending, folder = self.endings[version.folder], version.folder
            fault = self.collection.synth_of(version.number).fault_of(version.number)
            if ending == STORED or fault in OF_XML:
                found.add(f"{folder}/{folder}.xml")
            if ending == STORED:
                found |= {f"{folder}/{name}" for name in self.graphics(version)}
        return found

    @property
    def mismatching(self) -> set[str]:
        """The folders of versions of which a file has never the md5 that the metadata name."""
        return self._with(Fault.XML_MD5, Fault.IMAGE_MD5)

    @property
    def whole(self) -> set[str]:
        """The folders of versions that are to be in the store with all that their figures name."""
        return {version.folder for version in self.stored} - self._with(Fault.IMAGE_MD5, Fault.MEDIA_LOST)

    def _with(self, *faults: Fault) -> set[str]:
        synth = self.collection.config.synth
        return {folder for folder, version in self.versions.items() if synth.fault_of(version.number) in faults}

    @functools.cached_property
    def files(self) -> dict[str, str]:
        """The sha256 of every file of the store by its path."""

        def read(version: Version, name: str) -> bytes | None:
            stored = self.collection.files(version).get(name)
            return stored.data if stored else None

        return self.files_by(read)

    def files_by(self, read: Callable[[Version, str], bytes | None]) -> dict[str, str]:
        """Return the same, read otherwise; None where there is no such file."""
        found = {}
        for version in self.stored:
            folder = version.folder
            media = json.loads(read(version, f"{folder}.json") or b"").get("media_urls", [])
            md5s = dict(url.rpartition("/")[2].rsplit("?md5=", 1) for url in media)
            for name in (f"{folder}.json", f"{folder}.xml", *self.graphics(version)):
                data = read(version, name)
                if data is not None and md5s.get(name, _md5(data)) == _md5(data):
                    found[f"{folder}/{name}"] = hashlib.sha256(data).hexdigest()
        return found


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def files_of(store: Path) -> dict[str, str]:
    """Return the sha256 of every file of the articles of a store by its path; nothing half may lie there."""
    paths = [path for folder in store.glob("PMC*") for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in paths if path.name.startswith(SCRATCH_PREFIX)]
    assert not list(store.glob(f"{SCRATCH_PREFIX}*"))
    return {str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def newest_of(store: Path) -> str:
    """Return the folder of the newest fetch, by the time of its marker."""
    return max(store.glob("stored-*/stage.json"), key=lambda path: path.stat().st_mtime_ns).parent.name


def rejects_of(store: Path, folder: str = "") -> dict[str, str]:
    """Return the reasons of the rejects of the newest fetch by key, or of those of another folder of a store."""
    place = store / (folder or newest_of(store))
    marker = json.loads((place / "stage.json").read_text())
    names = [file["name"] for file in marker["rejects"]]
    refused = [file["name"] for file in marker["files"] if file["name"].startswith("refused-")]
    rejects = read_all(Reject, str(place), names) + [row.reject for row in read_all(Refused, str(place), refused)]
    return {reject.key: str(reject.reason) for reject in rejects}


def objects(requests: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of those requests that were for an object of an article."""
    return {key: count for key, count in requests.items() if key.startswith("PMC")}


_COLLECTIONS: dict[str, Collection] = {}
_WANTED: dict[str, Wanted] = {}


def wanted(config: ServerConfig, day: int = 0) -> Wanted:
    """Return the right outcome of a fetch from such a server, whatever its faults."""
    config = replace(config, fault_map={}, faults=(), latency_s=0)
    if f"{config} {day}" not in _WANTED:
        collection = _COLLECTIONS.setdefault(f"{config}", Collection(config))
        _WANTED[f"{config} {day}"] = Wanted(collection, day)
    return _WANTED[f"{config} {day}"]


def pmcid_of(number: int) -> str:
    """Return the pmcid of article n."""
    return f"PMC{80_000_000 + number}"


def folder_of(number: int) -> str:
    """Return the folder of the first version of article n."""
    return f"{pmcid_of(number)}.1"


def be_quick(patch: pytest.MonkeyPatch, patience_s: float = 2.0) -> None:
    """Make the command wait no longer than faults need."""
    policy = functools.partial(
        HttpPolicy,
        read_timeout_s=patience_s,
        deadline_s=patience_s,
        max_retry_after_s=patience_s,
        backoff_s=0.01,
        throttle_backoff_s=0.02,
        max_backoff_s=0.05,
    )
    patch.setattr(asking, "HttpPolicy", policy)
    patch.setattr(http, "_CLIENTS", {})


@contextmanager
def serving(config: ServerConfig) -> Iterator[Server]:
    """Run a server whose articles are drawn already, and whose log is empty."""
    with running_server(config) as server:
        with closing(Client(server)) as client:
            client.list_all(prefix="PMC")
        server.reset()
        yield server


def fetch(server: Server, store: Path, *words: str) -> int:
    """Run the command in this process and return its exit code."""
    return main(["fetch", "--store", str(store), "--bucket", server.url, *words])


def command(server: Server, store: Path, *words: str) -> list[str]:
    """Return the command for a process of its own, which waits no longer than faults need either."""
    ours = ["fetch", "--store", str(store), "--bucket", server.url, *words]
    return [sys.executable, "-W", "ignore", "-c", f"from {__name__} import run_quickly; run_quickly()", *ours]


def run_quickly() -> NoReturn:
    """Run the command that `command` returns."""
    be_quick(pytest.MonkeyPatch())
    run()


def kill_after(num_requests: int, server: Server, words: list[str], patience_s: float = PATIENCE_S) -> bool:
    """Run a command and kill it once the server was asked so often; return whether it was still running."""
    process = subprocess.Popen(
        words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    give_up_at = time.monotonic() + patience_s
    try:
        while server.counters().total < num_requests and process.poll() is None:
            assert time.monotonic() < give_up_at
            time.sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return process.returncode == -signal.SIGKILL


def repeats(log: Iterable[Record]) -> Counter[str]:
    """Return how often each article's folder was asked for an object that it had given before, or said not to have."""
    answered: set[str] = set()
    found: Counter[str] = Counter()
    for record in log:
        if record.key.startswith("PMC"):
            found[record.key.partition("/")[0]] += record.key in answered
            if record.status in {200, 404} and record.fault is None:
                answered.add(record.key)
    return found


def articles_of(store: Path) -> set[str]:
    """Return the folders of the articles of a store."""
    return {path.name for path in store.glob("PMC*")}
