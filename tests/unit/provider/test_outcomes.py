"""Every row of the table of outcomes: engine rules, section 3."""

from datetime import timedelta

import httpx
import pytest

from omnictl.errors import (
    AccessError,
    OutcomeUnknownError,
    ReadingError,
    RemoteError,
    StoppedError,
    UnsentError,
)
from omnictl.model.outcome import Retrying, Waiting
from omnictl.model.scenario import Attributes, Remote, Step
from omnictl.provider.base import Operation
from omnictl.provider.exchange import MOST_TRIES
from tests.unit.provider.service import (
    BODY,
    ROW,
    Answer,
    Service,
    api_error,
    cut,
    fail,
    reply,
    service,
)

KEY = str(ROW["key"])
CURRENT = Remote(KEY, Attributes("before", BODY.flow))
PAGE = reply(200, {"scenarios": [ROW]})

UNSENT = [
    pytest.param(fail(httpx.ConnectError), id="no connection"),
    pytest.param(fail(httpx.ConnectTimeout), id="connect time-out"),
    pytest.param(fail(httpx.ConnectError, "[SSL: CERTIFICATE_VERIFY_FAILED] unknown authority"), id="TLS"),
    pytest.param(fail(httpx.PoolTimeout), id="pool"),
    pytest.param(fail(httpx.ProxyError), id="no tunnel"),
]

EVERYTHING_ELSE = [
    pytest.param(fail(httpx.ReadTimeout), id="read time-out"),
    pytest.param(fail(httpx.WriteTimeout), id="write time-out"),
    pytest.param(fail(httpx.ReadError), id="cut while reading"),
    pytest.param(fail(httpx.WriteError), id="cut while writing"),
    pytest.param(fail(httpx.RemoteProtocolError), id="closed without an answer"),
    pytest.param(fail(httpx.LocalProtocolError), id="protocol"),
    pytest.param(api_error(408), id="408 in the API's shape"),
    pytest.param(reply(302, None, location="https://evil.example/"), id="redirect"),
    pytest.param(reply(304), id="not modified"),
    pytest.param(api_error(500, "GENERAL_ERROR"), id="500"),
    pytest.param(api_error(503, "0", ""), id="503"),
    pytest.param(reply(400, b"<html>bad gateway</html>"), id="4xx in another shape"),
    pytest.param(reply(400, {"error": "no"}), id="4xx in another JSON shape"),
    pytest.param(reply(403, b"<html>firewall</html>"), id="403 of somebody else"),
    pytest.param(reply(404, b"no such page"), id="404 of somebody else"),
    pytest.param(reply(200, b'{"key": "CC9F'), id="truncated body"),
    pytest.param(reply(200, b"\xff\xfe\x00bad"), id="no text"),
    pytest.param(reply(200, b"[" * 100_000), id="too deep"),
    pytest.param(reply(200, b"<html>maintenance</html>"), id="not JSON"),
    pytest.param(reply(200, {"name": "without key", "flow": []}), id="no key"),
    pytest.param(reply(200, {**ROW, "key": ""}), id="empty key"),
    pytest.param(reply(200, {**ROW, "key": True}), id="a key of another kind"),
    pytest.param(reply(200, [ROW]), id="a list"),
    pytest.param(reply(204), id="no content"),
    pytest.param(cut(200), id="cut body"),
    pytest.param(cut(400), id="cut error"),
    pytest.param(reply(200, b"not gzip", content_encoding="gzip"), id="undecodable"),
]

REFUSALS = [400, 402, 404, 405, 409, 410, 413, 415, 422]

WRITES = {
    Operation.CREATE: lambda it: it.provider().create(BODY, default=True),
    Operation.UPDATE: lambda it: it.provider().update(CURRENT, BODY, default=True),
}
READS = {Operation.LIST: lambda it: it.provider().list_page(0), Operation.GET: lambda it: it.provider().get(KEY)}
DONE = {Operation.LIST: PAGE} | dict.fromkeys([Operation.GET, Operation.CREATE, Operation.UPDATE], reply(200, ROW))
ALL = WRITES | READS

each_write = pytest.mark.parametrize("operation", WRITES)
each_read = pytest.mark.parametrize("operation", READS)
each_operation = pytest.mark.parametrize("operation", ALL)


@each_operation
@pytest.mark.parametrize("failure", UNSENT)
def test_what_was_not_sent_is_sent_again(operation: Operation, failure: Answer) -> None:
    it = service(failure, failure, DONE[operation])
    assert ALL[operation](it)
    assert len(it.requests) == 3
    assert [type(each) for each in it.events] == [Retrying, Retrying]
    assert it.waits == [0.5, 1.0]


@each_operation
@pytest.mark.parametrize("failure", UNSENT)
def test_what_can_never_be_sent_ends_as_surely_unsent(operation: Operation, failure: Answer) -> None:
    it = service(failure)
    with pytest.raises(UnsentError):
        ALL[operation](it)
    assert len(it.requests) == MOST_TRIES


@each_operation
@pytest.mark.parametrize(
    ("answer", "seconds", "reason"),
    [
        (api_error(429, "TOO_MANY_REQUESTS"), 0.5, "backoff"),
        (reply(429, b"<html>slow down</html>"), 0.5, "backoff"),
        (reply(429, None, retry_after="7"), 7.0, "retry-after"),
        (reply(429, None, retry_after="Sat, 01 Aug 2026 12:00:20 GMT"), 20.0, "retry-after"),
        (reply(429, None, retry_after="-5"), 0.5, "backoff"),
        (reply(429, None, retry_after="0"), 0.5, "backoff"),
        (cut(429, **{"retry-after": "3"}), 3.0, "retry-after"),
    ],
)
def test_a_429_waits_and_is_sent_again(operation: Operation, answer: Answer, seconds: float, reason: str) -> None:
    it = service(answer, DONE[operation])
    assert ALL[operation](it)
    assert len(it.requests) == 2
    assert sum(it.waits) == pytest.approx(seconds)
    [told] = it.events
    assert isinstance(told, Waiting)
    assert (told.operation, told.reason) == (operation.value, reason)
    assert told.seconds == pytest.approx(seconds)


@each_write
def test_a_write_waits_out_its_window_however_often_it_is_throttled(operation: Operation) -> None:
    it = service(*[api_error(429)] * 40, DONE[operation])
    assert WRITES[operation](it)
    assert len(it.requests) == 41
    assert max(it.waits) == 30.0


@each_write
def test_a_throttled_write_stops_when_asked_to(operation: Operation) -> None:
    it = service(reply(429, None, retry_after="600"))
    it.stop_after_waits = 2
    with pytest.raises(StoppedError):
        WRITES[operation](it)
    assert len(it.requests) == 1


@each_read
def test_a_throttled_reading_is_bounded(operation: Operation) -> None:
    it = service(api_error(429))
    with pytest.raises(ReadingError):
        READS[operation](it)
    assert len(it.requests) == MOST_TRIES


@each_read
@pytest.mark.parametrize("answers", [["601"], ["999999999"], ["300", "301"], ["600", "1"]])
def test_a_reading_does_not_wait_for_more_than_some_minutes(operation: Operation, answers: list[str]) -> None:
    it = service(*(reply(429, None, retry_after=each) for each in answers))
    provider = it.provider(read_only=True)
    with pytest.raises(StoppedError) as caught:
        provider.list_page(0) if operation is Operation.LIST else provider.get(KEY)
    assert len(it.requests) == len(answers)
    assert sum(it.waits) == pytest.approx(sum(map(int, answers[:-1])))
    [told] = caught.value.diagnostics
    assert told.code == "throttled"
    again = it.clock() + timedelta(seconds=min(3600, int(answers[-1])))
    assert told.hint == f"run the same command again after {again:%Y-%m-%d %H:%MZ}"


def test_in_an_apply_the_list_waits_no_longer_either_but_the_look_before_an_update_does() -> None:
    it = service(reply(429, None, retry_after="3000"), PAGE)
    with pytest.raises(StoppedError, match="throttled"):
        it.provider().list_page(0)
    it = service(reply(429, None, retry_after="3000"), DONE[Operation.GET])
    assert it.provider().get(KEY)
    assert sum(it.waits) == pytest.approx(3000.0)


@each_write
@pytest.mark.parametrize("status", REFUSALS)
def test_an_error_of_the_api_refuses_a_write(operation: Operation, status: int) -> None:
    it = service(api_error(status, "NO", "not like this", validationErrors={"flow[0].channel": ["unknown", "old"]}))
    with pytest.raises(RemoteError) as caught:
        WRITES[operation](it)
    assert type(caught.value) is RemoteError
    assert len(it.requests) == 1
    [told] = caught.value.diagnostics
    assert told.code == "refused-by-api"
    assert f" answered {status}: NO: not like this [flow[0].channel: unknown, old]" in told.detail


@each_read
@pytest.mark.parametrize("status", [each for each in REFUSALS if each != 404])
def test_an_error_of_the_api_ends_a_reading(operation: Operation, status: int) -> None:
    it = service(api_error(status))
    with pytest.raises(ReadingError):
        READS[operation](it)
    assert len(it.requests) == 1


def test_a_list_that_is_not_there_is_an_error_and_not_empty() -> None:
    it = service(api_error(404, "NOT_FOUND"))
    with pytest.raises(ReadingError):
        it.provider().list_page(0)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_2xx_with_a_key_is_created(status: int) -> None:
    it = service(reply(status, ROW))
    assert it.provider().create(BODY, default=True) == Remote(KEY, BODY, is_default=True)
    assert len(it.requests) == 1


@pytest.mark.parametrize("flow", [None, "SMS", [1], [{"channel": ["SMS"]}]])
def test_a_key_is_enough_to_be_created(flow: object) -> None:
    it = service(reply(201, {"key": 17, "flow": flow}))
    assert it.provider().create(BODY, default=False) == Remote("17", BODY)


@each_write
@pytest.mark.parametrize("answer", EVERYTHING_ELSE)
def test_everything_else_leaves_a_write_unknown_and_sends_nothing_again(operation: Operation, answer: Answer) -> None:
    it = service(answer, DONE[operation])
    with pytest.raises(OutcomeUnknownError) as caught:
        WRITES[operation](it)
    assert len(it.requests) == 1
    assert caught.value.diagnostics[0].code == "outcome-unknown"


@each_read
@pytest.mark.parametrize("answer", EVERYTHING_ELSE)
def test_everything_else_repeats_a_reading(operation: Operation, answer: Answer) -> None:
    it = service(answer, answer, DONE[operation])
    assert READS[operation](it)
    assert len(it.requests) == 3
    assert it.waits == [0.5, 1.0]


@each_read
@pytest.mark.parametrize("answer", EVERYTHING_ELSE)
def test_a_reading_that_never_succeeds_is_an_error(operation: Operation, answer: Answer) -> None:
    it = service(answer)
    with pytest.raises(ReadingError) as caught:
        READS[operation](it)
    assert len(it.requests) == MOST_TRIES
    assert caught.value.diagnostics[0].code in ("reading-failed", "redirected")


@pytest.mark.parametrize("page", [{}, {"scenarios": None}, {"scenarios": {}}, {"results": []}, None, 3])
def test_a_page_without_scenarios_is_not_an_empty_page(page: object) -> None:
    it = service(reply(200, page))
    with pytest.raises(ReadingError):
        it.provider().list_page(0)
    assert len(it.requests) == MOST_TRIES


def test_an_empty_page_is_empty() -> None:
    assert service(reply(200, {"scenarios": []})).provider().list_page(3) == ()


@pytest.mark.parametrize(
    "document",
    [{**ROW, "key": "ANOTHER"}, {"key": KEY}, {"key": KEY, "name": "x", "flow": None}, {"key": KEY, "flow": "SMS"}],
)
def test_a_put_answered_with_something_else_is_unknown(document: object) -> None:
    it = service(reply(200, document))
    with pytest.raises(OutcomeUnknownError):
        it.provider().update(CURRENT, BODY, default=False)


def test_a_get_answered_with_another_scenario_is_not_believed() -> None:
    with pytest.raises(ReadingError):
        service(reply(200, {**ROW, "key": "ANOTHER"})).provider().get(KEY)


def test_a_404_of_the_api_says_that_there_is_no_such_scenario() -> None:
    it = service(api_error(404, "NOT_FOUND", "Requested resource not found"))
    assert it.provider().get(KEY) is None
    assert len(it.requests) == 1


@each_operation
@pytest.mark.parametrize("answer", [api_error(401, "UNAUTHORIZED"), reply(401, b"<html>who</html>"), cut(401)])
def test_a_401_is_no_access_and_surely_not_taken(operation: Operation, answer: Answer) -> None:
    it = service(answer)
    with pytest.raises(AccessError) as caught:
        ALL[operation](it)
    assert caught.value.diagnostics[0].code == "unauthorized"
    assert "came from the test" in caught.value.diagnostics[0].detail
    assert len(it.requests) == 1


@each_operation
def test_a_403_names_the_scope_that_is_missing(operation: Operation) -> None:
    it = service(api_error(403, "FORBIDDEN", "Forbidden"))
    with pytest.raises(AccessError) as caught:
        ALL[operation](it)
    [told] = caught.value.diagnostics
    assert told.code == "forbidden"
    assert "omni-failover:manage" in told.detail
    assert len(it.requests) == 1


def test_a_stopped_run_sends_no_write_but_still_reads() -> None:
    it = service(PAGE)
    it.stop.request("a signal")
    assert it.provider().list_page(0)
    with pytest.raises(StoppedError, match="stopped-before-sending"):
        it.provider().create(BODY, default=False)
    assert len(it.requests) == 1


def test_nothing_is_sent_after_its_time() -> None:
    it = service(reply(201, ROW))
    with pytest.raises(StoppedError, match="too-late-to-send"):
        it.provider().create(BODY, default=False, not_after=it.clock())
    assert it.requests == []


def test_nothing_is_sent_again_after_its_time() -> None:
    it = service(fail(httpx.ConnectError))
    provider = it.provider()
    limit = it.clock().replace(second=2)
    with pytest.raises(StoppedError, match="too-late-to-send"):
        provider.create(BODY, default=False, not_after=limit)
    assert len(it.requests) == 3  # at 0, 0.5 and 1.5 seconds


def test_a_throttled_create_does_not_wait_past_its_time() -> None:
    it = service(reply(429, None, retry_after="300"))
    provider = it.provider()
    with pytest.raises(StoppedError, match="too-late-to-send"):
        provider.create(BODY, default=False, not_after=it.clock().replace(minute=1))
    assert it.waits == []
    assert provider.permits(Operation.CREATE) == 0
    assert provider.seconds_until_permit(Operation.CREATE) == pytest.approx(300.0)
    assert provider.permits(Operation.UPDATE) > 0


def test_a_bad_key_names_no_other_path() -> None:
    it = service(PAGE)
    for key in ("", ".", ".."):
        with pytest.raises(RemoteError, match="malformed-key"):
            it.provider().get(key)
    assert it.requests == []
    it.answers = [reply(200, {**ROW, "key": "../a b/ü?#"})]
    assert it.provider().get("../a b/ü?#")
    assert it.requests[0].url.raw_path == b"/omni/1/scenarios/..%2Fa%20b%2F%C3%BC%3F%23"


def test_a_step_keeps_its_place_in_errors_without_an_end() -> None:
    it = service(api_error(500, "GENERAL_ERROR", "Something went wrong. Please contact support."))
    with pytest.raises(OutcomeUnknownError) as caught:
        it.provider().create(Attributes("x", (Step("SMS"),)), default=False)
    assert caught.value.diagnostics[0].detail.startswith(
        "POST /omni/1/scenarios answered 500: GENERAL_ERROR: Something went wrong. Please contact support.\n"
    )


def test_the_service_counts_what_left() -> None:
    it: Service = service(fail(httpx.ConnectError), PAGE)
    provider = it.provider()
    provider.list_page(0)
    assert provider.requests_sent == 2
    provider.close()
