"""Metadata JSON: what the service writes is read, and nothing else is."""

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.acquire.metadata import MAX_NAME_BYTES, MetadataError, MetadataMismatchError, parse_metadata
from pmc15m.licenses import LICENSE_CLASSES
from pmc15m.records import ArticleRef, MediaFile, Package

REF = ArticleRef("PMC4991227", 1, "PMC4991227.1")
MD5 = "0123456789abcdef0123456789abcdef"
ROOT = "s3://pmc-oa-opendata/PMC4991227.1"
FIELDS: dict[str, Any] = {
    "pmcid": "PMC4991227",
    "version": 1,
    "pmid": 27541359,
    "doi": "10.1371/journal.pone.0161231",
    "mid": None,
    "title": "Mills of the north",
    "citation": "PLoS One. 2016; 11(8)",
    "is_pmc_openaccess": True,
    "is_manuscript": False,
    "is_historical_ocr": False,
    "is_retracted": False,
    "license_code": "CC BY",
    "xml_url": f"{ROOT}/PMC4991227.1.xml?md5={MD5}",
    "text_url": None,
    "media_urls": [f"{ROOT}/wheel.gif?md5={MD5}", f"{ROOT}/mill.jpg"],
}
OPTIONAL = ("pmid", "doi", "title", "citation", "license_code", "media_urls")
REQUIRED = ("pmcid", "version", "is_pmc_openaccess", "is_manuscript", "is_retracted", "xml_url")
WRONG = {str: 3, int: "3", bool: 1, list: "s3://bucket/a.jpg"}
KINDS = {
    name: kind
    for kind, names in {
        str: ("pmcid", "doi", "title", "citation", "license_code", "xml_url"),
        int: ("version", "pmid"),
        bool: ("is_pmc_openaccess", "is_manuscript", "is_retracted"),
        list: ("media_urls",),
    }.items()
    for name in names
}


def parse(**changes: Any) -> Package:
    return parse_metadata(REF, json.dumps(FIELDS | changes).encode())


def refusal(data: bytes) -> str:
    """Return what is said of bytes that are refused."""
    with pytest.raises(MetadataError) as refused:
        parse_metadata(REF, data)
    str(refused.value).encode()  # it goes into a table
    return str(refused.value)


def media(*names: str) -> bytes:
    return json.dumps(FIELDS | {"media_urls": [f"{ROOT}/{name}" for name in names]}).encode()


def test_what_the_service_writes_is_a_package() -> None:
    assert parse() == Package(
        ref=REF,
        xml_md5=MD5,
        media=(MediaFile("mill.jpg", None), MediaFile("wheel.gif", MD5)),
        doi="10.1371/journal.pone.0161231",
        pmid=27541359,
        title="Mills of the north",
        citation="PLoS One. 2016; 11(8)",
        license="CC BY",
        is_open_access=True,
        is_retracted=False,
        is_manuscript=False,
    )


@pytest.mark.parametrize("name", OPTIONAL)
def test_optional_field_may_be_null_or_absent(name: str) -> None:
    absent = parse_metadata(REF, json.dumps({k: v for k, v in FIELDS.items() if k != name}).encode())
    assert absent == parse(**{name: None})
    value = {"license_code": "none", "media_urls": ()}.get(name)
    assert getattr(absent, {"license_code": "license", "media_urls": "media"}.get(name, name)) == value


@pytest.mark.parametrize("name", REQUIRED)
def test_required_field_may_not_be_null_or_absent(name: str) -> None:
    for fields in (FIELDS | {name: None}, {k: v for k, v in FIELDS.items() if k != name}):
        assert refusal(json.dumps(fields).encode()) == f"{name} must be {KINDS[name].__name__}, not None"


@pytest.mark.parametrize("name", KINDS)
def test_field_of_the_wrong_type_is_refused(name: str) -> None:
    for value in (WRONG[KINDS[name]], {}, 1.0):
        said = refusal(json.dumps(FIELDS | {name: value}).encode())
        assert said == f"{name} must be {KINDS[name].__name__}, not {value!r}"


def test_true_is_no_number_and_one_no_truth() -> None:
    assert "version must be int" in refusal(json.dumps(FIELDS | {"version": True}).encode())
    assert "is_retracted must be bool" in refusal(json.dumps(FIELDS | {"is_retracted": 0}).encode())


def test_empty_text_is_no_text() -> None:
    package = parse(doi="", title="", citation="")
    assert (package.doi, package.title, package.citation) == (None, None, None)


@pytest.mark.parametrize("code", LICENSE_CLASSES)
def test_licence_class_of_the_service_is_taken(code: str) -> None:
    assert parse(license_code=code).license == code


@pytest.mark.parametrize("code", ["cc by", "CC-BY", "CC BY 4.0", "NO-CC CODE", "", "TBD"])
def test_unknown_licence_code_is_no_licence(code: str) -> None:
    assert parse(license_code=code).license == "none"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not sound JSON"),
        (b"<html>", "not sound JSON"),
        (b'{"pmcid": "PMC4991227"', "not sound JSON"),
        (b"\xff\xfe\x00", "not sound JSON"),
        (b'{"pmcid": "\xff"}', "not sound JSON"),
        (b'{"a": 1, "a": 1}', "a key stands twice"),
        (b'{"b": {"a": 1, "a": 2}}', "a key stands twice"),
        (b'{"version": NaN}', "NaN is no JSON number"),
        (b'{"pmid": -Infinity}', "-Infinity is no JSON number"),
        (b'{"pmid": ' + b"1" * 5_000 + b"}", "not sound JSON"),
        (b"[]", "a list, not an object"),
        (b"null", "a NoneType, not an object"),
        (b'"PMC4991227"', "a str, not an object"),
    ],
)
def test_what_is_no_sound_object_is_refused(data: bytes, said: str) -> None:
    assert said in refusal(data)


@pytest.mark.parametrize("data", [b"[" * 200_000, b'{"a":' * 100_000, b"[" * 990 + b"]" * 990])
def test_deep_nesting_is_refused_and_no_crash(data: bytes) -> None:
    refusal(data)


def test_deep_nesting_inside_a_field_is_refused() -> None:
    deep = b"[" * sys.getrecursionlimit() + b"]" * sys.getrecursionlimit()
    refusal(json.dumps(FIELDS).encode()[:-1] + b', "more": ' + deep + b"}")


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind is str])
def test_lone_surrogate_is_refused(name: str) -> None:
    text = json.dumps(FIELDS | {name: "?"}).replace('"?"', '"\\ud800"')
    assert refusal(text.encode()) == f"{name} holds a lone surrogate"


def test_lone_surrogate_written_as_bytes_is_refused() -> None:
    refusal(json.dumps(FIELDS | {"title": "?"}).encode().replace(b'"?"', b'"\xed\xa0\x80"'))


def test_pair_of_surrogates_is_a_character() -> None:
    assert parse(title="\U0001f9ec").title == "\U0001f9ec"


@pytest.mark.parametrize("name", ["version", "pmid"])
@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_number_beyond_64_bits_is_refused(name: str, value: int) -> None:
    assert refusal(json.dumps(FIELDS | {name: value}).encode()) == f"{name} is beyond 64 bits"


@pytest.mark.parametrize("change", [{"pmcid": "PMC4991228"}, {"version": 2}, {"pmcid": "4991227"}])
def test_metadata_of_another_article_version_is_a_mismatch(change: dict[str, Any]) -> None:
    with pytest.raises(MetadataMismatchError, match=r"lies under PMC4991227\.1"):
        parse(**change)


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        ".hidden.jpg",
        "mill.jpg.",
        "mill.jpg ",
        "mi\x00ll.jpg",
        "mi\nll.jpg",
        "mi\x7fll.jpg",
        "mi\\ll.jpg",
        "..\\..\\mill.jpg",
        "gpj.\u202ellim",
        "\u200fmill.jpg",
        "mill\ud800.jpg",
        "m" * (MAX_NAME_BYTES - 3) + ".jpg",
        "\u00e9" * 100 + ".jpg",
        "m" * 300,
        "",
    ],
)
def test_name_that_is_no_plain_file_name_is_refused(name: str) -> None:
    assert "which is no plain file name" in refusal(media("wheel.gif", name))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("/etc/passwd.jpg", "passwd.jpg"),
        (f"{ROOT}/sub/folder/mill.jpg", "mill.jpg"),
        ("mill.jpg", "mill.jpg"),
        (f"{ROOT}/mill (1).jpg", "mill (1).jpg"),
        (f"{ROOT}/mill%20one.jpg", "mill%20one.jpg"),
        (f"{ROOT}/m\u00fchle.jpg", "m\u00fchle.jpg"),
        (f"{ROOT}/{'m' * (MAX_NAME_BYTES - 4)}.jpg", "m" * (MAX_NAME_BYTES - 4) + ".jpg"),
    ],
)
def test_only_the_last_part_of_a_url_is_the_name(url: str, name: str) -> None:
    assert parse(media_urls=[url]).media == (MediaFile(name, None),)


def test_url_is_cut_at_its_last_md5() -> None:
    name = f"odd?md5={'f' * 32}.jpg"
    assert parse(media_urls=[f"{ROOT}/{name}?md5={MD5}"]).media == (MediaFile(name, MD5),)
    assert parse(media_urls=[f"{ROOT}/mill.jpg?size=3"]).media == (MediaFile("mill.jpg?size=3", None),)
    assert parse(xml_url=f"{ROOT}/PMC4991227.1.xml").xml_md5 is None


@pytest.mark.parametrize("md5", ["0", MD5.upper(), MD5 + "0", f"{MD5}&x=1", f"{MD5}\n", "\u0660" * 32])
def test_md5_that_is_none_is_refused(md5: str) -> None:
    assert "is no md5" in refusal(json.dumps(FIELDS | {"media_urls": [f"{ROOT}/mill.jpg?md5={md5}"]}).encode())
    assert "is no md5" in refusal(json.dumps(FIELDS | {"xml_url": f"{ROOT}/a.xml?md5={md5}"}).encode())


def test_empty_md5_is_none() -> None:
    assert parse(media_urls=[f"{ROOT}/mill.jpg?md5="]).media == (MediaFile("mill.jpg", None),)


def test_media_that_are_no_text_or_stand_twice_are_refused() -> None:
    for urls in ([3], [None], [["a.jpg"]]):
        assert "media_urls holds" in refusal(json.dumps(FIELDS | {"media_urls": urls}).encode())
    assert refusal(media("mill.jpg", "mill.jpg")) == "media_urls names 'mill.jpg' twice"


def test_names_that_differ_in_case_are_two_files() -> None:
    assert [file.name for file in parse(media_urls=["mill.jpg", "Mill.JPG"]).media] == ["Mill.JPG", "mill.jpg"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(list(FIELDS)), json_values))
def test_any_value_is_a_package_or_a_refusal_and_never_a_crash(changes: dict[str, Any]) -> None:
    try:
        package = parse(**changes)
    except (MetadataError, MetadataMismatchError) as error:
        str(error).encode()
    else:
        assert package.ref == REF


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_and_never_a_crash(data: bytes) -> None:
    refusal(data)
