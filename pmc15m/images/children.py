"""Hostile bytes are decoded in child processes: a decoder that crashes, grows or hangs costs one image.

A process has as many children as threads that decode at once. A child takes many images, one after the
other, and is replaced now and then. Children are programs of their own, not forks, so that the
threads of a worker do not matter; they know neither its files nor its environment, and end when their
standard input does: with the worker, however that ends.

What is refused depends on the image alone. What goes wrong in a child that has had other images
before is tried again in a new one, and time is the child's own CPU time, not that of a busy host.
"""

import atexit
import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from pmc15m.config import EncodeConfig, ImagesConfig
from pmc15m.images.decode import ImageRefused
from pmc15m.images.encode import goes_verbatim
from pmc15m.images.frames import FrameError, info_from_words
from pmc15m.images.pipes import Child, ChildError, ChildLostError, Limits
from pmc15m.records import ImageInfo, Reason

T = TypeVar("T")
_Read = Callable[[dict[str, Any], bytes], T]


def probe_guarded(data: bytes, config: ImagesConfig) -> ImageInfo:
    """Do what `probe_image` does, in a child of this process.

    Raises:
        ImageRefused: also with IMAGE_TIMEOUT or DECODER_CRASHED.
    """
    return _CHILDREN.probe(data, config)


def encode_guarded(data: bytes, info: ImageInfo, images: ImagesConfig, config: EncodeConfig) -> tuple[bytes, str]:
    """Do what `encode_image` does, in a child of this process.

    Raises:
        ImageRefused: also with IMAGE_TIMEOUT or DECODER_CRASHED.
    """
    return _CHILDREN.encode(data, info, images, config)


class Children:
    """A pool of children, for any number of threads. A fork of the process begins with none."""

    def __init__(self, limits: Limits | None = None, module: str = "pmc15m.images.child") -> None:
        """Make a pool without children: they are started when they are needed.

        Args:
            limits: of each child.
            module: what a child runs.
        """
        self._limits, self._module = limits or Limits(), module
        self._begin()
        _POOLS.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._all: set[Child] = set()

    @property
    def pids(self) -> list[int]:
        """Process ids of the children."""
        with self._lock:
            return sorted(child.pid for child in self._all)

    def probe(self, data: bytes, config: ImagesConfig) -> ImageInfo:
        """Do what `probe_guarded` does."""
        return self._ask({"do": "probe", "images": asdict(config)}, data, _read_info)

    def encode(self, data: bytes, info: ImageInfo, images: ImagesConfig, config: EncodeConfig) -> tuple[bytes, str]:
        """Do what `encode_guarded` does."""
        if goes_verbatim(info, config):
            return data, "none"
        return self._ask({"do": "encode", "images": asdict(images), "encode": asdict(config)}, data, _read_jpeg)

    def close(self) -> None:
        """End the children that are idle, and wait until they are gone."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            self._end(child)

    def forget(self) -> None:
        """Let go of the children: they are those of the process that this one was forked from."""
        for child in self._all:
            child.forget()
        self._begin()

    def _ask(self, words: dict[str, Any], data: bytes, read: _Read[T]) -> T:
        """Have a child answer; once more in a new one where the first is lost and was not new itself."""
        child = self._take()
        try:
            return self._ask_one(child, words, data, read)
        except ChildLostError as lost:
            if child.num_images == 1 or lost.reason == Reason.IMAGE_TIMEOUT:
                raise ImageRefused(lost.reason, lost.detail) from lost
        try:
            return self._ask_one(self._start(), words, data, read)
        except ChildLostError as lost:
            raise ImageRefused(lost.reason, lost.detail) from lost

    def _ask_one(self, child: Child, words: dict[str, Any], data: bytes, read: _Read[T]) -> T:
        """Have this child answer; it is kept only if it did."""
        is_sound = False
        try:
            answer, more = child.ask(words, data)
            kind = answer.get("is")
            if kind == "bug":
                raise ChildError(f"in the process that decodes:\n{answer.get('trace')}")
            result = _refusal(answer) if kind == "refused" else read(answer, more)
            is_sound = True
        except FrameError as error:
            raise ChildLostError(Reason.DECODER_CRASHED, "the decoder answered nonsense") from error
        finally:
            if is_sound and child.num_images < self._limits.num_images:
                with self._lock:
                    self._idle.append(child)
            else:
                self._end(child)
        if isinstance(result, ImageRefused):
            raise result
        return result

    def _take(self) -> Child:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._start()

    def _start(self) -> Child:
        child = Child(self._limits, self._module)
        with self._lock:
            self._all.add(child)
        return child

    def _end(self, child: Child) -> None:
        child.end()
        with self._lock:
            self._all.discard(child)


def _refusal(answer: dict[str, Any]) -> ImageRefused:
    """Return the refusal that a child answers with.

    Raises:
        FrameError: a reason that is none of an image.
    """
    reason, detail = answer.get("reason"), answer.get("detail")
    if not isinstance(detail, str) or not str(reason).startswith("image_") or reason not in set(Reason):
        raise FrameError("a refusal without a reason")
    return ImageRefused(Reason(reason), detail)


def _read_info(answer: dict[str, Any], _data: bytes) -> ImageInfo:
    return info_from_words(answer.get("info"))


def _read_jpeg(answer: dict[str, Any], data: bytes) -> tuple[bytes, str]:
    changes = answer.get("changes")
    if not isinstance(changes, str):
        raise FrameError("an image without a word of what was done to it")
    return data, changes


def _close_all() -> None:
    for pool in list(_POOLS):
        pool.close()


def _forget_all() -> None:
    for pool in list(_POOLS):
        pool.forget()


_POOLS: "weakref.WeakSet[Children]" = weakref.WeakSet()
_CHILDREN = Children()
atexit.register(_close_all)
os.register_at_fork(after_in_child=_forget_all)
