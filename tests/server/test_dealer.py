"""Faults come when they are to come, and in every run in the same way."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.server import Fault, ServerConfig
from tests.server.dealer import Dealer, folder_of
from tests.server.faults import parse_rule


def test_faults_of_the_map_last_as_long_as_they_say() -> None:
    rules = {"a": "html@2", "b": "slow_down_3", "c": "reset_early", "d": "forbidden", "e*": "storm@3"}
    dealer = Dealer(ServerConfig(fault_map=rules))
    met = {key: [dealer.deal(key).fault for _ in range(5)] for key in ("a", "b", "c", "d", "f")}
    assert met == {
        "a": ["html", "html", None, None, None],
        "b": ["slow_down_3"] * 3 + [None, None],
        "c": ["reset_early", None, None, None, None],
        "d": ["forbidden"] * 5,
        "f": [None] * 5,
    }
    assert [dealer.deal(f"e{n}").fault for n in range(5)] == ["storm"] * 3 + [None, None], "whatever the keys"
    dealer.reset()
    assert dealer.deal("c").fault == "reset_early"


def rated(**changes: Any) -> list[list[Fault | None]]:
    """Return the faults of five attempts at each of 1,000 keys."""
    config = ServerConfig(fault_rate=0.1, faults=("reset_early", "md5_once", "slow_down_3", "error_500"), fault_lasts=3)
    dealer = Dealer(replace(config, **changes))
    return [[dealer.deal(f"PMC{n}.1/x.jpg").fault for _ in range(5)] for n in range(1_000)]


def test_faults_of_the_rate_come_again_in_the_same_way_and_pass() -> None:
    met = rated()
    assert met == rated()
    assert met != rated(seed=1)
    firsts = Counter(faults[0] for faults in met)
    assert 70 < 1_000 - firsts[None] < 130
    assert len(firsts) == 5
    assert {fault for faults in met for fault in faults[3:]} == {None}, "after fault_lasts attempts"
    assert not any(Fault.MD5_ONCE in faults[1:] for faults in met)
    assert [Fault.SLOW_DOWN_3] * 3 + [None] * 2 in met


def test_lasting_faults_of_the_rate_stay() -> None:
    assert {len(set(faults)) for faults in rated(faults=("not_found", "html"))} == {1}


def test_the_rate_is_for_its_keys_only() -> None:
    assert rated(fault_keys=("metadata/*",)) == [[None] * 5] * 1_000
    dealer = Dealer(ServerConfig(fault_rate=1, faults=("html",)))
    assert dealer.deal("metadata/PMC1.1.json").fault == "html"
    assert dealer.deal("list:").fault is None


def test_no_metadata_are_spoilt_that_no_etag_can_prove_wrong() -> None:
    config = ServerConfig(fault_rate=1, faults=("md5_once",), quick_etags=True)
    dealer = Dealer(config)
    assert dealer.deal("metadata/PMC1.1.json").fault is None
    assert dealer.deal("PMC1.1/a.jpg").fault == "md5_once"
    assert Dealer(replace(config, quick_etags=False)).deal("metadata/PMC1.1.json").fault == "md5_once"


@pytest.mark.parametrize("text", ["nonsense", "html@", "html@x", ""])
def test_a_rule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="valid"):
        parse_rule(text)


def test_articles_are_gone_at_the_rate() -> None:
    dealer = Dealer(ServerConfig(fault_rate=0.2, faults=("gone",)))
    gone = {n for n in range(500) if dealer.deal(f"metadata/PMC{n}.1.json").fault == "gone"}
    assert 60 < len(gone) < 140
    assert gone == {n for n in range(500) if dealer.deal(f"PMC{n}.1/a.jpg").fault == "gone"}
    assert [folder_of(key) for key in ("metadata/PMC7.1.json", "PMC7.1/a", "README.txt")] == ["PMC7.1", "PMC7.1", ""]
