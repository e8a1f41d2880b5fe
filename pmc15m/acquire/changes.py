"""What changed between two fetches: new, changed, gone, retracted, another licence."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pmc15m.acquire.stored import Stored


@dataclass(frozen=True, slots=True)
class Change:
    """One article whose place in the store is not what it was."""

    key: str  # the pmcid
    change: str  # "new", "changed", "gone", "retracted" or "license"
    old_version: int | None
    new_version: int | None
    old_license: str | None
    new_license: str | None
    inventory: str | None  # day of the inventory that told; None: articles asked for by name


def find_changes(
    old: Iterable[Stored], new: Iterable[Stored], retracted: Iterable[str], inventory: str | None = None
) -> Iterator[Change]:
    """Yield the changes between two fetches, by pmcid.

    Args:
        old: articles of the store before.
        new: articles of the store now.
        retracted: pmcids that the fetch rejected as retracted.
        inventory: day of the inventory of the newer fetch.
    """
    before, after = ({stored.key: stored for stored in rows} for rows in (old, new))
    withdrawn = set(retracted)
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        kind = _kind_of(was, now, key in withdrawn)
        if kind:
            yield Change(
                key,
                kind,
                was.version if was else None,
                now.version if now else None,
                was.license if was else None,
                now.license if now else None,
                inventory,
            )


def _kind_of(was: Stored | None, now: Stored | None, is_retracted: bool) -> str:
    if now is None:
        return "retracted" if is_retracted else "gone"
    if was is None:
        return "new"
    if was.license != now.license:
        return "license"
    return "changed" if (was.version, was.json_md5) != (now.version, now.json_md5) else ""
