"""Credentials: where they are found, in which order, and that nothing shows them."""

import base64
import copy
import dataclasses
import html
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

from omnictl.errors import AccessError
from omnictl.transport.credentials import (
    Credentials,
    CredentialSources,
    Scheme,
    find_credentials,
    hide_credentials,
    make_credentials,
    variables_asked,
)
from omnictl.transport.secrets import keyring_get, run_command

SECRET = "s3cr3t-canary"


def never(*args: object) -> str:
    raise AssertionError("not to be asked")


def _authorization(found: Credentials | None) -> str | None:
    return found.authorization() if found is not None else None


def resolve(environ: dict[str, str], names: CredentialSources | None = None) -> Credentials:
    """Resolve from the environment alone."""
    found = find_credentials(environ, names or CredentialSources(), never, never)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("environ", "header"),
    [
        ({"INFOBIP_API_KEY": "abc-def"}, "App abc-def"),
        ({"INFOBIP_API_KEY": "App abc-def"}, "App abc-def"),
        ({"INFOBIP_API_KEY": "app abc"}, "App abc"),
        ({"INFOBIP_API_KEY": "application"}, "App application"),
        ({"INFOBIP_TOKEN": "tok"}, "Bearer tok"),
        ({"INFOBIP_TOKEN": "bearer tok"}, "Bearer tok"),
        ({"INFOBIP_TOKEN": "IBSSO tok"}, "IBSSO tok"),
        ({"INFOBIP_USERNAME": "Aladdin", "INFOBIP_PASSWORD": "open sesame"}, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ({"INFOBIP_USERNAME": "ü", "INFOBIP_PASSWORD": "ß:ß"}, "Basic w7w6w586w58="),
        ({"INFOBIP_API_KEY": "", "INFOBIP_TOKEN": "tok"}, "Bearer tok"),
        ({"INFOBIP_API_KEY": "key", "INFOBIP_TOKEN": "t", "INFOBIP_USERNAME": "half"}, "App key"),
        ({"INFOBIP_TOKEN": "t", "INFOBIP_USERNAME": "u", "INFOBIP_PASSWORD": "p"}, "Bearer t"),
    ],
)
def test_credentials_come_from_the_environment(environ: dict[str, str], header: str) -> None:
    assert resolve(environ).authorization() == header


def test_an_environment_names_its_own_variables_and_no_others() -> None:
    names = CredentialSources(api_key_env="PROD_KEY")
    environ = {"INFOBIP_API_KEY": "wrong", "INFOBIP_TOKEN": "wrong", "INFOBIP_USERNAME": "w", "INFOBIP_PASSWORD": "w"}
    assert resolve({**environ, "PROD_KEY": "right"}, names).authorization() == "App right"
    assert find_credentials(environ, names, never, never) is None
    assert variables_asked(names) == ("PROD_KEY",)


def test_an_environment_may_rename_one_half_of_a_pair() -> None:
    names = CredentialSources(password_env="PROD_PASSWORD")
    assert resolve({"INFOBIP_USERNAME": "u", "PROD_PASSWORD": "p"}, names).authorization() == "Basic dTpw"
    assert find_credentials({"INFOBIP_API_KEY": "wrong", "INFOBIP_PASSWORD": "wrong"}, names, never, never) is None
    assert variables_asked(names) == ("INFOBIP_USERNAME and PROD_PASSWORD",)


def test_without_any_it_says_which_variables_there_could_be() -> None:
    assert find_credentials({}, CredentialSources(), never, never) is None
    usual = ("INFOBIP_API_KEY", "INFOBIP_TOKEN", "INFOBIP_USERNAME and INFOBIP_PASSWORD")
    assert variables_asked(CredentialSources()) == usual


@pytest.mark.parametrize(("there", "lacking"), [("USERNAME", "PASSWORD"), ("PASSWORD", "USERNAME")])
def test_half_of_a_pair_is_a_mistake(there: str, lacking: str) -> None:
    with pytest.raises(AccessError, match="incomplete-credentials") as caught:
        resolve({f"INFOBIP_{there}": SECRET})
    assert f"INFOBIP_{lacking} is not" in caught.value.diagnostics[0].detail
    assert SECRET not in repr(caught.value.diagnostics)


@pytest.mark.parametrize(
    "value", [f"{SECRET}\n", f" {SECRET}", f"{SECRET} x", f"{SECRET}\r\nX-Evil: 1", f"{SECRET}ü", "App "]
)
@pytest.mark.parametrize("name", ["INFOBIP_API_KEY", "INFOBIP_TOKEN"])
def test_what_no_header_can_carry_is_refused_without_an_echo(name: str, value: str) -> None:
    with pytest.raises(AccessError, match="malformed-credentials") as caught:
        resolve({name: value})
    assert SECRET not in repr(caught.value) + repr(caught.value.diagnostics)
    assert name in caught.value.diagnostics[0].detail


@pytest.mark.parametrize(("user", "password"), [("a:b", SECRET), ("a", f"{SECRET}\n"), ("a\x00", SECRET)])
def test_odd_users_and_passwords_are_refused(user: str, password: str) -> None:
    with pytest.raises(AccessError, match="malformed-credentials") as caught:
        resolve({"INFOBIP_USERNAME": user, "INFOBIP_PASSWORD": password})
    assert SECRET not in repr(caught.value.diagnostics)


def test_a_session_token_is_renewed_by_user_and_password() -> None:
    pair = {"INFOBIP_USERNAME": "u", "INFOBIP_PASSWORD": "p"}
    session = resolve({**pair, "INFOBIP_TOKEN": "IBSSO old"})
    assert session.renew is not None
    assert session.renew().authorization() == "Basic dTpw"
    assert resolve({"INFOBIP_TOKEN": "IBSSO old"}).renew is None
    assert resolve({**pair, "INFOBIP_TOKEN": "bearer"}).renew is None


# --- a command, and the keyring ---------------------------------------------------------------------------------


COMMAND = CredentialSources(command=("vault", "read"))
ALLOWED = {"OMNICTL_ALLOW_COMMANDS": "1"}


def test_a_command_runs_only_when_that_is_allowed_from_outside() -> None:
    for environ in ({"INFOBIP_API_KEY": "x"}, {"OMNICTL_ALLOW_COMMANDS": "0"}, {"OMNICTL_ALLOW_COMMANDS": "true"}):
        with pytest.raises(AccessError, match="command-not-allowed"):
            find_credentials(environ, COMMAND, never, never)


def test_a_command_gives_a_key_and_fresh_ones() -> None:
    asked: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...]) -> str:
        asked.append(command)
        return f"Bearer token-{len(asked)}\n"

    first = find_credentials(ALLOWED, COMMAND, run, never)
    assert first is not None
    assert first.authorization() == "Bearer token-1"
    assert first.renew is not None
    assert first.renew().authorization() == "Bearer token-2"
    assert asked == [("vault", "read")] * 2


def test_a_silent_command_is_a_failure() -> None:
    with pytest.raises(AccessError, match="credentials-command-failed"):
        find_credentials(ALLOWED, COMMAND, lambda command: " \n", never)


def test_a_keyring_entry_that_is_named_is_the_only_source() -> None:
    names = CredentialSources(keyring="omnictl/production")
    environ = {"INFOBIP_API_KEY": "that of another account"}
    asked: list[tuple[str, str]] = []

    def get(service: str, user: str) -> str | None:
        asked.append((service, user))
        return "key" if len(asked) == 1 else None

    assert _authorization(find_credentials(environ, names, never, get)) == "App key"
    with pytest.raises(AccessError, match="keyring-empty") as caught:
        find_credentials(environ, names, never, get)
    assert caught.value.diagnostics[0].commands == ("keyring set omnictl production",)
    assert asked == [("omnictl", "production")] * 2


def test_a_command_runs_without_a_shell() -> None:
    assert run_command((sys.executable, "-c", "print('$HOME;x')")) == "$HOME;x\n"


@pytest.mark.parametrize(
    ("code", "timeout", "why"),
    [
        (f"print('{SECRET}'); raise SystemExit(3)", 30.0, "ended with code 3"),
        (f"print('{SECRET}', flush=True); import time; time.sleep(60)", 0.05, "did not end within 0.05 seconds"),
        (r"import sys; sys.stdout.buffer.write(b'\xff')", 30.0, "is not text"),
        (f"while True: print('{SECRET}')", 30.0, "printed more than 65,536 bytes"),
    ],
)
def test_a_failing_command_tells_nothing_of_its_output(code: str, timeout: float, why: str) -> None:
    with pytest.raises(AccessError) as caught:
        run_command((sys.executable, "-c", code), timeout_seconds=timeout)
    assert why in caught.value.diagnostics[0].detail
    assert caught.value.__context__ is None


def test_what_a_command_has_started_itself_is_not_waited_for(tmp_path: Path) -> None:
    """The grandchild holds the pipe that the command was to print into."""
    sleeper = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(600)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleeper!r}, sys.argv[1]])"
    with pytest.raises(AccessError, match="credentials-command-failed"):
        run_command((sys.executable, "-c", code, str(tmp_path / "pid")), timeout_seconds=2.0)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_what_goes_on_after_the_command_is_not_waited_for(tmp_path: Path) -> None:
    """The command has printed and ended; what it left behind still holds its pipe."""
    sleeper = "import time; time.sleep(600)"
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {sleeper!r}]).pid)"
    printed = run_command((sys.executable, "-c", code), timeout_seconds=20.0)
    os.kill(int(printed), signal.SIGKILL)


def test_a_command_that_is_not_there_is_told() -> None:
    with pytest.raises(AccessError) as caught:
        run_command(("/does/not/exist",))
    assert "could not be run (No such file or directory)" in caught.value.diagnostics[0].detail


_STORE = """
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

class Store(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        if service == "locked":
            raise KeyringLocked("SECRET")
        if service == "broken":
            raise RuntimeError("SECRET")
        return f"{service}-{username}-key" if service == "omnictl" else None

    def set_password(self, service, username, password): ...
"""


def ask_real_keyring(tmp_path: Path, service: str, backend: str = "own_store.Store") -> str:
    """Ask the keyring package itself, in a process of its own, which reads its store from the environment."""
    (tmp_path / "own_store.py").write_text(_STORE.replace("SECRET", SECRET))
    code = (
        "import sys\n"
        "from omnictl.errors import AccessError\n"
        "from omnictl.transport.secrets import keyring_get\n"
        "try:\n    print(keyring_get(sys.argv[1], 'production'))\n"
        "except AccessError as error:\n    print(error.diagnostics[0].code, error.diagnostics[0].detail)\n"
    )
    environ = {**os.environ, "PYTHON_KEYRING_BACKEND": backend, "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", code, service], env=environ, capture_output=True, text=True)
    assert SECRET not in ran.stdout + ran.stderr
    assert ran.stderr == ""
    return ran.stdout.strip()


@pytest.mark.parametrize(
    ("service", "backend", "said"),
    [
        ("omnictl", "own_store.Store", "omnictl-production-key"),
        ("unknown", "own_store.Store", "None"),
        ("locked", "own_store.Store", "keyring-unusable The keyring of this system answered KeyringLocked."),
        ("broken", "own_store.Store", "keyring-unusable The keyring of this system answered RuntimeError."),
        ("x", "no_such_store.X", "keyring-unusable The keyring of this system answered ModuleNotFoundError."),
        ("x", "keyring.backends.fail.Keyring", "keyring-unusable The keyring of this system answered NoKeyringError."),
        ("x", "keyring.backends.null.Keyring", "None"),
    ],
)
def test_the_keyring_of_the_system_is_asked(tmp_path: Path, service: str, backend: str, said: str) -> None:
    assert ask_real_keyring(tmp_path, service, backend) == said


def test_a_missing_keyring_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnictl.transport.secrets.find_spec", lambda name: None)
    with pytest.raises(AccessError) as caught:
        keyring_get("s", "u")
    assert caught.value.diagnostics[0].commands == ("pip install 'omnictl[keyring]'",)


def test_a_failure_of_the_keyring_is_not_the_context_of_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(service: str, user: str) -> str:
        raise ValueError(SECRET)

    monkeypatch.setattr("keyring.get_password", fail)
    with pytest.raises(AccessError, match="keyring-unusable") as caught:
        keyring_get("s", "u")
    assert caught.value.__context__ is None


def test_nothing_shows_the_secret() -> None:
    credentials = make_credentials(SECRET, source="the test")
    shown = [repr(credentials), str(credentials), f"{credentials}", f"{credentials!s:>60}", "%s" % (credentials,)]  # noqa: UP031
    assert not any(SECRET in each for each in shown)
    assert repr(credentials) == "<App credentials from the test>"
    assert not hasattr(credentials, "__dict__")
    assert not dataclasses.is_dataclass(credentials)


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy])
def test_credentials_are_not_copied_or_stored(take: object) -> None:
    assert callable(take)
    with pytest.raises(TypeError, match="not copied or stored"):
        take(make_credentials(SECRET, source="the test"))


def test_echoes_are_hidden() -> None:
    assert make_credentials(SECRET, source="t").redact(f"key {SECRET} is bad") == "key [hidden] is bad"
    pair = resolve({"INFOBIP_USERNAME": "user", "INFOBIP_PASSWORD": SECRET})
    encoded = pair.authorization().removeprefix("Basic ")
    assert pair.redact(f"{SECRET} {encoded}") == "[hidden] [hidden]"
    assert Credentials(Scheme.APP, "abc", source="t").redact("abc") == "abc"  # too short to mean anything


@pytest.mark.parametrize(
    "secret", ['s3cr3t/+"&<canary', "päss 'wörd", "plain-canary"], ids=["of all signs", "not of ASCII", "plain"]
)
def test_echoes_are_hidden_in_every_spelling_that_carries_text(secret: str) -> None:
    hidden = Credentials(Scheme.BASIC, "x" * 20, source="the test", also_hide=(secret,))
    quoted = urllib.parse.quote(secret, safe="")
    for spelled in (
        secret,
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        json.dumps(secret).replace("/", "\\/"),
        html.escape(secret),
        quoted,
        re.sub("%..", lambda found: found[0].lower(), quoted),
        urllib.parse.quote(secret),
        urllib.parse.quote_plus(secret),
        base64.b64encode(secret.encode()).decode(),
        base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
        secret.encode().hex(),
        repr(secret),
    ):
        told = hidden.redact(f"you sent {spelled}, which is wrong").replace('"', "").replace("'", "")
        assert told == "you sent [hidden], which is wrong", spelled


def test_all_credentials_of_the_process_are_hidden_together() -> None:
    one, other = (make_credentials(f"{name}-canary-key", source="the test") for name in ("one", "other"))
    assert hide_credentials(f"{one.authorization()} {other.authorization()}") == "[hidden] [hidden]"
