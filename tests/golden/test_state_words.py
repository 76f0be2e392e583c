"""What can be wrong with a state as a file, word for word."""

from datetime import timedelta

from msgspec.structs import replace

from omnictl.model.state import State
from omnictl.state.base import LockHolder
from omnictl.state.problems import (
    CODES,
    cannot,
    gone,
    lock_held,
    lock_lost,
    moved,
    no_such_version,
    not_cleared,
    other_environment,
    overtaken,
    unreadable_lock,
)
from tests.builders import NOW
from tests.golden.golden import check_golden
from tests.golden.words import all_told

STORED = State("c0ffee00aaaa", "production", serial=7)
HOLDER = LockHolder("apply", "run-1", NOW)


def test_what_can_be_wrong_with_a_state() -> None:
    full = OSError(28, "No space left on device")
    path = "state/production.json"
    ours = replace(STORED, lineage="0123456789", serial=8)
    problems = (
        *(cannot(verb, path, full) for verb in ("read", "write", "lock", "keep")),
        cannot("read", path, OSError("a reason without a number")),
        moved(path, STORED, ours),
        gone(path, ours),
        other_environment(path, "test", "production"),
        no_such_version(3, [7, 6]),
        no_such_version(3, []),
        lock_held(None, 0),
        lock_held(None, 2.5),
        lock_held(HOLDER, 0),
        lock_held(replace(HOLDER, process="pid 7"), 600),
        lock_held(HOLDER, 600, 60),
        lock_held(HOLDER, 600, is_kept=True, lock_id="a name,of\u202e it"),
        lock_held(None, 0, is_kept=True),
        lock_lost("s3://bucket/production"),
        not_cleared(HOLDER),
        unreadable_lock("s3://bucket/production (lock.json)", "kind: this is no lock that this omnictl knows"),
        overtaken("s3://bucket/production", 8, ours),
        overtaken("s3://bucket/production", None, ours),
        lock_held(replace(HOLDER, expected_end=NOW + timedelta(minutes=9), link="https://ci.example/1"), 0),
    )
    assert {each.code for each in problems} == set(CODES)
    check_golden("state-problems.txt", all_told(problems))
