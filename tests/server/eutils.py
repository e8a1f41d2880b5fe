"""ESearch, EFetch and the ID converter of the NCBI, as far as PMC goes."""

import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from threading import Lock
from xml.sax.saxutils import escape

from tests.server.collection import Collection, Version
from tests.server.recorded import Recorded
from tests.server.terms import FILTERS, Row, TermError, Test, date_test, parse_date, parse_term

MAX_IDS = 9_999
_WINDOW_S = 0.95  # a little less than a second, so that jitter does not catch who keeps to the limit
_TOO_FAR = (
    "Search Backend failed: Exception:\n'retstart' cannot be larger than 9998. For PubMed, ESearch can only retrieve "
    "the first 9,999 records matching the query. To obtain more than 9,999 PubMed records, consider using <EDirect> "
    "that contains additional logic to batch PubMed search results automatically so that an arbitrary number can be "
    "retrieved. For details see https://www.ncbi.nlm.nih.gov/books/NBK25499/"
)
_HEAD = re.compile(rb"^\s*(?:<\?xml.*?\?>|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>|<!--.*?-->|\s+)*", re.DOTALL)
_BODY = re.compile(rb"<body.*</article>", re.DOTALL)
_NO_XML = b"<!--The publisher of this article does not allow downloading of the full text in XML form.--></article>"
_SET_HEAD = (
    b'<?xml version="1.0"  ?><!DOCTYPE pmc-articleset PUBLIC "-//NLM//DTD ARTICLE SET 2.0//EN" '
    b'"https://dtd.nlm.nih.gov/ncbi/pmc/articleset/nlm-articleset-2.0.dtd"><pmc-articleset>'
)


class RateLimit:
    """Counts requests by key: 3 a second without one, 10 with."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: dict[str, deque[float]] = {}
        self._lock = Lock()

    def count(self, api_key: str) -> int:
        """Return how many requests came in the last second, this one among them; 0 if that is allowed."""
        with self._lock:
            now = self._clock()
            times = self._times.setdefault(api_key, deque())
            while times and times[0] <= now - _WINDOW_S:
                times.popleft()
            times.append(now)
            return len(times) if len(times) > (10 if api_key else 3) else 0


def limit_body(count: int = 11) -> bytes:
    """Return the body of the answer to too many requests."""
    return json.dumps({"error": "API rate limit exceeded", "count": str(count)}, separators=(",", ":")).encode()


def error_body(message: str) -> bytes:
    """Return an error as ESearch writes it: line breaks as they are, which strict JSON does not allow."""
    text = message.replace('"', '\\"')
    return b'{"header":{"type":"esearch","version":"0.3"},"esearchresult":{"ERROR":"' + text.encode() + b'"}}'


class Eutils:
    """Answers about the articles of a collection."""

    def __init__(self, collection: Collection, recorded: Recorded) -> None:
        self._collection = collection
        self._recorded = recorded

    def search(self, query: Mapping[str, str], day: int) -> bytes:
        """Return the answer of ESearch, in JSON or XML."""
        is_json = "json" in {query.get("retmode"), query.get("format")}
        try:
            start, most, test = _parse(query)
        except TermError as error:
            message = str(error)
            return error_body(message) if is_json else _xml(f"<ERROR>{escape(message)}</ERROR>")
        found = [row.uid for row in self.rows(day) if test(row)]
        kept = min(most, MAX_IDS - start)
        ids = found[start : start + kept]
        notes = [f"Restrictions achieved. start and count adjusted to {start}, {kept}"] if kept < most else []
        notes += [] if found else ["No items found."]
        return _answer(query.get("term", ""), len(found), len(ids), start, ids, notes, is_json)

    def rows(self, day: int) -> list[Row]:
        """Return what can be asked of the articles of a day, newest number first."""
        return [self._row(version) for version in self._newest(day)]

    def _newest(self, day: int) -> list[Version]:
        """Return the newest version of every article, newest article first."""
        newest: dict[int, Version] = {}
        for version in self._collection.versions(day).values():
            if version.number not in newest or version.version > newest[version.number].version:
                newest[version.number] = version
        return [newest[number] for number in sorted(newest, reverse=True)]

    def _row(self, version: Version) -> Row:
        facts = self._collection.facts(version.number)
        journal = facts.journal
        code = self._collection.license_of(version)
        kind = "author_manuscript" if self._collection.is_manuscript(version) else "open_access"
        return Row(
            uid=int(version.pmcid[3:]),
            title=facts.title.cleaned,
            journals=frozenset(name.casefold() for name in (journal.name, journal.abbreviation, journal.slug)),
            published=date(facts.year, facts.month, facts.day),
            released=datetime.fromtimestamp(version.updated, UTC).date(),
            filters=frozenset({kind, FILTERS.get(code or "", "")}),
        )

    def fetch(self, query: Mapping[str, str], day: int) -> bytes:
        """Return the answer of EFetch: the front alone of articles that are not open."""
        newest = {int(version.pmcid[3:]): version for version in self._newest(day)}
        parts = []
        for text in query.get("id", "").split(","):
            number = text.strip().removeprefix("PMC")
            if number in self._recorded.articles:
                parts.append(self._recorded.articles[number])
            elif number.isdigit() and int(number) in newest:
                parts.append(self._article_xml(newest[int(number)]))
        return _SET_HEAD + b"".join(parts) + b"</pmc-articleset>"

    def _article_xml(self, version: Version) -> bytes:
        stored = self._collection.files(version).get(f"{version.folder}.xml")
        xml = _HEAD.sub(b"", stored.data if stored else b"", count=1)
        return _BODY.sub(_NO_XML, xml) if self._collection.is_manuscript(version) else xml

    def convert(self, query: Mapping[str, str], day: int) -> bytes:
        """Return the answer of the ID converter; what comes in the next 30 days is not live yet."""
        now = self._collection.versions(day)
        coming = {one.pmcid: one for one in (*self._collection.versions(day + 30).values(), *now.values())}
        records = [self._convert(text, now, coming) for text in query.get("ids", "").split(",")]
        head = {"status": "ok", "response-date": "2026-11-02 00:00:00", "request": dict(query)}
        return json.dumps(head | {"records": records}).encode()

    def _convert(self, text: str, now: Mapping[str, Version], coming: Mapping[str, Version]) -> dict[str, object]:
        pmcid = text.strip().upper()
        version = coming.get(pmcid)
        if version is None:
            return {"requested-id": text, "status": "error", "errmsg": "Identifier not found in PMC"}
        facts = self._collection.facts(version.number)
        record: dict[str, object] = {"doi": facts.doi, "pmcid": pmcid}
        record |= {"pmid": facts.pmid} if facts.pmid else {}
        if not any(folder.startswith(f"{pmcid}.") for folder in now):
            released = datetime.fromtimestamp(version.updated, UTC).date()
            record |= {"live": False, "release-date": released.isoformat()}
        return record | {"requested-id": text}


def _parse(query: Mapping[str, str]) -> tuple[int, int, Test]:
    """Return retstart, retmax and what an article has to be."""
    start, most = _number(query, "retstart", 0), _number(query, "retmax", 20)
    if start >= MAX_IDS:
        raise TermError(_TOO_FAR)
    if query.get("db") != "pmc":
        raise TermError(f"Invalid db name specified: {query.get('db', '')}")
    test, is_dated = parse_term(query.get("term", "")), _date_test(query)
    return start, most, lambda row: test(row) and is_dated(row)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit():
        raise TermError(f"{name} is no number: {text!r}")
    return int(text)


def _date_test(query: Mapping[str, str]) -> Test:
    """Return the test of mindate, maxdate and datetype."""
    if "mindate" not in query and "maxdate" not in query:
        return lambda row: True
    low = parse_date(query.get("mindate", "1600"))
    return date_test(query.get("datetype", "pdat"), low, parse_date(query.get("maxdate", "3000"), is_end=True))


def _answer(term: str, count: int, most: int, start: int, ids: list[int], notes: list[str], is_json: bool) -> bytes:
    if not is_json:
        listed = "".join(f"<Id>{uid}</Id>" for uid in ids)
        head = f"<Count>{count}</Count><RetMax>{most}</RetMax><RetStart>{start}</RetStart>"
        return _xml(f"{head}<IdList>{listed}</IdList><QueryTranslation>{escape(term)}</QueryTranslation>")
    result: dict[str, object] = {"count": str(count), "retmax": str(most), "retstart": str(start)}
    result |= {"idlist": [str(uid) for uid in ids], "translationset": [], "querytranslation": term}
    if notes:
        result["warninglist"] = {"phrasesignored": [], "quotedphrasesnotfound": [], "outputmessages": notes}
    body = {"header": {"type": "esearch", "version": "0.3"}, "esearchresult": result}
    return json.dumps(body, separators=(",", ":")).encode()


def _xml(content: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8" ?>\n<eSearchResult>{content}</eSearchResult>\n'.encode()
