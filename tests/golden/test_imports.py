"""What an import says: in each of its ways, narrow, and with names that steer."""

from msgspec.structs import replace

from omnictl.engine.adopting import CODES, choose_all, choose_one, refuse_open_intents
from omnictl.engine.view import View
from omnictl.errors import OmnictlError
from omnictl.model.address import make_address
from omnictl.model.adoption import ImportedRow, ImportReport, LeftOut, Told
from omnictl.model.change import Change
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.scenario import Attributes, Configuration, Remote, Step
from omnictl.model.state import Intent
from omnictl.render.importing import render_import, tell_left_out
from omnictl.render.style import Style
from tests.builders import NOW, Scene, key_of
from tests.golden.golden import check_golden
from tests.golden.words import all_told

ROWS = (
    ImportedRow("black-friday", key_of("a"), "Black Friday", "scenarios/black-friday.yaml", True),
    ImportedRow("order-paid-9a41b7ce", key_of("b"), "Order paid", "scenarios/order-paid-9a41b7ce.yaml", True),
    ImportedRow("welcome", key_of("c"), "Welcome", "scenarios/hello.yaml", False),
)
HOSTILE = (
    ImportedRow("scenario-cd265875", key_of("d"), "\x1b[31mred \u202eevil", "scenarios/scenario-cd265875.yaml", True),
    ImportedRow("x" * 48, key_of("e"), "重要なお知らせ" * 30, f"scenarios/{'x' * 48}.yaml", True),
)
RCS = LeftOut(
    key_of("f"), "New", "this omnictl does not know the channel RCS", "declare it", ("extra_channels: [RCS]",)
)
WHOLE = ImportReport(
    "production",
    "xyz1ab.api.infobip.com",
    ROWS,
    (RCS,),
    (),
    default="welcome",
    serial=119,
    changed=True,
    production=True,
    only_in="production",
)


def differing() -> tuple[Change, ...]:
    scene = Scene().both("anchor").declare("welcome", "Hello", "VIBER:Acme > SMS").remember("welcome", "Welcome", "SMS")
    return scene.plan().changes


def beside() -> tuple[Change, ...]:
    return Scene().both("anchor").holds_default("anchor").declare("vk-sms", default=True).plan().changes


def test_what_an_import_says() -> None:
    reports = {
        "imported": WHOLE,
        "dry run": replace(WHOLE, dry_run=True, serial=0, only_in=None),
        "files alone": replace(WHOLE, files_only=True, left_out=(), default=None),
        "one": replace(WHOLE, rows=ROWS[2:], left_out=(), default=None, production=False),
        "the file says something else": replace(WHOLE, left_out=(), default=None, differing=differing()),
        "other files wait": replace(WHOLE, left_out=(), default=None, others=beside()),
        "both": replace(WHOLE, left_out=(), default=None, differing=differing(), others=beside()),
        "files alone, others wait": replace(WHOLE, files_only=True, left_out=(), default=None, others=beside()),
        "only observed": replace(WHOLE, left_out=(), default=None, rows=ROWS[2:], observed={"welcome": False}),
        "only observed, and differs": replace(
            WHOLE, left_out=(), default=None, observed={"black-friday": True, "welcome": False}
        ),
        "no plan": replace(WHOLE, differing=None),
        "nothing left": ImportReport("test", "xyz1ab.api.infobip.com", (), (), ()),
        "nothing left, others wait": ImportReport("test", "xyz1ab.api.infobip.com", (), (), (), others=beside()),
        "all left out": ImportReport("test", "xyz1ab.api.infobip.com", (), (RCS, RCS), ()),
    }
    check_golden("import.txt", "\n".join(f"# {name}\n{render_import(each, Style())}" for name, each in reports.items()))


def test_narrow_with_hostile_names_and_in_colour() -> None:
    report = replace(WHOLE, rows=(*HOSTILE, *ROWS))
    evil = "id: scenario-cd265875\nname: \u202eevil\n"
    shown = replace(report, rows=(replace(HOSTILE[0], text=evil), ROWS[2]), dry_run=True)
    check_golden("import-files.txt", render_import(shown, Style(), verbose=True))
    check_golden("import-hostile-60.txt", render_import(report, Style(width=60, cuts=True, unicode=False)))
    check_golden("import-colour.txt", render_import(WHOLE, Style(colour=True)))


def command_if(told: Told) -> str:
    return f"omnictl import --all {told}"


def test_what_was_left_out_and_why() -> None:
    many = tuple(replace(RCS, key=key_of(f"k{number}"), name=f"Many {number}") for number in range(12))
    left_out = choose_all(twin().view, {}).left_out + choose_all(alike().view, {}).left_out
    told = tell_left_out((RCS, replace(RCS, reason="it has no name", commands=()), *left_out), command_if)
    check_golden("import-left-out.txt", all_told((*told, *tell_left_out(many, command_if))))


def twin() -> Scene:
    return Scene().both("anchor").unmanaged("Twin", "VOICE").declare("mine", "Twin")


def alike() -> Scene:
    """Files that may be those of scenarios, each for another reason; no state says it."""
    scene = Scene().unmanaged("Copied").unmanaged("Copied").declare("copied", "Copied", "SMS:InfoSMS")
    scene.unmanaged("Two").unmanaged("Two")
    scene.declare("two-a", "Two", "SMS:InfoSMS").declare("two-b", "Two", "SMS:InfoSMS")
    scene.unmanaged("Edited").declare("edited", "Edited today")
    scene.unmanaged("Bent name").declare("bent", "BENT  NAME", "SMS:InfoSMS")
    scene.remotes["9A41B7CE"] = Remote("9A41B7CE", Attributes("Named by its key", (Step("VOICE"),)))
    scene.declare("old-9a41b7ce", "Old name")
    return scene.unmanaged("Renamed", "VIBER").declare("before", "Before", "VIBER")


def refusal(scene: Scene, scenario_id: str, key: str) -> Diagnostic:
    view = View(Configuration({each.address: each for each in scene.resources.values()}), scene.state, scene.remotes)
    try:
        choose_one(view, {"ELSEWHERE": "staging"}, make_address(scenario_id), key)
    except OmnictlError as error:
        return error.diagnostics[0]
    raise AssertionError(scenario_id)


def open_create() -> Diagnostic:
    intent = Intent(make_address("otp-br"), Attributes("OTP", (Step("SMS"),)), False, "run", NOW, NOW)
    try:
        refuse_open_intents(replace(Scene().state, intents=(intent,)))
    except OmnictlError as error:
        return error.diagnostics[0]
    raise AssertionError


def test_what_is_refused() -> None:
    scene = twin().declare("named", "Named", import_key="THEIRS")
    renamed = Scene().remember("old", "Same").declare("new", "Same").unmanaged("Free")
    free = next(key for key in scene.remotes if key != key_of("anchor"))
    problems = [
        refusal(scene, "mine", "NOWHERE"),
        refusal(scene, "mine", key_of("anchor")),
        refusal(scene, "mine", "ELSEWHERE"),
        refusal(scene, "mine", "THEIRS"),
        refusal(scene, "anchor", free),
        refusal(scene, "named", free),
        refusal(renamed, "new", next(reversed(renamed.remotes))),
        open_create(),
    ]
    assert set(CODES) <= {each.code for each in problems}
    check_golden("import-refused.txt", all_told(problems))
