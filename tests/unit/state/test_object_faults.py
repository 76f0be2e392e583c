"""Runs that take turns at one state while any request may fail on its way there or back: nothing is lost or doubled."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Lock

import pytest
from msgspec.structs import replace

from omnictl.errors import LockHeldError, StateError, StateWriteError
from omnictl.model.state import PlanMark, State
from omnictl.state.base import LockHolder, StateBackend
from omnictl.state.lease import Lease, Terms
from omnictl.state.stored import LOCK, StoredBackend
from tests.contract.backends.bucket import Bucket, Fault, served_bucket
from tests.contract.backends.kinds import make_token
from tests.contract.backends.swarm import Outcome, Told
from tests.unit.state.test_object_store import make_store

FAULTS = ("cut before", "cut after", "500 before", "500 after", "503 before", "409 before", "slow after")
TERMS = Terms(lease=4, poll=0.1, margin=0.4)
RUNS, MARKS = 3, 8


@pytest.fixture(params=["s3", "gs"])
def stores(request: pytest.FixtureRequest) -> Iterator[tuple[Bucket, list[StateBackend]]]:
    bucket = Bucket()
    with served_bucket(bucket) as endpoint:
        yield bucket, [make_backend(request.param, endpoint) for _ in range(RUNS)]


def make_backend(scheme: str, endpoint: str) -> StateBackend:
    store = make_store(scheme, endpoint)
    lease = Lease(store, LOCK, make_token, terms=TERMS, sleep=briefly)
    return StoredBackend(
        store, work_dir=Path("unused"), environment="test", make_token=make_token, lease=lease, sleep=briefly
    )


def briefly(seconds: float) -> None:
    time.sleep(min(seconds, 0.02))


def work(backend: StateBackend, name: str) -> list[Told]:
    """Add marks one by one; one whose write failed is looked for before it is written again."""
    told: list[Told] = []
    number, until = 1, time.monotonic() + 60
    holder = LockHolder("apply", name, datetime.now(UTC))
    while number <= MARKS:
        assert time.monotonic() < until, told
        try:
            with backend.lock(holder, timeout_seconds=30, on_wait=lambda _: None):
                told.append(add(backend, f"{name}-{number}"))
        except LockHeldError:
            continue
        except StateError as error:
            told.append(Told("unread", code=error.diagnostics[0].code))
            continue
        number += told[-1].event in ("acknowledged", "found")
    return told


def add(backend: StateBackend, mark: str) -> Told:
    state = backend.read() or State("swarm", "test")
    if any(each.plan_id == mark for each in state.plans):
        return Told("found", mark, state.serial)
    following = replace(state, serial=state.serial + 1, plans=(*state.plans, PlanMark(mark, datetime.now(UTC))))
    try:
        backend.write(following)
    except StateWriteError as error:
        return Told("refused", mark, following.serial, error.diagnostics[0].code)
    return Told("acknowledged", mark, following.serial)


@pytest.mark.parametrize("seed", range(2))
def test_runs_take_turns_and_lose_nothing(stores: tuple[Bucket, list[StateBackend]], seed: int) -> None:
    bucket, backends = stores
    chance, lock = Random(seed), Lock()

    def decide(method: str, key: str) -> Fault | None:
        with lock:
            bad = chance.random() < (0.3 if method == "PUT" else 0.05)
            slow_once = chance.random() < 0.1
            fault = chance.choice(FAULTS) if bad else None
        return "cut after" if fault == "slow after" and not slow_once else fault

    bucket.decide = decide
    with ThreadPoolExecutor(RUNS) as pool:
        told = [each for runs in pool.map(work, backends, "abc") for each in runs]
    bucket.decide = lambda method, key: None
    state = backends[0].read()
    assert state is not None
    Outcome(state, told).check()
    assert state.serial == RUNS * MARKS
    assert not [each for each in told if each.code not in ("", "store-failed")]
