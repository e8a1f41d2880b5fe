"""Progress from workers to the driver: datagrams on loopback, lossy, and so never used for sums.

A runner's own metrics cannot be polled while it runs locally, and counters in the driver stay 0
where workers are processes of their own. Retried bundles count twice here: the report is the truth.
"""

import json
import socket
import time
from dataclasses import dataclass, field

MIN_INTERVAL_S = 0.2
"""Least time between two datagrams of one worker."""


@dataclass
class Meter:
    """Counts by name in a worker and sends what was added to the driver. It pickles without its socket."""

    address: tuple[str, int] | None  # where the driver listens, on loopback; None: nowhere
    _added: dict[str, int] = field(default_factory=dict, repr=False)
    _sent_at: float = 0.0

    def count(self, name: str, count: int) -> None:
        """Add to a count; send if it is time."""
        if self.address is None:
            return
        self._added[name] = self._added.get(name, 0) + count
        if time.monotonic() - self._sent_at >= MIN_INTERVAL_S:
            self.flush()

    def flush(self) -> None:
        """Send what was added since the last datagram."""
        if self.address is None or not self._added:
            return
        added, self._added = self._added, {}
        self._sent_at = time.monotonic()
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(json.dumps(added).encode(), self.address)
        except OSError:
            self.address = None  # the driver has left: go on without a bar
