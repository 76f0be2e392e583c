"""Diagnostics as people and pipelines see them."""

import json
from collections.abc import Mapping

import pytest

from omnictl.codec.envelope import make_envelope
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.render.diagnostics import render_diagnostics
from omnictl.render.github import render_github
from omnictl.render.gitlab import render_gitlab_codequality, render_gitlab_failure
from omnictl.render.html import render_diagnostics_html
from omnictl.render.junit import render_failure_junit, render_files_junit
from omnictl.render.markdown import render_diagnostics_markdown
from omnictl.render.sarif import render_sarif
from omnictl.render.style import Style, width_of
from tests.builders import problem
from tests.golden.golden import check_golden

_FLOW = ((3, "flow:"), (4, "  - channel: VKONTAKE"), (5, "  - channel: SMS"))
_LONG = "flow: [{channel: VKONTAKTE}, " + "{channel: SMS, from: InfoSMS}, " * 8 + "{channel: VOICES}, {channel: PUSH}]"
_AT = _LONG.index("VOICES") + 1

UNKNOWN_CHANNEL = Diagnostic(
    "unknown-channel",
    Severity.ERROR,
    "A step names a channel that does not exist",
    "channels: EMAIL KAKAO_ALIM KAKAO_CHINGU LINE PUSH SMS VIBER VKONTAKTE VOICE WHATSAPP",
    Source("scenarios/vk-sms.yaml", 4, 14, 22, _FLOW),
    "did you mean VKONTAKTE?",
    "a channel newer than this omnictl is declared once, in omnictl.yaml",
    ("extra_channels: [VKONTAKE]",),
)
ALL = (
    UNKNOWN_CHANNEL,
    problem(
        "long-line", source=Source("scenarios/long.yaml", 12, _AT, _AT + 6, ((12, _LONG),)), label="no such channel"
    ),
    problem("wide", source=Source("a%20b,c:d\u202e.yaml", 1, 10, 14, ((1, "name: 重要な VOIX"),)), hint="100% certain"),
    problem("no-column", Severity.WARNING, source=Source("scenarios\\b.yaml", 7), detail=""),
    problem("no-line", Severity.NOTE, source=Source("scenarios/b.yaml"), detail="One.\nTwo: a  table."),
    problem("nowhere", detail="::error::@team <script>\x1b[31m %0A\r\nsecond line", commands=("omnictl doctor",)),
    problem("nowhere", detail="::error::@team <script>\x1b[31m %0A\r\nsecond line", hint="the same again"),
)
NO_API = Diagnostic(
    "no-api",
    Severity.ERROR,
    "No Infobip API is configured for this command",
    "looked at               found\nINFOBIP_BASE_URL        not set\nINFOBIP_API_KEY         not set",
    commands=(
        "# Use your account",
        "export INFOBIP_API_KEY=...",
        "omnictl plan",
        "# Just trying? No account, no network, nothing leaves this machine",
        "omnictl plan --sandbox",
    ),
)
FILES = (("scenarios/vk-sms.yaml", "vk-sms"), ("scenarios/b.yaml", "b"), ("scenarios/good.yaml", "good"))


@pytest.mark.parametrize("width", [40, 60, 80, 140])
def test_diagnostics_as_text(width: int) -> None:
    check_golden(f"diagnostics-{width}.txt", render_diagnostics(ALL, Style(width=width)))


def test_diagnostics_stay_within_the_width() -> None:
    lines = render_diagnostics([ALL[0], ALL[1]], Style(width=80)).splitlines()
    assert max(map(width_of, lines)) <= 90  # the label stands beside the marks


def test_diagnostics_in_colour() -> None:
    check_golden("diagnostics-colour.txt", render_diagnostics([UNKNOWN_CHANNEL], Style(colour=True)))


def test_commands_with_what_they_are_for() -> None:
    check_golden("diagnostics-no-api.txt", render_diagnostics([NO_API], Style()))
    check_golden("diagnostics-no-api.md", render_diagnostics_markdown([NO_API]))


def test_diagnostics_for_pipelines() -> None:
    check_golden("diagnostics.github.txt", render_github(ALL, title="omnictl validate", summary="5 errors."))
    check_golden("diagnostics.gitlab-codequality.json", render_gitlab_codequality(ALL))
    check_golden("diagnostics.gitlab.json", render_gitlab_failure(ALL))
    check_golden("diagnostics.junit.xml", render_files_junit(FILES, ALL))
    check_golden("diagnostics-failure.junit.xml", render_failure_junit(ALL))
    check_golden("diagnostics.md", render_diagnostics_markdown(ALL, title="omnictl validate", summary="5 errors."))
    check_golden("diagnostics.html", render_diagnostics_html(ALL, title="omnictl validate", summary="5 errors."))
    sarif = render_sarif(ALL, version="1.0.0", category="validate", explanations={"wide": "Why."}, exit_code=1)
    check_golden("diagnostics.sarif", sarif)


def test_no_diagnostics() -> None:
    explanations: Mapping[str, str] = {}
    assert (
        json.loads(render_sarif((), version="1.0.0", category="validate", explanations=explanations, exit_code=0))[
            "runs"
        ][0]["results"]
        == []
    )
    assert json.loads(render_gitlab_codequality(())) == []
    assert 'tests="1"' in render_files_junit((), ())
    assert render_diagnostics_markdown(()) == "### omnictl\n"


def test_diagnostics_as_json() -> None:
    document = make_envelope(
        "validate", version="1.0.0", environment=None, sandbox=False, exit_code=1, diagnostics=ALL, files=4
    )
    check_golden("diagnostics.json", json.dumps(document, indent=2) + "\n")
