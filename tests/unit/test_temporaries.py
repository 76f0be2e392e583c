"""Whose a temporary file is, and when it is cleared."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from omnictl import temporaries
from omnictl.durable import create_file, replace_file
from omnictl.temporaries import drop_rests, prefix_of

KILLED = """
import os, signal, sys
from pathlib import Path
from omnictl.durable import replace_file
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
replace_file(Path(sys.argv[1]), b"half", private=False)
"""
NO_SUCH = 2**22 + 1
"""More than the process ids of Linux."""


def leave(folder: Path, name: str, *, age_seconds: float = 0.0) -> Path:
    path = folder / name
    path.write_text("half")
    at = time.time() - age_seconds
    os.utime(path, (at, at))
    return path


def left(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no boot id")


@LINUX
def test_what_a_killed_writer_left_goes_with_the_next_run(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "x.yaml")], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    (name,) = left(tmp_path)
    assert name.startswith(".x.yaml.omnictl-")
    drop_rests(tmp_path)
    assert left(tmp_path) == []


def test_what_may_still_be_written_stays(tmp_path: Path) -> None:
    mine = leave(tmp_path, f"{prefix_of(tmp_path / 'a.yaml')}abc.tmp")
    there = leave(tmp_path, f".a.yaml.omnictl-00000000-{NO_SUCH}-abc.tmp")
    unnamed = leave(tmp_path, ".a.yaml.omnictl-abc.tmp")
    root = leave(tmp_path, f".a.yaml.omnictl-{temporaries._machine()}-1-abc.tmp")
    others = [leave(tmp_path, name, age_seconds=10**6) for name in (".a.yaml.tmp", "a.omnictl-b.tmp", ".a.omnictl-b")]
    drop_rests(tmp_path)
    assert all(each.exists() for each in (mine, there, unnamed, root, *others))


@LINUX
def test_what_nobody_writes_any_more_goes(tmp_path: Path) -> None:
    leave(tmp_path, f".a.yaml.omnictl-{temporaries._machine()}-{NO_SUCH}-abc.tmp")
    leave(tmp_path, f".a.yaml.omnictl-{temporaries._machine()}-{10**30}-abc.tmp")
    leave(tmp_path, f".a.yaml.omnictl-00000000-{os.getpid()}-abc.tmp", age_seconds=3601)
    leave(tmp_path, ".b.yaml.omnictl-abc.tmp", age_seconds=3601)
    drop_rests(tmp_path)
    assert left(tmp_path) == []


def test_a_process_of_somebody_else_is_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(process: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    leave(tmp_path, f".a.yaml.omnictl-{temporaries._machine()}-{NO_SUCH}-abc.tmp")
    drop_rests(tmp_path)
    assert len(left(tmp_path)) == 1


def test_where_the_machine_is_not_known_nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(os, "readlink", refuse)
    temporaries._machine.cache_clear()
    try:
        assert prefix_of(Path("x.yaml")) == ".x.yaml.omnictl-"
    finally:
        temporaries._machine.cache_clear()


@pytest.mark.parametrize("size", [200, 201, 225])
def test_a_long_name_leaves_room(tmp_path: Path, size: int) -> None:
    replace_file(tmp_path / ("x" * size), b"whole", private=False)
    create_file(tmp_path / ("y" * size), b"whole")
    assert left(tmp_path) == ["x" * size, "y" * size]
