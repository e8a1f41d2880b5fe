"""The article versions of a bucket, day by day, and their files: pure functions of the configuration.

Between two days one version is deleted, another one changes and an article is added.
"""

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from math import gcd
from threading import Lock
from typing import Any, Generic, TypeVar

from pmc15m.synth import Fault, SynthConfig, make_article, pmcid_of
from pmc15m.synth.facts import make_facts
from pmc15m.synth.plan import Facts
from pmc15m.synth.planning import plan_case, style_of
from tests.server.config import ServerConfig
from tests.server.dealer import draw
from tests.server.variants import HAS_TWO, Variant, make_over, md5_of, url_of

TODAY = 1_793_577_600
"""Day 0, 2026-11-02T00:00Z, in seconds since 1970."""

DAY_S = 86_400
CHANGED_LICENSE = "CC BY-NC-ND"
_MULTIPART_SHARE = 0.25
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Version:
    """One article version in the state of one day."""

    number: int
    version: int
    updated: int  # seconds since 1970
    change: str = ""  # what was changed: of config.CHANGES
    revision: int = 0  # how often

    @property
    def pmcid(self) -> str:
        """The article."""
        return pmcid_of(self.number)

    @property
    def folder(self) -> str:
        """Where its files lie, "PMC80000000.1"."""
        return f"{self.pmcid}.{self.version}"


@dataclass(frozen=True, slots=True)
class Stored:
    """One object of the bucket."""

    data: bytes
    etag: str  # without quotes
    updated: int

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)


class Lru(Generic[V]):
    """The values used last, by key."""

    def __init__(self, most: int) -> None:
        self._values: dict[Hashable, V] = {}
        self._most = most
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], V], hold: bool = False) -> V:
        """Return a value, made if need be; `hold` lets nobody else make one meanwhile."""
        with self._lock:
            if key in self._values:
                self._values[key] = value = self._values.pop(key)
                return value
            if hold:
                return self._keep(key, make())
        value = make()
        with self._lock:
            return self._keep(key, value)

    def _keep(self, key: Hashable, value: V) -> V:
        self._values[key] = value
        while len(self._values) > self._most:
            del self._values[next(iter(self._values))]
        return value


class Collection:
    """The articles; several threads may ask, one draws."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self._synth = config.synth
        self._days: Lru[Mapping[str, Version]] = Lru(4)
        self._drawn: Lru[dict[int, dict[str, bytes]]] = Lru(8)
        self._files: Lru[dict[str, Stored]] = Lru(config.cache_articles)
        self._metadata: Lru[Stored | None] = Lru(50_000)
        self._facts: Lru[Facts] = Lru(50_000)

    def variant_of(self, number: int) -> Variant | None:
        """Return what is special about article n, if anything: never where its figures are not sound, or copied."""
        config, every = self.config, self.config.variants_every
        if not every or not config.variants or number % every != every // 2:
            return None
        if self._synth.fault_of(number) or self._synth.is_copying(number):
            return None
        return Variant(config.variants[number // every % len(config.variants)])

    def synth_of(self, number: int) -> SynthConfig:
        """Return what article n is made with."""
        if self.variant_of(number) in HAS_TWO:
            return replace(self._synth, faults=(Fault.SUPERSEDED.value,), fault_every=1, duplicates_every=0)
        return self._synth

    def versions(self, day: int) -> Mapping[str, Version]:
        """Return the versions that the bucket has on a day, by folder."""
        return self._days.get(max(day, 0), lambda: self._make_versions(max(day, 0)))

    def _versions_of(self, number: int) -> tuple[int, ...]:
        if self.variant_of(number) == Variant.ONLY_SECOND:
            return (2,)
        return (1, 2) if self.synth_of(number).fault_of(number) == Fault.SUPERSEDED else (1,)

    def _make_versions(self, day: int) -> dict[str, Version]:
        config, found = self.config, {}
        for number in range(config.first, config.first + config.articles + day):
            since = TODAY - DAY_S * 300 + int(draw(config.seed, "since", number) * DAY_S * 240)
            if number >= config.first + config.articles:
                since = TODAY + DAY_S * (number - config.first - config.articles + 1) - 3_600
            for version in self._versions_of(number):
                made = Version(number, version, since)
                found[made.folder] = made
        for past in range(1, day + 1):
            gone, changed = self._affected(past)
            if gone is not None and changed is not None:
                found.pop(f"{pmcid_of(gone)}.{self._versions_of(gone)[-1]}")
                folder = f"{pmcid_of(changed)}.{self._versions_of(changed)[-1]}"
                change = config.day_changes[(past - 1) % len(config.day_changes)]
                when = TODAY + DAY_S * past - 7_200
                found[folder] = replace(found[folder], updated=when, change=change, revision=1)
        return found

    def _affected(self, day: int) -> tuple[int | None, int | None]:
        """Return the articles that lose a version, and that change, between the day before and this one."""
        config, count = self.config, self.config.articles
        if 2 * day > count:
            return None, None
        stride = next(n for n in range(max(1, count * 3 // 7), 2 * count + 2) if gcd(n, count) == 1)
        start = int(draw(config.seed, "start") * count)
        gone, changed = ((start + stride * n) % count for n in (2 * day - 2, 2 * day - 1))
        return config.first + gone, config.first + changed

    def files(self, version: Version) -> Mapping[str, Stored]:
        """Return the files of a version by name."""
        return self._files.get(version, lambda: self._make_files(version))

    def metadata(self, version: Version) -> Stored | None:
        """Return the metadata JSON of a version, None where it is missing."""
        return self._metadata.get(version, lambda: self.files(version).get(f"{version.folder}.json"))

    def index_etag(self, version: Version) -> str:
        """Return the ETag that an inventory gives."""
        if self.config.quick_etags or self._synth.fault_of(version.number) == Fault.JSON_MISSING:
            return self._quick_etag(version)
        stored = self.metadata(version)
        return stored.etag if stored else self._quick_etag(version)

    def facts(self, number: int) -> Facts:
        """Return what an article says of itself."""
        return self._facts.get(number, lambda: self._make_facts(number))

    def is_manuscript(self, version: Version) -> bool:
        """Return whether a version is an author manuscript."""
        variant = self.variant_of(version.number)
        return variant == Variant.TDM or (variant == Variant.MANUSCRIPT_FIRST and version.version == 1)

    def license_of(self, version: Version) -> str | None:
        """Return the licence that the metadata give, without drawing the article."""
        if version.change == "license":
            return CHANGED_LICENSE
        if self.is_manuscript(version):
            return "TDM"
        if self.variant_of(version.number) in {Variant.NO_LICENSE, Variant.HISTORICAL_OCR}:
            return None
        return self.facts(version.number).license.code

    def _make_facts(self, number: int) -> Facts:
        """Return the facts; where no figure is special, without planning text and figures."""
        synth = self.synth_of(number)
        if synth.fault_of(number) or synth.is_copying(number):
            return plan_case(synth, number).plan.facts
        return make_facts(synth.seed, number, style_of(synth, number))

    def _quick_etag(self, version: Version) -> str:
        parts = (self.config.seed, version.folder, version.change, version.revision)
        return f"{md5_of(repr(parts).encode())}-1"

    def _make_files(self, version: Version) -> dict[str, Stored]:
        number, folder = version.number, version.folder
        drawn = self._drawn.get(number, lambda: _draw_article(self.synth_of(number), number), hold=True)
        made = make_over(self.variant_of(number), folder, drawn[version.version])
        if version.revision:
            is_sound = self._synth.fault_of(number) in {None, Fault.SUPERSEDED}
            _revise(version, made, is_sound=is_sound)
        return {name: Stored(data, self._etag(version, name, data), version.updated) for name, data in made.items()}

    def _etag(self, version: Version, name: str, data: bytes) -> str:
        """Return the ETag of a file: of some that of an upload in two parts, which is not the md5."""
        if name == f"{version.folder}.json":
            return self._quick_etag(version) if self.config.quick_etags else md5_of(data)
        if draw(self.config.seed, "parts", version.folder, name) < _MULTIPART_SHARE:
            parts = (data[: len(data) // 2], data[len(data) // 2 :])
            return f"{md5_of(b''.join(bytes.fromhex(md5_of(part)) for part in parts))}-2"
        return md5_of(data)


def _draw_article(config: SynthConfig, number: int) -> dict[int, dict[str, bytes]]:
    """Return the files of article n by version."""
    newest = make_article(config, number)
    return {one.version: dict(one.files) for one in (*newest.older, newest)}


def _revise(version: Version, files: dict[str, bytes], *, is_sound: bool) -> None:
    """Apply a change; where the article has a fault, only its metadata changes, by a space."""
    folder = version.folder
    name = f"{folder}.json"
    if not is_sound:
        if name in files:
            files[name] += b" " * version.revision
        return
    fields: dict[str, Any] = json.loads(files[name])
    if version.change == "retracted":
        fields["is_retracted"] = True
    elif version.change == "license":
        fields["license_code"] = CHANGED_LICENSE
    else:
        files[f"{folder}.xml"] += b"\n<!-- revision %d -->" % version.revision
        fields["xml_url"] = url_of(folder, f"{folder}.xml", files[f"{folder}.xml"])
    files[name] = json.dumps(fields).encode()
