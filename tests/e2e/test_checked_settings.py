"""What ``validate`` finds beside the files of scenarios: the places of states, and the file of what is let be."""

from pathlib import Path

import pytest

from tests.e2e.running import omnictl
from tests.projects import good, write

CANARY = "hunter2-canary"


@pytest.mark.parametrize(
    "place",
    [
        f"postgresql://host/db/n?password={CANARY}",
        f"postgresql://u:1/{CANARY}@host/db/n",
        f"https://host/x?token={CANARY}",
        f"s3://b/x?secret_access_key={CANARY}",
        f"s3://b/x?endpoint=https://AKID:1/{CANARY}@h",
        f"u:1/{CANARY}@host/x",
        f"Endpoint=x;AccountKey={CANARY}",
    ],
)
def test_a_credential_in_the_place_of_a_state_fails_and_is_not_shown(project: Path, place: str) -> None:
    settings = f'version: 1\nenvironments:\n  test:\n    state: "{place}"\n'
    write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": good("a")})
    for words in ((), ("--format", "json"), ("--format", "sarif"), ("--format", "github")):
        ran = omnictl("validate", *words)
        assert ran.code == 1, ran.out
        assert "omnictl.yaml" in ran.out + ran.err
        assert CANARY not in ran.out + ran.err


def test_a_place_that_can_be_used_passes(project: Path) -> None:
    settings = "version: 1\nenvironments:\n  test:\n    state: s3://bucket/omnictl/\n  other:\n    state: kept/x.json\n"
    write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": good("a")})
    assert omnictl("validate").code == 0


def test_a_mistake_in_the_ignore_file_fails_where_all_is_checked(project: Path) -> None:
    write(project, {"scenarios/a.yaml": good("a"), ".omnictlignore": "!keep\n"})
    ran = omnictl("validate")
    assert (ran.code, "wrong-ignore-line" in ran.err) == (1, True)
    assert omnictl("validate", "scenarios").code == 0
