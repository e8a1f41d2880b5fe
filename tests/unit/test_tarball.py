"""Legacy tarballs: what is whole and honest is read, anything else is refused, soon."""

import gzip
import io
import struct
import tarfile
import time
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.acquire.members import ArchiveRefused, Caps
from pmc15m.acquire.tarball import Tarball
from pmc15m.records import Reason

XML = b"<article/>"
FILES = {"PMC7/mill.nxml": XML, "PMC7/mill-g001.jpg": b"jpg" * 400, "PMC7/mill-g001.gif": b"", "PMC7/mill.pdf": b"p"}
END = bytes(1024)
NO_CAP = Caps(max_ratio=10_000)
MIB = 2**20


def header(name: bytes = b"PMC7/a.jpg", size: int | bytes = 0, kind: bytes = b"0") -> bytes:
    """Return one header block, put together by hand."""
    octal = size if isinstance(size, bytes) else b"%011o\0" % size
    fields = (name, b"0000644\0", b"0000000\0", b"0000000\0", octal, b"00000000000\0", b" " * 8, kind, b"")
    return checked(struct.pack("100s8s8s8s12s12s8s1s100s6s2s247x", *fields, b"ustar\0", b"00"))


def checked(block: bytes) -> bytes:
    """Return a block with its right checksum."""
    block = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def member(name: bytes, data: bytes = b"", kind: bytes = b"0") -> bytes:
    return header(name, len(data), kind) + data + bytes(-len(data) % 512)


def pax(kind: bytes = b"x", **records: str) -> bytes:
    data = b""
    for key, value in records.items():
        text = f" {key.replace('__', '.')}={value}\n".encode("utf-8", "surrogateescape")
        size = len(text) + len(str(len(text)))
        data += str(size + (len(str(size)) > len(str(len(text))))).encode() + text
    return member(b"pax", data, kind)


NXML = member(b"PMC7/mill.nxml", XML)


def gz(*parts: bytes) -> bytes:
    return gzip.compress(b"".join(parts), 1, mtime=0)


def packed(files: dict[str, bytes], tar_format: int = tarfile.GNU_FORMAT) -> bytes:
    """Return a tarball as a well-meaning program makes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tar_format) as tar:
        folder = tarfile.TarInfo("PMC7")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def content(data: bytes) -> dict[str, bytes]:
    tarball = Tarball(data)
    return dict(tarball.read(tarball.names))


def refusal(data: bytes, caps: Caps = NO_CAP) -> ArchiveRefused:
    with pytest.raises(ArchiveRefused) as refused:
        Tarball(data, caps)
    refused.value.detail.encode()  # it goes into a table
    return refused.value


# --- what is read ---------------------------------------------------------------------------------


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_files_are_known_by_their_base_names(tar_format: int) -> None:
    tarball = Tarball(packed(FILES, tar_format))
    assert tarball.xml == XML
    assert tarball.names == ("mill-g001.gif", "mill-g001.jpg", "mill.nxml", "mill.pdf")
    assert dict(tarball.read({"mill-g001.jpg"})) == {"mill-g001.jpg": b"jpg" * 400}
    assert dict(tarball.read(tarball.names)) == {name[5:]: data for name, data in FILES.items()}


@pytest.mark.parametrize("tar_format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_are_read(tar_format: int) -> None:
    name = "m\u00fchle " + "x" * 150 + "(1).jpg"
    assert content(packed({"PMC7/a.nxml": XML, f"PMC7/{name}": b"1"}, tar_format)) == {"a.nxml": XML, name: b"1"}


def test_order_of_members_does_not_matter() -> None:
    backwards = dict(reversed(FILES.items()))
    assert content(packed(FILES)) == content(packed(backwards))
    assert Tarball(packed(FILES)).names == Tarball(packed(backwards)).names


def test_stream_is_read_from_its_start() -> None:
    stream = io.BytesIO(packed(FILES))
    stream.seek(5)
    assert Tarball(stream).xml == XML


def test_nothing_is_read_where_nothing_is_asked_for() -> None:
    assert list(Tarball(packed(FILES)).read(())) == []


def test_file_that_is_not_there_is_not_read() -> None:
    with pytest.raises(ArchiveRefused, match=r"mill\.tif"):
        list(Tarball(packed(FILES)).read({"mill.tif"}))


def test_article_may_be_called_xml_where_there_is_no_nxml() -> None:
    assert Tarball(packed({"PMC7/a.xml": XML, "PMC7/b.jpg": b""})).xml == XML
    assert Tarball(packed({"PMC7/model.xml": b"<sbml/>", "PMC7/a.nxml": XML, "PMC7/b.xml": b""})).xml == XML


@pytest.mark.parametrize("names", [(), ("a.pdf",), ("a.nxml", "b.nxml"), ("a.xml", "b.xml"), ("a.nxml", "b.NXML")])
def test_none_or_two_articles_are_refused(names: tuple[str, ...]) -> None:
    assert refusal(packed(dict.fromkeys(names, XML))).reason == Reason.TAR_MEMBER


def test_members_may_lie_under_a_dot() -> None:
    assert content(gz(member(b"./", kind=b"5"), member(b"./PMC7/a.nxml", XML), END)) == {"a.nxml": XML}


def test_pax_header_may_give_the_size() -> None:
    data = pax(size=str(len(XML)), path="PMC7/a.nxml") + member(b"PMC7/x", XML)
    assert content(gz(pax(b"g", comment="made by git"), data, END)) == {"a.nxml": XML}


def test_padding_after_archive_and_gzip_stream_is_nothing() -> None:
    assert content(gz(NXML, END, bytes(8704)) + bytes(512)) == {"mill.nxml": XML}


def test_memory_is_bounded_by_the_largest_file_that_is_asked_for() -> None:
    picture = bytes(range(256)) * 2**13  # 2 MiB
    files = {f"PMC7/g{number:02d}.jpg": picture for number in range(12)}
    data = packed({**files, "PMC7/a.nxml": XML})
    tracemalloc.start()
    for _, read in Tarball(data).read([name[5:] for name in files]):
        assert read == picture
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * len(picture)


# --- members --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"6", b"7", b"S", b"K", b"D", b"M", b"V", b"X", b"Z"])
def test_anything_but_files_and_folders_is_refused(kind: bytes) -> None:
    assert refusal(gz(NXML, header(kind=kind), END)).reason == Reason.TAR_MEMBER


def test_sparse_file_in_pax_is_refused() -> None:
    sparse = pax(GNU__sparse__realsize="1099511627776") + member(b"PMC7/a.jpg")
    assert refusal(gz(NXML, sparse, END)).reason == Reason.TAR_MEMBER


@pytest.mark.parametrize("key", ["path", "size", "linkpath", "GNU__sparse__name"])
def test_global_header_that_renames_all_is_refused(key: str) -> None:
    assert refusal(gz(pax(b"g", **{key: "5"}), NXML, END)).reason == Reason.TAR_MEMBER


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (b"\xff" * 11 + b"\xf0", Reason.TAR_MEMBER),  # -16 in base 256
        (b"-0000000001\0", Reason.TAR_MEMBER),
        (b"\x80" + bytes(5) + b"\x01" + bytes(5), Reason.TAR_LIMIT),  # 1 TiB
        (513 * MIB, Reason.TAR_LIMIT),
    ],
)
def test_size_out_of_range_is_refused(size: int | bytes, reason: Reason) -> None:
    assert refusal(gz(NXML, header(size=size), END)).reason == reason
    assert refusal(gz(NXML, header(size=size, kind=b"x"), END)).reason == reason
    assert refusal(gz(NXML, header(b"PMC7/", size, b"5"), END)).reason in {Reason.TAR_MEMBER, reason}


@pytest.mark.parametrize("size", ["-5", "1e3", "\u0661", "", "9" * 30, "0x10", "5 "])
def test_size_in_pax_that_is_none_is_refused(size: str) -> None:
    assert refusal(gz(NXML, pax(size=size), member(b"PMC7/a.jpg"), END)).reason == Reason.TAR_MEMBER


def test_folder_with_content_is_refused() -> None:
    assert refusal(gz(NXML, member(b"PMC7/", b"12", b"5"), END)).reason == Reason.TAR_MEMBER


@pytest.mark.parametrize(
    "other", ["PMC7/mill.jpg", "PMC8/mill.jpg", "PMC7/MILL.jpg", "PMC7/a/b/mill.jpg"], ids=lambda name: str(name)
)
def test_two_files_of_one_name_are_refused(other: str) -> None:
    refused = refusal(gz(NXML, member(b"PMC7/mill.jpg", b"1"), member(other.encode(), b"2"), END))
    assert refused.reason == Reason.TAR_MEMBER
    assert "mill.jpg" in refused.detail


def test_composed_and_decomposed_name_are_one() -> None:
    names = ("PMC7/m\u00fchle.jpg", "PMC7/mu\u0308hle.jpg")
    assert refusal(gz(NXML, *(member(name.encode()) for name in names), END)).reason == Reason.TAR_MEMBER


BAD_NAMES = [
    "../a.jpg", "/etc/passwd", "PMC7/../../a.jpg", "PMC7/..", "..", "PMC7//a.jpg", "PMC7/./a.jpg", "//a.jpg", "",
    "PMC7\\a.jpg", "C:a.jpg", "PMC7/a\n.jpg", "PMC7/a\x7f.jpg", "PMC7/a\u202egpj.exe", "PMC7/a\u200b.jpg",
    "PMC7/.a.jpg", "PMC7/CON", "PMC7/nul.jpg", "PMC7/a.jpg.", "PMC7/a.jpg ", "PMC7/a?.jpg", "PMC7/a*.jpg",
    "PMC7/" + "x" * 201, "PMC7/" + "\u00fc" * 101, "x" * 300 + "/a.jpg", "PMC7/a\udcfc.jpg", "PMC7/a\0.jpg",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_name_that_is_no_plain_file_name_is_refused(name: str) -> None:
    assert refusal(gz(NXML, pax(path=name), member(b"PMC7/a.jpg"), END)).reason == Reason.TAR_MEMBER
    assert refusal(gz(NXML, pax(path=f"{name}/a.jpg"), member(b"PMC7/a.jpg"), END)).reason == Reason.TAR_MEMBER
    encoded = name.encode("utf-8", "surrogateescape")
    if len(encoded) < 100 and "\0" not in name:
        assert refusal(gz(NXML, member(encoded), END)).reason == Reason.TAR_MEMBER
        assert not name or refusal(gz(NXML, member(encoded + b"/", kind=b"5"), END)).reason == Reason.TAR_MEMBER
        gnu = member(b"L", encoded + b"\0", b"L")
        assert refusal(gz(NXML, gnu, member(b"PMC7/a.jpg"), END)).reason == Reason.TAR_MEMBER


# --- damage ---------------------------------------------------------------------------------------

WHOLE = NXML + member(b"PMC7/a.jpg", b"1" * 1000)


@pytest.mark.parametrize(
    "tar",
    [
        WHOLE,  # cut at a member boundary
        WHOLE[:-100] + b"",
        WHOLE[:-1100],
        WHOLE + bytes(512),
        WHOLE + bytes(512) + member(b"PMC7/b.jpg") + END,
        WHOLE + END + b"1",
        WHOLE + END + bytes(2**19) + member(b"PMC7/b.jpg"),
        WHOLE + pax(path="PMC7/b.jpg") + END,
        NXML + header(size=2000) + b"1" * 1000 + bytes(24) + member(b"PMC7/b.jpg") + END,  # size too large
        NXML + header(size=400) + b"1" * 1000 + bytes(24) + END,  # size too small
        NXML + header()[:148] + b"0000000\0" + header()[156:] + END,  # checksum
        NXML + member(b"pax", b"20 path=PMC7/a\n", b"x") + member(b"PMC7/a.jpg") + END,
        NXML + member(b"pax", b"path=PMC7/a\n", b"x") + member(b"PMC7/a.jpg") + END,
        NXML + member(b"pax", b"0 ", b"x") + member(b"PMC7/a.jpg") + END,
        NXML + member(b"pax", b"9 path a\n", b"x") + member(b"PMC7/a.jpg") + END,
        NXML + member(b"pax", b"99999999999999999999 a=b\n", b"x") + member(b"PMC7/a.jpg") + END,
        b"",
        b"<html>Sorry</html>" * 100,
    ],
)
def test_damaged_tar_is_refused(tar: bytes) -> None:
    assert refusal(gz(tar)).reason == Reason.TAR_CORRUPT


GOOD = gz(WHOLE, END)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        WHOLE + END,
        b"<html>Sorry</html>",
        GOOD[:-1],
        GOOD[:-8],
        GOOD[: len(GOOD) // 2],
        GOOD[:12],
        GOOD[:-8] + bytes([GOOD[-8] ^ 1]) + GOOD[-7:],  # CRC
        GOOD[:-1] + bytes([GOOD[-1] ^ 1]),  # length
        GOOD + b"1",
        GOOD + bytes(2 * MIB),
        GOOD + gz(b"more"),
        GOOD + GOOD,
        zlib.compress(WHOLE + END),
    ],
)
def test_damaged_gzip_stream_is_refused(data: bytes) -> None:
    assert refusal(data).reason == Reason.TAR_CORRUPT


def test_every_flipped_bit_is_seen_or_changes_nothing() -> None:
    stored, good = gzip.compress(WHOLE + END, 0, mtime=0), content(GOOD)
    unseen = set()
    for at in range(len(stored) * 8):
        data = bytearray(stored)
        data[at // 8] ^= 1 << at % 8
        try:
            assert content(bytes(data)) == good
            unseen.add(at // 8)
        except ArchiveRefused as refused:
            assert refused.reason == Reason.TAR_CORRUPT  # noqa: PT017
    assert unseen <= set(range(3, 11))  # flags, time and system of the gzip header, padding of the first block


# --- bombs ----------------------------------------------------------------------------------------


def zeros(num_mib: int) -> bytes:
    """Return a raw deflate stream of zeros, without its end."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = deflate.compress(bytes(MIB)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return first * num_mib


def deflated(data: bytes) -> bytes:
    deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush(zlib.Z_FULL_FLUSH)


GZIP_HEAD = b"\x1f\x8b\x08" + bytes(6) + b"\x03"


def big_member() -> bytes:
    return deflated(NXML + header(size=2**31)) + zeros(2048)


def many_members() -> bytes:
    parts = (deflated(header(b"PMC7/%d.jpg" % number, 64 * MIB)) + zeros(64) for number in range(32))
    return deflated(NXML) + b"".join(parts)


def zeros_after_the_end() -> bytes:
    return deflated(NXML) + zeros(2048)


def pax_bomb() -> bytes:
    return deflated(NXML + header(size=50 * MIB, kind=b"x")) + zeros(50)


def long_name_bomb() -> bytes:
    return deflated(NXML + header(size=50 * MIB, kind=b"L")) + zeros(50)


def pax_flood() -> bytes:
    return deflated(NXML) + deflated(header(size=0, kind=b"x") * 2048) * 500


def million_members() -> bytes:
    names = (member(b"PMC7/%d" % number) for number in range(20_000))
    return deflated(NXML + b"".join(names)) * 50


def million_folders() -> bytes:
    return deflated(NXML) + deflated(member(b"PMC7/", kind=b"5") * 10_000) * 100


@pytest.mark.parametrize(
    "bomb",
    [
        big_member, many_members, zeros_after_the_end, pax_bomb, long_name_bomb, pax_flood, million_members,
        million_folders,
    ],
)  # fmt: skip
def test_bomb_is_refused_soon(bomb: Callable[[], bytes]) -> None:
    data = GZIP_HEAD + bomb()
    start = time.monotonic()
    assert refusal(data, Caps()).reason == Reason.TAR_LIMIT
    assert time.monotonic() - start < 3  # 0.3 s at the most on an idle machine; tarfile takes minutes


@pytest.mark.parametrize(
    ("caps", "reason"),
    [
        (Caps(max_inflated_bytes=3000), Reason.TAR_LIMIT),
        (Caps(max_member_bytes=999), Reason.TAR_LIMIT),
        (Caps(max_members=1), Reason.TAR_LIMIT),
        (Caps(max_header_bytes=500), Reason.TAR_LIMIT),
        (Caps(max_ratio=10, min_ratio_bytes=1000), Reason.TAR_LIMIT),
        (Caps(max_xml_bytes=9), Reason.TOO_LARGE),
    ],
)
def test_each_cap_counts(caps: Caps, reason: Reason) -> None:
    data = gz(NXML, pax(path="PMC7/a.jpg"), member(b"PMC7/x", b"1" * 1000), END)
    assert content(data)["a.jpg"] == b"1" * 1000
    assert refusal(data, caps).reason == reason


# --- laws -----------------------------------------------------------------------------------------

TAR = NXML + pax(path="PMC7/b.jpg") + member(b"PMC7/a.jpg", b"123") + member(b"L", b"PMC7/c.gif\0", b"L") + NXML + END


@given(st.integers(0, 8), st.lists(st.tuples(st.integers(0, 511), st.binary(min_size=1, max_size=12)), max_size=4))
def test_nothing_but_a_refusal_comes_of_a_strange_header(number: int, changes: list[tuple[int, bytes]]) -> None:
    blocks = [bytearray(TAR[at : at + 512]) for at in range(0, len(TAR), 512)]
    block = blocks[number]
    for at, data in changes:
        block[at : at + len(data)] = data[: 512 - at]
    blocks[number] = bytearray(checked(bytes(block)))
    for tar in (b"".join(bytes(other) for other in blocks), TAR[: number * 512] + bytes(block) + TAR[number * 512 :]):
        look(gz(tar))


@given(st.data())
def test_nothing_but_a_refusal_comes_of_strange_bytes(data: Any) -> None:
    whole = gz(TAR) if data.draw(st.booleans()) else TAR
    at = data.draw(st.integers(0, len(whole)))
    changed = whole[:at] + data.draw(st.binary(max_size=30)) + whole[at + data.draw(st.integers(0, 600)) :]
    look(changed if whole is not TAR else gz(changed))


def look(data: bytes) -> None:
    try:
        content(data)
    except ArchiveRefused as refused:
        refused.detail.encode()
