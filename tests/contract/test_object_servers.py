"""Object stores with many at once: the servers of the tests keep their conditions, and no write of a state is lost."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from types import MappingProxyType
from uuid import uuid4

import httpx
import pytest
from msgspec.structs import replace

from omnictl.errors import StateError, StateWriteError
from omnictl.state.blobs import BlobConflictError, BlobError
from omnictl.state.conditions import check_conditions
from omnictl.state.factory import open_backend
from omnictl.state.location import parse_location
from omnictl.state.objects.place import parse_object_place
from omnictl.state.objects.store import ObjectStore, Waits
from tests.contract.backends.kinds import KINDS, Place, make_token
from tests.contract.backends.object_servers import start_weed
from tests.contract.backends.swarm import run_swarm
from tests.contract.test_backends import STATE, grown

PATIENT = Waits(small=60, large=60)
THREADS = 20


@pytest.fixture(params=["s3", "gs", "az"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with KINDS[request.param](tmp_path, request) as made:
        yield made


def store_of(place: Place, environ: Mapping[str, str] = MappingProxyType({})) -> ObjectStore:
    assert place.url is not None
    location = parse_location(place.url, "test")
    return ObjectStore(parse_object_place(location, {**place.environ, **environ}), waits=PATIENT)


def winners(writes: list[Callable[[], str]]) -> int:
    """Do all at the same moment; return how many were taken. All others are conflicts."""
    barrier = Barrier(len(writes))

    def run(write: Callable[[], str]) -> bool:
        barrier.wait()
        try:
            write()
        except BlobConflictError:
            return False
        return True

    with ThreadPoolExecutor(len(writes)) as pool:
        return sum(pool.map(run, writes))


def test_of_twenty_writers_at_once_one_is_taken(place: Place) -> None:
    """The server itself: else nothing that is tried against it would prove anything."""
    stores = [store_of(place) for _ in range(THREADS)]

    def write(n: int, replaces: str | None) -> Callable[[], str]:
        return lambda: stores[n].write("race", f"{uuid4()}".encode(), replaces=replaces)

    assert winners([write(n, None) for n in range(THREADS)]) == 1
    found = stores[0].read("race")
    assert found is not None
    assert winners([write(n, found.version) for n in range(THREADS)]) == 1


def test_the_probe_finds_that_conditions_are_kept(place: Place) -> None:
    store = store_of(place)
    found = check_conditions(store, make_token)
    assert found is not None
    assert found.are_kept
    assert store.list("") == ()


@pytest.mark.parametrize("kind", ["s3", "gs", "az"])
def test_many_processes_lose_and_double_nothing(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    with KINDS[kind](tmp_path, request) as place:
        assert place.url is not None
        outcome = run_swarm(place.url, place.environ, tmp_path, seconds=4)
    outcome.check()
    assert outcome.killed
    assert outcome.stopped
    assert outcome.codes <= {"state-moved", "lock-lost", "store-failed"}


def test_credentials_that_are_refused_are_told_and_keep_their_secret(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with KINDS["s3"](tmp_path, request) as place:
        for environ in ({"AWS_SECRET_ACCESS_KEY": "canary-wrong"}, {"AWS_ACCESS_KEY_ID": "AKIDOFNOBODY"}):
            with pytest.raises(BlobError) as refused:
                store_of(place, environ).write("x", b"1", replaces=None)
            assert refused.value.is_refused
            assert refused.value.diagnostics[0].code == "store-refused"
            assert "canary" not in str(refused.value.diagnostics)


def test_a_server_that_goes_away_while_a_run_works_leaves_the_state_whole(tmp_path: Path) -> None:
    directory = tmp_path / "weed"
    directory.mkdir()
    process, answer = start_weed(directory)
    if process is None:
        pytest.skip(answer["skip"])
    environ = {"AWS_ACCESS_KEY_ID": "AKIDOFTHETESTS", "AWS_SECRET_ACCESS_KEY": "canary-secret-of-the-tests"}
    url = f"s3://omni/gone/?endpoint={answer['endpoint']}"
    backend = open_backend(url, work_dir=tmp_path, environment="test", environ=environ, make_token=make_token)
    try:
        backend.read()
        backend.write(STATE)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with pytest.raises(StateWriteError) as failed:
            backend.write(grown(STATE))
        assert failed.value.diagnostics[0].code == "store-failed"
        assert "canary" not in str(failed.value.diagnostics)
        with pytest.raises(StateError):
            backend.read()
        saved = Path(backend.save_errored(replace(STATE, serial=2)))
        assert saved.exists()
    finally:
        process.kill()
        process.wait()
        for path in answer["leaves"].split(":"):
            Path(path).unlink(missing_ok=True)
    with pytest.raises(httpx.ConnectError):
        httpx.get(answer["endpoint"], trust_env=False)
