"""The clock of a world: instant, real, or standing still; ahead of the machine's where somebody moved it."""

import pytest

from omnictl.sandbox.clock import ClockError, read_duration, read_time, show_time, write_duration, write_time
from tests.unit.sandbox.caller import Caller, seconds_of, story

ANYBODY, FALLS_OVER = "41790000001", "41793026702"


def now(caller: Caller) -> str:
    return str(caller.control("GET", "status")["clock"]["now"])


def test_instantly_all_has_happened_by_the_next_request_at_the_times_at_which_it_would_have(caller: Caller) -> None:
    caller.scenario("VKONTAKTE", "SMS")
    caller.sent("41793026704", vKontakte={"text": "x", "validityPeriod": 90})
    first, second = caller.reports()
    assert seconds_of(first, "doneAt") == 1000 + 5400
    assert second["sentAt"] == first["doneAt"]


def test_in_real_time_all_is_seen_when_its_time_has_come(caller: Caller) -> None:
    caller.behave(clock="real").scenario("VKONTAKTE", "SMS")
    caller.sent(FALLS_OVER)
    assert caller.reports() == []
    caller.seconds += 2
    assert story(caller.reports()) == [("VKONTAKTE", "UNDELIVERABLE"), ("SMS", "DELIVERED")]


def test_a_clock_that_stands_still_moves_by_command_alone(caller: Caller) -> None:
    assert caller.control("PATCH", "behaviour", {"clock": "manual"})["clock"] == "manual"
    caller.scenario("SMS")
    caller.seconds += 3600
    caller.sent(ANYBODY)
    assert (now(caller), caller.reports()) == ("1970-01-01T00:16:40.000Z", [])
    assert caller.control("POST", "advance", {"by": "1s"})["clock"] == {
        "kind": "manual",
        "now": "1970-01-01T00:16:41.000Z",
    }
    assert seconds_of(caller.reports()[0], "sentAt") == 1000


def test_a_clock_that_runs_again_never_goes_back(caller: Caller) -> None:
    caller.control("PATCH", "behaviour", {"clock": "manual"})
    caller.advance("1h")
    caller.seconds += 60
    caller.control("PATCH", "behaviour", {"clock": "real"})
    assert now(caller) == "1970-01-01T01:16:40.000Z"
    caller.seconds += 60
    assert now(caller) == "1970-01-01T01:17:40.000Z"
    caller.control("PATCH", "behaviour", {"clock": "manual"})
    caller.seconds += 7200
    caller.control("PATCH", "behaviour", {"clock": "instant"})
    assert now(caller) == show_time(int(caller.seconds * 1000))


@pytest.mark.parametrize("clock", ["instant", "real", "manual"])
def test_every_clock_can_be_advanced(caller: Caller, clock: str) -> None:
    caller.behave(clock=clock).advance("1h30m").advance("250ms")
    assert now(caller) == "1970-01-01T01:46:40.250Z"


def test_throttles_and_lags_stand_still_with_the_clock(caller: Caller) -> None:
    caller.behave(clock="manual", throttle="published", list_lag_seconds=5)
    for _ in range(20):
        caller.create()
    caller.seconds += 3600
    assert (caller.create().status, caller.keys()) == (429, [])
    caller.advance("10m1s")
    assert (caller.create().status, len(caller.keys())) == (200, 20)


def test_a_reset_drops_the_messages_and_sets_the_clock_right(caller: Caller) -> None:
    caller.scenario("SMS")
    caller.advance("1h").recipient(ANYBODY, "seen")
    caller.sent(ANYBODY, notifyUrl="http://localhost/x")
    found = caller.control("POST", "reset")
    assert (found["messages"], found["unread_reports"], found["recipients"]) == (0, 0, 1)
    assert found["clock"]["now"] == "1970-01-01T00:16:40.000Z"
    assert caller.logs() == caller.control("GET", "pushes")["pushes"] == []


@pytest.mark.parametrize("body", ["2x", "", "-1s", {"by": None}, {}, 5, [], "1e3s", "٣s"])
def test_what_is_no_duration_is_told(caller: Caller, body: object) -> None:
    reply = caller.call("POST", "/sandbox/advance", body)
    assert (reply.status, reply.document["error"][:36]) == (400, "A duration is a number and ms, s, m,")


def test_the_clock_cannot_go_for_ever(caller: Caller) -> None:
    replies = [caller.call("POST", "/sandbox/advance", "3650d").status for _ in range(700)]
    assert set(replies) == {200, 400}
    assert now(caller).startswith("8")
    caller.scenario("SMS")
    caller.sent(ANYBODY)
    assert len(caller.reports()) == 1


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("90s", 90_000), ("1h30m", 5_400_000), ("250ms", 250), ("2d", 172_800_000), ("1.5s", 1500), ("0s", 0)],
)
def test_durations(text: str, milliseconds: int) -> None:
    assert read_duration(text) == milliseconds
    assert read_duration(write_duration(milliseconds)) == milliseconds


def test_a_duration_has_an_end() -> None:
    with pytest.raises(ClockError, match="at most 3650d"):
        read_duration("3650d1ms")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2016-02-23T17:41:11.833+0100", "2016-02-23T16:41:11.833+0000"),
        ("2016-02-23T17:41:11.833+01:00", "2016-02-23T16:41:11.833+0000"),
        ("2016-02-23T17:41:11.833 0100", "2016-02-23T16:41:11.833+0000"),
        ("2016-02-23T17:41:11.8Z", "2016-02-23T17:41:11.800+0000"),
        ("2016-02-23 17:41z", "2016-02-23T17:41:00.000+0000"),
        ("2016-02-23T17:41:11", "2016-02-23T17:41:11.000+0000"),
        ("1969-12-31T23:59:59.5-0000", "1969-12-31T23:59:59.500+0000"),
    ],
)
def test_times_in_every_usual_spelling(text: str, written: str) -> None:
    found = read_time(text)
    assert found is not None
    assert write_time(found) == written


@pytest.mark.parametrize("text", ["", "now", "2016-02-23", "2016-02-30T00:00:00Z", "2016-02-23T25:00:00Z", "x" * 1000])
def test_what_is_no_time(text: str) -> None:
    assert read_time(text) is None
