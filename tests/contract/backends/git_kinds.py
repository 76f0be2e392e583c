"""The state in a git remote: a bare repository of this machine, and one over HTTP that asks for a password."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from omnictl.state.base import StateBackend
from omnictl.state.git.store import GitStore
from omnictl.state.lease import Lease, Terms
from omnictl.state.location import parse_location
from omnictl.state.stored import LOCK, STATE, StoredBackend
from tests.contract.backends.git_server import askpass_environ, git_over_http, make_repository
from tests.contract.backends.kinds import Place, make_token

TERMS = Terms(lease=6, poll=0.2, margin=0.5)
"""A lease for tests; where the machine is busy a push takes a second."""


def git_environ() -> dict[str, str]:
    """Return the environment without settings of whoever runs the tests."""
    return {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


def git_place(tmp_path: Path, url: str, environ: Mapping[str, str]) -> Place:
    """Return a place in a repository; ``url`` ends with the slashes before the name."""
    environ = {**git_environ(), **environ}

    def open_store(environment: str) -> GitStore:
        location = parse_location(url, environment)
        return GitStore(location, work_dir=tmp_path / ".omnictl", environ=environ, make_token=make_token)

    def open_one(environment: str) -> StateBackend:
        store = open_store(environment)
        lease = Lease(store, LOCK, make_token, terms=TERMS)
        return StoredBackend(
            store, work_dir=tmp_path / ".omnictl", environment=environment, make_token=make_token, lease=lease
        )

    def put(content: bytes) -> None:
        open_store("test").write(STATE, content, replaces=None)

    def get() -> bytes | None:
        found = open_store("test").read(STATE)
        return found.content if found else None

    return Place(open_one, put, get, url=url, environ=environ)


@contextmanager
def git_by_file(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A bare repository that is reached by its path."""
    _require_git()
    repository = make_repository(tmp_path / "remote.git")
    yield git_place(tmp_path, f"git+file://{repository}//", {})


@contextmanager
def git_by_http(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A repository behind HTTP and a password, with the state in branches."""
    _require_git()
    make_repository(tmp_path / "remote.git")
    with git_over_http(tmp_path, has_password=True) as server:
        yield git_place(tmp_path, f"git+{server.url}/remote.git//?refs=heads", askpass_environ(tmp_path))


def _require_git() -> None:
    if shutil.which("git") is None:
        pytest.skip("there is no git on this machine")
