"""The TOML file: every value that changes the bytes of the dataset, and no other.

One frozen dataclass a table; a value left out has the default given here, an unknown table or
key is an error that names the known ones. Flags of the command say where and how fast.
"""

import hashlib
import json
import tomllib
import types
import typing
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from pmc15m.about import ReleaseConfig
from pmc15m.errors import ConfigError as ConfigError  # config is where others look for it
from pmc15m.licenses import LICENSE_CLASSES, RIGHTS_FLAGS

RESAMPLING = ("lanczos", "bicubic", "box", "hamming", "bilinear")


@dataclass(frozen=True, slots=True)
class SelectConfig:
    """Which articles are fetched at all; an empty list or 0 selects by nothing."""

    licenses: tuple[str, ...] = ()  # classes by the metadata
    year_from: int = 0
    year_to: int = 0
    journals: tuple[str, ...] = ()  # titles, without regard to case
    article_types: tuple[str, ...] = ()  # article/@article-type
    max_articles: int = 0  # those of the smallest digest of their pmcid: a fair sample

    def __post_init__(self) -> None:
        """Check the values."""
        for name in self.licenses:
            _check(name in LICENSE_CLASSES, f"select.licenses must be of {', '.join(LICENSE_CLASSES)}", name)
        for name in ("year_from", "year_to", "max_articles"):
            _check(getattr(self, name) >= 0, f"select.{name} must not be negative", getattr(self, name))


@dataclass(frozen=True, slots=True)
class XmlConfig:
    """How much XML is read."""

    max_bytes: int = 32 * 2**20  # a larger article is a reject `too_large`

    def __post_init__(self) -> None:
        """Check the range."""
        _check(self.max_bytes > 0, "xml.max_bytes must be positive", self.max_bytes)


@dataclass(frozen=True, slots=True)
class ImagesConfig:
    """Which images are decoded at all: guards, not taste."""

    max_bytes: int = 64 * 2**20
    max_pixels: int = 64_000_000
    max_side_px: int = 30_000
    max_jpeg_scans: int = 100
    max_reads: int = 100_000  # pieces of a file that are read one by one; of a GIF a tenth

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("max_bytes", "max_pixels", "max_side_px", "max_jpeg_scans", "max_reads"):
            _check(getattr(self, name) > 0, f"images.{name} must be positive", getattr(self, name))


@dataclass(frozen=True, slots=True)
class FiltersConfig:
    """Which pairs are wanted."""

    licenses: tuple[str, ...] = ("CC0", "public domain", "CC BY", "CC BY-SA")
    refused_flags: tuple[str, ...] = ("reproduced_with_permission",)  # of RIGHTS_FLAGS
    min_side_px: int = 64
    max_aspect: float = 8.0  # longer side by shorter
    min_grey_std: float = 3.0  # below that nothing is to be seen; dim fluorescence has 11
    max_mode_fraction: float = 0.995  # of the most frequent grey; sparse line art has 0.97
    allow_boilerplate: bool = False  # True: captions such as "Graphical abstract" are wanted
    min_caption_chars: int = 20
    min_caption_words: int = 3
    max_caption_chars: int = 20_000
    max_caption_articles: int = 3  # a caption under other pictures in more articles is boilerplate
    max_caption_figs: int = 10
    max_image_articles: int = 20  # a picture in more articles is a badge or a logo

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in self.licenses:
            _check(name in LICENSE_CLASSES, f"filters.licenses must be of {', '.join(LICENSE_CLASSES)}", name)
        for name in self.refused_flags:
            _check(name in RIGHTS_FLAGS, f"filters.refused_flags must be of {', '.join(RIGHTS_FLAGS)}", name)
        _check(self.max_aspect >= 1, "filters.max_aspect must be at least 1", self.max_aspect)
        _check(0 <= self.max_mode_fraction <= 1, "filters.max_mode_fraction must be in [0, 1]", self.max_mode_fraction)
        for name in ("min_side_px", "min_grey_std", "min_caption_chars", "min_caption_words"):
            _check(getattr(self, name) >= 0, f"filters.{name} must not be negative", getattr(self, name))
        for name in ("max_caption_articles", "max_caption_figs", "max_image_articles"):
            _check(getattr(self, name) >= 1, f"filters.{name} must be positive", getattr(self, name))
        _check(
            self.max_caption_chars >= self.min_caption_chars,
            "filters.max_caption_chars must be at least min_caption_chars",
            self.max_caption_chars,
        )


@dataclass(frozen=True, slots=True)
class DuplicatesConfig:
    """Which near figures are copies: few bits differ, and the captions say so too."""

    drop_distance: int = 12  # bits of 256; -1: only equal pixels are duplicates
    min_similarity_within: float = 0.8  # of captions, in one article: slices and series are alike there
    min_similarity_across: float = 0.3  # in two articles, unless they are one work or both pictures are dense
    max_dense_white_fraction: float = 0.35  # white cells; with fewer a picture is dense and no line art

    def __post_init__(self) -> None:
        """Check the ranges."""
        _check(-1 <= self.drop_distance <= 255, "duplicates.drop_distance must be in [-1, 255]", self.drop_distance)
        for name in ("min_similarity_within", "min_similarity_across", "max_dense_white_fraction"):
            _check(0 <= getattr(self, name) <= 1, f"duplicates.{name} must be in [0, 1]", getattr(self, name))


@dataclass(frozen=True, slots=True)
class SplitsConfig:
    """How groups of articles are dealt to splits: by sha256 of salt and anchor pmcid."""

    salt: str = "pmc15m-split-1"
    val_fraction: float = 0.001
    test_fraction: float = 0.005
    max_distance: int = 24  # bits; figures as near as that join their articles
    cut_distance: int = 12  # bits; within a group that is too large
    max_group_articles: int = 1000  # a group that no cut makes small enough goes to train

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("val_fraction", "test_fraction"):
            value = getattr(self, name)
            _check(0 <= value < 1, f"splits.{name} must be in [0, 1)", value)
        total = self.val_fraction + self.test_fraction
        _check(total < 1, "splits.val_fraction + test_fraction must be below 1", total)
        _check(0 <= self.max_distance <= 255, "splits.max_distance must be in [0, 255]", self.max_distance)
        is_cut = 0 <= self.cut_distance <= self.max_distance
        _check(is_cut, "splits.cut_distance must be in [0, max_distance]", self.cut_distance)
        _check(self.max_group_articles > 0, "splits.max_group_articles must be positive", self.max_group_articles)


@dataclass(frozen=True, slots=True)
class DecontaminateConfig:
    """Which pairs are too near to an image of an evaluation to be trained on."""

    max_distance: int = 24  # bits

    def __post_init__(self) -> None:
        """Check the range."""
        _check(0 <= self.max_distance <= 255, "decontaminate.max_distance must be in [0, 255]", self.max_distance)


@dataclass(frozen=True, slots=True)
class EncodeConfig:
    """The pixels of the release."""

    short_side_px: int = 384  # images are shrunk to this short side, never enlarged
    jpeg_quality: int = 90
    resampling: str = "lanczos"
    verbatim_jpeg: bool = False  # a sound RGB or grey JPEG that is small enough goes in byte for byte
    change_no_derivatives: bool = False  # True: resize images of ND licences too

    def __post_init__(self) -> None:
        """Check the ranges."""
        _check(self.short_side_px >= 16, "encode.short_side_px must be at least 16", self.short_side_px)
        _check(1 <= self.jpeg_quality <= 100, "encode.jpeg_quality must be in [1, 100]", self.jpeg_quality)
        _check(
            self.resampling in RESAMPLING, f"encode.resampling must be one of {', '.join(RESAMPLING)}", self.resampling
        )


@dataclass(frozen=True, slots=True)
class ShardsConfig:
    """How samples are dealt to shards."""

    samples_per_shard: int = 10_000  # mean; a shard is a fair draw, so sizes differ a little

    def __post_init__(self) -> None:
        """Check the range."""
        # Below that an empty shard would not be practically impossible.
        _check(self.samples_per_shard >= 32, "shards.samples_per_shard must be at least 32", self.samples_per_shard)


@dataclass(frozen=True, slots=True)
class DatasetConfig:
    """The whole file."""

    select: SelectConfig = field(default_factory=SelectConfig)
    xml: XmlConfig = field(default_factory=XmlConfig)
    images: ImagesConfig = field(default_factory=ImagesConfig)
    filters: FiltersConfig = field(default_factory=FiltersConfig)
    duplicates: DuplicatesConfig = field(default_factory=DuplicatesConfig)
    splits: SplitsConfig = field(default_factory=SplitsConfig)
    decontaminate: DecontaminateConfig = field(default_factory=DecontaminateConfig)
    encode: EncodeConfig = field(default_factory=EncodeConfig)
    shards: ShardsConfig = field(default_factory=ShardsConfig)
    release: ReleaseConfig = field(default_factory=ReleaseConfig)


def parse_config(text: str) -> DatasetConfig:
    """Read a TOML text.

    Raises:
        ConfigError: not TOML, an unknown table or key, a wrong type, a value out of range.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not TOML: {error}") from error
    return from_tables(DatasetConfig, tables)


T = typing.TypeVar("T")


def from_tables(cls: type[T], values: dict[str, Any], where: str = "") -> T:
    """Make a config dataclass of a dict as tomllib gives it.

    Raises:
        ConfigError: an unknown key or a wrong type; the message names the known ones.
    """
    hints = get_type_hints(cls)
    names = [f.name for f in fields(cls)]  # type: ignore[arg-type]
    for name in values:
        if name not in names:
            kind = "key" if where else "table"
            raise ConfigError(f"unknown {kind} {where}{name}; known: {', '.join(names)}")
    return cls(**{name: _convert(hints[name], value, f"{where}{name}") for name, value in values.items()})


def _convert(hint: Any, value: Any, where: str) -> Any:
    """Return the value as the type asked for; only int for float and list for tuple are lent."""
    if is_dataclass(hint):
        if not isinstance(value, dict):
            raise ConfigError(f"{where} must be a table, not {value!r}")
        return from_tables(typing.cast(type[Any], hint), value, f"{where}.")
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise ConfigError(f"{where} must be a list, not {value!r}")
        return tuple(_convert(get_args(hint)[0], item, where) for item in value)
    if isinstance(hint, types.UnionType):
        return _convert(get_args(hint)[0], value, where)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ConfigError(f"{where} must be {hint.__name__}, not {value!r}")
    return value


def to_toml(config: DatasetConfig) -> str:
    """Return the resolved file: every value, defaults too, in the order of the dataclasses."""
    lines: list[str] = []
    for table, values in asdict(config).items():
        lines.append(f"[{table}]")
        lines += [f"{name} = {_toml_value(value)}" for name, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def _toml_value(value: Any) -> str:
    """Return a value as TOML: JSON but for what its strings escape, surrogate pairs and DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def digest(*tables: Any) -> str:
    """Return the sha256 of some tables of a config: what a stage depends on."""
    text = json.dumps([asdict(table) for table in tables], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _check(is_sound: bool, wanted: str, got: object) -> None:
    if not is_sound:
        raise ConfigError(f"{wanted}, not {got!r}")
