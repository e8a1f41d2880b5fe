"""Sockets: one thread a connection, sound answers and broken ones."""

import json
import socket
import socketserver
import ssl
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import Any

from tests.server.answers import Answer, Drip, Ending, make_answer, make_error, spoil
from tests.server.config import ServerConfig
from tests.server.dealer import Dealer
from tests.server.log import Log
from tests.server.service import BadTargetError, Service, parse_query

_CERTIFICATE = Path(__file__).with_name("nobody.pem")
_ABRUPT = struct.pack("ii", 1, 0)  # SO_LINGER on, no time: closing resets
_QUIET = (ConnectionError, TimeoutError, ssl.SSLError)


class HttpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens on loopback only."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, config: ServerConfig, service: Service) -> None:
        super().__init__(("127.0.0.1", config.port), Handler)
        self.config = config
        self.service = service
        self.dealer = Dealer(config)
        self.log = Log(config.log_records)
        self.stopping = Event()
        self.port: int = self.server_address[1]
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if config.tls else None
        if self._tls:
            self._tls.load_cert_chain(_CERTIFICATE)

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; the handshake is left to its thread."""
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """Close a connection: without a word where it is to be reset."""
        if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == _ABRUPT:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, unless it is that the other side hung up."""
        if not isinstance(sys.exception(), _QUIET):
            self.log.errors += 1
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Serves the requests of one connection."""

    protocol_version = "HTTP/1.1"
    timeout = 120.0
    server: HttpServer

    def do_GET(self) -> None:
        """Answer."""
        target = self.path
        path, _, text = target.removeprefix("/").partition("?")
        if "://" in target.partition("?")[0]:  # as a proxy is asked
            path = path.partition("://")[2].partition("/")[2]
        path = f"/{path}"
        if path.startswith("/_") and not path.startswith("/_elsewhere/"):
            self._send(self._control(path, parse_query(text)))
            return
        self._serve(target, path, text)

    do_HEAD = do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def _serve(self, target: str, path: str, text: str) -> None:
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        query = parse_query(text) | (parse_query(body.decode()) if self.command == "POST" else {})
        try:
            key = server.service.key_of(path, query)
        except BadTargetError:
            self._send(make_error(400, "InvalidURI", "Couldn't parse the specified URI."))
            return
        headers = tuple((name.lower(), value) for name, value in self.headers.items())
        entry = server.log.begin(self.command, target, key, headers)
        try:
            deal = server.dealer.deal(key)
            if server.config.latency_s:
                server.stopping.wait(server.config.latency_s)
            answer = server.service.answer(key, query, dict(headers), deal)
            if deal.fault:
                answer = spoil(deal.fault, answer, key, target, server.port)
            server.log.answer(entry, deal.attempt, answer.status, deal.fault and deal.fault.value)
            self._send(answer)
        finally:
            server.log.end()

    def _control(self, path: str, query: dict[str, str]) -> Answer:
        """Answer to what tests ask of the server itself."""
        server = self.server
        if path == "/_log":
            return make_answer(200, server.log.lines(int(query.get("after", "0"))), "application/jsonl")
        if path == "/_counters":
            return make_answer(200, server.log.counters(), "application/json")
        if path == "/_day" and self.command == "POST":
            server.service.store.day = int(query["k"])
        elif path == "/_reset" and self.command == "POST":
            server.log.reset()
            server.dealer.reset()
        elif path != "/_day":
            return make_error(404, "NoSuchKey", "There is /_log, /_counters, /_day and /_reset.")
        return make_answer(200, json.dumps({"day": server.service.store.day}).encode(), "application/json")

    def _send(self, answer: Answer) -> None:
        self.close_connection = self.close_connection or answer.ending != Ending.KEEP
        head, body = answer.head, b"" if self.command == "HEAD" else answer.body
        if answer.drip == Drip.HEAD:
            self._drip(head)
        elif answer.drip == Drip.BODY:
            self.connection.sendall(head)
            self._drip(body)
        else:
            self.connection.sendall(head + body)
        if answer.ending == Ending.HOLD:
            self._hold()
        elif answer.ending == Ending.RESET:
            time.sleep(0.02 if head else 0)  # what was sent is to arrive before the reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPT)

    def _drip(self, data: bytes) -> None:
        """Send byte by byte, until the other side has enough of it."""
        deadline = time.monotonic() + self.server.config.hang_s
        for place in range(len(data)):
            self.connection.sendall(data[place : place + 1])
            if self.server.stopping.wait(self.server.config.drip_s) or time.monotonic() > deadline:
                return

    def _hold(self) -> None:
        """Wait until the other side hangs up."""
        deadline = time.monotonic() + self.server.config.hang_s
        self.connection.settimeout(0.2)
        while time.monotonic() < deadline and not self.server.stopping.is_set():
            try:
                if not self.connection.recv(1024):
                    return
            except TimeoutError:
                continue
