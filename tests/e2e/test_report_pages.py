"""The report in a browser: a built release, every page at the width of a phone and of a screen, by day and by night."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.cli import main
from pmc15m.release.pages.rendering import PAGES
from pmc15m.release.pages.writing import make_pages
from pmc15m.synth import Fault, SynthConfig, write_articles
from tests.browser import Browser, running_browser
from tests.released import write_release
from tests.some import pair

WIDTHS_PX = (390, 1280)
EVIL = "<script>document.title = 'broken'</script><img src=x onerror=\"document.title = 'broken'\">A mill."
DAY, NIGHT = "rgb(251, 251, 250)", "rgb(21, 25, 28)"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a built release."""
    folder = tmp_path_factory.mktemp("report")
    config = SynthConfig(seed=4, faults=tuple(Fault), fault_every=4, duplicates_every=5, image_scale=0.5)
    write_articles(config, range(40), folder / "articles")
    assert main(["build", "--source", str(folder / "articles"), "--out", str(folder / "release")]) == 0
    return folder / "release"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


def is_too_wide(browser: Browser) -> bool:
    return bool(browser.run("document.documentElement.scrollWidth > window.innerWidth"))


@pytest.mark.parametrize("width_px", WIDTHS_PX)
@pytest.mark.parametrize("name", PAGES)
def test_page_opens_from_disk_without_a_complaint_or_a_request_outside(
    built: Path, browser: Browser, name: str, width_px: int
) -> None:
    folder = built / "report"
    visit = browser.open((folder / f"{name}.html").as_uri(), width_px)
    assert visit.complaints == []
    assert visit.failed == []
    assert visit.requests
    assert [address for address in visit.requests if not address.startswith(f"{folder.as_uri()}/")] == []
    assert browser.run("document.styleSheets.length") == 1
    assert browser.run("getComputedStyle(document.body).backgroundColor") == DAY
    assert not is_too_wide(browser)


@pytest.mark.parametrize("name", PAGES)
def test_page_is_dark_where_the_system_is(built: Path, browser: Browser, name: str) -> None:
    assert browser.open((built / "report" / f"{name}.html").as_uri(), 390, is_dark=True).complaints == []
    assert browser.run("getComputedStyle(document.body).backgroundColor") == NIGHT


def test_pictures_of_the_samples_are_loaded_and_shown(built: Path, browser: Browser) -> None:
    visit = browser.open((built / "report" / "samples.html").as_uri(), 1280)
    sheets = {address for address in visit.requests if address.endswith(".jpg")}
    assert sheets == {path.as_uri() for path in (built / "report").glob("samples-*.jpg")}
    sizes = browser.run("[...document.querySelectorAll('.picture')].map(e => e.getBoundingClientRect().width)")
    assert len(sizes) > 20
    assert min(sizes) >= 16


def test_columns_of_a_chart_are_seen(built: Path, browser: Browser) -> None:
    browser.open((built / "report" / "images.html").as_uri(), 390)
    heights = browser.run("[...document.querySelectorAll('.plot rect')].map(e => e.getBoundingClientRect().height)")
    assert max(heights) > 80
    assert browser.run("getComputedStyle(document.querySelector('.plot rect')).fill") == "rgb(47, 143, 174)"


def test_a_script_in_a_caption_stays_text(tmp_path: Path, browser: Browser) -> None:
    one = pair(caption=EVIL)
    facts = replace(one.figure.article, title=EVIL, journal=EVIL, citation=EVIL)
    subject = write_release(tmp_path / "release", [("train", replace(one, figure=replace(one.figure, article=facts)))])
    for name, data in make_pages(subject).items():
        (tmp_path / name).write_bytes(data)
    for name in PAGES:
        assert browser.open((tmp_path / f"{name}.html").as_uri(), 390).complaints == []
        assert browser.run("document.title") == f"{PAGES[name]} · pmc15m 1.0.0"
        assert browser.run("document.querySelectorAll('script, img').length") == 0
        assert not is_too_wide(browser)
    browser.open((tmp_path / "samples.html").as_uri(), 390)
    assert browser.run("document.querySelector('.caption').textContent") == EVIL


def test_the_policy_would_stop_what_got_in(tmp_path: Path, browser: Browser) -> None:
    subject = write_release(tmp_path / "release", [("train", pair())])
    for name, data in make_pages(subject).items():
        (tmp_path / name).write_bytes(data.replace(b"</main>", EVIL.encode() + b"</main>"))
    visit = browser.open((tmp_path / "index.html").as_uri(), 390)
    assert browser.run("document.title") == "Overview · pmc15m 1.0.0"
    assert any("Content Security Policy" in text for text in visit.complaints), visit.complaints


def test_report_is_made_again_from_the_release_alone(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost, before = built / "report" / "index.html", (built / "report" / "index.html").read_bytes()
    lost.unlink()
    assert main(["report", str(built)]) == 0
    assert lost.read_bytes() == before
    assert capsys.readouterr().out == f"{lost}\n"
    assert main(["report", str(built), "--out", str(tmp_path / "pages")]) == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "pages").iterdir()} == {
        path.name: path.read_bytes() for path in (built / "report").iterdir()
    }
    assert main(["report", str(built), "--out", str(tmp_path / "pages")]) == 2
    assert main(["report", str(tmp_path)]) == 2


def test_a_build_ends_by_naming_its_report(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "--source", str(built.parent / "articles"), "--out", str(built)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"The report: {built}/report/index.html"


def test_other_pages_than_the_released_are_not_put_into_the_release(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipelines.reporting.make_pages", lambda _: {"index.html": b"other"})
    before = (built / "report" / "index.html").read_bytes()
    assert main(["report", str(built)]) == 2
    assert "say --out FOLDER" in capsys.readouterr().err
    assert (built / "report" / "index.html").read_bytes() == before
