"""The text of mistakes in files, as it stands on the screen."""

from pathlib import Path

import pytest

from omnictl.config.settings import find_settings, load_settings
from omnictl.lint.check import lint
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
