"""From archives to the store's layout: the same package that the Cloud Service would give, whatever the packing."""

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmc15m.acquire import repack as repack_module
from pmc15m.acquire.archives import ArchiveEntry, list_archives, unpack_archive
from pmc15m.acquire.file_list import FileListRow
from pmc15m.acquire.meca import Meca
from pmc15m.acquire.members import Archive, ArchiveRefused, Caps
from pmc15m.acquire.metadata import parse_metadata
from pmc15m.acquire.packages import list_articles, read_package
from pmc15m.acquire.repack import SYNTHETIC_DIGITS, Repacked, media_of_figures, repack, synthetic_pmcid
from pmc15m.acquire.tarball import Tarball
from pmc15m.config import XmlConfig
from pmc15m.jats.figures import read_figures
from pmc15m.jats.reader import XmlRefused, read_article
from pmc15m.records import ArticleRef, Figure, Package, Reason, Reject, Stage, Tally
from pmc15m.store import Store
from tests.some import article_xml, fig_xml, permissions_xml

IDS = (
    '<article-id pub-id-type="pmid">70</article-id><article-id pub-id-type="pmc">7</article-id>'
    '<article-id pub-id-type="doi">10.5555/mill.7</article-id>'
    "<title-group><article-title>Mills of the <italic>north</italic></article-title></title-group>"
)
DOI_ONLY = '<article-id pub-id-type="doi">10.5555/Mill.7</article-id>'
BODY = fig_xml(hrefs=("mill-g001", "mill-g002")) + fig_xml("F2", "Figure 2.", hrefs=("wheel.png", "gone"))
MEDIA = {
    "mill-g001.jpg": b"1",
    "mill-g001.gif": b"thumbnail of 1",
    "mill-g002.gif": b"all there is of 2",
    "wheel.png": b"3",
    "mill-e001.gif": b"formula",
    "mill-t001.jpg": b"table",
    "mill.pdf": b"pdf",
}
TAKEN = ["mill-g001.jpg", "mill-g002.gif", "wheel.png"]
ROW = FileListRow(
    path="oa_package/08/e0/PMC7.tar.gz",
    pmcid="PMC7",
    pmid=71,
    citation="J Mills. 2019 Nov 2; 3(1):55-60",
    license="CC BY-NC",
    updated="2019-11-05T11:56:12",
    is_retracted=False,
)


def xml(meta: str = IDS, url: str = "https://creativecommons.org/licenses/by/4.0/", body: str = BODY) -> bytes:
    return article_xml(body, permissions_xml(url) if url else "", meta)


def tarball(article: bytes, media: dict[str, bytes], backwards: bool = False, level: int = 6) -> bytes:
    out = io.BytesIO()
    files = {"PMC7/mill.nxml": article} | {f"PMC7/{name}": data for name, data in media.items()}
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in sorted(files.items(), reverse=backwards):
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_000_000 * backwards
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue(), level, mtime=backwards)


def meca(article: bytes, media: dict[str, bytes], item_id: str = "7v1") -> bytes:
    out = io.BytesIO()
    instance = '<instance media-type="application/xml" href="content/7.xml"/>'
    manifest = f'<manifest><item id="{item_id}" type="article">{instance}</item></manifest>'
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("manifest.xml", manifest)
        archive.writestr("content/7.xml", article)
        for name, data in media.items():
            archive.writestr(f"content/{name}", data)
    return out.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def files_of(store: Store) -> dict[str, bytes]:
    root = store.local_path
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def listed_in(source: str) -> list[ArchiveEntry | Reject]:
    """Return what there is in a folder; every item of it is counted."""
    items = list(list_archives(source))
    found = [item for item in items if not isinstance(item, Tally)]
    assert items.count(Tally("archives/listed", 1)) == len(found) == len(items) / 2
    return found


def fields_of(store: Store, key: str = "PMC7.1") -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(store.read_bytes(f"{key}/{key}.json", 2**20))
    return fields


def put(store: Store, article: bytes, row: FileListRow | None = None, **options: Any) -> dict[str, Any]:
    """Repack an article and return the fields of its JSON."""
    done = repack(Tarball(tarball(article, MEDIA)), store, row=row, **options)
    return fields_of(store, done.ref.key)


# --- the package ----------------------------------------------------------------------------------


def test_package_is_xml_json_and_the_media_that_its_figures_name(store: Store) -> None:
    done = repack(Tarball(tarball(xml(), MEDIA)), store)
    names = sorted(f"PMC7.1/{name}" for name in ("PMC7.1.json", "PMC7.1.xml", *TAKEN))
    assert done == Repacked(ArticleRef("PMC7", 1, "PMC7.1"), tuple(names))
    assert sorted(files_of(store)) == names
    assert store.read_bytes("PMC7.1/PMC7.1.xml", 2**20) == xml()
    assert store.read_bytes("PMC7.1/mill-g001.jpg", 9) == b"1"


def test_metadata_has_the_form_of_the_cloud_service(store: Store) -> None:
    repack(Tarball(tarball(xml(), MEDIA)), store, row=ROW)
    root = "s3://pmc-oa-opendata/PMC7.1"
    data = store.read_bytes("PMC7.1/PMC7.1.json", 2**20)
    fields = {
        "pmcid": "PMC7",
        "version": 1,
        "pmid": 71,
        "doi": "10.5555/mill.7",
        "mid": None,
        "title": "Mills of the north",
        "citation": "J Mills. 2019 Nov 2; 3(1):55-60. doi: 10.5555/mill.7",
        "is_pmc_openaccess": True,
        "is_manuscript": False,
        "is_historical_ocr": False,
        "is_retracted": False,
        "license_code": "CC BY-NC",
        "xml_url": f"{root}/PMC7.1.xml?md5={repack_module._md5(xml())}",
        "text_url": None,
        "media_urls": [f"{root}/{name}?md5={repack_module._md5(MEDIA[name])}" for name in TAKEN],
    }
    assert data == json.dumps(fields).encode()
    package = parse_metadata(ArticleRef("PMC7", 1, "PMC7.1"), data)
    assert [file.name for file in package.media] == TAKEN


def test_bytes_depend_on_the_files_alone(tmp_path: Path) -> None:
    stores = [Store(str(tmp_path / name)) for name in ("one", "two", "meca")]
    archives: list[Archive] = [
        Tarball(tarball(xml(), MEDIA)),
        Tarball(tarball(xml(), MEDIA, backwards=True, level=1)),
        Meca(meca(xml(), MEDIA)),
    ]
    for archive, store in zip(archives, stores, strict=True):
        for _ in range(2):  # the second time over the first
            repack(archive, store, row=ROW)
    assert files_of(stores[0]) == files_of(stores[1]) == files_of(stores[2])


def test_figures_are_those_of_the_whole_package(store: Store) -> None:
    repack(Tarball(tarball(xml(), MEDIA)), store)
    assert [figure.graphic for figure in figures_of(store) if isinstance(figure, Figure)] == TAKEN


def figures_of(store: Store) -> list[Figure | Reject | Tally]:
    (ref,) = (item for item in list_articles(store.uri) if not isinstance(item, Tally))
    assert isinstance(ref, ArticleRef)
    (package,) = read_package(ref, store.uri)
    assert isinstance(package, Package)
    return list(read_figures(package, store.uri, XmlConfig()))


def test_thumbnail_twin_is_never_taken_for_its_figure() -> None:
    body = fig_xml(hrefs=("a.gif", "b", "c.gif", "D.GIF"))
    names = ("a.gif", "a.jpg", "b.gif", "b.jpeg", "c.gif", "d.gif", "D.jpg")
    assert media_of_figures(read_article(xml(body=body), 2**20), names) == {"a.jpg", "b.jpeg", "c.gif", "D.jpg"}


def test_figure_that_counts_for_nothing_needs_no_media() -> None:
    translation = f'<sub-article article-type="translation"><body>{fig_xml("F9", hrefs=("b",))}</body></sub-article>'
    article = read_article(xml().replace(b"</article>", translation.encode() + b"</article>"), 2**20)
    assert media_of_figures(article, ("b.jpg", "wheel.png")) == {"wheel.png"}


def test_article_without_figures_is_kept_without_media(store: Store) -> None:
    assert "media_urls" not in put(store, xml(body="<p>No mill.</p>"))
    assert sorted(files_of(store)) == ["PMC7.1/PMC7.1.json", "PMC7.1/PMC7.1.xml"]


def test_json_is_written_last_and_taken_away_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, xml())
    names = []

    def put_bytes(self: Store, data: bytes, name: str) -> None:
        assert not self.exists("PMC7.1/PMC7.1.json")
        names.append(name)
        if name.endswith(".png"):
            raise OSError("disk full")

    monkeypatch.setattr(Store, "put_bytes", put_bytes)
    with pytest.raises(OSError, match="disk full"):
        put(store, xml())
    assert names[0] == "PMC7.1/PMC7.1.xml"
    assert "PMC7.1/PMC7.1.json" not in names
    assert not store.exists("PMC7.1/PMC7.1.json")


# --- what the metadata says -----------------------------------------------------------------------

BY, NC = "https://creativecommons.org/licenses/by/4.0/", "https://creativecommons.org/licenses/by-nc/4.0/"


@pytest.mark.parametrize(
    ("listed", "url", "license_code"),
    [
        ("CC BY", BY, "CC BY"),
        ("CC BY", NC, "CC BY-NC"),
        ("CC BY-NC", BY, "CC BY-NC"),
        ("NO-CC CODE", BY, None),
        ("none", BY, None),
        ("CC0", BY, "CC BY"),
        (None, BY, "CC BY"),  # a list that is silent
        ("", BY, "CC BY"),  # no list
        ("CC BY", "", "CC BY"),  # an XML that is silent
        ("CC BY", "https://publisher.example/terms", None),
        ("", "", None),
    ],
)
def test_stricter_licence_of_list_and_xml_counts(
    store: Store, listed: str | None, url: str, license_code: str | None
) -> None:
    row = None if listed == "" else replace(ROW, license=listed)
    assert put(store, xml(url=url), row)["license_code"] == license_code


def test_list_tells_what_is_retracted(store: Store) -> None:
    assert put(store, xml(), replace(ROW, is_retracted=True))["is_retracted"] is True
    (reject,) = read_package(ArticleRef("PMC7", 1, "PMC7.1"), store.uri)
    assert isinstance(reject, Reject)
    assert reject.reason == Reason.RETRACTED


@pytest.mark.parametrize(
    ("listed", "meta", "citation"),
    [
        ("J Mills. 2019.", IDS, "J Mills. 2019. doi: 10.5555/mill.7"),
        ("J Mills. 2019; doi: 10.5555/x", IDS, "J Mills. 2019; doi: 10.5555/x"),
        ("J Mills. 2019.", '<article-id pub-id-type="pmc">7</article-id>', "J Mills. 2019."),
        (None, IDS, None),
    ],
)
def test_citation_is_that_of_the_list_with_the_doi(
    store: Store, listed: str | None, meta: str, citation: str | None
) -> None:
    assert put(store, xml(meta), replace(ROW, citation=listed))["citation"] == citation


def test_pmid_is_that_of_the_xml_where_the_list_has_none(store: Store) -> None:
    assert put(store, xml(), replace(ROW, pmid=None))["pmid"] == 70


@pytest.mark.parametrize(("mid", "is_manuscript"), [("NIHMS1675085", True), ("ems12345", True), ("MS-2019-77", False)])
def test_author_manuscript_is_known_by_its_id(store: Store, mid: str, is_manuscript: bool) -> None:
    fields = put(store, xml(f'{IDS}<article-id pub-id-type="manuscript">{mid}</article-id>'))
    assert (fields["mid"], fields["is_manuscript"]) == (mid if is_manuscript else None, is_manuscript)


def test_version_is_given_told_by_the_archive_or_one(store: Store) -> None:
    assert put(store, xml(), version=3)["version"] == 3
    done = repack(Meca(meca(xml(), {}, "7v2")), store)
    assert done.ref == ArticleRef("PMC7", 2, "PMC7.2")
    assert repack(Meca(meca(xml(), {}, "7v2")), store, version=5).ref.version == 5
    assert repack(Meca(meca(xml(), {}, "article")), store).ref.version == 1


# --- whose it is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "article_id",
    [
        '"pmc">7',
        '"pmc">PMC7',
        '"pmcid">PMC7',
        '"pmcid"> 7 ',
        '"pmcid-ver">PMC7.1',
        '"pmcaid">99</article-id><article-id pub-id-type="pmcid">PMC7',
    ],
)
def test_xml_may_tell_the_pmcid_in_any_form(store: Store, article_id: str) -> None:
    assert put(store, xml(f"<article-id pub-id-type={article_id}</article-id>"))["pmcid"] == "PMC7"


def test_pmcid_that_is_given_need_not_be_in_the_xml(store: Store) -> None:
    assert put(store, xml(DOI_ONLY), pmcid="PMC8")["pmcid"] == "PMC8"
    assert "synthetic_pmcid" not in fields_of(store, "PMC8.1")


def test_archive_of_another_article_is_refused(store: Store) -> None:
    with pytest.raises(ArchiveRefused, match="the XML is that of PMC7, not of PMC8"):
        put(store, xml(), pmcid="PMC8")
    assert not store.exists()


def test_pmcid_is_made_up_of_the_doi_where_there_is_none(store: Store) -> None:
    fields = put(store, xml(DOI_ONLY))
    pmcid = synthetic_pmcid("10.5555/mill.7")
    assert (fields["pmcid"], fields["synthetic_pmcid"], fields["is_pmc_openaccess"]) == (pmcid, True, True)
    assert len(pmcid) == 4 + SYNTHETIC_DIGITS
    assert 9 * 10**SYNTHETIC_DIGITS <= int(pmcid[3:]) < 10 ** (SYNTHETIC_DIGITS + 1)
    assert [figure.graphic for figure in figures_of(store) if isinstance(figure, Figure)] == TAKEN


def test_made_up_pmcid_stays() -> None:
    assert synthetic_pmcid("10.1101/2024.01.24.24301711") == "PMC955980520222268"


def test_article_under_a_made_up_pmcid_is_not_replaced_by_another(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repack_module, "synthetic_pmcid", lambda doi: "PMC900000000000007")
    put(store, xml(DOI_ONLY))
    put(store, xml(DOI_ONLY.replace("Mill", "mill")))
    before = files_of(store)
    with pytest.raises(ArchiveRefused, match=r"10\.5555/other: its PMC900000000000007\.1 is taken by 10\.5555/mill\.7"):
        put(store, xml('<article-id pub-id-type="doi">10.5555/other</article-id>'))
    assert files_of(store) == before


def test_article_with_neither_pmcid_nor_doi_is_refused(store: Store) -> None:
    with pytest.raises(ArchiveRefused, match="neither PMCID nor DOI"):
        put(store, xml(""))


def test_article_that_cannot_be_read_is_refused_before_anything_is_written(store: Store) -> None:
    with pytest.raises(XmlRefused, match="xml_syntax"):
        put(store, xml()[:-5])
    assert not store.exists()


# --- archives of a folder -------------------------------------------------------------------------


def write(folder: Path, files: dict[str, bytes]) -> str:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return str(folder)


LIST = "File,Article Citation,Accession ID,Last Updated (YYYY-MM-DD HH:MM:SS),PMID,License\n"
LINE = '{},"J Mills. 2019 Nov 2; 3(1):55-60",{},2019-11-05 11:56:12,71,CC BY-NC\n'


def test_archives_come_by_number_then_by_path(tmp_path: Path) -> None:
    names = ["oa_package/0a/e0/PMC10.tar.gz", "PMC9.tar.gz", "oa_package/08/e1/PMC100.tar.gz", "b/x.meca", "a-meca.zip"]
    others = [
        "PMC07.tar.gz",
        "a.zip",
        "PMC8.tar",
        "README",
        ".making-1/PMC5.tar.gz",
        "PMC6.1/PMC6.tar.gz",
        "1/2/3/4/5/6/7/8/9/y.meca",
    ]
    source = write(tmp_path, dict.fromkeys(names + others, b""))
    entries = listed_in(source)
    assert entries == [
        ArchiveEntry("PMC9.tar.gz", "PMC9.tar.gz", "PMC9"),
        ArchiveEntry("PMC10.tar.gz", names[0], "PMC10"),
        ArchiveEntry("PMC100.tar.gz", names[2], "PMC100"),
        ArchiveEntry("a-meca.zip", "a-meca.zip", None),
        ArchiveEntry("x.meca", "b/x.meca", None),
    ]
    assert listed_in(str(tmp_path / "nowhere")) == []


def test_single_archive_is_a_source_with_the_list_beside_it(tmp_path: Path, store: Store) -> None:
    write(
        tmp_path,
        {"PMC7.tar.gz": tarball(xml(), MEDIA), "oa_file_list.csv": (LIST + LINE.format(ROW.path, "PMC7")).encode()},
    )
    source = str(tmp_path / "PMC7.tar.gz")
    (entry,) = listed_in(source)
    assert entry == ArchiveEntry("PMC7.tar.gz", "", "PMC7", ROW)
    assert isinstance(entry, ArchiveEntry)
    assert ref_of(unpack_archive(entry, source, store.uri)) == ArticleRef("PMC7", 1, "PMC7.1", None, ROW.updated)


def test_list_is_joined_and_its_bad_lines_are_rejects(tmp_path: Path) -> None:
    lines = LINE.format("oa_package/xx/yy/PMC5.tar.gz", "PMC5") + "Sorry\n" + LINE.format(ROW.path, "PMC7")
    source = write(tmp_path, {ROW.path: b"", "PMC8.tar.gz": b"", "oa_file_list.csv": (LIST + lines).encode()})
    reject, listed, other = listed_in(source)
    assert isinstance(reject, Reject)
    assert (reject.reason, reject.detail) == (
        Reason.INDEX_ROW,
        "oa_file_list.csv line 3: 1 fields, not 6: 'Sorry'",
    )
    assert listed == ArchiveEntry("PMC7.tar.gz", ROW.path, "PMC7", ROW)
    assert other == ArchiveEntry("PMC8.tar.gz", "PMC8.tar.gz", "PMC8")


def test_list_with_dates_goes_before_the_one_without(tmp_path: Path) -> None:
    text = "2026-03-06 21:31:45\n" + f"{ROW.path}\tOther\tPMC7\t\tCC BY\n"
    write(tmp_path, {ROW.path: b"", "oa_file_list.txt": text.encode()})
    (entry,) = listed_in(str(tmp_path))
    assert isinstance(entry, ArchiveEntry)
    assert entry.row == replace(ROW, citation="Other", pmid=None, license="CC BY", updated=None)
    write(tmp_path, {"oa_file_list.csv": (LIST + LINE.format(ROW.path, "PMC7")).encode()})
    assert listed_in(str(tmp_path)) == [replace(entry, row=ROW)]


def test_retraction_in_any_list_counts(tmp_path: Path) -> None:
    bulk = "Article File,Article Citation,AccessionID,LastUpdated,PMID,License,Retracted\na/PMC7.xml,,PMC7,,,,yes\n"
    files = {"oa_file_list.csv": LIST + LINE.format(ROW.path, "PMC7"), "oa_comm_xml.PMC0.filelist.csv": bulk}
    source = write(tmp_path, {ROW.path: b"", **{name: text.encode() for name, text in files.items()}})
    assert listed_in(source) == [ArchiveEntry("PMC7.tar.gz", ROW.path, "PMC7", replace(ROW, is_retracted=True))]


def test_second_tarball_of_an_article_is_superseded_by_the_listed_one(tmp_path: Path) -> None:
    first = "oa_package/01/02/PMC7.tar.gz"
    source = write(tmp_path, {first: b"", ROW.path: b""})
    reject = Reject("PMC7.1", "PMC7", 1, None, Stage.FETCH, Reason.SUPERSEDED, f"{ROW.path}: {first} is there")
    assert listed_in(source) == [ArchiveEntry("PMC7.tar.gz", first, "PMC7"), reject]
    write(tmp_path, {"oa_file_list.csv": (LIST + LINE.format(ROW.path, "PMC7")).encode()})
    chosen, superseded = listed_in(source)
    assert chosen == ArchiveEntry("PMC7.tar.gz", ROW.path, "PMC7", ROW)
    assert superseded == replace(reject, detail=f"{first}: {ROW.path} is there")
    chosen, _ = listed_in(f"{source}/oa_package/08/../../oa_package")  # where the list is not
    assert chosen == ArchiveEntry("PMC7.tar.gz", "01/02/PMC7.tar.gz", "PMC7")


def test_of_two_listed_tarballs_of_an_article_the_newer_counts(tmp_path: Path) -> None:
    newer = "oa_package/99/99/PMC7.tar.gz"
    lines = LINE.format(ROW.path, "PMC7") + LINE.format(newer, "PMC7").replace("2019-11-05", "2024-11-05")
    source = write(tmp_path, {ROW.path: b"", newer: b"", "oa_file_list.csv": (LIST + lines).encode()})
    chosen, reject = listed_in(source)
    assert isinstance(chosen, ArchiveEntry)
    assert isinstance(reject, Reject)
    assert (chosen.location, reject.detail) == (newer, f"{ROW.path}: {newer} is there")


# --- the step -------------------------------------------------------------------------------------


def unpack(folder: Path, name: str, data: bytes, caps: Caps | None = None) -> list[ArticleRef | Reject | Tally]:
    source = write(folder / "in", {name: data})
    (entry,) = listed_in(source)
    assert isinstance(entry, ArchiveEntry)
    return list(unpack_archive(entry, source, str(folder / "store"), *((caps,) if caps else ())))


def ref_of(items: Iterator[ArticleRef | Reject | Tally]) -> ArticleRef:
    (ref,) = (item for item in items if not isinstance(item, Tally))
    assert isinstance(ref, ArticleRef)
    return ref


def test_step_yields_the_article_once_it_is_in_the_store(tmp_path: Path, store: Store) -> None:
    items = unpack(tmp_path, "PMC7.tar.gz", tarball(xml(), MEDIA))
    assert items == [
        Tally("archive_files/seen", 8),
        Tally("archive_files/taken", 4),
        ArticleRef("PMC7", 1, "PMC7.1"),
    ]
    assert len(files_of(store)) == 5


@pytest.mark.parametrize(
    ("name", "data", "key", "reason"),
    [
        ("PMC7.tar.gz", tarball(xml(), MEDIA)[:-1], "PMC7.1", Reason.TAR_CORRUPT),
        ("PMC8.tar.gz", tarball(xml(), MEDIA), "PMC8.1", Reason.METADATA_MISMATCH),
        ("PMC7.tar.gz", tarball(b"<html/>", MEDIA), "PMC7.1", Reason.XML_SYNTAX),
        ("PMC7.tar.gz", tarball(xml(), {"b.nxml": b""}), "PMC7.1", Reason.TAR_MEMBER),
        ("x.meca", meca(xml(""), MEDIA), "PMC0.0", Reason.METADATA_INVALID),
        ("x-meca.zip", b"<html/>", "PMC0.0", Reason.TAR_CORRUPT),
    ],
)
def test_archive_that_cannot_be_unpacked_is_a_reject(
    tmp_path: Path, name: str, data: bytes, key: str, reason: Reason
) -> None:
    (reject,) = unpack(tmp_path, name, data)
    assert isinstance(reject, Reject)
    assert (reject.key, reject.stage, reject.reason, reject.is_article) == (key, Stage.FETCH, reason, True)
    assert reject.detail.startswith(f"{name}: ")
    assert not (tmp_path / "store").exists()


def test_caps_are_those_that_are_given(tmp_path: Path) -> None:
    (reject,) = unpack(tmp_path, "PMC7.tar.gz", tarball(xml(), MEDIA), Caps(max_xml_bytes=100))
    assert isinstance(reject, Reject)
    assert reject.reason == Reason.TOO_LARGE
    (reject,) = unpack(tmp_path, "PMC7.tar.gz", tarball(xml(), MEDIA), Caps(max_members=3))
    assert isinstance(reject, Reject)
    assert reject.reason == Reason.TAR_LIMIT


def test_image_that_is_damaged_leaves_no_json(tmp_path: Path) -> None:
    data = meca(xml(DOI_ONLY), {"wheel.png": b"sound", "mill-g001.jpg": b"to be damaged"})
    (reject,) = unpack(tmp_path, "x.meca", data.replace(b"to be", b"is it", 1))
    assert isinstance(reject, Reject)
    assert reject.reason == Reason.TAR_CORRUPT
    assert not list((tmp_path / "store").rglob("*.json"))


def test_archive_that_went_is_not_found(tmp_path: Path) -> None:
    entry = ArchiveEntry("PMC7.tar.gz", "PMC7.tar.gz", "PMC7")
    (reject,) = unpack_archive(entry, str(tmp_path), str(tmp_path / "store"))
    assert isinstance(reject, Reject)
    assert reject.reason == Reason.NOT_FOUND


# --- real archives --------------------------------------------------------------------------------


def test_real_tarball_gives_what_the_cloud_service_gives(shared: Path, store: Store) -> None:
    source = str(shared / "corpus" / "extras")
    entry = listed_in(source)[0]
    assert isinstance(entry, ArchiveEntry)
    ref = ref_of(unpack_archive(entry, source, store.uri))
    theirs = shared / "corpus" / "PMC12419688.1"
    files = files_of(store)
    assert files.pop("PMC12419688.1/PMC12419688.1.json")
    assert files == {
        f"PMC12419688.1/{name}": (theirs / name).read_bytes() for name in ("PMC12419688.1.xml", "koaf197f1.jpg")
    }
    (package,) = read_package(ref, str(shared / "corpus"))
    assert isinstance(package, Package)
    wanted = read_figures(package, str(shared / "corpus"), XmlConfig())
    assert figures_of(store) == list(wanted)
    gif = "PMC12419688.1/koaf197f1.gif"
    their_fields = json.loads((theirs / "PMC12419688.1.json").read_bytes())
    their_fields["media_urls"] = [url for url in their_fields["media_urls"] if gif not in url]
    assert fields_of(store, ref.key) == their_fields


@pytest.mark.parametrize(
    ("name", "doi", "graphic"),
    [
        ("95901-v1-meca.zip", "10.1101/2024.01.24.24301711", "24301711v1_fig1.tif"),
        ("f2af58f0-7111-1014-b4ee-f306f628684d.meca", "10.1101/2025.06.09.658655", "658655v1_fig1.tif"),
    ],
)
def test_real_meca_gives_its_figure(shared: Path, store: Store, name: str, doi: str, graphic: str) -> None:
    source = str(shared / "corpus" / "extras" / name)
    (entry,) = listed_in(source)
    assert isinstance(entry, ArchiveEntry)
    assert ref_of(unpack_archive(entry, source, store.uri)).pmcid == synthetic_pmcid(doi)
    (figure,) = (item for item in figures_of(store) if isinstance(item, Figure))
    assert (figure.article.doi, figure.graphic, figure.license, figure.label) == (doi, graphic, "CC BY", "Figure 1.")
    assert len(store.read_bytes(f"{figure.location}/{graphic}", 2**26, figure.graphic_md5)) > 9_000_000
