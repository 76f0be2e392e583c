"""A served sandbox for the tests that need a real connection."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from omnictl.sandbox.behaviour import Behaviour
from omnictl.sandbox.faults import parse_fault
from omnictl.sandbox.store import World
from tests.served import served

ServeSandbox = Callable[..., World]


@pytest.fixture
def serve_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServeSandbox]:
    """Serve sandboxes on free ports, ``serve_sandbox("create:cut-after", put="merge")``; returns the world.

    The base URL and a key of the last one are in the environment.
    """
    with ExitStack() as stack:

        def start(*faults: str, **switches: object) -> World:
            world = World(None)
            stack.callback(world.close)
            world.behaviour = Behaviour(**switches)  # type: ignore[arg-type]
            for each in faults:
                world.add_fault(parse_fault(each))
            monkeypatch.setenv("INFOBIP_BASE_URL", stack.enter_context(served(world)))
            monkeypatch.setenv("INFOBIP_API_KEY", "key")
            return world

        yield start
