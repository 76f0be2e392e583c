"""The state as text."""

import pytest
from msgspec.structs import replace

from omnictl.model.address import make_address
from omnictl.model.scenario import Attributes, Lifecycle, Manage, OnRemoval, Protection
from omnictl.render.state_text import Version, render_history, render_record, render_state
from omnictl.render.style import Style
from tests.builders import NOW, example_scene, flow

STATE = example_scene().state
RECORD = STATE.records[make_address("welcome")]


def test_a_record_tells_what_is_not_the_usual() -> None:
    lifecycle = Lifecycle(Protection.ALL, Manage.OBSERVE, OnRemoval.RETIRE)
    record = replace(RECORD, lifecycle=lifecycle, observed=Attributes('We"lcome', flow("SMS")), updated_at=NOW)
    assert render_record(record, Style()).splitlines() == [
        "id        welcome",
        f"key       {RECORD.key}",
        'name      "Welcome"',
        "flow      VKONTAKTE -> SMS InfoSMS -> VIBER Acme",
        'observed  "We\\"lcome", SMS',
        "created   2026-11-20 14:12:03Z",
        "updated   2026-11-20 14:12:03Z",
        "protected every write",
        "managed   observe",
        "removal   retire",
    ]


def test_a_record_as_usual() -> None:
    record = replace(RECORD, created_at=None, lifecycle=Lifecycle(Protection.REMOVAL))
    lines = render_record(record, Style()).splitlines()
    assert lines[-2:] == ["protected removal", "removal   forget"]
    assert not any(line.startswith(("created", "updated", "observed", "managed")) for line in lines)


@pytest.mark.parametrize("width", [40, 80])
def test_a_long_flow_goes_on_under_itself(width: int) -> None:
    record = replace(RECORD, applied=Attributes("x", flow(" > ".join(["SMS:InfoSMS"] * 12))))
    lines = render_record(replace(record, observed=record.applied), Style(width=width)).splitlines()
    assert lines[1] == f"key       {RECORD.key}"
    assert max(map(len, lines[2:])) <= width
    assert all(line.startswith(" " * 10) for line in lines[4:-2])


def test_a_table_ends_at_the_width_of_a_terminal() -> None:
    lines = render_state(STATE, Style(width=60, cuts=True)).splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[1].endswith("…")


def test_an_empty_state_has_no_table() -> None:
    assert (
        render_state(replace(STATE, records={}), Style()) == "0 scenarios in production, serial 118, lineage c0ffee.\n"
    )


def test_the_places_of_the_history_are_never_cut() -> None:
    place = "/a/very/long/place/" * 10
    text = render_history([Version("c0ffee" * 4, 7, NOW, place)], Style(width=60))
    assert text.splitlines()[1] == f"7       2026-11-20 14:12:03Z  c0ffeec0  {place}"
