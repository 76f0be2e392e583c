"""Message files: what they say, every mistake with its place and cure, and how scenarios name them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from omnictl.config.messages import load_message, parse_time
from omnictl.config.variables import Variables
from omnictl.model.address import make_address
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.message import CONTENT_NAMES, Message
from tests.projects import good, load, told, validate, write

NOTHING = Variables({}, frozenset())
SEED = """\
{
  "vKontakte": {
    "text": "This is VK message."
  },
  "sms": {
    "text": "This is the SMS failover message"
  }
}
"""
EVERYTHING: dict[str, Any] = {
    "sms": {
        "text": "Hello", "validityPeriod": 90, "validityPeriodTimeUnit": "SECONDS", "transliteration": "TURKISH",
        "language": {"languageCode": "TR", "singleShift": True, "lockingShift": False},
        "regional": {
            "indiaDlt": {"principalEntityId": "1", "contentTemplateId": "2", "telemarketerId": "3"},
            "korea": {"title": "t"},
        },
    },
    "viber": {
        "text": "a", "imageURL": "https://x.y/a.png", "buttonText": "Go", "buttonURL": "tel:+41", "trackingData": "t",
        "isPromotional": True, "forcePrimaryDevice": False,
    },
    "voice": {"text": "Hello", "language": "en"},
    "email": {"subject": "s", "text": "t"},
    "vKontakte": {"templateName": "n", "templateData": {"a": "1"}},
    "push": {
        "text": "a", "customPayload": {"n": 5, "f": True, "deep": {"l": [1, "2", None, 1.5]}},
        "notificationOptions": {"badge": 3, "inAppStyle": "MODAL", "isSilent": False},
        "targetOnlyPrimaryDevices": True, "includeNotificationsDisabledDevices": True,
        "personSubscriptions": ["a"], "deviceSubscriptions": ["b"],
    },
    "line": {"type": "FLEX", "altText": "a", "contents": {"type": "bubble", "size": 1}, "duration": 10**12},
    "whatsApp": {
        "templateNamespace": "n", "templateName": "t", "templateData": ["1", "x"], "language": "en",
        "mediaTemplateData": {
            "header": {"imageUrl": "https://x.y/z", "latitude": 46.5, "longitude": -180},
            "body": {"placeholders": ["a"]},
            "buttons": [{"urlPlaceholder": "x"}, {"quickReplyPayload": "y"}],
        },
        "contacts": [{"name": {"firstName": "A", "formattedName": "A B"}, "phones": [{"phone": "1", "type": "CELL"}]}],
    },
    "kakaoAlim": {"text": "a", "templateCode": "c", "buttons": [{"buttonText": "b", "type": "URL"}]},
    "kakaoChingu": {"text": "a", "imageUrl": "i", "imageLink": "l", "buttons": [{"type": "APP_LINK"}]},
    "facebook": {"type": "IMAGE", "url": "https://x.y/z"},
    "parseco": {"text": "a"},
    "sendAt": "2026-12-24T09:00:00.000+0100",
    "callbackData": "c",
    "notify": True,
    "notifyUrl": "https://x.y/z",
    "notifyContentType": "application/xml",
    "intermediateReport": True,
}  # fmt: skip


def read(
    tmp_path: Path, text: str, ending: str = "yaml", variables: Variables = NOTHING
) -> tuple[Message | None, tuple[Diagnostic, ...]]:
    path = tmp_path / f"a.message.{ending}"
    path.write_text(text, encoding="utf-8")
    return load_message(path, variables=variables, shown=path.name)


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_the_bodies_of_the_documentation_are_messages(tmp_path: Path, ending: str) -> None:
    message, diagnostics = read(tmp_path, SEED, ending)
    assert diagnostics == ()
    assert message is not None
    assert message.contents == {
        "SMS": {"text": "This is the SMS failover message"},
        "VKONTAKTE": {"text": "This is VK message."},
    }
    assert (message.sources["sms.text"].path, message.sources["sms.text"].line) == (f"a.message.{ending}", 6)
    assert message.sources[""].line == 1


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_every_field_is_read(tmp_path: Path, ending: str) -> None:
    message, diagnostics = read(tmp_path, json.dumps(EVERYTHING), ending)
    assert diagnostics == ()
    assert message is not None
    assert message.contents == {channel: EVERYTHING[name] for channel, name in CONTENT_NAMES.items()}
    assert message.send_at == datetime(2026, 12, 24, 8, tzinfo=UTC)
    assert (message.callback_data, message.notify, message.notify_url) == ("c", True, "https://x.y/z")
    assert (message.notify_content_type, message.intermediate_report) == ("application/xml", True)


def test_yaml_types_what_the_schema_types_and_what_it_leaves_open(tmp_path: Path) -> None:
    text = """\
sms: {text: 0123, validityPeriod: 90.0}
push: {text: true, customPayload: {n: 5, f: true, t: '5', z: 0123, none: null, l: [1.5, x]}}
vKontakte: {templateName: x, templateData: {count: 5}}
"""
    message, diagnostics = read(tmp_path, text)
    assert diagnostics == ()
    assert message is not None
    assert message.contents["SMS"] == {"text": "0123", "validityPeriod": 90}
    assert isinstance(message.contents["SMS"]["validityPeriod"], int)
    assert message.contents["PUSH"]["text"] == "true"
    payload = {"n": 5, "f": True, "t": "5", "z": "0123", "none": None, "l": [1.5, "x"]}
    assert message.contents["PUSH"]["customPayload"] == payload
    assert message.contents["VKONTAKTE"]["templateData"] == {"count": "5"}


def test_variables_are_resolved_in_texts(tmp_path: Path) -> None:
    variables = Variables({"shop": "Acme", "quiet": True}, frozenset())
    text = "sms: {text: 'Hello from ${var.shop}, $${x}'}\nnotify: ${var.quiet}\n"
    message, diagnostics = read(tmp_path, text, variables=variables)
    assert diagnostics == ()
    assert message is not None
    assert message.contents["SMS"] == {"text": "Hello from Acme, ${x}"}
    assert message.notify is True


@pytest.mark.parametrize(
    ("text", "expected", "cure"),
    [
        ("scenarioKey: CC9F", "1:1 misplaced-key", "omnictl send ID"),
        ("destinations: []", "1:1 misplaced-key", "--to or --recipients"),
        ("bulkId: x", "1:1 misplaced-key", "ids of its own"),
        ("vk: {text: x}", "1:1 unknown-key", "did you mean vKontakte?"),
        ("VKontakte: {text: x}", "1:1 unknown-key", "did you mean vKontakte?"),
        ("whatsapp: {text: x}", "1:1 unknown-key", "did you mean whatsApp?"),
        ("SMS: {text: x}", "1:1 unknown-key", "did you mean sms?"),
        ("send_at: x", "1:1 unknown-key", "did you mean sendAt?"),
        ("viber: {imageUrl: x}", "1:9 unknown-key", "did you mean imageURL?"),
        ("viber: {buttonUrl: x}", "1:9 unknown-key", "did you mean buttonURL?"),
        ("viber: {fileURL: x}", "1:9 unknown-key", "did you mean fileUrl?"),
        ("whatsApp: {imageURL: x}", "1:12 unknown-key", "did you mean imageUrl?"),
        ("kakaoChingu: {imageURL: x}", "1:15 unknown-key", "did you mean imageUrl?"),
        ("sms: {body: x}", "1:7 unknown-key", "did you mean text?"),
        ("sms: {text: ''}", "1:13 empty-text", ""),
        ("sms: {text: }", "1:13 empty-value", ""),
        ("sms: hello", "1:6 wrong-type", "a mapping is expected"),
        ("sms: {validityPeriod: 0}", "1:23 wrong-value", "1 to 2,147,483,647"),
        ("sms: {validityPeriod: 2147483648}", "1:23 wrong-value", ""),
        ("sms: {validityPeriod: 1.5}", "1:23 wrong-type", "a whole number"),
        ("sms: {validityPeriod: soon}", "1:23 wrong-type", ""),
        ("sms: {validityPeriodTimeUnit: HOURS}", "1:7 missing-key", "validityPeriod is needed beside"),
        ("sms: {validityPeriod: 5, validityPeriodTimeUnit: HOUR}", "1:50 wrong-value", "did you mean HOURS?"),
        ("sms: {transliteration: GREEKS}", "1:24 wrong-value", "did you mean GREEK?"),
        ("sms: {language: {languageCode: DE}}", "1:32 wrong-value", "NONE, TR, ES, PT, AUTODETECT"),
        ("sms: {regional: {indiaDlt: {telemarketerId: x}}}", "1:28 missing-key", "principalEntityId"),
        (f"sms: {{regional: {{korea: {{title: {'x' * 67}}}}}}}", "1:33 text-too-long", "67 characters; 66"),
        ("viber: {text: a, buttonText: b}", "1:18 missing-key", "buttonURL is needed beside buttonText"),
        (f"viber: {{buttonURL: tel:1, buttonText: {'x' * 31}}}", "1:39 text-too-long", "30 are taken"),
        ("viber: {buttonURL: ftp://x, buttonText: b}", "1:20 wrong-form", "http://, https:// or tel:"),
        ("viber: {fileUrl: x}", "1:18 wrong-form", "http:// or https://"),
        ("viber: {fileUrl: http://x, fileType: exe}", "1:38 wrong-value", ""),
        ("vKontakte: {templateData: {a: b}}", "1:13 missing-key", "templateName is needed beside templateData"),
        (f"push: {{text: {'x' * 2001}}}", "1:14 text-too-long", "2,000"),
        ("push: {customPayload: x}", "1:23 wrong-type", ""),
        ("push: {notificationOptions: {inAppStyle: POPUP}}", "1:42 wrong-value", "BANNER, MODAL"),
        ("line: {type: Text}", "1:14 wrong-value", "TEXT"),
        ("whatsApp: {latitude: 90.5, longitude: 0}", "1:22 wrong-value", "-90 to 90"),
        ("whatsApp: {latitude: 1}", "1:12 missing-key", "longitude"),
        ("whatsApp: {contacts: [{name: {firstName: x}}]}", "1:30 missing-key", "formattedName"),
        (f"kakaoAlim: {{templateCode: {'x' * 31}}}", "1:27 text-too-long", ""),
        ("kakaoAlim: {buttons: []}", "1:22 empty-list", ""),
        ("kakaoAlim: {buttons: [{},{},{},{},{},{}]}", "1:22 too-many-elements", "5"),
        ("kakaoChingu: {buttons: [{type: ADD_CHANNEL}]}", "1:32 wrong-value", ""),
        ("sendAt: 2026-12-24T09:00:00", "1:9 wrong-form", "a time with its offset"),
        ("sendAt: tomorrow", "1:9 wrong-form", "a time with its offset"),
        ("sendAt: 2026-02-30T09:00:00Z", "1:9 wrong-time", "no clock or calendar"),
        ("sendAt: 0001-01-01T00:00+14:00", "1:9 wrong-time", "no clock or calendar"),
        (f"callbackData: {'x' * 4001}", "1:15 text-too-long", "4,001 characters; 4,000"),
        ("notify: yes", "1:9 bent-value", "write true or false"),
        ("notifyUrl: x.y", "1:12 wrong-form", "http:// or https://"),
        ("notifyContentType: json", "1:20 wrong-value", "application/json"),
        ("sms: {text: x}\nsms: {text: y}", "2:1 duplicate-key", "keep one"),
        ("sms: {text: x}\n---\nsms: {text: y}", "3:1 several-documents", "a file for each"),
        ("", " empty-file", "the content of each channel"),
        ("# nothing\n", " empty-file", ""),
        ("[]", "1:1 wrong-type", ""),
        ("sms: [", "1:7 not-yaml", ""),
        ("sms: {text: '${var.nope}'}", "1:13 unknown-variable", "--var nope=VALUE"),
        ("sms: {text: '${nope}'}", "1:13 bad-reference", "did you mean ${var.nope}?"),
        (f"sms: {{text: 'key {'ab' * 16}-12345678-1234-1234-1234-123456789012'}}", "1:13 secret-in-file", "revoke it"),
    ],
)  # fmt: skip
def test_every_mistake_has_a_place_a_code_and_a_cure(tmp_path: Path, text: str, expected: str, cure: str) -> None:
    message, diagnostics = read(tmp_path, text)
    assert message is None
    assert [each.removeprefix("a.message.yaml").lstrip(":") for each in told(diagnostics)] == [expected]
    (found,) = diagnostics
    assert cure in "\n".join([found.detail, found.label, found.hint, *found.commands])


def test_a_number_that_json_cannot_write_is_told(tmp_path: Path) -> None:
    text = '{"push": {"text": "a", "customPayload": {"a": [{"b": 1e400}]}}}'
    message, diagnostics = read(tmp_path, text, "json")
    assert message is None
    assert told(diagnostics) == ["a.message.json:1:54 wrong-value"]


def test_a_file_that_is_wrong_as_a_whole_is_told_in_part(tmp_path: Path) -> None:
    text = "".join(f"x{number}: 1\n" for number in range(500))
    _, diagnostics = read(tmp_path, text)
    assert len(diagnostics) == 101
    assert "more-mistakes" in {each.code for each in diagnostics}


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    _, diagnostics = load_message(tmp_path, variables=NOTHING)
    assert [each.code for each in diagnostics] == ["not-a-file"]
    _, diagnostics = load_message(tmp_path / "none.yaml", variables=NOTHING)
    assert [(each.code, each.source and each.source.path) for each in diagnostics] == [
        ("unreadable-file", str(tmp_path / "none.yaml"))
    ]


@pytest.mark.parametrize(
    ("text", "hours"),
    [("2026-12-24T09:00Z", 9), ("2026-12-24 09:00:00+01:00", 8), ("2026-12-24T09:00:00.123456-0200", 11)],
)
def test_times_are_read_with_their_offset(text: str, hours: int) -> None:
    found = parse_time(text)
    assert found is not None
    assert (found.tzinfo, found.hour) == (UTC, hours)


@pytest.mark.parametrize("text", ["2026-12-24T09:00", "x", None, 5, "9999-12-31T23:59-14:00"])
def test_what_is_no_time_is_none(text: object) -> None:
    assert parse_time(text) is None


class TestScenarios:
    """``message_file`` of a scenario: relative to its file, in the project, read for each environment."""

    def test_the_message_of_each_scenario_is_loaded(self, project: Path) -> None:
        settings = "version: 1\nenvironments:\n  eu: {variables: {who: EU}}\n  us: {variables: {who: US}}\n"
        write(
            project,
            {
                "omnictl.yaml": settings,
                "scenarios/a.yaml": good("a", "message_file: ../texts/a.message.yaml\n"),
                "scenarios/b.yaml": good("b", "message_file: ../texts/a.message.yaml\n"),
                "texts/a.message.yaml": "sms: {text: 'Hello ${var.who}'}\n",
            },
        )
        loaded = load(project, "eu")
        assert loaded.diagnostics == ()
        assert {each: message.contents["SMS"]["text"] for each, message in loaded.messages.items()} == {
            "scenario.a": "Hello EU",
            "scenario.b": "Hello EU",
        }
        found = validate(project)
        assert found.diagnostics == ()
        assert found.messages["us"][make_address("b")].contents["SMS"]["text"] == "Hello US"

    def test_a_variable_that_only_a_message_uses_is_used(self, project: Path) -> None:
        write(
            project,
            {
                "omnictl.yaml": "version: 1\nvariables: {who: you}\n",
                "scenarios/a.yaml": good("a", "message_file: a.message.yaml\n"),
                "scenarios/a.message.yaml": "sms: {text: 'Hello ${var.who}'}\n",
            },
        )
        assert validate(project).diagnostics == ()

    def test_a_mistake_is_told_once_and_the_scenario_still_counts(self, project: Path) -> None:
        write(
            project,
            {
                "scenarios/a.yaml": good("a", "message_file: a.message.yaml\n"),
                "scenarios/b.yaml": good("b", "message_file: a.message.yaml\n"),
                "scenarios/a.message.yaml": "smss: {text: x}\n",
            },
        )
        found = validate(project)
        assert told(found.diagnostics) == ["scenarios/a.message.yaml:1:1 unknown-key"]
        assert len(found.configurations["default"].resources) == 2
        assert found.messages["default"] == {}
        assert told(load(project, "default").diagnostics) == ["scenarios/a.message.yaml:1:1 unknown-key"]

    def test_paths_of_the_command_line_bring_the_messages_of_their_scenarios(self, project: Path) -> None:
        write(
            project,
            {
                "scenarios/a.yaml": good("a", "message_file: a.message.yaml\n"),
                "scenarios/b.yaml": good("b", "message_file: b.message.yaml\n"),
                "scenarios/a.message.yaml": "smss: {text: x}\n",
                "scenarios/b.message.yaml": "smss: {text: x}\n",
            },
        )
        expected = ["scenarios/a.message.yaml:1:1 unknown-key"]
        assert told(validate(project, paths=["scenarios/a.yaml"]).diagnostics) == expected
        assert told(validate(project, paths=["scenarios/a.message.yaml"]).diagnostics) == expected
        (project / "scenarios/a.message.yaml").write_text("sms: {text: x}\n")
        (message,) = validate(project, paths=["scenarios/a.message.yaml"]).chosen_messages
        assert message.contents == {"SMS": {"text": "x"}}

    @pytest.mark.parametrize("named", ["nope.yaml", "x/../nope.yaml"])
    def test_a_missing_file_is_an_error_at_its_name(self, project: Path, named: str) -> None:
        write(project, {"scenarios/a.yaml": good("a", f"message_file: {named}\n")})
        assert told(validate(project).diagnostics) == ["scenarios/a.yaml:7:15 missing-message-file"]

    def test_no_link_and_no_path_leads_out_of_the_project(
        self, project: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        outside = tmp_path_factory.mktemp("outside")
        (outside / "a.message.yaml").write_text("sms: {text: x}\n")
        write(project, {"scenarios/a.yaml": good("a", f"message_file: {outside}/a.message.yaml\n")})
        assert told(validate(project).diagnostics) == ["scenarios/a.yaml:7:15 outside-root"]
        (project / "scenarios/link.message.yaml").symlink_to(outside / "a.message.yaml")
        write(project, {"scenarios/a.yaml": good("a", "message_file: link.message.yaml\n")})
        assert told(validate(project).diagnostics) == ["scenarios/a.yaml:7:15 outside-root"]

    @pytest.mark.parametrize("named", [".", "../scenarios"])
    def test_a_folder_is_told(self, project: Path, named: str) -> None:
        write(project, {"scenarios/a.yaml": good("a", f"message_file: {named}\n")})
        assert told(validate(project).diagnostics) == ["scenarios not-a-file"]
