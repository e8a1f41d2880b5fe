"""From `xlink:href` to a media file of the package ("From href to media file")."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from urllib.parse import unquote

IMAGE_EXTENSIONS = ("jpg", "jpeg", "png", "tif", "tiff", "gif", "webp", "bmp")
"""Raster images, in the order in which a stem prefers them."""

_ABSOLUTE = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_DIGEST = re.compile(r"[0-9a-f]{32,}\.\w+", re.IGNORECASE)
_DOI = re.compile(r"(info:)?doi[:/]|(info:)?10\.\d{4,9}(/|%2f)", re.IGNORECASE)


def split_name(name: str) -> tuple[str, str]:
    """Return stem and lower-case image extension; `fict.0099999.g001` has none and is all stem."""
    stem, dot, extension = name.rpartition(".")
    if dot and stem and extension.lower() in IMAGE_EXTENSIONS:
        return stem, extension.lower()
    return name, ""


class MediaIndex:
    """The media files of one package, by name and by stem."""

    def __init__(self, names: Iterable[str]) -> None:
        """Index the raster images among the names."""
        self._names = {name: name for name in sorted(names) if split_name(name)[1]}

    @cached_property
    def _folded(self) -> dict[str, str]:
        return {name.casefold(): name for name in reversed(self._names)}

    @cached_property
    def _stems(self) -> dict[str, dict[str, str]]:
        return self._by_stem(str)

    @cached_property
    def _folded_stems(self) -> dict[str, dict[str, str]]:
        return self._by_stem(str.casefold)

    def _by_stem(self, fold: Callable[[str], str]) -> dict[str, dict[str, str]]:
        stems: dict[str, dict[str, str]] = {}
        for name in self._names:
            stem, extension = split_name(name)
            stems.setdefault(fold(stem), {}).setdefault(extension, name)
        return stems

    def resolve(self, href: str) -> str | None:
        """Return the file that an href names, or None.

        Exact name, then name without regard to case, then the same whole stem with another image
        extension. An absolute URL is not local, since `fig1.jpg` of another host proves nothing;
        the one exception is a file named by a content digest (SciELO), which does.
        """
        if href in self._names and "/" not in href and "\\" not in href:
            return href
        forms = list(_forms(href))
        if _ABSOLUTE.match(href):
            return next((form for form in forms if form in self._names and _DIGEST.fullmatch(form)), None)
        for form in forms:
            if form in self._names:
                return form
        for form in forms:
            if form.casefold() in self._folded:
                return self._folded[form.casefold()]
        stems = [split_name(form)[0] for form in forms]
        for stem in stems:
            if by_extension := self._stems.get(stem):
                return _best_of(by_extension)
        for stem in stems:
            if by_extension := self._folded_stems.get(stem.casefold()):
                return _best_of(by_extension)
        return None


def _best_of(by_extension: dict[str, str]) -> str:
    return next(by_extension[extension] for extension in IMAGE_EXTENSIONS if extension in by_extension)


def _forms(href: str) -> Iterator[str]:
    """Yield the last path part as written, without query, percent-decoded; and the tail of a PLOS DOI."""
    href = href.strip()
    seen = []
    for text in (href, re.split(r"[?#]", href)[0], unquote(href), unquote(re.split(r"[?#]", href)[0])):
        part = re.split(r"[/\\]", text)[-1]
        if part and part not in seen:
            seen.append(part)
    if _DOI.match(href):  # info:doi/10.1371/journal.pone.0060593.g001 is pone.0060593.g001
        seen += [part.removeprefix("journal.") for part in seen if part.startswith("journal.")]
    yield from seen
