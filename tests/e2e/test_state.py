"""``omnictl state`` and ``show`` as a user runs them."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from omnictl.codec.state import decode_state, encode_state
from omnictl.engine.recover import owned_keys
from omnictl.errors import StateWriteError
from omnictl.model.address import id_of, make_address
from omnictl.model.scenario import Attributes
from omnictl.model.state import Intent, State
from omnictl.state.local.backend import LocalBackend
from tests.builders import NOW, example_scene, flow, problem
from tests.e2e.conftest import ServeSandbox
from tests.e2e.running import Ran, omnictl, omnictl_process
from tests.projects import write

KINDS = [
    ("list",),
    ("show", "welcome"),
    ("pull",),
    ("push", "incoming.json"),
    ("rollback", "1"),
    ("settle", "welcome", "--absent"),
]
STATE = replace(example_scene().state, environment="default")


def intent(scenario_id: str = "otp-br") -> Intent:
    """Return an open create."""
    return Intent(make_address(scenario_id), Attributes("OTP", flow("SMS")), False, "run-1", NOW, NOW, ("OLD",))


@pytest.fixture
def stored(project: Path) -> Callable[[State], Path]:
    """Store a state as the project's own."""

    def store(state: State) -> Path:
        path = project / "state" / "default.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(encode_state(state))
        return path

    return store


def piped(text: str, *arguments: str) -> Ran:
    """Run omnictl with something on its stdin."""
    stdin = io.TextIOWrapper(io.BytesIO(text.encode()))
    with patch("tests.e2e.running.io.StringIO", return_value=stdin):
        return omnictl(*arguments)


# --- looking ------------------------------------------------------------------------------------------------------


def test_without_a_state_every_command_says_so(project: Path) -> None:
    (project / "incoming.json").write_text("{}")
    for words in (("list",), ("show", "x"), ("pull",), ("rollback", "1"), ("settle", "x", "--absent")):
        ran = omnictl("state", *words)
        assert ran.code == 1, words
        assert "no-state" in ran.err
        assert "state/default.json" in ran.err
    assert omnictl("state", "history").code == 0
    assert omnictl("state", "unlock").code == 0
    ran = omnictl("state", "list", "--format", "json")
    assert ran.code == 1
    assert ran.document["kind"] == "error"
    assert ran.document["diagnostics"][0]["code"] == "no-state"


def test_list_shows_ids_keys_and_what_is_open(stored: Callable[[State], Path]) -> None:
    stored(replace(STATE, intents=(intent(),)))
    ran = omnictl("state", "list")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].split() == ["ID", "KEY", "NAME", "FLOW"]
    assert "unknown  otp-br: a create whose outcome is not known" in lines
    assert lines[-1] == f"{len(STATE.records)} scenarios in default, serial 118, lineage c0ffee."
    document = omnictl("state", "list", "--format", "json").document
    assert [each["id"] for each in document["items"]] == sorted(each["id"] for each in document["items"])
    assert document["serial"] == 118


def test_show_one(stored: Callable[[State], Path]) -> None:
    stored(STATE)
    ran = omnictl("state", "show", "welcome")
    assert "flow      VKONTAKTE -> SMS InfoSMS -> VIBER Acme" in ran.out
    wrong = omnictl("state", "show", "welcom")
    assert wrong.code == 1
    assert "did you mean welcome?" in wrong.err
    assert "omnictl state list" in omnictl("state", "show", "zzz").err


def test_pull_is_what_push_takes(stored: Callable[[State], Path]) -> None:
    path = stored(STATE)
    pulled = omnictl("state", "pull")
    assert decode_state(pulled.out, path="x") == STATE
    ran = piped(pulled.out, "state", "push", "-")
    assert ran.code == 0
    assert "Nothing to do" in ran.out
    assert decode_state(path.read_text(), path="x") == STATE


def test_a_terminal_never_gets_what_a_name_holds(stored: Callable[[State], Path]) -> None:
    document = json.loads(encode_state(STATE))
    document["records"]["welcome"]["applied"]["name"] = "\x1b[31mred\u202e\n"
    stored(STATE).write_text(json.dumps(document))
    for words in (("list",), ("show", "welcome")):
        ran = omnictl("state", *words)
        assert ran.code == 0
        assert not {"\x1b", "\x07", "\u202e"} & set(ran.out)


# --- mending ------------------------------------------------------------------------------------------------------


def test_push_and_rollback_drop_no_key(stored: Callable[[State], Path], project: Path) -> None:
    path = stored(STATE)
    smaller = replace(STATE, serial=3, records=dict(list(STATE.records.items())[:-1]))
    lost = list(STATE.records)[-1].removeprefix("scenario.")
    (project / "incoming.json").write_text(encode_state(smaller))
    ran = omnictl("state", "push", "--force", "incoming.json", "--format", "json")
    assert ran.code == 0
    assert (ran.document["serial"], ran.document["tombstones"]) == (119, [lost])
    assert [each.address for each in decode_state(path.read_text(), path="x").tombstones] == [make_address(lost)]
    assert "118" in omnictl("state", "history").out
    back = omnictl("state", "rollback", "118")
    assert back.code == 0
    assert "Back at version 118, stored as serial 120." in back.out
    stored_again = decode_state(path.read_text(), path="x")
    assert (stored_again.serial, stored_again.content) == (120, STATE.content)
    again = omnictl("state", "rollback", "118")
    assert "Nothing to do" in again.out
    again = omnictl("state", "push", "--force", "incoming.json")
    assert again.out.splitlines()[1].endswith(f"tombstones: {lost}.")


def test_push_of_an_older_file_takes_nothing_back(stored: Callable[[State], Path], project: Path) -> None:
    """A run that was overtaken prints this command; what the stored state has become since stays."""
    path = stored(STATE)
    before = path.read_bytes()
    older = replace(STATE, serial=3, records=dict(list(STATE.records.items())[:-1]))
    incoming = project / "incoming.json"
    incoming.write_text(encode_state(older))
    ran = omnictl("state", "push", "incoming.json")
    assert ran.code == 0
    assert (
        ran.out.splitlines()[0]
        == "Nothing to put back: what is stored, as serial 118, knows all of the file (serial 3)."
    )
    assert "    omnictl state push --force incoming.json" in ran.out.splitlines()
    assert path.read_bytes() == before
    first, second, *_ = STATE.records.values()
    more = (replace(first, key="TWIN"), replace(first, address=make_address("late"), key="LATE"))
    known = replace(older, intents=(intent(),), records={each.address: each for each in more})
    incoming.write_text(encode_state(known))
    ran = omnictl("state", "push", "incoming.json", "--format", "json")
    assert (ran.document["is_kept"], ran.document["serial"]) == (True, 119)
    assert (ran.document["recorded"], ran.document["tombstones"]) == (["late"], [id_of(first.address)])
    stored(STATE)
    ran = omnictl("state", "push", "incoming.json")
    assert ran.out.splitlines()[:5] == [
        "The stored state went on since serial 3: it is kept, with what only the file knew.",
        f"Stored as serial 119: {len(STATE.records) + 1} scenarios.",
        "Recorded again: late.",
        f"Another key is recorded by now, that of the file is a tombstone: {id_of(first.address)}.",
        "Creates that are open, which the next apply looks for: 1 create.",
    ]
    state = decode_state(path.read_text(), path="x")
    assert STATE.records.items() <= state.records.items()
    assert second.key in {each.key for each in state.records.values()}


def test_rollback_to_what_is_not_kept(stored: Callable[[State], Path]) -> None:
    stored(STATE)
    ran = omnictl("state", "rollback", "99")
    assert ran.code == 1
    assert "kept are none" in ran.err
    assert omnictl("state", "rollback", "nine").code == 64
    assert omnictl("state", "rollback", "-1").code == 64


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"lineage": "other"}, 3, "other-lineage"),
        ({"environment": "production"}, 3, "foreign-state"),
        ({"format_version": 2}, 1, "newer-state"),
        ({"kind": "plan"}, 64, "this is no state but 'plan'"),
        ({"serial": -1}, 64, "serial: expected a number"),
    ],
)
def test_push_of_the_wrong_thing(
    stored: Callable[[State], Path], project: Path, change: dict[str, Any], code: int, said: str
) -> None:
    path = stored(STATE)
    before = path.read_bytes()
    (project / "incoming.json").write_text(json.dumps({**json.loads(encode_state(STATE)), **change}))
    ran = omnictl("state", "push", "incoming.json")
    assert ran.code == code
    assert said in ran.err
    assert path.read_bytes() == before


def test_push_of_no_file(stored: Callable[[State], Path]) -> None:
    stored(STATE)
    assert omnictl("state", "push", "gone.json").code == 64
    assert omnictl("state", "push", "gone.json", "--lock-timeout", "soon").code == 64
    assert omnictl("state", "push", "state").code == 64
    assert piped("not json", "state", "push", "-").code == 64
    assert "stdin" in piped("", "state", "push", "-").err


def test_open_creates_forbid_surgery(stored: Callable[[State], Path], project: Path) -> None:
    path = stored(replace(STATE, serial=117))
    backend = LocalBackend(path, work_dir=project / ".omnictl", environment="default")
    backend.write(replace(STATE, intents=(intent(),)))
    (project / "incoming.json").write_text(encode_state(STATE))
    for words in (("push", "--force", "incoming.json"), ("rollback", "117")):
        ran = omnictl("state", *words, "--format", "json")
        assert ran.code == 3
        assert ran.document["refusal"]["kind"] == "policy"
        assert ran.document["diagnostics"][0]["code"] == "open-intents"
    assert omnictl("state", "settle", "otp-bx", "--absent").code == 1
    assert omnictl("state", "settle", "otp-br").code == 64
    assert omnictl("state", "settle", "otp-br", "--absent", "--key", "K").code == 64
    ran = omnictl("state", "settle", "otp-br", "--absent")
    assert ran.code == 0
    assert "its create did not happen" in ran.out
    assert omnictl("state", "rollback", "117").code == 0


def test_settle_with_a_key_looks_at_the_account(
    stored: Callable[[State], Path], serve_sandbox: ServeSandbox, project: Path
) -> None:
    serve_sandbox()
    path = stored(replace(STATE, records={}, intents=(intent(),)))
    ran = omnictl("state", "settle", "otp-br", "--key", "0" * 32)
    assert ran.code == 1
    assert "no-such-key" in ran.err
    (project / "scenarios").mkdir()
    (project / "scenarios" / "other.yaml").write_text("name: OTP\nflow: [{channel: SMS}]\n")
    made = omnictl("apply", "--yes", "--state", "other/default.json")
    assert made.code == 0, made.err
    key = omnictl("output", "other", "--state", "other/default.json").out.strip()
    ran = omnictl("state", "settle", "otp-br", "--key", key)
    assert ran.code == 0, ran.err
    state = decode_state(path.read_text(), path="x")
    assert state.records[make_address("otp-br")].key == key
    assert state.intents == ()


def test_in_the_sandbox_it_says_so(project: Path) -> None:
    omnictl("init")
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    for words in (("list",), ("show", "vk-sms"), ("history",), ("unlock",), ("rollback", "3")):
        ran = omnictl("state", *words, "--sandbox")
        assert ran.code == 0, ran.err
        assert ran.out.startswith("SANDBOX"), words
    assert omnictl("state", "list", "--sandbox", "--format", "json").document["sandbox"] is True
    assert not (project / "state").exists()


# --- two at once --------------------------------------------------------------------------------------------------

_HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from omnictl.state.base import LockHolder
from omnictl.state.local.backend import LocalBackend
path, work_dir = (Path(name).absolute() for name in ("state/default.json", ".omnictl"))
backend = LocalBackend(path, work_dir=work_dir, environment="default")
with backend.lock(LockHolder("apply", "run-2", datetime.now(UTC)), timeout_seconds=0, on_wait=print):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_processes_at_once(stored: Callable[[State], Path], project: Path) -> None:
    path = stored(STATE)
    (project / "incoming.json").write_text(encode_state(replace(STATE, serial=200)))
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert omnictl("state", "list").code == 0
    refused = omnictl_process("state", "push", "incoming.json", "--format", "json")
    assert refused.code == 6
    assert refused.document["diagnostics"][0]["code"] == "lock-held"
    assert omnictl("state", "unlock").code == 6
    command = [sys.executable, "-m", "omnictl", "state", "push", "incoming.json", "--lock-timeout", "60s"]
    waiting = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    assert waiting.stderr is not None
    assert "Waiting for the lock, held by apply since" in waiting.stderr.readline()
    assert decode_state(path.read_text(), path="x").serial == STATE.serial
    holder.communicate()
    waiting.communicate()
    assert waiting.returncode == 0
    assert decode_state(path.read_text(), path="x").serial == 201


# --- an apply whose state cannot be written ----------------------------------------------------------------------


def test_an_errored_state_is_put_back_with_the_command_that_is_said(project: Path, serve_sandbox: ServeSandbox) -> None:
    world = serve_sandbox()
    (project / "scenarios").mkdir()
    for scenario_id in ("a", "b"):
        (project / "scenarios" / f"{scenario_id}.yaml").write_text(f"name: {scenario_id}\nflow: [{{channel: SMS}}]\n")
    path = project / "state" / "default.json"
    real, written = LocalBackend.write, 0

    def fill_up(self: LocalBackend, state: State) -> None:
        nonlocal written
        if state.records:
            path.chmod(0o600)
            with patch("os.fsync", side_effect=OSError(28, "No space left on device")):
                real(self, state)
        else:
            written += 1
            real(self, state)

    with patch.object(LocalBackend, "write", fill_up):
        ran = omnictl("apply", "--yes", "--format", "json")
    assert written
    assert ran.code == 4
    told = next(each for each in ran.document["diagnostics"] if each["code"] == "state-not-saved")
    assert "No space left on device" in told["detail"]
    assert decode_state(path.read_text(), path="x").intents
    (command,) = told["commands"]
    words = command.split()
    assert words[:3] == ["omnictl", "state", "push"]
    for first in ("Stored as serial ", "Nothing to put back: "):
        ran = omnictl(*words[1:])
        assert (ran.code, ran.out.startswith(first)) == (0, True)
        assert ran.out.endswith(f"is not needed any more, what it knows is stored:\n    rm {words[-1]}\n")
    state = decode_state(path.read_text(), path="x")
    assert state.records
    assert omnictl("apply", "--yes").code == 0
    assert omnictl("plan", "--detailed-exitcode").code == 0
    assert world.count() == 2


def test_a_state_that_fits_nowhere_leaves_the_intents(project: Path, serve_sandbox: ServeSandbox) -> None:
    world = serve_sandbox()
    (project / "scenarios").mkdir()
    (project / "scenarios" / "a.yaml").write_text("name: a\nflow: [{channel: SMS}]\n")
    real = LocalBackend.write

    def fill_up(self: LocalBackend, state: State) -> None:
        if state.records:
            raise StateWriteError(problem("cannot-write-state"))
        real(self, state)

    with (
        patch.object(LocalBackend, "write", fill_up),
        patch.object(LocalBackend, "save_errored", side_effect=StateWriteError(problem())),
    ):
        ran = omnictl("apply", "--yes", "--format", "json")
    assert ran.code == 4
    assert "state-lost" in {each["code"] for each in ran.document["diagnostics"]}
    assert omnictl("apply", "--yes").code == 0
    assert world.count() == 1


# --- states that are none ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable-state"),
        (b"\0" * 100, "unreadable-state"),
        (b"[" * 100_000, "unreadable-state"),
        (b'{"a": 1, "a": 1}', "unreadable-state"),
        (b"\xff\xfe", "unreadable-state"),
        (b'{"format_version": 9}', "newer-state"),
        (b'{"format_version": 9, "kind": "state", "reco', "newer-state"),
        (b'{"format_version": 9, "kind": "state-index"}', "newer-state"),
        (b'{"format_version": "9"}', "newer-state"),
        (b'{"format_version": 9.0}', "newer-state"),
        (b'{"format_version": 1152921504606846976}', "newer-state"),
        ('{"format_version": 9}'.encode("utf-16"), "newer-state"),
        (b"{\n<<<<<<< HEAD\n", "state-merge-conflict"),
    ],
)
def test_a_broken_state_stops_every_command_and_stays_as_it_is(
    stored: Callable[[State], Path], project: Path, content: bytes, code: str
) -> None:
    path = stored(STATE)
    path.write_bytes(content)
    (project / "incoming.json").write_text(encode_state(STATE))
    for words in KINDS:
        ran = omnictl("state", *words)
        assert ran.code == 1, words
        assert code in ran.err
        assert "state/default.json" in ran.err
        assert "Traceback" not in ran.err
    assert path.read_bytes() == content
    assert omnictl("state", "history").code == 0


@pytest.mark.parametrize("words", [("rollback", "0"), ("push", "incoming.json"), ("rebuild",)])
def test_what_cannot_be_read_makes_way_only_where_somebody_says_so(
    project: Path, serve_sandbox: ServeSandbox, words: tuple[str, ...]
) -> None:
    serve_sandbox()
    write(project, {"scenarios/welcome.yaml": "id: welcome\nname: Welcome\nflow: [{channel: VKONTAKTE}]\n"})
    assert omnictl("apply", "--yes").code == 0
    path = project / "state/default.json"
    whole = path.read_bytes()
    serial = json.loads(whole)["serial"]
    (project / "incoming.json").write_bytes(whole)
    words = tuple(str(serial - 1) if each == "0" else each for each in words)
    torn = whole[: len(whole) // 2]
    path.write_bytes(torn)
    refused = omnictl("state", *words)
    assert (refused.code, path.read_bytes()) == (1, torn)
    assert "omnictl state rollback SERIAL --set-aside" in refused.err
    ran = omnictl("state", *words, "--set-aside")
    assert ran.code == 0
    assert "warning[set-aside]" in ran.err
    assert ".omnictl/unreadable/default.json" in ran.err
    assert (project / ".omnictl/unreadable/default.json").read_bytes() == torn
    stored = json.loads(path.read_bytes())
    assert stored["serial"] > serial
    assert list(stored["records"]) == ["welcome"]
    assert omnictl("plan", "--detailed-exitcode").code == 0


def test_what_is_set_aside_stays_where_nothing_can_take_its_place(project: Path) -> None:
    path = project / "state/default.json"
    path.parent.mkdir()
    path.write_bytes(b"{")
    assert omnictl("state", "rollback", "7", "--set-aside").code == 1
    assert path.read_bytes() == b"{"
    assert not (project / ".omnictl/unreadable").exists()


def test_a_serial_that_nothing_could_come_after_is_not_pushed(project: Path) -> None:
    (project / "incoming.json").write_text(encode_state(replace(STATE, serial=2**53 - 1)))
    ran = omnictl("state", "push", "incoming.json")
    assert (ran.code, (project / "state/default.json").exists()) == (64, False)
    assert "serial-too-high" in ran.err


def test_an_unbelievable_serial_is_pushed_where_it_came_from(project: Path) -> None:
    high = replace(STATE, serial=2**52)
    (project / "incoming.json").write_text(encode_state(high))
    assert omnictl("state", "push", "incoming.json").code == 0
    (project / "pulled.json").write_text(omnictl("state", "pull").out)
    (project / "more.json").write_text(encode_state(replace(high, serial=2**52 + 40, listed=7)))
    assert omnictl("state", "push", "pulled.json").code == 0
    assert omnictl("state", "push", "more.json").code == 0


def test_a_torn_text_gives_no_serial_that_nothing_could_come_after(project: Path) -> None:
    (project / "incoming.json").write_text(encode_state(STATE))
    path = project / "state/default.json"
    path.parent.mkdir()
    path.write_bytes(b'{"format_version": 1, "serial": 9007199254740991, "rec')
    assert omnictl("state", "push", "incoming.json", "--set-aside").code == 0
    assert json.loads(path.read_bytes())["serial"] < 2**20


def test_what_can_be_read_is_not_set_aside(stored: Callable[[State], Path], project: Path) -> None:
    stored(STATE)
    (project / "incoming.json").write_text(encode_state(replace(STATE, serial=STATE.serial + 1, listed=7)))
    ran = omnictl("state", "push", "incoming.json", "--set-aside")
    assert (ran.code, ran.err) == (0, "")
    assert not (project / ".omnictl/unreadable").exists()


def test_a_directory_or_a_dangling_link_is_no_missing_state(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFOBIP_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("INFOBIP_API_KEY", "key")
    for name in ("state", "scenarios"):
        (project / name).mkdir()
    (project / "scenarios" / "a.yaml").write_text("name: a\nflow: [{channel: SMS}]\n")
    path = project / "state" / "default.json"
    path.symlink_to("on-a-disk-that-is-not-mounted.json")
    for words in (("state", "list"), ("plan",), ("apply", "--yes")):
        ran = omnictl(*words)
        assert ran.code == 1, words
        assert "what it points to is not there" in ran.err
    path.unlink()
    path.mkdir()
    assert "it is a directory" in omnictl("state", "list").err


def test_the_cure_of_a_merge_conflict_works(project: Path, stored: Callable[[State], Path]) -> None:
    """The very commands of the diagnostic, in a real repository, on the conflict of two branches that both applied."""

    def git(*words: str, ok: bool = True) -> str:
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *identity, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not ok, done.stderr
        return done.stdout

    def with_one_more(scenario_id: str, key: str) -> State:
        record = replace(STATE.records[make_address("welcome")], address=make_address(scenario_id), key=key)
        return replace(STATE, serial=119, records={**STATE.records, record.address: record})

    git("init", "--quiet", "--initial-branch=main")
    path = stored(STATE)
    git("add", "state")
    git("commit", "--quiet", "-m", "base")
    git("checkout", "--quiet", "-b", "theirs")
    stored(with_one_more("x-theirs", "AAAA"))
    git("commit", "--quiet", "-am", "theirs")
    git("checkout", "--quiet", "main")
    stored(with_one_more("x-ours", "BBBB"))
    git("commit", "--quiet", "-am", "ours")
    git("merge", "theirs", ok=False)
    ran = omnictl("state", "list", "--format", "json")
    assert ran.code == 1
    (told,) = ran.document["diagnostics"]
    assert told["code"] == "state-merge-conflict"
    for command in told["commands"]:
        if command.startswith("omnictl"):
            assert omnictl(*command.split()[1:]).code == 0
        else:
            subprocess.run(command, shell=True, check=True, capture_output=True)
    state = decode_state(path.read_text(), path="x")
    assert {"AAAA", "BBBB"} <= owned_keys(state)
    assert state.serial == 120


# --- show ---------------------------------------------------------------------------------------------------------


def test_show_renders_plan_report_state_and_failure(project: Path) -> None:
    omnictl("init")
    assert omnictl("plan", "--sandbox", "--report", "json=plan.json").code == 0
    applied = omnictl("apply", "--sandbox", "--yes", "--report", "json=report.json", "--report", "text=report.txt")
    assert applied.code == 0
    assert "+ create   vk-sms" in omnictl("show", "plan.json").out
    assert omnictl("show", "report.json").out == (project / "report.txt").read_text()
    assert "create `vk-sms`" in omnictl("show", "report.json", "--format", "markdown").out
    assert omnictl("show", "report.json", "--format", "json").document == json.loads(
        (project / "report.json").read_text()
    )
    assert omnictl("show", "plan.json", "--format", "json").document == json.loads((project / "plan.json").read_text())
    state = ".omnictl/sandbox/test/state.json"
    assert "1 scenario in test" in omnictl("show", state).out
    assert omnictl("show", state, "--format", "json").out == Path(state).read_text()
    assert omnictl("show", state, "--format", "markdown").code == 64
    assert omnictl("apply", "--report", "json=failed.json").code == 5
    assert "error[no-api]" in omnictl("show", "failed.json").out
    assert omnictl("show", "failed.json", "--format", "json").code == 64


@pytest.mark.parametrize("content", ["{}", "[]", "", '{"kind": "apply"}', '{"kind": "plan", "format_version": "1.0"}'])
def test_show_refuses_what_is_none_of_them(project: Path, content: str) -> None:
    (project / "x.json").write_text(content)
    ran = omnictl("show", "x.json", "--format", "json")
    assert ran.code == 64
    assert ran.document["diagnostics"][0]["source"]["path"] == "x.json"
