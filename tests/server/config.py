"""What a test server serves and how it misbehaves; every field is an option of `python -m tests.server` too."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_origin

from pmc15m.synth import SynthConfig
from tests.server.faults import parse_rule
from tests.server.variants import Variant

CHANGES = ("xml", "retracted", "license")


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """A set of articles, the days of its inventory, and faults."""

    # what is served
    articles: int = 20
    first: int = 0  # number of the first article
    seed: int = 0
    image_scale: float = 0.1
    synth_faults: tuple[str, ...] = ()  # of the articles: names of pmc15m.synth.Fault
    synth_fault_every: int = 0
    duplicates_every: int = 0
    variants: tuple[str, ...] = tuple(Variant)  # names of variants.Variant
    variants_every: int = 0  # every so-manieth sound article is the next variant of the list; 0: none
    recorded: Path | None = None  # a folder of recorded answers (s3_meta/, s3_list/, jats/), served byte for byte
    # days and the inventory
    day: int = 0  # today
    day_changes: tuple[str, ...] = ("xml",)  # what changes in the one article that changes, day by day: of CHANGES
    lag_days: int = 0  # how far the newest whole inventory is behind the bucket
    shards: int = 2  # files of one inventory
    corrupt_shard: str = ""  # of the first shard: "md5" (not that of the manifest), "gzip" (md5 right, data broken)
    bad_rows: bool = False  # adds rows that are no rows of an inventory
    quick_etags: bool = False  # ETags of metadata need no drawing: for an inventory of thousands
    # faults
    faults: tuple[str, ...] = ()  # names of faults.Fault, drawn at `fault_rate`
    fault_rate: float = 0.0  # of the requests
    fault_lasts: int = 2  # no transient fault of the rate is met after this many attempts at a key
    fault_keys: tuple[str, ...] = ("PMC*/*", "metadata/*")  # patterns of keys that the rate is for
    fault_map: Mapping[str, str] = field(default_factory=dict)  # pattern of keys to "fault" or "fault@attempts"
    limit_status: int = 200  # of the answer to too many E-utilities requests
    # behaviour
    port: int = 0  # 0: a free one
    tls: bool = False  # with a certificate that nobody trusts
    latency_s: float = 0.0  # before every answer
    drip_s: float = 0.05  # between two bytes that drip
    hang_s: float = 60.0  # how long a connection is held that never gets its answer
    cache_articles: int = 128
    log_records: int = 500_000  # older ones are dropped
    max_seconds: float = 600.0  # the server ends then

    def __post_init__(self) -> None:
        """Check the values that nothing else checks."""
        for name in self.variants:
            Variant(name)
        for text in (*self.faults, *self.fault_map.values()):
            parse_rule(text)
        if not set(self.day_changes) <= set(CHANGES) or not self.day_changes:
            raise ValueError(f"day_changes must be of {CHANGES}, not {self.day_changes}")
        if self.corrupt_shard not in {"", "md5", "gzip"}:
            raise ValueError(f"corrupt_shard must be md5 or gzip, not {self.corrupt_shard!r}")
        if self.articles < 0 or self.day < 0 or self.shards < 1 or not 0 <= self.fault_rate <= 1:
            raise ValueError("articles and day must be 0 or more, shards 1 or more, fault_rate in [0, 1]")

    @property
    def synth(self) -> SynthConfig:
        """What the articles are made of."""
        return SynthConfig(
            seed=self.seed,
            faults=self.synth_faults,
            fault_every=self.synth_fault_every,
            duplicates_every=self.duplicates_every,
            image_scale=self.image_scale,
        )

    def to_argv(self) -> list[str]:
        """Return the options of a command that serves this."""
        argv = []
        for entry in fields(self):
            value: Any = getattr(self, entry.name)
            if entry.type is bool:
                argv += [_option(entry.name)] if value else []
            elif value is not None:
                argv.append(f"{_option(entry.name)}={_to_text(value)}")
        return argv


def parse_argv(argv: Sequence[str] | None = None) -> ServerConfig:
    """Return what the options of a command say; a wrong one ends the program."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.server", description="Serve generated articles as the PMC Cloud Service does."
    )
    for entry in fields(ServerConfig):
        if entry.type is bool:
            parser.add_argument(_option(entry.name), action="store_true", default=None)
        else:
            parser.add_argument(_option(entry.name), type=_reader(entry.type), default=None)
    try:
        return replace(
            ServerConfig(),
            **{name: value for name, value in vars(parser.parse_args(argv)).items() if value is not None},
        )
    except ValueError as error:
        parser.error(str(error))


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _to_text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, Mapping):
        return json.dumps(dict(value))
    return str(value.resolve() if isinstance(value, Path) else value)


def _reader(kind: Any) -> Any:
    """Return what makes a value of a field's type of the text of an option."""
    origin = get_origin(kind)
    if origin is tuple:
        return lambda text: tuple(name for name in text.split(",") if name)
    if origin is Mapping:
        return json.loads
    return kind if isinstance(kind, type) else Path
