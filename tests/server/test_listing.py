"""Paging through any listing whatever gives what a listing by hand gives."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tests.server.collection import Stored
from tests.server.listing import Bucket, list_objects

STORED = Stored(b"", "d41d8cd98f00b204e9800998ecf8427e", 0)


@given(
    st.sets(st.tuples(st.sampled_from(["a/", "a.b/", "b/", ""]), st.text("ab./ \u00e9", min_size=1, max_size=4))),
    st.text("ab./", max_size=3),
    st.sampled_from(["", "/", "b", "./"]),
    st.text("ab./", max_size=3),
    st.integers(1, 5),
)
def test_paging_is_right_for_any_keys(
    pairs: set[tuple[str, str]], prefix: str, delimiter: str, after: str, size: int
) -> None:
    folders = {"a/", "a.b/", "b/"}
    lone = {name for folder, name in pairs if not folder and not any(name.startswith(one) for one in folders)}
    lone = {name for name in lone if not name.endswith("/")}
    names = {folder[:-1]: sorted(name for one, name in pairs if one == folder) for folder in folders}
    bucket = Bucket(sorted(lone | {f"{one}/" for one in names if names[one]}), names.__getitem__, lambda key: STORED)
    keys = sorted(lone | {folder + name for folder, name in pairs if folder})
    wanted: list[str] = []
    for key in keys:
        end = key.find(delimiter, len(prefix)) if delimiter else -1
        item = key if end < 0 else key[: end + len(delimiter)]
        if key.startswith(prefix) and key > after and item not in wanted:
            wanted.append(item)
    got: list[str] = []
    query = {"prefix": prefix, "delimiter": delimiter, "start-after": after, "max-keys": str(size)}
    while True:
        page = list_objects(bucket, query).decode()
        got += sorted(re.findall(r"<(?:Key|CommonPrefixes><Prefix)>([^<]*)<", page))
        token = re.findall(r"<NextContinuationToken>([^<]*)<", page)
        if not token:
            break
        query["continuation-token"] = token[0]
    assert got == wanted
