"""`pmc15m fetch` and faults that do not pass: each has its reason, and costs its article alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pmc15m.records import Reason
from tests.faults.wanted import STORED, be_quick, fetch, files_of, folder_of, rejects_of, serving, wanted
from tests.server import ServerConfig

pytestmark = pytest.mark.usefixtures("quick", "log_as_before")

# Permanent faults: article n has the n-th

OF_XML = {
    "not_found": Reason.NOT_FOUND,
    "forbidden": Reason.FORBIDDEN,
    "html": Reason.MD5_MISMATCH,
    "md5_always": Reason.MD5_MISMATCH,
    "long_body": Reason.MD5_MISMATCH,
    "huge_length": Reason.TOO_LARGE,
    "redirect_host": Reason.REDIRECT,
    "redirect_file": Reason.REDIRECT,
    "redirect_loop": Reason.REDIRECT,
    "gzip_bomb": Reason.CONTENT_ENCODING,
    "partial": Reason.FETCH_FAILED,
    "negative_length": Reason.FETCH_FAILED,
    "two_lengths": Reason.FETCH_FAILED,
    "slow_down": Reason.FETCH_FAILED,
    "error_500@inf": Reason.FETCH_FAILED,
    "short_body@inf": Reason.FETCH_FAILED,
    "drip_body@inf": Reason.FETCH_TIMEOUT,
}
OF_METADATA = {
    "gone": Reason.NOT_FOUND,
    "not_found": Reason.NOT_FOUND,
    "forbidden": Reason.FORBIDDEN,
    "html": Reason.MD5_MISMATCH,
    "md5_always": Reason.MD5_MISMATCH,
    "huge_length": Reason.TOO_LARGE,
    "redirect_host": Reason.REDIRECT,
    "gzip_bomb": Reason.CONTENT_ENCODING,
}
OF_MEDIA = ("not_found", "forbidden", "html", "md5_always", "huge_length", "redirect_host", "gzip_bomb")
FAULTY = [
    *((f"{fault}-xml", "{0}/{0}.xml", fault, str(reason)) for fault, reason in OF_XML.items()),
    *((f"{fault}-json", "{0}/{0}.json", fault, str(reason)) for fault, reason in OF_METADATA.items()),
    *((f"{fault}-media", "{0}/*.jpg", fault, STORED) for fault in OF_MEDIA),
    ("replaced", "{0}", "replaced", STORED),
]
NUM_FAULTY = len(FAULTY)
IDS = [name for name, _, _, _ in FAULTY]


def folder_of(number: int) -> str:
    return f"PMC{80_000_000 + number}.1"


def permanent_config() -> ServerConfig:
    """Return a server with an article for each fault, and some sound ones."""
    rules = {}
    for number, (_, pattern, fault, _) in enumerate(FAULTY):
        pattern = "{0}" if fault == "gone" else pattern
        rules[pattern.format(folder_of(number))] = fault
    return ServerConfig(articles=NUM_FAULTY + 8, image_scale=0.05, fault_map=rules, drip_s=0.2)


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the store of a fetch that met every permanent fault."""
    store = tmp_path_factory.mktemp("disturbed")
    with pytest.MonkeyPatch.context() as patch, serving(permanent_config()) as server:
        patch.setattr(http, "_CLIENTS", {})
        patch.setattr(http, "object_url", http.object_url)
        waits = {"backoff_s": 0.01, "throttle_backoff_s": 0.05, "max_backoff_s": 0.05, "max_retry_after_s": 0.1}
        patch.setattr(
            fetching, "HttpPolicy", functools.partial(HttpPolicy, **waits, read_timeout_s=1.0, deadline_s=1.0)
        )
        assert fetch(server, store, "--max-fault-rate", "1", "--connections", "8") == 0
        asked = server.counters().requests
        assert not [key for key in asked if key.startswith("elsewhere:")], "no redirect was followed"
    return store


@pytest.mark.parametrize("number", range(NUM_FAULTY), ids=IDS)
def test_permanent_fault_has_its_reason_and_costs_its_article_alone(disturbed: Path, number: int) -> None:
    _, pattern, fault, ending = FAULTY[number]
    folder = folder_of(number)
    assert rejects_of(disturbed).get(folder, STORED) == ending
    right = {path: sha for path, sha in wanted(permanent_config()).files.items() if path.startswith(f"{folder}/")}
    found = {path: sha for path, sha in files_of(disturbed).items() if path.startswith(f"{folder}/")}
    if ending != STORED:
        assert found == {}
    elif fault == "replaced":
        assert found.keys() == right.keys()
        assert {path.rpartition(".")[2] for path in found if found[path] != right[path]} == {"xml", "json"}
    else:
        assert right.keys() - found.keys() == {path for path in right if path.endswith(".jpg")} != set()
        assert found.items() <= right.items()


def test_articles_beside_permanent_faults_are_unharmed(disturbed: Path) -> None:
    right = wanted(permanent_config()).files
    found = files_of(disturbed)
    for number in range(NUM_FAULTY, NUM_FAULTY + 8):
        sound = {path: sha for path, sha in right.items() if path.startswith(f"{folder_of(number)}/")}
        assert sound
        assert sound.items() <= found.items()
    assert len(rejects_of(disturbed)) == len(OF_XML) + len(OF_METADATA)
