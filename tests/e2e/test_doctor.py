"""``omnictl doctor``: each check well and wrong, with the exit code of the worst, and nothing changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from omnictl.cli.commands.doctor import _judge_clock
from tests.contract.backends.bucket import Bucket, served_bucket
from tests.contract.backends.git_server import make_repository
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


# --- the store of the state --------------------------------------------------------------------------------------


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    made = Bucket()
    for name, value in {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "canary0secret"}.items():
        monkeypatch.setenv(name, value)
    with served_bucket(made) as endpoint:
        monkeypatch.setenv("OMNICTL_STATE", f"s3://omni/team/?endpoint={endpoint}")
        yield made


def test_a_store_is_tried_and_nothing_stays(bucket: Bucket, serve_sandbox: ServeSandbox) -> None:
    serve_sandbox()
    ran = omnictl("doctor")
    assert ran.code == 0
    assert set(verdicts(ran).values()) == {"ok"}
    assert "the store refuses one that would overwrite another run's" in ran.out
    assert bucket.objects == {}
    written = {key for method, key in bucket.requests if method == "PUT"}
    assert len(written) == 1
    assert written.pop().startswith("team/test/probe/")


@pytest.mark.parametrize("overlooks", [("create",), ("update",), ("create", "update")])
def test_a_store_without_conditional_writes_says_so(
    bucket: Bucket, serve_sandbox: ServeSandbox, overlooks: tuple[str, ...]
) -> None:
    serve_sandbox()
    bucket.overlooks = overlooks
    ran = omnictl("doctor")
    assert ran.code == 1
    assert verdicts(ran)["writes"] == "wrong"
    assert "error[conditions-overlooked]" in ran.err
    assert bucket.objects == {}


def test_who_may_only_read_the_store_tries_nothing(bucket: Bucket, serve_sandbox: ServeSandbox) -> None:
    serve_sandbox()
    bucket.decide = lambda method, key: None if method == "GET" else "403 before"
    ran = omnictl("doctor")
    assert ran.code == 0
    assert verdicts(ran)["writes"] == "note"
    assert "not tried: the credentials may only read" in ran.out


def test_a_probe_that_cannot_be_removed_is_named(bucket: Bucket, serve_sandbox: ServeSandbox) -> None:
    serve_sandbox()
    bucket.decide = lambda method, key: "403 before" if method == "DELETE" else None
    ran = omnictl("doctor")
    assert ran.code == 0
    assert verdicts(ran)["writes"] == "note"
    assert "note[probe-left]" in ran.err
    assert all(key.removeprefix("team/test/") in ran.err for key in bucket.objects)


def test_nothing_is_tried_where_that_is_not_wanted_or_of_no_use(bucket: Bucket, serve_sandbox: ServeSandbox) -> None:
    serve_sandbox()
    assert "writes" not in verdicts(omnictl("doctor", "--no-probe"))
    bucket.decide = lambda method, key: "403 before"
    ran = omnictl("doctor")
    assert verdicts(ran)["state"] == "wrong"
    assert "writes" not in verdicts(ran)
    assert "PUT" not in {method for method, _ in bucket.requests}


def test_a_git_remote_is_tried_too(
    serve_sandbox: ServeSandbox, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_sandbox()
    remote = make_repository(tmp_path_factory.mktemp("git") / "remote.git")
    monkeypatch.setenv("OMNICTL_STATE", f"git+file://{remote}//")
    ran = omnictl("doctor")
    assert verdicts(ran)["writes"] == "ok"
    assert not [each for each in (remote / "refs").rglob("*") if each.is_file()]
    with (remote / "config").open("a") as config:
        config.write("[receive]\n\tdenyNonFastForwards = true\n")
    monkeypatch.setenv("OMNICTL_STATE", f"git+file://{remote}//?refs=heads")
    ran = omnictl("doctor")
    assert ran.code == 1
    assert verdicts(ran)["writes"] == "wrong"
    assert "git-refused" in ran.err


@pytest.mark.parametrize(
    "place", ["foo://x/y", "s3://u:canary@b/x", "git+http:/u:canary@h/a.git//x", "s3://b/x?nothing=1", "git@host:a/b"]
)
def test_a_place_that_is_wrong_in_itself_is_wrong_usage(
    serve_sandbox: ServeSandbox, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    serve_sandbox()
    for arguments in ((), ("--format", "json")):
        ran = omnictl("doctor", "--state", place, *arguments)
        assert ran.code == 64
        assert "canary" not in ran.out + ran.err
