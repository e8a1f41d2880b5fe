"""The ways to misbehave, and how long each goes on."""

from dataclasses import dataclass
from enum import StrEnum

FOREVER = 10**9


class Fault(StrEnum):
    """How a server misbehaves; the number is the row of the fault matrix (studies/reliability.md, section 3).

    Rows 27 (DNS) and 29 (a proxy in the environment) need no server; 28 (certificate) is the option `tls`;
    30 (newest inventory without manifest) is always so; 31 is the option `corrupt_shard`, or 1 on a shard.
    """

    MD5_ONCE = "md5_once"  # 1
    MD5_ALWAYS = "md5_always"  # 1
    SHORT_BODY = "short_body"  # 2
    SHORT_CHUNKED = "short_chunked"  # 3
    CUT_BODY = "cut_body"  # 4: no length told
    LONG_BODY = "long_body"  # 5: longer than the length told
    HTML = "html"  # 6
    SLOW_DOWN_3 = "slow_down_3"  # 7
    STORM = "storm"  # 8: the first 100 requests (@n: n) of a pattern, whatever their keys
    SLOW_DOWN = "slow_down"  # 9
    ERROR_500 = "error_500"  # 10
    ERROR_502 = "error_502"  # 10
    ERROR_504 = "error_504"  # 10
    RETRY_AFTER_LONG = "retry_after_long"  # 11
    RETRY_AFTER_1 = "retry_after_1"  # 11
    NOT_FOUND = "not_found"  # 12
    FORBIDDEN = "forbidden"  # 13
    RESET_EARLY = "reset_early"  # 14
    RESET_IN_BODY = "reset_in_body"  # 15
    EMPTY_REPLY = "empty_reply"  # 16
    GARBAGE_STATUS = "garbage_status"  # 17
    DRIP_BODY = "drip_body"  # 18
    DRIP_HEADERS = "drip_headers"  # 19
    SILENT = "silent"  # 20
    HUGE_LENGTH = "huge_length"  # 21
    NEGATIVE_LENGTH = "negative_length"  # 22
    TWO_LENGTHS = "two_lengths"  # 22
    GZIP_BOMB = "gzip_bomb"  # 23
    REDIRECT_HOST = "redirect_host"  # 24
    REDIRECT_FILE = "redirect_file"  # 24
    REDIRECT_LOOP = "redirect_loop"  # 24
    PARTIAL = "partial"  # 25
    HUGE_HEADER = "huge_header"  # 26
    MANY_HEADERS = "many_headers"  # 26
    REPEATED_TOKEN = "repeated_token"  # noqa: S105 -- 33: of a listing; no password
    GONE = "gone"  # 34: the whole article
    REPLACED = "replaced"  # 35: the JSON is read before the change, the XML after it
    LIMIT_BODY = "limit_body"  # E-utilities: the body of too many requests, with 200
    SEARCH_ERROR = "search_error"  # E-utilities: an error in the body, with 200


OF_ARTICLE = frozenset({Fault.GONE, Fault.REPLACED})
"""Faults of an article version as a whole: chosen by its folder, matched by patterns of folders."""

_LASTING = frozenset(
    {
        *(Fault.MD5_ALWAYS, Fault.LONG_BODY, Fault.HTML, Fault.SLOW_DOWN, Fault.NOT_FOUND, Fault.FORBIDDEN),
        *(Fault.HUGE_LENGTH, Fault.NEGATIVE_LENGTH, Fault.TWO_LENGTHS, Fault.GZIP_BOMB, Fault.PARTIAL),
        *(Fault.REDIRECT_HOST, Fault.REDIRECT_FILE, Fault.REDIRECT_LOOP, Fault.REPEATED_TOKEN, *OF_ARTICLE),
    }
)
_LASTS = dict.fromkeys(_LASTING, FOREVER) | {Fault.SLOW_DOWN_3: 3, Fault.STORM: 100}

SEEN_BY_MD5 = frozenset({Fault.MD5_ONCE, Fault.CUT_BODY})
"""A wrong md5 twice is no bad luck, so that these are drawn for the first attempt only."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault, and at how many attempts in a row it is met."""

    fault: Fault
    lasts: int


def parse_rule(text: str) -> Rule:
    """Return the rule of a text like "short_body", "short_body@2" or "short_body@inf".

    Raises:
        ValueError: no such fault, or no such number.
    """
    name, mark, count = text.partition("@")
    fault = Fault(name)
    if not mark:
        return Rule(fault, _LASTS.get(fault, 1))
    return Rule(fault, FOREVER if count == "inf" else int(count))
