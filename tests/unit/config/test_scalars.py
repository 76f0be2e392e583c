"""Scalars: the text of the author where the schema says text, and told where YAML would bend them."""

from pathlib import Path

import pytest

from tests.projects import good, load, told, validate, write

BENT = [
    "0123", "+385911234567", "12:30", "1_000", "no", "yes", "on", "Off", "0x1F", "1e3", ".5", "1.0", "1.10", "-0",
    "2026-01-01", "2026-01-01T10:00:00Z", "0o17", ".inf", ".nan", "=", "true", "false", "True", "00",
]  # fmt: skip


@pytest.mark.parametrize("text", BENT)
def test_a_text_is_read_as_its_author_wrote_it(project: Path, text: str) -> None:
    write(
        project, {"scenarios/a.yaml": f"name: {text}\nflow: [{{channel: SMS, from: {text}}}]\nlabels: {{x: {text}}}\n"}
    )
    loaded = load(project, "default")
    assert not loaded.diagnostics
    (resource,) = loaded.configuration.resources.values()
    assert (resource.attributes.name, resource.attributes.flow[0].sender, resource.labels["x"]) == (text, text, text)


@pytest.mark.parametrize("text", ["~", "null", "Null", "NULL", ""])
def test_nothing_is_told_and_not_taken_for_a_text(project: Path, text: str) -> None:
    write(project, {"scenarios/a.yaml": f"name: {text}\nflow: [{{channel: SMS}}]\n"})
    (found,) = validate(project).diagnostics
    assert (found.code, found.source and found.source.line) == ("empty-value", 1)
    assert "needs quotes" in found.hint


@pytest.mark.parametrize("text", ["'~'", '"null"', "!!str ~"])
def test_a_quoted_nothing_is_a_text(project: Path, text: str) -> None:
    write(project, {"scenarios/a.yaml": f"name: {text}\nflow: [{{channel: SMS, from: x}}]\n"})
    assert not validate(project).diagnostics


@pytest.mark.parametrize("text", ["yes", "no", "on", "off", "True", "FALSE", "y", "N"])
@pytest.mark.parametrize("where", ["default: {}", "lifecycle: {{protected: {}}}"])
def test_a_flag_that_yaml_would_bend_is_told(project: Path, text: str, where: str) -> None:
    write(project, {"scenarios/a.yaml": good("a", where.format(text) + "\n")})
    (found,) = validate(project).diagnostics
    assert (found.code, found.hint) == ("bent-value", "write true or false")
    assert found.source
    assert (found.source.line, found.source.column) == (7, len(where.partition("{}")[0].replace("{{", "{")) + 1)


def test_a_flag_in_quotes_is_no_flag(project: Path) -> None:
    write(project, {"scenarios/a.yaml": good("a", 'default: "true"\n')})
    (found,) = validate(project).diagnostics
    assert (found.code, found.detail) == ("wrong-type", 'default: true or false is expected here, not the text "true".')


def test_json_has_its_own_rules(project: Path) -> None:
    write(project, {"scenarios/a.json": '{"name": 12, "flow": [{"channel": "SMS", "from": true}]}'})
    assert [(each.code, each.hint) for each in validate(project).diagnostics] == [
        ("wrong-type", 'write "12", in quotes'),
        ("wrong-type", 'write "true", in quotes'),
    ]


def test_the_body_of_the_first_post_is_a_scenario_as_it_is(project: Path) -> None:
    body = (
        '{\n  "name":"My VK-SMS scenario",\n  "flow":[\n    {\n      "channel":"VKONTAKTE"\n    },\n'
        '    {\n      "from":"InfoSMS",\n      "channel":"SMS"\n    }\n  ],\n  "default":true\n}'
    )
    for name in ("vk-sms.json", "vk-sms.yaml", "vk-sms.yml"):
        write(project, {f"scenarios/{name}": body})
        assert told(validate(project).diagnostics) == []
        (project / "scenarios" / name).unlink()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("workers: 1_0", "bent-value"),
        ("workers: 0x1F", "bent-value"),
        ("workers: 1:30", "bent-value"),
        ("workers: many", "wrong-type"),
        pytest.param(f"workers: {'1' * 200_000}g", "wrong-type", id="a long text takes no quadratic time"),
        ("workers: 0", "wrong-value"),
        ("settle_seconds: -1", "wrong-value"),
        ("production: yes", "bent-value"),
        ("production:", "empty-value"),
        ("base_url: [a]", "wrong-type"),
        ("prodution: true", "unknown-key"),
    ],
)
def test_settings_are_read_as_strictly(project: Path, line: str, code: str) -> None:
    from omnictl.config.settings import load_settings

    write(project, {"omnictl.yaml": f"version: 1\nenvironments:\n  test:\n    {line}\n"})
    _, (found,) = load_settings(project / "omnictl.yaml", project)
    assert (found.code, found.source and found.source.line) == (code, 4)


def test_texts_of_the_settings_that_look_like_numbers_stay_texts(project: Path) -> None:
    write(
        project,
        {
            "omnictl.yaml": "version: 1\nvariables: {version: '1', limit: 2}\n"
            "environments: {t: {variables: {workers: 007}}}\n",
            "scenarios/a.yaml": "name: '${var.version} ${var.limit}'\nflow: [{channel: SMS, from: '${var.workers}'}]\n",
        },
    )
    (resource,) = load(project, "t").configuration.resources.values()
    assert (resource.attributes.name, resource.attributes.flow[0].sender) == ("1 2", "007")
