"""Recorded answers of the real service, served byte for byte."""

import re
from collections.abc import Mapping
from pathlib import Path

_PREFIX = re.compile(rb"<Prefix>([^<]*)</Prefix>")
_EFETCH = re.compile(rb"<article[ >].*</article>", re.DOTALL)


class Recorded:
    """What a folder like `samples` holds: s3_meta/*.json, s3_list/versions_*.xml, jats/efetch_embargoed_*.xml."""

    def __init__(self, folder: Path | None) -> None:
        self.metadata: dict[str, bytes] = {}  # by article version
        self.listings: dict[str, bytes] = {}  # by prefix; the delimiter is a slash
        self.articles: dict[str, bytes] = {}  # <article> elements of efetch by number, without "PMC"
        self.readme = b"PMC Article Datasets, as a test server has them.\r\n"
        if folder is None:
            return
        if not folder.is_dir():
            raise FileNotFoundError(folder)
        for path in sorted(folder.glob("s3_meta/PMC*.json")):
            self.metadata[path.name.removesuffix(".json")] = path.read_bytes()
        for path in sorted(folder.glob("s3_list/versions_*.xml")):
            data = path.read_bytes()
            if match := _PREFIX.search(data):
                self.listings[match[1].decode()] = data
        for path in sorted(folder.glob("jats/efetch_embargoed_PMC*.xml")):
            if match := _EFETCH.search(path.read_bytes()):
                self.articles[path.stem.rpartition("PMC")[2]] = match[0]
        for path in folder.glob("pmc-oa-opendata_README.txt"):
            self.readme = path.read_bytes()

    def listing(self, query: Mapping[str, str]) -> bytes | None:
        """Return the recorded answer to a listing query, None where there is none."""
        asked = {name: value for name, value in query.items() if name not in {"list-type", "prefix", "delimiter"}}
        if asked or query.get("delimiter") != "/":
            return None
        return self.listings.get(query.get("prefix", ""))
