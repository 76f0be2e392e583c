"""The documented VK example walked with omnictl: what it sends and what it shows is what stands there, slip and all."""

import json
from pathlib import Path
from typing import Any

import pytest

from omnictl.sandbox import app
from omnictl.sandbox.scenarios import read_scenario
from omnictl.sandbox.sends import read_send
from tests.contract.seed import CREATE_REPLY, CREATE_REQUEST, REPORTS_REPLY, SEND_REPLY, SEND_REQUEST
from tests.e2e.conftest import ServeSandbox
from tests.e2e.running import Ran, omnictl

AS_IN_THE_SEED = {"message_ids": "step", "vk_spelling": "VKONTANTE", "row_bulk_id": "absent"}
TEXTS = ("--text", "VKONTAKTE=This is VK message.", "--text", "SMS=This is the SMS failover message")
REQUESTED, ANSWERED = "41793026727", "41793026731"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every body that comes to the service, as it came."""
    bodies: list[Any] = []

    def record(read: Any) -> Any:
        def call(content: bytes, *more: Any, **how: Any) -> Any:
            bodies.append(json.loads(content))
            return read(content, *more, **how)

        return call

    monkeypatch.setattr(app, "read_send", record(read_send))
    monkeypatch.setattr(app, "read_scenario", record(read_scenario))
    return bodies


def send(to: str, *more: str) -> Ran:
    """Send what the example sends."""
    ran = omnictl("send", "vk-sms", "--to", to, *TEXTS, "--yes", "--format", "json", *more)
    assert ran.code == 0, ran.err
    return ran


@pytest.mark.parametrize("switches", [AS_IN_THE_SEED, {}], ids=["as in the example", "as documented"])
@pytest.mark.parametrize("to", [ANSWERED, REQUESTED])
def test_the_three_steps_of_the_example(
    project: Path, serve_sandbox: ServeSandbox, sent: list[Any], switches: dict[str, str], to: str
) -> None:
    serve_sandbox(**switches)
    (project / "scenarios").mkdir()
    (project / "scenarios/vk-sms.json").write_bytes(CREATE_REQUEST)

    ran = omnictl("apply", "--yes")
    assert ran.code == 0, ran.err
    assert sent.pop() == json.loads(CREATE_REQUEST)
    key = json.loads(Path("state/default.json").read_text())["records"]["vk-sms"]["key"]
    assert len(key) == len(json.loads(CREATE_REPLY)["key"])
    assert omnictl("plan", "--detailed-exitcode").code == 0

    receipt = send(to).document
    [body] = sent
    check_body(body, key, to)
    check_receipt(receipt, body, to)
    check_reports(receipt, to)


def check_body(body: dict[str, Any], key: str, to: str) -> None:
    """What omnictl sends is what the example sends, with ids of its own and its callbackData."""
    expected = json.loads(SEND_REQUEST)
    expected["scenarioKey"] = key
    expected["destinations"][0]["to"]["phoneNumber"] = to
    ours = {name: body.pop(name) for name in ("bulkId", "callbackData")}
    assert ours["callbackData"].startswith("omnictl1:vk-sms:")
    assert ours["callbackData"].endswith(f":{ours['bulkId']}")
    ours["messageId"] = body["destinations"][0].pop("messageId")
    assert body == expected
    body.update(ours)


def check_receipt(receipt: dict[str, Any], body: dict[str, Any], to: str) -> None:
    """The receipt says of the message what the answer of the example says."""
    expected = json.loads(SEND_REPLY)["messages"][0]["status"]
    [item] = receipt["items"]
    assert item["message_id"] == body["messageId"]
    assert item["to"] == {"phone": f"{to[:2]}*******{to[-2:]}"}
    assert (receipt["accepted"], item["fate"]) == (1, "accepted")
    assert in_words_of_the_api(item["status"]) == expected


def check_reports(receipt: dict[str, Any], to: str) -> None:
    """The pulled story tells each step as the rows of the example do, and the slip in a channel's name is read."""
    pulled = omnictl("reports", "pull", "--take", "--unmask", "--format", "json")
    assert pulled.code == 0, pulled.err
    [story] = pulled.document["items"]
    rows = json.loads(REPORTS_REPLY)["results"]
    assert (pulled.document["reports"], pulled.document["new"]) == (2, 2)
    assert story["message_id"] == receipt["items"][0]["message_id"]
    assert story["recipient"] == {"phone": to}
    assert story["outcome"] == "delivered"
    assert [step["channel"] for step in story["steps"]] == ["VKONTAKTE", "SMS"]
    for step, row in zip(story["steps"], rows, strict=True):
        assert in_words_of_the_api(step["status"]) == row["status"]
        assert in_words_of_the_api(step["error"]) == row["error"]
        assert (step["cost"], step["currency"]) == (str(row["price"]["pricePerMessage"]), row["price"]["currency"])
    assert [step["step_seconds"] for step in story["steps"]] == [0.010, 0.014]
    shown = omnictl("reports", "list", "--unmask")
    assert shown.code == 0, shown.err
    for words in (to, "VKONTAKTE", "EC_ABSENT_SUBSCRIBER_SM", "SMS", "DELIVERED", "10 ms", "14 ms"):
        assert words in shown.out, shown.out
    assert "VKONTANTE" not in shown.out
    assert omnictl("reports", "pull", "--take", "--format", "json").document["reports"] == 0


def in_words_of_the_api(fields: dict[str, Any]) -> dict[str, Any]:
    """Return a status or an error spelled as the API does."""
    names = {"group": "groupName", "group_id": "groupId"}
    return {names.get(name, name): value for name, value in fields.items()}


def test_the_example_as_it_is_told_to_people(project: Path, serve_sandbox: ServeSandbox) -> None:
    serve_sandbox(**AS_IN_THE_SEED)
    (project / "scenarios").mkdir()
    (project / "scenarios/vk-sms.json").write_bytes(CREATE_REQUEST)
    omnictl("apply", "--yes")
    waited = omnictl("send", "vk-sms", "--to", ANSWERED, *TEXTS, "--yes", "--wait")
    assert waited.code == 0, waited.err
    assert "1 accepted" in waited.out
    assert "DELIVERED" in waited.out
    assert "EC_ABSENT" not in waited.out
    assert "41*******31" in waited.out
    assert ANSWERED not in waited.out + waited.err
    told = omnictl("reports", "pull", "--take")
    assert told.code == 0, told.err
    assert "2 reports taken, 0 new." in told.out  # the logs had told of them, without their errors
    listed = omnictl("reports", "list")
    assert "EC_ABSENT_SUBSCRIBER_SM" in listed.out
    assert ANSWERED not in listed.out
