"""A key where it does not belong: on the command line, in a variable, in the settings, in a scenario. Never shown."""

from pathlib import Path

import pytest

from tests.e2e.canaries import find_in_files
from tests.e2e.running import Ran, omnictl

KEY = "0123456789abcdef0123456789abcdef-01234567-89ab-cdef-0123-456789abcdef"
SCENARIO = "name: {name}\nflow:\n  - {{channel: {channel}, from: {sender}}}\n  - channel: VOICE\n"

COMMAND_LINES = (
    "plan --api-key {}", "plan {}", "plan --var {}", "plan --env {}", "{}", "apply {}", "plan --only {}",
    "plan --allow {}", "plan --allow protected={}", "show {}", "state push {}", "state show {}", "output {}",
    "render {}", "plan --format {}", "plan --report {}", "explain {}", "plan --log-format {}", "-C {} plan",
    "state settle {} --absent", "state settle x --key {}", "fmt {}", "validate {}", "schema {}", "completion {}",
    "sandbox serve --fault {}", "plan --state {}/x", "plan --stop-after {}", "plan --color {}", "state rollback {}",
    "plan --format json --env {}", "plan --log-format json --env {}", "plan --env {} --report json=failure.json",
)  # fmt: skip


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_a_key_on_the_command_line_is_not_repeated(project: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    omnictl("init")
    ran = omnictl(*line.format(KEY).split())
    assert ran.code != 0
    assert KEY not in ran.out + ran.err
    assert find_in_files(project, [KEY]) == {}
    monkeypatch.setenv("INFOBIP_API_KEY", "a key of any form")
    assert "any form" not in "".join(omnictl(*line.format("a key of any form").split(" ", 1)).err)


VARIABLES = (
    "OMNICTL_ENV", "OMNICTL_STATE", "OMNICTL_SETTLE", "OMNICTL_TIMEOUT", "OMNICTL_TRUSTED_HOSTS", "OMNICTL_CA_FILE",
    "OMNICTL_COLOR", "OMNICTL_LOG_FORMAT", "OMNICTL_STOP_AFTER", "OMNICTL_CHDIR", "OMNICTL_VAR_X", "HTTPS_PROXY",
    "INFOBIP_BASE_URL", "SSL_CERT_FILE", "NO_PROXY",
)  # fmt: skip


@pytest.mark.parametrize("name", VARIABLES)
def test_a_key_in_the_wrong_variable_is_not_repeated(project: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    omnictl("init")
    monkeypatch.setenv("INFOBIP_BASE_URL", "https://x.api.infobip.com.invalid")
    monkeypatch.setenv("OMNICTL_TRUSTED_HOSTS", "x.api.infobip.com.invalid")
    monkeypatch.setenv("INFOBIP_API_KEY", "other-key")
    monkeypatch.setenv(name, f"{KEY}@" if name == "HTTPS_PROXY" else KEY)
    monkeypatch.setattr("omnictl.provider.exchange.MOST_TRIES", 1)
    for arguments in (("plan", "-vv"), ("doctor",), ("apply", "--yes", "--format", "json")):
        ran = omnictl(*arguments)
        assert KEY not in ran.out + ran.err
    assert find_in_files(project, [KEY]) == {}


def _validate(project: Path, **fields: str) -> Ran:
    (project / "scenarios").mkdir(exist_ok=True)
    text = SCENARIO.format(**{"name": "x", "channel": "SMS", "sender": "InfoSMS", **fields})
    (project / "scenarios" / "a.yaml").write_text(text)
    return omnictl("validate")


@pytest.mark.parametrize("fields", [{"name": KEY}, {"name": f"App {KEY} x"}, {"sender": KEY}], ids=str)
def test_a_key_in_a_scenario_is_refused_unseen_and_never_sent(project: Path, fields: dict[str, str]) -> None:
    ran = _validate(project, **fields)
    assert (ran.code, ran.err.count("secret-in-file")) == (1, 1)
    for arguments in (("plan",), ("plan", "--format", "json"), ("apply", "--yes", "--report", "html=a.html")):
        other = omnictl(*arguments, "--sandbox")
        assert other.code == 1
        ran = Ran(1, ran.out + other.out, ran.err + other.err)
    assert KEY not in ran.out + ran.err
    (project / "scenarios" / "a.yaml").unlink()
    assert find_in_files(project, [KEY]) == {}


ANY_FORM = "canary-of/any+form=0"
FORMATS = ("text", "json", "markdown", "sarif", "junit", "github", "gitlab-codequality")


@pytest.mark.parametrize("where", ["excerpt", "line before", "channel", "value", "alias", "settings", "cut"])
def test_a_credential_in_use_is_shown_from_no_file(project: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setenv("INFOBIP_API_KEY", ANY_FORM)
    text = {
        "excerpt": f"foo: {ANY_FORM}\n",
        "line before": f"description: {ANY_FORM}\nfoo: x\n",
        "channel": f"flow: [{{channel: {ANY_FORM}}}]\n",
        "value": f"default: {ANY_FORM}\n",
        "alias": f"description: *{ANY_FORM}\n",
        "settings": "description: x\n",
        "cut": f"foo: '{'x' * 184}{ANY_FORM}'\n",
    }[where]
    (project / "scenarios").mkdir()
    (project / "scenarios" / "a.yaml").write_text(f"name: A\n{text}")
    (project / "omnictl.yaml").write_text(f"version: 1\n{'foo: ' + ANY_FORM if where == 'settings' else ''}\n")
    for kind in FORMATS:
        ran = omnictl("validate", "--format", kind, "--report", "text=r.txt", "--report", "json=r.json")
        assert ran.code == 1
        assert "canary" not in (ran.out + ran.err).lower()
    for words in (
        ["plan", "--sandbox"],
        ["fmt", "--check"],
        ["apply", "--yes", "--sandbox", "--report", "html=r.html"],
    ):
        assert "canary" not in (omnictl(*words).out + omnictl(*words).err).lower()
    assert {each for each in project.glob("r.*") if "canary" in each.read_text().lower()} == set()


def test_marks_stay_under_what_is_hidden(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFOBIP_API_KEY", ANY_FORM)
    ran = _validate(project, channel=ANY_FORM)
    assert "  - {channel: ********************, from: InfoSMS}\n   |               ^^^^^^^^^^^^^^^^^^^^\n" in ran.err


@pytest.mark.parametrize("channel", ["PUSH", "push"])
def test_the_application_code_of_push_looks_like_a_key_and_is_none(project: Path, channel: str) -> None:
    assert _validate(project, channel=channel, sender=KEY).code == 0
    assert omnictl("plan", "--sandbox").code == 0


@pytest.mark.parametrize(
    "settings",
    [
        f"environments: {{a: {{account: {KEY}}}}}",
        f"environments: {{a: {{credentials: {{api_key_env: {KEY}}}}}}}",
        f"environments: {{a: {{credentials: {{command: [echo, {KEY}]}}}}}}",
        f"environments: {{a: {{base_url: 'https://user:{KEY}@x.api.infobip.com'}}}}",
        f"environments: {{a: {{base_url: 'https://{KEY}@x.api.infobip.com'}}}}",
        f"api_key: {KEY}",
    ],
)
def test_a_credential_in_the_settings_is_refused_unseen(project: Path, settings: str) -> None:
    (project / "omnictl.yaml").write_text(f"version: 1\n{settings}\n")
    for arguments in (("validate",), ("plan",), ("plan", "--sandbox", "--format", "json"), ("doctor",)):
        ran = omnictl(*arguments)
        assert ran.code in (1, 5)
        assert "secret-in-file" in ran.err or settings.startswith("api_key")
        assert KEY not in ran.out + ran.err


@pytest.mark.parametrize("url", [f"https://user:{KEY}@x.api.infobip.com", f"https://{KEY}@x.api.infobip.com"])
def test_a_credential_in_the_base_url_is_refused_unseen(
    project: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    omnictl("init")
    monkeypatch.setenv("INFOBIP_BASE_URL", url)
    monkeypatch.setenv("INFOBIP_API_KEY", "other-key")
    for arguments in (("plan", "-vv"), ("doctor",), ("apply", "--yes", "--format", "json")):
        ran = omnictl(*arguments)
        assert ran.code == 5
        assert "malformed-base-url" in ran.err
        assert KEY not in ran.out + ran.err


@pytest.mark.parametrize(
    "state",
    [
        "git+ssh://git@git.example.com/team/config.git//production",
        "postgresql://omnictl@db.example:5432/omnictl/production",
        "postgres://omnictl@db.example/omnictl/production",
    ],
)
def test_a_user_who_is_no_secret_may_stand_in_the_url_of_the_state(project: Path, state: str) -> None:
    (project / "omnictl.yaml").write_text(f"version: 1\nenvironments: {{a: {{state: '{state}'}}}}\n")
    (project / "scenarios").mkdir()
    ran = omnictl("validate")
    assert "secret-in-file" not in ran.err
    assert ran.code == 0, ran.err


@pytest.mark.parametrize(
    "state",
    [
        f"git+ssh://git:{KEY}@git.example.com/team/config.git//production",
        f"postgresql://omnictl:{KEY}@db.example:5432/omnictl/production",
        f"git+https://{KEY}@git.example.com/team/config.git//production",
        f"https://{KEY}@states.example/production",
    ],
)
def test_a_credential_in_the_url_of_the_state_is_refused_unseen(project: Path, state: str) -> None:
    (project / "omnictl.yaml").write_text(f"version: 1\nenvironments: {{a: {{state: '{state}'}}}}\n")
    ran = omnictl("validate")
    assert "secret-in-file" in ran.err
    assert KEY not in ran.out + ran.err
