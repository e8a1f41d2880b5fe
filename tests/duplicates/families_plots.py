"""Plots in series: axes, words and colours of the series, curves, bars and points of each figure."""

import math

import numpy as np
from PIL import Image, ImageDraw

from pmc15m.synth import plots, words
from pmc15m.synth.pool import Field, font
from tests.duplicates.scene import Scene, colour_map

INK = (20, 20, 20)
LEADS = ("I", "aVR", "V1", "V4", "II", "aVL", "V2", "V5", "III", "aVF", "V3", "V6")


def draw_line(scene: Scene) -> Image.Image:
    """Draw two to four curves."""
    plot, data = scene.open_plot(), scene.data
    for ink in scene.inks(scene.look.between(2, 4)):
        x = np.linspace(0, 1, 24)
        y = plots.curve(data.pick(plots.TRENDS), x, data) + data.rng.normal(0, 0.05, x.size)
        points = [plot.at(float(u), float(v)) for u, v in zip(x, y.clip(0.02, 0.98), strict=True)]
        plot.draw.line(points, fill=ink, width=plot.line_px + 1, joint="curve")
    return plot.image


def draw_bar(scene: Scene) -> Image.Image:
    """Draw groups of bars with whiskers."""
    num_groups, per_group = scene.look.between(4, 7), scene.look.between(1, 3)
    names = tuple(scene.look.sample(words.GROUPS, num_groups))
    plot, inks = scene.open_plot(names=names), scene.inks(per_group)
    step = 1 / num_groups
    for group in range(num_groups):
        for index, ink in enumerate(inks):
            height = scene.data.uniform(0.08, 0.92)
            x0, y0 = plot.at((group + 0.12 + 0.76 * index / per_group) * step, 0)
            x1, y1 = plot.at((group + 0.12 + 0.76 * (index + 1) / per_group) * step, height)
            plot.draw.rectangle((x0, y1, x1, y0), fill=ink, outline=INK)
            middle, reach = (x0 + x1) / 2, scene.data.uniform(0.01, 0.06) * (plot.bottom - plot.top)
            plot.draw.line((middle, y1 - reach, middle, y1 + reach), fill=INK, width=plot.line_px)
    return plot.image


def draw_kaplan_meier(scene: Scene) -> Image.Image:
    """Draw steps that fall from 1, with ticks where a case is censored."""
    plot, data = scene.open_plot(x="Time (months)", y="Survival"), scene.data
    for ink in scene.inks(scene.look.between(2, 3)):
        num_cases = data.between(14, 60)
        times = data.uniform(0.2, 2.2) * data.rng.weibull(data.uniform(0.6, 2.5), num_cases)
        alive, points = 1.0, [plot.at(0, 0.97)]
        for rank, time in enumerate(np.sort(times[times < 1])):
            if data.chance(0.2):
                x, y = plot.at(float(time), 0.97 * alive)
                plot.draw.line((x, y - 4, x, y + 4), fill=ink, width=plot.line_px)
                continue
            points.append(plot.at(float(time), 0.97 * alive))
            alive *= 1 - 1 / (num_cases - rank)
            points.append(plot.at(float(time), 0.97 * alive))
        points.append(plot.at(1, 0.97 * alive))
        plot.draw.line(points, fill=ink, width=plot.line_px + 1)
    plot.write(plot.at(0.03, 0.06), f"p = {data.uniform(0.001, 0.6):.3f}", "lb")
    return plot.image


def draw_flow_cytometry(scene: Scene) -> Image.Image:
    """Draw clouds of points, coloured by density, in quadrants with percentages."""
    plot, data = scene.open_plot(x="FITC-A", y="PE-A"), scene.data
    num_bins = 110
    counts = np.zeros((num_bins, num_bins))
    for _ in range(data.between(2, 4)):
        centre, spread = data.rng.uniform(0.12, 0.88, 2), data.rng.uniform(0.03, 0.1, 2)
        cells = data.rng.normal(centre, spread, (data.between(250, 1500), 2)).clip(0, 0.999)
        rows, columns = ((1 - cells[:, 1]) * (num_bins - 1)).astype(int), (cells[:, 0] * num_bins).astype(int)
        np.add.at(counts, (rows, columns), 1)
    box = (plot.left + 1, plot.top + 1, plot.right, plot.bottom)
    size = (box[2] - box[0], box[3] - box[1])
    dense = colour_map(np.log1p(counts) / np.log1p(counts.max()), ((40, 60, 200), (60, 200, 90), (240, 60, 30)))
    mask = Image.fromarray(np.where(counts > 0, 255, 0).astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
    plot.image.paste(dense.resize(size, Image.Resampling.NEAREST), box[:2], mask)
    gate = scene.subject.uniform(0.35, 0.65), scene.subject.uniform(0.35, 0.65)
    (x, y) = plot.at(*gate)
    plot.draw.line((x, plot.top, x, plot.bottom), fill=INK, width=plot.line_px)
    plot.draw.line((plot.left, y, plot.right, y), fill=INK, width=plot.line_px)
    for u, v, anchor in ((0.02, 0.98, "lt"), (0.98, 0.98, "rt"), (0.02, 0.02, "lb"), (0.98, 0.02, "rb")):
        plot.write(plot.at(u, v), f"{data.uniform(0, 60):.1f}", anchor)
    return plot.image


def draw_heat_map(scene: Scene) -> Image.Image:
    """Draw a grid of coloured cells in blocks of rows and columns."""
    look, data, (width, height) = scene.look, scene.data, scene.size
    rows, columns, text_px = look.between(10, 26), look.between(8, 18), 10
    blocks = data.rng.uniform(0.05, 0.95, (data.between(3, 6), data.between(2, 5)))
    values = blocks[np.arange(rows) * len(blocks) // rows][:, np.arange(columns) * blocks.shape[1] // columns]
    values = values + data.rng.normal(0, 0.16, values.shape)
    stops = look.pick(
        (
            ((30, 60, 170), (250, 250, 250), (190, 30, 40)),
            ((20, 20, 20), (150, 30, 110), (250, 220, 120)),
            ((68, 1, 84), (33, 145, 140), (253, 231, 37)),
            ((250, 250, 240), (240, 140, 60), (130, 10, 20)),
        )
    )
    image = Image.new("RGB", scene.size, "white")
    left, top, right, bottom = 20, 20, width - look.between(70, 110), height - 40
    image.paste(colour_map(values, stops).resize((right - left, bottom - top), Image.Resampling.NEAREST), (left, top))
    draw = ImageDraw.Draw(image)
    for row in range(rows):
        name = words.invent_name(look.between(1, 10**6))[:6].upper()
        y = top + (row + 0.5) * (bottom - top) / rows
        draw.text((right + 4, y), name, fill=INK, font=font(text_px), anchor="lm")
    for column in range(columns):
        x = left + (column + 0.5) * (right - left) / columns
        draw.text((x, bottom + 4), str(column + 1), fill=INK, font=font(text_px), anchor="mt")
    return image


def draw_ecg(scene: Scene) -> Image.Image:
    """Draw leads on the pink grid of an electrocardiogram."""
    look, data, (width, height) = scene.look, scene.data, scene.size
    image = Image.new("RGB", scene.size, (255, 240, 240))
    draw, step = ImageDraw.Draw(image), look.between(7, 10)
    for index in range(max(width, height) // step + 1):
        tint = (235, 150, 150) if index % 5 == 0 else (250, 212, 212)
        draw.line((index * step, 0, index * step, height), fill=tint)
        draw.line((0, index * step, width, index * step), fill=tint)
    rows, columns = look.pick(((3, 4), (3, 2), (6, 2), (4, 1), (3, 1)))
    beat_px, offset = data.uniform(4.5, 12.5) * step, data.uniform(0, 12) * step
    jitter = data.rng.normal(0, data.pick((0.01, 0.03, 0.2)), 200).cumsum() * step
    for lead in range(rows * columns):
        x = np.arange(width // columns, dtype=np.float64)
        start = (lead % columns) * (width // columns)
        phase = (x + start + offset) / beat_px
        phase = (phase + jitter[phase.astype(int).clip(0, 199)] / beat_px) % 1
        middle = (lead // columns + 0.6) * height / rows
        y = middle - _heart_beat(phase, scene) * min(height / rows * 0.55, 9 * step)
        draw.line([(start + float(u), float(v)) for u, v in zip(x, y, strict=True)], fill=INK, width=2)
        draw.text((start + 4, lead // columns * height / rows + 6), LEADS[lead], fill=INK, font=font(12))
    return image


def _heart_beat(phase: Field, scene: Scene) -> Field:
    data, total = scene.data, np.zeros_like(phase)
    waves = ((0.2, 0.03, 0.05, 0.2), (0.34, 0.009, -0.25, 0.0), (0.37, 0.012, -0.6, 1.0), (0.4, 0.011, -0.6, 0.0))
    for centre, spread, low, high in (*waves, (0.62, 0.05, -0.25, 0.4)):
        total += data.uniform(low, high) * np.exp(-(((phase - centre) / spread) ** 2))
    return total


def draw_roc(scene: Scene) -> Image.Image:
    """Draw curves from corner to corner, the diagonal, and the area under each."""
    plot, data = scene.open_plot(x="1 - specificity", y="Sensitivity"), scene.data
    for step in range(0, 100, 4):
        plot.draw.line((*plot.at(step / 100, step / 100), *plot.at((step + 2) / 100, (step + 2) / 100)), fill=INK)
    for index, ink in enumerate(scene.inks(scene.look.between(1, 3))):
        x, power = np.linspace(0, 1, data.between(12, 45)), data.uniform(0.08, 0.75)
        y = np.maximum.accumulate((x**power + data.rng.normal(0, 0.03, x.size)).clip(0, 1))
        y[0], y[-1] = 0, 1
        points = [plot.at(0, 0)]
        for u, v in zip(x, y, strict=True):
            points += [plot.at(float(u), (points[-1][1] - plot.bottom) / (plot.top - plot.bottom)), plot.at(u, v)]
        plot.draw.line(points, fill=ink, width=plot.line_px + 1)
        plot.write(plot.at(0.96, 0.06 + 0.08 * index), f"AUC = {1 / (1 + power):.3f}", "rb", ink)
    return plot.image


def draw_forest(scene: Scene) -> Image.Image:
    """Draw studies by name, their effect with its interval, and a diamond for all of them."""
    look, data, (width, height) = scene.look, scene.data, scene.size
    image = Image.new("RGB", scene.size, "white")
    draw, rows = ImageDraw.Draw(image), look.between(8, 15)
    text_px, left, right = look.between(11, 13), round(width * 0.3), round(width * 0.74)
    row_px = height / (rows + 4)
    null = left + (right - left) * look.uniform(0.4, 0.6)
    draw.text((10, row_px), "Study", fill=INK, font=font(text_px), anchor="lm")
    draw.text((width - 10, row_px), "HR (95 % CI)", fill=INK, font=font(text_px), anchor="rm")
    draw.line((null, row_px * 1.6, null, height - row_px * 1.5), fill=INK)
    draw.line((left, height - row_px * 1.5, right, height - row_px * 1.5), fill=INK)
    for row in range(rows + 1):
        y, is_all = row_px * (row + 2.2), row == rows
        effect, reach = data.uniform(0.15, 0.85), data.uniform(0.03, 0.25)
        x = left + (right - left) * effect
        low, high = max(left, x - reach * (right - left)), min(right, x + reach * (right - left))
        if is_all:
            draw.polygon(((low, y), (x, y - 6), (high, y), (x, y + 6)), fill=(40, 60, 150))
        else:
            draw.line((low, y, high, y), fill=INK, width=2)
            side = data.uniform(3, 8)
            draw.rectangle((x - side, y - side, x + side, y + side), fill=(40, 60, 150))
        name = "All" if is_all else f"{look.pick(words.SURNAMES)} {look.between(1991, 2024)}"
        draw.text((10, y), name, fill=INK, font=font(text_px), anchor="lm")
        numbers = [math.exp(3 * (value - 0.5)) for value in (effect, effect - reach, effect + reach)]
        label = "{:.2f} ({:.2f}, {:.2f})".format(*numbers)
        draw.text((width - 10, y), label, fill=INK, font=font(text_px), anchor="rm")
    return image
