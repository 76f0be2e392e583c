"""The pipelines that are there to be copied say what omnictl, its backends and the pages understand."""

import re
import shlex
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from omnictl.cli.workflows import SERVICES
from omnictl.state.git.store import GitStore
from omnictl.state.location import EXTRAS, parse_location
from omnictl.state.objects.place import parse_object_place
from omnictl.state.terraform.place import find_identity, read_place
from tests.unit.docs.pages import ROOT, read
from tools.doc_tables import walk_commands

EXAMPLES = ROOT / "examples" / "pipelines"
FILES = sorted(EXAMPLES.rglob("*.yml"))
COMMANDS = dict(walk_commands())
BACKENDS = {"s3", "gcs", "azure", "postgresql", "http", "git"}
GITLAB_KEYWORDS = {"stages", "workflow", "default", "variables"}
GITLABS_OWN = {
    "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
    "CI_PROJECT_ID": "42",
    "CI_SERVER_URL": "https://gitlab.example.com",
    "CI_JOB_TOKEN": "token",
}

SECRET = re.compile(r"\$\{\{ secrets\.[A-Z_]+ \}\}")

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")


def load(path: Path) -> dict[str, Any]:
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    """Return the jobs by name; in GitLab what they extend is put into them."""
    document = load(path)
    if path.parent.name == "github":
        return dict(document["jobs"])
    found = {name: each for name, each in document.items() if name not in GITLAB_KEYWORDS}
    return {name: _extended(each, found) for name, each in found.items() if not name.startswith(".")}


def _extended(job: dict[str, Any], found: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    base = found.get(job.get("extends", ""), {})
    variables = {**base.get("variables", {}), **job.get("variables", {})}
    return {**base, **job, **({"variables": variables} if variables else {})}


def lines(job: Mapping[str, Any]) -> Iterator[str]:
    """Return the lines of shell of a job."""
    if "steps" in job:
        runs = [step["run"] for step in job["steps"] if "run" in step]
    else:
        runs = [*job.get("before_script", ()), *job.get("script", ())]
    yield from (line.strip() for run in runs for line in run.splitlines() if line.strip())


def variables(job: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in {**job.get("env", {}), **job.get("variables", {})}.items()}


def state_of(job: Mapping[str, Any]) -> str:
    """Return the URL, with what GitLab puts in."""
    text = variables(job)["OMNICTL_STATE"]
    for name, value in GITLABS_OWN.items():
        text = text.replace(f"${name}", value)
    assert "$" not in text
    return text


def test_there_is_one_for_each_backend_and_the_pages_list_them() -> None:
    assert {(path.parent.name, path.stem) for path in FILES} == {(ci, each) for ci in SERVICES for each in BACKENDS}
    for page in ((EXAMPLES / "README.md").read_text(encoding="utf-8"), read("pipelines.md")):
        for path in FILES:
            assert f"{path.parent.name}/{path.name}" in page


def test_the_page_shows_what_can_be_copied() -> None:
    shown = re.findall(r"^```yaml\n(.*?)^```$", read("pipelines.md"), re.MULTILINE | re.DOTALL)
    for name in ("github/s3.yml", "gitlab/http.yml"):
        assert (EXAMPLES / name).read_text(encoding="utf-8") in shown


@each_file
def test_every_command_line_can_be_parsed(path: Path) -> None:
    commands = [line for job in jobs(path).values() for line in lines(job) if line.startswith("omnictl ")]
    assert {line.split()[1] for line in commands} == {"validate", "fmt", "plan", "apply"}
    for line in commands:
        name, *words = shlex.split(line)[1:]
        COMMANDS[name].parse_args(click.Context(COMMANDS[name], info_name=name), words)


@each_file
def test_a_production_is_named_locked_and_applied_by_one_job_at_a_time(path: Path) -> None:
    apply = jobs(path)["apply"]
    (command,) = (line for line in lines(apply) if line.startswith("omnictl apply"))
    assert "--yes --confirm production --lock-timeout 10m" in command
    assert apply["environment"] == "production"
    alone = apply.get("concurrency") or {"group": apply.get("resource_group"), "cancel-in-progress": False}
    assert alone == {"group": "omnictl-production", "cancel-in-progress": False}
    assert apply.get("interruptible", False) is False
    assert ".omnictl/errored" in str(apply)


@each_file
@pytest.mark.parametrize("name", ["plan", "apply"])
def test_the_place_of_the_state_is_taken_and_holds_no_credential(path: Path, name: str, tmp_path: Path) -> None:
    job = jobs(path)[name]
    location = parse_location(state_of(job), "production")
    environ = {**GITLABS_OWN, **{name: SECRET.sub("token", value) for name, value in variables(job).items()}}
    if location.scheme in ("s3", "gs", "az"):
        assert parse_object_place(location, environ).bucket
    elif location.scheme == "postgresql":
        pytest.importorskip("psycopg")
        link = import_module("omnictl.state.postgres.link")
        assert link.read_address(location).parameters["sslmode"] == "verify-full"
    elif location.scheme == "https":
        place = read_place(location, environ)
        assert find_identity(place, environ).credentials is not None
        assert place.is_gitlab
    else:
        store = GitStore(location, work_dir=tmp_path, environ=environ, make_token=lambda: "t")
        assert store.location.endswith("//production")
    install = next(line for line in lines(job) if line.startswith("pip install"))
    extra = EXTRAS.get(location.scheme)
    assert shlex.split(install)[2] == (f"omnictl[{extra}]" if extra else "omnictl")


@each_file
def test_the_checks_of_a_fork_get_no_credential(path: Path) -> None:
    validate = jobs(path)["validate"]
    assert not variables(validate)
    assert "id_tokens" not in validate
    assert "permissions" not in validate
    assert "secrets." not in str(validate)


@each_file
def test_every_variable_is_on_a_page_and_secrets_stand_in_none(path: Path) -> None:
    pages = read("settings.md") + read("backends.md")
    for job in jobs(path).values():
        for name, value in variables(job).items():
            assert re.search(rf"\b{name}\b", pages), name
            if re.search(r"KEY$|TOKEN$|PASSWORD$", name):
                assert SECRET.fullmatch(value)


def test_the_checks_are_the_same_everywhere() -> None:
    for ci in SERVICES:
        assert len({str(jobs(path)["validate"]) for path in FILES if path.parent.name == ci}) == 1


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name == "github"], ids=lambda path: path.stem)
def test_a_workflow_of_github_has_the_shape_of_one(path: Path) -> None:
    document = load(path)
    assert set(document) == {"name", True, "permissions", "jobs"}  # "on" is a boolean of YAML 1.1
    assert document["permissions"] == {"contents": "read"}
    for job in jobs(path).values():
        assert set(job) <= {
            "if", "needs", "runs-on", "timeout-minutes", "environment", "concurrency", "permissions", "env", "steps"
        }  # fmt: skip
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert set(step) <= {"uses", "run", "with", "if", "name"}
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "actions/checkout@v4"))
        logs_in = any("aws-" in str(step) or "google-" in str(step) or "azure/" in str(step) for step in job["steps"])
        assert (job.get("permissions", {}).get("id-token") == "write") is logs_in


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name == "gitlab"], ids=lambda path: path.stem)
def test_a_pipeline_of_gitlab_has_the_shape_of_one(path: Path) -> None:
    for name, job in jobs(path).items():
        assert job["stage"] == name
        assert job["stage"] in load(path)["stages"]
        assert set(job) <= {
            "extends", "stage", "rules", "variables", "id_tokens", "before_script", "script", "artifacts",
            "resource_group", "environment", "interruptible", "timeout",
        }  # fmt: skip
        for token in job.get("id_tokens", {}):
            assert f'"${token}"' in "\n".join(job["before_script"])
