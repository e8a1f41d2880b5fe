"""`croissant.json`: what a release is, for search engines and loaders, in Croissant 1.1 with its RAI vocabulary.

Written by hand, since the library that validates it is a tool of tests. The records are those of
pairs/*.parquet; tars are resources without records, as Croissant's authors advise for containers that it
does not read. https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pmc15m.about import ReleaseConfig
from pmc15m.release.features import croissant_fields
from pmc15m.release.files import ReleaseFile

CROISSANT = "croissant.json"
CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
PAIRS = "pairs"
TABLES = "pairs-tables"

_FORMATS = {
    ".cff": "application/yaml",
    ".json": "application/json",
    ".md": "text/markdown",
    ".parquet": "application/x-parquet",
    ".tar": "application/x-tar",
    ".toml": "application/toml",
    ".gz": "text/tab-separated-values",
}
_TERMS = (
    "arrayShape citeAs column containedIn equivalentProperty extract field fileObject fileProperty fileSet format "
    "includes isArray isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace "
    "samplingRate separator source subField transform"
).split()
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}


def croissant_json(
    release: ReleaseConfig,
    said: Mapping[str, Any],
    rai: Mapping[str, Any],
    splits: Sequence[str],
    files: Iterable[ReleaseFile],
) -> dict[str, Any]:
    """Return the description of a release.

    Args:
        release: its name and makers.
        said: `name`, `version`, `license`, `citeAs`, `keywords` as schema.org has them, and, where they are known,
            `datePublished` and `inLanguage`.
        rai: texts by their names in the RAI vocabulary.
        splits: names of its splits.
        files: the files that it tells of; the many of a kind are told of as one set.
    """
    singles = sorted((file for file in files if "/" not in file.path), key=lambda file: file.path)
    creators = [{"@type": "sc:Organization", "name": name} for name in release.creators]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "description": release.description,
        "url": release.url or "README.md",  # relative to this file: a release is its own page until it has another
        "creator": creators,
        "publisher": creators,
        "isLiveDataset": False,
        **said,
        **{f"rai:{name}": text for name, text in rai.items()},
        "distribution": [*(_file_object(file) for file in singles), *_file_sets(splits)],
        "recordSet": [_pairs()],
    }


def _pairs() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": PAIRS,
        "name": PAIRS,
        "description": "One record a sample, without phash and phash_content: there is no type for bytes.",
        "key": {"@id": f"{PAIRS}/key"},
        "field": croissant_fields(PAIRS, TABLES),
    }


def _file_object(file: ReleaseFile) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "contentUrl": file.path,
        "contentSize": f"{file.num_bytes} B",
        "encodingFormat": _format_of(file.path),
        "sha256": file.sha256,
    }


def _file_sets(splits: Sequence[str]) -> list[dict[str, Any]]:
    tars = [(f"{split}-tars", f"{split}/*.tar", f"Samples of {split}, in WebDataset's form.") for split in splits]
    tables = [
        (TABLES, "pairs/*.parquet", "A row a sample."),
        ("rejects-tables", "rejects/*.parquet", "A row with a reason for everything that did not become a sample."),
    ]
    return [
        {
            "@type": "cr:FileSet",
            "@id": name,
            "name": name,
            "description": description,
            "encodingFormat": _format_of(pattern),
            "includes": pattern,
        }
        for name, pattern, description in (*tars, *tables)
    ]


def _format_of(path: str) -> str:
    return next((name for end, name in _FORMATS.items() if path.endswith(end)), "application/octet-stream")
