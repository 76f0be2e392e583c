"""Many processes at once against the state in PostgreSQL, killed and stopped, with sessions that the server ends."""

from pathlib import Path
from threading import Event, Thread

import pytest

from tests.contract.backends.kinds import make_token
from tests.contract.backends.postgres import find_server
from tests.contract.backends.swarm import run_swarm


@pytest.mark.parametrize("sessions_end", [False, True], ids=["processes", "sessions too"])
def test_eight_processes_write_one_row_after_the_other_and_lose_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, sessions_end: bool
) -> None:
    server = find_server(request.config)
    schema = f"t_{make_token()[:16]}"
    done = Event()

    def end_sessions() -> None:
        while sessions_end and not done.wait(0.15):
            server.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'omnictl apply %' "
                "ORDER BY random() LIMIT 1"
            )

    beside = Thread(target=end_sessions)
    beside.start()
    try:
        outcome = run_swarm(server.url("", schema), {}, tmp_path, seconds=4, seed=int(sessions_end))
    finally:
        done.set()
        beside.join()
    outcome.check()
    assert outcome.killed
    assert outcome.stopped
    stopped_too_long = "lock-lost"  # between asking for the lock and reading the answer
    assert outcome.codes <= {"state-moved", "database-lock-lost", "database-lost", stopped_too_long}
    server.run(f"DROP SCHEMA {schema} CASCADE")
