"""How a process may ask a server for things, and the error that tells what came of it."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pmc15m import __version__
from pmc15m.errors import UsageError
from pmc15m.records import MAX_DETAIL_CHARS, Reason


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """Where to go through and how fast to ask. Nothing here changes a byte of the dataset."""

    connections: int = 16  # open at once in one process
    requests_per_s: float | None = None  # of this process; None: no limit
    contact: str | None = None  # address or URL that goes into the User-Agent
    attempts: int = 5  # whole requests for one object
    connect_timeout_s: float = 10.0  # of each address of a host
    read_timeout_s: float = 30.0  # longest silence
    deadline_s: float = 60.0  # of one request, headers and body, plus the next
    deadline_bytes_per_s: float = 100_000.0  # each received byte buys this fraction of a second
    max_retry_after_s: float = 60.0  # longest wait that a server can ask for, and patience with one that is away
    backoff_s: float = 0.1  # first wait at the most, doubled with every attempt
    throttle_backoff_s: float = 1.0  # likewise where the server asks for less or is away
    max_backoff_s: float = 20.0
    proxy: str | None = field(default=None, repr=False)  # "http://user:word@host:3128"; the environment is not asked
    ca_file: str | None = None  # PEM; None: those of certifi

    def __post_init__(self) -> None:
        """Refuse what no request could be made with."""
        for name in ("connections", "attempts"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}, wanted 1 or more")
        for name in ("connect_timeout_s", "read_timeout_s", "deadline_s", "deadline_bytes_per_s", "requests_per_s"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} is {value}, wanted more than 0")
        for name in ("max_retry_after_s", "backoff_s", "throttle_backoff_s", "max_backoff_s"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name} is {getattr(self, name)}, wanted 0 or more")
        if self.contact is not None and not (self.contact.isascii() and self.contact.isprintable()):
            raise UsageError(f"contact {self.contact!r} cannot stand in a User-Agent: wanted printable ASCII")
        if self.proxy is not None and not _is_proxy(self.proxy):
            raise UsageError("proxy is no address of one: wanted http://host:port or https://host:port")

    @property
    def user_agent(self) -> str:
        """What a server is told of us."""
        return f"pmc15m/{__version__}" + (f" (+{self.contact})" if self.contact else "")


def _is_proxy(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


class FetchError(Exception):
    """An object could not be had.

    Args:
        reason: the reason of the reject.
        detail: one sentence with the address, but never its query.
        is_fault: True: the world is broken, and asking on another day may help; False: the server gave
            an answer that counts, such as 404.
    """

    def __init__(self, reason: Reason, detail: str, is_fault: bool) -> None:
        super().__init__(reason, detail, is_fault)
        self.reason = reason
        self.detail = detail[:MAX_DETAIL_CHARS]
        self.is_fault = is_fault

    def __str__(self) -> str:
        return self.detail

    def within(self, bucket: str) -> "FetchError":
        """Return the same told of the keys of a bucket: a mirror of it must not show in a release."""
        return FetchError(self.reason, self.detail.replace(f"{bucket.rstrip('/')}/", ""), self.is_fault)
