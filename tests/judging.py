"""A few pairs held against each other: their pictures are a name and a number of bits, their captions words.

Two pictures of one name differ by as many bits as their numbers do; pictures of other names are far
apart. What is made runs through the row files of extract and of candidates, as it does in curate.
"""

import hashlib
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pmc15m.config import DatasetConfig, SplitsConfig
from pmc15m.curate.arrays import Candidates, read_arrays
from pmc15m.curate.candidates import Candidate, read_candidates
from pmc15m.curate.decontaminate import EvalList, ListedImage, read_list, write_list
from pmc15m.curate.judge import ArticleSplit, JudgeJob, LeakReport, judge
from pmc15m.curate.near import pack_hashes
from pmc15m.images.hashes import HASH_VERSION
from pmc15m.records import Decision, Pair, Reject, Tally
from pmc15m.rows import write_rows
from pmc15m.store import Store
from tests import some

CONFIG = DatasetConfig(splits=SplitsConfig(val_fraction=0.25, test_fraction=0.25))
DENSE, LINES = 0.1, 0.6
"""White cells of a photograph and of line art."""

_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

_OF_ARTICLE = ("doi", "title", "first_author", "related", "is_preprint", "is_manuscript")


def hash_of(name: str, bits: int = 0) -> bytes:
    """Return a hash of 32 bytes with so many of its first bits turned."""
    whole = int.from_bytes(hashlib.sha256(name.encode()).digest())
    return (whole ^ (((1 << bits) - 1) << (256 - bits))).to_bytes(32)


def words_of(name: str) -> str:
    """Return a caption that has no words in common with that of another name."""
    return " ".join(some.digest(name)[start : start + 6] for start in range(0, 60, 6))


def shown(key: str, picture: str | None = None, bits: int = 0, caption: str | None = None, **changes: Any) -> Pair:
    """Return a pair; without more, its article, picture and caption are its own.

    Args:
        key: of the pair.
        picture: name of the picture.
        bits: by which it is another one.
        caption: its caption.
        changes: of the article, the figure, or the image; `file` tells files of equal pixels apart.
    """
    pmcid = key.split("_", maxsplit=1)[0]
    name = picture or key
    of_article = {"doi": f"10.5555/{pmcid}"} | {word: changes.pop(word) for word in _OF_ARTICLE if word in changes}
    of_image = {
        "pixel_sha256": some.digest(f"{name} {bits}"),
        "sha256": some.digest(f"{name} {bits} {changes.pop('file', '')}"),
        "phash": hash_of(name, bits),
        "phash_content": hash_of(f"{name}, its content", bits),
        "white_cells_fraction": LINES,
    }
    return some.pair(
        key,
        article=some.article(pmcid=pmcid, **of_article),
        caption=words_of(key) if caption is None else caption,
        **(of_image | changes),
    )


@dataclass
class Judged:
    """What became of pairs."""

    decisions: dict[str, Decision] = field(default_factory=dict)
    rejects: dict[str, Reject] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)  # by pmcid
    groups: dict[str, str] = field(default_factory=dict)  # by pmcid
    leaks: dict[str, Any] = field(default_factory=dict)
    tallies: dict[str, int] = field(default_factory=dict)

    @property
    def reasons(self) -> dict[str, str]:
        """The reason of each reject, by key."""
        return {key: str(reject.reason) for key, reject in self.rejects.items()}

    @property
    def outcomes(self) -> dict[str, str]:
        """The split or the reason of each pair, by key."""
        return self.reasons | {key: decision.split for key, decision in self.decisions.items()}

    def take(self, item: Decision | ArticleSplit | LeakReport | Reject | Tally) -> None:
        """Take in one thing that judge yields, each key once."""
        if isinstance(item, Tally):
            self.tallies[item.name] = self.tallies.get(item.name, 0) + item.count
        elif isinstance(item, LeakReport):
            assert not self.leaks
            self.leaks = dict(item.findings)
        elif isinstance(item, ArticleSplit):
            assert item.key not in self.splits
            self.splits[item.key], self.groups[item.key] = item.split, item.split_group
        else:
            assert item.key not in self.outcomes
            ends: dict[str, Any] = self.rejects if isinstance(item, Reject) else self.decisions
            ends[item.key] = item


def written(pairs: Sequence[Pair], folder: Path, num_files: int = 1) -> list[str]:
    """Write pairs and their candidates, dealt to so many files, and return the names of the latter."""
    sources, candidates = Store(str(folder / "pairs")), Store(str(folder / "candidates"))
    files = [write_rows(pairs[n::num_files], Pair, sources, "pairs").name for n in range(num_files) if pairs[n:]]
    rows = [row for name in files for row in read_candidates(name, sources.uri)]
    return [
        write_rows(rows[n::num_files], Candidate, candidates, "candidates").name
        for n in range(num_files)
        if rows[n:]
    ]  # fmt: skip


def arrays(pairs: Sequence[Pair], folder: Path, num_files: int = 1) -> Candidates:
    """Return the candidates of some pairs."""
    return read_arrays(str(folder / "candidates"), written(pairs, folder, num_files))


def judged(
    pairs: Sequence[Pair],
    config: DatasetConfig = CONFIG,
    previous: Mapping[str, str] | None = None,
    lists: Sequence[EvalList] = (),
    num_files: int = 1,
) -> Judged:
    """Return what becomes of some pairs, each of which has one end, as the sums say too."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        names = written(pairs, Path(folder), num_files)
        job = JudgeJob(f"{folder}/pairs", f"{folder}/candidates", config, previous or {}, tuple(lists))
        found = Judged()
        for item in judge(names[::-1], job):
            found.take(item)
    assert sorted(found.outcomes) == sorted(pair.key for pair in pairs)
    assert found.tallies.get("pairs/kept", 0) == len(found.decisions)
    by_split = [decision.split for decision in found.decisions.values()]
    assert {name: by_split.count(name) for name in by_split} == {
        name.removeprefix("splits/"): count for name, count in found.tallies.items() if name.startswith("splits/")
    }
    assert all(decision.split == found.splits[key.split("_")[0]] for key, decision in found.decisions.items())
    return found


def listed(images: Iterable[tuple[str, int]], folder: Path, source: str = "vqa") -> EvalList:
    """Return a list of an evaluation that has these pictures, by name and bits."""
    path = folder / f"{source}.parquet"
    write_list(
        [
            ListedImage(
                source, f"{name}-{bits}.png", hash_of(name, bits), hash_of(f"{name}, its content", bits), 9, 9, 40.0,
                HASH_VERSION,
            )
            for name, bits in images
        ],
        path,
    )  # fmt: skip
    return read_list(path, HASH_VERSION)


def listed_articles(*pmcids: str, source: str = "roco") -> EvalList:
    """Return a list of an evaluation that is made of these articles."""
    none = pack_hashes([])
    return EvalList((), (none, none), np.empty(0), {pmcid: f"{source}:{pmcid}" for pmcid in pmcids})
