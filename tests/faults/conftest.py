"""The launcher of the processes that die; these tests need fork, and are left out where there is none."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.faults.stage import Launcher

collect_ignore_glob = [] if hasattr(os, "fork") else ["test_*.py"]


@pytest.fixture(scope="session")
def launcher() -> "Iterator[Launcher]":
    """Start one launcher for all tests of a worker."""
    from tests.faults.stage import launching

    with launching() as started:
        yield started
