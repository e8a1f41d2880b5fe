"""From `xlink:href` to a media file of the package ("From href to media file")."""

import re
from collections.abc import Iterable, Iterator
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
        self._names: dict[str, str] = {}
        self._folded: dict[str, str] = {}
        self._stems: dict[str, dict[str, str]] = {}
        self._folded_stems: dict[str, dict[str, str]] = {}
        for name in sorted(names):
            stem, extension = split_name(name)
            if extension:
                self._names[name] = name
                self._folded.setdefault(name.casefold(), name)
                self._stems.setdefault(stem, {}).setdefault(extension, name)
                self._folded_stems.setdefault(stem.casefold(), {}).setdefault(extension, name)

    def resolve(self, href: str) -> str | None:
        """Return the file that an href names, or None.

        Exact name, then name without regard to case, then the same whole stem with another image
        extension. An absolute URL is not local, since `fig1.jpg` of another host proves nothing;
        the one exception is a file named by a content digest (SciELO), which does.
        """
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
        for index, fold in ((self._stems, str), (self._folded_stems, str.casefold)):
            for stem in stems:
                by_extension = index.get(fold(stem))
                if by_extension:
                    return next(by_extension[e] for e in IMAGE_EXTENSIONS if e in by_extension)
        return None


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
