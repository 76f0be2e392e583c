"""The wheel: everything that runs is in it, and nothing else is needed."""

import subprocess
import sys
import tomllib
import zipfile
from email.parser import BytesParser
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    directory = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [path] = directory.glob("omnictl-*-py3-none-any.whl")
    return zipfile.ZipFile(path)


def test_every_module_and_every_schema_is_in_it(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "omnictl").rglob("*.py")}
    schemas = {f"omnictl/schema/{path.name}" for path in (ROOT / "schema").glob("*.schema.json")}
    assert modules | schemas | {"omnictl/py.typed"} <= names
    assert not [name for name in names if name.startswith(("tests", "docs", "examples"))]


def test_its_metadata_names_the_command_and_the_licence(wheel: zipfile.ZipFile) -> None:
    [entry] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "omnictl = omnictl.__main__:main" in wheel.read(entry).decode()
    metadata = BytesParser().parsebytes(wheel.read(entry.replace("entry_points.txt", "METADATA")))
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"


def test_it_runs_from_the_wheel_alone(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    (tmp_path / "work").mkdir()
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); import omnictl.cli.main as m; print(m.__file__); m.main()"
    for arguments in (["init"], ["validate"], ["apply", "--sandbox", "--yes"], ["schema", "scenario"]):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "site"), *arguments],
            cwd=tmp_path / "work",
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(str(tmp_path / "site"))


def test_what_is_pinned_covers_what_is_needed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {line.split("==")[0] for line in (ROOT / "requirements-dev.txt").read_text().splitlines() if "==" in line}
    for requirement in chain(project["dependencies"], *project["optional-dependencies"].values()):
        assert canonicalize_name(Requirement(requirement).name) in pinned, requirement


def test_no_file_names_a_registry_or_a_machine() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    names = [name for name in listed.stdout.split("\0") if name] or ["requirements-dev.txt", "pyproject.toml"]
    for name in names:
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        for forbidden in ("index-url" + "=", "--index" + "-url ", "files.python" + "hosted", "pypi." + "org/simple"):
            assert forbidden not in text, name
