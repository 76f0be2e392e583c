"""Each rule: what it finds, what it leaves, and how omnictl.yaml turns it up, down or off."""

from datetime import date

import pytest
from msgspec.structs import replace

from omnictl.config.schema import read_schema
from omnictl.lint.check import lint, lint_endings
from omnictl.lint.flows import find_duplicate_steps, find_repeated_channels
from omnictl.lint.table import CODES, RULES
from omnictl.model.address import make_address
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.scenario import Attributes, Configuration, IgnoredField, Lifecycle, Resource, Step
from tests.builders import flow

CODE = "0123456789abcdef0123456789abcdef-01234567-89ab-cdef-0123-456789abcdef"


def configuration(*scenarios: tuple[str, str], default: bool | None = True) -> Configuration:
    """Return scenarios of (name, flow), with ids a, b, c …."""
    resources = {}
    for scenario_id, (name, steps) in zip("abcdef", scenarios, strict=False):
        sources = {"": Source("x.yaml", 1, 1), "flow[1].from": Source("x.yaml", 6, 11)}
        address = make_address(scenario_id)
        resources[address] = Resource(address, Attributes(name, flow(steps)), default=default, sources=sources)
    return Configuration(resources)


def found_in(steps: str) -> list[str]:
    return [each.code for each in lint(configuration(("x", steps)), {"last-resort": "off"})]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("VKONTAKTE > SMS:InfoSMS", []),
        ("VIBER:Acme > SMS:447700900123", []),
        ("WHATSAPP:447700900123 > EMAIL:news@acme.com > VOICE:+447700900123", []),
        (f"PUSH:{CODE} > KAKAO_ALIM:@acme > LINE:x > SMS:x1", []),
        ("TELEGRAM > SMS:x", []),
        ("SMS:A > SMS:A", ["duplicate-step"]),
        ("SMS:A > VIBER:B > SMS:A > SMS:A", ["duplicate-step", "duplicate-step"]),
        ("SMS:A > VIBER:B > SMS:C", ["repeated-channel"]),
        ("SMS:A", ["single-step"]),
        ("VIBER > SMS:A", ["missing-sender"]),
        ("VIBER > SMS", ["missing-sender", "missing-sender"]),
        ("PUSH > SMS:A", ["missing-sender"]),
        ("VIBER:A > SMS:TwelveLetter", ["sender-form"]),
        ("VIBER:A > SMS:Grüße", ["sender-form"]),
        ("VIBER:A > SMS:12", ["sender-form"]),
        ("VIBER:A > SMS:1234567890123456", ["sender-form"]),
        ("EMAIL:acme > SMS:A", ["sender-form"]),
        ("EMAIL:Acme <news@acme.com> > SMS:A".replace("> >", ">\u200b >"), ["sender-form"]),
        ("WHATSAPP:Acme > VOICE:Acme", ["sender-form", "sender-form"]),
        ("PUSH:acme > SMS:A", ["sender-form"]),
        ("FACEBOOK:x > SMS:A", ["old-channel"]),
        ("PARSECO:x > SMS:A", ["old-channel"]),
    ],
)
def test_rules_about_flows(steps: str, expected: list[str]) -> None:
    assert found_in(steps) == expected


class CountingText(str):
    """A text that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        CountingText.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_a_flow_of_many_steps_is_not_compared_each_with_each() -> None:
    steps = tuple(Step(CountingText("TELEGRAM"), CountingText(f"{number}")) for number in range(500))
    CountingText.compared = 0
    assert list(find_duplicate_steps(steps)) == []
    assert len(list(find_repeated_channels(steps))) == 499
    assert CountingText.compared < 10 * len(steps)


def test_an_address_may_have_a_name() -> None:
    resource = Resource(make_address("a"), Attributes("x", (Step("EMAIL", "Acme <news@acme.com>"), Step("SMS", "A"))))
    assert lint(Configuration({resource.address: resource}), {}) == ()


@pytest.mark.parametrize("name", [" x", "x ", "x  y", "x\u200by", "x\ty", "x\u00a0y", "x\u202ey", "x\u3164", "x\ufe0f"])
def test_names_that_are_hard_to_see(name: str) -> None:
    assert {each.code for each in lint(configuration((name, "VKONTAKTE > SMS:A")), {})} == {"odd-name"}


@pytest.mark.parametrize(
    "name", ["x", "Bestellungen für Köln", "注文", "😀 party", "ก็", "❤\ufe0f", "👩\u200d🚀", "1\ufe0f\u20e3"]
)
def test_names_of_all_languages_are_fine(name: str) -> None:
    assert lint(configuration((name, "VKONTAKTE > SMS:A")), {}) == ()


def test_equal_names_with_different_flows() -> None:
    both = configuration(("x", "VIBER:A > SMS:A"), ("x", "VIBER:B > SMS:A"), ("y", "VIBER:B > SMS:A"))
    (found,) = lint(both, {})
    assert (found.code, found.detail) == ("equal-name", "b and a have the same name in the account.")
    assert lint(configuration(("x", "VIBER:A > SMS:A"), ("x", "VIBER:A > SMS:A")), {}) == (), "told as equal-scenarios"


def test_rules_that_are_off_until_they_are_asked_for() -> None:
    end = configuration(("x", "SMS:A > VIBER:A"), default=False)
    assert lint(end, {}) == ()
    assert [each.code for each in lint(end, {"last-resort": "warning", "no-default": "note"})] == [
        "last-resort",
        "no-default",
    ]
    assert lint(Configuration(), {"no-default": "error"}) == (), "nothing is declared, so nothing lacks"
    assert lint(configuration(("x", "VKONTAKTE > SMS:A")), {"no-default": "error", "last-resort": "error"}) == ()


@pytest.mark.parametrize("level", ["error", "warning", "note"])
def test_the_settings_choose_the_severity(level: str) -> None:
    (found,) = lint(configuration(("x", "SMS:A")), {"single-step": level})
    assert found.severity is Severity(level)


def test_a_rule_can_be_off_and_others_not_run() -> None:
    both = configuration(("x ", "SMS:A"))
    assert [each.code for each in lint(both, {"single-step": "off"})] == ["odd-name"]
    assert lint(both, {}, only=(Severity.ERROR,)) == ()
    assert [each.code for each in lint(both, {"odd-name": "error"}, only=(Severity.ERROR,))] == ["odd-name"]


def test_a_finding_has_the_place_of_the_step_or_else_of_the_scenario() -> None:
    found: tuple[Diagnostic, ...] = lint(configuration(("x", "SMS:A > SMS:12 > VIBER")), {"repeated-channel": "off"})
    lines = {each.code: each.source and each.source.line for each in found}
    assert lines == {"missing-sender": 1, "sender-form": 6}


def test_a_flow_that_scenarios_share_is_told_for_each() -> None:
    assert len(lint(configuration(("x", "SMS:A"), ("y", "SMS:A")), {})) == 2


def test_the_schema_of_the_settings_lists_exactly_the_rules() -> None:
    listed = read_schema("settings")["properties"]["lint"]["properties"]
    assert {key: each["description"] for key, each in listed.items()} == {r.id: f"{r.summary}." for r in RULES}


def test_every_rule_is_explained_once() -> None:
    assert len(CODES) == len(RULES)
    assert all(text.endswith(".") for text in CODES.values())


def ignoring(until: str | None) -> Configuration:
    """Return a scenario whose name is ignored until a day."""
    (resource,) = configuration(("x", "VKONTAKTE > SMS:A")).resources.values()
    lifecycle = Lifecycle(ignore_changes=(IgnoredField("flow"), IgnoredField("name", "campaign", until)))
    place = Source("x.yaml", 9, 5)
    sources = {"": Source("x.yaml", 1, 1), "lifecycle.ignore_changes[1].until": place}
    return Configuration({resource.address: replace(resource, lifecycle=lifecycle, sources=sources)})


@pytest.mark.parametrize(
    ("until", "code", "said"),
    [
        (None, None, ""),
        ("2026-12-05", None, ""),
        ("2026-12-04", "ignore-ends-soon", "in 14 days, on 2026-12-04"),
        ("2026-11-22", "ignore-ends-soon", "in 2 days"),
        ("2026-11-21", "ignore-ends-soon", "tomorrow"),
        ("2026-11-20", "ignore-ends-soon", "today"),
        ("2026-11-19", "ignore-ended", "was ignored until 2026-11-19"),
        ("2020-01-01", "ignore-ended", "was ignored until 2020-01-01"),
    ],
)
def test_a_field_is_told_before_and_after_its_last_day(until: str | None, code: str | None, said: str) -> None:
    found = lint(ignoring(until), {}, today=date(2026, 11, 20))
    assert found == lint_endings(ignoring(until), {}, date(2026, 11, 20))
    assert [each.code for each in found] == ([code] if code else [])
    for each in found:
        assert each.severity is Severity.WARNING
        assert each.source is not None
        assert each.source.line == 9
        assert said in each.detail


def test_what_ends_is_not_looked_for_where_nobody_says_which_day_it_is() -> None:
    assert lint(ignoring("2020-01-01"), {}) == ()
    assert lint(ignoring("2020-01-01"), {"ignore-ended": "off"}, today=date(2026, 11, 20)) == ()
    assert lint(ignoring("2020-01-01"), {}, today=date(2026, 11, 20), only=(Severity.ERROR,)) == ()
