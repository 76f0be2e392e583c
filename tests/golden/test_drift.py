"""Drift as text, Markdown, JSON and metrics, as people and programs see it."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from omnictl.codec.drift import encode_drift
from omnictl.engine.drift import find_drift
from omnictl.engine.view import Circumstances, View
from omnictl.model.address import make_address
from omnictl.model.diagnostic import Severity, Source
from omnictl.model.drift import Drift, IgnoreLine
from omnictl.model.plan import Settled
from omnictl.model.scenario import Configuration, IgnoredField, Lifecycle, Manage
from omnictl.model.state import Account
from omnictl.render.drift_markdown import render_drift_markdown
from omnictl.render.drift_text import render_drift
from omnictl.render.prometheus import render_prometheus
from omnictl.render.style import Style
from tests.builders import NOW, PLAN_ID, Scene, key_of, managing, problem
from tests.golden.golden import check_golden
from tests.unit.codec.schemas import mistakes

CAMPAIGN = Lifecycle(ignore_changes=(IgnoredField("name", "campaign team edits it", "2026-12-31"),))


def find(
    scene: Scene,
    *,
    settled: tuple[Settled, ...] = (),
    lines: tuple[str, ...] = (),
    elsewhere: Mapping[str, str] | None = None,
    **more: Any,
) -> Drift:
    """Return the drift of a scene, looked for three hours after it was recorded."""
    resources = {each.address: each for each in scene.resources.values()}
    around = Circumstances(PLAN_ID, NOW + timedelta(hours=3), scene.environment, Account(scene.host), **more)
    around = replace(around, neighbours=managing(elsewhere or {}))
    read = tuple(IgnoreLine(each, Source(".omnictlignore", 1, 1)) for each in lines)
    view = View(Configuration(dict(sorted(resources.items()))), scene.state, scene.remotes)
    return find_drift(view, around, settled=settled, lines=read)


def place(scene: Scene, scenario_id: str, **lines: int) -> None:
    """Say where the fields of a file stand."""
    resource = scene.resources[scenario_id]
    path = f"scenarios/{scenario_id}.yaml"
    sources = {name.replace("_", ""): Source(path, line, 3) for name, line in lines.items()}
    scene.resources[scenario_id] = replace(resource, sources={**resource.sources, **sources})


def conflict() -> Drift:
    """The example of the specification."""
    scene = Scene()
    for number in range(215):
        scene.both(f"other-{number}")
    scene.declare("otp-br", "OTP BR", "WHATSAPP:447700900123 > SMS:BRAND")
    scene.remember(
        "otp-br",
        "OTP Brazil",
        "WHATSAPP:447700900123 > SMS:InfoSMS",
        account=("OTP Brazil", "WHATSAPP:447700900123 > SMS:PROMO > EMAIL:o@acme.example"),
    )
    place(scene, "otp-br", flow=5, _flow=6)
    steps = "VKONTAKTE > SMS:InfoSMS > VIBER:Acme"
    scene.declare("welcome", "Welcome", steps)
    scene.remember("welcome", "Welcome", steps, account=("Welcome", "VIBER:Acme > VKONTAKTE > SMS:InfoSMS"))
    place(scene, "welcome", flow=4)
    scene.declare("promo", "Promotion", lifecycle=CAMPAIGN)
    scene.remember("promo", "Promotion", account=("Promotion, last days", "VKONTAKTE > SMS:InfoSMS"))
    return find(scene.unmanaged("test").unmanaged("test").unmanaged("Black Friday"))


def none() -> Drift:
    return find(Scene().both("a").both("b"))


def one_scenario() -> Drift:
    return find(Scene(environment="test").both("a"), sandbox=True)


def nothing_recorded() -> Drift:
    return find(Scene().declare("a").unmanaged("test"))


def nothing_at_all() -> Drift:
    return find(Scene())


def every_kind() -> Drift:
    scene = Scene().both("same").declare("edited", "New name").remember("edited")
    scene.both("holder").holds_default("holder")
    scene.declare("taker", default=False).remember("taker")
    scene.remotes[key_of("holder")] = replace(scene.remotes[key_of("holder")], is_default=False)
    scene.remotes[key_of("taker")] = replace(scene.remotes[key_of("taker")], is_default=True)
    scene.declare("holder", default=True)
    scene.declare("vanished").remember("vanished", vanished=True)
    scene.remember("left", account=("Left and renamed", "VKONTAKTE > SMS:InfoSMS"))
    scene.declare("agreed", "Both say so").remember("agreed", account=("Both say so", "VKONTAKTE > SMS:InfoSMS"))
    scene.declare("watched", lifecycle=Lifecycle(manage=Manage.OBSERVE))
    scene.remember("watched", account=("watched", "SMS:Other > VKONTAKTE"), lifecycle=Lifecycle(manage=Manage.OBSERVE))
    scene.declare("both", "From files", lifecycle=Lifecycle(manage=Manage.OBSERVE))
    scene.remember("both", account=("From account", "VKONTAKTE > SMS:InfoSMS"))
    scene.declare("renamed", "Renamed", "SMS:Acme", previous_ids=("was",))
    scene.remember("was", "Renamed", "SMS:Acme", account=("Renamed", "SMS:Acme > VOICE:447700900123"))
    hidden = Lifecycle(ignore_changes=(IgnoredField("name"), IgnoredField("flow[1].from", "tests")))
    scene.declare("partly", lifecycle=hidden).remember("partly", account=("Other", "EMAIL:a@acme.example > SMS:Other"))
    scene.declare("ignored", lifecycle=hidden).remember("ignored", account=("Other", "VKONTAKTE > SMS:Other"))
    for name in ("Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta", "[old] one", "[old] two"):
        scene.unmanaged(name)
    elsewhere = {"FACE": "staging", next(iter(scene.remotes)): "staging"}
    elsewhere = {f"{0xFACE0000 + len(scene.remotes) - 1:032X}": "staging", "GONE": "test"}
    settled = (Settled(make_address("same"), key_of("same")), Settled(make_address("lost"), None))
    return find(scene, elsewhere=elsewhere, lines=("[old] *", "Zeta"), settled=settled)


def flows_in_conflict() -> Drift:
    """Each way in which a step can be changed on both sides."""
    scene = Scene()
    before = "VKONTAKTE > VIBER:Acme > SMS:InfoSMS > EMAIL:a@acme.example"
    for name, files, account in (
        (
            "removed",
            "VIBER:Acme > SMS:InfoSMS > EMAIL:a@acme.example",
            "VKONTAKTE > SMS:InfoSMS > EMAIL:a@acme.example",
        ),
        ("moved", f"{before} > PUSH:x", "EMAIL:a@acme.example > VKONTAKTE > VIBER:Acme > SMS:InfoSMS"),
        ("inserted", f"{before} > PUSH:x", f"{before} > VOICE:447700900123"),
        ("unsent", "VKONTAKTE > VIBER > SMS:InfoSMS > EMAIL:a@acme.example", "VKONTAKTE > SMS:InfoSMS"),
    ):
        scene.declare(name, name, files).remember(name, name, before, account=(name, account))
    return find(scene)


def taken_over() -> Drift:
    """The file has what the account changed, and more; and one side dropped what the other changed."""
    before = "VKONTAKTE > SMS:InfoSMS"
    scene = Scene().declare("more", "New", "VKONTAKTE > SMS:BRAND").remember("more", "Old", account=("New", before))
    scene.declare("swapped", "swapped", "VKONTAKTE")
    scene.remember("swapped", account=("swapped", "SMS:InfoSMS > VKONTAKTE"))
    scene.declare("dropped", "dropped", "VKONTAKTE").remember("dropped", account=("dropped", "VKONTAKTE > SMS:PROMO"))
    return find(scene)


def default_to_nobody() -> Drift:
    scene = Scene().both("a").both("b").holds_default("a")
    scene.remotes[key_of("a")] = replace(scene.remotes[key_of("a")], is_default=False)
    return find(scene)


def default_to_a_stranger() -> Drift:
    scene = Scene().both("a").declare("b", default=True).remember("b").holds_default("b").unmanaged("Not ours")
    for key, remote in scene.remotes.items():
        scene.remotes[key] = replace(remote, is_default=remote.attributes.name == "Not ours")
    return find(scene)


def hostile() -> Drift:
    scene = Scene()
    names = {
        "wide": "重要なお知らせ 📣 전화",
        "controls": "bell\a escape\x1b[31m newline\nnul\0",
        "right-to-left": "שלום \u202eevil\u202c",
        "markup": "**bold** <b> | # @team [link](http://evil.example) `code` <!-- --> ::error::x",
        "quotes": "\"double\" 'single' `back` $(rm) \\",
        "long": "A name that goes on and on " * 12,
    }
    for scenario_id, name in names.items():
        scene.declare(scenario_id, "From the files").remember(scenario_id, account=(name, f"SMS:{name[:11]}"))
        scene.unmanaged(name)
    scene.declare("alone").remember("alone", account=(names["markup"], "VKONTAKTE > SMS:InfoSMS"))
    return find(scene)


def many() -> Drift:
    scene = Scene()
    for number in range(60):
        scene.declare(f"drifted-{number:02}").remember(f"drifted-{number:02}", account=("Other", "SMS:Other"))
        scene.declare(f"both-{number:02}", "X").remember(f"both-{number:02}", account=("Other", "SMS:Other"))
        scene.declare(f"gone-{number:02}").remember(f"gone-{number:02}", vanished=True)
    return find(scene)


def selection() -> Drift:
    scene = Scene().declare("otp-br").remember("otp-br", account=("Other", "SMS:Other")).both("otp-us").both("a")
    return find(scene.holds_default("a"), only=("otp-*",), exclude=("otp-x y",))


def with_diagnostics() -> Drift:
    note = problem("ignore-ended", Severity.WARNING, summary="A field is no longer ignored", detail="promo: name.")
    return replace(find(Scene().both("a")), diagnostics=(note,))


DRIFTS: list[Callable[[], Drift]] = [
    conflict,
    none,
    one_scenario,
    nothing_recorded,
    nothing_at_all,
    every_kind,
    flows_in_conflict,
    taken_over,
    default_to_nobody,
    default_to_a_stranger,
    hostile,
    many,
    selection,
    with_diagnostics,
]


def name_of(make: Callable[[], Drift]) -> str:
    return f"drift-{make.__name__.replace('_', '-')}"


def code_of(drift: Drift) -> int:
    return 2 if drift.differing else 0


@pytest.mark.parametrize("make", DRIFTS, ids=lambda make: make.__name__)
def test_text(make: Callable[[], Drift]) -> None:
    drift = make()
    check_golden(f"{name_of(make)}.txt", render_drift(drift, Style(), exit_code=code_of(drift)))


@pytest.mark.parametrize("make", DRIFTS, ids=lambda make: make.__name__)
def test_markdown(make: Callable[[], Drift]) -> None:
    drift = make()
    check_golden(f"{name_of(make)}.md", render_drift_markdown(drift, exit_code=code_of(drift)))


@pytest.mark.parametrize("make", [conflict, none, every_kind, flows_in_conflict], ids=lambda make: make.__name__)
def test_json(make: Callable[[], Drift]) -> None:
    drift = make()
    document = encode_drift(drift, version="1.0.0", exit_code=code_of(drift))
    assert mistakes(document) == []
    check_golden(f"{name_of(make)}.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("make", [conflict, one_scenario, every_kind], ids=lambda make: make.__name__)
def test_metrics(make: Callable[[], Drift]) -> None:
    check_golden(f"{name_of(make)}.prom", render_prometheus(make()))


@pytest.mark.parametrize("width", [60, 80, 140])
def test_text_in_any_width(width: int) -> None:
    text = render_drift(conflict(), Style(width=width), exit_code=2)
    check_golden(f"drift-conflict-{width}.txt", text)
    commands = [line for line in text.splitlines() if line.startswith("    ") and "omnictl" in line]
    assert max(len(line) for line in text.splitlines() if line not in commands) <= width


def test_text_in_colour() -> None:
    check_golden("drift-conflict-colour.txt", render_drift(conflict(), Style(colour=True), exit_code=2))


def test_text_without_unicode() -> None:
    text = render_drift(conflict(), Style(unicode=False), exit_code=2)
    check_golden("drift-conflict-ascii.txt", text)
    assert text.isascii()


def test_text_with_everything_that_nobody_manages() -> None:
    text = render_drift(every_kind(), Style(), exit_code=2, show_all=True, verbose=True)
    check_golden("drift-every-kind-all.txt", text)


@pytest.mark.parametrize("units", [2000, 4000, 65_536])
def test_markdown_fits_into_an_issue(units: int) -> None:
    text = render_drift_markdown(many(), exit_code=2, most_units=units)
    assert len(text.encode("utf-16-le")) // 2 <= units
    check_golden(f"drift-many-{units}.md", text)
