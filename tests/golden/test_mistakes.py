"""The text of mistakes in files, as it stands on the screen."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from omnictl.config.message_options import MessageOptions, apply_options
from omnictl.config.recipient_rows import read_rows
from omnictl.config.recipients import parse_recipients
from omnictl.config.settings import find_settings, load_settings
from omnictl.engine.deliverable import check_message, check_recipient
from omnictl.errors import ConfigurationError
from omnictl.lint.check import lint
from omnictl.model.scenario import Step
from omnictl.render.diagnostics import render_diagnostics
from omnictl.render.style import Style
from tests.e2e.running import omnictl
from tests.golden.golden import check_golden
from tests.projects import good, validate, write

VK = "name: x\nid: vk-sms\nflow:\n  - channel: VKONTAKE\n  - channel: SMS\n    from: InfoSMS\n"
MANY = """\
id: Vk_Sms
nmae: My VK-SMS scenario
key: CC9F01A5DC7BEE2C2B829D203482A654
flow:
  - channel: VK
  - from: ${var.sms_sendr}
default: yes
only_in: [prodution]
labels: {team: ~}
name: 注文 😀
name: x
"""
SETTINGS = """\
version: 1
lint: {single-stp: off}
environments:
  production:
    workers: 1_0
    production: yes
    credentials: {api_key: 0123456789abcdef0123456789abcdef-01234567-89ab-cdef-0123-456789abcdef}
"""


def test_a_mistake_in_a_file(project: Path) -> None:
    write(project, {"scenarios/vk-sms.yaml": VK, **{f"scenarios/s-{n}.yaml": good(f"s-{n}") for n in range(217)}})
    ran = omnictl("validate")
    check_golden("diagnostics-a-mistake.txt", ran.err + ran.out)


def test_many_mistakes_of_one_file(project: Path) -> None:
    settings = "version: 1\nvariables: {sms_sender: x}\nenvironments: {production: {}, test: {}}\n"
    write(project, {"omnictl.yaml": settings, "scenarios/many.yaml": MANY})
    check_golden("diagnostics-many.txt", render_diagnostics(validate(project).diagnostics, Style()))


def test_mistakes_of_the_settings_without_their_secrets(project: Path) -> None:
    write(project, {"omnictl.yaml": SETTINGS})
    _, found = load_settings(find_settings(project), project)
    check_golden("diagnostics-settings.txt", render_diagnostics(found, Style()))


def test_what_several_files_get_wrong(project: Path) -> None:
    settings = "version: 1\nvariables: {unused: x}\nenvironments: {eu: {account: a}, us: {account: a}}\n"
    write(
        project,
        {
            "omnictl.yaml": settings,
            "scenarios/a.yaml": good("a", "default: true\n"),
            "scenarios/b.yaml": good("b", "default: true\nprevious_ids: [a]\n").replace("name: b", "name: a"),
            "scenarios/c.yaml": good("c").replace("id: c", "id: a"),
            "scenarios/d.json": '{"name": 1, }',
        },
    )
    check_golden("diagnostics-together.txt", render_diagnostics(validate(project).diagnostics, Style()))


def test_what_lint_finds(project: Path) -> None:
    text = (
        "name: ' x'\nflow:\n  - channel: VIBER\n  - channel: SMS\n    from: TwelveLetter\n"
        "  - channel: FACEBOOK\n    from: x\n"
    )
    write(project, {"scenarios/a.yaml": text})
    (found,) = (lint(each, {"last-resort": "note"}) for each in validate(project).configurations.values())
    check_golden("diagnostics-lint.txt", render_diagnostics(found, Style()))


@pytest.mark.parametrize("style", [Style(colour=True), Style(unicode=False)])
def test_colours_change_no_word(project: Path, style: Style) -> None:
    import re

    write(project, {"scenarios/many.yaml": MANY})
    found = validate(project).diagnostics
    plain = re.sub(r"\x1b\[[0-9;]*m", "", render_diagnostics(found, style))
    assert plain == render_diagnostics(found, Style())


def test_what_a_message_file_gets_wrong(project: Path) -> None:
    message = """\
scenarioKey: CC9F01A5DC7BEE2C2B829D203482A654
vk: {text: x}
sms: {validityPeriodTimeUnit: SECONDS}
viber: {imageUrl: x, buttonText: a text that is far too long for it}
sendAt: 2026-12-24T09:00
"""
    write(
        project,
        {
            "scenarios/vk-sms.yaml": good("vk-sms", "message_file: a.message.yaml\n"),
            "scenarios/a.message.yaml": message,
        },
    )
    ran = omnictl("validate")
    check_golden("diagnostics-message.txt", ran.err + ran.out)


def test_where_a_message_and_a_flow_do_not_fit(project: Path) -> None:
    message = """\
sms: {validityPeriod: 30, validityPeriodTimeUnit: SECONDS}
viber: {text: a, fileUrl: https://example.com/a.pdf, validityPeriod: 3, validityPeriodTimeUnit: DAYS}
notify: false
notifyUrl: https://example.com/reports
"""
    write(
        project,
        {
            "scenarios/vk-sms.yaml": good("vk-sms", "message_file: a.message.yaml\n"),
            "scenarios/a.message.yaml": message,
        },
    )
    ran = omnictl("validate")
    check_golden("diagnostics-message-and-flow.txt", ran.err + ran.out)


def test_what_the_command_line_gets_wrong() -> None:
    flow = (Step("VKONTAKTE"), Step("SMS"), Step("EMAIL", "news@acme.com"))
    channels = tuple(each.channel for each in flow)
    options = MessageOptions(("VIBR=x", "SMS=a", "sms=b", "PUSH=c"), "tomorrow", "x" * 4001, "acme.com")
    _, wrong = apply_options(None, options, channels)
    people, refused = parse_recipients(["0793026727", "mail=a@example.com", "4.1793E+10", "447700900123"])
    message, _ = apply_options(None, MessageOptions(("SMS=" + "a" * 161,), "2026-01-01T00:00Z"), channels)
    sent = check_message(message, flow, now=datetime(2026, 11, 20, tzinfo=UTC))
    lacking = check_recipient(people[0], flow, label="--to 4")
    check_golden("diagnostics-send.txt", render_diagnostics((*wrong, *refused, *sent, *lacking), Style()))


def test_what_a_file_of_recipients_gets_wrong() -> None:
    content = b"phone;gsm;sms;name;emial\n"
    with pytest.raises(ConfigurationError) as raised:
        read_rows(io.BytesIO(content), shown="people.csv", needed={"email": ("EMAIL",)})
    check_golden("diagnostics-recipients.txt", render_diagnostics(raised.value.diagnostics, Style()))
