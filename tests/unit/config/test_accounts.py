"""One account: its name, and its host however that is spelled."""

from pathlib import Path

import pytest

from omnictl.config.accounts import accounts_beside
from omnictl.config.settings import load_settings
from tests.projects import good, validate, write


def beside(tmp_path: Path, test: str, other: str, **environ: str) -> tuple[str, ...]:
    text = f"version: 1\nenvironments:\n  test: {{{test}}}\n  other: {{{other}}}\n"
    write(tmp_path, {"omnictl.yaml": text})
    settings, diagnostics = load_settings(tmp_path / "omnictl.yaml", tmp_path)
    assert diagnostics == ()
    return accounts_beside("test", settings, environ)


ONE = "https://xyz1ab.api.infobip.com"


@pytest.mark.parametrize(
    ("test", "other", "variable", "are_one"),
    [
        ("account: a", "account: a", "", True),
        ("account: a", "account: b", "", False),
        ("{}", "{}", "", False),
        (f"account: a, base_url: '{ONE}'", f"account: a, base_url: '{ONE}/'", "", True),
        (f"account: a, base_url: '{ONE}'", "account: a, base_url: 'https://XYZ1ab.api.infobip.com:443'", "", True),
        (f"account: a, base_url: '{ONE}'", "account: a, base_url: 'https://other.api.infobip.com'", "", False),
        (f"account: a, base_url: '{ONE}'", "account: a", "", True),
        (f"account: a, base_url: '{ONE}'", "account: a", ONE, True),
        (f"account: a, base_url: '{ONE}'", "account: a", "https://other.api.infobip.com", False),
    ],
)
def test_which_environments_are_one_account(
    tmp_path: Path, test: str, other: str, variable: str, are_one: bool
) -> None:
    found = beside(tmp_path, test.strip("{}"), other.strip("{}"), INFOBIP_BASE_URL=variable)
    assert found == (("other",) if are_one else ())


def test_two_spellings_of_an_account_are_told(tmp_path: Path) -> None:
    text = "version: 1\nenvironments:\n  test: {account: Acme}\n  other: {account: acme}\n  more: {account: b}\n"
    write(tmp_path, {"omnictl.yaml": text, "scenarios/a.yaml": good("a")})
    told = [each for each in validate(tmp_path).diagnostics if each.code == "account-spelling"]
    assert [each.source.line if each.source else None for each in told] == [4]


def test_two_hosts_of_one_account_are_told(tmp_path: Path) -> None:
    text = (
        "version: 1\nenvironments:\n  test: {account: a, base_url: 'http://localhost:8080'}\n"
        "  other: {account: a, base_url: 'http://127.0.0.1:8080'}\n  more: {account: a}\n"
    )
    write(tmp_path, {"omnictl.yaml": text, "scenarios/a.yaml": good("a")})
    told = [each.source.line for each in validate(tmp_path).diagnostics if each.code == "account-hosts" and each.source]
    assert told == [4]


def test_one_account_has_one_default_however_its_host_is_spelled(tmp_path: Path) -> None:
    text = f"version: 1\nenvironments:\n  test: {{account: a, base_url: '{ONE}'}}\n  other: {{account: a}}\n"
    write(tmp_path, {"omnictl.yaml": text, "scenarios/a.yaml": good("a", "default: true\n")})
    assert "shared-default" in {each.code for each in validate(tmp_path).diagnostics}
