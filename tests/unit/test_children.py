"""Children: what is decoded in one is decoded as here. Crashes and limits: tests/faults/test_decoder.py."""

import json
import multiprocessing
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmc15m.config import EncodeConfig, ImagesConfig
from pmc15m.images import children as module
from pmc15m.images.children import Children, encode_guarded, probe_guarded
from pmc15m.images.decode import ImageRefused
from pmc15m.images.encode import encode_image
from pmc15m.images.frames import FrameError, info_from_words, info_to_words, pack_head, unpack_header, unpack_words
from pmc15m.images.pipes import Limits
from pmc15m.images.probe import probe_image
from pmc15m.records import Reason
from tests import some, tiny

CONFIG = ImagesConfig()
PACKED = {name: tiny.packed(tiny.picture(3), name) for name in ("JPEG", "PNG", "GIF", "TIFF")}
ENCODE = EncodeConfig(short_side_px=64)


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    pool = Children()
    yield pool
    pool.close()


def outcome(pool: Children | None, data: bytes, config: ImagesConfig = CONFIG) -> Any:
    """Return what a probe gives, in a child or here."""
    try:
        return pool.probe(data, config) if pool else probe_image(data, config)
    except ImageRefused as refused:
        return refused.reason, refused.detail


@pytest.mark.parametrize("name", PACKED)
def test_child_probes_and_encodes_as_this_process_does(children: Children, name: str) -> None:
    info = children.probe(PACKED[name], CONFIG)
    assert info == probe_image(PACKED[name], CONFIG)
    made = children.encode(PACKED[name], info, CONFIG, ENCODE)
    assert made == encode_image(PACKED[name], info, CONFIG, ENCODE)
    assert made[1].startswith("resized from 160x120 to 85x64 px")


@settings(max_examples=60)
@given(st.sampled_from(sorted(PACKED)), st.data())
def test_child_refuses_what_this_process_refuses(children: Children, name: str, data: st.DataObject) -> None:
    damaged = bytearray(PACKED[name])
    for _ in range(data.draw(st.integers(0, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    assert outcome(children, cut) == outcome(None, cut)


def test_guards_of_the_config_hold_in_a_child(children: Children) -> None:
    config = ImagesConfig(max_side_px=100)
    assert outcome(children, PACKED["PNG"], config) == outcome(None, PACKED["PNG"], config)
    assert outcome(children, PACKED["PNG"], config)[0] == Reason.IMAGE_TOO_LARGE


def test_encoding_is_refused_with_a_reason_too(children: Children) -> None:
    with pytest.raises(ImageRefused) as caught:
        children.encode(PACKED["JPEG"][:900], some.image(), CONFIG, ENCODE)
    assert caught.value.reason == Reason.IMAGE_TRUNCATED


def test_what_goes_verbatim_is_not_decoded() -> None:
    pool = Children(module="nonesuch")
    info = replace(some.image(), width_px=60, height_px=50)
    assert pool.encode(b"bytes", info, CONFIG, replace(ENCODE, verbatim_jpeg=True)) == (b"bytes", "none")


def test_threads_share_a_pool_and_have_a_child_each_at_most() -> None:
    pool = Children()
    jobs = [*PACKED.values(), PACKED["JPEG"][:900], PACKED["PNG"][:900]] * 8
    expected = [outcome(None, data) for data in jobs]
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(lambda data: outcome(pool, data), jobs)) == expected
    assert 1 <= len(pool.pids) <= 3
    pool.close()
    assert pool.pids == []


def test_child_takes_many_images_and_is_replaced_in_time() -> None:
    pool = Children(Limits(num_images=3))
    pids = []
    for _ in range(4):
        pool.probe(PACKED["JPEG"], CONFIG)
        pids.append(pool.pids)
    assert pids[0] == pids[1] != pids[3]
    assert pids[2] == [], "after its last image it is ended"
    pool.close()


def test_refusal_costs_no_child(children: Children) -> None:
    before = (outcome(children, PACKED["PNG"]), children.pids)
    assert outcome(children, b"")[0] == Reason.IMAGE_UNREADABLE
    assert (outcome(children, PACKED["PNG"]), children.pids) == before


def test_pool_goes_on_after_it_was_closed() -> None:
    pool = Children()
    pool.close()
    assert pool.probe(PACKED["GIF"], CONFIG).format == "GIF"
    pool.close()


def probe_in_fork(pool: Children, pipe: Connection) -> None:
    """Tell what a fork finds in the pool, and probe there."""
    before = pool.pids
    info = pool.probe(PACKED["TIFF"], CONFIG)
    pipe.send((before, pool.pids, info.sha256))
    pool.close()


def test_fork_begins_without_children_and_leaves_those_of_its_parent_alone(children: Children) -> None:
    info = children.probe(PACKED["TIFF"], CONFIG)
    mine, its = multiprocessing.Pipe()
    fork = multiprocessing.get_context("fork").Process(target=probe_in_fork, args=(children, its))
    fork.start()
    before, pids, sha256 = mine.recv()
    fork.join()
    assert (before, sha256) == ([], info.sha256)
    assert not set(pids) & set(children.pids)
    assert children.probe(PACKED["TIFF"], CONFIG) == info
    assert fork.exitcode == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_child_knows_no_credentials_and_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    pool = Children()
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    pool.probe(PACKED["JPEG"], CONFIG)
    (pid,) = pool.pids
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"PYTHONPATH" in environment
    assert b"hush" not in environment
    opened = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
    assert sorted(name.partition(":")[0] for name in opened) == ["/dev/null", "/dev/null", "pipe", "pipe"]
    pool.close()
    os.close(reader)
    os.close(writer)


def test_process_has_one_pool_that_steps_use(monkeypatch: pytest.MonkeyPatch, children: Children) -> None:
    monkeypatch.setattr(module, "_CHILDREN", children)
    info = probe_guarded(PACKED["PNG"], CONFIG)
    assert info == probe_image(PACKED["PNG"], CONFIG)
    assert encode_guarded(PACKED["PNG"], info, CONFIG, ENCODE) == encode_image(PACKED["PNG"], info, CONFIG, ENCODE)


# frames

WORDS = info_to_words(some.image())


def test_frame_says_how_long_it_is_and_words_come_back() -> None:
    head = pack_head({"is": "jpeg", "changes": "none"}, 9)
    num_words_bytes, num_data_bytes = unpack_header(head[:12], 9)
    assert (num_words_bytes, num_data_bytes) == (len(head) - 12, 9)
    assert unpack_words(head[12:]) == {"is": "jpeg", "changes": "none"}
    with pytest.raises(FrameError):
        unpack_header(head[:12], 8)


@pytest.mark.parametrize("data", [b"", b"[]", b"7", b"\xff", b"{", b"[" * 100_000], ids=range(6))
def test_words_are_an_object(data: bytes) -> None:
    with pytest.raises(FrameError):
        unpack_words(data)


@given(st.floats(0, 127.5), st.floats(0, 1), st.binary(min_size=32, max_size=32))
def test_info_comes_back_to_the_bit(grey_std: float, white_fraction: float, phash: bytes) -> None:
    info = some.image(grey_std=grey_std, white_fraction=white_fraction, phash=phash, mode="I;16", is_upright=False)
    assert info_from_words(json.loads(json.dumps(info_to_words(info)))) == info


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("value", [None, [], {}, "zz" * 32, "00", True, 1, 1.5])
def test_info_of_other_types_is_refused(name: str, value: Any) -> None:
    if type(value) is type(getattr(some.image(), name)):
        assert getattr(info_from_words(WORDS | {name: value}), name) == value
    else:
        with pytest.raises(FrameError):
            info_from_words(WORDS | {name: value})


@pytest.mark.parametrize("words", [None, [], {}, {**WORDS, "more": 1}, {n: v for n, v in WORDS.items() if n != "mode"}])
def test_info_has_all_of_its_fields_and_no_other(words: object) -> None:
    with pytest.raises(FrameError):
        info_from_words(words)
