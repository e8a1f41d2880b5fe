"""Every fault is on the wire what its name says."""

import http.client
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote

import pytest
import urllib3

from pmc15m.acquire.metadata import parse_metadata
from pmc15m.records import ArticleRef
from tests.server import Fault, Server, ServerConfig
from tests.server.answers import make_bomb
from tests.server.client import Client, asked_server, texts
from tests.server.variants import md5_of

NOT_OF_ONE = {Fault.GONE, Fault.REPLACED, Fault.REPEATED_TOKEN, Fault.LIMIT_BODY, Fault.SEARCH_ERROR}
ON_THE_WIRE: list[Fault] = [fault for fault in Fault if fault not in NOT_OF_ONE]
"""Faults of any object: article n of the server has the n-th, at every attempt."""

WAIT_S = 0.35
GONE, REPLACED = (f"PMC{80_000_000 + len(ON_THE_WIRE) + n}.1" for n in range(2))


def spoilt(fault: Fault) -> str:
    """Return the article that has a fault."""
    return f"PMC{80_000_000 + ON_THE_WIRE.index(fault)}.1"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came on a connection until it ended, or until `WAIT_S` was over."""

    data: bytes
    ending: str  # "end", "reset" or "silence"

    @property
    def status(self) -> int:
        return int(self.data.split()[1])

    @property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]

    def values(self, name: str) -> list[str]:
        lines = [line.partition(": ") for line in self.head.decode("latin-1").split("\r\n")]
        return [value for found, _, value in lines if found.lower() == name]

    @property
    def length(self) -> int:
        (value,) = self.values("content-length")
        return int(value)


def ask(port: int, path: str) -> Reply:
    data, ending = b"", "silence"
    deadline = time.monotonic() + WAIT_S
    with closing(socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        try:
            while time.monotonic() < deadline:
                part = connection.recv(65_536)
                data += part
                if not part:
                    return Reply(data, "end")
        except TimeoutError:
            pass
        except ConnectionResetError:
            ending = "reset"
    return Reply(data, ending)


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Server, Client]]:
    faults = {f"{spoilt(fault)}/*": f"{fault}@inf" for fault in ON_THE_WIRE}
    faults |= {GONE: "gone", REPLACED: "replaced", "list:PMC*": "repeated_token"}
    config = ServerConfig(articles=len(ON_THE_WIRE) + 2, fault_map=faults, drip_s=0.1, hang_s=5)
    with asked_server(config) as both:
        yield both


Check: TypeAlias = Callable[[Reply, bytes], bool]


def has_error(status: int, code: str) -> Check:
    return lambda reply, _: (reply.status, texts(reply.body, "Code")) == (status, [code])


def has_location(text: str) -> Check:
    return lambda reply, _: reply.status == 302 and text in reply.values("location")[0]


def is_flipped(reply: Reply, sound: bytes) -> bool:
    differing = sum(one != other for one, other in zip(reply.body, sound, strict=True))
    return reply.status == 200 and reply.length == len(sound) and differing == 1


def is_half(reply: Reply, sound: bytes) -> bool:
    return reply.status == 200 and reply.body == sound[: len(sound) // 2]


def waits(seconds: str) -> Check:
    return lambda reply, _: reply.status == 429 and reply.values("retry-after") == [seconds]


CHECKS: dict[Fault, Check] = {
    Fault.MD5_ONCE: is_flipped,
    Fault.MD5_ALWAYS: is_flipped,
    Fault.SHORT_BODY: lambda reply, sound: is_half(reply, sound) and reply.length == len(sound),
    Fault.SHORT_CHUNKED: lambda reply, sound: reply.values("transfer-encoding") == ["chunked"]
    and reply.body == b"%x\r\n%s\r\n" % (len(sound) // 2, sound[: len(sound) // 2]),
    Fault.CUT_BODY: lambda reply, sound: is_half(reply, sound) and not reply.values("content-length"),
    Fault.LONG_BODY: lambda reply, sound: reply.length == len(sound) // 2 and reply.body == sound,
    Fault.HTML: lambda reply, _: reply.status == 200 and reply.body.startswith(b"<!DOCTYPE html>"),
    Fault.SLOW_DOWN_3: has_error(503, "SlowDown"),
    Fault.STORM: has_error(503, "SlowDown"),
    Fault.SLOW_DOWN: has_error(503, "SlowDown"),
    Fault.ERROR_500: has_error(500, "InternalError"),
    Fault.ERROR_502: lambda reply, _: reply.status == 502,
    Fault.ERROR_504: lambda reply, _: reply.status == 504,
    Fault.RETRY_AFTER_LONG: waits("99999"),
    Fault.RETRY_AFTER_1: waits("1"),
    Fault.NOT_FOUND: has_error(404, "NoSuchKey"),
    Fault.FORBIDDEN: has_error(403, "AccessDenied"),
    Fault.RESET_EARLY: lambda reply, _: (reply.data, reply.ending) == (b"", "reset"),
    Fault.RESET_IN_BODY: lambda reply, sound: is_half(reply, sound) and reply.ending == "reset",
    Fault.EMPTY_REPLY: lambda reply, _: (reply.data, reply.ending) == (b"", "end"),
    Fault.GARBAGE_STATUS: lambda reply, _: reply.data.startswith(b"SSH-2.0"),
    Fault.DRIP_BODY: lambda reply, sound: 0 < len(reply.body) < 10 and sound.startswith(reply.body),
    Fault.DRIP_HEADERS: lambda reply, _: 0 < len(reply.data) < 10 and b"HTTP/1.1".startswith(reply.data),
    Fault.SILENT: lambda reply, _: (reply.data, reply.ending) == (b"", "silence"),
    Fault.HUGE_LENGTH: lambda reply, sound: (reply.length, reply.body, reply.ending) == (10**13, sound, "silence"),
    Fault.NEGATIVE_LENGTH: lambda reply, sound: (reply.length, reply.body) == (-1, sound),
    Fault.TWO_LENGTHS: lambda reply, sound: reply.values("content-length") == [str(len(sound)), str(len(sound) + 7)],
    Fault.GZIP_BOMB: lambda reply, _: reply.values("content-encoding") == ["gzip"]
    and 100_000 < reply.length == len(reply.body) < 2_000_000,
    Fault.REDIRECT_HOST: has_location("http://localhost:"),
    Fault.REDIRECT_FILE: has_location("file:///"),
    Fault.REDIRECT_LOOP: has_location("/PMC8"),
    Fault.PARTIAL: lambda reply, sound: reply.status == 206 and reply.body == sound[: len(sound) // 2]
    and reply.values("content-range") == [f"bytes 0-{len(sound) // 2 - 1}/{len(sound)}"],
    Fault.HUGE_HEADER: lambda reply, sound: len(reply.head) > 100_000 and reply.body == sound,
    Fault.MANY_HEADERS: lambda reply, sound: reply.head.count(b"\r\n") > 500 and reply.body == sound,
}  # fmt: skip


@pytest.mark.parametrize("fault", ON_THE_WIRE)
def test_fault_is_on_the_wire(running: tuple[Server, Client], fault: Fault) -> None:
    server, client = running
    folder = spoilt(fault)
    sound = client.get(f"/metadata/{folder}.json").data
    seen = len(server.log())
    reply = ask(server.port, f"/{folder}/{folder}.json")
    assert CHECKS[fault](reply, sound), reply.data[:300]
    (record,) = server.log()[seen:]
    assert (record.fault, record.key) == (fault.value, f"{folder}/{folder}.json")


def test_a_bomb_is_half_a_gigabyte() -> None:
    unpacker = zlib.decompressobj(wbits=31)
    first, bomb = unpacker.decompress(make_bomb()), make_bomb()
    member = bomb[: len(bomb) - len(unpacker.unused_data)]
    assert bomb == member * 32
    assert len(first) * 32 == 512 * 2**20


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.HUGE_HEADER, http.client.LineTooLong),
        (Fault.MANY_HEADERS, http.client.HTTPException),
        (Fault.GARBAGE_STATUS, http.client.BadStatusLine),
        (Fault.EMPTY_REPLY, http.client.RemoteDisconnected),
        (Fault.RESET_EARLY, ConnectionResetError),
        (Fault.RESET_IN_BODY, ConnectionResetError),
        (Fault.SHORT_BODY, http.client.IncompleteRead),
        (Fault.SHORT_CHUNKED, http.client.IncompleteRead),
        (Fault.SILENT, TimeoutError),
        (Fault.CUT_BODY, None),
    ],
)
def test_a_client_sees_it(running: tuple[Server, Client], fault: Fault, error: type[Exception] | None) -> None:
    server, _ = running
    folder = spoilt(fault)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT_S)
    with closing(connection):
        connection.request("GET", f"/{folder}/{folder}.json")
        if fault == Fault.CUT_BODY:
            assert connection.getresponse().read(), "half of it, and no word"
        elif error:
            with pytest.raises(error):
                connection.getresponse().read()


def test_a_redirect_to_another_host_shows_when_it_is_followed(running: tuple[Server, Client]) -> None:
    server, _ = running
    folder = spoilt(Fault.REDIRECT_HOST)
    with urllib3.PoolManager() as pool:
        assert pool.request("GET", f"{server.url}/{folder}/x").data == b"another host\n"
    assert server.log()[-1].key == f"elsewhere:/{folder}/x"


# Faults that need to know the articles


def test_an_article_may_be_gone(running: tuple[Server, Client]) -> None:
    _, client = running
    for key in (f"metadata/{GONE}.json", f"{GONE}/{GONE}.xml"):
        assert client.get(f"/{key}").status == 404


def test_an_article_may_be_replaced_while_it_is_read(running: tuple[Server, Client]) -> None:
    server, client = running
    seen = len(server.log())
    ref = ArticleRef(REPLACED.partition(".")[0], 1, REPLACED)
    told = [parse_metadata(ref, client.get(f"/metadata/{REPLACED}.json").data).xml_md5 for _ in range(3)]
    xml = client.get(f"/{REPLACED}/{REPLACED}.xml").data
    assert told[0] != md5_of(xml)
    assert told[1:] == [md5_of(xml)] * 2
    assert [record.fault for record in server.log()[seen:]] == ["replaced", None, None, None]


def test_a_listing_may_lead_back_to_itself(running: tuple[Server, Client]) -> None:
    _, client = running
    first = client.get("/?list-type=2&prefix=PMC&delimiter=/&max-keys=2").data
    (token,) = texts(first, "NextContinuationToken")
    again = client.get(f"/?list-type=2&prefix=PMC&delimiter=/&max-keys=2&continuation-token={quote(token)}").data
    assert texts(again, "NextContinuationToken") == [token]
    assert texts(again, "Prefix")[1:] == texts(first, "Prefix")[1:]
    assert texts(again, "IsTruncated") == ["true"]
