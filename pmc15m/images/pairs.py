"""The step from figures to pairs: the image is read, decoded once and described."""

from collections.abc import Iterator

from pmc15m.config import ImagesConfig
from pmc15m.images.decode import ImageRefused
from pmc15m.images.probe import probe_image
from pmc15m.records import Figure, Pair, Reason, Reject, Stage
from pmc15m.store import Md5MismatchError, Store, TooLargeError


def probe_figure(figure: Figure, source: str, config: ImagesConfig) -> Iterator[Pair | Reject]:
    """Yield the pair of a figure and its image, or a reject: no such file, other bytes, no sound image."""
    name = f"{figure.location}/{figure.graphic}"
    try:
        data = Store(source).read_bytes(name, config.max_bytes, figure.graphic_md5)
        yield Pair(figure, probe_image(data, config))
    except FileNotFoundError:
        yield _reject(figure, Reason.IMAGE_NOT_FOUND, f"no file {figure.graphic!r}")
    except TooLargeError as error:
        yield _reject(figure, Reason.IMAGE_TOO_LARGE, str(error))
    except Md5MismatchError as error:
        yield _reject(figure, Reason.MD5_MISMATCH, str(error))
    except ImageRefused as refused:
        yield _reject(figure, refused.reason, f"{figure.graphic}: {refused.detail}")


def _reject(figure: Figure, reason: Reason, detail: str) -> Reject:
    article = figure.article
    return Reject(figure.key, article.pmcid, article.version, figure.fig_id, Stage.EXTRACT, reason, detail)
