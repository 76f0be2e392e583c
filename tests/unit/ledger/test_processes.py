"""Processes that die, meet, or have no room: what one of them relied on is there."""

import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from omnictl.ledger.base import MessageFilter
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.report import GapState
from tests.builders import NOW
from tests.unit.ledger.actors import PEOPLE
from tests.unit.ledger.conftest import Opening
from tests.unit.ledger.rows import VIA, batch_of, phone, run_of

ROOT = Path(__file__).parents[3]
OLD = Path(__file__).parent / "ledger-v1.db"

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither SIGKILL nor limits of files")


def act(action: str, path: Path, word: str) -> "subprocess.Popen[str]":
    """Start an actor."""
    command = [sys.executable, "-m", "tests.unit.ledger.actors", action, str(path), word]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def hear(actor: "subprocess.Popen[str]", lines: int | None = None) -> list[list[str]]:
    """Return what an actor said until its end, or until it was killed after so many lines."""
    assert actor.stdout is not None
    with actor.stdout as said:
        heard = [line.split() for line, _ in zip(said, range(lines), strict=False)] if lines is not None else []
        if lines is not None:
            actor.kill()
        heard += [line.split() for line in said if line.endswith("\n")]
    actor.wait()
    return heard


def assert_sound(path: Path) -> None:
    """Assert that SQLite finds nothing wrong with the file."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


@posix
def test_whatever_a_killed_process_relied_on_is_in_the_ledger(path: Path) -> None:
    heard: list[list[str]] = []
    chance = random.Random(4)
    for _ in range(6):
        heard += hear(act("send", path, "run-1"), chance.randrange(1, 60))
    assert_sound(path)
    with closing(SqliteLedger(path, environment="production")) as ledger:
        messages = list(ledger.list_messages(MessageFilter()))
        fates = {each.message_id: each.fate.value for each in messages}
        reported = {each.message_id for each in ledger.list_reports()}
        opened = {str(each.id) for each in ledger.list_gaps(GapState)}
        counts = Counter(each.recipient for each in messages)
    for word, *ids in heard:
        if word == "sent":
            assert set(ids) <= set(fates)
        elif word == "accepted":
            assert {fates[each] for each in ids} == {"accepted"}
        elif word == "asked":
            assert set(ids) <= opened
        else:
            assert set(ids) <= reported
    assert max(counts.values()) == 1, "nobody has two messages, however often the run was killed and begun again"
    assert len(counts) > 6


@posix
def test_a_run_is_free_when_its_process_was_killed(path: Path, opening: Opening) -> None:
    hear(act("send", path, "run-1"), 1)
    with opening().holding_run("run-1"):
        pass


@posix
@pytest.mark.parametrize("old", [False, True], ids=["made", "upgraded"])
def test_a_process_that_dies_while_it_makes_the_file_leaves_none_or_a_whole_one(tmp_path: Path, old: bool) -> None:
    for when in range(1, 40):
        path = tmp_path / str(when) / "production.db"
        if old:
            path.parent.mkdir()
            shutil.copy(OLD, path)
        said = hear(act("make", path, str(when)))
        with closing(SqliteLedger(path, environment="production")) as ledger:
            assert len(list(ledger.list_messages(MessageFilter()))) == (3 if old else 0)
        assert_sound(path)
        if said:
            break
    assert said == [["made"]]
    assert when > 4


def test_processes_that_make_and_write_one_ledger_at_once(path: Path) -> None:
    actors = [act("send", path, f"run-{number}") for number in range(3)]
    for each in actors:
        hear(each, 40)
    assert_sound(path)
    with closing(SqliteLedger(path, environment="production")) as ledger:
        assert {each.id for each in ledger.list_runs()} == {"run-0", "run-1", "run-2"}
        for run in ledger.list_runs():
            counts = Counter(each.recipient for each in ledger.list_messages(MessageFilter(run=run.id)))
            assert max(counts.values()) == 1
            assert 9 <= sum(counts.values()) <= PEOPLE


@posix
@pytest.mark.parametrize("limit", [300_000, 1_000_000, 10_000])
def test_a_file_that_may_not_grow_loses_nothing_that_was_relied_on(path: Path, opening: Opening, limit: int) -> None:
    *sent, code, detail = hear(act("fill", path, str(limit)))
    assert code == (["cannot-write-ledger"] if limit > 10_000 else ["cannot-open-ledger"])
    assert detail
    ledger = opening()
    assert_sound(path)
    ledger.begin_run(run_of())
    people = [[phone(100 * number + i) for i in range(99)] for number in range(len(sent) + 1)]
    for number in range(len(sent)):
        assert ledger.select_new("run-1", people[number]) == ()
    new = ledger.select_new("run-1", people[-1])
    assert new == tuple(people[-1]), "what could not be written is not there by half"
    ledger.open_batch("run-1", VIA, batch_of("after", new), NOW)


def _can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    line = "d=$(mktemp -d) && mount -t tmpfs none $d && umount $d && rmdir $d"
    return subprocess.run(["unshare", "-m", "sh", "-c", line], capture_output=True).returncode == 0


mounting = pytest.mark.skipif(not _can_mount(), reason="this user cannot mount anything, not even in a name space")


def act_mounted(mount: str, action: str, path: Path, word: str) -> list[list[str]]:
    """Return what an actor says in a name space of its own, where something is mounted."""
    line = f"{mount} && {sys.executable} -m tests.unit.ledger.actors {action} {path} {word}"
    ran = subprocess.run(["unshare", "-m", "sh", "-c", line], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return [each.split() for each in ran.stdout.splitlines()]


@mounting
@pytest.mark.parametrize("size", ["600k", "4k", "100k"])
def test_a_full_disk(path: Path, size: str) -> None:
    path.parent.mkdir()
    *_, code, detail = act_mounted(f"mount -t tmpfs -o size={size} none {path.parent}", "fill", path, "0")
    assert code[0] in {"cannot-write-ledger", "cannot-open-ledger"}
    assert "is full" in " ".join(detail) or "No space left" in " ".join(detail)


@mounting
@pytest.mark.parametrize("there", [True, False])
def test_a_read_only_folder(path: Path, opening: Opening, there: bool) -> None:
    if there:
        opening().close()
    path.parent.mkdir(exist_ok=True)
    folder = path.parent
    said = act_mounted(f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}", "look", path, "-")
    assert said in ([["cannot-open-ledger"]], [["cannot-write-ledger"]])
