"""Links that lead to the web alone, and words for everything that a page may name."""

import pytest

from pmc15m.licenses import RIGHTS_FLAGS
from pmc15m.records import Reason
from pmc15m.release.pages.meanings import FLAGS, MEANINGS
from pmc15m.release.pages.rendering import article_address, web_address


@pytest.mark.parametrize("address", ["https://example.org/a?b=c", "http://example.org"])
def test_web_addresses_may_be_linked(address: str) -> None:
    assert web_address(address) == address


@pytest.mark.parametrize(
    "address",
    [None, "", "javascript:alert(1)", "JaVaScRiPt://x/%0aalert(1)", "data:text/html,x", "//example.org", "file:///etc",
     "https://", "https://a b", "https://a\n", " https://a", "vbscript:x"],
)  # fmt: skip
def test_nothing_else_may(address: str | None) -> None:
    assert web_address(address) is None


@pytest.mark.parametrize(
    ("key", "address"),
    [
        ("PMC7_0001_01", "https://pmc.ncbi.nlm.nih.gov/articles/PMC7/"),
        ("PMC7.2", "https://pmc.ncbi.nlm.nih.gov/articles/PMC7/"),
        ("PMC0.0", None),
        ("<b>", None),
    ],
)
def test_keys_lead_to_their_article(key: str, address: str | None) -> None:
    assert article_address(key) == address


def test_every_reason_and_flag_is_explained() -> None:
    assert set(MEANINGS) == set(Reason)
    assert set(FLAGS) == set(RIGHTS_FLAGS)
