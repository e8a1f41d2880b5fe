"""A headless Chromium, driven over a pipe: what a page asks for, what it complains of, and how it looks.

The DevTools protocol as JSON, each message ended by a zero byte (`--remote-debugging-pipe`): no port, no socket.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

REQUIRE_CHROMIUM = "PMC15M_REQUIRE_CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-extensions "
    "--disable-background-networking --disable-component-update --disable-sync --hide-scrollbars "
    "--force-color-profile=srgb --remote-debugging-pipe"
)
_TIMEOUT_S = 60.0


@dataclass(slots=True)
class Visit:
    """What happened while a page was open."""

    requests: list[str] = field(default_factory=list)  # addresses
    failed: list[str] = field(default_factory=list)  # addresses that gave nothing
    complaints: list[str] = field(default_factory=list)  # of the console and of the policy


class Browser:
    """One tab of a Chromium."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._buffer = b""
        self._messages: deque[dict[str, Any]] = deque()
        self._number = 0
        self._session: str | None = None
        self.visit = Visit()
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Return what a command gives."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return dict(answer["result"])

    def open(self, address: str, width_px: int, is_dark: bool = False) -> Visit:
        """Open a page and return what happened until it had loaded."""
        self.visit = Visit()
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width_px, height=900, deviceScaleFactor=1, mobile=width_px < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Page.navigate", url=address)
        while self._next().get("method") != "Page.loadEventFired":
            pass
        self.run("1")  # what was said before it is read with its answer
        return self.visit

    def run(self, expression: str) -> Any:
        """Return the value of some JavaScript; the policy of the page does not hold for it."""
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def screenshot(self) -> bytes:
        """Return the whole page as PNG."""
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def _next(self) -> dict[str, Any]:
        """Return the next message, noted if it tells of the page."""
        deadline = time.monotonic() + _TIMEOUT_S
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], deadline - time.monotonic())
            assert ready, f"Chromium said nothing for {_TIMEOUT_S} s"
            chunk = os.read(self._from, 2**20)
            assert chunk, "Chromium is gone"
            self._buffer += chunk
        raw, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method: str | None, params: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.visit.requests.append(params["request"]["url"])
        elif method == "Network.loadingFailed":
            self.visit.failed.append(params.get("errorText", ""))
        elif method == "Log.entryAdded":
            self.visit.complaints.append(params["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.visit.complaints.append(json.dumps(params["args"]))
        elif method == "Runtime.exceptionThrown":
            self.visit.complaints.append(json.dumps(params["exceptionDetails"]))


@contextmanager
def running_browser(folder: Path) -> Iterator[Browser]:
    """Run a Chromium whose files lie in a folder.

    Where there is none the test skips, or fails if `PMC15M_REQUIRE_CHROMIUM=1`.
    """
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None:
        if os.environ.get(REQUIRE_CHROMIUM) == "1":
            pytest.fail(f"{REQUIRE_CHROMIUM}=1, but there is no Chromium")
        pytest.skip("there is no Chromium here")
    (to_child, to_browser), (from_browser, from_child) = os.pipe(), os.pipe()
    # It reads from 3 and writes to 4; numbers of its own, since either of ours may be one of them.
    redirect = f'exec "$@" 8<&{to_child} 9>&{from_child} 3<&8 4>&9 8<&- 9>&-'
    words = [
        "bash",
        "-c",
        redirect,
        "bash",
        program,
        *_FLAGS.split(),
        f"--user-data-dir={folder}/profile",
        "about:blank",
    ]
    environment = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    process = subprocess.Popen(
        words, pass_fds=(to_child, from_child), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    os.close(to_child)
    os.close(from_child)
    try:
        browser = Browser(to_browser, from_browser)
        yield browser
        browser._session = None
        browser.ask("Browser.close")
        process.wait(_TIMEOUT_S)
    finally:
        os.close(to_browser)
        os.close(from_browser)
        process.kill()
        process.wait()
