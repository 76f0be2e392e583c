"""The file: made whole and for its owner alone, never another's, never a newer one, never silently a new one."""

import shutil
import sqlite3
import stat
import sys
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock

import omnictl
from omnictl.codec.messages import encode_message
from omnictl.codec.shapes import write_json
from omnictl.errors import LedgerError, LedgerHeldError
from omnictl.ledger.base import Ledger, MessageFilter
from omnictl.ledger.opening import backup_of
from omnictl.ledger.schema import VERSION
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.message import Message, Recipient
from omnictl.model.report import GapState
from tests.builders import NOW
from tests.unit.ledger.conftest import Opening
from tests.unit.ledger.rows import NO_ANSWER, VIA, batch_of, fates, joined, phone, pull, row, run_of, seen

OLD = Path(__file__).parent / "ledger-v1.db"

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permissions of this kind")


def change(path: Path, *statements: str) -> None:
    """Change the file as another program would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for each in statements:
            connection.execute(each)


def told(error: pytest.ExceptionInfo[LedgerError]) -> tuple[str, str, str]:
    """Return code, detail and hint of what was said."""
    (diagnostic,) = error.value.diagnostics
    return diagnostic.code, diagnostic.detail, diagnostic.hint


class TestMaking:
    @posix
    def test_all_of_it_is_for_its_owner_alone(self, ledger: SqliteLedger, path: Path) -> None:
        ledger.open_batch("run-1", VIA, batch_of(), NOW)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
        private = {f"{path.name}{end}": 0o600 for end in ("", "-wal", "-shm")}
        assert modes == {**private, f"{path.name}.locks": 0o700}

    @posix
    def test_in_a_folder_of_omnictl_git_sees_nothing_of_it(self, tmp_path: Path, opening: Opening) -> None:
        opening(tmp_path / ".omnictl" / "ledger" / "production.db")
        assert (tmp_path / ".omnictl" / ".gitignore").read_bytes() == b"*\n"
        assert stat.S_IMODE((tmp_path / ".omnictl").stat().st_mode) == 0o700

    def test_it_is_durable_before_anything_is_kept_in_it(self, opening: Opening, path: Path) -> None:
        made = opening()
        assert made.location == str(path)
        assert made._book.query("PRAGMA synchronous") == [(2,)]
        assert made._book.query("PRAGMA journal_mode") == [("wal",)]
        assert made._book.query("PRAGMA user_version") == [(VERSION,)]
        assert made._book.query("PRAGMA integrity_check") == [("ok",)]

    def test_it_is_what_operations_ask_for(self, ledger: SqliteLedger, path: Path) -> None:
        port: Ledger = ledger
        assert port.location == str(path)

    def test_whoever_only_reads_makes_none(self, opening: Opening, path: Path) -> None:
        with pytest.raises(LedgerError, match="no-ledger"):
            opening(must_exist=True)
        assert not path.parent.exists()
        opening().begin_run(run_of())
        assert opening(must_exist=True).list_runs() == (run_of(),)

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path, opening: Opening) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(LedgerError) as error:
            opening(tmp_path / "file" / "production.db")
        assert told(error)[0] == "cannot-open-ledger"

    def test_a_disk_without_room(self, opening: Opening, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_handle: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("omnictl.durable.os.fsync", refuse)
        with pytest.raises(LedgerError, match="cannot-open-ledger"):
            opening()
        assert [each.name for each in path.parent.iterdir()] == [f"{path.name}.locks"]


class TestLinks:
    @posix
    def test_one_leads_to_the_file_that_everybody_uses(self, tmp_path: Path, opening: Opening) -> None:
        link = tmp_path / "link.db"
        link.symlink_to(tmp_path / "shared" / "ledger.db")
        opening(link).begin_run(run_of())
        assert (tmp_path / "shared" / "ledger.db").is_file()
        assert opening(tmp_path / "shared" / "ledger.db").list_runs() == (run_of(),)

    @posix
    def test_in_a_folder_of_omnictl_none_is_followed(self, tmp_path: Path, opening: Opening) -> None:
        (tmp_path / ".omnictl").mkdir()
        link = tmp_path / ".omnictl" / "production.db"
        link.symlink_to(tmp_path / "elsewhere.db")
        with pytest.raises(LedgerError, match="cannot-open-ledger"):
            opening(link)
        assert not (tmp_path / "elsewhere.db").exists()


class TestOwners:
    def test_another_environment_is_refused(self, ledger: SqliteLedger, opening: Opening) -> None:
        with pytest.raises(LedgerError) as error:
            opening(environment="test")
        assert told(error)[:2] == ("ledger-of-other-environment", "It says production; the environment is test.")

    def test_it_belongs_to_the_first_account_for_good(self, ledger: SqliteLedger, opening: Opening) -> None:
        ledger.bind_account("one.api.infobip.com")
        ledger.bind_account("one.api.infobip.com")
        with pytest.raises(LedgerError, match="ledger-of-other-account"):
            opening().bind_account("two.api.infobip.com")
        ledger.bind_account("one.api.infobip.com")


class TestStrangeFiles:
    def test_an_empty_one_is_never_taken_for_a_new_ledger(self, opening: Opening, path: Path) -> None:
        path.parent.mkdir()
        path.touch()
        with pytest.raises(LedgerError) as error:
            opening()
        assert told(error)[0] == "broken-ledger"
        assert path.read_bytes() == b""

    def test_a_log_without_its_file_is_never_written_over_a_new_ledger(
        self, ledger: SqliteLedger, opening: Opening, path: Path
    ) -> None:
        log = path.with_name(f"{path.name}-wal")
        content = log.read_bytes()
        assert content
        path.unlink()
        with pytest.raises(LedgerError, match="broken-ledger"):
            opening()
        assert not path.exists()
        assert log.read_bytes() == content
        log.unlink()
        assert opening().list_runs() == ()

    @pytest.mark.parametrize("content", [b"not SQLite at all, but long enough to be read as a header" * 40, b"x"])
    def test_one_that_is_no_database(self, opening: Opening, path: Path, content: bytes) -> None:
        path.parent.mkdir()
        path.write_bytes(content)
        with pytest.raises(LedgerError, match="broken-ledger"):
            opening()
        assert path.read_bytes() == content

    def test_the_database_of_another_program(self, opening: Opening, path: Path) -> None:
        path.parent.mkdir()
        change(path, "CREATE TABLE theirs (x)")
        before = path.read_bytes()
        with pytest.raises(LedgerError, match="not-a-ledger"):
            opening()
        assert path.read_bytes() == before

    def test_a_folder_in_its_place(self, opening: Opening, path: Path) -> None:
        path.mkdir(parents=True)
        with pytest.raises(LedgerError, match="cannot-open-ledger"):
            opening()

    def test_one_that_was_cut(self, opening: Opening, path: Path) -> None:
        made = opening()
        made.begin_run(run_of())
        made.close()
        path.write_bytes(path.read_bytes()[:10_000])
        with pytest.raises(LedgerError, match="broken-ledger"):
            opening().begin_run(run_of("run-2"))

    def test_one_whose_rows_were_written_by_hand(self, ledger: SqliteLedger, path: Path) -> None:
        ledger.open_batch("run-1", VIA, batch_of(), NOW)
        change(path, "UPDATE contents SET message = '[]'", "UPDATE messages SET recipient = '{'")
        for read in (
            lambda: ledger.unknown_batches("run-1"),
            lambda: list(ledger.list_messages(MessageFilter())),
        ):
            with pytest.raises(LedgerError, match="broken-ledger"):
                read()

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE runs SET kind = 'odd'",
            "UPDATE runs SET started_at = 1 << 62",
            "UPDATE gaps SET query = '{\"limit\": -1}'",
            "UPDATE messages SET fate = 'odd'",
            "UPDATE reports SET report = '{}'",
            "UPDATE seen SET seen = '{}'",
        ],
    )
    def test_words_that_omnictl_does_not_know(self, ledger: SqliteLedger, path: Path, statement: str) -> None:
        ledger.open_batch("run-1", VIA, batch_of(), NOW)
        pull(ledger, row())
        ledger.add_seen([seen()], b"{}", NOW)
        change(path, statement)
        with pytest.raises(LedgerError, match="broken-ledger"):
            _ = (
                ledger.list_runs(),
                ledger.list_gaps(GapState),
                list(ledger.list_messages(MessageFilter())),
                pull(ledger, row(error=NO_ANSWER)),
                list(ledger.seen_of(["B-1-1"])),
            )


class TestFormats:
    @pytest.mark.parametrize("writer", ["9.9.9", None])
    def test_a_newer_one_is_refused_and_left_as_it_is(
        self, ledger: SqliteLedger, opening: Opening, path: Path, writer: str | None
    ) -> None:
        ledger.close()
        stamp = f"UPDATE meta SET value = '{writer}' WHERE name = 'omnictl'" if writer else "DROP TABLE meta"
        change(path, f"PRAGMA user_version = {VERSION + 1}", stamp, "PRAGMA wal_checkpoint(TRUNCATE)")
        before = path.read_bytes()
        with pytest.raises(LedgerError) as error:
            opening()
        hint = "use omnictl 9.9.9 or later" if writer else "use a later omnictl"
        assert (told(error)[0], told(error)[2]) == ("newer-ledger", hint)
        assert path.read_bytes() == before

    def test_one_that_says_nothing_of_its_format(self, ledger: SqliteLedger, opening: Opening, path: Path) -> None:
        change(path, "PRAGMA user_version = 0")
        with pytest.raises(LedgerError, match="broken-ledger"):
            opening()

    def test_who_has_it_open_while_a_later_omnictl_upgrades_it_writes_no_more(
        self, ledger: SqliteLedger, path: Path
    ) -> None:
        change(path, f"PRAGMA user_version = {VERSION + 1}")
        with pytest.raises(LedgerError, match="newer-ledger"):
            ledger.begin_run(run_of("run-2"))

    def test_an_old_one_is_upgraded_and_kept(self, opening: Opening, path: Path) -> None:
        path.parent.mkdir()
        shutil.copy(OLD, path)
        ledger = opening()
        assert ledger._book.query("PRAGMA user_version") == [(VERSION,)]
        assert ledger._book.meta("omnictl") == omnictl.__version__
        assert fates(ledger) == {"B-1-1": "accepted", "B-1-2": "refused", "B-2-1": "unknown"}
        assert joined(ledger) == {"B-1-1": "B-1-1", "X-1": "B-1-2", "X-2": None}
        assert ledger.select_new("run-1", [phone(1), phone(2), phone(4)]) == (phone(4),)
        assert ledger.add_seen([seen()], b"{}", NOW) == 1
        assert {each.send_at for each in ledger.list_messages(MessageFilter())} == {None}
        assert ledger._book.query("SELECT COUNT(*) FROM reports WHERE to_hash IS NULL") == [(0,)]
        ledger.open_batch("run-1", VIA, batch_of("B-9", [Recipient(phone="41793026009")]), NOW)
        assert joined(ledger)["X-2"] == "B-9-1"
        backup = backup_of(path, 1)
        with closing(sqlite3.connect(backup)) as kept:
            assert kept.execute("PRAGMA user_version").fetchone() == (1,)
            assert kept.execute("SELECT COUNT(*) FROM messages").fetchone() == (3,)
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600 or sys.platform == "win32"

    def test_messages_of_an_old_one_that_were_scheduled_are_known(self, opening: Opening, path: Path) -> None:
        path.parent.mkdir()
        shutil.copy(OLD, path)
        later = NOW + timedelta(hours=2)
        text = write_json(encode_message(Message({"SMS": {"text": "x"}}, send_at=later)), indent=None)
        change(path, f"UPDATE contents SET message = '{text.strip()}' WHERE number = 1")
        assert later in {each.send_at for each in opening().list_messages(MessageFilter())}

    def test_an_upgraded_one_is_like_a_new_one(self, opening: Opening, path: Path, tmp_path: Path) -> None:
        path.parent.mkdir()
        shutil.copy(OLD, path)

        def shape(ledger: SqliteLedger) -> dict[str, set[object]]:
            names = ledger._book.query("SELECT name FROM sqlite_schema")
            return {name: set(ledger._book.query("SELECT name FROM pragma_table_info(?)", name)) for (name,) in names}

        assert shape(opening()) == shape(opening(tmp_path / "new.db"))

    def test_an_upgrade_that_fails_changes_nothing(self, opening: Opening, path: Path) -> None:
        path.parent.mkdir()
        shutil.copy(OLD, path)
        change(path, "UPDATE reports SET report = '{' WHERE position = 3")
        with pytest.raises(LedgerError, match="broken-ledger"):
            opening()
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (1,)
            assert connection.execute("SELECT name FROM sqlite_schema WHERE name = 'seen'").fetchall() == []
        change(path, "DELETE FROM reports WHERE position = 3")
        assert len(list(opening().list_reports())) == 2

    def test_without_room_for_the_backup_nothing_is_upgraded(self, opening: Opening, path: Path) -> None:
        path.parent.mkdir()
        shutil.copy(OLD, path)
        backup_of(path, 1).mkdir()
        with pytest.raises(LedgerError, match="cannot-write-ledger"):
            opening()
        backup_of(path, 1).rmdir()
        assert opening()._book.query("PRAGMA user_version") == [(VERSION,)]

    def test_two_that_upgrade_at_once_do_it_once(self, opening: Opening, path: Path) -> None:
        path.parent.mkdir()
        shutil.copy(OLD, path)
        found: list[int] = []

        def work() -> None:
            found.append(len(fates(opening(busy_seconds=30))))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert found == [3] * 4


class TestInUse:
    def test_a_file_that_is_moved_away_takes_no_more(self, ledger: SqliteLedger, path: Path) -> None:
        path.rename(path.with_name("moved.db"))
        with pytest.raises(LedgerError, match="ledger-moved"):
            ledger.begin_run(run_of("run-2"))
        path.with_name("moved.db").rename(path)
        ledger.begin_run(run_of("run-2"))

    def test_one_that_another_program_holds(self, ledger: SqliteLedger, path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerError) as error:
                ledger.begin_run(run_of("run-2"))
            assert told(error)[0] == "ledger-busy"
            assert list(ledger.list_messages(MessageFilter())) == []
            other.execute("ROLLBACK")
        ledger.begin_run(run_of("run-2"))

    def test_an_upgrade_that_another_one_is_at(self, opening: Opening, path: Path) -> None:
        made = opening()
        made.close()
        change(path, "PRAGMA user_version = 1")
        with FileLock(f"{path}.locks/open.lock"), pytest.raises(LedgerHeldError, match="ledger-busy"):
            opening()

    def test_what_is_closed_is_closed(self, ledger: SqliteLedger) -> None:
        ledger.close()
        ledger.close()
        with pytest.raises(sqlite3.ProgrammingError):
            ledger.list_runs()
        with pytest.raises(sqlite3.ProgrammingError):
            ledger.add_reports([row()], row().report.source, b"", NOW)
