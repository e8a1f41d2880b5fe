"""The small files of a release and its manifest: the same for one that was built and one that was cut of another."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pmc15m.config import parse_config
from pmc15m.release.cards import CardFacts, write_cards
from pmc15m.release.checksums import write_checksums
from pmc15m.release.files import ReleaseFile, Shard, put_small_file
from pmc15m.release.pages.writing import Subject, write_pages
from pmc15m.release.shards import table_name, tar_name
from pmc15m.stages import Origin
from pmc15m.store import Store

MANIFEST = "manifest.json"
INCOMPLETE = "incomplete.json"
SCHEMA_VERSION = 1
SEAL = "manifest_sha256"
FIRST_VERSION = "1.0.0"


@dataclass(frozen=True, slots=True)
class About:
    """What the manifest says of how a release came to be."""

    origin: Origin
    version: str  # of the data, by Croissant's rule: "1.0.0" where there is no parent
    versions: dict[str, str]  # of the programs
    hash_version: str
    config_toml: str  # resolved
    source: dict[str, Any]
    parent: dict[str, Any] | None


def close_release(
    store: Store, about: About, shards: list[Shard], files: Iterable[ReleaseFile], report: dict[str, Any]
) -> None:
    """Write the small files of a release, then the manifest, which makes it one.

    Args:
        store: the release.
        about: how it came to be.
        shards: all of them, written.
        files: all other files that are written.
        report: report.json.
    """
    listed = [*shard_files(shards), *files]
    listed += write_pages(_subject(store, about, listed, report))
    listed += [put_small_file(store, name, data) for name, data in _small_files(about, shards, report)]
    listed += write_cards(store, _facts(about, shards, report), listed)
    listed.append(write_checksums(store, listed))
    flows = report["flows"]
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "version": about.version,
        "origin": asdict(about.origin),
        "versions": about.versions,
        "hash_version": about.hash_version,
        "config_sha256": hashlib.sha256(about.config_toml.encode()).hexdigest(),
        "source": about.source,
        "parent": about.parent,
        "counts": {
            "articles": flows[0]["in"],
            "samples": flows[-1]["out"],
            "rejects": sum(flow["rejected"] for flow in flows),
            "by_split": by_split(shards),
        },
        "files": [asdict(file) for file in sorted(listed, key=lambda file: file.path)],
    }
    store.put_bytes(seal(manifest), MANIFEST)
    store.delete(INCOMPLETE)


def _subject(store: Store, about: About, files: Iterable[ReleaseFile], report: dict[str, Any]) -> Subject:
    paths = tuple(file.path for file in files)
    package_version = about.versions["pmc15m"]
    return Subject(store.uri, paths, report, about.config_toml, about.source, about.version, package_version)


def _facts(about: About, shards: list[Shard], report: dict[str, Any]) -> CardFacts:
    config = parse_config(about.config_toml)
    return CardFacts(about.version, config, about.source, about.parent, tuple(shards), report)


def seal(manifest: dict[str, Any]) -> bytes:
    """Return the bytes of a manifest, with the digest of all that it says: no bit of it can change unseen."""
    said = {name: value for name, value in manifest.items() if name != SEAL}
    return json_bytes(said | {SEAL: hashlib.sha256(json_bytes(said)).hexdigest()})


def json_bytes(value: Any) -> bytes:
    """Return JSON as the files of a release have it."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def sizes_bytes(shards: Iterable[Shard]) -> bytes:
    """Return the sizes.json of the shards of one split."""
    return json_bytes(dict(sorted((f"{shard.name}.tar", shard.num_samples) for shard in shards)))


def by_split(shards: Iterable[Shard]) -> dict[str, int]:
    """Return the number of samples of each split."""
    sizes: dict[str, int] = {}
    for shard in shards:
        sizes[shard.split] = sizes.get(shard.split, 0) + shard.num_samples
    return dict(sorted(sizes.items()))


def shard_files(shards: Iterable[Shard]) -> Iterator[ReleaseFile]:
    """Yield the files of some shards."""
    for shard in shards:
        yield ReleaseFile(tar_name(shard), shard.num_bytes, shard.sha256, shard.num_samples)
        yield ReleaseFile(table_name(shard), shard.table_num_bytes, shard.table_sha256, shard.num_samples)


def _small_files(about: About, shards: list[Shard], report: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    yield "config.toml", about.config_toml.encode()
    yield "report.json", json_bytes(report)
    for split in sorted({shard.split for shard in shards}):
        yield f"{split}/sizes.json", sizes_bytes(shard for shard in shards if shard.split == split)
