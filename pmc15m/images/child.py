"""The process in which images are decoded: `python -m pmc15m.images.child`, started by `images.children`.

It answers requests from standard input until that ends, which it does when its parent dies. It can
take no more memory and no more time than it was told, writes no file, and hears nothing of signals for
a group of processes: its parent decides.
"""

import os
import resource
import signal
import sys
import traceback
import warnings
from types import TracebackType
from typing import Any, BinaryIO

from pmc15m.config import EncodeConfig, ImagesConfig, from_tables
from pmc15m.images.decode import ImageRefused
from pmc15m.images.encode import make_jpeg
from pmc15m.images.frames import (
    HEADER,
    MAX_REQUEST_BYTES,
    NO_MEMORY_EXIT,
    info_to_words,
    pack_head,
    unpack_header,
    unpack_words,
)
from pmc15m.images.probe import probe_image

MAX_CHARS = 8_000
"""Longest text of an answer."""

_WATCHED = resource.RLIMIT_DATA if sys.platform.startswith("linux") else resource.RLIMIT_AS


def main() -> None:
    """Serve, as the two arguments say: CPU seconds an image, bytes of memory."""
    max_cpu_s, max_memory_bytes = float(sys.argv[1]), int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "wb")
    limit(max_memory_bytes)
    warnings.simplefilter("ignore")
    answers.write(pack_head({"is": "ready"}))
    answers.flush()
    hush()
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # whatever was inherited: it ends what takes too long
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPROF])
    sys.dont_write_bytecode = True

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Tell the parent of a bug, instead of a stderr that no one sees."""
        send(answers, {"is": "bug", "trace": "".join(traceback.format_exception(kind, error, trace))[-MAX_CHARS:]})

    sys.excepthook = tell
    serve(sys.stdin.buffer, answers, max_cpu_s)


def limit(max_memory_bytes: int) -> None:
    """Bound what this process may take: memory that is its own (Linux; elsewhere its addresses), files, core dumps."""
    for kind, value in ((_WATCHED, max_memory_bytes), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def hush() -> None:
    """Let what C libraries print go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def serve(requests: BinaryIO, answers: BinaryIO, max_cpu_s: float) -> None:
    """Answer until there is no whole request any more; the system ends what takes too long, in whatever library."""
    while len(header := requests.read(HEADER.size)) == HEADER.size:
        num_words_bytes, num_data_bytes = unpack_header(header, MAX_REQUEST_BYTES)
        words = unpack_words(requests.read(num_words_bytes))
        data = requests.read(num_data_bytes)
        if len(data) < num_data_bytes:
            return
        signal.setitimer(signal.ITIMER_PROF, max_cpu_s)
        try:
            answer, encoded = answer_request(words, data)
        except MemoryError:
            os._exit(NO_MEMORY_EXIT)  # what is left of it could be too little for the next image
        signal.setitimer(signal.ITIMER_PROF, 0)
        send(answers, answer, encoded)


def answer_request(words: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the answer to a request, in words and bytes."""
    images = from_tables(ImagesConfig, words["images"])
    try:
        if words["do"] == "probe":
            return {"is": "info", "info": info_to_words(probe_image(data, images))}, b""
        encoded, changes = make_jpeg(data, images, from_tables(EncodeConfig, words["encode"]))
    except ImageRefused as refused:
        return {"is": "refused", "reason": refused.reason, "detail": refused.detail[:MAX_CHARS]}, b""
    return {"is": "jpeg", "changes": changes}, encoded


def send(answers: BinaryIO, words: dict[str, Any], data: bytes = b"") -> None:
    """Write a frame."""
    answers.write(pack_head(words, len(data)))
    answers.write(data)
    answers.flush()


if __name__ == "__main__":
    main()
