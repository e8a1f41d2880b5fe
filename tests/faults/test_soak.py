"""Thousands of articles, a server of which every twentieth request fails, kills: nothing lost, nothing twice."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from pmc15m.synth.write import write_all
from tests.faults.test_fetch import PAIRS, TRANSIENT
from tests.faults.test_interrupts import environment
from tests.faults.wanted import Wanted, command, files_of, kill_after, objects, rejects_of, repeats, serving
from tests.server import Collection, Server, ServerConfig
from tests.server.collection import Version
from tests.tree import digests

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3_600), pytest.mark.usefixtures("log_as_before")]

NUM_ARTICLES = 3_000
NUM_KILLS = 5
FAULT_RATE = 0.05
MAX_AMPLIFICATION = 1.2
MAX_REPEATED_FRACTION = 0.05  # of the objects, by one kill
PATIENCE_S = 1_800
CONFIG = ServerConfig(
    articles=NUM_ARTICLES,
    image_scale=0.2,
    synth_fault_every=10,
    synth_faults=("xml_missing", "json_missing", "retracted", "superseded", "media_lost", "xml_truncated", "image_md5"),
    duplicates_every=20,
    faults=TRANSIENT,
    fault_rate=FAULT_RATE,
    cache_articles=2 * NUM_ARTICLES,
    shards=5,
    max_seconds=2 * PATIENCE_S,
)
TOML = "[filters]\nmin_side_px = 32\n[splits]\nval_fraction = 0.1\n[shards]\nsamples_per_shard = 2000\n"


def say(what: str, since_s: float = 0.0) -> float:
    """Print a result, with the time that it took; return the time."""
    now_s = time.monotonic()
    sys.stdout.write(f"soak: {what}{f' in {now_s - since_s:.0f} s' if since_s else ''}\n")
    sys.stdout.flush()
    return now_s


def test_thousands_of_articles_survive_faults_and_kills(tmp_path: Path) -> None:
    start_s = time.monotonic()
    write_all(CONFIG.synth, range(NUM_ARTICLES), tmp_path / "articles", jobs=2)
    start_s = say(f"{NUM_ARTICLES:,} articles written", start_s)
    right = Wanted(Collection(CONFIG))

    def read(version: Version, name: str) -> bytes | None:
        path = tmp_path / "articles" / version.folder / name
        return path.read_bytes() if path.exists() else None

    files = right.files_by(read)
    store = tmp_path / "store"
    with serving(CONFIG) as server:
        say("articles drawn by the server", start_s)
        fetch_with_kills(server, store, right)
    start_s = time.monotonic()
    assert files_of(store) == files
    assert rejects_of(store) == right.rejects
    start_s = say(f"store of {len(files):,} files compared", start_s)
    (tmp_path / "soak.toml").write_text(TOML)
    releases = [build(tmp_path, source) for source in ("store", "articles")]
    assert releases[0] == releases[1] != {}
    say(f"two equal releases of {sum(path.endswith('.tar') for path in releases[0])} tars", start_s)


def fetch_with_kills(server: Server, store: Path, right: Wanted) -> None:
    """Fetch, killed now and then, to the end; print and judge what it took."""
    num_objects = len(right.keys)
    words = command(server, store)
    start_s = time.monotonic()
    for number in range(NUM_KILLS):
        moment = (2 * number + 1) * num_objects // (2 * NUM_KILLS)
        assert kill_after(moment, server, words, PATIENCE_S), "it was done before it was killed"
        start_s = say(f"killed after {moment:,} requests", start_s)
    subprocess.run(words, env=environment(), check=True, capture_output=True, timeout=PATIENCE_S)
    start_s = say("last run done", start_s)
    log, counters = server.log(), server.counters()
    asked = objects(counters.requests)
    again = repeats(log)
    repeated = sum(again[folder] for folder in right.whole)
    amplification = (sum(asked.values()) - again.total()) / len(asked)
    faults: Counter[str] = Counter(counters.faults)
    say(f"{sum(asked.values()):,} requests for {len(asked):,} objects")
    say(f"{faults.total():,} faults of {len(faults)} kinds: {dict(faults.most_common())}")
    say(f"{amplification:.3f} requests until an object is had")
    share = repeated / num_objects / NUM_KILLS
    say(f"{repeated:,} objects of stored articles asked for again, {share:.3%} by each kill")
    say(f"{again.total() - repeated:,} of articles that are rejected or lack a file")
    say(f"up to {counters.max_in_flight} requests at once, {num_objects / (log[-1].time - log[0].time):.0f} objects/s")
    assert asked.keys() == right.keys
    assert amplification <= MAX_AMPLIFICATION
    assert repeated <= MAX_REPEATED_FRACTION * num_objects * NUM_KILLS
    check_next_run(server, words, right)


def check_next_run(server: Server, words: list[str], right: Wanted) -> None:
    """Fetch once more: of what is in the store nothing is asked for."""
    before, start_s = objects(server.counters().requests), time.monotonic()
    subprocess.run(words, env=environment(), check=True, capture_output=True, timeout=PATIENCE_S)
    asked = [key for key, count in objects(server.counters().requests).items() if count > before[key]]
    say(f"next run asks for {len(asked):,} objects", start_s)
    assert not {key.partition("/")[0] for key in asked} & {version.folder for version in right.stored}


def build(folder: Path, source: str) -> dict[str, str]:
    """Build a release and return what is in its pairs."""
    out = folder / f"of-{source}"
    words = ["build", "--source", str(folder / source), "--out", str(out), f"--config={folder / 'soak.toml'}"]
    command = [sys.executable, "-W", "ignore", "-m", "pipelines.cli", *words]
    subprocess.run(command, env=environment(), check=True, capture_output=True, timeout=PATIENCE_S)
    return {path: sha for path, sha in digests(out).items() if path.startswith(PAIRS)}
