"""What a release says of itself: the `[release]` table of the TOML."""

import datetime
import re
from dataclasses import dataclass

from pmc15m.errors import ConfigError

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?")
_URL = re.compile(r"https?://[^\s<>\"]+")
_MAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\"]+")


@dataclass(frozen=True, slots=True)
class ReleaseConfig:
    """Name, version and makers, for the cards; what is empty is left out of them."""

    name: str = "pmc15m"
    version: str = "1.0.0"  # semantic; one in which samples are changed, removed or moved is a major one
    description: str = "Figures of open-access articles of PubMed Central, each with its caption."
    creators: tuple[str, ...] = ("unnamed",)
    url: str = ""  # where the release is published
    contact: str = ""  # a mail address or URL, also for take-down
    date: str = ""  # of publication, 2026-11-24; empty: the day of the inventory, where there is one
    license_note: str = ""  # what is to be said of licences beside the counts

    def __post_init__(self) -> None:
        """Check that cards can be made of the values: each is one line, and what it claims to be."""
        for name in ("name", "version", "description", "url", "contact", "date", "license_note"):
            _check(getattr(self, name).isprintable(), f"release.{name} must be one line of text", getattr(self, name))
        for name in ("name", "description"):
            _check(bool(getattr(self, name).strip()), f"release.{name} must not be empty", getattr(self, name))
        are_names = all(creator.strip() and creator.isprintable() for creator in self.creators)
        _check(bool(self.creators) and are_names, "release.creators must be one name or more", self.creators)
        _check(_VERSION.fullmatch(self.version) is not None, "release.version must be like 1.0.0", self.version)
        _check(not self.url or _URL.fullmatch(self.url) is not None, "release.url must be http(s)://", self.url)
        is_contact = _URL.fullmatch(self.contact) or _MAIL.fullmatch(self.contact)
        _check(
            not self.contact or is_contact is not None, "release.contact must be a mail address or URL", self.contact
        )
        _check(not self.date or _is_date(self.date), "release.date must be like 2026-11-24", self.date)

    @property
    def contact_url(self) -> str:
        """The contact as a link."""
        return f"mailto:{self.contact}" if _MAIL.fullmatch(self.contact) else self.contact


def _is_date(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _check(is_sound: bool, wanted: str, got: object) -> None:
    if not is_sound:
        raise ConfigError(f"{wanted}, not {got!r}")
