"""`pmc15m fetch` and faults that do not pass: each has its reason, and costs its article alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pmc15m.acquire.stored import RETRIED
from pmc15m.records import FAULTS, Reason
from tests.faults.wanted import STORED, be_quick, fetch, files_of, folder_of, rejects_of, serving, wanted
from tests.server import Server, ServerConfig

pytestmark = pytest.mark.usefixtures("quick", "log_as_before")

NUM_SOUND = 8
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
    "not_found": Reason.NOT_FOUND,
    "forbidden": Reason.FORBIDDEN,
    "html": Reason.MD5_MISMATCH,
    "md5_always": Reason.MD5_MISMATCH,
    "huge_length": Reason.TOO_LARGE,
    "redirect_host": Reason.REDIRECT,
    "gzip_bomb": Reason.CONTENT_ENCODING,
}
OF_MEDIA = ("not_found", "forbidden", "html", "md5_always", "huge_length", "redirect_host", "gzip_bomb")


class Case(NamedTuple):
    """A fault of one article."""

    part: str
    pattern: str  # of keys; {0} is the folder
    fault: str
    ending: str  # "stored", or the reason of the reject

    @property
    def name(self) -> str:
        return f"{self.part}-{self.fault}"


CASES = [
    *(Case("xml", "{0}/{0}.xml", fault, reason) for fault, reason in OF_XML.items()),
    *(Case("json", "{0}/{0}.json", fault, reason) for fault, reason in OF_METADATA.items()),
    *(Case("media", "{0}/*.jpg", fault, STORED) for fault in OF_MEDIA),
    Case("article", "{0}", "gone", Reason.NOT_FOUND),
    Case("article", "{0}", "replaced", STORED),
]
"""Article n has the n-th; those after the last are sound."""

CONFIG = ServerConfig(
    articles=len(CASES) + NUM_SOUND,
    image_scale=0.05,
    fault_map={case.pattern.format(folder_of(number)): case.fault for number, case in enumerate(CASES)},
    drip_s=0.2,
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(CONFIG) as server:
        yield server


@pytest.fixture(scope="module")
def disturbed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the store of a fetch that met every fault."""
    store = tmp_path_factory.mktemp("disturbed")
    with pytest.MonkeyPatch.context() as patch:
        be_quick(patch, patience_s=0.5)
        assert fetch(server, store, "--max-fault-rate=1", "--connections=8") == 0
    return store


def of_article(files: dict[str, str], number: int) -> dict[str, str]:
    return {path: sha for path, sha in files.items() if path.startswith(f"{folder_of(number)}/")}


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES)), ids=[case.name for case in CASES])
def test_fault_has_its_reason_and_costs_its_article_alone(disturbed: Path, number: int, case: Case) -> None:
    assert rejects_of(disturbed).get(folder_of(number), STORED) == case.ending
    right, found = of_article(wanted(CONFIG).files, number), of_article(files_of(disturbed), number)
    if case.ending != STORED:
        assert found == {}
    elif case.part == "media":
        assert found.items() < right.items()
        assert {path for path in right if path.endswith(".jpg")} == right.keys() - found.keys()
    else:  # replaced: all is there, and of the newer state
        assert found.keys() == right.keys()
        assert {path.rpartition(".")[2] for path in found if found[path] != right[path]} == {"xml", "json"}


def test_articles_beside_the_faulty_ones_are_unharmed(disturbed: Path) -> None:
    right, found = wanted(CONFIG).files, files_of(disturbed)
    for number in range(len(CASES), len(CASES) + NUM_SOUND):
        assert of_article(found, number) == of_article(right, number) != {}
    assert rejects_of(disturbed).keys() <= {folder_of(number) for number in range(len(CASES))}


def test_no_redirect_was_followed_and_no_bomb_unpacked(server: Server, disturbed: Path) -> None:
    counters = server.counters()
    assert disturbed.exists()
    assert not [key for key in counters.requests if key.startswith("elsewhere:")]
    assert {case.fault.partition("@")[0] for case in CASES} == counters.faults.keys()


def test_next_fetch_asks_again_for_what_a_server_may_mend(server: Server, disturbed: Path) -> None:
    server.reset()
    with pytest.MonkeyPatch.context() as patch:
        be_quick(patch, patience_s=0.5)
        assert fetch(server, disturbed, "--max-fault-rate=1", "--connections=8") == 0
    asked = {key.partition("/")[0] for key in server.counters().requests if key.startswith("PMC")}
    again = {number for number, case in enumerate(CASES) if case.ending in RETRIED}
    again |= {number for number, case in enumerate(CASES) if case.part == "media" and may_be_mended(case.fault)}
    assert asked == set(map(folder_of, again))


def may_be_mended(fault: str) -> bool:
    """Return whether a media file with a fault is asked for on another day, though its metadata are the same."""
    return OF_XML[fault] in FAULTS
