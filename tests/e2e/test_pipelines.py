"""The pipelines that can be copied, run as their CI system would, against servers of this machine."""

import base64
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.contract.backends.bucket import Bucket, served_bucket
from tests.contract.backends.git_server import PASSWORD, USER, git_over_http, make_repository
from tests.contract.backends.postgres import start_server
from tests.e2e.conftest import ServeSandbox
from tests.e2e.processes import declare
from tests.e2e.running import omnictl
from tests.terraform_server import serving
from tests.unit.docs.test_pipelines import EXAMPLES, SECRET, jobs, lines, variables

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the lines are of a POSIX shell")

SECONDS = 60
CANARY = "c4nary-of-a-pipeline"


@dataclass
class Store:
    """Where the state of a pipeline is in a test: what stands in the place of its texts, and what the CI gives."""

    instead: Mapping[str, str]
    given: Mapping[str, str] = field(default_factory=dict)
    secret: str = CANARY


@contextmanager
def in_git(tmp_path: Path) -> Iterator[Store]:
    make_repository(tmp_path / "omnictl-state.git")
    with git_over_http(tmp_path, has_password=True) as server:
        instead = {
            "git+https://github.com/acme": f"git+{server.url}",
            "git+https://gitlab.com/acme": f"git+{server.url}",
            "https://github.com": server.url,
            "https://gitlab.com": server.url,
            "username=x-access-token": f"username={USER}",
            "username=omnictl": f"username={USER}",
        }
        yield Store(instead, {"STATE_TOKEN": PASSWORD}, PASSWORD)


@contextmanager
def in_postgres(tmp_path: Path) -> Iterator[Store]:
    server = start_server(password=CANARY)
    if isinstance(server, str):
        pytest.skip(server)
    password_file = tmp_path / "variable-of-the-type-file"
    password_file.write_text(f"127.0.0.1:{server.port}:postgres:postgres:{CANARY}\n")
    place = f"postgres@127.0.0.1:{server.port}/postgres/"
    instead = {"omnictl@db.example.com/omnictl/?sslmode=verify-full&sslrootcert=system": place}
    try:
        yield Store(instead, {"STATE_PGPASS": str(password_file)})
    finally:
        server.end()


@contextmanager
def behind_http(tmp_path: Path) -> Iterator[Store]:
    with serving(f"Bearer {CANARY}") as server:
        yield Store({"https://gitlab.example.com": server.url})


@contextmanager
def behind_http_of_the_job(tmp_path: Path) -> Iterator[Store]:
    basic = base64.b64encode(f"gitlab-ci-token:{CANARY}".encode()).decode()
    with serving(f"Basic {basic}") as server:
        given = {"CI_SERVER_URL": server.url, "CI_JOB_TOKEN": CANARY}
        yield Store({"$CI_API_V4_URL": f"{server.url}/api/v4", "$CI_PROJECT_ID": "42"}, given)


@contextmanager
def in_a_bucket(tmp_path: Path) -> Iterator[Store]:
    with served_bucket(Bucket()) as endpoint:
        logged_in = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": CANARY, "AWS_ENDPOINT_URL_S3": endpoint}
        yield Store({"s3://example-omnictl": "s3://omni"}, logged_in)


def run_job(ci: str, backend: str, name: str, store: Store, surroundings: Mapping[str, str]) -> str:
    """Run the lines of a job one after the other, as a runner does; return all that they said."""
    job = jobs(EXAMPLES / ci / f"{backend}.yml")[name]
    environ = {key: SECRET.sub(store.secret, value) for key, value in variables(job).items()}
    environ = {key: put_in(value, store) for key, value in environ.items() if not key.startswith("INFOBIP_")}
    said = ""
    for line in lines(job):
        ran = subprocess.run(
            ["bash", "-ec", put_in(line, store)],
            env={**surroundings, **environ, **store.given},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )
        said += ran.stdout + ran.stderr
        assert ran.returncode == 0, f"{line}\n{said}"
    return said


def put_in(text: str, store: Store) -> str:
    for old, new in store.instead.items():
        text = text.replace(old, new)
    return text.replace("/tmp/", "made-by-the-job-")


@pytest.mark.parametrize(
    ("ci", "backend", "make"),
    [
        ("github", "git", in_git),
        ("gitlab", "git", in_git),
        ("github", "postgresql", in_postgres),
        ("gitlab", "postgresql", in_postgres),
        ("github", "http", behind_http),
        ("gitlab", "http", behind_http_of_the_job),
        ("github", "s3", in_a_bucket),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_pipeline_checks_plans_and_applies(
    ci: str,
    backend: str,
    make: Callable[[Path], AbstractContextManager[Store]],
    project: Path,
    serve_sandbox: ServeSandbox,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    world = serve_sandbox()
    (project / "omnictl.yaml").write_text("version: 1\nenvironments:\n  production:\n    production: true\n")
    declare(project, 2)
    assert omnictl("fmt").code == 0
    surroundings = {**os.environ, **a_runner(tmp_path_factory.mktemp("runner"))}
    with make(tmp_path_factory.mktemp("store")) as store:
        run_job(ci, backend, "validate", store, surroundings)
        assert "2 scenarios in files · state serial 0" in run_job(ci, backend, "plan", store, surroundings)
        said = run_job(ci, backend, "apply", store, surroundings)
        assert len(world.list_all()) == 2
        assert not (project / "state").exists()
        said += run_job(ci, backend, "plan", store, surroundings)
    assert "No changes" in said
    assert store.secret not in said


def a_runner(path: Path) -> dict[str, str]:
    """Return the environment of a machine that omnictl was installed on: pip has nothing to do."""
    for name, does in {"pip": "exit 0", "omnictl": f'exec "{sys.executable}" -m omnictl "$@"'}.items():
        (path / name).write_text(f"#!/bin/sh\n{does}\n")
        (path / name).chmod(0o755)
    return {
        "PATH": f"{path}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(path),
        "CI": "true",
        "OMNICTL_SETTLE": "1",
        "GITHUB_STEP_SUMMARY": str(path / "summary.md"),
    }
