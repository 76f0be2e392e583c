"""The probe that tells whether a store keeps the conditions of writes."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from omnictl.errors import StateError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.state.base import Trial
from omnictl.state.blobs import Blob, BlobConflictError, BlobError, BlobName, MemoryStore
from omnictl.state.conditions import Conditions, check_conditions, unkept_conditions
from omnictl.state.stored import StoredBackend


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


class ReadOnly(MemoryStore):
    """Lets nothing be written, or (``after``) nothing more."""

    def __init__(self, after: int = 0) -> None:
        super().__init__()
        self.left = after

    def write(self, name: str, content: bytes, *, replaces: str | None) -> str:
        self.left -= 1
        if self.left < 0:
            raise BlobError(DENIED, is_refused=True, is_denied=True)
        return super().write(name, content, replaces=replaces)


class Keeper(MemoryStore):
    """Lets nothing be deleted."""

    def delete(self, name: str) -> None:
        raise BlobError(DENIED, is_refused=True, is_denied=True)


class CarelessKeeper(Keeper, Careless):
    """Does both."""


DENIED = Diagnostic("store-refused", Severity.ERROR, "No", "No.")


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
    if words is None:
        assert backend_of(store).try_conditions() == Trial(is_tried=True)
    told = unkept_conditions("s3://bucket/path", found)
    assert (told is None) is found.are_kept
    if told is not None:
        assert told.code == "conditions-overlooked"
        assert words is not None
        assert words in told.detail


def test_who_may_only_read_tries_nothing() -> None:
    store = ReadOnly()
    assert check_conditions(store, tokens().__next__) is None
    assert backend_of(store).try_conditions() == Trial(is_tried=False)


def test_who_may_write_once_and_not_again_is_told_so() -> None:
    store = ReadOnly(after=1)
    with pytest.raises(BlobError):
        check_conditions(store, tokens().__next__)
    assert store.objects == {}


def test_an_object_that_cannot_be_removed_is_named() -> None:
    tried = backend_of(Keeper()).try_conditions()
    assert tried.is_tried
    assert tried.note is not None
    assert tried.note.code == "probe-left"
    assert "memory/probe/token-1.json" in tried.note.detail
    with pytest.raises(StateError) as told:
        backend_of(CarelessKeeper("create")).try_conditions()
    assert [each.code for each in told.value.diagnostics] == ["conditions-overlooked", "probe-left"]


def backend_of(store: MemoryStore) -> StoredBackend:
    return StoredBackend(store, work_dir=Path("none"), environment="test", make_token=tokens().__next__)


def tokens() -> Iterator[str]:
    return (f"token-{n}" for n in count(1))


class Unlisted(MemoryStore):
    """Lists nothing."""

    def list(self, prefix: str) -> tuple[BlobName, ...]:
        raise BlobError(Diagnostic("store-refused", Severity.ERROR, "s", f"{prefix} is denied."), is_denied=True)


def test_credentials_that_may_not_list_are_told(tmp_path: Path) -> None:
    backend = StoredBackend(Unlisted(), work_dir=tmp_path, environment="test", make_token=lambda: "t")
    tried = backend.try_conditions()
    assert tried.is_tried
    assert tried.note is not None
    assert tried.note.code == "versions-unlisted"
    assert "history/ is denied." in tried.note.detail
