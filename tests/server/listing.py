"""ListObjectsV2: keys in the order of their bytes, page by page, some rolled up into common prefixes."""

import base64
import binascii
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape

from tests.server.collection import Stored
from tests.server.inventory import BUCKET, iso_of

MAX_KEYS = 1_000
_LAST = chr(0x10FFFF)
_TOKEN_MARK = "1+/"  # noqa: S105 -- so that a token has to be encoded in a URL; no password


class ListingError(ValueError):
    """A query that S3 refuses; the message is its own."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What can be listed.

    Attributes:
        heads: sorted: folders of article versions with a slash at the end, and keys outside of them.
        names: gives the names in a folder, sorted.
        find: gives an object.
    """

    heads: Sequence[str]
    names: Callable[[str], Sequence[str]]
    find: Callable[[str], Stored | None]


@dataclass(frozen=True, slots=True)
class _Query:
    prefix: str
    delimiter: str
    max_keys: int
    start_after: str
    token: str
    encoding: str

    @property
    def after(self) -> str:
        return token_position(self.token) if self.token else self.start_after


def make_token(position: str) -> str:
    """Return the continuation token for what comes after a position; it holds "+", "/" and "="."""
    data = position.encode()[::-1]
    return _TOKEN_MARK + base64.b64encode(data + b"\0" * (1 + (3 - len(data) % 3) % 3)).decode()


def token_position(token: str) -> str:
    """Return the position that a continuation token holds.

    Raises:
        ListingError: it is none of ours: not encoded in the URL, for example.
    """
    try:
        if not token.startswith(_TOKEN_MARK):
            raise ListingError("The continuation token provided is incorrect")
        return base64.b64decode(token.removeprefix(_TOKEN_MARK), validate=True).rstrip(b"\0")[::-1].decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ListingError("The continuation token provided is incorrect") from error


def list_objects(bucket: Bucket, query: Mapping[str, str], is_stuck: bool = False) -> bytes:
    """Return the answer to a query.

    Args:
        bucket: what to list.
        query: parameters, decoded.
        is_stuck: repeats the first page, and its token, for ever.

    Raises:
        ListingError: a parameter is wrong.
    """
    asked = _parse(query)
    found: list[_Item] = []
    for item in _walk(bucket, asked, "" if is_stuck else asked.after) if asked.max_keys else ():
        if len(found) == asked.max_keys:
            return _render(bucket, asked, found, make_token("PMC" if is_stuck else _position(found[-1])))
        found.append(item)
    return _render(bucket, asked, found, make_token("PMC") if is_stuck else "")


def _parse(query: Mapping[str, str]) -> _Query:
    text = query.get("max-keys", str(MAX_KEYS))
    if not text.isascii() or not text.isdigit():
        raise ListingError("Provided max-keys not an integer or within integer range")
    if "continuation-token" in query and not query["continuation-token"]:
        raise ListingError("The continuation token provided is incorrect")
    return _Query(
        query.get("prefix", ""),
        query.get("delimiter", ""),
        min(int(text), MAX_KEYS),
        query.get("start-after", ""),
        query.get("continuation-token", ""),
        query.get("encoding-type", ""),
    )


@dataclass(frozen=True, slots=True)
class _Item:
    text: str
    is_prefix: bool


def _position(item: _Item) -> str:
    return item.text + _LAST if item.is_prefix else item.text


def _walk(bucket: Bucket, asked: _Query, after: str) -> Iterator[_Item]:
    """Yield keys and common prefixes in order; a folder is opened only where its names matter."""
    heads, prefix = bucket.heads, asked.prefix
    index = max(bisect_left(heads, max(prefix, after)) - 1, 0)
    last = ""
    while index < len(heads):
        head = heads[index]
        index += 1
        common = _common_prefix(head, asked)
        if common and after == common + _LAST:
            continue
        if common and not after.startswith(common):
            if common > after and common != last:
                yield _Item(common, is_prefix=True)
            last = common
            index = max(index, bisect_left(heads, common + _LAST))
            continue
        if not head.startswith(prefix) and not (head.endswith("/") and prefix.startswith(head)):
            if head > prefix:
                return
            continue
        for key in _keys(bucket, head):
            common = _common_prefix(key, asked)
            if key <= after or not key.startswith(prefix) or (common and common == last):
                continue
            last = common
            yield _Item(common or key, is_prefix=bool(common))


def _keys(bucket: Bucket, head: str) -> list[str]:
    return [head + name for name in bucket.names(head[:-1])] if head.endswith("/") else [head]


def _common_prefix(key: str, asked: _Query) -> str:
    """Return what a key is rolled up into, "" if it stands for itself."""
    if not asked.delimiter or not key.startswith(asked.prefix):
        return ""
    end = key.find(asked.delimiter, len(asked.prefix))
    return key[: end + len(asked.delimiter)] if end >= 0 else ""


def _render(bucket: Bucket, asked: _Query, found: Sequence[_Item], token: str) -> bytes:
    def text(value: str) -> str:
        return quote(value, safe="/") if asked.encoding == "url" else escape(value, {'"': "&quot;"})

    parts = [f"<Name>{BUCKET}</Name><Prefix>{text(asked.prefix)}</Prefix>"]
    parts += [f"<StartAfter>{text(asked.start_after)}</StartAfter>"] if asked.start_after else []
    parts += [f"<ContinuationToken>{escape(asked.token)}</ContinuationToken>"] if asked.token else []
    parts += [f"<NextContinuationToken>{escape(token)}</NextContinuationToken>"] if token else []
    parts.append(f"<KeyCount>{len(found)}</KeyCount><MaxKeys>{asked.max_keys}</MaxKeys>")
    parts += [f"<Delimiter>{text(asked.delimiter)}</Delimiter>"] if asked.delimiter else []
    parts += [f"<EncodingType>{escape(asked.encoding)}</EncodingType>"] if asked.encoding else []
    parts.append(f"<IsTruncated>{'true' if token else 'false'}</IsTruncated>")
    for item in found:
        stored = None if item.is_prefix else bucket.find(item.text)
        if stored:
            parts.append(
                f"<Contents><Key>{text(item.text)}</Key><LastModified>{iso_of(stored.updated)}</LastModified>"
                f"<ETag>&quot;{stored.etag}&quot;</ETag><Size>{stored.size}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
            )
    parts += [
        f"<CommonPrefixes><Prefix>{text(item.text)}</Prefix></CommonPrefixes>" for item in found if item.is_prefix
    ]
    content = "".join(parts)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{content}</ListBucketResult>'
    ).encode()
