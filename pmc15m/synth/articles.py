"""Article n of a set: its files and the right answer to it, as a pure function of the configuration and n."""

from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image, ImageDraw

from pmc15m.synth.config import SynthConfig
from pmc15m.synth.encode import draw_media, encode_jpeg, encode_media, encode_print, encode_thumbnail
from pmc15m.synth.fault_images import make_odd_image
from pmc15m.synth.faults import Fault, is_of_image
from pmc15m.synth.jats import encode
from pmc15m.synth.package import make_metadata, make_text, stem_of
from pmc15m.synth.plan import Fig
from pmc15m.synth.planning import Case, newest_version, plan_case
from pmc15m.synth.pool import font
from pmc15m.synth.truth import Expected, expect_article

_HTML = (
    b"<!DOCTYPE html>\n<html><head><title>Service notice</title></head><body><p>Please try again.<br></body></html>\n"
)
_TEXT_EVERY = 3  # every third article has a .txt


@dataclass(frozen=True, slots=True)
class SynthArticle:
    """One article version."""

    pmcid: str
    version: int
    files: Mapping[str, bytes]  # by name: XML, JSON, media
    expected: Expected
    older: tuple["SynthArticle", ...] = ()  # versions that this one supersedes

    @property
    def folder(self) -> str:
        """The folder of its files, `PMC80000000.1`."""
        return f"{self.pmcid}.{self.version}"


def make_article(config: SynthConfig, n: int) -> SynthArticle:
    """Return article n: the same bytes in every process."""
    newest = newest_version(config, n)
    older = tuple(_make_version(config, n, version, ()) for version in range(1, newest))
    return _make_version(config, n, newest, older)


def make_expected(config: SynthConfig, n: int) -> Expected:
    """Return the right answer to article n, its newest version, without drawing it."""
    return make_answers(config, n)[-1][1]


def make_answers(config: SynthConfig, n: int) -> list[tuple[Case, Expected]]:
    """Return plan and right answer of every version of article n, the oldest first, without drawing it."""
    cases = [plan_case(config, n, version) for version in range(1, 1 + newest_version(config, n))]
    return [(case, _expect(config, case, case.plan.style.render(case.plan))) for case in cases]


def _expect(config: SynthConfig, case: Case, xml: str) -> Expected:
    source_xml = ""
    if case.special and case.special.copied:
        source = plan_case(config, case.special.copied_number).plan
        source_xml = source.style.render(source)
    return expect_article(case, xml, source_xml)


def _make_version(config: SynthConfig, n: int, version: int, older: tuple[SynthArticle, ...]) -> SynthArticle:
    case = plan_case(config, n, version)
    plan, fault = case.plan, case.fault
    stem, xml = stem_of(plan.facts), plan.style.render(plan)
    files = {f"{stem}.xml": _spoil_xml(encode(xml, plan.style.charset), fault)}
    if n % _TEXT_EVERY == 0:
        files[f"{stem}.txt"] = make_text(plan)
    files.update(_make_media(config, case))
    bad = f"{stem}.xml" if fault == Fault.XML_MD5 else _target_name(case) if fault == Fault.IMAGE_MD5 else ""
    metadata = make_metadata(config.seed, plan.facts, files, fault, bad)
    for name in _lost(case, stem):
        del files[name]
    if fault != Fault.JSON_MISSING:
        files[f"{stem}.json"] = metadata
    return SynthArticle(plan.facts.pmcid, version, files, _expect(config, case, xml), older)


def _lost(case: Case, stem: str) -> list[str]:
    """Return what the JSON names and the folder lacks."""
    if case.fault == Fault.XML_MISSING:
        return [f"{stem}.xml"]
    return [_target_name(case)] if case.fault == Fault.MEDIA_LOST else []


def _target(case: Case) -> Fig:
    return next(fig for fig in case.plan.figs if fig.fig_id == case.target_id)


def _target_name(case: Case) -> str:
    return _target(case).graphics[0].media.name


def _spoil_xml(xml: bytes, fault: Fault | None) -> bytes:
    """Apply a fault of the whole XML."""
    if fault == Fault.XML_TRUNCATED:
        return xml[: len(xml) * 3 // 5]
    if fault == Fault.XML_ENTITY:
        return xml.replace(b"</article-title>", b" &madeupspace; again</article-title>", 1)
    return {Fault.XML_HTML: _HTML, Fault.XML_EMPTY: b""}.get(fault, xml) if fault else xml


def _make_media(config: SynthConfig, case: Case) -> dict[str, bytes]:
    """Draw and encode every image file of the article."""
    files: dict[str, bytes] = {}
    for fig in case.plan.figs:
        is_target = fig.fig_id == case.target_id
        if is_target and case.fault == Fault.MEDIA_UNLISTED:
            continue
        for graphic in fig.graphics:
            image = draw_media(config.seed, graphic.media)
            if is_target and case.fault and is_of_image(case.fault):
                files[graphic.media.name] = make_odd_image(case.fault, image, case.plan.facts.pmcid)
            else:
                files[graphic.media.name] = encode_media(image, graphic.media)
            if graphic.print_name:
                files[graphic.print_name] = encode_print(image)
            _add_twin(files, case, fig, image)
    for name in case.plan.extra_media:
        if not name.endswith(".gif"):
            files[name] = _draw_table(name)
    return files


def _add_twin(files: dict[str, bytes], case: Case, fig: Fig, image: Image.Image) -> None:
    """Add the thumbnail that shares its stem with the first figure, where there is to be one."""
    name = next((name for name in case.plan.extra_media if name.endswith(".gif")), "")
    if name and fig.slot.number == 1 and name not in files:
        files[name] = encode_thumbnail(image)


def _draw_table(name: str) -> bytes:
    """Return a small image of a table: no figure."""
    image = Image.new("L", (260, 90), 255)
    draw = ImageDraw.Draw(image)
    for row in range(4):
        draw.line((8, 12 + 22 * row, 252, 12 + 22 * row), fill=90)
    draw.text((12, 16), name[:34], fill=0, font=font(11))
    return encode_jpeg(image, 85)
