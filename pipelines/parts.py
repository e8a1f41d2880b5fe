"""Stages in parts: what each part is told, and what is done when all of them are complete."""

import logging
from dataclasses import dataclass

from pipelines.extracting import finish_extract, is_extracted, run_extract
from pipelines.launching import Launcher
from pipelines.running import Run
from pipelines.sharding import finish_shard, prepare_shard, run_shard
from pmc15m.acquire.source import Source
from pmc15m.parts import parts_of
from pmc15m.store import Store

LOG = logging.getLogger("pmc15m")


@dataclass(frozen=True, slots=True)
class InParts:
    """How a build is cut, and who runs the parts."""

    count: int
    launcher: Launcher
    words: tuple[str, ...]  # that each part is told too: config, log level
    beams: tuple[str, ...]  # options of Beam

    def commands(self, *words: str) -> list[list[str]]:
        """Return the words of each part."""
        beams = ["--", *self.beams] if self.beams else []
        return [[*words, "--part", str(part), *self.words, *beams] for part in parts_of(self.count)]


def extract_in_parts(source: str, out: str, run: Run, parts: InParts | None) -> None:
    """Run extract in parts and put them together; None: as a whole."""
    if parts is None:
        run_extract(source, out, run)
        return
    if is_extracted(source, out, run) and not run.fresh:
        LOG.info("extract: %s is complete, nothing to do", out)
        return
    words = ("extract", "--source", _full(source), "--out", _full(out), *(("--fresh",) if run.fresh else ()))
    parts.launcher.run("extract", parts.commands(*words), out)
    finish_extract(out, run, parts.count)


def shard_in_parts(source: Source, pairs: str, decisions: str, out: str, run: Run, parts: InParts | None) -> None:
    """Run shard in parts and make a release of them; None: as a whole."""
    if parts is None:
        run_shard(source, pairs, decisions, out, run)
        return
    if not prepare_shard(source, pairs, decisions, out, run):
        return
    folders = {"--source": source.uri, "--pairs": pairs, "--decisions": decisions, "--out": out}
    folders |= {"--parent": run.parent} if run.parent is not None else {}
    words = ("shard", *(word for flag, uri in folders.items() for word in (flag, _full(uri))))
    parts.launcher.run("shard", parts.commands(*words), out)
    finish_shard(source, pairs, decisions, out, run, parts.count)


def _full(uri: str) -> str:
    """Return an address that means the same from any working folder."""
    store = Store(uri)
    return str(store.local_path) if store.is_local else uri
