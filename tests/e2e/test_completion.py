"""Completion: what a shell offers after Tab, from files and state and never from the network."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.running import omnictl, omnictl_process

SCENARIO = "id: vk-sms\nname: My scenario\nflow: [{channel: VKONTAKTE}, {channel: SMS, from: InfoSMS}]\n"


@pytest.fixture
def filled(project: Path) -> Path:
    """A project with one declared scenario and one that only the state remembers."""
    (project / "scenarios").mkdir()
    (project / "scenarios" / "vk-sms.yaml").write_text(SCENARIO)
    (project / "scenarios" / "gone.yaml").write_text("name: Gone\nflow: [{channel: SMS}]\n")
    (project / "omnictl.yaml").write_text("version: 1\nenvironments: {test: {}, production: {production: true}}\n")
    assert omnictl("apply", "--sandbox", "--env", "test", "--yes").code == 0
    (project / "scenarios" / "gone.yaml").unlink()
    return project


def offered(*words: str) -> list[str]:
    """Return what is offered for the last word."""
    environ = {
        "_OMNICTL_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("omnictl", *words)),
        "COMP_CWORD": str(len(words)),
    }
    ran = omnictl_process(environ=environ)
    assert (ran.code, ran.err) == (0, "")
    return [line.partition(",")[2] for line in ran.out.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["pl"], ["plan"]),
        (["nonsense"], []),
        (["plan", "--ou"], ["--out"]),
        (["--env", "p"], ["production"]),
        (["plan", "--env", "t"], ["test"]),
        (["plan", "--sandbox", "--env", "test", "--only", ""], ["gone", "vk-sms"]),
        (["output", "--sandbox", "--env", "test", "g"], ["gone"]),
        (["render", "--env", "test", ""], ["vk-sms"]),
        (["plan", "--allow", "prot"], ["protected="]),
        (["plan", "--sandbox", "--env", "test", "--allow", "protected=v"], ["protected=vk-sms"]),
        (["explain", "unmanaged"], ["unmanaged-twin"]),
        (["explain", "lifecycle.pro"], ["lifecycle.protected"]),
        (["explain", "14"], ["141", "143"]),
        (["state", "sh"], ["show"]),
    ],
)
def test_what_is_offered(filled: Path, words: list[str], expected: list[str]) -> None:
    assert offered(*words) == expected


@pytest.mark.parametrize("settings", ["version: [", "version: 1\nenvironments: {a: {}, b: {}}\n"])
def test_a_broken_project_offers_nothing_and_says_nothing(project: Path, settings: str) -> None:
    (project / "omnictl.yaml").write_text(settings)
    assert offered("output", "") == []
    assert offered("plan", "--only", "") == []
    assert offered("pl") == ["plan"]


def test_a_name_with_control_characters_reaches_no_shell(filled: Path) -> None:
    (filled / "scenarios" / "evil.yaml").write_text('name: "a\\x1b[31m\\nplain,b"\nflow: [{channel: SMS}]\n')
    environ = {"_OMNICTL_COMPLETE": "zsh_complete", "COMP_WORDS": "omnictl render --env test e", "COMP_CWORD": "4"}
    ran = omnictl_process(environ=environ)
    assert ran.out.splitlines() == ["plain", "evil", "_"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_has_a_script(project: Path, shell: str) -> None:
    ran = omnictl("completion", shell)
    assert ran.code == 0
    assert "_OMNICTL_COMPLETE" in ran.out


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_takes_its_script(filled: Path) -> None:
    script = (
        'omnictl() { "$PYTHON" -m omnictl "$@"; }; eval "$(omnictl completion bash | sed s/\\$1/wrapped/)"; '
        'cat > wrapped <<< "exec \\"$PYTHON\\" -m omnictl"; chmod +x wrapped; PATH=".:$PATH"; '
        "COMP_WORDS=(omnictl explain unman); COMP_CWORD=2; _omnictl_completion omnictl; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script], env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("unmanaged-twin\n", "")
