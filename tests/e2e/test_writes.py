"""omnictl writes nothing outside of its project and the paths it was told, and what it writes is for its owner."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from omnictl.sandbox.store import World
from tests.e2e.running import omnictl
from tests.served import served

_TEMPORARY = re.compile(r"/\.([^/]+)\.omnictl-(?:[0-9a-f]{8}-\d+-)?[^./]{8}\.tmp$")
"""A file is written beside itself first."""

ROOT = Path(__file__).parents[2]

READING = (
    "--help", "--version", "plan --help", "state", "validate", "validate --format json", "fmt --check --diff", "render",
    "plan", "plan --format json", "plan --detailed-exitcode -vv", "show plan.json", "show told/plan.json --format html",
    "drift", "drift --all --format json", "doctor", "output", "output --format json",
    "state list", "state show vk-sms", "state pull", "state history",
    "accept vk-sms", "accept vk-sms --dry-run --format json",
    "import --all --dry-run",
    "explain no-api", "schema scenario", "completion bash", "plan --only nothing", "plan --env nowhere", "nonsense",
)  # fmt: skip
"""What reads must not write at all."""

WRITING: Mapping[str, tuple[str, ...]] = {
    "plan --out told/plan.json --report html=told/plan.html": ("told/",),
    "drift --report prometheus=told/drift.prom": ("told/",),
    "apply --yes --report json=told/apply.json": ("state/", ".omnictl/", "told/"),
    "apply told/plan.json": ("state/", ".omnictl/"),
    "output --out told/keys.env --format dotenv": ("told/",),
    "state push state/test.json": ("state/", ".omnictl/"),
    "state rollback 2": ("state/", ".omnictl/"),
    "state unlock": ("state/.omnictl/locks/",),
    "import --all --state told/imported.json": ("told/", ".omnictl/", "scenarios/"),
    "apply --yes --state told/other.json --allow unmanaged-twin=vk-sms --allow default-change=vk-sms": (
        "told/",
        ".omnictl/",
    ),
    "fmt": ("scenarios/",),
    "init": ("omnictl.yaml", "scenarios/"),
    "init --ci github": ("omnictl.yaml", "scenarios/", ".github/"),
    "plan --sandbox": (".omnictl/sandbox/test/",),
    "apply --sandbox --yes": (".omnictl/sandbox/test/",),
    "sandbox behave --put merge": (".omnictl/sandbox/test/",),
    "sandbox status": (".omnictl/sandbox/test/",),
    "sandbox reset": (".omnictl/sandbox/test/",),
}
"""What writes, and where it may."""

_FIRST = (
    "init", "plan --out told/plan.json --report html=told/plan.html", "apply told/plan.json",
    "apply --yes --report json=told/apply.json", "output --out told/keys.env --format dotenv", "plan --out plan.json",
)  # fmt: skip
ORDER = (*_FIRST, *READING, *(each for each in WRITING if each not in _FIRST))


@dataclass(frozen=True)
class Watched:
    """What every command wrote, by the words of its line, and the folder of the project."""

    project: Path
    codes: Mapping[str, int]
    writes: Mapping[str, tuple[str, ...]]
    changed_outside: tuple[str, ...]
    modes: Mapping[str, int]


def _look(root: Path, *, without: Path) -> dict[str, tuple[int, int, int]]:
    """Return size, time and mode of all that is below a folder, but for one folder in it."""
    found = {}
    for path in (root, *root.rglob("*")):
        if not path.is_relative_to(without):
            at = path.stat()
            found[str(path)] = (at.st_size, at.st_mtime_ns, at.st_mode)
    return found


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Run all commands once, in a process with a home, folders for temporary files, and so on, of its own."""
    around = tmp_path_factory.mktemp("around")
    project = around / "work" / "project"
    project.mkdir(parents=True)
    folders = {name: around / name.lower() for name in ("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    folders |= {name: around / name.lower() for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")}
    for folder in folders.values():
        folder.mkdir()
    (project / "told").mkdir()
    (around / "commands.json").write_text(json.dumps([each.split() for each in ORDER]))
    (around / "writes.json").write_text("")
    world = World(None)
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PATH", "COV", "VIRTUAL", "LANG"))}
    before = _look(around, without=project)
    with served(world, ("key",)) as url:
        environ = {**kept, **{name: str(path) for name, path in folders.items()}}
        environ |= {"PYTHONPATH": str(ROOT), "INFOBIP_BASE_URL": url, "INFOBIP_API_KEY": "key", "OMNICTL_SETTLE": "0"}
        script = [sys.executable, "-m", "tests.e2e.watched_writes", "../../commands.json", "../../writes.json"]
        ran = subprocess.run(script, cwd=project, env=environ, capture_output=True, text=True, timeout=120, umask=0)
    world.close()
    assert ran.returncode == 0, ran.stderr
    told = json.loads((around / "writes.json").read_text())
    (around / "writes.json").write_text("")
    os.utime(around / "writes.json", ns=before[str(around / "writes.json")][1:2] * 2)
    after = _look(around, without=project)
    changed = tuple(sorted(path for path in {*before, *after} if before.get(path) != after.get(path)))
    modes = {
        str(path.relative_to(project)): stat.S_IMODE(path.stat().st_mode)
        for path in project.rglob("*")
        if ".omnictl" in path.parts
    }
    codes = {line: code for line, (code, _) in zip(ORDER, told, strict=True)}
    writes = {line: tuple(written) for line, (_, written) in zip(ORDER, told, strict=True)}
    return Watched(project, codes, writes, changed, modes)


def test_the_watch_sees_what_is_written(watched: Watched) -> None:
    assert len(watched.writes) == len(ORDER) == len(READING) + len(WRITING) + 1
    assert any(each.endswith("state/test.json") for each in watched.writes["apply told/plan.json"])
    assert any(each.endswith("told/plan.html") for each in watched.writes[next(iter(WRITING))])


@pytest.mark.parametrize("line", READING)
def test_what_reads_writes_nothing_at_all(watched: Watched, line: str) -> None:
    assert [each for each in watched.writes[line] if each not in _allowed_reading(watched.project, line)] == []
    assert watched.codes[line] in (0, 2, 64)


def _allowed_reading(project: Path, line: str) -> tuple[str, ...]:
    """Whether somebody holds the lock can be seen only by trying to take it; Click asks bash for its version."""
    if line == "completion bash":
        return ("/started/subprocess.Popen",)
    locks = project / "state" / ".omnictl" / "locks"
    return (str(locks), str(locks / "test.json.lock")) if line == "doctor" else ()


@pytest.mark.parametrize("line", WRITING)
def test_what_writes_writes_where_it_was_told(watched: Watched, line: str) -> None:
    allowed = tuple(str(watched.project / each) for each in WRITING[line])
    made = {str(watched.project / each.rstrip("/")) for each in (*WRITING[line], ".omnictl", ".omnictl/sandbox")}
    made |= {str(watched.project / ".omnictl" / ".gitignore")}
    written = {_TEMPORARY.sub(r"/\1", each) for each in watched.writes[line]}
    assert {each for each in written if not f"{each}/".startswith(allowed)} - made == set()
    assert watched.codes[line] == 0


def test_nothing_outside_of_the_project_has_changed(watched: Watched) -> None:
    assert watched.changed_outside == ()


def test_what_lies_in_the_work_directory_is_for_its_owner_whatever_the_umask(watched: Watched) -> None:
    assert watched.modes
    for name, mode in watched.modes.items():
        assert mode == (0o700 if (watched.project / name).is_dir() else 0o600), name


@pytest.mark.parametrize(
    "link", [".omnictl", ".omnictl/locks", ".omnictl/backups", ".omnictl/sandbox", ".omnictl/logs"]
)
def test_a_link_in_the_repository_leads_no_write_out_of_the_project(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    """A pull request may add one, to a folder of whoever runs the plan."""
    outside = tmp_path_factory.mktemp("outside")
    outside.chmod(0o755)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("temporary")))
    omnictl("init")
    (project / link).parent.mkdir(exist_ok=True)
    (project / link).symlink_to(outside)
    world = World(None)
    with served(world) as url:
        monkeypatch.setenv("INFOBIP_BASE_URL", url)
        monkeypatch.setenv("INFOBIP_API_KEY", "key")
        monkeypatch.setenv("OMNICTL_SETTLE", "0")
        for words in (("plan", "--sandbox"), ("apply", "--sandbox", "--yes"), ("apply", "--yes"), ("state", "unlock")):
            assert omnictl(*words).code in (0, 1)
        monkeypatch.setattr("omnictl.transport.trust._parse", lambda text: 1 / 0)
        assert omnictl("plan").code == 70
    assert list(outside.iterdir()) == []
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
