"""Curated articles of the generator: the set is what its truth claims, by pixels, hashes and captions."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from pmc15m.config import ImagesConfig
from pmc15m.images.probe import probe_image
from pmc15m.jats.article import inspect_article
from pmc15m.records import ImageInfo, key_order
from pmc15m.synth import (
    Curation,
    Fault,
    SynthArticle,
    SynthConfig,
    Verdict,
    curation_truth,
    find_leaks,
    make_article,
    make_expected,
    pmcid_of,
    read_truth,
    score_kinds,
)
from pmc15m.synth.__main__ import main
from pmc15m.synth.articles import make_answers
from pmc15m.synth.curation import NUM_ARTICLES, parse_curations
from pmc15m.synth.plan import Media
from pmc15m.synth.sameness import file_of, is_dense, likeness, picture_of, pixels_of
from pmc15m.synth.verdicts import MAX_BADGE_ARTICLES
from tests.unit.test_synth import digest, metadata_of, xml_of

CONFIG = SynthConfig(seed=5, curation_every=2, image_scale=0.25)
NUM_SET = 300
DROP_BITS, SPLIT_BITS = 12, 24
MIN_BITS_SET = 24
BORDER_BITS = 24  # the trim of a border is not exact
MAX_DENSE_WHITE = 0.35


@pytest.fixture(scope="module")
def truth() -> dict[str, Verdict]:
    return curation_truth(CONFIG, range(NUM_SET))


@pytest.fixture(scope="module")
def captions() -> dict[str, str]:
    """Return what the captions of the set say, by key."""
    answers = [make_expected(CONFIG, number) for number in range(NUM_SET)]
    return {figure.key: str(figure.caption) for answer in answers for figure in answer.figures}


@dataclass(frozen=True)
class Drawn:
    """A curated figure and what its file turned out to be."""

    verdict: Verdict
    media: Media
    caption: str
    info: ImageInfo


@pytest.fixture(scope="module")
def drawn(truth: dict[str, Verdict]) -> list[Drawn]:
    """All figures of the curated articles of the set that are there to be curated."""
    found = []
    for number in range(NUM_SET):
        if CONFIG.curation_of(number) is None:
            continue
        article = make_article(CONFIG, number)
        figs = {fig.fig_id: fig for fig in make_answers(CONFIG, number)[-1][0].plan.figs}
        for figure in article.expected.figures:
            if truth[figure.key].kind:
                info = probe_image(article.files[str(figure.graphic)], ImagesConfig())
                assert (info.width_px, info.height_px) == (figure.width_px, figure.height_px)
                media = figs[figure.fig_id].graphics[figure.part - 1].media
                found.append(Drawn(truth[figure.key], media, str(figure.caption), info))
    return found


def of_kind(drawn: list[Drawn], *kinds: Curation) -> list[Drawn]:
    return [one for one in drawn if one.verdict.kind in kinds]


def apart(one: ImageInfo, other: ImageInfo) -> int:
    """Return the bits between two images, by the nearer of both hashes."""
    pairs = ((one.phash, other.phash), (one.phash_content, other.phash_content))
    return min((int.from_bytes(a) ^ int.from_bytes(b)).bit_count() for a, b in pairs)


def forms_of_one(drawn: list[Drawn]) -> Iterator[tuple[Drawn, Drawn]]:
    """Yield every two figures that are made of one picture."""
    by_picture = defaultdict(list)
    for one in drawn:
        by_picture[picture_of(one.media)].append(one)
    for forms in by_picture.values():
        yield from combinations(forms, 2)


# --- images ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_files_and_pixels_are_the_same_where_the_plan_says_so_and_nowhere_else(drawn: list[Drawn]) -> None:
    files = [(file_of(one.media), one.info.sha256) for one in drawn]
    pixels = [(pixels_of(one.media), one.info.pixel_sha256) for one in drawn]
    for marks in (files, pixels):
        by_plan, by_digest = defaultdict(set), defaultdict(set)
        for plan, found in marks:
            by_plan[plan].add(found)
            by_digest[found].add(plan)
        assert all(len(digests) == 1 for digests in by_plan.values())
        assert all(len(plans) == 1 for plans in by_digest.values())
        assert len(by_plan) < len(drawn) - 50


@pytest.mark.slow
def test_altered_copies_are_near_and_differ_in_their_pixels(drawn: list[Drawn]) -> None:
    distances: dict[str, list[int]] = defaultdict(list)
    for one, other in forms_of_one(drawn):
        if pixels_of(one.media) != pixels_of(other.media):
            name = max(one.media.alteration.value, other.media.alteration.value)
            distances[name].append(apart(one.info, other.info))
    assert set(distances) == {"jpeg75", "jpeg90", "half", "three_quarters", "border", "grey_half"}
    for name, bits in distances.items():
        assert max(bits) <= (BORDER_BITS if name == "border" else DROP_BITS), (name, sorted(bits))


@pytest.mark.slow
def test_look_alikes_are_other_pictures_and_only_slices_and_counts_are_within_reach_of_a_hash(
    drawn: list[Drawn],
) -> None:
    def distances(kind: Curation, group_of: Any) -> list[int]:
        pairs = combinations(of_kind(drawn, kind), 2)
        return [apart(one.info, other.info) for one, other in pairs if group_of(one) == group_of(other)]

    assert min(distances(Curation.SERIES, lambda one: one.verdict.pmcid)) > SPLIT_BITS
    assert min(distances(Curation.LOOKALIKE_CURVES, lambda one: one.media.scene)) > SPLIT_BITS
    # Charts that differ in numbers only, and slices of one volume: no hash tells all of them apart.
    assert min(distances(Curation.LOOKALIKE_COUNTS, lambda one: one.media.scene)) <= DROP_BITS
    assert min(distances(Curation.SLICES, lambda one: one.verdict.pmcid)) <= DROP_BITS
    assert max(distances(Curation.SLICES, lambda one: one.verdict.pmcid)) > SPLIT_BITS


@pytest.mark.slow
def test_strangers_are_far_apart_but_for_what_has_no_structure_and_the_look_alikes(drawn: list[Drawn]) -> None:
    sound = [
        one
        for one in drawn
        if min(int.from_bytes(one.info.phash).bit_count(), int.from_bytes(one.info.phash_content).bit_count())
        >= MIN_BITS_SET
        and one.verdict.kind not in {Curation.SLICES, Curation.LOOKALIKE_COUNTS}
    ]
    near = [
        (one.verdict.key, other.verdict.key)
        for one, other in combinations(sound, 2)
        if picture_of(one.media) != picture_of(other.media) and apart(one.info, other.info) <= SPLIT_BITS
    ]
    assert not near


@pytest.mark.slow
def test_blanks_wedges_and_shapes_are_what_they_are_called(drawn: list[Drawn]) -> None:
    for one in of_kind(drawn, Curation.BLANK):
        assert one.info.grey_std < 3
    for one in of_kind(drawn, Curation.RAMP):
        assert one.info.grey_std > 20
        assert int.from_bytes(one.info.phash).bit_count() < MIN_BITS_SET
    wedges = of_kind(drawn, Curation.RAMP)
    assert len({one.info.pixel_sha256 for one in wedges}) == len(wedges) > 4
    for one in of_kind(drawn, Curation.ASPECT):
        sides = sorted((one.info.width_px, one.info.height_px))
        assert (sides[1] > 8 * sides[0]) == (one.verdict.outcome == "image_aspect")
    sides_px = {
        one.verdict.outcome: min(one.info.width_px, one.info.height_px) for one in of_kind(drawn, Curation.SMALL)
    }
    assert sides_px == {"image_too_small": 63, "pair": 64}


@pytest.mark.slow
def test_dense_pictures_show_no_paper_and_line_art_does(drawn: list[Drawn]) -> None:
    for one in of_kind(drawn, Curation.NEAR_DENSE, Curation.NEAR_LINE, Curation.LOOKALIKE_CURVES):
        is_dark = one.info.white_cells_fraction <= MAX_DENSE_WHITE - 0.1
        is_white = one.info.white_cells_fraction >= MAX_DENSE_WHITE + 0.1
        assert (is_dark, is_white) == (one.verdict.kind == "near_dense", one.verdict.kind != "near_dense")
        assert is_dense(one.media) == is_dark


@pytest.mark.slow
def test_the_badge_is_in_more_articles_than_a_figure_can_be(drawn: list[Drawn]) -> None:
    badges = of_kind(drawn, Curation.BADGE)
    assert len({one.verdict.pmcid for one in badges}) == len(badges) > MAX_BADGE_ARTICLES
    assert len({one.info.pixel_sha256 for one in badges}) == 1
    assert {one.info.format for one in badges} == {"JPEG", "PNG"}
    assert len({one.caption for one in badges}) == len(badges)
    assert {one.verdict.outcome for one in badges} <= {"repeated_image", "duplicate_article"}
    assert min(badges[0].info.width_px, badges[0].info.height_px) >= 64


# --- captions -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_captions_of_one_picture_are_alike_or_unlike_and_never_in_doubt(drawn: list[Drawn]) -> None:
    values: dict[tuple[str, bool], list[float]] = defaultdict(list)
    for one, other in forms_of_one([one for one in drawn if one.verdict.kind != Curation.BADGE]):
        like = likeness(one.caption, other.caption)
        assert like < 0.15 or like > 0.6, (one.caption, other.caption)
        values[one.verdict.kind, like > 0.5].append(like)
    for kind in (Curation.REUSED_FILE, Curation.REUSED_PIXELS, Curation.CHAIN):
        assert {(kind, True), (kind, False)} <= values.keys()
    assert (Curation.NEAR_ALIKE, False) not in values
    assert not {(Curation.NEAR_DENSE, True), (Curation.NEAR_LINE, True)} & values.keys()


def test_captions_of_slices_and_of_a_series_share_most_words_but_are_not_one(truth: dict[str, Verdict]) -> None:
    for kind in (Curation.SLICES, Curation.SERIES):
        found = [verdict for verdict in truth.values() if verdict.kind == kind]
        for one, other in combinations(found, 2):
            if one.pmcid == other.pmcid:
                assert 0.25 < likeness(str(one.caption), str(other.caption)) < 0.75


def test_a_common_caption_is_in_more_than_three_articles_and_a_rare_one_in_three(
    truth: dict[str, Verdict], captions: dict[str, str]
) -> None:
    for kind, count, outcome in (
        (Curation.COMMON_CAPTION, 5, "boilerplate_caption"),
        (Curation.RARE_CAPTION, 3, "pair"),
    ):
        found = [verdict for verdict in truth.values() if verdict.kind == kind]
        assert {verdict.outcome for verdict in found} == {outcome}
        by_caption = Counter(captions[verdict.key].rstrip(".") for verdict in found)
        assert set(by_caption.values()) == {count}
        assert len({captions[verdict.key] for verdict in found}) == 2 * len(by_caption)


def test_tails_and_words_of_rights_stand_where_the_truth_says(
    truth: dict[str, Verdict], captions: dict[str, str]
) -> None:
    by_kind = defaultdict(list)
    for key, caption in captions.items():
        by_kind[truth[key].kind].append((truth[key], caption))
    for verdict, caption in by_kind[Curation.LICENSE_TAIL]:
        assert verdict.is_kept
        core = str(verdict.caption_core)
        assert verdict.caption == caption
        assert caption.startswith(core)
        assert "licensed under" in caption.removeprefix(core)
        assert "licensed under" not in core
    assert all("permission from" in caption for _, caption in by_kind[Curation.REPRODUCED])
    assert {verdict.rights_flags for verdict, _ in by_kind[Curation.REPRODUCED]} == {("reproduced_with_permission",)}
    for verdict, caption in by_kind[Curation.ADAPTED]:
        assert ("Adapted from" in caption) == (verdict.rights_flags == ("adapted",))
        assert verdict.is_kept
    assert {"Graphical abstract", "Click here for additional data file."} < {c for _, c in by_kind["boilerplate"]}
    for verdict, caption in by_kind[Curation.CONTINUED]:
        assert verdict.is_kept
        assert len(caption) > 50  # also of the rest, which has it from the first
    assert any(b"(continued)." in xml_of(article) for (article,) in articles_of(Curation.CONTINUED))


# --- articles and the truth of a set --------------------------------------------------------------


def articles_of(kind: Curation) -> list[list[SynthArticle]]:
    """Return the articles of each group of a kind, in a set of nothing else."""
    config = replace(CONFIG, curations=(kind,), curation_every=1)
    size = NUM_ARTICLES[kind]
    return [[make_article(config, group * size + member) for member in range(size)] for group in range(3)]


def test_every_kind_is_in_the_set_and_so_is_every_reason(truth: dict[str, Verdict]) -> None:
    assert {verdict.kind for verdict in truth.values()} == {*Curation, ""}
    assert {verdict.outcome for verdict in truth.values()} >= {
        *("pair", "superseded", "license", "duplicate_file", "duplicate_pixels", "duplicate_image"),
        *("duplicate_article", "boilerplate_caption", "repeated_image", "image_blank", "image_aspect"),
        *("rights_flag", "image_too_small"),
    }


def test_the_kept_one_of_a_cluster_has_more_pixels_or_no_loss_or_says_more(truth: dict[str, Verdict]) -> None:
    rejected = [verdict for verdict in truth.values() if verdict.outcome.startswith("duplicate_")]
    details = defaultdict(set)
    for verdict in rejected:
        if verdict.outcome != "duplicate_article":
            assert truth[str(verdict.duplicate_of)].is_kept
            details[verdict.kind].add((truth[str(verdict.duplicate_of)].detail, verdict.detail))
    assert ("border", "source") in details[Curation.NEAR_ALIKE]  # more pixels
    assert ("source", "half") in details[Curation.NEAR_ALIKE]
    assert ("jpg to png, same caption", "source") in details[Curation.REUSED_PIXELS]  # no loss
    assert ("figure", "abstract") in details[Curation.ABSTRACT_COPY]  # a longer caption, same file
    assert ("colour", "grey") in details[Curation.PRINT_COPY]


def test_captions_of_dropped_duplicates_are_told_where_they_differ(truth: dict[str, Verdict]) -> None:
    kept = [verdict for verdict in truth.values() if verdict.other_captions]
    assert {verdict.kind for verdict in kept} >= {"reused_file", "reused_pixels", "near_alike", "near_dense", "chain"}
    assert all(verdict.is_kept and verdict.caption not in verdict.other_captions for verdict in kept)


def test_a_chain_is_one_group_though_no_two_figures_join_all_of_it() -> None:
    config = replace(CONFIG, curations=("chain",), curation_every=1)
    verdicts = curation_truth(config, range(8)).values()
    groups = {verdict.pmcid: verdict.split_group for verdict in verdicts}
    assert [groups[pmcid_of(n)] for n in range(8)] == [pmcid_of(0)] * 4 + [pmcid_of(4)] * 4
    assert Counter(v.outcome for v in verdicts if not v.is_kept) == {
        **dict.fromkeys(("duplicate_file", "duplicate_pixels", "duplicate_image"), 2)
    }
    broken = curation_truth(config, [0, 1, 3])
    assert {verdict.split_group for verdict in broken.values()} == {pmcid_of(0), pmcid_of(3)}


def test_a_badge_in_few_articles_is_a_duplicate_and_joins_them() -> None:
    config = replace(CONFIG, curations=("badge",), curation_every=1)
    few = [v for v in curation_truth(config, range(MAX_BADGE_ARTICLES)).values() if v.kind == "badge"]
    assert Counter(verdict.is_kept for verdict in few) == {True: 1, False: MAX_BADGE_ARTICLES - 1}
    assert len({verdict.split_group for verdict in few}) == 1
    many = [v for v in curation_truth(config, range(MAX_BADGE_ARTICLES + 1)).values() if v.kind == "badge"]
    assert {verdict.outcome for verdict in many} == {"repeated_image"}
    assert len({verdict.split_group for verdict in many}) == len(many)


def test_an_author_manuscript_has_the_doi_of_the_article_and_is_the_one_that_goes() -> None:
    for articles in articles_of(Curation.SAME_DOI):
        assert len({article.expected.doi.lower() for article in articles}) == 1
        assert sorted(bool(metadata_of(article)["is_manuscript"]) for article in articles) == [False, True]
    config = replace(CONFIG, curations=("same_doi",), curation_every=1)
    dropped = {v.pmcid for v in curation_truth(config, range(6)).values() if v.outcome == "duplicate_article"}
    manuscripts = {
        a[0].pmcid if metadata_of(a[0])["is_manuscript"] else a[1].pmcid for a in articles_of(Curation.SAME_DOI)
    }
    assert dropped == manuscripts
    assert {int(pmcid[3:]) % 2 for pmcid in dropped} == {0, 1}  # the smaller number, or the greater


def test_a_preprint_is_known_by_a_link_or_by_title_and_first_author() -> None:
    def title(article: SynthArticle) -> str:
        return "".join(filter(str.isalnum, article.expected.title.lower()))

    for kind in (Curation.PREPRINT_LINK, Curation.PREPRINT_TITLE):
        for articles in articles_of(kind):
            preprint, paper = sorted(articles, key=lambda article: article.expected.article_type != "preprint")
            assert preprint.expected.article_type == "preprint" != paper.expected.article_type
            assert preprint.expected.doi != paper.expected.doi
            links = [xml_of(article).count(b"<related-article ") for article in articles]
            assert sum(links) == (kind == Curation.PREPRINT_LINK)
            assert (title(preprint) == title(paper)) == (kind == Curation.PREPRINT_TITLE)
            assert preprint.expected.title != paper.expected.title


def test_two_articles_of_one_title_by_other_authors_are_two() -> None:
    for one, other in articles_of(Curation.SAME_TITLE):
        assert one.expected.title == other.expected.title
        surnames = [xml_of(article).partition(b"<surname>")[2].partition(b"<")[0] for article in (one, other)]
        assert surnames[0] != surnames[1]
    config = replace(CONFIG, curations=("same_title",), curation_every=1)
    assert {v.outcome for v in curation_truth(config, range(6)).values() if v.kind} == {"pair"}
    assert len({v.split_group for v in curation_truth(config, range(6)).values()}) == 6


def test_the_older_of_two_versions_is_superseded() -> None:
    for (newer,) in articles_of(Curation.VERSIONS):
        (older,) = newer.older
        assert (older.version, newer.version) == (1, 2)
        assert older.expected.outcome == "superseded"
        assert xml_of(older) != xml_of(newer)
    config = replace(CONFIG, curations=("versions",), curation_every=1)
    verdicts = curation_truth(config, range(2))
    assert {key: v.outcome for key, v in verdicts.items() if "." in key} == {
        f"{pmcid_of(n)}.1": "superseded" for n in range(2)
    }


# --- the generator --------------------------------------------------------------------------------


def test_the_parser_reads_curated_articles_as_the_generator_expects() -> None:
    for number in range(1, 2 * 56, 2):
        article = make_article(CONFIG, number)
        media = [name for name in article.files if not name.startswith("PMC")]
        found = inspect_article(xml_of(article), media, article.pmcid)
        expected = {figure.key: figure for figure in article.expected.figures}
        assert not found["rejects"]
        assert {figure["key"] for figure in found["figures"]} == set(expected)
        for figure in found["figures"]:
            answer = expected[figure["key"]]
            assert figure["caption"] == answer.caption
            assert figure["mentions"] == list(answer.mentions)
            assert (figure["graphic"], figure["kind"], figure["license_class"]) == (
                answer.graphic,
                answer.kind,
                "CC BY",
            )


def test_the_truth_has_every_figure_of_the_set_and_does_not_depend_on_the_order(
    truth: dict[str, Verdict], captions: dict[str, str]
) -> None:
    assert {key for key in truth if "." not in key} == captions.keys()
    assert curation_truth(CONFIG, range(60)) == curation_truth(CONFIG, reversed(range(60)))
    groups = defaultdict(set)
    for verdict in truth.values():
        groups[verdict.pmcid].add(verdict.split_group)
    assert all(len(found) == 1 for found in groups.values())
    assert all(key_order(f"{group}_0_0") <= key_order(f"{pmcid}_0_0") for pmcid, (group,) in groups.items())


def test_a_curated_article_is_a_function_of_its_number() -> None:
    alone = {number: digest(make_article(CONFIG, number)) for number in (1, 37, 75)}
    for number in (75, 3, 37, 1):
        make_article(replace(CONFIG, seed=8), number)
    assert {number: digest(make_article(CONFIG, number)) for number in (75, 37, 1)} == alone


def test_articles_between_the_curated_ones_are_as_without_them() -> None:
    plain = replace(CONFIG, curation_every=0)
    for number in (0, 2, 10):
        assert digest(make_article(CONFIG, number)) == digest(make_article(plain, number))
    assert digest(make_article(CONFIG, 1)) != digest(make_article(plain, 1))


def test_curated_articles_have_no_faults_and_are_not_copied_from() -> None:
    config = replace(CONFIG, faults=tuple(Fault), fault_every=3, duplicates_every=4, curation_every=3)
    curated = [number for number in range(60) if config.curation_of(number)]
    assert curated == list(range(2, 60, 3))
    assert not any(config.fault_of(number) or config.is_copying(number) for number in curated)
    pmcids = {pmcid_of(number) for number in curated}
    copies = [f for number in range(60) for f in make_expected(config, number).figures if f.duplicate_of]
    assert copies
    assert not {str(figure.duplicate_of).partition("_")[0] for figure in copies} & pmcids
    truth = curation_truth(config, range(60))
    for figure in copies:
        pair = truth[figure.key], truth[str(figure.duplicate_of)]
        assert sorted(verdict.is_kept for verdict in pair) == [False, True]
        assert figure.outcome in {verdict.outcome for verdict in pair}


def test_a_right_answer_scores_full_and_mistakes_are_counted_by_kind(truth: dict[str, Verdict]) -> None:
    right = {key: verdict.outcome for key, verdict in truth.items()}
    assert all(
        s.precision == s.recall == 1 and s.num_right == s.num_figures for s in score_kinds(truth, right).values()
    )
    nothing = score_kinds(truth, dict.fromkeys(truth, "pair"))
    assert nothing[Curation.NEAR_ALIKE].recall == 0
    assert nothing[Curation.SLICES].num_right == nothing[Curation.SLICES].num_figures > 0
    everything = score_kinds(truth, dict.fromkeys(truth, "duplicate_image"))
    assert everything[Curation.SERIES].num_lost == everything[Curation.SERIES].num_figures
    assert everything[Curation.REUSED_FILE].precision == 0.5
    assert everything[Curation.REUSED_FILE].recall == 1


def test_a_group_in_two_splits_is_a_leak(truth: dict[str, Verdict]) -> None:
    kept = [key for key, verdict in truth.items() if verdict.is_kept]
    assert find_leaks(truth, dict.fromkeys(kept, "train")) == {}
    splits = {key: "test" if int(truth[key].pmcid[3:]) % 4 == 1 else "train" for key in kept}
    leaks = find_leaks(truth, splits)
    assert leaks
    assert all(splits_of == {"test", "train"} for splits_of in leaks.values())


def test_kinds_are_read_by_name() -> None:
    assert parse_curations("chain, blank") == ("chain", "blank")
    assert parse_curations("all") == tuple(Curation)
    with pytest.raises(ValueError, match="unknown curation 'nonsense'; known: all, reused_file"):
        SynthConfig(curations=("nonsense",))
    with pytest.raises(ValueError, match="must be 0 or above"):
        SynthConfig(curation_every=-1)


def test_the_command_writes_the_verdicts_beside_the_answers(tmp_path: Path) -> None:
    argv = [str(tmp_path), "--articles", "4", "--curations", "chain", "--curation-every", "1", "--image-scale", "0.2"]
    assert main(argv) == 0
    rows = read_truth(tmp_path / "curation.jsonl")
    config = SynthConfig(curations=("chain",), curation_every=1, image_scale=0.2)
    assert [row["key"] for row in rows] == sorted(curation_truth(config, range(4)))
    assert len(read_truth(tmp_path / "truth.jsonl")) == 4
