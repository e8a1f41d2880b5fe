"""Which request meets which fault: a function of seed, key and attempt, so that a run repeats exactly."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Lock

from tests.server.config import ServerConfig
from tests.server.faults import FOREVER, OF_ARTICLE, SEEN_BY_MD5, Fault, Rule, parse_rule

_FOLDER = re.compile(r"(?:metadata/)?(PMC\d+\.\d+)(?:/.*|\.json)", re.DOTALL)


def draw(*parts: object) -> float:
    """Return a number in [0, 1) that depends on the parts alone."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def folder_of(key: str) -> str:
    """Return the article version that a key is of, "PMC7.1"; "" for none."""
    match = _FOLDER.fullmatch(key)
    return match[1] if match else ""


@dataclass(frozen=True, slots=True)
class Deal:
    """What a request meets."""

    attempt: int  # at its key, from 1
    fault: Fault | None
    is_replaced: bool = False  # the article was changed: its next revision is to be served


class Dealer:
    """Deals faults to requests, and counts the attempts at each key."""

    def __init__(self, config: ServerConfig) -> None:
        self.attempts: Counter[str] = Counter()
        self._config = config
        self._drawn = tuple(map(parse_rule, config.faults))
        self._map = tuple((pattern, parse_rule(text)) for pattern, text in config.fault_map.items())
        self._met: Counter[str] = Counter()  # how often a storm was met, and the JSON of a replaced article was read
        self._lock = Lock()

    def deal(self, key: str) -> Deal:
        """Return what the next request for a key meets."""
        folder = folder_of(key)
        of_article = self._of_article(folder) if folder else None
        with self._lock:
            self.attempts[key] += 1
            attempt = self.attempts[key]
            fault = self._mapped(key, attempt) or self._rated(key, attempt)
            is_stale = of_article == Fault.REPLACED and self._is_first_json(folder, key)
        if of_article == Fault.REPLACED:
            return Deal(attempt, fault or (of_article if is_stale else None), is_replaced=not is_stale)
        return Deal(attempt, of_article or fault)

    def reset(self) -> None:
        """Forget all attempts."""
        with self._lock:
            self.attempts.clear()
            self._met.clear()

    def _mapped(self, key: str, attempt: int) -> Fault | None:
        """Return the fault of the first pattern that the key matches."""
        for pattern, rule in self._map:
            if rule.fault not in OF_ARTICLE and fnmatchcase(key, pattern):
                if rule.fault == Fault.STORM:
                    self._met[pattern] += 1
                    attempt = self._met[pattern]
                return rule.fault if attempt <= rule.lasts else None
        return None

    def _rated(self, key: str, attempt: int) -> Fault | None:
        """Return the fault drawn at this attempt, or at an earlier one and still going on."""
        if not self._config.fault_rate or not any(fnmatchcase(key, pattern) for pattern in self._config.fault_keys):
            return None
        for first in range(1, min(attempt, self._config.fault_lasts) + 1):
            rule = self._draw(key, first)
            if rule is None or rule.fault in OF_ARTICLE:
                continue
            if rule.lasts == FOREVER and first == 1:
                return rule.fault
            if rule.fault in SEEN_BY_MD5 and (first > 1 or (self._config.quick_etags and key.endswith(".json"))):
                continue  # the ETag of metadata is then no md5
            if rule.lasts != FOREVER and attempt < min(first + rule.lasts, self._config.fault_lasts + 1):
                return rule.fault
        return None

    def _of_article(self, folder: str) -> Fault | None:
        for pattern, rule in self._map:
            if rule.fault in OF_ARTICLE and fnmatchcase(folder, pattern):
                return rule.fault
        rule_ = self._draw(folder, 1) if self._config.fault_rate else None
        return rule_.fault if rule_ and rule_.fault in OF_ARTICLE else None

    def _draw(self, unit: str, attempt: int) -> Rule | None:
        """Return what is drawn at one attempt at a key, or a folder: nothing, most often."""
        if not self._drawn or draw(self._config.seed, "whether", unit, attempt) >= self._config.fault_rate:
            return None
        return self._drawn[int(draw(self._config.seed, "which", unit, attempt) * len(self._drawn))]

    def _is_first_json(self, folder: str, key: str) -> bool:
        if key not in {f"metadata/{folder}.json", f"{folder}/{folder}.json"}:
            return False
        self._met[folder] += 1
        return self._met[folder] == 1
