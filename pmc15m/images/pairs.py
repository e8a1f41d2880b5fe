"""The step from figures to pairs: the image is read, decoded once and described."""

from collections.abc import Iterator

from pmc15m.config import ImagesConfig
from pmc15m.images.decode import ImageRefused
from pmc15m.images.probe import probe_image
from pmc15m.records import Figure, Pair, Reason, Reject, Stage
from pmc15m.rejects import reject_figure
from pmc15m.store import Md5MismatchError, Store, TooLargeError


def probe_figure(figure: Figure, source: str, config: ImagesConfig) -> Iterator[Pair | Reject]:
    """Yield the pair of a figure and its image, or a reject: no such file, other bytes, no sound image."""
    name = f"{figure.location}/{figure.graphic}"
    try:
        data = Store(source).read_bytes(name, config.max_bytes, figure.graphic_md5)
        yield Pair(figure, probe_image(data, config))
    except FileNotFoundError:
        yield reject_figure(figure, Stage.EXTRACT, Reason.IMAGE_NOT_FOUND, f"no file {figure.graphic!r}")
    except TooLargeError as error:
        yield reject_figure(figure, Stage.EXTRACT, Reason.IMAGE_TOO_LARGE, str(error))
    except Md5MismatchError as error:
        yield reject_figure(figure, Stage.EXTRACT, Reason.MD5_MISMATCH, str(error))
    except ImageRefused as refused:
        yield reject_figure(figure, Stage.EXTRACT, refused.reason, f"{figure.graphic}: {refused.detail}")
