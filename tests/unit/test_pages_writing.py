"""The report of a release: the words of strangers stay words, and the same release gives the same bytes."""

import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pmc15m.records import Reason, Reject, Stage
from pmc15m.release.pages.rendering import PAGES
from pmc15m.release.pages.writing import Subject, make_pages, write_pages
from tests.released import FLOWS, write_release
from tests.some import article, pair, reject

EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{ 7*7*7*7 }}"
POLICY = "default-src 'none'; img-src 'self'; style-src 'self'"
VOID = {"meta", "link"}
SVG_LEAVES = {"rect", "line", "image"}


class Reader(HTMLParser):
    """Reads a page: its elements in order, and whether every one is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), (tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SVG_LEAVES, tag
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())


def copies(key: str = "PMC7_0001_01") -> list[Reject]:
    return [
        reject(
            f"PMC{i}_0001_01", pmcid=f"PMC{i}", stage=Stage.CURATE, reason=Reason.DUPLICATE_FILE, detail=f"{key} {EVIL}"
        )
        for i in (20, 21)
    ]


def hostile(folder: Path) -> Subject:
    """Return a release in which every text of strangers is markup."""
    facts = article(title=EVIL, journal=EVIL, citation=EVIL, article_url="javascript:alert(1)", article_type=EVIL)
    one = pair(
        caption=EVIL, label=EVIL, license_url="javascript:alert(1)", rights_flags=("credit",), article=facts, kind=EVIL,
        format=EVIL,
    )  # fmt: skip
    long = pair("PMC7_0002_01", caption=EVIL * 20, article=facts)
    nothing = reject("PMC9.1", pmcid="PMC9", reason=Reason.NO_FIGURES, detail=EVIL)
    return write_release(folder, [("train", one), ("val", long)], [nothing, *copies()], other_captions=(EVIL,))


def empty(folder: Path) -> Subject:
    flows = [{**flow, "in": 0, "out": 0, "rejected": 0, "rejects_by_reason": {}} for flow in FLOWS]
    return write_release(folder, report={"flows": flows, "curation": {"leaks": {}}})


def page_texts(subject: Subject) -> dict[str, str]:
    return {name: data.decode() for name, data in make_pages(subject).items() if name.endswith(".html")}


@pytest.fixture(scope="module")
def hostile_pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return make_pages(hostile(tmp_path_factory.mktemp("hostile")))


def test_pages_are_those_of_the_menu_and_their_files(hostile_pages: dict[str, bytes]) -> None:
    files = ["duplicates.jpg", "samples-train.jpg", "samples-val.jpg", "style.css"]
    assert list(hostile_pages) == sorted([*(f"{name}.html" for name in PAGES), *files])


def test_words_of_strangers_stay_words(hostile_pages: dict[str, bytes]) -> None:
    num_told = 0
    for name, data in hostile_pages.items():
        if name.endswith(".html"):
            text = data.decode()
            elements = Reader(text).elements
            assert not {"script", "img", "iframe", "object", "style", "base", "form"} & {tag for tag, _ in elements}, (
                name
            )
            assert "2401" not in text, name
            num_told += text.count("&lt;script&gt;alert(1)&lt;/script&gt;")
    assert num_told > 10


def test_pages_hold_no_style_no_handler_and_no_payload(hostile_pages: dict[str, bytes]) -> None:
    for name, data in hostile_pages.items():
        if name.endswith(".html"):
            for tag, attributes in Reader(data.decode()).elements:
                assert not [key for key in attributes if key == "style" or key.startswith("on")], (name, tag)
                assert not [v for v in attributes.values() if (v or "").lower().startswith(("data:", "javascript:"))]


def test_every_page_has_the_policy_and_closes_what_it_opens(hostile_pages: dict[str, bytes]) -> None:
    for name, data in hostile_pages.items():
        if name.endswith(".html"):
            reader = Reader(data.decode())
            assert reader.open == [], name
            policies = [a["content"] for tag, a in reader.elements if a.get("http-equiv") == "Content-Security-Policy"]
            assert policies == [POLICY], name
            assert [a["content"] for _, a in reader.elements if a.get("name") == "viewport"], name


def test_links_lead_into_the_folder_or_to_the_web_and_pictures_are_in_the_folder(
    hostile_pages: dict[str, bytes],
) -> None:
    num_pictures = 0
    for name, data in hostile_pages.items():
        if not name.endswith(".html"):
            continue
        elements = Reader(data.decode()).elements
        for tag, attributes in elements:
            href = attributes.get("href") or ""
            if tag == "a" and href.startswith("https://"):
                assert attributes["rel"] == "noopener noreferrer", (name, href)
            elif "href" in attributes:
                target, _, fragment = href.partition("#")
                assert target in hostile_pages, (name, href)
                if fragment:
                    assert f'id="{fragment}"' in hostile_pages[target].decode(), (name, href)
            num_pictures += tag == "image"
        ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
        assert len(ids) == len(set(ids)), name
    assert num_pictures == 3


def test_style_asks_for_nothing(hostile_pages: dict[str, bytes]) -> None:
    style = hostile_pages["style.css"].decode()
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style


def test_pictures_have_words(hostile_pages: dict[str, bytes]) -> None:
    for tag, attributes in Reader(hostile_pages["samples.html"].decode()).elements:
        if tag == "svg" and attributes.get("class") == "picture":
            assert attributes["role"] == "img"
            assert attributes["aria-label"]


def test_numbers_are_those_of_the_release(tmp_path: Path) -> None:
    pages = page_texts(write_release(tmp_path, [("train", pair()), ("test", pair("PMC8_0001_01"))], copies()))
    assert "<h1>2 figure-caption pairs</h1>" in pages["index.html"]
    assert re.search(
        r'curate-figures-duplicate_file.*?<td class="number">2</td><td class="number">50.0%</td>', pages["index.html"]
    )
    assert "and 2 copies · train" in pages["duplicates.html"]
    assert '<td class="bad">leak</td>' in pages["splits.html"]
    assert '<td class="good">none</td>' in pages["splits.html"]
    assert "2,000 articles, to train" in pages["splits.html"]


def test_copies_of_what_was_left_out_later_are_told(tmp_path: Path) -> None:
    pages = page_texts(write_release(tmp_path, [("train", pair())], copies("PMC99_0001_01")))
    assert "not in the release" in pages["duplicates.html"]
    assert "was left out later itself" in pages["duplicates.html"]


def test_a_picture_that_may_not_be_changed_is_not_shown(tmp_path: Path) -> None:
    pages = page_texts(write_release(tmp_path, [("train", pair(license="CC BY-ND"))]))
    assert "CC BY-ND: no shrunk copy is shown" in pages["samples.html"]
    assert "<image" not in pages["samples.html"]


def test_an_empty_release_has_pages_too(tmp_path: Path) -> None:
    pages = page_texts(empty(tmp_path))
    assert list(pages) == sorted(f"{name}.html" for name in PAGES)
    assert "<h1>0 figure-caption pairs</h1>" in pages["index.html"]
    assert "Nothing was rejected." in pages["rejects.html"]
    assert all(Reader(text).open == [] for text in pages.values())


def test_huge_counts_are_written_out(tmp_path: Path) -> None:
    flows = [{**flow, "in": 10**13, "out": 10**13 - 1, "rejected": 1} for flow in FLOWS]
    subject = replace(write_release(tmp_path, [("train", pair())]), report={"flows": flows})
    assert "10,000,000,000,000" in page_texts(subject)["index.html"]
    assert "&lt;0.1%" in page_texts(subject)["index.html"]


def test_order_of_paths_does_not_matter(tmp_path: Path) -> None:
    subject = hostile(tmp_path)
    assert make_pages(replace(subject, paths=subject.paths[::-1])) == make_pages(subject)


def test_pages_are_written_where_the_manifest_will_list_them(tmp_path: Path) -> None:
    subject = write_release(tmp_path, [("train", pair())])
    files = write_pages(subject)
    assert {file.path for file in files} == {f"report/{name}" for name in make_pages(subject)}
    for file in files:
        data = (tmp_path / file.path).read_bytes()
        assert (file.num_bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
