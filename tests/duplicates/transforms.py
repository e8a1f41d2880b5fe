"""What happens to a figure between two of its publications."""

from collections.abc import Callable, Mapping
from io import BytesIO

from PIL import Image, ImageDraw, ImageEnhance, ImageOps, PngImagePlugin

from pmc15m.synth.pool import font

Transform = Callable[[Image.Image], Image.Image]

_BICUBIC = Image.Resampling.BICUBIC
_PROFILE = (0.86, 0.12, 0.02, 0, 0.04, 0.92, 0.04, 0, 0.01, 0.07, 0.92, 0)  # a wide gamut read as a narrow one


def _jpeg(quality: int) -> Transform:
    def change(image: Image.Image) -> Image.Image:
        return Image.open(BytesIO(pack(image, "JPEG", quality=quality))).convert("RGB")

    return change


def _scaled(factor: float) -> Transform:
    def change(image: Image.Image) -> Image.Image:
        size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        return image.resize(size, _BICUBIC)

    return change


def _thumbnail(side_px: int) -> Transform:
    def change(image: Image.Image) -> Image.Image:
        return _scaled(side_px / max(image.size))(image)

    return change


def _cropped(left: float, top: float, right: float, bottom: float) -> Transform:
    """Return a cut of these shares of the sides."""

    def change(image: Image.Image) -> Image.Image:
        width, height = image.size
        box = (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
        return image.crop(box)

    return change


def _bordered(width_px: int, colour: str) -> Transform:
    return lambda image: ImageOps.expand(image, width_px, colour)


def _gamma(power: float) -> Transform:
    table = [round(255 * (value / 255) ** power) for value in range(256)] * 3
    return lambda image: image.point(table)


def _without_margin(image: Image.Image) -> Image.Image:
    """Cut off what is white all round, as a layout program does."""
    box = ImageOps.invert(image.convert("L")).point(lambda value: 255 * (value > 12)).getbbox()
    return image.crop(box) if box else image


def _with_strip(image: Image.Image) -> Image.Image:
    """Add a line below that says which figure it is."""
    wide = ImageOps.expand(image, (0, 0, 0, 44), "white")
    ImageDraw.Draw(wide).text((12, wide.height - 22), "Figure 1", fill="black", font=font(22), anchor="lm")
    return wide


def _with_watermark(image: Image.Image) -> Image.Image:
    letters = font(max(12, image.width // 9))
    mask = Image.new("L", image.size)
    middle = (image.width / 2, image.height / 2)
    ImageDraw.Draw(mask).text(middle, "PREPRINT", fill=70, font=letters, anchor="mm")
    marked = image.copy()
    marked.paste((128, 128, 128), (0, 0), mask.rotate(25))
    return marked


def _with_letter(image: Image.Image) -> Image.Image:
    marked, side = image.copy(), max(14, image.height // 14)
    draw = ImageDraw.Draw(marked)
    draw.rectangle((0, 0, side * 1.3, side * 1.3), fill="white")
    draw.text((side * 0.65, side * 0.65), "B", fill="black", font=font(side), anchor="mm")
    return marked


def _combined(image: Image.Image) -> Image.Image:
    """Scale, brighten, frame and save, as a second publisher does."""
    return _jpeg(60)(_bordered(12, "white")(_gamma(0.9)(_scaled(0.7)(image))))


TRANSFORMS: Mapping[str, Transform] = {
    "JPEG 50": _jpeg(50),
    "JPEG 75": _jpeg(75),
    "JPEG 90": _jpeg(90),
    "x 0.5": _scaled(0.5),
    "x 0.75": _scaled(0.75),
    "x 1.5": _scaled(1.5),
    "x 2": _scaled(2.0),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "crop 1 %": _cropped(0.01, 0.01, 0.01, 0.01),
    "crop 3 %": _cropped(0.03, 0.03, 0.03, 0.03),
    "crop 2 % of two sides": _cropped(0.02, 0.02, 0, 0),
    "white border": _bordered(20, "white"),
    "black frame": _bordered(8, "black"),
    "margin cut off": _without_margin,
    "gamma 0.8": _gamma(0.8),
    "gamma 1.3": _gamma(1.3),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.3),
    "brightness": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "strip": _with_strip,
    "watermark": _with_watermark,
    "panel letter": _with_letter,
    "colour profile": lambda image: image.convert("RGB", _PROFILE),
    "64 colours": lambda image: image.quantize(64).convert("RGB"),
    "thumbnail 120": _thumbnail(120),
    "thumbnail 256": _thumbnail(256),
    "combination": _combined,
    # Beyond what a hash of the whole can find.
    "rotation": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "mirror": ImageOps.mirror,
}
CORE = (
    *("JPEG 50", "x 0.5", "x 2", "white border", "black frame", "margin cut off"),
    *("gamma 0.8", "gamma 1.3", "thumbnail 256", "combination"),
)
"""Those that have to be found, but for the easy ones."""


def pack(image: Image.Image, image_format: str, **options: object) -> bytes:
    """Return the bytes of a file."""
    out = BytesIO()
    image.save(out, image_format, **options)
    return out.getvalue()


def repack(image: Image.Image) -> dict[str, bytes]:
    """Return files that hold the same pixels."""
    text = PngImagePlugin.PngInfo()
    text.add_text("Software", "another program")
    bitmap = Image.open(BytesIO(pack(image, "BMP")))
    return {
        "PNG": pack(image, "PNG"),
        "PNG, packed harder": pack(image, "PNG", optimize=True),
        "PNG with words": pack(image, "PNG", pnginfo=text, dpi=(300, 300)),
        "TIFF": pack(image, "TIFF"),
        "TIFF, LZW": pack(image, "TIFF", compression="tiff_lzw"),
        "BMP, then PNG": pack(bitmap, "PNG"),
    }


def comment_jpeg(data: bytes) -> bytes:
    """Return a JPEG with a comment after its first marker: other bytes, the same pixels."""
    words = b"seen again"
    return data[:2] + b"\xff\xfe" + (len(words) + 2).to_bytes(2, "big") + words + data[2:]
