"""The sandbox of a test."""

from collections.abc import Iterator

import pytest

from tests.unit.sandbox.caller import Caller


@pytest.fixture
def caller() -> Iterator[Caller]:
    """A sandbox in memory and a client of it."""
    made = Caller()
    yield made
    made.world.close()
