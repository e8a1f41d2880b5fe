"""One child process that decodes, and the pipes to it; `images.children` holds them."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

from pmc15m.images.frames import (
    HEADER,
    MAX_ANSWER_BYTES,
    NO_MEMORY_EXIT,
    FrameError,
    pack_head,
    unpack_header,
    unpack_words,
)
from pmc15m.records import Reason

MAX_CPU_S = 20.0
"""CPU time of one image. No value of the TOML, as it must not decide over a sound one: 64 megapixels take some 2 s."""

MAX_WALL_S = 120.0
"""How long a child may give no sign: for one that is stopped or stuck, where no CPU time passes."""

MAX_MEMORY_BYTES = 2**30
"""Memory of a child: 64 megapixels of any mode fit."""

MAX_IMAGES = 2_000
"""Images of a child before it is replaced, which bounds what libraries leak."""

_NUM_TICKS = 20  # of a wait: a worker that was itself stopped for a while finds one gone, not all
_PART_BYTES = 2**20
_END_S = 5.0
_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "LANG", "LC_ALL")
_SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",  # every worker has a child
    "OMP_NUM_THREADS": "1",
    # glibc keeps memory from image to image: to get 9 MB anew for each takes a third of the time
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
    "MALLOC_TOP_PAD_": str(8 * 2**20),
}
_FOR_GROUPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may take."""

    cpu_s: float = MAX_CPU_S  # for one image
    wall_s: float = MAX_WALL_S
    memory_bytes: int = MAX_MEMORY_BYTES
    num_images: int = MAX_IMAGES


class ChildError(RuntimeError):
    """A child does not start, or met with a bug."""


class ChildLostError(Exception):
    """A child is gone, or is to be given up, over an image."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Keep what a refusal says."""
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class Child:
    """A child process and the two pipes to it. One thread at a time may ask."""

    def __init__(self, limits: Limits, module: str) -> None:
        """Start it and wait until it is ready.

        Raises:
            ChildError: it does not start; it says why on stderr.
        """
        self.num_images = 0
        self._limits = limits
        words = [sys.executable, "-P", "-m", module, str(limits.cpu_s), str(limits.memory_bytes)]
        with _deaf():
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=_environment()
            )
        self._requests, self._answers = _pipe(self._process.stdin), _pipe(self._process.stdout)
        is_ready = False
        try:
            self._receive()
            is_ready = True
        except (ChildLostError, FrameError) as error:
            raise ChildError(f"{' '.join(words)} does not start: {error}") from error
        finally:
            if not is_ready:
                self.end()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask(self, words: Mapping[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        """Send a request and return words and data of the answer.

        Raises:
            ChildLostError: there will be none.
            FrameError: it is none.
        """
        self.num_images += 1
        self._send(pack_head(words, len(data)))
        self._send(data)
        return self._receive()

    def end(self) -> None:
        """End it, at once, and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        self._close()

    def forget(self) -> None:
        """Let go of it, in a fork of its parent: closed pipes, so that it ends with its parent, and no wait."""
        self._process.returncode = 0
        self._close()

    def _close(self) -> None:
        self._requests.close()
        self._answers.close()

    def _send(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            self._wait(self._requests, select.POLLOUT)
            try:
                left = left[os.write(self._requests.fileno(), left) :]
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise self._post_mortem() from error

    def _receive(self) -> tuple[dict[str, Any], bytes]:
        num_words_bytes, num_data_bytes = unpack_header(self._read(HEADER.size), MAX_ANSWER_BYTES)
        return unpack_words(self._read(num_words_bytes)), self._read(num_data_bytes)

    def _read(self, num_bytes: int) -> bytes:
        parts = bytearray()
        while len(parts) < num_bytes:
            self._wait(self._answers, select.POLLIN)
            part = os.read(self._answers.fileno(), min(num_bytes - len(parts), _PART_BYTES))
            if not part:
                raise self._post_mortem()
            parts += part
        return bytes(parts)

    def _wait(self, pipe: IO[bytes], event: int) -> None:
        """Wait until a pipe can be used."""
        poll = select.poll()
        poll.register(pipe, event)
        for _ in range(_NUM_TICKS):
            if poll.poll(1_000 * self._limits.wall_s / _NUM_TICKS):
                return
        raise ChildLostError(Reason.IMAGE_TIMEOUT, f"no sign of the decoder for {self._limits.wall_s:g} s")

    def _post_mortem(self) -> ChildLostError:
        """Return what it died of; it closed its end of a pipe."""
        try:
            code = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            return ChildLostError(Reason.DECODER_CRASHED, "the decoder closed its pipe")
        if code == -signal.SIGPROF:
            detail = f"decoding took more than {self._limits.cpu_s:g} s of CPU time"
            return ChildLostError(Reason.IMAGE_TIMEOUT, detail)
        if code == NO_MEMORY_EXIT:
            died_of = f"more than {self._limits.memory_bytes / 2**20:g} MiB of memory"
        else:
            died_of = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        return ChildLostError(Reason.DECODER_CRASHED, f"the decoder died of {died_of}")


def _environment() -> dict[str, str]:
    """Return what a child may know: where modules lie, and no credentials."""
    kept = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
    return kept | _SETTINGS | {"PYTHONPATH": path}


@contextmanager
def _deaf() -> Iterator[None]:
    """Have what is started here never hear what a terminal or a scheduler says to a whole group of processes."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_GROUPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    """Return an end of a pipe that is never waited at but by `poll`."""
    pipe = cast("IO[bytes]", stream)  # Popen was asked for one
    os.set_blocking(pipe.fileno(), False)
    return pipe
