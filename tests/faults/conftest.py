"""The launcher of the processes that die."""

from collections.abc import Iterator

import pytest

from tests.faults.stage import Launcher, launching


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    """Start one launcher for all tests of a worker."""
    with launching() as started:
        yield started
