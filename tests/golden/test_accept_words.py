"""What accept refuses and why, word for word."""

from pathlib import Path

import pytest

from omnictl.cli import accepting as at_hand
from omnictl.cli.accepting import (
    _default_moved,
    _default_refused,
    _no_field,
    _no_file,
    _renamed,
    _unknown,
    _unrecorded,
    _vanished,
)
from omnictl.cli.commands import accept as command
from omnictl.cli.commands.accept import _changed_meanwhile
from omnictl.cli.context import Session
from omnictl.cli.globals import GlobalOptions
from omnictl.config import accepting, proving
from omnictl.model.diagnostic import Diagnostic
from omnictl.render.accept_text import EditedFile, Unchanged, render_acceptance, render_edits
from omnictl.render.style import Style
from tests.accepting import accept, read_project
from tests.builders import flow
from tests.golden.golden import check_golden
from tests.golden.words import all_told
from tests.projects import write

SETTINGS = "version: 1\nenvironments:\n  test: {variables: {x: Info}}\n  production: {variables: {x: BRAND}}\n"
FILES = {
    "omnictl.yaml": SETTINGS,
    "scenarios/a.yaml": "id: a\nname: &n Welcome\ndescription: *n\nflow:\n  - channel: SMS\n    from: ${var.x}\n",
    "scenarios/b.yaml": "id: b\nname: Shop ${var.x}\ndefault: true\nflow:\n  - channel: SMS\n    from: ${var.x}\n",
}


BEFORE = "id: welcome\nname: Welcome  # ours\nflow:\n  - channel: SMS\n    from: ${var.sender}\n"
AFTER = 'id: welcome\nname: "a\\u202eb"  # ours\nflow:\n  - channel: VIBER\n  - channel: SMS\n    from: ${var.sender}\n'
EDITS = (
    EditedFile("omnictl.yaml", "variables:\n  sender: Info\n", 'variables:\n  sender: "0800"\n'),
    EditedFile("scenarios/welcome.yaml", BEFORE, AFTER),
)
TAKEN = {"welcome": ("name", "flow[0]", "flow[0].from"), "otp-br": ("flow",)}
UNCHANGED = (
    Unchanged("promo"),
    Unchanged("edited", "omnictl accept edited --field name --field 'flow[2].from'"),
    Unchanged("ignoring", "omnictl accept ignoring --field name", is_ignored=True),
)


@pytest.mark.parametrize(("name", "style"), [("", Style()), ("-colour", Style(colour=True))], ids=["plain", "colour"])
def test_what_was_accepted(name: str, style: Style) -> None:
    done = render_acceptance(EDITS, TAKEN, UNCHANGED, style, dry_run=False)
    dry = render_acceptance(EDITS, TAKEN, (), style, dry_run=True)
    nothing = render_acceptance((), {}, UNCHANGED, style, dry_run=False)
    ends = render_edits((EditedFile("a.yaml", "a: b\n", "a: b\r\n"),), style)
    check_golden(f"accept{name}.txt", f"{done}\n\n=====\n\n{dry}\n\n=====\n\n{nothing}\n\n=====\n\n{ends}\n")


def test_what_the_files_forbid(project: Path) -> None:
    write(project, FILES)
    refused = [
        accept(project, environment="test", name="Hello"),
        accept(project, environment="test", scenario_id="b", name="Hello"),
        accept(project, environment="test", flow=flow("SMS:0800"), given={"x": "G"}),
        accept(project, environment="test", flow=flow("SMS:0800")),
        accept(project, environment="test", flow=flow("VIBER:V > SMS:Info")),
    ]
    write(project, {"scenarios/a.yaml": "id: a\nname: ${var.x}\nflow: [{channel: SMS, from: '${var.x}'}]\n"})
    refused.append(accept(project, environment="test", name="Hello"))
    problems = [each for found in refused for each in found.problems]
    assert {each.code for each in problems} == {*accepting.CODES, *proving.CODES}
    check_golden("accept-problems.txt", all_told(problems))


def test_what_cannot_be_accepted(project: Path) -> None:
    write(project, FILES)
    session = Session(GlobalOptions(env="test", sandbox=True), {})
    problems: list[Diagnostic] = [
        _no_field("nam"),
        _default_refused(read_project(project, "test")),
        _default_moved("It was recorded with b, and welcome has it now.", read_project(project, "test")),
        _unknown("welcom", ["welcome"], "test"),
        _unknown("something-else", ["welcome"], "test"),
        _renamed("old", "welcome", session),
        _no_file("welcome", "test"),
        _unrecorded("welcome", session),
        _vanished("welcome", "CD265875E3A6EA43478D5F37A635BE4A", session),
        _changed_meanwhile("scenarios/welcome.yaml"),
    ]
    assert {each.code for each in problems} == {*at_hand.CODES, *command.CODES}
    check_golden("accept-unusable.txt", all_told(problems))
