"""Near duplicates: time and memory of the search against limits, and what they come to at 25 million rows.

The rows are skewed as those of the study that chose the method: 12 % are drawn from 4,000 templates,
a few of which are frequent, with one bit in 16 flipped; 5 % are copies with up to 12 bits flipped. The
rest is random. Every run is a process of its own, since memory is measured too.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pmc15m.curate.near import Hashes, distance, find_edges
from tests.bench.measure import Bar, Measurement

MAX_S, MAX_MB = 60.0, 1_000.0
ALL_ROWS, MAX_ALL_S, MAX_ALL_MB = 25_000_000, 3_600.0, 6_000.0

_NUM_ROWS = 1_000_000
_SPLIT_BITS = 24  # the widest that curate asks for: of these templates one pair in seven is so near
_STUDY_BITS = 16  # one in 200: what the number of edges can be extrapolated from
_NUM_TEMPLATES, _TEMPLATE_FRACTION, _COPY_FRACTION, _COPY_BITS = 4_000, 0.12, 0.05, 12
_MIN_RECALL = 0.998
_MAX_RUN_S = 600.0
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Run:
    """What one search cost."""

    cpu_s: float
    peak_mb: float
    num_edges: int
    num_capped: int


def make_bars(folder: Path, *, is_smoke: bool) -> list[Bar]:
    """Return the bars of time and memory, and the same extrapolated, which are not judged."""
    del folder
    num_rows = 20_000 if is_smoke else _NUM_ROWS

    def of_time() -> Measurement:
        run = search(num_rows, _SPLIT_BITS)
        return _against(run.cpu_s, MAX_S, num_rows)

    def of_memory() -> Measurement:
        return _against(search(num_rows, _SPLIT_BITS).peak_mb, MAX_MB, num_rows)

    def of_all_time() -> Measurement:
        few, many = search(num_rows // 4, _STUDY_BITS), search(num_rows, _STUDY_BITS)
        power = max(1.0, math.log(many.cpu_s / few.cpu_s) / math.log(4))
        return _against(many.cpu_s * (ALL_ROWS / num_rows) ** power, MAX_ALL_S, ALL_ROWS)

    def of_all_memory() -> Measurement:
        few, many = search(num_rows // 4, _STUDY_BITS), search(num_rows, _STUDY_BITS)
        per_row = (many.peak_mb - few.peak_mb) / (num_rows - num_rows // 4)
        return _against(many.peak_mb + per_row * (ALL_ROWS - num_rows), MAX_ALL_MB, ALL_ROWS)

    return [
        Bar(f"find_edges, {_SPLIT_BITS} bits", f"{MAX_S:.0f} s", of_time, "<=", 1.0),
        Bar(f"peak RSS, {_SPLIT_BITS} bits", f"{MAX_MB:,.0f} MB", of_memory, "<=", 1.0, unit="MB"),
        Bar(f"{_STUDY_BITS} bits, extrapolated", f"{MAX_ALL_S:,.0f} s", of_all_time, "<="),
        Bar(f"{_STUDY_BITS} bits, extrapolated", f"{MAX_ALL_MB:,.0f} MB", of_all_memory, "<=", unit="MB"),
    ]


def _against(value: float, limit: float, num_items: int) -> Measurement:
    """Return a measurement against a limit, which has no control: it is far enough away."""
    return Measurement(value / limit, 1.0, num_items, ours=value, peer=limit)


def make_rows(num_rows: int, seed: int = 15) -> tuple[list[Hashes], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Return the hashes of two kinds; the last rows are copies, of the rows in the second array."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, _NUM_TEMPLATES + 1)
    templates = rng.choice(_NUM_TEMPLATES, int(num_rows * _TEMPLATE_FRACTION), p=weights / weights.sum())
    num_copies = int(num_rows * _COPY_FRACTION)
    sources = rng.integers(0, num_rows - num_copies, num_copies)
    kinds = []
    for _ in range(2):
        rows = rng.integers(0, 2**64, (num_rows, 4), dtype=np.uint64)
        flips = rows[: len(templates)].copy()
        for _ in range(3):  # a bit is set in all four with a chance of 1/16
            flips &= rng.integers(0, 2**64, flips.shape, dtype=np.uint64)
        rows[: len(templates)] = rng.integers(0, 2**64, (_NUM_TEMPLATES, 4), dtype=np.uint64)[templates] ^ flips
        copies = rows[sources]
        num_flips = rng.integers(0, _COPY_BITS + 1, num_copies)
        for number in range(_COPY_BITS):
            word, bit = np.divmod(rng.integers(0, 256, num_copies), 64)
            is_flipped = (num_flips > number).astype(np.uint64)
            copies[np.arange(num_copies), word] ^= is_flipped << bit.astype(np.uint64)
        rows[num_rows - num_copies :] = copies
        kinds.append(rows)
    return kinds, sources


def search(num_rows: int, max_distance: int) -> Run:
    """Search made-up rows in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.bars_near", str(num_rows), str(max_distance)]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    done = subprocess.run(
        command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False, timeout=_MAX_RUN_S
    )
    assert done.returncode == 0, done.stderr
    return Run(**json.loads(done.stdout))


def _search_here(num_rows: int, max_distance: int) -> Run:
    """Search, and assert that the copies were found."""
    hashes, sources = make_rows(num_rows)
    usable = [np.ones(num_rows, np.bool_)] * 2
    start = time.process_time()
    edges = find_edges(hashes, usable, max_distance)
    cpu_s = time.process_time() - start
    peak_mb = _peak_mb()
    copies = np.arange(num_rows - len(sources), num_rows)
    near = np.minimum(*(distance(kind, sources, copies) for kind in hashes)) <= _COPY_BITS
    found = np.isin(sources[near] * num_rows + copies[near], edges.left * num_rows + edges.right)
    assert found.mean() >= _MIN_RECALL, f"{found.mean():.4f} of the copies found"
    return Run(cpu_s, peak_mb, len(edges.left), edges.num_capped)


def _peak_mb() -> float:
    """Return the most memory that this process held; Linux counts its parent's into `ru_maxrss`."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("num_rows", type=int)
    parser.add_argument("max_distance", type=int)
    args = parser.parse_args()
    sys.stdout.write(json.dumps(asdict(_search_here(args.num_rows, args.max_distance))))
