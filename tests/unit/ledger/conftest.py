"""Ledgers that are closed when their test ends."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from omnictl.ledger.sqlite import SqliteLedger
from tests.unit.ledger.rows import run_of

Opening = Callable[..., SqliteLedger]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ledger lies."""
    return tmp_path / "kept" / "production.db"


@pytest.fixture
def opening(path: Path) -> Iterator[Opening]:
    """Open the ledger as a process of its own would."""
    opened: list[SqliteLedger] = []

    def make(at: Path = path, **options: Any) -> SqliteLedger:
        opened.append(SqliteLedger(at, **{"environment": "production", "busy_seconds": 0.2, **options}))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def ledger(opening: Opening) -> SqliteLedger:
    """Return a new ledger with one run."""
    made = opening()
    made.begin_run(run_of())
    return made
