"""Licences: four places of evidence, the stricter of several, and no licence where none is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.config import XmlConfig
from pmc15m.jats.article import parse_article
from pmc15m.jats.reader import read_article
from pmc15m.jats.rights import (
    ALL_RIGHTS_RESERVED,
    Rights,
    article_rights,
    class_of_prose,
    class_of_url,
    object_rights,
    read_rights,
    stricter,
)
from pmc15m.licenses import LICENSE_CLASSES, OPEN_LICENSES, RIGHTS_FLAGS
from pmc15m.records import Figure, Pair, Reason, Reject
from pmc15m.release.table import pair_row
from tests import some

CC = "https://creativecommons.org/licenses/{}/4.0/"
BY, BY_NC, BY_ND = CC.format("by"), CC.format("by-nc"), CC.format("by-nd")
WAIVER = "https://creativecommons.org/publicdomain/zero/1.0/"


def rights(permissions: str) -> Rights:
    """Return the rights of an article with that in its `article-meta`."""
    return article_rights(read_article(some.article_xml(permissions=permissions), 2**20))


def of_license(inside: str, attributes: str = "") -> Rights:
    """Return the rights of an article with one `license`."""
    return rights(f"<permissions><license {attributes}>{inside}</license></permissions>")


def prose(text: str) -> Rights:
    return of_license(f"<license-p>{text}</license-p>")


# One place


@pytest.mark.parametrize(
    "permissions",
    [
        f'<permissions><license xlink:href="{BY}"/></permissions>',
        f'<permissions><license><license-p><ext-link xlink:href="{BY}"/></license-p></license></permissions>',
        f'<permissions><license><license-p><uri xlink:href="{BY}">here</uri></license-p></license></permissions>',
        f"<permissions><license><license-p>See {BY}.</license-p></license></permissions>",
        f"<permissions><license><ali:license_ref>{BY}</ali:license_ref></license></permissions>",
        f"<permissions><ali:license_ref>\n  {BY}\n</ali:license_ref></permissions>",
        f'<permissions><license href="{BY}"/></permissions>',
        f'<license xlink:href="{BY}"/>',
        f'<license license-type="open-access" xlink:href="{BY}"><p>An open-access article.</p></license>',
    ],
    ids=["href", "ext-link", "uri", "text", "ali_in_license", "ali_alone", "bare_href", "nlm2", "nlm2_open_access"],
)
def test_licence_is_found_in_each_of_its_places(permissions: str) -> None:
    assert rights(permissions) == Rights("CC BY", BY)


@pytest.mark.parametrize("namespace", ["http://www.niso.org/schemas/ali/1.0/", "http://www.niso.org/schemas/ali/1.0"])
def test_ali_is_read_with_and_without_its_closing_slash(namespace: str) -> None:
    found = rights(f'<permissions><a:license_ref xmlns:a="{namespace}">{BY_NC}</a:license_ref></permissions>')
    assert found == Rights("CC BY-NC", BY_NC)


def test_words_are_read_where_no_place_has_a_url() -> None:
    assert prose("Distributed under the Creative Commons Attribution License.") == Rights("CC BY", None, is_prose=True)


def test_nlm2_words_stand_in_article_meta_itself() -> None:
    text = "Copyright Miller. An open-access article under the terms of the Creative Commons Attribution License."
    assert rights(f"<copyright-statement>{text}</copyright-statement>") == Rights("CC BY", None, is_prose=True)
    assert rights(f"<license><p>{text}</p></license>").license == "CC BY"


def test_type_of_a_licence_is_read_where_nothing_else_tells() -> None:
    assert of_license("", 'license-type="CC-BY-NC"') == Rights("CC BY-NC", None, is_prose=True)
    assert of_license("", 'license-type="ccby"').license == "CC BY"
    assert of_license(f"<license-p>See {BY}</license-p>", 'license-type="cc-by-nc"').license == "CC BY"


def test_link_to_the_publisher_is_no_evidence() -> None:
    inside = f'<license-p><ext-link xlink:href="https://example.org/licenses/by/4.0/">x</ext-link> {BY_NC}</license-p>'
    assert of_license(inside) == Rights("CC BY-NC", BY_NC)


# None


@pytest.mark.parametrize(
    "permissions",
    [
        "",
        "<permissions/>",
        "<permissions><copyright-statement>Copyright 2019 Miller</copyright-statement></permissions>",
        '<permissions><license license-type="open-access"/></permissions>',
        '<permissions><license license-type="open-access"><p>An open access article.</p></license></permissions>',
        "<permissions><license><license-p>Free to read for a year.</license-p></license></permissions>",
        "<permissions><license><p>All rights reserved. No Creative Commons.</p></license></permissions>",
        '<permissions><license xlink:href="  "/></permissions>',
    ],
)
def test_open_access_alone_or_a_notice_of_copyright_is_no_licence(permissions: str) -> None:
    assert rights(permissions) == ALL_RIGHTS_RESERVED


def test_terms_of_the_publisher_behind_a_link_are_of_no_known_class() -> None:
    url = "https://publisher.example/tdm/userlicense/1.0/"
    assert rights(f'<permissions><license xlink:href="{url}"/></permissions>') == Rights("none", url)


def test_article_without_front_has_no_licence() -> None:
    assert article_rights(read_article(b"<article><body/></article>", 100)) == ALL_RIGHTS_RESERVED


# URL


@pytest.mark.parametrize(
    ("url", "license_class"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", "CC BY"),
        ("http://creativecommons.org/licenses/by/2.0", "CC BY"),
        ("https://www.creativecommons.org/licenses/by/3.0/igo/", "CC BY"),
        ("http://creativecommons.org/licenses/by/3.0/nl/deed.en", "CC BY"),
        ("HTTP://CREATIVECOMMONS.ORG/LICENSES/BY-NC/4.0/", "CC BY-NC"),
        ("https://creativecommons.org/licences/by/4.0/", "CC BY"),
        ("creativecommons.org/licenses/by-sa/4.0/", "CC BY-SA"),
        ("https://creativecommons.org/licenses/by-nc-sa/4.0/", "CC BY-NC-SA"),
        ("https://creativecommons.org/licenses/by-nd/4.0/", "CC BY-ND"),
        ("https://creativecommons.org/licenses/by-nc-nd/4.0/", "CC BY-NC-ND"),
        ("http://creativecommons.org/licenses/by-nd-nc/2.0/", "CC BY-NC-ND"),
        ("http://creativecommons.org/licenses/by-nc-nd4.0/", "CC BY-NC-ND"),
        ("http://creativecommons.org/licenses/by_nc_nd/3.0/", "CC BY-NC-ND"),
        ("http://creativecommons.org/licenses/byncnd/3.0/", "CC BY-NC-ND"),
        ("http://creativecommons.org/licenses/by/nc/nd/3.0/", "CC BY-NC-ND"),
        ("http://creativecommons.org/licenses/nc-sa/1.0/", "CC BY-NC-SA"),
        ("https://creativecommons.org/licenses/by", "CC BY"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "public domain"),
        ("http://creativecommons.org/licenses/sampling+/1.0/", None),
        ("http://creativecommons.org/licenses/byzantine/1.0/", None),
        ("http://creativecommons.org/licenses/by-xx/1.0/", None),
        ("http://creativecommons.org/licenses/devnations/2.0/", None),
        ("https://creativecommons.org/", None),
        ("https://creativecommons.org/share-your-work/", None),
        ("https://www.gnu.org/licenses/by/4.0/", None),
        ("", None),
    ],
)
def test_class_of_a_url(url: str, license_class: str | None) -> None:
    assert class_of_url(url) == license_class


# Words


@pytest.mark.parametrize(
    ("text", "license_class"),
    [
        # as old PLOS articles say it, in our words
        (
            (
                "An open-access article distributed under the terms of the Creative Commons Attribution License, which "
                "permits unrestricted use, provided the original author and source are properly cited."
            ),
            "CC BY",
        ),
        (
            (
                "An open-access article, free of all copyright. The work is made available "
                "under the Creative Commons CC0 public domain dedication."
            ),
            "CC0",
        ),
        (
            (
                "An open-access article distributed under the terms of the Creative Commons Public Domain declaration, "
                "which says that this work, once placed in the public domain, may be freely used."
            ),
            "CC0",
        ),
        ("Written by employees of a government, this work is in the public domain.", "public domain"),
        ("dedicated to the public domain", "public domain"),
        ("Creative Commons Attribution 4.0 International License", "CC BY"),
        ("the Creative Commons Attribution-NonCommercial License", "CC BY-NC"),
        ("Creative Commons Attribution Non-Commercial No Derivatives License", "CC BY-NC-ND"),
        ("Creative Commons Attribution-Noncommercial-No Derivative Works 3.0", "CC BY-NC-ND"),
        ("Creative Commons Attribution \u2013 Non Commercial \u2013 NoDerivs", "CC BY-NC-ND"),
        ("Creative Commons Attribution-\n        NonCommercial-\n        ShareAlike 4.0", "CC BY-NC-SA"),
        ("Creative Commons Attribution-Share Alike", "CC BY-SA"),
        ("Creative Commons Attribution-NoDerivatives", "CC BY-ND"),
        ("a Creative Commons licence (CC BY 4.0)", "CC BY"),
        ("licensed CC-BY-NC-ND", "CC BY-NC-ND"),
        ("licensed CC BY NC ND", "CC BY-NC-ND"),
        ("licensed CC BY\u2010NC\u2010ND", "CC BY-NC-ND"),
        ("licensed CC BY\u2013NC", "CC BY-NC"),
        ("licensed CC BYNCSA", "CC BY-NC-SA"),
        ("licensed CC-BY4.0", "CC BY"),
        ("licensed under CC0", "CC0"),
        ("a CC0 waiver applies to the data; the article is under CC BY", "CC BY"),
        ("Creative Commons Attribution (CC BY-NC)", "CC BY-NC"),
        ("CC BY. Commercial use needs permission: the work is for non-commercial use.", "CC BY-NC"),
        ("CC BY-ND, for noncommercial use", "CC BY-NC-ND"),
        ("CC BY-SA, non commercial", "CC BY-NC-SA"),
        ("This is an open-access article.", None),
        ("Published under a Creative Commons license.", None),
        ("For non-commercial use only.", None),
        ("the accuracy by which", None),
        ("Occur BY chance", None),
        ("", None),
    ],
)
def test_class_of_words(text: str, license_class: str | None) -> None:
    assert class_of_prose(text) == license_class


@given(st.lists(st.sampled_from(["CC BY", "CC BY-NC", "CC BY-ND", "CC BY-SA", "CC0", "CC BY-NC-ND"]), min_size=1))
def test_of_several_codes_in_words_the_strictest_counts(codes: list[str]) -> None:
    assert class_of_prose(" or ".join(codes)) == stricter(codes)


# Several


def test_stricter_is_the_later_class() -> None:
    assert stricter(["CC BY", "CC0"]) == "CC BY"
    assert stricter(["CC BY-NC", "CC BY-SA", "none"]) == "none"
    assert stricter(LICENSE_CLASSES[::-1]) == LICENSE_CLASSES[-1]


def test_of_several_urls_the_stricter_holds_and_the_conflict_is_told() -> None:
    for first, second in ((BY, BY_NC), (BY_NC, BY)):
        inside = f"<ali:license_ref>{second}</ali:license_ref><license-p>x</license-p>"
        assert of_license(inside, f'xlink:href="{first}"') == Rights("CC BY-NC", BY_NC, is_conflicting=True)
    two = f"<license xlink:href='{BY}'/><license xlink:href='{BY_ND}'/>"
    assert rights(f"<permissions>{two}</permissions>") == Rights("CC BY-ND", BY_ND, is_conflicting=True)


def test_two_versions_of_one_class_are_no_conflict_and_the_first_is_named() -> None:
    old = "http://creativecommons.org/licenses/by/2.0/"
    assert of_license(f"<license-p>{BY}</license-p>", f'xlink:href="{old}"') == Rights("CC BY", old)


def test_waiver_for_the_data_is_no_conflict_and_not_the_licence() -> None:
    inside = (
        f'<license-p>Use is free under <ext-link xlink:href="{BY}">CC BY</ext-link>. The '
        f'<ext-link xlink:href="{WAIVER}">waiver</ext-link> applies to the data.</license-p>'
    )
    assert of_license(inside) == Rights("CC BY", BY)
    assert of_license(inside, f'xlink:href="{BY}"') == Rights("CC BY", BY)


def test_waiver_alone_is_the_licence() -> None:
    assert rights(f'<permissions><license xlink:href="{WAIVER}"/></permissions>') == Rights("CC0", WAIVER)


def test_words_do_not_weigh_against_a_url() -> None:
    inside = "<license-p>Creative Commons Attribution-NonCommercial, so they say.</license-p>"
    assert of_license(inside, f'xlink:href="{BY}"') == Rights("CC BY", BY)


def test_words_weigh_where_the_url_is_the_publishers() -> None:
    inside = "<license-p>Creative Commons Attribution License</license-p>"
    assert of_license(inside, 'xlink:href="https://publisher.example/terms"') == Rights("CC BY", None, is_prose=True)


def test_of_two_permissions_the_stricter_holds() -> None:
    two = some.permissions_xml(BY) + some.permissions_xml(BY_NC)
    assert rights(two).license == "CC BY-NC"
    assert rights(some.permissions_xml(BY) + "<permissions/>") == ALL_RIGHTS_RESERVED


# Of an object


def test_object_without_permissions_inherits() -> None:
    fig = some.element(some.fig_xml())[0]
    assert read_rights(None) is None
    assert object_rights([fig]) is None


def test_innermost_permissions_hold() -> None:
    fig = some.element(some.fig_xml(more=some.permissions_xml(BY_NC)))[0]
    group = some.element(some.permissions_xml(BY), "fig-group")
    assert object_rights([fig, group]) == Rights("CC BY-NC", BY_NC)
    assert object_rights([group, fig]) == Rights("CC BY", BY)


# In an article


def items(by_metadata: str | None, permissions: str = "", own: str = "") -> list[Figure | Reject]:
    xml = some.article_xml(some.fig_xml(more=own), permissions)
    return parse_article(some.package(license=by_metadata), xml, XmlConfig())


def licence(by_metadata: str | None, permissions: str = "", own: str = "") -> tuple[str, str | None, tuple[str, ...]]:
    """Return class, URL and flags of the one figure of an article."""
    (figure,) = items(by_metadata, permissions, own)
    assert isinstance(figure, Figure)
    return figure.license, figure.license_url, figure.rights_flags


def test_metadata_and_xml_that_agree_need_no_flag() -> None:
    assert licence("CC BY", some.permissions_xml(BY)) == ("CC BY", BY, ())


def test_stricter_of_metadata_and_xml_holds_and_the_conflict_is_told() -> None:
    assert licence("CC BY-NC", some.permissions_xml(BY)) == ("CC BY-NC", None, ("license_conflict",))
    assert licence("CC BY", some.permissions_xml(BY_NC)) == ("CC BY-NC", BY_NC, ("license_conflict",))
    assert licence("none", some.permissions_xml(BY)) == ("none", None, ("license_conflict",))


def test_metadata_alone_is_taken_and_told() -> None:
    assert licence("CC BY") == ("CC BY", None, ("license_by_metadata_only",))
    notice = "<permissions><copyright-statement>Miller</copyright-statement></permissions>"
    assert licence("CC0", notice) == ("CC0", None, ("license_by_metadata_only",))


def test_terms_of_the_publisher_are_stricter_than_metadata() -> None:
    assert licence("CC BY", some.permissions_xml("https://publisher.example/terms"))[0] == "none"


def test_licence_by_words_is_told() -> None:
    text = "<permissions><license><p>Creative Commons Attribution License</p></license></permissions>"
    assert licence("CC BY", text) == ("CC BY", None, ("license_by_words",))


def test_inspect_has_no_metadata_and_takes_the_xml() -> None:
    assert licence(None, some.permissions_xml(BY_ND)) == ("CC BY-ND", BY_ND, ())
    assert licence(None) == ("none", None, ())


def test_own_permissions_beat_article_and_metadata() -> None:
    own = some.permissions_xml(BY_NC)
    assert licence("CC BY", some.permissions_xml(BY), own) == ("CC BY-NC", BY_NC, ("own_permissions",))
    assert licence("none", "", some.permissions_xml(BY)) == ("CC BY", BY, ("own_permissions",))


def test_own_permissions_in_conflict_are_told() -> None:
    own = f'<permissions><license xlink:href="{BY}"/><license xlink:href="{BY_NC}"/></permissions>'
    flags = ("license_conflict", "own_permissions")
    assert licence("CC BY", some.permissions_xml(BY), own) == ("CC BY-NC", BY_NC, flags)


def test_own_permissions_without_a_licence_are_a_reject() -> None:
    own = "<permissions><copyright-statement>Reproduced from Miller 1999</copyright-statement></permissions>"
    (item,) = items("CC BY", some.permissions_xml(BY), own)
    assert isinstance(item, Reject)
    assert (item.reason, item.key, item.fig_id) == (Reason.NOT_LICENSED, "PMC7_0001_01", "F1")


def test_own_permissions_in_the_publishers_terms_are_of_no_known_class() -> None:
    own = some.permissions_xml("https://publisher.example/terms")
    assert licence("CC BY", some.permissions_xml(BY), own) == (
        "none",
        "https://publisher.example/terms",
        ("own_permissions",),
    )


# What caption and credit line say


def worded(caption: str, by_metadata: str = "CC BY", more: str = "") -> Figure:
    """Return the one figure of an article under CC BY, or what its metadata says."""
    xml = some.article_xml(some.fig_xml(caption=caption, more=more), some.permissions_xml(BY))
    (figure,) = parse_article(some.package(license=by_metadata), xml, XmlConfig())
    assert isinstance(figure, Figure)
    return figure


def test_stricter_licence_that_a_caption_names_holds_and_is_told() -> None:
    figure = worded("Mill, released under a Creative Commons Attribution-NonCommercial-NoDerivs 4.0 licence.")
    assert (figure.license, figure.license_url, figure.article_license) == ("CC BY-NC-ND", None, "CC BY")
    assert figure.rights_flags == ("license_in_caption",)


def test_freer_licence_that_a_caption_names_frees_nothing() -> None:
    figure = worded("Mill, reproduced from Stone (2017), licensed under CC BY 4.0.", by_metadata="CC BY-NC")
    assert (figure.license, figure.license_url) == ("CC BY-NC", None)
    assert figure.rights_flags == ("license_conflict", "license_in_caption", "reproduced")
    assert worded("Mill under CC BY 4.0.").license_url == BY


def test_phrases_of_caption_credit_and_copyright_are_told_in_order() -> None:
    credit = "<attrib>Photo: Ada Miller</attrib>"
    notice = "<copyright-statement>\u00a9 1999 Mill Press</copyright-statement>"
    own = f'<permissions>{notice}<license xlink:href="{BY}"/></permissions>'
    figure = worded("A mill. Reprinted from ref. 4.", more=credit + own)
    assert figure.rights_flags == (
        "copyright_statement",
        "credit",
        "own_permissions",
        "reprinted",
        "reproduced_with_permission",
    )
    assert figure.rights_phrases == (
        "copyright_statement: \u00a9 1999 Mill Press",
        "credit: Photo: Ada Miller",
        "reprinted: Reprinted from ref. 4.",
        "reproduced_with_permission: Reprinted from ref. 4.; Photo: Ada Miller; \u00a9 1999 Mill Press",
    )
    assert figure.caption == "A mill. Reprinted from ref. 4."


def test_credit_of_another_fig_is_not_told() -> None:
    body = some.fig_xml(more=some.fig_xml("F2", hrefs=("dam",), more="<attrib>Photo: Ada Miller</attrib>"))
    xml = some.article_xml(body, some.permissions_xml(BY))
    found = parse_article(some.package(("mill.jpg", "dam.jpg")), xml, XmlConfig())
    assert [item.rights_flags for item in found if isinstance(item, Figure)] == [(), ("credit",)]


def test_licence_of_the_article_goes_with_a_figure_that_has_a_freer_one() -> None:
    xml = some.article_xml(some.fig_xml(more=some.permissions_xml(BY)), some.permissions_xml(BY_NC))
    (figure,) = parse_article(some.package(license="CC BY"), xml, XmlConfig())
    assert isinstance(figure, Figure)
    assert (figure.license, figure.license_url, figure.article_license) == ("CC BY", BY, "CC BY-NC")


def test_every_flag_is_one_that_a_config_may_refuse() -> None:
    assert set(RIGHTS_FLAGS) > {"own_permissions", "license_conflict", "license_by_words", "license_by_metadata_only"}
    assert len(set(RIGHTS_FLAGS)) == len(RIGHTS_FLAGS)
    assert OPEN_LICENSES == ("CC0", "public domain", "CC BY", "CC BY-SA")


# Attribution


def test_attribution_is_complete() -> None:
    meta = (
        "<title-group><article-title>On mills</article-title></title-group><contrib-group><contrib><name>"
        "<surname>Miller</surname><given-names>Ada</given-names></name></contrib></contrib-group>"
    )
    xml = some.article_xml(some.fig_xml(), some.permissions_xml(BY), meta)
    (figure,) = parse_article(some.package(doi="10.5555/mill"), xml, XmlConfig())
    assert isinstance(figure, Figure)
    row = pair_row(Pair(figure, some.image()), some.decision(), "resized", "pmc15m-train-000000", 0, 1)
    assert row["citation"] == "Miller A. On mills. Journal of Mills. doi: 10.5555/mill"
    assert row["article_url"] == "https://pmc.ncbi.nlm.nih.gov/articles/PMC7/"
    assert (row["license"], row["license_url"], row["changes"]) == ("CC BY", BY, "resized")
