"""A sandbox served on a free port of this machine, for the tests that need a real connection."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from omnictl.sandbox.app import Sandbox
from omnictl.sandbox.server import serve
from omnictl.sandbox.store import World


@contextmanager
def served(world: World, api_keys: Sequence[str] = (), *, push_secret: str | None = None) -> Iterator[str]:
    """Serve a world; yields the base URL."""
    stop, ready = threading.Event(), threading.Event()
    found: list[str] = []

    def on_ready(url: str) -> None:
        found.append(url)
        ready.set()

    app = Sandbox(world, api_keys, push_secret=push_secret)
    settings = {"on_ready": on_ready, "stop": stop, "on_tick": app.catch_up}
    thread = threading.Thread(target=serve, args=(app, "127.0.0.1", 0), kwargs=settings, daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield found[0]
    finally:
        stop.set()
        thread.join(5)
