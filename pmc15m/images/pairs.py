"""The step from figures to pairs: the image is read, decoded once and described."""

from collections.abc import Iterator

from pmc15m.config import ImagesConfig
from pmc15m.images.children import probe_guarded
from pmc15m.images.decode import ImageRefused
from pmc15m.records import Figure, Pair, Reason, Reject, Stage, Tally
from pmc15m.rejects import reject_figure
from pmc15m.store import Md5MismatchError, Store, TooLargeError


def probe_figure(figure: Figure, source: str, config: ImagesConfig) -> Iterator[Pair | Reject | Tally]:
    """Yield the pair of a figure and its image, or a reject: no such file, other bytes, no sound image.

    Tallies: `pairs/made`.
    """
    try:
        data = Store(source).read_bytes(f"{figure.location}/{figure.graphic}", config.max_bytes, figure.graphic_md5)
    except FileNotFoundError:
        yield reject_lost(figure)
    except TooLargeError as error:
        yield reject_figure(figure, Stage.EXTRACT, Reason.IMAGE_TOO_LARGE, str(error))
    except Md5MismatchError as error:
        yield reject_figure(figure, Stage.EXTRACT, Reason.MD5_MISMATCH, str(error))
    else:
        yield from make_pair(figure, data, config)


def make_pair(figure: Figure, data: bytes, config: ImagesConfig) -> Iterator[Pair | Reject | Tally]:
    """Yield the pair of a figure and the bytes of its image, or a reject: no sound image."""
    try:
        pair = Pair(figure, probe_guarded(data, config))
    except ImageRefused as refused:
        yield reject_figure(figure, Stage.EXTRACT, refused.reason, f"{figure.graphic}: {refused.detail}")
    else:
        yield Tally("pairs/made", 1)
        yield pair


def reject_lost(figure: Figure) -> Reject:
    """Return the reject of a figure whose image is not there."""
    return reject_figure(figure, Stage.EXTRACT, Reason.IMAGE_NOT_FOUND, f"no file {figure.graphic!r}")
