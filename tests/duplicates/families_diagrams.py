"""Diagrams in series: chemical structures, flow charts, tables as images."""

import math

from PIL import Image, ImageDraw

from pmc15m.synth import words
from pmc15m.synth.dice import Dice
from pmc15m.synth.pool import font
from tests.duplicates.scene import Scene

INK = (20, 20, 20)
Point = tuple[float, float]
Bond = tuple[Point, Point]
Label = tuple[Point, str]

SUBSTITUENTS = (
    *("Cl", "OH", "NH2", "methyl", "ethyl", "propyl", "butyl", "isopropyl", "tert-butyl"),
    *("phenyl", "benzyl", "biphenyl", "cyclohexyl ether", "ester", "sulfone"),
)


class _Molecule:
    """Bonds and letters in units of one bond; the drawing is fitted to its sheet."""

    def __init__(self) -> None:
        self.bonds: list[Bond] = []
        self.labels: list[Label] = []

    def add_ring(self, centre: Point, is_aromatic: bool, turn: float = math.pi / 6) -> None:
        """Add a ring of six; an aromatic one has its circle."""
        corners = [_step(centre, turn + index * math.pi / 3, 1) for index in range(6)]
        self.bonds += list(zip(corners, corners[1:] + corners[:1], strict=True))
        if is_aromatic:
            inner = [_step(centre, turn + index * math.pi / 3, 0.78) for index in range(6)]
            self.bonds += [(inner[0], inner[1]), (inner[2], inner[3]), (inner[4], inner[5])]

    def add_chain(self, start: Point, angle: float, num_bonds: int) -> Point:
        """Add a zigzag and return its end."""
        for index in range(num_bonds):
            end = _step(start, angle + (0.52 if index % 2 else -0.52) * (num_bonds > 1), 1)
            self.bonds.append((start, end))
            start = end
        return start

    def draw(self, scene: Scene) -> Image.Image:
        """Draw it as large as the sheet allows."""
        image = Image.new("RGB", scene.size, "white")
        draw, (width, height) = ImageDraw.Draw(image), scene.size
        points = [point for bond in self.bonds for point in bond] + [point for point, _ in self.labels]
        left, right = min(x for x, _ in points) - 0.5, max(x for x, _ in points) + 0.5
        top, bottom = min(y for _, y in points) - 0.5, max(y for _, y in points) + 0.5
        scale = min(width / (right - left), height / (bottom - top), 70)

        def place(point: Point) -> Point:
            return (
                width / 2 + (point[0] - (left + right) / 2) * scale,
                height / 2 + (point[1] - (top + bottom) / 2) * scale,
            )

        for start, end in self.bonds:
            draw.line((*place(start), *place(end)), fill=INK, width=max(2, round(scale / 18)))
        for point, text in self.labels:
            x, y = place(point)
            reach = scale * 0.24
            draw.rectangle((x - reach, y - reach, x + reach, y + reach), fill="white")
            draw.text((x, y), text, fill=INK, font=font(max(10, round(scale * 0.4))), anchor="mm")
        return image


def _step(point: Point, angle: float, length: float) -> Point:
    return point[0] + length * math.cos(angle), point[1] + length * math.sin(angle)


def draw_molecule(scene: Scene) -> Image.Image:
    """Draw the scaffold of the series with another substituent in each figure."""
    look, molecule = scene.look, _Molecule()
    centre, angle = (0.0, 0.0), 0.0
    for index in range(look.between(2, 4)):
        molecule.add_ring(centre, look.chance(0.6))
        angle = look.pick((0.0, math.pi / 3, -math.pi / 3)) if index else 0.0
        linker = look.chance(0.35)
        if linker:
            molecule.bonds.append((_step(centre, angle, 0.87), _step(centre, angle, 1.73)))
            molecule.labels.append((_step(centre, angle, 1.3), look.pick(("O", "N", "S"))))
        last, centre = centre, _step(centre, angle, math.sqrt(3) * (1.5 if linker else 1))
    base = look.pick((math.pi / 2, -math.pi / 2))
    first = _step((0.0, 0.0), base, 1)
    molecule.labels.append((molecule.add_chain(first, base, 1), look.pick(("F", "OMe", "CN"))))
    _add_substituent(molecule, _step(last, -base, 1), -base, SUBSTITUENTS[scene.member % len(SUBSTITUENTS)])
    return molecule.draw(scene)


def _add_substituent(molecule: _Molecule, start: Point, angle: float, name: str) -> None:
    chains = {"methyl": 1, "ethyl": 2, "propyl": 3, "butyl": 4}
    if name in chains:
        molecule.add_chain(start, angle, chains[name])
    elif name in {"isopropyl", "tert-butyl"}:
        end = molecule.add_chain(start, angle, 1)
        for turn in (-1.0, 1.0) if name == "isopropyl" else (-1.2, 0.0, 1.2):
            molecule.add_chain(end, angle + turn, 1)
    elif name in {"phenyl", "benzyl", "biphenyl", "cyclohexyl ether"}:
        end = molecule.add_chain(start, angle, 2 if name in {"benzyl", "cyclohexyl ether"} else 1)
        if name == "cyclohexyl ether":
            molecule.labels.append((_step(start, angle - 0.52, 1), "O"))
        for index in range(2 if name == "biphenyl" else 1):
            molecule.add_ring(_step(end, angle, 1 + 3 * index), name != "cyclohexyl ether", angle)
            molecule.add_chain(_step(end, angle, 2), angle, 1 if name == "biphenyl" and not index else 0)
    elif name in {"ester", "sulfone"}:
        end = molecule.add_chain(start, angle, 1)
        molecule.labels.append((molecule.add_chain(end, angle + 1.05, 1), "O"))
        molecule.labels.append((molecule.add_chain(end, angle - 1.05, 1), "O"))
        if name == "sulfone":
            molecule.labels.append((end, "S"))
        molecule.add_chain(end if name == "sulfone" else _step(end, angle - 1.05, 1), angle, 2)
    else:
        molecule.labels.append((molecule.add_chain(start, angle, 1), name))


def draw_flow_chart(scene: Scene) -> Image.Image:
    """Draw the boxes of a trial: the same words in a series, other numbers."""
    look, data, (width, height) = scene.look, scene.data, scene.size
    image = Image.new("RGB", scene.size, "white")
    draw, rows, text_px = ImageDraw.Draw(image), look.between(4, 6), look.between(11, 14)
    box_w, box_h = width * look.uniform(0.32, 0.42), height * 0.6 / rows
    count = data.between(300, 4000)
    for row in range(rows):
        middles = (width * 0.3, width * 0.7) if row >= rows - 2 else (width * (0.3 if row % 2 else 0.5),)
        for x in middles:
            y = (row + 0.5) * height / rows
            draw.rectangle((x - box_w / 2, y - box_h / 2, x + box_w / 2, y + box_h / 2), outline=INK, width=2)
            draw.text((x, y - text_px * 0.7), look.pick(_STEPS), fill=INK, font=font(text_px), anchor="mm")
            draw.text((x, y + text_px * 0.7), f"(n = {count})", fill=INK, font=font(text_px), anchor="mm")
            if row + 1 < rows:
                draw.line((x, y + box_h / 2, x, y + height / rows - box_h / 2), fill=INK, width=2)
            count = max(3, round(count * data.uniform(0.4, 0.95)))
    return image


_STEPS = ("Assessed for eligibility", "Screened", "Excluded", "Randomised", "Lost to follow-up", "Analysed", "Included")


def draw_table(scene: Scene) -> Image.Image:
    """Draw a table: the head of the series, rows of its own."""
    look, data, (width, height) = scene.look, scene.data, scene.size
    image = Image.new("RGB", scene.size, "white")
    draw, columns, text_px = ImageDraw.Draw(image), look.between(3, 6), look.between(12, 15)
    rows, has_bands = look.between(10, 16), look.chance(0.5)
    row_px, first_w = (height - 20) / (rows + 1), width * look.uniform(0.24, 0.36)
    column_px = (width - 20 - first_w) / columns
    for row in range(rows + 1):
        y = 10 + (row + 0.5) * row_px
        if has_bands and row % 2:
            draw.rectangle((10, y - row_px / 2, width - 10, y + row_px / 2), fill=(232, 236, 242))
        name = data.pick(words.MEASURES).capitalize() if row else "Characteristic"
        draw.text((14, y), name[: round(first_w / text_px * 1.8)], fill=INK, font=font(text_px), anchor="lm")
        for column in range(columns):
            x = 10 + first_w + (column + 0.5) * column_px
            text = _entry(data) if row else look.pick(words.GROUPS).capitalize()
            draw.text((x, y), text, fill=INK, font=font(text_px), anchor="mm")
    for y, thick in ((10.0, 2), (10 + row_px, 1), (height - 10.0, 2)):
        draw.line((10, y, width - 10, y), fill=INK, width=thick)
    return image


def _entry(dice: Dice) -> str:
    if dice.chance(0.12):
        return dice.pick(("", "-", "NS", "ref"))
    low = dice.uniform(0, 10 ** dice.between(0, 3))
    return f"{low:.1f} ({low * 1.3:.1f})" if dice.chance(0.3) else f"{low:.{dice.between(0, 2)}f}"
