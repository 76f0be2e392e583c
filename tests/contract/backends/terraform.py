"""States behind Terraform's HTTP protocol: on a server of the plain kind, and on one that keeps GitLab's rules."""

import base64
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from omnictl.state.base import StateBackend
from omnictl.state.factory import open_backend
from omnictl.state.terraform.backend import TerraformHttpBackend
from omnictl.state.terraform.lock import ServerLock
from tests.contract.backends.kinds import Place, make_token

USER, PASSWORD = "gitlab-ci-token", "a-canary-of-a-password"
AUTHORIZATION = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
ENVIRON = {"TF_HTTP_USERNAME": USER, "TF_HTTP_PASSWORD": PASSWORD}
_SERVER = Path(__file__).parents[2] / "terraform_server.py"
_running: dict[str, str] = {}


def server_url(request: pytest.FixtureRequest) -> str:
    """Return where the one server of this session answers; it is started when it is first asked for."""
    if "url" not in _running:
        process = subprocess.Popen(
            [sys.executable, str(_SERVER), AUTHORIZATION], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None

        def stop() -> None:
            process.kill()
            process.communicate()
            _running.clear()

        request.session.config.add_cleanup(stop)
        _running["url"] = f"http://127.0.0.1:{int(process.stdout.readline())}"
    return _running["url"]


def open_quick(url: str, work_dir: Path, environment: str, environ: Mapping[str, str]) -> StateBackend:
    """Return a backend that looks often whether a lock is free."""
    made = open_backend(url, work_dir=work_dir, environment=environment, environ=environ, make_token=make_token)
    assert isinstance(made, TerraformHttpBackend)
    made._lock = ServerLock(made._server, make_token, poll_seconds=0.1)
    return made


@contextmanager
def _place(url: str, tmp_path: Path) -> Iterator[Place]:
    headers = {"Authorization": AUTHORIZATION}

    def put(content: bytes) -> None:
        httpx.post(f"{url}test", content=content, headers=headers).raise_for_status()

    def get() -> bytes | None:
        answer = httpx.get(f"{url}test", headers=headers)
        return answer.content if answer.status_code == 200 else None

    yield Place(
        lambda environment: open_quick(url, tmp_path / ".omnictl", environment, ENVIRON),
        put,
        get,
        proves_end=False,
        changes_text=False,
        url=url,
        environ=ENVIRON,
    )


def plain(tmp_path: Path, request: pytest.FixtureRequest) -> AbstractContextManager[Place]:
    """LOCK and UNLOCK on the address of the state."""
    return _place(f"{server_url(request)}/{uuid4().hex}/", tmp_path)


def gitlab(tmp_path: Path, request: pytest.FixtureRequest) -> AbstractContextManager[Place]:
    """A lock at an address of its own, serials that are never used twice."""
    project = f"group%2F{uuid4().hex}"
    return _place(f"{server_url(request)}/api/v4/projects/{project}/terraform/state/", tmp_path)
