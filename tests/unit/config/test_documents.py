"""What documents say, and every mistake that they can hold: its file, line, column, code and cure; all in one run."""

from pathlib import Path

import pytest

from omnictl.model.scenario import IgnoredField, Manage, OnRemoval, Protection
from tests.projects import good, load, told, validate, write

SETTINGS = "version: 1\ndefault_environment: test\nenvironments: {test: {}, production: {production: true}}\n"


def test_all_that_a_document_says_is_read(project: Path) -> None:
    text = """\
id: vk-sms
name: My VK-SMS scenario
flow:
  - channel: vkontakte
  - channel: SMS
    from: ${var.sms_sender}
default: ${var.primary}
description: costs $${ 3
labels: {team: growth}
only_in: [production]
import: {production: CD26}
previous_ids: [vk-failover]
lifecycle:
  protected: all
  manage: observe
  ignore_changes: [{field: 'flow[1].from', reason: campaign, until: 2026-12-31}]
  on_removal: retire
message_file: vk-sms.message.yaml
"""
    settings = SETTINGS + "variables: {sms_sender: InfoSMS, primary: true}\n"
    write(project, {"omnictl.yaml": settings, "scenarios/x.yaml": text, "scenarios/vk-sms.message.yaml": "{}"})
    assert validate(project).diagnostics == ()
    assert load(project, "test").configuration.resources == {}
    (found,) = load(project, "production").configuration.resources.values()
    assert (found.address, found.attributes.name, found.default) == ("scenario.vk-sms", "My VK-SMS scenario", True)
    assert [(each.channel, each.sender) for each in found.attributes.flow] == [("VKONTAKTE", None), ("SMS", "InfoSMS")]
    assert (found.description, found.labels, found.import_key) == ("costs ${ 3", {"team": "growth"}, "CD26")
    assert (found.previous_ids, found.message_file) == (("vk-failover",), "vk-sms.message.yaml")
    lifecycle = found.lifecycle
    assert (lifecycle.protected, lifecycle.manage, lifecycle.on_removal) == (
        Protection.ALL,
        Manage.OBSERVE,
        OnRemoval.RETIRE,
    )
    assert lifecycle.ignore_changes == (IgnoredField("flow[1].from", "campaign", "2026-12-31"),)
    assert found.source
    assert (found.source.path, found.source.line) == ("scenarios/x.yaml", 1)
    assert (found.sources["flow[1].from"].line, found.sources["default"].column) == (6, 10)
    assert "flow[7]" not in found.sources
    assert len(found.sources) == len(list(found.sources))


@pytest.mark.parametrize(
    ("line", "code", "column", "cure"),
    [
        ("nmae: x", "unknown-key", 1, "did you mean name?"),
        ("onlyin: [test]", "unknown-key", 1, "did you mean only_in?"),
        ("only-in: [test]", "unknown-key", 1, "did you mean only_in?"),
        ("defaultScenario: true", "unknown-key", 1, "did you mean default?"),
        ("zzz: x", "unknown-key", 1, ""),
        ("key: CD26", "pasted-key", 1, "import: CD26"),
        ("key: [CD26]", "pasted-key", 1, "name it as import"),
        ("name: y", "duplicate-key", 1, "keep one of them"),
        ("labels: {a: 1, a: 2}", "duplicate-key", 16, "keep one of them"),
        ("labels: [a]", "wrong-type", 9, ""),
        ("labels: {a=b: c}", "wrong-form", 10, "without ="),
        ("labels:", "empty-value", 8, "write a value, or remove the key"),
        ("only_in: []", "empty-list", 10, ""),
        ("only_in: test", "wrong-type", 10, "write - test, or [test]"),
        ("only_in: [test, prodution]", "unknown-environment", 17, "did you mean production?"),
        ("only_in: [nowhere]", "unknown-environment", 11, "it has production, test"),
        ("only_in: ['${var.x}']", "no-variable-here", 11, "write it out"),
        ("import: {prod: CD26}", "unknown-environment", 10, "did you mean production?"),
        ("import: CD26", "ambiguous-import", 9, "write import: {test: CD26}"),
        ("import: {test: ''}", "empty-text", 16, ""),
        ("import: {}", "empty-import", 9, "or remove the line"),
        ("import: [x]", "wrong-type", 9, "a text or a mapping"),
        ("import: ''", "empty-text", 9, ""),
        ("previous_ids: [a]", "previous-id-itself", 16, ""),
        ("previous_ids: [Old_Id]", "wrong-form", 16, "write old-id"),
        ("lifecycle: {manage: watch}", "wrong-value", 21, "allowed: apply, observe"),
        ("lifecycle: {manage: observed}", "wrong-value", 21, "did you mean observe?"),
        ("lifecycle: {protect: true}", "unknown-key", 13, "did you mean protected?"),
        ("lifecycle: {on_removal: }", "empty-value", 25, "allowed are forget, retire"),
        ("lifecycle: {ignore_changes: [{field: sender}]}", "wrong-form", 38, "name, flow or flow[N].from"),
        ("lifecycle: {ignore_changes: [{reason: x}]}", "missing-key", 30, "field is needed"),
        ("lifecycle: {ignore_changes: [{field: 'flow[2].from'}]}", "no-such-step", 38, "flow[0].from is the first"),
        ("lifecycle: {ignore_changes: [{field: name, until: 2026-02-30}]}", "wrong-day", 51, ""),
        ("lifecycle: {ignore_changes: [{field: name, until: soon}]}", "wrong-form", 51, "YYYY-MM-DD"),
        ("description: ${var.nope}", "unknown-variable", 14, "--var nope=VALUE"),
        ("description: ${nope}", "bad-reference", 14, "did you mean ${var.nope}?"),
        ("description: x ${var.a b}", "bad-reference", 14, "a literal ${ is written $${"),
        ("description: x ${var.a", "bad-reference", 14, "a literal ${ is written $${"),
        ("default: ${var.nope}", "unknown-variable", 10, "export OMNICTL_VAR_NOPE=VALUE"),
        ("message_file: ''", "empty-text", 15, ""),
        ("message_file: nope.yaml", "missing-message-file", 15, ""),
        ("message_file: ../../x.yaml", "outside-root", 15, ""),
    ],
)  # fmt: skip
def test_every_mistake_has_a_place_a_code_and_a_cure(
    project: Path, line: str, code: str, column: int, cure: str
) -> None:
    write(project, {"omnictl.yaml": SETTINGS, "scenarios/a.yaml": good("a", line + "\n")})
    (found,) = validate(project).diagnostics
    assert told([found]) == [f"scenarios/a.yaml:7:{column} {code}"]
    assert cure in "\n".join([found.detail, found.label, found.hint, *found.commands])


@pytest.mark.parametrize(
    ("step", "code", "column", "cure"),
    [
        ("{channel: VKONTAKE}", "unknown-channel", 14, "did you mean VKONTAKTE?"),
        ("{channel: VK}", "unknown-channel", 14, "did you mean VKONTAKTE?"),
        ("{channel: vkontante}", "unknown-channel", 14, "did you mean VKONTAKTE?"),
        ("{channel: TELEGRAM}", "unknown-channel", 14, "extra_channels: [TELEGRAM]"),
        ("{channel: ''}", "empty-text", 14, ""),
        ("{chanel: SMS, channel: SMS}", "unknown-key", 5, "did you mean channel?"),
        ("{sender: X, channel: SMS}", "unknown-key", 5, "did you mean from?"),
        ("{from: X}", "missing-key", 4, "channel is needed"),
        ("SMS", "wrong-type", 4, "a mapping is expected"),
        ("{channel: [SMS]}", "wrong-type", 14, "a text is expected"),
        ("{channel: '${var.nope}'}", "unknown-variable", 14, ""),
    ],
)  # fmt: skip
def test_every_mistake_of_a_step_is_told(project: Path, step: str, code: str, column: int, cure: str) -> None:
    write(project, {"scenarios/a.yaml": f"name: x\nflow:\n- {step}\n"})
    (found,) = validate(project).diagnostics
    assert told([found]) == [f"scenarios/a.yaml:3:{column - 1} {code}"]
    assert cure in "\n".join([found.detail, found.label, found.hint, *found.commands])


def test_a_mistake_hides_no_other_of_its_document_or_of_another_file(project: Path) -> None:
    text = (
        "---\nid: a\nnmae: x\nflow:\n  - channel: SMX\n    from: ${var.nope}\n"
        "default: yes\nonly_in: [tset]\nname: 1\nname: 2\n"
    )
    write(
        project,
        {
            "omnictl.yaml": SETTINGS,
            "scenarios/1.yaml": text,
            "scenarios/2.yaml": good("a", "default: true\n") + "---\n" + good("b", "default: true\nflow: []\n"),
            "scenarios/3.yaml": good("A") + "---\nname: x\nflow: []\n",
            "scenarios/4.yaml": good("c", "default: true\n---\nname: [\n"),
        },
    )
    assert told(validate(project).diagnostics) == [
        "scenarios/1.yaml:3:1 unknown-key",
        "scenarios/1.yaml:5:14 unknown-channel",
        "scenarios/1.yaml:6:11 unknown-variable",
        "scenarios/1.yaml:7:10 bent-value",
        "scenarios/1.yaml:8:11 unknown-environment",
        "scenarios/1.yaml:10:1 duplicate-key",
        "scenarios/2.yaml:15:10 two-defaults",
        "scenarios/2.yaml:16:1 duplicate-key",
        "scenarios/3.yaml:1:5 wrong-form",
        "scenarios/3.yaml:1:5 duplicate-id",
        "scenarios/3.yaml:8:1 missing-id",
        "scenarios/3.yaml:9:7 empty-list",
        "scenarios/4.yaml:7:10 two-defaults",
        "scenarios/4.yaml:10:1 not-yaml",
    ]


@pytest.mark.parametrize("name", ["Vk_Sms", "-x", "x" * 64, "vk.v2", "ä"])
def test_the_name_of_a_file_stands_for_the_id_where_it_fits(project: Path, name: str) -> None:
    text = "name: x\nflow: [{channel: SMS, from: x}]\n"
    write(project, {f"scenarios/{name}.yaml": text})
    (found,) = validate(project).diagnostics
    assert found.code == "missing-id"
    (project / f"scenarios/{name}.yaml").unlink()
    write(project, {"scenarios/vk-sms.yaml": text})
    assert list(load(project, "default").configuration.resources) == ["scenario.vk-sms"]


def test_of_several_documents_each_needs_an_id(project: Path) -> None:
    text = "name: x\nflow: [{channel: SMS, from: x}]\n"
    write(project, {"scenarios/a.yaml": f"{text}---\nid: b\n{text.replace('x', 'y')}"})
    assert told(validate(project).diagnostics) == ["scenarios/a.yaml:1:1 missing-id"]


def test_empty_documents_between_others_are_no_documents(project: Path) -> None:
    write(project, {"scenarios/a.yaml": "---\n---\nname: x\nflow: [{channel: SMS, from: x}]\n---\n"})
    assert validate(project).diagnostics == ()


def test_anchors_and_merge_keys_work_and_places_stay_true(project: Path) -> None:
    text = """\
id: a
name: &name one
description: *name
flow:
  - &sms {channel: SMS, from: InfoSMS}
  - <<: *sms
    from: Other
  - {<<: [{channel: VIBER}, *sms], from: Acme}
lifecycle: &l {protected: true}
labels: {<<: {team: x}, <<: {team: y}}
"""
    write(project, {"scenarios/a.yaml": text})
    assert told(validate(project).diagnostics) == ["scenarios/a.yaml:10:25 duplicate-key"]
    write(project, {"scenarios/a.yaml": text.replace(", <<: {team: y}", "")})
    (found,) = load(project, "default").configuration.resources.values()
    assert [(each.channel, each.sender) for each in found.attributes.flow] == [
        ("SMS", "InfoSMS"),
        ("SMS", "Other"),
        ("VIBER", "Acme"),
    ]
    assert (found.description, found.labels) == ("one", {"team": "x"})
    assert (found.sources["flow[1].from"].line, found.sources["flow[1].channel"].line) == (7, 5)


def test_a_mistake_in_what_is_merged_twice_is_told_once(project: Path) -> None:
    write(project, {"scenarios/a.yaml": good("a", "labels: &l {x: 1, x: 2}\nlifecycle: {<<: *l}\n")})
    assert told(validate(project).diagnostics).count("scenarios/a.yaml:7:19 duplicate-key") == 1


def test_channels_newer_than_the_tool_are_declared(project: Path) -> None:
    settings = "version: 1\nextra_channels: [telegram]\n"
    write(
        project,
        {"omnictl.yaml": settings, "scenarios/a.yaml": "name: x\nflow: [{channel: Telegram}, {channel: FACEBOOK}]\n"},
    )
    (found,) = load(project, "default").configuration.resources.values()
    assert [each.channel for each in found.attributes.flow] == ["TELEGRAM", "FACEBOOK"]


def test_a_bare_key_to_import_is_of_the_one_environment(project: Path) -> None:
    write(project, {"omnictl.yaml": SETTINGS, "scenarios/a.yaml": good("a", "only_in: [test]\nimport: CD26\n")})
    assert validate(project).diagnostics == ()
    assert load(project, "test").configuration.resources["scenario.a"].import_key == "CD26"  # type: ignore[index]


def test_a_very_wrong_value_is_shown_in_part(project: Path) -> None:
    write(project, {"scenarios/a.yaml": good("a", f"lifecycle: {{manage: {'x' * 300}}}\n")})
    (found,) = validate(project).diagnostics
    assert len(found.detail) < 200


@pytest.mark.parametrize(("name", "text", "place"), [("x", "id: all\n", ":1:5"), ("all", "", ":1:1")])
def test_the_word_for_a_whole_plan_is_no_id(project: Path, name: str, text: str, place: str) -> None:
    write(project, {f"scenarios/{name}.yaml": f"{text}name: x\nflow: [{{channel: SMS}}]\n"})
    (found,) = validate(project).diagnostics
    assert told([found]) == [f"scenarios/{name}.yaml{place} reserved-id"]
    write(project, {f"scenarios/{name}.yaml": "id: every\nprevious_ids: [all]\nname: x\nflow: [{channel: SMS}]\n"})
    assert validate(project).diagnostics == ()
