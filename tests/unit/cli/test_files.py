"""Files that are written whole or not at all, whatever stands at their path."""

import os
import threading
from pathlib import Path

import pytest

from omnictl.cli.files import refuse_unwritable, write_bytes, write_text
from omnictl.errors import OutputError, UsageError


def test_a_new_file_gets_the_usual_mode_and_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "plan.json"
    write_text(path, "text")
    assert path.read_text() == "text\n"
    assert path.stat().st_mode & 0o777 == 0o666 & ~_mask()


def test_the_mode_of_a_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "keys.env"
    path.write_text("old")
    path.chmod(0o640)
    write_bytes(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)


def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    write_text(tmp_path / "link", "new\n")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new\n"


def test_a_pipe_is_written_and_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    write_text(tmp_path / "pipe", "report")
    reader.join(10)
    assert read == ["report\n"]


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plan.json"
    path.write_text("old")

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OutputError) as caught:
        write_text(path, "new")
    assert "No space left" in caught.value.diagnostics[0].detail
    assert [each.name for each in tmp_path.iterdir()] == ["plan.json"]
    assert path.read_text() == "old"


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plan.json"
    path.write_text("old")
    monkeypatch.setattr("os.access", lambda target, mode: Path(target) != path)
    with pytest.raises(OutputError):
        write_text(path, "new")
    assert path.read_text() == "old"


def test_a_file_in_a_folder_that_may_not_be_written_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "summary.md"
    path.write_text("old")
    monkeypatch.setattr("os.access", lambda target, mode: Path(target) == path)
    write_text(path, "new")
    assert path.read_text() == "new\n"


def test_what_cannot_be_written_is_known_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    refuse_unwritable([tmp_path / "new" / "plan.json", tmp_path / "file"])
    assert (tmp_path / "new").is_dir()
    for wrong in (tmp_path, tmp_path / "file" / "plan.json"):
        with pytest.raises(UsageError, match="cannot-write-file"):
            refuse_unwritable([wrong])
    monkeypatch.setattr("os.access", lambda target, mode: False)
    with pytest.raises(UsageError) as caught:
        refuse_unwritable([tmp_path / "plan.json"])
    assert "read-only" in caught.value.diagnostics[0].detail


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_link_out_of_the_working_directory_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside, here = tmp_path / "outside", tmp_path / "here"
    here.mkdir()
    outside.write_text("mine\n")
    (here / "plan.json").symlink_to(outside)
    monkeypatch.chdir(here)
    for path in (Path("plan.json"), here / "plan.json"):
        with pytest.raises(UsageError) as refused:
            refuse_unwritable([path])
        assert "a link leads out" in refused.value.diagnostics[0].detail
        with pytest.raises(OutputError):
            write_text(path, "plan\n")
    assert outside.read_text() == "mine\n"
    write_text(outside, "named\n")
    assert outside.read_text() == "named\n"
