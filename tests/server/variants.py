"""Article versions that the generator does not make: a sound one, its metadata JSON and its names made over."""

import hashlib
import html
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

BUCKET_URI = "s3://pmc-oa-opendata"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"


class Variant(StrEnum):
    """What is special about an article; a pipeline need not reject any of them for it but the second to fourth."""

    MANUSCRIPT_FIRST = "manuscript_first"  # version 1 a manuscript under TDM, version 2 as published
    TDM = "tdm"  # the manuscript is all there is
    NO_LICENSE = "no_license"  # open access, under terms of the publisher's own
    HISTORICAL_OCR = "historical_ocr"  # XML and text only; no DOI, no licence
    NO_MEDIA = "no_media"
    ONLY_SECOND = "only_second"  # version 2 without a version 1
    ODD_NAMES = "odd_names"  # media whose names hold spaces, accents and %: `odd_name`
    WITH_PDF = "with_pdf"  # PDF and text, and a PDF of the publisher's in the media


HAS_TWO = frozenset({Variant.MANUSCRIPT_FIRST, Variant.ONLY_SECOND})
"""Made from an article with two versions."""


def md5_of(data: bytes) -> str:
    """Return the md5 in hex."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def url_of(folder: str, name: str, data: bytes) -> str:
    """Return the URL of a file as the metadata give it."""
    return f"{BUCKET_URI}/{folder}/{name}?md5={md5_of(data)}"


def odd_name(name: str) -> str:
    """Return the odd name of a media file: accents, a dash that is not ASCII, capitals at the end."""
    stem, _, extension = name.rpartition(".")
    return f"Fig 1+2 \u2013 café #3 100% {stem}.{extension.upper()}"


def make_over(variant: Variant | None, folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of an article version that is such a variant; `folder` is like "PMC7.1"."""
    made = dict(files)
    if variant is None:
        return made
    fields: dict[str, Any] = json.loads(made.pop(f"{folder}.json"))
    if variant in {Variant.TDM, Variant.HISTORICAL_OCR, Variant.NO_MEDIA} or _is_manuscript(variant, fields):
        fields.pop("media_urls", None)
        made = {name: data for name, data in made.items() if name.startswith(f"{folder}.")}
    if variant == Variant.TDM or _is_manuscript(variant, fields):
        journal = fields["citation"].partition(". ")[0]
        fields["citation"] = f"{journal}. Author manuscript; Available in PMC 2022 May 1."
        fields |= {"is_pmc_openaccess": False, "is_manuscript": True, "license_code": "TDM"}
        fields["mid"] = f"NIHMS{fields['pmcid'][-7:]}"
    elif variant == Variant.NO_LICENSE:
        fields["license_code"] = None
    elif variant == Variant.HISTORICAL_OCR:
        fields |= {"is_historical_ocr": True, "license_code": None, "doi": None, "pmid": None}
    elif variant == Variant.ODD_NAMES:
        _rename(folder, made, fields)
    elif variant == Variant.WITH_PDF:
        _add_pdfs(folder, made, fields)
    return made | {f"{folder}.json": json.dumps(fields).encode()}


def _is_manuscript(variant: Variant, fields: Mapping[str, Any]) -> bool:
    return variant == Variant.MANUSCRIPT_FIRST and fields["version"] == 1


def _rename(folder: str, files: dict[str, bytes], fields: dict[str, Any]) -> None:
    """Give every media file its odd name, in the XML too."""
    xml = files[f"{folder}.xml"]
    for name in [name for name in files if not name.startswith(f"{folder}.")]:
        new = odd_name(name)
        files[new] = files.pop(name)
        stem, _, extension = name.rpartition(".")

        def swap(match: re.Match[bytes], new: str = new, extension: str = extension) -> bytes:
            written = match[1].decode()
            href = new if written == f".{extension}" else new.rpartition(".")[0] + written
            return b'href="' + html.escape(href).encode("ascii", "xmlcharrefreplace") + b'"'

        xml = re.sub(rb'href="' + re.escape(stem).encode() + rb'((?:\.[a-z]{3,4})?)"', swap, xml)
    files[f"{folder}.xml"] = xml
    fields["xml_url"] = url_of(folder, f"{folder}.xml", xml)
    _list_media(folder, files, fields)


def _add_pdfs(folder: str, files: dict[str, bytes], fields: dict[str, Any]) -> None:
    """Add what is always there, or often: text, the PDF of the article, and one under the publisher's name."""
    files.setdefault(f"{folder}.txt", f"ARTICLE INFORMATION\n{'=' * 60}\nPMCID: {fields['pmcid']}\n".encode())
    files[f"{folder}.pdf"] = PDF
    files["article-coif.pdf"] = PDF + b"% of the publisher\n"
    fields["text_url"] = url_of(folder, f"{folder}.txt", files[f"{folder}.txt"])
    fields["pdf_url"] = url_of(folder, f"{folder}.pdf", PDF)
    _list_media(folder, files, fields)


def _list_media(folder: str, files: Mapping[str, bytes], fields: dict[str, Any]) -> None:
    names = sorted(name for name in files if not name.startswith(f"{folder}."))
    fields.pop("media_urls", None)
    if names:
        fields["media_urls"] = [url_of(folder, name, files[name]) for name in names]
