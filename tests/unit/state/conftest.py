"""A state file of its own for each test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from omnictl.state.local.backend import LocalBackend

MakeBackend = Callable[[], LocalBackend]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state lies; nothing is there yet."""
    return tmp_path / "state" / "production.json"


@pytest.fixture
def make_backend(tmp_path: Path, path: Path) -> MakeBackend:
    """Make backends of one state, as consecutive runs do."""
    return lambda: LocalBackend(path, work_dir=tmp_path / ".omnictl", environment="production")


@pytest.fixture
def backend(make_backend: MakeBackend) -> LocalBackend:
    return make_backend()
