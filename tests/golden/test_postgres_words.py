"""What can be wrong with a state in PostgreSQL, word for word."""

from msgspec.structs import replace

from omnictl.model.state import State
from omnictl.state.base import LockHolder
from omnictl.state.postgres.problems import (
    CODES,
    connection_broke,
    database_refuses,
    database_said_no,
    fate_unknown,
    lock_gone,
    no_connection,
    no_such_option,
    no_tables,
    not_a_schema,
    not_a_state,
    only_reads,
    pooled,
    session_lives,
)
from tests.builders import NOW
from tests.golden.golden import check_golden
from tests.golden.words import all_told

WHERE = "postgresql://omnictl@db.example/omnictl/production"
STATE = State("c0ffee00aaaa", "production", serial=8)


def test_what_can_be_wrong_with_a_state_in_a_database() -> None:
    holder = LockHolder("apply", "run-1", NOW)
    problems = (
        not_a_state(),
        not_a_schema(),
        no_such_option("options", ("sslmode", "schema")),
        no_connection(WHERE, "connection failed: connection refused"),
        database_refuses(WHERE, 'connection failed: FATAL: password authentication failed for user "omnictl"'),
        connection_broke(WHERE, "server closed the connection unexpectedly"),
        database_said_no(WHERE, "permission denied for table states"),
        no_tables(WHERE, "permission denied for database omnictl", ('CREATE SCHEMA IF NOT EXISTS "omnictl";',)),
        only_reads(WHERE, "INSERT on states", ("GRANT INSERT ...;",)),
        pooled(WHERE),
        pooled(WHERE, is_shared=True),
        lock_gone(WHERE, STATE),
        fate_unknown(WHERE, replace(STATE, serial=9), "connection refused."),
        session_lives(holder, 4711, "omnictl apply c0ffee", NOW),
        session_lives(None, 4711, "", None),
    )
    assert {each.code for each in problems} == {*CODES, "lock-held"}
    check_golden("postgres-problems.txt", all_told(problems))
