"""Reports of an apply, in every ending and every format."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from omnictl.codec.report import encode_report
from omnictl.model.address import make_address
from omnictl.model.change import Action
from omnictl.model.outcome import ApplyReport, Ending, Fate, Outcome
from omnictl.render.apply_text import render_apply_report
from omnictl.render.apply_words import say_report
from omnictl.render.findings import report_findings
from omnictl.render.github import render_github
from omnictl.render.html import render_report_html
from omnictl.render.junit import render_report_junit
from omnictl.render.markdown import render_report_markdown
from omnictl.render.style import Style
from tests.builders import NOW, PLAN_ID, key_of, problem
from tests.golden.golden import check_golden

AGAIN = "omnictl apply --env production plan.json"


def outcome(scenario_id: str, action: Action, fate: Fate, code: str = "") -> Outcome:
    """Return how a change ended, with a diagnostic where something went wrong."""
    why = None
    if code:
        detail = 'POST /omni/1/scenarios answered 400 BAD_REQUEST (request a1b2c3): "flow[0].from" is not yours @team.'
        why = problem(code, summary="The API refuses the scenario", detail=detail, hint="mend the file, then")
    known = fate is Fate.DONE or action is not Action.CREATE
    return Outcome(make_address(scenario_id), action, fate, key_of(scenario_id) if known else None, why)


def finished(*outcomes: Outcome, **more: object) -> ApplyReport:
    given = {"started_at": NOW, "finished_at": NOW + timedelta(seconds=3), "writes_sent": 3, "again": AGAIN, **more}
    return ApplyReport(PLAN_ID, "production", outcomes=outcomes, **{"ending": Ending.FINISHED, **given})  # type: ignore[arg-type]


def done() -> ApplyReport:
    return finished(
        outcome("otp-br", Action.CREATE, Fate.DONE),
        outcome("welcome", Action.UPDATE, Fate.DONE),
        outcome("as-it-was", Action.NO_OP, Fate.DONE),
        outcome("vk-sms", Action.DEFAULT, Fate.DONE),
    )


def removed() -> ApplyReport:
    """Two stay on the account, and whoever holds a key can still send; what vanished does not."""
    gone = replace(outcome("vanished", Action.FORGET, Fate.DONE), key=None)
    return finished(
        outcome("promo", Action.RETIRE, Fate.DONE),
        outcome("spring", Action.RETIRE, Fate.FAILED, "changed-since-plan"),
        outcome("summer", Action.FORGET, Fate.DONE),
        gone,
    )


def partly_failed() -> ApplyReport:
    return finished(
        outcome("otp-br", Action.CREATE, Fate.DONE),
        outcome("welcome", Action.UPDATE, Fate.FAILED, "refused-by-api"),
        outcome("vk-sms", Action.DEFAULT, Fate.NOT_TRIED),
    )


def unknown() -> ApplyReport:
    return finished(outcome("otp-br", Action.CREATE, Fate.UNKNOWN, "outcome-unknown"))


def stopped() -> ApplyReport:
    outcomes = [outcome(f"campaign-{number:02}", Action.CREATE, Fate.DONE) for number in range(25)]
    outcomes += [outcome(f"campaign-{number:02}", Action.CREATE, Fate.NOT_TRIED) for number in range(25, 30)]
    return finished(*outcomes, ending=Ending.STOPPED, stop_reason="--stop-after 2700s", next_seconds=300.0)


def interrupted() -> ApplyReport:
    report = finished(outcome("otp-br", Action.CREATE, Fate.NOT_TRIED), next_seconds=0.0)
    return replace(report, ending=Ending.INTERRUPTED, signal=2, stop_reason="SIGINT")


def interrupted_and_not_saved() -> ApplyReport:
    why = problem("state-not-saved", summary="The state could not be written", commands=("omnictl state push x.json",))
    return replace(interrupted(), diagnostics=(why,), stop_reason="the lock of the state was lost")


def already_applied() -> ApplyReport:
    return replace(finished(), ending=Ending.ALREADY_APPLIED)


def nothing_to_do() -> ApplyReport:
    return finished(outcome("as-it-was", Action.NO_OP, Fate.DONE), sandbox=True)


def state_not_saved() -> ApplyReport:
    why = problem("state-not-saved", summary="The state could not be written", commands=("omnictl state push x.json",))
    return finished(outcome("otp-br", Action.CREATE, Fate.DONE), diagnostics=(why,), again="")


REPORTS: list[Callable[[], ApplyReport]] = [
    done,
    removed,
    partly_failed,
    unknown,
    stopped,
    interrupted,
    interrupted_and_not_saved,
    already_applied,
    nothing_to_do,
    state_not_saved,
]


@pytest.mark.parametrize("make", REPORTS, ids=lambda make: make.__name__)
def test_report(make: Callable[[], ApplyReport]) -> None:
    report, name = make(), make.__name__.replace("_", "-")
    check_golden(f"apply-{name}.txt", render_apply_report(report, Style()))
    check_golden(f"apply-{name}.md", render_report_markdown(report))
    check_golden(f"apply-{name}.html", render_report_html(report))
    check_golden(f"apply-{name}.junit.xml", render_report_junit(report))
    github = render_github(report_findings(report), title="omnictl apply", summary=say_report(report))
    check_golden(f"apply-{name}.github.txt", github)
    document = encode_report(report, version="1.0.0", exit_code=0)
    check_golden(f"apply-{name}.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def test_report_with_every_outcome() -> None:
    check_golden("apply-stopped-verbose.txt", render_apply_report(stopped(), Style(), verbose=True))


def test_report_in_a_narrow_terminal_without_unicode() -> None:
    text = render_apply_report(partly_failed(), Style(unicode=False, width=60))
    check_golden("apply-partly-failed-ascii-60.txt", text)
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 60


def test_report_in_colour() -> None:
    check_golden("apply-partly-failed-colour.txt", render_apply_report(partly_failed(), Style(colour=True)))
