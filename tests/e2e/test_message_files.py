"""Message files through the command line: held against the flows that name them, in every environment."""

from pathlib import Path

from tests.e2e.running import omnictl
from tests.projects import good, write

SETTINGS = "version: 1\nenvironments:\n  eu: {variables: {who: EU}}\n  us: {variables: {who: US}}\n"


def codes(*arguments: str) -> list[tuple[str, str, int]]:
    document = omnictl("validate", "--format", "json", *arguments).document
    return [(each["code"], each["source"]["path"], each["source"]["line"]) for each in document["diagnostics"]]


def test_a_message_is_held_against_each_flow_that_names_it(project: Path) -> None:
    write(
        project,
        {
            "omnictl.yaml": SETTINGS,
            "scenarios/a.yaml": good("a", "message_file: x.message.yaml\n"),
            "scenarios/b.yaml": good("b", "message_file: x.message.yaml\n").replace("VKONTAKTE", "VOICE"),
            "scenarios/x.message.yaml": "sms: {text: 'Hello ${var.who}'}\nvKontakte: {text: a, validityPeriod: 1}\n"
            "notify: false\nnotifyUrl: https://x.y/z\n",
        },
    )
    ran = omnictl("validate")
    assert ran.code == 1
    assert "= Step 1 of b is VOICE, and the message has no voice." in ran.err
    assert "= The flow of b has no VKONTAKTE, and vKontakte is sent to nobody." in ran.err
    assert "of a is" not in ran.err
    path = "scenarios/x.message.yaml"
    expected = [("no-content", path, 1), ("unused-content", path, 2), ("no-reports", path, 4)]
    assert [each for each in codes() if each[1] == path] == expected
    assert codes(path) == expected
    assert codes("scenarios/a.yaml") == expected


def test_a_file_that_no_scenario_names_is_checked_by_its_name_alone(project: Path) -> None:
    write(project, {"scenarios/a.yaml": good("a"), "elsewhere/x.message.json": '{"viber": {"fileUrl": "http://x"}}'})
    assert codes("elsewhere/x.message.json") == []
    write(project, {"elsewhere/x.message.json": '{"viber": {"fileUrl": "http://x",\n"text": "a"}}'})
    assert codes("elsewhere/x.message.json") == [("wrong-combination", "elsewhere/x.message.json", 1)]


def test_a_plan_stops_at_a_message_that_cannot_be_read(project: Path) -> None:
    write(project, {"scenarios/a.yaml": good("a", "message_file: x.message.yaml\n")})
    ran = omnictl("plan", "--sandbox")
    assert (ran.code, "error[missing-message-file]" in ran.err) == (1, True)
    write(project, {"scenarios/x.message.yaml": "sms: {text: a}\n"})
    assert omnictl("plan", "--sandbox").code == 0


def test_the_fields_of_a_message_are_explained(project: Path) -> None:
    assert "in message files" in omnictl("explain", "sms.validityPeriod").out
