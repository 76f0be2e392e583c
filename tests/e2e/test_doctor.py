"""``omnictl doctor``: each check well and wrong, with the exit code of the worst, and nothing changed."""

from pathlib import Path

import pytest

from omnictl.cli.commands.doctor import _judge_clock
from tests.e2e.conftest import ServeSandbox
from tests.e2e.running import Ran, omnictl


@pytest.fixture(autouse=True)
def begun(project: Path) -> Path:
    """A project as init writes it."""
    assert omnictl("init").code == 0
    return project


def verdicts(ran: Ran) -> dict[str, str]:
    """Return ok or wrong by subject."""
    return {line.split()[1]: line.split()[0] for line in ran.out.splitlines() if not line.startswith("SANDBOX")}


def test_everything_is_well_in_the_sandbox(project: Path) -> None:
    omnictl("apply", "--sandbox", "--yes")
    ran = omnictl("doctor", "--sandbox")
    assert ran.code == 0
    assert set(verdicts(ran).values()) == {"ok"}
    assert "serial" in ran.out
    assert "1 scenario can be read" in ran.out


def test_everything_is_well_on_an_account(serve_sandbox: ServeSandbox) -> None:
    serve_sandbox()
    ran = omnictl("doctor")
    assert ran.code == 0
    assert verdicts(ran)["clock"] == "ok"
    assert "App from INFOBIP_API_KEY, for http://127.0.0.1:" in ran.out


def test_without_an_api_the_account_is_not_asked(project: Path) -> None:
    ran = omnictl("doctor")
    assert ran.code == 5
    found = verdicts(ran)
    assert found["credentials"] == "wrong"
    assert "account" not in found
    assert not (project / "state").exists()


def test_no_password_of_a_base_url_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFOBIP_BASE_URL", "https://me:canary-password@x.api.infobip.com")
    monkeypatch.setenv("INFOBIP_API_KEY", "canary-key")
    ran = omnictl("doctor", "--format", "json")
    assert ran.code == 5
    assert "canary" not in ran.out + ran.err


def test_a_broken_file_does_not_hide_the_rest(project: Path) -> None:
    (project / "scenarios" / "bad.yaml").write_text("name: x\nflow: [{channel: VKONTAKE}]\n")
    ran = omnictl("doctor", "--sandbox")
    assert ran.code == 1
    assert verdicts(ran)["files"] == "wrong"
    assert verdicts(ran)["account"] == "ok"


def test_an_account_that_refuses(serve_sandbox: ServeSandbox) -> None:
    serve_sandbox("list:401,times=0")
    ran = omnictl("doctor")
    assert ran.code == 5
    assert verdicts(ran)["account"] == "wrong"


def test_a_pipeline_must_not_lose_its_state(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert verdicts(omnictl("doctor"))["pipeline"] == "wrong"
    (project / "omnictl.yaml").write_text(
        "version: 1\nvariables: {sms_sender: X}\nenvironments: {test: {state_in_git: true}}\n"
    )
    ran = omnictl("doctor")
    assert verdicts(ran)["pipeline"] == "ok"
    assert "kept in git" in ran.out


def test_a_place_that_cannot_be_written_is_told_before_an_apply_needs_it(project: Path) -> None:
    (project / "state").write_text("a file where the folder should be")
    ran = omnictl("doctor")
    assert verdicts(ran)["state"] == "wrong"
    assert not any(path.suffix == ".json" for path in project.rglob("*"))


@pytest.mark.parametrize(
    ("offset", "is_well", "said"),
    [(0.0, True, "within 30 s"), (-29.0, True, "within"), (120.0, False, "behind"), (-7200.0, False, "2 h ahead of")],
)
def test_the_clock_is_compared_with_that_of_the_api(offset: float, is_well: bool, said: str) -> None:
    finding = _judge_clock(offset)
    assert finding.verdict == ("ok" if is_well else "note")
    assert said in finding.found
