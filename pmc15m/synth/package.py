"""The files around an article as the Cloud Service lays them out: metadata JSON and plain text."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pmc15m.synth.dice import Dice
from pmc15m.synth.faults import Fault
from pmc15m.synth.plan import Facts, Plan

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NO_MD5 = "0123456789abcdef" * 2


def stem_of(facts: Facts) -> str:
    """Return the name of an article version, `PMC80000000.1`."""
    return f"{facts.pmcid}.{facts.version}"


def citation_of(facts: Facts) -> str:
    """Return the citation as the metadata have it."""
    when = f"{facts.year} {_MONTHS[facts.month - 1]} {facts.day}"
    return f"{facts.journal.abbreviation}. {when};{facts.volume}({facts.month}):{facts.eloc}. doi: {facts.doi}"


def make_text(plan: Plan) -> bytes:
    """Return the plain text of an article."""
    facts, line = plan.facts, "=" * 60
    head = (
        f"ARTICLE INFORMATION\n{line}\nPMCID: {facts.pmcid}\nDOI: {facts.doi}\nLicense: {facts.license.code}\n{line}\n"
    )
    sections = (
        f"\n{number}. {section.title}\n\n" + "\n\n".join(paragraph.rich.cleaned for paragraph in section.paragraphs)
        for number, section in enumerate(plan.sections, 1)
    )
    return (head + f"\n{facts.title.cleaned}\n" + "\n".join(sections) + "\n").encode()


def make_metadata(seed: int, facts: Facts, files: Mapping[str, bytes], fault: Fault | None, bad_name: str) -> bytes:
    """Return the metadata JSON.

    Args:
        seed: of the set.
        facts: of the article.
        files: everything that the JSON names.
        fault: of the article.
        bad_name: the file whose md5 is to be wrong; "" for none.
    """
    stem = stem_of(facts)

    def url(name: str) -> str:
        md5 = hashlib.md5(files[name], usedforsecurity=False).hexdigest()
        return f"s3://pmc-oa-opendata/{stem}/{name}?md5={_NO_MD5 if name == bad_name else md5}"

    own = {f"{stem}.xml": "xml_url", f"{stem}.txt": "text_url"}
    urls = [(own[name], url(name)) for name in files if name in own]
    metadata: dict[str, Any] = {
        "pmcid": _pmcid_in_json(facts, fault),
        "version": facts.version,
        "pmid": facts.pmid,
        "doi": facts.doi,
        "mid": facts.mid if facts.is_manuscript else None,
        "title": facts.title.cleaned,
        "citation": citation_of(facts),
        "is_pmc_openaccess": True,
        "is_manuscript": facts.is_manuscript,
        "is_historical_ocr": False,
        "is_retracted": fault == Fault.RETRACTED,
        "license_code": facts.license.code,
        **dict(Dice(seed, facts.number, "json").sample(urls, len(urls))),
    }
    media = sorted(name for name in files if name not in own)
    if media:
        metadata["media_urls"] = [url(name) for name in media]
    text = json.dumps(metadata)
    return text[: len(text) // 2].encode() if fault == Fault.JSON_BROKEN else text.encode()


def _pmcid_in_json(facts: Facts, fault: Fault | None) -> str:
    """Return the pmcid that the JSON gives: with a fault, that of an article far away."""
    return f"PMC{int(facts.pmcid[3:]) + 5_000_000}" if fault == Fault.JSON_OTHER else facts.pmcid
