"""A child whose decoder does what the bytes of the "image" say: `python -m tests.faults.hostile_child`."""

import ctypes
import os
import time
from pathlib import Path
from typing import Any, BinaryIO

from pmc15m.config import ImagesConfig
from pmc15m.images import child
from pmc15m.images.decode import ImageRefused
from pmc15m.images.frames import HEADER
from pmc15m.images.probe import probe_image
from pmc15m.records import ImageInfo, Reason

SURVIVED = "survived"
LIE = b"lie: "  # what follows is sent for an answer

seen: list[bytes] = []


def break_down(data: bytes, config: ImagesConfig) -> ImageInfo:
    """Break, or decode in earnest."""
    seen.append(data)
    if data.startswith(LIE):
        raise ImageRefused(Reason.IMAGE_FORMAT, data.decode())
    if deed := DEEDS.get(data):
        deed()
        raise ImageRefused(Reason.IMAGE_FORMAT, SURVIVED)
    return probe_image(data, config)


def spin() -> None:
    while True:
        pass


def abort_unless_new() -> None:
    if len(seen) > 1:
        os.abort()


def chatter() -> None:
    for descriptor in (1, 2):
        os.write(descriptor, b"libjpeg: oh dear\n" * 9)


def write_file() -> None:
    Path(os.environ["PYTHONPATH"].split(os.pathsep)[0], "written-by-a-decoder").write_text("x" * 9)


DEEDS: dict[bytes, Any] = {
    b"abort": os.abort,
    b"abort unless new": abort_unless_new,
    b"segfault": lambda: ctypes.string_at(0),
    b"exit": lambda: os._exit(77),
    b"hog": lambda: bytearray(2**33),
    b"spin": spin,
    b"spin in C": lambda: pow(3, 10**9),  # no bytecode in between, so that no signal handler of Python's would run
    b"sleep": lambda: time.sleep(600),
    b"bug": lambda: dict[str, int]()["nothing"],
    b"chatter": chatter,
    b"write": write_file,
}


def send(answers: BinaryIO, words: dict[str, Any], data: bytes = b"") -> None:
    """Send an answer, or the lie that it holds."""
    detail = str(words.get("detail"))
    if not detail.startswith(LIE.decode()):
        send_truth(answers, words, data)
        return
    lie = detail.removeprefix(LIE.decode())
    if lie == "long":
        answers.write(HEADER.pack(2, 2**60) + b"{}")
    else:
        answers.write(HEADER.pack(len(lie), 0) + lie.encode())
    answers.flush()


if __name__ == "__main__":
    send_truth = child.send
    vars(child).update(probe_image=break_down, send=send)
    child.main()
