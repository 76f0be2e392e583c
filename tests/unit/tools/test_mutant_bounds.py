"""What a mutant cannot do outside of its folder. Each try is a process of its own, for a bound is never taken away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="mutants are forked")

ROOT = Path(__file__).parents[3]

TRIES = (
    'open(out / "file", "w")',
    'open(out / "file", "a")',
    'open(out / "file", "r+b")',
    'open(out / "new", "x")',
    'os.open(out / "new", os.O_CREAT)',
    '(out / "new").write_text("x")',
    '(out / "file").unlink()',
    '(out / "file").chmod(0o600)',
    "out.chmod(0o700)",
    "out.parent.chmod(0o700)",
    "os.chmod(os.open(out, os.O_RDONLY), 0o700)",
    'os.chmod("file", 0o600, dir_fd=os.open(out, os.O_RDONLY))',
    '(out / "new").mkdir()',
    '(out / "empty").rmdir()',
    'os.rename(out / "file", inside / "file")',
    'os.rename(inside / "mine", out / "file")',
    'os.replace(inside / "mine", out / "new")',
    'os.truncate(out / "file", 0)',
    'os.utime(out / "file", (0, 0))',
    'os.link(out / "file", inside / "hard")',
    'os.symlink("file", out / "soft")',
    "shutil.rmtree(out)",
    "tempfile.mkdtemp(dir=out)",
    'open(inside / "link", "w")',
    'open(inside / ".." / "out" / "file", "w")',
    'open("../out/file", "w")',
    '(inside / "parent" / "file").unlink()',
    "os.rmdir(inside)",
)
ALLOWED = (
    '(inside / "mine").write_text("x")',
    '(inside / "deep").mkdir(mode=0o700)',
    '(inside / "mine").chmod(0o600)',
    '(inside / "mine").replace(inside / "other")',
    '(inside / "soft").symlink_to("gone")',
    '(out / "file").read_text()',
    "os.close(os.open(inside, os.O_RDONLY | os.O_DIRECTORY))",
    'open(os.devnull, "w").close()',
    'open("mine", "a").close()',
    "os.close(tempfile.mkstemp(dir=inside)[0])",
    'shutil.rmtree(inside / "tree")',
)
_PROGRAM = """
import os, shutil, sys, tempfile
from pathlib import Path
from tools.mutant_bounds import confine
inside, out = map(Path, sys.argv[1:3])
os.chdir(inside)
confine(inside)
try:
    {statement}
except PermissionError as error:
    sys.exit(7 if "a mutant changes nothing" in str(error) else 8)
"""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    inside, out = tmp_path / "in", tmp_path / "out"
    (inside / "tree" / "branch").mkdir(parents=True)
    (out / "empty").mkdir(parents=True)
    (inside / "mine").write_text("mine")
    (out / "file").write_text("theirs")
    (inside / "link").symlink_to(out / "file")
    (inside / "parent").symlink_to(out)
    return inside, out


def run(statements: tuple[str, ...], folders: tuple[Path, Path]) -> list[int]:
    """Run each statement in a child of one process, and return how they ended."""
    program = "import os, sys\nfor source in sys.argv[3:]:\n    child = os.fork()\n    if child == 0:\n"
    program += "        exec(compile(source, 'try', 'exec'))\n        sys.exit(0)\n"
    program += "    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)\n"
    sources = [_PROGRAM.format(statement=each) for each in statements]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, folders), *sources],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(each) for each in done.stdout.split()]


def test_nothing_outside_is_changed(folders: tuple[Path, Path]) -> None:
    before = [(each, each.lstat().st_mode, each.lstat().st_mtime) for each in sorted(folders[1].rglob("*"))]
    ended = run(TRIES, folders)
    assert {statement: code for statement, code in zip(TRIES, ended, strict=True) if code != 7} == {}
    assert [(each, each.lstat().st_mode, each.lstat().st_mtime) for each in sorted(folders[1].rglob("*"))] == before
    assert (folders[1] / "file").read_text() == "theirs"


def test_inside_everything_may_be_changed(folders: tuple[Path, Path]) -> None:
    ended = run(ALLOWED, folders)
    assert {statement: code for statement, code in zip(ALLOWED, ended, strict=True) if code != 0} == {}
