"""Which version of an article counts: the highest published open-access one."""

from collections.abc import Iterable

from pmc15m.records import Package


def choose_version(packages: Iterable[Package]) -> Package:
    """Return the version that the dataset takes.

    A version number does not say what it is: v1 may be the manuscript and v2 the published article,
    or both published. So what the metadata says goes first: open access, then published, then the
    highest number.
    """
    return max(packages, key=lambda package: (package.is_open_access, not package.is_manuscript, package.ref.version))
