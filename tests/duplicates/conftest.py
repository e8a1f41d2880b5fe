import fcntl
import os
import pickle

import pytest

from tests.duplicates.benchmark import Benchmark, run

STEP = 12
"""All originals are compared, which takes seconds; every twelfth is transformed, which takes as long again."""


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """The benchmark, made once whatever the number of workers."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return run(step=STEP)
    folder = tmp_path_factory.getbasetemp().parent  # of this run, and common to its workers
    made = folder / "duplicates.pickle"
    with (folder / "duplicates.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_bytes(pickle.dumps(run(step=STEP)))
    found: Benchmark = pickle.loads(made.read_bytes())  # noqa: S301 # written by this run
    return found
