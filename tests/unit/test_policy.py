"""What a policy may say, and the error that tells what came of a fetch."""

import pickle
from pathlib import Path

import pytest

from pmc15m.acquire.http import FetchError, HttpClient, HttpPolicy
from pmc15m.errors import UsageError
from pmc15m.records import Reason


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"connections": 0}, "connections is 0, wanted 1 or more"),
        ({"attempts": 0}, "attempts is 0"),
        ({"requests_per_s": 0.0}, "requests_per_s is 0.0, wanted more than 0"),
        ({"deadline_s": float("nan")}, "deadline_s is nan"),
        ({"backoff_s": -1.0}, "backoff_s is -1.0, wanted 0 or more"),
        ({"contact": "a\r\nX: y"}, "cannot stand in a User-Agent"),
        ({"contact": "Jos\u00e9"}, "cannot stand in a User-Agent"),
        ({"proxy": "proxy:3128"}, "proxy is no address of one"),
        ({"proxy": "socks5://127.0.0.1:1"}, "proxy is no address of one"),
        ({"proxy": "http://[::1"}, "proxy is no address of one"),
    ],
)
def test_a_policy_that_cannot_work_is_refused_in_a_sentence(options: dict[str, object], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        HttpPolicy(**options)  # type: ignore[arg-type]


def test_certificates_that_are_none_are_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(UsageError, match=rf"{name} holds no certificates"):
            HttpClient(HttpPolicy(ca_file=str(tmp_path / name)))


def test_without_a_contact_the_user_agent_is_name_and_version() -> None:
    assert HttpPolicy().user_agent == "pmc15m/0.1.0"


def test_a_policy_pickles_and_so_does_an_error() -> None:
    policy = HttpPolicy(contact="a@b.example", proxy="http://u:p@127.0.0.1:1")
    assert pickle.loads(pickle.dumps(policy)) == policy  # noqa: S301
    error = pickle.loads(pickle.dumps(FetchError(Reason.FORBIDDEN, "x" * 1_000, False)))  # noqa: S301
    assert (error.reason, len(error.detail), error.is_fault) == (Reason.FORBIDDEN, 500, False)


def test_a_policy_does_not_show_its_password() -> None:
    assert "secret" not in repr(HttpPolicy(proxy="http://user:secret@127.0.0.1:1"))
