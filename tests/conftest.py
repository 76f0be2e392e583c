"""What no test may touch: the network, the home directory, the real environment."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import settings

from omnictl.sandbox.store import World

_KEPT = ("PATH", "TMPDIR", "TEMP", "SYSTEMROOT", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


# The machine is shared: no test fails for its slowness. In a pipeline the examples are the same each time, so that a
# change is judged by what it does; whoever runs the tests at home explores.
settings.register_profile("omnictl", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("omnictl")


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give every test an empty home and an environment with nothing of ours in it."""
    for name in list(os.environ):
        if name not in _KEPT and not name.startswith(("PYTEST", "COV_", "PYTHON", "OMNICTL_GOLDEN", "VIRTUAL_ENV")):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LANG", "C.UTF-8")
    yield
    assert not list(home.iterdir()), "something was written into the home directory"


@pytest.fixture(autouse=True)
def closed_worlds() -> Iterator[None]:
    """Close every world that a test opened: a newer Python takes what is left open for a leak."""
    opened: list[World] = []
    original = World.__init__

    def remember(world: World, path: Path | None) -> None:
        original(world, path)
        opened.append(world)

    with patch.object(World, "__init__", remember):
        yield
    for each in opened:
        each.close()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty project directory, entered."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
