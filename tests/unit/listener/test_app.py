"""Who may push, in what form, and what each is answered."""

import hmac
from typing import Any

import pytest

from omnictl.errors import LedgerError
from omnictl.listener.refusal import Refusal
from tests.builders import problem
from tests.unit.listener.pushing import ROW, SECRET, Heard, body_of, sign

BODY = body_of(ROW)
JSON = "application/json"


def test_a_push_is_given_on_as_it_came_and_answered_when_it_is_kept() -> None:
    heard = Heard()
    answer = heard.client.post("/reports", data=BODY, content_type="application/json;charset=utf-8")
    assert (answer.status_code, answer.json) == (200, {"received": True})
    assert (heard.bodies, heard.refused) == ([BODY], [])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/", "/reports"])
def test_a_health_check_is_greeted_and_told_nothing(method: str, path: str) -> None:
    heard = Heard(secret=SECRET)
    answer = heard.client.open(path, method=method)
    assert (answer.status_code, answer.text) == (200, "" if method == "HEAD" else "omnictl reports listen\n")
    assert (heard.bodies, heard.refused) == ([], [])


@pytest.mark.parametrize(
    ("request_", "status", "why"),
    [
        ({"path": "/other"}, 404, "Pushes go to another path."),
        ({"path": "/"}, 404, "Pushes go to another path."),
        ({"path": "/reports/"}, 404, "Pushes go to another path."),
        ({"method": "PUT"}, 405, "Only POST is a push."),
        ({"method": "OPTIONS"}, 405, "Only POST is a push."),
        ({"headers": {"Origin": "https://page.example"}}, 403, "A page in a browser must not push."),
        ({"headers": {"Content-Encoding": "gzip"}}, 415, "The body must not be compressed."),
        ({"content_type": "application/xml"}, 415, "Pushes are read as JSON: send with notifyContentType"),
        ({"content_type": None}, 415, "Pushes are read as JSON"),
        ({"content_type": "text/plain"}, 415, "Pushes are read as JSON"),
        ({"data": b""}, 400, "The push has no body."),
    ],
)
def test_what_is_no_push_is_refused_and_nothing_of_it_kept(request_: dict[str, Any], status: int, why: str) -> None:
    heard = Heard()
    answer = heard.client.open(**{"path": "/reports", "method": "POST", "data": BODY, "content_type": JSON, **request_})
    assert answer.status_code == status
    assert answer.json == {"received": False, "error": heard.refused[0].why}
    assert (answer.headers.get("Allow") == "GET, HEAD, POST") == (status == 405)
    assert heard.refused[0].status == status
    assert heard.refused[0].why.startswith(why)
    assert heard.bodies == []


def test_a_body_that_is_no_push_is_a_bad_request() -> None:
    heard = Heard(why="it has no list of results")
    answer = heard.client.post("/reports", data=b"[]", content_type=JSON)
    refusal = Refusal(400, "The body is no push: it has no list of results.")
    assert (answer.status_code, heard.refused) == (400, [refusal])


@pytest.mark.parametrize(
    ("failure", "status"), [(LedgerError(problem("cannot-write-ledger")), 503), (KeyError("41793026731"), 500)]
)
def test_what_could_not_be_kept_is_to_come_again(failure: Exception, status: int) -> None:
    heard = Heard(failure=failure)
    answer = heard.client.post("/reports", data=BODY, content_type=JSON)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "60")
    assert "41793026731" not in answer.text
    assert (heard.failed, heard.refused) == ([failure], [])


# --- signatures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"x-hub-signature": sign(BODY)},
        {"X-Hub-Signature": sign(BODY).lower()},
        {"x-hub-signature": f" {sign(BODY)} "},
        {"x-hub-signature-256": sign(BODY, hash_name="sha256")},
        {"x-hub-signature-256": sign(BODY, hash_name="sha256"), "x-hub-signature": "SHA1=00"},
    ],
)
def test_a_signed_push_is_taken(headers: dict[str, str]) -> None:
    heard = Heard(secret=SECRET)
    assert heard.client.post("/reports", data=BODY, content_type=JSON, headers=headers).status_code == 200
    assert heard.bodies == [BODY]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hub-signature": ""},
        {"x-hub-signature": "SHA1="},
        {"x-hub-signature": sign(BODY)[:-1]},
        {"x-hub-signature": sign(BODY) + "0"},
        {"x-hub-signature": sign(BODY).removeprefix("SHA1=")},
        {"x-hub-signature": sign(BODY, "another secret")},
        {"x-hub-signature": sign(BODY + b" ")},
        {"x-hub-signature": sign(BODY, hash_name="sha256")},
        {"x-hub-signature-256": sign(BODY)},
        {"x-hub-signature-256": "sha256=00", "x-hub-signature": sign(BODY)},
        {"x-hub-signature": f"{sign(BODY)}, {sign(BODY)}"},
        {"x-hub-signature": "SHA1=\xff\xfe"},
        {"authorization": f"App {SECRET}"},
    ],
)
def test_a_push_without_the_right_signature_is_not_even_read(headers: dict[str, str]) -> None:
    heard = Heard(secret=SECRET)
    answer = heard.client.post("/reports", data=BODY, content_type=JSON, headers=headers)
    assert (answer.status_code, heard.bodies) == (401, [])
    assert heard.refused == [Refusal(401, "The push is not signed with the secret.")]


def test_a_signed_push_without_a_body_is_a_bad_request() -> None:
    heard = Heard(secret=SECRET)
    headers = {"x-hub-signature": sign(b"")}
    assert heard.client.post("/reports", data=b"", content_type=JSON, headers=headers).status_code == 400


def test_a_secret_of_any_bytes_signs() -> None:
    heard = Heard(secret="s\udcff")
    headers = {"x-hub-signature": f"sha1={hmac.new(bytes([0x73, 0xFF]), BODY, 'sha1').hexdigest()}"}
    assert heard.client.post("/reports", data=BODY, content_type=JSON, headers=headers).status_code == 200


def test_the_listener_shows_no_secret() -> None:
    assert SECRET not in repr(Heard(secret=SECRET).app)
