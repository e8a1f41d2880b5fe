"""One article: metadata of its versions, XML of the one that counts, and the media that its figures name.

Every file is compared with an md5 before it counts: of the inventory for the metadata, of the
metadata for the rest. The metadata is kept last: without it an article is not there.
"""

from collections.abc import Iterator

from pmc15m.acquire.http import FetchError
from pmc15m.acquire.index import IndexRow
from pmc15m.acquire.metadata import MAX_BYTES, MetadataError, MetadataMismatchError, parse_metadata
from pmc15m.acquire.stored import Stored
from pmc15m.acquire.transfer import Transfer, md5_of
from pmc15m.acquire.versions import choose_version
from pmc15m.config import DatasetConfig
from pmc15m.images.pairs import make_pair, reject_lost
from pmc15m.jats.article import parse_article
from pmc15m.jats.figures import account_for
from pmc15m.records import FAULTS, ArticleRef, Figure, Package, Pair, Reason, Reject, Stage, Tally
from pmc15m.rejects import reject_article
from pmc15m.select import why_not_licensed, why_not_selected


class _ReplacedError(Exception):
    """An article version is another one than when its metadata was read."""

    def __init__(self, package: Package, metadata: bytes) -> None:
        super().__init__(package.ref.key)
        self.newer = (package, metadata)


class ArticleFetch:
    """Fetches one article."""

    def __init__(
        self,
        versions: tuple[IndexRow, ...],
        seen: str | None,
        transfer: Transfer,
        config: DatasetConfig,
        makes_pairs: bool,
    ) -> None:
        """Name what is there, the way to it, the rules, and whether images are looked at as they come."""
        self._versions, self._seen = versions, seen
        self._transfer, self._config, self._makes_pairs = transfer, config, makes_pairs
        self._num_bytes = 0
        self._is_reread = False
        self.extracted: list[Pair | Reject | Tally] = []
        """What extract would yield of the article, with `makes_pairs`."""

    def run(self) -> Iterator[Stored | Reject]:
        """Yield what becomes of each version."""
        found: dict[str, tuple[IndexRow, Package, bytes]] = {}
        for row in self._versions:
            item = self._read_metadata(row.ref, row.json_md5)
            if isinstance(item, Reject):
                yield item
            else:
                found[row.ref.key] = (row, *item)
        if not found:
            return
        chosen = choose_version([package for _, package, _ in found.values()]).ref.key
        for key, (row, _, _) in found.items():
            if key != chosen:
                yield self._reject(row.ref, Reason.SUPERSEDED, f"{chosen} is taken")
        row, package, metadata = found[chosen]
        try:
            yield self._fetch(row, package, metadata)
        except _ReplacedError as error:
            yield self._fetch(row, *error.newer)

    def _read_metadata(self, ref: ArticleRef, md5: str | None) -> tuple[Package, bytes] | Reject:
        try:
            data = self._get_metadata(f"{ref.location}/{ref.key}.json", md5)
            return parse_metadata(ref, data), data
        except FetchError as error:
            return self._reject(ref, error.reason, error.detail)
        except MetadataError as error:
            return self._reject(ref, Reason.METADATA_INVALID, str(error))
        except MetadataMismatchError as error:
            return self._reject(ref, Reason.METADATA_MISMATCH, str(error))

    def _get_metadata(self, name: str, md5: str | None) -> bytes:
        """Return the metadata, also where they changed since the inventory was written."""
        try:
            return self._transfer.get(name, md5, MAX_BYTES)
        except FetchError as error:
            if md5 is None or error.reason != Reason.MD5_MISMATCH:
                raise
            try:
                return self._transfer.get(name, None, MAX_BYTES)
            except FetchError:
                raise error from None

    def _fetch(self, row: IndexRow, package: Package, metadata: bytes) -> Stored | Reject:
        ref, config = row.ref, self._config
        self.extracted = []
        if package.is_retracted:
            return self._reject(ref, Reason.RETRACTED, "the metadata says is_retracted")
        if detail := why_not_licensed(package, config.select):
            return self._reject(ref, Reason.NOT_SELECTED, detail)
        try:
            xml = self._get_part(ref, metadata, f"{ref.key}.xml", package.xml_md5, config.xml.max_bytes)
        except FetchError as error:
            return self._reject(ref, error.reason, error.detail)
        items = parse_article(package, xml, config.xml)
        figures = [item for item in items if isinstance(item, Figure)]
        if figures and (detail := why_not_selected(figures[0].article, config.select)):
            return self._reject(ref, Reason.NOT_SELECTED, detail)
        self._num_bytes = 0
        self._put(f"{ref.location}/{ref.key}.xml", xml)
        self.extracted = [Tally("articles/read", 1), *account_for(items)] if self._makes_pairs else []
        by_graphic: dict[str, list[Figure]] = {}
        for figure in figures:
            by_graphic.setdefault(figure.graphic, []).append(figure)
        num_lacking = sum(not self._fetch_media(ref, metadata, by_graphic[name]) for name in sorted(by_graphic))
        self._transfer.sweep(ref.location)
        self._put(f"{ref.location}/{ref.key}.json", metadata)
        return Stored(
            key=ref.pmcid,
            version=ref.version,
            seen=None if num_lacking else self._seen,
            updated=row.updated,
            json_md5=md5_of(metadata),
            xml_md5=md5_of(xml),
            license=str(package.license),
            is_retracted=package.is_retracted,
            doi=package.doi,
            title=package.title,
            num_media=len(by_graphic),
            num_bytes=self._num_bytes,
        )

    def _fetch_media(self, ref: ArticleRef, metadata: bytes, figures: list[Figure]) -> bool:
        """Bring the media file of some figures; return False where it is to be asked for again on another day."""
        name, images = figures[0].graphic, self._config.images
        try:
            data = self._get_part(ref, metadata, name, figures[0].graphic_md5, images.max_bytes)
        except FetchError as error:
            self._transfer.tallies["faults"] += error.reason in FAULTS
            if self._makes_pairs:
                self.extracted += [reject_lost(figure) for figure in figures]
            return error.reason not in FAULTS
        self._put(f"{ref.location}/{name}", data)
        if self._makes_pairs:
            self.extracted += [item for figure in figures for item in make_pair(figure, data, images)]
        return True

    def _get_part(self, ref: ArticleRef, metadata: bytes, name: str, md5: str | None, max_bytes: int) -> bytes:
        """Return a file of a version.

        Raises:
            FetchError: it cannot be had.
            _ReplacedError: it is not that of the metadata any more.
        """
        try:
            return self._transfer.get(f"{ref.location}/{name}", md5, max_bytes)
        except FetchError as error:
            if error.reason == Reason.MD5_MISMATCH and not self._is_reread:
                self._is_reread = True
                newer = self._read_metadata(ref, None)
                if not isinstance(newer, Reject) and newer[1] != metadata:
                    raise _ReplacedError(*newer) from error
            raise

    def _put(self, name: str, data: bytes) -> None:
        self._num_bytes += len(data)
        self._transfer.put(name, data)

    def _reject(self, ref: ArticleRef, reason: Reason, detail: str) -> Reject:
        self._transfer.tallies["faults"] += reason in FAULTS
        return reject_article(ref, Stage.FETCH, reason, detail)
