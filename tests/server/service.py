"""From a request to its answer, without sockets."""

from collections.abc import Mapping
from email.utils import formatdate, parsedate_to_datetime
from urllib.parse import parse_qsl, unquote_to_bytes

from tests.server.answers import Answer, make_answer, make_error, no_such_key
from tests.server.bucket import Store
from tests.server.collection import Collection, Stored
from tests.server.config import ServerConfig
from tests.server.dealer import Deal
from tests.server.eutils import Eutils, RateLimit, error_body, limit_body
from tests.server.faults import Fault
from tests.server.listing import ListingError, list_objects
from tests.server.recorded import Recorded

_JSON = "application/json; charset=UTF-8"
_EUTILS = {
    "/entrez/eutils/esearch.fcgi": "eutils:esearch",
    "/eutils/esearch.fcgi": "eutils:esearch",
    "/entrez/eutils/efetch.fcgi": "eutils:efetch",
    "/tools/idconv/api/v1/articles/": "eutils:idconv",
}
ELSEWHERE = "elsewhere:"
"""Begins the keys of requests that followed a redirect to another host."""


class BadTargetError(ValueError):
    """The path of a request is no UTF-8."""


class Service:
    """Answers requests as the Cloud Service and the E-utilities do."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._recorded = Recorded(config.recorded)
        self.store = Store(Collection(config), self._recorded)
        self._eutils = Eutils(self.store.collection, self._recorded)
        self._limit = RateLimit()

    def key_of(self, path: str, query: Mapping[str, str]) -> str:
        """Return what a request is for: the key of an object, "list:PREFIX", "eutils:esearch"...

        Raises:
            BadTargetError: the path is no UTF-8.
        """
        if path.startswith("/_elsewhere/"):
            return ELSEWHERE + path.removeprefix("/_elsewhere")
        if path in _EUTILS:
            return _EUTILS[path]
        if path == "/" and ("list-type" in query or not query):
            return f"list:{query.get('prefix', '')}"
        try:
            return unquote_to_bytes(path.removeprefix("/").replace("+", " ").encode("latin-1")).decode()
        except UnicodeDecodeError as error:
            raise BadTargetError(path) from error

    def answer(self, key: str, query: Mapping[str, str], headers: Mapping[str, str], deal: Deal) -> Answer:
        """Return the answer to a GET; of the faults, those that need to know the articles are in it."""
        if key.startswith("eutils:"):
            return self._answer_eutils(key, query, deal.fault)
        if key.startswith("list:"):
            return self._list(query, deal.fault)
        if key.startswith(ELSEWHERE):
            return make_answer(200, b"another host\n", "text/plain")
        stored = self.store.find(key, is_replaced=deal.is_replaced)
        return answer_object(stored, headers) if stored else no_such_key(key)

    def _list(self, query: Mapping[str, str], fault: Fault | None) -> Answer:
        if query.get("list-type") != "2":
            return make_error(501, "NotImplemented", "This server lists with list-type=2 only.")
        body = self._recorded.listing(query) if fault is None else None
        try:
            body = body or list_objects(self.store.listed(), query, is_stuck=fault == Fault.REPEATED_TOKEN)
        except ListingError as error:
            return make_error(400, "InvalidArgument", str(error))
        return make_answer(200, body, "application/xml")

    def _answer_eutils(self, key: str, query: Mapping[str, str], fault: Fault | None) -> Answer:
        count = self._limit.count(query.get("api_key", ""))
        if count or fault == Fault.LIMIT_BODY:
            return make_answer(self._config.limit_status, limit_body(count or 11), _JSON)
        if fault == Fault.SEARCH_ERROR:
            return make_answer(200, error_body("Search Backend failed: the backend is not there"), _JSON)
        if key == "eutils:esearch":
            is_json = "json" in {query.get("retmode"), query.get("format")}
            body = self._eutils.search(query, self.store.day)
            return make_answer(200, body, _JSON if is_json else "text/xml; charset=UTF-8")
        if key == "eutils:efetch":
            return make_answer(200, self._eutils.fetch(query, self.store.day), "text/xml; charset=UTF-8")
        return make_answer(200, self._eutils.convert(query, self.store.day), _JSON)


def parse_query(text: str) -> dict[str, str]:
    """Return the parameters of a query; of one given twice the last."""
    return dict(parse_qsl(text, keep_blank_values=True))


def answer_object(stored: Stored, headers: Mapping[str, str]) -> Answer:
    """Return the answer to a GET of an object: whole, a range, or not modified.

    Args:
        stored: the object.
        headers: of the request, names in lower case.
    """
    base = (
        ("ETag", f'"{stored.etag}"'),
        ("Last-Modified", formatdate(stored.updated, usegmt=True)),
        ("Accept-Ranges", "bytes"),
    )
    if "if-match" in headers and not _names_etag(headers["if-match"], stored.etag):
        return make_error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
    if _is_unchanged(stored, headers):
        return Answer(304, base, b"")
    whole = range(stored.size)
    asked = _parse_range(headers.get("range", ""), stored.size)
    if asked is None:
        return make_answer(200, stored.data, "binary/octet-stream", base)
    if not asked:
        error = make_error(416, "InvalidRange", "The requested range is not satisfiable")
        return error.with_headers(content_range=f"bytes */{stored.size}")
    part = whole[asked.start : asked.stop]
    told = ("Content-Range", f"bytes {part[0]}-{part[-1]}/{stored.size}")
    return make_answer(206, stored.data[part.start : part.stop], "binary/octet-stream", (*base, told))


def _names_etag(value: str, etag: str) -> bool:
    return value.strip() == "*" or f'"{etag}"' in {part.strip().removeprefix("W/") for part in value.split(",")}


def _is_unchanged(stored: Stored, headers: Mapping[str, str]) -> bool:
    if "if-none-match" in headers:
        return _names_etag(headers["if-none-match"], stored.etag)
    if "if-modified-since" in headers:
        try:
            return stored.updated <= parsedate_to_datetime(headers["if-modified-since"]).timestamp()
        except ValueError:
            return False
    return False


def _parse_range(text: str, size: int) -> range | None:
    """Return the bytes asked for, none if they are outside, None if there is no range that S3 understands."""
    unit, mark, asked = text.partition("=")
    first, dash, last = asked.strip().partition("-")
    if unit.strip() != "bytes" or not mark or not dash or not (first + last).isdigit():
        return None
    if not first:
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return range(min(int(first), size), min(int(last) + 1, size) if last else size)
