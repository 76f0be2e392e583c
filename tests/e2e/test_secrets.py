"""A canary planted where a credential comes from appears in nothing that omnictl says or writes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from omnictl.sandbox.store import World
from tests.e2e.running import omnictl
from tests.served import served

CANARY = "canary0123456789abcdef"


@pytest.fixture
def base_url() -> Iterator[str]:
    """The address of a sandbox that accepts the canary alone."""
    world = World(None)
    with served(world, (CANARY,)) as url:
        yield url
    world.close()


@pytest.mark.parametrize(
    ("names", "accepted"),
    [
        ({"INFOBIP_API_KEY": CANARY}, True),
        ({"INFOBIP_TOKEN": CANARY}, True),
        ({"INFOBIP_API_KEY": CANARY + "-wrong"}, False),
        ({"INFOBIP_USERNAME": "user-" + CANARY, "INFOBIP_PASSWORD": CANARY}, False),
    ],
)
def test_canary_appears_nowhere(
    project: Path, base_url: str, monkeypatch: pytest.MonkeyPatch, names: dict[str, str], accepted: bool
) -> None:
    monkeypatch.setenv("INFOBIP_BASE_URL", base_url)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    omnictl("init")
    said = []
    for arguments in (
        ("plan", "-v", "--out", "plan.json", "--report", "markdown=plan.md"),
        ("apply", "--yes", "--log-format", "json", "-vv"),
        ("plan", "--format", "json"),
        ("doctor",),
        ("state", "list"),
    ):
        ran = omnictl(*arguments)
        said.append(ran.out + ran.err)
        if arguments[0] in ("plan", "apply"):
            assert ran.code == (0 if accepted else 5)
    assert CANARY not in "".join(said)
    for path in project.rglob("*"):
        if path.is_file():
            assert CANARY not in path.read_text(errors="replace"), path


def test_a_credential_in_the_settings_is_refused_unseen(project: Path) -> None:
    secret = "0123456789abcdef0123456789abcdef-01234567-89ab-cdef-0123-456789abcdef"
    (project / "omnictl.yaml").write_text(f"version: 1\nenvironments:\n  a:\n    account: {secret}\n")
    ran = omnictl("validate")
    assert ran.code == 1
    assert "secret-in-file" in ran.err
    assert secret not in ran.out + ran.err
