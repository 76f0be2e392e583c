"""The state as a file: what is read, what is refused, what is kept, what is saved when nothing else works."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from omnictl import durable
from omnictl.codec.state import encode_state
from omnictl.errors import StateError, StateWriteError
from omnictl.model.state import State
from omnictl.state.local.backend import LocalBackend
from tests.builders import example_scene
from tests.unit.state.conftest import MakeBackend

STATE = example_scene().state


def following(state: State) -> State:
    """Return the next version."""
    return replace(state, serial=state.serial + 1, listed=state.listed + 1)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nothing_is_there_before_the_first_write(backend: LocalBackend, path: Path) -> None:
    assert backend.read() is None
    assert backend.history() == ()
    with pytest.raises(StateError, match="no-such-version"):
        backend.read_version("c0ffee", 1)
    assert not path.parent.exists()
    backend.write(STATE)
    assert backend.read() == STATE
    assert list(path.parent.iterdir()) == [path]
    assert backend.location == str(path)


def test_the_state_is_for_git_and_all_else_for_its_owner(backend: LocalBackend, path: Path, tmp_path: Path) -> None:
    backend.write(STATE)
    backend.write(following(STATE))
    mask = os.umask(0o022)
    os.umask(mask)
    assert mode_of(path) == 0o666 & ~mask
    work_dir = tmp_path / ".omnictl"
    assert (work_dir / ".gitignore").read_text() == "*\n"
    for each in (work_dir, *work_dir.rglob("*")):
        if each.name != ".gitignore":
            assert mode_of(each) == (0o700 if each.is_dir() else 0o600), each


def test_permissions_of_a_state_are_kept(make_backend: MakeBackend, path: Path) -> None:
    make_backend().write(STATE)
    path.chmod(0o640)
    make_backend().write(following(STATE))
    assert mode_of(path) == 0o640


def test_a_state_that_somebody_made_read_only_is_not_replaced(
    make_backend: MakeBackend, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backend().write(STATE)
    monkeypatch.setattr("os.access", lambda target, mode: Path(target) != path)
    with pytest.raises(StateWriteError) as caught:
        make_backend().write(following(STATE))
    assert caught.value.diagnostics[0].detail.endswith(": it is read-only.")
    assert make_backend().read() == STATE


def test_a_state_inside_the_work_directory_is_private(tmp_path: Path) -> None:
    path = tmp_path / ".omnictl" / "sandbox" / "test" / "state.json"
    LocalBackend(path, work_dir=path.parent, environment="production").write(STATE)
    assert mode_of(path) == 0o600


@pytest.mark.parametrize("kind", ["directory", "fifo", "dangling link", "loop", "huge", "parent is a file"])
def test_what_is_no_file_is_refused_and_left_alone(
    make_backend: MakeBackend, path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "parent is a file":
        path.parent.write_text("x")
    else:
        path.parent.mkdir()
    match kind:
        case "directory":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "dangling link":
            path.symlink_to("gone.json")
        case "loop":
            path.symlink_to(path.name)
        case "huge":
            path.write_text("{}")
            monkeypatch.setattr(durable, "LARGEST_BYTES", 1)
        case _:
            assert path.parent.is_file()
    with pytest.raises(StateError) as caught:
        make_backend().read()
    problem = caught.value.diagnostics[0]
    assert problem.code == "cannot-read-state"
    assert problem.source is not None
    assert problem.source.path == str(path)
    with pytest.raises(StateWriteError):
        make_backend().write(STATE)
    assert path.is_symlink() or path.is_dir() or path.is_fifo() or kind in ("huge", "parent is a file")


def test_a_link_is_followed_and_stays_a_link(make_backend: MakeBackend, path: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "real.json"
    real.parent.mkdir()
    real.write_text(encode_state(STATE))
    path.parent.mkdir()
    path.symlink_to(real)
    backend = make_backend()
    assert backend.read() == STATE
    backend.write(following(STATE))
    assert path.is_symlink()
    assert make_backend().read() == following(STATE)
    assert not real.is_symlink()


def test_a_state_of_another_environment_is_refused(backend: LocalBackend, path: Path) -> None:
    path.parent.mkdir()
    path.write_text(encode_state(replace(STATE, environment="test")))
    with pytest.raises(StateError) as caught:
        backend.read()
    assert caught.value.diagnostics[0].code == "other-environment"


@pytest.mark.parametrize("known", [True, False])
def test_what_somebody_else_wrote_is_not_replaced(make_backend: MakeBackend, path: Path, known: bool) -> None:
    make_backend().write(STATE)
    backend = make_backend()
    if known:
        backend.read()
        foreign = replace(STATE, serial=1)  # a git checkout may bring an older one
    else:
        foreign = following(following(STATE))
    path.write_text(encode_state(foreign))
    with pytest.raises(StateWriteError) as caught:
        backend.write(following(STATE))
    assert caught.value.diagnostics[0].code == "state-moved"
    assert make_backend().read() == foreign


def test_a_state_that_went_away_is_not_written_as_if_it_were_new(make_backend: MakeBackend, path: Path) -> None:
    make_backend().write(STATE)
    backend = make_backend()
    backend.read()
    path.unlink()
    with pytest.raises(StateWriteError) as caught:
        backend.write(following(STATE))
    assert "is gone" in caught.value.diagnostics[0].detail
    assert not path.exists()
    assert backend.read() is None
    backend.write(following(STATE))
    assert backend.read() == following(STATE)


def test_a_state_that_became_unreadable_is_not_replaced(make_backend: MakeBackend, path: Path) -> None:
    make_backend().write(STATE)
    backend = make_backend()
    backend.read()
    path.write_text("<<<<<<< HEAD\n")
    with pytest.raises(StateWriteError) as caught:
        backend.write(following(STATE))
    assert caught.value.diagnostics[0].code == "state-merge-conflict"
    assert path.read_text() == "<<<<<<< HEAD\n"


def test_a_state_is_kept_as_its_run_found_it(make_backend: MakeBackend) -> None:
    """An apply writes often; one must be able to go back to before it."""
    state = STATE
    make_backend().write(state)
    starts = []
    for _ in range(12):
        backend = make_backend()
        starts.append(state)
        for _ in range(5):
            state = following(state)
            backend.write(state)
    kept = {each.serial for each in make_backend().history()}
    assert {each.serial for each in starts[-10:]} <= kept
    assert len(kept) == 13
    assert make_backend().read_version(STATE.lineage, starts[-3].serial) == starts[-3]


def test_versions_bear_the_time_at_which_they_were_written(make_backend: MakeBackend, path: Path) -> None:
    make_backend().write(STATE)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    make_backend().write(following(STATE))
    assert [each.written_at.timestamp() for each in make_backend().history()] == [1_700_000_000]


def test_versions_of_another_lineage_neither_crowd_out_nor_answer(make_backend: MakeBackend, path: Path) -> None:
    make_backend().write(STATE)
    make_backend().write(following(STATE))
    path.unlink()
    other = replace(STATE, lineage="../..", serial=1)
    make_backend().write(other)
    make_backend().write(following(other))
    assert {(each.lineage, each.serial) for each in make_backend().history()} == {("c0ffee", 118), ("_____", 1)}
    assert make_backend().read_version(other.lineage, 1) == other
    with pytest.raises(StateError) as caught:
        make_backend().read_version(other.lineage, 118)
    assert "kept are 1" in caught.value.diagnostics[0].detail


def test_a_version_that_cannot_be_read_is_told(make_backend: MakeBackend, tmp_path: Path) -> None:
    make_backend().write(STATE)
    make_backend().write(following(STATE))
    kept = Path(make_backend().history()[0].location)
    kept.unlink()
    kept.mkdir()
    with pytest.raises(StateError) as caught:
        make_backend().read_version(STATE.lineage, STATE.serial)
    assert caught.value.diagnostics[0].code == "cannot-read-state"


def test_versions_that_cannot_be_listed_are_told(
    make_backend: MakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backend().write(STATE)
    make_backend().write(following(STATE))

    def refuse(directory: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", refuse)
        with pytest.raises(StateError) as caught:
            make_backend().history()
    assert caught.value.diagnostics[0].detail == f"{tmp_path / '.omnictl' / 'backups'}: Permission denied."


def test_a_version_that_goes_while_it_is_looked_for_is_not_kept(
    make_backend: MakeBackend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("omnictl.state.versions.Versions.find", lambda *_: tmp_path / "gone.json")
    with pytest.raises(StateError) as caught:
        make_backend().read_version(STATE.lineage, 7)
    assert caught.value.diagnostics[0].code == "no-such-version"


def test_the_history_begins_with_what_was_written_last(make_backend: MakeBackend, path: Path) -> None:
    backend = make_backend()
    for number, at in enumerate((1_700_000_000, 1_700_000_500, 1_700_000_500, 1_700_000_900)):
        backend.write(replace(STATE, serial=number))
        os.utime(path, (at, at))
    found = make_backend().history()
    assert [each.serial for each in found] == [2, 1, 0]
    assert [each.written_at for each in found] == [
        datetime(2023, 11, 14, 22, 21, 40, tzinfo=UTC),
        datetime(2023, 11, 14, 22, 21, 40, tzinfo=UTC),
        datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("lineage", "name"), [("c0ffee", "c0ffee"), ("", "_"), ("../..", "_____"), ("x" * 65, "x" * 64), ("a b", "a_b")]
)
def test_a_lineage_is_a_directory_whatever_it_is(lineage: str, name: str, make_backend: MakeBackend) -> None:
    backend = make_backend()
    for serial in (1, 2):
        backend.write(replace(STATE, lineage=lineage, serial=serial))
    assert [each.lineage for each in backend.history()] == [name]


def test_of_the_same_serial_there_is_one_state(make_backend: MakeBackend) -> None:
    make_backend().write(STATE)
    with pytest.raises(StateWriteError) as caught:
        make_backend().write(replace(STATE, listed=99))
    assert caught.value.diagnostics[0].code == "state-moved"
    assert make_backend().read() == STATE


def test_what_a_run_wrote_is_what_it_knows(make_backend: MakeBackend, path: Path) -> None:
    """An older state, that a checkout brings in the middle of a run, is not taken for what the run wrote."""
    backend = make_backend()
    backend.write(STATE)
    path.write_text(encode_state(replace(STATE, serial=1)))
    with pytest.raises(StateWriteError) as caught:
        backend.write(following(STATE))
    assert caught.value.diagnostics[0].code == "state-moved"


def test_the_cure_of_a_conflict_names_the_environment(backend: LocalBackend, path: Path) -> None:
    path.parent.mkdir()
    path.write_text("<<<<<<< HEAD\n")
    with pytest.raises(StateError) as caught:
        backend.read()
    assert "omnictl state push theirs.json --env production" in caught.value.diagnostics[0].commands


def test_a_stranger_among_the_versions_is_ignored(make_backend: MakeBackend) -> None:
    make_backend().write(STATE)
    make_backend().write(following(STATE))
    directory = Path(make_backend().history()[0].location).parent
    (directory / "notes.txt").write_text("x")
    (directory / "\u0660\u0660\u0660\u0660\u0660\u0660\u0663\u0663.json").write_text("x")
    (directory.parent / "readme").write_text("x")
    assert len(make_backend().history()) == 1


def test_an_errored_state_never_replaces_another(backend: LocalBackend, tmp_path: Path) -> None:
    first, second = (backend.save_errored(replace(STATE, listed=n)) for n in (1, 2))
    assert [Path(each).name for each in (first, second)] == ["production-118.json", "production-118-2.json"]
    assert Path(first).parent == tmp_path / ".omnictl" / "errored"
    assert Path(first).read_text() == encode_state(replace(STATE, listed=1))
    assert mode_of(Path(first)) == 0o600


def test_an_errored_state_goes_elsewhere_where_it_must(
    backend: LocalBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".omnictl").write_text("in the way")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = Path(backend.save_errored(STATE))
    assert found.read_text() == encode_state(STATE)
    assert found.parent.name.startswith("omnictl-errored-")


def test_an_errored_state_that_fits_nowhere_is_told(
    backend: LocalBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".omnictl").write_text("in the way")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(StateWriteError):
        backend.save_errored(STATE)
