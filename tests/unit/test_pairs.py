"""From figures to pairs: a sound image is described, all else is a reject with its reason."""

from pathlib import Path

import pytest

from pmc15m.config import ImagesConfig
from pmc15m.images import children
from pmc15m.images.children import Children
from pmc15m.images.pairs import make_pair, probe_figure
from pmc15m.images.pipes import Limits
from pmc15m.images.probe import probe_image
from pmc15m.records import Pair, Reason, Reject, Stage, Tally
from tests import some, tiny

CONFIG = ImagesConfig()
FIGURE = some.figure(graphic_md5=tiny.md5(tiny.MILL))


@pytest.fixture
def source(tmp_path: Path) -> str:
    (tmp_path / "PMC7.1").mkdir()
    (tmp_path / "PMC7.1" / "mill.jpg").write_bytes(tiny.MILL)
    return str(tmp_path)


def rejected(items: list[Pair | Reject | Tally]) -> tuple[Reason, str]:
    (reject,) = items
    assert isinstance(reject, Reject)
    assert (reject.key, reject.stage) == (FIGURE.key, Stage.EXTRACT)
    return reject.reason, reject.detail


def test_figure_and_its_image_are_a_pair(source: str) -> None:
    pair = Pair(FIGURE, probe_image(tiny.MILL, CONFIG))
    assert list(probe_figure(FIGURE, source, CONFIG)) == [Tally("pairs/made", 1), pair]
    assert list(make_pair(FIGURE, tiny.MILL, CONFIG)) == [Tally("pairs/made", 1), pair]


def test_image_that_is_not_there_is_a_reject(tmp_path: Path) -> None:
    assert rejected(list(probe_figure(FIGURE, str(tmp_path), CONFIG)))[0] == Reason.IMAGE_NOT_FOUND


def test_image_that_is_too_large_is_not_read(source: str) -> None:
    config = ImagesConfig(max_bytes=len(tiny.MILL) - 1)
    assert rejected(list(probe_figure(FIGURE, source, config)))[0] == Reason.IMAGE_TOO_LARGE


def test_image_of_another_md5_is_a_reject(source: str) -> None:
    figure = some.figure(graphic_md5="0" * 32)
    assert rejected(list(probe_figure(figure, source, CONFIG)))[0] == Reason.MD5_MISMATCH


def test_image_that_is_none_is_a_reject_that_names_the_file() -> None:
    reason, detail = rejected(list(make_pair(FIGURE, tiny.MILL[:500], CONFIG)))
    assert reason == Reason.IMAGE_TRUNCATED
    assert detail.startswith("mill.jpg: JPEG: ")


@pytest.mark.parametrize(
    ("limits", "data", "reason"),
    [
        (Limits(cpu_s=0.3), b"spin", Reason.IMAGE_TIMEOUT),
        (Limits(), b"abort", Reason.DECODER_CRASHED),
    ],
    ids=["hangs", "crashes"],
)
def test_decoder_that_fails_is_a_reject(
    monkeypatch: pytest.MonkeyPatch, limits: Limits, data: bytes, reason: Reason
) -> None:
    monkeypatch.setattr(children, "_CHILDREN", Children(limits, "tests.faults.hostile_child"))
    assert rejected(list(make_pair(FIGURE, data, CONFIG)))[0] == reason
