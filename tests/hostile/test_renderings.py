"""Whatever a name, a sender or an error holds: nothing steers, nothing becomes markup, every document stays one."""

import json
import re
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from omnictl.cli.renderings import PLAIN, apply_renderings, drift_renderings, failure_renderings, plan_renderings
from omnictl.cli.reports import Rendering
from omnictl.errors import ConfigurationError
from omnictl.model.address import make_address
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.outcome import ApplyReport
from omnictl.model.plan import Plan
from omnictl.model.scenario import IgnoredField, Lifecycle
from omnictl.render.state_text import render_record
from tests.builders import Scene, key_of
from tests.golden.test_drift import find
from tests.hostile.steering import find_steering
from tests.unit.codec.strategies import plans, records_of, reports

SIGNS = st.sampled_from(
    "\x00\x07\x08\r\n\t\x1b\x7f\x9b\x9d\u00ad\u061c\u200b\u200d\u202e\u2066\u2028\ufeff\u034f\u115f\u3164\u2800\U000e0100\ud800\U000e0041%:,|<>&\"'`@#]"
)
HOSTILE = st.lists(SIGNS | st.sampled_from(["::error::x", "\x1b]8;;http://x\x07", "]]>", "<script>", "a"]), max_size=8)
hostile_texts = HOSTILE.map("".join)


def check(kind: str, text: str) -> None:
    """A rendering is what its kind says, and steers nothing."""
    assert find_steering(text) == "", kind
    if kind in ("json", "sarif", "gitlab", "gitlab-codequality"):
        json.loads(text)
    elif kind == "junit":
        ET.fromstring(text)
    elif kind == "github":
        assert all(re.match(r"::(error|warning|notice) [^:]*::", line) for line in text.splitlines())
    elif kind == "prometheus":
        assert all(line.startswith(("# ", "omnictl_")) for line in text.split("\n")[:-1])
    elif kind == "html":
        assert "<script" not in text


def check_all(renderings: "dict[str, Rendering]") -> None:
    for kind, rendering in renderings.items():
        check(kind, rendering())


@given(plans)
@settings(max_examples=30)
def test_any_plan(plan: Plan) -> None:
    check_all(dict(plan_renderings(plan, 0)))


@given(reports)
@settings(max_examples=30)
def test_any_report(report: ApplyReport) -> None:
    check_all(dict(apply_renderings(report, 4)))


@given(hostile_texts, hostile_texts, st.sampled_from(Severity))
@settings(max_examples=30)
def test_any_finding(one: str, other: str, severity: Severity) -> None:
    source = Source(f"scenarios/{one}.yaml", 2, 3, 4, ((1, one), (2, f"  {other}"), (3, one)))
    finding = Diagnostic("some-code", severity, "A summary", f"{one} and {other}", source, other, one, (other, one))
    check_all(dict(failure_renderings(ConfigurationError(finding), sandbox=False)))


@given(hostile_texts, hostile_texts)
@settings(max_examples=30)
def test_any_name_and_sender(name: str, sender: str) -> None:
    scene = Scene(environment=f"e{name}").declare("a", name, f"SMS:{sender}".replace(">", "")).unmanaged(sender)
    scene.both("b").remember("c", sender)
    check_all(dict(plan_renderings(scene.plan(), 0)))


@given(hostile_texts, hostile_texts)
@settings(max_examples=30)
def test_any_name_and_sender_of_drift(name: str, sender: str) -> None:
    steps = f"VIBER > SMS:{sender}".replace(">", "").replace("VIBER ", "VIBER >")
    scene = Scene(environment=f"e{name}").unmanaged(name).unmanaged(sender)
    hidden = Lifecycle(ignore_changes=(IgnoredField("name", sender),))
    scene.declare("a", sender).remember("a", account=(name, steps))
    scene.declare("b", "B").remember("b", "B", account=(name, steps))
    scene.declare("c", sender, lifecycle=hidden).remember("c", sender, account=(name, "VKONTAKTE > SMS:InfoSMS"))
    scene.both("d").holds_default("d")
    scene.remotes[key_of("d")] = replace(scene.remotes[key_of("d")], is_default=False)
    other = next(key for key in scene.remotes if key.startswith("0000"))
    scene.remotes[other] = replace(scene.remotes[other], is_default=True)
    check_all(dict(drift_renderings(find(scene, elsewhere={"x": name}, lines=(sender,)), 2)))


@given(st.data())
@settings(max_examples=30)
def test_any_record(data: st.DataObject) -> None:
    record = data.draw(records_of(st.just(make_address("a"))))
    assert find_steering(render_record(record, PLAIN)) == ""
