"""Hostile files through the command line: file, line and cure, nothing steered, nothing changed."""

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import Ran, omnictl
from tests.hostile.cases import GOOD, MESSAGES, SCENARIOS, SETTINGS, STATES, Case
from tests.hostile.steering import find_steering
from tests.projects import write

CORPUS = Path(__file__).parent / "corpus"
MOST_SAID = 100_000
"""How many characters a run may say, whatever a file holds."""


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    """Return every path with its size and time of change."""
    return {str(each): (each.lstat().st_size, each.lstat().st_mtime_ns) for each in root.rglob("*")}


def check_told(ran: Ran, code: str, place: str = "", *, exit_code: int = 1) -> None:
    """An error of ours with code, place and the exit code of the table; nothing endless, nothing that steers."""
    assert ran.code == (exit_code if code else 0), ran.err[:2000]
    assert "error[bug]" not in ran.err
    assert "Traceback" not in ran.err
    assert find_steering(ran.err + ran.out) == ""
    assert len(ran.err) + len(ran.out) < MOST_SAID
    if code:
        assert f"error[{code}]" in ran.err, ran.err[:2000]
    if place:
        assert re.search(rf"--> {re.escape(place)}(:|\n)", ran.err), ran.err[:2000]


def named(cases: list[Case]) -> list[object]:
    return [pytest.param(each, id=each.name.replace(" ", "-")) for each in cases]


@pytest.mark.parametrize("case", named(SCENARIOS))
def test_a_scenario_file(project: Path, case: Case) -> None:
    path = f"scenarios/a.{case.ending}"
    write(project, {"omnictl.yaml": f"version: 1\nvariables: {{x: {'y' * 100}}}\n", path: case.content})
    before = snapshot(project)
    ran = omnictl("validate")
    place = f"{path}:{case.line}" if case.line else path
    check_told(ran, case.code, place if case.code else "")
    assert snapshot(project) == before


@pytest.mark.parametrize("case", named(MESSAGES))
def test_a_message_file(project: Path, case: Case) -> None:
    """Named by a scenario, or on the command line; what is wrong with it never hides the scenario."""
    path = f"scenarios/x.message.{case.ending}"
    scenario = GOOD.replace("SMS", "PUSH") + f"message_file: x.message.{case.ending}\n"
    settings = f"version: 1\nvariables: {{x: {'y' * 100}}}\n"
    write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": scenario, path: case.content})
    place = f"{path}:{case.line}" if case.line else path
    for ran in (omnictl("validate", path), omnictl("validate")):
        code = case.code or ("no-content" if "no-content" in ran.err else "")  # of a step that the file leaves out
        check_told(ran, code, place if code else "")
    assert "in 1 scenario" in ran.out
    assert omnictl("plan", "--sandbox").code == (1 if case.code else 0)


@pytest.mark.parametrize("case", named([each for each in SCENARIOS if each.code and len(each.content) < 20_000]))
def test_a_file_with_a_mistake_is_not_brought_into_layout(project: Path, case: Case) -> None:
    path = f"scenarios/a.{case.ending}"
    write(project, {path: case.content})
    ran = omnictl("fmt")
    assert ran.code in (0, 1)
    assert find_steering(ran.err + ran.out) == ""
    if "error[" in ran.err:
        assert (project / path).read_bytes() == case.content


@pytest.mark.parametrize("more", ["".join(f"n{i}: {{<<: *m}}\n" for i in range(2000)), "# x\n" * 80_000])
def test_layout_is_not_looked_for_in_a_file_that_would_take_for_ever(project: Path, more: str) -> None:
    write(project, {"scenarios/a.yaml": f"m: &m {{a: x}}\n{more}"})
    ran = omnictl("fmt")
    assert ran.code in (0, 1)
    assert "warning[cannot-format]" in ran.err
    assert "merge keys" in ran.err


@pytest.mark.parametrize("case", named(SETTINGS))
def test_settings(project: Path, case: Case) -> None:
    write(project, {"omnictl.yaml": case.content, "scenarios/a.yaml": GOOD})
    ran = omnictl("validate")
    check_told(ran, case.code, f"omnictl.yaml:{case.line}" if case.line else "")


@pytest.mark.parametrize("path", sorted(CORPUS.glob("s*/*")), ids=lambda each: each.name)
def test_the_corpus(project: Path, path: Path) -> None:
    """What was found once: any end but a bug."""
    content = path.read_bytes()
    where = {"scenario": f"scenarios/a{path.suffix}", "settings": "omnictl.yaml", "state": "state/default.json"}
    write(project, {"scenarios/b.yaml": GOOD.replace("id: a", "id: b"), where[path.parent.name]: content})
    for ran in (omnictl("validate"), omnictl("fmt", "--check"), omnictl("state", "list")):
        assert ran.code in (0, 1, 2), ran.err
        assert find_steering(ran.err + ran.out) == ""


@pytest.mark.parametrize("case", named(STATES))
def test_a_state(project: Path, case: Case) -> None:
    write(project, {"state/default.json": case.content, "scenarios/a.yaml": GOOD})
    before = snapshot(project)
    check_told(omnictl("state", "list"), "unreadable-state", "state/default.json")
    check_told(omnictl("output"), "unreadable-state", "state/default.json")
    pushed = omnictl("state", "push", "state/default.json", "--state", "other.json")
    check_told(pushed, "unreadable-state", "state/default.json", exit_code=64)
    assert {name: each for name, each in snapshot(project).items() if ".omnictl" not in name} == before


@pytest.mark.parametrize("case", named(STATES))
def test_a_saved_plan(project: Path, case: Case) -> None:
    write(project, {"plan.json": case.content, "scenarios/a.yaml": GOOD})
    for ran in (omnictl("show", "plan.json"), omnictl("apply", "--sandbox", "plan.json")):
        assert ran.code in (1, 64) or (ran.code == 0 and case not in STATES[:15]), ran.err
        assert find_steering(ran.err + ran.out) == ""
        assert "error[bug]" not in ran.err
        assert ran.code == 0 or "plan.json" in ran.err
    assert not (project / "state").exists()


# --- what is no file ---------------------------------------------------------------------------------------------


@pytest.fixture
def odd(project: Path) -> Iterator[Path]:
    """A project with everything that a name may stand for."""
    folder = project / "scenarios"
    write(project, {"scenarios/good.yaml": GOOD, "elsewhere/x.yaml": GOOD})
    os.mkfifo(folder / "fifo.yaml")
    (folder / "folder.yaml").mkdir()
    (folder / "dangling.yaml").symlink_to("nowhere.yaml")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "above").symlink_to("..")
    (folder / "out.yaml").symlink_to("/etc/passwd")
    (folder / "zero.yaml").symlink_to("/dev/zero")
    (folder / "inside.yaml").symlink_to("../elsewhere/x.yaml")
    listening = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(folder)
    listening.bind("socket.yaml")
    os.chdir(here)
    yield folder
    listening.close()


def test_what_is_no_file_is_told_and_never_waited_for(odd: Path) -> None:
    ran = omnictl("validate")
    check_told(ran, "not-a-file", "scenarios/fifo.yaml")
    for name in ("dangling", "fifo", "folder", "loop", "out", "socket", "zero"):
        assert f"scenarios/{name}.yaml" in ran.err
    assert "scenarios/good.yaml" in ran.err, "the same id behind a link"
    assert "root:" not in ran.err


@pytest.mark.parametrize("name", ["fifo", "dangling", "loop", "out", "socket", "zero"])
def test_each_of_them_by_its_name(odd: Path, name: str) -> None:
    ran = omnictl("validate", f"scenarios/{name}.yaml")
    assert ran.code in (1, 64)
    assert "error[bug]" not in ran.err
    assert ran.code == 64 or f"{name}.yaml" in ran.err
    for arguments in (("show", f"scenarios/{name}.yaml"), ("state", "push", f"scenarios/{name}.yaml")):
        ran = omnictl(*arguments)
        assert ran.code in (1, 64), ran.err
        assert "error[bug]" not in ran.err


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/full", "scenarios/fifo.yaml", "scenarios", "scenarios/loop.yaml"])
def test_a_state_that_is_no_file(odd: Path, place: str) -> None:
    ran = omnictl("state", "list", "--state", place)
    assert ran.code == 1
    assert "error[bug]" not in ran.err
    assert place in ran.err


def test_settings_that_are_no_file(project: Path) -> None:
    os.mkfifo(project / "omnictl.yaml")
    check_told(omnictl("validate"), "not-a-file", "omnictl.yaml")


def test_folders_in_one_another_without_end(project: Path) -> None:
    folder = project / "scenarios"
    for _ in range(60):
        folder = folder / "d"
    folder.mkdir(parents=True)
    check_told(omnictl("validate"), "folders-too-deep")


def test_more_files_than_any_project_has(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnictl.config.discovery.MOST_ENTRIES", 50)
    write(project, {f"scenarios/d{i % 3}/s-{i}.yaml": GOOD for i in range(60)})
    check_told(omnictl("validate"), "too-many-files", "scenarios/d2")
    check_told(omnictl("validate", "scenarios"), "too-many-files", "scenarios/d2")


def test_a_project_that_is_wrong_as_a_whole(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnictl.config.project.MOST_MISTAKES_OF_ALL", 300)
    wrong = GOOD + "".join(f"k{i}: x\n" for i in range(150))
    write(
        project, {f"scenarios/s-{i}.yaml": wrong.replace("id: a\nname: a", f"id: s-{i}\nname: n{i}") for i in range(20)}
    )
    ran = omnictl("validate", "--format", "json")
    assert ran.code == 1
    found = ran.document["diagnostics"]
    assert 300 <= len(found) < 320
    assert {each["code"] for each in found} == {"unknown-key", "more-mistakes"}
    assert any("source" not in each for each in found if each["code"] == "more-mistakes")


def test_only_so_many_are_said_and_errors_first(project: Path) -> None:
    notes = {f"scenarios/s-{i}.yaml": GOOD.replace("id: a\nname: a", f"id: s-{i}\nname: n{i}") for i in range(150)}
    write(project, {**notes, "scenarios/z.yaml": GOOD.replace("SMS", "SMSS", 1)})
    ran = omnictl("validate")
    assert ran.code == 1
    assert ran.err.count("error[unknown-channel]") == 1
    assert ran.err.count("note[single-step]") + ran.err.count("warning[") <= 119
    assert re.search(r"\d+ more notes not shown here: --format json and --report have all of them\.", ran.err)
    document = omnictl("validate", "--format", "json").document
    assert len(document["diagnostics"]) > 150


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"b\xff.yaml", r"b\udcff.yaml"),
        ("\u202eb.yaml".encode(), r"\u202eb.yaml"),
        (b"\x1b[2J.yaml", r"\x1b[2J.yaml"),
        (b"\n::error::x.yaml", "::error::x.yaml"),
        (b"%0A|<b>@a.yaml", "%0A|<b>@a.yaml"),
    ],
)
def test_names_of_files(project: Path, name: bytes, shown: str) -> None:
    (project / "scenarios").mkdir()
    try:
        Path(os.fsdecode(bytes(project / "scenarios") + b"/" + name)).write_bytes(b"flow: [")
    except OSError as error:  # pragma: no cover - macOS takes UTF-8 alone
        pytest.skip(f"no such name here: {error}")
    ran = omnictl("validate")
    check_told(ran, "not-yaml")
    assert shown in ran.err
    for kind in ("json", "markdown", "sarif", "junit", "github", "gitlab-codequality"):
        told = omnictl("validate", "--format", kind)
        assert told.code == 1, told.err
        assert find_steering(told.out) == ""
        assert kind != "github" or all(line.startswith("::") for line in told.out.splitlines())
    assert omnictl("fmt").code in (0, 1)


STEERING_NAME = "b\x1b[2J\r::error::x\u202e\u2028\n::error::y"
SHOWN_NAME = r"b\x1b[2J\x0d::error::x\u202e\u2028\x0a::error::y"


@pytest.mark.parametrize("runner", ["", "GITHUB_ACTIONS"])
def test_layout_and_its_differences_steer_nothing(project: Path, runner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if runner:
        monkeypatch.setenv(runner, "true")
    content = "id: b\nname:   A\n# \u202ex\n# y\ufeffz\r\ndescription: |-\n  ::error::w\nflow:\n  - channel: SMS\n"
    write(project, {f"scenarios/{STEERING_NAME}.yaml": content})
    for ran in (omnictl("fmt", "--check"), omnictl("fmt", "--check", "--diff")):
        assert ran.code == 2, ran.err
        assert find_steering(ran.out) == ""
        assert f"scenarios/{SHOWN_NAME}.yaml" in ran.out
        assert not runner or not re.search(r"^\s*::", ran.out, re.MULTILINE)
    lines = ran.out.splitlines()
    assert lines[:2] == [f"--- scenarios/{SHOWN_NAME}.yaml", f"+++ scenarios/{SHOWN_NAME}.yaml"]
    assert {"-name:   A", "+name: A", r" # \u202ex", r" # y\ufeffz"} <= set(lines)
    assert " " not in lines, "the end of the last line is no line"
    path = project / f"scenarios/{STEERING_NAME}.yaml"
    assert path.read_bytes() == content.encode()
    assert omnictl("fmt").code == 0
    assert "# \u202ex\n# y\ufeffz\n" in path.read_text(), "what fmt writes is not escaped"
    assert omnictl("fmt", "--check").code == 0


def test_the_name_of_a_plan_steers_nothing_and_can_be_copied(project: Path) -> None:
    write(project, {"scenarios/a.yaml": GOOD})
    ran = omnictl("plan", "--sandbox", "--out", "e\x1b[2J'\nb.json")
    assert ran.code == 0
    assert find_steering(ran.out + ran.err) == ""
    assert r"    omnictl apply $'e\033[2J\047\012b.json' --sandbox" in ran.err
    assert (project / "e\x1b[2J'\nb.json").exists()


def test_the_paths_that_doctor_shows_steer_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = project / "e\x1b[2J\n::error::x\u202e"
    write(here, {"scenarios/a.yaml": GOOD})
    monkeypatch.chdir(here)
    ran = omnictl("doctor", "--sandbox")
    assert ran.code == 0
    assert find_steering(ran.out + ran.err) == ""
    assert r"e\x1b[2J\x0a::error::x\u202e" in ran.out
    document = omnictl("doctor", "--sandbox", "--format", "json").document
    assert any("e\x1b[2J\n::error::x\u202e" in each["found"] for each in document["items"])


@pytest.mark.parametrize("word", ["\u202ex", "a\rb", "a\n::error::b", "--x\x1b[2J", "--color=\x1b[2J", "--format=\x9b"])
@pytest.mark.parametrize("more", [[], ["--log-format", "json"]])
def test_wrong_words_of_the_command_line_steer_nothing(project: Path, word: str, more: list[str]) -> None:
    for command in ([word], ["plan", word], ["apply", "--stop-after", word], ["validate", word]):
        ran = omnictl(*more, *command)
        assert ran.code == 64, ran.err
        assert find_steering(ran.out + ran.err) == ""
        assert not re.search(r"^\s*::", ran.err, re.MULTILINE)


# --- what changes as it is read ----------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["grow", "shrink", "vanish", "fifo"])
def test_a_file_that_changes_as_it_is_read(project: Path, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, {"scenarios/a.yaml": GOOD})
    path, original = project / "scenarios/a.yaml", os.fstat
    inode = path.stat().st_ino

    def look(handle: int) -> os.stat_result:
        found = original(handle)
        if found.st_ino == inode and path.is_file():
            if change in ("grow", "shrink"):
                path.write_text(GOOD + "default: true\n" if change == "grow" else GOOD[:20])
            else:
                path.unlink()
            if change == "fifo":
                os.mkfifo(path)
        return found

    monkeypatch.setattr(os, "fstat", look)
    ran = omnictl("validate")
    monkeypatch.undo()
    if change in ("grow", "shrink"):
        check_told(ran, "file-in-motion", "scenarios/a.yaml")
    else:
        assert ran.code == 0, "what was opened was read whole"
