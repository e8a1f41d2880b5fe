"""House styles: each its own structure of front matter, figs and hrefs."""

from pmc15m.synth.plan import Style
from pmc15m.synth.styles import alternatives, display_objects, entities, floats, graphical, groups, nested, waiver

STYLES: tuple[Style, ...] = (
    floats.STYLE,
    entities.STYLE,
    display_objects.STYLE,
    alternatives.STYLE,
    nested.STYLE,
    waiver.STYLE,
    groups.STYLE,
    graphical.STYLE,
)
