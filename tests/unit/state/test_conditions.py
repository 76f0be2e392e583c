"""The probe that tells whether a store keeps the conditions of writes."""

from collections.abc import Iterator
from itertools import count

import pytest

from omnictl.state.blobs import Blob, BlobConflictError, MemoryStore
from omnictl.state.conditions import Conditions, check_conditions, unkept_conditions


class Careless(MemoryStore):
    """Overlooks conditions."""

    def __init__(self, *overlooked: str) -> None:
        super().__init__()
        self.overlooked = overlooked

    def write(self, name: str, content: bytes, *, replaces: str | None) -> str:
        found = self.objects.get(name)
        if ("create" if replaces is None else "update") in self.overlooked:
            replaces = found.version if found else None
        return super().write(name, content, replaces=replaces)


class Liar(MemoryStore):
    """Refuses, and writes all the same."""

    def write(self, name: str, content: bytes, *, replaces: str | None) -> str:
        try:
            return super().write(name, content, replaces=replaces)
        except BlobConflictError:
            self.objects[name] = Blob(content, f"{self.objects[name].version}x")
            raise


class Stubborn(MemoryStore):
    """Takes no condition on a version."""

    def write(self, name: str, content: bytes, *, replaces: str | None) -> str:
        if replaces is not None:
            raise BlobConflictError(name)
        return super().write(name, content, replaces=replaces)


@pytest.mark.parametrize(
    ("store", "found", "words"),
    [
        (MemoryStore(), Conditions(True, True, True), None),
        (Careless("create"), Conditions(False, True, True), "there is nothing yet"),
        (Careless("update"), Conditions(True, False, True), "a version is still there"),
        (Careless("create", "update"), Conditions(False, False, True), "overlooks the conditions"),
        (Liar(), Conditions(False, False, True), "overlooks the conditions"),
        (Stubborn(), Conditions(True, False, False), "refuses a write that names the version"),
    ],
    ids=["kept", "create", "update", "neither", "liar", "stubborn"],
)
def test_a_store_is_tried_and_nothing_stays(store: MemoryStore, found: Conditions, words: str | None) -> None:
    assert check_conditions(store, tokens().__next__) == found
    assert store.objects == {}
    told = unkept_conditions("s3://bucket/path", found)
    assert (told is None) is found.are_kept
    if told is not None:
        assert told.code == "conditions-overlooked"
        assert words is not None
        assert words in told.detail


def tokens() -> Iterator[str]:
    return (f"token-{n}" for n in count(1))
