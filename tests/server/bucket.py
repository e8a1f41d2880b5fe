"""All objects of the bucket on the server's day: articles, metadata, inventories, recorded ones."""

from collections.abc import Sequence

from pmc15m.synth import Fault
from tests.server.collection import TODAY, Collection, Lru, Stored, Version
from tests.server.inventory import Inventories
from tests.server.listing import Bucket
from tests.server.recorded import Recorded
from tests.server.variants import md5_of

_METADATA = "metadata/"


class Store:
    """Finds objects by key."""

    def __init__(self, collection: Collection, recorded: Recorded) -> None:
        self.day = collection.config.day
        self.collection = collection
        self._recorded = recorded
        self._inventories = Inventories(collection)
        self._heads: Lru[list[str]] = Lru(2)

    def find(self, key: str, is_replaced: bool = False) -> Stored | None:
        """Return an object of today, None where there is none.

        Args:
            key: of the object, decoded.
            is_replaced: gives the next revision of its article.
        """
        if key == "README.txt":
            return _stored(self._recorded.readme)
        if key.startswith("inventory-reports/"):
            return self._inventories.find(key, self.day)
        is_metadata = key.startswith(_METADATA)
        folder, _, name = key.removeprefix(_METADATA).partition("/")
        if is_metadata:
            folder, name = folder.removesuffix(".json"), folder if not name else ""
        recorded = self._recorded.metadata.get(folder)
        if recorded is not None:
            return _stored(recorded) if name == f"{folder}.json" else None
        version = self.collection.versions(self.day).get(folder)
        if version is None or not name or (is_metadata and name != f"{folder}.json"):
            return None
        if is_replaced:
            version = next_revision(version)
        if name == f"{folder}.json":
            return self.collection.metadata(version)
        return self.collection.files(version).get(name)

    def listed(self) -> Bucket:
        """Return what can be listed today."""
        day = self.day
        return Bucket(self._heads.get(day, lambda: self._make_heads(day)), self._names, self.find)

    def _names(self, folder: str) -> Sequence[str]:
        if folder in self._recorded.metadata:
            return [f"{folder}.json"]
        version = self.collection.versions(self.day).get(folder)
        return sorted(self.collection.files(version)) if version else []

    def _make_heads(self, day: int) -> list[str]:
        versions = self.collection.versions(day)
        fault_of = self.collection.config.synth.fault_of
        recorded = list(self._recorded.metadata)
        heads = [f"{folder}/" for folder in [*versions, *recorded]]
        heads += [
            f"{_METADATA}{folder}.json"
            for folder, version in versions.items()
            if fault_of(version.number) != Fault.JSON_MISSING
        ]
        heads += [f"{_METADATA}{folder}.json" for folder in recorded]
        return sorted([*heads, "README.txt", *self._inventories.keys(day)])


def next_revision(version: Version) -> Version:
    """Return an article version as it is after one more change."""
    return Version(version.number, version.version, version.updated + 60, "xml", version.revision + 1)


def _stored(data: bytes) -> Stored:
    return Stored(data, md5_of(data), TODAY - 86_400)
