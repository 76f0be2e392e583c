"""The provider as a whole: what it sends, how it is made, what it never shows."""

import logging
import traceback
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from omnictl.errors import AccessError, OmnictlError, OutcomeUnknownError, ReadingError
from omnictl.model.outcome import Retrying, Waiting
from omnictl.model.scenario import Attributes, Remote
from omnictl.provider import exchange, failures, pacing
from omnictl.provider.base import PUBLISHED_BUDGETS, Budget, Operation, Provider
from omnictl.provider.omni import OmniProvider
from omnictl.transport import client, credentials, secrets, trust
from omnictl.transport.answer import Reply, Request
from omnictl.transport.credentials import Credentials, Scheme
from tests.unit.provider.service import BODY, CANARY, ROW, START, Answer, Service, api_error, cut, fail, reply, service

KEY = str(ROW["key"])


def test_it_is_a_provider() -> None:
    provider: Provider = service().provider()
    assert provider.host == "x.api.infobip.com"
    assert provider.capabilities.page_size == 100
    assert provider.capabilities.request_timeout_seconds == 60.0


def test_requests_are_those_of_the_documents() -> None:
    it = service(reply(200, {"scenarios": []}), reply(200, ROW), reply(201, ROW), reply(200, ROW))
    provider = it.provider(base_url="https://x.api.infobip.com/prefix/")
    provider.list_page(2)
    provider.get(KEY)
    provider.create(BODY, default=True)
    provider.update(Remote(KEY, BODY, extra={"unknown": 1}), BODY, default=True)
    base = "https://x.api.infobip.com/prefix/omni/1/scenarios"
    assert [(each.method, str(each.url)) for each in it.requests] == [
        ("GET", f"{base}?limit=100&page=2"),
        ("GET", f"{base}/{KEY}"),
        ("POST", base),
        ("PUT", f"{base}/{KEY}"),
    ]
    created, updated = (each for each in it.requests if each.content)
    expected = {name: value for name, value in ROW.items() if name != "key"}
    assert Service([], [created, updated]).bodies == [expected, {**expected, "unknown": 1}]


@pytest.mark.parametrize(
    ("base_url", "given", "expected"),
    [
        ("https://x.api.infobip.com", None, 60.0),
        ("http://127.0.0.1:8080", None, 2.0),
        ("http://localhost", None, 2.0),
        ("http://127.0.0.1", 0.0, 0.0),
        ("https://x.api.infobip.com", 5.0, 5.0),
    ],
)
def test_settling_depends_on_the_host(base_url: str, given: float | None, expected: float) -> None:
    provider = service().provider(base_url=base_url, settle_seconds=given)
    assert provider.capabilities.settle_seconds == expected


def test_credentials_go_to_no_untrusted_host() -> None:
    with pytest.raises(AccessError, match="untrusted-host"):
        service().provider(base_url="https://infobip.com.evil.org")


def test_a_plan_cannot_write() -> None:
    it = service(reply(200, {"scenarios": []}))
    provider = it.provider(read_only=True)
    assert provider.list_page(0) == ()
    with pytest.raises(RuntimeError):
        provider.create(BODY, default=False)
    with pytest.raises(RuntimeError):
        provider.update(Remote(KEY, BODY), BODY, default=False)
    assert len(it.requests) == 1


# --- budgets ----------------------------------------------------------------------------------------------------


def test_creates_and_updates_have_budgets_of_their_own() -> None:
    it = service(reply(200, ROW))
    recent = {Operation.CREATE: [START - timedelta(seconds=200)] * 19}
    provider = it.provider(budgets=PUBLISHED_BUDGETS, recent=recent)
    assert provider.permits(Operation.CREATE) == 1
    assert provider.permits(Operation.UPDATE) == 40
    provider.create(BODY, default=False)
    assert provider.permits(Operation.CREATE) == 0
    provider.create(BODY, default=False)
    assert sum(it.waits) == pytest.approx(401.0, abs=0.01)
    assert provider.permits(Operation.UPDATE) == 40
    assert all(isinstance(each, Waiting) and each.limit == 20 for each in it.events)


def test_what_was_not_sent_uses_no_budget() -> None:
    it = service(fail(httpx.ConnectError), fail(httpx.ConnectError), reply(201, ROW))
    provider = it.provider(budgets={Operation.CREATE: Budget(2, 600.0)})
    provider.create(BODY, default=False)
    assert provider.permits(Operation.CREATE) == 1
    assert [type(each) for each in it.events] == [Retrying, Retrying]


def test_what_is_stopped_at_the_last_look_uses_no_budget() -> None:
    it = service(reply(201, ROW))
    provider = it.provider(budgets={Operation.CREATE: Budget(2, 600.0)})
    it.stop.request("a signal")
    with pytest.raises(OmnictlError):
        provider.create(BODY, default=False)
    assert provider.permits(Operation.CREATE) == 2


# --- tokens -----------------------------------------------------------------------------------------------------


def renewable(count: list[int]) -> Credentials:
    def renew() -> Credentials:
        count.append(1)
        return Credentials(Scheme.BEARER, f"fresh-{len(count)}", source="the test", renew=renew)

    return Credentials(Scheme.BEARER, "stale", source="the test", renew=renew)


def test_a_401_renews_a_token_once_and_sends_again() -> None:
    renewed: list[int] = []
    it = service(api_error(401), reply(201, ROW), api_error(401), reply(201, ROW))
    provider = it.provider(credentials=renewable(renewed))
    for _ in range(2):
        assert provider.create(BODY, default=False).key == KEY
    tokens = [each.headers["authorization"] for each in it.requests]
    assert tokens == ["Bearer stale", "Bearer fresh-1", "Bearer fresh-1", "Bearer fresh-2"]


def test_a_second_401_is_no_access() -> None:
    renewed: list[int] = []
    it = service(api_error(401))
    with pytest.raises(AccessError, match="unauthorized"):
        it.provider(credentials=renewable(renewed)).list_page(0)
    assert (len(it.requests), len(renewed)) == (2, 1)


# --- what errors say --------------------------------------------------------------------------------------------


def detail_of(answer: Answer) -> str:
    """Return what is told of a create that was answered so."""
    with pytest.raises(OmnictlError) as caught:
        service(answer).provider().create(BODY, default=False)
    return caught.value.diagnostics[0].detail


def test_an_error_names_method_path_status_and_request_id() -> None:
    detail = detail_of(reply(502, b"<html>bad gateway</html>", x_request_id="abc-1"))
    assert detail.startswith("POST /omni/1/scenarios answered 502 (request id abc-1): <html>bad gateway</html>.\n")


def test_an_excerpt_is_short_and_harmless() -> None:
    body = "\x1b[31mred\x07\u202eevil\r\n\x00" + "x" * 10_000
    detail = detail_of(reply(500, body.encode()))
    first = detail.splitlines()[0]
    assert "\x1b" not in detail
    assert "\u202e" not in detail
    assert " [31mred evil xxx" in first
    assert len(first) < 400
    long = detail_of(api_error(400, "E" * 1000, "T" * 1000, validationErrors={"f" * 1000: ["v"] * 1000}))
    assert len(long) < 1100


def test_a_body_that_cannot_be_used_says_why() -> None:
    assert "The body cannot be used: a scenario has no key." in detail_of(reply(200, {"name": "x"}))
    assert "answered 200 without a body. The body cannot be used: it is empty." in detail_of(reply(200))
    assert "answered 200: the answer was cut short (ReadError)." in detail_of(cut(200))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (fail(httpx.ConnectError), "no-connection"),
        (fail(httpx.ConnectError, "[SSL: WRONG_VERSION_NUMBER]"), "no-encryption"),
        (fail(httpx.ConnectError, "[SSL: CERTIFICATE_VERIFY_FAILED]"), "untrusted-certificate"),
    ],
)
def test_no_connection_and_no_trust_are_told_apart(answer: Answer, code: str) -> None:
    with pytest.raises(OmnictlError, match=code):
        service(answer).provider().list_page(0)


def test_every_code_is_explained() -> None:
    modules = (client, credentials, secrets, trust, exchange, failures, pacing)
    explained = {code for each in modules for code in getattr(each, "CODES", {})}
    assert {"untrusted-host", "outcome-unknown", "forbidden", "stopped-waiting"} <= explained


# --- what they never say ----------------------------------------------------------------------------------------


def echo(status: int) -> Answer:
    """Answer with everything that was sent, as debugging proxies do."""

    def answer(request: httpx.Request) -> httpx.Response:
        text = f"{request.headers['authorization']} {request.url}"
        shown = {
            "requestError": {"serviceException": {"messageId": text, "text": text, "validationErrors": {text: [text]}}}
        }
        return httpx.Response(status, json=shown, headers={"X-Request-ID": text})

    return answer


def everything_in(error: BaseException) -> str:
    """Return all that can be seen of an error and of what led to it."""
    shown, chain, seen = "", [error], set[int]()
    while chain:
        each = chain.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        shown += "".join(traceback.format_exception(each)) + repr(each) + str(each.args) + repr(vars(each))
        request = getattr(each, "_request", None)
        assert request is None, "an error of the HTTP library holds the request and with it the credentials"
        chain += [linked for linked in (each.__cause__, each.__context__) if linked is not None]
    return shown


@pytest.mark.parametrize(
    "answer",
    [
        *(echo(status) for status in (302, 400, 401, 403, 404, 408, 409, 429, 500)),
        fail(httpx.ConnectError, f"connecting with {CANARY}"),
        fail(httpx.ReadError, f"reading {CANARY}"),
        fail(httpx.LocalProtocolError, f"Illegal header value b'App {CANARY}'"),
        reply(200, f"App {CANARY}".encode()),
        reply(500, b"x" * 290 + CANARY.encode()),
        cut(200),
    ],
)
def test_the_key_is_in_no_error_no_event_and_no_log(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    calls: list[Callable[[OmniProvider], object]] = [
        lambda provider: provider.list_page(0),
        lambda provider: provider.get(KEY),
        lambda provider: provider.create(BODY, default=False),
        lambda provider: provider.update(Remote(KEY, Attributes("old", ())), BODY, default=False),
    ]
    for call in calls:
        it = service(answer)
        it.stop_after_waits = 6
        provider = it.provider()
        errors: list[OmnictlError] = []
        try:
            call(provider)
        except OmnictlError as error:
            errors.append(error)
        assert CANARY[:12] not in "".join(map(everything_in, errors))
        shown = repr(it.events) + caplog.text + repr(provider) + repr(vars(provider)) + repr(vars(provider._client))
        assert CANARY not in shown


def test_errors_of_the_http_library_are_nowhere_in_the_chain() -> None:
    with pytest.raises(OutcomeUnknownError) as unknown:
        service(fail(httpx.ReadTimeout)).provider().create(BODY, default=False)
    with pytest.raises(ReadingError) as reading:
        service(fail(httpx.ReadTimeout)).provider().list_page(0)
    for caught in (unknown, reading):
        chain: BaseException | None = caught.value
        while chain is not None:
            assert not type(chain).__module__.startswith("http")
            chain = chain.__context__


def test_each_request_is_told_without_its_secrets() -> None:
    it = service(
        reply(200, {"scenarios": []}, X_Request_Id=f"id of {CANARY}"),
        fail(httpx.ConnectError, "refused"),
        cut(200),
        reply(200, {"scenarios": []}),
    )
    provider = it.provider()
    provider.list_page(2)
    provider.list_page(0)
    told = [(each.method, each.path, each.result, each.request_id) for each in it.traces]
    assert told == [
        ("GET", "/omni/1/scenarios?limit=100&page=2", "200", "id of [hidden]"),
        ("GET", "/omni/1/scenarios?limit=100&page=0", "not sent, no connection: refused", ""),
        ("GET", "/omni/1/scenarios?limit=100&page=0", "200, the answer was cut short (ReadError)", ""),
        ("GET", "/omni/1/scenarios?limit=100&page=0", "200", ""),
    ]


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("http://x.api.infobip.com", "points to http://x.api.infobip.com."),
        ("https://user:secret@elsewhere.example/login?key=secret#x", "points to https://elsewhere.example/login."),
        ("/login?key=secret", "points to /login."),
    ],
)
def test_a_redirected_reading_says_where_to_and_that_it_was_not_followed(location: str, told: str) -> None:
    with pytest.raises(ReadingError) as caught:
        service(reply(302, None, location=location)).provider().list_page(0)
    [found] = caught.value.diagnostics
    assert found.code == "redirected"
    assert told in found.detail
    assert "omnictl follows no redirect" in found.detail
    assert "secret" not in found.detail
    assert "base URL" in found.hint


def test_a_redirect_to_nowhere_is_told_too() -> None:
    answer = Reply(302, {"location": "https://[::1"})
    told = failures.describe(Request("GET", "/x"), answer, str)
    assert told.startswith("GET /x answered 302 and points to an address that cannot be read.")
