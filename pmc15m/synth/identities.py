"""The same work twice: versions, author manuscripts and preprints; and two works under one title."""

from dataclasses import dataclass, replace
from enum import StrEnum

from pmc15m.synth import words
from pmc15m.synth.alterations import Alteration
from pmc15m.synth.casts import Cast, Group, alike, altered
from pmc15m.synth.curation import Curation, Note
from pmc15m.synth.plan import Facts, Journal
from pmc15m.synth.reuse import Builder
from pmc15m.synth.rich import plain

_SERVER = Journal("Early Copies of the Fens", "Early Copies", "earlycop", "Fen House")
_NUM_FIGURES = 3


class Form(StrEnum):
    """What an article is of its work."""

    ARTICLE = "article"
    MANUSCRIPT = "manuscript"
    PREPRINT = "preprint"


_FORMS: dict[Curation, tuple[Form, ...]] = {
    Curation.SAME_DOI: (Form.MANUSCRIPT, Form.ARTICLE),
    Curation.PREPRINT_LINK: (Form.PREPRINT, Form.ARTICLE),
    Curation.PREPRINT_TITLE: (Form.PREPRINT, Form.ARTICLE),
    Curation.TRIPLE: (Form.PREPRINT, Form.MANUSCRIPT, Form.ARTICLE),
}


@dataclass(frozen=True, slots=True)
class Work:
    """A group whose articles are forms of one work."""

    group: Group

    def form(self, member: int) -> Form:
        """Return the form of an article: another one has the smallest number in every round."""
        forms = _FORMS[self.group.kind]
        return forms[(member + self.group.part.cycle) % len(forms)]

    @property
    def lead(self) -> int:
        """The member that is the published article."""
        return self._find(Form.ARTICLE)

    def _find(self, form: Form) -> int:
        return next(member for member in range(len(self.group.part.numbers)) if self.form(member) == form)

    def facts(self, member: int) -> Facts:
        """Return the facts of a form."""
        own, lead = self.group.facts(member), self.group.facts(self.lead)
        names_preprint = self.group.part.cycle % 2 == 0  # else the preprint names the article
        has_link = self.group.kind in {Curation.PREPRINT_LINK, Curation.TRIPLE}
        if self.form(member) == Form.ARTICLE:
            if not has_link or not names_preprint:
                return own
            return replace(own, related=("preprint", _preprint_doi(self.group.facts(self._find(Form.PREPRINT)))))
        shared = replace(own, authors=lead.authors, year=lead.year, journal=lead.journal)
        if self.form(member) == Form.MANUSCRIPT:
            doi = lead.doi.swapcase() if names_preprint else lead.doi  # a DOI has no case
            return replace(shared, title=lead.title, doi=doi, pmid=lead.pmid, is_manuscript=True)
        preprint = replace(shared, journal=_SERVER, doi=_preprint_doi(own), article_type="preprint", pmid=None)
        if not has_link:
            title = lead.title.cleaned.lower().replace("\u2013", "-")
            return replace(preprint, title=plain(f"{title}."))
        return preprint if names_preprint else replace(preprint, related=("published-article", lead.doi))


def _preprint_doi(facts: Facts) -> str:
    return f"10.99999/pre.{facts.eloc:06d}"


def _forms_of_work(group: Group, member: int, _version: int) -> list[Cast]:
    """Show the figures of the published article, in other forms as other files and with other words too."""
    work = Work(group)
    form = work.form(member)
    casts = []
    for index in range(_NUM_FIGURES):
        media = group.picture(work.lead, index)
        caption = group.caption(work.lead, index, media)
        if form != Form.ARTICLE and index:
            media = altered(media, Alteration.JPEG75 if index == 1 else Alteration.HALF)
            caption = alike(caption) if index == 1 else group.other_caption(member, index)
        casts.append(Cast((media,), caption, Note(group.kind, form)))
    return casts


def _versions(group: Group, member: int, version: int) -> list[Cast]:
    """Show the same figures in both versions; the second says more of one."""
    casts = []
    for index in range(2):
        media = group.picture(member, index)
        caption = group.caption(member, index, media)
        is_revised = index == 0 and version > 1
        casts.append(Cast((media,), alike(caption) if is_revised else caption, Note(group.kind, f"figure {index}")))
    return casts


def _same_title(group: Group, member: int, _version: int) -> list[Cast]:
    media = group.picture(member, 0)
    return [Cast((media,), group.caption(member, 0, media), Note(group.kind, f"member {member}"))]


def facts_of(group: Group, member: int, version: int) -> Facts:
    """Return the facts of an article in its group."""
    if group.kind in _FORMS:
        return Work(group).facts(member)
    facts = group.facts(member, version)
    if group.kind != Curation.SAME_TITLE:
        return facts
    first = group.facts(0)
    (surname, given), taken = facts.authors[0], first.authors[0][0]
    if member and surname == taken:
        surname = words.SURNAMES[(words.SURNAMES.index(surname) + 1) % len(words.SURNAMES)]
    title = plain(f"Notes from the field: {first.measure} in {first.host}, with remarks on {first.tissue}")
    return replace(facts, title=title, authors=((surname, given), *facts.authors[1:]))


BUILDERS: dict[Curation, Builder] = {
    **dict.fromkeys(_FORMS, _forms_of_work),
    Curation.VERSIONS: _versions,
    Curation.SAME_TITLE: _same_title,
}
