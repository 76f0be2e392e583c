"""The recipients of a sending: counted, hashed and gone through again without being held; a change is noticed."""

import hashlib
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from omnictl.cli import audience as audiences
from omnictl.cli.audience import MOST_BAD_ROWS_TOLD, Audience, gather, survey_file
from omnictl.errors import ConfigurationError, OmnictlError, UsageError
from omnictl.ledger.base import RunKind
from omnictl.model.message import Recipient
from tests.fake_messenger import people

PHONES = {"phone": ("SMS",)}


def write(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["phone", *rows, ""]))
    return path


def survey(path: Path, **more: object) -> Audience:
    return survey_file(path, PHONES, **more)  # type: ignore[arg-type]


def test_people_of_the_command_line_are_the_same_in_any_order() -> None:
    one, other = gather(people(3)), gather(tuple(reversed(people(3))))
    assert one.digest == other.digest != gather(people(2)).digest
    assert (one.kind, one.total, tuple(one.recipients())) == (RunKind.DIRECT, 3, tuple(people(3)))


def test_two_addresses_of_one_are_not_two_people() -> None:
    both = Recipient(phone="41790000001", email="a@example.com")
    apart = [Recipient(phone="41790000001"), Recipient(email="a@example.com")]
    assert gather([both]).digest != gather(apart).digest


def test_a_file_is_counted_once_and_gone_through_as_often_as_one_likes(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "41793026700", "+41 79 302 67 01", "41793026700", "nobody", "0041793026702")
    found = survey(path)
    assert (found.kind, found.total, found.duplicates, found.bad) == (RunKind.FILE, 3, 1, 1)
    assert [each.line for each in found.bad_rows] == [5]
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    for _ in range(2):
        phones = [each.phone for each in found.recipients()]
        assert phones == ["41793026700", "41793026701", "41793026700", "41793026702"]


@pytest.mark.parametrize("change", ["longer", "replaced", "gone"])
def test_a_file_that_changes_while_it_is_sent_ends_the_sending(tmp_path: Path, change: str) -> None:
    path = write(tmp_path / "r.csv", "41793026700", "41793026701", "41793026702")
    rows = iter(survey(path).recipients())
    assert next(rows).phone == "41793026700"
    if change == "longer":
        with path.open("a") as stream:
            stream.write("41793026703\n")
    elif change == "replaced":
        write(tmp_path / "other.csv", "41793026700", "41793026709", "41793026702")
        (tmp_path / "other.csv").replace(path)
    else:
        path.unlink()
    with pytest.raises(ConfigurationError) as caught:
        next(rows)
    assert caught.value.diagnostics[0].code == "recipients-changed"


def test_a_file_that_changed_before_it_was_sent_sends_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "41793026700")
    found = survey(path)
    os.utime(path, ns=(1, 1))
    with pytest.raises(ConfigurationError):
        list(found.recipients())


@pytest.mark.parametrize("what", ["missing", "directory", "fifo"])
def test_what_cannot_be_read_twice_is_wrong_usage(tmp_path: Path, what: str) -> None:
    path = tmp_path / "r.csv"
    if what == "directory":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    with pytest.raises(UsageError) as caught:
        survey(path)
    assert caught.value.diagnostics[0].code == "recipients-unusable"


def test_bad_rows_are_all_written_privately_and_the_first_of_them_told(tmp_path: Path) -> None:
    number = 2 * MOST_BAD_ROWS_TOLD
    path = write(tmp_path / "r.csv", "41793026700", *(f"nobody {each}" for each in range(number)))
    bad = tmp_path / "bad.csv"
    bad.write_text("_line,_reason,phone\n" + "what was there before\n" * 1000)
    bad.chmod(0o644)
    found = survey(path, bad_rows_to=bad)
    assert (found.bad, len(found.bad_rows)) == (number, MOST_BAD_ROWS_TOLD)
    lines = bad.read_text().splitlines()
    assert len(lines) == number + 1
    assert "what was there before" not in bad.read_text()
    assert stat.S_IMODE(bad.stat().st_mode) == 0o600
    mended = survey(write(tmp_path / "m.csv", "41793026701"), bad_rows_to=tmp_path / "none.csv")
    assert mended.bad == 0
    assert stat.S_IMODE((tmp_path / "none.csv").stat().st_mode) == 0o600
    assert len((tmp_path / "none.csv").read_text().splitlines()) == 1


def test_more_bad_rows_than_are_held_at_once_are_written_in_parts(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "41793026700", *(f"nobody {each}" for each in range(2500)))
    found = survey(path, bad_rows_to=tmp_path / "bad.csv")
    assert found.bad == 2500
    assert len((tmp_path / "bad.csv").read_text().splitlines()) == 2501


def test_bad_rows_never_overwrite_the_file_itself_nor_go_where_nothing_can_be_written(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "41793026700")
    (tmp_path / "link.csv").symlink_to(path)
    before = path.read_bytes()
    for bad in (path, tmp_path / "link.csv"):
        with pytest.raises(UsageError, match="recipients-unusable"):
            survey(path, bad_rows_to=bad)
    assert path.read_bytes() == before
    with pytest.raises(UsageError, match="recipients-unusable"):
        survey(path, bad_rows_to=tmp_path)
    other, pipe = tmp_path / "ledger.db", tmp_path / "pipe"
    other.write_bytes(b"SQLite format 3\0")
    os.mkfifo(pipe)
    for bad in (other, pipe):
        with pytest.raises(UsageError, match="recipients-unusable"):
            survey(path, bad_rows_to=bad)
    assert other.read_bytes() == b"SQLite format 3\0"


def test_a_temporary_folder_without_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def execute(self, *_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        def close(self) -> None:
            pass

    monkeypatch.setattr(sqlite3, "connect", lambda *_, **__: Full())
    with pytest.raises(OmnictlError, match="no-temporary-room"):
        survey(write(tmp_path / "r.csv", "41793026700"))


def test_long_files_tell_how_far_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audiences, "_TOLD_EVERY_ROWS", 2)
    told: list[str] = []
    path = write(tmp_path / "r.csv", *(f"4179302670{each}" for each in range(5)))
    survey(path, tell=told.append)
    assert told == ["2 rows checked", "4 rows checked"]
    assert survey(path).total == 5
