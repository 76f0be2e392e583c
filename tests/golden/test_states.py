"""The state as people see it."""

from msgspec.structs import replace

from omnictl.model.address import make_address
from omnictl.model.scenario import Attributes, Step
from omnictl.model.state import Intent
from omnictl.render.outputs import Row, render_output
from omnictl.render.state_text import render_record, render_state
from omnictl.render.style import Style
from tests.builders import NOW, Scene, example_scene, key_of
from tests.golden.golden import check_golden


def test_state() -> None:
    check_golden("state.txt", render_state(example_scene().state, Style()))


def test_narrow_state_with_hostile_names() -> None:
    scene = (
        Scene().remember("wide", "重要なお知らせ").remember("controls", "bell\a \u202eevil").remember("long", "x" * 90)
    )
    scene.remember("joined", "👩\u200d🚀 launch")
    check_golden("state-hostile-60.txt", render_state(scene.state, Style(width=60, cuts=True)))


def test_state_with_an_open_create() -> None:
    intent = Intent(make_address("otp-br"), Attributes("OTP", (Step("SMS"),)), False, "run", NOW, NOW)
    check_golden("state-open.txt", render_state(replace(Scene().state, intents=(intent,)), Style()))


def test_record() -> None:
    record = next(iter(Scene().remember("a", "A name").state.records.values()))
    told = render_record(record, Style())
    drifted = replace(record, observed=replace(record.observed, name="Another"), updated_at=NOW)
    check_golden("state-record.txt", told + "\n" + render_record(drifted, Style()))


def test_keys_for_applications() -> None:
    rows = [Row("vk-sms", key_of("vk-sms"), "VK and SMS"), Row("otp", "it's; a $(key)", "O\x1bTP")]
    for kind in ("text", "shell", "dotenv"):
        check_golden(f"output.{kind}", render_output(kind, rows, command="omnictl output", style=Style()))
