"""What a store knows of itself from one fetch to the next, and what it keeps and lets go of."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.acquire.changes import Change
from pmc15m.acquire.stored import RETRIED, Refused, Stored, keep_stale, refused_of
from pmc15m.acquire.table import CHANGES, POINTER, Known, commit_fetch, read_account, read_known
from pmc15m.records import FAULTS, Reason, Reject, Stage, Tally
from pmc15m.rows import write_rows
from pmc15m.stages import Origin, OutputError, StageFiles
from pmc15m.store import Store
from tests.dags.rows import read_all
from tests.unit.test_changes import stored

DAY = "2026-11-24T01-00Z"
SEEN = "5" * 32


def reject(version: int, reason: Reason, pmcid: str = "PMC7") -> Reject:
    return Reject(f"{pmcid}.{version}", pmcid, version, None, Stage.FETCH, reason, "because")


class Home:
    """A store that is fetched to, without fetching."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(str(folder))

    def commit(
        self, name: str, rows: Iterable[Stored], rejects: Iterable[Reject] = (), others: Iterable[str] = ()
    ) -> dict[str, int]:
        """Commit a fetch that asked for everything but some others."""
        target = Store(str(self.folder / name))
        refused = [refused_of(one, SEEN) for one in rejects]
        files = [write_rows(part, Stored, target, "stored") for part in [list(rows)] if part]
        files += [write_rows(part, Refused, target, "refused") for part in [refused] if part]
        left_out = set(others)
        stage = StageFiles(Origin("fetch", "", "", ""), tuple(files), (), {})
        return commit_fetch(self.store, name, stage, lambda pmcid: pmcid not in left_out, DAY)

    @property
    def known(self) -> list[Stored]:
        return read_all(Stored, str(self.folder), read_known(self.store).stored)

    @property
    def refused(self) -> list[Refused]:
        return read_all(Refused, str(self.folder), read_known(self.store).refused)

    @property
    def changes(self) -> list[Change]:
        """All changes of all fetches."""
        names = sorted(path.name for path in (self.folder / CHANGES).glob("*.parquet"))
        return read_all(Change, str(self.folder / CHANGES), names)

    def put(self, *keys: str) -> None:
        for key in keys:
            self.store.put_bytes(b"{}", f"{key}/{key}.json")

    @property
    def articles(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("PMC*"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


# Tables


def test_store_knows_nothing_before_its_first_fetch(home: Home) -> None:
    assert read_known(home.store) == Known()
    assert list(read_account(home.store)) == []


def test_complete_fetch_is_what_the_next_is_compared_with(home: Home) -> None:
    assert home.commit("stored-a", [stored("PMC7"), stored("PMC8", 2)]) == {}
    assert home.known == [stored("PMC7"), stored("PMC8", 2)]
    assert all(name.startswith("stored-a/") for name in read_known(home.store).stored)
    assert home.changes == [], "the first has nothing to be compared with"


def test_changes_are_written_as_a_table(home: Home) -> None:
    home.commit("stored-a", [stored("PMC7"), stored("PMC8")])
    assert home.commit("stored-b", [stored("PMC7", license="none"), stored("PMC9")]) == {
        "gone": 1,
        "license": 1,
        "new": 1,
    }
    assert home.changes[-3:] == [
        Change("PMC7", "license", 1, 1, "CC BY", "none", DAY),
        Change("PMC8", "gone", 1, None, "CC BY", None, DAY),
        Change("PMC9", "new", None, 1, None, "CC BY", DAY),
    ]


def test_fetch_without_a_change_writes_no_table_of_changes(home: Home) -> None:
    home.commit("stored-a", [stored()])
    before = home.changes
    assert home.commit("stored-b", [stored()]) == {}
    assert home.changes == before
    assert read_known(home.store).stored[0].startswith("stored-b/")


def test_articles_that_are_gone_retracted_or_replaced_leave_the_store(home: Home) -> None:
    home.put("PMC1.1", "PMC2.1", "PMC3.1", "PMC3.2", "PMC4.1", "PMC5.1", "PMC6.3")
    home.commit("stored-a", [stored(f"PMC{number}") for number in range(1, 6)])
    after = [stored("PMC3", 2), stored("PMC4", license="none"), stored("PMC5", json_md5="1" * 32)]
    kinds = home.commit("stored-b", after, [reject(1, Reason.RETRACTED, "PMC2")])
    assert kinds == {"changed": 2, "gone": 1, "license": 1, "retracted": 1}
    assert home.articles == ["PMC3.2", "PMC4.1", "PMC5.1", "PMC6.3"], "what no fetch brought stays"


def test_what_a_fetch_did_not_ask_for_stays_and_is_still_known(home: Home) -> None:
    home.put("PMC1.1", "PMC2.1", "PMC3.1")
    home.commit("stored-a", [stored("PMC1"), stored("PMC2"), stored("PMC3")])
    kinds = home.commit("stored-b", [stored("PMC4")], others=["PMC1", "PMC3"])
    assert kinds == {"gone": 1, "new": 1}
    assert home.articles == ["PMC1.1", "PMC3.1"]
    assert [row.key for row in home.known] == ["PMC1", "PMC3", "PMC4"]
    assert home.commit("stored-a", [], others=["PMC1", "PMC3"]) == {"gone": 1}
    assert [row.key for row in home.known] == ["PMC1", "PMC3"]


def test_commit_that_was_killed_before_its_end_is_done_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.put("PMC1.1", "PMC2.1")
    home.commit("stored-a", [stored("PMC1"), stored("PMC2")])
    before = home.known

    def die(self: Store, data: bytes, name: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "put_bytes", die)
        with pytest.raises(KeyboardInterrupt):
            home.commit("stored-b", [stored("PMC1")])
    assert home.known == before
    changed = home.changes
    assert home.commit("stored-b", [stored("PMC1")]) == {"gone": 1}
    assert home.changes == changed
    assert home.articles == ["PMC1.1"]


def test_damaged_pointer_is_an_error_that_says_what_to_do(home: Home) -> None:
    home.store.put_bytes(b'{"stored": [', POINTER)
    with pytest.raises(OutputError, match=r"fetched\.json is damaged .*delete it to start over"):
        read_known(home.store)


def test_pointer_is_json_that_names_the_tables(home: Home) -> None:
    home.commit("stored-a", [stored()])
    pointer = json.loads((home.folder / POINTER).read_text())
    assert [str(path.relative_to(home.folder)) for path in home.folder.glob("stored-a/*")] == pointer["stored"]
    assert (pointer["folder"], pointer["refused"], pointer["num_rows"], pointer["inventory"]) == (
        "stored-a",
        [],
        1,
        DAY,
    )


def test_account_is_what_a_fetch_listed_stored_and_rejected(home: Home) -> None:
    home.commit("stored-a", [stored("PMC1"), stored("PMC2")], [reject(1, Reason.RETRACTED, "PMC3")])
    account = list(read_account(home.store))
    assert [item for item in account if isinstance(item, Reject)] == [reject(1, Reason.RETRACTED, "PMC3")]
    sums: dict[str, int] = {}
    for item in account:
        if isinstance(item, Tally):
            sums[item.name] = sums.get(item.name, 0) + item.count
    assert sums == {"articles/listed": 3, "articles/fetched": 2, f"inventory/{DAY}": 1}


def test_what_was_refused_and_not_asked_for_again_is_still_known(home: Home) -> None:
    home.commit(
        "stored-a", [stored("PMC1")], [reject(1, Reason.RETRACTED, "PMC3"), reject(1, Reason.NOT_FOUND, "PMC4")]
    )
    home.commit("stored-b", [stored("PMC1")], others=["PMC3"])
    assert [row.key for row in home.refused] == ["PMC3"]


def test_fault_is_asked_for_again_and_a_verdict_is_not() -> None:
    assert refused_of(reject(1, Reason.RETRACTED), SEEN).seen == SEEN
    assert all(refused_of(reject(1, reason), SEEN).seen is None for reason in RETRIED)


def test_large_tables_are_compared_in_slices_with_the_same_outcome(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = [stored(f"PMC{n}") for n in range(1, 60)], [stored(f"PMC{n}", 2) for n in range(30, 90)]
    monkeypatch.setattr("pmc15m.acquire.table._ROWS_AT_ONCE", 10)
    home.commit("stored-a", before)
    assert home.commit("stored-b", after, others=["PMC5", "PMC6"]) == {"changed": 30, "gone": 27, "new": 30}
    assert {row.key for row in home.known} == {row.key for row in after} | {"PMC5", "PMC6"}


# What cannot be had now


def kept(known: Stored | None, *outcomes: Stored | Reject) -> list[Stored | Reject]:
    return keep_stale(outcomes, known)


def test_without_a_fault_every_outcome_stands() -> None:
    old, new = reject(1, Reason.SUPERSEDED), stored(version=2)
    assert kept(stored(), old, new) == [old, new]
    assert kept(stored(), reject(1, Reason.NOT_FOUND)) == [reject(1, Reason.NOT_FOUND)]


@pytest.mark.parametrize("reason", sorted(RETRIED))
def test_article_that_cannot_be_had_now_stays_as_it_is(reason: Reason) -> None:
    assert kept(stored(), reject(1, reason)) == [stored()]
    assert kept(None, reject(1, reason)) == [reject(1, reason)]


def test_newer_version_that_cannot_be_had_now_leaves_the_older_one() -> None:
    failed = reject(2, Reason.FETCH_FAILED)
    assert kept(stored(), reject(1, Reason.SUPERSEDED), failed) == [stored(), failed]
    assert kept(stored(), failed) == [stored()]


def test_older_version_does_not_replace_one_that_cannot_be_had_now() -> None:
    known = stored(version=2)
    first, second = kept(known, reject(2, Reason.FORBIDDEN), stored(version=1))
    assert first == known
    assert isinstance(second, Reject)
    assert (second.key, second.reason) == ("PMC7.1", Reason.SUPERSEDED)
    assert second.detail == "version 2 of the last fetch stays"


def test_other_version_that_cannot_be_had_changes_nothing() -> None:
    failed, new = reject(1, Reason.FETCH_TIMEOUT), stored(version=2)
    for known in (2, 3):
        assert kept(stored(version=known), failed, new) == [failed, new]


@pytest.mark.parametrize("reason", [Reason.RETRACTED, Reason.NOT_SELECTED, Reason.NOT_FOUND])
def test_version_that_is_withdrawn_does_not_stay_for_the_fault_of_another(reason: Reason) -> None:
    failed, withdrawn = reject(1, Reason.FETCH_FAILED), reject(2, reason)
    assert kept(stored(version=2), failed, withdrawn) == [failed, withdrawn]


OUTCOMES = st.sampled_from([None, Reason.SUPERSEDED, Reason.RETRACTED, Reason.FETCH_FAILED, Reason.NOT_FOUND])


@given(st.lists(OUTCOMES, min_size=1, max_size=4), st.integers(0, 5))
def test_every_version_ends_once_and_at_most_one_is_stored(kinds: list[Reason | None], known: int) -> None:
    taken = next((number for number, kind in enumerate(kinds, 1) if kind is None), 0)
    outcomes: list[Stored | Reject] = [
        stored(version=number) if number == taken else reject(number, kind or Reason.SUPERSEDED)
        for number, kind in enumerate(kinds, 1)
    ]
    found = kept(stored(version=known) if known else None, *outcomes)
    assert len(found) == len(outcomes)
    assert sum(isinstance(item, Stored) for item in found) <= 1
    if not any(kind in FAULTS for kind in kinds):
        assert found == outcomes
