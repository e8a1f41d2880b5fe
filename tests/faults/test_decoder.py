"""A decoder that crashes, grows, hangs or lies costs one image, whatever the bytes were."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pmc15m.config import ImagesConfig
from pmc15m.images.children import Children
from pmc15m.images.decode import ImageRefused
from pmc15m.images.pipes import MAX_CPU_S, ChildError, Limits
from pmc15m.images.probe import probe_image
from pmc15m.records import Reason
from tests import tiny
from tests.conftest import ROOT
from tests.faults import hostile
from tests.faults.hostile_child import LIE, SURVIVED

CONFIG = ImagesConfig()
HOSTILE = "tests.faults.hostile_child"
MILL = probe_image(tiny.MILL, CONFIG)
PATIENCE_S = 60
MB = 2**20


@pytest.fixture
def children() -> Iterator[Children]:
    """Return a pool of children who break when they are told to."""
    pool = Children(Limits(cpu_s=0.5), HOSTILE)
    yield pool
    pids = pool.pids
    pool.close()
    assert pool.pids == []
    assert not [pid for pid in pids if is_there(pid)]


def is_there(pid: int) -> bool:
    """Return whether there is such a process, be it a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def refusal(pool: Children, data: bytes, config: ImagesConfig = CONFIG) -> tuple[Reason, str]:
    with pytest.raises(ImageRefused) as caught:
        pool.probe(data, config)
    return caught.value.reason, caught.value.detail


CRASHES = {
    b"abort": "the decoder died of SIGABRT",
    b"segfault": "the decoder died of SIGSEGV",
    b"exit": "the decoder died of exit code 77",
    b"hog": "the decoder died of more than 1024 MiB of memory",
}


@pytest.mark.parametrize("how", CRASHES)
def test_crash_is_a_refusal_and_the_next_image_is_fine(children: Children, how: bytes) -> None:
    assert refusal(children, how) == (Reason.DECODER_CRASHED, CRASHES[how])
    assert children.pids == []
    assert children.probe(tiny.MILL, CONFIG) == MILL
    assert refusal(children, how) == (Reason.DECODER_CRASHED, CRASHES[how]), "in a child that is not new: the same"
    assert children.probe(tiny.MILL, CONFIG) == MILL


def test_crash_that_an_earlier_image_may_have_caused_is_tried_again_in_a_new_child(children: Children) -> None:
    assert refusal(children, b"abort unless new") == (Reason.IMAGE_FORMAT, SURVIVED)
    assert refusal(children, b"abort unless new") == (Reason.IMAGE_FORMAT, SURVIVED)
    assert len(children.pids) == 1


@pytest.mark.parametrize("how", [b"spin", b"spin in C"])
def test_what_takes_too_long_is_a_refusal_and_not_tried_again(children: Children, how: bytes) -> None:
    children.probe(tiny.MILL, CONFIG)
    assert refusal(children, how) == (Reason.IMAGE_TIMEOUT, "decoding took more than 0.5 s of CPU time")
    assert children.pids == []
    assert children.probe(tiny.MILL, CONFIG) == MILL


def test_child_that_gives_no_sign_is_given_up() -> None:
    pool = Children(Limits(wall_s=1.0), HOSTILE)
    assert refusal(pool, b"sleep") == (Reason.IMAGE_TIMEOUT, "no sign of the decoder for 1 s")
    assert pool.pids == []


def test_child_that_is_killed_over_an_image_is_a_crash(children: Children) -> None:
    found: list[tuple[Reason, str]] = []
    thread = threading.Thread(target=lambda: found.append(refusal(children, b"sleep")))
    thread.start()
    until(lambda: bool(children.pids))
    os.kill(children.pids[0], signal.SIGKILL)
    thread.join(PATIENCE_S)
    assert found == [(Reason.DECODER_CRASHED, "the decoder died of SIGKILL")]


def test_child_that_is_killed_between_images_costs_none(children: Children) -> None:
    children.probe(tiny.MILL, CONFIG)
    (pid,) = children.pids
    os.kill(pid, signal.SIGKILL)
    assert children.probe(tiny.MILL, CONFIG) == MILL
    assert children.pids != [pid]


def test_child_does_not_hear_what_is_said_to_a_group_of_processes(children: Children) -> None:
    children.probe(tiny.MILL, CONFIG)
    (pid,) = children.pids
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    assert children.probe(tiny.MILL, CONFIG) == MILL
    assert children.pids == [pid]


@pytest.mark.parametrize(
    "lie",
    [
        *("no JSON", '{"is": "info"}', '{"is": "info", "info": {}}', '{"is": "info", "info": {"format": 7}}', "{}"),
        *('{"is": "refused", "reason": "md5_mismatch", "detail": ""}', '{"is": "refused", "reason": []}', "[]", "long"),
    ],
)
def test_answer_that_is_none_is_a_crash(children: Children, lie: str) -> None:
    assert refusal(children, LIE + lie.encode()) == (Reason.DECODER_CRASHED, "the decoder answered nonsense")
    assert children.probe(tiny.MILL, CONFIG) == MILL


def test_what_libraries_print_goes_nowhere(children: Children, capfd: pytest.CaptureFixture[str]) -> None:
    assert refusal(children, b"chatter") == (Reason.IMAGE_FORMAT, SURVIVED)
    assert children.probe(tiny.MILL, CONFIG) == MILL
    assert capfd.readouterr() == ("", "")


def test_decoder_cannot_write_a_file(children: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ChildError, match="File too large"):
        refusal(children, b"write")
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [0]


def test_bug_of_ours_is_no_refusal(children: Children) -> None:
    with pytest.raises(ChildError, match=r"Traceback[\s\S]*KeyError: 'nothing'"):
        children.probe(b"bug", CONFIG)
    assert children.pids == []


def test_child_that_does_not_start_is_an_error_that_says_why(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ChildError, match=r"tests\.faults\.nonesuch .* does not start: .* exit code 1"):
        Children(module="tests.faults.nonesuch").probe(tiny.MILL, CONFIG)
    assert "No module named tests.faults.nonesuch" in capfd.readouterr().err


# real files


HOSTILE_FILES: dict[str, tuple[Callable[[], bytes], Reason]] = {
    "scan flood": (lambda: hostile.scan_flood(300, 1_000), Reason.IMAGE_TOO_COMPLEX),
    "scan flood in a TIFF": (lambda: hostile.scan_flood_in_tiff(300, 1_000), Reason.IMAGE_UNREADABLE),
    "GIF comment": (lambda: hostile.comment_blocks(20 * MB), Reason.IMAGE_TOO_COMPLEX),
    "PNG chunks": (lambda: hostile.tiny_chunks(60 * MB), Reason.IMAGE_TOO_COMPLEX),
    "PNG chunks of pixels": (lambda: hostile.tiny_data_chunks(MB), Reason.IMAGE_TOO_COMPLEX),
    "TIFF tags": (lambda: hostile.many_tags(60_000, 4), Reason.IMAGE_TOO_COMPLEX),
    "TIFF tags with one value": (lambda: hostile.many_tags(60_000, 20 * MB), Reason.IMAGE_TOO_COMPLEX),
    "JPEG segments": (lambda: hostile.empty_segments(60 * MB), Reason.IMAGE_TOO_COMPLEX),
}


@pytest.fixture(scope="module")
def hasty() -> Iterator[Children]:
    """Return a pool that gives an image two seconds and half a gigabyte."""
    pool = Children(Limits(cpu_s=2.0, memory_bytes=512 * MB))
    pool.probe(tiny.MILL, CONFIG)
    yield pool
    pool.close()


@pytest.mark.parametrize("name", HOSTILE_FILES)
def test_file_made_to_cost_much_costs_little(hasty: Children, name: str) -> None:
    make, reason = HOSTILE_FILES[name]
    before = hasty.pids
    assert refusal(hasty, make())[0] == reason
    assert hasty.pids == before, "refused by a rule, the same on every host"


@pytest.mark.parametrize("name", ["GIF comment", "PNG chunks", "JPEG segments", "TIFF tags with one value"])
def test_without_its_rule_such_a_file_ends_the_child_and_no_more(name: str) -> None:
    pool = Children(Limits(cpu_s=0.5, memory_bytes=512 * MB))
    config = ImagesConfig(max_reads=10**9)
    refused = refusal(pool, HOSTILE_FILES[name][0](), config)[0]
    assert refused in {Reason.IMAGE_TIMEOUT, Reason.DECODER_CRASHED, Reason.IMAGE_TOO_COMPLEX}
    assert pool.probe(tiny.MILL, CONFIG) == MILL
    pool.close()


def test_image_too_large_for_memory_is_refused_and_the_next_is_fine() -> None:
    pool = Children(Limits(memory_bytes=256 * MB))
    bomb = hostile.blank_png(7_000)
    assert refusal(pool, bomb) == (Reason.DECODER_CRASHED, "the decoder died of more than 256 MiB of memory")
    assert pool.probe(tiny.MILL, CONFIG) == MILL
    pool.close()


@pytest.mark.slow
def test_largest_image_that_the_config_allows_fits_into_a_child() -> None:
    pool = Children()
    info = pool.probe(hostile.blank_png(8_000), CONFIG)
    assert (info.width_px * info.height_px, info.mode) == (CONFIG.max_pixels, "RGBA")
    pool.close()


# the parent


PARENT = """
import sys, threading
from pmc15m.config import ImagesConfig
from pmc15m.images.children import Children
from pmc15m.images.pipes import Limits
pool = Children(Limits(cpu_s=1.0), "tests.faults.hostile_child")
pool.probe(sys.stdin.buffer.read(), ImagesConfig())
if sys.argv[1] == "busy":
    threading.Thread(target=pool.probe, args=(b"spin", ImagesConfig()), daemon=True).start()
print(*pool.pids, flush=True)
threading.Event().wait()
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_children_end_with_a_parent_that_is_killed(state: str) -> None:
    words = [sys.executable, "-c", PARENT, state]
    parent = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    with parent:
        parent.stdin.write(tiny.MILL)
        parent.stdin.close()
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
    until(lambda: not is_running(pid))


def is_running(pid: int) -> bool:
    """Return whether a process is there and no zombie: whose parent is gone is reaped by the first process, if ever."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_time_of_an_image_is_generous() -> None:
    assert MAX_CPU_S >= 20
