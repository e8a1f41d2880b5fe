"""Article versions that are special, and how they change from day to day."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from pmc15m.acquire.metadata import parse_metadata
from pmc15m.config import XmlConfig
from pmc15m.jats.article import parse_article
from pmc15m.records import ArticleRef, Figure, Package
from pmc15m.synth import Fault
from pmc15m.synth.planning import plan_case
from tests.server import Collection, ServerConfig, Variant, odd_name
from tests.server.collection import Stored, Version
from tests.server.variants import md5_of

MANY = Collection(ServerConfig(articles=2 * len(Variant), variants_every=2, image_scale=0.05))


def versions_of(collection: Collection, number: int, day: int = 0) -> list[Version]:
    return [version for version in collection.versions(day).values() if version.number == number]


def package_of(version: Version, files: Mapping[str, bytes]) -> Package:
    """Return what the metadata say; every md5 in them has to be right."""
    ref = ArticleRef(version.pmcid, version.version, version.folder)
    package = parse_metadata(ref, files[f"{version.folder}.json"])
    assert package.xml_md5 == md5_of(files[f"{version.folder}.xml"])
    assert {file.name: file.md5 for file in package.media} == {
        name: md5_of(data) for name, data in files.items() if not name.startswith(f"{version.folder}.")
    }
    return package


@pytest.mark.parametrize("number", range(1, 2 * len(Variant), 2))
def test_metadata_of_a_variant_are_right(number: int) -> None:
    variant = MANY.variant_of(number)
    versions = versions_of(MANY, number)
    for version in versions:
        files = {name: stored.data for name, stored in MANY.files(version).items()}
        package = package_of(version, files)
        fields = json.loads(files[f"{version.folder}.json"])
        assert fields["license_code"] == MANY.license_of(version)
        assert fields["is_manuscript"] == MANY.is_manuscript(version) == (not package.is_open_access)
        assert fields["is_historical_ocr"] == (variant == Variant.HISTORICAL_OCR) == (package.doi is None)
        assert ("pdf_url" in fields) == (variant == Variant.WITH_PDF)
        has_none = {Variant.TDM, Variant.HISTORICAL_OCR, Variant.NO_MEDIA}
        assert ("media_urls" in fields) == (variant not in has_none and not package.is_manuscript)
    expected = {Variant.MANUSCRIPT_FIRST: [1, 2], Variant.ONLY_SECOND: [2]}
    assert [version.version for version in versions] == expected.get(variant, [1]) if variant else [1]


def test_every_variant_is_there_and_no_article_with_a_fault_is_one() -> None:
    assert {MANY.variant_of(number) for number in range(16)} == {None, *Variant}
    config = ServerConfig(articles=60, variants_every=2, synth_faults=("xml_empty",), synth_fault_every=3)
    made = Collection(replace(config, duplicates_every=4))
    special = {number for number in range(60) if made.variant_of(number)}
    assert special
    assert not any(config.synth.fault_of(number) for number in special)


def graphics_of(version: Version, files: Mapping[str, Stored]) -> list[str]:
    data = {name: stored.data for name, stored in files.items()}
    items = parse_article(package_of(version, data), data[f"{version.folder}.xml"], XmlConfig())
    return [item.graphic for item in items if isinstance(item, Figure)]


def test_odd_names_stand_in_the_xml_too() -> None:
    config = ServerConfig(articles=24, variants=("odd_names",), variants_every=1, image_scale=0.05)
    made, plain = Collection(config), Collection(replace(config, variants_every=0))
    for version in made.versions(0).values():
        names = graphics_of(version, plain.files(version))
        assert names
        assert graphics_of(version, made.files(version)) == list(map(odd_name, names))


def test_changes_of_a_day_keep_the_md5s_right() -> None:
    config = ServerConfig(articles=12, day_changes=("xml", "retracted", "license"), image_scale=0.05)
    made = Collection(config)
    for day in (1, 2, 3):
        before, now = made.versions(day - 1), made.versions(day)
        (changed,) = [folder for folder in set(before) & set(now) if before[folder] != now[folder]]
        version = now[changed]
        old = {name: stored.data for name, stored in made.files(before[changed]).items()}
        new = {name: stored.data for name, stored in made.files(version).items()}
        differing = {name.rpartition(".")[2] for name in new if new[name] != old[name]}
        assert differing == ({"xml", "json"} if version.change == "xml" else {"json"})
        package = package_of(version, new)
        assert version.change == config.day_changes[day - 1]
        assert package.is_retracted == (version.change == "retracted")
        assert json.loads(new[f"{changed}.json"])["license_code"] == made.license_of(version)
        assert version.updated > before[changed].updated


def test_days_are_the_same_however_one_gets_there() -> None:
    config = ServerConfig(articles=9)
    far = Collection(config).versions(30)
    stepwise = Collection(config)
    assert [stepwise.versions(day) for day in (0, 4, 30)][-1] == far
    assert len(far) == 9 + 30 - 4, "an article goes every day until half of them are gone, or changed"
    assert Collection(ServerConfig(articles=0)).versions(2).keys() == {"PMC80000000.1", "PMC80000001.1"}


def test_a_change_of_an_article_with_a_fault_leaves_its_fault_alone() -> None:
    config = ServerConfig(articles=4, synth_faults=("xml_md5", "json_broken"), synth_fault_every=1)
    made = Collection(config)
    for version in made.versions(0).values():
        changed = replace(version, change="xml", revision=1)
        old, new = made.files(version), made.files(changed)
        name = f"{version.folder}.json"
        assert new[name].data == old[name].data + b" "
        assert {file: one.data for file, one in new.items() if file != name} == {
            file: one.data for file, one in old.items() if file != name
        }


def test_facts_are_those_of_the_plan() -> None:
    config = ServerConfig(
        articles=40, variants_every=5, synth_faults=tuple(Fault), synth_fault_every=3, duplicates_every=6
    )
    made = Collection(config)
    for number in range(40):
        assert made.facts(number) == plan_case(made.synth_of(number), number).plan.facts


def test_quick_etags_need_no_drawing_and_change_with_the_article() -> None:
    made = Collection(ServerConfig(articles=3, quick_etags=True))
    version = made.versions(0)["PMC80000000.1"]
    etag = made.index_etag(version)
    assert re.fullmatch(r"[0-9a-f]{32}-1", etag)
    assert etag != made.index_etag(replace(version, revision=1))
    stored = made.metadata(version)
    assert stored
    assert stored.etag == etag
