"""Rejects of whole articles and of figures, made in one place."""

from pmc15m.records import ArticleRef, Figure, Reason, Reject, Stage


def reject_article(ref: ArticleRef, stage: Stage, reason: Reason, detail: str) -> Reject:
    """Return the reject of a whole article."""
    return Reject(ref.key, ref.pmcid, ref.version, None, stage, reason, detail)


def reject_figure(figure: Figure, stage: Stage, reason: Reason, detail: str) -> Reject:
    """Return the reject of a figure, or of the pair that it is part of."""
    return Reject(figure.key, figure.article.pmcid, figure.article.version, figure.fig_id, stage, reason, detail)
