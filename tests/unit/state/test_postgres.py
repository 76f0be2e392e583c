"""The state in PostgreSQL against a real server: what gets lost on the way, who loses the lock, who may do what."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Event, Thread, Timer

import pytest
from msgspec.structs import replace

from omnictl.errors import LockHeldError, OmnictlError, StateError, StateMovedError, StateWriteError, UsageError
from omnictl.state.base import Hold, LockHolder
from omnictl.state.factory import open_backend
from omnictl.state.location import parse_location
from omnictl.state.postgres.backend import PostgresBackend
from omnictl.state.postgres.hold import Pace, SessionHold
from omnictl.state.postgres.link import linked, read_address
from omnictl.state.postgres.tables import plain, statements_for
from tests.builders import example_scene
from tests.contract.backends.kinds import make_token
from tests.contract.backends.postgres import QUICK, Server, find_server, free_port, open_place, start_server
from tests.contract.backends.postgres_proxy import Proxy, proxied

STATE = replace(example_scene().state, environment="test", serial=1)
NEXT = replace(STATE, serial=2, listed=STATE.listed + 1)
HOLDER = LockHolder("apply", "run-1", datetime(2026, 11, 20, 9, 12, tzinfo=UTC))
CANARY = "c4n4ry-s3cret"


@dataclass
class Setting:
    """A schema of its own, with a proxy before the server."""

    server: Server
    proxy: Proxy
    schema: str
    directory: Path

    def open(
        self, *, past: bool = False, pace: Pace = QUICK, user: str = "postgres", more: str = ""
    ) -> PostgresBackend:
        """Return a new backend; ``past`` the proxy or through it."""
        port = self.server.port if past else self.proxy.port
        return open_place(self.server.url("", self.schema, port=port, user=user) + more, self.directory, pace=pace)

    def written(self) -> PostgresBackend:
        """Return a backend with a stored state that it has read."""
        self.open(past=True).write(STATE)
        backend = self.open()
        backend.read()
        return backend

    def serials(self) -> list[object]:
        """Return all stored serials."""
        with self.server.connect() as connection:
            found = connection.execute(f"SELECT serial FROM {self.schema}.states ORDER BY 1".encode()).fetchall()
        return [each[0] for each in found]

    def end_sessions(self) -> None:
        """End all sessions of omnictl, as an administrator does."""
        self.server.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'omnictl apply%'"
        )


@pytest.fixture
def at(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Setting]:
    server = find_server(request.config)
    schema = f"t_{make_token()[:16]}"
    with proxied(server.port) as proxy:
        yield Setting(server, proxy, schema, tmp_path)
    server.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


@contextmanager
def holding(backend: PostgresBackend) -> Iterator[tuple[Hold, list[str]]]:
    """Hold the lock, and gather what is told when it is lost."""
    told: list[str] = []
    with backend.lock(HOLDER, timeout_seconds=0, on_wait=lambda _: None) as hold:
        hold.when_lost(told.append)
        yield hold, told


def wait_until(is_so: object, seconds: float = 10.0) -> None:
    assert callable(is_so)
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


def run_all(threads: list[Thread]) -> None:
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def refusal(error: "pytest.ExceptionInfo[OmnictlError]") -> tuple[str, str]:
    told = error.value.diagnostics[0]
    return told.code, f"{told.detail} {told.hint} {told.commands}"


# --- answers that are lost ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lose the answer", "lose the order", "say nothing"])
def test_a_write_whose_answer_is_lost_is_there_once(at: Setting, fault: str) -> None:
    backend = at.written()
    at.proxy.at_commit = fault
    backend.write(NEXT)
    assert at.serials() == [1, 2]
    backend.write(replace(NEXT, serial=3))
    assert at.open(past=True).read() == replace(NEXT, serial=3)


@pytest.mark.parametrize("fault", ["lose the answer", "lose the order", "say nothing"])
def test_a_run_whose_connection_breaks_writes_what_it_knows_and_sends_nothing_more(at: Setting, fault: str) -> None:
    backend = at.written()
    with holding(backend) as (hold, told):
        at.proxy.at_commit = fault
        backend.write(NEXT)
        assert not hold.is_held
        wait_until(lambda: told)
        backend.write(replace(NEXT, serial=3))
        assert not hold.is_held
        with pytest.raises(LockHeldError), holding(at.open()):
            pass
    assert len(told) == 1
    assert at.serials() == [1, 3]
    with holding(at.open()) as (hold, _):
        assert hold.has_ended(HOLDER.run)


def test_a_first_write_whose_answer_is_lost_is_there_once(at: Setting) -> None:
    backend = at.open()
    assert backend.read() is None
    at.proxy.at_commit = "lose the answer"
    with pytest.raises(StateWriteError) as refused:
        backend.write(STATE)
    assert refusal(refused)[0] == "database-lost"  # while the tables were made: nothing was written yet
    assert at.serials() == []
    at.proxy.at_commit = "lose the answer"
    backend.write(STATE)
    assert at.serials() == [1]


def test_a_lost_answer_does_not_hide_that_somebody_else_wrote(at: Setting) -> None:
    backend, other = at.written(), at.open(past=True)
    other.read()
    other.write(replace(NEXT, listed=77))
    at.proxy.at_commit = "lose the answer"
    with pytest.raises(StateWriteError) as refused:
        backend.write(NEXT)
    assert refusal(refused)[0] == "state-moved"
    assert at.serials() == [1, 2]


def test_a_write_that_cannot_be_looked_for_is_told_as_unknown(at: Setting) -> None:
    backend = at.written()
    at.proxy.at_commit, start = "lose the answer", time.monotonic()

    def refuse_from_then_on() -> None:
        wait_until(lambda: at.proxy.commits)
        at.proxy.refuses = True

    Thread(target=refuse_from_then_on).start()
    with pytest.raises(StateWriteError) as refused:
        backend.write(NEXT)
    assert refusal(refused)[0] == "unknown-write"
    assert time.monotonic() - start < 12
    assert at.serials() == [1, 2]


def test_a_write_that_came_is_no_failure_though_somebody_else_has_the_lock_by_now(at: Setting) -> None:
    backend, other = at.written(), at.open(past=True)
    done = Event()

    def take() -> None:
        with other.lock(HOLDER, timeout_seconds=20, on_wait=lambda _: None):
            done.wait(20)

    with holding(backend) as (hold, _):
        waiting = Thread(target=take)
        waiting.start()
        time.sleep(0.3)
        at.proxy.at_commit = "lose the answer"
        backend.write(NEXT)
        assert not hold.is_held
        with pytest.raises(StateWriteError) as refused:
            backend.write(replace(NEXT, serial=3))
        assert refusal(refused)[0] == "database-lock-lost"
        done.set()
        waiting.join()
    assert at.serials() == [1, 2]


def test_a_state_of_another_lineage_or_an_older_serial_takes_no_place(at: Setting) -> None:
    backend = at.written()
    for wrong in (replace(NEXT, lineage="another"), STATE, replace(NEXT, serial=0)):
        with pytest.raises(StateWriteError) as refused:
            backend.write(wrong)
        assert refusal(refused)[0] == "state-moved"
    backend.write(NEXT)
    assert at.serials() == [1, 2]


def test_a_state_that_was_moved_away_may_come_back(at: Setting) -> None:
    backend = at.written()
    backend.write(replace(NEXT, moved_to="state/test.json"))
    with pytest.raises(StateMovedError):
        backend.read()
    backend.write(replace(NEXT, serial=3))
    assert backend.read() == replace(NEXT, serial=3)


def test_a_statement_that_is_refused_is_no_lost_answer(at: Setting) -> None:
    backend = at.written()
    with holding(backend) as (hold, told):
        at.server.run(
            f"CREATE FUNCTION {at.schema}.no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''disk is full''; END'",
            f"CREATE TRIGGER no BEFORE INSERT ON {at.schema}.states FOR EACH ROW EXECUTE FUNCTION {at.schema}.no()",
        )
        with pytest.raises(StateWriteError) as refused:
            backend.write(NEXT)
        assert refusal(refused)[0] == "database-failed"
        assert "disk is full" in refusal(refused)[1]
        assert hold.is_held
        assert told == []
        at.server.run(f"DROP TRIGGER no ON {at.schema}.states")
        backend.write(NEXT)
    assert at.serials() == [1, 2]


# --- the lock ----------------------------------------------------------------------------------------------------


def test_a_session_that_is_ended_loses_the_lock_at_once_and_tells_it_once(at: Setting) -> None:
    with holding(at.written()) as (hold, told):
        assert hold.is_held
        at.end_sessions()
        wait_until(lambda: not hold.is_held, 2)
        wait_until(lambda: told)
        assert "ended the connection" in told[0] or "broke" in told[0]
    assert len(told) == 1


def test_who_lost_the_lock_to_somebody_else_cannot_write(at: Setting) -> None:
    backend, other = at.written(), at.open(past=True)
    with holding(backend) as (hold, told):
        at.end_sessions()
        with holding(other) as (second, _):  # at once: a session that is just ending is waited for
            assert not second.has_ended(HOLDER.run)
            wait_until(lambda: told)
            with pytest.raises(StateWriteError) as refused:
                backend.write(NEXT)
            assert refusal(refused)[0] == "database-lock-lost"
            other.read()
            other.write(NEXT)
        with pytest.raises(StateWriteError):
            backend.write(NEXT)
        assert not hold.is_held
    assert at.serials() == [1, 2]
    with holding(at.open()) as (hold, _):
        assert hold.has_ended(HOLDER.run)  # the second let it go in good order


def test_a_holder_that_gives_no_sign_of_life_is_passed_over_and_knows_it_before(at: Setting) -> None:
    if at.server.version < 14:
        pytest.skip("sessions end by themselves from PostgreSQL 14 on")
    with holding(at.open(pace=replace(QUICK, held=1.5, session=2.0))) as (hold, _):
        at.proxy.is_silent = True
        start = time.monotonic()
        with at.open(past=True).lock(HOLDER, timeout_seconds=20, on_wait=lambda _: None) as second:
            assert not hold.is_held
            assert not second.has_ended(HOLDER.run)
        assert 1.0 < time.monotonic() - start < 10
        at.proxy.is_silent = False
        assert not hold.is_held


def test_a_machine_that_slept_has_lost_the_lock_when_it_wakes(at: Setting) -> None:
    skipped = 0.0
    backend = at.open(pace=replace(QUICK, beat=30.0))
    backend._lock.now = lambda: time.monotonic() + skipped
    with holding(backend) as (hold, _):
        assert hold.is_held
        skipped = 3600.0
        assert not hold.is_held


def test_a_lock_that_came_too_late_is_not_held(at: Setting) -> None:
    backend = at.open(pace=replace(QUICK, held=0.0))
    with pytest.raises(StateError) as refused, holding(backend):
        pass
    assert refusal(refused)[0] == "lock-lost"
    with holding(at.open(past=True)):
        pass


def test_a_lock_that_the_session_no_longer_has_is_lost(at: Setting) -> None:
    with holding(at.open()) as (hold, told):
        assert isinstance(hold, SessionHold)
        with hold.link.using() as connection:
            connection.execute("SELECT pg_advisory_unlock_all()")
        wait_until(lambda: told)
        assert not hold.is_held
        assert "changed for another" in told[0]


def test_who_is_told_late_is_told_still(at: Setting) -> None:
    with at.open().lock(HOLDER, timeout_seconds=0, on_wait=lambda _: None) as hold:
        at.end_sessions()
        wait_until(lambda: not hold.is_held)
        time.sleep(0.3)
        told: list[str] = []
        hold.when_lost(told.append)
        wait_until(lambda: told)


def test_unlock_tells_which_session_holds_and_notes_one_that_is_gone(at: Setting) -> None:
    with ExitStack() as stack:
        hold, _ = stack.enter_context(holding(at.open()))
        with pytest.raises(LockHeldError) as refused:
            at.open(past=True).unlock()
        code, text = refusal(refused)
        assert code == "lock-held"
        assert "apply (run run-1): process" in text
        assert "omnictl apply" in text
        assert "connected since" in text
        assert "pg_terminate_backend" in text
        at.end_sessions()
        wait_until(lambda: not hold.is_held)
    other = at.open()
    assert other.describe_lock() is None
    assert other.unlock() == HOLDER
    assert other.unlock() is None
    with holding(at.open()) as (hold, _):
        assert not hold.has_ended(HOLDER.run)


def test_a_session_that_wrote_nothing_down_is_described_by_what_it_calls_itself(at: Setting) -> None:
    backend = at.written()
    with at.server.connect() as stranger:
        stranger.execute("SELECT pg_advisory_lock(%s)", (backend._lock.key,))
        found = backend.describe_lock()
        assert found is not None
        assert found.run == "unknown"
        assert found.process == f"process {stranger.info.backend_pid} of the server"


def test_a_pooler_is_refused_unless_the_url_says_that_it_keeps_sessions(at: Setting) -> None:
    at.proxy.pid = 4711
    with pytest.raises(StateError) as refused, holding(at.open()):
        pass
    assert refusal(refused)[0] == "pooled-connection"
    with holding(at.open(more="&pooler=session")) as (hold, _):
        time.sleep(0.5)
        assert hold.is_held


def settings_of(backend: PostgresBackend) -> list[object]:
    with linked(backend._lock.connect) as link, link.using() as connection:
        names = ("statement_timeout", "idle_in_transaction_session_timeout", "search_path", "synchronous_commit")
        return [row[0] for name in names for row in connection.execute("SELECT current_setting(%s)", (name,))]


def test_a_session_has_settings_of_its_own_and_one_of_a_pooler_none(at: Setting) -> None:
    at.server.run("ALTER ROLE postgres SET synchronous_commit = off")
    try:
        assert settings_of(at.open(past=True)) == ["10s", "8s", "pg_catalog, pg_temp", "on"]
        at.proxy.pid = 4711
        assert settings_of(at.open()) == ["0", "0", '"$user", public', "off"]
    finally:
        at.server.run("ALTER ROLE postgres RESET synchronous_commit")
    at.written()
    with pytest.raises(StateError) as refused:
        at.open().unlock()
    assert refusal(refused)[0] == "pooled-connection"


def test_a_pooler_that_gives_two_connections_one_session_is_refused_whatever_the_url_says(
    at: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnictl.state.postgres.lock.pid_of", lambda link: 4711)
    with pytest.raises(StateError) as refused, holding(at.open(more="&pooler=session")):
        pass
    assert refusal(refused)[0] == "pooled-connection"
    assert "two connections" in refusal(refused)[1]


# --- many at once ------------------------------------------------------------------------------------------------


def test_of_writers_that_read_the_same_one_wins_whatever_serials_they_choose(at: Setting) -> None:
    at.written()
    won: list[int] = []
    barrier = Barrier(6)

    def race(n: int) -> None:
        backend = at.open(past=True)
        state = backend.read()
        assert state is not None
        barrier.wait()
        try:
            backend.write(replace(state, serial=state.serial + 1 + n, listed=n))
        except StateWriteError as error:
            assert error.diagnostics[0].code == "state-moved"  # noqa: PT017
        else:
            won.append(n)

    for rounds in range(1, 6):
        threads = [Thread(target=race, args=(n,)) for n in range(6)]
        run_all(threads)
        assert len(won) == rounds


def test_the_tables_are_made_once_by_many(at: Setting) -> None:
    failed: list[Exception] = []
    barrier = Barrier(6)

    def make() -> None:
        backend = at.open(past=True)
        barrier.wait()
        try:
            with backend.lock(HOLDER, timeout_seconds=20, on_wait=lambda _: None):
                pass
        except Exception as error:
            failed.append(error)

    threads = [Thread(target=make) for _ in range(6)]
    run_all(threads)
    assert failed == []


# --- who may do what ---------------------------------------------------------------------------------------------


@pytest.fixture
def role(at: Setting) -> Iterator[str]:
    name = f"r_{make_token()[:12]}"
    at.server.run(f"CREATE ROLE {name} LOGIN")
    yield name
    at.server.run(f"DROP SCHEMA IF EXISTS {at.schema} CASCADE", f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_who_may_not_make_the_schema_is_told_what_an_administrator_runs(at: Setting, role: str) -> None:
    backend = at.open(user=role)
    assert backend.read() is None
    with pytest.raises(StateWriteError) as refused:
        backend.write(STATE)
    told = refused.value.diagnostics[0]
    assert told.code == "no-state-schema"
    assert "permission denied" in told.detail
    at.server.run(*told.commands)
    with holding(backend):
        backend.write(STATE)
        backend.write(NEXT)
    assert at.open(user=role).read() == NEXT


def test_who_owns_the_schema_makes_the_tables(at: Setting, role: str) -> None:
    at.server.run(f"CREATE SCHEMA {at.schema} AUTHORIZATION {role}")
    at.open(user=role).write(STATE)
    assert at.open(user=role).read() == STATE


def test_the_statements_of_the_page_are_those_of_the_error() -> None:
    page = (Path(__file__).parents[3] / "docs" / "backends.md").read_text(encoding="utf-8")
    shown = page.partition("```sql\n")[2].partition("```")[0]
    wanted = " ".join(statements_for("omnictl", "omnictl")).replace('"', "")
    assert " ".join(shown.split()) == wanted


def test_who_may_only_read_reads_and_is_told_what_is_refused(at: Setting, role: str) -> None:
    at.written()
    at.server.run(
        f"GRANT USAGE ON SCHEMA {at.schema} TO {role}", f"GRANT SELECT ON ALL TABLES IN SCHEMA {at.schema} TO {role}"
    )
    backend = at.open(user=role)
    assert backend.read() == STATE
    assert backend.history() == ()
    with pytest.raises(StateWriteError) as refused:
        backend.write(NEXT)
    assert refusal(refused)[0] == "database-failed"
    with pytest.raises(StateError), holding(backend):
        pass


def test_what_a_user_lacks_to_write_is_known_before(at: Setting, role: str) -> None:
    def lacks() -> str:
        tried = at.open(user=role).try_conditions()
        assert tried.is_tried == (tried.note is None)
        return "" if tried.note is None else tried.note.detail.partition(" lacks ")[2].partition(". That")[0]

    assert lacks() == "CREATE on the database"
    assert at.open().try_conditions().is_tried
    at.server.run(f"CREATE SCHEMA {at.schema}")
    assert lacks() == "USAGE on the schema, CREATE on the schema"
    at.written()
    assert lacks().startswith("USAGE on the schema, DELETE on states, INSERT on locks")
    at.server.run(
        f"GRANT USAGE ON SCHEMA {at.schema} TO {role}", f"GRANT SELECT ON ALL TABLES IN SCHEMA {at.schema} TO {role}"
    )
    assert lacks() == "DELETE on states, INSERT on locks, INSERT on states, UPDATE on locks, UPDATE on states"
    tried = at.open(user=role).try_conditions()
    assert tried.note is not None
    at.server.run(*tried.note.commands[-2:])
    assert lacks() == ""
    at.server.run(f"ALTER ROLE {role} SET default_transaction_read_only = on")
    assert "a session that may write" in lacks()


def test_a_schema_that_may_not_be_used_is_no_empty_place(at: Setting, role: str) -> None:
    at.written()
    with pytest.raises(StateError) as refused:
        at.open(user=role).read()
    assert refusal(refused)[0] == "database-failed"
    assert "permission denied" in refusal(refused)[1]


# --- no way in ---------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_or_says_nothing_is_told_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", CANARY)
    with pytest.raises(StateError) as refused:
        open_place(f"postgresql://x@127.0.0.1:{free_port()}/omnictl/test", tmp_path).read()
    assert refusal(refused)[0] == "no-database"
    assert CANARY not in refusal(refused)[1]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port, start = silent.getsockname()[1], time.monotonic()
        with pytest.raises(StateError) as refused:
            open_place(f"postgresql://x@127.0.0.1:{port}/omnictl/test?connect_timeout=2", tmp_path).read()
        assert refusal(refused)[0] == "no-database"
        assert time.monotonic() - start < 10
        assert CANARY not in refusal(refused)[1]


@pytest.mark.parametrize("user_and_database", [("nobody_here", "postgres"), ("postgres", "nothing_here")])
def test_who_is_refused_is_told_how_to_come_in(at: Setting, user_and_database: tuple[str, str]) -> None:
    user, database = user_and_database
    with pytest.raises(StateError) as refused:
        open_place(f"postgresql://{user}@127.0.0.1:{at.server.port}/{database}/test", at.directory).read()
    assert refusal(refused)[0] == "database-refuses"
    assert "PGPASSWORD" in refusal(refused)[1]


@pytest.fixture
def own(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of the test's own, with a password."""
    find_server(request.config)
    server = start_server(password=CANARY)
    assert isinstance(server, Server)
    yield server
    server.end()


def test_a_password_comes_from_where_libpq_finds_it_and_is_in_no_error(
    own: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = open_place(own.url("", "omnictl"), tmp_path)
    with pytest.raises(StateError) as refused:
        backend.read()
    assert refusal(refused)[0] == "database-refuses"
    monkeypatch.setenv("PGPASSWORD", f"{CANARY}-but-wrong")
    with pytest.raises(StateError) as refused:
        backend.read()
    assert refusal(refused)[0] == "database-refuses"
    assert CANARY not in refusal(refused)[1] + repr(refused.value) + str(refused.value.__context__)
    monkeypatch.setenv("PGPASSWORD", CANARY)
    assert backend.read() is None
    monkeypatch.delenv("PGPASSWORD")
    passfile = tmp_path / "pgpass"
    passfile.write_text(f"*:*:*:*:{CANARY}\n")
    passfile.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passfile))
    assert backend.read() is None


def test_a_server_that_goes_while_a_run_works_and_comes_back(
    own: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", CANARY)
    backend = open_place(own.url("", "omnictl"), tmp_path, pace=replace(QUICK, patience=10.0))
    with holding(backend) as (hold, told):
        backend.read()
        backend.write(STATE)
        own.stop()
        wait_until(lambda: not hold.is_held)
        wait_until(lambda: told)
        with pytest.raises(StateError) as refused:
            open_place(own.url("", "omnictl"), tmp_path).read()
        assert refusal(refused)[0] == "no-database"
        back = Timer(1.0, own.begin)
        back.start()
        backend.write(NEXT)
        back.join()
    assert open_place(own.url("", "omnictl"), tmp_path).read() == NEXT
    with holding(open_place(own.url("", "omnictl"), tmp_path)) as (hold, told):
        own.stop()
        backend, start = open_place(own.url("", "omnictl"), tmp_path), time.monotonic()
        with pytest.raises(StateWriteError) as refused:
            backend.write(NEXT)
        assert refusal(refused)[0] == "no-database"
        assert time.monotonic() - start < 10


# --- its URL -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "name", "schema", "some"),
    [
        ("postgresql://db.example/omnictl/production", "production", "omnictl", {"dbname": "omnictl"}),
        ("postgresql://db.example/omnictl/", "test", "omnictl", {"host": "db.example"}),
        ("postgres://me@db.example:5433/a/team/x?schema=s_1", "team/x", "s_1", {"user": "me", "port": "5433"}),
        ("postgresql:///a%20b/t?host=/run/postgresql", "t", "omnictl", {"dbname": "a b", "host": "/run/postgresql"}),
        ("postgresql://u%40r@h/a/t?sslmode=verify-full", "t", "omnictl", {"user": "u@r", "sslmode": "verify-full"}),
        ("postgresql://[::1]:5433/a/t?connect_timeout=3", "t", "omnictl", {"host": "::1", "connect_timeout": "3"}),
    ],
)
def test_a_url_says_database_and_name(url: str, name: str, schema: str, some: dict[str, str]) -> None:
    address = read_address(parse_location(url, "test"))
    assert (address.name, address.schema) == (name, schema)
    assert some.items() <= dict(address.parameters).items()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.example/omnictl",
        "postgresql://db.example",
        "postgresql://db.example//x",
        "postgresql://db.example/a/%00",
        "postgresql://db.example/a/b?schema=pg_x",
        "postgresql://db.example/a/b?schema=x;drop",
        "postgresql://db.example/a/b?options=-c%20x",
        "postgresql://db.example/a/b?pooler=transaction",
    ],
)
def test_a_url_that_says_no_state_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_address(parse_location(url, "test"))
    assert refused.value.diagnostics[0].code == "wrong-database-url"


def test_a_place_is_opened_by_its_url(at: Setting) -> None:
    url = at.server.url("", at.schema)
    backend = open_backend(url, work_dir=at.directory, environment="test", environ={}, make_token=make_token)
    assert isinstance(backend, PostgresBackend)
    backend.write(STATE)
    assert at.open().read() == STATE
    assert backend.location == url.replace("/?", "/test?")
    assert not backend.is_local


def test_a_place_is_shown_as_a_url_that_opens_it() -> None:
    url = "postgresql://me@h:5433/a/t?sslmode=verify-full&schema=s&host=/run/postgresql"
    address = read_address(parse_location(url, "test"))
    assert address.shown == url
    assert read_address(parse_location(address.shown, "test")) == address


def test_any_text_fits_into_a_column() -> None:
    assert plain("c0ffee-1") == "c0ffee-1"
    assert plain("\0\ud800ł") == "\\x00\\ud800\\u0142"
