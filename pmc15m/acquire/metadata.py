"""The metadata JSON of an article version to a package."""

import json
import re
from typing import Any

from pmc15m.licenses import LICENSE_CLASSES, NO_LICENSE
from pmc15m.records import ArticleRef, MediaFile, Package

MAX_BYTES = 2**20
"""A metadata JSON is about 1 kB."""

MAX_NAME_BYTES = 200
_MD5 = re.compile(r"[0-9a-f]{32}")
_BAD_NAME = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]|^\.|[. ]$")


class MetadataError(ValueError):
    """The JSON is not what the service writes."""


class MetadataMismatchError(ValueError):
    """The JSON speaks of another article version."""


def parse_metadata(ref: ArticleRef, data: bytes) -> Package:
    """Return the package that a metadata JSON describes.

    Raises:
        MetadataError: not JSON, a key twice, NaN, a field missing or of the wrong type, a bad name.
        MetadataMismatchError: pmcid or version differ from those asked for.
    """
    try:
        fields = json.loads(data, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MetadataError(f"not sound JSON: {error}") from error
    if not isinstance(fields, dict):
        raise MetadataError(f"a {type(fields).__name__}, not an object")
    pmcid, version = _field(fields, "pmcid", str), _field(fields, "version", int)
    if (pmcid, version) != (ref.pmcid, ref.version):
        raise MetadataMismatchError(f"says {pmcid}.{version}, lies under {ref.key}")
    license_code = _field(fields, "license_code", str, optional=True)
    return Package(
        ref=ref,
        xml_md5=_split_url(_field(fields, "xml_url", str))[1],
        media=_media(_field(fields, "media_urls", list, optional=True) or []),
        doi=_field(fields, "doi", str, optional=True) or None,
        pmid=_field(fields, "pmid", int, optional=True),
        title=_field(fields, "title", str, optional=True) or None,
        citation=_field(fields, "citation", str, optional=True) or None,
        license=license_code if license_code in LICENSE_CLASSES else NO_LICENSE,
        is_open_access=_field(fields, "is_pmc_openaccess", bool),
        is_retracted=_field(fields, "is_retracted", bool),
        is_manuscript=_field(fields, "is_manuscript", bool),
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MetadataError("a key stands twice")
    return fields


def _refuse_constant(name: str) -> None:
    raise MetadataError(f"{name} is no JSON number")


def _field(fields: dict[str, Any], name: str, kind: type[Any], optional: bool = False) -> Any:
    value: Any = fields.get(name)
    if value is None and optional:
        return None
    if type(value) is not kind:  # exactly: a bool is no version, 1.0 is none
        raise MetadataError(f"{name} must be {kind.__name__}, not {value!r}")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise MetadataError(f"{name} holds a lone surrogate") from error
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise MetadataError(f"{name} is beyond 64 bits")
    return value


def _media(urls: list[Any]) -> tuple[MediaFile, ...]:
    files = {}
    for url in urls:
        if type(url) is not str:
            raise MetadataError(f"media_urls holds {url!r}")
        name, md5 = _split_url(url)
        if not name or _BAD_NAME.search(name) or len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
            raise MetadataError(f"media_urls names {name!r}, which is no plain file name")
        if name in files:
            raise MetadataError(f"media_urls names {name!r} twice")
        files[name] = MediaFile(name, md5)
    return tuple(files[name] for name in sorted(files))


def _split_url(url: str) -> tuple[str, str | None]:
    """Return base name and md5 of `s3://bucket/PMC1.1/name.jpg?md5=...`, cut at the last `?md5=`."""
    path, mark, md5 = url.rpartition("?md5=")
    if not mark:
        path, md5 = url, ""
    if md5 and not _MD5.fullmatch(md5):
        raise MetadataError(f"{md5!r} is no md5")
    return path.rsplit("/", 1)[-1], md5 or None
