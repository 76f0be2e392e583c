"""Every JSON document that a command prints: exactly one a run, in the envelope, and as its schema says."""

import json
from pathlib import Path
from typing import Any

from omnictl.config.schema import SCHEMA_KINDS
from tests.e2e.running import omnictl
from tests.unit.codec.schemas import mistakes, schema_of

_SANDBOXED = [
    ("plan", 0, "plan"),
    ("plan --detailed-exitcode", 2, "plan"),
    ("apply", 3, "plan"),
    ("apply --yes", 0, "apply"),
    ("render", 0, "render"),
    ("output", 0, "output"),
    ("output nothing", 1, "error"),
    ("drift", 0, "drift"),
    ("drift --only nothing", 64, "error"),
    ("doctor", 0, "doctor"),
    ("import --all --dry-run", 0, "import"),
    ("import vk-sms NOWHERE", 3, "error"),
    ("sandbox status", 0, "sandbox"),
    ("sandbox recipient list", 0, "sandbox-recipients"),
    ("accept vk-sms", 0, "accept"),
    ("accept nothing", 64, "error"),
    ("state list", 0, "state-list"),
    ("state show vk-sms", 0, "state-record"),
    ("state show nothing", 1, "error"),
    ("state history", 0, "state-history"),
    ("state unlock", 0, "state-unlock"),
    ("state push state.json", 0, "state-push"),
    ("state rollback 99", 1, "error"),
    ("state rollback 3", 0, "state-rollback"),
    ("state settle vk-sms --absent", 1, "error"),
    ("state settle vk-sms", 64, "error"),
    ("send vk-sms --to 41793026731 --text Hi --dry-run", 0, "send-dry-run"),
    ("send vk-sms --to 41793026731 --text Hi --wait", 0, "send"),
    ("send vk-sms --to 41793026731 --text Hi --send-at 2020-01-01T00:00:00Z", 1, "error"),
    ("send nothing --to 41793026731 --text Hi", 64, "error"),
    ("reports pull", 0, "reports-pull"),
    ("reports log", 0, "reports-log"),
    ("reports list", 0, "reports-list"),
    ("reports stats", 0, "reports-stats"),
    ("reports purge --before 0s", 3, "error"),
    ("reports purge --before 0s --yes", 0, "reports-purge"),
    ("plan --only nothing", 64, "error"),
    ("plan --nonsense", 64, "error"),
    ("show state.json", 0, "state"),
    ("show gone.json", 64, "error"),
]


def _check(document: Any, code: int, kind: str) -> None:
    assert mistakes(document) == []
    assert document["kind"] == kind
    if kind != "state":
        assert document["exit_code"] == code


def test_every_document_fits_its_schema(project: Path) -> None:
    omnictl("init")
    said = ("--channel", "SMS", "--after", "2h", "--price", "0.5", "--status", "2", "--error", "0")
    assert omnictl("sandbox", "recipient", "set", "41", "--outcome", "late", *said).code == 0
    for number, (words, code, kind) in enumerate(_SANDBOXED):
        if words.startswith("state push"):
            (project / "state.json").write_text(omnictl("state", "pull", "--sandbox").out)
        ran = omnictl(*words.split(), "--format", "json", "--sandbox")
        assert ran.code == code, (words, ran.err)
        _check(ran.document, code, kind)
        assert kind == "state" or ran.document["sandbox"] is True, number
    _check(json.loads((project / ".omnictl/sandbox/test/state.json").read_text()), 0, "state")
    _check(omnictl("validate", "--format", "json").document, 0, "validate")


def test_reports_are_the_same_documents(project: Path) -> None:
    omnictl("init")
    omnictl("plan", "--sandbox", "--report", "json=plan.json", "--out", "saved.json")
    assert (project / "plan.json").read_text() == (project / "saved.json").read_text()
    omnictl("apply", "saved.json", "--sandbox", "--report", "json=applied.json")
    omnictl("apply", "plan.json", "--sandbox", "--report", "json=again.json")
    omnictl("plan", "--report", "json=failed.json")
    for name, code, kind in (("plan", 0, "plan"), ("applied", 0, "apply"), ("again", 0, "apply")):
        _check(json.loads((project / f"{name}.json").read_text()), code, kind)
    _check(json.loads((project / "failed.json").read_text()), 5, "error")


def test_changes_of_every_kind_fit_the_schema(project: Path) -> None:
    omnictl("init")
    path = project / "scenarios" / "vk-sms.yaml"
    other = project / "scenarios" / "other.yaml"
    other.write_text("id: other\nname: Other\nflow: [{channel: SMS}]\n")
    omnictl("apply", "--sandbox", "--yes")
    path.write_text(path.read_text().replace("My VK", "Our VK").replace("VKONTAKTE", "VIBER"))
    other.unlink()
    (project / "scenarios" / "third.yaml").write_text("id: third\nname: Third\nflow: [{channel: SMS}]\n")
    ran = omnictl("plan", "--sandbox", "--format", "json", "--allow", "channel-removal=vk-sms")
    _check(ran.document, 0, "plan")
    assert {each["action"] for each in ran.document["items"]} == {"update", "forget", "create"}
    assert ran.document["guards"]


def test_a_broken_state_is_one_document_with_its_place(project: Path) -> None:
    omnictl("init")
    (project / "state").mkdir()
    (project / "state" / "test.json").write_text('{\n  "serial": 1\n  "lineage"')
    ran = omnictl("state", "list", "--format", "json")
    _check(ran.document, 1, "error")
    (diagnostic,) = ran.document["diagnostics"]
    assert diagnostic["source"] == {"path": "state/test.json", "line": 3, "column": 3}
    assert diagnostic["commands"] == ["omnictl state history", "omnictl state rollback SERIAL --set-aside"]
    assert {"code", "severity", "summary", "detail", "source", "hint", "commands"} == set(diagnostic)


def test_schemas_are_printed_and_say_which_dialect(project: Path) -> None:
    listed = omnictl("schema")
    assert listed.out.split() == list(SCHEMA_KINDS)
    for kind in SCHEMA_KINDS:
        ran = omnictl("schema", kind)
        assert ran.code == 0
        assert ran.document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert ran.document["title"] == f"omnictl {kind}"


def test_the_checker_finds_what_no_schema_names(project: Path) -> None:
    omnictl("init")
    document = omnictl("plan", "--sandbox", "--format", "json").document
    assert schema_of(document) == "plan"
    assert mistakes({**document, "later": 1})
    document["items"][0]["desired"]["later"] = 1
    assert mistakes(document)
    assert mistakes({**omnictl("validate", "--format", "json").document, "items": []})
