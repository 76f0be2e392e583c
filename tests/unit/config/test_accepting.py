"""Accepting into files of many layouts: what is written, to the character, and what is refused."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from omnictl.config.accepting import draft_acceptances
from omnictl.config.documents import MistakeError
from omnictl.config.edit import EditRefusedError, Place, root_of
from omnictl.config.proving import prove
from omnictl.model.acceptance import Acceptance, PlacedStep
from omnictl.model.address import make_address
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Step
from tests.accepting import accept, read_project
from tests.builders import flow
from tests.projects import write

TWO = "version: 1\nenvironments:\n  test:\n{test}  production:\n{production}default_environment: test\n"
FILE = "id: a\nname: A\nflow:\n  - channel: VKONTAKTE\n  - channel: SMS\n    from: {sender}\n"


def body(steps: str, name: str = "A") -> str:
    return f"id: a\nname: {name}\n{steps}"


STEPS = "flow:\n  - channel: VKONTAKTE\n  - channel: SMS\n    from: Info\n"

NAMES = [
    ("plain", "A", "B", "B"),
    ("a space at its end", "A", "B ", '"B "'),
    ("in single quotes", "'A'", "it's", "'it''s'"),
    ("in double quotes", '"A"', 'say "no"', '"say \\"no\\""'),
    ("single quotes that cannot hold it", "'A'", "a\nb", '"a\\nb"'),
    ("a comment on the line", "A   # why", "B", "B   # why"),
    ("a colon", "A", "a: b", '"a: b"'),
    ("a hash", "A", "a #b", '"a #b"'),
    ("a quotation mark", "A", '"a" #b', "'\"a\" #b'"),
    ("a flag of YAML", "A", "no", '"no"'),
    ("a number", "A", "0123", '"0123"'),
    ("a clock", "A", "12:30", '"12:30"'),
    ("nothing of YAML", "A", "null", '"null"'),
    ("a day", "A", "2026-01-01", '"2026-01-01"'),
    ("a variable that is none", "A", "${var.x}", '"$${var.x}"'),
    ("a literal that looks escaped", "'$${x}'", "$${x}", "'$$${x}'"),
    ("a reference that does not end", "A", "${a ${b}", '"$${a ${b}"'),
    ("a picture", "A", "😀 B", '"😀 B"'),
    ("joined pictures", "'A'", "👨‍👩‍👧", "'👨‍👩‍👧'"),
    ("right to left", "A", "שלום", "שלום"),
    ("what turns text round", "A", "a‮b", '"a\\u202eb"'),
    ("what nobody sees", "A", "a\U000e0101", '"a\\U000e0101"'),
    ("an accent", "A", "École", "École"),
    ("a block scalar", "|-  # why\n  A\n", '"x"', "'\"x\"'  # why"),
    ("a folded scalar", ">-\n  A\n", "B", "B"),
    ("several lines", "A\n  b", "B", "B"),
    ("an anchor that nobody uses", "&n A", "B", "&n B"),
    ("a tag", "!!str A", "true", '!!str "true"'),
]


@pytest.mark.parametrize(("written", "name", "becomes"), [each[1:] for each in NAMES], ids=[each[0] for each in NAMES])
def test_names(project: Path, written: str, name: str, becomes: str) -> None:
    path = project / "scenarios" / "a.yaml"
    write(project, {"scenarios/a.yaml": body(STEPS, written.removesuffix("\n"))})
    accept(project, name=name).write()
    assert path.read_text() == body(STEPS, becomes)


FLOWS = [
    (
        "inserted with the indentation of the others",
        "flow:\n- channel: SMS\n  from: A\n",
        "VIBER:B > SMS:A",
        "flow:\n- channel: VIBER\n  from: B\n- channel: SMS\n  from: A\n",
    ),
    (
        "inserted with the gap of the others",
        "flow:\n  -   channel: SMS\n",
        "SMS > VIBER:B",
        "flow:\n  -   channel: SMS\n  -   channel: VIBER\n      from: B\n",
    ),
    (
        "inserted in braces among braces",
        "flow:\n  - {channel: SMS, from: A}  # x\n",
        "SMS:A > VIBER:a,b",
        'flow:\n  - {channel: SMS, from: A}  # x\n  - {channel: VIBER, from: "a,b"}\n',
    ),
    (
        "removed with its comments",
        "flow:\n  # the first\n  - channel: SMS  # why\n    from: A\n  # the second\n  - channel: EMAIL\n    from: M\n",
        "EMAIL:M",
        "flow:\n  # the second\n  - channel: EMAIL\n    from: M\n",
    ),
    (
        "moved with its comments",
        "flow:\n  # the first\n  - channel: SMS  # w\n    # - old\n  # two\n  - channel: EMAIL\n    from: M\n# end\n",
        "EMAIL:M > SMS",
        "flow:\n  # two\n  - channel: EMAIL\n    from: M\n  # the first\n  - channel: SMS  # w\n    # - old\n# end\n",
    ),
    (
        "a sender for a step without one",
        "flow:\n  - channel: SMS  # why\n  - channel: VKONTAKTE\n",
        "SMS:A > VKONTAKTE",
        "flow:\n  - channel: SMS  # why\n    from: A\n  - channel: VKONTAKTE\n",
    ),
    (
        "a sender taken away, its comment stays",
        "flow:\n  - channel: SMS\n    from: A  # why\n",
        "SMS",
        "flow:\n  - channel: SMS\n    # why\n",
    ),
    (
        "a sender taken from before the channel",
        "flow:\n  - from: A\n    channel: SMS\n",
        "SMS",
        "flow:\n  - channel: SMS\n",
    ),
    (
        "a sender in place of an empty one",
        "flow:\n  - channel: SMS\n    from: ''\n",
        "SMS:A",
        "flow:\n  - channel: SMS\n    from: 'A'\n",
    ),
    (
        "brackets on one line",
        "flow: [{channel: SMS}, {channel: VKONTAKTE}]\n",
        "VKONTAKTE > SMS",
        "flow: [{channel: VKONTAKTE}, {channel: SMS}]\n",
    ),
    (
        "brackets lose the last",
        "flow: [ {channel: SMS}, {channel: VKONTAKTE} ]  # c\n",
        "SMS",
        "flow: [ {channel: SMS} ]  # c\n",
    ),
    (
        "brackets lose the first",
        "flow: [ {channel: SMS}, {channel: VKONTAKTE}, ]\n",
        "VKONTAKTE",
        "flow: [ {channel: VKONTAKTE}, ]\n",
    ),
    ("a sender in braces", "flow: [{channel: SMS}]\n", "SMS:A", "flow: [{channel: SMS, from: A}]\n"),
    (
        "no sender in braces",
        "flow: [{from: A, channel: SMS}, {channel: VIBER, from: B}]\n",
        "SMS > VIBER",
        "flow: [{channel: SMS}, {channel: VIBER}]\n",
    ),
    (
        "brackets over lines with comments",
        "flow: [\n  # one\n  {channel: SMS},  # sms\n  # two\n  {channel: VKONTAKTE}  # vk\n]\n",
        "VKONTAKTE > VIBER:B > SMS",
        (
            "flow: [\n  # two\n  {channel: VKONTAKTE},  # vk\n  {channel: VIBER, from: B},\n"
            "  # one\n  {channel: SMS}  # sms\n]\n"
        ),
    ),
    (
        "a list with an anchor",
        "flow: &f  # c\n- channel: SMS\n- channel: VKONTAKTE\n",
        "VKONTAKTE > SMS",
        "flow: &f  # c\n- channel: VKONTAKTE\n- channel: SMS\n",
    ),
    (
        "brackets with an anchor",
        "flow: &f # c\n  [{channel: SMS}, &s {channel: VKONTAKTE}]\n",
        "VKONTAKTE > SMS:A",
        "flow: &f # c\n  [&s {channel: VKONTAKTE}, {channel: SMS, from: A}]\n",
    ),
    (
        "JSON in a file of YAML",
        'flow: [\n  {\n    "channel": "SMS"\n  }\n]\n',
        "SMS > VIBER:B",
        'flow: [\n  {\n    "channel": "SMS"\n  },\n  {\n    "channel": "VIBER",\n    "from": "B"\n  }\n]\n',
    ),
    (
        "quoted keys on one line",
        'flow: [{"channel": "SMS"}]\n',
        "SMS > VIBER:B",
        'flow: [{"channel": "SMS"}, {"channel": "VIBER", "from": "B"}]\n',
    ),
    (
        "values on lines of their own",
        "flow:\n  - channel:\n      SMS\n    from:\n      X  # c\n",
        "VKONTAKTE > SMS:Q",
        "flow:\n  - channel: VKONTAKTE\n  - channel:\n      SMS\n    from:\n      Q  # c\n",
    ),
    (
        "empty lines",
        "flow:\n  - channel: SMS\n\n  - channel: VKONTAKTE\n\n",
        "VKONTAKTE > LINE:L > SMS",
        "flow:\n\n  - channel: VKONTAKTE\n  - channel: LINE\n    from: L\n  - channel: SMS\n\n",
    ),
    (
        "an item that is an alias moves as one",
        "flow:\n  - &s {channel: SMS, from: A}\n  - channel: VKONTAKTE\n  - *s\n",
        "SMS:A > SMS:A > VKONTAKTE",
        "flow:\n  - &s {channel: SMS, from: A}\n  - *s\n  - channel: VKONTAKTE\n",
    ),
    (
        "the dash on a line of its own",
        "flow:\n  -\n    channel: SMS\n  - # why\n    channel: VKONTAKTE\n",
        "VKONTAKTE > SMS:A",
        "flow:\n  - # why\n    channel: VKONTAKTE\n  -\n    channel: SMS\n    from: A\n",
    ),
]


@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "BOM"])
@pytest.mark.parametrize("after", ["", "default: true\n"], ids=["last", "in the middle"])
@pytest.mark.parametrize(
    ("before", "account", "becomes"), [each[1:] for each in FLOWS], ids=[each[0] for each in FLOWS]
)
def test_flows(project: Path, before: str, account: str, becomes: str, after: str, mark: str, ending: str) -> None:
    path = project / "scenarios" / "a.yaml"
    text = mark + (body(before) + after).replace("\n", ending)
    write(project, {"scenarios/a.yaml": text})
    accept(project, flow=flow(account)).write()
    assert path.read_bytes().decode() == mark + (body(becomes) + after).replace("\n", ending)


@pytest.mark.parametrize(
    ("account", "becomes"),
    [
        ("SMS:Info > VKONTAKTE", "flow:\n  - channel: SMS\n    from: Info\n  - channel: VKONTAKTE"),
        ("VKONTAKTE > SMS", "flow:\n  - channel: VKONTAKTE\n  - channel: SMS"),
        ("VKONTAKTE", "flow:\n  - channel: VKONTAKTE"),
        ("VKONTAKTE > SMS:Info > VIBER:B", f"{STEPS}  - channel: VIBER\n    from: B"),
        ("VKONTAKTE:X > SMS:Info", STEPS.replace("VKONTAKTE\n", "VKONTAKTE\n    from: X\n").removesuffix("\n")),
    ],
)
def test_a_file_that_does_not_end_with_a_line_end(project: Path, account: str, becomes: str) -> None:
    write(project, {"scenarios/a.yaml": body(STEPS).removesuffix("\n")})
    accept(project, flow=flow(account)).write()
    assert (project / "scenarios" / "a.yaml").read_text() == body(becomes)


def test_one_document_of_several(project: Path) -> None:
    other = "# of another\nid: {}\nname: {}\nflow: [{{channel: SMS}}]\n"
    documents = [other.format("z", "Z"), body(STEPS), "# nothing\n", other.format("b", "B")]
    write(project, {"scenarios/all.yaml": "---\n".join(documents)})
    accept(project, name="New", flow=flow("SMS:Info")).write()
    documents[1] = "id: a\nname: New\nflow:\n  - channel: SMS\n    from: Info\n"
    assert (project / "scenarios" / "all.yaml").read_text() == "---\n".join(documents)


SHARED = [
    ("a name that is an alias", "id: a\ndescription: &n A\nname: *n\n" + STEPS, {"name": "B"}, "comes from an anchor"),
    (
        "a name that is used elsewhere",
        "id: a\nname: &n A\ndescription: *n\n" + STEPS,
        {"name": "B"},
        "is used elsewhere",
    ),
    (
        "a sender in a step that is an alias",
        body("flow:\n  - &s {channel: SMS, from: A}\n  - *s\n"),
        {"flow": flow("SMS:A > SMS:B")},
        "comes from an anchor",
    ),
    (
        "a sender in a step with aliases",
        body("flow:\n  - &s {channel: SMS, from: A}\n  - *s\n"),
        {"flow": flow("SMS:B > SMS:A")},
        "is used elsewhere",
    ),
    (
        "a sender that is merged",
        body("flow:\n  - &s {channel: SMS, from: A}\n  - {<<: *s, channel: VIBER}\n"),
        {"flow": flow("SMS:A > VIBER:B")},
        "merge key",
    ),
    (
        "a sender beside a merge key",
        body("flow:\n  - &s {channel: SMS}\n  - {<<: *s, channel: VIBER}\n"),
        {"flow": flow("SMS > VIBER:B")},
        "merge key",
    ),
]


@pytest.mark.parametrize(("text", "account", "why"), [each[1:] for each in SHARED], ids=[each[0] for each in SHARED])
def test_what_others_share_is_refused(project: Path, text: str, account: dict[str, object], why: str) -> None:
    write(project, {"scenarios/a.yaml": text})
    accepted = accept(project, **account)  # type: ignore[arg-type]
    assert accepted.codes == ["edit-refused"]
    assert why in accepted.problems[0].detail


def test_a_step_whose_anchor_is_needed_is_not_removed(project: Path) -> None:
    write(project, {"scenarios/a.yaml": body("flow:\n  - &s {channel: SMS, from: A}\n  - {<<: *s, channel: VIBER}\n")})
    accepted = accept(project, flow=flow("VIBER:A"))
    assert accepted.codes == ["not-yaml"]


@pytest.mark.parametrize("account", ["LINE:L > VKONTAKTE > SMS:Info", "SMS:Info > VKONTAKTE", "VKONTAKTE"])
def test_a_step_that_ignore_changes_names_does_not_move(project: Path, account: str) -> None:
    ignoring = body(STEPS) + "lifecycle: {ignore_changes: [{field: 'flow[1].from'}]}\n"
    write(project, {"scenarios/a.yaml": ignoring})
    assert accept(project, flow=flow("VKONTAKTE > SMS:Info > LINE:L")).codes == []
    refused = accept(project, flow=flow(account))
    assert refused.codes == ["edit-refused"]
    assert "names flow[1].from by its place" in refused.problems[0].detail


def test_a_comment_before_a_comma_is_refused(project: Path) -> None:
    write(project, {"scenarios/a.yaml": body("flow: [{channel: SMS} # c\n  , {channel: VKONTAKTE}]\n")})
    accepted = accept(project, flow=flow("VKONTAKTE"))
    assert "comma" in accepted.problems[0].detail


def test_a_comment_below_a_sender_that_goes_stays(project: Path) -> None:
    remark = "# the sender that marketing bought"
    for lines in (
        f"from: B\n    {remark}\n    channel: VIBER\n",
        f"from: >-\n      B\n\n    {remark}\n    channel: VIBER\n",
    ):
        write(project, {"scenarios/a.yaml": body(f"flow:\n  - {lines}")})
        accept(project, flow=flow("VIBER")).write()
        expected = body(f"flow:\n  - {remark}\n    channel: VIBER\n")
        assert (project / "scenarios" / "a.yaml").read_text() == expected


def test_a_comment_in_the_braces_of_a_sender_that_goes_is_refused(project: Path) -> None:
    for step in ("{from: B, # why\n   channel: VIBER}", "{channel: VIBER, # why\n   from: B}"):
        write(project, {"scenarios/a.yaml": body(f"flow:\n  - {step}\n")})
        accepted = accept(project, flow=flow("VIBER"))
        assert accepted.codes == ["edit-refused"]
        assert "a comment stands beside it" in accepted.problems[0].detail


def test_a_key_behind_a_question_mark_is_refused(project: Path) -> None:
    steps = "flow:\n  - ? channel\n    : LINE\n  - channel: SMS\n    from: A\n"
    write(project, {"scenarios/a.yaml": body(steps)})
    accepted = accept(project, flow=flow("SMS:A > LINE:L"))
    assert set(accepted.codes) == {"edit-refused"}
    assert "a question mark" in accepted.problems[0].detail


def test_what_an_edit_leaves_unreadable_is_refused() -> None:
    for text in ("a: b: c\n", "- [\n", "", "a: &a {x: y}\n---\n"):
        with pytest.raises(EditRefusedError):
            root_of(text, Place("a.yaml", 2))


def test_a_name_that_no_file_can_have_is_refused(project: Path) -> None:
    write(project, {"scenarios/a.yaml": body(STEPS)})
    accepted = accept(project, name="")
    assert accepted.codes == ["empty-text"]
    assert accepted.problems[0].severity is Severity.ERROR


def test_a_name_that_another_scenario_has_is_refused(project: Path) -> None:
    """That would be a new warning: the two could not be told apart any more."""
    write(project, {"scenarios/a.yaml": body(STEPS), "scenarios/b.yaml": body(STEPS, "B").replace("id: a", "id: b")})
    assert accept(project, name="B").codes == ["equal-scenarios"]


def test_a_flow_without_steps_is_refused(project: Path) -> None:
    write(project, {"scenarios/a.yaml": body(STEPS)})
    accepted = accept(project, flow=())
    assert accepted.codes == ["edit-refused"]
    assert "no step of the flow would be left" in accepted.problems[0].detail


def test_a_file_with_the_line_ends_of_an_old_mac_is_refused(project: Path) -> None:
    write(project, {"scenarios/a.yaml": body(STEPS).replace("\n", "\r")})
    assert "neither LF nor CRLF" in accept(project, name="B").problems[0].detail


def test_half_a_character_is_refused(project: Path) -> None:
    write(project, {"scenarios/a.yaml": body(STEPS)})
    assert accept(project, name="a\ud800").codes == ["not-yaml"]


# --- Environments and variables ----------------------------------------------------------------------------------


def variables(test: str = "", production: str = "") -> str:
    def settings(given: str) -> str:
        return f"    variables: {{{given}}}  # v\n" if given else "    workers: 2\n"

    return TWO.format(test=settings(test), production=settings(production))


def test_a_value_of_several_environments_is_refused(project: Path) -> None:
    write(project, {"omnictl.yaml": variables(), "scenarios/a.yaml": FILE.format(sender="Info")})
    accepted = accept(project, environment="test", flow=flow("VKONTAKTE > SMS:B"))
    assert accepted.codes == ["edit-reaches-further"]
    assert "a in production (flow)" in accepted.problems[0].detail


def test_the_variable_of_the_environment_is_edited(project: Path) -> None:
    settings = variables("sender: Info, other: x", "sender: BRAND, other: z")
    text = FILE.format(sender="${var.sender}") + "description: ${var.other}\n"
    write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": text})
    accepted = accept(project, environment="test", flow=flow("VKONTAKTE > SMS:it's, 5"))
    accepted.write()
    assert (project / "omnictl.yaml").read_text() == settings.replace("sender: Info", 'sender: "it\'s, 5"')
    assert (project / "scenarios" / "a.yaml").read_text() == text
    assert [each.fields for each in accepted.draft.edits] == [[("a", "flow[1].from")]]
    assert (
        read_project(project, "production").resources
        == accepted.draft.project.validation.configurations["production"].resources
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("    workers: 2\n", "    workers: 2\n    variables:\n      sender: B\n"),
        ("    variables: {}\n", "    variables: {sender: B}\n"),
        ("    variables:\n      x: y  # z\n", "    variables:\n      x: y  # z\n      sender: B\n"),
        ("    variables:\n      x: |\n        y\n", "    variables:\n      x: |\n        y\n      sender: B\n"),
    ],
)
def test_a_variable_that_had_its_default_is_added(project: Path, before: str, after: str) -> None:
    settings = TWO.format(test=before, production="    workers: 3\n") + "variables: {sender: {default: Info}}\n"
    text = FILE.format(sender="${var.sender}")
    write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": text})
    accept(project, environment="test", flow=flow("VKONTAKTE > SMS:B")).write()
    assert (project / "omnictl.yaml").read_text() == settings.replace(before, after, 1)


def test_a_variable_in_settings_of_one_line(project: Path) -> None:
    settings = "version: 1\nvariables: {sender: Info}\nenvironments: {test: {workers: 2}}\n"
    write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": FILE.format(sender="${var.sender}")})
    accept(project, environment="test", flow=flow("VKONTAKTE > SMS:B")).write()
    expected = settings.replace("workers: 2", "workers: 2, variables: {sender: B}")
    assert (project / "omnictl.yaml").read_text() == expected


def test_an_environment_without_settings_is_not_written_into(project: Path) -> None:
    settings = "version: 1\nvariables: {sender: Info}\nenvironments:\n  test:\n"
    write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": FILE.format(sender="${var.sender}")})
    accepted = accept(project, environment="test", flow=flow("VKONTAKTE > SMS:B"))
    assert "has no settings yet" in accepted.problems[0].detail


def test_a_sender_that_is_gone_empties_its_variable(project: Path) -> None:
    settings = variables("sender: Info", "sender: BRAND")
    write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": FILE.format(sender="${var.sender}")})
    accept(project, environment="test", flow=flow("VKONTAKTE > SMS")).write()
    assert (project / "omnictl.yaml").read_text() == settings.replace("sender: Info", 'sender: ""')


@pytest.mark.parametrize(
    "other",
    [
        {"scenarios/b.yaml": "id: b\nname: B\nflow: [{channel: SMS, from: '${var.sender}'}]\n"},
        {"scenarios/b.yaml": "id: b\nname: B\ndescription: x ${var.sender}\nflow: [{channel: SMS}]\n"},
        {"scenarios/b.yaml": "id: b\nname: B\nlabels: {x: '${var.sender}'}\nflow: [{channel: SMS}]\n"},
        {
            "scenarios/b.yaml": "id: b\nname: B\nmessage_file: b.message.yaml\nflow: [{channel: SMS}]\n",
            "scenarios/b.message.yaml": "sms: {text: 'Hi ${var.sender}'}\n",
        },
    ],
)
def test_a_variable_that_others_use_is_refused(project: Path, other: dict[str, str]) -> None:
    settings = variables("sender: Info", "sender: BRAND")
    write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": FILE.format(sender="${var.sender}"), **other})
    accepted = accept(project, environment="test", flow=flow("VKONTAKTE > SMS:B"))
    assert accepted.codes == ["edit-reaches-further"]
    assert "b in test" in accepted.problems[0].detail


@pytest.mark.parametrize(
    ("given", "why"),
    [({"given": {"sender": "G"}}, "--var sender"), ({"environ": {"OMNICTL_VAR_SENDER": "G"}}, "OMNICTL_VAR_SENDER")],
)
def test_a_variable_that_is_given_is_refused(project: Path, given: dict[str, dict[str, str]], why: str) -> None:
    settings = variables("sender: Info", "sender: BRAND")
    write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": FILE.format(sender="${var.sender}")})
    accepted = accept(project, environment="test", flow=flow("VKONTAKTE > SMS:B"), **given)  # type: ignore[arg-type]
    assert accepted.codes == ["edit-refused"]
    assert why in accepted.problems[0].detail


def test_a_variable_that_is_an_anchor_is_refused(project: Path) -> None:
    settings = variables("sender: &s Info", "sender: *s")
    write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": FILE.format(sender="${var.sender}")})
    accepted = accept(project, environment="test", flow=flow("VKONTAKTE > SMS:B"))
    assert "used elsewhere" in accepted.problems[0].detail


def test_a_flow_that_can_be_read_in_two_ways_is_refused(project: Path) -> None:
    write(project, {"scenarios/a.yaml": FILE.format(sender="Info")})
    read = read_project(project, "default")
    refusal = Diagnostic("ambiguous-merge", Severity.ERROR, "Two ways")
    address = make_address("a")
    accepted = Acceptance(address, read.resources[address].attributes, (), ("flow",), refusal)
    draft = draft_acceptances(read, [accepted])
    assert (draft.refusals, draft.edits) == ([refusal], ())


def test_an_edit_that_does_not_make_all_of_the_flow_the_account_s_is_refused(project: Path) -> None:
    """The account says what must be read, not the edit."""
    write(project, {"scenarios/a.yaml": FILE.format(sender="Info")})
    read = read_project(project, "default")
    address = make_address("a")
    steps = read.resources[address].attributes.flow
    swapped = (PlacedStep(steps[1], 1), PlacedStep(steps[0], 0))
    account = replace(read.resources[address].attributes, flow=(*steps, Step("EMAIL", "M")))
    draft = draft_acceptances(read, [Acceptance(address, account, swapped, ("flow",))])
    _, problems = prove(draft, {address: account})
    assert [each.code for each in problems] == ["edit-falls-short"]


def test_two_fields_of_one_variable_are_refused(project: Path) -> None:
    settings = variables("x: A", "x: C")
    text = "id: a\nname: ${var.x}\nflow:\n  - channel: SMS\n    from: ${var.x}\n"
    write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": text})
    assert accept(project, environment="test", name="B").codes == ["edit-falls-short"]
    assert accept(project, environment="test", name="B", flow=flow("SMS:C")).codes == ["edit-falls-short"]
    assert accept(project, environment="test", name="B", flow=flow("SMS:B")).codes == []


def test_a_text_with_a_variable_in_it(project: Path) -> None:
    settings = variables("x: A", "x: C")
    text = "id: a\nname: Shop ${var.x}\nflow:\n  - channel: SMS\n"
    write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": text})
    refused = accept(project, environment="test", name="B")
    assert refused.codes == ["edit-refused"]
    assert [each.shown for each in refused.draft.edits] == ["scenarios/a.yaml"]
    write(project, {"scenarios/a.yaml": f"only_in: [test]\n{text}"})
    accept(project, environment="test", name="B").write()
    assert (project / "scenarios" / "a.yaml").read_text() == f"only_in: [test]\n{text}".replace("Shop ${var.x}", "B")


def test_an_escaped_reference_is_no_variable(project: Path) -> None:
    write(project, {"scenarios/a.yaml": body(STEPS, "'$${var.x}'")})
    accept(project, name="B").write()
    assert (project / "scenarios" / "a.yaml").read_text() == body(STEPS, "'B'")


def test_settings_behind_a_link_out_of_the_project_are_not_written(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "omnictl.yaml"
    elsewhere.write_text(variables("sender: Info", "sender: BRAND"))
    (project / "omnictl.yaml").symlink_to(elsewhere)
    write(project, {"scenarios/a.yaml": FILE.format(sender="${var.sender}")})
    accepted = accept(project, environment="test", flow=flow("VKONTAKTE > SMS:B"))
    assert "leads out of the project" in accepted.problems[0].detail


def test_a_link_in_the_project_stays_a_link(project: Path) -> None:
    write(project, {"kept/a.yaml": body(STEPS), "scenarios/.keep": ""})
    link = project / "scenarios" / "a.yaml"
    link.symlink_to("../kept/a.yaml")
    accept(project, name="B").write()
    assert link.is_symlink()
    assert link.read_text() == body(STEPS, "B")


def test_a_file_that_changes_as_it_is_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, {"scenarios/a.yaml": body(STEPS)})
    monkeypatch.setattr("omnictl.config.accepting.read_bytes", lambda path, shown: b"id: z\n")
    with pytest.raises(MistakeError):
        accept(project, name="B")


def test_one_step_alone(project: Path) -> None:
    write(project, {"scenarios/a.yaml": body(STEPS)})
    accept(project, "flow[0]", flow=flow("VIBER:B > VKONTAKTE > SMS:C")).write()
    expected = body(STEPS.replace("flow:\n", "flow:\n  - channel: VIBER\n    from: B\n"))
    assert (project / "scenarios" / "a.yaml").read_text() == expected
    assert (
        Step("SMS", "Info")
        in read_project(project, "default")
        .resources[next(iter(read_project(project, "default").resources))]
        .attributes.flow
    )
