"""ListObjectsV2: what a bucket holds under a prefix, and the versions of an article."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from lxml import etree

from pmc15m.acquire.http import HttpClient
from pmc15m.errors import BrokenWorldError
from pmc15m.records import ArticleRef

MAX_PAGE_BYTES = 8 * 2**20
"""A page of 1,000 keys is about 400 kB."""

_NAMESPACE = "{*}"
_VERSION = re.compile(r"(PMC[1-9][0-9]*)\.([1-9][0-9]{0,8})/")


class ListingError(BrokenWorldError):
    """The bucket's listing is not one: not XML, or a page that leads back to itself."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a listing: a key, or a folder where a delimiter was given."""

    name: str  # a folder ends in the delimiter
    is_folder: bool
    num_bytes: int
    etag: str | None


def list_bucket(client: HttpClient, bucket: str, prefix: str, delimiter: str = "/") -> Iterator[Listed]:
    """Yield what lies under a prefix, page by page, folders first within a page.

    Raises:
        ListingError: the answer is no listing.
        FetchError: the bucket does not answer.
    """
    token: str | None = None
    seen: set[str] = set()
    while True:
        query = {"list-type": "2", "prefix": prefix}
        query |= {"delimiter": delimiter} if delimiter else {}
        query |= {"continuation-token": token} if token is not None else {}
        page = _parse(client.get(f"{bucket.rstrip('/')}/?{urlencode(query)}", max_bytes=MAX_PAGE_BYTES).data)
        for folder in page.iterfind(f"{_NAMESPACE}CommonPrefixes/{_NAMESPACE}Prefix"):
            yield Listed(folder.text or "", True, 0, None)
        for item in page.iterfind(f"{_NAMESPACE}Contents"):
            size = item.findtext(f"{_NAMESPACE}Size") or ""
            etag = (item.findtext(f"{_NAMESPACE}ETag") or "").strip('"') or None
            yield Listed(item.findtext(f"{_NAMESPACE}Key") or "", False, int(size) if size.isdecimal() else 0, etag)
        if page.findtext(f"{_NAMESPACE}IsTruncated") != "true":
            return
        token = page.findtext(f"{_NAMESPACE}NextContinuationToken") or ""
        if not token or token in seen:
            raise ListingError(f"{bucket} lists {prefix!r} in a circle: token {token!r} again")
        seen.add(token)


def list_versions(client: HttpClient, bucket: str, pmcid: str) -> list[ArticleRef]:
    """Return the versions of an article in numeric order; none where the bucket does not have it.

    The dot at the end of the prefix matters: `PMC113` alone is the start of thousands of others.
    """
    listing = list_bucket(client, bucket, f"{pmcid}.")
    found = (_VERSION.fullmatch(listed.name) for listed in listing if listed.is_folder)
    versions = sorted(int(match.group(2)) for match in found if match is not None and match.group(1) == pmcid)
    return [ArticleRef(pmcid, version, f"{pmcid}.{version}") for version in versions]


def _parse(data: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        page = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ListingError(f"the listing is not XML: {error}") from error
    if etree.QName(page).localname != "ListBucketResult":
        raise ListingError(f"the listing is a {etree.QName(page).localname}, not a ListBucketResult")
    return page
