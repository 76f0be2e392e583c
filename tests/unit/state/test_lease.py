"""The lease: one holder, passed over when it is dead by the waiter's own clock, and never relied on past its end."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from omnictl.errors import LockHeldError, StateError, StateWriteError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.state import State
from omnictl.state.base import LockHolder
from omnictl.state.blobs import Blob, BlobConflictError, BlobError, MemoryStore, write_surely
from omnictl.state.lease import Lease, LeaseHold, Terms
from omnictl.state.lease_text import decode_lease, encode_lease
from omnictl.state.stored import StoredBackend

HOLDER = LockHolder("apply", "run-1", datetime(2026, 11, 20, 9, 12, tzinfo=UTC), process="pid 1")
TERMS = Terms(lease=60, poll=2.0, margin=5.0)


NUMBERS = count()


def make_token() -> str:
    return f"token-{next(NUMBERS)}"


def trouble(*, is_unknown: bool = True, is_refused: bool = False) -> BlobError:
    told = Diagnostic("store", Severity.ERROR, "The store failed", "on purpose")
    return BlobError(told, is_unknown=is_unknown, is_refused=is_refused)


class Clock:
    """Seconds that pass while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def lease(store: MemoryStore, clock: Clock, sleep: Callable[[float], None] | None = None) -> Lease:
    """Return a lease; every hold of this module has a token of its own."""
    return Lease(store, "lock.json", make_token, terms=TERMS, now=clock, sleep=sleep or clock.sleep)


def take(one: Lease, timeout_seconds: float = 0.0) -> LeaseHold:
    """Take the lock without the thread that renews it."""
    return one._acquire(HOLDER, timeout_seconds, lambda _: None)


def held_after(hold: LeaseHold, clock: Clock, *pauses: float) -> list[bool]:
    """Return whether the lock is held after each of some pauses."""
    found = []
    for seconds in pauses:
        clock.now += seconds
        found.append(hold.is_held)
    return found


def test_a_holder_relies_on_it_until_shortly_before_its_end() -> None:
    clock = Clock()
    hold = take(lease(MemoryStore(), clock))
    assert not hold.has_ended(HOLDER.run)
    assert held_after(hold, clock, 0, 54.9, 0.2) == [True, True, False]


def test_time_that_the_store_took_to_answer_counts() -> None:
    clock = Clock()

    class Slow(MemoryStore):
        def write(self, name: str, content: bytes, *, replaces: str | None) -> str:
            clock.now += 50
            return super().write(name, content, replaces=replaces)

    assert held_after(take(lease(Slow(), clock)), clock, 4.9, 0.2) == [True, False]

    class Slower(MemoryStore):
        def write(self, name: str, content: bytes, *, replaces: str | None) -> str:
            clock.now += 56
            return super().write(name, content, replaces=replaces)

    with pytest.raises(StateError) as lost:
        take(lease(Slower(), clock))
    assert lost.value.diagnostics[0].code == "lock-lost"


def test_a_dead_holder_is_passed_over_after_its_lease_and_proves_nothing() -> None:
    store, clock = MemoryStore(), Clock()
    take(lease(store, clock))
    began = clock.now
    hold = take(lease(store, clock), timeout_seconds=300)
    assert 60 < clock.now - began < 66
    assert not hold.has_ended(HOLDER.run)


def test_a_holder_that_renews_is_waited_for_as_long_as_it_was_asked() -> None:
    store, clock = MemoryStore(), Clock()
    first = take(lease(store, clock))

    def sleep(seconds: float) -> None:
        clock.now += seconds
        text = decode_lease(store.objects["lock.json"].content)
        renewed = encode_lease(type(text)(text.token, text.renewal + 1, 60, True, HOLDER))
        store.write("lock.json", renewed.encode(), replaces=store.objects["lock.json"].version)

    with pytest.raises(LockHeldError) as refused:
        take(lease(store, clock, sleep), timeout_seconds=200)
    assert "passed over after 60 s" in refused.value.diagnostics[0].hint
    assert not first.has_ended(HOLDER.run)


def test_of_two_who_pass_over_a_dead_holder_one_gets_it() -> None:
    store, clock = MemoryStore(), Clock()
    take(lease(store, clock))
    first, second = lease(store, clock), lease(store, clock)
    clock.now += 100
    seen = store.read("lock.json")
    assert seen is not None
    assert first._take(HOLDER, seen.version, ended_run=None) is not None
    assert second._take(HOLDER, seen.version, ended_run=None) is None


def test_what_is_let_go_is_free_at_once() -> None:
    store, clock = MemoryStore(), Clock()
    with lease(store, clock).hold(HOLDER, timeout_seconds=0, on_wait=lambda _: None):
        assert lease(store, clock).describe() == HOLDER
    assert lease(store, clock).describe() is None
    then = take(lease(store, clock))
    assert then.has_ended(HOLDER.run)
    assert not then.has_ended("an older run")


def test_a_holder_whose_lease_is_over_does_not_free_what_may_be_another_ones() -> None:
    store, clock = MemoryStore(), Clock()
    with ExitStack() as stack:
        stack.enter_context(lease(store, clock).hold(HOLDER, timeout_seconds=0, on_wait=lambda _: None))
        clock.now += 61
    assert lease(store, clock).describe() == HOLDER


def real(store: MemoryStore) -> Lease:
    return Lease(store, "lock.json", iter("abc").__next__, terms=Terms(lease=1, poll=0.01, margin=0.1))


def test_a_holder_renews_for_as_long_as_it_works() -> None:
    store = MemoryStore()
    with real(store).hold(HOLDER, timeout_seconds=0, on_wait=lambda _: None) as hold:
        Event().wait(1.6)
        assert hold.is_held
        assert decode_lease(store.objects["lock.json"].content).renewal >= 3


def test_a_holder_is_told_when_somebody_else_took_it() -> None:
    store, told, reasons = MemoryStore(), Event(), list[str]()

    def tell(reason: str) -> None:
        reasons.append(reason)
        told.set()

    with real(store).hold(HOLDER, timeout_seconds=0, on_wait=lambda _: None) as hold:
        hold.when_lost(tell)
        store.write("lock.json", b"theirs", replaces=store.objects["lock.json"].version)
        assert told.wait(5)
        assert not hold.is_held
    assert reasons == ["somebody else took the lock of the state"]
    assert store.objects["lock.json"].content == b"theirs"


def test_a_holder_is_told_when_the_store_is_away_for_too_long() -> None:
    class Away(MemoryStore):
        is_away = False

        def write(self, name: str, content: bytes, *, replaces: str | None) -> str:
            if self.is_away:
                raise trouble(is_refused=True)
            return super().write(name, content, replaces=replaces)

    store, told = Away(), Event()
    with real(store).hold(HOLDER, timeout_seconds=0, on_wait=lambda _: None) as hold:
        hold.when_lost(lambda _: told.set())
        store.is_away = True
        assert told.wait(10)
        assert not hold.is_held


def test_a_lease_that_ended_comes_back_where_nobody_had_it_since_and_is_let_go() -> None:
    store, clock = MemoryStore(), Clock()
    hold = take(lease(store, clock))
    assert hold.rejoin()
    clock.now += 600
    assert not hold.is_held
    hold._is_lost = True  # the store was away for longer than the lease
    assert hold.rejoin()
    assert not hold.is_held
    hold.start()
    hold.stop()
    assert lease(store, clock).describe() is None


def test_a_lease_that_somebody_else_had_never_comes_back() -> None:
    store, clock = MemoryStore(), Clock()
    hold = take(lease(store, clock))
    other = take(lease(store, clock), timeout_seconds=300)
    assert not hold.rejoin()
    other.start()
    other.stop()  # let go in good order: it was somebody else's all the same
    assert not hold.rejoin()
    store.objects.clear()
    assert not hold.rejoin()


def test_who_lost_the_lock_to_somebody_else_writes_nothing(tmp_path: Path) -> None:
    """Even where the other has not written yet: its own first write would be refused."""
    store, clock = MemoryStore(), Clock()
    first, second = (
        StoredBackend(store, work_dir=tmp_path, environment="test", make_token=make_token, lease=lease(store, clock))
        for _ in range(2)
    )
    with first.lock(HOLDER, timeout_seconds=0, on_wait=lambda _: None):
        first.write(State("l", "test", 1))
        clock.now += 100
        first.write(State("l", "test", 2))  # nobody had it since
        with second.lock(HOLDER, timeout_seconds=300, on_wait=lambda _: None):
            assert second.read() == State("l", "test", 2)
            with pytest.raises(StateWriteError) as lost:
                first.write(State("l", "test", 3))
            assert lost.value.diagnostics[0].code == "lock-lost"
            second.write(State("l", "test", 3, listed=1))
    assert second.read() == State("l", "test", 3, listed=1)


def test_a_lock_of_a_dead_holder_is_cleared_and_one_that_is_renewed_is_not() -> None:
    store, clock = MemoryStore(), Clock()
    take(lease(store, clock))
    assert lease(store, clock).clear() == HOLDER
    assert lease(store, clock).describe() is None
    assert lease(store, clock).clear() is None
    first = take(lease(store, clock))
    assert not first.has_ended(HOLDER.run)  # that it was cleared proves nothing

    def renew(seconds: float) -> None:
        clock.now += seconds
        text = decode_lease(store.objects["lock.json"].content)
        renewed = encode_lease(type(text)(text.token, text.renewal + 1, 60, True, HOLDER)).encode()
        store.write("lock.json", renewed, replaces=store.objects["lock.json"].version)

    with pytest.raises(LockHeldError, match="lock-held"):
        lease(store, clock, renew).clear()
    assert first is not None


@pytest.mark.parametrize("content", [b"", b"{}", b'{"kind": "state"}', b'{"kind": "lock", "format_version": 2}'])
def test_what_is_no_lock_stops_everything(content: bytes) -> None:
    store, clock = MemoryStore(), Clock()
    store.write("lock.json", content, replaces=None)
    for ask in (lambda: take(lease(store, clock)), lease(store, clock).describe):
        with pytest.raises(StateError, match="unreadable-lock"):
            ask()


def test_what_is_no_lock_is_cleared_where_nobody_writes_over_it() -> None:
    store, clock = MemoryStore(), Clock()
    store.write("lock.json", b"{", replaces=None)

    def overwrite(seconds: float) -> None:
        store.write("lock.json", b"[", replaces=store.objects["lock.json"].version)

    with pytest.raises(LockHeldError):
        lease(store, clock, overwrite).clear()
    assert lease(store, clock).clear() is not None
    assert not take(lease(store, clock)).has_ended("unknown")


def test_the_lock_of_a_newer_omnictl_is_left() -> None:
    store, clock = MemoryStore(), Clock()
    store.write("lock.json", b'{"kind": "lock", "format_version": 2}', replaces=None)
    with pytest.raises(StateError, match="unreadable-lock"):
        lease(store, clock).clear()


# --- writes of unknown fate --------------------------------------------------------------------------------------


class Flaky(MemoryStore):
    """A store whose writes go wrong as told: "lost" (done, no answer), "dropped" (not done), "409" (neither)."""

    def __init__(self, *faults: str) -> None:
        super().__init__()
        self.faults = list(faults)

    def write(self, name: str, content: bytes, *, replaces: str | None) -> str:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "refused":
            raise trouble(is_unknown=False, is_refused=True)
        if fault == "409":
            raise BlobConflictError(name)
        if fault != "dropped":
            super().write(name, content, replaces=replaces)
        if fault:
            raise trouble()
        return self.objects[name].version


@pytest.mark.parametrize("faults", [("lost",), ("dropped",), ("dropped", "lost"), ("409",), ("409", "dropped", "lost")])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_write_whose_answer_is_lost_is_made_once(faults: tuple[str, ...], is_there: bool) -> None:
    store = Flaky()
    before = store.write("x", b"old", replaces=None) if is_there else None
    store.faults = list(faults)
    version = write_surely(store, "x", b"new", replaces=before, wait=lambda _: None)
    assert store.objects["x"] == Blob(b"new", version)


def test_a_write_that_somebody_else_overtook_is_a_conflict() -> None:
    store = Flaky()
    before = store.write("x", b"old", replaces=None)
    store.write("x", b"theirs", replaces=before)
    store.faults = ["dropped"]
    with pytest.raises(BlobConflictError):
        write_surely(store, "x", b"new", replaces=before, wait=lambda _: None)
    assert store.objects["x"].content == b"theirs"


def test_a_store_that_stays_away_or_refuses_is_an_error() -> None:
    with pytest.raises(BlobError):
        write_surely(Flaky(*["dropped"] * 9), "x", b"new", replaces=None, wait=lambda _: None)
    store = Flaky("refused", "")
    with pytest.raises(BlobError):
        write_surely(store, "x", b"new", replaces=None, wait=lambda _: None)
    assert store.faults == [""]
