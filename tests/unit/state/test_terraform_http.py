"""A state behind Terraform's HTTP protocol where server and network fail: nothing doubled or lost, no secret told."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace

from omnictl.codec.state import decode_state, encode_state
from omnictl.errors import LockHeldError, OmnictlError, StateError, StateMovedError, StateWriteError
from omnictl.model.state import State
from omnictl.state.base import KeptLock, LockHolder
from omnictl.state.location import parse_location
from omnictl.state.terraform.backend import TerraformHttpBackend
from omnictl.state.terraform.lock import ServerLock
from omnictl.state.terraform.place import find_identity, read_place
from omnictl.state.terraform.server import ANSWER_SECONDS
from omnictl.state.terraform.server import Server as Client
from omnictl.transport.answer import Answer, Lost, Request
from tests.builders import example_scene
from tests.terraform_server import Fault, Server, serving

CANARY = "a-canary-of-a-token"
ENVIRON = {"OMNICTL_STATE_TOKEN": CANARY}
STATE = replace(example_scene().state, environment="test", serial=1)
NEXT = replace(STATE, serial=2, listed=99)
HOLDER = LockHolder("apply", "run-1", datetime(2026, 11, 20, 9, 12, tzinfo=UTC), process="pid 4711")
PLAIN, GITLAB = "/states/test", "/api/v4/projects/42/terraform/state/test"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(f"Bearer {CANARY}") as made:
        yield made


class Around:
    """Opens backends on the server; ``pauses`` is called instead of each pause."""

    def __init__(self, server: Server, work_dir: Path) -> None:
        self.server = server
        self.work_dir = work_dir
        self.pauses: Callable[[], object] = lambda: None
        self.environ = ENVIRON
        self.url = server.url

    def open(self, path: str = PLAIN, *, timeout_seconds: float = 5.0) -> TerraformHttpBackend:
        place = read_place(parse_location(self.url + path, "test"), self.environ)
        identity = find_identity(place, self.environ)
        client = Client(place, identity, timeout_seconds=timeout_seconds, sleep=lambda _: void(self.pauses()))
        return TerraformHttpBackend(
            client,
            work_dir=self.work_dir,
            environment="test",
            make_token=make_token,
            lock=ServerLock(client, make_token),
        )

    def fail(self, *faults: Fault) -> None:
        self.server.faults.extend(faults)

    def stored(self, path: str = PLAIN) -> bytes | None:
        status, content = self.server.book.answer("GET", path, None, b"")
        return content if status == 200 else None

    def is_locked(self, path: str = PLAIN) -> bool:
        book = self.server.book
        return path in book.locks or bool(path in book.records and book.records[path].lock)


def make_token() -> str:
    return uuid4().hex


def void(_: object) -> None:
    time.sleep(0.001)


@pytest.fixture
def around(server: Server, tmp_path: Path) -> Around:
    return Around(server, tmp_path)


def code_of(error: pytest.ExceptionInfo[OmnictlError]) -> str:
    told = error.value.diagnostics[0]
    assert CANARY not in f"{told}{error.value!r}"
    return told.code


# --- writes of unknown fate ---------------------------------------------------------------------------------------

BOTH = pytest.mark.parametrize("path", [PLAIN, GITLAB], ids=["plain", "gitlab"])


@BOTH
@pytest.mark.parametrize("fault", [Fault("POST"), Fault("POST", 500), Fault("POST", 504), Fault("POST", 429)], ids=str)
def test_a_write_that_landed_and_whose_answer_is_lost_is_done_and_not_sent_again(
    around: Around, path: str, fault: Fault
) -> None:
    backend = around.open(path)
    with backend.lock(HOLDER, timeout_seconds=0, on_wait=print):
        backend.read()
        around.fail(fault)
        backend.write(STATE)
        backend.write(NEXT)
    assert around.server.book.writes == [encode_state(each).encode() for each in (STATE, NEXT)]


@BOTH
@pytest.mark.parametrize("status", [0, 500, 503, 429])
def test_a_write_that_did_not_arrive_is_sent_again_under_the_same_lock(around: Around, path: str, status: int) -> None:
    backend = around.open(path)
    with backend.lock(HOLDER, timeout_seconds=0, on_wait=print):
        backend.read()
        around.fail(Fault("POST", status, is_done=False), Fault("POST", status, is_done=False))
        backend.write(STATE)
    assert around.server.book.writes == [encode_state(STATE).encode()]
    names = {target for method, target, _, _ in around.server.seen if method == "POST" and "?ID=" in target}
    assert len(names) == 1


def test_a_write_that_hangs_is_looked_for(around: Around) -> None:
    backend = around.open(timeout_seconds=0.3)
    around.fail(Fault("POST", 200, seconds=1.0))
    began = time.monotonic()
    backend.write(STATE)
    assert time.monotonic() - began < 3
    assert around.server.book.writes == [encode_state(STATE).encode()]


def test_what_somebody_else_wrote_while_the_fate_was_unknown_is_not_written_over(around: Around) -> None:
    backend = around.open()
    backend.write(STATE)
    other = encode_state(replace(NEXT, listed=7)).encode()
    around.pauses = lambda: around.server.book.plain.update({PLAIN: other})
    around.fail(Fault("POST", is_done=False))
    with pytest.raises(StateWriteError) as refused:
        backend.write(NEXT)
    assert code_of(refused) == "state-moved"
    assert around.stored() == other


def test_a_write_whose_fate_stays_unknown_says_so(around: Around) -> None:
    backend = around.open()
    backend.write(STATE)
    around.fail(*[Fault("POST", 502, is_done=False, body=CANARY.encode())] * 9)
    with pytest.raises(StateWriteError) as unknown:
        backend.write(NEXT)
    assert code_of(unknown) == "state-write-unknown"
    assert "502 ([hidden])" in unknown.value.diagnostics[0].detail
    around.server.faults.clear()
    assert around.open().read() == STATE


def test_nothing_is_sent_again_where_nobody_can_look(around: Around) -> None:
    backend = around.open()
    backend.write(STATE)
    around.fail(Fault("POST", 500))
    around.pauses = lambda: around.fail(*[Fault("GET", 500)] * 9)
    with pytest.raises(StateWriteError) as unknown:
        backend.write(NEXT)
    assert code_of(unknown) == "state-write-unknown"
    assert len(around.server.book.writes) == 2
    assert "saved state" in unknown.value.diagnostics[0].hint


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        (401, "OMNICTL_STATE_TOKEN"),
        (403, "Maintainer"),
        (404, "check the URL"),
        (413, "larger than the server takes"),
        (422, "serial"),
        (307, "redirects are not followed"),
        (400, "mend what the server"),
    ],
)
def test_a_write_that_is_refused_is_told_with_what_to_do(around: Around, status: int, cure: str) -> None:
    backend = around.open()
    backend.write(STATE)
    around.fail(Fault("POST", status, is_done=False, body=f'{{"message": "no {CANARY}\x1b[2J"}}'.encode()))
    with pytest.raises(StateWriteError) as refused:
        backend.write(NEXT)
    assert code_of(refused) == "state-server-refused"
    assert cure in refused.value.diagnostics[0].hint
    assert "\x1b" not in refused.value.diagnostics[0].detail
    assert around.open().read() == STATE


def test_a_serial_that_gitlab_had_before_is_refused_before_it_is_sent(around: Around) -> None:
    backend = around.open(GITLAB)
    backend.write(NEXT)
    with pytest.raises(StateWriteError) as refused:
        backend.write(replace(NEXT, listed=3))
    assert code_of(refused) == "state-moved"
    assert len(around.server.book.writes) == 1


def test_a_state_that_was_laid_out_anew_is_the_same(around: Around) -> None:
    backend = around.open()
    backend.write(STATE)
    around.server.book.plain[PLAIN] = json.dumps(json.loads(around.stored() or b""), sort_keys=True).encode()
    backend.write(NEXT)
    assert around.open().read() == NEXT


@pytest.mark.parametrize(
    "stored",
    [replace(STATE, environment="production"), replace(STATE, moved_to="s3://bucket/test")],
    ids=["another environment", "taken elsewhere"],
)
def test_what_was_refused_in_reading_is_not_written_over_unread(around: Around, stored: State) -> None:
    content = encode_state(stored).encode()
    around.server.book.plain[PLAIN] = content
    with pytest.raises(StateWriteError):
        around.open().write(NEXT)
    assert around.stored() == content


def test_a_state_that_was_taken_elsewhere_may_come_back(around: Around) -> None:
    around.server.book.plain[PLAIN] = encode_state(replace(STATE, moved_to="s3://bucket/test")).encode()
    backend = around.open()
    with pytest.raises(StateMovedError):
        backend.read()
    backend.write(NEXT)
    assert around.open().read() == NEXT


# --- reading ------------------------------------------------------------------------------------------------------


def test_reading_is_repeated_and_in_the_end_told(around: Around) -> None:
    around.open().write(STATE)
    around.fail(Fault("GET"), Fault("GET", 503), Fault("GET", 429))
    assert around.open().read() == STATE
    around.fail(*[Fault("GET", 503)] * 4)
    with pytest.raises(StateError) as refused:
        around.open().read()
    assert code_of(refused) == "state-server-unreachable"


def test_nothing_is_stored_is_said_in_three_ways(around: Around) -> None:
    for fault in (Fault("GET", 404), Fault("GET", 204), Fault("GET", 200)):
        around.fail(fault)
        assert around.open().read() is None


def test_a_project_that_is_not_there_is_no_empty_state(around: Around) -> None:
    with pytest.raises(StateError) as refused:
        around.open("/api/v4/projects/0/terraform/state/test").read()
    assert code_of(refused) == "state-server-refused"
    assert "may not see the project" in refused.value.diagnostics[0].hint


def test_what_arrives_damaged_is_refused(around: Around) -> None:
    around.fail(Fault("GET", 200, body=b"{}", headers={"Content-MD5": "AAAA"}))
    with pytest.raises(StateError) as refused:
        around.open().read()
    assert code_of(refused) == "damaged-state"


def test_redirects_are_not_followed(around: Around) -> None:
    with serving() as thief:
        around.fail(Fault("GET", 302, headers={"Location": f"{thief.url}/states/test"}))
        with pytest.raises(StateError) as refused:
            around.open().read()
        assert code_of(refused) == "state-server-refused"
        assert not thief.seen


def test_without_credentials_the_refusal_says_where_they_were_looked_for(around: Around) -> None:
    around.environ = {}
    with pytest.raises(StateError) as refused:
        around.open().read()
    assert "TF_HTTP_USERNAME and TF_HTTP_PASSWORD" in refused.value.diagnostics[0].detail


def test_a_server_that_is_gone_is_told(around: Around) -> None:
    around.url = "http://127.0.0.1:9"
    for act in (lambda: around.open().read(), lambda: around.open().describe_lock()):
        with pytest.raises(StateError) as refused:
            act()
        assert code_of(refused) == "state-server-unreachable"
    with pytest.raises(StateWriteError):
        around.open().write(STATE)


def test_gitlab_gives_versions_that_this_machine_does_not_keep(around: Around, tmp_path: Path) -> None:
    backend = around.open(GITLAB)
    backend.write(STATE)
    backend.write(NEXT)
    around.work_dir = tmp_path / "another"
    assert around.open(GITLAB).read_version(STATE.lineage, 1) == STATE
    assert around.open(GITLAB).history() == ()
    for lineage, serial in ((STATE.lineage, 7), ("another", 1)):
        with pytest.raises(StateError) as refused:
            around.open(GITLAB).read_version(lineage, serial)
        assert code_of(refused) == "no-such-version"


# --- the lock -----------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("status", [0, 500, 504])
def test_a_lock_whose_answer_is_lost_is_ours_by_its_name(around: Around, path: str, status: int) -> None:
    around.fail(Fault("LOCK" if path == PLAIN else "POST", status))
    with around.open(path).lock(HOLDER, timeout_seconds=0, on_wait=print) as hold:
        assert hold.is_held
        assert not hold.has_ended(HOLDER.run)
        assert around.is_locked(path)
    assert not around.is_locked(path)


def test_a_lock_that_may_have_been_taken_is_given_back(around: Around) -> None:
    around.fail(*[Fault("LOCK", 500)] * 4)
    with pytest.raises(StateError), around.open().lock(HOLDER, timeout_seconds=0, on_wait=print):
        pass
    assert not around.is_locked()


@pytest.mark.parametrize("status", [0, 500])
@pytest.mark.parametrize("is_done", [True, False])
def test_giving_back_whose_answer_is_lost_frees_ours(around: Around, status: int, *, is_done: bool) -> None:
    with around.open().lock(HOLDER, timeout_seconds=0, on_wait=print):
        around.fail(Fault("UNLOCK", status, is_done=is_done))
    assert not around.is_locked()


def test_giving_back_again_does_not_free_the_lock_of_somebody_else(around: Around) -> None:
    other = json.dumps({"ID": "theirs", "Operation": "OperationTypeApply", "Created": "2026-11-30T05:00:00.123456789Z"})
    with around.open().lock(HOLDER, timeout_seconds=0, on_wait=print):
        around.fail(Fault("UNLOCK"))
        around.pauses = lambda: around.server.book.locks.update({PLAIN: other.encode()})
    unlocked = [body for method, _, _, body in around.server.seen if method == "UNLOCK"]
    assert len(unlocked) == 1
    assert around.is_locked()
    holder = around.open().describe_lock()
    assert holder is not None
    assert (holder.operation, holder.run) == ("OperationTypeApply", "theirs")
    assert holder.since == datetime(2026, 11, 30, 5, tzinfo=UTC)


def test_a_server_that_is_gone_when_the_lock_is_given_back_hides_nothing(around: Around) -> None:
    with around.open().lock(HOLDER, timeout_seconds=0, on_wait=print):
        around.fail(*[Fault("UNLOCK", 500, is_done=False)] * 9, *[Fault("LOCK", 500, is_done=False)] * 99)
    around.server.faults.clear()
    assert around.open().describe_lock() == HOLDER


@BOTH
def test_a_lock_that_was_cleared_is_found_by_the_next_write(around: Around, path: str) -> None:
    told: list[str] = []
    backend, other = around.open(path), around.open(path)
    with backend.lock(HOLDER, timeout_seconds=0, on_wait=print) as hold:
        hold.when_lost(told.append)
        backend.write(STATE)
        with pytest.raises(LockHeldError) as held:
            other.unlock()
        name = held.value.diagnostics[0].commands[0].rpartition(" ")[2].strip("'")
        assert isinstance(other, KeptLock)
        with pytest.raises(LockHeldError):
            other.clear_lock("another")
        assert other.clear_lock(name) == HOLDER
        assert other.clear_lock(name) is None
        with pytest.raises(StateWriteError) as refused:
            backend.write(NEXT)
        assert code_of(refused) == "lock-cleared"
        assert not hold.is_held
        assert told == ["the lock of the state was cleared by somebody else"]
    assert around.open(path).read() == STATE


def test_a_lock_is_given_back_where_somebody_cleared_it_and_took_it(around: Around) -> None:
    one, other = around.open(GITLAB), around.open(GITLAB)
    with one.lock(HOLDER, timeout_seconds=0, on_wait=print):
        around.server.book.records[GITLAB].lock = None
        theirs = other.lock(HOLDER, timeout_seconds=0, on_wait=print)
        theirs.__enter__()
    assert around.is_locked(GITLAB)
    theirs.__exit__(None, None, None)


def test_a_write_without_the_lock_that_somebody_holds_is_refused_by_the_server(around: Around) -> None:
    with around.open().lock(HOLDER, timeout_seconds=0, on_wait=print), pytest.raises(StateWriteError) as refused:
        around.open().write(STATE)
    assert code_of(refused) == "lock-held"


@pytest.mark.parametrize("status", [409, 423])
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"ID": 7}', b"\xff", b'{"ID": "x", "Info": "{}", "Created": "?"}']
)
def test_a_lock_is_held_whatever_the_server_says_of_it(around: Around, status: int, body: bytes) -> None:
    around.fail(Fault("LOCK", status, is_done=False, body=body))
    with pytest.raises(LockHeldError), around.open().lock(HOLDER, timeout_seconds=0, on_wait=print):
        pass
    around.fail(Fault("LOCK", status, is_done=False, body=body))
    assert around.open().describe_lock() is not None


def test_a_server_that_says_yes_with_the_name_of_another_has_said_no(around: Around) -> None:
    around.fail(Fault("LOCK", 200, is_done=False, body=b'{"ID": "theirs"}'))
    with pytest.raises(LockHeldError), around.open().lock(HOLDER, timeout_seconds=0, on_wait=print):
        pass


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_server_without_locks_is_not_worked_with(around: Around, status: int) -> None:
    around.fail(Fault("LOCK", status, is_done=False))
    with pytest.raises(StateError) as refused, around.open().lock(HOLDER, timeout_seconds=0, on_wait=print):
        pass
    assert code_of(refused) == "no-state-lock"


def test_who_may_not_lock_is_told(around: Around) -> None:
    around.fail(Fault("POST", 403, is_done=False))
    with pytest.raises(StateError) as refused, around.open(GITLAB).lock(HOLDER, timeout_seconds=0, on_wait=print):
        pass
    assert "Maintainer" in refused.value.diagnostics[0].hint


def test_a_look_at_the_lock_makes_no_record_and_keeps_nobody_out(around: Around) -> None:
    assert around.open(GITLAB).describe_lock() is None
    assert GITLAB not in around.server.book.records
    look = around.open()._lock._attempt(replace(HOLDER, operation="a look at the lock"), is_look=True)
    assert look.take() is None
    around.pauses = look.give_back
    with around.open().lock(HOLDER, timeout_seconds=0, on_wait=lambda _: pytest.fail("it was told")):
        pass


def test_a_very_long_link_is_left_out_of_the_name(around: Around) -> None:
    holder = replace(HOLDER, link="https://ci.example/" + "ü" * 90)
    with around.open(GITLAB).lock(holder, timeout_seconds=0, on_wait=print):
        assert around.open(GITLAB).describe_lock() == HOLDER


def test_what_goes_over_the_line_at_a_lock(around: Around) -> None:
    for path, query in ((PLAIN, ""), (GITLAB, "?ID=")):
        with around.open(path).lock(HOLDER, timeout_seconds=0, on_wait=print):
            told = json.loads(next(body for _, target, _, body in reversed(around.server.seen) if path in target))
        assert {type(each) for each in told.values()} == {str}
        assert list(told) == ["ID", "Operation", "Info", "Who", "Version", "Created", "Path"]
        assert told["Operation"] == "omnictl apply"
        method, target, _, body = around.server.seen[-1]
        assert (method in ("UNLOCK", "DELETE"), query in target, json.loads(body)["ID"]) == (True, True, told["ID"])


def test_a_state_is_saved_beside_the_user(around: Around) -> None:
    path = Path(around.open().save_errored(STATE))
    assert decode_state(path.read_bytes(), path="x") == STATE


# --- time ---------------------------------------------------------------------------------------------------------


class Hanging:
    """A clock that goes on by the time-out with each request that hangs, and by each pause."""

    def __init__(self, backend: TerraformHttpBackend, monkeypatch: pytest.MonkeyPatch, *hanging: str) -> None:
        self.seconds = 0.0
        client = backend._server
        send = client._send
        client.monotonic = lambda: self.seconds
        client.sleep = self.pass_time

        def hang(request: Request) -> Answer:
            if request.method not in hanging:
                return send(request)
            self.pass_time(ANSWER_SECONDS)
            return Lost("no answer in time")

        monkeypatch.setattr(client, "_send", hang)

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.mark.parametrize("hanging", [("GET",), ("POST",), ("GET", "POST"), ("LOCK",), ("LOCK", "UNLOCK"), ("UNLOCK",)])
def test_nothing_hangs_for_much_longer_than_half_a_minute(
    around: Around, monkeypatch: pytest.MonkeyPatch, hanging: tuple[str, ...]
) -> None:
    around.open().write(STATE)
    backend = around.open()
    backend.read()
    backend._server.read()
    clock = Hanging(backend, monkeypatch, *hanging)
    acts: list[Callable[[], object]] = [
        backend.read,
        lambda: backend.write(NEXT),
        backend.describe_lock,
        lambda: backend.clear_lock("x"),
        lambda: backend.lock(HOLDER, timeout_seconds=0, on_wait=print).__enter__(),
    ]
    for act in acts:
        clock.seconds = 0.0
        with suppress(StateError):
            act()
        assert clock.seconds <= 34, act
        around.server.book.locks.clear()
