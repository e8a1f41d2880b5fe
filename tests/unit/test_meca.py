"""MECA zips: the manifest names the article; what is damaged, hostile or too large is refused, soon."""

import io
import stat
import struct
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.acquire.meca import Meca
from pmc15m.acquire.members import DEFAULT_CAPS, ArchiveRefused, Caps
from pmc15m.records import Reason

XML = b"<article/>"
ARTICLE = '<item type="article" id="7v2"><title>On mills</title><instance media-type="{}" href="{}"/>{}</item>'
PDF = '<instance media-type="application/pdf" href="content/7.pdf"/>'
FIGURE = '<item id="fig1" type="figure"><instance media-type="image/tiff" href="content/7v2_fig1.tif"/></item>'
DOCTYPE = '<!DOCTYPE manifest SYSTEM "http://schema.highwire.org/public/MECA/v0.9/Manifest/Manifest.dtd">'
XLINK = 'xmlns:x="http://www.w3.org/1999/xlink"'
MIB = 2**20


def manifest(items: str = "", href: str = "content/7.xml", doctype: str = DOCTYPE) -> bytes:
    item = items or ARTICLE.format("application/xml", href, PDF) + FIGURE
    return f'<?xml version="1.0"?>{doctype}<manifest xmlns="http://manuscriptexchange.org">{item}</manifest>'.encode()


MANIFEST = manifest()
FILES: dict[str, bytes] = {
    "content/7.xml": XML,
    "content/7.pdf": b"pdf" * 99,
    "content/": b"",
    "content/7v2_fig1.tif": b"tif" * 999,
    "manifest.xml": MANIFEST,
    "mimetype": b"application/meca+zip",
}


def packed(changes: dict[str, bytes | None] | None = None, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip of the usual files with some changes; None leaves a file out."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in (FILES | (changes or {})).items():
            if data is not None:
                archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def entry(name: bytes, data: bytes = b"", **changes: Any) -> dict[str, Any]:
    """Return the fields of an entry; changes with a `local_` lie in the local header only."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed_data = deflate.compress(data) + deflate.flush()
    fields = {"flags": 0, "method": 8, "crc": zlib.crc32(data), "packed": packed_data, "size": len(data)}
    return {"name": name, "mode": 0, "offset": None, **fields, **changes}


def zipped(*more: dict[str, Any]) -> bytes:
    """Return a zip put together by hand: the usual files but the image, and more."""
    usual = [entry(name.encode(), FILES[name]) for name in ("content/7.xml", "manifest.xml")]
    body, directory = b"", b""
    for fields in usual + list(more):
        name, data = fields["name"], fields["packed"]
        offset = len(body) if fields["offset"] is None else fields["offset"]
        local = fields | {key[6:]: value for key, value in fields.items() if key.startswith("local_")}
        sizes = (fields["crc"], fields.get("packed_size", len(data)), fields["size"])
        if fields["offset"] is None:
            head = struct.pack("<4s5H3I", b"PK\3\4", 20, local["flags"], local["method"], 0, 0, *sizes)
            body += head + struct.pack("<2H", len(local["name"]), 0) + local["name"] + data
        central = struct.pack("<4s2B5H3I", b"PK\1\2", 20, 3, 20, fields["flags"], fields["method"], 0, 0, *sizes)
        directory += central + struct.pack("<5H2I", len(name), 0, 0, 0, 0, fields["mode"] << 16, offset) + name
    count = len(usual) + len(more)
    return body + directory + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)


def content(data: bytes, caps: Caps = DEFAULT_CAPS) -> dict[str, bytes]:
    meca = Meca(data, caps)
    return dict(meca.read(meca.names))


def refusal(data: bytes, caps: Caps = DEFAULT_CAPS) -> ArchiveRefused:
    with pytest.raises(ArchiveRefused) as refused:
        content(data, caps)
    refused.value.detail.encode()  # it goes into a table
    return refused.value


# --- what is read ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_manifest_names_the_article(method: int) -> None:
    meca = Meca(packed(method=method))
    assert meca.xml == XML
    assert meca.version == 2
    assert meca.names == ("7.pdf", "7.xml", "7v2_fig1.tif", "manifest.xml", "mimetype")
    assert dict(meca.read({"7v2_fig1.tif"})) == {"7v2_fig1.tif": b"tif" * 999}
    assert list(meca.read(())) == []


def test_zip_put_together_by_hand_is_read() -> None:
    assert content(zipped(entry(b"content/a.tif", b"1")))["a.tif"] == b"1"


def test_other_xml_is_no_article() -> None:
    assert Meca(packed({"transfer.xml": b"<transfer/>", "content/supplements/model.xml": b"<sbml/>"})).xml == XML


@pytest.mark.parametrize(
    "items",
    [
        ARTICLE.format("text/xml", "content/7.xml", PDF).replace('"7v2"', '"article"'),
        f'<item id="a" item-type="article-metadata"><instance {XLINK} media-type="xml" x:href="content/7.xml"/></item>',
        '<item item-type="manuscript"><instance media-type="application/xml" href="./content/7.xml"/></item>',
        ARTICLE.format("application/xml", "content/7.xml", "").replace('"7v2"', '"m"')
        + '<item type="article-metadata"><instance media-type="application/xml" href="other.xml"/></item>',
    ],
)
def test_later_forms_of_the_manifest_are_read(items: str) -> None:
    meca = Meca(packed({"manifest.xml": manifest(items)}))
    assert (meca.xml, meca.version) == (XML, None)


def test_name_of_the_article_may_be_percent_encoded() -> None:
    files = {"content/7.xml": None, "content/a b.xml": XML, "manifest.xml": manifest(href="content/a%20b.xml")}
    assert Meca(packed(files)).xml == XML


def test_manifest_is_read_without_its_document_type() -> None:
    laughs = '<!DOCTYPE manifest [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    assert Meca(packed({"manifest.xml": manifest(doctype=laughs)})).xml == XML
    used = manifest(ARTICLE.format("application/xml", "&c;", ""), doctype=laughs)
    assert refusal(packed({"manifest.xml": used})).reason == Reason.TAR_CORRUPT


# --- refusals -------------------------------------------------------------------------------------

TWO = ARTICLE.format(
    "application/xml", "content/7.xml", '<instance media-type="application/xml" href="content/b.xml"/>'
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, Reason.TAR_MEMBER),
        (b"", Reason.TAR_CORRUPT),
        (b"<manifest><item>", Reason.TAR_CORRUPT),
        (b"<manifest/>", Reason.TAR_MEMBER),
        (manifest(FIGURE), Reason.TAR_MEMBER),
        (manifest(TWO), Reason.TAR_MEMBER),
        (manifest(href="content/8.xml"), Reason.TAR_MEMBER),
        (manifest(href="../content/7.xml"), Reason.TAR_MEMBER),
        (manifest(href=""), Reason.TAR_MEMBER),
        (b"<!--" + b"x" * MIB + b"-->" + MANIFEST, Reason.TAR_LIMIT),
    ],
)
def test_manifest_that_names_no_single_article_is_refused(data: bytes | None, reason: Reason) -> None:
    assert refusal(packed({"manifest.xml": data})).reason == reason


@pytest.mark.parametrize(
    "name",
    ["../a.tif", "/a.tif", "content/../../a.tif", "content\\a.tif", "a\0.tif", "a\n.tif", "x" * 201, "", "C:a.tif"],
)
def test_name_that_is_no_plain_path_is_refused(name: str) -> None:
    assert refusal(zipped(entry(name.encode()))).reason == Reason.TAR_MEMBER


@pytest.mark.parametrize("name", [b"content/7.xml", b"7.xml", b"content/more/7.XML", b"supplement/7.xml"])
def test_two_files_of_one_name_are_refused(name: bytes) -> None:
    assert refusal(zipped(entry(name))).reason == Reason.TAR_MEMBER


@pytest.mark.parametrize(
    "changes",
    [
        {"flags": 1},
        {"flags": 0x40},
        {"flags": 0x2000},
        {"method": 12},
        {"method": 14},
        {"method": 99},
        {"mode": stat.S_IFLNK | 0o777},
        {"mode": stat.S_IFCHR},
        {"mode": stat.S_IFDIR},
        {"name": b"content/a/"},
    ],
)
def test_anything_but_plain_files_is_refused(changes: dict[str, Any]) -> None:
    assert refusal(zipped(entry(b"content/a.tif", b"1") | changes)).reason == Reason.TAR_MEMBER


@pytest.mark.parametrize(
    "changes",
    [
        {"crc": 1},
        {"size": 5},  # smaller and larger than what it is
        {"size": 2000},
        {"packed_size": 3},
        {"packed_size": 10_000},
        {"packed": b"\xff" * 20},
        {"local_name": b"content/b.tif"},
        {"local_method": 0},
        {"local_flags": 1},
        {"offset": 0},  # on another member: the non-recursive bomb
        {"offset": 3},
        {"offset": 10**9},
        {"method": 0},
    ],
)
def test_member_that_is_not_what_the_directory_says_is_refused(changes: dict[str, Any]) -> None:
    data = entry(b"content/a.tif", b"1" * 1000) | changes
    assert refusal(zipped(data)).reason == Reason.TAR_CORRUPT


GOOD = packed()


@pytest.mark.parametrize(
    "data", [b"", GOOD[:-1], GOOD[:-30], GOOD[: len(GOOD) // 2], GOOD[100:], b"<html>Sorry</html>" * 99, GOOD[-22:]]
)
def test_damaged_zip_is_refused(data: bytes) -> None:
    assert refusal(data).reason == Reason.TAR_CORRUPT


def test_flipped_bit_in_a_file_is_seen() -> None:
    for at in range(len(GOOD) * 8):
        data = bytearray(GOOD)
        data[at // 8] ^= 1 << at % 8
        try:
            found = content(bytes(data))
        except ArchiveRefused:
            continue
        assert sorted(found.values()) == sorted(data for name, data in FILES.items() if not name.endswith("/"))


# --- bombs ----------------------------------------------------------------------------------------


def zeros(num_mib: int) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = deflate.compress(bytes(MIB)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return first * num_mib + b"\x03\0"


def big(size: int, number: int = 0) -> dict[str, Any]:
    return entry(b"content/%d.tif" % number) | {"packed": zeros(512), "size": size}


@pytest.mark.parametrize(
    "more",
    [
        [big(2**31)],
        [big(512 * MIB, number) for number in range(4)],  # 2 GiB, each within its cap
        [entry(b"content/%d.tif" % number) for number in range(10_000)],
        [entry(b"content/%0190d.tif" % number) for number in range(9_000)],
    ],
    ids=["large", "many", "members", "directory"],
)
def test_bomb_is_refused_soon(more: list[dict[str, Any]]) -> None:
    data = zipped(*more)
    start = time.monotonic()
    assert refusal(data).reason == Reason.TAR_LIMIT
    assert time.monotonic() - start < 3


def test_bomb_that_lies_is_refused_at_the_size_that_it_says() -> None:
    data = zipped(big(1000))
    start = time.monotonic()
    assert refusal(data).reason == Reason.TAR_CORRUPT
    assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    ("caps", "reason"),
    [
        (Caps(max_inflated_bytes=3000), Reason.TAR_LIMIT),
        (Caps(max_member_bytes=2000), Reason.TAR_LIMIT),
        (Caps(max_members=5), Reason.TAR_LIMIT),
        (Caps(max_header_bytes=100), Reason.TAR_LIMIT),
        (Caps(max_ratio=2, min_ratio_bytes=1000), Reason.TAR_LIMIT),
        (Caps(max_xml_bytes=9), Reason.TOO_LARGE),
    ],
)
def test_each_cap_counts(caps: Caps, reason: Reason) -> None:
    assert refusal(GOOD, caps).reason == reason


# --- laws and real files --------------------------------------------------------------------------


@given(st.data())
def test_nothing_but_a_refusal_comes_of_strange_bytes(data: Any) -> None:
    directory = GOOD.index(b"PK\1\2")
    at = data.draw(st.integers(directory, len(GOOD)) | st.integers(0, len(GOOD)))
    changed = GOOD[:at] + data.draw(st.binary(max_size=12)) + GOOD[at + data.draw(st.integers(0, 12)) :]
    try:
        content(changed)
    except ArchiveRefused as refused:
        refused.detail.encode()


@pytest.mark.parametrize(
    ("name", "figure", "crc"),
    [
        ("95901-v1-meca.zip", "24301711v1_fig1.tif", 9_914_496),
        ("f2af58f0-7111-1014-b4ee-f306f628684d.meca", "658655v1_fig1.tif", 11_133_520),
    ],
)
def test_real_archives_are_read_as_zipfile_reads_them(shared: Path, name: str, figure: str, crc: int) -> None:
    path = shared / "corpus" / "extras" / name
    with path.open("rb") as stream, zipfile.ZipFile(path) as archive:
        meca = Meca(stream)
        assert meca.version == 1
        ((_, data),) = meca.read({figure})
        assert data == archive.read(f"content/{figure}")
        assert len(data) == crc
        assert meca.xml == archive.read(
            next(path for path in archive.namelist() if path.startswith("content/") and path.endswith(".xml"))
        )
