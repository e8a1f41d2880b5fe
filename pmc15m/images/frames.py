"""What goes between a process that works and the process that decodes for it: frames over pipes.

A frame is a header, words as JSON and bytes. Whoever breaks the decoder writes the answers, so that they
are read as JSON and checked field by field: nothing is unpickled, nothing is larger than it may be.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, get_type_hints

from pmc15m.records import ImageInfo

HEADER = struct.Struct("!IQ")  # bytes of the words, bytes of the data
MAX_WORDS_BYTES = 2**16
MAX_REQUEST_BYTES = 2**31
MAX_ANSWER_BYTES = 2**28
NO_MEMORY_EXIT = 3
"""Exit code of a child where an image takes more memory than there may be."""

_HASH_BYTES = 32
_KINDS: dict[str, Any] = get_type_hints(ImageInfo)


class FrameError(ValueError):
    """An answer that is none."""


def pack_head(words: Mapping[str, Any], num_data_bytes: int = 0) -> bytes:
    """Return header and words of a frame; its data follow."""
    text = json.dumps(words).encode()
    return HEADER.pack(len(text), num_data_bytes) + text


def unpack_header(data: bytes, max_data_bytes: int) -> tuple[int, int]:
    """Return how many bytes of words and of data follow.

    Raises:
        FrameError: more than there may be.
    """
    num_words_bytes, num_data_bytes = HEADER.unpack(data)
    if num_words_bytes > MAX_WORDS_BYTES or num_data_bytes > max_data_bytes:
        raise FrameError(f"a frame of {num_words_bytes} + {num_data_bytes} bytes")
    return num_words_bytes, num_data_bytes


def unpack_words(data: bytes) -> dict[str, Any]:
    """Return the words of a frame.

    Raises:
        FrameError: not a JSON object.
    """
    try:
        words = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FrameError("words that are no JSON") from error
    if not isinstance(words, dict):
        raise FrameError("words that are no object")
    return words


def info_to_words(info: ImageInfo) -> dict[str, Any]:
    """Return an `ImageInfo` for JSON."""
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in asdict(info).items()}


def info_from_words(words: object) -> ImageInfo:
    """Return the `ImageInfo` of some words.

    Raises:
        FrameError: a field too many, too few, or of another type.
    """
    if not isinstance(words, dict) or words.keys() != _KINDS.keys():
        raise FrameError("another record than ImageInfo")
    return ImageInfo(**{name: _value(name, words[name]) for name in _KINDS})


def _value(name: str, value: object) -> Any:
    """Return the value of a field, of the field's type and no other."""
    kind = _KINDS[name]
    if kind is bytes and isinstance(value, str) and len(value) == 2 * _HASH_BYTES:
        try:
            return bytes.fromhex(value)
        except ValueError as error:
            raise FrameError(f"{name} is no hash") from error
    if type(value) is not kind:
        raise FrameError(f"{name} is no {kind.__name__}")
    return value
