"""Connections: urllib3's pools, whose every answer is watched, and nothing from the environment."""

import functools
import ssl
from typing import Any
from urllib.parse import unquote, urlsplit

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from pmc15m.acquire.policy import HttpPolicy
from pmc15m.acquire.wire import CURRENT, Exchange, WatchedResponse
from pmc15m.errors import UsageError

_MAX_HOSTS = 1_000


class _Connection(HTTPConnection):
    response_class = WatchedResponse


class _TlsConnection(HTTPSConnection):
    response_class = WatchedResponse


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class Pools:
    """Connections to every host that was asked, none open at first. Nothing is taken from the environment.

    Args:
        policy: how many, how patient, and by way of whom.
    """

    def __init__(self, policy: HttpPolicy) -> None:
        context = _tls_context(policy.ca_file)
        options: dict[str, Any] = {
            "num_pools": _MAX_HOSTS,
            "maxsize": policy.connections,
            "timeout": urllib3.Timeout(connect=policy.connect_timeout_s, read=policy.read_timeout_s),
            "retries": urllib3.Retry(False, redirect=False),
            "ssl_context": context,
        }
        self._asking: dict[str, Any] = {
            "headers": {"User-Agent": policy.user_agent, "Accept-Encoding": "identity"},
            "redirect": False,
            "preload_content": False,
            "decode_content": False,
        }
        self._is_direct = policy.proxy is None
        if policy.proxy is None:
            self._manager = urllib3.PoolManager(**options)
        else:
            address, headers = _proxy_of(policy.proxy)
            self._manager = urllib3.ProxyManager(address, proxy_headers=headers, proxy_ssl_context=context, **options)
        self._manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        self._pools: dict[tuple[str, str], urllib3.HTTPConnectionPool] = {}

    def ask(self, url: str, exchange: Exchange) -> urllib3.BaseHTTPResponse:
        """Send a GET and return its answer, of which the headers are read.

        Raises:
            HTTPError: there is none.
        """
        CURRENT.exchange = exchange
        if not self._is_direct:
            return self._manager.urlopen("GET", url, **self._asking)
        parts = urlsplit(url)
        pool = self._pools.get(parts[:2])
        if pool is None:
            pool = self._pools[parts[:2]] = self._manager.connection_from_url(url)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        return pool.urlopen("GET", target, **self._asking)


def _proxy_of(proxy: str) -> tuple[str, dict[str, str] | None]:
    """Return the address of a proxy and the headers that let us in."""
    parts = urlsplit(proxy)
    address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.username is None:
        return address, None
    word = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return address, urllib3.make_headers(proxy_basic_auth=word)


@functools.cache
def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return a context that checks certificate and host name; one for all connections, since reading it takes long."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=ca_file or certifi.where())
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(f"{ca_file} holds no certificates: {error}") from error
    return context
