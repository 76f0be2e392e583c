"""``omnictl explain``: diagnostics, guards, fields and exit codes, offline."""

from pathlib import Path

import pytest

from tests.e2e.running import omnictl


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("3", "exit code 3\nrefused; changed nothing"),
        ("unmanaged-twin", "guard unmanaged-twin\n"),
        ("unmanaged-twin", "--allow unmanaged-twin=ID"),
        ("mass-change", "--allow mass-change=all"),
        ("stale-plan", "stale-plan\nA saved plan names"),
        ("lifecycle.manage", "lifecycle.manage, in scenario files: one of apply, observe\n"),
        ("environments.budgets.create.limit", "in omnictl.yaml: a whole number"),
        ("import", "import, in scenario files: a text or a mapping\n"),
        ("version", "version, in omnictl.yaml: 1"),
    ],
)
def test_what_is_said(project: Path, subject: str, said: str) -> None:
    ran = omnictl("explain", subject)
    assert ran.code == 0
    assert said in ran.out


def test_all_of_it_is_listed(project: Path) -> None:
    lines = omnictl("explain").out.splitlines()
    assert [each for each in lines if not each.startswith(" ")] == ["exit codes", "guards", "fields", "diagnostics"]
    assert {"  141", "  default-change", "  flow.channel", "  no-api"} <= set(lines)


@pytest.mark.parametrize(("subject", "hint"), [("unmanged-twin", "did you mean unmanaged-twin?"), ("140", "listed by")])
def test_an_unknown_subject_is_wrong_usage(project: Path, subject: str, hint: str) -> None:
    ran = omnictl("explain", subject)
    assert ran.code == 64
    assert hint in ran.err
