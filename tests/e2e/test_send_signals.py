"""A sending that a signal ends: what is in flight is finished, the rest is sent when it is resumed, nobody twice."""

import json
import re
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from omnictl.sandbox.outbox import list_messages
from omnictl.sandbox.store import World
from tests.e2e.conftest import ServeSandbox
from tests.e2e.processes import end, read_until, start, wait_for
from tests.e2e.running import omnictl

PEOPLE = [f"417930268{number:02}" for number in range(12)]
WORDS = ("send", "s", "--text", "Hello", "--yes", "--recipients", "r.csv", "--batch-size", "3")


@pytest.fixture
def world(project: Path, serve_sandbox: ServeSandbox) -> World:
    """An account that takes its time with every request, and a file of twelve people."""
    (project / "scenarios").mkdir()
    (project / "scenarios/s.json").write_text('{"name": "S", "flow": [{"channel": "SMS"}]}')
    (project / "r.csv").write_text("\n".join(["phone", *PEOPLE, ""]))
    made = serve_sandbox()
    assert omnictl("apply", "--yes").code == 0
    made.behaviour = type(made.behaviour)(latency_seconds=0.6)
    return made


def taken(world: World) -> Counter[str]:
    """Return how many messages each has."""
    return Counter(each["to"]["phoneNumber"] for each in list_messages(world) for _ in range(each["times"]))


def finish(world: World, run: str) -> dict[str, Any]:
    """Resume the run to its end; nobody has two messages then."""
    world.behaviour = type(world.behaviour)()
    refused = omnictl(*WORDS)
    assert refused.code == 3
    assert f"--resume {run}" in refused.err
    ended = omnictl(*WORDS, "--resume", run, "--format", "json")
    assert max(taken(world).values()) == 1
    document: dict[str, Any] = json.loads(ended.out)
    assert document["accepted"] == sum(taken(world).values())
    assert ended.code == (4 if document["unknown"] else 0)
    return document


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_first_signal_lets_the_request_in_flight_end(world: World, number: signal.Signals, code: int) -> None:
    process = start(*WORDS)
    said = read_until(process, "start")
    wait_for(lambda: taken(world))
    ended, out, err = end(process, number)
    assert ended == code, out + err
    assert "Stopping: what is in flight is finished and saved." in err
    run = re.findall(r"run ([0-9a-f]{8})", said)[0]
    assert f"--resume {run}" in err
    assert 0 < sum(taken(world).values()) < len(PEOPLE)
    assert finish(world, run)["accepted"] == len(PEOPLE)
    assert taken(world) == Counter(PEOPLE)


def test_the_second_signal_ends_it_at_once_and_what_was_in_flight_is_looked_for(world: World) -> None:
    world.behaviour = type(world.behaviour)(latency_seconds=1.5)
    process = start(*WORDS)
    said = read_until(process, "start")
    wait_for(lambda: taken(world))
    process.send_signal(signal.SIGINT)
    read_until(process, "Stopping")
    ended, _, err = end(process, signal.SIGINT)
    assert ended == 130
    assert "Messages in flight are in the ledger as unknown" in err
    run = re.findall(r"run ([0-9a-f]{8})", said)[0]
    time.sleep(2.0)  # the service takes what was in flight, though nobody listens any more
    document = finish(world, run)
    assert document["accepted"] + document["unknown"] == len(PEOPLE)
    if document["unknown"]:
        again = omnictl(*WORDS, "--resume", run, "--resend-unknown", "--yes")
        assert again.code == 0, again.err
        assert taken(world) == Counter(PEOPLE)


def test_a_signal_before_anything_is_sent_ends_it_with_nothing_begun(world: World) -> None:
    process = start(*WORDS[:-5], "--to", "-", stdin=-1)  # waits for people on stdin
    with pytest.raises(Exception, match="timed out"):
        process.wait(1.0)
    ended, _, _ = end(process, signal.SIGTERM)
    assert ended == 143
    assert not taken(world)
    assert omnictl(*WORDS).code == 0
