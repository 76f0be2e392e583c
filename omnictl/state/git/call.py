"""The git binary, called so that it ends in time, asks nobody, runs no hook, and tells no secret."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryFile, mkdtemp
from time import time

from msgspec import Struct

from omnictl.durable import LARGEST_BYTES, make_private_directory

_FIXED = {"LC_ALL": "C", "LANGUAGE": "", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
_DROPPED = re.compile(
    r"GIT_(DIR|WORK_TREE|INDEX_FILE|INDEX_VERSION|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE|COMMON_DIR"
    r"|PREFIX|SHALLOW_FILE|GRAFT_FILE|QUARANTINE_PATH|DEFAULT_HASH|CURL_VERBOSE|TRACE.*|TEST_.*|PUSH_OPTION.*)"
)
"""What would lead git into another repository, where omnictl runs in a hook, or let it print what it sends."""
_SETTINGS = (
    f"core.hooksPath={os.devnull}",
    "gc.auto=0",
    "maintenance.auto=false",
    "push.gpgSign=false",
    "push.followTags=false",
    "push.recurseSubmodules=no",
    "fetch.recurseSubmodules=no",
    "fetch.prune=false",
    "fetch.writeCommitGraph=false",
    "advice.detachedHead=false",
)
_GRACE_SECONDS = 2.0
_LEFT_OVER_SECONDS = 3600.0
_SECRET_NAME = re.compile(r"PASS|SECRET|TOKEN|KEY|CREDENTIAL|GIT_CONFIG_VALUE", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=://)[^\s'\"]*@")
_HEADER = re.compile(r"(?i)(authorization|cookie|private-token|job-token)\s*[:=].*")
_SHORTEST_SECRET = 6
_MOST_SAID = 400


class Ran(Struct, frozen=True):
    """How a call ended; ``code`` is None where it was ended after its time. ``said`` is fit for people."""

    code: int | None
    out: bytes = b""
    said: str = ""


class NoGitError(Exception):
    """There is no git on this machine, or it cannot be started."""


def run_git(
    arguments: Sequence[str], *, directory: Path, environ: Mapping[str, str], timeout_seconds: float, given: bytes = b""
) -> Ran:
    """Call git in a bare repository; ``given`` is its input. Raises NoGitError.

    What it prints goes to files: a helper that stays behind, such as a shared connection of ssh, holds up nobody.
    """
    settings = [part for each in _SETTINGS for part in ("-c", each)]
    command = ["git", "--git-dir", str(directory), *settings, *arguments]
    surroundings = {name: value for name, value in environ.items() if not _DROPPED.fullmatch(name)} | _FIXED
    with TemporaryFile() as entered, TemporaryFile() as out, TemporaryFile() as err:
        entered.write(given)
        entered.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603 - the arguments are ours
                command, stdin=entered, stdout=out, stderr=err, env=surroundings, start_new_session=True
            )
        except OSError as error:
            raise NoGitError(error.strerror or "it cannot be started") from None
        code = _wait(process, timeout_seconds)
        out.seek(0)
        err.seek(0)
        return Ran(code, out.read(LARGEST_BYTES), _fit_for_people(err.read(64 * 1024), surroundings))


def _wait(process: subprocess.Popen[bytes], timeout_seconds: float) -> int | None:
    try:
        return process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        _end(process)
        return None
    except BaseException:
        _end(process)
        raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and all that it started; first so that it removes its locks in a repository of this machine.

    The thread of a lease blocks the usual signals, and what it starts inherits that: SIGPIPE always arrives.
    """
    if not hasattr(os, "killpg"):
        process.kill()
        process.wait()
        return
    for number in (signal.SIGPIPE, signal.SIGKILL):
        with suppress(OSError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)


def _fit_for_people(said: bytes, environ: Mapping[str, str]) -> str:
    """Return what git said, as one line without secrets: URLs may hold some, where settings of the user add them."""
    text = said.decode("utf-8", "replace")
    secrets = {value for name, value in environ.items() if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    text = _HEADER.sub(r"\1: ***", _USER_INFO.sub("", text))
    lines = ("".join(part if part.isprintable() else " " for part in line).strip() for line in text.splitlines())
    joined = "; ".join(line.rstrip(".") for line in lines if line and not line.startswith(("warning:", "hint:")))
    return joined if len(joined) <= _MOST_SAID else f"{joined[:_MOST_SAID]} …"


@contextmanager
def scratch_repository(work_dir: Path) -> Iterator[Path]:
    """Make an empty bare repository for one call, removed after it.

    One for each call costs a millisecond, grows nowhere, and is shared by no thread and no process. It lies in the
    work directory, or in the temporary one where that cannot be written.
    """
    path = _make_directory(work_dir)
    try:
        for name in ("objects", "refs"):
            (path / name).mkdir()
        (path / "HEAD").write_text("ref: refs/heads/main\n")
        (path / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
        yield path
    finally:
        rmtree(path, ignore_errors=True)


def _make_directory(work_dir: Path) -> Path:
    try:
        return Path(mkdtemp(prefix="call-", dir=make_private_directory(work_dir / "git").absolute()))
    except OSError:
        return Path(mkdtemp(prefix="omnictl-git-"))


def remove_left_over(work_dir: Path) -> None:
    """Remove what calls left behind whose process was killed: a call lasts less than a minute."""
    with suppress(OSError):
        for path in (work_dir / "git").glob("call-*"):
            if time() - path.stat().st_mtime > _LEFT_OVER_SECONDS:
                rmtree(path, ignore_errors=True)
