"""Tar archives: byte for byte those of the standard library, and what webdataset reads."""

import gc
import hashlib
import io
import tarfile
from pathlib import Path

import pytest
import webdataset
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.release.tar import BLOCK_BYTES, MAX_NAME_BYTES, RECORD_BYTES, TarFile, make_header, write_tar

Members = list[tuple[str, bytes]]

SAMPLES: Members = [
    ("PMC7_0001_01.jpg", b"\xff\xd8" + b"j" * 700),
    ("PMC7_0001_01.json", b'{"key": "PMC7_0001_01"}'),
    ("PMC7_0001_01.txt", "M\u00fchle".encode()),
    ("PMC8_0001_01.jpg", b"\xff\xd8" + b"k" * 510),
    ("PMC8_0001_01.json", b"{}"),
    ("PMC8_0001_01.txt", b""),
]


def standard(members: Members) -> bytes:
    """Return what the standard library writes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def ours(members: Members) -> tuple[bytes, str]:
    """Return our archive and its digest."""
    out = io.BytesIO()
    digest = write_tar(out, members)
    return out.getvalue(), digest


names = st.text("abcXYZ019_.-", min_size=1, max_size=MAX_NAME_BYTES)


@given(st.lists(st.tuples(names, st.binary(max_size=1_200)), max_size=30))
def test_archive_is_byte_for_byte_that_of_the_standard_library(members: Members) -> None:
    data, digest = ours(members)
    assert data == standard(members)
    assert digest == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, RECORD_BYTES, 3 * 2**20])
def test_member_of_any_size_is_padded_as_it_should_be(size: int) -> None:
    members = [("a.jpg", b"x" * size), ("b.txt", b"y")]
    data, _ = ours(members)
    assert data == standard(members)
    assert len(data) % RECORD_BYTES == 0


def test_archive_without_members_is_one_record_of_nothing() -> None:
    assert ours([])[0] == standard([]) == bytes(RECORD_BYTES)


def test_members_have_no_time_no_owner_and_one_mode() -> None:
    with tarfile.open(fileobj=io.BytesIO(ours(SAMPLES)[0])) as archive:
        for info in archive:
            assert (info.mtime, info.uid, info.gid, info.uname, info.gname) == (0, 0, 0, "", "")
            assert (info.mode, info.type) == (0o644, tarfile.REGTYPE)


def test_offset_of_a_member_is_where_its_data_begins() -> None:
    out = io.BytesIO()
    tar = TarFile(out)
    offsets = [tar.add(name, data) for name, data in SAMPLES]
    tar.close()
    written = out.getvalue()
    assert tar.num_bytes == len(written)
    for offset, (_, data) in zip(offsets, SAMPLES, strict=True):
        assert written[offset : offset + len(data)] == data
    with tarfile.open(fileobj=io.BytesIO(written)) as archive:
        assert [info.offset_data for info in archive] == offsets


@pytest.mark.parametrize("name", ["", "m" * (MAX_NAME_BYTES + 1), "m\u00fchle.jpg", "folder/" * 20 + "a.jpg"])
def test_name_that_ustar_cannot_hold_plainly_is_refused_and_nothing_is_written(name: str) -> None:
    out = io.BytesIO()
    tar = TarFile(out)
    with pytest.raises(ValueError, match="a member's name must be ASCII of 1 to 100 bytes"):
        tar.add(name, b"data")
    tar.close()
    assert out.getvalue() == bytes(RECORD_BYTES)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # webdataset leaves the file to the garbage collector
def test_webdataset_reads_whole_samples(tmp_path: Path) -> None:
    path = tmp_path / "pmc15m-train-000000.tar"
    path.write_bytes(ours(SAMPLES)[0])
    samples = list(webdataset.WebDataset(str(path), shardshuffle=False, empty_check=False))
    gc.collect()
    assert [sample["__key__"] for sample in samples] == ["PMC7_0001_01", "PMC8_0001_01"]
    members = {f"{sample['__key__']}.{kind}": sample[kind] for sample in samples for kind in ("jpg", "json", "txt")}
    assert members == dict(SAMPLES)


@given(
    st.text(st.characters(max_codepoint=126, min_codepoint=32), min_size=1, max_size=100),
    st.integers(0, 8**11 + 5),
)
def test_header_is_the_one_that_tarfile_makes(name: str, num_bytes: int) -> None:
    info = tarfile.TarInfo(name)
    info.size = num_bytes
    try:
        wanted = info.tobuf(tarfile.USTAR_FORMAT)
    except ValueError:  # a size beyond 8 GiB
        with pytest.raises(ValueError, match="overflow"):
            make_header(name, num_bytes)
    else:
        assert make_header(name, num_bytes) == wanted
