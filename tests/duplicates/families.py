"""The families of figures, how many of each, and the images that must never be compared."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from pmc15m.synth.dice import Dice
from pmc15m.synth.pool import font
from tests.duplicates import families_diagrams as diagrams
from tests.duplicates import families_pictures as pictures
from tests.duplicates import families_plots as plots
from tests.duplicates.scene import Scene, make_scene

Shape = tuple[int, int]
"""Number of series, number of figures in each."""


@dataclass(frozen=True, slots=True)
class Family:
    """Figures of one kind."""

    name: str
    phrase: str  # how a caption begins
    draw: Callable[[Scene], Image.Image]
    shape: Shape


@dataclass(frozen=True, slots=True)
class Original:
    """One figure, drawn when it is asked for."""

    family: Family
    series: int
    member: int
    num_members: int
    seed: int

    def draw(self) -> Image.Image:
        """Draw it: the same pixels every time."""
        return self.family.draw(make_scene(self.seed, self.family.name, self.series, self.member, self.num_members))


_PANELS = (
    *(plots.draw_line, plots.draw_bar, plots.draw_kaplan_meier, plots.draw_flow_cytometry, plots.draw_heat_map),
    *(pictures.draw_gel, pictures.draw_histology, pictures.draw_fluorescence),
)
_GRIDS = ((1, 2), (2, 1), (2, 2), (2, 2), (1, 3), (2, 3))
NUM_SHARING = 4


def draw_panels(scene: Scene) -> Image.Image:
    """Draw a grid of panels; the first four figures of a series have half of the panels in common."""
    look, (rows, columns) = scene.look, scene.look.pick(_GRIDS)
    gutter, (width, height) = look.between(6, 22), scene.size
    panel_w, panel_h = (width - gutter) // columns - gutter, (height - gutter) // rows - gutter
    # Small panels are shrunk from larger drawings, so that their words can be read.
    drawn = (max(320, panel_w), max(320, panel_w) * panel_h // panel_w)
    image = Image.new("RGB", scene.size, "white")
    draw, order = ImageDraw.Draw(image), look.sample(range(rows * columns), rows * columns)
    for index in range(rows * columns):
        is_shared = index in order[: rows * columns // 2] and scene.member < NUM_SHARING
        number = scene.series * 1000 + index
        panel = replace(
            scene,
            size=drawn,
            look=Dice(scene.seed, number, "panel look"),
            data=Dice(scene.seed, number * 100 + (99 if is_shared else scene.member), "panel data"),
            subject=Dice(scene.seed, number, "panel subject"),
            series=1,
        )
        left = gutter + index % columns * (panel_w + gutter)
        top = gutter + index // columns * (panel_h + gutter)
        figure = look.pick(_PANELS)(panel)
        image.paste(figure.resize((panel_w, panel_h), Image.Resampling.BILINEAR, reducing_gap=2.0), (left, top))
        draw.text((left, top - 2), chr(ord("A") + index), fill=(0, 0, 0), font=font(18))
    return image


FAMILIES = (
    Family("line", "Course of", plots.draw_line, (12, 10)),
    Family("bar", "Means of", plots.draw_bar, (10, 10)),
    Family("kaplan-meier", "Kaplan-Meier curves for", plots.draw_kaplan_meier, (8, 12)),
    Family("flow cytometry", "Flow cytometry of", plots.draw_flow_cytometry, (8, 10)),
    Family("heat map", "Heat map of", plots.draw_heat_map, (8, 10)),
    Family("ecg", "Electrocardiogram with", plots.draw_ecg, (6, 10)),
    Family("roc", "Receiver operating characteristic for", plots.draw_roc, (4, 10)),
    Family("forest", "Forest plot of", plots.draw_forest, (5, 10)),
    Family("gel", "Western blot for", pictures.draw_gel, (8, 14)),
    Family("slice", "Axial T1 image with", pictures.draw_slice, (3, 40)),
    Family("projection", "Radiograph with", pictures.draw_projection, (1, 36)),
    Family("histology", "Stained section with", pictures.draw_histology, (4, 20)),
    Family("overlap", "Immunohistochemistry of", pictures.draw_overlapping_field, (8, 6)),
    Family("fluorescence", "Fluorescence of", pictures.draw_fluorescence, (5, 16)),
    Family("molecule", "Structure of a compound for", diagrams.draw_molecule, (10, 15)),
    Family("flow chart", "Flow of participants for", diagrams.draw_flow_chart, (3, 12)),
    Family("table", "Characteristics and", diagrams.draw_table, (4, 12)),
    Family("panels", "Summary of", draw_panels, (20, 7)),
)
HARD_FAMILIES = frozenset({"slice", "projection", "flow chart"})
"""What no hash tells apart; counted by themselves."""

CLEAR_FAMILIES = frozenset({"line", "bar", "kaplan-meier", "gel", "flow cytometry", "histology"})
"""Of these not one pair of look-alikes may match."""


def make_originals(seed: int) -> list[Original]:
    """Return the figures, family by family, series by series."""
    return [
        Original(family, series, member, family.shape[1], seed)
        for family in FAMILIES
        for series in range(family.shape[0])
        for member in range(family.shape[1])
    ]


def draw_degenerate() -> Iterator[tuple[str, Image.Image]]:
    """Yield blanks, ramps and halves: all look alike to a hash, whatever they are of."""
    size = (500, 400)
    for name, grey in (("white", 255), ("black", 0), ("grey", 128)):
        yield name, Image.new("L", size, grey)
    ramp = Image.linear_gradient("L").resize(size)
    yield "vertical ramp", ramp
    yield "mirrored ramp", ImageOps.flip(ramp)
    yield "horizontal ramp", Image.linear_gradient("L").rotate(90).resize(size)
    for name, box in (("left half", (0, 0, 250, 400)), ("upper half", (0, 0, 500, 200))):
        half = Image.new("L", size, 255)
        half.paste(0, box)
        yield name, half
        yield f"{name}, inverted", ImageOps.invert(half)
    for index in range(3):
        noise = Dice(index, 0, "blank").rng.normal(250, 0.6, (size[1], size[0]))
        yield f"white with noise {index}", Image.fromarray(noise.round().clip(0, 255).astype(np.uint8))


def draw_symmetric(seed: int) -> Image.Image:
    """Draw an image that is its own mirror image, to the pixel."""
    left = pictures.draw_slice(make_scene(seed, "symmetric", 0, 0, 1)).crop((0, 0, 240, 480))
    image = Image.new("RGB", (480, 480))
    image.paste(left, (0, 0))
    image.paste(ImageOps.mirror(left), (240, 0))
    return image
